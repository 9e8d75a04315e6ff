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

from phasefield.viz.metals import dead_of, substrate_of
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
    title_of,
    transport_of,
    when,
)
from phasefield.viz.style import COPPER, INK, MICRON, SALT_MAP, look, new_figure, save

METAL, ISOLATED = "0.55", "#D55E00"
STRIP = 0.02  # of the height: what is seen of a bare metal below the lithium
SHORT = 0.1  # of the mean salt: where less is left, ln c falls too fast for differences, and lines go on as beside
LINES = 16  # of current, across the longer side
HIDDEN = 2  # cells that a line goes on below the surface of lithium
BELOW = 0.15  # of what is shown, that is lithium below its deepest place
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
    "1 in isolated lithium; None where there is none"
    substrate: str = ""
    "name of the bare metal below the plane; empty where lithium covers it"

    @property
    def bottom(self) -> float:
        """Height from which on the plane is drawn [um]: a little below the deepest place that is not lithium."""
        layers = np.flatnonzero((self.xi < 0.5).any(axis=1))
        deepest = layers[0] * self.height / len(self.xi) if len(layers) else 0.0
        return float(max(0.0, deepest - BELOW / (1.0 - BELOW) * (self.height - deepest)))


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
    beta = None if salt is None else transport_of(run, salt / LITRE)
    current = None
    if salt is not None and beta is not None and has_field(run, "potential"):
        current = _direction(field_of(run, "potential", frame)[:, row], salt, xi, beta)
    dead = dead_of(run, frame)
    apart = None if dead is None else dead[:, row]
    return Slice(xi, salt, xi.shape[1] * dx, xi.shape[0] * dx, place, current, apart, substrate_of(run))


def _direction(phi: Array, salt: Array, xi: Array, beta: Array) -> tuple[Array, Array] | None:
    """Return x and z parts of -grad phi + beta grad ln c, theory.md eq. (2), nan in lithium; None at rest."""
    electrolyte = (xi < 0.5) & (salt > 0.0)
    if electrolyte.sum() < 9:
        return None
    both = [_carried_on(values, electrolyte) for values in (phi, np.log(np.where(electrolyte, salt, 1.0)))]
    slopes = [np.gradient(values) for values in both]
    migration, diffusion = -np.array(slopes[0]), beta * np.array(slopes[1])
    current = migration + diffusion
    if np.max(np.hypot(*current)[electrolyte]) <= REST * np.max(np.where(electrolyte, beta, 0.0)):
        return None
    sure = electrolyte & (salt > SHORT * np.mean(salt[electrolyte]))
    z, x = (np.where(electrolyte, _carried_on(part, sure), np.nan) for part in current)
    return x, z


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
        high = cut.height - cut.bottom
        inch = min(6.0 / cut.width, 6.5 / high)
        wide, tall = cut.width * inch, max(high * inch, 1.2)
        left, right, below, head = 0.75, 1.2, 0.6, 0.65
        width, height = max(left + wide + right, 4.6), below + tall + head
        figure = new_figure(width, height)
        axes = figure.add_axes((left / width, below / height, wide / width, tall / height))
        draw_slice(axes, cut, limits)
        if limits is not None and cut.concentration is not None:
            bar = figure.add_axes(((left + wide + 0.15) / width, below / height, 0.16 / width, tall / height))
            draw_salt_bar(bar, limits)
        where = f", {cut.place}" if cut.place else ""
        apart = cut.dead is not None and cut.dead.max() > 0.5
        metal = "lithium (grey, isolated: orange)" if apart else "lithium (grey)"
        metal += f", {cut.substrate} (brown)" if cut.substrate else ""
        shown = f"{metal}, salt and current lines" if cut.current is not None else f"{metal} and salt"
        text = f"{title_of(run)}\n{shown} at {when(run, frame)}{where}"
        figure.text(0.5, 1 - 0.1 / height, text, fontsize=10, ha="center", va="top")
        return save(figure, path)


def draw_slice(axes: Axes, cut: Slice, limits: tuple[float, float] | None) -> AxesImage:
    """Draw a slice to scale into axes; concentration is hidden where lithium is."""
    extent = (0.0, cut.width, 0.0, cut.height)
    bottom = cut.bottom
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
        axes.contourf(x, z, padded, levels=[0.5, max(2.0, padded.max() + 1)], colors=[METAL], zorder=2.5)
        if padded.min() < 0.5:
            axes.contour(x, z, padded, levels=[0.5], colors=[INK], linewidths=0.9, zorder=2.6)
    if cut.dead is not None and cut.dead.max() > 0.5:
        axes.contourf(x, z, np.pad(cut.dead, 1, mode="edge"), levels=[0.5, 2.0], colors=[ISOLATED], zorder=2.7)
    if cut.current is not None:
        _draw_current(axes, cut)
    if cut.substrate:
        bottom = -STRIP * cut.height
        axes.axhspan(bottom, 0.0, color=COPPER, linewidth=0, zorder=2.8)
    axes.set(xlabel=f"x ({MICRON})", ylabel=f"z ({MICRON})", aspect="equal", xlim=extent[:2], ylim=(bottom, cut.height))
    axes.spines[["top", "right"]].set_visible(True)
    return image


def _draw_current(axes: Axes, cut: Slice) -> None:
    """Draw current lines from evenly spaced places at the top down to the lithium, which hides their ends."""
    from scipy.ndimage import binary_dilation, map_coordinates

    assert cut.current is not None
    known = np.isfinite(cut.current[0])
    nz, nx = cut.xi.shape
    z, x = np.linspace(0.0, cut.height, nz + 1), np.linspace(0.0, cut.width, nx + 1)  # the corners of the cells
    corners = np.meshgrid(np.arange(nz + 1) - 0.5, np.arange(nx + 1) - 0.5, indexing="ij")
    near = map_coordinates(1.0 * binary_dilation(known, iterations=HIDDEN), corners, order=1, mode="nearest")
    along, upwards = (
        np.where(near > 0.5, map_coordinates(_carried_on(part, known), corners, order=1, mode="nearest"), np.nan)
        for part in cut.current
    )
    n = int(np.clip(LINES * cut.width / max(cut.width, cut.height - cut.bottom), 5, LINES))
    starts = np.column_stack([(np.arange(n) + 0.5) * cut.width / n, np.full(n, cut.height)])
    axes.streamplot(
        x, z, along, upwards, start_points=starts, broken_streamlines=False, maxlength=40.0,
        color=INK, linewidth=0.5, arrowsize=0.6, zorder=1.5,
    )  # fmt: skip


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
