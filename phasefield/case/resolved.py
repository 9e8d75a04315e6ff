"""A case as one file: every value in SI with its unit, its source and its status."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from phasefield import units
from phasefield.case.provenance import Provenance
from phasefield.case.record import Record
from phasefield.units import Measure

_PLACE = re.compile(r"\[[0-9]+\]")


def resolved_toml(record: Record, sources: Mapping[str, Provenance]) -> str:
    """Return a record and its tables as TOML; `sources` by dotted key."""
    lines: list[str] = []
    _write_table(lines, record, "", sources)
    return "\n".join(lines).lstrip("\n") + "\n"


def _write_table(lines: list[str], record: Record, path: str, sources: Mapping[str, Provenance]) -> None:
    """Append the lines of a record: its values, then its tables; nothing for what is absent."""
    below = f"{path}." if path else ""
    fields = type(record).model_fields
    values = {name: getattr(record, name) for name in fields}
    for name, value in values.items():
        if value is None:
            if any(isinstance(m, Measure) and m.never for m in fields[name].metadata):
                lines.append(f'{name} = "none"')
        elif not isinstance(value, Record) and not _is_tables(value):
            measure = next((m for m in fields[name].metadata if isinstance(m, Measure)), None) or _measure_in(
                fields[name].annotation
            )
            lines.append(f"{name} = {_value_text(value, measure, sources.get(below + name))}")
    for name, value in values.items():
        if isinstance(value, Record):
            lines += ["", f"[{below}{name}]"]
            _write_table(lines, value, below + name, sources)
        elif _is_tables(value):
            for k, item in enumerate(value):
                lines += ["", f"[[{_PLACE.sub('', below)}{name}]]"]
                _write_table(lines, item, f"{below}{name}[{k}]", sources)


def _is_tables(value: Any) -> bool:
    return isinstance(value, tuple) and bool(value) and isinstance(value[0], Record)


def _measure_in(annotation: Any) -> Measure | None:
    """Return the Measure inside `tuple[Length, ...]`."""
    for part in getattr(annotation, "__args__", ()):
        for extra in getattr(part, "__metadata__", ()):
            if isinstance(extra, Measure):
                return extra
    return None


def _value_text(value: Any, measure: Measure | None, source: Provenance | None) -> str:
    """Return a value in TOML; as a table if its source, status or temperature is known."""
    if isinstance(value, tuple):
        text = "[" + ", ".join(_value_text(item, measure, None) for item in value) + "]"
    elif isinstance(value, str):
        text = _quoted(value)
    elif measure is not None and measure.kind.unit != "1":
        text = f'"{units.to_text(value, measure.kind)}"'
    else:
        text = repr(value)
    if source is None or (source.source, source.status, source.at) == (None, None, None):
        return text
    parts = [f"value = {text}"]
    if source.at is not None:
        parts.append(f'at = "{units.to_text(source.at, units.TEMPERATURE)}"')
    parts += [
        f"{name} = {_quoted(getattr(source, name))}"
        for name in ("source", "status")
        if getattr(source, name)
    ]
    return "{ " + ", ".join(parts) + " }"


def _quoted(text: str) -> str:
    """Return a TOML basic string."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
