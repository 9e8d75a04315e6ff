"""The commands. They read arguments, call the library and print; no physics, no numbers of their own.

Exit codes: 0 good; 1 the run failed; 2 the input is wrong, nothing was written; 75 stopped, resumable.
Everything heavy is imported inside the commands, so that `--help` is quick.
"""

from __future__ import annotations

import math
import os
import shlex
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from phasefield.cli.experiments import experiments
from phasefield.cli.fit import fits
from phasefield.cli.measured import measuring
from phasefield.cli.options import (
    MAKING,
    PRINTING,
    CaseName,
    Json,
    Making,
    Overwrite,
    Printing,
    Quiet,
    Set,
    Threads,
    console_of,
    gathered,
    given_quantity,
    print_json,
    telling_replaced,
)
from phasefield.cli.profile import profiling
from phasefield.cli.stored import stored
from phasefield.cli.study import studies
from phasefield.cli.verify import verifying
from phasefield.cli.view import viewing
from phasefield.constants import VERSION
from phasefield.errors import DiskFullError, Interrupted, PhasefieldError, SolverError, one_line
from phasefield.machine.memory import address_space
from phasefield.machine.threads import check_environment, set_threads
from phasefield.text.formatting import print_text

if TYPE_CHECKING:
    from phasefield.case import Case
    from phasefield.simulation.driver import Driver, Outcome

GOOD, FAILED, BAD_INPUT, RESUMABLE = 0, 1, 2, 75  # 75: EX_TEMPFAIL of sysexits.h

Cases = Annotated[
    list[str], typer.Argument(metavar="CASE...", help="Case files, shipped cases or run folders.")
]

