"""The rough lithium surface of one frame, coloured by height, as an optical profiler shows it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colorbar import Colorbar
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from phasefield.viz.metals import bare_of, substrate_of
from phasefield.viz.stored import Array, StoredRun, frame_index, has_field, title_of, when
from phasefield.viz.style import FAINT, INK, MICRON, MINUS, TIMES, look, new_figure, save
from phasefield.viz.surfaces import gl
from phasefield.viz.surfaces.camera import Camera, View, common_view, needs_section
from phasefield.viz.surfaces.painter import paint

TICK = 4.0  # length of a tick mark [points]
NUMBER_GAP = 8.0  # from a tick to the middle of the number under it [points]
TITLE_GAP = 31.0  # from the edge to the middle of the axis title [points]
ROOM = (50.0, 4.0, 12.0, 4.0)  # left, right, below, above the box: for labels [points]
TICK_EVERY = 14.0  # least distance of two numbers on the upright axis [points]
POINTS = 72.0  # in an inch


def surface(
    run: StoredRun,
    path: str | Path,
    frame: int = -1,
    *,
    view: View | None = None,
    solid: bool = True,
    scales: bool = True,
) -> Path:
    """Write a picture of the lithium surface of one frame and return its path.

    view: colour limits, camera and exaggeration; pass one from `common_view` to compare runs. solid: show the
    contour xi = 1/2 in space, with overhangs and isolated lithium, rather than the height map. scales: with axes.
    """
    if needs_section(run):
        from phasefield.viz.surfaces.section import cross_section

        return cross_section(run, path, frame)
    view = view or common_view([(run, frame)])
    with look():
        width, left, right, head = 7.0, 0.1, 1.15, 0.62  # inch
        panel = width - left - right
        scale = (panel * POINTS - ROOM[0] - ROOM[1]) / (2 * view.camera.aspect)
        tall = max(2.0, (2 * scale + ROOM[2] + ROOM[3]) / POINTS)
        height = tall + head + 0.12
        figure = new_figure(width, height)
        box = figure.add_axes((left / width, 0.12 / height, panel / width, tall / height))
        draw_surface(box, run, frame, view, solid=solid, scales=scales)
        long = 0.75 * tall
        where = (
            (width - right + 0.2) / width,
            (0.12 + (tall - long) / 2) / height,
            0.16 / width,
            long / height,
        )
        draw_height_bar(figure.add_axes(where), view)
        text = f"{title_of(run)}\nlithium surface at {when(run, frame)}{bare_text(run, frame)}"
        if not scales:
            text += f", {view.size[0]:.4g} {TIMES} {view.size[1]:.4g} {MICRON}"
        figure.text(0.5, 1 - 0.1 / height, text, fontsize=10, ha="center", va="top")
        return save(figure, path)


def bare_text(run: StoredRun, frame: int) -> str:
    """Return how bare metal is drawn, for a title; empty where there is none."""
    return f", bare {substrate_of(run)} in brown" if bare_of(run, frame).any() else ""


def draw_surface(
    axes: Axes, run: StoredRun, frame: int, view: View, *, solid: bool = True, scales: bool = True, note: bool = True
) -> None:
    """Draw a frame into axes; scales: with its box, ticks and labels; note: say so where heights are stretched."""
    frame = frame_index(run, frame)
    camera = view.camera
    axes.set_axis_off()
    scale = _frame(axes, camera)
    limits = axes.get_xlim(), axes.get_ylim()
    heights = _height_ticks(view, scale)
    if scales:
        _draw_back(axes, view, heights)
    solid = solid and has_field(run, "xi")
    if gl.available():
        from phasefield.viz.surfaces.scene import render_frame

        picture = render_frame(run, frame, view, solid=solid)
        axes.imshow(
            picture, extent=(-camera.aspect, camera.aspect, -1, 1), interpolation="antialiased", zorder=2
        )
        axes.set(xlim=limits[0], ylim=limits[1])
    else:
        gl.warn_once()
        paint(axes, run, frame, view)
    if scales:
        _draw_axes(axes, view, heights)
    if note and view.exaggeration != 1:
        text = f"heights drawn {TIMES}{view.exaggeration:g}"
        axes.text(
            0.99, 0.01, text, transform=axes.transAxes, ha="right", va="bottom", fontsize=7.5, style="italic"
        )


def draw_height_bar(axes: Axes, view: View, *, orientation: str = "vertical") -> Colorbar:
    """Draw the colour scale of the heights into axes of its own."""
    figure = axes.get_figure()
    assert isinstance(figure, Figure)
    scale = ScalarMappable(Normalize(*view.limits), view.colours)
    bar = figure.colorbar(scale, cax=axes, orientation=orientation)
    bar.set_label(f"height above the mean plane ({MICRON})")
    bar.outline.set_linewidth(0.6)
    return bar


def ticks_within(low: float, high: float, count: int) -> list[float]:
    """Round tick values within [low, high]."""
    values = MaxNLocator(count, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    return [float(v) for v in values if low - 1e-9 * abs(low) <= v <= high + 1e-9 * abs(high)]


def _line(axes: Axes, camera: Camera, ends: list[tuple[float, float, float]], **style: object) -> None:
    seen = camera.project(np.array(ends))
    axes.plot(seen[:, 0], seen[:, 1], **style)  # type: ignore[arg-type]


def _draw_back(axes: Axes, view: View, heights: list[float]) -> None:
    """Faint frame and grid behind the surface: the walls x = 0 and y = ly."""
    (lx, ly), stretch = view.size, view.exaggeration
    low, high = view.base * stretch, view.top * stretch
    faint = {"color": FAINT, "linewidth": 0.5, "zorder": 1, "solid_capstyle": "round"}
    for z in (low, high):
        _line(axes, view.camera, [(0, 0, z), (0, ly, z), (lx, ly, z)], **faint)
    for corner in ((0, 0), (0, ly), (lx, ly)):
        _line(axes, view.camera, [(*corner, low), (*corner, high)], **faint)
    for value in heights:
        z = value * stretch
        _line(axes, view.camera, [(0, 0, z), (0, ly, z), (lx, ly, z)], **{**faint, "color": "0.85"})


def _draw_axes(axes: Axes, view: View, heights: list[float]) -> None:
    """Ticks and labels on the near bottom edges and on the left upright one."""
    (lx, ly), stretch, camera = view.size, view.exaggeration, view.camera
    low = view.base * stretch
    ink = {"color": INK, "linewidth": 0.7, "zorder": 4}
    _line(axes, camera, [(0, 0, low), (lx, 0, low), (lx, ly, low)], **ink)
    _line(axes, camera, [(0, 0, low), (0, 0, view.top * stretch)], **ink)
    lateral = max(lx, ly) * 0.02
    for value in ticks_within(0, lx, 4):
        _tick(axes, camera, (value, 0, low), (0, -lateral, 0), f"{value:g}")
    for value in ticks_within(0, ly, 4):
        _tick(axes, camera, (lx, value, low), (lateral, 0, 0), f"{value:g}", side="left")
    for value in heights:
        text = f"{value:g}".replace("-", MINUS)
        _tick(axes, camera, (0, 0, value * stretch), (-lateral, 0, 0), text, side="right")
    _name(axes, camera, (lx / 2, 0, low), (0, -1, 0), (1, 0, 0), f"x ({MICRON})")
    _name(axes, camera, (lx, ly / 2, low), (1, 0, 0), (0, 1, 0), f"y ({MICRON})")
    middle = camera.project(np.array([0.0, 0.0, (view.base + view.top) / 2 * stretch]))
    _note(axes, middle, (-44.0, 0.0), f"height ({MICRON})", rotation=90.0)


def _height_ticks(view: View, scale: float) -> list[float]:
    """Round heights, as many as the upright edge has room for; scale: points a unit of the picture."""
    ends = view.camera.project(np.array([[0, 0, z * view.exaggeration] for z in (view.limits[0], view.top)]))
    room = float(abs(ends[1, 1] - ends[0, 1])) * scale / TICK_EVERY
    for count in range(int(np.clip(room, 1, 5)), 0, -1):
        ticks = ticks_within(view.limits[0], view.top, count)
        if len(ticks) <= room + 1:
            return ticks
    return [0.0]


def _frame(axes: Axes, camera: Camera) -> float:
    """Set limits so that the picture fills the axes, with room for labels; return points a unit."""
    figure = axes.get_figure()
    assert isinstance(figure, Figure)
    place = axes.get_position()
    wide, tall = (POINTS * figure.get_size_inches() * (place.width, place.height)).tolist()
    left, right, below, above = ROOM
    scale = min((wide - left - right) / (2 * camera.aspect), (tall - below - above) / 2)  # points a unit
    axes.set(
        xlim=(-camera.aspect - left / scale, camera.aspect + right / scale),
        ylim=(-1 - below / scale, 1 + above / scale),
        aspect="equal",
    )
    return float(scale)


def _tick(
    axes: Axes,
    camera: Camera,
    at: tuple[float, float, float],
    outwards: tuple[float, float, float],
    text: str,
    *,
    side: Literal["left", "center", "right"] = "center",
) -> None:
    """One tick mark pointing outwards, with its number beyond the end; on the upright axis, to its left."""
    start = camera.project(np.array(at))
    way = np.array([-1.0, 0.0]) if side == "right" else camera.project(np.add(at, outwards)) - start
    way /= np.linalg.norm(way)
    end = TICK * way
    mark = {"arrowstyle": "-", "color": INK, "linewidth": 0.7, "shrinkA": 0, "shrinkB": 0}
    place, shift = (float(start[0]), float(start[1])), (float(end[0]), float(end[1]))
    axes.annotate("", place, shift, textcoords="offset points", arrowprops=mark, zorder=4)
    gap = NUMBER_GAP if side == "center" else 3.0
    _note(axes, start, tuple((TICK + gap) * way), text, ha=side)


def _name(
    axes: Axes,
    camera: Camera,
    at: tuple[float, float, float],
    outwards: tuple[float, float, float],
    along: tuple[float, float, float],
    text: str,
) -> None:
    """Title of an axis, parallel to its edge."""
    start = camera.project(np.array(at))
    out = camera.project(np.add(at, outwards)) - start
    edge = camera.project(np.add(at, along)) - start
    normal = np.array([edge[1], -edge[0]]) / np.linalg.norm(edge)
    normal *= np.sign(normal @ out) or 1.0
    angle = float(np.degrees(np.arctan2(edge[1], edge[0])))
    _note(axes, start, tuple(TITLE_GAP * normal), text, rotation=angle)


def _note(
    axes: Axes,
    at: Array,
    offset: tuple[float, ...],
    text: str,
    *,
    rotation: float = 0.0,
    ha: Literal["left", "center", "right"] = "center",
) -> None:
    """Text at a fixed distance [points] from a place in the picture."""
    axes.annotate(
        text,
        (float(at[0]), float(at[1])),
        (float(offset[0]), float(offset[1])),
        textcoords="offset points",
        fontsize=8,
        rotation=rotation,
        rotation_mode="anchor",
        ha=ha,
        va="center",
        annotation_clip=False,
        zorder=5,
    )
