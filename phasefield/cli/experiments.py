"""The commands that do what an experimenter does with a cell."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phasefield.cli.options import (
    MAKING,
    PRINTING,
    CaseName,
    Making,
    Printing,
    Set,
    check_out,
    gathered,
    given_quantity,
    print_json,
    telling_replaced,
)
from phasefield.errors import PhasefieldError
from phasefield.text.formatting import print_text

if TYPE_CHECKING:
    from phasefield.analytic.impedance import FlatImpedance

experiments = typer.Typer()

SEEN = 0.02  # of the whole resistance: smaller arcs bear no mark
MOST = 1e3  # uF/cm^2, relative permittivity: no interface has more
UF_CM2 = 1e-2  # F/m^2 in a uF/cm^2


@experiments.command()
@gathered
def impedance(
    case: CaseName,
    set_: Set = None,
    at: Annotated[
        list[str] | None,
        typer.Option(metavar="TIME", help='Age of the films, e.g. "110 h"; may be repeated.', show_default="0 h"),
    ] = None,
    double_layer: Annotated[float, typer.Option(help="Capacitance of each lithium surface [uF/cm2].")] = 10.0,
    permittivity: Annotated[float, typer.Option(help="Relative permittivity of the film.")] = 10.0,
    out: Annotated[Path, typer.Option(help="Folder of the picture and the table.")] = Path("impedance"),
    printing: Printing = PRINTING,
) -> None:
    """Spectrum of the flat cell of a case at rest.

    Electrolyte, film, charge transfer and salt have an arc each.

    \b
    phasefield impedance pllz
    phasefield impedance pll --at "0 h" --at "110 h" --out pll-ageing
    """
    from phasefield import units
    from phasefield.analytic.flat_cell import FlatCell
    from phasefield.analytic.impedance import FlatImpedance
    from phasefield.api import read_case
    from phasefield.text.formatting import spell

    for name, value in (("--double-layer", double_layer), ("--permittivity", permittivity)):
        if not 0.0 < value <= MOST:
            raise PhasefieldError(f"{name} {value:g}: give a number above 0, {MOST:g} at most")
    try:
        ages = [units.to_si(text, units.TIME) for text in at or ["0 h"]]
    except units.UnitError as error:
        raise PhasefieldError(f"--at: {error}") from None
    check_out(out)
    if min(ages) < 0.0:
        raise PhasefieldError("--at: a film has no age below 0 h")
    resolved = read_case(case, set_ or [])
    if resolved.cathode is not None:
        raise PhasefieldError(f"{case}: has a cathode, whose spectrum the program does not know; take -s cathode=none")
    flat = FlatCell(resolved)
    if flat.growth.share > 0.0 and max(ages) > 0.0:
        raise PhasefieldError(
            '--at: by film.growth.law = "plating" a film grows with charge, not with time; leave --at away'
        )
    ages = list(dict.fromkeys(ages))
    short = [spell(age) for age in ages]
    words = short if len(set(short)) == len(ages) else [f"{age / 3600.0:.12g} h" for age in ages]
    names = [f"films {word} old" if age else "fresh films" for word, age in zip(words, ages, strict=True)]
    cells = {
        name: FlatImpedance(flat.films(age), flat.gap, UF_CM2 * double_layer, permittivity)
        for name, age in zip(names, ages, strict=True)
    }
    title = f"Li | {resolved.electrolyte.name} | Li, flat, {1e6 * flat.gap:g} um, {resolved.temperature:.5g} K, at rest"
    console = printing.console()
    with telling_replaced(console):
        _write(cells, title, out)
    _print(console, cells, title)
    console.print(f"Spectrum: {out / 'impedance.csv'}, {out / 'impedance.png'}", soft_wrap=True)
    if printing.json:
        print_json({"title": title, "states": _document(cells)})


@experiments.command()
@gathered
def report(
    what: Annotated[str, typer.Argument(metavar="papers", help="What to report on; so far: papers.")],
    quick: Annotated[bool, typer.Option("--quick", help="Leave out cycling and rising currents.")] = False,
    out: Annotated[Path, typer.Option(help="Folder of the report and of its runs.")] = Path("report"),
    docs: Annotated[bool, typer.Option("--docs", help="Write docs/papers.md too.")] = False,
    making: Making = MAKING,
    printing: Printing = PRINTING,
) -> None:
    """Simulate the papers' experiments beside what was measured.

    Tables, figures, a page for the browser.

    \b
    phasefield report papers --quick   transference numbers, exchange current,
                                       barriers, the control: a minute
    phasefield report papers           and cycling, copper, full cells, seeds,
                                       what made the difference: an hour

    What is already run below --out is used again, what was stopped is resumed.
    """
    from phasefield.validation.command import announce_experiments, report_experiments
    from phasefield.validation.page import JSON

    if what != "papers":
        raise PhasefieldError(f"report {what}: there is no such report; there is: papers")
    console = printing.console()
    if making.dry_run:
        announce_experiments(console, out, quick=quick, threads=making.threads)
        return
    with telling_replaced(console):
        report_experiments(console, out, quick=quick, docs=docs, threads=making.threads, workers=making.workers)
    if printing.json:
        print_text((out / JSON).read_text(encoding="utf-8").rstrip(), keep="\n")


@experiments.command()
@gathered
def attribute(
    case: CaseName,
    other: Annotated[str, typer.Argument(metavar="CASE", help="The case to compare it with, such as pllz.")],
    set_: Set = None,
    seeds: Annotated[int, typer.Option(min=1, help="Seeds of surface and film; 1: the cases' own.")] = 1,
    limit: Annotated[str, typer.Option(metavar="VOLTAGE", help="|voltage| that ends a cell's life.")] = "1 V",
    out: Annotated[Path, typer.Option(help="Folder of tables, picture and runs.")] = Path("attribution"),
    making: Making = MAKING,
    printing: Printing = PRINTING,
) -> None:
    """Which property made the difference between two cases.

    Their inputs are swapped group by group, in all orders (Shapley).

    \b
    phasefield attribute pll pllz -s protocol.repeat=10
    phasefield attribute pll pllz -s protocol.repeat=60 --seeds 4 --out why-pllz

    n groups of inputs that differ make 2^n runs for each seed. What is run below --out is used again.
    """
    from phasefield import units
    from phasefield.studies.attribution.study import (
        FIGURES,
        PICTURE,
        TABLE,
        TEXT,
        announce_difference,
        attribute_difference,
        paragraph,
    )

    volts = given_quantity("--limit", limit, units.VOLTAGE)
    if not volts > 0.0:
        raise PhasefieldError(f"--limit {limit}: give a voltage above 0 V")
    check_out(out)
    console = printing.console()
    if making.dry_run:
        announce_difference(
            (case, other), out, overrides=set_ or (), seeds=seeds, threads=making.threads, console=console
        )
        return
    with telling_replaced(console):
        result = attribute_difference(
            (case, other), out, overrides=set_ or (), seeds=seeds, limit=volts, threads=making.threads,
            workers=making.workers, console=None if printing.quiet else console,
        )  # fmt: skip
    console.print(paragraph(result), soft_wrap=True)
    console.print(f"Picture: {out / PICTURE}", soft_wrap=True)
    console.print(f"Tables: {out / TABLE}, {out / FIGURES}; text: {out / TEXT}", soft_wrap=True)
    if printing.json:
        print_text((out / FIGURES).read_text(encoding="utf-8").rstrip(), keep="\n")


def _write(cells: dict[str, FlatImpedance], title: str, out: Path) -> None:
    from phasefield.files.atomic import replace_text
    from phasefield.files.locks import folder_locked
    from phasefield.text.escape import csv_text
    from phasefield.viz.plots.nyquist import OHM_CM2, DrawnSpectrum, nyquist

    spectra = []
    lines: list[tuple[object, ...]] = [("state", "frequency [Hz]", "Re Z [ohm cm^2]", "minus Im Z [ohm cm^2]")]
    for name, cell in cells.items():
        f = cell.frequencies()
        Z = cell.at(f)
        spectra.append(DrawnSpectrum(name, f, Z, _marks(cell)))
        lines += [
            (name, float(one), float(z.real) * OHM_CM2, -float(z.imag) * OHM_CM2) for one, z in zip(f, Z, strict=True)
        ]
    with folder_locked(out):
        replace_text(out / "impedance.csv", csv_text(lines))
        nyquist(spectra, title, out / "impedance.png")


def _marks(cell: FlatImpedance) -> dict[str, float]:
    """Return the frequencies [Hz] of the arcs that can be seen."""
    return {p.name: p.peak for p in cell.parts() if p.peak > 0.0 and p.resistance > SEEN * cell.total}


def _document(cells: dict[str, FlatImpedance]) -> list[dict[str, Any]]:
    """Return resistances [ohm m^2] and frequencies of the arcs [Hz] of each state."""
    return [
        {
            "state": name, "interfaces": cell.interfaces, "total": cell.total,
            "parts": [{"name": p.name, "resistance": p.resistance, "peak": p.peak or None} for p in cell.parts()],
        }
        for name, cell in cells.items()
    ]  # fmt: skip


def _print(console: object, cells: dict[str, FlatImpedance], title: str) -> None:
    from rich.console import Console

    from phasefield.text.formatting import number, plain_table
    from phasefield.viz.plots.nyquist import OHM_CM2

    assert isinstance(console, Console)
    table = plain_table("part", "state", "ohm cm2", "highest at (Hz)", title=title)
    for name, cell in cells.items():
        for part in cell.parts():
            peak = number(part.peak) if part.peak > 0.0 else "-"
            table.add_row(part.name, name, number(part.resistance, OHM_CM2), peak)
        table.add_row("both interfaces", name, number(cell.interfaces, OHM_CM2), "-")
        table.add_row("all, at no frequency", name, number(cell.total, OHM_CM2), "-")
    console.print(table)
