"""The command that runs parameter studies."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phasefield.cli.options import PRINTING, DryRun, Printing, Set, Threads, Workers, gathered, print_json
from phasefield.errors import Interrupted, PhasefieldError
from phasefield.text.formatting import print_text

if TYPE_CHECKING:
    from rich.console import Console

    from phasefield.studies.sweep.engine import Tally
    from phasefield.studies.sweep.study import Prepared, Where
    from phasefield.studies.sweep.table import Study

studies = typer.Typer()


@dataclass(frozen=True)
class Place:
    """Where the runs of a study are made: so many at once on this machine, or on a running Dask cluster."""

    threads: Threads = None
    workers: Workers = None
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Use a running Dask cluster, e.g. tls://10.0.0.1:8786.")
    ] = None
    unencrypted: Annotated[
        bool, typer.Option("--unencrypted", help="Take a scheduler without TLS: whoever reaches it acts as you.")
    ] = False

    def check(self) -> None:
        """Raise PhasefieldError for options that contradict each other."""
        if self.scheduler is not None and self.workers is not None:
            raise PhasefieldError("--workers: a running cluster has its own; give --scheduler or --workers")
        if self.scheduler is not None and self.threads is not None:
            raise PhasefieldError("--threads: a running cluster has its own; give --scheduler or --threads")
        if self.scheduler is None and self.unencrypted:
            raise PhasefieldError("--unencrypted: is said of a --scheduler; give its address, too")

    @property
    def words(self) -> list[str]:
        """Return the options that a command names to have its runs made there."""
        words = ["--threads", str(self.threads)] if self.threads is not None else []
        words += ["--workers", str(self.workers)] if self.workers is not None else []
        words += ["--scheduler", self.scheduler] if self.scheduler is not None else []
        return words + (["--unencrypted"] if self.unencrypted else [])


HERE = Place()


@studies.command()
@gathered
def study(
    name: Annotated[
        str | None, typer.Argument(metavar="STUDY", help="A study file or a shipped study; none: list them.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Parent of the study's folder; run folders are shared below it.")] = Path(
        "studies"
    ),
    set_: Set = None,
    place: Place = HERE,
    dry_run: DryRun = False,
    only_table: Annotated[
        bool, typer.Option("--tabulate", help="Run nothing; make table, figures and page of what has been run.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Make runs that failed again, too.")] = False,
    printing: Printing = PRINTING,
) -> None:
    """Run a parameter study: one table, figures, a page.

    All cores are used. What is already run is not run again. --dry-run prints the job script of a [cluster], too.

    \b
    phasefield study                                  the shipped studies
    phasefield study film-and-transference --dry-run  how many runs, how long
    phasefield study film-and-transference
    phasefield study my-study.toml --workers 1 --out mine
    phasefield study my-study.toml --scheduler tls://10.0.0.1:8786
    """
    from phasefield.files.locks import folder_locked
    from phasefield.studies.sweep.shown import announce
    from phasefield.studies.sweep.study import prepare, where
    from phasefield.studies.sweep.studyfile import read_study

    if name is None:
        _list()
        return
    place.check()
    prepared = prepare(read_study(name, tuple(set_ or [])), out, again)
    how = where(prepared, place.scheduler, place.workers, place.unencrypted, place.threads)
    console = printing.console()
    announce(console, prepared, how)
    if dry_run:
        _print_script(prepared)
        return
    words = ["phasefield", "study", name, *(["--out", str(out)] if out != Path("studies") else [])]
    for text in set_ or []:
        words += ["-s", text]
    with folder_locked(prepared.folder):
        tally = None if only_table else make_shown(prepared, how, console, shlex.join([*words, *place.words]))
        result = _finish(prepared, tally, console)
    if printing.json:
        print_json(result.rows)


def make_shown(prepared: Prepared, how: Where, console: Console, command: str) -> Tally | None:
    """Make the runs that are waiting; a study that is stopped has its table, too."""
    from phasefield.studies.sweep.shown import Board
    from phasefield.studies.sweep.study import run_waiting, tabulate

    if not prepared.waiting:
        return None
    try:
        if console.quiet:
            return run_waiting(prepared, how, lambda report: None)
        with Board(console, prepared) as board:
            return run_waiting(prepared, how, board)
    except Interrupted as error:
        tabulate(prepared)
        raise Interrupted(f"{error}; continue with: {command}") from None


def _finish(prepared: Prepared, tally: Tally | None, console: Console) -> Study:
    """Write table, figures and page, and say where they are."""
    from phasefield.studies.sweep.shown import print_study
    from phasefield.studies.sweep.study import errors_of, tabulate
    from phasefield.studies.sweep.table import TABLE

    result: Study = tabulate(prepared, errors_of(tally.ends) if tally is not None else None)
    made = draw_all(result)
    print_study(console, result, tally)
    console.print(f"Table: {prepared.folder / TABLE}", soft_wrap=True)
    for path in made:
        console.print(f"{'Page' if path.suffix == '.html' else 'Picture'}: {path}", soft_wrap=True)
    return result


def draw_all(result: Study) -> list[Path]:
    """Draw what the study's table allows, and write its page."""
    from phasefield.studies.sweep.page import write_study_page
    from phasefield.studies.sweep.pictures import draw_study

    pictures = draw_study(result)
    return [*pictures, write_study_page(result, pictures)]


def _list() -> None:
    import tomllib

    from phasefield.studies.sweep.studyfile import locate_study, shipped

    for name in shipped():
        title = tomllib.loads(locate_study(name).read_text(encoding="utf-8"))["title"]
        print_text(f"{name:24} {title}")


def _print_script(prepared: Prepared) -> None:
    """Print the job script of a [cluster]."""
    table = prepared.study.cluster
    if "cores" in table:
        import tempfile

        from phasefield.studies.sweep.cluster import slurm, tls_files

        files = tls_files(table, prepared.study.path.absolute().parent)
        with tempfile.TemporaryDirectory() as folder, slurm(table, files, Path(folder)) as cluster:
            print_text(cluster.job_script(), keep="\n")
