"""Holes of a height map, filled harmonically: inside them the height is the mean of its four neighbours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from phasefield.topography.profiles.profile import Floats


def fill_harmonically(heights: Floats, missing: NDArray[np.bool_]) -> Floats:
    """Return a map (ny, nx) whose missing points solve Laplace's equation.

    Known heights stay as they are and are the boundary. At the sides of the map no height flows out, so a hole there
    ends level. The equations are factorised, so wide holes are as exact as narrow ones. At least one point must be
    known.
    """
    from scipy.sparse import csc_array
    from scipy.sparse.linalg import splu

    middle = float(heights[~missing].mean())  # heights about it: round-off is that of the relief
    filled = np.where(missing, middle, heights)
    number = np.full(heights.shape, -1)
    count = int(missing.sum())
    number[missing] = np.arange(count)
    diagonal, right = np.zeros(count), np.zeros(count)
    rows, columns = [], []
    for axis in (0, 1):
        for step in (-1, 1):
            here = _inside(heights.shape, axis, step)
            there = _inside(heights.shape, axis, -step)
            hole = number[here] >= 0
            at, beside = number[here][hole], number[there][hole]
            known = filled[there][hole] - middle
            np.add.at(diagonal, at, 1.0)
            np.add.at(right, at, np.where(beside < 0, known, 0.0))
            rows.append(at[beside >= 0])
            columns.append(beside[beside >= 0])
    row, column = np.concatenate([*rows, np.arange(count)]), np.concatenate([*columns, np.arange(count)])
    values = np.concatenate([np.full(len(row) - count, -1.0), diagonal])
    matrix = csc_array((values, (row, column)), shape=(count, count))
    factors = splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    filled[missing] = factors.solve(right) + middle
    return filled


def _inside(shape: tuple[int, ...], axis: int, step: int) -> tuple[slice, ...]:
    """Return the points whose neighbour by `step` along an axis lies in the map."""
    n = shape[axis]
    along = slice(0, n - 1) if step > 0 else slice(1, n)
    return tuple(along if k == axis else slice(None) for k in range(2))
