"""The records of a case: one frozen table each, every number a float in SI; what a case file may say.

A field with the default FILLED gets its value when the case is validated: in a `Case` it is always a number.
Reading a file is `casefile`'s business.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    PrivateAttr,
    Tag,
    ValidationInfo,
    model_validator,
)
from pydantic_core import PydanticCustomError

from phasefield import units
from phasefield.constants import BOLTZMANN, FARADAY, GAS_CONSTANT, LITHIUM_MOLAR_VOLUME, ROOM_TEMPERATURE
from phasefield.errors import shown
from phasefield.units import Measure, pretty

LEAST_CELLS = 8  # along each axis: less carries no interface and no stencil
MOST_CELLS = 2**31  # flat indices are int32
MARGIN = 4  # cells between the initial surface and the bottom, and the counter electrode
BYTES_PER_CELL = 500  # fields, coefficients and grid hierarchy in float64; an estimate to refuse absurd sizes
MOST_HEIGHTS = 2**27  # points of a heights file
WHOLE = 1e-6  # a size this near to a whole number of spacings is one

FILLED: Any = None  # the default of a field that is set when the case is validated

Length = Annotated[float, Measure(units.LENGTH, gt=0)]
OptionalLength = Annotated[float | None, Measure(units.LENGTH, gt=0, optional=True)]
Place = Annotated[float, Measure(units.LENGTH)]
Duration = Annotated[float, Measure(units.TIME, gt=0)]
OptionalDuration = Annotated[float | None, Measure(units.TIME, gt=0, optional=True)]
Temperature = Annotated[float, Measure(units.TEMPERATURE, ge=100, le=1000)]
Voltage = Annotated[float, Measure(units.VOLTAGE, gt=0)]
OptionalVoltage = Annotated[float | None, Measure(units.VOLTAGE, optional=True)]
OptionalVoltageLimit = Annotated[float | None, Measure(units.VOLTAGE, gt=0, optional=True)]
Current = Annotated[float, Measure(units.CURRENT_DENSITY, gt=0)]
OptionalCurrent = Annotated[float | None, Measure(units.CURRENT_DENSITY, optional=True)]
OptionalCurrentLimit = Annotated[float | None, Measure(units.CURRENT_DENSITY, gt=0, optional=True)]
OptionalCapacity = Annotated[float | None, Measure(units.CAPACITY, gt=0, optional=True)]
Conductivity = Annotated[float, Measure(units.CONDUCTIVITY, gt=0)]
Concentration = Annotated[float, Measure(units.CONCENTRATION, gt=0)]
Barrier = Annotated[float, Measure(units.ENERGY, ge=0, le=1e-18)]
Angle = Annotated[float, Measure(units.ANGLE)]
Number = Annotated[float, Measure(units.NUMBER, gt=0)]
Fraction = Annotated[float, Measure(units.NUMBER, gt=0, lt=1)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]

FieldName = Literal[
    "xi", "concentration", "potential", "distance", "reaction_current", "film_resistance", "film_thickness",
    "film_conductivity", "dead",
]  # fmt: skip
EventName = Literal["voltage_limit", "short_circuit", "depletion", "void", "exhausted"]


def refuse(key: str, text: str) -> PydanticCustomError:
    """Return the error that a validator raises about `key` of its own table."""
    return PydanticCustomError("case", "{text}", {"text": text, "key": key})


def _fill(record: BaseModel, **defaults: Any) -> None:
    """Set fields that were left to a default computed from others; only while a record is being validated."""
    for name, value in defaults.items():
        if getattr(record, name) is None:
            record.__dict__[name] = value


class Record(BaseModel):
    """A frozen table. An unknown key is refused by name; the text "none" clears an optional key of a base."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _check_keys(cls, raw: Any) -> Any:
        if not isinstance(raw, Mapping):
            return raw
        for key in raw:
            if key not in cls.model_fields:
                close = get_close_matches(str(key), list(cls.model_fields), n=1)
                hint = f"did you mean '{close[0]}'?" if close else f"known are {', '.join(cls.model_fields)}"
                raise PydanticCustomError(
                    "unknown_key",
                    "{text}",
                    {"text": f"unknown key; {hint}", "key": str(key), "close": bool(close)},
                )
        return {
            key: value
            for key, value in raw.items()
            if not (value == "none" and not cls.model_fields[key].is_required())
        }


