"""Reading a case file: TOML, `extends`, overrides, sources, and errors that name file, line and key.

    case = read_case("pllz.toml", ["protocol.repeat=2", "film.patches=none"])

The file and its bases are merged as plain tables; beside each key its file and line are kept (`Origin`), so
that whatever is found wrong later can be pointed at.
"""

from __future__ import annotations

import os
import re
import tomllib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn, get_args

from pydantic import BaseModel, ValidationError

from phasefield import cases, units
from phasefield.case import Case, Provenance, Record
from phasefield.errors import CaseError, shown
from phasefield.units import Measure, UnitError, to_si

LONGEST_FILE = 500_000  # bytes
MOST_FILES = 32  # a case and its bases
DEEPEST = 32  # tables inside tables
LONGEST_OVERRIDE = 10_000  # characters
STATUSES = ("measured", "derived", "assumed", "calibrated")
VALUE_KEYS = ("value", "at", "source", "status")
_DOTTED = re.compile(r"[\w\"' \t.-]+")

Key = tuple[str | int, ...]
Table = dict[str, Any]


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


def dotted(key: Key) -> str:
    """Return ('protocol', 'steps', 0, 'current') as protocol.steps[0].current."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in key).lstrip(".")


def parse_key(text: str) -> Key:
    """Return the parts of a dotted key, the inverse of `dotted`."""
    parts: list[str | int] = []
    for name, index in re.findall(r"([^.\[\]]+)|\[([0-9]{1,6})\]", text):
        parts.append(int(index) if index else name)
    return tuple(parts)


def read_case(path: str | os.PathLike[str], overrides: Sequence[str] = ()) -> Case:
    """Read and validate a case file; raise CaseError, one line, at the first thing that is wrong.

    overrides: texts `key=value` with a dotted key (`protocol.steps[0].current`); the value in TOML, or bare.
    """
    name = os.fspath(path)
    source = Source(top=name)
    text = _load(source, Path(name), root=None, chain=(), count=[0])
    for override in overrides:
        _override(source, override)
    source.tree.pop("extends", None)
    provenance: dict[str, Provenance] = {}
    tree = _unwrap(source, source.tree, (), provenance)
    _place_heights(source, tree)
    try:
        case = Case.model_validate(tree, context={"file": True, "provenance": provenance})
    except ValidationError as error:
        _explain(source, tree, error)
    case._path = Path(name).absolute()
    case._text = text
    return case


# --- files -----------------------------------------------------------------------------------------------


def _read_text(file: str, path: Path) -> str:
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
        if path.stat().st_size > LONGEST_FILE:
            raise CaseError(file, None, "", f"is larger than {LONGEST_FILE // 1000} kB; that is no case file")
        data = path.read_bytes()
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


def _deep_key(text: str) -> int | None:
    """Return where a dotted key of more than DEEPEST parts stands: tomllib's time grows with their square."""
    for run in _DOTTED.finditer(text):
        length = 0
        for part in run.group().split(".") if run.group().count(".") >= DEEPEST else ():
            length = length + 1 if part.strip() else 0
            if length > DEEPEST:
                return run.start()
    return None


def _parse(file: str, text: str) -> Table:
    """Return the tables of a TOML text."""
    deep = _deep_key(text)
    if deep is not None:
        raise CaseError(
            file, text.count("\n", 0, deep) + 1, "", f"a key of more than {DEEPEST} parts; shorten it"
        )
    try:
        return tomllib.loads(text)
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
            line = next((k for k, row in enumerate(lines, 1) if re.search(r"[0-9_]{4000}", row)), 1)
            raise CaseError(
                file, line, "", "an integer of thousands of digits; write it as 1e9 or shorten it"
            ) from None
        key = re.match(r"\s*([\w.-]{1,60})\s*=", lines[line - 1])
        reason = message[: place.start()] if place else message
        hint = (
            "the same key or table stands twice; keep one"
            if re.search("overwrite|twice|mutate|redefine", reason)
            else 'texts and values with units stand in quotes: key = "1 um"'
        )
        raise CaseError(file, line, key[1] if key else "", f"not valid TOML: {reason}; {hint}") from None


