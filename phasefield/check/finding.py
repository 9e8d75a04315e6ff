"""What is said of a case, statement by statement."""

from __future__ import annotations

from dataclasses import dataclass

from phasefield.text.formatting import MICRO, number, voltage_unit

MA_CM2 = 0.1  # mA/cm^2 in an A/m^2


@dataclass(frozen=True)
class Finding:
    """One statement: `value` in SI, as `text` with its unit, in `words`; `warning`: it should be changed."""

    topic: str
    name: str
    value: float
    text: str
    words: str = ""
    warning: bool = False


def um_or_mm(length: float) -> str:
    """Return a length in um, or mm where that reads better."""
    return f"{number(length, 1e3)} mm" if length >= 1e-3 else f"{number(length, MICRO)} um"


def volts(value: float) -> str:
    """Return a voltage in V, or in mV below a volt."""
    scale, unit = voltage_unit(value)
    return f"{number(value, scale)} {unit}"
