"""Linear systems of rough fronts with islands and pockets, assembled and solved, for tests and benchmarks."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sparse

from phasefield.kernels.krylov import MultigridSolver, SolveInfo

Array = np.ndarray[Any, Any]
REACH = 4  # cells on either side of a crossing that an element looks at


class Problem(NamedTuple):
    """The coefficients of a solve, in the order of `prepare`."""

    gx: Array
    gy: Array
    gz: Array
    diag: Array
    start: Array
    idx: Array
    w: Array
    g: Array


def electrolyte(d: Array, width: float = 0.75, cut: float = -5.0) -> Array:
    """Return h of the signed distance in cells: 1 in the electrolyte, falling to exactly 0 in lithium."""
    h: Array = np.where(d < cut, 0.0, 0.5 * (1.0 + np.tanh(d / (2.0 * width))))
    return h


def rough_distance(
    shape: tuple[int, int, int], seed: int, periodic: bool, *, roughness: float, balls: int
) -> Array:
    """Return about the signed distance of a rough front with floating islands and enclosed pockets."""
    rng = np.random.default_rng(seed)
    nz, ny, nx = shape
    waves = [np.exp(-((np.fft.fftfreq(n) * max(2.0, max(ny, nx) / 12)) ** 2) * 2) for n in (ny, nx)]
    height = np.fft.ifft2(np.fft.fft2(rng.standard_normal((ny, nx))) * np.outer(*waves)).real
    height = nz * (0.5 + roughness * height / max(float(height.std()), 1e-30))
    k, j, i = np.indices(shape)
    d = (k + 0.5 - height) / np.sqrt(1.0 + (8.0 * roughness) ** 2)
    for n in range(2 * balls):
        pocket = n % 2 == 1
        at = nz * (rng.uniform(0.15, 0.3) if pocket else rng.uniform(0.6, 0.85))
        apart = [k - at]
        for cells, axis, count in ((ny, j, ny), (nx, i, nx)):
            away = np.abs(axis - rng.uniform(0, count))
            apart.append((np.minimum(away, cells - away) if periodic else away) if cells > 1 else 0.0 * away)
        ball = np.sqrt(sum(part**2 for part in apart)) - max(2.5, nz / 14)
        d = np.maximum(d, -ball) if pocket else np.minimum(d, ball)
    signed: Array = d
    return signed


def front(
    shape: tuple[int, int, int],
    *,
    seed: int = 1,
    periodic: bool = True,
    reaction: float = 0.1,
    contrast: float = 1.0,
    roughness: float = 0.06,
    balls: int = 2,
) -> Problem:
    """Return the system of a rough front; `reaction` is an element's conductance over that of a bulk face."""
    d = rough_distance(shape, seed, periodic, roughness=roughness, balls=balls)
    faces = [electrolyte(0.5 * (d + np.roll(d, -1, axis))).astype(np.float32) for axis in (2, 1, 0)]
    for face, axis in zip(faces, (2, 1, 0), strict=True):
        if axis == 0 or not periodic or shape[axis] == 1:
            face[tuple(slice(-1, None) if a == axis else slice(None) for a in range(3))] = 0.0
    diag = np.zeros(shape)
    diag[-1] = 2.0 * electrolyte(d[-1])
    cells, weights = [], []
    for axis in range(3):
        n = shape[axis]
        if n < 2 * REACH + 2:
            continue
        crossing = np.argwhere(d * np.roll(d, -1, axis) < 0)
        at = crossing[:, axis]
        if axis == 0 or not periodic:
            crossing = crossing[(at >= REACH + 1) & (at < n - REACH - 2)]
        line = np.repeat(crossing[:, None, :], 2 * REACH + 2, axis=1)
        line[:, :, axis] = (line[:, :, axis] + np.arange(-REACH, REACH + 2)) % n
        along = d[tuple(np.moveaxis(line, 2, 0))]
        h = electrolyte(0.5 * (along[:, 1:] + along[:, :-1]))
        share = np.diff(h, axis=1) * np.sign(along[:, REACH + 1] - along[:, REACH])[:, None]
        share = np.where(share > 1e-5, share, 0.0)
        across = share.sum(axis=1) > 0.1  # the rest are walls thinner than the interface
        cells.append(np.ravel_multi_index(tuple(np.moveaxis(line[across, 1:-1], 2, 0)), shape))
        weights.append(share[across] / share[across].sum(axis=1, keepdims=True))
    share, cell = np.concatenate(weights), np.concatenate(cells)
    start = np.concatenate([[0], np.cumsum((share > 0).sum(axis=1))])
    spread = np.random.default_rng(seed).standard_normal(len(share))
    g = reaction * np.exp(contrast * spread)
    return Problem(faces[0], faces[1], faces[2], diag, start, cell[share > 0], share[share > 0], g)


def matrix(problem: Problem, s: float, with_metal: bool = True) -> sparse.csr_matrix:
    """Assemble the operator independently of the kernels."""
    shape = problem.gx.shape
    n = problem.gx.size
    cell = np.arange(n).reshape(shape)
    total = sparse.diags(problem.diag.ravel().astype(float)).tocsr()
    for face, axis in zip(problem[:3], (2, 1, 0), strict=True):
        a, b, g = cell.ravel(), np.roll(cell, -1, axis).ravel(), face.ravel().astype(float)
        gradient = sparse.coo_matrix((np.ones(n), (np.arange(n), a)), (n, n)) - sparse.coo_matrix(
            (np.ones(n), (np.arange(n), b)), (n, n)
        )
        total = total + gradient.T @ sparse.diags(g) @ gradient
    if not with_metal:
        return total.tocsr()
    mean = sparse.csr_matrix((problem.w, problem.idx, problem.start), (problem.g.size, n))
    toward = sparse.hstack([mean, -np.ones((problem.g.size, 1))])
    border = sparse.block_diag([total, [[s]]])
    return (border + toward.T @ sparse.diags(problem.g) @ toward).tocsr()


def current(shape: tuple[int, int, int]) -> tuple[Array, float]:
    """Return a right-hand side: sources in the top half and a current into the metal."""
    b = np.zeros(shape)
    b[shape[0] // 2 :] = 1e-3 * np.random.default_rng(5).standard_normal(b[shape[0] // 2 :].shape)
    return b, 0.01 * shape[1] * shape[2]


def solve(
    problem: Problem, *, periodic: bool = True, s: float = 0.0, tolerance: float = 1e-8, most: int = 60
) -> tuple[Array, SolveInfo]:
    """Solve a front from a cold start with the right-hand side of `current`."""
    shape = problem.gx.shape
    solver = MultigridSolver(shape, periodic)
    solver.prepare(*problem, s, True)
    b, b_s = current(shape)
    b[matrix(problem, 0.0, False).diagonal().reshape(shape) == 0] = 0.0
    u = np.zeros(shape)
    return u, solver.solve(u, 0.0, b, b_s, tolerance=tolerance, norm=None, max_iterations=most)
