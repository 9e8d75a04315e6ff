"""Texture against closed forms."""

from __future__ import annotations

import json
from math import acos, pi, sqrt
from time import perf_counter

import numpy as np
import pytest
from scipy.special import ellipe

from phasefield.topography.roughness import height_map, l_filter, sa_sq_sz, subtract_plane, texture

N, DX, A = 128, 2e-6, 5e-6
LENGTH = N * DX


def sine(periods: int = 4, n: int = N) -> np.ndarray:
    x = np.arange(n) / n
    return np.broadcast_to(A * np.sin(2 * pi * periods * x), (n, n)) + 120e-6


def isotropic(seed: int = 0, n: int = N, length: float = 8.0) -> np.ndarray:
    """Gaussian surface whose autocorrelation is exp(-(r / length)^2), r in cells."""
    k = np.hypot(np.fft.fftfreq(n)[:, None], np.fft.fftfreq(n)[None, :])
    noise = np.fft.fft2(np.random.default_rng(seed).standard_normal((n, n)))
    z = np.fft.ifft2(noise * np.exp(-((pi * k * length) ** 2) / 2)).real
    return 1e-6 * z / z.std()


def test_sine_has_its_textbook_figures() -> None:
    t = texture(sine(), DX)
    assert t.Sa == pytest.approx(2 * A / pi, rel=4e-3)  # midpoint rule: (pi / 32)^2 / 3
    assert t.Sq == pytest.approx(A / sqrt(2), rel=1e-12)
    assert (t.Sp, t.Sv, t.Sz) == pytest.approx((A, A, 2 * A), rel=1e-9)
    assert t.Ssk == pytest.approx(0, abs=1e-9)
    assert t.Sku == pytest.approx(1.5, rel=1e-9)
    assert t.area == pytest.approx(LENGTH**2)
    assert sa_sq_sz(sine()) == pytest.approx((t.Sa, t.Sq, t.Sz), rel=1e-14)


def test_sine_slope_and_area_against_the_elliptic_integral() -> None:
    n, periods = 1024, 4
    t = texture(sine(periods, n), LENGTH / n)
    slope = 2 * pi * periods / LENGTH * A
    m = slope**2 / (1 + slope**2)
    assert t.Sdq == pytest.approx(slope / sqrt(2), rel=2e-4)  # second order in the 256 points a period
    assert t.Sdr == pytest.approx(2 / pi * sqrt(1 + slope**2) * ellipe(m) - 1, rel=4e-4)


def test_tilted_plane_is_exact_and_levels_to_nothing() -> None:
    gx, gy = 0.3, -0.7
    x = np.arange(N) * DX
    z = gx * x[None, :] + gy * x[:, None] + 1e-4
    t = texture(z, DX, periodic=False)
    assert t.Sdr == pytest.approx(sqrt(1 + gx**2 + gy**2) - 1, rel=1e-9)
    assert t.Sdq == pytest.approx(sqrt(gx**2 + gy**2), rel=1e-9)
    flat = texture(z, DX, level=True)
    assert flat.Sz < 1e-12 * t.Sz
    rough = subtract_plane(z + isotropic())
    assert rough == pytest.approx(subtract_plane(isotropic()), abs=1e-17)
    assert texture(z + isotropic(), DX, level=True).Sq == pytest.approx(1e-6, rel=0.05)


@pytest.mark.parametrize(
    "height", [np.full((16, 16), 120e-6), np.zeros((1, 16)), np.full((16, 16), 0.1 + 0.2)]
)
@pytest.mark.parametrize("level", [False, True])
def test_flat_map_has_no_texture(height: np.ndarray, level: bool) -> None:
    t = texture(height, DX, level=level)
    assert (t.Sa, t.Sq, t.Sp, t.Sv, t.Sz, t.Sdq, t.Sdr) == (0,) * 7
    assert (t.Ssk, t.Sku, t.Sal, t.Str) == (None,) * 4
    assert sa_sq_sz(height) == (0, 0, 0)


