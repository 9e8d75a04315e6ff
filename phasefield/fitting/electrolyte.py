"""The electrolyte that a fit has found, as a file that a case extends."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from phasefield.case import Case
from phasefield.fitting.data import DataFile
from phasefield.fitting.identifiability import NOT
from phasefield.fitting.result import FitResult, FittedValue

TABLES = ("electrolyte", "kinetics", "lithium", "film", "cathode")
COUNTER = (
    ("counter.kinetics", "kinetics", "exchange_current_density"),
    ("counter.film", "film", "thickness"),
    ("counter.film", "film", "conductivity"),
)
DIGITS = 16  # of a SHA-256 in a source; fit.json has all


def electrolyte_text(title: str, files: Sequence[DataFile], case: Case) -> str:
    """Return the electrolyte of a case as TOML: the fitted values with their sources, and what the base says."""
    tables = _tables(case)
    experiment = "cycling" if case.cathode is None else "lfp-rates"
    lines = [
        f"# {title}: fitted to {', '.join(one.name for one in files)}",
        "# Its values go together. `assumed`: the data do not determine it; fit.json says why, and what would.",
        f"# Lay an experiment over it: extends = [\"electrolyte.toml\", \"experiments/{experiment}.toml\"]",
    ]
    temperature = re.search(r"^temperature = .*$", case.resolved_toml(), re.MULTILINE)
    if temperature:
        lines += ["", temperature[0]]
    return "\n".join(lines) + "\n\n" + "\n\n".join(tables[name] for name in tables) + "\n"


def flat_overrides(result: FitResult) -> list[str]:
    """Return the best values of the flat cell as overrides of the base, each with its source and status."""
    files = [one.file for one in result.data]
    said = [said_of(one, files) for one in result.estimates]
    return result.forward.overrides([one.interval.best for one in result.estimates], said)


def said_of(one: FittedValue, files: Sequence[DataFile]) -> str:
    """Return source and status of a fitted value as TOML."""
    names = "; ".join(f"{file.name} sha256 {file.digest[:DIGITS]}" for file in files)
    words = f"fit, {one.verdict.word}, 90 % interval {one.interval.shown}, of {names}"
    status = "assumed" if one.verdict.word == NOT else "calibrated"
    return f', source = {json.dumps(words)}, status = "{status}"'


def _tables(case: Case) -> dict[str, str]:
    """Return the tables of an electrolyte out of the resolved text of a case, by name."""
    apart = {table for table, own, key in COUNTER if _differs(case, own, key)}
    found = {}
    for part in re.split(r"\n(?=\[)", case.resolved_toml()):
        head = re.match(r"\[([\w.]+)\]", part)
        name = head[1] if head else ""
        if name.split(".")[0] in TABLES or name in apart:
            found[name] = part.strip()
    return found


def _differs(case: Case, own: str, key: str) -> bool:
    return bool(getattr(getattr(case.counter, own), key) != getattr(getattr(case, own), key))
