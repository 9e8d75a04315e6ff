"""A small table of figures, ruled as in a journal."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from phasefield.viz.style import INK

ROW = 0.21  # height of a row [inch]


def table_height(rows: int) -> float:
    """Height of a table with so many rows under its head [inch]."""
    return ROW * (rows + 1) + 0.1


def draw_table(
    axes: Axes,
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    widths: Sequence[float] | None = None,
    colours: Sequence[str] | None = None,
    fontsize: float = 8.5,
) -> None:
    """Draw a table that fills the axes: the first column to the left, the others centred.

    widths: relative widths of the columns; colours: of the first entry of each row.
    """
    axes.set_axis_off()
    axes.set(xlim=(0, 1), ylim=(len(rows) + 1, 0))
    parts = list(widths or [1.0] * len(head))
    edges = [sum(parts[:k]) / sum(parts) for k in range(len(parts) + 1)]
    for y, heavy in ((0.0, 1.0), (1.0, 0.6), (len(rows) + 1.0, 1.0)):
        axes.plot([0, 1], [y, y], color=INK, linewidth=heavy, clip_on=False)
    for r, row in enumerate([head, *rows]):
        for k, text in enumerate(row):
            first = k == 0
            axes.text(
                edges[k] + 0.004 if first else (edges[k] + edges[k + 1]) / 2,
                r + 0.52,
                text,
                ha="left" if first else "center",
                va="center",
                fontsize=fontsize,
                fontweight="bold" if first and r > 0 else "normal",
                color=colours[r - 1] if colours and first and r > 0 else INK,
            )