class Grid(Record):
    """Cubic cells; the last axis of `size` points from the lithium towards the counter electrode."""

    size: tuple[Length, ...] = Field(
        description="edges of the box: two (2D) or three (3D); whole numbers of spacings, at least 8 each"
    )
    spacing: Length = Field(description="edge of a cell")
    lateral: Literal["periodic", "mirror"] = Field(
        default="periodic", description="what lies beyond the lateral sides"
    )

    @model_validator(mode="after")
    def _check(self) -> Grid:
        if len(self.size) not in (2, 3):
            raise refuse(
                "size", f'{len(self.size)} lengths came; give 2 (2D) or 3, e.g. ["256 um", "240 um"]'
            )
        for axis, length in enumerate(self.size):
            cells = length / self.spacing
            if cells > MOST_CELLS:
                raise refuse(
                    f"size[{axis}]", f"{cells:.3g} cells are above the limit of 2^31; take a larger spacing"
                )
            nearest = max(LEAST_CELLS, round(cells))
            if abs(cells - nearest) > WHOLE * cells:
                raise refuse(
                    f"size[{axis}]",
                    f"{um(length)} is {cells:.6g} spacings of {um(self.spacing)}; "
                    f"a whole number of at least {LEAST_CELLS} is needed; the nearest valid is "
                    f"{um(nearest * self.spacing)} ({nearest} cells)",
                )
        free = available_memory()
        if self.cells > MOST_CELLS or self.memory > free:
            limit = "the limit is 2^31 cells" if self.cells > MOST_CELLS else f"{free / 1e9:.3g} GB are free"
            raise refuse(
                "size",
                f"{self.cells:.4g} cells need about {self.memory / 1e9:.3g} GB and {limit}; "
                "take a larger spacing or a smaller box",
            )
        return self

    @property
    def ndim(self) -> int:
        """2 or 3."""
        return len(self.size)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(nz, ny, nx), ny = 1 in 2D."""
        counts = [round(length / self.spacing) for length in self.size]
        return counts[-1], (counts[1] if self.ndim == 3 else 1), counts[0]

    @property
    def cells(self) -> int:
        """Number of cells."""
        return math.prod(self.shape)

    @property
    def memory(self) -> int:
        """Estimated memory of a run, bytes."""
        return self.cells * BYTES_PER_CELL


class Wave(Record):
    """z = amplitude cos(2 pi (x cos(direction) + y sin(direction)) / wavelength), a crest at x = y = 0."""

    amplitude: Length = Field(description="half of crest to trough")
    wavelength: Length = Field(description="crest to crest; must fit the box")
    direction: Angle = Field(default=0.0, description="of the wave vector, from the x axis; 0 in 2D")


class Cap(Record):
    """A nucleus: a spherical cap standing on the surface."""

    position: tuple[Place, ...] = Field(description="of its centre: [x] in 2D, [x, y] in 3D")
    radius: Length = Field(description="of its base circle")
    height: Length = Field(description="above the surface; at most its radius")

    @model_validator(mode="after")
    def _check(self) -> Cap:
        if self.height > self.radius:
            raise refuse(
                "height",
                f"{um(self.height)} is above the radius {um(self.radius)}: the cap would overhang; lower it",
            )
        return self


class Surface(Record):
    """The lithium surface at t = 0: `height` plus every part that is given."""

    height: Length = Field(description="mean distance of the surface from the bottom of the box")
    roughness: OptionalLength = Field(default=None, description="Sq of a correlated Gaussian surface")
    correlation_length: OptionalLength = Field(default=None, description="of the Gaussian surface")
    seed: Seed | None = Field(default=None, description="of the Gaussian surface")
    wave: Wave | None = Field(default=None, description="a cosine wave")
    caps: tuple[Cap, ...] = Field(default=(), description="nuclei: a list of spherical caps")
    heights: str | None = Field(
        default=None,
        description="a .npy file of heights in metres, added to `height`; 2D array [y, x] (1D in 2D runs)",
    )

    @model_validator(mode="after")
    def _check(self) -> Surface:
        given = {
            name: getattr(self, name) is not None for name in ("roughness", "correlation_length", "seed")
        }
        if any(given.values()) and not all(given.values()):
            missing = next(name for name, there in given.items() if not there)
            raise refuse(
                missing, "missing: roughness, correlation_length and seed are needed together; add it"
            )
        return self


class DependenceTable(Record):
    """Conductivity and diffusivity against concentration, at the `at` of `electrolyte.conductivity`."""

    concentration: tuple[Concentration, ...] = Field(description="strictly increasing")
    conductivity: tuple[Conductivity, ...] = Field(description="one for each concentration")
    diffusivity: tuple[Annotated[float, Measure(units.DIFFUSIVITY, gt=0)], ...] = Field(
        description="one for each concentration"
    )

    @model_validator(mode="after")
    def _check(self) -> DependenceTable:
        if len(self.concentration) < 2:
            raise refuse("concentration", f"{len(self.concentration)} values came; at least 2 are needed")
        for one, other in zip(self.concentration, self.concentration[1:], strict=False):
            if other <= one:
                raise refuse(
                    "concentration", f"{other:g} mol/m^3 follows {one:g} mol/m^3; the list must increase"
                )
        for name in ("conductivity", "diffusivity"):
            if len(getattr(self, name)) != len(self.concentration):
                raise refuse(
                    name,
                    f"{len(getattr(self, name))} values came for {len(self.concentration)} "
                    "concentrations; give one for each",
                )
        return self


def _dependence_tag(value: Any) -> str:
    return "<table>" if isinstance(value, Mapping | DependenceTable) else "<word>"


Dependence = Annotated[
    Annotated[Literal["nernst-einstein", "constant"], Tag("<word>")]
    | Annotated[DependenceTable, Tag("<table>")],
    Discriminator(_dependence_tag),
]


class Electrolyte(Record):
    """A binary lithium salt in an electrolyte."""

    name: str = Field(default="", description="for tables and pictures")
    conductivity: Conductivity = Field(
        description="ionic, at `salt_concentration`; give `at` with its temperature"
    )
    conductivity_barrier: Barrier = Field(
        default=0.0, description="activation energy of the conductivity (per ion or mole)"
    )
    transference_number: Annotated[float, Measure(units.NUMBER, ge=0, le=1)] = Field(description="t+ of Li+")
    salt_concentration: Concentration = Field(description="at t = 0, uniform")
    salt_diffusivity: Annotated[
        float | Literal["nernst-einstein"], Measure(units.DIFFUSIVITY, gt=0, words=("nernst-einstein",))
    ] = Field(description='of the salt, or "nernst-einstein": 2 t+ (1 - t+) kappa R T / (F^2 c0)')
    diffusivity_barrier: Barrier = Field(
        default=FILLED, description="activation energy of the diffusivity; default: `conductivity_barrier`"
    )
    thermodynamic_factor: Number = Field(
        default=1.0, description="1 + d ln f / d ln c, multiplies the diffusion potential"
    )
    concentration_dependence: Dependence = Field(
        default="nernst-einstein",
        description='"nernst-einstein": conductivity ~ c, diffusivity constant; "constant": both; or a table',
    )

    @model_validator(mode="after")
    def _check(self) -> Electrolyte:
        _fill(self, diffusivity_barrier=self.conductivity_barrier)
        if self.salt_diffusivity == "nernst-einstein" and not 0 < self.transference_number < 1:
            raise refuse(
                "transference_number",
                f"{self.transference_number:g} gives no diffusivity by nernst-einstein; "
                'give salt_diffusivity as a number, e.g. "1e-7 cm^2/s"',
            )
        table = self.concentration_dependence
        if isinstance(table, DependenceTable):
            if not table.concentration[0] <= self.salt_concentration <= table.concentration[-1]:
                raise refuse(
                    "concentration_dependence",
                    f"the table does not reach {self.salt_concentration:g} "
                    "mol/m^3, the salt_concentration; widen it",
                )
            there = _interpolate(table.concentration, table.conductivity, self.salt_concentration)
            if abs(there - self.conductivity) > 0.01 * self.conductivity:
                raise refuse(
                    "concentration_dependence",
                    f"the table gives {there:g} S/m at salt_concentration, "
                    f"`conductivity` says {self.conductivity:g} S/m; make them agree within 1 %",
                )
        return self


class Kinetics(Record):
    """Butler-Volmer charge transfer of lithium; the anodic coefficient is 1 - `transfer_coefficient`."""

    exchange_current_density: Current = Field(description="at `reference_concentration`")
    exchange_current_barrier: Barrier = Field(
        default=0.0, description="activation energy of the exchange current"
    )
    transfer_coefficient: Fraction = Field(default=0.5, description="cathodic (plating)")
    concentration_exponent: Annotated[float, Measure(units.NUMBER, ge=0, le=2)] = Field(
        default=FILLED, description="j0 ~ c^exponent; default: 1 - `transfer_coefficient`"
    )
    reference_concentration: Concentration = Field(
        default=FILLED, description="where j0 holds; default: electrolyte.salt_concentration"
    )

    @model_validator(mode="after")
    def _check(self) -> Kinetics:
        _fill(self, concentration_exponent=1 - self.transfer_coefficient)
        return self


class Lithium(Record):
    """The metal."""

    molar_volume: Annotated[float, Measure(units.MOLAR_VOLUME, gt=0)] = Field(
        default=LITHIUM_MOLAR_VOLUME, description="of lithium"
    )
    surface_energy: Annotated[float, Measure(units.SURFACE_ENERGY, ge=0)] = Field(
        description="of the lithium surface (Gibbs-Thomson term)"
    )


class Patches(Record):
    """The patchwork of the film: a correlated log-normal field of conductivity, renewed by plating."""

    spread: Annotated[float, Measure(units.NUMBER, gt=0, le=3)] = Field(
        description="standard deviation of ln(conductivity); the mean conductivity stays `film.conductivity`"
    )
    size: Length = Field(description="correlation length of the patches: the autocorrelation falls to 1/e at it")
    renewal: Annotated[float | None, Measure(units.LENGTH, gt=0, optional=True, never="none")] = Field(
        description="lithium thickness, plated or stripped, after which the patches are new, as they are when the "
        'current turns; "none": never'
    )
    seed: Seed = Field(default=1, description="of the patchwork")


class Growth(Record):
    """Side reaction that thickens the film and consumes charge and lithium."""

    law: Literal["none", "constant", "square-root"] = Field(
        description='"constant": thickness = thickness_0 + rate t; '
        '"square-root": thickness^2 = thickness_0^2 + coefficient t; "none"'
    )
    rate: Annotated[float | None, Measure(units.SPEED, gt=0, optional=True)] = Field(
        default=None, description='thickness per time, for "constant"'
    )
    coefficient: Annotated[float | None, Measure(units.DIFFUSIVITY, gt=0, optional=True)] = Field(
        default=None, description='thickness squared per time, for "square-root"'
    )
    molar_volume: Annotated[float | None, Measure(units.MOLAR_VOLUME, gt=0, optional=True)] = Field(
        default=None, description="of film per mole of lithium consumed; needed unless law is none"
    )

    @model_validator(mode="after")
    def _check(self) -> Growth:
        needs = {"none": (), "constant": ("rate",), "square-root": ("coefficient",)}[self.law]
        needs += () if self.law == "none" else ("molar_volume",)
        for name in ("rate", "coefficient", "molar_volume"):
            if name in needs and getattr(self, name) is None:
                raise refuse(name, f'missing: law = "{self.law}" needs it; add it or write law = "none"')
            if name not in needs and name != "molar_volume" and getattr(self, name) is not None:
                raise refuse(name, f'law = "{self.law}" does not take it; remove it or choose another law')
        return self


class Film(Record):
    """The film (SEI) on the lithium; without `patches` it is uniform."""

    thickness: Length = Field(description="at t = 0")
    conductivity: Conductivity = Field(description="ionic, mean over the surface; `at` gives its temperature")
    conductivity_barrier: Barrier = Field(
        default=0.0, description="activation energy of the film's conductivity"
    )
    patches: Patches | None = Field(default=None, description='patchwork; "none" or absent: a uniform film')
    growth: Growth | None = Field(default=None, description='side reaction; "none" or absent: no growth')


class CounterKinetics(Record):
    """Charge transfer of the counter electrode; everything else as on the working electrode."""

    exchange_current_density: Current = Field(default=FILLED, description="default: that of [kinetics]")


class CounterFilm(Record):
    """Film of the counter electrode: uniform; it grows by the same law."""

    thickness: Length = Field(default=FILLED, description="default: that of [film]")
    conductivity: Conductivity = Field(default=FILLED, description="default: that of [film]")


class Counter(Record):
    """The planar counter electrode; what is not given is as on the working electrode."""

    kinetics: CounterKinetics = Field(default_factory=CounterKinetics, description="its charge transfer")
    film: CounterFilm = Field(default_factory=CounterFilm, description="its film")


class Step(Record):
    """One step: exactly one of current, voltage and rest; it ends with the first of its limits."""

    current: OptionalCurrent = Field(
        default=None, description="imposed; positive plates the working electrode"
    )
    voltage: OptionalVoltage = Field(default=None, description="imposed cell voltage; positive plates")
    rest: OptionalDuration = Field(default=None, description="duration of a rest at open circuit")
    duration: OptionalDuration = Field(default=None, description="longest time")
    capacity: OptionalCapacity = Field(default=None, description="charge passed in this step")
    until_voltage: OptionalVoltageLimit = Field(
        default=None, description="ends when |cell voltage| reaches it"
    )
    until_current: OptionalCurrentLimit = Field(
        default=None, description="ends when |current| falls to it (voltage steps)"
    )

    @model_validator(mode="after")
    def _check(self) -> Step:
        given = [name for name in ("current", "voltage", "rest") if getattr(self, name) is not None]
        if len(given) != 1:
            came = "none of them" if not given else " and ".join(given)
            raise refuse(
                given[-1] if given else "", f"{came} came; a step has exactly one of current, voltage, rest"
            )
        allowed = {
            "current": ("duration", "capacity", "until_voltage"),
            "voltage": ("duration", "capacity", "until_current"),
            "rest": (),
        }[given[0]]
        ends = [
            name
            for name in ("duration", "capacity", "until_voltage", "until_current")
            if getattr(self, name) is not None
        ]
        for name in ends:
            if name not in allowed:
                raise refuse(
                    name,
                    f"a {given[0]} step does not take it; "
                    + (f"it ends by {', '.join(allowed)}" if allowed else "the duration stands in rest"),
                )
        if allowed and not ends:
            raise refuse(given[0], f"the step never ends; add one of {', '.join(allowed)}")
        if self.current == 0:
            raise refuse("current", 'a current of 0 is a rest; write rest = "1 h"')
        return self

    @property
    def kind(self) -> Literal["current", "voltage", "rest"]:
        """What is imposed."""
        return "current" if self.current is not None else "voltage" if self.voltage is not None else "rest"

    @property
    def planned_time(self) -> float | None:
        """Longest time that the step can take, s; None if only a limit ends it."""
        times = [self.rest, self.duration]
        if self.current is not None and self.capacity is not None:
            times.append(self.capacity / abs(self.current))
        return min((time for time in times if time is not None), default=FILLED)


class Protocol(Record):
    """What is imposed: a list of steps, repeated."""

    repeat: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        default=1, description="how many times the steps are run"
    )
    steps: tuple[Step, ...] = Field(description="a list of tables, in order")
    voltage_limit: Voltage = Field(default=5.0, description="largest |cell voltage| of the whole run")
    stop_on: tuple[EventName, ...] = Field(
        default=("voltage_limit", "short_circuit", "exhausted"),
        description="events that end the run; others are recorded",
    )
    depletion_threshold: Fraction = Field(
        default=0.01, description="depletion: smallest concentration over the initial one"
    )

    @model_validator(mode="after")
    def _check(self) -> Protocol:
        if not 1 <= len(self.steps) <= 10_000:
            raise refuse("steps", f"{len(self.steps)} steps came; give 1 to 10000 tables")
        for k, step in enumerate(self.steps):
            for name in ("voltage", "until_voltage"):
                value = getattr(step, name)
                if value is not None and abs(value) > self.voltage_limit:
                    raise refuse(
                        f"steps[{k}].{name}",
                        f"{abs(value):g} V is above protocol.voltage_limit, "
                        f"{self.voltage_limit:g} V; raise the limit",
                    )
        return self

    @property
    def planned_time(self) -> float | None:
        """Longest time of the whole run, s; None if a step has no time limit."""
        times = [step.planned_time for step in self.steps]
        return self.repeat * math.fsum(time or 0 for time in times) if None not in times else None


class Numerics(Record):
    """Settings of the method; the defaults serve."""

    interface_width: Length = Field(
        default=FILLED,
        description="W of xi = (1 - tanh(d / 2W)) / 2; 0.4 to 4 spacings; default: spacing / 2",
    )
    front_step: Annotated[float, Measure(units.NUMBER, gt=0, le=0.5)] = Field(
        default=0.5, description="largest motion of the surface in a step, in cells"
    )
    concentration_change: Annotated[float, Measure(units.NUMBER, gt=0, le=1)] = Field(
        default=0.4, description="largest relative change of the concentration in a step; twice that is refused"
    )
    tolerance: Annotated[float, Measure(units.NUMBER, ge=1e-13, le=1e-2)] = Field(
        default=1e-5, description="error allowed in the surface currents, relative"
    )
    max_step: OptionalDuration = Field(default=None, description="longest step")
    min_step: OptionalDuration = Field(
        default=None, description="a step that must be shorter ends the run as failed"
    )

    @model_validator(mode="after")
    def _check(self) -> Numerics:
        if self.max_step is not None and self.min_step is not None and self.min_step > self.max_step:
            raise refuse("min_step", f"{self.min_step:g} s is above max_step, {self.max_step:g} s; lower it")
        return self


class Output(Record):
    """What is written, and when."""

    fields_every: Duration = Field(
        default=FILLED, description="simulated time between stored fields; default: 1/20 of the planned time"
    )
    fields: tuple[FieldName, ...] = Field(
        default=("xi", "concentration", "potential"), description="stored fields"
    )
    checkpoint_every: Duration = Field(default=60.0, description="wall time between checkpoints")


@dataclass(frozen=True)
class Provenance:
    """Where a value comes from: as written, its source, its status, and the temperature (K) it holds at."""

    value_text: str
    source: str | None = None
    status: Literal["measured", "derived", "assumed", "calibrated"] | None = None
    at: float | None = None


@dataclass(frozen=True)
class Properties:
    """Material properties at the temperature T of the case, SI; the symbols of model.md where it has one."""

    T: float
    kappa: float
    D: float
    t_plus: float
    c0: float
    chi: float
    j0: float
    alpha_a: float
    alpha_c: float
    exponent: float
    c_ref: float
    V_m: float
    gamma: float
    film_conductivity: float
    film_thickness: float
    j0_counter: float
    film_conductivity_counter: float
    film_thickness_counter: float
    dependence: Literal["nernst-einstein", "constant", "table"]
    table: tuple[
        tuple[float, ...], tuple[float, ...], tuple[float, ...]
    ]  # c, kappa, D at T; empty without one


def nernst_einstein(
    conductivity: float, transference: float, concentration: float, temperature: float
) -> float:
    """Return the salt diffusivity of an ideal binary salt, m^2/s.

    D = 2 D+ D- / (D+ + D-) with D+ = t+ kappa R T / (F^2 c) and D- = (1 - t+) kappa R T / (F^2 c), so
    D = 2 t+ (1 - t+) kappa R T / (F^2 c). At the temperature of the conductivity: PLL 6.50e-12,
    PLLZ 1.43e-11, LHCI 2.19e-11, DLHCI 7.18e-11 m^2/s (seed-facts: PLL 6.4e-12, that is at 298.15 K).
    """
    mobility = conductivity * GAS_CONSTANT * temperature / (FARADAY**2 * concentration)
    return 2 * transference * (1 - transference) * mobility


def arrhenius(barrier: float, reference: float, temperature: float) -> float:
    """Return value(temperature) / value(reference) for an activation energy `barrier` in J."""
    return math.exp(-barrier / BOLTZMANN * (1 / temperature - 1 / reference))


class Case(Record):
    """A whole case. Two cases are equal if they resolve to the same text."""

    title: str = Field(description="one line, for tables and pictures")
    temperature: Temperature = Field(
        default=FILLED,
        description="of the cell; default: the `at` of electrolyte.conductivity, else 298.15 K",
    )
    grid: Grid = Field(description="the box and its cells")
    surface: Surface = Field(description="lithium at t = 0")
    electrolyte: Electrolyte = Field(description="the salt and its transport")
    kinetics: Kinetics = Field(description="charge transfer")
    lithium: Lithium = Field(description="the metal")
    film: Film = Field(description="the film on the lithium")
    counter: Counter = Field(default_factory=Counter, description="the counter electrode")
    protocol: Protocol = Field(description="what is imposed")
    numerics: Numerics = Field(default_factory=Numerics, description="settings of the method")
    output: Output = Field(default_factory=Output, description="what is written")

    _path: Path | None = PrivateAttr(None)
    _text: str = PrivateAttr("")
    _provenance: dict[str, Provenance] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _complete(self, info: ValidationInfo) -> Case:
        self._provenance = dict((info.context or {}).get("provenance", {}))
        self._fill_defaults()
        _check_surface(self.grid, self.surface)
        width, spacing = self.numerics.interface_width, self.grid.spacing
        if not 0.4 - WHOLE <= width / spacing <= 4 + WHOLE:
            raise refuse(
                "numerics.interface_width",
                f"{um(width)} is {width / spacing:.3g} spacings; "
                f"give 0.4 to 4 of them, e.g. {um(spacing / 2)}",
            )
        patches = self.film.patches
        if patches is not None and patches.size < spacing:
            raise refuse(
                "film.patches.size",
                f"{um(patches.size)} is below the spacing, "
                f"{um(spacing)}; give larger patches or a finer grid",
            )
        return self

    def _fill_defaults(self) -> None:
        """Fill what one table takes from another."""
        sources = self._provenance
        conductivity = sources.get("electrolyte.conductivity")
        at = conductivity.at if conductivity is not None else None
        _fill(self, temperature=ROOM_TEMPERATURE if at is None else at)
        _fill(self.kinetics, reference_concentration=self.electrolyte.salt_concentration)
        for counter, own, table, name in (
            (self.counter.kinetics, self.kinetics, "kinetics", "exchange_current_density"),
            (self.counter.film, self.film, "film", "thickness"),
            (self.counter.film, self.film, "film", "conductivity"),
        ):
            if getattr(counter, name) is None and f"{table}.{name}" in sources:
                sources[f"counter.{table}.{name}"] = sources[f"{table}.{name}"]
            _fill(counter, **{name: getattr(own, name)})
        _fill(self.numerics, interface_width=self.grid.spacing / 2)
        if self.output.fields_every is None and self.protocol.planned_time is None:
            raise refuse(
                "output.fields_every", 'missing: the protocol has no planned duration; add it, e.g. "1 h"'
            )
        _fill(self.output, fields_every=(self.protocol.planned_time or 0) / 20)

    @property
    def path(self) -> Path | None:
        """File that the case was read from, absolute; None for a case made in Python."""
        return self._path

    @property
    def text(self) -> str:
        """Raw text of that file."""
        return self._text

    @property
    def provenance(self) -> Mapping[str, Provenance]:
        """Source and status of each value, by dotted key."""
        return self._provenance

    @property
    def hash(self) -> str:
        """sha256 of the resolved text."""
        return hashlib.sha256(self.resolved_toml().encode()).hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Case) and self.resolved_toml() == other.resolved_toml()

    def __hash__(self) -> int:
        return hash(self.hash)

    def properties(self) -> Properties:
        """Return the material properties at the temperature of the case."""
        e, k, film, T = self.electrolyte, self.kinetics, self.film, self.temperature

        def factor(key: str, barrier: float) -> float:
            entry = self._provenance.get(key)
            return arrhenius(barrier, T if entry is None or entry.at is None else entry.at, T)

        kappa_factor = factor("electrolyte.conductivity", e.conductivity_barrier)
        entry = self._provenance.get("electrolyte.conductivity")
        reference = T if entry is None or entry.at is None else entry.at
        # D from kappa, and D in a table, hold at the temperature of kappa; a D of its own has its own `at`
        ruled_by_kappa = isinstance(e.salt_diffusivity, str) or isinstance(
            e.concentration_dependence, DependenceTable
        )
        D_factor = (
            arrhenius(e.diffusivity_barrier, reference, T)
            if ruled_by_kappa
            else factor("electrolyte.salt_diffusivity", e.diffusivity_barrier)
        )
        dependence = e.concentration_dependence
        if isinstance(e.salt_diffusivity, str):
            D = nernst_einstein(e.conductivity, e.transference_number, e.salt_concentration, reference)
        else:
            D = e.salt_diffusivity
        rows: tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]] = ((), (), ())
        if isinstance(dependence, DependenceTable):
            D = _interpolate(dependence.concentration, dependence.diffusivity, e.salt_concentration)
            rows = (
                dependence.concentration,
                tuple(kappa_factor * v for v in dependence.conductivity),
                tuple(D_factor * v for v in dependence.diffusivity),
            )
        return Properties(
            T=T,
            kappa=e.conductivity * kappa_factor,
            D=D * D_factor,
            t_plus=e.transference_number,
            c0=e.salt_concentration,
            chi=e.thermodynamic_factor,
            j0=k.exchange_current_density
            * factor("kinetics.exchange_current_density", k.exchange_current_barrier),
            alpha_a=1 - k.transfer_coefficient,
            alpha_c=k.transfer_coefficient,
            exponent=k.concentration_exponent,
            c_ref=k.reference_concentration,
            V_m=self.lithium.molar_volume,
            gamma=self.lithium.surface_energy,
            film_conductivity=film.conductivity * factor("film.conductivity", film.conductivity_barrier),
            film_thickness=film.thickness,
            j0_counter=self.counter.kinetics.exchange_current_density
            * factor("counter.kinetics.exchange_current_density", k.exchange_current_barrier),
            film_conductivity_counter=self.counter.film.conductivity
            * factor("counter.film.conductivity", film.conductivity_barrier),
            film_thickness_counter=self.counter.film.thickness,
            dependence="table" if isinstance(dependence, DependenceTable) else dependence,
            table=rows,
        )

    def resolved_toml(self) -> str:
        """Return the whole case as one file: every value in SI with its unit, its source and its status."""
        lines: list[str] = []
        _write_table(lines, self, "", self._provenance)
        return "\n".join(lines).lstrip("\n") + "\n"


def _write_table(lines: list[str], record: Record, path: str, sources: Mapping[str, Provenance]) -> None:
    """Append the lines of a record: its values, then its tables; nothing for what is absent."""
    below = f"{path}." if path else ""
    fields = type(record).model_fields
    values = {name: getattr(record, name) for name in fields}
    for name, value in values.items():
        if value is None:
            if any(isinstance(m, Measure) and m.never for m in fields[name].metadata):
                lines.append(f'{name} = "none"')
        elif not isinstance(value, Record) and not _is_tables(value):
            measure = next((m for m in fields[name].metadata if isinstance(m, Measure)), None) or _measure_in(
                fields[name].annotation
            )
            lines.append(f"{name} = {_value_text(value, measure, sources.get(below + name))}")
    for name, value in values.items():
        if isinstance(value, Record):
            lines += ["", f"[{below}{name}]"]
            _write_table(lines, value, below + name, sources)
        elif _is_tables(value):
            for k, item in enumerate(value):
                lines += ["", f"[[{below}{name}]]"]
                _write_table(lines, item, f"{below}{name}[{k}]", sources)


def _is_tables(value: Any) -> bool:
    return isinstance(value, tuple) and bool(value) and isinstance(value[0], Record)


def _measure_in(annotation: Any) -> Measure | None:
    """Return the Measure inside `tuple[Length, ...]`."""
    for part in getattr(annotation, "__args__", ()):
        for extra in getattr(part, "__metadata__", ()):
            if isinstance(extra, Measure):
                return extra
    return None


def _value_text(value: Any, measure: Measure | None, source: Provenance | None) -> str:
    """Return a value in TOML; as a table if its source, status or temperature is known."""
    if isinstance(value, tuple):
        text = "[" + ", ".join(_value_text(item, measure, None) for item in value) + "]"
    elif isinstance(value, str):
        text = toml_string(value)
    elif measure is not None and measure.kind.unit != "1":
        text = f'"{units.to_text(value, measure.kind)}"'
    else:
        text = repr(value)
    if source is None or (source.source, source.status, source.at) == (None, None, None):
        return text
    parts = [f"value = {text}"]
    if source.at is not None:
        parts.append(f'at = "{units.to_text(source.at, units.TEMPERATURE)}"')
    parts += [
        f"{name} = {toml_string(getattr(source, name))}"
        for name in ("source", "status")
        if getattr(source, name)
    ]
    return "{ " + ", ".join(parts) + " }"


def toml_string(text: str) -> str:
    """Return a TOML basic string."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _interpolate(x: tuple[float, ...], y: tuple[float, ...], at: float) -> float:
    return float(np.interp(at, x, y))


