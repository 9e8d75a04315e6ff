"""Waves of the surface against linear theory: how they grow, which of them do, and how surface energy levels them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from phasefield.analytic.closed_forms import critical_wavelength, growth_rate
from phasefield.model.coefficients import Drive
from phasefield.model.level_set import LevelSetLaw
from phasefield.model.state import State
from phasefield.verification import small_cases
from phasefield.verification.march import crest, driven, make, march
from phasefield.verification.row import Check, CheckRow, Curve, Floats, Plot, Result

CELLS = 40  # a wavelength
AMPLITUDE = 0.05  # cells
HEIGHT, GAP = (
    0.3,
    1.0,
)  # lithium and electrolyte under and over the wave, in wavelengths: tanh(2 pi) = 1 - 7e-6
SETTLED = 0.2  # of a march in which the salt settles
PATH = 4.0  # cells that the surface goes in a march, at most
FRONT_STEP = 0.2  # cells a step
FOLDS = 1.5  # foldings of the amplitude in a march, at most
WITHIN = 0.03
WHY = (
    "The tolerance is 3 % at 40 cells a wavelength. An element reads and delivers mean values over the interface, of "
    "variance (pi W)^2/3. Each mean changes a wave by (k pi W)^2/6 = 1.0 % where the electrolyte controls the "
    "current. The theory is linear and quasi-steady: D k^2 is above 1000 growth rates, v/(D k) below 1e-3, and k "
    "times the amplitude below 0.02."
)


@dataclass(frozen=True)
class WaveCase:
    """One wave: wavelength [um], film conductance [S/m^2], kappa [S/cm], t+, gamma [J/m^2], D [m^2/s], j [A/m^2]."""

    wavelength: float = 40.0
    film: float = 1e4
    kappa: float = 1e-3
    t_plus: float = 0.4
    gamma: float = 1.0
    D: float = 1e-10
    current: float = 20.0

    @property
    def name(self) -> str:
        """What is said of it in a row."""
        return (
            f"{self.wavelength:g} um, film {self.film:g} S/m^2, {1e3 * self.kappa:g} mS/cm, t+ "
            f"{self.t_plus:g}, gamma {self.gamma:g} J/m^2, {self.current:g} A/m^2"
        )


def specimen(wave: WaveCase) -> tuple[LevelSetLaw, State]:
    """Return half a wave between mirrors with its current imposed."""
    dx = wave.wavelength / CELLS
    height = round(HEIGHT * CELLS)
    case = make(
        small_cases.box(0.5 * wave.wavelength, (height + GAP * CELLS) * dx),
        f'grid.spacing="{dx} um"',
        'grid.lateral="mirror"',
        f'surface.height="{(height + 0.3) * dx} um"',
        f'surface.wave={{ amplitude="{AMPLITUDE * dx} um", wavelength="{wave.wavelength} um" }}',
        small_cases.conductance(wave.film),
        f'electrolyte.conductivity="{wave.kappa} S/cm"',
        f"electrolyte.transference_number={wave.t_plus}",
        f'electrolyte.salt_diffusivity="{wave.D} m^2/s"',
        'kinetics.exchange_current_density="100 A/m^2"',
        f'lithium.surface_energy="{wave.gamma} J/m^2"',
    )
    return driven(case, Drive(wave.current))


def grown(wave: WaveCase) -> tuple[float, float, Floats, Floats]:
    """Return the measured growth rate [1/s], that of theory, and times [s] and amplitudes over the first."""
    cell, state = specimen(wave)
    p, k = cell.properties, 2.0 * math.pi / (wave.wavelength * 1e-6)
    guess = abs(float(growth_rate(p, wave.current, p.c0, k)))
    limits = [FOLDS / guess]
    if wave.current:
        limits.append(PATH * cell.dx / (cell.volume_per_charge * abs(wave.current)))
    span = min(limits)
    settle = 2.0 / (p.D * k**2)  # s, of the salt around the wave; in the gap it settles within 16 of it
    span = max(span, 20.0 * settle)
    speed = cell.volume_per_charge * abs(wave.current)
    # Gibbs-Thomson is explicit: its motion of the shortest wave is stable for steps up to this.
    M = 1.0 / (1.0 / wave.film + 1.0 / (cell.co.kinetics.f * p.j0)) * cell.co.gibbs_thomson * cell.volume_per_charge
    stable = 0.2 * cell.dx**2 / M if M > 0.0 else math.inf
    steps = max(24, math.ceil(span * speed / (FRONT_STEP * cell.dx)), math.ceil(span / stable))
    times, heights, salt = [], [], []

    def look(s: State) -> None:
        times.append(s.t)
        heights.append(crest(s, 0.5))
        salt.append(small_cases.surface_salt(cell, s))

    march(cell, state, Drive(wave.current), span / steps, steps, look)
    late = np.array(times) > SETTLED * span
    t, a = np.array(times)[late], np.array(heights)[late]
    measured = float(np.polyfit(t, np.log(a), 1)[0])
    theory = float(growth_rate(p, wave.current, float(np.mean(np.array(salt)[late])), k))
    return measured, theory, t, a


# Each of film, kappa, t+, gamma and k is changed in turn, and some together.
FAST = (WaveCase(film=1e2), WaveCase(), WaveCase(t_plus=0.8, D=5e-11), WaveCase(gamma=40.0))
FULL = (
    *FAST,
    WaveCase(film=1e3),
    WaveCase(wavelength=20.0),
    WaveCase(wavelength=80.0),
    WaveCase(kappa=2e-4),
    WaveCase(kappa=5e-3),
    WaveCase(t_plus=0.1, D=5e-11),
    WaveCase(t_plus=1.0),
    WaveCase(wavelength=10.0, film=1e3, t_plus=0.2, gamma=2.0),
    WaveCase(kappa=2e-4, film=1e5, gamma=5.0),
    WaveCase(gamma=150.0),
)


def dispersion(full: bool) -> Result:
    """Return growth rates of waves."""
    rows, theory, got = [], [], []
    for wave in FULL if full else FAST:
        measured, expected, _, _ = grown(wave)
        rows.append(
            CheckRow(f"growth rate, {wave.name}", "dispersion relation", expected, measured, WITHIN, WHY, "1/s")
        )
        theory.append(expected)
        got.append(measured)
    line = np.array([min(theory), max(theory)])
    plot = Plot(
        "dispersion",
        f"Growth of waves of {CELLS} cells",
        "growth rate of theory (1/s)",
        "measured growth rate (1/s)",
        (Curve("equal", line, line, True), Curve("measured", np.array(theory), np.array(got))),
    )
    return Result(tuple(rows), (plot,))


CRITICAL = WaveCase(wavelength=0.0, film=1e4, gamma=40.0)
AROUND_FAST, AROUND_FULL = (0.8, 1.0, 1.3), (0.7, 0.8, 0.9, 1.0, 1.15, 1.3, 1.6)


def fitted_critical_wavelength(full: bool) -> Result:
    """Return the wavelength whose growth rate, fitted between those of its neighbours, is nothing."""
    cell, _ = specimen(WaveCase(**{**CRITICAL.__dict__, "wavelength": 40.0}))
    p = cell.properties
    waves, got = [], []
    expected = critical_wavelength(p, CRITICAL.current, p.c0)
    assert expected is not None
    for share in AROUND_FULL if full else AROUND_FAST:
        wavelength = round(1e6 * expected * share, 2)
        measured, _, _, _ = grown(WaveCase(**{**CRITICAL.__dict__, "wavelength": wavelength}))
        waves.append(1e-6 * wavelength)
        got.append(measured)
    k = 2.0 * math.pi / np.array(waves)
    # omega/k falls nearly as a parabola in k around its zero.
    fit = np.polyfit(k * expected, np.array(got) / k, 2)
    zero = min((float(r.real) for r in np.roots(fit)), key=lambda r: abs(r - 2.0 * math.pi))
    row = CheckRow(
        f"critical wavelength, {CRITICAL.name.split(', ', 1)[1]}",
        "zero of the dispersion relation",
        1e6 * expected,
        1e6 * expected * 2.0 * math.pi / zero,
        WITHIN,
        "Surface energy and drive are each exact to (k pi W)^2/6 = 1 %, and the critical k varies as the root of "
        "their ratio. The salt at the surface differs from c0 by 1 %. The fit uses three or more points of a curve "
        "within 30 %.",
        "um",
    )
    lam = np.linspace(min(waves), max(waves), 100)
    law = growth_rate(p, CRITICAL.current, p.c0, 2.0 * math.pi / lam)
    plot = Plot(
        "critical-wavelength",
        "Where waves cease to grow",
        "wavelength (um)",
        "growth rate (1/s)",
        (
            Curve("dispersion relation", 1e6 * lam, law, True),
            Curve("measured", 1e6 * np.array(waves), np.array(got)),
        ),
    )
    return Result((row,), (plot,))


LEVELLING = (
    WaveCase(wavelength=4.0, current=0.0, film=1e4),
    WaveCase(wavelength=4.0, current=0.0, film=1e5, kappa=2e-4),
    WaveCase(wavelength=2.0, current=0.0, film=1e3, gamma=0.5),
)


def levelling(full: bool) -> Result:
    """Return the rates at which surface energy levels waves at zero current."""
    rows, curves = [], []
    for wave in LEVELLING if full else LEVELLING[:2]:
        measured, expected, t, a = grown(wave)
        rows.append(
            CheckRow(
                f"decay, {wave.name}",
                "Gibbs-Thomson in the dispersion relation",
                expected,
                measured,
                WITHIN,
                WHY,
                "1/s",
            )
        )
        first = math.exp(float(np.polyfit(t, np.log(a), 1)[1]))
        curves.append(
            Curve(f"theory, {wave.wavelength:g} um, film {wave.film:g} S/m2", t, np.exp(expected * t), True)
        )
        curves.append(Curve(f"measured, {wave.wavelength:g} um, film {wave.film:g} S/m2", t, a / first))
    plot = Plot("gibbs-thomson", "Bumps at rest", "time (s)", "amplitude over the first", tuple(curves), "y")
    return Result(tuple(rows), (plot,))


CHECKS = (
    Check(
        "dispersion",
        "Closed forms",
        "growth of waves on flat lithium against linear theory",
        dispersion,
        (2.0, 6.0),
    ),
    Check(
        "critical-wavelength",
        "Closed forms",
        "the wavelength below which waves are smoothed",
        fitted_critical_wavelength,
        (1.0, 3.0),
    ),
    Check(
        "gibbs-thomson",
        "Closed forms",
        "bumps dissolve at zero current at the rate of theory",
        levelling,
        (4.0, 8.0),
    ),
)
