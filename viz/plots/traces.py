"""Curves and marks that hide nothing: thinned without loss, told apart where they coincide, marks side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from numpy.typing import NDArray

from phasefield.viz.stored import Array
from phasefield.viz.style import RUN_COLOURS

LIGHTER = 0.35  # opacity of a simulated curve after the measured cell had failed
DASHED = (0.0, (3.0, 3.0))  # such a curve
PERIOD = 12.0  # of the dashes of a curve that lies on another, which shows in its gaps, line widths
SAME = 0.01  # of the range of both curves: so near to each other they cannot be told apart
SAMPLES = 400  # times at which two curves are compared
SHAPES = "osD^vPX"  # of measured values, one for each run
SIZE = 7.0  # of such a mark, points
ROOM_ABOVE = 0.08  # of the axis, above the highest mark; twice as much for an arrow
ARROW_LENGTH = 20.0  # of a lower bound, points


def run_colour(number: int) -> str:
    """Return the colour of a run by its place among those that are compared."""
    return RUN_COLOURS[number % len(RUN_COLOURS)]


def coincide(one: tuple[Array, Array], other: tuple[Array, Array]) -> bool:
    """Return whether two traces (time, value) lie on each other, so that the one in front would hide the other."""
    (t, a), (s, b) = ((time[np.isfinite(value)], value[np.isfinite(value)]) for time, value in (one, other))
    if not len(t) or not len(s) or min(t[-1], s[-1]) <= max(t[0], s[0]):
        return False
    if (np.diff(t) < 0.0).any() or (np.diff(s) < 0.0).any():
        return False
    at = np.linspace(max(t[0], s[0]), min(t[-1], s[-1]), SAMPLES)
    both = np.interp(at, t, a), np.interp(at, s, b)
    span = max(float(a.max()), float(b.max())) - min(float(a.min()), float(b.min()))
    return bool(np.median(np.abs(both[0] - both[1])) <= SAME * span)


def line_style(on: int, dashed: bool = False) -> Any:
    """Return the style of a curve that lies on so many others, all of which show in its gaps."""
    if dashed:
        return (DASHED[0] + 3.0 * on, DASHED[1])
    return "-" if on == 0 else (0.0, (PERIOD / 2**on, PERIOD - PERIOD / 2**on))


def lighter(colour: str, opacity: float) -> tuple[float, float, float]:
    """Return a colour as it looks on white paper with an opacity; lines that cross themselves stay even."""
    red, green, blue = to_rgb(colour)
    return (1 - opacity * (1 - red), 1 - opacity * (1 - green), 1 - opacity * (1 - blue))


def columns_of(axes: Axes) -> int:
    """Return how many dots wide axes are in the picture."""
    return max(2, math.ceil(float(axes.get_window_extent().width)))


def thinned(time: Array, value: Array, span: tuple[float, float], columns: int) -> tuple[Array, Array]:
    """Return a trace as it is, or of each column of the picture the first, lowest, highest and last point.

    Lines between these points cover the same dots as lines between all points. span: the times at both ends of the
    axis. Values that are no number are left out where the trace is thinned.
    """
    if len(time) <= 4 * columns:
        return time, value
    time, value = time[np.isfinite(value)], value[np.isfinite(value)]
    kept = kept_points(time, value, span, columns)
    return time[kept], value[kept]


def kept_points(time: Array, value: Array, span: tuple[float, float], columns: int) -> NDArray[np.intp]:
    """Return the places of the first, lowest, highest and last finite value of each of so many parts of the span."""
    good = np.flatnonzero(np.isfinite(value))
    if not len(good):
        return good
    where = np.floor((time[good] - span[0]) / ((span[1] - span[0]) or 1.0) * columns)
    first = np.flatnonzero(np.diff(where, prepend=-np.inf))
    last = np.append(first[1:], len(good)) - 1
    number = np.repeat(np.arange(len(first)), last - first + 1)  # of the part of each value
    order = np.lexsort((value[good], number))
    kept: NDArray[np.intp] = good[np.unique(np.concatenate([first, last, order[first], order[last]]))]
    return kept


def draw_marks(axes: Axes, marks: Sequence[tuple[float, float, int]], bounds: Sequence[int] = ()) -> None:
    """Draw measured values, (x, y, number of the run), as open marks; those that would cover others stand beside them.

    bounds: runs whose value is a lower bound, which bears an arrow. Marks at the ends of the axis are moved
    inwards by half their width, so that the frame hides none.
    """
    dots = axes.figure.dpi / 72.0
    box, room = axes.get_window_extent(), (SIZE + 2.0) * dots
    axes.autoscale_view(scalex=False)
    if marks:
        low, high = axes.get_ylim()
        lowest, highest = (end(y for _, y, _ in marks) for end in (min, max))
        span = max(high, highest) - min(low, lowest)
        above = ROOM_ABOVE * (2.0 if bounds else 1.0)
        axes.set_ylim(
            min(low, lowest - ROOM_ABOVE * span) if low < 0.0 else low, max(high, highest + above * span)
        )
    taken: list[tuple[float, float]] = []
    for x, y, k in marks:
        here = axes.transData.transform((x, y))
        place = float(np.clip(here[0], box.x0 + 0.75 * room, box.x1 - 0.75 * room))
        inwards = 1.0 if place < (box.x0 + box.x1) / 2 else -1.0
        while any(abs(place - a) < room and abs(here[1] - b) < room for a, b in taken):
            place += inwards * room
        taken.append((place, float(here[1])))
        x = float(axes.transData.inverted().transform((place, here[1]))[0])
        axes.plot(x, y, **mark(k))
        if k in bounds:
            draw_arrow(axes, x, y, k)


def draw_arrow(axes: Axes, x: float, y: float, number: int) -> None:
    """Draw the arrow of a lower bound."""
    axes.annotate(
        "", (x, y), xytext=(0.0, ARROW_LENGTH), textcoords="offset points", annotation_clip=False, zorder=5,
        arrowprops={"arrowstyle": "<|-", "color": run_colour(number), "linewidth": 1.5, "shrinkA": 0, "shrinkB": 0},
    )  # fmt: skip


def draw_note(axes: Axes, x: float, text: str, colour: str) -> None:
    """Mark a time by an upright line that bears a text."""
    axes.axvline(x, color=colour, linewidth=0.9, linestyle=(0, (1, 1.5)), zorder=5)
    left = x < sum(axes.get_xlim()) / 2
    axes.annotate(
        text, (x, 1.0), xycoords=("data", "axes fraction"), xytext=(4.0 if left else -4.0, -1.0),
        textcoords="offset points", ha="left" if left else "right", va="top", fontsize=8, color=colour, zorder=7,
        bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "alpha": 0.85, "linewidth": 0},
    )  # fmt: skip


def mark(number: int) -> dict[str, Any]:
    """Return how a measured value of a run is drawn."""
    return {
        "marker": SHAPES[number % len(SHAPES)],
        "markersize": SIZE,
        "markerfacecolor": "white",
        "markeredgecolor": run_colour(number),
        "markeredgewidth": 1.5,
        "linestyle": "none",
        "clip_on": False,
        "zorder": 6,
    }
