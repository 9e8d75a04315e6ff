"""Reading good cases: merging, sources, defaults, properties, the resolved text, and the shipped cases."""

from __future__ import annotations

import copy
import math
import pickle
import tomllib
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from phasefield import cases
from phasefield.analytic.impedance import FlatImpedance
from phasefield.case import Case, Provenance, arrhenius, nernst_einstein
from phasefield.case.file import key_lines, read_case, reference_markdown, schema
from phasefield.constants import BOLTZMANN, ELEMENTARY_CHARGE
from phasefield.errors import CaseError, PhasefieldError


@pytest.fixture(scope="module")
def pllz() -> Case:
    return read_case(cases.locate("pllz"))


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_the_main_job(pllz):
    assert pllz.title == "Li | PLLZ | Li, 0.2 mA/cm2, 780 h"
    assert pllz.grid.shape == (30, 32, 32)
    assert (pllz.grid.spacing, pllz.grid.ndim, pllz.grid.lateral) == (8e-6, 3, "periodic")
    assert (pllz.surface.height, pllz.surface.roughness, pllz.surface.seed) == (1.2e-4, 1e-6, 1)
    assert pllz.protocol.planned_time == 780 * 3600
    assert [step.current for step in pllz.protocol.steps] == [2.0, -2.0]
    assert pllz.output.fields_every == 20 * 3600
    assert pllz.path == cases.locate("pllz")
    assert pllz.text == cases.locate("pllz").read_text()


def test_defaults_are_filled(pllz):
    assert pllz.temperature == 303.15  # the `at` of the conductivity
    assert pllz.kinetics.concentration_exponent == 0.5
    assert pllz.kinetics.reference_concentration == 1000.0
    assert pllz.electrolyte.diffusivity_barrier == pllz.electrolyte.conductivity_barrier
    assert pllz.counter.kinetics.exchange_current_density == pllz.kinetics.exchange_current_density
    assert (pllz.counter.film.thickness, pllz.counter.film.conductivity) == (2e-8, 5.04e-7)
    assert pllz.numerics.interface_width == 4e-6
    assert read_case(cases.locate("planar")).output.fields_every == 2 * 3600 / 20


def test_provenance(pllz):
    assert pllz.provenance["electrolyte.conductivity"] == Provenance(
        "1.06e-3 S/cm", "[1] Fig. 3a", "measured", 303.15
    )
    assert pllz.provenance["film.patches.spread"].status == "calibrated"
    assert pllz.provenance["grid.spacing"] == Provenance("8 um")
    changed = read_case(cases.locate("pllz"), ["film.patches.spread=0.5"])
    assert changed.provenance["film.patches.spread"] == Provenance("0.5")  # the old source does not stay


def test_records_are_frozen(pllz):
    with pytest.raises(ValidationError):
        pllz.grid.spacing = 1.0
    with pytest.raises(ValidationError):
        pllz.title = "x"


@pytest.mark.parametrize("name", cases.names())
def test_shipped_case_resolves_to_itself(name, tmp_path):
    case = read_case(cases.locate(name))
    again = read_case(write(tmp_path / "resolved.toml", case.resolved_toml()))
    assert again.resolved_toml() == case.resolved_toml()
    assert again == case
    assert again.hash == case.hash
    for table in type(case).model_fields:
        assert getattr(again, table) == getattr(case, table)
    assert again.properties() == case.properties()
    stated = {
        key: entry for key, entry in case.provenance.items() if entry.status or entry.source or entry.at
    }
    for key, entry in stated.items():
        other = again.provenance[key]
        assert (other.source, other.status, other.at) == (entry.source, entry.status, entry.at)
    assert "extends" not in tomllib.loads(case.resolved_toml())


