"""The command's work: run what is missing, evaluate, draw, write."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from phasefield import api
from phasefield.errors import PhasefieldError
from phasefield.formatting import plain_table, spell_wall
from phasefield.studies.compare import PICTURE, Entry, compare, expected, plan, run_missing
from phasefield.validation.experiments.assumed import assumed
from phasefield.validation.experiments.assumed import entries as assumed_entries
from phasefield.validation.experiments.both import both
from phasefield.validation.experiments.both import entries as both_entries
from phasefield.validation.experiments.control import control
from phasefield.validation.experiments.copper import CASES as COPPER
from phasefield.validation.experiments.copper import copper
from phasefield.validation.experiments.critical import CASES as CRITICAL
from phasefield.validation.experiments.critical import critical
from phasefield.validation.experiments.cycling import CASES as CYCLED
from phasefield.validation.experiments.cycling import cycling
from phasefield.validation.experiments.difference import difference
from phasefield.validation.experiments.difference import entries as difference_entries
from phasefield.validation.experiments.fullcells import CASES as FULL
from phasefield.validation.experiments.fullcells import full_cells
from phasefield.validation.experiments.ionogels import CASES as GELS
from phasefield.validation.experiments.ionogels import OVERRIDES as GEL_OVERRIDES
from phasefield.validation.experiments.ionogels import ionogels
from phasefield.validation.experiments.polarisation import CASES as POLARISED
from phasefield.validation.experiments.polarisation import polarisation
from phasefield.validation.experiments.seeds import entries as seed_entries
from phasefield.validation.experiments.seeds import seeds
from phasefield.validation.experiments.spectra import spectra
from phasefield.validation.experiments.tafel import CASE as TAFEL
from phasefield.validation.experiments.tafel import tafel
from phasefield.validation.experiments.temperature import temperature
from phasefield.validation.page import HTML, number, off, what, write, write_docs
from phasefield.validation.row import Experiment, Missing
from phasefield.validation.targets import NOT_SIMULATED
from phasefield.viz.plots.lines import draw

if TYPE_CHECKING:
    from rich.console import Console

DOCS = Path("docs")
LEFT_OUT = (
    "cycling of PLL, PLLZ, LHCI, DLHCI, rising currents, copper, full cells, seeds, both electrodes, what made the "
    "difference, what is assumed"
)
CYCLING, IONOGELS, SEEDS, WHY, ASSUMED, BOTH = "cycling", "ionogels", "seeds", "difference", "assumed", "both"


def report(
    console: Console, out: Path, *, quick: bool = False, docs: bool = False, threads: int | None = None
) -> list[Experiment]:
    """Run what is not yet run below `out`, write the report there, and return its experiments.

    quick: without what LEFT_OUT names; docs: write docs/papers.md too. Raises PhasefieldError before any work if a
    folder is wrong; Interrupted, all runs resumable, when stopped.
    """
    if docs and not DOCS.is_dir():
        raise PhasefieldError(
            f"--docs: there is no folder {DOCS}/ here; run this at the root of the source tree"
        )
    if docs and quick:
        raise PhasefieldError("--docs: docs/papers.md holds all of it; leave --quick away")
    processors = api.check_threads(threads)
    flat = plan((*POLARISED, TAFEL), out, ())
    rising = plan(CRITICAL, out, ()) if not quick else []
    full = plan(FULL, out, ()) if not quick else []
    on_copper = plan(COPPER, out, ()) if not quick else []
    sown = seed_entries(out / SEEDS, out / CYCLING) if not quick else []
    otherwise = assumed_entries(out / ASSUMED) if not quick else []
    two = both_entries(out / BOTH) if not quick else []
    cycled = plan(GELS, out / IONOGELS, GEL_OVERRIDES) + difference_entries(out / WHY) if not quick else []
    _announce(console, [*flat, *rising, *full, *on_copper, *sown, *otherwise, *two, *cycled], processors)
    run_missing([*flat, *rising, *full, *on_copper], threads=threads, console=console)
    done = [spectra(out), polarisation(flat[:-1]), tafel(flat[-1]), temperature(), control()]
    if not quick:
        table = compare(CYCLED, out / CYCLING, threads=threads, console=console)
        done.append(cycling(table, f"{CYCLING}/{PICTURE}"))
        table = compare(GELS, out / IONOGELS, overrides=GEL_OVERRIDES, threads=threads, console=console)
        done += [ionogels(table, f"{IONOGELS}/{PICTURE}"), critical(rising), copper(on_copper), *full_cells(full)]
        run_missing([*sown, *otherwise, *two], threads=threads, console=console)
        done += [seeds(sown), both(two), difference(out / WHY, threads=threads, console=console)]
        done.append(assumed(otherwise, out / ASSUMED))
    for one in done:
        for plot in one.plots:
            draw(plot, out)
        _print(console, one)
    missing: Sequence[Missing] = NOT_SIMULATED
    write(done, missing, out)
    console.print(
        f"Measured, not simulated: {len(missing)} numbers, in the report with the reason",
        soft_wrap=True,
    )
    if quick:
        console.print(f"Left out by --quick: {LEFT_OUT}", soft_wrap=True)
    console.print(f"Report: {out / HTML}", soft_wrap=True)
    if docs:
        console.print(f"Written: {write_docs(done, missing, out, DOCS)}", soft_wrap=True)
    return done


def _announce(console: Console, entries: Sequence[Entry], threads: int) -> None:
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
        console.print(f"{one.name}: {one.shows}", soft_wrap=True, markup=False, highlight=False)
        return
    table = plain_table(
        "electrolyte", "quantity", "measured", "simulated", "off", "what it is", title=one.name
    )
    for row in one.rows:
        simulated = f"{number(row.simulated)} {row.unit}".strip()
        table.add_row(
            row.electrolyte, row.quantity, row.measured, simulated, off(row), what(row).replace("`", "")
        )
    console.print(table)
