"""The potential solve: its parts against the memory of this machine, and pyamg and PETSc on the same matrix.

    python benchmarks/bench_solver.py [--quick] [--against TREE] [--petsc PYTHON]

The system is that of a rough front with islands, with the metal's potential. It is solved to a residual of 1e-8 of the
right side in the 2-norm. The three solvers use one thread each and start from zero. Times are CPU times, the least of
two. PETSc uses conjugate gradients with hypre's BoomerAMG. Its other multigrid, GAMG, is slow with the row of the
metal's potential, which contains every cell of the surface (70 s at 64^3).
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numba
import numpy as np
from measuring import CORES, TREE, bandwidth, best, options, section, table
from process import HERE, ONE_THREAD, output

import rough_systems as cases  # isort: skip  # measuring puts the tests on the path

from phasefield.kernels.krylov import MultigridSolver, apply_cells

# Bytes a cell; what is written counts twice, as in the triad
MATVEC = 44  # u, own and out in float64, three faces in float32
CYCLE = 2 * 32 * 8 // 7  # six float32 arrays read and one written, down and up, on all levels
TOLERANCE = 1e-8
TURNS = 2
Shape = tuple[int, int, int]


def system(shape: Shape) -> tuple[Any, Any, float]:
    """Return the coefficients and the right side of a rough front with islands."""
    problem, (b, b_s) = cases.front(shape), cases.current(shape)
    b[cases.matrix(problem, 0.0, False).diagonal().reshape(shape) == 0] = 0.0
    return problem, b, b_s


def parts(shape: Shape, threads: int) -> list[str]:
    """Return a row of the times of our solver's parts."""
    speed = bandwidth(threads)
    problem, b, b_s = system(shape)
    solver = MultigridSolver(shape, True)
    prepare = best(lambda: solver.prepare(*problem, 0.0, True))
    fine, u, out = solver._hierarchy.levels[0], np.zeros(shape), np.zeros(shape)

    def cold() -> Any:
        u[...] = 0.0
        return solver.solve(u, 0.0, b, b_s, tolerance=TOLERANCE, norm=None)

    info, whole = cold(), best(cold, 3)
    cells = u.size * float(fine.live.mean())  # of the planes that hold any electrolyte
    row = [" x ".join(map(str, shape)), f"{threads}", f"{speed / 1e9:.1f}", f"{1e3 * prepare:.1f}"]
    for size, call in (
        (MATVEC, lambda: apply_cells(out, u, *solver._faces, solver._own, True, fine.planes)),
        (CYCLE, lambda: solver._hierarchy.cycle(0.0)),
    ):
        took = best(call)
        row += [f"{1e9 * took / cells:.2f}", f"{size * cells / took / speed:.0%}"]
    return [*row, f"{info.iterations}", f"{1e3 * whole:.0f}"]


def ours(shape: Shape) -> dict[str, float]:
    """Set up and solve by our solver; return what it took."""
    problem, b, b_s = system(shape)
    solver, u, found = MultigridSolver(shape, True), np.zeros(shape), []
    for _ in range(3):  # the first has the kernels compiled
        begin = time.process_time()
        solver.prepare(*problem, 0.0, True)
        ready = time.process_time()
        u[...] = 0.0
        info = solver.solve(u, 0.0, b, b_s, tolerance=TOLERANCE, norm=None)
        found.append((time.process_time() - ready, ready - begin))
    image = np.zeros(shape)
    left = b_s - solver.apply(u, info.u_s, image)
    off = np.hypot(np.linalg.norm((b - image)[image != 0.0]), left) / np.hypot(np.linalg.norm(b), b_s)
    solve, setup = min(found[1:])
    return {"setup": setup, "solve": solve, "iterations": info.iterations, "left": float(off)}


def with_pyamg(a: Any, b: Any) -> dict[str, float]:
    """Set up and solve by pyamg's Ruge-Stueben multigrid and conjugate gradients; return what it took."""
    import pyamg
    import scipy.sparse.linalg as krylov

    begin = time.process_time()
    preconditioner = pyamg.ruge_stuben_solver(a).aspreconditioner()
    ready = time.process_time()
    count: list[int] = []
    x, _ = krylov.cg(a, b, rtol=TOLERANCE, M=preconditioner, callback=lambda _: count.append(1))
    end = time.process_time()
    left = float(np.linalg.norm(b - a @ x) / np.linalg.norm(b))
    return {"setup": ready - begin, "solve": end - ready, "iterations": len(count), "left": left}


