"""The command that sets measured and simulated surfaces side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from phasefield.cli.options import Frame, Json, Quiet, check_out, console_of, given_quantity, telling_replaced
from phasefield.errors import PhasefieldError
from phasefield.text.formatting import print_text

profiling = typer.Typer()


@profiling.command()
def profile(
    given: Annotated[list[str], typer.Argument(metavar="SURFACE...", help="Profilometer files, and folders of runs.")],
    frame: Frame = -1,
    pixel: Annotated[
        str | None, typer.Option(metavar="LENGTH", help='Edge of a pixel, where a file does not say, e.g. "1 um".')
    ] = None,
    unit: Annotated[
        str | None, typer.Option(metavar="UNIT", help="Of plain numbers, where a file does not say; else m in .npy.")
    ] = None,
    name: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Name of a surface, in turn; may be repeated.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the picture and the tables.")] = Path("profile"),
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Measured and simulated surfaces on one area and bandwidth.

    Maps, figures, spectra, heights.

    \b
    phasefield profile cell-7.sdf runs/pllz
    phasefield profile map.csv --unit um --pixel "2 um" runs/pllz --out mine
    """
    from phasefield.results.summary import TEXTURE_ROWS
    from phasefield.studies.profiles import NAMES, load_profiles, side_by_side, write_profiles
    from phasefield.text.formatting import plain_table

    check_out(out)
    if name and len(name) > len(given):
        raise PhasefieldError(f"--name comes {len(name)} times, for {len(given)} surfaces")
    names = [*(name or ()), *(Path(text).resolve().stem for text in given[len(name or ()) :])]
    edge = None if pixel is None else _length("--pixel", pixel)
    scale = None if unit is None else _length("--unit", f"1 {unit}")
    shown, spacing = side_by_side(load_profiles(given, frame, edge, scale), names)
    console = console_of(quiet, json)
    with telling_replaced(console):
        made = write_profiles(shown, spacing, out)
    table = plain_table("", *names)
    units_of = {figure: (unit, scale) for figure, scale, unit, _ in TEXTURE_ROWS}
    for figure in NAMES:
        unit_, factor = units_of[figure]
        label = f"{figure} ({unit_})" if unit_ else figure
        values = [one.figures[figure] for one in shown]
        table.add_row(label, *("-" if value is None else f"{factor * value:.4g}" for value in values))
    console.print(table)
    side = 1e6 * spacing * len(shown[0].heights)
    console.print(f"Levelled, on {side:.4g} x {side:.4g} um, points of {1e6 * spacing:.4g} um", soft_wrap=True)
    console.print(f"Picture: {made[-1]}", soft_wrap=True)
    console.print(f"Tables: {made[0]}, {made[1]}", soft_wrap=True)
    if json:
        print_text(made[1].read_text(encoding="utf-8").rstrip(), keep="\n")


def _length(option: str, text: str) -> float:
    """Return a length [m] that an option gives."""
    from phasefield import units

    value = given_quantity(option, text, units.LENGTH)
    if not value > 0.0:
        raise PhasefieldError(f"{option} {text}: give a length above 0")
    return value
