"""Prints the parts of the docs that the code knows: `python docs/printed.py` renews the copies in docs."""

from __future__ import annotations

from pathlib import Path

from phasefield.case.file import reference_markdown
from phasefield.fields import FIELDS, SERIES, table
from phasefield.results.evaluation import NUMBERED, QUANTITIES

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


def experiments(text: str) -> str:
    """Return docs/experiments.md with its table of results renewed."""
    begin, end = BEGIN.format("results"), END.format("results")
    numbers = {name: "_1, _2, ..." for name in NUMBERED}
    names = {f"{name}{numbers.get(name, '')}": one for name, one in QUANTITIES.items()}
    rows = "".join(f"| `{name}` | {one.unit} | {one.meaning} |\n" for name, one in names.items())
    before, rest = text.split(begin)
    return f"{before}{begin}\n\n| result | unit | what |\n|---|---|---|\n{rows}\n{end}{rest.split(end)[1]}"


def renew() -> None:
    """Write the three files."""
    (DOCS / "cases.md").write_text(cases(), encoding="utf-8")
    page = DOCS / "results.md"
    page.write_text(results(page.read_text(encoding="utf-8")), encoding="utf-8")
    page = DOCS / "experiments.md"
    page.write_text(experiments(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    renew()
