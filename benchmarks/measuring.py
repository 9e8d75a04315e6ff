"""Shared by the benchmarks: options, a clock, the roof of this machine, a case to measure, a table."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numba
import numpy as np

import phasefield
from phasefield.kernels import _jit  # noqa: F401  sets how threads wait

TREE = Path(phasefield.__file__).parents[1]  # the source tree that is measured
sys.path.insert(0, str(TREE / "tests"))

STREAM = 40_000_000  # numbers of the bandwidth test: beyond the caches
PIECE = 1_000_000  # of them, timed on their own
ROW = 2048  # numbers that the arithmetic test keeps in the first cache
CORES: int = numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]  # all that this process may use
_far = np.ones(STREAM)


def options(about: str | None) -> argparse.ArgumentParser:
    """Return the parser of a part; `about` is its docstring."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small grids, few runs: to see that all works")
    parser.add_argument(
        "--against", type=Path, metavar="TREE", help="source tree of another state to compare with"
    )
    return parser


def section(what: str, make: Callable[[], str]) -> None:
    """Print what a measurement gives, or why it could not be made."""
    try:
        text = make()
    except Exception as error:  # whatever is missing, the rest goes on
        text = f"{what}: could not run: {type(error).__name__}: {error}"
    print(text, end="\n\n", flush=True)


def best(run: Callable[[], Any], times: int = 5) -> float:
    """Return the shortest time of a call [s] that finds cold caches, after one to warm up.

    Other work on the machine only adds. In a step the arrays come from memory, too: there are many.
    """
    run()
    took = []
    for _ in range(times):
        _far.sum()
        begin = time.perf_counter()
        run()
        took.append(time.perf_counter() - begin)
    return min(took)


@numba.njit(parallel=True)
def triad(a, b, c):  # type: ignore[no-untyped-def]
    """a = b + 2 c."""
    for i in numba.prange(a.size):
        a[i] = b[i] + 2.0 * c[i]


def bandwidth(threads: int) -> float:
    """Return the memory bandwidth of the triad [bytes/s]; what is written counts twice, for it is read first.

    That of the best of many short pieces, as long as a kernel takes: other work interrupts long ones.
    """
    numba.set_num_threads(threads)
    b, c = np.ones((2, STREAM))
    a = np.zeros(STREAM)
    triad(a, b, c)
    took = []
    for first in range(0, STREAM, PIECE):
        piece = slice(first, first + PIECE)
        begin = time.perf_counter()
        triad(a[piece], b[piece], c[piece])
        took.append(time.perf_counter() - begin)
    return 32 * PIECE / min(took)


@numba.njit(parallel=True)
def arithmetic(x, times):  # type: ignore[no-untyped-def]
    """Multiply and add 16 times to each number, over and over: nothing but the cores limits it."""
    for p in numba.prange(x.shape[0]):
        row = x[p]
        for _ in range(times):
            for i in range(row.size):
                s = row[i]
                for _ in range(16):
                    s = 0.5 * s + 0.25
                row[i] = s


def peak(threads: int) -> float:
    """Return float64 operations a second, multiplications and additions apart, as the kernels are compiled."""
    numba.set_num_threads(threads)
    x, times = np.ones((8 * CORES, ROW)), 20
    return 32 * times * x.size / best(lambda: arithmetic(x, times), 20)


def spare() -> float:
    """Return how many times as fast all threads are as one on pure arithmetic (for earlier bench_kernels.py)."""
    return peak(CORES) / peak(1)


def rough_case(shape: tuple[int, ...], spacing: float = 2.0) -> Any:
    """Return a patchy, rough case of `shape` = (nz, nx) or (nz, ny, nx) cells; spacing in um."""
    import modelcases

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
