"""Charge: the potential of the electrolyte and of the metal, one symmetric positive system.

    div(h kappa grad phi) - div(h kappa_D grad ln c) = a j,     sum(a j dV) = I A              (9)
    kappa_D = kappa beta,  beta = (2 R T / F)(1 - t+) X

phi is measured against a lithium reference; the counter electrode is at 0 and closes the top plane; the lithium
is one equipotential phi_s, found with phi from the imposed current, or imposed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import SolverError
from ..kernels import kinetics, transport
from ..kernels.kinetics import Kinetics
from ..kernels.krylov import Multigrid
from .front import Front

Floats = NDArray[np.float64]

NEWTON_STEPS = 25
INNER_STEPS = 60
CLOSING_STEPS = 60
CLOSED, BARELY = 1e-13, 1e-12  # of the currents: the imposed one is met so well, or as well as round-off lets it
PINNED = 1e6  # holds the extra unknown at zero, relative to the reaction that it couples to
REDUCTION = 1e-2  # of the residual in one Newton step; the error of the currents is estimated with it
COUNTER_MOVED = 0.02  # relative change of the counter electrode's slope that the solver is told of
AT_REST = 1e-2  # of the current that RT/F would drive: the scale of errors where no current flows
BORDERED = 0.02  # likewise, where the metal's change is found from two solutions, each left with REDUCTION
CURVED = 0.1  # share of a squared relative change of the currents that a Newton step leaves over


@dataclass(frozen=True)
class Drive:
    """What is imposed: a mean current density [A/m^2] (rest: 0), or a cell voltage [V]."""

    current: float | None
    voltage: float | None = None


@dataclass(frozen=True)
class Counter:
    """The counter electrode: kinetics and film resistance [ohm m^2]."""

    kinetics: Kinetics
    resistance: float


@dataclass
class Reaction:
    """Currents at the surface elements [A/m^2] and their derivatives, and their sums [A]."""

    j: Floats
    J: Floats
    Jc: Floats
    j_li: Floats
    total: float = 0.0
    total_li: float = 0.0
    other_li: float = 0.0  # A, of the counter electrode's lithium, where it is resolved

    @classmethod
    def empty(cls, n: int) -> Reaction:
        """Return room for n elements; no guess of the currents."""
        return cls(np.full(n, np.nan), np.empty(n), np.empty(n), np.empty(n))


class Enough:
    """How far to take the linear solution of a Newton step: asked once it is known how much the currents change.

    size: rms change of the currents over their scale; left: what the curvature of the kinetics, the error of the
    Newton step itself, leaves of the tolerance; not above 0: another step is needed anyway.
    """

    def __init__(self, slope: Floats, scale: float, tolerance: float, bordered: float = 0.0) -> None:
        """slope: A dj/du of the elements [A/V]; scale [A]: of the currents, as a 2-norm.

        bordered: share of a change that is left over, besides.
        """
        self.slope, self.scale, self.tolerance, self.bordered = slope, scale, tolerance, bordered
        self.size = self.left = np.inf

    def __call__(self, change: Floats, change_s: float) -> float:
        """Return the reduction of the residual to go for; change [V]: of phi at the elements, change_s: of phi_s."""
        moved = self.slope * (np.abs(change) + abs(change_s))
        self.size = float(np.sqrt(np.sum(moved**2)) / self.scale) if moved.size else 0.0
        self.left = self.tolerance - CURVED * self.size**2 - self.bordered * self.size
        return self.left / self.size if self.size > 0.0 and self.left > 0.0 else REDUCTION


@dataclass(frozen=True)
class Coefficients:
    """Numbers of eqs. (9) and (10): tables over c [mol/m^3] and constants."""

    at: Floats
    kappa: Floats
    D_at: Floats
    D: Floats
    beta: float
    flux: float  # (1 - t+)/F [mol/C]
    carried: float  # V_m/F [m^3/C]
    gibbs_thomson: float  # gamma V_m/F [V m]
    least: float  # concentration [mol/m^3] whose conductivity stays where less salt is left
    kinetics: Kinetics
    repair: float = 0.0  # share of the plating current that makes film anew


class Potential:
    """Solver of eq. (9) on one grid; holds only work arrays."""

    def __init__(self, shape: tuple[int, int, int], periodic: bool, dx: float, tolerance: float) -> None:
        """tolerance: error allowed in the surface currents, relative to their size (rms)."""
        self.dx, self.periodic, self.tolerance = dx, periodic, tolerance
        self.solver = Multigrid(shape, periodic)
        self.gx, self.gy, self.gz = (np.zeros(shape, np.float32) for _ in range(3))
        self.r, self.diag = np.zeros(shape), np.zeros(shape)
        self.unused = np.zeros(shape[1:])
        self.iterations = 0

    def solve(
        self,
        front: Front,
        co: Coefficients,
        counter: Counter,
        c: Floats,
        phi: Floats,
        phi_s: float,
        jc: Floats,
        resistance: Floats,
        j_side: Floats,
        drive: Drive,
    ) -> tuple[float, Reaction]:
        """Solve for phi (in place, warm start) and return phi_s [V] and the reaction.

        c [mol/m^3]; jc (ny, nx) [A/m^2]: current from the counter electrode, in place; resistance [ohm m^2] and
        j_side [A/m^2] at the elements. Raises SolverError if it does not converge.
        """
        front_area = self.dx**2
        g, L, n = (self.gx, self.gy, self.gz), front.lattice, front.count
        c_e, shift, phi_s = self._set(front, co, c, phi_s, drive)
        top = np.ascontiguousarray(c[-1])
        kappa, D = np.interp(top, co.at, co.kappa), np.interp(top, co.D_at, co.D)
        Jtop = np.zeros_like(jc)
        rx = Reaction.empty(n)
        done, enough = False, Enough(np.zeros(0), 1.0, self.tolerance)
        u = front.gather_shared(phi)
        for step in range(NEWTON_STEPS):
            area = front.area[:n]
            phi_s = self._close(front, co, rx, u, c_e, resistance, j_side, shift, phi_s, drive, phi)
            if done:
                return phi_s, rx
            if not front.two:  # else the top of the box is closed
                kinetics.counter_currents(
                    jc, Jtop, self.unused, np.ascontiguousarray(phi[-1]), top, kappa, D, front.h[-1], co.beta, co.flux,
                    counter.resistance, self.dx, counter.kinetics,
                )
            transport.charge_balance(self.r, phi, c, *g, co.beta, L, front.k0)
            self.r[: front.k0] = 0.0
            self.r[-1] += front_area * jc
            front.scatter_shared(self.r, area * rx.j, -1.0)
            # An imposed voltage pins the metal: its unknown is held at zero. Two electrodes have no unknown in common.
            bound = drive.current is not None and not front.two
            pin = 0.0 if bound else PINNED * front.total(area * rx.J)
            slope = front_area * Jtop
            if step == 0 or float(np.max(np.abs(slope - self.diag[-1]) - COUNTER_MOVED * slope)) > 0.0:
                self.diag[-1] = slope
                self.solver.prepare(
                    *g, self.diag, front.start[: n + 1], front.idx[: front.used], front.share[: front.used],
                    area * rx.J, pin, True,
                )
            else:
                self.solver.update_elements(area * rx.J, pin)
            # At rest currents vanish; then the exchange current behind the film sets the scale.
            scale = np.sqrt(np.sum((area * rx.j) ** 2)) + AT_REST * np.sqrt(np.sum((area * rx.J / co.kinetics.f) ** 2))
            enough = Enough(area * rx.J, float(scale), self.tolerance, BORDERED if front.two else 0.0)
            info = self.solver.correct(
                phi, 0.0, self.r, 0.0, tolerance=REDUCTION, max_iterations=INNER_STEPS, refine=enough
            )
            self.iterations += info.iterations
            before, u = u, front.gather_shared(phi)
            if not np.isfinite(info.u_s) or not np.isfinite(info.residual):
                raise SolverError("the potential solver met a number that is not finite")
            if bound:
                phi_s += info.u_s
            elif drive.current is not None:
                phi_s += self._border(front, area * rx.J, phi, before, u, enough)
                u = front.gather_shared(phi)
            done = info.converged and enough.left > 0.0
        raise SolverError(f"the potential did not converge: currents still change by {enough.size:.1e} of their size")

    def _border(
        self, front: Front, slope: Floats, phi: Floats, before: Floats, after: Floats, enough: Enough
    ) -> float:
        """Add to phi what goes with the change of phi_s that keeps the current, and return that change [V].

        phi has been solved for at a fixed phi_s, from `before` to `after` at the elements; slope: A dj/du of the
        elements. The response of phi to phi_s, a second solution, says how much of a change the electrolyte takes.
        """
        mine = np.where(front.other, 0.0, slope)
        response, r = np.zeros_like(phi), np.zeros_like(phi)
        front.scatter_shared(r, mine, 1.0)
        info = self.solver.correct(response, 0.0, r, 0.0, tolerance=REDUCTION, max_iterations=INNER_STEPS)
        self.iterations += info.iterations
        own = front.gather_shared(response)
        change = front.total(mine * (after - before)) / (front.total(mine) - front.total(mine * own))
        phi += change * response
        enough(after - before + change * own, change)
        return float(change)

    def counter_answer(self, co: Coefficients, counter: Counter, c: Floats, phi: Floats, jc: Floats) -> Floats:
        """Return how much more lithium the counter electrode takes for more salt in the top cells (ny, nx) [A m/mol].

        phi follows the salt there, behind the electrolyte of a cell or two; 0 where it takes none. jc [A/m^2]: the
        currents, for a start.
        """
        top = np.ascontiguousarray(c[-1])
        kappa, D = np.interp(top, co.at, co.kappa), np.interp(top, co.D_at, co.D)
        j, J, Jc = jc.copy(), np.zeros_like(jc), np.zeros_like(jc)
        kinetics.counter_currents(
            j, J, Jc, np.ascontiguousarray(phi[-1]), top, kappa, D, np.ones_like(jc), co.beta, co.flux,
            counter.resistance, self.dx, counter.kinetics,
        )  # fmt: skip
        answer = np.maximum(Jc + co.beta * J / top, 0.0) / (1.0 + J * 2.0 * self.dx / kappa)
        return np.where(j < 0.0, answer, 0.0)

    def evaluate(
        self, front: Front, co: Coefficients, c: Floats, phi: Floats, phi_s: float, resistance: Floats,
        j_side: Floats, drive: Drive,
    ) -> tuple[float, Reaction]:
        """Return phi_s and the reaction for a given phi: a first guess. Sets the face coefficients, too."""
        rx = Reaction.empty(front.count)
        c_e, shift, phi_s = self._set(front, co, c, phi_s, drive)
        u = front.gather_shared(phi)
        return self._close(front, co, rx, u, c_e, resistance, j_side, shift, phi_s, drive, phi), rx

    def _set(
        self, front: Front, co: Coefficients, c: Floats, phi_s: float, drive: Drive
    ) -> tuple[Floats, Floats, float]:
        """Set face coefficients and weights for c; return c and the Gibbs-Thomson shift at the surface, and phi_s."""
        transport.faces(
            self.gx, self.gy, self.gz, front.h, c, co.at, co.kappa, co.least, self.dx, front.lattice, self.periodic,
            front.k0,
        )
        front.limit(c)
        shift = co.gibbs_thomson * front.curvature[: front.count]
        return front.gather(c), shift, phi_s if drive.voltage is None else -drive.voltage

    def _close(
        self, front: Front, co: Coefficients, rx: Reaction, u: Floats, c_e: Floats, resistance: Floats,
        j_side: Floats, shift: Floats, phi_s: float, drive: Drive, phi: Floats,
    ) -> float:
        """Evaluate the reaction; find phi_s such that sum(A j) = I A to round-off if a current is imposed.

        Where the counter electrode is resolved phi and u are moved by one number, in place, so that its lithium takes
        what the working electrode gives.
        """
        n, area = front.count, front.area[: front.count]
        plane = front.lattice.ny * front.lattice.nx * self.dx**2
        mine = np.where(front.other, 0.0, area) if front.two else area

        def evaluate(value: float, lift: float = 0.0) -> None:
            # The metal of a resolved counter electrode is at 0.
            at = shift - np.where(front.other, value, 0.0) - lift if front.two else shift
            kinetics.surface_currents(
                rx.j, rx.J, rx.Jc, rx.j_li, u, c_e, resistance, j_side, front.active, n, value, at, co.kinetics
            )
            if co.repair > 0.0:
                rx.j_li -= co.repair * np.maximum(rx.j_li, 0.0)  # (8)
            rx.total, rx.total_li = front.total(mine * rx.j), front.total(mine * rx.j_li)
            if front.two:
                rx.other_li = front.total((area - mine) * rx.j_li)

        if drive.current is None:
            if front.two:  # both together take nothing
                self._lift(evaluate, front, co, rx, area, 0.0, phi_s, u, phi)
            evaluate(phi_s)
            return phi_s
        wanted = drive.current * plane
        if front.two:
            self._lift(evaluate, front, co, rx, area - mine, -wanted, phi_s, u, phi)
        return self._root(evaluate, front, co, rx, mine, wanted, phi_s, -1.0)

    def _lift(
        self, evaluate: Callable[[float, float], None], front: Front, co: Coefficients, rx: Reaction, area: Floats,
        wanted: float, phi_s: float, u: Floats, phi: Floats,
    ) -> None:  # fmt: skip
        """Move u and phi by the one number at which the sum of A j over some areas is the `wanted` one."""

        def lifted(value: float, _: float = 0.0) -> None:
            evaluate(phi_s, value)

        lift = self._root(lifted, front, co, rx, area, wanted, 0.0, 1.0)
        phi += lift
        u += lift

    def _root(
        self, evaluate: Callable[[float, float], None], front: Front, co: Coefficients, rx: Reaction, area: Floats,
        wanted: float, start: float, sign: float,
    ) -> float:  # fmt: skip
        """Return the potential [V] at which the sum of A j is the `wanted` current [A] to round-off, evaluated there.

        area [m^2]: of the elements that count, 0 at the others; sign: whether currents rise (1) or fall (-1) with it.
        """
        value, low, high, best = start, -np.inf, np.inf, np.inf
        for _ in range(CLOSING_STEPS):
            evaluate(value, 0.0)
            off = front.total(area * rx.j) - wanted
            slope = front.total(area * rx.J)
            # At rest all is round-off; what RT/F would drive sets the scale then.
            size = max(abs(wanted), front.total(area * np.abs(rx.j)), slope / co.kinetics.f)
            if abs(off) <= CLOSED * size or (abs(off) >= best and abs(off) <= BARELY * size):
                return value
            best = min(best, abs(off))
            if not slope > 0.0 or not np.isfinite(off):
                raise SolverError("no active lithium surface is left to carry the current")
            if sign * off < 0.0:
                low = max(low, value)
            else:
                high = min(high, value)
            new = value - sign * off / slope
            if not low < new < high and np.isfinite(low) and np.isfinite(high):
                new = 0.5 * (low + high)
            if new == value:
                return value
            value = new
        raise SolverError("no metal potential gives the imposed current")

