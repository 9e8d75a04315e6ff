"""A cell whose lithium moves by the published law: a `base.LawOfMotion` around `published.Published`.

The coefficients follow from the case: eq. (13), D = kappa R T/(F^2 c0), as for ions of one kind that carry all the
current, and the mobility of the surface energy

    L_s = KEEPING v/(W delta),   v = V_m j/F                                                     (16)

so that a profile mends KEEPING times as fast as the fastest front passes it; j is the largest current density of the
protocol, at an imposed voltage kappa U over the gap. Nothing is corrected: the ledger shows what the law does not keep.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from phasefield.constants import FARADAY, GAS_CONSTANT
from phasefield.errors import SolverError
from phasefield.kernels.front import lattice
from phasefield.model.allen_cahn.coefficients import AllenCahnCoefficients
from phasefield.model.allen_cahn.equations import PORES, Fields, Numbers, Published
from phasefield.model.base import LawOfMotion
from phasefield.model.coefficients import Drive
from phasefield.model.front import Front
from phasefield.model.initial_surface import set_surface
from phasefield.model.reaction import Reaction
from phasefield.model.state import State

if TYPE_CHECKING:
    from phasefield.case import Case

Floats = NDArray[np.float64]

KEEPING = 10.0
WIDTHS = 4.0  # delta of the published models in W of eq. (1)
EDGE = 1e-4  # xi (1 - xi) below which a cell has no local current


def fastest_current(case: Case) -> float:
    """Return the largest current density [A/m^2] that the protocol may drive."""
    gap = case.grid.size[-1] - case.surface.height
    kappa = case.properties().kappa
    steps = case.protocol.sequence
    found = [step.largest_current for step in steps]
    found += [kappa * max(map(abs, step.voltages)) / gap for step in steps if step.voltages is not None]
    return max(found, default=0.0) or case.properties().j0


def numbers_of(case: Case) -> Numbers:
    """Return what the published law needs, from the measurable inputs of a case."""
    p = case.properties()
    delta, f = WIDTHS * case.numerics.interface_width, FARADAY / (GAS_CONSTANT * p.T)
    barrier = 12.0 * p.gamma / delta
    mobility = KEEPING * p.V_m * fastest_current(case) / FARADAY / (barrier * delta)
    law = AllenCahnCoefficients.of(p.gamma, delta, p.j0, p.V_m, mobility)
    metal = case.numerics.metal_contrast * p.kappa
    return Numbers(law, p.kappa, metal, p.kappa / (FARADAY * f * p.c0), f, p.alpha_a, p.alpha_c, p.c0, 1.0 / p.V_m)


@dataclass
class PublishedState(State):
    """Everything at one time; the rest of `State` follows from `fields`."""

    DRIVEN = (*State.DRIVEN, "fields")

    fields: Fields = field(default_factory=lambda: Fields.empty((0, 0, 0)))

    def arrays(self) -> dict[str, Floats]:
        """Return the arrays that a restart needs."""
        f = self.fields
        return {"xi": f.xi, "ions": f.c, "psi": f.psi, "rate": f.rate}

    def numbers(self) -> dict[str, float]:
        """Return the numbers that a restart needs."""
        held = {name: float(getattr(self, name)) for name in ("t", "applied", "deposited")}
        return held | {"field_voltage": self.fields.voltage, "field_current": self.fields.current}


class AllenCahnLaw(LawOfMotion):
    """The published models in one case."""

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self.W, self.periodic = case.numerics.interface_width, case.grid.lateral == "periodic"
        self.lattice = lattice(self.shape, self.dx, self.periodic)
        self.numbers = numbers_of(case)
        self.model = Published(self.lattice, self.periodic, self.numbers, case.numerics.tolerance)
        self.spare = self._state()

    @property
    def iterations(self) -> int:
        """Iterations of the linear solvers since the cell was made."""
        return self.model.iterations

    def _state(self) -> PublishedState:
        front, fields = Front(self.lattice, self.periodic, self.W), Fields.empty(self.shape)
        return PublishedState(front, fields.c, fields.psi, np.zeros(self.shape), fields=fields)

    def content(self, front: Front, c: Floats) -> float:
        """Return the cations in the electrolyte, sum((1 - h(xi)) c) dV [mol]; there are no anions to keep."""
        xi = 1.0 - front.h
        h = xi**3 * (xi * (6.0 * xi - 15.0) + 10.0)
        return float(((1.0 + PORES - h) * c).sum(axis=(1, 2)).sum()) * self.dx**3

    def start(self) -> PublishedState:
        """Return the state at t = 0: the case's surface in the profile of eq. (1), uniform ions."""
        s = self._state()
        set_surface(s.front, self.case)
        np.subtract(1.0, s.front.h, out=s.fields.xi)
        s.fields.c[...] = self.numbers.c0
        self._tell(s)
        self.volume_0 = s.front.volume()
        self.salt_0 = self.content(s.front, s.c)
        return s

    def restore(self, arrays: dict[str, Any], numbers: dict[str, float]) -> PublishedState:
        s = self._state()
        for name, array in s.arrays().items():
            np.copyto(array, arrays[name])
        for name, value in numbers.items():
            setattr(s.fields if name.startswith("field_") else s, name.removeprefix("field_"), value)
        self._tell(s)
        return s

    def drive(self, s: State, drive: Drive) -> None:
        assert isinstance(s, PublishedState)
        self.model.react(s.fields, drive)
        self._tell(s)

    def step(self, s: State, drive: Drive, dt: float) -> PublishedState:
        b = self.spare
        assert isinstance(s, PublishedState)
        passed, reacted = self.model.step(s.fields, b.fields, drive, dt)
        self.effort = self.model.effort
        b.t, b.applied, b.deposited = s.t + dt, s.applied + passed, s.deposited + reacted
        self._tell(b)
        # A concentration below zero is the law's own: its surface terms take ions whether or not there are any.
        if not np.all(np.isfinite(b.c)):
            raise SolverError("the concentration is not finite")
        return b

    def accept(self, old: State) -> None:
        assert isinstance(old, PublishedState)
        self.spare = old

    def longest_step(self, s: State) -> float:
        """Return the longest step [s] that the explicit part of eq. (12) allows."""
        return self.model.motion.longest

    @classmethod
    def longest_of(cls, case: Case) -> float:
        """Return the longest step [s] by eq. (12), from the inputs alone."""
        return numbers_of(case).law.longest(case.grid.spacing, case.grid.ndim)

    def _tell(self, s: PublishedState) -> None:
        """Set what others read of a state from its fields: surface, concentration, potential, currents."""
        f, q = s.front, s.fields
        xi = np.clip(q.xi, 0.0, 1.0)
        np.subtract(1.0, xi, out=f.h)
        with np.errstate(divide="ignore"):
            np.clip(self.W * (np.log(f.h) - np.log(xi)), -f.radius, f.radius, out=f.d)
        f.refresh()
        s.resistance, s.j_side = np.zeros(f.count), np.zeros(f.count)
        s.c, s.phi, s.phi_s = q.c, q.psi - q.voltage, -q.voltage
        np.divide(self.W * q.rate, xi * f.h, out=s.v, where=xi * f.h > EDGE)
        s.v[xi * f.h <= EDGE] = 0.0
        j = f.gather(s.v) / self.volume_per_charge
        total = q.current * self.plane
        s.reaction = Reaction(j, np.zeros_like(j), np.zeros_like(j), j, total, self.model.reacting(q) * self.plane)

    def field(self, s: State, name: str) -> Floats:
        assert isinstance(s, PublishedState)
        if name == "xi":
            return s.fields.xi
        if name == "reaction_current":
            return s.v / self.volume_per_charge
        if name.startswith("film_"):
            return np.zeros(self.shape)
        return s.field(name)
