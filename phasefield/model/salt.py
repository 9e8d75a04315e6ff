"""Salt: diffusion, transference at the reacting surface, and the electrolyte that plated lithium displaces.

    d(h c)/dt + div(q c) = div(h D grad c) - (1 - t+) a j / F,     q = -(V_m/F) i          (10)

The counter electrode gives back (1 - t+) I/F. div q = (V_m/F) a j = -dh/dt, so the displaced volume leaves through
the counter plane, carrying the salt that is there, into a store; while stripping it comes back with the salt that the
store holds (a counter plane that recedes and returns). With dh/dt + div q = 0 taken out,

    h dc/dt + q grad c = div(h D grad c) - (1 - t+) a j / F

is what the stages solve: it stays regular where h falls to zero. The salt in the cell is then set, by one factor near
1, to what it was less what left: the two forms differ by the truncation error alone, and the ledger by nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import SolverError
from ..kernels import elements, transport
from ..kernels.krylov import Multigrid
from .front import Front
from .potential import PINNED, Coefficients, Potential, Reaction

Floats = NDArray[np.float64]

ITERATIONS = 200
REDUCTION = 1e-2  # of the residual at a stage's start, at least
ROUND_OFF = 1e-13  # no solver gets below
TIGHT = 1e-3  # of the tolerance at least, where cells of the interface are short of salt
SCARCE = 1e-5  # of the largest c: below it the solver's error counts
HELD = 1e6  # times what a cell holds and passes on: a larger sink is as good for its neighbours, and no solver likes it
EMPTY = 1e30  # times that: no sink is larger
LOW = 1e-2  # of the largest c: below it the reaction takes in proportion to what is there
LAYER = 1e-9  # cell layers of displaced electrolyte below which the store counts as empty
SWEEPS = 12  # of Gauss-Seidel over those cells; the salt there falls over a few cells


@dataclass
class Salt:
    """Solver of one implicit stage of eq. (10); holds only work arrays."""

    shape: tuple[int, int, int]
    periodic: bool
    dx: float
    tolerance: float

    def __post_init__(self) -> None:
        self.solver = Multigrid(self.shape, self.periodic)
        self.gx, self.gy, self.gz = (np.zeros(self.shape, np.float32) for _ in range(3))
        self.b, self.own, self.held = (np.zeros(self.shape) for _ in range(3))
        self.relative = self.tolerance  # residual to reach in this stage
        self.loaded = False  # the solver holds the diffusion of this stage,
        self.ready = False  # and its storage, and nothing else
        self.planes, self.ranges = np.zeros(self.shape[0]), np.zeros((self.shape[0], 3))
        self.rows = np.zeros(self.shape[:2], np.uint8)
        self.iterations = 0
        self.taken = np.zeros(0)  # of the reaction's currents by the last solution [A/m^2]
        self.factor = 1.0  # that closed the salt's balance in the last solution,
        self.closing = 1.0  # and what of it is left once salt and currents agree

    def content(self, front: Front, c: Floats) -> float:
        """Return the salt in the cell, sum(h c) dV [mol]."""
        return float(transport.weighted_sum(self.planes, front.h[front.k0 :], c[front.k0 :], 1)) * self.dx**3

    def extremes(self, front: Front, c: Floats, least: float = 0.0) -> tuple[float, float, bool]:
        """Return smallest and largest c [mol/m^3] where h > least, and whether all there are finite and positive."""
        low, high, good = transport.extremes(self.ranges, front.h[front.k0 :], c[front.k0 :], least)
        return float(low), float(high), bool(good)

    def check(self, front: Front, c: Floats) -> None:
        """Raise SolverError if a concentration in the electrolyte is not positive and finite."""
        low, _, good = self.extremes(front, c)
        if not good:
            raise SolverError(f"the concentration reached {low:.3g} mol/m^3")

    def largest_change(self, front: Front, new: Floats, old: Floats, floor: float) -> float:
        """Return the largest relative change of c in the electrolyte; floor [mol/m^3]: least that it is measured by."""
        k = front.k0
        return float(transport.largest_change(self.planes, front.h[k:], new[k:], old[k:], floor))

    def solve(
        self,
        front: Front,
        co: Coefficients,
        before: Floats,
        total: float,
        dt: float,
        c: Floats,
        phi: Floats,
        potential: Potential,
        rx: Reaction,
        jc: Floats,
        answer: Floats | None,
        bound: bool,
        scarce: float,
        stored: tuple[float, float],
        fresh: bool,
        asked: Floats | None = None,
        counter: Floats | None = None,
    ) -> tuple[float, float]:
        """Solve h (c - before) dV = dt (rate at c) for c (in place, warm start).

        before: concentration [mol/m^3]; total: salt in the cell [mol] before; dt: the stage's implicit time [s];
        stored: salt [mol] and volume [m^3] that have left before; fresh: surface or dt differ from those of the last
        call. Returns salt [mol/s] and volume [m^3/s] leaving.

        `answer` [A m/mol] at the elements, if given: how j answers to the concentration there, which a scarce salt
        needs to stay positive. With `bound` (an imposed current) the answers add up to zero: one more unknown, the
        shift of phi_s, sees to it. Cells with less than `scarce` of the largest c, and those of the interface that lack
        salt (`Front.limit`), give in proportion to what they will have; 0: none does, infinite: all do.
        They are `asked` [A/m^2] for that, or for the reaction's j; `self.taken` [A/m^2] is what came of it: the
        reaction's j, once the iteration has converged, and then an `answer` adds nothing. `counter` (ny, nx), likewise:
        how the counter electrode's current answers, in place of the surface's, where it takes the lithium.
        """
        dx, L, n, k0 = self.dx, front.lattice, front.count, front.k0
        area = front.area[:n]
        asked = rx.j if asked is None else asked
        if fresh or np.ptp(co.D) > 0.0:
            transport.faces(
                self.gx, self.gy, self.gz, front.h, c, co.D_at, co.D, 0.0, dt * dx, L, self.periodic, k0
            )
            self.loaded = self.ready = False
            self.own[:k0] = self.held[:k0] = 0.0
        transport.salt_source(
            self.b, front.h, before, phi, c, potential.gx, potential.gy, potential.gz, co.beta, co.carried, dt, dx**3,
            L, k0,
        )  # fmt: skip
        # The counter electrode gives what the reaction takes; the potential's residual does not make salt.
        # One that is resolved is a part of the surface: nothing passes the top of the box.
        passes = 0.0 if front.two else rx.total
        given = jc + (passes - float(jc.sum()) * dx**2) / (jc.size * dx**2)
        D = np.interp(c[-1], co.D_at, co.D)
        c_top = c[-1] + 0.5 * dx * co.flux * given / D
        volume = co.carried * passes
        some = LAYER * jc.size * dx**3
        if volume * stored[1] < 0.0 and abs(stored[1]) > some:  # what left comes back as it is on the mean
            c_top = np.full_like(c_top, stored[0] / stored[1])
        leaving = co.carried * dx**2 * given * c_top
        self.b[-1] += dt * dx**2 * given * (co.flux - co.carried * (c_top - c[-1]))
        low, high, _ = self.extremes(front, c)
        answers = answer is not None or counter is not None
        plain = not answers and scarce == 0.0
        if not plain or not self.ready:
            np.multiply(front.h[k0:], dx**3, out=self.own[k0:])
        own = self.own
        if scarce > 0.0:
            demand = dt * co.flux * area * asked
            passed = dx**3 + dt * dx * float(np.max(co.D))
            front.sink(self.b, self.own, demand, c, scarce * high, EMPTY * passed)
            own = np.minimum(self.own, HELD * passed, out=self.held)
        else:
            front.scatter_shared(self.b, area * rx.j, -dt * co.flux)
        conductance, pin = np.zeros(n), 1.0
        shift = 0.0
        start, at, share = front.start[: n + 1], front.idx[: front.used], front.share[: front.used]
        if answers:
            here = front.gather_shared(c)
            if answer is not None:
                conductance = co.flux * dt * area * answer
            if counter is not None:  # an element in each of the top cells
                m = counter.size
                start = np.concatenate([start, front.used + 1 + np.arange(m, dtype=start.dtype)])
                at = np.concatenate([at, np.arange(c.size - m, c.size, dtype=at.dtype)])
                share = np.concatenate([share, np.ones(m, share.dtype)])
                conductance = np.concatenate([conductance, co.flux * dt * dx**2 * counter.ravel()])
                here = np.concatenate([here, c[-1].ravel()])
            # The factor that closes the balance comes after the solution: its last value is taken out before.
            here = here / (1.0 if fresh else self.closing)
            taken = conductance * here
            front.scatter_shared(self.b, taken[:n], 1.0)
            if counter is not None:
                self.b[-1] += taken[n:].reshape(counter.shape)
            shift = -float(elements.total(taken, taken.size))
            pin = 0.0 if bound else PINNED * float(elements.total(conductance, conductance.size))
        reacting = (start, at, share, conductance, pin, answers)
        if not self.loaded:
            self.solver.prepare(self.gx, self.gy, self.gz, own, *reacting)
        elif not plain or not self.ready:
            self.solver.renew(own, *reacting)
        self.loaded, self.ready = True, plain
        # The residual is measured against the largest c: where salt is nearly gone it must be smaller by as much.
        tight = min(max(low / (LOW * high), TIGHT), 1.0) if front.limited > 0 and high > 0.0 else 1.0
        tolerance = max(self.tolerance * tight, ROUND_OFF)
        norm = dx**3 * math.sqrt(transport.weighted_sum(self.planes, front.h[k0:], c[k0:], 2))
        # A small change in a small step is solved for as well as a large one in a large step.
        reduction = REDUCTION if fresh else 1.0
        if not fresh:
            tolerance = min(tolerance, self.relative)
        info = self.solver.solve(
            c, 0.0, self.b, shift, tolerance=tolerance, norm=norm, reduction=reduction,
            max_iterations=ITERATIONS,
        )  # fmt: skip
        if fresh:
            self.relative = max(min(tolerance, REDUCTION * info.before / norm), ROUND_OFF)
        self.iterations += info.iterations
        if not info.residual <= tolerance * norm:
            raise SolverError(f"the salt did not converge: residual {info.residual:.1e} mol of {norm:.1e} mol")
        if scarce > 0.0:
            transport.relax_scarce(
                c, self.b, self.own, self.gx, self.gy, self.gz, SCARCE * high, L, k0, SWEEPS, self.rows
            )
            given_share = np.ones(n)
            np.divide(front.taken(demand, c), demand, out=given_share, where=demand > 0.0)
            self.taken = asked * given_share
        else:
            self.taken = rx.j
        out = float(leaving.sum())
        kept, found = total - dt * out, self.content(front, c)
        # What answers have taken without a counterpart, at an imposed voltage, is no part of it.
        added = 0.0
        if answers and not bound:
            now = front.gather_shared(c)
            if counter is not None:
                now = np.concatenate([now, c[-1].ravel()])
            added = float(elements.total(conductance * (now - here), now.size))
        self.closing, self.factor = (kept - added) / found, kept / found
        c[k0:] *= self.factor
        return out, volume
