"""The Allen-Cahn law of the published models: what its coefficients are in measurable quantities, and its march.

    xi_t = -L_s (W g'(xi) - k lap xi) + source,   g = xi^2 (1 - xi)^2               (12)
    W = 12 gamma/delta,   k = 3 gamma delta/2,   L_e = 2 j0/(3 n F C_s delta)        (13)

Equilibrium: xi = (1 - tanh(2 d/delta))/2, so delta = 4 W of eq. (1), with the energy gamma an area. Chen et al. 2015,
Hong & Viswanathan 2018, Arguello et al. 2022 (docs/theory.md).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phasefield.constants import FARADAY
from phasefield.kernels import allen_cahn as kernels
from phasefield.kernels.front import Lattice

Floats = NDArray[np.float64]
Source = Callable[[Floats, Floats, float], None]

GAMMA = 1.0 - np.sqrt(0.5)  # first node of the step, and its implicit weight
LATE = 0.5 / GAMMA  # weight of the rate at that node; 1 - LATE that of the rate at the start
STABLE = 0.8  # of the explicit limit


@dataclass(frozen=True)
class AllenCahnCoefficients:
    """Coefficients of eq. (12): barrier W [J/m^3], gradient k [J/m], mobility L_s [m^3/(J s)], exchange L_e [1/s]."""

    barrier: float
    gradient: float
    mobility: float
    exchange: float

    @classmethod
    def of(cls, gamma: float, delta: float, j0: float, molar_volume: float, mobility: float) -> AllenCahnCoefficients:
        """Return the coefficients for gamma [J/m^2], the width delta [m], j0 [A/m^2] and V_m = 1/C_s, eq. (13)."""
        exchange = 2.0 * j0 * molar_volume / (3.0 * FARADAY * delta)
        return cls(12.0 * gamma / delta, 1.5 * gamma * delta, mobility, exchange)

    @property
    def surface_energy(self) -> float:
        """Return gamma [J/m^2] of the equilibrium profile: the integral of k (xi')^2 across it."""
        return float(np.sqrt(self.barrier * self.gradient / 18.0))

    @property
    def width(self) -> float:
        """Return delta [m] of the equilibrium profile."""
        return float(np.sqrt(8.0 * self.gradient / self.barrier))

    def longest(self, dx: float, axes: int) -> float:
        """Return the longest stable step [s]: a two-stage method reaches -2 along the real axis; |g''| <= 2."""
        fastest = self.mobility * (4.0 * axes * self.gradient / dx**2 + 2.0 * self.barrier)
        return STABLE * 2.0 / fastest if fastest > 0.0 else float(np.inf)


class AllenCahn:
    """March of eq. (12) on one grid; holds only work arrays."""

    def __init__(self, lattice: Lattice, co: AllenCahnCoefficients) -> None:
        """lattice: grid; co: coefficients."""
        self.lattice = lattice
        self.barrier = co.mobility * co.barrier
        self.stiffness = co.mobility * co.gradient / lattice.dx**2
        self.longest = co.longest(lattice.dx, sum(n > 1 for n in (lattice.nz, lattice.ny, lattice.nx)))
        shape = (lattice.nz, lattice.ny, lattice.nx)
        self.first, self.second, self.middle = np.zeros(shape), np.zeros(shape), np.zeros(shape)

    def rate(self, out: Floats, xi: Floats) -> None:
        """Write the rate [1/s] of eq. (12) without its source."""
        kernels.relax(out, xi, self.lattice, self.barrier, self.stiffness)

    def step(self, xi: Floats, t: float, dt: float, source: Source) -> None:
        """Advance xi (in place) from t by dt [s], second order; source(out, xi, t) adds to the rate out."""
        self.rate(self.first, xi)
        source(self.first, xi, t)
        kernels.add(self.middle, xi, GAMMA * dt, self.first, 0.0, self.first)
        self.rate(self.second, self.middle)
        source(self.second, self.middle, t + GAMMA * dt)
        kernels.add(xi, xi, (1.0 - LATE) * dt, self.first, LATE * dt, self.second)
