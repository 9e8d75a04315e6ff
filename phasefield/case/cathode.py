"""The positive electrode of a full cell: an intercalation electrode in the place of the lithium counter electrode."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from phasefield import units
from phasefield.case.quantities import Current, OptionalDuration
from phasefield.case.record import Record, refuse
from phasefield.units import Measure

Filling = Annotated[float, Measure(units.NUMBER, ge=0, le=1)]


class OpenCircuit(Record):
    """Open-circuit potential against lithium, over the filling of the electrode with lithium."""

    filling: tuple[Filling, ...] = Field(description="lithium content, from 0 (empty) to 1 (full), strictly increasing")
    potential: tuple[Annotated[float, Measure(units.VOLTAGE, gt=0)], ...] = Field(
        description="open-circuit potential at each filling; it must not rise"
    )

    @model_validator(mode="after")
    def _check(self) -> OpenCircuit:
        if len(self.filling) < 2 or (self.filling[0], self.filling[-1]) != (0.0, 1.0):
            raise refuse("filling", "it must begin with 0 and end with 1")
        for one, other in zip(self.filling, self.filling[1:], strict=False):
            if other <= one:
                raise refuse("filling", f"{other:g} follows {one:g}; the list must increase")
        if len(self.potential) != len(self.filling):
            raise refuse(
                "potential", f"{len(self.potential)} values came for {len(self.filling)} fillings; give one for each"
            )
        for one, other in zip(self.potential, self.potential[1:], strict=False):
            if other > one:
                raise refuse("potential", f"{other:g} V follows {one:g} V; it falls as lithium fills the electrode")
        return self


class Cathode(Record):
    """An intercalation electrode, lumped: all its particles alike, no gradients across its thickness."""

    name: str = Field(default="", description="name in tables and pictures")
    capacity: Annotated[float, Measure(units.CAPACITY, gt=0)] = Field(
        description="charge per area between empty and full"
    )
    filling: Filling = Field(default=1.0, description="lithium content at t = 0")
    open_circuit: OpenCircuit = Field(description="open-circuit potential against lithium")
    exchange_current_density: Current = Field(
        description="per area of the cell, at half filling; it varies as sqrt(y (1 - y)) with the filling y"
    )
    diffusion_time: OptionalDuration = Field(
        default=None, description="R^2/D of its particles; absent: infinitely fast diffusion in the particles"
    )
    resistance: Annotated[float, Measure(units.AREA_RESISTANCE, ge=0)] = Field(
        default=0.0, description="series resistance, contacts included"
    )
