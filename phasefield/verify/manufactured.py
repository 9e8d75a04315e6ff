"""Exact solutions made for the discrete equations: a flat surface, and fields that need no source, or a known one.

Potential, with kappa = kappa_0 c/c_0 and c harmonic:

    c = c_m {1 + g (z - H) + a cos(kx) cos(ky) sinh(q(H - z))/sinh(q(H - z_0))},    phi = (beta + B) ln(c/c_m)

with q = sqrt(2) k in 3D, k (and no y) in 2D,

    gives i = -(kappa_0 B/c_0) grad c, which is free of divergence: (9) holds without a source. The film's resistance
    of each element is what lets the kinetics carry that current.

Salt, with D = D_0 (1 + e (c - c_0)/c_0): any c is the solution of one implicit stage whose concentration before was
c - dt div(D grad c); the reaction at each element is F D dc/dn/(1 - t+).
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from phasefield.model.cell import Cell
from phasefield.model.coefficients import Coefficients, Counter, Drive
from phasefield.model.reaction import Reaction
from phasefield.verify.march import make, micrometres

Floats = NDArray[np.float64]

WIDTH, HEIGHT, SURFACE = 32e-6, 48e-6, 16e-6  # m, of the box, and where the lithium ends
WAVE = 2.0 * math.pi / WIDTH  # k, 1/m
MEAN = 1000.0  # mol/m^3, c at the counter electrode
SLOPE = 0.4 / (HEIGHT - SURFACE)  # g, 1/m: two fifths of the salt are gone at the surface
PART = 0.04  # a: the current is positive everywhere
LEAST = 0.01  # of MEAN, deep in the lithium, where c means nothing
LARGE = 1e9  # A/m^2, of a counter electrode without overpotential
STAGE = 2.0  # s, of the salt's stage
ENHANCED = 0.6  # e, of D(c)
OUTER = 4e-6  # m: fields are compared from here on above the surface, outside any interface of the ladder
SWEEPS = 8  # of the salt's stage, whose D follows c


def small_cell(cells: int, deep: bool, *more: str) -> Cell:
    """Return a flat cell of so many cells along WIDTH, solved to 1e-9; deep: 3D."""
    size = [WIDTH * 1e6] * (2 if deep else 1) + [HEIGHT * 1e6]
    return Cell(
        make(
            f"grid.size={micrometres(*size)}",
            f'grid.spacing="{WIDTH * 1e6 / cells} um"',
            f'surface.height="{SURFACE * 1e6} um"',
            'film.conductivity="1 S/m"',
            f'counter.kinetics.exchange_current_density="{LARGE} A/m^2"',
            'counter.film.conductivity="1e3 S/m"',
            "numerics.tolerance=1e-9",
            *more,
        )
    )


class Mesh:
    """Coordinates of a cell, and the wave cos(kx) cos(ky) at its centres and at its elements."""

    def __init__(self, cell: Cell, owner: NDArray[np.int64]) -> None:
        """owner: lithium cells of the elements."""
        nz, ny, nx = cell.shape
        x, y = (np.arange(nx) + 0.5) * cell.dx, (np.arange(ny) + 0.5) * cell.dx
        self.z: Floats = np.asarray((np.arange(nz) + 0.5) * cell.dx)[:, None, None]
        deep = ny > 1
        self.q2 = WAVE**2 * (2.0 if deep else 1.0)
        along, across = np.cos(WAVE * x)[None, :], (np.cos(WAVE * y) if deep else np.ones(1))[:, None]
        self.wave: Floats = np.asarray(across * along)
        slope = (
            np.sin(WAVE * x)[None, :] * across,
            (np.sin(WAVE * y) if deep else np.zeros(1))[:, None] * along,
        )
        self.slope2: Floats = np.asarray(WAVE**2 * (slope[0] ** 2 + slope[1] ** 2))  # |grad wave|^2
        self.at_elements: Floats = self.wave.ravel()[owner % (ny * nx)]
        self.outer = self.z[:, 0, 0] > SURFACE + OUTER


def potential_errors(cells: int, deep: bool = False) -> tuple[float, float]:
    """Return the rms error of phi over its range in the electrolyte, and that of the surface currents over their mean.

    The solver finds phi, phi_s and the currents from c, the film and the mean current alone.
    """
    cell = small_cell(cells, deep, 'electrolyte.concentration_dependence="nernst-einstein"')
    co, s = cell.co, cell.start()
    kappa_0 = float(np.interp(MEAN, co.at, co.kappa))
    # What the half cell at the counter electrode takes for granted: D dc/dz = (1 - t+) j/F.
    B = 0.5 * co.beta
    co = replace(co, D=np.full(2, co.flux * kappa_0 * B / MEAN))
    mesh = Mesh(cell, s.front.owner[: s.front.count])
    q = math.sqrt(mesh.q2)
    depth = math.sinh(q * (HEIGHT - SURFACE))

    def c_at(wave: Floats, z: Floats | float) -> Floats:
        return MEAN * (1.0 + SLOPE * (z - HEIGHT) + PART * wave * np.sinh(q * (HEIGHT - z)) / depth)

    s.c[...] = np.maximum(c_at(mesh.wave, mesh.z), LEAST * MEAN)
    exact = (co.beta + B) * np.log(np.asarray(s.c) / MEAN)
    # dc/dz at the surface
    rise = MEAN * (SLOPE - PART * q * mesh.at_elements * math.cosh(q * (HEIGHT - SURFACE)) / depth)
    j = kappa_0 / MEAN * B * rise
    c_e = c_at(mesh.at_elements, SURFACE)
    P = co.kinetics
    # alpha = 1/2: the kinetics are a sinh.
    eta = 2.0 / P.f * np.arcsinh(j / (2.0 * P.j0 * (c_e / P.c_ref) ** P.order))
    phi_s = -0.5  # any that leaves room for a film
    resistance = ((co.beta + B) * np.log(c_e / MEAN) - phi_s - eta) / j
    assert P.a_a == P.a_c == 0.5
    assert np.all(resistance > 0.0)
    mean = kappa_0 * B * SLOPE
    counter = Counter(cell.counter_kinetics, 0.0)
    jc = np.full(cell.shape[1:], mean)
    _, rx = cell.potential.solve(
        s.front, co, counter, s.c, s.phi, 0.0, jc, resistance, np.zeros_like(j), Drive(mean)
    )
    phi = (np.asarray(s.phi) - exact)[mesh.outer]
    scale = float(np.ptp(exact[mesh.outer]))
    return math.sqrt(float(np.mean(phi**2))) / scale, math.sqrt(float(np.mean((rx.j - j) ** 2))) / mean


def salt_error(cells: int, deep: bool = False) -> float:
    """Return the rms error of c over its range after one implicit stage with D(c) and a reaction that varies."""
    cell = small_cell(cells, deep)
    co, s = cell.co, cell.start()
    D_0 = float(co.D[0])
    at = np.array([0.0, 3.0 * MEAN])
    co = Coefficients(
        co.at, co.kappa, at, D_0 * (1.0 + ENHANCED * (at - MEAN) / MEAN), 0.0, co.flux, 0.0,
        co.gibbs_thomson, co.least, co.kinetics,
    )  # fmt: skip
    mesh = Mesh(cell, s.front.owner[: s.front.count])

    def along(z: Floats) -> tuple[Floats, Floats, Floats]:
        """Return the wave's amplitude, its slope and its curvature along z."""
        u, m = 0.5 * WAVE * (z - SURFACE) + 0.5, 0.5 * WAVE
        return PART * np.cos(u), -m * PART * np.sin(u), -(m**2) * PART * np.cos(u)

    def c_and_flux(wave: Floats, z: Floats) -> tuple[Floats, Floats]:
        """Return c and D dc/dz."""
        a, a_z, _ = along(z)
        c = MEAN * (1.0 + SLOPE * (z - HEIGHT) + a * wave)
        return c, D_0 * (1.0 + ENHANCED * (c - MEAN) / MEAN) * MEAN * (SLOPE + a_z * wave)

    a, a_z, a_zz = along(mesh.z)
    c, _ = c_and_flux(mesh.wave, mesh.z)
    slope2 = MEAN**2 * ((SLOPE + a_z * mesh.wave) ** 2 + a**2 * mesh.slope2)  # |grad c|^2
    laplacian = MEAN * (a_zz - mesh.q2 * a) * mesh.wave
    D = D_0 * (1.0 + ENHANCED * (c - MEAN) / MEAN)
    before = c - STAGE * (D * laplacian + ENHANCED * D_0 / MEAN * slope2)
    n = s.front.count
    j = c_and_flux(mesh.at_elements, np.array(SURFACE))[1] / co.flux
    jc = np.ascontiguousarray(c_and_flux(mesh.wave, np.array(HEIGHT))[1] / co.flux)
    rx = Reaction(j, np.zeros(n), np.zeros(n), j.copy())
    # What comes and goes need not balance: the sum of the sources of the stage does.
    rx.total = float(jc.sum()) * cell.dx**2
    s.c[...] = c
    s.front.limit(s.c)
    for sweep in range(SWEEPS):
        cell.salt.solve(
            s.front, co, before, cell.salt.content(s.front, s.c), STAGE, s.c, s.phi, cell.potential, rx, jc,
            None, True, False, (0.0, 0.0), sweep == 0,
        )  # fmt: skip
        s.c /= cell.salt.factor  # the stage's own solution, before the books are closed
    error = (np.asarray(s.c) - c)[mesh.outer]
    return math.sqrt(float(np.mean(error**2))) / float(np.ptp(c[mesh.outer]))
