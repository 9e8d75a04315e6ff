"""A small alternating current through a flat cell, marched in time, against the closed form of its impedance."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phasefield.analytic.impedance import FlatImpedance
from phasefield.model.coefficients import Drive
from phasefield.verification import small_cases
from phasefield.verification.march import driven, make
from phasefield.verification.row import Check, CheckRow, Curve, Plot, Result

CURRENT = 0.02  # A/m^2: the voltage of each part is far below RT/F
GAP, LITHIUM = 40, 8  # cells
FAST, FULL = (2.54,), (0.2, 0.5, 1.0, 2.54, 8.0, 20.0)  # w (L/2)^2/D: slower than the salt, at its arc, faster
A_PERIOD = 96  # steps; the last period of a march is measured
LEFT = 1e-4  # of what the start of the current has set off, in that period
WHY = (
    "The current is constant in each of 96 steps a period, and its first harmonic is evaluated. Its 95th and 97th "
    "harmonics appear as the first one, with 2/96 |Z(96 w)/Z(w)|, twice. The counter electrode assumes settled salt "
    "in its last half cell: (dx/2)^2 w/D."
)


@dataclass(frozen=True)
class ImpedancePoint:
    """What a march has shown: frequency [Hz]; resistance at once, and Z of the salt [ohm m^2]; the closed form's."""

    frequency: float
    at_once: float
    salt: complex
    flat: FlatImpedance


def respond(times_diffusion: float) -> ImpedancePoint:
    """Drive a flat cell with an alternating current whose w (L/2)^2/D is given."""
    case = make(
        small_cases.box(8.0, GAP + LITHIUM),
        'electrolyte.salt_diffusivity="nernst-einstein"',
        'film.conductivity="2e-5 S/m"',
        'kinetics.exchange_current_density="100 A/m^2"',
        small_cases.LIGHT,
        "numerics.tolerance=1e-8",
    )
    cell, state = driven(case, Drive(CURRENT))
    at_once, gap = -state.phi_s / CURRENT, small_cases.gap(cell, state)
    flat = FlatImpedance(cell.properties, gap)
    w = times_diffusion * cell.properties.D / (0.5 * gap) ** 2
    dt = 2.0 * math.pi / w / A_PERIOD
    period = 0.5 * math.pi / times_diffusion  # in L^2/D; what the start has set off falls as exp(-pi^2 D t/L^2)
    steps = A_PERIOD * (1 + math.ceil(-math.log(LEFT) / (math.pi**2 * period)))
    seen = []
    for n in range(steps):
        current = CURRENT * math.sin(w * (n + 0.5) * dt)
        cell.drive(state, Drive(current))
        new = cell.step(state, Drive(current), dt)
        cell.accept(state)
        state = new
        seen.append(-state.phi_s - current * (flat.bulk + flat.interfaces))  # of the salt, at the end of the step
    late = np.exp(-1j * w * dt * np.arange(1, steps + 1))[-A_PERIOD:]
    harmonic = CURRENT * math.sin(0.5 * w * dt) / (0.5 * w * dt)
    salt = 2j / A_PERIOD * complex(np.sum(np.array(seen[-A_PERIOD:]) * late)) / harmonic
    return ImpedancePoint(w / (2.0 * math.pi), at_once, salt, flat)


def salt_part(flat: FlatImpedance, times_diffusion: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Return the salt's part of eq. (17), ohm m^2."""
    x = np.sqrt(1j * times_diffusion)
    return np.asarray(flat.salt * np.tanh(x) / x)


def flat_cell_impedance(full: bool) -> Result:
    """Return the resistance at once, and the salt's part at several frequencies."""
    rows, marks = [], []
    for times in FULL if full else FAST:
        found = respond(times)
        flat = found.flat
        Z, far = (complex(salt_part(flat, np.array([factor * times]))[0]) for factor in (1.0, A_PERIOD))
        half_cell = (small_cases.MICRON / flat.gap) ** 2 * times
        rows.append(
            CheckRow(
                f"the salt's part at {found.frequency:.3g} Hz, off by", "eq. (17), over its size", 0.0,
                abs(found.salt / Z - 1.0), 4.0 / A_PERIOD * abs(far / Z) + half_cell, WHY, "", relative=False,
            )
        )  # fmt: skip
        marks.append(found.salt)
    settled = 0.5 * small_cases.MICRON / flat.gap * flat.salt
    rows.append(
        CheckRow(
            "resistance at once", "electrolyte, both films and charge transfers", flat.bulk + flat.interfaces,
            found.at_once, 2.0 * settled / (flat.bulk + flat.interfaces),
            "The counter electrode assumes settled salt in its last half cell. The tolerance is twice that share of "
            "the salt's part.", "ohm m^2",
        )
    )  # fmt: skip
    line = salt_part(flat, np.logspace(-2, 3, 100))
    seen = np.array(marks)
    curves = (
        Curve("eq. (17)", 1e4 * line.real, -1e4 * line.imag, True),
        Curve("marched", 1e4 * seen.real, -1e4 * seen.imag),
    )
    title = "Impedance of the salt between two electrodes"
    x, y = "Re Z (ohm cm\N{SUPERSCRIPT TWO})", "\N{MINUS SIGN}Im Z (ohm cm\N{SUPERSCRIPT TWO})"
    return Result(tuple(rows), (Plot("impedance", title, x, y, curves),))


CHECKS = (
    Check(
        "impedance", "Closed forms", "a small alternating current through a flat cell", flat_cell_impedance,
        (4.0, 15.0),
    ),
)
