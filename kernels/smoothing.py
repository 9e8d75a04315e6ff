"""The halves of a V-cycle on one level, by red-black Gauss-Seidel: smooth and restrict, prolong and smooth.

The layout of a level is told in `checkerboard`; red is colour 0, `shape` is (nz, ny, nx).

The last cells relaxed before a restriction are black, so they have no residual; the red ones, relaxed
once from zero, have that of their black neighbours alone. What is prolonged to black cells is relaxed away. The seam of
an odd axis joins cells of one colour: such a level, and one that is swept more than once, counts all of it (`full`).

A level that is swept once goes through memory once each way: the steps follow one another plane by plane. The
coarse levels live in the cache and are smoothed more often.
"""

from __future__ import annotations

import numpy as np

from phasefield.kernels._jit import kernel, parallel_kernel, prange
from phasefield.kernels.checkerboard import NONE, ONE, POSITIVE, collect, expand, fold, layout, wrap

TWO, THREE = np.float32(2), np.float32(3)
LEAST = np.float32(1e-37)  # keeps 0/0 of closed faces from being formed
SCRATCH = 4  # planes of work for a thread


@kernel
def first_red(u, b, inv, k, shape):  # type: ignore[no-untyped-def]
    """Relax the red cells of a plane from zero, `u = b / d`."""
    _, at, count, _ = layout(shape[1], shape[2])
    to, right, scale = u[0, k], b[0, k], inv[0, k]
    for t in range(count):
        to[at + t] = right[at + t] * scale[at + t]
    wrap(u, 0, k, shape[1], shape[2])


@kernel
def _around(other, below, above, x, x_other, y, y_other, z, z_below, side, t, left, before, behind):  # type: ignore[no-untyped-def]
    """Return `sum g u'` over the neighbours of the cell at t along x, y and z; their places: left, before, behind."""
    even = x_other[t] * other[t] + x[t] * other[t + 1]
    odd = x_other[left] * other[left] + x[t] * other[t]
    along_y = y_other[before] * other[before] + y[t] * other[behind]
    return even if side[t] > 0 else odd, along_y, z_below[t] * below[t] + z[t] * above[t]


@kernel
def relax(u, b, gx, gy, gz, inv, mask, c, u_s, work, colour, k, shape):  # type: ignore[no-untyped-def]
    """Relax the cells of one colour of a plane: `u = (b + c u_s + sum g u') / d`."""
    nz, ny, nx = shape[0], shape[1], shape[2]
    width, at, count, _ = layout(ny, nx)
    left, before, behind = (at - 1) & POSITIVE, (at - width) & POSITIVE, (at + width) & POSITIVE
    kb, ka, o = k - 1 if k > 0 else nz - 1, k + 1 if k < nz - 1 else 0, 1 - colour
    right = b[colour, k]
    if u_s != 0:
        plain, share = right, c[colour, k]
        right = work[0]
        for t in range(count):
            right[at + t] = plain[at + t] + share[at + t] * u_s
    to, other, below, above = u[colour, k], u[o, k], u[o, kb], u[o, ka]
    scale, side = inv[colour, k], mask[(k + colour) & 1]
    x, x_other, y, y_other, z, z_below = gx[colour, k], gx[o, k], gy[colour, k], gy[o, k], gz[colour, k], gz[o, kb]
    for t in range(count):
        along_x, along_y, along_z = _around(
            other, below, above, x, x_other, y, y_other, z, z_below, side, at + t, left + t, before + t, behind + t
        )  # fmt: skip
        to[at + t] = (right[at + t] + along_x + along_y + along_z) * scale[at + t]
    wrap(u, colour, k, ny, nx)


