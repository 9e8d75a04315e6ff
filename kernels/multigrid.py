"""Geometric multigrid in float32 for a graph Laplacian on a box with one bordering unknown.

The preconditioner of `krylov`. The operator on the cells is `(D - G) u - c u_s = b`: face conductances
`gx, gy, gz`, their sum plus the cell's own conductance on the diagonal `D`, and `c`, the surface
elements lumped to conductances between the cell and the metal.

A coarse cell joins 2 x 2 x 2 cells (fewer where an axis is short or odd). Its faces are the sums of the
fine faces between two coarse cells, halved along a coarsened axis; own conductances and `c` add up.
`u_s` is the same unknown on every level and is solved for with the coarsest level.

The layout of a level is told in `checkerboard`. Planes wrap by index; the last faces are zero. A cell without
conductance has the diagonal `coarsening.VOID`: it takes part in every loop and stays 0.

Down is red then black from zero, up is black then red: symmetric but for the seam of an odd periodic
axis.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import get_num_threads

from phasefield.kernels import checkerboard, coarsening, smoothing
from phasefield.kernels._jit import kernel
from phasefield.kernels.checkerboard import bare, place, wrap

Array = np.ndarray[Any, Any]

FLOOR = 1e-14  # a smaller part of the largest diagonal is noise: it bounds the correction of such a cell
COARSEST = 4  # an axis of so many cells is not coarsened
SMALL = 50_000  # cells of a level below which a parallel region costs more than it gains
MOST_SWEEPS = 4  # of a coarse level on either way
MOST_THREADS = 64  # more do not help: memory is the limit
SINGULAR = 1e-10  # a pivot below this part of its diagonal belongs to a constant that nothing fixes


@kernel
def factor(lower, pivot, row, gx, gy, gz, own, c, s, with_metal, shape):  # type: ignore[no-untyped-def]
    """Factor the coarsest level with its border as `L P^-1 L^T`, `P` the diagonal of `L`.

    The pivot of a constant that nothing fixes is infinite: its value is 0.
    """
    nz, ny, nx = shape[0], shape[1], shape[2]
    n = nz * ny * nx
    lower[:] = 0
    metal = s
    for k in range(nz):
        for j in range(ny):
            for i in range(nx):
                m = (k * ny + j) * nx + i
                colour, t = place(k, j, i, ny, nx)
                ahead = (
                    ((k * ny + j) * nx + (i + 1) % nx, np.float64(gx[colour, k, t])),
                    ((k * ny + (j + 1) % ny) * nx + i, np.float64(gy[colour, k, t])),
                    ((((k + 1) % nz) * ny + j) * nx + i, np.float64(gz[colour, k, t])),
                )
                for other, g in ahead:
                    if other != m:
                        lower[m, m] += g
                        lower[other, other] += g
                        lower[max(m, other), min(m, other)] -= g
                lower[m, m] += own[colour, k, t]
                if with_metal:
                    lower[m, m] += c[colour, k, t]
                    lower[n, m] -= c[colour, k, t]
                    metal += c[colour, k, t]
    lower[n, n] = metal if with_metal else 0.0
    for m in range(n + 1):
        row[m] = SINGULAR * lower[m, m]
    for m in range(n + 1):
        pivot[m] = lower[m, m] if lower[m, m] > row[m] else np.inf
        for other in range(m + 1, n + 1):
            lower[m, other] = lower[other, m] / pivot[m]
        for other in range(m + 1, n + 1):
            factor = lower[other, m]
            if factor != 0.0:
                for i in range(m + 1, other + 1):
                    lower[other, i] -= factor * lower[m, i]


@kernel
def solve_coarsest(u, b, b_s, lower, pivot, x, shape):  # type: ignore[no-untyped-def]
    """Solve the coarsest level with its border; return the metal's value."""
    nz, ny, nx = shape[0], shape[1], shape[2]
    n = nz * ny * nx
    for k in range(nz):
        for j in range(ny):
            for i in range(nx):
                colour, t = place(k, j, i, ny, nx)
                x[(k * ny + j) * nx + i] = b[colour, k, t]
    x[n] = b_s
    for m in range(n):
        here = x[m]
        for i in range(m + 1, n + 1):
            x[i] -= lower[m, i] * here
    for m in range(n, -1, -1):
        here = x[m] / pivot[m]
        x[m] = here
        for i in range(m):
            x[i] -= lower[m, i] * here
    for k in range(nz):
        for j in range(ny):
            for i in range(nx):
                colour, t = place(k, j, i, ny, nx)
                u[colour, k, t] = x[(k * ny + j) * nx + i]
        for colour in range(2):
            wrap(u, colour, k, ny, nx)
    return x[n]


