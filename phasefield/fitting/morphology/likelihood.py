"""How well the unknowns of a morphology describe a measured profile: residuals of its numbers over their covariance."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from phasefield.fitting.data import Observation
from phasefield.fitting.morphology.emulator import Emulator
from phasefield.fitting.unknowns import Unknown

Floats = NDArray[np.float64]

SEEDS_COUNT = 8.0  # squares of a profile that say as much of its scatter as the seeds of all runs do


class Morphology:
    """The unknowns that a profile is fitted by; a model of a fit as posterior and profile likelihood need it.

    The mean of the profile's squares is normal about the emulated mean, with the covariance C = S/squares + E: scatter
    S of a square, error E of the emulator.
    """

    def __init__(self, unknowns: tuple[Unknown, ...], measured: Floats, emulator: Emulator) -> None:
        """measured: logarithms (squares, numbers)."""
        self.unknowns, self.emulator = unknowns, emulator
        self.measured = measured.mean(axis=0)
        self.scatter = square_scatter(measured, emulator.scatter)
        self.covariance = self.scatter / len(measured)
        self._least = _log_determinant(whitened(self.measured, self.covariance)[1])

    def residuals(self, u: Floats, data: Sequence[Observation] = (), noise: Sequence[float] = ()) -> Floats:
        """Return residuals whose squares add up to -2 ln L, but for a constant; the last is the root of ln det C."""
        apart, root = self._apart(u)
        more = _log_determinant(root) - self._least
        return np.append(apart, math.sqrt(max(more, 0.0)))

    def chi2(self, u: Floats) -> float:
        """Return the squared distance of the profile from what places u predict, over its covariance."""
        return float(np.sum(self._apart(u)[0] ** 2))

    def _apart(self, u: Floats) -> tuple[Floats, Floats]:
        mean, error = self.emulator.predict(np.asarray(u)[None])
        return whitened(self.measured - mean[0], self.covariance + np.diag(error[0] ** 2))


def square_scatter(measured: Floats, seeds: Floats) -> Floats:
    """Return the covariance of the numbers of one square: correlations of the seeds, variances of both.

    measured: logarithms (squares, numbers). A few squares know their variance badly, and the seeds of all runs are not
    those of the measured cell. Both are weighted, the seeds as SEEDS_COUNT squares.
    """
    own = np.sum((measured - measured.mean(axis=0)) ** 2, axis=0)
    variance = np.diag(seeds)
    both = (SEEDS_COUNT * variance + own) / (SEEDS_COUNT + len(measured) - 1.0)
    scale = np.sqrt(both / variance)
    return np.asarray(seeds * np.outer(scale, scale))


def whitened(apart: Floats, covariance: Floats) -> tuple[Floats, Floats]:
    """Return differences over their covariance C = L L^T, L^-1 apart, and L."""
    from scipy.linalg import solve_triangular

    root = np.asarray(np.linalg.cholesky(covariance), dtype=np.float64)
    return np.asarray(solve_triangular(root, apart, lower=True)), root


def _log_determinant(root: Floats) -> float:
    return 2.0 * float(np.sum(np.log(np.diag(root))))
