"""Bruce and Vincent's experiment: a small voltage is held, and the current falls to a steady value.

    t+ = I_ss (dV - I_0 R_0)/(I_0 (dV - I_ss R_ss))     J. Evans, C. A. Vincent, P. G. Bruce, Polymer 28 (1987) 2324

The first current of a rested cell is that of Ohm's law, I_0 = dV/(L/kappa + R_0). The experiment measures the current
fraction. It is t+ for an ideal salt with the diffusivity of Nernst and Einstein; for another salt it is
(L/kappa)/(L/kappa + Z_D), with Z_D of eq. (17).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from phasefield.analytic.flat_cell import FlatCell
from phasefield.analytic.impedance import OTHER_FRACTION, FlatImpedance, evans_current_fraction
from phasefield.case import Case
from phasefield.constants import FARADAY
from phasefield.experiments.rows import Rows, has_two_films, is_driven, rows_of_steps
from phasefield.results.evaluation import Evaluated, Evaluation
from phasefield.results.run import Run
from phasefield.text.formatting import spell
from phasefield.viz.plots.curves import Curve, Plot

MORE = 1.001  # by which both resistances are taken too high, to see what t+ makes of it
TAIL = 0.1  # of the time that the voltage is held: over it the last change of the current is measured
SETTLED = 1.5  # relaxation times of the salt: a voltage held for less gives no number
SMALL = 0.01  # V; above it charge transfer is not linear
MINUTE, HOUR, UA_CM2, OHM_CM2 = 60.0, 3600.0, 100.0, 1e4  # s, and factors from SI units


@dataclass(frozen=True)
class Held:
    """A held voltage [V], the rows of its protocol step, and the flat cell before and after it."""

    voltage: float
    rows: Rows
    before: FlatImpedance
    after: FlatImpedance


def held(case: Case, run: Run) -> Held | str:
    """Return the first held voltage of a stored run, or why it gives no current fraction."""
    if not has_two_films(case):
        return "two lithium electrodes with films are needed"
    if case.film.plating_share > 0.0:
        return "plating forms film, and the flat cell's spectrum does not know how much"
    for rows in rows_of_steps(run):
        if not is_driven(case, rows):
            continue
        voltage = case.protocol.sequence[rows.step].voltage
        if not isinstance(voltage, float):
            what = "current" if voltage is None else "sweep"
            return f"a {what} was imposed before: the salt was not at rest"
        flat = FlatCell(case)
        before, after = (FlatImpedance(flat.films(t), flat.gap) for t in (rows.start, float(rows.time[-1])))
        length, needed = float(rows.time[-1]) - rows.start, SETTLED * flat.gap**2 / (math.pi**2 * before.p.D)
        if length < needed:
            return f"the voltage was held for {spell(length)}; the salt needs {spell(needed)} at least"
        return Held(voltage, rows, before, after)
    return "no voltage was held"


def evaluate(case: Case, run: Run) -> Evaluation:
    """Return the current fraction, the two currents and the resistances of a stored run."""
    found = held(case, run)
    if isinstance(found, str):
        return Evaluation("bruce-vincent", (Evaluated("current_fraction", math.nan, says=found),))
    voltage, rows, cell = found.voltage, found.rows, found.before
    before, after, last = cell.interfaces, found.after.interfaces, float(rows.current[-1])
    first = voltage / (cell.bulk + before)

    def fraction(steady: float, more: float = 1.0) -> float:
        first = voltage / (cell.bulk + more * before)
        return evans_current_fraction(voltage, first, steady, more * before, more * after)

    value, length = fraction(last), float(rows.time[-1]) - rows.start
    tail = TAIL * length
    late = float(np.interp(rows.time[-1] - tail, rows.time, rows.current)) if rows.time.size > 1 else first
    relaxation = cell.gap**2 / (math.pi**2 * cell.p.D)
    to_come = (late - last) / math.expm1(min(tail / relaxation, 50.0))  # of a current that decays with it
    plated = cell.p.V_m * abs(rows.passed) / FARADAY
    reasons = {
        "both interface resistances known to 0.1 %": abs(fraction(last, MORE) - value),
        "the current, which still changes at the end": abs(fraction(last - to_come) - value),
        "the lithium plated, which changes the gap": abs(value) * plated / cell.gap,
        "charge transfer, which is not linear above 10 mV": abs(value) * max(abs(voltage) / SMALL - 1.0, 0.0) * 0.01,
    }
    worst = max(reasons, key=lambda reason: reasons[reason])
    share, t_plus = cell.current_fraction, cell.p.t_plus
    says = "for small currents, from t+, D and conductivity"
    if not cell.gives_t_plus:
        says += f"; t+ is {t_plus:.3g}: {OTHER_FRACTION}"
    return Evaluation(
        "bruce-vincent",
        (
            Evaluated("current_fraction", value, max(reasons.values()), f"after Evans; limited by {worst}"),
            Evaluated("current_fraction_uncorrected", last / first, says="steady over first current"),
            Evaluated("current_fraction_of_salt", share, says=says),
            Evaluated("first_current", first, says="by Ohm's law, from the spectrum of the rested cell"),
            Evaluated("steady_current", last, abs(to_come), "what is still to come of its decay"),
            Evaluated("interface_resistance_before", before, says="both electrodes"),
            Evaluated("interface_resistance_after", after, says="both electrodes"),
            Evaluated("electrolyte_resistance", cell.bulk),
        ),
        f"{1e3 * voltage:.4g} mV held for {spell(length)}. Evans' correction uses the interface resistances of the "
        "flat cell's spectrum, with the film as it is at the start and at the end.",
    )


def panels(case: Case, run: Run) -> tuple[Plot, ...]:
    """Return the current over time, and the spectra of the flat cell before and after."""
    found = held(case, run)
    if isinstance(found, str):
        return ()
    rows = found.rows
    time, current = (rows.time - rows.start) / MINUTE, UA_CM2 * rows.current
    if rows.time[0] > rows.start:  # the current of the rested cell is not stored
        first = found.voltage / (found.before.bulk + found.before.interfaces)
        time, current = np.insert(time, 0, 0.0), np.insert(current, 0, UA_CM2 * first)
    spectra = []
    for when, cell in (("before", found.before), ("after", found.after)):
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
