"""The data of a fit: spectra, traces and tables of rates, as numbers that a flat cell can be compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from phasefield.analytic.flat_trace import CurrentTrace
from phasefield.errors import PhasefieldError
from phasefield.fitting.fitfile import TABLES, FitFile
from phasefield.fitting.tables.rate_table import RateTable, read_rate_table
from phasefield.fitting.tables.voltage_table import VoltageTable, read_voltage_table
from phasefield.measured.compress import jumps_of, switched_charge
from phasefield.measured.read import read_measurement

Floats = NDArray[np.float64]

TYPICAL = {"spectrum": 0.01, "cycling": 2e-3, "polarisation": 0.01, "rates": 0.01, "voltages": 0.01}
"""Noise that a search begins with where none is stated: it sets the weights of data that are of different kinds."""
MOST_SEEN = 300  # samples of a trace that are compared; more of a slow curve say the same
LEAST = 8  # points of a spectrum or a trace
INDUCTIVE = 0.05  # of |Z|, far above noise: from there on leads add to the cell, and points are left out
EARLIEST = 1e-3  # of a segment: samples are taken as densely in the logarithm of the time, from there on
KEPT = 2.0 / 3.0  # of a trace, that growth laws are fitted to; they are compared by the rest


@dataclass(frozen=True)
class DataFile:
    """A file of the data: its role, its name in the fit file, and the SHA-256 of its bytes."""

    role: str
    name: str
    digest: str


@dataclass(frozen=True)
class Observation:
    """What was measured in one role, as real numbers, and what one unit of noise is.

    x: frequency [Hz], time [s] or rate [C]; measured: of a spectrum the real, then the imaginary parts [ohm m^2], of
    a trace voltages [V], of a table of rates capacities, then polarisations; scale: standard deviation for a noise of
    1; noise: as stated, else None; drive: of what is computed step by step, none of a spectrum.
    """

    file: DataFile
    x: Floats
    measured: Floats
    scale: Floats
    noise: float | None
    drive: CurrentTrace | RateTable | VoltageTable | None = None
    notes: tuple[str, ...] = ()

    @property
    def role(self) -> str:
        """Role of the file."""
        return self.file.role

    def split(self) -> tuple[Observation, Observation]:
        """Return the samples of a trace up to two thirds of its time, and the others."""
        assert isinstance(self.drive, CurrentTrace)
        until = KEPT * float(self.drive.time[-1])
        early = self.x <= until
        parts = []
        for kept in (early, ~early):
            drive = replace(self.drive, seen=self.drive.seen[kept], moment=self.drive.moment[kept])
            parts.append(
                replace(self, x=self.x[kept], measured=self.measured[kept], scale=self.scale[kept], drive=drive)
            )
        return parts[0], parts[1]


def load_data(fit: FitFile, full: bool = False) -> tuple[Observation, ...]:
    """Read the files of a fit; full: of a full cell. Raises PhasefieldError if one has no such data, or too few."""
    found = []
    for role, path in fit.files.items():
        if role in TABLES:
            found.append(_table_data(fit, role, path))
            continue
        measured = read_measurement(path, fit.columns.get(role))
        name = path.relative_to(fit.path.parent)
        file = DataFile(role, str(name), measured.digest)
        several: Sequence[object] = measured.spectra if role == "spectrum" else measured.traces
        if not several:
            what = "no impedance spectrum" if role == "spectrum" else "no trace of current and voltage"
            raise PhasefieldError(f"{path}: holds {what}; give another file as [data] {role}")
        notes = (f"{name}: the first of {len(several)} is taken",) if len(several) > 1 else ()
        try:
            if role == "spectrum":
                one = measured.spectra[0].per_area(fit.area)
                seen = spectrum_data(file, one.frequency, one.impedance, fit.noise.get(role))
            else:
                trace = measured.traces[0].per_area(fit.area)
                seen = trace_data(file, trace.time, trace.current, trace.voltage, fit.noise.get(role), full)
        except PhasefieldError as error:
            raise PhasefieldError(f"{path}: {error}") from None
        found.append(replace(seen, notes=notes + seen.notes))
    return tuple(found)


def spectrum_data(
    file: DataFile, frequency: Floats, impedance: NDArray[np.complex128], noise: float | None
) -> Observation:
    """Return a spectrum [Hz, ohm m^2] as data; points of an inductance, that of the leads, are left out."""
    good = (frequency > 0.0) & np.isfinite(impedance) & (impedance.real > 0.0)
    bent = good & (impedance.imag > INDUCTIVE * np.abs(impedance))
    inductive = good & (frequency >= np.min(frequency[bent], initial=np.inf))
    kept = good & ~inductive
    if np.unique(frequency[kept]).size < LEAST:
        raise PhasefieldError(
            f"{np.unique(frequency[kept]).size} usable frequencies of a spectrum; {LEAST} at least are needed"
        )
    order = np.argsort(-frequency[kept])
    f, Z = frequency[kept][order], impedance[kept][order]
    notes = []
    if inductive.any():
        highest = float(frequency[inductive].min())
        count = int(inductive.sum())
        notes.append(f"{file.name}: {count} points from {highest:.3g} Hz on show the inductance of leads; left out")
    if (~good).any():
        notes.append(f"{file.name}: {int((~good).sum())} points without a frequency or an impedance are left out")
    size = np.abs(Z)
    return Observation(
        file, f, np.concatenate([Z.real, Z.imag]), np.concatenate([size, size]), noise, notes=tuple(notes)
    )


def _table_data(fit: FitFile, role: str, path: Path) -> Observation:
    """Return a small table as data; its noise is a share of each number."""
    table: RateTable | VoltageTable
    if role == "rates":
        table = rates = read_rate_table(path)
        x, measured = rates.x, rates.measured
    else:
        table = voltages = read_voltage_table(path)
        x, measured = voltages.time, voltages.voltage
    noise = fit.noise.get(role)
    if noise is None and measured.size < LEAST:
        raise PhasefieldError(
            f"{path}: {measured.size} numbers do not show their own noise; state it as a share: [data] {role}_noise = "
            "0.03"
        )
    file = DataFile(role, str(path.relative_to(fit.path.parent)), table.digest)
    return Observation(file, x, measured, measured, noise, table)


def _direction(time: Floats, current: Floats, voltage: Floats, full: bool) -> float:
    """Return which way current and voltage go together: above 0 if a positive current charges, or plates.

    The voltage of lithium cells has the sign of the current. That of a full cell is higher in charge than in
    discharge; where there is only one of both it rises with the charge that passes.
    """
    if not full:
        return float((current * voltage).sum())
    one_way = current.min() >= 0.0 or current.max() <= 0.0
    way = np.cumsum(current * np.diff(time, prepend=time[0])) if one_way else current
    return float(((way - way.mean()) * (voltage - voltage.mean())).sum())


def trace_data(
    file: DataFile, time: Floats, current: Floats, voltage: Floats, noise: float | None, full: bool = False
) -> Observation:
    """Return a trace [s, A/m^2, V] as data: what is imposed, and a choice of samples to compare; full: of a full cell.

    The current has the sign of the voltage. The noise of a polarisation trace is a share of its voltage.
    """
    good = np.isfinite(time) & np.isfinite(current) & np.isfinite(voltage)
    t, j, U = time[good], current[good], voltage[good]
    latest = np.maximum.accumulate(t) if t.size else t
    later = np.concatenate([[True], t[1:] > latest[:-1]])[: t.size]
    t, j, U = t[later] - (t[0] if t.size else 0.0), j[later], U[later]
    if t.size < LEAST or not np.any(j):
        raise PhasefieldError(f"{t.size} usable samples of a trace, or no current; {LEAST} at least are needed")
    notes = []
    if _direction(t, j, U, full) < 0.0:
        j = -j
        notes.append(f"{file.name}: current and voltage have opposite signs; the current is taken with the other one")
    drive, at = drive_of(t, j)
    scale = np.ones(at.size) if file.role == "cycling" else np.maximum(np.abs(U[at]), 1e-9)
    if at.size < t.size - 1:
        notes.append(f"{file.name}: {at.size} of {t.size} samples are compared; all are in the charge that passes")
    return Observation(file, t[at], U[at], scale, noise, drive, tuple(notes))


def drive_of(time: Floats, current: Floats) -> tuple[CurrentTrace, NDArray[np.intp]]:
    """Return a measured current [s, A/m^2] as a drive, and the samples that it looks at.

    The current switches halfway between two samples. Where it does, the first sample afterwards is not looked at: the
    moment of the switch is not known better than that.
    """
    edges = jumps_of(current) + 1
    starts = np.concatenate([[0], edges, [time.size]])
    segments = [(a, b) for a, b in pairwise(starts) if b - a > 1]
    each = max(1, MOST_SEEN // max(len(segments), 1))
    if len(segments) > MOST_SEEN:
        segments = [segments[k] for k in np.unique(np.linspace(0, len(segments) - 1, MOST_SEEN).astype(int))]
    at = np.unique(np.concatenate([_chosen(time, a, b, each) for a, b in segments] or [np.zeros(0, dtype=np.intp)]))
    if at.size < LEAST:
        raise PhasefieldError(f"the current changes at each sample; {LEAST} with a steady one are needed at least")
    all_times, passed, switches = switched_charge(time, current)
    kept = np.sort(np.concatenate([at + np.searchsorted(edges, at, side="right"), switches]))
    ends, charge = all_times[kept], passed[kept]
    mean = np.diff(charge, prepend=0.0) / np.diff(ends, prepend=0.0)
    return CurrentTrace(ends, mean, np.searchsorted(ends, time[at]), current[at]), at


def _chosen(time: Floats, a: int, b: int, most: int) -> NDArray[np.intp]:
    """Return up to `most` samples of a segment, without its first: half at even times, half at even ratios."""
    if b - 1 - a <= most:
        return np.arange(a + 1, b)
    if most == 1:
        return np.array([b - 1])
    length = time[b - 1] - time[a]
    late = np.linspace(0.0, length, most // 2 + 1)[1:]
    early = np.geomspace(EARLIEST * length, length, most - most // 2)
    found = np.searchsorted(time[a:b] - time[a], np.concatenate([early, late]) * (1.0 - 1e-9))
    return np.unique(np.clip(a + found, a + 1, b - 1))

