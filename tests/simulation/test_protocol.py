"""The position in a protocol, and the events and limits that end its steps."""

from __future__ import annotations

import json
from pathlib import Path

import modelcases as cases
import numpy as np
import pytest
from modelcases import protocol

from phasefield.results.run import open_run
from phasefield.simulation.protocol import Passed, ProtocolPosition


def test_walk_goes_through_steps_and_repeats() -> None:
    position = ProtocolPosition(protocol('[{ current = "1 A/m^2", duration = "10 s" }, { rest = "5 s" }]', repeat=2))
    seen = []
    while not position.done:
        seen.append((position.at.cycle, position.at.step, position.imposed, position.remaining(1.0)))
        position.advance(position.remaining(1.0), 0.0)
        assert position.ended(0.1, 1.0)
        position.next()
    assert seen == [
        (0, 0, (1.0, None), 10.0),
        (0, 1, (0.0, None), 5.0),
        (1, 0, (1.0, None), 10.0),
        (1, 1, (0.0, None), 5.0),
    ]


def test_each_limit_ends_its_step() -> None:
    position = ProtocolPosition(protocol('[{ current = "-2 A/m^2", capacity = "1 mAh/m^2", until_voltage = "0.3 V" }]'))
    assert position.remaining(-2.0) == pytest.approx(1.8, rel=1e-12)  # 3.6 C/m^2 at 2 A/m^2
    position.advance(1.0, -2.0)
    assert not position.ended(-0.29, -2.0)
    assert position.ended(-0.3, -2.0)  # limits are of the size
    assert position.remaining(-2.0) == pytest.approx(0.8, rel=1e-12)
    position.advance(0.8, -1.6)
    assert position.ended(0.0, -2.0)
    position = ProtocolPosition(protocol('[{ voltage = "0.2 V", until_current = "1 A/m^2" }]'))
    assert position.imposed == (None, 0.2)
    assert not position.ended(0.2, -1.1)
    assert position.ended(0.2, -0.9)


def test_position_comes_back() -> None:
    at = Passed(3, 1, 0.1 + 0.2, 1e-300, True)
    assert Passed.from_dict(json.loads(json.dumps(at.to_dict()))) == at


def series(folder: Path) -> dict[str, np.ndarray]:
    with open_run(folder) as stored:
        return dict(stored.series)


def test_capacity_and_duration_are_met_exactly(tmp_path: Path) -> None:
    case = cases.make(
        'protocol.steps=[{ current = "20 A/m^2", capacity = "1 mAh/m^2" }, '
        '{ current = "-30 A/m^2", duration = "7 s" }, '
        '{ rest = "3 s" }]',
        "protocol.repeat=3",
        'output.fields_every="4 s"',
    )
    assert cases.run(case, tmp_path / "run").reason == "end"
    s = series(tmp_path / "run")
    # 3 x (3.6 / 20 + 7 + 3) s and 3 x (3.6 - 210) C/m^2: sums of round-off.
    assert s["time"][-1] == pytest.approx(30.54, rel=1e-12)
    assert s["charge_applied"][-1] == pytest.approx(3 * (3.6 - 210.0), rel=1e-9)
    rest = s["current_density"][s["protocol_step"] == 2]
    assert np.all(np.abs(rest) < 1e-12)
    with open_run(tmp_path / "run") as stored:
        # A frame at 0, at each 4 s, and at the end.
        np.testing.assert_allclose(stored.times, [0, 4, 8, 12, 16, 20, 24, 28, 30.54], rtol=1e-9)


def test_until_voltage_is_met_within_its_band(tmp_path: Path) -> None:
    case = cases.make(
        'electrolyte.salt_diffusivity="2e-12 m^2/s"',
        'film.conductivity="2e-4 S/m"',
        'output.fields_every="100 s"',
        'protocol.steps=[{ current = "30 A/m^2", until_voltage = "0.1 V" }, { rest = "5 s" }]',
    )
    assert cases.run(case, tmp_path / "run").reason == "end"
    s = series(tmp_path / "run")
    last = s["voltage"][s["protocol_step"] == 0][-1]
    assert 0.1 * (1.0 - 1e-9) <= last <= 0.1 * (1.0 + 1e-3)  # LIMIT_BAND of the driver


# At an imposed voltage the current falls as the salt settles, or rises as the gap closes.
FALLING = ('electrolyte.salt_diffusivity="2e-12 m^2/s"', 'film.conductivity="2e-4 S/m"')
RISING = ('electrolyte.salt_diffusivity="1e-8 m^2/s"', 'electrolyte.conductivity="1e-5 S/cm"')


