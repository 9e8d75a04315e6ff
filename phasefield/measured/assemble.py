"""From columns to spectra and traces: sweeps are told apart, and a clock that was reset goes on."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from phasefield.measured.record import Floats, Integers, MeasuredError, Spectrum, Trace
from phasefield.measured.table import Table

RESET = 0.1  # of the time reached: a clock that falls below it was reset
DECADE = 10.0  # a jump back of the frequency by more begins another sweep
MOST_SPECTRA = 10_000
LEAST = 2  # points of a spectrum or a trace


@dataclass(frozen=True)
class FileOrigin:
    """The file that a table is from: its path, its name without folders, its digest."""

    file: Path
    digest: str

    @property
    def source(self) -> str:
        """Name of the file, without its folder."""
        return self.file.name


def spectra_of(origin: FileOrigin, table: Table, name: str) -> list[Spectrum]:
    """Return the spectra of a table: one for each cycle and each sweep. Rows at frequency 0 are of none."""
    values = table.values
    if not {"frequency", "impedance_real", "impedance_imaginary"} <= {*values}:
        return []
    area_specific = table.area_specific.get("impedance_real", False)
    if area_specific != table.area_specific.get("impedance_imaginary", False):
        raise MeasuredError(origin.file, "the parts of the impedance have different units; give both in one")
    frequency = values["frequency"]
    negative = np.flatnonzero(frequency < 0.0)
    if len(negative):
        line = int(table.lines[negative[0]]) or None
        raise MeasuredError(origin.file, "the frequency is below 0; correct it, or remove the line", line)
    rows = np.flatnonzero(frequency > 0.0)
    z = values["impedance_real"][rows] + 1j * values["impedance_imaginary"][rows]
    f = frequency[rows]
    cycle = values["cycle"][rows] if "cycle" in values else np.zeros(len(rows))
    ends = [0, *(np.flatnonzero(_begins(f, cycle)) + 1).tolist(), len(f)]
    if len(ends) - 1 > MOST_SPECTRA:
        raise MeasuredError(origin.file, f"holds more than {MOST_SPECTRA} spectra; cut it into parts")
    found: list[Spectrum] = []
    for first, last in pairwise(ends):
        if last - first >= LEAST:
            label = f"{name} {len(found) + 1}" if len(ends) > 2 else name
            found.append(
                Spectrum(f[first:last], z[first:last], label, origin.source, origin.digest, area_specific)
            )
        elif last > first:
            table.notes.append(f"a spectrum of {last - first} point was left out")
    return found


def _begins(f: Floats, cycle: Floats) -> NDArray[np.bool_]:
    """Return (n - 1,) whether another sweep begins behind each point."""
    if len(f) < LEAST:
        return np.zeros(max(len(f) - 1, 0), dtype=bool)
    step = np.diff(np.log10(f))
    way = np.sign(np.median(step))
    return np.asarray((np.diff(cycle) != 0) | ((np.sign(step) == -way) & (np.abs(step) > np.log10(DECADE))))


def traces_of(origin: FileOrigin, table: Table, name: str) -> list[Trace]:
    """Return the trace of a table, or none. Where the table has spectra, it is made of the rows at frequency 0."""
    values = table.values
    if "time" not in values or not {"voltage", "current"} & {*values}:
        return []
    rows = np.flatnonzero(values["frequency"] == 0.0) if "frequency" in values else np.arange(len(table.lines))
    if len(rows) < LEAST:
        if "frequency" not in values:
            raise MeasuredError(origin.file, "holds a single point; export the whole measurement")
        return []
    time, resets = _continued(origin, values["time"][rows], table.lines[rows])
    nothing = np.full(len(rows), np.nan)
    return [
        Trace(
            time,
            values["current"][rows] if "current" in values else nothing,
            values["voltage"][rows] if "voltage" in values else nothing,
            _counted(values, "cycle", rows),
            _counted(values, "step", rows),
            name,
            origin.source,
            origin.digest,
            table.area_specific.get("current", False),
            resets,
        )
    ]


def _counted(values: dict[str, Floats], key: str, rows: Integers) -> Integers:
    return np.rint(values[key][rows]).astype(np.int64) if key in values else np.zeros(len(rows), dtype=np.int64)


def _continued(origin: FileOrigin, time: Floats, lines: Integers) -> tuple[Floats, tuple[int, ...]]:
    """Return times that never fall, and the points before which the clock was reset.

    A reset clock begins near the time at which it began before, and goes on from the last time. Raises MeasuredError
    for a time that falls otherwise.
    """
    falls = np.flatnonzero(np.diff(time) < 0.0) + 1
    if not len(falls):
        return time, ()
    begins = np.concatenate([[0], falls[:-1]])
    reached, since = time[falls - 1], time[begins]
    after = time[np.minimum(falls + 1, len(time) - 1)]
    odd = np.abs(time[falls] - since) > RESET * (reached - since)  # no new start
    wrong = np.flatnonzero(odd | ((after >= reached) & (falls + 1 < len(time))))  # or a single wrong number
    if len(wrong):
        at = int(falls[wrong[0]])
        raise MeasuredError(
            origin.file,
            f"the time falls from {time[at - 1]:.6g} s to {time[at]:.6g} s; sort the rows, or remove repeated ones",
            int(lines[at]) or None,
        )
    shift = np.zeros(len(time))
    shift[falls] = time[falls - 1] - np.minimum(time[falls], since)
    return np.maximum.accumulate(time + np.cumsum(shift)), tuple(falls.tolist())
