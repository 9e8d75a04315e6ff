"""Fits of full cells, and of small tables: what made them is found, or said not to be known."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from commands import call
from made_up_cells import AREA, marched_voltages, write_cycling, write_trace

from phasefield.analytic.flat_cell import FlatCell
from phasefield.analytic.flat_trace import CurrentTrace, flat_voltages, protocol_trace
from phasefield.analytic.rate_test import flat_discharges
from phasefield.api import read_case
from phasefield.errors import CaseError, PhasefieldError
from phasefield.fitting import posterior as posteriors
from phasefield.fitting.data import DataFile, trace_data
from phasefield.fitting.fit import make_fit, prepare_fit
from phasefield.fitting.fitfile import read_fit, shipped_fits
from phasefield.fitting.growth import compare_laws
from phasefield.fitting.identifiability import IDENTIFIED, NOT
from phasefield.fitting.result import FitResult
from phasefield.fitting.tables.rate_table import RateTable, read_rate_table

RATES = """
[data]
rates = "rates.csv"
rates_noise = 0.01
[base]
case = "lfp-rates-pllz"
[unknown]
"""
LOADING = '"cathode.loading" = ["0.3 mg/cm^2", "10 mg/cm^2"]\n'
CAPACITY = '"cathode.specific_capacity" = ["100 mAh/g", "170 mAh/g"]\n'
DIFFUSION = '"cathode.diffusion_time" = ["10 s", "1e5 s"]\n'
TRANSFER = '"cathode.exchange_current_density" = ["0.01 mA/cm^2", "100 mA/cm^2"]\n'
TRUTH = {
    "cathode.loading": '"3 mg/cm^2"', "cathode.specific_capacity": '"152 mAh/g"', "cathode.diffusion_time": '"2000 s"',
    "cathode.exchange_current_density": '"0.3 mA/cm^2"',
}  # fmt: skip
HEADS = "rate (C), discharge capacity (mAh/g), polarisation (mV)\n"


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of the samples: intervals of some per cent more or less do not matter here."""
    monkeypatch.setattr(posteriors, "EVALUATIONS", 1600)


def made(folder: Path, text: str) -> FitResult:
    path = folder / "fit.toml"
    path.write_text(text, encoding="utf-8")
    return make_fit(prepare_fit(read_fit(path)), lambda line: None)


def write_rates(path: Path, noise: float, seed: int) -> None:
    """Write what the true cell shows at 0.2 to 2 C, with noise as a share."""
    case = read_case("lfp-rates-pllz", [f"{key}={text}" for key, text in TRUTH.items()])
    random = np.random.default_rng(seed)
    rows = ""
    for one in flat_discharges(case):
        capacity, polarisation = (1.0 + noise * random.standard_normal(2)) * (one.capacity, one.polarisation)
        rows += f"{one.rate:g}, {capacity / 0.03 / 3.6e3:.8g}, {1e3 * polarisation:.8g}\n"
    path.write_text(HEADS + rows, encoding="utf-8")


# The flat full cell


def test_a_discharge_of_the_rate_test_is_that_of_the_marched_cell() -> None:
    """Capacity and polarisation of each discharge against a march of small steps through the same protocol.

    The open-circuit curve has a kink where the cathode is half full: elsewhere the polarisation is another one.
    """
    kinked = 'cathode.open_circuit={filling=[0, 0.5, 1], potential=["3.9 V", "3.4 V", "2.6 V"]}'
    case = read_case("lfp-rates-pllz", [kinked, *(f"{key}={text}" for key, text in TRUTH.items())])
    for one, steps in zip(flat_discharges(case), _marched(case.protocol.sequence, case, 400), strict=True):
        # a march of 1/400 of the capacity ends up to one of its steps late
        assert steps[0] == pytest.approx(one.capacity, abs=2.0 / 400.0 * case.cathode.areal_capacity)
        assert steps[1] == pytest.approx(one.polarisation, rel=5e-3)  # straight between 400 points at the kink