def ends(s: dict[str, np.ndarray], name: str) -> list[float]:
    """Return a series at the start and at the end of each step of the protocol."""
    last = [*np.flatnonzero(np.diff(s["protocol_step"])), len(s["time"]) - 1]
    return [float(s[name][k]) for k in (0, *last)]


@pytest.mark.parametrize(
    ("sort", "most", "capacity"),
    [(FALLING, "0.4 s", 108.0), (FALLING, "1 h", 108.0), (RISING, "100 s", 18000.0), (RISING, "1 h", 18000.0)],
)
def test_capacity_at_an_imposed_voltage_is_met(
    sort: tuple[str, ...], most: str, capacity: float, tmp_path: Path
) -> None:
    case = cases.make(
        *sort,
        "numerics.tolerance=1e-9",  # the charge of a step is known as well as its currents are
        f'numerics.max_step="{most}"',
        'output.fields_every="1 h"',
        f'protocol.steps=[{{ voltage = "0.1 V", capacity = "{capacity} C/m^2" }}, '
        f'{{ voltage = "-0.1 V", capacity = "{capacity / 2} C/m^2" }}]',
    )
    assert cases.run(case, tmp_path / "run").reason == "end"
    s = series(tmp_path / "run")
    plating = s["current_density"][s["protocol_step"] == 0]
    assert (plating[-1] > plating[0]) == (sort is RISING)
    charges = np.diff(ends(s, "charge_applied"))
    np.testing.assert_allclose(charges, [capacity, -0.5 * capacity], rtol=1e-9)  # NEAR of the protocol
    # No scraps of steps are left to the end.
    assert np.all(s["step_size"][1:] > 0.005 * s["step_size"].max())


def test_capacity_at_the_voltage_limit_is_met(tmp_path: Path) -> None:
    """A galvanostat at its limit is at an imposed voltage."""
    case = cases.make(
        *FALLING,
        'protocol.voltage_limit="0.1 V"',
        'protocol.stop_on=["short_circuit", "exhausted"]',
        'output.fields_every="1000 s"',
        'protocol.steps=[{ current = "30 A/m^2", capacity = "200 mAh/m^2" }, { rest = "1 s" }]',
    )
    assert cases.run(case, tmp_path / "run").reason == "end"
    s = series(tmp_path / "run")
    assert s["voltage"][s["protocol_step"] == 0][-1] == 0.1
    assert ends(s, "charge_applied")[1] == pytest.approx(720.0, rel=1e-9)
    assert s["step_size"][1:].min() > 1e-3 * s["step_size"].max()


@pytest.mark.parametrize("sign", [1, -1])
def test_until_current_is_met_within_its_band(sign: int, tmp_path: Path) -> None:
    case = cases.make(
        *FALLING,
        'output.fields_every="1000 s"',
        f'protocol.steps=[{{ voltage = "{0.1 * sign} V", until_current = "40 A/m^2", capacity = "1 Ah/m^2" }}, '
        '{ rest = "1 s" }]',
    )
    assert cases.run(case, tmp_path / "run").reason == "end"
    last = ends(series(tmp_path / "run"), "current_density")[1]
    assert 40.0 * (1.0 - 1e-3) <= sign * last <= 40.0 * (1.0 + 1e-9)  # LIMIT_BAND


def test_voltage_limit_stops_the_run(tmp_path: Path) -> None:
    case = cases.make(
        'electrolyte.salt_diffusivity="2e-12 m^2/s"',
        'film.conductivity="2e-4 S/m"',
        'protocol.voltage_limit="0.1 V"',
        'protocol.steps=[{ current = "30 A/m^2", duration = "3 h" }]',
        'output.fields_every="1 h"',
    )
    outcome = cases.run(case, tmp_path / "run")
    assert outcome.reason == "voltage_limit"
    s = series(tmp_path / "run")
    assert 0.1 * (1.0 - 1e-9) <= s["voltage"][-1] <= 0.1 * (1.0 + 1e-3)
    assert s["time"][-1] < 3600.0


