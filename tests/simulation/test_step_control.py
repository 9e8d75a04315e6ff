"""Steps that are as long as the salt needs to settle: their voltages, against short ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from reversed_currents import ALLOWED, off, reversals


@pytest.mark.parametrize("seed", [1, 3, 5])
def test_voltages_after_a_reversal_are_within_the_error_of_a_step(seed: int, tmp_path: Path) -> None:
    short = reversals(tmp_path / "short", seed, "numerics.step_error=1e-3")
    assert off(reversals(tmp_path / "long", seed), short) < ALLOWED
    if seed == 1:  # half-cycles of thirteen minutes, where the salt settles in half a minute
        assert off(reversals(tmp_path / "loose", seed, "numerics.step_error=1"), short) > 2.0 * ALLOWED