FIELDS = 9  # of a level: u, b, d, inv, c, own, gx, gy, gz; its masks follow
U, B, D, INV, C, OWN, GX, GY, GZ, MASK = range(FIELDS + 1)
LIVE, FLAGGED, FILLED = range(3)  # marks of a level, one a plane
NZ, NY, NX, SWEEPS, MARKS, AT = range(6)  # columns of the table of levels: shape, sweeps, and where its arrays begin


@kernel
def _field(flat, table, level, f):  # type: ignore[no-untyped-def]
    nz, at = table[level, NZ], table[level, AT + f]
    size = checkerboard.layout(table[level, NY], table[level, NX])[3]
    return flat[at : at + 2 * nz * size].reshape((2, nz, size))


@kernel
def _mask(flat, table, level):  # type: ignore[no-untyped-def]
    at, size = table[level, AT + MASK], checkerboard.layout(table[level, NY], table[level, NX])[3]
    return flat[at : at + 2 * size].reshape((2, size))


@kernel
def _marks(marks, table, level, f):  # type: ignore[no-untyped-def]
    nz = table[level, NZ]
    at = table[level, MARKS] + f * nz
    return marks[at : at + nz]


@kernel
def cycle_serial(flat, marks, table, first, b_s, with_metal, work, partial, lower, pivot, x):  # type: ignore[no-untyped-def]
    """The V-cycle from the level `first` on, all of it small; return the metal's value."""
    flat, marks, work = bare(flat), bare(marks), bare(work)
    last = table.shape[0] - 1
    for m in range(first, last):
        n = m + 1
        smoothing.descend_serial(
            _field(flat, table, n, B), partial, _field(flat, table, m, U), _field(flat, table, m, B),
            _field(flat, table, m, GX), _field(flat, table, m, GY), _field(flat, table, m, GZ),
            _field(flat, table, m, D), _field(flat, table, m, INV), _mask(flat, table, m),
            _field(flat, table, m, C), _marks(marks, table, m, FLAGGED), _marks(marks, table, m, LIVE),
            table[m, SWEEPS] > 1 or _odd(table, m), work, table[m, SWEEPS], table[m], table[n],
        )  # fmt: skip
        if with_metal:
            for k in range(table[n, NZ]):
                b_s += partial[k]
    u_s = solve_coarsest(_field(flat, table, last, U), _field(flat, table, last, B), b_s, lower, pivot, x, table[last])
    for m in range(last - 1, first - 1, -1):
        smoothing.ascend_serial(
            _field(flat, table, m, U), _field(flat, table, m + 1, U), _field(flat, table, m, B),
            _field(flat, table, m, GX), _field(flat, table, m, GY), _field(flat, table, m, GZ),
            _field(flat, table, m, INV), _mask(flat, table, m), _field(flat, table, m, C),
            _marks(marks, table, m, FLAGGED), _marks(marks, table, m, LIVE),
            np.float32(u_s), work, table[m, SWEEPS], table[m], table[m + 1],
        )  # fmt: skip
    return u_s


@kernel
def _odd(table, level):  # type: ignore[no-untyped-def]
    """Tell whether a periodic seam of the level could join cells of one colour."""
    return table[level, NY] % 2 == 1 or table[level, NX] % 2 == 1


@kernel
def coarsen_serial(flat, marks, table, first):  # type: ignore[no-untyped-def]
    """Add up the faces and own conductances of all levels beyond `first`, which is small."""
    flat, marks = bare(flat), bare(marks)
    for m in range(first, table.shape[0] - 1):
        n = m + 1
        coarsening.coarsen_serial(
            _field(flat, table, n, GX), _field(flat, table, n, GY), _field(flat, table, n, GZ),
            _field(flat, table, n, OWN), _marks(marks, table, n, FILLED),
            _field(flat, table, m, GX), _field(flat, table, m, GY), _field(flat, table, m, GZ),
            _field(flat, table, m, OWN), _mask(flat, table, m), _marks(marks, table, m, FILLED), table[m], table[n],
        )  # fmt: skip


@kernel
def elements_serial(flat, marks, table, first, floor):  # type: ignore[no-untyped-def]
    """Add up the lumped elements of all levels; make the diagonals from the level `first` on, which is small."""
    flat, marks = bare(flat), bare(marks)
    for m in range(table.shape[0]):
        n = m + 1
        if n < table.shape[0]:
            coarsening.coarsen_elements(
                _field(flat, table, n, C), _marks(marks, table, n, FLAGGED), _field(flat, table, m, C),
                _mask(flat, table, m), _marks(marks, table, m, FLAGGED), table[m], table[n],
            )  # fmt: skip
        if m >= first:
            coarsening.diagonal_serial(
                _field(flat, table, m, D), _field(flat, table, m, INV), _marks(marks, table, m, LIVE),
                _field(flat, table, m, GX), _field(flat, table, m, GY), _field(flat, table, m, GZ),
                _field(flat, table, m, OWN), _field(flat, table, m, C), _mask(flat, table, m),
                _marks(marks, table, m, FILLED), _marks(marks, table, m, FLAGGED), floor, table[m],
            )  # fmt: skip


