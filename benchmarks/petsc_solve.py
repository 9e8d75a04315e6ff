"""Solve a system that bench_solver.py has stored by PETSc; run by any Python that has petsc4py and numpy.

    python3 petsc_solve.py SYSTEM.npz TOLERANCE

Debian's package python3-petsc4py serves, with Debian's own python3. Conjugate gradients with hypre's BoomerAMG as its
manual advises in 3D; one process; it stops at the true residual's norm. Prints one line of JSON.
"""

from __future__ import annotations

import glob
import json
import sys
import time

import numpy as np

sys.path += glob.glob("/usr/lib/petscdir/*/*-real/lib/python3/dist-packages")  # Debian leaves it off the path

import petsc4py

OPTIONS = """-no_signal_handler -ksp_type cg -ksp_norm_type unpreconditioned -pc_type hypre
    -pc_hypre_boomeramg_strong_threshold 0.5 -pc_hypre_boomeramg_coarsen_type HMIS
    -pc_hypre_boomeramg_interp_type ext+i -pc_hypre_boomeramg_P_max 4
    -pc_hypre_boomeramg_relax_type_all symmetric-SOR/Jacobi"""
petsc4py.init(["petsc", *OPTIONS.split()])
from petsc4py import PETSc  # noqa: E402


def main(file: str, tolerance: float) -> None:
    """Solve and print."""
    system = np.load(file)
    rows, columns = (system[name].astype(PETSc.IntType) for name in ("indptr", "indices"))
    a = PETSc.Mat().createAIJ((rows.size - 1, rows.size - 1), csr=(rows, columns, system["data"]))
    b, x = a.createVecs()
    b.setArray(system["b"])
    solver = PETSc.KSP().create()
    solver.setOperators(a)
    solver.setTolerances(rtol=tolerance, max_it=500)
    solver.setFromOptions()
    begin = time.process_time()
    solver.setUp()
    ready = time.process_time()
    solver.solve(b, x)
    end = time.process_time()
    found = {"setup": ready - begin, "solve": end - ready, "iterations": solver.getIterationNumber()}
    print(json.dumps({**found, "left": (b - a * x).norm() / b.norm()}))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
