"""What a figure of curves shows, without the library that draws it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """Points of a plot; theory is drawn as a line, what was measured as marks; band: lower and upper end of it."""

    name: str
    x: Floats
    y: Floats
    theory: bool = False
    band: tuple[Floats, Floats] | None = None


@dataclass(frozen=True)
class Plot:
    """One figure: labels with units, curves, `log` names the logarithmic axes ("", "x", "y", "xy").

    counted: x counts something, and y begins at 0.
    """

    name: str
    title: str
    x: str
    y: str
    curves: tuple[Curve, ...]
    log: str = ""
    counted: bool = False
