"""Texts of cases, studies, profiles and results, made harmless where they are shown: they never become markup.

Such a text may come from a stranger's file. A terminal, a spreadsheet or a Markdown page would obey parts of it.
HTML is escaped by `phasefield.markup`.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence

UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")  # controls, formats (bidi overrides), halves of characters, line ends
JOINERS = "\u200c\u200d"  # formats that scripts and emoji need
_SIGNS = r"[=+\-@\t\n\uff1d\uff0b\uff0d\uff20]"  # begin a formula; the last four are those of East Asia
_BEGIN = r"(?<![^;\t\n])"  # of a cell, also where a spreadsheet splits at semicolons
FORMULA = re.compile(rf"{_BEGIN}('*{_SIGNS})(?=.)", re.DOTALL)
MARKED = re.compile(rf"{_BEGIN}'('*{_SIGNS})(?=.)", re.DOTALL)
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$&:@^])")


def visible(text: str, keep: str = "") -> str:
    r"""Return a text whose invisible characters are seen as escapes such as \x1b; characters of `keep` stay."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c in keep or not _unseen(c) else c.encode("unicode_escape").decode() for c in text)


def _unseen(c: str) -> bool:
    return unicodedata.category(c) in UNSEEN and c not in JOINERS


def one_line(text: str, longest: int = 400) -> str:
    """Return `text` on one line of visible characters, cut after `longest` of them."""
    flat = _flat(text)
    return flat if len(flat) <= longest else flat[: longest - 3] + "..."


def _flat(text: str) -> str:
    return visible(" ".join(text.split()))


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
    return MARKDOWN.sub(r"\\\1", _flat(text))