def _load(source: Source, path: Path, root: Path | None, chain: tuple[Path, ...], count: list[int]) -> str:
    """Merge a file over its bases into `source` and return its text."""
    file = str(path)
    text = _read_text(file, path)
    tree = _parse(file, text)
    here = path.resolve()
    count[0] += 1
    own = Source(top=file, tree=tree)
    own.origins = {key: Origin(file, line, here.parent) for key, line in key_lines(text).items()}
    if count[0] > MOST_FILES:
        own.fail(("extends",), f"more than {MOST_FILES} files are read; extend fewer bases")
    bases = tree.get("extends", [])
    for base in [bases] if isinstance(bases, str) else bases if isinstance(bases, list) else [bases]:
        if not isinstance(base, str):
            own.fail(
                ("extends",),
                f'{shown(base)} stands here; a file name or a list of them is needed, e.g. "pllz.toml"',
            )
        found, its_root = _find_base(own, base, here.parent, root or here.parent)
        if found.resolve() in (*chain, here):
            own.fail(("extends",), f"{shown(base)} extends this file again; remove one of the two")
        _load(source, found, its_root, (*chain, here), count)
    _merge(source, own)
    return text


def _find_base(own: Source, base: str, folder: Path, root: Path) -> tuple[Path, Path]:
    """Return the file of a base and the folder it and its own bases are kept to."""
    shipped = cases.folder().resolve()
    if not base or not base.isprintable() or len(base) > 500:
        own.fail(("extends",), f'{shown(base)} is no file name; give one, e.g. "electrolytes/pllz.toml"')
    try:
        if Path(base).is_absolute():
            if Path(base).is_file():
                return Path(base), Path(base).resolve().parent
            own.fail(("extends",), f"no file {shown(base, 200)}; check the name")
        for start, within in ((folder, root), (shipped, shipped)):
            found = start / base
            if found.is_file():
                if not any(found.resolve().is_relative_to(tree) for tree in (within, shipped)):
                    own.fail(
                        ("extends",),
                        f"{shown(base, 200)} is outside the folder of the case; write its absolute path",
                    )
                relative = os.path.relpath(found)
                return (found if relative.startswith("..") else Path(relative)), within
    except OSError as error:
        own.fail(("extends",), f"{shown(base, 200)} cannot be read ({error.strerror}); check the name")
    known = [str(file.relative_to(shipped)) for file in shipped.rglob("*.toml")]
    known += [str(file.relative_to(folder)) for file in folder.glob("*.toml")]
    close = get_close_matches(base, known, n=1)
    hint = f"did you mean '{close[0]}'?" if close else "give a file beside this one or a shipped case"
    own.fail(("extends",), f"no file {shown(base, 200)}; {hint}")


def _merge(source: Source, own: Source) -> None:
    """Lay `own` over `source`: tables merge, all else (lists, values with their source) is replaced."""

    def lay(below: Table, above: Table, key: Key) -> None:
        for name, value in above.items():
            here = (*key, name)
            old = below.get(name)
            another = (
                isinstance(old, dict)
                and "value" in old
                and isinstance(value, dict)
                and not {*value} <= {*VALUE_KEYS}
            )
            if isinstance(old, dict) and isinstance(value, dict) and "value" not in value and not another:
                if here in own.origins and here not in source.origins:
                    source.origins[here] = own.origins[here]
                lay(old, value, here)
                continue
            below[name] = value
            for known in [known for known in source.origins if known[: len(here)] == here]:
                del source.origins[known]
            source.origins.update((k, origin) for k, origin in own.origins.items() if k[: len(here)] == here)

    lay(source.tree, own.tree, ())


def _override(source: Source, text: str) -> None:
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
    try:
        if "\n" in value_text or _deep_key(value_text) is not None:
            raise ValueError
        value = tomllib.loads(f"value = {value_text}")["value"]
    except (ValueError, RecursionError):
        value = value_text.strip()
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
    if (
        isinstance(value, dict)
        and "value" not in value
        and isinstance(node, dict)
        and isinstance(node.get(last), dict)
    ):
        node[last] = {**node[last], **value}
    else:
        node[last] = value
    for known in [known for known in source.origins if known[: len(parts)] == parts]:
        del source.origins[known]
    source.origins[parts] = Origin(file, None, Path.cwd())


def _holds(node: Any, part: str | int) -> bool:
    if isinstance(part, int):
        return isinstance(node, list) and part < len(node)
    return isinstance(node, dict) and part in node


# --- values with their source ----------------------------------------------------------------------------


