"""The diffuse interface against the sharp one: voltage and current of a wavy surface at the instant of switching on."""

from __future__ import annotations

import numpy as np

from phasefield.constants import FARADAY
from phasefield.model.coefficients import Drive
from phasefield.verification.march import columns, driven, make, micrometres
from phasefield.verification.surface.sharp_interface import Wavy

WAVELENGTH, TOP, HEIGHT, AMPLITUDE = 32e-6, 40e-6, 16e-6, 1.5e-6  # m; k A = 0.29, below Rayleigh's 0.448
CURRENT = 20.0  # A/m^2
CONDUCTANCE = 1e4  # S/m^2, of the film: half of what the electrolyte has across a wave, kappa k


def switched_on(spacing: float, width: float) -> tuple[float, float, Wavy]:
    """Return -phi_s [V] and the first harmonic of the current [A/m^2], and the sharp problem; spacing and W in m."""
    case = make(
        f"grid.size={micrometres(WAVELENGTH * 1e6, TOP * 1e6)}",
        f'grid.spacing="{spacing * 1e6!r} um"',
        f'numerics.interface_width="{width * 1e6!r} um"',
        "numerics.tolerance=1e-8",
        # Else the half cell before the counter electrode has a settled gradient of salt at once, O(dx).
        "electrolyte.transference_number=1.0",
        f'surface.height="{HEIGHT * 1e6} um"',
        f'surface.wave={{ amplitude="{AMPLITUDE * 1e6} um", wavelength="{WAVELENGTH * 1e6} um" }}',
        f'film.conductivity="{CONDUCTANCE * 20e-9} S/m"',
        'counter.kinetics.exchange_current_density="1e9 A/m^2"',
        'counter.film.conductivity="1e6 S/m"',
        'kinetics.exchange_current_density="100 A/m^2"',
        'lithium.surface_energy="20 J/m^2"',
    )
    cell, s = driven(case, Drive(CURRENT))
    rx, n = s.reaction, s.front.count
    assert rx is not None
    assert n == cell.shape[2]  # slopes below 1/2: every element is crossed along z
    wave = np.cos(2.0 * np.pi * (columns(s) + 0.5) / cell.shape[2])
    first = 2.0 * float(np.sum(s.front.area[:n] * rx.j * wave)) / cell.plane
    p = cell.properties
    wavy = Wavy(
        WAVELENGTH, AMPLITUDE, HEIGHT, TOP, p.kappa, p.j0, cell.co.kinetics.f, 1.0 / CONDUCTANCE + cell.co.layer / p.c0,
        p.gamma * p.V_m / FARADAY, CURRENT,
    )  # fmt: skip
    return -s.phi_s, first, wavy


def errors(spacing: float, width: float) -> tuple[float, float]:
    """Return the relative errors of voltage and first harmonic against the sharp problem."""
    voltage, first, wavy = switched_on(spacing, width)
    sharp_voltage, sharp_first = wavy.solve()
    return abs(voltage / sharp_voltage - 1.0), abs(first / sharp_first - 1.0)
