"""Surface elements: where a grid line crosses d = 0. They gather fields, react, and give back what they took.

See docs/design.md. An element's weights are the change of h from face to face along its line, h_{f+} - h_{f-} =
(h_{+1} - h_{-1})/2, normalised to 1: a linear profile through the interface then is an exact discrete solution.
"""

from __future__ import annotations

import numpy as np

from ._jit import kernel, parallel_kernel, prange
from .front import _curvature, _gradient

BESIDE = 2.5  # a crossing lies beside cells nearer than this many spacings; 1 for a true distance
STEEP = 0.25  # an axis takes part in the partition where n_a^2 > STEEP; max n_a^2 >= 1/3 always
LONGEST = 96  # cells in one element at most: 2 x 6 W / (n_a dx) = 96 at W = 4 dx
PARTS = 256  # of the band, counted and written side by side
APART = 101  # from one part to the next of a thread: the surface lies in the middle of the band


@kernel
def _partition(n):  # type: ignore[no-untyped-def]
    return max(n * n - STEEP, 0.0) ** 2


@kernel
def _walk(line, weight, flat, fh, base, here, size, step, into, wraps):  # type: ignore[no-untyped-def]
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
def _beyond(p, k, j, i, axis, nz, ny, nx, periodic):  # type: ignore[no-untyped-def]
    """Return the next cell along an axis, or p itself if there is none."""
    if axis == 0:
        return p + ny * nx if k < nz - 1 else p
    if axis == 1:
        return p + nx if j < ny - 1 else (p - (ny - 1) * nx if periodic else p)
    return p + 1 if i < nx - 1 else (p - (nx - 1) if periodic else p)


@kernel
def _element(line, weight, p, q, k, j, i, axis, d, h, L, periodic):  # type: ignore[no-untyped-def]
    """Find the cells and weights of the element between p, at (k, j, i), and q, the next cell along an axis.

    Return how many cells (0: no element), the sum of weights, the area, the crossing between the two, and where q is.
    """
    nz, ny, nx = d.shape
    plane = ny * nx
    flat = d.ravel()
    if axis == 0:
        size, here, step = nz, k, plane
    elif axis == 1:
        size, here, step = ny, j, nx
    else:
        size, here, step = nx, i, 1
    kq = q // plane
    jq = (q - kq * plane) // nx
    iq = q - kq * plane - jq * nx
    da, db = flat[p], flat[q]
    none = 0, 0.0, 0.0, 0.0, (0, 0, 0)
    s = da / (da - db)
    az, ay, ax = _gradient(d, L, k, j, i)
    bz, by, bx = _gradient(d, L, kq, jq, iq)
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
    length, total = _walk(line, weight, flat, h.ravel(), p - here * step, here, size, step, into, wraps)
    if total <= 0.0:
        return none
    return length, total, L.dx * L.dx * share / na, s, (kq, jq, iq)


