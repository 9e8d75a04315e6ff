"""From a measured profile to the unknowns of a morphology: design, emulator, posterior, and runs that confirm them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from phasefield.api import locate_case
from phasefield.case import Case
from phasefield.case.file import CaseReader
from phasefield.errors import CaseError
from phasefield.fitting.fit import best_profiles, estimated
from phasefield.fitting.fitfile import FitFile
from phasefield.fitting.least_squares import NEAR_MINIMUM, Best, jacobian, search
from phasefield.fitting.morphology.emulator import Emulator, require_scikit_learn
from phasefield.fitting.morphology.likelihood import Morphology, whitened
from phasefield.fitting.morphology.runs import (
    CONFIRMATION,
    DESIGN,
    MakeRuns,
    SeededRuns,
    check_runs,
    design_places,
    end_surfaces,
    read_runs,
    runs_at,
    seed_keys,
)
from phasefield.fitting.morphology.surfaces import MeasuredSurface, load_surface
from phasefield.fitting.posterior import Posterior, posterior
from phasefield.fitting.profile_likelihood import LikelihoodProfile
from phasefield.fitting.result import FitResult, FittedValue
from phasefield.fitting.unknowns import SEEN, TAILS, Unknown
from phasefield.text.formatting import MICRO
from phasefield.topography.profiles import Profile

Floats = NDArray[np.float64]

EACH = 3  # places of a design for each unknown, at least: a linear part has two numbers for each
DIGITS = 3  # of places that are run to confirm a posterior: round-off elsewhere does not move them
WIDE = 5.0  # patches along a square; with two to four of them Sal of a periodic box is some 6 % too small
DRAWN = 2  # simulated surfaces beside the measured one
VALUE_DIGITS = 6  # of the values of the flat cell, which are not known so well
UNLIKELY = 0.01  # chance of a chi^2 that is called too large
LEAST_EXPLAINED = 0.5  # share of the variance between places, below which an emulator follows a number badly
RENEWAL, SIZE = "film.patches.renewal", "film.patches.size"


@dataclass(frozen=True)
class PreparedMorphology:
    """A profile before it is fitted: the fit, the base as read from its file, and the measured surface."""

    fit: FitFile
    reader: CaseReader
    surface: MeasuredSurface

    def case(self, overrides: Sequence[str] = ()) -> Case:
        """Return the base with overrides. Raises CaseError."""
        return self.reader.case((*self.fit.overrides, *overrides))

    def overrides(self, values: Sequence[float], flat: Sequence[str] = (), said: Sequence[str] = ()) -> list[str]:
        """Return overrides that set the unknowns to values [SI]; said: TOML behind each, its source and status.

        flat: overrides of the flat cell. A value that the base states at a temperature holds at that one.
        """
        assert self.fit.design is not None
        stated, texts = self.case(flat).provenance, []
        for k, (one, value) in enumerate(zip(self.fit.design.unknowns, values, strict=True)):
            known = stated.get(one.key)
            at = f', at = "{known.at!r} K"' if known is not None and known.at is not None else ""
            texts.append(f"{one.key}={{ value = {one.quantity.text(value)}{at}{said[k] if said else ''} }}")
        return texts


@dataclass(frozen=True)
class Agreement:
    """A squared distance over its covariance, how many numbers it has, and the chance of a larger one."""

    chi2: float
    numbers: int
    chance: float

    @property
    def good(self) -> bool:
        """Whether it is no larger than it may be by chance."""
        return self.chance >= UNLIKELY

    @classmethod
    def of(cls, chi2: float, numbers: int) -> Agreement:
        """Return a distance with its chance."""
        from scipy.special import chdtrc

        return cls(chi2, numbers, float(chdtrc(numbers, chi2)))


@dataclass(frozen=True)
class FittedMorphology:
    """What a profile says: the model with all runs, posterior and values; design: runs of it; confirming: later ones.

    confirmed: emulated means against the runs at centre and edges of the first posterior, before they joined the
    others; described: the measured numbers against the best place; simulated: surfaces at the centre.
    """

    prepared: PreparedMorphology
    model: Morphology
    best: Best
    posterior: Posterior
    estimates: tuple[FittedValue, ...]
    design: SeededRuns
    confirming: SeededRuns
    confirmed: Agreement
    described: Agreement
    simulated: tuple[Profile, ...]
    seconds: float

    @property
    def _patch_size(self) -> float:
        """Size of the patches at the best values, m; 0 without patches."""
        best = self.prepared.overrides([one.interval.best for one in self.estimates])
        patches = self.prepared.case(best).film.patches
        return 0.0 if patches is None else patches.size

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be known of profile, runs and emulator."""
        found = list(self.prepared.surface.notes)
        left_out = self.model.emulator.runs.left_out
        if left_out:
            count = len(self.design.left_out) + len(self.confirming.left_out)
            why = ", ".join(sorted(set(left_out)))
            found.append(f"{count} runs have no surface at the end, and are left out: {why}")
        names = self.prepared.surface.squares.names
        for name, one in zip(names, self.model.emulator.left_out, strict=True):
            if one.explained < LEAST_EXPLAINED:
                share = max(one.explained, 0.0)
                found.append(f"{name}: the emulator explains {share:.0%} of what the runs show, beside their scatter")
        edge, size = self.prepared.surface.squares.edge, self._patch_size
        if size * WIDE > edge:
            found.append(
                f"a square is {edge / size:.2g} patches wide, so periodic sides are felt and intervals are too narrow: "
                f"take a box of {MICRO * WIDE * size:.3g} um or more"
            )
        if not self.confirmed.good:
            found.append(
                f"the runs at centre and edges differ from the emulator (chi^2 {self.confirmed.chi2:.0f} of "
                f"{self.confirmed.numbers} numbers); they joined the design; fit again with more points"
            )
        if not self.described.good:
            found.append(
                f"no values describe the profile (chi^2 {self.described.chi2:.0f} of {self.described.numbers} free "
                "numbers): the model lacks something, or the base is of another cell or moment"
            )
        return tuple(found)


