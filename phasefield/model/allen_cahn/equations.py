"""The published models: Allen-Cahn motion, one potential through metal and electrolyte, dilute cations.

    xi_t = -L_s (W g' - k lap xi) - L_e h' {exp(a_a f phi) - (1 - h)(c/c0) exp(-a_c f phi)}      (12)
    d[(1 - h) c + h C_s]/dt = div((1 - h) D (grad c + f c grad phi))                             (14)
    div(sigma grad phi) = F C_s xi_t,   sigma = h sigma_s + (1 - h) kappa                        (15)

h = xi^3 (6 xi^2 - 15 xi + 10), f = F/RT. The counter plane is at phi = 0 and c = c0; the base of the metal at -U.
There is no electroneutral salt, no t+, no film and no kinetics of the counter electrode. One step, second order: rates
of the surface energy are explicit, reaction and transport implicit, with the nodes of `allen_cahn` (ARS(2,2,2): U. M.
Ascher, S. J. Ruuth, R. J. Spiteri, Appl. Numer. Math. 25 (1997) 151).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phasefield.constants import FARADAY
from phasefield.errors import SolverError
from phasefield.kernels import allen_cahn as kernels
from phasefield.kernels import transport
from phasefield.kernels.front import Lattice
from phasefield.kernels.krylov import MultigridSolver
from phasefield.model.allen_cahn.coefficients import GAMMA, LATE, AllenCahn, AllenCahnCoefficients
from phasefield.model.coefficients import Drive

Floats = NDArray[np.float64]

PORES = 1e-6  # of the electrolyte that is left in metal: keeps c defined there; it is counted
ITERATIONS = 60  # of a stage
INNER = 200  # of a linear solution
STRICT = 0.1  # of the tolerance: linear solutions
FOLLOWED = 2  # iterations of a stage that the potential takes part in: it hardly answers to what the later ones change
QUIET = 1e-6  # of j0: least current that the potential's error is measured against


@dataclass(frozen=True)
class Numbers:
    """What eqs. (12), (14) and (15) need: `law`, f and the transfer coefficients, the rest in SI."""

    law: AllenCahnCoefficients
    kappa: float
    metal: float
    D: float
    f: float
    a_a: float
    a_c: float
    c0: float
    sites: float


@dataclass
class Fields:
    """Unknowns at one time; psi = phi + U [V], 0 at the base of the metal; rate: reaction's part of xi_t [1/s]."""

    xi: Floats
    c: Floats
    psi: Floats
    rate: Floats
    voltage: float = 0.0
    current: float = 0.0  # A/m^2, through the counter plane

    @classmethod
    def empty(cls, shape: tuple[int, ...]) -> Fields:
        """Return room."""
        return cls(np.zeros(shape), np.zeros(shape), np.zeros(shape), np.zeros(shape))

    def copy_from(self, other: Fields) -> None:
        """Take over all values of `other`."""
        for name in ("xi", "c", "psi", "rate"):
            np.copyto(getattr(self, name), getattr(other, name))
        self.voltage, self.current = other.voltage, other.current


