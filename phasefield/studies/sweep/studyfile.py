"""What a study file asks for, read and checked; nothing in it is evaluated."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from phasefield import cases
from phasefield.api import folder_name
from phasefield.case.file import TableReader, nearest_key
from phasefield.errors import CaseError, shown
from phasefield.studies.attribution.inputs import SEEDS
from phasefield.studies.sweep.outputs import OutputError, RunOutput
from phasefield.studies.sweep.quantity import Quantity, Value, quantity_of, spaced_values
from phasefield.units import UnitError

MOST_VALUES = 10_000  # of one axis
MOST_RUNS = 1_000_000
MOST_SEEDS = 10_000
CASE, SEED = "case", "seed"
INDICES = "sobol-indices"
METHODS = ("latin-hypercube", "sobol", INDICES)
LEAST_INDICES = 4  # base points
SCALES = ("linear", "log")
TOP = ("title", "base", "set", "seeds", "outputs", "axes", "columns", "sample", "figures", "cluster")
FIGURES = ("output", "map", "contours", "mark")
CONTOURS = ("wagner_number", "current_share")
TLS = ("tls_ca", "tls_cert", "tls_key")  # files: certificate of who signs, own certificate, its key
CLUSTER = (
    "type", "jobs", "queue", "account", "cores", "processes", "memory", "walltime", "interface",
    "job_extra_directives", "job_script_prologue", "python", *TLS,
)  # fmt: skip


@dataclass(frozen=True)
class Column:
    """A key of the case and its values at each place of its axis; low, high: its range, where it may be sampled."""

    key: str
    quantity: Quantity
    values: tuple[Value, ...]
    also: Mapping[str, float] = field(default_factory=dict)
    ends: tuple[float, float] | None = None
    scale: str = "linear"


Axis = tuple[Column, ...]
"""Columns that go along together: one, or several of a [[columns]] table."""


@dataclass(frozen=True)
class Sample:
    """How points are drawn from the ranges of all axes."""

    method: str
    points: int
    seed: int


@dataclass(frozen=True)
class StudyFile:
    """A study as its file states it; see docs/studies.md."""

    path: Path
    text: str
    title: str
    bases: tuple[str, ...]
    overrides: tuple[str, ...]
    seeds: tuple[int, ...]
    outputs: tuple[RunOutput, ...]
    axes: tuple[Axis, ...]
    sample: Sample | None
    figures: Mapping[str, Any]
    cluster: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Name of the file without .toml, the study's own folder."""
        return folder_name(self.path)

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns of all axes, in the order of the file."""
        return tuple(column for axis in self.axes for column in axis)


def locate_study(name: str | os.PathLike[str]) -> Path:
    """Return a study file; a file that exists goes before a shipped study of the same name."""
    path = Path(name)
    stem = os.fspath(name).removesuffix(".toml")
    if path.is_file() or os.sep in stem:
        return path
    known = shipped()
    if stem in known:
        return cases.folder() / "studies" / f"{stem}.toml"
    close = get_close_matches(stem, known, n=1)
    hint = f"did you mean '{close[0]}'?" if close else f"shipped are {', '.join(known)}"
    raise CaseError(os.fspath(name), None, "", f"no such file, and no shipped study; {hint}")


def shipped() -> list[str]:
    """Return the names of the shipped studies."""
    return sorted(path.stem for path in (cases.folder() / "studies").glob("*.toml"))


def read_study(name: str | os.PathLike[str], overrides: tuple[str, ...] = ()) -> StudyFile:
    """Read a study file, or a shipped study by its name; overrides: `key=value`, laid over every case.

    Raises CaseError, one line, at the first thing that is wrong.
    """
    path = locate_study(name)
    return _Reader(path).read(overrides)


class _Reader(TableReader):
    def read(self, overrides: tuple[str, ...]) -> StudyFile:
        self.known(self.tree, TOP)
        title = self.tree.get("title", self.path.stem)
        if not isinstance(title, str) or not title.strip():
            self.fail(("title",), "a text of one line is needed")
        axes = self.axes()
        sample = self.sample(axes)
        seeds = self.seeds()
        self.compatible(axes, sample, seeds, overrides)
        count = len(seeds or (0,)) * len(self.bases())
        for axis in axes:
            count *= 1 if sample else len(axis[0].values)
        if sample is not None:
            count *= sample.points * (2 + len(axes) if sample.method == INDICES else 1)
        if count > MOST_RUNS:
            self.fail(("axes",) if axes else (), f"more than {MOST_RUNS} runs; take fewer values")
        return StudyFile(
            self.path, self.text, title.strip(), self.bases(), (*self.fixed(), *overrides), seeds, self.outputs(), axes,
            sample, self.figures(axes), self.cluster(),
        )  # fmt: skip

    def compatible(
        self, axes: tuple[Axis, ...], sample: Sample | None, seeds: tuple[int, ...], overrides: tuple[str, ...]
    ) -> None:
        """Refuse what would be set twice, and what cannot be drawn."""
        keys = [key for axis in axes for column in axis for key in (column.key, *column.also)]
        taken = {*keys, *(SEEDS if seeds else ())}
        seed = next((key for key in keys if key in SEEDS), None)
        if seeds and seed is not None:
            self.fail(("axes", seed), "seeds sets this key, too; keep one of both")
        for text in overrides:
            key = text.partition("=")[0].strip()
            if key in taken:
                what = "an axis" if key in keys else "seeds"
                raise CaseError(f"-s {text}", None, key, f"{what} of the study sets this key, too; keep one of both")
        for key in self.table("set"):
            if key in taken:
                self.fail(("set", key), "an axis, or seeds, sets this key, too; keep one of both")
        if sample is None:
            return
        if any(len(axis) > 1 for axis in axes):
            self.fail(("columns",), "columns that go along together are lists; to sample, give ranges in [axes]")
        if sample.method == INDICES and sample.points < LEAST_INDICES:
            self.fail(("sample", "points"), f"{sample.points} are too few for indices; {LEAST_INDICES} at least")
        if sample.method == INDICES and len(self.bases()) > 1:
            self.fail(("base",), "indices are of one case; make a study of each")

    def bases(self) -> tuple[str, ...]:
        base = self.tree.get("base")
        names = [base] if isinstance(base, str) else base
        if not isinstance(names, list) or not names or not all(isinstance(n, str) and n for n in names):
            self.fail(("base",), 'a case file or a shipped case is needed, or a list of them, e.g. base = "pllz"')
        if len(set(names)) < len(names):
            self.fail(("base",), "the same case stands twice; name each once")
        beside = [self.path.parent / name for name in names]
        return tuple(str(path) if path.is_file() else name for name, path in zip(names, beside, strict=True))

    def fixed(self) -> tuple[str, ...]:
        found = []
        for key, value in self.table("set").items():
            self.quantity(key, value, ("set", key))
            found.append(f"{key}={toml_of(value)}")
        return tuple(found)

    def quantity(self, key: str, example: Any, place: tuple[str | int, ...]) -> Quantity:
        found = quantity_of(key, example)
        if found is None:
            near = nearest_key(key)
            hint = f"did you mean '{near}'?" if near else "`phasefield reference` lists the keys"
            self.fail(place, f"no case has this key; {hint}")
        return found

    def seeds(self) -> tuple[int, ...]:
        given = self.tree.get("seeds", [])
        if isinstance(given, list):
            seeds = tuple(self.whole(one, ("seeds", k), 0, 2**31 - 1) for k, one in enumerate(given))
            if len(set(seeds)) < len(seeds):
                self.fail(("seeds",), "the same seed stands twice; give each once")
            return seeds
        return tuple(range(1, self.whole(given, ("seeds",), 1, MOST_SEEDS) + 1))

    def outputs(self) -> tuple[RunOutput, ...]:
        given = self.tree.get("outputs", [])
        if not isinstance(given, list):
            self.fail(("outputs",), 'a list is needed, e.g. ["max voltage", "Sz at 100 h"]')
        found = []
        for k, text in enumerate(given):
            try:
                found.append(RunOutput.read(text))
            except OutputError as error:
                self.fail(("outputs", k), str(error))
        return tuple(found)

    def axes(self) -> tuple[Axis, ...]:
        axes: list[Axis] = [(self.column(key, value, ("axes", key)),) for key, value in self.table("axes").items()]
        groups = self.tree.get("columns", [])
        if not isinstance(groups, list) or not all(isinstance(group, dict) and group for group in groups):
            self.fail(("columns",), "tables are needed: [[columns]], and below it one list a key")
        for k, group in enumerate(groups):
            axis = tuple(self.column(key, value, ("columns", k, key)) for key, value in group.items())
            if len({len(column.values) for column in axis}) > 1:
                lengths = ", ".join(f"{len(column.values)} of {column.key}" for column in axis)
                self.fail(("columns", k), f"columns go along together, but there are {lengths} values; make them alike")
            axes.append(axis)
        keys = [key for axis in axes for column in axis for key in (column.key, *column.also)]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            self.fail(("axes", twice), "two axes change this key; keep one")
        return tuple(axes)

    def column(self, key: str, given: Any, place: tuple[str | int, ...]) -> Column:
        also: dict[str, float] = {}
        if isinstance(given, dict) and "values" in given:
            self.known(given, ("values", "also"), place)
            also, given = self.also(given, place), given["values"]
        if isinstance(given, dict):
            return self.range(key, given, place)
        if not isinstance(given, list) or not 1 <= len(given) <= MOST_VALUES:
            self.fail(
                place,
                f'a list of 1 to {MOST_VALUES} values is needed, or a range, e.g. {{ from = "1e-9 S/cm", '
                'to = "1e-7 S/cm", points = 5, scale = "log" }',
            )
        quantity = self.quantity(key, given[0], place)
        values = tuple(self.si(quantity, one, (*place, k)) for k, one in enumerate(given))
        word = next((given[k] for k, value in enumerate(values) if isinstance(value, str)), None)
        if also and word is not None:
            self.fail((*place, "also"), f"{shown(word)} is a word, which no factor multiplies; leave it out")
        if len(set(values)) < len(values):
            self.fail(place, "the same value stands twice; give each once")
        return Column(key, quantity, values, also)

    def si(self, quantity: Quantity, value: Any, place: tuple[str | int, ...]) -> Value:
        try:
            return quantity.si(value)
        except UnitError as error:
            self.fail(place, str(error))

    def also(self, given: Mapping[str, Any], place: tuple[str | int, ...]) -> dict[str, float]:
        table = given.get("also", {})
        numbers = isinstance(table, dict) and all(
            isinstance(f, int | float) and not isinstance(f, bool) for f in table.values()
        )
        if not numbers:
            self.fail((*place, "also"), 'factors are needed, e.g. also = { "protocol.steps[1].current" = -1 }')
        for key in table:
            self.quantity(key, 1.0, (*place, "also", key))
        return {key: float(factor) for key, factor in table.items()}

    def range(self, key: str, given: Mapping[str, Any], place: tuple[str | int, ...]) -> Column:
        self.known(given, ("from", "to", "points", "scale", "also"), place)
        for name in ("from", "to"):
            if name not in given:
                self.fail(place, f"missing: {name}; a range has from, to and points")
        quantity = self.quantity(key, given["from"], place)
        ends = [self.si(quantity, given[name], (*place, name)) for name in ("from", "to")]
        low, high = ends
        if isinstance(low, str) or isinstance(high, str) or not low < high:
            self.fail(place, f"from {shown(given['from'])} to {shown(given['to'])} is no range; from must be below to")
        scale = given.get("scale", "linear")
        if scale not in SCALES:
            self.fail((*place, "scale"), f"{shown(scale)} is none of {', '.join(SCALES)}")
        if scale == "log" and low <= 0.0:
            self.fail((*place, "from"), f"{shown(given['from'])} has no logarithm; give a value above 0")
        sampled = "sample" in self.tree
        if "points" not in given and not sampled:
            self.fail(place, "missing: points, the number of values from one end to the other")
        points = self.whole(given.get("points", 2), (*place, "points"), 2, MOST_VALUES)
        values = tuple(spaced_values(low, high, points, scale))
        return Column(key, quantity, values, self.also(given, place), (low, high), scale)

    def sample(self, axes: tuple[Axis, ...]) -> Sample | None:
        given = self.table("sample")
        if not given:
            return None
        self.known(given, ("method", "points", "seed"), ("sample",))
        method = given.get("method", METHODS[0])
        if method not in METHODS:
            self.fail(("sample", "method"), f"{shown(method)} is none of {', '.join(METHODS)}")
        points = self.whole(given.get("points"), ("sample", "points"), 1, MOST_RUNS)
        seed = self.whole(given.get("seed", 1), ("sample", "seed"), 0, 2**31 - 1)
        if not axes:
            self.fail(("sample",), "there is nothing to draw from; give ranges in [axes]")
        for column in (column for axis in axes for column in axis):
            if column.ends is None:
                self.fail(("axes", column.key), "a list cannot be sampled; give a range with from and to")
        if method != "latin-hypercube" and points & (points - 1):
            near = 1 << (points - 1).bit_length()
            self.fail(("sample", "points"), f"Sobol's sequence is even at powers of 2 only; take {near // 2} or {near}")
        return Sample(method, points, seed)

    def figures(self, axes: tuple[Axis, ...]) -> dict[str, Any]:
        given = self.table("figures")
        self.known(given, FIGURES, ("figures",))
        if "output" in given:
            try:
                RunOutput.read(given["output"])
            except OutputError as error:
                self.fail(("figures", "output"), str(error))
        keys = [column.key for axis in axes for column in axis]
        two = given.get("map")
        good = isinstance(two, list) and len(two) == 2 and two[0] != two[1] and all(key in keys for key in two)
        if two is not None and not good:
            self.fail(("figures", "map"), f"two keys of the axes are needed, of {', '.join(keys)}")
        if given.get("contours") not in (None, *CONTOURS):
            self.fail(("figures", "contours"), f"{shown(given['contours'])} is none of {', '.join(CONTOURS)}")
        mark = given.get("mark", [])
        if not isinstance(mark, list) or any(name not in cases.names() for name in mark):
            self.fail(("figures", "mark"), 'names of shipped cases are needed, e.g. ["pll", "pllz"]')
        return dict(given)

    def cluster(self) -> dict[str, Any]:
        given = self.table("cluster")
        self.known(given, CLUSTER, ("cluster",))
        if not given:
            return {}
        if given.get("type", "slurm") != "slurm":
            self.fail(("cluster", "type"), f'{shown(given["type"])} is not known; so far "slurm"')
        checks: dict[str, tuple[Callable[[Any], bool], str]] = {
            "jobs": (_count, "a whole number of jobs"), "cores": (_count, "a whole number of cores a job"),
            "processes": (_count, "a whole number of workers a job"),
            "job_extra_directives": (_texts, "a list of texts"), "job_script_prologue": (_texts, "a list of texts"),
        }  # fmt: skip
        for name, value in given.items():
            good, wanted = checks.get(name, (_line, "a text of one line"))
            if not good(value):
                self.fail(("cluster", name), f"{shown(value)} stands here; {wanted} is needed")
        for name in TLS:
            if name not in given and set(TLS) & set(given):
                self.fail(("cluster",), f"missing: {name}; TLS needs {', '.join(TLS)}")
        for name in ("cores", "memory"):
            if name not in given and not set(given) <= set(TLS):
                self.fail(("cluster",), f'missing: {name}, of one job, e.g. cores = 16, memory = "32 GB"')
        return dict(given)


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 100_000


def _line(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable() and 0 < len(value) <= 1000


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(_line(one) for one in value)


def toml_of(value: Any) -> str:
    """Return a value of the study file as TOML, on one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {toml_of(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(toml_of(one) for one in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
