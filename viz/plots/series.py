"""Voltage, Sz and Sq of one or more runs against time: every stored value, or every extreme that the width can show."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from phasefield.errors import one_line
from phasefield.results.replayed import measured_voltage
from phasefield.viz.plots.traces import (
    LIGHTER,
    coincide,
    columns_of,
    draw_marks,
    draw_note,
    lighter,
    line_style,
    run_colour,
    thinned,
)
from phasefield.viz.stored import (
    METRE,
    Array,
    StoredRun,
    find_reference,
    is_smooth,
    labels,
    time_axis,
    title_of,
)
from phasefield.viz.style import MICRON, letter, look, new_figure, save

MILLI = 1e3  # mV in a V
MA_CM2 = 0.1  # mA/cm^2 in an A/m^2
SWITCH = 0.1  # of the largest current: a change of it that is a switch, not a drift at a held voltage
CYCLES_SHOWN = 2  # cycles in the panel of the last cycles
LEGIBLE = 30.0  # points of a cycle on the axis of time, below which its shape cannot be seen there
TRACE = 1.0  # width of a voltage trace, points
APART = 25  # dots of the picture for each stored value, above which the values bear dots of their own
WIDE = 7.0 * 0.85 * 72.0  # width of the panels of `series`, points


def series(runs: StoredRun | Sequence[StoredRun], path: str | Path) -> Path:
    """Write voltage, the last cycles of it, Sz and Sq against time, one under the other, and return the path.

    Where all surfaces stay flat, the current stands in the place of Sz and Sq.
    """
    several = list(runs) if isinstance(runs, Sequence) else [runs]
    names, shared = labels(several)
    last = last_cycles(several, WIDE)
    smooth = all(is_smooth(run) for run in several)  # then the current says more than a roughness that is round-off
    with look():
        ratios = [1.3, *([] if last is None else [1.2]), *([1.3] if smooth else [1, 1])]
        figure = new_figure(7.0, 2.0 * sum(ratios))
        top = 1 - (0.62 if len(several) > 1 else 0.44) / figure.get_figheight()
        panels = figure.subplots(len(ratios), 1, gridspec_kw={"height_ratios": ratios})
        figure.subplots_adjust(
            left=0.12, right=0.97, bottom=0.52 / figure.get_figheight(), top=top, hspace=0.3
        )
        draw_voltage(panels[0], several, names)
        if last is not None:
            draw_voltage(panels[1], several, names, span=last)
        if smooth:
            draw_current(panels[-1], several, names)
        else:
            draw_length(panels[-2], several, names, "Sz")
            draw_length(panels[-1], several, names, "Sq")
        for number, axes in enumerate(panels):
            letter(axes, number, (-52.0, -2.0))
            if number < len(panels) - 1 and not (last is not None and number < 2):
                axes.set_xlabel("")
        figure.align_ylabels(panels)
        if len(several) > 1:
            handles, texts = panels[-1].get_legend_handles_labels()
            place = (0.5, 1 - 0.27 / figure.get_figheight())
            figure.legend(handles, texts, loc="upper center", ncols=len(several), bbox_to_anchor=place)
        title = shared if len(several) > 1 else title_of(several[0])
        figure.suptitle(title, fontsize=10, y=1 - 0.1 / figure.get_figheight())
        return save(figure, path)


def draw_voltage(
    axes: Axes,
    runs: Sequence[StoredRun],
    names: Sequence[str],
    references: Mapping[str, Mapping[str, Any]] | None = None,
    span: tuple[float, float] | None = None,
) -> None:
    """Draw cell voltage [mV] against time: every stored value, or at each column of the picture all extremes.

    references: per run `voltage_start`, `voltage_end` [V], drawn as open marks, the latter at `end_time` [s], by
    default the end of the run; `failed` [s]: when the measured cell failed, after which the curve is lighter;
    `failure`: what is said of it. span: the times [s] that are shown, all by default.
    """
    seconds, unit = time_axis(_longest(runs))
    start, end = (0.0, _longest(runs)) if span is None else span
    axes.set(xlabel=f"time ({unit})", ylabel="cell voltage (mV)", xlim=(start / seconds, end / seconds or 1))
    marks, notes = [], []
    drawn: list[tuple[Array, Array]] = []
    for k in sorted(range(len(runs)), key=lambda k: -_size(runs[k])):  # the widest trace lies at the back
        given = find_reference(references, names[k])
        failed = float(given.get("failed", math.inf))
        _draw_trace(axes, runs[k], (k, names[k]), (start, end), seconds, failed, drawn)
        _draw_measured(axes, runs[k], (start, end), seconds)
        time = _column(runs[k], "time")
        if not len(time) or span is not None:
            continue
        for key, at in (("voltage_start", time[0]), ("voltage_end", float(given.get("end_time", time[-1])))):
            if key in given:
                marks.append((at / seconds, float(given[key]) * MILLI, k))
        if "failure" in given and failed < time[-1]:
            notes.append((failed / seconds, str(given["failure"]), run_colour(k)))
    draw_marks(axes, marks)
    if notes:
        low, high = axes.get_ylim()
        axes.set_ylim(low, high + 0.15 * (high - low))
    for place, text, colour in notes:
        draw_note(axes, place, text, colour)


def _draw_trace(
    axes: Axes,
    run: StoredRun,
    named: tuple[int, str],
    span: tuple[float, float],
    seconds: float,
    failed: float,
    drawn: list[tuple[Array, Array]],
) -> None:
    """Draw the voltage of a run in a span of time [s]: lighter after `failed` [s], with dots where values are few.

    named: number and name of the run; seconds: in the unit of the axis; drawn: the traces that lie behind it; it is
    added to them.
    """
    number, name = named
    stored, values = _column(run, "time"), _column(run, "voltage") * MILLI
    time, voltage = with_jumps(run, stored, values)
    on = sum(coincide(one, (time, voltage)) for one in drawn)
    drawn.append((time, voltage))
    columns = columns_of(axes)
    # A value at the left edge ends what comes before; that at t = 0 ends nothing.
    inside = (stored > span[0]) & (stored <= span[1]) | ((stored == 0.0) & (span[0] == 0.0))
    dotted = APART * np.count_nonzero(inside) <= columns
    for before, opacity in ((True, 1.0), (False, LIGHTER)):
        colour = lighter(run_colour(number), opacity)
        part = (time <= failed) == before
        seen = part & (time >= span[0]) & (time <= span[1])
        if not seen.any():
            continue
        x, y = thinned(time[seen], voltage[seen], span, columns)
        label = name if before or not (time <= failed).any() else None
        axes.plot(x / seconds, y, color=colour, linewidth=TRACE, label=label, linestyle=line_style(on))
        if dotted:
            here = inside & ((stored <= failed) == before)
            axes.plot(stored[here] / seconds, values[here], ".", color=colour, markersize=4, clip_on=False)


def _draw_measured(axes: Axes, run: StoredRun, span: tuple[float, float], seconds: float) -> None:
    """Draw the measured voltage of a run that replays a file over the simulated one, dashed, as far as it was run."""
    measured = measured_voltage(getattr(run, "tables", {}))
    if measured is None:
        return
    seen = (measured.time >= span[0]) & (measured.time <= min(span[1], end_of(run)))
    label = f"measured: {one_line(measured.file, 60)}".replace("$", r"\$")
    x, y = measured.time[seen] / seconds, measured.voltage[seen] * MILLI
    axes.plot(x, y, "--", color="black", linewidth=0.7 * TRACE, label=label, zorder=3)
    axes.legend(loc="best")


def draw_current(axes: Axes, runs: Sequence[StoredRun], names: Sequence[str]) -> None:
    """Draw the current density [mA/cm^2] against time."""
    longest = _longest(runs)
    seconds, unit = time_axis(longest)
    axes.set(xlabel=f"time ({unit})", ylabel="current density (mA/cm^2)", xlim=(0, longest / seconds or 1))
    for k, run in enumerate(runs):
        time, current = with_jumps(run, _column(run, "time"), MA_CM2 * _column(run, "current_density"))
        axes.plot(time / seconds, current, color=run_colour(k), lw=TRACE, label=names[k])


def draw_length(
    axes: Axes,
    runs: Sequence[StoredRun],
    names: Sequence[str],
    quantity: str,
    references: Mapping[str, Mapping[str, Any]] | None = None,
) -> None:
    """Draw a roughness figure [um] against time.

    references: its measured end value [m] as an open mark; `bounds` names those that are lower bounds, which bear an
    arrow; `failed` [s]: the curve is dashed from then on.
    """
    seconds, unit = time_axis(_longest(runs))
    longest = _longest(runs)
    axes.set(xlabel=f"time ({unit})", ylabel=f"{quantity} ({MICRON})", xlim=(0, longest / seconds or 1))
    marks, bounds = [], []
    drawn: list[tuple[Array, Array]] = []
    for k, run in enumerate(runs):
        time, value = _column(run, "time"), _column(run, quantity) * METRE
        given = find_reference(references, names[k])
        failed = float(given.get("failed", math.inf))
        on = sum(coincide(one, (time, value)) for one in drawn)
        drawn.append((time, value))
        for part, opacity in ((time <= failed, 1.0), (time >= failed, LIGHTER)):
            if part.any():
                shown = thinned(time[part], value[part], (0.0, longest), columns_of(axes))
                label = names[k] if opacity == 1.0 or not (time <= failed).any() else None
                axes.plot(
                    shown[0] / seconds, shown[1], color=lighter(run_colour(k), opacity), linewidth=1.4, label=label,
                    linestyle=line_style(on, opacity < 1.0),
                )  # fmt: skip
        if quantity in given and len(time):
            marks.append((time[-1] / seconds, float(given[quantity]) * METRE, k))
            bounds += [k] if quantity in given.get("bounds", ()) else []
    axes.set_ylim(bottom=0)
    draw_marks(axes, marks, bounds)


def last_cycles(runs: Sequence[StoredRun], points: float) -> tuple[float, float] | None:
    """Return the times [s] of the last cycles that all runs have; None where an axis as wide [points] shows each.

    A cycle lasts from one rise of the imposed current to the next.
    """
    ends, lengths = [], []
    for run in runs:
        time, current = _column(run, "time"), _column(run, "current_density")
        if len(time) < 2:
            return None
        at = time[_switches(current)]
        rises = time[np.flatnonzero((current[1:] > 0.0) & (current[:-1] <= 0.0)) + 1]
        if len(rises) > CYCLES_SHOWN + 1:
            lengths.append(float(np.median(np.diff(rises))))
        elif len(at):
            return None
        ends.append(float(time[-1]))
    longest = _longest(runs)
    if not lengths or not longest or min(lengths) / longest * points > LEGIBLE:
        return None
    end = min(ends)
    return max(0.0, end - CYCLES_SHOWN * max(lengths)), end


def _switches(current: Array) -> NDArray[np.intp]:
    """Return the places of the first steps after a switch of the current."""
    size = float(np.nanmax(np.abs(current), initial=0.0))
    return np.flatnonzero(np.abs(np.diff(current)) > SWITCH * size) + 1


def with_jumps(run: StoredRun, time: Array, value: Array) -> tuple[Array, Array]:
    """Return a trace with an upright line wherever the current is switched: there the voltage jumps, it does not rise.

    What is stored is the end of each step; just after a switch the voltage is drawn as at the end of its first step.
    """
    current = run.series.get("current_density")
    if current is None or len(time) < 2:
        return time, value
    at = _switches(np.asarray(current, dtype=np.float64))
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


def end_of(run: StoredRun) -> float:
    """Return the time of the last step of a run [s]; 0 before the first."""
    time = _column(run, "time")
    return float(time[-1]) if len(time) else 0.0


def _longest(runs: Sequence[StoredRun]) -> float:
    """Return the longest time of the runs [s]; a run whose time is damaged has none."""
    ends = (float(_column(run, "time")[-1]) for run in runs if len(_column(run, "time")))
    return max((end for end in ends if math.isfinite(end)), default=0.0)


def _size(run: StoredRun) -> float:
    voltage = np.abs(_column(run, "voltage"))
    voltage = voltage[np.isfinite(voltage)]
    return float(voltage.max()) if len(voltage) else 0.0
