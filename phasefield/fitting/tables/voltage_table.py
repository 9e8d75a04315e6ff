"""The voltage of a cycling lithium cell at a few times, read from a figure, and what a flat cell would show.

    time (h), voltage (mV)
    0.1, 200
    110, 1000

The current is that of the base's protocol; the size of the voltage is compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from phasefield import units
from phasefield.analytic.flat_trace import flat_voltages, protocol_trace
from phasefield.case import Case
from phasefield.fitting.tables.small_table import ColumnKind, read_small_table
from phasefield.measured.record import MeasuredError

Floats = NDArray[np.float64]

COLUMNS = {
    "time": ColumnKind(("time", "t"), (units.TIME,)),
    "voltage": ColumnKind(("voltage", "u"), (units.VOLTAGE,)),
}
EXAMPLE = '"time (h), voltage (mV)"'


@dataclass(frozen=True)
class VoltageTable:
    """The size of the voltage [V] at times [s] of a protocol that begins at t = 0."""

    path: Path
    digest: str
    time: Floats
    voltage: Floats

    def predicted(self, case: Case) -> Floats:
        """Return what the flat cell of a case shows in the place of `voltage`. Raises MeasuredError."""
        try:
            drive = protocol_trace(case, self.time)
        except ValueError as error:
            raise MeasuredError(self.path, f"the protocol of the base {error}") from None
        return np.abs(flat_voltages(case, drive))


def read_voltage_table(path: Path) -> VoltageTable:
    """Read a table of voltages over time. Raises MeasuredError, one line, at the first thing that is wrong."""
    table = read_small_table(path, COLUMNS, EXAMPLE)
    if set(table.columns) != set(COLUMNS) or not table.lines:
        raise MeasuredError(path, f"lacks a column, or rows; use {EXAMPLE}")
    time, voltage = (table.columns[key] for key in COLUMNS)
    for k, line in enumerate(table.lines):
        if not np.isfinite(time[k] + voltage[k]) or (k and time[k] <= time[k - 1]):
            raise MeasuredError(path, "has an empty field, or a time that does not increase; correct it", line)
    return VoltageTable(path, table.digest, time, voltage)
