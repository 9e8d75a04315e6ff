"""An exact solution made for the discrete equations: a flat surface, charge and salt without a source.

With kappa = kappa_0 c/c_m and D = D_0 (1 + e (y - 1)), y = c/c_m, let T = (y - 1) + e (y - 1)^2/2, the integral of
D/D_0, be harmonic:

    T = g (z - H) + a cos(kx) cos(ky) sinh(q(H - z))/sinh(q(H - z_0)),    q = sqrt(2) k in 3D, k (and no y) in 2D

and the current what the salt's flux brings, i = -(D_0 c_m F/(1 - t+)) grad T. Both are free of divergence: (10) holds
at rest, (9) with psi = (D_0 F/(1 - t+)) (c_m/kappa_0) {(1 - e) ln y + e (y - 1)}. The film's resistance of each
element is what lets the kinetics carry that current.

Where t+ depends on c, 1 - t+ = (1 - t_0)(1 + b (y - 1)) with one D, no anion moves where T = ln(1 + b (y - 1))/b is
harmonic and i = -(D_0 c_m F/(1 - t_0)) grad T. A factor X = 1 + a (y - 1) makes beta a parabola in y.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from phasefield.model.coefficients import Coefficients, CounterElectrode, Drive
from phasefield.model.level_set import LevelSetLaw
from phasefield.model.state import State
from phasefield.model.transport import Stage
from phasefield.verification.march import make, micrometres

Floats = NDArray[np.float64]

WIDTH, HEIGHT, SURFACE = 32e-6, 48e-6, 16e-6  # m, of the box, and where the lithium ends
WAVE = 2.0 * math.pi / WIDTH  # k, 1/m
MEAN = 1000.0  # c_m, mol/m^3, c at the counter electrode and that of the case
SLOPE = 0.4 / (HEIGHT - SURFACE)  # g, 1/m: more than two fifths of the salt are gone at the surface
PART = 0.04  # a: the current is positive everywhere
LEAST = 0.01  # of MEAN, deep in the lithium, where c means nothing
LARGE = 1e9  # A/m^2, of a counter electrode without overpotential
STAGE = 10.0  # s, of the salt's stage: L^2/D
ENHANCED = 0.6  # e
TRANSFERENCE, DRAWN, ACTIVE = -0.2, 0.6, 1.5  # t_0, b, a: t+ from -0.2 to 0.08 across the gap, X from 1 to 0.4
RANGE = (0.4, 1.0, 3.0)  # y of the table
CONDUCTIVITY, DIFFUSIVITY = 0.1, "1e-10 m^2/s"  # S/m, at c_m
OUTER = 4e-6  # m: fields are compared from here on above the surface, outside the interface on all grids


class OneTransference:
    """D = D_0 (1 + e (y - 1)), t+ and X one number: what T, psi and the diffusion potential are, over y = c/c_m."""

    words: tuple[str, ...] = ('electrolyte.concentration_dependence="nernst-einstein"',)

    def numbers(self, co: Coefficients) -> Coefficients:
        """Return the numbers of the equations."""
        at = np.array([0.0, 3.0 * MEAN])
        return replace(co, D_at=at, D=float(co.D[0]) * (1.0 + ENHANCED * (at / MEAN - 1.0)))

    def y(self, T: Floats) -> Floats:
        """Return y where the integral of D/D_0 is T."""
        return 1.0 + (np.sqrt(np.maximum(1.0 + 2.0 * ENHANCED * T, 0.0)) - 1.0) / ENHANCED

    def psi(self, y: Floats) -> Floats:
        """Return the integral of dT/y."""
        return (1.0 - ENHANCED) * np.log(y) + ENHANCED * (y - 1.0)

    def potential(self, y: Floats) -> Floats:
        """Return the diffusion potential over beta at c_m."""
        return np.asarray(np.log(y))


class Transference(OneTransference):
    """1 - t+ = (1 - t_0)(1 + b (y - 1)), X = 1 + a (y - 1), one D."""

    def __init__(self) -> None:
        y = np.array(RANGE)
        kappa = [f"{value:.12g} S/m" for value in CONDUCTIVITY * y]
        t_plus = 1.0 - (1.0 - TRANSFERENCE) * (1.0 + DRAWN * (y - 1.0))
        X = 1.0 + ACTIVE * (y - 1.0)
        self.words = (
            f"electrolyte.transference_number={TRANSFERENCE}", f'electrolyte.conductivity="{CONDUCTIVITY} S/m"',
            f"electrolyte.concentration_dependence={{ concentration={[f'{value * MEAN} mol/m^3' for value in y]}, "
            f"conductivity={kappa}, diffusivity={[DIFFUSIVITY] * 3}, "
            f"transference_number={t_plus.tolist()}, thermodynamic_factor={X.tolist()} }}",
        )  # fmt: skip

    def numbers(self, co: Coefficients) -> Coefficients:
        return co

    def y(self, T: Floats) -> Floats:
        return np.asarray(1.0 + np.expm1(DRAWN * T) / DRAWN)

    def psi(self, y: Floats) -> Floats:
        return np.asarray((np.log(y) - np.log1p(DRAWN * (y - 1.0))) / (1.0 - DRAWN))

    def potential(self, y: Floats) -> Floats:
        a, b = ACTIVE, DRAWN
        return np.asarray(
            (1.0 - a) * (1.0 - b) * np.log(y) + (a * (1.0 - b) + b * (1.0 - a)) * (y - 1.0) + 0.5 * a * b * (y**2 - 1.0)
        )


@dataclass
class Made:
    """A flat cell of so many cells along WIDTH, deep: 3D; its state, and what its solver must find."""

    cells: int
    deep: bool
    law: OneTransference

    def __post_init__(self) -> None:
        size = [WIDTH * 1e6] * (2 if self.deep else 1) + [HEIGHT * 1e6]
        cell = self.cell = LevelSetLaw(
            make(
                f"grid.size={micrometres(*size)}",
                f'grid.spacing="{WIDTH * 1e6 / self.cells} um"',
                f'surface.height="{SURFACE * 1e6} um"',
                *self.law.words,
                'film.conductivity="1 S/m"',
                f'counter.kinetics.exchange_current_density="{LARGE} A/m^2"',
                'counter.film.conductivity="1e3 S/m"',
                "numerics.tolerance=1e-9",
            )
        )
        s, D_0 = cell.start(), cell.properties.D
        self.s = s
        co = cell.transport.co = self.law.numbers(cell.co)
        drawn = D_0 * MEAN / co.salt_per_charge  # A/m
        x, y, z = ((np.arange(n) + 0.5) * cell.dx for n in cell.shape[::-1])
        wave = np.cos(WAVE * x) * (np.cos(WAVE * y) if self.deep else np.ones(1))[:, None]
        q = WAVE * (math.sqrt(2.0) if self.deep else 1.0)
        depth = math.sinh(q * (HEIGHT - SURFACE))

        def phi_of(y: Floats) -> Floats:
            kappa_0 = float(np.interp(MEAN, co.at, co.kappa))
            return np.asarray(drawn / kappa_0 * self.law.psi(y) + co.beta * self.law.potential(y))

        up = z[:, None, None]
        T = SLOPE * (up - HEIGHT) + PART * wave * np.sinh(q * (HEIGHT - up)) / depth
        ratio = np.maximum(self.law.y(T), LEAST)
        self.c, self.phi = MEAN * ratio, phi_of(ratio)
        at_elements = wave.ravel()[s.front.owner[: s.front.count] % wave.size]
        self.j = drawn * (SLOPE - PART * q * at_elements / math.tanh(q * (HEIGHT - SURFACE)))
        ratio = self.law.y(SLOPE * (SURFACE - HEIGHT) + PART * at_elements)
        P = co.kinetics
        assert P.a_a == P.a_c == 0.5  # the kinetics are a sinh
        eta = 2.0 / P.f * np.arcsinh(self.j / (2.0 * P.j0 * (MEAN * ratio / P.c_ref) ** P.order))
        phi_s = -0.5  # any that leaves room for a film
        s.resistance, s.j_side = (phi_of(ratio) - phi_s - eta) / self.j, np.zeros_like(self.j)
        s.resistance -= co.layer / (MEAN * ratio)
        assert np.all(s.resistance > 0.0)
        self.mean = drawn * SLOPE
        self.outer = z > SURFACE + OUTER

    def solve(self, salt: bool) -> State:
        """Solve the potential, or with it a stage of the salt that begins at rest; return the state."""
        cell, s = self.cell, self.s
        stage = Stage(s, Drive(self.mean), CounterElectrode(cell.counter_kinetics, 0.0))
        if salt:
            stage.held, stage.dt = s.front.h * self.c * cell.dx**3, STAGE
            stage.volume, stage.top = np.zeros((3, *cell.shape), np.float32), np.zeros(cell.shape[1:])
        else:
            s.c[...] = self.c
        s.reaction, _ = cell.transport.solve(stage)
        return s

    def error(self, found: Floats, exact: Floats) -> float:
        """Return the rms error of a field over its range, in the electrolyte."""
        off = (np.asarray(found) - exact)[self.outer]
        return math.sqrt(float(np.mean(off**2))) / float(np.ptp(exact[self.outer]))


ONE, VARIED = OneTransference(), Transference()


def potential_errors(cells: int, deep: bool = False, law: OneTransference = ONE) -> tuple[float, float]:
    """Return the rms error of phi over its range in the electrolyte, and that of the surface currents over their mean.

    The solver finds phi, phi_s and the currents from c, the film and the mean current alone.
    """
    made = Made(cells, deep, law)
    s = made.solve(salt=False)
    assert s.reaction is not None
    return made.error(s.phi, made.phi), math.sqrt(float(np.mean((s.reaction.j - made.j) ** 2))) / made.mean


def salt_error(cells: int, deep: bool = False, law: OneTransference = ONE) -> float:
    """Return the rms error of c over its range after one stage of charge and salt, found from its mean."""
    made = Made(cells, deep, law)
    return made.error(made.solve(salt=True).c, made.c)
