"""Events: what may happen to a cell besides its protocol, recorded, and the end of a run if the case says so."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from .model.cell import Cell, State
from .restart import Control

if TYPE_CHECKING:
    from .case import Protocol

log = logging.getLogger(__name__)


class Finding(NamedTuple):
    """Whether an event is there, and a sentence that says it."""

    there: bool
    text: str


class Events:
    """The events of one run; what was found stands in `Control`, for a restart."""

    def __init__(self, protocol: Protocol, cell: Cell, control: Control) -> None:
        self.protocol, self.cell, self.control = protocol, cell, control

    def find(self, s: State) -> dict[str, Finding]:
        """Return each event's finding in a state."""
        f, protocol = s.front, self.protocol
        voltage = abs(s.phi_s)
        low = self.cell.concentration_range(s)[0]
        return {
            "voltage_limit": Finding(
                voltage >= protocol.voltage_limit * (1.0 - 1e-9),
                f"the cell voltage reached {voltage:.4g} V (limit {protocol.voltage_limit:g} V)",
            ),
            "short_circuit": Finding(f.shorted, "lithium touches the counter electrode"),
            "exhausted": Finding(f.exhausted, "lithium is stripped down to its base at one place at least"),
            "depletion": Finding(
                low <= protocol.depletion_threshold * self.cell.properties.c0,
                f"the concentration fell to {low:.3g} mol/m^3",
            ),
            "void": Finding(f.pockets > 0, f"{f.pockets} pocket(s) of electrolyte are cut off in the lithium"),
        }

    def look(self, s: State) -> tuple[str, str] | None:
        """Record what is found in a state; return name and text of an event that ends the run."""
        found = self.find(s)
        seen = {event["event"] for event in self.control.events}
        for name, (there, text) in found.items():
            if there and name not in seen:
                self.control.events.append({"event": name, "time": s.t, "text": text})
                log.info("event %s at %.6g s: %s", name, s.t, text)
        for name, (there, text) in found.items():
            if there and name in self.protocol.stop_on:
                return name, text
        return None
