"""The posterior of the unknowns: by emcee, or without it by Laplace's approximation within the priors."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phasefield.fitting.data import Observation
from phasefield.fitting.least_squares import Best, FitModel, Residuals, jacobian

Floats = NDArray[np.float64]
Paths = Sequence[Sequence[Floats]]
"""Of each unknown and each minimum, places along the profile of the unknown, shape (places, n)."""

EVALUATIONS = 16_000  # of the flat cell: half a minute
WALKERS = 4  # for each unknown, and not fewer than LEAST_WALKERS
LEAST_WALKERS = 24
BURNT = 0.3  # of the steps, before the walkers are where they belong
KEPT = 4000  # samples of the posterior
SWEEPS = 20  # of a sampler of normal distributions before its samples are taken
LEAST_INFORMATION = 1e-9  # of a direction that the data say nothing of
ROUND_OFF = 1e-12  # of a direction: it does not move an unknown by so little
ALONG = 0.05  # of a prior: so far along a valley its width across is about the same
HALVED = 6  # times at most: a start that is too far from the profile
EDGE = 1e-9  # of a prior: samples stay inside


@dataclass(frozen=True)
class Posterior:
    """Samples of the posterior, places u of the priors; method; independent: about how many independent samples."""

    u: Floats
    method: str
    independent: float


def has_emcee() -> bool:
    """Return whether emcee is installed."""
    return importlib.util.find_spec("emcee") is not None


def posterior(
    best: Best, paths: Paths, forward: FitModel, data: Sequence[Observation], seed: int, told: Callable[[float], None]
) -> Posterior:
    """Return samples of the posterior; paths: of the profile of each unknown; told: takes the share that is done."""
    if not has_emcee():
        return Posterior(_weighted(best, seed), "Laplace approximation, since emcee is not installed", KEPT)
    import emcee

    n = best.u.size
    walkers = max(LEAST_WALKERS, WALKERS * n)
    steps = EVALUATIONS // walkers

    stopped: list[bool] = []

    def residuals(u: Floats) -> Floats:
        return forward.residuals(u, data, best.deviations)

    def log_probability(u: Floats) -> float:
        if np.any(u < 0.0) or np.any(u > 1.0) or stopped:
            return -math.inf
        try:
            return -0.5 * float(np.sum(residuals(u) ** 2))
        except KeyboardInterrupt:  # emcee would print it as an error of the model
            stopped.append(True)
            return -math.inf

    moves = [
        (emcee.moves.DEMove(), 0.5), (emcee.moves.DEMove(gamma0=1.0), 0.15),  # the second one from minimum to minimum
        (emcee.moves.DESnookerMove(), 0.1), (emcee.moves.StretchMove(), 0.25),
    ]  # fmt: skip
    sampler = emcee.EnsembleSampler(walkers, n, log_probability, moves=moves)
    random = np.random.RandomState(seed)
    state = emcee.State(_starts(paths, walkers, residuals, seed), random_state=random.get_state())
    for k, _ in enumerate(sampler.sample(state, iterations=steps)):
        if stopped:
            raise KeyboardInterrupt
        if k % 50 == 0:
            told(k / steps)
    begun = round(BURNT * steps)
    with np.errstate(invalid="ignore"):  # a walker that has not moved
        slowest = float(np.max(sampler.get_autocorr_time(discard=begun, tol=0)))
    every = max(1, walkers * (steps - begun) // KEPT)  # steps, so that all walkers are in what is kept
    kept = sampler.get_chain(discard=begun, thin=every, flat=True)
    independent = walkers * (steps - begun) / slowest if math.isfinite(slowest) else 0.0
    return Posterior(np.asarray(kept), f"emcee, {walkers} walkers, {steps} steps", independent)


def _starts(paths: Paths, walkers: int, residuals: Residuals, seed: int) -> Floats:
    """Return where the walkers begin: beside the profiles of all unknowns, as many at those of each minimum.

    A posterior may be a long, bent valley. The profiles lead along it to its ends, and the information there tells how
    wide it is across. So walkers are over all of it from the beginning; those of one minimum spread too slowly.
    """
    random = np.random.default_rng(seed)
    n = len(paths)
    found = []
    for walker in range(walkers):
        k = walker % n
        path = paths[k][walker // n % len(paths[k])]
        at = random.uniform(path[0, k], path[-1, k])
        u = np.array([np.interp(at, path[:, k], column) for column in path.T])
        slopes = jacobian(residuals, u)
        level = float(np.sum(residuals(u) ** 2))
        across = np.linalg.cholesky(np.linalg.inv(slopes.T @ slopes + np.eye(n) / ALONG**2)) @ random.standard_normal(n)
        for _ in range(HALVED):
            beside = np.clip(u + across, EDGE, 1.0 - EDGE)
            if float(np.sum(residuals(beside) ** 2)) < level + 2.0 * n:
                break
            across *= 0.5
        found.append(beside)
    return np.array(found)


def _weighted(best: Best, seed: int) -> Floats:
    """Return Laplace's samples of all minima, each with the weight of its normal distribution."""
    minima = (best, *best.others)
    weights = np.array([math.exp(-0.5 * (one.chi2 - best.chi2)) / _volume(one) for one in minima])
    counts = np.maximum(1, np.round(KEPT * weights / weights.sum())).astype(int)
    parts = [laplace(one, int(n), seed + k) for k, (one, n) in enumerate(zip(minima, counts, strict=True))]
    return np.concatenate(parts)


def _volume(one: Best) -> float:
    """Return the root of the determinant of Fisher's information, at least that of the priors along each direction."""
    return float(np.prod(np.sqrt(np.maximum(np.linalg.eigvalsh(one.information), 1.0))))


def laplace(best: Best, count: int, seed: int) -> Floats:
    """Return samples of the normal distribution of Fisher's information, within the priors.

    Each sweep draws along the axes and along the eigenvectors of the information: what is left is normal in one
    dimension, between the places where the line leaves the priors.
    """
    from scipy.special import ndtr, ndtri

    random = np.random.default_rng(seed)
    information = best.information + LEAST_INFORMATION * np.eye(best.u.size)
    directions = np.concatenate([np.eye(best.u.size), np.linalg.eigh(information)[1].T])
    u = np.clip(np.tile(best.u, (count, 1)), EDGE, 1.0 - EDGE)
    for _ in range(SWEEPS):
        for v in directions:
            pull = information @ v
            precision = float(v @ pull)
            mean, deviation = -((u - best.u) @ pull) / precision, 1.0 / math.sqrt(precision)
            moves = np.abs(v) > ROUND_OFF
            ends = np.sort([(EDGE - u[:, moves]) / v[moves], (1.0 - EDGE - u[:, moves]) / v[moves]], axis=0)
            least, most = ends[0].max(axis=1), ends[1].min(axis=1)
            low, high = ndtr((least - mean) / deviation), ndtr((most - mean) / deviation)
            t = mean + deviation * ndtri(low + (high - low) * random.random(count))
            t = np.clip(np.where(np.isfinite(t), t, 0.0), np.minimum(least, 0.0), np.maximum(most, 0.0))
            u = np.clip(u + t[:, None] * v, EDGE, 1.0 - EDGE)
    return np.asarray(u)
