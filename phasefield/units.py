"""Text with a unit to SI and back: the one place that converts.

`to_si("0.2 mA/cm^2", CURRENT_DENSITY) == 2.0`. Pint knows the units; it only ever sees a short unit of
letters and one-digit powers, never a number or an expression, so no text of a user is evaluated.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from phasefield.constants import AVOGADRO
from phasefield.errors import shown


@dataclass(frozen=True)
class Kind:
    """A physical quantity: its noun, its SI unit as text, an example of how to write it, and what it can be.

    low, high: bounds of its size in SI, wide enough for every material; a number outside has another unit, or is wrong.
    """

    noun: str
    unit: str
    example: str
    low: float = 0.0
    high: float = math.inf


LENGTH = Kind("length", "m", "4 um", 1e-13, 1.0)
TIME = Kind("time", "s", "1 h", 1e-12, 1e11)
TEMPERATURE = Kind("temperature", "K", "30 degC", 1.0, 1e4)
VOLTAGE = Kind("voltage", "V", "0.1 V", 1e-9, 1e4)
ENERGY = Kind("energy", "J", "0.2 eV", 1e-26, 1e-18)
ANGLE = Kind("angle", "rad", "90 deg")
NUMBER = Kind("number", "1", "0.5")
CONDUCTIVITY = Kind("conductivity", "S/m", "1e-3 S/cm", 1e-16, 1e7)
CURRENT_DENSITY = Kind("current density", "A/m^2", "0.2 mA/cm^2", 1e-12, 1e10)
CAPACITY = Kind("charge per area", "C/m^2", "1 mAh/cm^2", 1e-6, 1e9)
CONCENTRATION = Kind("concentration", "mol/m^3", "1 mol/L", 1e-9, 1e5)
DIFFUSIVITY = Kind("diffusivity", "m^2/s", "1e-7 cm^2/s", 1e-30, 1e-3)
SURFACE_ENERGY = Kind("surface energy", "J/m^2", "0.5 J/m^2", 1e-6, 1e3)
MOLAR_VOLUME = Kind("molar volume", "m^3/mol", "13 cm^3/mol", 1e-12, 1e-2)  # low: a surface that all but stands still
SPEED = Kind("speed", "m/s", "1 nm/h", 1e-20, 1.0)
AREA_RESISTANCE = Kind("area resistance", "ohm*m^2", "50 ohm cm^2", 1e-12, 1e4)
AREA_CAPACITANCE = Kind("capacitance per area", "F/m^2", "10 uF/cm^2", 1e-8, 1e4)
AREA = Kind("area", "m^2", "1.13 cm^2", 1e-12, 1e2)
PRESSURE = Kind("pressure", "Pa", "0.1 MPa", 1e-3, 1e13)
VISCOSITY = Kind("viscosity", "Pa*s", "1e9 Pa s", 1e-6, 1e25)
RATE = Kind("rate", "1/s", "1e-3 1/s", 1e-30, 1e12)
LOADING = Kind("mass per area", "kg/m^2", "2 mg/cm^2", 1e-6, 1e3)
SPECIFIC_CAPACITY = Kind("charge per mass", "C/kg", "150 mAh/g", 1e2, 1e8)

# Other dimensions, only to say what came instead.
_OTHERS = (
    ("current", "A"),
    ("charge", "C"),
    ("resistance", "ohm"),
    ("resistivity", "ohm*m"),
    ("conductance", "S"),
    ("area conductance", "S/m^2"),
    ("volume", "m^3"),
    ("mass", "kg"),
    ("amount of substance", "mol"),
    ("molar energy", "J/mol"),
    ("power", "W"),
    ("current per length", "A/m"),
    ("current per volume", "A/m^3"),
    ("density", "kg/m^3"),
)
KINDS = (
    LENGTH,
    TIME,
    TEMPERATURE,
    VOLTAGE,
    ENERGY,
    CONDUCTIVITY,
    CURRENT_DENSITY,
    CAPACITY,
    CONCENTRATION,
    DIFFUSIVITY,
    SURFACE_ENERGY,
    MOLAR_VOLUME,
    SPEED,
    AREA_RESISTANCE,
    AREA_CAPACITANCE,
    AREA,
    PRESSURE,
    VISCOSITY,
    RATE,
    LOADING,
    SPECIFIC_CAPACITY,
)

LONGEST_TEXT = 80  # characters
SIGNIFICANT_DIGITS = 15  # kept of a conversion: "0.2 mA/cm^2" is 2.0 and not 2.0000000000000004

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_LETTERS = str.maketrans(
    {
        "\u00b5": "u",  # micro sign
        "\u03bc": "u",  # Greek mu
        "\u03a9": "ohm",  # Greek omega
        "\u2126": "ohm",  # ohm sign
        "\u00c5": "angstrom",  # A with ring
        "\u212b": "angstrom",  # angstrom sign
        "\u2212": "-",  # minus
        "\u2013": "-",  # en dash
        "\u00b7": "*",  # middle dot
        "\u22c5": "*",  # dot operator
        "\u00d7": "*",  # multiplication sign
        "\u00a0": " ",  # spaces that do not break, or are thin
        "\u202f": " ",
        "\u2009": " ",
    }
)
_NUMBER = re.compile(
    r"\s*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?)(?:\s*[*x]\s*10\^?([+-]?[0-9]{1,3})(?![0-9]))?"
)
_UNIT = re.compile(r"(?:1\s*/\s*)?[A-Za-z%(][A-Za-z_%()^*/ 0-9-]*")
_DOT = re.compile(r"(?<=[A-Za-z0-9)])\.(?=[A-Za-z(])")  # mol.m-3
_POWER = re.compile(r"\^-?[0-9](?![0-9^])")
_ANGLES = {"deg": math.pi / 180, "degree": math.pi / 180, "degrees": math.pi / 180, "rad": 1.0, "radian": 1.0}


class UnitError(ValueError):
    """A text that is not a number with the wanted unit; the message says what is."""


def _plain(text: str) -> str:
    """Return `text` in ASCII: `0.2 mA·cm⁻²` becomes `0.2 mA*cm^-2`, `cm2` becomes `cm^2`."""
    text = re.sub(r"[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+", lambda m: "^" + m.group().translate(_SUPERSCRIPTS), text)
    text = text.translate(_LETTERS).replace("**", "^").replace("℃", "degC")
    return re.sub(r"°\s*(?=[CF]\b)", "deg", text).replace("°", " deg").strip()


@lru_cache(maxsize=1)
def _registry() -> Any:
    """Return pint's registry; made on first use, because the import is slow."""
    import pint

    settings: dict[str, Any] = {"autoconvert_offset_to_baseunit": True}
    try:
        registry: Any = pint.UnitRegistry(cache_folder=":auto:", **settings)
    except OSError:  # the home folder cannot be written
        registry = pint.UnitRegistry(**settings)
    registry.define("@alias ohm = Ohm = Ohms")
    return registry


