"""Transport of charge and salt on the grid: face coefficients, fluxes, their derivatives, and sums.

Face arrays follow docs/design.md: gx[k, j, i] couples i and i + 1.

    I = g (psi_b - psi_a),   g = h kappa(c_f) dx,   psi = phi - beta ln(c/c_0)      (9), from a face into its first cell
    N = h D dx (c_b - c_a) - Q (c_a + c_b)/2                                        (10), likewise

c_f is the logarithmic mean (c_b - c_a)/ln(c_b/c_a): where kappa is in proportion to c, the resistance of a linear
profile between two centres, and the diffusion potential over it, are exact, also towards a cell without salt.
"""

from __future__ import annotations

import numpy as np

from ._jit import kernel, parallel_kernel, prange

SERIES = 1e-2  # of ((a - b)/(a + b))^2: below it a series is good to 1e-9
STEEP = 0.5  # of (a - b)/(a + b), ratio 3: the emptier cell hardly rules the mean, and its derivative is left out
TINY = 1e-300  # keeps 0/0 of two cells of lithium from being formed


@kernel
def _segment(c, at):  # type: ignore[no-untyped-def]
    """Number of the segment of a table over `at` that c lies in; the end segments are prolonged."""
    s = 0
    for t in range(1, at.size - 1):
        if c > at[t]:
            s = t
    return s


@kernel
def table_slope(c, at, values):  # type: ignore[no-untyped-def]
    """Slope of the table `values` over `at` at c."""
    s = _segment(c, at)
    return (values[s + 1] - values[s]) / (at[s + 1] - at[s])


@kernel
def interpolate(c, at, values):  # type: ignore[no-untyped-def]
    """Piecewise-linear table `values` over `at`, its end segments prolonged."""
    s = _segment(c, at)
    a = (c - at[s]) / (at[s + 1] - at[s])
    return (1.0 - a) * values[s] + a * values[s + 1]


@kernel
def _row_faces(g, h, c, h2, c2, factor, at, values, level, slope, least):  # type: ignore[no-untyped-def]
    """Faces between the cells of a row and those of another one: see `faces`. K(c) = level + slope c if linear."""
    if at.size == 2:
        for i in range(g.size):
            a, b = h[i], h2[i]
            g[i] = 0.5 * factor * ((a + b) * level + slope * (a * max(c[i], least) + b * max(c2[i], least)))
    else:
        for i in range(g.size):
            a, b = h[i], h2[i]
            mean = (a * max(c[i], least) + b * max(c2[i], least)) / max(a + b, TINY)
            g[i] = 0.5 * factor * (a + b) * interpolate(mean, at, values)


@parallel_kernel
def faces(gx, gy, gz, h, c, at, values, least, factor, L, periodic, k0):  # type: ignore[no-untyped-def]
    """g = factor (h_a + h_b)/2 K(c_f), with K(c) the table `values` over `at` [mol/m^3].

    c_f = (h_a c_a + h_b c_b)/(h_a + h_b): in the interface the electrolyte's side counts. A c below `least` counts as
    that much. Planes below k0 are lithium.
    """
    nz, ny, nx = h.shape
    slope = (values[1] - values[0]) / (at[1] - at[0])
    level = values[0] - slope * at[0]
    for k in prange(nz):
        if k < k0:
            gx[k] = 0.0
            gy[k] = 0.0
            gz[k] = 0.0
            continue
        for j in range(ny):
            row, row_c, to = h[k, j], c[k, j], gx[k, j]
            if nx > 1:
                _row_faces(to[:-1], row[:-1], row_c[:-1], row[1:], row_c[1:], factor, at, values, level, slope, least)
                last = slice(nx - 1, nx)
                if periodic:
                    _row_faces(
                        to[last], row[last], row_c[last], row[:1], row_c[:1], factor, at, values, level, slope, least
                    )
                else:
                    to[nx - 1] = 0.0
            else:
                to[0] = 0.0
            if ny > 1 and (periodic or j < ny - 1):
                _row_faces(gy[k, j], row, row_c, h[k, L.yp[j]], c[k, L.yp[j]], factor, at, values, level, slope, least)
            else:
                gy[k, j] = 0.0
            if k < nz - 1:
                _row_faces(gz[k, j], row, row_c, h[k + 1, j], c[k + 1, j], factor, at, values, level, slope, least)
            else:
                gz[k, j] = 0.0


