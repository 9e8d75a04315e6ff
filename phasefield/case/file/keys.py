"""The keys that a case file may hold, as the records of a case say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, TypeVar, get_args

from pydantic import BaseModel

from phasefield.case import Case, Record
from phasefield.case.file.source import Key, dotted
from phasefield.case.quantities import OneOf
from phasefield.units import Measure

T = TypeVar("T")


def schema(record: type[Record] = Case, path: str = "") -> Iterator[tuple[str, str, Any]]:
    """Yield (path of the table, key, pydantic's field) for every key; `steps[]` marks a list of tables."""
    for name, entry in record.model_fields.items():
        yield path, name, entry
        for inner in _records(entry.annotation):
            if inner is record:  # a list of steps in a list of steps
                continue
            repeated = "[]" if str(entry.annotation).startswith("tuple") else ""
            yield from schema(inner, f"{path}.{name}{repeated}".lstrip("."))


def _general(key: str) -> str:
    """Return a dotted key as the schema has it: without places, and a step of a group as a step."""
    return re.sub(r"(\.steps\[\])+", ".steps[]", re.sub(r"\[[0-9]+\]", "[]", key))


def _records(annotation: Any) -> list[type[Record]]:
    """Return the record classes in an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation] if issubclass(annotation, Record) else []
    return [found for part in get_args(annotation) for found in _records(part)]


def table_head(path: str) -> str:
    """Return how the head of a table is written."""
    return f"[{path}]" if path and "[]" not in path else path.replace("[]", "[0]") or "the top of the file"


def remedy(key: Key) -> str:
    """Return what the key takes, from the schema."""
    path = _general(dotted(key))
    for table, name, entry in schema():
        full = f"{table}.{name}".lstrip(".")
        if path in (full, f"{full}[]"):
            example = _example(entry)
            return f"{name}, {entry.description}" + (f", e.g. {name} = {example}" if example else "")
    return "what the case reference says"


def measures_of(entry: Any) -> list[Measure]:
    """Return the measures of a field, its own or those inside its lists."""
    return _marks(entry, Measure)


def names_of(entry: Any) -> list[str]:
    """Return the names of a table from which a field, or each entry of its list, takes one."""
    return [name for one in _marks(entry, OneOf) for name in one.names]


def _marks(entry: Any, kind: type[T]) -> list[T]:
    """Return what an annotation says beside the types, of one kind."""

    def inside(annotation: Any) -> Iterator[T]:
        for extra in getattr(annotation, "__metadata__", ()):
            if isinstance(extra, kind):
                yield extra
        for part in get_args(annotation):
            yield from inside(part)

    return [extra for extra in entry.metadata if isinstance(extra, kind)] + list(inside(entry.annotation))


def _example(entry: Any) -> str:
    """Return how the value of a field is written."""
    measures = measures_of(entry)
    if not measures:
        return ""
    example = measures[0].kind.example
    text = example if measures[0].kind.unit == "1" else f'"{example}"'
    return f"[{text}, {text}]" if str(entry.annotation).startswith("tuple") else text


def key_measures(key: str) -> list[Measure] | None:
    """Return the measures of a dotted key such as protocol.steps[0].current; None if no case has such a key."""
    path = _general(key)
    for table, name, entry in schema():
        full = f"{table}.{name}".lstrip(".")
        if path in (full, f"{full}[]"):
            return measures_of(entry)
    return None


def nearest_key(key: str) -> str | None:
    """Return the key of a case that is most like a misspelt one."""
    path = _general(key)
    known = [f"{table}.{name}".lstrip(".") for table, name, _ in schema()]
    close = get_close_matches(path, known, n=1)
    return close[0].replace("[]", "[0]") if close else None
