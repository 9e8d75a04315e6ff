"""The laws of motion by their names in a case, `numerics.motion`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phasefield.model.allen_cahn.law import AllenCahnLaw
from phasefield.model.base import LawOfMotion
from phasefield.model.level_set import LevelSetLaw

if TYPE_CHECKING:
    from phasefield.case import Case

LAWS: dict[str, type[LawOfMotion]] = {"level-set": LevelSetLaw, "allen-cahn": AllenCahnLaw}


def law_of(case: Case) -> LawOfMotion:
    """Return the model of a case by its law of motion."""
    return LAWS[case.numerics.motion](case)