@kernel
def logarithmic_mean(a, b):  # type: ignore[no-untyped-def]
    """(a - b)/ln(a/b) of two positive concentrations, and its derivatives by a and by b."""
    t = (a - b) / (a + b)
    m = 0.5 * (a + b)
    s = t * t
    if s < SERIES:  # t/artanh(t)
        f = 1.0 - s * (1.0 / 3.0 + s * (4.0 / 45.0 + s * 44.0 / 945.0))
        df = -(1.0 / 3.0 + s * (8.0 / 45.0 + s * 132.0 / 945.0)) * t  # half the derivative by t
        by_t = m * 2.0 * df
        return m * f, 0.5 * f + by_t * b / (2.0 * m * m), 0.5 * f - by_t * a / (2.0 * m * m)
    log = np.log(a / b)
    L = (a - b) / log
    da = (1.0 - L / a) / log if t > -STEEP else 0.0
    db = (L / b - 1.0) / log if t < STEEP else 0.0
    return L, da, db


@kernel
def _row_conduction(current, g, ga, gb, h, c, psi, h2, c2, psi2, half, at, values, least):  # type: ignore[no-untyped-def]
    """Faces between the cells of a row and those of another one: see `conduction`; half: dx/2.

    First all faces by the series of the mean, which a processor takes several at a time, then those that it is not good
    enough for.
    """
    slope = (values[1] - values[0]) / (at[1] - at[0])
    level = values[0] - slope * at[0]
    linear = at.size == 2
    rest = 0
    for i in range(g.size):
        H = half * (h[i] + h2[i])
        a, b = c[i], c2[i]
        m = 0.5 * (a + b)
        t = 0.5 * (a - b) / m
        s = t * t
        f = 1.0 - s * (1.0 / 3.0 + s * (4.0 / 45.0 + s * 44.0 / 945.0))
        df = (1.0 / 3.0 + s * (8.0 / 45.0 + s * 132.0 / 945.0)) * t / m
        K = H * (level + slope * m * f)
        drop = psi2[i] - psi[i]
        current[i] = K * drop
        g[i] = K
        ga[i] = H * slope * drop * (0.5 * f - df * b)
        gb[i] = H * slope * drop * (0.5 * f + df * a)
        rest += (s > SERIES) | (m * f < least)
    if linear and rest == 0:
        return
    for i in range(g.size):
        a, b = c[i], c2[i]
        H = half * (h[i] + h2[i])
        if H == 0.0:
            continue
        mean, da, db = logarithmic_mean(a, b)
        if linear and mean >= least and (a - b) ** 2 <= SERIES * (a + b) ** 2:
            continue
        steep = 0.0
        if mean < least:
            mean = least
        else:
            steep = slope if linear else table_slope(mean, at, values)
        K = level + slope * mean if linear else interpolate(mean, at, values)
        drop = psi2[i] - psi[i]
        current[i] = H * K * drop
        g[i] = H * K
        ga[i] = H * steep * da * drop
        gb[i] = H * steep * db * drop


