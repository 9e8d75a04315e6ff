"""The lithium surface at t = 0: a height z(x, y), and the signed distance to it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from phasefield.case.surface import measured_heights, number_of_nuclei
from phasefield.model.front import Front
from phasefield.model.random_field import correlated_field, lattice_points

if TYPE_CHECKING:
    from phasefield.case import Case

Floats = NDArray[np.float64]

APART = 0.6  # of their mean distance: so far nuclei keep from each other, each drawing on the ions around it
START_REDISTANCE = 8  # pseudo-steps a cell of band, for the starting surface
TRIES = 2000  # random places that do not do before they may come closer


def rough(shape: tuple[int, int], dx: float, radius: float, seed: int, periodic: bool) -> Floats:
    """Return a Gaussian height map (ny, nx) of zero mean and unit rms; autocorrelation exp(-(r/radius)^2).

    The lattice depends on the box and the radius alone, so another grid samples the same surface. A mirrored
    box is the first quadrant of a periodic one of twice the size.
    """
    lengths = tuple(n * dx * (1 if periodic else 2) for n in shape)
    axes = [a for a in range(2) if shape[a] > 1]
    box = tuple(lengths[a] for a in axes)
    field = correlated_field(tuple(lattice_points(s, radius, 0.0) for s in box), box, radius, (seed, 1 << 32))
    points = [(np.arange(shape[a]) + 0.5) * dx / lengths[a] * field.shape[m] for m, a in enumerate(axes)]
    grid = np.meshgrid(*points, indexing="ij")
    height = scipy.ndimage.map_coordinates(field, grid, order=3, mode="grid-wrap").reshape(shape)
    height -= height.mean()
    return np.asarray(height / height.std())


def initial_height(case: Case) -> Floats:
    """Return the starting height [m], (ny, nx): flat height plus roughness, shapes and file."""
    _, ny, nx = case.grid.shape
    dx = case.grid.spacing
    s = case.surface
    periodic = case.grid.lateral == "periodic"
    z = np.full((ny, nx), float(s.height))
    if s.roughness is not None and s.correlation_length is not None and s.seed is not None:
        z = z + s.roughness * rough((ny, nx), dx, s.correlation_length, s.seed, periodic)
    for shape in s.shapes().values():
        z += shape.relief(case.grid)
    if s.file is not None:
        z += measured_heights(case.grid, s)
    return z


def height_of_counter(case: Case) -> Floats:
    """Return the starting surface of a resolved counter electrode (ny, nx), its distance from the top [m]."""
    _, ny, nx = case.grid.shape
    s = case.counter.surface
    assert s is not None
    z = np.full((ny, nx), float(s.height))
    if s.roughness is not None and s.correlation_length is not None and s.seed is not None:
        periodic = case.grid.lateral == "periodic"
        z += s.roughness * rough((ny, nx), case.grid.spacing, s.correlation_length, s.seed, periodic)
    return z


def places_of_nuclei(case: Case) -> Floats:
    """Return the places (n, 2) [m] of the nuclei on the substrate: random, none touching another.

    Between mirrored sides none is cut by a side: a cut one would hold less lithium than the others, and the side is
    drawn as a plane of symmetry through electrolyte. Where the last ones find no room all begin anew.
    """
    s, grid = case.surface.substrate, case.grid
    assert s is not None
    edges = np.array([grid.size[0], grid.size[1] if grid.ndim == 3 else 0.0])
    rng = np.random.default_rng((s.seed, 2 << 32))
    n, periodic = number_of_nuclei(grid, s), grid.lateral == "periodic"
    mean = (math.prod(grid.size[:-1]) / n) ** (1.0 / (grid.ndim - 1))
    margin = 0.0 if periodic else s.radius
    least, tries, found = APART * mean, 0, np.empty((0, 2))
    while len(found) < n:
        place = np.where(edges > 0.0, margin + rng.random((1, 2)) * (edges - 2.0 * margin), 0.0)
        if not found.size or _apart(found - place, edges, periodic).min() >= max(least, 2.0 * s.radius):
            found, tries = np.concatenate([found, place]), 0
        elif tries < TRIES:
            tries += 1
        elif least > 2.0 * s.radius:
            least, tries = 0.9 * least, 0
        else:
            found, tries = np.empty((0, 2)), 0
    return found


def _apart(difference: Floats, edges: Floats, periodic: bool) -> Floats:
    """Return the lengths of differences (n, 2) of places [m], the shortest way round."""
    if periodic:
        wide = np.where(edges > 0.0, edges, 1.0)
        difference = difference - wide * np.round(difference / wide)
    return np.asarray(np.hypot(difference[:, 0], difference[:, 1]))


def distance_to_nuclei(case: Case) -> Floats:
    """Return the signed distance [m] to the half spheres on the substrate, (nz, ny, nx)."""
    s = case.surface.substrate
    assert s is not None
    nz, ny, nx = case.grid.shape
    dx, periodic = case.grid.spacing, case.grid.lateral == "periodic"
    edges = np.array([nx * dx, ny * dx if ny > 1 else 0.0])
    x, y = (np.arange(nx) + 0.5) * dx, (np.arange(ny) + 0.5) * dx if ny > 1 else np.zeros(1)
    grid = np.stack(np.meshgrid(x, y, indexing="xy"), axis=-1).reshape(-1, 2)
    z = (np.arange(nz) + 0.5) * dx
    d = np.full((nz, ny * nx), np.inf)
    for place in places_of_nuclei(case):
        r = _apart(grid - place, edges, periodic)
        np.minimum(d, np.hypot(z[:, None], r[None]) - s.radius, out=d)
    return d.reshape(nz, ny, nx)


def steepness_corrected(z: Floats, nz: int, dx: float, periodic: bool) -> Floats:
    """Return (Z - z)/sqrt(1 + |grad z|^2) on (nz, ny, nx): the signed distance to first order, to be redistanced."""
    slope2 = np.zeros_like(z)
    for axis, n in enumerate(z.shape):
        if n > 1:
            mode = "wrap" if periodic else "edge"
            pad = [(1, 1) if a == axis else (0, 0) for a in range(2)]
            wide = np.pad(z, pad, mode=mode)  # type: ignore[call-overload]
            slope2 += ((np.take(wide, range(2, n + 2), axis) - np.take(wide, range(n), axis)) / (2.0 * dx)) ** 2
    heights = (np.arange(nz) + 0.5) * dx
    return np.asarray((heights[:, None, None] - z[None]) / np.sqrt(1.0 + slope2))


def set_surface(f: Front, case: Case) -> None:
    """Set a front to the starting surface of a case."""
    nz, dx, periodic = case.grid.shape[0], case.grid.spacing, f.periodic
    if case.surface.substrate is not None:
        d, even = distance_to_nuclei(case), True
    else:
        z = initial_height(case)
        d, even = steepness_corrected(z, nz, dx, periodic), not np.ptp(z) > 0.0
        if f.both_electrodes:
            z = height_of_counter(case)
            d = np.minimum(d, steepness_corrected(z, nz, dx, periodic)[::-1])
            even = even and not np.ptp(z) > 0.0
    np.clip(d, -f.radius, f.radius, out=f.d)
    f.band()
    if not even:
        steps = START_REDISTANCE * int(np.ceil(f.radius / dx))
        f.redistance(np.zeros_like(f.d), f.cells, f.n, steps, slack=0.0)
    f.phase()
    f.refresh()
