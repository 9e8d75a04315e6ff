"""Step control: how long a step may be, and which attempt at it is accepted."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from phasefield.errors import NO_LITHIUM, SolverError
from phasefield.model.base import LawOfMotion
from phasefield.model.coefficients import Drive
from phasefield.model.state import State
from phasefield.simulation.protocol import ProtocolPosition
from phasefield.simulation.restart import Control
from phasefield.simulation.step_end import LOCATE, StepEnd, share_to_voltage_limit

if TYPE_CHECKING:
    from phasefield.case import Case

log = logging.getLogger(__name__)

ATTEMPTS = 8  # a step is shortened this often, to half or less, before the run stops
GROWTH = 2.0  # a step's concentration limit may grow by this factor from step to step
SHORTEST = 0.25  # of a step whose concentration changed too much is the next attempt at least
OVERSHOOT = 2.0  # a step whose concentration changed by this many limits is repeated
ORDER = -1.0 / 3.0  # the embedded error falls with the third power of a step
EASY, HARD = 3, 10  # coupling iterations up to which, and from which, a step is easy and hard
MOMENT = 1e-12  # of the time so far: steps are not made shorter for what happens within it
FLOOR = 0.05  # concentration changes are measured against at least this share of c0


class AcceptedStep(NamedTuple):
    """An accepted step."""

    state: State
    dt: float  # s
    rejected: int
    iterations: int  # of the solvers


class Attempt(NamedTuple):
    """An attempt at a step: its state, or None and why it is rejected."""

    state: State | None
    reason: str = ""
    cause: str = ""
    shorter: float = 0.5  # times the length, for the next attempt
    change: float = 0.0  # largest relative change of concentration
    off: float = 0.0  # estimated error over the allowed one


class StepController:
    """Step control of one run; what carries over from step to step stands in `Control`, for a restart."""

    def __init__(self, case: Case, cell: LawOfMotion, control: Control) -> None:
        self.case, self.cell, self.control = case, cell, control

    def longest(self, s: State) -> float:
        """Return the longest step [s] allowed by salt, motion and the law itself."""
        case, cell = self.case, self.cell
        assert s.reaction is not None
        limits = [self.control.dt_c, case.numerics.max_step or math.inf, cell.longest_step(s)]
        fastest = float(np.max(np.abs(s.reaction.j_li), initial=0.0)) * cell.volume_per_charge
        if fastest > 0.0:
            limits.append(case.numerics.front_step * cell.dx / fastest)
        return min(limits)

    def take_step(self, s: State, position: ProtocolPosition, drive: Drive, output: float) -> AcceptedStep:
        """Take one step from `s` (driven by `drive`) and return it; `s` stays as it is.

        output: time [s] of the next frame, which a step ahead of it meets. Raises SolverError if no step is possible.
        """
        cell, control = self.cell, self.control
        ahead = min(output - s.t if output > s.t else math.inf, cell.until_renewal(s))
        remaining = min(position.remaining(cell.current(s)), ahead)
        longest = min(self.longest(s), position.longest)
        dt = remaining / max(math.ceil(remaining / longest * (1.0 - 1e-9)), 1) if math.isfinite(remaining) else longest
        step_end = StepEnd(position, s, cell.plane, min(longest, position.remaining(0.0), ahead))
        if not math.isfinite(dt):
            raise SolverError("nothing limits the step; give the protocol step a duration or numerics.max_step")
        rejected = located = 0
        begun = cell.iterations
        while True:
            attempt = self._attempt(s, drive, dt, rejected)
            if attempt.state is None:
                rejected += 1
                control.rejected += 1
                log.debug("step of %.6g s at %.6g s rejected: %s", dt, s.t, attempt.reason)
                gone = attempt.cause == NO_LITHIUM
                shortest = max(self.case.numerics.min_step or 0.0, MOMENT * s.t if gone else 0.0)
                if rejected >= ATTEMPTS or attempt.shorter * dt < shortest:
                    raise SolverError(f"no step succeeds ({attempt.reason})", attempt.cause)
                step_end.fail()
                dt *= attempt.shorter
                continue
            if drive.current is None:
                length = step_end.again(attempt.state, dt)
                if length is None:
                    break
                dt = length
                continue
            share = share_to_voltage_limit(position, s, attempt.state)
            if share == 1.0 or located == LOCATE:
                break
            located += 1
            dt *= max(share, 0.05)
        self._limit_by_salt(attempt, dt, rejected)
        return AcceptedStep(attempt.state, dt, rejected, cell.iterations - begun)

    def _attempt(self, s: State, drive: Drive, dt: float, rejected: int) -> Attempt:
        """Take a step of dt [s] and judge it; rejected: how many attempts at this step were rejected before."""
        cell, numerics = self.cell, self.case.numerics
        try:
            new = cell.step(s, drive, dt)
        except SolverError as error:
            shorter = 0.5 if rejected < 2 or error.cause == NO_LITHIUM else SHORTEST
            return Attempt(None, error.message, error.cause, shorter)
        change = cell.change(s, new, FLOOR)
        off = new.step_error / numerics.step_error
        # What changes within a moment is a jump, as where the last lithium of a place goes: no step divides it.
        if rejected >= ATTEMPTS - 2 or dt <= MOMENT * s.t:
            return Attempt(new, change=change, off=off)
        reason, shorter = "", 0.5
        if change > OVERSHOOT * numerics.concentration_change:
            reason = f"the concentration changed by {change:.2g} of itself"
            shorter = max(0.8 * numerics.concentration_change / change, SHORTEST)
        if off > OVERSHOOT:
            reason = f"its error, {new.step_error:.2g}, is {off:.2g} times what numerics.step_error allows"
            shorter = min(shorter, max(0.8 * off**ORDER, SHORTEST))
        return Attempt(None if reason else new, reason, "", shorter, change, off)

    def _limit_by_salt(self, accepted: Attempt, dt: float, rejected: int) -> None:
        """Set how long the next step may be for the salt's sake, after an accepted one of dt [s]."""
        change, off, effort = accepted.change, accepted.off, self.cell.effort
        limit = self.case.numerics.concentration_change
        longer = min(limit / change if change > 0.0 else GROWTH, off**ORDER if off > 0.0 else GROWTH)
        self.control.dt_c = dt * min(GROWTH, 0.8 * longer)
        if change < limit and off < 0.5 and effort <= EASY and rejected == 0:
            self.control.dt_c = math.inf  # nothing but the motion need limit the next step
        elif effort > HARD:
            self.control.dt_c = dt
