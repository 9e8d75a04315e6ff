"""The best values of the unknowns by bounded least squares from several starts, the noise, and Fisher's information."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phasefield.fitting.data import TYPICAL, Observation
from phasefield.fitting.forward import Forward

Floats = NDArray[np.float64]
Residuals = Callable[[Floats], Floats]

SCREENED = 64  # places, evenly spread over the priors, of which the best are starts
STARTS = 5
EVALUATIONS = 60  # of a Jacobian, at most
ROUNDS = 4  # of noise and fit in turn
SAME_NOISE = 0.02  # a change of the noise that changes no weight
STEP = 1e-4  # of a prior: a difference that gives a derivative to five digits
CORRELATED = 3.0  # standard deviations of a lag-1 correlation of independent residuals, above which they are correlated
MOST_CORRELATED = 0.9  # correlation of neighbours that the noise is raised for, at most


@dataclass(frozen=True)
class Noise:
    """Noise of one file: standard deviation in units of its scale, whether it is stated, and what residuals show.

    misfit: rms of the residuals over it; correlation: of neighbouring residuals, that of independent ones being about
    1/sqrt(n); correlated: whether it is more. Estimated noise is raised for it, so that intervals hold for residuals
    that are no noise but a fault of the model.
    """

    deviation: float
    stated: bool
    misfit: float
    correlation: float
    correlated: bool


@dataclass(frozen=True)
class Best:
    """The best place u of the priors, chi^2 there, its Jacobian by u, and the noise of each file."""

    u: Floats
    chi2: float
    jacobian: Floats
    noise: tuple[Noise, ...]

    @property
    def deviations(self) -> tuple[float, ...]:
        """Standard deviation of each file, in units of its scale."""
        return tuple(one.deviation for one in self.noise)

    @property
    def information(self) -> Floats:
        """Fisher's information by u."""
        return np.asarray(self.jacobian.T @ self.jacobian)


def minimise(residuals: Residuals, start: Floats) -> tuple[Floats, float]:
    """Return the place of the least chi^2 that a start leads to, and that chi^2."""
    from scipy.optimize import least_squares

    inside = np.clip(start, 1e-6, 1.0 - 1e-6)
    found = least_squares(residuals, inside, bounds=(0.0, 1.0), max_nfev=EVALUATIONS, xtol=1e-10, ftol=1e-10)
    return np.asarray(found.x), 2.0 * float(found.cost)


def search(residuals: Residuals, n: int, seed: int, starts: int = STARTS) -> tuple[Floats, float]:
    """Return the best of what several starts lead to; n: unknowns."""
    from scipy.stats import qmc

    places = qmc.Sobol(n, seed=seed).random(SCREENED)
    costs = [float(np.sum(residuals(u) ** 2)) for u in places]
    found = [minimise(residuals, places[k]) for k in np.argsort(costs, kind="stable")[:starts]]
    return min(found, key=lambda one: one[1])


def jacobian(residuals: Residuals, u: Floats) -> Floats:
    """Return the derivatives of the residuals by u, from both sides where the priors allow it."""
    columns = []
    for k in range(u.size):
        low, high = u.copy(), u.copy()
        low[k], high[k] = max(u[k] - STEP, 0.0), min(u[k] + STEP, 1.0)
        columns.append((residuals(high) - residuals(low)) / (high[k] - low[k]))
    return np.asarray(np.array(columns).T)


def best_fit(forward: Forward, data: Sequence[Observation], seed: int) -> Best:
    """Return the best values, and the noise that their residuals show where it is not stated."""
    n = len(forward.unknowns)
    deviations = [TYPICAL[one.role] if one.noise is None else one.noise for one in data]
    u = np.zeros(n)
    for turn in range(ROUNDS):

        def residuals(u: Floats, now: Sequence[float] = tuple(deviations)) -> Floats:
            return forward.residuals(u, data, now)

        u, chi2 = search(residuals, n, seed) if turn == 0 else minimise(residuals, u)
        noise = _noise(residuals(u), data, deviations, n)
        before, deviations = deviations, [one.deviation for one in noise]
        if np.allclose(before, deviations, rtol=SAME_NOISE):
            break

    def weighted(u: Floats) -> Floats:
        return forward.residuals(u, data, deviations)

    u, chi2 = minimise(weighted, u)
    return Best(u, chi2, jacobian(weighted, u), tuple(noise))


def improved(best: Best, forward: Forward, data: Sequence[Observation], start: Floats) -> Best:
    """Return the best values from a start that is better than them, with the same noise."""

    def weighted(u: Floats) -> Floats:
        return forward.residuals(u, data, best.deviations)

    u, chi2 = minimise(weighted, start)
    return Best(u, chi2, jacobian(weighted, u), best.noise)


def _noise(residuals: Floats, data: Sequence[Observation], now: Sequence[float], n: int) -> list[Noise]:
    """Return the noise of each file from residuals that `now` was the standard deviation of."""
    found, start = [], 0
    for one, deviation in zip(data, now, strict=True):
        part = residuals[start : start + one.measured.size]
        start += part.size
        free = max(part.size - n * part.size / residuals.size, 1.0)
        rms = float(np.sqrt(np.sum(part**2) / free))
        rows = part.reshape(2, -1) if one.drive is None else part[None]
        level = float(np.sum(rows**2))
        correlation = float(np.sum(rows[:, 1:] * rows[:, :-1])) / level if level > 0.0 else 0.0
        correlated = correlation > CORRELATED / np.sqrt(part.size)
        if one.noise is not None:
            found.append(Noise(one.noise, True, rms * deviation / one.noise, correlation, correlated))
            continue
        r = min(correlation, MOST_CORRELATED) if correlated else 0.0
        own = max(rms * deviation, 1e-9) * float(np.sqrt((1.0 + r) / (1.0 - r)))  # so few independent points there are
        found.append(Noise(own, False, rms * deviation / own, correlation, correlated))
    return found
