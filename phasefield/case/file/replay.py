"""`protocol.file`: a measured trace of current becomes the steps of a protocol, once, when the case file is read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from phasefield import units
from phasefield.case.file.source import Key, Source, Table
from phasefield.errors import shown
from phasefield.units import UnitError, to_si, to_text

if TYPE_CHECKING:
    from phasefield.measured import Trace

KEY: Key = ("protocol", "file")
MOST_STEPS = 2000  # of a replayed trace
MOST_POINTS = 1000  # of its voltage, that are kept for pictures: the extremes of each part
DIGEST = 16  # letters of a file's digest
NONE = 1e-12  # A/m^2: a smaller current is a rest


def place_trace(source: Source, tree: Table) -> None:
    """Put the steps of `protocol.file` into the tables; a resolved case, which holds them, needs no file."""
    protocol = tree.get("protocol")
    if not isinstance(protocol, dict):
        return
    name = protocol.get("file")
    if name is None or name == "none":
        return
    if isinstance(protocol.get("measured"), dict):  # a resolved case
        named, kept = (source.origins.get(("protocol", key)) for key in ("file", "measured"))
        if named is not None and kept is not None and named.file != kept.file:
            source.fail(KEY, "this case holds the steps of another file; change the case file that names the file")
        return
    if protocol.get("steps") not in (None, "none"):
        source.fail(
            ("protocol", "steps"), "stand beside protocol.file, which gives the steps; remove one of them, or clear "
            'those of a base with steps = "none"'
        )  # fmt: skip
    trace = _read(source, name, protocol.get("columns"), _folder(source))
    if not trace.area_specific:
        trace = trace.per_area(_area(source, tree, name))
    protocol |= _tables(source, trace, name)


def _folder(source: Source) -> Path:
    """Return the folder of the case file that names the trace."""
    origin = next((source.origins[KEY[:n]] for n in (2, 1) if KEY[:n] in source.origins), None)
    return origin.folder if origin else Path.cwd()


def _read(source: Source, name: Any, columns: Any, folder: Path) -> Trace:
    """Return the one trace of a file in the case file's folder, or below it."""
    from phasefield.measured import MeasuredError, read_measurement
    from phasefield.measured.columns import OF_TRACES

    if not isinstance(name, str) or not name or not name.isprintable() or len(name) > 1000:
        source.fail(KEY, f"{shown(name)} is no file name; give a file of a cycler")
    if columns == "none":
        columns = None
    if columns is not None and not (isinstance(columns, dict) and all(isinstance(n, str) for n in columns.values())):
        source.fail(("protocol", "columns"), 'a table is needed, e.g. { time = "t/h", current = "I/mA" }')
    for key in columns or {}:
        if key not in OF_TRACES:
            source.fail(("protocol", "columns", key), f"is no column of a trace; known are {', '.join(OF_TRACES)}")
    path = folder / name
    try:
        plain = not Path(name).is_absolute() and ".." not in Path(name).parts
        inside = plain and path.resolve().is_relative_to(folder.resolve())
    except (OSError, ValueError, RuntimeError):
        inside = False
    if not inside:
        source.fail(
            KEY, f"{shown(name)} is no path in the folder of the case file; copy the file there and give its name"
        )
    try:
        found = read_measurement(path, columns)
    except MeasuredError as error:
        place = f":{error.line}" if error.line is not None else ""
        source.fail(KEY, f"{name}{place}: {error.message}")
    traces = [trace for trace in found.traces if len(trace.time) > 1 and not np.isnan(trace.current).all()]
    if len(traces) != 1:
        source.fail(KEY, f"{name} holds {len(traces)} traces of a current; one is needed, so export one experiment")
    if not np.isfinite(traces[0].current).all() or not traces[0].duration > 0.0:
        source.fail(KEY, f"{name} has no current, or no time, at some of its points; fill or remove them")
    return traces[0]


def _area(source: Source, tree: Table, name: str) -> float:
    cell = tree.get("cell")
    given = cell.get("electrode_area") if isinstance(cell, dict) else None
    if given is None:
        source.fail(
            KEY, f'{name} has a current in mA and not in mA/cm2; add [cell] electrode_area, e.g. "1.13 cm^2"'
        )
    try:
        area = to_si(given, units.AREA) if isinstance(given, str) else float(given)
    except (UnitError, TypeError, ValueError) as error:
        source.fail(("cell", "electrode_area"), str(error))
    if not units.AREA.low <= area <= units.AREA.high:
        source.fail(("cell", "electrode_area"), f"{shown(given)} is no area of an electrode; check number and unit")
    return area


def _tables(source: Source, trace: Trace, name: str) -> Table:
    """Return the steps, and the table [protocol.measured]."""
    from phasefield.measured.compress import constant_steps

    steps = constant_steps(trace.time, trace.current, MOST_STEPS)
    if steps is None:
        source.fail(
            KEY, f"{name}: {MOST_STEPS} steps cannot follow its current within 2 % of the charge; give a part of it"
        )
    tables = tuple(
        {"rest": _seconds(dt)} if abs(j) < NONE else
        {"current": to_text(float(j), units.CURRENT_DENSITY), "duration": _seconds(dt)}
        for dt, j in zip(steps.duration, steps.current, strict=True)
    )  # fmt: skip
    off = _or_zero(steps.charge_error, units.CAPACITY)
    measured: Table = {"digest": trace.digest[:DIGEST], "charge_error": to_text(off, units.CAPACITY)}
    known = np.isfinite(trace.voltage)
    if known.any():
        kept = _extremes(trace.voltage[known])
        measured["time"] = tuple(_seconds(t) for t in (trace.time[known] - trace.time[0])[kept])
        measured["voltage"] = tuple(
            to_text(_or_zero(v, units.VOLTAGE), units.VOLTAGE) for v in trace.voltage[known][kept]
        )
    return {"steps": tables, "measured": measured}


def _seconds(value: float) -> str:
    return to_text(float(value), units.TIME)


def _or_zero(value: float, kind: units.Kind) -> float:
    """Return a number, 0 in the place of one that is round-off of it."""
    return float(value) if abs(value) >= kind.low else 0.0


def _extremes(values: np.ndarray[Any, Any]) -> list[int]:
    """Return the places of the first, the last, and the smallest and largest value of each part of a column."""
    if len(values) <= MOST_POINTS:
        return list(range(len(values)))
    kept = {0, len(values) - 1}
    for part in np.array_split(np.arange(len(values)), MOST_POINTS // 2 - 1):
        kept |= {int(part[np.argmin(values[part])]), int(part[np.argmax(values[part])])}
    return sorted(kept)
