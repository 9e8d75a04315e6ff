"""A table of a text file: its heads, then rows of numbers, read as far as they are needed.

A row that is damaged is refused with its line. The memory taken is that of the columns that are needed.
"""

from __future__ import annotations

import csv
import re
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from phasefield.errors import shown
from phasefield.measured.columns import QUANTITIES, Chosen
from phasefield.measured.lines import Lines
from phasefield.measured.record import Floats, Integers, MeasuredError

MOST_BYTES = 1 << 27  # of a file
MOST_ROWS = 1_500_000  # of a table
MOST_MISSING = 0.05  # of the rows, which are left out
MISSING = ("", "nan", "-", "--", "na", "n/a", "null", "none")
_NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,3})?", re.ASCII)


@dataclass(frozen=True)
class Grammar:
    """How a table is written: what separates its columns (None: any spaces), and whether decimals have a comma."""

    separator: str | None
    comma: bool = False

    def words(self, line: str) -> list[str]:
        """Return the fields of one line, without their quotes."""
        if self.separator is None:
            return line.split()
        found: list[str] = next(csv.reader([line], delimiter=self.separator, skipinitialspace=True), [])
        return found

    def rows(self, lines: Sequence[str]) -> Iterator[list[str]]:
        """Give the fields of each line."""
        if self.comma:
            lines = [line.replace(",", ".") for line in lines]
        if self.separator is None:
            return (line.split() for line in lines)
        if self.separator == ",":
            return csv.reader(f"{line}\n" for line in lines)  # a quote that is not closed joins no numbers
        return csv.reader(lines, delimiter=self.separator, quoting=csv.QUOTE_NONE)


@dataclass
class Table:
    """Columns of numbers in SI by quantity, and the line of the file that each row is from (0: from no text)."""

    values: dict[str, Floats]
    lines: Integers
    area_specific: dict[str, bool] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def grammar_of(heads: str, row: str) -> Grammar:
    """Return how a table is written, from the line of its heads and its first row."""
    for separator in "\t;":
        if separator in heads and separator in row:
            return Grammar(separator, "," in row and "." not in row)
    if "," in heads and "," in row:
        return Grammar(",")
    return Grammar(None, "," in row and "." not in row)


def whole_rows(lines: Lines, first: int, grammar: Grammar, width: int) -> tuple[list[str], list[str]]:
    """Return the rows from index `first` on, and a note if a last one that may be half written was left out.

    A last line without an end is taken as whole if its last field is at least as long as that of the line before.
    """
    rows = lines.all[first:]
    if lines.open_end and len(rows) > 1:
        before, last = (grammar.words(line) for line in rows[-2:])
        if len(last) != width or len(last[-1]) < len(before[-1] if before else ""):
            return rows[:-1], [f"line {len(lines.all)} has no end; it may be half written and was left out"]
    return rows, []


def read_table(
    file: Path, lines: Sequence[str], first: int, grammar: Grammar, width: int, chosen: Mapping[str, Chosen]
) -> Table:
    """Return the columns that were chosen, in SI.

    lines: those of the rows. first: number of the first of them in the file. width: number of heads. Raises
    MeasuredError for a row that is cut or holds a word.
    """
    if len(lines) > MOST_ROWS:
        raise MeasuredError(file, f"has {len(lines)} rows; {MOST_ROWS} at most are read; cut it into parts")
    places = [one.at for one in chosen.values()]
    columns = [array("d") for _ in places]
    numbers = array("q")
    strict = any("_" in line or not line.isascii() for line in lines)  # float takes 1_000 and digits of all scripts
    number = first - 1
    pairs = list(zip(columns, places, strict=True))
    try:
        for number, words in enumerate(grammar.rows(lines), first):
            if len(words) != width:
                if not any(word.strip() for word in words):
                    continue
                if len(words) != width + 1 or words[-1].strip():
                    raise MeasuredError(
                        file,
                        f"has {len(words)} fields, its heads are {width}; complete the line, or remove it",
                        number,
                    )
            for column, at in pairs:
                word = words[at]
                try:
                    plain = not strict or (word.isascii() and "_" not in word)
                    column.append(float(word) if plain else _strict(file, number, word))
                except ValueError:
                    column.append(_strict(file, number, word))
            numbers.append(number)
    except csv.Error as error:
        raise MeasuredError(file, f"is no row of a table ({error}); remove the line", number + 1) from None
    if not len(numbers):
        raise MeasuredError(file, "has heads of columns and no row of numbers; export it again", first - 1)
    raw = dict(zip(chosen, map(np.asarray, columns), strict=True))
    return make_table(file, raw, np.asarray(numbers, dtype=np.int64), chosen)


