"""The shipped cases, and the files that a case extends: list, locate and copy them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path

from phasefield.errors import PhasefieldError

KINDS = {"electrolytes": "electrolyte", "experiments": "experiment", "cathodes": "cathode"}
"""Folders of the files that a case extends, and what one of them is."""


@dataclass(frozen=True)
class Base:
    """A file that a case extends: its name for `extends`, what it is in a sentence, and an `extends` that uses it."""

    name: str
    title: str
    extends: tuple[str, ...]

    @property
    def extended(self) -> str:
        """The line of a case that uses it."""
        return extending(self.extends)


def extending(names: Sequence[str]) -> str:
    """Return the line of a case that extends these files."""
    return "extends = [" + ", ".join(f'"{name}"' for name in names) + "]"


def folder() -> Path:
    """Return the folder of the shipped cases."""
    return Path(str(files(__name__)))


def names() -> list[str]:
    """Return the names of the shipped cases, without `.toml`."""
    return sorted(path.stem for path in folder().glob("*.toml"))


def titles() -> dict[str, str]:
    """Return the title of each shipped case, by name."""
    return {name: str(tomllib.loads(locate(name).read_text(encoding="utf-8"))["title"]) for name in names()}


def bases(kind: str) -> list[Base]:
    """Return what ships of a kind (`KINDS`), in the order of the names."""
    return [_base(path) for path in sorted((folder() / kind).glob("*.toml"))]


def base_names() -> list[str]:
    """Return the names of the files that a case extends, without `.toml`: `electrolytes/pllz`."""
    return sorted(f"{path.parent.name}/{path.stem}" for kind in KINDS for path in (folder() / kind).glob("*.toml"))


def base_of(path: Path) -> Base | None:
    """Return the shipped base that a file is, None if it is none."""
    try:
        name = path.resolve().relative_to(folder().resolve())
    except ValueError:
        return None
    return _base(folder() / name) if name.parent.name in KINDS else None


def _base(path: Path) -> Base:
    """Return what the comment at the top of a base says of it: its first sentence, and the `extends` that it names."""
    head = path.read_text(encoding="utf-8").partition("\n\n")[0]
    comment = " ".join(line.lstrip("#").strip() for line in head.splitlines() if line.startswith("#"))
    title = re.split(r"\. (?=[A-Z[])", comment)[0]
    name = f"{path.parent.name}/{path.name}"
    used = re.search(r"extends = \[([^]]*)\]", comment)
    extends = tuple(re.findall(r'"([^"]+)"', used[1])) if used else (name, "experiments/cycling.toml")
    return Base(name, title.rstrip("."), extends)


def locate(name: str) -> Path:
    """Return the file of a shipped case (`pllz`, `pllz.toml`) or base (`electrolytes/pllz`, `cathodes/lfp`)."""
    stem = name.removesuffix(".toml")
    known = names() + base_names()
    if stem not in known:
        close = get_close_matches(stem, known, n=1)
        hint = f"did you mean '{close[0]}'?" if close else f"there are {', '.join(names())}"
        raise PhasefieldError(f"no shipped case '{name}'; {hint}")
    return folder() / f"{stem}.toml"


def copy(name: str, to: Path) -> Path:
    """Copy a shipped case into folder `to` and return the new file; one that exists is not overwritten.

    The bases it extends need no copy: they are found among the shipped cases.
    """
    source = locate(name)
    target = Path(to) / source.name
    if target.exists() or target.is_symlink():
        raise PhasefieldError(f"{target} exists; remove it or copy elsewhere")
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(target, "xb") as file:  # a link that leads nowhere exists, too, and is not followed
        file.write(source.read_bytes())
    return target
