"""Full cells: the lumped intercalation electrode by itself, and a lithium anode that runs against it."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from commands import call
from modelcases import ends_the_same, make

from phasefield.analytic.flat_cell import FlatCell, run_flat
from phasefield.analytic.intercalation import Intercalation
from phasefield.api import read_case
from phasefield.case import Case
from phasefield.check.estimate import estimate
from phasefield.results.run import open_run
from phasefield.simulation.driver import Driver

CATHODE = (
    'cathode={capacity="0.2 mAh/cm^2", filling=0.9, exchange_current_density="5 A/m^2", diffusion_time="200 s", '
    'resistance="20 ohm cm^2", open_circuit={filling=[0, 0.1, 0.9, 1], potential=["4.2 V", "3.5 V", "3.3 V", "2.4 V"]}}'
)
BOTH_WAYS = (
    'protocol.steps=[{current="2 A/m^2", until_voltage="3.9 V", duration="2 h"}, '
    '{current="-2 A/m^2", until_voltage="2.7 V", duration="2 h"}, {rest="10 min"}]'
)


def full(*overrides: str) -> Case:
    return make(CATHODE, BOTH_WAYS, 'output.fields_every="30 min"', *overrides)


def electrode(case: Case) -> Intercalation:
    found = Intercalation.of(case)
    assert found is not None
    return found


def test_the_particle_fills_as_a_sphere_does() -> None:
    """Against finite volumes in radius, 400 shells, implicit: dy/dt = (1/tau) (1/r^2) d/dr (r^2 dy/dr)."""
    cell = electrode(full())
    n, tau, rate = 400, cell.tau, 2.0 / cell.capacity
    edge = np.linspace(0.0, 1.0, n + 1)
    volume, area = np.diff(edge**3) / 3.0, edge[1:-1] ** 2 * n
    dt = tau / 2000.0
    matrix = np.diag(volume / dt)
    for k in range(n - 1):
        matrix[k, k] += area[k] / tau
        matrix[k + 1, k + 1] += area[k] / tau
        matrix[k, k + 1] -= area[k] / tau
        matrix[k + 1, k] -= area[k] / tau
    inverse = np.linalg.inv(matrix)
    y = np.zeros(n)
    for step in range(1, 601):
        source = volume / dt * y
        source[-1] -= rate / 3.0  # what leaves through the surface
        y = inverse @ source
        if step in (20, 100, 600):
            t = step * dt
            surface = y[-1] + 0.5 / n * (-rate * tau / 3.0)  # from the last shell's middle to the surface
            ours = cell.surface(2.0 * t, cell.followed(cell.start(), 2.0, t)) - cell.filling_0
            assert ours == pytest.approx(surface, rel=0.01), step
    late = cell.followed(cell.start(), 2.0, 100.0 * tau)
    assert cell.filling(0.0) - cell.surface(0.0, late) == pytest.approx(tau * rate / 15.0, rel=1e-12)


def test_two_half_steps_are_one() -> None:
    cell = electrode(full())
    once = cell.followed(cell.start(), 3.0, 50.0)
    twice = cell.followed(cell.followed(cell.start(), 3.0, 20.0), 3.0, 30.0)
    np.testing.assert_allclose(once, twice, rtol=1e-12)
    fast = electrode(full("cathode.diffusion_time=none"))
    assert fast.surface(100.0, fast.followed(fast.start(), 3.0, 1.0)) == fast.filling(100.0)


def test_steps_follow_the_curve() -> None:
    cell = electrode(full())
    for y in (0.95, 0.5, 0.11, 0.02):
        for j in (2.0, -2.0):
            ahead = y - math.copysign(1.0, j) * cell.longest(y, j) * abs(j) / cell.capacity
            assert abs(cell.open_circuit(ahead) - cell.open_circuit(y)) <= 0.031
    assert cell.longest(0.5, 0.0) == math.inf
    assert cell.open_circuit(-1e-3) > cell.open_circuit(0.0) + 9.0
    assert cell.open_circuit(1.0 + 1e-3) < cell.open_circuit(1.0) - 9.0
    assert 0.0 < cell.exchange_current(-0.1) == cell.exchange_current(1.1) < cell.exchange_current(0.5)


def test_a_flat_full_cell_has_the_voltage_of_its_parts(tmp_path: Path) -> None:
    """Open-circuit curve, particle, charge transfer, film, electrolyte and salt: the flat cell, term by term."""
    case = full('grid.size=["8 um", "40 um"]')
    Driver(case, tmp_path / "run").run()
    with open_run(tmp_path / "run") as run:
        series, frames = run.series, run.times
        assert run.summary["reason"] == "end"
        errors = run.ledger()
    assert max(errors.values()) < 1e-12
    assert len(frames) > 2
    time, volts, step = series["time"], series["voltage"], series["protocol_step"]
    cathode = electrode(case)
    np.testing.assert_allclose(
        series["cathode_filling"], 0.9 - series["charge_applied"] / cathode.capacity, rtol=0.0, atol=1e-12
    )
    charging = np.nonzero(step == 0)[0]
    last = charging[-1]
    flat = FlatCell(case)
    flat.follow(2.0, float(time[last]))
    ours = flat.voltage(flat.films(0.0), 2.0, 0.0)
    # the gap shrinks by what has plated: 1 um of 32 um; its share of the voltage is below 1 mV
    assert volts[last] == pytest.approx(ours, abs=2e-3)
    # at rest nothing is left but the open circuit, once the particle and the salt have settled
    assert series["current_density"][-1] == pytest.approx(0.0, abs=1e-9)
    assert volts[-1] == pytest.approx(cathode.open_circuit(float(series["cathode_filling"][-1])), abs=2e-3)


def test_a_flat_full_cell_ends_a_step_where_its_voltage_then_is() -> None:
    """The exchange current goes with the filling: that of the end counts, not that of the beginning."""
    case = full()
    cell = FlatCell(case)
    for step in case.protocol.steps:
        if step.until_voltage is None or step.current is None:
            cell.pass_step(step)
            continue
        leg = cell.pass_step(step)
        assert math.isfinite(leg.time)
        assert leg.time < (step.planned_time or math.inf)
        now = cell.voltage(cell.films(cell.age), step.current, 0.0)
        assert now == pytest.approx(step.until_voltage, abs=1e-6)  # Brent's root, in volts


def test_the_first_repeat_of_a_full_cell_is_not_taken_for_the_others() -> None:
    case = full("protocol.repeat=6")
    cell = FlatCell(case)
    charge = time = 0.0
    for _ in range(6):
        legs = [cell.pass_step(step) for step in case.protocol.steps]
        charge, time = charge + sum(leg.charge for leg in legs), time + sum(leg.time for leg in legs)
    flat = run_flat(case)
    one = abs(flat.first[0].charge)
    # what the first leaves in the particles changes the second by a few thousandths of a charge
    assert flat.charge == pytest.approx(charge, abs=0.02 * one)
    assert flat.time == pytest.approx(time, rel=0.02)


def test_charge_ends_above_and_discharge_below(tmp_path: Path) -> None:
    case = full()
    Driver(case, tmp_path / "run").run()
    with open_run(tmp_path / "run") as run:
        volts, current = run.series["voltage"], run.series["current_density"]
    turned = np.nonzero(np.diff(np.sign(current)))[0]
    # The row at which a step ends belongs to it: reached within the band of a limit.
    assert volts[turned[0]] == pytest.approx(3.9, rel=1e-3)
    ends = np.nonzero(np.abs(current) > 1.0)[0][-1]
    assert volts[ends] == pytest.approx(2.7, rel=1e-3)


def test_stopped_and_resumed_it_ends_the_same(tmp_path: Path) -> None:
    assert ends_the_same(full(), tmp_path, every=7) >= 5


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ('protocol.stop_on=["short_circuit"]', "does not go on at the voltage limit"),
        ("cathode.filling=1.2", "cathode.filling"),
        ("cathode.open_circuit.filling=[0, 0.5, 0.4, 1]", "must increase"),
        ("cathode.open_circuit.filling=[0.1, 0.5, 0.8, 1]", "begin with 0"),
        ("cathode.open_circuit.filling=[0, 1]", "give one for each"),
        ('cathode.open_circuit.potential=["4 V", "3 V", "3.1 V", "2 V"]', "it falls as lithium fills"),
        ('cathode.resistance="5 ohm"', "area resistance"),
    ],
)
def test_what_does_not_go_is_said(override: str, says: str) -> None:
    with pytest.raises(Exception, match=says):
        full(override)


def test_what_knows_no_cathode_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("impedance", "lfp-rates-pllz") == 2
    assert "cathode" in capsys.readouterr().err


def test_the_survey_names_the_cathode_and_counts_its_steps(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("check", "lfp-rates-pllz") == 0
    said = capsys.readouterr().out
    assert "LFP" in said
    assert "0.165 mAh/cm2" in said
    assert "2 C" in said
    steps = estimate(read_case("lfp-rates-pllz")).steps
    assert steps is not None
    assert 200 < steps < 700  # 349 when it was run
