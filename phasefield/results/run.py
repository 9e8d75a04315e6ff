"""Reader of a run folder: `open_run`, and the `Run` that viewers, tables and exports work on.

A run is read while it goes on, after its end, or after a kill. The writer replaces the file at each save, so
an open `Run` is a snapshot that stays consistent; open the run again to see more.
"""

from __future__ import annotations

import itertools
import json
import logging
import math
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from phasefield.errors import ResultError
from phasefield.fields import REQUIRED_SERIES, SERIES, cell_field
from phasefield.files.toml import tables_of
from phasefield.results.balances import Corrections, Ledger, largest_corrections, worst_errors
from phasefield.results.ended import read_ended
from phasefield.results.frames import run_dataset, series_frame
from phasefield.results.layout import CHECKSUMS, FORMAT, Shape, damaged_attributes
from phasefield.results.safe_hdf5 import MAX_VALUES, GuardedFile
from phasefield.results.writer import RESULT, SUMMARY

if TYPE_CHECKING:
    import pandas
    import xarray

_log = logging.getLogger(__name__)

MAX_TEXT = 1 << 26
"""Bytes of one text attribute and of summary.json."""

MAX_SERIES, MAX_FIELDS, MAX_FRAMES = 1000, 64, 100_000

EDGES = (1e-12, 1.0)
"""Edges that a cell may have [m]."""

Array = NDArray[np.float64]