def _unwrap(source: Source, node: Any, key: Key, found: dict[str, Provenance]) -> Any:
    """Return plain values (lists as tuples) and note in `found` what is said about each."""
    if len(key) > DEEPEST:
        source.fail(key[:4], "lists or tables are nested too deeply; a case needs at most 4 levels")
    if isinstance(node, dict) and key and "value" in node:
        found[dotted(key)] = _provenance(source, node, key)
        inner = node["value"]
        if isinstance(inner, dict):
            source.fail((*key, "value"), 'a table stands here; write the value itself, e.g. value = "1 um"')
        return _unwrap(source, inner, (*key, "value"), {})
    if isinstance(node, dict):
        if key and set(node) & {"source", "status", "at"}:
            source.fail(
                key,
                'a table with a source or status needs `value`, e.g. { value = "1 um", status = "assumed" }',
            )
        return {name: _unwrap(source, item, (*key, name), found) for name, item in node.items()}
    if isinstance(node, list):
        return tuple(_unwrap(source, item, (*key, k), found) for k, item in enumerate(node))
    found[dotted(key)] = Provenance(value_text=shown(node, 200).strip("'"))
    return node


def _provenance(source: Source, node: Table, key: Key) -> Provenance:
    """Return what a value table says about its value."""
    for name in node:
        if name not in VALUE_KEYS:
            close = get_close_matches(name, VALUE_KEYS, n=1)
            hint = f"did you mean '{close[0]}'?" if close else f"a value takes {', '.join(VALUE_KEYS)}"
            source.fail((*key, name), f"unknown key; {hint}")
    status = node.get("status")
    if status is not None and status not in STATUSES:
        source.fail((*key, "status"), f"{shown(status)} is no status; give one of {', '.join(STATUSES)}")
    if not isinstance(node.get("source", ""), str):
        source.fail(
            (*key, "source"),
            f'{shown(node["source"])} stands here; a text is needed, e.g. "Zhang 2025, Fig. 3a"',
        )
    at = node.get("at")
    if at is not None:
        try:
            if not isinstance(at, str):
                raise UnitError(f"{shown(at)} has no unit; {units.wanted(units.TEMPERATURE)}")
            at = to_si(at, units.TEMPERATURE)
        except UnitError as error:
            source.fail((*key, "at"), str(error))
        if not 100 <= at <= 1000:
            source.fail((*key, "at"), f"{shown(node['at'])} is outside 100 to 1000 K; check the unit")
    return Provenance(shown(node["value"], 200).strip("'"), node.get("source"), status, at)


def _place_heights(source: Source, tree: Table) -> None:
    """Make `surface.heights` absolute, from the folder of the file that names it."""
    surface = tree.get("surface")
    name = surface.get("heights") if isinstance(surface, dict) else None
    if not isinstance(surface, dict) or not isinstance(name, str) or name == "none":
        return
    key: Key = ("surface", "heights")
    if not name or not name.isprintable() or len(name) > 1000:
        source.fail(key, f"{shown(name)} is no file name; give a .npy file")
    origin = next((source.origins[key[:n]] for n in (2, 1) if key[:n] in source.origins), None)
    surface["heights"] = os.path.abspath((origin.folder if origin else Path.cwd()) / name)


# --- errors ----------------------------------------------------------------------------------------------


def _explain(source: Source, tree: Table, error: ValidationError) -> NoReturn:
    """Raise the most telling of pydantic's errors as a CaseError: unknown keys first, missing ones last."""
    order = {"unknown_key": 0, "missing": 2}
    first = min(error.errors(include_url=False), key=lambda item: order.get(item["type"], 1))
    key: Key = tuple(part for part in first["loc"] if part not in ("<word>", "<table>"))
    kind, context = first["type"], first.get("ctx", {})
    if "key" in context:
        key += parse_key(context["key"]) if kind == "case" else (context["key"],)
    if kind == "unknown_key":
        text = str(context["text"])
        if not context["close"]:
            elsewhere = [path for path, name, _ in schema() if name == key[-1]]
            text = f"unknown key; '{key[-1]}' stands in {_place(elsewhere[0])}" if elsewhere else text
        source.fail(key, text)
    if kind in ("case", "quantity"):
        source.fail(key, str(context["text"]))
    if kind == "missing":
        source.fail(key, f"missing; add {_remedy(key)}")
    came = units.came(first["input"])
    if kind == "literal_error":
        choices = re.findall(r"'([^']*)'", context["expected"])
        close = get_close_matches(str(first["input"]), choices, n=1)
        source.fail(
            key,
            f"{came} is none of {', '.join(choices)}" + (f"; did you mean '{close[0]}'?" if close else ""),
        )
    limits = {
        "greater_than_equal": ("below", "ge"),
        "less_than_equal": ("above", "le"),
        "less_than": ("not below", "lt"),
        "greater_than": ("not above", "gt"),
    }
    if kind in limits:
        word, name = limits[kind]
        fit = {"lt": "below", "gt": "above", "le": "of at most", "ge": "of at least"}[name]
        source.fail(key, f"{came} is {word} {context[name]}; give a whole number {fit} {context[name]}")
    wants = {
        "int": "a whole number is needed, e.g. 1",
        "string": 'a text is needed, e.g. "periodic"',
        "tuple": "a list is needed",
        "model": "a table is needed",
        "dict": "a table is needed",
    }
    want = next((text for word, text in wants.items() if kind.startswith(word)), first["msg"])
    source.fail(key, f"{came} stands here; {want}: {_remedy(key)}")