@parallel_kernel
def build(start, idx, w, area, curv, owner, cells, n, d, h, L, periodic):  # type: ignore[no-untyped-def]
    """Write all elements, ordered by cell, then axis; return (number, entries), or (-1, -1) if out of room.

    area[e] [m^2] = dx^2 psi_a(n) / |n_a|; curv[e] [1/m]; owner[e] = flat index of its lithium cell.
    `cells` holds at least all cells within 2 dx of the front, ascending. Parts of them are counted first, then written.
    """
    nz, ny, nx = d.shape
    plane = ny * nx
    flat = d.ravel()
    counts = np.zeros(PARTS + 1, np.int64)
    entries = np.zeros(PARTS + 1, np.int64)
    for turn in prange(PARTS):
        part = turn * APART % PARTS
        line, weight = np.empty(LONGEST, np.int64), np.empty(LONGEST, np.float64)
        count, used = 0, 0
        for m in range(part * n // PARTS, (part + 1) * n // PARTS):
            p = cells[m]
            if abs(flat[p]) > BESIDE * L.dx:
                continue
            k = p // plane
            j = (p - k * plane) // nx
            i = p - k * plane - j * nx
            for axis in range(3):
                q = _beyond(p, k, j, i, axis, nz, ny, nx, periodic)
                if (flat[p] <= 0.0) != (flat[q] <= 0.0):
                    length = _element(line, weight, p, q, k, j, i, axis, d, h, L, periodic)[0]
                    used += length
                    count += length > 0
        counts[part + 1] = count
        entries[part + 1] = used
    for part in range(PARTS):
        counts[part + 1] += counts[part]
        entries[part + 1] += entries[part]
    if counts[PARTS] + 1 > start.size or entries[PARTS] > idx.size:
        return -1, -1
    start[0] = 0
    for turn in prange(PARTS):
        part = turn * APART % PARTS
        line, weight = np.empty(LONGEST, np.int64), np.empty(LONGEST, np.float64)
        e, used = counts[part], entries[part]
        for m in range(part * n // PARTS, (part + 1) * n // PARTS):
            p = cells[m]
            if abs(flat[p]) > BESIDE * L.dx:
                continue
            k = p // plane
            j = (p - k * plane) // nx
            i = p - k * plane - j * nx
            for axis in range(3):
                q = _beyond(p, k, j, i, axis, nz, ny, nx, periodic)
                if (flat[p] <= 0.0) == (flat[q] <= 0.0):
                    continue
                length, total, size, s, there = _element(line, weight, p, q, k, j, i, axis, d, h, L, periodic)
                if length == 0:
                    continue
                for t in range(length):
                    idx[used + t] = line[t]
                    w[used + t] = weight[t] / total
                used += length
                area[e] = size
                beyond = _curvature(d, L, there[0], there[1], there[2])
                curv[e] = (1.0 - s) * _curvature(d, L, k, j, i) + s * beyond
                owner[e] = p if flat[p] <= 0.0 else q
                e += 1
                start[e] = used
    return counts[PARTS], entries[PARTS]


@parallel_kernel
def gather(out, flat, start, idx, w):  # type: ignore[no-untyped-def]
    """out[e] = sum_k w_k f_k: the field at the surface, of the flat array of its cells."""
    for e in prange(out.size):
        s = 0.0
        for t in range(start[e], start[e + 1]):
            s += w[t] * flat[idx[t]]
        out[e] = s


@kernel
def scatter(f, q, start, idx, w, n, factor):  # type: ignore[no-untyped-def]
    """f_k += factor w_k q[e]: the transpose of `gather`."""
    flat = f.ravel()
    for e in range(n):
        s = factor * q[e]
        for t in range(start[e], start[e + 1]):
            flat[idx[t]] += w[t] * s


@kernel
def limit(out, norm, w, c, mean, start, idx, n, share):  # type: ignore[no-untyped-def]
    """Weights that take no more than a cell holds: w min(1, c_k / (share mean)), normalised; return how many fell.

    norm[e]: their sum before, 1 where none fell.
    Through a resolved interface the concentration runs on linearly and all of c_k > share mean: nothing changes. Near
    depletion the line would cross zero inside; then cells give in proportion to what they have.
    """
    flat = c.ravel()
    fell = 0
    for e in range(n):
        a, b = start[e], start[e + 1]
        total = 0.0
        least = share * mean[e]
        few = 0
        for t in range(a, b):
            s = w[t]
            here = flat[idx[t]]
            if here < least:
                s *= max(here, 0.0) / least
                few += 1
            out[t] = s
            total += s
        norm[e] = 1.0
        if few > 0:
            norm[e] = total
            for t in range(a, b):
                out[t] /= total
            fell += few
    return fell


@kernel
def sink(b, own, rate, q, c, mean, norm, start, idx, w, shared, n, share, least, most):  # type: ignore[no-untyped-def]
    """b_k -= shared_k q[e], but where a cell is scarce (`limit`, or below `least`) own_k += rate (Patankar).

    rate = shared_k q[e] / c_k, so that the cell gives in proportion to its new c; 0 where it is not scarce. Where
    `limit` acts that is w_k q[e] / (share mean norm), however little the cell holds; it is `most` at most, by which a
    cell gives all that comes to it.
    """
    flat = c.ravel()
    fb = b.ravel()
    fo = own.ravel()
    for e in range(n):
        for t in range(start[e], start[e + 1]):
            p = idx[t]
            rate[t] = 0.0
            if q[e] > 0.0 and flat[p] < share * mean[e]:
                rate[t] = w[t] * q[e] / (share * mean[e] * norm[e])
            elif q[e] > 0.0 and flat[p] < least:
                rate[t] = shared[t] * q[e] / flat[p]
            if rate[t] > 0.0:
                rate[t] = min(rate[t], most)
                fo[p] += rate[t]
            else:
                fb[p] -= shared[t] * q[e]


@kernel
def taken(out, rate, q, c, start, idx, shared, n):  # type: ignore[no-untyped-def]
    """out[e]: what `sink` has taken of q[e] once the concentration has become c."""
    flat = c.ravel()
    for e in range(n):
        s = 0.0
        for t in range(start[e], start[e + 1]):
            s += rate[t] * flat[idx[t]] if rate[t] > 0.0 else shared[t] * q[e]
        out[e] = s


@kernel
def spread(value, weight, q, area, start, idx, w, n, cells, n_cells):  # type: ignore[no-untyped-def]
    """Cell values of a surface quantity on the band: value = sum A w q / weight, weight = sum A w."""
    fv = value.ravel()
    fw = weight.ravel()
    for m in range(n_cells):
        fv[cells[m]] = 0.0
        fw[cells[m]] = 0.0
    for e in range(n):
        for t in range(start[e], start[e + 1]):
            s = area[e] * w[t]
            fv[idx[t]] += s * q[e]
            fw[idx[t]] += s
    for m in range(n_cells):
        if fw[cells[m]] > 0.0:
            fv[cells[m]] /= fw[cells[m]]


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
