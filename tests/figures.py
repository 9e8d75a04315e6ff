"""Figures that pictures are made of, kept for a look at their axes and texts."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest
from matplotlib.figure import Figure

from phasefield.viz import style


def kept_figures(monkeypatch: pytest.MonkeyPatch, *modules: ModuleType) -> list[Figure]:
    """Return the list to which each figure is added that one of the modules saves by `save`, once it is saved."""
    saved: list[Figure] = []

    def keep(figure: Figure, path: str | Path) -> Path:
        saved.append(figure)
        return style.save(figure, path)

    for module in modules:
        monkeypatch.setattr(module, "save", keep)
    return saved
