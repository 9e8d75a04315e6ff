"""What a viewer shows of stored runs at one time: meshes, colours, line profile, figures. No window, no OpenGL."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from phasefield.fields import FIELDS
from phasefield.roughness import basic
from phasefield.viz.stored import METRE, Array, StoredRun, labels

HEIGHT = "height"
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
MARGIN = 2  # cells


class Limits(NamedTuple):
    """Ends of a colour scale, in the unit shown."""

    low: float
    high: float


@dataclass
class Look:
    """What is shown: time [s], the field that colours the surfaces, a slice's field ("" for none) and place.

    line: end points (x, y) [um] of a profile, on each surface alike; place: of the slice, 0 to 1 along y.
    """

    time: float = math.inf
    colour: str = HEIGHT
    slice: str = ""
    place: float = 0.5
    line: list[tuple[float, float]] = field(default_factory=list)


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
            folders = [getattr(run, "folder", None) for run in runs]
            self.names = [own if f is None else f.name for f, own in zip(folders, self.names, strict=True)]
        self._limits: dict[str, Limits] = {}
        self._kept: dict[int, tuple[tuple[int, str], Sheet]] = {}  # of each run: scene and map ask

    @cached_property
    def times(self) -> NDArray[np.float64]:
        """All times at which one of the runs has a frame, s."""
        return np.unique(np.concatenate([np.asarray(run.times, dtype=np.float64) for run in self.runs]))

    @cached_property
    def colours(self) -> list[str]:
        """What can colour the surfaces of all runs."""
        return [HEIGHT, *(name for name in ON_SURFACE if self._all_hold(name))]

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
        stride = max(1, -(-max(run.shape[1:]) // MOST_POINTS))
        z = np.asarray(run.heights[frame][::stride, ::stride], dtype=np.float64)
        dx = run.spacing * stride * METRE
        x, y = np.meshgrid((np.arange(z.shape[1]) + 0.5) * dx + self.offset(k), (np.arange(z.shape[0]) + 0.5) * dx)
        mean = float(np.mean(run.heights[frame]))
        about = (z - mean) * METRE
        points = np.stack([x, y, about], axis=-1)
        if colour == HEIGHT:
            return Sheet(points, about)
        return Sheet(points, self._on_surface(run, frame, colour, stride) * SHOWN[colour][2])

    def _on_surface(self, run: StoredRun, frame: int, name: str, stride: int = 1) -> Array:
        """Return a field at the surface (ny, nx), SI: of the cell that holds it, or the nearest that has a value."""
        z = np.asarray(run.heights[frame])[::stride, ::stride]
        at = np.clip((z / run.spacing).astype(int), 0, run.shape[0] - 1)
        first = max(0, int(at.min()) - NEIGHBOURS)
        last = min(run.shape[0], int(at.max()) + NEIGHBOURS + 1)
        held = layers_of(run, name, frame, first, last)[:, ::stride, ::stride]
        found = np.zeros(z.shape)
        for step in sorted(range(-NEIGHBOURS, NEIGHBOURS + 1), key=abs):
            k = np.clip(at - first + step, 0, last - first - 1)
            one = np.take_along_axis(held, k[None], axis=0)[0]
            found = np.where(found == 0.0, one, found)
        return found

    def limits(self, colour: str) -> Limits:
        """Return the ends of the colour scale of all runs: of heights over all frames, else of the last ones."""
        if colour not in self._limits:
            parts: list[Array] = []
            for k, run in enumerate(self.runs):
                if colour == HEIGHT:
                    z = np.asarray(run.heights, dtype=np.float64)
                    parts.append((z - z.mean(axis=(1, 2), keepdims=True)).ravel() * METRE)
                elif colour in IN_VOLUME:
                    parts.append(self.cut(k, Look(slice=colour)).values.ravel())
                else:
                    parts.append(self._on_surface(run, run.n_frames - 1, colour).ravel() * SHOWN[colour][2])
            low, high = (float(pick([pick(part[np.isfinite(part)]) for part in parts])) for pick in (np.min, np.max))
            self._limits[colour] = Limits(low, high if high > low else low + 1.0)
        return self._limits[colour]

    def cut(self, k: int, look: Look) -> Sheet:
        """Return a cut of run k along x, at `look.place` of its depth: points and values (nz, nx), nan in lithium."""
        run, frame = self.runs[k], self.frame(k, look.time)
        nz, ny, nx = run.shape
        j = min(int(look.place * ny), ny - 1)
        values = row_of(run, look.slice, frame, j) * SHOWN[look.slice][2]
        if self._all_hold("xi"):
            values = np.where(row_of(run, "xi", frame, j) > 0.5, math.nan, values)
        dx = run.spacing * METRE
        mean = float(np.mean(run.heights[frame])) * METRE
        x, z = np.meshgrid((np.arange(nx) + 0.5) * dx + self.offset(k), (np.arange(nz) + 0.5) * dx - mean)
        return Sheet(np.stack([x, np.full_like(x, (j + 0.5) * dx), z], axis=-1), values)

    def isolated(self, k: int, look: Look) -> Array:
        """Return the middles (n, 3) [um] of the cells of run k with isolated lithium; none where it is not stored."""
        run, frame = self.runs[k], self.frame(k, look.time)
        if "dead" not in getattr(run, "fields", ()):
            return np.zeros((0, 3))
        at = np.argwhere(np.asarray(run.field("dead", frame)) > 0.5)
        dx = run.spacing * METRE
        mean = float(np.mean(run.heights[frame])) * METRE
        return np.asarray((at[:, ::-1] + 0.5) * dx + np.array([self.offset(k), 0.0, -mean]))

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
        found = basic(self.runs[k].heights[self.frame(k, look.time)])
        return dict(zip(("Sa", "Sq", "Sz"), found, strict=True))


def layers_of(run: Any, name: str, frame: int, first: int, last: int) -> Array:
    """Return the layers first to last - 1 of a field (n, ny, nx); only they are read where the run can."""
    if hasattr(run, "part"):
        return np.asarray(run.part(name, frame, layers=(first, last)), dtype=np.float64)
    return np.asarray(run.field(name, frame), dtype=np.float64)[first:last]


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
