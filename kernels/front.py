"""The front: signed distance d, phase xi(d), normals, redistancing and motion, on a band around d = 0.

A band is a sorted list of flat cell indices; everything that lives on the surface works on the band only.
Neighbours come from index tables (`Lattice`), which carry the wrap or the mirror at the sides.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from phasefield.kernels._jit import kernel, parallel_kernel, prange

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TINY = 1e-12  # keeps a vanishing gradient from dividing by zero; |grad d| is of order 1
BLOCK = 4096  # band cells in one partial sum
ROWS = 1024  # band cells that are taken row by row, side by side with others


class Lattice(NamedTuple):
    """Neighbour tables and spacing of the grid; cells are cubes of edge dx [m]."""

    nz: int
    ny: int
    nx: int
    dx: float
    zm: Ints
    zp: Ints
    ym: Ints
    yp: Ints
    xm: Ints
    xp: Ints


def lattice(shape: tuple[int, int, int], dx: float, periodic: bool) -> Lattice:
    """Return the neighbour tables of a grid (nz, ny, nx), spacing dx [m]; z ends are mirrored."""
    tables: list[Ints] = []
    nz, ny, nx = shape
    for axis, n in enumerate(shape):
        here = np.arange(n, dtype=np.int64)
        if axis > 0 and periodic:
            tables += [(here - 1) % n, (here + 1) % n]
        else:
            tables += [np.maximum(here - 1, 0), np.minimum(here + 1, n - 1)]
    zm, zp, ym, yp, xm, xp = tables
    return Lattice(int(nz), int(ny), int(nx), float(dx), zm, zp, ym, yp, xm, xp)


@kernel
def _mark_row(mark, d, radius, L, k, j):  # type: ignore[no-untyped-def]
    """mark[i] = 1 where a cell of the row or one of its six neighbours is nearer to the front than radius."""
    row = d[k, j]
    below, above, before, after = d[L.zm[k], j], d[L.zp[k], j], d[k, L.ym[j]], d[k, L.yp[j]]
    n = 0
    for i in range(row.size):
        near = min(abs(row[i]), abs(below[i]), abs(above[i]), abs(before[i]), abs(after[i])) < radius
        mark[i] = near
        n += near
    if n > 0:
        for i in range(row.size):
            if mark[i] == 0 and (abs(row[L.xm[i]]) < radius or abs(row[L.xp[i]]) < radius):
                mark[i] = 1
                n += 1
    return n


@parallel_kernel
def band_cells(cells, marks, counts, d, radius, L):  # type: ignore[no-untyped-def]
    """Write the flat indices of the band, ascending; return how many. marks (like d, uint8), counts (nz + 1): work.

    The band is |d| < radius and the cells next to it, whose d may come below radius in the next step.
    """
    for k in prange(L.nz):
        n = 0
        for j in range(L.ny):
            n += _mark_row(marks[k, j], d, radius, L, k, j)
        counts[k + 1] = n
    counts[0] = 0
    for k in range(L.nz):
        counts[k + 1] += counts[k]
    for k in prange(L.nz):
        n = counts[k]
        if counts[k + 1] > n:
            for j in range(L.ny):
                for i in range(L.nx):
                    if marks[k, j, i] != 0:
                        cells[n] = (k * L.ny + j) * L.nx + i
                        n += 1
    return counts[L.nz]


@kernel
def _phase(s, scale, W, closed):  # type: ignore[no-untyped-def]
    if s >= closed:
        return 1.0
    if s <= -closed:
        return 0.0
    e = np.exp(-s / W)  # (1 - e)/(1 + e) = tanh(s/2W)
    return 0.5 * (1.0 + scale * (1.0 - e) / (1.0 + e))


@parallel_kernel
def phase(h, d, W, closed):  # type: ignore[no-untyped-def]
    """h = 1 - xi, xi = (1/2)(1 - tanh(d/2W)/tanh(closed/2W)): exactly 0 and 1 from |d| = closed on."""
    scale = 1.0 / np.tanh(closed / (2.0 * W))
    for k in prange(d.shape[0]):
        for j in range(d.shape[1]):
            for i in range(d.shape[2]):
                h[k, j, i] = _phase(d[k, j, i], scale, W, closed)


@parallel_kernel
def lithium_volume(partial, h, dx):  # type: ignore[no-untyped-def]
    """sum(xi) dV in m^3, one partial sum a plane, added in order."""
    for k in prange(h.shape[0]):
        s = 0.0
        for j in range(h.shape[1]):
            row = h[k, j]
            s0, s1 = 0.0, 0.0  # two chains: a single one waits for each addition
            for i in range(0, row.size - 1, 2):
                s0 += 1.0 - row[i]
                s1 += 1.0 - row[i + 1]
            if row.size % 2 == 1:
                s0 += 1.0 - row[row.size - 1]
            s += s0 + s1
        partial[k] = s
    total = 0.0
    for k in range(h.shape[0]):
        total += partial[k]
    return total * dx**3


@kernel
def _gradient(f, L, k, j, i):  # type: ignore[no-untyped-def]
    """Central differences per unit length of f, d as a flat array: one index a cell is found sooner than three."""
    s = 0.5 / L.dx
    plane, row = k * L.ny * L.nx, j * L.nx
    return (
        s * (f[L.zp[k] * L.ny * L.nx + row + i] - f[L.zm[k] * L.ny * L.nx + row + i]),
        s * (f[plane + L.yp[j] * L.nx + i] - f[plane + L.ym[j] * L.nx + i]),
        s * (f[plane + row + L.xp[i]] - f[plane + row + L.xm[i]]),
    )


@kernel
def _curvature(f, L, k, j, i):  # type: ignore[no-untyped-def]
    """K = div(grad d / |grad d|), second order; positive on a bump of lithium (d < 0 inside). f: d as a flat array."""
    z, zm, zp = k * L.ny * L.nx, L.zm[k] * L.ny * L.nx, L.zp[k] * L.ny * L.nx
    y, ym, yp = j * L.nx, L.ym[j] * L.nx, L.yp[j] * L.nx
    x, xm, xp = i, L.xm[i], L.xp[i]
    s = 0.5 / L.dx
    q = 1.0 / L.dx**2
    c = f[z + y + x]
    dz = s * (f[zp + y + x] - f[zm + y + x])
    dy = s * (f[z + yp + x] - f[z + ym + x])
    dx = s * (f[z + y + xp] - f[z + y + xm])
    dzz = q * (f[zp + y + x] - 2.0 * c + f[zm + y + x])
    dyy = q * (f[z + yp + x] - 2.0 * c + f[z + ym + x])
    dxx = q * (f[z + y + xp] - 2.0 * c + f[z + y + xm])
    dzy = 0.25 * q * (f[zp + yp + x] - f[zp + ym + x] - f[zm + yp + x] + f[zm + ym + x])
    dzx = 0.25 * q * (f[zp + y + xp] - f[zp + y + xm] - f[zm + y + xp] + f[zm + y + xm])
    dyx = 0.25 * q * (f[z + yp + xp] - f[z + yp + xm] - f[z + ym + xp] + f[z + ym + xm])
    g2 = dz * dz + dy * dy + dx * dx + TINY
    K = (
        dz * dz * (dyy + dxx)
        + dy * dy * (dzz + dxx)
        + dx * dx * (dzz + dyy)
        - 2.0 * (dz * dy * dzy + dz * dx * dzx + dy * dx * dyx)
    ) / (g2 * np.sqrt(g2))
    # The grid carries no radius below one cell.
    return min(max(K, -2.0 / L.dx), 2.0 / L.dx)


@kernel
def _row_part(cells, m, last, L):  # type: ignore[no-untyped-def]
    """Return how many of cells[m:last] follow each other in the row of the first, and where that is."""
    p = cells[m]
    k = p // (L.ny * L.nx)
    j = p // L.nx - k * L.ny
    i = p - (k * L.ny + j) * L.nx
    count = 1
    while m + count < last and i + count < L.nx and cells[m + count] == p + count:
        count += 1
    return count, k, j, i


@kernel
def _widened(wide, d, L, k, j, i):  # type: ignore[no-untyped-def]
    """Copy a part of a row from (k, j, i) on into `wide`, with two cells more at each end; return what is between."""
    end = i + wide.size - 4
    a, b = L.xm[i], L.xp[end - 1]
    wide[0], wide[1] = d[k, j, L.xm[a]], d[k, j, a]
    wide[2:-2] = d[k, j, i:end]
    wide[-2], wide[-1] = d[k, j, b], d[k, j, L.xp[b]]
    return wide[2:-2]


@kernel
def _difference(out, before, after, factor):  # type: ignore[no-untyped-def]
    for t in range(out.size):
        out[t] = factor * (after[t] - before[t])


@kernel
def _add_upwind(total, dmm, dm, c, dp, dpp):  # type: ignore[no-untyped-def]
    """Add, along a row, the square of the second-order one-sided difference along one axis that Godunov chooses.

    c: d in the row; dm, dp: one cell before and after along the axis; dmm, dpp: two. The choice is for growth away
    from d = 0.
    """
    for t in range(total.size):
        here = dp[t] - 2.0 * c[t] + dm[t]
        before = c[t] - 2.0 * dm[t] + dmm[t]
        after = dpp[t] - 2.0 * dp[t] + c[t]
        left = 0.0 if here * before <= 0.0 else (here if abs(here) < abs(before) else before)
        right = 0.0 if here * after <= 0.0 else (here if abs(here) < abs(after) else after)
        sign = 1.0 if c[t] > 0.0 else -1.0
        back = max(sign * (c[t] - dm[t] + 0.5 * left), 0.0)
        forth = max(-sign * (dp[t] - c[t] - 0.5 * right), 0.0)
        g = max(back, forth)
        total[t] += g * g


@kernel
def _upwind_gradient(g, wide, d, L, k, j, i):  # type: ignore[no-untyped-def]
    """g = |grad d| in the g.size cells of a row from (k, j, i) on; wide (four longer): work."""
    end = i + g.size
    g[:] = 0.0
    c = _widened(wide, d, L, k, j, i)
    a, b = L.zm[k], L.zp[k]
    _add_upwind(g, d[L.zm[a], j, i:end], d[a, j, i:end], c, d[b, j, i:end], d[L.zp[b], j, i:end])
    a, b = L.ym[j], L.yp[j]
    _add_upwind(g, d[k, L.ym[a], i:end], d[k, a, i:end], c, d[k, b, i:end], d[k, L.yp[b], i:end])
    _add_upwind(g, wide[:-4], wide[1:-3], c, wide[3:-1], wide[4:])
    for t in range(g.size):
        g[t] = np.sqrt(g[t]) / L.dx


@kernel
def _mended(g, d, radius, inner, slack, share, frozen, L, k, j, i):  # type: ignore[no-untyped-def]
    """d in a cell where |grad d| is g, after one pseudo-step of `redistance`."""
    c = d[k, j, i]
    need = 1.0
    if abs(c) < inner:
        off = (abs(g - 1.0) - slack) / slack
        need = min(max(off, 0.0), 1.0)
    need *= 0.0 if frozen[k, j, i] != 0 else share
    beside = (
        c * d[L.zm[k], j, i] <= 0.0
        or c * d[L.zp[k], j, i] <= 0.0
        or c * d[k, L.ym[j], i] <= 0.0
        or c * d[k, L.yp[j], i] <= 0.0
        or c * d[k, j, L.xm[i]] <= 0.0
        or c * d[k, j, L.xp[i]] <= 0.0
    )
    if beside:
        s = c + need * 0.5 * c * (1.0 / max(g, 0.5) - 1.0)
    else:
        s = c + need * 0.5 * L.dx * (1.0 if c > 0.0 else -1.0) * (1.0 - g)
        if s * c < 0.0:
            s = c
    return min(max(s, -radius), radius)


@parallel_kernel
def redistance(new, d, cells, n, radius, inner, slack, share, frozen, L):  # type: ignore[no-untyped-def]
    """One pseudo-step of d_tau = sign(d)(1 - |grad d|) on the band, new <- d.

    Cells beside the front are scaled, d/|grad d|, which leaves the zero in place. Within `inner` [m] only
    a gradient that is off by more than `slack` is mended (smoothly, from 1 to 2 `slack`), so that a smooth
    front is carried for thousands of steps without a trace of this step. `share` (0 to 1) is the part of the mending
    that is done: little has to be mended where little has moved. `frozen` cells stay.
    Sussman, Smereka & Osher, J. Comput. Phys. 114 (1994) 146; Russo & Smereka, ibid. 163 (2000) 51.
    """
    blocks = (n + ROWS - 1) // ROWS
    for block in prange(blocks):
        gradient, wide = np.empty(L.nx), np.empty(L.nx + 4)
        m, last = block * ROWS, min((block + 1) * ROWS, n)
        while m < last:
            size, k, j, i = _row_part(cells, m, last, L)
            _upwind_gradient(gradient[:size], wide[: size + 4], d, L, k, j, i)
            for t in range(size):
                new[k, j, i + t] = _mended(
                    gradient[t], d, radius, inner, slack, share, frozen, L, k, j, i + t
                )
            m += size


@parallel_kernel
def copy_band(target, source, cells, n):  # type: ignore[no-untyped-def]
    """target = source on the band."""
    a = target.ravel()
    b = source.ravel()
    for m in prange(n):
        a[cells[m]] = b[cells[m]]


@kernel
def _wrap(a, n, periodic):  # type: ignore[no-untyped-def]
    if periodic:
        if a < 0:
            a += n
        elif a >= n:
            a -= n
        return a if 0 <= a < n else a % n  # a division takes longer than all the rest
    return min(max(a, 0), n - 1)


@parallel_kernel
def closest_points(closest, d, cells, n, L, periodic):  # type: ignore[no-untyped-def]
    """closest[m] = (z, y, x), the closest point on d = 0 of each band cell, in cell units (centres at integers).

    x - d grad d / |grad d|, then one correction with d interpolated at that point.
    """
    f = d.ravel()
    for block in prange((n + ROWS - 1) // ROWS):
        gz, gy, gx, wide = np.empty(L.nx), np.empty(L.nx), np.empty(L.nx), np.empty(L.nx + 4)
        m, last = block * ROWS, min((block + 1) * ROWS, n)
        while m < last:
            count, k, j, i = _row_part(cells, m, last, L)
            end = i + count
            c = _widened(wide[: count + 4], d, L, k, j, i)
            _difference(gz[:count], d[L.zm[k], j, i:end], d[L.zp[k], j, i:end], 0.5 / L.dx)
            _difference(gy[:count], d[k, L.ym[j], i:end], d[k, L.yp[j], i:end], 0.5 / L.dx)
            _difference(gx[:count], wide[1 : count + 1], wide[3 : count + 3], 0.5 / L.dx)
            for t in range(count):
                size = np.sqrt(gz[t] * gz[t] + gy[t] * gy[t] + gx[t] * gx[t])
                z, y, x = 1.0 * k, 1.0 * j, 1.0 * (i + t)
                if size >= 0.1:  # on the ridge between two fronts there is no normal
                    s = c[t] / (L.dx * size)
                    z, y, x = z - s * gz[t], y - s * gy[t], x - s * gx[t]
                    s = _trilinear(f, d.shape, z, y, x, periodic) / (L.dx * size)
                    s = min(max(s, -1.0), 1.0)
                    z, y, x = z - s * gz[t], y - s * gy[t], x - s * gx[t]
                closest[m + t, 0], closest[m + t, 1], closest[m + t, 2] = z, y, x
            m += count


@kernel
def _corners(shape, z, y, x, periodic):  # type: ignore[no-untyped-def]
    """Return the planes, rows and columns around a point, as parts of flat indices, and the point's place between."""
    nz, ny, nx = shape
    z = min(max(z, 0.0), nz - 1.0)
    k = min(int(np.floor(z)), nz - 1)
    j = int(np.floor(y))
    i = int(np.floor(x))
    planes = k * ny * nx, min(k + 1, nz - 1) * ny * nx
    rows = _wrap(j, ny, periodic) * nx, _wrap(j + 1, ny, periodic) * nx
    return planes, rows, (_wrap(i, nx, periodic), _wrap(i + 1, nx, periodic)), z - k, y - j, x - i


