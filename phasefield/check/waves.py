"""Waves of the surface by linear theory: which grow, and whether the grid follows those that matter."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from phasefield.analytic import closed_forms as forms
from phasefield.analytic import salt_profile
from phasefield.analytic.flat_cell import FlatStep
from phasefield.case import Case, Properties
from phasefield.check.estimate import plated_height
from phasefield.check.finding import Finding, um_or_mm
from phasefield.text.formatting import number

WAVE_CELLS = 8.0  # of the shortest wave whose growth the grid gets right within 20 %
GROWN = 1.1  # a wave that a half-cycle amplifies by this factor matters
MOST_EXPONENT = 700.0  # exp of more overflows
SCANNED = 1000  # wavelengths that are looked at
MOST_AFFORDED = 2e6  # cells: the largest run whose memory was measured; a step takes seconds to a minute there


class _Growth:
    """How much a wave on a flat surface grows; j [A/m^2], c [mol/m^3] at the surface, plated height [m]."""

    def __init__(self, p: Properties, leg: FlatStep, c: float, gap: float) -> None:
        self.p, self.j, self.c = p, leg.end, c
        self.speed = plated_height(p, self.j)
        self.plated = plated_height(p, leg.charge) if math.isfinite(leg.charge) else gap

    def factor(self, omega: float, height: float) -> float:
        """Return the amplification at a growth rate [1/s] while so much lithium [m] is plated."""
        return math.exp(min(omega / self.speed * height, MOST_EXPONENT))

    def said(self, omega: float) -> str:
        """Return the amplification at a growth rate [1/s] in words."""
        per_um, per_leg = self.factor(omega, 1e-6), self.factor(omega, self.plated)
        return f"x {per_um:.6g} per um of Li, x {per_leg:.6g} per half-cycle"

    def shortest(self, low: float, high: float) -> float | None:
        """Return the shortest wavelength [m] between two that a half-cycle amplifies by GROWN; None if none is."""
        lam = np.geomspace(low, high, SCANNED)
        omega = forms.growth_rate(self.p, self.j, self.c, 2.0 * math.pi / lam)
        grown = np.flatnonzero(omega / self.speed * self.plated > math.log(GROWN))
        return float(lam[grown[0]]) if len(grown) else None


def waves(case: Case, p: Properties, leg: FlatStep, gap: float) -> Iterator[Finding]:
    """Say which waves grow while lithium plates; leg: the strongest plating step; gap [m]."""
    dx = case.grid.spacing
    sides = salt_profile.settled_sides(p, leg.end, gap)
    if sides is None:
        words = "no settled state above the limiting current"
        yield Finding("waves", "critical wavelength", math.nan, "-", words)
        return
    c = sides[0]
    critical = forms.critical_wavelength(p, leg.end, c)
    if critical is None:
        yield Finding("waves", "critical wavelength", math.nan, "none", "every wave is smoothed")
        return
    growth = _Growth(p, leg, c, gap)
    shortest, longest = WAVE_CELLS * dx, max(case.grid.size[:-1])
    words, coarse = _resolution(case, growth, max(critical, forms.WAVELENGTHS[0]))
    yield Finding("waves", "critical wavelength", critical, um_or_mm(critical), words, coarse)
    best, omega = forms.fastest_wave(p, leg.end, c, max(critical, forms.WAVELENGTHS[0]), max(longest, 2.0 * critical))
    yield Finding("waves", "fastest wave", best, um_or_mm(best), growth.said(omega))
    if shortest <= longest:
        at = float(forms.growth_rate(p, leg.end, c, 2.0 * math.pi / shortest))
        name = f"wave of {WAVE_CELLS:g} cells"
        yield Finding("waves", name, at / growth.speed, um_or_mm(shortest), growth.said(at))


def _resolution(case: Case, growth: _Growth, critical: float) -> tuple[str, bool]:
    """Return what the grid makes of the shortest waves that grow, and whether it should be finer.

    It need not carry a wave of the critical length, which does not grow, but the shortest whose growth can be seen.
    """
    dx, followed = case.grid.spacing, WAVE_CELLS * case.grid.spacing
    words = f"{number(critical / dx)} cells; surface energy smooths shorter waves"
    if critical >= followed:
        return words, False
    shortest = growth.shortest(critical, followed)
    if shortest is None:
        none = f"no wave below {um_or_mm(followed)}, {WAVE_CELLS:g} cells, grows by more than 10 % in a half-cycle"
        return f"{words}; not resolved, and it need not be: {none}", False
    needed = shortest / WAVE_CELLS
    cells = case.grid.cells * (dx / needed) ** case.grid.ndim
    misses = f"the grid misses waves of {um_or_mm(shortest)} to {um_or_mm(followed)} that grow by 10 % in a half-cycle"
    if cells <= MOST_AFFORDED:
        return f"{words}; {misses}: give a spacing of {um_or_mm(needed)}, {cells:.2g} cells", True
    says = (
        f"{words}; {misses}. No run can follow them in this box ({um_or_mm(needed)} a cell, {cells:.1g} cells): "
        f"roughness finer than {um_or_mm(followed)} is not predicted. Compare with half the spacing what depends on it"
    )
    return says, False
