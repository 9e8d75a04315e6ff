"""The commands on what is stored: texture, pictures, side files, shipped cases, the reference."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phasefield.cli.options import (
    Frame,
    Json,
    Quiet,
    RunFolder,
    console_of,
    gathered,
    given_area,
    print_json,
    telling_replaced,
)
from phasefield.errors import FolderBusyError, PhasefieldError
from phasefield.text.formatting import print_text

if TYPE_CHECKING:
    from rich.console import Console

    from phasefield.results.run import Run

stored = typer.Typer()


@stored.command("show")
def show_run(folder: RunFolder, json: Json = False) -> None:
    """Print how a stored run ended, and what of it is damaged.

    It reads all of the results.

    \b
    phasefield show runs/pllz
    """
    from phasefield.api import open_run
    from phasefield.cli.tables import print_run
    from phasefield.results.damage import check_whole

    with open_run(folder) as run:
        if json:
            print_json({"title": run.title, "folder": str(run.folder), "finished": run.finished, **run.summary})
        else:
            print_run(console_of(False), run)
        check_whole(run)


@stored.command()
def roughness(
    folder: RunFolder,
    frame: Frame = -1,
    level: Annotated[
        bool | None, typer.Option("--level/--raw", help="Only with, or only without, the plane taken off.")
    ] = None,
    json: Json = False,
) -> None:
    """Print the ISO 25178 texture of a stored surface.

    \b
    phasefield roughness runs/pllz
    phasefield roughness runs/pllz --frame 0 --json
    """
    from phasefield.api import open_run
    from phasefield.cli.tables import print_texture
    from phasefield.text.formatting import console_for, spell
    from phasefield.topography.roughness import texture

    with open_run(folder) as run:
        number = _frame(run, frame)
        periodic = 'lateral = "mirror"' not in run.resolved_case
        ways = {"raw": False, "levelled": True}
        textures = {
            name: texture(run.height(number), run.spacing, periodic=periodic, level=way)
            for name, way in ways.items()
            if level is None or way == level
        }
        time = float(run.times[number])
        title = run.title
    if json:
        figures = {name: figure.as_dict() for name, figure in textures.items()}
        print_json({"title": title, "frame": number, "time": time, **figures})
    else:
        print_texture(console_for(), f"{title}, at {spell(time)}", textures)


def _frame(run: Run, frame: int) -> int:
    """Return the index of a stored frame, or say which there are."""
    n = run.n_frames
    if not -n <= frame < n:
        there = f"it holds frames 0 to {n - 1}" if n else "it holds no frame yet"
        raise PhasefieldError(f"{run.path}: there is no frame {frame}; {there}")
    return int(frame % n)


@contextmanager
def _held(folder: Path, elsewhere: bool) -> Iterator[None]:
    """Hold a folder that is written into; elsewhere: whether the user may name another by --out."""
    from phasefield.files.locks import folder_locked

    try:
        with folder_locked(folder):
            yield
    except FolderBusyError as error:
        raise FolderBusyError(f"{error}{'; or write elsewhere by --out' if elsewhere else ''}") from None


@dataclass(frozen=True)
class Movie:
    """A movie instead of pictures, its format and its pace."""

    movie: Annotated[
        str | None, typer.Option(metavar="KIND", help="A movie instead: time (all frames) or turn (one, all round).")
    ] = None
    format_: Annotated[str, typer.Option("--format", help="Of the movie: gif or mp4.")] = "gif"
    fps: Annotated[float, typer.Option(min=0.5, max=60.0, help="Frames a second of the movie.")] = 8.0
    seconds: Annotated[float, typer.Option(min=0.5, max=120.0, help="Length of a movie that turns.")] = 6.0


STILL = Movie()


@stored.command()
@gathered
def render(
    folder: RunFolder,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the pictures.", show_default="the run folder")
    ] = None,
    frame: Frame = -1,
    film: Movie = STILL,
    style: Annotated[str, typer.Option(help="paper (300 dpi), slides (larger letters) or draft (150 dpi).")] = "paper",
    quiet: Quiet = False,
) -> None:
    """Draw a stored run, or a movie of it.

    Its surface, the profiler's plate, a section, voltage and roughness over time.

    \b
    phasefield render runs/pllz
    phasefield render runs/pllz --frame 0 --out pictures
    phasefield render runs/pllz --style slides
    phasefield render runs/pllz --movie time          surface-time.gif
    phasefield render runs/pllz --movie turn --format mp4
    """
    from phasefield.api import open_run
    from phasefield.text.formatting import console_for
    from phasefield.viz.movie import FORMATS, KINDS
    from phasefield.viz.movie import movie as write_movie
    from phasefield.viz.style import STYLES, styled

    for option, value, known in (("--movie", film.movie or KINDS[0], KINDS), ("--format", film.format_, FORMATS),
                                 ("--style", style, tuple(STYLES))):  # fmt: skip
        if value not in known:
            raise PhasefieldError(f"{option} {value}: give one of {', '.join(known)}")
    place = folder if out is None else out
    told = console_for(stderr=True, quiet=quiet)
    with open_run(folder) as run, styled(style), _held(place, out is None), telling_replaced(told):
        number = _frame(run, frame)
        if film.movie is not None:
            with told.status("drawing") as status:
                path = write_movie(
                    run, place / f"surface-{film.movie}.{film.format_}", film.movie, frame=number, fps=film.fps,
                    seconds=film.seconds,
                    told=lambda done, all_: status.update(f"drawing, {done} of {all_} frames"),
                )  # fmt: skip
            _say_written([path], quiet)
            return
        made = _draw_pictures(run, number, place, told)
    _say_written(made, quiet)


def _say_written(made: Sequence[Path], quiet: bool) -> None:
    """Print the names of what was written."""
    for path in made if not quiet else ():
        print_text(path)


def _draw_pictures(run: Run, number: int, folder: Path, told: Console) -> list[Path]:
    """Draw every picture that the stored fields of a run allow, of one frame, and return their paths."""
    from phasefield.experiments.registry import panels
    from phasefield.viz.plots.lines import draw_panels
    from phasefield.viz.plots.series import series
    from phasefield.viz.stored import has_field, is_flat_run, is_smooth, title_of
    from phasefield.viz.surfaces.plate import plate
    from phasefield.viz.surfaces.section import cross_section
    from phasefield.viz.surfaces.surface import surface

    made = []
    if not is_flat_run(run):
        made.append(surface(run, folder / "surface.png", number))
    if has_field(run, "xi"):
        made.append(cross_section(run, folder / "section.png", number))
    else:
        told.print("xi is not stored, so there is no section: output.fields of the case has it stored", soft_wrap=True)
    if (has_field(run, "xi") or not is_flat_run(run)) and not is_smooth(run):
        made.append(plate(run, folder / "plate.png", number))
    made.append(series(run, folder / "series.png"))
    if shown := panels(run):
        made.append(draw_panels(shown, folder / "experiment.png", title_of(run)))
    return made


@stored.command()
def html(
    folder: RunFolder,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of page.html, or a name that ends in .html.", show_default="the run folder"),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Write one page of a run for the browser; it opens from disk.

    The surface in 3D over time, series, figures, case and sources.

    \b
    phasefield html runs/pllz
    phasefield html runs/pllz --out pllz.html
    """
    from phasefield.api import open_run
    from phasefield.viz.page import PAGE, write_webpage

    if out is not None and (out.is_dir() or (out.suffix.lower() not in (".html", ".htm") and not out.exists())):
        out = out / PAGE
    if out is not None and (out.is_dir() or (out.parent.exists() and not out.parent.is_dir())):
        raise PhasefieldError(f"--out {out}: is a folder, or lies below a file; choose another")
    told = console_of(quiet, json=True)
    with (
        open_run(folder) as run,
        _held(run.folder, True) if out is None else nullcontext(),
        telling_replaced(told),
    ):
        _say_written([write_webpage(run, out)], quiet)


