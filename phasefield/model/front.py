"""The front: signed distance d and all that follows from it at one time.

    xi = (1/2)(1 - tanh(d / 2W)), closed at |d| = 6 W      (1)   h = 1 - xi weights the electrolyte
    d_t = -v, v constant along normals                     (2)   keeps |grad d| = 1
    sum(xi) dV = V_0 + (V_m/F) (charge deposited)          (3)   one factor on the step's own motion, each step
    lithium not connected to the base is dead              (4)

A second body of lithium may hang from the top of the box, the counter electrode; then (3) holds for each, and what is
connected to neither is dead.
"""

from __future__ import annotations

import numpy as np
import scipy.ndimage
import scipy.sparse
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from phasefield.errors import SolverError
from phasefield.kernels import elements, front
from phasefield.kernels.front import Lattice

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Marks = NDArray[np.uint8]

CLOSED = 6.0  # xi is exactly 0 or 1 from |d| = 6 W on; tanh(3) = 0.995
MARGIN = 3.0  # the band of d reaches this many cells further, for differences and for the next steps
# |grad d| may be off by this much before it is mended near the front. Around a ball of two cells' radius the upwind
# differences of an exact distance are off by as much; with less slack they would be mended at each step, and each
# mending moves the front a little, towards a smoother one.
SLACK = 0.2
REDISTANCE_STEPS = 2  # pseudo-steps of half a cell each: one cell a step; the front moves half a cell at most
VOLUME_STEPS = 12


