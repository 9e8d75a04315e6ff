"""The flat stage of a published run (Ahmad, Hong & Viswanathan 2020, MOOSE) by the published law of motion."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from phasefield.constants import FARADAY
from phasefield.kernels.front import lattice
from phasefield.model.allen_cahn.coefficients import AllenCahnCoefficients
from phasefield.model.allen_cahn.equations import Fields, Numbers, Published
from phasefield.model.coefficients import Drive
from phasefield.verification.row import Check, CheckRow, Curve, Plot, Result

Floats = NDArray[np.float64]

UM = 1e-6  # m
TIPS = np.array([
    (0.6, 20), (6.6, 21), (12.6, 22), (18.6, 23), (24.6, 24), (30.6, 25), (36.6, 27), (42.6, 28), (48.6, 29),
    (54.6, 30), (60.6, 31), (66.6, 32), (72.6, 34), (78.6, 35), (84.6, 36), (90.6, 37), (96.6, 39), (102.6, 40),
    (108.6, 41),
], dtype=float)  # fmt: skip
"""Time [s] and tip [um] on a mesh of 1 um: BattModels/electrodep (BSD-3), input liqcrys_K0.i."""

# The inputs of that run, in um, s, V and RT
HEIGHT, START, VOLTAGE, WIDTH = 200.0, 20.0, 0.2, 1.0
BARRIER, GRADIENT, MOBILITY, EXCHANGE = 2.64, 0.33, 6.318, 0.1347
DIFFUSIVITY, PER_VOLT, CONTRAST = 319.7, 38.14 / 0.987, 3.953e12 / 4.704e5
IONS, SITES, CONDUCTIVITY = 0.067083438, 5.342, 4.704e5 / 2.934e3  # fractions of a site; sigma/(F C_s)
OHMIC = 160.3  # um^2/(V s)

CELLS = 2  # a width, and a um
SITE_DENSITY = 7.64e4  # mol/m^3; scales charge and ions alike
FIRST, GROWTH = 0.02, 1.1  # of the longest stable step, and from step to step: ions at the interface settle in ms
TOLERANCE = 1e-5


def tips(until: float) -> tuple[Floats, Floats, float]:
    """Return times [s] and places of the tip [um] by the published law, and the least c/c0 ahead of xi = 1/2."""
    law = AllenCahnCoefficients(BARRIER, GRADIENT * UM**2, MOBILITY, EXCHANGE)
    kappa = CONDUCTIVITY * UM**2 * FARADAY * SITE_DENSITY
    c0 = SITE_DENSITY * IONS / SITES
    numbers = Numbers(law, kappa, CONTRAST * kappa, DIFFUSIVITY * UM**2, PER_VOLT, 0.5, 0.5, c0, SITE_DENSITY)
    n = round(HEIGHT * CELLS)
    model = Published(lattice((n, 1, 1), UM / CELLS, True), True, numbers, TOLERANCE)
    s, new = Fields.empty((n, 1, 1)), Fields.empty((n, 1, 1))
    z = np.arange(0.5, n) / CELLS
    s.xi[:, 0, 0] = 0.5 * (1.0 - np.tanh(2.0 * (z - START) / WIDTH))
    s.c[...] = c0
    drive = Drive(None, VOLTAGE)
    model.react(s, drive)
    t, dt, low = 0.0, FIRST * model.motion.longest, 1.0
    times, places = [t], [START]
    while t < until:
        model.step(s, new, drive, dt)
        s, new = new, s
        t, dt = t + dt, min(GROWTH * dt, model.motion.longest)
        times.append(t)
        places.append(float(np.interp(0.5, s.xi[::-1, 0, 0], z[::-1])))
        low = min(low, float(np.min(s.c[s.xi < 0.5])) / c0)
    return np.array(times), np.array(places), low


def flat_stage(full: bool) -> Result:
    """Plate at 0.2 V across 200 um, to 109 s if `full`, else to 7 s."""
    seen = TIPS[TIPS[:, 0] < (109.0 if full else 7.0)]
    times, places, _ = tips(seen[-1, 0])
    found = np.interp(seen[:, 0], times, places)
    law = HEIGHT - np.sqrt((HEIGHT - START) ** 2 - 2.0 * OHMIC * VOLTAGE * times)
    farthest, drift = float(np.max(np.abs(found - seen[:, 1]))), float(np.max(np.abs(places - law)))
    rows = (
        CheckRow(
            f"tip, farthest off until {seen[-1, 0]:g} s", "the published MOOSE run", 0.0, farthest, 1.0,
            "The published run counts mesh nodes of 1 um.", "um", relative=False,
        ),
        CheckRow(
            f"tip, farthest off until {seen[-1, 0]:g} s", "(L - x)^2 = (L - x0)^2 - 2 s U t", 0.0, drift, 0.6,
            "Ions stored ahead of the front are 0.3 um of lithium. Ions that the front meets are 1.3 % of its path.",
            "um", relative=False,
        ),
    )  # fmt: skip
    curves = (
        Curve("ohmic law", times, law, theory=True),
        Curve("MOOSE, nodes of 1 um", seen[:, 0], seen[:, 1]),
        Curve("this program", times[:: max(times.size // 40, 1)], places[:: max(times.size // 40, 1)]),
    )
    plot = Plot("published-flat", "Flat plating by the published law, 0.2 V", "time (s)", "tip (um)", curves)
    return Result(rows, (plot,))


CHECKS: tuple[Check, ...] = (
    Check(
        "published-flat", "The published models", "the flat stage of a published MOOSE run", flat_stage, (15.0, 240.0)
    ),
)