@parallel_kernel
def conduction(Ix, Iy, Iz, g, ga, gb, h, c, psi, at, values, least, L, periodic, k0):  # type: ignore[no-untyped-def]
    """Current I [A] of each face into its first cell, its conductance g and dI/dc of both cells.

    kappa(c) is the table `values` over `at` [mol/m^3]; a mean concentration below `least` counts as that much.
    g, ga, gb are (3, nz, ny, nx) float32: x, y, z. Planes below k0 are lithium.
    """
    nz, ny, nx = h.shape
    half = 0.5 * L.dx
    for k in prange(k0, nz):
        for j in range(ny):
            row, row_c, row_p = h[k, j], c[k, j], psi[k, j]
            if nx > 1:
                n = nx if periodic else nx - 1
                m = nx - 1
                _row_conduction(
                    Ix[k, j, :m], g[0, k, j, :m], ga[0, k, j, :m], gb[0, k, j, :m], row[:m], row_c[:m], row_p[:m],
                    row[1:], row_c[1:], row_p[1:], half, at, values, least,
                )
                if n == nx:
                    _row_conduction(
                        Ix[k, j, m:], g[0, k, j, m:], ga[0, k, j, m:], gb[0, k, j, m:], row[m:], row_c[m:],
                        row_p[m:], row[:1], row_c[:1], row_p[:1], half, at, values, least,
                    )
            if ny > 1 and (periodic or j < ny - 1):
                jp = L.yp[j]
                _row_conduction(
                    Iy[k, j], g[1, k, j], ga[1, k, j], gb[1, k, j], row, row_c, row_p, h[k, jp], c[k, jp],
                    psi[k, jp], half, at, values, least,
                )
            if k < nz - 1:
                _row_conduction(
                    Iz[k, j], g[2, k, j], ga[2, k, j], gb[2, k, j], row, row_c, row_p, h[k + 1, j], c[k + 1, j],
                    psi[k + 1, j], half, at, values, least,
                )


@kernel
def opened(h, least):  # type: ignore[no-untyped-def]
    """0 up to `least` electrolyte, 1 from twice as much on, smoothly."""
    s = min(max(h / least - 1.0, 0.0), 1.0)
    return s * s * (3.0 - 2.0 * s)


@parallel_kernel
def shut(a, h, least, L, k0):  # type: ignore[no-untyped-def]
    """Close all faces, (3, nz, ny, nx), of cells with less than `least` electrolyte, as far as they are not `opened`."""
    for k in prange(k0, h.shape[0]):
        for j in range(h.shape[1]):
            here, behind, above = h[k, j], h[k, L.yp[j]], h[L.zp[k], j]
            for i in range(here.size):
                own = opened(here[i], least)
                a[0, k, j, i] *= own * opened(here[L.xp[i]], least)
                a[1, k, j, i] *= own * opened(behind[i], least)
                a[2, k, j, i] *= own * opened(above[i], least)


@parallel_kernel
def with_anions(ga, gb, g, c, anion, L, k0):  # type: ignore[no-untyped-def]
    """Make dI/dc at fixed psi, ga and gb, that at fixed psi - anion ln c: psi goes with c."""
    for k in prange(k0, c.shape[0]):
        for j in range(c.shape[1]):
            here, behind, above = c[k, j], c[k, L.yp[j]], c[L.zp[k], j]
            for i in range(here.size):
                own = anion / here[i]
                ga[0, k, j, i] -= g[0, k, j, i] * own
                ga[1, k, j, i] -= g[1, k, j, i] * own
                ga[2, k, j, i] -= g[2, k, j, i] * own
                gb[0, k, j, i] += g[0, k, j, i] * anion / here[L.xp[i]]
                gb[1, k, j, i] += g[1, k, j, i] * anion / behind[i]
                gb[2, k, j, i] += g[2, k, j, i] * anion / above[i]


@parallel_kernel
def divergence(r, x, y, z, L, k0):  # type: ignore[no-untyped-def]
    """r = what the faces bring to each cell, from plane k0 up; x, y, z: flow of a face into its first cell."""
    nz, ny, nx = r.shape
    for k in prange(k0, nz):
        for j in range(ny):
            row, row_x, row_y, row_z = r[k, j], x[k, j], y[k, j], z[k, j]
            before, below = y[k, L.ym[j]], z[L.zm[k], j]
            in_y, in_z = 1.0 if L.ym[j] != j else 0.0, 1.0 if k > k0 else 0.0
            row[0] = (row_x[0] - row_x[nx - 1]) + (row_y[0] - in_y * before[0]) + (row_z[0] - in_z * below[0])
            for i in range(1, nx):
                row[i] = (row_x[i] - row_x[i - 1]) + (row_y[i] - in_y * before[i]) + (row_z[i] - in_z * below[i])