class Run:
    """One stored run; use `open_run`. Works as a context manager; `close` frees the file."""

    def _repr_html_(self) -> str:
        """Show itself in a notebook."""
        import phasefield

        return phasefield.run_html(self)

    def __init__(self, folder: Path, guard: GuardedFile) -> None:
        self.folder = folder
        self.path = folder / RESULT
        self._guard = guard
        with self._guard.reading():
            group = self._guard.group("run")
            shape = np.asarray(group.attrs["shape"]).ravel()
            if int(group.attrs["format"]) > FORMAT:
                raise ResultError(f"{self.path}: was written by a newer version of this program; update it")
            if shape.shape != (3,) or shape.min() < 1 or math.prod(int(n) for n in shape) > MAX_VALUES:
                raise ResultError(f"{self.path}: {shape.tolist()} is not the shape of a run")
            self.shape: Shape = (int(shape[0]), int(shape[1]), int(shape[2]))
            self.spacing = float(group.attrs["spacing"])
            self.seed = int(group.attrs["seed"])
            if not EDGES[0] <= self.spacing <= EDGES[1]:
                raise ResultError(f"{self.path}: a spacing of {self.spacing:g} m is not that of a run")
            if bad := {"shape", "spacing", CHECKSUMS}.intersection(self.damaged_attributes):
                raise ResultError(f"{self.path}: is damaged: {', '.join(sorted(bad))} does not fit its checksum")

    @classmethod
    def open(cls, where: Path | str) -> Self:
        """Open a run by its folder or its results file."""
        given = Path(where)
        path = given / RESULT if given.is_dir() else given
        if not path.is_file():
            raise ResultError(f"{given}: holds no {RESULT}; name the folder of a run")
        if path.name != RESULT:
            raise ResultError(f"{given}: is no results file; name the folder of a run, or its {RESULT}")
        guard = GuardedFile(path)
        try:
            return cls(path.parent, guard)
        except BaseException:
            guard.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the file; what was read stays usable."""
        self._guard.close()

    # What the run is.

    @cached_property
    def attrs(self) -> dict[str, Any]:
        """Attributes of the group `/run`: the caller's own numbers and texts."""
        with self._guard.reading():
            return {str(name): value for name, value in self._guard.group("run").attrs.items()}

    @cached_property
    def damaged_attributes(self) -> list[str]:
        """Names of the attributes that do not fit their checksum."""
        return damaged_attributes(self.attrs)

    @property
    def case_text(self) -> str:
        """Case file as the user wrote it."""
        return self._text("case")

    @property
    def resolved_case(self) -> str:
        """Case with everything resolved, as text; `resolved` gives it as a dict where it is JSON."""
        return self._text("resolved_case")

    @cached_property
    def resolved(self) -> dict[str, Any]:
        """Resolved case as a dict; empty where it is not JSON."""
        try:
            value = json.loads(self.resolved_case)
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def tables(self) -> dict[str, Any]:
        """Resolved case as tables, where it is TOML; empty where it is not."""
        try:
            return tables_of(self.resolved_case)
        except ValueError:
            return {}

    @property
    def title(self) -> str:
        """Title of the case; the name of the folder where there is none."""
        title = self.attrs.get("title", self.resolved.get("title"))
        return title if isinstance(title, str) and title else self.folder.resolve().name

    @cached_property
    def versions(self) -> dict[str, str]:
        """Versions of the program and its libraries."""
        return {str(name): str(value) for name, value in self._json("versions", dict).items()}

    @cached_property
    def fields(self) -> list[str]:
        """Names of the stored cell fields."""
        found = [str(name) for name in self._json("fields", list)]
        if len(found) > MAX_FIELDS or len(set(found)) < len(found):
            raise ResultError(f"{self.path}: the names of its fields are not those of a run")
        return found

    # Series: one number a step.

    @cached_property
    def series(self) -> dict[str, Array]:
        """Every series by name, in SI units; empty ones for a run without a step. What is damaged in them is NaN."""
        return self._sound_series[0]

    @property
    def damaged_series(self) -> list[str]:
        """Names of the series that are damaged somewhere."""
        return self._sound_series[1]

    @cached_property
    def _sound_series(self) -> tuple[dict[str, Array], list[str]]:
        with self._guard.reading():
            group = self._guard.group("run/series")
            if len(group) > MAX_SERIES:
                raise ResultError(f"{self.path}: holds {len(group)} series; no run has so many")
            read = {str(name): self._guard.read_sound(f"run/series/{name}") for name in group}
            found, bad = {name: one[0] for name, one in read.items()}, [name for name, one in read.items() if one[1]]
            if any(c.ndim != 1 for c in found.values()) or len({len(c) for c in found.values()}) > 1:
                raise ResultError(f"{self.path}: the series differ in length")
            found = found or {name: np.zeros(0) for name in REQUIRED_SERIES}
        if bad:
            _log.warning("%s: is damaged; values of these series are left out: %s", self.path, ", ".join(bad))
        return {name: found[name] for name in sorted(found, key=_rank)}, bad

    @cached_property
    def units(self) -> dict[str, str]:
        """Unit of every series."""
        with self._guard.reading():
            held = self._guard.group("run/series")
            return {n: str(held[n].attrs["units"]) if n in held else SERIES[n].unit for n in self.series}

    @property
    def n_steps(self) -> int:
        """Number of saved steps."""
        return len(next(iter(self.series.values()), ()))

    def ledger(self) -> Ledger:
        """Worst relative errors of charge, lithium and salt over all saved steps."""
        area = self.shape[1] * self.shape[2] * self.spacing**2
        return worst_errors(self.series, area, molar_volume=self.attrs.get("molar_volume"))

    def corrections(self) -> Corrections | None:
        """Largest corrections that closed the balances of salt and lithium; None for a run that does not say."""
        return largest_corrections(self.series)

    def to_pandas(self) -> pandas.DataFrame:
        """Return the series as a pandas DataFrame, one row a step; `frame.attrs["units"]` has the SI units."""
        return series_frame(self.series, self.units, self.title)

    def to_xarray(self) -> xarray.Dataset:
        """Return series and height maps as an xarray Dataset; each variable has its unit."""
        return run_dataset(self.series, self.units, self.times, self.heights, self.spacing, self.title)

    # Frames: fields and heights.

    @cached_property
    def times(self) -> Array:
        """Times of the saved frames in seconds."""
        with self._guard.reading():
            if "surface" not in self._guard.group("run"):
                return np.zeros(0)
            if self._guard.dataset("run/surface/time").size > MAX_FRAMES:
                raise ResultError(f"{self.path}: holds more than {MAX_FRAMES} frames; no run has so many")
            return self._guard.read("run/surface/time").reshape(-1)

    @property
    def n_frames(self) -> int:
        """Number of saved frames."""
        return len(self.times)

    @cached_property
    def heights(self) -> Array:
        """Height maps (frames, ny, nx) in metres; a 2D run has ny = 1. A frame that is damaged is NaN."""
        if self.n_frames == 0:
            return np.zeros((0, *self.shape[1:]))
        with self._guard.reading():
            found, bad = self._guard.read_sound("run/surface/height")
            found = found.reshape(self.n_frames, *self.shape[1:])
        if bad:
            frames = np.flatnonzero(~np.isfinite(found).all(axis=(1, 2))).tolist()
            _log.warning("%s: is damaged; the surface of these frames is left out: %s", self.path, frames)
        return found

    def height(self, frame: int) -> Array:
        """Height map (ny, nx) of a frame in metres. Raises ResultError if it is damaged, or holds no numbers."""
        found = self.heights[frame]
        if not np.isfinite(found).all():
            raise ResultError(f"{self.path}: the surface of frame {frame} is damaged; take another frame")
        return np.asarray(found)

    def field(self, name: str, frame: int = -1) -> NDArray[np.float32]:
        """Field (nz, ny, nx) of one frame, by its name or symbol; -1 is the last frame."""
        return self.part(name, frame)

    def part(
        self, name: str, frame: int = -1, layers: tuple[int, int] | None = None, rows: tuple[int, int] | None = None
    ) -> NDArray[np.float32]:
        """Field of one frame in the layers z and rows y from the first to before the last: only they are read."""
        with self._guard.reading():
            data, at = self._frame_of(name, frame)
            z, y = slice(*(layers or (0, self.shape[0]))), slice(*(rows or (0, self.shape[1])))
            flat = data.ndim == 3  # a 2D run is stored without y
            held = np.asarray(data[at, z] if flat else data[at, z, y], np.float32)
            return held.reshape(len(held), -1, self.shape[2])[:, y] if flat else held

    def blocks(self, name: str, frame: int = -1) -> Iterator[tuple[Shape, NDArray[np.float32]]]:
        """Give the parts of a field of a 3D run that hold anything but zeros: first cell (z, y, x), and values.

        Of parts that hold zeros only the packed bytes are looked at: rare things are found at once in a large field.
        """
        with self._guard.reading():
            data, at = self._frame_of(name, frame)
            if data.ndim != 4:
                raise ResultError(f"{self.path}: is a 2D run; blocks are of a volume")
            edges = (data.chunks or data.shape)[1:]
            empty = None
            for corner in itertools.product(*(range(0, n, edge) for n, edge in zip(self.shape, edges, strict=True))):
                packed = data.id.read_direct_chunk((at, *corner))[1] if data.chunks else b""
                if data.chunks and packed == empty:
                    continue
                part = tuple(slice(k, k + edge) for k, edge in zip(corner, edges, strict=True))
                held = np.asarray(data[(at, *part)], np.float32)
                if np.any(held):
                    yield (corner[0], corner[1], corner[2]), held
                elif data.chunks and held.shape == edges:
                    empty = packed

    def _frame_of(self, name: str, frame: int) -> tuple[h5py.Dataset, int]:
        """Array of all frames of a field, and where in it a frame is."""
        entry = cell_field(name)
        stored = name if entry is None else entry.name
        if stored not in self.fields:
            raise ResultError(f"{self.path}: holds no field {name!r}; it holds {', '.join(self.fields)}")
        if not -self.n_frames <= frame < self.n_frames:
            raise ResultError(f"{self.path}: holds {self.n_frames} frames; there is no frame {frame}")
        data = self._guard.dataset(f"VTKHDF/CellData/{stored}")
        if data.ndim < 1 or len(data) != self.n_frames or data.size != self.n_frames * math.prod(self.shape):
            raise ResultError(f"{self.path}: field {stored!r} does not have the shape of the run")
        return data, frame % self.n_frames

    # How it ended.

    @cached_property
    def summary(self) -> dict[str, Any]:
        """Content of summary.json; for a run without a sound one, the last value of every series."""
        ended = read_ended(self.folder / SUMMARY)
        if ended is not None:
            return ended
        last = {name: float(column[-1]) for name, column in self.series.items() if len(column)}
        return {
            "title": self.title,
            "finished": False,
            "steps": self.n_steps,
            "frames": self.n_frames,
            **last,
        }

    @property
    def finished(self) -> bool:
        """Whether the protocol came to its end."""
        return self.summary.get("finished") is True

    def _text(self, name: str) -> str:
        value = self.attrs.get(name, "")
        return value[:MAX_TEXT] if isinstance(value, str) else ""

    def _json(self, name: str, kind: Callable[..., Any]) -> Any:
        try:
            value = json.loads(self._text(name))
        except (ValueError, RecursionError) as error:
            raise ResultError(f"{self.path}: attribute {name} cannot be read") from error
        if not isinstance(value, type(kind())):
            raise ResultError(f"{self.path}: attribute {name} cannot be read")
        return value


def open_run(where: Path | str) -> Run:
    """Open a stored run by its folder or its results file."""
    return Run.open(where)


def _rank(name: str) -> tuple[int, str]:
    """Place in the table of series; unknown names come last."""
    names = list(SERIES)
    return (names.index(name) if name in SERIES else len(names), name)