@pytest.mark.parametrize("name", cases.names())
def test_shipped_case_states_the_status_of_every_input(name):
    case = read_case(cases.locate(name))
    unstated = [
        key
        for key, entry in case.provenance.items()
        if key.split(".")[0] in ("electrolyte", "kinetics", "lithium", "film")
        and entry.status is None
        and entry.value_text != "none"
    ]
    assert unstated == ["electrolyte.name"]
    assert all(entry.source for entry in case.provenance.values() if entry.status in ("measured", "derived"))
    assert case.provenance["lithium.surface_energy"].status == "assumed"
    assert case.protocol.planned_time


def test_difference_is_seen(pllz):
    other = read_case(cases.locate("pllz"), ["surface.seed=2"])
    assert other != pllz
    assert other.hash != pllz.hash
    assert hash(read_case(cases.locate("pllz"))) == hash(pllz)


def test_all_features_resolve(tmp_path):
    np.save(tmp_path / "h.npy", np.full((3, 3), 1e-6))
    case = read_case(
        write(
            tmp_path / "case.toml",
            """title = 'quotes " and \\ backslash, é'
extends = ["electrolytes/pll.toml"]
temperature = "50 degC"
[grid]
size = ["40 um", "80 um", "80 um"]
spacing = "2 um"
[surface]
height = { value = "30 um", source = "a micrometre", status = "measured" }
wave = { amplitude = "1 um", wavelength = "40 um", direction = "90 deg" }
caps = [{ position = ["10 um", "10 um"], radius = "6 um", height = "3 um" },
        { position = ["30 um", "10 um"], radius = "6 um", height = "4 um" }]
file = "h.npy"
[electrolyte]
salt_diffusivity = { value = "6e-8 cm^2/s", at = "20 degC", status = "measured" }
diffusivity_barrier = "0.3 eV"
[electrolyte.concentration_dependence]
concentration = ["0.1 M", "1 M", "2 M"]
conductivity = ["1e-4 S/cm", "5.52e-4 S/cm", "6e-4 S/cm"]
diffusivity = ["1e-11 m^2/s", "1.1e-11 m^2/s", "1.2e-11 m^2/s"]
[kinetics]
exchange_current_barrier = "0.4 eV"
exchange_current_density = { value = "1 mA/cm^2", at = "25 degC" }
[film.patches]
renewal = "none"
[counter.film]
thickness = "1 nm"
[protocol]
steps = [{ current = "1 mA/cm^2", capacity = "1 mAh/cm^2" }, { rest = "1 h" },
  { voltage = "-10 mV", until_current = { value = "1 uA/cm^2", status = "assumed" }, duration = "2 h" }]
stop_on = []
[numerics]
max_step = "60 s"
""",
        )
    )
    again = read_case(write(tmp_path / "again.toml", case.resolved_toml()))
    assert again == case
    assert again.surface == case.surface
    assert again.protocol == case.protocol
    assert again.film.patches.renewal is None
    assert again.provenance["protocol.steps[2].until_current"].status == "assumed"
    assert case.protocol.planned_time == 4 * 3600
    assert case.surface.file == str(tmp_path / "h.npy")
    assert case.surface.wave.direction == pytest.approx(math.pi / 2, rel=1e-15)
    # Arrhenius, by hand: k = 8.617e-5 eV/K
    properties = case.properties()
    kelvin = ELEMENTARY_CHARGE / BOLTZMANN
    warm = math.exp(0.223 * kelvin * (1 / 303.15 - 1 / 323.15))
    assert properties.kappa == pytest.approx(0.0552 * warm, rel=1e-12)
    assert properties.table[1] == pytest.approx([0.01 * warm, 0.0552 * warm, 0.06 * warm], rel=1e-12)
    warm = math.exp(0.3 * kelvin * (1 / 303.15 - 1 / 323.15))
    assert properties.D / (1.1e-11 * warm) == pytest.approx(1, rel=1e-12)
    assert properties.table[2][0] / (1e-11 * warm) == pytest.approx(1, rel=1e-12)
    warm = math.exp(0.4 * kelvin * (1 / 298.15 - 1 / 323.15))
    assert (properties.j0, properties.j0_counter) == pytest.approx((10 * warm, 10 * warm), rel=1e-12)
    assert properties.film_thickness_counter == 1e-9


