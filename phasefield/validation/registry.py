"""The experiments of the papers, in the order of the report: which runs each needs, and what evaluates them.

Another experiment is a file in `experiments` and an entry here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from phasefield.studies.compare import PICTURE, PlannedRun, compare_runs, plan
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
    wagner,
)
from phasefield.validation.row import Experiment

if TYPE_CHECKING:
    from rich.console import Console

CYCLING, IONOGELS, SEEDS, WHY, ASSUMED, BOTH = "cycling", "ionogels", "seeds", "difference", "assumed", "both"


@dataclass(frozen=True)
class Setting:
    """Where the report is written, the runs of one experiment, and how more runs are made."""

    out: Path
    entries: list[PlannedRun]
    threads: int | None
    console: Console
    workers: int | None = None


def _no_runs(out: Path) -> list[PlannedRun]:
    return []


@dataclass(frozen=True)
class PlannedExperiment:
    """An experiment of the report.

    name: for what --quick leaves out; entries: its runs, with folders below the report's; evaluate: what they came to;
    quick: it is part of --quick; makes_runs: `evaluate` makes its runs, which are listed for the estimate alone.
    """

    name: str
    evaluate: Callable[[Setting], list[Experiment]]
    entries: Callable[[Path], list[PlannedRun]] = _no_runs
    quick: bool = False
    makes_runs: bool = False


def _shipped(*cases: str) -> Callable[[Path], list[PlannedRun]]:
    """Return what lists the runs of shipped cases."""
    return lambda out: plan(cases, out, ())


def _cycling(at: Setting) -> list[Experiment]:
    table = compare_runs(cycling.CASES, at.out / CYCLING, threads=at.threads, workers=at.workers, console=at.console)
    return [cycling.cycling(table, f"{CYCLING}/{PICTURE}")]


def _ionogels(at: Setting) -> list[Experiment]:
    table = compare_runs(
        ionogels.CASES, at.out / IONOGELS, overrides=ionogels.OVERRIDES, threads=at.threads, workers=at.workers,
        console=at.console,
    )  # fmt: skip
    return [ionogels.ionogels(table, f"{IONOGELS}/{PICTURE}")]


def _difference(at: Setting) -> list[Experiment]:
    return [difference.difference(at.out / WHY, threads=at.threads, workers=at.workers, console=at.console)]


EXPERIMENTS: tuple[PlannedExperiment, ...] = (
    PlannedExperiment("spectra", lambda at: [spectra.spectra(at.out)], quick=True),
    PlannedExperiment(
        "polarisation", lambda at: [polarisation.polarisation(at.entries)], _shipped(*polarisation.CASES), quick=True
    ),
    PlannedExperiment("Tafel plot", lambda at: [tafel.tafel(at.entries[0])], _shipped(tafel.CASE), quick=True),
    PlannedExperiment("temperature", lambda at: [temperature.temperature()], quick=True),
    PlannedExperiment("control", lambda at: [control.control()], quick=True),
    PlannedExperiment("Wagner length", lambda at: [wagner.wagner()], quick=True),
    PlannedExperiment("cycling of PLL and PLLZ", _cycling, makes_runs=True),  # the runs of the first seed, below
    PlannedExperiment(
        "cycling of LHCI and DLHCI", _ionogels,
        lambda out: plan(ionogels.CASES, out / IONOGELS, ionogels.OVERRIDES), makes_runs=True,
    ),
    PlannedExperiment("rising currents", lambda at: [critical.critical(at.entries)], _shipped(*critical.CASES)),
    PlannedExperiment("copper", lambda at: [copper.copper(at.entries)], _shipped(*copper.CASES)),
    PlannedExperiment("full cells", lambda at: fullcells.full_cells(at.entries), _shipped(*fullcells.CASES)),
    PlannedExperiment(
        "seeds", lambda at: [seeds.seeds(at.entries)], lambda out: seeds.seed_runs(out / SEEDS, out / CYCLING)
    ),
    PlannedExperiment("both electrodes", lambda at: [both.both(at.entries)], lambda out: both.counter_runs(out / BOTH)),
    PlannedExperiment(
        "what made the difference", _difference, lambda out: difference.mixture_runs(out / WHY), makes_runs=True
    ),
    PlannedExperiment(
        "what is assumed", lambda at: [assumed.assumed(at.entries, at.out / ASSUMED)],
        lambda out: assumed.assumed_runs(out / ASSUMED),
    ),
)  # fmt: skip
