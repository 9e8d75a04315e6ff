"""Solve a system that bench_solver.py has stored by the program itself, of this source tree or of an older one.

    python own_solve.py SYSTEM.npz TOLERANCE

Which tree, PYTHONPATH says. It uses one thread and starts from zero. Prints one line of JSON.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np

from phasefield.kernels import krylov

NAMES = ("gx", "gy", "gz", "diag", "start", "idx", "w", "g")  # what a solver prepares for, in its order
SOLVER = getattr(krylov, "MultigridSolver", None) or krylov.Multigrid  # as it was named until November 2026


def main(file: str, tolerance: float) -> None:
    """Solve and print."""
    system = np.load(file)
    problem, b, b_s = [system[name] for name in NAMES], system["b_cells"], float(system["b_metal"])
    solver, u, found = SOLVER(b.shape, True), np.zeros(b.shape), []
    for _ in range(3):  # the first has the kernels compiled
        begin = time.process_time()
        solver.prepare(*problem, 0.0, True)
        ready = time.process_time()
        u[...] = 0.0
        info = solver.solve(u, 0.0, b, b_s, tolerance=tolerance, norm=None)
        found.append((time.process_time() - ready, ready - begin))
    image = np.zeros(b.shape)
    left = b_s - solver.apply(u, info.u_s, image)
    off = np.hypot(np.linalg.norm((b - image)[image != 0.0]), left) / np.hypot(np.linalg.norm(b), b_s)
    solve, setup = min(found[1:])
    print(json.dumps({"setup": setup, "solve": solve, "iterations": info.iterations, "left": float(off)}))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
