"""Galvanostatic cycling of LHCI and DLHCI, 500 h at 1 mA/cm2."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from phasefield.validation.row import PREDICTED, Experiment, Row

CASES = ("lhci", "dlhci")
OVERRIDES = ('grid.spacing="8 um"',)
STATED = {"lhci": "polarisation often rises", "dlhci": "flat voltage"}


def ionogels(table: Sequence[Mapping[str, Any]], picture: str) -> Experiment:
    """Return the rows of the two runs that `compare_runs` has made and drawn."""
    rows = []
    for name, run in zip(CASES, table, strict=True):
        change = 100.0 * (run["voltage_end"] / run["voltage_start"] - 1.0)
        says = "the measured rise is film growth; the paper states no number for it" if name == "lhci" else ""
        rows.append(Row(name.upper(), "change of the voltage in 500 h", STATED[name], math.nan, change, "%", PREDICTED,
                        "[2] Fig. 2d", "", says))  # fmt: skip
        rows.append(Row(name.upper(), "peak to valley, Sz", "-", math.nan, 1e6 * run["Sz"], "um", PREDICTED, "[2]", "",
                        "the spread of the film is assumed to be 0.5"))  # fmt: skip
    done = (
        "The shipped cases `lhci` and `dlhci` with cells of 8 um: 250 cycles at 1 mA/cm2, 1 mAh/cm2 in each direction."
    )
    shows = (
        "Both electrolytes are assumed to have the same film. They differ only in conductivity, t+ and concentration. "
        "At a Wagner length of millimetres the film determines the current distribution. A difference larger than the "
        "simulated one must come from their films."
    )
    return Experiment("Cycling of the ionogels", done, tuple(rows), (), shows, (picture,))
