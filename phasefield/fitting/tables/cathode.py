"""What a fit of a full cell knows beside eq. (17), and which experiment would settle what it does not know."""

from __future__ import annotations

from collections.abc import Sequence

from phasefield.analytic.closed_forms import film_resistances
from phasefield.case import Case

MAH_CM2, MA_CM2, MV = 3.6e4, 10.0, 1e-3  # C/m^2 in a mAh/cm^2, A/m^2 in a mA/cm^2; V in a mV

SETTLED_BY = {
    "cathode.loading": "weigh the cathode: the mass of its active material per area",
    "cathode.capacity": "a discharge at C/50 or slower, after a charge as slow",
    "cathode.specific_capacity": "a discharge at C/50 or slower, after a charge as slow",
    "cathode.filling": "discharge the cell to its end before the measurement, or measure its voltage at rest",
    "cathode.diffusion_time": "capacities at more and at higher rates, or the relaxation after a pulse (GITT)",
}
TRANSFER = (
    "polarisations at more rates: that of a resistance rises with the current, that of charge transfer with its "
    "logarithm; or a spectrum of two such cathodes"
)
OF_LITHIUM = "fit a lithium cell with this electrolyte, and take its electrolyte file as a part of the base"


def settle_full_cell(key: str, partners: Sequence[str]) -> str:
    """Return which experiment would settle an unknown of a full cell; partners: keys that go along with it."""
    if key in ("cathode.exchange_current_density", "cathode.resistance"):
        return TRANSFER
    if key not in SETTLED_BY:
        return OF_LITHIUM
    parts = [SETTLED_BY[key]]
    if any(one in ("cathode.exchange_current_density", "cathode.resistance") for one in partners):
        parts.append(TRANSFER)
    if any(one.startswith(("film.", "kinetics.", "electrolyte.")) for one in partners):
        parts.append(OF_LITHIUM)
    return "; or ".join(parts)


def cathode_parts(case: Case) -> dict[str, tuple[float, str, float]]:
    """Return value [SI], unit and its size of what rates and traces tell of a cathode; nothing of a lithium cell."""
    c = case.cathode
    if c is None:
        return {}
    return {
        "capacity of the cathode": (c.areal_capacity, "mAh/cm2", MAH_CM2),
        "current of 1 C": (c.one_c, "mA/cm2", MA_CM2),
        "lithium's film at 1 C": (c.one_c * film_resistances(case.properties())[0], "mV", MV),
    }
