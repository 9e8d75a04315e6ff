"""The commands on what is stored: texture, pictures, side files, shipped cases, the reference."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phasefield.errors import FolderBusyError, PhasefieldError
from phasefield.text.formatting import print_text

if TYPE_CHECKING:
    from phasefield.results.run import Run

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.")]
FrameNumber = Annotated[int, typer.Option(help="Stored frame, counted from 0; -1 is the last.")]

stored = typer.Typer()


@stored.command("show")
def show_run(folder: RunFolder) -> None:
    """Print what a stored run came to, and what of its results is damaged; reads all of them.

    \b
    phasefield show runs/pllz
    """
    from phasefield.api import open_run
    from phasefield.cli.tables import print_run
    from phasefield.results.damage import check_whole
    from phasefield.text.formatting import console_for

    with open_run(folder) as run:
        print_run(console_for(), run)
        check_whole(run)


@stored.command()
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
        from json import dumps

        figures = {name: figure.as_dict() for name, figure in textures.items()}
        print_text(dumps({"title": title, "frame": number, "time": time, **figures}, indent=2), keep="\n")
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


@stored.command()
def render(
    folder: RunFolder,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the pictures.", show_default="the run folder")
    ] = None,
    frame: FrameNumber = -1,
    movie: Annotated[
        str | None, typer.Option(metavar="KIND", help="A movie instead: time (all frames) or turn (one, all round).")
    ] = None,
    format_: Annotated[str, typer.Option("--format", help="Of the movie: gif or mp4.")] = "gif",
    fps: Annotated[float, typer.Option(min=0.5, max=60.0, help="Frames a second of the movie.")] = 8.0,
    seconds: Annotated[float, typer.Option(min=0.5, max=120.0, help="Length of a movie that turns.")] = 6.0,
    style: Annotated[str, typer.Option(help="paper (300 dpi), slides (larger letters) or draft (150 dpi).")] = "paper",
) -> None:
    """Draw a stored run: its surface, the profiler's plate, a section, voltage and roughness over time; or a movie.

    \b
    phasefield render runs/pllz
    phasefield render runs/pllz --frame 0 --out pictures
    phasefield render runs/pllz --style slides
    phasefield render runs/pllz --movie time               surface-time.gif
    phasefield render runs/pllz --movie turn --format mp4
    """
    from phasefield.api import open_run
    from phasefield.text.formatting import console_for
    from phasefield.viz.movie import FORMATS, KINDS
    from phasefield.viz.movie import movie as write_movie
    from phasefield.viz.style import STYLES, styled

    for option, value, known in (("--movie", movie or KINDS[0], KINDS), ("--format", format_, FORMATS),
                                 ("--style", style, tuple(STYLES))):  # fmt: skip
        if value not in known:
            raise PhasefieldError(f"{option} {value}: give one of {', '.join(known)}")
    place = folder if out is None else out
    with open_run(folder) as run, styled(style), _held(place, out is None):
        number = _frame(run, frame)
        if movie is not None:
            with console_for(stderr=True).status("drawing") as status:
                path = write_movie(
                    run, place / f"surface-{movie}.{format_}", movie, frame=number, fps=fps, seconds=seconds,
                    told=lambda done, all_: status.update(f"drawing, {done} of {all_} frames"),
                )  # fmt: skip
            print_text(path)
            return
        made = _draw_pictures(run, number, place)
    for path in made:
        print_text(path)


def _draw_pictures(run: Run, number: int, folder: Path) -> list[Path]:
    """Draw every picture that the stored fields of a run allow, of one frame, and return their paths."""
    from phasefield.experiments.registry import panels
    from phasefield.viz.plots.lines import draw_panels
    from phasefield.viz.plots.series import series
    from phasefield.viz.stored import has_field, is_flat_run
    from phasefield.viz.surfaces.plate import plate
    from phasefield.viz.surfaces.section import cross_section
    from phasefield.viz.surfaces.surface import surface

    made = []
    if not is_flat_run(run):
        made.append(surface(run, folder / "surface.png", number))
    if has_field(run, "xi"):
        made.append(cross_section(run, folder / "section.png", number))
    else:
        print_text("xi is not stored, so there is no section: output.fields of the case has it stored", err=True)
    if has_field(run, "xi") or not is_flat_run(run):
        made.append(plate(run, folder / "plate.png", number))
    made.append(series(run, folder / "series.png"))
    if shown := panels(run):
        made.append(draw_panels(shown, folder / "experiment.png", run.title))
    return made


@stored.command()
def html(
    folder: RunFolder,
    out: Annotated[Path | None, typer.Option(help="File to write.", show_default="RUN/page.html")] = None,
) -> None:
    """Write one page for the browser: the surface in 3D over time, series, figures, case and sources. Opens from disk.

    \b
    phasefield html runs/pllz
    phasefield html runs/pllz --out pllz.html
    """
    from phasefield.api import open_run
    from phasefield.viz.page import write_webpage

    if out is not None and (out.is_dir() or (out.parent.exists() and not out.parent.is_dir())):
        raise PhasefieldError(f"--out {out}: is a folder, or lies below a file; give the name of a file")
    with open_run(folder) as run, _held(run.folder, True) if out is None else nullcontext():
        print_text(write_webpage(run, out))


@stored.command()
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
    from phasefield.cli.tables import print_cases
    from phasefield.text.formatting import console_for

    if copy is None:
        print_cases(console_for(), shipped.titles())
    else:
        print_text(shipped.copy(copy, to))


@stored.command()
def export(
    folder: RunFolder,
    heights: Annotated[
        str | None, typer.Option(metavar="FORMAT", help="The surface instead: sdf, gwy, stl, ply, npz or csv.")
    ] = None,
    frame: FrameNumber = -1,
) -> None:
    """Write result.xdmf (for ParaView up to 5.11) and series.csv, or a surface, into the run folder.

    \b
    phasefield export runs/pllz
    phasefield export runs/pllz --heights sdf              as a profilometer writes it
    phasefield export runs/pllz --heights stl --frame 0    a mesh, in um
    """
    from phasefield.api import open_run
    from phasefield.results.export import export_heights, export_run

    with open_run(folder) as run, _held(run.folder, False):
        if heights is not None:
            print_text(export_heights(run, heights, _frame(run, frame)))
            return
        for path in export_run(run):
            print_text(path)


@stored.command()
def warm() -> None:
    """Compile the kernels now, so that the first run does not wait for them: once after an installation.

    \b
    phasefield warm
    """
    from phasefield import api
    from phasefield.kernels._jit import cache_folder
    from phasefield.machine import kernel_cache
    from phasefield.text.formatting import spell_wall

    if not kernel_cache.kept():
        raise PhasefieldError(
            "no folder for compiled kernels can be written, so each command would compile anew; set NUMBA_CACHE_DIR to "
            "one that can"
        )
    begun = time.monotonic()
    print_text("compiling once: a minute or two")
    api.compile_kernels()
    print_text(f"ready after {spell_wall(time.monotonic() - begun)}; the kernels are kept in {cache_folder()}")


@stored.command()
def reference(
    schema: Annotated[bool, typer.Option("--schema", help="Print a JSON schema, for an editor.")] = False,
) -> None:
    """Print the reference of the case file, as Markdown.

    \b
    phasefield reference --schema > case.schema.json       first line of a case: #:schema case.schema.json
    """
    from phasefield.case.file import json_schema, reference_markdown

    print_text(json.dumps(json_schema(), indent=2) if schema else reference_markdown(), keep="\n")
