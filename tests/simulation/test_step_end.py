"""The search for the length of a step at an imposed voltage, on formulas in place of steps."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from modelcases import protocol

from phasefield.simulation.protocol import ProtocolPosition
from phasefield.simulation.step_end import CAPACITY_BAND, LIMIT_BAND, LOCATE, PATIENCE, StepEnd

CAPACITY = 3.6  # C/m^2
UNTIL = 1.0  # A/m^2
Curve = Callable[[float], float]


def state(charge: float, current: float) -> Any:
    """Return all that is looked at of a state on 1 m^2."""
    return SimpleNamespace(applied=charge, reaction=SimpleNamespace(total=current))


def land(charge: Curve, current: Curve, dt: float, reach: float, fails: float = math.inf) -> tuple[float, int]:
    """Return the length of the step that is taken and the attempts at it; steps from `fails` on are not possible."""
    position = ProtocolPosition(protocol('[{ voltage = "0.1 V", capacity = "1 mAh/m^2", until_current = "1 A/m^2" }]'))
    step_end = StepEnd(position, state(charge(0.0), current(0.0)), 1.0, reach)
    for attempt in range(1, 3 * LOCATE):
        if dt >= fails:
            step_end.fail()
            dt *= 0.5
            continue
        again = step_end.again(state(charge(dt), current(dt)), dt)
        if again is None:
            return dt, attempt
        dt = again
    raise AssertionError("no step is taken")


def off(charge: Curve, dt: float) -> float:
    return (abs(charge(dt) - charge(0.0)) - CAPACITY) / CAPACITY


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("first", [0.2, 0.9, 1.0, 1.3])
def test_a_capacity_is_met_from_both_sides(sign: float, first: float) -> None:
    def charge(t: float) -> float:
        return 7.0 + sign * (2.0 * t + 0.1 * t**2)

    root = -10.0 + math.sqrt(100.0 + 10.0 * CAPACITY)
    dt, attempts = land(charge, lambda t: sign * (2.0 + 0.2 * t), first * root, 100.0)
    assert abs(off(charge, dt)) <= CAPACITY_BAND
    assert attempts <= 6


def test_an_attempt_is_not_prolonged_beyond_its_reach() -> None:
    assert land(lambda t: 2.0 * t, lambda t: 2.0, 0.9, 1.7) == (0.9, 1)
    dt, attempts = land(lambda t: 2.0 * t, lambda t: 2.0, 0.9, 1.9)
    assert dt == pytest.approx(1.8, rel=1e-12)
    assert attempts == 2
    # Where a step fails it is halved, and not prolonged again; but it is still cut where it passes the end.
    assert land(lambda t: 2.0 * t, lambda t: 2.0, 1.8, 10.0, fails=1.5) == (0.9, 2)
    dt, _ = land(lambda t: 2.0 * t + 0.1 * t**2, lambda t: 2.0, 4.0, 10.0, fails=3.0)
    assert 2.0 * dt + 0.1 * dt**2 == pytest.approx(CAPACITY, rel=1e-9)


def test_the_current_is_met_within_its_band() -> None:
    def current(t: float) -> float:
        return -1.4 / math.sqrt(1.0 + t)  # falls to 1 at 0.96

    for first in (1.0, 1.5, 2.0):
        dt, attempts = land(lambda t: 0.1 * t, current, first, 100.0)
        assert UNTIL * (1.0 - LIMIT_BAND) <= -current(dt) <= UNTIL
        assert attempts <= 6
    assert land(lambda t: 0.1 * t, current, 0.5, 0.5) == (0.5, 1)  # not there yet: nothing to be met


def test_a_current_that_changes_its_sign_has_fallen_too_far() -> None:
    dt, _ = land(lambda t: 0.1 * t, lambda t: 2.0 - 2.0 * t, 2.0, 100.0)
    assert 2.0 - 2.0 * dt == pytest.approx(1.0, rel=LIMIT_BAND)


def test_the_earlier_of_two_ends_counts() -> None:
    dt, _ = land(lambda t: 2.0 * t, lambda t: 2.0 - 0.25 * t, 5.0, 100.0)
    assert dt == pytest.approx(1.8, rel=1e-9)
    dt, _ = land(lambda t: 0.5 * t, lambda t: 2.0 - 0.25 * t, 8.0, 100.0)
    assert 2.0 - 0.25 * dt == pytest.approx(1.0, rel=LIMIT_BAND)


def test_a_jump_at_the_end_leaves_a_step_that_falls_short() -> None:
    """Solvers stop at a tolerance: another iteration makes the charge jump a little."""

    def charge(t: float) -> float:
        return 2.0 * t + (1e-6 if t > 1.8 - 1e-7 else 0.0)

    dt, attempts = land(charge, lambda t: 2.0, 2.2, 100.0)
    assert -1e-6 < off(charge, dt) < 0.0
    assert PATIENCE <= attempts <= PATIENCE + 2


def test_where_all_but_one_attempt_pass_the_end_that_one_is_taken() -> None:
    dt, attempts = land(lambda t: 2.0 * t if t <= 1.0 else 4.0, lambda t: 2.0, 1.0, 1.9)
    assert dt == 1.0
    assert attempts == LOCATE + 1