@kernel
def restrict(coarse_b, u, b, gx, gy, gz, d, mask, c, flagged, live, full, work, k, shape, coarse):  # type: ignore[no-untyped-def]
    """Add up the residual over the cells of one coarse plane; return `sum c u` over them."""
    nz, ny, nx = shape[0], shape[1], shape[2]
    sz, sx = (nz + coarse[0] - 1) // coarse[0], (nx + coarse[2] - 1) // coarse[2]
    width, at, count, _ = layout(ny, nx)
    left, before, behind = (at - 1) & POSITIVE, (at - width) & POSITIVE, (at + width) & POSITIVE
    used, metal = False, False
    rest, share, sums = work[0], work[1], work[2:]
    for kk in range(sz * k, min(sz * k + sz, nz)):
        if not live[kk]:
            continue
        if not used:
            used = True
            sums[:] = 0
        kb, ka = kk - 1 if kk > 0 else nz - 1, kk + 1 if kk < nz - 1 else 0
        for colour in range(2 if full else 1):
            o = 1 - colour
            other, below, above, side = u[o, kk], u[o, kb], u[o, ka], mask[(kk + colour) & 1]
            x, x_other, y, y_other = gx[colour, kk], gx[o, kk], gy[colour, kk], gy[o, kk]
            z, z_below = gz[colour, kk], gz[o, kb]
            for t in range(count):
                along_x, along_y, along_z = _around(
                    other, below, above, x, x_other, y, y_other, z, z_below, side, at + t, left + t, before + t,
                    behind + t,
                )  # fmt: skip
                rest[at + t] = along_x + along_y + along_z
            if full:
                mine, right, by = u[colour, kk], b[colour, kk], d[colour, kk]
                for t in range(count):
                    rest[at + t] += right[at + t] - by[at + t] * mine[at + t]
            fold(sums, rest, side, ONE, ONE, sx, shape)
        if flagged[kk]:
            if not metal:
                metal = True
                share[:] = 0
            for colour in range(2):
                mine, by = u[colour, kk], c[colour, kk]
                for t in range(count):
                    share[at + t] += by[at + t] * mine[at + t]
    if not used:
        return 0.0
    collect(coarse_b, k, sums, sx, True, shape, coarse)
    to_metal = 0.0
    if metal:
        for first in range(at + width, at + ny * width, width):
            for t in range(width):
                share[at + t] += share[(first + t) & POSITIVE]
        for t in range(width):
            to_metal += np.float64(share[at + t])
    return to_metal


@kernel
def _weight(toward, away):  # type: ignore[no-untyped-def]
    """Weight of the next coarse cell in a linear interpolation: 1/4 between equal faces, 0 behind a closed one."""
    return toward / max(toward + THREE * away, LEAST)


@kernel
def interpolate(to, here, next_, x, x_other, y, y_other, toward, away, side, rows, along, shape):  # type: ignore[no-untyped-def]
    """Add to the cells of one colour of a plane what coarse cells have there, linearly between them.

    here, next_: what `expand` gives of this coarse plane and the next one; x, y and x_other, y_other: faces of this
    colour and the other; toward, away: faces to the next coarse plane and from it; rows: 1 where the even cells are in
    even rows, -1 in odd ones; along: 1 for an axis that is coarsened, 0 for another.
    """
    width, at, count, _ = layout(shape[1], shape[2])
    left, before, behind = (at - 1) & POSITIVE, (at - width) & POSITIVE, (at + width) & POSITIVE
    even, odd, even_next, odd_next = here[0], here[1], next_[0], next_[1]
    for t in range(count):
        is_even, is_first = side[at + t] > 0, side[at + t] * rows > 0
        e, o, e_next, o_next = even[at + t], odd[at + t], even_next[at + t], odd_next[at + t]
        e_before, e_behind, o_before, o_behind = even[before + t], even[behind + t], odd[before + t], odd[behind + t]
        x_even, x_odd, ahead = x_other[at + t], x_other[left + t], x[at + t]
        above, below = y_other[before + t], y[at + t]
        back = x_even if is_even else x_odd
        w_x = along[2] * _weight(back if is_even else ahead, ahead if is_even else back)
        w_y = along[1] * _weight(above if is_first else below, below if is_first else above)
        w_z = along[0] * _weight(toward[at + t], away[at + t])
        mid, beside, over = e if is_even else o, o if is_even else e, e_next if is_even else o_next
        up, down = e_before if is_even else o_before, e_behind if is_even else o_behind
        to[at + t] += mid + w_x * (beside - mid) + w_y * ((up if is_first else down) - mid) + w_z * (over - mid)


