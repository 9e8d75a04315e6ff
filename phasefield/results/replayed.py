"""The voltage that was measured while the current flowed which a run replays, and how far the run is from it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from phasefield import units
from phasefield.results.run import Run
from phasefield.units import UnitError, to_si

MEASURED_RMS = "measured_voltage_rms"
"""Name in `summary.json` of the rms difference of simulated and measured voltage, V."""

MOST_POINTS = 10_000


class MeasuredVoltage(NamedTuple):
    """A measured voltage [V] over the time of the run [s], and the name of its file."""

    time: NDArray[np.float64]
    voltage: NDArray[np.float64]
    file: str


def measured_voltage(tables: Mapping[str, Any]) -> MeasuredVoltage | None:
    """Return the measured voltage of a run that replays a file; None of any other, or where its case is damaged.

    tables: of the resolved case (`Run.tables`).
    """
    protocol = tables.get("protocol")
    held = protocol.get("measured") if isinstance(protocol, dict) else None
    if not isinstance(protocol, dict) or not isinstance(held, dict):
        return None
    time, voltage = _column(held.get("time"), units.TIME), _column(held.get("voltage"), units.VOLTAGE)
    if not len(time) or len(time) != len(voltage) or np.any(np.diff(time) < 0.0):
        return None
    return MeasuredVoltage(time, voltage, str(protocol.get("file", "")))


def _column(values: Any, kind: units.Kind) -> NDArray[np.float64]:
    if not isinstance(values, list) or len(values) > MOST_POINTS:
        return np.zeros(0)
    try:
        return np.array([to_si(text, kind) for text in values])
    except (UnitError, TypeError):
        return np.zeros(0)


def rms_difference(run: Run) -> float | None:
    """Return the rms difference [V] of simulated and measured voltage over the time that both have; None without.

    Each time step counts with its length, at its end.
    """
    measured = measured_voltage(run.tables)
    if measured is None:
        return None
    time, voltage = (np.asarray(run.series[name]) for name in ("time", "voltage"))
    both = (time[1:] >= measured.time[0]) & (time[1:] <= measured.time[-1] * (1.0 + 1e-9))
    dt = np.diff(time)[both]
    if not dt.sum() > 0.0:
        return None
    off = voltage[1:][both] - np.interp(time[1:][both], measured.time, measured.voltage)
    return math.sqrt(float(np.sum(dt * off**2) / dt.sum()))
