"""Reading a measured file: bounded, by its content, never by its ending alone."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from phasefield.errors import PhasefieldError, one_line
from phasefield.files.atomic import read_start
from phasefield.files.decode import decoded
from phasefield.measured.assemble import FileOrigin
from phasefield.measured.binary import binary_reader
from phasefield.measured.biologic import is_eclab, read_eclab
from phasefield.measured.delimited import read_delimited
from phasefield.measured.gamry import is_gamry, read_gamry
from phasefield.measured.lines import split_lines
from phasefield.measured.record import MeasuredError, Measurement
from phasefield.measured.table import MOST_BYTES
from phasefield.measured.zplot import is_zplot, read_zplot

_START = 4096  # bytes that tell text from binary


def read_measurement(path: str | os.PathLike[str], columns: Mapping[str, str] | None = None) -> Measurement:
    """Read a file of a cycler or an impedance analyser; two points at least.

    Known: EC-Lab text (.mpt) and binary (.mpr, by galvani), ZPlot (.z), Gamry (.DTA), Neware (.nda, .ndax, by
    newarenda), the battery data format (.bdf.csv) and other tables with a line of heads. columns: for such tables, from
    a quantity (time, voltage, current, cycle, step, frequency, impedance_real, impedance_imaginary) to the head of its
    column, with its unit where the file states none, such as {"time": "Time/h"}. Raises MeasuredError.
    """
    file = Path(path)
    found = _read(file, _bytes(file), columns)
    if not found.spectra and not found.traces:
        raise MeasuredError(file, "holds less than two points of a spectrum or a trace; export the whole measurement")
    return found


def _bytes(file: Path) -> bytes:
    """Return the content of a plain file. Raises MeasuredError."""
    try:
        data = read_start(file, MOST_BYTES + 1)
    except OSError as error:
        raise MeasuredError(file, f"cannot be read ({error.strerror or error}); give a measured file") from None
    except MeasuredError:
        raise
    except (PhasefieldError, ValueError) as error:
        text = one_line(str(error), 300).removeprefix(f"{one_line(str(file), 300)}: ")
        raise MeasuredError(file, text) from None
    if len(data) > MOST_BYTES:
        raise MeasuredError(file, f"is larger than {MOST_BYTES >> 20} MB; cut it into parts")
    if not data:
        raise MeasuredError(file, "is empty; copy it again from the instrument")
    return data


def _read(file: Path, data: bytes, columns: Mapping[str, str] | None) -> Measurement:
    """Return what a file holds, by the reader of its format."""
    origin = FileOrigin(file, hashlib.sha256(data).hexdigest())
    reader = binary_reader(data[:_START])
    if reader is not None:
        return reader(origin, data)
    if b"\0" in data and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise MeasuredError(
            file, "is binary, of no format that is known here, or damaged; export it from the instrument's program as "
            "text or CSV (a height map is read by phasefield profile)",
        )
    text = decoded(data)
    lines = split_lines(file, text)
    start = text[:_START]
    for known, read in ((is_eclab, read_eclab), (is_zplot, read_zplot), (is_gamry, read_gamry)):
        if known(start):
            return read(origin, lines)
    if start.lstrip()[:1] in ("{", "<"):
        raise MeasuredError(file, "is JSON, or a page, and no table; export text or CSV (BPX: phasefield bpx)")
    return read_delimited(origin, lines, columns)
