"""Small-signal impedance of a flat cell at rest: what a spectrum shows, and of what parts it is made.

    Z = L/kappa + sum over both electrodes of [R_f/(1 + i w R_f C_f) + R_ct/(1 + i w R_ct C_dl)] + Z_D tanh(x)/x   (17)

    R_f = delta/sigma,   C_f = eps_0 eps_r/delta,   R_ct = RT/(F j0)
    Z_D = beta (1 - t+) L/(F D c0),   x = (L/2) sqrt(i w/D)

A depressed arc has the exponent a of a constant-phase element, R/(1 + (i w R C)^a): its frequency stays 1/(2 pi R C).
The last part is the salt between two electrodes that give and take what the other does. For an ideal salt it is
(1 - t+)/t+ of L/kappa as w falls: L/kappa + Z_D = L/(kappa t+), which is what Bruce and Vincent measure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phasefield.analytic.closed_forms import diffusion_potential, film_resistances, thermal
from phasefield.case import Properties
from phasefield.constants import FARADAY, VACUUM_PERMITTIVITY

Floats = NDArray[np.float64]
Complex = NDArray[np.complex128]

DOUBLE_LAYER = 0.1  # F/m^2, 10 uF/cm^2: of a metal in an electrolyte
FILM_PERMITTIVITY = 10.0  # relative, of inorganic lithium salts
WARBURG_PEAK = 2.54  # w (L/2)^2/D at which -Im tanh(x)/x is largest
DECADES = (-2.0, 2.0)  # of a spectrum below its slowest and above its fastest part
A_DECADE = 20  # frequencies
RESOLVED = 0.005  # of a transference number, by Bruce and Vincent's experiment
OTHER_FRACTION = "D is not that of Nernst and Einstein, or activities change with concentration"


@dataclass(frozen=True)
class Part:
    """One part of a spectrum: what it is, its resistance [ohm m^2], and where its arc is highest [Hz]; 0: no arc."""

    name: str
    resistance: float
    peak: float


@dataclass(frozen=True)
class FlatImpedance:
    """Eq. (17) of a flat cell across a gap L [m]; double_layer [F/m^2], film_permittivity [1] of both electrodes.

    film_exponent, transfer_exponent: of constant-phase elements in the place of both capacitances; 1: a capacitance.
    """

    p: Properties
    gap: float
    double_layer: float = DOUBLE_LAYER
    film_permittivity: float = FILM_PERMITTIVITY
    film_exponent: float = 1.0
    transfer_exponent: float = 1.0

    @property
    def bulk(self) -> float:
        """L/kappa, ohm m^2."""
        return self.gap / self.p.kappa

    @property
    def films(self) -> tuple[float, float]:
        """R_f of the working and of the counter electrode, ohm m^2."""
        return film_resistances(self.p)

    @property
    def transfers(self) -> tuple[float, float]:
        """R_ct at c0 of the working and of the counter electrode, ohm m^2; the coefficients of both add up to 1."""
        strength = (self.p.c0 / self.p.c_ref) ** self.p.exponent * thermal(self.p)
        return 1.0 / (strength * self.p.j0), 1.0 / (strength * self.p.j0_counter)

    @property
    def interfaces(self) -> float:
        """Return what both interfaces resist with, ohm m^2: what experimenters put into Evans' correction."""
        return sum(self.films) + sum(self.transfers)

    @property
    def salt(self) -> float:
        """Z_D, ohm m^2: what the salt's profile resists with, once it has settled."""
        p = self.p
        return diffusion_potential(p) * (1.0 - p.t_plus) * self.gap / (FARADAY * p.D * p.c0)

    @property
    def current_fraction(self) -> float:
        """Steady over first current of the electrolyte alone, for small currents, (L/kappa)/(L/kappa + Z_D)."""
        return self.bulk / (self.bulk + self.salt)

    @property
    def gives_t_plus(self) -> bool:
        """Whether the current fraction is t+, to what an experiment resolves."""
        return abs(self.current_fraction - self.p.t_plus) <= RESOLVED

    @property
    def total(self) -> float:
        """Z at no frequency, ohm m^2."""
        return self.bulk + self.interfaces + self.salt

    def _arcs(self) -> list[tuple[str, float, float, float]]:
        """Name, resistance [ohm m^2], capacitance [F/m^2] and exponent of each interface."""
        p, found = self.p, []
        names, thicknesses = ("lithium", "counter electrode"), (p.film_thickness, p.film_thickness_counter)
        for name, R, delta in zip(names, self.films, thicknesses, strict=True):
            capacitance = self.film_permittivity * VACUUM_PERMITTIVITY / delta
            found.append((f"film, {name}", R, capacitance, self.film_exponent))
        for name, R in zip(names, self.transfers, strict=True):
            found.append((f"charge transfer, {name}", R, self.double_layer, self.transfer_exponent))
        return found

    def parts(self) -> list[Part]:
        """Return the parts of the spectrum in the order of eq. (17)."""
        arcs = [Part(name, R, 1.0 / (2.0 * math.pi * R * C)) for name, R, C, _ in self._arcs()]
        slow = WARBURG_PEAK * self.p.D / (0.5 * self.gap) ** 2 / (2.0 * math.pi)
        return [Part("electrolyte", self.bulk, 0.0), *arcs, Part("salt", self.salt, slow)]

    def at(self, frequency: Floats) -> Complex:
        """Return Z [ohm m^2] at frequencies [Hz] above 0."""
        w = 2.0 * np.pi * np.asarray(frequency, dtype=np.float64)
        Z = np.full(w.shape, self.bulk, dtype=np.complex128)
        for _, R, C, exponent in self._arcs():
            Z += R / (1.0 + (1j * w * R * C if exponent == 1.0 else (1j * w * R * C) ** exponent))
        x = 0.5 * self.gap * np.sqrt(1j * w / self.p.D)
        return np.asarray(Z + self.salt * np.tanh(x) / x)

    def frequencies(self) -> Floats:
        """Return frequencies [Hz] that show all parts, twenty a decade, the highest first."""
        peaks = [part.peak for part in self.parts() if part.peak > 0.0 and part.resistance > 0.0]
        low, high = math.log10(min(peaks)) + DECADES[0], math.log10(max(peaks)) + DECADES[1]
        return np.logspace(high, low, round((high - low) * A_DECADE) + 1)


def evans_current_fraction(voltage: float, first: float, last: float, before: float, after: float) -> float:
    """Return t+ = I_ss (dV - I_0 R_0)/(I_0 (dV - I_ss R_ss)).

    voltage dV [V]; first I_0, last I_ss [A/m^2]; before R_0, after R_ss: of both interfaces [ohm m^2]. J. Evans,
    C. A. Vincent, P. G. Bruce, Polymer 28 (1987) 2324.
    """
    return last * (voltage - first * before) / (first * (voltage - last * after))