def _marched(sequence: tuple, case, parts: int) -> list[tuple[float, float]]:  # type: ignore[no-untyped-def, type-arg]
    """March a flat cell through a protocol by its scalar voltage: charge and polarisation of each discharge."""
    cell, found, halves = FlatCell(case), [], []
    for step in sequence:
        j, start = step.current, cell.charge
        dt = case.cathode.areal_capacity / parts / abs(j)
        curve = []
        while True:
            cell.follow(j, dt)
            cell.age += dt
            curve.append((cell.cathode.filling(cell.charge), cell.voltage(cell.films(cell.age), j, 0.0)))
            if (curve[-1][1] - step.until_voltage) * np.sign(j) >= 0.0:
                break
        order = np.argsort([y for y, _ in curve])
        halves.append(np.interp(0.5, *np.array(curve)[order].T))
        if j < 0.0:
            found.append((start - cell.charge, halves[-2] - halves[-1]))
    return found


def test_a_trace_of_a_full_cell_is_that_of_the_marched_cell() -> None:
    case = read_case("lfp-rates-pllz", [f"{key}={text}" for key, text in TRUTH.items()])
    time = np.array([60.0, 600.0, 3600.0, 3660.0, 5000.0, 7000.0])
    current = np.array([2.0, 2.0, 1.5, -1.0, -2.0, -1.5])
    expected = marched_voltages(case, time, current)
    drive = CurrentTrace(time, current, np.arange(6), current)
    assert flat_voltages(case, drive) == pytest.approx(expected, rel=1e-7)  # 1/kappa by another rule: 1e-5 of 1 % of it


# Tables


