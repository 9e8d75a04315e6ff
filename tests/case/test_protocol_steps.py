"""Steps of a protocol as cyclers write them: ramps, C-rates, groups of steps with repeats of their own."""

from __future__ import annotations

import math

import pytest
from modelcases import make

from phasefield.case import Case
from phasefield.case.file import case_of_text
from phasefield.check import regime
from phasefield.errors import CaseError

CATHODE = (
    'cathode={capacity="2 mAh/cm^2", exchange_current_density="5 A/m^2", open_circuit={filling=[0, 1], '
    'potential=["4.2 V", "3 V"]}}'
)
FORMATION = (
    'protocol.steps=[{rest="1 h"}, {repeat=3, steps=[{current="1 A/m^2", duration="2 h"}, {current="-1 A/m^2", '
    'duration="2 h"}]}, {rest="30 min"}, {repeat=2, steps=[{repeat=4, steps=[{current="2 A/m^2", duration="1 h"}, '
    '{current="-2 A/m^2", duration="1 h"}]}, {current="3 A/m^2", duration="1 s"}]}]'
)


def of(*overrides: str) -> Case:
    return make('output.fields_every="100 s"', *overrides)


def test_groups_are_written_out_and_cycles_counted() -> None:
    protocol = of(FORMATION, "protocol.repeat=2").protocol
    currents = [step.current for step in protocol.sequence]
    pair = [2.0, -2.0]
    assert currents == [None, *[1.0, -1.0] * 3, None, *pair * 4, 3.0, *pair * 4, 3.0]
    # Three of formation, then twice four; a rest or a pulse belongs to the cycle before it, the first rest to cycle 1.
    assert list(protocol.cycle_of) == [0, 0, 0, 1, 1, 2, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 10]
    assert protocol.cycles == 22
    assert protocol.planned_time == 2 * (3600.0 + 12 * 3600.0 + 1800.0 + 16 * 3600.0 + 2.0)
    plain = of('protocol.steps=[{current="1 A/m^2", duration="1 h"}, {rest="1 h"}]', "protocol.repeat=7").protocol
    assert plain.sequence == plain.steps
    assert (plain.cycle_of, plain.cycles) == ((0, 0), 7)


def test_a_resolved_case_reads_back_with_groups_and_ramps() -> None:
    case = of(FORMATION, 'protocol.steps[0]={current=["0 mA/cm^2", "1 mA/cm^2"], duration="10 min"}')
    again = case_of_text(case.resolved_toml(), "again")
    assert again == case
    assert again.hash == case.hash
    assert again.protocol.sequence == case.protocol.sequence
    assert again.protocol.steps[0].current == (0.0, 10.0)


def test_a_ramp_through_zero_turns_at_zero() -> None:
    one, two = of('protocol.steps=[{current=["3 A/m^2", "-1 A/m^2"], duration="80 s"}]').protocol.sequence
    assert (one.current, two.current) == ((3.0, 0.0), (0.0, -1.0))
    assert one.duration == pytest.approx(60.0, rel=1e-15)
    assert one.duration is not None
    assert two.duration == 80.0 - one.duration
    assert (one.direction, two.direction) == (1.0, -1.0)


