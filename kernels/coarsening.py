"""The coefficients of a multigrid level: from the caller, lumped from the elements, added up coarser.

The layout of a level is told in `multigrid`.
"""

from __future__ import annotations

import numpy as np

from phasefield.kernels._jit import kernel, parallel_kernel, prange

VOID = np.float32(3e38)  # the diagonal of a cell without conductances: whatever is divided by it is 0
ZERO, HALF, ONE = np.float32(0), np.float32(0.5), np.float32(1)


@kernel
def _empty(fine_x, fine_y, fine_z, diag, row, k):  # type: ignore[no-untyped-def]
    """Tell whether a plane of the caller's coefficients is all zero."""
    for j in range(diag.shape[1]):
        for i in range(diag.shape[2]):
            row[i] = abs(fine_x[k, j, i]) + abs(fine_y[k, j, i]) + abs(fine_z[k, j, i]) + np.float32(diag[k, j, i])
        for i in range(diag.shape[2]):
            if row[i] != 0:
                return False
    return True


@kernel
def _load_plane(gx, gy, gz, own, filled, fine_x, fine_y, fine_z, diag, periodic, row, k):  # type: ignore[no-untyped-def]
    """Copy one plane of the caller's coefficients into a level; return a measure of the largest."""
    _, ny, nx = fine_x.shape
    if _empty(fine_x, fine_y, fine_z, diag, row, k):
        if filled[k]:
            for a in (gx, gy, gz, own):
                a[k] = 0
            filled[k] = 0
        return np.float32(0)
    filled[k] = 1
    seam_x = np.float32(periodic and nx > 1)
    row[:] = 0
    for j in range(ny):
        keep_y = np.float32(j < ny - 1 or (periodic and ny > 1))
        for i in range(nx):
            gx[k, j, i + 1] = fine_x[k, j, i]
            gy[k, j, i + 1] = keep_y * fine_y[k, j, i]
            gz[k, j, i + 1] = fine_z[k, j, i]
            own[k, j, i + 1] = diag[k, j, i]
            total = fine_x[k, j, i] + fine_y[k, j, i] + fine_z[k, j, i] + np.float32(diag[k, j, i])
            row[i] = total if total > row[i] else row[i]
        gx[k, j, nx] *= seam_x
        gx[k, j, 0] = gx[k, j, nx]
    return row.max()


@parallel_kernel
def load(gx, gy, gz, own, filled, largest, fine_x, fine_y, fine_z, diag, periodic, rows):  # type: ignore[no-untyped-def]
    """Copy the caller's coefficients into a level; `largest[k]` tells the size of those of a plane."""
    for k in prange(gx.shape[0]):
        largest[k] = _load_plane(
            gx, gy, gz, own, filled, fine_x, fine_y, fine_z, diag, periodic, rows[k], k
        )  # fmt: skip


