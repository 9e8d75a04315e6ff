"""A trace of current as steps of constant current, each with exactly the charge of the trace."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

JUMP = 0.05  # of the largest current: a change between two points where the current switches
ERROR = 1e-3  # of the largest charge difference of the trace: allowed between the ends of the steps
LARGEST_ERROR = 2e-2  # of it: beyond it the steps are too few to stand for the trace


class Steps(NamedTuple):
    """Steps of constant current: their durations [s] and currents [A/m^2].

    charge_error: largest difference [C/m^2] of the charge passed so far from that of the trace, at its points and where
    its current switches; at the end of each step it is 0.
    """

    duration: Floats
    current: Floats
    charge_error: float


def jumps_of(current: Floats) -> NDArray[np.intp]:
    """Return the points of a trace after which its current switches."""
    return np.flatnonzero(np.abs(np.diff(current)) > JUMP * np.abs(current).max(initial=0.0))


def switched_charge(time: Floats, current: Floats) -> tuple[Floats, Floats, NDArray[np.intp]]:
    """Return times [s] and the charge passed [C/m^2] at the points of a trace and where it switches; which switch.

    Between two points the current [A/m^2] is linear, or it switches midway where it JUMPs.
    """
    jumps, interval = jumps_of(current), np.diff(time)
    charge = np.concatenate([[0.0], np.cumsum(0.5 * (current[1:] + current[:-1]) * interval)])
    half = 0.5 * interval[jumps]
    switches = jumps + 1 + np.arange(len(jumps))
    return (
        np.insert(time, jumps + 1, time[jumps] + half),
        np.insert(charge, jumps + 1, charge[jumps] + current[jumps] * half),
        switches,
    )


def constant_steps(time: Floats, current: Floats, most: int) -> Steps | None:
    """Return at most so many steps of constant current for a trace; None if they cannot follow it.

    time [s], never falling; current [A/m^2]. Steps begin and end at points of the trace and at switches.
    """
    time, charge, switches = switched_charge(time, current)
    span = float(charge.max() - charge.min())
    forced = np.unique(np.concatenate([switches, [len(time) - 1]]))
    error = ERROR * span
    while error <= LARGEST_ERROR * span:
        for ends in (forced, forced[-1:]):
            if len(ends) > most:
                continue
            knots = _knots(time, charge, error, ends, most)
            if knots is not None:
                return _steps(time, charge, knots)
        if span == 0.0:
            return None
        error *= 2.0
    return None


def _knots(time: Floats, charge: Floats, error: float, forced: NDArray[np.intp], most: int) -> list[int] | None:
    """Return points between which straight lines follow the charge within an error; None if it takes too many."""
    t, q, knots, start = time.tolist(), charge.tolist(), [0], 0
    for end in forced.tolist():
        k = start + 1
        low, high, best = -np.inf, np.inf, start
        while k <= end:
            dt = t[k] - t[start]
            if dt > 0.0:
                slope = (q[k] - q[start]) / dt
                if low <= slope <= high:
                    best = k
                low, high = max(low, slope - error / dt), min(high, slope + error / dt)
                if low > high:
                    start = best if best > start else k
                    knots.append(start)
                    if len(knots) > most + 1:
                        return None
                    k, low, high, best = start, -np.inf, np.inf, start
            k += 1
        if knots[-1] != end and t[end] > t[knots[-1]]:
            if best != end and best > start:  # the line to the end leaves the error: one more step
                knots.append(best)
            knots.append(end)
        start = knots[-1]
    return knots if len(knots) <= most + 1 else None


def _steps(time: Floats, charge: Floats, knots: list[int]) -> Steps:
    at = np.array(knots)
    duration, passed = np.diff(time[at]), np.diff(charge[at])
    off = np.abs(charge - np.interp(time, time[at], charge[at]))
    return Steps(duration, passed / duration, float(off.max()))
