"""A fit from its file to its result: data, growth law, best values, profiles, posterior, verdicts."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from phasefield.case import Case
from phasefield.fitting.data import Observation, load_data
from phasefield.fitting.fitfile import FitFile
from phasefield.fitting.forward import Forward, forward_of
from phasefield.fitting.growth import compare_laws
from phasefield.fitting.identifiability import Settle, combinations, settle, verdict, wider
from phasefield.fitting.least_squares import Best, FitModel, best_fit, improved
from phasefield.fitting.posterior import Posterior, posterior
from phasefield.fitting.profile_likelihood import LikelihoodProfile, likelihood_profile
from phasefield.fitting.result import FitResult, FittedLaw, FittedValue, Interval
from phasefield.fitting.tables.cathode import settle_full_cell
from phasefield.fitting.tables.predicted import predicted_rates
from phasefield.fitting.tables.rate_table import RateTable
from phasefield.fitting.unknowns import Unknown

SAMPLED = 100  # of the posterior, for the intervals of what is predicted
BETTERED = 3  # times that a profile may find a better place than the best

Told = Callable[[str], None]
"""Takes a line on what is being done."""


@dataclass(frozen=True)
class PreparedFit:
    """The flat cell of a fit before it is made: its file, its data, and a model for each growth law.

    forwards: empty where a profile is all the data.
    """

    fit: FitFile
    data: tuple[Observation, ...]
    forwards: tuple[Forward, ...]


def prepare_fit(fit: FitFile) -> PreparedFit:
    """Read the data of a fit and check its base and priors. Raises PhasefieldError at the first thing that is wrong."""
    forwards = tuple(forward_of(fit, law) for law in fit.laws or ("",)) if fit.files else ()
    data = load_data(fit, bool(forwards) and forwards[0].full)
    if forwards:
        forwards[0].predict(np.full(len(forwards[0].unknowns), 0.5), data)
    return PreparedFit(fit, data, forwards)


def make_fit(prepared: PreparedFit, told: Told) -> FitResult:
    """Make a fit by closed forms: within two minutes for three files and eight unknowns."""
    began = time.monotonic()
    fit, data = prepared.fit, prepared.data
    laws: tuple[FittedLaw, ...] = ()
    chosen = note = ""
    if fit.laws:
        told("growth laws")
        laws, chosen, note = compare_laws(prepared.forwards, data, fit.seed)
    forward = next(one for one in prepared.forwards if one.law == chosen)
    told("best values")
    best = best_fit(forward, data, fit.seed)
    best, profiles = best_profiles(best, forward, data, told)
    told("posterior")
    samples = posterior(
        best, [one.paths for one in profiles], forward, data, fit.seed, lambda share: told(f"posterior, {share:.0%}")
    )
    known = combinations(forward, best.u, samples.u)
    prediction = forward.predict(best.u, data)

    def settled(one: Unknown, others: Sequence[Unknown]) -> str:
        if forward.full:
            return settle_full_cell(one.key, [other.key for other in others])
        return settle(one, others, data, known)

    return FitResult(
        fit, data, forward, best, prediction, samples,
        estimated(best, profiles, forward, samples, settled), known, laws, chosen, note,
        _rates(prediction.case, forward, samples, data), time.monotonic() - began,
    )  # fmt: skip


def _rates(
    best: Case, forward: Forward, samples: Posterior, data: Sequence[Observation]
) -> list[dict[str, Any]]:
    """Return what the cell shows at each rate of its protocol; empty without a table of rates."""
    table = next((one.drive for one in data if isinstance(one.drive, RateTable)), None)
    if table is None:
        return []
    chosen = samples.u[:: max(1, len(samples.u) // SAMPLED)]
    return predicted_rates(table, best, forward.cases(chosen))


def best_profiles(
    best: Best, forward: FitModel, data: Sequence[Observation], told: Told
) -> tuple[Best, list[LikelihoodProfile]]:
    """Return the profiles of all unknowns, and the best values, which they may have bettered.

    The loosest unknown comes first: its profile leads along a valley, of which one minimum is then enough.
    """
    for turn in range(BETTERED + 1):
        profiles: dict[int, LikelihoodProfile] = {}
        for k in np.argsort(-best.deviation, kind="stable").tolist():
            told(f"profile likelihood of {forward.unknowns[k].name}")
            profiles[k] = likelihood_profile(best, forward, data, k)
            better = profiles[k].better
            if better is not None and turn < BETTERED:
                best = improved(best, forward, data, better)
                break
            best = replace(best, others=profiles[k].apart)
        else:
            break
    return best, [profiles[k] for k in range(len(forward.unknowns))]


def estimated(
    best: Best, profiles: Sequence[LikelihoodProfile], forward: FitModel, samples: Posterior, settled: Settle
) -> tuple[FittedValue, ...]:
    """Return each unknown with its interval, of the posterior and of the profile, whichever is wider, and verdict."""
    found = []
    for k, (one, shape) in enumerate(zip(forward.unknowns, profiles, strict=True)):
        low, high = wider(samples.u[:, k], shape)
        quantity = one.quantity
        found.append(
            FittedValue(
                one,
                Interval(
                    one.key, one.value(float(best.u[k])), one.value(low), one.value(high), quantity.unit, quantity.size
                ),
                shape,
                verdict(k, forward, samples.u, shape, settled),
            )
        )
    return tuple(found)
