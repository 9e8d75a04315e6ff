"""A fit from files to an electrolyte: what is identified holds the truth, what the data cannot give is called so."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from commands import call
from made_up_cells import truth, write_cell, write_cycling, write_spectrum

from phasefield.api import read_case
from phasefield.errors import CaseError, PhasefieldError
from phasefield.fitting import posterior as posteriors
from phasefield.fitting.data import DataFile, drive_of, spectrum_data, trace_data
from phasefield.fitting.fit import make_fit, prepare_fit
from phasefield.fitting.fitfile import read_fit
from phasefield.fitting.growth import _by_the_whole, compare_laws
from phasefield.fitting.identifiability import IDENTIFIED, NOT, wider
from phasefield.fitting.least_squares import Best, jacobian
from phasefield.fitting.posterior import laplace
from phasefield.fitting.profile_likelihood import CLOSE, LikelihoodProfile, likelihood_profile
from phasefield.fitting.result import FitResult

SPECTRUM = """
[data]
spectrum = "eis.csv"
[cell]
electrode_area = "1 cm^2"
[base]
case = "cell.toml"
[unknown]
"""
KAPPA = '"electrolyte.conductivity" = ["1e-5 S/cm", "1e-2 S/cm"]\n'
FILM = '"film.resistance" = ["1 ohm cm^2", "1000 ohm cm^2"]\n'
J0 = '"kinetics.exchange_current_density" = ["0.01 mA/cm^2", "100 mA/cm^2"]\n'
T_PLUS = '"electrolyte.transference_number" = [0.05, 0.95]\n'
T_PLUS += '"electrolyte.salt_diffusivity" = ["1e-9 cm^2/s", "1e-6 cm^2/s"]\n'


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quarter of the samples: intervals of a few per cent more or less do not matter here."""
    monkeypatch.setattr(posteriors, "EVALUATIONS", 4000)


def write_fit(folder: Path, text: str) -> Path:
    path = folder / "fit.toml"
    path.write_text(text, encoding="utf-8")
    return path


def made(folder: Path, text: str) -> FitResult:
    return make_fit(prepare_fit(read_fit(write_fit(folder, text))), lambda line: None)


def words(result: FitResult) -> dict[str, str]:
    return {one.unknown.key: one.verdict.word for one in result.estimates}


# Files


WRONG = {
    'spectrum = "eis.csv"': ('spektrum = "eis.csv"', "fit.toml:3: data.spektrum: unknown key; did you mean"),
    '"1 cm^2"': ('"1 cm"', "fit.toml:5: cell.electrode_area: '1 cm' is a length; an area"),
    '"film.resistance"': ('"film.resistanse"', "did you mean 'film.resistance'?"),
    '["1 ohm cm^2", "1000 ohm cm^2"]': ('["1000 ohm cm^2", "1 ohm cm^2"]', "is no range"),
    '"1000 ohm cm^2"': ('"1000 ohm"', "is a resistance; an area resistance"),
    '"cell.toml"': ('"missing.toml"', "missing.toml: no such file"),
    '"eis.csv"': ('"eiz.csv"', "no file 'eiz.csv'; did you mean 'eis.csv'?"),
    "[cell]": ('cycling_noise = "2 mV"\n[cell]', "there is no cycling"),
    "[base]": ('[set]\n"film.resistance" = "5 ohm cm^2"\n[base]', "is an unknown, too"),
    "[unknown]": ('[unknown]\n"film.patches.spread" = [0.1, 1.0]', "no spectrum or voltage of a flat cell shows it"),
}


