"""The potential and salt systems: flexible conjugate gradients with multigrid in float32, mended in float64.

    [ G + diag + sum_e A_e^T g_e A_e ,  -sum_e A_e^T g_e ] [u  ]   [b  ]
    [ -sum_e g_e A_e                 ,  sum_e g_e + s    ] [u_s] = [b_s]

`G` is the graph Laplacian of the faces, `A_e` the weighted mean along the grid line of a surface
element, `u_s` the metal's value. The float32 faces define the operator: both precisions use the same
numbers. Corrections are found in float32, which halves the traffic; each is added to the float64 solution and
taken from the float64 residual, so that the last residual is the true one, to any depth.

Every sum runs plane by plane and the planes are added in order: the same bits for any number of threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from phasefield.kernels import multigrid
from phasefield.kernels._jit import kernel, parallel_kernel, prange
from phasefield.kernels.checkerboard import NONE, POSITIVE, join, layout, split
from phasefield.kernels.elements import gather
from phasefield.kernels.transport import LANES, add_products

Array = np.ndarray[Any, Any]

DROP = 1e-4  # of the residual in one float32 correction: well above its round-off
MARGIN = 0.9  # of what is allowed: the residual that float32 tells is a little off


@kernel
def _apply_row(out, u, gx, gy, gz, own, periodic, k, j):  # type: ignore[no-untyped-def]
    """Apply the cell part of the operator to one row: `out = (G + diag) u`."""
    nz, ny, nx = u.shape
    kb, ka = k - 1 if k > 0 else nz - 1, k + 1 if k < nz - 1 else 0
    jb, ja = j - 1 if j > 0 else ny - 1, j + 1 if j < ny - 1 else 0
    row_u, row_x, row_y, row_z, row_o = u[k, j], gx[k, j], gy[k, j], gz[k, j], own[k, j]
    u_before, u_behind, u_below, u_above = u[k, jb], u[k, ja], u[kb, j], u[ka, j]
    y_before, z_below = gy[k, jb], gz[kb, j]
    first, last = np.float64(periodic or j > 0), np.float64(periodic or j < ny - 1)
    for i in range(nx):
        mid = np.float64(row_u[i])
        along_y = first * y_before[i] * (mid - u_before[i]) + last * row_y[i] * (mid - u_behind[i])
        along_z = z_below[i] * (mid - u_below[i]) + row_z[i] * (mid - u_above[i])
        out[i] = row_o[i] * mid + along_y + along_z
    for i in range(1, nx - 1):
        mid = np.float64(row_u[i])
        out[i] += row_x[i - 1] * (mid - row_u[i - 1]) + row_x[i] * (mid - row_u[i + 1])
    left, right = np.float64(row_u[0]), np.float64(row_u[nx - 1])
    if nx > 1:
        seam = row_x[nx - 1] * (left - right) if periodic else 0.0
        out[0] += row_x[0] * (left - row_u[1]) + seam
        out[nx - 1] += row_x[nx - 2] * (right - row_u[nx - 2]) - seam


@parallel_kernel
def apply_cells(out, u, gx, gy, gz, own, periodic, planes):  # type: ignore[no-untyped-def]
    """Apply the cell part of the operator to some planes, `out = (G + diag) u`."""
    for t in prange(planes.size):
        k = planes[t]
        for j in range(u.shape[1]):
            _apply_row(out[k, j], u, gx, gy, gz, own, periodic, k, j)


@kernel
def scatter(out, mean, u_s, start, idx, w, g):  # type: ignore[no-untyped-def]
    """Add `A_e^T g_e (mean_e - u_s)` to the cells, element by element; return `sum g_e (u_s - mean_e)`."""
    flat = out.reshape(out.size)
    total = 0.0
    for e in range(mean.size):
        flow = g[e] * (mean[e] - u_s)
        total -= flow
        for m in range(start[e], start[e + 1]):
            flat[idx[m]] += w[m] * flow
    return total


@kernel
def cross(turned, mean, u_s, g, beta):  # type: ignore[no-untyped-def]
    """Turn the elements' means of p to `mean + beta turned`; return `sum g_e (mean_e - u_s) turned_e`.

    Not `np.dot`: idle BLAS threads spin on the cores that the kernels need, and its bits depend on them.
    """
    total = 0.0
    for e in range(mean.size):
        turned[e] = mean[e] + beta * turned[e]
        total += g[e] * (mean[e] - u_s) * turned[e]
    return total


@parallel_kernel
def conducting(known, inv, planes):  # type: ignore[no-untyped-def]
    """Tell which cells have any conductance."""
    for t in prange(planes.size):
        k = planes[t]
        for j in range(known.shape[1]):
            join(known[k, j], inv, k, j, known.shape[1])


@parallel_kernel
def remainder(r, b, planes):  # type: ignore[no-untyped-def]
    """Turn `A u` into `b - A u`."""
    for t in prange(planes.size):
        k = planes[t]
        for j in range(r.shape[1]):
            row, row_b = r[k, j], b[k, j]
            for i in range(row.size):
                row[i] = row_b[i] - row[i]


@parallel_kernel
def squares(partial, r, known, planes):  # type: ignore[no-untyped-def]
    """Add up the squares of r by planes; r becomes 0 in cells without conductance."""
    for t in prange(planes.size):
        k = planes[t]
        sums = np.zeros(LANES)
        for j in range(r.shape[1]):
            row, row_d = r[k, j], known[k, j]
            for i in range(row.size):
                row[i] = row[i] if row_d[i] != 0 else 0.0
            add_products(sums, row, row)
        partial[k] = sums.sum()


@parallel_kernel
def begin(low, b, x, p, q, r, scale, planes):  # type: ignore[no-untyped-def]
    """Hand the residual to the float32 solver, `low = b = scale r`; x = p = q = 0."""
    for t in prange(planes.size):
        k = planes[t]
        row = np.empty(r.shape[2], np.float32)
        for j in range(r.shape[1]):
            for i in range(row.size):
                row[i] = scale * r[k, j, i]
            split(low, row, k, j, r.shape[1])
        for colour in range(2):
            b[colour, k] = low[colour, k]
            x[colour, k] = 0
            p[colour, k] = 0
            q[colour, k] = 0


@parallel_kernel
def products(partial, z, r, q, planes):  # type: ignore[no-untyped-def]
    """Add up `z r` and `z q` by planes."""
    for t in prange(planes.size):
        k = planes[t]
        sums = np.zeros((2, LANES))
        for colour in range(2):
            add_products(sums[0], z[colour, k], r[colour, k])
            add_products(sums[1], z[colour, k], q[colour, k])
        partial[k, 0] = sums[0].sum()
        partial[k, 1] = sums[1].sum()


@parallel_kernel
def turn(partial, p, q, z, gx, gy, gz, own, inv, mask, beta, planes, shape):  # type: ignore[no-untyped-def]
    """Take the next direction, `p = z + beta p` and `q = (G + diag) z + beta q`; add up `p q` by planes."""
    for m in prange(planes.size):
        k = planes[m]
        kb, ka = k - 1 if k > 0 else shape[0] - 1, k + 1 if k < shape[0] - 1 else 0
        width, at, count, _ = layout(shape[1], shape[2])
        left, before, behind = (at - 1) & POSITIVE, (at - width) & POSITIVE, (at + width) & POSITIVE
        sums = np.zeros(LANES)
        for colour in range(2):
            o = 1 - colour
            here, other, below, above = z[colour, k], z[o, k], z[o, kb], z[o, ka]
            x, x_other, y, y_other = gx[colour, k], gx[o, k], gy[colour, k], gy[o, k]
            up, down, mine, scale = gz[colour, k], gz[o, kb], own[colour, k], inv[colour, k]
            side, to_p, to_q = mask[(k + colour) & 1], p[colour, k], q[colour, k]
            for t in range(count):
                mid = here[at + t]
                even = x_other[at + t] * (mid - other[at + t]) + x[at + t] * (mid - other[at + t + 1])
                odd = x_other[left + t] * (mid - other[left + t]) + x[at + t] * (mid - other[at + t])
                along_x = even if side[at + t] > 0 else odd
                along_y = y_other[before + t] * (mid - other[before + t]) + y[at + t] * (mid - other[behind + t])
                along_z = down[at + t] * (mid - below[at + t]) + up[at + t] * (mid - above[at + t])
                image = mine[at + t] * mid + along_x + along_y + along_z
                to_q[at + t] = (image if scale[at + t] != 0 else NONE) + beta * to_q[at + t]
            for t in range(count):
                to_p[at + t] = here[at + t] + beta * to_p[at + t]
            add_products(sums, to_p, to_q)
        partial[k] = sums.sum()


@parallel_kernel
def advance(partial, x, r, b, p, q, alpha, planes):  # type: ignore[no-untyped-def]
    """Step, `x += alpha p` and `r -= alpha q`, and hand r on as b (a V-cycle uses it up); add up r^2 by planes."""
    for m in prange(planes.size):
        k = planes[m]
        sums = np.zeros(LANES)
        for colour in range(2):
            row_x, row_r, to = x[colour, k], r[colour, k], b[colour, k]
            row_p, row_q = p[colour, k], q[colour, k]
            for t in range(row_x.size):
                row_x[t] += alpha * row_p[t]
            for t in range(row_x.size):
                row_r[t] -= alpha * row_q[t]
            for t in range(row_x.size):
                to[t] = row_r[t]
            add_products(sums, row_r, row_r)
        partial[k] = sums.sum()


@parallel_kernel
def add_up(u, correction, x, size, planes):  # type: ignore[no-untyped-def]
    """Take a correction to float64, `correction = size x`, and add it to u."""
    for t in prange(planes.size):
        k = planes[t]
        low = np.empty(u.shape[2], np.float32)
        for j in range(u.shape[1]):
            join(low, x, k, j, u.shape[1])
            row_u, row = u[k, j], correction[k, j]
            for i in range(row_u.size):
                row[i] = size * low[i]
                row_u[i] += row[i]


@parallel_kernel
def take(partial, r, image, planes):  # type: ignore[no-untyped-def]
    """r -= image; add up the squares of r by planes."""
    for t in prange(planes.size):
        k = planes[t]
        sums = np.zeros(LANES)
        for j in range(r.shape[1]):
            row, part = r[k, j], image[k, j]
            for i in range(row.size):
                row[i] -= part[i]
            add_products(sums, row, row)
        partial[k] = sums.sum()


@dataclass(frozen=True)
class SolveInfo:
    """What a solve did: 2-norms of the residual after and before, r_s the metal's part of what is left."""

    u_s: float
    iterations: int
    residual: float
    converged: bool
    before: float = 0.0
    r_s: float = 0.0


