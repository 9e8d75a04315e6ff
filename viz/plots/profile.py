"""Measured and simulated surfaces on one plate: maps on one colour scale, spectra, heights, figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from matplotlib.colors import Normalize
from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

from phasefield.viz.stored import METRE, Array
from phasefield.viz.style import (
    HEIGHT_MAP,
    MICRON,
    RUN_COLOURS,
    TIMES,
    look,
    new_figure,
    powers,
    save,
    significant_digits,
)
from phasefield.viz.table import draw_table, table_height

SIDE = 3.0  # of a map [inch]
MOST_ACROSS = 4
DECADES = 20.0  # a logarithmic axis that spans less bears plain numbers
CURVES = 2.6  # height of the curves [inch]
ROWS = (("Sa", True), ("Sq", True), ("Sz", True), ("Ssk", False), ("Sku", False), ("Sdq", False), ("Sal", True))


class ShownSurface(Protocol):
    """A surface of the plate; SI units."""

    @property
    def name(self) -> str: ...
    @property
    def heights(self) -> Array:
        """(n, n) [m]."""

    @property
    def figures(self) -> Mapping[str, Any]: ...
    @property
    def spectrum(self) -> tuple[Array, Array]:
        """Wave number [1/m], power spectral density [m^4]."""

    @property
    def correlation(self) -> tuple[Array, Array]:
        """Distance [m], autocorrelation."""

    @property
    def heights_of(self) -> tuple[Array, Array]:
        """Height [m], density [1/m]."""


def profiles_plate(shown: Sequence[ShownSurface], spacing: float, path: str | Path) -> Path:
    """Write the plate and return its path. All surfaces have the same points at the same spacing [m]."""
    across = min(MOST_ACROSS, len(shown))
    down = -(-len(shown) // across)
    width = max(across * (SIDE + 0.55) + 1.5, 9.0)
    table = table_height(len(ROWS))
    height = 0.9 + down * (SIDE + 0.65) + CURVES + 1.1 + table + 0.3
    edge = len(shown[0].heights) * spacing * METRE
    low = METRE * min(float(one.heights.min()) for one in shown)
    high = METRE * max(float(one.heights.max()) for one in shown)
    with look():
        figure = new_figure(width, height)
        left = (width - 1.0 - across * (SIDE + 0.55)) / 2 + 0.5
        mesh = None
        for k, one in enumerate(shown):
            row, column = divmod(k, across)
            x, y = left + column * (SIDE + 0.55), height - 0.9 - (row + 1) * (SIDE + 0.65) + 0.5
            axes = figure.add_axes((x / width, y / height, SIDE / width, SIDE / height))
            mesh = axes.imshow(
                one.heights * METRE, origin="lower", extent=(0, edge, 0, edge), cmap=HEIGHT_MAP,
                norm=Normalize(low, high), interpolation="nearest",
            )  # fmt: skip
            axes.set_title(one.name, fontsize=9)
            axes.set_xlabel(f"x ({MICRON})")
            if column == 0:
                axes.set_ylabel(f"y ({MICRON})")
        assert mesh is not None
        x, y = left + across * (SIDE + 0.55) - 0.3, height - 0.9 - (SIDE + 0.65) + 0.5
        bar = figure.colorbar(mesh, cax=figure.add_axes((x / width, y / height, 0.14 / width, SIDE / height)))
        bar.set_label(f"height ({MICRON})")
        _curves(figure, shown, (width, height), table + 0.3 + 0.6)
        cells = []
        for name, length in ROWS:
            found = [one.figures[name] for one in shown]
            unit = METRE if length else 1.0
            values = [significant_digits(None if value is None else value * unit) for value in found]
            cells.append([name + (f" ({MICRON})" if length else ""), *values])
        axes = figure.add_axes((0.08, 0.15 / height, 0.84, table / height))
        draw_table(axes, ["", *(one.name for one in shown)], cells)
        figure.suptitle(
            f"Levelled, on the same {edge:.4g} {TIMES} {edge:.4g} {MICRON}, points of {spacing * METRE:.3g} {MICRON}",
            fontsize=10, y=1 - 0.25 / height,
        )  # fmt: skip
        return save(figure, path)


def _curves(figure: Any, shown: Sequence[ShownSurface], size: tuple[float, float], bottom: float) -> None:
    width, height = size
    each = (width - 1.0) / 3.0
    for k in range(3):
        axes = figure.add_axes(((0.75 + k * each) / width, bottom / height, (each - 0.75) / width, CURVES / height))
        for one, colour in zip(shown, [*RUN_COLOURS] * 4, strict=False):
            if k == 0:
                q, power = one.spectrum[0] / METRE, one.spectrum[1] * METRE**4
                good = power > 0.0  # a flat map has none
                (axes.loglog if good.any() else axes.plot)(q[good], power[good], color=colour, label=one.name)
            elif k == 1:
                axes.plot(one.correlation[0] * METRE, one.correlation[1], color=colour)
            else:
                axes.plot(one.heights_of[0] * METRE, one.heights_of[1] / METRE, color=colour)
        if k == 0:
            if axes.get_xscale() == "log":
                powers(axes.xaxis, axes.yaxis)
                ends = axes.get_xlim()
                if ends[1] < DECADES * ends[0]:  # whole decades would be too few
                    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
                    axes.xaxis.set_major_formatter(ScalarFormatter())
            axes.xaxis.set_minor_formatter(NullFormatter())
            axes.set_xlabel(f"wave number (1/{MICRON})")
            axes.set_ylabel(f"power spectral density ({MICRON}\N{SUPERSCRIPT FOUR})")
            axes.legend(fontsize=7)
        elif k == 1:
            axes.axhline(0.0, color="0.7", linewidth=0.6)
            axes.set_xlim(left=0.0)
            axes.set_xlabel(f"distance ({MICRON})")
            axes.set_ylabel("autocorrelation")
        else:
            axes.set_xlabel(f"height ({MICRON})")
            axes.set_ylim(bottom=0.0)
            axes.set_ylabel(f"density (1/{MICRON})")
