"""The stored rows of a run, protocol step by protocol step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phasefield.case import Case
from phasefield.results.run import Run

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Rows:
    """One protocol step as it was run.

    cycle: from 1; step: index in the protocol's list; start: its time [s]; time [s], current [A/m^2] and voltage [V]
    of the cell after each time step; passed: charge [C/m^2] with the sign of the current; where: rows in the series.
    """

    cycle: int
    step: int
    start: float
    time: Floats
    current: Floats
    voltage: Floats
    passed: float
    where: NDArray[np.intp]


def has_two_films(case: Case) -> bool:
    """Return whether both electrodes are lithium under a film, as the closed forms of a flat cell have them."""
    return case.numerics.motion == "level-set" and case.cathode is None and case.surface.substrate is None


def is_driven(case: Case, rows: Rows) -> bool:
    """Return whether the protocol imposes a current or a voltage in a step, and not a rest."""
    if rows.step >= len(case.protocol.sequence):
        return False
    step = case.protocol.sequence[rows.step]
    return bool(step.current) or step.voltage is not None


def rows_of_steps(run: Run) -> Iterator[Rows]:
    """Yield the rows of each protocol step of a stored run, in order; the first has the row of t = 0, too."""
    names = ("cycle", "protocol_step", "time", "current_density", "voltage", "charge_applied")
    cycle, step, time, current, voltage, charge = (np.asarray(run.series[name]) for name in names)
    if not time.size:
        return
    begins = np.flatnonzero((np.diff(cycle) != 0) | (np.diff(step) != 0)) + 1
    for where in np.split(np.arange(time.size), begins):
        before = max(int(where[0]) - 1, 0)
        yield Rows(
            int(cycle[where[0]]), int(step[where[0]]), float(time[before]), time[where], current[where],
            voltage[where], float(charge[where[-1]] - charge[before]), where,
        )  # fmt: skip
