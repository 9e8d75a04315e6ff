"""Height maps in text: what the head says is believed, or the file is refused; nothing is guessed."""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from phasefield import units
from phasefield.errors import shown
from phasefield.files.atomic import read_start
from phasefield.files.decode import decoded
from phasefield.topography.profiles.profile import MOST_POINTS, Floats, ProfileError

MOST_TEXT = 2**28  # bytes: 30 million numbers, which are read in some seconds
MISSING = {"", "nan", "bad", "-", "--", "*", "**", "***", "na", "n/a", "none", "null", "invalid", "missing"}
NEAR = 0.02  # of a step: rounded coordinates are this near to their place
REMEDY = 'add a line "# unit: um" at the top'
# Names in a head, each with what it tells; what else speaks of sizes is refused.
TOLD = {
    "unit": "unit", "units": "unit", "value unit": "unit", "value units": "unit", "data unit": "unit",
    "unit data": "unit", "z unit": "unit", "unit z": "unit", "x unit": "lateral", "y unit": "lateral",
    "unit x": "lateral", "unit y": "lateral", "xy unit": "lateral",
    "pixel": "pixel", "pixel size": "pixel", "width": "width", "x length": "width", "height": "height",
    "y length": "height",
}  # fmt: skip
_ENTRY = re.compile(r"^#?\s*([A-Za-z][A-Za-z _-]{0,30}?)\s*[:=]\s*(\S.*)$")
_SIZES = re.compile(
    r"\b(units?|pixels?|size|scale|width|height|length|factor|resolution|spacing|step|mult|nx|ny)\b", re.IGNORECASE
)
_NUMBER = re.compile(r"[-+]?[0-9][-+.,0-9eE]*|[-+]?\.[0-9]+")


@dataclass
class _Text:
    """What has been read of a file: rows of numbers, and lengths [m] that its head tells."""

    file: Path
    told: dict[str, float] = field(default_factory=dict)
    rows: list[array[float]] = field(default_factory=list)
    trailing: bool = True  # each row ends with a separator

    def fail(self, message: str) -> NoReturn:
        raise ProfileError(f"{self.file}: {message}") from None


def is_text(file: Path) -> bool:
    """Return whether the start of a file holds no NUL, as that of binary formats does. Raises OSError."""
    start = read_start(file, 4096)
    return b"\0" not in start or start.startswith((b"\xff\xfe", b"\xfe\xff"))


def read_text_map(file: Path, unit: float | None) -> tuple[Floats, tuple[float, float] | None]:
    """Return the heights (ny, nx) [m] of a matrix, of columns x, z or of columns x, y, z, and the pixel [m].

    unit: of its numbers [m], if the file does not say. Raises ProfileError, and OSError.
    """
    found = _Text(file)
    data = read_start(file, MOST_TEXT + 1)
    if len(data) > MOST_TEXT:
        found.fail(f"is larger than {MOST_TEXT >> 20} MB; cut it down, or write it as .npz")
    for number, line in enumerate(StringIO(decoded(data)), 1):
        _read_line(found, number, line.strip(" \r\n"))
    if not found.rows:
        found.fail("holds no numbers")
    table = np.array(found.rows)
    if found.trailing and table.shape[1] > 1:
        table = table[:, :-1]
    height = found.told.get("unit", unit)
    if height is None:
        found.fail(f"does not say the unit of its heights; {REMEDY} (phasefield profile also takes --unit)")
    lateral = found.told.get("lateral", height)
    if table.shape[1] == 3 and len(table) > 3:
        heights, pixel = _gridded(found, table * [lateral, lateral, height])
    elif table.shape[1] == 2 and len(table) > 2:
        heights, pixel = _line(found, table * [lateral, height])
    else:
        return table * height, _pixel(found, table.shape[0], table.shape[1])
    if {"pixel", "width", "height"} & {*found.told}:
        found.fail("has columns of coordinates, and a head that tells their size; remove those lines")
    return heights, pixel


def _read_line(found: _Text, number: int, line: str) -> None:
    """Take in a line: an entry of the head, a row, or words."""
    entry = _ENTRY.match(line)
    if entry is not None:
        _read_entry(found, number, re.sub(r"[\s_-]+", " ", entry[1]).strip().lower(), entry[2])
        return
    if not line.strip() or line.startswith("#"):
        return
    if ";" in line or "\t" in line:  # then a comma is that of decimals
        words = re.split(r"[;\t]", line.replace(",", "."))
    else:
        words = line.split(",") if "," in line else line.split()
    words = [word.strip() for word in words]
    row = _row(words)
    if row is None:
        if found.rows or any(_NUMBER.fullmatch(word) for word in words):
            found.fail(f"line {number}, {shown(line, 40)}, is not a row of numbers; begin a line of the head with #")
        return
    if found.rows and len(row) != len(found.rows[0]):
        found.fail(f"line {number} has {len(row)} numbers, the first row {len(found.rows[0])}")
    found.rows.append(row)
    found.trailing = found.trailing and not words[-1]


