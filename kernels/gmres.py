"""Vectors of a flexible GMRES: two fields in float32 on the planes from k0 up, sums plane by plane, added in order.

Y. Saad, SIAM J. Sci. Comput. 14 (1993) 461. The bits do not depend on the number of threads.
"""

from __future__ import annotations

import numpy as np

from ._jit import kernel, parallel_kernel, prange

LEAP = 7.0  # in ln c, downward in one Newton step


@kernel
def _row_dot(a, b):  # type: ignore[no-untyped-def]
    s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
    whole = a.size // 4 * 4
    for i in range(0, whole, 4):
        s0 += np.float64(a[i]) * np.float64(b[i])
        s1 += np.float64(a[i + 1]) * np.float64(b[i + 1])
        s2 += np.float64(a[i + 2]) * np.float64(b[i + 2])
        s3 += np.float64(a[i + 3]) * np.float64(b[i + 3])
    for i in range(whole, a.size):
        s0 += np.float64(a[i]) * np.float64(b[i])
    return (s0 + s1) + (s2 + s3)


@parallel_kernel
def dot(partial, a, b, k0):  # type: ignore[no-untyped-def]
    """Return a . b of two pairs of fields (2, nz, ny, nx); partial (nz): work."""
    for k in prange(k0, a.shape[1]):
        s = 0.0
        for f in range(2):
            for j in range(a.shape[2]):
                s += _row_dot(a[f, k, j], b[f, k, j])
        partial[k] = s
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
    """b = a - taken: a field (nz, ny, nx) to the right side of a multigrid level, which has two more columns."""
    for k in prange(k0, a.shape[0]):
        for j in range(a.shape[1]):
            row, source, less = b[k, j], a[k, j], taken[k, j]
            for i in range(source.size):
                row[i + 1] = source[i] - less[i]


@parallel_kernel
def from_level(a, u, k0):  # type: ignore[no-untyped-def]
    """Copy the answer u of a multigrid level to a field."""
    for k in prange(k0, a.shape[0]):
        for j in range(a.shape[1]):
            row, source = a[k, j], u[k, j]
            for i in range(row.size):
                row[i] = source[i + 1]


@parallel_kernel
def update(c, psi, d, factor, beta, k0):  # type: ignore[no-untyped-def]
    """Newton's step: c += dc upward, c exp(dc/c) downward, which stays positive; phi = psi + beta ln c goes linearly.

    A cell with next to nothing, whose linear solution may be off by more than it holds, falls by LEAP at most. What
    drives the reaction is phi: it takes what the linear solution says, whatever c makes of its own.
    """
    for k in prange(k0, c.shape[0]):
        for j in range(c.shape[1]):
            row_c, row_p, dc, dp = c[k, j], psi[k, j], d[0, k, j], d[1, k, j]
            for i in range(row_c.size):
                y = factor * dc[i] / row_c[i]
                log = np.log(1.0 + y) if y >= 0.0 else max(y, -LEAP)
                row_c[i] = row_c[i] * (1.0 + y) if y >= 0.0 else row_c[i] * np.exp(log)
                row_p[i] += factor * dp[i] + beta * (y - log)
