"""A cell whose lithium moves by the published law: the interface of `cell.Cell` around `published.Published`.

The coefficients follow from the case: eq. (13), D = kappa R T/(F^2 c0), as for ions of one kind that carry all the
current, and the mobility of the surface energy

    L_s = KEEPING v/(W delta),   v = V_m j/F                                                     (16)

so that a profile mends KEEPING times as fast as the fastest front passes it; j is the largest current density of the
protocol, at an imposed voltage kappa U over the gap. Nothing is corrected: the ledger shows what the law does not keep.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..constants import FARADAY, GAS_CONSTANT
from ..errors import SolverError
from .allen_cahn import Coefficients
from .cell import Cell, State
from .film import FilmState
from .front import Front
from .coefficients import Drive
from .reaction import Reaction
from .published import PORES, Fields, Numbers, Published

if TYPE_CHECKING:
    from ..case import Case

Floats = NDArray[np.float64]

KEEPING = 10.0
WIDTHS = 4.0  # delta of the published models in W of eq. (1)
EDGE = 1e-4  # xi (1 - xi) below which a cell has no local current


def fastest_current(case: Case) -> float:
    """Return the largest current density [A/m^2] that the protocol may drive."""
    gap = case.grid.size[-1] - case.surface.height
    kappa = case.properties().kappa
    found = [abs(step.current) for step in case.protocol.steps if step.current is not None]
    found += [kappa * abs(step.voltage) / gap for step in case.protocol.steps if step.voltage is not None]
    return max(found, default=0.0) or case.properties().j0


def numbers_of(case: Case) -> Numbers:
    """Return what the published law needs, from the measurable inputs of a case."""
    p = case.properties()
    delta, f = WIDTHS * case.numerics.interface_width, FARADAY / (GAS_CONSTANT * p.T)
    barrier = 12.0 * p.gamma / delta
    mobility = KEEPING * p.V_m * fastest_current(case) / FARADAY / (barrier * delta)
    law = Coefficients.of(p.gamma, delta, p.j0, p.V_m, mobility)
    metal = case.numerics.metal_contrast * p.kappa
    return Numbers(law, p.kappa, metal, p.kappa / (FARADAY * f * p.c0), f, p.alpha_a, p.alpha_c, p.c0, 1.0 / p.V_m)


@dataclass
class PublishedState(State):
    """Everything at one time; the rest of `State` follows from `fields`."""

    fields: Fields = field(default_factory=lambda: Fields.empty((0, 0, 0)))

    def arrays(self) -> dict[str, Floats]:
        """Return the arrays that a restart needs."""
        f = self.fields
        return {"xi": f.xi, "ions": f.c, "psi": f.psi, "rate": f.rate}

    def numbers(self) -> dict[str, float]:
        """Return the numbers that a restart needs."""
        totals = ("t", "applied", "deposited")
        held = {name: float(getattr(self, name)) for name in totals}
        return held | {"field_voltage": self.fields.voltage, "field_current": self.fields.current}


class PublishedCell(Cell):
    """The published models in one case."""

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self.numbers = numbers_of(case)
        self.model = Published(self.lattice, self.periodic, self.numbers, case.numerics.tolerance)
        self.longest = self.model.motion.longest

    def _state(self) -> PublishedState:
        shape = self.shape
        film = FilmState(np.zeros(shape), np.zeros(shape), np.zeros(shape))
        front = Front(self.lattice, self.periodic, self.W)
        return PublishedState(
            front, np.zeros(shape), np.zeros(shape), np.zeros(shape), film, np.zeros(shape[1:]),
            fields=Fields.empty(shape),
        )  # fmt: skip

    def content(self, front: Front, c: Floats) -> float:
        """Return the cations in the electrolyte, sum((1 - h(xi)) c) dV [mol]; there are no anions to keep."""
        xi = 1.0 - front.h
        h = xi**3 * (xi * (6.0 * xi - 15.0) + 10.0)
        return float(((1.0 + PORES - h) * c).sum(axis=(1, 2)).sum()) * self.dx**3

    def _coat(self, s: State) -> None:
        """Leave the elements bare: this law has no film."""
        s.resistance, s.j_side = np.zeros(s.front.count), np.zeros(s.front.count)

    def start(self) -> PublishedState:
        """Return the state at t = 0: the case's surface in the profile of eq. (1), uniform ions."""
        s = super().start()
        assert isinstance(s, PublishedState)
        np.subtract(1.0, s.front.h, out=s.fields.xi)
        s.fields.c[...] = self.numbers.c0
        self._tell(s)
        self.volume_0 = s.front.volume()
        self.salt_0 = self.content(s.front, s.c)
        return s

    def restore(
        self, arrays: dict[str, Any], numbers: dict[str, float], volume_0: float, salt_0: float
    ) -> PublishedState:
        """Return the state of a checkpoint; the same numbers to the bit as when it was written."""
        s = self._state()
        for name, array in s.arrays().items():
            np.copyto(array, arrays[name])
        for name, value in numbers.items():
            setattr(s.fields if name.startswith("field_") else s, name.removeprefix("field_"), value)
        self._tell(s)
        self.volume_0, self.salt_0 = volume_0, salt_0
        return s

    def drive(self, s: State, drive: Drive) -> None:
        """Impose `drive` on the state at its own time: new potentials and rates, nothing moves."""
        assert isinstance(s, PublishedState)
        kept = Fields.empty(self.shape)
        kept.copy_from(s.fields)
        try:
            self.model.react(s.fields, drive)
        except SolverError:
            s.fields = kept
            raise
        self._tell(s)
        self._count()

    def step(self, s: State, drive: Drive, dt: float) -> PublishedState:
        """Return the state after dt [s] under `drive`; `s` (driven by `drive`) stays as it is."""
        b = self.spare[1]
        assert isinstance(s, PublishedState)
        assert isinstance(b, PublishedState)
        passed, reacted = self.model.step(s.fields, b.fields, drive, dt)
        self.effort = self.model.effort
        self._count()
        b.t, b.applied, b.deposited = s.t + dt, s.applied + passed, s.deposited + reacted
        self._tell(b)
        self._check_salt(b)
        return b

    def _check_salt(self, s: State) -> None:
        """Refuse numbers that are not finite. A concentration below zero is the law's own, and is stored.

        Its surface terms move xi and take ions for it whether or not there are any.
        """
        if not np.all(np.isfinite(s.c)):
            raise SolverError("the concentration is not finite")

    def _count(self) -> None:
        self.transport.cycles = self.model.iterations

    def _tell(self, s: PublishedState) -> None:
        """Set what others read of a state from its fields: surface, concentration, potential, currents."""
        f, q = s.front, s.fields
        xi = np.clip(q.xi, 0.0, 1.0)
        np.subtract(1.0, xi, out=f.h)
        with np.errstate(divide="ignore"):
            np.clip(self.W * (np.log(f.h) - np.log(xi)), -f.radius, f.radius, out=f.d)
        f.refresh()
        self._coat(s)
        s.c, s.phi, s.phi_s = q.c, q.psi - q.voltage, -q.voltage
        np.divide(self.W * q.rate, xi * f.h, out=s.v, where=xi * f.h > EDGE)
        s.v[xi * f.h <= EDGE] = 0.0
        j = f.gather(s.v) / self.per_charge
        total = q.current * self.plane
        s.reaction = Reaction(j, np.zeros_like(j), np.zeros_like(j), j, total, self.model.reacting(q) * self.plane)

    def until_renewal(self, s: State) -> float:
        """Return the time until the film's patches are renewed: there are none."""
        return math.inf

    def field(self, s: State, name: str) -> Floats:
        """Return a field (nz, ny, nx) of the results file by its name in `phasefield.fields`."""
        assert isinstance(s, PublishedState)
        if name == "xi":
            return s.fields.xi
        if name == "reaction_current":
            return s.v / self.per_charge
        if name.startswith("film_"):
            return np.zeros(self.shape)
        return super().field(s, name)


def cell_of(case: Case) -> Cell:
    """Return the model of a case by its law of motion."""
    return PublishedCell(case) if case.numerics.motion == "allen-cahn" else Cell(case)
