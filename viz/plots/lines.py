"""A plain figure of curves: theory as a line, what was measured as marks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import ScalarFormatter
from numpy.typing import NDArray

from phasefield.viz.plots.traces import coincide, line_style
from phasefield.viz.style import INK, RUN_COLOURS, look, new_figure, powers, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = NDArray[np.float64]

SIZE = (5.2, 3.6)  # inch
MARKS = "os^Dvphd"
DECADES = 20.0  # a logarithmic axis that spans less bears plain numbers
FEW = 6  # curves with names of their own, beyond which the legend stands beside the axes
BESIDE = 2.0  # inch
MANY = 40  # marks, above which they are small, and fewer
SEEN = 0.02  # of the range of a curve: a point so far from the marks drawn bears one of its own


@dataclass(frozen=True)
class Curve:
    """Points of a plot; theory is drawn as a line, what was measured as marks; band: lower and upper end of it."""

    name: str
    x: Floats
    y: Floats
    theory: bool = False
    band: tuple[Floats, Floats] | None = None


@dataclass(frozen=True)
class Plot:
    """One figure: labels with units, curves, `log` names the logarithmic axes ("", "x", "y", "xy")."""

    name: str
    title: str
    x: str
    y: str
    curves: tuple[Curve, ...]
    log: str = ""


def draw(plot: Plot, folder: Path) -> Path:
    """Write the figure of a plot as <name>.png and return its path."""
    beside = len(plot.curves) > FEW
    with look():
        figure = new_figure(SIZE[0] + BESIDE * beside, SIZE[1])
        axes = figure.add_subplot()
        axes.set_title(plot.title, loc="left")
        axes.set_xlabel(plot.x)
        axes.set_ylabel(plot.y)
        if "x" in plot.log:
            axes.set_xscale("log")
            powers(axes.xaxis)
            ends = [curve.x[curve.x > 0.0] for curve in plot.curves]
            if max(x.max() for x in ends) < DECADES * min(x.min() for x in ends):  # whole decades would be too few
                axes.xaxis.set_major_formatter(ScalarFormatter())
                axes.xaxis.set_minor_formatter(ScalarFormatter())
        if "y" in plot.log:
            axes.set_yscale("log")
            powers(axes.yaxis)
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
        if len(plot.curves) > 1 or plot.curves[0].name:
            if beside:
                axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1.0), borderaxespad=0.0)
            else:
                axes.legend()
        figure.set_layout_engine("constrained")
        return save(figure, folder / f"{plot.name}.png")


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
