"""The impedance of a flat cell: its limits, its arcs, what Bruce and Vincent make of it, and the command."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from commands import call

from phasefield.analytic.flat_cell import FlatCell
from phasefield.analytic.impedance import FlatImpedance, evans_current_fraction
from phasefield.api import read_case
from phasefield.measured import read_measurement

NAMES = ("pll", "pllz", "plz", "lhci", "dlhci")


def cell_of(name: str, *overrides: str) -> FlatImpedance:
    case = FlatCell(read_case(name, list(overrides)))
    return FlatImpedance(case.films(0.0), case.gap)


@pytest.mark.parametrize("name", NAMES)
def test_the_ends_of_a_spectrum(name: str) -> None:
    """High up only the electrolyte is left; at the bottom all of it, and an ideal salt makes L/kappa L/(kappa t+)."""
    cell = cell_of(name)
    high, low = cell.at(np.array([1e12, 1e-12]))
    assert high == pytest.approx(cell.bulk, rel=1e-3)
    assert low == pytest.approx(cell.total, rel=1e-6)
    assert cell.bulk + cell.salt == pytest.approx(cell.gap / (cell.p.kappa * cell.p.t_plus), rel=1e-12)
    assert cell.total == pytest.approx(sum(part.resistance for part in cell.parts()), rel=1e-12)


def test_an_arc_is_highest_where_its_part_says() -> None:
    """The film of PLLZ and the salt are far apart: each arc by itself."""
    cell = cell_of("pllz")
    for part in cell.parts():
        if part.name in ("film, lithium", "salt"):
            f = np.logspace(-0.5, 0.5, 401) * part.peak
            highest = f[np.argmax(-cell.at(f).imag)]
            assert highest == pytest.approx(part.peak, rel=0.02)  # the steps between, and the neighbours' feet


def test_the_resistance_is_that_of_the_papers_at_the_start() -> None:
    """160 mV at 0.2 mA/cm2 and 0.2 mA/cm2 give 800 ohm cm2, less what 120 um of electrolyte have over 70 um."""
    cell = cell_of("pllz")
    assert 1e4 * (cell.interfaces + 70e-6 / cell.p.kappa) == pytest.approx(805.0, rel=0.01)


def test_the_film_of_pll_ages() -> None:
    case = FlatCell(read_case("pll"))
    old = FlatImpedance(case.films(110.0 * 3600.0), case.gap)
    assert 1e4 * old.films[0] == pytest.approx(2494.0, rel=0.01)  # what the voltage at 110 h says


@pytest.mark.parametrize("name", NAMES)
def test_evans_gives_back_the_transference_number(name: str) -> None:
    cell = cell_of(name)
    voltage = 0.01
    first, last = voltage / (cell.bulk + cell.interfaces), voltage / cell.total
    found = evans_current_fraction(voltage, first, last, cell.interfaces, cell.interfaces)
    assert found == pytest.approx(cell.p.t_plus, rel=1e-9)


def test_the_command_writes_spectrum_and_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "spectrum"
    assert call("impedance", "pll", "--at", "0 h", "--at", "110 h", "--out", out) == 0
    said = capsys.readouterr().out
    assert "2.49e+03" in said
    assert "Li | PLL | Li" in said
    with (out / "impedance.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["state"] for row in rows} == {"fresh films", "films 110 h old"}
    assert float(rows[-1]["Re Z [ohm cm^2]"]) == pytest.approx(5057.0, rel=2e-3)
    fresh, aged = read_measurement(out / "impedance.csv").spectra  # measured files of the same form are read, too
    assert fresh.impedance.real[-1] < aged.impedance.real[-1] == pytest.approx(0.5057, rel=2e-3)
    assert (fresh.impedance.imag < 0.0).all()
    assert (out / "impedance.png").stat().st_size > 20_000


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--double-layer", "0"), "--double-layer 0: give a number above 0"),
        (("--permittivity", "nan"), "--permittivity nan: give a number above 0"),
        (("--at", "10 um"), "--at:"),
        (("--at=-1 h",), "no age below 0 h"),
    ],
)
def test_wrong_words_write_nothing(
    words: tuple[str, ...], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("impedance", "pllz", *words, "--out", tmp_path / "out") == 2
    assert says in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_ages_close_together_are_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ages = ("--at", "110.001 h", "--at", "110.002 h")
    assert call("impedance", "pll", *ages, "--out", tmp_path / "out") == 0
    said = capsys.readouterr().out + (tmp_path / "out" / "impedance.csv").read_text()
    assert "110.001 h" in said
    assert "110.002 h" in said
