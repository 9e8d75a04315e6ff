"""A plain figure of curves: theory as a line, what was measured as marks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import MaxNLocator, ScalarFormatter
from numpy.typing import NDArray

from phasefield.viz.plots.curves import Curve, Floats, Plot
from phasefield.viz.plots.traces import coincide, line_style
from phasefield.viz.style import INK, RUN_COLOURS, look, new_figure, powers, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE = (5.2, 3.6)  # inch
MARKS = "os^Dvphd"
DECADES = 20.0  # a logarithmic axis that spans less bears plain numbers
FEW = 6  # curves with names of their own, beyond which the legend stands beside the axes
BESIDE = 2.0  # inch
PANEL = 2.4  # inch, of one of several
MANY = 40  # marks, above which they are small, and fewer
SEEN = 0.02  # of the range of a curve: a point so far from the marks drawn bears one of its own


def draw(plot: Plot, folder: Path) -> Path:
    """Write the figure of a plot as <name>.png and return its path."""
    with look():
        figure = new_figure(SIZE[0] + BESIDE * (len(plot.curves) > FEW), SIZE[1])
        _fill(figure.add_subplot(), plot)
        figure.set_layout_engine("constrained")
        return save(figure, folder / f"{plot.name}.png")


def draw_panels(plots: Sequence[Plot], path: Path, title: str) -> Path:
    """Write a figure with the plots one above the other, lettered; those with one and the same x axis share it."""
    several, shared = len(plots) > 1, len({plot.x for plot in plots}) == 1
    with look():
        beside = any(len(plot.curves) > FEW for plot in plots)
        figure = new_figure(SIZE[0] + BESIDE * beside, 0.4 + (PANEL * len(plots) if several else SIZE[1]))
        figure.suptitle(title, x=0.01, ha="left", fontsize="medium")
        panels = figure.subplots(len(plots), squeeze=False, sharex=shared)[:, 0]
        for letter, axes, plot in zip("abcdefgh", panels, plots, strict=False):
            _fill(axes, plot)
            if several:
                axes.set_title(f"{letter}   {plot.title}", loc="left")
            if shared and axes is not panels[-1]:
                axes.set_xlabel("")
        figure.set_layout_engine("constrained")
        return save(figure, path)


def _fill(axes: Axes, plot: Plot) -> None:
    """Draw a plot into axes."""
    axes.set_title(plot.title, loc="left")
    axes.set_xlabel(plot.x)
    axes.set_ylabel(plot.y)
    for name, axis in (("x", axes.xaxis), ("y", axes.yaxis)):
        if name not in plot.log:
            continue
        axes.set(**{f"{name}scale": "log"})
        powers(axis)
        values = [getattr(curve, name)[getattr(curve, name) > 0.0] for curve in plot.curves]
        if max(v.max() for v in values) < DECADES * min(v.min() for v in values):  # whole decades would be too few
            axis.set_major_formatter(ScalarFormatter())
            axis.set_minor_formatter(ScalarFormatter())
    theory = [curve for curve in plot.curves if curve.theory]
    measured = [curve for curve in plot.curves if not curve.theory]
    # The k-th line and the k-th marks belong together; one line for all marks is drawn in ink.
    for k, curve in enumerate(theory):
        colour = INK if len(theory) == 1 else RUN_COLOURS[k % len(RUN_COLOURS)]
        on = sum(coincide((one.x, one.y), (curve.x, curve.y)) for one in theory[:k])
        axes.plot(curve.x, curve.y, color=colour, linestyle=line_style(on), lw=1.2, label=curve.name, zorder=2)
        if curve.band is not None:
            axes.fill_between(curve.x, *curve.band, color=colour, alpha=0.25, linewidth=0, zorder=1)
    for k, curve in enumerate(measured):
        _mark(axes, curve, k)
    _bound(axes, plot)
    if plot.counted:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_ylim(bottom=0.0)
    if len(plot.curves) > FEW:
        axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1.0), borderaxespad=0.0)
    elif any(curve.name for curve in plot.curves):
        axes.legend()


def _bound(axes: Axes, plot: Plot) -> None:
    """End an axis at zero where no value lies below: a positive quantity has no negative values."""
    for name, get, put in (("x", axes.get_xlim, axes.set_xlim), ("y", axes.get_ylim, axes.set_ylim)):
        values = np.concatenate([np.ravel(getattr(curve, name)) for curve in plot.curves])
        if name not in plot.log and get()[0] < 0.0 and np.nanmin(values, initial=0.0) >= 0.0:
            put(0.0, None)


def _mark(axes: Axes, curve: Curve, k: int) -> None:
    """Draw marks; where there are too many to be seen, some at even distances and all that lie apart from these."""
    x, y = np.asarray(curve.x, dtype=np.float64), np.asarray(curve.y, dtype=np.float64)
    many = len(x) > MANY
    if many and (np.diff(x) >= 0.0).all():
        shown = _shown(x, y)
        x, y = x[shown], y[shown]
    axes.plot(
        x,
        y,
        MARKS[k % len(MARKS)],
        color=RUN_COLOURS[k % len(RUN_COLOURS)],
        ms=3 if many else 5,
        mfc="none",
        mew=1.1,
        label=curve.name,
        zorder=3,
        clip_on=False,
    )


def _shown(x: Floats, y: Floats) -> NDArray[np.bool_]:
    """Return which of many points are drawn: MANY of them, and of each part between these the one farthest away."""
    good = np.flatnonzero(np.isfinite(y))
    even = good[np.unique(np.linspace(0, len(good) - 1, MANY).round().astype(int))]
    shown = np.zeros(len(x), dtype=bool)
    shown[even] = True
    if len(good):
        off = np.nan_to_num(np.abs(y - np.interp(x, x[even], y[even])))
        parts = np.split(off, even[1:-1])
        starts = np.concatenate([[0], even[1:-1]])
        farthest = [start + int(np.argmax(part)) for start, part in zip(starts, parts, strict=True) if len(part)]
        shown[[k for k in farthest if off[k] > SEEN * np.ptp(y[good])]] = True
    return shown
