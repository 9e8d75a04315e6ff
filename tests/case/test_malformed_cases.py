"""Every malformed case gives one line that names file, line, key and remedy; nothing else ever comes out."""

from __future__ import annotations

import random
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from pydantic_core import PydanticCustomError

from phasefield import units
from phasefield.case.file import read_case
from phasefield.errors import CaseError

GOOD = """title = "test"
extends = "electrolytes/pllz.toml"
[grid]
size = ["40 um", "80 um"]
spacing = "1 um"
[surface]
height = "40 um"
[protocol]
steps = [
    { current = "0.2 mA/cm^2", duration = "1 h" },
    { current = "-0.2 mA/cm^2", duration = "1 h" },
]
"""
ROUGH = 'height = "40 um"\nroughness = "1 um"'
WAVE = 'height = "40 um"\nwave = { amplitude = "1 um", wavelength = "%s"%s }'
CAP = 'height = "40 um"\ncaps = [{ position = ["%s"], radius = "5 um", height = "%s" }]'
CAP_HERE = '{ position = ["20 um"], radius = "9 um", height = "2 um" }'
CAPS = f'height = "74 um"\ncaps = [{CAP_HERE}, {CAP_HERE}]'
STEP = '{ current = "0.2 mA/cm^2", duration = "1 h" }'
KAPPA = '[electrolyte]\nconductivity = { value = "1 S/m", %s }\n[grid]'

