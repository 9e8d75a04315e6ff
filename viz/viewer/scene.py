"""What a viewer shows of stored runs at one time: meshes, colours, line profile, figures. No window, no OpenGL."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from phasefield.errors import one_line
from phasefield.fields import FIELDS
from phasefield.topography.roughness import sa_sq_sz
from phasefield.viz.metals import dead_of, substrate_of
from phasefield.viz.stored import METRE, Array, StoredRun, height_in_metres, labels

HEIGHT = "height"
RESISTANCE = "film_resistance"
ON_SURFACE = ("reaction_current", "film_resistance", "film_thickness", "film_conductivity")
IN_VOLUME = ("concentration", "potential")
SHOWN = {
    HEIGHT: ("height about the mean", "\N{MICRO SIGN}m", METRE),
    "reaction_current": ("local current density", "mA/cm\N{SUPERSCRIPT TWO}", 0.1),
    "film_resistance": ("film resistance", "\N{GREEK CAPITAL LETTER OMEGA} cm\N{SUPERSCRIPT TWO}", 1e4),
    "film_thickness": ("film thickness", "nm", 1e9),
    "film_conductivity": ("film conductivity", "S/cm", 0.01),
    "concentration": ("salt concentration", "mol/L", 1e-3),
    "potential": ("potential", "mV", 1e3),
}
"""Name, unit and SI-to-unit factor of what can be coloured."""
MOST_POINTS = 256  # of an edge of a surface; more do not reach a browser within a second
NEIGHBOURS = 2  # cells above and below the surface among which its value is looked for
GAP = 0.15  # of a width, between surfaces that stand side by side
DEAD = (0.84, 0.37, 0.0)  # isolated lithium
COVER = 0.05  # cells: so much a bare metal lies above the places without lithium
TILT = (-0.35, -1.3, 0.9)  # where the eye is, from the middle
ROOM = 1.06  # about what is shown
DECADES = 100.0  # of a film's property, from which on its scale is logarithmic
INK = (0.1, 0.1, 0.1)  # the bar of length
LONGEST = 200  # characters of a name
MOST_READ = 200_000_000  # cells that are read for the ends of a colour scale


class Limits(NamedTuple):
    """Ends of a colour scale, in the unit shown."""

    low: float
    high: float


@dataclass
class Look:
    """What is shown: time [s], the field that colours the surfaces, a slice's field ("" for none) and place.

    line: end points (x, y) [um] of a profile, on each surface alike; place: of the slice, 0 to 1 along y.
    solid: the surface xi = 1/2 in space, with its overhangs; else the heights, as seen from above.
    """

    time: float = math.inf
    colour: str = HEIGHT
    slice: str = ""
    place: float = 0.5
    line: list[tuple[float, float]] = field(default_factory=list)
    solid: bool = False


@dataclass(frozen=True)
class Sheet:
    """A surface: points (ny, nx, 3) [um] and values (ny, nx) in the unit shown."""

    points: Array
    values: Array


class Scene:
    """Runs side by side, at one time, on one colour scale."""

    def __init__(self, runs: Sequence[StoredRun]) -> None:
        """Raises ValueError for a run without a stored frame, or of a section."""
        for run in runs:
            if run.n_frames < 1:
                raise ValueError(f"{run.title}: holds no frame yet; run it first")
            if run.shape[1] == 1:
                raise ValueError(f"{run.title}: is a 2D run, which has no surface to turn; use phasefield render")
        self.runs = list(runs)
        self.names, self.shared = labels(runs)
        if len({run.title for run in runs}) < len(runs):
            self.names = _folders(runs, self.names)
        self.names = [one_line(name, LONGEST) for name in self.names]
        self._limits: dict[str, Limits] = {}
        self._kept: dict[int, tuple[tuple[int, str], Sheet]] = {}  # of each run: scene and map ask

    @cached_property
    def times(self) -> NDArray[np.float64]:
        """All times at which one of the runs has a frame, s."""
        return np.unique(np.concatenate([np.asarray(run.times, dtype=np.float64) for run in self.runs]))

    @cached_property
    def colours(self) -> list[str]:
        """What can colour the surfaces of all runs."""
        return [HEIGHT, *(name for name in ON_SURFACE if all(_held(run, name) for run in self.runs))]

    @cached_property
    def slices(self) -> list[str]:
        """What can be shown on a cut through all runs."""
        return [name for name in IN_VOLUME if self._all_hold(name)]

    def _all_hold(self, name: str) -> bool:
        return all(name in getattr(run, "fields", ()) for run in self.runs)

    def frame(self, k: int, time: float) -> int:
        """Return the last frame of run k that is not after a time [s], the first if there is none."""
        before = np.flatnonzero(np.asarray(self.runs[k].times) <= time * (1.0 + 1e-9))
        return int(before[-1]) if len(before) else 0

    def offset(self, k: int) -> float:
        """Return where the left side of run k stands, um."""
        widths = [run.shape[2] * run.spacing * METRE for run in self.runs]
        return sum(widths[:k]) + k * GAP * max(widths)

    def surface(self, k: int, look: Look) -> Sheet:
        """Return the surface of run k, coloured as `look` says, at its place."""
        asked = (self.frame(k, look.time), look.colour)
        if k not in self._kept or self._kept[k][0] != asked:
            self._kept[k] = asked, self._sheet(k, *asked)
        return self._kept[k][1]

    def _sheet(self, k: int, frame: int, colour: str) -> Sheet:
        run = self.runs[k]
        stride = stride_of(run)
        z = height_in_metres(run, frame)[::stride, ::stride]
        dx = run.spacing * stride * METRE
        x, y = np.meshgrid((np.arange(z.shape[1]) + 0.5) * dx + self.offset(k), (np.arange(z.shape[0]) + 0.5) * dx)
        mean = float(np.mean(run.heights[frame]))
        about = (z - mean) * METRE
        points = np.stack([x, y, about], axis=-1)
        if colour == HEIGHT:
            return Sheet(points, about)
        return Sheet(points, self._on_surface(run, frame, colour, stride) * SHOWN[colour][2])

    def mesh(self, k: int, look: Look) -> Any:
        """Return the surface of run k as PolyData with its colour's values by name, `scaled`.

        With `look.solid` it is the contour xi = 1/2 of connected lithium; where xi is not stored, the heights still.
        """
        if not (look.solid and self.has_solid):
            sheet = self.surface(k, look)
            return mesh_of(Sheet(sheet.points, self.scaled(look.colour, sheet.values)), look.colour)
        return self._contour(k, self.frame(k, look.time), look.colour)

    @cached_property
    def has_solid(self) -> bool:
        """True where all runs hold what the surface in space is made of."""
        return self._all_hold("xi")

    def _contour(self, k: int, frame: int, colour: str) -> Any:
        import pyvista as pv

        run, stride = self.runs[k], stride_of(self.runs[k])
        xi = _connected(run, frame)[::stride, ::stride, ::stride]
        dx = run.spacing * METRE
        mean = float(np.mean(run.heights[frame])) * METRE
        grid = pv.ImageData(
            dimensions=xi.shape[::-1], spacing=(stride * dx,) * 3,
            origin=(0.5 * dx + self.offset(k), 0.5 * dx, 0.5 * dx - mean),
        )  # fmt: skip
        grid["xi"] = xi.ravel()
        mesh = grid.contour([0.5], scalars="xi", compute_normals=True)
        mesh.point_data.remove("xi")
        points = np.asarray(mesh.points, dtype=np.float64)
        if colour == HEIGHT:
            mesh[colour] = points[:, 2].astype(np.float32)
            return mesh
        place = (points - np.array([self.offset(k), 0.0, -mean])) / dx - 0.5  # in cells (x, y, z)
        values = _near(run, frame, colour, place) * SHOWN[colour][2]
        mesh[colour] = self.scaled(colour, values).astype(np.float32)
        return mesh

    def _on_surface(self, run: StoredRun, frame: int, name: str, stride: int = 1) -> Array:
        """Return a field at the surface (ny, nx), SI: of the cell that holds it, or the nearest that has a value."""
        if name == RESISTANCE and not _stored(run, name):
            own = self._on_surface(run, frame, "film_conductivity", stride)
            thick = self._on_surface(run, frame, "film_thickness", stride)
            return np.divide(thick, own, out=np.zeros_like(own), where=own > 0.0)
        heights = np.asarray(run.heights[frame])[::stride, ::stride]
        at = np.clip((heights / run.spacing).astype(int), 0, run.shape[0] - 1)
        found = np.zeros(at.shape)
        best = np.full(at.shape, NEIGHBOURS + 1)  # cells from the surface to what was found
        for (z, y, x), part in blocks_of(run, name, frame):
            first = (-y % stride, -x % stride)  # of the part that stands on the grid of the points
            held = part[:, first[0] :: stride, first[1] :: stride]
            j, i = (y + first[0]) // stride, (x + first[1]) // stride
            here = np.s_[j : j + held.shape[1], i : i + held.shape[2]]
            for step in sorted(range(-NEIGHBOURS, NEIGHBOURS + 1), key=abs):
                k = at[here] - z + step
                inside = (k >= 0) & (k < len(held)) & (abs(step) < best[here])
                if np.any(inside):
                    one = np.take_along_axis(held, np.clip(k, 0, len(held) - 1)[None], axis=0)[0]
                    good = inside & (one != 0.0)
                    found[here][good], best[here][good] = one[good], abs(step)
        return found

    def limits(self, colour: str) -> Limits:
        """Return the ends of the colour scale of all runs and frames, unit shown.

        Heights: of all frames. Fields: of all frames of a small run; of a large one, of frames evenly apart, the
        first and the last among them, so that no more than `MOST_READ` cells are read. A cut's scale is that of the
        cut in the middle.
        """
        if colour not in self._limits:
            parts: list[Array] = []
            for k, run in enumerate(self.runs):
                if colour == HEIGHT:
                    z = np.asarray(run.heights, dtype=np.float64)
                    parts.append((z - z.mean(axis=(1, 2), keepdims=True)).ravel() * METRE)
                    continue
                for frame in looked_at(run):
                    if colour in IN_VOLUME:
                        at = Look(time=float(run.times[frame]), slice=colour)
                        parts.append(self.cut(k, at).values.ravel())
                    else:
                        values = self._on_surface(run, frame, colour, stride_of(run)).ravel() * SHOWN[colour][2]
                        parts.append(values[values > 0.0] if colour.startswith("film_") else values)  # 0: not found
            ends = [(part.min(), part.max()) for part in (p[np.isfinite(p)] for p in parts) if len(part)]
            low, high = (min(e[0] for e in ends), max(e[1] for e in ends)) if ends else (0.0, 0.0)
            self._limits[colour] = Limits(float(low), float(high if high > low else low + 1.0))
        return self._limits[colour]

    def is_logarithmic(self, colour: str) -> bool:
        """True for the property of a film that spans more than two decades: patches of thick film hide the rest."""
        if not colour.startswith("film_"):
            return False
        low, high = self.limits(colour)
        return 0.0 < low < high / DECADES

    def scaled(self, colour: str, values: Array) -> Array:
        """Return values [unit shown] as the colour scale takes them: their logarithm to base 10 where that is asked."""
        if not self.is_logarithmic(colour):
            return values
        return np.asarray(np.log10(np.maximum(values, self.limits(colour).low)))

    def ends(self, colour: str) -> Limits:
        """Return the limits as the colour scale takes them."""
        low, high = self.scaled(colour, np.array(self.limits(colour)))
        return Limits(float(low), float(high))

    def cut(self, k: int, look: Look) -> Sheet:
        """Return a cut of run k along x, at `look.place` of its depth: points and values (nz, nx), nan in lithium."""
        run, frame, stride = self.runs[k], self.frame(k, look.time), stride_of(self.runs[k])
        nz, ny, nx = run.shape
        j = min(int(look.place * ny), ny - 1)
        values = row_of(run, look.slice, frame, j)[::stride, ::stride] * SHOWN[look.slice][2]
        if self._all_hold("xi"):
            values = np.where(row_of(run, "xi", frame, j)[::stride, ::stride] > 0.5, math.nan, values)
        dx = run.spacing * METRE
        mean = float(np.mean(run.heights[frame])) * METRE
        x, z = np.meshgrid(
            (np.arange(nx)[::stride] + 0.5) * dx + self.offset(k), (np.arange(nz)[::stride] + 0.5) * dx - mean
        )
        return Sheet(np.stack([x, np.full_like(x, (j + 0.5) * dx), z], axis=-1), values)

    def isolated(self, k: int, look: Look) -> Any:
        """Return the isolated lithium of run k as PolyData, the outsides of its cells [um]; None if there is none.

        Cells are taken together by the stride of the surface. Where `dead` is not stored, it is found in xi.
        """
        run, frame = self.runs[k], self.frame(k, look.time)
        stride = stride_of(run)
        if _stored(run, "dead"):
            found = [np.argwhere(part > 0.5) + corner for corner, part in blocks_of(run, "dead", frame)]
            cells = np.concatenate(found) if found else np.zeros((0, 3), int)
        else:
            dead = dead_of(run, frame)
            cells = np.zeros((0, 3), int) if dead is None else np.argwhere(dead > 0.5)
        if not len(cells):
            return None
        edge = run.spacing * stride * METRE
        mean = float(np.mean(run.heights[frame])) * METRE
        corners = outsides(cells // stride) * edge + np.array([self.offset(k), 0.0, -mean])
        return _quads(corners)

    def substrate(self, k: int, look: Look) -> Any:
        """Return the plane of the bare metal of run k as PolyData [um]; None where lithium covers the bottom."""
        run, frame = self.runs[k], self.frame(k, look.time)
        if not substrate_of(run):
            return None
        dx, (_, ny, nx) = run.spacing * METRE, run.shape
        z = COVER * dx - float(np.mean(run.heights[frame])) * METRE  # above the height 0 of places without lithium
        x, y = (np.array([0.0, n * dx]) for n in (nx, ny))
        corners = [(a + self.offset(k), b, z) for b, a in ((y[0], x[0]), (y[0], x[1]), (y[1], x[1]), (y[1], x[0]))]
        return _quads(np.array([corners]))

    def bar(self) -> tuple[float, Array]:
        """Return a length [um] of 1, 2 or 5 times a power of ten, and the box (8, 3) [um] of a bar of it in front."""
        widths = [run.shape[2] * run.spacing * METRE for run in self.runs]
        whole = 0.4 * widths[0]
        power = 10.0 ** math.floor(math.log10(whole))
        length = power * max(step for step in (1.0, 2.0, 5.0) if step * power <= whole)
        thick = 0.012 * max(widths)
        y, low = -0.06 * max(widths), self.limits(HEIGHT).low
        ends = [(0.0, length), (y - thick, y), (low - thick, low)]
        return length, np.array([(a, b, c) for c in ends[2] for b in ends[1] for a in ends[0]])

    def profile(self, k: int, look: Look) -> tuple[Array, Array]:
        """Return distances and heights about the mean [um] of run k along `look.line`, bilinear between the cells."""
        from scipy.ndimage import map_coordinates

        run, frame = self.runs[k], self.frame(k, look.time)
        (x0, y0), (x1, y1) = look.line
        dx = run.spacing * METRE
        length = math.hypot(x1 - x0, y1 - y0)
        n = max(2, math.ceil(2.0 * length / dx))
        share = np.linspace(0.0, 1.0, n)
        place = [(y0 + share * (y1 - y0)) / dx - 0.5, (x0 + share * (x1 - x0)) / dx - 0.5]
        z = np.asarray(run.heights[frame], dtype=np.float64)
        return share * length, map_coordinates((z - z.mean()) * METRE, place, order=1, mode="nearest")

    def figures(self, k: int, look: Look) -> dict[str, float]:
        """Return Sa, Sq and Sz [m] of run k's surface, not levelled."""
        found = sa_sq_sz(self.runs[k].heights[self.frame(k, look.time)])
        return dict(zip(("Sa", "Sq", "Sz"), found, strict=True))