def prepare_morphology(fit: FitFile) -> PreparedMorphology:
    """Read the profile of a fit and check its base and priors. Raises PhasefieldError at the first thing wrong."""
    assert fit.design is not None
    require_scikit_learn()
    reader = CaseReader(locate_case(fit.base))
    prepared = PreparedMorphology(fit, reader, load_surface(fit, reader.case(fit.overrides)))
    first, second = ([f"{key}={seed}" for key in seed_keys(prepared.case())] for seed in (1, 2))
    if prepared.case(first).hash == prepared.case(second).hash:
        raise fit.error(("base", "case"), "has nothing random; give it [film.patches]")
    middle = [one.value(0.5) for one in fit.design.unknowns]
    try:
        prepared.case(prepared.overrides(middle))
    except CaseError as error:
        raise fit.error(("unknown",), f"the middle of the ranges gives no case: {error.key}: {error.message}") from None
    for k, one in enumerate(fit.design.unknowns):
        for end, value in enumerate((one.low, one.high)):
            try:
                prepared.case(prepared.overrides([*middle[:k], value, *middle[k + 1 :]]))
            except CaseError as error:
                raise fit.end_error(one, end, value, error) from None
    return prepared


def best_overrides(flat: FitResult | None) -> list[str]:
    """Return the best values of a flat cell as overrides of all runs; round-off elsewhere does not change the runs."""
    if flat is None:
        return []
    values = [float(f"{one.interval.best:.{VALUE_DIGITS}g}") for one in flat.estimates]
    return flat.forward.overrides(values)


