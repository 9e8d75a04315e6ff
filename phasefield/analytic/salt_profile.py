"""The salt between two flat electrodes: its settled profile, the limiting current, and when it runs out.

Settled, no anion moves: D(c) dc/dz = (1 - t+(c)) j/F everywhere. With the settled diffusivity

    D_s(c) = D(c) (1 - t+(c0))/(1 - t+(c)),   D_s dc/dz = N = j (1 - t+(c0))/F,

so that Theta = int D_s dc rises in proportion to the distance: over a gap L by N L. The salt in the gap stays what it
was, int c dz = c0 L, or int (c - c0) D_s dc = 0 between the two sides.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from phasefield.case import Columns, Properties
from phasefield.constants import FARADAY

Floats = NDArray[np.float64]

NODES = 2000  # of a profile with D(c), between nothing and c0, and between c0 and its most
LAYERS = 400  # of the half-space that Sand's time with D(c) is worked out on
DEEP = 8.0  # its depth in sqrt(D t)


def conductivity(p: Properties, c: float | Floats) -> Floats:
    """Return kappa(c), S/m; a table falls to nothing towards c = 0, and its last value holds beyond its end."""
    c = np.asarray(c, dtype=np.float64)
    if p.dependence == "nernst-einstein":
        return p.kappa * c / p.c0
    if p.dependence == "constant":
        return np.full_like(c, p.kappa)
    return np.asarray(np.interp(c, (0.0, *p.table[0]), (0.0, *p.table[1])), np.float64)


def diffusivity(p: Properties, c: float | Floats) -> Floats:
    """Return D(c), m^2/s; beyond the ends of a table its end values hold."""
    c = np.asarray(c, dtype=np.float64)
    if p.dependence != "table":
        return np.full_like(c, p.D)
    return np.asarray(np.interp(c, p.table[0], p.table[2]), np.float64)


def transference_number(p: Properties, c: float | Floats) -> Floats:
    """Return t+(c); beyond the ends of a table its end values hold."""
    c = np.asarray(c, dtype=np.float64)
    if p.dependence != "table":
        return np.full_like(c, p.t_plus)
    return np.asarray(np.interp(c, p.table.concentration, p.table.transference), np.float64)


def settled_diffusivity(p: Properties, c: float | Floats) -> Floats:
    """Return D_s = D(c) (1 - t+(c0))/(1 - t+(c)), m^2/s: what D would have to be if t+ were that at c0."""
    return diffusivity(p, c) if p.dependence != "table" else _settled_diffusivity(p.c0, p.table, c)


def _settled_diffusivity(c0: float, table: Columns, c: float | Floats) -> Floats:
    D, t_plus = (np.interp(c, table.concentration, column) for column in (table.diffusivity, table.transference))
    if min(table.transference) == 1.0:
        return np.asarray(D)  # no anion moves, at any concentration: a column has values below 1
    return np.asarray(D * ((1.0 - np.interp(c0, table.concentration, table.transference)) / (1.0 - t_plus)))


def flux(p: Properties, j: float) -> float:
    """Return what diffusion carries at a current density j [A/m^2] where c is c0, N = j (1 - t+)/F, mol/(m^2 s)."""
    return j * (1.0 - p.t_plus) / FARADAY


def gradient(p: Properties, j: float, c: float) -> float:
    """Return the settled dc/dz = j (1 - t+) / (F D) where the concentration is c [mol/m^3], mol/m^4."""
    return flux(p, j) / float(settled_diffusivity(p, c))


def settled_sides(p: Properties, j: float, gap: float) -> tuple[float, float] | None:
    """Return the settled concentrations [mol/m^3] at the lithium and at the counter electrode, None if salt runs out.

    j > 0 [A/m^2] draws salt from the lithium's side; gap [m].
    """
    carried = abs(flux(p, j)) * gap
    if p.dependence == "table" and carried >= _profiles(p.c0, p.table)[0][-1]:
        return None
    low, high = map(float, _sides(p, carried))
    if low <= 0.0:
        return None
    return (low, high) if j >= 0.0 else (high, low)


def settled_sides_of(p: Properties, j: Floats, gap: float) -> tuple[Floats, Floats]:
    """Return what `settled_sides` does for many current densities [A/m^2], all below the limiting current."""
    low, high = _sides(p, np.abs(j) * (1.0 - p.t_plus) / FARADAY * gap)
    return np.where(j >= 0.0, low, high), np.where(j >= 0.0, high, low)


def _sides(p: Properties, carried: float | Floats) -> tuple[float | Floats, float | Floats]:
    """Return the lower and the higher concentration [mol/m^3] beside settled profiles that carry N L, mol/(m s)."""
    if p.dependence != "table":
        half = 0.5 * carried / p.D
        return p.c0 - half, p.c0 + half
    rise, lows, highs = _profiles(p.c0, p.table)
    return np.interp(carried, rise, lows), np.interp(carried, rise, highs)


def limiting_current(p: Properties, gap: float) -> float:
    """Return j_lim = (F/L) int D/(1 - t+) dc over the profile that begins with nothing; infinite if no anion moves.

    With one D the profile ends at 2 c0, and j_lim = 2 F D c0 / ((1 - t+) L), A/m^2.
    """
    if p.t_plus == 1.0:
        return math.inf
    whole = 2.0 * p.D * p.c0 if p.dependence != "table" else float(_profiles(p.c0, p.table)[0][-1])
    return FARADAY * whole / ((1.0 - p.t_plus) * gap)


@lru_cache(maxsize=8)
def _profiles(c0: float, table: Columns) -> tuple[Floats, Floats, Floats]:
    """Return N L of settled profiles, from none to the most, and the concentrations at their two sides.

    The two sides of a profile share P(c) = int (c - c0) D_s dc from c0. Its root is linear in c around c0: the
    profiles are counted by it.
    """

    def integrals(
        c: Floats,
    ) -> tuple[Floats, Floats]:  # Theta and P at increasing or falling c, from c[0] = c0
        a, b = c[:-1], c[1:]
        Da, Db = _settled_diffusivity(c0, table, a), _settled_diffusivity(c0, table, b)
        theta = 0.5 * (b - a) * (Da + Db)  # exact where D_s is linear between two c
        P = (b - a) / 6.0 * (Da * (2.0 * a + b) + Db * (a + 2.0 * b)) - c0 * theta
        return np.concatenate([[0.0], np.cumsum(theta)]), np.concatenate([[0.0], np.cumsum(P)])

    knots = np.array(table.concentration)
    low = np.union1d(np.linspace(0.0, c0, NODES), knots[knots < c0])[::-1]
    theta_low, P_low = integrals(low)
    # The other side lies where D_s, at its least, would bring it; between two points of a table D_s is monotonous.
    most = c0 + math.sqrt(2.0 * P_low[-1] / float(_settled_diffusivity(c0, table, knots).min())) * (1.0 + 1e-9)
    high = np.union1d(np.linspace(c0, most, NODES), knots[(knots > c0) & (knots < most)])
    theta_high, P_high = integrals(high)
    count = np.linspace(0.0, math.sqrt(P_low[-1]), NODES)
    sides = []
    for c, theta, P in ((low, theta_low, P_low), (high, theta_high, P_high)):
        root = np.sqrt(np.maximum(P, 0.0))
        sides.append((np.interp(count, root, c), np.interp(count, root, theta)))
    return sides[1][1] - sides[0][1], sides[0][0], sides[1][0]


def sand_time(p: Properties, j: float) -> float:
    """Return when salt runs out at an electrode that draws j [A/m^2] from a gap without end, s.

    Sand: tau = pi D (c0 / 2N)^2. With D(c) the same law holds, tau ~ 1/N^2, with a factor that is worked out once.
    """
    if j == 0.0 or p.t_plus == 1.0:
        return math.inf
    factor = 0.25 * math.pi if p.dependence != "table" else _sand_factor(p.c0, p.table)
    return factor * p.D * (p.c0 / flux(p, j)) ** 2


@lru_cache(maxsize=8)
def _sand_factor(c0: float, table: Columns) -> float:
    """Return tau N^2 / (D0 c0^2) of a half-space whose anions rest at the electrode, by finite volumes, thin there.

    Lengths in D0 c0 / N, times in D0 c0^2 / N^2, u = c / c0, r = (1 - t+(c))/(1 - t+(c0)), so that N is what is lost
    where t+ is one number: du/dt = d/dx (D/D0 du/dx - r), D/D0 du/dx = r at x = 0.
    """
    from scipy.integrate import solve_ivp

    at, less = table.concentration, 1.0 - np.array(table.transference)
    share = np.array(table.diffusivity) / np.interp(c0, at, table.diffusivity)
    draws = less / np.interp(c0, at, less)
    fast = float(share.max())
    latest = 2.0 * fast / float(min(draws.min(), 1.0)) ** 2  # D as large as that everywhere: pi/4 of it
    depth = DEEP * math.sqrt(fast * latest)
    faces = depth * np.linspace(0.0, 1.0, LAYERS + 1) ** 3
    width, between = np.diff(faces), np.diff(0.5 * (faces[1:] + faces[:-1]))

    def diffused(u: Floats) -> Floats:
        return np.asarray(np.interp(u * c0, at, share), np.float64)

    def drawn(u: Floats) -> Floats:
        return np.asarray(np.interp(u * c0, at, draws), np.float64)

    def rate(_: float, u: Floats) -> Floats:
        middle = 0.5 * (u[1:] + u[:-1])
        through = diffused(middle) * np.diff(u) / between + 1.0 - drawn(middle)
        return np.diff(np.concatenate([[1.0], through, [0.0]])) / width

    def left(_: float, u: Floats) -> float:
        return float(u[0] - 0.5 * width[0] * drawn(u[:1])[0] / diffused(u[:1])[0])

    left.terminal = True  # type: ignore[attr-defined]
    found = solve_ivp(
        rate, (0.0, latest), np.ones(LAYERS), "LSODA", events=left, rtol=1e-6, atol=1e-8, lband=1, uband=1
    )
    return float(found.t_events[0][0])
