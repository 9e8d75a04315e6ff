"""What an experiment of the report gives: rows of its table, and plots."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from phasefield.results.run import Run
from phasefield.viz.plots.curves import Plot

HOUR = 3600.0  # s
INPUT, DERIVED, CALIBRATED, PREDICTED = "input", "derived input", "calibrated", "predicted"
"""How a simulated number depends on the measured one: it is an input; an input was computed from it; an input was
adjusted to it; or it does not depend on it."""


@dataclass(frozen=True)
class Row:
    """One measured quantity and what the simulation gives for it.

    measured: as the paper says it, in `unit`; stated: its number, nan if there is none to subtract; kind: how the
    number was had; by: the input that a derived or calibrated one rests on; where: figure of the paper; says: a
    sentence on a gap.
    """

    electrolyte: str
    quantity: str
    measured: str
    stated: float
    simulated: float
    unit: str
    kind: str
    where: str
    by: str = ""
    says: str = ""

    @property
    def off(self) -> float:
        """Return how far the simulated number is from the stated one, over it; nan without one."""
        return self.simulated / self.stated - 1.0 if self.stated else math.nan


@dataclass(frozen=True)
class Missing:
    """A measured quantity that no experiment of the report simulates, and why."""

    electrolyte: str
    quantity: str
    measured: str
    where: str
    why: str


@dataclass(frozen=True)
class Experiment:
    """What one experiment gave: what it is called, what was done, its rows and plots, a paragraph on what it shows."""

    name: str
    done: str
    rows: tuple[Row, ...]
    plots: tuple[Plot, ...] = ()
    shows: str = ""
    pictures: tuple[str, ...] = field(default=())


def early_words(run: Run) -> str:
    """Return what is to be said of a run that an event, or a failure, ended before its protocol; else nothing."""
    reason = str(run.summary.get("reason", "unfinished"))
    if reason == "end":
        return ""
    return f"the run ended early, after {float(run.series['time'][-1]) / HOUR:.3g} h: {reason.replace('_', ' ')}"
