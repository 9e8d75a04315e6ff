"""A measured profile fitted by runs: surfaces as numbers, the emulator, its likelihood, and a fit on a tiny box."""

from __future__ import annotations

import json
import math
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import call, start
from made_up_cells import truth, write_spectrum
from made_up_surfaces import CELL, FIT
from threadpoolctl import threadpool_limits

from phasefield import run
from phasefield.api import read_case
from phasefield.errors import CaseError, PhasefieldError
from phasefield.fitting import posterior as posteriors
from phasefield.fitting.fit import make_fit, prepare_fit
from phasefield.fitting.fitfile import read_fit
from phasefield.fitting.identifiability import NOT
from phasefield.fitting.morphology.answer import (
    best_overrides,
    checked_places,
    compare_emulator,
    fit_morphology,
    prepare_morphology,
)
from phasefield.fitting.morphology.emulator import Emulator
from phasefield.fitting.morphology.likelihood import SEEDS_COUNT, Morphology, square_scatter
from phasefield.fitting.morphology.runs import (
    SeededRuns,
    check_runs,
    confirming_runs,
    design_places,
    read_runs,
    runs_at,
)
from phasefield.fitting.morphology.surfaces import Squares
from phasefield.studies.sweep.plan import Planner
from phasefield.studies.sweep.studyfile import StudyFile
from phasefield.studies.sweep.table import Study
from phasefield.topography.profiles import Profile

UM = 1e-6


def write_files(folder: Path, fit: str = FIT, cell: str = CELL, heights: np.ndarray | None = None) -> Path:
    """Write base, profile and fit file; return the last one."""
    if heights is None:
        heights = UM * np.random.default_rng(1).standard_normal((24, 24))
    (folder / "cell.toml").write_text(cell, encoding="utf-8")
    np.savez(folder / "after.npz", heights=heights, pixel=8 * UM)
    (folder / "fit.toml").write_text(fit, encoding="utf-8")
    return folder / "fit.toml"


@pytest.fixture(autouse=True)
def _one_blas_thread() -> Iterator[None]:
    """As a fit has it: on matrices of fifty rows threads wait for each other."""
    with threadpool_limits(1):
        yield


# Surfaces as numbers


def waves(n: int, spacing: float, count: float, amplitude: float) -> np.ndarray:
    """A square of plane waves along x, `count` of them an edge, even about its middle: their plane is level."""
    x = (np.arange(n) + 0.5) * spacing
    return amplitude * np.tile(np.cos(2.0 * math.pi * count * (x / (n * spacing) - 0.5)), (n, 1))


def test_the_height_of_a_wave_stands_in_its_band_alone() -> None:
    squares = Squares(64, UM)
    assert squares.bands == [(1, 1), (2, 3), (4, 7), (8, 16)]
    z = waves(64, UM, 11, 3 * UM)
    Sq, Sz, _, *bands = np.exp(squares.numbers(Profile(z, (UM, UM), "waves")))[0]
    assert Sq == pytest.approx(3 * UM / math.sqrt(2.0), rel=1e-9)  # round-off: whole waves, and level
    assert Sz == pytest.approx(np.ptp(z), rel=1e-9)
    # Hann's window moves a third of the power to both neighbours, inside the band; a ring of whole points has up to a
    # tenth more or less of them than its area
    assert bands[3] == pytest.approx(3 * UM / math.sqrt(2.0), rel=0.1)
    assert max(bands[:3]) < 0.02 * bands[3]


def test_surfaces_are_compared_on_one_area_spacing_and_level() -> None:
    z = np.random.default_rng(2).standard_normal((16, 24)) * UM
    fine = np.kron(z, np.ones((4, 4)))  # each cell as 4 x 4 pixels
    y, x = np.mgrid[:64, :96]
    squares = Squares(8, 8 * UM)
    coarse = squares.numbers(Profile(z, (8 * UM, 8 * UM), "coarse"))
    assert coarse.shape == (6, len(squares.names))
    tilted = squares.numbers(Profile(fine + 1e-7 * x - 2e-7 * y, (2 * UM, 2 * UM), "fine"))
    assert tilted == pytest.approx(coarse, abs=1e-9)  # round-off of means and planes


