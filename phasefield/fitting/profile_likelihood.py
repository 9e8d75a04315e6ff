"""How well each unknown is bounded by the data: chi^2 over its value, with all others at their best for it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from phasefield.fitting.data import Observation
from phasefield.fitting.least_squares import SAME_PLACE, Best, FitModel, minimise

Floats = NDArray[np.float64]

RISE = 2.706  # of chi^2: 90 % of chi^2 with one degree of freedom lie below
FIRST = 1e-4  # of a prior: the least first step from the best value
FARTHER = 1.7  # each next distance over the one before
EVALUATED = 24  # values on one side, at most
STEEP = 1.0  # the root of a parabola's rise grows by less from place to place; where it grows by more, it is halved
CLOSE = 0.02  # of the distance from the best value: so near its end is known
BETTER = 0.05  # of chi^2: a profile that falls below the best by more has found a better place


@dataclass(frozen=True)
class LikelihoodProfile:
    """The profile of one unknown: places u and the rise of chi^2, in order, and whether it ends within the prior.

    low, high: where the rise passes 2.706, or the end of the prior; better: a place that is better than the best;
    paths: of each minimum, places of all unknowns along its profile where the rise is below 2.706, shape (places, n);
    apart: the further minima that no path leads through, each in a valley of its own.
    """

    u: Floats
    rise: Floats
    low: float
    high: float
    bounded: tuple[bool, bool]
    better: Floats | None = None
    paths: tuple[Floats, ...] = ()
    apart: tuple[Best, ...] = ()


def likelihood_profile(best: Best, forward: FitModel, data: Sequence[Observation], k: int) -> LikelihoodProfile:
    """Return the profile likelihood of unknown k: that of the best minimum; its ends are those of all."""
    found = _profile(best, best.chi2, forward, data, k)
    for other in best.others:
        if found.better is not None:
            break
        if leads_through(found, other.u, k):
            continue
        found = replace(found, apart=(*found.apart, other))
        if other.chi2 - best.chi2 < RISE:
            one = _profile(other, best.chi2, forward, data, k)
            bounded = (found.bounded[0] and one.bounded[0], found.bounded[1] and one.bounded[1])
            low, high = min(found.low, one.low), max(found.high, one.high)
            found = replace(
                found, low=low, high=high, bounded=bounded, better=one.better, paths=(*found.paths, *one.paths)
            )
    return found


def leads_through(found: LikelihoodProfile, u: Floats, k: int) -> bool:
    """Return whether a profile of unknown k leads through another minimum u, which is then one of the same valley."""
    there = [[np.interp(u[k], path[:, k], column) for column in path.T] for path in found.paths]
    return any(float(np.max(np.abs(place - u))) < SAME_PLACE for place in there)


def _profile(here: Best, least: float, forward: FitModel, data: Sequence[Observation], k: int) -> LikelihoodProfile:
    """Return the profile of one minimum over the least chi^2 of all."""
    step = max(FIRST, min(0.2, float(here.deviation[k])))
    own = here.chi2 - least
    sides = [_side(_Valley(here, least, forward, data, k), sign * step) for sign in (-1.0, 1.0)]
    path = np.array([*reversed(sides[0].path), here.u, *sides[1].path])
    rise = np.array([*reversed(sides[0].rise), own, *sides[1].rise])
    ends, bounded = [], []
    for side, edge in zip(sides, (0.0, 1.0), strict=True):
        passed = bool(side.rise) and side.rise[-1] >= RISE
        bounded.append(passed)
        places = [float(here.u[k]), *(float(u[k]) for u in side.path)]
        ends.append(_crossing(places, [own, *side.rise]) if passed else edge)
    better = next((side.better for side in sides if side.better is not None), None)
    return LikelihoodProfile(
        path[:, k], rise, ends[0], ends[1], (bounded[0], bounded[1]), better, (path[rise <= RISE],)
    )  # fmt: skip


@dataclass(frozen=True)
class _Valley:
    """Chi^2 beside a minimum, where unknown k is at a given place and the others at their best; least: that of all."""

    here: Best
    least: float
    forward: FitModel
    data: Sequence[Observation]
    k: int

    def rise(self, at: float, path: Sequence[Floats]) -> tuple[float, Floats]:
        """Return the rise of chi^2 and the place of all unknowns, where unknown k is at `at`.

        path: places that lead there. The search begins at the last or, where that is better, on the straight line on.
        """
        k, others = self.k, np.arange(self.here.u.size) != self.k

        def residuals(rest: Floats) -> Floats:
            return self.forward.residuals(np.insert(rest, k, at), self.data, self.here.deviations)

        starts = [path[-1][others]]
        if len(path) > 1 and path[-1][k] != path[-2][k]:
            on = (at - path[-1][k]) / (path[-1][k] - path[-2][k])
            starts.append(np.clip(path[-1] + on * (path[-1] - path[-2]), 0.0, 1.0)[others])
        start = min(starts, key=lambda one: float(np.sum(residuals(one) ** 2)))
        if start.size:
            start, chi2 = minimise(residuals, start)
        else:
            chi2 = float(np.sum(residuals(start) ** 2))
        return chi2 - self.least, np.insert(start, k, at)


@dataclass
class _Side:
    """Places and rises on one side of a minimum, from it on; better: a place that is better than the best."""

    path: list[Floats]
    rise: list[float]
    better: Floats | None = None


def _side(valley: _Valley, step: float) -> _Side:
    """Return the profile on one side, up to the first place beyond RISE or the end of the prior."""
    here, k = valley.here.u, valley.k
    found, distance = _Side([], []), step
    for _ in range(EVALUATED):
        at = float(np.clip(here[k] + distance, 0.0, 1.0))
        if at == (found.path[-1] if found.path else here)[k]:
            return found
        rise, place = valley.rise(at, [here, *found.path])
        if rise < -BETTER:
            found.better = place
            return found
        found.path.append(place)
        found.rise.append(max(rise, 0.0))
        if rise >= RISE:
            break
        distance *= FARTHER
    return _refined(valley, found)


def _refined(valley: _Valley, found: _Side) -> _Side:
    """Halve the last step of a side until its end is known: chi^2 may be flat up to a wall, where an arc is used up."""
    here, k = valley.here.u, valley.k
    while found.rise and _is_steep([valley.here.chi2 - valley.least, *found.rise]):
        inside = [here, *found.path[:-1]]
        outer = float(found.path[-1][k])
        if abs(outer - inside[-1][k]) < CLOSE * abs(outer - here[k]):
            break
        rise, place = valley.rise(0.5 * (outer + float(inside[-1][k])), inside)
        if rise < -BETTER:
            found.better = place
            break
        if rise < RISE:
            found.path.insert(-1, place)
            found.rise.insert(-1, max(rise, 0.0))
        else:
            found.path[-1], found.rise[-1] = place, rise
    return found


def _is_steep(rise: list[float]) -> bool:
    """Return whether chi^2 rises beyond RISE in a last step that is too large to say where."""
    return rise[-1] >= RISE and math.sqrt(rise[-1]) - math.sqrt(rise[-2]) > STEEP


def _crossing(u: list[float], rise: list[float]) -> float:
    """Return where the rise passes RISE, between the last two places: its root is nearly straight, but for a wall."""
    if _is_steep(rise):
        return u[-1]
    a, b = math.sqrt(rise[-2]), math.sqrt(rise[-1])
    return u[-2] + (u[-1] - u[-2]) * (math.sqrt(RISE) - a) / (b - a)
