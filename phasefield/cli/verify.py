"""The command that holds the program against what it did not make."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from phasefield.cli.options import THREADS, Json, Quiet, console_of, telling_replaced
from phasefield.text.formatting import print_text

verifying = typer.Typer()


@verifying.command()
def verify(
    only: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Run this check alone; may be repeated.")
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="All combinations, at the resolution of the docs.")
    ] = False,
    list_: Annotated[bool, typer.Option("--list", help="Name the checks and their times; run none.")] = False,
    out: Annotated[Path, typer.Option(help="Folder of the figures, the table and the JSON.")] = Path(
        "verification"
    ),
    docs: Annotated[
        bool, typer.Option("--docs", help="Write docs/verification.md from what is in the folder then.")
    ] = False,
    threads: Annotated[
        int | None, typer.Option(help=THREADS, show_default="one, for cells are small; all with --full")
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Hold the program against closed forms and balances.

    Exit code 1 if a row fails.

    \b
    phasefield verify                                 the fast set
    phasefield verify --list
    phasefield verify --only waves --full --out mine  one check, all combinations
    """
    from phasefield.verification.command import print_list, run_checks
    from phasefield.verification.record import JSON

    console = console_of(quiet, json)
    if list_:
        print_list(console)
        return
    with telling_replaced(console):
        outcomes = run_checks(console, only or [], full, out, docs, threads)
    if json:
        print_text((out / JSON).read_text(encoding="utf-8").rstrip(), keep="\n")
    failed = [outcome.check.name for outcome in outcomes if not outcome.passed]
    if failed:
        print_text(f"did not pass: {', '.join(failed)}", err=True)
        raise typer.Exit(1)