@kernel
def _trilinear(f, shape, z, y, x, periodic):  # type: ignore[no-untyped-def]
    """f, flat, between its cell centres; z, y, x in cell units; constant beyond the ends."""
    (k0, k1), (j0, j1), (i0, i1), a, b, c = _corners(shape, z, y, x, periodic)
    return (1.0 - a) * (
        (1.0 - b) * ((1.0 - c) * f[k0 + j0 + i0] + c * f[k0 + j0 + i1])
        + b * ((1.0 - c) * f[k0 + j1 + i0] + c * f[k0 + j1 + i1])
    ) + a * (
        (1.0 - b) * ((1.0 - c) * f[k1 + j0 + i0] + c * f[k1 + j0 + i1])
        + b * ((1.0 - c) * f[k1 + j1 + i0] + c * f[k1 + j1 + i1])
    )


@kernel
def _weighted_trilinear(f, weight, shape, z, y, x, periodic):  # type: ignore[no-untyped-def]
    """As `_trilinear`, over the corners whose weight is positive; returns value and weight found."""
    planes, rows, columns, a, b, c = _corners(shape, z, y, x, periodic)
    total = 0.0
    found = 0.0
    for dk in range(2):
        wa = a if dk == 1 else 1.0 - a
        for dj in range(2):
            wb = b if dj == 1 else 1.0 - b
            for di in range(2):
                p = planes[dk] + rows[dj] + columns[di]
                if weight[p] > 0.0:
                    w = wa * wb * (c if di == 1 else 1.0 - c)
                    total += w * f[p]
                    found += w
    return total, found


