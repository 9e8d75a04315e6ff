"""Salt and potential of one stage, iterated to agreement: the currents follow the salt, and the salt the currents.

Where salt is plentiful a few plain iterations do, accelerated after Anderson; where the reaction answers strongly to
its own depletion, that answer enters the salt's matrix. Where cells of the interface are short of salt they give in
proportion to what they have, and the demand on them is raised or lowered until what they give is the current.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import SolverError
from ..kernels import transport
from .front import Front
from .potential import AT_REST, Coefficients, Counter, Drive, Potential, Reaction
from .salt import LOW, Salt

if TYPE_CHECKING:
    from .cell import State

Floats = NDArray[np.float64]

COUPLING_STEPS = 30
PATIENCE = 6  # iterations after which ten times the tolerance will do: near depletion the inner solvers limit it
LAST = 20  # iterations after which fifty times will: 0.5 % of the currents, by a tolerance of 1e-5
FALL = 1e-7  # of a concentration: so much is left of it at least in one iteration
COARSE = 0.1  # of c0: differences of a scarcer concentration are measured against this
PLAIN_STEPS = 2  # iterations before they are accelerated
MIXED_ITERATES = 6  # that the acceleration looks back on
COUPLED = 10.0  # concentrations at the surface agree to this many tolerances
LOOSE = 10.0  # times as far may single concentrations be off, of c or of COARSE c0: the currents hardly answer to them
NEAR = 0.02  # likewise at a place that is short, of c or of COARSE c0
PLACES = 50.0  # tolerances that single places short of salt may be off on the mean, if their sum is not
DRIFT = 0.1  # of the concentration at the surface: so far may it leave what shortage is measured against, at last
STIFF = 0.02  # answer of the reaction to its own depletion, over diffusion across a cell, above which it is followed
QUICKER = 4.0  # times the last correction of a demand, or the plain one, at most
PLENTY = 1e-9  # of a demand; what is missing of it where salt is plentiful is round-off
MADE = 0.01  # of all salt: a stage that needs a larger factor to close its balance is too long
LEAP = 16.0  # in the logarithm of a demand, in one iteration


class Coupling:
    """Solvers of salt and potential of one cell, and their work array."""

    def __init__(self, co: Coefficients, c0: float, dx: float, potential: Potential, salt: Salt) -> None:
        """co: coefficients; c0: the starting concentration [mol/m^3]; dx: edge of a grid cell [m]."""
        self.co, self.c0, self.dx, self.potential, self.salt = co, c0, dx, potential, salt
        self.last: Floats = np.zeros(salt.shape)
        self.effort = 0  # iterations of the hardest stage since it was set to 0

    def solve(
        self, s: State, drive: Drive, before: Floats, total: float, dt: float, stored: tuple[float, float],
        react: Callable[[State, Drive], Reaction], counter: Counter,
    ) -> tuple[float, float]:  # fmt: skip
        """Solve a stage in `s`, whose c, phi and phi_s are the first guess; return salt [mol/s] and volume [m^3/s] out.

        before: concentration [mol/m^3] and total: salt [mol] that the stage starts from; dt: its implicit time [s];
        stored: salt [mol] and volume [m^3] that have left before; react: solves the potential; counter: electrode.
        Raises SolverError if they do not agree.
        """
        try:
            return self._iterate(s, drive, before, total, dt, stored, react, counter)
        finally:
            s.front.hold(False)

    def _iterate(
        self, s: State, drive: Drive, before: Floats, total: float, dt: float, stored: tuple[float, float],
        react: Callable[[State, Drive], Reaction], counter: Counter,
    ) -> tuple[float, float]:  # fmt: skip
        co, front, n, k0 = self.co, s.front, s.front.count, s.front.k0
        floor = COARSE * self.c0
        tolerance = COUPLED * self.potential.tolerance
        D = float(np.interp(self.c0, co.D_at, co.D))
        s.phi_s, rx = self.potential.evaluate(front, co, s.c, s.phi, s.phi_s, s.resistance, s.j_side, drive)

        def salt(answer: Floats | None, scarce: float, fresh: bool = False) -> tuple[float, float]:
            bound = drive.current is not None
            return self.salt.solve(
                front, co, before, total, dt, s.c, s.phi, self.potential, rx, s.jc, answer, bound, scarce, stored,
                fresh, asked, theirs,
            )  # fmt: skip

        mixing, demand = Mixing(front.h), Demand(n, tolerance)
        theirs: Floats | None = None  # answer of the counter electrode, where it takes the lithium and runs short
        drained = False  # a current that knew of no shortage yet took more than there is
        for k in range(COUPLING_STEPS):
            self.effort = max(self.effort, k)
            c_old = front.gather(s.c)
            if not float(np.min(c_old, initial=1.0)) > 0.0:
                raise SolverError("no salt is left at a place of the surface")
            # j answers through j0(c) and through the diffusion potential, behind the electrolyte of a cell or two.
            behind = 2.0 * self.dx / np.interp(c_old, co.at, co.kappa)
            answer = np.maximum(rx.Jc + co.beta * rx.J / c_old, 0.0) / (1.0 + rx.J * behind)
            stiffness = float(np.max(answer, initial=0.0)) * co.flux * self.dx / D
            front.limit(s.c)
            front.hold(k > 0)
            # A place that is short of salt answers by what it gives.
            # With two electrodes each would have a shift of its own; there the plain iteration has to do.
            plain = drained or front.two or stiffness <= STIFF
            follow = None if plain else np.where(front.norm[:n] < 1.0, 0.0, answer)
            theirs = None
            if not front.two and rx.total < 0.0:
                theirs = self.potential.counter_answer(co, counter, s.c, s.phi, s.jc)
                if float(np.max(theirs)) * co.flux * self.dx / D > STIFF:
                    follow = None
                else:
                    theirs = None
            # Share of the largest c below which cells give in proportion to what they will have.
            scarce = np.inf if drained else LOW if front.limited > 0 else 0.0
            asked = demand.next(rx.j)
            np.copyto(self.last[k0:], s.c[k0:])
            out = salt(follow, scarce, fresh=k == 0)
            if not (drained or self.salt.extremes(front, s.c)[2]):
                drained, scarce, follow = True, np.inf, None
                np.copyto(s.c[k0:], self.last[k0:])
                asked = demand.next(rx.j)
                out = salt(None, scarce)
            self.salt.check(front, s.c)
            bound = drive.current is not None
            agree = self._agree(
                k, front, rx, answer, c_old, front.gather(s.c), floor, tolerance, scarce > 0.0, bound
            )  # fmt: skip
            if theirs is not None:
                agree = self._counter_agrees(k, rx, theirs, s.c[-1], floor, tolerance, bound) and agree
            if agree and k > 0:
                if not abs(self.salt.factor - 1.0) <= MADE:
                    raise SolverError(f"the step would make or lose {abs(self.salt.factor - 1.0):.1e} of all salt")
                return out
            if scarce > 0.0:  # on the way
                np.maximum(s.c[k0:], FALL * self.last[k0:], out=s.c[k0:])
                demand.given = self.salt.taken
            else:
                demand.given = None
                if k >= PLAIN_STEPS:
                    mixing.mix(self.last, s.c)
            top = float(np.mean(2.0 * (s.c[-1] - self.last[-1]) / (s.c[-1] + self.last[-1])))
            transport.follow_salt(s.phi, s.c, self.last, co.beta, top, k0)
            rx = react(s, drive)
        raise SolverError("potential and salt did not agree")

    def _agree(
        self, k: int, front: Front, rx: Reaction, answer: Floats, c_old: Floats, c_new: Floats, floor: float,
        tolerance: float, scarce: bool, bound: bool,
    ) -> bool:  # fmt: skip
        """Return whether iteration k may be the last: the currents would differ by little at the new concentration.

        If only what shortage is measured against has been left behind, where currents flow, it is let go, and the
        iteration goes on.
        """
        area, short = front.area[: front.count], front.norm[: front.count] < 1.0
        current = area * np.abs(rx.j)
        ease = 1.0 if k < PATIENCE else 10.0 if k < LAST else 50.0
        change = np.abs(c_new - c_old) / np.maximum(c_old, floor)
        near = bool(np.all(change[~short] <= LOOSE * tolerance * ease) and np.all(change[short] <= NEAR))
        # The charge was moved at the old concentration, the salt at the new. What a current would differ by is its
        # answer, and what the salt has given of it where cells are short.
        slope, net = area * answer, 0.0
        differs = slope * (c_new - c_old)
        for part in (front.other, ~front.other) if front.two else (slice(None),):
            if bound and float(np.sum(slope[part])) > 0.0:  # the shift of phi_s takes what is common to all
                differs[part] -= slope[part] * (float(np.sum(differs[part])) / float(np.sum(slope[part])))
        differs = np.abs(differs)
        if scarce:
            missed = area * (self.salt.taken - rx.j)
            net = abs(float(np.sum(missed)))
            if k >= LAST:  # the answer is a guess, and what short places have given is known
                differs[short] = 0.0
            differs = np.maximum(np.minimum(differs, current), np.abs(missed))
        else:
            current = current + AT_REST * area * rx.J / self.co.kinetics.f
        scale, off, off_short = (float(np.sum(part)) for part in (current, differs, differs[short]))
        agree = (
            near
            and net <= tolerance * ease * scale
            and off - off_short <= tolerance * ease * scale
            and off_short <= tolerance * PLACES * scale
        )
        if agree and k < LAST and short.any():
            drift = np.abs(front.mean / c_new - 1.0) > (NEAR if k < PATIENCE else DRIFT)
            if float(np.sum(current[short & drift])) > tolerance * PLACES * scale:
                front.hold(False)
                agree = False
        return agree


    def _counter_agrees(
        self, k: int, rx: Reaction, answer: Floats, new: Floats, floor: float, tolerance: float, bound: bool
    ) -> bool:
        """Return whether the counter electrode's currents would differ by little at the new concentration."""
        ease = 1.0 if k < PATIENCE else 10.0 if k < LAST else 50.0
        old = self.last[-1]
        differs = answer * (new - old)
        if bound:
            differs -= answer * (float(np.sum(differs)) / float(np.sum(answer)))
        change = np.abs(new - old) / np.maximum(old, floor)
        off = float(np.sum(np.abs(differs))) * self.dx**2
        return bool(np.all(change <= LOOSE * tolerance * ease)) and off <= tolerance * ease * abs(rx.total)