class Published:
    """Solver of eqs. (12), (14) and (15) on one grid; holds only work arrays."""

    def __init__(self, lattice: Lattice, periodic: bool, numbers: Numbers, tolerance: float) -> None:
        """tolerance: of xi and c/c0, in a stage's iteration."""
        self.lattice, self.periodic, self.numbers, self.tolerance = lattice, periodic, numbers, tolerance
        self.motion = AllenCahn(lattice, numbers.law)
        shape = (lattice.nz, lattice.ny, lattice.nx)
        self.charge = MultigridSolver(shape, periodic)
        self.salt = MultigridSolver(shape, periodic, self.charge)
        self.g = (np.zeros(shape, np.float32), np.zeros(shape, np.float32), np.zeros(shape, np.float32))
        self.h, self.slope, self.gain, self.loss, self.relaxed = (np.zeros(shape) for _ in range(5))
        self.middle = Fields.empty(shape)
        top = lattice.ny * lattice.nx
        self.plane = top * lattice.dx**2
        self.top = np.arange((lattice.nz - 1) * top, lattice.nz * top)
        self.iterations = 0
        self.effort = 0

    def content(self, s: Fields) -> Floats:
        """Return lithium in each cell, ions and metal [mol/m^3]: what eq. (14) moves."""
        kernels.blend(self.h, self.slope, s.xi)
        return np.asarray((1.0 + PORES - self.h) * s.c + self.numbers.sites * self.h)

    def react(self, s: Fields, drive: Drive) -> None:
        """Impose `drive` on xi and c as they are: potential, current and reaction, in place."""
        self._rates(s)
        for _ in range(ITERATIONS):
            before = s.rate.copy()
            self._potential(s, drive)
            self._rates(s)
            size = max(float(np.max(np.abs(s.rate))), self.numbers.law.exchange)
            if float(np.max(np.abs(s.rate - before))) <= self.tolerance * size:
                return
        raise SolverError("potential and reaction did not agree")

    def step(self, old: Fields, new: Fields, drive: Drive, dt: float) -> tuple[float, float]:
        """Advance by dt [s] into `new`; return the charges [C/m^2] that passed the counter plane and the reaction."""
        mid, self.effort = self.middle, 0
        held = self.content(old)
        first = self.motion.first
        self.motion.rate(first, old.xi)
        mid.copy_from(old)
        xi, part = old.xi + GAMMA * dt * first, GAMMA * dt
        self._stage(mid, xi, held, part, drive.after(part))
        moved = (self.content(mid) - held) / part
        self.motion.rate(self.motion.second, mid.xi)
        xi = old.xi + dt * ((1.0 - LATE) * first + LATE * self.motion.second + (1.0 - GAMMA) * mid.rate)
        new.copy_from(mid)
        self._stage(new, xi, held + (1.0 - GAMMA) * dt * moved, part, drive.after(dt))
        passed = dt * ((1.0 - GAMMA) * mid.current + GAMMA * new.current)
        return passed, dt * ((1.0 - GAMMA) * self.reacting(mid) + GAMMA * self.reacting(new))

    def reacting(self, s: Fields) -> float:
        """Return the current density [A/m^2] that the reaction stands for, over the plane."""
        return float(s.rate.sum()) * FARADAY * self.numbers.sites * self.lattice.dx**3 / self.plane

    def _stage(self, s: Fields, xi: Floats, held: Floats, dt: float, drive: Drive) -> None:
        """Solve s.xi = xi + dt (reaction) and content(s) = held + dt (transport), in place, from a guess."""
        n = self.numbers
        s.xi = xi + dt * s.rate
        for k in range(ITERATIONS):
            if k < FOLLOWED:
                self._potential(s, drive)
            self._coefficients(s)
            pores, sites = 1.0 + PORES - self.h, (n.sites - s.c) * self.slope
            own = pores + dt * sites * self.gain
            b = held - n.sites * self.h - sites * (xi - dt * self.loss - s.xi)
            c = self._ions(s, pores, own, b, dt)
            s.rate = self.gain * c - self.loss
            to = xi + dt * s.rate
            change = max(float(np.max(np.abs(c - s.c) * pores)) / n.c0, float(np.max(np.abs(to - s.xi))))
            s.c, s.xi = c, to
            self.effort = max(self.effort, k)
            if not np.isfinite(change):
                raise SolverError("the Allen-Cahn law met a number that is not finite")
            if change <= self.tolerance:
                break
        else:
            raise SolverError(f"xi and the ions did not agree: they still change by {change:.1e}")

    def _coefficients(self, s: Fields) -> None:
        """Set h, h' and the reaction's gain and loss."""
        n = self.numbers
        kernels.blend(self.h, self.slope, s.xi)
        pores = 1.0 + PORES - self.h
        kernels.reaction(
            self.gain, self.loss, self.slope, pores, s.psi, s.voltage, n.law.exchange, n.a_c * n.f, n.a_a * n.f, n.c0
        )

    def _rates(self, s: Fields) -> None:
        self._coefficients(s)
        s.rate = self.gain * s.c - self.loss

    def _ions(self, s: Fields, pores: Floats, own: Floats, b: Floats, dt: float) -> Floats:
        """Return c of own c - dt div(pores D (grad c + f c grad phi)) = b; migration as the last c has it."""
        n, L = self.numbers, self.lattice
        dV, ends = L.dx**3, np.array([0.0, 1.0])
        level = np.array([n.D, n.D])
        transport.faces(*self.g, pores, s.c, ends, level, dt * L.dx, L, self.periodic, 0)
        own, b = dV * own, dV * b
        kernels.migrate(b, s.psi, s.c, *self.g, L, n.f)
        half = 2.0 * dt * L.dx * n.D * pores[-1]
        own[-1] += half
        b[-1] += half * n.c0 * (1.0 + n.f * (s.voltage - s.psi[-1]))
        self.salt.prepare_cells(self.g, own)
        c = s.c.copy()
        norm = float(np.sqrt(np.sum((pores * s.c) ** 2))) * dV
        info = self.salt.solve(c, 0.0, b, 0.0, tolerance=STRICT * self.tolerance, norm=norm, max_iterations=INNER)
        self.iterations += info.iterations
        if not info.converged:
            raise SolverError(f"the ions did not converge: residual {info.residual:.1e} mol of {norm:.1e} mol")
        return c

    def _potential(self, s: Fields, drive: Drive) -> None:
        """Solve eq. (15) for psi, voltage and current, in place."""
        n, L = self.numbers, self.lattice
        kernels.blend(self.h, self.slope, s.xi)
        sigma = 1.0 + (n.metal / n.kappa - 1.0) * self.h
        level = np.array([n.kappa, n.kappa])
        transport.faces(*self.g, sigma, s.c, np.array([0.0, 1.0]), level, L.dx, L, self.periodic, 0)
        self.motion.rate(self.relaxed, s.xi)
        b = -FARADAY * n.sites * L.dx**3 * (s.rate + self.relaxed)
        own = np.zeros_like(b)
        own[0] = 2.0 * n.kappa * L.dx * sigma[0]
        half = 2.0 * n.kappa * L.dx * sigma[-1]
        given = drive.current is not None
        if drive.current is not None:
            scale = abs(drive.current)
        else:
            s.voltage = float(drive.voltage or 0.0)
            scale = n.kappa * abs(s.voltage) / (L.nz * L.dx)
            own[-1] += half
            b[-1] += half * s.voltage
        j0 = 1.5 * n.law.exchange * FARADAY * n.sites * n.law.width
        norm = max(scale, QUIET * j0) * L.dx**2 * np.sqrt(self.top.size)
        at = np.arange(self.top.size + 1) if given else np.zeros(1, np.int64)
        count = self.top.size if given else 0
        self.charge.prepare(
            *self.g, own, at, self.top[:count], np.ones(count), half.ravel()[:count], 0.0 if given else 1.0, given
        )
        wanted = (drive.current or 0.0) * self.plane
        info = self.charge.solve(
            s.psi, s.voltage, b, wanted, tolerance=STRICT * self.tolerance, norm=float(norm), max_iterations=INNER
        )
        self.iterations += info.iterations
        if not info.converged:
            raise SolverError(f"the potential did not converge: residual {info.residual:.1e} A of {norm:.1e} A")
        if given:
            s.voltage, s.current = info.u_s, float(drive.current or 0.0)
        else:
            s.current = float(np.sum(half * (s.voltage - s.psi[-1]))) / self.plane
