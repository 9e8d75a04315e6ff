"""How fast this machine takes steps: measured once on two small cells, and kept beside the compiled kernels."""

from __future__ import annotations

import json
import logging
import os
import platform
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from phasefield import cases
from phasefield.case import file as casefile
from phasefield.constants import VERSION
from phasefield.errors import Interrupted, PhasefieldError
from phasefield.files.atomic import read_plain, replace_text, replaced_files
from phasefield.machine import compilation, kernel_cache
from phasefield.machine.load import slowdown
from phasefield.machine.threads import kernels_ready, set_threads

FILE = "speed.json"
SMALL = ['grid.size=["64 um", "64 um", "96 um"]', 'surface.height="40 um"', "protocol.repeat=5"]
LARGE = ["protocol.repeat=3"]  # 32 x 32 x 30 cells
SELDOM, OFTEN = ['output.fields_every="1000 h"'], ['output.fields_every="1 h"']  # a frame never, and at each step
LEAST_FRAME = 1e-3  # s
FASTEST, SLOWEST = 1e-15, 1e4  # s; what is kept and lies outside is no speed of a machine
NAMES = ("start", "step", "column", "cell", "frame")


@dataclass(frozen=True)
class Speed:
    """What a run of one thread costs on this machine when it does nothing else, s.

    start: of the command besides steps and frames; step: of each step, with `column` for each column of cells over a
    surface and `cell` for each cell; frame: to store the fields of a small cell; measured: on this machine, not on
    the one below.
    """

    start: float
    step: float
    column: float
    cell: float
    frame: float
    measured: bool = True

    def of_step(self, columns: int, cells: float) -> float:
        """Return the time of a step on a grid, s."""
        return self.step + self.column * columns + self.cell * cells

    def times(self, first: float, rest: float) -> Speed:
        """Return this speed with other times: of start, step and frame, and of columns and cells."""
        return Speed(self.start * first, self.step * first, self.column * rest, self.cell * rest, self.frame)


REFERENCE = Speed(1.9, 0.0047, 22e-6, 0.25e-6, 0.03, measured=False)
"""An AMD EPYC of the fifth generation: PLLZ with 768, 30 720 and 245 760 cells."""


@cache
def speed() -> Speed:
    """Return the speed of this machine: as kept, else as measured now in a second, else that of another machine.

    It is measured anew when the program or the processor is another. Where kernels are not compiled yet, or nothing
    can be kept, nothing is wrong: the estimates are those of another machine.
    """
    return kept_speed() or measure_speed() or REFERENCE


def kept_speed() -> Speed | None:
    """Return what was measured and kept; None if there is nothing of this program and processor."""
    wrong = (OSError, ValueError, TypeError, KeyError, AttributeError, ArithmeticError, PhasefieldError, RecursionError)
    with suppress(*wrong):
        content = json.loads(read_plain(_file()))
        start, step, column, cell, frame = (float(content["speed"][name]) for name in NAMES)
        found = Speed(start, step, column, cell, frame)
        if content["machine"] == _machine() and all(FASTEST < getattr(found, name) < SLOWEST for name in NAMES):
            return found
    return None


def measure_speed() -> Speed | None:
    """Measure the speed of this machine and keep it; None where that would have to compile kernels, or fails."""
    from phasefield.kernels._jit import compiled

    if not compiled():
        return None
    try:
        with TemporaryDirectory() as folder, compilation.refused(), _quiet():
            small = _steps([*SMALL, *SELDOM], Path(folder) / "small")
            large = _steps(LARGE, Path(folder) / "large")
            stored = _steps([*SMALL, *OFTEN], Path(folder) / "stored")
    except Interrupted:
        raise KeyboardInterrupt from None
    except (compilation.NotCompiledError, PhasefieldError, OSError):
        return None
    first, rest = small.processor / small.known, large.processor / large.known
    frame = max(LEAST_FRAME, stored.wall / slowdown() - small.processor)
    found = replace(REFERENCE.times(first, rest), frame=frame)
    with suppress(OSError, PhasefieldError), replaced_files():  # no result of the user's
        replace_text(_file(), json.dumps({"machine": _machine(), "speed": asdict(found)}) + "\n")
    return found


@dataclass(frozen=True)
class _Steps:
    """What a step took, the middle of all: processor and wall time, and the time on the machine of reference, s."""

    processor: float
    wall: float
    known: float


def _steps(overrides: Sequence[str], folder: Path) -> _Steps:
    from phasefield.simulation.driver import Driver

    case = casefile.read_case(cases.locate("pllz"), overrides)
    times: list[tuple[float, float]] = []
    Driver(case, folder, progress=lambda _: times.append((time.process_time(), time.perf_counter()))).run()
    pairs = list(pairwise(times))
    processor, wall = (statistics.median(after[k] - before[k] for before, after in pairs) for k in (0, 1))
    _, ny, nx = case.grid.shape
    return _Steps(processor, wall, REFERENCE.of_step(ny * nx, case.grid.cells))


@contextmanager
def _quiet() -> Iterator[None]:
    """While the context lasts, kernels use one thread and nothing is logged: a run's own log holds its own lines."""
    with kernels_ready():
        import numba

        threads, level = numba.get_num_threads(), logging.root.manager.disable
        logging.disable(logging.CRITICAL)
        set_threads(1)
        try:
            yield
        finally:
            set_threads(threads)
            logging.disable(level)


def _file() -> Path:
    """Return the file of the speed: in the folder of the kernels, whose name changes with them and with numba."""
    from phasefield.kernels._jit import cache_folder

    if not kernel_cache.kept():
        raise PhasefieldError("nothing is kept")
    return cache_folder() / FILE


def _machine() -> str:
    """Return what the speed belongs to: program, processor, how many there are, and what it is measured against."""
    name = platform.processor() or platform.machine()
    with suppress(OSError), open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        found = [line.partition(":")[2].strip() for line in file if line.startswith(("model name", "CPU part"))]
        name = found[0] if found else name
    return f"{VERSION}, {name}, {os.cpu_count()}, {REFERENCE}"
