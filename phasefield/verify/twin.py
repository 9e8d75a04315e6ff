"""One coupled stage once more: FiPy's matrices and solver, scipy's root finder for the kinetics, plain numpy between.

Geometry (h, the elements' lines and weights, areas, curvatures) and the film's resistances are given; conductivity and
diffusivity are constants here, so that all faces follow from h. Two dimensions, arrays (nz, nx).

    0 = div(h kappa grad phi) - div(h kappa beta grad ln c) - a j + (counter electrode)                   (9)
    h (c - before)/dt = div(h D grad c) - q grad c - (1 - t+) a j/F + (counter electrode)                 (10)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from phasefield.kernels.kinetics import Kinetics
from phasefield.model.cell import Cell
from phasefield.model.front import Front
from phasefield.model.state import State
from phasefield.reference import Faces, Reference

Floats = NDArray[np.float64]

AGREED = 1e-11  # relative change of c at which potential and salt have come together
SWEEPS = 80
NEWTON_STEPS = 40
FIRST, LATER, LAST = 2.0 / 5.0, 5.0 / 6.0, 1.0 / 6.0  # eq. (11)


@dataclass
class Stage:
    """Fields of one stage, (nz, nx), and what is given to the books: salt [mol/s] leaving."""

    c: Floats
    phi: Floats
    phi_s: float
    j: Floats
    jc: Floats
    out: float = 0.0


def flat(field: object) -> Floats:
    """Return a field of a 2D cell as (nz, nx)."""
    a = np.asarray(field, np.float64)
    return a.reshape(a.shape[0], a.shape[2])


def couplings(h: Floats, factor: float) -> Faces:
    """Return (h_a + h_b)/2 factor between neighbours, rounded to float32 as they are stored."""
    x, z = np.zeros(h.shape), np.zeros(h.shape)
    x[:, :-1] = 0.5 * factor * (h[:, :-1] + h[:, 1:])
    z[:-1] = 0.5 * factor * (h[:-1] + h[1:])
    return Faces(x.astype(np.float32).astype(float), z.astype(np.float32).astype(float))


def butler_volmer(u: float, c: float, R: float, P: Kinetics) -> tuple[float, float]:
    """Return j and dj/du of j = j0 (c/c_ref)^m {exp(a_c f (u - jR)) - exp(-a_a f (u - jR))}, by bisection."""
    k = P.j0 * (c / P.c_ref) ** P.order

    def rate(z: float) -> float:
        return float(k) * (math.exp(P.a_c * P.f * z) - math.exp(-P.a_a * P.f * z))

    end = math.copysign(abs(u) + 1e-12, u)
    z = float(brentq(lambda z: z + R * rate(z) - u, min(end, 0.0) - 1e-12, max(end, 0.0) + 1e-12, xtol=1e-18))
    slope = k * P.f * (P.a_c * math.exp(P.a_c * P.f * z) + P.a_a * math.exp(-P.a_a * P.f * z))
    return rate(z), slope / (1.0 + R * slope)


class Twin:
    """The equations of one cell; it takes from the cell its numbers alone."""

    def __init__(self, cell: Cell) -> None:
        self.co, self.counter, self.dx = cell.co, cell.counter_kinetics, cell.dx
        self.kappa, self.D = float(cell.co.kappa[0]), float(cell.co.D[0])
        assert np.ptp(cell.co.kappa) == np.ptp(cell.co.D) == 0.0
        self.film_conductivity = cell.properties.film_conductivity_counter
        self.shape = (cell.shape[0], cell.shape[2])
        self.reference = Reference(self.shape)

    def gathering(self, front: Front) -> Floats:
        """Return the weights of all elements as a matrix (elements, cells)."""
        P = np.zeros((front.count, front.h.size))
        for e in range(front.count):
            part = slice(front.start[e], front.start[e + 1])
            P[e, front.idx[part]] += front.w[part]
        return P

    def counter_current(self, phi: float, c: float, R_film: float) -> tuple[float, float]:
        """Return j from the counter electrode to a top cell, half a cell away, and -dj/dphi."""
        co, half = self.co, 0.5 * self.dx
        gain = half * co.flux / self.D
        R = R_film + half / self.kappa

        def off(j: float, phi: float = phi) -> float:
            surface = c + gain * j
            u = phi + co.beta * math.log(surface / c)
            return j + butler_volmer(u, surface, R, self.counter)[0]

        span = max(abs(phi) / R, 1e-3)
        low = max(-2.0 * span, -0.999 * c / gain)
        j = float(brentq(off, low, 2.0 * span, xtol=1e-16, rtol=1e-15))
        # The slope serves Newton's method alone.
        step = 1e-6 / self.counter.f
        return j, (j - float(brentq(off, low, 2.0 * span, args=(phi + step,), xtol=1e-16, rtol=1e-15))) / step

    def solve(
        self, front: Front, before: Floats, total: float, dt: float, start: Stage, resistance: Floats, R_counter: float,
        current: float,
    ) -> Stage:  # fmt: skip
        """Return the stage: potential and salt in turn until they agree.

        before, total: concentration and salt [mol] before; start: a guess; current: imposed [A/m^2].
        """
        h = flat(front.h)
        charge, salt = couplings(h, self.dx * self.kappa), couplings(h, dt * self.dx * self.D)
        salt = Faces(salt.x / dt, salt.z / dt)  # rounded with the time in them
        P, matrix = self.gathering(front), self.reference.diffusion_matrix(charge)
        area = front.area[: front.count]
        s = Stage(start.c.copy(), start.phi.copy(), start.phi_s, start.j, start.jc.copy())
        for _ in range(SWEEPS):
            old = s.c.copy()
            self._charge(s, front, P, matrix, charge, resistance, R_counter, current)
            taken = (P.T @ (area * s.j)).reshape(self.shape)
            given = s.jc + (float(np.sum(area * s.j)) / self.dx**2 - s.jc.sum()) / s.jc.size
            co = self.co
            source = self.reference.carried_salt(charge, s.phi, s.c, co.beta, co.carried) - co.flux * taken
            plane = s.c[-1] + 0.5 * self.dx * co.flux * given / self.D
            source[-1] += self.dx**2 * given * (co.flux - co.carried * (plane - s.c[-1]))
            s.out = float(np.sum(co.carried * self.dx**2 * given * plane))
            s.c = self.reference.salt(salt, h * self.dx**3, before, source, dt)
            s.c *= (total - dt * s.out) / (float(np.sum(h * s.c)) * self.dx**3)
            if float(np.max(np.abs(s.c - old)[h > 0.0] / old[h > 0.0])) <= AGREED:
                return s
        raise AssertionError("the reference stage did not converge")

    def _charge(
        self, s: Stage, front: Front, P: Floats, matrix: Floats, charge: Faces, resistance: Floats, R_counter: float,
        current: float,
    ) -> None:  # fmt: skip
        """Solve eq. (9) for phi, phi_s and the currents, in place, by Newton's method on all of them at once."""
        co, n, size = self.co, front.count, P.shape[1]
        area, shift = front.area[:n], co.gibbs_thomson * front.curvature[:n]
        closed = np.diag(matrix) == 0.0  # lithium
        top = slice(size - self.shape[1], size)
        wanted = current * self.shape[1] * self.dx**2
        c_e = P @ s.c.ravel()
        small = np.inf
        for _ in range(NEWTON_STEPS):
            u = P @ s.phi.ravel() - s.phi_s - shift
            pairs = [
                butler_volmer(float(a), float(b), float(R), co.kinetics)
                for a, b, R in zip(u, c_e, resistance, strict=True)
            ]
            s.j, J = np.array(pairs).T
            ends = [
                self.counter_current(float(a), float(b), R_counter)
                for a, b in zip(s.phi[-1], s.c[-1], strict=True)
            ]
            s.jc, J_top = np.array(ends).T
            off = self.reference.charge_balance(charge, s.phi, s.c, co.beta).ravel() - P.T @ (area * s.j)
            off[top] += self.dx**2 * s.jc
            off_s = float(np.sum(area * s.j)) - wanted
            full = np.zeros((size + 1, size + 1))
            full[:size, :size] = matrix - P.T @ ((area * J)[:, None] * P)
            full[range(size)[top], range(size)[top]] -= self.dx**2 * J_top
            full[:size, size] = P.T @ (area * J)
            full[size, :size] = (area * J) @ P
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
        self, before: Stage, s: State, a: State, b: State, dt: float, current: float
    ) -> tuple[Stage, Stage]:
        """Return both stages of a step that begins with the fields `before`, with the geometries of states s, a, b."""

        def films(state: State) -> float:
            return state.counter_film / self.film_conductivity

        dV = self.dx**3
        total = float(np.sum(flat(s.front.h) * before.c)) * dV
        first = self.solve(a.front, before.c, total, FIRST * dt, before, a.resistance, films(a), current)
        line = before.c + LATER / FIRST * (first.c - before.c)
        second = self.solve(
            b.front, line, total - LATER * dt * first.out, LAST * dt, first, b.resistance, films(b), current
        )
        return first, second
