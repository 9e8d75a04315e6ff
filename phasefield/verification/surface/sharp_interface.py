"""The sharp problem of a wavy lithium surface at t = 0, solved by Fourier series: what the diffuse one converges to.

    phi = b (z - H) + sum_n a_n cos(nkx) sinh(nk(z - H))/cosh(nkH'),   lithium below zeta = z_0 + A cos kx, phi = 0 at H
    kappa d phi/dn = j0 {exp(f w/2) - exp(-f w/2)},   w = phi - phi_s - j R - gamma V_m K/F,   mean of j ds = I

Uniform salt (the instant of switching on), alpha = 1/2, a counter electrode without overpotential. The series holds
beneath the crests as long as k A < 0.448 (Rayleigh's hypothesis); collocation with as many points as unknowns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import root

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Wavy:
    """Geometry [m] and coefficients (SI) of the problem; gibbs_thomson: gamma V_m/F [V m]."""

    wavelength: float
    amplitude: float
    height: float
    top: float
    kappa: float
    j0: float
    f: float
    resistance: float
    gibbs_thomson: float
    current: float

    def solve(self, terms: int = 24) -> tuple[float, float]:
        """Return -phi_s [V] and the first harmonic 2 <j s cos kx>, s ds = arc, in A/m^2 of the projected area."""
        k, gap = 2.0 * np.pi / self.wavelength, self.top - self.height
        x = (np.arange(terms + 1) + 0.5) * np.pi / (k * (terms + 1))  # half a wave: it is even
        zeta = self.height + self.amplitude * np.cos(k * x)
        slope = -self.amplitude * k * np.sin(k * x)
        arc = np.sqrt(1.0 + slope**2)
        curvature = self.amplitude * k**2 * np.cos(k * x) / arc**3
        n = np.arange(1, terms + 1)[:, None] * k
        up, y = np.exp(n * gap), zeta - self.top
        # sinh(n k y)/exp(n k gap): of order 1 at the surface
        sinh, cosh = np.sinh(n * y) / up, np.cosh(n * y) / up
        potential = np.vstack([y[None], np.cos(n * x) * sinh])
        across = np.vstack([np.ones_like(x)[None], n * np.cos(n * x) * cosh])
        along = np.vstack([np.zeros_like(x)[None], -n * np.sin(n * x) * sinh])
        flux = self.kappa * (across - slope * along)  # kappa d phi/dn, times the arc
        scale = self.current / self.kappa

        def parts(unknown: Floats) -> tuple[Floats, Floats]:
            a = unknown[:-1].copy()
            a[0] *= scale
            a[1:] *= scale / k
            return a @ potential, a @ flux

        def off(unknown: Floats) -> Floats:
            phi, j_arc = parts(unknown)
            j = j_arc / arc
            w = 2.0 / self.f * np.arcsinh(j / (2.0 * self.j0))
            left = phi - unknown[-1] - j * self.resistance - self.gibbs_thomson * curvature - w
            return np.append(self.f * left, j_arc.mean() / self.current - 1.0)

        start = np.zeros(terms + 2)
        start[0] = 1.0
        start[-1] = -scale * gap - self.current * self.resistance - self.current / (self.j0 * self.f)
        found = root(off, start, tol=1e-13)
        assert float(np.abs(off(found.x)).max()) < 1e-9
        _, j_arc = parts(found.x)
        return -float(found.x[-1]), float(2.0 * np.mean(j_arc * np.cos(k * x)))
