"""The reaction at the surface elements, and the potentials of the metals that close it.

    sum_e A_e j_e = I A     phi_s of the lithium, or the common level of phi between two electrodes     (9b)

The closing equation is met to round-off each time that the reaction is evaluated.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phasefield.errors import NO_LITHIUM, SolverError
from phasefield.kernels import elements, kinetics
from phasefield.model.coefficients import Coefficients, Drive
from phasefield.model.front import Front

Floats = NDArray[np.float64]

CLOSING_STEPS = 60
NEAR = 1e-8  # of the currents: the imposed one is met so well that what is missing is linear, to its square
EVEN = 1e-9  # root of x: below it the salt is even, and its derivative only keeps finite
AT_REST = 1e-2  # of the current that RT/F would drive: the scale of errors where no current flows


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
        return cls(np.full(n, np.nan), np.zeros(n), np.zeros(n), np.empty(n))


def root(evaluate: Callable[[float], tuple[float, float, float]], start: float, enough: float) -> float:
    """Return the potential [V] at which a current that rises with it is 0, evaluated there: Newton's method, bracketed.

    evaluate(value): that current [A], its slope [A/V], and the size of what it is a sum of. It is 0 when it is `enough`
    of that size. Raises SolverError.
    """
    value, low, high, best, stride = start, -math.inf, math.inf, math.inf, 1.0
    for _ in range(CLOSING_STEPS):
        off, slope, size = evaluate(value)
        if abs(off) <= enough * size:
            return value
        slow, best = abs(off) > 0.5 * best, min(best, abs(off))
        if not slope > 0.0 or not math.isfinite(off):
            raise SolverError("no active lithium surface is left to carry the current", NO_LITHIUM)
        if off < 0.0:
            low = max(low, value)
        else:
            high = min(high, value)
        bracketed = math.isfinite(low) and math.isfinite(high)
        stride = 2.0 * stride if slow and not bracketed else 1.0  # down an exponential
        new = value - stride * off / slope
        if bracketed and (slow or not low < new < high):
            new = 0.5 * (low + high)
        if new == value:
            return value
        value = new
    raise SolverError("no metal potential gives the imposed current")


class SurfaceElements:
    """The surface elements of one stage: what they feel, what they take, and how that answers to changes."""

    def __init__(
        self, front: Front, co: Coefficients, film: tuple[Floats, Floats], drive: Drive, plane: float
    ) -> None:
        """film: resistance [ohm m^2] and side reaction [A/m^2] at the elements; plane [m^2]: projected area."""
        n = self.n = front.count
        self.front, self.co, self.drive, self.plane = front, co, drive, plane
        self.resistance, self.j_side = film
        self.start, self.idx, self.w = front.start[: n + 1], front.idx[: front.used], np.empty(front.used)
        elements.salt_weights(self.w, front.w, front.h, self.start, self.idx, n)
        # Along its line the weights' mean has gone outward by so much.
        place = np.arange(front.used) - np.repeat(self.start[:-1], np.diff(self.start))
        along = front.lattice.dx * place * (front.w[: front.used] - self.w)
        self.moved = np.add.reduceat(along, self.start[:-1]) if n else np.empty(0)  # m
        self.area = front.area[:n]
        self.shift = co.gibbs_thomson * front.curvature[:n]
        self.share, self.give, self.felt, self.anions = (np.empty(front.used) for _ in range(4))
        # Salt: its cells give in proportion to what they have. Until the currents are known the drive tells.
        plates = (drive.current or drive.voltage or 0.0) >= 0.0
        self.takes = front.other != plates if front.both_electrodes else np.full(n, plates)
        self.ones = np.ones(n)
        self.c_e, self.x, self.u, self.dc_e, self.dx, self.du, self.Jg = (np.empty(n) for _ in range(7))
        self.driving, self.c_reacted = np.zeros((2, n))  # voltage and salt of the last evaluation
        self.rx, self.reacted = Reaction.empty(n), False
        self.mine = np.where(front.other, 0.0, self.area) if front.both_electrodes else self.area
        self.closed: list[Floats] = []  # areas of the sets of elements whose currents have a fixed sum

    def react(self, c: Floats, psi: Floats, phi_s: float) -> float:
        """Evaluate the reaction at (c, psi) and return phi_s [V], which closes the imposed current.

        Between two resolved electrodes psi is moved by one number, in place, so that what the other gives is closed.
        """
        co, drive, rx = self.co, self.drive, self.rx
        elements.at_surface(
            self.c_e, self.x, self.u, self.share, self.give, self.anions, self.takes, c, psi, co.anion, co.c_0,
            self.start, self.idx, self.w, self.n,
        )  # fmt: skip
        self.behind = self.resistance + co.layer / self.c_e
        # c_s = c_e - gain j: the way ahead of the surface that shares in proportion to the salt take their current
        root, bent, D = np.sqrt(self.x), 1.0 + elements.BEND * self.x, np.interp(self.c_e, co.D_at, co.D)
        drawn, self.bound = co.salt_per_charge_at(self.c_e), co.anion + co.beta_at(self.c_e)
        ahead = drawn * co.spread / D * self.takes
        self.gain = ahead * root / bent + drawn / D * self.moved
        self.gain_x = ahead * 0.5 * (2.0 - bent) / (bent**2 * np.maximum(root, EVEN))
        if co.over_c is not None:  # the kernel's bound ln(c_s/c_0) is that of one beta: what it lacks, at c_e
            self.u += co.potential_at(self.c_e) - (self.bound - co.anion) * np.log(self.c_e / co.c_0)
        others, wanted = self.area - self.mine, (drive.current or 0.0) * self.plane
        if drive.current is None:
            phi_s, self.closed = -(drive.voltage or 0.0), []
            if self.front.both_electrodes:  # both together take nothing
                self._lift(psi, phi_s, self.area, 0.0)
                self.closed = [self.area]
            self._evaluate(phi_s, 0.0)
        else:
            self.closed = [self.area]
            if self.front.both_electrodes:
                self._lift(psi, phi_s, others, -wanted)
                self.closed = [self.mine, others]
            elif self.reacted:  # so much more its slope says
                change = rx.J * (self.u - phi_s - self.shift - self.driving) + rx.Jc * (self.c_e - self.c_reacted)
                more, _, slope = elements.sums(self.area, change, rx.J)
                phi_s += more / slope if slope > 0.0 and math.isfinite(more) else 0.0
            phi_s = self._root(lambda value: self._evaluate(value, 0.0), self.mine, wanted, phi_s, -1.0)
        self._add_up()
        self.reacted = True
        return phi_s

    def _lift(self, psi: Floats, phi_s: float, area: Floats, wanted: float) -> None:
        """Move psi by the one number at which the sum of A j over some areas is the `wanted` one."""
        lift = self._root(lambda value: self._evaluate(phi_s, value), area, wanted, 0.0, 1.0)
        psi += lift
        self.u += lift

    def _evaluate(self, phi_s: float, lift: float) -> None:
        rx, front, co = self.rx, self.front, self.co
        shift = self.shift - np.where(front.other, phi_s, 0.0) - lift if front.both_electrodes else self.shift
        driving = self.u - phi_s - shift
        # The guess follows the derivatives from the last evaluation on; before the first there is none.
        rx.j += rx.J * (driving - self.driving) + rx.Jc * (self.c_e - self.c_reacted)
        kinetics.surface_currents(
            rx.j, rx.J, rx.Jc, self.Jg, rx.j_li, driving, self.c_e, self.gain, self.bound, co.c_0, self.behind,
            self.j_side, front.active, co.kinetics,
        )  # fmt: skip
        self.driving = driving
        self.c_reacted[...] = self.c_e

    def _add_up(self) -> None:
        rx = self.rx
        if self.co.repair > 0.0:
            rx.j_li -= self.co.repair * np.maximum(rx.j_li, 0.0)  # (8)
        rx.total, rx.total_li = self.front.total(self.mine * rx.j), self.front.total(self.mine * rx.j_li)
        if self.front.both_electrodes:
            rx.other_li = self.front.total((self.area - self.mine) * rx.j_li)

    def _root(
        self, evaluate: Callable[[float], None], area: Floats, wanted: float, start: float, sign: float
    ) -> float:
        """Return the potential [V] at which the sum of A j is the `wanted` current [A] to round-off, evaluated there.

        area [m^2]: of the elements that count, 0 at the others; sign: whether currents rise (1) or fall (-1) with it.
        The last step, of NEAR, is taken along the derivatives.
        """
        rx = self.rx

        def currents(value: float) -> tuple[float, float, float]:
            evaluate(value)
            passed, size, slope = elements.sums(area, rx.j, rx.J)
            # At rest all is round-off; what RT/F would drive sets the scale then.
            return sign * (passed - wanted), slope, max(abs(wanted), size, slope / self.co.kinetics.f)

        value = root(currents, start, NEAR)
        passed, _, slope = elements.sums(area, rx.j, rx.J)
        step = (wanted - passed) / slope if slope > 0.0 else 0.0
        change = rx.J * step
        if sign < 0.0 and self.front.both_electrodes:  # the other electrode's metal stays
            change[self.front.other] = 0.0
        rx.j += change
        rx.j_li += change
        return value + sign * step

    @property
    def scale(self) -> float:
        """Size of the currents [A], as a 2-norm, that errors are measured against."""
        rx, area = self.rx, self.area
        at_rest = AT_REST * np.sqrt(np.sum((area * rx.J / self.co.kinetics.f) ** 2))
        return float(np.sqrt(np.sum((area * rx.j) ** 2)) + at_rest)

    def of_salt(self, out_c: Floats, out_p: Floats, ratio: float, dc: Floats, c: Floats) -> Floats:
        """Add to the cells what the elements take by a change dc, `ratio` as much to the salt's; return it [A]."""
        rx, co, dc_e = self.rx, self.co, self.dc_e
        elements.responses(
            dc_e, self.dx, self.du, dc, self.c_e, self.x, c, self.share, self.anions, co.anion, co.c_floor, self.start,
            self.idx, self.w, self.n,
        )  # fmt: skip
        answer = rx.J * (self.du + rx.j * co.layer / self.c_e**2 * dc_e)
        dI = self._closed(answer + rx.Jc * dc_e + self.Jg * self.gain_x * self.dx)
        own = self.area * rx.j / self.c_e * self.takes  # share_k A j = w_k c_k A j/c_e
        elements.exchange(
            out_c, out_p, ratio, dI - own * dc_e, own, dc, self.give, self.w, self.front.touched
        )
        return dI

    def of_charge(self, out_c: Floats, out_p: Floats, ratio: float, dpsi: Floats) -> Floats:
        """As `of_salt`, by a change dpsi."""
        elements.gather(self.du, dpsi.reshape(-1), self.start, self.idx, self.share)
        dI = self._closed(self.rx.J * self.du)
        elements.give(out_c, out_p, ratio, dI, self.give, self.front.touched)
        return dI

    def _closed(self, change: Floats) -> Floats:
        """Return the changes of A j [A] after changes of j at fixed metals, the sums of `closed` kept."""
        for area in self.closed:
            elements.close(change, self.rx.J, area)
        return self.area * change