# Statistics


def test_the_scatter_of_a_square_comes_from_the_profile_where_it_holds_many() -> None:
    random = np.random.default_rng(3)
    seeds = np.array([[0.04, 0.01], [0.01, 0.09]])
    assert square_scatter(random.standard_normal((1, 2)), seeds) == pytest.approx(seeds * SEEDS_COUNT / SEEDS_COUNT)
    many = random.multivariate_normal([0.0, 0.0], 4.0 * seeds, 4000)
    assert square_scatter(many, seeds) == pytest.approx(4.0 * seeds, rel=0.1)  # 2.2 % of a variance, four times


def made_up_runs(count: int, seeds: int, scatter: float) -> SeededRuns:
    """Runs of two numbers, of which the first depends on u0 alone and the second on both; seeded."""
    random = np.random.default_rng(4)
    u = random.random((count, 2))
    mean = mean_of(u)
    return SeededRuns(u, tuple(m + scatter * random.standard_normal((seeds, 2)) for m in mean), ())


def mean_of(u: np.ndarray) -> np.ndarray:
    return np.stack([2.0 * u[:, 0], np.sin(3.0 * u[:, 0]) - u[:, 1] ** 2], axis=1)


def test_an_emulator_knows_the_mean_of_noisy_runs_and_its_own_error() -> None:
    emulator = Emulator(made_up_runs(48, 4, 0.2), 1)
    places = np.random.default_rng(5).random((200, 2))
    mean, error = emulator.predict(places)
    apart = (mean - mean_of(places)) / error
    # errors of neighbours agree, so 200 places are a few independent ones: the square is known to a factor of 2 or so
    assert 0.2 < float(np.mean(apart**2)) < 3.0
    assert float(np.max(error)) < 0.2 / math.sqrt(4.0) * 1.5, "smaller than the scatter of one place"
    assert math.sqrt(emulator.scatter[0, 0]) == pytest.approx(0.2, rel=0.24)  # 144 degrees of freedom: 6 %, four times
    for one in emulator.left_out:
        assert 0.4 < one.standard < 1.9  # 48 squares of a standard normal: 1 within 0.2, four times
        assert one.explained > 0.9


def test_residuals_add_up_to_the_likelihood() -> None:
    from scipy.stats import multivariate_normal

    emulator = Emulator(made_up_runs(24, 3, 0.2), 1)
    measured = np.random.default_rng(6).standard_normal((5, 2)) * 0.2 + mean_of(np.array([[0.4, 0.5]]))
    model = Morphology((), measured, emulator)
    found = []
    for u in ([0.4, 0.5], [0.9, 0.1]):
        mean, error = emulator.predict(np.array([u]))
        covariance = square_scatter(measured, emulator.scatter) / 5.0 + np.diag(error[0] ** 2)
        exact = -2.0 * multivariate_normal(mean[0], covariance).logpdf(measured.mean(axis=0))
        found.append(float(np.sum(model.residuals(np.array(u)) ** 2)) - exact)
    assert found[0] == pytest.approx(found[1], rel=1e-9)


def test_runs_that_differ_from_the_emulator_do_not_confirm_it() -> None:
    runs = made_up_runs(48, 4, 0.2)
    emulator = Emulator(runs, 1)
    random = np.random.default_rng(7)
    u = random.random((5, 2))
    good = SeededRuns(u, tuple(m + 0.2 * random.standard_normal((4, 2)) for m in mean_of(u)), ())
    assert compare_emulator(emulator, good).good
    assert not compare_emulator(emulator, replace(good, numbers=tuple(part + 0.5 for part in good.numbers))).good


def test_a_posterior_is_confirmed_at_its_centre_and_edges() -> None:
    random = np.random.default_rng(8)
    u = random.multivariate_normal([0.5, 0.4], [[0.01, 0.008], [0.008, 0.01]], 20000)
    places = checked_places(u)
    assert places[0] == pytest.approx([0.5, 0.4], abs=5e-3)
    # the mean of a normal distribution beyond its 5 % point is 2.063 standard deviations out; the other goes along
    assert places[2] == pytest.approx([0.5 + 0.2063, 0.4 + 0.8 * 0.2063], abs=2e-2)
    assert len(places) == 5


