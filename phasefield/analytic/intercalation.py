"""A lumped intercalation electrode: one open-circuit curve, and one spherical particle that stands for all.

    dy/dt = -j/Q                                            y: filling with lithium, j > 0: charge
    y_s - y = -(tau/3) sum of (2/l_k^2) m_k,                dm_k/dt = (j/Q - m_k) l_k^2/tau,      tan l_k = l_k
    V = U(y_s) + (voltage of the cell against a lithium electrode in its place)

with tau = R^2/D. At a constant current that is the exact filling at the surface of a sphere (J. Crank, The
Mathematics of Diffusion, 2nd ed., eq. 6.45): y_s - y = -(tau/3)(j/Q)(1/5 - 2 sum exp(-l_k^2 t/tau)/l_k^2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from phasefield.case import Case

Floats = NDArray[np.float64]
Number = TypeVar("Number", float, NDArray[np.float64])

MODES = 24  # of the particle; the rest follows as fast as the next one
BEYOND = 1e4  # V per filling: slope of the open-circuit curve outside of 0 to 1, where no filling is
SOON = 1e-300  # s, stands for no time: without diffusion the modes follow at once
LEAST = 1e-4  # of the exchange current density, where a particle's surface is empty or full
STEP = 0.03  # V that the open-circuit potential may change in a step
FURTHEST, NEAREST = 0.1, 1e-4  # change of the filling in a step, at most, and whatever the potential does


def _roots(n: int) -> Floats:
    """Return the first n positive roots of tan l = l."""
    k = math.pi * np.arange(1.0, n + 1.0)
    roots = k.copy()
    for _ in range(60):
        roots = k + np.arctan(roots)
    return np.asarray(roots, dtype=np.float64)


@dataclass(frozen=True)
class Intercalation:
    """The electrode of a case; it holds no state. The state: charge passed since t = 0, and the modes m_k [1/s]."""

    capacity: float  # C/m^2
    filling_0: float
    tau: float  # s
    j0: float  # A/m^2, half full
    at: Floats
    potential: Floats  # V
    rates: Floats  # 1/s, of the modes
    weights: Floats  # s, of the modes

    @classmethod
    def of(cls, case: Case) -> Intercalation | None:
        """Return the electrode of a case, None if it has none."""
        c = case.cathode
        if c is None:
            return None
        tau = c.diffusion_time or 0.0
        l2 = _roots(MODES + 1) ** 2
        weights = 2.0 / l2
        weights[-1] = 0.2 - weights[:-1].sum()
        return cls(
            c.areal_capacity, c.filling, tau, c.exchange_current_density,
            np.array(c.open_circuit.filling), np.array(c.open_circuit.potential),
            l2 / tau if tau > 0.0 else np.full(l2.size, math.inf), tau / 3.0 * weights,
        )  # fmt: skip

    def start(self) -> Floats:
        """Return the modes at t = 0: nothing has passed."""
        return np.zeros(MODES + 1)

    def followed(self, modes: Floats, j: float, dt: float) -> Floats:
        """Return the modes after dt [s] at a current density j [A/m^2]; exact at a constant current."""
        decay = np.exp(-self.rates * dt) if dt > 0.0 else np.ones(modes.size)
        rate = j / self.capacity
        return np.asarray(rate + (modes - rate) * decay)

    def filling(self, charge: Number) -> Number:
        """Return the mean filling after a charge [C/m^2] since t = 0."""
        return self.filling_0 - charge / self.capacity

    def surface(self, charge: float, modes: Floats) -> float:
        """Return the filling at the particles' surface."""
        return self.filling(charge) - float(np.sum(self.weights * modes))

    def surface_over(self, charge: float, modes: Floats, j: float, times: Floats) -> Floats:
        """Return the filling at the surface after times [s] at a current density j [A/m^2], from charge and modes."""
        rate = j / self.capacity
        decay = np.exp(-self.rates * np.maximum(times, SOON)[:, None])
        return np.asarray(self.filling(charge + j * times) - (rate + (modes - rate) * decay) @ self.weights)

    def open_circuit(self, y: Number) -> Number:
        """Return U [V] at a filling y of the surface; beyond 0 and 1 it rises and falls steeply."""
        inside: Number = np.clip(y, 0.0, 1.0)
        potential: Number = np.interp(inside, self.at, self.potential) - BEYOND * (y - inside)
        return potential

    def exchange_current(self, y: Number) -> Number:
        """Return the exchange current density [A/m^2] at a filling y of the surface: 2 j0 sqrt(y (1 - y))."""
        current: Number = self.j0 * np.maximum(2.0 * np.sqrt(np.maximum(y * (1.0 - y), 0.0)), LEAST)
        return current

    def longest(self, y: float, j: float) -> float:
        """Return the longest step [s] at j [A/m^2] that follows the open-circuit curve from a filling y on."""
        if j == 0.0:
            return math.inf
        near, far = NEAREST, FURTHEST
        while far - near > NEAREST:
            middle = 0.5 * (near + far)
            ahead = self.open_circuit(y - math.copysign(middle, j))
            near, far = (middle, far) if abs(ahead - self.open_circuit(y)) <= STEP else (near, middle)
        return near * self.capacity / abs(j)

    def steps(self) -> int:
        """Return in how many steps `longest` leads from full to empty."""
        y, n = 1.0, 0
        while y > 0.0:
            y -= self.longest(y, self.capacity)
            n += 1
        return n
