"""The experiments of the papers, in the order of the report: which runs each needs, and what evaluates them.

Another experiment is a file in `experiments` and an entry here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from phasefield.studies.compare import PICTURE, Entry, compare, plan
from phasefield.validation.experiments import (
    assumed,
    both,
    control,
    copper,
    critical,
    cycling,
    difference,
    fullcells,
    ionogels,
    polarisation,
    seeds,
    spectra,
    tafel,
    temperature,
)
from phasefield.validation.row import Experiment

if TYPE_CHECKING:
    from rich.console import Console

CYCLING, IONOGELS, SEEDS, WHY, ASSUMED, BOTH = "cycling", "ionogels", "seeds", "difference", "assumed", "both"


@dataclass(frozen=True)
class Setting:
    """Where the report is written, the runs of one experiment, and how more runs are made."""

    out: Path
    entries: list[Entry]
    threads: int | None
    console: Console


def _no_runs(out: Path) -> list[Entry]:
    return []


@dataclass(frozen=True)
class Planned:
    """An experiment of the report.

    name: for what --quick leaves out; entries: its runs, with folders below the report's; evaluate: what they came to;
    quick: it is part of --quick; makes_runs: `evaluate` makes its runs, which are listed for the estimate alone.
    """

    name: str
    evaluate: Callable[[Setting], list[Experiment]]
    entries: Callable[[Path], list[Entry]] = _no_runs
    quick: bool = False
    makes_runs: bool = False


def _shipped(*cases: str) -> Callable[[Path], list[Entry]]:
    """Return what lists the runs of shipped cases."""
    return lambda out: plan(cases, out, ())


def _cycling(at: Setting) -> list[Experiment]:
    table = compare(cycling.CASES, at.out / CYCLING, threads=at.threads, console=at.console)
    return [cycling.cycling(table, f"{CYCLING}/{PICTURE}")]


def _ionogels(at: Setting) -> list[Experiment]:
    table = compare(
        ionogels.CASES, at.out / IONOGELS, overrides=ionogels.OVERRIDES, threads=at.threads, console=at.console
    )
    return [ionogels.ionogels(table, f"{IONOGELS}/{PICTURE}")]


def _difference(at: Setting) -> list[Experiment]:
    return [difference.difference(at.out / WHY, threads=at.threads, console=at.console)]


EXPERIMENTS: tuple[Planned, ...] = (
    Planned("spectra", lambda at: [spectra.spectra(at.out)], quick=True),
    Planned(
        "polarisation", lambda at: [polarisation.polarisation(at.entries)], _shipped(*polarisation.CASES), quick=True
    ),
    Planned("Tafel plot", lambda at: [tafel.tafel(at.entries[0])], _shipped(tafel.CASE), quick=True),
    Planned("temperature", lambda at: [temperature.temperature()], quick=True),
    Planned("control", lambda at: [control.control()], quick=True),
    Planned("cycling of PLL and PLLZ", _cycling, makes_runs=True),  # the runs of the first seed, below
    Planned(
        "cycling of LHCI and DLHCI", _ionogels,
        lambda out: plan(ionogels.CASES, out / IONOGELS, ionogels.OVERRIDES), makes_runs=True,
    ),
    Planned("rising currents", lambda at: [critical.critical(at.entries)], _shipped(*critical.CASES)),
    Planned("copper", lambda at: [copper.copper(at.entries)], _shipped(*copper.CASES)),
    Planned("full cells", lambda at: fullcells.full_cells(at.entries), _shipped(*fullcells.CASES)),
    Planned("seeds", lambda at: [seeds.seeds(at.entries)], lambda out: seeds.entries(out / SEEDS, out / CYCLING)),
    Planned("both electrodes", lambda at: [both.both(at.entries)], lambda out: both.entries(out / BOTH)),
    Planned("what made the difference", _difference, lambda out: difference.entries(out / WHY), makes_runs=True),
    Planned(
        "what is assumed", lambda at: [assumed.assumed(at.entries, at.out / ASSUMED)],
        lambda out: assumed.entries(out / ASSUMED),
    ),
)  # fmt: skip
