"""The published law of motion beside the default one, on the same case: what it depends on, and what it converges to.

Lithium grows at an imposed voltage, without a salt gradient (t+ = 1) and with a film that hardly resists. The sharp
cell: U = j L/kappa + 2 RT/F asinh(j/2 j0) + j R. The published law is compared at several widths delta.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from phasefield.analytic.closed_forms import growth_rate
from phasefield.constants import FARADAY, GAS_CONSTANT
from phasefield.model.allen_cahn.law import WIDTHS, AllenCahnLaw
from phasefield.model.base import LawOfMotion
from phasefield.model.coefficients import Drive
from phasefield.model.laws import law_of
from phasefield.model.state import State
from phasefield.verification import small_cases
from phasefield.verification.march import crest, make
from phasefield.verification.row import Check, CheckRow, Curve, Plot, Result

Floats = NDArray[np.float64]

SECTION = "The published models"
VOLTAGE, EXCHANGE = 0.1, 100.0  # V, A/m^2: kinetics takes half of the voltage
FILM, COUNTER_EXCHANGE = 1e6, 1e7  # S/m^2, A/m^2: next to nothing resists there
BOX, LITHIUM = 40.0, 8.0  # um: height of the box and of flat lithium
PATH = 4.0  # um, of flat lithium
SPACING = 1.0  # um, of the default law
DELTAS = (4.0, 2.0, 1.0)  # um, of the published law
WAVELENGTH, AMPLITUDE, WAVE_PATH, LEFT_OUT = 40.0, 0.25, 2.0, 0.4  # um; its start is left out
WAVE_DELTAS = (4.0, 2.0, 1.0, 0.5)  # um
FRONT_STEP = 0.2  # cells a step


@dataclass(frozen=True)
class March:
    """A cell and what became of it: time [s], mean height [m], `look` of the state, charges [C/m^2] at each step."""

    cell: LawOfMotion
    t: Floats
    height: Floats
    seen: Floats
    applied: Floats
    deposited: Floats

    @property
    def grown(self) -> Floats:
        """Return the height that has been added [m]."""
        return np.asarray(self.height - self.height[0])


def _march(delta: float | None, width: float, path: float, look: Callable[[State], float], *more: str) -> March:
    """March the case, by the published law with the width delta [um] or by the default law, for a path [um]."""
    dx = SPACING if delta is None else delta / WIDTHS
    words = [] if delta is None else ['numerics.motion="allen-cahn"', f'numerics.interface_width="{dx} um"']
    case = make(
        small_cases.box(width or 8.0 * dx, BOX),
        f'grid.spacing="{dx} um"',
        f'surface.height="{LITHIUM + 0.3 * dx} um"',
        "electrolyte.transference_number=1.0",
        small_cases.conductance(FILM),
        f'kinetics.exchange_current_density="{EXCHANGE} A/m^2"',
        'counter.film.conductivity="1 S/m"',
        f'counter.kinetics.exchange_current_density="{COUNTER_EXCHANGE} A/m^2"',
        f'protocol.steps=[{{voltage="{VOLTAGE} V", duration="1 h"}}]',
        *words,
        *more,
    )
    cell, drive = law_of(case), Drive(None, VOLTAGE)
    state = cell.start()
    cell.drive(state, drive)
    found: list[tuple[float, ...]] = []

    def note(s: State) -> None:
        found.append((s.t, float(s.front.height()[0].mean()), look(s), s.applied, s.deposited))

    note(state)
    longest = cell.model.motion.longest if isinstance(cell, AllenCahnLaw) else math.inf
    while found[-1][1] - found[0][1] < path * small_cases.MICRON:
        speed = cell.volume_per_charge * cell.current(state) if len(found) < 3 else _slope(found)
        dt = min(longest, FRONT_STEP * cell.dx / speed)
        new = cell.step(state, drive, dt)
        cell.accept(state)
        state = new
        note(state)
    t, height, seen, applied, deposited = np.array(found).T
    return March(cell, t, height, seen, applied, deposited)


def _slope(found: Sequence[tuple[float, ...]]) -> float:
    return (found[-1][1] - found[-2][1]) / (found[-1][0] - found[-2][0])


def sharp_current(cell: LawOfMotion, gap: float) -> float:
    """Return j [A/m^2] of the sharp flat cell with a gap [m] at the imposed voltage."""
    p = cell.properties
    f = FARADAY / (GAS_CONSTANT * p.T)
    rest = 1.0 / FILM + 1.0 / (f * COUNTER_EXCHANGE)

    def missing(j: float) -> float:
        return j * (gap / p.kappa + rest) + 2.0 / f * math.asinh(0.5 * j / EXCHANGE) - VOLTAGE

    return float(brentq(missing, 0.0, VOLTAGE * p.kappa / gap))


def sharp_height(cell: LawOfMotion, start: float, t: Floats) -> Floats:
    """Return the height [m] of the sharp flat cell at times t [s], from `start` [m]; midpoint rule, 4000 steps."""
    height, top = [start], cell.shape[0] * cell.dx
    times, h = np.linspace(0.0, float(t[-1]), 4001, retstep=True)
    for _ in times[1:]:
        half = height[-1] + 0.5 * h * cell.volume_per_charge * sharp_current(cell, top - height[-1])
        height.append(height[-1] + h * cell.volume_per_charge * sharp_current(cell, top - half))
    return np.asarray(np.interp(t, times, np.array(height)))


def ohmic_growth(cell: LawOfMotion, start: float, t: Floats) -> Floats:
    """Return what flat lithium grows [m] in times t [s] if the electrolyte alone resists."""
    gap = cell.shape[0] * cell.dx - start
    return np.asarray(gap - np.sqrt(gap**2 - 2.0 * cell.properties.kappa * VOLTAGE * cell.volume_per_charge * t))


def limit(values: Sequence[float]) -> float:
    """Return what the last two values, the width halved between them, tend to if they do at first order."""
    return 2.0 * values[-1] - values[-2]


def flat_lithium(full: bool) -> Result:
    """Plate flat lithium by both laws."""
    ours = _march(None, 0.0, PATH, lambda _: 0.0)
    sharp = sharp_height(ours.cell, ours.height[0], ours.t) - ours.height[0]
    runs = [_march(delta, 0.0, PATH, lambda _: 0.0) for delta in DELTAS]
    cell = ours.cell
    met = cell.properties.V_m * cell.properties.c0  # lithium from the ions that a front meets, of its path
    ahead = [float((r.grown - ohmic_growth(r.cell, r.height[0], r.t))[-1] / small_cases.MICRON) for r in runs]
    passed = [float(r.applied[-1] * r.cell.volume_per_charge / r.grown[-1]) for r in runs]
    order = math.log2((ahead[-3] - ahead[-2]) / (ahead[-2] - ahead[-1]))
    rows = (
        CheckRow(
            "default law: grown at 4 um", "U = j L/kappa + 2 RT/F asinh(j/2 j0) + j R", float(sharp[-1]) * 1e6,
            float(ours.grown[-1]) * 1e6, 2e-3 * SPACING / PATH + 1.0 / ours.t.size**2,
            "The position of d = 0 is known to 2e-3 of a cell. The method is of second order in time: the error is "
            "the square of a step over the path.", "um",
        ),
        CheckRow(
            "published law: order in delta of the height", "1", 1.0, order, 0.15,
            "The reaction acts over the width, and each half of it has another potential: first order. The next order "
            "is delta over the layer that the ions leave, RT/F L/U = 8 um. It is 1/8 at 1 um.", "", relative=False,
        ),
        CheckRow(
            "published law: ahead of the ohmic law, delta to 0", "the ions that the front meets, V_m c0 of its path",
            met * PATH, limit(ahead), 0.05,
            "Ions gather at the front or leave it. They count as V_m times a change by c0 at most over RT/F L/U = 8 "
            "um, and half of it.", "um", relative=False,
        ),
        CheckRow(
            "published law: charge passed over lithium grown, delta to 0", "1 - V_m c0", 1.0 - met, limit(passed),
            0.0125, "The same ions: 0.05 um of 4 um.", relative=False,
        ),
    )  # fmt: skip
    end = max(float(r.t[-1]) for r in runs)
    t = np.linspace(0.0, end, 60)
    curves = [
        Curve("sharp cell with its kinetics", t, 1e6 * (sharp_height(cell, ours.height[0], t) - ours.height[0]), True),
        Curve("sharp cell, electrolyte alone", t, 1e6 * ohmic_growth(cell, ours.height[0], t), True),
        Curve("default law", ours.t[ours.t <= end], 1e6 * ours.grown[ours.t <= end]),
    ]
    for delta, r in zip(DELTAS, runs, strict=True):
        some = slice(None, None, max(r.t.size // 20, 1))
        name = f"published law, \N{GREEK SMALL LETTER DELTA} = {delta:g} um"
        curves.append(Curve(name, r.t[some], 1e6 * r.grown[some]))
    title = f"Flat growth at {VOLTAGE:g} V, j\N{SUBSCRIPT ZERO} = {EXCHANGE:g} A/m\N{SUPERSCRIPT TWO}, by both laws"
    return Result(rows, (Plot("two-laws-flat", title, "time (s)", "thickness grown (um)", tuple(curves)),))


def _growth(run: March) -> float:
    """Return d ln(amplitude)/d(path)/k of a wave."""
    late = run.grown > LEFT_OUT * small_cases.MICRON
    slope = float(np.polyfit(run.grown[late], np.log(run.seen[late]), 1)[0])
    return slope * WAVELENGTH * small_cases.MICRON / (2.0 * math.pi)


def wave(full: bool) -> Result:
    """Grow a wave by both laws."""
    words = ('grid.lateral="mirror"', f'surface.wave={{ amplitude="{AMPLITUDE} um", wavelength="{WAVELENGTH} um" }}')

    def grow(delta: float | None) -> March:
        return _march(delta, 0.5 * WAVELENGTH, WAVE_PATH, lambda s: crest(s, 0.5), *words)

    ours = grow(None)
    p, k = ours.cell.properties, 2.0 * math.pi / (WAVELENGTH * small_cases.MICRON)
    j = sharp_current(ours.cell, ours.cell.shape[0] * ours.cell.dx - float(ours.height.mean()))
    theory = float(growth_rate(p, j, p.c0, k)) / (ours.cell.volume_per_charge * j) / k
    found = [_growth(grow(delta)) for delta in WAVE_DELTAS]
    before, last = limit(found[:-1]), limit(found)
    rows = (
        CheckRow(
            "default law: growth of a wave, per path and k", "dispersion relation", theory, _growth(ours), 0.03,
            "The tolerance is 3 % at 40 cells a wavelength, as in `dispersion`.",
        ),
        CheckRow(
            "published law: that growth, delta to 0", "extrapolated one halving earlier", before, last, 0.03,
            "The error is the square of k delta at that delta, 0.157^2.",
        ),
    )  # fmt: skip
    deltas = np.array(WAVE_DELTAS)
    curves = (
        Curve("dispersion relation with kinetics", np.array([0.0, deltas[0]]), np.full(2, theory), True),
        Curve("default law (no such width; one cell)", np.array([SPACING]), np.array([_growth(ours)])),
        Curve("published law", deltas, np.array(found)),
        Curve("published law, extrapolated", np.zeros(1), np.array([last])),
    )
    title = f"A wave of {WAVELENGTH:g} um at {VOLTAGE:g} V by both laws"
    x, y = "width \N{GREEK SMALL LETTER DELTA} of the published law (um)", "d ln(amplitude)/d(path)/k"
    return Result(rows, (Plot("two-laws-wave", title, x, y, curves),))


CHECKS: tuple[Check, ...] = (
    Check("two-laws-flat", SECTION, "flat growth by the published and by the default law", flat_lithium, (0.0, 30.0)),
    Check("two-laws-wave", SECTION, "growth of a wave by the published and by the default law", wave, (0.0, 60.0)),
)
