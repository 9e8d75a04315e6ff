"""The command's work: run what is missing, evaluate, draw, write."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from phasefield.compare import PICTURE, compare, plan, run_missing
from phasefield.errors import PhasefieldError
from phasefield.papers.control import control
from phasefield.papers.critical import CASES as CRITICAL
from phasefield.papers.critical import critical
from phasefield.papers.cycling import CASES as CYCLED
from phasefield.papers.cycling import cycling
from phasefield.papers.difference import difference
from phasefield.papers.ionogels import CASES as GELS
from phasefield.papers.ionogels import OVERRIDES as GEL_OVERRIDES
from phasefield.papers.ionogels import ionogels
from phasefield.papers.page import HTML, number, off, what, write, write_docs
from phasefield.papers.polarisation import CASES as POLARISED
from phasefield.papers.polarisation import polarisation
from phasefield.papers.row import Experiment, Missing
from phasefield.papers.seeds import entries as seed_entries
from phasefield.papers.seeds import seeds
from phasefield.papers.tafel import CASE as TAFEL
from phasefield.papers.tafel import tafel
from phasefield.papers.targets import NOT_SIMULATED
from phasefield.papers.temperature import temperature
from phasefield.report import plain_table
from phasefield.viz.lines import draw

if TYPE_CHECKING:
    from rich.console import Console

DOCS = Path("docs")
CYCLING, IONOGELS, SEEDS, WHY = "cycling", "ionogels", "seeds", "difference"  # folders


def report(
    console: Console, out: Path, *, quick: bool = False, docs: bool = False, threads: int | None = None
) -> list[Experiment]:
    """Run what is not yet run below `out`, write the report there, and return its experiments.

    quick: without cycling, rising currents, seeds and what made the difference; docs: write docs/papers.md too.
    Raises PhasefieldError before any work if a folder is wrong; Interrupted, all runs resumable, when stopped.
    """
    if docs and not DOCS.is_dir():
        raise PhasefieldError(
            f"--docs: there is no folder {DOCS}/ here; run this at the root of the source tree"
        )
    if docs and quick:
        raise PhasefieldError("--docs: docs/papers.md holds all of it; leave --quick away")
    flat = plan((*POLARISED, TAFEL), out, ())
    rising = plan(CRITICAL, out, ()) if not quick else []
    if not quick:
        plan(CYCLED, out / CYCLING, ())
        plan(GELS, out / IONOGELS, GEL_OVERRIDES)
    run_missing([*flat, *rising], threads=threads, console=console)
    done = [polarisation(flat[:-1]), tafel(flat[-1]), temperature(), control()]
    if not quick:
        table = compare(CYCLED, out / CYCLING, threads=threads, console=console)
        done.append(cycling(table, f"{CYCLING}/{PICTURE}"))
        table = compare(GELS, out / IONOGELS, overrides=GEL_OVERRIDES, threads=threads, console=console)
        done += [ionogels(table, f"{IONOGELS}/{PICTURE}"), critical(rising)]
        sown = seed_entries(out / SEEDS, out / CYCLING)
        run_missing(sown, threads=threads, console=console)
        done += [seeds(sown), difference(out / WHY, threads=threads, console=console)]
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
        console.print(
            "Left out by --quick: cycling of PLL, PLLZ, LHCI, DLHCI, rising currents, seeds, what made the difference",
            soft_wrap=True,
        )
    console.print(f"Report: {out / HTML}", soft_wrap=True)
    if docs:
        console.print(f"Written: {write_docs(done, missing, out, DOCS)}", soft_wrap=True)
    return done


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