def _strict(file: Path, number: int, word: str) -> float:
    """Return the number of a word, NaN if it says that there is none."""
    word = word.strip()
    if _NUMBER.fullmatch(word):
        return float(word)
    if word.lower() in MISSING:
        return float("nan")
    raise MeasuredError(file, f"{shown(word, 40)} is no number; correct it, or remove the line", number)


def make_table(file: Path, raw: Mapping[str, Floats], lines: Integers, chosen: Mapping[str, Chosen]) -> Table:
    """Return columns in SI without the rows that lack a number. Raises MeasuredError for impossible numbers."""
    with np.errstate(over="ignore"):  # an infinite value is refused below
        values = {key: np.asarray(raw[key], dtype=np.float64) * one.factor for key, one in chosen.items()}
    missing = np.zeros(len(lines), dtype=bool)
    for key, column in values.items():
        missing |= np.isnan(column)
        wrong = np.flatnonzero(np.abs(column) > QUANTITIES[key].bound)
        if len(wrong):
            kind = QUANTITIES[key].kind
            size = f"{column[wrong[0]]:.3g}{f' {kind.unit}' if kind is not None else ''}"
            raise MeasuredError(
                file, f"column {shown(chosen[key].head)} is {size} there; check its unit, or remove the line",
                _line(lines, int(wrong[0])),
            )  # fmt: skip
        broken = np.flatnonzero((column != np.rint(column)) & ~np.isnan(column))
        if QUANTITIES[key].kind is None and len(broken):
            raise MeasuredError(
                file, f"column {shown(chosen[key].head)} counts, and is {column[broken[0]]:.6g} there; correct the "
                "number, or give the column another name", _line(lines, int(broken[0])),
            )  # fmt: skip
        column[np.abs(column) < np.finfo(np.float64).tiny] = 0.0  # such numbers have lost their digits
    notes = []
    if missing.any():
        first, count = int(np.argmax(missing)), int(missing.sum())
        if count > MOST_MISSING * len(lines):
            raise MeasuredError(
                file,
                f"{count} of {len(lines)} rows lack a number in {', '.join(one.head for one in chosen.values())}; "
                f"{MOST_MISSING:.0%} at most may; fill them in, or remove the rows",
                _line(lines, first),
            )
        where = f", the first in line {lines[first]}" if lines[first] else ""
        notes.append(f"{count} of {len(lines)} rows lack a number and were left out{where}")
        values, lines = {key: column[~missing] for key, column in values.items()}, lines[~missing]
    return Table(values, lines, {key: one.area_specific for key, one in chosen.items()}, notes)


def _line(lines: Integers, at: int) -> int | None:
    return int(lines[at]) or None


def current_from_charge(table: Table) -> None:
    """Give a table without a current the one that its charges between the points make, and note it.

    Row k has the charge that passed since row k - 1; the first row, and one at the time of the row before, get 0.
    """
    charge = table.values.pop("charge_increment", None)
    if charge is None or "current" in table.values or "time" not in table.values:
        return
    interval = np.diff(table.values["time"], prepend=np.nan)
    current = np.zeros(len(charge))
    np.divide(charge, interval, out=current, where=interval > 0.0)
    table.values["current"] = current
    table.notes.append("the file has no current; it was made of the charge between the points (dq)")
