"""The capacity of a cathode, of an area or as loading times capacity of a mass, and what 1 C is."""

from __future__ import annotations

import pytest

from phasefield.api import read_case
from phasefield.case import Case
from phasefield.errors import CaseError

BY_AREA = ["cathode.loading=none", "cathode.specific_capacity=none", "cathode.rated_capacity=none"]
ONE_C = 'protocol.steps=[{ current = "1 C", until_voltage = "4 V" }]'


def lfp(*overrides: str) -> Case:
    return read_case("lfp-rates-pllz", [ONE_C, *overrides])


def test_a_capacity_is_loading_times_capacity_of_a_mass() -> None:
    rated = 'cathode.rated_capacity="170 mAh/g"'
    case = lfp('cathode.loading="4 mg/cm^2"', 'cathode.specific_capacity="150 mAh/g"', rated)
    assert case.cathode is not None
    assert case.cathode.areal_capacity == pytest.approx(0.6 * 36e3, rel=1e-14)  # 0.6 mAh/cm2 in C/m2
    assert case.cathode.one_c == pytest.approx(6.8, rel=1e-14)  # 0.68 mA/cm2
    assert case.protocol.steps[0].current == pytest.approx(6.8, rel=1e-14)


def test_without_a_rated_capacity_one_c_passes_the_capacity_in_an_hour() -> None:
    by_mass = lfp("cathode.rated_capacity=none", 'cathode.loading="2 mg/cm^2"', 'cathode.specific_capacity="150 mAh/g"')
    by_area = lfp(*BY_AREA, 'cathode.capacity="0.3 mAh/cm^2"')
    for case in (by_mass, by_area):
        assert case.cathode is not None
        assert case.cathode.one_c == pytest.approx(3.0, rel=1e-14)
        assert case.protocol.steps[0].current == pytest.approx(3.0, rel=1e-14)


def test_a_resolved_case_says_the_same(tmp_path) -> None:  # type: ignore[no-untyped-def]
    case = lfp()
    (tmp_path / "resolved.toml").write_text(case.resolved_toml(), encoding="utf-8")
    assert read_case(tmp_path / "resolved.toml") == case


WRONG = {
    "cathode.loading: cathode.loading and cathode.capacity stand here both": ['cathode.capacity="1 mAh/cm^2"'],
    "cathode.capacity: missing; give capacity of an area, or loading and specific_capacity": BY_AREA,
    "cathode.specific_capacity: missing": ["cathode.specific_capacity=none"],
    "cathode.loading: missing": ["cathode.loading=none"],
    "'170 mAh' is a charge": ['cathode.rated_capacity="170 mAh"'],
}


@pytest.mark.parametrize("words", WRONG)
def test_a_capacity_that_is_given_twice_or_by_halves_is_refused(words: str) -> None:
    with pytest.raises(CaseError) as raised:
        read_case("lfp-rates-pllz", [ONE_C.replace("1 C", "1 mA/cm^2"), *WRONG[words]])
    assert words in str(raised.value)
