"""The protocol: what is imposed, step by step."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field, model_validator

from phasefield.case.quantities import (
    FILLED,
    EventName,
    Fraction,
    OptionalCapacity,
    OptionalCurrent,
    OptionalCurrentLimit,
    OptionalDuration,
    OptionalVoltage,
    OptionalVoltageLimit,
    Voltage,
)
from phasefield.case.record import Record, refuse

AT = 1e-9  # of the voltage limit: a voltage that is this near is at it


class Step(Record):
    """One step: exactly one of current, voltage and rest; it ends with the first of its limits."""

    current: OptionalCurrent = Field(
        default=None, description="imposed current density; a positive one plates the working electrode"
    )
    voltage: OptionalVoltage = Field(
        default=None, description="imposed cell voltage; a positive one plates the working electrode"
    )
    rest: OptionalDuration = Field(default=None, description="duration of a rest at open circuit")
    duration: OptionalDuration = Field(default=None, description="longest duration of the step")
    capacity: OptionalCapacity = Field(default=None, description="charge passed in this step")
    until_voltage: OptionalVoltageLimit = Field(
        default=None,
        description="the step ends when |cell voltage| reaches this value; in a full cell when the voltage rises to it "
        "in charge, or falls to it in discharge",
    )
    until_current: OptionalCurrentLimit = Field(
        default=None, description="the step ends when |current| falls to this value (voltage steps)"
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
        default=1, description="number of times that the steps are run"
    )
    steps: tuple[Step, ...] = Field(description="list of tables, one a step, in order")
    voltage_limit: Voltage = Field(default=5.0, description="largest |cell voltage| allowed in the run")
    stop_on: tuple[EventName, ...] = Field(
        default=("voltage_limit", "short_circuit", "exhausted"),
        description="events that end the run; the others are only recorded",
    )
    depletion_threshold: Fraction = Field(
        default=0.01, description="ratio of the smallest to the initial concentration at which depletion is reported"
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
                ends = "voltage_limit" in self.stop_on
                if value is not None and ends and abs(value) >= self.voltage_limit * (1 - AT):
                    raise refuse(
                        f"steps[{k}].{name}",
                        f"{abs(value):g} V is protocol.voltage_limit, which ends the run at once; raise the limit, or "
                        'take "voltage_limit" out of protocol.stop_on',
                    )
        return self

    @property
    def planned_time(self) -> float | None:
        """Longest time of the whole run, s; None if a step has no time limit."""
        times = [step.planned_time for step in self.steps]
        return self.repeat * math.fsum(time or 0 for time in times) if None not in times else None