@kernel
def _salt_row(out, c, own, g, q, L, k, j):  # type: ignore[no-untyped-def]
    """One row of `salt_operator`."""
    nx = out.size
    jm, km = L.ym[j], L.zm[k]
    in_y, in_z = 0.5 if jm != j else 0.0, 0.5 if km != k else 0.0
    here, own_row = c[k, j], own[k, j]
    before, behind, below, above = c[k, jm], c[k, L.yp[j]], c[km, j], c[L.zp[k], j]
    gx, gy, gz, gy0, gz0 = g[0, k, j], g[1, k, j], g[2, k, j], g[1, k, jm], g[2, km, j]
    qx, qy, qz, qy0, qz0 = q[0, k, j], q[1, k, j], q[2, k, j], q[1, k, jm], q[2, km, j]
    for i in range(nx):
        mid = here[i]
        s = own_row[i] * mid
        s += gy0[i] * (mid - before[i]) + gy[i] * (mid - behind[i])
        s += gz0[i] * (mid - below[i]) + gz[i] * (mid - above[i])
        s += 0.5 * (qy[i] * (mid + behind[i]) + qz[i] * (mid + above[i]))
        s -= in_y * qy0[i] * (mid + before[i]) + in_z * qz0[i] * (mid + below[i])
        out[i] = s
    for i in range(1, nx - 1):
        mid, left, right = here[i], here[i - 1], here[i + 1]
        out[i] += gx[i - 1] * (mid - left) + gx[i] * (mid - right)
        out[i] += 0.5 * (qx[i] * (mid + right) - qx[i - 1] * (mid + left))
    if nx > 1:
        m = nx - 1
        for i, b, a in ((0, m, 1), (m, m - 1, 0)):
            mid, left, right = here[i], here[b], here[a]
            out[i] += gx[b] * (mid - left) + gx[i] * (mid - right)
            out[i] += 0.5 * (qx[i] * (mid + right) - qx[b] * (mid + left))


@parallel_kernel
def salt_operator(out, c, own, g, q, L, k0):  # type: ignore[no-untyped-def]
    """out = own c - div(g grad c) + div(q c): the linear part of (10), from plane k0 up.

    g, q (3, nz, ny, nx) float32: diffusion and displaced volume of the faces x, y, z, q out of their first cell.
    """
    for k in prange(k0, c.shape[0]):
        for j in range(c.shape[1]):
            _salt_row(out[k, j], c, own, g, q, L, k, j)


@parallel_kernel
def stiffen(to, g, theta, factor, L, k0):  # type: ignore[no-untyped-def]
    """to = g (1 + factor (theta_a + theta_b)/2) on the faces, (3, nz, ny, nx), from plane k0 up."""
    half = 0.5 * factor
    for k in prange(k0, theta.shape[0]):
        for j in range(theta.shape[1]):
            here, behind, above = theta[k, j], theta[k, L.yp[j]], theta[L.zp[k], j]
            for i in range(here.size):
                to[0, k, j, i] = g[0, k, j, i] * (1.0 + half * (here[i] + here[L.xp[i]]))
                to[1, k, j, i] = g[1, k, j, i] * (1.0 + half * (here[i] + behind[i]))
                to[2, k, j, i] = g[2, k, j, i] * (1.0 + half * (here[i] + above[i]))


@kernel
def _charge_row(out, psi, g, L, k, j):  # type: ignore[no-untyped-def]
    nx = out.size
    jm, km = L.ym[j], L.zm[k]
    here = psi[k, j]
    before, behind, below, above = psi[k, jm], psi[k, L.yp[j]], psi[km, j], psi[L.zp[k], j]
    gx, gy, gz, gy0, gz0 = g[0, k, j], g[1, k, j], g[2, k, j], g[1, k, jm], g[2, km, j]
    for i in range(nx):
        mid = here[i]
        out[i] += gy0[i] * (mid - before[i]) + gy[i] * (mid - behind[i])
        out[i] += gz0[i] * (mid - below[i]) + gz[i] * (mid - above[i])
    for i in range(1, nx - 1):
        mid = here[i]
        out[i] += gx[i - 1] * (mid - here[i - 1]) + gx[i] * (mid - here[i + 1])
    if nx > 1:
        m = nx - 1
        out[0] += gx[m] * (here[0] - here[m]) + gx[0] * (here[0] - here[1])
        out[m] += gx[m - 1] * (here[m] - here[m - 1]) + gx[m] * (here[m] - here[0])