class Eye(NamedTuple):
    """Where a camera of parallel projection stands and looks at, and half of what it sees from bottom to top, um."""

    position: Array
    focus: Array
    half: float


def eye(scene: Scene, look: Look, aspect: float) -> Eye:
    """Return the camera that holds the surfaces at all times, the bar, and a cut if there is one.

    aspect: width of the view over its height.
    """
    low, high = scene.limits(HEIGHT)
    corners = [scene.bar()[1]]
    for k, run in enumerate(scene.runs):
        nz, ny, nx = run.shape
        dx = run.spacing * METRE
        top = nz * dx - float(np.mean(run.heights[scene.frame(k, look.time)])) * METRE if look.slice else high
        left = scene.offset(k)
        corners.append(np.array([(x, y, z) for z in (low, top) for y in (0, ny * dx) for x in (left, left + nx * dx)]))
    points = np.concatenate(corners)
    back = np.array(TILT) / math.hypot(*TILT)
    right = np.cross((0.0, 0.0, 1.0), back)
    right /= np.linalg.norm(right)
    up = np.cross(back, right)
    seen = np.stack([points @ right, points @ up, points @ back], axis=1)
    middle, size = 0.5 * (seen.min(axis=0) + seen.max(axis=0)), np.ptp(seen, axis=0)
    focus = middle[0] * right + middle[1] * up + middle[2] * back
    return Eye(focus + 2.0 * float(np.linalg.norm(size)) * back, focus, 0.5 * ROOM * max(size[1], size[0] / aspect))


