"""A TOML file of the user that is no case, such as a study: its tables, and errors that name file, line and key."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

from phasefield.case.file.lines import key_lines
from phasefield.case.file.toml import parse, read_text
from phasefield.errors import CaseError, shown


class TableReader:
    """The tables of a file, and where each key stands."""

    def __init__(self, path: Path) -> None:
        """Read the file. Raises CaseError if it cannot be read, or is no TOML."""
        self.path, self.file = path, str(path)
        self.text = read_text(self.file, path)
        self.tree = parse(self.file, self.text)
        self.lines = key_lines(self.text)

    def fail(self, key: tuple[str | int, ...], message: str) -> NoReturn:
        """Raise the error about a key, at its own line or that of the table that it misses from."""
        line = next((self.lines[key[:n]] for n in range(len(key), 0, -1) if key[:n] in self.lines), 1)
        name = ".".join(f'"{part}"' if isinstance(part, str) and "." in part else str(part) for part in key)
        raise CaseError(self.file, line, name, message)

    def known(self, table: Mapping[str, Any], names: tuple[str, ...], key: tuple[str | int, ...] = ()) -> None:
        """Refuse keys of a table that are none of `names`."""
        for name in table:
            if name not in names:
                close = get_close_matches(name, names, n=1)
                hint = f"did you mean '{close[0]}'?" if close else f"known are {', '.join(names)}"
                self.fail((*key, name), f"unknown key; {hint}")

    def table(self, name: str) -> dict[str, Any]:
        """Return a table of the file, empty if it is not there."""
        value = self.tree.get(name, {})
        if not isinstance(value, dict):
            self.fail((name,), f"{shown(value)} stands here; a table [{name}] is needed")
        return value

    def whole(self, value: Any, key: tuple[str | int, ...], least: int, most: int) -> int:
        """Return a value that must be a whole number between two bounds."""
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            self.fail(key, f"{shown(value)} stands here; a whole number from {least} to {most} is needed")
        return value
