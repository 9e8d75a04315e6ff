"""Each kind of experiment against its input or its closed form, on electrolytes drawn at random."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from commands import call

from phasefield.analytic.impedance import FlatImpedance
from phasefield.api import open_run, read_case, run
from phasefield.case.settings import EXPERIMENTS
from phasefield.check import regime
from phasefield.constants import FARADAY
from phasefield.experiments.registry import KINDS, evaluate, panels
from phasefield.results.evaluation import NUMBERED, QUANTITIES, Evaluation, quantity
from phasefield.results.run import Run
from phasefield.studies.sweep.outputs import OutputError, RunOutput

RNG = np.random.default_rng(11)


def electrolyte() -> tuple[str, ...]:
    """Return overrides of an electrolyte drawn at random, whose salt settles within an hour across 70 um."""
    t_plus, D = RNG.uniform(0.1, 0.7), 10.0 ** RNG.uniform(-11.5, -10.5)
    kappa, resistance = 10.0 ** RNG.uniform(-1.5, -0.5), 10.0 ** RNG.uniform(-4.0, -2.0)
    return (
        f"electrolyte.transference_number={t_plus}", f'electrolyte.salt_diffusivity="{D} m^2/s"',
        f'electrolyte.conductivity="{kappa} S/m"', f'film.conductivity="{1e-8 / resistance} S/m"',
        'film.thickness="10 nm"', f'kinetics.exchange_current_density="{10.0 ** RNG.uniform(0.0, 1.5)} A/m^2"',
    )  # fmt: skip


def test_every_kind_has_its_evaluation() -> None:
    assert KINDS.keys() == EXPERIMENTS.keys()


@pytest.mark.parametrize("k", range(5))
def test_the_current_fraction_is_that_of_the_salt(k: int, tmp_path: Path) -> None:
    """t+ where D is that of Nernst and Einstein; else (L/kappa)/(L/kappa + Z_D)."""
    case = read_case("polarisation-pllz", [*electrolyte(), 'protocol.steps=[{ voltage = "2 mV", duration = "2 h" }]'])
    stored = run(case, tmp_path / "run")
    found = evaluate(stored)
    assert found is not None
    p, gap = case.properties(), 70e-6
    Z = FlatImpedance(p, gap)
    assert found["current_fraction_of_salt"] == pytest.approx(Z.bulk / (Z.bulk + Z.salt), rel=1e-12)
    stated = next(one for one in found.results if one.name == "current_fraction")
    assert abs(stated.value - found["current_fraction_of_salt"]) <= min(stated.resolution, 0.005)
    said = {one.name: one for one in regime(case)}["current fraction"]
    assert said.value == pytest.approx(found["current_fraction_of_salt"], rel=1e-12)


FAST = ('electrolyte.salt_diffusivity="3e-11 m^2/s"', 'film.conductivity="1e-4 S/m"')


@pytest.mark.parametrize(
    ("steps", "words", "number"),
    [
        ('{ rest = "10 min" }, { voltage = "2 mV", duration = "1 h" }', "", True),
        ('{ voltage = "2 mV", duration = "2 s" }', "the voltage was held for 2 s; the salt needs", False),
        ('{ current = "1 A/m^2", duration = "1 min" }, { voltage = "2 mV", duration = "1 h" }', "a current was", False),
        ('{ rest = "1 min" }', "no voltage was held", False),
    ],
)
def test_a_current_fraction_needs_a_rested_cell_and_time(
    steps: str, words: str, number: bool, tmp_path: Path
) -> None:
    found = evaluate(run(read_case("polarisation-pllz", [*FAST, f"protocol.steps=[{steps}]"]), tmp_path / "run"))
    assert found is not None
    first = found.results[0]
    assert first.says.startswith(words)
    assert math.isfinite(first.value) == number
    if number:  # half a micrometre of lithium is plated in 70 um of gap
        assert first.resolution < 0.006
        assert first.value == pytest.approx(found["current_fraction_of_salt"], abs=first.resolution)


def test_equal_voltages_give_no_tafel_line(tmp_path: Path) -> None:
    same = ", ".join(['{ voltage = "0.1 V", duration = "0.1 s" }, { rest = "2 min" }'] * 3)
    for steps in (same, '{ rest = "1 min" }'):
        stored = run(read_case("tafel-dlhci", [f"protocol.steps=[{steps}]"]), tmp_path / str(len(steps)))
        found = evaluate(stored)
        assert found is not None
        assert found.results[0].text().startswith("not determined; three held voltages")
        panels(stored)


@pytest.mark.parametrize("k", range(5))
def test_the_exchange_current_comes_back(k: int, tmp_path: Path) -> None:
    case = read_case("tafel-dlhci", electrolyte())
    found = evaluate(run(case, tmp_path / "run"))
    assert found is not None
    j0, alpha = found.results[:2]
    # Half a per cent; the fifth electrolyte's charge transfer is 2 % of its voltage, and its fit says 2.5 %.
    assert j0.value == pytest.approx(case.kinetics.exchange_current_density, rel=0.005, abs=j0.resolution)
    assert alpha.value == pytest.approx(0.5, abs=0.003 + alpha.resolution)
    assert j0.resolution < 0.03 * j0.value


SMALL = ('grid.size=["32 um", "56 um"]', 'grid.spacing="2 um"', 'surface.height="24 um"', "surface.roughness=none",
         "surface.correlation_length=none", "surface.seed=none", "film.patches=none")  # fmt: skip
STAIRS = ", ".join(
    f'{{ current = "{size} mA/cm^2", duration = "6 min" }}, {{ current = "-{size} mA/cm^2", duration = "6 min" }}'
    for size in (0.2, 0.5, 0.9, 1.5)
)


ENDS = [("0.5 V", 9.0, 5.0), ("1 mV", 2.0, 0.0), ("9 V", None, 15.0)]


@pytest.mark.parametrize(("limit", "critical", "passed"), ENDS)
def test_the_critical_current_is_the_step_that_failed(
    limit: str, critical: float | None, passed: float, tmp_path: Path
) -> None:
    """A film of 600 ohm cm2 together and little else: 0.5 mA/cm2 are 0.31 V, 0.9 are 0.56 V, 1.5 are 0.93 V."""
    case = read_case(
        "critical-current-pllz",
        [*SMALL, f"protocol.steps=[{STAIRS}]", f'protocol.voltage_limit="{limit}"', 'film.conductivity="3e-9 S/m"',
         'film.thickness="0.09 nm"', 'output.fields_every="1 h"'],
    )  # fmt: skip
    stored = run(case, tmp_path / "run")
    found = evaluate(stored)
    assert found is not None
    results = {one.name: one for one in found.results}
    assert results["largest_current_passed"].value == pytest.approx(passed, rel=1e-12)
    if critical is None:
        assert math.isnan(results["critical_current"].value)
        assert results["critical_current"].text().startswith("not determined; no failure up to the last")
    else:
        assert results["critical_current"].value == critical
        assert results["critical_current"].resolution == pytest.approx(critical - passed)
        assert "the cell voltage reached" in results["critical_current"].says
    assert len(panels(stored)) == 2


def test_a_step_that_ended_as_the_next_failed_counts_as_passed(tmp_path: Path) -> None:
    """One direction only: 0.31 V, then 0.56 V as the next step begins."""
    stairs = ", ".join(f'{{ current = "{size} mA/cm^2", duration = "6 min" }}' for size in (0.2, 0.5, 0.9))
    words = [*SMALL, f"protocol.steps=[{stairs}]", 'protocol.voltage_limit="0.5 V"', 'film.conductivity="3e-9 S/m"',
             'film.thickness="0.09 nm"', 'output.fields_every="1 h"']  # fmt: skip
    found = evaluate(run(read_case("critical-current-pllz", words), tmp_path / "run"))
    assert found is not None
    assert found["critical_current"] == 9.0
    assert found["largest_current_passed"] == pytest.approx(5.0, rel=1e-12)
    assert found.results[0].resolution == pytest.approx(4.0, rel=1e-12)


def test_what_fails_with_one_sign_alone_is_known_to_a_step_of_the_staircase(tmp_path: Path) -> None:
    """Both films grow by 0.01 nm a step: 0.41 V where 0.5 mA/cm2 has plated, 0.45 V where it has stripped."""
    words = [*SMALL, f"protocol.steps=[{STAIRS}]", 'protocol.voltage_limit="0.43 V"', 'film.conductivity="3e-9 S/m"',
             'film.thickness="0.09 nm"', 'output.fields_every="1 h"',
             'film.growth={ law = "constant", rate = "0.1 nm/h", molar_volume = "15 cm^3/mol" }']  # fmt: skip
    found = evaluate(run(read_case("critical-current-pllz", words), tmp_path / "run"))
    assert found is not None
    assert found["critical_current"] == 5.0
    assert found["largest_current_passed"] == pytest.approx(5.0, rel=1e-12)
    assert found.results[0].resolution == pytest.approx(3.0, rel=1e-12)
    assert "with the other sign" in found.results[1].says


@pytest.fixture(scope="module")
def cycled(tmp_path_factory: pytest.TempPathFactory) -> Run:
    words = [*SMALL, "protocol.repeat=2", 'protocol.steps=[{ rest = "1 min" }, '
             '{ current = "0.2 mA/cm^2", duration = "6 min" }, { rest = "1 min" }, '
             '{ current = "-0.2 mA/cm^2", duration = "6 min" }]']  # fmt: skip
    return run(read_case("pllz", words), tmp_path_factory.mktemp("cycled") / "run")


def test_cycling_has_the_voltage_of_ohm(cycled: Run) -> None:
    found = evaluate(cycled)
    assert found is not None
    case = read_case("pllz", SMALL)
    Z = FlatImpedance(case.properties(), 32e-6)
    for name in ("voltage_at_start", "voltage_at_end"):
        assert found[name] == pytest.approx(2.0 * Z.total, rel=0.01)  # charge transfer is linear to 0.2 %
    assert abs(found["voltage_drift"]) * 3600.0 < 0.01 * found["voltage_at_end"]
    assert math.isnan(found["first_short_circuit"])


def test_a_full_cell_polarises_by_twice_the_current_times_its_resistance(tmp_path: Path) -> None:
    sizes = (0.05, 0.1)
    steps = ", ".join(f'''{{ current = "{sign}{size} mA/cm^2", until_voltage = "{end} V", capacity = "1 mAh/cm^2" }}'''
                      for size in sizes for sign, end in (("", 4.0), ("-", 2.5)))  # fmt: skip
    quick = 'cathode.diffusion_time="100 s"'
    case = read_case("lfp-rates-pllz", [*SMALL, quick, f"protocol.steps=[{steps}]"])
    stored = run(case, tmp_path / "run")
    found = evaluate(stored)
    assert found is not None
    resistance = FlatImpedance(case.properties(), 32e-6).total
    assert case.cathode is not None
    for k, size in enumerate(sizes, 1):
        # Charge transfer is linear to 1 %; the particle of the cathode adds at most a tenth of a millivolt.
        assert found[f"polarisation_{k}"] == pytest.approx(2.0 * 10.0 * size * resistance, rel=0.02)
        assert 0.9 * case.cathode.areal_capacity < found[f"discharge_capacity_{k}"] < case.cathode.areal_capacity
    assert math.isnan(found["capacity_retained"])  # at another current
    assert found.results[0].says == f"at {0.5 / case.cathode.one_c:.3g} C, 0.05 mA/cm2"
    assert len(panels(stored)) == 2


def test_the_shares_of_lithium_on_copper_add_up(tmp_path: Path) -> None:
    words = ['grid.size=["24 um", "60 um"]', 'grid.spacing="2 um"', "film.repair=0.1", 'output.fields_every="1 h"',
             'protocol.steps=[{ current = "1 mA/cm^2", capacity = "1 mAh/cm^2" }, { current = "-1 mA/cm^2", '
             'capacity = "0.5 mAh/cm^2" }, { current = "1 mA/cm^2", capacity = "0.5 mAh/cm^2" }, '
             '{ current = "-1 mA/cm^2", until_voltage = "1 V", duration = "2 h" }]']  # fmt: skip
    stored = run(read_case("aurbach-dlhci", words), tmp_path / "run")
    found = evaluate(stored)
    assert found is not None
    area = stored.shape[2] * stored.spacing**2
    nuclei = float(stored.series["lithium_volume"][0]) * FARADAY / (float(stored.attrs["molar_volume"]) * area)
    plated = 1.5 * 36e3  # C/m^2
    parts = ("coulombic_efficiency", "lost_to_film", "lost_as_dead_lithium", "lost_as_residue")
    assert sum(found[name] for name in parts) == pytest.approx(1.0, abs=1e-10)  # the ledger
    assert found["lost_to_film"] == pytest.approx(0.1 * plated / (plated + nuclei), rel=1e-3)
    assert found["cycle_efficiency"] == pytest.approx(1.0, abs=1e-9)  # 0.5 mAh/cm2 each way


def test_a_hold_at_no_voltage_is_no_half_cycle(tmp_path: Path) -> None:
    words = [*SMALL, "protocol.repeat=2", 'protocol.steps=[{ current = "0.2 mA/cm^2", duration = "6 min" }, '
             '{ current = "-0.2 mA/cm^2", duration = "6 min" }, { voltage = "0 V", duration = "1 min" }]']  # fmt: skip
    found = evaluate(run(read_case("pllz", words), tmp_path / "run"))
    assert found is not None
    assert found["voltage_at_end"] == pytest.approx(found["voltage_at_start"], rel=0.01)


def test_the_summary_holds_the_results(cycled: Run, capsys: pytest.CaptureFixture[str]) -> None:
    stored = json.loads((cycled.folder / "summary.json").read_text())["experiment"]
    found = evaluate(cycled)
    assert found is not None
    assert stored == json.loads(json.dumps(found.as_dict()))
    assert Evaluation.of(stored).as_dict() == stored
    assert call("show", cycled.folder) == 0
    said = capsys.readouterr().out
    assert f"{1e3 * found['voltage_at_end']:.4g}" in said
    assert "evaluated" in said


def test_a_study_takes_a_result_by_its_name(cycled: Run) -> None:
    found = evaluate(cycled)
    assert found is not None
    output = RunOutput.read("result voltage_at_end")
    assert (output.unit, output.take(cycled)) == ("V", found["voltage_at_end"])
    assert math.isnan(RunOutput.read("result critical_current").take(cycled))
    assert RunOutput.read("result polarisation_3").unit == "V"
    with pytest.raises(OutputError, match=r"no experiment has .* 'voltage_at_ende'; did you mean 'voltage_at_end'"):
        RunOutput.read("result voltage_at_ende")


def test_the_experiment_changes_nothing_in_the_run() -> None:
    case = read_case("pllz")
    assert case.experiment is not None
    other = read_case("pllz", ["experiment=none"])
    assert other.experiment is None
    assert case.hash == other.hash
    assert case != other


@pytest.mark.parametrize("kind", EXPERIMENTS)
def test_a_run_of_something_else_gives_no_number_and_no_bug(kind: str, tmp_path: Path) -> None:
    words = [*SMALL, f'experiment.kind="{kind}"', "protocol.repeat=1", 'protocol.steps=[{ rest = "1 min" }]']
    stored = run(read_case("pllz", words), tmp_path / "run")
    found = evaluate(stored)
    assert found is not None
    key = {"bruce-vincent": "current_fraction", "critical-current": "critical_current", "cycling": "voltage_at_end",
           "tafel": "exchange_current_density", "copper-efficiency": "coulombic_efficiency",
           "rate": "discharge_capacity_1"}[kind]  # fmt: skip
    assert not found.results or math.isnan(found[key])
    panels(stored)
    with open_run(stored.folder) as again:
        assert again.finished


def test_every_result_has_a_unit_and_a_meaning() -> None:
    assert all(quantity(f"{name}_1" if name in NUMBERED else name).meaning for name in QUANTITIES)
    assert quantity("polarisation_12") == QUANTITIES["polarisation"]
    for wrong in ("polarisation_x", "polarisation", "critical_current_2", "none"):
        with pytest.raises(KeyError):
            quantity(wrong)
