"""Reading height maps: NumPy and text files by ourselves, a profilometer's formats by SurfaceTopography."""

from __future__ import annotations

import logging
import os
import warnings
import zipfile
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from phasefield import units
from phasefield.errors import one_line, shown
from phasefield.topography.profiles.fill import fill_harmonically
from phasefield.topography.profiles.profile import MOST_POINTS, Floats, Profile, ProfileError
from phasefield.topography.profiles.text import is_text, read_text_map

MOST_BYTES = 2**32
MOST_MISSING = 0.3  # of the points, which are filled harmonically
MOST_FILLED = 2**20  # points: a single hole of so many takes some ten seconds and a GB
MOST_SPAN = 1e-2  # m, between the lowest and the highest point: more is a height in another unit, or no height
EDGES = (1e-10, 1e-2)  # m, of a pixel
SAME_PIXEL = 1e-3  # of a pixel: two statements of it agree
TEXT = (".csv", ".txt", ".asc", ".dat", ".xyz")
UNKNOWN = (
    "is in no known format, or damaged; give .npy, .npz, .csv, .sdf, .gwy, .sur or another of a profilometer, and name "
    "text .txt or .csv"
)
_log = logging.getLogger(__name__)
NO_MAGIC = ("nms", "hgt")  # formats that the library takes any file of the right length for


def read_profile(path: str | os.PathLike[str], pixel: float | None = None, unit: float | None = None) -> Profile:
    """Read a height map.

    pixel: edge of a pixel [m], where the file does not say; unit: of plain numbers [m], where the file does not say.
    Known: .npy, an array, y first, in metres; .npz (heights, and pixel [m]); text (.csv, .txt, .asc, .dat, .xyz), a
    matrix, one line a row, columns x, y, z on a grid, or x, z of a line, whose head says what the numbers are, as
    `# unit: um` and `# pixel: 2 um`, or as Gwyddion writes it; and every format that SurfaceTopography detects. Up to
    30 % of missing points are filled harmonically, and `missing` of the profile is their share. Raises ProfileError.
    """
    file = Path(path)
    try:
        if not file.is_file():
            raise ProfileError(f"{one_line(str(file), 200)}: is not a file; give a height map")
        if file.stat().st_size > MOST_BYTES:
            raise ProfileError(f"{file}: is larger than {MOST_BYTES / 2**30:g} GB; cut it down before")
        heights, own = _read(file, unit)
    except (OSError, ValueError) as error:
        raise ProfileError(f"{one_line(str(file), 200)}: cannot be read ({one_line(str(error), 120)})") from None
    if heights.ndim == 1:
        heights = heights[None]
    if heights.ndim != 2 or heights.shape[0] < 1 or heights.shape[1] < 2 or heights.size > MOST_POINTS:
        _fail(file, f"its array is of shape {heights.shape}; a map of 2 points or more along x is needed")
    if own is not None and pixel is not None and max(abs(edge - pixel) for edge in own) > SAME_PIXEL * pixel:
        _fail(file, f"its pixel is {own[0]:.4g} x {own[1]:.4g} m, {pixel:.4g} m was given beside it; give none")
    both = own if own is not None else (pixel, pixel) if pixel is not None else None
    if both is not None and not all(EDGES[0] <= edge <= EDGES[1] for edge in both):
        _fail(file, f"its pixel is {both[0]:.3g} x {both[1]:.3g} m; {EDGES[0]:g} to {EDGES[1]:g} m are possible")
    heights, missing = _filled(file, heights)
    if not np.ptp(heights) <= MOST_SPAN:
        _fail(
            file,
            f"its heights span {np.ptp(heights):.3g} m, {MOST_SPAN:g} m are possible; check their unit, in the file or "
            "by --unit, and points far off",
        )
    return Profile(heights, both, str(file), missing)


def _read(file: Path, unit: float | None) -> tuple[Floats, tuple[float, float] | None]:
    """Return heights [m] and pixel [m] by the reader of the format: ours by the ending, else the library's."""
    ending = file.suffix.lower()
    if ending == ".npy":
        return _numbers(file, _load(file)) * (1.0 if unit is None else unit), None
    if ending == ".npz":
        heights, own = _npz(file)
        return heights * (1.0 if unit is None else unit), own
    if ending in TEXT and is_text(file):
        return read_text_map(file, unit)
    return _instrument(file, unit)


def _fail(file: Path, message: str) -> NoReturn:
    raise ProfileError(f"{file}: {message}") from None


