"""What comments, docstrings and pages name exists: files, modules, equations."""

from __future__ import annotations

import io
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TREES = ("phasefield", "kernels", "viz", "cases", "tests", "benchmarks", "docs")
LINKS = {ROOT / "phasefield" / name for name in ("kernels", "viz", "cases")}
FILES = [
    path
    for top in TREES
    for suffix in ("py", "toml", "md", "html")
    for path in sorted((ROOT / top).rglob(f"*.{suffix}"))
    if not any(link in path.parents for link in LINKS) and "_build" not in path.parts and path != Path(__file__)
]
FILES += [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", ROOT / "pyproject.toml"]
NAMES = {path.name for path in FILES} | {"CHANGELOG.md"}
# What a page shows, a test makes or a command writes, and nobody ships.
EXAMPLES = {"NAME.py", "test_NAME.py", "helper.py", "outer.py", "broken.py", "whole.py", "attribution.md"}
MARKS = re.compile(r"[\w/.-]*\b[\w-]{2,}\.(?:md|py)\b")
ROOMS = re.compile(r"(?<![\w./])(kernels|model|simulation|analytic|topography)\.([a-z_]+)\b(?!\()")
MODULE = re.compile(r"\bphasefield(?:\.[a-z][a-z_0-9]*)+")


def texts(path: Path) -> str:
    """Return the text of a file."""
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_that_is_named_exists(path: Path) -> None:
    for named in MARKS.findall(texts(path)):
        name = named.rsplit("/", 1)[-1]
        assert name in NAMES | EXAMPLES, f"{path.relative_to(ROOT)} names {named}, which does not exist"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_that_is_named_exists(path: Path) -> None:
    for named in set(MODULE.findall(texts(path))) - {"phasefield.nothing"}:
        parts = named.split(".")[1:]
        here = ROOT / "phasefield"
        for part in parts:
            if (here / part).is_dir():
                here = here / part
                continue
            text = texts(here.with_suffix(".py")) if here.with_suffix(".py").is_file() else ""
            inside = here / "__init__.py"
            text += texts(inside) if inside.is_file() else ""
            known = (here / f"{part}.py").is_file() or re.search(rf"\b{part}\b", text) is not None
            assert known, f"{path.relative_to(ROOT)} names {named}: there is no {part} in {here.relative_to(ROOT)}"
            if not (here / f"{part}.py").is_file():
                break
            here = here / part


def said(path: Path) -> str:
    """Return comments and docstrings of a Python file."""
    tokens = tokenize.generate_tokens(io.StringIO(texts(path)).readline)
    return "\n".join(t.string for t in tokens if t.type == tokenize.COMMENT or t.string.lstrip("rf").startswith('"""'))


@pytest.mark.parametrize("path", [p for p in FILES if p.suffix == ".py"], ids=lambda path: str(path.relative_to(ROOT)))
def test_every_room_that_a_comment_names_exists(path: Path) -> None:
    """What stands as `kernels.name` or `model.name` in a comment or docstring is a module there."""
    for room, name in set(ROOMS.findall(said(path))):
        here = ROOT / "phasefield" / room
        there = (here / name).is_dir() or (here / f"{name}.py").is_file()
        assert there, f"{path.relative_to(ROOT)} names {room}.{name}, which does not exist"
