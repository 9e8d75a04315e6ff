"""Copies of shipped cases are new files."""

from __future__ import annotations

from pathlib import Path

import pytest

from phasefield import cases
from phasefield.errors import PhasefieldError


def test_a_copy_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "pllz.toml").symlink_to(tmp_path / "nowhere.toml")
    with pytest.raises(PhasefieldError, match=r"pllz\.toml exists"):
        cases.copy("pllz", tmp_path)
    assert not (tmp_path / "nowhere.toml").exists()
    assert cases.copy("pll", tmp_path / "new").read_text() == cases.locate("pll").read_text()
