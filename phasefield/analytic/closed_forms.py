"""Closed forms of docs/theory.md: what a flat cell does, and which waves of its surface grow.

Symbols as in `case.Properties`; everything in SI.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phasefield.analytic.diffusion_potential import salt_voltage, slope_at
from phasefield.analytic.salt_profile import (
    conductivity,
    diffusivity,
    gradient,
    settled_diffusivity,
    settled_sides,
    transference_number,
)
from phasefield.case import Properties
from phasefield.constants import FARADAY, GAS_CONSTANT

NEWTON_STEPS = 100
SAMPLES = 200_000  # random numbers of a mean over few patches
POINTS = 400  # of the midpoint rule across the gap
WAVELENGTHS = (1e-9, 1e-1, 2000)  # m, shortest, longest and count of the scan for waves that grow


@dataclass(frozen=True)
class Voltage:
    """The parts of the voltage of a flat cell, V."""

    film: float
    kinetics: float
    ohmic: float
    concentration: float

    @property
    def total(self) -> float:
        """Cell voltage, V."""
        return self.film + self.kinetics + self.ohmic + self.concentration


def thermal(p: Properties) -> float:
    """Return f = F / RT, 1/V."""
    return FARADAY / (GAS_CONSTANT * p.T)


def diffusion_potential(p: Properties) -> float:
    """Return beta = 2 RT/F (1 - t+) X at c0, V: the potential over a unit of ln c."""
    return float(slope_at(p, p.c0))


def overpotential(p: Properties, j: float, c: float, j0: float) -> float:
    """Return z of j = j0 (c/c_ref)^m { exp(a_c f z) - exp(-a_a f z) }, V; by Newton from outside the root."""
    k0, f = j0 * (c / p.c_ref) ** p.exponent, thermal(p)
    rate = (p.alpha_c if j >= 0.0 else p.alpha_a) * f
    z = math.copysign(math.log1p(abs(j) / k0) / rate, j)
    for _ in range(NEWTON_STEPS):
        up, down = math.exp(p.alpha_c * f * z), math.exp(-p.alpha_a * f * z)
        step = (k0 * (up - down) - j) / (k0 * f * (p.alpha_c * up + p.alpha_a * down))
        z -= step
        if abs(step) <= 1e-15 / f + 1e-14 * abs(z):
            break
    return z


def film_resistances(p: Properties) -> tuple[float, float]:
    """Return R_film of the working and of the counter electrode, ohm m^2."""
    own = p.film_thickness / p.film_conductivity
    return own, p.film_thickness_counter / p.film_conductivity_counter


def voltage_between(p: Properties, j: float, gap: float, own: float, other: float) -> Voltage:
    """Return the voltage of a flat cell at current density j [A/m^2] across a gap [m].

    own, other: concentrations [mol/m^3] at the lithium and at the counter electrode, of a settled profile: in it
    dz ~ D_s dc.
    """
    c = own + (other - own) * (np.arange(POINTS) + 0.5) / POINTS
    D = settled_diffusivity(p, c)
    resistance = gap * float((D / conductivity(p, c)).sum() / D.sum())
    return Voltage(
        film=j * sum(film_resistances(p)),
        kinetics=overpotential(p, j, own, p.j0) - overpotential(p, -j, other, p.j0_counter),
        ohmic=j * resistance,
        concentration=float(salt_voltage(p, own, other)),
    )


def planar_voltage(p: Properties, j: float, gap: float, settled: bool) -> Voltage | None:
    """Return the voltage of a flat cell at current density j [A/m^2] across a gap [m].

    settled: with the steady profile of the salt, else with uniform salt. None if salt runs out before.
    """
    sides = settled_sides(p, j, gap) if settled else (p.c0, p.c0)
    return None if sides is None else voltage_between(p, j, gap, *sides)


def slopes(p: Properties, j: float, c: float) -> tuple[float, float]:
    """Return dj/dz and dj/dc behind the film, at concentration c at the surface."""
    f, z = thermal(p), overpotential(p, j, c, p.j0)
    k0 = p.j0 * (c / p.c_ref) ** p.exponent
    J_z = k0 * f * (p.alpha_c * math.exp(p.alpha_c * f * z) + p.alpha_a * math.exp(-p.alpha_a * f * z))
    part = 1.0 / (1.0 + J_z * film_resistances(p)[0])
    return J_z * part, p.exponent * j / c * part


def interface_resistance(p: Properties, j: float, c: float) -> float:
    """Return dU/dj of the interface, film and charge transfer, ohm m^2."""
    return 1.0 / slopes(p, j, c)[0]


def growth_rate(p: Properties, j: float, c: float, k: float | NDArray[np.float64]) -> NDArray[np.float64]:
    """Return omega(k) of a wave on a flat surface, 1/s; c: settled concentration at the surface, where D is D(c).

    omega = (V_m/F) { J_z [j/kappa - gamma V_m k^2/F] + Lam G } / { 1 + J_z/(kappa k) + Lam (1 - t+)/(F D k) }
    with Lam = J_c + beta J_z / c, G = j (1 - t+)/(F D); quasi-steady, waves much shorter than the gap. kappa, D, t+ and
    beta are those at c.
    """
    k = np.asarray(k, dtype=np.float64)
    kappa, D = float(conductivity(p, c)), float(diffusivity(p, c))
    J_z, J_c = slopes(p, j, c)
    Lam = J_c + float(slope_at(p, c)) * J_z / c
    drive = J_z * (j / kappa - p.gamma * p.V_m * k**2 / FARADAY) + Lam * gradient(p, j, c)
    brake = 1.0 + J_z / (kappa * k) + Lam * (1.0 - float(transference_number(p, c))) / (FARADAY * D * k)
    return p.V_m / FARADAY * drive / brake


def critical_wavelength(p: Properties, j: float, c: float) -> float | None:
    """Return the wavelength [m] below which waves are smoothed; None if none grows."""
    lam = np.geomspace(*WAVELENGTHS)
    grows = growth_rate(p, j, c, 2.0 * math.pi / lam) > 0.0
    if not grows.any():
        return None
    first = int(np.argmax(grows))
    if first == 0:
        return 0.0
    low, high = float(lam[first - 1]), float(lam[first])
    for _ in range(NEWTON_STEPS):
        middle = math.sqrt(low * high)
        grown = float(growth_rate(p, j, c, 2.0 * math.pi / middle)) > 0.0
        low, high = (low, middle) if grown else (middle, high)
    return high


def fastest_wave(p: Properties, j: float, c: float, shortest: float, longest: float) -> tuple[float, float]:
    """Return wavelength [m] and omega [1/s] of the fastest wave between two wavelengths."""
    lam = np.geomspace(shortest, max(longest, shortest * (1.0 + 1e-9)), 1000)
    omega = growth_rate(p, j, c, 2.0 * math.pi / lam)
    best = int(np.argmax(omega))
    return float(lam[best]), float(omega[best])


def walk_rms(spread: float, renewal: float, plated: Sequence[float]) -> float:
    """Return the rms height [m] of a surface whose local current follows its film alone.

    plated: signed mean heights [m] plated one after the other; renewal: l_r [m], may be infinite. The local rate
    over its mean is exp(s N - s^2/2), of variance exp(s^2) - 1; N is a new normal number each renewal length and when
    the current turns (docs/theory.md, eq. 7), so the pieces in between are independent.
    """
    if not math.isfinite(renewal):
        return abs(math.fsum(plated)) * math.sqrt(math.expm1(spread**2))
    total, piece, left, direction = 0.0, 0.0, renewal, 0.0
    for q in plated:
        if q * direction < 0.0:
            total, piece, left = total + piece**2, 0.0, renewal
        direction, passed = math.copysign(1.0, q), abs(q)
        if passed >= left * (1.0 - 1e-12):
            whole = math.floor((passed - left) / renewal * (1.0 + 1e-12))
            total += (piece + left) ** 2 + whole * renewal**2
            passed = max(passed - left - whole * renewal, 0.0)
            piece, left = 0.0, renewal
        piece, left = piece + passed, left - passed
    return math.sqrt((total + piece**2) * math.expm1(spread**2))


def few_patches(spread: float, count: float) -> float:
    """Return how much less n patches scatter than a log-normal does: the film's mean is taken over them alone.

    rms of sigma_i / <sigma> - 1 over n independent patches, over sqrt(exp(s^2) - 1), by sampling.
    """
    n = max(2, round(count))
    sigma = np.exp(spread * np.random.default_rng(0).standard_normal((max(50, SAMPLES // n), n)))
    ratio = sigma / sigma.mean(axis=1, keepdims=True)
    return float(np.sqrt(np.mean((ratio - 1.0) ** 2) / np.expm1(spread**2)))