def schema(record: type[Record] = Case, path: str = "") -> Iterator[tuple[str, str, Any]]:
    """Yield (path of the table, key, pydantic's field) for every key; `steps[]` marks a list of tables."""
    for name, entry in record.model_fields.items():
        yield path, name, entry
        for inner in _records(entry.annotation):
            repeated = "[]" if str(entry.annotation).startswith("tuple") else ""
            yield from schema(inner, f"{path}.{name}{repeated}".lstrip("."))


def _records(annotation: Any) -> list[type[Record]]:
    """Return the record classes in an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation] if issubclass(annotation, Record) else []
    return [found for part in get_args(annotation) for found in _records(part)]


def _place(path: str) -> str:
    return f"[{path}]" if path and "[]" not in path else path.replace("[]", "[0]") or "the top of the file"


def _remedy(key: Key) -> str:
    """Return what the key takes, from the schema."""
    path = re.sub(r"\[[0-9]+\]", "[]", dotted(key))
    for table, name, entry in schema():
        full = f"{table}.{name}".lstrip(".")
        if path in (full, f"{full}[]"):
            example = _example(entry)
            return f"{name}, {entry.description}" + (f", e.g. {name} = {example}" if example else "")
    return "what the case reference says"


def _measures(entry: Any) -> list[Measure]:
    """Return the measures of a field, its own or those inside its lists."""

    def inside(annotation: Any) -> Iterator[Measure]:
        for extra in getattr(annotation, "__metadata__", ()):
            if isinstance(extra, Measure):
                yield extra
        for part in get_args(annotation):
            yield from inside(part)

    return [extra for extra in entry.metadata if isinstance(extra, Measure)] + list(inside(entry.annotation))


def _example(entry: Any) -> str:
    """Return how the value of a field is written."""
    measures = _measures(entry)
    if not measures:
        return ""
    example = measures[0].kind.example
    text = example if measures[0].kind.unit == "1" else f'"{example}"'
    return f"[{text}, {text}]" if str(entry.annotation).startswith("tuple") else text


# --- lines -----------------------------------------------------------------------------------------------

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


# --- reference -------------------------------------------------------------------------------------------


def reference_markdown() -> str:
    """Return the reference of the case file, printed from the schema, as Markdown tables."""
    tables: dict[str, list[str]] = {}
    for path, name, entry in schema():
        measures = _measures(entry)
        unit = measures[0].kind.unit if measures else ""
        bounds = measures[0].bounds() if measures else ""
        default = "required" if entry.is_required() else _default_text(entry)
        meaning = f"{entry.description}" + (f" ({bounds})" if bounds else "") + _choices(entry)
        meaning = meaning.replace("|", "\\|")
        tables.setdefault(path, []).append(f"| `{name}` | {unit} | {default} | {meaning} |")
    text = [
        "# Case file reference",
        "",
        "Printed from the schema. Quantities are texts with a unit; any value may be written",
        'as `{ value = ..., at = "30 degC", source = "...", status = "measured" }` with the status '
        f"{', '.join(STATUSES)}.",
        '`extends = "base.toml"` (or a list) merges bases; the text "none" clears an optional key of a base.',
        "",
    ]
    for path, rows in tables.items():
        text += [
            f"## `{_place(path).replace('[0]', '[]')}`" if path else "## Top of the file",
            "",
            "| key | SI unit | default | meaning |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    return "\n".join(text)


def _default_text(entry: Any) -> str:
    if entry.default is None or entry.default_factory is not None or entry.default == ():
        return "see meaning" if "default:" in (entry.description or "") else "-"
    measures = _measures(entry)
    if isinstance(entry.default, tuple):
        return ", ".join(entry.default)
    if measures and not isinstance(entry.default, str):
        return units.pretty(entry.default, measures[0].kind)
    return str(entry.default)


def _choices(entry: Any) -> str:
    def words(annotation: Any) -> Iterator[str]:
        for part in get_args(annotation):
            if isinstance(part, str):
                yield part
            else:
                yield from words(part)

    found = list(dict.fromkeys(words(entry.annotation)))
    found = [word for word in found if word not in ("nernst-einstein",) or len(found) > 1]
    return (
        f"; one of {', '.join(found)}" if len(found) > 1 and "none" not in (entry.description or "") else ""
    )
