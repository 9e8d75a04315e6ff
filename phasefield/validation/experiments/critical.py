"""Critical current density: the current is raised each cycle, and what stops the run is the criterion."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from phasefield.experiments.critical_current import evaluate
from phasefield.results.run import open_run
from phasefield.studies.compare import PlannedRun
from phasefield.validation.row import PREDICTED, Experiment, Row
from phasefield.viz.plots.curves import Curve, Plot

Floats = NDArray[np.float64]

CASES = ("critical-current-pll", "critical-current-pllz")
STATED = {"PLL": (1.8, "[1] Fig. 4b"), "PLLZ": (2.1, "[1] Fig. 4c")}  # mA/cm^2
MA_CM2 = 0.1  # mA/cm^2 in an A/m^2
HOUR = 3600.0  # s


def critical(entries: Sequence[PlannedRun]) -> Experiment:
    """Return where the stored runs of CASES failed, and by what."""
    rows, curves = [], []
    for entry in entries:
        assert entry.case is not None
        name = entry.case.electrolyte.name
        stated, where = STATED[name]
        with open_run(entry.folder) as run:
            summary, evaluated = run.summary, evaluate(entry.case, run)
            found = {one.name: MA_CM2 * one.value for one in evaluated.results}
            failed = not math.isnan(found["critical_current"])
            last = found["critical_current" if failed else "largest_current_passed"]
            says = f"ended: {summary['text']}" + ("" if failed else f", no failure up to {last:g} mA/cm2")
            kind = PREDICTED, where
            what = "critical current density" if failed else "critical current density: above"
            held = stated if failed else math.nan
            rows.append(Row(name, what, f"{stated:g}", held, last, "mA/cm2", *kind, says=says))
            first = found["current_at_depletion"]
            if not math.isnan(first):
                says = "a hundredth of the salt is left at the most depleted place; the run goes on"
                rows.append(Row(name, "first place without salt", "-", math.nan, first, "mA/cm2", *kind, says=says))
            curves.append(Curve(name, run.series["time"] / HOUR, np.abs(run.series["voltage"]), theory=True))
    plot = Plot(
        "critical-current", "0.1 mA/cm2 more each cycle", "time (h)", "|cell voltage| (V)", tuple(curves)
    )
    done = (
        "Cycles of one hour in each direction; the current rises by 0.1 mA/cm2 each cycle. Duration and "
        "increment are assumed; the papers do not state them. The lithium is 160 um by 160 um and 100 um thick, with "
        "70 um of electrolyte and cells of 5 um. A run ends at 5 V, at a short circuit, or when the lithium is "
        "stripped to its base."
    )
    shows = (
        "In a real solid electrolyte lithium also advances where it is pressed into pores and cracks, and stripping "
        "breaks contacts. The program has neither, so a simulated cell may exceed its measured limit. The program "
        "includes the effect of a growing film: an ever smaller part of the surface carries the current, and the salt "
        "is depleted there. The current at the end of a run depends on the hour of each step and on the voltage limit. "
        "Both are assumed."
    )
    return Experiment("Critical current density", done, tuple(rows), (plot,), shows)

