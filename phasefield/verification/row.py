"""What a check gives: rows of a table, and plots. Checks say how long they take before they run."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phasefield.viz.plots.curves import Curve, Plot

__all__ = ["Check", "CheckRow", "Curve", "Floats", "Plot", "Result"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class CheckRow:
    """One number compared with another one.

    expected and measured in `unit`; tolerance: of their difference, over the expected value if `relative`; why: the
    error estimate behind the tolerance, in a sentence.
    """

    what: str
    against: str
    expected: float
    measured: float
    tolerance: float
    why: str
    unit: str = ""
    relative: bool = True

    @property
    def error(self) -> float:
        """Return the difference that the tolerance is for."""
        off = abs(self.measured - self.expected)
        if not self.relative:
            return off
        return off / abs(self.expected) if self.expected != 0.0 else math.inf

    @property
    def passed(self) -> bool:
        """Return whether the two agree; a number that is not finite never does."""
        return self.error <= self.tolerance


@dataclass(frozen=True)
class Result:
    """What one check gave; skipped: why it could not run here (an optional package), if so."""

    rows: tuple[CheckRow, ...]
    plots: tuple[Plot, ...] = ()
    skipped: str = ""


@dataclass(frozen=True)
class Check:
    """One check of the set.

    run(full) does it, `full` at the resolution and with the combinations of the docs; seconds: expected on two cores,
    fast and full, fast 0: not in the fast set.
    """

    name: str
    section: str
    says: str
    run: Callable[[bool], Result]
    seconds: tuple[float, float]