@parallel_kernel
def charge_operator(out, psi, g, L, k0):  # type: ignore[no-untyped-def]
    """out -= div(g grad psi), from plane k0 up."""
    for k in prange(k0, psi.shape[0]):
        for j in range(psi.shape[1]):
            _charge_row(out[k, j], psi, g, L, k, j)


@parallel_kernel
def charge_of_salt(out, c, ga, gb, L, k0):  # type: ignore[no-untyped-def]
    """out = minus what a change c of the concentration brings by the faces' conductances, from plane k0 up [A]."""
    nz, ny, nx = c.shape
    for k in prange(k0, nz):
        for j in range(ny):
            jm, jp, km, kp = L.ym[j], L.yp[j], L.zm[k], L.zp[k]
            in_y, in_z = 1.0 if jm != j else 0.0, 1.0 if km != k else 0.0
            to, here, before, behind, below, above = out[k, j], c[k, j], c[k, jm], c[k, jp], c[km, j], c[kp, j]
            ax, ay, az, ay0, az0 = ga[0, k, j], ga[1, k, j], ga[2, k, j], ga[1, k, jm], ga[2, km, j]
            bx, by, bz, by0, bz0 = gb[0, k, j], gb[1, k, j], gb[2, k, j], gb[1, k, jm], gb[2, km, j]
            for i in range(nx):
                s = in_y * (ay0[i] * before[i] + by0[i] * here[i]) + in_z * (az0[i] * below[i] + bz0[i] * here[i])
                to[i] = s - (ay[i] * here[i] + by[i] * behind[i]) - (az[i] * here[i] + bz[i] * above[i])
            for i in range(nx):
                im, ip = L.xm[i], L.xp[i]
                if im != i:
                    to[i] += ax[im] * here[im] + bx[im] * here[i]
                to[i] -= ax[i] * here[i] + bx[i] * here[ip]


@kernel
def row_dot(a, b):  # type: ignore[no-untyped-def]
    """a . b of two rows in float64, in four chains: a single one waits for each addition."""
    s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
    whole = a.size // 4 * 4
    for i in range(0, whole, 4):
        s0 += np.float64(a[i]) * np.float64(b[i])
        s1 += np.float64(a[i + 1]) * np.float64(b[i + 1])
        s2 += np.float64(a[i + 2]) * np.float64(b[i + 2])
        s3 += np.float64(a[i + 3]) * np.float64(b[i + 3])
    for i in range(whole, a.size):
        s0 += np.float64(a[i]) * np.float64(b[i])
    return (s0 + s1) + (s2 + s3)


@parallel_kernel
def weighted_sum(partial, h, c):  # type: ignore[no-untyped-def]
    """Return sum(h c), one partial sum a plane, added in order."""
    for k in prange(h.shape[0]):
        s = 0.0
        for j in range(h.shape[1]):
            s += row_dot(h[k, j], c[k, j])
        partial[k] = s
    total = 0.0
    for k in range(h.shape[0]):
        total += partial[k]
    return total


@parallel_kernel
def extremes(partial, h, c, least):  # type: ignore[no-untyped-def]
    """Smallest and largest c where h > least; partial (nz, 2): what each plane has."""
    for k in prange(h.shape[0]):
        low, high = np.inf, -np.inf
        for j in range(h.shape[1]):
            row_h, row_c = h[k, j], c[k, j]
            for i in range(row_h.size):
                if row_h[i] > least:
                    low = min(low, row_c[i])
                    high = max(high, row_c[i])
        partial[k, 0], partial[k, 1] = low, high
    low, high = np.inf, -np.inf
    for k in range(h.shape[0]):
        low, high = min(low, partial[k, 0]), max(high, partial[k, 1])
    return low, high


