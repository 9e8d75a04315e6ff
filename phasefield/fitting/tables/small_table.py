"""A small table: heads that name a quantity and its unit, then rows of numbers above 0.

A field may be empty. Lines that begin with # are comments.
"""

from __future__ import annotations

import csv
import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from phasefield import units
from phasefield.errors import shown
from phasefield.files.atomic import read_start
from phasefield.files.decode import decoded
from phasefield.measured.columns import Head, parse_head, plain_name
from phasefield.measured.lines import split_lines
from phasefield.measured.record import MeasuredError
from phasefield.units import Kind

Floats = NDArray[np.float64]

MOST_BYTES = 1 << 20
C_RATE = Kind("C-rate", "C", "0.2 C")


@dataclass(frozen=True)
class ColumnKind:
    """A column that is looked for: names as `plain_name` returns them, and the kinds that it may have."""

    names: tuple[str, ...]
    kinds: tuple[Kind, ...]


@dataclass(frozen=True)
class SmallTable:
    """The columns that were found, SI, nan in an empty field; their kinds; the number of each row's line; SHA-256."""

    path: Path
    columns: Mapping[str, Floats]
    kinds: Mapping[str, Kind]
    lines: tuple[int, ...]
    digest: str


def read_small_table(path: Path, wanted: Mapping[str, ColumnKind], example: str) -> SmallTable:
    """Read a table; example: its heads, for error texts. Raises MeasuredError, one line, at the first wrong thing."""
    try:
        data = read_start(path, MOST_BYTES + 1)
    except OSError as error:
        raise MeasuredError(path, f"cannot be read ({error.strerror or error}); give a small table") from None
    if len(data) > MOST_BYTES or b"\0" in data:
        raise MeasuredError(path, f"is no small table; give one with the heads {example}")
    rows = _rows(path, decoded(data))
    number, words = next(rows, (1, []))
    heads = [parse_head(word) for word in words]
    at = {key: k for key, one in wanted.items() if (k := _place(path, number, heads, one)) is not None}
    found = {key: _kind(path, number, heads[k], wanted[key], example) for key, k in at.items()}
    values: dict[str, list[float]] = {key: [] for key in at}
    lines = []
    for line, fields in rows:
        if len(fields) != len(heads):
            raise MeasuredError(path, f"has {len(fields)} fields, its heads are {len(heads)}; complete it", line)
        for key, k in at.items():
            values[key].append(_si(path, line, fields[k], *found[key]))
        lines.append(line)
    columns = {key: np.array(column) for key, column in values.items()}
    kinds = {key: kind for key, (kind, _) in found.items()}
    return SmallTable(path, columns, kinds, tuple(lines), hashlib.sha256(data).hexdigest())


def _rows(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines that are neither empty nor a comment, with their numbers."""
    for number, line in enumerate(split_lines(path, text).all, 1):
        if line.strip() and not line.lstrip().startswith("#"):
            try:
                yield number, [word.strip() for word in next(csv.reader([line]))]
            except csv.Error as error:
                raise MeasuredError(path, f"is no row of a table ({error}); correct it", number) from None


def _place(path: Path, number: int, heads: Sequence[Head], wanted: ColumnKind) -> int | None:
    """Return the place of a column."""
    at = [k for k, head in enumerate(heads) if plain_name(head.name) in wanted.names]
    if len(at) > 1:
        raise MeasuredError(path, f"has two columns of {wanted.names[0]}; remove one", number)
    return at[0] if at else None


def _kind(path: Path, number: int, head: Head, wanted: ColumnKind, example: str) -> tuple[Kind, float]:
    """Return the kind of a column and its factor to SI."""
    for kind in wanted.kinds:
        if kind is C_RATE:
            if head.unit == "C":
                return kind, 1.0
            continue
        try:
            return kind, units.to_si(f"1 {head.unit}", kind)
        except units.UnitError:
            continue
    text = shown(head.text)
    raise MeasuredError(path, f"column {text}: its unit is missing or wrong; write it as in {example}", number)


def _si(path: Path, number: int, word: str, kind: Kind, factor: float) -> float:
    """Return a value of a kind [SI], nan for an empty field."""
    value = factor * _value(path, number, word)
    if not math.isnan(value) and not kind.low <= value <= kind.high:
        low, high = (f"{one / factor:.3g}" for one in (kind.low, kind.high))
        what = units.with_article(kind.noun)
        text = f"{shown(word, 40)} is outside of what {what} can be, {low} to {high} in this column; check its unit"
        raise MeasuredError(path, text, number)
    return value


def _value(path: Path, number: int, word: str) -> float:
    """Return a number above 0, nan for an empty field."""
    if not word:
        return math.nan
    try:
        value = float(word) if word.isascii() and "_" not in word else math.nan
    except ValueError:
        value = math.nan
    if not 0.0 < value < math.inf:
        raise MeasuredError(path, f"{shown(word, 40)} is no number above 0; correct it, or leave it empty", number)
    return value
