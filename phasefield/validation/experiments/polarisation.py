"""Bruce and Vincent's experiment on the five electrolytes, evaluated after Evans with resistances from the spectrum."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from phasefield.analytic.flat_cell import FlatCell
from phasefield.analytic.impedance import FlatImpedance, evans_current_fraction
from phasefield.api import read_case
from phasefield.experiments import bruce_vincent
from phasefield.experiments.bruce_vincent import MORE
from phasefield.results.run import open_run
from phasefield.studies.compare import PlannedRun
from phasefield.validation.row import INPUT, Experiment, Row
from phasefield.viz.plots.curves import Curve, Plot

CASES = tuple(f"polarisation-{name}" for name in ("pll", "pllz", "plz", "lhci", "dlhci"))
WHERE = {
    "PLL": "[1] Fig. 3c", "PLLZ": "[1] Fig. 3d", "PLZ": "[1] Fig. S9", "LHCI": "[2] Fig. S2", "DLHCI": "[2] Fig. 1e",
}  # fmt: skip


def polarisation(entries: Sequence[PlannedRun]) -> Experiment:
    """Return t+ of the stored runs of CASES."""
    rows, curves, worst, least = [], [], 0.0, 1.0
    for entry in entries:
        case = read_case(entry.given)
        with open_run(entry.folder) as run:
            time, current = run.series["time"], run.series["current_density"]
            evaluated = bruce_vincent.evaluate(case, run)
        voltage = case.protocol.sequence[0].voltage
        assert isinstance(voltage, float)
        flat, found = FlatCell(case), evaluated["current_fraction"]
        first, last, before, after = (
            evaluated[name] for name in ("first_current", "steady_current", "interface_resistance_before",
                                         "interface_resistance_after")
        )  # fmt: skip
        name, put_in = case.electrolyte.name, case.electrolyte.transference_number
        worst = max(worst, abs(evans_current_fraction(voltage, first, last, MORE * before, MORE * after) / found - 1.0))
        if name != "PLZ":
            cell = FlatImpedance(flat.films(0.0), flat.gap)
            least = min(least, cell.interfaces / (cell.interfaces + cell.bulk))
        measured = "no number" if name == "PLZ" else f"{put_in:g}"
        says = "0.1 is assumed for lithium; the paper calls the t+ of zinc ultralow" if name == "PLZ" else ""
        rows.append(Row(name, "t+, Bruce-Vincent", measured, put_in, found, "", INPUT, WHERE[name], "", says))
        late = time > 0.0
        curves.append(Curve(name, time[late] / 60.0, np.asarray(current[late] / first)))
    shows = (
        f"In all cells but that of PLZ the interfaces have at least {100.0 * least:.0f} % of the initial resistance. "
        "Therefore t+ depends strongly on the two interface resistances: if both are 0.1 % larger, t+ changes by up "
        f"to {100.0 * worst:.0f} %. The measured values have the same uncertainty. During the measurement the film of "
        "PLL grows, and its current still falls at the end. Its side reaction does "
        "not pass through the charge transfer. These effects make the t+ of PLL smaller by about the same amount."
    )
    plot = Plot(
        "polarisation",
        "Current after a step of 2 mV",
        "time (min)",
        "current over the first",
        tuple(curves),
        "x",
    )
    done = (
        "2 mV across 70 um of electrolyte for one hour (PLZ: 60 h). Evans' correction needs two interface "
        "resistances, at the start and at the end. Both follow from the spectrum of the cell with its films at that "
        "time (`phasefield impedance`)."
    )
    return Experiment("Bruce-Vincent polarisation", done, tuple(rows), (plot,), shows)
