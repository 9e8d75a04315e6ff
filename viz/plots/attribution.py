"""Bars that lead from one case to another: what each group of inputs adds to a result."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from phasefield.viz.style import FAINT, INK, RUN_COLOURS, look, new_figure, save

WIDE, BAR, HEAD = 3.1, 0.3, 1.25  # inch: a panel, a bar, title and axis
NAMES = 1.3  # inch
ROOM = 0.3  # of the span, on each side, for the numbers
APART = 0.09  # of the distance of two inputs: so far from the middle are bars that would cover each other
LESS, MORE = RUN_COLOURS[0], RUN_COLOURS[1]


@dataclass(frozen=True)
class Panel:
    """One result: title with its unit, value of either case, what each group adds and how far that scatters."""

    title: str
    first: float
    last: float
    shares: tuple[float, ...]
    spreads: tuple[float, ...]


def bars(
    panels: Sequence[Panel], cases: tuple[str, str], groups: Sequence[str], title: str, path: str | Path
) -> Path:
    """Draw a panel for each result: the first case, the groups each from where the last one ended, the second case."""
    names = [cases[0], *groups, cases[1]]
    with look():
        figure = new_figure(NAMES + WIDE * len(panels), HEAD + BAR * len(names))
        figure.suptitle(title, x=0.01, ha="left", fontsize=10)
        for k, panel in enumerate(panels):
            axes = figure.add_subplot(1, len(panels), k + 1)
            at = panel.first
            places = [at]
            axes.barh(0, panel.first, color=FAINT, height=0.6)
            _label(axes, max(at, 0.0), 0, f"{at:.3g}")
            for n, (share, spread) in enumerate(zip(panel.shares, panel.spreads, strict=True), start=1):
                error = spread if math.isfinite(spread) else None
                axes.barh(n, share, left=at, color=LESS if share < 0.0 else MORE, height=0.6, xerr=error,
                          error_kw={"elinewidth": 0.8, "ecolor": INK, "capsize": 2})  # fmt: skip
                axes.plot([at, at], [n - 1 + 0.3, n - 0.3], color=FAINT, lw=0.7)
                edge = max(at, at + share) + (spread if math.isfinite(spread) and share > 0.0 else 0.0)
                _label(axes, edge, n, f"{share:+.3g}")
                at += share
                places += [at, edge]
            axes.plot([at, at], [len(names) - 2 + 0.3, len(names) - 1 - 0.3], color=FAINT, lw=0.7)
            axes.barh(len(names) - 1, panel.last, color=FAINT, height=0.6)
            _label(axes, max(panel.last, 0.0), len(names) - 1, f"{panel.last:.3g}")
            low, high = min(0.0, *places), max(0.0, *places)
            axes.set_xlim(low - (ROOM * (high - low) if low < 0.0 else 0.0), high + ROOM * (high - low or 1.0))
            axes.set_ylim(len(names) - 0.4, -0.6)
            axes.set_yticks(range(len(names)), names if k == 0 else [""] * len(names))
            axes.set_title(panel.title, loc="left", fontsize=9)
        figure.set_layout_engine("constrained")
        return save(figure, path)


def _label(axes: object, x: float, y: float, text: str) -> None:
    from matplotlib.axes import Axes

    assert isinstance(axes, Axes)
    axes.annotate(text.replace("-", "\N{MINUS SIGN}"), (x, y), xytext=(4, 0), textcoords="offset points",
                  va="center", fontsize=8)  # fmt: skip


@dataclass(frozen=True)
class Range:
    """A result at both ends of an input's range: name of the input, texts of its ends, and the results there."""

    name: str
    low_text: str
    low: float
    high_text: str
    high: float


def ranges(panels: Sequence[tuple[str, float, Sequence[Range]]], title: str, path: str | Path) -> Path:
    """Draw panels side by side: title with unit, value as it is, and for each input the values at both its ends."""
    with look():
        names = [one.name for one in panels[0][2]]
        figure = new_figure(NAMES + 0.5 + WIDE * len(panels), HEAD + 0.2 + 1.4 * BAR * len(names))
        figure.suptitle(title, x=0.01, ha="left", fontsize=10)
        for k, (label, base, found) in enumerate(panels):
            axes = figure.add_subplot(1, len(panels), k + 1)
            axes.axvline(base, color=INK, lw=0.8)
            values = [base]
            for n, one in enumerate(found):
                ends = ((one.low, one.low_text, LESS), (one.high, one.high_text, MORE))
                beside = (one.low - base) * (one.high - base) > 0.0  # both bars on one side: one above the other
                apart = one.low <= one.high
                for (value, text, colour), left, sign in zip(ends, (apart, not apart), (-1.0, 1.0), strict=True):
                    at = n + sign * APART * beside
                    axes.plot([base, value], [at, at], color=colour, lw=4, solid_capstyle="butt", alpha=0.55)
                    axes.plot(value, at, "o", color=colour, ms=4)
                    values.append(value)
                    below = beside and sign > 0.0
                    axes.annotate(
                        text, (value, at), xytext=(-5 if left else 5, -5 if below else 5), textcoords="offset points",
                        ha="right" if left else "left", va="top" if below else "bottom", fontsize=7, color=colour,
                        bbox={"boxstyle": "round,pad=0.1", "facecolor": "white", "alpha": 0.8, "linewidth": 0},
                    )  # fmt: skip
            span = max(values) - min(values) or 1.0
            axes.set_xlim(min(values) - 0.35 * span, max(values) + 0.35 * span)
            axes.set_ylim(len(names) - 0.5, -0.7)
            axes.set_yticks(range(len(names)), names if k == 0 else [""] * len(names))
            axes.set_title(label, loc="left", fontsize=9)
        figure.set_layout_engine("constrained")
        return save(figure, path)
