"""How often the intervals of a morphology hold the truth: profiles of made-up cells from runs with other seeds."""

from __future__ import annotations

from pathlib import Path

import made_up_surfaces
import numpy as np
import pytest

from phasefield import run
from phasefield.api import read_case
from phasefield.fitting import posterior as posteriors
from phasefield.fitting.fitfile import read_fit
from phasefield.fitting.morphology.answer import FittedMorphology, fit_morphology, prepare_morphology
from phasefield.studies.sweep.study import errors_of, prepare, run_waiting, tabulate, where
from phasefield.studies.sweep.studyfile import StudyFile
from phasefield.studies.sweep.table import Study

WIDE = made_up_surfaces.CELL.replace('"64 um", "64 um"', '"192 um", "192 um"')
FIT = made_up_surfaces.FIT.replace("seeds = 2", "seeds = 4").replace(
    '"electrolyte.thermodynamic_factor" = [0.9, 1.1]', '"film.patches.size" = ["16 um", "40 um"]'
)
SQUARES = 3  # of the box along an edge of a measured profile
TRUTHS = 8
SAMPLED = 4000  # evaluations of a posterior


def fitted(folder: Path, number: int) -> tuple[FittedMorphology, list[float]]:
    """A fit to a profile of random values, and these: places of the priors; all fits share the runs of one design."""
    random = np.random.default_rng(1000 + number)
    fit = read_fit(folder / "fit.toml")
    assert fit.design is not None
    truth = [float(u) for u in 0.15 + 0.7 * random.random(2)]
    spread, size = (one.value(u) for one, u in zip(fit.design.unknowns, truth, strict=True))
    larger = [f'grid.size=["{192 * SQUARES} um", "{192 * SQUARES} um", "96 um"]']
    larger += [f"film.patches.spread={spread}", f'film.patches.size="{size} m"']
    larger += [f"{key}.seed={90000 + number}" for key in ("film.patches", "surface")]
    with run(read_case(folder / "cell.toml", larger), out=folder / f"truth-{number}") as made:
        np.savez(folder / "after.npz", heights=made.height(-1), pixel=made.spacing)

    def make_runs(study: StudyFile) -> Study:
        prepared = prepare(study, folder / "out")
        if not prepared.waiting:
            return tabulate(prepared)
        tally = run_waiting(prepared, where(prepared, workers=1), lambda report: None)
        return tabulate(prepared, errors_of(tally.ends))

    return fit_morphology(prepare_morphology(fit), [], make_runs, lambda line: None), truth


@pytest.mark.hours
def test_intervals_of_a_morphology_hold_the_truth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posteriors, "EVALUATIONS", SAMPLED)
    (tmp_path / "cell.toml").write_text(WIDE, encoding="utf-8")
    (tmp_path / "fit.toml").write_text(FIT, encoding="utf-8")
    np.savez(tmp_path / "after.npz", heights=np.eye(72) * 1e-6, pixel=8e-6)
    held = 0
    for number in range(TRUTHS):
        found, truth = fitted(tmp_path, number)
        for one, u in zip(found.estimates, truth, strict=True):
            value = one.unknown.value(u)
            inside = one.interval.low <= value <= one.interval.high
            held += inside
            print(
                f"{number} {one.unknown.name}: {one.unknown.shown(value)} best {one.unknown.shown(one.interval.best)} "
                f"{one.interval.shown} {one.verdict.word} {'' if inside else 'MISS'} "
                f"confirmed {found.confirmed.chance:.2f} described {found.described.chance:.2f}",
                flush=True,
            )
    # 16 intervals of 90 %, both of one truth together: 14.4 +- 1.7, less 2.6 of them
    assert held >= 10
