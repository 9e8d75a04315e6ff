"""Pictures of a parameter study: response curves, a map over two inputs, Sobol indices."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.patheffects import AbstractPathEffect, withStroke
from matplotlib.ticker import MaxNLocator

from phasefield.viz.stored import Array
from phasefield.viz.style import INK, RUN_COLOURS, look, new_figure, powers, save

WIDE, HIGH = 3.6, 3.2  # of a panel [inch]
MOST_ACROSS = 3
LOG_FROM = 20.0  # ratio of largest to smallest from which a colour or an axis is logarithmic
MAP = "viridis"
NAME = (0.25, 0.06)  # of the axes: room for the name of an electrolyte beside its mark


@dataclass(frozen=True)
class Scale:
    """An axis: its label with unit, whether it is logarithmic; names: of its places, where they are words."""

    label: str
    log: bool = False
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class ResponseCurve:
    """A response: places, means over the seeds, their standard deviations (nan where there is one seed)."""

    name: str
    x: Array
    mean: Array
    deviation: Array


@dataclass(frozen=True)
class Response:
    """Curves over one input; joined: their points make lines, as those of a sample do not."""

    scale: Scale
    curves: Sequence[ResponseCurve] = field(default_factory=tuple)
    legend: str = ""
    joined: bool = True


@dataclass(frozen=True)
class Contours:
    """Lines of a quantity over a map: its name, and its values (y, x) on a grid of its own, nan where it has none.

    The grid must be so fine that straight lines between its points do.
    """

    name: str
    x: Array
    y: Array
    values: Array


def response_panels(panels: Sequence[Response], output: Scale, path: str | Path, title: str, note: str = "") -> Path:
    """Write response curves with their seed bands, one panel an input, and return the path."""
    across = min(MOST_ACROSS, len(panels))
    down = math.ceil(len(panels) / across)
    with look():
        figure = new_figure(max(across * (WIDE + 0.4) + 0.4, 5.0), down * (HIGH + 0.7) + 0.8)
        grid = figure.subplots(down, across, squeeze=False, sharey=True)
        for place, axes in enumerate(grid.flat):
            if place >= len(panels):
                axes.set_axis_off()
                continue
            _response(axes, panels[place], output)
            axes.set_ylabel(output.label if place % across == 0 else "")
        height = figure.get_figheight()
        figure.subplots_adjust(
            left=0.8 / figure.get_figwidth(), right=1 - 0.15 / figure.get_figwidth(), top=1 - 0.7 / height,
            bottom=0.75 / height, wspace=0.1, hspace=0.45,
        )  # fmt: skip
        figure.suptitle(title, fontsize=10, y=1 - 0.16 / height)
        if note:
            figure.text(0.5, 1 - 0.55 / height, note, ha="center", fontsize=8, color=INK)
        return save(figure, path)


def _response(axes: Axes, panel: Response, output: Scale) -> None:
    for k, curve in enumerate(panel.curves):
        colour = RUN_COLOURS[k % len(RUN_COLOURS)]
        style = "o-" if panel.joined and not panel.scale.names else "o"
        axes.plot(curve.x, curve.mean, style, color=colour, label=curve.name, markersize=4, linewidth=1.2)
        if np.isfinite(curve.deviation).any():
            if panel.scale.names:
                axes.errorbar(curve.x, curve.mean, curve.deviation, fmt="none", color=colour, capsize=4)
            else:
                low, high = curve.mean - curve.deviation, curve.mean + curve.deviation
                axes.fill_between(curve.x, low, high, color=colour, alpha=0.2, linewidth=0)
    if panel.scale.names:
        axes.set_xticks(range(len(panel.scale.names)), panel.scale.names)
        axes.set_xlim(-0.5, len(panel.scale.names) - 0.5)
    elif panel.scale.log:
        axes.set_xscale("log")
        powers(axes.xaxis)
    elif all((curve.x >= 0.0).all() for curve in panel.curves):
        axes.set_xlim(left=max(0.0, axes.get_xlim()[0]))
    if output.log:
        axes.set_yscale("log")
        powers(axes.yaxis)
    else:
        axes.set_ylim(bottom=0.0)
    axes.set_xlabel(panel.scale.label)
    if any(curve.name for curve in panel.curves):
        axes.legend(title=panel.legend or None, fontsize=7, title_fontsize=7)


def value_map(
    xs: Array, ys: Array, values: Array, scales: tuple[Scale, Scale, Scale], path: str | Path, title: str,
    *, marks: Mapping[str, tuple[float, float]], contours: Contours | None = None,
) -> Path:  # fmt: skip
    """Write a map of an output over two inputs and return the path.

    values (ys, xs): a coloured cell and a dot each, nan where no run gave one; scales: of x, y and the output; marks:
    places of electrolytes, those outside are set at the edge with an arrow's head; contours: white lines.
    """
    horizontal, vertical, colour = scales
    with look():
        figure = new_figure(6.4, 4.8)
        axes = figure.add_axes((0.13, 0.13, 0.67, 0.74))
        ex, ey = edges(xs, horizontal.log), edges(ys, vertical.log)
        good = values[np.isfinite(values)]
        low, high = (float(good.min()), float(good.max())) if good.size else (0.0, 1.0)
        norm = LogNorm(low, high) if colour.log and low > 0.0 else Normalize(low, high)
        mesh = axes.pcolormesh(ex, ey, np.ma.masked_invalid(values), cmap=MAP, norm=norm)
        axes.set_facecolor("0.85")
        for setter, axis, log in (
            (axes.set_xscale, axes.xaxis, horizontal.log), (axes.set_yscale, axes.yaxis, vertical.log)
        ):  # fmt: skip
            if log:
                setter("log")
                powers(axis)
        if contours is not None:
            axes.set(xlim=(ex[0], ex[-1]), ylim=(ey[0], ey[-1]))
            _draw_contours(axes, contours, list(marks.values()))
        there = np.argwhere(np.isfinite(values))  # runs: their places, not the cells around them, were computed
        axes.plot(xs[there[:, 1]], ys[there[:, 0]], "o", color=INK, markeredgecolor="white", markeredgewidth=0.6,
                  markersize=4, zorder=4, label="runs")  # fmt: skip
        _mark(axes, marks, (ex[0], ex[-1]), (ey[0], ey[-1]))
        axes.set_xlabel(horizontal.label)
        axes.set_ylabel(vertical.label)
        bar = figure.colorbar(mesh, cax=figure.add_axes((0.83, 0.13, 0.03, 0.74)))
        bar.set_label(colour.label)
        if isinstance(norm, LogNorm):
            powers(bar.ax.yaxis)
        note = "dots: runs" + (f"; white lines: {contours.name}" if contours is not None else "")
        figure.suptitle(f"{title}\n{note}", fontsize=10, y=0.97)
        return save(figure, path)


def _draw_contours(axes: Axes, contours: Contours, marks: Sequence[tuple[float, float]]) -> None:
    """Draw the lines, found in the logarithm of the quantity, which is straighter over a logarithmic axis.

    Their numbers stand far from the marks. The lines have a dark rim, so that they show on light colours.
    """
    good = np.isfinite(contours.values) & (contours.values > 0.0)
    if good.sum() < 4 or np.ptp(contours.values[good]) <= 0.0:
        return
    levels = _levels(contours.values)
    if not len(levels):
        return
    values = np.ma.masked_array(np.log(np.where(good, contours.values, 1.0)), ~good)
    lines = axes.contour(
        contours.x, contours.y, values, colors="white", linewidths=1.0, linestyles="solid", levels=np.log(levels)
    )
    rim: list[AbstractPathEffect] = [withStroke(linewidth=2.2, foreground=INK)]
    lines.set_path_effects(rim)
    paths = [np.asarray(path.vertices, dtype=np.float64) for path in lines.get_paths()]
    places = [_roomy(axes, points, marks) for points in paths if len(points)]
    texts = axes.clabel(lines, fmt=lambda level: f"{math.exp(level):.3g}", fontsize=8, manual=places)
    for text in texts:
        text.set_path_effects(rim)


def _roomy(axes: Axes, points: Array, marks: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return the point of a line that is farthest from the marks and from the frame."""
    at = axes.transAxes.inverted().transform(axes.transData.transform(points))
    room = np.minimum(at, 1.0 - at).min(axis=1)
    for mark in marks:
        here = axes.transAxes.inverted().transform(axes.transData.transform(mark))
        room = np.minimum(room, 0.5 * np.hypot(*(at - here).T))
    x, y = points[int(np.argmax(room))]
    return float(x), float(y)


