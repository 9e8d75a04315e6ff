"""The multigrid solver against the assembled matrix; symmetry, repeatability and robustness."""

from __future__ import annotations

import numba
import numpy as np
import pytest
import scipy.sparse.linalg as direct
from rough_systems import current, electrolyte, front, matrix, rough_distance, solve

from phasefield.kernels.krylov import MultigridSolver


@pytest.mark.parametrize(
    ("shape", "periodic"),
    [
        ((70, 1, 50), True),
        ((61, 1, 37), False),
        ((240, 1, 64), True),
        ((31, 1, 1), True),
        ((12, 8, 8), True),
        ((23, 17, 19), True),
        ((23, 17, 19), False),
        ((26, 20, 14), True),
        ((26, 20, 4), True),
        ((25, 3, 21), False),
    ],
)
@pytest.mark.parametrize("reaction", [1e-3, 0.3])
def test_agrees_with_a_direct_solver(shape: tuple[int, int, int], periodic: bool, reaction: float) -> None:
    problem = front(shape, periodic=periodic, reaction=reaction)
    u, info = solve(problem, periodic=periodic, s=0.01, tolerance=1e-12)
    a = matrix(problem, 0.01).tocsc()
    b, b_s = current(shape)
    known = np.append(a.diagonal()[:-1] > 0, True)
    exact = np.zeros(b.size + 1)
    exact[known] = direct.spsolve(a[known][:, known], np.append(b.ravel(), b_s)[known])
    found = np.append(u.ravel(), info.u_s)
    assert info.converged
    # 1e-12 of the residual times the contrast of the coefficients, 1e3 here
    assert np.abs(found - exact).max() < 1e-8 * np.abs(exact).max()
    assert np.all(found[~known] == 0.0)


@pytest.mark.parametrize("periodic", [True, False])
def test_operator_is_the_assembled_matrix_and_symmetric(periodic: bool) -> None:
    shape = (23, 17, 19)
    problem = front(shape, periodic=periodic, contrast=5.0)
    solver = MultigridSolver(shape, periodic)
    solver.prepare(*problem, 0.3, True)
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, *shape))
    ax, ay = np.empty(shape), np.empty(shape)
    ax_s, ay_s = solver.apply(x, 0.7, ax), solver.apply(y, -0.4, ay)
    wanted = matrix(problem, 0.3) @ np.append(x.ravel(), 0.7)
    assert np.abs(np.append(ax.ravel(), ax_s) - wanted).max() < 1e-13 * np.abs(wanted).max()
    one, other = np.vdot(y, ax) - 0.4 * ax_s, np.vdot(x, ay) + 0.7 * ay_s
    assert abs(one - other) < 1e-13 * np.linalg.norm(y) * np.linalg.norm(ax)


def test_same_bits_for_one_and_two_threads(threads: tuple[int, int]) -> None:
    if threads[1] == 1:
        pytest.skip("one thread")
    problem = front((50, 33, 47))
    found = []
    for count in (1, 2):
        numba.set_num_threads(count)
        found.append(solve(problem))
    assert found[0][1] == found[1][1]
    assert np.array_equal(found[0][0], found[1][0])


def test_iterations_hardly_grow_with_the_grid() -> None:
    small, large = (
        [solve(front((n, n, n), seed=seed, balls=balls))[1] for seed in (1, 2) for balls in (0, 2)]
        for n in (32, 96)
    )
    assert all(info.converged for info in small + large)
    few, many = (sum(info.iterations for info in infos) for infos in (small, large))
    assert many <= 4 * 20  # 16 to 18 each when written
    assert many < 1.5 * few  # 12 to 13 each at 32


@pytest.mark.parametrize(
    ("reaction", "contrast", "most"), [(1e-6, 5.0, 40), (1e-3, 8.0, 60), (1.0, 0.0, 40), (100.0, 0.5, 300)]
)
def test_any_contrast_of_the_elements_converges(reaction: float, contrast: float, most: int) -> None:
    problem = front((32, 24, 28), reaction=reaction, contrast=contrast, balls=4)
    problem.g[::7] = 0.0
    np.minimum(
        problem.g, max(3.0, 3.0 * reaction), out=problem.g
    )  # iterations grow with the root of the largest
    assert solve(problem, most=most, s=0.01)[1].converged


