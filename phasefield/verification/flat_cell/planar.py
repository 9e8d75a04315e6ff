"""Closed forms of a flat cell: planar voltage, settled gradient, growth at an imposed voltage."""

from __future__ import annotations

import numpy as np

from phasefield.analytic.closed_forms import planar_voltage
from phasefield.constants import FARADAY
from phasefield.model.coefficients import Drive
from phasefield.model.level_set import LevelSetLaw
from phasefield.model.state import State
from phasefield.verification import small_cases
from phasefield.verification.march import driven, make, march
from phasefield.verification.row import Check, CheckRow, Curve, Floats, Plot, Result

LENGTH = 32e-6  # m, gap of the planar cells
DIFFUSIVITY = 1e-11  # m^2/s
# kappa [S/cm], t+, film conductivity [S/m], share of the limiting current, kappa(c). Kinetics, film, resistance
# and diffusion potential are each at least 3 % of the voltage: several times the tolerance.
SETTINGS = (
    (5e-4, 0.4, 2e-5, 0.5, "constant"),
    (2e-4, 0.2, 4e-5, 0.6, "nernst-einstein"),
    (1e-3, 0.7, 5e-5, 0.3, "constant"),
    (5e-4, 0.4, 2e-5, -0.5, "nernst-einstein"),
)
TRANSIENTS, STEPS = 2.0, 16  # length of a march in L^2/D, and its steps
KNOWN = 0.05  # of a cell, to which the place is known where an element reads
SOLVER = 1e-5  # numerics.tolerance of the settled cells


def settled(
    size: tuple[float, ...], setting: tuple[float, float, float, float, str]
) -> tuple[LevelSetLaw, State, float]:
    """March a flat cell until its salt has settled; return it and its current density [A/m^2]."""
    kappa, t_plus, film, share, dependence = setting
    j = share * 2.0 * FARADAY * DIFFUSIVITY * 1e3 / ((1.0 - t_plus) * LENGTH)
    case = make(
        small_cases.box(*size),
        f"numerics.tolerance={SOLVER:g}",
        f'electrolyte.conductivity="{kappa} S/cm"',
        f"electrolyte.transference_number={t_plus}",
        f'electrolyte.concentration_dependence="{dependence}"',
        f'electrolyte.salt_diffusivity="{DIFFUSIVITY} m^2/s"',
        "electrolyte.thermodynamic_factor=2.5",
        f'film.conductivity="{film} S/m"',
        'counter.film.conductivity="7e-5 S/m"',
        'counter.kinetics.exchange_current_density="60 A/m^2"',
        small_cases.LIGHT,
    )
    cell, state = driven(case, Drive(j))
    dt = TRANSIENTS * LENGTH**2 / DIFFUSIVITY / STEPS
    return cell, march(cell, state, Drive(j), dt, STEPS), j


def planar(full: bool) -> Result:
    """Return voltage and gradient of settled flat cells."""
    rows: list[CheckRow] = []
    curves: list[Curve] = []
    sizes: list[tuple[float, ...]] = [(8.0, 40.0), *([(8.0, 8.0, 40.0)] if full else [])]
    for size in sizes:
        for setting in SETTINGS:
            cell, state, j = settled(size, setting)
            kappa, t_plus, _, share, dependence = setting
            what = f"{len(size)}D, {share:g} j_lim, t+ {t_plus:g}, {1e3 * kappa:g} mS/cm, {dependence}"
            parts = planar_voltage(cell.properties, j, small_cases.gap(cell, state), settled=True)
            assert parts is not None
            rows.append(_voltage(cell, -state.phi_s, parts.total, j, what))
            z: Floats = (np.arange(cell.shape[0], dtype=np.float64) + 0.5) * cell.dx
            far = z > z[-1] - 0.75 * LENGTH  # six cells from the interface on
            slope = float(np.polyfit(z[far], state.c[far, 0, 0], 1)[0])
            expected = j * (1.0 - t_plus) / (FARADAY * DIFFUSIVITY)
            rows.append(_gradient(cell, slope, expected, t_plus, what))
            if len(size) == 2:
                open_ = state.front.h[:, 0, 0] > 0.5
                top = cell.properties.c0 + expected * (
                    z - (z[-1] + 0.5 * cell.dx - 0.5 * small_cases.gap(cell, state))
                )
                curves.append(
                    Curve(f"theory, {share:g} j_lim, t+ {t_plus:g}", 1e6 * z[open_], top[open_], True)
                )
                curves.append(
                    Curve(f"measured, {share:g} j_lim, t+ {t_plus:g}", 1e6 * z[open_], state.c[open_, 0, 0])
                )
    plot = Plot(
        "planar",
        "Salt between flat electrodes, settled",
        "height (um)",
        "concentration (mol/m\N{SUPERSCRIPT THREE})",
        tuple(curves),
    )
    return Result(tuple(rows), (plot,))


