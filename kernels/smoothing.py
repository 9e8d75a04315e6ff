"""The halves of a V-cycle on one level, by red-black Gauss-Seidel: smooth and restrict, prolong and
smooth.

The finest level goes through memory once each way: the steps follow one another plane by plane. The
coarse levels live in the cache and are smoothed more often, which costs little and saves a quarter of
the iterations (15-23 became 12-18).
"""

from __future__ import annotations

import numpy as np

from phasefield.kernels._jit import kernel, parallel_kernel, prange


@kernel
def _wrap(row, nx):  # type: ignore[no-untyped-def]
    row[0] = row[nx]
    row[nx + 1] = row[1]


@kernel
def _first_red(u, b, d, k):  # type: ignore[no-untyped-def]
    """Relax the red cells of a plane from zero, `u = b / d`."""
    ny, nx = u.shape[1], u.shape[2] - 2
    for j in range(ny):
        row_u, row_b, row_d = u[k, j], b[k, j], d[k, j]
        parity = (k + j) & 1
        for i in range(nx):
            row_u[i + 1] = np.float32((i + parity + 1) & 1) * row_b[i + 1] / row_d[i + 1]
        _wrap(row_u, nx)


@kernel
def _relax(u, b, gx, gy, gz, d, row, colour, k):  # type: ignore[no-untyped-def]
    """Relax the cells of one colour of a plane: `u = (b + sum g u') / d`."""
    nz, ny, nx = u.shape[0], u.shape[1], u.shape[2] - 2
    kb, ka = k - 1 if k > 0 else nz - 1, k + 1 if k < nz - 1 else 0
    for j in range(ny):
        jb, ja = j - 1 if j > 0 else ny - 1, j + 1 if j < ny - 1 else 0
        row_u, row_b, row_d, row_x, row_y, row_z = u[k, j], b[k, j], d[k, j], gx[k, j], gy[k, j], gz[k, j]
        u_before, u_behind, u_below, u_above = u[k, jb], u[k, ja], u[kb, j], u[ka, j]
        y_before, z_below = gy[k, jb], gz[kb, j]
        for i in range(1, nx + 1):
            along_x = row_x[i - 1] * row_u[i - 1] + row_x[i] * row_u[i + 1]
            along_y = y_before[i] * u_before[i] + row_y[i] * u_behind[i]
            along_z = z_below[i] * u_below[i] + row_z[i] * u_above[i]
            row[i] = (row_b[i] + along_x + along_y + along_z) / row_d[i]
        first = 1 + (k + j + colour) % 2
        for i in range(first, nx + 1, 2):
            row_u[i] = row[i]
        _wrap(row_u, nx)


