"""What is said of a case before it runs, against numbers worked out elsewhere."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq

from phasefield.analytic import closed_forms as forms
from phasefield.api import read_case, run
from phasefield.case import Case
from phasefield.check import Finding, explain, regime
from phasefield.check import estimate as cost
from phasefield.check.survey import _walked
from phasefield.constants import FARADAY, GAS_CONSTANT
from phasefield.model.initial_surface import places_of_nuclei
from phasefield.results.summary import facts

UM, HOUR, MA_CM2 = 1e-6, 3600.0, 10.0
GAP_70 = ['grid.size=["256 um", "256 um", "240 um"]', 'surface.height="170 um"']


BOX = [*GAP_70[:1], 'surface.height="120 um"', 'grid.spacing="4 um"', "protocol.repeat=390"]
PATCHES = ['film.patches.size="40 um"', 'film.patches.renewal="0.5 um"', "film.patches.spread=0.5"]


def case(name: str = "pllz", *overrides: str) -> Case:
    """Return a shipped case; PLL and PLLZ in a box and with patches that stay as they are here."""
    pinned = [*BOX, *PATCHES] if name in ("pll", "pllz") else []
    return read_case(name, [*pinned, *overrides])


def finding(found: list[Finding], name: str) -> Finding:
    return next(one for one in found if one.name.strip() == name)


@pytest.mark.parametrize(("name", "limit"), [("pll", 2.6), ("pllz", 7.8)])
def test_limiting_currents_are_those_of_the_seed_facts(name: str, limit: float) -> None:
    found = regime(case(name, *GAP_70))
    j = 0.2 / finding(found, "j / j_lim").value
    assert j == pytest.approx(limit, rel=0.02)  # the stated value is rounded, and takes D at 298 K
    assert finding(found, "gap").value == pytest.approx(70 * UM)


@pytest.mark.parametrize(("name", "start"), [("pll", 0.200), ("pllz", 0.160)])
def test_voltage_at_the_start_is_what_the_film_was_derived_from(name: str, start: float) -> None:
    value = finding(regime(case(name, *GAP_70)), "flat cell, at the start").value
    assert value == pytest.approx(start, rel=0.01)  # 1 mV of charge transfer comes on top


@pytest.mark.parametrize("name", ["pll", "pllz"])
def test_wagner_length_lies_in_the_range_of_the_seed_facts(name: str) -> None:
    one = finding(regime(case(name)), "Wagner length")
    assert 2e-3 < one.value < 16e-3
    assert "follows the film" in one.words


def test_wagner_length_of_a_bare_surface_is_that_of_its_kinetics() -> None:
    bare = case("pllz", 'film.conductivity="1 S/m"', "film.patches=none")
    p = bare.properties()
    expected = p.kappa * GAS_CONSTANT * p.T / (FARADAY * p.j0)
    assert finding(regime(bare), "Wagner length").value == pytest.approx(expected, rel=1e-3)
    assert "both count" in finding(regime(bare), "Wagner length").words


def test_overpotential_solves_butler_volmer() -> None:
    p = case("pllz", "kinetics.transfer_coefficient=0.3").properties()
    f = FARADAY / (GAS_CONSTANT * p.T)
    for j in (-500.0, -0.01, 3.0, 2000.0):
        for c in (20.0, 1000.0, 3000.0):
            k0 = p.j0 * (c / p.c_ref) ** 0.7

            def excess(z: float, k0: float = k0, j: float = j) -> float:
                return float(k0 * (math.exp(0.3 * f * z) - math.exp(-0.7 * f * z)) - j)

            exact = brentq(excess, -1.0, 1.0, xtol=1e-15)
            assert forms.overpotential(p, j, c, p.j0) == pytest.approx(exact, abs=1e-12)


@pytest.mark.parametrize("dependence", ["nernst-einstein", "constant"])
def test_settled_voltage_is_the_integral_over_the_gap(dependence: str) -> None:
    p = case("pll", f"electrolyte.concentration_dependence={dependence}").properties()
    gap, j = 70 * UM, 1.5 * MA_CM2
    G = j * (1 - p.t_plus) / (FARADAY * p.D)
    v = forms.planar_voltage(p, j, gap, settled=True)
    assert v is not None

    def slope(z: float) -> float:  # d phi / dz = j / kappa + beta d ln c / dz
        c = p.c0 + G * (z - gap / 2)
        kappa = p.kappa * (c / p.c0 if dependence == "nernst-einstein" else 1.0)
        return float(j / kappa + 2 * GAS_CONSTANT * p.T / FARADAY * (1 - p.t_plus) * G / c)

    assert v.ohmic + v.concentration == pytest.approx(quad(slope, 0, gap)[0], rel=2e-5)
    assert v.film == pytest.approx(j * 2 * 20e-9 / 4.05e-7)
    assert forms.planar_voltage(p, 3 * MA_CM2, gap, settled=True) is None  # above the limiting current


def test_sand_time_of_the_dendrites_is_that_of_their_case_file() -> None:
    found = regime(case("dendrites"))
    assert finding(found, "Sand's time").value == pytest.approx(4.57, rel=0.01)  # "about 5 s"
    assert "applies" in finding(found, "Sand's time").words
    assert finding(found, "j / j_lim").value == pytest.approx(15 / 3.69, rel=0.01)
    slow = regime(case("dendrites", 'protocol.steps=[{current="5 mA/cm^2", duration="600 s"}]'))
    assert "the whole gap" in finding(slow, "Sand's time").words
    assert finding(regime(case("pllz")), "Sand's time").text == "does not apply"


def test_growth_rate_is_that_of_the_three_by_three_system() -> None:
    p = case("wave").properties()
    R = p.film_thickness / p.film_conductivity
    f, beta = FARADAY / (GAS_CONSTANT * p.T), 2 * GAS_CONSTANT * p.T / FARADAY * (1 - p.t_plus)
    for j in (2.0, 10.0, 40.0):
        for k in 2 * np.pi / np.array([1e-6, 10e-6, 40e-6]):
            c = 800.0
            kappa, G = p.kappa * c / p.c0, j * (1 - p.t_plus) / (FARADAY * p.D)
            z = forms.overpotential(p, j, c, p.j0)
            k0 = p.j0 * (c / p.c_ref) ** 0.5
            bare_z = k0 * f * (0.5 * math.exp(0.5 * f * z) + 0.5 * math.exp(-0.5 * f * z))
            bare_c = 0.5 * j / c
            # Unknowns: the amplitudes of phi, c and j for a wave of unit height; films enter by j R in z.
            matrix = np.array(
                [
                    [kappa * k, -kappa * beta * k / c, 1.0],  # charge: what arrives, decaying upwards
                    [0.0, p.D * k, (1 - p.t_plus) / FARADAY],  # salt
                    [-bare_z, -bare_c, 1.0 + bare_z * R],  # kinetics
                ]
            )
            field = j / kappa + beta * G / c
            right = [0.0, 0.0, bare_z * (field - p.gamma * p.V_m * k**2 / FARADAY) + bare_c * G]
            omega = p.V_m / FARADAY * np.linalg.solve(matrix, right)[2]
            assert float(forms.growth_rate(p, j, c, float(k))) == pytest.approx(float(omega), rel=1e-9)


def test_critical_wavelength_is_where_the_growth_changes_sign() -> None:
    p = case("wave").properties()
    critical = forms.critical_wavelength(p, 10.0, p.c0)
    assert critical is not None
    k = 2 * np.pi / np.array([0.999, 1.001]) / critical
    assert forms.growth_rate(p, 10.0, p.c0, k)[0] < 0 < forms.growth_rate(p, 10.0, p.c0, k)[1]
    assert forms.critical_wavelength(p, -10.0, p.c0) is None  # stripping smooths
    # Without the salt's gradient: k_c^2 = j F / (kappa gamma V_m).
    alone = case("wave", "electrolyte.transference_number=1", 'electrolyte.salt_diffusivity="1e-9 m^2/s"')
    p = alone.properties()
    expected = 2 * np.pi * math.sqrt(p.kappa * p.gamma * p.V_m / (10.0 * FARADAY))
    assert forms.critical_wavelength(p, 10.0, p.c0) == pytest.approx(expected, rel=1e-6)


def test_a_film_ruled_wave_hardly_grows() -> None:
    words = finding(regime(case("pllz")), "fastest wave").words
    assert words.startswith("x 1.000")  # docs/theory.md: below 1.001 per um of Li at 0.2 mA/cm2


WALKS = [
    (0.9, 0.5, [0.97, -0.97] * 6),
    (0.9, 2.0, [0.97, -0.97] * 3),
    (0.35, 0.2, [1.0, 2.0, -0.5]),
    (0.5, 0.7, [0.3, 0.3, 0.3, -0.1]),
]


def flat_run(spread: float, renewal: float, plated: list[float], paths: int, piece: float) -> float:
    """Return the rms height of many columns by simulation, piece by piece, eq. (7)."""
    random = np.random.default_rng(1)
    N, h = random.standard_normal(paths), np.zeros(paths)
    passed, direction = 0.0, 0.0
    for q in plated:
        for _ in range(round(abs(q) / piece)):
            if passed >= renewal - 0.5 * piece or q * direction < 0.0:
                N, passed = random.standard_normal(paths), 0.0
            direction = q
            rate = np.exp(spread * N)
            h += math.copysign(piece, q) * rate / rate.mean()  # the total current is imposed
            passed += piece
    return float(h.std())


@pytest.mark.parametrize(("spread", "renewal", "plated"), WALKS)
def test_random_walk_is_that_of_simulated_columns(spread: float, renewal: float, plated: list[float]) -> None:
    expected = flat_run(spread, renewal, plated, paths=100_000, piece=0.01)
    # A log-normal's variance from 1e5 samples: 1 % at a spread of 0.9.
    assert forms.walk_rms(spread, renewal, plated) == pytest.approx(expected, rel=0.02)


def test_random_walk_has_its_closed_forms() -> None:
    cv = math.sqrt(math.exp(0.9**2) - 1)
    assert forms.walk_rms(0.9, math.inf, [1.0, -1.0]) == 0.0  # what rose falls
    assert forms.walk_rms(0.9, math.inf, [1.0]) == pytest.approx(cv, rel=1e-12)
    assert forms.walk_rms(0.9, 1e6, [1.0]) == pytest.approx(cv, rel=1e-12)
    # docs/theory.md: rms = q CV sqrt(2N) if no half-cycle passes more than a renewal length.
    assert forms.walk_rms(0.9, 1.0, [0.97, -0.97] * 390) == pytest.approx(0.97 * cv * math.sqrt(780), rel=1e-12)


def test_few_patches_scatter_less_than_many() -> None:
    assert forms.few_patches(0.01, 40) == pytest.approx(math.sqrt(1 - 1 / 40), rel=0.01)  # as any sample does
    assert forms.few_patches(0.5, 5000) == pytest.approx(1.0, rel=0.02)
    # Two patches: (r - 1)^2 = tanh^2(s (N1 - N2) / 2), and N1 - N2 has the variance 2.
    s = 1.5
    mean = quad(lambda x: math.tanh(s * x / math.sqrt(2)) ** 2 * math.exp(-(x**2) / 2), -9, 9)[0]
    expected = math.sqrt(mean / math.sqrt(2 * math.pi) / math.expm1(s**2))
    assert forms.few_patches(s, 2) == pytest.approx(expected, rel=0.01)


def test_random_walk_of_many_repeats_is_extrapolated() -> None:
    legs = [0.97, -0.97]
    assert _walked(0.9, 0.5, legs, 60) == forms.walk_rms(0.9, 0.5, legs * 60)
    assert _walked(0.9, 0.3, legs, 3000) == pytest.approx(forms.walk_rms(0.9, 0.3, legs * 3000), rel=1e-9)
    assert _walked(0.9, math.inf, [1.0], 3) == pytest.approx(3 * forms.walk_rms(0.9, math.inf, [1.0]))


def test_plated_height_and_renewals() -> None:
    found = regime(case())
    assert finding(found, "height per half-cycle").value == pytest.approx(0.97 * UM, rel=1e-3)
    assert finding(found, "renewals per half-cycle").value == pytest.approx(1.94, rel=1e-3)


def test_estimate_follows_the_rules_of_the_driver() -> None:
    patchy = case(
        "pllz", "numerics.front_step=0.5", "film.patches.spread=0.01", 'film.patches.renewal="0.1 um"'
    )
    assert cost.estimate(patchy).steps == 780 * math.ceil(0.97 / 0.1)
    flat = case(
        "planar", 'output.fields_every="1 h"', "numerics.front_step=0.25"
    )  # 1.94 um at 0.5 um a step, stopped at each frame
    assert cost.estimate(flat).steps == 4
    assert cost.estimate(case("pllz", "film.patches=none", "numerics.front_step=0.25")).steps == 780
    # Half of the plating charge forms film: in steps of 0.4 um 0.49 um are plated in two, 0.97 um stripped in three.
    torn = case("pllz", "film.patches=none", "numerics.front_step=0.1", "film.repair=0.5")
    assert cost.estimate(torn).steps == 390 * (2 + 3)
    open_end = case(
        "planar", 'protocol.steps=[{current="1 A/m^2", until_voltage="1 V"}]', 'output.fields_every="1 h"'
    )
    assert cost.estimate(open_end).steps is None
    assert finding(regime(open_end), "steps").text == "not known"
    assert "at least" not in finding(regime(patchy), "steps").words


def test_a_run_of_two_surfaces_or_without_salt_takes_longer_steps() -> None:
    one = cost.estimate(read_case("pll", ["protocol.repeat=3"]))
    two = cost.estimate(read_case("pll-both", ["protocol.repeat=3"]))
    assert two.seconds_per_step > 1.5 * one.seconds_per_step  # 0.043 s and 0.081 s measured
    slow = 'protocol.steps=[{current="1 mA/cm^2", duration="600 s"}]'
    bare = cost.estimate(read_case("dendrites")), cost.estimate(read_case("dendrites", [slow]))
    assert bare[0].seconds_per_step == pytest.approx(5.0 * bare[1].seconds_per_step)


def test_more_threads_take_less_time_and_more_cells_more() -> None:
    large = read_case("pllz-fine")
    one, two = (cost.estimate(large, threads=n).seconds_per_step for n in (1, 2))
    assert one / 2.0 < two < one
    assert one > 2.0 * cost.estimate(read_case("pllz")).seconds_per_step


def test_what_a_run_leaves_on_disk(tmp_path: Path) -> None:

    small = read_case("pllz", ["protocol.repeat=1", 'output.fields_every="0.1 h"'])
    expected = cost.estimate(small)
    with run(small, tmp_path / "run", threads=1) as stored:
        assert expected.frames is not None
        assert abs(stored.n_frames - expected.frames) <= 1
    size = sum(path.stat().st_size for path in (tmp_path / "run").iterdir())
    assert expected.disk == pytest.approx(size, rel=0.35)


def test_nothing_that_ships_ends_at_once() -> None:
    from phasefield import cases

    for name in cases.names():
        found = regime(read_case(name))
        assert not [one for one in found if one.topic in ("protocol", "voltage") and one.warning], name


AT_ONCE = [
    ("voltage at the start", ['film.conductivity="5e-13 S/cm"'], "the run ends at once"),
    ("voltage at the start", ['film.conductivity="5e-13 S/cm"', 'protocol.stop_on=["short_circuit"]'], "goes on at"),
    ("flat cell, at the start", ['film.conductivity="5e-13 S/cm"'], "above 200 V: check the units"),
    ("step 1", ['protocol.steps=[{current="2 A/m^2", until_voltage="10 mV"}, {rest="1 h"}]'], "as it begins"),
    ("step 2", ['protocol.steps=[{rest="1 h"}, {voltage="5 mV", until_current="2 mA/cm^2"}]'], "as it begins"),
]


@pytest.mark.parametrize(("name", "overrides", "words"), AT_ONCE)
def test_a_case_that_ends_at_once_is_not_valid_without_a_word(
    name: str, overrides: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from phasefield.check import print_regime
    from phasefield.text.formatting import console_for

    one = case("pllz", *overrides)
    found = regime(one)
    assert finding(found, name).warning
    assert words in finding(found, name).words
    print_regime(console_for(), one, found, "mine.toml")
    assert "mine.toml: valid, " in capsys.readouterr().out


NO_TEXTURE = ["surface.roughness=none", "surface.correlation_length=none", "surface.seed=none"]
WARNED: list[tuple[str, list[str]]] = [
    ("cells per patch", ['film.patches.size="12 um"']),
    ("patches in the box", ['film.patches.size="200 um"']),
    ("net height of the run", ['protocol.steps=[{current="2 A/m^2", duration="1 h"}]']),
    ("Sz from the patches", ["film.patches.spread=3"]),
    ("cells per interface", ['surface.height="215 um"', 'numerics.interface_width="4 um"', *NO_TEXTURE]),
    ("critical wavelength", ['film.conductivity="1 S/m"', "film.patches=none", 'grid.size=["64 um", "240 um"]',
                             'protocol.steps=[{current="3 mA/cm^2", duration="10 h"}]', "protocol.repeat=1"]),
    ("wall time", ["protocol.repeat=100000"]),
    ("disk", ['output.fields_every="2 min"', "protocol.repeat=390"]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "overrides"), WARNED)
def test_it_warns_where_the_grid_cannot_carry_the_physics(name: str, overrides: list[str]) -> None:
    assert finding(regime(case("pllz", *overrides)), name).warning
    assert not finding(regime(case("pllz")), name).warning if name != "net height of the run" else True


def test_lithium_lost_to_the_film_counts_in_the_net_height() -> None:
    """A fifth of the plating charge forms film: what is stripped each time is a fifth of a half-cycle more."""
    p = case("pllz").properties()
    net = finding(regime(case("pllz", "film.repair=0.2", "protocol.repeat=1000")), "net height of the run")
    assert net.warning
    assert net.value == pytest.approx(-1000 * 0.2 * p.V_m * 7200.0 / FARADAY, rel=1e-9)


TABLE = ("electrolyte.concentration_dependence={concentration=['0.5 mol/L', '1 mol/L', '1.5 mol/L'], conductivity="
         "['0.5e-3 S/cm', '1.06e-3 S/cm', '1e-3 S/cm'], diffusivity=['1e-7 cm^2/s', '1e-7 cm^2/s', '1e-7 cm^2/s']}")


def test_a_transference_number_of_another_temperature_is_told() -> None:
    columns = ", transference_number = { value = [0.6, 0.5, 0.4], at = '60 degC' } }"
    table = TABLE[:-1] + columns
    told = finding(regime(case("pllz", table)), "t+ over c")
    assert told.warning
    assert told.text.startswith("of 60 degC, used at 30 degC")
    assert not any(one.name == "t+ over c" for one in regime(case("pllz", table, 'temperature="60 degC"')))
    assert not any(one.name == "t+ over c" for one in regime(case("pllz", TABLE)))


def test_a_diffusivity_beside_a_table_that_differs_is_told() -> None:
    told = finding(regime(case("pllz", TABLE, 'electrolyte.salt_diffusivity="5e-7 cm^2/s"')), "salt_diffusivity")
    assert told.warning
    assert "not used: the table gives 1e-07 cm2/s" in told.words
    same = regime(case("pllz", TABLE, 'electrolyte.salt_diffusivity="1e-7 cm^2/s"'))
    assert not any(one.name == "salt_diffusivity" for one in same)


def steps_of(current: str) -> str:
    return f"protocol.steps=[{{current='{current}', duration='1 h'}}, {{current='-{current}', duration='1 h'}}]"


def test_salt_beyond_the_range_of_its_law_is_told() -> None:
    """The settled salt is c0 + G (z - L/2): at 0.9 of the limiting current 1.9 c0 stand at the counter electrode."""
    quiet = regime(case("pllz"))
    assert not any(one.name == "range of the salt" for one in quiet)
    j = 0.9 / finding(quiet, "j / j_lim").value * 0.2
    strong = case("pllz", steps_of(f"{j} mA/cm^2"), 'electrolyte.salt_concentration="1.7 mol/L"')
    more = finding(regime(strong), "range of the salt")
    assert more.warning
    assert more.value == pytest.approx(1.9 * 1700.0, rel=1e-6)  # D c0 of an ideal salt, and the limit, stay as they are
    assert "ideal dilute solution" in more.words
    inside = regime(case("pllz", TABLE))
    assert not any(one.name == "range of the salt" for one in inside)
    outside = finding(regime(case("pllz", TABLE, steps_of("2 mA/cm^2"))), "range of the salt")
    assert outside.warning
    assert "measured table, 0.5 to 1.5 mol/L" in outside.words


def test_a_run_tells_how_far_its_salt_went(tmp_path: Path) -> None:
    words = ['grid.size=["64 um", "240 um"]', "film.patches=none", *NO_TEXTURE, "protocol.repeat=1",
             "protocol.steps=[{current='2.5 mA/cm^2', duration='5 min'}]"]  # fmt: skip
    for name, more, seen in (("ideal", 'electrolyte.salt_concentration="2.9 mol/L"', "ideal dilute solution"),
                             ("table", TABLE, "measured table, 0.5 to 1.5 mol/L"), ("quiet", "protocol.repeat=1", "")):
        stored = run(case("pllz", *words, more), tmp_path / name)
        text = dict(facts(stored)).get("salt", "")
        assert seen in text
        assert bool(text) == bool(seen)
        if name == "ideal":
            assert f"up to {stored.series['concentration_max'].max() / 1e3:.3g} mol/L" in text


FAST = ['film.conductivity="1 S/m"', "film.patches=none", "protocol.repeat=1",
        'protocol.steps=[{current="3 mA/cm^2", duration="10 h"}]']  # fmt: skip


def test_no_grid_is_asked_for_that_nobody_can_run() -> None:
    """The finest wave that matters sets the spacing; where it takes too many cells, what is not predicted is said."""
    asked = finding(regime(case("pllz", *FAST, 'grid.size=["64 um", "240 um"]')), "critical wavelength")
    assert asked.warning
    assert "give a spacing of" in asked.words
    beyond = finding(regime(case("pllz", *FAST)), "critical wavelength")
    assert not beyond.warning
    assert "give a spacing" not in beyond.words
    assert "roughness finer than 32 um is not predicted" in beyond.words
    ruled = finding(regime(case("pllz", "lithium.surface_energy=\"1e-3 J/m^2\"")), "critical wavelength")
    assert not ruled.warning
    assert "it need not be" in ruled.words


def test_the_spacing_asked_for_carries_the_shortest_wave_that_grows() -> None:
    one = finding(regime(case("wave")), "critical wavelength")
    needed = float(one.words.split("spacing of ")[1].split(" um")[0])
    finer = finding(regime(case("wave", f'grid.spacing="{80 / math.ceil(80 / needed)} um"')), "critical wavelength")
    assert one.warning
    assert not finer.warning


def test_nuclei_are_told_with_the_voltage_that_they_need(tmp_path: Path) -> None:
    """Their number is that of the model, the voltage that of a run: 3 % for an even film on nuclei of four cells."""
    small = ['grid.size=["48 um", "48 um", "32 um"]', 'grid.spacing="1 um"', "film.patches=none", "film.repair=0",
             'protocol.steps=[{current="0.5 mA/cm^2", duration="5 s"}]']  # fmt: skip
    one = case("aurbach-dlhci", *small)
    found = regime(one)
    assert finding(found, "number").value == len(places_of_nuclei(one))
    assert finding(found, "nucleation overpotential").value == 0.243
    assert "4 cells" in finding(found, "radius at the start").words
    value = finding(found, "voltage at the nuclei")
    assert not value.warning
    stored = run(one, tmp_path / "run")
    assert value.value == pytest.approx(float(stored.series["voltage"][0]), rel=0.03)
    low = regime(case("aurbach-dlhci", *small, 'protocol.voltage_limit="0.3 V"'))
    assert finding(low, "voltage at the nuclei").warning
    assert not any(one.topic == "nuclei" for one in regime(case("pllz")))


@pytest.mark.slow
def test_memory_is_that_of_a_run(tmp_path: Path) -> None:
    fine = ['grid.spacing="2 um"', "protocol.repeat=1"]
    words = [word for text in fine for word in ("-s", text)]
    command = [sys.executable, "-m", "phasefield", "run", "pll", *words, "--out", str(tmp_path / "run")]
    subprocess.run(command, check=True, capture_output=True)  # a process of its own: the peak is that of the process
    peak = json.loads((tmp_path / "run" / "summary.json").read_text())["peak_memory"]
    assert cost.estimate(read_case("pll", fine)).memory == pytest.approx(peak, rel=0.1)  # 4 % seen


def test_every_shipped_case_has_a_regime() -> None:
    from phasefield import cases

    for name in cases.names():
        found = regime(read_case(name))
        assert all(one.text for one in found), name
        assert finding(found, "memory").value > 0


def test_a_rest_and_a_uniform_film() -> None:
    rest = case("planar", 'protocol.steps=[{rest="1 h"}]')
    assert finding(regime(rest), "steps").value >= 1
    assert finding(regime(case("uniform-film")), "film").text == "uniform"


def test_a_run_says_why_its_surface_came_out_so() -> None:
    even, patchy = explain(case("uniform-film")), explain(case("pllz"))
    assert "Wagner length: 4.23 mm" in even
    assert "nothing makes the surface rough" in even
    assert "x 1.000" in even
    assert "Sq from the patches alone" in patchy
    assert "nothing makes the surface rough" not in patchy
