"""What a run will cost: steps by the rules of the driver, time as this machine was measured, memory and disk."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from phasefield.analytic import closed_forms as forms
from phasefield.analytic.flat_cell import FlatStep, gap_of, run_flat
from phasefield.analytic.intercalation import Intercalation
from phasefield.analytic.salt_profile import limiting_current
from phasefield.case import Case, Properties
from phasefield.check.probe import speed
from phasefield.constants import FARADAY

LOADING = 300e6  # bytes: Python, numba and its compiled kernels
# A step over one of PLLZ on its grid, measured: with two surfaces, besides their columns; above the limiting current;
# at an imposed voltage, where current and salt change within the step.
TWO_BODIES, DEPLETED, HELD = 1.3, 5.0, 2.5
SHARED = 0.7  # n threads do the work of one in 1/n^SHARED of the time, on large grids
STORING = 0.2e-6  # s a cell to compress a frame and write it
COMPRESSED = 0.4  # size of a stored field over 4 bytes a cell: 0.26 at the start, 0.6 where the surface is rough
CHECKPOINTS, ROW = 116.0, 400.0  # bytes: of both checkpoints for each cell, and of the series for each step
LEAST_ROWS, TEXTS = 1024, 0.3e6  # rows that the series take at least; bytes of the case, its sources and the tables
PEAKS = 4.0  # independent places of a patchwork in a square of one patch size, where its maximum is sought


@dataclass(frozen=True)
class Estimate:
    """Cost of a run on this machine when it does nothing else: times in s, memory and disk in bytes.

    steps, frames, disk: None where the protocol does not say how long it lasts; start: from the command to the first
    step; measured: whether the machine was measured.
    """

    steps: int | None
    frames: int | None
    start: float
    seconds_per_step: float
    seconds_per_frame: float
    memory: float
    disk: float | None
    measured: bool = True

    @property
    def seconds(self) -> float | None:
        """Wall time of its steps and frames, s."""
        if self.steps is None or self.frames is None:
            return None
        return self.steps * self.seconds_per_step + self.frames * self.seconds_per_frame

    @property
    def whole(self) -> float | None:
        """Wall time of the command that makes the run, s."""
        return None if self.seconds is None else self.start + self.seconds


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


def step_seconds(case: Case, leg: FlatStep, threads: int = 1) -> float:
    """Return the wall time of a step in time, s, on this machine when it does nothing else."""
    pace, (_, ny, nx) = speed(), case.grid.shape
    bodies = 1 if case.counter.surface is None else 2
    each = pace.step + (pace.of_step(bodies * ny * nx, case.grid.cells) - pace.step) / math.pow(threads, SHARED)
    each *= TWO_BODIES if bodies == 2 else 1.0
    if leg.voltage is not None:
        return each * HELD
    return each * (DEPLETED if abs(leg.current) > limiting_current(case.properties(), gap_of(case)) else 1.0)


def estimate(case: Case, legs: Sequence[FlatStep] | None = None, threads: int = 1) -> Estimate:
    """Return the expected cost of a run; salt that is nearly used up takes more steps.

    legs: one repeat of the protocol, if it is known already.
    """
    legs = legs or run_flat(case).first
    pace, cells, fields = speed(), case.grid.cells, len(case.output.fields)
    costs = [step_seconds(case, leg, threads) for leg in legs]
    frame = pace.frame + STORING * cells
    memory = LOADING + case.grid.memory
    times = [(leg.time, longest_step(case, leg.mean)) for leg in legs]
    if not all(math.isfinite(time) for time, _ in times):
        return Estimate(None, None, pace.start, max(costs), frame, memory, None, pace.measured)
    every = case.output.fields_every
    cathode = Intercalation.of(case)
    curve = 0.0 if cathode is None else cathode.steps() / cathode.capacity  # steps for a charge that it lets through
    a_repeat = seconds = 0.0
    for leg, cost, (time, dt) in zip(legs, costs, times, strict=True):
        n = max(math.ceil(time / min(dt, every) * (1.0 - 1e-9)), math.ceil(curve * abs(leg.charge)), 1)
        a_repeat, seconds = a_repeat + n, seconds + n * cost
    steps = round(case.protocol.repeat * a_repeat)
    frames = 2 + int(case.protocol.repeat * math.fsum(time for time, _ in times) / every * (1.0 - 1e-12))
    disk = frames * cells * (4.0 * fields * COMPRESSED) + CHECKPOINTS * cells + ROW * max(steps, LEAST_ROWS) + TEXTS
    return Estimate(steps, frames, pace.start, seconds / a_repeat, frame, memory, disk, pace.measured)
