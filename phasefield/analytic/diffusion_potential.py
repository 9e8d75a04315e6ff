"""The diffusion potential where t+ and the thermodynamic factor X depend on the concentration.

    phi - psi = int beta d ln c from c0 to c,   beta(c) = (2 R T/F) (1 - t+(c)) X(c)                  (2)

Between two points of a table both are linear, so that beta is a parabola and the integral has a closed form. Beyond the
ends of the table the last values hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from phasefield.case import Columns, Properties
from phasefield.constants import FARADAY, GAS_CONSTANT

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class DiffusionPotential:
    """beta and its integral; `parts` (segments, 3): beta = p0 + p1 c + p2 c^2 in each segment between the `knots`."""

    knots: Floats  # mol/m^3
    parts: Floats  # V, V m^3/mol, V m^6/mol^2
    start: Floats  # V, of the integral in each segment: it is continuous, and 0 at c0

    def slope(self, c: float | Floats) -> Floats:
        """Return beta at concentrations [mol/m^3], V."""
        c = np.asarray(c, dtype=np.float64)
        p0, p1, p2 = self.parts[np.searchsorted(self.knots, c)].T
        return np.asarray(p0.T + (p1.T + p2.T * c) * c)

    def between(self, c: float | Floats) -> Floats:
        """Return the integral from c0 to concentrations c > 0 [mol/m^3], V."""
        c = np.asarray(c, dtype=np.float64)
        segment = np.searchsorted(self.knots, c)
        return np.asarray(self.start[segment] + _integral(self.parts[segment], c))


def _integral(parts: Floats, c: Floats) -> Floats:
    """Return p0 ln c + p1 c + p2 c^2/2, whose derivative is beta/c."""
    return np.asarray(parts[..., 0] * np.log(c) + (parts[..., 1] + 0.5 * parts[..., 2] * c) * c)


def salt_voltage(p: Properties, own: float | Floats, other: float | Floats) -> Floats:
    """Return the integral of beta d ln c from one concentration to another [mol/m^3], V."""
    if p.dependence != "table":
        return np.asarray(slope_at(p, p.c0) * np.log(np.asarray(other) / own))
    over = diffusion_potential_over(p)
    return np.asarray(over.between(other) - over.between(own))


def slope_at(p: Properties, c: float | Floats) -> Floats:
    """Return beta(c), V: the potential over a unit of ln c."""
    if p.dependence != "table":
        return np.full_like(c, 2.0 * GAS_CONSTANT * p.T / FARADAY * (1.0 - p.t_plus) * p.chi, dtype=np.float64)
    return diffusion_potential_over(p).slope(c)


def diffusion_potential_over(p: Properties) -> DiffusionPotential:
    """Return the diffusion potential of a salt with a table, relative to c0."""
    return _over(p.T, p.c0, p.table)


@lru_cache(maxsize=32)
def _over(T: float, c0: float, table: Columns) -> DiffusionPotential:
    at, less, X = np.array(table.concentration), 1.0 - np.array(table.transference), np.array(table.factor)
    unit = 2.0 * GAS_CONSTANT * T / FARADAY
    b1, a1 = np.diff(less) / np.diff(at), np.diff(X) / np.diff(at)
    b0, a0 = less[:-1] - b1 * at[:-1], X[:-1] - a1 * at[:-1]
    parts = np.zeros((at.size + 1, 3))
    parts[0, 0], parts[-1, 0] = unit * less[0] * X[0], unit * less[-1] * X[-1]
    parts[1:-1] = unit * np.stack([a0 * b0, a0 * b1 + a1 * b0, a1 * b1], axis=-1)
    jumps = _integral(parts[:-1], at) - _integral(parts[1:], at)
    start = np.concatenate([[0.0], np.cumsum(jumps)])
    here = np.searchsorted(at, c0)
    return DiffusionPotential(at, parts, start - start[here] - _integral(parts[here], np.asarray(c0)))
