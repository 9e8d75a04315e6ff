"""The margin of contact: its equation, its limits, and a solver of contact on a half space."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from phasefield.analytic.contact import MEGA, SLIP, Pressed
from phasefield.api import read_case
from phasefield.check import regime
from phasefield.constants import FARADAY

ETA, P0, HOUR = 2.5e9, 0.1e6, 3600.0
PRESSED = Pressed(P0, ETA, math.inf, 0.0, 6.6, 0.3, 40e-6, 13e-6)
CREEPING = replace(PRESSED, viscosity=1e30, creep=7.7e-3)  # A. Masias et al., J. Mater. Sci. 54 (2019) 2585


def rate_of(pressed: Pressed, j: float) -> float:
    return pressed.molar_volume * j * math.sqrt(math.expm1(pressed.spread**2)) / FARADAY


def test_the_stress_solves_its_equation() -> None:
    for creep in (0.0, 7.7e-3, 1.0):
        one, k = replace(PRESSED, creep=creep), 2.0 / PRESSED.size
        sigma = one.stress(7.0, 1e9)
        shear = 1.0 / ETA + 3.0 * creep / MEGA * (SLIP * sigma / MEGA) ** 5.6
        assert sigma / (2.0 * k) * shear == pytest.approx(rate_of(one, 7.0), rel=1e-9)


def test_limits() -> None:
    assert replace(PRESSED, spread=0.0).margin(5.0, 1e4) == math.inf
    assert PRESSED.margin(0.0, 0.0) == math.inf
    assert replace(PRESSED, pressure=1e20).share(5.0, 1e4) == 1.0
    assert replace(PRESSED, viscosity=1e-3).share(5.0, 1e4) == 1.0
    stiff = replace(PRESSED, viscosity=1e25, modulus=1e6)  # an elastic membrane holds what the film made so far
    height = rate_of(PRESSED, 5.0) * HOUR
    assert stiff.stress(5.0, 5.0 * HOUR) == pytest.approx(0.5 * 1e6 * height * 2.0 / 40e-6, rel=1e-12)
    assert stiff.stress(5.0, 10.0 * HOUR) == pytest.approx(2.0 * stiff.stress(5.0, 5.0 * HOUR), rel=1e-12)


@pytest.mark.parametrize("pressed", [PRESSED, CREEPING])
def test_the_current_of_margin_one_grows_with_the_exponent_of_the_pressure(pressed: Pressed) -> None:
    low, high = (replace(pressed, pressure=p).limiting_current(HOUR) for p in (0.1e6, 0.2e6))
    assert pressed.margin(low, low * HOUR) == pytest.approx(1.0, rel=1e-9)
    assert math.log2(high / low) == pytest.approx(1.0 if pressed is PRESSED else 6.6, rel=1e-6)


def test_the_safe_pressure_has_a_margin_of_two() -> None:
    p = CREEPING.safe_pressure(5.0, 1e4)
    assert replace(CREEPING, pressure=p).margin(5.0, 1e4) == pytest.approx(2.0, rel=1e-9)


def in_contact(v: NDArray[np.float64], edge: float, pressure: float) -> float:
    """Return the share in contact of a viscous half space on a surface that grows at rates v [m/s].

    The pressure p >= 0 has a given mean and moves the half space at p/(2 eta k), wave by wave; where p > 0 that
    follows v. Least energy by projected gradients with Nesterov's momentum.
    """
    n = len(v)
    f = 2.0 * np.pi * np.fft.fftfreq(n, edge / n)
    k = np.hypot(f[:, None], f[None, : n // 2 + 1])
    k[0, 0] = np.inf
    least = 2.0 * np.pi / edge
    p = y = np.full_like(v, pressure)
    t = 1.0
    for _ in range(2000):
        moved = np.fft.irfft2(np.fft.rfft2(y) / (2.0 * ETA * k), s=v.shape)
        q = y - 2.0 * ETA * least * (moved - v)
        low, high = -np.abs(q).max() - pressure, np.abs(q).max() + pressure  # shift to the mean, by bisection
        for _ in range(60):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if np.maximum(q + middle, 0.0).mean() < pressure else (low, middle)
        new = np.maximum(q + low, 0.0)
        t, before = 0.5 * (1.0 + math.sqrt(1.0 + 4.0 * t * t)), t
        y, p = new + (before - 1.0) / t * (new - p), new
    return float((p > 1e-6 * pressure).mean())


@pytest.mark.parametrize("j", [5.0, 10.0, 20.0, 40.0])
def test_the_share_agrees_with_a_solver_of_contact(j: float) -> None:
    """When written 1.00, 0.80, 0.44, 0.20 for 0.95, 0.67, 0.37, 0.19: one wave number stands for a spectrum."""
    n, edge = 64, 16 * PRESSED.size
    f = 2.0 * np.pi * np.fft.fftfreq(n, edge / n)
    spectrum = np.exp(-((f[:, None] ** 2 + f[None, :] ** 2) * PRESSED.size**2) / 8.0)  # exp(-(r/l)^2) in amplitude
    white = np.random.default_rng(2).standard_normal((n, n))
    field = np.fft.ifft2(np.fft.fft2(white) * spectrum).real
    field *= PRESSED.spread / field.std()
    conductivity = np.exp(field)
    v = PRESSED.molar_volume * j / FARADAY * (conductivity / conductivity.mean() - 1.0)
    found = in_contact(v, edge, P0)
    assert -0.15 < PRESSED.share(j, 1e9) - found < 0.0


def test_check_states_the_margin_or_what_it_assumes() -> None:
    def contact(*overrides: str) -> tuple[str, float, str, bool]:
        (one,) = (found for found in regime(read_case("pllz", overrides)) if found.topic == "contact")
        return one.name, one.value, one.words, one.warning

    assert "follows the lithium everywhere" in contact()[2]
    stated = 'contact={ stack_pressure="0.1 MPa", viscosity="2.5e9 Pa s" }'
    name, margin, words, warning = contact(stated)
    assert (name, warning) == ("margin", False)
    p = read_case("pllz").properties()
    mine = replace(PRESSED, molar_volume=p.V_m)
    assert margin == pytest.approx(mine.margin(2.0, 2.0 * HOUR), rel=1e-12)
    assert "margin 1 at" in words
    assert contact(stated, 'protocol.steps=[{ current="2 mA/cm^2", duration="1 h" }]', "protocol.repeat=1")[3]
    assert read_case("pllz", [stated]).hash == read_case("pllz").hash
