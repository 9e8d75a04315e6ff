"""Surface elements: where a grid line crosses d = 0. They gather fields, react, and give back what they took.

See docs/design.md. An element's weights are the change of h from face to face along its line, h_{f+} - h_{f-} =
(h_{+1} - h_{-1})/2, normalised to 1: a linear profile through the interface then is an exact discrete solution.
"""

from __future__ import annotations

import numpy as np

from ._jit import kernel, parallel_kernel, prange
from .front import _curvature, _gradient, _phase, _wrap

BESIDE = 2.5  # a crossing lies beside cells nearer than this many spacings; 1 for a true distance
STEEP = 0.25  # an axis takes part in the partition where n_a^2 > STEEP; max n_a^2 >= 1/3 always
SCARCE = 0.5  # a cell of the interface with less than this share of the surface's salt gives what it has
LONGEST = 96  # cells in one element at most: 2 x 6 W / (n_a dx) = 96 at W = 4 dx
PARTS = 256  # of the band, counted and written side by side
MOST = 2.0  # times what its own lines bring: what a cell holds of the surface beyond it goes to its closest point
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

    Return how many cells (0: no element), the sum of weights, the facet, the crossing between the two, and where q is.
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
def build(start, idx, w, facet, curv, owner, cells, n, d, h, L, periodic):  # type: ignore[no-untyped-def]
    """Write all elements, ordered by cell, then axis; return (number, entries), or (-1, -1) if out of room.

    facet[e] [m^2] = dx^2 psi_a(n) / |n_a|; curv[e] [1/m]; owner[e] = flat index of its lithium cell.
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
                facet[e] = size
                beyond = _curvature(d, L, there[0], there[1], there[2])
                curv[e] = (1.0 - s) * _curvature(d, L, k, j, i) + s * beyond
                owner[e] = p if flat[p] <= 0.0 else q
                e += 1
                start[e] = used
    return counts[PARTS], entries[PARTS]


@kernel
def measure(  # type: ignore[no-untyped-def]
    area, held, weight, facet, start, idx, w, n, foot, cells, n_cells, d, W, closed, L, periodic
):  # fmt: skip
    """area[e] [m^2]: what the element has of sum (dh/dd) dV, the volume that h displaces when d falls.

    A cell gives what it has of it to the elements whose lines pass through it, in proportion to facet_e w_k; what is
    more than `MOST` times what they bring there, as in a gap between two surfaces, goes to its closest point first.
    The mean of dh/dd over one spacing makes a flat surface exact. held, weight: work, like d.
    """
    nz, ny, nx = d.shape
    flat, to, by = d.ravel(), held.ravel(), weight.ravel()
    for m in range(n_cells):
        to[cells[m]] = 0.0
        by[cells[m]] = 0.0
    for e in range(n):
        for t in range(start[e], start[e + 1]):
            by[idx[t]] += facet[e] * w[t]
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
        z, y, x = min(max(foot[m, 0], 0.0), nz - 1.0), foot[m, 1], foot[m, 2]
        k0, j0, i0 = min(int(np.floor(z)), nz - 1), int(np.floor(y)), int(np.floor(x))
        found = 0.0
        for turn in range(2):
            for corner in range(8):
                dk, dj, di = corner >> 2, (corner >> 1) & 1, corner & 1
                row = min(k0 + dk, nz - 1) * ny + _wrap(j0 + dj, ny, periodic)
                q = row * nx + _wrap(i0 + di, nx, periodic)
                if by[q] > 0.0:
                    part = (1.0 - abs(z - k0 - dk)) * (1.0 - abs(y - j0 - dj)) * (1.0 - abs(x - i0 - di))
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
def _portion(y):  # type: ignore[no-untyped-def]
    return y * y * (3.0 - 2.0 * y)


@kernel
def _elasticity(y):  # type: ignore[no-untyped-def]
    """d ln f/d ln y of `_portion`."""
    return 6.0 * (1.0 - y) / (3.0 - 2.0 * y)


@parallel_kernel
def at_surface(c_e, u, share, norm, c, psi, beta, c_0, start, idx, w, n):  # type: ignore[no-untyped-def]
    """Concentration c_e, potential u and weights of exchange of n elements.

    c_e = sum w_k c_k;   u = sum w_k (psi_k + beta ln(c_k/c_0));   share_k = w_k f(c_k/(SCARCE c_e)) / norm

    Through a resolved interface the concentration runs on linearly and all of c_k > SCARCE c_e: f is 1, the weights are
    the elements' own, norm = 1. Near depletion the line would cross zero inside; then a cell gives the less the less it
    has, f(y) = y^2 (3 - 2 y): faster than its conductance falls, so that its potential stays defined.
    """
    flat_c, flat_p = c.ravel(), psi.ravel()
    for e in prange(n):
        a, b = start[e], start[e + 1]
        mean = 0.0
        for t in range(a, b):
            mean += w[t] * flat_c[idx[t]]
        least = SCARCE * mean
        total, depleted, value = 0.0, False, 0.0
        for t in range(a, b):
            here = flat_c[idx[t]]
            s = w[t]
            if here < least:
                s *= _portion(here / least)
                depleted = True
            share[t] = s
            total += s
            value += w[t] * (flat_p[idx[t]] + beta * np.log(here / c_0))
        norm[e] = 1.0
        if depleted:
            norm[e] = total
            for t in range(a, b):
                share[t] /= total
        c_e[e], u[e] = mean, value


@kernel
def _changed_share(share, c, dc, c_e, dc_e):  # type: ignore[no-untyped-def]
    """Change of a weight before it is normalised, over the norm."""
    if c < SCARCE * c_e:
        y = c / (SCARCE * c_e)
        return share * _elasticity(y) * (dc / c - dc_e / c_e)
    return 0.0


@parallel_kernel
def responses(du, dc_e, dnorm, dc, c, beta, c_e, share, norm, start, idx, w, n):  # type: ignore[no-untyped-def]
    """Changes of c_e and u (`at_surface`), and of ln norm, that follow from a change dc."""
    flat_c, d_c = c.ravel(), dc.ravel()
    for e in prange(n):
        a, b = start[e], start[e + 1]
        with_c, with_u, with_norm = 0.0, 0.0, 0.0
        for t in range(a, b):
            p = idx[t]
            with_c += w[t] * d_c[p]
            with_u += w[t] * d_c[p] / flat_c[p]
        if norm[e] < 1.0:
            for t in range(a, b):
                p = idx[t]
                with_norm += _changed_share(share[t], flat_c[p], d_c[p], c_e[e], with_c)
        du[e], dc_e[e], dnorm[e] = beta * with_u, with_c, with_norm


@kernel
def exchange(out_c, out_p, ratio, dI, current, dc_e, dnorm, dc, c, c_e, share, norm, start, idx, n):  # type: ignore[no-untyped-def]
    """Add to cells the change of what the elements take: of share_k A j, charge to out_p and `ratio` as much to out_c.

    dI, current [A]: change of A j and A j itself.
    """
    flat_c, d_c, to_c, to_p = c.ravel(), dc.ravel(), out_c.ravel(), out_p.ravel()
    for e in range(n):
        depleted = norm[e] < 1.0
        for t in range(start[e], start[e + 1]):
            p = idx[t]
            s = share[t] * dI[e]
            if depleted:
                ds = _changed_share(share[t], flat_c[p], d_c[p], c_e[e], dc_e[e])
                s += (ds - share[t] * dnorm[e]) * current[e]
            to_p[p] += s
            to_c[p] += ratio * s


@kernel
def own_answer(own, ratio, current, c, c_e, share, norm, start, idx, n):  # type: ignore[no-untyped-def]
    """Add to `own` how what a depleted cell gives answers to its own concentration, where that is positive."""
    flat_c, to = c.ravel(), own.ravel()
    for e in range(n):
        if norm[e] < 1.0 and current[e] > 0.0:
            for t in range(start[e], start[e + 1]):
                p = idx[t]
                if flat_c[p] < SCARCE * c_e[e]:
                    y = flat_c[p] / (SCARCE * c_e[e])
                    to[p] += ratio * current[e] * share[t] * (1.0 - share[t]) * _elasticity(y) / flat_c[p]


@kernel
def sinks(own, ratio, current, c, share, start, idx, n):  # type: ignore[no-untyped-def]
    """Add to `own` what elements take of a cell over what it has, so that it gives in proportion (Patankar)."""
    flat_c, to = c.ravel(), own.ravel()
    for e in range(n):
        if current[e] > 0.0:
            for t in range(start[e], start[e + 1]):
                to[idx[t]] += ratio * current[e] * share[t] / flat_c[idx[t]]


@parallel_kernel
def around(out, g, share, start, idx, n, L):  # type: ignore[no-untyped-def]
    """out[e] = sum share_k (conductance of all faces of cell k); g (3, nz, ny, nx)."""
    for e in prange(n):
        total = 0.0
        for t in range(start[e], start[e + 1]):
            p = idx[t]
            k = p // (L.ny * L.nx)
            j = (p - k * L.ny * L.nx) // L.nx
            i = p - (k * L.ny + j) * L.nx
            s = g[0, k, j, i] + g[1, k, j, i] + g[2, k, j, i]
            s += g[0, k, j, L.xm[i]] + g[1, k, L.ym[j], i] + g[2, L.zm[k], j, i]
            total += share[t] * s
        out[e] = total


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
