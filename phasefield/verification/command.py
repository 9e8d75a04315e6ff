"""The command's work: run the checks, print the rows of each, draw, store, and write the page of the docs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from phasefield import api
from phasefield.errors import PhasefieldError
from phasefield.simulation.progress import compilation_ahead
from phasefield.text.formatting import plain_table, spell_wall
from phasefield.verification.record import PAGE, entry_of, read_entries, texts, write_entries, write_page
from phasefield.verification.registry import CheckOutcome, checks, chosen, expected_seconds, run_in_turn
from phasefield.verification.row import Check
from phasefield.viz.plots.lines import draw

if TYPE_CHECKING:
    from rich.console import Console

DOCS = Path("docs")


def print_list(console: Console) -> None:
    """Print the checks there are, and how long they take."""
    table = plain_table("check", "fast", "full", "what it does")
    table.columns[-1].justify = "left"
    for check in checks():
        table.add_row(check.name, *(spell_wall(s) if s > 0.0 else "-" for s in check.seconds), check.says)
    console.print(table)


def run_checks(
    console: Console,
    only: Sequence[str] = (),
    full: bool = False,
    out: Path = Path("verification"),
    docs: bool = False,
    threads: int | None = None,
    every: Sequence[Check] | None = None,
) -> list[CheckOutcome]:
    """Run the chosen checks and return their outcomes; figures, table and JSON go into `out`.

    docs: write docs/verification.md, from all that is in `out`; every: the checks to choose from, all by default.
    Raises PhasefieldError before any work if a name or a folder is wrong.
    """
    every = checks() if every is None else every
    wanted = chosen(every, only, full)
    _check_folders(out, docs)
    cores = api.check_threads(threads if threads or full else 1)
    seconds = expected_seconds(wanted, full)
    plural = "s" if len(wanted) != 1 else ""
    after = f", after {ahead}" if (ahead := compilation_ahead()) else ""
    console.print(
        f"{len(wanted)} check{plural}: about {spell_wall(seconds)} on two cores{after}", soft_wrap=True
    )
    entries, done = read_entries(out), list[CheckOutcome]()
    started = 0.0

    def begin(k: int, check: Check) -> None:
        nonlocal started
        left = spell_wall(max(seconds - started, 0.0))
        started += check.seconds[1 if full else 0]
        console.print(
            f"[{k + 1}/{len(wanted)}] {check.name}: {check.says} ({left} left)", soft_wrap=True
        )

    with api.threads_limited(cores):
        for outcome in run_in_turn(wanted, full, begin):
            done.append(outcome)
            _print_rows(console, outcome)
            entries[outcome.check.name] = entry_of(outcome, cores)
            for plot in outcome.result.plots:
                draw(plot, out)
            write_entries(out, entries)
    rows = [row for outcome in done for row in outcome.result.rows]
    passed = sum(row.passed for row in rows)
    took = spell_wall(sum(outcome.seconds for outcome in done))
    console.print(
        f"{passed} of {len(rows)} rows passed in {took}. Figures, table and JSON: {out}"
    )
    if docs:
        console.print(f"Written: {write_page(DOCS, out, every, entries)}")
    return done


def _check_folders(out: Path, docs: bool) -> None:
    if docs and not DOCS.is_dir():
        raise PhasefieldError(
            f"--docs: there is no folder {DOCS}/ here; run this at the root of the source tree"
        )
    if out.exists() and not out.is_dir():
        raise PhasefieldError(f"--out {out}: is no folder; choose another")


def _print_rows(console: Console, outcome: CheckOutcome) -> None:
    table = plain_table("what", "against", "expected", "measured", "error", "tolerance", "passed")
    table.columns[1].justify = "left"
    for row in outcome.result.rows:
        table.add_row(*texts(row), "yes" if row.passed else "NO")
    console.print(table)
    for row in outcome.failed:
        console.print(f"failed: {row.what}; the tolerance: {row.why}", soft_wrap=True)


__all__ = ["DOCS", "PAGE", "print_list", "run_checks"]