BOUNDS = {
    ("[cell]", 'spectrum_noise = 1e-300\n[cell]'): "fit.toml:4: data.spectrum_noise: 1e-300 is no noise of a measure",
    ("[cell]", 'spectrum_noise = 1.5\n[cell]'): "1e-09 to 1; give a standard deviation",
    ('"1 cm^2"', '"1e300 cm^2"'): "fit.toml:5: cell.electrode_area: '1e300 cm^2' is no area of an electrode",
    ('"1 cm^2"', "inf"): "fit.toml:5: cell.electrode_area: inf has no unit",
    ("[base]", '[set]\n"film.conductivity" = "2e-8 S/cm"\n[base]'): "says what the unknown film.resistance says",
    ('"1 ohm cm^2"', '"-5 ohm cm^2"'): "fit.toml:9: unknown.\"film.resistance\".0: gives no case: '-5 ohm cm^2' is not",
    ('"1000 ohm cm^2"', '"1e90 ohm cm^2"'): "'1e+90 ohm cm^2' is outside of what an area resistance can be",
    ("[cell]", '[columns]\nspectrum = { time = "t/s" }\n[cell]'): "known are frequency, impedance_real, impedance_imag",
}


@pytest.mark.parametrize(("good", "wrong", "words"), [(*one, words) for one, words in BOUNDS.items()])
def test_a_number_or_a_pair_of_keys_that_cannot_be_is_named(good: str, wrong: str, words: str, tmp_path: Path) -> None:
    write_spectrum(tmp_path / "eis.csv", truth(tmp_path, {}), (1e5, 1.0), 0.01, 1)
    refused(tmp_path, good, wrong, words)


def test_a_law_of_growth_is_not_set_and_looked_for(tmp_path: Path) -> None:
    write_cycling(tmp_path / "cell.csv", truth(tmp_path, {}), [(2.0, 3600.0)], 2e-3, 1)
    text = SPECTRUM.replace('spectrum = "eis.csv"', 'cycling = "cell.csv"')
    text += '"film.growth.rate" = ["1e-4 nm/h", "10 nm/h"]\n'
    text = text.replace("[unknown]", '[set]\n"film.growth.coefficient" = "1e-20 m^2/s"\n[unknown]')
    with pytest.raises(CaseError, match=r"which the unknown film\.growth\.rate sets; keep one of both"):
        read_fit(write_fit(tmp_path, text))


@pytest.mark.parametrize("good", WRONG)
def test_a_wrong_file_is_refused_by_line_and_remedy(good: str, tmp_path: Path) -> None:
    write_spectrum(tmp_path / "eis.csv", truth(tmp_path, {}), (1e5, 1.0), 0.01, 1)
    refused(tmp_path, good, *WRONG[good])


