"""Which two inputs a map has, and a closed form on a fine grid of them, for the contours of the map."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from phasefield.errors import PhasefieldError
from phasefield.studies.sensitivity import value
from phasefield.studies.sweep.axes import Point
from phasefield.studies.sweep.plan import Planner, dimensionless_numbers
from phasefield.studies.sweep.studyfile import CASE, SEED
from phasefield.viz.plots.study import edges

if TYPE_CHECKING:
    from phasefield.studies.sweep.quantity import Value
    from phasefield.studies.sweep.table import Heading, Study

Floats = NDArray[np.float64]

DECADE = 10.0  # ratio of the largest to the smallest value from which an axis is logarithmic
FINEST, COARSEST = 41, 9  # points along each axis of the fine grid
MOST_CASES = 6000  # that are read for a grid; one takes a millisecond or two


@dataclass(frozen=True)
class FineGrid:
    """A closed form over two inputs, SI; values (ys, xs), nan where there is no valid case."""

    name: str
    xs: Floats
    ys: Floats
    values: Floats

    def to_json(self) -> dict[str, Any]:
        """Return the grid as study.json holds it."""
        lines = [
            [None if math.isnan(v) else float(f"{v:.9g}") for v in line] for line in self.values.tolist()
        ]
        return {"name": self.name, "x": self.xs.tolist(), "y": self.ys.tolist(), "values": lines}

    @classmethod
    def of(cls, study: Study) -> FineGrid | None:
        """Return the grid that stands in a study's study.json, None if there is none."""
        try:
            kept = study.about["contours"]
            xs, ys = (np.asarray(kept[key], dtype=np.float64) for key in ("x", "y"))
            values = np.array(kept["values"], dtype=np.float64)
            return cls(str(kept["name"]), xs, ys, values) if values.shape == (len(ys), len(xs)) else None
        except (KeyError, TypeError, ValueError):
            return None


def numeric(study: Study) -> list[Heading]:
    """Return the inputs that are numbers and take more than one value, seeds apart."""
    found = []
    for head in study.inputs:
        values = {row[head.name] for row in study.rows}
        if (
            head.name not in (SEED, CASE)
            and len(values) > 1
            and all(isinstance(v, int | float) for v in values)
        ):
            found.append(head)
    return found


def map_inputs(study: Study) -> tuple[Heading, Heading] | None:
    """Return the two inputs of the map: as the file says, else the first two; None if the study is no grid of them."""
    if study.about["sample"] is not None:
        return None
    named = study.about["figures"].get("map")
    heads = [study.heading(name) for name in named] if named else numeric(study)
    heads = [head for head in heads if head in numeric(study)]
    if len(heads) < 2 or heads[1].name in columns_of(study, heads[0].name):
        return None
    return heads[0], heads[1]


def columns_of(study: Study, name: str) -> list[str]:
    """Return the columns that go along with one."""
    return next((axis for axis in study.about["axes"] if name in axis), [name])


def is_log(study: Study, head: Heading) -> bool:
    """Return whether an input has a logarithmic axis: the file says so, or its values span a decade."""
    return head.scale == "log" or spans_decade([value(row, head.name) for row in study.rows])


def spans_decade(values: Sequence[float]) -> bool:
    """Return whether values, all above 0, differ by a factor of ten or more."""
    return bool(len(values)) and min(values) > 0.0 and max(values) >= DECADE * min(values) * (1.0 - 1e-9)


def fine_grid(planner: Planner, study: Study) -> FineGrid | None:
    """Evaluate the closed form that the file wants as contours on a fine grid over the whole map.

    Each point is a case of its own. Over other axes and cases the mean is taken, as the map itself does. None if the
    file wants no contours, or if other columns go along with an axis: between the points they have no values.
    """
    name, two = study.about["figures"].get("contours"), map_inputs(study)
    if name is None or two is None:
        return None
    columns = {column.key: k for k, column in enumerate(planner.study.columns)}
    if any(len(columns_of(study, head.name)) > 1 for head in two):
        return None
    others = [
        [(None,)] if any(column.key in (two[0].name, two[1].name) for column in axis)
        else list(zip(*(column.values for column in axis), strict=True))
        for axis in planner.study.axes
    ]  # fmt: skip
    rest = list(itertools.product(planner.study.bases, *others))
    n = int(np.clip(math.isqrt(MOST_CASES // len(rest)), COARSEST, FINEST))
    rest = rest[: max(1, MOST_CASES // n**2)]
    xs, ys = (_fine(study, head, n) for head in two)
    values = np.full((n, n), math.nan)
    at = columns[two[0].name], columns[two[1].name]
    for (j, y), (i, x) in itertools.product(enumerate(ys), enumerate(xs)):
        found = [
            _closed_form(planner, base, name, _point(other, at, (float(x), float(y))))
            for base, *other in rest
        ]
        good = [one for one in found if math.isfinite(one)]
        values[j, i] = sum(good) / len(good) if good else math.nan
    return FineGrid(str(name), xs, ys, values)


def _fine(study: Study, head: Heading, n: int) -> Floats:
    """Return n values from one edge of the map to the other, SI."""
    log = is_log(study, head)
    found = edges(np.array(sorted({value(row, head.name) for row in study.rows})), log)
    low, high = float(found[0]), float(found[-1])
    return np.geomspace(low, high, n) if log else np.linspace(low, high, n)


def _point(
    others: Sequence[Sequence[Value | None]], at: tuple[int, int], two: tuple[float, float]
) -> list[Value]:
    values: list[Any] = [one for axis in others for one in axis]
    values[at[0]], values[at[1]] = two
    return values


def _closed_form(planner: Planner, base: str, name: str, values: Sequence[Value]) -> float:
    try:
        found = getattr(dimensionless_numbers(planner.case(Point(0, base, None, tuple(values)))), name)
    except (PhasefieldError, ArithmeticError):
        return math.nan
    return math.nan if found is None else float(found)