@stored.command()
def cases(
    copy: Annotated[str | None, typer.Option(metavar="NAME", help="Copy this case, to edit it.")] = None,
    to: Annotated[Path, typer.Option("--out", "--to", help="Folder of the copy.")] = Path("."),
    json: Json = False,
) -> None:
    """List what ships: cases, electrolytes, experiments, cathodes.

    Or copy one, to edit it.

    \b
    phasefield cases
    phasefield cases --copy pllz --out mine
    """
    from phasefield import cases as shipped
    from phasefield.cli.tables import print_bases, print_cases

    if copy is not None:
        print_text(shipped.copy(copy, to))
    elif json:
        parts = {kind: [vars(base) for base in shipped.bases(kind)] for kind in shipped.KINDS}
        print_json({"cases": [{"name": n, "title": title} for n, title in shipped.titles().items()], **parts})
    else:
        console = console_of(False)
        print_cases(console, shipped.titles())
        print_bases(console, {kind: shipped.bases(kind) for kind in shipped.KINDS})


@stored.command()
def export(
    folder: RunFolder,
    heights: Annotated[
        str | None, typer.Option(metavar="FORMAT", help="The surface instead: sdf, gwy, x3p, stl, ply, npz or csv.")
    ] = None,
    frame: Frame = -1,
    series: Annotated[
        str | None,
        typer.Option(
            metavar="FORMAT", help="The series instead: bdf (battery data format), lab (h, mA/cm2, mV, um) or si."
        ),
    ] = None,
    area: Annotated[
        str, typer.Option(metavar="AREA", help="Of the electrode, for the current of bdf.")
    ] = "1 cm^2",
    quiet: Quiet = False,
) -> None:
    """Write side files of a run, or its surface, for other programs.

    result.xdmf (for ParaView up to 5.11) and series.csv, or a surface, into the run folder.

    \b
    phasefield export runs/pllz
    phasefield export runs/pllz --heights sdf            for a profilometer
    phasefield export runs/pllz --heights stl --frame 0  a mesh, in um
    phasefield export runs/pllz --series lab             series-lab.csv
    phasefield export runs/pllz --series bdf --area "1.13 cm^2"
    """
    from phasefield.api import open_run
    from phasefield.results.export import SERIES_FILES, export_heights, export_run, export_series

    form = next((known for known in SERIES_FILES if known == series), None)
    if series is not None and (form is None or heights is not None):
        raise PhasefieldError(f"--series {series}: give one of {', '.join(SERIES_FILES)}, and no --heights beside it")
    size = given_area("--area", area)
    with open_run(folder) as run, _held(run.folder, False), telling_replaced(console_of(quiet, json=True)):
        if heights is not None:
            _say_written([export_heights(run, heights, _frame(run, frame))], quiet)
            return
        _say_written(export_run(run) if form is None else [export_series(run, form, size)], quiet)


