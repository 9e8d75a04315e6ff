"""Contact of a membrane with lithium that its film makes rough: a closed-form margin, eq. (18).

    v = V_m j CV/F              rate at which the film roughens the surface; CV = sqrt(exp(s^2) - 1)
    v = (sigma/2k) [1/eta + 3 A (0.64 sigma)^(n - 1)]      sigma at most E* k h/2, with h = V_m q CV/F
    m = p_0/(sqrt(2) sigma)     margin; erf(m) is the share of the surface in contact

k = 2/l_p is the wave number of patches of size l_p with a spread s of ln(conductivity). The membrane has the viscosity
eta and the modulus E*; lithium creeps at the strain rate A sigma^n. The share is that of B. N. J. Persson, J. Chem.
Phys. 115 (2001) 3840, for a stress of normal distribution with the deviation sigma.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.optimize import brentq

from phasefield.constants import FARADAY

MEGA = 1e6  # Pa in a MPa
SLIP = 0.64  # of the stress of the interface: mean shear stress in lithium below a wave
SAFE = 2.0  # margin at which 0.995 of the surface is in contact


@dataclass(frozen=True)
class Pressed:
    """What decides on the contact, SI.

    pressure p_0 [Pa]; viscosity eta [Pa s] and modulus E* [Pa] of the membrane; creep: strain rate of lithium at 1 MPa
    [1/s]; exponent n; spread s and size l_p [m] of the patches; molar_volume V_m [m^3/mol].
    """

    pressure: float
    viscosity: float
    modulus: float
    creep: float
    exponent: float
    spread: float
    size: float
    molar_volume: float

    @property
    def _variation(self) -> float:
        """Return CV."""
        return math.sqrt(math.expm1(self.spread**2))

    def stress(self, j: float, q: float) -> float:
        """Return sigma [Pa] at a current density j [A/m^2], after a charge q [C/m^2]."""
        k = 2.0 / self.size
        v = self.molar_volume * abs(j) * self._variation / FARADAY
        if v == 0.0:
            return 0.0

        def excess(sigma: float) -> float:
            """Return how far the right side is above v, m/s."""
            creep = 3.0 * self.creep / MEGA * float((SLIP * sigma / MEGA) ** (self.exponent - 1.0))
            return sigma / (2.0 * k) * (1.0 / self.viscosity + creep) - v

        most = 2.0 * k * self.viscosity * v  # by the membrane alone, or by creep alone
        if self.creep > 0.0:
            alone = 2.0 * k * v / (3.0 * self.creep) * (1.0 / SLIP) ** (self.exponent - 1.0)
            most = min(most, MEGA * alone ** (1.0 / self.exponent))
        sigma = float(brentq(excess, 0.0, most * (1.0 + 1e-9), xtol=1e-12 * most, rtol=1e-12))
        if math.isfinite(self.modulus):
            height = self.molar_volume * abs(q) * self._variation / FARADAY
            sigma = min(sigma, 0.5 * self.modulus * k * height)
        return sigma

    def margin(self, j: float, q: float) -> float:
        """Return m; infinite where nothing makes the surface rough."""
        sigma = self.stress(j, q)
        return self.pressure / (math.sqrt(2.0) * sigma) if sigma > 0.0 else math.inf

    def share(self, j: float, q: float) -> float:
        """Return the share of the surface in contact, erf(m)."""
        return math.erf(self.margin(j, q))

    def limiting_current(self, duration: float) -> float:
        """Return the current density [A/m^2] at which m is one, for half-cycles of a duration [s]; may be infinite."""
        wanted = self.pressure / math.sqrt(2.0)

        def excess(j: float) -> float:
            return self.stress(j, j * duration) - wanted

        high = 1.0
        while excess(high) < 0.0:
            high *= 2.0
            if high > 1e12:
                return math.inf
        return float(brentq(excess, 0.0, high, rtol=1e-12))

    def safe_pressure(self, j: float, q: float) -> float:
        """Return the pressure [Pa] for a margin of two."""
        return SAFE * math.sqrt(2.0) * self.stress(j, q)
