"""The text of a case file and the tables that TOML makes of it."""

from __future__ import annotations

import re
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from phasefield.case.file.limits import LONGEST_FILE, MOST_KEYS
from phasefield.case.file.lines import key_lines
from phasefield.case.file.source import Key, Table, dotted
from phasefield.errors import CaseError
from phasefield.files.atomic import read_start
from phasefield.files.toml import DEEPEST, deep_key


def read_text(file: str, path: Path) -> str:
    """Return the text of a case file, or say why it cannot be read."""
    try:
        if not path.exists():
            known = [str(near) for near in path.parent.glob("*.toml")] if path.parent.is_dir() else []
            close = get_close_matches(str(path), known, n=1)
            hint = f"did you mean '{close[0]}'?" if close else "`phasefield cases` lists the shipped cases"
            raise CaseError(file, None, "", f"no such file; {hint}")
        if not path.is_file():
            what = "a folder" if path.is_dir() else "no regular file"
            raise CaseError(
                file, None, "", f"is {what}; give a case file, e.g. {path.name or 'case'}/case.toml"
            )
        data = read_start(path, LONGEST_FILE + 1)
        if len(data) > LONGEST_FILE:
            raise CaseError(file, None, "", f"is larger than {LONGEST_FILE // 1000} kB; that is no case file")
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise CaseError(
            file, None, "", f"cannot be read ({reason}); check the name and the permissions"
        ) from None
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise CaseError(file, line, "", "is not UTF-8 text; save the file as UTF-8") from None


def parse(file: str, text: str) -> Table:
    """Return the tables of a TOML text."""
    deep = deep_key(text)
    if deep is not None:
        raise CaseError(
            file, text.count("\n", 0, deep) + 1, "", f"a key of more than {DEEPEST} parts; shorten it"
        )
    try:
        tree = tomllib.loads(text)
    except RecursionError:
        raise CaseError(
            file, 1, "", "lists or tables are nested too deeply; a case needs at most 4 levels"
        ) from None
    except ValueError as error:  # TOMLDecodeError, or an integer of thousands of digits
        message = str(error)
        place = re.search(r" \(at (?:line ([0-9]+), column [0-9]+|end of document)\)", message)
        lines = text.split("\n")
        line = int(place[1]) if place and place[1] else (len(lines) if place else 1)
        if "digits" in message:
            longest = (max(map(len, re.findall(r"[0-9_]+", row)), default=0) for row in lines)
            line = next((k for k, digits in enumerate(longest, 1) if digits >= 4000), 1)
            raise CaseError(
                file, line, "", "an integer of thousands of digits; write it as 1e9 or shorten it"
            ) from None
        name = re.match(r"\s*([\w.-]{1,60})\s*=", lines[line - 1])
        reason = message[: place.start()] if place else message
        hint = (
            "the same key or table stands twice; keep one"
            if re.search("overwrite|twice|mutate|redefine", reason)
            else 'texts and values with units stand in quotes: key = "1 um"'
        )
        raise CaseError(file, line, name[1] if name else "", f"not valid TOML: {reason}; {hint}") from None
    found = outsize(tree)
    if found is not None:
        key, what = found
        raise CaseError(file, key_lines(text).get(key, 1), dotted(key), what)
    return tree


def outsize(tree: Table) -> tuple[Key, str] | None:
    """Return the key at which tables are too deep or many, or a text has a NUL, and what to do; None if all is well."""
    count = 0
    todo: list[tuple[Key, Any]] = [((), tree)]
    while todo:
        key, node = todo.pop()
        if len(key) >= DEEPEST:
            return key[:4], "lists or tables are nested too deeply; a case needs at most 4 levels"
        count += len(node)
        if count > MOST_KEYS:
            return key, f"more than {MOST_KEYS} keys and list entries come with this one; shorten the file"
        pairs = list(node.items() if isinstance(node, dict) else enumerate(node))
        for part, item in pairs:
            if isinstance(item, str) and "\0" in item:  # no file of results can hold it
                return (*key, part), "holds a NUL character; leave it out"
        todo += [((*key, part), item) for part, item in pairs if isinstance(item, dict | list)]
    return None
