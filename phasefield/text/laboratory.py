"""The units in which a laboratory reads results: the one table for terminal, pages and pictures."""

from __future__ import annotations

from phasefield.constants import ELEMENTARY_CHARGE
from phasefield.text.formatting import voltage_unit

LABORATORY = {
    "1": (1.0, ""), "m": (1e6, "um"), "m^3": (1e18, "um3"), "s": (1.0 / 3600.0, "h"), "V/s": (3.6e6, "mV/h"),
    "A/m^2": (0.1, "mA/cm2"), "C/m^2": (1.0 / 36e3, "mAh/cm2"), "ohm m^2": (1e4, "ohm cm2"), "S/m": (1e-2, "S/cm"),
    "mol/m^3": (1e-3, "mol/L"), "m^2/s": (1e4, "cm2/s"), "J": (1.0 / ELEMENTARY_CHARGE, "eV"), "Pa": (1e-6, "MPa"),
}  # fmt: skip
"""Factor to, and name of, the laboratory's unit for each SI unit but the volt: see `voltage_unit`."""


def laboratory_unit(si: str, *values: float) -> tuple[float, str]:
    """Return the factor from an SI unit to that of the laboratory, and its name.

    values: in SI, for which V or mV is chosen; without any a voltage is in V. A unit that is not in the table stays.
    """
    if si == "V":
        return voltage_unit(*values) if values else (1.0, "V")
    return LABORATORY.get(si, (1.0, si))
