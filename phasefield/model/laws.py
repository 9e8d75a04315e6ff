"""The laws of motion by their names in a case, `numerics.motion`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base import LawOfMotion
from .cell import Cell
from .published_cell import PublishedCell

if TYPE_CHECKING:
    from ..case import Case

LAWS: dict[str, type[LawOfMotion]] = {"distance": Cell, "allen-cahn": PublishedCell}


def law_of(case: Case) -> LawOfMotion:
    """Return the model of a case by its law of motion."""
    return LAWS[case.numerics.motion](case)
