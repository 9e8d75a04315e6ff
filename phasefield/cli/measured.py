"""The command that reads measured files: what is in them, and how it looks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phasefield.cli.options import (
    PRINTING,
    Printing,
    check_out,
    gathered,
    given_area,
    print_json,
    telling_replaced,
)
from phasefield.errors import PhasefieldError

if TYPE_CHECKING:
    from rich.console import Console

    from phasefield.measured import Measurement
    from phasefield.measured.findings import SpectrumFindings, TraceFindings

measuring = typer.Typer()

MOST_LISTED = 20  # traces or spectra of a file in the table
MOST_MAPPING = 1 << 20  # bytes of a file of columns
MA_CM2 = 0.1  # mA/cm^2 in an A/m^2
OHM_CM2 = 1e4  # ohm cm^2 in an ohm m^2
HOUR = 3600.0  # s


@measuring.command()
@gathered
def measured(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files of a cycler or impedance analyser.")],
    columns: Annotated[
        list[str] | None,
        typer.Option(
            metavar="QUANTITY=HEAD",
            help='The column of a quantity in plain tables, e.g. "time=Time/h", or a TOML file with [columns]; '
            "may be repeated.",
        ),
    ] = None,
    area: Annotated[
        str | None, typer.Option(metavar="AREA", help='Of the electrode, e.g. "1.13 cm^2": for mA/cm2 and ohm cm2.')
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the pictures.")] = Path("measured"),
    printing: Printing = PRINTING,
) -> None:
    """Read measured files, say what they hold, and draw it.

    Voltage and current over time; spectra as Nyquist and Bode plots.

    \b
    phasefield measured cell_17.mpt eis.DTA
    phasefield measured cell.csv --columns "time=Time/h" --columns "voltage=U/V"
    phasefield measured eis.z --area "1.13 cm^2"
    """
    from phasefield.files.locks import folder_locked
    from phasefield.measured import read_measurement

    check_out(out)
    mapping = _mapping(columns or [])
    size = None if area is None else given_area("--area", area)
    found = [_per_area(read_measurement(file, mapping or None), size) for file in files]
    console = printing.console()
    documents = []
    with folder_locked(out), telling_replaced(console):
        for name, one in zip(_names(files), found, strict=True):
            pictures = _draw(one, out, name)
            documents.append(_document(one, pictures))
            _print(console, one)
            for picture in pictures:
                console.print(f"Picture: {picture}", soft_wrap=True)
    if printing.json:
        print_json(documents)


@measuring.command()
@gathered
def bpx(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A BPX file (battery parameter exchange, JSON).")],
    out: Annotated[Path, typer.Option(help="Folder of the case file of the cathode.")] = Path("."),
    printing: Printing = PRINTING,
) -> None:
    """Write the cathode of a BPX file for a case.

    A case then extends it, as it extends cathodes/lfp.toml.

    \b
    phasefield bpx cell.json --out mine
    """
    from dataclasses import asdict

    from phasefield.files.atomic import replace_text
    from phasefield.files.locks import folder_locked
    from phasefield.measured.bpx import cathode_toml, read_bpx
    from phasefield.text.formatting import plain_table, spell

    check_out(out)
    found = read_bpx(file)
    console = printing.console()
    target = out / f"{file.stem}.toml"
    with folder_locked(out), telling_replaced(console):
        replace_text(target, cathode_toml(found))
    table = plain_table(found.name, "")
    table.add_row("capacity, empty to full", f"{found.capacity / 10.0 / HOUR:.4g} mAh/cm2")
    table.add_row("exchange current density", f"{MA_CM2 * found.exchange_current_density:.4g} mA/cm2")
    table.add_row("diffusion time", spell(found.diffusion_time))
    table.add_row("fillings of the file", f"{found.lowest:.4g} to {found.highest:.4g}")
    table.add_row("open circuit", f"{found.potential[0]:.4g} to {found.potential[-1]:.4g} V")
    console.print(table)
    console.print(f"Cathode: {target}", soft_wrap=True)
    if printing.json:
        lists = {"filling": found.filling.tolist(), "potential": found.potential.tolist()}
        print_json({**asdict(found), **lists, "file": str(target)})


def _mapping(given: Sequence[str]) -> dict[str, str]:
    """Return quantity and head of each --columns. Raises PhasefieldError."""
    from phasefield.files.atomic import read_plain
    from phasefield.files.decode import decoded
    from phasefield.files.toml import tables_of

    found: dict[str, str] = {}
    for text in given:
        key, equals, head = text.partition("=")
        if equals:
            found[key.strip()] = head.strip()
            continue
        try:
            table = tables_of(decoded(read_plain(Path(text), MOST_MAPPING))).get("columns")
        except (OSError, ValueError) as error:
            raise PhasefieldError(f"--columns {text}: give QUANTITY=HEAD, or a TOML file ({error})") from None
        if not isinstance(table, dict) or not all(isinstance(head, str) for head in table.values()):
            raise PhasefieldError(f'--columns {text}: has no table [columns] of texts such as time = "Time/h"')
        found |= table
    return found


def _per_area(found: Measurement, area: float | None) -> Measurement:
    from dataclasses import replace

    if area is None:
        return found
    return replace(
        found,
        spectra=tuple(one.per_area(area) for one in found.spectra),
        traces=tuple(one.per_area(area) for one in found.traces),
    )


def _names(files: Sequence[Path]) -> list[str]:
    """Return a name of its own for the pictures of each file."""
    names: list[str] = []
    for file in files:
        stem, number = file.name.split(".")[0] or "file", 1
        while (name := stem if number == 1 else f"{stem}-{number}") in names:
            number += 1
        names.append(name)
    return names


def _draw(found: Measurement, out: Path, name: str) -> list[Path]:
    """Draw what a file holds and return the paths of the pictures."""
    from phasefield.viz.plots.measured import draw_spectra, draw_traces

    made = []
    if found.traces:
        made.append(draw_traces(found.traces, found.source.name, out / f"{name}-trace.png"))
    if found.spectra:
        made.append(draw_spectra(found.spectra, found.source.name, out / f"{name}-spectra.png"))
    return made


def _document(found: Measurement, pictures: Sequence[Path]) -> dict[str, Any]:
    """Return what was found, in SI, for JSON."""
    from phasefield.measured.findings import spectrum_findings, trace_findings

    return {
        "file": str(found.source), "sha256": found.digest, "format": found.format, "columns": list(found.heads),
        "traces": [trace_findings(one).as_dict() for one in found.traces],
        "spectra": [spectrum_findings(one).as_dict() for one in found.spectra],
        "notes": list(found.notes), "pictures": [str(path) for path in pictures],
    }  # fmt: skip


def _print(console: Console, found: Measurement) -> None:
    """Print what was found in a file."""
    from phasefield.measured.findings import spectrum_findings, trace_findings
    from phasefield.text.formatting import plain_table

    table = plain_table(f"{found.source.name}: {found.format}", "")
    table.add_row("columns", ", ".join(found.heads))
    for trace in found.traces[:MOST_LISTED]:
        for name, text in _trace_rows(trace_findings(trace)):
            table.add_row(name, text)
    for spectrum in found.spectra[:MOST_LISTED]:
        table.add_row(spectrum.name, _spectrum_text(spectrum_findings(spectrum)))
    left = max(len(found.traces) - MOST_LISTED, 0) + max(len(found.spectra) - MOST_LISTED, 0)
    if left:
        table.add_row("and more", f"{left} traces or spectra")
    for note in found.notes:
        table.add_row("note", note)
    table.columns[1].justify = "left"
    console.print(table)


def _trace_rows(found: TraceFindings) -> list[tuple[str, str]]:
    """Return names and texts of what was found in a trace, in the units of a laboratory."""
    from phasefield.text.formatting import spell, voltage_unit

    size, unit = (MA_CM2, "mA/cm2") if found.area_specific else (1e3, "mA")
    rows = [(found.name, f"{found.points} points, {spell(found.duration)}, one in {spell(found.interval)}")]
    if found.voltage is not None:
        factor, volts = voltage_unit(*found.voltage)
        rows.append(("  voltage", f"{factor * found.voltage[0]:.5g} to {factor * found.voltage[1]:.5g} {volts}"))
    if found.currents:
        listed = ", ".join(f"{size * one:.3g} {unit} for {spell(lasting)}" for one, lasting in found.currents)
        rows.append(("  current", listed))
        charges = f"{size / HOUR * found.charge_positive:.4g} and {size / HOUR * found.charge_negative:.4g}"
        rows.append(("  charge", f"{charges} {unit.replace('A', 'Ah', 1)}"))
    cycles = f"{found.cycles} by the file, " if found.cycles else ""
    rows.append(("  cycles", f"{cycles}{found.half_cycles} half-cycles by the sign of the current"))
    gaps = [f"{spell(length)} from {spell(at)} on" for at, length in found.gaps]
    rows.append(("  gaps", _some(gaps)))
    rows.append(("  clock", f"reset at {_some([spell(at) for at in found.resets])}" if found.resets else "never reset"))
    return rows


def _some(texts: Sequence[str], most: int = 3) -> str:
    """Return the first few of many texts."""
    return (", ".join(texts[:most]) or "none") + (f", {len(texts) - most} more" if len(texts) > most else "")


def _spectrum_text(found: SpectrumFindings) -> str:
    """Return what was found in a spectrum, in the units of a laboratory."""
    size, unit = (OHM_CM2, "ohm cm2") if found.area_specific else (1.0, "ohm")
    peak = "" if found.peak_frequency is None else f", -Im Z highest at {found.peak_frequency:.3g} Hz"
    return (
        f"{found.points} points, {found.lowest:.3g} to {found.highest:.3g} Hz, Re Z {size * found.resistance_high:.4g} "
        f"to {size * found.resistance_low:.4g} {unit}{peak}"
    )
