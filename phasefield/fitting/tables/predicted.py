"""What a fitted full cell shows at each rate of its protocol, measured or not, with the interval of the posterior."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phasefield.analytic.rate_test import FlatDischarge, flat_discharges
from phasefield.case import Case
from phasefield.fitting.tables.cathode import MAH_CM2, MV
from phasefield.fitting.tables.rate_table import RateTable
from phasefield.fitting.unknowns import TAILS

Floats = NDArray[np.float64]

MAH_G = 3.6e3  # C/kg in a mAh/g


def predicted_rates(table: RateTable, best: Case, samples: Iterable[Case]) -> list[dict[str, Any]]:
    """Return the discharges of the protocol of a fitted case, as what JSON can hold: SI, and texts with units.

    samples: cases of the posterior, for the intervals of 90 %; fitted: whether the table has the number. Else it is a
    prediction.
    """
    found = list(flat_discharges(best))
    numbers = np.array([_numbers(table, best, found), *(_numbers(table, c, list(flat_discharges(c))) for c in samples)])
    rows, taken = list[dict[str, Any]](), set[int]()
    size, unit = (MAH_G, "mAh/g") if table.by_mass else (MAH_CM2, "mAh/cm2")
    for k, one in enumerate(found):
        row = table.row_of(one.rate)
        measured = (math.nan, math.nan)
        if row is not None and row not in taken:
            measured = (float(table.capacity[row]), float(table.polarisation[row]))
            taken.add(row)
        rows.append({
            "rate": one.rate,
            "capacity": _number(numbers[:, k, 0], measured[0], size, unit),
            "polarisation": _number(numbers[:, k, 1], measured[1], MV, "mV"),
        })  # fmt: skip
    return rows


def _numbers(table: RateTable, case: Case, found: list[FlatDischarge]) -> list[tuple[float, float]]:
    return [(table.capacity_of(case, one), one.polarisation) for one in found]


def _number(values: Floats, measured: float, size: float, unit: str) -> dict[str, Any]:
    """Return a number: its best value, its interval, what was measured."""
    best, known = float(values[0]), values[np.isfinite(values)]
    there = math.isfinite(best)
    low, high = map(float, np.quantile(known, TAILS)) if there else (math.nan, math.nan)
    return {
        "best": best if there else None, "interval": [low, high] if there else None,
        "measured": measured if math.isfinite(measured) else None, "fitted": math.isfinite(measured),
        "best_shown": f"{best / size:.4g} {unit}" if there else "half filling is not reached",
        "interval_shown": f"{low / size:.4g} to {high / size:.4g}" if there else "",
        "measured_shown": f"{measured / size:.4g}" if math.isfinite(measured) else "",
    }  # fmt: skip
