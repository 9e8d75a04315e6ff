"""EC-Lab text files of BioLogic (.mpt): a header that says its own length, then a table with tabs."""

from __future__ import annotations

import re

from phasefield.measured.assemble import FileOrigin, spectra_of, traces_of
from phasefield.measured.columns import choose_columns, known_name, needed_columns, parse_head
from phasefield.measured.lines import Lines
from phasefield.measured.record import MeasuredError, Measurement
from phasefield.measured.table import current_from_charge, grammar_of, read_table, whole_rows

FORMAT = "EC-Lab text"
_COUNT = re.compile(r"Nb header lines\s*:\s*([0-9]{1,6})\s*", re.ASCII)
_AREA = re.compile(r"Electrode surface area\s*:\s*(\S.*\S)")


def is_eclab(start: str) -> bool:
    """Return whether a text begins as an EC-Lab file does."""
    return re.match(r"\s*(EC|BT)-Lab ASCII FILE", start) is not None


def read_eclab(origin: FileOrigin, lines: Lines) -> Measurement:
    """Read the table of an EC-Lab file. The header may state its length wrongly: the heads are found by their names."""
    file = origin.file
    at = _heads_line(lines)
    if at is None:
        raise MeasuredError(file, "has no line of column names, such as time/s; export it again from EC-Lab as text")
    texts = lines.all[at].rstrip("\t").split("\t")
    heads = [parse_head(text) for text in texts]
    chosen = choose_columns(file, heads, at + 1)
    needed_columns(file, heads, chosen, at + 1)
    rows = lines.all[at + 1 :]
    if not rows:
        raise MeasuredError(file, "ends behind its column names; export it again from EC-Lab", at + 1)
    grammar = grammar_of("\t", rows[0] if "\t" in rows[0] else rows[0] + "\t")
    rows, notes = whole_rows(lines, at + 1, grammar, len(texts))
    table = read_table(file, rows, at + 2, grammar, len(texts), chosen)
    current_from_charge(table)
    notes += _area(lines.all[:at])
    if "current" not in table.values and "frequency" not in chosen:
        notes.append("the file has no current; add the column I/mA when you export it from EC-Lab")
    spectra = spectra_of(origin, table, "spectrum")
    traces = traces_of(origin, table, "trace")
    return Measurement(
        file, origin.digest, FORMAT, tuple(spectra), tuple(traces), (*notes, *table.notes), tuple(texts)
    )


def _heads_line(lines: Lines) -> int | None:
    """Return the index of the line of column names: the last of the header, or the first that looks like it."""

    def looks(line: str) -> bool:
        words = line.split("\t")
        return len(words) > 1 and any(known_name(parse_head(word).name) for word in words)

    count = next((found for line in lines.all[:5] if (found := _COUNT.match(line))), None)
    stated = int(count[1]) - 1 if count else -1
    if 0 <= stated < len(lines.all) and looks(lines.all[stated]):
        return stated
    return lines.find(looks)


def _area(header: list[str]) -> list[str]:
    """Return a note on the area that the header states: EC-Lab writes 0.001 cm2 where nobody gave one."""
    stated = next((found[1] for line in header if (found := _AREA.match(line))), None)
    return [] if stated is None else [f"the header states an electrode area of {stated}; it was not applied"]