class Demand:
    """What is asked of scarce salt, so that what it gives becomes the current: a secant at each element.

    The more is asked of a starved place the less changes what it gives. The plain correction multiplies a demand with
    current/given, and with it the coefficient of what its cells give, which is in proportion to what they have; how
    the missed current answers to that is seen an iteration later.
    """

    def __init__(self, n: int, still: float) -> None:
        """n: number of elements; still: change of a logarithm from which on a slope can be told."""
        self.still = still
        self.given: Floats | None = None  # A/m^2, by the last demand; None: there was none
        self.asked: Floats = np.zeros(n)
        self.past: tuple[Floats, Floats] | None = None

    def next(self, j: Floats) -> Floats:
        """Return what to ask for now [A/m^2], for the currents j [A/m^2]."""
        before, self.asked = self.asked, j.copy()
        if self.given is None:
            self.past = None
            return self.asked
        # Places where salt is plentiful have given what was asked, and are asked for the current.
        known = (j > 0.0) & (self.given > 0.0) & (np.abs(self.given - before) > PLENTY * before)
        f, miss = np.full(j.size, np.nan), j - self.given
        f[known] = np.log(j[known] / self.given[known])
        step = f.copy()
        if self.past is not None:
            dm, last = miss - self.past[0], self.past[1]
            told = known & (np.abs(last) > self.still) & (last * dm < 0.0)
            secant = -miss[told] * last[told] / dm[told]
            most = np.maximum(np.abs(f[told]), QUICKER * np.abs(last[told]))
            step[told] = np.clip(secant, -most, most)
        step = np.clip(step, -LEAP, LEAP)
        # Where hardly any current flows an empty place may be asked for ever more, and nothing changes.
        step[np.abs(miss) <= self.still * np.mean(np.abs(j))] = 0.0
        self.asked[known] *= np.exp(step - f)[known]
        self.past, self.given = (miss, step), None
        return self.asked