@parallel_kernel
def extend(out, value, weight, closest, cells, n, everywhere, periodic):  # type: ignore[no-untyped-def]
    """out = value(closest point) on the band: constant along normals. `value` counts where weight > 0.

    Not `everywhere`: only in the cells where weight > 0.
    """
    flat = out.ravel()
    own = value.ravel()
    own_weight = weight.ravel()
    for m in prange(n):
        p = cells[m]
        if everywhere or own_weight[p] > 0.0:
            total, found = _weighted_trilinear(
                own, own_weight, value.shape, closest[m, 0], closest[m, 1], closest[m, 2], periodic
            )
            if found > 1e-3:
                flat[p] = total / found
            else:
                flat[p] = own[p] if own_weight[p] > 0.0 else 0.0


@parallel_kernel
def advance(new, d, v, cells, n, dt, radius):  # type: ignore[no-untyped-def]
    """d_t = -v with v constant along normals keeps |grad d| = 1 (Adalsteinsson & Sethian 1999). new may be d."""
    a = new.ravel()
    b = d.ravel()
    s = v.ravel()
    for m in prange(n):
        p = cells[m]
        a[p] = min(max(b[p] - dt * s[p], -radius), radius)


@parallel_kernel
def shift_volume(h, d, speed, cells, n, shift, W, closed, dx):  # type: ignore[no-untyped-def]
    """Lithium volume change [m^3], relative to h now, if d -> d - shift speed; and its derivative by shift.

    One partial sum a block of cells, added in order. h belongs to d: with shift = 0 it tells the derivative.
    """
    scale = 1.0 / np.tanh(closed / (2.0 * W))
    fd = d.ravel()
    fh = h.ravel()
    fs = speed.ravel()
    blocks = (n + BLOCK - 1) // BLOCK
    sums = np.zeros((blocks, 2))
    for block in prange(blocks):
        change = 0.0
        slope = 0.0
        for m in range(block * BLOCK, min((block + 1) * BLOCK, n)):
            p = cells[m]
            if fs[p] == 0.0:
                continue
            s = fd[p] - shift * fs[p]
            if s >= closed:
                new = 1.0
            elif s <= -closed:
                new = 0.0
            else:
                t = (2.0 * fh[p] - 1.0) / scale if shift == 0.0 else np.tanh(s / (2.0 * W))
                new = 0.5 * (1.0 + scale * t) if shift != 0.0 else fh[p]
                slope += scale * (1.0 - t * t) / (4.0 * W) * fs[p]
            change += fh[p] - new
        sums[block, 0] = change
        sums[block, 1] = slope
    change = 0.0
    slope = 0.0
    for block in range(blocks):
        change += sums[block, 0]
        slope += sums[block, 1]
    return change * dx**3, slope * dx**3


