"""The arguments and options that several commands have: one word and one sentence for each."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from phasefield.errors import PhasefieldError
from phasefield.files.atomic import replaced_files
from phasefield.text.formatting import console_for, print_text

if TYPE_CHECKING:
    from rich.console import Console

    from phasefield.units import Kind

CaseName = Annotated[str, typer.Argument(metavar="CASE", help="A case file, or a shipped case such as pllz.")]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.")]
Set = Annotated[
    list[str] | None,
    typer.Option("-s", "--set", metavar="KEY=VALUE", help="Override a value; may be repeated."),
]
Frame = Annotated[int, typer.Option(help="Stored frame, counted from 0; -1 is the last.")]
THREADS = "Processors to use. Results do not depend on it."
Threads = Annotated[int | None, typer.Option(help=THREADS, show_default="the idle ones")]
Workers = Annotated[
    int | None, typer.Option(help="Runs at once on this machine.", show_default="one a core, as memory allows")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a run that is in the folder.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be run, and how long it takes; run nothing.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, in SI units.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]


@dataclass(frozen=True)
class Making:
    """How many runs are made at once, on how many processors, or none."""

    threads: Threads = None
    workers: Workers = None
    dry_run: DryRun = False


@dataclass(frozen=True)
class Printing:
    """What a command prints: its tables, JSON on stdout and its tables on stderr, or nothing."""

    json: Json = False
    quiet: Quiet = False

    def console(self) -> Console:
        """Return the console of the command."""
        return console_of(self.quiet, self.json)


MAKING, PRINTING = Making(), Printing()


def gathered(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command as typer reads it: a parameter that is a dataclass becomes one option for each of its fields.

    The fields are annotated as options are. Their options stand in the place of the parameter.
    """
    parameters: list[inspect.Parameter] = []
    records: dict[str, Any] = {}
    for one in inspect.signature(command, eval_str=True).parameters.values():
        if not is_dataclass(one.annotation):
            parameters.append(one)
            continue
        records[one.name] = one.annotation
        hints = get_type_hints(one.annotation, include_extras=True)
        for field in fields(one.annotation):
            parameters.append(one.replace(name=field.name, default=field.default, annotation=hints[field.name]))

    @wraps(command)
    def apart(**given: Any) -> None:
        made = {name: record(**{f.name: given.pop(f.name) for f in fields(record)}) for name, record in records.items()}
        command(**given, **made)

    apart.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return apart


def console_of(quiet: bool, json: bool = False) -> Console:
    """Return the console of a command: silent with -q; beside JSON on stdout it is stderr."""
    return console_for(stderr=json, quiet=quiet)


def print_json(content: Any) -> None:
    """Print a result as JSON."""
    from json import dumps

    print_text(dumps(content, indent=2), keep="\n")


def given_quantity(option: str, text: str, kind: Kind) -> float:
    """Return what an option gives, in SI. Raises PhasefieldError for another unit."""
    from phasefield import units

    try:
        return units.to_si(text, kind)
    except units.UnitError as error:
        raise PhasefieldError(f"{option}: {error}") from None


def given_area(option: str, text: str) -> float:
    """Return the area of an electrode that an option gives, m^2. Raises PhasefieldError for what is none."""
    from phasefield.units import AREA

    value = given_quantity(option, text, AREA)
    if not AREA.low <= value <= AREA.high:
        raise PhasefieldError(f"{option} {text}: give an area of an electrode, such as {AREA.example}")
    return value


def check_out(out: Path) -> None:
    """Raise PhasefieldError if the folder of --out is something else."""
    if out.exists() and not out.is_dir():
        raise PhasefieldError(f"--out {out}: is no folder; choose another")


@contextmanager
def telling_replaced(console: Console) -> Iterator[None]:
    """While the context lasts, note files whose content a command replaces by another, and say so at its end."""
    with replaced_files() as found:
        yield
    if found.files:
        names = ", ".join(map(str, found.files))
        console.print(f"Replaced, with other content than before: {names}", soft_wrap=True)
