"""Laws by which the film (SEI) thickens, eq. (8) of docs/theory.md: the table `[film.growth]` and what it means.

Another law is a class here with the keys that it takes, and its name in `LAWS`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from phasefield import units
from phasefield.case.quantities import OneOf
from phasefield.case.record import Record, refuse
from phasefield.constants import FARADAY
from phasefield.units import Measure

if TYPE_CHECKING:
    Floats = NDArray[np.float64]


class GrowthLaw:
    """No growth; the base of the laws."""

    takes: ClassVar[tuple[str, ...]] = ()  # keys of [film.growth]; all are needed
    share = 0.0  # of the plating current that forms film, eq. (8)

    def __init__(self, growth: Growth | None = None) -> None:
        """growth: the table [film.growth], from which a law takes its numbers; this one needs none."""

    @property
    def grows(self) -> bool:
        """Whether the film thickens at all."""
        return bool(self.takes)

    def thickness(self, delta: Floats, dt: Floats | float, plated: Floats | float = 0.0) -> Floats:
        """Return the thickness [m] after dt [s] in which `plated` [C/m^2] of charge has plated, eq. (8)."""
        return delta

    def current(self, delta: Floats) -> Floats:
        """Return the side-reaction current density [A/m^2] that flows at any current of the cell, eq. (8)."""
        return np.zeros_like(delta)

    def longest(self, delta: float, change: float) -> float:
        """Return the time [s] in which the thickness [m] changes by a share `change` of itself."""
        return math.inf


class Constant(GrowthLaw):
    """d(delta)/dt = r."""

    takes = ("rate", "molar_volume")

    def __init__(self, growth: Growth) -> None:
        self.rate, self.molar_volume = growth.rate or 0.0, growth.molar_volume or 1.0

    def thickness(self, delta: Floats, dt: Floats | float, plated: Floats | float = 0.0) -> Floats:
        """Return the thickness [m] after dt [s]."""
        return delta + self.rate * dt

    def current(self, delta: Floats) -> Floats:
        """Return F r/V_film [A/m^2]."""
        return np.full_like(delta, FARADAY * self.rate / self.molar_volume)

    def longest(self, delta: float, change: float) -> float:
        """Return change delta/r [s]."""
        return change * delta / self.rate


class SquareRoot(GrowthLaw):
    """d(delta)/dt = K/(2 delta): what diffuses through the film makes it."""

    takes = ("coefficient", "molar_volume")

    def __init__(self, growth: Growth) -> None:
        self.coefficient, self.molar_volume = growth.coefficient or 0.0, growth.molar_volume or 1.0

    def thickness(self, delta: Floats, dt: Floats | float, plated: Floats | float = 0.0) -> Floats:
        """Return the thickness [m] after dt [s]."""
        return np.asarray(np.sqrt(delta**2 + self.coefficient * dt))

    def current(self, delta: Floats) -> Floats:
        """Return F K/(2 delta V_film) [A/m^2]."""
        return FARADAY * self.coefficient / (2.0 * delta * self.molar_volume)

    def longest(self, delta: float, change: float) -> float:
        """Return 2 change delta^2/K [s]."""
        return change * 2.0 * delta**2 / self.coefficient


class Plating(GrowthLaw):
    """d(delta)/dt = y V_film j/F while lithium plates: a share y of the plating current forms film where it flows.

    It sets no longest step: what limits the motion in a step limits this film, too.
    """

    takes = ("plating_share", "molar_volume")

    def __init__(self, growth: Growth) -> None:
        self.share, self.molar_volume = growth.plating_share or 0.0, growth.molar_volume or 1.0

    def thickness(self, delta: Floats, dt: Floats | float, plated: Floats | float = 0.0) -> Floats:
        """Return the thickness [m] after `plated` [C/m^2] of charge."""
        return np.asarray(delta + self.share * self.molar_volume / FARADAY * plated)


LAWS: dict[str, type[GrowthLaw]] = {
    "none": GrowthLaw, "constant": Constant, "square-root": SquareRoot, "plating": Plating,
}  # fmt: skip


class Growth(Record):
    """Side reaction that thickens the film and consumes charge and lithium."""

    law: Annotated[str, OneOf(LAWS)] = Field(
        description='"constant": thickness = thickness_0 + rate t; '
        '"square-root": thickness^2 = thickness_0^2 + coefficient t; '
        '"plating": a share of the plating current forms film where it flows; "none"'
    )
    rate: Annotated[float | None, Measure(units.SPEED, gt=0, optional=True)] = Field(
        default=None, description='growth rate of the thickness, for "constant"'
    )
    coefficient: Annotated[float | None, Measure(units.DIFFUSIVITY, gt=0, optional=True)] = Field(
        default=None, description='growth rate of the squared thickness, for "square-root"'
    )
    plating_share: Annotated[float | None, Measure(units.NUMBER, gt=0, le=0.5, optional=True)] = Field(
        default=None, description='share of the plating current that forms film, for "plating"'
    )
    molar_volume: Annotated[float | None, Measure(units.MOLAR_VOLUME, gt=0, optional=True)] = Field(
        default=None, description="volume of film per mole of lithium consumed; needed unless law is none"
    )

    @model_validator(mode="after")
    def _check(self) -> Growth:
        needs = LAWS[self.law].takes
        for name in type(self).model_fields:
            if name == "law":
                continue
            if name in needs and getattr(self, name) is None:
                raise refuse(name, f'missing: law = "{self.law}" needs it; add it or write law = "none"')
            if name not in needs and name != "molar_volume" and getattr(self, name) is not None:
                raise refuse(name, f'law = "{self.law}" does not take it; remove it or choose another law')
        return self


def growth_law(growth: Growth | None) -> GrowthLaw:
    """Return the law of a case's `[film.growth]`, or of its absence."""
    return GrowthLaw() if growth is None else LAWS[growth.law](growth)
