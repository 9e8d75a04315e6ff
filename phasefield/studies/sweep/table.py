"""The table of a study: inputs, how each run ended, outputs; written as CSV and Parquet, read again from Python."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from phasefield.errors import ResultError, visible
from phasefield.files.atomic import read_plain, replace_bytes, replace_text
from phasefield.results.frames import optional_module
from phasefield.results.run import Run, open_run
from phasefield.studies.sweep import outputs
from phasefield.studies.sweep.axes import Point
from phasefield.studies.sweep.outputs import STANDARD, RunOutput
from phasefield.studies.sweep.plan import PlannedPoint, Planner
from phasefield.studies.sweep.studyfile import CASE, SEED, Column, StudyFile
from phasefield.text.escape import csv_rows, csv_text

if TYPE_CHECKING:
    import pandas
    import xarray

TABLE, PARQUET, STUDY, INDEX = "table.csv", "table.parquet", "study.json", "runs.csv"
FORMAT = 1
DONE, FAILED, INVALID, ERROR, WAITING = "done", "failed", "invalid", "error", "waiting"

Cell = float | int | str | None
Row = dict[str, Cell]


@dataclass(frozen=True)
class Heading:
    """A column: its name, its SI unit (empty for numbers and words), its role and its meaning.

    show_unit, show_size: the unit that the study file uses, and that unit in SI; scale: "log" or "linear".
    """

    name: str
    unit: str
    role: Literal["point", "input", "number", "ending", "output"]
    meaning: str
    show_unit: str = ""
    show_size: float = 1.0
    scale: str = "linear"

    @property
    def text(self) -> str:
        """Head of the column in the CSV file."""
        return f"{self.name} [{self.unit}]" if self.unit else self.name


def headings(planner: Planner) -> list[Heading]:
    """Return the columns of a study's table, in order."""
    study = planner.study
    found = [Heading("point", "", "point", "number of the row, from 0")]
    if len(study.bases) > 1:
        found.append(Heading(CASE, "", "input", "case that the others are laid over"))
    for column in study.columns:
        q = column.quantity
        found.append(Heading(column.key, q.si_unit, "input", "set by the study", q.unit, q.size, column.scale))
    if study.seeds:
        found.append(Heading(SEED, "", "input", "of the surface and of the patches"))
    found += [
        Heading("wagner_number", "", "number", "kappa R/L: interface resistance over that of the gap's electrolyte"),
        Heading("current_share", "", "number", "j/j_lim, strongest imposed current over the limiting one"),
        Heading("status", "", "ending", "done; failed: the solver gave up; invalid: no such case; error; waiting"),
        Heading("reason", "", "ending", "why the run ended: end, or the event that ended it"),
        Heading("run", "", "ending", "name of the run folder, from the hash of the case"),
    ]
    for o in study_outputs(planner).values():
        found.append(Heading(o.name, "" if o.unit == "1" else o.unit, "output", o.meaning))
    return [*found, Heading("note", "", "ending", "what went wrong")]


def study_outputs(planner: Planner) -> dict[str, RunOutput]:
    """Return the outputs of a study, by name; behind each result of an experiment its resolution."""
    extra = [*planner.study.outputs]
    if "output" in planner.study.figures:
        extra.append(RunOutput.read(planner.study.figures["output"]))
    found = {**STANDARD}
    for output in extra:
        found[output.name] = output
        if (resolution := outputs.resolution_of(output)) is not None:
            found[resolution.name] = resolution
    return found


def with_resolution(row: Row, head: Heading, scale: float) -> str:
    """Return an output of a row times a scale, and its resolution where it has one."""
    from phasefield.text.formatting import number

    own, other = row[head.name], row.get(head.name + outputs.RESOLUTION)
    if not isinstance(other, int | float) or not math.isfinite(other):
        return number(own, scale)
    return f"{number(own, scale)} \N{PLUS-MINUS SIGN} {other * scale:.2g}"


def value_text(column: Column, value: float | str) -> str:
    """Return a value of an axis as the study file writes it."""
    if isinstance(value, str):
        return value.strip('"')
    return f"{value / column.quantity.size:.4g} {column.quantity.unit}".strip()


def point_label(study: StudyFile, point: Point) -> str:
    """Return what tells a point from the others: the values of its axes."""
    parts = [point.base] if len(study.bases) > 1 else []
    parts += [
        f"{column.key.split('.')[-1].replace('_', ' ')} {value_text(column, value)}"
        for column, value in zip(study.columns, point.values, strict=True)
    ]
    parts += [f"seed {point.seed}"] if point.seed is not None else []
    return ", ".join(parts) or f"point {point.number}"