def edges(at: Array, log: bool) -> Array:
    """Return the edges of cells whose middles are `at`; one alone is 10 % wide.

    No cell of positive values reaches below zero.
    """
    x = np.log(at) if log else np.asarray(at, dtype=np.float64)
    if len(x) == 1:
        half = 0.1 if log else 0.05 * abs(x[0]) or 0.5
        out = np.array([x[0] - half, x[0] + half])
    else:
        between = 0.5 * (x[1:] + x[:-1])
        out = np.concatenate([[x[0] - (between[0] - x[0])], between, [x[-1] + (x[-1] - between[-1])]])
    if not log and min(x) > 0.0:
        out = np.maximum(out, 0.0)
    return np.exp(out) if log else out


def _levels(values: Array) -> Array:
    """Return round levels of contours: powers of ten where values span more than a decade and a half."""
    good = values[np.isfinite(values) & (values > 0.0)]
    low, high = float(good.min()), float(good.max())
    if high > LOG_FROM * low:
        steps = np.outer(10.0 ** np.arange(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1), [1.0, 3.0])
        return steps.ravel()[(steps.ravel() > low) & (steps.ravel() < high)]
    ticks = np.asarray(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high), dtype=np.float64)
    return ticks[(ticks > low) & (ticks < high)]


def _mark(
    axes: Axes, marks: Mapping[str, tuple[float, float]], across: tuple[float, float], up: tuple[float, float]
) -> None:
    taken: list[Array] = []  # places of marks whose names are written, of the axes
    for name, (x, y) in marks.items():
        inside = across[0] <= x <= across[1] and up[0] <= y <= up[1]
        place = (min(max(x, across[0]), across[1]), min(max(y, up[0]), up[1]))
        shape = "o"
        if not inside:
            shape = "<" if x < across[0] else ">" if x > across[1] else "v" if y < up[0] else "^"
        axes.plot(*place, shape, color="white", markeredgecolor="black", markersize=7, clip_on=False, zorder=5)
        at = axes.transAxes.inverted().transform(axes.transData.transform(place))
        shift = sum(bool((np.abs(at - other) < NAME).all()) for other in taken)
        taken.append(at)
        right = place[0] > (math.sqrt(across[0] * across[1]) if axes.get_xscale() == "log" else sum(across) / 2)
        axes.annotate(
            name, place, xytext=(-7 if right else 7, 6 + 11 * shift), textcoords="offset points",
            ha="right" if right else "left", fontsize=8, color="black",
            bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "alpha": 0.8, "linewidth": 0},
        )  # fmt: skip


