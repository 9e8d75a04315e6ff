"""Transport of charge and salt on the grid: face coefficients, fluxes, their derivatives, and sums.

Face arrays follow docs/design.md: gx[k, j, i] couples i and i + 1.

    I = g (psi_b - psi_a),   g = h kappa(c_f) dx,   psi = phi - beta ln(c/c_0)      (9), from a face into its first cell
    N = h D dx (c_b - c_a) - Q (c_a + c_b)/2                                        (10), likewise
    M = (t+ - t_0) I/F, t+ of the arithmetic mean of c                              (10), where t+ depends on c

c_f is the logarithmic mean (c_b - c_a)/ln(c_b/c_a): where kappa is in proportion to c, the resistance of a linear
profile between two centres, and the diffusion potential over it, are exact, also towards a cell without salt.
"""

from __future__ import annotations

import numpy as np

from phasefield.kernels._jit import kernel, parallel_kernel, prange

SERIES = 1e-2  # of ((a - b)/(a + b))^2: below it a series is good to 1e-9
STEEP = 0.5  # of (a - b)/(a + b), ratio 3: the emptier cell hardly rules the mean, and its derivative is left out
HALF, ONE, NONE = np.float32(0.5), np.float32(1.0), np.float32(0.0)  # in single precision where the fields are
HOLDS = 0.003  # share of electrolyte up to which a cell is closed to current; its part of an element is 1 % at most
LANES = 32  # sums of a scalar product that run side by side
TINY = 1e-300  # keeps 0/0 of two cells of lithium from being formed


@kernel
def _segment(c, at):  # type: ignore[no-untyped-def]
    """Number of the segment of a table over `at` that c lies in; the end segments are prolonged."""
    s = 0
    for t in range(1, at.size - 1):
        if c > at[t]:
            s = t
    return s


@kernel
def table_slope(c, at, values):  # type: ignore[no-untyped-def]
    """Slope of the table `values` over `at` at c."""
    s = _segment(c, at)
    return (values[s + 1] - values[s]) / (at[s + 1] - at[s])


@kernel
def interpolate(c, at, values):  # type: ignore[no-untyped-def]
    """Piecewise-linear table `values` over `at`, its end segments prolonged."""
    s = _segment(c, at)
    a = (c - at[s]) / (at[s + 1] - at[s])
    return (1.0 - a) * values[s] + a * values[s + 1]


@kernel
def _row_faces(g, h, c, h2, c2, factor, at, values, level, slope):  # type: ignore[no-untyped-def]
    """Faces between the cells of a row and those of another one: see `faces`. K(c) = level + slope c if linear."""
    if at.size == 2:
        for i in range(g.size):
            a, b = h[i], h2[i]
            g[i] = 0.5 * factor * ((a + b) * level + slope * (a * c[i] + b * c2[i]))
    else:
        for i in range(g.size):
            a, b = h[i], h2[i]
            mean = (a * c[i] + b * c2[i]) / max(a + b, TINY)
            g[i] = 0.5 * factor * (a + b) * interpolate(mean, at, values)


@parallel_kernel
def faces(gx, gy, gz, h, c, at, values, factor, L, periodic, k0):  # type: ignore[no-untyped-def]
    """g = factor (h_a + h_b)/2 K(c_f), with K(c) the table `values` over `at` [mol/m^3].

    c_f = (h_a c_a + h_b c_b)/(h_a + h_b): in the interface the electrolyte's side counts. Planes below k0 are lithium.
    """
    nz, ny, nx = h.shape
    slope = (values[1] - values[0]) / (at[1] - at[0])
    level = values[0] - slope * at[0]
    for k in prange(nz):
        if k < k0:
            gx[k] = 0.0
            gy[k] = 0.0
            gz[k] = 0.0
            continue
        for j in range(ny):
            row, row_c, to = h[k, j], c[k, j], gx[k, j]
            if nx > 1:
                _row_faces(to[:-1], row[:-1], row_c[:-1], row[1:], row_c[1:], factor, at, values, level, slope)
                last = slice(nx - 1, nx)
                if periodic:
                    _row_faces(
                        to[last], row[last], row_c[last], row[:1], row_c[:1], factor, at, values, level, slope
                    )
                else:
                    to[nx - 1] = 0.0
            else:
                to[0] = 0.0
            if ny > 1 and (periodic or j < ny - 1):
                _row_faces(
                    gy[k, j], row, row_c, h[k, L.yp[j]], c[k, L.yp[j]], factor, at, values, level, slope
                )
            else:
                gy[k, j] = 0.0
            if k < nz - 1:
                _row_faces(gz[k, j], row, row_c, h[k + 1, j], c[k + 1, j], factor, at, values, level, slope)
            else:
                gz[k, j] = 0.0


