"""The line of each key of a TOML text."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right

from phasefield.case.file.source import Key

_STRING = re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'', re.DOTALL)
_SKIP = re.compile(r"(?:[ \t\r\n,]|#[^\n]*)*")
_BARE = re.compile(r"[^\s,\]}#][^,\]}#\n]*")


def key_lines(text: str) -> dict[Key, int]:
    """Return the line of each key, list entry and table of a TOML text that tomllib has accepted."""
    starts = [0] + [match.end() for match in re.finditer("\n", text)]
    lines: dict[Key, int] = {}
    counts: dict[Key, int] = {}
    prefix: Key = ()
    at = 0

    def note(key: Key) -> None:
        for n in range(1, len(key) + 1):  # [a.b] and a.b = 1 also open a
            lines.setdefault(key[:n], bisect_right(starts, at))

    def skip() -> None:
        nonlocal at
        match = _SKIP.match(text, at)
        at = match.end() if match else at

    def read_key() -> Key:
        nonlocal at
        parts: list[str | int] = []
        while True:
            space = re.compile(r"[ \t.]*").match(text, at)
            at = space.end() if space else at
            match = _STRING.match(text, at) or re.compile(r"[\w-]+").match(text, at)
            if match is None:
                return tuple(parts)
            word = match.group()
            parts.append(tomllib.loads(f"value = {word}")["value"] if word[0] in "\"'" else word)
            at = match.end()

    def read_value(key: Key) -> None:
        nonlocal at
        skip()
        if text[at] in "[{":
            close = "]" if text[at] == "[" else "}"
            at += 1
            index = 0
            skip()
            while text[at] != close:
                if close == "]":
                    note((*key, index))
                    read_value((*key, index))
                    index += 1
                else:
                    read_pair(key)
                skip()
            at += 1
            return
        match = _STRING.match(text, at) or _BARE.match(text, at)
        at = match.end() if match else at + 1

    def read_pair(table: Key) -> None:
        nonlocal at
        start, key = at, (*table, *read_key())
        end, at = at, start
        note(key)
        at = text.index("=", end) + 1
        read_value(key)

    try:
        skip()
        while at < len(text):
            if text[at] != "[":
                read_pair(prefix)
            else:
                double = text.startswith("[[", at)
                start = at
                at += 2 if double else 1
                name, end = read_key(), at
                at, prefix = start, ()
                for k, part in enumerate(name):
                    prefix = (*prefix, part)
                    if double and k == len(name) - 1:
                        counts[prefix] = counts.get(prefix, -1) + 1
                        note(prefix)
                    if prefix in counts:
                        prefix = (*prefix, counts[prefix])
                note(prefix)
                at = text.index("]", end) + (2 if double else 1)
            skip()
    except (IndexError, ValueError, RecursionError):  # a line is then missing in an error text, no more
        pass
    return lines
