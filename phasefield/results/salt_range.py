"""Whether the salt of a cell stays where the law of its electrolyte holds."""

from __future__ import annotations

from phasefield.text.formatting import number

MOLAR = 1e-3  # mol/L in a mol/m^3
# A litre of a carbonate or an ether holds 10 to 15 mol of solvent: above 3 mol/L each Li+ has fewer than about four
# molecules, the shell that it binds. Ions are then no longer apart, and many salts are near their solubility.
CONCENTRATED = 3e3  # mol/m^3


def beyond_law(least: float, most: float, measured: tuple[float, float] | None) -> str:
    """Return in words how far the salt leaves the range where its law holds; empty if it does not.

    least, most: concentrations that occur [mol/m^3]; measured: ends of the table of the electrolyte, if it has one.
    """
    if measured is not None:
        if measured[0] <= least and most <= measured[1]:
            return ""
        span = f"{number(measured[0], MOLAR)} to {number(measured[1], MOLAR)} mol/L"
        ends = f"{number(least, MOLAR)} to {number(most, MOLAR)} mol/L"
        return f"{ends} is beyond the measured table, {span}; its last values are held there"
    if most <= CONCENTRATED:
        return ""
    return (
        f"up to {number(most, MOLAR)} mol/L: the law of an ideal dilute solution is used far outside of its range, and "
        "the salt may not dissolve; give electrolyte.concentration_dependence as a measured table"
    )