def _voltage(cell: LevelSetLaw, measured: float, expected: float, j: float, what: str) -> CheckRow:
    p = cell.properties
    at_surface = p.c0 * (1.0 - abs(j) * (1.0 - p.t_plus) * LENGTH / (2.0 * FARADAY * p.D * p.c0))
    steep = abs(j) * (1.0 - p.t_plus) / (FARADAY * p.D) / at_surface
    beta = 2.0 / cell.co.kinetics.f * (1.0 - p.t_plus) * p.chi
    low = at_surface / p.c0 if p.dependence == "nernst-einstein" else 1.0
    field = abs(j) / (p.kappa * low) + beta * steep  # V/m at the surface
    return CheckRow(
        f"voltage, {what}",
        "planar voltage",
        expected,
        measured,
        KNOWN * cell.dx * field / abs(expected) + 10.0 * SOLVER,
        "An element reads c and psi at a position that is uncertain by 0.03 of a cell, as measured. The causes are "
        "closed cells, the salt in the interface and the form of its profile. The tolerance is half as much again, "
        "times the gradient of what drives current and salt there, and ten times the solver's 1e-5.",
        "V",
    )


def _gradient(cell: LevelSetLaw, measured: float, expected: float, t_plus: float, what: str) -> CheckRow:
    carried = cell.properties.V_m * cell.properties.c0 / (1.0 - t_plus)
    return CheckRow(
        f"gradient, {what}",
        "j (1 - t+)/(F D)",
        expected,
        measured,
        2.0 * carried + 10.0 * SOLVER,
        "The exact solution is linear, and differences of second order are exact for it. The displaced electrolyte "
        "remains, with V_m c/(1 - t+) of the flux for the light metal of this check (twice). The solvers remain (ten "
        f"times 1e-5), and exp(-2 pi^2) of the transient after {TRANSIENTS:g} L^2/D.",
        "mol/m^4",
    )


VOLTAGES = (0.05, 0.2)  # V
FILM = 2e4  # S/m^2: kappa R is 5 cells
MOVED = 0.0065  # of a cell: closed cells move what an element reads by so much on the mean, where the salt is uniform
GROWN = 0.4  # share of the gap that is filled
CELLS = 40  # of the gap at the start


def ohmic(full: bool) -> Result:
    """Return the gap of a flat cell at an imposed voltage, fast kinetics, thin film, no salt gradient (t+ = 1)."""
    rows, curves = [], []
    for voltage in VOLTAGES:
        case = make(
            small_cases.box(8.0, CELLS + 8.0),
            "electrolyte.transference_number=1.0",
            small_cases.conductance(FILM),
            'counter.film.conductivity="1 S/m"',
            'kinetics.exchange_current_density="1e7 A/m^2"',
        )
        drive = Drive(None, voltage)
        cell, state = driven(case, drive)
        p, first = cell.properties, small_cases.gap(cell, state)
        # What does not change, as a length of electrolyte: film, and RT/(F j0) of both sides.
        extra = (1.0 / FILM + 2.0 / (cell.co.kinetics.f * 1e7)) * p.kappa
        rate = 2.0 * p.V_m * p.kappa / FARADAY * voltage  # m^2/s of (L - x + extra)^2
        end = ((first + extra) ** 2 - ((1.0 - GROWN) * first + extra) ** 2) / rate
        times, gaps = [0.0], [first]

        def look(s: State, cell: LevelSetLaw = cell, times: list[float] = times, gaps: list[float] = gaps) -> None:
            times.append(s.t)
            gaps.append(small_cases.gap(cell, s))

        steps = 400 if full else 100
        march(cell, state, drive, end / steps, steps, look)
        t, got = np.array(times), np.array(gaps)
        law = np.sqrt((first + extra) ** 2 - rate * t) - extra
        tolerance = 2e-3 * cell.dx / (GROWN * first) + MOVED * cell.dx / (first + extra) + 1.0 / steps**2
        rows.append(
            CheckRow(
                f"thickness grown, {voltage:g} V",
                "(l - x)^2 = (l - x0)^2 - 2 (V_m kappa/F) U t",
                1e6 * float(first - law[-1]),
                1e6 * float(first - got[-1]),
                tolerance,
                "The law is exact for a plane; l is the gap and kappa R of the film. Without a film, waves of one or "
                "two cells would grow by exp(16 k dx) from round-off. The position of d = 0 is known to 2e-3 of a "
                "cell, as xi is closed at 6 W. Cells with nearly no electrolyte are closed. This shortens the path by "
                "1.3 % of a cell at most, and by half of it on the mean. The method is of second order in time: the "
                "error is the square of a step over the path.",
                "um",
            )
        )
        curves += _growth_curves(t, first - law, first - got, f"{voltage:g} V")
    plot = Plot(
        "ohmic-growth", "Flat growth at an imposed voltage", "time (s)", "thickness grown (um)", tuple(curves)
    )
    return Result(tuple(rows), (plot,))


def _growth_curves(t: Floats, law: Floats, got: Floats, name: str) -> list[Curve]:
    return [Curve(f"theory, {name}", t, 1e6 * law, True), Curve(f"measured, {name}", t, 1e6 * got)]


CHECKS = (
    Check(
        "planar",
        "Closed forms",
        "voltage and salt gradient of settled flat cells, both signs of the current",
        planar,
        (1.0, 4.0),
    ),
    Check(
        "ohmic-growth",
        "Closed forms",
        "growth of flat lithium at an imposed voltage, limited by the resistance alone",
        ohmic,
        (2.0, 5.0),
    ),
)