def _load(file: Path) -> Any:
    """Return what a file of NumPy holds, mapped from the disk: its head says how much that is."""
    try:
        return np.load(file, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # the header of a damaged file fails in a dozen ways
        _fail(file, f"is no file of numbers ({type(error).__name__}); write it by numpy.save")


def _numbers(file: Path, array: Any) -> Floats:
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
        _fail(file, "its values are no real numbers; save an array of heights in metres")
    if array.size > MOST_POINTS:
        _fail(file, f"its array is of shape {array.shape}; {MOST_POINTS} points at most are read; cut it down")
    return np.asarray(array, dtype=np.float64)


def _npz(file: Path) -> tuple[Floats, tuple[float, float] | None]:
    try:
        with zipfile.ZipFile(file) as packed:
            if sum(entry.file_size for entry in packed.infolist()) > MOST_BYTES:
                _fail(file, f"unpacks to more than {MOST_BYTES / 2**30:g} GB; cut it down before")
        with np.load(file, allow_pickle=False) as held:
            found = {name: held[name] for name in ("heights", "pixel") if name in held}
            names = ", ".join(held)
    except ProfileError:
        raise
    except Exception as error:  # a damaged archive fails in a dozen ways
        _fail(file, f"is no file of numbers ({type(error).__name__}); write it by numpy.savez")
    if "heights" not in found:
        _fail(file, f"holds {one_line(names, 100) or 'nothing'}; an array named heights [m] is needed")
    heights = _numbers(file, found["heights"])
    if "pixel" not in found:
        return heights, None
    pixel = np.atleast_1d(_numbers(file, found["pixel"]))
    if pixel.shape not in ((1,), (2,)) or not np.all((pixel > 0.0) & np.isfinite(pixel)):
        _fail(file, f"its pixel is {shown(str(pixel))}; one edge or two [m] are needed")
    return heights, (float(pixel[0]), float(pixel[-1]))


def _instrument(file: Path, unit: float | None) -> tuple[Floats, tuple[float, float] | None]:
    """Return the map of a format that SurfaceTopography detects; text that it detects is read as text."""
    try:
        with warnings.catch_warnings(action="ignore"):  # it says at each import that there is no MPI
            import SurfaceTopography
    except ImportError:
        _fail(
            file,
            f"{file.suffix or 'a name without ending'} needs SurfaceTopography; install it with: "
            'pip install "lithium-phasefield[profiles]"; .npy, .npz and text need nothing',
        )
    try:
        with warnings.catch_warnings(action="ignore"):
            reader = SurfaceTopography.open_topography(str(file))
    except Exception:  # each of its readers fails in its own way
        _fail(file, UNKNOWN)
    form = reader.format()
    if form in ("asc", "xyz"):
        reader.close()
        return read_text_map(file, unit)
    if form in NO_MAGIC and file.suffix.lower() != f".{form}":
        _fail(file, UNKNOWN)
    try:
        with warnings.catch_warnings(action="ignore"):
            found = reader.topography()
            shape = tuple(found.nb_grid_pts)
            factor = units.to_si(f"1 {found.unit}", units.LENGTH) if found.unit is not None else unit
            if factor is None:
                raise ProfileError(f"{file}: does not say the unit of its heights; export it as .gwy, .sdf or .x3p")
            if np.prod(shape, dtype=float) > MOST_POINTS:
                raise ProfileError(f"{file}: is {shape} points large, {MOST_POINTS} are read; cut it down")
            heights = np.ma.filled(np.ma.asarray(found.heights(), dtype=np.float64), np.nan)
        sizes = [float(edge) for edge in found.physical_sizes]
    except ProfileError:
        raise
    except Exception as error:
        _fail(file, f"cannot be read as a profilometer's file ({one_line(f'{type(error).__name__}: {error}', 120)})")
    if heights.ndim not in (1, 2) or len(sizes) != heights.ndim or not min(sizes) > 0.0 or heights.size == 0:
        _fail(file, "holds no map with its two edges, and no line with its length")
    edges = [factor * size / n for size, n in zip(sizes, heights.shape, strict=True)]
    return factor * heights.T, (edges[0], edges[-1])


def _filled(file: Path, heights: Floats) -> tuple[Floats, float]:
    """Return a map whose missing points are filled, if they are not too many, and their share."""
    missing = ~np.isfinite(heights)
    if not missing.any():
        return heights, 0.0
    share = float(missing.mean())
    if share > MOST_MISSING:
        most = f"{100.0 * MOST_MISSING:g} % are allowed"
        _fail(file, f"{100.0 * share:.3g} % of its points are missing, {most}; cut out a fuller part, or measure again")
    if missing.sum() > MOST_FILLED:
        _fail(file, f"{int(missing.sum())} of its points are missing, {MOST_FILLED} are filled; cut it down")
    _log.warning("%s: %.3g %% of its points are missing; they were filled harmonically", file, 100.0 * share)
    return fill_harmonically(heights, missing), share