TABLE = (
    'concentration = ["0.5 M", "1 M", "2 M"], conductivity = ["3e-4 S/cm", "5.52e-4 S/cm", "5e-4 S/cm"], '
    'diffusivity = ["1e-11 m^2/s", "2e-11 m^2/s", "3e-11 m^2/s"]'
)


def test_columns_of_the_transference_number_hold_at_any_temperature() -> None:
    columns = "transference_number = { value = [0.3, -0.1, -0.5], at = '60 degC' }, "
    columns += "thermodynamic_factor = [1, 1.5, 3]"
    own = [
        f"electrolyte.concentration_dependence={{ {TABLE}, {columns} }}", "electrolyte.transference_number=-0.1",
        "electrolyte.thermodynamic_factor=1.5", 'electrolyte.salt_diffusivity="2e-11 m^2/s"',
    ]  # fmt: skip
    p = read_case(cases.locate("pll"), [*own, 'temperature="60 degC"']).properties()
    assert (p.t_plus, p.chi) == (-0.1, 1.5)
    assert p.table.transference == (0.3, -0.1, -0.5)
    assert p.table.factor == (1.0, 1.5, 3.0)
    assert p.kappa > 1.5 * 0.0552  # which follows its barrier from 30 degC
    words = [f"electrolyte.concentration_dependence={{ {TABLE} }}", *own[3:]]
    plain = read_case(cases.locate("pll"), words).properties()
    assert plain.table.transference == (0.32,) * 3
    assert plain.table.factor == (1.0,) * 3


@pytest.mark.parametrize(
    ("columns", "own", "said"),
    [
        ("transference_number = [0.4, 0.32]", "", "2 values came for 3 concentrations"),
        ("transference_number = [0.4, 0.32, 1.0]", "", "1.0 is not below 1"),
        ("transference_number = [0.4, 0.32, -11]", "", "-11 is below -10"),
        ("transference_number = [0.4, 0.34, 0.1]", "", "the table gives 0.34 at salt_concentration.*says 0.32"),
        ("thermodynamic_factor = [1, 1.2, 2]", "", "the table gives 1.2 at salt_concentration.*says 1;"),
        ("thermodynamic_factor = [1, 1, 0]", "", "at least 0.001"),
        ("thermodynamic_factor = [1, 1, 2]", "electrolyte.transference_number=-0.1", "-0.1 is below 0; a negative one"),
    ],
)
def test_columns_that_will_not_do_are_refused(columns: str, own: str, said: str) -> None:
    words = [f"electrolyte.concentration_dependence={{ {TABLE}, {columns} }}", *([own] if own else [])]
    with pytest.raises(CaseError, match=said):
        read_case(cases.locate("pll"), [*words, 'electrolyte.salt_diffusivity="2e-11 m^2/s"'])


@pytest.mark.parametrize(
    ("name", "stated", "current"),
    [("pll", 6.4e-12, 2.6), ("pllz", 1.4e-11, 7.8), ("lhci", 2.2e-11, None), ("dlhci", 7.2e-11, None)],
)
def test_nernst_einstein_reproduces_the_derived_facts(name, stated, current):
    p = read_case(cases.locate(name)).properties()
    # two digits are stated, at R T of 303.15 or 298.15 K: 2.5 % + 1.7 %
    assert p.D / stated == pytest.approx(1, rel=0.042)
    at_25 = nernst_einstein(p.kappa, p.t_plus, p.c0, 298.15)
    assert float(f"{at_25:.1e}") == stated
    if current is not None:
        limit = 2 * 96485.3 * at_25 * p.c0 / ((1 - p.t_plus) * 70e-6) / 10  # mA/cm^2
        assert limit == pytest.approx(current, rel=0.02)  # two digits


