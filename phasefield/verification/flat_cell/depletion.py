"""Closed forms of salt that runs out: limiting current from below and above, Sand's time."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from phasefield.analytic.closed_forms import planar_voltage
from phasefield.analytic.flat_cell import FlatCell
from phasefield.analytic.salt_profile import limiting_current, sand_time
from phasefield.case import Case
from phasefield.case.properties import Properties
from phasefield.constants import FARADAY
from phasefield.model.coefficients import Drive
from phasefield.model.state import State
from phasefield.simulation.driver import Driver, Outcome
from phasefield.verification import small_cases
from phasefield.verification.march import driven, make, march
from phasefield.verification.row import Check, CheckRow, Curve, Floats, Plot, Result

GAP = 48  # cells of 1 um between the electrodes
LITHIUM = 8  # cells of it under the surface
FAST = (  # what is not salt takes a tenth of a volt at the limiting current
    small_cases.conductance(1e3),
    'kinetics.exchange_current_density="1e3 A/m^2"',
    'electrolyte.conductivity="1e-2 S/cm"',
    'electrolyte.salt_diffusivity="1e-11 m^2/s"',
    small_cases.LIGHT,
)
SHARES = (0.5, 0.8, 0.95)  # of the limiting current
VOLTAGES = (0.02, 0.05, 0.1, 0.15, 0.2, 0.25)  # V, each of them held until the current is settled
LIMIT = 0.25  # V, where the galvanostat above the limiting current complies; salt is down to a twentieth then
ABOVE = 1.5  # limiting currents
HELD = 1.0  # L^2/D
SPREAD = math.pi**2 / 3.0  # variance of the weights of a surface element, in W^2
KNOWN = 0.05  # of a cell, to which the place of the surface is known


@dataclass(frozen=True)
class _Limited:
    """The cell of a case and its limiting current; the planar voltage is that of settled salt.

    gap [m]: from the surface to the counter electrode; spacing and W [m]: of the cells, of the interface; most [A/m^2]:
    the limiting current; volts [V]: planar voltages at `shares` of it, where the planar cell has one.
    """

    case: Case
    p: Properties
    gap: float
    spacing: float
    W: float
    most: float
    shares: Floats
    volts: Floats

    @classmethod
    def of(cls, case: Case) -> _Limited:
        """Return that of a case at rest."""
        cell, state = driven(case, Drive(0.0))
        p, L = cell.properties, small_cases.gap(cell, state)
        most = limiting_current(p, L)
        shares = np.linspace(0.01, 0.999, 2000)
        law = [planar_voltage(p, share * most, L, settled=True) for share in shares]
        volts = np.array([math.nan if parts is None else parts.total for parts in law])
        return cls(case, p, L, cell.dx, cell.W, most, shares, volts)

    @property
    def diffusion_time(self) -> float:
        """Return gap^2/D [s]."""
        return self.gap**2 / self.p.D

    def current(self, voltage: float) -> float:
        """Return the settled current density [A/m^2] at a voltage [V]."""
        return self.most * float(np.interp(voltage, self.volts, self.shares))


def limiting(full: bool) -> Result:
    """Return salt below the limiting current, currents at rising voltages, and what is left of one above it."""
    limited = _Limited.of(make(small_cases.box(8.0, GAP + LITHIUM), *FAST))
    rows = _salt_below(limited)
    currents = [_held(limited.case, voltage, limited.gap, limited.p.D) for voltage in VOLTAGES]
    for voltage, j in list(zip(VOLTAGES, currents, strict=True))[-2:]:
        rows.append(_saturated(f"current at {voltage:g} V", limited.current(voltage), j, limited.spacing / limited.gap))
    above, above_plot = _imposed_above(limited)
    volts_plot = Plot(
        "limiting-current",
        "Settled current at an imposed voltage",
        "cell voltage (V)",
        "current over limiting current",
        (
            Curve("planar voltage", limited.volts, limited.shares, True),
            Curve("measured", np.array(VOLTAGES), np.array(currents) / limited.most),
        ),
    )
    return Result((*rows, *above), (volts_plot, above_plot))


def _salt_below(limited: _Limited) -> list[CheckRow]:
    """Return rows of the salt at the lithium that settles at shares of the limiting current."""
    p, L = limited.p, limited.gap
    dt = HELD * limited.diffusion_time / 40
    rows = []
    for share in SHARES:
        drive = Drive(share * limited.most)
        cell, state = driven(limited.case, drive)
        steep = 2.0 * share * p.c0 / L  # c'
        state = march(cell, state, drive, dt, 40)
        rows.append(
            CheckRow(
                f"salt at the lithium at {share:g} j_lim",
                "c0 (1 - j/j_lim)",
                p.c0 * (1.0 - share),
                small_cases.surface_salt(cell, state),
                0.8 * p.c0 * math.exp(-HELD * math.pi**2) + KNOWN * steep * cell.dx,
                "The position of the surface is uncertain by 0.03 of a cell, as measured. The tolerance is half as "
                "much again, times c'. The transient leaves exp(-pi^2).",
                "mol/m^3",
                relative=False,
            )
        )
    return rows


def _imposed_above(limited: _Limited) -> tuple[tuple[CheckRow, CheckRow], Plot]:
    """Return when a galvanostat above the limiting current complies with its voltage limit, and what it then passes."""
    imposed = ABOVE * limited.most
    case = make(
        small_cases.HOURLY,
        small_cases.box(8.0, GAP + LITHIUM),
        *FAST,
        f'protocol.steps=[{{ current="{imposed!r} A/m^2", duration="{HELD * limited.diffusion_time!r} s" }}]',
        f'protocol.voltage_limit="{LIMIT} V"',
        'protocol.stop_on=["short_circuit"]',
        'numerics.max_step="1 s"',
    )
    times, passed = list[float](), list[float]()

    def look(driver: Driver) -> None:
        times.append(driver.state.t)
        passed.append(driver.current)

    small_cases.run_in_memory(case, look)
    left = limited.current(LIMIT)
    held = next((t for t, j in zip(times, passed, strict=True) if j < (1.0 - 1e-6) * ABOVE * limited.most), math.nan)
    flat = FlatCell(case)
    ends = _when(lambda t: flat.voltage(flat.fresh, imposed, t) - LIMIT, limited.diffusion_time)
    rows = (
        _saturated(
            f"current left of {ABOVE:g} j_lim at {LIMIT:g} V", left, passed[-1], limited.spacing / limited.gap
        ),
        CheckRow(
            f"time until {ABOVE:g} j_lim raises the voltage to {LIMIT:g} V",
            "series for the finite gap",
            ends,
            held,
            SPREAD * (limited.W / limited.gap) ** 2 * 4.0 + 0.02,
            "The voltage is exact to the mean of c over the interface, (1/2)(pi W)^2/3 c''. Steps are 1 % of this "
            "time. The jump at the start varies as sqrt(t) and costs the first few steps as much again.",
            "s",
        ),
    )
    plot = Plot(
        "above-limiting-current",
        f"A current {ABOVE:g} times too high, held to {LIMIT:g} V",
        "time (s)",
        "current over limiting current",
        (
            Curve("planar voltage, settled", np.array([ends, times[-1]]), np.full(2, left / limited.most), True),
            Curve("measured", np.array(times), np.array(passed) / limited.most),
        ),
    )
    return rows, plot


def _saturated(what: str, most: float, measured: float, spacing: float) -> CheckRow:
    return CheckRow(
        what,
        "planar voltage, salt at a twentieth of c0 or more",
        most,
        measured,
        1.3 * KNOWN * spacing,
        "The salt limits this current, through c0 - (j/j_lim) c0 over a gap L. The end of the gap is known to a "
        "twentieth of a cell.",
        "A/m^2",
    )


def _held(case: Case, voltage: float, L: float, D: float) -> float:
    """Return the current density [A/m^2] that settles at a voltage [V], in steps that get longer."""
    drive = Drive(None, voltage)
    cell, state = driven(case, drive)
    dt = 2e-4 * L**2 / D
    while state.t < 0.5 * L**2 / D:  # exp(-4 pi^2/2) of the transient is left
        state = march(cell, state, drive, dt, 5)
        dt *= 1.4
    return cell.current(state)


def _when(excess: Callable[[float], float], longest: float) -> float:
    """Return when a rising quantity passes 0, by halving; longest: no later than that [s]."""
    low, high = 0.0, longest
    for _ in range(100):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if excess(middle) < 0.0 else (low, middle)
    return high


DEPLETING = 2.0  # V across a film of 1e2 S/m^2: requests 1.5 limiting currents, and leaves no salt at the lithium


def depleted(full: bool) -> Result:
    """Return the current that settles where no salt is left at the lithium, on a grid and on one twice as fine."""
    runs = [_Depleted.run(finer) for finer in ((1, 2) if full else (1,))]
    rows = [row for run in runs for row in run.rows()]
    if len(runs) == 2:
        rows.append(
            CheckRow(
                "excess of the current over the limiting one, coarse over fine",
                "first order in the cells",
                2.0,
                runs[0].excess / runs[1].excess,
                0.15,
                "The excess is a length of 0.13 cells over the gap. A tenth of it is of higher order, as measured.",
            )
        )
    title = f"Current at {DEPLETING:g} V, no salt left"
    law = Curve("limiting current", np.array([0.0, runs[0].times[-1]]), np.ones(2), True)
    curves = (law, *(run.curve() for run in runs))
    return Result(tuple(rows), (Plot("no-salt-left", title, "time (s)", "current over limiting current", curves),))


@dataclass(frozen=True)
class _Depleted:
    """A cell held at a voltage that requests more than the limiting current.

    finer: cells in a micrometre; gap [m] and most [A/m^2], the limiting current, at the end; over the steps: times [s],
    currents [A/m^2], and the corrections of the salt as shares of what is in the cell.
    """

    finer: int
    outcome: Outcome
    driver: Driver
    times: list[float]
    currents: list[float]
    corrections: list[float]
    gap: float
    most: float

    @classmethod
    def run(cls, finer: int) -> _Depleted:
        """Run the cell until its current is settled."""
        hold = f'protocol.steps=[{{ voltage="{DEPLETING} V", duration="{0.35 * (GAP * 1e-6) ** 2 / 1e-11!r} s" }}]'
        case = make(
            small_cases.HOURLY,
            small_cases.box(8.0 / finer, GAP + LITHIUM),
            f'grid.spacing="{1.0 / finer} um"',
            *FAST,
            small_cases.conductance(1e2),
            hold,
            'numerics.max_step="2 s"',
            'protocol.stop_on=["short_circuit"]',
        )
        times, currents, corrections = list[float](), list[float](), list[float]()

        def look(driver: Driver) -> None:
            times.append(driver.state.t)
            currents.append(driver.current)
            corrections.append(driver.state.salt_correction)

        driver, outcome = small_cases.run_in_memory(case, look)
        gap = small_cases.gap(driver.cell, driver.state)
        most = limiting_current(driver.cell.properties, gap)
        return cls(finer, outcome, driver, times, currents, corrections, gap, most)

    @property
    def what(self) -> str:
        """Return the cells in words."""
        return f"{1.0 / self.finer:g} um cells"

    @property
    def excess(self) -> float:
        """Return the last current over the limiting one, less 1."""
        return self.currents[-1] / self.most - 1.0

    def rows(self) -> tuple[CheckRow, CheckRow]:
        """Return rows of the settled current and of the corrections of the salt."""
        p = self.driver.cell.properties
        passed = self.driver.state.applied * (1.0 - p.t_plus) / FARADAY
        return (
            CheckRow(
                f"current settled at {DEPLETING:g} V, {self.what}",
                "limiting current 2 F D c0/((1 - t+) L)",
                self.most,
                self.currents[-1] if self.outcome.good else math.nan,
                0.2 * self.driver.cell.dx / self.gap,
                "The gap ends where the reaction takes up the current and the salt is 2 % of that of the element. "
                "This is 0.13 of a cell from the surface, as measured. The tolerance is half as much again.",
                "A/m^2",
            ),
            CheckRow(
                f"salt corrected in all steps, share of what passed, {self.what}",
                "none",
                0.0,
                sum(self.corrections) * p.c0 * self.gap / passed,
                2e-3,
                "Depleted cells deliver the whole current within 1e-4, or within 1e-3 where the iteration is long, in "
                "each of the two stages.",
                relative=False,
            ),
        )

    def curve(self) -> Curve:
        """Return the current over the limiting one over time."""
        return Curve(f"measured, {self.what}", np.array(self.times), np.array(self.currents) / self.most)


# t+, D [m^2/s], and the diffusion length sqrt(D tau) in cells; j follows.
SAND = (
    (0.2, 1e-10, 20),
    (0.2, 1e-11, 16),
    (0.4, 1e-10, 24),
    (0.4, 3e-11, 20),
    (0.7, 1e-10, 16),
    (0.7, 3e-12, 24),
)
DEEP = 5  # gap over diffusion length
LEFT = 0.1  # of the salt at the lithium, when the run ends
STEPS = 80  # in Sand's time, at least


def sand(full: bool) -> Result:
    """Return Sand's times from the salt at the lithium, with six combinations of t+, D and j."""
    measured = [_time_of_sand(*combination, finer=2 if full else 1) for combination in SAND]
    even = np.linspace(0.0, 1.0, 200)
    plot = Plot(
        "sand",
        "Salt at the lithium until little is left",
        "time over Sand's time",
        "c over c0",
        (Curve("1 - sqrt(t/tau)", even, 1.0 - np.sqrt(even), True), *(curve for _, curve in measured)),
    )
    return Result(tuple(row for row, _ in measured), (plot,))


