"""Cycling of a lithium cell: its voltage at the start and at the end, its surface, and what happened first."""

from __future__ import annotations

import math

import numpy as np

from phasefield.case import Case
from phasefield.experiments.rows import Rows, is_driven, rows_of_steps
from phasefield.results.evaluation import Evaluated, Evaluation
from phasefield.results.run import Run
from phasefield.viz.plots.curves import Plot


def median_of(rows: Rows) -> float:
    """Return the median of |voltage| over the time of a protocol step, V: each time step counts with its length."""
    size, length = np.abs(rows.voltage), np.diff(rows.time, prepend=rows.start)
    order = np.argsort(size)
    passed = np.cumsum(length[order])
    return float(size[order][int(np.searchsorted(passed, 0.5 * passed[-1]))])


def evaluate(case: Case, run: Run) -> Evaluation:
    """Return voltages, drift, texture and the times of the events of a stored run."""
    series, events = run.series, run.summary.get("events", [])
    driven = [rows for rows in rows_of_steps(run) if is_driven(case, rows)]
    # Beside imposed currents a held voltage, such as 0 V to even out the salt, is no half-cycle.
    driven = [rows for rows in driven if case.protocol.sequence[rows.step].current] or driven
    medians = [median_of(rows) for rows in driven]
    middles = [0.5 * (rows.start + float(rows.time[-1])) for rows in driven]
    spread = [0.5 * float(np.ptp(np.abs(rows.voltage))) for rows in driven]
    start, end = (medians[0], medians[-1]) if medians else (math.nan, math.nan)
    drift = float(np.polyfit(middles, medians, 1)[0]) if len(medians) > 2 else math.nan
    first = {name: next((float(e["time"]) for e in events if e["event"] == name), math.nan)
             for name in ("voltage_limit", "depletion", "short_circuit")}  # fmt: skip
    one_seed = "one seed and one area; another seed gives another value"
    ends = {name: float(series[name][-1]) for name in ("Sz", "Sq", "Sa")}
    return Evaluation(
        "cycling",
        (
            Evaluated("voltage_at_start", start, spread[0] if spread else math.nan, "median of the first half-cycle"),
            Evaluated("voltage_at_end", end, spread[-1] if spread else math.nan, "median of the last half-cycle"),
            Evaluated("voltage_drift", drift, says="a line through the medians of all half-cycles"),
            *(Evaluated(f"{name}_at_end", value, says=one_seed) for name, value in ends.items()),
            Evaluated("Sz_growth", ends["Sz"] - float(series["Sz"][0]), says="end less start"),
            *(Evaluated(f"first_{name}", time, says="" if math.isfinite(time) else "it did not come")
              for name, time in first.items()),
        ),
        "Voltages are medians of |cell voltage| over the time of a half-cycle; their resolution is half of its range.",
    )  # fmt: skip


def panels(case: Case, run: Run) -> tuple[Plot, ...]:
    """Return nothing: voltage and texture over time are in the picture of the series."""
    return ()