def fit_morphology(
    prepared: PreparedMorphology, overrides: Sequence[str], make_runs: MakeRuns, told: Callable[[str], None]
) -> FittedMorphology:
    """Fit the unknowns of a profile; overrides: values of the flat cell, which go into all runs."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # matrices have a hundred rows: threads would wait for each other
        return _fitted(prepared, overrides, make_runs, told)


def _fitted(
    prepared: PreparedMorphology, overrides: Sequence[str], make_runs: MakeRuns, told: Callable[[str], None]
) -> FittedMorphology:
    began = time.monotonic()
    fit, surface = prepared.fit, prepared.surface
    assert fit.design is not None
    case = prepared.case(overrides)
    unknowns, seeds = fit.design.unknowns, fit.design.seeds

    u = design_places(fit)
    made = make_runs(runs_at(fit, DESIGN, u, 1, case, overrides))
    told("surfaces")
    design = read_runs(made, u, seeds, surface.squares)
    check_runs(design, len(u), EACH * len(unknowns))
    told("emulator")
    first = Morphology(unknowns, surface.numbers, Emulator(design, fit.seed))
    places = checked_places(_posterior(first, fit.seed, told)[2].u)
    made = make_runs(runs_at(fit, CONFIRMATION, places, 1 + len(u) * seeds, case, overrides))
    confirming = read_runs(made, places, seeds, surface.squares)
    confirmed = compare_emulator(first.emulator, confirming)
    told("emulator with all runs")
    model = Morphology(unknowns, surface.numbers, Emulator(design.joined(confirming), fit.seed))
    best, profiles, samples = _posterior(model, fit.seed, told)
    estimates = estimated(best, profiles, model, samples, lambda one, others: settle_by_surface(one, surface))
    described = Agreement.of(model.chi2(best.u), max(1, model.measured.size - len(unknowns)))
    return FittedMorphology(
        prepared, model, best, samples, estimates, design, confirming, confirmed, described,
        tuple(end_surfaces(made, made.rows[:DRAWN])), time.monotonic() - began,
    )  # fmt: skip


def _posterior(
    model: Morphology, seed: int, told: Callable[[str], None]
) -> tuple[Best, list[LikelihoodProfile], Posterior]:
    """Return best values, profile likelihoods and posterior of a model."""
    told("best values")
    minima = search(model.residuals, len(model.unknowns), seed)
    first, *others = [Best(u, chi2, jacobian(model.residuals, u), ()) for u, chi2 in minima]
    near = tuple(one for one in others if one.chi2 < first.chi2 + NEAR_MINIMUM)
    best, profiles = best_profiles(replace(first, others=near), model, (), told)
    paths = [one.paths for one in profiles]
    samples = posterior(best, paths, model, (), seed, lambda share: told(f"posterior, {share:.0%}"))
    return best, profiles, samples


def checked_places(u: Floats) -> Floats:
    """Return centre and edges of a posterior: its mean, and for each unknown the means beyond both ends of 90 %."""
    places = [u.mean(axis=0)]
    for column in u.T:
        low, high = np.quantile(column, TAILS)
        places += [u[column <= low].mean(axis=0), u[column >= high].mean(axis=0)]
    return np.round(places, DIGITS)


def compare_emulator(emulator: Emulator, runs: SeededRuns) -> Agreement:
    """Return how far runs lie from what an emulator predicts of them."""
    chi2 = 0.0
    for u, numbers in zip(runs.u, runs.numbers, strict=True):
        mean, error = emulator.predict(u[None])
        covariance = emulator.scatter / len(numbers) + np.diag(error[0] ** 2)
        chi2 += float(np.sum(whitened(numbers.mean(axis=0) - mean[0], covariance)[0] ** 2))
    return Agreement.of(chi2, sum(part.shape[1] for part in runs.numbers))


def settle_by_surface(one: Unknown, surface: MeasuredSurface) -> str:
    """Return which experiment would settle an unknown that a profile does not."""
    if one.key == RENEWAL:
        return (
            "profiles after several charges: heights grow with the charge while the patches stay, and with its root "
            "once they are renewed"
        )
    if one.key == SIZE:
        edge, spacing = (1e6 * length for length in (surface.squares.edge, surface.squares.spacing))
        return f"a box and a profile of more than {edge:.3g} um, or cells and pixels below {spacing:.3g} um"
    if one.key in SEEN:
        return "a spectrum or a trace, as another file of [data]"
    held = len(surface.numbers)
    return f"a profile of a larger area: it holds {held} squares of the box; or one after another charge"
