"""README and docs are read once: short sentences, and no word that only this project uses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from phasefield.cli.main import app

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]
MEAN, LONGEST = 20.0, 35  # words
SHORT = r"e\.g|i\.e|Figs?|[Ee]qs?|vol|Chem|Sci|Phys|et al|approx|resp|no|Sec|ref"  # their full stops end nothing


def paragraphs(text: str) -> list[str]:
    """Return the paragraphs and list items of a page, without code, tables, formulas, headings and quoted output."""
    text = re.sub(r"<!--.*?-->", "", text, flags=re.S)
    text = re.sub(r"^(`{3,}).*?^\1`*\s*$", "", text, flags=re.S | re.M)
    found: list[list[str]] = [[]]
    for line in text.splitlines():
        bare = line.strip()
        if not bare or bare.startswith(("#", "|", "![", ">")) or (line.startswith("    ") and not found[-1]):
            found.append([])
            continue
        item = re.match(r"(?:[-*]|\d+\.)\s+", bare)
        if item:
            found.append([])
            bare = bare[item.end() :]
        found[-1].append(bare)
    return [" ".join(lines) for lines in found if lines]


def sentences(paragraph: str) -> list[str]:
    """Split a paragraph at its full stops, question marks, colons before a list, and semicolons stay inside."""
    paragraph = re.sub(r"!\[[^]]*\]\([^)]*\)", "", paragraph)
    paragraph = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", paragraph)  # of a link, its text
    paragraph = re.sub(r"`[^`]*`", "code", paragraph)
    paragraph = re.sub(rf"\b({SHORT})\.", r"\1", paragraph)
    return [s for s in re.split(r"(?<=[.?!])[\"')*_]*\s+", paragraph) if words(s)]


def words(sentence: str) -> list[str]:
    """Return what is read as a word: letters or digits; signs alone are none."""
    return [w for w in sentence.split() if re.search(r"\w", w)]


def lengths(page: Path) -> list[tuple[int, str]]:
    """Return the words of each sentence of a page, and the sentence."""
    text = page.read_text(encoding="utf-8")
    return [(len(words(s)), s) for p in paragraphs(text) for s in sentences(p)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_sentences_are_short(page: Path) -> None:
    found = lengths(page)
    long = [f"{n} words: {s}" for n, s in found if n > LONGEST]
    assert not long, "\n".join(long)
    mean = sum(n for n, _ in found) / max(len(found), 1)
    assert mean <= MEAN, f"{page.name}: sentences of {mean:.1f} words on the mean"


def test_the_counter_counts() -> None:
    text = "# Head\n\nOne two, `a b c` four. Five six?\n\n- Seven (eight) nine\n\n```\nten ten ten\n```\n\n| a |\n"
    assert [len(words(s)) for p in paragraphs(text) for s in sentences(p)] == [4, 2, 3]


if __name__ == "__main__":  # the counts of every page
    for page in PAGES:
        found = lengths(page)
        print(f"{page.name:20} {len(found):4} sentences, mean {sum(n for n, _ in found) / max(len(found), 1):5.1f}, "
              f"{sum(n > LONGEST for n, _ in found)} above {LONGEST}, longest {max((n for n, _ in found), default=0)}")


# Words that only this project used, and the field's: docs/design.md and the glossary have those.
PRIVATE = re.compile(
    r"foot[ _]points?|\bladder\b|\bthe books\b|\bscarce\w*|\bstarv\w+|\blandings?\b|\bmist\b|\bspecimens?\b|\bclimb\w*"
    r"|(?<!random )(?<!random-)\bwalk(s|ed)?\b|\bwritten aside\b|\bheed\b",
    re.IGNORECASE,
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_word_is_the_projects_own(page: Path) -> None:
    found = [match.group() for match in PRIVATE.finditer(page.read_text(encoding="utf-8"))]
    assert not found


def test_help_has_no_word_of_the_projects_own() -> None:
    command = typer.main.get_command(app)
    texts = [command.help or ""]
    for one in command.commands.values():  # type: ignore[attr-defined]
        texts += [one.help or "", *(getattr(p, "help", None) or "" for p in one.params)]
    assert not [text for text in texts if PRIVATE.search(text)]
