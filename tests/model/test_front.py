"""Motion of the surface: growth of waves, waves carried to and fro, flat surfaces, isolated lithium."""

from __future__ import annotations

import math

import modelcases as cases
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import brentq

from phasefield.case import Properties
from phasefield.constants import FARADAY, GAS_CONSTANT
from phasefield.kernels import elements
from phasefield.kernels import front as kernels
from phasefield.model.coefficients import Drive
from phasefield.model.front import Front, label
from phasefield.model.level_set import LevelSetLaw
from phasefield.model.state import State

CURRENT = 20.0  # A/m^2


def omega(p: Properties, j: float, c: float, conductance: float, k: float) -> float:
    """Growth rate of docs/theory.md, "Closed forms"; c: concentration at the surface."""
    f = FARADAY / (GAS_CONSTANT * p.T)
    j0 = p.j0 * (c / p.c_ref) ** p.exponent
    z = brentq(lambda z: j0 * (math.exp(p.alpha_c * f * z) - math.exp(-p.alpha_a * f * z)) - j, -1.0, 1.0)
    J_z = j0 * f * (p.alpha_c * math.exp(p.alpha_c * f * z) + p.alpha_a * math.exp(-p.alpha_a * f * z))
    film = 1.0 + J_z / conductance
    J_z, J_c = J_z / film, p.exponent * j / c / film
    G = j * (1.0 - p.t_plus) / (FARADAY * p.D)
    Lam = J_c + 2.0 / f * (1.0 - p.t_plus) * J_z / c
    drive = J_z * (j / p.kappa - p.gamma * p.V_m * k**2 / FARADAY) + Lam * G
    return (
        p.V_m / FARADAY * drive / (1.0 + J_z / (p.kappa * k) + Lam * (1.0 - p.t_plus) / (FARADAY * p.D * k))
    )


def growth(cells: int, conductance: float, *more: str, seconds: float = 600.0) -> tuple[float, float, float]:
    """Return the measured growth rate [1/s] of a wave of 40 um, that of theory.

    And theory's without surface energy.
    """
    wavelength = 40.0
    dx = wavelength / cells
    case = cases.make(
        f"grid.size={cases.micrometres(wavelength, 2.0 * wavelength)}",
        f'grid.spacing="{dx} um"',
        f'surface.height="{0.5 * wavelength + 0.3 * dx} um"',
        f'surface.wave={{ amplitude="{0.05 * dx} um", wavelength="{wavelength} um" }}',
        f'film.conductivity="{conductance * 20e-9} S/m"',
        'kinetics.exchange_current_density="100 A/m^2"',
        'lithium.surface_energy="1 J/m^2"',
        *more,
    )
    times, amplitudes, surface = [], [], []

    def look(s: State) -> None:
        times.append(s.t)
        amplitudes.append(cases.crest(s))
        surface.append(float(s.front.gather(s.c).mean()))

    cell, s = cases.driven(case, Drive(CURRENT))
    steps = max(20, math.ceil(seconds / (0.2 * cell.dx / (cell.volume_per_charge * CURRENT))))
    cases.march(cell, s, Drive(CURRENT), seconds / steps, steps, look)
    third = len(times) // 3  # the salt has settled (L^2 / D = 36 s)
    measured = float(np.polyfit(times[third:], np.log(amplitudes[third:]), 1)[0])
    p, c, k = cell.properties, float(np.mean(surface[third:])), 2.0 * math.pi / (wavelength * 1e-6)
    flat = omega(p.__class__(**{**p.__dict__, "gamma": 0.0}), CURRENT, c, conductance, k)
    return measured, omega(p, CURRENT, c, conductance, k), flat


