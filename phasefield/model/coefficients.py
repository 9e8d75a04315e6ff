"""Numbers of the equations for a case, and small records that the terms share."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from phasefield.analytic.diffusion_potential import DiffusionPotential, diffusion_potential_over
from phasefield.constants import FARADAY, GAS_CONSTANT
from phasefield.kernels.kinetics import Kinetics

if TYPE_CHECKING:
    from phasefield.case import Case

Floats = NDArray[np.float64]

RESIDUAL = 1e-6  # of c0: less salt conducts as so much
DEBYE = 1e-9  # m: so near to the surface ions outnumber each other. The layer conducts as the salt at its edge does:
# that is what bounds the current where salt vanishes, and how little salt there can be.
FAR = 1000.0  # prolongs the tables kappa(c), D(c) to this many c0


@dataclass(frozen=True)
class Drive:
    """What is imposed: a mean current density [A/m^2] (rest: 0), or a cell voltage [V].

    ceiling: size of the cell voltage [V] beyond which a current is not imposed any longer, but this voltage; rate: of
    what is imposed, per second, in a ramp.
    """

    current: float | None
    voltage: float | None = None
    ceiling: float = math.inf
    rate: float = 0.0

    def after(self, dt: float) -> Drive:
        """Return what is imposed after dt [s]; the weights of a step's stages give the charge of a ramp exactly."""
        if self.rate == 0.0:
            return self
        if self.current is not None:
            return replace(self, current=self.current + self.rate * dt)
        return replace(self, voltage=(self.voltage or 0.0) + self.rate * dt)

    @property
    def direction(self) -> float:
        """Sign of an imposed current, or of that which a ramp from zero leads to; 0 of none."""
        return float(np.sign(self.current or self.rate)) if self.current is not None else 0.0


@dataclass(frozen=True)
class CounterElectrode:
    """The counter electrode: kinetics and film resistance [ohm m^2]."""

    kinetics: Kinetics
    resistance: float


@dataclass(frozen=True)
class OverConcentration:
    """What depends on c with t+ or the thermodynamic factor: t+(c) - t+(c_0), a table over `at`, and the potential."""

    at: Floats
    t_excess: Floats
    potential: DiffusionPotential

    def excess(self, c: Floats) -> Floats:
        """Return t+(c) - t+(c_0)."""
        return np.asarray(np.interp(c, self.at, self.t_excess))


@dataclass(frozen=True)
class Coefficients:
    """Numbers of eqs. (9) and (10): tables over c [mol/m^3] and constants, with t+ and X at c_0."""

    at: Floats
    kappa: Floats
    D_at: Floats
    D: Floats
    beta: float  # (2 R T/F)(1 - t+) X [V]
    salt_per_charge: float  # (1 - t+)/F [mol/C]
    anion: float  # F D c_0/((1 - t+) kappa) [V]: psi - anion ln c has no gradient where no anions move
    spread: float  # m: rms width of a surface element, across the surface
    gibbs_thomson: float  # gamma V_m/F [V m]
    c_floor: float  # concentration [mol/m^3] that less salt conducts as
    layer: float  # resistance times concentration [ohm mol/m] of the layer at the surface that is not electroneutral
    c_0: float  # starting concentration [mol/m^3], at which phi = psi
    kinetics: Kinetics
    repair: float = 0.0  # share of the plating current that forms film, (8)
    over_c: OverConcentration | None = None  # t+ and the diffusion potential, where they depend on c

    def beta_at(self, c: Floats) -> Floats:
        """Return beta at concentrations [mol/m^3], V."""
        return np.full_like(c, self.beta) if self.over_c is None else self.over_c.potential.slope(c)

    def by_anions(self, c: Floats) -> Floats:
        """Return the derivative [V m^3/mol] of psi by concentrations [mol/m^3] at fixed psi - anion ln c."""
        least = self.c_floor
        return np.asarray(self.anion * np.where(c < 2.0 * least, 2.0 * c / (4.0 * least**2 + c**2), 1.0 / c))

    def salt_per_charge_at(self, c: Floats) -> Floats:
        """Return (1 - t+)/F at concentrations [mol/m^3], mol/C."""
        if self.over_c is None:
            return np.full_like(c, self.salt_per_charge)
        return np.asarray(self.salt_per_charge - self.over_c.excess(c) / FARADAY)

    def potential_at(self, c: Floats) -> Floats:
        """Return phi - psi at concentrations [mol/m^3], V."""
        return self.beta * np.log(c / self.c_0) if self.over_c is None else self.over_c.potential.between(c)


def coefficients(case: Case) -> tuple[Coefficients, Kinetics]:
    """Return the numbers of the equations for a case, and the kinetics of its counter electrode."""
    p = case.properties()
    RT = GAS_CONSTANT * p.T
    if p.dependence == "nernst-einstein":
        at, kappa = np.array([0.0, FAR * p.c0]), np.array([0.0, FAR * p.kappa])
        D_at, D = at, np.array([p.D, p.D])
    elif p.dependence == "constant":
        at, kappa = np.array([0.0, FAR * p.c0]), np.array([p.kappa, p.kappa])
        D_at, D = at, np.array([p.D, p.D])
    else:
        # Nothing conducts without salt; beyond the last point the last values hold.
        cs, ks, Ds = (np.array(column, dtype=float) for column in p.table[:3])
        at = D_at = np.concatenate([[0.0], cs, [FAR * cs[-1]]])
        kappa, D = np.concatenate([[0.0], ks, ks[-1:]]), np.concatenate([Ds[:1], Ds, Ds[-1:]])
    over_c = None
    if p.dependence == "table" and max(map(np.ptp, (p.table.transference, p.table.factor))) > 0.0:
        t_plus = np.array(p.table.transference)
        excess = np.concatenate([t_plus[:1], t_plus, t_plus[-1:]]) - p.t_plus
        over_c = OverConcentration(at, excess, diffusion_potential_over(p))
    kinetics = Kinetics(p.j0, FARADAY / RT, p.alpha_a, p.alpha_c, p.exponent, p.c_ref)
    co = Coefficients(
        at, kappa, D_at, D,
        beta=2.0 * RT / FARADAY * (1.0 - p.t_plus) * p.chi,
        salt_per_charge=(1.0 - p.t_plus) / FARADAY,
        anion=FARADAY * p.D * p.c0 / ((1.0 - p.t_plus) * p.kappa) if p.t_plus < 1.0 else 0.0,
        spread=math.sqrt(math.pi**2 / 3.0 * case.numerics.interface_width**2 + 0.25 * case.grid.spacing**2),
        gibbs_thomson=p.gamma * p.V_m / FARADAY,
        c_floor=RESIDUAL * p.c0, layer=DEBYE * p.c0 / p.kappa, c_0=p.c0, kinetics=kinetics,
        repair=case.film.plating_share, over_c=over_c,
    )  # fmt: skip
    return co, kinetics._replace(j0=p.j0_counter)
