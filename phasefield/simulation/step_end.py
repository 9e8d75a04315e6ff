"""Where a step must end: a step that passes a limit of the protocol is repeated until its length meets the limit.

At an imposed current that is a limit of the voltage, at an imposed voltage the capacity or the current that ends the
protocol step. Length and charge of an attempt follow from the state at the start of the step alone, so that a run
resumed from there lands on the same bits.
"""

from __future__ import annotations

import math

from phasefield.model.state import State
from phasefield.simulation.protocol import NEAR, ProtocolPosition

LIMIT_BAND = 1e-3  # a limit of voltage or current is met within this relative band
CAPACITY_BAND = 0.5 * NEAR  # a capacity likewise: the protocol takes it as reached
BEYOND = 0.04  # of a limit of the voltage
LOCATE = 12  # attempts to land
PATIENCE = 6  # attempts after which a step that falls short of its end will do: the next one is short and near


class Target:
    """An end that a step must not pass; `off` is how far an attempt at the step came, 0 on the end, < 0 before it."""

    def __init__(self, start: float, band: float, far: bool) -> None:
        """start: off at no length; band: |off| that will do; far: an attempt that falls short may be prolonged."""
        self.band, self.far = band, far
        self.before = self.last = self.low = (0.0, start)  # length [s], off
        self.high = (math.inf, math.inf)

    def note(self, dt: float, off: float) -> None:
        """Take in an attempt."""
        self.before, self.last = self.last, (dt, off)
        if off > 0.0:
            self.high = min(self.high, self.last)
        else:
            self.low = max(self.low, self.last)

    @property
    def passed(self) -> bool:
        """Whether the last attempt went beyond the end."""
        return self.last[1] > self.band

    @property
    def met(self) -> bool:
        """Whether the last attempt met the end."""
        return abs(self.last[1]) <= self.band

    def length(self) -> float:
        """Return the length [s] that should meet the end: the secant's, or the middle where that leads out.

        Infinite if no attempt has passed the end and none is to be prolonged.
        """
        (a, f), (b, g) = self.before, self.last
        guess = b - g * (b - a) / (g - f) if g != f else math.inf
        low, high = self.low[0], self.high[0]
        if math.isinf(high):
            return guess if self.far and guess > low else math.inf
        return guess if low < guess < high else 0.5 * (low + high)


class StepEnd:
    """The attempts at one step at an imposed voltage."""

    def __init__(self, position: ProtocolPosition, old: State, plane: float, reach: float) -> None:
        """old: the state before the step; plane: projected area [m^2]; reach: longest step [s]."""
        self.old, self.plane, self.reach = old, plane, reach
        self.attempts = 0
        self.charge: Target | None = None
        self.current: Target | None = None
        capacity, limit = position.step.capacity, position.step.until_current
        if capacity is not None:
            self.need = capacity - position.at.charge
            self.charge = Target(-self.need, CAPACITY_BAND * capacity, far=True)
        if limit is not None:
            band = 0.5 * LIMIT_BAND * limit
            self.aim = limit - band
            self.current = Target(self.aim - self._along(old), band, far=False)

    def _along(self, s: State) -> float:
        """Return the current density of a state, > 0 in the direction of the one before the step, A/m^2."""
        assert s.reaction is not None
        assert self.old.reaction is not None
        return math.copysign(1.0, self.old.reaction.total) * s.reaction.total / self.plane

    def fail(self) -> None:
        """Note that an attempt was rejected: the shorter one that follows is not prolonged again."""
        self.reach = 0.0

    def again(self, new: State, dt: float) -> float | None:
        """Return the length [s] of the next attempt after one of dt [s] that led to `new`; None to take that one."""
        self.attempts += 1
        targets = []
        if self.charge is not None:
            self.charge.note(dt, abs(new.applied - self.old.applied) - self.need)
            targets.append(self.charge)
        if self.current is not None:
            self.current.note(dt, self.aim - self._along(new))
            targets.append(self.current)
        if self.attempts > LOCATE or not targets:
            return None
        low, high = min(t.low[0] for t in targets), min(t.high[0] for t in targets)
        if any(t.passed for t in targets):
            if self.attempts == LOCATE and low > 0.0:
                return low  # known to fall short
            return min(t.length() for t in targets if t.passed)
        if any(t.met for t in targets) or self.attempts >= PATIENCE:
            return None
        length = min(t.length() for t in targets)
        return length if length < high and (length <= self.reach or math.isfinite(high)) else None


def share_to_voltage_limit(position: ProtocolPosition, old: State, new: State) -> float:
    """Return the share of a step at an imposed current after which a voltage limit was met, 1 if none was passed."""
    limit, until = position.protocol.voltage_limit, position.step.until_voltage
    ends = [(limit, abs(old.voltage) - limit, abs(new.voltage) - limit)]
    if until is not None:
        ends.append((until, position.past(old.voltage), position.past(new.voltage)))
    share = 1.0
    for size, before, after in ends:
        band = LIMIT_BAND * size
        if after > band and before < 0.0 and after > before:
            share = min(share, (0.5 * band - before) / (after - before))
            if after > BEYOND * size:  # the voltage may be that of the ceiling, which says nothing of when
                share = min(share, 0.5)
    return share
