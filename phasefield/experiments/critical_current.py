"""Critical current density: the current is raised until the cell fails; what ends the run is the criterion."""

from __future__ import annotations

import math

import numpy as np

from phasefield.case import Case
from phasefield.experiments.rows import is_driven, rows_of_steps
from phasefield.results.evaluation import Evaluated, Evaluation
from phasefield.results.run import Run
from phasefield.viz.plots.curves import Curve, Plot

HOUR, MA_CM2 = 3600.0, 0.1
NOT_DEPLETED = "no cell was depleted; at the plane of the counter electrode, half a cell on, there may be less salt"
SAME = 1e-6  # of a current: both halves of a cycle impose one size, up to round-off


def imposed_at(case: Case, run: Run, time: float) -> float:
    """Return the size of the current [A/m^2] that the protocol imposes up to a time [s]; 0 at rest."""
    steps = [rows.step for rows in rows_of_steps(run) if rows.start < time] or [0]
    return case.protocol.sequence[steps[-1]].largest_current


def had_begun(run: Run) -> bool:
    """Return whether a run ended as the next protocol step was imposed, which left no row."""
    last = run.series["voltage"][-1]
    return bool(run.summary.get("voltage", last) != last)


def imposed_last(case: Case, run: Run) -> float:
    """Return the size of the last imposed current [A/m^2]: that of a step that had only begun, if it was too much."""
    step = [rows.step for rows in rows_of_steps(run)][-1] + had_begun(run)
    return case.protocol.sequence[step % len(case.protocol.sequence)].largest_current


def failure(case: Case, run: Run) -> tuple[float, float, str] | None:
    """Return when a run failed [s], the current imposed then [A/m^2], and the criterion; None if it did not.

    A voltage limit that is imposed instead of ending the run counts from its first time on.
    """
    summary, end = run.summary, float(run.series["time"][-1])
    reason = str(summary.get("reason", "unfinished"))
    limited = [event for event in summary.get("events", []) if event["event"] == "voltage_limit"]
    if limited and reason in ("end", "unfinished"):
        when = float(limited[0]["time"])
        return when, imposed_at(case, run, when), str(limited[0]["text"])
    if reason in ("end", "unfinished"):
        return None
    return end, imposed_last(case, run), str(summary.get("text", reason))


def evaluate(case: Case, run: Run) -> Evaluation:
    """Return the current at which a stored run failed, the criterion, and the current before it as its resolution."""
    failed, summary = failure(case, run), run.summary
    when, last, why = failed if failed is not None else (math.inf, math.nan, "")
    sizes = [(float(rows.time[-1]), float(np.min(np.abs(rows.current)))) for rows in rows_of_steps(run)
             if is_driven(case, rows)]  # fmt: skip
    # Whole steps: those that ended before the failure; also the last one, if the next was imposed.
    whole = [size for end, size in sizes if end < when or (end == when and had_begun(run))]
    passed, less = max(whole, default=0.0), last * (1.0 - SAME)
    below = max((size for size in whole if size < less), default=0.0)  # what passed both ways
    depleted = [float(event["time"]) for event in summary.get("events", []) if event["event"] == "depletion"]
    first = imposed_at(case, run, depleted[0]) if depleted else math.nan
    other = "; it failed with the other sign" if passed >= less else ""
    says = f"{why}; the resolution is the last increment"
    if failed is None:
        says = f"no failure up to the last: {summary.get('text', 'it has not ended')}"
    results = (
        Evaluated("critical_current", last, last - below, says),
        Evaluated("largest_current_passed", passed, says=f"in a whole step{other}"),
        Evaluated("time_to_failure", when if failed is not None else math.nan),
        Evaluated("current_at_depletion", first, says="" if depleted else NOT_DEPLETED),
    )
    events = ", ".join(case.protocol.stop_on).replace("_", " ") or "none; a voltage limit is imposed"
    how = (
        f"The current rises in steps. Criteria: {case.protocol.voltage_limit:.4g} V, and the events that end the run "
        f"({events}). Duration and increment of the steps change the result."
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