def test_a_galvanostat_at_its_limit_goes_on_at_that_voltage(tmp_path: Path) -> None:
    case = cases.make(
        'electrolyte.salt_diffusivity="2e-12 m^2/s"',
        'film.conductivity="2e-4 S/m"',
        'protocol.voltage_limit="0.1 V"',
        'protocol.stop_on=["short_circuit", "exhausted"]',
        'output.fields_every="500 s"',
        'protocol.steps=[{ current = "30 A/m^2", duration = "400 s" }, '
        '{ current = "-3 A/m^2", duration = "100 s" }]',
    )
    assert cases.run(case, tmp_path / "run").reason == "end"
    s = series(tmp_path / "run")
    assert s["time"][-1] == pytest.approx(500.0, rel=1e-9)
    assert s["voltage"].max() <= 0.1 * (1.0 + 1e-3)
    plating = (s["time"] > 0) & (s["time"] <= 400.0 * (1 + 1e-9))
    limited = plating & (np.abs(s["voltage"] - 0.1) < 1e-9)
    assert limited.sum() >= 3
    assert np.all(s["current_density"][limited] < 30.0)
    assert (
        s["current_density"][limited][-1] < s["current_density"][limited][0]
    )  # salt settles, the current falls
    # The limit is lifted with the next step of the protocol.
    assert s["current_density"][-1] == pytest.approx(-3.0, rel=1e-9)
    with open_run(tmp_path / "run") as stored:
        assert all(value <= 1e-10 for value in stored.ledger().values())
        assert "voltage_limit" in {event["event"] for event in stored.summary["events"]}


def test_short_circuit_stops_the_run(tmp_path: Path) -> None:
    case = cases.make(
        'protocol.steps=[{ current = "60 A/m^2", duration = "3 h" }]',
        'output.fields_every="1 h"',
        'surface.height="16 um"',
    )
    outcome = cases.run(case, tmp_path / "run")
    assert outcome.reason == "short_circuit"
    s = series(tmp_path / "run")
    assert s["height_max"][-1] > 23e-6  # the box is 24 um high; d = 0 is found at cell centres
    with open_run(tmp_path / "run") as stored:
        assert all(value <= 1e-10 for value in stored.ledger().values())


def test_stripping_to_the_base_stops_the_run(tmp_path: Path) -> None:
    case = cases.make(
        'protocol.steps=[{ current = "-60 A/m^2", duration = "3 h" }]', 'output.fields_every="1 h"'
    )
    outcome = cases.run(case, tmp_path / "run")
    assert outcome.reason == "exhausted"
    s = series(tmp_path / "run")
    assert s["height_min"][-1] < 1e-6
    with open_run(tmp_path / "run") as stored:
        assert all(value <= 1e-10 for value in stored.ledger().values())


def test_a_step_over_before_it_begins_is_passed_over(tmp_path: Path) -> None:
    case = cases.make(
        'protocol.steps=[{ rest = "1 s" }, '
        '{ voltage = "0.01 V", until_current = "50 A/m^2" }, '
        '{ current = "5 A/m^2", duration = "2 s" }]',
        "protocol.repeat=2",
        'output.fields_every="10 s"',
    )
    assert cases.run(case, tmp_path / "run").reason == "end"
    s = series(tmp_path / "run")
    assert 1.0 not in s["protocol_step"]
    assert s["time"][-1] == pytest.approx(6.0, rel=1e-12)


def test_a_cell_at_rest_where_nothing_limits_the_step_takes_one(tmp_path: Path) -> None:
    """Without surface energy a surface at rest stays as it is: the rest alone says how long its step is."""
    case = cases.make(
        'lithium.surface_energy="0 J/m^2"', 'protocol.steps=[{ rest="20 s" }, { current="30 A/m^2", duration="10 s" }]'
    )
    assert cases.run(case, tmp_path / "run").reason == "end"
    with open_run(tmp_path / "run") as run:
        np.testing.assert_allclose(run.series["time"][:2], [0.0, 20.0])


@pytest.mark.parametrize("before", ["", '{ rest = "1 s" }, '])
def test_a_step_over_before_it_begins_is_passed_over_at_the_start_of_a_run_too(before: str, tmp_path: Path) -> None:
    case = cases.make(
        f'protocol.steps=[{before}{{ current = "5 A/m^2", duration = "1 h", until_voltage = "1 mV" }}, '
        '{ current = "5 A/m^2", duration = "2 s" }]',
        'output.fields_every="10 s"',
    )
    assert cases.run(case, tmp_path / "run").reason == "end"
    s = series(tmp_path / "run")
    assert s["charge_applied"][-1] == pytest.approx(10.0, rel=1e-9)
    assert s["time"][-1] == pytest.approx(2.0 + bool(before), rel=1e-12)


def test_a_run_whose_only_step_is_over_ends_and_stays_so(tmp_path: Path) -> None:
    case = cases.make(
        'protocol.steps=[{ current = "5 A/m^2", duration = "1 h", until_voltage = "1 mV" }]',
        'output.fields_every="10 s"',
    )
    for resume in (False, True):
        outcome = cases.run(case, tmp_path / "run", resume=resume)
        assert (outcome.reason, outcome.steps) == ("end", 0)