def test_films_carry_the_derived_resistances():
    pll, pllz = (read_case(cases.locate(name)) for name in ("pll", "pllz"))
    ohm_cm2 = [1e4 * case.film.thickness / case.film.conductivity for case in (pll, pllz)]
    assert ohm_cm2 == pytest.approx([494, 397], rel=2e-3)  # three digits
    growth = pll.film.growth
    thick = math.sqrt(pll.film.thickness**2 + growth.coefficient * 110 * 3600)
    assert 1e4 * thick / pll.film.conductivity == pytest.approx(2494, rel=2e-3)


@pytest.mark.parametrize(
    ("name", "kappa", "temperature", "barrier_ev", "t_plus", "molar"),
    [
        ("pll", 5.52e-4, 303.15, 0.223, 0.32, None),
        ("pllz", 1.06e-3, 303.15, 0.196, 0.50, None),
        ("plz", 4.8e-6, 298.15, None, None, None),
        ("lhci", 2.25e-3, 298.15, None, 0.24, 1.0),
        ("dlhci", 3.93e-3, 298.15, None, 0.29, 0.6),
    ],
)
def test_measured_inputs_are_those_of_the_papers(name, kappa, temperature, barrier_ev, t_plus, molar):
    case = read_case(cases.locate(name))
    assert case.electrolyte.conductivity == pytest.approx(100 * kappa, rel=1e-15)
    assert case.temperature == temperature
    stated = {key for key, entry in case.provenance.items() if entry.status == "measured"}
    expected = {"electrolyte.conductivity"}
    if barrier_ev is not None:
        expected.add("electrolyte.conductivity_barrier")
        assert case.electrolyte.conductivity_barrier == pytest.approx(
            barrier_ev * ELEMENTARY_CHARGE, rel=1e-14
        )
    if t_plus is not None:
        expected.add("electrolyte.transference_number")
        assert case.electrolyte.transference_number == t_plus
    if molar is not None:
        expected.add("electrolyte.salt_concentration")
        assert case.electrolyte.salt_concentration == 1000 * molar
    if name == "dlhci":
        expected |= {"kinetics.exchange_current_density", "counter.kinetics.exchange_current_density"}
        assert case.kinetics.exchange_current_density == 1.7
    assert stated == expected  # nothing else may be called measured


def test_arrhenius():
    assert arrhenius(0.0, 300, 400) == 1
    assert arrhenius(0.2 * ELEMENTARY_CHARGE, 300, 330) == pytest.approx(2.0204, rel=2e-5)  # exp(0.703305)


def test_overrides(pllz):
    path = cases.locate("pllz")
    case = read_case(
        path,
        ["protocol.repeat=2", "protocol.steps[1].current=-1 mA/cm^2",
         'film.thickness={value="30 nm", status="assumed"}',
         "grid.lateral=mirror", "film.patches=none", 'output.fields=["xi"]',
         "film.conductivity.value=1e-8 S/cm"],
    )  # fmt: skip
    assert case.protocol.repeat == 2
    assert [step.current for step in case.protocol.steps] == [2.0, -10.0]
    assert (case.film.thickness, case.film.conductivity, case.film.patches) == (3e-8, 1e-6, None)
    assert case.provenance["film.thickness"].status == "assumed"
    assert case.provenance["film.conductivity"].source is None
    assert case.grid.lateral == "mirror"
    assert case.output.fields == ("xi",)
    assert read_case(path) == pllz  # the file has not changed


def test_extends_merges_deeply(tmp_path):
    (tmp_path / "sub").mkdir()
    write(tmp_path / "sub" / "base.toml", 'extends = "electrolytes/pllz.toml"\n[film]\nthickness = "30 nm"\n')
    write(tmp_path / "sub" / "more.toml", '[film]\nthickness = "40 nm"\n[film.patches]\nseed = 9\n')
    head = '[grid]\nsize = ["40 um", "80 um"]\nspacing = "2 um"\n[surface]\nheight = "40 um"\n'
    body = '[protocol]\nsteps = [{ rest = "1 h" }]\n[film.patches]\nspread = 0.2\n'
    text = f'title = "t"\nextends = ["sub/base.toml", "sub/more.toml"]\n{head}{body}'
    case = read_case(write(tmp_path / "case.toml", text))
    assert case.film.thickness == 4e-8  # the later base wins
    assert (case.film.patches.spread, case.film.patches.seed, case.film.patches.size) == (0.2, 9, 4e-5)
    assert case.electrolyte.name == "PLLZ"