def refused(tmp_path: Path, good: str, wrong: str, words: str) -> None:
    text = SPECTRUM + FILM
    assert good in text
    with pytest.raises(CaseError) as raised:
        prepare_fit(read_fit(write_fit(tmp_path, text.replace(good, wrong, 1))))
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def test_data_are_below_the_folder_of_the_fit_file(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    write_spectrum(tmp_path / "eis.csv", truth(inside, {}), (1e5, 1.0), 0.01, 1)
    (inside / "eis.csv").symlink_to(tmp_path / "eis.csv")
    with pytest.raises(CaseError, match="a link out of the folder"):
        read_fit(write_fit(inside, SPECTRUM + FILM))
    with pytest.raises(CaseError, match="outside the folder"):
        read_fit(write_fit(inside, SPECTRUM.replace("eis.csv", "../eis.csv") + FILM))


# Data


def test_a_spectrum_needs_eight_frequencies(tmp_path: Path) -> None:
    (tmp_path / "eis.csv").write_text("Frequency/Hz,Re(Z)/Ohm,Im(Z)/Ohm\n" + "100,10,-3\n" * 20)
    truth(tmp_path, {})
    with pytest.raises(PhasefieldError, match="1 usable frequencies of a spectrum; 8 at least"):
        prepare_fit(read_fit(write_fit(tmp_path, SPECTRUM + FILM)))


def test_an_interval_reaches_the_prior_where_its_profile_is_open() -> None:
    samples = np.linspace(0.4, 0.6, 1001)
    shape = LikelihoodProfile(np.array([0.5, 1.0]), np.array([0.0, 1.0]), 0.45, 1.0, (True, False))
    assert wider(samples, shape) == pytest.approx((0.41, 1.0))


def test_a_drive_passes_the_charge_of_the_samples_and_switches_between_two() -> None:
    time = np.concatenate([np.linspace(0.0, 100.0, 51), np.linspace(101.0, 200.0, 100)])
    current = np.where(time <= 100.0, 2.0, -1.0)
    drive, at = drive_of(time, current)
    assert (np.diff(drive.time) > 0.0).all()
    passed = float(np.sum(drive.current * np.diff(drive.time, prepend=0.0)))
    assert passed == pytest.approx(2.0 * 100.5 - 1.0 * 99.5, rel=1e-12)
    assert 100.5 in drive.time
    assert 101.0 not in time[at], "the first sample after a switch"
    assert drive.time[drive.seen] == pytest.approx(time[at])


def test_points_of_an_inductance_are_left_out_and_noise_is_not() -> None:
    f = np.logspace(6, 0, 61)
    Z = 1e-3 + 2e-3 / (1.0 + 1j * f / 1e3) + 1j * f * 1e-9 * (f > 2e5)
    found = spectrum_data(DataFile("spectrum", "x", ""), f, Z + 1e-5j, None)
    assert found.x.max() <= 2e5
    assert found.x.size == np.count_nonzero(f <= 2e5)


def test_a_current_of_the_other_sign_is_turned(tmp_path: Path) -> None:
    t = np.linspace(0.0, 100.0, 50)
    found = trace_data(DataFile("cycling", "x", ""), t, np.full(50, -2.0), np.full(50, 0.1), None)
    assert found.drive is not None
    assert (found.drive.current > 0.0).all()
    assert "opposite signs" in found.notes[0]


# Statistics, against exact results


def linear(slope: np.ndarray, u: np.ndarray) -> tuple[Best, Any]:
    """A forward model whose residuals are linear, and its best place."""
    forward = SimpleNamespace(residuals=lambda v, data, noise: slope @ (v - u))
    return Best(u, 0.0, slope, ()), forward


def test_the_profile_of_a_linear_model_is_that_of_its_covariance() -> None:
    slope = np.array([[30.0, 10.0], [0.0, 25.0], [5.0, 5.0]])
    best, forward = linear(slope, np.array([0.4, 0.6]))
    deviation = math.sqrt(float(np.linalg.inv(slope.T @ slope)[0, 0]))
    found = likelihood_profile(best, forward, (), 0)
    assert found.bounded == (True, True)
    # the root of a parabola's rise is straight, so the crossing is exact but for the stop of each minimisation
    assert found.high - 0.4 == pytest.approx(1.645 * deviation, rel=1e-3)
    assert 0.4 - found.low == pytest.approx(1.645 * deviation, rel=1e-3)


def test_a_profile_is_open_where_the_data_say_nothing() -> None:
    best, forward = linear(np.array([[0.5, 0.0], [0.0, 40.0]]), np.array([0.5, 0.5]))
    assert likelihood_profile(best, forward, (), 0).bounded == (False, False)
    assert likelihood_profile(best, forward, (), 1).bounded == (True, True)


def one_arc() -> tuple[Best, Any]:
    """Two resistances of 1 to 1000 whose sum alone is known, 101 to 0.3 %, and a number that is known to 4e-4.

    The best place is one of a valley that is flat and bent, up to a wall where the first resistance is all of the sum.
    """

    def residuals(v: np.ndarray, data: object = (), noise: object = ()) -> np.ndarray:
        return np.array([300.0 * (10.0 ** (3.0 * v[0]) + 10.0 ** (3.0 * v[1]) - 101.0) / 101.0, (v[2] - 0.3) / 4e-4])

    u = np.array([math.log10(50.5) / 3.0, math.log10(50.5) / 3.0, 0.3])
    return Best(u, 0.0, jacobian(residuals, u), ()), SimpleNamespace(residuals=residuals, unknowns=range(3))


def test_the_profile_of_a_valley_ends_at_its_wall() -> None:
    best, forward = one_arc()
    found = likelihood_profile(best, forward, (), 0)
    # the second resistance is at its least, 1: the first one is 100 and 1.645 of 300 parts of the sum
    wall = math.log10(100.0 + 101.0 * 1.645 / 300.0) / 3.0
    assert found.bounded == (False, True)
    assert found.high == pytest.approx(wall, abs=CLOSE * (wall - best.u[0]))


def test_minima_of_one_valley_are_followed_once() -> None:
    best, forward = one_arc()
    lower = math.log10(30.0) / 3.0
    u = np.array([lower, math.log10(71.0) / 3.0, 0.3])
    other = replace(best, u=u)
    assert len(likelihood_profile(replace(best, others=(other,)), forward, (), 0).paths) == 1
    elsewhere = replace(best, u=np.array([lower, 0.1, 0.3]))
    assert len(likelihood_profile(replace(best, others=(elsewhere,)), forward, (), 0).paths) == 2


def test_walkers_find_all_of_a_bent_valley_and_its_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posteriors, "EVALUATIONS", 16_000)
    best, forward = one_arc()
    paths = [likelihood_profile(best, forward, (), k).paths for k in range(3)]
    found = posteriors.posterior(best, paths, forward, (), 1, lambda share: None)
    # few moves are accepted in a narrow valley: about 100 independent samples know a width to 7 %, four times
    assert found.u[:, 2].std() == pytest.approx(4e-4, rel=0.3)
    # the density along the valley, from a grid of the first place: that of the second one at the known sum
    u = np.linspace(0.0, math.log10(100.0) / 3.0, 4001)[:-1]
    share = np.cumsum(1.0 / (101.0 - 10.0 ** (3.0 * u)))
    for tail in (0.05, 0.95):
        expected = float(np.interp(tail * share[-1], share, u))
        # where it is flat the valley has a density of 0.55 and more: a quantile of 5 % is known to 0.04, 2.5 times
        assert np.quantile(found.u[:, 0], tail) == pytest.approx(expected, abs=0.1)


