"""The potential solver against the memory of this machine, with one thread and all, and against pyamg.

    python benchmarks/bench_solver.py [--quick]

Ratios travel between machines, seconds do not. Bandwidth is measured in the same run by `y = y + 2 x`.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

import numba
import numpy as np
import pyamg
import scipy.sparse.linalg as krylov
from measuring import STREAM, best, stream  # also puts the tests on the path

import test_multigrid as cases  # isort: skip

from phasefield.kernels.krylov import Multigrid, apply_cells

MATVEC = 36  # bytes a cell: u, out and own in float64, three faces in float32
CYCLE = 2 * 28 * 8 // 7  # bytes a cell: six float32 arrays read and one written, down and up, on all levels


def measure(shape: tuple[int, int, int], threads: int, peer: bool) -> None:
    """Print one line of figures for a rough front with islands."""
    numba.set_num_threads(threads)
    x, y = np.ones(STREAM), np.zeros(STREAM)
    bandwidth = 24 * STREAM / best(lambda: stream(y, x), 3)
    problem, (b, b_s) = cases.front(shape), cases.current(shape)
    b[cases.matrix(problem, 0.0, False).diagonal().reshape(shape) == 0] = 0.0
    solver = Multigrid(shape, True)
    prepare = best(lambda: solver.prepare(*problem, 0.0, True))
    fine, u, out = solver._hierarchy.levels[0], np.zeros(shape), np.zeros(shape)

    def cold() -> Any:
        u[...] = 0.0
        return solver.solve(u, 0.0, b, b_s, tolerance=1e-8, norm=None)

    info, whole = cold(), best(cold, 3)
    share = float(fine.live.mean())  # of the planes that hold any electrolyte
    faces = (fine.gx, fine.gy, fine.gz)
    matvec = best(lambda: apply_cells(out, u, *faces, solver._own, fine.planes))
    cycle = best(lambda: solver._hierarchy.cycle(0.0))
    cells = u.size * share
    print(
        f"{shape!s:>16} {threads} threads: {bandwidth / 1e9:5.1f} GB/s, prepare {1e3 * prepare:6.1f} ms, "
        f"matvec {1e9 * matvec / cells:5.2f} ns a cell ({MATVEC * cells / matvec / bandwidth:4.0%} of that), "
        f"cycle {1e9 * cycle / cells:5.2f} ns a cell ({CYCLE * cells / cycle / bandwidth:4.0%}), "
        f"{info.iterations} iterations, {1e3 * whole / info.iterations:6.1f} ms each, solve {whole:6.3f} s"
    )
    if peer:
        a = cases.matrix(problem, 0.0).tocsr()
        known = np.flatnonzero(a.diagonal() > 0)
        a, right = a[known][:, known].tocsr(), np.append(b.ravel(), b_s)[known]
        begin = time.perf_counter()
        preconditioner = pyamg.ruge_stuben_solver(a).aspreconditioner()
        count: list[int] = []
        krylov.cg(a, right, rtol=1e-8, M=preconditioner, callback=lambda _: count.append(1))
        took = time.perf_counter() - begin
        print(f"{'':16} pyamg Ruge-Stueben + CG: {len(count)} iterations, {took:.2f} s with its set-up: "
              f"{took / (whole + prepare):.1f} times as long")  # fmt: skip


if __name__ == "__main__":
    every = len(os.sched_getaffinity(0))
    quick = "--quick" in sys.argv
    measure((64, 64, 64), 1, True)
    measure((64, 64, 64), every, False)
    if not quick:
        measure((96, 96, 96), every, True)
        measure((96, 128, 128), 1, False)
        measure((96, 128, 128), every, False)
