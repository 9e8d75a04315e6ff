"""Parameter studies: runs an hour of one run a core against one run after another on all cores; 10 000 run folders.

    python benchmarks/bench_study.py [--quick]

"Cores used": processor time of the runs over the available time of the cores, with the start of the workers.
"Overhead": time of the workers outside of runs, over the time of the runs.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

from measuring import options, section, table

from phasefield.api import cores
from phasefield.studies.sweep import outputs
from phasefield.studies.sweep.page import write_study_page
from phasefield.studies.sweep.plan import keep
from phasefield.studies.sweep.study import prepare, run_waiting, tabulate, where
from phasefield.studies.sweep.studyfile import read_study

RUNS = 8
SIZES = {
    "32 x 32 x 30": ('"grid.spacing" = "8 um"', 40),
    "64 x 64 x 60": ('"grid.spacing" = "4 um"', 6),
}
STUDY = """title = "bench"
base = "pllz"
seeds = {seeds}
[set]
{grid}
"protocol.repeat" = {repeat}
[axes]
"film.conductivity" = ["5e-9 S/cm", "5e-8 S/cm"]
"""
FOLDERS = """title = "many"
base = "pllz"
seeds = {seeds}
[axes]
"film.conductivity" = {{ from = "1e-9 S/cm", to = "1e-6 S/cm", points = 10, scale = "log" }}
"electrolyte.transference_number" = {{ from = 0.1, to = 0.9, points = 10 }}
"""


def throughput(quick: bool) -> str:
    """Return runs an hour for each split of the cores; the first, short study compiles the kernels."""
    rows = []
    for size, (grid, repeat) in list(SIZES.items())[: 1 if quick else None]:
        rates = []
        for workers in (1, cores()):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "bench.toml"
                text = STUDY.format(seeds=RUNS // 2, grid=grid, repeat=1 if quick else repeat)
                path.write_text(text, encoding="utf-8")
                prepared = prepare(read_study(path), Path(folder) / "out")
                how = where(prepared, workers=workers)
                tally = run_waiting(prepared, how, lambda report: None)
            rates.append(tally.runs / tally.wall * 3600.0)
            rate = f"{rates[-1]:.0f} ({rates[-1] / rates[0]:.2f} times)"
            row = [size, f"{tally.workers}", f"{how.threads}", rate]
            rows.append([*row, f"{tally.core_use:.0%}", f"{tally.overhead:.1%}"])
    return table(["cells", "workers", "threads each", "runs an hour", "cores used", "overhead"], rows)


def folders(quick: bool) -> str:
    """Return how long it takes to plan, to list, and to tabulate 10 000 runs that are done (quick: 200)."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "many.toml"
        path.write_text(FOLDERS.format(seeds=2 if quick else 100), encoding="utf-8")
        out = Path(folder) / "out"
        begun = time.perf_counter()
        prepared = prepare(read_study(path), out)
        took = [
            f"{len(prepared.points)} points, planned for the first time: {time.perf_counter() - begun:.1f} s"
        ]
        keep(prepared.planner, [one for _, one in prepared.points], prepared.folder)
        for point, one in prepared.points:
            run = prepared.runs / one.folder
            run.mkdir(parents=True)
            values = dict.fromkeys(outputs.STANDARD, 1e-6 * (1 + point.number % 97))
            surface = {"shape": [32, 32], "low": 0.0, "high": 1e-5, "mean": 5e-6, "width": 2.56e-4}
            surface["data"] = "A" * 1368
            content = {"format": outputs.FORMAT, "hash": one.hash, "reason": "end", "text": ""}
            content |= {"values": values, "surface": surface}
            (run / outputs.FILE).write_text(json.dumps(content), encoding="utf-8")
        begun = time.perf_counter()
        again = prepare(read_study(path), out)
        took.append(f"listed: {time.perf_counter() - begun:.1f} s")
        begun = time.perf_counter()
        study = tabulate(again)
        took.append(f"tabulated: {time.perf_counter() - begun:.1f} s")
        begun = time.perf_counter()
        page = write_study_page(study, [])
        took.append(f"page of {page.stat().st_size / 1e6:.0f} MB: {time.perf_counter() - begun:.1f} s")
    return "\n".join(f"- {line}" for line in took)


def main() -> None:
    """Print both."""
    quick = options(__doc__).parse_args().quick
    section("folders of runs", lambda: folders(quick))
    section("runs an hour", lambda: throughput(quick))


if __name__ == "__main__":
    main()