@lru_cache(maxsize=512)
def _unit(text: str) -> Any:
    """Return pint's unit of `text`, which `_UNIT` has let through."""
    text = re.sub(r"([A-Za-z])(-?[0-9])(?![0-9])", r"\1^\2", text)
    bare = _POWER.sub("", re.sub(r"^1\s*/", "", text))
    if re.search(r"[0-9^]", bare):
        raise UnitError("a unit has powers of one digit and no other numbers")
    try:
        return _registry().parse_units(re.sub(r"^1\s*/", "dimensionless/", text))
    except Exception as error:  # pint raises half a dozen classes, some of them tokenizer's
        raise UnitError("unknown unit") from error


def _noun(unit: Any) -> str:
    """Return what a unit measures, with its article."""
    pairs = _OTHERS + tuple((kind.noun, kind.unit) for kind in KINDS)
    noun = next((noun for noun, text in pairs if _unit(text).dimensionality == unit.dimensionality), None)
    return f"a quantity in {unit:~C}" if noun is None else with_article(noun)


def with_article(noun: str) -> str:
    """Return 'a current', 'an energy'."""
    return ("an " if noun[0] in "aeio" else "a ") + noun


def wanted(kind: Kind) -> str:
    """Return 'a conductivity (S/m) is needed, e.g. "1e-3 S/cm"'."""
    if kind.unit == "1":
        return f"a number is needed, e.g. {kind.example}"
    return f'{with_article(kind.noun)} ({kind.unit}) is needed, e.g. "{kind.example}"'


def came(value: object) -> str:
    """Return what stands in the file, for an error text."""
    return (
        "a table"
        if isinstance(value, dict)
        else "a list"
        if isinstance(value, list | tuple)
        else shown(value)
    )


