"""What a table says: means and spreads over seeds, values on a grid of two inputs, Sobol indices."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Cell = float | int | str | None
Rows = Sequence[Mapping[str, Cell]]

RESAMPLED = 1000  # bootstrap samples of an index
INSIDE = 0.95  # of them lie in a confidence interval


@dataclass(frozen=True)
class Mean:
    """Of equal points but for their seeds: how many gave a value, their mean and standard deviation (nan for one)."""

    runs: int
    mean: float
    deviation: float


def value(row: Mapping[str, Cell], name: str) -> float:
    """Return a number of a row, nan if there is none."""
    found = row[name]
    return float(found) if isinstance(found, int | float) else math.nan


def over_seeds(rows: Rows, inputs: Sequence[str], output: str) -> dict[tuple[Cell, ...], Mean]:
    """Return mean and deviation of an output for each combination of inputs, in the order of the table."""
    groups: dict[tuple[Cell, ...], list[float]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in inputs), []).append(value(row, output))
    found = {}
    for key, values in groups.items():
        good = np.array([one for one in values if math.isfinite(one)])
        mean = float(good.mean()) if len(good) else math.nan
        found[key] = Mean(len(good), mean, float(good.std(ddof=1)) if len(good) > 1 else math.nan)
    return found


def mean_on_grid(rows: Rows, x: str, y: str, output: str) -> tuple[Floats, Floats, Floats]:
    """Return the values of two inputs, and the mean output at each pair, shape (y, x); nan where no run gave one."""
    xs, ys = (np.array(sorted({value(row, name) for row in rows})) for name in (x, y))
    total, count = np.zeros((len(ys), len(xs))), np.zeros((len(ys), len(xs)))
    for row in rows:
        one = value(row, output)
        if math.isfinite(one):
            place = np.searchsorted(ys, value(row, y)), np.searchsorted(xs, value(row, x))
            total[place] += one
            count[place] += 1
    return xs, ys, np.where(count > 0, total / np.maximum(count, 1), math.nan)


@dataclass(frozen=True)
class Index:
    """Sobol indices of an input: share of the variance that it makes alone, and with all its interactions.

    Each with the ends of its confidence interval, 95 %, by bootstrap.
    """

    name: str
    first: float
    first_low: float
    first_high: float
    total: float
    total_low: float
    total_high: float


def sobol(names: Sequence[str], values: Floats, seed: int = 0) -> tuple[list[Index], int]:
    """Return the Sobol indices of the inputs, and how many base points they rest on.

    values: outputs at A, B and at A with column i of B for each input i, shape (2 + inputs, points); base points
    without a value everywhere are left out. First order by A. Saltelli et al., Comput. Phys. Commun. 2010, 181, 259,
    eq. (b) of Table 2; total by M. J. W. Jansen, Comput. Phys. Commun. 1999, 117, 35, as given there, eq. (f).
    `scipy.stats.sobol_indices` gives the same, of 2^k points only: none may be left out.
    Raises ValueError if fewer than four points are left or the output does not vary.
    """
    good = np.isfinite(values).all(axis=0)
    whole = values[:, good]
    n = whole.shape[1]
    if n < 4:
        raise ValueError(f"{n} base points have an output at all {len(values)} places; Sobol indices need more")
    if np.ptp(whole) == 0.0:
        raise ValueError("the output is the same everywhere")
    first, total = _indices(whole)
    random = np.random.default_rng(seed)
    drawn = [_indices(whole[:, random.integers(0, n, n)]) for _ in range(RESAMPLED)]
    edge = 0.5 * (1.0 - INSIDE)
    ends = [np.nanquantile([one[k] for one in drawn], (edge, 1.0 - edge), axis=0) for k in (0, 1)]
    found = [
        Index(name, first[i], ends[0][0][i], ends[0][1][i], total[i], ends[1][0][i], ends[1][1][i])
        for i, name in enumerate(names)
    ]
    return found, n


def _indices(values: Floats) -> tuple[Floats, Floats]:
    A, B, mixed = values[0], values[1], values[2:]
    variance = np.var(np.concatenate([A, B]))
    if variance == 0.0:
        return np.full(len(mixed), math.nan), np.full(len(mixed), math.nan)
    middle = np.mean(np.concatenate([A, B]))
    first = np.mean((B - middle) * (mixed - A), axis=1) / variance
    total = 0.5 * np.mean((A - mixed) ** 2, axis=1) / variance
    return first, total


def sobol_of(rows: Rows, inputs: Sequence[str], points: int, output: str) -> tuple[list[Index], int]:
    """Return the Sobol indices of a study with method "sobol-indices"; of several seeds a point's mean counts.

    rows: block after block as `axes.drawn` makes them, the seeds of a point one after the other. Raises as `sobol`.
    """
    values = np.array([value(row, output) for row in rows]).reshape((2 + len(inputs)) * points, -1)
    return sobol(inputs, values.mean(axis=1).reshape(2 + len(inputs), points))
