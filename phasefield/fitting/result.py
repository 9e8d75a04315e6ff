"""What a fit has found, whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phasefield.fitting.data import Observation
from phasefield.fitting.fitfile import FitFile
from phasefield.fitting.forward import Forward, Prediction
from phasefield.fitting.least_squares import Best
from phasefield.fitting.posterior import Posterior
from phasefield.fitting.profile_likelihood import LikelihoodProfile
from phasefield.fitting.unknowns import TAILS, Unknown, shown_range

Floats = NDArray[np.float64]



@dataclass(frozen=True)
class FittedLaw:
    """A growth law: rms difference [V] of what it was fitted to, and of the last third of a trace, which it predicts.

    predicted: None of a few voltages, of which none are held out.
    """

    name: str
    fitted: float
    predicted: float | None


@dataclass(frozen=True)
class Interval:
    """A number and its interval of 90 %, SI; unit and size: in which it is shown."""

    name: str
    best: float
    low: float
    high: float
    unit: str
    size: float

    @property
    def shown(self) -> str:
        """Return the interval with its unit."""
        return shown_range(self.low / self.size, self.high / self.size, self.unit)


@dataclass(frozen=True)
class Verdict:
    """What the data say of an unknown.

    word: identified, partly identified or not identified; width: of its interval over that of the prior; edge: what is
    to be said of an end of the prior; why: the reason; settle: which experiment would settle it.
    """

    word: str
    width: float
    edge: str
    why: str
    settle: str


@dataclass(frozen=True)
class FittedValue:
    """An unknown with its best value, interval, profile and verdict."""

    unknown: Unknown
    interval: Interval
    profile: LikelihoodProfile
    verdict: Verdict


@dataclass(frozen=True)
class FitResult:
    """A finished fit; laws: empty without a growth law to find; chosen: which; known: combinations of the unknowns.

    rates: what a full cell shows at each rate, as `predicted_rates` has it; empty without a table of rates.
    """

    fit: FitFile
    data: tuple[Observation, ...]
    forward: Forward
    best: Best
    prediction: Prediction
    posterior: Posterior
    estimates: tuple[FittedValue, ...]
    known: tuple[Interval, ...]
    laws: tuple[FittedLaw, ...]
    chosen: str
    law_note: str
    rates: list[dict[str, Any]]
    seconds: float

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be known of the data and of how they agree with the model."""
        found = [note for one in self.data for note in one.notes]
        for one, noise in zip(self.data, self.best.noise, strict=True):
            if noise.correlated:
                found.append(
                    f"{one.file.name}: neighbouring residuals agree (correlation {noise.correlation:.2f}): the model "
                    "does not describe all of it" + ("" if noise.stated else "; intervals are widened for that")
                )
            if noise.stated and noise.misfit > 1.5:
                found.append(
                    f"{one.file.name}: residuals are {noise.misfit:.2g} times the stated noise: the noise is larger, "
                    "or the model does not describe it; intervals are too narrow"
                )
        if self.posterior.independent < 100.0:
            found.append(f"only about {self.posterior.independent:.0f} independent samples of the posterior")
        return tuple(found)


def interval(samples: Sequence[float] | Floats) -> tuple[float, float]:
    """Return the interval of 90 % of samples."""
    low, high = np.quantile(np.asarray(samples), TAILS)
    return float(low), float(high)
