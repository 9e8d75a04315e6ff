"""Why PLZ cannot be cycled: voltage and limiting current of a flat cell."""

from __future__ import annotations

import math

from phasefield.analytic.closed_forms import planar_voltage
from phasefield.analytic.flat_cell import FlatCell
from phasefield.analytic.salt_profile import limiting_current
from phasefield.api import read_case
from phasefield.validation.row import PREDICTED, Experiment, Row

CURRENT = 2.0  # A/m^2, at which PLL and PLLZ were cycled, [1] Fig. 4a
MA_CM2, MILLI = 0.1, 1e3  # mA/cm^2 in an A/m^2, mV in a V


def control() -> Experiment:
    """Return limiting current and voltage at 0.2 mA/cm2 of PLZ, beside those of PLL and PLLZ."""
    rows, texts = [], {}
    found: dict[str, float] = {}  # A/m^2
    for name in ("pll", "pllz", "plz"):
        flat = FlatCell(read_case(f"polarisation-{name}"))
        p = flat.films(0.0)
        most = limiting_current(p, flat.gap)
        at_once = planar_voltage(p, CURRENT, flat.gap, settled=False)
        ohmic = math.nan if at_once is None else MILLI * at_once.ohmic
        found[name] = most
        electrolyte = name.upper()
        texts[electrolyte] = f"{MA_CM2 * most:.3g} mA/cm2 and {ohmic:.3g} mV"
        says = "it is proportional to the assumed t+ of 0.1" if name == "plz" else ""
        rows.append(
            Row(
                electrolyte, "limiting current, 70 um", "not cycled" if name == "plz" else "above 0.2", math.nan,
                MA_CM2 * most, "mA/cm2", PREDICTED, "[1] Fig. 4a", "", says,
            )
        )  # fmt: skip
    share = MA_CM2 * found["plz"] / (MA_CM2 * CURRENT)
    shows = (
        "The salt can carry at most the limiting current across 70 um. At 0.2 mA/cm2 the electrolyte alone has an "
        "initial voltage drop. Limiting current and voltage drop are: "
        + "; ".join(f"{name} {text}" for name, text in texts.items())
        + ". The limiting current of PLZ is "
        f"{share:.2g} times the current at which the others were cycled, at any voltage. It does not depend on the "
        "salt concentration: with the diffusivity of Nernst and Einstein, D c0 follows from conductivity and t+."
    )
    return Experiment(
        "PLZ, the control", "Closed forms of the flat polarisation cell.", tuple(rows), (), shows
    )