def test_a_value_of_the_child_drops_the_source_of_the_base(tmp_path):
    text = cases.locate("planar").read_text()
    text = text.replace(
        "[film]", '[film]\nthickness = { value = "30 nm" }\nconductivity = { status = "measured" }'
    )
    provenance = read_case(write(tmp_path / "case.toml", text)).provenance
    assert provenance["film.thickness"] == Provenance("30 nm")
    assert provenance["film.conductivity"].status == "measured"  # said of the value of the base
    assert provenance["film.conductivity"].value_text == "5.04e-9 S/cm"


def test_a_table_of_the_child_replaces_a_value_of_the_base(tmp_path):
    text = cases.locate("planar").read_text()
    base = text.replace('patches = "none"', 'patches = { value = "none", status = "assumed" }')
    write(tmp_path / "base.toml", base)
    patches = '[film.patches]\nspread = 0.1\nsize = "9 um"\nrenewal = "none"\n'
    case = read_case(write(tmp_path / "case.toml", f'extends = "base.toml"\n{patches}'))
    assert case.film.patches.spread == 0.1


def test_numbers_resolve_to_the_last_bit(tmp_path):
    case = read_case(cases.locate("planar"), ["electrolyte.transference_number=0.3333333333333333"])
    again = read_case(write(tmp_path / "again.toml", case.resolved_toml()))
    assert again.electrolyte.transference_number == 0.3333333333333333


def test_no_pickle_is_loaded(tmp_path):
    (tmp_path / "h.npy").write_bytes(pickle.dumps(_Trap(tmp_path / "sprung")))
    text = cases.locate("planar").read_text().replace("[film]", 'file = "h.npy"\n[film]')
    with pytest.raises(CaseError, match="no file of numbers"):
        read_case(write(tmp_path / "case.toml", text))
    assert not (tmp_path / "sprung").exists()


class _Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_extends_is_kept_to_the_folder_of_the_case(tmp_path):
    (tmp_path / "mine").mkdir()
    base = write(tmp_path / "base.toml", cases.locate("planar").read_text())
    case = write(tmp_path / "mine" / "case.toml", 'extends = "../base.toml"\n')
    with pytest.raises(CaseError, match="write its absolute path"):
        read_case(case)
    write(case, f'extends = "{base}"\n')
    assert read_case(case).title == read_case(base).title


def test_relative_paths_of_a_base_are_its_own(tmp_path):
    (tmp_path / "sub").mkdir()
    np.save(tmp_path / "sub" / "h.npy", np.zeros(5))
    text = cases.locate("planar").read_text().replace("[film]", 'file = "h.npy"\n[film]')
    write(tmp_path / "sub" / "base.toml", text)
    case = read_case(write(tmp_path / "case.toml", 'extends = "sub/base.toml"\n'))
    assert case.surface.file == str(tmp_path / "sub" / "h.npy")


def test_lines_of_keys():
    text = """# top
a = 1
[b]
"c d".e = { f = 1, g = [1,
  2, # [x]
  { h = "]" } ] }
[[b.k]]
m = '''
n = 1
'''
[[b.k]]
m = 2
[b.k.q]
r = 3
"""
    lines = key_lines(text)
    assert lines[("a",)] == 2
    assert lines[("b", "c d", "e", "f")] == 4
    assert lines[("b", "c d", "e", "g", 1)] == 5
    assert lines[("b", "c d", "e", "g", 2, "h")] == 6
    assert lines[("b", "k", 0, "m")] == 8
    assert lines[("b", "k", 1, "m")] == 12
    assert lines[("b", "k", 1, "q", "r")] == 14
    assert ("n",) not in lines


