"""The film's patchwork: a correlated random field, from its lattice to the cells of the grid, or to any points."""

from __future__ import annotations

import numpy as np

from phasefield.kernels._jit import kernel, parallel_kernel, prange


@kernel
def _spline(t):  # type: ignore[no-untyped-def]
    """The four cubic B-spline weights at fraction t."""
    u = 1.0 - t
    return (
        u * u * u / 6.0,
        (3.0 * t * t * t - 6.0 * t * t + 4.0) / 6.0,
        (3.0 * u * u * u - 6.0 * u * u + 4.0) / 6.0,
        t * t * t / 6.0,
    )


@parallel_kernel
def on_grid(out, a, first, second, scale):  # type: ignore[no-untyped-def]
    """out = the periodic cubic B-spline with coefficients a, at the cell centres; one axis after the other.

    first (na, mb, nx), second (na, ny, nx): work arrays for a of shape (na, mb, mc). scale: lattice points a cell.
    """
    na, mb, mc = a.shape
    nz, ny, nx = out.shape
    for k in prange(na):
        for i in range(nx):
            x = (i + 0.5) * scale[2]
            base = int(np.floor(x))
            w = _spline(x - base)
            p0, p1, p2, p3 = (base - 1) % mc, base % mc, (base + 1) % mc, (base + 2) % mc
            for j in range(mb):
                row = a[k, j]
                first[k, j, i] = w[0] * row[p0] + w[1] * row[p1] + w[2] * row[p2] + w[3] * row[p3]
        for j in range(ny):
            y = (j + 0.5) * scale[1]
            base = int(np.floor(y))
            w = _spline(y - base)
            p0, p1, p2, p3 = (base - 1) % mb, base % mb, (base + 1) % mb, (base + 2) % mb
            for i in range(nx):
                second[k, j, i] = (
                    w[0] * first[k, p0, i] + w[1] * first[k, p1, i] + w[2] * first[k, p2, i] + w[3] * first[k, p3, i]
                )
    for k in prange(nz):
        z = (k + 0.5) * scale[0]
        base = int(np.floor(z))
        w = _spline(z - base)
        p0, p1, p2, p3 = (base - 1) % na, base % na, (base + 1) % na, (base + 2) % na
        for j in range(ny):
            for i in range(nx):
                out[k, j, i] = (
                    w[0] * second[p0, j, i]
                    + w[1] * second[p1, j, i]
                    + w[2] * second[p2, j, i]
                    + w[3] * second[p3, j, i]
                )


@parallel_kernel
def at_points(out, a, closest, cells, scale):  # type: ignore[no-untyped-def]
    """out[cells[m]] = the spline of `on_grid` at closest[m] = (z, y, x), in cell units (centres at integers)."""
    na, mb, mc = a.shape
    flat = out.ravel()
    for m in prange(cells.size):
        z = (closest[m, 0] + 0.5) * scale[0]
        y = (closest[m, 1] + 0.5) * scale[1]
        x = (closest[m, 2] + 0.5) * scale[2]
        k0, j0, i0 = int(np.floor(z)), int(np.floor(y)), int(np.floor(x))
        wz, wy, wx = _spline(z - k0), _spline(y - j0), _spline(x - i0)
        ks = ((k0 - 1) % na, k0 % na, (k0 + 1) % na, (k0 + 2) % na)
        js = ((j0 - 1) % mb, j0 % mb, (j0 + 1) % mb, (j0 + 2) % mb)
        p0, p1, p2, p3 = (i0 - 1) % mc, i0 % mc, (i0 + 1) % mc, (i0 + 2) % mc
        total = 0.0
        for k in range(4):
            for j in range(4):
                row = a[ks[k], js[j]]
                part = wx[0] * row[p0] + wx[1] * row[p1] + wx[2] * row[p2] + wx[3] * row[p3]
                total += wz[k] * wy[j] * part
        flat[cells[m]] = total
