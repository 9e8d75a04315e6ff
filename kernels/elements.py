"""Surface elements: where a grid line crosses d = 0. They gather fields, react, and give back what they took.

See docs/design.md. An element's weights are the change of h from face to face along its line, h_{f+} - h_{f-} =
(h_{+1} - h_{-1})/2, normalised to 1: a linear profile through the interface then is an exact discrete solution.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from phasefield.kernels._jit import kernel, parallel_kernel, prange
from phasefield.kernels.front import _corners, _curvature, _gradient, _phase
from phasefield.kernels.transport import floored, opened

Array = np.ndarray[Any, Any]

BESIDE = 2.5  # a crossing lies beside cells nearer than this many spacings; 1 for a true distance
STEEP = 0.25  # an axis takes part in the partition where n_a^2 > STEEP; max n_a^2 >= 1/3 always
LONGEST = 96  # cells in one element at most: 2 x 6 W / (n_a dx) = 96 at W = 4 dx
PARTS = 256  # of the band, counted and written side by side
MOST = 2.0  # times what its own lines bring: what a cell holds of the surface beyond it goes to its closest point
BEND = 0.11  # of x: how the way ahead of the surface falls short of the square root (flat, W = dx/2), 2 % at x < 3
APART = 101  # from one part to the next of a thread: the surface lies in the middle of the band


@kernel
def _partition(n):  # type: ignore[no-untyped-def]
    return max(n * n - STEEP, 0.0) ** 2


@kernel
def _line_through_interface(line, weight, flat, fh, base, here, size, step, into, wraps):  # type: ignore[no-untyped-def]
    """Write the cells of the line through the interface, and how h changes in each; return how many, and the sum.

    From the crossing between `here` and the next cell into lithium and into electrolyte, while h changes.
    """
    length = 0
    total = 0.0
    for side in range(2):
        direction = into if side == 0 else -into
        c = here if direction < 0 else here + 1
        if c == size:
            c = 0  # only a line that wraps begins there
        while length < LONGEST:
            above, below = c + 1, c - 1
            if above == size:
                above = 0 if wraps else c
            if below < 0:
                below = size - 1 if wraps else c
            r = base + c * step
            if (flat[r] > 0.0) != (side == 0):
                break
            up, down = (above, below) if into > 0 else (below, above)
            g = 0.5 * (fh[base + up * step] - fh[base + down * step])
            if g <= 0.0:
                break
            line[length] = r
            weight[length] = g
            total += g
            length += 1
            following = above if direction > 0 else below
            if following == c or (wraps and length >= size):
                break
            c = following
    return length, total


@kernel
def _next(L, k, j, i, axis):  # type: ignore[no-untyped-def]
    """Return the next cell along an axis, its flat index and where it is; at an end the cell itself."""
    if axis == 0:
        k = L.zp[k]
    elif axis == 1:
        j = L.yp[j]
    else:
        i = L.xp[i]
    return (k * L.ny + j) * L.nx + i, k, j, i


@kernel
def _element(line, weight, f, fh, k, j, i, axis, L, periodic):  # type: ignore[no-untyped-def]
    """Find the cells and weights of the element between the cell (k, j, i) and the next along an axis; f, fh: d and h.

    Return how many cells (0: no element), the sum of weights, the facet, and the crossing between the two.
    """
    p = (k * L.ny + j) * L.nx + i
    q, kq, jq, iq = _next(L, k, j, i, axis)
    if axis == 0:
        size, here, step = L.nz, k, L.ny * L.nx
    elif axis == 1:
        size, here, step = L.ny, j, L.nx
    else:
        size, here, step = L.nx, i, 1
    da, db = f[p], f[q]
    none = 0, 0.0, 0.0, 0.0
    s = da / (da - db)
    az, ay, ax = _gradient(f, L, k, j, i)
    bz, by, bx = _gradient(f, L, kq, jq, iq)
    mz = (1.0 - s) * az + s * bz
    my = (1.0 - s) * ay + s * by
    mx = (1.0 - s) * ax + s * bx
    size2 = mz * mz + my * my + mx * mx
    if size2 < 1e-6:
        return none
    norm = 1.0 / np.sqrt(size2)
    mz, my, mx = mz * norm, my * norm, mx * norm
    na = abs(mz) if axis == 0 else (abs(my) if axis == 1 else abs(mx))
    share = _partition(na)
    if share == 0.0:
        return none
    share /= _partition(mz) + _partition(my) + _partition(mx)
    into = 1 if da <= 0.0 else -1  # direction of rising d
    wraps = periodic and axis > 0
    length, total = _line_through_interface(line, weight, f, fh, p - here * step, here, size, step, into, wraps)
    if total <= 0.0:
        return none
    return length, total, L.dx * L.dx * share / na, s


@kernel
def _crossings(cells, first, last, f, L):  # type: ignore[no-untyped-def]
    """Return how often d, flat, changes its sign from cells[first:last] to the next cells along the axes."""
    count = 0
    for m in range(first, last):
        p = cells[m]
        if abs(f[p]) <= BESIDE * L.dx:
            k = p // (L.ny * L.nx)
            j = p // L.nx - k * L.ny
            i = p - (k * L.ny + j) * L.nx
            for axis in range(3):
                count += (f[p] <= 0.0) != (f[_next(L, k, j, i, axis)[0]] <= 0.0)
    return count


@kernel
def _write(length, line, weight, area, curv, owner, cells, first, last, f, fh, L, periodic):  # type: ignore[no-untyped-def]
    """Write the elements from cells[first:last] on; return how many, and their entries, or -1 if out of room.

    length[e]: cells of an element; line, weight: its cells and their weights, one element after the other.
    """
    e, used = 0, 0
    for m in range(first, last):
        p = cells[m]
        if abs(f[p]) > BESIDE * L.dx:
            continue
        k = p // (L.ny * L.nx)
        j = p // L.nx - k * L.ny
        i = p - (k * L.ny + j) * L.nx
        bend = np.nan  # the curvature in p, once there is an element
        for axis in range(3):
            q, kq, jq, iq = _next(L, k, j, i, axis)
            if (f[p] <= 0.0) == (f[q] <= 0.0):
                continue
            if used + LONGEST > line.size:
                return e, -1
            n, total, size, s = _element(line[used:], weight[used:], f, fh, k, j, i, axis, L, periodic)
            if n == 0:
                continue
            for t in range(used, used + n):
                weight[t] /= total
            if np.isnan(bend):
                bend = _curvature(f, L, k, j, i)
            curv[e] = (1.0 - s) * bend + s * _curvature(f, L, kq, jq, iq)
            length[e], area[e], owner[e] = n, size, p if f[p] <= 0.0 else q
            used += n
            e += 1
    return e, used


@parallel_kernel
def build(start, idx, w, facet, curv, owner, cells, n, d, h, L, periodic):  # type: ignore[no-untyped-def]
    """Write all elements, ordered by cell, then axis; return (number, entries), or (-1, -1) if out of room.

    facet[e] [m^2] = dx^2 psi_a(n) / |n_a|; curv[e] [1/m]; owner[e] = flat index of its lithium cell.
    `cells` holds at least all cells within 2 dx of the front, ascending. Parts of them are written apart from each
    other, where the crossings before a part leave room, and then put together.
    """
    f, fh = d.ravel(), h.ravel()
    room = np.zeros(PARTS + 1, np.int64)
    for turn in prange(PARTS):
        part = turn * APART % PARTS
        room[part + 1] = _crossings(cells, part * n // PARTS, (part + 1) * n // PARTS, f, L)
    for part in range(PARTS):
        room[part + 1] += room[part]
    if room[PARTS] + 1 > start.size:
        return -1, -1
    each = idx.size // max(room[PARTS], 1)  # entries a crossing has room for; the last of a part has LONGEST more
    length, own = np.empty((2, room[PARTS]), np.int64)
    size, bend = np.empty((2, room[PARTS]))
    line, weight = np.empty(idx.size + PARTS * LONGEST, np.int64), np.empty(idx.size + PARTS * LONGEST)
    counts = np.zeros(PARTS + 1, np.int64)
    entries = np.zeros(PARTS + 1, np.int64)
    for turn in prange(PARTS):
        part = turn * APART % PARTS
        a = room[part]
        here, end = a * each + part * LONGEST, room[part + 1] * each + (part + 1) * LONGEST
        counts[part + 1], entries[part + 1] = _write(
            length[a:], line[here:end], weight[here:end], size[a:], bend[a:], own[a:],
            cells, part * n // PARTS, (part + 1) * n // PARTS, f, fh, L, periodic,
        )  # fmt: skip
    if entries.min() < 0:
        return -1, -1
    for part in range(PARTS):
        counts[part + 1] += counts[part]
        entries[part + 1] += entries[part]
    if entries[PARTS] > idx.size:  # each part has room for an element more than its share
        return -1, -1
    start[0] = 0
    for part in prange(PARTS):
        a, b, used = room[part], counts[part], entries[part]
        here = a * each + part * LONGEST
        for t in range(entries[part + 1] - used):
            idx[used + t], w[used + t] = line[here + t], weight[here + t]
        for e in range(counts[part + 1] - b):
            facet[b + e], curv[b + e], owner[b + e] = size[a + e], bend[a + e], own[a + e]
            used += length[a + e]
            start[b + e + 1] = used
    return counts[PARTS], entries[PARTS]


@kernel
def measure(  # type: ignore[no-untyped-def]
    area, held, weight, facet, start, idx, w, n, touched, closest, cells, n_cells, d, W, closed, L, periodic
):  # fmt: skip
    """area[e] [m^2]: what the element has of sum (dh/dd) dV, the volume that h displaces when d falls.

    A cell gives what it has of it to the elements whose lines pass through it, in proportion to facet_e w_k; what is
    more than `MOST` times what they bring there, as in a gap between two surfaces, goes to its closest point first.
    The mean of dh/dd over one spacing makes a flat surface exact. held, weight: work, like d.
    """
    flat, to, by = d.ravel(), held.ravel(), weight.ravel()
    for m in range(n_cells):
        to[cells[m]] = 0.0
        by[cells[m]] = 0.0
    for m in range(touched.cells.size):
        p, brought = touched.cells[m], 0.0
        for r in range(touched.first[m], touched.first[m + 1]):
            brought += facet[touched.element[r]] * w[touched.entry[r]]
        to[p], by[p] = 0.0, brought
    scale = 1.0 / np.tanh(closed / (2.0 * W))
    half = 0.5 * L.dx
    for m in range(n_cells):
        p = cells[m]
        s = flat[p]
        if abs(s) >= closed + half:
            continue
        has = L.dx * L.dx * (_phase(s + half, scale, W, closed) - _phase(s - half, scale, W, closed))
        stays = min(has, MOST * by[p])
        to[p] += stays
        if has == stays:
            continue
        planes, rows, columns, a, b, c = _corners(d.shape, closest[m, 0], closest[m, 1], closest[m, 2], periodic)
        found = 0.0
        for turn in range(2):
            for corner in range(8):
                dk, dj, di = corner >> 2, (corner >> 1) & 1, corner & 1
                q = planes[dk] + rows[dj] + columns[di]
                if by[q] > 0.0:
                    part = (a if dk else 1.0 - a) * (b if dj else 1.0 - b) * (c if di else 1.0 - c)
                    if turn == 0:
                        found += part
                    elif found > 1e-3:
                        to[q] += (has - stays) * part / found
        if found <= 1e-3 and by[p] > 0.0:
            to[p] += has - stays
    for m in range(n_cells):
        if by[cells[m]] > 0.0:
            to[cells[m]] /= by[cells[m]]
    for e in range(n):
        total = 0.0
        for t in range(start[e], start[e + 1]):
            total += w[t] * to[idx[t]]
        area[e] = facet[e] * total


@kernel
def total(q, n):  # type: ignore[no-untyped-def]
    """sum(q) in a fixed order, in blocks, so that round-off stays small."""
    s = 0.0
    for b in range(0, n, 256):
        part = 0.0
        for e in range(b, min(b + 256, n)):
            part += q[e]
        s += part
    return s


@parallel_kernel
def gather(out, flat, start, idx, w):  # type: ignore[no-untyped-def]
    """out[e] = sum_k w_k f_k: the field at the surface, of the flat array of its cells."""
    for e in prange(out.size):
        s = 0.0
        for t in range(start[e], start[e + 1]):
            s += w[t] * flat[idx[t]]
        out[e] = s


class Touched(NamedTuple):
    """The entries of the elements by their cells, the transpose of `start` and `idx`.

    cells: flat indices, ascending; entry, element: from first[m] to first[m + 1] those of cells[m], in the elements'
    order, so that sums over them have that order on any number of threads.
    """

    cells: Array
    first: Array
    entry: Array
    element: Array


@kernel
def transpose(cells, first, entry, element, place, start, idx, n):  # type: ignore[no-untyped-def]
    """Write the fields of `Touched` of n elements; return the number of cells.

    place: 0 in each cell of the grid; afterwards it is larger where an element reaches.
    """
    low, high = place.size, 0
    for t in range(start[n]):
        place[idx[t]] += 1
        low, high = min(low, idx[t]), max(high, idx[t] + 1)
    count, at = 0, 0
    for p in range(low, high):
        if place[p] > 0:
            cells[count], first[count] = p, at
            at += place[p]
            place[p] = first[count]
            count += 1
    first[count] = at
    for e in range(n):
        for t in range(start[e], start[e + 1]):
            r = place[idx[t]]
            entry[r], element[r] = t, e
            place[idx[t]] = r + 1
    return count


@parallel_kernel
def scatter(f, q, w, touched, factor):  # type: ignore[no-untyped-def]
    """f_k += factor w_k q[e]: the transpose of `gather`."""
    flat = f.ravel()
    for m in prange(touched.cells.size):
        s = flat[touched.cells[m]]
        for r in range(touched.first[m], touched.first[m + 1]):
            s += w[touched.entry[r]] * (factor * q[touched.element[r]])
        flat[touched.cells[m]] = s


@parallel_kernel
def salt_weights(out, w, h, start, idx, n):  # type: ignore[no-untyped-def]
    """Weights for salt and charge: as far as a cell is not `opened`, its weight goes to the next cell outward.

    The profile ends there: such a cell has weight, and next to no electrolyte that could answer for it.
    """
    flat = h.ravel()
    for e in prange(n):
        first, last = start[e], start[e + 1]
        for t in range(first, last):
            out[t] = w[t]
        for t in range(last - 1, first, -1):  # from the deepest cell on
            open_ = opened(flat[idx[t]])
            if open_ == 1.0:
                break
            out[t - 1] += (1.0 - open_) * out[t]
            out[t] *= open_


@parallel_kernel
def at_surface(  # type: ignore[no-untyped-def]
    c_e, x, u, share, give, anions, takes, c, psi, anion, c_0, start, idx, w, n
):  # fmt: skip
    """Mean salt c_e of n elements, its spread x, the anions' potential u; how each cell is felt, and what it gives.

    c_e = sum w_k c_k;   share_k = w_k c_k/c_e;   x = sum w_k (c_k/c_e - 1)^2
    u = sum share_k anions_k;   anions_k = psi_k - anion ln(c_k/c_0)

    Where salt is taken a cell gives, and is felt, in proportion to what it has, so that none is left without. What
    brings salt needs no such care, and is shared by weight.
    """
    flat_c, flat_p = c.ravel(), psi.ravel()
    for e in prange(n):
        mean, value, square = 0.0, 0.0, 0.0
        for t in range(start[e], start[e + 1]):
            here = flat_c[idx[t]]
            share[t] = w[t] * here
            mean += share[t]
            anions[t] = flat_p[idx[t]] - anion * np.log(here / c_0)
            value += share[t] * anions[t]
        for t in range(start[e], start[e + 1]):
            share[t] /= mean
            give[t] = share[t] if takes[e] else w[t]
            square += w[t] * (flat_c[idx[t]] / mean - 1.0) ** 2
        c_e[e], x[e], u[e] = mean, square, value / mean


@parallel_kernel
def responses(dc_e, dx, du, dc, c_e, x, c, share, anions, anion, c_floor, start, idx, w, n):  # type: ignore[no-untyped-def]
    """Changes of c_e, x and u that follow from a change dc at fixed psi - anion ln c, c as `floored` by c_floor."""
    d_c, flat_c = dc.ravel(), c.ravel()
    for e in prange(n):
        with_c, with_u, with_x, mean, part = 0.0, 0.0, 0.0, 0.0, 1.0 / c_e[e]
        for t in range(start[e], start[e + 1]):
            p = idx[t]
            change = w[t] * d_c[p] * part
            with_c += change
            with_u += change * anions[t]
            if flat_c[p] < 2.0 * c_floor:
                value, slope = floored(flat_c[p], c_floor)
                with_u += change * anion * (slope * flat_c[p] / value - 1.0)
            with_x += change * (flat_c[p] * part - 1.0)
            mean += share[t] * anions[t]
        dc_e[e], dx[e], du[e] = with_c * c_e[e], 2.0 * (with_x - with_c * x[e]), with_u - mean * with_c


@parallel_kernel
def exchange(out_c, out_p, ratio, shared, own, dc, share, w, touched):  # type: ignore[no-untyped-def]
    """Add share_k shared[e] + w_k own[e] dc_k [A] of the elements to cells of out_p, and `ratio` as much to out_c."""
    d_c, to_c, to_p = dc.ravel(), out_c.ravel(), out_p.ravel()
    for m in prange(touched.cells.size):
        p = touched.cells[m]
        s = 0.0
        for r in range(touched.first[m], touched.first[m + 1]):
            t, e = touched.entry[r], touched.element[r]
            s += share[t] * shared[e] + w[t] * own[e] * d_c[p]
        to_p[p] += s
        to_c[p] += ratio * s


@parallel_kernel
def give(out_c, out_p, ratio, q, share, touched):  # type: ignore[no-untyped-def]
    """Add share_k q[e] [A] of the elements to cells of out_p, and `ratio` as much to out_c."""
    to_c, to_p = out_c.ravel(), out_p.ravel()
    for m in prange(touched.cells.size):
        p = touched.cells[m]
        s = 0.0
        for r in range(touched.first[m], touched.first[m + 1]):
            s += share[touched.entry[r]] * q[touched.element[r]]
        to_p[p] += s
        to_c[p] += ratio * s


@kernel
def close(change, slope, area):  # type: ignore[no-untyped-def]
    """Keep sum(area change) at 0 by a level of the metal, which changes `slope` [A/m^2/V] answers to; 0: no members."""
    size = area * slope
    some = total(size, size.size)
    if some > 0.0:
        level = total(area * change, size.size) / some
        for e in range(size.size):
            if area[e] > 0.0:
                change[e] -= level * slope[e]


@kernel
def sums(area, j, slope):  # type: ignore[no-untyped-def]
    """Return the sums of area j, area |j| and area slope."""
    n = j.size
    return total(area * j, n), total(area * np.abs(j), n), total(area * slope, n)


@parallel_kernel
def diagonal_response(own, ratio, current, c_e, share, w, touched):  # type: ignore[no-untyped-def]
    """Add to `own` how what a cell gives responds to its own concentration, where that is positive."""
    to = own.ravel()
    for m in prange(touched.cells.size):
        s = 0.0
        for r in range(touched.first[m], touched.first[m + 1]):
            t, e = touched.entry[r], touched.element[r]
            s += max(current[e], 0.0) * w[t] * (1.0 - share[t]) / c_e[e]
        to[touched.cells[m]] += ratio * s


@kernel
def _conductance(g, p, L):  # type: ignore[no-untyped-def]
    """Conductance of all faces of the cell p (flat index); g (3, nz, ny, nx)."""
    k = p // (L.ny * L.nx)
    j = p // L.nx - k * L.ny
    i = p - (k * L.ny + j) * L.nx
    K = np.float64(g[0, k, j, i]) + g[1, k, j, i] + g[2, k, j, i]
    return K + np.float64(g[0, k, j, L.xm[i]]) + g[1, k, L.ym[j], i] + g[2, L.zm[k], j, i]


@parallel_kernel
def felt(out, response, share, w, g, start, idx, n, L):  # type: ignore[no-untyped-def]
    """Conductance out[t] between the cell of each entry and the metal, in place of n elements' response share_k w_l.

    A cell alone feels its own term, share_k w_k response; cells that move together feel share_k response. What joins
    them is the conductance of their faces, g: what is beyond their own term is in series with it.
    """
    for e in prange(n):
        for t in range(start[e], start[e + 1]):
            out[t] = share[t] * w[t] * response[e]
            beyond = share[t] * (1.0 - w[t]) * response[e]
            if beyond > 0.0:
                K = _conductance(g, idx[t], L)
                out[t] += beyond * K / (beyond + K)


@parallel_kernel
def bareness(theta, g, L, k0):  # type: ignore[no-untyped-def]
    """theta = R/(R + K) of each cell; on entry theta is R.

    R [A/V]: what the reaction answers to the cell's potential; K: conductance of all its faces, of g.
    """
    flat = theta.ravel()
    plane = L.ny * L.nx
    for k in prange(k0, theta.shape[0]):
        for p in range(k * plane, (k + 1) * plane):
            if flat[p] > 0.0:
                flat[p] /= flat[p] + _conductance(g, p, L)


@parallel_kernel
def spread(value, weight, q, area, w, touched, cells, n_cells):  # type: ignore[no-untyped-def]
    """Cell values of a surface quantity on the band: value = sum A w q / weight, weight = sum A w."""
    fv = value.ravel()
    fw = weight.ravel()
    for m in prange(n_cells):
        fv[cells[m]] = 0.0
        fw[cells[m]] = 0.0
    for m in prange(touched.cells.size):
        v, total = 0.0, 0.0
        for r in range(touched.first[m], touched.first[m + 1]):
            e = touched.element[r]
            s = area[e] * w[touched.entry[r]]
            v += s * q[e]
            total += s
        if total > 0.0:
            fv[touched.cells[m]] = v / total
            fw[touched.cells[m]] = total
