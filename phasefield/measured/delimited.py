"""Plain tables, CSV and TXT, and the battery data format: one line of heads with units, then rows."""

from __future__ import annotations

import re
from collections.abc import Mapping

from phasefield.errors import shown
from phasefield.measured.assemble import FileOrigin, spectra_of, traces_of
from phasefield.measured.columns import choose_columns, needed_columns, parse_head
from phasefield.measured.lines import Lines
from phasefield.measured.record import MeasuredError, Measurement
from phasefield.measured.table import Grammar, grammar_of, read_table, whole_rows

FORMAT, BDF = "table", "battery data format"
BDF_NAMES = (
    {"test_time_second", "voltage_volt", "current_ampere"},
    {"test time / s", "voltage / v", "current / a"},
)
_NUMBER = re.compile(r"[-+]?[0-9.][0-9.,]*([eE][-+]?[0-9]+)?", re.ASCII)


def read_delimited(origin: FileOrigin, lines: Lines, columns: Mapping[str, str] | None = None) -> Measurement:
    """Read a table whose heads name its columns. columns: see `choose_columns`."""
    file = origin.file
    at, grammar = _heads_at(lines)
    heads = [parse_head(text) for text in grammar.words(lines.all[at].lstrip("# "))]
    while heads and not heads[-1].text and len(heads) > 1:
        heads.pop()
    chosen = choose_columns(file, heads, at + 1, columns)
    needed_columns(file, heads, chosen, at + 1)
    rows, left_out = whole_rows(lines, at + 1, grammar, len(heads))
    table = read_table(file, rows, at + 2, grammar, len(heads), chosen)
    bdf = {head.text.lower() for head in heads}
    form = BDF if any(names <= bdf for names in BDF_NAMES) else FORMAT
    taken = ", ".join(f"{key} = {shown(one.head, 40)}" for key, one in chosen.items())
    notes = (*left_out, *([f"columns taken: {taken}"] if form == FORMAT else []))
    spectra = spectra_of(origin, table, "spectrum")
    traces = traces_of(origin, table, "trace")
    return Measurement(
        file, origin.digest, form, tuple(spectra), tuple(traces), (*notes, *table.notes),
        tuple(head.text for head in heads),
    )  # fmt: skip


def _heads_at(lines: Lines) -> tuple[int, Grammar]:
    """Return the line of the heads, the last one before the first row of numbers, and how the table is written."""
    row = lines.find(_is_row)
    if row is None:
        raise MeasuredError(lines.file, "has no row of numbers; export the measurement as a table with a line of heads")
    at = row - 1
    while at >= 0 and not lines.all[at].strip("#;, \t"):
        at -= 1
    if at < 0:
        raise MeasuredError(
            lines.file, "begins with numbers, and columns are read by their names; put a line of names and units on "
            'top, such as "time/s,voltage/V,current/mA"', row + 1,
        )  # fmt: skip
    return at, grammar_of(lines.all[at], lines.all[row])


def _is_row(line: str) -> bool:
    """Return whether a line holds two numbers or more and is no comment, whatever separates its fields."""
    if line.startswith("#"):
        return False
    separator = next((one for one in "\t;," if one in line), None)
    return sum(_NUMBER.fullmatch(word.strip(' "')) is not None for word in line.split(separator)) > 1