def test_laplace_samples_a_truncated_normal_with_strong_correlation() -> None:
    slope = np.array([[100.0, 100.0], [2.0, -2.0]])  # only the sum is known
    best, _ = linear(slope, np.array([0.1, 0.5]))
    u = laplace(best, 4000, 1)
    assert u.min() >= 0.0
    assert (u.sum(axis=1) - 0.6).std() == pytest.approx(0.01, rel=0.1)  # 4000 samples: 1.1 % of it, nine times
    # Along the line the difference d = u0 - u1 is normal about -0.4 with 1/2, kept to -0.6 < d < 0.6
    from scipy.stats import truncnorm

    d = u[:, 0] - u[:, 1]
    expected = truncnorm.ppf([0.1, 0.5, 0.9], (-0.6 + 0.4) / 0.5, (0.6 + 0.4) / 0.5, loc=-0.4, scale=0.5)
    assert np.quantile(d, [0.1, 0.5, 0.9]) == pytest.approx(expected, abs=0.04)  # density 1: 0.008, five times


# Whole fits


def test_a_spectrum_gives_back_its_electrolyte_as_a_base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    values = {"electrolyte.conductivity": '{ value = "5e-4 S/cm", at = "30 degC" }', "film.resistance": '"80 ohm cm^2"'}
    case = truth(tmp_path, {**values, "kinetics.exchange_current_density": '"2 mA/cm^2"'})
    write_spectrum(tmp_path / "eis.csv", case, (1e6, 0.1), 0.01, 1, double_layer=0.1, film_permittivity=10.0)
    write_fit(tmp_path, SPECTRUM + KAPPA + FILM + J0)
    assert call("fit", "fit.toml", "--out", "out", "-q") == 0
    document = json.loads((tmp_path / "out" / "fit.json").read_text(encoding="utf-8"))
    true = {"electrolyte.conductivity": 0.05, "film.resistance": 8e-3, "kinetics.exchange_current_density": 20.0,
            "spectrum.double_layer": 0.1, "spectrum.film_permittivity": 10.0}  # fmt: skip
    for one in document["unknowns"]:
        assert one["verdict"] == IDENTIFIED or one["key"].startswith("spectrum.")
        low, high = one["interval"]
        middle, half = 0.5 * (low + high), 0.5 * (high - low)
        # 90 % is 1.645 standard deviations: beyond 2.5 times that, 4.1 of them, lies one in 24 000
        assert abs(true[one["key"]] - middle) < 2.5 * half, one["key"]
    (tmp_path / "used.toml").write_text(
        'title = "used"\nextends = ["out/electrolyte.toml", "experiments/cycling.toml"]\n', encoding="utf-8"
    )
    used = read_case("used.toml")
    assert used.properties().kappa == document["unknowns"][0]["best"]
    assert used.temperature == case.temperature
    said = used.provenance["electrolyte.conductivity"]
    assert said.status == "calibrated"
    assert document["data"][0]["sha256"][:16] in str(said.source)
    assert used.electrolyte.thermodynamic_factor == case.electrolyte.thermodynamic_factor
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir() if path.name != ".lock"}
    assert call("fit", "fit.toml", "--out", "out", "-q") == 0
    assert before == {p.name: p.stat().st_mtime_ns for p in (tmp_path / "out").iterdir() if p.name != ".lock"}


