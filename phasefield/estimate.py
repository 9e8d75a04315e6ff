"""What a run will cost: steps by the rules of the driver, time and memory by measured constants."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from phasefield import closed_forms as forms
from phasefield.case import Case, Properties
from phasefield.constants import FARADAY

# Measured on 2 cores (Zen 4) with as much other work on them, 2 threads, PLLZ, 64 x 64 x 60 and 128 x 128 x 96
# cells: 0.36 and 1.62 s a step, 0.39 and 1.09 GB. Seconds per step = FIXED + PER_CELL cells.
FIXED = 0.05  # s
PER_CELL = 1.0e-6  # s
LOADING = 300e6  # bytes: Python, numba and its compiled kernels
PEAKS = 4.0  # independent places of a patchwork in a square of one patch size, where its maximum is sought


@dataclass(frozen=True)
class Leg:
    """One step of the protocol of a flat cell: current density [A/m^2], time [s], signed charge [C/m^2]."""

    current: float
    time: float
    charge: float


@dataclass(frozen=True)
class Estimate:
    """Cost of a run. `steps` is None where the protocol does not say how long it lasts."""

    steps: int | None
    seconds_per_step: float
    memory: float  # bytes

    @property
    def seconds(self) -> float | None:
        """Wall time, s."""
        return None if self.steps is None else self.steps * self.seconds_per_step


def gap_of(case: Case) -> float:
    """Return the mean distance of the surface from the counter electrode, m."""
    return case.grid.size[-1] - case.surface.height


def legs(case: Case) -> list[Leg]:
    """Return one repeat of the protocol as a flat cell has it; the time of a step without end is infinite."""
    p, gap, found = case.properties(), gap_of(case), []
    for step in case.protocol.steps:
        j = step.current or 0.0
        if step.voltage is not None:
            j = forms.current_at(p, step.voltage, gap) if step.voltage else 0.0
        times = [t for t in (step.rest, step.duration) if t is not None]
        if step.capacity is not None and j != 0.0:
            times.append(step.capacity / abs(j))
        time = min(times, default=math.inf)
        found.append(Leg(j, time, j * time if math.isfinite(time) else math.copysign(math.inf, j)))
    return found


def plated_height(p: Properties, charge: float) -> float:
    """Return V_m Q / F, m."""
    return p.V_m * charge / FARADAY


def hottest(case: Case) -> float:
    """Return the largest local current over the mean one, where the current follows the patches."""
    patches = case.film.patches
    if patches is None:
        return 1.0
    n = PEAKS * math.prod(max(1.0, edge / patches.size) for edge in case.grid.size[:-1])
    z = NormalDist().inv_cdf((n - 0.375) / (n + 0.25))  # Blom's expectation of the largest of n
    return max(1.0, math.exp(patches.spread * z - 0.5 * patches.spread**2))


def longest_step(case: Case, current: float) -> float:
    """Return the longest time step [s] at a current density [A/m^2], after the rules of the driver."""
    from phasefield.driver import STABLE

    p, dx, n = case.properties(), case.grid.spacing, case.numerics
    mean = plated_height(p, abs(current))
    limits = [n.max_step or math.inf]
    if mean > 0.0:
        limits.append(n.front_step * dx / (mean * hottest(case)))
        if case.film.patches is not None and case.film.patches.renewal is not None:
            limits.append(case.film.patches.renewal / mean)
    J = forms.slopes(p, abs(current), p.c0)[0]
    J = J / (1.0 + J * dx / (math.pi * p.kappa))
    M = J * p.gamma * p.V_m / FARADAY * p.V_m / FARADAY
    if M > 0.0:
        limits.append(STABLE * dx**2 / (2.0 * (case.grid.ndim - 1) * M))
    return min(limits)


def estimate(case: Case) -> Estimate:
    """Return the expected cost of a run on two cores; salt that is nearly used up takes more steps."""
    cost = FIXED + PER_CELL * case.grid.cells
    memory = LOADING + case.grid.memory
    times = [(leg.time, longest_step(case, leg.current)) for leg in legs(case)]
    if not all(math.isfinite(time) for time, _ in times):
        return Estimate(None, cost, memory)
    every = case.output.fields_every
    a_repeat = 0.0
    for time, dt in times:
        dt = min(dt, every, time)
        a_repeat += math.ceil(time / dt * (1.0 - 1e-9))
    return Estimate(round(case.protocol.repeat * a_repeat), cost, memory)
