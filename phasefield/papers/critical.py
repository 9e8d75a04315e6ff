"""Critical current density: the current is raised each cycle, and what stops the run is the criterion."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from phasefield.api import read_case
from phasefield.case import Case
from phasefield.compare import Entry
from phasefield.papers.row import PREDICTED, Experiment, Row
from phasefield.runs import open_run
from phasefield.viz.lines import Curve, Plot

CASES = ("critical-current-pll", "critical-current-pllz")
STATED = {"PLL": (1.8, "[1] Fig. 4b"), "PLLZ": (2.1, "[1] Fig. 4c")}  # mA/cm^2
MA_CM2 = 0.1  # mA/cm^2 in an A/m^2
HOUR = 3600.0  # s
SAME = 1e-9  # a time that is so near the end of a protocol step belongs to the next one


def critical(entries: Sequence[Entry]) -> Experiment:
    """Return where the stored runs of CASES failed, and by what."""
    rows, curves = [], []
    for entry in entries:
        case = read_case(entry.given) if entry.case is None else entry.case
        name = case.electrolyte.name
        stated, where = STATED[name]
        with open_run(entry.folder) as run:
            summary = run.summary
            last = current_at(case, float(summary["time"]))
            starved = [event["time"] for event in summary["events"] if event["event"] == "depletion"]
            failed = summary["reason"] != "end"
            says = f"ended: {summary['text']}" + ("" if failed else f", no failure up to {last:g} mA/cm2")
            at = PREDICTED, where
            rows.append(Row(name, "critical current density", f"{stated:g}", stated, last, "mA/cm2", *at, says=says))
            if starved:
                first = current_at(case, float(starved[0]))
                says = "a hundredth of the salt is left at the hottest place; the run goes on"
                rows.append(Row(name, "first place without salt", "-", math.nan, first, "mA/cm2", *at, says=says))
            curves.append(Curve(name, run.series["time"] / HOUR, np.abs(run.series["voltage"])))
    plot = Plot(
        "critical-current", "0.1 mA/cm2 more each cycle", "time (h)", "|cell voltage| (V)", tuple(curves)
    )
    done = (
        "Cycles of one hour each way, 0.1 mA/cm2 more each time (assumed; the papers do not say). Lithium of 160 um "
        "by 160 um and 100 um thick, 70 um of electrolyte, 5 um a cell. Ends at 5 V, a short circuit, or lithium "
        "stripped to its base."
    )
    shows = (
        "In a solid electrolyte lithium also advances where it is pressed into pores and cracks, and contact is lost "
        "where it is stripped; the program has neither, so PLLZ outlives its measured limit. PLL is stopped by its "
        "film: it has grown by then, and the rest of the current goes through few places, which starve. Where it ends "
        "hangs on the hour that each step takes and on the limit of the voltage, both assumed."
    )
    return Experiment("Critical current density", done, tuple(rows), (plot,), shows)


def current_at(case: Case, time: float) -> float:
    """Return the size of the current that the protocol imposes from a time [s] on, mA/cm2."""
    end = 0.0
    for step in case.protocol.steps:
        end += step.duration or 0.0
        if time < end * (1.0 - SAME):
            break
    return MA_CM2 * abs(step.current or 0.0)
