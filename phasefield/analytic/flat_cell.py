"""A flat cell taken through the protocol of a case: currents, voltages and times, while salt settles and film grows.

The cell is described by the age of its films, eq. (8), and by its salt: by the current density s whose settled profile
has the concentrations that are there at the two electrodes. With one D

    s = sum of (8/(pi^2 k^2)) s_k over k = 1, 3, 5 and so on,    d(s_k)/dt = (j - s_k) k^2/tau,    tau = L^2/(pi^2 D)

is exact: Sand's and Cottrell's laws at first, the settled state in the end. With D(c), the D at c0 gives tau.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from phasefield.analytic.closed_forms import Voltage, film_resistances, voltage_between
from phasefield.analytic.intercalation import Intercalation
from phasefield.analytic.salt_profile import limiting_current, settled_sides
from phasefield.analytic.voltages import voltages_at
from phasefield.case import Case, Properties, Step
from phasefield.case.film_growth import growth_law

Floats = NDArray[np.float64]

MODES = 20  # of the salt; the rest follows as fast as the next one
FIRST, GROWING = 1e-3, 0.2  # time steps: so much of tau, and of the time that a step has lasted
LATEST = 1e10  # s: what has not ended by then does not end
SETTLED = 50.0  # tau: without growth nothing changes any more
SOUGHT, NEARBY = 64, 1e-6  # times looked at between two; share of a time, below which the voltage is straight
OVERFULL = 1.01  # of the charge that fills or empties a cathode: its open-circuit curve ends 100 V off there
RAMP_PARTS = 40  # of a ramp, each at its mean current
OVER = 1e6  # V, stands for the voltage of a cell without salt
ROUND_OFF = 1e-12
NEARLY = 1.0 - 1e-6  # of the limiting current: no profile of the salt is taken beyond


@dataclass(frozen=True)
class FlatStep:
    """One step of the protocol of a flat cell.

    current, end: current density at its start and at its end [A/m^2]; time [s]; charge: signed [C/m^2]; voltage:
    imposed one [V], if any; parts: of an imposed voltage at the end of the step, None if it has no end;
    films: resistances at its end, own and counter electrode's [ohm m^2]; plated: on the lithium and on the counter
    electrode [C/m^2], both where the current turns within the step.
    """

    current: float
    end: float
    time: float
    charge: float
    voltage: float | None
    parts: Voltage | None
    films: tuple[float, float]
    plated: tuple[float, float] = (0.0, 0.0)

    @property
    def mean(self) -> float:
        """Mean current density, A/m^2."""
        return self.charge / self.time if 0.0 < self.time < math.inf else self.end


@dataclass(frozen=True)
class FlatRun:
    """The first and the last repeat of a protocol, and the whole run.

    charge: signed [C/m^2]; plated: the charge of plating alone [C/m^2]; time [s].
    """

    first: list[FlatStep]
    last: list[FlatStep]
    charge: float
    plated: float
    time: float


def gap_of(case: Case) -> float:
    """Return the mean distance of the surface from the counter electrode, m."""
    other = case.counter.surface
    return case.grid.size[-1] - case.surface.height - (0.0 if other is None else other.height)


class FlatCell:
    """A flat cell at one time; age: of its films [s]; salt: its modes s_k [A/m^2]."""

    def __init__(self, case: Case) -> None:
        self.growth = growth_law(case.film.growth)
        self.fresh, self.gap = case.properties(), gap_of(case)
        self.tau = self.gap**2 / (math.pi**2 * self.fresh.D)
        self.most = NEARLY * limiting_current(self.fresh, self.gap)
        k = 2.0 * np.arange(MODES + 1) + 1.0
        self.rates = np.asarray(k**2 / self.tau, dtype=np.float64)
        self.weights = 8.0 / (math.pi * k) ** 2
        self.weights[-1] = 1.0 - self.weights[:-1].sum()
        self.age, self.salt = 0.0, np.zeros(MODES + 1)
        self.cathode = Intercalation.of(case)
        self.charge = 0.0  # C/m^2, passed since the start
        self.plated = np.zeros(2)  # C/m^2, on the lithium and on the counter electrode
        self.modes = np.zeros(0) if self.cathode is None else self.cathode.start()

    @property
    def grows(self) -> bool:
        """Whether its films grow."""
        return self.growth.grows

    def films(self, age: float, j: float = 0.0, dt: float = 0.0) -> Properties:
        """Return the properties with films of this age [s], those of a cathode after dt [s] at j [A/m^2]."""
        p = self.fresh
        both = self.growth.thickness(
            np.array([p.film_thickness, p.film_thickness_counter]), age, self._plated_after(j, dt)
        )
        if self.cathode is not None:
            filling = self._filling(j, dt)
            return replace(p, film_thickness=float(both[0]), j0_counter=self.cathode.exchange_current(filling))
        return replace(p, film_thickness=float(both[0]), film_thickness_counter=float(both[1]))

    def _plated_after(self, j: float, dt: float) -> Floats:
        """Return what has plated on the lithium and on the counter electrode [C/m^2] after dt [s] at j [A/m^2]."""
        return np.asarray(self.plated + np.maximum([j * dt, -j * dt], 0.0))

    def parts(self, films: Properties, j: float, s: float) -> Voltage | None:
        """Return the parts of the voltage at j and s [A/m^2]; None if there is no such profile of the salt."""
        sides = settled_sides(films, s, self.gap)
        return None if sides is None else voltage_between(films, j, self.gap, *sides)

    def followed(self, j: float, dt: float) -> Floats:
        """Return the salt after dt [s] at a current density j [A/m^2]."""
        return np.asarray(j + (self.salt - j) * np.exp(-self.rates * dt))

    def follow(self, j: float, dt: float) -> None:
        """Let salt and cathode follow a current density j [A/m^2] for dt [s]."""
        if self.cathode is not None:
            self.modes = self.cathode.followed(self.modes, j, dt)
        self.charge += j * dt
        self.plated = self._plated_after(j, dt)
        salt = self.followed(j, dt)
        s = abs(float(self.weights @ salt))
        self.salt = salt if s <= self.most else salt * (self.most / s)

    def voltage(self, films: Properties, j: float, dt: float) -> float:
        """Return the voltage [V] after dt [s] at j [A/m^2]."""
        s = float(self.weights @ self.followed(j, dt))
        parts = self.parts(films, j, s)
        against_lithium = math.copysign(OVER, s) if parts is None else parts.total
        if self.cathode is None:
            return against_lithium
        return self.cathode.open_circuit(self._filling(j, dt)) + against_lithium

    def film_resistance(self, age: float | Floats, plated: Floats) -> Floats:
        """Return the resistance of both films [ohm m^2] of ages [s]; plated: on both electrodes [C/m^2], (2, n)."""
        p = self.fresh
        own, other = self.growth.thickness(
            np.array([[p.film_thickness], [p.film_thickness_counter]]), age, plated
        )
        counter = other if self.cathode is None else p.film_thickness_counter
        return np.asarray(own / p.film_conductivity + counter / p.film_conductivity_counter)

    def voltages(self, j: float, times: Floats) -> Floats:
        """Return the voltages [V] after times [s] at a current density j [A/m^2]."""
        p, cathode = self.fresh, self.cathode
        s = (j + (self.salt - j) * np.exp(-self.rates * times[:, None])) @ self.weights
        plated = self.plated[:, None] + np.maximum([j * times, -j * times], 0.0)
        films = self.film_resistance(self.age + times, plated)
        currents, below = np.full_like(times, j), np.clip(s, -self.most, self.most)
        if cathode is None:
            found = voltages_at(p, self.gap, currents, below, films, p.j0_counter)
        else:
            filling = cathode.surface_over(self.charge, self.modes, j, times)
            against_lithium = voltages_at(p, self.gap, currents, below, films, cathode.exchange_current(filling))
            found = cathode.open_circuit(filling) + against_lithium
        return np.where(np.abs(s) > self.most, np.copysign(OVER, s), found)

    def _filling(self, j: float, dt: float) -> float:
        """Return the filling at the surface of the cathode's particles after dt [s] at j [A/m^2]."""
        assert self.cathode is not None
        return self.cathode.surface(self.charge + j * dt, self.cathode.followed(self.modes, j, dt))

    def current(self, voltage: float, dt: float, age: float) -> float:
        """Return the current density [A/m^2] that brings the voltage [V], at an age [s], after dt [s] at it."""
        from scipy.optimize import brentq

        def excess(j: float) -> float:
            return self.voltage(self.films(age, j, dt), j, dt) - voltage

        start = excess(0.0)
        if start == 0.0:
            return 0.0
        far = -math.copysign(1.0, start)
        while excess(far) * start > 0.0:
            far *= 4.0
        return float(brentq(excess, 0.0, far, xtol=ROUND_OFF * abs(far), rtol=ROUND_OFF))

    def pass_step(self, step: Step) -> FlatStep:
        """Pass a step of a protocol."""
        before = self.plated
        passed = self._passed(step)
        own, other = (self.plated - before).tolist()
        return replace(passed, plated=(own, other))

    def _passed(self, step: Step) -> FlatStep:
        if step.voltages is not None:
            return self._hold(step, *step.voltages)
        if isinstance(step.current, tuple):
            return self._ramp(step, *step.current)
        return self._drive(step, step.current or 0.0)

    def _times(self) -> Iterator[float]:
        """Yield times [s] at which a step is looked at, wider and wider."""
        t = 0.0
        while t < (LATEST if self.grows or self.cathode is not None else SETTLED * self.tau):
            t += max(FIRST * self.tau, GROWING * t)
            yield t

    @staticmethod
    def _parts_of(time: float) -> Iterator[float]:
        """Yield the times [s] at which a sweep is looked at."""
        yield from (time * (k + 1) / RAMP_PARTS for k in range(RAMP_PARTS))

    def _leg(self, start: float, end: float, time: float, charge: float, voltage: float | None) -> FlatStep:
        """Go on to the end of a step; one without end leaves the cell as it was."""
        age = self.age + (time if math.isfinite(time) else 0.0)
        held = voltage is not None and math.isfinite(time)
        parts = self.parts(self.films(age), end, float(self.weights @ self.salt)) if held else None
        if parts is not None and voltage is not None:  # where salt has run out, its layer takes what is left
            own = 0.0 if self.cathode is None else self.cathode.open_circuit(self._filling(0.0, 0.0))
            parts = replace(parts, concentration=voltage - own - parts.film - parts.kinetics - parts.ohmic)
        self.age = age
        return FlatStep(start, end, time, charge, voltage, parts, film_resistances(self.films(age)))

    def _drive(self, step: Step, j: float) -> FlatStep:
        """Pass a step of imposed current, or a rest."""
        time = math.inf if step.planned_time is None else step.planned_time
        if step.until_voltage is not None:
            time = min(time, self._reached(j, step.until_voltage, time))
        if math.isfinite(time):
            self.follow(j, time)
        return self._leg(j, j, time, j * time if j else 0.0, None)

    def _ramp(self, step: Step, first: float, last: float) -> FlatStep:
        """Pass a linear ramp of the current in parts, each at its mean: the charge is exact."""
        assert step.duration is not None
        dt, t, charge, j = step.duration / RAMP_PARTS, 0.0, 0.0, first
        for k in range(RAMP_PARTS):
            end = first + (last - first) * (k + 1) / RAMP_PARTS
            share = 1.0
            if step.until_voltage is not None:
                limit = step.until_voltage
                start = self._excess(j, limit, t, 0.0, step.direction)
                off = self._excess(end, limit, t, dt, step.direction)
                share = 0.0 if start >= 0.0 else min(1.0, start / (start - off)) if off > 0.0 else 1.0
            mean = j + 0.5 * share * (end - j)
            self.follow(mean, share * dt)
            t, charge, j = t + share * dt, charge + mean * share * dt, j + share * (end - j)
            if share < 1.0:
                return self._leg(first, j, t, charge, None)
        t = step.duration
        return self._leg(first, j, t, charge, None)

    def _excess(self, j: float, limit: float, t: float, dt: float, direction: float) -> float:
        """Return how far the voltage after dt [s] at j [A/m^2], t [s] from now on, is beyond a limit, V."""
        volts = self.voltage(self.films(self.age + t + dt, j, dt), j, dt)
        return abs(volts) - limit if self.cathode is None else direction * (volts - limit)

    def _reached(self, j: float, limit: float, latest: float) -> float:
        """Return when the voltage at j [A/m^2] reaches a limit [V], s; infinite if it does not."""
        if self.cathode is not None:
            left = self.cathode.filling(self.charge) if j > 0.0 else 1.0 - self.cathode.filling(self.charge)
            latest = min(latest, OVERFULL * left * self.cathode.capacity / abs(j))
        sooner = list(takewhile(lambda t: t < latest, self._times()))
        times = np.array([0.0, *sooner, *([latest] if math.isfinite(latest) else [])])
        while True:
            volts = self.voltages(j, times)
            beyond = abs(volts) - limit if self.cathode is None else math.copysign(1.0, j) * (volts - limit)
            first = int(np.argmax(beyond >= 0.0))
            if not beyond[first] >= 0.0:
                return math.inf
            if first == 0:
                return float(times[0])
            if times[first] - times[first - 1] <= NEARBY * times[first]:
                (a, b), (low, high) = times[first - 1 : first + 1], beyond[first - 1 : first + 1]
                return float(a + (b - a) * low / (low - high))
            times = np.linspace(times[first - 1], times[first], SOUGHT)

    def _hold(self, step: Step, voltage: float, last: float) -> FlatStep:
        """Pass a step of imposed voltage, which goes linearly to the `last` one [V]."""
        start = j = self.current(voltage, 0.0, self.age)
        latest = math.inf if step.duration is None else step.duration
        capacity = math.inf if step.capacity is None else step.capacity
        least = -1.0 if step.until_current is None else step.until_current
        t = charge = 0.0
        if abs(j) <= least:
            return self._leg(start, j, 0.0, 0.0, voltage)
        for end in self._times() if last == voltage else self._parts_of(latest):
            dt = min(end, latest) - t
            after = self.current(voltage + (last - voltage) * step.share(t + dt), dt, self.age + t + dt)
            passed = 0.5 * (j + after) * dt
            # What ends the step within dt, if j changes in proportion to the time.
            share = min(1.0, (capacity - abs(charge)) / abs(passed) if passed else 1.0)
            if abs(after) <= least:
                share = min(share, (abs(j) - least) / (abs(j) - abs(after)))
            self.follow(after, share * dt)
            t, charge, j = t + share * dt, charge + share * passed, j + share * (after - j)
            if share < 1.0 or abs(after) <= least or t >= latest or abs(charge) >= capacity:
                return self._leg(start, j, t, charge, last)
        ends = math.isfinite(latest) or (math.isfinite(capacity) and j != 0.0)
        if not ends:
            return self._leg(start, j, math.inf, math.copysign(math.inf, start), voltage)
        # Nothing changes any more.
        rest = min(latest - t, (capacity - abs(charge)) / abs(j) if j else math.inf)
        self.follow(j, rest)
        return self._leg(start, j, t + rest, charge + j * rest, voltage)