@kernel
def logarithmic_mean(a, b):  # type: ignore[no-untyped-def]
    """(a - b)/ln(a/b) of two positive concentrations, and its derivatives by a and by b."""
    t = (a - b) / (a + b)
    m = 0.5 * (a + b)
    s = t * t
    if s < SERIES:  # t/artanh(t)
        f = 1.0 - s * (1.0 / 3.0 + s * (4.0 / 45.0 + s * 44.0 / 945.0))
        df = -(1.0 / 3.0 + s * (8.0 / 45.0 + s * 132.0 / 945.0)) * t  # half the derivative by t
        by_t = m * 2.0 * df
        return m * f, 0.5 * f + by_t * b / (2.0 * m * m), 0.5 * f - by_t * a / (2.0 * m * m)
    log = np.log(a / b)
    L = (a - b) / log
    da = (1.0 - L / a) / log if t > -STEEP else 0.0
    db = (L / b - 1.0) / log if t < STEEP else 0.0
    return L, da, db


@kernel
def opened(h):  # type: ignore[no-untyped-def]
    """0 up to `HOLDS` electrolyte in a cell, 1 from twice as much on: smooth, as the order of a step needs."""
    s = min(max(h * (1.0 / HOLDS) - 1.0, 0.0), 1.0)
    return s * s * (3.0 - 2.0 * s)


@kernel
def floored(c, least):  # type: ignore[no-untyped-def]
    """Return c, smoothly no less than `least` (c itself from twice as much on), and its derivative."""
    if c >= 2.0 * least:
        return c, 1.0
    return least + 0.25 * c * c / least, 0.5 * c / least


@kernel
def _conduction(current, g, ga, gb, h, c, psi, h2, c2, psi2, half, at, values, anion, c_floor):  # type: ignore[no-untyped-def]
    """Faces between cells and their neighbours, in one loop: see `conduction`; half: dx/2.

    First all faces by the series of the mean, which a processor takes several at a time, then those that it is not good
    enough for. With X the difference of psi - anion ln c, K' the slope of kappa, and L the mean:

        dI/dc_a = -anion (K' + (K - K' L)/c_a) + K' dL/dc_a X       dI/dc_b likewise, with the other sign
    """
    slope = (values[1] - values[0]) / (at[1] - at[0])
    level = values[0] - slope * at[0]
    linear = at.size == 2
    rest = 0
    for i in range(g.size):
        H = half * (h[i] + h2[i]) * opened(h[i]) * opened(h2[i])
        a, b = c[i], c2[i]
        m = 0.5 * (a + b)
        part = 1.0 / m
        t = 0.5 * (a - b) * part
        s = t * t
        f = 1.0 - s * (1.0 / 3.0 + s * (4.0 / 45.0 + s * 44.0 / 945.0))
        df = (1.0 / 3.0 + s * (8.0 / 45.0 + s * 132.0 / 945.0)) * t * part
        K = H * (level + slope * m * f)
        drop = psi2[i] - psi[i]
        current[i] = K * drop
        g[i] = K
        e = part * anion * K * (1.0 + s * (1.0 + s * (1.0 + s * (1.0 + s))))  # 1/a = part/(1 + t), 1/b = part/(1 - t)
        ga[i] = H * slope * drop * (0.5 * f - df * b) - (1.0 - t) * e
        gb[i] = H * slope * drop * (0.5 * f + df * a) + (1.0 + t) * e
        rest += (s > SERIES) | (min(a, b) < 2.0 * c_floor)
    if linear and rest == 0:
        return
    for i in range(g.size):
        a, by_a = floored(c[i], c_floor)
        b, by_b = floored(c2[i], c_floor)
        H = half * (h[i] + h2[i]) * opened(h[i]) * opened(h2[i])
        poor = min(c[i], c2[i]) < 2.0 * c_floor
        if H == 0.0 or (linear and not poor and (a - b) ** 2 <= SERIES * (a + b) ** 2):
            continue
        mean, da, db = logarithmic_mean(a, b)
        K = level + slope * mean if linear else interpolate(mean, at, values)
        steep = slope if linear else table_slope(mean, at, values)
        drop = psi2[i] - psi[i]
        others = drop - anion * np.log(b / a)
        current[i] = H * K * drop
        g[i] = H * K
        ga[i] = H * by_a * (steep * da * others - anion * (steep + (K - steep * mean) / a))
        gb[i] = H * by_b * (steep * db * others + anion * (steep + (K - steep * mean) / b))


