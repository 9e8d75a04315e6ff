"""The main plate: runs side by side, before and after; beneath them voltage, roughness and a table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import Any

from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple
from matplotlib.lines import Line2D

from phasefield.topography.roughness import sa_sq_sz, subtract_plane
from phasefield.viz.plots.series import MILLI, draw_length, draw_voltage, end_of, last_cycles, voltage_ends
from phasefield.viz.plots.traces import DASHED, LIGHTER, lighter, mark, run_colour
from phasefield.viz.stored import METRE, StoredRun, find_reference, height_of, is_flat_run, labels, when
from phasefield.viz.style import (
    ARROW,
    INK,
    MICRON,
    RUN_COLOURS,
    TIMES,
    letter,
    look,
    new_figure,
    save,
    significant_digits,
)
from phasefield.viz.surfaces.camera import View, common_view, lateral_size
from phasefield.viz.surfaces.section import draw_salt_bar, draw_slice, salt_limits, take_slice
from phasefield.viz.surfaces.surface import POINTS, ROOM, draw_height_bar, draw_surface
from phasefield.viz.table import draw_table, table_height

PANEL, SMALLEST_PANEL = 4.7, 3.1  # width of a surface, and where there are many of them [inch]
SHEET = 10.75  # width of the plate [inch]; at the width of a page its letters are still legible
TALLEST = 5.0  # height a surface or section may take [inch]
LEFT, RIGHT = 0.25, 1.15  # margins [inch]
HEAD, GAP, TRACE, FOOT = 1.05, 0.3, 2.6, 0.65  # title, between rows, traces, note [inch]
LINE, LETTER = 0.18, 0.075  # height of a line of the legend, width of a letter [inch]

References = Mapping[str, Mapping[str, Any]]


def comparison(
    runs: Sequence[StoredRun],
    path: str | Path,
    *,
    references: References | None = None,
    view: View | None = None,
    solid: bool = True,
) -> Path:
    """Write the plate that sets runs side by side and return its path.

    Rows: the first and the last saved frame of each run, on one colour scale and through one camera; voltage
    and Sz of all runs against time, and the last cycles where the whole does not show them; a table. 2D runs are
    shown as cross-sections.
    references: measured values by run title or a word of it ("PLLZ"), as `draw_voltage` and `draw_length` take them;
    `Sz_text`, `voltage_text` for the table, `source` for the note.
    """
    if not runs:
        raise ValueError("a comparison needs at least one run")
    names, shared = labels(runs)
    frames = [(run, k) for k in (0, -1) for run in runs]
    with look():
        plate = _Plate(len(runs), len(runs))
        plate.legend = _legend(runs, names, references, plate.width - 0.7)
        if any(is_flat_run(run) for run in runs):
            _draw_sections(plate, frames)
        else:
            _draw_surfaces(plate, frames, view or common_view(frames), solid)
        for k, name in enumerate(names):
            x = (LEFT + (k + 0.5) * plate.column) / plate.width
            y = 1 - (HEAD - 0.22) / plate.height
            text, colour = fill(name, round(44 * plate.column / PANEL)), run_colour(k)
            plate.figure.text(
                x, y, text, ha="center", va="bottom", fontsize=11, fontweight="bold", color=colour
            )
        title = f"Lithium surface before and after{': ' + shared if shared else ''}"
        plate.figure.text(0.5, 1 - 0.14 / plate.height, title, ha="center", va="top", fontsize=12)
        _draw_traces(plate, runs, names, references)
        _draw_figures(plate, runs, names, references)
        return save(plate.figure, path)


class _Plate:
    """The sheet: a figure whose panels are placed in inches from the left and from the top."""

    legend: _Legend

    def __init__(self, columns: int, rows: int) -> None:
        self.columns = columns
        self.table = table_height(rows)
        panel = max(min(PANEL, (SHEET - LEFT - RIGHT) / columns), SMALLEST_PANEL)
        self.width = max(LEFT + columns * panel + RIGHT, 10.0)
        self.column = (self.width - LEFT - RIGHT) / columns
        self.row = 0.0
        self.height = 0.0
        self.figure: Figure

    def set_row(self, tall: float) -> None:
        """Fix the height of the pictures [inch]; the sheet follows."""
        self.row = tall
        self.height = HEAD + 2 * tall + GAP + 0.5 + self.legend.height + TRACE + 0.65 + self.table + FOOT
        self.figure = new_figure(self.width, self.height)

    def add(self, x: float, y: float, width: float, height: float) -> Any:
        """Add axes with their upper left corner at (x, y) [inch]."""
        place = (
            x / self.width,
            1 - (y + height) / self.height,
            width / self.width,
            height / self.height,
        )
        return self.figure.add_axes(place)

    def top(self, row: int) -> float:
        """Upper edge of a row of pictures [inch]."""
        return HEAD + row * (self.row + GAP)

    @property
    def traces(self) -> float:
        """Upper edge of the traces [inch]."""
        return self.top(1) + self.row + 0.5 + self.legend.height


def _draw_surfaces(plate: _Plate, frames: list[tuple[StoredRun, int]], view: View, solid: bool) -> None:
    inner = plate.column - 0.2
    scale = (inner * POINTS - ROOM[0] - ROOM[1]) / (2 * view.camera.aspect)
    plate.set_row(min((2 * scale + ROOM[2] + ROOM[3]) / POINTS, TALLEST))
    for n, (run, frame) in enumerate(frames):
        row, column = divmod(n, plate.columns)
        axes = plate.add(LEFT + column * plate.column, plate.top(row), inner, plate.row)
        draw_surface(axes, run, frame, view, solid=solid, note=False)
        words = _words(run, frame, row)
        words += f", heights drawn {TIMES}{view.exaggeration:g}" if view.exaggeration != 1 else ""
        place = {"xytext": (15, -1.5), "textcoords": "offset points"}
        axes.annotate(words, (0, 1), xycoords="axes fraction", fontsize=9, **place)
        letter(axes, n, (0.0, -2.0))
    long = min(0.62 * (2 * plate.row + GAP), 3.6)
    y = HEAD + (2 * plate.row + GAP - long) / 2
    draw_height_bar(plate.add(plate.width - RIGHT + 0.2, y, 0.17, long), view)


def _draw_sections(plate: _Plate, frames: list[tuple[StoredRun, int]]) -> None:
    cuts = [take_slice(run, frame) for run, frame in frames]
    limits = salt_limits(cuts)
    inner = plate.column - 0.8
    plate.set_row(0.45 + min(max(inner * (cut.height - cut.bottom) / cut.width for cut in cuts), TALLEST))
    for n, ((run, frame), cut) in enumerate(zip(frames, cuts, strict=True)):
        row, column = divmod(n, plate.columns)
        axes = plate.add(LEFT + 0.5 + column * plate.column, plate.top(row) + 0.25, inner, plate.row - 0.45)
        draw_slice(axes, cut, limits)
        axes.set_title(_words(run, frame, row), fontsize=9)
        letter(axes, n)
    if limits is not None:
        long = min(0.62 * (2 * plate.row + GAP), 3.6)
        y = HEAD + (2 * plate.row + GAP - long) / 2
        draw_salt_bar(plate.add(plate.width - RIGHT + 0.2, y, 0.17, long), limits)


def _words(run: StoredRun, frame: int, row: int) -> str:
    sz = sa_sq_sz(height_of(run, frame))[2]
    return f"{('before', 'after')[row]}, {when(run, frame)}: Sz = {significant_digits(sz)} {MICRON}"


def _draw_traces(
    plate: _Plate, runs: Sequence[StoredRun], names: Sequence[str], references: References | None
) -> None:
    last = last_cycles(runs, POINTS * plate.width / 3)
    count, x0, between = (2 if last is None else 3), 0.85, 0.95
    wide = (plate.width - x0 - 0.35 - (count - 1) * between) / count
    panels = [plate.add(x0 + k * (wide + between), plate.traces, wide, TRACE) for k in range(count)]
    draw_voltage(panels[0], runs, names, references)
    if last is not None:
        draw_voltage(panels[1], runs, names, references, span=last)
        panels[1].set_title("last cycles", fontsize=9)
    sz = panels[-1]
    draw_length(sz, runs, names, "Sz", references)
    for k, axes in enumerate(panels):
        letter(axes, 2 * len(runs) + k)
    plate.figure.legend(
        plate.legend.handles, plate.legend.texts, loc="lower center", ncols=plate.legend.columns, fontsize=8.5,
        bbox_to_anchor=(0.5, 1 - (plate.traces - 0.25) / plate.height), borderaxespad=0.0, labelspacing=0.3,
        handler_map={tuple: HandlerTuple(ndivide=None)},
    )  # fmt: skip


@dataclass(frozen=True)
class _Legend:
    """What stands above the traces: which colour is which run, how measured values and failed cells are drawn."""

    handles: list[Any]
    texts: list[str]
    columns: int

    @property
    def height(self) -> float:
        """Height [inch]."""
        return LINE * -(-len(self.texts) // self.columns) + 0.1


def _legend(runs: Sequence[StoredRun], names: Sequence[str], references: References | None, width: float) -> _Legend:
    handles: list[Any] = [Line2D([], [], color=run_colour(k), linewidth=1.4) for k in range(len(names))]
    texts = list(names)
    given = [find_reference(references, name) for name in names]
    if any(float(one.get("failed", math.inf)) < end_of(run) for one, run in zip(given, runs, strict=True)):
        handles.append(Line2D([], [], color=lighter(INK, LIGHTER), linestyle=DASHED))
        texts.append("simulated, after the measured cell failed")
    marked = [k for k, one in enumerate(given) if any(key in one for key in ("Sz", "voltage_start", "voltage_end"))]
    if marked:
        handles.append(tuple(Line2D([], [], **mark(k)) for k in marked))
        bound = any("Sz" in one and "Sz" in one.get("bounds", ()) for one in given)
        texts.append("measured" + (", arrow: a lower bound" if bound else ""))
    each = 0.6 + max(map(len, texts)) * LETTER
    return _Legend(handles, texts, max(1, min(len(texts), int(width / each))))


def _draw_figures(
    plate: _Plate, runs: Sequence[StoredRun], names: Sequence[str], references: References | None
) -> None:
    arrow = f" {ARROW} "
    measured = any(find_reference(references, name) for name in names)
    head = ["", *(f"{name} ({MICRON})" for name in ("Sa", "Sq", "Sz", "Sz, levelled")), "|U| (mV)"]
    if sz_measured := any("Sz" in find_reference(references, name) for name in names):
        head.append(f"measured Sz ({MICRON})")
    head += ["measured |U| (mV)"] if measured else []
    rows = []
    for run, name in zip(runs, names, strict=True):
        before, after = (_heights(run, frame) for frame in (0, -1))
        pairs = zip(before, after, strict=True)
        row = [name, *(significant_digits(a) + arrow + significant_digits(b) for a, b in pairs)]
        row.append(arrow.join(_millivolt(u) for u in voltage_ends(run)))
        if measured:
            given = find_reference(references, name)
            sz = significant_digits(given["Sz"] * METRE) if "Sz" in given else significant_digits(None)
            row += [str(given.get("Sz_text", sz))] if sz_measured else []
            ends = arrow.join(_millivolt(given.get(key)) for key in ("voltage_start", "voltage_end"))
            row.append(str(given.get("voltage_text", ends)))
        rows.append(row)
    y = plate.traces + TRACE + 0.65
    axes = plate.add(0.35, y, plate.width - 0.7, plate.table)
    longest = max(len(name) for name in names)
    draw_table(
        axes,
        head,
        rows,
        widths=[min(max(1.2, longest / 13), 3.0), *(_width(k, head, rows) for k in range(1, len(head)))],
        colours=RUN_COLOURS,
    )
    lx, ly = lateral_size(runs[0])
    extent = f"{lx:g} {MICRON}" if is_flat_run(runs[0]) else f"{lx:g} {TIMES} {ly:g} {MICRON}"
    sources = dict.fromkeys(str(v["source"]) for v in (references or {}).values() if "source" in v)
    moved = " Measured values that would hide each other stand side by side." if measured else ""
    note = f"Sa, Sq, Sz: unfiltered, over {extent}, first {ARROW} last frame. Levelled: least-squares plane taken off, "
    note += f"as a profilometer's software does before it states Sz. |U|: median under current, first {ARROW} last "
    note += "cycle." + (f" Measured: {'; '.join(sources)}." if sources else "")
    note = fill(note + moved, round(16.5 * min(plate.width, SHEET)))
    place = (0.35 / plate.width, 1 - (y + plate.table + 0.1) / plate.height)
    plate.figure.text(*place, note, fontsize=7.5, ha="left", va="top", color="0.35")


def _width(column: int, head: Sequence[str], rows: Sequence[Sequence[str]]) -> float:
    """Return the width of a column of the table, relative, by its longest text."""
    return max(1.0, max(len(row[column]) for row in [head, *rows]) / 13)


def _heights(run: StoredRun, frame: int) -> tuple[float, float, float, float]:
    """Return Sa, Sq, Sz and the Sz of the levelled surface of a frame [um]."""
    height = height_of(run, frame)
    return (*sa_sq_sz(height), sa_sq_sz(subtract_plane(height))[2])


def _millivolt(volt: float | None) -> str:
    return significant_digits(None if volt is None else volt * MILLI)
