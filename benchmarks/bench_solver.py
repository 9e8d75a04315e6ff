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
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from measuring import CORES, TREE, bandwidth, best, options, section, table
from own_solve import NAMES
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


def elsewhere(script: str, file: Path, tree: Path = HERE, **more: str) -> dict[str, float]:
    """Set up and solve by a script in a process of its own, with the program of a tree; return what it took."""
    return json.loads(output(tree, HERE / script, str(file), str(TOLERANCE), **ONE_THREAD, **more))


def peers(shape: Shape, against: Path | None, petsc: str) -> str:
    """Return the table of all solvers on one matrix."""
    problem, b, b_s = system(shape)
    a = cases.matrix(problem, 0.0).tocsr()
    known = np.flatnonzero(a.diagonal() > 0)
    a, right = a[known][:, known].tocsr(), np.append(b.ravel(), b_s)[known]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "system.npz"
        matrix = {"indptr": a.indptr, "indices": a.indices, "data": a.data, "b": right}
        np.savez(file, **matrix, b_cells=b, b_metal=b_s, **dict(zip(NAMES, problem, strict=True)))
        trees = {"this program": TREE} | ({"this program before": against.resolve()} if against else {})
        makers = {name: lambda tree=tree: elsewhere("own_solve.py", file, tree) for name, tree in trees.items()}
        makers["pyamg, Ruge-Stueben + CG"] = lambda: with_pyamg(a, right)
        makers["PETSc CG + hypre BoomerAMG"] = lambda: elsewhere("petsc_solve.py", file, python=petsc)
        return compared(f"{' x '.join(map(str, shape))} cells, {a.shape[0]} unknowns", makers)


def compared(title: str, makers: dict[str, Callable[[], dict[str, float]]]) -> str:
    """Return the table of some solvers, which run in turn."""
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
    head = [f"{title}, 1 thread", "set-up, CPU s"]
    head += ["solve, CPU s", "iterations", "residual left", "times as long"]
    return table(head, rows) + "".join(troubles.values())


def main() -> None:
    """Print the tables, or what our solver took as JSON."""
    parser = options(__doc__)
    parser.add_argument(
        "--petsc", metavar="PYTHON", default="/usr/bin/python3", help="a Python with petsc4py"
    )
    given = parser.parse_args()
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