@parallel_kernel
def conduction(Ix, Iy, Iz, g, ga, gb, h, c, psi, at, values, anion, c_floor, L, periodic, k0):  # type: ignore[no-untyped-def]
    """Current I [A] of each face into its first cell, its conductance g, and dI/dc of both cells at fixed anions.

    kappa(c) is the table `values` over `at` [mol/m^3]; c conducts as `floored` by `c_floor`. The derivatives are those
    at fixed psi - anion ln c [V]. Faces of cells with next to no electrolyte are closed, see `opened`.
    g, ga, gb are (3, nz, ny, nx) float32: x, y, z. Planes below k0 are lithium. A plane is one long row here: the faces
    between its ends come after the others.
    """
    nz, ny, nx = h.shape
    half = 0.5 * L.dx
    n = ny * nx
    X, Y, Z = Ix.reshape(nz, n), Iy.reshape(nz, n), Iz.reshape(nz, n)
    G, A, B = g.reshape(3, nz, n), ga.reshape(3, nz, n), gb.reshape(3, nz, n)
    H, C, P = h.reshape(nz, n), c.reshape(nz, n), psi.reshape(nz, n)
    for k in prange(k0, nz):
        if nx > 1:
            _conduction(
                X[k, :-1], G[0, k, :-1], A[0, k, :-1], B[0, k, :-1], H[k, :-1], C[k, :-1], P[k, :-1],
                H[k, 1:], C[k, 1:], P[k, 1:], half, at, values, anion, c_floor,
            )
            if periodic:
                _conduction(
                    Ix[k, :, -1], g[0, k, :, -1], ga[0, k, :, -1], gb[0, k, :, -1], h[k, :, -1], c[k, :, -1],
                    psi[k, :, -1], h[k, :, 0], c[k, :, 0], psi[k, :, 0], half, at, values, anion, c_floor,
                )
            else:
                Ix[k, :, -1], g[0, k, :, -1], ga[0, k, :, -1], gb[0, k, :, -1] = 0.0, 0.0, 0.0, 0.0
        if ny > 1:
            _conduction(
                Y[k, :-nx], G[1, k, :-nx], A[1, k, :-nx], B[1, k, :-nx], H[k, :-nx], C[k, :-nx], P[k, :-nx],
                H[k, nx:], C[k, nx:], P[k, nx:], half, at, values, anion, c_floor,
            )
            if periodic:
                _conduction(
                    Iy[k, -1], g[1, k, -1], ga[1, k, -1], gb[1, k, -1], h[k, -1], c[k, -1], psi[k, -1],
                    h[k, 0], c[k, 0], psi[k, 0], half, at, values, anion, c_floor,
                )
        if k < nz - 1:
            _conduction(
                Z[k], G[2, k], A[2, k], B[2, k], H[k], C[k], P[k], H[k + 1], C[k + 1], P[k + 1], half, at,
                values, anion, c_floor,
            )


