"""The published law of motion: its kernel, its march and the checks of the ladder, in their fast versions."""

from __future__ import annotations

import numba
import numpy as np
import pytest

from phasefield.kernels import allen_cahn as kernels
from phasefield.kernels.front import lattice
from phasefield.verify import published
from phasefield.verify.row import Check


@pytest.mark.parametrize("check", published.CHECKS, ids=lambda check: check.name)
def test_the_ladder(check: Check) -> None:
    for row in check.run(False).rows:
        assert row.passed, f"{row.what}: {row.expected:g} expected, {row.measured:g} came"


@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize("shape", [(7, 5, 6), (9, 1, 4), (8, 1, 1)])
def test_the_rate_of_any_field(shape: tuple[int, int, int], periodic: bool) -> None:
    """Against numpy; 3 in place of dx^2 L k, 2 in place of L W."""
    xi = np.random.default_rng(3).uniform(-0.2, 1.2, shape)
    wanted = -2.0 * (4.0 * xi**3 - 6.0 * xi**2 + 2.0 * xi)
    for axis in range(3):
        side = "wrap" if periodic and axis > 0 else "edge"
        wide = np.pad(xi, [(1, 1) if a == axis else (0, 0) for a in range(3)], mode=side)  # type: ignore[call-overload]
        wanted += 3.0 * np.diff(wide, 2, axis)
    out = np.full(shape, np.nan)
    kernels.relax(out, xi, lattice(shape, 1.0, periodic), 2.0, 3.0)
    np.testing.assert_allclose(out, wanted, rtol=0.0, atol=1e-14)


def test_the_rate_is_the_same_to_the_bit_for_any_number_of_threads() -> None:
    xi = np.random.default_rng(4).uniform(0.0, 1.0, (13, 6, 9))
    before, outs = numba.get_num_threads(), []
    for threads in {1, before}:
        numba.set_num_threads(threads)
        out = np.empty_like(xi)
        kernels.relax(out, xi, lattice(xi.shape, 1.0, True), 2.0, 3.0)
        outs.append(out)
    numba.set_num_threads(before)
    assert all(np.array_equal(outs[0], out) for out in outs)


def test_the_march_is_of_second_order_in_time() -> None:
    """On one grid, whose own error falls out of the differences."""
    errors = [published.benchmark_error(0.02, share) for share in (0.25, 0.125, 0.0625)]
    assert np.log2((errors[0] - errors[1]) / (errors[1] - errors[2])) == pytest.approx(2.0, abs=0.12)
