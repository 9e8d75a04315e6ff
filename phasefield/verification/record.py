"""Output of `phasefield verify`: verification.json, verification.csv, and docs/verification.md made from them.

The JSON keeps the last outcome of each check, so that a part of the checks can be repeated by itself.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from phasefield.files.atomic import read_plain, replace_text
from phasefield.text.escape import csv_text
from phasefield.text.formatting import finite_number
from phasefield.verification.registry import CheckOutcome
from phasefield.verification.row import Check, CheckRow

JSON, CSV, PAGE = "verification.json", "verification.csv", "verification.md"
DIGITS = 5  # of a number in the table
BROKEN = "mutations.json"  # written by tests/mutations/run.py of the source tree
PICTURES = Path("images") / "verification"  # in the folder of the docs
HEADS = ("check", "what", "against", "expected", "measured", "unit", "error", "tolerance", "passed")

Entries = dict[str, dict[str, Any]]


def entry_of(outcome: CheckOutcome, cores: int, day: str | None = None) -> dict[str, Any]:
    """Return the outcome of a check as it is stored; numbers that are not finite become null."""
    rows = [
        {
            "what": row.what,
            "against": row.against,
            "expected": _finite(row.expected),
            "measured": _finite(row.measured),
            "unit": row.unit,
            "error": _finite(row.error),
            "tolerance": float(row.tolerance),
            "relative": row.relative,
            "passed": bool(row.passed),
            "why": row.why,
        }
        for row in outcome.result.rows
    ]
    plots = [{"name": plot.name, "title": plot.title} for plot in outcome.result.plots]
    return {
        "rows": rows,
        "plots": plots,
        "full": outcome.full,
        "seconds": round(outcome.seconds, 1),
        "date": day or date.today().isoformat(),
        "cores": cores,
    }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def read_entries(folder: Path, name: str = JSON) -> Entries:
    """Return what earlier calls left in the folder, by the names of the checks; nothing if it cannot be read."""
    try:
        found = json.loads(read_plain(folder / name))
    except (OSError, ValueError, RecursionError):
        return {}
    return dict(found) if isinstance(found, dict) else {}


def write_entries(folder: Path, entries: Entries) -> None:
    """Write the JSON and the table."""
    folder.mkdir(parents=True, exist_ok=True)
    replace_text(folder / JSON, json.dumps(entries, indent=1) + "\n")
    lines = [[name, *(row[head] for head in HEADS[1:])] for name, entry in entries.items() for row in entry["rows"]]
    replace_text(folder / CSV, csv_text([HEADS, *lines]))


def allowed(value: float | None, relative: bool, unit: str) -> str:
    """Return an error or a tolerance: in percent if it is relative, else with its unit."""
    if value is None or not math.isfinite(value):
        return "-"
    return f"{100.0 * value:.2g} %" if relative else f"{value:.2g} {unit}".strip()


def texts(row: Mapping[str, Any] | CheckRow) -> list[str]:
    """Return a row as the table says it: what, against, expected, measured, error, tolerance."""
    get = row.get if isinstance(row, Mapping) else lambda name: getattr(row, name)
    unit, relative = str(get("unit")), bool(get("relative"))
    measured = " ".join(part for part in (finite_number(get("measured"), DIGITS), unit) if part)
    return [
        str(get("what")),
        str(get("against")),
        finite_number(get("expected"), DIGITS),
        measured,
        allowed(get("error"), relative, unit),
        allowed(get("tolerance"), relative, unit),
    ]


def write_page(docs: Path, pictures: Path, every: Sequence[Check], entries: Entries) -> Path:
    """Write docs/verification.md from the entries, in the order of the checks, copy their figures; return its path."""
    known = [check for check in every if check.name in entries]
    place = docs / PICTURES
    place.mkdir(parents=True, exist_ok=True)
    for check in known:
        for plot in entries[check.name]["plots"]:
            shutil.copyfile(pictures / f"{plot['name']}.png", place / f"{plot['name']}.png")
    lines = [*_page(known, entries), *_broken(read_entries(pictures, BROKEN))]
    replace_text(docs / PAGE, "\n".join(lines) + "\n")
    return docs / PAGE


def _page(known: Sequence[Check], entries: Entries) -> Iterable[str]:
    rows = [row for check in known for row in entries[check.name]["rows"]]
    passed = sum(bool(row["passed"]) for row in rows)
    yield "# Verification\n"
    yield "On this page you can read how far the program agrees with closed forms, independent codes and"
    yield "published runs. You can also read the reason of each tolerance.\n"
    yield "`phasefield verify --docs` writes this page; do not edit it. `phasefield verify` repeats the fast set"
    yield "of checks, `phasefield verify --full` all of them. `phasefield verify --list` lists the checks."
    yield "Symbols are those of [theory](theory.md).\n"
    yield f"**{passed} of {len(rows)} rows passed.** The figures show theory as lines and results as marks."
    section = ""
    for check in known:
        entry = entries[check.name]
        if check.section != section:
            section = check.section
            yield f"\n## {section}"
        yield f"\n### {check.name}\n"
        yield f"{check.says}\n"
        kind = "full" if entry["full"] else "fast"
        yield f"{entry['date']}, {kind} set, {entry['cores']} cores, {entry['seconds']:.3g} s.\n"
        yield "| what | against | expected | measured | error | tolerance | passed |"
        yield "|---|---|---|---|---|---|---|"
        for row in entry["rows"]:
            cells = [text.replace("|", "\\|") for text in texts(row)]
            yield f"| {' | '.join(cells)} | {'yes' if row['passed'] else '**no**'} |"
        yield "\nReasons of the tolerances:\n"
        for why, of in _reasons(entry["rows"]).items():
            yield f"- {why}" if len(of) == len(entry["rows"]) else f"- {why}\n  > Rows: {'; '.join(of)}"
        for plot in entry["plots"]:
            yield f"\n![{plot['title']}]({(PICTURES / (plot['name'] + '.png')).as_posix()})"


def _broken(mutations: Entries) -> Iterable[str]:
    """The lines on what was broken on purpose."""
    if not mutations:
        return
    caught = sum(bool(entry["caught"]) for entry in mutations.values())
    yield "\n## Broken on purpose\n"
    yield "A check that cannot fail proves nothing. `python tests/mutations/run.py` breaks one term at a time,"
    yield f"in memory, and runs the check of that term. **{caught} of {len(mutations)} were noticed.** Last runs:"
    yield f"{', '.join(sorted({entry['date'] for entry in mutations.values()}))}.\n"
    yield "| broken | in | noticed by | noticed | first words of the message |"
    yield "|---|---|---|---|---|"
    for name, entry in mutations.items():
        said = entry["said"].replace("|", "\\|")
        noticed = "yes" if entry["caught"] else "**no**"
        yield f"| {name} | {entry['file']} | {entry['check']} | {noticed} | {said} |"


def _reasons(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return the reasons, each with the rows that it is for."""
    reasons: dict[str, list[str]] = {}
    for row in rows:
        reasons.setdefault(row["why"], []).append(row["what"])
    return reasons
