"""What a run will cost: steps by the rules of the driver, time and memory by measured constants."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from phasefield.analytic import closed_forms as forms
from phasefield.analytic.flat_cell import FlatStep, run_flat
from phasefield.analytic.intercalation import Intercalation
from phasefield.case import Case, Properties
from phasefield.constants import FARADAY

# Measured on 2 cores, PLLZ, 32 x 32 x 30, 64 x 64 x 60 and 128 x 128 x 96 cells: 0.04 s a step with 1 thread, 0.22 s
# with 1 beside other work, 0.59 s with 2. Seconds per step = FIXED + PER_CELL cells; twice that where salt is depleted.
FIXED = 0.03  # s
PER_CELL = 0.5e-6  # s
LOADING = 300e6  # bytes: Python, numba and its compiled kernels
PEAKS = 4.0  # independent places of a patchwork in a square of one patch size, where its maximum is sought


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


def plated_height(p: Properties, charge: float, film: float = 0.0) -> float:
    """Return V_m Q / F, m; film: share of a plating charge that forms film instead."""
    return p.V_m * charge / FARADAY * (1.0 - film if charge > 0.0 else 1.0)


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
    from phasefield.model.laws import LAWS
    from phasefield.model.level_set import STABLE

    p, dx, n = case.properties(), case.grid.spacing, case.numerics
    mean = abs(plated_height(p, current, case.film.plating_share))
    limits = [n.max_step or math.inf]
    if mean > 0.0:
        limits.append(n.front_step * dx / (mean * hottest(case)))
        if case.film.patches is not None and case.film.patches.renewal is not None:
            limits.append(case.film.patches.renewal / mean)
    limits.append(LAWS[n.motion].longest_of(case))
    J = forms.slopes(p, abs(current), p.c0)[0]
    J = J / (1.0 + J * dx / (math.pi * p.kappa))
    M = J * p.gamma * p.V_m / FARADAY * p.V_m / FARADAY
    if M > 0.0:
        limits.append(STABLE * dx**2 / (2.0 * (case.grid.ndim - 1) * M))
    return min(limits)


def estimate(case: Case, legs: Sequence[FlatStep] | None = None) -> Estimate:
    """Return the expected cost of a run on two cores; salt that is nearly used up takes more steps.

    legs: one repeat of the protocol, if it is known already.
    """
    cost = FIXED + PER_CELL * case.grid.cells
    memory = LOADING + case.grid.memory
    legs = legs or run_flat(case).first
    times = [(leg.time, longest_step(case, leg.mean)) for leg in legs]
    if not all(math.isfinite(time) for time, _ in times):
        return Estimate(None, cost, memory)
    every = case.output.fields_every
    cathode = Intercalation.of(case)
    curve = 0.0 if cathode is None else cathode.steps() / cathode.capacity  # steps for a charge that it lets through
    a_repeat = 0.0
    for leg, (time, dt) in zip(legs, times, strict=True):
        a_repeat += max(math.ceil(time / min(dt, every) * (1.0 - 1e-9)), math.ceil(curve * abs(leg.charge)), 1)
    return Estimate(round(case.protocol.repeat * a_repeat), cost, memory)
