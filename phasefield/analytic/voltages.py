"""The voltage of a flat cell at many currents, or at many times, at once: `closed_forms.voltage_between` of arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from phasefield.analytic.closed_forms import NEWTON_STEPS, POINTS, thermal
from phasefield.analytic.diffusion_potential import salt_voltage
from phasefield.analytic.salt_profile import conductivity, settled_diffusivity, settled_sides_of
from phasefield.case import Properties

Floats = NDArray[np.float64]

CONVERGED = 1e-12  # of RT/F: a Newton step of an overpotential that changes nothing
UNIFORM = 1e-6  # of c0: a difference between both sides, below which the salt is uniform for a logarithm


def voltages_at(
    p: Properties, gap: float, j: Floats, s: Floats, films: Floats, j0_counter: float | Floats
) -> Floats:
    """Return the voltages [V] at current densities j, with the settled salt of s [A/m^2] and films [ohm m^2].

    Shapes: those of j. j0_counter: of the counter electrode, or of a cathode as it is filled [A/m^2].
    """
    own, other = settled_sides_of(p, s, gap)
    film = j * films
    kinetics = overpotentials(p, j, own, p.j0) - overpotentials(p, -j, other, j0_counter)
    ohmic = j * gap * _resistivity(p, own, other)
    return np.asarray(film + kinetics + ohmic + salt_voltage(p, own, other))


def _resistivity(p: Properties, own: Floats, other: Floats) -> Floats:
    """Return the mean of 1/kappa between two sides of settled profiles, ohm m: over z, where dz ~ D_s dc."""
    if p.dependence == "constant":
        return np.full_like(own, 1.0 / p.kappa)
    if p.dependence == "nernst-einstein":
        difference = (other - own) / p.c0
        flat = np.abs(difference) < UNIFORM
        steep = np.where(flat, 1.0, difference)
        return np.asarray(np.where(flat, p.c0 / own, np.log(other / own) / steep) / p.kappa)
    c = own[:, None] + (other - own)[:, None] * (np.arange(POINTS) + 0.5) / POINTS
    D = settled_diffusivity(p, c)
    return np.asarray((D / conductivity(p, c)).sum(axis=1) / D.sum(axis=1))


def overpotentials(p: Properties, j: Floats, c: Floats, j0: float | Floats) -> Floats:
    """Return z [V] of j = j0 (c/c_ref)^m {exp(a_c f z) - exp(-a_a f z)} for many currents; by Newton from outside."""
    f, ratio = thermal(p), j / (j0 * (c / p.c_ref) ** p.exponent)
    if p.alpha_c == p.alpha_a:
        return np.asarray(2.0 / f * np.arcsinh(0.5 * ratio))
    z = np.sign(ratio) * np.log1p(np.abs(ratio)) / np.where(ratio >= 0.0, p.alpha_c, p.alpha_a)
    for _ in range(NEWTON_STEPS):
        up, down = np.exp(p.alpha_c * z), np.exp(-p.alpha_a * z)
        step = (up - down - ratio) / (p.alpha_c * up + p.alpha_a * down)
        z = z - step
        if np.max(np.abs(step), initial=0.0) <= CONVERGED:
            break
    return np.asarray(z / f)
