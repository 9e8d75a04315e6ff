"""The coefficients of a multigrid level: from the caller, lumped from the elements, added up coarser.

The layout of a level is told in `multigrid`.
"""

from __future__ import annotations

import numpy as np

from phasefield.kernels._jit import kernel, parallel_kernel, prange

VOID = np.float32(3e38)  # the diagonal of a cell without conductances: whatever is divided by it is 0


@kernel
def _load_plane(gx, gy, gz, own, fine_x, fine_y, fine_z, diag, periodic, k):  # type: ignore[no-untyped-def]
    """Copy one plane of the caller's coefficients into a level; return a measure of the largest."""
    _, ny, nx = fine_x.shape
    seam_x = np.float32(periodic and nx > 1)
    largest = np.float32(0)
    for j in range(ny):
        keep_y = np.float32(j < ny - 1 or (periodic and ny > 1))
        row_x, row_y, row_z, row_o = gx[k, j], gy[k, j], gz[k, j], own[k, j]
        from_x, from_y, from_z, from_o = fine_x[k, j], fine_y[k, j], fine_z[k, j], diag[k, j]
        for i in range(nx):
            row_x[i + 1] = from_x[i]
            row_y[i + 1] = keep_y * from_y[i]
            row_z[i + 1] = from_z[i]
            row_o[i + 1] = from_o[i]
            largest = max(largest, row_x[i + 1] + row_y[i + 1] + row_z[i + 1] + row_o[i + 1])
        row_x[nx] *= seam_x
        row_x[0] = row_x[nx]
    return largest


@parallel_kernel
def load(gx, gy, gz, own, largest, fine_x, fine_y, fine_z, diag, periodic):  # type: ignore[no-untyped-def]
    """Copy the caller's coefficients into a level; `largest[k]` tells the size of those of a plane."""
    for k in prange(gx.shape[0]):
        largest[k] = _load_plane(gx, gy, gz, own, fine_x, fine_y, fine_z, diag, periodic, k)


@parallel_kernel
def load_own(own, diag):  # type: ignore[no-untyped-def]
    """Copy the caller's own conductances into a level."""
    for k in prange(diag.shape[0]):
        for j in range(diag.shape[1]):
            row, source = own[k, j], diag[k, j]
            for i in range(source.size):
                row[i + 1] = source[i]


@kernel
def lump(c, flagged, start, at, w, g):  # type: ignore[no-untyped-def]
    """Add up `c_k = sum_e g_e w_ek` element by element, and flag the planes that hold any."""
    nz, ny, width = c.shape
    flat = c.reshape(nz * ny * width)
    plane = ny * width
    for k in range(nz):
        if flagged[k]:
            c[k] = 0
            flagged[k] = 0
    for e in range(g.size):
        for m in range(start[e], start[e + 1]):
            flat[at[m]] += np.float32(g[e] * w[m])
            flagged[at[m] // plane] = 1


@kernel
def _coarse_plane(cx, cy, cz, co, gx, gy, gz, own, half, k):  # type: ignore[no-untyped-def]
    """Add up one plane of coarse faces and own conductances."""
    nz, ny, nx = gx.shape[0], gx.shape[1], gx.shape[2] - 2
    mz, my, mx = cx.shape[0], cx.shape[1], cx.shape[2] - 2
    sz, sy, sx = (nz + mz - 1) // mz, (ny + my - 1) // my, (nx + mx - 1) // mx
    last_k = min(sz * k + sz, nz)
    for j in range(my):
        last_j = min(sy * j + sy, ny)
        to_x, to_y, to_z, to_o = cx[k, j], cy[k, j], cz[k, j], co[k, j]
        to_x[:] = 0
        to_y[:] = 0
        to_z[:] = 0
        to_o[:] = 0
        for kk in range(sz * k, last_k):
            for jj in range(sy * j, last_j):
                row_x, row_o = gx[kk, jj], own[kk, jj]
                for i in range(mx):
                    to_x[i + 1] += half[0] * row_x[min(sx * i + sx, nx)]
                for s in range(sx):
                    for i in range((nx - s + sx - 1) // sx):
                        to_o[i + 1] += row_o[sx * i + s + 1]
        for kk in range(sz * k, last_k):
            row_y = gy[kk, last_j - 1]
            for s in range(sx):
                for i in range((nx - s + sx - 1) // sx):
                    to_y[i + 1] += half[1] * row_y[sx * i + s + 1]
        for jj in range(sy * j, last_j):
            row_z = gz[last_k - 1, jj]
            for s in range(sx):
                for i in range((nx - s + sx - 1) // sx):
                    to_z[i + 1] += half[2] * row_z[sx * i + s + 1]
        to_x[0] = to_x[mx]


@kernel
def _coarse_plane_of(total, flagged, fine, fine_flagged, k):  # type: ignore[no-untyped-def]
    """Add up one plane of a cell quantity whose plane is flagged where it is not all zero."""
    nz, ny, nx = fine.shape[0], fine.shape[1], fine.shape[2] - 2
    mz, my, mx = total.shape[0], total.shape[1], total.shape[2] - 2
    sz, sy, sx = (nz + mz - 1) // mz, (ny + my - 1) // my, (nx + mx - 1) // mx
    if flagged[k]:
        total[k] = 0
        flagged[k] = 0
    for kk in range(sz * k, min(sz * k + sz, nz)):
        if fine_flagged[kk]:
            flagged[k] = 1
            for j in range(ny):
                to, row = total[k, j // sy], fine[kk, j]
                for s in range(sx):
                    for i in range((nx - s + sx - 1) // sx):
                        to[i + 1] += row[sx * i + s + 1]


@parallel_kernel
def coarsen(cx, cy, cz, co, gx, gy, gz, own, half):  # type: ignore[no-untyped-def]
    """Add up the coarse faces and own conductances of a level."""
    for k in prange(cx.shape[0]):
        _coarse_plane(cx, cy, cz, co, gx, gy, gz, own, half, k)


@kernel
def coarsen_elements(total, flagged, fine, fine_flagged):  # type: ignore[no-untyped-def]
    """Add up the lumped elements of a level."""
    for k in range(total.shape[0]):
        _coarse_plane_of(total, flagged, fine, fine_flagged, k)


@kernel
def _diagonal_plane(d, live, gx, gy, gz, own, c, floor, k):  # type: ignore[no-untyped-def]
    """Add up one plane of the diagonal."""
    nz, ny, nx = gx.shape[0], gx.shape[1], gx.shape[2] - 2
    some = False
    for j in range(ny):
        row_d, row_o, row_c = d[k, j], own[k, j], c[k, j]
        row_x, row_y, row_z = gx[k, j], gy[k, j], gz[k, j]
        before, below = gy[k, j - 1 if j > 0 else ny - 1], gz[k - 1 if k > 0 else nz - 1, j]
        for i in range(1, nx + 1):
            total = row_x[i - 1] + row_x[i] + before[i] + row_y[i] + below[i] + row_z[i] + row_o[i] + row_c[i]
            some |= total > 0
            row_d[i] = total + floor if total > 0 else VOID
    live[k] = some


@parallel_kernel
def diagonal(d, live, gx, gy, gz, own, c, floor):  # type: ignore[no-untyped-def]
    """Add up the diagonal of a level and tell which planes hold any conductance."""
    for k in prange(d.shape[0]):
        _diagonal_plane(d, live, gx, gy, gz, own, c, floor, k)