def test_new_element_conductances_equal_a_new_preparation() -> None:
    shape = (33, 17, 19)
    problem, b = front(shape), current(shape)
    anew, updated = MultigridSolver(shape, True), MultigridSolver(shape, True)
    anew.prepare(*problem._replace(g=2.0 * problem.g), 0.2, True)
    updated.prepare(*problem, 0.1, True)
    updated.update_elements(2.0 * problem.g, 0.2)
    fields = np.zeros((2, *shape))
    infos = [
        solver.solve(u, 0.0, *b, tolerance=1e-10, norm=1.0, max_iterations=40)
        for solver, u in zip((anew, updated), fields, strict=True)
    ]
    assert infos[0] == infos[1]
    assert np.array_equal(*fields)


def test_salt_without_the_metal() -> None:
    shape = (23, 17, 19)
    problem = front(shape)
    problem.diag[...] = 0.05 * electrolyte(rough_distance(shape, 1, True, roughness=0.06, balls=2))
    solver = MultigridSolver(shape, True)
    solver.prepare(*problem, 0.0, False)
    a = matrix(problem, 0.0, False)
    known = a.diagonal() > 0
    b = np.random.default_rng(2).standard_normal(known.size)  # also where nothing conducts: ignored there
    u = np.full(shape, 7.0)
    info = solver.solve(u, 3.0, b.reshape(shape), 99.0, tolerance=1e-12, norm=None, max_iterations=40)
    assert info.converged
    exact = direct.spsolve(a.tocsc()[known][:, known], b[known])
    assert np.abs(u.ravel()[known] - exact).max() < 1e-8 * np.abs(exact).max()
    assert np.all(u.ravel()[~known] == 7.0)  # left alone


def test_pure_neumann_converges_for_a_consistent_right_side() -> None:
    shape = (24, 16, 20)
    problem = front(shape, balls=0)
    problem.diag[...] = 0.0
    solver = MultigridSolver(shape, True)
    solver.prepare(*problem, 0.0, True)
    wanted = np.random.default_rng(3).standard_normal(shape)
    b = np.empty(shape)
    b_s = solver.apply(wanted, 0.0, b)
    u = np.zeros(shape)
    info = solver.solve(u, 0.0, b, b_s, tolerance=1e-9, norm=None, max_iterations=60)
    assert info.converged
    assert np.isfinite(u).all()


def test_small_numbers_do_not_underflow() -> None:
    """The salt of a micrometre cell: faces of 1e-16 m^3/s, and sources far below those of a cell."""
    shape = (33, 17, 19)
    problem, (b, b_s) = front(shape), current(shape)
    gx, gy, gz = (np.float32(1e-16) * face for face in problem[:3])
    tiny = problem._replace(gx=gx, gy=gy, gz=gz, diag=1e-16 * problem.diag, g=1e-16 * problem.g)
    counts = []
    for system, unit in ((problem, 1.0), (tiny, 1e-40)):
        solver = MultigridSolver(shape, True)
        solver.prepare(*system, 0.0, True)
        info = solver.solve(np.zeros(shape), 0.0, unit * b, unit * b_s, tolerance=1e-8, norm=None)
        assert info.converged
        counts.append(info.iterations)
    assert counts[0] == counts[1]


def test_a_warm_start_that_is_good_enough_costs_nothing() -> None:
    shape = (33, 17, 19)
    problem, (b, b_s) = front(shape), current(shape)
    solver = MultigridSolver(shape, True)
    solver.prepare(*problem, 0.0, True)
    u = np.zeros(shape)
    first = solver.solve(u, 0.0, b, b_s, tolerance=1e-8, norm=None)
    kept = u.copy()
    again = solver.solve(u, first.u_s, b, b_s, tolerance=1e-8, norm=None)
    # The first residual was kept up to date, the second is computed anew from u: round-off of u apart.
    assert (again.u_s, again.iterations, again.converged) == (first.u_s, 0, True)
    assert again.residual == pytest.approx(first.residual, rel=1e-5)
    assert np.array_equal(u, kept)


def test_the_reported_residual_is_the_true_one() -> None:
    shape = (33, 17, 19)
    problem = front(shape)
    u, info = solve(problem, tolerance=1e-9)
    b, b_s = current(shape)
    a = matrix(problem, 0.0)
    left = np.append(b.ravel(), b_s) - a @ np.append(u.ravel(), info.u_s)
    left[a.diagonal() == 0] = 0.0
    assert np.linalg.norm(left) == pytest.approx(info.residual, rel=1e-5)
