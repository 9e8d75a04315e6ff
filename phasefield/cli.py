"""The commands. They read arguments, call the library and print; no physics, no numbers of their own.

Exit codes: 0 good; 1 the run failed; 2 the input is wrong, nothing was written; 75 stopped, resumable.
Everything heavy is imported inside the commands, so that `--help` is quick.
"""

from __future__ import annotations

import os
import shlex
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from phasefield import __version__
from phasefield.errors import Interrupted, PhasefieldError, SolverError, one_line

if TYPE_CHECKING:
    from phasefield.case import Case

GOOD, FAILED, BAD_INPUT, RESUMABLE = 0, 1, 2, 75  # 75: EX_TEMPFAIL of sysexits.h

Cases = Annotated[list[str], typer.Argument(metavar="CASE...", help="Case files, shipped cases or run folders.")]
CaseName = Annotated[str, typer.Argument(metavar="CASE", help="A case file, or a shipped case such as pllz.")]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.")]
Set = Annotated[
    list[str] | None, typer.Option("-s", "--set", metavar="KEY=VALUE", help="Override a value; may be repeated.")
]
Threads = Annotated[int | None, typer.Option(help="Processors to use; all by default. Results do not depend on it.")]
FrameNumber = Annotated[int, typer.Option(help="Stored frame, counted from 0; -1 is the last.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a run that is in the folder.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]

app = typer.Typer(
    name="phasefield",
    help="Lithium dendrites from a case file: run, compare, look.\n\n"
    "Begin with:  phasefield compare pll pllz",
    epilog="Exit codes: 0 good, 1 the run failed, 2 wrong input (nothing written), 75 stopped and resumable. "
    "--debug anywhere shows the traceback of an error.",
    no_args_is_help=True,
    add_completion=False,
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
    except PhasefieldError as error:
        _say(str(error))
        code = _code_of(error)
    except KeyboardInterrupt:
        _say("stopped")
        code = 128 + signal.SIGINT
    except MemoryError:
        _say("out of memory; take a larger spacing or a smaller box")
        code = FAILED
    except Exception as error:
        if debug:
            traceback.print_exc()
        how = f"{type(error).__name__}: {error}"
        _say(f"this is a bug ({one_line(how, 200)}); run the same command with --debug and report it")
        code = FAILED
    else:
        code = GOOD
    if debug and sys.exc_info()[0] is None and code not in (GOOD, RESUMABLE) and _last is not None:
        traceback.print_exception(_last)
    sys.exit(code)


_last: BaseException | None = None


def _say(text: str) -> None:
    """Write one line to stderr, as it is."""
    global _last
    _last = sys.exc_info()[1]
    sys.stderr.write(f"{text}\n")


def _code_of(error: PhasefieldError) -> int:
    if isinstance(error, Interrupted):
        return RESUMABLE
    return FAILED if isinstance(error, SolverError | RunError) else BAD_INPUT


class RunError(PhasefieldError):
    """An error of a run that had begun: its folder holds what was reached."""


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
    if version:
        typer.echo(f"phasefield {__version__}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


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
    progress: Annotated[str, typer.Option(hidden=True)] = "auto",
) -> None:
    """Run a case.

    \b
    phasefield run pllz                                    a shipped case, into runs/pllz
    phasefield run my.toml -s protocol.repeat=10 --out test
    phasefield run pllz --resume                           go on after a stop
    """
    from phasefield import api
    from phasefield.display import display
    from phasefield.report import console_for, print_run

    resolved = api.read_case(case, set_ or [])
    folder = out if out is not None else api.default_folder(resolved)
    seconds = None if walltime is None else _seconds(walltime)
    api.check_threads(threads)
    console = console_for()
    if quiet:
        progress = "none"
    if resume and api.is_finished(resolved, folder):
        if not quiet:
            console.print(f"{folder} is finished: there is nothing left to do.")
        return
    loud = progress not in ("none", "json")
    command = _command(case, out, set_, threads)
    shown = display(progress, console)  # type: ignore[arg-type]
    with api.threads_limited(threads), api.logged(folder), _stoppable(folder, command):
        if loud:
            _announce(resolved, api.check_threads(threads), console)
        with shown:
            driver = api.prepare(resolved, folder, resume, overwrite, shown, seconds)
            try:
                outcome = driver.run()
            except Interrupted as error:
                raise Interrupted(f"{error}; continue with: {command}") from None
            except PhasefieldError as error:
                raise RunError(str(error)) from error
    if loud:
        with api.open_run(folder) as stored:
            print_run(console, stored)
    if not outcome.good:
        raise RunError(f"{folder}: the run failed: {outcome.text}")


@contextmanager
def _stoppable(folder: Path, command: str) -> Iterator[None]:
    """Make SIGTERM and Ctrl-C outside the time loop, which handles them itself, end the program in order."""

    def stop(number: int, _: Any) -> NoReturn:
        raise KeyboardInterrupt(signal.Signals(number).name)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except KeyboardInterrupt:
        from phasefield.checkpoint import CHECKPOINTS

        saved = any((folder / name).exists() for name in CHECKPOINTS)
        again = command if saved else command.removesuffix(" --resume")
        raise Interrupted(f"stopped before the first step; start again with: {again}") from None
    finally:
        signal.signal(signal.SIGTERM, before)


def _command(case: str, out: Path | None, overrides: list[str] | None, threads: int | None) -> str:
    """Return the command that continues this run."""
    words = ["phasefield", "run", case]
    words += ["--out", str(out)] if out is not None else []
    for text in overrides or []:
        words += ["-s", text]
    words += ["--threads", str(threads)] if threads is not None else []
    return shlex.join([*words, "--resume"])


def _seconds(text: str) -> float:
    """Return a wall time in seconds."""
    from phasefield import units

    try:
        return units.to_si(text, units.TIME)
    except units.UnitError as error:
        raise PhasefieldError(f"--walltime: {error}") from None


def _announce(case: Case, threads: int, console: Any) -> None:
    """Say what is run and what it will cost."""
    z, y, x = case.grid.shape
    size = f"{x} x {y} x {z}" if case.grid.ndim == 3 else f"{x} x {z}"
    console.print(f"[bold]{case.title}[/]: {size} cells, {threads} threads", soft_wrap=True)


@app.command()
def compare(
    given: Cases,
    out: Annotated[Path, typer.Option(help="Folder of the run folders, the picture and the table.")] = Path("runs"),
    set_: Set = None,
    threads: Threads = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Run cases side by side, then draw and tabulate them together.

    Finished runs are used again, stopped ones are continued.

    \b
    phasefield compare pll pllz                            the main job: about 5 minutes
    phasefield compare pll pllz -s protocol.repeat=20 --out short
    phasefield compare runs/pll runs/uniform-film          stored runs, as they are
    """
    from phasefield.compare import compare as compare_cases
    from phasefield.compare import print_rows
    from phasefield.report import console_for

    console = console_for()
    words = ["phasefield", "compare", *given, *(["--out", str(out)] if out != Path("runs") else [])]
    for text in set_ or []:
        words += ["-s", text]
    words += ["--threads", str(threads)] if threads is not None else []
    try:
        rows = compare_cases(
            given,
            out,
            overrides=set_ or [],
            threads=threads,
            overwrite=overwrite,
            console=None if quiet else console,
        )
    except Interrupted as error:
        raise Interrupted(f"{error}; continue with: {shlex.join(words)}") from None
    if not quiet:
        print_rows(console, rows, out)


@app.command()
def roughness(
    folder: RunFolder,
    frame: FrameNumber = -1,
    level: Annotated[
        bool | None, typer.Option("--level/--raw", help="Only with, or only without, the plane taken off.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, in SI units.")] = False,
) -> None:
    """Print the ISO 25178 texture of a stored surface.

    \b
    phasefield roughness runs/pllz
    phasefield roughness runs/pllz --frame 0 --json
    """
    from phasefield.api import open_run
    from phasefield.display import spell
    from phasefield.report import console_for, print_texture
    from phasefield.roughness import texture

    with open_run(folder) as stored:
        number = _frame(stored, frame)
        periodic = 'lateral = "mirror"' not in stored.resolved_case
        ways = {"raw": False, "levelled": True}
        textures = {
            name: texture(stored.heights[number], stored.spacing, periodic=periodic, level=way)
            for name, way in ways.items()
            if level is None or way == level
        }
        time = float(stored.times[number])
        title = stored.title
    if json:
        from json import dumps

        figures = {name: figure.as_dict() for name, figure in textures.items()}
        typer.echo(dumps({"title": title, "frame": number, "time": time, **figures}, indent=2))
    else:
        print_texture(console_for(), f"{title}, at {spell(time)}", textures)


def _frame(stored: Any, frame: int) -> int:
    """Return the index of a stored frame, or say which there are."""
    n = stored.n_frames
    if not -n <= frame < n:
        there = f"it holds frames 0 to {n - 1}" if n else "it holds no frame yet"
        raise PhasefieldError(f"{stored.path}: there is no frame {frame}; {there}")
    return int(frame % n)


@app.command()
def render(
    folder: RunFolder,
    out: Annotated[Path | None, typer.Option(help="Folder of the pictures.", show_default="the run folder")] = None,
    frame: FrameNumber = -1,
) -> None:
    """Draw a stored run: its surface, the profiler's plate, a section, and voltage and roughness over time.

    \b
    phasefield render runs/pllz
    phasefield render runs/pllz --frame 0 --out pictures
    """
    from phasefield.api import open_run
    from phasefield.viz.plate import plate
    from phasefield.viz.section import cross_section
    from phasefield.viz.series import series
    from phasefield.viz.stored import has_field, is_flat_run
    from phasefield.viz.surface import surface

    with open_run(folder) as stored:
        number = _frame(stored, frame)
        place = folder if out is None else out
        made = []
        if not is_flat_run(stored):
            made.append(surface(stored, place / "surface.png", number))
        if has_field(stored, "xi"):
            made.append(cross_section(stored, place / "section.png", number))
            made.append(plate(stored, place / "plate.png", number))
        made.append(series(stored, place / "series.png"))
    for path in made:
        typer.echo(path)


@app.command()
def cases(
    copy: Annotated[str | None, typer.Option(metavar="NAME", help="Copy this case, to edit it.")] = None,
    to: Annotated[Path, typer.Option(metavar="DIR", help="Where to copy to.")] = Path("."),
) -> None:
    """List the shipped cases, or copy one.

    \b
    phasefield cases
    phasefield cases --copy pllz --to mine
    """
    from phasefield import cases as shipped
    from phasefield.report import console_for, print_cases

    if copy is None:
        print_cases(console_for(), shipped.titles())
    else:
        typer.echo(shipped.copy(copy, to))


@app.command()
def export(folder: RunFolder) -> None:
    """Write result.xdmf (for ParaView up to 5.11) and series.csv into the run folder.

    \b
    phasefield export runs/pllz
    """
    from phasefield.api import open_run
    from phasefield.export import export_run

    with open_run(folder) as stored:
        for path in export_run(stored):
            typer.echo(path)


@app.command()
def reference() -> None:
    """Print the reference of the case file, as Markdown."""
    from phasefield.casefile import reference_markdown

    typer.echo(reference_markdown())
