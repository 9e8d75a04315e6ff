"""Shapes that a lithium surface may have at t = 0, each a table of a case: its lengths, its limits and its height.

Another shape is a class here and a key of `Surface` in `surface.py`.
"""

from __future__ import annotations

import math
from abc import abstractmethod

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from phasefield.case.grid import MOST_CELLS, WHOLE, Grid
from phasefield.case.quantities import Angle, Length, Place, um
from phasefield.case.record import Record, refuse

Floats = NDArray[np.float64]


class Shape(Record):
    """What is added to a flat surface."""

    @abstractmethod
    def check(self, grid: Grid, key: str) -> None:
        """Refuse the shape if the grid cannot carry it; key: its place in the case, for the error."""

    @abstractmethod
    def relief(self, grid: Grid) -> Floats:
        """Return the height [m] that the shape adds, (ny, nx) or what broadcasts to it."""


class Wave(Shape):
    """z = amplitude cos(2 pi (x cos(direction) + y sin(direction)) / wavelength), a crest at x = y = 0."""

    amplitude: Length = Field(description="half the height from trough to crest")
    wavelength: Length = Field(description="distance from crest to crest; it must fit the box")
    direction: Angle = Field(default=0.0, description="angle of the wave vector to the x axis; 0 in 2D")

    def check(self, grid: Grid, key: str) -> None:
        """Refuse a wave that does not close across the box (periodic), or is not even at its sides (mirror)."""
        along = (math.cos(self.direction), math.sin(self.direction))
        across = [axis for axis in (0, 1) if abs(along[axis]) > WHOLE]
        if grid.ndim == 2 and across != [0]:
            raise refuse(f"{key}.direction", 'only "0 deg" is possible in a 2D run; remove it')
        if grid.lateral == "mirror" and len(across) == 2:
            raise refuse(f"{key}.direction", 'mirrored sides need "0 deg" or "90 deg"; or make them periodic')
        unit = 1.0 if grid.lateral == "periodic" else 0.5
        for axis in across:
            length = grid.size[axis] * abs(along[axis])
            count = length / (unit * self.wavelength)
            if count > MOST_CELLS or abs(count - round(count)) > 1e-4 or round(count) == 0:
                nearest = length / (unit * min(max(1, round(min(count, MOST_CELLS))), MOST_CELLS))
                what = "a whole number of times" if unit == 1 else "a whole number of halves"
                raise refuse(
                    f"{key}.wavelength",
                    f"{um(self.wavelength)} fits the box {count * unit:.6g} times, {what} is needed; the nearest "
                    f"valid is {um(nearest)}",
                )
        if self.wavelength < 4 * grid.spacing:
            raise refuse(
                f"{key}.wavelength", f"{um(self.wavelength)} is below 4 spacings; give at least {um(4 * grid.spacing)}"
            )

    def relief(self, grid: Grid) -> Floats:
        """Return the height of the wave [m]."""
        x, y = lateral_places(grid)
        k = 2.0 * np.pi / self.wavelength
        a = self.direction
        along = np.cos(a) * x[None, :] + (np.sin(a) * y[:, None] if y.size > 1 else 0.0)
        return np.asarray(self.amplitude * np.cos(k * along))


class Groove(Shape):
    """A scratch of triangular section: z falls by depth (1 - 2 |x - position|/width), along the whole of y."""

    position: Place = Field(description="x of its deepest line")
    depth: Length = Field(description="depth below the surface around it")
    width: Length = Field(description="width at the surface, at least 4 spacings")

    def check(self, grid: Grid, key: str) -> None:
        """Refuse a groove outside the box, wider than it, or too narrow for the grid."""
        check_inside(self.position, grid.size[0], f"{key}.position")
        if not 4 * grid.spacing <= self.width <= grid.size[0]:
            raise refuse(
                f"{key}.width",
                f"{um(self.width)} came; give {um(4 * grid.spacing)} (4 spacings) to {um(grid.size[0])} (the box)",
            )

    def relief(self, grid: Grid) -> Floats:
        """Return the height of the groove [m], below 0."""
        x, _ = lateral_places(grid)
        across = nearest_image(x - self.position, grid)
        return np.asarray(-self.depth * np.maximum(1.0 - 2.0 * np.abs(across) / self.width, 0.0)[None, :])


class Cap(Shape):
    """A nucleus: a spherical cap standing on the surface."""

    position: tuple[Place, ...] = Field(description="position of its centre: [x] in 2D, [x, y] in 3D")
    radius: Length = Field(description="radius of its base circle")
    height: Length = Field(description="height above the surface, at most the radius")

    @model_validator(mode="after")
    def _check(self) -> Cap:
        if self.height > self.radius:
            raise refuse(
                "height",
                f"{um(self.height)} is above the radius {um(self.radius)}: the cap would overhang; lower it",
            )
        return self

    def check(self, grid: Grid, key: str) -> None:
        """Refuse a nucleus outside the box or too small for the grid."""
        if len(self.position) != grid.ndim - 1:
            raise refuse(
                f"{key}.position", f"{len(self.position)} lengths came; a {grid.ndim}D run needs {grid.ndim - 1}"
            )
        for axis, place in enumerate(self.position):
            check_inside(place, grid.size[axis], f"{key}.position[{axis}]")
        if self.radius < 2 * grid.spacing:
            raise refuse(
                f"{key}.radius", f"{um(self.radius)} is below 2 spacings; give at least {um(2 * grid.spacing)}"
            )

    def relief(self, grid: Grid) -> Floats:
        """Return the height of the cap [m], 0 beside it."""
        x, y = lateral_places(grid)
        ax = nearest_image(x[None, :] - self.position[0], grid)
        ay = nearest_image(y[:, None] - self.position[1], grid, 1) if y.size > 1 else np.zeros((1, 1))
        sphere = (self.radius**2 + self.height**2) / (2.0 * self.height)  # radius of the sphere
        r2 = ax**2 + ay**2
        rise = np.sqrt(np.maximum(sphere**2 - r2, 0.0)) - (sphere - self.height)
        return np.where(r2 < self.radius**2, np.maximum(rise, 0.0), 0.0)


def lateral_places(grid: Grid) -> tuple[Floats, Floats]:
    """Return x and y of the cells' centres [m], (nx,) and (ny,)."""
    x, y = (np.asarray((np.arange(n) + 0.5) * grid.spacing, np.float64) for n in grid.shape[:0:-1])
    return x, y


def nearest_image(difference: Floats, grid: Grid, axis: int = 0) -> Floats:
    """Return differences of places [m] along x (0) or y (1), in a periodic box the shortest way round."""
    if grid.lateral != "periodic":
        return difference
    edge = grid.shape[2 - axis] * grid.spacing
    return np.asarray(difference - edge * np.round(difference / edge))


def check_inside(place: float, edge: float, key: str) -> None:
    """Refuse a place [m] outside the box."""
    if not 0 <= place <= edge:
        raise refuse(key, f"{um(place)} is outside the box; give 0 um to {um(edge)}")
