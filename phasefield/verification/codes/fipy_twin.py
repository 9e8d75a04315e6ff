"""One coupled stage once more: FiPy's matrices and solver, scipy's root finder for the kinetics, plain numpy between.

Geometry (h, the elements' lines and weights, areas, curvatures), the film's resistances and the displaced volumes are
given. Salt at the surface, shares and weights for salt follow from them here. Two dimensions, arrays (nz, nx); D is
constant.

    0 = div(h kappa grad phi) - div(h kappa grad B) - a j + (counter electrode),   B = int beta d ln c         (9)
    (h c dV - held)/dt = div(h D grad c) - div(q c) - (1 - t_0) a j/F - div((t+ - t_0) h i)/F + (counter electrode)
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from phasefield.constants import FARADAY, GAS_CONSTANT
from phasefield.kernels.kinetics import Kinetics
from phasefield.model import transport
from phasefield.model.front import Front
from phasefield.model.level_set import LevelSetLaw
from phasefield.model.reaction import Reaction
from phasefield.model.state import State
from phasefield.verification.codes.fipy_reference import Faces, Reference

Floats = NDArray[np.float64]

AGREED = 1e-12  # relative change of c at which charge and salt, solved in turn, have come together
TURNS = 80
NEWTON_STEPS = 40
EMPTY = 0.003  # share of electrolyte: no current passes cells with less, and the next one outward has their weight;
# from twice as much on a cell is whole.
BEND = 0.11  # of x, in how far the current is taken up ahead of the surface
GAUSS = 24  # points of Gauss's formula
LITTLE = 0.02  # of c_e: below it ln c_s runs on linearly in j
FIRST, LATER, LAST = 2.0 / 5.0, 5.0 / 6.0, 1.0 / 6.0  # eq. (11)


@dataclass
class FipyStage:
    """Fields of one stage, (nz, nx), and the salt [mol] that has left."""

    c: Floats
    phi: Floats
    phi_s: float
    j: Floats
    jc: Floats
    out: float = 0.0


@dataclass
class Displaced:
    """Electrolyte displaced in one stage [m^3]: through the faces, and through the counter plane (nx)."""

    volume: Faces
    top: Floats


def flat(field: object) -> Floats:
    """Return a field of a 2D cell as (nz, nx)."""
    a = np.asarray(field, np.float64)
    return a.reshape(a.shape[0], a.shape[2])


@contextmanager
def displaced(cell: LevelSetLaw) -> Iterator[list[Displaced]]:
    """Yield a list that gets what is displaced in each stage that the cell solves."""
    notes: list[Displaced] = []
    solve = cell.transport.solve

    def noted(stage: transport.Stage, far: float = math.inf) -> tuple[Reaction, float]:
        found = solve(stage, far)
        if stage.volume is not None:
            x, _, z = (flat(part) for part in stage.volume)
            notes.append(Displaced(Faces(x, z), stage.top[0].copy()))
        return found

    cell.transport.solve = noted  # type: ignore[method-assign]
    try:
        yield notes
    finally:
        cell.transport.solve = solve  # type: ignore[method-assign]


def wholeness(h: Floats) -> Floats:
    """Return how far a cell counts by its electrolyte: a cubic from 0 at `EMPTY` to 1 at twice as much."""
    s = np.clip(h, EMPTY, 2.0 * EMPTY) / EMPTY - 1.0
    return np.asarray(3.0 * s**2 - 2.0 * s**3)


def couplings(h: Floats, factor: float) -> Faces:
    """Return (h_a + h_b)/2 factor between neighbours."""
    x, z = np.zeros(h.shape), np.zeros(h.shape)
    x[:, :-1] = 0.5 * factor * (h[:, :-1] + h[:, 1:])
    z[:-1] = 0.5 * factor * (h[:-1] + h[1:])
    return Faces(x, z)


def rounded(faces: Faces, unit: float) -> Faces:
    """Return the values as they are where multiples of `unit` are stored in float32."""
    x, z = (np.float32(part.astype(np.float32) * np.float32(unit)) for part in (faces.x, faces.z))
    return Faces(x.astype(float) / unit, z.astype(float) / unit)


def logarithmic(a: Floats, b: Floats) -> Floats:
    """Return (a - b)/ln(a/b)."""
    x = (a - b) / b
    return b * np.where(x == 0.0, 1.0, x / np.where(x == 0.0, 1.0, np.log1p(x)))


def butler_volmer(u: float, c: float, R: float, P: Kinetics) -> tuple[float, float]:
    """Return j and dj/du of j = j0 (c/c_ref)^m {exp(a_c f (u - jR)) - exp(-a_a f (u - jR))}, by bisection."""
    k = P.j0 * (c / P.c_ref) ** P.order

    def rate(z: float) -> float:
        return float(k) * (math.exp(P.a_c * P.f * z) - math.exp(-P.a_a * P.f * z))

    end = math.copysign(abs(u) + 1e-12, u)
    z = float(brentq(lambda z: z + R * rate(z) - u, min(end, 0.0) - 1e-12, max(end, 0.0) + 1e-12, xtol=1e-18))
    slope = k * P.f * (P.a_c * math.exp(P.a_c * P.f * z) + P.a_a * math.exp(-P.a_a * P.f * z))
    return rate(z), slope / (1.0 + R * slope)


def behind_salt(
    v: float, c: float, gain: float, bound: float, c_0: float, R: float, P: Kinetics
) -> tuple[float, float]:
    """Return j and dj/dv of the reaction at c_s = c - gain j, driven by v + bound ln(c_s/c_0); by bisection in j."""
    bend = (1.0 - LITTLE) * c / gain if gain > 0.0 else math.inf

    def at(j: float) -> tuple[float, float]:
        """Return ln c_s and its derivative by j."""
        if j <= bend:
            return math.log(c - gain * j), -gain / (c - gain * j)
        steep = -gain / (LITTLE * c)
        return math.log(LITTLE * c) + steep * (j - bend), steep

    def rate(j: float) -> tuple[float, float, float]:
        """Return what the overpotential at j drives, and its derivatives by z and by ln c_s."""
        log = at(j)[0]
        z = v + bound * (log - math.log(c_0)) - R * j
        k = P.j0 * math.exp(P.order * (log - math.log(P.c_ref)))
        up, down = math.exp(P.a_c * P.f * z), math.exp(-P.a_a * P.f * z)
        return k * (up - down), k * P.f * (P.a_c * up + P.a_a * down), P.order * k * (up - down)

    most = (v + bound * math.log(c / c_0)) / R  # where the film alone takes it
    ends = (1.0 + 1e-12) * most
    j = float(brentq(lambda j: j - rate(j)[0], min(ends, 0.0), max(ends, 0.0), xtol=1e-18, rtol=1e-15)) if most else 0.0
    _, by_z, by_log = rate(j)
    return j, by_z / (1.0 + by_z * R - (by_z * bound + by_log) * at(j)[1])


class FipyTwin:
    """The equations of one cell; it takes from the cell its numbers alone."""

    def __init__(self, cell: LevelSetLaw) -> None:
        self.co, self.counter, self.dx = cell.co, cell.counter_kinetics, cell.dx
        self.D = float(cell.co.D[0])
        assert np.ptp(cell.co.D) == 0.0
        p = cell.properties
        self.T, self.t_0 = p.T, p.t_plus
        self.at, self.t_plus, self.X = (
            (p.table.concentration, p.table.transference, p.table.factor)
            if p.dependence == "table" else ((p.c0,), (p.t_plus,), (p.chi,))
        )  # fmt: skip
        self.film_conductivity = cell.properties.film_conductivity_counter
        self.shape = (cell.shape[0], cell.shape[2])
        self.reference = Reference(self.shape)
        # psi - anions ln c has no gradient where no anions move and kappa is in proportion to c.
        kappa_0 = float(self.kappa(np.array(cell.co.c_0)))
        self.anions = self.D * cell.co.c_0 / (cell.co.salt_per_charge * kappa_0)
        self.width = math.sqrt(math.pi**2 * cell.W**2 / 3.0 + cell.dx**2 / 4.0)

    def kappa(self, c: Floats) -> Floats:
        """Return kappa at a concentration."""
        return np.asarray(np.interp(c, self.co.at, self.co.kappa))

    def conducting(self, c: Floats) -> Floats:
        """Return the concentration that c conducts as: a parabola below twice the least one."""
        least = self.co.c_floor
        return np.where(c < 2.0 * least, least + c**2 / (4.0 * least), c)

    def flux_per_charge(self, c: Floats) -> Floats:
        """Return (1 - t+)/F."""
        return np.asarray(self.co.salt_per_charge - self.excess(c) / FARADAY)

    def excess(self, c: Floats) -> Floats:
        """Return t+ - t_0."""
        return np.asarray(np.interp(c, self.at, self.t_plus) - self.t_0)

    def beta(self, c: Floats) -> Floats:
        """Return (2 R T/F)(1 - t+) X."""
        X = np.interp(c, self.at, self.X)
        return np.asarray(2.0 * GAS_CONSTANT * self.T / FARADAY * (1.0 - self.t_0 - self.excess(c)) * X)

    def potential(self, c: Floats) -> Floats:
        """Return the integral of beta d ln c from c_0, by Gauss's formula in ln c; a table has no point in between."""
        top = np.log(np.asarray(c, np.float64) / self.co.c_0)
        x, w = np.polynomial.legendre.leggauss(GAUSS)
        values = self.beta(self.co.c_0 * np.exp(0.5 * top[..., None] * (1.0 + x)))
        return np.asarray(0.5 * top * (values @ w))

    def conductances(self, h: Floats, c: Floats) -> Faces:
        """Return h kappa dx between neighbours, kappa of the logarithmic mean of their concentrations.

        A face of a cell with next to no electrolyte has none.
        """
        faces = couplings(h, self.dx)
        c = self.conducting(c)
        faces.x[:, :-1] *= self.kappa(logarithmic(c[:, :-1], c[:, 1:]))
        faces.z[:-1] *= self.kappa(logarithmic(c[:-1], c[1:]))
        counts = wholeness(h)
        faces.x[:, :-1] *= counts[:, :-1] * counts[:, 1:]
        faces.z[:-1] *= counts[:-1] * counts[1:]
        return faces

    def weights(self, front: Front) -> Floats:
        """Return the weights of all elements for salt and charge as a matrix (elements, cells).

        What cells with next to no electrolyte weigh goes to the next richer one, from the poorest on.
        """
        P, h = np.zeros((front.count, front.h.size)), front.h.ravel()
        counts = wholeness(h)
        for e in range(front.count):
            part = slice(front.start[e], front.start[e + 1])
            P[e, front.idx[part]] += front.w[part]
            line = sorted(front.idx[part], key=lambda p: float(h[p]))
            for p, richer in itertools.pairwise(line):
                P[e, richer] += (1.0 - counts[p]) * P[e, p]
                P[e, p] *= counts[p]
        return P

    def shares(self, P: Floats, c: Floats) -> Floats:
        """Return the share of an element that each cell has, in proportion to its salt, as a matrix like P."""
        return np.asarray(P * c.ravel() / (P @ c.ravel())[:, None])

    def gives(self, P: Floats, c: Floats, takes: NDArray[np.bool_]) -> Floats:
        """Return what share of an element's current each cell gives: by salt where it `takes`, else by weight."""
        return np.where(takes[:, None], self.shares(P, c), P)

    def moved(self, P: Floats, front: Front) -> Floats:
        """Return how far [m] the weights' mean lies from where it was before cells were closed."""
        z, x = (axis.ravel() for axis in np.indices(self.shape))
        back = P.copy()
        for e in range(front.count):
            part = slice(front.start[e], front.start[e + 1])
            back[e, front.idx[part]] -= front.w[part]
        return self.dx * np.hypot(back @ z, back @ x)

    def gains(self, P: Floats, c: Floats, takes: NDArray[np.bool_], moved: Floats) -> Floats:
        """Return by how much the salt at the surface falls per current: the way ahead of it times (1 - t+)/(F D)."""
        c_e = P @ c.ravel()
        x = np.sum(P * (c.ravel()[None, :] / c_e[:, None] - 1.0) ** 2, axis=1)
        ahead = np.where(takes, self.width * np.sqrt(x) / (1.0 + BEND * x), 0.0)
        return (ahead + moved) * self.flux_per_charge(c_e) / self.D

    def counter_current(self, phi: float, c: float, R_film: float) -> tuple[float, float]:
        """Return j from the counter electrode to a top cell, half a cell away, and -dj/dphi."""
        half = 0.5 * self.dx
        gain, beta = half * float(self.flux_per_charge(np.array(c))) / self.D, float(self.beta(np.array(c)))
        R = R_film + half / float(self.kappa(np.array(c)))

        def off(j: float, phi: float = phi) -> float:
            surface = c + gain * j
            u = phi + beta * math.log(surface / c)
            return j + butler_volmer(u, surface, R, self.counter)[0]

        span = max(abs(phi) / R, 1e-3)
        low = max(-2.0 * span, -0.999 * c / gain)
        j = float(brentq(off, low, 2.0 * span, xtol=1e-16, rtol=1e-15))
        # The slope serves Newton's method alone.
        step = 1e-6 / self.counter.f
        return j, (j - float(brentq(off, low, 2.0 * span, args=(phi + step,), xtol=1e-16, rtol=1e-15))) / step

    def solve(
        self, state: State, held: Floats, dt: float, moved: Displaced, start: FipyStage, current: float
    ) -> FipyStage:
        """Return the stage: charge and salt in turn until they agree.

        state: geometry and film; held (nz, nx) [mol]: salt in the cells before; start: a guess; current [A/m^2].
        """
        co, front, h = self.co, state.front, flat(state.front.h)
        P, area = self.weights(front), front.area[: front.count]
        takes = start.j > 0.0  # the sign of each current, once a stage
        unit = 1.0 / (co.salt_per_charge * dt)  # both are stored as multiples of it, see `model/transport.py`
        diffusion, flow = couplings(h, dt * self.dx * self.D * unit), rounded(moved.volume, unit)
        diffusion = rounded(diffusion, 1.0)
        diffusion, flow = (Faces(f.x / w, f.z / w) for f, w in ((diffusion, dt * unit), (flow, dt)))
        storage = h * self.dx**3 / dt
        storage[-1] += moved.top / dt
        s = FipyStage(start.c.copy(), start.phi.copy(), start.phi_s, start.j, start.jc.copy())
        for _ in range(TURNS):
            old = s.c
            self.charge(s, state, P, takes, current)
            known = held / dt - co.salt_per_charge * (self.gives(P, s.c, takes).T @ (area * s.j)).reshape(self.shape)
            known += self.migrated(h, s, s.c)
            ahead = 0.5 * self.dx * self.flux_per_charge(s.c[-1]) * s.jc / self.D  # of the counter plane over its cell
            known[-1] += co.salt_per_charge * self.dx**2 * s.jc - moved.top / dt * ahead
            s.c = self.reference.salt(diffusion, flow, storage, known, old)
            s.out = float(np.sum(moved.top * (s.c[-1] + ahead)))
            if float(np.max(np.abs(s.c - old)[h > 0.0] / old[h > 0.0])) <= AGREED:
                return s
        raise AssertionError("the reference stage did not converge")

    def migrated(self, h: Floats, s: FipyStage, c: Floats) -> Floats:
        """Return what the current carries to each cell where t+ depends on c [mol/s]."""
        return self.reference.migrated(self.conductances(h, c), s.phi, self.potential(c), c, self.excess) / FARADAY

    def charge(self, s: FipyStage, state: State, P: Floats, takes: NDArray[np.bool_], current: float) -> None:
        """Solve eq. (9) for phi, phi_s and the currents, in place, by Newton's method on all of them at once."""
        co, front = self.co, state.front
        n, size = front.count, P.shape[1]
        faces = self.conductances(flat(front.h), s.c)
        matrix, S, give = self.reference.diffusion_matrix(faces), self.shares(P, s.c), self.gives(P, s.c, takes)
        area, shift = front.area[:n], co.gibbs_thomson * front.curvature[:n]
        closed = np.diag(matrix) == 0.0  # lithium, or next to no electrolyte
        top = slice(size - self.shape[1], size)
        R_counter = state.counter_film / self.film_conductivity
        c_e = P @ s.c.ravel()
        beta, potential = self.beta(c_e), self.potential(s.c)
        bound = self.anions + beta
        # u = S phi - carried + bound ln(c_s/c_0), of anions ln(c_s/c_0) and of B(c_s) along its slope at c_e
        carried = S @ (potential.ravel() + self.anions * np.log(s.c.ravel() / co.c_0))
        carried -= self.potential(c_e) - beta * np.log(c_e / co.c_0)
        gains, behind = self.gains(P, s.c, takes, self.moved(P, front)), state.resistance + co.layer / c_e
        small = np.inf
        for _ in range(NEWTON_STEPS):
            v = S @ s.phi.ravel() - carried - s.phi_s - shift
            pairs = [
                behind_salt(float(a), float(b), float(g), float(B), co.c_0, float(R), co.kinetics)
                for a, b, g, B, R in zip(v, c_e, gains, bound, behind, strict=True)
            ]
            s.j, J = np.array(pairs).T
            ends = [
                self.counter_current(float(a), float(b), R_counter)
                for a, b in zip(s.phi[-1], s.c[-1], strict=True)
            ]
            s.jc, J_top = np.array(ends).T
            off = self.reference.charge_balance(faces, s.phi, potential).ravel() - give.T @ (area * s.j)
            off[top] += self.dx**2 * s.jc
            off_s = float(np.sum(area * s.j)) - current * self.shape[1] * self.dx**2
            full = np.zeros((size + 1, size + 1))
            full[:size, :size] = matrix - give.T @ ((area * J)[:, None] * S)
            full[range(size)[top], range(size)[top]] -= self.dx**2 * J_top
            full[:size, size] = give.T @ (area * J)
            full[size, :size] = (area * J) @ S
            full[size, size] = -float(np.sum(area * J))
            full[:size, :size][closed, closed] = -1.0
            off[closed] = 0.0
            change = np.linalg.solve(full, -np.append(off, off_s))
            s.phi += change[:size].reshape(self.shape)
            s.phi_s += float(change[size])
            last, small = small, float(np.abs(change).max())
            if small <= 1e-15 or (small <= 1e-12 and small >= 0.5 * last):
                return
        raise AssertionError("the reference potential did not converge")

    def step(
        self, before: FipyStage, s: State, a: State, b: State, dt: float, moved: list[Displaced], current: float
    ) -> tuple[FipyStage, FipyStage]:
        """Return both stages of a step that begins with the fields `before`, with the geometries of states s, a, b."""
        dV = self.dx**3
        held = flat(s.front.h) * before.c * dV
        first = self.solve(a, held, FIRST * dt, moved[0], before, current)
        line = held + LATER / FIRST * (flat(a.front.h) * first.c * dV - held)
        return first, self.solve(b, line, LAST * dt, moved[1], first, current)
