"""The points of a study: every combination of the axes, or a sample of their ranges."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from phasefield.studies.sweep.quantity import Value

if TYPE_CHECKING:
    from phasefield.studies.sweep.studyfile import Column, Sample, StudyFile


@dataclass(frozen=True)
class Point:
    """One run of a study: its number, case, seed (None: as the case has it) and a value for each column."""

    number: int
    base: str
    seed: int | None
    values: tuple[Value, ...]


def points_of(study: StudyFile) -> Iterator[Point]:
    """Yield the points in order: the first axis slowest, seeds fastest."""
    seeds: tuple[int | None, ...] = study.seeds or (None,)
    if study.sample is None:
        places = list(itertools.product(*(range(len(axis[0].values)) for axis in study.axes)))
        combined = [
            tuple(c.values[k] for k, axis in zip(place, study.axes, strict=True) for c in axis) for place in places
        ]
    else:
        combined = [tuple(map(float, row)) for row in drawn(study.columns, study.sample)]
    everything = itertools.product(study.bases, combined, seeds)
    for number, (base, values, seed) in enumerate(everything):
        yield Point(number, base, seed, values)


def drawn(columns: tuple[Column, ...], sample: Sample) -> NDArray[np.float64]:
    """Return a sample (points, columns) of the ranges, SI.

    latin-hypercube: M. D. McKay et al., Technometrics 1979, 21, 239; sobol: I. M. Sobol, USSR Comput. Math. Math.
    Phys. 1967, 7, 86, scrambled; sobol-indices: two such samples A and B and, for each column i, A with the column
    i of B: A. Saltelli et al., Comput. Phys. Commun. 2010, 181, 259, one block after the other.
    """
    from scipy.stats import qmc

    d = len(columns)
    random = np.random.default_rng(sample.seed)
    if sample.method == "latin-hypercube":
        unit = qmc.LatinHypercube(d, rng=random).random(sample.points)
    elif sample.method == "sobol":
        unit = qmc.Sobol(d, rng=random).random(sample.points)
    else:
        both = qmc.Sobol(2 * d, rng=random).random(sample.points)
        A, B = both[:, :d], both[:, d:]
        mixed = [np.where(np.arange(d) == i, B, A) for i in range(d)]
        unit = np.concatenate([A, B, *mixed])
    values = np.empty_like(unit)
    for k, column in enumerate(columns):
        assert column.ends is not None
        low, high = column.ends
        if column.scale == "log":
            values[:, k] = np.exp(math.log(low) + unit[:, k] * (math.log(high) - math.log(low)))
        else:
            values[:, k] = low + unit[:, k] * (high - low)
    rounded = [[float(f"{value:.12g}") for value in row] for row in values]
    return np.array(rounded).reshape(values.shape)
