"""What made the difference: shares of inputs, the cases between two, and the command that runs them."""

from __future__ import annotations

import csv
import json
import math
import tomllib
from pathlib import Path

import numpy as np
import pytest
from commands import call, write_case

from phasefield.api import read_case
from phasefield.errors import PhasefieldError
from phasefield.results.run import open_run
from phasefield.studies.attribution.inputs import ALIKE, GROUPS, PROPERTIES, Pair, pair_of
from phasefield.studies.attribution.shapley import shapley
from phasefield.viz.plots import attribution


def test_shares_of_a_sum_are_its_parts_and_of_a_product_even() -> None:
    parts = (3.0, -1.0, 0.5)
    total = [sum(p for k, p in enumerate(parts) if taken >> k & 1) for taken in range(8)]
    assert shapley(total) == pytest.approx(parts)
    # Two players who earn 12 together and nothing alone; the third earns nothing ever.
    assert shapley([0.0, 0.0, 0.0, 12.0, 0.0, 0.0, 0.0, 12.0]) == pytest.approx((6.0, 6.0, 0.0))
    # The glove game: a left glove and two right ones; Shapley (1953) has 2/3, 1/6, 1/6.
    gloves = [1.0 if taken & 1 and taken & 6 else 0.0 for taken in range(8)]
    assert shapley(gloves) == pytest.approx((2.0 / 3.0, 1.0 / 6.0, 1.0 / 6.0))
    with pytest.raises(ValueError, match="2\\^n"):
        shapley([1.0, 2.0, 3.0])


def test_every_property_belongs_to_one_group() -> None:
    tree = tomllib.loads(read_case("pll", ("film.repair=0.01",)).resolved_toml())
    keys = []
    for table in PROPERTIES:
        stack = [(table, tree[table])]
        while stack:
            name, value = stack.pop()
            if isinstance(value, dict) and "value" not in value:
                stack += [(f"{name}.{key}", one) for key, one in value.items()]
            else:
                keys.append(name)
    for key in set(keys) - {"electrolyte.name", "film.patches.seed"}:
        owners = [g.name for g in GROUPS if any(key == own or key.startswith(own + ".") for own in g.keys)]
        assert len(owners) == 1, (key, owners)
    assert set(tree) - {"title", "experiment", "numerics", "output"} == {*ALIKE, *PROPERTIES}


def test_the_mixtures_lead_from_one_case_to_the_other(tmp_path: Path) -> None:
    one, other = read_case("pll"), read_case("pllz", ("numerics.front_step=2", "numerics.concentration_change=1"))
    pair = pair_of(one, other, ("PLL", "PLLZ"))
    assert [g.name for g in pair.groups] == [
        "conductivity", "transference number", "film conductance", "film growth", "film patchiness",
    ]  # fmt: skip
    assert pair.statuses(pair.groups[-1]) == ["calibrated"]
    assert pair.statuses(pair.groups[1]) == ["measured"]

    def read(taken: int, seed: int | None = None) -> str:
        path = tmp_path / "mixture.toml"
        path.write_text(pair.mixture(taken, seed))
        return read_case(path).resolved_toml()

    assert read(0) == one.resolved_toml()
    ends = tomllib.loads(read(0b11111)), tomllib.loads(other.resolved_toml())
    for table in ("electrolyte", "kinetics", "lithium", "film", "counter"):
        for tree in ends:
            tree[table].pop("name", None)
        assert ends[0][table] == ends[1][table]
    film = tomllib.loads(read(0b01000, seed=7))
    assert "growth" not in film["film"]
    assert film["film"]["patches"]["spread"]["value"] == 1.2
    assert film["film"]["patches"]["seed"] == film["surface"]["seed"] == 7
    assert film["title"] == "PLL with film growth of PLLZ"


def test_one_film_without_patches() -> None:
    pair = pair_of(read_case("pll", ('film.patches="none"',)), read_case("pllz"), ("PLL", "PLLZ"))
    patchy = [g.name for g in pair.groups].index("film patchiness")
    assert "film renewal" not in [g.name for g in pair.groups]
    assert "patches" not in tomllib.loads(pair.mixture(0, 3))["film"]
    assert tomllib.loads(pair.mixture(1 << patchy, 3))["film"]["patches"]["seed"] == 3


