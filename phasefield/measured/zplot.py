"""ZPlot and ZView text files of Scribner and Solartron (.z): comments with the heads, then rows, in ohm."""

from __future__ import annotations

import re
from dataclasses import replace

from phasefield.measured.assemble import FileOrigin, spectra_of
from phasefield.measured.columns import Head, choose_columns, parse_head
from phasefield.measured.lines import Lines
from phasefield.measured.record import MeasuredError, Measurement
from phasefield.measured.table import grammar_of, read_table, whole_rows

FORMAT = "ZPlot"
NAMES = {"frequency": ("freq",), "impedance_real": ("z'",), "impedance_imaginary": ("z''",)}
_POINTS = re.compile(r'\s*"?\s*Data Points:\s*([0-9]{1,9})', re.ASCII)


def is_zplot(start: str) -> bool:
    """Return whether a text begins as a ZPlot file does."""
    return re.match(r'\s*"?\s*ZPLOT2? ASCII', start, re.IGNORECASE) is not None


def read_zplot(origin: FileOrigin, lines: Lines) -> Measurement:
    """Read the spectrum of a ZPlot file. Its heads stand in the comments, before the line End Comments."""
    file = origin.file
    end = lines.find(lambda line: line.strip().strip('"').strip().lower().startswith("end comments"))
    if end is None:
        raise MeasuredError(file, "has no line End Comments; it is cut, so export it again from ZPlot")
    at = next((k for k in range(end - 1, -1, -1) if "z'" in lines.all[k].lower()), None)
    if at is None:
        raise MeasuredError(file, "has no heads of columns before End Comments; export it again from ZPlot", end + 1)
    rows = lines.all[end + 1 :]
    if not rows:
        raise MeasuredError(file, "ends behind its header; export it again from ZPlot", end + 1)
    grammar = grammar_of(lines.all[at], rows[0])
    texts = [word.strip().strip('"').strip() for word in grammar.words(lines.all[at].strip())]
    heads = [_in_ohm(parse_head(text)) for text in texts]
    chosen = choose_columns(file, heads, at + 1, names=NAMES)
    lacking = [key for key in NAMES if key not in chosen]
    if lacking:
        raise MeasuredError(file, f"its heads lack {lacking[0].replace('_', ' ')}; export it again from ZPlot", at + 1)
    rows, notes = whole_rows(lines, end + 1, grammar, len(texts))
    table = read_table(file, rows, end + 2, grammar, len(texts), chosen)
    stated = next((int(found[1]) for line in lines.all[:end] if (found := _POINTS.match(line))), None)
    spectra = spectra_of(origin, table, "spectrum")
    held = sum(len(one.frequency) for one in spectra)
    if stated is not None and stated != held:
        table.notes.append(f"the file states {stated} points and holds {held}; the sweep was stopped, or it is cut")
    return Measurement(
        file, origin.digest, FORMAT, tuple(spectra), (), (*notes, *table.notes), tuple(texts)
    )


def _in_ohm(head: Head) -> Head:
    """Return the head of a part of the impedance with its unit: ZPlot writes Z'(a) and Z''(b), and means ohm."""
    return replace(head, unit="ohm") if head.name.lower().startswith("z'") and head.unit in ("a", "b", None) else head
