"""The command that shows stored runs, to turn and to compare."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phasefield.cli.options import Frame
from phasefield.errors import PhasefieldError
from phasefield.text.formatting import print_text

if TYPE_CHECKING:
    from phasefield.viz.viewer.scene import Scene

viewing = typer.Typer()


@viewing.command()
def view(
    folders: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of runs; they are linked.")],
    web: Annotated[bool, typer.Option("--web", help="A page in the browser, even where there is a screen.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of the page; 0: any that is free.")] = 0,
    colour: Annotated[str, typer.Option(help="What colours the surface at first: height or a field.")] = "height",
    cut: Annotated[str, typer.Option(help="Field on a cut at first: concentration or potential.")] = "",
    frame: Frame = -1,
    solid: Annotated[bool, typer.Option("--solid", help="Overhangs at first; else the heights from above.")] = False,
) -> None:
    """Turn surfaces, step through time, cut, measure.

    A window where there is a screen, else a page at 127.0.0.1. --frame: of the first run, to begin with.

    \b
    phasefield view runs/pllz
    phasefield view runs/pll runs/pllz --web   linked in time, camera and colours
    phasefield view runs/pll --colour film_resistance --cut concentration
    """
    import importlib.util
    import os
    import sys

    from phasefield.api import open_run
    from phasefield.viz.stored import frame_index
    from phasefield.viz.surfaces import gl
    from phasefield.viz.viewer.scene import Look, Scene

    missing = gl.without_pyvista()
    if missing is not None:
        raise PhasefieldError(
            f"{missing}, and the viewer needs it. {gl.REMEDY}; or draw stills: phasefield render {folders[0]}"
        )
    with ExitStack() as stack:
        runs = [stack.enter_context(open_run(folder)) for folder in folders]
        try:
            scene = Scene(runs)
            first = Look(float(runs[0].times[frame_index(runs[0], frame)]), colour=colour, slice=cut, solid=solid)
        except ValueError as error:
            raise PhasefieldError(str(error)) from None
        _check_fields(scene, colour, cut, solid)
        screen = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")) or sys.platform == "darwin"
        if screen and not web:
            from phasefield.viz.viewer.window import show

            if gl.screen():
                show(runs, first)
                return
            screen = False
            print_text("No screen with OpenGL answers: a page in the browser instead.", err=True)
        if importlib.util.find_spec("trame_vtk") is None or importlib.util.find_spec("trame_vuetify") is None:
            raise PhasefieldError(
                'the page needs trame; install it with: pip install "lithium-phasefield[view]"; or draw stills: '
                f"phasefield render {folders[0]}"
            )
        from phasefield.viz.viewer.web import Page

        page = Page(runs, first)
        page.serve(port, lambda address: print_text(f"{address}   (Ctrl-C ends it)"), show=screen)


def _check_fields(scene: Scene, colour: str, cut: str, solid: bool) -> None:
    """Refuse a field that the runs do not hold."""
    if colour not in scene.colours:
        raise PhasefieldError(
            f"--colour {colour}: the runs hold {', '.join(scene.colours)}; see output.fields for others"
        )
    if cut and cut not in scene.slices:
        raise PhasefieldError(f"--cut {cut}: the runs hold {', '.join(scene.slices) or 'no field of the volume'}")
    if solid and not scene.has_solid:
        raise PhasefieldError("--solid: needs xi, which not all of the runs hold; see output.fields")
