"""Growth laws of the film, compared by what each predicts of the last third of a trace."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from phasefield.fitting.data import KEPT, Observation
from phasefield.fitting.fitfile import FitFile
from phasefield.fitting.forward import forward_of
from phasefield.fitting.least_squares import best_fit
from phasefield.fitting.result import Law

CLEAR = 1.2  # ratio of two errors of prediction: with 30 independent samples a level of noise is known to 13 %


def compare_laws(fit: FitFile, data: Sequence[Observation]) -> tuple[tuple[Law, ...], str, str]:
    """Return the growth laws from the best to the worst, the name of the best, and how clear that is."""
    found = []
    for name in fit.laws:
        forward = forward_of(fit, name)
        early = tuple(one.split()[0] if one.role == "cycling" else one for one in data)
        late = tuple(one.split()[1] for one in data if one.role == "cycling")
        best = best_fit(forward, early, fit.seed)
        fitted = [
            one.measured - shown
            for one, shown in zip(early, forward.predict(best.u, early).data, strict=True)
            if one.role == "cycling"
        ]
        predicted = [one.measured - s for one, s in zip(late, forward.predict(best.u, late).data, strict=True)]
        found.append(Law(name, _rms(fitted), _rms(predicted)))
    found.sort(key=lambda law: law.predicted)
    near = [law.name for law in found[1:] if law.predicted < CLEAR * found[0].predicted]
    part = f"the last {1.0 - KEPT:.0%} of the trace"
    if near:
        note = f"{part} does not tell {found[0].name} from {' and '.join(near)}: give a longer trace"
    else:
        note = f"{found[0].name} predicts {part} best"
    return tuple(found), found[0].name, note


def _rms(parts: list[np.ndarray]) -> float:
    return float(np.sqrt(np.mean(np.concatenate(parts) ** 2)))