def with_petsc(a: Any, b: Any, python: str) -> dict[str, float]:
    """Set up and solve by PETSc and hypre, in a process of a Python that has petsc4py; return what it took."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "system.npz"
        np.savez(path, indptr=a.indptr, indices=a.indices, data=a.data, b=b)
        words = (str(path), str(TOLERANCE))
        return json.loads(output(HERE, HERE / "petsc_solve.py", *words, python=python, **ONE_THREAD))


def peers(shape: Shape, against: Path | None, petsc: str) -> str:
    """Return the table of all solvers on one matrix."""
    problem, b, b_s = system(shape)
    a = cases.matrix(problem, 0.0).tocsr()
    known = np.flatnonzero(a.diagonal() > 0)
    a, right = a[known][:, known].tocsr(), np.append(b.ravel(), b_s)[known]
    words = ("--ours", *map(str, shape))

    trees = {"this program": TREE} | ({"this program before": against.resolve()} if against else {})
    makers = {
        name: lambda tree=tree: json.loads(output(tree, Path(__file__), *words, **ONE_THREAD))
        for name, tree in trees.items()
    }
    makers["pyamg, Ruge-Stueben + CG"] = lambda: with_pyamg(a, right)
    makers["PETSc CG + hypre BoomerAMG"] = lambda: with_petsc(a, right, petsc)
    found: dict[str, dict[str, float]] = {}
    troubles: dict[str, str] = {}
    for _ in range(TURNS):
        for name, make in makers.items():
            try:
                r = make()
            except Exception as error:  # one that is missing does not keep the rest
                troubles[name] = f"\n\n{name}: could not run: {error}"
                continue
            r["whole"] = r["setup"] + r["solve"]
            found[name] = min(r, found.get(name, r), key=lambda one: one["whole"])
    rows = [
        [
            name,
            f"{r['setup']:.3f}",
            f"{r['solve']:.3f}",
            f"{r['iterations']}",
            f"{r['left']:.0e}",
            f"{r['whole'] / found['this program']['whole']:.1f}",
        ]
        for name, r in found.items()
    ]
    head = [f"{' x '.join(map(str, shape))} cells, {a.shape[0]} unknowns, 1 thread", "set-up, CPU s"]
    head += ["solve, CPU s", "iterations", "residual left", "times as long"]
    return table(head, rows) + "".join(troubles.values())


def main() -> None:
    """Print the tables, or what our solver took as JSON."""
    parser = options(__doc__)
    parser.add_argument(
        "--petsc", metavar="PYTHON", default="/usr/bin/python3", help="a Python with petsc4py"
    )
    parser.add_argument("--ours", nargs=3, type=int, metavar="N", help="only ours, on so many cells, as JSON")
    given = parser.parse_args()
    if given.ours:
        numba.set_num_threads(1)
        print(json.dumps(ours(tuple(given.ours))))
        return
    print(
        f"A rough front with islands, to a residual of {TOLERANCE:g} of the right side. A written array counts twice, "
        "as in the triad. The solvers are compared with one thread each, from zero, by the least CPU time of two runs. "
        "PETSc's own GAMG is left out: it needs minutes, because the row of the metal's potential contains every cell "
        "of the surface.\n"
    )
    shapes = [(64, 64, 64)] if given.quick else [(64, 64, 64), (96, 128, 128)]
    head = ["cells", "threads", "triad, GB/s", "prepare, ms", "product, ns a cell", "of triad"]
    head += ["V-cycle, ns a cell", "of triad", "iterations", "solve, ms"]
    section(
        "parts of the solver",
        lambda: table(head, [parts(shape, t) for shape in shapes for t in sorted({1, CORES})]),
    )
    for shape in [(64, 64, 64)] if given.quick else [(64, 64, 64), (96, 96, 96)]:
        section(f"solvers on {shape}", lambda shape=shape: peers(shape, given.against, given.petsc))


if __name__ == "__main__":
    main()
