"""Tables that the commands print: a run at its end, the texture of a surface, the shipped cases."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from phasefield.cases import Base, extending
from phasefield.results.checkpoint import has_checkpoint
from phasefield.results.summary import TEXTURE_ROWS, facts
from phasefield.text.formatting import MICRO, number, plain_table

if TYPE_CHECKING:
    from rich.console import Console

    from phasefield.results.run import Run
    from phasefield.topography.roughness import Texture

COMBINED = (
    ("electrolytes/pllz.toml", "experiments/cycling.toml"),
    ("electrolytes/pllz.toml", "cathodes/lfp.toml", "experiments/lfp-rates.toml"),
)
"""Examples of what a case extends."""


def print_run(console: Console, run: Run, why: str = "") -> None:
    """Print the table at the end of a run, why it came out so, and where its files are."""
    table = plain_table(run.title, "")
    table.columns[1].justify = "left"
    for row in facts(run):
        table.add_row(*row)
    console.print(table)
    if why:
        console.print(f"Why: {why}.", soft_wrap=True)
    folder = shlex.quote(str(run.folder))
    console.print(f"Results: {run.folder}", soft_wrap=True)
    console.print(f"Files: {', '.join(sorted(path.name for path in run.folder.iterdir() if path.name[0] != '.'))}",
                  soft_wrap=True)  # fmt: skip
    console.print(f"Pictures: phasefield render {folder}", soft_wrap=True)
    if run.summary.get("reason") is None:
        there = has_checkpoint(run.folder)
        words = f"Go on: phasefield run {folder} --resume" if there else "It has no checkpoint: start it again"
        console.print(words, soft_wrap=True)


def print_texture(console: Console, title: str, textures: Mapping[str, Texture]) -> None:
    """Print ISO 25178 figures, one column for each way of reading the surface."""
    table = plain_table(title, *textures, "", "")
    table.columns[-1].justify = table.columns[-2].justify = "left"
    for name, scale, unit, meaning in TEXTURE_ROWS:
        table.add_row(name, *(number(getattr(t, name), scale) for t in textures.values()), unit, meaning)
    console.print(table)
    extent = next(iter(textures.values())).extent
    size = " x ".join(f"{edge * MICRO:.4g}" for edge in extent if edge > 0.0)
    console.print(f"ISO 25178-2 over {size} um; Sz and Sp grow with the area looked at.")


def print_cases(console: Console, titles: Mapping[str, str]) -> None:
    """Print the shipped cases."""
    table = plain_table("case", "title")
    table.columns[1].justify = "left"
    for name, title in titles.items():
        table.add_row(name, title)
    console.print(table)
    console.print("Run one: phasefield run NAME     Copy one to edit: phasefield cases --copy NAME")


def print_bases(console: Console, bases: Mapping[str, Sequence[Base]]) -> None:
    """Print the files that a case extends, kind by kind, and how they are combined."""
    for kind, found in bases.items():
        table = plain_table(kind, "what it is", *(["with"] if kind != "electrolytes" else []))
        for column in table.columns[1:]:
            column.justify = "left"
        for base in found:
            others = [name for name in base.extends if name != base.name]
            words = ["an electrolyte" if name.startswith("electrolytes/") else name for name in others]
            table.add_row(base.name, base.title, *([", ".join(words)] if kind != "electrolytes" else []))
        console.print(table)
    console.print("A case lays one over the other: an electrolyte, a cathode for a full cell, an experiment.")
    for names in COMBINED:
        console.print(f"  {extending(names)}", soft_wrap=True)
    console.print("A title and such a line are a case. An electrolyte of your own: docs/electrolyte.md")
