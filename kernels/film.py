"""The film's patchwork: a field N on the surface, unit normal, renewed as lithium passes.

    dN = -N dq/l_r + forcing,   local film conductivity = mean * exp(s N - s^2/2),   q: lithium passed [m]

The forcing is constant within frames of the mean plated thickness, one correlated random lattice a frame, so
that any sequence of steps gives the same path.
"""

from __future__ import annotations

import numpy as np

from ._jit import kernel, parallel_kernel, prange


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


@kernel
def lattice_value(a, z, y, x):  # type: ignore[no-untyped-def]
    """Cubic B-spline with coefficients a at (z, y, x) in lattice units; periodic along each axis."""
    nz, ny, nx = a.shape
    k = int(np.floor(z))
    j = int(np.floor(y))
    i = int(np.floor(x))
    wz = _spline(z - k)
    wy = _spline(y - j)
    wx = _spline(x - i)
    total = 0.0
    for dk in range(4):
        kk = (k - 1 + dk) % nz
        plane = 0.0
        for dj in range(4):
            jj = (j - 1 + dj) % ny
            row = 0.0
            for di in range(4):
                row += wx[di] * a[kk, jj, (i - 1 + di) % nx]
            plane += wy[dj] * row
        total += wz[dk] * plane
    return total


@parallel_kernel
def renew(N, v, noise, cells, n, dt, renewal, ratio, scale, L):  # type: ignore[no-untyped-def]
    """N over a piece of one frame: N <- r N + (1 - r) b noise, r = exp(-|v| dt / renewal).

    ratio = (frame length / renewal) / mean |v|: |v| ratio is the lithium that a place sees in a whole frame, in
    renewal lengths; b = sqrt((1 + r_f)/(1 - r_f)) then keeps the variance of N at 1. scale: cells to lattice.
    """
    fN = N.ravel()
    fv = v.ravel()
    plane = L.ny * L.nx
    for m in prange(n):
        p = cells[m]
        speed = abs(fv[p])
        whole = speed * ratio
        if whole > 1e-9:
            k = p // plane
            j = (p - k * plane) // L.nx
            i = p - k * plane - j * L.nx
            eta = lattice_value(noise, (k + 0.5) * scale[0], (j + 0.5) * scale[1], (i + 0.5) * scale[2])
            keep = np.exp(-speed * dt / renewal)
            b = 1.0 / np.sqrt(np.tanh(0.5 * whole))
            fN[p] = keep * fN[p] + (1.0 - keep) * b * eta


@parallel_kernel
def place(N, noise, cells, n, scale, L):  # type: ignore[no-untyped-def]
    """N = noise on the band: the film at the start."""
    fN = N.ravel()
    plane = L.ny * L.nx
    for m in prange(n):
        p = cells[m]
        k = p // plane
        j = (p - k * plane) // L.nx
        i = p - k * plane - j * L.nx
        fN[p] = lattice_value(noise, (k + 0.5) * scale[0], (j + 0.5) * scale[1], (i + 0.5) * scale[2])
