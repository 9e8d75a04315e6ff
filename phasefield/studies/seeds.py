"""The same case with other seeds: their runs, the mean of a result over them, and the band of that mean."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from phasefield.api import read_case
from phasefield.case import Case
from phasefield.errors import PhasefieldError
from phasefield.files.atomic import replace_text
from phasefield.studies.attribution.inputs import seeded

Floats = NDArray[np.float64]

INSIDE = 0.95  # share of the means of other seeds that a band holds


def case_with_seed(case: Case, name: str, seed: int, folder: Path) -> tuple[Path, Case]:
    """Write a case with another seed of surface and patches into a folder; return the file and the case."""
    path = folder / f"{name}-seed{seed}.toml"
    text = seeded(case, seed)
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_text(path, text)
    return path, read_case(path)


def other_seeds(case: Case, name: str, count: int, folder: Path) -> list[tuple[Path, Case]]:
    """Return a case with `count` seeds besides its own, 2, 3 and so on, as `case_with_seed` does.

    A seed that gives the case itself is left out. Raises PhasefieldError for a case in which nothing is random.
    """
    found: list[tuple[Path, Case]] = []
    seed = 2
    while len(found) < count:
        path, one = case_with_seed(case, name, seed, folder)
        if one.hash != case.hash:
            found.append((path, one))
        elif seed > 2 and not found:
            raise PhasefieldError(f"{name}: has no seed, as nothing in it is random; compare it without --seeds")
        seed += 1
    return found


def half_band(values: Floats) -> Floats:
    """Return half the width of the 95 % band of the mean over the first axis, by Student's t."""
    from scipy.special import stdtrit  # Student's t, of so many degrees of freedom

    t = float(stdtrit(len(values) - 1, 0.5 + 0.5 * INSIDE))
    return np.asarray(t * values.std(axis=0, ddof=1) / math.sqrt(len(values)))


def band_text(values: Floats | Sequence[float]) -> str:
    """Return the band of a mean in words: 3.4 to 4.2."""
    all_of = np.asarray(values, dtype=np.float64)
    half = float(half_band(all_of))
    return f"{all_of.mean() - half:.3g} to {all_of.mean() + half:.3g}"
