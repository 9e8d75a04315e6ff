"""Face coefficients, charge residual, displacement of electrolyte and sums, on the whole grid.

Face arrays follow docs/design.md: gx[k, j, i] couples i and i + 1, float32, and they define the operators.
"""

from __future__ import annotations

import numpy as np

from ._jit import kernel, parallel_kernel, prange

TINY = 1e-300  # keeps 0/0 of two cells of lithium from being formed


@kernel
def interpolate(c, at, values):  # type: ignore[no-untyped-def]
    """Piecewise-linear table `values` over `at`, its end segments prolonged."""
    s = 0
    for t in range(1, at.size - 1):
        if c > at[t]:
            s = t
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
def _row_currents(out, g, phi, phi2, c, c2, beta):  # type: ignore[no-untyped-def]
    """-(current) from the cells of a row to those of another [A]: kappa grad phi - kappa_D grad ln c.

    d ln c = (c_b - c_a)/mean. Where nothing conducts no current flows, whatever c is.
    """
    for i in range(out.size):
        whole = (phi2[i] - phi[i]) - beta * (c2[i] - c[i]) / (0.5 * (c[i] + c2[i]))
        out[i] = g[i] * whole if g[i] > 0.0 else 0.0


@kernel
def _currents(x, y, z, phi, c, gx, gy, gz, beta, L, k, j):  # type: ignore[no-untyped-def]
    """`_row_currents` from a row of cells onwards along each axis."""
    nx = x.size
    _row_currents(x[:-1], gx[k, j, :-1], phi[k, j, :-1], phi[k, j, 1:], c[k, j, :-1], c[k, j, 1:], beta)
    last = slice(nx - 1, nx)
    _row_currents(x[last], gx[k, j, last], phi[k, j, last], phi[k, j, :1], c[k, j, last], c[k, j, :1], beta)
    jp, kp = L.yp[j], L.zp[k]
    _row_currents(y, gy[k, j], phi[k, j], phi[k, jp], c[k, j], c[k, jp], beta)
    _row_currents(z, gz[k, j], phi[k, j], phi[kp, j], c[k, j], c[kp, j], beta)


@kernel
def _currents_before(y, z, phi, c, gy, gz, beta, L, k, j):  # type: ignore[no-untyped-def]
    """`_row_currents` to a row of cells from the rows before and below it, 0 where there is none."""
    jm, km = L.ym[j], L.zm[k]
    y[:] = 0.0
    z[:] = 0.0
    if jm != j:
        _row_currents(y, gy[k, jm], phi[k, jm], phi[k, j], c[k, jm], c[k, j], beta)
    if km != k:
        _row_currents(z, gz[km, j], phi[km, j], phi[k, j], c[km, j], c[k, j], beta)


@parallel_kernel
def charge_balance(r, phi, c, gx, gy, gz, beta, L, k0):  # type: ignore[no-untyped-def]
    """r = div(h kappa grad phi) - div(h kappa_D grad ln c), integrated over each cell [A]; from plane k0 up."""
    nz, ny, nx = phi.shape
    for k in prange(k0, nz):
        rows = np.empty((5, nx))
        x, y, z, y0, z0 = rows[0], rows[1], rows[2], rows[3], rows[4]
        for j in range(ny):
            _currents(x, y, z, phi, c, gx, gy, gz, beta, L, k, j)
            _currents_before(y0, z0, phi, c, gy, gz, beta, L, k, j)
            row = r[k, j]
            row[0] = (x[0] - x[nx - 1]) + (y[0] - y0[0]) + (z[0] - z0[0])
            for i in range(1, nx):
                row[i] = (x[i] - x[i - 1]) + (y[i] - y0[i]) + (z[i] - z0[i])


