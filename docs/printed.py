"""Prints the parts of the docs that the code knows: `python docs/printed.py` renews the copies in docs."""

from __future__ import annotations

from pathlib import Path

from phasefield.case.file import reference_markdown
from phasefield.fields import FIELDS, SERIES, table

DOCS = Path(__file__).parent
BEGIN, END = "<!-- printed: {} -->", "<!-- end of {} -->"


def cases() -> str:
    """Return docs/cases.md."""
    return reference_markdown().rstrip() + "\n"


def results(text: str) -> str:
    """Return docs/results.md with its two tables renewed."""
    for name, entries in (("fields", FIELDS), ("series", SERIES)):
        begin, end = BEGIN.format(name), END.format(name)
        before, rest = text.split(begin)
        after = rest.split(end)[1]
        text = f"{before}{begin}\n\n{table(entries.values())}\n{end}{after}"
    return text


def renew() -> None:
    """Write both files."""
    (DOCS / "cases.md").write_text(cases(), encoding="utf-8")
    page = DOCS / "results.md"
    page.write_text(results(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    renew()
