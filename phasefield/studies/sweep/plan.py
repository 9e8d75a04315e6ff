"""From the points of a study to cases: each valid one with its hash, which names its run folder."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from phasefield.analytic import closed_forms, salt_profile
from phasefield.analytic.flat_cell import gap_of
from phasefield.api import check_threads, locate_case
from phasefield.case import Case
from phasefield.case.file import CaseReader
from phasefield.check.estimate import estimate
from phasefield.constants import VERSION
from phasefield.errors import CaseError, PhasefieldError, ResultError
from phasefield.files.atomic import read_plain, replace_text
from phasefield.studies.attribution.inputs import SEEDS
from phasefield.studies.sweep.axes import Point, points_of
from phasefield.studies.sweep.quantity import Quantity, quantity_of
from phasefield.studies.sweep.studyfile import StudyFile

FILE = "plan.json"
FORMAT = 1
HASH = 16  # letters of a case's hash that name its folder
_HASH = re.compile(r"(?:[0-9a-f]{16,128})?")  # it names a run folder: nothing else may stand in a plan
SOURCE = "set by a study"


@dataclass(frozen=True)
class DimensionlessNumbers:
    """What is said of a case before it runs, at the strongest current that it imposes; None where it imposes none.

    wagner_number: kappa R/L, interface resistance R against the electrolyte's over the gap L; current_share: j/j_lim.
    """

    wagner_number: float | None
    current_share: float | None


@dataclass(frozen=True)
class PlannedPoint:
    """A point's case: its hash and what it costs; or `error`, why there is no such case."""

    hash: str = ""
    seconds: float = 0.0
    memory: float = 0.0
    threads: int = 1
    numbers: DimensionlessNumbers = DimensionlessNumbers(None, None)
    error: str = ""

    @property
    def folder(self) -> str:
        """Name of the run folder."""
        return self.hash[:HASH]


class Planner:
    """The cases of a study, each base file read once."""

    def __init__(self, study: StudyFile) -> None:
        """Raises CaseError if a base is no good as it is."""
        self.study = study
        self.readers = {base: CaseReader(locate_case(base)) for base in study.bases}
        self.cases = {base: reader.case(study.overrides) for base, reader in self.readers.items()}
        self.quantities: dict[str, Quantity] = {}

    def overrides(self, point: Point) -> list[str]:
        """Return the texts that make a point's case of its base, as `phasefield run -s` takes them."""
        texts = list(self.study.overrides)
        base = self.cases[point.base]
        for column, value in zip(self.study.columns, point.values, strict=True):
            texts.append(_override(base, column.key, column.quantity, value))
            for key, factor in column.also.items():
                assert isinstance(value, float)
                texts.append(_override(base, key, self._quantity(key), value * factor))
        if point.seed is not None:
            texts += [f"{key}={point.seed}" for key in SEEDS if has_key(base, key)]
        return texts

    def _quantity(self, key: str) -> Quantity:
        if key not in self.quantities:
            found = quantity_of(key, 1.0)
            assert found is not None
            self.quantities[key] = found
        return self.quantities[key]

    def case(self, point: Point) -> Case:
        """Return a point's case. Raises CaseError."""
        return self.readers[point.base].case(self.overrides(point))

    def plan(self, point: Point) -> PlannedPoint:
        """Return what is planned for a point; a case that is no good is said to be so."""
        try:
            case = self.case(point)
            seconds = estimate(case).seconds
        except CaseError as error:
            where = f"{error.key}: " if error.key else ""
            return PlannedPoint(error=f"{where}{error.message}")
        except (PhasefieldError, ArithmeticError) as error:
            return PlannedPoint(error=str(error))
        threads = check_threads(None, case.grid.cells)
        return PlannedPoint(case.hash, seconds or 0.0, case.grid.memory, threads, dimensionless_numbers(case))

    @property
    def digest(self) -> str:
        """Of all that the plan follows from: the study, its bases, this version of the program."""
        parts = [str(FORMAT), VERSION, self.study.text, *self.study.overrides]
        parts += [case.resolved_toml() for case in self.cases.values()]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def plan_points(planner: Planner, folder: Path) -> list[tuple[Point, PlannedPoint]]:
    """Return every point and its case; the folder's plan.json is used again if it is of the same study.

    Raises CaseError if no point has a valid case.
    """
    points = list(points_of(planner.study))
    kept = _read(folder / FILE, planner.digest)
    planned = kept if kept is not None and len(kept) == len(points) else [planner.plan(point) for point in points]
    if all(one.error for one in planned):
        raise CaseError(str(planner.study.path), None, "", f"no point has a valid case; the first: {planned[0].error}")
    return list(zip(points, planned, strict=True))


def keep(planner: Planner, planned: Sequence[PlannedPoint], folder: Path) -> None:
    """Write plan.json."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {"format": FORMAT, "digest": planner.digest, "points": [asdict(one) for one in planned]}
    replace_text(folder / FILE, json.dumps(content) + "\n")


def is_of_another(planner: Planner, folder: Path) -> bool:
    """Return whether a study's folder holds the plan of another one: other axes, overrides, bases or program."""
    with suppress(OSError, ValueError, TypeError, KeyError, RecursionError, ResultError):
        return bool(json.loads(read_plain(folder / FILE))["digest"] != planner.digest)
    return False


def _read(path: Path, digest: str) -> list[PlannedPoint] | None:
    with suppress(OSError, ValueError, TypeError, KeyError, RecursionError):
        content = json.loads(read_plain(path))
        points = content["points"]
        if content["digest"] == digest and all(_HASH.fullmatch(one["hash"]) for one in points):
            return [PlannedPoint(**{**one, "numbers": DimensionlessNumbers(**one["numbers"])}) for one in points]
    return None


def dimensionless_numbers(case: Case) -> DimensionlessNumbers:
    """Return Wagner number and j/j_lim of a case, its films fresh."""
    p, gap = case.properties(), gap_of(case)
    j = max(step.largest_current for step in case.protocol.sequence)
    if j == 0.0:
        return DimensionlessNumbers(None, None)
    resistance = closed_forms.interface_resistance(p, j, p.c0)
    wagner, share = p.kappa * resistance / gap, j / salt_profile.limiting_current(p, gap)
    return DimensionlessNumbers(wagner if math.isfinite(wagner) else None, share if math.isfinite(share) else None)


def _override(base: Case, key: str, quantity: Quantity, value: float | str) -> str:
    """Return `key=value`; where the base says at which temperature its value holds, so does this one."""
    text = quantity.text(value)
    known = base.provenance.get(key)
    if quantity.kind is None or isinstance(value, str):
        return f"{key}={text}"
    at = f'at = "{known.at!r} K", ' if known is not None and known.at is not None else ""
    return f'{key}={{ value = {text}, {at}source = "{SOURCE}", status = "assumed" }}'


def has_key(case: Case, key: str) -> bool:
    """Return whether a case has a value at a dotted key."""
    node: object = case
    for part in key.split("."):
        node = getattr(node, part, None)
    return node is not None