@parallel_kernel
def salt_source(b, h, before, phi, c, gx, gy, gz, beta, carried, dt, dV, L, k0):  # type: ignore[no-untyped-def]
    """b = h dV before - dt q grad c: what a cell held and what displaced electrolyte brings, q = -(V_m/F) i [mol].

    carried = V_m/F [m^3/C]; q grad c in the form sum_f q_f (c_f - c), which leaves a uniform c as it is.
    """
    nz, ny, nx = phi.shape
    for k in prange(nz):
        if k < k0:
            b[k] = 0.0
            continue
        rows = np.empty((5, nx))
        x, y, z, y0, z0 = rows[0], rows[1], rows[2], rows[3], rows[4]
        for j in range(ny):
            _currents(x, y, z, phi, c, gx, gy, gz, beta, L, k, j)
            _currents_before(y0, z0, phi, c, gy, gz, beta, L, k, j)
            here, before_y, after_y = c[k, j], c[k, L.ym[j]], c[k, L.yp[j]]
            below, above = c[L.zm[k], j], c[L.zp[k], j]
            row, row_h, row_before = b[k, j], h[k, j], before[k, j]
            for i in range(nx):
                across = y[i] * (after_y[i] - here[i]) + y0[i] * (here[i] - before_y[i])
                along = z[i] * (above[i] - here[i]) + z0[i] * (here[i] - below[i])
                row[i] = row_h[i] * dV * row_before[i] - dt * carried * 0.5 * (across + along)
            half = dt * carried * 0.5
            for i in range(nx - 1):
                x[i] *= half * (here[i + 1] - here[i])
            x[nx - 1] *= half * (here[0] - here[nx - 1])
            row[0] -= x[0] + x[nx - 1]
            for i in range(1, nx):
                row[i] -= x[i] + x[i - 1]


@parallel_kernel
def follow_salt(phi, c, old, beta, top, k0):  # type: ignore[no-untyped-def]
    """phi += beta (ln c/old - top): the diffusion potential of c after old [mol/m^3], as unchanged currents leave it.

    top: the mean of ln c/old on the counter electrode, where phi is held. A guess: 2 (c - old)/(c + old) for the ln.
    Lithium holds any c, or none: nothing is done there.
    """
    for k in prange(k0, phi.shape[0]):
        for j in range(phi.shape[1]):
            row, row_c, row_o = phi[k, j], c[k, j], old[k, j]
            for i in range(row.size):
                if row_c[i] > 0.0 and row_o[i] > 0.0:
                    row[i] += beta * (2.0 * (row_c[i] - row_o[i]) / (row_c[i] + row_o[i]) - top)


@kernel
def _row_sum(a, b, power):  # type: ignore[no-untyped-def]
    """sum((a b)^power) of two rows, power 1 or 2, in four chains: a single one waits for each addition."""
    s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
    whole = a.size // 4 * 4
    if power == 1:
        for i in range(0, whole, 4):
            s0 += a[i] * b[i]
            s1 += a[i + 1] * b[i + 1]
            s2 += a[i + 2] * b[i + 2]
            s3 += a[i + 3] * b[i + 3]
        for i in range(whole, a.size):
            s0 += a[i] * b[i]
    else:
        for i in range(0, whole, 4):
            s0 += (a[i] * b[i]) ** 2
            s1 += (a[i + 1] * b[i + 1]) ** 2
            s2 += (a[i + 2] * b[i + 2]) ** 2
            s3 += (a[i + 3] * b[i + 3]) ** 2
        for i in range(whole, a.size):
            s0 += (a[i] * b[i]) ** 2
    return (s0 + s1) + (s2 + s3)


@parallel_kernel
def weighted_sum(partial, h, c, power):  # type: ignore[no-untyped-def]
    """Return sum((h c)^power), power 1 or 2, one partial sum a plane, added in order."""
    for k in prange(h.shape[0]):
        s = 0.0
        for j in range(h.shape[1]):
            s += _row_sum(h[k, j], c[k, j], power)
        partial[k] = s
    total = 0.0
    for k in range(h.shape[0]):
        total += partial[k]
    return total


