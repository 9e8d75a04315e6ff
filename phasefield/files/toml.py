"""TOML of strangers: read in a time that grows with its length."""

from __future__ import annotations

import re
import tomllib
from typing import Any

DEEPEST = 32  # tables and lists inside one another, and parts of a dotted key
_DOTTED = re.compile(r"[\w\"' \t.-]+")


def deep_key(text: str) -> int | None:
    """Return where a dotted key of more than DEEPEST parts stands: tomllib's time grows with their square."""
    for run in _DOTTED.finditer(text):
        length = 0
        for part in run.group().split(".") if run.group().count(".") >= DEEPEST else ():
            length = length + 1 if part.strip() else 0
            if length > DEEPEST:
                return run.start()
    return None


def tables_of(text: str) -> dict[str, Any]:
    """Return the tables of a TOML text. Raises ValueError if it is none, or too deep."""
    if deep_key(text) is not None:
        raise ValueError(f"a key of more than {DEEPEST} parts")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("tables or lists are nested too deeply") from None
