"""Settings of the method, with the laws of motion that a case may choose, and of the output."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from pydantic import Field, model_validator

from phasefield import units
from phasefield.case.quantities import FILLED, Duration, FieldName, Length, OneOf, OptionalDuration
from phasefield.case.record import Record, refuse
from phasefield.units import Measure


class Motion(NamedTuple):
    """What a case must know of a law of motion; its class stands in the table of `phasefield/model/laws.py`."""

    meaning: str
    width: float = 0.5
    """Default of `numerics.interface_width`, in spacings."""
    without: tuple[str, ...] = ()
    """Tables and keys that the law knows nothing of; a case that gives one is refused."""
    needs: tuple[str, ...] = ()
    """Keys that may not be zero."""


MOTIONS: dict[str, Motion] = {
    "level-set": Motion("moves the signed distance"),
    "allen-cahn": Motion(
        "the published models, without film, t+ and anions, for comparison",
        width=1.0,
        without=(
            "film.patches", "film.growth", "film.repair", "surface.substrate", "counter.surface", "cathode",
        ),
        needs=("lithium.surface_energy",),
    ),
}  # fmt: skip

BEFORE = {"distance": "level-set"}
"""Names that laws had in cases and results made before 0.1, and their names now."""


class Numerics(Record):
    """Settings of the method; the defaults serve."""

    motion: Annotated[str, OneOf(MOTIONS, BEFORE)] = Field(
        default="level-set",
        description="law of motion" + "".join(f'; "{name}": {law.meaning}' for name, law in MOTIONS.items()),
    )
    metal_contrast: Annotated[float, Measure(units.NUMBER, ge=1, le=1e7)] = Field(
        default=1e7, description='for "allen-cahn": conductivity of the metal over that of the electrolyte'
    )
    interface_width: Length = Field(
        default=FILLED,
        description="W of xi = (1 - tanh(d / 2W)) / 2; 0.4 to 4 spacings; default: spacing / 2, "
        'with "allen-cahn" one spacing (delta of the published models is 4 W)',
    )
    front_step: Annotated[float, Measure(units.NUMBER, gt=0, le=2)] = Field(
        default=0.5, description="largest displacement of the surface in a time step, in cells"
    )
    concentration_change: Annotated[float, Measure(units.NUMBER, gt=0, le=1)] = Field(
        default=0.4, description="largest relative change of the concentration in a step; twice this value rejects it"
    )
    step_error: Annotated[float, Measure(units.NUMBER, gt=0, le=1)] = Field(
        default=0.01,
        description="error of a step, estimated with embedded solutions: rms error of the surface in cells, relative "
        "error of the current and of the voltage; twice this value rejects the step",
    )
    tolerance: Annotated[float, Measure(units.NUMBER, ge=1e-13, le=1e-2)] = Field(
        default=1e-4, description="relative error allowed in the surface currents"
    )
    max_step: OptionalDuration = Field(default=None, description="longest time step")
    min_step: OptionalDuration = Field(
        default=None, description="shortest time step; a run that needs a shorter one ends as failed"
    )

    @model_validator(mode="after")
    def _check(self) -> Numerics:
        if self.max_step is not None and self.min_step is not None and self.min_step > self.max_step:
            raise refuse("min_step", f"{self.min_step:g} s is above max_step, {self.max_step:g} s; lower it")
        return self


EXPERIMENTS: dict[str, str] = {
    "bruce-vincent": "current fraction (t+) from a held voltage",
    "critical-current": "current density at which the cell fails",
    "cycling": "voltage, its drift, and texture of the surface",
    "tafel": "exchange current density and transfer coefficient",
    "copper-efficiency": "Coulombic efficiency on copper",
    "rate": "capacity and polarisation of a full cell",
}


class ExperimentChoice(Record):
    """What the run is made for: it then ends with the result of this experiment. It changes nothing in the run."""

    kind: Annotated[str, OneOf(EXPERIMENTS)] = Field(
        description="".join(f'; "{name}": {meaning}' for name, meaning in EXPERIMENTS.items()).lstrip("; ")
    )


class Output(Record):
    """What is written, and when."""

    fields_every: Duration = Field(
        default=FILLED, description="simulated time between stored fields; default: 1/20 of the planned time"
    )
    fields: tuple[FieldName, ...] = Field(
        default=("xi", "concentration", "potential"), description="names of the stored fields"
    )
    checkpoint_every: Duration = Field(
        default=60.0, description="wall time between checkpoints; longer if a save would take more than 2 % of it"
    )