def _row(words: list[str]) -> array[float] | None:
    """Return the numbers of a row, NaN where one is missing; None if a word is no number."""
    try:
        if "_" not in "".join(words):  # Python takes 1_000
            return array("d", map(float, words))
    except ValueError:
        pass
    if not all(word.lower() in MISSING or _NUMBER.fullmatch(word) for word in words):
        return None
    try:
        return array("d", [np.nan if word.lower() in MISSING else float(word) for word in words])
    except ValueError:
        return None


def _read_entry(found: _Text, number: int, name: str, value: str) -> None:
    """Take in `name: value`: a unit or a length that is known; other names may say nothing of sizes."""
    what = TOLD.get(name)
    if what is None and not _SIZES.search(name):
        if found.rows and name == "channel":
            found.fail(f"line {number}: a second map begins; keep one in the file")
        return
    if what is None:
        found.fail(f'line {number}: what {shown(name)} says is not known; {REMEDY}, "# pixel: 2 um", and remove it')
    try:
        size = units.to_si(f"1 {value.strip()}" if what in ("unit", "lateral") else value.strip(), units.LENGTH)
    except units.UnitError as error:
        found.fail(f"line {number}: {error}")
    if not size > 0.0:
        found.fail(f"line {number}: {shown(value, 40)}; a length above 0 is needed")
    if found.told.setdefault(what, size) != size:
        found.fail(f"line {number}: {shown(name)} has been told before, and otherwise; keep one")


def _pixel(found: _Text, ny: int, nx: int) -> tuple[float, float] | None:
    """Return the pixel of a matrix [m], from its own size or from that of the map."""
    told = found.told
    across = told.get("width", told["pixel"] * nx if "pixel" in told else None)
    along = told.get("height", told["pixel"] * ny if "pixel" in told else None)
    if across is None and along is None:
        return None
    if across is None or along is None:
        found.fail('tells one edge of the map; tell "# width: 100 um" and "# height: 100 um", or "# pixel: 2 um"')
    edges = across / nx, along / ny
    if "pixel" in told and not np.allclose(edges, told["pixel"], rtol=NEAR):
        found.fail("tells a pixel and a size of the map that do not agree; remove one of them")
    return edges


def _places(values: Floats) -> tuple[NDArray[np.int64], float] | None:
    """Return the places (0, 1, 2, ...) of coordinates in equal steps, and the step; None if there are none."""
    steps = np.diff(np.unique(values))
    if not np.all(np.isfinite(values)) or not len(steps):
        return None
    steps = steps[steps > 1e-6 * np.ptp(values)]  # the rest is round-off of one place
    count = round(float(np.ptp(values)) / float(np.median(steps)))
    step = float(np.ptp(values)) / count
    at = (values - values.min()) / step
    places = np.rint(at)
    return (places.astype(np.int64), step) if np.all(np.abs(at - places) <= NEAR) else None


def _line(found: _Text, table: Floats) -> tuple[Floats, tuple[float, float]]:
    """Return columns x, z as a profile line, a map of one row."""
    places = _places(table[:, 0])
    if places is None or not np.array_equal(places[0], np.arange(len(table))):
        found.fail("its two columns are no x in equal steps and z; resample it, or transpose a map of two columns")
    return table[None, :, 1], (places[1], places[1])


def _gridded(found: _Text, table: Floats) -> tuple[Floats, tuple[float, float]]:
    """Return columns x, y, z as a map; points of the grid that are not there are missing."""
    x, y = _places(table[:, 0]), _places(table[:, 1])
    if x is None or y is None:
        found.fail("its columns x, y, z are no grid of equal steps; resample it before")
    nx, ny = int(x[0].max()) + 1, int(y[0].max()) + 1
    if nx * ny > min(MOST_POINTS, 2 * len(table)):
        found.fail(f"its columns x, y, z fill {len(table)} of {nx} x {ny} points; resample it before")
    at = y[0] * nx + x[0]
    if len(np.unique(at)) < len(at):
        found.fail("its columns x, y, z hold a point twice; keep one")
    heights = np.full(nx * ny, np.nan)
    heights[at] = table[:, 2]
    return heights.reshape(ny, nx), (x[1], y[1])