def test_cases_that_differ_in_more_than_the_cell_are_refused() -> None:
    with pytest.raises(PhasefieldError, match="differ in \\[protocol\\]"):
        pair_of(read_case("pll", ("protocol.repeat=2",)), read_case("pllz"), ("PLL", "PLLZ"))
    with pytest.raises(PhasefieldError, match="nothing to attribute"):
        pair_of(read_case("pll"), read_case("pll"), ("a", "b"))
    with pytest.raises(PhasefieldError, match="full cell"):
        pair_of(read_case("lfp-rates-pll"), read_case("lfp-rates-pllz"), ("a", "b"))
    with pytest.raises(PhasefieldError, match=r"counter\.surface"):
        pair_of(read_case("pll", ('grid.size=["256 um", "256 um", "360 um"]',)), read_case("pll-both"), ("a", "b"))
    with pytest.raises(PhasefieldError, match=r"film\.patches\.seed, 1 and 9"):
        pair_of(read_case("pll"), read_case("pllz", ("film.patches.seed=9",)), ("a", "b"), sown=False)
    assert not pair_of(read_case("pll"), read_case("pllz", ("film.patches.seed=9",)), ("a", "b")).same_numerics
    pair = pair_of(read_case("pll"), read_case("pllz"), ("a", "b"))
    assert Pair(pair.names, pair.trees, pair.groups[:-1]).left() == ["film"]


@pytest.mark.slow
def test_the_command_runs_all_of_them_and_the_shares_add_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = write_case(tmp_path, "one")
    two = tmp_path / "two.toml"
    two.write_text(
        'extends = "one.toml"\n[electrolyte]\nname = "other"\ntransference_number = 0.9\n'
        '[film]\nconductivity = "1e-9 S/cm"\n'
    )
    out = tmp_path / "out"
    asked = ("attribute", one, two, "--seeds", 2, "--out", out, "--limit", "100 mV")
    assert call(*asked) == 0
    said = capsys.readouterr().out
    assert "4 mixtures x 2 seeds = 8 runs" in said
    assert "film conductance" in said
    found = json.loads((out / "attribution.json").read_text())
    assert found["groups"] == ["transference number", "film conductance"]
    table = list(csv.DictReader((out / "attribution.csv").read_text().splitlines()))
    assert len(table) == 8
    for outcome in found["outcomes"]:
        values, shares = np.array(outcome["values"]), np.array(outcome["shares"])
        np.testing.assert_allclose(shares.sum(axis=0), values[-1] - values[0], rtol=1e-12, atol=1e-15)
    sz = found["outcomes"][0]["values"]
    for taken, name in enumerate(("00", "10", "01", "11")):
        for seed in (1, 2):
            with open_run(out / "runs" / f"{name}-seed{seed}") as run:
                assert run.series["Sz"][-1] == sz[taken][seed - 1]
    assert sz[0][0] != sz[0][1]
    # Ohm's law through a film that conducts less and a salt that shields less
    volts = np.array(found["outcomes"][1]["shares"])
    assert np.all(volts[1] > 0.0)
    assert np.all(volts[0] < 0.0)
    assert (out / "attribution.png").read_bytes().startswith(b"\x89PNG")
    assert not math.isnan(found["time"])
    made = (out / "runs/00-seed1/result.vtkhdf").stat().st_mtime_ns
    assert call(*asked) == 0
    assert "Running" not in capsys.readouterr().out
    assert made == (out / "runs/00-seed1/result.vtkhdf").stat().st_mtime_ns


@pytest.mark.parametrize(("limit", "panels"), [("5 V", 3), ("100 mV", 4)])
def test_a_limit_that_no_run_reached_has_no_panel(
    limit: str, panels: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn: list[str] = []
    monkeypatch.setattr(attribution, "bars", lambda shown, *_: drawn.extend(panel.title for panel in shown))
    write_case(tmp_path, "one")
    two = tmp_path / "two.toml"
    two.write_text('extends = "one.toml"\n[electrolyte]\nname = "other"\ntransference_number = 0.9\n')
    assert call("attribute", tmp_path / "one.toml", two, "--out", tmp_path / "out", "--limit", limit) == 0
    assert len(drawn) == panels
    said = " ".join(capsys.readouterr().out.split())
    assert ("No run reached 5 V." in said) == (panels == 3)
    assert ("Time to" in said) == (panels == 4)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--limit", "1 A"), "--limit"),
        (("--limit", "0 V"), "above 0 V"),
        (("--out", "file"), "is no folder"),
        (("-s", "protocol.repeat=0"), "protocol.repeat"),
    ],
)
def test_wrong_input_is_one_line(
    options: tuple[str, ...], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("")
    assert call("attribute", "pll", "pllz", *options) == 2
    said = capsys.readouterr()
    assert says in said.err
    assert said.err.count("\n") == 1
    assert not said.out
