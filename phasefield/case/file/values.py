"""Values and what is said beside them: source, status and temperature."""

from __future__ import annotations

import os
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from phasefield import units
from phasefield.case import Provenance
from phasefield.case.file.source import Key, Source, Table, dotted
from phasefield.errors import shown
from phasefield.units import UnitError, to_si

STATUSES = ("measured", "derived", "assumed", "calibrated")
VALUE_KEYS = ("value", "at", "source", "status")


def unwrap(source: Source, node: Any, key: Key, found: dict[str, Provenance]) -> Any:
    """Return plain values (lists as tuples) and note in `found` what is said about each."""
    if isinstance(node, dict) and key and "value" in node:
        found[dotted(key)] = _provenance(source, node, key)
        inner = node["value"]
        if isinstance(inner, dict):
            source.fail((*key, "value"), 'a table stands here; write the value itself, e.g. value = "1 um"')
        return unwrap(source, inner, (*key, "value"), {})
    if isinstance(node, dict):
        if key and set(node) & {"source", "status", "at"}:
            source.fail(
                key,
                'a table with a source or status needs `value`, e.g. { value = "1 um", status = "assumed" }',
            )
        return {name: unwrap(source, item, (*key, name), found) for name, item in node.items()}
    if isinstance(node, list):
        return tuple(unwrap(source, item, (*key, k), found) for k, item in enumerate(node))
    found[dotted(key)] = Provenance(value_text=shown(node, 200).strip("'"))
    return node


def _provenance(source: Source, node: Table, key: Key) -> Provenance:
    """Return what a value table says about its value."""
    for name in node:
        if name not in VALUE_KEYS:
            close = get_close_matches(name, VALUE_KEYS, n=1)
            hint = f"did you mean '{close[0]}'?" if close else f"a value takes {', '.join(VALUE_KEYS)}"
            source.fail((*key, name), f"unknown key; {hint}")
    status = node.get("status")
    if status is not None and status not in STATUSES:
        source.fail((*key, "status"), f"{shown(status)} is no status; give one of {', '.join(STATUSES)}")
    if not isinstance(node.get("source", ""), str):
        source.fail(
            (*key, "source"),
            f'{shown(node["source"])} stands here; a text is needed, e.g. "Zhang 2025, Fig. 3a"',
        )
    at = node.get("at")
    if at is not None:
        try:
            if not isinstance(at, str):
                raise UnitError(f"{shown(at)} has no unit; {units.wanted(units.TEMPERATURE)}")
            at = to_si(at, units.TEMPERATURE)
        except UnitError as error:
            source.fail((*key, "at"), str(error))
        if not 100 <= at <= 1000:
            source.fail((*key, "at"), f"{shown(node['at'])} is outside 100 to 1000 K; check the unit")
    return Provenance(shown(node["value"], 200).strip("'"), node.get("source"), status, at)


def place_file(source: Source, tree: Table) -> None:
    """Make `surface.file` absolute, from the folder of the file that names it."""
    surface = tree.get("surface")
    name = surface.get("file") if isinstance(surface, dict) else None
    if not isinstance(surface, dict) or not isinstance(name, str) or name == "none":
        return
    key: Key = ("surface", "file")
    if not name or not name.isprintable() or len(name) > 1000:
        source.fail(key, f"{shown(name)} is no file name; give a height map")
    origin = next((source.origins[key[:n]] for n in (2, 1) if key[:n] in source.origins), None)
    surface["file"] = os.path.abspath((origin.folder if origin else Path.cwd()) / name)
