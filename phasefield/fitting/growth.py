"""Growth laws of the film, compared by what each predicts of the last third of a trace, then by the whole trace."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from phasefield.fitting.data import KEPT, Observation
from phasefield.fitting.forward import Forward
from phasefield.fitting.least_squares import Best, best_fit
from phasefield.fitting.result import FittedLaw

UNLIKELY = 3.0  # ln of a likelihood that is twenty times smaller
CLEAR = 1.2  # ratio of two errors of prediction: with 30 independent samples a level of noise is known to 13 %


def compare_laws(
    forwards: Sequence[Forward], data: Sequence[Observation], seed: int
) -> tuple[tuple[FittedLaw, ...], str, str]:
    """Return the growth laws from the best to the worst, the name of the best, and how clear that is."""
    if not any(one.role == "cycling" for one in data):
        return _by_a_table(forwards, data, seed)
    found, errors, began = list[FittedLaw](), dict[str, float](), {}
    for forward in forwards:
        early = tuple(one.split()[0] if one.role == "cycling" else one for one in data)
        late = tuple(one.split()[1] for one in data if one.role == "cycling")
        best = began[forward.law] = best_fit(forward, early, seed)
        fitted = [
            one.measured - shown
            for one, shown in zip(early, forward.predict(best.u, early).data, strict=True)
            if one.role == "cycling"
        ]
        predicted = [one.measured - s for one, s in zip(late, forward.predict(best.u, late).data, strict=True)]
        errors[forward.law] = _rms(predicted)
        found.append(FittedLaw(forward.law, _rms(fitted), errors[forward.law]))
    found.sort(key=lambda law: errors[law.name])
    likely = [law.name for law in found if errors[law.name] < CLEAR * min(errors.values())]
    note = f"{found[0].name} predicts the last {1.0 - KEPT:.0%} of the trace best"
    if len(likely) > 1:
        fits = {one.law: best_fit(one, data, seed, began[one.law]) for one in forwards if one.law in likely}
        likely, of = _by_the_whole(forwards, data, fits), likely
        left = " and ".join(likely[1:])
        note = f"the last {1.0 - KEPT:.0%} of the trace does not tell {' and '.join(of)} apart; the whole "
        note += f"does not tell {likely[0]} from {left}: give a longer trace" if left else f"gives {likely[0]}"
    return tuple(found), likely[0], note


def _by_a_table(
    forwards: Sequence[Forward], data: Sequence[Observation], seed: int
) -> tuple[tuple[FittedLaw, ...], str, str]:
    """Return the laws by their chi^2 over a few voltages: too few to hold some of them out."""
    bests = {forward.law: best_fit(forward, data, seed) for forward in forwards}
    least = min(best.chi2 for best in bests.values())
    likely = [law for law, best in bests.items() if best.chi2 < least + 2.0 * UNLIKELY]
    found = []
    for forward in forwards:
        shown = forward.predict(bests[forward.law].u, data).data
        parts = [one.measured - y for one, y in zip(data, shown, strict=True) if one.role == "voltages"]
        found.append(FittedLaw(forward.law, _rms(parts), None))
    note = f"the voltages give {likely[0]}"
    if len(likely) > 1:
        note = f"the voltages do not tell {likely[0]} from {' and '.join(likely[1:])}: give a trace, or more of them"
    return tuple(sorted(found, key=lambda law: law.fitted)), likely[0], note


def _by_the_whole(forwards: Sequence[Forward], data: Sequence[Observation], fits: Mapping[str, Best]) -> list[str]:
    """Return the law whose fit to the whole trace is best, then those that are not UNLIKELY beside it."""
    level = {}
    for forward in (one for one in forwards if one.law in fits):
        shown = forward.predict(fits[forward.law].u, data).data
        level[forward.law] = sum(  # - ln of the likelihood: a wrong law bends other values, too, away from a spectrum
            one.measured.size * math.log(_rms([(one.measured - y) / one.scale]))
            for one, y in zip(data, shown, strict=True)
        )
    least = min(level.values())
    return sorted((name for name in level if level[name] < least + UNLIKELY), key=lambda name: level[name])


def _rms(parts: list[np.ndarray]) -> float:
    return float(np.sqrt(np.mean(np.concatenate(parts) ** 2)))
