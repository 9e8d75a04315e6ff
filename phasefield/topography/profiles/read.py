"""Reading height maps: NumPy and text files by ourselves, a profilometer's formats by SurfaceTopography."""

from __future__ import annotations

import os
import re
import warnings
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from phasefield import units
from phasefield.errors import one_line, shown
from phasefield.topography.profiles.profile import Floats, Profile, ProfileError

MOST_POINTS = 2**27
MOST_BYTES = 2**32
MOST_MISSING = 0.05  # of the points, which are filled by their nearest neighbours' heights
TEXT = (".csv", ".txt", ".asc", ".dat")
INSTRUMENTS = (
    "al3d", "asd", "bcr", "bcrf", "dzi", "ezd", "fmap", "frt", "gwy", "h5", "hdf", "ibw", "jpk", "lext",
    "mat", "mi", "mnt", "nc", "nid", "nms", "opd", "opdx", "os3d", "pls", "plux", "pro", "ps", "sdf", "spm",
    "stp", "sur", "surf", "tiff", "top", "vk3", "vk4", "vk6", "vk7", "wip", "x3p", "xyz", "zag", "zmg", "zon",
)  # fmt: skip
_UNIT = re.compile(r"^#\s*(unit|pixel)\s*[:=]\s*(.+)$", re.IGNORECASE)


def read_profile(path: str | os.PathLike[str], pixel: float | None = None, unit: float = 1.0) -> Profile:
    """Read a height map.

    pixel: edge of a pixel [m], where the file does not say; unit: of plain numbers [m]. Known: .npy, an array, y first;
    .npz (heights, and pixel [m]); text (.csv, .txt, .asc, .dat), a matrix, one line a row, or columns x, y, z on a
    grid, where lines `# unit: um` and `# pixel: 2 um` say what the numbers are; and what SurfaceTopography reads, .sdf,
    .gwy, .sur, .opd, .plux, .vk, .al3d, .x3p among it, with their own units. Up to 5 % of missing points take the
    height of their nearest neighbour. Raises ProfileError.
    """
    file = Path(path)
    try:
        if not file.is_file():
            raise ProfileError(f"{file}: is not a file; give a height map")
        if file.stat().st_size > MOST_BYTES:
            raise ProfileError(f"{file}: is larger than {MOST_BYTES / 2**30:g} GB; cut it down before")
    except (OSError, ValueError) as error:
        raise ProfileError(f"{one_line(str(file), 200)}: cannot be read ({error})") from None
    ending = file.suffix.lower()
    if ending == ".npy":
        heights, own = _npy(file), None
    elif ending == ".npz":
        heights, own = _npz(file)
    elif ending in TEXT:
        heights, own, unit = _text(file, unit)
    else:
        heights, own = _instrument(file)
        unit = 1.0
    heights = np.asarray(heights, dtype=np.float64) * unit
    if heights.ndim == 1:
        heights = heights[None]
    if heights.ndim != 2 or heights.shape[1] < 2 or heights.size > MOST_POINTS:
        _fail(file, f"its array is of shape {heights.shape}; a map of 2 points or more along x is needed")
    both = own if own is not None else (pixel, pixel) if pixel is not None else None
    return Profile(_filled(file, heights), both, str(file))


def _fail(file: Path, message: str) -> NoReturn:
    raise ProfileError(f"{file}: {message}") from None


def _load(file: Path) -> Any:
    try:
        return np.load(file, allow_pickle=False)
    except Exception as error:  # the header of a damaged file fails in a dozen ways
        _fail(file, f"is no file of numbers ({type(error).__name__}); write it by numpy.save")


def _numbers(file: Path, array: Any) -> Floats:
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
        _fail(file, "its values are no real numbers; save an array of heights in metres")
    return np.asarray(array, dtype=np.float64)


def _npy(file: Path) -> Floats:
    return _numbers(file, _load(file))


def _npz(file: Path) -> tuple[Floats, tuple[float, float] | None]:
    held = _load(file)
    if not isinstance(held, np.lib.npyio.NpzFile):
        _fail(file, "is no archive of arrays; write it by numpy.savez, or call a single array .npy")
    with held:
        if "heights" not in held:
            _fail(file, f"holds {', '.join(held) or 'nothing'}; an array named heights [m] is needed")
        heights = _numbers(file, _member(file, held, "heights"))
        if "pixel" not in held:
            return heights, None
        pixel = np.atleast_1d(_numbers(file, _member(file, held, "pixel")))
        if pixel.shape not in ((1,), (2,)) or not np.all((pixel > 0.0) & np.isfinite(pixel)):
            _fail(file, f"its pixel is {shown(str(pixel))}; one edge or two [m] are needed")
        return heights, (float(pixel[0]), float(pixel[-1]))


def _member(file: Path, held: Any, name: str) -> Any:
    """Return an array of an archive, which is read only now."""
    try:
        return held[name]
    except Exception as error:  # a damaged archive fails in a dozen ways, too
        _fail(file, f"its array {name} cannot be read ({type(error).__name__}); write it by numpy.savez")