def write_index(
    folder: Path, study: StudyFile, planned: Sequence[tuple[Point, PlannedPoint]], runs: Path, rows: Sequence[Row]
) -> Path:
    """Write runs.csv: which run folder is which point. rows: of the table, for what became of it; none: not yet known.

    runs: the parent of the run folders; they are named from the folder of the study.
    """
    where = os.path.relpath(runs, folder)
    states = {row["point"]: row["status"] for row in rows}
    lines: list[tuple[object, ...]] = [("point", "inputs", "folder", "status")]
    for point, one in planned:
        place = f"{where}/{one.folder}" if one.folder else ""
        lines.append((point.number, point_label(study, point), place, states.get(point.number, WAITING)))
    replace_text(folder / INDEX, csv_text(lines))
    return folder / INDEX


def rows_of(
    planner: Planner, planned: Sequence[tuple[Point, PlannedPoint]], runs: Path, errors: Mapping[int, str]
) -> list[Row]:
    """Return a row for each point, from what stands in the run folders. errors: of runs tried now, by point."""
    study, names = planner.study, study_outputs(planner)
    rows = []
    for point, one in planned:
        row: Row = {"point": point.number}
        if len(study.bases) > 1:
            row[CASE] = point.base
        row |= {c.key: _word(v) for c, v in zip(study.columns, point.values, strict=True)}
        if study.seeds:
            row[SEED] = point.seed
        row |= {"wagner_number": one.numbers.wagner_number, "current_share": one.numbers.current_share}
        kept = None if one.error else outputs.read(runs / one.folder, one.hash, names)
        values = {} if kept is None else kept["values"]
        if one.error:
            status, reason, note = INVALID, "", one.error
        elif kept is not None:
            failed = kept["reason"] == "failed"
            status, reason, note = (FAILED if failed else DONE), kept["reason"], kept["text"] if failed else ""
        else:
            note = errors.get(point.number, "")
            status, reason = (ERROR if note else WAITING), ""
        row |= {"status": status, "reason": reason, "run": one.folder}
        row |= {name: values.get(name) for name in names}
        row["note"] = note
        rows.append(row)
    return rows


def _word(value: float | str) -> Cell:
    if isinstance(value, str):
        with suppress(ValueError):
            return str(json.loads(value))
    return value


