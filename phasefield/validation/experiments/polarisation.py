"""Bruce and Vincent's experiment on the five electrolytes, evaluated after Evans with resistances from the spectrum."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from phasefield.analytic.flat_cell import FlatCell
from phasefield.analytic.impedance import FlatImpedance, evans
from phasefield.api import read_case
from phasefield.results.run import open_run
from phasefield.studies.compare import Entry
from phasefield.validation.row import INPUT, Experiment, Row
from phasefield.viz.plots.lines import Curve, Plot

CASES = tuple(f"polarisation-{name}" for name in ("pll", "pllz", "plz", "lhci", "dlhci"))
WHERE = {
    "PLL": "[1] Fig. 3c", "PLLZ": "[1] Fig. 3d", "PLZ": "[1] Fig. S9", "LHCI": "[2] Fig. S2", "DLHCI": "[2] Fig. 1e",
}  # fmt: skip
MORE = 1.001  # by which both resistances are taken too high, to see what t+ makes of it


def polarisation(entries: Sequence[Entry]) -> Experiment:
    """Return t+ of the stored runs of CASES."""
    rows, curves, worst, least, excess = [], [], 0.0, 1.0, 0.0
    for entry in entries:
        case = read_case(entry.given)
        with open_run(entry.folder) as run:
            time, current = run.series["time"], run.series["current_density"]
        voltage = case.protocol.steps[0].voltage
        assert voltage is not None
        flat = FlatCell(case)
        before, after = (
            FlatImpedance(flat.films(float(t)), flat.gap).interfaces for t in (time[0], time[-1])
        )
        first, last = float(current[0]), float(current[-1])
        found = evans(voltage, first, last, before, after)
        name, put_in = case.electrolyte.name, case.electrolyte.transference_number
        worst = max(worst, abs(evans(voltage, first, last, MORE * before, MORE * after) / found - 1.0))
        if name != "PLZ":
            cell = FlatImpedance(flat.films(0.0), flat.gap)
            least = min(least, cell.interfaces / (cell.interfaces + cell.bulk))
        excess = max(excess, 0.5 * (1.0 - put_in) * case.grid.spacing / flat.gap)
        measured = "no number" if name == "PLZ" else f"{put_in:g}"
        says = "assumed 0.1 for lithium; the paper calls that of zinc ultralow" if name == "PLZ" else ""
        rows.append(Row(name, "t+, Bruce-Vincent", measured, put_in, found, "", INPUT, WHERE[name], "", says))
        late = time > 0.0
        curves.append(Curve(name, time[late] / 60.0, np.asarray(current[late] / first)))
    shows = (
        f"But for PLZ the interfaces take {100.0 * least:.0f} % of the resistance at once and more, so t+ hangs on two "
        f"resistances: a tenth of a percent more in both moves it by up to {100.0 * worst:.0f} % of itself. The "
        "measured values bear that uncertainty. What t+ comes out too large by is the grid: the first current is taken "
        "with the salt of the last half cell already settled, which adds (1 - t+)/2 of a cell over the gap, up to "
        f"{excess:.1g}. PLL's film grows on meanwhile, its current still falls at the end, and its side reaction "
        "passes no charge transfer: its t+ comes out smaller by about as much."
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
        "2 mV across 70 um of electrolyte for an hour (PLZ: 60 h); both resistances of Evans' correction from "
        "the spectrum of the cell with its films of then (`phasefield impedance`)."
    )
    return Experiment("Bruce-Vincent polarisation", done, tuple(rows), (plot,), shows)
