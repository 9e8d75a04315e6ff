"""The halves of a V-cycle on one level, by red-black Gauss-Seidel: smooth and restrict, prolong and
smooth.

Arrays come as planes here, (nz, ny (nx + 2)): loops run over all the rows of a plane at once and keep the cells of
one colour by a mask, which costs half of what loops over single rows of half as many cells do.

The last cells relaxed before a restriction are black, so they have no residual; the red ones, relaxed
once from zero, have that of their black neighbours alone. The seam of an odd axis joins cells of one colour: such a
level, and one that is swept more than once, counts all of it (`full`).

The finest level goes through memory once each way: the steps follow one another plane by plane. The
coarse levels live in the cache and are smoothed more often.
"""

from __future__ import annotations

import numpy as np

from phasefield.kernels._jit import kernel, parallel_kernel, prange

NONE = np.float32(0)  # of the metal's value
ALL = np.float32(1)
POSITIVE = 2**62 - 1  # an index masked by it cannot be negative, for all the compiler knows


@kernel
def _wrap(u, k, ny):  # type: ignore[no-untyped-def]
    width = u.shape[1] // ny
    for at in range(0, ny * width, width):
        u[k, at] = u[k, at + width - 2]
        u[k, at + width - 1] = u[k, at + 1]


@kernel
def _part(part, ny, width):  # type: ignore[no-untyped-def]
    """Return the first row, those in between or the last: where it begins, its neighbours' rows, and its length."""
    if part == 1:
        at, before, behind, n = width, 0, 2 * width, (ny - 2) * width - 2
    elif part == 0:
        at, before, behind, n = 0, (ny - 1) * width, width if ny > 1 else 0, width - 2
    else:
        at, before, behind, n = (ny - 1) * width, (ny - 2) * width, 0, width - 2 if ny > 1 else 0
    return at & POSITIVE, before & POSITIVE, behind & POSITIVE, n


@kernel
def _first_red(u, b, inv, mask, k, ny):  # type: ignore[no-untyped-def]
    """Relax the red cells of a plane from zero, `u = b / d`."""
    for t in range(u.shape[1]):
        u[k, t] = mask[k & 1, t] * b[k, t] * inv[k, t]
    _wrap(u, k, ny)


@kernel
def _relax(u, b, gx, gy, gz, inv, mask, c, u_s, work, colour, k, ny):  # type: ignore[no-untyped-def]
    """Relax the cells of one colour of a plane: `u = (b + c u_s + sum g u') / d`."""
    nz, width = u.shape[0], u.shape[1] // ny
    kb, ka = k - 1 if k > 0 else nz - 1, k + 1 if k < nz - 1 else 0
    kept = (k + colour) & 1
    right, kr = b, k
    if u_s != 0:
        right, kr = work, 1
        for t in range(u.shape[1]):
            work[1, t] = b[k, t] + c[k, t] * u_s
    for part in range(3):
        at, before, behind, n = _part(part, ny, width)
        for t in range(n):
            along_x = gx[k, at + t] * u[k, at + t] + gx[k, at + t + 1] * u[k, at + t + 2]
            along_y = gy[k, before + t + 1] * u[k, before + t + 1] + gy[k, at + t + 1] * u[k, behind + t + 1]
            along_z = gz[kb, at + t + 1] * u[kb, at + t + 1] + gz[k, at + t + 1] * u[ka, at + t + 1]
            new = (right[kr, at + t + 1] + along_x + along_y + along_z) * inv[k, at + t + 1]
            work[0, t] = new if mask[kept, at + t + 1] != 0 else u[k, at + t + 1]
        for t in range(n):
            u[k, at + t + 1] = work[0, t]
    _wrap(u, k, ny)


