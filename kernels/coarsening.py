"""The coefficients of a multigrid level: from the caller, lumped from the elements, added up coarser.

The layout of a level is told in `checkerboard`; `shape` is (nz, ny, nx), `filled` and `flagged` say which planes have
faces or own conductances, and surface elements.
"""

from __future__ import annotations

import numpy as np

from phasefield.kernels._jit import kernel, parallel_kernel, prange
from phasefield.kernels.checkerboard import POSITIVE, collect, fold, half, layout, split, wrap

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
def _wrap_faces(gx, gy, k, shape):  # type: ignore[no-untyped-def]
    for colour in range(2):
        wrap(gx, colour, k, shape[1], shape[2])
        wrap(gy, colour, k, shape[1], shape[2])


@kernel
def _load_plane(gx, gy, gz, own, filled, fine_x, fine_y, fine_z, diag, periodic, k, k0):  # type: ignore[no-untyped-def]
    """Copy one plane of the caller's coefficients into a level; return a measure of the largest."""
    ny, nx = diag.shape[1], diag.shape[2]
    row, most = np.zeros(nx, np.float32), np.zeros(nx, np.float32)
    if k < k0 or _empty(fine_x, fine_y, fine_z, diag, row, k):
        if filled[k]:
            for a in (gx, gy, gz, own):
                a[:, k] = 0
            filled[k] = 0
        return ZERO
    filled[k] = 1
    for j in range(ny):
        for i in range(nx):
            row[i] = diag[k, j, i]
        split(own, row, k, j, ny)
        for i in range(nx):
            total = fine_x[k, j, i] + fine_y[k, j, i] + fine_z[k, j, i] + row[i]
            most[i] = total if total > most[i] else most[i]
            row[i] = fine_x[k, j, i]
        row[nx - 1] *= np.float32(periodic and nx > 1)
        split(gx, row, k, j, ny)
        if j == ny - 1 and (not periodic or ny == 1):
            row[:] = 0
            split(gy, row, k, j, ny)
        else:
            split(gy, fine_y[k, j], k, j, ny)
        split(gz, fine_z[k, j], k, j, ny)
    _wrap_faces(gx, gy, k, diag.shape)
    return most.max()


@parallel_kernel
def load(gx, gy, gz, own, filled, largest, fine_x, fine_y, fine_z, diag, periodic, k0):  # type: ignore[no-untyped-def]
    """Copy the caller's coefficients, from plane k0 up, into a level; `largest[k]` tells the size of a plane's."""
    for k in prange(diag.shape[0]):
        largest[k] = _load_plane(gx, gy, gz, own, filled, fine_x, fine_y, fine_z, diag, periodic, k, k0)


@kernel
def lump(c, flagged, places, start, idx, w, g):  # type: ignore[no-untyped-def]
    """Add up `c_k = sum_e g_e w_ek` element by element, and flag the planes that hold any."""
    nz = c.shape[1]
    flat, plane = c.ravel(), places.size // nz
    for k in range(nz):
        if flagged[k]:
            c[:, k] = 0
            flagged[k] = 0
    first, last = 0, 0  # of the cells of the plane that was flagged last: a division takes longer than the rest
    for e in range(g.size):
        for m in range(start[e], start[e + 1]):
            cell = idx[m]
            flat[places[cell]] += np.float32(g[e] * w[m])
            if cell < first or cell >= last:
                k = cell // plane
                first, last = k * plane, k * plane + plane
                flagged[k] = 1


@kernel
def _coarse_plane(cx, cy, cz, co, filled, gx, gy, gz, own, mask, fine_filled, k, shape, coarse):  # type: ignore[no-untyped-def]
    """Add up one plane of coarse faces and own conductances."""
    nz, ny, nx = shape[0], shape[1], shape[2]
    sz, sy, sx = (nz + coarse[0] - 1) // coarse[0], (ny + coarse[1] - 1) // coarse[1], (nx + coarse[2] - 1) // coarse[2]
    half_z, half_y, half_x = HALF if sz > 1 else ONE, HALF if sy > 1 else ONE, HALF if sx > 1 else ONE
    last_k = min(sz * k + sz, nz)
    some = False
    for kk in range(sz * k, last_k):
        some |= fine_filled[kk] != 0
    if not some and not filled[k]:
        return
    filled[k] = some
    sums = np.zeros((4, 2, gx.shape[2]), np.float32)
    of_x, of_y, of_z, of_own = sums[0], sums[1], sums[2], sums[3]
    for colour in range(2):
        for kk in range(sz * k, last_k):
            side = mask[(kk + colour) & 1]
            fold(of_own, own[colour, kk], side, ONE, ONE, sx, shape)
            fold(of_x, gx[colour, kk], side, ZERO if sx == 2 else ONE, half_x, sx, shape)
            fold(of_y, gy[colour, kk], side, half_y, half_y, sx, shape)
        fold(of_z, gz[colour, last_k - 1], mask[(last_k - 1 + colour) & 1], half_z, half_z, sx, shape)
    if sx == 2 and nx % 2:  # the last cell of a row is alone
        for kk in range(sz * k, last_k):
            for j in range(ny):
                colour, at, n = half(kk, j, 0, ny, nx)
                of_x[0, at + n - 1] += half_x * gx[colour, kk, at + n - 1]
    collect(co, k, of_own, sx, True, shape, coarse)
    collect(cx, k, of_x, sx, True, shape, coarse)
    collect(cy, k, of_y, sx, False, shape, coarse)
    collect(cz, k, of_z, sx, True, shape, coarse)
    _wrap_faces(cx, cy, k, coarse)


