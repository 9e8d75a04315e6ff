"""Plain tables, CSV and TXT, and the battery data format: one line of heads with units, then rows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from phasefield.errors import shown
from phasefield.measured.assemble import Origin, spectra_of, traces_of
from phasefield.measured.columns import choose_columns, needed_columns, parse_head
from phasefield.measured.lines import Lines
from phasefield.measured.record import MeasuredError, Measurement
from phasefield.measured.table import Grammar, grammar_of, read_table

FORMAT, BDF = "table", "battery data format"
BDF_NAMES = (
    {"test_time_second", "voltage_volt", "current_ampere"},
    {"test time / s", "voltage / v", "current / a"},
)
_NUMBER = re.compile(r"[-+]?[0-9.][0-9.,]*([eE][-+]?[0-9]+)?", re.ASCII)
_LETTER = re.compile(r"[A-Za-zµΩ]")


def read_delimited(origin: Origin, lines: Lines, columns: Mapping[str, str] | None = None) -> Measurement:
    """Read a table whose heads name its columns. columns: see `choose_columns`."""
    file = origin.file
    at = lines.find(lambda line: bool(line.strip()) and not line.lstrip().startswith("#"))
    if at is None:
        raise MeasuredError(file, "is empty; export it again")
    at, grammar = _heads_at(lines, at)
    heads = [parse_head(text) for text in grammar.words(lines.all[at])]
    if not any(_LETTER.search(head.text) for head in heads):
        raise MeasuredError(
            file, "begins with numbers, and columns are read by their names; put a line of names and units on top, "
            'such as "time/s,voltage/V,current/mA"', at + 1,
        )  # fmt: skip
    while heads and not heads[-1].text and len(heads) > 1:
        heads.pop()
    chosen = choose_columns(file, heads, at + 1, columns)
    needed_columns(file, heads, chosen, at + 1)
    table = read_table(file, lines.all[at + 1 :], at + 2, grammar, len(heads), chosen)
    bdf = {head.text.lower() for head in heads}
    form = BDF if any(names <= bdf for names in BDF_NAMES) else FORMAT
    taken = ", ".join(f"{key} = {shown(one.head, 40)}" for key, one in chosen.items())
    notes = (*lines.notes, *([f"columns taken: {taken}"] if form == FORMAT else []))
    spectra = spectra_of(origin, table, "spectrum")
    traces = traces_of(origin, table, "trace")
    return Measurement(
        file, origin.digest, form, tuple(spectra), tuple(traces), (*notes, *table.notes),
        tuple(head.text for head in heads),
    )  # fmt: skip


def _heads_at(lines: Lines, first: int) -> tuple[int, Grammar]:
    """Return the line of the heads, and how the table is written: the last line before the first row of numbers."""
    following = lines.find(lambda line: _is_row(line), first)
    if following is None:
        raise MeasuredError(lines.file, "has no row of numbers; export it again", first + 1)
    at = following - 1
    while at > first and not lines.all[at].strip():
        at -= 1
    at = max(at, first)
    grammar = grammar_of(lines.all[at], lines.all[following])
    return at, grammar


def _is_row(line: str) -> bool:
    """Return whether a line begins with two numbers, whatever separates its fields."""
    words: Sequence[str] = [word.strip().strip('"') for word in re.split(r"[\t;]|,(?!\d)|(?<!\d),|\s+", line.strip())]
    if len(words) == 1:
        words = line.split(",")
    return len(words) > 1 and all(_NUMBER.fullmatch(word.strip()) for word in words[:2])