def available_memory() -> float:
    """Return the memory that can be had now, bytes; infinite if the system does not say."""
    free = math.inf
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            free = next(1024.0 * int(line.split()[1]) for line in file if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError):
        pass
    try:  # a container's own limit
        with open("/sys/fs/cgroup/memory.max", encoding="ascii") as file:
            free = min(free, float(file.read()))
    except (OSError, ValueError):  # no such group, or the word "max"
        pass
    return free


def um(length: float) -> str:
    """Return a length for an error text."""
    return pretty(length, units.LENGTH)


def _check_surface(grid: Grid, surface: Surface) -> None:
    """Refuse a surface that the grid cannot carry or that leaves the box."""
    low = high = 0.0
    if surface.roughness is not None and surface.correlation_length is not None:
        if surface.correlation_length < grid.spacing:
            raise refuse(
                "surface.correlation_length",
                f"{um(surface.correlation_length)} is below the spacing, "
                f"{um(grid.spacing)}; lengthen it or take a finer grid",
            )
        low, high = low - 4 * surface.roughness, high + 4 * surface.roughness
    if surface.wave is not None:
        _check_wave(grid, surface.wave)
        low, high = low - surface.wave.amplitude, high + surface.wave.amplitude
    for k, cap in enumerate(surface.caps):
        if len(cap.position) != grid.ndim - 1:
            raise refuse(
                f"surface.caps[{k}].position",
                f"{len(cap.position)} lengths came; a {grid.ndim}D run needs {grid.ndim - 1}",
            )
        for axis, place in enumerate(cap.position):
            if not 0 <= place <= grid.size[axis]:
                raise refuse(
                    f"surface.caps[{k}].position[{axis}]",
                    f"{um(place)} is outside the box; give 0 um to {um(grid.size[axis])}",
                )
        if cap.radius < 2 * grid.spacing:
            raise refuse(
                f"surface.caps[{k}].radius",
                f"{um(cap.radius)} is below 2 spacings; give at least {um(2 * grid.spacing)}",
            )
    high += max((cap.height for cap in surface.caps), default=0.0)
    if surface.heights is not None:
        least, most = _heights_range(surface.heights, grid.ndim)
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


