"""The main plate: runs side by side, before and after; beneath them voltage, roughness and a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

from matplotlib.figure import Figure

from phasefield.topography.roughness import basic
from phasefield.viz.plots.series import MILLI, draw_length, draw_voltage, voltage_ends
from phasefield.viz.stored import METRE, StoredRun, find_reference, height_of, is_flat_run, labels, when
from phasefield.viz.style import (
    ARROW,
    INK,
    MICRON,
    RUN_COLOURS,
    TIMES,
    look,
    new_figure,
    save,
    significant_digits,
)
from phasefield.viz.surfaces.camera import View, common_view, lateral_size
from phasefield.viz.surfaces.section import draw_salt_bar, draw_slice, salt_limits, take_slice
from phasefield.viz.surfaces.surface import POINTS, ROOM, draw_height_bar, draw_surface
from phasefield.viz.table import draw_table, table_height

PANEL = 4.7  # width of a surface [inch]
TALLEST = 5.0  # height a surface or section may take [inch]
LEFT, RIGHT = 0.25, 1.15  # margins [inch]
HEAD, GAP, TRACE, FOOT = 1.0, 0.3, 2.3, 0.45  # title, between rows, traces, note [inch]

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
    and Sz of all runs against time; a table. 2D runs are shown as cross-sections.
    references: measured values by run title or a word of it ("PLLZ"): `Sz` [m], `voltage_start`,
    `voltage_end` [V] as numbers, `Sz_text`, `voltage_text` for the table, `source` for the note.
    """
    if not runs:
        raise ValueError("a comparison needs at least one run")
    names, shared = labels(runs)
    frames = [(run, k) for k in (0, -1) for run in runs]
    with look():
        plate = _Plate(len(runs), len(runs))
        if any(is_flat_run(run) for run in runs):
            _draw_sections(plate, frames)
        else:
            _draw_surfaces(plate, frames, view or common_view(frames), solid)
        for k, name in enumerate(names):
            x = (LEFT + (k + 0.5) * plate.column) / plate.width
            y = 1 - (HEAD - 0.12) / plate.height
            text, colour = fill(name, 44), RUN_COLOURS[k % len(RUN_COLOURS)]
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

    def __init__(self, columns: int, rows: int) -> None:
        self.columns = columns
        self.table = table_height(rows)
        self.width = max(LEFT + columns * PANEL + RIGHT, 10.0)
        self.column = (self.width - LEFT - RIGHT) / columns
        self.row = 0.0
        self.height = 0.0
        self.figure: Figure

    def set_row(self, tall: float) -> None:
        """Fix the height of the pictures [inch]; the sheet follows."""
        self.row = tall
        self.height = HEAD + 2 * tall + GAP + 0.55 + TRACE + 0.65 + self.table + FOOT
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
        return self.top(1) + self.row + 0.55


def _draw_surfaces(plate: _Plate, frames: list[tuple[StoredRun, int]], view: View, solid: bool) -> None:
    inner = plate.column - 0.1
    scale = (inner * POINTS - ROOM[0] - ROOM[1]) / (2 * view.camera.aspect)
    plate.set_row(min((2 * scale + ROOM[2] + ROOM[3]) / POINTS, TALLEST))
    for n, (run, frame) in enumerate(frames):
        row, column = divmod(n, plate.columns)
        axes = plate.add(LEFT + column * plate.column, plate.top(row), inner, plate.row)
        draw_surface(axes, run, frame, view, solid=solid)
        _caption(plate, axes, run, frame, row)
    long = min(0.62 * (2 * plate.row + GAP), 3.6)
    y = HEAD + (2 * plate.row + GAP - long) / 2
    draw_height_bar(plate.add(plate.width - RIGHT + 0.2, y, 0.17, long), view)


