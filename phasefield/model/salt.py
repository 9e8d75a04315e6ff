"""Salt: diffusion, transference at the reacting surface, and the electrolyte that plated lithium displaces.

    d(h c)/dt + div(q c) = div(h D grad c) - (1 - t+) a j / F,     q = -(V_m/F) i          (10)

The counter electrode gives back (1 - t+) I/F. div q = -(V_m/F) a j, so the displaced volume leaves through the
counter plane, carrying the salt that is there; while stripping it comes back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import SolverError
from ..kernels import transport
from ..kernels.krylov import Multigrid
from .front import Front
from .potential import Coefficients, Potential, Reaction

Floats = NDArray[np.float64]

ITERATIONS = 200


@dataclass
class Salt:
    """Solver of one implicit stage of eq. (10); holds only work arrays."""

    shape: tuple[int, int, int]
    periodic: bool
    dx: float
    tolerance: float

    def __post_init__(self) -> None:
        self.solver = Multigrid(self.shape, self.periodic)
        self.gx, self.gy, self.gz = (np.zeros(self.shape, np.float32) for _ in range(3))
        self.b, self.storage = np.zeros(self.shape), np.zeros(self.shape)
        self.planes = np.zeros(self.shape[0])
        self.iterations = 0

    def content(self, front: Front, c: Floats) -> float:
        """Return the salt in the cell, sum(h c) dV [mol]."""
        return float(transport.weighted_sum(self.planes, front.h, c, self.dx**3))

    def solve(
        self,
        front: Front,
        co: Coefficients,
        before: Floats,
        total: float,
        dt: float,
        c: Floats,
        phi: Floats,
        potential: Potential,
        rx: Reaction,
        jc: Floats,
        follow: bool,
    ) -> float:
        """Solve h c dV = before + dt (rate at c) for c (in place, warm start); return salt leaving [mol/s].

        before: content of each cell [mol] before, total its sum; dt: the stage's implicit time [s]. With `follow`
        the reaction answers to the new concentration at first order, which a scarce salt needs to stay positive;
        without it the sink is exactly (1 - t+) j / F.
        """
        dx, L, n = self.dx, front.lattice, front.count
        area = front.area[:n]
        transport.faces(self.gx, self.gy, self.gz, front.h, c, co.D_at, co.D, dt * dx, L, self.periodic)
        self.b[...] = 0.0
        transport.carried_salt(
            self.b, phi, c, potential.gx, potential.gy, potential.gz, co.beta, co.carried, L, front.k0
        )
        # The counter electrode gives what the reaction takes; the potential's residual does not make salt.
        given = jc + (rx.total - float(jc.sum()) * dx**2) / (jc.size * dx**2)
        D = np.interp(c[-1], co.D_at, co.D)
        c_top = c[-1] + 0.5 * dx * co.flux * given / D
        leaving = co.carried * dx**2 * given * c_top
        self.b[-1] += co.flux * dx**2 * given - leaving
        front.scatter(self.b, area * rx.j, -co.flux)
        self.b *= dt
        self.b += before
        conductance = np.zeros(n)
        if follow:
            conductance = co.flux * dt * area * rx.Jc
            front.scatter(self.b, conductance * front.gather(c), 1.0)
        np.multiply(front.h, dx**3, out=self.storage)
        self.solver.prepare(
            self.gx, self.gy, self.gz, self.storage, front.start[: n + 1], front.idx[: front.used],
            front.w[: front.used], conductance, 1.0, False,
        )
        norm = float(np.sqrt(np.sum(np.square(self.storage * c).sum(axis=(1, 2)))))
        info = self.solver.solve(
            c, 0.0, self.b, 0.0, tolerance=self.tolerance, norm=norm, max_iterations=ITERATIONS
        )
        self.iterations += info.iterations
        if not np.isfinite(info.residual) or not info.converged:
            raise SolverError(f"the salt did not converge: residual {info.residual:.1e} mol of {norm:.1e} mol")
        out = float(leaving.sum())
        if not follow:
            # The constant mode, solved exactly: what the iteration's tolerance left over is not lost.
            wanted = total - dt * out
            c += (wanted - self.content(front, c)) / (float(front.h.sum()) * dx**3)
        return out