# (what is replaced, by what, line, key, words of the message)
MALFORMED = {
    "unknown key, near": ('spacing = "1 um"', 'spacin = "1 um"', 5, "grid.spacin",
        "did you mean 'spacing'"),
    "unknown key, elsewhere": ("[grid]", 'current = "1 A/m^2"\n[grid]', 3, "current",
        "stands in protocol.steps"),
    "unknown key, another program's": ("[grid]", 'base = "pllz.toml"\n[grid]', 3, "base", "as 'extends'"),
    "unknown key, far": ("[grid]", "[grid]\nzzz = 1", 4, "grid.zzz", "known are size"),
    "unknown table": ("[surface]", "[surfaces]", 6, "surfaces", "did you mean 'surface'"),
    "missing key": ('spacing = "1 um"', "", 3, "grid.spacing", 'missing; add .* e.g. spacing = "4 um"'),
    "missing title": ('title = "test"', "", 1, "title", "missing"),
    "missing table": ('[surface]\nheight = "40 um"', "", 1, "surface", "missing"),
    "dimension": (STEP, STEP.replace("/cm^2", ""), 10, "protocol.steps[0].current",
        r"'0.2 mA' is a current; a current density \(A/m\^2\) is needed, e.g. \"0.2 mA/cm\^2\""),
    "no unit in text": ('"1 um"', '"1"', 5, "grid.spacing", "'1' has no unit; a length"),
    "plain number": ('"1 um"', "1e-6", 5, "grid.spacing", "has no unit; a length"),
    "unknown unit": ('"1 um"', '"1 parsnip"', 5, "grid.spacing", "unknown unit"),
    "no number": ('"1 um"', '"one um"', 5, "grid.spacing", "does not begin with a number"),
    "power tower": ('"1 um"', '"10**10**10 m"', 5, "grid.spacing", "is not a unit"),
    "unit tower": ('"1 um"', '"1 m^9^9^9"', 5, "grid.spacing", "powers of one digit"),
    "huge exponent": ('"1 um"', '"1e999 m"', 5, "grid.spacing", "not a finite number"),
    "code": ('"1 um"', "\"1 __import__('os')\"", 5, "grid.spacing", "is not a unit"),
    "long text": ('"1 um"', '"1 ' + "u" * 500 + '"', 5, "grid.spacing", "longer than 80"),
    "wrong type: bool": ('"1 um"', "true", 5, "grid.spacing", "true stands here; a length"),
    "wrong type: list": ('"1 um"', '["1 um"]', 5, "grid.spacing", "a list stands here; a length"),
    "wrong type: date": ('"1 um"', "1979-05-27", 5, "grid.spacing", "stands here; a length"),
    "wrong type: table": ("[surface]\nheight", "surface = 3\nheight", 6, "grid.surface", "unknown key"),
    "wrong type: text": ('title = "test"', "title = 3", 1, "title", "3 stands here; a text is needed"),
    "NaN": ("[protocol]", "[protocol]\ndepletion_threshold = nan", 9, "protocol.depletion_threshold",
        "finite"),
    "infinity": ("[protocol]", "[protocol]\ndepletion_threshold = inf", 9, "protocol.depletion_threshold",
        "finite"),
    "below range": ("[protocol]", "[protocol]\nrepeat = 0", 9, "protocol.repeat",
        "0 is below 1; give a whole"),
    "fraction for whole": ("[protocol]", "[protocol]\nrepeat = 1.5", 9, "protocol.repeat",
        "a whole number"),
    "huge whole": ("[protocol]", "[protocol]\nrepeat = 1" + "0" * 400, 9, "protocol.repeat",
        "above 1000000"),
    "digits": ("[protocol]", "[protocol]\nrepeat = 1" + "0" * 5000, 9, "", "thousands of digits"),
    "above range": ("[grid]", "[electrolyte]\ntransference_number = 1.3\n[grid]", 4,
        "electrolyte.transference_number", "1.3 is above 1"),
    "negative length": ('"1 um"', '"-1 um"', 5, "grid.spacing", "'-1 um' is not above 0"),
    "temperature unit": ("[grid]", 'temperature = "30 C"\n[grid]', 3, "temperature",
        "is a charge; a temperature"),
    "cold": ("[grid]", 'temperature = "30 K"\n[grid]', 3, "temperature", "is below 100 K"),
    "status": ("[grid]", KAPPA % 'status = "guessed"', 4, "electrolyte.conductivity.status",
        "give one of measured"),
    "value table key": ("[grid]", KAPPA % 'sauce = "x"', 4, "electrolyte.conductivity.sauce",
        "did you mean 'source'"),
    "at": ("[grid]", KAPPA % 'at = "1 V"', 4, "electrolyte.conductivity.at", "is a voltage; a temperature"),
    "barrier without a temperature": ("[grid]",
        'temperature = "-40 degC"\n[kinetics]\nexchange_current_barrier = "0.4 eV"\n[grid]', 5,
        "kinetics.exchange_current_barrier",
        r"nothing at 233.15 K: .* kinetics.exchange_current_density was .* at = \"25 degC\""),
    "barrier of the film": ("[grid]", 'temperature = "-40 degC"\n[film]\nconductivity_barrier = "0.4 eV"\n[grid]', 5,
        "film.conductivity_barrier", "film.conductivity was measured at"),
    "barrier of a diffusivity": ("[grid]", 'temperature = "-40 degC"\n[electrolyte]\n'
        'salt_diffusivity = "1e-7 cm^2/s"\ndiffusivity_barrier = "0.2 eV"\n[grid]', 6,
        "electrolyte.diffusivity_barrier", "electrolyte.salt_diffusivity was measured at"),
    "barrier of the counter electrode": ("[grid]", 'temperature = "-40 degC"\n[kinetics]\n'
        'exchange_current_density = { value = "1 A/m^2", at = "25 degC" }\nexchange_current_barrier = "0.4 eV"\n'
        '[counter.kinetics]\nexchange_current_density = "1 A/m^2"\n[grid]', 6,
        "kinetics.exchange_current_barrier", "counter.kinetics.exchange_current_density was measured at"),
    "value nested": ("[grid]", '[film]\nthickness = { value = { value = "1 nm" } }\n[grid]', 4,
        "film.thickness.value", "a table stands here"),
    "not whole": ('"40 um", "80 um"', '"40.5 um", "80 um"', 4, "grid.size[0]",
        r"nearest valid is 4[01] um"),
    "too few cells": ('"40 um", "80 um"', '"4 um", "80 um"', 4, "grid.size[0]",
        r"nearest valid is 8 um \(8 cells"),
    "one axis": ('"40 um", "80 um"', '"80 um"', 4, "grid.size", "give 2"),
    "absurd size": ('"40 um", "80 um"', '"40 mm", "40 mm"', 4, "grid.size", "GB"),
    "absurd cells": ('"40 um", "80 um"', '"1 m", "1 m"', 4, "grid.size", "2.31"),
    "absurd length": ('"40 um", "80 um"', '"1e9 m", "1e300 m"', 4, "grid.size[0]",
        r"'1e9 m' is outside of what a length can be, 1e-07 um to 1e\+06 um; check the unit"),
    "absurd molar volume": ("[grid]", '[lithium]\nmolar_volume = "1e25 m^3/mol"\n[grid]', 4, "lithium.molar_volume",
        r"'1e25 m\^3/mol' is outside of what a molar volume can be, 1e-12 m\^3/mol to 0.01 m\^3/mol"),
    "a metal as electrolyte": ("[grid]", '[electrolyte]\nconductivity = "1e5 S/m"\n[grid]', 4,
        "electrolyte.conductivity", "'1e5 S/m' is above 10000 S/m"),
    "absurd factor": ("[grid]", "[electrolyte]\nthermodynamic_factor = 1e9\n[grid]", 4,
        "electrolyte.thermodynamic_factor", "is above 1000"),
    "surface outside": ('height = "40 um"', 'height = "79 um"', 7, "surface.height", "give 4 um to 76 um"),
    "roughness alone": ('height = "40 um"', ROUGH, 6, "surface.correlation_length", "needed together"),
    "rough outside": ('height = "40 um"',
        ROUGH.replace("1 um", "30 um") + '\ncorrelation_length = "9 um"\nseed = 1', 6, "surface",
        "does not fit a box"),
    "wave misfit": ('height = "40 um"', WAVE % ("30 um", ""), 8, "surface.wave.wavelength",
        "nearest valid is 40 um"),
    "wave direction": ('height = "40 um"', WAVE % ("40 um", ', direction = "90 deg"'), 8,
        "surface.wave.direction", "2D run"),
    "wave direction unit": ('height = "40 um"', WAVE % ("40 um", ", direction = 0"), 8,
        "surface.wave.direction", "has no unit; an angle"),
    "cap outside": ('height = "40 um"', CAP % ("50 um", "2 um"), 8, "surface.caps[0].position[0]",
        "outside the box"),
    "cap overhang": ('height = "40 um"', CAP % ("20 um", "9 um"), 8, "surface.caps[0].height", "overhang"),
    "caps upon caps": ('height = "40 um"', CAPS, 7, "surface.height", "within 4 cells of the"),
    "heights absent": ('height = "40 um"', 'height = "40 um"\nfile = "no.npy"', 8, "surface.file",
        "not a file"),
    "heights junk": ('height = "40 um"', 'height = "40 um"\nfile = "case.toml"', 8, "surface.file",
        "no known format"),
    "current and voltage": (STEP, STEP.replace("duration", 'voltage = "1 V", duration'), 10,
        "protocol.steps[0].voltage", "current and voltage came"),
    "endless step": (STEP, '{ current = "0.2 mA/cm^2" }', 10, "protocol.steps[0].current", "never ends"),
    "zero current": (STEP, STEP.replace("0.2", "0"), 10, "protocol.steps[0].current", "write rest"),
    "rest with duration": (STEP, '{ rest = "1 h", duration = "1 h" }', 10, "protocol.steps[0].duration",
        "stands in rest"),
    "limit of a voltage step": (STEP, '{ voltage = "1 V", until_voltage = "1 V" }', 10,
        "protocol.steps[0].until_voltage", "does not take it"),
    "above the limit": (STEP, '{ voltage = "6 V", duration = "1 h" }', 10, "protocol.steps[0].voltage",
        "above protocol.voltage_limit"),
    "at the limit": (STEP, '{ voltage = "-5 V", duration = "1 h" }', 10, "protocol.steps[0].voltage",
        'is protocol.voltage_limit, which ends the run at once; raise the limit, or take "voltage_limit" out'),
    "until the limit": (STEP, '{ current = "1 A/m^2", until_voltage = "5 V" }', 10, "protocol.steps[0].until_voltage",
        "is protocol.voltage_limit, which ends the run"),
    "no film": ('title = "test"', 'title = "test"\nfilm = "none"', 2, "film",
        r"a film in each case; .* thickness = \"1 nm\" and conductivity = \"1 S/m\""),
    "unplanned output": (STEP, '{ voltage = "1 V", until_current = "1 A/m^2" }', 1, "output.fields_every",
        "add it"),
    "no steps": ("[protocol]\nsteps", "[protocol]\nsteps = []\n[x]\nsteps", 10, "x", "unknown key"),
    "event": ("[protocol]", '[protocol]\nstop_on = ["void", "short_cirquit"]', 9, "protocol.stop_on[1]",
        "did you mean 'short_circuit'"),
    "field": ("[protocol]", '[output]\nfields = ["xi", "phi"]\n[protocol]', 9, "output.fields[1]",
        "none of xi"),
    "lateral": ("[grid]", '[grid]\nlateral = "mirrored"', 4, "grid.lateral", "did you mean 'mirror'"),
    "width": ("[protocol]", '[numerics]\ninterface_width = "9 um"\n[protocol]', 9,
        "numerics.interface_width", "0.4 to 4"),
    "step order": ("[protocol]", '[numerics]\nmin_step = "2 s"\nmax_step = "1 s"\n[protocol]', 9,
        "numerics.min_step", "above max_step"),
    "growth without rate": ("[grid]", '[film.growth]\nlaw = "constant"\n[grid]', 3, "film.growth.rate",
        "needs it"),
    "growth of nothing": ("[grid]", '[film.growth]\nlaw = "none"\nrate = "1 nm/h"\n[grid]', 5,
        "film.growth.rate", "does not take it"),
    "small patches": ("[grid]", '[film.patches]\nsize = "0.1 um"\n[grid]', 4, "film.patches.size",
        "below the spacing"),
    "dependence": ("[grid]", '[electrolyte]\nconcentration_dependence = "linear"\n[grid]', 4,
        "electrolyte.concentration_dependence", "none of nernst-einstein"),
    "single ion": ("[grid]", "[electrolyte]\ntransference_number = 1.0\n[grid]", 4,
        "electrolyte.transference_number", "give salt_diffusivity as a number"),
    "table order": ("[grid]",
        '[electrolyte.concentration_dependence]\nconcentration = ["2 M", "1 M"]\n'
                    'conductivity = ["1 S/m", "1 S/m"]\ndiffusivity = ["1e-11 m^2/s", "1e-11 m^2/s"]\n[grid]',
        4, "electrolyte.concentration_dependence.concentration", "must increase"),
    "base absent": ("pllz.toml", "pllx.toml", 2, "extends", "did you mean 'electrolytes/pll"),
    "base is a number": ('"electrolytes/pllz.toml"', "3", 2, "extends", "a file name"),
    "base outside": ("electrolytes/pllz.toml", "../../etc/passwd", 2, "extends", "no file|absolute path"),
    "loop": ("electrolytes/pllz.toml", "case.toml", 2, "extends", "extends this file again"),
    "duplicate key": ('spacing = "1 um"', 'spacing = "1 um"\nspacing = "2 um"', 6, "spacing",
        "stands twice"),
    "duplicate table": ("[surface]", "[grid]", 6, "", "stands twice"),
    "unquoted": ('"1 um"', "1 um", 5, "spacing", "in quotes"),
    "unclosed": ('"1 um"', '"1 um', 5, "spacing", "not valid TOML"),
    "nested lists": ('"1 um"', "[" * 5000 + "]" * 5000, 1, "", "nested too deeply"),
    "nested key": ("[grid]", "[" + ".".join("a" * 5000) + "]\n[grid]", 3, "", "a key of more than"),
    "control letter": ('"1 um"', '"1 \\u0007um"', 5, "grid.spacing", "not a unit"),
    "null in name": ('height = "40 um"', 'height = "40 um"\nfile = "a\\u0000b"', 8, "surface.file",
        "holds a NUL character"),
}  # fmt: skip


