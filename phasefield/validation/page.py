"""Output of `phasefield report papers`: the table, and one text as Markdown and HTML."""

from __future__ import annotations

import base64
import dataclasses
import json
import math
import re
import shutil
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

from markupsafe import Markup

from phasefield.files.atomic import replace_text
from phasefield.text.escape import csv_text
from phasefield.text.formatting import finite_number
from phasefield.text.markup import fill_template
from phasefield.validation.row import Experiment, Missing, Row

CSV, JSON, HTML, PAGE = "papers.csv", "papers.json", "papers.html", "papers.md"
DIGITS = 4  # of a simulated number
PICTURES = Path("images") / "papers"  # in the folder of the docs
PAPERS = (
    "[1] Zhang et al., Chem. Sci. 2025, 16, 5028, doi 10.1039/d5sc00071h; "
    "[2] Song et al., Appl. Phys. Lett. 2024, 125, 013902, doi 10.1063/5.0221854."
)
KINDS = (
    "- *input*: the measured number is an input of the case, and the simulation returns it\n"
    "- *derived input*: an input was computed from the measured number\n"
    "- *calibrated*: an input was adjusted until the simulation gave the measured number\n"
    "- *predicted*: none of these"
)
_IMAGE = re.compile(r'src="([^":]+\.png)"')


def write(experiments: Sequence[Experiment], missing: Sequence[Missing], out: Path) -> None:
    """Write table, JSON and HTML page into `out`, where the pictures are."""
    rows = [(one.name, row) for one in experiments for row in one.rows]
    head = ["experiment", *(f.name for f in dataclasses.fields(Row))]
    lines = ([name, *(_plain(value) for value in dataclasses.astuple(row))] for name, row in rows)
    replace_text(out / CSV, csv_text([head, *lines]))
    found = [
        {"experiment": name, **{k: _plain(v) for k, v in dataclasses.asdict(row).items()}}
        for name, row in rows
    ]
    document = {"rows": found, "not simulated": [dataclasses.asdict(one) for one in missing]}
    replace_text(out / JSON, json.dumps(document, indent=1) + "\n")
    replace_text(out / HTML, standalone_page(markdown(experiments, missing), out))


def _plain(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_docs(experiments: Sequence[Experiment], missing: Sequence[Missing], out: Path, docs: Path) -> Path:
    """Write docs/papers.md, copy the pictures of `out` that it shows, and return its path."""
    place = docs / PICTURES
    place.mkdir(parents=True, exist_ok=True)
    for name in (name for one in experiments for _, name in pictures(one)):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(out / name, place / name)
    replace_text(docs / PAGE, markdown(experiments, missing, PICTURES))
    return docs / PAGE


def pictures(one: Experiment) -> list[tuple[str, str]]:
    """Return title and file name of an experiment's pictures."""
    return [(plot.title, f"{plot.name}.png") for plot in one.plots] + [
        (one.name, name) for name in one.pictures
    ]


def markdown(experiments: Sequence[Experiment], missing: Sequence[Missing], folder: Path = Path()) -> str:
    """Return the report as Markdown, its pictures in `folder`."""
    return "\n".join(_lines(experiments, missing, folder)) + "\n"


def _lines(experiments: Sequence[Experiment], missing: Sequence[Missing], folder: Path) -> Iterator[str]:
    yield "# The experiments of the papers\n"
    yield (
        "On this page you can compare each measured number of the two papers with the simulated one. You can also see "
        f"which numbers the program predicts.\n\n"
        f"`phasefield report papers` wrote this page on {date.today().isoformat()}. It reuses stored runs of the same "
        f"cases. {PAPERS}\n"
    )
    yield f"The column *what it is* states how the simulated number depends on the measured one:\n\n{KINDS}"
    for one in experiments:
        yield f"\n## {one.name}\n"
        yield f"{one.done}"
        if one.rows:
            yield ""
            yield from _table(
                ("electrolyte", "quantity", "measured", "simulated", "unit", "off", "what it is", "source"),
                (
                    (row.electrolyte, row.quantity, row.measured, simulated(row), row.unit, off(row), what(row),
                     row.where)
                    for row in one.rows
                ),
            )  # fmt: skip
        notes = [f"{row.electrolyte}, {row.quantity}: {row.says}." for row in one.rows if row.says]
        if notes:
            yield "\n" + "\n".join(f"- {note}" for note in notes)
        if one.shows:
            yield f"\n{one.shows}"
        for title, name in pictures(one):
            yield f"\n![{title}]({(folder / name).as_posix()})"
    if missing:
        yield "\n## Measured, not simulated\n"
        yield from _table(
            ("electrolyte", "quantity", "measured", "source", "why"),
            ((one.electrolyte, one.quantity, one.measured, one.where, one.why) for one in missing),
        )


def _table(heads: Sequence[str], rows: Iterator[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield "|---" * len(heads) + "|"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


def simulated(row: Row) -> str:
    """Return the simulated number, a dash where there is none."""
    return finite_number(row.simulated, DIGITS)


def off(row: Row) -> str:
    """Return how far the simulated number is from the stated one, in percent; a dash without one."""
    return f"{round(100.0 * row.off, 1) + 0.0:+.1f} %" if math.isfinite(row.off) else "-"


def what(row: Row) -> str:
    """Return how the number depends on the measured one, and by which key."""
    return f"{row.kind}: `{row.by}`" if row.by else row.kind


def standalone_page(text: str, folder: Path) -> str:
    """Return a page of its own: the Markdown with the pictures of `folder` in it."""
    from markdown_it import MarkdownIt

    def inline(match: re.Match[str]) -> str:
        data = base64.b64encode((folder / match[1]).read_bytes()).decode("ascii")
        return f'src="data:image/png;base64,{data}"'

    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    return fill_template("phasefield.validation", HTML, body=Markup(_IMAGE.sub(inline, body)))
