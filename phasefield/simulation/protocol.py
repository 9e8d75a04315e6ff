"""What is imposed at which time: the steps of the protocol, and how often they are repeated."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from phasefield.case import Protocol, Step

NEAR = 1e-9  # relative: an end that is this near has been reached
RAMP_CHANGE = 0.05  # change in a step of a ramp: of a current over its larger end, of a voltage over the whole change


def _at(ends: tuple[float, float] | None, share: float) -> float | None:
    """Return what is imposed after a share of a ramp."""
    if ends is None:
        return None
    first, last = ends
    return last if share == 1.0 else first + (last - first) * share


@dataclass
class Passed:
    """What has passed of the protocol; all that a restart needs to know of it."""

    cycle: int = 0  # repeats completed
    step: int = 0  # in the sequence of steps
    elapsed: float = 0.0  # s, in this step
    charge: float = 0.0  # C/m^2, |charge| passed in this step
    begun: bool = False  # the step's current or voltage is imposed

    def to_dict(self) -> dict[str, float | int | bool]:
        """Return it as plain numbers."""
        return {"cycle": self.cycle, "step": self.step, "elapsed": self.elapsed, "charge": self.charge,
                "begun": self.begun}  # fmt: skip

    @classmethod
    def from_dict(cls, values: Mapping[str, float]) -> Passed:
        """Return what `to_dict` gave."""
        return cls(int(values["cycle"]), int(values["step"]), float(values["elapsed"]), float(values["charge"]),
                   bool(values["begun"]))  # fmt: skip


class ProtocolPosition:
    """Where in its protocol a run is, what is imposed there, and when that ends."""

    def __init__(self, protocol: Protocol, at: Passed | None = None, full: bool = False) -> None:
        """full: a full cell, whose voltage rises in charge and falls in discharge."""
        self.protocol, self.full = protocol, full
        self.at = at or Passed()

    @property
    def done(self) -> bool:
        """Whether every repeat is completed."""
        return self.at.cycle >= self.protocol.repeat

    @property
    def cycle(self) -> int:
        """The cycle in which the run is, from 1; at the end the last one."""
        passed = self.at.cycle * (self.protocol.cycle_of[-1] + 1) + self.protocol.cycle_of[self.at.step]
        return min(passed + 1, self.protocol.cycles)

    @property
    def step(self) -> Step:
        """The step in force."""
        return self.protocol.sequence[self.at.step]

    @property
    def imposed(self) -> tuple[float | None, float | None]:
        """The imposed current density [A/m^2] and voltage [V]; one is None."""
        share = self.step.share(self.at.elapsed)
        return _at(self.step.currents, share), _at(self.step.voltages, share)

    @property
    def rate(self) -> float:
        """Rate of what is imposed: A/(m^2 s), or V/s; 0 except in a ramp."""
        first, last = self.step.currents or self.step.voltages or (0.0, 0.0)
        return (last - first) / self.step.duration if self.step.is_ramp and self.step.duration is not None else 0.0

    @property
    def longest(self) -> float:
        """Longest step [s] that follows a ramp."""
        step = self.step
        if not step.is_ramp or step.duration is None:
            return math.inf
        (first, last), sweep = step.currents or step.voltages or (0.0, 0.0), step.voltages is not None
        change = abs(last - first)
        size = change if sweep else max(abs(first), abs(last))
        return step.duration * RAMP_CHANGE * size / change if change > 0.0 else math.inf

    def remaining(self, current: float) -> float:
        """Time [s] until the step ends by duration or, at the present current [A/m^2], by capacity."""
        step, at = self.step, self.at
        left = [t - at.elapsed for t in (step.duration, step.rest) if t is not None]
        if step.capacity is not None and current != 0.0:
            left.append((step.capacity - at.charge) / abs(current))
        return max(min(left, default=math.inf), 0.0)

    def past(self, voltage: float) -> float:
        """Return how far a voltage [V] is beyond the step's `until_voltage`, V; < 0 before it."""
        step = self.step
        assert step.until_voltage is not None
        if not self.full:
            return abs(voltage) - step.until_voltage
        return step.direction * (voltage - step.until_voltage)

    def advance(self, dt: float, charge: float) -> None:
        """Count a step of dt [s] that passed `charge` [C/m^2]."""
        self.at.elapsed += dt
        self.at.charge += abs(charge)

    def ended(self, voltage: float, current: float) -> bool:
        """Whether the step has reached one of its ends."""
        step, at = self.step, self.at
        for limit in (step.duration, step.rest):
            if limit is not None and at.elapsed >= limit * (1.0 - NEAR):
                return True
        if step.capacity is not None and at.charge >= step.capacity * (1.0 - NEAR):
            return True
        if step.until_voltage is not None and self.past(voltage) >= -NEAR * step.until_voltage:
            return True
        return step.until_current is not None and abs(current) <= step.until_current * (1.0 + NEAR)

    def next(self) -> None:
        """Go on to the next step, or to the first one of the next repeat."""
        at = self.at
        at.step += 1
        at.elapsed, at.charge, at.begun = 0.0, 0.0, False
        if at.step == len(self.protocol.sequence):
            at.step = 0
            at.cycle += 1
