"""The command that fits an electrolyte to measured data."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from phasefield.cli.options import (
    PRINTING,
    DryRun,
    Printing,
    check_out,
    gathered,
    print_json,
    telling_replaced,
)
from phasefield.errors import Interrupted

fits = typer.Typer()


@fits.command()
@gathered
def fit(
    name: Annotated[
        str, typer.Argument(metavar="FIT", help="A fit file (data, base case, ranges of unknowns), or a shipped fit.")
    ],
    out: Annotated[Path | None, typer.Option(help="Folder of the results.", show_default="fits/<fit>")] = None,
    dry_run: DryRun = False,
    printing: Printing = PRINTING,
) -> None:
    """Fit an electrolyte to spectra and traces.

    An electrolyte file, what the data determine, and what would settle the rest.

    \b
    phasefield fit fit.toml --dry-run   read data, base and priors
    phasefield fit fit.toml             a minute or two, into fits/fit
    phasefield fit lfp                  a shipped fit: the papers' cathode
    """
    from phasefield.files.locks import folder_locked
    from phasefield.fitting.fit import make_fit, prepare_fit
    from phasefield.fitting.fitfile import read_fit
    from phasefield.fitting.record import finished, inputs_digest
    from phasefield.fitting.shown import announce_fit, print_fit, write_fit

    prepared = prepare_fit(read_fit(name))
    folder = Path("fits") / prepared.fit.name if out is None else out
    check_out(folder)
    console = printing.console()
    announce_fit(console, prepared)
    if dry_run:
        return
    digest = inputs_digest(prepared.fit, prepared.data, prepared.forwards[0])
    try:
        with folder_locked(folder):
            document = finished(folder, digest)
            if document is not None:
                console.print(f"{folder} is finished: nothing has changed since.", soft_wrap=True)
            else:
                with console.status("reading") as status, telling_replaced(console):
                    document = write_fit(make_fit(prepared, status.update), digest, folder)
    except KeyboardInterrupt:
        command = shlex.join(["phasefield", "fit", name, *(["--out", str(out)] if out is not None else [])])
        raise Interrupted(f"{folder}: stopped, nothing was replaced; begin again with: {command}") from None
    print_fit(console, document, folder)
    if printing.json:
        print_json(document)
