"""Merged tables, and beside each key the file and line where it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from phasefield.errors import CaseError

Key = tuple[str | int, ...]
Table = dict[str, Any]


INSTEAD: dict[Key, str] = {
    ("film", "conductivity"): "resistance",
    ("film", "resistance"): "conductivity",
}
"""Keys that say the same as another key of their table: the one laid last holds."""


@dataclass(frozen=True)
class Origin:
    """Where a key stands: the file as the user knows it, the line, and the folder of its relative paths."""

    file: str
    line: int | None
    folder: Path


@dataclass
class Source:
    """Merged tables and the origin of each key."""

    top: str
    tree: Table = field(default_factory=dict)
    origins: dict[Key, Origin] = field(default_factory=dict)

    def fail(self, key: Key, message: str) -> NoReturn:
        """Raise the error about `key`, at its own line or that of the table it misses from."""
        there = next((self.origins[key[:n]] for n in range(len(key), 0, -1) if key[:n] in self.origins), None)
        file, line = (there.file, there.line) if there else (self.top, 1)
        raise CaseError(file, line, dotted(key), message) from None

    def replace_alternative(self, table: Table, key: Key) -> None:
        """Drop from its table what says the same as `key`, which is laid over it."""
        other = INSTEAD.get(key)
        if other in table and table.get(str(key[-1])) != "none":
            self.forget(table.pop(other), (*key[:-1], other))

    def forget(self, value: Any, key: Key) -> None:
        """Drop the origins of `key` and of all keys inside its `value`."""
        for known in keys_inside(value, key):
            self.origins.pop(known, None)


def keys_inside(value: Any, key: Key) -> Iterator[Key]:
    """Yield `key` and the keys of everything inside its value."""
    yield key
    if isinstance(value, dict | list):
        for part, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from keys_inside(item, (*key, part))


def dotted(key: Key) -> str:
    """Return ('protocol', 'steps', 0, 'current') as protocol.steps[0].current."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in key).lstrip(".")


def parse_key(text: str) -> Key:
    """Return the parts of a dotted key, the inverse of `dotted`."""
    parts: list[str | int] = []
    for name, index in re.findall(r"([^.\[\]]+)|\[([0-9]{1,6})\]", text):
        parts.append(int(index) if index else name)
    return tuple(parts)
