"""A vertical cut: salt concentration in colour, lithium in grey, its surface as a line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from phasefield.viz.stored import (
    LITRE,
    METRE,
    Array,
    StoredRun,
    field_of,
    frame_index,
    has_field,
    height_of,
    is_flat_run,
    transport_of,
    when,
)
from phasefield.viz.style import INK, MICRON, SALT_MAP, look, new_figure, save

METAL, ISOLATED = "0.55", "#D55E00"
REST = 1e-7  # change from cell to cell, over beta, below which no current flows that could be drawn
SALT_LABEL = "salt concentration (mol/L)"
NARROW = 1e-3  # least width of a colour scale relative to its middle: rounding is no structure


@dataclass(frozen=True)
class Slice:
    """Fields on one vertical plane (nz, n); lengths in um, concentration in mol/L."""

    xi: Array
    concentration: Array | None
    width: float
    height: float
    place: str
    "where the plane stands, for the title; empty for a 2D run"
    current: tuple[Array, Array] | None = None
    "direction of the ionic current in x and z; None where it is not known"
    dead: Array | None = None
    "1 in isolated lithium; None where it is not stored"


def take_slice(run: StoredRun, frame: int, row: int | None = None) -> Slice:
    """Return the plane y = const through the highest point of a frame, or the given row of cells."""
    dx = run.spacing * METRE
    frame = frame_index(run, frame)
    heights = height_of(run, frame)
    if row is None:
        row = int(np.argmax(heights.max(axis=1)))
    xi = field_of(run, "xi", frame)[:, row]
    salt = field_of(run, "concentration", frame)[:, row] * LITRE if has_field(run, "concentration") else None
    place = "" if is_flat_run(run) else f"y = {(row + 0.5) * dx:.4g} {MICRON}"
    beta = transport_of(run)
    current = None
    if salt is not None and beta is not None and has_field(run, "potential"):
        current = _direction(field_of(run, "potential", frame)[:, row], salt, xi, beta)
    dead = field_of(run, "dead", frame)[:, row] if has_field(run, "dead") else None
    return Slice(xi, salt, xi.shape[1] * dx, xi.shape[0] * dx, place, current, dead)


def _direction(phi: Array, salt: Array, xi: Array, beta: float) -> tuple[Array, Array] | None:
    """Return x and z parts of -grad phi + beta grad ln c, theory.md eq. (2), nan in lithium; None at rest."""
    electrolyte = (xi < 0.5) & (salt > 0.0)
    if electrolyte.sum() < 9:
        return None
    both = [_carried_on(values, electrolyte) for values in (phi, np.log(np.where(electrolyte, salt, 1.0)))]
    slopes = [np.gradient(values) for values in both]
    z, x = (np.where(electrolyte, -slopes[0][k] + beta * slopes[1][k], np.nan) for k in (0, 1))
    size = np.nanmax(np.hypot(x, z))
    return (x, z) if size > REST * beta else None


def salt_limits(slices: list[Slice]) -> tuple[float, float] | None:
    """Common ends of the colour scale over the electrolyte of all slices [mol/L]; None without salt."""
    salts = [(s.concentration, s.xi < 0.5) for s in slices if s.concentration is not None]
    values = [c[outside & np.isfinite(c)] for c, outside in salts]
    values = [v for v in values if v.size]
    if not values:
        return None
    low, high = min(float(v.min()) for v in values), max(float(v.max()) for v in values)
    spare = max(0.0, NARROW * max(abs(low + high) / 2, NARROW) - (high - low)) / 2
    return low - spare, high + spare


def cross_section(
    run: StoredRun,
    path: str | Path,
    frame: int = -1,
    *,
    row: int | None = None,
    limits: tuple[float, float] | None = None,
) -> Path:
    """Write a vertical cut through the highest point (a 2D run: the whole domain) and return the path.

    row: cut through this row of cells instead; limits: ends of the colour scale [mol/L], to compare runs.
    """
    cut = take_slice(run, frame, row)
    limits = limits or salt_limits([cut])
    with look():
        inch = min(6.0 / cut.width, 6.5 / cut.height)
        wide, tall = cut.width * inch, max(cut.height * inch, 1.2)
        left, right, below, head = 0.75, 1.2, 0.6, 0.65
        width, height = max(left + wide + right, 4.6), below + tall + head
        figure = new_figure(width, height)
        axes = figure.add_axes((left / width, below / height, wide / width, tall / height))
        draw_slice(axes, cut, limits)
        if limits is not None and cut.concentration is not None:
            bar = figure.add_axes(((left + wide + 0.15) / width, below / height, 0.16 / width, tall / height))
            draw_salt_bar(bar, limits)
        where = f", {cut.place}" if cut.place else ""
        shown = "lithium (grey), salt and current lines" if cut.current is not None else "lithium (grey) and salt"
        text = f"{run.title}\n{shown} at {when(run, frame)}{where}"
        figure.text(0.5, 1 - 0.1 / height, text, fontsize=10, ha="center", va="top")
        return save(figure, path)


def draw_slice(axes: Axes, cut: Slice, limits: tuple[float, float] | None) -> AxesImage:
    """Draw a slice to scale into axes; concentration is hidden where lithium is."""
    extent = (0.0, cut.width, 0.0, cut.height)
    electrolyte = cut.xi < 0.5
    if cut.concentration is not None and limits is not None:
        image = axes.imshow(
            _carried_on(cut.concentration, electrolyte),
            cmap=SALT_MAP,
            vmin=limits[0],
            vmax=limits[1],
            origin="lower",
            extent=extent,
            interpolation="bilinear",
        )
    else:
        image = axes.imshow(
            np.zeros_like(cut.xi), cmap="Greys", vmin=0, vmax=1, origin="lower", extent=extent
        )
    nz, nx = cut.xi.shape
    padded = np.pad(cut.xi, 1, mode="edge")
    x = np.concatenate([[0.0], (np.arange(nx) + 0.5) * cut.width / nx, [cut.width]])
    z = np.concatenate([[0.0], (np.arange(nz) + 0.5) * cut.height / nz, [cut.height]])
    if padded.max() > 0.5:
        axes.contourf(x, z, padded, levels=[0.5, max(2.0, padded.max() + 1)], colors=[METAL])
        if padded.min() < 0.5:
            axes.contour(x, z, padded, levels=[0.5], colors=[INK], linewidths=0.9)
    if cut.dead is not None and cut.dead.max() > 0.5:
        axes.contourf(x, z, np.pad(cut.dead, 1, mode="edge"), levels=[0.5, 2.0], colors=[ISOLATED])
    if cut.current is not None:
        middles = x[1:-1], z[1:-1]
        axes.streamplot(*middles, *cut.current, color=INK, linewidth=0.5, density=0.9, arrowsize=0.6, zorder=1.5)
    axes.set(xlabel=f"x ({MICRON})", ylabel=f"z ({MICRON})", aspect="equal", xlim=extent[:2], ylim=extent[2:])
    axes.spines[["top", "right"]].set_visible(True)
    return image


def _carried_on(values: Array, known: NDArray[np.bool_]) -> Array:
    """Give every other cell the value of the nearest known one, so that smoothing has no rim of metal."""
    from scipy.ndimage import distance_transform_edt

    if known.all() or not known.any():
        return values
    nearest = distance_transform_edt(~known, return_distances=False, return_indices=True)
    return np.asarray(values[tuple(nearest)])


def draw_salt_bar(axes: Axes, limits: tuple[float, float]) -> None:
    """Draw the colour scale of the concentration into axes of its own."""
    figure = axes.figure
    bar = figure.colorbar(ScalarMappable(Normalize(*limits), colormaps[SALT_MAP]), cax=axes)
    bar.set_label(SALT_LABEL)
    bar.outline.set_linewidth(0.6)
