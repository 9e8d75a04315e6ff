"""The best values of the unknowns by bounded least squares from several starts, the noise, and Fisher's information."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from phasefield.fitting.data import TYPICAL, Observation
from phasefield.fitting.forward import Forward
from phasefield.fitting.unknowns import Unknown

Floats = NDArray[np.float64]
Residuals = Callable[[Floats], Floats]


class FitModel(Protocol):
    """What posterior and profile likelihood need of a model: its unknowns, and residuals at places u of the priors."""

    @property
    def unknowns(self) -> tuple[Unknown, ...]: ...

    def residuals(self, u: Floats, data: Sequence[Observation], noise: Sequence[float]) -> Floats:
        """Return (measured - predicted) over the standard deviation."""


SCREENED = 64  # places, evenly spread over the priors, of which the best are starts
STARTS = 8
SAME_PLACE = 0.02  # of a prior: two minima so near are one
NEAR_MINIMUM = 6.0  # of chi^2 above the least: another minimum, beyond, holds a few per cent of the posterior at most
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
    """The best place u of the priors, chi^2 there, its Jacobian by u, and the noise of each file.

    others: further minima, nearly as good: film and charge transfer can change their places, for instance.
    """

    u: Floats
    chi2: float
    jacobian: Floats
    noise: tuple[Noise, ...]
    others: tuple[Best, ...] = ()

    @property
    def deviations(self) -> tuple[float, ...]:
        """Standard deviation of each file, in units of its scale."""
        return tuple(one.deviation for one in self.noise)

    @property
    def deviation(self) -> Floats:
        """Standard deviation of each u by Fisher's information, at most that of a prior's size."""
        return np.asarray(np.sqrt(np.diag(np.linalg.pinv(self.information + np.eye(self.u.size)))))

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


def search(residuals: Residuals, n: int, seed: int, starts: int = STARTS) -> list[tuple[Floats, float]]:
    """Return the minima that several starts lead to, from the best on; n: unknowns."""
    from scipy.stats import qmc

    places = qmc.Sobol(n, seed=seed).random(SCREENED)
    costs = [float(np.sum(residuals(u) ** 2)) for u in places]
    found = [minimise(residuals, places[k]) for k in np.argsort(costs, kind="stable")[:starts]]
    return _apart(found)


def _apart(found: list[tuple[Floats, float]]) -> list[tuple[Floats, float]]:
    """Return the minima that are not at one place, from the best on."""
    kept: list[tuple[Floats, float]] = []
    for u, chi2 in sorted(found, key=lambda one: one[1]):
        if all(np.max(np.abs(u - other)) > SAME_PLACE for other, _ in kept):
            kept.append((u, chi2))
    return kept


def jacobian(residuals: Residuals, u: Floats) -> Floats:
    """Return the derivatives of the residuals by u, from both sides where the priors allow it."""
    columns = []
    for k in range(u.size):
        low, high = u.copy(), u.copy()
        low[k], high[k] = max(u[k] - STEP, 0.0), min(u[k] + STEP, 1.0)
        columns.append((residuals(high) - residuals(low)) / (high[k] - low[k]))
    return np.asarray(np.array(columns).T)


def best_fit(forward: Forward, data: Sequence[Observation], seed: int, near: Best | None = None) -> Best:
    """Return the best values, and the noise that their residuals show where it is not stated.

    near: the best values of nearly the same data; with them the priors are not searched anew.
    """
    n = len(forward.unknowns)
    deviations = [TYPICAL[one.role] if one.noise is None else one.noise for one in data]
    minima = [] if near is None else [(one.u, one.chi2) for one in (near, *near.others)]
    for _ in range(ROUNDS):

        def residuals(u: Floats, now: Sequence[float] = tuple(deviations)) -> Floats:
            return forward.residuals(u, data, now)

        minima = _apart([minimise(residuals, u) for u, _ in minima]) if minima else search(residuals, n, seed)
        noise = _noise(residuals(minima[0][0]), data, deviations, n)
        before, deviations = deviations, [one.deviation for one in noise]
        if np.allclose(before, deviations, rtol=SAME_NOISE):
            break

    def weighted(u: Floats) -> Floats:
        return forward.residuals(u, data, deviations)

    minima = _apart([minimise(weighted, u) for u, _ in minima])
    first, *others = [Best(u, chi2, jacobian(weighted, u), tuple(noise)) for u, chi2 in minima]
    return replace(first, others=tuple(one for one in others if one.chi2 < first.chi2 + NEAR_MINIMUM))


def improved(best: Best, forward: FitModel, data: Sequence[Observation], start: Floats) -> Best:
    """Return the best values from a start that is better than them, with the same noise."""

    def weighted(u: Floats) -> Floats:
        return forward.residuals(u, data, best.deviations)

    found = [minimise(weighted, u) for u in (start, best.u, *(one.u for one in best.others))]
    first, *others = [Best(u, chi2, jacobian(weighted, u), best.noise) for u, chi2 in _apart(found)]
    return replace(first, others=tuple(one for one in others if one.chi2 < first.chi2 + NEAR_MINIMUM))


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