@kernel
def _restrict(coarse_b, u, b, gx, gy, gz, d, c, flagged, live, row, k):  # type: ignore[no-untyped-def]
    """Add up the residual over the cells of one coarse plane; return `sum c u` over them."""
    nz, ny, nx = u.shape[0], u.shape[1], u.shape[2] - 2
    mz, my, mx = coarse_b.shape[0], coarse_b.shape[1], coarse_b.shape[2] - 2
    sz, sy, sx = (nz + mz - 1) // mz, (ny + my - 1) // my, (nx + mx - 1) // mx
    to_metal = 0.0
    for coarse_j in range(my):
        row[:] = 0
        for kk in range(sz * k, min(sz * k + sz, nz)):
            if not live[kk]:
                continue
            kb, ka = kk - 1 if kk > 0 else nz - 1, kk + 1 if kk < nz - 1 else 0
            for j in range(sy * coarse_j, min(sy * coarse_j + sy, ny)):
                jb, ja = j - 1 if j > 0 else ny - 1, j + 1 if j < ny - 1 else 0
                row_u, row_b, row_d = u[kk, j], b[kk, j], d[kk, j]
                row_x, row_y, row_z = gx[kk, j], gy[kk, j], gz[kk, j]
                u_before, u_behind, u_below, u_above = u[kk, jb], u[kk, ja], u[kb, j], u[ka, j]
                y_before, z_below = gy[kk, jb], gz[kb, j]
                for i in range(1, nx + 1):
                    along_x = row_x[i - 1] * row_u[i - 1] + row_x[i] * row_u[i + 1]
                    along_y = y_before[i] * u_before[i] + row_y[i] * u_behind[i]
                    along_z = z_below[i] * u_below[i] + row_z[i] * u_above[i]
                    row[i] += row_b[i] - row_d[i] * row_u[i] + along_x + along_y + along_z
                if flagged[kk]:
                    row_c = c[kk, j]
                    for i in range(1, nx + 1):
                        to_metal += np.float64(row_c[i]) * row_u[i]
        to = coarse_b[k, coarse_j]
        if sx == 2:
            for i in range(nx // 2):
                to[i + 1] = row[2 * i + 1] + row[2 * i + 2]
            if nx % 2:
                to[mx] = row[nx]
        else:
            for i in range(nx):
                to[i + 1] = row[i + 1]
    return to_metal


@kernel
def _prolong(u, coarse_u, b, c, flagged, u_s, k):  # type: ignore[no-untyped-def]
    """Add the coarse correction to one plane, and the metal's to its right side."""
    nz, ny, nx = u.shape[0], u.shape[1], u.shape[2] - 2
    mz, my, mx = coarse_u.shape[0], coarse_u.shape[1], coarse_u.shape[2] - 2
    sz, sy, sx = (nz + mz - 1) // mz, (ny + my - 1) // my, (nx + mx - 1) // mx
    for j in range(ny):
        row_u, coarse = u[k, j], coarse_u[k // sz, j // sy]
        if sx == 2:
            for i in range(nx // 2):
                row_u[2 * i + 1] += coarse[i + 1]
                row_u[2 * i + 2] += coarse[i + 1]
            if nx % 2:
                row_u[nx] += coarse[mx]
        else:
            for i in range(nx):
                row_u[i + 1] += coarse[i + 1]
        _wrap(row_u, nx)
        if flagged[k]:
            row_b, row_c = b[k, j], c[k, j]
            for i in range(1, nx + 1):
                row_b[i] += row_c[i] * u_s


@kernel
def _descend(coarse_b, partial, u, b, gx, gy, gz, d, c, flagged, live, row, first, last):  # type: ignore[no-untyped-def]
    """Pre-smooth and restrict `first <= k < last` in one sweep, but for what needs the planes beyond."""
    nz = u.shape[0]
    sz = (nz + coarse_b.shape[0] - 1) // coarse_b.shape[0]
    lowest = first + 1 if first > 0 else 0
    highest = last - 1 if last < nz else nz
    coarse = first // sz + (1 if first > 0 else 0)
    for k in range(first, last + 1):
        if k < last and live[k]:
            _first_red(u, b, d, k)
        if lowest <= k - 1 < highest and live[k - 1]:
            _relax(u, b, gx, gy, gz, d, row, 1, k - 1)
        # a coarse plane is ready when the plane behind its last one is relaxed
        ready = min(sz * coarse + sz, nz - 1)
        while coarse < coarse_b.shape[0] and ready <= min(k - 1, highest - 1):
            partial[coarse] = _restrict(coarse_b, u, b, gx, gy, gz, d, c, flagged, live, row, coarse)
            coarse += 1
            ready = min(sz * coarse + sz, nz - 1)


@parallel_kernel
def descend(coarse_b, partial, u, b, gx, gy, gz, d, c, flagged, live, rows, bounds):  # type: ignore[no-untyped-def]
    """Pre-smooth and restrict a level, but for what needs both sides of a bound between threads."""
    for t in prange(bounds.size - 1):
        _descend(coarse_b, partial, u, b, gx, gy, gz, d, c, flagged, live, rows[t], bounds[t], bounds[t + 1])


@kernel
def _ascend(u, coarse_u, b, gx, gy, gz, d, c, flagged, live, u_s, row, first, last):  # type: ignore[no-untyped-def]
    """Prolong and post-smooth `first <= k < last` in one sweep, but for what needs the planes beyond."""
    nz = u.shape[0]
    inner = 1 if first > 0 else 0
    outer = 1 if last < nz else 0
    for k in range(first, last + 2):
        if k < last and live[k]:
            _prolong(u, coarse_u, b, c, flagged, u_s, k)
        if first + inner <= k - 1 < last - outer and live[k - 1]:
            _relax(u, b, gx, gy, gz, d, row, 1, k - 1)
        if first + 2 * inner <= k - 2 < last - 2 * outer and live[k - 2]:
            _relax(u, b, gx, gy, gz, d, row, 0, k - 2)


@parallel_kernel
def ascend(u, coarse_u, b, gx, gy, gz, d, c, flagged, live, u_s, rows, bounds):  # type: ignore[no-untyped-def]
    """Prolong and post-smooth a level, but for what needs both sides of a bound between threads."""
    for t in prange(bounds.size - 1):
        _ascend(u, coarse_u, b, gx, gy, gz, d, c, flagged, live, u_s, rows[t], bounds[t], bounds[t + 1])


@parallel_kernel
def relax(u, b, gx, gy, gz, d, rows, colour, planes):  # type: ignore[no-untyped-def]
    """Relax the cells of one colour of some planes."""
    for t in prange(planes.size):
        _relax(u, b, gx, gy, gz, d, rows[t], colour, planes[t])


@parallel_kernel
def restrict(coarse_b, partial, u, b, gx, gy, gz, d, c, flagged, live, rows, planes):  # type: ignore[no-untyped-def]
    """Restrict the residual to some coarse planes; `partial` adds up `c u`."""
    for t in prange(planes.size):
        k = planes[t]
        partial[k] = _restrict(coarse_b, u, b, gx, gy, gz, d, c, flagged, live, rows[t], k)


@parallel_kernel
def prolong(u, coarse_u, b, c, flagged, u_s, planes):  # type: ignore[no-untyped-def]
    """Add the coarse correction to some planes."""
    for t in prange(planes.size):
        _prolong(u, coarse_u, b, c, flagged, u_s, planes[t])


@kernel
def descend_serial(coarse_b, partial, u, b, gx, gy, gz, d, c, flagged, live, rows, sweeps):  # type: ignore[no-untyped-def]
    """Pre-smooth a small level from zero and restrict its residual; `partial` adds up `c u`."""
    nz = u.shape[0]
    for k in range(nz):
        if live[k]:
            _first_red(u, b, d, k)
    for half_sweep in range(2 * sweeps - 1):
        for k in range(nz):
            if live[k]:
                _relax(u, b, gx, gy, gz, d, rows[k], 1 - half_sweep % 2, k)
    for k in range(coarse_b.shape[0]):
        partial[k] = _restrict(coarse_b, u, b, gx, gy, gz, d, c, flagged, live, rows[k], k)


@kernel
def ascend_serial(u, coarse_u, b, gx, gy, gz, d, c, flagged, live, u_s, rows, sweeps):  # type: ignore[no-untyped-def]
    """Add the coarse correction and post-smooth a small level."""
    nz = u.shape[0]
    for k in range(nz):
        if live[k]:
            _prolong(u, coarse_u, b, c, flagged, u_s, k)
    for half_sweep in range(2 * sweeps):
        for k in range(nz):
            if live[k]:
                _relax(u, b, gx, gy, gz, d, rows[k], 1 - half_sweep % 2, k)
