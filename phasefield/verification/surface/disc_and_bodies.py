"""Closed forms of bodies in the electrolyte, where resistance rules: a bare disc, a growing cylinder, a growing sphere.

Mirrors make of each a square lattice of period B (in 2D a row); L is the distance of the counter electrode. The sums
over a square lattice: L. Bonsall, A. A. Maradudin, Phys. Rev. B 15 (1977) 1959.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq

from phasefield.model.coefficients import Drive
from phasefield.model.level_set import LevelSetLaw
from phasefield.model.state import State
from phasefield.verification import small_cases
from phasefield.verification.march import make
from phasefield.verification.row import Check, CheckRow, Curve, Floats, Plot, Result

MADELUNG = 3.900264920001956  # of point charges on a square lattice in their even background, times B
CUBED = 9.033621683100950  # sum of B^3/R^3 over the square lattice, without its origin
VOLTAGE = 0.01  # V
OHMIC = (  # no salt gradient, no kinetics, no surface energy
    "electrolyte.transference_number=1.0",
    'kinetics.exchange_current_density="1e7 A/m^2"',
    'lithium.surface_energy="0 J/m^2"',
    'counter.film.conductivity="1e3 S/m"',
    'grid.lateral="mirror"',
)
INSULATING = 1e2  # ohm m^2, of the film off the disc
LITHIUM = 6  # cells of it under the disc


def disc_resistance(cells: int, periods: int) -> tuple[float, float]:
    """Return the spreading resistance of a disc of `cells` radius, times 4 kappa a, measured and of theory.

    The box is a quarter of a lattice of discs of period B = `periods` radii, and B/2 high.
    """
    half = periods * cells // 2
    case = make(
        small_cases.box(half, half, half + LITHIUM),
        f'surface.height="{LITHIUM} um"',
        small_cases.conductance(1e7),
        *OHMIC,
    )
    cell = LevelSetLaw(case)
    state = cell.start()
    _, ny, nx = cell.shape
    owner = state.front.owner[: state.front.count] % (nx * ny)
    bare = (owner // nx + 0.5) ** 2 + (owner % nx + 0.5) ** 2 < cells**2
    state.resistance[~bare] = INSULATING
    cell.drive(state, Drive(None, VOLTAGE))
    assert state.reaction is not None
    p, B = cell.properties, 2.0 * half * cell.dx
    a = math.sqrt(4.0 * float(bare.sum()) / math.pi) * cell.dx  # of the disc that the cells make up
    total = 4.0 * state.reaction.total
    resistance = VOLTAGE / total - small_cases.gap(cell, state) / (p.kappa * B**2)
    share = a / B
    theory = 1.0 - 4.0 / (2.0 * math.pi) * share * (MADELUNG - CUBED / 3.0 * share**2)
    return 4.0 * p.kappa * a * resistance, theory


def disc(full: bool) -> Result:
    """Return the spreading resistance of a bare disc on a blocking plane, for radii over spacing and in the limit."""
    radii = (4, 8, 16) if full else (3, 6, 12)
    got, law = np.array([disc_resistance(cells, 6) for cells in radii]).T
    off = got / law - 1.0
    limit = off[-1] + (off[-1] - off[-2])  # of first order
    rest = abs((off[-1] - off[-2]) - 0.5 * (off[-2] - off[-1 - 2]))
    rows = [
        CheckRow(
            f"spreading resistance times 4 kappa a, {cells} cells a radius",
            "1 - 1.2415 e + 0.2397 e^3, e = 2a/B",
            float(theory),
            float(measured),
            1.0 / cells,
            "The current peaks at the rim, as 1/sqrt of the distance from it. The position of the rim is known to a "
            "cell, and the interface is as wide. Both shift the radius by a part of dx: first order in dx/a.",
        )
        for cells, measured, theory in zip(radii, got, law, strict=True)
    ]
    rows.append(
        CheckRow(
            "spreading resistance over theory, extrapolated in dx/a",
            "1/(4 kappa a)",
            1.0,
            1.0 + float(limit),
            0.01 + rest,
            "The first order is removed. The tolerance is the change from one extrapolation to the next, and 1 %. The "
            "1 % covers the counter electrode half a period away (exp(-2 pi)), the next term of the lattice, e^5 = "
            "0.4 %, and the steps of the rim.",
        )
    )
    x = np.array([0.0, 1.0 / radii[0]])
    plot = Plot(
        "disc",
        "Spreading resistance of a bare disc",
        "spacing over radius",
        "resistance over theory",
        (
            Curve("theory", x, np.ones(2), True),
            Curve("measured", 1.0 / np.array(radii), got / law),
            Curve("extrapolated", np.zeros(1), np.array([1.0 + limit])),
        ),
    )
    return Result(tuple(rows), (plot,))


FILM_LENGTH = 3.0  # cells: kappa R_film, which keeps waves of a cell or two from growing
GROWTH = 2.0  # last radius over the first
STEP = 0.2  # cells


def grow(first: int, half: int, height: int, three: bool) -> tuple[Floats, Floats, Floats, LevelSetLaw, State]:
    """Grow a cylinder or a sphere of `first` cells in a corner of mirrors; return times, radii and theory's radii.

    half: half a period, height: distance of the counter electrode, both in cells.
    """
    size = (half, half, height) if three else (half, height)
    kappa = 0.1  # S/m, of BASE
    case = make(
        small_cases.box(*size),
        'surface.height="8 um"',
        small_cases.conductance(kappa / (FILM_LENGTH * 1e-6)),
        *OHMIC,
    )
    cell = LevelSetLaw(case)
    state = cell.start()
    f, a = state.front, first * cell.dx
    k, j, i = np.indices(cell.shape) + 0.5
    away = np.sqrt(k**2 + i**2 + (j**2 if three else 0.0)) * cell.dx - a
    f.d[...] = np.clip(away, -f.radius, f.radius)
    f.phase()
    f.refresh()
    state.c[...] = cell.properties.c0
    state.film = cell.film.start(f)
    cell._coat(state)
    cell.volume_0, cell.salt_0 = f.volume(), cell.content(f, state.c)
    cell.drive(state, Drive(None, VOLTAGE))
    law = (sphere_law if three else cylinder_law)(cell, a, half, height)
    times, radii = [0.0], [a]
    depth = cell.dx if not three else 1.0
    while radii[-1] < GROWTH * a:
        fastest = float(state.v.max())
        new = cell.step(state, Drive(None, VOLTAGE), STEP * cell.dx / fastest)
        cell.accept(state)
        state = new
        grown = cell.volume_per_charge * state.deposited * cell.plane  # Faraday's law, exact
        times.append(state.t)
        radii.append(_radius(a, grown, depth, three))
    return np.array(times), np.array(radii), np.array([law(t) for t in times]), cell, state


def _radius(a: float, grown: float, depth: float, three: bool) -> float:
    """Return the radius [m] after a volume has been added to an eighth of a ball, or a quarter of a cylinder."""
    if three:
        return float((a**3 + 6.0 * grown / math.pi) ** (1.0 / 3.0))
    return math.sqrt(a**2 + 4.0 * grown / (depth * math.pi))


def cylinder_law(cell: LevelSetLaw, a: float, half: int, height: int) -> Callable[[float], float]:
    """Return a(t) of a row of cylinders of period B under a counter electrode at distance L, at an imposed voltage.

    Current to a cylinder, both sides of it, per length: 2 pi kappa U / {pi L/B + ln[B/(2 pi a)] + kappa R/a}.
    """
    B, L, extra = 2.0 * half * cell.dx, height * cell.dx, FILM_LENGTH * cell.dx
    rate = cell.volume_per_charge * cell.properties.kappa * VOLTAGE

    def passed(r: float) -> float:
        return 0.5 * r**2 * (math.pi * L / B + math.log(B / (2.0 * math.pi * r)) + 0.5) + extra * r

    return _inverse(passed, a, rate)


def sphere_law(cell: LevelSetLaw, a: float, half: int, height: int) -> Callable[[float], float]:
    """Return a(t) of a square lattice of spheres of period B under a counter electrode at distance L.

    Current to a sphere, both sides of it: 4 pi kappa U / {1/a - 3.9003/B + 2 pi L/B^2 + kappa R/a^2}.
    """
    B, L, extra = 2.0 * half * cell.dx, height * cell.dx, FILM_LENGTH * cell.dx
    rate = cell.volume_per_charge * cell.properties.kappa * VOLTAGE

    def passed(r: float) -> float:
        return 0.5 * r**2 + (2.0 * math.pi * L / B**2 - MADELUNG / B) * r**3 / 3.0 + extra * r

    return _inverse(passed, a, rate)


def _inverse(passed: Callable[[float], float], a: float, rate: float) -> Callable[[float], float]:
    """Return r(t) of passed(r) - passed(a) = rate t."""
    return lambda t: float(brentq(lambda r: passed(r) - passed(a) - rate * t, 0.5 * a, 10.0 * a, xtol=1e-12))


def bodies(full: bool) -> Result:
    """Return radii of a cylinder, and of a sphere, that grow from a far counter electrode."""
    rows, curves = [], []
    settings = (
        [(12, 96, 96, False)]
        if not full
        else [(12, 96, 96, False), (24, 192, 192, False), (10, 60, 60, True)]
    )
    for first, half, height, three in settings:
        times, radii, law, cell, _ = grow(first, half, height, three)
        name = "sphere" if three else "cylinder"
        share = GROWTH * first / (2.0 * half)  # a/B at the end
        rows.append(
            CheckRow(
                f"{name} of {first} cells: growth of the radius",
                "lattice of them, ohmic",
                1e6 * float(law[-1] - law[0]),
                1e6 * float(radii[-1] - radii[0]),
                (math.pi * cell.W / (first * cell.dx)) ** 2 / 3.0 + share**2 / 4.0 + 2e-3,
                "An element reads a mean over the interface: (pi W/a)^2/6 of a potential that varies as ln r or 1/r. "
                "It delivers the current in the same way. The lattice bends the field around a body; this counts from "
                "(a/B)^4 on, and changes the shape by (a/B)^2/4. The method is of second order in time.",
                "um",
            )
        )
        step = max(1, len(times) // 15)
        curves.append(Curve(f"theory, {name} of {first} cells", times, 1e6 * law, True))
        curves.append(Curve(f"measured, {name} of {first} cells", times[::step], 1e6 * radii[::step]))
    plot = Plot("bodies", "Growth from a far counter electrode", "time (s)", "radius (um)", tuple(curves))
    return Result(tuple(rows), (plot,))


CHECKS = (
    Check(
        "disc", "Closed forms", "spreading resistance of a bare disc on a blocking plane", disc, (1.0, 15.0)
    ),
    Check(
        "bodies",
        "Closed forms",
        "growth of a cylinder (full: and a sphere) from a far electrode",
        bodies,
        (2.0, 60.0),
    ),
)