class Level:
    """The arrays of one level; see `checkerboard` for their layout."""

    def __init__(self, shape: tuple[int, int, int], depth: int) -> None:
        nz, ny, nx = shape
        self.shape, self.size = np.array(shape), int(checkerboard.layout(ny, nx)[3])
        self.fused = depth == 0
        self.sweeps = min(2**depth, MOST_SWEEPS)  # the coarser, the cheaper
        self.planes = np.arange(nz)  # those that hold any conductance
        self.serial = nz * ny * nx <= SMALL
        self.odd = bool(ny % 2 or nx % 2)  # a seam may join cells of one colour
        self.sizes = [2 * nz * self.size] * FIELDS + [2 * self.size]
        self.work = np.zeros((MOST_THREADS, smoothing.SCRATCH, self.size), np.float32)
        self.partial = np.zeros(nz)
        self.every = np.arange(nz)

    def take(self, fields: list[Array], marks: list[Array]) -> None:
        """Take the memory of the level's arrays."""
        nz, ny, nx = self.shape
        self.u, self.b, self.d, self.inv, self.c, self.own, self.gx, self.gy, self.gz = (
            part.reshape(2, nz, self.size) for part in fields[:FIELDS]
        )
        self.mask = fields[MASK].reshape(2, self.size)
        self.mask[...] = checkerboard.mask(ny, nx)
        # Planes that hold any conductance, surface elements, faces or own conductances.
        self.live, self.flagged, self.filled = marks
        self.d[...] = coarsening.VOID

    def descend(self, coarse: Level) -> None:
        """Pre-smooth from zero and restrict the residual to the coarse level."""
        first = (coarse.b, coarse.partial, self.u, self.b, self.gx, self.gy, self.gz, self.d)
        tail = (self.mask, self.c, self.flagged, self.live, self.odd or self.sweeps > 1, self.work)
        if self.fused:
            bounds = self.bounds()
            inner = bounds[1:-1]
            smoothing.descend_parts(*first, self.inv, *tail, bounds, self.shape, coarse.shape)
            if not inner.size:
                return
            self.relax(1, self.inhabited(np.concatenate([inner - 1, inner])), checkerboard.NONE)
            step = -(-self.shape[0] // coarse.shape[0])
            planes = np.concatenate([inner // step - 1, inner // step])
        else:
            smoothing.first_red_planes(self.u, self.b, self.inv, self.planes, self.shape)
            for half_sweep in range(2 * self.sweeps - 1):
                self.relax(1 - half_sweep % 2, self.planes, checkerboard.NONE)
            planes = coarse.every
        smoothing.restrict_planes(*first, *tail, planes, self.parts(planes), self.shape, coarse.shape)

    def ascend(self, coarse: Level, u_s: np.float32) -> None:
        """Add the corrections of the coarse level and of the metal and post-smooth."""
        if self.fused:
            bounds = self.bounds()
            inner = bounds[1:-1]
            smoothing.ascend_parts(
                self.u, coarse.u, self.b, self.gx, self.gy, self.gz, self.inv, self.mask, self.c, self.flagged,
                self.live, u_s, self.work, bounds, self.shape, coarse.shape,
            )  # fmt: skip
            if inner.size:
                self.relax(1, self.inhabited(np.concatenate([inner - 1, inner])), u_s)
                self.relax(0, self.inhabited(np.concatenate([inner - 2, inner - 1, inner, inner + 1])), u_s)
        else:
            parts = self.parts(coarse.every)
            smoothing.prolong_planes(
                self.u, coarse.u, self.gx, self.gy, self.gz, self.mask, self.live, self.work, parts, self.shape,
                coarse.shape,
            )  # fmt: skip
            for half_sweep in range(2 * self.sweeps):
                self.relax(1 - half_sweep % 2, self.planes, u_s)

    def relax(self, colour: int, planes: Array, u_s: np.float32) -> None:
        """Relax one colour of some planes."""
        smoothing.relax_planes(
            self.u, self.b, self.gx, self.gy, self.gz, self.inv, self.mask, self.c, self.flagged, u_s, self.work,
            colour, planes, self.parts(planes), self.shape,
        )  # fmt: skip

    def parts(self, planes: Array) -> int:
        """Return in how many parts some planes are dealt out to the threads."""
        return max(1, min(MOST_THREADS, get_num_threads(), len(planes)))

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
        nz, ny, nx = (int(n) if n <= COARSEST else (int(n) + 1) // 2 for n in self.shape)
        return nz, ny, nx


class Hierarchy:
    """All levels of a box, allocated once, and the V-cycle over them."""

    def __init__(self, shape: tuple[int, int, int]) -> None:
        self.places = checkerboard.places(shape)
        self.levels = [Level(shape, 0)]
        while self.levels[-1].coarser() != tuple(self.levels[-1].shape):
            self.levels.append(Level(self.levels[-1].coarser(), len(self.levels)))
        sizes = [size for level in self.levels for size in level.sizes]
        at = np.concatenate([[0], np.cumsum(sizes)])
        flat = np.zeros(int(at[-1]) + checkerboard.LINE, np.float32)
        self._flat = flat[-(flat.ctypes.data // 4) % checkerboard.LINE :]
        count = FIELDS + 1
        self._marks = np.zeros(3 * sum(level.shape[0] for level in self.levels), np.uint8)
        self._table = np.zeros((len(self.levels), AT + count), np.int64)
        mark = 0
        for m, level in enumerate(self.levels):
            nz = level.shape[0]
            self._table[m] = [*level.shape, level.sweeps, mark, *at[m * count : (m + 1) * count]]
            fields = [self._flat[at[n] : at[n + 1]] for n in range(m * count, (m + 1) * count)]
            level.take(fields, [self._marks[mark + f * nz : mark + (f + 1) * nz] for f in range(3)])
            mark += 3 * nz
        self.first = next((m for m, level in enumerate(self.levels) if level.serial), len(self.levels) - 1)
        unknowns = int(np.prod(self.levels[-1].shape)) + 1
        self.lower = np.zeros((unknowns, unknowns))
        self.pivot = np.zeros(unknowns)
        self.work = np.zeros(unknowns)
        self.floor = 0.0
        self.with_metal = False

    def load(self, gx: Array, gy: Array, gz: Array, diag: Array, periodic: bool, k0: int) -> None:
        """Take the caller's faces and own conductances and coarsen them; `load_elements` must follow."""
        fine = self.levels[0]
        coarsening.load(
            fine.gx, fine.gy, fine.gz, fine.own, fine.filled, fine.partial, gx, gy, gz, diag, periodic, k0
        )  # fmt: skip
        self.floor = FLOOR * float(fine.partial.max())
        for fine, coarse in zip(self.levels[: self.first], self.levels[1:], strict=False):
            coarsening.coarsen(
                coarse.gx, coarse.gy, coarse.gz, coarse.own, coarse.filled,
                fine.gx, fine.gy, fine.gz, fine.own, fine.mask, fine.filled, fine.shape, coarse.shape,
            )  # fmt: skip
        coarsen_serial(self._flat, self._marks, self._table, self.first)

    def load_elements(self, start: Array, idx: Array, w: Array, g: Array, s: float, with_metal: bool) -> None:
        """Take the surface elements, coarsen them, make the diagonals and the coarsest factors."""
        self.with_metal = with_metal
        coarsening.lump(self.levels[0].c, self.levels[0].flagged, self.places, start, idx, w, g)
        floor = np.float32(self.floor)
        elements_serial(self._flat, self._marks, self._table, self.first, floor)
        for level in self.levels[: self.first]:
            coarsening.diagonal(
                level.d, level.inv, level.live, level.gx, level.gy, level.gz, level.own, level.c, level.mask,
                level.filled, level.flagged, floor, level.shape,
            )  # fmt: skip
        for level in self.levels:
            planes = np.flatnonzero(level.live)
            if not np.array_equal(planes, level.planes):
                level.planes = planes
                level.b[:, level.live == 0] = 0
            level.u[...] = 0  # what a system that was not finite left, also where there is no cell
            level.partial[...] = 0.0
        last = self.levels[-1]
        factor(
            self.lower, self.pivot, self.work, last.gx, last.gy, last.gz, last.own, last.c, s, with_metal, last.shape
        )

    def cycle(self, b_s: float) -> float:
        """Put one V-cycle's answer to the finest `b`, which stays, into the finest `u`; return the metal's value."""
        pairs = list(zip(self.levels[: self.first], self.levels[1:], strict=False))
        for level, coarse in pairs:
            level.descend(coarse)
            b_s += float(coarse.partial.sum()) if self.with_metal else 0.0
        fine = self.levels[0]
        u_s = float(
            cycle_serial(
                self._flat, self._marks, self._table, self.first, b_s, self.with_metal, fine.work[0], fine.partial,
                self.lower, self.pivot, self.work,
            )
        )  # fmt: skip
        for level, coarse in pairs[::-1]:
            level.ascend(coarse, np.float32(u_s))
        return u_s