def test_every_key_of_the_shipped_cases_has_a_line():
    def keys(node, at=()):
        if isinstance(node, dict | list):
            for name, item in node.items() if isinstance(node, dict) else enumerate(node):
                yield (*at, name)
                yield from keys(item, (*at, name))

    for path in cases.folder().rglob("*.toml"):
        text = path.read_text()
        lines = key_lines(text)
        for key in keys(tomllib.loads(text)):
            if isinstance(key[-1], str):
                assert key[-1] in text.split("\n")[lines[key] - 1]
            assert key in lines


def test_case_can_be_copied_and_sent(pllz):
    for other in (pickle.loads(pickle.dumps(pllz)), copy.deepcopy(pllz)):
        assert other == pllz
        assert other.provenance == pllz.provenance
        assert other.path == pllz.path


def test_errors_can_be_sent():
    error = pickle.loads(pickle.dumps(CaseError("a.toml", 3, "grid.size", "wrong\nand so on")))
    assert str(error) == "a.toml:3: grid.size: wrong and so on"


def test_shipped_cases_are_listed_and_copied(tmp_path):
    cells = {"pll", "pllz", "plz", "lhci", "dlhci"}
    experiments = {"critical-current-pll", "critical-current-pllz", "tafel-dlhci"}
    experiments |= {"lfp-rates-pll", "lfp-rates-pllz", "lfp-cycles-pll", "lfp-cycles-pllz"}
    experiments |= {"aurbach-lhci", "aurbach-dlhci", "pll-both", "pllz-both"}
    experiments |= {f"{cathode}-{name}" for cathode in ("ncm811", "lnmo") for name in ("lhci", "dlhci")}
    experiments |= {f"polarisation-{name}" for name in cells}
    others = {"planar", "wave", "dendrites", "uniform-film", "salt-profiles-peo"}
    sizes = {f"{name}-{size}" for name in ("pll", "pllz") for size in ("fine", "large")}
    assert cells | experiments | sizes | others == set(cases.names())
    assert cases.titles()["pllz"].startswith("Li | PLLZ")
    copied = cases.copy("pllz-fine.toml", tmp_path / "new")
    assert read_case(copied) == read_case(cases.locate("pllz-fine"))  # bases are found without copies
    with pytest.raises(PhasefieldError, match="exists"):
        cases.copy("pllz-fine", tmp_path / "new")
    with pytest.raises(PhasefieldError, match="did you mean 'pllz'"):
        cases.locate("plllz")


def test_fine_cases_have_the_size_of_the_acceptance():
    for name in ("pll", "pllz"):
        assert read_case(cases.locate(f"{name}-fine")).grid.shape == (60, 64, 64)
        assert read_case(cases.locate(f"{name}-large")).grid.shape == (40, 128, 128)
    assert read_case(cases.locate("dendrites")).grid.shape == (240, 1, 160)
    assert read_case(cases.locate("uniform-film")).film.patches is None


def test_reference_names_every_key():
    text = reference_markdown()
    for _, name, entry in schema():
        assert f"| `{name}` |" in text
        assert entry.description
    assert "| `conductivity` | S/m | required | ionic" in text
    columns = {line.replace("\\|", "").count("|") for line in text.split("\n") if line.startswith("|")}
    assert columns == {5}


def test_the_level_set_law_has_its_old_name_too(tmp_path):
    old, new = (read_case(cases.locate("pllz"), [f'numerics.motion="{name}"']) for name in ("distance", "level-set"))
    assert old.numerics.motion == new.numerics.motion == "level-set"
    assert old.hash == new.hash == read_case(cases.locate("pllz")).hash  # a run of before goes on
    words = 'numerics.motion={{ value="{}", source="ours" }}'
    old, new = (read_case(cases.locate("pllz"), [words.format(name)]) for name in ("distance", "level-set"))
    assert old.hash == new.hash


