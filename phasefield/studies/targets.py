"""What the papers measured and a run can be held against, by the name of the electrolyte."""

from __future__ import annotations

from typing import Any

from phasefield.results.run import Run

CURRENT = 2.0  # A/m^2 at which these cells were cycled, [1] Fig. 4a
NEAR = 0.01  # a run at another current, or of another length, beyond this share, is not compared
LENGTH = 780.0  # h, [1] Fig. 4a
HOUR = 3600.0  # s
SOURCE = "[1] Zhang et al., Chem. Sci. 2025, 16, 5028, Fig. 4a, 5a, 5b"

MEASURED: dict[str, dict[str, Any]] = {
    "PLL": {
        "Sz": 200e-6,
        "Sz_text": "> 200",
        "voltage_start": 0.200,
        "voltage_end": 1.0,
        "voltage_text": "200 \N{RIGHTWARDS ARROW} 1000 (110 h)",
        "source": SOURCE,
        "hours": 110.0,
        "note": "voltage fluctuating, open circuit at about 110 h; Sz after cycling, time not stated",
    },
    "PLLZ": {
        "Sz": 50e-6,
        "Sz_text": "about 50",
        "voltage_start": 0.160,
        "voltage_end": 0.160,
        "voltage_text": "about 160, flat",
        "source": SOURCE,
        "hours": 780.0,
        "note": "flat for 780 h; Sz after 780 h",
    },
}
"""Sz [m], voltages [V]; the texts are what the paper says, as tables show it (um, mV)."""


def measured_for(run: Run) -> dict[str, Any]:
    """Return the measured values for a run: of its electrolyte, at its current; empty if there are none."""
    try:
        case = run.tables
        name = str(case["electrolyte"]["name"])
        current = str(case["protocol"]["steps"][0].get("current", "0"))
        value = abs(float(current.split()[0]))  # a resolved case is in SI
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        return {}
    alike = "cathode" not in case and abs(value - CURRENT) <= NEAR * CURRENT
    return MEASURED.get(name, {}) if alike else {}


def marks_for(run: Run) -> dict[str, Any]:
    """Return what pictures show of the measured values: no mark at the end of a run of another length.

    The texts stay. PLL's voltage was last read at 110 h; the Sz of both stands at the end of 780 h.
    """
    measured = measured_for(run)
    hours = float(run.series["time"][-1]) / HOUR if run.n_steps else 0.0
    away = [] if abs(hours - LENGTH) <= NEAR * LENGTH else ["Sz"]
    if measured and abs(hours - measured["hours"]) > NEAR * measured["hours"]:
        away.append("voltage_end")
    return {key: value for key, value in measured.items() if key not in away}
