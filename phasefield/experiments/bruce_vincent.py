"""Bruce and Vincent's experiment: a small voltage is held, and the current falls to a steady value.

    t+ = I_ss (dV - I_0 R_0)/(I_0 (dV - I_ss R_ss))     J. Evans, C. A. Vincent, P. G. Bruce, Polymer 28 (1987) 2324

The experiment measures the current fraction. It is t+ for an ideal salt with the diffusivity of Nernst and Einstein;
for another salt it is (L/kappa)/(L/kappa + Z_D), with Z_D of eq. (17).
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from phasefield.analytic.flat_cell import FlatCell
from phasefield.analytic.impedance import FlatImpedance, evans
from phasefield.case import Case
from phasefield.experiments.rows import Rows, rows_of_steps
from phasefield.results.evaluation import Evaluated, Evaluation
from phasefield.results.run import Run
from phasefield.viz.plots.curves import Curve, Plot

MORE = 1.001  # by which both resistances are taken too high, to see what t+ makes of it
TAIL = 0.1  # of the time that the voltage is held: over it the last change of the current is measured
MINUTE, UA_CM2, OHM_CM2 = 60.0, 100.0, 1e4  # s, and factors from SI units


def held(case: Case, run: Run) -> tuple[float, Rows] | None:
    """Return the first held voltage [V] with the rows of its protocol step, or None if the run has none."""
    for rows in rows_of_steps(run):
        voltage = case.protocol.steps[rows.step].voltage if rows.step < len(case.protocol.steps) else None
        if voltage is not None and voltage != 0.0 and rows.time.size > 1:
            return voltage, rows
    return None


def evaluate(case: Case, run: Run) -> Evaluation:
    """Return the current fraction, the two currents and the resistances of a stored run."""
    found = held(case, run)
    if found is None:
        return Evaluation("bruce-vincent", (Evaluated("current_fraction", math.nan, says="no voltage was held"),))
    voltage, rows = found
    flat = FlatCell(case)
    cells = [FlatImpedance(flat.films(float(t)), flat.gap) for t in (rows.time[0], rows.time[-1])]
    before, after = (cell.interfaces for cell in cells)
    first, last = float(rows.current[0]), float(rows.current[-1])
    value = evans(voltage, first, last, before, after)
    by_resistance = abs(evans(voltage, first, last, MORE * before, MORE * after) - value)
    by_grid = 0.5 * (1.0 - value) * case.grid.spacing / flat.gap * abs(value)
    late = float(np.interp(rows.time[-1] - TAIL * (rows.time[-1] - rows.time[0]), rows.time, rows.current))
    by_time = abs(evans(voltage, first, late, before, after) - value)
    share = cells[0].current_fraction
    reasons = {"both interface resistances known to 0.1 %": by_resistance, "the grid": by_grid,
               "the current, which still changes at the end": by_time}  # fmt: skip
    worst = max(reasons, key=lambda reason: reasons[reason])
    t_plus = cells[0].p.t_plus
    says = "for small currents, from t+, D and conductivity"
    if abs(share - t_plus) > 0.01:
        says += f"; t+ is {t_plus:.3g}: D is not that of Nernst and Einstein, or activities change with concentration"
    return Evaluation(
        "bruce-vincent",
        (
            Evaluated("current_fraction", value, max(reasons.values()), f"after Evans; limited by {worst}"),
            Evaluated("current_fraction_uncorrected", last / first, says="steady over first current"),
            Evaluated("current_fraction_of_salt", share, says=says),
            Evaluated("first_current", first),
            Evaluated("steady_current", last, abs(late - last), "its change in the last tenth of the time"),
            Evaluated("interface_resistance_before", before, says="both electrodes"),
            Evaluated("interface_resistance_after", after, says="both electrodes"),
            Evaluated("electrolyte_resistance", cells[0].bulk),
        ),
        f"{1e3 * voltage:.4g} mV held for {(rows.time[-1] - rows.time[0]) / 3600.0:.3g} h. Evans' correction uses the "
        "interface resistances of the flat cell's spectrum, with the film as it is at the start and at the end.",
    )


def panels(case: Case, run: Run) -> tuple[Plot, ...]:
    """Return the current over time, and the spectra of the flat cell before and after."""
    found = held(case, run)
    if found is None:
        return ()
    _, rows = found
    time, current = (rows.time - rows.time[0]) / MINUTE, UA_CM2 * rows.current
    flat, spectra = FlatCell(case), []
    for when, at in (("before", 0), ("after", -1)):
        cell = FlatImpedance(flat.films(float(rows.time[at])), flat.gap)
        Z = OHM_CM2 * cell.at(cell.frequencies())
        spectra.append(Curve(when, Z.real, -Z.imag, True))
    if all(np.allclose(getattr(spectra[0], xy), getattr(spectra[1], xy), rtol=1e-3) for xy in "xy"):
        spectra = [replace(spectra[0], name="before and after")]
    ends = np.array([time[0], time[-1]])
    minus_im = "\N{MINUS SIGN}Im Z (ohm cm^2)"
    curves = (Curve("current", time, current, True), Curve("first and steady", ends, current[[0, -1]]))
    return (
        Plot("experiment", "Current at a held voltage", "time (min)", "current density (uA/cm^2)", curves),
        Plot("experiment", "Spectrum of the flat cell", "Re Z (ohm cm^2)", minus_im, tuple(spectra)),
    )
