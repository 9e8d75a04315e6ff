"""The lithium surface at t = 0, and whether a grid can carry it."""

from __future__ import annotations

import hashlib
import math
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from phasefield import units
from phasefield.case.grid import WHOLE, Grid
from phasefield.case.quantities import FILLED, Length, OptionalLength, Seed, um
from phasefield.case.record import Record, fill, refuse
from phasefield.case.shapes import Cap, Groove, Shape, Wave
from phasefield.topography.profiles import ProfileError, fitted, read_profile
from phasefield.units import Measure

MARGIN = 4  # cells between the initial surface and the bottom, and the counter electrode
CLOSEST = 0.6  # of their mean distance, diameter of nuclei: random places for them are found then
DIGEST = 16  # letters of a file's digest
HOLDS = {2: "one", 3: "two or more"}


class Substrate(Record):
    """Bare metal at the bottom of the box: inert, and at t = 0 nuclei of lithium stand on it, half spheres.

    Their number goes with the cube of the nucleation overpotential (A. Pei et al., Nano Lett. 2017, 17, 1132).
    """

    name: str = Field(default="copper", description="name in tables and pictures")
    nucleation_overpotential: Annotated[float, Measure(units.VOLTAGE, ge=1e-3, le=10)] = Field(
        description="overpotential of the voltage spike when lithium first plates"
    )
    reference_overpotential: Annotated[float, Measure(units.VOLTAGE, ge=1e-3, le=10)] = Field(
        description="nucleation overpotential at which the nuclei have `distance`"
    )
    distance: Length = Field(description="mean distance of neighbouring nuclei, 1/sqrt(number per area)")
    radius: Length = Field(description="radius of the nuclei at t = 0, at least 2 spacings")
    seed: Seed = Field(default=1, description="seed of their random positions")


class Surface(Record):
    """The lithium surface at t = 0: `height` plus every part that is given; or nuclei on a substrate."""

    height: Length = Field(
        default=FILLED,
        description="mean height of the surface above the bottom of the box; with a substrate the mean height of the "
        "lithium in its nuclei, filled in",
    )
    substrate: Substrate | None = Field(
        default=None, description='bare metal with nuclei; "none" or absent: lithium covers the bottom'
    )
    roughness: OptionalLength = Field(default=None, description="Sq of a correlated Gaussian surface")
    correlation_length: OptionalLength = Field(default=None, description="correlation length of the Gaussian surface")
    seed: Seed | None = Field(default=None, description="seed of the Gaussian surface")
    wave: Wave | None = Field(default=None, description="a cosine wave")
    groove: Groove | None = Field(default=None, description="a scratch of triangular section along y")
    caps: tuple[Cap, ...] = Field(default=(), description="nuclei: a list of spherical caps")
    file: str | None = Field(
        default=None,
        description="height map, added to `height`: .npy, .npz, text, or a profilometer's file; see docs/profiles.md",
    )
    pixel: OptionalLength = Field(
        default=None,
        description="edge of a pixel of `file`, if the file does not state it; without one the map covers "
        "the whole box, with its heights unchanged",
    )
    sides: Literal["cut", "taper", "mirror"] | None = Field(
        default=FILLED,
        description="how opposite sides of a measured map are joined: cut (not joined), taper, mirror; default: taper "
        "if the box is periodic and the size of the map's pixels is known, else cut",
    )
    file_digest: str | None = Field(
        default=FILLED, description="digest of the content of `file`, filled in; a run resumes only with the same map"
    )

    @model_validator(mode="after")
    def _check(self) -> Surface:
        together = {
            name: getattr(self, name) is not None for name in ("roughness", "correlation_length", "seed")
        }
        if any(together.values()) and not all(together.values()):
            missing = next(name for name, there in together.items() if not there)
            raise refuse(
                missing, "missing: roughness, correlation_length and seed are needed together; add it"
            )
        if self.file is None:
            alone = next((n for n in ("pixel", "sides", "file_digest") if getattr(self, n) is not None), None)
            if alone is not None:
                raise refuse(alone, "says something of surface.file, which is not there; remove it, or name the file")
        if self.substrate is None and self.height is None:
            raise refuse("height", 'missing: how far the surface is from the bottom of the box; add it, e.g. "40 um"')
        if self.substrate is not None:
            given = {"roughness": self.roughness, **self.shapes(), "file": self.file}
            other = next((name.split("[")[0] for name, value in given.items() if value is not None), None)
            if other is not None:
                raise refuse(other, 'does not go with [surface.substrate]; remove it, or write "none"')
        return self

    def shapes(self) -> dict[str, Shape]:
        """Return the shapes that are given, by their keys: wave, caps[0] and so on."""
        found: dict[str, Shape] = {}
        for key in type(self).model_fields:
            value = getattr(self, key)
            if isinstance(value, Shape):
                found[key] = value
            elif isinstance(value, tuple):
                found |= {f"{key}[{k}]": one for k, one in enumerate(value) if isinstance(one, Shape)}
        return found

    def relief(self, grid: Grid) -> NDArray[np.float64]:
        """Return the height [m] that all shapes together add to a flat surface, (ny, nx)."""
        z = np.zeros(grid.shape[1:])
        for shape in self.shapes().values():
            z += shape.relief(grid)
        return z


