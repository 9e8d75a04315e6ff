"""The electrolyte that a fit has found, as a file that a case extends."""

from __future__ import annotations

import json
import re

from phasefield.case import Case
from phasefield.fitting.identifiability import NOT
from phasefield.fitting.result import FitResult, FittedValue

TABLES = ("electrolyte", "kinetics", "lithium", "film", "cathode")
COUNTER = (
    ("counter.kinetics", "kinetics", "exchange_current_density"),
    ("counter.film", "film", "thickness"),
    ("counter.film", "film", "conductivity"),
)
DIGITS = 16  # of a SHA-256 in a source; fit.json has all


def electrolyte_text(result: FitResult) -> str:
    """Return the electrolyte as TOML: the best values with their intervals and sources, and what the base says."""
    case = fitted_case(result)
    tables = _tables(case)
    experiment = "cycling" if case.cathode is None else "lfp-rates"
    lines = [
        f"# {result.fit.title}: fitted to {', '.join(one.file.name for one in result.data)}",
        "# Its values go together. `assumed`: the data do not determine it; fit.json says why, and what would.",
        f"# Lay an experiment over it: extends = [\"electrolyte.toml\", \"experiments/{experiment}.toml\"]",
    ]
    return "\n".join(lines) + "\n\n" + "\n\n".join(tables[name] for name in tables) + "\n"


def fitted_case(result: FitResult) -> Case:
    """Return the base with the best values, each with its source and status."""
    forward = result.forward
    said = [_said(one, result) for one in result.estimates]
    overrides = forward.overrides([one.interval.best for one in result.estimates], said)
    return forward.reader.case((*result.fit.overrides, *overrides))


def _said(one: FittedValue, result: FitResult) -> str:
    """Return source and status of a value as TOML."""
    files = "; ".join(f"{d.file.name} sha256 {d.file.digest[:DIGITS]}" for d in result.data)
    words = f"fit, {one.verdict.word}, 90 % interval {one.interval.shown}, of {files}"
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
