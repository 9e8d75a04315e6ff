"""Nuclei on bare metal: how many, on how many cells, what their overpotential does, and the voltage that they need."""

from __future__ import annotations

import math
from collections.abc import Iterator

from phasefield.analytic import closed_forms as forms
from phasefield.analytic.flat_cell import gap_of
from phasefield.case import Case
from phasefield.case.surface import Substrate, number_of_nuclei
from phasefield.check.finding import MA_CM2, Finding, um_or_mm, volts
from phasefield.text.formatting import number

NUCLEUS_CELLS = 4.0  # cells a radius of the results in docs/numerics.md


def nuclei(case: Case) -> Iterator[Finding]:
    """Say what nuclei a run on a bare substrate begins with; nothing where lithium covers the bottom."""
    s = case.surface.substrate
    if s is None:
        return
    count, cells = number_of_nuclei(case.grid, s), s.radius / case.grid.spacing
    apart = math.pow(math.prod(case.grid.size[:-1]) / count, 1.0 / (case.grid.ndim - 1))
    area = 100.0 * _covered(case, s)
    words = f"{um_or_mm(apart)} apart in this box; their surface is {area:.3g} % of the area of the {s.name}"
    yield Finding("nuclei", "number", count, str(count), words)
    words = f"{number(cells)} cells"
    if cells < NUCLEUS_CELLS:
        needed = um_or_mm(s.radius / NUCLEUS_CELLS)
        words += f"; area and current are approximate below {NUCLEUS_CELLS:g} cells: a spacing of {needed} has them"
    yield Finding("nuclei", "radius at the start", s.radius, um_or_mm(s.radius), words)
    ratio = (s.nucleation_overpotential / s.reference_overpotential) ** 3
    words = (
        f"it sets the number alone, {number(ratio)} times that at {volts(s.reference_overpotential)}; the birth of "
        "nuclei is not simulated, and the voltage of the run does not have this spike"
    )
    eta = s.nucleation_overpotential
    yield Finding("nuclei", "nucleation overpotential", eta, volts(eta), words)
    yield from _first_voltage(case, s)


def _covered(case: Case, s: Substrate) -> float:
    """Return the surface of all nuclei over the area of the box.

    On the grid xi = (1 + tanh((r - radius)/(2 W)))/2 or so spreads a half sphere, whose surface is then
    2 pi (radius^2 + (pi W)^2/3). That of a half cylinder, in 2D, stays as it is.
    """
    own = math.pi * s.radius
    if case.grid.ndim == 3:
        own = 2.0 * math.pi * (s.radius**2 + (math.pi * case.numerics.interface_width) ** 2 / 3.0)
    return number_of_nuclei(case.grid, s) * own / math.prod(case.grid.size[:-1])


def _first_voltage(case: Case, s: Substrate) -> Iterator[Finding]:
    """Say what voltage the first plating current needs with nuclei alone to carry it."""
    step = next((step for step in case.protocol.sequence if step.rest is None), None)
    p, j = case.properties(), step.largest_current if step is not None else 0.0
    if step is None or j == 0.0 or step.direction <= 0.0 or case.cathode is not None:
        return
    local = j / _covered(case, s)
    own, other = forms.film_resistances(p)
    through = own * local + other * j
    transfer = forms.overpotential(p, local, p.c0, p.j0) - forms.overpotential(p, -j, p.c0, p.j0_counter)
    value = through + transfer + j * gap_of(case) / p.kappa
    high = value >= case.protocol.voltage_limit
    words = f"{number(local, MA_CM2)} mA/cm2 on the nuclei at {number(j, MA_CM2)} mA/cm2 of the cell"
    words += "; voltages of the flat cell hold once lithium covers the " + s.name
    if high:
        words += f"; above protocol.voltage_limit, {volts(case.protocol.voltage_limit)}: give more or larger nuclei"
    yield Finding("nuclei", "voltage at the nuclei", value, volts(value), words, high)