@parallel_kernel
def phase_band(h, d, cells, n, W, closed):  # type: ignore[no-untyped-def]
    """As `phase`, on the band."""
    scale = 1.0 / np.tanh(closed / (2.0 * W))
    fd = d.ravel()
    fh = h.ravel()
    for m in prange(n):
        p = cells[m]
        fh[p] = _phase(fd[p], scale, W, closed)


@kernel
def top_surface(height, crossings, d, dead, dx):  # type: ignore[no-untyped-def]
    """Height [m] of the top lithium surface in each column, and how often the column crosses d = 0.

    Cells with dead != 0 are passed over: the height is that of connected lithium. 0 where there is none.
    """
    nz, ny, nx = d.shape
    for j in range(ny):
        for i in range(nx):
            height[j, i] = 0.0
            crossings[j, i] = 0
            if d[nz - 1, j, i] <= 0.0 and dead[nz - 1, j, i] == 0:
                height[j, i] = nz * dx
    for k in range(nz - 2, -1, -1):
        for j in range(ny):
            for i in range(nx):
                a = d[k, j, i]
                b = d[k + 1, j, i]
                if (a <= 0.0) != (b <= 0.0):
                    crossings[j, i] += 1
                    if height[j, i] == 0.0 and a <= 0.0 and dead[k, j, i] == 0:
                        height[j, i] = (k + 0.5 + a / (a - b)) * dx


