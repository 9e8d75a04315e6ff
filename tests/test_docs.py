"""The docs against the code: printed parts, commands, links, inputs; what an installation holds."""

from __future__ import annotations

import re
import runpy
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer

from phasefield import __version__
from phasefield.api import read_case
from phasefield.cli.main import app

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md"))]
COMMANDS: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_the_printed_parts_are_up_to_date() -> None:
    printed = runpy.run_path(str(DOCS / "printed.py"))
    again = "renew them: python docs/printed.py"
    assert read(DOCS / "cases.md") == printed["cases"](), again
    page = read(DOCS / "results.md")
    assert page == printed["results"](page), again
    assert "| `voltage` | U | V |" in page


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", read(page), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("https://", "http://", "#")):
            continue
        path = (page.parent / target.split("#")[0]).resolve()
        if not path.exists() and path.with_suffix(".md").exists():  # [text](page) of the built docs
            continue
        assert path.exists(), f"{page.name}: {target}"


def commands_in(text: str) -> list[list[str]]:
    """Return what stands after `phasefield` in code blocks and in code within a line."""
    spans = re.findall(r"```[a-z]*\n(.*?)```", text, re.DOTALL) + re.findall(r"`(phasefield [^`]+)`", text)
    spans += re.findall(r"^ {4}(phasefield .+)$", text, re.MULTILINE)
    lines = [line for span in spans for line in span.splitlines()]
    found = []
    for line in lines:
        match = re.search(r"(?:^|/bin/)phasefield ([a-z].*)", re.split(r" {3,}", line.strip())[0])
        if match:
            found.append(shlex.split(match.group(1).split("&&")[0].split(" #")[0]))
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_commands_exist_and_take_these_options(page: Path) -> None:
    for words in commands_in(read(page)):
        name, *rest = words
        assert name in COMMANDS, f"{page.name}: phasefield {' '.join(words)}"
        options = {text for parameter in COMMANDS[name].params for text in parameter.opts}
        for word in rest:
            if word.startswith("-"):
                assert word in options, f"{page.name}: phasefield {' '.join(words)}: no {word}"


def test_the_readme_knows_every_command() -> None:
    named = {words[0] for words in commands_in(read(ROOT / "README.md"))}
    assert {name for name, command in COMMANDS.items() if not command.hidden} <= named


def test_cases_named_in_the_docs_are_shipped() -> None:
    for page in PAGES:
        for name, *rest in commands_in(read(page)):
            if name in ("run", "check", "compare") and "--out" not in rest:
                for word in rest:
                    if re.fullmatch(r"[a-z-]+", word) and not word.startswith("-"):
                        assert read_case(word).title


def test_the_readme_case_is_valid(tmp_path: Path) -> None:
    text = re.search(r"```toml\n(.*?)```", read(ROOT / "README.md"), re.DOTALL)
    assert text is not None
    path = tmp_path / "evener.toml"
    path.write_text(text.group(1), encoding="utf-8")
    case = read_case(path, ["film.patches.seed=2"])
    assert case.film.patches is not None
    assert (case.film.patches.spread, case.film.patches.seed) == (0.5, 2)
    assert case.protocol.repeat == 50


def test_the_calibrated_inputs_are_those_of_the_readme() -> None:
    for name in ("pll", "pllz"):
        found = {key for key, p in read_case(name).provenance.items() if p.status == "calibrated"}
        assert found == {"film.patches.spread"}, name


def test_every_equation_of_the_code_is_in_the_theory() -> None:
    theory = read(DOCS / "theory.md")
    for number in range(1, 18):
        assert f"\\tag{{{number}}}" in theory or f"({number})" in theory


def test_one_version() -> None:
    assert f"\nversion: {__version__}\n" in read(ROOT / "CITATION.cff")
    assert f"\n## {__version__}" in read(ROOT / "CHANGELOG.md")


def test_an_installation_holds_every_package_and_case() -> None:
    settings = tomllib.loads(read(ROOT / "pyproject.toml"))["tool"]["setuptools"]
    folders = settings["package-dir"]

    def home(package: str) -> Path:
        """Return the folder of a package: its own, or that of the package above it."""
        if package in folders:
            return ROOT / folders[package]
        above, _, name = package.rpartition(".")
        return home(above) / name

    held = {home(name).resolve() for name in settings["packages"]}
    for top in ("phasefield", "kernels", "viz", "cases"):
        for file in (ROOT / top).rglob("*.py"):
            assert file.parent.resolve() in held, f"{file} is in no package of pyproject.toml"
    data = settings["package-data"]
    shipped = {
        path
        for name, patterns in data.items()
        for pattern in patterns
        for path in home(name).glob(pattern)
        if path.suffix == ".toml"
    }
    assert shipped == set((ROOT / "cases").rglob("*.toml"))
    for name in data:
        for pattern in data[name]:
            assert list(home(name).glob(pattern)), f"{name} has no {pattern}"
