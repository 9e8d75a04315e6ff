"""Geometric multigrid in float32 for a graph Laplacian on a box with one bordering unknown: the preconditioner.

The operator on the cells is `(D - G) u - c u_s = b`: face conductances `gx, gy, gz`, their sum plus the cell's own
conductances on the diagonal `D`, and `c`, the surface elements lumped to conductances between the cell and the metal.
A coarse cell joins 2 x 2 x 2 cells (fewer where an axis is short or odd). Its faces are the sums of the fine faces
between two coarse cells, halved along a coarsened axis; `own` and `c` add up; `u_s` is the same unknown on every level
and is solved for with the coarsest level.

Layout of a level: arrays (nz, ny, nx + 2). Cell `i` sits at `i + 1`; columns 0 and nx + 1 repeat the periodic
neighbours, and `gx[..., i]` lies between the columns `i` and `i + 1`. Rows wrap by index, and so do planes, whose last
faces are zero. A cell without any conductance has the diagonal `VOID`: it takes part in every loop and stays 0.

A pre-smoothing is red then black from zero, a post-smoothing black then red: the cycle is symmetric but for the seam
of an odd periodic axis.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from phasefield.kernels._jit import kernel, parallel_kernel, prange

Array = np.ndarray[Any, Any]

VOID = np.float32(3e38)  # the diagonal of a cell without conductances: whatever is divided by it is 0
FLOOR = 1e-14  # a smaller part of the largest diagonal is noise: it bounds the correction of such a cell
COARSEST = 4  # an axis of so many cells is not coarsened
SMALL = 20_000  # cells of a level below which a parallel region costs more than it gains
SINGULAR = 1e-10  # a pivot below this part of its diagonal belongs to a constant that nothing fixes


@kernel
def _load_plane(gx, gy, gz, own, fine_x, fine_y, fine_z, diag, periodic, k):  # type: ignore[no-untyped-def]
    """Copy one plane of the caller's coefficients into the layout of a level; return whether any is not zero."""
    _, ny, nx = fine_x.shape
    seam_x = np.float32(periodic and nx > 1)
    largest = np.float32(0)
    for j in range(ny):
        keep_y = np.float32(j < ny - 1 or (periodic and ny > 1))
        row_x, row_y, row_z, row_o = gx[k, j], gy[k, j], gz[k, j], own[k, j]
        from_x, from_y, from_z, from_o = fine_x[k, j], fine_y[k, j], fine_z[k, j], diag[k, j]
        for i in range(nx):
            row_x[i + 1] = from_x[i]
            row_y[i + 1] = keep_y * from_y[i]
            row_z[i + 1] = from_z[i]
            row_o[i + 1] = from_o[i]
            largest = max(largest, row_x[i + 1] + row_y[i + 1] + row_z[i + 1] + row_o[i + 1])
        row_x[nx] *= seam_x
        row_x[0] = row_x[nx]
    return largest


@parallel_kernel
def load(gx, gy, gz, own, largest, fine_x, fine_y, fine_z, diag, periodic):  # type: ignore[no-untyped-def]
    """Copy the caller's coefficients into a level; `largest[k]` tells the size of those of a plane."""
    for k in prange(gx.shape[0]):
        largest[k] = _load_plane(gx, gy, gz, own, fine_x, fine_y, fine_z, diag, periodic, k)


