"""The film: its patches, their renewal, its growth."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import modelcases as cases
import numba
import numpy as np
import pytest

from phasefield.analytic.flat_cell import run_flat
from phasefield.api import read_case
from phasefield.case.film_growth import GrowthLaw
from phasefield.constants import FARADAY
from phasefield.errors import CaseError
from phasefield.model.coefficients import Drive
from phasefield.model.film import SurfaceFilm
from phasefield.model.level_set import LevelSetLaw
from phasefield.model.state import State
from phasefield.results.run import open_run
from phasefield.simulation.driver import Driver


def patchwork(shape: tuple[int, int, int], dx: float, radius: float, seed: int = 1, **more: Any) -> SurfaceFilm:
    """Return a film of unit spread on any grid."""
    return SurfaceFilm(1.0, 1.0, 1.0, radius, more.pop("renewal", 1.0), seed, GrowthLaw(), shape, dx, **more)


def test_patches_have_unit_variance_and_the_stated_radius() -> None:
    radius, dx = 4.0, 1.0
    values = [patchwork((32, 40, 40), dx, radius, seed).patchwork(3) for seed in range(60)]
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
    fine = patchwork((54, 1 if flat else 54, 54), 1.0, radius).patchwork(2)
    coarse = patchwork((18, ny, 18), 3.0, radius).patchwork(2)
    part = fine[1::3, :: 1 if flat else 3, 1::3] if flat else fine[1::3, 1::3, 1::3]
    np.testing.assert_allclose(part, coarse, rtol=0.0, atol=1e-12)  # round-off of one spline sum


def test_patches_do_not_depend_on_threads(threads: tuple[int, int]) -> None:
    got = []
    for count in threads:
        numba.set_num_threads(count)
        got.append(patchwork((24, 16, 16), 1.0, 4.0).patchwork(0))
    assert np.array_equal(*got)


def test_seeds_and_frames_are_different_fields() -> None:
    shape = (24, 1, 64)
    fields = [
        patchwork(shape, 1.0, 3.0, seed).patchwork(n).ravel() for seed, n in ((1, 0), (1, 1), (1, 2), (2, 0))
    ]
    # Sampling: 24 x 64 / (2 pi radius^2) = 27 places, so a correlation of 0.2 by chance; 0.6 is three of
    # that.
    assert np.abs(np.corrcoef(fields) - np.eye(4)).max() < 0.6


def test_mirrored_sides_do_not_join_their_patches() -> None:
    """A periodic box repeats its patches at the opposite side, a mirrored one must not."""
    joined = []
    for periodic in (True, False):
        fields = np.stack(
            [patchwork((16, 1, 40), 1.0, 4.0, seed, periodic=periodic).patchwork(0) for seed in range(60)]
        )
        joined.append(float((fields[..., 0] * fields[..., -1]).mean()))
    # One cell apart: exp(-1/16) = 0.94; else independent, 60 x 16 / 7 = 140 places: 0.085, three times that allowed.
    assert joined[0] == pytest.approx(0.94, abs=0.1)
    assert abs(joined[1]) < 0.25


PATCHY = ['film.patches={ spread=0.6, size="6 um", renewal="0.5 um" }', 'grid.size=["24 um", "24 um"]']


def test_patches_stay_until_a_renewal_length_has_passed() -> None:
    cell, s = cases.driven(cases.make(*PATCHY), Drive(10.0))
    first = s.film.N.copy()
    dt = 0.25e-6 / (10.0 * cell.volume_per_charge)
    s = cell.step(s, Drive(10.0), dt)
    near = s.film.known > 0.0
    old = (first != 0.0) & near
    np.testing.assert_array_equal(s.film.N[old], first[old])  # half of it: the same patches
    assert not cell.film.due(s.film)
    assert s.film.left == pytest.approx(0.25e-6, rel=1e-3)  # the surface is flat to 1e-3
    assert cell.until_renewal(s) == pytest.approx(dt, rel=1e-3)
    s = cell.step(s, Drive(10.0), dt)
    assert cell.film.due(s.film)
    cell.drive(s, Drive(10.0))
    assert s.film.patch == 1
    assert s.film.left == pytest.approx(0.5e-6, rel=1e-3)
    both = np.stack([s.film.N[old], first[old]])
    assert abs(np.corrcoef(both)[0, 1]) < 0.9
    # The patches are the next random field at the closest points, of the seed alone.
    flat = np.abs(s.front.d) < 0.5 * cell.dx
    np.testing.assert_allclose(s.film.N[flat], cell.film.patchwork(1)[flat], atol=0.3)


def test_a_reversal_renews_and_a_rest_does_not() -> None:
    cell, s = cases.driven(cases.make(*PATCHY), Drive(10.0))
    s = cell.step(s, Drive(10.0), 0.1e-6 / (10.0 * cell.volume_per_charge))
    seen = []
    for current in (0.0, 10.0, -10.0, -5.0, 0.0, -5.0, 5.0):
        cell.drive(s, Drive(current))
        seen.append(s.film.patch)
    assert seen == [0, 0, 1, 1, 1, 1, 2]
    assert s.film.left == 0.5e-6
    voltage = -s.phi_s
    cell.drive(s, Drive(None, -voltage))  # at an imposed voltage the current tells
    assert s.film.patch == 3


def test_mean_conductivity_is_that_of_the_case() -> None:
    case = cases.make(
        'grid.size=["48 um", "48 um", "16 um"]',
        'surface.height="8 um"',
        'film.patches={ spread=0.6, size="6 um", renewal="1 um" }',
    )
    cell = LevelSetLaw(case)
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


@pytest.mark.parametrize(("current", "own", "other"), [(10.0, 1.0, 0.0), (-10.0, 0.0, 1.0)])
def test_film_that_plating_forms_takes_its_share_where_lithium_plates(current: float, own: float, other: float) -> None:
    case = cases.make('film.growth={ law="plating", plating_share=0.05, molar_volume="2e-5 m^3/mol" }')
    cell, s = cases.driven(case, Drive(current))
    s = cases.march(cell, s, Drive(current), 15.0, 40)
    grown = 0.05 * 2e-5 / FARADAY * 10.0 * 600.0  # y V_film j t/F
    # The surface is flat to 2 %, and so is the current.
    assert s.film.delta[s.film.known > 0.0] == pytest.approx(20e-9 + own * grown, rel=0.02)
    assert s.counter_film == pytest.approx(20e-9 + other * grown, rel=0.02)
    assert s.side == pytest.approx(own * 0.05 * 6000.0, rel=1e-9)
    assert s.applied - s.deposited == pytest.approx(s.side, rel=1e-9, abs=1e-9)


def test_film_of_the_counter_plane_grows_with_the_current_of_the_cell() -> None:
    case = cases.make(
        'film.growth={ law="plating", plating_share=0.05, molar_volume="2e-5 m^3/mol" }',
        'grid.size=["16 um", "24 um"]', 'surface.wave={ amplitude="2 um", wavelength="8 um" }',
    )  # fmt: skip
    cell, s = cases.driven(case, Drive(-10.0))  # the wave has 1.4 times the area of the plane
    s = cases.march(cell, s, Drive(-10.0), 5.0, 4)
    assert s.counter_film == pytest.approx(20e-9 + 0.05 * 2e-5 / FARADAY * 200.0, rel=1e-9)


def test_repair_and_growth_together_leave_some_current_to_plate() -> None:
    growth = 'film.growth={ law="plating", plating_share=0.5, molar_volume="2e-5 m^3/mol" }'
    with pytest.raises(CaseError, match=r"film.repair: .* together they may be 0.9; lower one of them"):
        cases.make(growth, "film.repair=0.5")
    assert cases.make(growth, "film.repair=0.3").film.plating_share == 0.8


def test_film_of_a_flat_cell_grows_with_what_plates() -> None:
    case = cases.make(
        'film.growth={ law="plating", plating_share=0.05, molar_volume="2e-5 m^3/mol" }', "protocol.repeat=9",
        'protocol.steps=[{current="10 A/m^2", duration="60 s"}, {current="-10 A/m^2", duration="60 s"}]',
    )  # fmt: skip
    grown = 9 * 0.05 * 2e-5 / FARADAY * 600.0
    p = case.properties()
    own, other = run_flat(case).last[-1].films
    assert own * p.film_conductivity == pytest.approx(20e-9 + grown, rel=1e-9)
    assert other * p.film_conductivity_counter == pytest.approx(20e-9 + grown, rel=1e-9)


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


def test_round_off_at_rest_tears_no_film() -> None:
    """At rest the mean speed is round-off, whose sign would count as a reversal: it is none."""
    case = cases.make('surface.roughness="0.3 um"', 'surface.correlation_length="3 um"', "surface.seed=3")
    cell, state = cases.driven(case, Drive(0.0))
    assert state.reaction is not None
    assert np.any(state.reaction.j_li != 0.0)  # surface energy moves lithium from crests to troughs
    assert cell.mean_speed(state) == 0.0
    cell.drive(state, Drive(10.0))
    assert cell.mean_speed(state) == pytest.approx(10.0 * cell.volume_per_charge, rel=0.05)  # 5 %: the area's roughness


def test_elements_read_only_cells_that_carry_the_film(tmp_path: Path) -> None:
    """Rough lithium with steep patches: the next cell along an element's line lies beyond a cell's distance, at times.

    A resumed run has other values in cells without film: it ends the same only if they are never read.
    """
    case = read_case(
        "pll",
        (
            'grid.size=["128 um", "160 um"]', 'grid.spacing="4 um"', 'surface.height="24 um"',
            'surface.roughness="2 um"', 'surface.correlation_length="12 um"', "film.patches.spread=2",
            'film.patches.size="12 um"', 'film.patches.renewal="none"', "numerics.front_step=1", "protocol.repeat=1",
            'protocol.steps=[{ current="1 mA/cm^2", duration="9 h" }]', 'protocol.stop_on=["short_circuit"]',
        ),
    )  # fmt: skip
    seen = []

    def look(s: State) -> None:
        front = s.front
        read = front.idx[: front.used]
        seen.append(np.max(np.abs(front.d.ravel()[read])) / front.lattice.dx)
        assert np.all(s.film.known.ravel()[read] > 0.0)
        assert np.all(s.film.delta.ravel()[read] > 0.0)

    cases.run(case, tmp_path / "watched", look)
    assert max(seen) > 4.0  # the interface ends at three cells
    assert cases.ends_the_same(case, tmp_path, every=5) >= 4


def test_a_patchy_film_has_the_resistance_that_was_given_in_parallel(tmp_path: Path) -> None:
    """Flat lithium of 13 by 13 patches: their mean conductivity is that of the film to about 1.3/13, of the sample."""
    words = [
        'film.resistance="50 ohm cm^2"', "film.patches.spread=1", 'film.patches.size="20 um"', "film.growth=none",
        "surface.roughness=none", "surface.correlation_length=none", "surface.seed=none", "protocol.repeat=1",
    ]  # fmt: skip
    Driver(read_case("pllz", words), tmp_path / "run")
    with open_run(tmp_path / "run") as run:
        parallel, mean = (float(run.series[f"film_resistance_{name}"][0]) for name in ("parallel", "mean"))
    assert parallel == pytest.approx(50e-4, rel=0.15)
    assert mean == pytest.approx(np.e * parallel, rel=0.3)  # exp(spread^2): that of a log-normal field
