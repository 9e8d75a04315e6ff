"""The runs that a profile is compared with: places of the priors, seeds of each, made by the study engine."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phasefield.case import Case
from phasefield.errors import PhasefieldError
from phasefield.fitting.fitfile import FitFile
from phasefield.fitting.morphology.surfaces import Squares
from phasefield.results.run import open_run
from phasefield.studies.attribution.inputs import SEEDS
from phasefield.studies.sweep.axes import drawn
from phasefield.studies.sweep.plan import has_key
from phasefield.studies.sweep.quantity import Quantity
from phasefield.studies.sweep.studyfile import Column, Sample, StudyFile
from phasefield.studies.sweep.table import DONE, Row, Study
from phasefield.topography.profiles import Profile

Floats = NDArray[np.float64]

DESIGN, CONFIRMATION = "design", "confirmation"
END = "end"  # reason of a run that reached the moment of the profile
MakeRuns = Callable[[StudyFile], Study]
"""Makes the runs of a study that are not yet made, and returns its table."""


def design_places(fit: FitFile) -> Floats:
    """Return the places u (points, unknowns) of a design: Sobol's sequence, or a Latin hypercube.

    Sobol's sequence is even at powers of 2 only.
    """
    assert fit.design is not None
    n = fit.design.points
    method = "latin-hypercube" if n & (n - 1) else "sobol"
    columns = tuple(
        Column(one.key, one.quantity, (), {}, (one.low, one.high), "log" if one.log else "linear")
        for one in fit.design.unknowns
    )
    values = drawn(columns, Sample(method, n, fit.seed))
    return np.array([[one.place(v) for one, v in zip(fit.design.unknowns, row, strict=True)] for row in values])


def seed_keys(case: Case) -> list[str]:
    """Return the keys of a case that hold a seed."""
    return [key for key in SEEDS if has_key(case, key)]


def runs_at(
    fit: FitFile, name: str, u: Floats, first_seed: int, case: Case, overrides: Sequence[str] = ()
) -> StudyFile:
    """Return the study of all seeds at places u; no two runs have one seed, so that their scatter averages out.

    case: the base with the overrides, which go into all runs.
    """
    assert fit.design is not None
    seeds, unknowns = fit.design.seeds, fit.design.unknowns
    count = len(u) * seeds
    columns = []
    for k, one in enumerate(unknowns):
        values = tuple(float(f"{one.value(float(place)):.12g}") for place in np.repeat(u[:, k], seeds))
        columns.append(Column(one.key, one.quantity, values))
    own = tuple(map(float, range(first_seed, first_seed + count)))
    columns += [Column(key, Quantity(None), own) for key in seed_keys(case)]
    text = json.dumps({column.key: column.values for column in columns})
    bases, fixed = (fit.base,), (*fit.overrides, *overrides)
    path = fit.path.with_name(f"{name}.toml")
    return StudyFile(path, text, f"{fit.title}: {name}", bases, fixed, (), (), (tuple(columns),), None, {}, {})


def confirming_runs(fit: FitFile) -> int:
    """Return how many runs confirm a posterior: at its centre, and at both edges of each unknown."""
    assert fit.design is not None
    return (1 + 2 * len(fit.design.unknowns)) * fit.design.seeds


@dataclass(frozen=True)
class SeededRuns:
    """Numbers of the surfaces of runs: places u (points, unknowns), and for each those of its seeds (seeds, numbers).

    left_out: runs that have no surface at the end of the protocol, by the reason.
    """

    u: Floats
    numbers: tuple[Floats, ...]
    left_out: tuple[str, ...]

    def joined(self, other: SeededRuns) -> SeededRuns:
        """Return the runs of both."""
        return SeededRuns(
            np.concatenate([self.u, other.u]), self.numbers + other.numbers, self.left_out + other.left_out
        )

    @property
    def count(self) -> int:
        """How many runs there are."""
        return sum(map(len, self.numbers))


def read_runs(study: Study, u: Floats, seeds: int, squares: Squares) -> SeededRuns:
    """Return the numbers of the surfaces that the runs of a study ended with.

    Of a run that holds several squares the first one counts. Places with less than two such runs are left out.
    """
    places: list[Floats] = []
    numbers: list[Floats] = []
    left_out: list[str] = []
    for k, place in enumerate(u):
        rows = study.rows[k * seeds : (k + 1) * seeds]
        found = [squares.numbers(surface)[0] for surface in end_surfaces(study, rows)]
        left_out += [_why(row) for row in rows if not _ended(row)]
        if len(found) > 1:
            places.append(place)
            numbers.append(np.array(found))
    return SeededRuns(np.array(places).reshape(-1, u.shape[1]), tuple(numbers), tuple(left_out))


def end_surfaces(study: Study, rows: Sequence[Row]) -> list[Profile]:
    """Return the surfaces of the runs of rows that reached the end of the protocol."""
    found = []
    for row in filter(_ended, rows):
        with open_run(study.folder_of(row)) as run:
            found.append(Profile(run.height(-1), (run.spacing, run.spacing), str(row["run"])))
    return found


def _ended(row: Row) -> bool:
    return row["status"] == DONE and row["reason"] == END


def _why(row: Row) -> str:
    return str(row["note"] or row["reason"] or row["status"]).replace("_", " ")


def check_runs(runs: SeededRuns, planned: int, least: int) -> None:
    """Raise PhasefieldError if too few places of a design have surfaces."""
    if len(runs.numbers) < least:
        why = max(set(runs.left_out), key=runs.left_out.count) if runs.left_out else "they are too few"
        raise PhasefieldError(
            f"{len(runs.numbers)} of {planned} places of the design have two surfaces, {least} are needed; most runs "
            f"end before: {why}; narrow the priors, or give more points"
        )
