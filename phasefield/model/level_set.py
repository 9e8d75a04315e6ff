"""The coupled cell at one time, and one step in time.

One step, second order, one-step and stiffly accurate (11): surface and salt share the stages t + (2/5) dt and t + dt.

    d(1) = d - (2/5) dt v                            salt: (h c)(1) = h c + (2/5) dt f(1)
    d(2) = d - dt (-1/4 v + 5/4 v(1))                (h c)(2) = h c + dt (5/6 f(1) + 1/6 f(2))

The salt part is L-stable (R(infinity) = 0) for any first node below 1/2; at 2/5 the surface's weights stay near a
midpoint rule. A reversed current, which is stiff for the salt, needs no special step.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from phasefield.analytic.intercalation import Intercalation
from phasefield.errors import SolverError
from phasefield.kernels import front as kernels
from phasefield.kernels import transport as sums
from phasefield.model.base import LawOfMotion
from phasefield.model.coefficients import CounterElectrode, Drive, coefficients
from phasefield.model.displacement import Displacement
from phasefield.model.film import FilmState, SurfaceFilm
from phasefield.model.front import Front
from phasefield.model.initial_surface import set_surface
from phasefield.model.reaction import Reaction
from phasefield.model.state import State
from phasefield.model.transport import FAR, SCARCE, Stage, Transport
from phasefield.topography.roughness import sa_sq_sz

if TYPE_CHECKING:
    from phasefield.case import Case

Floats = NDArray[np.float64]

NODE = 2.0 / 5.0
DIAGONAL = (0.5 - NODE) / (1.0 - NODE)  # 1/6
MIXED = 1.0 - DIAGONAL  # 5/6, the salt's weight of stage 1
LATE = 0.5 / NODE  # 5/4, the surface's weight of stage 1
STILL = 1e-12  # cells; motion below it is round-off
MENDED = 0.1  # cells of motion from which on the distance is mended in full
EMBEDDED = (1.0 / 3.0, -5.0 / 9.0, 2.0 / 9.0)  # third-order weights of the rates at 0, 2/5, 1 less those of the step
FARTHEST = 2.5  # cells that the surface may move in a step; the band reaches four
QUIET = 1e-9  # of the exchange current and of the local currents: a mean current below it is none
LEAST = 0.3  # of stage 1's concentration: a cell that stage 2 starts from with less borrows from its neighbours
HALF = 0.5  # of the concentration: where stage 1 takes more, the line through it crosses zero, and the salt of the
# step is solved by implicit Euler, which stays positive
STABLE = 0.5  # of the explicit limit of curvature-driven motion
THICKER = 0.2  # relative growth of the film in a step
STEEPER = 10.0  # times the last current, up to which the potentials start in proportion to it
LAYER = 1e-9  # cell layers of displaced electrolyte below which the store counts as empty


class LevelSetLaw(LawOfMotion):
    """The default law in one case: coefficients, solvers, work arrays."""

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self.periodic = case.grid.lateral == "periodic"
        self.both_electrodes = case.counter.surface is not None  # electrodes are resolved
        self.W = case.numerics.interface_width
        self.lattice = kernels.lattice(self.shape, self.dx, self.periodic)
        self.co, self.counter_kinetics = coefficients(case)
        self.film = SurfaceFilm.of(case)
        self.cathode = Intercalation.of(case)
        tolerance = case.numerics.tolerance
        self.transport = Transport(self.shape, self.periodic, self.dx, self.co, tolerance)
        self.displacement = Displacement(
            self.shape, self.periodic, self.dx, tolerance, self.transport.stiff, self.transport.diagonal
        )
        self.scratch: Floats = np.zeros(self.shape)
        self.speed: Floats = np.zeros(self.shape)
        self.held, self.shrinks, self.before, self.speed_2 = (np.zeros(self.shape) for _ in range(4))
        self.spare = [self._state(), self._state()]

    @property
    def iterations(self) -> int:
        """Multigrid cycles since the cell was made."""
        return self.transport.cycles

    def _state(self) -> State:
        shape = self.shape
        film = FilmState(np.zeros(shape), np.zeros(shape), np.zeros(shape))
        front = Front(self.lattice, self.periodic, self.W, self.both_electrodes)
        return State(
            front, np.zeros(shape), np.zeros(shape), np.zeros(shape), film, np.zeros(shape[1:]),
            modes=self.cathode.start() if self.cathode is not None else np.zeros(0),
        )

    def start(self) -> State:
        """Return the state at t = 0: the case's surface, uniform salt, a fresh film."""
        s = self._state()
        f = s.front
        set_surface(f, self.case)
        s.c[...] = self.properties.c0
        s.film = self.film.start(f)
        self._coat(s)
        s.counter_film = self.properties.film_thickness_counter
        self._fill(s, 0.0)
        self.volume_0 = f.volume()
        self.volume_other_0 = f.part(f.upper) if self.both_electrodes else 0.0
        self.salt_0 = self.content(f, s.c)
        return s

    def restore(self, arrays: dict[str, Any], numbers: dict[str, float]) -> State:
        s = self._state()
        for name, array in s.arrays().items():
            np.copyto(array, arrays[name])
        for name, value in numbers.items():
            if not name.startswith("film_"):
                setattr(s, name, value)
        s.film.left, s.film.direction = numbers["film_left"], numbers["film_direction"]
        s.film.patch = int(numbers["film_patch"])
        s.front.phase()
        s.front.refresh()
        self._coat(s)
        self._fill(s, s.applied)
        return s

    def counter(self, s: State) -> CounterElectrode:
        """Return the counter electrode with its film of now, or the cathode as it is filled."""
        kinetics = self.counter_kinetics
        if self.cathode is not None:
            kinetics = kinetics._replace(j0=self.cathode.exchange_current(s.filling))
        return CounterElectrode(kinetics, s.counter_film / self.properties.film_conductivity_counter)

    def _pass(self, to: State, s: State, charge: float, dt: float) -> None:
        """Pass a charge [C/m^2] through the cathode in dt [s] from `s` on."""
        if self.cathode is not None:
            to.modes[...] = self.cathode.followed(s.modes, charge / dt, dt)
            self._fill(to, s.applied + charge)

    def _fill(self, s: State, charge: float) -> None:
        """Set the filling and the open-circuit potential of the cathode after a charge [C/m^2] since t = 0."""
        if self.cathode is not None:
            s.filling = self.cathode.surface(charge, s.modes)
            s.open_circuit = self.cathode.open_circuit(s.filling)

    def drive(self, s: State, drive: Drive) -> None:
        """Impose `drive` on the state at its own time: new potentials and speeds, nothing moves.

        The film's patches are renewed if that is due, or if the current reverses.
        """
        if drive.current is not None:
            self._renew(s, drive.direction)
        self._react(s, drive)
        if drive.current is None and self._renew(s, float(np.sign(self.mean_speed(s)))):
            self._react(s, drive)
        self._speeds(s)

    def _renew(self, s: State, direction: float) -> bool:
        new = self.film.renew(s.film, s.front, direction)
        if new:
            self._coat(s)
        return new

    def _react(self, s: State, drive: Drive) -> Reaction:
        last = s.reaction.total / self.plane if s.reaction is not None else 0.0
        stage = Stage(s, self._against_lithium(drive, s), self.counter(s))
        if drive.current is not None and 0.0 < abs(drive.current) <= STEEPER * abs(last):
            stage.steeper = drive.current / last  # exact where film and electrolyte are ohmic
        elif stage.drive.voltage is not None and abs(stage.drive.voltage) < abs(s.phi_s):
            stage.steeper = -stage.drive.voltage / s.phi_s  # down from what needs more volts
        s.reaction, _ = self.transport.solve(stage)
        return s.reaction

    def _against_lithium(self, drive: Drive, s: State) -> Drive:
        """Return the drive with an imposed voltage of a full cell less the open-circuit potential of its cathode."""
        if drive.voltage is None or self.cathode is None:
            return drive
        return replace(drive, voltage=drive.voltage - s.open_circuit)

    def _coat(self, s: State) -> None:
        """Take the film as it is to the surface elements."""
        s.resistance, s.j_side = self.film.at_surface(s.film, s.front)

    def _speeds(self, s: State) -> None:
        assert s.reaction is not None
        s.v.fill(0.0)
        s.front.extend(s.v, self.volume_per_charge * s.reaction.j_li, self.scratch)

    def step(self, s: State, drive: Drive, dt: float) -> State:
        """Return the state after dt [s] under `drive`; `s` (driven by `drive`) stays as it is.

        Raises SolverError if a stage cannot be solved; the caller takes a smaller step then.
        """
        a, b = self.spare
        self.effort, begun = 0, self.transport.iterations
        total_0 = self.content(s.front, s.c)
        out_1, factor_1 = self._stage_1(a, s, drive, dt, total_0)
        error_1 = self.transport.error
        charge, li = self._move_stage_2(b, s, a, dt)
        for euler in (False, True):
            weight, part = self._salt_before_stage_2(b, s, a, euler)
            b.c[...], b.phi[...], b.jc[...], b.phi_s = a.c, a.phi, a.jc, a.phi_s
            left = total_0 - weight * out_1
            try:
                out_2, factor_2 = self._transport(b, s, drive.after(dt), part * dt, left, flow=part / NODE)
            except SolverError:
                if weight == 0.0:
                    raise
                continue
            break
        self._speeds(b)
        b.t = s.t + dt
        b.applied = s.applied + dt * charge
        b.side = s.side + dt * (charge - li)
        b.displaced = s.displaced + weight * out_1 + out_2
        of = self._open(s, a, b)
        moved = float(np.sum(s.front.h[of]) - np.sum(b.front.h[of]))
        b.displaced_volume = s.displaced_volume + self.dx**3 * moved
        b.newton_iterations, b.residual = self.transport.iterations - begun, max(error_1, self.transport.error)
        b.step_error = self._error(s, a, b, dt)
        b.salt_correction = max(abs(factor_1 - 1.0), abs(factor_2 - 1.0))
        return b

    def _stage_1(self, a: State, s: State, drive: Drive, dt: float, total: float) -> tuple[float, float]:
        """Solve stage 1, at NODE dt, in `a`; return the salt [mol] that left in it, and the closing factor."""
        r = s.reaction
        assert r is not None
        a.deposited = s.deposited + NODE * dt * r.total_li / self.plane
        a.deposited_other = s.deposited_other + NODE * dt * r.other_li / self.plane
        self._move_surface(a, s, s.v, NODE * dt, last=False)
        self._film(a, s, s.v, self.mean_speed(s), r.total / self.plane, NODE * dt)
        self._pass(a, s, NODE * dt * r.total / self.plane, NODE * dt)
        dV = self.dx**3
        of = self._open(s, a)
        np.multiply(s.front.h[of], dV * s.c[of], out=self.before[of])
        np.copyto(self.held[of], self.before[of])
        np.multiply(dV, s.front.h[of] - a.front.h[of], out=self.shrinks[of])
        a.c[...], a.phi[...], a.jc[...], a.phi_s = s.c, s.phi, s.jc, s.phi_s
        out = self._transport(a, s, drive.after(NODE * dt), NODE * dt, total, flow=0.0)
        self._speeds(a)
        return out

    def _move_stage_2(self, b: State, s: State, a: State, dt: float) -> tuple[float, float]:
        """Move surface and film of stage 2, eq. (11); return the mean current of the step and of lithium [A/m^2]."""
        r0, r1 = s.reaction, a.reaction
        assert r0 is not None
        assert r1 is not None
        of = self._band(s, a)
        v = self.speed_2
        v.fill(0.0)
        np.add((1.0 - LATE) * s.v[of], LATE * a.v[of], out=v[of])
        li = ((1.0 - LATE) * r0.total_li + LATE * r1.total_li) / self.plane
        charge = ((1.0 - LATE) * r0.total + LATE * r1.total) / self.plane
        b.deposited = s.deposited + dt * li
        b.deposited_other = s.deposited_other + dt * ((1.0 - LATE) * r0.other_li + LATE * r1.other_li) / self.plane
        b.volume_correction = abs(self._move_surface(b, s, v, dt, last=True))
        mean = (1.0 - LATE) * self.mean_speed(s) + LATE * self.mean_speed(a)
        self._film(b, s, v, mean, charge, dt)
        self._pass(b, s, dt * charge, dt)
        return charge, li

    def _salt_before_stage_2(self, b: State, s: State, a: State, euler: bool) -> tuple[float, float]:
        """Set h c of stage 2 before its own rate, and the volume that its own flow displaces, eq. (11).

        Returns the weight of stage 1, and the share of the step that is implicit. Where stage 1 took most of the salt
        the weight is 0: implicit Euler, and so it is if `euler` asks for it, as a cell with little electrolyte may hold
        less than no salt on the line through stage 1.
        """
        dV, k = self.dx**3, s.front.k0
        fall = sums.largest_fall(self._planes, a.front.h[k:], a.c[k:], s.c[k:], SCARCE * self.properties.c0)
        weight, part = (MIXED / NODE, DIAGONAL) if fall < HALF and not euler else (0.0, 1.0)
        of = self._open(s, a, b)
        np.multiply(a.front.h[of], dV * a.c[of], out=self.held[of])
        self.held[of] -= self.before[of]
        self.held[of] *= weight
        self.held[of] += self.before[of]
        if weight > 0.0:
            sums.lend(self.held, s.front.h, s.c, a.c, weight, LEAST, dV, self.lattice, k)
        h_0, h_1, h_2 = (x.front.h[of] for x in (s, a, b))
        np.multiply(dV, h_0 - h_2 - weight * (h_0 - h_1), out=self.shrinks[of])
        return weight, part

    def _open(self, *states: State) -> slice:
        """Return the planes that hold electrolyte in any of some states; below, a stage's work arrays are set to 0."""
        k = min(x.front.k0 for x in states)
        for array in (self.held, self.before, self.shrinks):
            array[:k] = 0.0
        return slice(k, None)

    def _band(self, *states: State) -> slice:
        """Return the planes that the bands of some states reach; speeds are 0 elsewhere."""
        size = self.shape[1] * self.shape[2]
        low = min(int(x.front.cells[0]) // size if x.front.n else 0 for x in states)
        high = max(int(x.front.cells[x.front.n - 1]) // size if x.front.n else -1 for x in states)
        return slice(low, high + 1)

    def _error(self, s: State, a: State, b: State, dt: float) -> float:
        """Return what embedded solutions would change: the largest of front, current and potentials.

        Of the front the rms in cells, of the current its share of the largest in the step, by a solution of third order
        from the same rates. Of the potentials what the salt of stage 1, taken as far as the step, would change.
        """
        cells = b.front.cells[: b.front.n]
        near = cells[np.abs(b.front.d.ravel()[cells]) < self.dx]
        moved = sum(w * x.v.ravel()[near] for w, x in zip(EMBEDDED, (s, a, b), strict=True)) * dt / self.dx
        currents = [self.current(x) for x in (s, a, b)]
        size = max(*map(abs, currents), QUIET * self.properties.j0)
        passed = sum(w * j for w, j in zip(EMBEDDED, currents, strict=True)) / size
        of, salt = self._open(s, a, b), self.scratch
        np.subtract(b.c[of], s.c[of], out=salt[of])
        salt[of] -= (a.c[of] - s.c[of]) / NODE
        salt[of] *= (s.front.h[of] > 0.0) & (a.front.h[of] > 0.0)
        return max(float(np.sqrt(np.mean(moved**2))), abs(passed), self.transport.salt_error(b, salt))

    def _transport(
        self, to: State, s: State, drive: Drive, dt: float, total: float, flow: float
    ) -> tuple[float, float]:
        """Solve charge and salt of a stage in `to`; return the salt [mol] that has left in dt, and the closing factor.

        total [mol]: salt in the cell that the stage starts from; flow: share of the last stage's, that is the first
        guess of the displaced electrolyte's. What is held by the cells, and what they displace, stand in the work
        arrays.
        """
        self.displacement.solve(to.front, self.shrinks, self.transport.charge, flow)
        volume, some = float(np.sum(self.displacement.top)), LAYER * self.plane * self.dx
        back = math.nan  # what left comes back as it is on the mean
        if volume * s.displaced_volume < 0.0 and abs(s.displaced_volume) > some:
            back = s.displaced / s.displaced_volume
        stage = Stage(
            to, self._against_lithium(drive, to), self.counter(to), self.held, dt, self.displacement.volume,
            self.displacement.top, back,
        )  # fmt: skip
        before = self.transport.iterations
        to.reaction, out = self._solve(stage)
        self.effort = max(self.effort, self.transport.iterations - before)
        factor = (total - out) / self.content(to.front, to.c)
        to.c[to.front.k0 :] *= factor
        return out, factor

    def _solve(self, stage: Stage) -> tuple[Reaction, float]:
        """Solve a stage; where salt does not carry an imposed current, with the ceiling of the voltage in its place."""
        drive, to, k = stage.drive, stage.state, stage.state.front.k0
        kept = to.c[k:].copy(), to.phi[k:].copy(), to.jc.copy(), to.phi_s

        def restore() -> None:
            to.c[k:], to.phi[k:], to.jc[...], to.phi_s = kept

        try:
            return self._from(restore, stage)
        except SolverError:
            if not drive.current or not math.isfinite(drive.ceiling) or self.cathode is not None:
                raise
            restore()
            instead = replace(stage, drive=Drive(None, math.copysign(drive.ceiling, drive.current)))
            found = self._from(restore, instead)
            if found[0].total * drive.current < 0.0 or abs(found[0].total) > abs(drive.current) * self.plane:
                raise
            return found

    def _from(self, restore: Callable[[], None], stage: Stage) -> tuple[Reaction, float]:
        """Solve a stage from its first guess; if that fails, from the salt that the restored guess's currents leave."""
        try:
            return self.transport.solve(stage, FAR)
        except SolverError:
            restore()
            self.transport.guess(stage)
            return self.transport.solve(stage)

    def content(self, front: Front, c: Floats) -> float:
        """Return the salt in the cell, sum(h c) dV [mol]."""
        return float(sums.weighted_sum(self._planes, front.h[front.k0 :], c[front.k0 :])) * self.dx**3

    def field(self, s: State, name: str) -> Floats:
        near = s.film.known > 0.0
        if name == "reaction_current":
            return np.where(near, s.v / self.volume_per_charge, 0.0)
        if name == "film_thickness":
            return np.where(near, s.film.delta, 0.0)
        sigma = self.film.sigma * np.exp(self.film.spread * s.film.N) / self.film.mean_factor(s.film, s.front)
        if name == "film_conductivity":
            return np.where(near, sigma, 0.0)
        if name == "film_resistance":
            return np.where(near, s.film.delta / sigma, 0.0)
        return s.field(name)

    def series(self, s: State) -> dict[str, float]:
        """Return the series of a cathode, and of a resolved counter electrode."""
        more: dict[str, float] = {}
        if self.cathode is not None:
            more |= {
                "cathode_filling": self.cathode.filling(s.applied), "cathode_surface": s.filling,
                "open_circuit": s.open_circuit,
            }  # fmt: skip
        if self.both_electrodes:
            facing = s.front.height_other()
            _, Sq, Sz = sa_sq_sz(facing)
            more |= {
                "counter_lithium": s.front.part(s.front.upper), "counter_deposited": s.deposited_other,
                "counter_Sq": Sq, "counter_Sz": Sz, "counter_height": float(facing.mean()),
            }  # fmt: skip
        return more

    def longest_step(self, s: State) -> float:
        """Return the longest step [s] that follows cathode, curvature and film."""
        rx, dx = s.reaction, self.dx
        assert rx is not None
        limits = [math.inf]
        if self.cathode is not None:
            limits.append(self.cathode.longest(s.filling, self.current(s)))
        # Gibbs-Thomson: v = -M K, explicit; behind kappa k the reaction answers less.
        J = float(np.max(rx.J, initial=0.0))
        J = J / (1.0 + J * dx / (math.pi * self.properties.kappa))
        M = J * self.co.gibbs_thomson * self.volume_per_charge
        if M > 0.0:
            limits.append(STABLE * dx**2 / (2.0 * (self.case.grid.ndim - 1) * M))
        delta = float(np.min(s.film.delta[s.film.known > 0.0], initial=math.inf))
        limits.append(self.film.growth.longest(delta, THICKER))
        return min(limits)

    def accept(self, old: State) -> None:
        self.spare[1] = old

    def mean_speed(self, s: State) -> float:
        """Return the mean v over the working electrode's surface [m/s]."""
        assert s.reaction is not None
        area = s.front.live_area()
        quiet = QUIET * (self.co.kinetics.j0 * s.front.total(area) + s.front.total(area * np.abs(s.reaction.j_li)))
        if abs(s.reaction.total) <= quiet:
            return 0.0  # at rest, where the film's growth alone strips a little, the patches stay
        return float(self.volume_per_charge * s.front.total(area * s.reaction.j_li) / s.front.total(area))

    def until_renewal(self, s: State) -> float:
        mean = abs(self.mean_speed(s))
        return s.film.left / mean if mean > 0.0 else math.inf

    def due(self, s: State) -> bool:
        """Return whether as much lithium has passed as renews the film's patches."""
        return self.film.due(s.film)

    def _move_surface(self, to: State, s: State, v: Floats, dt: float, last: bool) -> float:
        """Move the surface by v dt, eqs. (2) and (3); return the share of that motion by which (3) moved it again.

        `to.deposited`, and `to.deposited_other`, say how much lithium there is then. Only the last stage is closed:
        what the first, an Euler step, is off by is of second order in the step, and nothing keeps it.
        """
        f, g = to.front, s.front
        shift = 0.0
        np.copyto(f.d, g.d)
        f.dead, f.frozen = g.dead, g.frozen
        cells = g.cells[: g.n]  # reaches one cell beyond all that can change in a step
        path = np.abs(v.ravel()[cells]) * dt
        farthest = float(np.max(path, initial=0.0)) / self.dx
        if not farthest <= FARTHEST:
            raise SolverError(f"the surface would move by {farthest:.2g} cells")
        if farthest > STILL:
            kernels.advance(f.d, g.d, v, g.cells, g.n, dt, f.radius)
        if farthest > STILL and last:
            f.redistance(self.scratch, g.cells, g.n, share=min(farthest / MENDED, 1.0))
            # Where nothing moves nothing is matched; the floor only keeps the factor finite.
            speed = path + 1e-3 * path.mean()
            speed[f.frozen.ravel()[cells] != 0] = 0.0
            self.speed.ravel()[cells] = speed
            target = self.volume_0 + self.volume_per_charge * to.deposited * self.plane
            if self.both_electrodes:
                theirs = g.upper.ravel()[cells]
                mine, other = np.ascontiguousarray(cells[~theirs]), np.ascontiguousarray(cells[theirs])
                shift = f.match_volume(target, self.speed, mine, mine.size, ~g.upper)
                target = self.volume_other_0 + self.volume_per_charge * to.deposited_other * self.plane
                also = f.match_volume(target, self.speed, other, other.size, g.upper)
                shift = max(shift, also, key=abs)
            else:
                shift = f.match_volume(target, self.speed, g.cells, g.n)
        else:
            f.phase()
        f.refresh()
        return shift

    def _film(self, to: State, s: State, v: Floats, speed: float, current: float, dt: float) -> None:
        """Carry the film along and let it grow.

        v: speed of the surface (nz, ny, nx), speed: its mean [m/s]; current: density of the cell [A/m^2].
        """
        charge = 1.0 / (self.volume_per_charge * (1.0 - self.co.repair))  # C per m^3 of lithium plated
        to.film.copy_from(s.film, self._band(s, to))
        self.film.follow(to.film, to.front)
        self.film.grow(to.film, to.front, speed, dt, v, charge)
        self._coat(to)
        to.counter_film = s.counter_film
        if self.cathode is None:
            plated = max(-current, 0.0) * dt  # on the counter electrode
            to.counter_film = float(self.film.growth.thickness(np.array([s.counter_film]), dt, plated)[0])
