"""Pictures of a fit: the posterior of its unknowns, data over what the fit predicts, and residuals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import FixedLocator, LogLocator, MaxNLocator, NullFormatter, ScalarFormatter
from numpy.typing import NDArray

from phasefield.text.formatting import MICRO
from phasefield.viz.style import FAINT, INK, MINUS, RUN_COLOURS, look, new_figure, powers, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = NDArray[np.float64]

PANEL = 1.15  # inch, of the posterior of two unknowns
BINS = 24
LEVELS = (0.5, 0.9)  # shares of the samples inside the contours
CORNER_KEY = "line, cross: best; dotted: 90 %; contours: 50 and 90 %"
SHOWN = 1500  # samples drawn as points
WIDE = 5.4  # inch
HIGH = 2.6  # inch, of one file
ACROSS = 4  # panels of an emulator side by side
DECADES = 3.0  # an axis that spans less bears a tick at 1, 2 and 5


@dataclass(frozen=True)
class Marginal:
    """One unknown: its name with the unit, samples and best value in that unit, the ends of its prior, its axis."""

    label: str
    samples: Floats
    best: float
    prior: tuple[float, float]
    log: bool
    word: str


@dataclass(frozen=True)
class Compared:
    """One file: x, what was measured, what is predicted and its band of 90 %, residuals over the noise.

    over: frequency or time, of the residuals; log: whether its axis is logarithmic; predicted_x: of a curve in the
    plane, a spectrum, whose x is predicted, too; breaks: points before which a line is interrupted; few: numbers
    between which nothing is predicted.
    """

    title: str
    x_label: str
    y_label: str
    x: Floats
    measured: Floats
    predicted: Floats
    band: tuple[Floats, Floats]
    residuals: tuple[tuple[str, Floats], ...]
    over: Floats
    over_label: str
    log: bool
    predicted_x: Floats | None = None
    breaks: tuple[int, ...] = ()
    few: bool = False


@dataclass(frozen=True)
class Emulated:
    """One number of a surface [m]: of runs, predicted by the other runs, its error as a share, and measured."""

    name: str
    run: Floats
    predicted: Floats
    error: Floats
    measured: float


def corner(marginals: Sequence[Marginal], title: str, path: Path) -> Path:
    """Draw the posterior: each unknown on the diagonal, each pair below it."""
    n = len(marginals)
    with look():
        figure = new_figure(max(4.0, PANEL * n + 1.2), max(3.4, PANEL * n + 0.9))
        figure.suptitle(f"{title}\n{CORNER_KEY}", x=0.01, ha="left", fontsize=8)
        panels = figure.subplots(n, n, squeeze=False)
        for row, below in enumerate(marginals):
            for column, across in enumerate(marginals):
                axes = panels[row, column]
                if column > row:
                    axes.set_visible(False)
                    continue
                if row == column:
                    _single(axes, below)
                else:
                    _pair(axes, across, below)
                _corner_axes(axes, across, below, row, column, n)
        figure.set_layout_engine("constrained", w_pad=0.02, h_pad=0.02)
        return save(figure, path)


def _range(one: Marginal) -> tuple[float, float]:
    """Return what an axis shows: the samples with room, within the prior."""
    low, high = np.quantile(one.samples, (0.002, 0.998))
    if one.log:
        room = (high / low) ** 0.15
        return max(one.prior[0], low / room), min(one.prior[1], high * room)
    room = 0.15 * (high - low)
    return max(one.prior[0], low - room), min(one.prior[1], high + room)


def _edges(one: Marginal) -> Floats:
    low, high = _range(one)
    return np.geomspace(low, high, BINS + 1) if one.log else np.linspace(low, high, BINS + 1)


def _single(axes: Axes, one: Marginal) -> None:
    colour = RUN_COLOURS[0] if one.word == "identified" else RUN_COLOURS[1]
    axes.hist(one.samples, bins=list(_edges(one)), color=colour, alpha=0.55, linewidth=0)
    axes.axvline(one.best, color=INK, lw=0.8)
    for end in np.quantile(one.samples, (0.05, 0.95)):
        axes.axvline(end, color=INK, lw=0.6, linestyle=":")
    axes.set_title(one.word, fontsize=7, color=colour)
    axes.set_yticks([])


def _pair(axes: Axes, across: Marginal, below: Marginal) -> None:
    every = max(1, across.samples.size // SHOWN)
    axes.plot(
        across.samples[::every], below.samples[::every], ",", color=RUN_COLOURS[0], alpha=0.35, rasterized=True
    )
    x, y = _edges(across), _edges(below)
    count, _, _ = np.histogram2d(across.samples, below.samples, bins=[x, y])
    smooth = _smoothed(count.T)
    order = np.sort(smooth.ravel())[::-1]
    held = np.cumsum(order) / max(order.sum(), 1.0)
    levels = sorted({float(order[np.searchsorted(held, share)]) for share in LEVELS})
    if len(levels) == len(LEVELS) and levels[0] > 0.0:
        middle = [np.sqrt(e[1:] * e[:-1]) if m.log else 0.5 * (e[1:] + e[:-1]) for m, e in ((across, x), (below, y))]
        axes.contour(middle[0], middle[1], smooth, levels=levels, colors=INK, linewidths=0.6)
    axes.plot([across.best], [below.best], "+", color=RUN_COLOURS[1], ms=5)


def _smoothed(count: Floats) -> Floats:
    """Return counts averaged over neighbours by 1 2 1, twice."""
    for _ in range(2):
        for axis in (0, 1):
            edge = np.pad(count, [(1, 1) if a == axis else (0, 0) for a in (0, 1)], mode="edge")
            count = 0.25 * (np.roll(edge, 1, axis) + 2.0 * edge + np.roll(edge, -1, axis))
            count = count[1:-1] if axis == 0 else count[:, 1:-1]
    return count


def _corner_axes(axes: Axes, across: Marginal, below: Marginal, row: int, column: int, n: int) -> None:
    """Set scales, ends and labels of a panel."""
    for name, one, drawn in (("x", across, True), ("y", below, row != column)):
        if not drawn:
            continue
        axis = getattr(axes, f"{name}axis")
        low, high = _range(one)
        if one.log:
            axes.set(**{f"{name}scale": "log"})
            powers(axis)
            if high < 10.0**DECADES * low:
                axis.set_major_locator(LogLocator(10, subs=(1.0, 2.0, 5.0), numticks=4))
                axis.get_major_formatter().minor_thresholds = (np.inf, np.inf)  # a number at each of them
            axis.set_minor_formatter(NullFormatter())
            if high < 4.0 * low:
                axes.set(**{f"{name}scale": "linear"})
                axis.set_major_locator(MaxNLocator(3))
        else:
            axis.set_major_locator(MaxNLocator(3))
        axes.set(**{f"{name}lim": (low, high)})
    axes.tick_params(labelsize=6)
    axes.tick_params(axis="x", labelrotation=40)
    if row == n - 1:
        axes.set_xlabel(_broken(across.label), fontsize=7)
    else:
        axes.set_xticklabels([])
    if column == 0 and row > 0:
        axes.set_ylabel(_broken(below.label), fontsize=7)
    elif row == column or column > 0:
        axes.set_yticklabels([])


def _broken(label: str) -> str:
    """Return a label on two or three lines."""
    name, bracket, unit = label.partition(" (")
    words, lines = name.split(), [""]
    for word in words:
        if lines[-1] and len(lines[-1]) + len(word) > 14:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join([*lines, f"({unit}"] if bracket else lines)


def compared(files: Sequence[Compared], title: str, path: Path) -> Path:
    """Draw data over what the fit predicts, with the band of 90 %, a panel for each file."""
    with look():
        figure = new_figure(WIDE, HIGH * len(files) + 0.4)
        figure.suptitle(title, x=0.01, ha="left", fontsize=10)
        for k, (axes, one) in enumerate(zip(figure.subplots(len(files), squeeze=False)[:, 0], files, strict=True)):
            _compare(axes, one)
            if k == 0:
                axes.legend(loc="best")
        figure.set_layout_engine("constrained")
        return save(figure, path)


def _compare(axes: Axes, one: Compared) -> None:
    axes.set_title(one.title, loc="left")
    plane = one.predicted_x is not None
    x, predicted, low, high = (
        np.insert(np.asarray(a, dtype=np.float64), one.breaks, np.nan)
        for a in (one.predicted_x if one.predicted_x is not None else one.x, one.predicted, *one.band)
    )
    if one.few:
        axes.vlines(x, low, high, color=RUN_COLOURS[5], alpha=0.6, lw=4.0, label="predicted, 90 %")
        axes.plot(x, predicted, "D", color=RUN_COLOURS[1], ms=2.4, label="best")
        axes.plot(one.x, one.measured, "o", color=INK, ms=5.5, mfc="none", mew=0.8, label="measured")
    else:
        axes.fill_between(x, low, high, color=RUN_COLOURS[5], alpha=0.35, lw=0, label="predicted, 90 %")
        axes.plot(one.x, one.measured, "o", color=INK, ms=2.4, mfc="none", mew=0.6, label="measured")
        axes.plot(x, predicted, "-", color=RUN_COLOURS[1], lw=1.1, label="best")
    if plane:
        axes.set_aspect("equal", adjustable="datalim")
    elif one.log:
        axes.set_xscale("log")
        powers(axes.xaxis)
    axes.set_xlabel(one.x_label)
    axes.set_ylabel(one.y_label)


def residuals(files: Sequence[Compared], title: str, path: Path) -> Path:
    """Draw residuals over the noise: without a fault of the model they scatter about 0, nine in ten within 1.64."""
    with look():
        figure = new_figure(WIDE, (HIGH - 0.6) * len(files) + 0.4)
        figure.suptitle(title, x=0.01, ha="left", fontsize=10)
        for axes, one in zip(figure.subplots(len(files), squeeze=False)[:, 0], files, strict=True):
            axes.set_title(one.title, loc="left")
            axes.axhspan(-1.645, 1.645, color=FAINT, alpha=0.25, lw=0, label="nine in ten")
            axes.axhline(0.0, color=INK, lw=0.6)
            for k, (name, values) in enumerate(one.residuals):
                axes.plot(one.over, values, "o", color=RUN_COLOURS[k], ms=2.2, label=name or "residual")
            if one.log:
                axes.set_xscale("log")
                powers(axes.xaxis)
            axes.set_xlabel(one.over_label)
            axes.set_ylabel("residual / noise")
            if len(one.residuals) > 1 or one is files[0]:
                axes.legend(loc="best", ncols=3)
        figure.set_layout_engine("constrained")
        return save(figure, path)


def emulated(panels: Sequence[Emulated], title: str, path: Path) -> Path:
    """Draw what runs gave over what the others predict, a panel for each number: a good emulator lies on the line."""
    across = min(ACROSS, len(panels))
    down = -(-len(panels) // across)
    with look():
        figure = new_figure(PANEL * 1.9 * across, PANEL * 1.9 * down + 0.4)
        figure.suptitle(title, x=0.01, ha="left", fontsize=10)
        for k, axes in enumerate(figure.subplots(down, across, squeeze=False).ravel()):
            if k >= len(panels):
                axes.set_visible(False)
                continue
            one = panels[k]
            x, y = one.predicted * MICRO, one.run * MICRO
            known = [*x, *y, one.measured * MICRO]
            ends = [0.9 * min(known), 1.1 * max(known)]
            axes.plot(ends, ends, "-", color=FAINT, lw=0.8)
            axes.set_box_aspect(1)
            axes.errorbar(x, y, xerr=x * one.error, fmt="o", ms=2.4, lw=0.6, color=RUN_COLOURS[0])
            axes.axhline(one.measured * MICRO, color=RUN_COLOURS[1], lw=0.8, linestyle="--", label="measured")
            axes.set(xscale="log", yscale="log", xlim=ends, ylim=ends)
            axes.set_title(one.name, loc="left")
            if k == 0:
                axes.legend(fontsize=6, loc="upper left")
            ticks = np.round(np.geomspace(ends[0], ends[1], 4)[1:3], _decimals(ends))
            for axis in (axes.xaxis, axes.yaxis):
                axis.set_major_locator(FixedLocator(ticks.tolist()))
                axis.set_major_formatter(ScalarFormatter())
                axis.set_minor_formatter(NullFormatter())
            axes.set_xlabel("predicted (um)")
            axes.set_ylabel("run (um)" if k % across == 0 else "")
        figure.set_layout_engine("constrained")
        return save(figure, path)


def _decimals(ends: Sequence[float]) -> int:
    """Return the decimals that two ticks between the ends of an axis need."""
    return max(0, 1 - math.floor(math.log10(ends[1] - ends[0])))


MINUS_IM = f"{MINUS}Im Z (ohm cm^2)"