@parallel_kernel
def migration(  # type: ignore[no-untyped-def]
    M, wg, wa, wb, wq, currents, g, ga, gb, c, at, excess, factor, L, k0
):  # fmt: skip
    """M = factor (t+(c_f) - t_0) I on each face, I of `currents`, and its derivatives.

    excess: t+ - t_0 over `at` [mol/m^3]. wg, wa, wb: by psi and by c of both cells, with I as it answers; wq: by
    the mean c_f, as a displaced volume. All but c are (3, nz, ny, nx): x, y, z, into the first cell, from plane k0 up.
    """
    for k in prange(k0, c.shape[0]):
        for j in range(c.shape[1]):
            here, behind, above = c[k, j], c[k, L.yp[j]], c[L.zp[k], j]
            for i in range(here.size):
                for axis in range(3):
                    other = here[L.xp[i]] if axis == 0 else (behind[i] if axis == 1 else above[i])
                    mean = 0.5 * (here[i] + other)
                    w = factor * interpolate(mean, at, excess)
                    current = currents[axis, k, j, i]
                    M[axis, k, j, i] = w * current
                    wg[axis, k, j, i] = w * g[axis, k, j, i]
                    wa[axis, k, j, i] = w * ga[axis, k, j, i]
                    wb[axis, k, j, i] = w * gb[axis, k, j, i]
                    wq[axis, k, j, i] = -factor * table_slope(mean, at, excess) * current


@parallel_kernel
def divergence(r, x, y, z, L, k0):  # type: ignore[no-untyped-def]
    """r = what the faces bring to each cell, from plane k0 up; x, y, z: flow of a face into its first cell."""
    nz, ny, nx = r.shape
    for k in prange(k0, nz):
        for j in range(ny):
            row, row_x, row_y, row_z = r[k, j], x[k, j], y[k, j], z[k, j]
            before, below = y[k, L.ym[j]], z[L.zm[k], j]
            in_y, in_z = 1.0 if L.ym[j] != j else 0.0, 1.0 if k > k0 else 0.0
            row[0] = (row_x[0] - row_x[nx - 1]) + (row_y[0] - in_y * before[0]) + (row_z[0] - in_z * below[0])
            for i in range(1, nx):
                row[i] = (row_x[i] - row_x[i - 1]) + (row_y[i] - in_y * before[i]) + (row_z[i] - in_z * below[i])


@kernel
def _stretch(part, L):  # type: ignore[no-untyped-def]
    """Return the first row of a plane, those in between or the last as one: begin, neighbours' begin in y, length."""
    ny, nx = L.ny, L.nx
    if part == 0:
        return 0, L.ym[0] * nx, L.yp[0] * nx, nx
    if part == 1:
        return nx, 0, 2 * nx, max(ny - 2, 0) * nx
    return (ny - 1) * nx, L.ym[ny - 1] * nx, L.yp[ny - 1] * nx, nx if ny > 1 else 0


@kernel
def _from_left(a, nx):  # type: ignore[no-untyped-def]
    """Return the left neighbours in x of a plane, in one row."""
    to = np.empty_like(a)
    for i in range(1, a.size):
        to[i] = a[i - 1]
    for at in range(0, a.size, nx):
        to[at] = a[at + nx - 1]
    return to


@kernel
def _from_right(a, nx):  # type: ignore[no-untyped-def]
    """Return the right neighbours in x of a plane, in one row."""
    to = np.empty_like(a)
    for i in range(1, a.size):
        to[i - 1] = a[i]
    for at in range(0, a.size, nx):
        to[at + nx - 1] = a[at]
    return to


@kernel
def _salt(  # type: ignore[no-untyped-def]
    out, own, here, left, right, before, behind, below, above, gx0, gx, gy0, gy, gz0, gz, qx0, qx, qy0, qy, qz0, qz,
    in_y, in_z,
):  # fmt: skip
    """One stretch of `salt_operator`: cells, and faces to both sides in x, y, z."""
    for i in range(out.size):
        mid = here[i]
        s = own[i] * mid
        s += gx0[i] * (mid - left[i]) + gx[i] * (mid - right[i])
        s += gy0[i] * (mid - before[i]) + gy[i] * (mid - behind[i])
        s += gz0[i] * (mid - below[i]) + gz[i] * (mid - above[i])
        comes = qx0[i] * (mid + left[i]) + in_y * qy0[i] * (mid + before[i]) + in_z * qz0[i] * (mid + below[i])
        goes = qx[i] * (mid + right[i]) + qy[i] * (mid + behind[i]) + qz[i] * (mid + above[i])
        out[i] = s + HALF * (goes - comes)