def _time_of_sand(t_plus: float, D: float, cells: int, finer: int) -> tuple[CheckRow, Curve]:
    """Return Sand's time from the fall of the salt, and that fall; D [m^2/s], cells in the diffusion length."""
    length = cells * 1e-6
    tau = length**2 / D
    j = FARADAY * 1e3 / (2.0 * (1.0 - t_plus)) * math.sqrt(math.pi * D / tau)
    case = make(
        small_cases.box(8.0 / finer, DEEP * cells + LITHIUM),
        f'grid.spacing="{1.0 / finer} um"',
        small_cases.conductance(1e5),
        'kinetics.exchange_current_density="1e3 A/m^2"',
        'electrolyte.conductivity="1e-2 S/cm"',
        small_cases.LIGHT,
        f"electrolyte.transference_number={t_plus}",
        f'electrolyte.salt_diffusivity="{D} m^2/s"',
    )
    assert math.isclose(sand_time(case.properties(), j), tau, rel_tol=1e-9)
    times, salt = [0.0], [1.0]
    cell, state = driven(case, Drive(j))

    def look(s: State) -> None:
        times.append(s.t / tau)
        salt.append(small_cases.surface_salt(cell, s) / 1e3)

    ends = (1.0 - LEFT) ** 2
    march(cell, state, Drive(j), ends * tau / (STEPS * finer), STEPS * finer, look)
    t, c = np.array(times), np.array(salt)
    slope = float(np.polyfit(np.sqrt(t[c < 0.8]), c[c < 0.8], 1)[0])
    width = (cell.W / length) ** 2
    row = CheckRow(
        f"t+ {t_plus:g}, D {D:g} m^2/s, j {j:.4g} A/m^2: 1 - c/c0 over sqrt(t), squared",
        "Sand's time pi D [F c0/(2 j (1 - t+))]^2",
        tau,
        tau / slope**2,
        6.0 * width * SPREAD + math.exp(-(DEEP**2) / 4.0) + 2e-3,
        "An element reads c on a straight line through the interface, but the profile bends: c'' = c0/(2 D "
        "sqrt(t tau)). This costs 4.3 (pi W)^2/3 over the squared diffusion length, as measured with 16, 20 "
        "and 24 cells; the tolerance is half as much again. The other electrode is five diffusion lengths "
        "away (exp(-25/4)). The jump at the start varies as sqrt(t) and costs the first few steps of 1/80 "
        "(2e-3).",
        "s",
    )
    return row, Curve(f"t+ {t_plus:g}, D {D:g}, j {j:.3g}", t[::3], c[::3])


CHECKS = (
    Check(
        "limiting-current",
        "Closed forms",
        "the limiting current approached from below, and an imposed current above it",
        limiting,
        (3.0, 3.0),
    ),
    Check("no-salt-left", "Closed forms", "the current at complete depletion of the salt", depleted, (2.0, 8.0)),
    Check("sand", "Closed forms", "Sand's time for six combinations of t+, D and j", sand, (4.0, 20.0)),
)
