"""The Allen-Cahn law of the published models: rates of xi, its reaction, and cations in the field, on the whole grid.

    xi_t = -L_s (W g'(xi) - k lap xi) + reaction,   g = xi^2 (1 - xi)^2           (docs/theory.md, the published law)

xi = 1 in lithium. Ends along z, and sides that are not periodic, are mirrored: nothing passes.
"""

from __future__ import annotations

import numpy as np

from phasefield.kernels._jit import kernel, parallel_kernel, prange

LARGEST_EXPONENT = 300.0  # as in `kinetics`: far beyond any current, still finite


@kernel
def _relax_row(out, xi, L, k, j, barrier, stiffness):  # type: ignore[no-untyped-def]
    """Write the rate of one row: see `relax`."""
    row, to = xi[k, j], out[k, j]
    below, above, before, behind = xi[L.zm[k], j], xi[L.zp[k], j], xi[k, L.ym[j]], xi[k, L.yp[j]]
    last = row.size - 1
    for i in range(row.size):
        mid = row[i]
        well = 2.0 * mid * (1.0 - mid) * (1.0 - 2.0 * mid)
        across = (below[i] - mid) + (above[i] - mid) + (before[i] - mid) + (behind[i] - mid)
        to[i] = stiffness * across - barrier * well
    for i in range(1, last):
        to[i] += stiffness * ((row[i - 1] - row[i]) + (row[i + 1] - row[i]))
    for i in (0, last):
        to[i] += stiffness * ((row[L.xm[i]] - row[i]) + (row[L.xp[i]] - row[i]))


@parallel_kernel
def relax(out, xi, L, barrier, stiffness):  # type: ignore[no-untyped-def]
    """out = stiffness dx^2 lap xi - barrier g'(xi), with barrier = L_s W [1/s] and stiffness = L_s k/dx^2 [1/s]."""
    for k in prange(xi.shape[0]):
        for j in range(xi.shape[1]):
            _relax_row(out, xi, L, k, j, barrier, stiffness)


@parallel_kernel
def add(out, xi, a, first, b, second):  # type: ignore[no-untyped-def]
    """out = xi + a first + b second."""
    for k in prange(xi.shape[0]):
        for j in range(xi.shape[1]):
            to, row, one, two = out[k, j], xi[k, j], first[k, j], second[k, j]
            for i in range(row.size):
                to[i] = row[i] + a * one[i] + b * two[i]


@parallel_kernel
def blend(h, slope, xi):  # type: ignore[no-untyped-def]
    """h = xi^3 (6 xi^2 - 15 xi + 10) and slope = h'; xi outside 0..1 counts as 0 or 1."""
    for k in prange(xi.shape[0]):
        for j in range(xi.shape[1]):
            row, to_h, to_slope = xi[k, j], h[k, j], slope[k, j]
            for i in range(row.size):
                s = min(max(row[i], 0.0), 1.0)
                to_h[i] = s**3 * (s * (6.0 * s - 15.0) + 10.0)
                to_slope[i] = 30.0 * (s * (1.0 - s)) ** 2


@parallel_kernel
def reaction(gain, loss, slope, pores, psi, U, exchange, a_c, a_a, c0):  # type: ignore[no-untyped-def]
    """Reaction of the published law, gain c - loss [1/s], phi = psi - U; a_c, a_a with F/RT [1/V].

    gain = L_e h' (1 - h)/c0 exp(-a_c phi),   loss = L_e h' exp(a_a phi)
    """
    for k in prange(psi.shape[0]):
        for j in range(psi.shape[1]):
            row, free, here, more, less = slope[k, j], pores[k, j], psi[k, j], gain[k, j], loss[k, j]
            for i in range(row.size):
                phi = here[i] - U
                more[i] = exchange * row[i] * free[i] / c0 * np.exp(min(-a_c * phi, LARGEST_EXPONENT))
                less[i] = exchange * row[i] * np.exp(min(a_a * phi, LARGEST_EXPONENT))


@kernel
def _migrate_row(b, phi, c, gx, gy, gz, L, k, j, f):  # type: ignore[no-untyped-def]
    """Add what migrates into the cells of one row: see `migrate`."""
    jm, jp, top = L.ym[j], L.yp[j], phi.shape[0] - 1
    for i in range(phi.shape[2]):
        im, ip = L.xm[i], L.xp[i]
        p, q = phi[k, j, i], c[k, j, i]
        s = gx[k, j, i] * (q + c[k, j, ip]) * (phi[k, j, ip] - p)
        s += gy[k, j, i] * (q + c[k, jp, i]) * (phi[k, jp, i] - p)
        if im != i:
            s += gx[k, j, im] * (q + c[k, j, im]) * (phi[k, j, im] - p)
        if jm != j:
            s += gy[k, jm, i] * (q + c[k, jm, i]) * (phi[k, jm, i] - p)
        if k < top:
            s += gz[k, j, i] * (q + c[k + 1, j, i]) * (phi[k + 1, j, i] - p)
        if k > 0:
            s += gz[k - 1, j, i] * (q + c[k - 1, j, i]) * (phi[k - 1, j, i] - p)
        b[k, j, i] += 0.5 * f * s


@parallel_kernel
def migrate(b, phi, c, gx, gy, gz, L, f):  # type: ignore[no-untyped-def]
    """b += div(g f c grad phi) over each cell: cations that the field moves; g: faces of the diffusion."""
    for k in prange(phi.shape[0]):
        for j in range(phi.shape[1]):
            _migrate_row(b, phi, c, gx, gy, gz, L, k, j, f)
