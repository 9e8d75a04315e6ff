"""What the published law of motion makes of a case: its coefficients, none of which is an input."""

from __future__ import annotations

from collections.abc import Iterator

from phasefield.case import Case
from phasefield.check.finding import Finding, um_or_mm
from phasefield.model.allen_cahn.law import KEEPING, numbers_of

CARRIED = 8.0  # k/(W delta) of the profile is delta/8: what a curvature adds to the front's speed


def law(case: Case) -> Iterator[Finding]:
    """Return the coefficients of eqs. (12) to (16), if the case moves by them."""
    if case.numerics.motion != "allen-cahn":
        return
    n = numbers_of(case)
    found = n.law
    yield Finding("allen-cahn", "barrier W", found.barrier, f"{found.barrier:.3g} J/m^3", "12 gamma/delta")
    yield Finding("", "gradient k", found.gradient, f"{found.gradient:.3g} J/m", "3 gamma delta/2")
    yield Finding("", "exchange L_e", found.exchange, f"{found.exchange:.3g} 1/s", "2 j0/(3 n F C_s delta)")
    words = f"mends the profile {KEEPING:g} times as fast as the front passes it"
    yield Finding("", "mobility L_s", found.mobility, f"{found.mobility:.3g} m^3/(J s)", words)
    yield Finding("", "width delta", found.width, um_or_mm(found.width), "4 W: 0.88 to 0.12 of xi")
    yield Finding("", "ion diffusivity D", n.D, f"{n.D:.3g} m^2/s", "kappa R T/(F^2 c0): t+ = 1")
    radius = KEEPING * found.width / CARRIED
    words = "of a bump whose own curvature moves it as fast as the current does: wider ones only are the model's"
    yield Finding("", "radius of curvature", radius, um_or_mm(radius), words)
    words = "t+, salt diffusivity, thermodynamic factor, film and the counter electrode's kinetics"
    yield Finding("", "not used", 0.0, "-", words)
