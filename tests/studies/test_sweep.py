"""Parameter studies without running anything: the file, the points, the cases, the numbers of a table."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from browser import chromium, errors, wait
from figures import kept_figures
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure

from phasefield.api import read_case
from phasefield.cases import folder as shipped_folder
from phasefield.errors import CaseError, PhasefieldError, ResultError
from phasefield.studies import sensitivity
from phasefield.studies.sweep.axes import Point, drawn, points_of
from phasefield.studies.sweep.cluster import slurm
from phasefield.studies.sweep.contours import FineGrid, map_inputs
from phasefield.studies.sweep.local import split_cores
from phasefield.studies.sweep.outputs import FILE, FORMAT, FORMS, STANDARD, OutputError, RunOutput, thumb
from phasefield.studies.sweep.page import write_study_page
from phasefield.studies.sweep.pictures import draw_study, study_sobol
from phasefield.studies.sweep.plan import PlannedPoint, Planner, dimensionless_numbers, plan_points
from phasefield.studies.sweep.quantity import quantity_of, spaced_values
from phasefield.studies.sweep.shown import print_study
from phasefield.studies.sweep.study import prepare, tabulate
from phasefield.studies.sweep.studyfile import StudyFile, read_study, shipped
from phasefield.studies.sweep.table import open_study
from phasefield.text.formatting import console_for
from phasefield.viz.plots import study as drawn_studies
from phasefield.viz.plots.study import Contours, Scale, value_map

BASE = """title = "Two inputs"
base = "pllz"
seeds = 2
[axes]
"film.conductivity" = { from = "1e-9 S/cm", to = "1e-7 S/cm", points = 3, scale = "log" }
"electrolyte.transference_number" = [0.3, 0.5]
"""


SAMPLED = (
    'base = "pllz"\n[axes]\n"electrolyte.transference_number" = { from = 0.1, to = 0.2 }\n[sample]\n'
    'method = "sobol-indices"\n%s\n'
).replace("%s", "{}").replace("{ from = 0.1, to = 0.2 }", "{{ from = 0.1, to = 0.2 }}")


def study_of(folder: Path, text: str = BASE) -> StudyFile:
    path = folder / "two.toml"
    path.write_text(text, encoding="utf-8")
    return read_study(path)


# The file and its points.


def test_the_points_are_every_combination_seeds_fastest(tmp_path: Path) -> None:
    points = list(points_of(study_of(tmp_path)))
    assert len(points) == 3 * 2 * 2
    assert [p.seed for p in points[:4]] == [1, 2, 1, 2]
    assert [p.values[1] for p in points[:4]] == [0.3, 0.3, 0.5, 0.5]
    assert [p.values[0] for p in points[::4]] == pytest.approx([1e-7, 1e-6, 1e-5], rel=1e-11)  # S/m, 12 digits kept


def test_a_range_ends_where_it_says() -> None:
    assert spaced_values(3.0e-9, 7.0e-7, 4, "log")[::3] == [3.0e-9, 7.0e-7]
    assert spaced_values(0.1, 0.7, 3, "linear") == [0.1, 0.4, 0.7]
    ratios = np.diff(np.log(spaced_values(1.0, 10.0, 6, "log")))
    assert ratios == pytest.approx(np.full(5, math.log(10.0) / 5), rel=1e-10)  # 12 digits kept


def test_columns_go_along_together(tmp_path: Path) -> None:
    text = """base = "pllz"
    [[columns]]
    "electrolyte.conductivity" = ["5.52e-4 S/cm", "1.06e-3 S/cm"]
    "electrolyte.transference_number" = [0.32, 0.5]
    """
    points = list(points_of(study_of(tmp_path, text)))
    assert [p.values for p in points] == [(0.0552, 0.32), (0.106, 0.5)]


def test_the_case_of_a_point_has_its_values_and_its_seed(tmp_path: Path) -> None:
    planner = Planner(study_of(tmp_path))
    point = list(points_of(planner.study))[-1]
    case = planner.case(point)
    assert (case.film.conductivity, case.electrolyte.transference_number) == (1e-5, 0.5)
    assert case.surface.seed == case.film.patches.seed == 2  # type: ignore[union-attr]
    assert case.provenance["film.conductivity"].source == "set by a study"


def test_the_cell_stays_at_the_temperature_of_the_base(tmp_path: Path) -> None:
    text = 'base = "pllz"\n[axes]\n"electrolyte.conductivity" = ["1e-3 S/cm", "2e-3 S/cm"]\n'
    planner = Planner(study_of(tmp_path, text))
    base = read_case("pllz")
    assert base.temperature != 298.15  # else this test says nothing
    for point in points_of(planner.study):
        assert planner.case(point).temperature == base.temperature


def test_an_axis_may_take_other_keys_along(tmp_path: Path) -> None:
    text = """base = "pllz"
    [axes]
    "protocol.steps[0].current" = { values = ["0.1 mA/cm^2", "1 mA/cm^2"], also = { "protocol.steps[1].current" = -1 } }
    """
    planner = Planner(study_of(tmp_path, text))
    currents = [[step.current for step in planner.case(p).protocol.steps] for p in points_of(planner.study)]
    assert currents == [[1.0, -1.0], [10.0, -10.0]]


def test_words_and_tables_can_be_values(tmp_path: Path) -> None:
    text = 'base = "pll"\n[axes]\n"film.patches" = ["none", { spread = 0.3, size = "40 um", seed = 1 }]\n'
    with pytest.raises(CaseError, match="a list of"):
        study_of(tmp_path, text.replace("[axes]", "[axes]\n\"film.growth\" = 3"))
    planner = Planner(study_of(tmp_path, 'base = "pll"\n[axes]\n"film.patches" = ["none"]\n'))
    assert planner.case(next(iter(points_of(planner.study)))).film.patches is None


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('base = "pllz"\n[axes]\n"film.conductivty" = ["1 S/m"]\n', 3, "did you mean 'film.conductivity'"),
        ('base = "pllz"\n[axes]\n"film.conductivity" = [1.0]\n', 3, "has no unit"),
        ('base = "pllz"\n[axes]\n"film.conductivity" = ["1 V"]\n', 3, "a conductivity"),
        ('base = "pllz"\n[axes]\n"film.conductivity" = { from = "2 S/m", to = "1 S/m", points = 3 }\n', 3, "no range"),
        ('base = "pllz"\n[axes]\n"film.conductivity" = { from = "1 S/m", to = "2 S/m" }\n', 3, "missing: points"),
        ('base = "pllz"\n[axes]\n"electrolyte.transference_number" = [0.3, 0.3]\n', 3, "stands twice"),
        ('base = "pllz"\nseeds = 0\n', 2, "a whole number from 1"),
        ('base = "pllz"\nseeds = true\n', 2, "a whole number"),
        ('title = "x"\n', 1, "a case file or a shipped case is needed"),
        ('base = "pllz"\noutputs = ["Sz at noon"]\n', 2, "does not begin with a number"),
        ('base = "pllz"\noutputs = ["Szz"]\n', 2, "did you mean"),
        ('base = "pllz"\nbasis = 1\n', 2, "did you mean 'base'"),
        ('base = "pllz"\n[sample]\npoints = 10\n', 2, "nothing to draw from"),
        ('base = "pllz"\n[axes]\n"electrolyte.transference_number" = { from = 0.1, to = 0.2 }\n[sample]\n'
         'method = "sobol"\npoints = 10\n', 6, "take 8 or 16"),
        ('base = "pllz"\n[[columns]]\n"electrolyte.transference_number" = [0.1]\n'
         '"film.thickness" = ["1 nm", "2 nm"]\n', 2, "make them alike"),
        ('base = "pllz"\n[figures]\nmark = ["plz", "gold"]\n', 3, "shipped cases"),
        ('base = "pllz"\n[cluster]\njobs = 2\n', 2, "missing: cores"),
        ('base = "pllz"\n[cluster]\ntls_ca = "ca.pem"\n', 2, "missing: tls_cert; TLS needs tls_ca"),
        ('base = "pllz"\n[axes]\n"electrolyte.transference_number" = [nan, 0.3]\n', 3, "is no number"),
        ('base = "pllz"\n[axes]\n"electrolyte.transference_number" = { from = 0.1, to = inf, points = 3 }\n', 3,
         "is no number"),
        ('base = "pllz"\nseeds = 2\n[axes]\n"surface.seed" = [7, 8]\n', 4, "seeds sets this key"),
        ('base = "pllz"\n[axes]\n"film.patches" = { values = ["none"], also = { "film.thickness" = 1 } }\n', 3,
         "is a word"),
        ('base = "pllz"\n[set]\n"film.thickness" = "1 nm"\n[axes]\n"film.thickness" = ["2 nm"]\n', 3, "keep one"),
        ('base = "pllz"\n[axes]\n"film.thickness" = ["2 nm"]\n[figures]\nmap = ["film.thickness", "film.thickness"]\n',
         5, "two keys"),
        (SAMPLED.format("points = 524288"), 2, "more than 1000000 runs"),
        (SAMPLED.format("points = 2"), 6, "too few for indices"),
        (SAMPLED.format("points = 8").replace('"pllz"', '["pllz", "pll"]'), 1, "a study of each"),
        ('base = "pllz"\n[[columns]]\n"film.thickness" = { from = "1 nm", to = "2 nm" }\n'
         '"electrolyte.transference_number" = { from = 0.1, to = 0.2 }\n[sample]\npoints = 3\n', 2, "to sample, give"),
    ],
)  # fmt: skip
def test_a_wrong_file_says_where_and_what(tmp_path: Path, text: str, line: int, words: str) -> None:
    with pytest.raises(CaseError) as error:
        study_of(tmp_path, text)
    assert error.value.line == line
    assert words in str(error.value)


def test_a_base_that_is_no_good_is_an_error_and_writes_nothing(tmp_path: Path) -> None:
    study = study_of(tmp_path, 'base = "pllz"\n[set]\n"grid.spacing" = "-1 um"\n[axes]\n"film.thickness" = ["1 nm"]\n')
    with pytest.raises(CaseError, match="spacing"):
        prepare(study, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_points_without_a_case_are_rows_unless_all_are(tmp_path: Path) -> None:
    text = 'base = "pllz"\n[axes]\n"electrolyte.transference_number" = [0.3, 1.3]\n'
    prepared = prepare(study_of(tmp_path, text), tmp_path / "out")
    assert [bool(one.error) for _, one in prepared.points] == [False, True]
    row = tabulate(prepared).rows[1]
    assert row["status"] == "invalid"
    assert "transference_number" in str(row["note"])
    with pytest.raises(CaseError, match="no point has a valid case"):
        prepare(study_of(tmp_path, text.replace("0.3, ", "2.0, ")), tmp_path / "out")


def test_an_override_of_an_axis_is_refused(tmp_path: Path) -> None:
    study_of(tmp_path)
    for text in ("film.conductivity=5e-8 S/cm", "surface.seed=5"):
        with pytest.raises(CaseError, match="of the study sets this key, too"):
            read_study(tmp_path / "two.toml", (text,))
    assert read_study(tmp_path / "two.toml", ("film.thickness=5 nm",)).overrides == ("film.thickness=5 nm",)


def test_equal_points_share_one_run(tmp_path: Path) -> None:
    text = 'base = "pllz"\n[axes]\n"electrolyte.transference_number" = [0.3, 0.30000000000000001, 0.4]\n'
    with pytest.raises(CaseError, match="stands twice"):
        study_of(tmp_path, text)
    one = prepare(study_of(tmp_path), tmp_path / "out")
    (tmp_path / "other.toml").write_text(BASE.replace('title = "Two inputs"\n', ""), encoding="utf-8")
    other = prepare(read_study(tmp_path / "other.toml"), tmp_path / "out")
    assert {p.folder for _, p in one.points} == {p.folder for _, p in other.points}
    assert one.runs == other.runs


def test_a_plan_is_kept_and_belongs_to_its_study(tmp_path: Path) -> None:
    from phasefield.studies.sweep.plan import keep

    planner = Planner(study_of(tmp_path))
    planned = plan_points(planner, tmp_path)
    keep(planner, [one for _, one in planned], tmp_path)
    content = json.loads((tmp_path / "plan.json").read_text())
    content["points"][0]["error"] = "from the file"
    (tmp_path / "plan.json").write_text(json.dumps(content))
    assert plan_points(planner, tmp_path)[0][1].error == "from the file"
    content["points"][0] |= {"error": "", "hash": "../../elsewhere"}  # it names a run folder
    (tmp_path / "plan.json").write_text(json.dumps(content))
    assert plan_points(planner, tmp_path) == planned
    other = Planner(study_of(tmp_path, BASE.replace("seeds = 2", "seeds = [3, 4]")))
    assert plan_points(other, tmp_path)[0][1].error == ""


def test_samples_fill_the_ranges_evenly_and_come_back(tmp_path: Path) -> None:
    text = """base = "pllz"
    [axes]
    "film.conductivity" = { from = "1e-9 S/cm", to = "1e-7 S/cm", scale = "log" }
    "electrolyte.transference_number" = { from = 0.2, to = 0.8 }
    [sample]
    method = "METHOD"
    points = 16
    """
    for method, rows in (("latin-hypercube", 16), ("sobol", 16), ("sobol-indices", 64)):
        study = study_of(tmp_path, text.replace("METHOD", method))
        assert study.sample is not None
        values = drawn(study.columns, study.sample)
        assert values.shape == (rows, 2)
        np.testing.assert_array_equal(values, drawn(study.columns, study.sample))
        unit = np.stack([np.log10(values[:16, 0] / 1e-7) / 2, (values[:16, 1] - 0.2) / 0.6])
        cells = np.floor(unit * 16 * (1 - 1e-9)).astype(int)  # one point in each sixteenth of each range
        assert all(sorted(row) == list(range(16)) for row in cells)
    A, B, first, second = values.reshape(4, 16, 2)
    np.testing.assert_array_equal(first, np.stack([B[:, 0], A[:, 1]], axis=1))
    np.testing.assert_array_equal(second, np.stack([A[:, 0], B[:, 1]], axis=1))


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_study_is_good_as_a_whole(name: str, tmp_path: Path) -> None:
    prepared = prepare(read_study(name), tmp_path)
    assert prepared.invalid == 0
    assert len(prepared.waiting) == len(prepared.points) > 1


def test_quantities_know_their_units() -> None:
    film = quantity_of("film.conductivity", "1e-9 S/cm")
    assert film is not None
    assert (film.unit, film.size, film.si_unit) == ("S/cm", 100.0, "S/m")
    degrees = quantity_of("temperature", "30 degC")
    assert degrees is not None
    assert (degrees.unit, degrees.si("30 degC")) == ("K", 303.15)
    assert quantity_of("film.patchs.spread", 1.0) is None


# Outputs and their sensitivity.


class Fake:
    """A run with a few series."""

    n_steps = 5
    series: ClassVar = {
        "time": np.array([0.0, 1.0, 2.0, 3.0, 4.0]),
        "step_size": np.array([0.0, 1.0, 1.0, 1.0, 1.0]),
        "voltage": np.array([0.0, 0.2, -0.4, 0.6, -1.5]),
        "concentration_min": np.array([900.0, 700.0, 500.0, 300.0, 200.0]),
        "Sz": np.array([1e-6, 2e-6, 4e-6, 3e-6, 2.5e-6]),
    }


@pytest.mark.parametrize(
    ("text", "wanted", "unit"),
    [
        ("Sz", 2.5e-6, "m"), ("max Sz", 4e-6, "m"), ("min voltage", -1.5, "V"), ("max |voltage|", 1.5, "V"),
        ("mean voltage", (0.2 - 0.4 + 0.6 - 1.5) / 4, "V"), ("Sz at 1.5 s", 3e-6, "m"), ("|voltage| at 2 s", 0.4, "V"),
        ("time to |voltage| 500 mV", 2.5, "s"), ("time to |voltage| 2 V", math.nan, "s"), ("Sz at 1 h", math.nan, "m"),
        ("time to voltage -1 V", 3.0 + 1.6 / 2.1, "s"), ("time to concentration_min 400 mol/m^3", 2.5, "s"),
        ("time to concentration_min 1 mol/m^3", math.nan, "s"), ("time to concentration_min 900 mol/m^3", 0.0, "s"),
    ],
)  # fmt: skip
def test_an_output_is_what_its_words_say(text: str, wanted: float, unit: str) -> None:
    output = RunOutput.read(text)
    run: Any = Fake()
    assert output.take(run) == pytest.approx(wanted, rel=1e-14, nan_ok=True)
    assert output.unit == unit


@pytest.mark.parametrize(
    "text", ["max", "max |voltage", "Sz at", "time to Sz", "median Sz", "Sz at 3 V", "Sz at -3 h", 3, ""]
)
def test_no_output_but_a_known_one(text: object) -> None:
    with pytest.raises(OutputError):
        RunOutput.read(text)


def test_the_forms_shown_in_errors_are_good() -> None:
    assert [RunOutput.read(form).name for form in FORMS] == list(FORMS)
    assert all(RunOutput.read(name) is output for name, output in STANDARD.items())


def test_a_thumb_shows_the_means_of_its_blocks() -> None:
    rng = np.random.default_rng(3)
    height = rng.normal(size=(96, 144))
    small = thumb(height, 1e-6)
    assert small["shape"] == [48, 48]
    blocks = height.reshape(48, 2, 48, 3).mean(axis=(1, 3))
    assert (small["low"], small["high"]) == pytest.approx((blocks.min(), blocks.max()), rel=1e-12)  # sums of 6 numbers


def ishigami(x: np.ndarray) -> np.ndarray:
    return np.sin(x[:, 0]) + 7.0 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


def test_sobol_indices_of_the_ishigami_function() -> None:
    """T. Ishigami, T. Homma, 1990: the indices are known in closed form for a = 7, b = 0.1."""
    from scipy.stats import qmc

    both = (qmc.Sobol(6, rng=np.random.default_rng(1)).random(4096) * 2.0 - 1.0) * math.pi
    A, B = both[:, :3], both[:, 3:]
    mixed = [np.where(np.arange(3) == i, B, A) for i in range(3)]
    values = np.array([ishigami(x) for x in (A, B, *mixed)])
    values[2, 7] = math.nan  # a run that failed: its base point is left out
    found, n = sensitivity.sobol(["x1", "x2", "x3"], values)
    assert n == 4095
    V1, V2, V13 = 0.5 * (1 + 0.1 * math.pi**4 / 5) ** 2, 7.0**2 / 8, 0.1**2 * math.pi**8 * (1 / 18 - 1 / 50)
    V = V1 + V2 + V13
    # 4096 points of a Sobol sequence: errors of about 0.01 were seen
    assert [one.first for one in found] == pytest.approx([V1 / V, V2 / V, 0.0], abs=0.02)
    assert [one.total for one in found] == pytest.approx([(V1 + V13) / V, V2 / V, V13 / V], abs=0.02)
    for one in found:
        assert one.first_low <= one.first <= one.first_high
        assert one.total_low <= one.total <= one.total_high
        assert 0.0 < one.first_high - one.first_low < 0.15


def test_sobol_indices_of_a_whole_design_are_those_of_scipy() -> None:
    """SciPy takes a power of 2 of base points only; a study whose runs failed in some has another number."""
    from scipy.stats import sobol_indices

    values = np.random.default_rng(3).normal(size=(5, 64)).cumsum(axis=0)
    found, _ = sensitivity.sobol(["a", "b", "c"], values)
    one = sobol_indices(func={"f_A": values[:1], "f_B": values[1:2], "f_AB": values[2:, None]}, n=64)
    np.testing.assert_allclose([index.first for index in found], one.first_order, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose([index.total for index in found], one.total_order, rtol=1e-12)
    with pytest.raises(ValueError, match="power of 2"):
        sobol_indices(func={"f_A": values[:1, 1:], "f_B": values[1:2, 1:], "f_AB": values[2:, None, 1:]}, n=63)


def test_sobol_indices_need_points_and_a_varying_output() -> None:
    with pytest.raises(ValueError, match="need more"):
        sensitivity.sobol(["a"], np.full((3, 8), math.nan))
    with pytest.raises(ValueError, match="the same everywhere"):
        sensitivity.sobol(["a"], np.ones((3, 8)))


def test_means_over_seeds_leave_out_what_failed() -> None:
    rows = [{"x": x, "seed": s, "Sz": v} for x, s, v in ((1.0, 1, 2.0), (1.0, 2, 4.0), (2.0, 1, 5.0), (2.0, 2, None))]
    means = sensitivity.over_seeds(rows, ["x"], "Sz")
    assert means[1.0,] == sensitivity.Mean(2, 3.0, math.sqrt(2.0))
    assert (means[2.0,].runs, means[2.0,].mean) == (1, 5.0)
    assert math.isnan(means[2.0,].deviation)


def test_a_grid_of_two_inputs_has_their_means() -> None:
    rows = [{"x": x, "y": y, "z": 10 * x + y + s} for x in (1.0, 2.0) for y in (3.0, 5.0, 4.0) for s in (-0.5, 0.5)]
    xs, ys, z = sensitivity.mean_on_grid([*rows, {"x": 1.0, "y": 6.0, "z": None}], "x", "y", "z")
    assert (list(xs), list(ys)) == ([1.0, 2.0], [3.0, 4.0, 5.0, 6.0])
    np.testing.assert_allclose(z[:3], [[13, 23], [14, 24], [15, 25]], rtol=1e-15)
    assert np.isnan(z[3]).all()


# Table, pictures and page of a study whose runs are made up.


def made_up(folder: Path, text: str = BASE, **more: float | None) -> Path:
    """Write outputs.json files as finished runs leave them; Sz = 1 um (number + 1), a quarter of the points without.

    more: other outputs, `__` for a space in their names.
    """
    prepared = prepare(study_of(folder, text), folder / "out")
    for point, one in prepared.points:
        run = prepared.runs / one.folder
        run.mkdir(parents=True)
        if point.number % 4 == 3:
            continue
        values: dict[str, Any] = {name: 0.5 for name in STANDARD} | {"Sz": 1e-6 * (point.number + 1), "time": 3600.0}
        values |= {name.replace("__", " "): value for name, value in more.items()}
        rough = np.random.default_rng(point.number).normal(size=(6, 8)) * 1e-6
        content = {"format": FORMAT, "hash": one.hash, "reason": "end", "text": "", "values": values}
        (run / FILE).write_text(json.dumps({**content, "surface": thumb(rough, 1e-6)}), encoding="utf-8")
    tabulate(prepare(study_of(folder, text), folder / "out"))
    return folder / "out" / "two"


def test_the_table_comes_back_as_it_was_written(tmp_path: Path) -> None:
    pandas, xarray = pytest.importorskip("pandas"), pytest.importorskip("xarray")
    study = open_study(made_up(tmp_path))
    again = prepare(study_of(tmp_path), tmp_path / "out")
    assert len(again.waiting) == 3
    assert study.rows == tabulate(again).rows
    frame = study.to_pandas()
    assert frame.attrs["units"]["Sz"] == "m"
    assert list(frame["Sz"].isna()) == [k % 4 == 3 for k in range(12)]
    whole = study.to_xarray()
    assert dict(whole.sizes) == {"film.conductivity": 3, "electrolyte.transference_number": 2, "seed": 2}
    assert float(whole["Sz"][2, 1, 0]) == 11e-6
    assert whole["Sz"].attrs["units"] == "m"
    parquet = pytest.importorskip("pyarrow.parquet")
    assert parquet.read_table(study.folder / "table.parquet").column("Sz [m]").to_pylist()[10] == 11e-6
    assert isinstance(frame, pandas.DataFrame)
    assert isinstance(whole, xarray.Dataset)


def test_a_study_folder_that_is_none_says_so(tmp_path: Path) -> None:
    with pytest.raises(ResultError, match="holds no study"):
        open_study(tmp_path)
    folder = made_up(tmp_path)
    (folder / "table.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(ResultError, match="does not belong"):
        open_study(folder)
    (folder / "study.json").write_text("{", encoding="utf-8")
    with pytest.raises(ResultError, match="cannot be read"):
        open_study(folder)


def test_the_pictures_of_a_grid(tmp_path: Path) -> None:
    text = BASE + '[figures]\ncontours = "wagner_number"\nmark = ["pll", "pllz", "lhci"]\n'
    made = draw_study(open_study(made_up(tmp_path, text)))
    assert [path.name for path in made] == ["response.png", "map.png"]
    assert all(path.stat().st_size > 10_000 for path in made)


def test_results_stand_with_their_resolution_in_the_units_of_a_laboratory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The table and the page say 0.31 +- 0.01 mA/cm2 and 2.15 V, as the end of a run does; not 3.1 A/m^2, 2150 mV."""
    lines = BASE.splitlines()
    lines.insert(1, 'outputs = ["result critical_current", "result voltage_at_end"]')
    found: dict[str, float | None] = {
        "result__critical_current": 3.1, "result__critical_current__resolution": 0.1,
        "result__voltage_at_end": 2.15, "result__voltage_at_end__resolution": None,
    }  # fmt: skip
    study = open_study(made_up(tmp_path, "\n".join(lines) + "\n", **found))
    assert study.rows[0]["result critical_current resolution"] == 0.1
    print_study(console_for(), study, None)
    said = capsys.readouterr().out
    assert "critical current (mA/cm2)" in said
    assert "0.31 \N{PLUS-MINUS SIGN} 0.01" in said
    assert "voltage at end (V)" in said
    assert "2.15 " in said
    page = write_study_page(study, ()).read_text(encoding="utf-8")
    heads = json.loads(page.split('type="application/json">')[1].split("</script>")[0])["heads"]
    seen = {head["name"]: head["unit"] for head in heads}
    assert seen["result critical_current"] == "mA/cm2"
    assert seen["result voltage_at_end"] == "V"
    assert seen["min concentration_min"] == "mol/L"


