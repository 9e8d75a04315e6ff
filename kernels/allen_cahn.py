"""The Allen-Cahn equation of the published models, on the whole grid, explicit.

    xi_t = -L (W g'(xi) - k lap xi),   g = xi^2 (1 - xi)^2           (docs/theory.md, the published law)

xi = 1 in lithium. Ends along z, and sides that are not periodic, are mirrored: nothing passes.
"""

from __future__ import annotations

from ._jit import kernel, parallel_kernel, prange


@kernel
def _relax_row(out, xi, L, k, j, barrier, stiffness):  # type: ignore[no-untyped-def]
    """Write the rate of one row: see `relax`."""
    row, to = xi[k, j], out[k, j]
    below, above, before, behind = xi[L.zm[k], j], xi[L.zp[k], j], xi[k, L.ym[j]], xi[k, L.yp[j]]
    last = row.size - 1
    for i in range(row.size):
        mid = row[i]
        well = 2.0 * mid * (1.0 - mid) * (1.0 - 2.0 * mid)
        across = (below[i] - mid) + (above[i] - mid) + (before[i] - mid) + (behind[i] - mid)
        to[i] = stiffness * across - barrier * well
    for i in range(1, last):
        to[i] += stiffness * ((row[i - 1] - row[i]) + (row[i + 1] - row[i]))
    for i in (0, last):
        to[i] += stiffness * ((row[L.xm[i]] - row[i]) + (row[L.xp[i]] - row[i]))


@parallel_kernel
def relax(out, xi, L, barrier, stiffness):  # type: ignore[no-untyped-def]
    """out = stiffness dx^2 lap xi - barrier g'(xi), with barrier = L_s W [1/s] and stiffness = L_s k/dx^2 [1/s]."""
    for k in prange(xi.shape[0]):
        for j in range(xi.shape[1]):
            _relax_row(out, xi, L, k, j, barrier, stiffness)


@parallel_kernel
def add(out, xi, a, first, b, second):  # type: ignore[no-untyped-def]
    """out = xi + a first + b second."""
    for k in prange(xi.shape[0]):
        for j in range(xi.shape[1]):
            to, row, one, two = out[k, j], xi[k, j], first[k, j], second[k, j]
            for i in range(row.size):
                to[i] = row[i] + a * one[i] + b * two[i]