# Designs


def test_no_two_runs_have_one_seed_and_each_place_has_all(tmp_path: Path) -> None:
    fit = read_fit(write_files(tmp_path))
    case = read_case(tmp_path / "cell.toml")
    u = design_places(fit)
    assert u.shape == (16, 2)
    assert (u > 0.0).all()
    assert (u < 1.0).all()
    study = runs_at(fit, "design", u, 1, case)
    values = {column.key: column.values for column in study.columns}
    assert values["film.patches.seed"] == values["surface.seed"] == tuple(range(1, 33))
    assert len(set(values["film.patches.spread"])) == 16
    assert confirming_runs(fit) == 10


def test_places_whose_runs_end_early_are_left_out(tmp_path: Path) -> None:
    rows = [{"status": "done", "reason": "short_circuit", "note": "", "run": "x"}] * 4
    study = Study(tmp_path, {"columns": [], "runs": "runs"}, rows)
    runs = read_runs(study, np.array([[0.2], [0.8]]), 2, Squares(8, UM))
    assert runs.left_out == ("short circuit",) * 4
    with pytest.raises(PhasefieldError, match=r"0 of 2 places .* end before: short circuit; narrow the priors"):
        check_runs(runs, 2, 3)


def test_the_values_of_the_flat_cell_go_into_the_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posteriors, "EVALUATIONS", 2000)
    both = FIT.replace("[data]", '[data]\nspectrum = "eis.csv"').replace(
        "[base]", '[cell]\nelectrode_area = "1 cm^2"\n[base]'
    )
    both = both.replace('"electrolyte.thermodynamic_factor" = [0.9, 1.1]', "")
    both = both.replace("[unknown]", '[unknown]\n"film.resistance" = ["1 ohm cm^2", "1000 ohm cm^2"]')
    flat_cell = truth(tmp_path, {"film.resistance": '"80 ohm cm^2"'})
    write_spectrum(tmp_path / "eis.csv", flat_cell, (1e6, 1.0), 0.01, 1)
    fit = read_fit(write_files(tmp_path, both))
    flat = make_fit(prepare_fit(fit), lambda line: None)
    seen: list[StudyFile] = []

    class Seen(Exception):
        pass

    def make_runs(study: StudyFile) -> Study:
        seen.append(study)
        raise Seen

    with pytest.raises(Seen):
        fit_morphology(prepare_morphology(fit), best_overrides(flat), make_runs, lambda line: None)
    planner = Planner(seen[0])
    planned = planner.case(next(iter(_points(seen[0]))))
    best = next(one.interval.best for one in flat.estimates if one.unknown.key == "film.resistance")
    p = planned.properties()
    assert p.film_thickness / p.film_conductivity == pytest.approx(best, rel=1e-5)  # six digits
    assert planned.film.patches is not None
    assert planned.film.patches.spread == pytest.approx(seen[0].columns[0].values[0])


def _points(study: StudyFile) -> Any:
    from phasefield.studies.sweep.axes import points_of

    return points_of(study)


# Refused


def _flat(folder: Path) -> None:
    np.savez(folder / "after.npz", heights=np.full((24, 24), 3e-6), pixel=8 * UM)


def _without_pixel(folder: Path) -> None:
    np.savez(folder / "after.npz", heights=UM * np.eye(24))


def _small(folder: Path) -> None:
    np.savez(folder / "after.npz", heights=UM * np.eye(7), pixel=8 * UM)


def _narrow(folder: Path) -> None:
    np.savez(folder / "after.npz", heights=UM * np.eye(20), pixel=UM)


def _line(folder: Path) -> None:
    np.savez(folder / "after.npz", heights=UM * np.arange(50.0)[None], pixel=UM)


def _holes(folder: Path) -> None:
    heights = UM * np.random.default_rng(1).standard_normal((24, 24))
    heights[:10] = np.nan
    np.savez(folder / "after.npz", heights=heights, pixel=8 * UM)


def _cut_short(folder: Path) -> None:
    path = folder / "after.npz"
    path.write_bytes(path.read_bytes()[:300])


def _high(folder: Path) -> None:
    np.savez(folder / "after.npz", heights=np.eye(24), pixel=8 * UM)


