"""What a trace and a spectrum show at a glance: cycles, currents, charges, gaps, resets of the clock."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from phasefield.measured.record import Floats, Spectrum, Trace

LONG_GAP = 60.0  # s, the least interval that is called a gap
GAP_RATIO = 10.0  # to both neighbouring intervals
LEAST_SHARE = 0.02  # of the duration: currents that last less are not listed
MOST_CURRENTS = 8  # that are listed, those that last longest
DIGITS = 2  # of a current: those that agree in them are one
NO_CURRENT = 1e-3  # of the largest: less is rest


@dataclass(frozen=True)
class TraceFindings:
    """What was found in a trace, in SI.

    currents: pairs of a current [A, or A/m^2] and the time that it lasts [s], the longest first; 0 is rest.
    charge_positive, charge_negative: C, or C/m^2. gaps: pairs of the time before and the length [s]. resets: times at
    which the clock of the file was reset [s].
    """

    name: str
    points: int
    duration: float
    interval: float
    cycles: int
    half_cycles: int
    voltage: tuple[float, float] | None
    currents: tuple[tuple[float, float], ...]
    charge_positive: float
    charge_negative: float
    gaps: tuple[tuple[float, float], ...]
    resets: tuple[float, ...]
    area_specific: bool

    def as_dict(self) -> dict[str, Any]:
        """Return the findings by name."""
        return asdict(self)


@dataclass(frozen=True)
class SpectrumFindings:
    """What was found in a spectrum: points, frequencies [Hz], Re Z at both ends [ohm, or ohm m^2], peak of -Im Z.

    peak_frequency: where -Im Z has its largest value inside the range [Hz]; None if it is at an end.
    """

    name: str
    points: int
    lowest: float
    highest: float
    resistance_high: float
    resistance_low: float
    peak_frequency: float | None
    area_specific: bool

    def as_dict(self) -> dict[str, Any]:
        """Return the findings by name."""
        return asdict(self)


def trace_findings(trace: Trace) -> TraceFindings:
    """Return what a trace shows. A current lasts from midway to the point before to midway to the next one."""
    interval = np.diff(trace.time)
    lasting = 0.5 * (np.append(interval, 0.0) + np.insert(interval, 0, 0.0))
    current = trace.current
    known = np.isfinite(current)
    largest = float(np.max(np.abs(current[known]), initial=0.0))
    passed = np.where(known, current, 0.0) * lasting
    voltage = trace.voltage[np.isfinite(trace.voltage)]
    gaps = _gaps(interval)
    sign = np.sign(current[known & (np.abs(current) > NO_CURRENT * largest)])
    return TraceFindings(
        name=trace.name,
        points=len(trace.time),
        duration=trace.duration,
        interval=float(np.median(interval)) if len(interval) else 0.0,
        cycles=len(np.unique(trace.cycle)) if np.any(trace.cycle) else 0,
        half_cycles=int(np.sum(np.diff(sign) != 0)) + 1 if len(sign) else 0,
        voltage=(float(voltage.min()), float(voltage.max())) if len(voltage) else None,
        currents=_currents(current[known], lasting[known], largest),
        charge_positive=float(passed[passed > 0.0].sum()),
        charge_negative=float(passed[passed < 0.0].sum()),
        gaps=tuple((float(trace.time[k]), float(interval[k])) for k in gaps),
        resets=tuple(float(trace.time[k]) for k in trace.resets),
        area_specific=trace.area_specific,
    )


def spectrum_findings(spectrum: Spectrum) -> SpectrumFindings:
    """Return what a spectrum shows."""
    order = np.argsort(spectrum.frequency)
    f, z = spectrum.frequency[order], spectrum.impedance[order]
    peak = int(np.argmax(-z.imag))
    return SpectrumFindings(
        spectrum.name, len(f), float(f[0]), float(f[-1]), float(z.real[-1]), float(z.real[0]),
        float(f[peak]) if 0 < peak < len(f) - 1 else None, spectrum.area_specific,
    )  # fmt: skip


def _gaps(interval: Floats) -> list[int]:
    """Return the places of intervals that are much longer than those on both sides."""
    if len(interval) < 3:
        return []
    beside = np.maximum(np.concatenate([[0.0], interval[:-1]]), np.concatenate([interval[1:], [0.0]]))
    return [int(k) for k in np.flatnonzero((interval > LONG_GAP) & (interval > GAP_RATIO * beside))]


def _currents(current: Floats, interval: Floats, largest: float) -> tuple[tuple[float, float], ...]:
    """Return the currents that last, each with its time, the longest first; equal in DIGITS digits is one."""
    total = float(interval.sum())
    if not len(current) or not total > 0.0:
        return ()
    resting = np.abs(current) <= NO_CURRENT * largest
    size = 10.0 ** (np.floor(np.log10(np.where(resting, 1.0, np.abs(current)))) - (DIGITS - 1))
    rounded = np.where(resting, 0.0, np.rint(np.where(resting, 0.0, current) / size) * size)
    levels, at = np.unique(rounded, return_inverse=True)
    lasting = np.bincount(at, weights=interval, minlength=len(levels))
    first = np.argsort(-lasting)[:MOST_CURRENTS]
    return tuple((float(levels[k]), float(lasting[k])) for k in first if lasting[k] >= LEAST_SHARE * total)