def check_line(error: CaseError) -> str:
    """Return the text of an error, which is one printable line."""
    text = str(error)
    assert text.isprintable(), text
    assert 10 < len(text) < 900
    assert "Traceback" not in text
    assert "pydantic" not in text
    return text


@pytest.mark.parametrize("name", MALFORMED)
def test_error_names_file_line_key_and_remedy(name, tmp_path, monkeypatch):
    old, new, line, key, words = MALFORMED[name]
    assert old in GOOD
    monkeypatch.chdir(tmp_path)
    Path("case.toml").write_text(GOOD.replace(old, new, 1), encoding="utf-8")
    before = set(tmp_path.iterdir())
    with pytest.raises(CaseError) as caught:
        read_case("case.toml")
    text = check_line(caught.value)
    assert (caught.value.file, caught.value.line, caught.value.key) == ("case.toml", line, key), text
    assert text.startswith(f"case.toml:{line}: " + (f"{key}: " if key else ""))
    assert re.search(words, text), text
    assert set(tmp_path.iterdir()) == before  # nothing written


def test_the_unmalformed_case_is_good(tmp_path):
    (tmp_path / "case.toml").write_text(GOOD)
    assert read_case(tmp_path / "case.toml").grid.shape == (80, 1, 40)


def test_error_in_a_base_names_the_base(tmp_path):
    (tmp_path / "case.toml").write_text(GOOD.replace("electrolytes/pllz.toml", "base.toml"))
    (tmp_path / "base.toml").write_text(
        'extends = "electrolytes/pllz.toml"\n\n[film]\nthickness = "20 kg"\n[film.patches]\nsize = "1 nm"\n'
    )
    with pytest.raises(CaseError) as caught:
        read_case(tmp_path / "case.toml")
    assert Path(caught.value.file).name == "base.toml"
    assert (caught.value.line, caught.value.key) == (4, "film.thickness")


