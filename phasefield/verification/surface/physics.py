"""Physics that must come out: what t+, conductivity and film do to waves and to roughness, in sign and in size.

A flat surface, its salt settled, bears a wave of 0.02 cells, or a film with a wave of 1 % in its resistance: the speed
of the surface at the wave's crests, by Fourier analysis of the elements' currents, is compared with linear theory:

    growth      omega of `closed_forms.growth_rate`
    roughness   dA/dt = (V_m/F) J_z j dR / (1 + J_z/(kappa k) + Lam (1 - t+)/(F D k)),   dR the wave in R_film
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phasefield.analytic.closed_forms import diffusion_potential, film_resistances, growth_rate, slopes
from phasefield.case import Properties
from phasefield.constants import FARADAY
from phasefield.model.coefficients import Drive
from phasefield.model.level_set import LevelSetLaw
from phasefield.verification import small_cases
from phasefield.verification.march import columns, crest, make, march, micrometres
from phasefield.verification.row import Check, CheckRow, Curve, Plot, Result

Floats = NDArray[np.float64]

SECTION = "Physics that must come out"
WAVELENGTH = 40.0  # um
CELLS = 40  # a wavelength
BUMP = 0.02  # cells
SPREAD = 0.01  # relative wave of the film's resistance
SETTLING = 4.0  # L^2/D, L the gap
STEPS = 12


@dataclass(frozen=True)
class Regime:
    """A regime: current density [A/m^2], conductivity of the film [S/m], its thickness [nm], kappa [S/cm], t+."""

    current: float
    film: float
    thickness: float = 20.0
    kappa: float = 1e-3
    t_plus: float = 0.4


PAPERS = Regime(current=2.0, film=5e-7)  # 0.2 mA/cm^2 behind 25 S/m^2: kappa R = 4 mm
HOT = Regime(current=20.0, film=2e-3)  # a bare spot: 1e5 S/m^2, the kinetics rule
CHANGES = (
    ("t+ 0.4 to 0.8", {"t_plus": 0.8}),
    ("kappa doubled", {"kappa": 2e-3}),
    ("film conductance doubled", {"film": 2.0}),
    ("film twice as thick, equal spread", {"thickness": 40.0}),
)


def changed(setting: Regime, change: dict[str, float]) -> Regime:
    """Return the setting with a change; `film` is a factor."""
    new = dict(change)
    if "film" in new:
        new["film"] *= setting.film
    return Regime(**{**setting.__dict__, **new})


def measured_rates(setting: Regime, film: bool) -> tuple[float, float]:
    """Return the rate of a wave [1/s], or with `film` the roughening by its wave [m/s]; measured and theory."""
    dx = WAVELENGTH / CELLS
    own = (
        f'film.patches={{ spread={SPREAD}, size="20 um", renewal="none", seed=1 }}' if film else
        f'surface.wave={{ amplitude="{BUMP * dx} um", wavelength="{WAVELENGTH} um" }}'
    )  # fmt: skip
    case = make(
        f"grid.size={micrometres(WAVELENGTH, 2.0 * WAVELENGTH)}",
        f'grid.spacing="{dx} um"',
        f'surface.height="{0.5 * WAVELENGTH + 0.3 * dx} um"',
        f'film.conductivity="{setting.film} S/m"',
        f'film.thickness="{setting.thickness} nm"',
        f'electrolyte.conductivity="{setting.kappa} S/cm"',
        f"electrolyte.transference_number={setting.t_plus}",
        'electrolyte.salt_diffusivity="5e-11 m^2/s"',
        'kinetics.exchange_current_density="100 A/m^2"',
        'lithium.surface_energy="1 J/m^2"',
        # A light metal: the salt settles before the surface has moved.
        'lithium.molar_volume="1.3e-9 m^3/mol"',
        "numerics.tolerance=1e-9",
        own,
    )
    drive = Drive(setting.current)
    cell = LevelSetLaw(case)
    s = cell.start()
    wave = np.cos(2.0 * np.pi * (np.arange(cell.shape[2]) + 0.5) / cell.shape[2])
    if film:
        s.film.N[...] = -wave  # the conductivity's wave; R = delta/sigma
        cell._coat(s)
    cell.drive(s, drive)
    p = cell.properties
    gap = 1.5 * WAVELENGTH * 1e-6
    s = march(cell, s, drive, SETTLING * gap**2 / p.D / STEPS, STEPS)
    assert s.reaction is not None
    k, c = 2.0 * math.pi / (WAVELENGTH * 1e-6), small_cases.surface_salt(cell, s)
    speed = 2.0 * float(np.mean(s.reaction.j * wave[columns(s)])) * cell.volume_per_charge
    if film:
        return speed, roughening(p, setting.current, c, k)
    return speed / crest(s), float(growth_rate(p, setting.current, c, k))


def roughening(p: Properties, j: float, c: float, k: float) -> float:
    """Return dA/dt [m/s] of a flat surface whose film's resistance has the wave R (1 + SPREAD cos kx)."""
    J_z, J_c = slopes(p, j, c)
    Lam = J_c + diffusion_potential(p) * J_z / c
    brake = 1.0 + J_z / (p.kappa * k) + Lam * (1.0 - p.t_plus) / (FARADAY * p.D * k)
    return -p.V_m / FARADAY * J_z * j * SPREAD * film_resistances(p)[0] / brake


WHY = (
    "The grid changes the electrolyte's part of the response, J_z/(kappa k), by 3 % at most at 40 cells a wavelength. "
    "It changes the effect by the same share. The sign is certain."
)


def signs(full: bool) -> Result:
    """Change one property at a time, at the papers' current behind a film and at a bare hot spot."""
    rows: list[CheckRow] = []
    curves: list[Curve] = []
    for regime, setting in (("behind the papers' film, 2 A/m^2", PAPERS), ("bare, 20 A/m^2", HOT)):
        for film in (False, True):
            what = "roughening by the film" if film else "growth rate"
            base, base_theory = measured_rates(setting, film)
            rows.append(
                CheckRow(
                    f"{what}, {regime}", "linear theory", base_theory, base, 0.03,
                    "This is the tolerance of the dispersion relation at 40 cells a wavelength.",
                    "m/s" if film else "1/s",
                )
            )  # fmt: skip
            got, expected = [], []
            for name, change in CHANGES:
                rate, theory = measured_rates(changed(setting, change), film)
                expected.append(math.log(theory / base_theory))
                got.append(math.log(rate / base) if rate * base > 0.0 else math.inf)
                rows.append(
                    CheckRow(
                        f"ln of the change of {what}, {name}, {regime}", "linear theory", expected[-1], got[-1],
                        0.03, WHY,
                    )
                )  # fmt: skip
            at = np.arange(float(len(CHANGES)))
            curves += [Curve(f"theory: {what}, {regime}", at, np.array(expected), theory=True)]
            curves += [Curve(f"{what}, {regime}", at, np.array(got))]
    axis = "change: " + "; ".join(f"{n} {name}" for n, (name, _) in enumerate(CHANGES))
    return Result(
        tuple(rows), (Plot("physics-signs", "What a property does", axis, "ln of the ratio", tuple(curves)),)
    )


CHECKS: tuple[Check, ...] = (
    Check(
        "physics-signs", SECTION, "t+, conductivity and film change growth and roughness as linear theory predicts",
        signs, (5.0, 5.0),
    ),
)  # fmt: skip
