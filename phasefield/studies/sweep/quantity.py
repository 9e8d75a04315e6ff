"""A key of a case as an axis sees it: which quantity it is, in which unit the user wrote it."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from phasefield import units
from phasefield.case.file import key_measures
from phasefield.units import Kind, UnitError

Value = float | str
"""A point's value of an axis: SI where the key holds a quantity, else the TOML text."""


@dataclass(frozen=True)
class Quantity:
    """kind: None where the key holds no number; unit, size: as the user writes it, and that unit in SI."""

    kind: Kind | None
    unit: str = ""
    size: float = 1.0

    @property
    def si_unit(self) -> str:
        """Unit of the values in tables; empty for pure numbers and words."""
        return "" if self.kind is None or self.kind.unit == "1" else self.kind.unit

    def si(self, value: Any) -> Value:
        """Return a value of the study file in SI; a word, as it stands in TOML. Raises UnitError."""
        if self.kind is None or isinstance(value, bool):
            return json.dumps(value)
        if isinstance(value, int | float):
            if self.kind.unit != "1":
                raise UnitError(f"{value} has no unit; {units.wanted(self.kind)}")
            if not math.isfinite(value):
                raise UnitError(f"{value} is no number that a case can have")
            return float(value)
        if isinstance(value, str):
            try:
                return units.to_si(value, self.kind)
            except UnitError:
                if re.match(r"\s*[-+.0-9]", value):
                    raise
                return json.dumps(value)  # a word that the key may know, such as "none"
        raise UnitError(f"{units.came(value)} stands here; {units.wanted(self.kind)}")

    def text(self, value: Value) -> str:
        """Return a value as TOML writes it in a case file."""
        if isinstance(value, str):
            return value
        if self.kind is None or self.kind.unit == "1":
            return repr(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
        return json.dumps(units.to_text(value, self.kind))


def quantity_of(key: str, example: Any) -> Quantity | None:
    """Return the quantity of a dotted key, in the unit of an example; None if no case has such a key."""
    found = key_measures(key)
    if found is None:
        return None
    if not found:
        number = isinstance(example, int | float) and not isinstance(example, bool)
        return Quantity(units.NUMBER if number else None)
    return quantity_in(found[0].kind, example)


def quantity_in(kind: Kind, example: Any) -> Quantity:
    """Return a quantity of a kind, in the unit of an example."""
    if isinstance(example, str) and kind.unit != "1":
        unit = units.unit_of(example)
        try:
            size = units.to_si(f"1 {unit}", kind) if unit else math.nan
            plain = math.isclose(units.to_si(f"2 {unit}", kind), 2.0 * size) if unit else False
        except UnitError:
            plain = False
        if plain:  # no degrees Celsius
            return Quantity(kind, unit, size)
    return Quantity(kind, "" if kind.unit == "1" else kind.unit)


def spaced_values(low: float, high: float, points: int, scale: str) -> list[float]:
    """Return `points` values from low to high, both exactly, at equal distances or equal ratios; 12 digits."""
    if scale == "log":
        between = np.exp(np.linspace(math.log(low), math.log(high), points))
    else:
        between = np.linspace(low, high, points)
    return [low, *(float(f"{value:.12g}") for value in between[1:-1]), high]
