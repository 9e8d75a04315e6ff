"""The box of a run and its cells."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field, model_validator

from phasefield.case.quantities import Length, um
from phasefield.case.record import Record, refuse
from phasefield.machine.memory import available_memory

LEAST_CELLS = 8  # along each axis: less carries no interface and no stencil
MOST_CELLS = 2**31  # flat indices are int32
# Measured: peak memory of 4 h of pll at 8, 4 and 2 um, 30 720, 245 760 and 1 966 080 cells, 1 thread: 318, 469 and
# 1640 MB, a slope of 683 bytes a cell; pllz: 317, 469 and 1627 MB. All nine fields stored: 50 more. Hard steps on rough
# surfaces need up to twice as much (pll-large at 280 h: 1290), for vectors of GMRES and for elements.
BYTES_PER_CELL = 690
WHOLE = 1e-6  # a size this near to a whole number of spacings is one


class Grid(Record):
    """Cubic cells; the last axis of `size` points from the lithium towards the counter electrode."""

    size: tuple[Length, ...] = Field(
        description="edges of the box, two (2D) or three (3D); each a whole number of spacings, at least 8"
    )
    spacing: Length = Field(description="edge of a cell")
    lateral: Literal["periodic", "mirror"] = Field(
        default="periodic", description="boundary condition at the lateral sides"
    )

    @model_validator(mode="after")
    def _check(self) -> Grid:
        if len(self.size) not in (2, 3):
            raise refuse(
                "size", f'{len(self.size)} lengths came; give 2 (2D) or 3, e.g. ["256 um", "240 um"]'
            )
        for axis, length in enumerate(self.size):
            cells = length / self.spacing
            if cells > MOST_CELLS:
                raise refuse(
                    f"size[{axis}]", f"{cells:.3g} cells are above the limit of 2^31; take a larger spacing"
                )
            nearest = max(LEAST_CELLS, round(cells))
            if abs(cells - nearest) > WHOLE * cells:
                raise refuse(
                    f"size[{axis}]",
                    f"{um(length)} is {cells:.6g} spacings of {um(self.spacing)}; "
                    f"a whole number of at least {LEAST_CELLS} is needed; the nearest valid is "
                    f"{um(nearest * self.spacing)} ({nearest} cells)",
                )
        free = available_memory()
        if self.cells > MOST_CELLS or self.memory > free:
            limit = "the limit is 2^31 cells" if self.cells > MOST_CELLS else f"{free / 1e9:.3g} GB are free"
            raise refuse(
                "size",
                f"{self.cells:.4g} cells need about {self.memory / 1e9:.3g} GB and {limit}; "
                "take a larger spacing or a smaller box",
            )
        return self

    @property
    def ndim(self) -> int:
        """2 or 3."""
        return len(self.size)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(nz, ny, nx), ny = 1 in 2D."""
        counts = [round(length / self.spacing) for length in self.size]
        return counts[-1], (counts[1] if self.ndim == 3 else 1), counts[0]

    @property
    def cells(self) -> int:
        """Number of cells."""
        return math.prod(self.shape)

    @property
    def memory(self) -> int:
        """Estimated memory of a run, bytes."""
        return self.cells * BYTES_PER_CELL
