"""BPX: the numbers of the lumped electrode against the formulas of the standard; formulas are data and never code."""

from __future__ import annotations

import copy
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import call

from phasefield.case.file import read_case
from phasefield.constants import FARADAY
from phasefield.measured import MeasuredError
from phasefield.measured.bpx import read_bpx
from phasefield.measured.expression import evaluate

KEY = "Positive electrode"
CELL: dict[str, Any] = {
    "Header": {"BPX": "0.1.0", "Title": "made up", "Model": "DFN"},
    "Parameterisation": {
        KEY: {
            "Particle radius [m]": 1e-6,
            "Thickness [m]": 50e-6,
            "Diffusivity [m2.s-1]": "1e-15 * (1 + x)",
            "OCP [V]": "3.4 - 0.1 * x + 1e14 * exp(-400 * x) - exp(-100 * (1 - x))",
            "Surface area per unit volume [m-1]": 1.5e6,
            "Reaction rate constant [mol.m-2.s-1]": 1e-6,
            "Minimum stoichiometry": 0.1,
            "Maximum stoichiometry": 0.95,
            "Maximum concentration [mol.m-3]": 20000,
        }
    },
}


def write(folder: Path, **changes: Any) -> Path:
    cell = copy.deepcopy(CELL)
    cell["Parameterisation"][KEY] |= changes
    path = folder / "cell.json"
    path.write_text(json.dumps(cell))
    return path


def test_the_lumped_electrode(tmp_path: Path) -> None:
    found = read_bpx(write(tmp_path))
    assert found.capacity == pytest.approx(FARADAY * 20000 * 0.5 * 50e-6, rel=1e-12)  # a R/3 = 0.5 of the volume
    assert found.exchange_current_density == pytest.approx(FARADAY * 1e-6 * 1.5e6 * 50e-6 / 2, rel=1e-12)
    assert found.diffusion_time == pytest.approx(1e-12 / 1.5e-15, rel=1e-12)
    inside = (found.filling >= 0.1) & (found.filling <= 0.95)
    x = found.filling[inside]
    exact = 3.4 - 0.1 * x + 1e14 * np.exp(-400 * x) - np.exp(-100 * (1 - x))
    np.testing.assert_allclose(found.potential[inside], exact, rtol=1e-12)
    assert found.potential[0] == pytest.approx(exact[0] + 1.0)  # 1e14 V by the formula, 1 V beyond the range
    assert found.potential[-1] == pytest.approx(3.4 - 0.1 - 1.0)
    between = 0.5 * (x[1:] + x[:-1])  # the table stands for the formula to a mV where a cell works
    formula = 3.4 - 0.1 * between + 1e14 * np.exp(-400 * between) - np.exp(-100 * (1 - between))
    assert np.abs(np.interp(between, x, exact[: len(x)]) - formula)[between > 0.12].max() < 1e-3


def test_a_case_extends_what_was_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("bpx", write(tmp_path), "--out", tmp_path, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    case = tmp_path / "mine.toml"
    case.write_text('title = "x"\nextends = ["electrolytes/pllz.toml", "cell.toml", "experiments/lfp-rates.toml"]\n')
    cathode = read_case(case).cathode
    assert cathode is not None
    assert cathode.capacity == pytest.approx(found["capacity"], rel=1e-5)  # six digits are written
    assert cathode.exchange_current_density == pytest.approx(found["exchange_current_density"], rel=1e-5)
    np.testing.assert_allclose(cathode.open_circuit.potential, found["potential"], rtol=1e-5)
    assert cathode.filling == 0.95
    assert "SHA-256" in (tmp_path / "cell.toml").read_text()


def test_a_table_is_interpolated(tmp_path: Path) -> None:
    found = read_bpx(write(tmp_path, **{"OCP [V]": {"x": [0, 0.5, 1], "y": [4.0, 3.5, 3.0]}}))
    np.testing.assert_allclose(found.potential, 4.0 - found.filling, rtol=1e-12)


@pytest.mark.parametrize(("change", "words"), [
    ({"OCP [V]": "__import__('os').system('touch broken')"}, r"in a formula; numbers, x"),
    ({"OCP [V]": "3 - y"}, "'y' in a formula"),
    ({"OCP [V]": "x.__class__"}, "in a formula"),
    ({"OCP [V]": "[y for y in (1, 2)]"}, "in a formula"),
    ({"OCP [V]": "(lambda: 3)()"}, "in a formula"),
    ({"OCP [V]": "exp(x, x)"}, "in a formula"),
    ({"OCP [V]": "'a' * 9999999999"}, "in a formula"),
    ({"OCP [V]": "3 +"}, "is no formula of x"),
    ({"OCP [V]": "(" * 5000 + "x" + ")" * 5000}, "formula"),
    ({"OCP [V]": "-" * 3000 + "x"}, "formula"),
    ({"OCP [V]": "x" + "+x" * 5001}, "10000 at most"),
    ({"OCP [V]": "9**9**9**9**9"}, "has no value"),
    ({"OCP [V]": "log(x - 1)"}, "has no value"),
    ({"OCP [V]": "3 + x"}, "rises with the filling"),
    ({"OCP [V]": "x - 9"}, "rises with the filling, or is below 0 V"),
    ({"OCP [V]": {"x": [0, 1], "y": [3]}}, "with a y for each"),
    ({"OCP [V]": {"x": [1, 0], "y": [3, 4]}}, "x must increase"),
    ({"OCP [V]": {"x": ["a", 0], "y": [3, 4]}}, "lists of numbers"),
    ({"OCP [V]": None}, "is missing"),
    ({"Particle radius [m]": -1.0}, "is -1.0; a number above 0"),
    ({"Particle radius [m]": 1e-2}, "of the volume; check"),
    ({"Particle radius [m]": "1e-6"}, "is a word"),
    ({"Minimum stoichiometry": 0.99}, "0 to 1 are possible"),
    ({"Diffusivity [m2.s-1]": "0 * x"}, "is 0 at half filling"),
    ({"Particle": {"A": {}}}, "blend"),
])  # fmt: skip
def test_what_is_wrong_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], change: dict[str, Any],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path, **change)
    with pytest.raises(MeasuredError, match=words) as error:
        read_bpx(path)
    assert str(error.value).isprintable()
    assert call("bpx", path, "--out", tmp_path / "out") == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "[]", '{"Parameterisation": 3}', "NaN", "\0", "{}"])
def test_what_is_no_bpx_file_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "cell.json").write_text(text)
    with pytest.raises(MeasuredError, match="give a BPX file"):
        read_bpx(tmp_path / "cell.json")


def test_formulas() -> None:
    x = np.linspace(0.1, 0.9, 5)
    np.testing.assert_allclose(evaluate("-x**2 + 3e0*exp(-(x - 1)/2)/+4", x), -(x**2) + 3 * np.exp(-(x - 1) / 2) / 4)
    np.testing.assert_allclose(evaluate(" tanh(sqrt(x)) ", x), np.tanh(np.sqrt(x)))
    assert evaluate("2", x).tolist() == [2.0] * 5
    assert math.isinf(evaluate("10**400", x)[0])
    with pytest.raises(ValueError, match="hundreds of digits"):
        evaluate("9" * 400, x)
