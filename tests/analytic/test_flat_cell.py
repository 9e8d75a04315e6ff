"""A flat cell taken through protocols: against closed forms, against runs, and what is said of it."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq

from phasefield import api
from phasefield.analytic import closed_forms as forms
from phasefield.analytic.flat_cell import FlatCell, gap_of, run_flat
from phasefield.api import read_case
from phasefield.case import Case, Properties
from phasefield.check import Finding, regime
from phasefield.check.estimate import estimate
from phasefield.constants import FARADAY

HOUR, MA_CM2 = 3600.0, 10.0
GROWTH = 'film.growth={law="square-root", coefficient="2000 nm^2/h", molar_volume="15 cm^3/mol"}'
OFTEN = 'output.fields_every="1 h"'


def case(steps: str, *overrides: str) -> Case:
    """Return the case PLZ under other steps."""
    return read_case("plz", [f"protocol.steps=[{steps}]", OFTEN, *overrides])


def film_ruled(steps: str, *overrides: str) -> Case:
    """Return a case whose growing film takes nearly all of the voltage; its salt settles in seconds."""
    return case(
        steps,
        GROWTH,
        'electrolyte.conductivity="1e-2 S/cm"',
        "electrolyte.transference_number=0.5",
        *overrides,
    )


def grown(p: Properties, t: float) -> Properties:
    """Return the properties with films after t [s]: thickness^2 = thickness_0^2 + coefficient t."""
    K = 2000e-18 / HOUR
    return replace(
        p,
        film_thickness=math.sqrt(p.film_thickness**2 + K * t),
        film_thickness_counter=math.sqrt(p.film_thickness_counter**2 + K * t),
    )


def drawn(case: Case, voltage: float, t: float) -> float:
    """Return the settled current density [A/m^2] at a voltage [V], with the films of a time [s]."""
    p, gap = grown(case.properties(), t), gap_of(case)

    def excess(j: float) -> float:
        v = forms.planar_voltage(p, j, gap, settled=True)
        assert v is not None
        return v.total - voltage

    return float(brentq(excess, 0.0, 20.0, xtol=1e-14))


def finding(found: list[Finding], name: str) -> Finding:
    return next(one for one in found if one.name.strip() == name)


def test_a_voltage_step_begins_with_the_current_of_uniform_salt() -> None:
    for sign in (1, -1):
        hold = case(f'{{voltage="{10 * sign} mV", duration="1 h"}}')
        v = forms.planar_voltage(hold.properties(), run_flat(hold).first[0].current, gap_of(hold), settled=False)
        assert v is not None
        assert v.total == pytest.approx(sign * 0.010, rel=1e-9)


def test_current_falls_as_the_film_grows_under_a_voltage() -> None:
    hold = film_ruled('{voltage="20 mV", duration="200 h"}')
    leg = run_flat(hold).first[0]
    assert leg.end == pytest.approx(drawn(hold, 0.020, 200 * HOUR), rel=1e-4)
    assert leg.end < 0.05 * leg.current
    expected = quad(lambda t: drawn(hold, 0.020, t), 0, 200 * HOUR, points=[100, HOUR, 10 * HOUR])[0]
    assert leg.charge == pytest.approx(expected, rel=0.01)  # trapezoids that widen by a fifth
    assert leg.parts is not None
    assert leg.parts.total == pytest.approx(0.020)


def test_a_sweep_through_zero_strips_and_plates() -> None:
    sweep = case('{voltage=["-20 mV", "20 mV"], duration="100 s"}')
    leg = run_flat(sweep).first[0]
    plates, strips = leg.plated
    # the profile that the first half leaves hastens the second one: without it both would be equal
    assert 0.5 * plates < strips < plates
    assert leg.charge == pytest.approx(plates - strips, abs=0.1 * plates)  # trapezoids, and the ends of intervals
    words = finding(regime(sweep), "charge").words
    assert words.endswith(f"a repeat plates {plates / 36e3:.3g} and strips {strips / 36e3:.3g} mAh/cm2")


def test_a_long_hold_plates_all_of_its_charge() -> None:
    found = run_flat(case('{voltage="20 mV", duration="1000 h"}'))
    assert found.plated == pytest.approx(found.charge, rel=1e-3)  # the first hour, whose current falls, is a part of it
    assert found.first[0].plated == (found.plated, 0.0)


def test_the_range_of_the_current_is_told() -> None:
    hold = film_ruled('{voltage="20 mV", duration="200 h"}')
    found = regime(hold)
    imposed = finding(found, "flat cell, imposed")
    assert imposed.value == 0.020
    assert imposed.words == "held for 200 h"
    start, end = (finding(found, f"at 20 mV, at the {which}") for which in ("start", "end"))
    assert start.value == pytest.approx(
        drawn(hold, 0.020, 0.0), rel=0.01
    )  # the salt takes 1 % of the voltage
    assert end.value == pytest.approx(drawn(hold, 0.020, 200 * HOUR), rel=1e-4)
    assert "1.26e+04 and 1.26e+04 ohm cm2" in end.words  # 397 sqrt(1 + 2000 * 200 / 20^2)
    assert not any(one.name.startswith("flat cell, settled") for one in found)
    height = finding(found, "height per half-cycle").value
    assert height == pytest.approx(hold.lithium.molar_volume * run_flat(hold).charge / FARADAY)


def test_the_range_spans_all_repeats() -> None:
    both = film_ruled(
        '{voltage="20 mV", duration="5 h"}, {voltage="-20 mV", duration="5 h"}, {rest="1 h"}',
        "protocol.repeat=20",
    )
    found, flat_run = regime(both), run_flat(both)
    assert flat_run.time == pytest.approx(220 * HOUR)
    last = finding(found, "at -20 mV, at the end").value
    assert last == pytest.approx(-drawn(both, 0.020, 219 * HOUR), rel=1e-3)
    assert finding(found, "at 20 mV, at the end").value == pytest.approx(
        drawn(both, 0.020, 214 * HOUR), rel=1e-3
    )
    one = film_ruled('{voltage="20 mV", duration="5 h"}', "protocol.repeat=40")
    whole = film_ruled('{voltage="20 mV", duration="200 h"}')
    # Every other repeat and less is computed: the mean of the rest lies between.
    assert run_flat(one).charge == pytest.approx(run_flat(whole).charge, rel=0.03)


def test_a_voltage_that_follows_a_current_begins_with_that_current() -> None:
    charge = film_ruled(
        '{current="0.05 mA/cm^2", until_voltage="0.1 V"}, {voltage="0.1 V", until_current="0.02 mA/cm^2"}'
    )
    first, hold = run_flat(charge).first
    expected = brentq(lambda t: drawn(charge, 0.1, t) - 0.5, 0.0, 1000 * HOUR)
    assert first.time == pytest.approx(expected, rel=1e-3)
    assert hold.current == pytest.approx(0.5, rel=1e-6)
    assert hold.end == pytest.approx(0.2, rel=1e-9)
    expected = brentq(lambda t: drawn(charge, 0.1, t) - 0.2, 0.0, 1000 * HOUR)
    assert first.time + hold.time == pytest.approx(expected, rel=0.01)  # in proportion within the last piece
    found = regime(charge)
    assert finding(found, "at 100 mV, at the start").value == pytest.approx(0.5, rel=1e-6)
    assert finding(found, "at 100 mV, at the end").value == pytest.approx(0.2, rel=1e-6)
    assert estimate(charge).steps is not None


def test_capacity_ends_a_voltage_step() -> None:
    leg = run_flat(case('{voltage="10 mV", capacity="0.1 mAh/cm^2"}')).first[0]
    assert leg.charge == pytest.approx(3600.0)
    timed = run_flat(case(f'{{voltage="10 mV", duration="{leg.time} s"}}')).first[0]
    assert timed.charge == pytest.approx(leg.charge, rel=1e-3)
    assert timed.end == pytest.approx(leg.end, rel=1e-2)
    # Long after the salt has settled.
    begun, whole = (run_flat(case(f'{{voltage="-10 mV", capacity="{q} mAh/cm^2"}}')).first[0] for q in (1, 3))
    assert whole.charge == pytest.approx(-3 * 36000.0)
    assert whole.time - begun.time == pytest.approx(-2 * 36000.0 / whole.end, rel=1e-6)


def test_steps_without_an_end_are_said_to_have_none() -> None:
    endless = case('{voltage="10 mV", until_current="1e-6 mA/cm^2"}')
    assert run_flat(endless).first[0].time == math.inf
    found = regime(endless)
    assert finding(found, "at 10 mV, at the end").text == "-"
    assert finding(found, "steps").text == "not known"
    growing = film_ruled('{voltage="10 mV", until_current="1e-4 mA/cm^2"}')
    assert run_flat(growing).first[0].end == pytest.approx(1e-3)


def test_salt_follows_by_the_laws_of_sand_and_cottrell() -> None:
    drive = case('{current="1 mA/cm^2", duration="1 s"}')
    cell = FlatCell(drive)
    p, j = cell.fresh, 10.0
    for t in (1e-2 * cell.tau, 3e-2 * cell.tau):
        drop = (
            2 * j * (1 - p.t_plus) / FARADAY * math.sqrt(t / (math.pi * p.D))
        )  # Sand's law, a gap without end
        s = cell.weights @ cell.followed(j, t)
        assert s * (1 - p.t_plus) / FARADAY / p.D * cell.gap / 2 == pytest.approx(drop, rel=0.01)
    # At 2 V all salt is drawn away: F c0 / (1 - t+) sqrt(D / pi t).
    t = 0.03 * cell.tau
    leg = run_flat(case(f'{{voltage="2 V", duration="{t} s"}}')).first[0]
    assert leg.end == pytest.approx(FARADAY * p.c0 / (1 - p.t_plus) * math.sqrt(p.D / (math.pi * t)), rel=0.1)
    assert leg.parts is not None
    assert leg.parts.total == pytest.approx(2.0)
    assert (
        "falls while the voltage is held"
        in finding(regime(case('{voltage="2 V", duration="200 h"}')), "Sand's time").words
    )


def test_salt_that_has_run_out_comes_back() -> None:
    spent = case('{current="1 mA/cm^2", duration="100 h"}, {rest="100 h"}, {voltage="0 V", duration="1 h"}')
    assert run_flat(spent).first[2].current == pytest.approx(0.0, abs=1e-6)
    turned = case('{current="1 mA/cm^2", duration="100 h"}, {voltage="0 V", duration="100 h"}')
    first, last = run_flat(turned).first[1].current, run_flat(turned).first[1].end
    assert first < -0.01  # the concentration cell drives a current back
    assert abs(last) < 1e-6


def test_voltage_at_the_end_of_a_run_knows_the_films_of_then() -> None:
    cycled = read_case("pll")
    p, t, j = cycled.properties(), 780 * HOUR, 2.0
    K = 89e-18 / HOUR
    thick = replace(
        p,
        film_thickness=math.sqrt(p.film_thickness**2 + K * t),
        film_thickness_counter=math.sqrt(p.film_thickness_counter**2 + K * t),
    )
    v = forms.planar_voltage(thick, j, gap_of(cycled), settled=True)
    assert v is not None
    # The step of plating ends an hour before the run.
    assert finding(regime(cycled), "flat cell, at the end").value == pytest.approx(v.total, rel=1e-3)


def test_a_run_draws_the_current_that_was_told(tmp_path: Path) -> None:
    hold = read_case("plz", [GROWTH, 'protocol.steps=[{voltage="10 mV", duration="200 h"}]'])
    told = run_flat(hold).first[0]
    stored = api.run(hold, out=tmp_path / "run", threads=1)
    t, j = stored.series["time"], stored.series["current_density"]
    assert told.end == pytest.approx(j[-1], rel=0.02)  # 0.6 % seen
    assert told.charge == pytest.approx(np.trapezoid(j, t), rel=0.03)  # 0.9 % seen, with 36 steps
    assert j[0] < told.current < 1.2 * j[0]  # the run's first step sees salt drawn already
