"""Overrides: texts `key=value`, laid over the tables of a case file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from phasefield.case.file.limits import LONGEST_OVERRIDE
from phasefield.case.file.source import Origin, Source, dotted, parse_key
from phasefield.case.file.toml import outsize
from phasefield.errors import CaseError, shown
from phasefield.files.toml import DEEPEST, tables_of


def apply_override(source: Source, text: str) -> None:
    """Lay `key=value` over the tables."""
    file = f"-s {shown(text, 80)[1:-1]}"
    name, equals, value_text = text.partition("=")
    parts = tuple(part.strip() if isinstance(part, str) else part for part in parse_key(name.strip()))
    clean = (
        dotted(parts) == re.sub(r"\s*\.\s*", ".", name.strip()) and bool(parts) and isinstance(parts[0], str)
    )
    if (
        not equals
        or not clean
        or len(text) > LONGEST_OVERRIDE
        or not value_text.strip()
        or len(parts) > DEEPEST
    ):
        raise CaseError(
            file, None, "", 'an override is key=value, e.g. -s protocol.repeat=2 or -s film.patches="none"'
        )
    if parts == ("extends",):
        raise CaseError(
            file, None, "extends", "bases cannot be changed by an override; write a case file that extends"
        )
    value = _value_of(value_text)
    node: Any = source.tree
    for k, part in enumerate(parts[:-1]):
        if isinstance(part, str) and isinstance(node, dict) and part not in node:
            node[part] = {}
        elif not _holds(node, part):
            raise CaseError(
                file,
                None,
                dotted(parts),
                f"'{dotted(parts[: k + 1])}' is not there; set the table or list itself",
            )
        node = node[part]
    last = parts[-1]
    if isinstance(last, int):
        if not _holds(node, last):
            raise CaseError(file, None, dotted(parts), f"there is no entry [{last}]; counting begins at 0")
    elif not isinstance(node, dict):
        raise CaseError(file, None, dotted(parts), f"'{dotted(parts[:-1])}' is no table; set it itself")
    elif last == "value":
        node.clear()
    source.forget(node[last] if _holds(node, last) else None, parts)
    if (
        isinstance(value, dict)
        and "value" not in value
        and isinstance(node, dict)
        and isinstance(node.get(last), dict)
    ):
        node[last] = {**node[last], **value}
    else:
        node[last] = value
    source.origins[parts] = Origin(file, None, Path.cwd())
    if isinstance(node, dict):
        source.replace_alternative(node, parts)


def _value_of(text: str) -> Any:
    """Return the TOML value of a text; what is none is a text itself."""
    try:
        if "\n" in text:
            raise ValueError
        value = tables_of(f"value = {text}")["value"]
        if outsize({"value": value}) is not None:
            raise ValueError
    except ValueError:
        return text.strip()
    return value


def _holds(node: Any, part: str | int) -> bool:
    if isinstance(part, int):
        return isinstance(node, list) and part < len(node)
    return isinstance(node, dict) and part in node
