"""The results of an experiment: numbers with their resolution, and how they were obtained."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from phasefield.text.laboratory import laboratory_unit


class ResultEntry(NamedTuple):
    """Unit (SI, "1" for a pure number) and meaning of a result."""

    unit: str
    meaning: str


QUANTITIES: dict[str, ResultEntry] = {
    "current_fraction": ResultEntry("1", "t+ by Bruce and Vincent, after Evans"),
    "current_fraction_uncorrected": ResultEntry("1", "steady over first current"),
    "current_fraction_of_salt": ResultEntry("1", "what t+, D and conductivity give for small currents"),
    "first_current": ResultEntry("A/m^2", "current as the voltage is imposed"),
    "steady_current": ResultEntry("A/m^2", "current at the end"),
    "interface_resistance_before": ResultEntry("ohm m^2", "of both electrodes, at the start"),
    "interface_resistance_after": ResultEntry("ohm m^2", "of both electrodes, at the end"),
    "electrolyte_resistance": ResultEntry("ohm m^2", "L/kappa"),
    "critical_current": ResultEntry("A/m^2", "current density at which the cell failed"),
    "largest_current_passed": ResultEntry("A/m^2", "largest current density of a whole step before"),
    "current_at_depletion": ResultEntry("A/m^2", "current density at which a place was first depleted"),
    "time_to_failure": ResultEntry("s", "from the start"),
    "voltage_at_start": ResultEntry("V", "median of |voltage| in the first half-cycle"),
    "voltage_at_end": ResultEntry("V", "median of |voltage| in the last half-cycle"),
    "voltage_drift": ResultEntry("V/s", "slope of the medians"),
    "Sz_at_end": ResultEntry("m", "peak to valley height"),
    "Sq_at_end": ResultEntry("m", "root mean square height"),
    "Sa_at_end": ResultEntry("m", "arithmetic mean height"),
    "Sz_growth": ResultEntry("m", "peak to valley height, end less start"),
    "first_voltage_limit": ResultEntry("s", "when the voltage limit was first reached"),
    "first_depletion": ResultEntry("s", "when a place was first depleted"),
    "first_short_circuit": ResultEntry("s", "when lithium first touched the counter electrode"),
    "exchange_current_density": ResultEntry("A/m^2", "of the Tafel plot"),
    "transfer_coefficient": ResultEntry("1", "of the Tafel plot"),
    "coulombic_efficiency": ResultEntry("1", "all that was stripped over all that was plated"),
    "cycle_efficiency": ResultEntry("1", "stripped over plated, mean of the cycles"),
    "lost_to_film": ResultEntry("1", "share of the lithium plated"),
    "lost_as_dead_lithium": ResultEntry("1", "share of the lithium plated, cut off from the copper"),
    "lost_as_residue": ResultEntry("1", "share of the lithium plated, in contact with the copper"),
    "voltage_at_nuclei": ResultEntry("V", "first voltage, with the nuclei that the run begins with"),
    "discharge_capacity": ResultEntry("C/m^2", "charge of a discharge"),
    "polarisation": ResultEntry("V", "charge less discharge, at half filling"),
    "capacity_retained": ResultEntry("1", "last over first discharge"),
}
"""All results by name."""

NUMBERED = ("discharge_capacity", "polarisation")
"""Results that an experiment gives for each discharge: their names end in a number."""


def quantity(name: str) -> ResultEntry:
    """Return unit and meaning of a result. Raises KeyError for a name that no experiment gives."""
    stem, _, count = name.rpartition("_")
    if (stem in NUMBERED and count.isdecimal()) != (name not in QUANTITIES or name in NUMBERED):
        raise KeyError(name)
    return QUANTITIES[stem if stem in NUMBERED and count.isdecimal() else name]


@dataclass(frozen=True)
class Evaluated:
    """One number of an experiment.

    name: one of QUANTITIES; value: in its unit, nan if the run does not determine it; resolution: half of the
    interval that the evaluation leaves open, in that unit, nan if not known; says: what limits it, or why it is none.
    """

    name: str
    value: float
    resolution: float = math.nan
    says: str = ""

    def text(self) -> str:
        """Return value and resolution in the unit of a laboratory, and what is said of them."""
        si, value = quantity(self.name).unit, "not determined"
        scale, unit = laboratory_unit(si, self.value)
        if math.isfinite(self.value):
            value = f"{self.value * scale:.4g}"
            if math.isfinite(self.resolution):
                value += f" \N{PLUS-MINUS SIGN} {self.resolution * scale:.2g}"
            value = f"{value} {unit}".rstrip()
        return f"{value}; {self.says}" if self.says else value

    def as_dict(self) -> dict[str, Any]:
        """Return it for summary.json; what is not a number is None."""
        value, resolution = (x if math.isfinite(x) else None for x in (self.value, self.resolution))
        return {"value": value, "unit": quantity(self.name).unit, "resolution": resolution, "says": self.says}


@dataclass(frozen=True)
class Evaluation:
    """The results of one kind of experiment, the most important first, and how they were obtained."""

    kind: str
    results: tuple[Evaluated, ...]
    how: str = ""

    def __getitem__(self, name: str) -> float:
        return next(one.value for one in self.results if one.name == name)

    def as_dict(self) -> dict[str, Any]:
        """Return it for summary.json, values in SI."""
        return {"kind": self.kind, "how": self.how, "results": {one.name: one.as_dict() for one in self.results}}

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Evaluation:
        """Return what `as_dict` gave; a result that no experiment gives is left out."""
        found = []
        for name, one in values["results"].items():
            try:
                quantity(name)
            except KeyError:
                continue
            value, resolution = (math.nan if one[key] is None else one[key] for key in ("value", "resolution"))
            found.append(Evaluated(name, value, resolution, one["says"]))
        return cls(values["kind"], tuple(found), values["how"])
