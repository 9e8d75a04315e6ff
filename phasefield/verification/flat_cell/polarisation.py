"""The transference number from a polarised symmetric cell, as an experimenter takes it: Bruce and Vincent, Evans.

J. Evans, C. A. Vincent, P. G. Bruce, Polymer 28 (1987) 2324: t+ = I_ss (dV - I_0 R_0) / (I_0 (dV - I_ss R_ss)).
"""

from __future__ import annotations

import numpy as np

from phasefield.model.coefficients import Drive
from phasefield.model.state import State
from phasefield.verification import small_cases
from phasefield.verification.march import driven, make, march
from phasefield.verification.row import Check, CheckRow, Curve, Floats, Plot, Result

VOLTAGE = 2e-3  # V
GAP, LITHIUM = 160, 8  # cells
DIFFUSIVE_TIMES, STEPS = 1.5, 30  # length of the march in L^2/D
WITHIN = 0.005
SHOWN = (0.2, 0.4, 0.7)  # t+ of the fast set, and of the figure
NO_FILM = ('film.conductivity="1e-2 S/m"', 'kinetics.exchange_current_density="1e4 A/m^2"')  # next to nothing
# 20 nm / 2e-5 S/m = 1e-3 ohm m^2 on each side, as against the gap's 1.6e-3, and kinetics of another 3e-4.
FILM = ('film.conductivity="2e-5 S/m"', 'kinetics.exchange_current_density="100 A/m^2"')
WHY = (
    "The requirement is 0.005. An ideal dilute salt with D of Nernst and Einstein gives i_ss/i_0 = t+ up to (F "
    "U/4RT)^2 = 4e-4 of itself. The first current assumes settled salt at the counter electrode. It therefore lacks "
    "(1 - t+)/t+ of the resistance of half a cell. This makes t+ too large by (1 - t+)/2 dx/L = 0.003 at most."
)


def polarised(t_plus: float, film: bool) -> tuple[float, Floats, Floats]:
    """Return t+ after Evans, and times [s] and currents [A/m^2]."""
    case = make(
        small_cases.box(8.0, GAP + LITHIUM),
        f"electrolyte.transference_number={t_plus}",
        'electrolyte.salt_diffusivity="nernst-einstein"',
        *(FILM if film else NO_FILM),
        small_cases.LIGHT,
        "numerics.tolerance=1e-7",
    )
    drive = Drive(None, VOLTAGE)
    cell, state = driven(case, drive)
    times, currents = [0.0], [cell.current(state)]

    def look(s: State) -> None:
        times.append(s.t)
        currents.append(cell.current(s))

    p, f = cell.properties, cell.co.kinetics.f
    span = DIFFUSIVE_TIMES * small_cases.gap(cell, state) ** 2 / p.D
    march(cell, state, drive, span / STEPS, STEPS, look)
    # What impedance would give of the interfaces, at the start and at the end alike: both films, both charge transfers.
    resistance = 2.0 * (p.film_thickness / p.film_conductivity + 1.0 / (f * p.j0))
    first, last = currents[0], currents[-1]
    found = last * (VOLTAGE - first * resistance) / (first * (VOLTAGE - last * resistance))
    return found, np.array(times), np.array(currents)


def bruce_vincent(full: bool) -> Result:
    """Return the transference numbers that the experiment recovers."""
    rows, curves = [], []
    for t_plus in SHOWN if not full else (0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9):
        for film in (False, True):
            found, times, currents = polarised(t_plus, film)
            what = "with film and kinetics" if film else "bare"
            rows.append(
                CheckRow(
                    f"t+ of a cell {what}, {t_plus:g} put in",
                    "Bruce-Vincent, Evans",
                    t_plus,
                    found,
                    WITHIN,
                    WHY,
                    "",
                    False,
                )
            )
            if t_plus in SHOWN and not film:
                curves.append(Curve(f"measured, {t_plus:g}", times, currents / currents[0]))
                curves.append(Curve(f"t+ = {t_plus:g}", times[[0, -1]], np.full(2, t_plus), True))
    plot = Plot(
        "bruce-vincent",
        "Current after a step of 2 mV, bare electrodes",
        "time (s)",
        "current over the first",
        tuple(curves),
    )
    return Result(tuple(rows), (plot,))


CHECKS = (
    Check(
        "bruce-vincent",
        "Closed forms",
        "polarisation of a symmetric cell gives back the transference number",
        bruce_vincent,
        (4.0, 8.0),
    ),
)
