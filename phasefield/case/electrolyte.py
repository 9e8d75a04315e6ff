"""The electrolyte: a binary salt, its transport, and how that depends on the concentration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Discriminator, Field, Tag, model_validator

from phasefield import units
from phasefield.case.quantities import FILLED, Barrier, Concentration, Factor, IonicConductivity
from phasefield.case.record import Record, fill, refuse
from phasefield.units import Measure

LEAST_TRANSFERENCE = -10.0
NEAR = 0.01  # of a value, of t+ itself: so well a column and the value beside the table agree


def interpolate_held(x: tuple[float, ...], y: tuple[float, ...], at: float) -> float:
    """Return the value at `at` of the line through the points (x, y), held beyond its ends."""
    return float(np.interp(at, x, y))


class DependenceTable(Record):
    """The properties of the salt against concentration, at the `at` of `electrolyte.conductivity`."""

    concentration: tuple[Concentration, ...] = Field(description="strictly increasing")
    conductivity: tuple[IonicConductivity, ...] = Field(description="conductivity at each concentration")
    diffusivity: tuple[Annotated[float, Measure(units.DIFFUSIVITY, gt=0)], ...] = Field(
        description="diffusivity at each concentration"
    )
    transference_number: tuple[Annotated[float, Measure(units.NUMBER, ge=LEAST_TRANSFERENCE, lt=1)], ...] = Field(
        default=(),
        description="t+ at each concentration, the same at any temperature; it may be negative; default: "
        "`electrolyte.transference_number` at each",
    )
    thermodynamic_factor: tuple[Factor, ...] = Field(
        default=(),
        description="1 + d ln f / d ln c at each concentration, the same at any temperature; default: "
        "`electrolyte.thermodynamic_factor` at each",
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
        for name in ("conductivity", "diffusivity", "transference_number", "thermodynamic_factor"):
            optional = name not in ("conductivity", "diffusivity")
            if len(getattr(self, name)) != len(self.concentration) and (getattr(self, name) or not optional):
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

    name: str = Field(default="", description="name in tables and pictures")
    conductivity: IonicConductivity = Field(
        description="ionic conductivity at `salt_concentration`; `at`: its temperature"
    )
    conductivity_barrier: Barrier = Field(
        default=0.0, description="activation energy of the conductivity (per ion or mole)"
    )
    transference_number: Annotated[float, Measure(units.NUMBER, ge=LEAST_TRANSFERENCE, le=1)] = Field(
        description="transference number t+ of Li+ at `salt_concentration`, against the volume of the electrolyte; "
        "below 0 only where a table of `concentration_dependence` holds it"
    )
    salt_concentration: Concentration = Field(description="uniform concentration at t = 0")
    salt_diffusivity: Annotated[
        float | Literal["nernst-einstein"], Measure(units.DIFFUSIVITY, gt=0, words=("nernst-einstein",))
    ] = Field(description='diffusivity of the salt, or "nernst-einstein": 2 t+ (1 - t+) kappa R T / (F^2 c0)')
    diffusivity_barrier: Barrier = Field(
        default=FILLED, description="activation energy of the diffusivity; default: `conductivity_barrier`"
    )
    thermodynamic_factor: Factor = Field(
        default=1.0, description="1 + d ln f / d ln c; it multiplies the diffusion potential"
    )
    concentration_dependence: Dependence = Field(
        default="nernst-einstein",
        description='"nernst-einstein": conductivity ~ c, constant diffusivity; "constant": both constant; or a table',
    )

    @model_validator(mode="after")
    def _check(self) -> Electrolyte:
        fill(self, diffusivity_barrier=self.conductivity_barrier)
        if self.salt_diffusivity == "nernst-einstein" and not 0 < self.transference_number < 1:
            raise refuse(
                "transference_number",
                f"{self.transference_number:g} gives no diffusivity by nernst-einstein; "
                'give salt_diffusivity as a number, e.g. "1e-7 cm^2/s"',
            )
        table = self.concentration_dependence
        measured = isinstance(table, DependenceTable) and bool(table.transference_number)
        if self.transference_number < 0.0 and not measured:
            raise refuse(
                "transference_number",
                f"{self.transference_number:g} is below 0; a negative one needs the column transference_number in "
                "concentration_dependence",
            )
        if isinstance(table, DependenceTable):
            if not table.concentration[0] <= self.salt_concentration <= table.concentration[-1]:
                raise refuse(
                    "concentration_dependence",
                    f"the table does not reach {self.salt_concentration:g} "
                    "mol/m^3, the salt_concentration; widen it",
                )
            self._check_agreement(table)
        return self

    def _check_agreement(self, table: DependenceTable) -> None:
        """Refuse a column that gives another value at `salt_concentration` than the one beside the table."""
        for name, unit in (("conductivity", " S/m"), ("transference_number", ""), ("thermodynamic_factor", "")):
            column, value = getattr(table, name), getattr(self, name)
            if not column:
                continue
            there = interpolate_held(table.concentration, column, self.salt_concentration)
            if abs(there - value) > NEAR * (1.0 if name == "transference_number" else value):
                within = f"{NEAR:g}" if name == "transference_number" else f"{100 * NEAR:g} %"
                raise refuse(
                    "concentration_dependence",
                    f"the table gives {there:g}{unit} at salt_concentration, "
                    f"`{name}` says {value:g}{unit}; make them agree within {within}",
                )