@kernel
def _root(parent, a):  # type: ignore[no-untyped-def]
    while parent[a] != a:
        parent[a] = parent[parent[a]]
        a = parent[a]
    return a


@kernel
def _join(parent, a, b):  # type: ignore[no-untyped-def]
    a, b = _root(parent, a), _root(parent, b)
    parent[max(a, b)] = min(a, b)


@kernel
def _join_rows(parent, ends, inside, first, row, other):  # type: ignore[no-untyped-def]
    """Join the runs of two neighbouring rows that touch and are of one kind."""
    a, b = first[row], first[other]
    while a < first[row + 1] and b < first[other + 1]:
        if inside[a] == inside[b]:
            _join(parent, a, b)
        if ends[a] == ends[b]:
            a, b = a + 1, b + 1
        elif ends[a] < ends[b]:
            a += 1
        else:
            b += 1


@kernel
def connect(dead, parent, ends, inside, first, d, periodic):  # type: ignore[no-untyped-def]
    """Mark lithium (d <= 0) that no faces join to the lowest plane; return its cells, pockets, and if a short is made.

    Pockets: parts of the electrolyte that do not reach the highest plane. Runs of a row are joined, not cells.
    parent, ends (int32), inside (uint8), all like d, and first (nz ny + 1): work. dead: zero.
    """
    nz, ny, nx = d.shape
    runs = 0
    for k in range(nz):
        for j in range(ny):
            row = k * ny + j
            first[row] = runs
            for i in range(nx):
                lithium = d[k, j, i] <= 0.0
                if i == 0 or lithium != inside[runs - 1]:
                    parent[runs] = runs
                    inside[runs] = lithium
                    runs += 1
                ends[runs - 1] = i + 1
            first[row + 1] = runs
            if periodic and inside[first[row]] == inside[runs - 1]:
                _join(parent, first[row], runs - 1)
            if j > 0:
                _join_rows(parent, ends, inside, first, row, row - 1)
            if periodic and j == ny - 1:
                _join_rows(parent, ends, inside, first, row, k * ny)
            if k > 0:
                _join_rows(parent, ends, inside, first, row, row - ny)
    reached = np.zeros(runs, np.uint8)
    for a in range(first[ny]):
        if inside[a]:
            reached[_root(parent, a)] = 1
    shorted = False
    for a in range(first[(nz - 1) * ny], runs):
        if not inside[a]:
            reached[_root(parent, a)] = 1
        elif reached[_root(parent, a)]:
            shorted = True
    cut, pockets = 0, 0
    for row in range(nz * ny):
        begin = 0
        for a in range(first[row], first[row + 1]):
            if not reached[_root(parent, a)]:
                if inside[a]:
                    dead[row // ny, row % ny, begin : ends[a]] = 1
                    cut += ends[a] - begin
                elif parent[a] == a:
                    pockets += 1
            begin = ends[a]
    return cut, pockets, shorted
