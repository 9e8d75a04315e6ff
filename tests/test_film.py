"""The film: its patches, their renewal, its growth."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any, cast

import modelcases as cases
import numba
import numpy as np
import pytest
from numpy.typing import NDArray

from phasefield.constants import FARADAY
from phasefield.kernels import film as kernels
from phasefield.model.cell import Cell
from phasefield.model.film import RELAXATION, Film, FilmState, Growth
from phasefield.model.front import Front
from phasefield.model.potential import Drive

Floats = NDArray[np.float64]


def patchwork(shape: tuple[int, int, int], dx: float, radius: float, seed: int = 1, **more: Any) -> Film:
    """Return a film of unit spread on any grid."""
    return Film(1.0, 1.0, 1.0, radius, more.pop("renewal", 1.0), seed, Growth(), shape, dx, **more)


def test_patches_have_unit_variance_and_the_stated_radius() -> None:
    radius, dx = 4.0, 1.0
    values = [patchwork((32, 40, 40), dx, radius, seed).frame(3) for seed in range(60)]
    fields = np.stack(values)
    # 60 boxes of (32 x 40 x 40) / (radius sqrt(2 pi))^3 = 50 independent places: variance to sqrt(2/3000)
    # = 2.6 %.
    assert fields.var() == pytest.approx(1.0, abs=0.08)  # three of that
    assert abs(fields.mean()) < 0.06  # three of 1/sqrt(3000)
    for axis in (1, 2, 3):
        for lag in (2, 4, 6):
            a, b = (
                np.take(fields, range(fields.shape[axis] - lag), axis),
                np.take(fields, range(lag, fields.shape[axis]), axis),
            )
            # exp(-(r/radius)^2), the radius being half the size of the case; sampling as above.
            assert float((a * b).mean()) == pytest.approx(math.exp(-((lag / radius) ** 2)), abs=0.08)


@pytest.mark.parametrize("flat", [True, False])
def test_patches_do_not_depend_on_the_grid(flat: bool) -> None:
    """Cell centres of a grid of 3 dx lie on those of dx: the values there are the same numbers."""
    radius = 9.0
    ny = 1 if flat else 18
    fine = patchwork((54, 1 if flat else 54, 54), 1.0, radius).frame(2)
    coarse = patchwork((18, ny, 18), 3.0, radius).frame(2)
    part = fine[1::3, :: 1 if flat else 3, 1::3] if flat else fine[1::3, 1::3, 1::3]
    np.testing.assert_allclose(part, coarse, rtol=0.0, atol=1e-12)  # round-off of one spline sum


def test_patches_do_not_depend_on_threads() -> None:
    got = []
    before = numba.get_num_threads()
    for threads in (1, before):
        numba.set_num_threads(threads)
        got.append(patchwork((24, 16, 16), 1.0, 4.0).frame(0))
    numba.set_num_threads(before)
    assert np.array_equal(*got)


def test_seeds_and_frames_are_different_fields() -> None:
    shape = (24, 1, 64)
    fields = [
        patchwork(shape, 1.0, 3.0, seed).frame(n).ravel() for seed, n in ((1, -1), (1, 0), (1, 1), (2, -1))
    ]
    # Sampling: 24 x 64 / (2 pi radius^2) = 27 places, so a correlation of 0.2 by chance; 0.6 is three of
    # that.
    assert np.abs(np.corrcoef(fields) - np.eye(4)).max() < 0.6


def walk(
    pieces: int, passed: list[float], seed: int = 1, shape: tuple[int, int, int] = (24, 1, 16)
) -> Floats:
    """Pass mean thicknesses, signed, one after the other, each in equal pieces; return N. The renewal length is 1."""
    film = patchwork(shape, 1.0, 2.0, seed)
    state = FilmState(film.frame(-1).copy(), np.ones(shape), np.ones(shape))
    near = np.arange(state.N.size)
    # Every cell is its own closest point.
    foot = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1).reshape(-1, 3).astype(float)
    front = cast(Front, SimpleNamespace(cells=near, n=near.size, foot=foot, periodic=True))
    for length in passed:
        for _ in range(pieces):
            film.evolve(state, front, near, math.copysign(1e-3, length), abs(length) / 1e-3 / pieces)
    return state.N


def test_renewal_does_not_depend_on_the_steps() -> None:
    passed = [3.3, -0.4, -1.1, 2.7]
    one = walk(1, passed)
    for pieces in (2, 7, 33):
        np.testing.assert_allclose(walk(pieces, passed), one, rtol=0.0, atol=1e-10)  # round-off


@pytest.mark.parametrize("passed", [[1.0], [3.0], [0.5, -1.0]])
def test_renewal_keeps_the_variance_and_forgets(passed: list[float]) -> None:
    """At the ends of frames N is a first-order autoregression: unit variance, memory exp(-passed/l)."""
    shape = (24, 1, 64)
    starts = np.stack([patchwork(shape, 1.0, 2.0, seed).frame(-1) for seed in range(80)])
    ends = np.stack([walk(3, passed, seed, shape) for seed in range(80)])
    # 80 x 24 x 64 / (2 pi 2^2) = 4900 places: 2 % of variance, three times that allowed.
    assert ends.var() == pytest.approx(1.0, abs=0.06)
    assert float((starts * ends).mean()) == pytest.approx(
        math.exp(-sum(map(abs, passed)) / RELAXATION), abs=0.05
    )


def test_variance_within_a_frame() -> None:
    """Between the ends of frames the variance falls: r^2 + (1 - r)^2 (1 + r_f)/(1 - r_f)."""
    shape = (24, 1, 64)
    part = 0.2
    got = np.stack([walk(1, [part], seed, shape) for seed in range(80)])
    r, r_f = math.exp(-part / RELAXATION), math.exp(-1.0 / RELAXATION)
    expected = r**2 + (1.0 - r) ** 2 * (1.0 + r_f) / (1.0 - r_f)
    assert got.var() == pytest.approx(expected, abs=0.06)  # sampling as above


def test_mean_conductivity_is_that_of_the_case() -> None:
    case = cases.make(
        'grid.size=["48 um", "48 um", "16 um"]',
        'surface.height="8 um"',
        'film.patches={ spread=0.6, size="6 um", renewal="1 um" }',
    )
    cell = Cell(case)
    s = cell.start()
    resistance, side = cell.film.at_surface(s.film, s.front)
    conductivity = cell.properties.film_thickness / resistance
    # 48 x 48 / (2 pi 3^2) = 41 places of CV 0.66: 10 % by chance, and elements of 6 cells feel 0.97 of N.
    assert conductivity.mean() == pytest.approx(cell.properties.film_conductivity, rel=0.25)
    assert np.log(conductivity).std() == pytest.approx(0.6, rel=0.3)
    assert np.all(side == 0.0)


@pytest.mark.parametrize(
    ("growth", "thickness"),
    [
        ('{ law="constant", rate="2e-11 m/s", molar_volume="2e-5 m^3/mol" }', lambda t: 20e-9 + 2e-11 * t),
        (
            '{ law="square-root", coefficient="1e-18 m^2/s", molar_volume="2e-5 m^3/mol" }',
            lambda t: math.sqrt(4e-16 + 1e-18 * t),
        ),
    ],
    ids=["constant", "square-root"],
)
@pytest.mark.parametrize("current", [10.0, -10.0, 0.0])
def test_growth_follows_its_law_and_takes_its_charge(growth: str, thickness: Any, current: float) -> None:
    case = cases.make(f"film.growth={growth}")
    cell, s = cases.driven(case, Drive(current))
    start, resistance_0 = -s.phi_s, float(s.resistance.mean())
    times: list[float] = []

    def charge(steps: int) -> float:
        nonlocal s
        cell.drive(s, Drive(current))
        s = cases.march(cell, s, Drive(current), 600.0 / steps, steps, lambda s: times.append(s.t))
        return s.side

    got = charge(40)
    delta = thickness(600.0)
    p = cell.properties
    assert s.film.delta[s.film.known > 0.0] == pytest.approx(delta, rel=1e-12)  # exact in any step
    assert s.counter_film == pytest.approx(delta, rel=1e-12)
    assert s.resistance.mean() == pytest.approx(delta / p.film_conductivity, rel=1e-12)
    # Two films of the same growth; kinetics, salt and gap change by less than 1 % of the rise.
    if current:
        rise = 2.0 * current * (s.resistance.mean() - resistance_0)
        assert -s.phi_s - start == pytest.approx(rise, rel=0.02)
    # Side charge = F (thickness grown) / V_film. Second order: (15 s / 800 s)^2 of the square root's charge.
    assert got == pytest.approx(FARADAY * (delta - 20e-9) / 2e-5, rel=1e-4)
    # The lithium in the film is lost to the electrode: applied = deposited + side.
    assert s.applied - s.deposited == pytest.approx(got, rel=1e-9)


def test_resistance_in_front_of_a_moving_surface_moves_with_it() -> None:
    case = cases.make(
        'film.patches={ spread=0.8, size="4 um", renewal="none" }', 'grid.size=["16 um", "24 um"]'
    )
    cell, s = cases.driven(case, Drive(20.0))
    first = s.resistance.copy()
    s = cases.march(cell, s, Drive(20.0), 30.0, 30)  # 2.4 cells
    # Without renewal every place keeps its film: columns stay what they were as lithium grows nearly flat.
    by_column = [
        dict(zip(front.owner[:n] % 16, r, strict=True))
        for front, n, r in ((s.front, s.front.count, s.resistance),)
    ]
    now = np.array([by_column[0][i] for i in range(16)])
    assert np.corrcoef(np.log(now), np.log(first))[0, 1] > 0.95


def test_renew_goes_over_to_the_new_frame() -> None:
    N = np.full((2, 1, 2), 0.7)
    kernels.renew(N, np.full(N.shape, 2.0), np.array([1, 3]), 2, 0.25, 1.5)
    assert N.ravel().tolist() == [0.7, 0.25 * 0.7 + 0.75 * 1.5 * 2.0, 0.7, 0.25 * 0.7 + 0.75 * 1.5 * 2.0]


def test_round_off_at_rest_tears_no_film() -> None:
    """At rest the mean speed is round-off, whose sign would count as a reversal: it is none."""
    case = cases.make('surface.roughness="0.3 um"', 'surface.correlation_length="3 um"', "surface.seed=3")
    cell, state = cases.driven(case, Drive(0.0))
    assert state.reaction is not None
    assert np.any(state.reaction.j_li != 0.0)  # surface energy moves lithium from crests to troughs
    assert cell.mean_speed(state) == 0.0
    cell.drive(state, Drive(10.0))
    assert cell.mean_speed(state) == pytest.approx(10.0 * cell.per_charge, rel=0.05)  # 5 %: the area's roughness
