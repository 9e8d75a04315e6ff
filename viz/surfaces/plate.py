"""The plate of one frame, laid out as a profilometer's report: view, map, profile, histogram, figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from phasefield.results.summary import TEXTURE_ROWS
from phasefield.topography.roughness import Texture, texture
from phasefield.viz.metals import bare_of
from phasefield.viz.stored import (
    METRE,
    Array,
    StoredRun,
    frame_index,
    height_in_metres,
    is_flat_run,
    title_of,
    when,
)
from phasefield.viz.style import (
    COPPER,
    INK,
    MICRON,
    RUN_COLOURS,
    TIMES,
    look,
    new_figure,
    save,
    significant_digits,
)
from phasefield.viz.surfaces.camera import View, common_view, lateral_size, relief
from phasefield.viz.surfaces.section import draw_salt_bar, draw_slice, salt_limits, take_slice
from phasefield.viz.surfaces.surface import bare_text, draw_height_bar, draw_surface, ticks_within
from phasefield.viz.table import draw_table, table_height

WIDTH, PICTURE, GRAPH, HEAD, FOOT = 11.0, 4.3, 2.0, 0.75, 0.45  # inch
FEWEST, MOST = 8, 60  # bins of the histogram
LENGTHS = ("Sa", "Sq", "Sp", "Sv", "Sz", "Sal")
NUMBERS = ("Ssk", "Sku", "Sdq", "Sdr", "Str")
PERCENT = {name: scale for name, scale, unit, _ in TEXTURE_ROWS if unit == "%"}


def plate(
    run: StoredRun,
    path: str | Path,
    frame: int = -1,
    *,
    view: View | None = None,
    periodic: bool = True,
    solid: bool = True,
) -> Path:
    """Write the plate of one frame and return its path.

    Perspective and top view, the profile through the highest point, the histogram of heights, and the
    ISO 25178 figures, raw and levelled. A 2D run shows its cross-section instead of the views.
    periodic: the lateral boundaries wrap (enters Sdr, Sal and Str of the raw map).
    """
    frame = frame_index(run, frame)
    z = relief(run, frame)
    table = table_height(2)
    height = HEAD + PICTURE + 0.6 + GRAPH + 0.65 + table + FOOT
    with look():
        figure = new_figure(WIDTH, height)

        def add(x: float, y: float, wide: float, tall: float) -> Axes:
            return figure.add_axes((x / WIDTH, 1 - (y + tall) / height, wide / WIDTH, tall / height))

        text = f"{title_of(run)}\nlithium surface at {when(run, frame)}{bare_text(run, frame)}"
        figure.text(0.5, 1 - 0.12 / height, text, fontsize=11, ha="center", va="top")
        view = view or common_view([(run, frame)])
        if is_flat_run(run):
            _draw_section(add, run, frame)
        else:
            draw_surface(add(0.15, HEAD, 6.0, PICTURE), run, frame, view, solid=solid)
            top = add(7.0, HEAD + 0.35, 2.9, PICTURE - 0.7)
            draw_top_view(top, run, z, view, bare_of(run, frame))
            box = top.get_position()
            bar = (box.x1 + 0.12 / WIDTH, box.y0, 0.16 / WIDTH, box.height)
            draw_height_bar(figure.add_axes(bar), view)
        y = HEAD + PICTURE + 0.6
        profile, histogram = add(0.85, y, 5.9, GRAPH), add(7.6, y, 2.9, GRAPH)
        draw_profile(profile, run, z)
        draw_histogram(histogram, z, "length" if is_flat_run(run) else "area")
        figures = add(0.35, y + GRAPH + 0.65, WIDTH - 0.7, table)
        _draw_figures(figures, run, frame, periodic)
        lx, ly = lateral_size(run)
        extent = f"{lx:g} {MICRON}" if is_flat_run(run) else f"{lx:g} {TIMES} {ly:g} {MICRON}"
        note = f"ISO 25178-2 over {extent}, lengths in {MICRON}. Levelled: least-squares plane taken off."
        figure.text(0.35 / WIDTH, 0.28 / height, note, fontsize=7.5, ha="left", va="top", color="0.35")
        return save(figure, path)


def draw_top_view(axes: Axes, run: StoredRun, z: Array, view: View, bare: NDArray[np.bool_] | None = None) -> None:
    """Draw the height map from above, with a scale bar and the line of the profile; bare: metal without lithium."""
    lx, ly = lateral_size(run)
    low, high = view.limits
    axes.imshow(z, cmap=view.colours, vmin=low, vmax=high, origin="lower", extent=(0, lx, 0, ly))
    if bare is not None and bare.any():
        metal = np.ma.masked_where(~bare, np.zeros(z.shape))
        axes.imshow(metal, cmap=ListedColormap([COPPER]), origin="lower", extent=(0, lx, 0, ly))
    row, _ = np.unravel_index(int(np.argmax(z)), z.shape)
    axes.axhline((row + 0.5) * run.spacing * METRE, color="white", linewidth=0.9, linestyle=(0, (4, 2)))
    axes.set(xlabel=f"x ({MICRON})", ylabel=f"y ({MICRON})")
    axes.set_xticks(ticks_within(0, lx, 4))
    axes.set_yticks(ticks_within(0, ly, 4))
    axes.set_anchor("W")
    axes.apply_aspect()
    length = [t for t in ticks_within(0, lx / 3, 3) if t > 0][-1]
    x, y, thick = 0.05 * lx, 0.05 * ly, 0.012 * max(lx, ly)
    far = 0.03 * lx
    pad = Rectangle(
        (x - far, y - far), length + 2 * far, 0.115 * ly + far, color="white", alpha=0.75, linewidth=0
    )
    axes.add_patch(pad)
    axes.add_patch(Rectangle((x, y), length, thick, color=INK, linewidth=0))
    axes.text(
        x + length / 2, y + thick + 0.012 * ly, f"{length:g} {MICRON}", ha="center", va="bottom", fontsize=8
    )


def draw_profile(axes: Axes, run: StoredRun, z: Array) -> None:
    """Draw the line profile along x through the highest point."""
    row, column = (int(k) for k in np.unravel_index(int(np.argmax(z)), z.shape))
    dx = run.spacing * METRE
    x, line = (np.arange(z.shape[1]) + 0.5) * dx, z[row]
    axes.axhline(0, color="0.75", linewidth=0.7)
    axes.plot(x, line, color=RUN_COLOURS[0], linewidth=1.3)
    axes.plot(x[column], line[column], marker="v", color=INK, markersize=5, linestyle="none")
    where = "" if is_flat_run(run) else f", y = {(row + 0.5) * dx:.4g} {MICRON}"
    name = f"through the highest point{where}: {significant_digits(float(np.ptp(line)))} {MICRON} peak to valley"
    axes.set_title(name, fontsize=8.5, loc="left")
    axes.set(xlabel=f"x ({MICRON})", ylabel=f"height ({MICRON})", xlim=(0, z.shape[1] * dx))
    axes.margins(y=0.12)


def draw_histogram(axes: Axes, z: Array, whole: str = "area") -> None:
    """Draw the share [%] of the whole in each height class, and the bearing (Abbott) curve."""
    edges = classes(z)
    share, _ = np.histogram(z, bins=edges)
    share = share / z.size * 100
    axes.barh((edges[1:] + edges[:-1]) / 2, share, height=np.diff(edges), color=RUN_COLOURS[0], alpha=0.75)
    axes.set(xlabel=f"share of the {whole} (%)", ylabel=f"height ({MICRON})", xlim=(0, None))
    above = axes.twiny()
    bearing = 100 * (1 - np.concatenate([[0.0], np.cumsum(share)]) / 100)
    above.plot(bearing, edges, color=RUN_COLOURS[1], linewidth=1.2)
    above.set_xlim(0, 100)
    above.spines["top"].set_visible(True)
    above.set_xlabel(f"{whole} above (%)", color=RUN_COLOURS[1], fontsize=8)
    above.tick_params(axis="x", colors=RUN_COLOURS[1])


def classes(z: Array) -> Array:
    """Return the edges of 8 to 60 height classes (n + 1), about as wide as Freedman and Diaconis (1981) have them."""
    low, high = float(z.min()), float(z.max())
    if high <= low:
        return np.linspace(low - 0.5, low + 0.5, FEWEST + 1)
    wanted = len(np.histogram_bin_edges(z, bins="fd")) - 1
    return np.linspace(low, high, int(np.clip(wanted, FEWEST, MOST)) + 1)


def _draw_section(add: Any, run: StoredRun, frame: int) -> None:
    cut = take_slice(run, frame)
    limits = salt_limits([cut])
    high = cut.height - cut.bottom
    inch = min((PICTURE - 0.5) / high, 8.4 / cut.width)
    wide, tall = cut.width * inch, high * inch
    axes = add((WIDTH - wide) / 2, HEAD, wide, tall)
    draw_slice(axes, cut, limits)
    if limits is not None:
        draw_salt_bar(add((WIDTH + wide) / 2 + 0.15, HEAD, 0.16, tall), limits)


def _draw_figures(axes: Axes, run: StoredRun, frame: int, periodic: bool) -> None:
    height = height_in_metres(run, frame)
    raw = texture(height, run.spacing, periodic=periodic)
    flat = texture(height, run.spacing, periodic=periodic, level=True)
    head = ["", *LENGTHS, *(f"{name} (%)" if name in PERCENT else name for name in NUMBERS)]
    draw_table(axes, head, [["raw", *_row(raw)], ["levelled", *_row(flat)]])


def _row(t: Texture) -> list[str]:
    lengths = [getattr(t, name) for name in LENGTHS]
    texts = [significant_digits(None if v is None else v * METRE) for v in lengths]
    return texts + [significant_digits(_scaled(getattr(t, name), name)) for name in NUMBERS]


def _scaled(value: float | None, name: str) -> float | None:
    return None if value is None else value * PERCENT.get(name, 1.0)
