"""The published law of motion: its kernel, its march and its checks, in their fast versions."""

from __future__ import annotations

import numba
import numpy as np
import pytest
import scipy.sparse as sparse
import scipy.sparse.linalg as direct
from rough_systems import rough_distance

from phasefield.constants import FARADAY
from phasefield.kernels import allen_cahn as kernels
from phasefield.kernels.front import lattice
from phasefield.model.allen_cahn.coefficients import GAMMA, LATE, AllenCahnCoefficients
from phasefield.model.allen_cahn.equations import Fields, Numbers, Published
from phasefield.model.coefficients import Drive
from phasefield.verification.row import Check
from phasefield.verification.surface import allen_cahn

LADDER = [
    pytest.param(check, id=check.name, marks=[pytest.mark.slow] if check.seconds[0] > 10.0 else [])
    for check in allen_cahn.CHECKS
]


@pytest.mark.parametrize("check", LADDER)
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


def test_the_rate_is_the_same_to_the_bit_for_any_number_of_threads(threads: tuple[int, int]) -> None:
    xi = np.random.default_rng(4).uniform(0.0, 1.0, (13, 6, 9))
    outs = []
    for count in threads:
        numba.set_num_threads(count)
        out = np.empty_like(xi)
        kernels.relax(out, xi, lattice(xi.shape, 1.0, True), 2.0, 3.0)
        outs.append(out)
    assert np.array_equal(*outs)


def test_the_march_is_of_second_order_in_time() -> None:
    """On one grid, whose own error falls out of the differences."""
    errors = [allen_cahn.benchmark_error(0.02, share) for share in (0.25, 0.125, 0.0625)]
    assert np.log2((errors[0] - errors[1]) / (errors[1] - errors[2])) == pytest.approx(2.0, abs=0.12)


SITES, C0, KAPPA, DX = 7.64e4, 1000.0, 0.1, 1e-6


def model(
    shape: tuple[int, int, int], contrast: float = 1e7, tolerance: float = 1e-5
) -> tuple[Published, Fields, Fields]:
    """Return a model of 4 cells a width and room for two states."""
    law = AllenCahnCoefficients.of(0.5, 4.0 * DX, 30.0, 1.0 / SITES, 1e-9)
    numbers = Numbers(law, KAPPA, contrast * KAPPA, 2.7e-11, 38.6, 0.5, 0.5, C0, SITES)
    return Published(lattice(shape, DX, True), True, numbers, tolerance), Fields.empty(shape), Fields.empty(shape)


@pytest.mark.parametrize("drive", [Drive(None, 0.2), Drive(50.0)], ids=["voltage", "current"])
@pytest.mark.parametrize("contrast", [1e3, 1e5, 1e7])
@pytest.mark.parametrize("shape", [(64, 1, 48), (24, 20, 16)])
def test_the_potential_at_any_contrast(shape: tuple[int, int, int], contrast: float, drive: Drive) -> None:
    """Rough metal with floating islands against a direct solver; the same multigrid needs about 20 iterations."""
    p, s, _ = model(shape, contrast)
    s.xi[...] = 0.5 * (1.0 - np.tanh(0.5 * rough_distance(shape, 3, True, roughness=0.05, balls=2)))
    s.c[...] = C0
    s.rate[...] = 1e-4 * s.xi * (1.0 - s.xi)
    p._potential(s, drive)
    sigma = KAPPA * (1.0 + (contrast - 1.0) * p.h)
    cell, n = np.arange(s.xi.size).reshape(shape), s.xi.size
    top, half = cell[-1].ravel(), 2.0 * DX * sigma[-1].ravel()
    border = sparse.coo_array((-half, (top, np.full(top.size, n))), (n + 1, n + 1))
    a = sparse.diags_array(np.zeros(n + 1)).tocsr() + border + border.T
    for axis in range(3):
        mean = 0.5 * DX * (sigma + np.roll(sigma, -1, axis))
        if axis == 0 or shape[axis] == 1:
            mean[tuple(slice(-1, None) if k == axis else slice(None) for k in range(3))] = 0.0
        i, j, g = cell.ravel(), np.roll(cell, -1, axis).ravel(), mean.ravel()
        rows = (np.concatenate([i, j, i, j]), np.concatenate([i, j, j, i]))
        a = a + sparse.coo_array((np.concatenate([g, g, -g, -g]), rows), (n + 1, n + 1))
    own = np.zeros(n + 1)
    own[cell[0].ravel()] = 2.0 * DX * sigma[0].ravel()
    own[top] += half
    own[n] = half.sum()
    b = np.append(-FARADAY * SITES * DX**3 * (s.rate + p.relaxed).ravel(), (drive.current or 0.0) * p.plane)
    if drive.voltage is not None:
        own[n] += 1e12 * own[n]
        b[n] = drive.voltage * own[n]
    exact = direct.spsolve((a + sparse.diags_array(own)).tocsc(), b)
    # float32 faces: 1e-7 of each; a sum of them in series is good to less than that
    assert s.voltage == pytest.approx(exact[n], rel=1e-6)
    np.testing.assert_allclose(s.psi.ravel(), exact[:n], rtol=0.0, atol=1e-6 * abs(exact[n]))
    current = float(half @ (exact[n] - exact[top])) / p.plane
    assert s.current == pytest.approx(current, rel=1e-5)
    assert p.iterations < 60  # 13 to 30 when written


