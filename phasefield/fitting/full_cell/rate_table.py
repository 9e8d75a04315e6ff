"""Discharge capacity and polarisation over the rate: a small table, and what a flat full cell would show in its place.

    rate (C), discharge capacity (mAh/g), polarisation (mV)
    0.2, 143.9,
    1, 123.9, 169.6

A field may be empty. Lines that begin with # are comments.
"""

from __future__ import annotations

import csv
import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from phasefield import units
from phasefield.analytic.rate_test import FlatDischarge, flat_discharges
from phasefield.case import Case
from phasefield.errors import shown
from phasefield.files.atomic import read_start
from phasefield.files.decode import decoded
from phasefield.measured.columns import Head, parse_head, plain_name
from phasefield.measured.lines import split_lines
from phasefield.measured.record import MeasuredError

Floats = NDArray[np.float64]

MOST_BYTES = 1 << 20
SAME_RATE = 1e-3  # two rates so near are one
NAMES = {
    "rate": ("rate", "c_rate", "c-rate"),
    "capacity": ("discharge_capacity", "capacity"),
    "polarisation": ("polarisation", "polarization"),
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
    try:
        data = read_start(path, MOST_BYTES + 1)
    except OSError as error:
        raise MeasuredError(path, f"cannot be read ({error.strerror or error}); give a table of rates") from None
    if len(data) > MOST_BYTES or b"\0" in data:
        raise MeasuredError(path, f"is no table of a few rates; give one with the heads {EXAMPLE}")
    rows = _rows(path, decoded(data))
    number, words = next(rows, (1, []))
    heads = [parse_head(word) for word in words]
    at = {key: _column(path, number, heads, key) for key in NAMES}
    if at["rate"] is None or (at["capacity"] is None and at["polarisation"] is None):
        raise MeasuredError(path, f"lacks a column of rates, or one of capacity or polarisation; use {EXAMPLE}", number)
    factors, by_mass = _factors(path, number, heads, at)
    values = {key: list[float]() for key in NAMES}
    for number, words in rows:
        if len(words) != len(heads):
            raise MeasuredError(path, f"has {len(words)} fields, its heads are {len(heads)}; complete it", number)
        for key, column in at.items():
            values[key].append(math.nan if column is None else factors[key] * _value(path, number, words[column]))
        if not math.isfinite(values["rate"][-1]):
            raise MeasuredError(path, "has no rate; fill it in, or remove the line", number)
        if any(math.isclose(values["rate"][-1], one, rel_tol=SAME_RATE) for one in values["rate"][:-1]):
            raise MeasuredError(path, f"has the rate {values['rate'][-1]:g} C again; keep one of both", number)
    columns = {key: np.array(column) for key, column in values.items()}
    table = RateTable(path, hashlib.sha256(data).hexdigest(), **columns, by_mass=by_mass)
    if not table.measured.size:
        raise MeasuredError(path, "holds no number; give a capacity or a polarisation at each rate")
    return table


def _rows(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines that are neither empty nor a comment, with their numbers."""
    for number, line in enumerate(split_lines(path, text).all, 1):
        if line.strip() and not line.lstrip().startswith("#"):
            try:
                yield number, [word.strip() for word in next(csv.reader([line]))]
            except csv.Error as error:
                raise MeasuredError(path, f"is no row of a table ({error}); correct it", number) from None


def _column(path: Path, number: int, heads: Sequence[Head], key: str) -> int | None:
    """Return the place of a column."""
    at = [k for k, head in enumerate(heads) if plain_name(head.name) in NAMES[key]]
    if len(at) > 1:
        raise MeasuredError(path, f"has two columns of {key}; remove one", number)
    return at[0] if at else None


def _factors(
    path: Path, number: int, heads: Sequence[Head], at: dict[str, int | None]
) -> tuple[dict[str, float], bool]:
    """Return the factor to SI of each column, and whether capacities are of a mass."""
    factors, by_mass = {}, False
    kinds = {"capacity": (units.SPECIFIC_CAPACITY, units.CAPACITY), "polarisation": (units.VOLTAGE,)}
    for key, column in at.items():
        unit = None if column is None else heads[column].unit
        if column is None or (key == "rate" and unit == "C"):
            factors[key] = 1.0
            continue
        for kind in kinds.get(key, ()):
            try:
                factors[key] = units.to_si(f"1 {unit}", kind)
            except units.UnitError:
                continue
            by_mass = by_mass or kind is units.SPECIFIC_CAPACITY
            break
        else:
            text = shown(heads[column].text)
            raise MeasuredError(path, f"column {text}: its unit is missing or wrong; write it as in {EXAMPLE}", number)
    return factors, by_mass


def _value(path: Path, number: int, word: str) -> float:
    """Return a number above 0, nan for an empty field."""
    if not word:
        return math.nan
    try:
        value = float(word) if word.isascii() and "_" not in word else math.nan
    except ValueError:
        value = math.nan
    if not 0.0 < value < math.inf:
        raise MeasuredError(path, f"{shown(word, 40)} is no number above 0; correct it, or leave it empty", number)
    return value
