"""The shipped cases: list, locate and copy them."""

from __future__ import annotations

import tomllib
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path

from phasefield.errors import PhasefieldError


def folder() -> Path:
    """Return the folder of the shipped cases."""
    return Path(str(files(__name__)))


def names() -> list[str]:
    """Return the names of the shipped cases, without `.toml`."""
    return sorted(path.stem for path in folder().glob("*.toml"))


def titles() -> dict[str, str]:
    """Return the title of each shipped case, by name."""
    return {name: str(tomllib.loads(locate(name).read_text(encoding="utf-8"))["title"]) for name in names()}


def locate(name: str) -> Path:
    """Return the file of a shipped case (`pllz`, `pllz.toml`) or base (`electrolytes/pllz`, `cathodes/lfp`)."""
    stem = name.removesuffix(".toml")
    known = names() + sorted(f"{path.parent.name}/{path.stem}" for path in folder().glob("*/*.toml"))
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