def check_surface(grid: Grid, surface: Surface) -> None:
    """Refuse a surface that the grid cannot carry or that leaves the box; fill the height of nuclei."""
    if surface.substrate is not None:
        _check_substrate(grid, surface.substrate)
        own = nuclei_height(grid, surface.substrate)
        fill(surface, height=own)
        if not math.isclose(surface.height, own, rel_tol=WHOLE):
            raise refuse(
                "surface.height", f"does not go with [surface.substrate], whose nuclei hold {um(own)}; remove it"
            )
        return
    low = high = 0.0
    if surface.roughness is not None and surface.correlation_length is not None:
        if surface.correlation_length < grid.spacing:
            raise refuse(
                "surface.correlation_length",
                f"{um(surface.correlation_length)} is below the spacing, "
                f"{um(grid.spacing)}; lengthen it or take a finer grid",
            )
        low, high = low - 4 * surface.roughness, high + 4 * surface.roughness
    for key, shape in surface.shapes().items():
        shape.check(grid, f"surface.{key}")
    relief = surface.relief(grid)
    low, high = low + min(float(relief.min()), 0.0), high + max(float(relief.max()), 0.0)
    if surface.file is not None:
        measured = _measured(grid, surface)
        least, most = float(measured.min()), float(measured.max())
        low, high = low + min(least, 0.0), high + max(most, 0.0)
    margin = MARGIN * grid.spacing
    floor, ceiling = margin - low, grid.size[-1] - margin - high
    if floor > ceiling:
        raise refuse(
            "surface",
            f"the surface spans {um(high - low)} and does not fit a box {um(grid.size[-1])} high "
            f"with {MARGIN} cells to spare on both sides; flatten it or raise the box",
        )
    if not floor * (1 - WHOLE) <= surface.height <= ceiling * (1 + WHOLE):
        raise refuse(
            "surface.height",
            f"{um(surface.height)} brings the surface within {MARGIN} cells of the bottom "
            f"or of the counter electrode; give {um(floor)} to {um(ceiling)}",
        )


def number_of_nuclei(grid: Grid, s: Substrate) -> int:
    """Return how many nuclei the box holds: (overpotential/reference)^3/distance^2 per area; its root in 2D."""
    per_length = (s.nucleation_overpotential / s.reference_overpotential) ** 1.5 / s.distance
    return max(1, round(float(math.prod(edge * per_length for edge in grid.size[:-1]))))


def nuclei_height(grid: Grid, s: Substrate) -> float:
    """Return the mean height [m] of the lithium of all nuclei."""
    own = 2.0 / 3.0 * math.pi * s.radius**3 if grid.ndim == 3 else 0.5 * math.pi * s.radius**2
    return number_of_nuclei(grid, s) * own / math.prod(grid.size[:-1])


def _check_substrate(grid: Grid, s: Substrate) -> None:
    """Refuse nuclei that the grid cannot carry or the box cannot hold."""
    if s.radius < 2 * grid.spacing:
        raise refuse(
            "surface.substrate.radius",
            f"{um(s.radius)} is below 2 spacings; give at least {um(2 * grid.spacing)}",
        )
    if s.radius + MARGIN * grid.spacing > grid.size[-1]:
        raise refuse("surface.substrate.radius", f"{um(s.radius)} does not fit a box {um(grid.size[-1])} high")
    for axis, edge in enumerate(grid.size[:-1]):
        if edge < 2.0 * s.radius:
            raise refuse(
                "surface.substrate.radius",
                f"nuclei of {um(s.radius)} do not fit a box {um(edge)} wide along {'xy'[axis]}; widen it",
            )
    apart = (math.prod(grid.size[:-1]) / number_of_nuclei(grid, s)) ** (1.0 / (grid.ndim - 1))
    if 2.0 * s.radius > CLOSEST * apart:
        raise refuse(
            "surface.substrate.distance",
            f"nuclei of {um(s.radius)} would stand too close, {um(apart)} apart in this box; give a smaller radius or "
            f"at least {um(s.distance * 2.0 * s.radius / (CLOSEST * apart))}",
        )


def _measured(grid: Grid, surface: Surface) -> NDArray[np.float64]:
    """Return the map of a file on the cells of the grid (ny, nx) [m], or refuse it; fill what the case leaves open."""
    assert surface.file is not None
    try:
        profile = read_profile(surface.file, pixel=surface.pixel)
        digest = hashlib.sha256(np.ascontiguousarray(profile.heights).tobytes()).hexdigest()[:DIGEST]
        if (profile.heights.shape[0] == 1) != (grid.ndim == 2):
            rows, needed = profile.heights.shape[0], HOLDS[grid.ndim]
            raise ProfileError(f"{surface.file}: holds {rows} rows of heights; a {grid.ndim}D run needs {needed}")
        joined = profile.pixel is not None and grid.lateral == "periodic"
        fill(surface, sides="taper" if joined else "cut", file_digest=digest)
        if surface.file_digest != digest:
            raise ProfileError(f"{surface.file}: has changed since this case was resolved; take the earlier file")
        return measured_heights(grid, surface)
    except ProfileError as error:
        raise refuse("surface.file", str(error)) from None


def measured_heights(grid: Grid, surface: Surface) -> NDArray[np.float64]:
    """Return the map of `surface.file` on the cells of the grid, (ny, nx) [m]. Raises ProfileError."""
    assert surface.file is not None
    profile = read_profile(surface.file, pixel=surface.pixel)
    _, ny, nx = grid.shape
    return fitted(profile, (ny, nx), grid.spacing, surface.sides or "cut", grid.lateral == "periodic")