@kernel
def lump(c, flagged, start, at, w, g):  # type: ignore[no-untyped-def]
    """Add up `c_k = sum_e g_e w_ek` element by element, and flag the planes that hold any."""
    nz, ny, width = c.shape
    flat = c.ravel()
    plane = ny * width
    for k in range(nz):
        if flagged[k]:
            c[k] = 0
            flagged[k] = 0
    first, last = 0, 0  # of the cells of the plane that was flagged last: a division takes longer than the rest
    for e in range(g.size):
        for m in range(start[e], start[e + 1]):
            p = at[m]
            flat[p] += np.float32(g[e] * w[m])
            if p < first or p >= last:
                first = p // plane * plane
                last = first + plane
                flagged[p // plane] = 1


@kernel
def _coarse_plane(cx, cy, cz, co, filled, gx, gy, gz, own, fine_filled, k):  # type: ignore[no-untyped-def]
    """Add up one plane of coarse faces and own conductances."""
    nz, ny, nx = gx.shape[0], gx.shape[1], gx.shape[2] - 2
    mz, my, mx = cx.shape[0], cx.shape[1], cx.shape[2] - 2
    sz, sy, sx = (nz + mz - 1) // mz, (ny + my - 1) // my, (nx + mx - 1) // mx
    half_z, half_y, half_x = HALF if sz > 1 else ONE, HALF if sy > 1 else ONE, HALF if sx > 1 else ONE
    last_k = min(sz * k + sz, nz)
    some = False
    for kk in range(sz * k, last_k):
        some |= fine_filled[kk] != 0
    if not some and not filled[k]:
        return
    filled[k] = some
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
                    to_x[i + 1] += half_x * row_x[min(sx * i + sx, nx)]
                for s in range(sx):
                    for i in range((nx - s + sx - 1) // sx):
                        to_o[i + 1] += row_o[sx * i + s + 1]
        for kk in range(sz * k, last_k):
            row_y = gy[kk, last_j - 1]
            for s in range(sx):
                for i in range((nx - s + sx - 1) // sx):
                    to_y[i + 1] += half_y * row_y[sx * i + s + 1]
        for jj in range(sy * j, last_j):
            row_z = gz[last_k - 1, jj]
            for s in range(sx):
                for i in range((nx - s + sx - 1) // sx):
                    to_z[i + 1] += half_z * row_z[sx * i + s + 1]
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
def coarsen(cx, cy, cz, co, filled, gx, gy, gz, own, fine_filled):  # type: ignore[no-untyped-def]
    """Add up the coarse faces and own conductances of a level."""
    for k in prange(cx.shape[0]):
        _coarse_plane(cx, cy, cz, co, filled, gx, gy, gz, own, fine_filled, k)


@kernel
def coarsen_elements(total, flagged, fine, fine_flagged):  # type: ignore[no-untyped-def]
    """Add up the lumped elements of a level."""
    for k in range(total.shape[0]):
        _coarse_plane_of(total, flagged, fine, fine_flagged, k)


@kernel
def _diagonal_plane(d, inv, live, gx, gy, gz, own, c, filled, flagged, floor, row, k):  # type: ignore[no-untyped-def]
    """Add up one plane of the diagonal, and its inverse."""
    nz, ny, width = gx.shape
    kb = k - 1 if k > 0 else nz - 1
    if not (filled[k] or filled[kb] or flagged[k]):
        if live[k]:
            d[k] = VOID
            inv[k] = 0
        live[k] = 0
        return
    row[:] = 0
    for j in range(ny):
        jb = j - 1 if j > 0 else ny - 1
        for i in range(1, width - 1):
            along = gx[k, j, i - 1] + gx[k, j, i] + gy[k, jb, i] + gy[k, j, i] + gz[kb, j, i] + gz[k, j, i]
            total = along + own[k, j, i] + c[k, j, i]
            row[i] = total if total > row[i] else row[i]
            d[k, j, i] = total + floor if total > 0 else VOID
            inv[k, j, i] = ONE / (total + floor) if total > 0 else ZERO
    live[k] = row.max() > 0


@parallel_kernel
def diagonal(d, inv, live, gx, gy, gz, own, c, filled, flagged, floor, rows):  # type: ignore[no-untyped-def]
    """Add up the diagonal of a level and tell which planes hold any conductance."""
    for k in prange(d.shape[0]):
        _diagonal_plane(d, inv, live, gx, gy, gz, own, c, filled, flagged, floor, rows[k], k)


@kernel
def coarsen_serial(cx, cy, cz, co, filled, gx, gy, gz, own, fine_filled):  # type: ignore[no-untyped-def]
    """As `coarsen`, for a small level."""
    for k in range(cx.shape[0]):
        _coarse_plane(cx, cy, cz, co, filled, gx, gy, gz, own, fine_filled, k)


@kernel
def diagonal_serial(d, inv, live, gx, gy, gz, own, c, filled, flagged, floor, rows):  # type: ignore[no-untyped-def]
    """As `diagonal`, for a small level."""
    for k in range(d.shape[0]):
        _diagonal_plane(d, inv, live, gx, gy, gz, own, c, filled, flagged, floor, rows[0], k)