def _text(file: Path, unit: float) -> tuple[Floats, tuple[float, float] | None, float]:
    """Read a matrix or columns x, y, z, which share their unit."""
    pixel: tuple[float, float] | None = None
    rows: list[list[float]] = []
    with open(file, encoding="utf-8-sig", errors="replace") as stream:
        for number, line in enumerate(stream, 1):
            line = line.strip()
            if match := _UNIT.match(line):
                size = _length(file, number, match[2] if match[1].lower() == "pixel" else f"1 {match[2]}")
                if not size > 0.0:
                    _fail(file, f"line {number}: {shown(line, 40)}; a length above 0 is needed")
                if match[1].lower() == "pixel":
                    pixel = (size, size)
                else:
                    unit = size
                continue
            if not line or line.startswith("#"):
                continue
            if re.search("[;\t]", line):  # then a comma is that of decimals
                words = re.split(r"\s*[;\t]\s*", line.replace(",", "."))
            else:
                words = re.split(r"\s*,\s*", line) if "," in line else line.split()
            try:
                rows.append([float(word) if word.strip() else np.nan for word in words])
            except ValueError:
                if rows or any(re.fullmatch(r"[-+.0-9eE]+", word.strip()) for word in words):
                    _fail(file, f"line {number}, {shown(line, 40)}, is not a row of numbers")
            if len(rows) > 1 and len(rows[-1]) != len(rows[0]):
                _fail(file, f"line {number} has {len(rows[-1])} numbers, the first row {len(rows[0])}")
    if not rows:
        _fail(file, "holds no numbers")
    table = np.array(rows)
    if table.shape[1] == 3 and len(table) > 3:
        return _gridded(file, table, unit)
    return table, pixel, unit


def _length(file: Path, line: int, text: str) -> float:
    try:
        return units.to_si(text.strip(), units.LENGTH)
    except units.UnitError as error:
        _fail(file, f"line {line}: {error}")


def _gridded(file: Path, table: Floats, unit: float) -> tuple[Floats, tuple[float, float], float]:
    """Return columns x, y, z as a map; the unit is that of all three."""
    x, nx = np.unique(table[:, 0], return_inverse=True)
    y, ny = np.unique(table[:, 1], return_inverse=True)
    steps = [np.diff(axis) for axis in (x, y)]
    if len(x) * len(y) != len(table) or any(len(d) == 0 or np.ptp(d) > 1e-3 * d.mean() for d in steps):
        _fail(file, "its columns x, y, z are no full grid of equal steps; resample it before")
    heights = np.full((len(y), len(x)), np.nan)
    heights[ny, nx] = table[:, 2]
    return heights, (float(steps[0].mean()) * unit, float(steps[1].mean()) * unit), unit


def _instrument(file: Path) -> tuple[Floats, tuple[float, float]]:
    if file.suffix.lower().lstrip(".") not in INSTRUMENTS and not re.fullmatch(r"\.\d{3}", file.suffix):
        what = file.suffix or "a name without ending"
        _fail(file, f"{what} is no known format; give .npy, .npz, .csv, .sdf, .gwy, .sur or another of a profilometer")
    try:
        with warnings.catch_warnings(action="ignore"):  # it says at each import that there is no MPI
            import SurfaceTopography
    except ImportError:
        _fail(
            file,
            f"{file.suffix} needs SurfaceTopography; install it with: "
            'pip install "lithium-phasefield[profiles]"; .npy, .npz and text need nothing',
        )
    try:
        reader = SurfaceTopography.open_topography(str(file))
        found = reader.topography()
        factor = units.to_si(f"1 {found.unit or 'm'}", units.LENGTH)
        heights = np.ma.filled(np.ma.asarray(found.heights(), dtype=np.float64), np.nan)
        sizes = [float(edge) for edge in found.physical_sizes]
    except Exception as error:  # each of its 42 readers fails in its own way
        _fail(file, f"cannot be read as a profilometer's file ({one_line(f'{type(error).__name__}: {error}', 120)})")
    if heights.ndim != 2 or len(sizes) != 2 or not min(sizes) > 0.0:
        _fail(file, "holds no map with its two edges")
    nx, ny = heights.shape
    return factor * heights.T, (factor * sizes[0] / nx, factor * sizes[1] / ny)


def _filled(file: Path, heights: Floats) -> Floats:
    """Give missing points the height of their nearest neighbour, if they are few."""
    missing = ~np.isfinite(heights)
    if not missing.any():
        return heights
    share = float(missing.mean())
    if share > MOST_MISSING:
        most = f"{100.0 * MOST_MISSING:g} % are allowed"
        _fail(file, f"{100.0 * share:.3g} % of its points are missing, {most}; fill them before")
    from scipy.ndimage import distance_transform_edt

    nearest = distance_transform_edt(missing, return_distances=False, return_indices=True)
    return np.asarray(heights[tuple(nearest)])
