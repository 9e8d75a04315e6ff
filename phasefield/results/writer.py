"""Writer of the results file `result.vtkhdf`; its layout stands in `phasefield.results.layout`.

Each save writes the whole file anew. The file must open, with every earlier frame, after a kill at any
instant and after a full disk, and HDF5 cannot promise that for a file that it appends to (measured: a full
disk took all frames). So a save changes pages in memory (`Overlay`), checks the free space, copies the old
file and the changed pages aside, forces them to the disk and renames. A reader keeps the file that it opened.

Measured on ext4, 2 cores, 128 x 128 x 96 cells, 4 fields, 7.4 MB a frame after compression: a frame costs
0.36 s in a small file and 0.5 s at 0.3 GB, 0.2 s of it compression; rows alone cost 0.26 s at 0.3 GB; 40
frames cost 21 s in all. That is 2 % of a run of 15 minutes, so there is no second, less safe way to append.
The cost grows with frames times size (1 GB: about 1 s a save), and the disk needs room for a second copy of
the file.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from phasefield.errors import ResultError, one_line
from phasefield.fields import FRAME_SERIES, REQUIRED_SERIES, SERIES, cell_field
from phasefield.files.atomic import replace_file, replace_text
from phasefield.results.checkpoint import CHECKPOINTS
from phasefield.results.layout import (
    FIELD_CHUNK,
    FORMAT,
    Array,
    Shape,
    change_attributes,
    create_image,
    damaged_attributes,
    extend_dataset,
    require,
    truncate,
    write_attributes,
    write_steps,
)
from phasefield.results.memory_file import Overlay
from phasefield.results.safe_hdf5 import STRANGE, GuardedFile

RESULT = "result.vtkhdf"
SUMMARY = "summary.json"


@dataclass(frozen=True)
class Frame:
    """Fields (nz, ny, nx) by name and the height map (ny, nx) in metres at one time in seconds."""

    time: float
    fields: Mapping[str, Array]
    height: Array


@dataclass(frozen=True)
class RunHeader:
    """What a results file says of its run: its grid, its case as given and as resolved, what made it.

    shape: (nz, ny, nx) cells; spacing: their edge [m]; resolved_case: TOML, or the tables; versions: of the program
    and its libraries by name; seed: of the random fields.
    """

    shape: Sequence[int]
    spacing: float
    case_text: str
    resolved_case: str | Mapping[str, Any]
    versions: Mapping[str, str]
    seed: int


class RunWriter:
    """Appends steps and frames to the results file of one run folder."""

    def __init__(self, folder: Path) -> None:
        """Use `RunWriter.create` or `RunWriter.resume`."""
        self.folder = folder
        self.path = folder / RESULT
        self.n_rows = 0
        self.n_frames = 0
        self.shape: Shape = (0, 0, 0)
        self.fields: list[str] = []
        self._names: list[str] = []
        self._earlier = False  # the series are those of a file that is gone on with
        self._rows: list[list[float]] = []
        self._last: dict[str, float] = {}
        self._tried: tuple[int, int, float | None] = (0, 0, None)  # rows, frames, time: a save that failed at its end
        self.attrs: dict[str, Any] = {}
        self.last_row: dict[str, float] = {}  # that the file holds
        self.last_frame = -1.0  # s, time of the last frame that it holds

    @classmethod
    def create(
        cls,
        folder: Path | str,
        header: RunHeader,
        *,
        fields: Sequence[str],
        attrs: Mapping[str, Any] | None = None,
        overwrite: bool = False,
    ) -> RunWriter:
        """Start the results file of a new run; a folder that holds a run is refused without `overwrite`.

        fields: names of the cell fields of its frames; attrs: further attributes of the run.
        """
        run = cls(Path(folder))
        run.shape = _shape(header.shape)
        run.fields = list(fields)
        for name in run.fields:
            entry = cell_field(name)
            if entry is None or entry.name != name:
                raise ResultError(
                    f"output.fields: {name!r} is no field on the cells; see phasefield.fields.FIELDS"
                )
        resolved = header.resolved_case
        own: dict[str, Any] = {
            "format": FORMAT,
            "case": header.case_text,
            "resolved_case": resolved if isinstance(resolved, str) else json.dumps(resolved),
            "versions": json.dumps(dict(header.versions)),
            "seed": int(header.seed),
            "shape": np.array(run.shape, np.int64),
            "spacing": float(header.spacing),
            "fields": json.dumps(run.fields),
        }
        for name, value in (attrs or {}).items():
            if name in own:
                raise ResultError(f"run attribute {name!r} is reserved")
            own[name] = int(value) if isinstance(value, bool | np.bool_) else value
        run._clear(overwrite)
        with run._change(new=True) as file:
            create_image(file, run.shape, float(header.spacing))
            group = file.create_group("run")
            write_attributes(group, own)
            group.create_group("series")
        return run

    @classmethod
    def resume(
        cls,
        folder: Path | str,
        n_rows: int,
        n_frames: int,
        check: Callable[[RunWriter], None] | None = None,
        attrs: Mapping[str, Any] | None = None,
    ) -> RunWriter:
        """Continue a run from its checkpoint: what the file holds beyond these counts is cut off.

        check: called before anything is changed; what it raises leaves the file as it is; attrs: attributes of the run
        that change as it goes on.
        """
        run = cls(Path(folder))
        if not run.path.is_file():
            raise ResultError(f"{run.folder}: holds no {RESULT}; there is nothing to resume")
        guard = GuardedFile(run.path)
        try:
            guard.refuse_false_sizes()
            with guard.reading():
                held = run._read_state(guard, n_rows, n_frames)
        finally:
            guard.close()
        if check is not None:
            check(run)
        if held != (n_rows, n_frames) or attrs:
            with run._change() as file:
                truncate(file, n_rows, n_frames)
                change_attributes(file["run"], attrs or {})
            run.attrs |= attrs or {}
        return run

    def add_row(self, row: Mapping[str, float]) -> None:
        """Keep the series of one step in memory until the next save."""
        if self._earlier:  # a run of a version before some of the series: it goes on with those that it has
            row = {name: value for name, value in row.items() if name in self._names}
        if not self._names:
            missing = [name for name in REQUIRED_SERIES if name not in row]
            unknown = [name for name in row if name not in SERIES]
            if missing or unknown:
                raise ResultError(
                    f"series row: missing {missing}, unknown {unknown}; see phasefield.fields.SERIES"
                )
            self._names = [name for name in SERIES if name in row]
        if len(row) != len(self._names) or any(name not in row for name in self._names):
            differ = sorted(set(row) ^ set(self._names))
            raise ResultError(f"series row: the first step had other names; they differ in {differ}")
        values = [float(row[name]) for name in self._names]
        self._rows.append(values)
        self._last = dict(zip(self._names, values, strict=True))

    def save(self, frame: Frame | None = None) -> None:
        """Write the rows kept in memory and, if given, a frame; call it before each checkpoint.

        After a ResultError the earlier file is on the disk and the rows are in memory for another try.
        """
        if frame is None and not self._rows:
            return
        if frame is not None:
            self._check_frame(frame)
        with self._change() as file:
            self._check_end(file)
            self._tried = self.n_rows + len(self._rows), self.n_frames + (frame is not None), self._last.get("time")
            self._append_rows(file["run/series"])
            if frame is not None:
                self._append_frame(file, frame)
        self.n_rows += len(self._rows)
        self.n_frames += frame is not None
        self.last_row = dict(self._last)
        self.last_frame = self.last_frame if frame is None else frame.time
        self._rows = []

    def _clear(self, overwrite: bool) -> None:
        """Make the folder, and empty it of an earlier run if that is wanted."""
        old = [self.path, self.folder / SUMMARY, *(self.folder / name for name in CHECKPOINTS)]
        found = [path.name for path in old if path.exists()]
        if found and not overwrite:
            raise ResultError(
                f"{self.folder}: already holds a run ({', '.join(found)}); continue it with --resume, "
                "choose another folder with --out, or delete it"
            )
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for path in old:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise ResultError(f"{self.folder}: cannot be used as a run folder ({error.strerror})") from error

    @contextlib.contextmanager
    def _change(self, new: bool = False) -> Iterator[h5py.File]:
        """Open the results file in memory, and put the changed file in its place at the end."""
        try:
            overlay = Overlay(None if new else self.path)
        except OSError as error:
            raise ResultError(f"{self.path}: cannot be read ({error.strerror})") from error
        with overlay:
            # The oldest format: every ParaView reads it, and it has no flags that lock a file after a kill.
            try:
                with h5py.File(overlay, "w" if new else "r+", libver=("earliest", "v110")) as file:
                    yield file
            except STRANGE as error:
                reason = one_line(str(error) or type(error).__name__, 200)
                raise ResultError(f"{self.path}: has been damaged since it was opened ({reason})") from error
            replace_file(self.path, overlay.copy_to, overlay.size)

    def _read_state(self, guard: GuardedFile, n_rows: int, n_frames: int) -> tuple[int, int]:
        """Read what the run goes on from; return how many steps and frames the file holds."""
        self.attrs = dict(guard.group("run").attrs)
        bad = damaged_attributes(self.attrs)
        self.shape = _shape([int(n) for n in self.attrs["shape"]])
        self.fields = list(json.loads(self.attrs["fields"]))
        held = guard.group("run/series")
        columns = {name: guard.read_sound(f"run/series/{name}") for name in SERIES if name in held}
        times, lost = np.zeros(0), False
        if "surface" in guard.group("run"):
            times, lost = guard.read_sound("run/surface/time")
        bad += [name for name, (_, broken) in columns.items() if broken] + ["the times of the frames"] * lost
        if bad:
            raise ResultError(
                f"{self.path}: is damaged ({', '.join(bad)}) and cannot be continued; "
                "start again with --overwrite, or in another folder"
            )
        rows = min((len(column) for column, _ in columns.values()), default=0)
        if rows < n_rows or len(times) < n_frames:
            raise ResultError(
                f"{self.path}: holds {rows} steps and {len(times)} frames, fewer than its checkpoint "
                f"({n_rows} and {n_frames}): it is not the file that the checkpoint belongs to"
            )
        if n_rows:
            self._names, self._earlier = list(columns), True
            self._last = {name: float(column[n_rows - 1]) for name, (column, _) in columns.items()}
        self.last_row, self.last_frame = dict(self._last), float(times[n_frames - 1]) if n_frames else -1.0
        self.n_rows, self.n_frames = n_rows, n_frames
        return rows, len(times)

    def _check_end(self, file: h5py.File) -> None:
        """Refuse to append to a file that does not end as this writer left it."""
        held = file["run/series"]
        rows = {len(held[name]) for name in held} or {0}
        frames = len(file["run/surface/time"]) if "surface" in file["run"] else 0
        time = float(held["time"][-1]) if "time" in held and len(held["time"]) else None
        known = (self.n_rows, self.n_frames, self.last_row.get("time"))
        if len(rows) > 1 or (max(rows), frames, time) not in (known, self._tried):
            raise ResultError(
                f"{self.path}: another program has changed it: it holds {max(rows)} steps and {frames} frames, "
                f"this run wrote {self.n_rows} and {self.n_frames}; nothing is added to it"
            )

    def _check_frame(self, frame: Frame) -> None:
        if not self._last:
            raise ResultError("a frame needs the row of its step first: call add_row before save")
        if sorted(frame.fields) != sorted(self.fields):
            raise ResultError(
                f"frame: has the fields {sorted(frame.fields)}, the run has {sorted(self.fields)}"
            )
        for name, field in frame.fields.items():
            if np.shape(field) != self.shape:
                raise ResultError(f"frame: {name} has shape {np.shape(field)}, the run has {self.shape}")
        if np.shape(frame.height) != self.shape[1:]:
            raise ResultError(
                f"frame: height has shape {np.shape(frame.height)}, the run has {self.shape[1:]}"
            )

    def _append_rows(self, group: h5py.Group) -> None:
        columns = np.array(self._rows, np.float64).reshape(len(self._rows), len(self._names))
        for name, column in zip(self._names, columns.T, strict=True):
            data = require(group, name, (), np.float64)
            data.attrs["units"], data.attrs["meaning"] = SERIES[name].unit, SERIES[name].meaning
            extend_dataset(data, self.n_rows, column)

    def _append_frame(self, file: h5py.File, frame: Frame) -> None:
        image, k = file["VTKHDF"], self.n_frames
        kept = tuple(n for n in self.shape if n > 1) or (1,)
        edges = tuple(min(n, FIELD_CHUNK) for n in kept)
        for name in self.fields:
            data = require(image, f"CellData/{name}", kept, np.float32, edges)
            extend_dataset(data, k, np.asarray(frame.fields[name], np.float32).reshape(1, *kept))
        for name in FRAME_SERIES:
            extend_dataset(require(image, f"FieldData/{name}", (), np.float64), k, np.array([self._last[name]]))
        plane = self.shape[1:] if self.shape[1] > 1 else self.shape[2:]
        height = require(file, "run/surface/height", plane, np.float64, plane)
        times = require(file, "run/surface/time", (), np.float64)
        height.attrs["units"], times.attrs["units"] = "m", "s"
        extend_dataset(height, k, np.asarray(frame.height, np.float64).reshape(1, *plane))
        extend_dataset(times, k, np.array([frame.time], np.float64))
        write_steps(file, k + 1)


def write_summary(folder: Path | str, summary: Mapping[str, Any]) -> None:
    """Write `summary.json` at once or not at all; `finished` says whether the protocol ended."""
    replace_text(Path(folder) / SUMMARY, json.dumps(summary, indent=2) + "\n")


def _shape(shape: Sequence[int]) -> Shape:
    if len(shape) != 3 or min(shape) < 1:
        raise ResultError(f"a run has a shape (nz, ny, nx), not {tuple(shape)}")
    return int(shape[0]), int(shape[1]), int(shape[2])
