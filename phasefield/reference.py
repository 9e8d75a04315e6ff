"""The equations of charge and salt once more, in FiPy, to check the solver against (2D, mirrored sides).

    0         = div(h kappa grad phi) - div(h kappa beta grad ln c) - a j + (counter electrode)          (9)
    h dc/dt   = div(h D grad c) - q grad c - (1 - t+) a j / F + (counter electrode)                      (10)

FiPy gets the faces' coefficients and the currents of the reaction, and nothing else: its own mesh, its own
discretisation, matrices and solver. Cells have the volume 1: terms are sums over a cell, in A and mol/s.
"""

from __future__ import annotations

import os
import warnings
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
    """Conductances of cells (nz, nx): x couples i and i + 1, z couples k and k + 1."""

    x: Floats
    z: Floats


class Reference:
    """One box of (nz, nx) cells; all its arrays are of that shape."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.shape = shape
        nz, nx = shape
        self.mesh = fipy.Grid2D(nx=nx, ny=nz, dx=1.0, dy=1.0)

    def cell(self, values: Floats) -> Any:
        """Return a FiPy variable of cell values."""
        return fipy.CellVariable(mesh=self.mesh, value=np.asarray(values, np.float64).ravel(), hasOld=True)

    def face(self, faces: Faces) -> Any:
        """Return a FiPy variable of face values; 0 on the sides of the box."""
        first, second = np.ma.filled(self.mesh.faceCellIDs, -1)
        nx = self.shape[1]
        along_x = second == first + 1
        values = np.where(along_x, faces.x.ravel()[first], faces.z.ravel()[first])
        inside = (second >= 0) & (along_x | (second == first + nx))
        return fipy.FaceVariable(mesh=self.mesh, value=np.where(inside, values, 0.0))

    def _array(self, variable: Any) -> Floats:
        return np.asarray(variable.value, np.float64).reshape(self.shape).copy()

    def _current(self, g: Any, phi: Any, c: Any, beta: float) -> Any:
        """Return kappa grad phi - kappa beta grad ln c on the faces, with grad ln c = grad c / mean c."""
        return g * (phi.faceGrad - beta * c.faceGrad / c.arithmeticFaceValue)

    def charge_balance(self, faces: Faces, phi: Floats, c: Floats, beta: float) -> Floats:
        """Return div(h kappa grad phi) - div(h kappa beta grad ln c) of each cell [A]."""
        return self._array(self._current(self.face(faces), self.cell(phi), self.cell(c), beta).divergence)

    def diffusion_matrix(self, faces: Faces) -> Floats:
        """Return div(g grad .) as a matrix over the cells, as FiPy builds it [A/V or m^3/s]."""
        equation = fipy.DiffusionTerm(coeff=self.face(faces)) == 0.0
        equation.cacheMatrix()
        equation.justResidualVector(var=self.cell(np.zeros(self.shape)))
        return np.asarray(equation.matrix.numpyArray, np.float64)

    def carried_salt(self, faces: Faces, phi: Floats, c: Floats, beta: float, carried: float) -> Floats:
        """Return -q grad c [mol/s], q = (V_m/F)(kappa grad phi - ...), as -(div(q c) - c div q)."""
        salt = self.cell(c)
        q = carried * self._current(self.face(faces), self.cell(phi), salt, beta)
        return self._array(salt * q.divergence - (q * salt.arithmeticFaceValue).divergence)

    def potential(
        self, faces: Faces, c: Floats, beta: float, taken: Floats, given: Floats, slope: Floats, phi: Floats
    ) -> Floats:
        """Solve eq. (9) for the potential [V].

        taken: a j of each cell [A]; given and slope: what the counter electrode gives to each cell at phi
        [A], and how it falls with the potential [A/V].
        """
        g, salt, u = self.face(faces), self.cell(c), self.cell(phi)
        drift = (g * beta * salt.faceGrad / salt.arithmeticFaceValue).divergence
        known = self.cell(given + slope * phi - taken) - drift
        equation = (
            fipy.DiffusionTerm(coeff=g)
            - fipy.ImplicitSourceTerm(coeff=self.cell(slope + self._void(faces)))
            + known
        )
        equation.solve(var=u, solver=LinearLUSolver(tolerance=TOLERANCE, iterations=10))
        return self._array(u)

    def salt(self, faces: Faces, storage: Floats, before: Floats, source: Floats, dt: float) -> Floats:
        """Solve storage (c - before)/dt = div(g grad c) + source for c: one implicit stage of eq. (10).

        storage: h dV [m^3]; source: everything that is known [mol/s].
        """
        c = self.cell(before)
        c.updateOld()
        empty = np.where(storage > 0.0, 0.0, self._void(faces))
        equation = fipy.TransientTerm(coeff=self.cell(storage)) == (
            fipy.DiffusionTerm(coeff=self.face(faces))
            + self.cell(source + empty * before)
            - fipy.ImplicitSourceTerm(coeff=self.cell(empty))
        )
        equation.solve(var=c, dt=dt, solver=LinearLUSolver(tolerance=TOLERANCE, iterations=10))
        return self._array(c)

    def _void(self, faces: Faces) -> Floats:
        """Return a conductance for cells that have none: their equation would be 0 = 0."""
        total = faces.x + faces.z
        total[:, 1:] += faces.x[:, :-1]
        total[1:] += faces.z[:-1]
        return np.where(total > 0.0, 0.0, float(total.max()))
