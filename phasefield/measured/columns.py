"""Columns by their names: what a head of a table says, and which column is which quantity.

A head holds a name and a unit, as in `time/s`, `Test Time / s`, `Current [mA]`, `Freq(Hz)` or `voltage_volt`. A unit
is never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from phasefield import units
from phasefield.errors import shown
from phasefield.measured.record import MeasuredError
from phasefield.units import Kind

FREQUENCY = Kind("frequency", "Hz", "10 Hz")
CURRENT = Kind("current", "A", "1 mA")
CHARGE = Kind("charge", "C", "1 mAh")
RESISTANCE = Kind("resistance", "ohm", "50 ohm")


@dataclass(frozen=True)
class MeasuredQuantity:
    """A quantity that is looked for.

    names: those of its columns, as `plain_name` returns them, the better ones first. kind: None for a count. per_area:
    its kind where the file gives it for an area. bound: largest size, SI; more is another unit.
    """

    names: tuple[str, ...]
    kind: Kind | None = None
    per_area: Kind | None = None
    bound: float = 1e15


QUANTITIES: dict[str, MeasuredQuantity] = {
    "time": MeasuredQuantity(("time", "test_time", "elapsed_time", "total_time", "t"), units.TIME, bound=1e10),
    "voltage": MeasuredQuantity(
        ("ecell", "ewe-ece", "voltage", "cell_voltage", "ewe", "potential", "cell_potential", "e", "u", "v"),
        units.VOLTAGE, bound=200.0,
    ),
    "current": MeasuredQuantity(
        ("i", "current", "cell_current", "current_density", "j"), CURRENT, units.CURRENT_DENSITY, bound=1e7
    ),
    "charge_increment": MeasuredQuantity(("dq",), CHARGE, bound=1e9),
    "cycle": MeasuredQuantity(("cycle_number", "cycle", "cycle_count", "cycle_index", "cycle_id", "cycle_no")),
    "step": MeasuredQuantity(("ns", "step_index", "step_id", "step", "step_number", "step_count")),
    "frequency": MeasuredQuantity(("freq", "frequency", "f"), FREQUENCY, bound=1e12),
    "impedance_real": MeasuredQuantity(
        ("re(z)", "zreal", "z'", "real_impedance", "zre", "z_real", "rez", "real(z)", "z_re", "re_z"),
        RESISTANCE, units.AREA_RESISTANCE,
    ),
    "impedance_imaginary": MeasuredQuantity(
        ("im(z)", "zimag", "z''", 'z"', "imaginary_impedance", "zim", "z_imag", "imz", "imag(z)", "z_im", "im_z"),
        RESISTANCE, units.AREA_RESISTANCE,
    ),
}  # fmt: skip
"""What is looked for in a table. These are also the names of `columns`, by which a user says which column it is."""
OF_SPECTRA = ("frequency", "impedance_real", "impedance_imaginary", "cycle")
OF_TRACES = ("time", "voltage", "current", "charge_increment", "cycle", "step")

MOST_COLUMNS = 1000
_WORDS = {
    "second": "s", "volt": "V", "ampere": "A", "hertz": "Hz", "ohm": "ohm", "hour": "h", "millivolt": "mV",
    "milliampere": "mA", "minute": "min", "microampere": "uA",
}  # fmt: skip
"""Units as the battery data format writes them at the end of a name."""
_BRACKETS = re.compile(r"(.+?)\s*(?:\[([^\[\]]*)\]|\(([^()]*)\))")


@dataclass(frozen=True)
class Head:
    """The head of a column: its text, its name, its unit (None: none is stated), and -1 if it holds the negative."""

    text: str
    name: str
    unit: str | None
    sign: float


@dataclass(frozen=True)
class Chosen:
    """The column of a quantity: its place in the table, its head, its factor to SI, and whether it is per area."""

    at: int
    head: str
    factor: float
    area_specific: bool = False


def plain_name(text: str) -> str:
    """Return the name of a column as names are compared: `<Ewe>` is ewe, `Test Time` is test_time."""
    return re.sub(r"[\s_]+", "_", text.strip().strip("<>").strip().lower())


def known_name(text: str) -> bool:
    """Return whether a column of this name is looked for."""
    return any(plain_name(text.lstrip("-")) in quantity.names for quantity in QUANTITIES.values())


def parse_head(text: str) -> Head:
    """Return the name and the unit that a head holds."""
    text = text.strip().strip('"').strip()
    negative = re.match("-|\u2212|minus ", text)
    body, sign = (text[negative.end() :].strip(), -1.0) if negative else (text, 1.0)
    name, unit = body, None
    depth, slash = 0, -1
    for k, letter in enumerate(body):
        depth += (letter in "([") - (letter in ")]")
        if letter == "/" and depth == 0 and k:
            slash = k
            break
    brackets = _BRACKETS.fullmatch(body)
    before, _, last = body.rpartition("_")
    if slash > 0:
        name, unit = body[:slash], body[slash + 1 :].strip().removeprefix("(").removesuffix(")")
    elif known_name(body):
        pass
    elif brackets is not None:
        name, unit = brackets[1], brackets[2] if brackets[2] is not None else brackets[3]
    elif last.lower() in _WORDS and before:
        name, unit = before, _WORDS[last.lower()]
    elif "," in body and known_name(body.rpartition(",")[0]):
        name, _, unit = body.rpartition(",")
    unit = None if unit is None else re.sub(r"\s+vs\b.*", "", unit.strip())
    return Head(text, name.strip(), unit or None, sign)


def choose_columns(
    file: Path, heads: Sequence[Head], line: int | None = None, columns: Mapping[str, str] | None = None,
    names: Mapping[str, tuple[str, ...]] | None = None,
) -> dict[str, Chosen]:  # fmt: skip
    """Return the column of each quantity that a table has.

    line: of the heads. columns: quantity to head, with its unit where the file states none, and "-" before it if the
    column holds the negative. names: of the columns of a quantity, instead of those of QUANTITIES. Raises
    MeasuredError.
    """
    if len(heads) > MOST_COLUMNS:
        raise MeasuredError(file, f"has {len(heads)} columns; {MOST_COLUMNS} at most are read; cut it down", line)
    unknown = [key for key in columns or {} if key not in QUANTITIES]
    if unknown:
        raise MeasuredError(file, f"columns: {shown(unknown[0])} is no quantity; give one of {', '.join(QUANTITIES)}")
    found: dict[str, Chosen] = {}
    for key, quantity in QUANTITIES.items():
        if columns and key in columns:
            found[key] = _mapped(file, heads, line, key, columns[key])
            continue
        searched = quantity.names if names is None else names.get(key, ())
        at = [k for name in searched for k, head in enumerate(heads) if plain_name(head.name) == name]
        wrong: MeasuredError | None = None
        for k in at:
            try:
                found[key] = _chosen(file, heads, line, key, k)
                break
            except MeasuredError as error:
                wrong = wrong or error
        if key not in found and wrong is not None:
            raise wrong
    return found


def _mapped(file: Path, heads: Sequence[Head], line: int | None, key: str, text: str) -> Chosen:
    """Return the column that a user named."""
    exact = [k for k, head in enumerate(heads) if head.text == text.strip()]
    if exact:
        return _chosen(file, heads, line, key, exact[0])
    wanted = parse_head(text)
    at = [k for k, head in enumerate(heads) if wanted.name in (head.name, head.text)]
    if not at:
        there = ", ".join(head.text for head in heads)
        raise MeasuredError(file, f"columns: there is no column {shown(text)}; it has {shown(there, 200)}", line)
    stated = heads[at[0]].unit
    if wanted.unit is not None and stated is not None and wanted.unit != stated:
        raise MeasuredError(
            file, f"columns: {shown(text)} states another unit than the head {shown(heads[at[0]].text)}; leave it out",
            line,
        )  # fmt: skip
    merged = [*heads]
    own = heads[at[0]]
    merged[at[0]] = Head(own.text, own.name, stated or wanted.unit, own.sign * wanted.sign)
    if at[1:] and wanted.name != own.text:
        raise MeasuredError(file, f"columns: {shown(text)} stands {len(at)} times among the heads; rename one", line)
    return _chosen(file, merged, line, key, at[0])


def _chosen(file: Path, heads: Sequence[Head], line: int | None, key: str, at: int) -> Chosen:
    """Return a column as that of a quantity. Raises MeasuredError if its unit is missing or another's."""
    head, quantity = heads[at], QUANTITIES[key]
    if sum(one.text == head.text for one in heads) > 1:
        raise MeasuredError(file, f"the head {shown(head.text)} stands more than once; rename the other columns", line)
    if quantity.kind is None:
        return Chosen(at, head.text, 1.0)
    if head.unit is None:
        example = f"{head.name}/{quantity.kind.unit}"
        raise MeasuredError(
            file,
            f"column {shown(head.text)} states no unit; write it into the head, such as {example}, or give "
            f'--columns "{key}={example}"',
            line,
        )
    errors = []
    for kind in (quantity.kind, quantity.per_area):
        if kind is not None:
            try:
                factor = head.sign * units.to_si(f"1 {head.unit}", kind)
            except units.UnitError as error:
                errors.append(str(error))
            else:
                if factor == 0.0 or abs(factor) > 1e12:
                    raise MeasuredError(file, f"column {shown(head.text)}: its unit is none of {kind.noun}", line)
                return Chosen(at, head.text, factor, kind is quantity.per_area)
    raise MeasuredError(file, f"column {shown(head.text)}: {errors[0]}", line)


def needed_columns(file: Path, heads: Sequence[Head], found: Mapping[str, Chosen], line: int | None) -> None:
    """Raise MeasuredError unless the columns make a spectrum or a trace."""
    spectrum = {"frequency", "impedance_real", "impedance_imaginary"} <= {*found}
    if spectrum or ("frequency" not in found and "time" in found and ("voltage" in found or "current" in found)):
        return
    there = ", ".join(head.text for head in heads)
    if "frequency" in found and not spectrum:
        lacking = next(key for key in ("impedance_real", "impedance_imaginary") if key not in found)
        remedy = f'name it: --columns "{lacking}=HEAD/ohm", or [columns] of a fit'
        raise MeasuredError(file, f"has a frequency and no column of {lacking.replace('_', ' ')}; {remedy}", line)
    raise MeasuredError(
        file,
        f"has the columns {shown(there, 120)}; time with voltage or current, or frequency with both parts of the "
        'impedance are needed; name them: --columns "time=Time/h" --columns "voltage=U/V", or [columns] of a fit or a '
        "case",
        line,
    )