@parallel_kernel
def salt_operator(out, c, own, g, q, L, k0):  # type: ignore[no-untyped-def]
    """out = own c - div(g grad c) + div(q c): the linear part of (10), from plane k0 up.

    g, q (3, nz, ny, nx) float32: diffusion and displaced volume of the faces x, y, z, q out of their first cell.
    """
    nz, n = c.shape[0], L.ny * L.nx
    to, C, W = out.reshape(nz, n), c.reshape(nz, n), own.reshape(nz, n)
    G, Q = g.reshape(3, nz, n), q.reshape(3, nz, n)
    for k in prange(k0, nz):
        left, right = _from_left(C[k], L.nx), _from_right(C[k], L.nx)
        gx0, qx0 = _from_left(G[0, k], L.nx), _from_left(Q[0, k], L.nx)
        km, kp = L.zm[k], L.zp[k]
        for part in range(3):
            at, b, a, m = _stretch(part, L)
            e = at + m
            _salt(
                to[k, at:e], W[k, at:e], C[k, at:e], left[at:e], right[at:e], C[k, b : b + m], C[k, a : a + m],
                C[km, at:e], C[kp, at:e], gx0[at:e], G[0, k, at:e], G[1, k, b : b + m], G[1, k, at:e],
                G[2, km, at:e], G[2, k, at:e], qx0[at:e], Q[0, k, at:e], Q[1, k, b : b + m], Q[1, k, at:e],
                Q[2, km, at:e], Q[2, k, at:e], ONE if b != at else NONE, ONE if km != k else NONE,
            )  # fmt: skip


@parallel_kernel
def stiffen(to, g, theta, factor, L, k0):  # type: ignore[no-untyped-def]
    """to = g (1 + factor (theta_a + theta_b)/2) on the faces, (3, nz, ny, nx), from plane k0 up."""
    half = 0.5 * factor
    for k in prange(k0, theta.shape[0]):
        for j in range(theta.shape[1]):
            here, behind, above = theta[k, j], theta[k, L.yp[j]], theta[L.zp[k], j]
            for i in range(here.size):
                to[0, k, j, i] = g[0, k, j, i] * (1.0 + half * (here[i] + here[L.xp[i]]))
                to[1, k, j, i] = g[1, k, j, i] * (1.0 + half * (here[i] + behind[i]))
                to[2, k, j, i] = g[2, k, j, i] * (1.0 + half * (here[i] + above[i]))


@kernel
def _charge(out, here, left, right, before, behind, below, above, gx0, gx, gy0, gy, gz0, gz):  # type: ignore[no-untyped-def]
    """One stretch of `charge_operator`."""
    for i in range(out.size):
        mid = here[i]
        s = gx0[i] * (mid - left[i]) + gx[i] * (mid - right[i])
        s += gy0[i] * (mid - before[i]) + gy[i] * (mid - behind[i])
        out[i] += s + gz0[i] * (mid - below[i]) + gz[i] * (mid - above[i])


@parallel_kernel
def charge_operator(out, psi, g, L, k0):  # type: ignore[no-untyped-def]
    """out -= div(g grad psi), from plane k0 up."""
    nz, n = psi.shape[0], L.ny * L.nx
    to, P, G = out.reshape(nz, n), psi.reshape(nz, n), g.reshape(3, nz, n)
    for k in prange(k0, nz):
        left, right, gx0 = _from_left(P[k], L.nx), _from_right(P[k], L.nx), _from_left(G[0, k], L.nx)
        km, kp = L.zm[k], L.zp[k]
        for part in range(3):
            at, b, a, m = _stretch(part, L)
            e = at + m
            _charge(
                to[k, at:e], P[k, at:e], left[at:e], right[at:e], P[k, b : b + m], P[k, a : a + m], P[km, at:e],
                P[kp, at:e], gx0[at:e], G[0, k, at:e], G[1, k, b : b + m], G[1, k, at:e], G[2, km, at:e], G[2, k, at:e],
            )  # fmt: skip


