"""How long a save takes, by the length of the run and by the size of its file.

    python benchmarks/bench_save.py [--quick]

The runs are synthetic. Times are wall times of one save, the median of several, with the force to the disk.
The memory is that of the process above what it held before the save.
"""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
from measuring import options, section, table

from storing import create, row_of  # isort: skip  # measuring puts the tests on the path

from phasefield.results.writer import Frame, RunWriter

FIELDS = ["xi", "concentration", "potential"]
LENGTHS = (100, 1000, 10_000, 100_000)  # steps
ROWS = 10  # steps between two saves
SAVES = 5
SMALL = (30, 32, 32)  # cells of the runs that become long
LARGE = (128, 256, 256)  # cells of the run that becomes big: about 100 MB a frame
SIZES = (0.25e9, 0.5e9, 1.0e9, 2.0e9)  # bytes


def frame(k: int, shape: tuple[int, int, int], rng: np.random.Generator) -> Frame:
    """Return a frame that hardly compresses: noise in all digits that are stored."""
    fields = {name: rng.normal(size=shape).astype(np.float32) for name in FIELDS}
    return Frame(row_of(k)["time"], fields, 1e-6 * rng.normal(size=shape[1:]))


def saved(writer: RunWriter, first: int, made: Frame | None) -> tuple[float, float]:
    """Add rows and save; return the wall time [s] and the memory that it took at most [bytes]."""
    for k in range(first, first + ROWS):
        writer.add_row(row_of(k))
    process, highest, done = psutil.Process(), [0], threading.Event()
    before = process.memory_info().rss

    def watch() -> None:
        while not done.wait(0.002):
            highest.append(process.memory_info().rss - before)

    watcher = threading.Thread(target=watch)
    watcher.start()
    begin = time.perf_counter()
    writer.save(made)
    took = time.perf_counter() - begin
    done.set()
    watcher.join()
    return took, max(highest)


def measured(writer: RunWriter, first: int, make: Callable[[int], Frame | None]) -> list[str]:
    """Return the median time of a save [ms] and the largest memory [MB] as cells of a table."""
    both = [saved(writer, first + ROWS * i, make(i)) for i in range(SAVES)]
    times, memory = zip(*both, strict=True)
    return [f"{1e3 * statistics.median(times):.0f}", f"{max(memory) / 1e6:.0f}"]


def by_length(quick: bool) -> str:
    """Save rows, and rows with a frame, of runs of 100 to 100 000 steps on a small grid."""
    rng, rows = np.random.default_rng(0), []
    for length in LENGTHS[: 2 if quick else None]:
        with tempfile.TemporaryDirectory() as folder:
            writer = create(Path(folder), SMALL, fields=FIELDS)
            for k in range(length):
                writer.add_row(row_of(k))
            writer.save(frame(length, SMALL, rng))
            alone = measured(writer, length, lambda i: None)
            framed = measured(writer, length + SAVES * ROWS, lambda i: frame(i, SMALL, rng))
            rows.append([str(length), f"{writer.path.stat().st_size / 1e6:.1f}", *alone, *framed])
    return table(["steps", "file, MB", "rows, ms", "memory, MB", "rows and a frame, ms", "memory, MB"], rows)


def by_size(quick: bool) -> str:
    """Save rows, and rows with a frame, of runs whose file grows to 2 GB."""
    shape = SMALL if quick else LARGE
    rng, rows, k = np.random.default_rng(0), [], 0
    with tempfile.TemporaryDirectory() as folder:
        writer = create(Path(folder), shape, fields=FIELDS)
        for size in SIZES[: 1 if quick else None]:
            while k == 0 or (writer.path.stat().st_size < size and not quick):
                saved(writer, k, frame(k, shape, rng))
                k += ROWS
            now, frames = writer.path.stat().st_size, writer.n_frames
            alone = measured(writer, k, lambda i: None)
            framed = saved(writer, k + SAVES * ROWS, frame(k, shape, rng))
            k += (SAVES + 1) * ROWS
            rows.append(
                [f"{now / 1e9:.2f}", str(frames), *alone, f"{1e3 * framed[0]:.0f}", f"{framed[1] / 1e6:.0f}"]
            )
    return table(["file, GB", "frames", "rows, ms", "memory, MB", "rows and a frame, ms", "memory, MB"], rows)


if __name__ == "__main__":
    quick = options(__doc__).parse_args().quick
    section("saves by the number of steps", lambda: by_length(quick))
    section("saves by the size of the file", lambda: by_size(quick))