@kernel
def lump(c, flagged, start, idx, w, g, nx):  # type: ignore[no-untyped-def]
    """Add up `c_k = sum_e g_e w_ek` and flag the planes that hold any; one thread, in the order of the elements."""
    nz, ny, width = c.shape
    flat = c.reshape(nz * ny * width)
    for k in range(nz):
        if flagged[k]:
            c[k] = 0
            flagged[k] = 0
    for e in range(g.size):
        for m in range(start[e], start[e + 1]):
            row = idx[m] // nx
            flat[row * width + idx[m] - row * nx + 1] += np.float32(g[e] * w[m])
            flagged[row // ny] = 1


@kernel
def _coarse_plane(cx, cy, cz, co, gx, gy, gz, own, half, k):  # type: ignore[no-untyped-def]
    """Add up one plane of coarse faces and own conductances."""
    nz, ny, nx = gx.shape[0], gx.shape[1], gx.shape[2] - 2
    mz, my, mx = cx.shape[0], cx.shape[1], cx.shape[2] - 2
    sz, sy, sx = (nz + mz - 1) // mz, (ny + my - 1) // my, (nx + mx - 1) // mx
    last_k = min(sz * k + sz, nz)
    for j in range(my):
        last_j = min(sy * j + sy, ny)
        to_x, to_y, to_z, to_o = cx[k, j], cy[k, j], cz[k, j], co[k, j]
        to_x[:] = 0
        to_y[:] = 0
        to_z[:] = 0
        to_o[:] = 0
        for kk in range(sz * k, last_k):
            for jj in range(sy * j, last_j):
                row_x, row_o = gx[kk, jj], own[kk, jj]
                for i in range(mx):
                    to_x[i + 1] += half[0] * row_x[min(sx * i + sx, nx)]
                for s in range(sx):
                    for i in range((nx - s + sx - 1) // sx):
                        to_o[i + 1] += row_o[sx * i + s + 1]
        for kk in range(sz * k, last_k):
            row_y = gy[kk, last_j - 1]
            for s in range(sx):
                for i in range((nx - s + sx - 1) // sx):
                    to_y[i + 1] += half[1] * row_y[sx * i + s + 1]
        for jj in range(sy * j, last_j):
            row_z = gz[last_k - 1, jj]
            for s in range(sx):
                for i in range((nx - s + sx - 1) // sx):
                    to_z[i + 1] += half[2] * row_z[sx * i + s + 1]
        to_x[0] = to_x[mx]


@kernel
def _coarse_plane_of(total, flagged, fine, fine_flagged, k):  # type: ignore[no-untyped-def]
    """Add up one plane of a cell quantity whose plane is flagged where it is not all zero."""
    nz, ny, nx = fine.shape[0], fine.shape[1], fine.shape[2] - 2
    mz, my, mx = total.shape[0], total.shape[1], total.shape[2] - 2
    sz, sy, sx = (nz + mz - 1) // mz, (ny + my - 1) // my, (nx + mx - 1) // mx
    if flagged[k]:
        total[k] = 0
        flagged[k] = 0
    for kk in range(sz * k, min(sz * k + sz, nz)):
        if fine_flagged[kk]:
            flagged[k] = 1
            for j in range(ny):
                to, row = total[k, j // sy], fine[kk, j]
                for s in range(sx):
                    for i in range((nx - s + sx - 1) // sx):
                        to[i + 1] += row[sx * i + s + 1]


@parallel_kernel
def coarsen_parallel(cx, cy, cz, co, gx, gy, gz, own, half):  # type: ignore[no-untyped-def]
    """Add up the coarse faces and own conductances of a level."""
    for k in prange(cx.shape[0]):
        _coarse_plane(cx, cy, cz, co, gx, gy, gz, own, half, k)


@kernel
def coarsen_elements(total, flagged, fine, fine_flagged):  # type: ignore[no-untyped-def]
    """Add up the lumped elements of a level."""
    for k in range(total.shape[0]):
        _coarse_plane_of(total, flagged, fine, fine_flagged, k)


@kernel
def _diagonal_plane(d, live, gx, gy, gz, own, c, floor, k):  # type: ignore[no-untyped-def]
    """Add up one plane of the diagonal."""
    nz, ny, nx = gx.shape[0], gx.shape[1], gx.shape[2] - 2
    some = False
    for j in range(ny):
        row_d, row_o, row_c = d[k, j], own[k, j], c[k, j]
        row_x, row_y, row_z = gx[k, j], gy[k, j], gz[k, j]
        before, below = gy[k, j - 1 if j > 0 else ny - 1], gz[k - 1 if k > 0 else nz - 1, j]
        for i in range(1, nx + 1):
            total = row_x[i - 1] + row_x[i] + before[i] + row_y[i] + below[i] + row_z[i] + row_o[i] + row_c[i]
            some |= total > 0
            row_d[i] = total + floor if total > 0 else VOID
    live[k] = some


@parallel_kernel
def diagonal(d, live, gx, gy, gz, own, c, floor):  # type: ignore[no-untyped-def]
    """Add up the diagonal of a level and tell which planes hold any conductance."""
    for k in prange(d.shape[0]):
        _diagonal_plane(d, live, gx, gy, gz, own, c, floor, k)


@kernel
def _wrap(row, nx):  # type: ignore[no-untyped-def]
    row[0] = row[nx]
    row[nx + 1] = row[1]


@kernel
def _first_red(u, b, d, k):  # type: ignore[no-untyped-def]
    """Relax the red cells of a plane from zero, `u = b / d`."""
    ny, nx = u.shape[1], u.shape[2] - 2
    for j in range(ny):
        row_u, row_b, row_d = u[k, j], b[k, j], d[k, j]
        red = np.float32(1 - (k + j) % 2)
        black = np.float32(1) - red
        for i in range((nx + 1) // 2):
            row_u[2 * i + 1] = red * row_b[2 * i + 1] / row_d[2 * i + 1]
        for i in range(nx // 2):
            row_u[2 * i + 2] = black * row_b[2 * i + 2] / row_d[2 * i + 2]
        _wrap(row_u, nx)


@kernel
def _relax(u, b, gx, gy, gz, d, row, colour, k):  # type: ignore[no-untyped-def]
    """Relax the cells of one colour of a plane: `u = (b + sum g u') / d`."""
    nz, ny, nx = u.shape[0], u.shape[1], u.shape[2] - 2
    kb, ka = k - 1 if k > 0 else nz - 1, k + 1 if k < nz - 1 else 0
    for j in range(ny):
        jb, ja = j - 1 if j > 0 else ny - 1, j + 1 if j < ny - 1 else 0
        row_u, row_b, row_d, row_x, row_y, row_z = u[k, j], b[k, j], d[k, j], gx[k, j], gy[k, j], gz[k, j]
        u_before, u_behind, u_below, u_above = u[k, jb], u[k, ja], u[kb, j], u[ka, j]
        y_before, z_below = gy[k, jb], gz[kb, j]
        for i in range(1, nx + 1):
            along_x = row_x[i - 1] * row_u[i - 1] + row_x[i] * row_u[i + 1]
            along_y = y_before[i] * u_before[i] + row_y[i] * u_behind[i]
            along_z = z_below[i] * u_below[i] + row_z[i] * u_above[i]
            row[i] = (row_b[i] + along_x + along_y + along_z) / row_d[i]
        first = 1 + (k + j + colour) % 2
        for i in range(first, nx + 1, 2):
            row_u[i] = row[i]
        _wrap(row_u, nx)


@kernel
def _restrict(coarse_b, u, b, gx, gy, gz, d, c, flagged, row, k):  # type: ignore[no-untyped-def]
    """Add up the residual over the cells of one coarse plane; return `sum c u` over them."""
    nz, ny, nx = u.shape[0], u.shape[1], u.shape[2] - 2
    mz, my, mx = coarse_b.shape[0], coarse_b.shape[1], coarse_b.shape[2] - 2
    sz, sy, sx = (nz + mz - 1) // mz, (ny + my - 1) // my, (nx + mx - 1) // mx
    to_metal = 0.0
    for coarse_j in range(my):
        row[:] = 0
        for kk in range(sz * k, min(sz * k + sz, nz)):
            kb, ka = kk - 1 if kk > 0 else nz - 1, kk + 1 if kk < nz - 1 else 0
            for j in range(sy * coarse_j, min(sy * coarse_j + sy, ny)):
                jb, ja = j - 1 if j > 0 else ny - 1, j + 1 if j < ny - 1 else 0
                row_u, row_b, row_d = u[kk, j], b[kk, j], d[kk, j]
                row_x, row_y, row_z = gx[kk, j], gy[kk, j], gz[kk, j]
                u_before, u_behind, u_below, u_above = u[kk, jb], u[kk, ja], u[kb, j], u[ka, j]
                y_before, z_below = gy[kk, jb], gz[kb, j]
                for i in range(1, nx + 1):
                    along_x = row_x[i - 1] * row_u[i - 1] + row_x[i] * row_u[i + 1]
                    along_y = y_before[i] * u_before[i] + row_y[i] * u_behind[i]
                    along_z = z_below[i] * u_below[i] + row_z[i] * u_above[i]
                    row[i] += row_b[i] - row_d[i] * row_u[i] + along_x + along_y + along_z
                if flagged[kk]:
                    row_c = c[kk, j]
                    for i in range(1, nx + 1):
                        to_metal += np.float64(row_c[i]) * row_u[i]
        to = coarse_b[k, coarse_j]
        if sx == 2:
            for i in range(nx // 2):
                to[i + 1] = row[2 * i + 1] + row[2 * i + 2]
            if nx % 2:
                to[mx] = row[nx]
        else:
            for i in range(nx):
                to[i + 1] = row[i + 1]
    return to_metal


@kernel
def _prolong(u, coarse_u, b, c, flagged, u_s, k):  # type: ignore[no-untyped-def]
    """Add the coarse correction to one plane, and the metal's to its right side."""
    nz, ny, nx = u.shape[0], u.shape[1], u.shape[2] - 2
    mz, my, mx = coarse_u.shape[0], coarse_u.shape[1], coarse_u.shape[2] - 2
    sz, sy, sx = (nz + mz - 1) // mz, (ny + my - 1) // my, (nx + mx - 1) // mx
    for j in range(ny):
        row_u, coarse = u[k, j], coarse_u[k // sz, j // sy]
        if sx == 2:
            for i in range(nx // 2):
                row_u[2 * i + 1] += coarse[i + 1]
                row_u[2 * i + 2] += coarse[i + 1]
            if nx % 2:
                row_u[nx] += coarse[mx]
        else:
            for i in range(nx):
                row_u[i + 1] += coarse[i + 1]
        _wrap(row_u, nx)
        if flagged[k]:
            row_b, row_c = b[k, j], c[k, j]
            for i in range(1, nx + 1):
                row_b[i] += row_c[i] * u_s


@kernel
def descend_serial(coarse_b, partial, u, b, gx, gy, gz, d, c, flagged, live, rows):  # type: ignore[no-untyped-def]
    """Pre-smooth a level from zero and restrict its residual; `partial` adds up `c u`."""
    nz = u.shape[0]
    for k in range(nz):
        _first_red(u, b, d, k)
    for k in range(nz):
        _relax(u, b, gx, gy, gz, d, rows[k], 1, k)
    for k in range(coarse_b.shape[0]):
        partial[k] = _restrict(coarse_b, u, b, gx, gy, gz, d, c, flagged, rows[k], k)


@parallel_kernel
def descend_parallel(coarse_b, partial, u, b, gx, gy, gz, d, c, flagged, live, rows):  # type: ignore[no-untyped-def]
    """Pre-smooth a level from zero and restrict its residual; `partial` adds up `c u`."""
    nz = u.shape[0]
    for k in prange(nz):
        if live[k]:
            _first_red(u, b, d, k)
    for k in prange(nz):
        if live[k]:
            _relax(u, b, gx, gy, gz, d, rows[k], 1, k)
    for k in prange(coarse_b.shape[0]):
        partial[k] = _restrict(coarse_b, u, b, gx, gy, gz, d, c, flagged, rows[k], k)


@kernel
def ascend_serial(u, coarse_u, b, gx, gy, gz, d, c, flagged, live, u_s, rows):  # type: ignore[no-untyped-def]
    """Add the coarse correction and post-smooth a level."""
    nz = u.shape[0]
    for k in range(nz):
        _prolong(u, coarse_u, b, c, flagged, u_s, k)
    for k in range(nz):
        _relax(u, b, gx, gy, gz, d, rows[k], 1, k)
    for k in range(nz):
        _relax(u, b, gx, gy, gz, d, rows[k], 0, k)


@parallel_kernel
def ascend_parallel(u, coarse_u, b, gx, gy, gz, d, c, flagged, live, u_s, rows):  # type: ignore[no-untyped-def]
    """Add the coarse correction and post-smooth a level."""
    nz = u.shape[0]
    for k in prange(nz):
        if live[k]:
            _prolong(u, coarse_u, b, c, flagged, u_s, k)
    for k in prange(nz):
        if live[k]:
            _relax(u, b, gx, gy, gz, d, rows[k], 1, k)
    for k in prange(nz):
        if live[k]:
            _relax(u, b, gx, gy, gz, d, rows[k], 0, k)


@kernel
def factor(lower, pivot, row, gx, gy, gz, own, c, s, with_metal):  # type: ignore[no-untyped-def]
    """Factor the coarsest level with its border as `L P^-1 L^T`, `P` the diagonal of `L`.

    The pivot of a constant that nothing fixes is infinite: its value is 0.
    """
    nz, ny, nx = gx.shape[0], gx.shape[1], gx.shape[2] - 2
    n = nz * ny * nx
    lower[:] = 0
    metal = s
    for k in range(nz):
        for j in range(ny):
            for i in range(nx):
                m = (k * ny + j) * nx + i
                ahead = (
                    ((k * ny + j) * nx + (i + 1) % nx, np.float64(gx[k, j, i + 1])),
                    ((k * ny + (j + 1) % ny) * nx + i, np.float64(gy[k, j, i + 1])),
                    ((((k + 1) % nz) * ny + j) * nx + i, np.float64(gz[k, j, i + 1])),
                )
                for other, g in ahead:
                    if other != m:
                        lower[m, m] += g
                        lower[other, other] += g
                        lower[max(m, other), min(m, other)] -= g
                lower[m, m] += own[k, j, i + 1]
                if with_metal:
                    lower[m, m] += c[k, j, i + 1]
                    lower[n, m] -= c[k, j, i + 1]
                    metal += c[k, j, i + 1]
    lower[n, n] = metal if with_metal else 0.0
    for m in range(n + 1):
        whole = lower[m, m]
        for i in range(m):
            row[i] = lower[m, i] / pivot[i]
        for other in range(m, n + 1):
            for i in range(m):
                lower[other, m] -= lower[other, i] * row[i]
        pivot[m] = lower[m, m] if lower[m, m] > SINGULAR * whole else np.inf


@kernel
def solve_coarsest(u, b, b_s, lower, pivot, x):  # type: ignore[no-untyped-def]
    """Solve the coarsest level with its border; return the metal's value."""
    nz, ny, nx = u.shape[0], u.shape[1], u.shape[2] - 2
    n = nz * ny * nx
    for k in range(nz):
        for j in range(ny):
            for i in range(nx):
                x[(k * ny + j) * nx + i] = b[k, j, i + 1]
    x[n] = b_s
    for m in range(n + 1):
        for i in range(m):
            x[m] -= lower[m, i] * x[i] / pivot[i]
    for m in range(n, -1, -1):
        x[m] /= pivot[m]
        for i in range(m):
            x[i] -= lower[m, i] * x[m]
    for k in range(nz):
        for j in range(ny):
            for i in range(nx):
                u[k, j, i + 1] = x[(k * ny + j) * nx + i]
            _wrap(u[k, j], nx)
    return x[n]


class Level:
    """The arrays of one level; see the layout above."""

    def __init__(self, shape: tuple[int, int, int]) -> None:
        nz, ny, nx = shape
        self.shape = shape
        self.serial = nz * ny * nx <= SMALL

        def field() -> Array:
            return np.zeros((nz, ny, nx + 2), np.float32)

        self.u, self.b, self.d, self.c, self.own = field(), field(), field(), field(), field()
        self.gx, self.gy, self.gz = field(), field(), field()
        self.flagged = np.zeros(nz, np.uint8)  # planes that hold surface elements
        self.live = np.zeros(nz, np.uint8)  # planes that hold any conductance
        self.rows = np.zeros((nz, nx + 2), np.float32)
        self.partial = np.zeros(nz)

    def coarser(self) -> tuple[int, int, int]:
        """Return the shape of the next level."""
        nz, ny, nx = (n if n <= COARSEST else (n + 1) // 2 for n in self.shape)
        return nz, ny, nx


class Hierarchy:
    """All levels of a box, allocated once, and the V-cycle over them."""

    def __init__(self, shape: tuple[int, int, int]) -> None:
        self.levels = [Level(shape)]
        while self.levels[-1].coarser() != self.levels[-1].shape:
            self.levels.append(Level(self.levels[-1].coarser()))
        unknowns = int(np.prod(self.levels[-1].shape)) + 1
        self.lower = np.zeros((unknowns, unknowns))
        self.pivot = np.zeros(unknowns)
        self.work = np.zeros(unknowns)
        self.floor = 0.0
        self.with_metal = False

    def load(self, gx: Array, gy: Array, gz: Array, diag: Array, periodic: bool) -> None:
        """Take the caller's faces and own conductances and coarsen them; `load_elements` must follow."""
        fine = self.levels[0]
        load(fine.gx, fine.gy, fine.gz, fine.own, fine.partial, gx, gy, gz, diag, periodic)
        self.floor = FLOOR * float(fine.partial.max())
        for fine, coarse in zip(self.levels, self.levels[1:], strict=False):
            half = np.array(
                [0.5 if n != m else 1.0 for n, m in zip(fine.shape[::-1], coarse.shape[::-1], strict=True)],
                np.float32,
            )
            coarsen_parallel(
                coarse.gx, coarse.gy, coarse.gz, coarse.own, fine.gx, fine.gy, fine.gz, fine.own, half
            )

    def load_elements(self, start: Array, idx: Array, w: Array, g: Array, s: float, with_metal: bool) -> None:
        """Take the surface elements, coarsen them, and make the diagonals and the coarsest factors."""
        self.with_metal = with_metal
        lump(self.levels[0].c, self.levels[0].flagged, start, idx, w, g, self.levels[0].shape[2])
        for fine, coarse in zip(self.levels, self.levels[1:], strict=False):
            coarsen_elements(coarse.c, coarse.flagged, fine.c, fine.flagged)
        for level in self.levels:
            diagonal(
                level.d, level.live, level.gx, level.gy, level.gz, level.own, level.c, np.float32(self.floor)
            )
            level.u[level.live == 0] = 0
        last = self.levels[-1]
        factor(self.lower, self.pivot, self.work, last.gx, last.gy, last.gz, last.own, last.c, s, with_metal)

    def cycle(self, b_s: float) -> float:
        """Replace `u` of the finest level by one V-cycle's answer to its `b`, and return the metal's value."""
        for fine, coarse in zip(self.levels, self.levels[1:], strict=False):
            descend = descend_serial if fine.serial else descend_parallel
            descend(
                coarse.b, coarse.partial, fine.u, fine.b, fine.gx, fine.gy, fine.gz, fine.d, fine.c,
                fine.flagged, fine.live, fine.rows,
            )  # fmt: skip
            b_s += float(coarse.partial.sum()) if self.with_metal else 0.0
        last = self.levels[-1]
        u_s = float(solve_coarsest(last.u, last.b, b_s, self.lower, self.pivot, self.work))
        shift = np.float32(u_s if self.with_metal else 0.0)
        for fine, coarse in zip(self.levels[-2::-1], self.levels[:0:-1], strict=True):
            ascend = ascend_serial if fine.serial else ascend_parallel
            ascend(
                fine.u, coarse.u, fine.b, fine.gx, fine.gy, fine.gz, fine.d, fine.c, fine.flagged,
                fine.live, shift, fine.rows,
            )  # fmt: skip
        return u_s