@kernel
def _of_salt(  # type: ignore[no-untyped-def]
    out, here, left, right, before, behind, below, above, ax0, bx0, ax, bx, ay0, by0, ay, by, az0, bz0, az, bz,
    in_y, in_z,
):  # fmt: skip
    """One stretch of `charge_of_salt`."""
    for i in range(out.size):
        mid = here[i]
        comes = ax0[i] * left[i] + bx0[i] * mid
        comes += in_y * (ay0[i] * before[i] + by0[i] * mid) + in_z * (az0[i] * below[i] + bz0[i] * mid)
        goes = ax[i] * mid + bx[i] * right[i] + ay[i] * mid + by[i] * behind[i] + az[i] * mid + bz[i] * above[i]
        out[i] = comes - goes


@parallel_kernel
def charge_of_salt(out, c, ga, gb, L, k0):  # type: ignore[no-untyped-def]
    """out = minus what a change c of the concentration brings by the faces' conductances, from plane k0 up [A]."""
    nz, n = c.shape[0], L.ny * L.nx
    to, C, A, B = out.reshape(nz, n), c.reshape(nz, n), ga.reshape(3, nz, n), gb.reshape(3, nz, n)
    for k in prange(k0, nz):
        left, right = _from_left(C[k], L.nx), _from_right(C[k], L.nx)
        ax0, bx0 = _from_left(A[0, k], L.nx), _from_left(B[0, k], L.nx)
        km, kp = L.zm[k], L.zp[k]
        for part in range(3):
            at, b, a, m = _stretch(part, L)
            e = at + m
            _of_salt(
                to[k, at:e], C[k, at:e], left[at:e], right[at:e], C[k, b : b + m], C[k, a : a + m], C[km, at:e],
                C[kp, at:e], ax0[at:e], bx0[at:e], A[0, k, at:e], B[0, k, at:e], A[1, k, b : b + m],
                B[1, k, b : b + m], A[1, k, at:e], B[1, k, at:e], A[2, km, at:e], B[2, km, at:e], A[2, k, at:e],
                B[2, k, at:e], ONE if b != at else NONE, ONE if km != k else NONE,
            )  # fmt: skip


@kernel
def add_products(sums, a, b):  # type: ignore[no-untyped-def]
    """Add a . b of two rows, in float64, to the sums of every LANES-th product: one sum would wait for each."""
    whole = a.size // LANES * LANES
    for at in range(0, whole, LANES):
        x, y = a[at : at + LANES], b[at : at + LANES]
        for i in range(LANES):
            sums[i] += np.float64(x[i]) * np.float64(y[i])
    for i in range(whole, a.size):
        sums[i - whole] += np.float64(a[i]) * np.float64(b[i])


@kernel
def row_dot(a, b):  # type: ignore[no-untyped-def]
    """a . b of two rows in float64."""
    sums = np.zeros(LANES)
    add_products(sums, a, b)
    return sums.sum()


@parallel_kernel
def weighted_sum(partial, h, c):  # type: ignore[no-untyped-def]
    """Return sum(h c), one partial sum a plane, added in order."""
    for k in prange(h.shape[0]):
        partial[k] = row_dot(h[k].reshape(-1), c[k].reshape(-1))
    total = 0.0
    for k in range(h.shape[0]):
        total += partial[k]
    return total


@parallel_kernel
def extremes(partial, h, c, least):  # type: ignore[no-untyped-def]
    """Smallest and largest c where h > least; partial (nz, 2): what each plane has."""
    for k in prange(h.shape[0]):
        low, high = np.inf, -np.inf
        for j in range(h.shape[1]):
            row_h, row_c = h[k, j], c[k, j]
            for i in range(row_h.size):
                if row_h[i] > least:
                    low = min(low, row_c[i])
                    high = max(high, row_c[i])
        partial[k, 0], partial[k, 1] = low, high
    low, high = np.inf, -np.inf
    for k in range(h.shape[0]):
        low, high = min(low, partial[k, 0]), max(high, partial[k, 1])
    return low, high