app = typer.Typer(
    name="phasefield",
    help="Lithium dendrites from a case file: run, compare, look.\n\n"
    "Begin with:  phasefield compare pll pllz",
    epilog="Exit codes: 0 good, 1 the run failed, 2 wrong input (nothing written), 75 stopped and resumable. "
    "--debug anywhere shows the traceback of an error.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command and end the program with its exit code; one line says what went wrong."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    try:
        app(args=[word for word in given if word != "--debug"], prog_name="phasefield")
    except Exception as error:
        if debug:
            traceback.print_exc()
        text, code = _verdict(error)
        with suppress(OSError):  # a terminal that has gone
            print_text(text, err=True)
        sys.exit(code)
    sys.exit(GOOD)


def _verdict(error: Exception) -> tuple[str, int]:
    """Return the line about an error, and the exit code."""
    if isinstance(error, Interrupted):
        return str(error), RESUMABLE
    if isinstance(error, PhasefieldError):
        return str(error), FAILED if isinstance(error, SolverError | RunError | DiskFullError) else BAD_INPUT
    if isinstance(error, OSError) and error.filename is not None:
        return one_line(f"{error.filename}: {error.strerror or error}"), FAILED
    if isinstance(error, MemoryError | ImportError | OSError) and address_space() < math.inf:  # numba's libraries, too
        return (
            f"ulimit -v: {address_space() / 1e6:.0f} MB are too few for this ({one_line(str(error), 120)}); "
            "try `ulimit -v unlimited`"
        ), BAD_INPUT
    if isinstance(error, MemoryError):
        return "out of memory; take a larger spacing or a smaller box", FAILED
    if isinstance(error, OSError):
        return one_line(str(error.strerror or error or type(error).__name__)), FAILED
    name = one_line(f"{type(error).__name__}: {error}", 200)
    return f"this is a bug ({name}); run the same command with --debug and report it", FAILED


class RunError(PhasefieldError):
    """An error of a run that had begun: its folder holds what was reached."""


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        print_text(f"phasefield {VERSION}")
    elif context.invoked_subcommand is None:
        print_text(context.get_help(), keep="\n")
    else:
        check_environment()


@app.command()
def run(
    case: CaseName,
    out: Annotated[Path | None, typer.Option(help="Run folder.", show_default="runs/<case>")] = None,
    set_: Set = None,
    threads: Threads = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in the folder.")] = False,
    overwrite: Overwrite = False,
    walltime: Annotated[
        str | None, typer.Option(metavar="TIME", help='Save and stop after this time, e.g. "55 min".')
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Run a case.

    \b
    phasefield run pllz                        a shipped case, into runs/pllz
    phasefield run my.toml -s protocol.repeat=10 --out test
    phasefield run pllz --resume               go on after a stop
    """
    from phasefield import api, units
    from phasefield.check import explain
    from phasefield.cli.tables import print_run
    from phasefield.files.locks import folder_locked
    from phasefield.machine.compilation import watched
    from phasefield.machine.processes import PROGRESS
    from phasefield.simulation.progress import display
    from phasefield.text.formatting import console_for

    resolved = api.read_case(case, set_ or [])
    folder = out if out is not None else api.default_folder(resolved)
    seconds = None if walltime is None else given_quantity("--walltime", walltime, units.TIME)
    console = console_for()
    progress = "none" if quiet else os.environ.get(PROGRESS, "auto")
    resolved = api.case_to_resume(resolved, folder) if resume else resolved
    if resume and api.is_finished(resolved, folder):
        _say_finished(folder, console, quiet)
        return
    loud = progress not in ("none", "json")
    command = _command(case, out, set_, threads)
    shown = display(progress, console, set_threads)
    most = api.check_threads(threads, resolved.grid.cells)
    with folder_locked(folder) if folder.is_dir() else nullcontext():  # who runs it is said before what is wrong
        api.check_folder(folder, resume, overwrite)
    with _stoppable(folder, command), folder_locked(folder), api.logged(folder), api.threads_limited(most):
        if loud:
            _announce(resolved, api.expected_threads(threads, resolved.grid.cells), console)
        with shown, watched(shown.compiling):
            driver = api.prepare_run(resolved, folder, resume, overwrite, shown, seconds)
            driver.before_step = api.IdleThreads(most) if threads is None else None
            outcome = _made(driver, command)
    if loud:
        with api.open_run(folder) as stored:
            print_run(console, stored, explain(resolved))
    if not outcome.good:
        raise RunError(f"{folder}: the run failed: {outcome.text}")


def _say_finished(folder: Path, console: Any, quiet: bool) -> None:
    """Say that a run is finished. Raises ResultError if it is damaged."""
    from phasefield.api import open_run
    from phasefield.results.damage import check_whole

    with open_run(folder) as stored:
        check_whole(stored)
    if not quiet:
        console.print(f"{folder} is finished: there is nothing left to do.")


def _made(driver: Driver, command: str) -> Outcome:
    """Make a run; an error that it ends with says that it had begun, and how it goes on."""
    try:
        return driver.run()
    except Interrupted as error:
        raise Interrupted(f"{error}; continue with: {command}") from None
    except DiskFullError:  # `_stoppable` says how it goes on
        raise
    except PhasefieldError as error:
        raise RunError(str(error)) from error


@contextmanager
def _stoppable(folder: Path, command: str) -> Iterator[None]:
    """Make signals outside the time loop, which handles them itself, end the program in order; a full disk, too."""

    from phasefield.machine.processes import stop_signals

    def stop(number: int) -> NoReturn:
        raise KeyboardInterrupt(signal.Signals(number).name)

    try:
        with stop_signals(stop):
            yield
    except KeyboardInterrupt:
        raise Interrupted(f"stopped before the first step; {_next(folder, command)}") from None
    except DiskFullError as error:
        raise RunError(f"{error}; then {_next(folder, command)}") from error


def _next(folder: Path, command: str) -> str:
    """Return the words on how a run goes on that has been stopped: only a checkpoint can be resumed."""
    from phasefield.results.checkpoint import has_checkpoint

    if has_checkpoint(folder):
        return f"continue with: {command}"
    return f"start again with: {command.removesuffix(' --resume')}"


def _command(case: str, out: Path | None, overrides: list[str] | None, threads: int | None) -> str:
    """Return the command that continues this run."""
    words = ["phasefield", "run", case]
    words += ["--out", str(out)] if out is not None else []
    for text in overrides or []:
        words += ["-s", text]
    words += ["--threads", str(threads)] if threads is not None else []
    return shlex.join([*words, "--resume"])


def _announce(case: Case, threads: int, console: Any) -> None:
    """Say what is run and what it will cost."""
    z, y, x = case.grid.shape
    size = f"{x} x {y} x {z}" if case.grid.ndim == 3 else f"{x} x {z}"
    from phasefield.check import regime
    from phasefield.simulation.progress import compilation_ahead

    found = {one.name: one for one in regime(case, threads)}
    cost = f"about {found['steps'].text} steps, {found['wall time'].text}" if "wall time" in found else ""
    parts = [f"{size} cells", f"{threads} thread{'s' if threads > 1 else ''}", cost]
    console.print(f"{case.title}: {', '.join(part for part in parts if part)}", soft_wrap=True)
    if ahead := compilation_ahead():
        console.print(f"First: {ahead}", soft_wrap=True)
    for one in found.values():
        if one.warning:
            console.print(f"warning: {one.name.strip()} = {one.text}: {one.words}", soft_wrap=True)


@app.command()
def check(case: CaseName, set_: Set = None, json: Json = False, quiet: Quiet = False) -> None:
    """Validate a case and say what to expect of it.

    Voltage, what rules it, grid, roughness, steps and time; with warnings.

    \b
    phasefield check pllz
    phasefield check my.toml -s grid.spacing="2 um"
    """
    from phasefield.api import expected_threads, locate_case, read_case
    from phasefield.check import findings_document, print_regime, regime

    resolved = read_case(case, set_ or [])
    found = regime(resolved, expected_threads(None, resolved.grid.cells))
    print_regime(console_of(quiet or json), resolved, found, locate_case(case))
    if json:
        print_json(findings_document(resolved, found))


@app.command()
@gathered
def compare(
    given: Cases,
    out: Annotated[Path, typer.Option(help="Folder of the run folders, the picture and the table.")] = Path(
        "runs"
    ),
    set_: Set = None,
    seeds: Annotated[int, typer.Option(min=1, help="Seeds of surface and film a case, its own first.")] = 1,
    making: Making = MAKING,
    overwrite: Overwrite = False,
    printing: Printing = PRINTING,
) -> None:
    """Run cases side by side, then draw and tabulate them together.

    Finished runs are used again, stopped ones are continued.

    \b
    phasefield compare pll pllz                    the main job: about 5 minutes
    phasefield compare pll pllz -s protocol.repeat=20 --out short
    phasefield compare pll pllz --seeds 4          means with their bands
    phasefield compare runs/pll runs/uniform-film  stored runs, as they are
    """
    from phasefield.studies.compare import announce_runs, compare_runs, plan, print_rows, sow

    console = printing.console()
    if making.dry_run:
        with tempfile.TemporaryDirectory() as folder:
            entries = plan(given, out, set_ or [])
            others = [replace(one, folder=out / one.name) for more in sow(entries, seeds, Path(folder)) for one in more]
            announce_runs(console, [*entries, *others], making.threads)
        return
    words = ["phasefield", "compare", *given, *(["--out", str(out)] if out != Path("runs") else [])]
    for text in set_ or []:
        words += ["-s", text]
    words += ["--seeds", str(seeds)] if seeds > 1 else []
    words += ["--threads", str(making.threads)] if making.threads is not None else []
    words += ["--workers", str(making.workers)] if making.workers is not None else []
    try:
        with telling_replaced(console):
            rows = compare_runs(
                given, out, overrides=set_ or [], threads=making.threads, workers=making.workers, overwrite=overwrite,
                seeds=seeds, console=None if printing.quiet else console,
            )  # fmt: skip
    except Interrupted as error:
        raise Interrupted(f"{error}; continue with: {shlex.join(words)}") from None
    print_rows(console, rows, out)
    if printing.json:
        print_json(rows)


app.add_typer(experiments)
app.add_typer(stored)
app.add_typer(studies)
app.add_typer(fits)
app.add_typer(profiling)
app.add_typer(measuring)
app.add_typer(viewing)
app.add_typer(verifying)