def flat(p: Published, s: Fields, at: float) -> None:
    """Set a flat interface at height `at` [cells], a little wavy along the sides that the box has."""
    nz, ny, nx = s.xi.shape
    y, x = np.arange(ny) / ny, np.arange(nx) / nx
    crest = 0.5 * np.cos(2.0 * np.pi * x) + 0.8 * np.sin(2.0 * np.pi * y)[:, None]
    s.xi[...] = 0.5 * (1.0 - np.tanh(0.5 * (np.arange(0.5, nz)[:, None, None] - at - crest)))
    s.c[...] = C0


@pytest.mark.slow
def test_the_coupled_march_is_of_second_order_in_time() -> None:
    ends = []
    for steps in (4, 8, 16):
        p, s, new = model((40, 1, 1), tolerance=1e-10)
        flat(p, s, 12.0)
        drive = Drive(100.0)
        p.react(s, drive)
        for dt in [0.5] * 80 + [40.0 / steps] * steps:  # the first ones until ions have settled at the interface
            p.step(s, new, drive, dt)
            s, new = new, s
        ends.append((s.xi, np.where(s.xi < 0.5, s.c, 0.0)))  # c of the electrolyte
    orders = [np.log2(np.linalg.norm(a - b) / np.linalg.norm(b - c)) for a, b, c in zip(*ends, strict=True)]
    assert orders[0] == pytest.approx(2.0, abs=0.2)
    assert orders[1] > 1.3  # stiff: the ions settle in 1/100 of a step; on its way to 2 when written: 1.36, 1.47


def test_what_passes_the_counter_plane_is_what_the_cell_gains() -> None:
    """Ions and metal together: their sum changes by the flux through the plane alone, and xi by the reaction."""
    p, s, new = model((30, 6, 8))
    flat(p, s, 10.0)
    drive = Drive(100.0)
    p.react(s, drive)
    held, xi = p.content(s).sum(), s.xi.sum()
    _, reacted = p.step(s, new, drive, 5.0)
    again = 0.0
    n = p.numbers
    for weight, at in ((1.0 - GAMMA, p.middle), (GAMMA, new)):
        p._coefficients(at)
        pores = 1.0 + 1e-6 - p.h[-1]
        flux = 2.0 * n.D * pores * (C0 * (1.0 + n.f * (at.voltage - at.psi[-1])) - at.c[-1]) / DX
        again += weight * 5.0 * float(flux.sum()) / DX
    assert p.content(new).sum() - held == pytest.approx(again, rel=1e-3)
    grown = (new.xi.sum() - xi) * FARADAY * SITES * DX**3 / p.plane
    surface = reacted + FARADAY * SITES * DX**3 / p.plane * 5.0 * (
        (1.0 - LATE) * p.motion.first.sum() + LATE * p.motion.second.sum()
    )
    assert grown == pytest.approx(surface, rel=1e-9)


def test_lying_on_its_other_side_it_is_the_same() -> None:
    ends = []
    for shape in ((30, 6, 8), (30, 8, 6)):
        p, s, new = model(shape)
        flat(p, s, 10.0)
        if shape[1] == 8:
            s.xi[...] = ends[0][0].transpose(0, 2, 1)
        start = s.xi.copy()
        p.react(s, Drive(100.0))
        p.step(s, new, Drive(100.0), 5.0)
        ends.append((start, new))
    a, b = ends[0][1], ends[1][1]
    np.testing.assert_allclose(a.xi, b.xi.transpose(0, 2, 1), rtol=0.0, atol=1e-7)
    np.testing.assert_allclose(a.c, b.c.transpose(0, 2, 1), rtol=1e-4)