@parallel_kernel
def largest_change(partial, h, new, old, floor, c_0):  # type: ignore[no-untyped-def]
    """Largest relative change of c in cells of electrolyte (h > 1/2); partial (nz): that of each plane.

    A fall counts against max(old, floor), a rise against max(new, c_0): where a current reverses out of starvation
    salt comes back from almost nothing within any step, and no current answers to that by much.
    """
    for k in prange(h.shape[0]):
        worst = 0.0
        for j in range(h.shape[1]):
            row_h, row_n, row_o = h[k, j], new[k, j], old[k, j]
            for i in range(row_h.size):
                if row_h[i] > 0.5:
                    rise = row_n[i] - row_o[i]
                    size = max(row_n[i], c_0) if rise > 0.0 else max(row_o[i], floor)
                    worst = max(worst, abs(rise) / size)
        partial[k] = worst
    worst = 0.0
    for k in range(h.shape[0]):
        worst = max(worst, partial[k])
    return worst


@parallel_kernel
def flow(q, p, g, L, k0):  # type: ignore[no-untyped-def]
    """q = g (p_a - p_b): what flows through each face out of its first cell; g, q (3, nz, ny, nx)."""
    for k in prange(max(k0 - 1, 0), p.shape[0]):
        for j in range(p.shape[1]):
            here, behind, above = p[k, j], p[k, L.yp[j]], p[L.zp[k], j]
            for i in range(here.size):
                q[0, k, j, i] = g[0, k, j, i] * (here[i] - here[L.xp[i]])
                q[1, k, j, i] = g[1, k, j, i] * (here[i] - behind[i])
                q[2, k, j, i] = g[2, k, j, i] * (here[i] - above[i])


@parallel_kernel
def potential(out, psi, c, beta, c_0, k0):  # type: ignore[no-untyped-def]
    """out = psi + beta ln(c/c_0), from plane k0 up."""
    for k in prange(k0, psi.shape[0]):
        for j in range(psi.shape[1]):
            row, row_p, row_c = out[k, j], psi[k, j], c[k, j]
            for i in range(row.size):
                row[i] = row_p[i] + beta * np.log(row_c[i] / c_0)


@kernel
def lend(held, h, first, second, ratio, share, dV, L, k0):  # type: ignore[no-untyped-def]
    """Let neighbours pay, from `held` [mol], where the line from `first` through `second` [mol/m^3] falls too low.

    The line is first + ratio (second - first), the salt that a second stage starts from; below `share` of `second` it
    may ask for a concentration below 0. What a cell gets its neighbours give, a quarter of theirs at most: no salt is
    made. h: share of electrolyte at `first`.
    """
    nz, ny, nx = h.shape
    for k in range(k0, nz):
        for j in range(ny):
            for i in range(nx):
                least = share * second[k, j, i]
                line = first[k, j, i] + ratio * (second[k, j, i] - first[k, j, i])
                if not line < least or h[k, j, i] == 0.0:
                    continue
                need = h[k, j, i] * dV * (least - line)
                around = (
                    (k, j, L.xm[i]), (k, j, L.xp[i]), (k, L.ym[j], i), (k, L.yp[j], i), (L.zm[k], j, i),
                    (L.zp[k], j, i),
                )
                whole = 0.0
                for kk, jj, ii in around:
                    if (kk != k or jj != j or ii != i) and kk >= k0:
                        whole += max(held[kk, jj, ii], 0.0)
                if whole <= 0.0:
                    continue
                part = min(need / whole, 0.25)
                for kk, jj, ii in around:
                    if (kk != k or jj != j or ii != i) and kk >= k0:
                        given = part * max(held[kk, jj, ii], 0.0)
                        held[kk, jj, ii] -= given
                        held[k, j, i] += given


@parallel_kernel
def largest_fall(partial, h, new, old, floor):  # type: ignore[no-untyped-def]
    """max (old - new)/max(old, floor) over cells of electrolyte (h > 1/2); partial (nz): that of each plane."""
    for k in prange(h.shape[0]):
        worst = 0.0
        for j in range(h.shape[1]):
            row_h, row_n, row_o = h[k, j], new[k, j], old[k, j]
            for i in range(row_h.size):
                if row_h[i] > 0.5:
                    worst = max(worst, (row_o[i] - row_n[i]) / max(row_o[i], floor))
        partial[k] = worst
    worst = 0.0
    for k in range(h.shape[0]):
        worst = max(worst, partial[k])
    return worst
