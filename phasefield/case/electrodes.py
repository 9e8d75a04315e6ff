"""The electrodes: the metal, its charge transfer, its film (SEI), and what differs on the counter electrode."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from phasefield import units
from phasefield.case.film_growth import Growth, growth_law
from phasefield.case.quantities import (
    FILLED,
    Barrier,
    Concentration,
    Conductivity,
    Current,
    Fraction,
    Length,
    OptionalDuration,
    Seed,
)
from phasefield.case.record import Record, fill, refuse
from phasefield.constants import LITHIUM_MOLAR_VOLUME
from phasefield.units import Measure


class Kinetics(Record):
    """Butler-Volmer charge transfer of lithium; the anodic coefficient is 1 - `transfer_coefficient`."""

    exchange_current_density: Current = Field(description="exchange current density at `reference_concentration`")
    exchange_current_barrier: Barrier = Field(
        default=0.0, description="activation energy of the exchange current"
    )
    transfer_coefficient: Fraction = Field(default=0.5, description="cathodic transfer coefficient (plating)")
    concentration_exponent: Annotated[float, Measure(units.NUMBER, ge=0, le=2)] = Field(
        default=FILLED, description="j0 ~ c^exponent; default: 1 - `transfer_coefficient`"
    )
    reference_concentration: Concentration = Field(
        default=FILLED, description="concentration at which j0 is stated; default: electrolyte.salt_concentration"
    )

    @model_validator(mode="after")
    def _check(self) -> Kinetics:
        fill(self, concentration_exponent=1 - self.transfer_coefficient)
        return self


class Lithium(Record):
    """The metal."""

    molar_volume: Annotated[float, Measure(units.MOLAR_VOLUME, gt=0)] = Field(
        default=LITHIUM_MOLAR_VOLUME, description="molar volume of lithium"
    )
    surface_energy: Annotated[float, Measure(units.SURFACE_ENERGY, ge=0)] = Field(
        description="surface energy of lithium (Gibbs-Thomson term)"
    )


MOST_FILM = 0.9  # share of the plating current; some must be left to plate lithium


class Patches(Record):
    """The patchwork of the film: a correlated log-normal field of conductivity, renewed by plating."""

    spread: Annotated[float, Measure(units.NUMBER, gt=0, le=3)] = Field(
        description="standard deviation of ln(conductivity); the mean conductivity stays `film.conductivity`"
    )
    size: Length = Field(description="correlation length of the patches: distance at which the autocorrelation is 1/e")
    renewal: Annotated[float | None, Measure(units.LENGTH, gt=0, optional=True, never="none")] = Field(
        description="thickness of lithium, plated or stripped, after which new patches are drawn; they are also "
        'drawn when the current changes its sign; "none": never'
    )
    seed: Seed = Field(default=1, description="seed of the random patches")


class Film(Record):
    """The film (SEI) on the lithium; without `patches` it is uniform."""

    thickness: Length = Field(description="thickness at t = 0")
    conductivity: Conductivity = Field(
        default=FILLED,
        description="ionic conductivity, mean over the surface; `at`: its temperature; or give `resistance`",
    )
    resistance: Annotated[float | None, Measure(units.AREA_RESISTANCE, gt=0, optional=True)] = Field(
        default=None,
        description="of the film on one electrode, as a spectrum shows it: conductivity = thickness / resistance",
    )
    conductivity_barrier: Barrier = Field(
        default=0.0, description="activation energy of the film's conductivity"
    )
    patches: Patches | None = Field(default=None, description='unequal conductivity; "none" or absent: a uniform film')
    growth: Growth | None = Field(default=None, description='growth by a side reaction; "none" or absent: no growth')
    repair: Annotated[float | None, Measure(units.NUMBER, ge=0, le=0.5, optional=True)] = Field(
        default=None,
        description="share of the plating current that forms new film where plating tears it; absent: none",
    )

    @property
    def plating_share(self) -> float:
        """Share of the plating current that forms film instead of lithium, by repair and by growth."""
        return (self.repair or 0.0) + growth_law(self.growth).share

    @model_validator(mode="after")
    def _check(self) -> Film:
        if self.resistance is None and self.conductivity is None:
            raise refuse("conductivity", "missing; give it, or film.resistance of one electrode")
        if self.resistance is not None:
            if self.conductivity is not None:
                raise refuse("resistance", "stands beside film.conductivity, which says the same; remove one of them")
            fill(self, conductivity=self.thickness / self.resistance)
            self.__dict__["resistance"] = None  # one number from here on: the resolved case states the conductivity
        if self.plating_share > MOST_FILM:
            raise refuse(
                "repair",
                f"with film.growth.plating_share a share of {self.plating_share:g} of the plating current forms film; "
                f"together they may be {MOST_FILM:g}; lower one of them",
            )
        return self


class CounterKinetics(Record):
    """Charge transfer of the counter electrode; everything else as on the working electrode."""

    exchange_current_density: Current = Field(default=FILLED, description="default: that of [kinetics]")


class CounterFilm(Record):
    """Film of the counter electrode: uniform; it grows by the same law."""

    thickness: Length = Field(default=FILLED, description="default: that of [film]")
    conductivity: Conductivity = Field(default=FILLED, description="default: that of [film]")


class CounterSurface(Record):
    """Lithium of the counter electrode at t = 0, at the top of the box; else it is a plane of lithium without end."""

    height: Length = Field(description="mean distance of its surface from the top of the box")
    roughness: Annotated[float | None, Measure(units.LENGTH, gt=0, optional=True)] = Field(
        default=None, description="Sq of a correlated Gaussian surface"
    )
    correlation_length: Annotated[float | None, Measure(units.LENGTH, gt=0, optional=True)] = Field(
        default=None, description="correlation length of the Gaussian surface"
    )
    seed: Seed | None = Field(default=None, description="seed of the Gaussian surface")

    @model_validator(mode="after")
    def _check(self) -> CounterSurface:
        given = {name: getattr(self, name) is not None for name in ("roughness", "correlation_length", "seed")}
        if any(given.values()) and not all(given.values()):
            missing = next(name for name, there in given.items() if not there)
            raise refuse(missing, "missing: roughness, correlation_length and seed are needed together; add it")
        return self


class Counter(Record):
    """The counter electrode, a plane unless it has a surface; what is not given is as on the working electrode."""

    kinetics: CounterKinetics = Field(default_factory=CounterKinetics, description="charge transfer at its surface")
    film: CounterFilm = Field(default_factory=CounterFilm, description="film of the counter electrode")
    surface: CounterSurface | None = Field(
        default=None, description='its lithium surface, resolved as the working one; "none" or absent: a plane'
    )


class CellGeometry(Record):
    """The measured cell, where a measured file states currents of the whole cell."""

    electrode_area: Annotated[float, Measure(units.AREA, gt=0)] = Field(
        description="projected area of the electrode, which turns mA of `protocol.file` into mA/cm2"
    )


class Contact(Record):
    """What presses the electrolyte on the lithium: for the margin that `check` states; it changes nothing in the run.

    Give `viscosity`, or `modulus` and `relaxation_time`, of the membrane.
    """

    stack_pressure: Annotated[float, Measure(units.PRESSURE, gt=0)] = Field(description="pressure on the cell")
    viscosity: Annotated[float | None, Measure(units.VISCOSITY, gt=0, optional=True)] = Field(
        default=None, description="of the membrane; default: modulus times relaxation_time / 4"
    )
    modulus: Annotated[float | None, Measure(units.PRESSURE, gt=0, optional=True)] = Field(
        default=None, description="of the membrane, E/(1 - nu^2)"
    )
    relaxation_time: OptionalDuration = Field(default=None, description="of the membrane's stress")
    creep_rate: Annotated[float | None, Measure(units.RATE, gt=0, optional=True)] = Field(
        default=None, description="strain rate of lithium at 1 MPa; absent: lithium does not creep"
    )
    creep_exponent: Annotated[float, Measure(units.NUMBER, ge=1, le=20)] = Field(
        default=6.6, description="the strain rate is creep_rate (stress / 1 MPa)^exponent; default: room temperature"
    )

    @model_validator(mode="after")
    def _check(self) -> Contact:
        if self.viscosity is not None and self.relaxation_time is not None:
            raise refuse("relaxation_time", "says with the modulus what viscosity says; remove one of them")
        if self.viscosity is None:
            if self.modulus is None or self.relaxation_time is None:
                raise refuse("viscosity", "missing; give it, or modulus and relaxation_time of the membrane")
            fill(self, viscosity=0.25 * self.modulus * self.relaxation_time)
            self.__dict__["relaxation_time"] = None  # one number from here on
        return self
