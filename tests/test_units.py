"""Texts with units to SI and back."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phasefield import units
from phasefield.constants import AVOGADRO, ELEMENTARY_CHARGE, FARADAY, GAS_CONSTANT
from phasefield.units import Kind, UnitError, to_si, to_text

KINDS = [kind for kind in vars(units).values() if isinstance(kind, Kind)]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("0.2 mA/cm^2", units.CURRENT_DENSITY, 2.0),
        ("0.2 mA/cm2", units.CURRENT_DENSITY, 2.0),
        ("0.2 mA·cm⁻²", units.CURRENT_DENSITY, 2.0),
        ("0.2 mA cm-2", units.CURRENT_DENSITY, 2.0),
        ("-0.2mA/cm**2", units.CURRENT_DENSITY, -2.0),
        ("\u22120.2 mA/cm^2", units.CURRENT_DENSITY, -2.0),
        ("1.06\u00d710^-3 S/cm", units.CONDUCTIVITY, 0.106),
        ("1.06\u00d710⁻³ S cm⁻¹", units.CONDUCTIVITY, 0.106),
        ("1.06 x 10^-3 S/cm", units.CONDUCTIVITY, 0.106),
        ("1.06e-3 S/cm", units.CONDUCTIVITY, 0.106),
        ("5 1/(Ohm cm)", units.CONDUCTIVITY, 500.0),
        ("5 Ω^-1 m^-1", units.CONDUCTIVITY, 5.0),
        ("30 °C", units.TEMPERATURE, 303.15),
        ("30 degC", units.TEMPERATURE, 303.15),
        ("300 K", units.TEMPERATURE, 300.0),
        ("1 M", units.CONCENTRATION, 1000.0),
        ("1 mol/L", units.CONCENTRATION, 1000.0),
        ("1.0 mAh/cm^2", units.CAPACITY, 36000.0),
        ("4 µm", units.LENGTH, 4e-6),
        ("4 um", units.LENGTH, 4e-6),
        ("20 nm", units.LENGTH, 2e-8),
        ("1 h", units.TIME, 3600.0),
        ("89 nm^2/h", units.DIFFUSIVITY, 89e-18 / 3600),
        ("17.5 cm^3/mol", units.MOLAR_VOLUME, 1.75e-5),
        ("0.223 eV", units.ENERGY, 0.223 * ELEMENTARY_CHARGE),
        ("21.5 kJ/mol", units.ENERGY, 21.5e3 / AVOGADRO),
        ("90 deg", units.ANGLE, math.pi / 2),
        ("90°", units.ANGLE, math.pi / 2),
        ("1 rad", units.ANGLE, 1.0),
        ("50 %", units.NUMBER, 0.5),
        ("0.5", units.NUMBER, 0.5),
    ],
)
def test_text_to_si(text, kind, value):
    # 15 digits are kept of a conversion
    assert to_si(text, kind) == pytest.approx(value, rel=1e-14, abs=0)


@pytest.mark.parametrize(
    ("texts", "kind", "value"),
    [
        ("1000 mol.m-3|1 mol·dm⁻³|1 mol.dm^-3|1 mmol/cm3|1 kmol m-3|1 molar|1 mol.L-1",
         units.CONCENTRATION, 1000.0),
        ("2 A.m-2|2 A·m-2|0.2 mA.cm-2|0.2 mA.cm^-2|200 uA cm-2|2. A.m-2|2.e0 A/m2", units.CURRENT_DENSITY, 2.0),
        ("0.1 S.m-1|1 mS.cm-1|1 mS/cm|1e-3 S.cm-1|0.1 siemens/m|1E-3 (ohm.cm)^-1", units.CONDUCTIVITY, 0.1),
        ("1e-12 m2.s-1|1e-12 m2 s-1|1e-8 cm2.s-1|1.0e-8 cm².s⁻¹", units.DIFFUSIVITY, 1e-12),
        ("0.5 J.m-2|0.5 N.m-1|0.5 N/m", units.SURFACE_ENERGY, 0.5),
        ("50 Ohm.cm2|50 Ω.cm²|50 ohm*cm^2", units.AREA_RESISTANCE, 5e-3),
        ("13 cm3.mol-1|1.3e-5 m3.mol-1|13 cm^3 mol^-1", units.MOLAR_VOLUME, 1.3e-5),
        ("1 mA.h.cm-2|1 mAh.cm-2|36000 C.m-2|1 mA h cm-2", units.CAPACITY, 36000.0),
        ("20 Å|20 \u212b|20 angstrom|2 nm|0.002 micron", units.LENGTH, 2e-9),
        ("3.6 nm.h-1|1e-12 m.s-1|3.6 nm h^-1", units.SPEED, 1e-12),
    ],
)  # fmt: skip
def test_a_unit_is_read_in_every_spelling(texts: str, kind: Kind, value: float) -> None:
    for text in texts.split("|"):
        assert to_si(text, kind) == pytest.approx(value, rel=1e-14, abs=0), text


def test_plain_decimals_stay_plain():
    assert to_si("0.2 mA/cm^2", units.CURRENT_DENSITY) == 2.0
    assert to_si("4 um", units.LENGTH) == 4e-6
    assert to_si("1.06e-3 S/cm", units.CONDUCTIVITY) == 0.106


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("0.2 mA", units.CURRENT_DENSITY, "is a current; a current density"),
        ("50 Ω·cm²", units.CONDUCTIVITY, "is an area resistance; a conductivity"),
        ("30 C", units.TEMPERATURE, "is a charge; a temperature"),
        ("1 m", units.NUMBER, "is a length; a number is needed"),
        ("5 deg", units.NUMBER, "a number is needed"),
        ("1 %", units.ANGLE, "an angle"),
        ("1", units.LENGTH, "no unit"),
        ("", units.LENGTH, "begin with a number"),
        ("nan m", units.LENGTH, "begin with a number"),
        ("1e999 m", units.LENGTH, "finite"),
        ("1e300 km^9", units.LENGTH, "a length"),
        ("10**10**10 m", units.LENGTH, "not a unit"),
        ("3 m^9^9", units.LENGTH, "powers of one digit"),
        ("3 m^22", units.LENGTH, "powers of one digit"),
        ("3 (m", units.LENGTH, "unknown unit"),
        ("3 os.system('x')", units.LENGTH, "not a unit"),
        ("1 " + "m" * 100, units.LENGTH, "longer than"),
        ("5 m.", units.LENGTH, "not a unit"),
        ("5 m..m", units.LENGTH, "not a unit"),
        ("1e3x10^3 m", units.LENGTH, "two powers"),
    ],
)
def test_refused(text, kind, words):
    with pytest.raises(UnitError, match=words):
        to_si(text, kind)


@settings(max_examples=300, deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(KINDS))
def test_round_trip_to_the_last_bit(value, kind):
    assert to_si(to_text(value, kind), kind) == value


@settings(max_examples=300, deadline=None)
@given(
    st.text(max_size=90) | st.from_regex(r"[0-9.eE+-]{1,6} ?[a-zA-Zµ°Ω%()^*/ 0-9⁻²-]{0,20}", fullmatch=True)
)
def test_any_text_is_a_finite_number_or_refused(text):
    for kind in (units.LENGTH, units.NUMBER, units.ENERGY, units.TEMPERATURE):
        try:
            value = to_si(text, kind)
        except UnitError as refused:
            message = str(refused)
        else:
            assert math.isfinite(value)
            continue
        assert "is needed" in message


def test_examples_are_valid():
    for kind in KINDS:
        assert to_si(kind.example, kind) > 0


def test_constants():
    assert pytest.approx(96485.33212, rel=1e-9) == FARADAY
    assert pytest.approx(8.314462618, rel=1e-9) == GAS_CONSTANT
