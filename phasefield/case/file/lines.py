"""The line of each key of a TOML text."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from contextlib import suppress

from phasefield.case.file.source import Key

_STRING = re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'', re.DOTALL)
_SKIP = re.compile(r"(?:[ \t\r\n,]|#[^\n]*)*")
_NAME = re.compile(r"[\w-]+")
_DOTS = re.compile(r"[ \t.]*")
_BARE = re.compile(r"[^\s,\]}#][^,\]}#\n]*")


def key_lines(text: str) -> dict[Key, int]:
    """Return the line of each key, list entry and table of a TOML text that tomllib has accepted."""
    scanner = _Scanner(text)
    with suppress(IndexError, ValueError, RecursionError):  # a line is then missing in an error text, no more
        scanner.read_text()
    return scanner.lines


class _Scanner:
    """Goes through a TOML text from key to key; `lines`: the line of each key so far, at its first character."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0  # position of the next character
        self.lines: dict[Key, int] = {}
        self._starts = [0] + [match.end() for match in re.finditer("\n", text)]
        self._entries: dict[Key, int] = {}  # the last entry of each [[table]]

    def read_text(self) -> None:
        """Read the whole text: tables, and pairs in the table that is open."""
        table: Key = ()
        self._skip()
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                table = self._read_header()
            else:
                self._read_pair(table)
            self._skip()

    def _read_header(self) -> Key:
        """Read [table] or [[table]] and return its key, with the entry's number after each name that has entries."""
        double = self.text.startswith("[[", self.at)
        start = self.at
        self.at += 2 if double else 1
        name, end = self._read_key(), self.at
        self.at = start
        table: Key = ()
        for k, part in enumerate(name):
            table = (*table, part)
            if double and k == len(name) - 1:
                self._entries[table] = self._entries.get(table, -1) + 1
                self._note(table)
            if table in self._entries:
                table = (*table, self._entries[table])
        self._note(table)
        self.at = self.text.index("]", end) + (2 if double else 1)
        return table

    def _read_pair(self, table: Key) -> None:
        """Read `key = value` in a table."""
        start, key = self.at, (*table, *self._read_key())
        end, self.at = self.at, start
        self._note(key)
        self.at = self.text.index("=", end) + 1
        self._read_value(key)

    def _read_key(self) -> Key:
        """Read a key with its dots; without one, return ()."""
        parts: list[str | int] = []
        while True:
            self._pass(_DOTS)
            match = _STRING.match(self.text, self.at) or _NAME.match(self.text, self.at)
            if match is None:
                return tuple(parts)
            word = match.group()
            parts.append(tomllib.loads(f"value = {word}")["value"] if word[0] in "\"'" else word)
            self.at = match.end()

    def _read_value(self, key: Key) -> None:
        """Read the value of a key: a list or an inline table with all keys in it, or one value."""
        self._skip()
        if self.text[self.at] == "[":
            self._read_list(key)
        elif self.text[self.at] == "{":
            self._read_inline_table(key)
        else:
            match = _STRING.match(self.text, self.at) or _BARE.match(self.text, self.at)
            self.at = match.end() if match else self.at + 1

    def _read_list(self, key: Key) -> None:
        self.at += 1
        index = 0
        self._skip()
        while self.text[self.at] != "]":
            self._note((*key, index))
            self._read_value((*key, index))
            index += 1
            self._skip()
        self.at += 1

    def _read_inline_table(self, key: Key) -> None:
        self.at += 1
        self._skip()
        while self.text[self.at] != "}":
            self._read_pair(key)
            self._skip()
        self.at += 1

    def _note(self, key: Key) -> None:
        """Keep the line of a key, and of the tables that it opens: [a.b] and a.b = 1 also open a."""
        line = bisect_right(self._starts, self.at)
        for n in range(len(key), 0, -1):
            if key[:n] in self.lines:
                return  # and with it all that it stands in
            self.lines[key[:n]] = line

    def _skip(self) -> None:
        """Pass over spaces, line ends, commas and comments."""
        self._pass(_SKIP)

    def _pass(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self.text, self.at)
        self.at = match.end() if match else self.at