TABLE = """[electrolyte.concentration_dependence]
concentration = ["0.5 mol/L", "1 mol/L", "2 mol/L"]
conductivity = ["2e-4 S/cm", "3e-4 S/cm", "3e-4 S/cm"]
diffusivity = ["5e-8 cm^2/s", "5e-8 cm^2/s", "5e-8 cm^2/s"]
transference_number = [0.7, 0.5, -0.2]
"""


def test_a_transference_number_that_a_table_holds_is_not_looked_for(tmp_path: Path) -> None:
    case = read_case(write_cell(tmp_path, TABLE))
    write_spectrum(tmp_path / "eis.csv", case, (1e6, 1e-3), 0.01, 1)
    with pytest.raises(CaseError, match=r"gives no case: .* make them agree within 0\.01"):
        prepare_fit(read_fit(write_fit(tmp_path, SPECTRUM + FILM + J0 + T_PLUS)))
    assert prepare_fit(read_fit(write_fit(tmp_path, SPECTRUM + FILM + J0))) is not None


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_spectrum_that_ends_at_a_tenth_of_a_hertz_does_not_give_t_plus(seed: int, tmp_path: Path) -> None:
    case = truth(tmp_path, {})
    write_spectrum(tmp_path / "eis.csv", case, (1e6, 0.1), 0.01, seed)
    result = made(tmp_path, SPECTRUM + KAPPA + FILM + J0 + T_PLUS)
    found = words(result)
    assert found["electrolyte.transference_number"] == found["electrolyte.salt_diffusivity"] == NOT
    assert found["electrolyte.conductivity"] == IDENTIFIED
    settle = next(one.verdict.settle for one in result.estimates if one.unknown.key.endswith("transference_number"))
    assert "polarisation trace" in settle
    assert "it ends at 0.1 Hz" in settle


