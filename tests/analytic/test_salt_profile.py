"""The salt between flat electrodes when D depends on c, against solutions made another way."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import quad, solve_ivp
from scipy.optimize import brentq

from phasefield.analytic import closed_forms as forms
from phasefield.analytic import salt_profile
from phasefield.analytic.diffusion_potential import salt_voltage, slope_at
from phasefield.api import read_case
from phasefield.case import Case, Properties
from phasefield.check import Finding, regime
from phasefield.constants import FARADAY, GAS_CONSTANT

GAP = 120e-6
C = [100.0, 800.0, 1000.0, 1500.0, 2500.0]  # mol/m^3
SHAPES = {
    "rising": [2e-12, 9e-12, 1.0e-11, 1.4e-11, 3e-11],
    "falling": [3e-11, 1.2e-11, 1.0e-11, 6e-12, 2e-12],
}  # m^2/s, 1e-11 at c0


def with_table(shape: str | float, *overrides: str, name: str = "pll") -> Case:
    """Return a case whose D(c) is a table: one of SHAPES, or the same D everywhere."""
    D = SHAPES[shape] if isinstance(shape, str) else [shape] * len(C)
    kappa = [0.01, 0.05, 0.0552, 0.06, 0.05]  # S/m
    rows = (
        ("concentration", [f'"{c} mol/m^3"' for c in C]),
        ("conductivity", [f'"{k} S/m"' for k in kappa]),
        ("diffusivity", [f'"{d} m^2/s"' for d in D]),
    )
    table = ", ".join(f"{key} = [{', '.join(values)}]" for key, values in rows)
    own = [f"electrolyte.concentration_dependence={{{table}}}", 'electrolyte.salt_diffusivity="1e-11 m^2/s"']
    return read_case(name, [*own, *overrides])


T_PLUS = [0.3, 0.15, 0.1, -0.1, -0.6]
X = [1.0, 1.3, 1.5, 2.2, 3.0]


def with_transference(shape: str, *overrides: str, name: str = "pll") -> Case:
    """Return a case whose D, t+ and thermodynamic factor are tables; t+ turns negative beyond c0."""
    plain = with_table(shape).electrolyte.concentration_dependence
    assert not isinstance(plain, str)
    rows = ", ".join(
        f"{key} = {[f'{value!r} {unit}'.strip() for value in values] if unit else list(values)}"
        for key, values, unit in (
            ("concentration", plain.concentration, "mol/m^3"), ("conductivity", plain.conductivity, "S/m"),
            ("diffusivity", plain.diffusivity, "m^2/s"), ("transference_number", T_PLUS, ""),
            ("thermodynamic_factor", X, ""),
        )
    )  # fmt: skip
    own = [f"electrolyte.concentration_dependence={{{rows}}}", 'electrolyte.salt_diffusivity="1e-11 m^2/s"']
    own += ["electrolyte.transference_number=0.1", "electrolyte.thermodynamic_factor=1.5"]
    return read_case(name, [*own, *overrides])


def t_plus_of(p: Properties, c: float) -> float:
    return float(np.interp(c, C, T_PLUS))


@pytest.mark.parametrize("shape", SHAPES)
def test_with_a_transference_number_over_concentration_the_anions_rest(shape: str) -> None:
    """Settled sides, ohmic drop and diffusion potential, by shooting: D dc/dz = (1 - t+(c)) j/F and dphi/dz."""
    p = with_transference(shape).properties()
    assert (p.t_plus, p.chi) == (0.1, 1.5)
    j = 0.8 * salt_profile.limiting_current(p, GAP)
    unit = 2 * GAS_CONSTANT * p.T / FARADAY
    at, kappa = (0.0, *p.table[0]), (0.0, *p.table[1])

    def crossed(low: float) -> NDArray[np.float64]:
        def slopes(_: float, y: NDArray[np.float64]) -> list[float]:
            c, less = float(y[0]), 1 - t_plus_of(p, float(y[0]))
            steep = j * less / (FARADAY * D_of(p, c))
            return [steep, c, j / float(np.interp(c, at, kappa)), unit * less * float(np.interp(c, C, X)) / c * steep]

        found = solve_ivp(slopes, (0.0, GAP), [low, 0.0, 0.0, 0.0], rtol=1e-9, atol=1e-12, max_step=GAP / 200)
        return np.asarray(found.y[:, -1])

    low = brentq(lambda low: crossed(low)[1] / GAP - p.c0, 1e-3, p.c0, xtol=1e-9)
    high, _, drop, potential = crossed(low)
    # As in the test of a table of D.
    assert salt_profile.settled_sides(p, j, GAP) == pytest.approx((low, high), rel=1e-5)
    v = forms.planar_voltage(p, j, GAP, settled=True)
    assert v is not None
    assert v.ohmic == pytest.approx(drop, rel=1e-4)
    assert v.concentration == pytest.approx(potential, rel=1e-5)
    one = replace(p, dependence="constant", t_plus=0.1, chi=1.5)
    other = forms.planar_voltage(one, 0.5 * j, GAP, settled=True)  # a cell that does not know of the columns differs
    assert other is not None
    assert abs(other.concentration / potential - 1) > 0.05


def test_limiting_current_and_wave_take_the_transference_number() -> None:
    p = with_transference("rising").properties()

    def carried(c: float) -> float:
        return D_of(p, c) / (1 - t_plus_of(p, c))

    def excess(high: float) -> float:
        return float(quad(lambda c: (c - p.c0) * carried(c), 0, high, points=C, limit=200)[0])

    whole = quad(carried, 0, brentq(excess, p.c0, 8 * p.c0), points=C, limit=200)[0]
    # 2000 nodes, between which D/(1 - t+) is bent by the slope of t+: 1e-6.
    assert salt_profile.limiting_current(p, GAP) == pytest.approx(FARADAY / GAP * whole, rel=1e-5)
    one = replace(
        p, dependence="constant", kappa=float(salt_profile.conductivity(p, 300.0)), D=D_of(p, 300.0),
        t_plus=t_plus_of(p, 300.0), chi=float(np.interp(300.0, C, X)),
    )  # fmt: skip
    assert float(forms.growth_rate(p, 5.0, 300.0, 1e5)) == pytest.approx(float(forms.growth_rate(one, 5.0, 300.0, 1e5)))
    words = finding(with_transference("rising"), "j / j_lim").words
    assert "with D(c) and t+(c) of the table" in words


def test_diffusion_potential_is_the_integral_over_the_table() -> None:
    p = with_transference("rising").properties()
    unit = 2 * GAS_CONSTANT * p.T / FARADAY

    def beta(c: float) -> float:
        return unit * (1 - t_plus_of(p, c)) * float(np.interp(c, C, X))

    for c in (1e-3, 50.0, 900.0, 1000.0, 1400.0, 4000.0):  # beyond both ends, and in each kind of segment
        ends = sorted((p.c0, c))
        points = [math.log(knot) for knot in C if ends[0] < knot < ends[1]]
        found = quad(lambda z: beta(math.exp(z)), math.log(p.c0), math.log(c), points=points or None, epsabs=1e-13)[0]
        assert float(salt_voltage(p, p.c0, c)) == pytest.approx(found, rel=1e-10, abs=1e-13)
        assert float(slope_at(p, c)) == pytest.approx(beta(c), rel=1e-12)


def finding(case: Case, name: str) -> Finding:
    return next(one for one in regime(case) if one.name.strip() == name)


def D_of(p: Properties, c: float) -> float:
    return float(np.interp(c, p.table[0], p.table[2]))


def profile(p: Properties, j: float) -> tuple[float, float, float]:
    """Return the concentrations at both sides and the ohmic drop [V], by shooting across the gap."""
    N = j * (1 - p.t_plus) / FARADAY
    at, kappa = (0.0, *p.table[0]), (0.0, *p.table[1])

    def crossed(low: float) -> NDArray[np.float64]:  # c, int c dz and int j dz / kappa at the other side
        def slopes(_: float, y: NDArray[np.float64]) -> list[float]:
            return [N / D_of(p, y[0]), y[0], j / float(np.interp(y[0], at, kappa))]

        found = solve_ivp(slopes, (0.0, GAP), [low, 0.0, 0.0], rtol=1e-9, atol=1e-12, max_step=GAP / 200)
        return np.asarray(found.y[:, -1])

    low = brentq(lambda low: crossed(low)[1] / GAP - p.c0, 1e-3, p.c0, xtol=1e-9)
    high, _, drop = crossed(low)
    return float(low), float(high), float(drop)


@pytest.mark.parametrize("shape", SHAPES)
def test_settled_profile_is_that_of_shooting(shape: str) -> None:
    p = with_table(shape).properties()
    j = 0.8 * salt_profile.limiting_current(p, GAP)
    low, high, drop = profile(p, j)
    sides = salt_profile.settled_sides(p, j, GAP)
    # 2000 nodes of a profile that is smooth between the knots of the table: 1e-6.
    assert sides == pytest.approx((low, high), rel=1e-5)
    assert salt_profile.settled_sides(p, -j, GAP) == pytest.approx((high, low), rel=1e-5)
    v = forms.planar_voltage(p, j, GAP, settled=True)
    assert v is not None
    assert v.ohmic == pytest.approx(drop, rel=1e-4)  # 400 midpoints
    beta = 2 * GAS_CONSTANT * p.T / FARADAY * (1 - p.t_plus)
    assert v.concentration == pytest.approx(beta * math.log(high / low), rel=1e-5)


@pytest.mark.parametrize(("shape", "times"), [("rising", 0.66), ("falling", 1.55)])
def test_limiting_current_takes_the_table(shape: str, times: float) -> None:
    case = with_table(shape)
    p = case.properties()

    def excess(high: float) -> float:  # salt beyond c0 in the profile from nothing to `high`
        return float(quad(lambda c: (c - p.c0) * D_of(p, c), 0, high, points=C, limit=200)[0])

    high = brentq(excess, p.c0, 5 * p.c0)
    whole = quad(lambda c: D_of(p, c), 0, high, points=C, limit=200)[0]
    expected = FARADAY / ((1 - p.t_plus) * GAP) * whole
    assert salt_profile.limiting_current(p, GAP) == pytest.approx(expected, rel=1e-6)
    constant = 2 * FARADAY * p.D * p.c0 / ((1 - p.t_plus) * GAP)
    assert expected / constant == pytest.approx(times, abs=0.01)  # what the table changes
    told = finding(case, "j / j_lim")
    assert told.value == pytest.approx(2.0 / expected, rel=1e-6)
    assert "with D(c) of the table" in told.words
    just, over = (salt_profile.settled_sides(p, x * expected, GAP) for x in (0.999, 1.001))
    assert just is not None
    assert just[0] < 0.01 * p.c0
    assert over is None


def test_a_table_of_one_value_changes_nothing() -> None:
    p = with_table(1e-11).properties()
    plain = replace(p, dependence="constant", table=((), (), ()))
    assert salt_profile.limiting_current(p, GAP) == pytest.approx(
        salt_profile.limiting_current(plain, GAP), rel=1e-12
    )
    assert salt_profile.settled_sides(p, 5.0, GAP) == pytest.approx(
        salt_profile.settled_sides(plain, 5.0, GAP), rel=1e-12
    )
    # 400 layers, thinnest at the electrode.
    assert salt_profile.sand_time(p, 50.0) == pytest.approx(salt_profile.sand_time(plain, 50.0), rel=2e-4)
    at = salt_profile.gradient(plain, 2.0, 700.0)
    assert at == pytest.approx(2.0 * (1 - p.t_plus) / (FARADAY * 1e-11))


def sand(p: Properties, j: float) -> float:
    """Return Sand's time by explicit steps on even layers, s: the anions' balance."""
    N = j * (1 - p.t_plus) / FARADAY  # where c is c0
    least, most = min(p.table[2]), max(p.table[2])
    longest = math.pi * most * (p.c0 / (2 * N)) ** 2
    width = math.sqrt(least * longest) / 60
    c = np.full(math.ceil(6 * math.sqrt(most * longest) / width), p.c0)
    dt, t = 0.4 * width**2 / most, 0.0
    while True:
        D = np.interp(0.5 * (c[1:] + c[:-1]), p.table[0], p.table[2])
        drawn = j / FARADAY * (1 - np.interp(0.5 * (c[1:] + c[:-1]), p.table[0], p.table[3]))
        there = j / FARADAY * (1 - float(np.interp(c[0], p.table[0], p.table[3])))
        surface = c[0] - 0.5 * width * there / D_of(p, c[0])
        if surface <= 0.0:
            return t
        c += dt / width * np.diff(np.concatenate([[0.0], D * np.diff(c) / width - drawn, [-N]]))
        t += dt


@pytest.mark.parametrize("shape", SHAPES)
def test_sand_time_takes_the_table(shape: str) -> None:
    steps = 'protocol.steps=[{current="15 mA/cm^2", duration="600 s"}]'
    case = with_table(shape, steps, name="dendrites")
    told, p = finding(case, "Sand's time"), case.properties()
    assert told.value == pytest.approx(
        sand(p, 150.0), rel=0.01
    )  # its layers are half a diffusion length / 60
    assert abs(told.value / (math.pi * p.D * (FARADAY * p.c0 / (300.0 * (1 - p.t_plus))) ** 2) - 1.0) > 0.05
    assert told.words.endswith("with D(c) of the table")
    assert salt_profile.sand_time(p, 75.0) == pytest.approx(4 * salt_profile.sand_time(p, 150.0))


@pytest.mark.parametrize("shape", SHAPES)
def test_sand_time_takes_the_transference_number(shape: str) -> None:
    case = with_transference(shape, name="dendrites")
    p = case.properties()
    found = salt_profile.sand_time(p, 150.0)
    assert found == pytest.approx(sand(p, 150.0), rel=0.01)  # as above
    plain = replace(p, table=p.table._replace(transference=(p.t_plus,) * len(C)))
    assert abs(found / salt_profile.sand_time(plain, 150.0) - 1.0) > 0.03


def test_a_wave_feels_the_diffusivity_at_the_surface() -> None:
    p = with_table("rising").properties()
    one = replace(p, dependence="constant", kappa=float(salt_profile.conductivity(p, 300.0)), D=D_of(p, 300.0))
    assert float(forms.growth_rate(p, 5.0, 300.0, 1e5)) == pytest.approx(
        float(forms.growth_rate(one, 5.0, 300.0, 1e5))
    )


def test_the_concentrations_at_both_sides_are_told() -> None:
    case = with_table("falling")
    low, high, _ = profile(case.properties(), 2.0)
    told = finding(case, "settled, at the lithium")
    assert told.value == pytest.approx(low, rel=1e-5)
    assert f"{high / 1000:.3g} mol/L" in told.words


def test_a_table_in_which_no_anion_moves_has_settled_sides() -> None:
    p = with_table("rising", "electrolyte.transference_number=1.0").properties()
    assert salt_profile.limiting_current(p, GAP) == math.inf
    assert salt_profile.settled_sides(p, 2.0, GAP) == pytest.approx((p.c0, p.c0))
    assert salt_profile.settled_diffusivity(p, np.array(C)) == pytest.approx(SHAPES["rising"])
