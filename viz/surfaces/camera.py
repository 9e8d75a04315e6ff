"""One camera for every renderer, and the view that runs must share in order to be compared.

The projection is plain arithmetic, so that axes and labels are drawn by matplotlib, crisp and at their own
size, over a picture from PyVista or from the painter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import atan, cos, degrees, radians, sin

import numpy as np

from phasefield.viz.stored import METRE, Array, StoredRun, field_of, has_field, height_of, is_flat_run
from phasefield.viz.style import HEIGHT_MAP

AZIMUTH = -58.0  # degrees from +x; within (-90, 0), so that the walls y = 0 and x = lx face the viewer
ELEVATION = 30.0  # degrees above the horizon
REMOTE = 5.0  # distance of the eye in diagonals of the box: a mild perspective
BASE = 0.08  # the block of lithium goes on below the deepest valley by this part of the height range
VISIBLE = 0.16  # heights below this part of the width are drawn exaggerated, and the picture says so
EXAGGERATIONS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


@dataclass(frozen=True)
class Camera:
    """Eye, target and opening; `aspect` = width over height of the picture. Lengths as drawn [um]."""

    eye: tuple[float, float, float]
    target: tuple[float, float, float]
    half: float
    "tangent of half the vertical opening"
    aspect: float

    @property
    def view_angle(self) -> float:
        """Vertical opening in degrees."""
        return 2 * degrees(atan(self.half))

    def axes(self) -> tuple[Array, Array, Array]:
        """Unit vectors right, up and towards the eye."""
        back = np.subtract(self.eye, self.target)
        back = back / np.linalg.norm(back)
        right = np.cross([0.0, 0.0, 1.0], back)
        right /= np.linalg.norm(right)
        return right, np.cross(back, right), back

    def project(self, points: Array) -> Array:
        """Return picture coordinates (..., 2): the vertical one runs from -1 to 1, the other to +- aspect."""
        right, up, back = self.axes()
        rays = np.asarray(points, dtype=np.float64) - np.asarray(self.eye)
        depth = -(rays @ back)
        return np.asarray(np.stack([rays @ right, rays @ up], axis=-1) / (depth * self.half)[..., None])

    def depth(self, points: Array) -> Array:
        """Distance from the eye along the line of sight."""
        return np.asarray(-((np.asarray(points) - np.asarray(self.eye)) @ self.axes()[2]))


def fit_camera(
    size: Sequence[float],
    bottom: float,
    top: float,
    *,
    azimuth: float = AZIMUTH,
    elevation: float = ELEVATION,
    turning: bool = False,
) -> Camera:
    """Return the camera whose picture just holds the box (0..lx, 0..ly, bottom..top).

    turning: hold the box at every azimuth, from one distance and with one opening, for a movie.
    """
    if not -90 < azimuth < 0 < elevation < 90:
        raise ValueError("azimuth must lie in (-90, 0) and elevation in (0, 90) degrees")
    corners = box_corners(size, bottom, top)
    reach = REMOTE * float(np.linalg.norm(corners[0] - corners[-1]))
    if turning:  # the rims of the upright cylinder round the box
        round_ = np.linspace(0.0, 2.0 * np.pi, 73)
        rim = 0.5 * np.hypot(size[0], size[1]) * np.stack([np.cos(round_), np.sin(round_)], axis=1)
        rim = rim + 0.5 * np.asarray(size[:2])
        corners = np.concatenate([np.column_stack([rim, np.full(len(rim), z)]) for z in (bottom, top)])
    a, e = radians(azimuth), radians(elevation)
    towards = reach * np.array([cos(e) * cos(a), cos(e) * sin(a), sin(e)])
    target = np.array([size[0] / 2, size[1] / 2, (bottom + top) / 2])
    for _ in range(3):  # move the aim until the picture of the box is centred
        camera = Camera(_triple(target + towards), _triple(target), 1.0, 1.0)
        seen = camera.project(corners)
        shift = (seen.min(axis=0) + seen.max(axis=0)) / 2 * reach
        target = target + shift[0] * camera.axes()[0] + shift[1] * camera.axes()[1]
    camera = Camera(_triple(target + towards), _triple(target), 1.0, 1.0)
    half = np.abs(camera.project(corners)).max(axis=0) * 1.005
    return replace(camera, half=float(half[1]), aspect=float(half[0] / half[1]))


def _triple(vector: Array) -> tuple[float, float, float]:
    x, y, z = vector.tolist()
    return x, y, z


def box_corners(size: Sequence[float], bottom: float, top: float) -> Array:
    """Corners of the box (8, 3), x fastest."""
    return np.array([(x, y, z) for z in (bottom, top) for y in (0.0, size[1]) for x in (0.0, size[0])])


@dataclass(frozen=True)
class View:
    """What two pictures share to be comparable: colour limits, box, exaggeration and camera. All [um]."""

    limits: tuple[float, float]
    "heights above the mean plane at the ends of the colour scale"
    size: tuple[float, float]
    "lateral edges of the box"
    ceiling: float = 0.0
    "top of the box, at least the upper limit; higher where isolated lithium floats above the surface"
    exaggeration: float = 1.0
    azimuth: float = AZIMUTH
    elevation: float = ELEVATION
    colours: str = HEIGHT_MAP
    turning: bool = False
    "one distance and opening of the camera at all azimuths"

    @property
    def top(self) -> float:
        """Top of the drawn box."""
        return max(self.limits[1], self.ceiling)

    @property
    def base(self) -> float:
        """Bottom of the drawn block."""
        return self.limits[0] - BASE * (self.limits[1] - self.limits[0])

    @property
    def camera(self) -> Camera:
        """The camera that holds the box."""
        return fit_camera(
            self.size,
            self.base * self.exaggeration,
            self.top * self.exaggeration,
            azimuth=self.azimuth,
            elevation=self.elevation,
            turning=self.turning,
        )


def common_view(
    frames: Sequence[tuple[StoredRun, int]],
    *,
    limits: tuple[float, float] | None = None,
    exaggeration: float | None = None,
    azimuth: float = AZIMUTH,
    elevation: float = ELEVATION,
) -> View:
    """Return the view that holds all the given (run, frame).

    limits: heights above the mean [um]; by default those of the roughest. exaggeration: 1 is true to scale,
    and the default unless the relief would be too low to be seen.
    """
    if limits is None:
        spans = [(float(z.min()), float(z.max())) for z in (relief(run, frame) for run, frame in frames)]
        low, high = min(s[0] for s in spans), max(s[1] for s in spans)
        floor = 1e-3 * max(run.spacing for run, _ in frames) * METRE  # a flat surface still has a scale
        limits = (min(low, -floor), max(high, floor))
    if not limits[0] < limits[1]:
        raise ValueError(f"colour limits must rise, got {limits[0]:g} to {limits[1]:g} {'um'}")
    lateral = [lateral_size(run) for run, _ in frames]
    size = (max(s[0] for s in lateral), max(s[1] for s in lateral))
    if exaggeration is None:
        wanted = VISIBLE * max(size) / (limits[1] - limits[0])
        exaggeration = next((float(k) for k in EXAGGERATIONS if k >= wanted / 1.5), float(EXAGGERATIONS[-1]))
    ceiling = max(_highest(run, frame) for run, frame in frames)
    return View(limits, size, ceiling, exaggeration, azimuth, elevation)


def _highest(run: StoredRun, frame: int) -> float:
    """Top of all lithium, connected or not, above the mean of the connected surface [um]."""
    heights = height_of(run, frame)
    high = float(heights.max())
    if has_field(run, "xi"):
        planes = np.flatnonzero(field_of(run, "xi", frame).max(axis=(1, 2)) > 0.5)
        if len(
            planes
        ):  # half a cell above the last centre in lithium; a cell is enough to be called floating
            floating = (float(planes[-1]) + 1.0) * run.spacing * METRE
            high = floating if floating > high + run.spacing * METRE else high
    return high - float(heights.mean())


def lateral_size(run: StoredRun) -> tuple[float, float]:
    """Edges (lx, ly) of the domain [um]."""
    _, ny, nx = run.shape
    return nx * run.spacing * METRE, ny * run.spacing * METRE


def relief(run: StoredRun, frame: int) -> Array:
    """Heights of a frame above their mean (ny, nx) [um]."""
    z = height_of(run, frame)
    return np.asarray(z - z.mean())


def to_rim(height: Array) -> Array:
    """Carry a map (ny, nx) of cell centres on to the rim of the domain, (ny + 2, nx + 2)."""
    return np.pad(height, 1, mode="edge")


def rim_coordinates(n: int, spacing: float) -> Array:
    """Coordinates that go with `to_rim`: 0, the n cell centres, n dx [um]."""
    return np.concatenate([[0.0], (np.arange(n) + 0.5) * spacing, [n * spacing]])


def needs_section(run: StoredRun) -> bool:
    """True where a perspective picture makes no sense."""
    return is_flat_run(run)
