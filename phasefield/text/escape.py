"""Texts of cases, studies, profiles and results, made harmless where they are shown: they never become markup.

Such a text may come from a stranger's file. A terminal, a spreadsheet or a Markdown page would obey parts of it.
HTML is escaped by `phasefield.text.markup`.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

from phasefield.errors import flat, visible

_SIGNS = r"[=+\-@\t\n\uff1d\uff0b\uff0d\uff20]"  # begin a formula; the last four are those of East Asia
_BEGIN = r"(?<![^;\t\n])"  # of a cell, also where a spreadsheet splits at semicolons
FORMULA = re.compile(rf"{_BEGIN}('*{_SIGNS})(?=.)", re.DOTALL)
MARKED = re.compile(rf"{_BEGIN}'('*{_SIGNS})(?=.)", re.DOTALL)
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$&:@^])")


def csv_text(rows: Iterable[Sequence[object]]) -> str:
    """Return rows as CSV; a text that a spreadsheet would take for a formula gets an apostrophe before it."""
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows([_cell(value) for value in row] for row in rows)
    return file.getvalue()


def csv_rows(text: str) -> list[list[str]]:
    """Return the rows of a text of `csv_text`, without its apostrophes. Raises ValueError for what is no CSV."""
    try:
        return [[MARKED.sub(r"\1", cell) for cell in row] for row in csv.reader(io.StringIO(text))]
    except csv.Error as error:
        raise ValueError(str(error)) from None


def _cell(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = visible(value, keep="\t\n")
    return text if NUMBER.fullmatch(text) else FORMULA.sub(r"'\1", text)


def markdown_text(text: str) -> str:
    """Return a text that Markdown shows as it is, on one line."""
    return MARKDOWN.sub(r"\\\1", flat(text))
