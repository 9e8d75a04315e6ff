"""A JSON schema of the case file: editors complete and check keys with it while a case is written."""

from __future__ import annotations

from typing import Any

from phasefield.case import Case
from phasefield.case.file.values import STATUSES

Node = dict[str, Any]

NONE = {"const": "none"}  # clears an optional key of a base
DRAFT = "http://json-schema.org/draft-07/schema#"


def json_schema() -> Node:
    """Return the schema of a case file, as JSON Schema draft 7.

    No key is required, because a base may give it. A value may stand by itself or in a table with its source.
    """
    schema = Case.model_json_schema()
    records = schema.pop("$defs")
    schema = _table(schema)
    text = {"type": "string"}
    schema["properties"]["extends"] = {
        "description": "a base file, or several; this file states what differs",
        "anyOf": [text, {"type": "array", "items": text}],
    }
    return {"$schema": DRAFT, **schema, "$defs": {name: _table(record) for name, record in records.items()}}


def _table(record: Node) -> Node:
    """Return the schema of a table whose keys may be absent and whose values may bear a source."""
    required = record.get("required", ())
    keys = {name: _key(entry, name not in required) for name, entry in record["properties"].items()}
    return {**{k: v for k, v in record.items() if k not in ("required", "title")}, "properties": keys}


def _key(entry: Node, optional: bool) -> Node:
    """Return what may stand for a key: the value, a table with value and source, or "none" if it is optional."""
    inner = {k: v for k, v in entry.items() if k not in ("title", "default", "description")}
    said = {k: entry[k] for k in ("description", "default") if entry.get(k) is not None}
    text = {"type": "string"}
    sourced = {
        "type": "object",
        "properties": {"value": inner, "at": text, "source": text, "status": {"enum": list(STATUSES)}},
        "required": ["value"],
        "additionalProperties": False,
    }
    if "$ref" in inner or inner.get("items", {}).get("$ref"):
        return {**said, "anyOf": [inner, NONE]} if optional else {**said, **inner}
    return {**said, "anyOf": [inner, sourced, *([NONE] if optional else [])]}