@kernel
def _restrict(coarse_b, u, b, gx, gy, gz, d, mask, c, flagged, live, full, work, k):  # type: ignore[no-untyped-def]
    """Add up the residual over the cells of one coarse plane; return `sum c u` over them. b and coarse_b in rows."""
    nz, ny, nx = b.shape[0], b.shape[1], b.shape[2] - 2
    mz, my, mx = coarse_b.shape[0], coarse_b.shape[1], coarse_b.shape[2] - 2
    sz, sy, sx = (nz + mz - 1) // mz, (ny + my - 1) // my, (nx + mx - 1) // mx
    width = nx + 2
    used, metal = False, False
    for kk in range(sz * k, min(sz * k + sz, nz)):
        if not live[kk]:
            continue
        if not used:
            used = True
            work[2] = 0
        kb, ka = kk - 1 if kk > 0 else nz - 1, kk + 1 if kk < nz - 1 else 0
        for part in range(3):
            at, before, behind, n = _part(part, ny, width)
            for t in range(n):
                along_x = gx[kk, at + t] * u[kk, at + t] + gx[kk, at + t + 1] * u[kk, at + t + 2]
                along_y = gy[kk, before + t + 1] * u[kk, before + t + 1] + gy[kk, at + t + 1] * u[kk, behind + t + 1]
                along_z = gz[kb, at + t + 1] * u[kb, at + t + 1] + gz[kk, at + t + 1] * u[ka, at + t + 1]
                work[2, at + t + 1] += (along_x + along_y + along_z) * (ALL if full else mask[kk & 1, at + t + 1])
        if full:
            for j in range(ny):
                for i in range(1, nx + 1):
                    work[2, j * width + i] += b[kk, j, i] - d[kk, j * width + i] * u[kk, j * width + i]
        if flagged[kk]:
            if not metal:
                metal = True
                work[3] = 0
            for t in range(width * ny):
                work[3, t] += c[kk, t] * u[kk, t]
    if not used:
        return 0.0
    to_metal = 0.0
    for coarse_j in range(my):
        coarse_b[k, coarse_j] = 0
        for j in range(sy * coarse_j, min(sy * coarse_j + sy, ny)):
            at = (j * width) & POSITIVE
            if sx == 2:
                for i in range(nx // 2):
                    coarse_b[k, coarse_j, i + 1] += work[2, at + 2 * i + 1] + work[2, at + 2 * i + 2]
                if nx % 2:
                    coarse_b[k, coarse_j, mx] += work[2, at + nx]
            else:
                for i in range(nx):
                    coarse_b[k, coarse_j, i + 1] += work[2, at + i + 1]
    if metal:
        for j in range(1, ny):
            at = (j * width) & POSITIVE
            for i in range(1, nx + 1):
                work[3, i] += work[3, at + i]
        for i in range(1, nx + 1):
            to_metal += np.float64(work[3, i])
    return to_metal


@kernel
def _prolong(u, coarse_u, k, ny):  # type: ignore[no-untyped-def]
    """Add the coarse correction, given in rows, to one plane."""
    nz, width = u.shape[0], u.shape[1] // ny
    nx = width - 2
    mz, my, mx = coarse_u.shape[0], coarse_u.shape[1], coarse_u.shape[2] - 2
    sz, sy, sx = (nz + mz - 1) // mz, (ny + my - 1) // my, (nx + mx - 1) // mx
    ck = k // sz
    for j in range(ny):
        cj, at = j // sy, (j * width) & POSITIVE
        if sx == 2:
            for i in range(nx // 2):
                u[k, at + 2 * i + 1] += coarse_u[ck, cj, i + 1]
                u[k, at + 2 * i + 2] += coarse_u[ck, cj, i + 1]
            if nx % 2:
                u[k, at + nx] += coarse_u[ck, cj, mx]
        else:
            for i in range(nx):
                u[k, at + i + 1] += coarse_u[ck, cj, i + 1]
    _wrap(u, k, ny)


@kernel
def _descend(coarse_b, partial, u, b, b_rows, gx, gy, gz, d, inv, mask, c, flagged, live, full, work, first, last):  # type: ignore[no-untyped-def]
    """Pre-smooth and restrict `first <= k < last` in one sweep, but for what needs the planes beyond."""
    nz, ny = b_rows.shape[0], b_rows.shape[1]
    sz = (nz + coarse_b.shape[0] - 1) // coarse_b.shape[0]
    lowest = first + 1 if first > 0 else 0
    highest = last - 1 if last < nz else nz
    coarse = first // sz + (1 if first > 0 else 0)
    for k in range(first, last + 1):
        if k < last and live[k]:
            _first_red(u, b, inv, mask, k, ny)
        if lowest <= k - 1 < highest and live[k - 1]:
            _relax(u, b, gx, gy, gz, inv, mask, c, NONE, work, 1, k - 1, ny)
        # a coarse plane is ready when the plane behind its last one is relaxed
        ready = min(sz * coarse + sz, nz - 1)
        while coarse < coarse_b.shape[0] and ready <= min(k - 1, highest - 1):
            partial[coarse] = _restrict(
                coarse_b, u, b_rows, gx, gy, gz, d, mask, c, flagged, live, full, work, coarse
            )  # fmt: skip
            coarse += 1
            ready = min(sz * coarse + sz, nz - 1)


@parallel_kernel
def descend(coarse_b, partial, u, b, b_rows, gx, gy, gz, d, inv, mask, c, flagged, live, full, work, bounds):  # type: ignore[no-untyped-def]
    """Pre-smooth and restrict a level, but for what needs both sides of a bound between threads."""
    for t in prange(bounds.size - 1):
        _descend(
            coarse_b, partial, u, b, b_rows, gx, gy, gz, d, inv, mask, c, flagged, live, full, work[t],
            bounds[t], bounds[t + 1],
        )  # fmt: skip


@kernel
def _ascend(u, coarse_u, b, gx, gy, gz, inv, mask, c, flagged, live, u_s, work, first, last, ny):  # type: ignore[no-untyped-def]
    """Prolong and post-smooth `first <= k < last` in one sweep, but for what needs the planes beyond."""
    nz = b.shape[0]
    inner = 1 if first > 0 else 0
    outer = 1 if last < nz else 0
    for k in range(first, last + 2):
        if k < last and live[k]:
            _prolong(u, coarse_u, k, ny)
        for colour in (1, 0):
            m = k - 2 + colour
            apart = 2 - colour
            if first + apart * inner <= m < last - apart * outer and live[m]:
                _relax(u, b, gx, gy, gz, inv, mask, c, u_s if flagged[m] else NONE, work, colour, m, ny)


@parallel_kernel
def ascend(u, coarse_u, b, gx, gy, gz, inv, mask, c, flagged, live, u_s, work, bounds, ny):  # type: ignore[no-untyped-def]
    """Prolong and post-smooth a level, but for what needs both sides of a bound between threads."""
    for t in prange(bounds.size - 1):
        _ascend(u, coarse_u, b, gx, gy, gz, inv, mask, c, flagged, live, u_s, work[t], bounds[t], bounds[t + 1], ny)


@parallel_kernel
def relax(u, b, gx, gy, gz, inv, mask, c, flagged, u_s, work, colour, planes, parts, ny):  # type: ignore[no-untyped-def]
    """Relax the cells of one colour of some planes."""
    for t in prange(parts):
        for m in range(t * planes.size // parts, (t + 1) * planes.size // parts):
            k = planes[m]
            _relax(u, b, gx, gy, gz, inv, mask, c, u_s if flagged[k] else NONE, work[t], colour, k, ny)


@parallel_kernel
def restrict(coarse_b, partial, u, b_rows, gx, gy, gz, d, mask, c, flagged, live, full, work, planes, parts):  # type: ignore[no-untyped-def]
    """Restrict the residual to some coarse planes; `partial` adds up `c u`."""
    for t in prange(parts):
        for m in range(t * planes.size // parts, (t + 1) * planes.size // parts):
            k = planes[m]
            partial[k] = _restrict(coarse_b, u, b_rows, gx, gy, gz, d, mask, c, flagged, live, full, work[t], k)


@parallel_kernel
def first_red(u, b, inv, mask, planes, ny):  # type: ignore[no-untyped-def]
    """Relax the red cells of some planes from zero."""
    for t in prange(planes.size):
        _first_red(u, b, inv, mask, planes[t], ny)


@parallel_kernel
def prolong(u, coarse_u, planes, ny):  # type: ignore[no-untyped-def]
    """Add the coarse correction to some planes."""
    for t in prange(planes.size):
        _prolong(u, coarse_u, planes[t], ny)


@kernel
def descend_serial(coarse_b, u, b, b_rows, gx, gy, gz, d, inv, mask, c, flagged, live, full, work, sweeps):  # type: ignore[no-untyped-def]
    """Pre-smooth a small level from zero and restrict its residual; return the sum of `c u`."""
    nz, ny = b_rows.shape[0], b_rows.shape[1]
    for k in range(nz):
        if live[k]:
            _first_red(u, b, inv, mask, k, ny)
    for half_sweep in range(2 * sweeps - 1):
        for k in range(nz):
            if live[k]:
                _relax(u, b, gx, gy, gz, inv, mask, c, NONE, work, 1 - half_sweep % 2, k, ny)
    to_metal = 0.0
    for k in range(coarse_b.shape[0]):
        to_metal += _restrict(coarse_b, u, b_rows, gx, gy, gz, d, mask, c, flagged, live, full, work, k)
    return to_metal


@kernel
def ascend_serial(u, coarse_u, b, gx, gy, gz, inv, mask, c, flagged, live, u_s, work, sweeps, ny):  # type: ignore[no-untyped-def]
    """Add the coarse correction and post-smooth a small level."""
    nz = b.shape[0]
    for k in range(nz):
        if live[k]:
            _prolong(u, coarse_u, k, ny)
    for half_sweep in range(2 * sweeps):
        for k in range(nz):
            if live[k]:
                from_metal = u_s if flagged[k] else NONE
                _relax(u, b, gx, gy, gz, inv, mask, c, from_metal, work, 1 - half_sweep % 2, k, ny)