def _check_wave(grid: Grid, wave: Wave) -> None:
    """Refuse a wave that does not close across the box (periodic), or is not even at its sides (mirror)."""
    along = (math.cos(wave.direction), math.sin(wave.direction))
    across = [axis for axis in (0, 1) if abs(along[axis]) > WHOLE]
    if grid.ndim == 2 and across != [0]:
        raise refuse("surface.wave.direction", 'only "0 deg" is possible in a 2D run; remove it')
    if grid.lateral == "mirror" and len(across) == 2:
        raise refuse(
            "surface.wave.direction", 'mirrored sides need "0 deg" or "90 deg"; or make them periodic'
        )
    unit = 1.0 if grid.lateral == "periodic" else 0.5
    for axis in across:
        length = grid.size[axis] * abs(along[axis])
        count = length / (unit * wave.wavelength)
        if count > MOST_CELLS or abs(count - round(count)) > 1e-4 or round(count) == 0:
            nearest = length / (unit * min(max(1, round(min(count, MOST_CELLS))), MOST_CELLS))
            what = "a whole number of times" if unit == 1 else "a whole number of halves"
            raise refuse(
                "surface.wave.wavelength",
                f"{um(wave.wavelength)} fits the box "
                f"{count * unit:.6g} times, {what} is needed; the nearest valid is "
                f"{um(nearest)}",
            )
    if wave.wavelength < 4 * grid.spacing:
        raise refuse(
            "surface.wave.wavelength",
            f"{um(wave.wavelength)} is below 4 spacings; give at least {um(4 * grid.spacing)}",
        )


