"""Full cell: capacity of each discharge, and polarisation of each cycle at half filling of the cathode."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from phasefield.case import Case
from phasefield.experiments.rows import Rows, is_driven, rows_of_steps
from phasefield.results.evaluation import Evaluated, Evaluation
from phasefield.results.run import Run
from phasefield.viz.plots.curves import Curve, Plot

Floats = NDArray[np.float64]

HALF, SAME = 0.5, 1e-3
MAH_CM2, MA_CM2 = 1.0 / 36e3, 0.1  # mAh/cm^2 in a C/m^2, mA/cm^2 in an A/m^2
MOST_NAMED = 12  # discharges with results of their own; of more only the first and the last


class Sweep:
    """One charge or discharge of a stored run: filling of the cathode, cell voltage [V], filling before it."""

    def __init__(self, series: Mapping[str, Floats], cycle: int, step: int) -> None:
        rows = np.nonzero(
            (series["cycle"] == cycle) & (series["protocol_step"] == step) & (series["step_size"] > 0.0)
        )[0]
        self.filling, self.voltage = np.asarray(series["cathode_filling"])[rows], np.asarray(series["voltage"])[rows]
        self.before = float(series["cathode_filling"][rows[0] - 1]) if rows.size else math.nan

    @property
    def passed(self) -> float:
        """Change of the filling in the sweep; nan if the run did not come to it."""
        return float(abs(self.filling[-1] - self.before)) if self.filling.size else math.nan

    def at(self, filling: float) -> float:
        """Return the voltage [V] at a filling; nan if the sweep does not pass it."""
        if not self.filling.size:
            return math.nan
        order = np.argsort(self.filling)
        return float(np.interp(filling, self.filling[order], self.voltage[order], left=np.nan, right=np.nan))


def polarisation_of(series: Mapping[str, Floats], cycle: int, charge: int) -> float:
    """Return the voltage of a charge less that of the discharge that is the next protocol step, half full, V."""
    return polarisation_between(series, (cycle, charge), (cycle, charge + 1))


def polarisation_between(series: Mapping[str, Floats], charge: tuple[int, int], discharge: tuple[int, int]) -> float:
    """Return the voltage of a charge less that of a discharge, half full, V; each by its cycle and protocol step."""
    return Sweep(series, *charge).at(HALF) - Sweep(series, *discharge).at(HALF)


def discharges(case: Case, run: Run) -> list[tuple[Rows | None, Rows]]:
    """Return the rows of each discharge, with those of the last charge before it, if there was one."""
    found, charge = list[tuple[Rows | None, Rows]](), None
    for rows in rows_of_steps(run):
        if is_driven(case, rows) and rows.passed < 0.0:
            found.append((charge, rows))
            charge = None
        elif is_driven(case, rows) and rows.passed > 0.0:
            charge = rows
    return found


def mean_current(rows: Rows) -> float:
    """Return the median size of the current density of a protocol step, A/m^2."""
    return float(np.median(np.abs(rows.current)))


def condition(case: Case, rows: Rows) -> str:
    """Return rate and current density of a discharge in words, with its cycle if the protocol is repeated."""
    assert case.cathode is not None
    j = mean_current(rows)
    cycle = f"cycle {rows.cycle}, " if case.protocol.repeat > 1 else ""
    return f"{cycle}{j / case.cathode.one_c:.3g} C, {MA_CM2 * j:.3g} mA/cm2"


def evaluate(case: Case, run: Run) -> Evaluation:
    """Return capacity and polarisation of the discharges of a stored run, in their order, and what is retained."""
    if case.cathode is None or "cathode_filling" not in run.series:
        return Evaluation("rate", (Evaluated("discharge_capacity_1", math.nan, says="there is no cathode"),))
    found, results = discharges(case, run), list[Evaluated]()
    named = range(len(found)) if len(found) <= MOST_NAMED else (0, len(found) - 1)
    for k in named:
        charge, rows = found[k]
        says = f"at {condition(case, rows)}"
        results.append(Evaluated(f"discharge_capacity_{k + 1}", -rows.passed, says=says))
        gap = math.nan
        if charge is not None:
            gap = polarisation_between(run.series, (charge.cycle, charge.step), (rows.cycle, rows.step))
        lacks = "no charge before it" if charge is None else "charge or discharge does not pass half filling"
        why = says if math.isfinite(gap) else f"{says}: {lacks}"
        results.append(Evaluated(f"polarisation_{k + 1}", gap, says=why))
    kept, why = math.nan, "there is one discharge"
    if len(found) > 1:
        first, last = found[0][1], found[-1][1]
        same = math.isclose(mean_current(first), mean_current(last), rel_tol=SAME)
        kept = last.passed / first.passed if same else math.nan
        why = "last over first discharge" if same else "the first and the last discharge have different currents"
    results.append(Evaluated("capacity_retained", kept, says=why))
    how = "Polarisation is the voltage of a charge less that of the discharge after it, at half filling of the cathode."
    return Evaluation("rate", tuple(results), how)


def panels(case: Case, run: Run) -> tuple[Plot, ...]:
    """Return the discharge curves, and the capacity of each discharge."""
    found = [rows for _, rows in discharges(case, run)]
    if not found or case.cathode is None:
        return ()
    shown = found if len(found) <= 6 else [found[0], found[len(found) // 2], found[-1]]
    charge = np.asarray(run.series["charge_applied"])
    curves = []
    for rows in shown:
        drawn = MAH_CM2 * (charge[max(int(rows.where[0]) - 1, 0)] - charge[rows.where])
        curves.append(Curve(condition(case, rows), drawn, rows.voltage, True))
    count = np.arange(1.0, len(found) + 1.0)
    capacity = MAH_CM2 * np.array([-rows.passed for rows in found])
    return (
        Plot("experiment", "Discharge", "capacity (mAh/cm^2)", "cell voltage (V)", tuple(curves)),
        Plot("experiment", "", "discharge", "capacity (mAh/cm^2)", (Curve("", count, capacity),), counted=True),
    )
