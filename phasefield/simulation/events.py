"""Events: what may happen to a cell besides its protocol, recorded, and the end of a run if the case says so."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from phasefield.model.base import LawOfMotion
from phasefield.model.state import State
from phasefield.simulation.restart import Control

if TYPE_CHECKING:
    from phasefield.case import Protocol

log = logging.getLogger(__name__)


MOST = 200  # times that an event begins of which the record says when; the later ones are counted


class EventFinding(NamedTuple):
    """Whether an event is there, and the sentences that say so and that say it is over."""

    there: bool
    text: str
    over: str


class Events:
    """The events of one run; what was found stands in `Control`, for a restart.

    An event that begins makes an entry: name, time [s] and text; when it is over `end` and `end_text` are filled in.
    """

    def __init__(self, protocol: Protocol, cell: LawOfMotion, control: Control) -> None:
        self.protocol, self.cell, self.control = protocol, cell, control
        self.covered = cell.case.surface.substrate is None  # the base of the box, by lithium

    def detect(self, s: State) -> dict[str, EventFinding]:
        """Return each event's finding in a state."""
        f, protocol = s.front, self.protocol
        voltage = abs(s.voltage)
        low = self.cell.concentration_range(s)[0]
        limit = f"(limit {protocol.voltage_limit:g} V)"
        return {
            "voltage_limit": EventFinding(
                voltage >= protocol.voltage_limit * (1.0 - 1e-9),
                f"the cell voltage reached {voltage:.4g} V {limit}",
                f"the cell voltage is back at {voltage:.4g} V {limit}",
            ),
            "short_circuit": EventFinding(
                f.shorted, "lithium touches the counter electrode", "no lithium touches the counter electrode any more"
            ),
            "exhausted": EventFinding(
                f.exhausted and self.covered,
                "lithium is stripped down to its base at one place at least",
                "the base is covered again",
            ),
            "depletion": EventFinding(
                low <= protocol.depletion_threshold * self.cell.properties.c0,
                f"the concentration fell to {low:.3g} mol/m^3",
                f"the concentration is back at {low:.3g} mol/m^3",
            ),
            "void": EventFinding(
                f.pockets > 0,
                f"{f.pockets} pocket(s) of electrolyte are cut off in the lithium",
                "no electrolyte is cut off in the lithium any more",
            ),
        }

    def record(self, s: State) -> tuple[str, str] | None:
        """Record what begins and what is over in a state; return name and text of an event that ends the run."""
        found = self.detect(s)
        for name, finding in found.items():
            if finding.there and name not in self.control.events_on:
                self._begin(name, s.t, finding.text)
            elif not finding.there and name in self.control.events_on:
                self._end(name, s.t, finding.over)
        for name, finding in found.items():
            if finding.there and name in self.protocol.stop_on:
                return name, finding.text
        return None

    def _begin(self, name: str, time: float, text: str) -> None:
        control = self.control
        count = control.event_counts[name] = control.event_counts.get(name, 0) + 1
        control.events_on[name] = len(control.events) if count <= MOST else None
        if count <= MOST:
            control.events.append({"event": name, "time": time, "text": text, "end": None, "end_text": ""})
            log.info("event %s at %.6g s: %s", name, time, text)
            if count == MOST:
                log.info("event %s is only counted from now on", name)

    def _end(self, name: str, time: float, text: str) -> None:
        place = self.control.events_on.pop(name)
        if place is not None:
            self.control.events[place]["end"] = time
            self.control.events[place]["end_text"] = text
            log.info("event %s over at %.6g s: %s", name, time, text)
