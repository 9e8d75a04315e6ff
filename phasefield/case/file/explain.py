"""The most telling of the errors that validation found, as one line."""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

from pydantic import ValidationError

from phasefield import cases, units
from phasefield.case.file.keys import remedy, schema, table_head
from phasefield.case.file.source import Key, Source, dotted, parse_key
from phasefield.errors import CaseError

SPARED_BY: dict[Key, tuple[str, ...]] = {
    ("film", "conductivity"): ("resistance",),
    ("surface", "height"): ("substrate",),
    ("contact", "viscosity"): ("modulus", "relaxation_time"),
}
"""Keys that may be missing, and the keys of their table that spare them."""

EXTENDING = ("extends", "base", "inherits", "include")
"""Names under which other programs' files name the file that they are laid over."""


def raise_case_error(source: Source, error: ValidationError) -> NoReturn:
    """Raise the most telling of pydantic's errors as a CaseError: unknown keys first, missing ones last."""
    order = {"unknown_key": 0, "missing": 2}
    first = min(error.errors(include_url=False), key=lambda item: order.get(item["type"], 1))
    key: Key = tuple(part for part in first["loc"] if part not in ("<word>", "<table>"))
    kind, context = first["type"], first.get("ctx", {})
    if "key" in context:
        key += parse_key(context["key"]) if kind == "case" else (context["key"],)
    if kind == "unknown_key":
        text = str(context["text"])
        if not context["close"]:
            elsewhere = [path for path, name, _ in schema() if name == key[-1]]
            text = f"unknown key; '{key[-1]}' stands in {table_head(elsewhere[0])}" if elsewhere else text
        if len(key) == 1 and get_close_matches(str(key[0]), EXTENDING, n=1):
            text = "unknown key; give the file that this one is laid over as 'extends'"
        source.fail(key, text)
    if kind == "case" and str(context["text"]).startswith("missing"):
        _refuse_cleared(source, key)
    if kind in ("case", "quantity"):
        source.fail(key, str(context["text"]))
    if kind == "missing":
        _refuse_part(source)
        source.fail(key, f"missing; add {remedy(key)}")
    came = units.came(first["input"])
    if kind == "literal_error":
        choices = re.findall(r"'([^']*)'", context["expected"])
        close = get_close_matches(str(first["input"]), choices, n=1)
        source.fail(
            key,
            f"{came} is none of {', '.join(choices)}" + (f"; did you mean '{close[0]}'?" if close else ""),
        )
    limits = {
        "greater_than_equal": ("below", "ge"),
        "less_than_equal": ("above", "le"),
        "less_than": ("not below", "lt"),
        "greater_than": ("not above", "gt"),
    }
    if kind in limits:
        word, name = limits[kind]
        fit = {"lt": "below", "gt": "above", "le": "of at most", "ge": "of at least"}[name]
        source.fail(key, f"{came} is {word} {context[name]}; give a whole number {fit} {context[name]}")
    wants = {
        "int": "a whole number is needed, e.g. 1",
        "string": 'a text is needed, e.g. "periodic"',
        "tuple": "a list is needed",
        "model": "a table is needed",
        "dict": "a table is needed",
    }
    want = next((text for word, text in wants.items() if kind.startswith(word)), first["msg"])
    source.fail(key, f"{came} stands here; {want}: {remedy(key)}")


def _refuse_cleared(source: Source, key: Key) -> None:
    """Raise CaseError at the line whose "none" clears what would do without a missing key; else do nothing."""
    table: Any = source.tree
    for part in key[:-1]:
        table = table.get(part) if isinstance(table, dict) else None
    for name in SPARED_BY.get(key, ()) if isinstance(table, dict) else ():
        if table.get(name) == "none":
            cleared, needed = dotted((*key[:-1], name)), dotted(key)
            source.fail(
                (*key[:-1], name),
                f'"none" clears what a base states, and {needed} is not there in its place; give {cleared} a value, '
                f"add {needed}, or remove this line",
            )


def _refuse_part(source: Source) -> None:
    """Raise CaseError for a file that is a part of a case, such as an electrolyte: it says what makes it a case."""
    path, there = Path(source.top), {*source.tree}
    if "electrolyte" in there and not there & {"grid", "protocol", "cathode"}:
        what, rest = "an electrolyte", "an experiment over it"
        used: tuple[str, ...] = (path.name, "experiments/cycling.toml")
    elif "electrolyte" not in there and "cathode" in there and not there & {"grid", "protocol"}:
        what, rest = "a cathode", "it over an electrolyte, and an experiment over both"
        used = ("electrolytes/pllz.toml", path.name, "experiments/lfp-rates.toml")
    elif "electrolyte" not in there and there & {"grid", "protocol"}:
        what, rest = "an experiment", "it over an electrolyte"
        used = ("electrolytes/pllz.toml", path.name)
    else:
        return
    base = cases.base_of(path)
    lines = f"title = \"...\" and {cases.extending(base.extends if base is not None else used)}"
    name = base.name if base is not None else source.top
    raise CaseError(
        name, None, "", f"is {what}, not a case; lay {rest}: a file with the two lines {lines}; `phasefield cases` "
        "lists what can be combined"
    ) from None