@pytest.mark.parametrize(
    ("name", "words"),
    [("absent.toml", "no such file"), ("folder", "is a folder"), ("junk", "UTF-8"), ("latin", "UTF-8"),
     ("empty", "missing"), ("large", "larger than"),
     ("nul\0", "cannot be read|no such file"), ("x" * 5000, "cannot be read"),
     ("", "folder"), ("case.tom", "did you mean 'case.toml'")],
)  # fmt: skip
def test_files_that_are_no_case(name, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    Path("case.toml").write_text(GOOD)
    Path("junk").write_bytes(random.Random(1).randbytes(10_000))
    Path("latin").write_bytes(b'title = "\xfcber"\n')
    Path("empty").write_text("")
    Path("large").write_text("#" * 10**6)
    with pytest.raises(CaseError, match=words) as caught:
        read_case(name)
    check_line(caught.value)


@pytest.mark.parametrize(
    ("array", "words"),
    [(np.zeros((4, 4)), "4 rows"), (np.array([0, np.nan, 0]), "missing"), (np.array(["a", "b"]), "no real numbers"),
     (np.array([None, 1], dtype=object), "no file of numbers"), (np.zeros(1), "2 points or more"),
     (np.array([0, 1e-3]), "does not fit a box")],
)  # fmt: skip
def test_heights_are_checked(array, words, tmp_path):
    np.save(tmp_path / "h.npy", array)
    (tmp_path / "case.toml").write_text(GOOD.replace("[protocol]", 'file = "h.npy"\n[protocol]'))
    with pytest.raises(CaseError, match=words) as caught:
        read_case(tmp_path / "case.toml")
    check_line(caught.value)


@pytest.mark.parametrize(
    ("override", "key", "words"),
    [("protocol.repeat=0", "protocol.repeat", "0 is below 1"), ("protocol.repeat", "", "key=value"),
     ("=3", "", "key=value"), ("protocol.repeat=", "", "key=value"), ("a..b=1", "", "key=value"),
     ("protocol.steps[7].current=1 A/m^2", "protocol.steps[7].current", "is not there"),
     ("protocol.steps[0].current=0.2 mA", "protocol.steps[0].current", "is a current"),
     ("extends=x", "extends", "cannot be changed"), ("title.x=1", "title.x", "no table"),
     ("grid.spacing=1 um\ngrid.size=3", "grid.spacing", "not a unit"),
     ("grid.spacing=" + "[" * 5000, "grid.spacing", "longer than|begin with")],
)  # fmt: skip
def test_a_bad_override_names_itself(override, key, words, tmp_path):
    (tmp_path / "case.toml").write_text(GOOD)
    with pytest.raises(CaseError, match=words) as caught:
        read_case(tmp_path / "case.toml", [override])
    assert check_line(caught.value).startswith("-s ")
    assert caught.value.key == key


def test_each_quantity_has_bounds_and_its_example_lies_within_them() -> None:
    for kind in units.KINDS:
        assert 0.0 < kind.low <= units.to_si(kind.example, kind) <= kind.high < np.inf
        measure = units.Measure(kind)
        context: Any = SimpleNamespace(context=None)
        for size in (kind.low, kind.high, -kind.high, 0.0):
            assert measure.validate(size, context) == size
        for size in (0.999 * kind.low, -0.999 * kind.low, 1.001 * kind.high):
            with pytest.raises(PydanticCustomError, match="is outside of what"):
                measure.validate(size, context)