def run_flat(case: Case) -> FlatRun:
    """Take a flat cell through the protocol of a case: return its first repeat and its last one.

    Where voltages are imposed and films grow, no two repeats are the same. The 1st, 2nd, 4th, 8th and so on are
    computed, and the charge of those between is interpolated. The first repeat of a full cell, whose cathode begins as
    it was made, differs from all others; there the interpolation begins with the second one.
    """
    cell, repeat, steps = FlatCell(case), case.protocol.repeat, case.protocol.sequence
    first = [cell.pass_step(step) for step in steps]
    time, charge = _sums(first)
    plated = cell.plated  # in the last repeat
    began = (0.0, 0.0)
    last = first
    if cell.cathode is not None and repeat > 1 and math.isfinite(time):
        began, repeat = (time, charge), repeat - 1
        last = [cell.pass_step(step) for step in steps]
        plated = cell.plated - plated
        time, charge = _sums(last)
    ruled = any(step.voltage is not None or step.until_voltage is not None for step in steps)
    doubling = cell.grows and ruled
    at, whole, passed = 1, 0.0, 0.0
    while at < repeat and math.isfinite(time):
        skip = min(at, repeat - at) if doubling else repeat - at
        cell.age += (skip - 1) * time
        cell.plated = start = cell.plated + (skip - 1) * plated
        last, at = [cell.pass_step(step) for step in steps], at + skip
        plated = cell.plated - start
        passed += skip * time
        (time, then), before = _sums(last), charge
        whole += skip * before + 0.5 * (skip - 1) * (then - before)
        charge = then
    if at < repeat:  # a step that does not end
        return FlatRun(first, last, began[1] + repeat * charge if charge else began[1], float(cell.plated[0]), math.inf)
    return FlatRun(first, last, began[1] + whole + charge, float(cell.plated[0]), began[0] + passed + time)


def _sums(legs: list[FlatStep]) -> tuple[float, float]:
    """Return time [s] and signed charge [C/m^2] of a repeat."""
    return math.fsum(leg.time for leg in legs), sum(leg.charge for leg in legs)
