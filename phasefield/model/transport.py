"""Charge and salt of one stage, solved together by Newton's method.

    div(h kappa grad psi) = a j,   psi = phi - beta ln(c/c_0)                                       (9)
    d(h c)/dt + div(q c) = div(h D grad c) - (1 - t_0) a j/F - div((t+ - t_0) h i)/F                (10)

t_0 is t+ at c_0: where t+ is one number the last term is none, and its arrays are not there.
Unknowns: c and psi - anion ln c in the cells. The metal's potential, which closes the current, is eliminated: it is
found to round-off at each evaluation. c goes linearly upward and as c exp(dc/c) downward, so that it stays positive.
psi is what drives the current; unlike phi it stays bounded where salt vanishes. Where no anions move and kappa is in
proportion to c, psi - anion ln c has no gradient: a change of it is small, and what c does to the current is linear.

Both residuals are in ampere: (10) is divided by (1 - t+)/F times the stage's implicit time. Linear systems: flexible
GMRES (Saad 1993), preconditioned by one multigrid cycle for the salt, then one for the charge.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from phasefield.constants import FARADAY
from phasefield.errors import NO_LITHIUM, SolverError
from phasefield.kernels import elements, gmres, kinetics, transport
from phasefield.kernels.front import Lattice
from phasefield.kernels.krylov import MultigridSolver
from phasefield.model.coefficients import Coefficients, CounterElectrode, Drive, OverConcentration
from phasefield.model.reaction import Reaction, SurfaceElements, root
from phasefield.model.state import State

Floats = NDArray[np.float64]
Vector = NDArray[np.float32]

NEWTON_STEPS = 30
VECTORS = 40  # of GMRES, in one Newton step
REDUCTION = 0.1  # of the residual by the first linear solution; later ones after Eisenstat & Walker (1996), choice 2
EASED = 0.9  # their gamma
SAFETY = 3.0  # the currents' error falls less than the residual, at times
FREE = 10.0  # times as much less where a voltage is imposed: the salt of the whole cell then sets the current, and what
# is spread over a whole cell has a small residual
QUADRATIC = 1e-3  # of a change is left over at least, as far as one Newton step is trusted
ENOUGH = 0.3  # of the reduction that the tolerance needs
LEAST_REDUCTION = 1e-5  # that vectors in float32 can give
LAGGING = 8  # vectors in a Newton step up to which the next one keeps the preconditioner
UNEQUAL = 0.1  # of the currents: so far may those of both electrodes be apart at a start
HALVINGS = 6  # of a Newton step
RUNAWAY = 100.0  # times the ceiling of an imposed current's voltage, and volts: no solution lies below the ceiling then
RISE, WANDERS = 3.0, 6  # times its residual may be at most: the way down is not monotonous where salt vanishes; steps
# up to which this will do at once: later ones would go to and fro across a bend
PINNED = 1e6  # holds the metal of the preconditioner in place, over the reaction, where its potential is imposed
FAR = 1.0  # of the currents: a linear solution that changes them by more than they are does not lead to the solution
SALTED, LEFT = 1e-3, 1e-3  # of what the cells hold: the salt of a first guess is solved to it; of each cell, is left
BARE = 0.01  # share of the electrolyte's conductance that the reaction's has
DAMPED = 0.1  # of a step's estimated error is what the solution of its salt leaves
SCARCE = 0.05  # of c0: the fall of a smaller concentration does not count
LEAST_FLUX = 0.1 / FARADAY  # the salt's residual is divided by this flux at least: with t+ = 1 there is none


@dataclass
class Stage:
    """What a stage is given: the state to solve (its surface has moved), what is imposed, and the salt before.

    held (nz, ny, nx) [mol]: salt in each cell that the stage starts from; None: the concentration stays as it is.
    dt [s]: implicit time; volume (3, nz, ny, nx), top (ny, nx) [m^3]: electrolyte displaced in dt through the faces,
    out of their first cell, and through the counter plane; back [mol/m^3]: concentration of what comes back through
    it, nan where nothing does; steeper: times the state's psi and jc is the first guess.
    """

    state: State
    drive: Drive
    counter: CounterElectrode
    held: Floats | None = None
    dt: float = 0.0
    volume: NDArray[np.float32] | None = None
    top: Floats = field(default_factory=lambda: np.zeros(0))
    back: float = math.nan
    steeper: float = 1.0


class Migration:
    """The salt that the current carries where t+ depends on c, - div((t+ - t_0) h i)/F of (10), and its derivatives."""

    def __init__(self, shape: tuple[int, int, int], over_c: OverConcentration) -> None:
        self.over_c = over_c
        self.carried = np.zeros((3, *shape))  # A, into the first cell of a face
        self.g, self.ga, self.gb, self.flow = (np.zeros((3, *shape), np.float32) for _ in range(4))
        self.brought, self.response = np.zeros(shape), np.zeros(shape, np.float32)

    def add(self, residual: Floats, solver: Transport, c: Floats, L: Lattice, k0: int) -> None:
        """Add what the currents of the solver's faces carry to the salt's residual [A], and keep its derivatives."""
        transport.migration(
            self.carried, self.g, self.ga, self.gb, self.flow, solver.currents, solver.g, solver.ga, solver.gb, c,
            self.over_c.at, self.over_c.t_excess, solver.per_charge, L, k0,
        )  # fmt: skip
        self.flow[:, k0:] += solver.flow[:, k0:]
        if k0 > 0:
            for faces in (self.carried, self.g, self.ga, self.gb, self.flow):
                faces[:, k0 - 1] = 0.0
        x, y, z = self.carried
        transport.divergence(self.brought, x, y, z, L, k0)
        residual[k0:] += self.brought[k0:]

    def add_response(self, out: Vector, change: Vector, L: Lattice, k0: int) -> None:
        """Add to the derivatives' product what a change of (c, psi) makes of the currents that carry salt."""
        transport.charge_of_salt(self.response, change[0], self.ga, self.gb, L, k0)
        transport.charge_operator(self.response, change[1], self.g, L, k0)
        out[k0:] += self.response[k0:]


