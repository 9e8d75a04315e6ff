"""A flexible GMRES for two fields on the planes from k0 up: Y. Saad, SIAM J. Sci. Comput. 14 (1993) 461.

Its vectors are float32; sums run plane by plane and are added in order, so that the bits do not depend on the number
of threads.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from phasefield.kernels._jit import parallel_kernel, prange
from phasefield.kernels.checkerboard import half, join
from phasefield.kernels.transport import floored, row_dot

Array = np.ndarray[Any, Any]
Direction = Callable[[Array, Array, Array], Array]

LEAP = 7.0  # in ln c, downward in one Newton step


@parallel_kernel
def dot(partial, a, b, k0):  # type: ignore[no-untyped-def]
    """Return a . b of two pairs of fields (2, nz, ny, nx); partial (nz): work."""
    for k in prange(k0, a.shape[1]):
        partial[k] = row_dot(a[0, k].reshape(-1), b[0, k].reshape(-1))
        partial[k] += row_dot(a[1, k].reshape(-1), b[1, k].reshape(-1))
    total = 0.0
    for k in range(k0, a.shape[1]):
        total += partial[k]
    return total


@parallel_kernel
def take_away(a, b, factor, k0):  # type: ignore[no-untyped-def]
    """a -= factor b."""
    for k in prange(k0, a.shape[1]):
        for f in range(2):
            for j in range(a.shape[2]):
                row, other = a[f, k, j], b[f, k, j]
                for i in range(row.size):
                    row[i] -= factor * other[i]


@parallel_kernel
def scaled(to, a, factor, k0):  # type: ignore[no-untyped-def]
    """to = factor a."""
    for k in prange(k0, a.shape[1]):
        for f in range(2):
            for j in range(a.shape[2]):
                row, source = to[f, k, j], a[f, k, j]
                for i in range(row.size):
                    row[i] = factor * source[i]


@parallel_kernel
def into_level(b, a, taken, k0):  # type: ignore[no-untyped-def]
    """b = a - taken: a field (nz, ny, nx) to the right side of a multigrid level."""
    for k in prange(k0, a.shape[0]):
        for j in range(a.shape[1]):
            source, less = a[k, j], taken[k, j]
            for odd in range(2):
                colour, at, n = half(k, j, odd, a.shape[1], a.shape[2])
                for m in range(n):
                    b[colour, k, at + m] = source[2 * m + odd] - less[2 * m + odd]


@parallel_kernel
def from_level(a, u, k0):  # type: ignore[no-untyped-def]
    """Copy the answer u of a multigrid level to a field."""
    for k in prange(k0, a.shape[0]):
        for j in range(a.shape[1]):
            join(a[k, j], u, k, j, a.shape[1])


@parallel_kernel
def update(c, psi, d, factor, anion, c_floor, k0):  # type: ignore[no-untyped-def]
    """Newton's step d in c and in psi - anion ln c, c as `floored` by c_floor.

    c += dc upward, c exp(dc/c) downward, which stays positive. A cell with next to nothing, whose linear solution may
    be off by more than it holds, falls by LEAP at most.
    """
    for k in prange(k0, c.shape[0]):
        for j in range(c.shape[1]):
            row_c, row_p, dc, dp = c[k, j], psi[k, j], d[0, k, j], d[1, k, j]
            for i in range(row_c.size):
                before, s = row_c[i], factor * dc[i] / row_c[i]
                if s > 0.0:
                    rise = np.log1p(s)  # of ln c
                    row_c[i] += factor * dc[i]
                else:
                    rise = max(s, -LEAP)
                    row_c[i] *= np.exp(rise)
                if min(before, row_c[i]) < 2.0 * c_floor:
                    new, _ = floored(row_c[i], c_floor)
                    old, _ = floored(before, c_floor)
                    rise = np.log(new / old)
                row_p[i] += factor * dp[i] + anion * rise


class Breakdown(ArithmeticError):
    """The equations or a direction are not finite."""


class FlexibleGMRES:
    """Solver of K x = r; its vectors are allocated as they are needed, and kept."""

    def __init__(self, shape: tuple[int, int, int], most: int) -> None:
        """shape (nz, ny, nx) of each of the two fields; most: number of vectors."""
        self.shape, self.most = (2, *shape), most
        self.vectors: list[Array] = [np.zeros(self.shape, np.float32)]
        self.directions: list[Array] = []
        self.partial = np.zeros(shape[0])

    def norm(self, a: Array, k0: int) -> float:
        """Return the 2-norm of a pair of fields."""
        return math.sqrt(float(dot(self.partial, a, a, k0)))

    def solve(
        self, x: Array, r: Array, size: float, relative: float, direction: Direction, k0: int
    ) -> tuple[Array, int]:
        """Write x, which leaves `relative` of r; size: norm of r.

        direction(z, w, v): writes the preconditioned v into z and K z into w, and returns what else is linear in z.
        Returns that of x, and the number of vectors. Raises Breakdown.
        """
        V, Z = self.vectors, self.directions
        columns: list[list[float]] = []
        rotations: list[tuple[float, float]] = []
        besides: list[Array] = []
        left = [1.0]
        scaled(V[0], r, 1.0 / size, k0)
        for m in range(self.most):
            if len(Z) <= m:
                Z.append(np.zeros(self.shape, np.float32))
                V.append(np.zeros(self.shape, np.float32))
            w = V[m + 1]
            besides.append(direction(Z[m], w, V[m]))
            column = []
            for v in V[: m + 1]:
                column.append(float(dot(self.partial, v, w, k0)))
                take_away(w, v, column[-1], k0)
            norm = self.norm(w, k0)
            for i, (cos, sin) in enumerate(rotations):
                column[i], column[i + 1] = cos * column[i] + sin * column[i + 1], cos * column[i + 1] - sin * column[i]
            whole = math.hypot(column[m], norm)
            if not (whole > 0.0 and math.isfinite(whole)):
                raise Breakdown("the linear solver broke down")
            rotations.append((column[m] / whole, norm / whole))
            column[m] = whole
            columns.append(column)
            left.append(-left[m] * norm / whole)
            left[m] *= rotations[m][0]
            if abs(left[m + 1]) <= relative or norm == 0.0:
                break
            scaled(w, w, 1.0 / norm, k0)
        n = len(columns)
        y = [0.0] * n
        for i in range(n - 1, -1, -1):
            y[i] = (left[i] - sum(columns[m][i] * y[m] for m in range(i + 1, n))) / columns[i][i]
        x[:, k0:] = 0.0
        for factor, z in zip(y, Z, strict=False):
            take_away(x, z, -factor * size, k0)
        return sum((factor * size * one for factor, one in zip(y, besides, strict=True)), np.zeros_like(besides[0])), n
