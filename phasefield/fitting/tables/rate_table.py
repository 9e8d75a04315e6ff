"""Discharge capacity and polarisation over the rate: a small table, and what a flat full cell would show in its place.

    rate (C), discharge capacity (mAh/g), polarisation (mV)
    0.2, 143.9,
    1, 123.9, 169.6
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from phasefield import units
from phasefield.analytic.rate_test import FlatDischarge, flat_discharges
from phasefield.case import Case
from phasefield.fitting.tables.small_table import C_RATE, ColumnKind, read_small_table
from phasefield.measured.record import MeasuredError

Floats = NDArray[np.float64]

SAME_RATE = 1e-3  # two rates so near are one
COLUMNS = {
    "rate": ColumnKind(("rate", "c_rate", "c-rate"), (C_RATE,)),
    "capacity": ColumnKind(("discharge_capacity", "capacity"), (units.SPECIFIC_CAPACITY, units.CAPACITY)),
    "polarisation": ColumnKind(("polarisation", "polarization"), (units.VOLTAGE,)),
}
EXAMPLE = '"rate (C), discharge capacity (mAh/g), polarisation (mV)"'


@dataclass(frozen=True)
class RateTable:
    """What was measured at each rate [C]: capacity [C/kg, or C/m^2] and polarisation [V], nan where nothing was."""

    path: Path
    digest: str
    rate: Floats
    capacity: Floats
    polarisation: Floats
    by_mass: bool

    @property
    def measured(self) -> Floats:
        """All numbers in a row: capacities, then polarisations."""
        return np.concatenate([one[np.isfinite(one)] for one in (self.capacity, self.polarisation)])

    @property
    def x(self) -> Floats:
        """The rate of each of them [C]."""
        return np.concatenate([self.rate[np.isfinite(one)] for one in (self.capacity, self.polarisation)])

    def predicted(self, case: Case) -> Floats:
        """Return what the flat cell of a case shows in the place of `measured`; 0 V if half filling is not reached.

        Raises MeasuredError for a rate that its protocol does not have.
        """
        found = self._discharges(case)
        capacity = np.array([self.capacity_of(case, one) for one in found])
        polarisation = np.nan_to_num([one.polarisation for one in found])
        return np.concatenate(
            [capacity[np.isfinite(self.capacity)], polarisation[np.isfinite(self.polarisation)]]
        )

    def capacity_of(self, case: Case, one: FlatDischarge) -> float:
        """Return the capacity of a discharge as the table has it: of a mass [C/kg], or of an area [C/m^2]."""
        if not self.by_mass:
            return one.capacity
        assert case.cathode is not None
        if case.cathode.loading is None:
            raise MeasuredError(
                self.path, "has capacities of a mass; give the base cathode.loading and cathode.specific_capacity, or "
                "capacities of an area (mAh/cm^2)"
            )  # fmt: skip
        return one.capacity / case.cathode.loading

    def row_of(self, rate: float) -> int | None:
        """Return the row of a rate [C], None if the table has none."""
        return next((k for k, own in enumerate(self.rate) if math.isclose(own, rate, rel_tol=SAME_RATE)), None)

    def _discharges(self, case: Case) -> list[FlatDischarge]:
        """Return the first discharge at each rate."""
        found: dict[int, FlatDischarge] = {}
        there = []
        for one in flat_discharges(case):
            there.append(f"{one.rate:.3g}")
            k = self.row_of(one.rate)
            if k is not None:
                found.setdefault(k, one)
            if len(found) == self.rate.size:
                return [found[row] for row in range(self.rate.size)]
        lacking = next(rate for k, rate in enumerate(self.rate) if k not in found)
        raise MeasuredError(
            self.path, f"has {lacking:g} C, and the protocol of the base has no discharge at this rate; it has "
            f"{', '.join(there) or 'none'}",
        )  # fmt: skip


def read_rate_table(path: Path) -> RateTable:
    """Read a table of rates. Raises MeasuredError, one line, at the first thing that is wrong."""
    table = read_small_table(path, COLUMNS, EXAMPLE)
    if "rate" not in table.columns or len(table.columns) == 1:
        raise MeasuredError(path, f"lacks a column of rates, or one of capacity or polarisation; use {EXAMPLE}")
    rate = table.columns["rate"]
    for k, line in enumerate(table.lines):
        if not math.isfinite(rate[k]):
            raise MeasuredError(path, "has no rate; fill it in, or remove the line", line)
    order = np.argsort(rate, kind="stable").tolist()
    again = [max(a, b) for a, b in pairwise(order) if math.isclose(rate[a], rate[b], rel_tol=SAME_RATE)]
    if again:
        k = min(again)
        raise MeasuredError(path, f"has the rate {rate[k]:g} C again; keep one of both", table.lines[k])
    nothing = np.full(rate.size, math.nan)
    found = RateTable(
        path, table.digest, rate, table.columns.get("capacity", nothing), table.columns.get("polarisation", nothing),
        table.kinds.get("capacity") is units.SPECIFIC_CAPACITY,
    )  # fmt: skip
    if not found.measured.size:
        raise MeasuredError(path, "holds no number; give a capacity or a polarisation at each rate")
    return found
