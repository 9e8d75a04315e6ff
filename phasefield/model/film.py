"""The film on the lithium: thickness and conductivity as fields on the surface, carried with it.

    R_film = delta / sigma                                              (5)
    sigma = sigma_mean exp(s N)/<exp(s N)>, N a unit normal patchwork   (6)   <>: mean over the live surface
    dN = -(N - b N_k) dQ/l, l = l_r/20, Q: mean lithium passed [m]       (7)   renewal, kernels/film.py
    d(delta)/dt = r (constant) or K/(2 delta) (square root),            (8)   j_side = F d(delta)/dt / V_film

The patches go over to a new random frame N_k each renewal length l_r, and at each reversal of the current, which tears
the film: what plating built is not what stripping passes. The clock is the mean over the surface, so that the mean
conductivity over time is the stated one (a local clock would keep poorly conducting places for longer).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..constants import FARADAY
from ..kernels import film as kernels
from ..kernels import front as front_kernels
from .front import Front
from .noise import correlated, lattice_points, spline_coefficients

if TYPE_CHECKING:
    from ..case import Case

Floats = NDArray[np.float64]

RELAXATION = 0.05  # of the renewal length: the patches go over to the new ones within it
KEPT_FRAMES = 6
NEXT = 1e-12  # relative: a frame's end that is this near has been reached


@dataclass(frozen=True)
class Growth:
    """Law of film growth: constant rate [m/s] or square root, coefficient [m^2/s]; molar volume [m^3/mol Li]."""

    law: str = "none"
    rate: float = 0.0
    coefficient: float = 0.0
    molar_volume: float = 1.0

    def thickness(self, delta: Floats, dt: float) -> Floats:
        """Return the thickness [m] after dt [s], eq. (8)."""
        if self.law == "constant":
            return delta + self.rate * dt
        if self.law == "square-root":
            return np.sqrt(delta**2 + self.coefficient * dt)
        return delta

    def current(self, delta: Floats) -> Floats:
        """Return the side-reaction current density [A/m^2], eq. (8)."""
        if self.law == "constant":
            return np.full_like(delta, FARADAY * self.rate / self.molar_volume)
        if self.law == "square-root":
            return FARADAY * self.coefficient / (2.0 * delta * self.molar_volume)
        return np.zeros_like(delta)


@dataclass
class FilmState:
    """N (patches) and delta (thickness) near the front, where `known` > 0; Q: mean lithium passed [m].

    direction: sign of the last mean speed.
    """

    N: Floats
    delta: Floats
    known: Floats
    Q: float = 0.0
    direction: float = 0.0

    def copy_from(self, other: FilmState) -> None:
        """Take over all values of `other`."""
        np.copyto(self.N, other.N)
        np.copyto(self.delta, other.delta)
        np.copyto(self.known, other.known)
        self.Q, self.direction = other.Q, other.direction


@dataclass
class Film:
    """The film's law in one case; it holds no state but a cache of random frames."""

    sigma: float
    thickness: float
    spread: float
    radius: float
    renewal: float
    seed: int
    growth: Growth
    shape: tuple[int, int, int]
    dx: float
    _frames: dict[int, Floats] = field(default_factory=dict)

    def __post_init__(self) -> None:
        patchy = self.shape if self.spread > 0.0 else (0, 0, 0)
        self._noise, self._everywhere = np.zeros(patchy), np.ones(patchy)

    @classmethod
    def of(cls, case: Case) -> Film:
        """Return the film of a case."""
        p, patches, growth = case.properties(), case.film.patches, case.film.growth
        law = Growth()
        if growth is not None and growth.law != "none":
            law = Growth(growth.law, growth.rate or 0.0, growth.coefficient or 0.0, growth.molar_volume or 1.0)
        spread, size, renewal, seed = 0.0, 1.0, np.inf, 0
        if patches is not None:
            spread, size, seed = patches.spread, patches.size, patches.seed
            renewal = np.inf if patches.renewal is None else patches.renewal
        return cls(
            p.film_conductivity, p.film_thickness, spread, size, renewal, seed, law,
            case.grid.shape, case.grid.spacing,
        )

    def frame(self, number: int) -> Floats:
        """Return random frame `number` (nz, ny, nx), unit variance; the same for any grid and any threads."""
        if number not in self._frames:
            while len(self._frames) >= KEPT_FRAMES:
                del self._frames[min(self._frames)]
            lengths = [n * self.dx for n in self.shape]
            lengths[0] += 4.0 * self.radius  # the lattice is periodic in z too; keep its ends apart
            points = [1 if n == 1 else lattice_points(s, self.radius, 0.75 * self.dx)
                      for n, s in zip(self.shape, lengths, strict=True)]  # fmt: skip
            scale = [0.0 if n == 1 else n * self.dx / s for n, s in zip(points, lengths, strict=True)]
            key = (self.seed, number + 1)
            a = spline_coefficients(correlated(tuple(points), tuple(lengths), self.radius, key))
            _, ny, nx = self.shape
            first, second = np.empty((points[0], points[1], nx)), np.empty((points[0], ny, nx))
            out = np.empty(self.shape)
            kernels.on_grid(out, a, first, second, (scale[0], scale[1], scale[2]))
            self._frames[number] = out
        return self._frames[number]

    def start(self, front: Front) -> FilmState:
        """Return the film at t = 0 on the band of `front`."""
        N, delta = np.zeros(self.shape), np.full(self.shape, self.thickness)
        known = np.zeros(self.shape)
        known.ravel()[self.near(front)] = 1.0
        if self.spread > 0.0:
            self._sample(N, -1, front, self.near(front))
        return FilmState(N, delta, known)

    def _sample(self, out: Floats, number: int, front: Front, near: NDArray[np.int64]) -> None:
        """Write frame `number` at the closest points of the cells `near`: constant along normals."""
        foot = np.ascontiguousarray(front.foot[np.searchsorted(front.cells[: front.n], near)])
        frame = self.frame(number)
        front_kernels.extend(out, frame, self._everywhere, foot, near, near.size, front.periodic)

    @staticmethod
    def near(front: Front) -> NDArray[np.int64]:
        """Return the cells that carry the film: those of the interface and one beyond."""
        cells = front.cells[: front.n]
        return np.asarray(cells[np.abs(front.d.ravel()[cells]) < front.closed + front.lattice.dx])

    def follow(self, film: FilmState, front: Front) -> NDArray[np.int64]:
        """Give cells that have come near the front the values of their closest points; forget those behind.

        Returns the cells that carry the film now.
        """
        cells = front.cells[: front.n]
        near = self.near(front)
        known = film.known.ravel()
        fresh = near[known[near] == 0.0]
        if fresh.size:
            order = np.searchsorted(cells, fresh)
            foot = np.ascontiguousarray(front.foot[order])
            for f in (film.N, film.delta):
                # Only known cells are read and only unknown ones written.
                front_kernels.extend(f, f, film.known, foot, fresh, fresh.size, front.periodic)
            # A place that no known cell surrounds (a new island) starts with the mean film.
            lost = fresh[film.delta.ravel()[fresh] <= 0.0]
            film.delta.ravel()[lost] = self.thickness
        film.known.fill(0.0)
        known[near] = 1.0
        return near

    def evolve(self, film: FilmState, front: Front, near: NDArray[np.int64], speed: float, dt: float) -> None:
        """Renew the patches by the lithium passed and grow the film over dt [s], eqs. (7) and (8).

        near: cells of the film; speed: mean v over the surface [m/s], negative while stripping.
        """
        if self.spread > 0.0 and np.isfinite(self.renewal) and speed != 0.0:
            length, relaxation = self.renewal, RELAXATION * self.renewal
            direction = 1.0 if speed > 0.0 else -1.0
            if film.direction * direction < 0.0:
                film.Q = length * np.ceil(film.Q / length * (1.0 - NEXT))
            film.direction = direction
            rest = np.exp(-length / relaxation)
            gain = float(np.sqrt((1.0 + rest) / (1.0 - rest)))  # keeps the variance of N at 1 from frame to frame
            end = film.Q + abs(speed) * dt
            while end > film.Q:
                number = int(np.floor(film.Q / length * (1.0 + NEXT)))
                stop = min(end, (number + 1) * length)
                if stop <= film.Q:
                    break
                keep = float(np.exp(-(stop - film.Q) / relaxation))
                self._sample(self._noise, number, front, near)
                kernels.renew(film.N, self._noise, near, near.size, keep, gain)
                film.Q = stop
        if self.growth.law != "none":
            film.delta.ravel()[near] = self.growth.thickness(film.delta.ravel()[near], dt)

    def mean_factor(self, film: FilmState, front: Front) -> float:
        """Return <exp(s N)>, the mean over the live surface, which makes the mean conductivity the stated one."""
        return self._live_mean(front, np.exp(self.spread * front.gather(film.N)))

    @staticmethod
    def _live_mean(front: Front, q: Floats) -> float:
        """Return the mean of q[e] over the live surface, 1 if there is none."""
        live = front.area[: front.count] * front.active
        area = front.total(live)
        return front.total(live * q) / area if area > 0.0 else 1.0

    def at_surface(self, film: FilmState, front: Front) -> tuple[Floats, Floats]:
        """Return R_film [ohm m^2] and j_side [A/m^2] at the surface elements, eqs. (5), (6), (8)."""
        delta = front.gather(film.delta)
        sigma = np.full(front.count, self.sigma)
        if self.spread > 0.0:
            patches = np.exp(self.spread * front.gather(film.N))
            sigma *= patches / self._live_mean(front, patches)
        return delta / sigma, self.growth.current(delta) * front.active
