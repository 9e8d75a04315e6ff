"""The protocol: what is imposed, step by step."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from phasefield import units
from phasefield.case.quantities import (
    FILLED,
    CurrentOrRamp,
    EventName,
    Fraction,
    OptionalCapacity,
    OptionalCurrentLimit,
    OptionalDuration,
    OptionalVoltageLimit,
    Voltage,
    VoltageOrRamp,
)
from phasefield.case.record import Record, refuse
from phasefield.units import Measure

AT = 1e-9  # of the voltage limit: a voltage that is this near is at it
MOST_STEPS = 10_000  # in one repeat, groups written out
DEEPEST_GROUP = 4  # groups in groups

Repeats = Annotated[int, Field(ge=1, le=1_000_000)]


class Step(Record):
    """One step: exactly one of current, voltage, rest and steps; it ends with the first of its limits."""

    current: CurrentOrRamp = Field(
        default=None,
        description="imposed current density; a positive one plates the working electrode; two values: a linear ramp "
        "from the first to the second within `duration`; in a full cell also as a C-rate, e.g. \"0.5 C\"",
    )
    voltage: VoltageOrRamp = Field(
        default=None,
        description="imposed cell voltage; a positive one plates the working electrode; two values: a linear sweep "
        "from the first to the second within `duration`",
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
        default=None,
        description="the step ends when |current| falls to this value (voltage steps); in a full cell also as "
        'a C-rate, e.g. "0.05 C"',
    )
    steps: tuple[Step, ...] | None = Field(
        default=None, description="a group: steps that are run `repeat` times before the next step"
    )
    repeat: Repeats | None = Field(default=None, description="number of times that the steps of a group are run")

    @model_validator(mode="after")
    def _check(self) -> Step:
        given = [name for name in ENDS if getattr(self, name) is not None]
        if len(given) != 1:
            came = "none of them" if not given else " and ".join(given)
            raise refuse(given[-1] if given else "", f"{came} came; a step has exactly one of {', '.join(ENDS)}")
        name = given[0]
        ramp = isinstance(getattr(self, name), tuple) and name != "steps"
        allowed = RAMP_ENDS[name] if ramp else ENDS[name]
        kind = f"{name} ramp" if ramp else {"steps": "group of steps"}.get(name, f"{name} step")
        ends = [key for key in LIMITS if getattr(self, key) is not None]
        for key in ends:
            if key not in allowed:
                by = {"rest": "the duration stands in rest", "steps": "it ends after its repeats"}.get(
                    name, f"it ends by {', '.join(allowed)}"
                )
                raise refuse(key, f"a {kind} does not take it; {by}")
        if ramp and self.duration is None:
            raise refuse(name, "the ramp has no length; add duration")
        if allowed and not ends and name != "steps":
            raise refuse(name, f"the step never ends; add one of {', '.join(allowed)}")
        if self.current in (0, (0, 0)):
            raise refuse("current", 'a current of 0 is a rest; write rest = "1 h"')
        if self.steps is not None and not self.steps:
            raise refuse("steps", "the group is empty; give its steps, or remove it")
        if self.steps is None and self.repeat is not None:
            raise refuse("repeat", 'stands beside the steps of a group: { repeat = 3, steps = [ { rest = "1 h" } ] }')
        return self

    @property
    def kind(self) -> Literal["current", "voltage", "rest"]:
        """What is imposed."""
        return "current" if self.current is not None else "voltage" if self.voltage is not None else "rest"

    @property
    def currents(self) -> tuple[float, float] | None:
        """Current density at the start and at the end, A/m^2; None at an imposed voltage, zeros at rest."""
        if self.voltage is not None:
            return None
        return ends_of(self.current if self.current is not None else 0.0)

    @property
    def voltages(self) -> tuple[float, float] | None:
        """Voltage at the start and at the end, V; None unless a voltage is imposed."""
        return None if self.voltage is None else ends_of(self.voltage)

    @property
    def largest_current(self) -> float:
        """Size of the largest imposed current density, A/m^2; 0 at rest and at an imposed voltage."""
        return max(map(abs, self.currents or (0.0, 0.0)))

    @property
    def direction(self) -> float:
        """Sign of the imposed current; 0 at rest and at an imposed voltage."""
        first, last = self.currents or (0.0, 0.0)
        return math.copysign(1.0, first or last) if first or last else 0.0

    @property
    def is_ramp(self) -> bool:
        """Whether what is imposed changes with time."""
        return isinstance(self.current, tuple) or isinstance(self.voltage, tuple)

    def share(self, elapsed: float) -> float:
        """Return which share of a ramp has passed after a time [s]; 0 of any other step."""
        if not self.is_ramp or self.duration is None:
            return 0.0
        return min(elapsed / self.duration, 1.0)

    @property
    def planned_time(self) -> float | None:
        """Longest time that the step can take, s; None if only a limit ends it."""
        times = [self.rest, self.duration]
        if self.current is not None and self.capacity is not None:
            times.append(self.capacity / self.largest_current)
        return min((time for time in times if time is not None), default=FILLED)


LIMITS = ("duration", "capacity", "until_voltage", "until_current")
ENDS: dict[str, tuple[str, ...]] = {
    "current": ("duration", "capacity", "until_voltage"),
    "voltage": ("duration", "capacity", "until_current"),
    "rest": (),
    "steps": (),
}
"""What a step may impose, and what may then end it."""
RAMP_ENDS: dict[str, tuple[str, ...]] = {"current": ("duration", "until_voltage"), "voltage": ("duration",)}


def ends_of(value: float | tuple[float, float]) -> tuple[float, float]:
    """Return both ends of what is imposed."""
    return value if isinstance(value, tuple) else (value, value)


class TraceColumns(Record):
    """Heads of the columns of a measured file, with a unit where the file has none."""

    time: str | None = Field(default=None, description='head of the times, e.g. "t/h"')
    current: str | None = Field(default=None, description='head of the currents, e.g. "I/mA" or "j/mA cm-2"')
    voltage: str | None = Field(default=None, description='head of the voltages, e.g. "U/V"')


class MeasuredTrace(Record):
    """What is kept of `protocol.file`, filled in: a run needs the file no more."""

    digest: str = Field(description="digest of the file, filled in")
    charge_error: Annotated[float, Measure(units.CAPACITY, ge=0)] = Field(
        description="largest difference of the charge passed so far from that of the file, filled in; none at the "
        "end of a step"
    )
    time: tuple[Annotated[float, Measure(units.TIME, ge=0)], ...] = Field(
        default=(), description="times of the measured voltage, filled in"
    )
    voltage: tuple[Annotated[float, Measure(units.VOLTAGE)], ...] = Field(
        default=(), description="measured voltage, which pictures show beside the simulated one, filled in"
    )

    @model_validator(mode="after")
    def _check(self) -> MeasuredTrace:
        if len(self.time) != len(self.voltage) or any(b < a for a, b in pairwise(self.time)):
            raise refuse("time", "does not go with the voltage; the table is filled in, so remove it")
        return self


class Protocol(Record):
    """What is imposed: a list of steps, repeated."""

    repeat: Repeats = Field(default=1, description="number of times that the steps are run")
    steps: tuple[Step, ...] = Field(description="list of tables, one a step or a group of steps, in order")
    file: str | None = Field(
        default=None,
        description="in place of `steps`: a file of a cycler in the folder of the case file, whose measured current is "
        "imposed; needs [cell] electrode_area unless it states a current density",
    )
    columns: TraceColumns | None = Field(
        default=None, description="heads of the columns of `file`, where the program does not know them"
    )
    measured: MeasuredTrace | None = Field(default=FILLED, description="what is kept of `file`, filled in")
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
        if (self.file is None) != (self.measured is None):
            raise refuse("file", "only a case file can name a file; it is read with the case")
        if not 1 <= len(self.steps) <= MOST_STEPS:
            raise refuse("steps", f"{len(self.steps)} steps came; give 1 to {MOST_STEPS} tables")
        for place, step in _places(self.steps, "steps"):
            if place.count("steps") > DEEPEST_GROUP:
                raise refuse(place, f"groups are nested more than {DEEPEST_GROUP} deep; write the inner one out")
            self._check_voltages(place, step)
        number = _count(self.steps)
        if number > MOST_STEPS:
            raise refuse(
                "steps", f"with its groups written out a repeat has {number:.6g} steps; {MOST_STEPS} are possible: "
                "lower the repeat of a group, or move it to protocol.repeat"
            )  # fmt: skip
        return self

    def _check_voltages(self, place: str, step: Step) -> None:
        """Refuse a voltage at or above the limit."""
        for name in ("voltage", "until_voltage"):
            given = getattr(step, name)
            if given is None:
                continue
            value = max(map(abs, ends_of(given)))
            if value > self.voltage_limit:
                raise refuse(
                    f"{place}.{name}",
                    f"{value:g} V is above protocol.voltage_limit, {self.voltage_limit:g} V; raise the limit",
                )
            if "voltage_limit" in self.stop_on and value >= self.voltage_limit * (1 - AT):
                raise refuse(
                    f"{place}.{name}",
                    f"{value:g} V is protocol.voltage_limit, which ends the run at once; raise the limit, or "
                    'take "voltage_limit" out of protocol.stop_on',
                )

    @cached_property
    def sequence(self) -> tuple[Step, ...]:
        """The steps of one repeat as they are run: groups written out, a current ramp through zero as two."""
        return tuple(step for step, _ in self._written_out)

    @cached_property
    def cycle_of(self) -> tuple[int, ...]:
        """The cycle of each step of `sequence`, from 0.

        A cycle is a pass of a list of steps without groups. A step beside groups belongs to the cycle before it, and
        those before the first group to the first cycle.
        """
        cycle, found, fresh = 0, [], True
        for _, begins in self._written_out:
            cycle += begins and not fresh
            fresh = fresh and not begins
            found.append(cycle)
        return tuple(found)

    @property
    def cycles(self) -> int:
        """Number of cycles of the whole run."""
        return self.repeat * (self.cycle_of[-1] + 1)

    @cached_property
    def _written_out(self) -> tuple[tuple[Step, bool], ...]:
        """Each step of one repeat, and whether a cycle begins with it."""
        return tuple(_write_out(self.steps))

    @property
    def planned_time(self) -> float | None:
        """Longest time of the whole run, s; None if a step has no time limit."""
        times = [step.planned_time for step in self.sequence]
        return self.repeat * math.fsum(time or 0 for time in times) if None not in times else None


def _places(steps: tuple[Step, ...], name: str) -> Iterator[tuple[str, Step]]:
    """Yield each step and group with its key."""
    for k, step in enumerate(steps):
        yield f"{name}[{k}]", step
        if step.steps is not None:
            yield from _places(step.steps, f"{name}[{k}].steps")


def _count(steps: tuple[Step, ...]) -> int:
    """Return how many steps a list has with its groups written out."""
    return sum(
        (step.repeat or 1) * _count(step.steps) if step.steps is not None else 2 if _turns(step) else 1
        for step in steps
    )  # fmt: skip


def _turns(step: Step) -> bool:
    """Return whether a step is a ramp of current through zero, which is run as two."""
    return isinstance(step.current, tuple) and step.current[0] * step.current[1] < 0.0


def _write_out(steps: tuple[Step, ...]) -> Iterator[tuple[Step, bool]]:
    """Yield the steps of a list with its groups written out, and whether a cycle begins with each."""
    plain = all(step.steps is None for step in steps)
    for k, step in enumerate(steps):
        begins = plain and k == 0
        if step.steps is not None:
            for _ in range(step.repeat or 1):
                yield from _write_out(step.steps)
        elif _turns(step) and step.currents is not None and step.duration is not None:
            first, last = step.currents
            turn = step.duration * (first / (first - last))
            yield step.model_copy(update={"current": (first, 0.0), "duration": turn}), begins
            yield step.model_copy(update={"current": (0.0, last), "duration": step.duration - turn}), False
        else:
            yield step, begins