WRONG = {
    "rate, polarisation (mV)\n1, 100\n": "rates.csv:1: column 'rate': its unit is missing or wrong",
    "rate (C), polarisation (mAh)\n1, 100\n": "rates.csv:1: column 'polarisation (mAh)': its unit is missing",
    "rate (C), current (mA)\n1, 100\n": "rates.csv: lacks a column of rates, or one of capacity or polarisation",
    HEADS + "1, 100\n": "rates.csv:2: has 2 fields, its heads are 3",
    HEADS + "1, -5,\n": "rates.csv:2: '-5' is no number above 0",
    HEADS + "1, 1e305,\n": "rates.csv:2: '1e305' is outside of what a charge per mass can be, 0.0278 to 2.78e+04",
    HEADS + "1, , 1e-320\n": "rates.csv:2: '1e-320' is outside of what a voltage can be, 1e-06 to 1e+07",
    HEADS + "1, 1_0,\n": "rates.csv:2: '1_0' is no number above 0",
    HEADS + ", 100,\n": "rates.csv:2: has no rate",
    HEADS + "1, 100,\n1, 101,\n": "rates.csv:3: has the rate 1 C again",
    HEADS + "1, ,\n": "rates.csv: holds no number",
    HEADS: "rates.csv: holds no number",
    "": "rates.csv: lacks a column of rates",
    HEADS + "3, 100,\n": "rates.csv: has 3 C, and the protocol of the base has no discharge at this rate; it has 0.2",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_table_is_refused_by_line_and_remedy(text: str, tmp_path: Path) -> None:
    (tmp_path / "rates.csv").write_text(text, encoding="utf-8")
    with pytest.raises(PhasefieldError) as raised:
        made(tmp_path, RATES + LOADING)
    assert WRONG[text] in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_table_may_have_gaps_comments_and_capacities_of_an_area(tmp_path: Path) -> None:
    path = tmp_path / "rates.csv"
    path.write_text("# from a figure\nC-rate/C,capacity/(mAh/cm^2),polarization/V\n0.5,,0.1\n1,2,\n", encoding="utf-8")
    table = read_rate_table(path)
    assert not table.by_mass
    assert list(table.x) == [1.0, 0.5]
    assert list(table.measured) == pytest.approx([72000.0, 0.1], rel=1e-12)


def test_a_table_of_many_rates_is_read_at_once(tmp_path: Path) -> None:
    path = tmp_path / "rates.csv"
    rates = np.geomspace(1e-200, 1e200, 60000)
    path.write_text("rate (C), capacity (mAh/g)\n" + "".join(f"{one:.4e},1\n" for one in rates), encoding="utf-8")
    began = time.monotonic()
    assert read_rate_table(path).rate.size == rates.size
    assert time.monotonic() - began < 10.0  # s; each rate against all others takes minutes


REFUSED = {
    "rates_noise = 0.01\n": ("", "2 numbers do not show their own noise"),
    '"lfp-rates-pllz"': ('"pllz"', "fit.toml:3: data.rates: is of a full cell; take a base with a"),
    'rates = "rates.csv"': (
        'rates = "rates.csv"\nspectrum = "rates.csv"', "fit.toml:4: data.spectrum: a fit knows no such data",
    ),
}


@pytest.mark.parametrize("good", REFUSED)
def test_data_that_do_not_go_with_the_base_are_refused(good: str, tmp_path: Path) -> None:
    (tmp_path / "rates.csv").write_text(HEADS + "1, 120, 150\n", encoding="utf-8")
    wrong, words = REFUSED[good]
    text = RATES.replace(good, wrong).replace("[base]", '[cell]\nelectrode_area = "1 cm^2"\n[base]')
    with pytest.raises(PhasefieldError, match=words):
        made(tmp_path, text + LOADING)


def test_a_cathode_is_not_looked_for_in_a_lithium_cell(tmp_path: Path) -> None:
    write_trace(tmp_path / "cell.csv", np.arange(20.0), np.ones(20), np.ones(20))
    text = RATES.replace('rates = "rates.csv"\nrates_noise = 0.01', 'cycling = "cell.csv"').replace(
        '"lfp-rates-pllz"', '"pllz"\n[cell]\nelectrode_area = "1 cm^2"'
    )
    with pytest.raises(CaseError, match=r"the base has no \[cathode\]"):
        made(tmp_path, text + LOADING)


def test_the_current_of_a_full_cell_charges_it_where_its_voltage_rises() -> None:
    t = np.linspace(0.0, 100.0, 50)
    falls = trace_data(DataFile("cycling", "x", ""), t, np.full(50, 2.0), 3.5 - 1e-3 * t, None, full=True)
    assert (falls.drive.current < 0.0).all()  # type: ignore[union-attr]
    turned = np.where(t < 50.0, -2.0, 2.0)
    seen = trace_data(DataFile("cycling", "x", ""), t, turned, np.where(t < 50.0, 3.5, 3.3), None, full=True)
    assert seen.drive.current[0] > 0.0  # type: ignore[union-attr]


# Voltages over time


def test_the_current_of_a_protocol_is_looked_at_before_it_switches() -> None:
    case = read_case("pllz", ["protocol.repeat=3"])  # one hour at 2 A/m2 each way
    drive = protocol_trace(case, np.array([360.0, 3600.0, 5400.0, 4 * 3600.0]))
    assert list(drive.moment) == [2.0, 2.0, -2.0, -2.0]
    assert list(drive.time[drive.seen]) == [360.0, 3600.0, 5400.0, 4 * 3600.0]
    assert float(np.sum(drive.current * np.diff(drive.time, prepend=0.0))) == pytest.approx(0.0, abs=1e-9)
    with pytest.raises(ValueError, match="ends after 6 h"):
        protocol_trace(case, np.array([7 * 3600.0]))


VOLTAGES = """
[data]
voltages = "voltages.csv"
voltages_noise = 0.02
[base]
case = "pllz"
[set]
"film.growth.molar_volume" = "17.5 cm^3/mol"
[unknown]
"film.resistance" = ["50 ohm cm^2", "5000 ohm cm^2"]
"""
LAWS = '"film.growth.coefficient" = ["1e-24 m^2/s", "1e-18 m^2/s"]\n"film.growth.rate" = ["1e-6 nm/h", "10 nm/h"]\n'


def test_two_voltages_give_a_film_that_grows_and_no_law(tmp_path: Path) -> None:
    (tmp_path / "voltages.csv").write_text("time (h), voltage (mV)\n0.1, 200\n100, 800\n", encoding="utf-8")
    path = tmp_path / "fit.toml"
    path.write_text(VOLTAGES + LAWS, encoding="utf-8")
    prepared = prepare_fit(read_fit(path))
    found, chosen, note = compare_laws(prepared.forwards, prepared.data, 1)
    assert chosen == "square-root"
    assert note.startswith("the voltages do not tell square-root from constant")
    by = {law.name: law.fitted for law in found}
    assert by["none"] > 0.2  # one resistance at 0.2 and 0.8 V is far off at one of both
    assert max(by["square-root"], by["constant"]) < 1e-6  # two numbers for two numbers
    assert all(law.predicted is None for law in found)


def test_a_table_of_voltages_needs_times_that_increase(tmp_path: Path) -> None:
    (tmp_path / "voltages.csv").write_text("time (h), voltage (mV)\n2, 200\n1, 800\n", encoding="utf-8")
    with pytest.raises(PhasefieldError, match=r"voltages\.csv:3: has an empty field, or a time that does not increase"):
        made(tmp_path, VOLTAGES)


@pytest.mark.parametrize("name", shipped_fits())
def test_a_shipped_fit_can_be_made(name: str) -> None:
    prepared = prepare_fit(read_fit(name))
    for forward in prepared.forwards:
        u = np.full(len(forward.unknowns), 0.5)
        assert np.isfinite(forward.residuals(u, prepared.data, [1.0] * len(prepared.data))).all()


def test_the_shipped_cathode_is_what_its_fit_finds() -> None:
    """What `fits/lfp.toml` gives, to the digits that cathodes/lfp.toml has: it reproduces its three figures."""
    prepared = prepare_fit(read_fit("lfp"))
    case = read_case("lfp-rates-pllz")
    table = prepared.data[0].drive
    assert isinstance(table, RateTable)
    # three digits of the loading and of the capacity: half a per cent of each number
    assert table.predicted(case) == pytest.approx(table.measured, rel=5e-3)


# Whole fits


@pytest.mark.slow
def test_rates_give_back_loading_capacity_and_diffusion_time(tmp_path: Path) -> None:
    write_rates(tmp_path / "rates.csv", 0.01, 1)
    set_ = f'[set]\n"cathode.exchange_current_density" = {TRUTH["cathode.exchange_current_density"]}\n'
    result = made(tmp_path, RATES.replace("[unknown]", f"{set_}[unknown]") + LOADING + CAPACITY + DIFFUSION)
    true = {"cathode.loading": 0.03, "cathode.specific_capacity": 152 * 3.6e3, "cathode.diffusion_time": 2000.0}
    for one in result.estimates:
        low, high = one.interval.low, one.interval.high
        # 90 % is 1.645 standard deviations: beyond 2.5 times that, 4.1 of them, lies one in 24 000
        assert abs(true[one.unknown.key] - 0.5 * (low + high)) < 1.25 * (high - low), one.unknown.key
        assert one.verdict.word == IDENTIFIED, one.unknown.key
    assert [row["rate"] for row in result.rates] == pytest.approx([0.2, 0.5, 1.0, 2.0])
    assert all(row["capacity"]["fitted"] for row in result.rates)


@pytest.mark.slow
def test_one_polarisation_does_not_tell_the_loading_from_charge_transfer(tmp_path: Path) -> None:
    (tmp_path / "rates.csv").write_text(HEADS + "0.2, 144,\n1, 124, 170\n", encoding="utf-8")
    result = made(tmp_path, RATES + LOADING + CAPACITY + DIFFUSION + TRANSFER)
    by = {one.unknown.key: one for one in result.estimates}
    assert by["cathode.exchange_current_density"].verdict.word == NOT
    assert "polarisations at more rates" in by["cathode.exchange_current_density"].verdict.settle
    assert [row["polarisation"]["fitted"] for row in result.rates] == [False, False, True, False]


def test_a_trace_of_a_full_cell_gives_its_loading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    case = read_case("lfp-rates-pllz", [f"{key}={text}" for key, text in TRUTH.items()])
    write_cycling(tmp_path / "cell.csv", case, [(0.35, 4000.0), (-0.35, 4000.0)], 2e-3, 1)  # 85 % of its capacity
    text = RATES.replace('rates = "rates.csv"\nrates_noise = 0.01', 'cycling = "cell.csv"').replace(
        "[base]", f'[cell]\nelectrode_area = "{AREA} m^2"\n[base]'
    )
    set_ = "[set]\n" + "".join(f'"{key}" = {text}\n' for key, text in TRUTH.items() if "loading" not in key)
    (tmp_path / "fit.toml").write_text(text.replace("[unknown]", f"{set_}[unknown]") + LOADING, encoding="utf-8")
    assert call("fit", "fit.toml", "--out", "out", "-q") == 0
    found = read_case(_case(tmp_path))
    assert found.cathode is not None
    # where the cathode is nearly full 2 mV of noise are 1e-4 of its capacity; ten times that
    assert found.cathode.loading == pytest.approx(0.03, rel=1e-3)
    assert found.provenance["cathode.loading"].status == "calibrated"


def _case(folder: Path) -> Path:
    """Write a case that lays an experiment over what a fit has found."""
    path = folder / "used.toml"
    extends = 'extends = ["out/electrolyte.toml", "experiments/lfp-rates.toml"]'
    path.write_text(f'title = "used"\n{extends}\n', encoding="utf-8")
    return path