PROFILES: dict[Callable[[Path], None], str] = {
    _flat: "is flat on 64 um; check its unit",
    _without_pixel: 'does not say how large a pixel is; add [data] profile_pixel = "1 um"',
    _small: "is 7 x 7 points; 8 along each edge are needed",
    _narrow: "too few points to compare",
    _line: "is 50 x 1 points; 8 along each edge",
    _holes: "41.7 % of its points are missing, 30 % are allowed",
    _cut_short: "after.npz",
    _high: "after.npz",
}


@pytest.mark.parametrize("damage", PROFILES, ids=lambda one: one.__name__)
def test_a_profile_that_cannot_be_compared_is_refused_in_a_line(
    damage: Callable[[Path], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_files(tmp_path)
    damage(tmp_path)
    assert call("fit", path, "--dry-run", "--out", tmp_path / "out") == 2
    said = capsys.readouterr().err.strip()
    assert PROFILES[damage] in said
    assert "\n" not in said


WRONG = {
    'profile = "after.npz"': ('profile = "before.npz"', "no file 'before.npz'"),
    "[base]": ('profile_pixel = "1 V"\n[base]', "data.profile_pixel: '1 V' is a voltage"),
    '[data]\nprofile = "after.npz"': (
        "[data]", "no data: give spectrum, cycling, polarisation, rates, voltages, profile",
    ),
    "points = 16": ("points = 7", "design.points: 7 stands here; a whole number from 8"),
    "seeds = 2": ("seeds = 1", "design.seeds: 1 stands here; a whole number from 2"),
    '"film.patches.spread" = [0.1, 1.6]': ('"film.patches.spred" = [0.1, 1.6]', "did you mean 'film.patches.spread'?"),
    '"electrolyte.thermodynamic_factor" = [0.9, 1.1]': (
        '"film.patches.seed" = [1, 9]', "is no property that data could show",
    ),
    "1.1]": ('1.1]\n"grid.spacing" = ["4 um", "8 um"]', "is no property that data could show"),
    "[0.9, 1.1]": ("[0.9, 1.1]\n\"electrolyte.name\" = [1, 2]", "is no property that data could show"),
    "0.1, 1.6": ("0.1, 5.0", "is beyond what it can be"),
    "[0.1, 1.6]": (
        '[0.1, 1.6]\n"surface.height" = ["20 um", "60 um"]',
        'fit.toml:8: unknown."surface.height".0: gives no case: 20 um brings',
    ),
    "1.6]": ('1.6]\n"surface.height" = ["20 um", "500 um"]', "fit.toml:6: unknown: the middle of the ranges gives no"),
    '"cell.toml"': ('"flat.toml"', "fit.toml:5: base.case: is 2D; a profile is of an area: take a 3D grid"),
}  # fmt: skip


@pytest.mark.parametrize("good", WRONG)
def test_a_wrong_file_of_a_profile_is_refused_by_line_and_remedy(good: str, tmp_path: Path) -> None:
    wrong, words = WRONG[good]
    assert good in FIT
    path = write_files(tmp_path, FIT.replace(good, wrong, 1))
    (tmp_path / "flat.toml").write_text(CELL.replace('"64 um", "64 um"', '"64 um"'), encoding="utf-8")
    with pytest.raises(CaseError) as raised:
        prepare_morphology(read_fit(path))
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_profile_needs_an_unknown_of_its_own_and_a_design_a_profile(tmp_path: Path) -> None:
    both = FIT.replace('profile = "after.npz"', 'profile = "after.npz"\nspectrum = "after.npz"')
    both = both.replace('"film.patches.spread" = [0.1, 1.6]\n', "").replace(
        "[base]", '[cell]\nelectrode_area = "1 cm^2"\n[base]'
    )
    with pytest.raises(CaseError, match="no unknown is shown by it alone; add to"):
        read_fit(write_files(tmp_path, both))
    alone = both.replace('profile = "after.npz"\n', "")
    with pytest.raises(CaseError, match="is of a profile; give"):
        read_fit(write_files(tmp_path, alone))


def test_a_base_without_anything_random_is_refused(tmp_path: Path) -> None:
    patches = CELL[CELL.index("[film.patches]") : CELL.index("[protocol]")]
    smooth = CELL.replace(patches, "").replace(
        'roughness = "0.2 um"', 'roughness = "none"\ncorrelation_length = "none"\nseed = "none"'
    ).replace(
        "[grid]", '[film]\npatches = "none"\n[grid]'
    )
    unknown = FIT.replace('"film.patches.spread" = [0.1, 1.6]\n', "")
    fit = read_fit(write_files(tmp_path, unknown, smooth))
    with pytest.raises(CaseError, match="has nothing random; give it"):
        prepare_morphology(fit)


def test_without_scikit_learn_a_line_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fit = read_fit(write_files(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(PhasefieldError, match=r"pip install 'lithium-phasefield\[fit\]'"):
        prepare_morphology(fit)


# Whole fits


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, set[Path]]:
    """A fit to a surface nine times as large as the box, of other seeds, killed once; with the runs done by then."""
    folder = tmp_path_factory.mktemp("fitted")
    path = write_files(folder)
    larger = ['grid.size=["192 um", "192 um", "96 um"]', "film.patches.spread=0.6"]
    larger += ["film.patches.seed=4711", "surface.seed=4711"]
    made = run(read_case(folder / "cell.toml", larger), out=folder / "truth")
    np.savez(folder / "after.npz", heights=made.height(-1), pixel=made.spacing)
    made.close()
    process = start(folder, "fit", path.name, "--out", "out", "--workers", "1")
    began = time.monotonic()
    while len(done(folder)) < 4:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() - began < 300.0
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    kept = done(folder)
    assert len(kept) < 32
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(posteriors, "EVALUATIONS", 4000)
        before = {one: one.stat().st_mtime_ns for one in kept}
        assert call("fit", path.name, "--out", "out", "--workers", "1", "-q") == 0
        assert {one: one.stat().st_mtime_ns for one in kept} == before, "what was run is not run again"
    return folder, kept


def done(folder: Path) -> set[Path]:
    return set((folder / "out" / "runs").glob("*/outputs.json"))


def document(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "out" / "fit.json").read_text(encoding="utf-8"))
    return found


@pytest.mark.slow
def test_a_profile_gives_back_the_spread_of_its_patches(fitted: tuple[Path, set[Path]]) -> None:
    folder, _ = fitted
    spread, factor = document(folder)["unknowns"]
    assert spread["verdict"] != NOT
    low, high = spread["interval"]
    assert low < 0.6 < high, "90 %, of one truth: it stands for a hundred seeds, and this one is inside"
    assert factor["verdict"] == NOT, "no surface shows it"
    assert "spectrum or a trace" in factor["settle"]
    shape = document(folder)["morphology"]
    assert shape["squares"] == 9
    assert shape["design"] == {"points": 16, "seeds": 2, "runs": 32, "confirming": 10, "left_out": 0}
    assert shape["confirmed"]["numbers"] == 5 * len(shape["numbers"])
    assert len(done(folder)) == 42


@pytest.mark.slow
def test_a_fitted_morphology_is_an_electrolyte(fitted: tuple[Path, set[Path]]) -> None:
    folder, _ = fitted
    used = folder / "used.toml"
    used.write_text(
        'title = "used"\nextends = ["out/electrolyte.toml", "experiments/cycling.toml"]\n', encoding="utf-8"
    )
    case = read_case(used)
    assert case.film.patches is not None
    assert case.film.patches.spread == document(folder)["unknowns"][0]["best"]
    said = case.provenance["film.patches.spread"]
    assert said.status == "calibrated"
    assert document(folder)["morphology"]["sha256"][:16] in str(said.source)
    for name in ("morphology.csv", "morphology-corner.png", "profile.png", "emulator.png", "fit.html"):
        assert (folder / "out" / name).stat().st_size > 0


@pytest.mark.slow
def test_a_finished_fit_of_a_profile_is_not_made_again(
    fitted: tuple[Path, set[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = fitted
    monkeypatch.chdir(folder)
    before = (folder / "out" / "fit.json").stat().st_mtime_ns
    assert call("fit", "fit.toml", "--out", "out", "-q") == 0
    assert (folder / "out" / "fit.json").stat().st_mtime_ns == before
