"""A lithium symmetric cell against PyBaMM: three currents, a step change and a relaxation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from phasefield.analytic.closed_forms import film_resistances, overpotential
from phasefield.case import Properties
from phasefield.constants import FARADAY
from phasefield.model.coefficients import Drive
from phasefield.model.level_set import LevelSetLaw
from phasefield.model.state import State
from phasefield.verification.codes.pybamm_cell import CellProfile, profiles
from phasefield.verification.march import driven, make, march, micrometres
from phasefield.verification.row import CheckRow, Curve, Plot, Result

Floats = NDArray[np.float64]

GAP, BELOW = 32.0, 6.0  # um, of electrolyte and of lithium
SPACING = 0.5  # um
DIFFUSIVITY = 1e-11  # m^2/s, at c0
SHARES = (0.25, 0.5, 0.75)  # of the limiting current 2 F D c0 / ((1 - t+) L)
T_PLUS = 0.3
POINTS = 160  # finite volumes of the reference
PART = 0.15  # of L^2/D: duration of each step
COARSE, STEPS = 20, 40  # a step begins with COARSE steps of a hundredth, and goes on with STEPS

CASE = (
    f"grid.size={micrometres(8 * SPACING, BELOW + GAP)}",
    f'grid.spacing="{SPACING} um"',
    f'surface.height="{BELOW} um"',
    f"electrolyte.transference_number={T_PLUS}",
    "electrolyte.thermodynamic_factor=1.8",
    "electrolyte.concentration_dependence={ "
    'concentration=["1 mol/m^3", "500 mol/m^3", "1000 mol/m^3", "2000 mol/m^3", "3000 mol/m^3"], '
    'conductivity=["0.002 S/m", "0.07 S/m", "0.1 S/m", "0.09 S/m", "0.05 S/m"], '
    'diffusivity=["1.4e-11 m^2/s", "1.2e-11 m^2/s", "1e-11 m^2/s", "7e-12 m^2/s", "6e-12 m^2/s"] }',
    'film.conductivity="2e-5 S/m"',
    'counter.film.conductivity="7e-5 S/m"',
    'counter.kinetics.exchange_current_density="60 A/m^2"',
    # A light metal: the reference's lithium does not move.
    'lithium.molar_volume="1.3e-9 m^3/mol"',
    "numerics.tolerance=1e-7",
)
WHY_C = (
    "Both codes are of second order. Ours, the coarser one, has (dx/l)^2 = 0.16 % of a change of half of c0. Here dx "
    "= 0.5 um, and l = sqrt(D t) with t of 0.15 diffusion times."
)
WHY_V = "The relative error of c, times the share of the concentration in the voltage, which is below 1."


def voltage(p: Properties, j: float, profile: CellProfile) -> float:
    """Return U [V] from PyBaMM's electrolyte, and the closed forms of both electrodes at its concentrations."""
    own, other = profile.ends
    inside = -profile.drop
    interfaces = (
        overpotential(p, j, own, p.j0) - overpotential(p, -j, other, p.j0_counter) if j != 0.0 else 0.0
    )
    return j * sum(film_resistances(p)) + interfaces + inside


def limiting_current_at_c0() -> float:
    """Return the limiting current [A/m^2] at the diffusivity of c0."""
    return 2.0 * FARADAY * DIFFUSIVITY * 1000.0 / ((1.0 - T_PLUS) * GAP * 1e-6)


def compare_codes(plan: list[tuple[float, float]]) -> tuple[list[CheckRow], list[Curve], list[tuple[float, float]]]:
    """Run a plan in both codes; return rows, profiles, and errors of c [of c0] and U [relative]."""
    case = make(*CASE)
    cell, s = driven(case, Drive(plan[0][0]))
    p = cell.properties
    reference = profiles(p, GAP * 1e-6, plan, POINTS)
    z = (np.arange(cell.shape[0]) + 0.5) * cell.dx - BELOW * 1e-6
    outer = z > 4.0 * SPACING * 1e-6
    rows, curves, errors = [], [], []
    shares = ""
    for (j, duration), profile in zip(plan, reference, strict=True):
        shares += f"{', then ' if shares else ''}{j / limiting_current_at_c0():.2g}"
        s = _take(cell, s, j, duration)
        c = np.interp(z[outer], profile.x, profile.c)
        phi = np.interp(z[outer], profile.x, profile.phi)
        ours_c, ours = np.asarray(s.c[outer, 0, 0]), np.asarray(s.phi[outer, 0, 0])
        off_c = float(np.abs(ours_c - c).max()) / p.c0
        # The reference's phi is 0 elsewhere: at the counter electrode's electrolyte.
        off_phi = ours - phi - (ours - phi).mean()
        span = max(float(np.ptp(phi)), 1e-3)
        at = f"{shares} j_lim, {profile.t:.0f} s"
        rows += [
            CheckRow(f"c across the electrolyte, {at}", "PyBaMM", 0.0, off_c, 1e-3, WHY_C, "of c0", relative=False),
            CheckRow(
                f"phi across the electrolyte, {at}", "PyBaMM", 0.0, float(np.abs(off_phi).max()) / span, 2e-3,
                "As for c, times dphi/dlnc over the span of phi, which is below 2.", "of its span", relative=False,
            ),
        ]  # fmt: skip
        U = voltage(p, j, profile)
        rows.append(
            CheckRow(f"voltage, {at}", "PyBaMM", U, -s.phi_s, 2e-3 * max(abs(U), 0.01), WHY_V, "V", relative=False)
        )
        curves += [
            Curve(f"PyBaMM, {at}", profile.x * 1e6, profile.c, theory=True),
            Curve(at, np.asarray(z[outer][::4] * 1e6), ours_c[::4]),
        ]
        errors.append((off_c, abs(-s.phi_s - U)))
    return rows, curves, errors


def _take(cell: LevelSetLaw, s: State, j: float, duration: float) -> State:
    """March one step of the plan: small steps first, for the layer that a jump sets off."""
    cell.drive(s, Drive(j))
    s = march(cell, s, Drive(j), 0.01 * duration / COARSE, COARSE)
    s = march(cell, s, Drive(j), 0.09 * duration / COARSE, COARSE)
    return march(cell, s, Drive(j), 0.9 * duration / STEPS, STEPS)


def symmetric(full: bool) -> Result:
    """Hold c, phi and U against PyBaMM: three currents from rest; then a step to a third, and a rest."""
    long = PART * (GAP * 1e-6) ** 2 / DIFFUSIVITY
    rows: list[CheckRow] = []
    curves: list[Curve] = []
    for share in SHARES:
        j = share * limiting_current_at_c0()
        more: list[tuple[float, float]] = []
        if share == SHARES[-1]:
            more = [(j / 3.0, long), (0.0, long)]
        if full and share == SHARES[1]:
            more = [(-j, 2.0 * long)]
        got, drawn, _ = compare_codes([(j, long), *more])
        rows += got
        curves += drawn
    plot = Plot(
        "codes-pybamm", "Salt across a lithium symmetric cell", "z (um)", "c (mol/m^3)", tuple(curves)
    )
    return Result(tuple(rows), (plot,))
