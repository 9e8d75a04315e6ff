"""The film on the lithium: thickness and conductivity as fields on the surface, carried with it.

    R_film = delta / sigma                                              (5)
    sigma = sigma_mean exp(s N)/<exp(s N)>, N a unit normal patchwork   (6)   <>: mean over the live surface
    N = N_k, the next of a row of random fields, each renewal length     (7)   of mean lithium passed
    d(delta)/dt = r (constant) or K/(2 delta) (square root),            (8)   j_side = F d(delta)/dt / V_film

Film that plating tears is made anew by a share of the plating current, `film.repair`, which neither thickens the film
nor changes its resistance: lithium that is lost (`potential`, where the currents are evaluated).

The patches are renewed as a whole: each renewal length l_r, and at each reversal of the current, which tears the film:
what plating built is not what stripping passes. In between they move with the surface. A renewal falls between two
steps, so that no step sees two films, and the mean over the surface is its clock, so that the mean conductivity over
time is the stated one (a local clock would keep poorly conducting places for longer).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from phasefield.case.film_growth import GrowthLaw, growth_law
from phasefield.kernels import front as front_kernels
from phasefield.kernels import random_field as kernels
from phasefield.model.front import Front
from phasefield.model.random_field import correlated_field, lattice_points

if TYPE_CHECKING:
    from phasefield.case import Case

Floats = NDArray[np.float64]

DUE = 0.02  # of the renewal length: a renewal that is so near is due (the next one comes so much later)


@dataclass
class FilmState:
    """N (patches) and delta (thickness) near the front, where `known` > 0.

    left: mean lithium [m] that has yet to pass before the patches are renewed; patch: number of their random field;
    direction: sign of the last mean speed, 0 before there was any.
    """

    N: Floats
    delta: Floats
    known: Floats
    left: float = math.inf
    patch: int = 0
    direction: float = 0.0

    def copy_from(self, other: FilmState, planes: slice) -> None:
        """Take over all values of `other`, which are known on some planes alone."""
        self.known.fill(0.0)
        for name in ("N", "delta", "known"):
            getattr(self, name)[planes] = getattr(other, name)[planes]
        self.left, self.patch, self.direction = other.left, other.patch, other.direction


@dataclass
class SurfaceFilm:
    """The film's law in one case; it holds no state."""

    sigma: float
    thickness: float
    spread: float
    radius: float
    renewal: float
    seed: int
    growth: GrowthLaw
    shape: tuple[int, int, int]
    dx: float
    periodic: bool = True

    @classmethod
    def of(cls, case: Case) -> SurfaceFilm:
        """Return the film of a case."""
        p, patches = case.properties(), case.film.patches
        spread, size, renewal, seed = 0.0, 1.0, np.inf, 0
        if patches is not None:
            spread, size, seed = patches.spread, patches.size, patches.seed
            renewal = np.inf if patches.renewal is None else patches.renewal
        return cls(
            p.film_conductivity, p.film_thickness, spread, size, renewal, seed, growth_law(case.film.growth),
            case.grid.shape, case.grid.spacing, case.grid.lateral == "periodic",
        )

    def _lattice(self, number: int) -> tuple[Floats, tuple[float, float, float]]:
        """Return the spline coefficients of random field `number` and the lattice points a cell along each axis."""
        lengths = [n * self.dx for n in self.shape]
        for axis in range(3):  # the random lattice is periodic; sides that are not are kept apart
            if axis == 0 or not self.periodic:
                lengths[axis] += 4.0 * self.radius
        points = [1 if n == 1 else lattice_points(s, self.radius, 0.75 * self.dx)
                  for n, s in zip(self.shape, lengths, strict=True)]  # fmt: skip
        scale = [0.0 if n == 1 else n * self.dx / s for n, s in zip(points, lengths, strict=True)]
        key = (self.seed, number)
        a = correlated_field(tuple(points), tuple(lengths), self.radius, key, spline=True)
        return a, (scale[0], scale[1], scale[2])

    def patchwork(self, number: int) -> Floats:
        """Return random field `number` (nz, ny, nx), unit variance; the same for any grid and any threads."""
        a, scale = self._lattice(number)
        _, ny, nx = self.shape
        first, second = np.empty((a.shape[0], a.shape[1], nx)), np.empty((a.shape[0], ny, nx))
        out = np.empty(self.shape)
        kernels.on_grid(out, a, first, second, scale)
        return out

    def start(self, front: Front) -> FilmState:
        """Return the film at t = 0 on the band of `front`."""
        film = FilmState(np.zeros(self.shape), np.full(self.shape, self.thickness), np.zeros(self.shape), self.renewal)
        film.known.ravel()[front.near] = 1.0
        self._sample(film, front)
        return film

    def _sample(self, film: FilmState, front: Front) -> None:
        """Take the patches at the closest points of the cells that carry the film: constant along normals.

        They are the field's own values there: between cell values the peaks, which rule the roughness, are cut.
        """
        if self.spread > 0.0:
            near = front.near
            closest = np.ascontiguousarray(front.closest[np.searchsorted(front.cells[: front.n], near)])
            a, scale = self._lattice(film.patch)
            kernels.at_points(film.N, a, closest, near, scale)

    def due(self, film: FilmState) -> bool:
        """Return whether as much lithium has passed as renews the patches."""
        return film.left <= DUE * self.renewal < math.inf

    def renew(self, film: FilmState, front: Front, direction: float) -> bool:
        """Renew the patches if they are due or the current reverses, eq. (7); return whether they are new.

        direction: sign of the mean current, 0 where it rests (the patches stay).
        """
        reversed_, film.direction = film.direction * direction < 0.0, direction or film.direction
        if not math.isfinite(self.renewal) or not (reversed_ or self.due(film)):
            return False
        film.left = self.renewal if reversed_ else film.left + self.renewal
        film.patch += 1
        self._sample(film, front)
        return True

    def follow(self, film: FilmState, front: Front) -> None:
        """Give cells that have come near the front the values of their closest points; forget those behind."""
        cells = front.cells[: front.n]
        near = front.near
        known = film.known.ravel()
        fresh = near[known[near] == 0.0]
        if fresh.size:
            order = np.searchsorted(cells, fresh)
            closest = np.ascontiguousarray(front.closest[order])
            for f in (film.N, film.delta):
                # Only known cells are read and only unknown ones written.
                front_kernels.extend(f, f, film.known, closest, fresh, fresh.size, True, front.periodic)
            # A place that no known cell surrounds (a new island) starts with the mean film.
            delta = film.delta.ravel()
            lost = fresh[delta[fresh] <= 0.0]
            if lost.size:
                delta[lost] = delta[known > 0.0].mean() if np.any(known) else self.thickness
        film.known.fill(0.0)
        known[near] = 1.0

    def grow(self, film: FilmState, front: Front, speed: float, dt: float, v: Floats, charge: float) -> None:
        """Count the lithium that passes and grow the film over dt [s], eq. (8); dead lithium's film stays.

        speed: mean v over the surface [m/s], negative while stripping; v: that of each cell near it (nz, ny, nx);
        charge [C/m^3]: charge that plates a volume of lithium, what becomes film included.
        """
        film.left -= abs(speed) * dt
        if self.growth.grows:
            live = front.near[front.frozen.ravel()[front.near] == 0]
            plated = np.maximum(v.ravel()[live], 0.0) * (charge * dt) if self.growth.share > 0.0 else 0.0
            film.delta.ravel()[live] = self.growth.thickness(film.delta.ravel()[live], dt, plated)

    def mean_factor(self, film: FilmState, front: Front) -> float | Floats:
        """Return <exp(s N)>, the mean over the live surface, which makes the mean conductivity the stated one.

        With two electrodes that of each, at the cells (nz, ny, nx).
        """
        factors = np.exp(self.spread * front.gather(film.N))
        mean = self._live_mean(front, factors)
        return np.where(front.upper, self._live_mean(front, factors, True), mean) if front.both_electrodes else mean

    @staticmethod
    def _live_mean(front: Front, q: Floats, other: bool = False) -> float:
        """Return the mean of q[e] over the live surface, of two electrodes of one; 1 if there is none."""
        live = front.live_area(other)
        area = front.total(live)
        return front.total(live * q) / area if area > 0.0 else 1.0

    def at_surface(self, film: FilmState, front: Front) -> tuple[Floats, Floats]:
        """Return R_film [ohm m^2] and j_side [A/m^2] at the surface elements, eqs. (5), (6), (8)."""
        delta = front.gather(film.delta)
        sigma = np.full(front.count, self.sigma)
        if self.spread > 0.0:
            patches = np.exp(self.spread * front.gather(film.N))
            mean: float | Floats = self._live_mean(front, patches)
            if front.both_electrodes:
                mean = np.where(front.other, self._live_mean(front, patches, True), mean)
            sigma *= patches / mean
        return delta / sigma, self.growth.current(delta) * front.active
