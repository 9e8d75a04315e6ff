"""The report on the papers' experiments: what comes back from what was put in, and the pages it writes."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest
from commands import call, write_case

from phasefield.api import read_case, run
from phasefield.experiments.rate import Sweep, polarisation_of
from phasefield.results.run import open_run
from phasefield.studies.compare import compare_runs, plan, run_missing
from phasefield.validation.experiments.assumed import INPUTS
from phasefield.validation.experiments.assumed import assumed_runs as assumed_entries
from phasefield.validation.experiments.control import control
from phasefield.validation.experiments.critical import critical
from phasefield.validation.experiments.cycling import cycling
from phasefield.validation.experiments.ionogels import ionogels
from phasefield.validation.experiments.polarisation import polarisation
from phasefield.validation.experiments.seeds import on_squares, seed_runs, seeds
from phasefield.validation.experiments.spectra import spectra
from phasefield.validation.experiments.tafel import tafel
from phasefield.validation.experiments.temperature import temperature
from phasefield.validation.experiments.wagner import wagner
from phasefield.validation.page import CSV, HTML, JSON, markdown, write
from phasefield.validation.row import INPUT, Experiment, Missing, Row
from phasefield.validation.targets import NOT_SIMULATED
from phasefield.viz.plots.attribution import Range, ranges
from phasefield.viz.plots.curves import Curve, Plot
from phasefield.viz.plots.lines import draw

TWO = (
    'protocol.steps=[{current="0.1 mA/cm^2", duration="1 h"}, {current="-0.1 mA/cm^2", duration="1 h"}, '
    '{current="0.2 mA/cm^2", duration="1 h"}]'
)


def test_bruce_and_vincent_give_back_the_transference_number(tmp_path: Path) -> None:
    entries = plan(["polarisation-dlhci"], tmp_path, ())
    run_missing(entries, threads=1)
    done = polarisation(entries)
    (row,) = done.rows
    assert row.electrolyte == "DLHCI"
    assert row.stated == read_case("dlhci").electrolyte.transference_number
    assert row.simulated == pytest.approx(row.stated, abs=0.01)  # what one percent of the interfaces makes of it
    assert done.plots[0].curves[0].y[-1] == pytest.approx(1.0, abs=0.05)  # the interfaces hold the current


def test_the_exchange_current_comes_back(tmp_path: Path) -> None:
    entries = plan(["tafel-dlhci"], tmp_path, ())
    run_missing(entries, threads=1)
    found = {row.quantity: row for row in tafel(entries[0]).rows}
    # In 0.1 s the salt at the surface falls by 3 to 7 of 600 mol/m3: half of that share in j0, all of it in slope.
    assert found["exchange current density"].simulated == pytest.approx(0.17, rel=0.01)
    assert found["transfer coefficient"].simulated == pytest.approx(0.5, rel=0.015)


def test_the_critical_current_names_what_ended_the_run(tmp_path: Path) -> None:
    small = ['grid.size=["40 um", "170 um"]', "film.patches.spread=0.1"]
    for limit, steps, current, says in (("0.2 V", "", 0.3, "reached"), ("5 V", TWO, 0.2, "no failure up to 0.2")):
        overrides = [*small, f'protocol.voltage_limit="{limit}"', *([steps] if steps else [])]
        entries = plan(["critical-current-pllz"], tmp_path / says[:2], overrides)
        run_missing(entries, threads=1)
        (row,) = critical(entries).rows
        assert row.simulated == pytest.approx(current)  # 0.2 mA/cm2 takes 0.16 V, 0.3 takes 0.24 V
        assert says in row.says


def test_the_rows_of_the_ionogels() -> None:
    table = [{"voltage_start": 0.4, "voltage_end": end, "Sz": 60e-6} for end in (0.5, 0.39)]
    rows = ionogels(table, "compare.png").rows
    assert [row.simulated for row in rows] == pytest.approx([25.0, 60.0, -2.5, 60.0])
    assert [row.electrolyte for row in rows] == ["LHCI", "LHCI", "DLHCI", "DLHCI"]


def test_barrier_and_conductivity_come_from_the_spectra() -> None:
    for row in temperature().rows:
        # The spectrum's end is 1e3 above its highest arc: a millionth of an interface stays in it.
        assert row.simulated == pytest.approx(row.stated, rel=1e-3), row.quantity


def test_the_control_cannot_carry_the_current() -> None:
    most = {row.electrolyte: row.simulated for row in control().rows}
    assert most["PLZ"] < 0.2 < most["PLL"] < most["PLLZ"]
    assert most["PLL"] == pytest.approx(2.6, abs=0.05)  # 2 F D c0 / ((1 - t+) L) by hand
    assert most["PLLZ"] == pytest.approx(7.8, abs=0.15)


def test_the_rows_of_the_cycling(tmp_path: Path) -> None:
    cases = [write_case(tmp_path, name, name) for name in ("pll", "pllz")]
    table = compare_runs([str(case) for case in cases], tmp_path / "runs", threads=1)
    done = cycling(table, "compare.png")
    rows = {(row.electrolyte, row.quantity): row for row in done.rows}
    with open_run(Path(table[0]["folder"])) as run:
        assert rows["PLL", "voltage at the start"].simulated == pytest.approx(1e3 * run.series["voltage"][0])
    assert rows["PLL/PLLZ", "ratio of Sz"].simulated == pytest.approx(table[0]["Sz"] / table[1]["Sz"])
    assert math.isnan(rows["PLL", "voltage at 110 h"].simulated)  # two hours are no 110
    assert (tmp_path / "runs" / done.pictures[0]).is_file()


def test_the_pages(tmp_path: Path) -> None:
    line = Plot("curve", "A line", "x", "y", (Curve("", np.array([0.0, 1.0]), np.array([0.0, 1.0]), True),))
    rows = (
        Row("PLL", "one|two", "about 2", 2.0, 1.0, "mV", INPUT, "[1] Fig. 1", "film.thickness", "half of it"),
        Row("PLLZ", "none", "flat", math.nan, math.nan, "%", INPUT, "[1] Fig. 1"),
    )
    done = [Experiment("First", "What was done.", rows, (line,), "What it shows.")]
    draw(line, tmp_path)
    missing = [Missing("PLL", "another", "3 mV", "[1]", "because")]
    write(done, missing, tmp_path)
    text = markdown(done, missing, Path("images"))
    assert "| PLL | one\\|two | about 2 | 1 | mV | -50.0 % | input: `film.thickness` | [1] Fig. 1 |" in text
    assert "- PLL, one|two: half of it." in text
    assert "(images/curve.png)" in text
    assert "| PLL | another | 3 mV | [1] | because |" in text
    page = (tmp_path / HTML).read_text(encoding="utf-8")
    assert 'src="data:image/png;base64,iVBOR' in page
    assert "<td>one|two</td>" in page
    assert "nan" not in page
    document = json.loads((tmp_path / JSON).read_text(encoding="utf-8"))
    assert document["rows"][1]["stated"] is None
    assert document["not simulated"][0]["why"] == "because"
    with (tmp_path / CSV).open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["simulated"] for row in table] == ["1.0", ""]


def test_what_is_not_simulated_says_why() -> None:
    assert all(one.why and one.measured and one.where for one in NOT_SIMULATED)
    assert len({(one.electrolyte, one.quantity) for one in NOT_SIMULATED}) == len(NOT_SIMULATED)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("books",), "report books: there is no such report; there is: papers"),
        (("papers", "--docs", "--quick"), "leave --quick away"),
        (("papers", "--docs"), "--docs: there is no folder docs/ here"),
        (("papers", "--threads", "0"), "threads"),
    ],
)
def test_wrong_words_run_nothing(
    words: tuple[str, ...],
    says: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if says.startswith("leave"):
        (tmp_path / "docs").mkdir()
    monkeypatch.chdir(tmp_path)
    assert call("report", *words, "--out", "out") == 2
    assert says in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_peak_to_valley_on_smaller_squares() -> None:
    height = np.zeros((16, 16))
    height[0, 0], height[5, 9] = 3.0, -1.0  # in two of the sixteen squares of 4, and in two of the four of 8
    assert dict(on_squares(height, 2.0)) == {8.0: 4.0 / 16.0, 16.0: 1.0, 32.0: 4.0}


def test_seeds_have_a_mean_and_a_band(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = ('grid.size=["64 um", "64 um", "96 um"]', 'surface.height="40 um"', "protocol.repeat=1",
             'output.fields_every="1 h"')  # fmt: skip
    module = "phasefield.validation.experiments.seeds"
    monkeypatch.setattr(
        f"{module}.read_case", lambda text: read_case(text, () if isinstance(text, Path) else small)
    )
    monkeypatch.setattr(f"{module}.SEEDS", 3)
    sown = seed_runs(tmp_path / "seeds", tmp_path / "cycling")
    assert [entry.name for entry in sown[:3]] == ["pll", "pll-seed2", "pll-seed3"]
    for entry in sown:
        run(entry.case, entry.folder)
    done = seeds(sown)
    rows = {(row.electrolyte, row.quantity): row for row in done.rows}
    found = []
    for entry in sown[3:]:
        with open_run(entry.folder) as stored:
            found.append(1e6 * stored.series["Sz"][-1])
    assert len(set(found)) == 3
    assert rows["PLLZ", "Sz, mean of 3 seeds"].simulated == pytest.approx(np.mean(found), rel=1e-12)
    band = next(curve for curve in done.plots[0].curves if curve.name == "PLLZ").band
    assert band is not None
    wide = 2.0 * 4.302653 * np.std(found, ddof=1) / math.sqrt(3.0)
    assert band[1][-1] - band[0][-1] == pytest.approx(wide, rel=1e-6)
    assert rows["PLLZ", "Sz over Sz on a quarter of the area"].simulated >= 1.0
    for plot in done.plots:
        assert draw(plot, tmp_path).read_bytes().startswith(b"\x89PNG")


def test_charge_and_discharge_of_a_full_cell_are_told_apart() -> None:
    """A cell of 3.4 V and 0.1 V of overpotential, charged from 0.9 to 0.1 and discharged to 0.8."""
    y = np.array([0.9, 0.8, 0.4, 0.1, 0.2, 0.6, 0.8])
    series = {
        "cathode_filling": y, "voltage": 3.4 + np.array([0.1, 0.1, 0.1, 0.1, -0.1, -0.1, -0.1]),
        "cycle": np.ones(7), "protocol_step": np.array([0, 0, 0, 0, 1, 1, 1]),
        "step_size": np.array([0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]),
    }  # fmt: skip
    assert Sweep(series, 1, 0).passed == pytest.approx(0.8)
    assert Sweep(series, 1, 1).passed == pytest.approx(0.7)
    assert math.isnan(Sweep(series, 1, 1).at(0.1))
    assert polarisation_of(series, 1, 0) == pytest.approx(0.2)


def test_every_assumed_input_has_two_other_choices_that_run(tmp_path: Path) -> None:
    runs = assumed_entries(tmp_path)
    assert len(runs) == 2 * (1 + 2 * len(INPUTS))
    assert len({entry.folder for entry in runs}) == len(runs)
    hashes = {entry.case.hash for entry in runs if entry.case is not None}
    assert len(hashes) == len(runs)
    for entry in runs:
        assert entry.case is not None
        assert entry.case.protocol.planned_time == 120.0 * 3600.0
    resistance = {
        entry.name: entry.case.film.thickness / entry.case.properties().film_conductivity
        for entry in runs
        if entry.case is not None
    }
    # exp(-0.5 eV/k (1/333.15 K - 1/303.15 K)) = 5.6
    cold, warm = resistance["pll-as-shipped"], resistance["pll-at-60-degC-barrier-of-the-film-high"]
    assert cold / warm == pytest.approx(5.6, rel=0.01)
    assert resistance["pll-at-60-degC-barrier-of-the-film-low"] == cold


def test_ranges_are_drawn(tmp_path: Path) -> None:
    found = [Range("renewal", "0.5 um", 80.0, "2 um", 120.0), Range("salt", "0.5 mol/L", 110.0, "2 mol/L", 95.0)]
    path = ranges([("PLL: Sz (um)", 100.0, found)], "title", tmp_path / "ranges.png")
    assert path.read_bytes().startswith(b"\x89PNG")


def test_spectra_give_back_the_resistances_of_the_interfaces(tmp_path: Path) -> None:
    done = spectra(tmp_path)
    found = {(row.electrolyte, row.quantity): row for row in done.rows}
    for name, stated in (("PLL", 494.0), ("PLL, 110 h", 2494.0), ("PLLZ", 397.0)):
        row = found[name, "one interface"]
        assert row.stated == stated
        # charge transfer of 10 mA/cm2, RT/(F j0) = 2.6 ohm cm2, is on top of what was worked out
        assert row.simulated == pytest.approx(stated + 2.6, rel=0.01)
    for name in done.pictures:
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


def test_the_wagner_length_is_conductivity_times_resistance() -> None:
    rows = {row.electrolyte: row for row in wagner().rows}
    assert set(rows) == {"PLL", "PLLZ", "LHCI", "DLHCI"}
    # PLLZ: 70 um over 6.604 ohm cm2 of electrolyte, times 399.4 ohm cm2 of one interface, of which 3e-6 is kinetics.
    assert rows["PLLZ"].simulated == pytest.approx(70e-3 * 399.4 / 6.604, rel=0.01)