@parallel_kernel
def extremes(partial, h, c, least):  # type: ignore[no-untyped-def]
    """Smallest and largest c where h > least, and whether every value there is finite and positive.

    partial (nz, 3): what each plane has.
    """
    for k in prange(h.shape[0]):
        low, high, good = np.inf, -np.inf, True
        for j in range(h.shape[1]):
            row_h, row_c = h[k, j], c[k, j]
            for i in range(row_h.size):
                if row_h[i] > least:
                    s = row_c[i]
                    good &= 0.0 < s < np.inf
                    low = min(low, s)
                    high = max(high, s)
        partial[k, 0], partial[k, 1], partial[k, 2] = low, high, np.float64(good)
    low, high, good = np.inf, -np.inf, True
    for k in range(h.shape[0]):
        low, high = min(low, partial[k, 0]), max(high, partial[k, 1])
        good &= partial[k, 2] != 0.0
    return low, high, good


@parallel_kernel
def largest_change(partial, h, new, old, floor):  # type: ignore[no-untyped-def]
    """max |new - old| / max(old, new, floor) over cells of electrolyte (h > 1/2); partial (nz): that of each plane."""
    for k in prange(h.shape[0]):
        worst = 0.0
        for j in range(h.shape[1]):
            row_h, row_n, row_o = h[k, j], new[k, j], old[k, j]
            for i in range(row_h.size):
                if row_h[i] > 0.5:
                    worst = max(worst, abs(row_n[i] - row_o[i]) / max(row_o[i], row_n[i], floor))
        partial[k] = worst
    worst = 0.0
    for k in range(h.shape[0]):
        worst = max(worst, partial[k])
    return worst


@kernel
def relax_scarce(c, b, own, gx, gy, gz, least, L, k0, sweeps, rows):  # type: ignore[no-untyped-def]
    """Gauss-Seidel on the cells with c < least, of (own + sum g) c = b + sum g c_neighbour.

    An iterative solver's error, which is relative to the largest c, may drown the smallest; that error, below `least`,
    is what the sweeps begin with and take away. With all coefficients >= 0 the exact solution is where b is; a b
    below 0, salt carried away, counts as 0. Sinks that rule these cells make a few sweeps enough.
    rows (nz, ny): room for marks.
    """
    nz, ny, nx = c.shape
    some = False
    for k in range(k0, nz):
        for j in range(ny):
            rows[k, j] = 0
            for i in range(nx):
                if c[k, j, i] < least:
                    rows[k, j] = 1
                    some = True
                    break
    if not some:
        return
    for sweep in range(sweeps):
        for kk in range(nz - k0):
            k = k0 + kk if sweep % 2 == 0 else nz - 1 - kk
            for j in range(ny):
                if rows[k, j] == 0:
                    continue
                jm, jp = L.ym[j], L.yp[j]
                for i in range(nx):
                    if c[k, j, i] >= least:
                        continue
                    im, ip = L.xm[i], L.xp[i]
                    g = gx[k, j, i]
                    diagonal = own[k, j, i] + g
                    s = max(b[k, j, i], 0.0) + g * max(c[k, j, ip], 0.0)
                    if im != i:
                        g = gx[k, j, im]
                        diagonal += g
                        s += g * max(c[k, j, im], 0.0)
                    g = gy[k, j, i]
                    diagonal += g
                    s += g * max(c[k, jp, i], 0.0)
                    if jm != j:
                        g = gy[k, jm, i]
                        diagonal += g
                        s += g * max(c[k, jm, i], 0.0)
                    if k < nz - 1:
                        g = gz[k, j, i]
                        diagonal += g
                        s += g * max(c[k + 1, j, i], 0.0)
                    if k > 0:
                        g = gz[k - 1, j, i]
                        diagonal += g
                        s += g * max(c[k - 1, j, i], 0.0)
                    if diagonal > 0.0:
                        c[k, j, i] = s / diagonal