@parallel_kernel
def largest_change(partial, h, new, old, floor, c_0):  # type: ignore[no-untyped-def]
    """Largest relative change of c in cells of electrolyte (h > 1/2); partial (nz): that of each plane.

    A fall counts against max(old, floor), a rise against max(new, c_0): where a current reverses out of starvation
    salt comes back from almost nothing within any step, and no current answers to that by much.
    """
    for k in prange(h.shape[0]):
        worst = 0.0
        for j in range(h.shape[1]):
            row_h, row_n, row_o = h[k, j], new[k, j], old[k, j]
            for i in range(row_h.size):
                if row_h[i] > 0.5:
                    rise = row_n[i] - row_o[i]
                    size = max(row_n[i], c_0) if rise > 0.0 else max(row_o[i], floor)
                    worst = max(worst, abs(rise) / size)
        partial[k] = worst
    worst = 0.0
    for k in range(h.shape[0]):
        worst = max(worst, partial[k])
    return worst


@parallel_kernel
def flow(q, p, g, L, k0):  # type: ignore[no-untyped-def]
    """q = g (p_a - p_b): what flows through each face out of its first cell; g, q (3, nz, ny, nx)."""
    for k in prange(max(k0 - 1, 0), p.shape[0]):
        for j in range(p.shape[1]):
            here, behind, above = p[k, j], p[k, L.yp[j]], p[L.zp[k], j]
            for i in range(here.size):
                q[0, k, j, i] = g[0, k, j, i] * (here[i] - here[L.xp[i]])
                q[1, k, j, i] = g[1, k, j, i] * (here[i] - behind[i])
                q[2, k, j, i] = g[2, k, j, i] * (here[i] - above[i])


@parallel_kernel
def potential(out, psi, c, beta, c_0, k0):  # type: ignore[no-untyped-def]
    """out = psi + beta ln(c/c_0), from plane k0 up."""
    for k in prange(k0, psi.shape[0]):
        for j in range(psi.shape[1]):
            row, row_p, row_c = out[k, j], psi[k, j], c[k, j]
            for i in range(row.size):
                row[i] = row_p[i] + beta * np.log(row_c[i] / c_0)


@kernel
def lend(held, h, first, second, ratio, share, dV, L, k0):  # type: ignore[no-untyped-def]
    """Let neighbours pay, from `held` [mol], where the line from `first` through `second` [mol/m^3] falls too low.

    The line is first + ratio (second - first), the salt that a second stage starts from; below `share` of `second` it
    may ask for a concentration below 0. What a cell gets its neighbours give, a quarter of theirs at most: no salt is
    made. h: share of electrolyte at `first`.
    """
    nz, ny, nx = h.shape
    for k in range(k0, nz):
        for j in range(ny):
            for i in range(nx):
                least = share * second[k, j, i]
                line = first[k, j, i] + ratio * (second[k, j, i] - first[k, j, i])
                if not line < least or h[k, j, i] == 0.0:
                    continue
                need = h[k, j, i] * dV * (least - line)
                around = (
                    (k, j, L.xm[i]), (k, j, L.xp[i]), (k, L.ym[j], i), (k, L.yp[j], i), (L.zm[k], j, i),
                    (L.zp[k], j, i),
                )
                whole = 0.0
                for kk, jj, ii in around:
                    if (kk != k or jj != j or ii != i) and kk >= k0:
                        whole += max(held[kk, jj, ii], 0.0)
                if whole <= 0.0:
                    continue
                part = min(need / whole, 0.25)
                for kk, jj, ii in around:
                    if (kk != k or jj != j or ii != i) and kk >= k0:
                        given = part * max(held[kk, jj, ii], 0.0)
                        held[kk, jj, ii] -= given
                        held[k, j, i] += given


@parallel_kernel
def largest_fall(partial, h, new, old, floor):  # type: ignore[no-untyped-def]
    """max (old - new)/max(old, floor) over cells of electrolyte (h > 1/2); partial (nz): that of each plane."""
    for k in prange(h.shape[0]):
        worst = 0.0
        for j in range(h.shape[1]):
            row_h, row_n, row_o = h[k, j], new[k, j], old[k, j]
            for i in range(row_h.size):
                if row_h[i] > 0.5:
                    worst = max(worst, (row_o[i] - row_n[i]) / max(row_o[i], floor))
        partial[k] = worst
    worst = 0.0
    for k in range(h.shape[0]):
        worst = max(worst, partial[k])
    return worst