@kernel
def prolong(u, coarse_u, gx, gy, gz, mask, live, work, k, shape, coarse):  # type: ignore[no-untyped-def]
    """Add one plane of the coarse correction: to red cells, and to the black ones that a seam joins to black."""
    nz, ny, nx = shape[0], shape[1], shape[2]
    steps = [(shape[a] + coarse[a] - 1) // coarse[a] for a in range(3)]
    sz, sx = steps[0], steps[2]
    along = np.array([np.float32(s - 1) for s in steps])
    here, next_ = work[:2], work[2:]
    expand(here[0], here[1], coarse_u, k, sx, shape, coarse)
    for kk in range(sz * k, min(sz * k + sz, nz)):
        if not live[kk]:
            continue
        kb, above = kk - 1 if kk > 0 else nz - 1, kk % 2 == 1 or sz == 1
        expand(next_[0], next_[1], coarse_u, min(k + 1, coarse[0] - 1) if above else max(k - 1, 0), sx, shape, coarse)
        for colour in range(2 if ny % 2 or nx % 2 else 1):
            o, q = 1 - colour, (kk + colour) & 1
            ahead, back = gz[colour, kk], gz[o, kb]
            interpolate(
                u[colour, kk], here, next_, gx[colour, kk], gx[o, kk], gy[colour, kk], gy[o, kk],
                ahead if above else back, back if above else ahead, mask[q], ONE - TWO * np.float32(q), along, shape,
            )  # fmt: skip
            wrap(u, colour, kk, ny, nx)


@kernel
def descend(  # type: ignore[no-untyped-def]
    coarse_b, partial, u, b, gx, gy, gz, d, inv, mask, c, flagged, live, full, work, first, last, shape, coarse,
):  # fmt: skip
    """Pre-smooth and restrict `first <= k < last` in one sweep, but for what needs the planes beyond."""
    nz = shape[0]
    sz = (nz + coarse[0] - 1) // coarse[0]
    lowest = first + 1 if first > 0 else 0
    highest = last - 1 if last < nz else nz
    m = first // sz + (1 if first > 0 else 0)
    for k in range(first, last + 1):
        if k < last and live[k]:
            first_red(u, b, inv, k, shape)
        if lowest <= k - 1 < highest and live[k - 1]:
            relax(u, b, gx, gy, gz, inv, mask, c, NONE, work, 1, k - 1, shape)
        # a coarse plane is ready when the plane behind its last one is relaxed
        while m < coarse[0] and min(sz * m + sz, nz - 1) <= min(k - 1, highest - 1):
            partial[m] = restrict(
                coarse_b, u, b, gx, gy, gz, d, mask, c, flagged, live, full, work, m, shape, coarse
            )  # fmt: skip
            m += 1


@kernel
def ascend(u, coarse_u, b, gx, gy, gz, inv, mask, c, flagged, live, u_s, work, first, last, shape, coarse):  # type: ignore[no-untyped-def]
    """Prolong and post-smooth `first <= k < last` in one sweep, but for what needs the planes beyond."""
    inner = 1 if first > 0 else 0
    outer = 1 if last < shape[0] else 0
    sz = (shape[0] + coarse[0] - 1) // coarse[0]
    for k in range(first, last + 2):
        if k < last and k % sz == 0:
            prolong(u, coarse_u, gx, gy, gz, mask, live, work, k // sz, shape, coarse)
        for colour in (1, 0):
            m = k - 2 + colour
            apart = 2 - colour
            if first + apart * inner <= m < last - apart * outer and live[m]:
                relax(u, b, gx, gy, gz, inv, mask, c, u_s if flagged[m] else NONE, work, colour, m, shape)


@parallel_kernel
def descend_parts(  # type: ignore[no-untyped-def]
    coarse_b, partial, u, b, gx, gy, gz, d, inv, mask, c, flagged, live, full, work, bounds, shape, coarse,
):  # fmt: skip
    """Pre-smooth and restrict a level, but for what needs both sides of a bound between threads."""
    for t in prange(bounds.size - 1):
        descend(
            coarse_b, partial, u, b, gx, gy, gz, d, inv, mask, c, flagged, live, full, work[t],
            bounds[t], bounds[t + 1], shape, coarse,
        )  # fmt: skip


@parallel_kernel
def ascend_parts(u, coarse_u, b, gx, gy, gz, inv, mask, c, flagged, live, u_s, work, bounds, shape, coarse):  # type: ignore[no-untyped-def]
    """Prolong and post-smooth a level, but for what needs both sides of a bound between threads."""
    for t in prange(bounds.size - 1):
        ascend(
            u, coarse_u, b, gx, gy, gz, inv, mask, c, flagged, live, u_s, work[t], bounds[t], bounds[t + 1],
            shape, coarse,
        )  # fmt: skip


@parallel_kernel
def relax_planes(u, b, gx, gy, gz, inv, mask, c, flagged, u_s, work, colour, planes, parts, shape):  # type: ignore[no-untyped-def]
    """Relax the cells of one colour of some planes."""
    for t in prange(parts):
        for m in range(t * planes.size // parts, (t + 1) * planes.size // parts):
            k = planes[m]
            relax(u, b, gx, gy, gz, inv, mask, c, u_s if flagged[k] else NONE, work[t], colour, k, shape)


@parallel_kernel
def restrict_planes(  # type: ignore[no-untyped-def]
    coarse_b, partial, u, b, gx, gy, gz, d, mask, c, flagged, live, full, work, planes, parts, shape, coarse,
):  # fmt: skip
    """Restrict the residual to some coarse planes; `partial` adds up `c u`."""
    for t in prange(parts):
        for m in range(t * planes.size // parts, (t + 1) * planes.size // parts):
            k = planes[m]
            partial[k] = restrict(
                coarse_b, u, b, gx, gy, gz, d, mask, c, flagged, live, full, work[t], k, shape, coarse
            )  # fmt: skip


@parallel_kernel
def first_red_planes(u, b, inv, planes, shape):  # type: ignore[no-untyped-def]
    """Relax the red cells of some planes from zero."""
    for t in prange(planes.size):
        first_red(u, b, inv, planes[t], shape)


@parallel_kernel
def prolong_planes(u, coarse_u, gx, gy, gz, mask, live, work, parts, shape, coarse):  # type: ignore[no-untyped-def]
    """Add the coarse correction."""
    for t in prange(parts):
        for k in range(t * coarse[0] // parts, (t + 1) * coarse[0] // parts):
            prolong(u, coarse_u, gx, gy, gz, mask, live, work[t], k, shape, coarse)


@kernel
def descend_serial(  # type: ignore[no-untyped-def]
    coarse_b, partial, u, b, gx, gy, gz, d, inv, mask, c, flagged, live, full, work, sweeps, shape, coarse,
):  # fmt: skip
    """Pre-smooth a small level from zero and restrict its residual; `partial` adds up `c u`."""
    nz = shape[0]
    if sweeps == 1:
        descend(coarse_b, partial, u, b, gx, gy, gz, d, inv, mask, c, flagged, live, full, work, 0, nz, shape, coarse)
        return
    for k in range(nz):
        if live[k]:
            first_red(u, b, inv, k, shape)
    for half_sweep in range(2 * sweeps - 1):
        for k in range(nz):
            if live[k]:
                relax(u, b, gx, gy, gz, inv, mask, c, NONE, work, 1 - half_sweep % 2, k, shape)
    for k in range(coarse[0]):
        partial[k] = restrict(coarse_b, u, b, gx, gy, gz, d, mask, c, flagged, live, full, work, k, shape, coarse)


@kernel
def ascend_serial(u, coarse_u, b, gx, gy, gz, inv, mask, c, flagged, live, u_s, work, sweeps, shape, coarse):  # type: ignore[no-untyped-def]
    """Add the coarse correction and post-smooth a small level."""
    nz = shape[0]
    if sweeps == 1:
        ascend(u, coarse_u, b, gx, gy, gz, inv, mask, c, flagged, live, u_s, work, 0, nz, shape, coarse)
        return
    for k in range(coarse[0]):
        prolong(u, coarse_u, gx, gy, gz, mask, live, work, k, shape, coarse)
    for half_sweep in range(2 * sweeps):
        for k in range(nz):
            if live[k]:
                from_metal = u_s if flagged[k] else NONE
                relax(u, b, gx, gy, gz, inv, mask, c, from_metal, work, 1 - half_sweep % 2, k, shape)
