"""What a measured file holds: impedance spectra, and traces of current and voltage over time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from phasefield.errors import PhasefieldError, one_line
from phasefield.units import AREA

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]
Integers = NDArray[np.int64]


class MeasuredError(PhasefieldError):
    """A measured file that cannot be read: the message names the file, the line and what to do."""

    def __init__(self, file: Path | str, message: str, line: int | None = None) -> None:
        super().__init__(file, message, line)
        self.file, self.message, self.line = str(file), message, line

    def __str__(self) -> str:
        place = one_line(self.file, 300) if self.line is None else f"{one_line(self.file, 300)}:{self.line}"
        return f"{place}: {one_line(self.message)}"


@dataclass(frozen=True, eq=False)
class Spectrum:
    """An impedance spectrum, in the order in which it was measured.

    frequency: (n,), Hz. impedance: (n,), ohm, or ohm m^2 if area_specific; capacitive parts are negative. name: what
    tells it from the others of the file. source: the file. digest: SHA-256 of the file, in hexadecimal digits.
    """

    frequency: Floats
    impedance: Complexes
    name: str
    source: str
    digest: str
    area_specific: bool = False

    def per_area(self, area: float) -> Spectrum:
        """Return the spectrum in ohm m^2; area: of the electrode, m^2. One that is in ohm m^2 is returned as it is."""
        if self.area_specific:
            return self
        return replace(self, impedance=self.impedance * _checked(area, self.source), area_specific=True)


@dataclass(frozen=True, eq=False)
class Trace:
    """Current and voltage over time, as one experiment of a cycler.

    time: (n,), s, never falling: it goes on where the clock of the file was reset. current: (n,), A, or A/m^2 if
    area_specific, with the sign of the file. voltage: (n,), V. NaN stands all through a quantity that the file does not
    have. cycle, step: (n,), as the file counts them; 0 where it does not. name, source, digest: as in `Spectrum`.
    resets: indices of the points before which the clock of the file was reset.
    """

    time: Floats
    current: Floats
    voltage: Floats
    cycle: Integers
    step: Integers
    name: str
    source: str
    digest: str
    area_specific: bool = False
    resets: tuple[int, ...] = ()

    def per_area(self, area: float) -> Trace:
        """Return the trace in A/m^2; area: of the electrode, m^2. One that is in A/m^2 is returned as it is."""
        if self.area_specific:
            return self
        return replace(self, current=self.current / _checked(area, self.source), area_specific=True)

    @property
    def duration(self) -> float:
        """Time from the first point to the last, s."""
        return float(self.time[-1] - self.time[0]) if len(self.time) else 0.0


@dataclass(frozen=True, eq=False)
class Measurement:
    """All that was read of a measured file.

    source: the file. digest: SHA-256 of its bytes, in hexadecimal digits. format: its name, such as "EC-Lab text".
    notes: what the reader of the numbers should know, a sentence each.
    """

    source: Path
    digest: str
    format: str
    spectra: tuple[Spectrum, ...] = ()
    traces: tuple[Trace, ...] = ()
    notes: tuple[str, ...] = ()
    heads: tuple[str, ...] = ()
    """Names of the columns, as they stand in the file."""


def _checked(area: float, source: str) -> float:
    """Return an area of an electrode, m^2. Raises MeasuredError if it is none."""
    if not AREA.low <= area <= AREA.high:
        raise MeasuredError(
            source, f"an electrode area of {area:g} m^2 is none; give {AREA.low:g} to {AREA.high:g} m^2"
        )
    return area