def test_c_rates_are_of_the_cathode() -> None:
    case = of(CATHODE, 'protocol.steps=[{repeat=2, steps=[{current="0.5 C", until_voltage="4.1 V"}, {voltage="4.1 V", '
              'until_current="0.05 C"}, {current=["-0.1 C", "-1.0C"], duration="1 h"}]}]')  # fmt: skip
    charge, hold, ramp = case.protocol.sequence[:3]
    assert charge.current == pytest.approx(10.0, rel=1e-14)  # 2 mAh/cm2 in 2 h
    assert hold.until_current == pytest.approx(1.0, rel=1e-14)
    assert ramp.currents == pytest.approx((-2.0, -20.0), rel=1e-14)
    assert case_of_text(case.resolved_toml(), "again") == case


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (['protocol.steps=[{voltage="0.1 V", until_current="0.05 C"}]'],
         r"protocol\.steps\[0\]\.until_current: '0\.05 C' needs the capacity of a \[cathode\]; give a current density"),
        (['protocol.steps=[{current=["0 A/m^2", "1 A/m^2"]}]'], r"steps\[0\]\.current: the ramp has no length; ad"),
        (['protocol.steps=[{current=["0 A/m^2"], duration="1 h"}]'], "1 values came; a ramp has two"),
        (['protocol.steps=[{current=["0 A/m^2", "0 A/m^2"], duration="1 h"}]'], "a current of 0 is a rest"),
        (['protocol.steps=[{current=["1 A/m^2", "2"], duration="1 h"}]'], "has no unit"),
        (['protocol.steps=[{current=["1 A/m^2", "2 A/m^2"], duration="1 h", capacity="1 mAh/cm^2"}]'],
         "a current ramp does not take it; it ends by duration, until_voltage"),
        (['protocol.steps=[{voltage=["1 V", "9 V"], duration="1 h"}]'], "9 V is above protocol.voltage_limit"),
        (['protocol.steps=[{repeat=3, rest="1 h"}]'], r"steps\[0\]\.repeat: stands beside the steps of a group"),
        (["protocol.steps=[{repeat=3, steps=[]}]"], r"steps\[0\]\.steps: the group is empty"),
        (['protocol.steps=[{repeat=3, steps=[{rest="1 h"}], duration="1 h"}]'], "a group of steps does not take it"),
        (['protocol.steps=[{repeat=0, steps=[{rest="1 h"}]}]'], r"repeat: 0 is below 1"),
        (['protocol.steps=[{repeat=1000000000, steps=[{rest="1 h"}]}]'], r"repeat: .*is above 1000000"),
        (['protocol.steps=[{repeat=3, steps=[{rest="1 h"}, {current="9 A/m^2"}]}]'],
         r"protocol\.steps\[0\]\.steps\[1\]\.current: the step never ends"),
        (['protocol.steps=[{repeat=3, steps=[{curent="9 A/m^2"}]}]'], r"steps\[0\]\.curent: unknown key; did you mean"),
        (['protocol.steps=[{steps=[{steps=[{steps=[{steps=[{rest="1 s"}]}]}]}]}]'], "nested more than 4 deep"),
    ],
)  # fmt: skip
def test_what_does_not_go_is_said(overrides: list[str], says: str) -> None:
    with pytest.raises(CaseError, match=says) as caught:
        of(*overrides)
    assert "\n" not in str(caught.value)


def test_a_bomb_of_repeats_is_counted_and_not_run() -> None:
    bomb = '{rest="1 s"}'
    for _ in range(3):
        bomb = f"{{repeat=1000000, steps=[{bomb}, {bomb}]}}"
    with pytest.raises(CaseError, match=r"a repeat has 8e\+18 steps; 10000 are possible: lower the repeat of a group"):
        of(f"protocol.steps=[{bomb}]")


def test_check_says_what_the_protocol_will_do() -> None:
    found = {one.name: one for one in regime(of(FORMATION, "protocol.repeat=2")) if one.topic == "protocol"}
    assert found["duration"].value == pytest.approx(2 * (29.5 * 3600.0 + 2.0), rel=1e-12)
    assert "22 cycles" in found["duration"].words
    # C/m^2 of both passes: 3 x 2 h x 1 A/m^2, 8 x 1 h x 2 A/m^2 and two pulses plate
    assert found["charge"].value == pytest.approx(2 * (3 * 7200.0 + 8 * 7200.0 + 2 * 3.0), rel=1e-12)
    ramp = {one.name: one for one in regime(of('protocol.steps=[{current=["0 A/m^2", "4 A/m^2"], duration="1 h"}]'))}
    assert ramp["charge"].value == pytest.approx(7200.0, rel=1e-12)
    endless = {one.name: one for one in regime(of('protocol.steps=[{current="1 A/m^2", until_voltage="4.9 V"}]'))}
    assert math.isnan(endless["duration"].value)


def test_a_ramp_through_zero_counts_as_two_steps() -> None:
    ramp = '{current=["-1 A/m^2", "1 A/m^2"], duration="1 s"}'
    with pytest.raises(CaseError, match=r"a repeat has 12000 steps; 10000 are possible"):
        make(f"protocol.steps=[{{repeat=6000, steps=[{ramp}]}}]")
