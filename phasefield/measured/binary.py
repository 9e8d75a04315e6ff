"""Binary files of cyclers, read by the libraries that know them: BioLogic .mpr by galvani, Neware by newarenda.

They are imported only when such a file comes. galvani is under the GPL, so it is no dependency of this program.
"""

from __future__ import annotations

import io
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn

import numpy as np

from phasefield.errors import one_line
from phasefield.measured.assemble import FileOrigin, spectra_of, traces_of
from phasefield.measured.columns import choose_columns, needed_columns, parse_head
from phasefield.measured.record import Floats, MeasuredError, Measurement
from phasefield.measured.table import MOST_ROWS, Table, current_from_charge, make_table

MOST_BINARY = 1 << 25  # bytes of a file
MOST_UNPACKED = 1 << 28  # bytes of what an archive holds
NEWARE_NAMES = {
    "time": ("time",), "voltage": ("voltage",), "current": ("current",), "cycle": ("cycle",), "step": ("step",),
}  # fmt: skip

Reader = Callable[[FileOrigin, bytes], Measurement]


def binary_reader(start: bytes) -> Reader | None:
    """Return the reader of a binary file by its first bytes; None for other files."""
    if start.startswith(b"BIO-LOGIC MODULAR FILE"):
        return read_mpr
    if start.startswith(b"NEWARE"):
        return read_nda
    return read_ndax if start.startswith(b"PK\x03\x04") else None


def read_mpr(origin: FileOrigin, data: bytes) -> Measurement:
    """Read a BioLogic .mpr file by galvani."""
    _check_size(origin, data)
    try:
        from galvani.BioLogic import MPRfile
    except ImportError:
        raise MeasuredError(
            origin.file, "is a BioLogic binary and needs galvani (GPL); install it with: pip install galvani, or "
            "export the file from EC-Lab as text (.mpt)"
        ) from None  # fmt: skip
    try:
        with warnings.catch_warnings(action="ignore"):
            found = MPRfile(io.BytesIO(data)).data
            raw = {str(name): np.asarray(found[name], dtype=np.float64) for name in found.dtype.names}
    except Exception as error:  # a damaged file fails in a dozen ways
        _refuse(origin, "galvani", error, "export it from EC-Lab as text (.mpt)")
    return _measurement(origin, "EC-Lab binary", raw)


def read_nda(origin: FileOrigin, data: bytes) -> Measurement:
    """Read a Neware .nda file by newarenda."""
    return _measurement(origin, "Neware", _neware(origin, data, ".nda"), NEWARE_NAMES)


def read_ndax(origin: FileOrigin, data: bytes) -> Measurement:
    """Read a Neware .ndax file, an archive, by newarenda."""
    _check_size(origin, data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            entries = packed.infolist()
    except Exception as error:  # a damaged archive fails in a dozen ways
        _refuse(origin, "zipfile", error, "copy it again from the cycler")
    if not any(entry.filename == "data.ndc" for entry in entries):
        raise MeasuredError(origin.file, "is an archive without data.ndc, so it is no .ndax file; unpack it")
    if sum(entry.file_size for entry in entries) > MOST_UNPACKED:
        raise MeasuredError(origin.file, f"unpacks to more than {MOST_UNPACKED >> 20} MB; export it as CSV, in parts")
    return _measurement(origin, "Neware", _neware(origin, data, ".ndax"), NEWARE_NAMES)


def _neware(origin: FileOrigin, data: bytes, ending: str) -> dict[str, Floats]:
    """Return the columns of a Neware file by their heads, the time since the first point among them."""
    _check_size(origin, data)
    try:
        import NewareNDA
    except ImportError:
        raise MeasuredError(
            origin.file, "is a Neware file and needs newarenda; install it with: pip install "
            '"lithium-phasefield[neware]", or export the file from BTSDA as CSV'
        ) from None  # fmt: skip
    try:
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(action="ignore"):
            copy = Path(folder) / f"copy{ending}"  # the library goes by the ending
            copy.write_bytes(data)
            frame = NewareNDA.read(str(copy), log_level="CRITICAL")
        stamps = np.asarray(frame["Timestamp"].values.astype("datetime64[us]").astype(np.int64), dtype=np.float64) / 1e6
        raw = {f"{name}/{unit}" if unit else name: np.asarray(frame[column], dtype=np.float64)
               for column, name, unit in (("Voltage", "Voltage", "V"), ("Current(mA)", "Current", "mA"),
                                          ("Cycle", "Cycle", ""), ("Step", "Step", ""))}  # fmt: skip
        raw["Time/s"] = _clock(stamps, np.asarray(frame["Time"], dtype=np.float64), raw["Step"])
    except Exception as error:  # a damaged file fails in a dozen ways
        _refuse(origin, "newarenda", error, "export it from BTSDA as CSV")
    return raw


def _clock(stamps: Floats, in_step: Floats, step: Floats) -> Floats:
    """Return the time since the first point, s.

    stamps: date and time, whole seconds. in_step: time since the step began, ms kept. step: its number. Both make a
    clock that is as fine as the second and as long as the first.
    """
    begins = np.concatenate([[True], np.diff(step) != 0]) if len(step) else np.zeros(0, dtype=bool)
    at = np.maximum.accumulate(np.where(begins, np.arange(len(step)), 0)) if len(step) else np.zeros(0, dtype=int)
    time = stamps[at] - in_step[at] + in_step
    return np.asarray(np.maximum.accumulate(time - time[0]) if len(time) else time)


def _measurement(
    origin: FileOrigin, form: str, raw: dict[str, Floats], names: Mapping[str, tuple[str, ...]] | None = None
) -> Measurement:
    """Return what columns by their heads hold."""
    heads = [parse_head(text) for text in raw]
    chosen = choose_columns(origin.file, heads, names=names)
    needed_columns(origin.file, heads, chosen, None)
    columns = [*raw.values()]
    if len(columns[0]) > MOST_ROWS:
        raise MeasuredError(origin.file, f"has {len(columns[0])} rows; {MOST_ROWS} are read; export it in parts")
    picked = {key: columns[one.at] for key, one in chosen.items()}
    table: Table = make_table(origin.file, picked, np.zeros(len(columns[0]), dtype=np.int64), chosen)
    current_from_charge(table)
    spectra = spectra_of(origin, table, "spectrum")
    traces = traces_of(origin, table, "trace")
    return Measurement(origin.file, origin.digest, form, tuple(spectra), tuple(traces), tuple(table.notes), tuple(raw))


def _check_size(origin: FileOrigin, data: bytes) -> None:
    if len(data) > MOST_BINARY:
        raise MeasuredError(origin.file, f"is larger than {MOST_BINARY >> 20} MB; export it as text, in parts")


def _refuse(origin: FileOrigin, library: str, error: Exception, remedy: str) -> NoReturn:
    words = one_line(f"{type(error).__name__}: {error}", 120)
    message = f"is damaged, or of a version that {library} does not know ({words}); {remedy}"
    raise MeasuredError(origin.file, message) from None
