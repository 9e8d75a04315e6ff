"""What controls the current at a rough surface: the Wagner length of each electrolyte, from what was measured of it."""

from __future__ import annotations

import math

from phasefield.analytic.closed_forms import film_resistances
from phasefield.analytic.flat_cell import FlatCell
from phasefield.api import read_case
from phasefield.validation.row import PREDICTED, Experiment, Row

NAMES = ("pll", "pllz", "lhci", "dlhci")  # PLZ has no film of its own that was measured
MILLI = 1e3  # mm in a m


def wagner() -> Experiment:
    """Return the Wagner length kappa R_film of each electrolyte with fresh films, docs/theory.md."""
    rows, shortest = [], math.inf
    for name in NAMES:
        flat = FlatCell(read_case(f"polarisation-{name}"))
        p = flat.films(0.0)
        length = p.kappa * film_resistances(p)[0]
        shortest = min(shortest, length / flat.gap)
        rows.append(
            Row(
                name.upper(), "Wagner length, fresh film", "-", math.nan, MILLI * length, "mm", PREDICTED,
                "[1] Fig. 4a" if name.startswith("pll") else "[2]",
            )
        )  # fmt: skip
    shows = (
        "The Wagner length is the conductivity of the electrolyte times the resistance of the film. Shapes that are "
        f"much shorter do not draw the current. The shortest of these lengths is {shortest:.3g} gaps of 70 um. The "
        "current therefore follows the conductance of the film, and an even film leaves the surface flat."
    )
    return Experiment("Wagner length", "Closed form of the fresh polarisation cells.", tuple(rows), (), shows)
