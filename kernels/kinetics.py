"""Butler-Volmer kinetics behind a resistive film, at surface elements and at the counter electrode.

    j_Li = j0 (c/c_ref)^m { exp(a_c f z) - exp(-a_a f z) },   z = u - j R - gamma V_m K / F,   u = phi - phi_s
    j    = j_Li + j_side                                            (docs/theory.md, kinetics)
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from phasefield.kernels._jit import kernel, parallel_kernel, prange

LARGEST_EXPONENT = 300.0  # exp(300) = 2e130: far beyond any current, still finite when squared
NEWTON_STEPS = 60
LEAST_SALT = 1e-150  # mol/m^3: ln c_s has no bound, its exponential must not be 0
LAST = 0.02  # of an element's mean: salt at the surface up to which it follows the line through the electrolyte
FEW = -2.3  # ln c_s/c_e to start from where the guess would take nearly all
UPWARD = 3.0  # in ln c_s, in one Newton step: what is stripped rises with its exponential
ALMOST = 1e-9  # a Newton step so small (relative) has doubled the digits and was the last that counts
NEARLY = 1e-6  # a Halley step so small has tripled them


class Kinetics(NamedTuple):
    """Coefficients of one electrode: j0 [A/m^2], f = F/RT [1/V], a_a, a_c, order m, c_ref [mol/m^3]."""

    j0: float
    f: float
    a_a: float
    a_c: float
    order: float
    c_ref: float


@kernel
def butler_volmer_behind_film(u, c, R, j_side, guess, P):  # type: ignore[no-untyped-def]
    """Return j, dj/du, dj/dc and j_Li for the driving voltage u [V] (without its Gibbs-Thomson part).

    Solves z + R j_Li(z) = u - R j_side by Halley's steps, Newton's with the curvature: from a guess of j [A/m^2], or
    (guess nan) from outside the root, where the iteration is monotone; a step from anywhere leads there. c [mol/m^3]
    > 0; R [ohm m^2] >= 0; j_side [A/m^2].
    """
    k0 = P.j0 * (np.sqrt(c / P.c_ref) if P.order == 0.5 else (c / P.c_ref) ** P.order)  # a root is cheaper
    target = u - R * j_side
    rate = P.a_c * P.f if target >= 0.0 else P.a_a * P.f
    bound = min(abs(target), LARGEST_EXPONENT / rate)
    if R * k0 > abs(target):  # j_Li(1/rate) > k0 would take more than all of it
        bound = min(bound, 1.0 / rate)
    elif R * k0 > 0.0:
        bound = min(bound, np.log1p(abs(target) / (R * k0)) / rate)
    low, high = (0.0, bound) if target >= 0.0 else (-bound, 0.0)
    z = target - R * (guess - j_side)
    if not low <= z <= high:
        z = high if target >= 0.0 else low
    b, slope = 0.0, 0.0
    for _ in range(NEWTON_STEPS):
        up = k0 * np.exp(P.a_c * P.f * z)
        down = k0 * k0 / up if P.a_a == P.a_c else k0 * np.exp(-P.a_a * P.f * z)
        b = up - down
        slope = P.f * (P.a_c * up + P.a_a * down)
        bend = P.f**2 * (P.a_c**2 * up - P.a_a**2 * down)
        off, rise = z + R * b - target, 1.0 + R * slope
        new = min(max(z - off * rise / (rise * rise - 0.5 * off * R * bend), low), high)
        step = new - z
        z = new
        b += (slope + 0.5 * bend * step) * step
        slope += bend * step
        if abs(step) <= NEARLY * (abs(z) + abs(target)):
            break
    part = 1.0 / (1.0 + R * slope)
    return b + j_side, slope * part, P.order * b / c * part, b


@kernel
def _passed(z, most):  # type: ignore[no-untyped-def]
    """Return c_s/c = exp(z) and the current that leaves it; most: what would leave none on the line c - gain j."""
    bend = np.log(LAST)
    if z > bend:
        less = np.expm1(z)
        return 1.0 + less, -most * less
    return np.exp(z), most * (1.0 - LAST * (1.0 + z - bend))


@kernel
def _behind_salt(u, c, gain, bound, c_0, R, j_side, guess, P):  # type: ignore[no-untyped-def]
    """The same where the reaction is at c_s = c - gain j and feels u + bound ln(c_s/c_0): j, by u, c, gain, and j_Li.

    One equation in z = ln(c_s/c), in which it is nearly linear, also where almost no salt is left. Below `LAST` of c
    the line c - gain j is left, and ln c_s falls linearly with j: each current has its voltage.
    """
    most, level = c / gain, np.log(c / c_0)
    z, low, high = 0.0, -np.inf, np.inf
    if guess < 0.9 * most:
        z = np.log1p(-guess / most)
    elif guess == guess:
        z = FEW
    for _ in range(NEWTON_STEPS):
        left, value = _passed(z, most)
        c_s = max(c * left, LEAST_SALT)
        give = most * max(left, LAST)  # -dj/dz
        got, slope, by_c, _li = butler_volmer_behind_film(u + bound * (z + level), c_s, R, j_side, value, P)
        rise = give + slope * bound + by_c * c_s
        off = got - value  # rises with z
        if off > 0.0:
            high = min(high, z)
        else:
            low = max(low, z)
        new = z - off / rise
        if new > z + UPWARD:
            new = z + UPWARD if high == np.inf else min(new, high)
        last = abs(new - z) <= ALMOST * abs(z) or abs(off) <= 1e-15 * abs(value)
        if not last and not low < new < high:
            new = 0.5 * (low + high) if low > -np.inf and high < np.inf else z - np.sign(off) * max(1.0, abs(z))
        z = new
        if last:
            break
    with_z = slope * bound + by_c * c_s
    _left, j = _passed(z, most)
    return j, slope * give / rise, with_z / c * ((j + give) / rise), -j * with_z / (gain * rise), j - j_side


@parallel_kernel
def surface_currents(j, J, Jc, Jg, j_li, u, c, gain, bound, c_0, R, j_side, active, P):  # type: ignore[no-untyped-def]
    """The current of the elements, which feel u[e] = psi - phi_s - gamma V_m K / F [V]. Dead elements: 0.

    The reaction is at the salt c_s = c[e] - gain[e] j and feels u + bound[e] ln(c_s/c_0). Jc, Jg: by c and gain. j on
    entry is the guess; nan: none.
    """
    for e in prange(u.size):
        if active[e] == 0:
            j[e], J[e], Jc[e], Jg[e], j_li[e] = 0.0, 0.0, 0.0, 0.0, 0.0
        elif gain[e] > 0.0:
            j[e], J[e], Jc[e], Jg[e], j_li[e] = _behind_salt(
                u[e], c[e], gain[e], bound[e], c_0, R[e], j_side[e], j[e], P
            )
        else:
            j[e], J[e], Jc[e], j_li[e] = butler_volmer_behind_film(
                u[e] + bound[e] * np.log(c[e] / c_0), c[e], R[e], j_side[e], j[e], P
            )
            Jc[e] += J[e] * bound[e] / c[e]
            Jg[e] = -j[e] * Jc[e]


@parallel_kernel
def counter_currents(j, J, Jc, phi, c, kappa, D, h, beta, flux, R_film, dx, P):  # type: ignore[no-untyped-def]
    """Current density j [A/m^2] that each top cell receives from the counter electrode, -dj/dphi and -dj/dc.

    The half cell up to the plane is in series with the film; c at the plane follows from the salt flux
    (1 - t+) j / F, flux = (1 - t+)/F; beta [V] is the diffusion potential's 2 RT/F (1 - t+) X; both at c. One
    equation in j, solved by Newton between bounds: while lithium is stripped, j stays above what would take the
    plane's last salt.
    j on entry is the guess.
    """
    for y in prange(j.shape[0]):
        for x in range(j.shape[1]):
            here = c[y, x]
            gain = 0.5 * dx * flux[y, x] / D[y, x]  # d c_plane / d j
            R = R_film + 0.5 * dx / kappa[y, x]
            low = -here / gain if gain > 0.0 else -np.inf
            high = np.inf
            value = max(j[y, x] / h[y, x] if h[y, x] > 0.0 else 0.0, 0.5 * low)
            total = 1.0
            slope = 0.0
            with_c = 0.0
            for _ in range(NEWTON_STEPS):
                surface = here + gain * value
                got, slope, by_c, _ = butler_volmer_behind_film(
                    phi[y, x] + beta[y, x] * np.log(surface / here), surface, R, 0.0, -value, P
                )
                off = value + got
                total = 1.0 + gain * (slope * beta[y, x] / surface + by_c)
                with_c = slope * beta[y, x] * (1.0 / surface - 1.0 / here) + by_c
                if off > 0.0:
                    high = value
                else:
                    low = value
                new = value - off / total
                last = abs(new - value) <= ALMOST * (abs(value) + P.j0)
                if not last and not low < new < high:
                    new = 0.5 * (low + high) if high < np.inf else 2.0 * abs(value) + P.j0
                value = new
                if last:
                    break
            j[y, x] = value * h[y, x]
            J[y, x] = slope / total * h[y, x]
            Jc[y, x] = with_c / total * h[y, x]
