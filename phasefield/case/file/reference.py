"""The reference of the case file, printed from the records."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from phasefield import units
from phasefield.case.file.keys import measures_of, names_of, schema, table_head
from phasefield.case.file.limits import LONGEST_FILE, MOST_FILES, MOST_KEYS
from phasefield.case.file.values import STATUSES
from phasefield.files.toml import DEEPEST


def reference_markdown() -> str:
    """Return the reference of the case file, printed from the schema, as Markdown tables."""
    tables: dict[str, list[str]] = {}
    for path, name, entry in schema():
        measures = measures_of(entry)
        unit = measures[0].kind.unit if measures else ""
        bounds = measures[0].bounds() if measures else ""
        default = "required" if entry.is_required() else _default_text(entry)
        meaning = f"{entry.description}" + (f" ({bounds})" if bounds else "") + _choices(entry)
        meaning = meaning.replace("|", "\\|")
        tables.setdefault(path, []).append(f"| `{name}` | {unit} | {default} | {meaning} |")
    text = [
        "# Case file reference",
        "",
        "With this page you can write a case file: it lists every key with its SI unit, its default and its",
        "meaning. The tables are printed from the schema.",
        "",
        "A quantity is a text with a unit. Any value may also be a table:",
        '`{ value = ..., at = "30 degC", source = "...", status = "measured" }`.',
        f"The status is one of {', '.join(STATUSES)}.",
        'The key `extends = "base.toml"` merges a base file, or a list of them. The text "none" clears an',
        "optional key of a base.",
        "",
        f"A case and its bases are {MOST_FILES} files at most, with {LONGEST_FILE // 1000} kB together. A file has "
        f"{MOST_KEYS} keys",
        f"and list entries at most, {DEEPEST} levels deep.",
        "",
    ]
    text += [
        "A quantity that is not zero lies within these bounds, and within those that its key names:",
        "",
        "| quantity | SI unit | least | most |",
        "|---|---|---|---|",
        *(f"| {kind.noun} | {kind.unit} | {kind.low:g} | {kind.high:g} |" for kind in units.KINDS),
        "",
    ]
    for path, rows in tables.items():
        text += [
            f"## `{table_head(path).replace('[0]', '[]')}`" if path else "## Top of the file",
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
    measures = measures_of(entry)
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

    found = list(dict.fromkeys([*names_of(entry), *words(entry.annotation)]))
    found = [word for word in found if word not in ("nernst-einstein",) or len(found) > 1]
    return (
        f"; one of {', '.join(found)}" if len(found) > 1 and "none" not in (entry.description or "") else ""
    )