def _heights_range(path: str, ndim: int) -> tuple[float, float]:
    """Return the least and the largest height of a .npy file, or refuse the file."""
    key = "surface.heights"
    if not Path(path).is_file():
        raise refuse(key, f"{shown(path, 200)} is not a file; give a .npy file of heights in metres")
    try:
        heights: Any = np.load(path, mmap_mode="r", allow_pickle=False)  # reads no pickle, reserves no memory
    except Exception as error:  # the header of a damaged file fails in a dozen ways
        raise refuse(
            key,
            f"{shown(path, 200)} is no .npy file of numbers ({type(error).__name__}); write it by numpy.save",
        ) from None
    if not isinstance(heights, np.ndarray) or heights.dtype.kind not in "fiu":
        raise refuse(
            key,
            "its values are no real numbers; save an array of heights in metres",
        )
    if heights.ndim != ndim - 1:
        raise refuse(key, f"its array has {heights.ndim} axes; a {ndim}D run needs {ndim - 1}")
    if min(heights.shape) < 2 or heights.size > MOST_HEIGHTS:
        raise refuse(
            key,
            f"its array is of shape {heights.shape}; give 2 points or more along each axis and at most "
            f"{MOST_HEIGHTS} in all",
        )
    if not np.all(np.isfinite(heights)):
        raise refuse(key, "it holds NaN or infinite heights; fill them before")
    return float(heights.min()), float(heights.max())
