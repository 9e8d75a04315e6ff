"""The positive electrode of a full cell: an intercalation electrode in the place of the lithium counter electrode.

Its capacity stands for an area, or as a loading times a capacity for a mass. It gives C-rates: 1 C passes it in an
hour, or the rated capacity where one is stated.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, model_validator

from phasefield import units
from phasefield.case.quantities import Current, OptionalCapacity, OptionalDuration
from phasefield.case.record import Record, refuse
from phasefield.errors import shown
from phasefield.units import Measure, UnitError, to_si

HOUR = 3600.0  # s
RATE = re.compile(r"\s*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?)\s*\*?\s*C\s*")
DEEPEST = 32  # groups in groups; the protocol refuses fewer

BY_MASS = {"loading": units.LOADING, "specific_capacity": units.SPECIFIC_CAPACITY,
           "rated_capacity": units.SPECIFIC_CAPACITY}  # fmt: skip

Filling = Annotated[float, Measure(units.NUMBER, ge=0, le=1)]
OptionalSpecific = Annotated[float | None, Measure(units.SPECIFIC_CAPACITY, gt=0, optional=True)]


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
    capacity: OptionalCapacity = Field(
        default=None, description="charge per area between empty and full; or give `loading` and `specific_capacity`"
    )
    loading: Annotated[float | None, Measure(units.LOADING, gt=0, optional=True)] = Field(
        default=None, description="mass of active material per area"
    )
    specific_capacity: OptionalSpecific = Field(
        default=None, description="charge per mass of active material between empty and full, as practice gives it"
    )
    rated_capacity: OptionalSpecific = Field(
        default=None,
        description="charge per mass that 1 C passes in an hour; absent: `specific_capacity`",
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

    @model_validator(mode="after")
    def _one_capacity(self) -> Cathode:
        by_mass = [name for name in BY_MASS if getattr(self, name) is not None]
        if self.capacity is not None and by_mass:
            raise refuse(by_mass[0], f"cathode.{by_mass[0]} and cathode.capacity stand here both; remove one of them")
        if self.capacity is None and (self.loading is None or self.specific_capacity is None):
            lacking = "loading" if self.loading is None and by_mass else "specific_capacity" if by_mass else "capacity"
            raise refuse(lacking, "missing; give capacity of an area, or loading and specific_capacity")
        return self

    @property
    def areal_capacity(self) -> float:
        """Charge per area between empty and full, C/m^2."""
        if self.capacity is not None:
            return self.capacity
        assert self.loading is not None
        assert self.specific_capacity is not None
        return self.loading * self.specific_capacity

    @property
    def one_c(self) -> float:
        """Current density of 1 C, A/m^2."""
        if self.loading is not None and self.rated_capacity is not None:
            return self.loading * self.rated_capacity / HOUR
        return self.areal_capacity / HOUR


def in_current_densities(given: Any) -> Any:
    """Return the tables of a case with each C-rate of its protocol as a current density."""
    protocol = given.get("protocol") if isinstance(given, Mapping) else None
    steps = protocol.get("steps") if isinstance(protocol, Mapping) else None
    if not isinstance(protocol, Mapping) or not isinstance(steps, list | tuple):
        return given
    return {**given, "protocol": {**protocol, "steps": _steps(steps, "protocol.steps", given, 0)}}


def _steps(steps: Any, key: str, case: Mapping[str, Any], depth: int) -> Any:
    if not isinstance(steps, list | tuple) or depth > DEEPEST:
        return steps
    return tuple(
        _step(step, f"{key}[{k}]", case, depth) if isinstance(step, Mapping) else step for k, step in enumerate(steps)
    )


def _step(step: Mapping[str, Any], key: str, case: Mapping[str, Any], depth: int) -> dict[str, Any]:
    found = dict(step)
    for name in ("current", "until_current"):
        value = step.get(name)
        if isinstance(value, list | tuple):
            found[name] = tuple(_density(one, f"{key}.{name}", case) for one in value)
        else:
            found[name] = _density(value, f"{key}.{name}", case)
        if name not in step:
            del found[name]
    if "steps" in step:
        found["steps"] = _steps(step["steps"], f"{key}.steps", case, depth + 1)
    return found


def _density(value: Any, key: str, case: Mapping[str, Any]) -> Any:
    """Return a C-rate as a text of a current density; anything else as it is."""
    rate = RATE.fullmatch(value) if isinstance(value, str) else None
    if rate is None:
        return value
    try:
        current = _one_c(case.get("cathode"))
    except (UnitError, TypeError, ValueError):
        return value  # the cathode itself is refused
    if current is None:
        raise refuse(key, f'{shown(value)} needs the capacity of a [cathode]; give a current density, "0.2 mA/cm^2"')
    density = float(rate[1]) * current
    return units.to_text(density, units.CURRENT_DENSITY) if math.isfinite(density) else value


def _one_c(cathode: Any) -> float | None:
    """Return the current density [A/m^2] of 1 C of a cathode as a file states it; None if it has no capacity."""
    if isinstance(cathode, Cathode):
        return cathode.one_c
    if not isinstance(cathode, Mapping):
        return None
    kinds = {"capacity": units.CAPACITY, **BY_MASS}
    si = {name: to_si(given, kinds[name]) if isinstance(given, str) else float(given)
          for name, given in cathode.items() if name in kinds and given != "none"}  # fmt: skip
    charge = si.get("rated_capacity", si.get("specific_capacity"))
    if "capacity" in si:
        return si["capacity"] / HOUR
    return si["loading"] * charge / HOUR if "loading" in si and charge is not None else None
