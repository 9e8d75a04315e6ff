"""What the second surface changes: PLL and PLLZ with both electrodes resolved beside a planar counter electrode."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from phasefield.api import read_case
from phasefield.results.run import open_run
from phasefield.studies.compare import PlannedRun
from phasefield.validation.row import PREDICTED, Experiment, Row
from phasefield.viz.plots.curves import Curve, Plot
from phasefield.viz.plots.series import voltage_ends

Floats = NDArray[np.float64]

CASES = ("pll", "pllz")
OVERRIDES = ("protocol.repeat=60",)  # 120 h
UM, MV, HOUR = 1e6, 1e3, 3600.0


def counter_runs(out: Path) -> list[PlannedRun]:
    """Return the runs below `out`: each case with a planar counter electrode, and with both resolved."""
    return [
        PlannedRun(name, name, read_case(name, OVERRIDES), out / name, OVERRIDES)
        for case in CASES
        for name in (case, f"{case}-both")
    ]


def both(runs: list[PlannedRun]) -> Experiment:
    """Return what the stored runs of `counter_runs` gave."""
    by = {entry.name: entry for entry in runs}
    rows, curves = [], []
    for case in CASES:
        label = case.upper()
        plane, volts = _read(by[case])
        two, volts_two = _read(by[f"{case}-both"])
        for what, value, unit in (
            ("Sz, planar counter electrode", UM * plane["Sz"][-1], "um"),
            ("Sz, both resolved, working electrode", UM * two["Sz"][-1], "um"),
            ("Sz, both resolved, counter electrode", UM * two["counter_Sz"][-1], "um"),
            ("voltage in the last cycle, planar", MV * volts, "mV"),
            ("voltage in the last cycle, both resolved", MV * volts_two, "mV"),
        ):
            rows.append(Row(label, what, "-", math.nan, float(value), unit, PREDICTED, "-"))
        curves += [
            Curve(f"{label}, planar counter", plane["time"] / HOUR, UM * plane["Sz"], theory=True),
            Curve(f"{label}, working of two", two["time"] / HOUR, UM * two["Sz"], theory=True),
            Curve(f"{label}, counter of two", two["time"] / HOUR, UM * two["counter_Sz"], theory=True),
        ]
    plot = Plot("both", "A plane, or lithium with a surface, as counter electrode", "time (h)",
                "Sz (\N{MICRO SIGN}m)", tuple(curves))  # fmt: skip
    done = (
        "The shipped cases `pll-both` and `pllz-both` beside `pll` and `pllz`, after 120 h of cycling. The counter "
        "electrode has 120 um of lithium with its own surface, film and patches. The gap between the electrodes is the "
        "same."
    )
    shows = (
        "The Wagner length is millimetres. Each surface therefore follows its own film and hardly depends on the other "
        "surface. The second surface roughens by its own patches, as with another seed. It changes the first surface "
        "far less. A rough counter electrode has more area than a plane, so its film has a smaller voltage drop."
    )
    return Experiment("Both electrodes", done, tuple(rows), (plot,), shows)


def _read(entry: PlannedRun) -> tuple[Mapping[str, Floats], float]:
    with open_run(entry.folder) as run:
        last = voltage_ends(run)[1]
        return {name: np.asarray(values) for name, values in run.series.items()}, math.nan if last is None else last