@stored.command()
def warm(quiet: Quiet = False) -> None:
    """Compile the kernels now, once after an installation.

    The first run then does not wait for them.

    \b
    phasefield warm
    """
    from phasefield import api
    from phasefield.check.probe import measure_speed
    from phasefield.kernels._jit import cache_folder
    from phasefield.machine import kernel_cache
    from phasefield.machine.compilation import watched
    from phasefield.simulation.progress import Display, compilation_ahead, display
    from phasefield.text.formatting import spell_wall

    if not kernel_cache.kept():
        raise PhasefieldError(
            "no folder for compiled kernels can be written, so each command would compile anew; set NUMBA_CACHE_DIR to "
            "one that can"
        )
    begun, console = time.monotonic(), console_of(quiet)
    console.print(compilation_ahead() or "compiling what is missing", soft_wrap=True)
    with (Display() if quiet else display("auto", console)) as shown, watched(shown.compiling):
        api.compile_kernels()
    measure_speed()
    took = spell_wall(time.monotonic() - begun)
    console.print(f"ready after {took}; the kernels are kept in {cache_folder()}", soft_wrap=True)


@stored.command()
def reference(
    schema: Annotated[bool, typer.Option("--schema", help="Print a JSON schema, for an editor.")] = False,
) -> None:
    """Print the reference of the case file, as Markdown.

    \b
    phasefield reference --schema > case.schema.json

    The first line of a case then is "#:schema case.schema.json".
    """
    from phasefield.case.file import json_schema, reference_markdown

    print_text(json.dumps(json_schema(), indent=2) if schema else reference_markdown(), keep="\n")