def test_sal_of_a_sine_and_of_a_profile() -> None:
    quarter = acos(0.2) / (2 * pi) * LENGTH / 4
    areal, profile = texture(sine(), DX), texture(sine()[:1], DX)
    assert areal.Sal == pytest.approx(quarter, rel=2e-3)  # cubic spline along the ray, two samples a cell
    assert areal.Str == pytest.approx(quarter / (LENGTH / 2), rel=2e-3)  # the ridges reach the rim
    assert profile.Sal == pytest.approx(quarter, rel=1e-2)
    assert profile.Str is None
    assert profile.area is None
    assert profile.Sq == pytest.approx(areal.Sq)


@pytest.mark.parametrize("periodic", [True, False])
def test_sal_and_str_of_gaussian_surfaces(periodic: bool) -> None:
    expected = 8 * DX * sqrt(np.log(5))  # exp(-(r/8)^2) = 0.2
    runs = [texture(isotropic(seed, 256), DX, periodic=periodic) for seed in range(4)]
    assert np.mean([t.Sal for t in runs]) == pytest.approx(expected, rel=0.15)  # minimum over directions: low
    assert min(t.Str or 0 for t in runs) > 0.6
    stretched = texture(np.repeat(isotropic(0, 64), 4, axis=0)[:, :], DX)
    assert stretched.Str is not None
    assert stretched.Str < 0.4


def test_skewness_and_kurtosis_of_known_distributions() -> None:
    z = np.zeros((10, 10))
    z.flat[:10] = 1.0  # one in ten stands out: Bernoulli, p = 0.1
    t = texture(z, DX)
    assert t.Ssk == pytest.approx((1 - 2 * 0.1) / sqrt(0.09), rel=1e-12)
    assert t.Sku == pytest.approx(3 + (1 - 6 * 0.09) / 0.09, rel=1e-12)
    assert (t.Sp, t.Sv) == pytest.approx((0.9, 0.1))


def test_l_filter_halves_the_cutoff_and_keeps_what_is_short() -> None:
    wavelength = LENGTH / 4
    half = l_filter(sine(), DX, wavelength)
    assert np.ptp(half) == pytest.approx(A, rel=1e-9)
    short, long = sine(32), sine(2)
    both = texture(short + long, DX, cutoff=LENGTH / 8)
    assert both.Sq == pytest.approx(A / sqrt(2), rel=0.01)
    middle = l_filter(short + long, DX, LENGTH / 8, periodic=False)[40:-40, 40:-40]
    assert middle == pytest.approx((short - 120e-6)[40:-40, 40:-40], abs=0.05 * A)


def test_height_map_of_a_plane_an_overhang_and_empty_and_full_columns() -> None:
    nz, dx = 20, 1e-6
    zc = (np.arange(nz) + 0.5) * dx
    surface = np.array([[3.2, 7.5, 10.77]]) * 1e-6
    d = zc[:, None, None] - surface[None]
    assert height_map(-d, dx, threshold=0) == pytest.approx(surface, rel=1e-12)
    xi = np.clip(0.5 - d / (4 * dx), 0, 1)
    assert height_map(xi, dx) == pytest.approx(surface, rel=1e-12)
    xi[:, 0, 1], xi[:, 0, 2] = 0, 1
    xi[15, 0, 0] = 1.0  # a roof above the first column
    h = height_map(xi, dx)
    assert h[0] == pytest.approx([16e-6, 0, nz * dx])
    assert height_map(xi[:, 0], dx).shape == (1, 3)


def test_bad_maps_are_refused_and_the_record_is_json() -> None:
    with pytest.raises(ValueError, match="finite"):
        texture([[0.0, np.nan]], DX)
    with pytest.raises(ValueError, match="spacing"):
        texture(sine(), 0.0)
    record = json.loads(json.dumps(texture(sine(), DX).as_dict()))
    assert record["extent"] == [LENGTH, LENGTH]


def test_basic_is_quick_and_repeats_to_the_bit() -> None:
    z = isotropic()
    first = sa_sq_sz(z)
    best = min(_timed(z) for _ in range(10))
    assert sa_sq_sz(z) == first
    assert best < 5e-3


def _timed(z: np.ndarray) -> float:
    start = perf_counter()
    sa_sq_sz(z)
    return perf_counter() - start