def test_a_map_has_a_dot_at_each_run_and_marks_electrolytes_on_an_axis_of_a_list(
    tmp_path: Path, sheets: list[Figure]
) -> None:
    text = """base = "pllz"
[axes]
"film.conductivity" = ["1e-9 S/cm", "4e-9 S/cm", "9e-9 S/cm"]
"protocol.steps[0].current" = ["0.1 mA/cm^2", "0.3 mA/cm^2"]
[figures]
mark = ["pllz"]
"""
    study = open_study(made_up(tmp_path, text))
    draw_study(study)
    dots = next(line for line in sheets[1].axes[0].lines if line.get_label() == "runs")
    drawn = {(float(f"{x:.6g}"), float(f"{y:.6g}")) for x, y in dots.get_xydata()}
    done = {
        (float(f"{row['film.conductivity'] / 100:.6g}"), float(f"{row['protocol.steps[0].current'] / 10:.6g}"))
        for row in study.rows if row["status"] == "done"
    }  # fmt: skip
    assert drawn == done
    assert len(done) < len(study.rows)  # a point without a run has no dot
    assert [text.get_text() for text in sheets[1].axes[0].texts] == ["PLLZ"]


@pytest.fixture
def sheets(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """Every figure of a study that is saved."""
    return kept_figures(monkeypatch, drawn_studies)


def lines_of(figure: Figure) -> dict[float, np.ndarray]:
    """Return the points of the contours of a map, by their level."""
    found = next(c for c in figure.axes[0].collections if isinstance(c, ContourSet))
    levels = np.exp(found.levels)
    return {float(f"{v:.6g}"): path.vertices for v, path in zip(levels, found.get_paths(), strict=True)}


def test_a_contour_lies_where_the_closed_form_has_its_value(tmp_path: Path, sheets: list[Figure]) -> None:
    study = open_study(made_up(tmp_path, BASE + '[figures]\ncontours = "wagner_number"\n'))
    draw_study(study)
    planner = Planner(study_of(tmp_path))
    lines = lines_of(sheets[1])
    assert {3.0, 10.0, 30.0} <= set(lines)
    for level, points in lines.items():
        for conductivity, t_plus in points[:: max(1, len(points) // 8)]:
            case = planner.case(Point(0, "pllz", None, (100.0 * float(conductivity), float(t_plus))))  # S/m in a S/cm
            found = dimensionless_numbers(case).wagner_number
            # ln W is interpolated between points 3/40 of a decade apart: at most (0.173)^2/8 of W
            assert found == pytest.approx(level, rel=4e-3)


def test_wagner_number_30_of_the_shipped_study_is_at_its_conductivity(tmp_path: Path, sheets: list[Figure]) -> None:
    study = read_study("film-and-transference")
    prepared = prepare(study, tmp_path)
    table = tabulate(prepared)
    heads = map_inputs(table)
    assert heads is not None
    grid = FineGrid.of(table)
    assert grid is not None
    x, y = (grid.xs / heads[0].show_size, grid.ys)
    lines = Contours("Wagner number", x, y, grid.values)
    values = np.ones((2, 2))
    value_map(x[[0, -1]], y[[0, -1]], values, (Scale("", True), Scale(""), Scale("")), tmp_path / "map.png", "",
              marks={}, contours=lines)  # fmt: skip
    at = lines_of(sheets[0])[30.0][:, 0]
    assert at == pytest.approx(np.full(len(at), 5.9e-9), rel=0.02)  # S/cm; between four points it was at 1.0e-8


@pytest.mark.parametrize(
    ("values", "log"),
    [('["1e-9 S/cm", "1e-8 S/cm"]', True), ('["1e-9 S/cm", "9e-9 S/cm"]', False)],
)
def test_a_list_over_a_decade_has_a_logarithmic_axis_and_no_axis_is_negative(
    tmp_path: Path, sheets: list[Figure], values: str, log: bool
) -> None:
    text = f'base = "pllz"\n[axes]\n"film.conductivity" = {values}\n"film.patches.spread" = [0.1, 0.3]\n'
    draw_study(open_study(made_up(tmp_path, text)))
    response, whole = sheets[0].axes[0], sheets[1].axes[0]
    assert {response.get_xscale(), whole.get_xscale()} == {"log" if log else "linear"}
    for figure in sheets:
        for axes in figure.axes:
            assert min(*axes.get_xlim(), *axes.get_ylim()) >= 0.0
            for axis in (axes.xaxis, axes.yaxis):
                assert not re.search(r"\[|/cm", axis.get_label_text())
    assert response.get_xlabel() == "film conductivity (S cm\u207b\u00b9)"


def test_the_pictures_of_a_sample_are_points_and_indices(tmp_path: Path) -> None:
    text = """title = "A sample"
    base = "pllz"
    [axes]
    "film.conductivity" = { from = "1e-9 S/cm", to = "1e-7 S/cm", scale = "log" }
    "electrolyte.transference_number" = { from = 0.2, to = 0.8 }
    [sample]
    method = "sobol-indices"
    points = 8
    """
    study = open_study(made_up(tmp_path, text))
    assert [path.name for path in draw_study(study)] == ["response.png", "sobol.png"]
    assert (study_sobol(study, "Sz") or ([], 0))[1] == 6  # two of the eight base points lack a run
    rows = [dict(row) for row in study.rows]
    for row in rows:
        row["Sz"] = 1e-6 * float(row["electrolyte.transference_number"] or 0.0)  # the second input makes all of it
    study.rows[:] = rows
    found, n = study_sobol(study, "Sz") or ([], 0)
    assert n == 8
    # 8 points: the estimate of the first order is rough, that of the total is exact where an input does nothing
    assert found[0].total == 0.0
    assert found[1].total > 0.4
    with pytest.raises(ResultError, match="no grid"):
        study.to_xarray()


def test_the_page_holds_every_row_and_no_foreign_code(tmp_path: Path) -> None:
    bad = 'title = "</script><script>alert(1)</script>"'
    study = open_study(made_up(tmp_path, BASE.replace('title = "Two inputs"', bad)))
    text = write_study_page(study, draw_study(study)).read_text(encoding="utf-8")
    assert "<script>alert" not in text
    data = json.loads(text.split('type="application/json">')[1].split("</script>")[0])
    assert len(data["rows"]) == 12
    assert [s is None for s in data["surfaces"]] == [k % 4 == 3 for k in range(12)]
    assert "http://" not in text
    assert "https://" not in text


@pytest.mark.slow
def test_the_page_sorts_and_filters_in_a_browser(tmp_path: Path) -> None:
    study = open_study(made_up(tmp_path))
    page = write_study_page(study, draw_study(study))
    with chromium(tmp_path) as browser:
        browser.get(page.as_uri())

        def column(name: str) -> list[str]:
            heads = [th.text.split("\n")[0] for th in browser.find_elements("css selector", "#heads th")]
            k = next(k for k, text in enumerate(heads) if text.startswith(name))
            return [td.text for td in browser.find_elements("css selector", f"#rows td:nth-child({k + 1})")]

        def head(name: str) -> Any:
            heads = browser.find_elements("css selector", "#heads th")
            return next(th for th in heads if th.text.startswith(name))

        assert column("point") == [str(k) for k in range(12)]
        assert len(browser.find_elements("css selector", "#rows canvas")) == 9
        head("Sz").click()
        assert column("Sz")[:9] == ["1", "2", "3", "5", "6", "7", "9", "10", "11"]  # um, then those without
        head("Sz").click()
        assert column("Sz")[0] == "11"
        field = head("film.conductivity").find_element("css selector", "input")
        field.send_keys("1e-8")
        wait(lambda: len(column("point")) == 4, "the filter shows other rows")
        assert set(column("film.conductivity")) == {"1e-8"}
        browser.find_elements("css selector", "#rows tr")[0].click()
        large = browser.find_element("id", "large")
        assert large.is_displayed()
        assert "phasefield view ../runs/" in large.text
        link = large.find_element("css selector", "a").get_attribute("href")
        assert (tmp_path / "out" / "runs").as_uri() in str(link)
        assert not errors(browser)


# Where runs are made.


def test_a_core_a_run_as_far_as_memory_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [PlannedPoint("a", memory=700e6) for _ in range(10)]
    monkeypatch.setattr("phasefield.studies.sweep.local.available_memory", lambda: 64e9)
    assert vars(split_cores(runs, 8)) == {"workers": 8, "threads": 1}
    assert vars(split_cores(runs[:3], 8)) == {"workers": 3, "threads": 2}
    assert vars(split_cores(runs, 8, workers=2)) == {"workers": 2, "threads": 4}
    monkeypatch.setattr("phasefield.studies.sweep.local.available_memory", lambda: 2.5e9)  # two of 1 GB
    assert vars(split_cores(runs, 8)) == {"workers": 2, "threads": 4}


CLUSTER = {
    "cores": 8, "processes": 4, "memory": "32 GB", "walltime": "02:00:00", "queue": "short", "account": "battery",
    "job_extra_directives": ["--exclusive"], "job_script_prologue": ["module load python"],
}  # fmt: skip


def test_the_job_script_is_that_of_dask_jobqueue(tmp_path: Path) -> None:
    """Certificates are made for this cluster alone, and go when it does."""
    jobqueue = pytest.importorskip("dask_jobqueue.slurm")
    pytest.importorskip("cryptography")
    with slurm(CLUSTER, {}, tmp_path) as cluster:
        script = cluster.job_script()
        assert cluster.scheduler_address.startswith("tls://")
        assert cluster.security.require_encryption
        keys = list(tmp_path.glob(".dask-jobqueue.worker.*"))
        assert len(keys) == 3
        assert {path.stat().st_mode & 0o777 for path in keys} == {0o600}
        assert all(str(path) in script for path in keys)
    own = jobqueue.SLURMCluster(
        cores=8, processes=4, memory="32 GB", walltime="02:00:00", queue="short", account="battery", name="phasefield",
        job_extra_directives=["--exclusive"], job_script_prologue=["module load python"],
        worker_extra_args=["--nthreads", "1"], n_workers=0, scheduler_options={"dashboard": False},
    )  # fmt: skip
    with own:
        wanted = own.job_script()

    def plain(text: str) -> list[str]:  # each has an address of its own
        return [line for line in text.splitlines() if "tcp://" not in line and "tls://" not in line]

    assert plain(script) == plain(wanted)
    for line in ("#SBATCH -p short", "#SBATCH -A battery", "#SBATCH --cpus-per-task=8", "#SBATCH -t 02:00:00"):
        assert line in script
    assert "--nworkers 4" in script
    assert script.rstrip().split()[-1] != ""
    with pytest.raises(PhasefieldError, match="do not divide"):
        slurm({**CLUSTER, "processes": 3}, {}, tmp_path)
    with pytest.raises(PhasefieldError, match="cannot stand in a job script"):
        slurm(CLUSTER, {}, tmp_path / "with spaces")


def test_the_shipped_studies_stand_where_they_are_looked_for() -> None:
    assert sorted(path.stem for path in (shipped_folder() / "studies").glob("*.toml")) == shipped()
    with pytest.raises(CaseError, match="did you mean 'film-and-transference'"):
        read_study("film-and-transferenc")
