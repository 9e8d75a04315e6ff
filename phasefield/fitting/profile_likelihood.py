"""How well each unknown is bounded by the data: chi^2 over its value, with all others at their best for it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from phasefield.fitting.data import Observation
from phasefield.fitting.least_squares import Best, FitModel, minimise

Floats = NDArray[np.float64]

RISE = 2.706  # of chi^2: 90 % of chi^2 with one degree of freedom lie below
FIRST = 1e-3  # of a prior: the least first step from the best value
FARTHER = 1.7  # each next distance over the one before
EVALUATED = 24  # values on one side, at most
BETTER = 0.05  # of chi^2: a profile that falls below the best by more has found a better place


@dataclass(frozen=True)
class LikelihoodProfile:
    """The profile of one unknown: places u and the rise of chi^2, in order, and whether it ends within the prior.

    low, high: where the rise passes 2.706, or the end of the prior; better: a place that is better than the best.
    """

    u: Floats
    rise: Floats
    low: float
    high: float
    bounded: tuple[bool, bool]
    better: Floats | None = None


def likelihood_profile(best: Best, forward: FitModel, data: Sequence[Observation], k: int) -> LikelihoodProfile:
    """Return the profile likelihood of unknown k: that of the best minimum; its ends are those of all."""
    found = _profile(best, best.chi2, forward, data, k)
    for other in best.others:
        if other.chi2 - best.chi2 < RISE and found.better is None:
            one = _profile(other, best.chi2, forward, data, k)
            bounded = (found.bounded[0] and one.bounded[0], found.bounded[1] and one.bounded[1])
            low, high = min(found.low, one.low), max(found.high, one.high)
            found = replace(found, low=low, high=high, bounded=bounded, better=one.better)
    return found


def _profile(here: Best, least: float, forward: FitModel, data: Sequence[Observation], k: int) -> LikelihoodProfile:
    """Return the profile of one minimum over the least chi^2 of all."""
    variances = np.linalg.pinv(here.information + np.eye(here.u.size))
    step = max(FIRST, min(0.2, math.sqrt(float(variances[k, k]))))
    sides = [_side(here, least, forward, data, k, sign * step) for sign in (-1.0, 1.0)]
    at, own = float(here.u[k]), here.chi2 - least
    places = [*reversed(sides[0][0]), at, *sides[1][0]]
    rises = [*reversed(sides[0][1]), own, *sides[1][1]]
    ends, bounded = [], []
    for (u, rise, _), edge in zip(sides, (0.0, 1.0), strict=True):
        passed = bool(rise) and rise[-1] >= RISE
        bounded.append(passed)
        ends.append(_crossing([at, *u], [own, *rise]) if passed else edge)
    better = next((one for _, _, one in sides if one is not None), None)
    return LikelihoodProfile(np.array(places), np.array(rises), ends[0], ends[1], (bounded[0], bounded[1]), better)


def _side(
    best: Best, least: float, forward: FitModel, data: Sequence[Observation], k: int, step: float
) -> tuple[list[float], list[float], Floats | None]:
    """Return places and rises on one side of the best value, up to the first beyond RISE or the end of the prior."""
    others = np.arange(best.u.size) != k
    start = best.u[others]
    places: list[float] = []
    rises: list[float] = []
    distance = step
    for _ in range(EVALUATED):
        at = float(np.clip(best.u[k] + distance, 0.0, 1.0))
        if (places and at == places[-1]) or at == best.u[k]:
            break

        def residuals(rest: Floats, at: float = at) -> Floats:
            return forward.residuals(np.insert(rest, k, at), data, best.deviations)

        if start.size:
            start, chi2 = minimise(residuals, start)
        else:
            chi2 = float(np.sum(residuals(start) ** 2))
        if chi2 < least - BETTER:
            return places, rises, np.insert(start, k, at)
        places.append(at)
        rises.append(max(chi2 - least, 0.0))
        if rises[-1] >= RISE:
            break
        distance *= FARTHER
    return places, rises, None


def _crossing(u: list[float], rise: list[float]) -> float:
    """Return where the rise passes RISE, between the last two places; its root is nearly straight."""
    a, b = math.sqrt(rise[-2]), math.sqrt(rise[-1])
    return u[-2] + (u[-1] - u[-2]) * (math.sqrt(RISE) - a) / (b - a)