@kernel
def _coarse_plane_of(total, flagged, fine, mask, fine_flagged, k, shape, coarse):  # type: ignore[no-untyped-def]
    """Add up one plane of a cell quantity whose plane is flagged where it is not all zero."""
    sz, sx = (shape[0] + coarse[0] - 1) // coarse[0], (shape[2] + coarse[2] - 1) // coarse[2]
    some = False
    for kk in range(sz * k, min(sz * k + sz, shape[0])):
        some |= fine_flagged[kk] != 0
    if not some and not flagged[k]:
        return
    flagged[k] = some
    sums = np.zeros((2, fine.shape[2]), np.float32)
    for colour in range(2):
        for kk in range(sz * k, min(sz * k + sz, shape[0])):
            fold(sums, fine[colour, kk], mask[(kk + colour) & 1], ONE, ONE, sx, shape)
    collect(total, k, sums, sx, True, shape, coarse)


@parallel_kernel
def coarsen(cx, cy, cz, co, filled, gx, gy, gz, own, mask, fine_filled, shape, coarse):  # type: ignore[no-untyped-def]
    """Add up the coarse faces and own conductances of a level."""
    for k in prange(coarse[0]):
        _coarse_plane(cx, cy, cz, co, filled, gx, gy, gz, own, mask, fine_filled, k, shape, coarse)


@kernel
def coarsen_elements(total, flagged, fine, mask, fine_flagged, shape, coarse):  # type: ignore[no-untyped-def]
    """Add up the lumped elements of a level."""
    for k in range(coarse[0]):
        _coarse_plane_of(total, flagged, fine, mask, fine_flagged, k, shape, coarse)


@kernel
def _diagonal_plane(d, inv, live, gx, gy, gz, own, c, mask, filled, flagged, floor, k, shape):  # type: ignore[no-untyped-def]
    """Add up one plane of the diagonal, and its inverse."""
    nz, ny, nx = shape[0], shape[1], shape[2]
    kb = k - 1 if k > 0 else nz - 1
    if not (filled[k] or filled[kb] or flagged[k]):
        if live[k]:
            d[:, k] = VOID
            inv[:, k] = 0
        live[k] = 0
        return
    width, at, count, _ = layout(ny, nx)
    left, before = (at - 1) & POSITIVE, (at - width) & POSITIVE
    for colour in range(2):
        o = 1 - colour
        x, x_other, y, y_other = gx[colour, k], gx[o, k], gy[colour, k], gy[o, k]
        z, z_below, mine, other = gz[colour, k], gz[o, kb], own[colour, k], c[colour, k]
        side, to, inverse = mask[(k + colour) & 1], d[colour, k], inv[colour, k]
        for t in range(count):
            even, odd = x_other[at + t], x_other[left + t]
            along = (even if side[at + t] > 0 else odd) + x[at + t] + y_other[before + t] + y[at + t]
            sum_ = along + z_below[at + t] + z[at + t] + mine[at + t] + other[at + t]
            total = sum_ if side[at + t] != 0 else ZERO
            to[at + t] = total + floor if total > 0 else VOID
            inverse[at + t] = ONE / (total + floor) if total > 0 else ZERO
    live[k] = _any(inv[0, k]) or _any(inv[1, k])


@kernel
def _any(plane):  # type: ignore[no-untyped-def]
    some = False
    for t in range(plane.size):
        if plane[t] != 0:
            some = True
            break
    return some


@parallel_kernel
def diagonal(d, inv, live, gx, gy, gz, own, c, mask, filled, flagged, floor, shape):  # type: ignore[no-untyped-def]
    """Add up the diagonal of a level and tell which planes hold any conductance."""
    for k in prange(shape[0]):
        _diagonal_plane(d, inv, live, gx, gy, gz, own, c, mask, filled, flagged, floor, k, shape)


@kernel
def coarsen_serial(cx, cy, cz, co, filled, gx, gy, gz, own, mask, fine_filled, shape, coarse):  # type: ignore[no-untyped-def]
    """As `coarsen`, for a small level."""
    for k in range(coarse[0]):
        _coarse_plane(cx, cy, cz, co, filled, gx, gy, gz, own, mask, fine_filled, k, shape, coarse)


@kernel
def diagonal_serial(d, inv, live, gx, gy, gz, own, c, mask, filled, flagged, floor, shape):  # type: ignore[no-untyped-def]
    """As `diagonal`, for a small level."""
    for k in range(shape[0]):
        _diagonal_plane(d, inv, live, gx, gy, gz, own, c, mask, filled, flagged, floor, k, shape)
