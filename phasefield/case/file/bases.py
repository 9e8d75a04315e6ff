"""A case file and the bases that it extends, laid over each other."""

from __future__ import annotations

import os
from difflib import get_close_matches
from pathlib import Path

from phasefield import cases
from phasefield.case.file.limits import LONGEST_FILE, MOST_FILES
from phasefield.case.file.lines import key_lines
from phasefield.case.file.source import INSTEAD, Key, Origin, Source, Table, keys_inside
from phasefield.case.file.toml import parse, read_text
from phasefield.case.file.values import VALUE_KEYS
from phasefield.errors import shown


def load_over_bases(source: Source, path: Path, root: Path | None, chain: tuple[Path, ...], sizes: list[int]) -> str:
    """Merge a file over its bases into `source` and return its text.

    root: the folder that bases are kept to; chain: the files that extend this one; sizes: bytes of all files so far.
    """
    file = str(path)
    text = read_text(file, path)
    tree = parse(file, text)
    here = path.resolve()
    sizes.append(len(text.encode()))
    own = Source(top=file, tree=tree)
    own.origins = {key: Origin(file, line, here.parent) for key, line in key_lines(text).items()}
    if len(sizes) > MOST_FILES:
        own.fail(("extends",), f"more than {MOST_FILES} files are read; extend fewer bases")
    if sum(sizes) > LONGEST_FILE:
        own.fail(("extends",), f"with its bases larger than {LONGEST_FILE // 1000} kB; shorten them")
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
        load_over_bases(source, found, its_root, (*chain, here), sizes)
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
            if INSTEAD.get(here) not in above:
                source.replace_alternative(below, here)
            source.forget(old, here)
            source.origins.update((k, own.origins[k]) for k in keys_inside(value, here) if k in own.origins)

    lay(source.tree, own.tree, ())