class Front:
    """Lithium at one time: d, h, the band, the surface elements, the connected and the dead."""

    def __init__(self, lattice: Lattice, periodic: bool, W: float, both_electrodes: bool = False) -> None:
        """lattice: grid; W: interface width [m]; two: a second body of lithium hangs from the top."""
        self.lattice, self.periodic, self.W, self.both_electrodes = lattice, periodic, W, both_electrodes
        shape = (lattice.nz, lattice.ny, lattice.nx)
        self.closed = CLOSED * W
        self.radius = self.closed + MARGIN * lattice.dx
        self.d: Floats = np.full(shape, self.radius)
        self.h: Floats = np.ones(shape)
        self.dead: Marks = np.zeros(shape, np.uint8)
        self.upper = np.zeros(shape if both_electrodes else (0, 0, 0), bool)  # cells nearest to the second body
        self.frozen: Marks = self.dead
        self._cut = self._near_cut = np.zeros(0, bool)  # what was cut off last, and the cells around it
        self.cells: Ints = np.empty(0, np.int64)
        self.closest: Floats = np.empty((0, 3))
        self.weight: Floats = np.zeros(shape)
        self._planes = np.zeros(lattice.nz)
        self._marks: Marks = np.zeros(shape, np.uint8)
        self._counts = np.zeros(lattice.nz + 1, np.int64)
        self._room(4 * lattice.ny * lattice.nx)
        self.count = 0
        self.pockets = 0

    def _room(self, n: int) -> None:
        """Make room for n surface elements."""
        self.start = np.zeros(n + 2, np.int64)
        self.idx = np.zeros(16 * n, np.int32)
        self.w = np.zeros(16 * n)
        self.area, self.facet = np.zeros((2, n + 1))
        self.curvature = np.zeros(n + 1)
        self.owner = np.zeros(n + 1, np.int64)

    def phase(self) -> None:
        """Set h from d, eq. (1)."""
        front.phase(self.h, self.d, self.W, self.closed)

    def band(self) -> None:
        """List the cells of the band, |d| < radius."""
        if self.cells.size < self.d.size:
            self._cells_buffer = np.empty(self.d.size, np.int64)
            self.cells = self._cells_buffer
        n = front.band_cells(self._cells_buffer, self._marks, self._counts, self.d, self.radius, self.lattice)
        self.n = int(n)

    def volume(self) -> float:
        """Return the lithium volume sum(xi) dV in m^3; of two bodies that of the working electrode."""
        if self.both_electrodes:
            return self.part(~self.upper)
        return float(front.lithium_volume(self._planes, self.h, self.lattice.dx))

    def part(self, cells: NDArray[np.bool_]) -> float:
        """Return the lithium volume in m^3 of some cells (nz, ny, nx)."""
        return float(np.sum((1.0 - self.h) * cells)) * self.lattice.dx**3

    def redistance(
        self, scratch: Floats, cells: Ints, n: int, steps: int = REDISTANCE_STEPS, slack: float = SLACK,
        share: float = 1.0,
    ) -> None:  # fmt: skip
        """Restore |grad d| = 1 on the first n of `cells`, or a `share` of it; scratch: an array like d."""
        inner = self.closed + self.lattice.dx if slack > 0.0 else 0.0
        for _ in range(steps):
            front.redistance(
                scratch, self.d, cells, n, self.radius, inner, max(slack, 1e-9), share, self.frozen, self.lattice
            )
            front.copy_band(self.d, scratch, cells, n)

    def match_volume(
        self, target: float, speed: Floats, cells: Ints, n: int, part: NDArray[np.bool_] | None = None
    ) -> float:
        """Shift d by a multiple of `speed` [m] on the first n of `cells` until eq. (3) holds; return the multiple.

        target [m^3], of all cells or of a `part` of them. Raises SolverError if no multiple does it.
        """
        self.phase()
        dx, W = self.lattice.dx, self.W
        missing = target - (self.volume() if part is None else self.part(part))
        shift = 0.0
        for _ in range(VOLUME_STEPS):
            change, slope = front.shift_volume(self.h, self.d, speed, cells, n, shift, W, self.closed, dx)
            if abs(missing - change) <= 1e-14 * target:
                break
            if not slope > 0.0:
                raise SolverError("no surface is left to take the deposited lithium")
            shift += (missing - change) / slope
        else:
            raise SolverError("the deposited lithium finds no place")
        if shift != 0.0:
            front.advance(self.d, self.d, speed, cells, n, shift, self.radius)
            front.phase_band(self.h, self.d, cells, n, W, self.closed)
        return shift

    def refresh(self) -> None:
        """Recompute band, elements, closest points and connectivity from d and h."""
        self.band()
        self.find_dead_and_shorts()
        while True:
            n, used = elements.build(
                self.start,
                self.idx,
                self.w,
                self.facet,
                self.curvature,
                self.owner,
                self.cells,
                self.n,
                self.d,
                self.h,
                self.lattice,
                self.periodic,
            )
            if n >= 0:
                break
            self._room(2 * self.area.size)
        self.count, self.used = int(n), int(used)
        # The cells that carry the film: those of the interface, one beyond, and all that an element reads.
        cells, place = self.cells[: self.n], np.zeros(self.d.size, np.int32)
        self.touched = self._transpose(place)
        self.near = cells[(np.abs(self.d.ravel()[cells]) < self.closed + self.lattice.dx) | (place[cells] > 0)]
        if self.both_electrodes:
            self.other = self.upper.ravel()[self.owner[: self.count]]
        self.active = np.ascontiguousarray(self.dead.ravel()[self.owner[: self.count]] == 0).astype(np.uint8)
        if self.closest.shape[0] < self.n:
            self.closest = np.empty((self.n + self.n // 4, 3))
        front.closest_points(self.closest, self.d, self.cells, self.n, self.lattice, self.periodic)
        elements.measure(
            self.area, np.empty(self.d.shape), self.weight, self.facet, self.start, self.idx, self.w, self.count,
            self.touched, self.closest, self.cells, self.n, self.d, self.W, self.closed, self.lattice, self.periodic,
        )  # fmt: skip
        open_planes = np.flatnonzero(self.h.reshape(self.h.shape[0], -1).max(axis=1) > 0.0)
        self.k0 = max(int(open_planes[0]) - 1, 0) if open_planes.size else 0

    def _transpose(self, place: NDArray[np.int32]) -> elements.Touched:
        """Return the elements' entries by cells; place: 0 everywhere, larger at those cells afterwards."""
        cells, first = np.empty(self.used, np.int64), np.empty(self.used + 1, np.int64)
        entry, element = np.empty((2, self.used), np.int32)
        m = elements.transpose(cells, first, entry, element, place, self.start, self.idx, self.count)
        return elements.Touched(cells[:m], first[: m + 1], entry, element)

    def find_dead_and_shorts(self) -> None:
        """Find lithium cut off from the base, electrolyte cut off from the top, and a short circuit, eq. (4)."""
        lithium = self.d <= 0.0
        if self.both_electrodes:
            self._connect_two(lithium)
            return
        below = lithium[:-1]
        self.height_like = bool(lithium[0].all() and not lithium[-1].any() and not (lithium[1:] & ~below).any())
        self.exhausted = not bool(lithium[0].all())
        if self.height_like:
            if self.dead.any():
                self.dead = np.zeros_like(self.dead)
            self.frozen, self.pockets, self.shorted = self.dead, 0, False
            return
        self.dead = np.zeros_like(self.dead)
        parent, ends = np.empty((2, lithium.size), np.int32)
        first = np.empty(lithium.shape[0] * lithium.shape[1] + 1, np.int64)
        inside = np.empty(lithium.size, np.uint8)
        cells, pockets, shorted = front.connect(self.dead, parent, ends, inside, first, self.d, self.periodic)
        self.pockets, self.shorted = int(pockets), bool(shorted)
        self.frozen = self.dead
        if cells > 0:
            cut = self.dead != 0
            self.frozen = (self._around(cut) & ~(lithium & ~cut)).astype(np.uint8)

    def _connect_two(self, lithium: NDArray[np.bool_]) -> None:
        """Tell both bodies apart; they are shorted once they are one, or their interfaces meet."""
        labels, roots = label(lithium, self.periodic)
        base, top = np.zeros(int(roots.max()) + 1, bool), np.zeros(int(roots.max()) + 1, bool)
        base[roots[labels[0][lithium[0]]]] = True
        top[roots[labels[-1][lithium[-1]]]] = True
        cut = lithium & ~(base | top)[roots[labels]]
        self.dead = cut.astype(np.uint8)
        self.frozen = self.dead
        if cut.any():
            self.frozen = (self._around(cut) & ~(lithium & ~cut)).astype(np.uint8)
        # Each cell belongs to the body whose lithium is nearest; what is cut off to the working electrode.
        nearest = scipy.ndimage.distance_transform_edt(~lithium, return_distances=False, return_indices=True)
        self.upper = (lithium & ~cut & top[roots[labels]])[tuple(nearest)]
        touching = self.h < 1.0
        meets = [
            np.take(touching & self.upper, range(1, n), a) & np.take(touching & ~self.upper, range(n - 1), a)
            | np.take(touching & ~self.upper, range(1, n), a) & np.take(touching & self.upper, range(n - 1), a)
            for a, n in enumerate(lithium.shape)
        ]
        self.shorted = bool((base & top).any()) or any(bool(one.any()) for one in meets)
        self.exhausted = not bool(lithium[0].all() and lithium[-1].all())
        self.height_like = False
        labels, roots = label(~lithium, self.periodic)
        present = np.unique(roots[labels[~lithium]])
        self.pockets = max(present.size - 1, 0)

    def _around(self, cut: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return the cells within the interface of `cut`, a part of the lithium, which stays as it is for long."""
        if np.array_equal(cut, self._cut):
            return self._near_cut
        reach = self.closed / self.lattice.dx + 1.0
        n = int(np.ceil(reach))
        sides = [(0, 0), *((min(n, size),) * 2 if size > 1 else (0, 0) for size in cut.shape[1:])]
        wide = np.pad(cut, sides, mode="wrap" if self.periodic else "symmetric")
        found = [np.flatnonzero(wide.any(axis=tuple({0, 1, 2} - {a}))) for a in range(3)]
        box = tuple(slice(max(int(at[0]) - n, 0), int(at[-1]) + n + 1) for at in found)
        near = np.zeros_like(wide)
        near[box] = scipy.ndimage.distance_transform_edt(~wide[box]) <= reach
        inner = tuple(slice(a, size + a) for (a, _), size in zip(sides, cut.shape, strict=True))
        self._cut, self._near_cut = cut, near[inner].copy()
        return self._near_cut

    def dead_volume(self) -> float:
        """Return the volume [m^3] of lithium cut off from the base: xi in and around the dead cells."""
        if self.frozen is self.dead and not self.dead.any():
            return 0.0
        return float(((1.0 - self.h) * self.frozen).sum() * self.lattice.dx**3)

    def gather(self, f: Floats) -> Floats:
        """Return the field f at the surface elements."""
        out = np.empty(self.count)
        elements.gather(out, f.reshape(-1), self.start, self.idx, self.w)
        return out

    def total(self, q: Floats) -> float:
        """Return sum(q) over elements, in a fixed order."""
        return float(elements.total(q, self.count))

    def live_area(self, other: bool = False) -> Floats:
        """Return the areas of the elements [m^2], 0 on dead lithium and on the other electrode where it is resolved.

        other: those of that electrode.
        """
        live = self.area[: self.count] * self.active
        return np.where(self.other == other, live, 0.0) if self.both_electrodes else live

    def extend(self, out: Floats, q: Floats, scratch: Floats) -> None:
        """Write the surface quantity q[e] on the band, constant along normals; scratch: an array like d.

        Going to the cells and from there to the closest points smooths q twice. So the elements' values are taken from
        `out` again, and what they miss is added once: of a wave of 12 cells down a slope of 1/2 0.25 % is lost, without
        it 5 %. The elements reach no further than the cells of the interface.
        """
        for everywhere in (False, True):
            elements.spread(scratch, self.weight, q, self.facet, self.w, self.touched, self.cells, self.n)
            front.extend(out, scratch, self.weight, self.closest, self.cells, self.n, everywhere, self.periodic)
            if not everywhere:
                q = 2.0 * q - self.gather(out)

    def height(self) -> tuple[Floats, Ints]:
        """Return the top surface of connected lithium (ny, nx) [m] and how often each column crosses it."""
        shape = (self.lattice.ny, self.lattice.nx)
        z, crossings = np.zeros(shape), np.zeros(shape, np.int64)
        hidden = self.dead | (self.upper & (self.d <= 0.0)).astype(np.uint8) if self.both_electrodes else self.dead
        front.top_surface(z, crossings, self.d, hidden, self.lattice.dx)
        return z, crossings

    def height_other(self) -> Floats:
        """Return the surface of the second body (ny, nx) [m], as its distance from the top of the box."""
        shape = (self.lattice.ny, self.lattice.nx)
        z, crossings = np.zeros(shape), np.zeros(shape, np.int64)
        hidden = self.dead | (~self.upper & (self.d <= 0.0)).astype(np.uint8)
        d = np.ascontiguousarray(self.d[::-1])
        front.top_surface(z, crossings, d, np.ascontiguousarray(hidden[::-1]), self.lattice.dx)
        return z


def label(mask: NDArray[np.bool_], periodic: bool) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return labels of the face-connected parts of `mask`, and the root of each label across periodic sides."""
    labels, n = scipy.ndimage.label(mask)
    roots = np.arange(n + 1, dtype=np.int32)
    if periodic and n > 0:
        pairs = []
        for axis in (1, 2):
            a, b = np.take(labels, 0, axis), np.take(labels, -1, axis)
            both = (a > 0) & (b > 0)
            pairs.append(np.stack([a[both], b[both]]))
        a, b = np.concatenate(pairs, axis=1)
        graph = scipy.sparse.coo_array((np.ones(a.size, np.int8), (a, b)), shape=(n + 1, n + 1))
        roots = connected_components(graph, directed=False)[1].astype(np.int32)
    return labels, roots
