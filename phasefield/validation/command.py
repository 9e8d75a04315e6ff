"""The command's work: run what is missing, evaluate, draw, write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from phasefield import api
from phasefield.errors import PhasefieldError
from phasefield.files.locks import folder_locked
from phasefield.studies.compare import PlannedRun, announce_runs, expected, run_missing
from phasefield.text.formatting import plain_table, spell_wall
from phasefield.validation.page import HTML, off, simulated, what, write, write_docs
from phasefield.validation.registry import EXPERIMENTS, Setting
from phasefield.validation.row import Experiment, Missing
from phasefield.validation.targets import NOT_SIMULATED
from phasefield.viz.plots.lines import draw

if TYPE_CHECKING:
    from rich.console import Console

DOCS = Path("docs")


def report_experiments(
    console: Console, out: Path, *, quick: bool = False, docs: bool = False, threads: int | None = None,
    workers: int | None = None,
) -> list[Experiment]:
    """Run what is not yet run below `out`, write the report there, and return its experiments.

    quick: without the experiments that take longer than a minute; docs: write docs/papers.md too. Raises
    PhasefieldError before any work if a folder is wrong; Interrupted, all runs resumable, when stopped.
    """
    if docs and not DOCS.is_dir():
        raise PhasefieldError(
            f"--docs: there is no folder {DOCS}/ here; run this at the root of the source tree"
        )
    if docs and quick:
        raise PhasefieldError("--docs: docs/papers.md holds all of it; leave --quick away")
    processors = api.check_threads(threads)
    api.check_workers(workers)
    chosen = [one for one in EXPERIMENTS if one.quick or not quick]
    entries = [one.entries(out) for one in chosen]
    _announce(console, [entry for some in entries for entry in some], processors)
    ready = [some for one, some in zip(chosen, entries, strict=True) if not one.makes_runs]
    missing: Sequence[Missing] = NOT_SIMULATED
    done: list[Experiment] = []
    with folder_locked(out):
        run_missing([entry for some in ready for entry in some], threads=threads, workers=workers, console=console)
        for one, some in zip(chosen, entries, strict=True):
            done += one.evaluate(Setting(out, some, threads, console, workers))
        for result in done:
            for plot in result.plots:
                draw(plot, out)
            _print(console, result)
        write(done, missing, out)
    console.print(
        f"Measured, not simulated: {len(missing)} numbers, in the report with the reason",
        soft_wrap=True,
    )
    if quick:
        left = ", ".join(one.name for one in EXPERIMENTS if not one.quick)
        console.print(f"Left out by --quick: {left}", soft_wrap=True)
    console.print(f"Report: {out / HTML}", soft_wrap=True)
    if docs:
        console.print(f"Written: {write_docs(done, missing, out, DOCS)}", soft_wrap=True)
    return done


def announce_experiments(console: Console, out: Path, *, quick: bool, threads: int | None) -> None:
    """Say how many runs the report would make and how long they take; nothing is run."""
    with TemporaryDirectory() as folder:
        chosen = [one for one in EXPERIMENTS if one.quick or not quick]
        entries = [entry for one in chosen for entry in one.entries(Path(folder))]
        there = [replace(entry, folder=out / entry.folder.relative_to(folder)) for entry in entries]
        announce_runs(console, there, threads)


def _announce(console: Console, entries: Sequence[PlannedRun], threads: int) -> None:
    """Say how much there is to run, by the estimate of each case."""
    runs, seconds = expected(entries, threads)
    if runs:
        console.print(
            f"{runs} runs to make, at the resolution of the shipped cases (2 to 8 um a cell): "
            f"about {spell_wall(seconds)} on {threads} threads",
            soft_wrap=True,
        )


def _print(console: Console, one: Experiment) -> None:
    if not one.rows:
        console.print(f"{one.name}: {one.shows}", soft_wrap=True)
        return
    table = plain_table(
        "electrolyte", "quantity", "measured", "simulated", "off", "what it is", title=one.name
    )
    for row in one.rows:
        with_unit = f"{simulated(row)} {row.unit}".strip()
        table.add_row(
            row.electrolyte, row.quantity, row.measured, with_unit, off(row), what(row).replace("`", "")
        )
    console.print(table)