# With seed 2 noise lets a tiny second arc fit best: the valley of the sum is then beside the best value.
@pytest.mark.parametrize("seed", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_one_arc_of_film_and_charge_transfer_gives_their_sum_alone(seed: int, tmp_path: Path) -> None:
    case = truth(tmp_path, {"film.resistance": '"25 ohm cm^2"', "kinetics.exchange_current_density": '"1 mA/cm^2"'})
    p = case.properties()
    R_f, R_ct = p.film_thickness / p.film_conductivity, 8.314462618 * p.T / (96485.33212 * p.j0)
    layer = 0.0885 / 10.0  # F/m^2
    permittivity = layer * R_ct / R_f * p.film_thickness / 8.8541878128e-12
    write_spectrum(
        tmp_path / "eis.csv", case, (1e6, 0.1), 0.01, seed, double_layer=layer, film_permittivity=permittivity
    )
    fixed = '"spectrum.double_layer" = ["0.1 uF/cm^2", "100 uF/cm^2"]\n'
    result = made(tmp_path, SPECTRUM + KAPPA + FILM + J0 + fixed)
    found = words(result)
    assert found["kinetics.exchange_current_density"] == NOT
    assert found["film.resistance"] == NOT
    both = next(one for one in result.known if one.name.startswith("both interfaces"))
    assert both.low < 2.0 * (R_f + R_ct) < both.high
    assert both.high < 1.05 * both.low
    settle = next(one.verdict.settle for one in result.estimates if one.unknown.key == "film.resistance")
    assert "only their sum is known" in settle
    assert "Tafel" in settle


def test_a_prior_that_leaves_the_truth_out_is_named(tmp_path: Path) -> None:
    write_spectrum(tmp_path / "eis.csv", truth(tmp_path, {}), (1e6, 0.1), 0.01, 1)
    narrow = '"electrolyte.conductivity" = ["4e-4 S/cm", "1e-3 S/cm"]\n'
    result = made(tmp_path, SPECTRUM + narrow)
    one = result.estimates[0]
    assert one.verdict.word == NOT
    assert one.verdict.edge == "at the lower end of its prior, 0.0004 S/cm; widen the prior"


def test_the_growth_law_is_the_one_that_predicts_the_last_third(tmp_path: Path) -> None:
    grown = '{ law = "square-root", coefficient = "1e-19 m^2/s", molar_volume = "15 cm^3/mol" }'
    case = truth(tmp_path, {"film.growth": grown})
    write_cycling(tmp_path / "cell.csv", case, [(2.0, 3600.0), (-2.0, 3600.0)] * 3, 2e-3, 1)
    text = SPECTRUM.replace('spectrum = "eis.csv"', 'cycling = "cell.csv"').replace(
        "[unknown]", '[set]\n"film.growth.molar_volume" = "15 cm^3/mol"\n[unknown]'
    )
    laws = '"film.growth.coefficient" = ["1e-22 m^2/s", "1e-17 m^2/s"]\n"film.growth.rate" = ["1e-4 nm/h", "10 nm/h"]\n'
    prepared = prepare_fit(read_fit(write_fit(tmp_path, text + FILM + laws)))
    found, chosen, note = compare_laws(prepared.forwards, prepared.data, prepared.fit.seed)
    assert chosen == "square-root"
    assert [law.name for law in found] == ["square-root", "constant", "none"]
    # 2 mV of noise; 60 held-out samples know it to 9 %, four times
    assert found[0].predicted == pytest.approx(2e-3, rel=0.36)
    assert note.startswith("square-root predicts")


def test_laws_that_fit_a_trace_alike_are_told_apart_by_what_they_do_to_the_spectrum() -> None:
    noise = np.random.default_rng(1).standard_normal(200)
    data = [SimpleNamespace(role=role, measured=noise, scale=np.full(200, 0.01)) for role in ("spectrum", "cycling")]

    def forward(law: str, off: float) -> Any:
        shown = (off * np.sin(np.arange(200.0)), np.zeros(200))  # of the spectrum alone
        return SimpleNamespace(law=law, predict=lambda u, data: SimpleNamespace(data=shown))

    fits: dict[str, Any] = {law: SimpleNamespace(u=None) for law in ("wrong", "true")}
    forwards = [forward("wrong", 1.0), forward("true", 0.0)]
    assert _by_the_whole(forwards, data, fits) == ["true"]  # type: ignore[arg-type]


def test_without_emcee_the_fit_says_that_it_approximates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posteriors, "has_emcee", lambda: False)
    write_spectrum(tmp_path / "eis.csv", truth(tmp_path, {}), (1e6, 0.1), 0.01, 1)
    result = made(tmp_path, SPECTRUM + KAPPA)
    assert "Laplace" in result.posterior.method
    one = result.estimates[0]
    profiled = one.profile.high - one.profile.low
    shown = [one.unknown.place(x) for x in (one.interval.low, one.interval.high)]
    assert shown[1] - shown[0] == pytest.approx(profiled, rel=0.15)  # 4000 samples, and a nearly linear model


def test_a_base_whose_prior_gives_no_case_is_refused(tmp_path: Path) -> None:
    write_cell(tmp_path, 'kinetics.transfer_coefficient = 0.5\n')
    write_spectrum(tmp_path / "eis.csv", read_case(tmp_path / "cell.toml"), (1e5, 1.0), 0.01, 1)
    wide = '"kinetics.transfer_coefficient" = [0.0, 0.9]\n'
    with pytest.raises(CaseError, match="gives no case"):
        prepare_fit(read_fit(write_fit(tmp_path, SPECTRUM + wide)))