# 3 % with 40 cells. Measured 0.998, 1.001, 1.002.
@pytest.mark.parametrize("conductance", [1e2, 1e3, 1e4])
def test_wave_of_40_cells_grows_as_theory_says(conductance: float) -> None:
    measured, theory, _ = growth(40, conductance)
    assert measured == pytest.approx(theory, rel=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("conductance", [1e2, 1e3, 1e4])
def test_wave_of_80_cells_grows_as_theory_says(conductance: float) -> None:
    measured, theory, _ = growth(80, conductance)
    assert measured == pytest.approx(theory, rel=0.015)


def test_surface_energy_slows_a_wave() -> None:
    measured, theory, without = growth(40, 1e4, 'lithium.surface_energy="40 J/m^2"')
    assert theory < 0.8 * without  # it matters here
    assert measured == pytest.approx(theory, rel=0.03)  # as above


def test_surface_energy_flattens_a_wave() -> None:
    measured, theory, without = growth(40, 1e4, 'lithium.surface_energy="150 J/m^2"')
    assert theory < -0.2 * without
    assert measured == pytest.approx(theory, rel=0.03)


@pytest.mark.parametrize("transference", [0.1, 0.8, 1.0])
def test_transference_number_sets_the_growth(transference: float) -> None:
    # Slow salt: at t+ = 0.1 its gradient is a third of the drive.
    measured, theory, _ = growth(
        40,
        1e4,
        f"electrolyte.transference_number={transference}",
        'electrolyte.salt_diffusivity="5e-11 m^2/s"',
        seconds=800.0,
    )
    assert measured == pytest.approx(theory, rel=0.03)


def carried(cycles: int, amplitude: float, steps: int) -> tuple[float, float]:
    """Carry a wave up and down by 1 um; return amplitude and peak to valley over those at the start."""
    case = cases.make(
        'grid.size=["160 um", "160 um"]',
        'grid.spacing="4 um"',
        'surface.height="80 um"',
        f'surface.wave={{ amplitude="{amplitude} um", wavelength="160 um" }}',
        'kinetics.exchange_current_density="100 A/m^2"',
        'lithium.surface_energy="1 J/m^2"',
        'film.conductivity="5e-7 S/m"',
    )
    cell, s = cases.driven(case, Drive(2.0))
    balances = cases.Balances(cell, cell.salt_0, cell.volume_0)
    half = 1e-6 / (cell.volume_per_charge * 2.0)
    wave, peaks = cases.crest(s), float(np.ptp(s.front.height()[0]))
    for _ in range(cycles):
        for j in (2.0, -2.0):
            cell.drive(s, Drive(j))
            s = cases.march(cell, s, Drive(j), half / steps, steps, balances.look)
    assert max(balances.charge, balances.lithium, balances.salt) <= 1e-10
    return cases.crest(s) / wave, float(np.ptp(s.front.height()[0])) / peaks


def test_wave_carried_to_and_fro_keeps_its_amplitude() -> None:
    # The requirement is 2 % in 390 cycles: 0.1 % in 20. Measured 0.008 %; first order in time would cost
    # 4 %.
    for amplitude, steps in ((10.0, 1), (20.0, 2)):
        for ratio in carried(20, amplitude, steps):
            assert ratio == pytest.approx(1.0, abs=1e-3)


@pytest.mark.slow
def test_wave_carried_390_times_keeps_its_amplitude() -> None:
    for ratio in carried(390, 10.0, 4):
        assert ratio == pytest.approx(1.0, abs=0.02)  # acceptance 5; measured 0.0015


@pytest.mark.parametrize("size", [(12.0, 24.0), (9.0, 11.0, 24.0)], ids=["2D", "3D"])
@pytest.mark.parametrize("lateral", ["periodic", "mirror"])
def test_flat_lithium_under_a_uniform_film_stays_flat(size: tuple[float, ...], lateral: str) -> None:
    case = cases.make(f"grid.size={cases.micrometres(*size)}", f'grid.lateral="{lateral}"')
    cell, s = cases.driven(case, Drive(50.0))
    for j in (50.0, -50.0):
        cell.drive(s, Drive(j))
        s = cases.march(cell, s, Drive(j), 20.0, 30)
        z, crossings = s.front.height()
        # Unstable waves grow from what the solvers leave over, 1e-5 of the current; 6.7 nm/s for 600 s is
        # 4 cells.
        assert np.ptp(z) < 1e-4 * cell.dx
        assert np.all(crossings == 1)


@pytest.mark.parametrize("size", [(16.0, 32.0), (16.0, 12.0, 32.0)], ids=["2D", "3D"])
@pytest.mark.parametrize("slope", [0.85, 1.15])
def test_what_passes_is_what_moves_where_the_distance_is_none(size: tuple[float, ...], slope: float) -> None:
    """|grad d| off by 15 %, which is not mended: what moves is what the charge brings, within 0.5 %; it was 15 %."""
    wave = 'surface.wave={ amplitude="2 um", wavelength="16 um" }'
    cell, s = cases.driven(cases.make(f"grid.size={cases.micrometres(*size)}", wave), Drive(20.0))
    f = s.front
    f.d *= slope
    f.phase()
    f.refresh()
    s.film = cell.film.start(f)
    cell._coat(s)
    cell.volume_0, cell.salt_0 = f.volume(), cell.content(f, s.c)
    for j in (20.0, -20.0):
        cell.drive(s, Drive(j))
        for cells in (0.5, 0.01):
            after = cell.step(s, Drive(j), cells * cell.dx / float(np.abs(s.v).max()))
            assert after.volume_correction < 0.005


@pytest.mark.parametrize("size", [(12.0, 24.0), (9.0, 11.0, 24.0)], ids=["2D", "3D"])
def test_a_flat_surface_has_its_area(size: tuple[float, ...]) -> None:
    for height in np.linspace(8.0, 9.0, 7):
        s = LevelSetLaw(cases.make(f"grid.size={cases.micrometres(*size)}", f'surface.height="{height} um"')).start()
        area = s.front.area[: s.front.count]
        assert area == pytest.approx(np.full(s.front.count, 1e-12), rel=1e-12)


def test_the_area_of_a_ball_is_that_of_its_interface() -> None:
    """A ball of radius R has 4 pi R^2 (1 + (pi W/R)^2/3), second order in the spacing."""
    cell, s, away = with_island((28.0, 28.0, 40.0), "mirror")
    f = s.front
    for R in (4.0, 8.0):
        f.d[...] = np.clip(away + (4.0 - R) * 1e-6, -f.radius, f.radius)
        f.phase()
        f.refresh()
        expected = 4.0 * math.pi * R**2 * (1.0 + (math.pi * cell.W * 1e6 / R) ** 2 / 3.0)
        assert f.total(f.area[: f.count]) * 1e12 == pytest.approx(expected, rel=0.3 / R**2)


def with_island(size: tuple[float, ...], lateral: str) -> tuple[LevelSetLaw, State, NDArray[np.float64]]:
    """Return a flat cell with a ball of lithium in its electrolyte, and the distance to the ball."""
    case = cases.make(
        f"grid.size={cases.micrometres(*size)}",
        f'grid.lateral="{lateral}"',
        'surface.height="8.3 um"',
        'film.conductivity="2e-4 S/m"',
        'film.patches={ spread=0.5, size="8 um", renewal="1 um" }',
    )
    cell = LevelSetLaw(case)
    s = cell.start()
    f, (_, ny, _) = s.front, cell.shape
    k, j, i = np.indices(cell.shape)
    away = np.sqrt((k - 22.3) ** 2 + (j - (ny - 1) / 2) ** 2 * (ny > 1) + (i - 11.7) ** 2) * cell.dx - 4e-6
    f.d[...] = np.minimum(f.d, np.clip(away, -f.radius, f.radius))
    f.phase()
    f.refresh()
    s.film = cell.film.start(f)
    cell._coat(s)
    cell.volume_0, cell.salt_0 = f.volume(), cell.content(f, s.c)
    return cell, s, away


@pytest.mark.parametrize(
    ("size", "lateral"), [((24.0, 40.0), "periodic"), ((24.0, 24.0, 40.0), "mirror")], ids=["2D", "3D"]
)
def test_an_island_is_dead_until_it_is_reached(size: tuple[float, ...], lateral: str) -> None:
    cell, s, away = with_island(size, lateral)
    drive = Drive(60.0)
    cell.drive(s, drive)
    balances = cases.Balances(cell, cell.salt_0, cell.volume_0)
    assert np.array_equal(s.front.dead == 1, away <= 0.0)
    h = s.front.h.copy()
    near = away < s.front.closed + 2.0 * cell.dx

    def look(s: State) -> None:
        balances.look(s)
        assert np.array_equal(s.front.dead == 1, away <= 0.0)
        for current in (s.reaction.j, s.reaction.J, s.reaction.j_li):
            assert np.all(current[s.front.active == 0] == 0.0)
        # The ball keeps its place; the volume's closing reaches cells of its skin by 1e-3 of 1e-3 of a
        # step (0.3
        # cells), 1e-8 measured a step.
        assert float(np.abs(s.front.h - h)[near].max()) < 1e-6

    # Volume of a ball in xi of width W = R/8: 1 + (pi W/R)^2 more in 3D (15 %), a third of that in 2D.
    ball = math.pi * 16e-12 * cell.dx * 1.051 if cell.shape[1] == 1 else 4.0 / 3.0 * math.pi * 64e-18 * 1.154
    assert s.front.dead_volume() == pytest.approx(ball, rel=0.03)  # tails and corners of the skin: 1 %
    s = cases.march(cell, s, drive, 30.0, 9, look)
    assert s.front.dead_volume() > 0.0
    s = cases.march(cell, s, drive, 30.0, 36, balances.look)
    assert not s.front.dead.any()
    assert np.all(s.front.active == 1)
    s = cases.march(cell, s, drive, 5.0, 10, balances.look)
    # The top is the ball's, and it plates again.
    assert float(s.front.height()[0].max()) > 26.75e-6
    assert s.front.dead_volume() == 0.0
    assert max(balances.charge, balances.lithium, balances.salt) <= 1e-10


def test_labels_join_across_periodic_sides() -> None:
    mask = np.zeros((4, 6, 6), bool)
    mask[1, 2, 0] = mask[1, 2, 5] = mask[2, 0, 3] = mask[2, 5, 3] = mask[3, 3, 3] = True
    labels, roots = label(mask, True)
    assert len(np.unique(roots[labels[mask]])) == 3
    labels, roots = label(mask, False)
    assert len(np.unique(roots[labels[mask]])) == 5


@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize("shape", [(6, 1, 9), (5, 7, 8), (9, 6, 1), (4, 5, 33), (1, 6, 6)])
def test_runs_of_rows_connect_as_cells_do(shape: tuple[int, int, int], periodic: bool) -> None:
    """Dead lithium, pockets and shorts of random boxes, against labels of single cells."""
    rng = np.random.default_rng(shape[0])
    shorts = 0
    for part in np.linspace(0.2, 0.8, 40):
        d = np.where(rng.random(shape) < part, -1.0, 1.0)
        dead = np.zeros(shape, np.uint8)
        parent, ends = np.empty((2, d.size), np.int32)
        cut, pockets, shorted = kernels.connect(
            dead, parent, ends, np.empty(d.size, np.uint8), np.empty(shape[0] * shape[1] + 1, np.int64), d, periodic
        )
        labels, roots = label(d <= 0.0, periodic)
        part_of = roots[labels]
        base = np.unique(part_of[0][d[0] <= 0.0])
        expected = (d <= 0.0) & ~np.isin(part_of, base)
        assert np.array_equal(dead != 0, expected)
        assert cut == expected.sum()
        assert shorted == np.isin(part_of[-1][d[-1] <= 0.0], base).any()
        shorts += shorted
        labels, roots = label(d > 0.0, periodic)
        part_of = roots[labels]
        assert pockets == len(set(part_of[d > 0.0]) - set(part_of[-1][d[-1] > 0.0]))
    assert 0 < shorts <= 40


def test_hole_of_electrolyte_is_counted() -> None:
    cell, s, _ = with_island((24.0, 40.0), "periodic")
    f = s.front
    k, _, i = np.indices(cell.shape)
    hole = np.sqrt((k - 4.0) ** 2 + (i - 6.0) ** 2) * cell.dx - 2e-6
    f.d[...] = np.maximum(f.d, -hole)
    f.phase()
    f.refresh()
    assert f.pockets == 1


def test_no_entry_is_written_beyond_the_room_for_them() -> None:
    """Long elements, few of them: each part of the band has room for one more than its share."""
    lattice = kernels.lattice((40, 1, 8), 1.0, True)
    f = Front(lattice, True, 2.0)
    f.d[...] = (np.arange(40) - 19.6)[:, None, None]
    np.clip(f.d, -f.radius, f.radius, out=f.d)
    f.phase()
    f.refresh()
    room = np.full(f.used + 100, -7, np.int32)
    got = elements.build(
        f.start, room[: f.used - 5], np.zeros(f.used - 5), f.facet, f.curvature, f.owner, f.cells, f.n, f.d, f.h,
        lattice, True,
    )  # fmt: skip
    assert got == (-1, -1)
    assert np.all(room[f.used - 5 :] == -7)


@pytest.mark.parametrize("lateral", ["periodic", "mirror"])
def test_a_groove_holds_the_volume_of_its_triangle(lateral: str) -> None:
    groove = 'surface.groove={ position="3 um", depth="2 um", width="8 um" }'  # its left part wraps, or is cut
    grid = 'grid.size=["24 um", "8 um", "24 um"]', f'grid.lateral="{lateral}"', 'surface.height="10 um"'
    cell = LevelSetLaw(cases.make(*grid, groove))
    flat = LevelSetLaw(cases.make(*grid)).start().front.volume()
    cut = 0.0 if lateral == "periodic" else 0.5 * 1.0 * 0.5  # um^2 beyond the side: 1 um wide, 0.5 um deep there
    missing = flat - cell.start().front.volume()
    # Midpoints of cells of 1 um give a triangle's area to (dx/width)^2; the box is 8 um deep.
    assert missing * 1e18 == pytest.approx((0.5 * 2.0 * 8.0 - cut) * 8.0, rel=0.04)
    depth = 10e-6 - float(cell.start().front.height()[0].min())
    # Cells beside the deepest line are 1.75 um deep; the distance rounds the tip by a fifth of a cell.
    assert depth == pytest.approx(1.75e-6, abs=0.2e-6)


@pytest.mark.parametrize("steep", [1.0, 2.0, 3.0, 5.0])
def test_a_steep_groove_starts_with_its_volume_and_depth(steep: float) -> None:
    width, mean = 8.0, 26.0  # um
    grid = 'grid.size=["24 um", "8 um", "36 um"]', f'surface.height="{mean} um"'
    depth = 0.5 * steep * width
    groove = f'surface.groove={{ position="12 um", depth="{depth} um", width="{width} um" }}'
    front = LevelSetLaw(cases.make(*grid, groove)).start().front
    missing = (mean * 24.0 * 8.0 - front.volume() * 1e18) / (0.5 * depth * width * 8.0)
    assert missing == pytest.approx(1.0, abs=0.03)  # edges and deepest line, rounded over half a cell
    # Cells beside the deepest line are half a cell from it; the distance rounds the tip by as much.
    lowest = mean - float(front.height()[0].min()) * 1e6
    assert lowest == pytest.approx(depth * (1.0 - 1.0 / width), abs=0.5)
