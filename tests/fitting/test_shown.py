"""How ranges are printed."""

from __future__ import annotations

import pytest

from phasefield.fitting.unknowns import shown_range


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [
        (0.34961, 0.35023, "0.3496 to 0.3502 mA"),
        (1.0, 2.0, "1 to 2 mA"),
        (1561.0, 5702.0, "1560 to 5700 mA"),
        (12.7, 12.7, "12.7 mA, fixed"),
        (3.9999e-4, 4.0001e-4, "0.00039999 to 0.00040001 mA"),
    ],
)
def test_the_ends_of_a_range_are_told_apart(low: float, high: float, shown: str) -> None:
    assert shown_range(low, high, "mA") == shown