def sobol_bars(
    names: Sequence[str], first: Array, total: Array, path: str | Path, title: str
) -> Path:
    """Write Sobol indices as bars with confidence intervals and return the path.

    first, total: value, low and high end of each index, shape (inputs, 3).
    """
    with look():
        figure = new_figure(6.4, 0.5 * len(names) + 1.6)
        axes = figure.add_axes((0.36, 0.9 / figure.get_figheight(), 0.6, 1 - 1.5 / figure.get_figheight()))
        place = np.arange(len(names))
        for shift, index, colour, name in (
            (-0.2, first, RUN_COLOURS[0], "alone (first order)"),
            (0.2, total, RUN_COLOURS[1], "with interactions (total)"),
        ):  # fmt: skip
            spread = np.abs(np.stack([index[:, 0] - index[:, 1], index[:, 2] - index[:, 0]]))
            axes.barh(place + shift, index[:, 0], 0.36, color=colour, label=name)
            axes.errorbar(index[:, 0], place + shift, xerr=spread, fmt="none", color=INK, capsize=3, linewidth=1)
        axes.set_yticks(place, names)
        axes.invert_yaxis()
        axes.axvline(0.0, color=INK, linewidth=0.6)
        axes.set_xlabel("share of the variance; lines: 95 % confidence")
        figure.legend(*axes.get_legend_handles_labels(), loc="lower center", ncols=2, fontsize=8)
        figure.suptitle(title, fontsize=10, y=1 - 0.16 / figure.get_figheight())
        return save(figure, path)