def _draw_sections(plate: _Plate, frames: list[tuple[StoredRun, int]]) -> None:
    cuts = [take_slice(run, frame) for run, frame in frames]
    limits = salt_limits(cuts)
    inner = plate.column - 0.8
    plate.set_row(0.45 + min(max(inner * cut.height / cut.width for cut in cuts), TALLEST))
    for n, ((run, frame), cut) in enumerate(zip(frames, cuts, strict=True)):
        row, column = divmod(n, plate.columns)
        axes = plate.add(LEFT + 0.5 + column * plate.column, plate.top(row) + 0.25, inner, plate.row - 0.45)
        draw_slice(axes, cut, limits)
        axes.set_title(_words(run, frame, row), fontsize=9)
    if limits is not None:
        long = min(0.62 * (2 * plate.row + GAP), 3.6)
        y = HEAD + (2 * plate.row + GAP - long) / 2
        draw_salt_bar(plate.add(plate.width - RIGHT + 0.2, y, 0.17, long), limits)


def _caption(plate: _Plate, axes: Any, run: StoredRun, frame: int, row: int) -> None:
    axes.text(0.02, 0.99, _words(run, frame, row), transform=axes.transAxes, ha="left", va="top", fontsize=9)


def _words(run: StoredRun, frame: int, row: int) -> str:
    sz = basic(height_of(run, frame))[2]
    return f"{('before', 'after')[row]}, {when(run, frame)}: Sz = {significant_digits(sz)} {MICRON}"


def _draw_traces(
    plate: _Plate, runs: Sequence[StoredRun], names: Sequence[str], references: References | None
) -> None:
    x0, between = 0.85, 0.95
    wide = (plate.width - x0 - 0.35 - between) / 2
    voltage = plate.add(x0, plate.traces, wide, TRACE)
    sz = plate.add(x0 + wide + between, plate.traces, wide, TRACE)
    draw_voltage(voltage, runs, names, references)
    draw_length(sz, runs, names, "Sz", references)
    if any(find_reference(references, name) for name in names):
        sz.plot([], [], marker="o", color="white", markeredgecolor=INK, linestyle="none", label="measured")
    sz.legend(loc="upper left", borderaxespad=0.2)
    sz.set_ylim(top=sz.get_ylim()[1] * (1.12 + 0.07 * len(runs)))


def _draw_figures(
    plate: _Plate, runs: Sequence[StoredRun], names: Sequence[str], references: References | None
) -> None:
    arrow = f" {ARROW} "
    measured = any(find_reference(references, name) for name in names)
    head = ["", *(f"{name} ({MICRON})" for name in ("Sa", "Sq", "Sz")), "|U| (mV)"]
    head += [f"measured Sz ({MICRON})", "measured |U| (mV)"] if measured else []
    rows = []
    for run, name in zip(runs, names, strict=True):
        before, after = basic(height_of(run, 0)), basic(height_of(run, -1))
        pairs = zip(before, after, strict=True)
        row = [name, *(significant_digits(a) + arrow + significant_digits(b) for a, b in pairs)]
        row.append(arrow.join(_millivolt(u) for u in voltage_ends(run)))
        if measured:
            given = find_reference(references, name)
            sz = significant_digits(given["Sz"] * METRE) if "Sz" in given else significant_digits(None)
            row.append(str(given.get("Sz_text", sz)))
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
        widths=[min(max(1.2, longest / 13), 3.0), *[1.0] * (len(head) - 1)],
        colours=RUN_COLOURS,
    )
    lx, ly = lateral_size(runs[0])
    extent = f"{lx:g} {MICRON}" if is_flat_run(runs[0]) else f"{lx:g} {TIMES} {ly:g} {MICRON}"
    sources = dict.fromkeys(str(v["source"]) for v in (references or {}).values() if "source" in v)
    note = f"Sa, Sq, Sz: unfiltered, over {extent}, first {ARROW} last frame. |U|: median under current, "
    note += f"first {ARROW} last cycle." + (f" Measured: {'; '.join(sources)}." if sources else "")
    place = (0.35 / plate.width, 1 - (y + plate.table + 0.1) / plate.height)
    plate.figure.text(*place, note, fontsize=7.5, ha="left", va="top", color="0.35")


def _millivolt(volt: float | None) -> str:
    return significant_digits(None if volt is None else volt * MILLI)
