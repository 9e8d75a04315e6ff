"""Tafel plot after Allen and Hickling: exchange current density and transfer coefficient from held voltages.

    j/(1 - exp(-F eta/RT)) = j0 exp(alpha F eta/RT)     P. A. Allen, A. Hickling, Trans. Faraday Soc. 53 (1957) 1626

Each of the two lithium surfaces has half of the voltage that electrolyte, films and salt leave, as alpha is one half.
In a short time t the salt at a surface changes by the share s = 2 j (1 - t+) sqrt(t/(pi D))/(F c0), less at one surface
and more at the other (F. G. Cottrell, Z. phys. Chem. 42 (1903) 385); its voltage is beta ln((1 + s)/(1 - s)).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from phasefield.analytic.closed_forms import diffusion_potential
from phasefield.analytic.flat_cell import FlatCell
from phasefield.analytic.impedance import FlatImpedance
from phasefield.case import Case
from phasefield.constants import FARADAY, GAS_CONSTANT
from phasefield.experiments.rows import has_two_films, is_driven, rows_of_steps
from phasefield.results.evaluation import Evaluated, Evaluation
from phasefield.results.run import Run
from phasefield.viz.plots.curves import Curve, Plot

HALF = 0.5
MOST = 0.1  # of the salt at a surface: a held voltage that changes more is left out
LEAST, SPAN = 3, 0.013  # points of a fit, and V between them: half of RT/F
MV, MA_CM2 = 1e3, 0.1

Floats = NDArray[np.float64]


def points(case: Case, run: Run) -> tuple[Floats, Floats]:
    """Return overpotential [V] of one surface and j/(1 - exp(-F eta/RT)) [A/m^2] at the end of each held voltage.

    Left out are those that deplete more than a tenth of the salt at a surface.
    """
    if not has_two_films(case):
        return np.zeros(0), np.zeros(0)
    ends = [
        rows for rows in rows_of_steps(run)
        if is_driven(case, rows) and isinstance(case.protocol.sequence[rows.step].voltage, float)
        and rows.time[-1] > rows.start and np.isfinite(rows.current[-1] * rows.voltage[-1])
    ]  # fmt: skip
    U, j = (np.abs([getattr(rows, name)[-1] for rows in ends]) for name in ("voltage", "current"))
    t = np.array([rows.time[-1] - rows.start for rows in ends])
    flat = FlatCell(case)
    cells = [FlatImpedance(flat.films(float(rows.time[-1])), flat.gap) for rows in ends]
    p = cells[0].p if cells else case.properties()
    R = np.array([Z.bulk + sum(Z.films) for Z in cells])  # with the film as it is then
    s = 2.0 * j * (1.0 - p.t_plus) * np.sqrt(t / (math.pi * p.D)) / (FARADAY * p.c0)
    U, j, s, R = (x[s < MOST] for x in (U, j, s, R))
    eta = 0.5 * (U - j * R - diffusion_potential(p) * np.log((1.0 + s) / (1.0 - s)))
    return eta, j / -np.expm1(-FARADAY * eta / (GAS_CONSTANT * case.temperature))


def _fit(case: Case, eta: Floats, ordinate: Floats) -> tuple[float, float, float, float]:
    """Return j0 [A/m^2], alpha, and the standard errors of both."""
    u = FARADAY * eta / (GAS_CONSTANT * case.temperature)
    A = np.stack([np.ones_like(u), u], axis=1)
    (offset, slope), *_ = np.linalg.lstsq(A, np.log(ordinate), rcond=None)
    off = np.log(ordinate) - A @ np.array([offset, slope])
    errors = np.sqrt(np.diag(np.linalg.inv(A.T @ A)) * float(off @ off) / max(u.size - 2, 1))
    return math.exp(offset), float(slope), math.exp(offset) * float(errors[0]), float(errors[1])


def evaluate(case: Case, run: Run) -> Evaluation:
    """Return exchange current density and transfer coefficient of a stored run, with their standard errors."""
    eta, ordinate = points(case, run)
    good = (eta > 0.0) & (ordinate > 0.0)
    eta, ordinate = eta[good], ordinate[good]
    if eta.size < LEAST or float(np.ptp(eta)) < SPAN:
        says = "three held voltages or more are needed, with overpotentials of lithium over 13 mV at least"
        return Evaluation("tafel", (Evaluated("exchange_current_density", math.nan, says=says),))
    j0, alpha, j0_error, alpha_error = _fit(case, eta, ordinate)
    says = f"fitted from {MV * float(eta.min()):.3g} to {MV * float(eta.max()):.3g} mV at one surface"
    half = "one half is assumed in the halving of the voltage"
    if case.kinetics.transfer_coefficient != HALF:
        half += f"; the case has {case.kinetics.transfer_coefficient:.3g}, so both results are off by more than the fit"
        j0_error = alpha_error = math.nan
    return Evaluation(
        "tafel",
        (
            Evaluated("exchange_current_density", j0, j0_error, says),
            Evaluated("transfer_coefficient", alpha, alpha_error, half),
        ),
        "The voltage across electrolyte and films is taken off, from the spectrum of the flat cell, and that of the "
        "salt by Cottrell's law. Voltages that deplete more than a tenth of the salt at a surface are left out. "
        "Resolutions are standard errors of the fit.",
    )


def panels(case: Case, run: Run) -> tuple[Plot, ...]:
    """Return the Allen-Hickling plot with the fit."""
    eta, ordinate = points(case, run)
    if not eta.size:
        return ()
    found = {one.name: one.value for one in evaluate(case, run).results}
    curves = [Curve("held voltages", MV * eta, MA_CM2 * ordinate)]
    if "transfer_coefficient" in found:
        x = np.linspace(0.0, float(eta.max()), 50)
        u = found["transfer_coefficient"] * FARADAY * x / (GAS_CONSTANT * case.temperature)
        j0 = MA_CM2 * found["exchange_current_density"]
        name = f"fit: j₀ = {j0:.3g} mA/cm^2, \N{GREEK SMALL LETTER ALPHA} = {found['transfer_coefficient']:.3g}"
        curves.append(Curve(name, MV * x, j0 * np.exp(u), True))
    label = "j/[1 \N{MINUS SIGN} exp(\N{MINUS SIGN}Fη/RT)] (mA/cm^2)"
    return (Plot("experiment", "Tafel plot", "overpotential of one surface (mV)", label, tuple(curves), "y"),)
