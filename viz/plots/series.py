"""Voltage, Sz and Sq of one or more runs against time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from phasefield.viz.stored import METRE, Array, StoredRun, find_reference, labels, time_axis
from phasefield.viz.style import MICRON, RUN_COLOURS, look, new_figure, save

MILLI = 1e3  # mV in a V
MOST_TURNS = 40  # with more changes of sign the trace is a band: its envelope is drawn
SWITCH = 0.1  # of the largest current: a change of it that is a switch, not a drift at a held voltage
BINS = 400  # time bins of an envelope


def series(runs: StoredRun | Sequence[StoredRun], path: str | Path) -> Path:
    """Write voltage, Sz and Sq against time, one under the other, and return the path."""
    several = list(runs) if isinstance(runs, Sequence) else [runs]
    names, shared = labels(several)
    with look():
        figure = new_figure(7.0, 6.6)
        panels = figure.subplots(3, 1, sharex=True, gridspec_kw={"height_ratios": [1.3, 1, 1]})
        figure.subplots_adjust(
            left=0.12, right=0.97, bottom=0.08, top=0.9 if len(several) > 1 else 0.93, hspace=0.12
        )
        draw_voltage(panels[0], several, names)
        draw_length(panels[1], several, names, "Sz")
        draw_length(panels[2], several, names, "Sq")
        for axes in panels[:2]:
            axes.set_xlabel("")
        figure.align_ylabels(panels)
        if len(several) > 1:
            handles, texts = panels[1].get_legend_handles_labels()
            figure.legend(handles, texts, loc="upper center", ncols=len(several), bbox_to_anchor=(0.5, 0.955))
        figure.suptitle(shared if len(several) > 1 else several[0].title, fontsize=10, y=0.985)
        return save(figure, path)


def draw_voltage(
    axes: Axes,
    runs: Sequence[StoredRun],
    names: Sequence[str],
    references: Mapping[str, Mapping[str, Any]] | None = None,
) -> None:
    """Draw cell voltage [mV] against time; cycling too fast to be resolved is drawn as its envelope.

    references: per run `voltage_start`, `voltage_end` [V], drawn as open circles.
    """
    seconds, unit = time_axis(_longest(runs))
    order = sorted(range(len(runs)), key=lambda k: -_size(runs[k]))  # the widest band lies at the back
    for k in order:
        time, voltage = _column(runs[k], "time") / seconds, _column(runs[k], "voltage") * MILLI
        colour = RUN_COLOURS[k % len(RUN_COLOURS)]
        if _turns(voltage) > MOST_TURNS:
            at, low, high = envelope(time, voltage)
            axes.fill_between(at, low, high, color=colour, alpha=0.30, linewidth=0)
            axes.plot(at, high, color=colour, linewidth=1.0, label=names[k])
            axes.plot(at, low, color=colour, linewidth=1.0)
        else:
            axes.plot(*with_jumps(runs[k], time, voltage), color=colour, linewidth=1.0, label=names[k])
        given = find_reference(references, names[k])
        ends = (("voltage_start", time[:1]), ("voltage_end", time[-1:]))
        for key, at in ends:
            if key in given and len(at):
                axes.plot(at, [float(given[key]) * MILLI], **_mark(colour))
    axes.set(xlabel=f"time ({unit})", ylabel="cell voltage (mV)", xlim=(0, _longest(runs) / seconds or 1))


def draw_length(
    axes: Axes,
    runs: Sequence[StoredRun],
    names: Sequence[str],
    quantity: str,
    references: Mapping[str, Mapping[str, Any]] | None = None,
) -> None:
    """Draw a roughness figure [um] against time; references: its measured end value [m] as an open circle."""
    seconds, unit = time_axis(_longest(runs))
    for k, run in enumerate(runs):
        colour = RUN_COLOURS[k % len(RUN_COLOURS)]
        time, value = _column(run, "time") / seconds, _column(run, quantity) * METRE
        axes.plot(time, value, color=colour, linewidth=1.4, label=names[k])
        given = find_reference(references, names[k])
        if quantity in given and len(time):
            axes.plot(time[-1:], [float(given[quantity]) * METRE], **_mark(colour))
    axes.set(
        xlabel=f"time ({unit})", ylabel=f"{quantity} ({MICRON})", xlim=(0, _longest(runs) / seconds or 1)
    )
    axes.set_ylim(bottom=0)


def envelope(time: Array, value: Array, bins: int = BINS) -> tuple[Array, Array, Array]:
    """Return bin centres, minimum and maximum of a trace in equal bins of time; empty bins are left out."""
    good = np.isfinite(value)
    time, value = time[good], value[good]
    if not len(time):
        return time, value, value
    edges = np.linspace(time[0], time[-1], max(2, min(bins, len(time) // 20 + 2)))
    where = np.clip(np.searchsorted(edges, time, side="right") - 1, 0, len(edges) - 2)
    low, high = np.full(len(edges) - 1, np.inf), np.full(len(edges) - 1, -np.inf)
    np.minimum.at(low, where, value)
    np.maximum.at(high, where, value)
    full = low <= high
    return ((edges[1:] + edges[:-1]) / 2)[full], low[full], high[full]


def with_jumps(run: StoredRun, time: Array, value: Array) -> tuple[Array, Array]:
    """Return a trace with an upright line wherever the current is switched: there the voltage jumps, it does not rise.

    What is stored is the end of each step; just after a switch the voltage is drawn as at the end of its first step.
    """
    current = run.series.get("current_density")
    if current is None or len(time) < 2:
        return time, value
    current = np.asarray(current, dtype=np.float64)
    size = float(np.max(np.abs(current), initial=0.0))
    at = np.flatnonzero(np.abs(np.diff(current)) > SWITCH * size) + 1
    return np.insert(time, at, time[at - 1]), np.insert(value, at, value[at])


def voltage_ends(run: StoredRun) -> tuple[float | None, float | None]:
    """Median |voltage| [V] under current over the first and over the last cycle; None where there is none.

    Without a series `cycle` the first and last twentieth of the steps stand for the cycles.
    """
    voltage = np.abs(_column(run, "voltage"))
    current = run.series.get("current_density")
    driven = np.isfinite(voltage) & (
        np.ones(len(voltage), bool) if current is None else np.asarray(current) != 0
    )
    if not driven.any():
        return None, None
    cycle = run.series.get("cycle")
    if cycle is not None and len(np.unique(np.asarray(cycle)[driven])) > 1:
        number = np.asarray(cycle)
        first, last = number == number[driven].min(), number == number[driven].max()
    else:
        k = max(1, len(voltage) // 20)
        place = np.cumsum(driven)
        first, last = place <= k, place > place[-1] - k
    return float(np.median(voltage[driven & first])), float(np.median(voltage[driven & last]))


def _column(run: StoredRun, name: str) -> Array:
    time = run.series.get("time", np.zeros(0))
    return np.asarray(run.series.get(name, np.full(len(time), np.nan)), dtype=np.float64)


def _longest(runs: Sequence[StoredRun]) -> float:
    """Return the longest time of the runs [s]; a run whose time is damaged has none."""
    ends = (float(_column(run, "time")[-1]) for run in runs if len(_column(run, "time")))
    return max((end for end in ends if math.isfinite(end)), default=0.0)


def _size(run: StoredRun) -> float:
    voltage = np.abs(_column(run, "voltage"))
    voltage = voltage[np.isfinite(voltage)]
    return float(voltage.max()) if len(voltage) else 0.0


def _turns(value: Array) -> int:
    sign = np.sign(value[np.isfinite(value)])
    sign = sign[sign != 0]
    return int(np.count_nonzero(np.diff(sign)))


def _mark(colour: str) -> dict[str, Any]:
    return {
        "marker": "o",
        "markersize": 7,
        "markerfacecolor": "white",
        "markeredgecolor": colour,
        "markeredgewidth": 1.5,
        "linestyle": "none",
        "clip_on": False,
        "zorder": 6,
    }
