"""The trace of the voltage over a part of a run."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from phasefield.viz.plots.series import draw_voltage


def test_no_dot_stands_where_the_shown_part_only_begins() -> None:
    """A value at the left edge ends the half-cycle before, which is not shown; that at the start of the run is."""
    time = np.arange(5) * 3600.0
    series = {"time": time, "current_density": np.array([2.0, 2.0, -2.0, 2.0, -2.0]), "voltage": 0.1 * np.arange(5)}
    run: Any = SimpleNamespace(series=series, summary={}, measured=None)
    for start, shown in ((0.0, 5), (3600.0, 3)):
        axes = Figure().subplots()
        draw_voltage(axes, [run], ["a"], span=(start, float(time[-1])))
        dots = [line for line in axes.lines if line.get_marker() == "."]
        assert [len(line.get_xdata()) for line in dots] == [shown]
