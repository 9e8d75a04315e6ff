"""Geometric multigrid in float32 for a graph Laplacian on a box with one bordering unknown.

The preconditioner of `krylov`. The operator on the cells is `(D - G) u - c u_s = b`: face conductances
`gx, gy, gz`, their sum plus the cell's own conductance on the diagonal `D`, and `c`, the surface
elements lumped to conductances between the cell and the metal.

A coarse cell joins 2 x 2 x 2 cells (fewer where an axis is short or odd). Its faces are the sums of the
fine faces between two coarse cells, halved along a coarsened axis; own conductances and `c` add up.
`u_s` is the same unknown on every level and is solved for with the coarsest level.

Layout of a level: arrays (nz, ny, nx + 2). Cell `i` sits at `i + 1`; columns 0 and nx + 1 repeat the
periodic neighbours, and `gx[..., i]` lies between the columns `i` and `i + 1`. Rows wrap by index, and
so do planes, whose last faces are zero. A cell without conductance has the diagonal `coarsening.VOID`:
it takes part in every loop and stays 0.

Down is red then black from zero, up is black then red: symmetric but for the seam of an odd periodic
axis.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import get_num_threads

from phasefield.kernels import coarsening, smoothing
from phasefield.kernels._jit import kernel

Array = np.ndarray[Any, Any]

FLOOR = 1e-14  # a smaller part of the largest diagonal is noise: it bounds the correction of such a cell
COARSEST = 4  # an axis of so many cells is not coarsened
SMALL = 50_000  # cells of a level below which a parallel region costs more than it gains
MOST_SWEEPS = 4  # of a coarse level on either way
MOST_THREADS = 64  # more do not help: memory is the limit
SINGULAR = 1e-10  # a pivot below this part of its diagonal belongs to a constant that nothing fixes


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
            u[k, j, 0] = u[k, j, nx]
            u[k, j, nx + 1] = u[k, j, 1]
    return x[n]


class Level:
    """The arrays of one level; see the layout above."""

    def __init__(self, shape: tuple[int, int, int], depth: int) -> None:
        nz, ny, nx = shape
        self.shape = shape
        self.fused = depth == 0
        self.sweeps = min(2**depth, MOST_SWEEPS)  # the coarser, the cheaper
        self.planes = np.arange(nz)  # those that hold any conductance
        self.serial = nz * ny * nx <= SMALL

        def field() -> Array:
            return np.zeros((nz, ny, nx + 2), np.float32)

        self.u, self.b, self.d, self.c, self.own = field(), field(), field(), field(), field()
        self.gx, self.gy, self.gz = field(), field(), field()
        self.flagged = np.zeros(nz, np.uint8)  # planes that hold surface elements
        self.live = np.zeros(nz, np.uint8)  # planes that hold any conductance
        self.rows = np.zeros(
            (max(nz, 4 * MOST_THREADS), nx + 2), np.float32
        )  # scratch, one a plane or thread
        self.partial = np.zeros(nz)

    def descend(self, coarse: Level) -> None:
        """Pre-smooth from zero and restrict the residual to the coarse level."""
        operator = (self.gx, self.gy, self.gz, self.d)
        metal = (self.c, self.flagged, self.live)
        args: list[Any] = [coarse.b, coarse.partial, self.u, self.b, *operator, *metal, self.rows]
        if self.serial:
            smoothing.descend_serial(*[*args, self.sweeps])
        elif self.fused:
            bounds = self.bounds()
            inner = bounds[1:-1]
            smoothing.descend(*[*args, bounds])
            self.relax(1, self.inhabited(np.concatenate([inner - 1, inner])))
            step = -(-self.shape[0] // coarse.shape[0])
            smoothing.restrict(*[*args, np.concatenate([inner // step - 1, inner // step])])
        else:
            self.u[...] = 0.0
            for half_sweep in range(2 * self.sweeps):
                self.relax(half_sweep % 2, self.planes)
            smoothing.restrict(*[*args, coarse.planes])

    def ascend(self, coarse: Level, u_s: np.float32) -> None:
        """Add the corrections of the coarse level and of the metal and post-smooth."""
        operator = (self.gx, self.gy, self.gz, self.d)
        metal = (self.c, self.flagged, self.live)
        args: list[Any] = [self.u, coarse.u, self.b, *operator, *metal, u_s, self.rows]
        if self.serial:
            smoothing.ascend_serial(*[*args, self.sweeps])
        elif self.fused:
            bounds = self.bounds()
            inner = bounds[1:-1]
            smoothing.ascend(*[*args, bounds])
            self.relax(1, self.inhabited(np.concatenate([inner - 1, inner])))
            self.relax(0, self.inhabited(np.concatenate([inner - 2, inner - 1, inner, inner + 1])))
        else:
            smoothing.prolong(self.u, coarse.u, self.b, self.c, self.flagged, u_s, self.planes)
            for half_sweep in range(2 * self.sweeps):
                self.relax(1 - half_sweep % 2, self.planes)

    def relax(self, colour: int, planes: Array) -> None:
        """Relax one colour of some planes."""
        smoothing.relax(self.u, self.b, self.gx, self.gy, self.gz, self.d, self.rows, colour, planes)

    def bounds(self) -> Array:
        """Return the planes between which the threads sweep: even, well apart, equal in work."""
        count = len(self.planes)
        parts = max(1, min(MOST_THREADS, get_num_threads(), count // 8))
        inner = [self.planes[part * count // parts] // 2 * 2 for part in range(1, parts)]
        return np.array([0, *inner, self.shape[0]])

    def inhabited(self, planes: Array) -> Array:
        """Return those of some planes that hold any conductance."""
        kept: Array = planes[self.live[planes] != 0]
        return kept

    def coarser(self) -> tuple[int, int, int]:
        """Return the shape of the next level."""
        nz, ny, nx = (n if n <= COARSEST else (n + 1) // 2 for n in self.shape)
        return nz, ny, nx


class Hierarchy:
    """All levels of a box, allocated once, and the V-cycle over them."""

    def __init__(self, shape: tuple[int, int, int]) -> None:
        self.levels = [Level(shape, 0)]
        while self.levels[-1].coarser() != self.levels[-1].shape:
            self.levels.append(Level(self.levels[-1].coarser(), len(self.levels)))
        unknowns = int(np.prod(self.levels[-1].shape)) + 1
        self.lower = np.zeros((unknowns, unknowns))
        self.pivot = np.zeros(unknowns)
        self.work = np.zeros(unknowns)
        self.floor = 0.0
        self.with_metal = False

    def load(self, gx: Array, gy: Array, gz: Array, diag: Array, periodic: bool) -> None:
        """Take the caller's faces and own conductances and coarsen them; `load_elements` must follow."""
        fine = self.levels[0]
        coarsening.load(fine.gx, fine.gy, fine.gz, fine.own, fine.partial, gx, gy, gz, diag, periodic)
        self.floor = FLOOR * float(fine.partial.max())
        for fine, coarse in zip(self.levels, self.levels[1:], strict=False):
            half = np.array(
                [0.5 if n != m else 1.0 for n, m in zip(fine.shape[::-1], coarse.shape[::-1], strict=True)],
                np.float32,
            )
            coarsening.coarsen(
                coarse.gx, coarse.gy, coarse.gz, coarse.own, fine.gx, fine.gy, fine.gz, fine.own, half
            )

    def load_elements(self, start: Array, at: Array, w: Array, g: Array, s: float, with_metal: bool) -> None:
        """Take the surface elements, coarsen them, make the diagonals and the coarsest factors."""
        self.with_metal = with_metal
        coarsening.lump(self.levels[0].c, self.levels[0].flagged, start, at, w, g)
        for fine, coarse in zip(self.levels, self.levels[1:], strict=False):
            coarsening.coarsen_elements(coarse.c, coarse.flagged, fine.c, fine.flagged)
        for level in self.levels:
            coarsening.diagonal(
                level.d, level.live, level.gx, level.gy, level.gz, level.own, level.c, np.float32(self.floor)
            )
            planes = np.flatnonzero(level.live)
            if not np.array_equal(planes, level.planes):
                level.planes = planes
                level.u[level.live == 0] = 0
            level.partial[...] = 0.0
        last = self.levels[-1]
        factor(self.lower, self.pivot, self.work, last.gx, last.gy, last.gz, last.own, last.c, s, with_metal)

    def cycle(self, b_s: float) -> float:
        """Put one V-cycle's answer to the finest `b` into the finest `u`, return the metal's value."""
        pairs = list(zip(self.levels, self.levels[1:], strict=False))
        for level, coarse in pairs:
            level.descend(coarse)
            b_s += float(coarse.partial.sum()) if self.with_metal else 0.0
        last = self.levels[-1]
        u_s = float(solve_coarsest(last.u, last.b, b_s, self.lower, self.pivot, self.work))
        for level, coarse in pairs[::-1]:
            level.ascend(coarse, np.float32(u_s))
        return u_s
