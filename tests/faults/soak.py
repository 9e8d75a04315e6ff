"""Many runs in one process: its memory and its open files must not grow.

python tests/faults/soak.py --runs 500          short runs, one after the other, each opened again
python tests/faults/soak.py --stops 200         one run, stopped and resumed at each stop

The exit code is 1 if memory or open files grew after the first tenth.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

if __name__ == "__main__":  # as a script: the package of this source tree
    sys.path[:0] = [str(Path(__file__).parents[2])]

import psutil

from phasefield.api import open_run, read_case, run
from phasefield.errors import Interrupted

CASE = ("planar", ["protocol.repeat=1", 'output.checkpoint_every="1 us"'])
GROWTH = 20e6  # bytes that the heap of numpy, HDF5 and Python may wander by


def short_runs(folder: Path) -> Iterator[None]:
    """Run a case from its start, read it again, and run it anew over itself."""
    case = read_case(CASE[0], CASE[1])
    while True:
        run(case, folder / "run", overwrite=True)
        with open_run(folder / "run") as stored:
            assert len(stored.series["voltage"]) > 1
        yield


def stops(folder: Path) -> Iterator[None]:
    """Stop a run after each step, and resume it."""
    case = read_case("wave", ["protocol.repeat=100000"])
    for k in itertools.count():
        try:
            run(case, folder / "run", resume=k > 0, walltime=1e-6)
        except Interrupted:
            yield
        else:
            return


def watched(what: str, times: int, begin: Callable[[Path], Iterator[None]]) -> bool:
    """Take turns, print memory and open files ten times; return whether they stayed flat after the first tenth."""
    process = psutil.Process()
    seen: list[tuple[float, int]] = []
    with tempfile.TemporaryDirectory() as folder:
        for k, _ in enumerate(itertools.islice(begin(Path(folder)), times), 1):
            if k % max(times // 10, 1) == 0:
                seen.append((process.memory_info().rss, process.num_fds() + process.num_threads()))
                print(
                    f"{what} {k}: {seen[-1][0] / 1e6:.0f} MB, {seen[-1][1]} handles and threads", flush=True
                )
    return bool(seen) and seen[-1][0] - seen[0][0] < GROWTH and seen[-1][1] <= seen[0][1]


def main() -> int:
    """Run what the command line asks for and return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=0, help="how many runs")
    parser.add_argument("--stops", type=int, default=0, help="how many stops of one run")
    options = parser.parse_args()
    flat = [
        watched(what, times, begin)
        for what, times, begin in (("runs", options.runs, short_runs), ("stops", options.stops, stops))
        if times
    ]
    if not flat:
        parser.error("nothing to do: give --runs or --stops")
    return 0 if all(flat) else 1


if __name__ == "__main__":
    sys.exit(main())
