"""The voltage of a flat cell over time under a measured current: what a cycler's trace shows, for many samples at once.

The current is constant between two times, and salt and film follow as in `flat_cell.FlatCell`. The voltage is that of
the current at the very moment. So one function serves a trace of imposed currents and one of a held voltage, whose
current is measured.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phasefield.analytic.closed_forms import NEWTON_STEPS, POINTS, thermal
from phasefield.analytic.diffusion_potential import salt_voltage
from phasefield.analytic.flat_cell import FlatCell
from phasefield.analytic.salt_profile import conductivity, settled_diffusivity, settled_sides_of
from phasefield.case import Case, Properties

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]

CONVERGED = 1e-12  # of RT/F: a Newton step of an overpotential that changes nothing
UNIFORM = 1e-6  # of c0: a difference between both sides, below which the salt is uniform for a logarithm


@dataclass(frozen=True)
class CurrentTrace:
    """A current over time, from a rested cell on: intervals of one current each, and what is looked at.

    time: the end of each interval [s], increasing from above 0; current: its mean [A/m^2]; seen: the intervals at whose
    end the voltage is looked at; moment: the current there [A/m^2].
    """

    time: Floats
    current: Floats
    seen: Integers
    moment: Floats

    def until(self, time: float) -> CurrentTrace:
        """Return the part whose voltages are looked at up to a time [s]."""
        kept = self.time[self.seen] <= time
        return CurrentTrace(self.time, self.current, self.seen[kept], self.moment[kept])


def flat_voltages(case: Case, drive: CurrentTrace) -> Floats:
    """Return the voltages [V] of the flat cell of a case where a drive looks at them; its counter electrode is lithium.

    Beyond the limiting current the salt stays just below its end.
    """
    cell = FlatCell(case)
    p, seen = cell.fresh, drive.seen
    dt, rates = np.diff(drive.time, prepend=0.0), np.asarray(cell.rates, dtype=np.float64)
    s = np.clip(_salt(rates, dt, drive.current)[seen] @ cell.weights, -cell.most, cell.most)
    charge = drive.current * dt
    plated = np.cumsum([np.maximum(charge, 0.0), np.maximum(-charge, 0.0)], axis=1)[:, seen]
    fresh = np.array([[p.film_thickness], [p.film_thickness_counter]])
    films = cell.growth.thickness(fresh, drive.time[seen], plated)
    resistance = films[0] / p.film_conductivity + films[1] / p.film_conductivity_counter
    return _voltages(p, cell.gap, drive.moment, s, resistance)


def _salt(rates: Floats, dt: Floats, current: Floats) -> Floats:
    """Return the modes s_k [A/m^2] of the salt after each interval: s_k <- j + (s_k - j) exp(-rate dt), from rest.

    Two intervals in a row are one of the same form, s_k <- a s_k + b; so all are composed in log2(n) passes.
    """
    a = np.exp(-rates * dt[:, None])
    b = current[:, None] * (1.0 - a)
    shift = 1
    while shift < dt.size:
        b[shift:] = b[shift:] + a[shift:] * b[:-shift]
        a[shift:] = a[shift:] * a[:-shift]
        shift *= 2
    return b


def _voltages(p: Properties, gap: float, j: Floats, s: Floats, films: Floats) -> Floats:
    """Return the voltages [V] at current densities j, with the settled salt of s [A/m^2] and films [ohm m^2]."""
    own, other = settled_sides_of(p, s, gap)
    film = j * films
    kinetics = overpotentials(p, j, own, p.j0) - overpotentials(p, -j, other, p.j0_counter)
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


def overpotentials(p: Properties, j: Floats, c: Floats, j0: float) -> Floats:
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