@lru_cache(maxsize=4096)  # lists repeat their values, and pint takes 0.1 ms for each
def to_si(text: str, kind: Kind) -> float:
    """Return the value of `text` in the SI unit of `kind`, or raise UnitError."""
    if len(text) > LONGEST_TEXT:
        raise UnitError(f"{shown(text, 30)} is longer than {LONGEST_TEXT} characters; {wanted(kind)}")
    plain = _plain(text)
    match = _NUMBER.match(plain)
    if match is None:
        raise UnitError(f"{shown(text)} does not begin with a number; {wanted(kind)}")
    mantissa, power = match[1], match[2]
    if power is not None and "e" in mantissa.lower():
        raise UnitError(f"{shown(text)} has two powers of ten; {wanted(kind)}")
    number = float(mantissa if power is None else f"{mantissa}e{int(power)}")
    unit = _DOT.sub("*", plain[match.end() :].strip().lstrip("*").strip())
    if not math.isfinite(number):
        raise UnitError(f"{shown(text)} is not a finite number; {wanted(kind)}")
    if unit in (kind.unit, "" if kind.unit == "1" else kind.unit):
        return number
    if unit == "":
        raise UnitError(f"{shown(text)} has no unit; {wanted(kind)}")
    value = _convert(number, unit, kind, text)
    if not math.isfinite(value):
        raise UnitError(f"{shown(text)} is not a finite number; {wanted(kind)}")
    return value if kind is ANGLE else float(f"{value:.{SIGNIFICANT_DIGITS}g}")


def unit_of(text: str) -> str:
    """Return the unit that stands behind a number, as it was written; empty if there is none."""
    match = _NUMBER.match(_plain(text))
    return "" if match is None else _plain(text)[match.end() :].strip().lstrip("*").strip()


def _convert(number: float, text: str, kind: Kind, whole: str) -> float:
    """Return `number` of unit `text` in the unit of `kind`; `1` and `rad` are kept apart, unlike in pint."""
    if kind.unit == "rad" and text in _ANGLES:
        return number * _ANGLES[text]
    if kind.unit == "1" and text == "%":
        return number / 100
    if _UNIT.fullmatch(text) is None:
        raise UnitError(f"{shown(whole)}: {shown(text)} is not a unit; {wanted(kind)}")
    try:
        unit = _unit(text)
    except UnitError as error:
        raise UnitError(f"{shown(whole)}: {shown(text)}: {error}; {wanted(kind)}") from None
    target, divisor = (None if kind.unit in ("1", "rad") else _unit(kind.unit)), 1.0
    if kind is ENERGY and unit.dimensionality == _unit("J/mol").dimensionality:  # a barrier per mole
        target, divisor = _unit("J/mol"), AVOGADRO
    if target is None or unit.dimensionality != target.dimensionality:
        raise UnitError(f"{shown(whole)} is {_noun(unit)}; {wanted(kind)}")
    try:
        return float(_registry().Quantity(number, unit).to(target).magnitude) / divisor
    except Exception as error:  # overflow, or a unit that pint cannot convert (decibels)
        raise UnitError(f"{shown(whole)} cannot be converted; {wanted(kind)}") from error


def to_text(value: float, kind: Kind) -> str:
    """Return `value` (SI) as a text that `to_si` reads back to the last bit."""
    return repr(float(value)) if kind.unit == "1" else f"{float(value)!r} {kind.unit}"


def pretty(value: float, kind: Kind) -> str:
    """Return `value` (SI) for people: lengths in um, the rest in SI."""
    if kind is LENGTH:
        return f"{value * 1e6:.6g} um"
    return f"{value:.6g}" if kind.unit == "1" else f"{value:.6g} {kind.unit}"


