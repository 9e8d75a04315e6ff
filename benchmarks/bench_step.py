"""The coupled step against the same in FiPy (2D), a phase-field step against py-pde; 1 thread against all.

    python benchmarks/bench_step.py [--quick]

FiPy's step has the same two stages. In each it solves one linear system for the potential and one for the salt, as one
Newton step of ours does. Coefficients and currents are prescribed. It has no motion, no film and no balances, and its
sides are mirrored. The Allen-Cahn step is explicit and of second order in space. Ours is a plain loop of the same
structure as the kernels.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from measuring import CORES, best, options, rough_case, section, table

from phasefield.kernels import elements
from phasefield.kernels._jit import parallel_kernel, prange
from phasefield.model.coefficients import Drive
from phasefield.model.level_set import LevelSetLaw

CURRENT = Drive(10.0)
STEP = 20.0  # s


def coupled(shape: tuple[int, ...]) -> tuple[LevelSetLaw, Any, Any]:
    """Return a cell, its state and a call that makes a step and forgets it."""
    cell = LevelSetLaw(rough_case(shape))
    s = cell.start()
    cell.drive(s, CURRENT)
    for _ in range(3):
        new = cell.step(s, CURRENT, STEP)
        cell.accept(s)
        s = new
    return cell, s, lambda: cell.step(s, CURRENT, STEP)


def fipy_step(cell: LevelSetLaw, s: Any) -> Callable[[], None]:
    """Return a call that makes the same step in FiPy, from the coefficients and currents of ours."""
    import fipy
    from fipy.solvers import LinearLUSolver

    from phasefield.verification.codes.fipy_reference import TOLERANCE, Faces
    from phasefield.verification.codes.fipy_twin import FIRST, LAST, LATER, FipyTwin, couplings, flat

    twin = FipyTwin(cell)
    reference, co, dx = twin.reference, twin.co, twin.dx
    h, c, rx = flat(s.front.h), flat(s.c), s.reaction
    g, D = twin.conductances(h, c), couplings(h, dx * twin.D)
    still = Faces(np.zeros(h.shape), np.zeros(h.shape))
    area, surface = s.front.area[: s.front.count], cell.transport.surface
    taken, slope = np.zeros(cell.shape), np.zeros(cell.shape)
    for cells, each in ((taken, rx.j), (slope, rx.J)):
        elements.scatter(cells, area * each, surface.share, s.front.touched, 1.0)
    net, slope = -flat(taken), flat(slope)
    net[-1] += dx**2 * s.jc[0]
    slope[-1] += dx**2 * cell.transport.jc_slope[0]
    slope += reference._void(g)  # cells of lithium: 0 = 0 otherwise
    psi = flat(s.phi) - co.beta * np.log(c / co.c_0)

    def potential() -> None:
        """Solve div(g grad u) - slope (u - psi) + net = 0."""
        u = reference.cell(psi)
        equation = fipy.ImplicitSourceTerm(coeff=reference.cell(slope)) == (
            fipy.DiffusionTerm(coeff=reference.face(g)) + reference.cell(slope * psi + net)
        )
        equation.solve(var=u, solver=LinearLUSolver(tolerance=TOLERANCE, iterations=10))

    def step() -> None:
        volume = h * dx**3
        held, part = volume * c, FIRST * STEP
        for stage in range(2):
            potential()
            new = reference.salt(D, still, volume / part, held / part + co.salt_per_charge * net, c)
            if stage == 0:
                held, part = held + LATER / FIRST * (volume * new - held), LAST * STEP

    return step


@parallel_kernel
def allen_cahn(new, old, dt, width):  # type: ignore[no-untyped-def]
    """One explicit Allen-Cahn step, periodic: the plain loop that py-pde is compared with."""
    nz, ny, nx = old.shape
    for k in prange(nz):
        for j in range(ny):
            for i in range(nx):
                x = old[k, j, i]
                sides = old[k, j, i - 1] + old[k, j, i + 1 - nx] + old[k, j - 1, i] + old[k, j + 1 - ny, i]
                sides += old[k - 1, j, i] + old[k + 1 - nz, j, i]
                new[k, j, i] = x + dt * (width * (sides - 6.0 * x) + x - x * x * x)


def allen_cahn_pde(n: int, steps: int) -> tuple[float, float]:
    """Return seconds a step of py-pde's Allen-Cahn on n^3 cells, and of its start-up."""
    import pde

    grid = pde.CartesianGrid([[0, n]] * 3, [n] * 3, periodic=True)
    state = pde.ScalarField.random_uniform(grid, -0.1, 0.1, rng=np.random.default_rng(1))
    begin = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        solver = pde.ExplicitSolver(pde.AllenCahnPDE(), adaptive=False)
        step = solver.make_stepper(state, dt=0.01)
        step(state, 0.0, 0.01)
    startup = time.perf_counter() - begin
    return best(lambda: step(state, 0.0, 0.01 * steps), 3) / steps, startup


def against_fipy(quick: bool) -> str:
    """Return the table of the coupled step against FiPy's."""
    rows = []
    numba.set_num_threads(1)
    for n in (64,) if quick else (192, 384):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            cell, s, ours = coupled((n, n))
            theirs, mine = best(fipy_step(cell, s), 2), best(ours)
        rows.append([f"{n} x {n}, 2D", f"{1e3 * mine:.1f}", f"{1e3 * theirs:.0f}", f"{theirs / mine:.0f}"])
    return table(
        ["the coupled step on, 1 thread", "this program, ms", "FiPy, sparse LU, ms", "times as long"], rows
    )


def against_pde(quick: bool) -> str:
    """Return the table of an Allen-Cahn step against py-pde's."""
    n = 48 if quick else 128
    numba.set_num_threads(CORES)
    per_step, startup = allen_cahn_pde(n, 60 if quick else 40)
    old, new = np.random.default_rng(1).uniform(-0.1, 0.1, (n, n, n)), np.empty((n, n, n))
    plain = best(lambda: allen_cahn(new, old, 0.01, 1.0))
    row = [f"{n}^3", f"{1e9 * plain / n**3:.2f}", f"{1e9 * per_step / n**3:.2f}", f"{per_step / plain:.1f}"]
    head = ["an Allen-Cahn step on", "our loop, ns a cell", "py-pde, ns a cell", "times as long"]
    return table([*head, "py-pde's start-up, s"], [[*row, f"{startup:.0f}"]])


def by_threads(quick: bool) -> str:
    """Return the table of the coupled step on one thread and on all."""
    rows = []
    shapes = ((32, 32, 32), (48, 64, 64)) if quick else ((48, 48, 48), (60, 64, 64), (96, 128, 128))
    for shape in shapes:
        took = []
        for threads in (1, CORES):
            numba.set_num_threads(threads)
            took.append(best(coupled(shape)[2], 3))
        row = [" x ".join(map(str, shape)), *(f"{1e3 * t:.0f}" for t in took)]
        rows.append([*row, f"{1e9 * took[-1] / np.prod(shape):.0f}", f"{took[0] / took[-1]:.2f}"])
    head = ["coupled step on", "1 thread, ms", f"{CORES} threads, ms", "ns a cell", f"1 over {CORES} threads"]
    return table(head, rows)


def main() -> None:
    """Print the tables."""
    quick = options(__doc__).parse_args().quick
    section("the coupled step against FiPy", lambda: against_fipy(quick))
    section("the Allen-Cahn step against py-pde", lambda: against_pde(quick))
    section("the coupled step by threads", lambda: by_threads(quick))


if __name__ == "__main__":
    main()