class Work:
    """Arrays of conjugate gradients: float32 in the layout of a level, float64 as the grid."""

    def __init__(self, shape: tuple[int, int, int], level: Array) -> None:
        self.x, self.p, self.q, self.low = (np.zeros_like(level) for _ in range(4))
        self.known = np.zeros(shape, np.float32)
        self.r, self.step, self.image = (np.zeros(shape) for _ in range(3))


class MultigridSolver:
    """A solver for one box; everything is allocated once, the coefficients change from stage to stage."""

    def __init__(self, shape: tuple[int, int, int], periodic: bool, beside: MultigridSolver | None = None) -> None:
        """Allocate for `shape = (nz, ny, nx)`; if it is not `periodic` the seam faces are taken as 0.

        beside: another solver of the same grid, whose work arrays it shares.
        """
        self.shape = shape
        self.periodic = periodic
        self._hierarchy = multigrid.Hierarchy(shape)
        self._own = np.zeros(shape)
        none = np.zeros(0, np.float32)
        self._faces: tuple[Array, Array, Array] = (none, none, none)
        self._work: Work = Work(shape, self.finest.u) if beside is None else beside._work
        self._partial = np.zeros(shape[0])
        self._pair = np.zeros((shape[0], 2))
        self._start, self._idx, self._w = np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0)
        self._at = self._idx  # the same cells in the layout of a level
        self._g, self._mean, self._turned = np.zeros(0), np.zeros(0), np.zeros(0)
        self._s = 0.0
        self._with_metal = False

    def prepare(
        self, gx: Array, gy: Array, gz: Array, diag: Array,
        start: Array, idx: Array, w: Array, g: Array, s: float, with_metal: bool, k0: int = 0,
    ) -> None:  # fmt: skip
        """Take the coefficients and coarsen them.

        gx, gy, gz (nz, ny, nx) float32: face conductances; diag (nz, ny, nx): the cells' own. They are not copied: they
        must stay as they are until the next call, if `solve` or `apply` is to be used.
        start (n + 1), idx, w: the elements' flat cell indices and weights; g (n) their conductances;
        s the metal's own conductance. Without metal the elements and s are left out. Planes below k0 count as empty.
        """
        self._own = diag
        gx, gy, gz = (np.ascontiguousarray(face, np.float32) for face in (gx, gy, gz))
        self._faces = (gx, gy, gz)
        self._hierarchy.load(gx, gy, gz, self._own, self.periodic, k0)
        count = g.size if with_metal else 0
        self._start = np.ascontiguousarray(start[: count + 1], np.int64) if count else np.zeros(1, np.int64)
        self._idx = np.ascontiguousarray(idx, np.int32)
        self._w = np.ascontiguousarray(w, np.float64)
        self._mean, self._turned = np.zeros(count), np.zeros(count)
        self._with_metal = with_metal
        self.update_elements(g, s)

    def prepare_cells(self, faces: Any, diag: Array, k0: int = 0) -> None:
        """As `prepare`, without elements and metal; faces: x, y and z."""
        gx, gy, gz = faces
        none = np.zeros(0)
        self.prepare(gx, gy, gz, diag, np.zeros(1, np.int64), np.zeros(0, np.int64), none, none, 1.0, False, k0)

    def update_elements(self, g: Array, s: float) -> None:
        """Take new conductances of the same elements and of the metal; the faces stay."""
        self._g = np.ascontiguousarray(g[: self._mean.size], np.float64)
        self._s = float(s) if self._with_metal else 0.0
        self._hierarchy.load_elements(self._start, self._idx, self._w, self._g, self._s, self._with_metal)
        self._partial[...] = 0.0  # planes that hold nothing stay 0
        self._pair[...] = 0.0

    @property
    def finest(self) -> multigrid.Level:
        """The level of the grid itself: `cycle` takes its b to its u."""
        return self._hierarchy.levels[0]

    def cycle(self) -> None:
        """Put one V-cycle's answer to the finest b into the finest u; the metal's right side is 0."""
        self._hierarchy.cycle(0.0)

    def apply(self, u: Array, u_s: float, out: Array) -> float:
        """Apply the operator to (u, u_s): cells into `out`, the metal's row is returned.

        Planes without conductance are left alone.
        """
        fine = self._hierarchy.levels[0]
        apply_cells(out, u, *self._faces, self._own, self.periodic, fine.planes)
        if not self._with_metal:
            return 0.0
        gather(self._mean, u.reshape(-1), self._start, self._idx, self._w)
        metal = scatter(out, self._mean, u_s, self._start, self._idx, self._w, self._g)
        return float(metal) + self._s * u_s

    def _turn(self, z_s: float, q_s: float, beta: float) -> tuple[float, float]:
        """Turn p and q, the metal's p not yet; return the cells' `p q` and the metal's q."""
        fine, work = self._hierarchy.levels[0], self._work
        turn(
            self._partial, work.p, work.q, fine.u, fine.gx, fine.gy, fine.gz, fine.own, fine.inv, fine.mask,
            np.float32(beta), fine.planes, fine.shape,
        )  # fmt: skip
        if not self._with_metal:
            return float(self._partial.sum()), 0.0
        gather(self._mean, fine.u.reshape(-1), self._start, self._at, self._w)
        metal = float(scatter(work.q, self._mean, z_s, self._start, self._at, self._w, self._g))
        crossing = float(cross(self._turned, self._mean, z_s, self._g, beta))
        return float(self._partial.sum()) + crossing, metal + self._s * z_s + beta * q_s

    def solve(
        self, u: Array, u_s: float, b: Array, b_s: float,
        *, tolerance: float, norm: float | None = None, reduction: float = 1.0, max_iterations: int = 100,
    ) -> SolveInfo:  # fmt: skip
        """Solve from the start (u, u_s); `u` is overwritten, cells without conductance are left alone.

        Done when the 2-norm of the residual is at most `tolerance * norm` (None: that of b) and `reduction` of what it
        was.
        """
        fine, work = self._hierarchy.levels[0], self._work
        if norm is None:
            norm = float(np.sqrt(float(np.square(b).sum()) + (b_s * b_s if self._with_metal else 0.0)))
        r_s = b_s - self.apply(u, u_s, work.r) if self._with_metal else self.apply(u, u_s, work.r)
        remainder(work.r, b, fine.planes)
        return self.correct(
            u, u_s, work.r, r_s, tolerance=tolerance, norm=norm, reduction=reduction, max_iterations=max_iterations
        )

    def correct(
        self, u: Array, u_s: float, r: Array, r_s: float,
        *, tolerance: float, norm: float | None = None, reduction: float = 1.0, max_iterations: int = 100,
    ) -> SolveInfo:  # fmt: skip
        """Add to (u, u_s) what takes its residual (r, r_s) away; `r` is overwritten with what is left of it.

        Done when the 2-norm of the residual is at most `tolerance * norm` (None: that of r) and `reduction` of what it
        was.
        """
        fine, work = self._hierarchy.levels[0], self._work
        conducting(work.known, fine.inv, fine.planes)
        squares(self._partial, r, work.known, fine.planes)
        size = float(np.sqrt(self._partial.sum() + r_s * r_s))
        start = size
        enough = min(tolerance * (start if norm is None else norm), reduction * start)
        iterations = 0
        before = np.inf  # the residual at the last restart
        while size > enough and iterations < max_iterations and size < before:
            before = size
            # On numbers near 1: float32 ends at 1e-38.
            begin(work.low, fine.b, work.x, work.p, work.q, r, 1.0 / size, fine.planes)
            x_s, done = self._correction(
                r_s / size, max(MARGIN * enough / size, DROP), max_iterations - iterations
            )
            iterations += done
            add_up(u, work.step, work.x, size, fine.planes)
            u_s += size * x_s
            r_s -= self.apply(work.step, size * x_s, work.image)
            take(self._partial, r, work.image, fine.planes)
            size = float(np.sqrt(self._partial.sum() + r_s * r_s))
        return SolveInfo(u_s, iterations, size, size <= enough, start, r_s)

    def _correction(self, r_s: float, enough: float, max_iterations: int) -> tuple[float, int]:
        """Solve for the finest `b` and r_s, of norm 1, into x until `enough` is left; return x_s and the iterations."""
        fine, work = self._hierarchy.levels[0], self._work
        if self._with_metal:
            self._at = self._hierarchy.places[self._idx]
            self._turned[...] = 0.0
        x_s, p_s, q_s, alpha, z_r, size, iterations = 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0
        while size > enough and iterations < max_iterations:
            z_s = self._hierarchy.cycle(r_s)
            products(self._pair, fine.u, work.low, work.q, fine.planes)
            z_q = float(self._pair[:, 1].sum()) + z_s * q_s
            beta = float(np.float32(-alpha * z_q / z_r)) if z_r > 0.0 else 0.0
            z_r = float(self._pair[:, 0].sum()) + z_s * r_s
            curvature, q_s = self._turn(z_s, q_s, beta)
            p_s = z_s + beta * p_s
            curvature += p_s * q_s
            if not curvature > 0.0:
                break
            alpha = float(np.float32(z_r / curvature))
            advance(self._partial, work.x, work.low, fine.b, work.p, work.q, np.float32(alpha), fine.planes)
            x_s += alpha * p_s
            r_s -= alpha * q_s
            size = float(np.sqrt(self._partial.sum() + r_s * r_s))
            iterations += 1
        return x_s, iterations
