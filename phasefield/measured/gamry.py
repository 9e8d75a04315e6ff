"""Gamry files (.DTA): entries, then tables with a line of names, a line of units and rows that begin with a tab."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from phasefield.measured.assemble import FileOrigin, spectra_of, traces_of
from phasefield.measured.columns import Head, choose_columns, needed_columns
from phasefield.measured.lines import Lines
from phasefield.measured.record import MeasuredError, Measurement, Spectrum, Trace
from phasefield.measured.table import grammar_of, read_table, whole_rows

FORMAT = "Gamry"
NAMES = {
    "time": ("t", "time"), "voltage": ("vf",), "current": ("im",), "cycle": ("cycle",),
    "frequency": ("freq",), "impedance_real": ("zreal",), "impedance_imaginary": ("zimag",),
}  # fmt: skip
OPEN_CIRCUIT = "OCVCURVE"
MOST_TABLES = 10_000
_TABLE = re.compile(r"((?:Z|OCV)?CURVE[0-9]*)\tTABLE(?:\t([0-9]{1,9}))?\s*", re.ASCII)


@dataclass(frozen=True)
class _Part:
    """A table of the file: its name, the number of rows that it states (None: none), its first line, its lines."""

    name: str
    stated: int | None
    first: int
    lines: list[str]


def is_gamry(start: str) -> bool:
    """Return whether a text begins as a Gamry file does."""
    return start.lstrip().startswith("EXPLAIN")


def read_gamry(origin: FileOrigin, lines: Lines) -> Measurement:
    """Read every table of spectra, of cycling and of the open circuit."""
    spectra: list[Spectrum] = []
    traces: list[Trace] = []
    notes, texts = list[str](), dict[str, None]()
    for part in _parts(origin, lines):
        heads = _heads(origin, part)
        chosen = choose_columns(origin.file, heads, part.first + 2, names=NAMES)
        if {"frequency", "impedance_real", "impedance_imaginary"} <= {*chosen}:
            chosen.pop("time", None)  # of a point of the spectrum
        needed_columns(origin.file, heads, chosen, part.first + 2)
        rows = part.lines[2:]
        if rows and part.first + len(part.lines) + 1 == len(lines.all):  # to the end of the file
            rows, left_out = whole_rows(lines, part.first + 3, grammar_of("\t", rows[0]), len(heads))
            notes += left_out
        if part.stated is not None and part.stated != len(rows):
            raise MeasuredError(
                origin.file, f"table {part.name} states {part.stated} rows and holds {len(rows)}; it is cut, so save "
                "it again from Gamry Framework", part.first + 1,
            )  # fmt: skip
        grammar = grammar_of("\t", rows[0] if rows else "\t")
        table = read_table(origin.file, rows, part.first + 4, grammar, len(heads), chosen)
        if part.name == OPEN_CIRCUIT:
            table.values["current"] = np.zeros(len(table.lines))
            notes.append(f"{OPEN_CIRCUIT} is at open circuit: its current is 0")
        spectra += spectra_of(origin, table, part.name)
        traces += traces_of(origin, table, part.name)
        notes += table.notes
        texts |= dict.fromkeys(head.text for head in heads if head.text.strip())
    if not spectra and not traces:
        raise MeasuredError(origin.file, "holds no table ZCURVE, CURVE or OCVCURVE; save it again from Gamry Framework")
    return Measurement(origin.file, origin.digest, FORMAT, tuple(spectra), tuple(traces), tuple(notes), tuple(texts))


def _parts(origin: FileOrigin, lines: Lines) -> Iterator[_Part]:
    """Give the tables of a file; their lines begin with a tab."""
    at, count, total = 0, 0, len(lines.all)
    while at < total:
        found = _TABLE.fullmatch(lines.all[at])
        if found is None:
            at += 1
            continue
        end = at + 1
        while end < total and lines.all[end].startswith("\t"):
            end += 1
        count += 1
        if count > MOST_TABLES:
            raise MeasuredError(origin.file, f"holds more than {MOST_TABLES} tables; cut it into parts")
        if end - at < 4:
            raise MeasuredError(origin.file, f"table {found[1]} has no rows; save it again from Gamry", at + 1)
        yield _Part(found[1], int(found[2]) if found[2] else None, at, lines.all[at + 1 : end])
        at = end


def _heads(origin: FileOrigin, part: _Part) -> list[Head]:
    """Return the heads of a table from its line of names and its line of units; the first field is empty."""
    names, said = (line.rstrip("\t").split("\t") for line in part.lines[:2])
    if len(said) != len(names):
        raise MeasuredError(
            origin.file, f"table {part.name} has {len(names) - 1} names and {len(said) - 1} units; save it again",
            part.first + 3,
        )  # fmt: skip
    heads = [Head(name, name, re.sub(r"\s+vs\b.*", "", unit.strip()) or None, 1.0)
             for name, unit in zip(names, said, strict=True)]  # fmt: skip
    return [replace(heads[0], text=" "), *heads[1:]]
