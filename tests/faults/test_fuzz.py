"""A short part of the campaign of `fuzz.py`: no damaged file gives a traceback, hangs, or makes anything written."""

from __future__ import annotations

from pathlib import Path

import pytest

from faults.fuzz import VALUES, Dice, campaign, case_texts, mutate


@pytest.mark.parametrize(("sort", "count"), [("cases", 200), ("studies", 100), ("profiles", 40), ("measured", 300)])
def test_damaged_files_are_read_or_refused_in_one_line(sort: str, count: int, tmp_path: Path) -> None:
    if sort == "profiles":
        pytest.importorskip("SurfaceTopography")
    counts, faults = campaign(sort, count, 1, tmp_path / sort)
    assert not faults, "\n".join(faults)
    assert counts["read"] + counts["refused"] == count
    assert count / 2 < counts["refused"] < count  # the damage bites, and not each time


def test_the_same_seed_makes_the_same_damage() -> None:
    text = case_texts()[0]
    first, again, other = (mutate(text, Dice(seed), VALUES) for seed in (3, 3, 4))
    assert first == again != other