class Transport:
    """Solver of eqs. (9) and (10) on one grid; holds only work arrays."""

    def __init__(
        self, shape: tuple[int, int, int], periodic: bool, dx: float, co: Coefficients, tolerance: float
    ) -> None:
        """tolerance: error allowed in the surface currents, relative to their size (rms)."""
        self.shape, self.periodic, self.dx, self.co, self.tolerance = shape, periodic, dx, co, tolerance
        self.plane = shape[1] * shape[2] * dx**2
        self.salt = MultigridSolver(shape, periodic)
        self.charge = MultigridSolver(shape, periodic, self.salt)
        self.currents = np.zeros((3, *shape))
        self.g, self.ga, self.gb, self.diffusion, self.flow = (np.zeros((3, *shape), np.float32) for _ in range(5))
        self.psi, self.storage, self.diagonal, self.salt_diagonal = (np.zeros(shape) for _ in range(4))
        self.residual, self.step = np.zeros((2, *shape)), np.zeros((2, *shape))
        self.c_kept, self.psi_kept = np.zeros(shape), np.zeros(shape)
        self.storage_single = np.zeros(shape, np.float32)
        self.theta, self.stiff = np.zeros(shape), np.zeros((3, *shape), np.float32)
        self.nothing = np.zeros(shape, np.float32)
        self.migration = None if co.over_c is None else Migration(shape, co.over_c)
        self.linear = gmres.FlexibleGMRES(shape, VECTORS)
        self.jc_slope, self.jc_by_c = np.zeros(shape[1:]), np.zeros(shape[1:])
        kappa, D = np.interp(co.c_0, co.at, co.kappa), np.interp(co.c_0, co.D_at, co.D)
        # of bare lithium, as diffusion, over D
        self.stiffness = float(co.salt_per_charge * co.beta * kappa / (co.c_0 * D))
        self.iterations = 0  # Newton steps, multigrid cycles of either field
        self.cycles = 0
        self.error = 0.0  # of the surface currents, relative, estimated, of the last stage

    def solve(self, stage: Stage, far: float = math.inf) -> tuple[Reaction, float]:
        """Solve a stage in its state, whose c, phi and phi_s are the first guess.

        far: share of the currents that the first linear solution may change. Returns the reaction and the salt that
        leaves through the counter plane in dt [mol]. Raises SolverError.
        """
        s, co, k0 = stage.state, self.co, stage.state.front.k0
        self._begin(stage)
        self._react(stage)
        self._residuals(stage)
        if not s.front.both_electrodes:
            self._level(stage)
        self.used = VECTORS  # of GMRES in the last Newton step
        size, self.error = self._size(k0), math.inf
        safety = SAFETY * (FREE if stage.drive.current is None else 1.0)
        relative = QUADRATIC if self.frozen else REDUCTION  # at fixed salt the equations are nearly linear
        for step in range(NEWTON_STEPS):
            if size == 0.0:
                self.error = 0.0
                break
            if self.used > LAGGING:
                self._build_preconditioner(stage)
            change, phi_s = self._newton_step(stage, size, relative), s.phi_s
            if change > far:
                raise SolverError("the first guess is far from the solution")
            far = math.inf
            before, size = size, self._advance(stage, size, RISE if step < WANDERS else 1.0)
            self.iterations += 1
            if not self.frozen and stage.drive.current and abs(s.phi_s) > RUNAWAY * max(stage.drive.ceiling, 1.0):
                raise SolverError("the salt does not carry the imposed current")
            # Currents that are imposed, of a flat surface, tell nothing: the voltage must have settled too.
            change = max(change, abs(s.phi_s - phi_s) / (abs(s.phi_s) + 1.0 / co.kinetics.f))
            self.error = safety * change * max(size / before, QUADRATIC)
            if self.error <= self.tolerance:
                break
            needed = ENOUGH * self.tolerance / self.error
            relative = min(REDUCTION, max(EASED * (size / before) ** 2, needed, LEAST_REDUCTION))
        else:
            raise SolverError(f"salt and potential did not converge: the currents are off by {self.error:.1e}")
        self._add_potential(s.phi, self.psi, s.c, 1.0, k0)
        leaving = float(np.sum(self._leaving(stage))) if stage.held is not None else 0.0
        return self.surface.rx, leaving

    def guess(self, stage: Stage) -> None:
        """Set the salt that the currents of the state leave after the stage's time, then charge with that salt.

        A first guess where salt was depleted and comes back: its conductance grows a thousandfold within the stage,
        which no derivative tells. What takes salt takes it in proportion (Patankar), so that some is left.
        """
        assert stage.held is not None
        s, k0 = stage.state, stage.state.front.k0
        self._begin(stage)
        surface = self.surface
        self._react(stage)
        current, takes = surface.area * surface.rx.j, surface.takes
        diagonal, brought, c = self.salt_diagonal, np.zeros(self.shape), s.c.copy()
        diagonal[k0:] = self.storage[k0:]
        brought[k0:] = self.scale * stage.held[k0:]
        elements.scatter(diagonal, current / surface.c_e * takes, surface.w, s.front.touched, self.ratio)
        elements.scatter(brought, current * ~takes, surface.w, s.front.touched, -self.ratio)
        if not s.front.both_electrodes:
            self._counter_currents(stage)
            brought[-1] += self.ratio * self.dx**2 * s.jc
        self.salt.prepare_cells(self.diffusion, diagonal, k0)
        self.cycles += self.salt.solve(c, 0.0, brought, 0.0, tolerance=SALTED).iterations
        np.maximum(c[k0:], LEFT * s.c[k0:], out=s.c[k0:])
        self.solve(replace(stage, held=None, steeper=1.0))

    def salt_error(self, s: State, excess: Floats) -> float:
        """Return the relative error of the potentials that an error of the concentration makes, of the stage in `s`.

        excess (nz, ny, nx) [mol/m^3]: by what an embedded solution differs; its stiff part is damped by the stage's
        salt operator (Hairer & Wanner 1996, IV.8). The error is beta dc/c, rms over each electrode, over voltage and
        RT/F. Concentrations below SCARCE count as that.
        """
        co, k0, surface = self.co, s.front.k0, self.surface
        if surface.n == 0:
            return 0.0
        dc, brought = self.step[0], self.residual[0]  # of Newton's method, which begins anew in the next stage
        dc[k0:] = 0.0
        np.multiply(self.storage[k0:], excess[k0:], out=brought[k0:])
        self.salt.prepare_cells(self.diffusion, self.storage, k0)
        self.cycles += self.salt.solve(dc, 0.0, brought, 0.0, tolerance=DAMPED).iterations
        dc_e, least = np.zeros(surface.n), SCARCE * co.c_0
        elements.gather(dc_e, dc.reshape(-1), surface.start, surface.idx, surface.w)
        dc_e /= np.maximum(surface.c_e, least)
        off = math.sqrt(s.front.total(surface.area * dc_e**2) / s.front.total(surface.area))
        if not s.front.both_electrodes:
            off += math.sqrt(float(np.mean((dc[-1] / np.maximum(s.c[-1], least)) ** 2)))
        beta = float(np.max(co.beta_at(np.append(surface.c_e, s.c[-1]))))
        return beta * off / (abs(s.phi_s) + 1.0 / co.kinetics.f)

    def _react(self, stage: Stage) -> None:
        """Evaluate the reaction at the first guess, and which elements take salt."""
        s, surface = stage.state, self.surface
        s.phi_s = surface.react(s.c, self.psi, s.phi_s)
        takes = surface.rx.j > 0.0
        if not np.array_equal(takes, surface.takes):
            surface.takes = takes
            s.phi_s = surface.react(s.c, self.psi, s.phi_s)

    def _begin(self, stage: Stage) -> None:
        """Set what does not change in the stage."""
        s, co, front = stage.state, self.co, stage.state.front
        k0 = front.k0
        self._add_potential(self.psi, s.phi, s.c, -1.0, k0)
        self.psi[k0:] *= stage.steeper
        s.jc *= stage.steeper
        if k0 > 0:
            for faces in (self.currents, self.g, self.ga, self.gb, self.diffusion, self.stiff, self.flow):
                faces[:, k0 - 1] = 0.0
        self.surface = SurfaceElements(front, co, (s.resistance, s.j_side), stage.drive, self.plane)
        self.frozen = stage.held is None
        if self.frozen:
            return
        flux = max(co.salt_per_charge, LEAST_FLUX)
        self.scale, self.ratio = 1.0 / (flux * stage.dt), co.salt_per_charge / flux
        self.per_charge = 1.0 / (FARADAY * flux)  # of salt, in the residual's unit
        np.multiply(front.h[k0:], self.scale * self.dx**3, out=self.storage[k0:])
        np.copyto(self.storage_single[k0:], self.storage[k0:])
        assert stage.volume is not None
        np.multiply(stage.volume[:, k0:], np.float32(self.scale), out=self.flow[:, k0:])
        self._diffusion(stage)

    def _add_potential(self, out: Floats, to: Floats, c: Floats, sign: float, k0: int) -> None:
        """Set out to `to` plus `sign` times the diffusion potential."""
        if self.co.over_c is None:
            transport.potential(out, to, c, sign * self.co.beta, self.co.c_0, k0)
        else:
            np.add(to[k0:], sign * self.co.potential_at(c[k0:]), out=out[k0:])

    def _diffusion(self, stage: Stage) -> None:
        co, front = self.co, stage.state.front
        gx, gy, gz = self.diffusion
        transport.faces(
            gx, gy, gz, front.h, stage.state.c, co.D_at, co.D, self.scale * stage.dt * self.dx, front.lattice,
            self.periodic, front.k0,
        )  # fmt: skip

    def _evaluate(self, stage: Stage) -> None:
        """Evaluate the reaction and both residuals [A], and what the derivatives need."""
        s = stage.state
        s.phi_s = self.surface.react(s.c, self.psi, s.phi_s)
        self._residuals(stage)

    def _residuals(self, stage: Stage) -> None:
        """Evaluate both residuals [A] with the reaction as it is."""
        s, co, front, dx = stage.state, self.co, stage.state.front, self.dx
        k0, L = front.k0, front.lattice
        surface = self.surface
        Ix, Iy, Iz = self.currents
        transport.conduction(
            Ix, Iy, Iz, self.g, self.ga, self.gb, front.h, s.c, self.psi, co.at, co.kappa, co.anion,
            co.c_floor, L, self.periodic, k0,
        )  # fmt: skip
        r_c, r_p = self.residual
        transport.divergence(r_p, Ix, Iy, Iz, L, k0)
        current = surface.area * surface.rx.j
        elements.scatter(r_p, current, surface.give, front.touched, -1.0)
        if not front.both_electrodes:  # else the top of the box is closed
            self._counter_currents(stage)
            r_p[-1] += dx**2 * s.jc
        if self.frozen:
            r_c[k0:] = 0.0
        else:
            assert stage.held is not None
            if np.ptp(co.D) > 0.0:
                self._diffusion(stage)
            transport.salt_operator(r_c, s.c, self.storage, self.diffusion, self.flow, L, k0)
            np.subtract(self.scale * stage.held[k0:], r_c[k0:], out=r_c[k0:])
            if self.migration is not None:
                self.migration.add(r_c, self, s.c, L, k0)
            elements.scatter(r_c, current, surface.give, front.touched, -self.ratio)
            if not front.both_electrodes:
                r_c[-1] += self.ratio * dx**2 * s.jc - self.scale * self._leaving(stage)

    def _counter_currents(self, stage: Stage) -> None:
        """Set the current from the counter electrode's plane to each of the top cells, and its derivatives."""
        s, co = stage.state, self.co
        top = np.ascontiguousarray(s.c[-1])
        phi = self.psi[-1] + co.potential_at(top)
        kinetics.counter_currents(
            s.jc, self.jc_slope, self.jc_by_c, phi, top, np.interp(top, co.at, co.kappa), np.interp(top, co.D_at, co.D),
            s.front.h[-1], co.beta_at(top), co.salt_per_charge_at(top), stage.counter.resistance, self.dx,
            stage.counter.kinetics,
        )  # fmt: skip

    def _level(self, stage: Stage) -> None:
        """Move psi by one number, for a start, where both electrodes pass very different currents.

        Far from the solution the exponentials of the kinetics lead Newton's method astray; this equation in one unknown
        is monotonous.
        """
        s, surface, at = stage.state, self.surface, 0.0

        def excess(to: float) -> tuple[float, float, float]:
            nonlocal at
            if to != at:
                self.psi += to - at
                at = to
                s.phi_s = surface.react(s.c, self.psi, s.phi_s)
                self._counter_currents(stage)
            slope = float(np.sum(self.jc_slope)) * self.dx**2
            if stage.drive.current is None:
                slope += s.front.total(surface.area * surface.rx.J)
            comes, size = float(np.sum(s.jc)) * self.dx**2, float(np.sum(np.abs(s.jc))) * self.dx**2
            return surface.rx.total - comes, slope, abs(surface.rx.total) + size + slope / self.co.kinetics.f

        root(excess, 0.0, UNEQUAL)
        if at != 0.0:
            self._residuals(stage)

    def _size(self, k0: int) -> float:
        """Return the norm of the residuals [A]."""
        size = self.linear.norm(self.residual, k0)
        if not math.isfinite(size):
            raise SolverError("the residual of salt and potential is not finite")
        return size

    def _leaving(self, stage: Stage) -> Floats:
        """Return the salt [mol] that leaves with the displaced electrolyte through each cell of the counter plane."""
        s, co = stage.state, self.co
        if s.front.both_electrodes:
            return np.zeros(self.shape[1:])
        if not math.isnan(stage.back):
            return stage.top * stage.back
        D = np.interp(s.c[-1], co.D_at, co.D)
        return np.asarray(stage.top * (s.c[-1] + 0.5 * self.dx * co.salt_per_charge_at(s.c[-1]) * s.jc / D))

    def _build_preconditioner(self, stage: Stage) -> None:
        """Set the preconditioner for the state as it is."""
        s, co, dx, surface = stage.state, self.co, self.dx, self.surface
        front, rx, area, k0 = s.front, surface.rx, surface.area, s.front.k0
        bound = len(surface.closed) == 1  # all elements together
        start, idx, share = surface.start, surface.idx, surface.share
        if not front.both_electrodes:
            self.diagonal[-1] = dx**2 * self.jc_slope  # the others stay 0
        slope = area * rx.J
        gx, gy, gz = self.g
        pin = 0.0 if bound else PINNED * front.total(slope)
        elements.felt(surface.felt, slope, surface.give, share, self.g, start, idx, surface.n, front.lattice)
        self.charge.prepare(gx, gy, gz, self.diagonal, start, idx, surface.felt, surface.ones, pin, True, k0)
        if self.frozen:
            return
        # j answers to its own depletion by j0(c) and by the diffusion potential. Behind a film it does so by itself;
        # on bare lithium the electrolyte around, which must carry it, holds it as more diffusion would.
        bare, theta = np.empty(surface.n), self.theta
        theta[k0:] = 0.0
        elements.scatter(theta, slope, share, front.touched, 1.0)
        elements.bareness(theta, self.g, front.lattice, k0)
        elements.gather(bare, theta.reshape(-1), start, idx, share)
        dj_dc = np.maximum(rx.Jc - rx.J * (co.anion + co.beta_at(surface.c_e) * bare) / surface.c_e, 0.0) * (1.0 - bare)
        dj_dc *= self.ratio * area
        faces = self.diffusion
        if float(np.max(bare, initial=0.0)) > BARE:
            faces = self.stiff
            transport.stiffen(faces, self.diffusion, theta, self.stiffness, front.lattice, k0)
        np.copyto(self.salt_diagonal[k0:], self.storage[k0:])
        elements.diagonal_response(
            self.salt_diagonal, self.ratio, area * rx.j * surface.takes, surface.c_e, share, surface.w, front.touched
        )
        if not front.both_electrodes:
            top = np.ascontiguousarray(s.c[-1])
            diagonal = np.maximum(self.jc_by_c + co.beta_at(top) * self.jc_slope / top, 0.0)
            diagonal /= 1.0 + 2.0 * dx * self.jc_slope / np.interp(top, co.at, co.kappa)
            self.salt_diagonal[-1] += self.ratio * dx**2 * diagonal
        pin = 0.0 if bound else PINNED * front.total(dj_dc)
        gx, gy, gz = faces
        elements.felt(surface.felt, dj_dc, surface.give, surface.w, faces, start, idx, surface.n, front.lattice)
        self.salt.prepare(gx, gy, gz, self.salt_diagonal, start, idx, surface.felt, surface.ones, pin, True, k0)

    def _counter(self, out: Vector, given: Floats) -> None:
        """Add to the derivatives' product what the counter electrode gives less, `given` [A/m^2]."""
        given *= self.dx**2
        out[1, -1] += given
        if not self.frozen:
            out[0, -1] += self.ratio * given

    def _preconditioned_product(self, z: Vector, w: Vector, v: Vector, stage: Stage) -> Floats:
        """Precondition v into z, and multiply z with the derivatives into w; return the changes of A j [A]."""
        s = stage.state
        k0, L = s.front.k0, s.front.lattice
        dI = np.zeros(self.surface.n)
        if self.frozen:
            z[0, k0:] = 0.0
            w[:, k0:] = 0.0
        else:
            level = self.salt.finest
            gmres.into_level(level.b, v[0], self.nothing, k0)
            self.salt.cycle()
            gmres.from_level(z[0], level.u, k0)
            flow = self.flow if self.migration is None else self.migration.flow
            transport.salt_operator(w[0], z[0], self.storage_single, self.diffusion, flow, L, k0)
            transport.charge_of_salt(w[1], z[0], self.ga, self.gb, L, k0)
            dI = self.surface.of_salt(w[0], w[1], self.ratio, z[0], s.c)
            if not s.front.both_electrodes:
                dc, top = z[0, -1].astype(float), s.c[-1]
                felt = self.co.beta_at(top) / top + self.co.by_anions(top)  # of phi, V m^3/mol
                self._counter(w, (self.jc_slope * felt + self.jc_by_c) * dc)
                if math.isnan(stage.back):
                    w[0, -1] += self.scale * stage.top * dc
        level = self.charge.finest
        gmres.into_level(level.b, v[1], w[1], k0)
        self.charge.cycle()
        gmres.from_level(z[1], level.u, k0)
        transport.charge_operator(w[1], z[1], self.g, L, k0)
        if self.migration is not None and not self.frozen:
            self.migration.add_response(w[0], z, L, k0)
        dI = dI + self.surface.of_charge(w[0], w[1], 0.0 if self.frozen else self.ratio, z[1])
        if not s.front.both_electrodes:
            self._counter(w, self.jc_slope * z[1, -1])
        self.cycles += 1
        return dI

    def _newton_step(self, stage: Stage, size: float, relative: float) -> float:
        """Solve for Newton's step into `step` until `relative` of the residual is left.

        Returns the change of the surface currents that it makes, over their size.
        """
        try:
            dI, self.used = self.linear.solve(
                self.step, self.residual, size, relative, lambda z, w, v: self._preconditioned_product(z, w, v, stage),
                stage.state.front.k0,
            )  # fmt: skip
        except gmres.Breakdown as error:
            raise SolverError(f"salt and potential: {error}") from error
        scale = self.surface.scale
        if not scale > 0.0:
            raise SolverError("no active lithium surface is left to carry the current", NO_LITHIUM)
        return float(np.sqrt(np.sum(dI**2))) / scale

    def _advance(self, stage: Stage, size: float, rise: float) -> float:
        """Take Newton's step, halved until the residual is below `rise` times its size; return its norm.

        If no half does that, the first one below RISE times its size is taken: at round-off nothing falls.
        """
        s, k0 = stage.state, stage.state.front.k0
        np.copyto(self.c_kept[k0:], s.c[k0:])
        np.copyto(self.psi_kept[k0:], self.psi[k0:])
        kept = s.phi_s

        def restore() -> None:
            np.copyto(s.c[k0:], self.c_kept[k0:])
            np.copyto(self.psi[k0:], self.psi_kept[k0:])
            s.phi_s = kept

        def part(factor: float) -> float:
            restore()
            gmres.update(s.c, self.psi, self.step, factor, self.co.anion, self.co.c_floor, k0)
            try:
                self._evaluate(stage)
                return self._size(k0)
            except SolverError:
                return math.inf

        found: dict[float, float] = {}
        for halved in range(HALVINGS):
            factor = 0.5**halved
            found[factor] = part(factor)
            if found[factor] < rise * size:
                return found[factor]
        for factor, new in found.items():
            if new < RISE * size:
                return part(factor)
        restore()
        raise SolverError("no Newton step makes the residual of salt and potential smaller")
