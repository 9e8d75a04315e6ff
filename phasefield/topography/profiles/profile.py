"""A height map with its pixel size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phasefield.errors import PhasefieldError

Floats = NDArray[np.float64]
MOST_POINTS = 2**27  # of a map


class ProfileError(PhasefieldError):
    """A file that holds no height map; the message names the file and what to do."""


@dataclass(frozen=True)
class Profile:
    """Heights (ny, nx) [m], pixel sizes along x and y [m] (None: the file does not say), and where it is from.

    missing: share of the points that the file lacked and that were filled.
    Pixel (j, i) is the middle of the cell ((i + 1/2) dx, (j + 1/2) dy).
    """

    heights: Floats
    pixel: tuple[float, float] | None
    source: str
    missing: float = 0.0

    @property
    def size(self) -> tuple[float, float] | None:
        """Edges of the map along x and y, m."""
        if self.pixel is None:
            return None
        ny, nx = self.heights.shape
        return nx * self.pixel[0], ny * self.pixel[1]