class Mixing:
    """Anderson's acceleration of the iteration c -> new c, in ln c, so that what it gives is positive.

    D. G. Anderson, J. ACM 12 (1965) 547; least squares over the last few iterates, weighted with h.
    """

    def __init__(self, h: Floats) -> None:
        """h (nz, ny, nx): share of electrolyte."""
        self.h = h
        self.x: list[Floats] = []
        self.f: list[Floats] = []

    def mix(self, old: Floats, c: Floats) -> None:
        """Replace c [mol/m^3], which one iteration has made of `old`, by the mixture."""
        if not self.x:
            self.here = self.h > 0.0
            self.weight = np.sqrt(self.h[self.here])
        self.x.append(np.log(old[self.here]))
        self.f.append(np.log(c[self.here]) - self.x[-1])
        del self.x[:-MIXED_ITERATES], self.f[:-MIXED_ITERATES]
        if len(self.f) < 2:
            return
        F = np.stack([(b - a) * self.weight for a, b in zip(self.f, self.f[1:], strict=False)])
        X = [b - a for a, b in zip(self.x, self.x[1:], strict=False)]
        # No BLAS: its sums depend on its threads.
        gram = np.array([[np.sum(a * b) for b in F] for a in F])
        gram += 1e-12 * np.trace(gram) * np.eye(len(gram))
        weights = np.linalg.solve(gram, np.array([np.sum(a * self.f[-1] * self.weight) for a in F]))
        mixed = self.x[-1] + self.f[-1]
        for w, dx, (a, b) in zip(weights, X, zip(self.f, self.f[1:], strict=False), strict=True):
            mixed -= w * (dx + b - a)
        c[self.here] = np.exp(mixed)