def _folders(runs: Sequence[StoredRun], names: Sequence[str]) -> list[str]:
    """Return names of runs of one title: of their folders, with as much of the path as tells them apart."""
    folders = [getattr(run, "folder", None) for run in runs]
    if any(folder is None for folder in folders):
        return list(names)
    paths = [folder.resolve().parts for folder in folders if folder is not None]
    for depth in range(1, max(map(len, paths)) + 1):
        found = ["/".join(path[-depth:]) for path in paths]
        if len(set(found)) == len(found):
            return found
    return [f"{path[-1]} ({k + 1})" for k, path in enumerate(paths)]  # one folder, twice


def _stored(run: Any, name: str) -> bool:
    return name in getattr(run, "fields", ())


def _held(run: Any, name: str) -> bool:
    """True where a field is stored, or follows from two that are."""
    return _stored(run, name) or (
        name == RESISTANCE and _stored(run, "film_thickness") and _stored(run, "film_conductivity")
    )


def stride_of(run: StoredRun) -> int:
    """Return by how many cells the points of a drawn surface are apart."""
    return max(1, -(-max(run.shape[1:]) // MOST_POINTS))


def looked_at(run: StoredRun) -> list[int]:
    """Return the frames that give the limits of a field: all of a small run, first and last always."""
    n = max(2, min(run.n_frames, MOST_READ // math.prod(run.shape)))
    return sorted({int(k) for k in np.linspace(0, run.n_frames - 1, n).round()})


def _connected(run: Any, frame: int) -> NDArray[np.float32]:
    """Return xi (nz, ny, nx) without isolated lithium."""
    xi = np.array(run.field("xi", frame), dtype=np.float32)
    if _stored(run, "dead"):
        for (z, y, x), part in blocks_of(run, "dead", frame):
            nz, ny, nx = part.shape
            xi[z : z + nz, y : y + ny, x : x + nx][part > 0.5] = 0.0
    elif (dead := dead_of(run, frame)) is not None:
        xi[dead > 0.5] = 0.0
    return xi


def _near(run: Any, frame: int, name: str, place: Array) -> Array:
    """Return a field of the surface at places (n, 3) [cells: x, y, z], SI: of the nearest cell with a value."""
    from scipy.spatial import cKDTree

    if name == RESISTANCE and not _stored(run, name):
        thick, own = (_near(run, frame, part, place) for part in ("film_thickness", "film_conductivity"))
        return np.divide(thick, own, out=np.zeros_like(own), where=own > 0.0)
    cells, values = [np.zeros((0, 3), int)], [np.zeros(0)]
    for corner, part in blocks_of(run, name, frame):
        at = np.nonzero(part)
        cells.append(np.stack(at, axis=1) + corner)
        values.append(part[at].astype(np.float64))
    held, value = np.concatenate(cells), np.concatenate(values)
    if not len(held):
        return np.zeros(len(place))
    return np.asarray(value[cKDTree(held[:, ::-1]).query(place)[1]])


def blocks_of(run: Any, name: str, frame: int) -> Iterable[tuple[tuple[int, int, int], Any]]:
    """Return the parts of a field that hold anything but zeros; all in one where the run cannot tell."""
    return run.blocks(name, frame) if hasattr(run, "blocks") else [((0, 0, 0), np.asarray(run.field(name, frame)))]


def outsides(cells: NDArray[np.int64]) -> Array:
    """Return the faces (n, 4, 3) of cells (m, 3: z, y, x) without a neighbour there; corners (x, y, z) in cells."""
    first = cells.min(axis=0) - 1
    full = np.zeros(cells.max(axis=0) - first + 2, bool)
    full[tuple((cells - first).T)] = True
    faces = []
    for axis in range(3):
        for side in (0, 1):
            bare = full & ~np.roll(full, 1 - 2 * side, axis=axis)  # nothing before (0) or behind (1)
            at = np.argwhere(bare) + first
            one, other = (k for k in range(3) if k != axis)
            corners = np.repeat(at[:, None, :], 4, axis=1).astype(np.float64)
            corners[:, :, axis] += side
            corners[:, :, one] += (0.0, 1.0, 1.0, 0.0)
            corners[:, :, other] += (0.0, 0.0, 1.0, 1.0)
            faces.append(corners[:, :, ::-1])
    return np.concatenate(faces)


def box_of(corners: Array) -> Any:
    """Return a box as PolyData; corners (8, 3), x counting fastest, then y."""
    sides = [(0, 1, 3, 2), (4, 5, 7, 6), (0, 1, 5, 4), (2, 3, 7, 6), (0, 2, 6, 4), (1, 3, 7, 5)]
    return _quads(np.stack([corners[list(side)] for side in sides]))


def _quads(corners: Array) -> Any:
    """Return faces (n, 4, 3) as PolyData."""
    import pyvista as pv

    n = len(corners)
    faces = np.concatenate([np.full((n, 1), 4), np.arange(4 * n).reshape(n, 4)], axis=1)
    return pv.PolyData(corners.reshape(-1, 3).astype(np.float32), faces.ravel())


def row_of(run: Any, name: str, frame: int, j: int) -> Array:
    """Return the cut y = j of a field (nz, nx); only it is read where the run can."""
    if hasattr(run, "part"):
        return np.asarray(run.part(name, frame, rows=(j, j + 1)), dtype=np.float64)[:, 0]
    return np.asarray(run.field(name, frame), dtype=np.float64)[:, j]


def mesh_of(sheet: Sheet, name: str) -> Any:
    """Return a sheet as PolyData: quads between its points, values by name."""
    import pyvista as pv

    ny, nx = sheet.values.shape
    index = np.arange(ny * nx).reshape(ny, nx)
    corners = [index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]]
    quads = np.stack(corners, axis=-1).reshape(-1, 4)
    good = np.isfinite(sheet.values).ravel()
    quads = quads[good[quads].all(axis=1)]
    faces = np.concatenate([np.full((len(quads), 1), 4), quads], axis=1).ravel()
    mesh = pv.PolyData(sheet.points.reshape(-1, 3).astype(np.float32), faces)
    mesh[name] = sheet.values.ravel().astype(np.float32)
    if min(ny, nx) > 1:  # smooth shading
        along, across = (np.gradient(sheet.points, axis=axis) for axis in (1, 0))
        normal = np.cross(along, across).reshape(-1, 3)
        mesh.point_data.active_normals = (normal / np.linalg.norm(normal, axis=1)[:, None]).astype(np.float32)
    return mesh


def words(name: str) -> str:
    """Return what a field is called, with its unit."""
    text, unit, _ = SHOWN[name]
    return f"{text} ({unit})"


def not_stored(scene: Scene) -> list[str]:
    """Return the fields of the surface that the runs do not hold."""
    return [name for name in ON_SURFACE if name not in scene.colours and name in FIELDS]
