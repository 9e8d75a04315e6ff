"""The checks of `phasefield verify`: their framework, and the rows that take a second or two."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest
from commands import call

from phasefield.errors import Interrupted, PhasefieldError
from phasefield.text.formatting import console_for
from phasefield.verification import command, record, registry
from phasefield.verification.row import Check, CheckRow, Curve, Plot, Result

GOOD = CheckRow("a number", "theory", 2.0, 2.01, 0.01, "half of a percent", "V")
BAD = CheckRow("another", "theory", 2.0, 2.1, 0.01, "half of a percent", "V")
PLOT = Plot(
    "numbers", "Numbers", "x (s)", "y (V)",
    (Curve("theory", np.array([1.0, 2.0]), np.array([1.0, 4.0]), True), Curve("a", np.ones(1), np.ones(1))), "xy",
)  # fmt: skip


def check(name: str, *rows: CheckRow, seconds: tuple[float, float] = (1.0, 2.0)) -> Check:
    return Check(name, "Closed forms", f"what {name} does", lambda full: Result(rows, (PLOT,)), seconds)


def broken(full: bool) -> Result:
    raise ZeroDivisionError("by nothing")


BROKEN = Check("broken", "Closed forms", "fails", broken, (1.0, 1.0))


@pytest.mark.parametrize("measured", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("relative", [True, False])
def test_a_number_that_is_none_never_passes(measured: float, relative: bool) -> None:
    row = CheckRow("a", "b", 1.0, measured, 1e9, "any", relative=relative)
    assert not row.passed
    assert not registry.CheckOutcome(check("a", row), Result((GOOD, row)), 0.0, False).passed


def test_a_check_without_rows_has_not_passed() -> None:
    assert not registry.CheckOutcome(check("a"), Result(()), 0.0, False).passed
    assert registry.CheckOutcome(check("a", GOOD), Result((GOOD,)), 0.0, False).passed


def test_an_error_is_a_row_that_failed_and_the_next_check_follows() -> None:
    first, second = registry.run_in_turn([BROKEN, check("good", GOOD)], False)
    assert not first.passed
    assert "ZeroDivisionError: by nothing" in first.result.rows[0].why
    assert second.passed


def test_a_stop_is_no_failed_row() -> None:
    def stopped(full: bool) -> Result:
        raise Interrupted("stopped")

    with pytest.raises(Interrupted):
        list(registry.run_in_turn([Check("a", "b", "c", stopped, (1.0, 1.0))], False))


def test_checks_are_chosen_by_name_and_set() -> None:
    every = [check("one", GOOD), check("slow", GOOD, seconds=(0.0, 9.0))]
    assert [c.name for c in registry.chosen(every, [], False)] == ["one"]
    assert [c.name for c in registry.chosen(every, [], True)] == ["one", "slow"]
    assert [c.name for c in registry.chosen(every, ["slow"], True)] == ["slow"]
    assert registry.expected_seconds(every, True) == 11.0
    with pytest.raises(PhasefieldError, match="did you mean 'slow'"):
        registry.chosen(every, ["slo"], False)
    with pytest.raises(PhasefieldError, match="add --full"):
        registry.chosen(every, ["slow"], False)


def test_every_check_is_whole() -> None:
    every = registry.checks()
    assert len({c.name for c in every}) == len(every)
    for one in every:
        assert one.seconds[1] >= one.seconds[0] >= 0.0
        assert one.seconds[1] > 0.0
    assert sum(c.seconds[0] for c in every) < 180.0  # the fast set stays below three minutes


@pytest.mark.parametrize(("rows", "code"), [((GOOD,), 0), ((GOOD, BAD), 1)])
def test_the_exit_code_tells(
    rows: tuple[CheckRow, ...],
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(command, "checks", lambda: (check("numbers", *rows),))
    assert call("verify", "--out", tmp_path / "out", "--threads", "1") == code
    said = capsys.readouterr()
    assert f"1 of {len(rows)} rows passed" in said.out
    assert ("did not pass: numbers" in said.err) == bool(code)
    stored = json.loads((tmp_path / "out" / record.JSON).read_text())["numbers"]
    assert [row["passed"] for row in stored["rows"]] == [row.passed for row in rows]
    with (tmp_path / "out" / record.CSV).open(newline="") as file:
        assert len(list(csv.DictReader(file))) == len(rows)
    assert (tmp_path / "out" / "numbers.png").stat().st_size > 5000


def test_wrong_words_end_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call("verify", "--only", "dispersionn") == 2
    assert "did you mean 'dispersion'?" in capsys.readouterr().err
    assert call("verify", "--docs") == 2
    assert "root of the source tree" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_list_names_every_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("verify", "--list") == 0
    out = capsys.readouterr().out
    assert all(one.name in out for one in registry.checks())


def test_the_page_holds_all_that_was_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part that is run again takes the place of its earlier outcome; the rest of the page stays."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    every, console = [check("one", GOOD), check("two", BAD), BROKEN], console_for()
    command.run_checks(console, out=Path("out"), docs=True, threads=1, every=every)
    page = (tmp_path / "docs" / record.PAGE).read_text()
    assert "**1 of 3 rows passed.**" in page
    assert "| another | theory | 2 | 2.1 V | 5 % | 1 % | **no** |" in page
    assert "- half of a percent" in page
    assert "images/verification/numbers.png" in page
    assert (tmp_path / "docs" / "images" / "verification" / "numbers.png").is_file()
    command.run_checks(
        console, ["two"], out=Path("out"), docs=True, threads=1, every=[every[0], check("two", GOOD)]
    )
    assert "**2 of 2 rows passed.**" in (tmp_path / "docs" / record.PAGE).read_text()


QUICK = ("planar", "ohmic-growth", "bodies")


@pytest.mark.parametrize("name", QUICK)
def test_the_quick_checks_pass(name: str) -> None:
    (outcome,) = registry.run_in_turn([one for one in registry.checks() if one.name == name], False)
    assert outcome.passed, [(row.what, row.error, row.tolerance, row.why) for row in outcome.failed]
