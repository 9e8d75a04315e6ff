"""The mutations: each finds its place, one is caught, a change of nothing is not, and the outcomes are kept."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from commands import call

from mutations import run
from mutations.catalogue import MUTATIONS, ROOT, Mutation
from mutations.change import changed
from mutations.child import runs
from phasefield.text.formatting import console_for
from phasefield.verification import command, record
from phasefield.verification.row import Check, CheckRow, Curve, Plot, Result

SOURCE = """
A, B = 1.0, 2.0
C: float = A + B  # not A + B + 1

def other(x):
    return 2.0 * x

class Law:
    order = 2

    def rate(self, x, k):
        "2.0 * x"
        def inner(y):
            return y + 1.0
        return self.order * inner(
            2.00 * x,  # twice
        )
"""


def test_every_mutation_finds_its_place_and_its_check() -> None:
    assert len(MUTATIONS) >= 44
    assert len({m.name for m in MUTATIONS}) == len(MUTATIONS)
    known = runs()
    for mutation in MUTATIONS:
        unbroken = (ROOT / "phasefield" / mutation.file).read_text(encoding="utf-8")
        assert ast.dump(mutation.tree()) != ast.dump(ast.parse(unbroken)), mutation.name
        assert mutation.check in known, mutation.name


@pytest.mark.parametrize(
    ("qualname", "old", "new", "line", "becomes"),
    [
        ("Law.rate", "2.0 * x", "3.0 * x", "return self.order * inner(2.0 * x)", "return self.order * inner(3.0 * x)"),
        ("Law.rate.inner", "y + 1.0", "y", "return y + 1.0", "return y"),
        ("Law.order", "2", "1", "order = 2", "order = 1"),
        ("C", "A + B", "A - B", "C: float = A + B", "C: float = A - B"),
        ("B", "2.0", "-2.0", "A, B = (1.0, 2.0)", "A, B = (1.0, -2.0)"),
    ],
)  # fmt: skip
def test_one_expression_of_one_function_changes(qualname: str, old: str, new: str, line: str, becomes: str) -> None:
    before = [text.strip() for text in ast.unparse(ast.parse(SOURCE)).splitlines()]
    after = [text.strip() for text in ast.unparse(changed(SOURCE, qualname, old, new)).splitlines()]
    different = [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]]
    assert different == [(line, becomes)]


@pytest.mark.parametrize(
    ("qualname", "old", "says"),
    [
        ("Law.rate", "3.0 * x", "occurs 0 times in Law.rate"),
        ("other", "x + 1.0", "occurs 0 times in other"),
        ("A", "A", "occurs 0 times in A"),
        ("Law", "2", "is a class"),
        ("Law.speed", "2.0 * x", "'speed' is defined 0 times"),
        ("twice", "x", "occurs 2 times in twice"),
        ("again", "1", "'again' is defined 2 times"),
    ],
)
def test_a_place_that_is_not_found_once_is_an_error(qualname: str, old: str, says: str) -> None:
    more = SOURCE + "\ndef twice(x): return x * x\nagain = 1\nagain = 2\n"
    with pytest.raises(ValueError, match=says):
        changed(more, qualname, old, "0.0")


def test_a_mutation_is_caught_and_a_change_of_nothing_is_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run.main(["--only", "patches of the grid", "--out", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("caught: patches of the grid")
    assert "1 of 1 mutations caught" in said
    assert record.read_entries(tmp_path, record.BROKEN)["patches of the grid, not of the lattice"]["caught"]
    same = Mutation("nothing", "model.random_field:POINTS_PER_LENGTH", "4.0", "2.0 * 2.0", "grids-patches")
    assert run.run_one(same, same.check)[0] == 0


def test_a_word_that_no_mutation_has_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["--only", "order-time", "--only", "nonsense", "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert "--only nonsense: no mutation has it" in said
    assert "order-time" in said
    assert not list(tmp_path.iterdir())


def test_words_choose_by_name_and_by_check() -> None:
    assert {m.check for m in run.chosen(["order-time"])} == {"order-time"}
    assert [m.name for m in run.chosen(["film lost"])] == ["film lost"]
    assert run.chosen([]) == list(MUTATIONS)


def test_the_outcomes_are_kept_and_stand_on_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def outcomes(mutations: Sequence[Mutation]) -> Iterator[run.Outcome]:
        for mutation in mutations:
            yield run.Outcome(mutation, mutation is MUTATIONS[0], "a | b", 1.0)

    row = CheckRow("a number", "theory", 2.0, 2.01, 0.01, "half of a percent", "V")
    plot = Plot("numbers", "Numbers", "x (s)", "y (V)", (Curve("a", np.ones(1), np.ones(1)),), "xy")
    check = Check("one", "Closed forms", "what it does", lambda full: Result((row,), (plot,)), (1.0, 1.0))
    monkeypatch.setattr(run, "run_mutations", outcomes)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    first, second = MUTATIONS[0], MUTATIONS[4]
    assert run.main(["--only", first.name, "--out", "out"]) == 0
    assert run.main(["--only", second.name, "--out", "out"]) == 1
    said = capsys.readouterr()
    assert f"SURVIVED: {second.name} ({second.check}): a | b" in said.out
    assert f"not noticed: {second.name}" in said.err
    command.run_checks(console_for(), out=Path("out"), docs=True, threads=1, every=[check])
    page = (tmp_path / "docs" / record.PAGE).read_text()
    assert "**1 of 2 were noticed.**" in page
    assert "`python tests/mutations/run.py`" in page
    assert f"| {first.name} | {first.file} | {first.check} | yes | a \\| b |" in page
    assert f"| {second.name} | {second.file} | {second.check} | **no** | a \\| b |" in page


def test_the_program_itself_has_no_such_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("verify", "--mutations") == 2
    assert "--mutations" in capsys.readouterr().err
