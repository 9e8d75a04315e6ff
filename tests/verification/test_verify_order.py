"""The quickest rungs of the ladder (order, codes, grids, physics), and the machinery of the mutations."""

from __future__ import annotations

import pytest

from phasefield.errors import PhasefieldError
from phasefield.verification.codes import installed
from phasefield.verification.mutations import (
    FAILED,
    MUTATIONS,
    Mutation,
    find,
    mutated,
    run_mutations,
    run_one,
)
from phasefield.verification.numerics import grids, order
from phasefield.verification.probes import PROBES
from phasefield.verification.row import Check
from phasefield.verification.surface import physics

CHECKS = [check for module in (order, installed, grids, physics) for check in module.CHECKS]
QUICK = ("order-space", "order-width", "codes-terms", "grids-spacing", "grids-patches", "physics-signs")


@pytest.mark.filterwarnings("ignore")  # FiPy's own
@pytest.mark.parametrize(
    "check", [check for check in CHECKS if check.name in QUICK], ids=lambda check: check.name
)
def test_quick_checks_pass(check: Check) -> None:
    result = check.run(False)
    assert result.rows or installed.missing(check.name)
    assert [row for row in result.rows if not row.passed] == []
    assert all(row.why for row in result.rows)


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installed, "find_spec", lambda name: None)
    for check in installed.CHECKS:
        assert check.run(False).rows == ()
        assert "not installed" in str(installed.missing(check.name))


def test_every_mutation_finds_its_text_and_its_check() -> None:
    assert len(MUTATIONS) >= 15
    assert len({m.name for m in MUTATIONS}) == len(MUTATIONS)
    names = {check.name for check in CHECKS} | set(PROBES)
    for mutation in MUTATIONS:
        assert mutation.old in mutated(mutation) or mutation.new in mutated(mutation)
        assert mutation.check in names
        assert callable(find(mutation.check))


def test_a_text_that_is_not_there_once_is_an_error() -> None:
    for old in ("no such text", "import"):
        with pytest.raises(ValueError, match="times in model"):
            mutated(Mutation("any", "model/level_set.py", old, "x", "probe-sharp"))


def test_a_mutation_is_caught_and_a_change_of_nothing_is_not() -> None:
    said: list[str] = []
    (outcome,) = run_mutations(["patches of the grid"], said.append)
    assert outcome.caught
    assert said[0].startswith("caught")
    same = Mutation(
        "nothing", "model/noise.py", "POINTS_PER_LENGTH = 4.0", "POINTS_PER_LENGTH = 2.0 * 2.0", ""
    )
    assert run_one(same, "grids-patches")[0] != FAILED


def test_a_word_that_no_mutation_has_is_an_error() -> None:
    with pytest.raises(PhasefieldError, match=r"--only nonsense: no mutation .* order-time"):
        run_mutations(["order-time", "nonsense"], print)
