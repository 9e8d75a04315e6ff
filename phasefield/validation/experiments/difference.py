"""What made the difference from PLL to PLLZ, and from LHCI to DLHCI: inputs swapped group by group."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from phasefield.studies.attribution.study import PICTURE, attribute_difference, mixtures, paragraph
from phasefield.studies.compare import PlannedRun
from phasefield.text.escape import markdown_text
from phasefield.validation.row import Experiment

if TYPE_CHECKING:
    from rich.console import Console

PAIRS = (
    (("pll", "pllz"), ("protocol.repeat=60",), 4),
    (("lhci", "dlhci"), ('grid.spacing="8 um"', "protocol.repeat=60"), 4),
)
"""Cases, overrides (120 h: PLL came to 1 V after 110 h; PLL's failure ends its comparison) and seeds."""


def mixture_runs(out: Path) -> list[PlannedRun]:
    """Return all runs below `out`, cases written and valid."""
    return [
        entry
        for cases, overrides, seeds in PAIRS
        for entry in mixtures(cases, out / "-".join(cases), overrides=overrides, seeds=seeds)[1]
    ]


def difference(out: Path, *, threads: int | None, workers: int | None = None, console: Console | None) -> Experiment:
    """Run what is missing below `out` and return the experiment; raises as `attribute_difference` does."""
    texts, found = [], []
    for cases, overrides, seeds in PAIRS:
        name = "-".join(cases)
        result = attribute_difference(
            cases, out / name, overrides=overrides, seeds=seeds, threads=threads, workers=workers, console=console
        )
        texts.append(paragraph(result, markdown_text))
        found.append(f"{out.name}/{name}/{PICTURE}")
    done = (
        "Each comparison has two cases. The inputs in which they differ are changed one group at a time, in every "
        "order (Shapley values): `phasefield attribute`. Each run is 120 h of cycling with cells of 8 um; surface and "
        "film have four seeds."
    )
    return Experiment("What made the difference", done, (), (), "\n\n".join(texts), tuple(found))
