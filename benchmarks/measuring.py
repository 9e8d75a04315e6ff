"""What the benchmarks share: a clock, the bandwidth of this machine, a case to measure, a table."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numba
import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
import modelcases

from phasefield.case import Case
from phasefield.kernels import _jit  # noqa: F401  sets how threads wait

STREAM = 40_000_000  # numbers of the bandwidth test: far beyond any cache
CORES: int = numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]  # all that this process may use


@numba.njit(parallel=True)
def stream(y, x):  # type: ignore[no-untyped-def]
    """Add twice x to y."""
    for i in numba.prange(y.size):
        y[i] = y[i] + 2.0 * x[i]


def best(run: Callable[[], Any], times: int = 5) -> float:
    """Return the shortest time of a call [s], after one to warm up: other work on the machine only adds."""
    run()
    took = []
    for _ in range(times):
        begin = time.perf_counter()
        run()
        took.append(time.perf_counter() - begin)
    return min(took)


@numba.njit(parallel=True)
def arithmetic(x):  # type: ignore[no-untyped-def]
    """Take many square roots of each number: nothing but the cores limits it."""
    for i in numba.prange(x.size):
        s = x[i]
        for k in range(200):
            s = np.sqrt(s + k)
        x[i] = s


def spare() -> float:
    """Return how many times as fast all threads are as one on pure arithmetic.

    What the machine had to give.
    """
    x, took = np.ones(100_000), []
    for threads in (1, CORES):
        numba.set_num_threads(threads)
        took.append(best(lambda: arithmetic(x), 3))
    return took[0] / took[1]


def bandwidth(threads: int) -> float:
    """Return the memory bandwidth [bytes/s] of y = y + 2 x."""
    numba.set_num_threads(threads)
    x, y = np.ones(STREAM), np.zeros(STREAM)
    return 24 * STREAM / best(lambda: stream(y, x), 3)


def rough_case(shape: tuple[int, ...], spacing: float = 2.0) -> Case:
    """Return a patchy, rough case of `shape` = (nz, nx) or (nz, ny, nx) cells; spacing in um."""
    size = [float(n) * spacing for n in (*reversed(shape[1:]), shape[0])]
    return modelcases.make(
        f"grid.size={modelcases.micrometres(*size)}",
        f'grid.spacing="{spacing} um"',
        f'surface.height="{0.5 * size[-1]} um"',
        f'surface.roughness="{0.8 * spacing} um"',
        f'surface.correlation_length="{8 * spacing} um"',
        "surface.seed=1",
        'film.conductivity="2e-6 S/m"',
        f'film.patches={{ spread=0.4, size="{12 * spacing} um", renewal="0.5 um" }}',
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return "\n".join(lines + [f"| {' | '.join(row)} |" for row in rows])
