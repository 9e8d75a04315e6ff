"""The command that fits an electrolyte to measured data."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
from phasefield.cli.study import HERE, Place, make_shown
from phasefield.errors import Interrupted

if TYPE_CHECKING:
    from rich.console import Console

    from phasefield.fitting.morphology.answer import PreparedMorphology
    from phasefield.studies.sweep.studyfile import StudyFile
    from phasefield.studies.sweep.table import Study

fits = typer.Typer()


@fits.command()
@gathered
def fit(
    name: Annotated[
        str, typer.Argument(metavar="FIT", help="A fit file (data, base case, ranges of unknowns), or a shipped fit.")
    ],
    out: Annotated[Path | None, typer.Option(help="Folder of the results.", show_default="fits/<fit>")] = None,
    place: Place = HERE,
    dry_run: DryRun = False,
    printing: Printing = PRINTING,
) -> None:
    """Fit an electrolyte to spectra, traces and a profile.

    An electrolyte file, what the data determine, and what would settle the rest. A profile takes a study of runs.

    \b
    phasefield fit fit.toml --dry-run   read data, base, priors; time of runs
    phasefield fit fit.toml             minutes, or the time of a profile's runs
    phasefield fit lfp                  a shipped fit: the papers' cathode
    """
    from phasefield.files.locks import folder_locked
    from phasefield.fitting.fit import make_fit, prepare_fit
    from phasefield.fitting.fitfile import read_fit
    from phasefield.fitting.morphology.answer import best_overrides, fit_morphology, prepare_morphology
    from phasefield.fitting.record import finished, inputs_digest
    from phasefield.fitting.shown import announce_fit, print_fit, write_fit

    place.check()
    fit_file = read_fit(name)
    prepared, shape = prepare_fit(fit_file), None if fit_file.design is None else prepare_morphology(fit_file)
    folder = Path("fits") / fit_file.name if out is None else out
    check_out(folder)
    console, again = printing.console(), _command(name, out, place)
    announce_fit(console, prepared, shape)
    if dry_run:
        return _announce_runs(shape, folder, place, console)
    files = [*(one.file for one in prepared.data), *([] if shape is None else [shape.surface.file])]
    digest, status = inputs_digest(fit_file, files), console.status("reading")

    def told(line: str) -> None:
        status.start()
        status.update(line)

    def make_runs(study: StudyFile) -> Study:
        status.stop()
        return _made(study, folder, place, console, again)

    try:
        with folder_locked(folder), telling_replaced(console):
            if (document := finished(folder, digest)) is not None:
                console.print(f"{folder} is finished: nothing has changed since.", soft_wrap=True)
            else:
                flat = make_fit(prepared, told) if prepared.forwards else None
                found = None if shape is None else fit_morphology(shape, best_overrides(flat), make_runs, told)
                document = write_fit(prepared, flat, found, digest, folder)
    except KeyboardInterrupt:
        raise Interrupted(f"{folder}: stopped, nothing was replaced; begin again with: {again}") from None
    finally:
        status.stop()
    print_fit(console, document, folder)
    if printing.json:
        print_json(document)


def _command(name: str, out: Path | None, place: Place) -> str:
    """Return the command that goes on with a fit."""
    return shlex.join(["phasefield", "fit", name, *(["--out", str(out)] if out is not None else []), *place.words])


def _made(study: StudyFile, folder: Path, place: Place, console: Console, command: str) -> Study:
    """Make the runs of a study below the folder of a fit, and return its table."""
    from phasefield.studies.sweep.shown import announce
    from phasefield.studies.sweep.study import errors_of, prepare, tabulate, where

    prepared = prepare(study, folder)
    how = where(prepared, place.scheduler, place.workers, place.unencrypted, place.threads)
    announce(console, prepared, how)
    tally = make_shown(prepared, how, console, command)
    return tabulate(prepared, errors_of(tally.ends) if tally is not None else None)


def _announce_runs(shape: PreparedMorphology | None, folder: Path, place: Place, console: Console) -> None:
    """Say how many runs a profile takes, and how long; without a profile there is nothing to run."""
    from phasefield.fitting.morphology.runs import DESIGN, confirming_runs, design_places, runs_at
    from phasefield.studies.sweep.shown import announce
    from phasefield.studies.sweep.study import prepare, where
    from phasefield.text.formatting import spell_wall

    if shape is None:
        return
    study = runs_at(shape.fit, DESIGN, design_places(shape.fit), 1, shape.case())
    prepared = prepare(study, folder)
    how = where(prepared, place.scheduler, place.workers, place.unencrypted, place.threads)
    announce(console, prepared, how)
    every = sum(one.seconds for _, one in prepared.points) / len(prepared.points)
    count = confirming_runs(shape.fit)
    more = spell_wall(count * every)
    console.print(f"then {count} runs at centre and edges of the posterior, about {more} of one core", soft_wrap=True)
    if shape.fit.files:
        console.print("the times are those of the base; the fitted values of the flat cell may change them")
