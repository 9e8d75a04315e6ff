"""Critical current density: the current is raised until the cell fails; what ends the run is the criterion."""

from __future__ import annotations

import math

import numpy as np

from phasefield.case import Case
from phasefield.experiments.rows import rows_of_steps
from phasefield.results.evaluation import Evaluated, Evaluation
from phasefield.results.run import Run
from phasefield.viz.plots.curves import Curve, Plot

HOUR, MA_CM2 = 3600.0, 0.1


def imposed_at(case: Case, run: Run, time: float) -> float:
    """Return the size of the current [A/m^2] that the protocol imposes up to a time [s]; 0 at rest."""
    steps = [rows.step for rows in rows_of_steps(run) if rows.start < time] or [0]
    return abs(case.protocol.steps[steps[-1]].current or 0.0)


def imposed_last(case: Case, run: Run) -> float:
    """Return the size of the last imposed current [A/m^2]: that of a step that had only begun, if it was too much."""
    step = [rows.step for rows in rows_of_steps(run)][-1]
    if run.summary.get("voltage", run.series["voltage"][-1]) != run.series["voltage"][-1]:
        step = (step + 1) % len(case.protocol.steps)
    return abs(case.protocol.steps[step].current or 0.0)


def evaluate(case: Case, run: Run) -> Evaluation:
    """Return the current at which a stored run failed, the criterion, and the current before it as its resolution."""
    summary, end = run.summary, float(run.series["time"][-1])
    reason, words = str(summary.get("reason", "unfinished")), str(summary.get("text", "it has not ended"))
    failed = reason not in ("end", "unfinished")
    sizes = sorted({abs(step.current) for step in case.protocol.steps if step.current})
    last = imposed_last(case, run)
    below = max((size for size in sizes if size < last), default=0.0)
    depleted = [float(event["time"]) for event in summary.get("events", []) if event["event"] == "depletion"]
    first = imposed_at(case, run, depleted[0]) if depleted else math.nan
    results = (
        Evaluated("critical_current", last if failed else math.nan, last - below if failed else math.nan,
               f"{words}; the resolution is the last increment" if failed else f"no failure up to the last: {words}"),
        Evaluated("largest_current_passed", below if failed else last, says="" if failed else "no failure"),
        Evaluated("time_to_failure", end if failed else math.nan),
        Evaluated("current_at_depletion", first, says="" if depleted else "no place was depleted"),
    )  # fmt: skip
    how = (
        f"The current rises in steps. The run ends at {case.protocol.voltage_limit:.4g} V or by an event: "
        f"{', '.join(case.protocol.stop_on).replace('_', ' ')}. Duration and increment of the steps change the result."
    )
    return Evaluation("critical-current", results, how)


def panels(case: Case, run: Run) -> tuple[Plot, ...]:
    """Return current and voltage over time, with the end of the run."""
    from phasefield.viz.plots.series import with_jumps

    stored = np.asarray(run.series["time"]) / HOUR
    time, size = with_jumps(run, stored, np.abs(run.series["current_density"]))
    _, voltage = with_jumps(run, stored, np.abs(run.series["voltage"]))
    end = slice(-1, None)
    ended = str(run.summary.get("reason", "unfinished")).replace("_", " ")
    return (
        Plot("experiment", "Critical current", "time (h)", "|current density| (mA/cm^2)",
             (Curve("imposed", time, MA_CM2 * size, True), Curve(f"end: {ended}", time[end], MA_CM2 * size[end]))),
        Plot("experiment", "", "time (h)", "|cell voltage| (V)",
             (Curve("", time, voltage, True), Curve("", time[end], voltage[end]))),
    )  # fmt: skip
