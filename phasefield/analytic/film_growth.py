"""Laws by which the film (SEI) thickens, eq. (8) of docs/theory.md."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phasefield.constants import FARADAY

Floats = NDArray[np.float64]


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