def test_the_resistance_of_the_film_is_its_conductivity(tmp_path: Path) -> None:
    """50 ohm cm2 of 20 nm are 4e-6 S/m, at the temperature and with the source that are given with it."""
    wanted = read_case(cases.locate("pllz")).film.thickness / 50e-4
    case = read_case(cases.locate("pllz"), ['film.resistance="50 ohm cm^2"'])
    assert case.film.conductivity == pytest.approx(wanted, rel=1e-15)
    assert FlatImpedance(case.properties(), 1e-4).films[0] == pytest.approx(50e-4, rel=1e-15)
    mine = tmp_path / "mine.toml"
    mine.write_text(
        'extends = "pllz.toml"\n[film]\n'
        'resistance = { value = "50 ohm cm^2", at = "30 degC", source = "mine", status = "measured" }\n'
    )
    case = read_case(mine)
    assert case.film.conductivity == pytest.approx(wanted, rel=1e-15)
    source = case.provenance["film.conductivity"]
    assert (source.source, source.status, source.at) == ("mine", "measured", pytest.approx(303.15))
    again = tmp_path / "again.toml"
    again.write_text(case.resolved_toml())
    assert read_case(again).hash == case.hash
    other = tmp_path / "other.toml"  # what is laid last holds, whichever of the two it is
    other.write_text('extends = "mine.toml"\n[film]\nconductivity = "1e-6 S/m"\n')
    assert read_case(other).film.conductivity == 1e-6
    assert read_case(mine, ['film.conductivity="1e-6 S/m"']).film.conductivity == 1e-6


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ('thickness = "20 nm"', "film.conductivity: missing; give it, or film.resistance"),
        ('thickness = "20 nm"\nconductivity = "1 S/m"\nresistance = "5 ohm cm^2"', "remove one of them"),
        ('thickness = "20 nm"\nresistance = "5 ohm"', "film.resistance"),
        ('thickness = "20 nm"\nresistance = "-5 ohm cm^2"', "film.resistance"),
    ],
)
def test_a_film_has_one_resistance(table: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    base = read_case(cases.locate("planar")).resolved_toml()
    head, rest = base.split("\n[film]\n")
    path.write_text(f"{head}\n[film]\n{table}\n" + rest[rest.index("\n[") :])
    with pytest.raises(CaseError, match=words):
        read_case(path)


CLEARED = [
    ("film", 'resistance = "50 ohm cm^2"', "resistance", "add film.conductivity"),
    ("contact", 'stack_pressure = "1 MPa"\nmodulus = "1 GPa"\nrelaxation_time = "1 h"', "modulus",
     "add contact.viscosity"),
    ("surface", "substrate = { nucleation_overpotential = \"0.2 V\", reference_overpotential = \"0.2 V\", "
     'distance = "40 um", radius = "16 um" }\nroughness = "none"\ncorrelation_length = "none"\nseed = "none"\n'
     'height = "none"', "substrate", "add surface.height"),
]  # fmt: skip


@pytest.mark.parametrize(("table", "given", "cleared", "words"), CLEARED)
def test_what_none_clears_is_missed_where_none_stands(
    table: str, given: str, cleared: str, words: str, tmp_path: Path
) -> None:
    """The error names the file and the line that cleared, not the base that never had the other key."""
    shipped = cases.locate("pllz")
    (tmp_path / "base.toml").write_text(f'extends = "{shipped}"\n[{table}]\n{given}\n')
    over = tmp_path / "over.toml"
    over.write_text(f'title = "over"\nextends = "base.toml"\n\n[{table}]\n{cleared} = "none"\n')
    with pytest.raises(CaseError) as caught:
        read_case(over)
    text = str(caught.value)
    assert text.startswith(f"{over}:5: {table}.{cleared}: ")
    assert words in text
    assert "\n" not in text