@dataclass(frozen=True)
class Measure:
    """The type of a field that holds a quantity: a float in SI, from a text with a unit, within bounds.

    In a case file (validation context `{"file": True}`) a bare number is refused where the quantity has a
    unit; in Python it is taken as SI. `words` are texts that stand for themselves; `optional` lets None pass,
    and the word `never` means None.
    """

    kind: Kind
    gt: float | None = None
    ge: float | None = None
    lt: float | None = None
    le: float | None = None
    words: tuple[str, ...] = ()
    optional: bool = False
    never: str = ""

    def validate(self, value: Any, info: ValidationInfo) -> float | str | None:
        """Return the value in SI."""
        if self.optional and (value is None or (self.never and value == self.never)):
            return None
        if isinstance(value, str) and value in self.words:
            return value
        try:
            number = self._number(value, bool(info.context and info.context.get("file")))
        except UnitError as error:
            choices = "".join(f' or "{word}"' for word in (*self.words, self.never) if word)
            raise PydanticCustomError("quantity", "{text}", {"text": f"{error}{choices}"}) from None
        self._check_bounds(number, value)
        return number

    def _number(self, value: Any, from_file: bool) -> float:
        if isinstance(value, str):
            return to_si(value, self.kind)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise UnitError(f"{came(value)} stands here; {wanted(self.kind)}")
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise UnitError(f"{shown(value)} is not a finite number; {wanted(self.kind)}")
        if from_file and self.kind.unit != "1":
            raise UnitError(f"{shown(value)} has no unit; {wanted(self.kind)}")
        return number

    def _check_bounds(self, number: float, value: Any) -> None:
        for fails, limit, words in (
            (self.gt is not None and number <= self.gt, self.gt, "is not above"),
            (self.ge is not None and number < self.ge, self.ge, "is below"),
            (self.lt is not None and number >= self.lt, self.lt, "is not below"),
            (self.le is not None and number > self.le, self.le, "is above"),
        ):
            if fails and limit is not None:
                bound = f"{limit:g}" if limit == 0 else pretty(limit, self.kind)
                text = f"{shown(value)} {words} {bound}; give {with_article(self.kind.noun)} {self.bounds()}"
                raise PydanticCustomError("quantity", "{text}", {"text": text})
        kind = self.kind
        if number != 0.0 and not kind.low <= abs(number) <= kind.high:
            low, high = pretty(kind.low, kind), pretty(kind.high, kind)
            what = with_article(kind.noun)
            text = f"{shown(value)} is outside of what {what} can be, {low} to {high}; check the unit"
            raise PydanticCustomError("quantity", "{text}", {"text": text})

    def bounds(self) -> str:
        """Return the allowed range in words, empty if any number will do."""
        parts = (("above", self.gt), ("of at least", self.ge), ("below", self.lt), ("of at most", self.le))
        return " and ".join(
            f"{word} {limit:g}" if limit == 0 else f"{word} {pretty(limit, self.kind)}"
            for word, limit in parts
            if limit is not None
        )

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(self.validate)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        pure = self.kind.unit == "1"
        text: dict[str, Any] = {"type": "string", "pattern": self._pattern()}
        limits = {"exclusiveMinimum": self.gt, "minimum": self.ge, "exclusiveMaximum": self.lt, "maximum": self.le}
        number = {"type": "number", **{name: limit for name, limit in limits.items() if limit is not None}}
        words = [word for word in (*self.words, self.never) if word]
        choices = [text, *([number] if pure else []), *([{"enum": words}] if words else [])]
        stated = choices[0] if len(choices) == 1 else {"anyOf": choices}
        return {**stated, "unit": self.kind.unit, "examples": [self.kind.example]}

    def _pattern(self) -> str:
        """Return a JSON Schema pattern of a number with a unit, its sign within the bounds; it converts nothing."""
        least = self.gt if self.gt is not None else self.ge
        positive = least is not None and least >= 0 and self.kind is not TEMPERATURE  # degrees Celsius may be negative
        sign = "[+]?" if positive else "[+\u2212\u2013-]?"
        above = "(?=[^A-Za-z]*[1-9])" if self.gt == 0 else ""
        return rf"^\s*{above}{sign}([0-9]|\.[0-9])" + ("" if self.kind.unit == "1" else r".*[^0-9.\s]")


@dataclass(frozen=True)
class Ramp(Measure):
    """The type of a field that holds a quantity, or two: a linear ramp from the first to the second."""

    def validate(self, value: Any, info: ValidationInfo) -> Any:
        """Return the value in SI, or both ends."""
        if not isinstance(value, list | tuple):
            return super().validate(value, info)
        if len(value) != 2:
            text = f"{len(value)} values came; a ramp has two, that of its start and that of its end"
            raise PydanticCustomError("quantity", "{text}", {"text": text})
        number = replace(self, optional=False)
        return tuple(super(Ramp, number).validate(end, info) for end in value)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        one = super().__get_pydantic_json_schema__(schema, handler)
        both = {"type": "array", "items": one, "minItems": 2, "maxItems": 2}
        return {"anyOf": [one, both], "unit": self.kind.unit, "examples": [self.kind.example]}