def write_table(folder: Path, heads: Sequence[Heading], rows: Sequence[Row], about: Mapping[str, Any]) -> list[Path]:
    """Write table.csv, study.json and, where pyarrow is installed, table.parquet; return what was written."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [["" if row[head.name] is None else row[head.name] for head in heads] for row in rows]
    replace_text(folder / TABLE, csv_text([[head.text for head in heads], *lines]))
    content = {"format": FORMAT, **about, "columns": [asdict(head) for head in heads]}
    replace_text(folder / STUDY, json.dumps(content, indent=1) + "\n")
    made = [folder / TABLE, folder / STUDY]
    with suppress(ImportError):
        made.append(_write_parquet(folder / PARQUET, heads, rows))
    return made


def _write_parquet(path: Path, heads: Sequence[Heading], rows: Sequence[Row]) -> Path:
    import pyarrow
    import pyarrow.parquet

    columns = {}
    for head in heads:
        values = [row[head.name] for row in rows]
        words = any(isinstance(value, str) for value in values) or head.role == "ending"
        whole = not words and all(isinstance(value, int) for value in values)
        kind = pyarrow.string() if words else pyarrow.int64() if whole else pyarrow.float64()
        if words:
            values = [None if value is None else visible(str(value), keep="\t\n") for value in values]
        columns[visible(head.text)] = pyarrow.array(values, kind)
    sink = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(pyarrow.table(columns), sink)
    replace_bytes(path, sink.getvalue().to_pybytes())
    return path


class Study:
    """A study's table, as its folder holds it; use `open_study`."""

    def __init__(self, folder: Path, about: dict[str, Any], rows: list[Row]) -> None:
        self.folder, self.about, self.rows = folder, about, rows
        self.headings = [Heading(**head) for head in about["columns"]]

    @property
    def title(self) -> str:
        """Title of the study."""
        return str(self.about["title"])

    @property
    def runs(self) -> Path:
        """Folder of the run folders."""
        return Path(os.path.normpath(self.folder / self.about["runs"]))

    @cached_property
    def inputs(self) -> list[Heading]:
        """Columns that the study sets, seeds among them."""
        return [head for head in self.headings if head.role == "input"]

    @cached_property
    def outputs(self) -> list[Heading]:
        """Columns that come out of the runs."""
        return [head for head in self.headings if head.role == "output"]

    def heading(self, name: str) -> Heading:
        """Return a column by its name. Raises ResultError."""
        found = next((head for head in self.headings if head.name == name), None)
        if found is None:
            known = ", ".join(head.name for head in self.headings)
            raise ResultError(f"{self.folder}: has no column {name!r}; it has {known}")
        return found

    def folder_of(self, row: Row) -> Path:
        """Return the run folder of a row."""
        return self.runs / str(row["run"])

    def run(self, point: int) -> Run:
        """Open the run of a point by its number."""
        row = next((row for row in self.rows if row["point"] == point), None)
        if row is None:
            raise ResultError(f"{self.folder}: has no point {point}; it has 0 to {len(self.rows) - 1}")
        if row["status"] not in (DONE, FAILED):
            why = row["note"] or "run the study"
            raise ResultError(f"{self.folder}: point {point} has no run, it is {row['status']}: {why}")
        return open_run(self.folder_of(row))

    def to_pandas(self) -> pandas.DataFrame:
        """Return the table as a pandas DataFrame, one row a run; `frame.attrs["units"]` has the SI units."""
        pandas = optional_module("pandas")
        frame = pandas.DataFrame([{head.name: row[head.name] for head in self.headings} for row in self.rows])
        for head in self.headings:
            if head.role in ("number", "output"):
                frame[head.name] = frame[head.name].astype(float)
        frame.attrs = {"title": self.title, "units": {head.name: head.unit for head in self.headings if head.unit}}
        return frame

    def to_xarray(self) -> xarray.Dataset:
        """Return a grid study as an xarray Dataset whose dimensions are the inputs; each variable has its unit.

        Raises ResultError for a sampled study, and for columns that go along together.
        """
        optional_module("xarray")
        names = [head.name for head in self.inputs]
        frame = self.to_pandas()
        count = math.prod(frame[name].nunique() for name in names)
        if not names or count != len(frame) or frame.duplicated(names).any():
            raise ResultError(f"{self.folder}: is no grid over its inputs; use to_pandas()")
        kept = [head.name for head in self.headings if head.name not in ("point", "note")]
        data: xarray.Dataset = frame[kept].set_index(names).to_xarray()
        for head in self.headings:
            if head.name in data.variables:
                data[head.name].attrs |= {"units": head.unit or "1", "long_name": head.meaning}
        data.attrs["title"] = self.title
        return data


def is_wanted(study: Study, head: Heading) -> bool:
    """Return whether a column is the output of the pictures, or one that the file asks for besides the standard."""
    if head.role != "output" or head.name.endswith(outputs.RESOLUTION):
        return False
    return head.name == str(study.about["figures"].get("output", "Sz")) or head.name not in STANDARD


def open_study(where: Path | str) -> Study:
    """Open a study's folder. Raises ResultError if there is no table in it."""
    folder = Path(where)
    try:
        about = json.loads(read_plain(folder / STUDY))
        heads = [Heading(**head) for head in about["columns"]]
        lines = csv_rows(read_plain(folder / TABLE).decode())
    except OSError as error:
        raise ResultError(f"{folder}: holds no study ({Path(error.filename).name} is missing); run one first") from None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ResultError(f"{folder}: {STUDY} cannot be read ({error}); run the study again") from None
    try:
        written = csv_rows(csv_text([[head.text for head in heads]]))
        if lines[:1] != written or any(len(line) != len(heads) for line in lines):
            raise ValueError
        rows = [{h.name: _cell(text, h) for h, text in zip(heads, line, strict=True)} for line in lines[1:]]
    except ValueError:
        raise ResultError(
            f"{folder}: {TABLE} does not belong to {STUDY}; run the study again to write both"
        ) from None
    return Study(folder, about, rows)


def _cell(text: str, head: Heading) -> Cell:
    if head.role == "ending":
        return text
    if text == "":
        return None
    if head.role == "point" or head.name == SEED:
        return int(text)
    with suppress(ValueError):
        return float(text)
    return text
