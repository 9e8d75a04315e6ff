"""The quickest checks (order, codes, grids, physics)."""

from __future__ import annotations

import pytest

from phasefield.verification.codes import installed
from phasefield.verification.numerics import grids, order
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
