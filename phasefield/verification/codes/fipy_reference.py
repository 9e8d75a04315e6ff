"""The equations of charge and salt once more, in FiPy, to check the solver against (2D, mirrored sides).

    0              = div(h kappa grad phi) - div(h kappa grad B) - a j + (counter electrode)                   (9)
    d(h c)/dt      = div(h D grad c) - div(q c) - (1 - t+) a j / F + (counter electrode)                       (10)

FiPy gets the faces' coefficients, the displaced volumes and the currents of the reaction, and nothing else: its own
mesh, its own discretisation, matrices and solver. Cells have the volume 1: terms are sums over a cell, in A and mol/s.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

os.environ.setdefault("FIPY_SOLVERS", "scipy")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # FiPy's own, at import
    import fipy
    from fipy.solvers import LinearLUSolver

Floats = NDArray[np.float64]

TOLERANCE = 1e-14  # of the direct solver's refinement


@dataclass(frozen=True)
class Faces:
    """Values on faces of cells (nz, nx): x between i and i + 1, z between k and k + 1; flows out of the first cell."""

    x: Floats
    z: Floats


class Reference:
    """One box of (nz, nx) cells; all its arrays are of that shape."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.shape = shape
        nz, nx = shape
        self.mesh = fipy.Grid2D(nx=nx, ny=nz, dx=1.0, dy=1.0)
        first, second = np.ma.filled(self.mesh.faceCellIDs, -1)
        self.first, self.along_x = first, second == first + 1
        self.inside = (second >= 0) & (self.along_x | (second == first + nx))

    def cell(self, values: Floats) -> Any:
        """Return a FiPy variable of cell values."""
        return fipy.CellVariable(mesh=self.mesh, value=np.asarray(values, np.float64).ravel())

    def face(self, faces: Faces) -> Any:
        """Return a FiPy variable of face values; 0 on the sides of the box."""
        return fipy.FaceVariable(mesh=self.mesh, value=self._on_faces(faces))

    def flow(self, faces: Faces) -> Any:
        """Return a FiPy vector on the faces, of a flow through them."""
        values = self._on_faces(faces)
        vector = np.stack([np.where(self.along_x, values, 0.0), np.where(self.along_x, 0.0, values)])
        return fipy.FaceVariable(mesh=self.mesh, rank=1, value=vector)

    def _on_faces(self, faces: Faces) -> Floats:
        values = np.where(self.along_x, faces.x.ravel()[self.first], faces.z.ravel()[self.first])
        return np.where(self.inside, values, 0.0)

    def _array(self, variable: Any) -> Floats:
        return np.asarray(variable.value, np.float64).reshape(self.shape).copy()

    def charge_balance(self, faces: Faces, phi: Floats, potential: Floats) -> Floats:
        """Return div(h kappa grad phi) - div(h kappa grad B) of each cell [A]; potential: B, int beta d ln c [V]."""
        return self._array(self._current(faces, phi, potential).divergence)

    def _current(self, faces: Faces, phi: Floats, potential: Floats) -> Any:
        return self.face(faces) * (self.cell(phi).faceGrad - self.cell(potential).faceGrad)

    def migrated(
        self, faces: Faces, phi: Floats, potential: Floats, c: Floats, excess: Callable[[Floats], Floats]
    ) -> Floats:
        """Return -div((t+ - t_0) h i) of each cell [A]; excess: t+ - t_0 over the concentration."""
        mean = self.cell(c).arithmeticFaceValue
        share = fipy.FaceVariable(mesh=self.mesh, value=excess(np.asarray(mean.value, np.float64)))
        return self._array((share * self._current(faces, phi, potential)).divergence)

    def diffusion_matrix(self, faces: Faces) -> Floats:
        """Return div(g grad .) as a matrix over the cells, as FiPy builds it [A/V or m^3/s]."""
        equation = fipy.DiffusionTerm(coeff=self.face(faces)) == 0.0
        equation.cacheMatrix()
        equation.justResidualVector(var=self.cell(np.zeros(self.shape)))
        return np.asarray(equation.matrix.numpyArray, np.float64)

    def displaced(self, flow: Faces) -> Floats:
        """Return div q of each cell, without what passes the sides of the box."""
        return self._array(self.flow(flow).divergence)

    def transported(self, faces: Faces, flow: Faces, c: Floats) -> Floats:
        """Return div(h D grad c) - div(q c) of each cell [mol/s]."""
        salt = self.cell(c)
        return self._array((self.face(faces) * salt.faceGrad - self.flow(flow) * salt.arithmeticFaceValue).divergence)

    def salt(self, faces: Faces, flow: Faces, storage: Floats, known: Floats, empty: Floats) -> Floats:
        """Solve storage c = div(h D grad c) - div(q c) + known for c: one implicit stage of eq. (10).

        storage [m^3/s]: h dV/dt, and what leaves with c; known [mol/s]: the salt before, and all sources; empty: c of
        cells without electrolyte, whose equation would be 0 = 0.
        """
        void = self._void(faces)
        c = self.cell(empty)
        equation = fipy.ImplicitSourceTerm(coeff=self.cell(storage + void)) == (
            fipy.DiffusionTerm(coeff=self.face(faces))
            - fipy.CentralDifferenceConvectionTerm(coeff=self.flow(flow))
            + self.cell(known + void * empty)
        )
        equation.solve(var=c, solver=LinearLUSolver(tolerance=TOLERANCE, iterations=10))
        return self._array(c)

    def _void(self, faces: Faces) -> Floats:
        """Return a conductance for cells that have none."""
        total = faces.x + faces.z
        total[:, 1:] += faces.x[:, :-1]
        total[1:] += faces.z[:-1]
        return np.where(total > 0.0, 0.0, float(total.max()))
