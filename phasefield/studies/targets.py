"""What the papers measured and a run can be held against, by the name of the electrolyte."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from phasefield.results.run import Run

CURRENT = 2.0  # A/m^2 at which these cells were cycled, [1] Fig. 4a
TEMPERATURE, WARMER = 303.15, 6.0  # K: of the conductivity of [1], cells cycled at room temperature; farther: not alike
NEAR = 0.01  # a run at another current, or of another length, beyond this share, is not compared
HOUR = 3600.0  # s
LENGTH = 780.0 * HOUR  # [1] Fig. 4a
SOURCE = "[1] Zhang et al., Chem. Sci. 2025, 16, 5028, Fig. 4a, 5a, 5b"

MEASURED: dict[str, dict[str, Any]] = {
    "PLL": {
        "Sz": 200e-6,
        "Sz_text": "> 200",
        "bounds": ("Sz",),
        "voltage_start": 0.200,
        "voltage_end": 1.0,
        "end_time": 110.0 * HOUR,
        "failed": 110.0 * HOUR,
        "failure": "measured: 1 V, then open circuit",
        "start_text": "200",
        "source": SOURCE,
        "note": "voltage fluctuating, open circuit at about 110 h; Sz after cycling, time not stated",
    },
    "PLLZ": {
        "Sz": 50e-6,
        "Sz_text": "about 50",
        "voltage_start": 0.160,
        "voltage_end": 0.160,
        "flat": True,
        "start_text": "about 160",
        "source": SOURCE,
        "note": "flat for 780 h; Sz after 780 h",
    },
}
"""Sz [m], voltages [V], times [s]; the texts are what the paper says, as tables show it (um, mV).

end_time: when voltage_end was read; flat: at any time; failed: when the measured cell failed, which `failure` tells;
bounds: the names of those that are lower bounds.
"""
AT_END = ("Sz", "Sz_text", "bounds")
THEN = ("voltage_end", "end_time", "failed", "failure")


def measured_for(run: Run) -> dict[str, Any]:
    """Return the measured values for a run: of its electrolyte, at its current, at times that it came to.

    Sz stands beside the surface at the end of a run of 780 h only. A voltage that was read at a time bears with it
    `simulated_then`, the voltage [V] of the run at that time. Empty if there are none.
    """
    measured = _same_cell(run)
    if not measured or not run.n_steps:
        return {}
    end = float(run.series["time"][-1])
    away = set(AT_END) if abs(end - LENGTH) > NEAR * LENGTH else set()
    found = dict(measured)
    if found.pop("flat", False) and end <= (1.0 + NEAR) * LENGTH:
        found["end_time"] = end
    if end < (1.0 - NEAR) * found.get("end_time", math.inf):
        away |= set(THEN)
    found = {key: value for key, value in found.items() if key not in away}
    text = str(found.pop("start_text"))
    if "voltage_end" not in found:
        text += " at the start"
    elif found["voltage_end"] == found["voltage_start"]:
        text += ", flat"
    else:
        at = found["end_time"]
        found["simulated_then"] = _voltage_at(run, at)
        text += f" \N{RIGHTWARDS ARROW} {_millivolt(found['voltage_end'])} at {at / HOUR:.4g} h"
        text += f" (simulated {_millivolt(found['simulated_then'])})"
    return {**found, "voltage_text": text}


def _same_cell(run: Run) -> dict[str, Any]:
    try:
        case = run.tables
        name = str(case["electrolyte"]["name"])
        current = str(case["protocol"]["steps"][0].get("current", "0"))
        value = abs(float(current.split()[0]))  # a resolved case is in SI
        warmer = abs(float(str(case.get("temperature", f"{TEMPERATURE} K")).split()[0]) - TEMPERATURE)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        return {}
    alike = "cathode" not in case and warmer <= WARMER and abs(value - CURRENT) <= NEAR * CURRENT
    return MEASURED.get(name, {}) if alike else {}


def _millivolt(volt: float) -> str:
    return f"{float(f'{1e3 * volt:.3g}'):.0f}" if math.isfinite(volt) else "-"


def _voltage_at(run: Run, time: float) -> float:
    """Return the median |voltage| [V] within an hour of a time [s], the half-cycles around it."""
    near = np.abs(np.asarray(run.series["time"]) - time) <= HOUR
    return float(np.median(np.abs(np.asarray(run.series["voltage"])[near]))) if near.any() else math.nan
