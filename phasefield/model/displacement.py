"""The electrolyte that moving lithium displaces: it flows through the electrolyte to the counter plane.

    div q = -dh/dt,   q = -h grad p,   p = 0 on the counter plane                    (10b)

so that a uniform concentration stays uniform wherever the surface moves. Between two resolved electrodes nothing
leaves: what one displaces the other makes room for.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from phasefield.kernels import transport
from phasefield.kernels.krylov import MultigridSolver
from phasefield.model.front import Front

Floats = NDArray[np.float64]

MISSED = 0.5  # times the root of the currents' tolerance: of the volume displaced in a cell. What is missed compresses;
# no salt is lost by it, and the volume is a small share of the cell's. At 1e-8 it hides no order in time
ITERATIONS = 30
ENDS, ONE = np.array([0.0, 1.0]), np.array([1.0, 1.0])


class Displacement:
    """Flow of one stage; `volume` (3, nz, ny, nx) and `top` (ny, nx): displaced through the faces [m^3]."""

    def __init__(
        self, shape: tuple[int, int, int], periodic: bool, dx: float, tolerance: float, faces: NDArray[np.float32],
        top: Floats,
    ) -> None:  # fmt: skip
        """tolerance: error allowed in the surface currents.

        faces (3, nz, ny, nx), top (nz, ny, nx): work arrays; of top only the last plane is not 0.
        """
        self.dx, self.periodic, self.tolerance = dx, periodic, MISSED * math.sqrt(tolerance)
        self.volume = np.zeros((3, *shape), np.float32)
        self.top: Floats = np.zeros(shape[1:])
        self.p, self.g, self.diagonal = np.zeros(shape), faces, top
        self.iterations = 0

    def solve(self, front: Front, shrinks: Floats, solver: MultigridSolver, start: float) -> None:
        """Find the flow that takes away `shrinks` [m^3], what each cell of the electrolyte loses; overwritten.

        solver: any of this grid; start: of the last flow, so much is the first guess.
        """
        k0 = front.k0
        if start == 0.0:
            self.p[...] = 0.0  # whatever a solve that failed left there
        else:
            self.p *= start
        gx, gy, gz = self.g
        transport.faces(gx, gy, gz, front.h, front.h, ENDS, ONE, self.dx, front.lattice, self.periodic, k0)
        if front.both_electrodes:
            open_ = front.h > 0.0
            shrinks -= front.h * (float(np.sum(shrinks)) / float(np.sum(front.h * open_)))
        else:
            np.multiply(2.0 * self.dx, front.h[-1], out=self.diagonal[-1])
        solver.prepare_cells(self.g, self.diagonal, k0)
        info = solver.solve(self.p, 0.0, shrinks, 0.0, tolerance=self.tolerance, max_iterations=ITERATIONS)
        self.iterations += info.iterations
        transport.flow(self.volume, self.p, self.g, front.lattice, k0)
        np.multiply(self.diagonal[-1], self.p[-1], out=self.top)
