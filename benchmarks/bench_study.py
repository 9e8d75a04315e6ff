"""Parameter studies: runs an hour of one run a core against one run after another on all cores; 10 000 run folders.

python benchmarks/bench_study.py            both parts
python benchmarks/bench_study.py --folders  the second part only
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from phasefield.api import cores
from phasefield.study import outputs
from phasefield.study.page import write_page
from phasefield.study.plan import keep
from phasefield.study.study import prepare, run_waiting, tabulate, where
from phasefield.study.studyfile import read_study

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
seeds = 100
[axes]
"film.conductivity" = { from = "1e-9 S/cm", to = "1e-6 S/cm", points = 10, scale = "log" }
"electrolyte.transference_number" = { from = 0.1, to = 0.9, points = 10 }
"""


def throughput() -> None:
    """Print runs an hour for each split of the cores; the first, short study has the kernels compiled."""
    print(f"{'cells':>14} {'workers':>8} {'threads':>8} {'runs/h':>8} {'core use':>9} {'overhead':>9}")
    for size, (grid, repeat) in SIZES.items():
        rates = []
        for workers in (1, cores()):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "bench.toml"
                path.write_text(STUDY.format(seeds=RUNS // 2, grid=grid, repeat=repeat), encoding="utf-8")
                prepared = prepare(read_study(path), Path(folder) / "out")
                how = where(prepared, workers=workers)
                tally = run_waiting(prepared, how, lambda report: None)
            rates.append(tally.runs / tally.wall * 3600.0)
            print(
                f"{size:>14} {tally.workers:>8} {how.threads:>8} {rates[-1]:>8.0f} {100 * tally.core_use:>7.0f} % "
                f"{100 * tally.overhead:>7.1f} %"
            )
        print(f"{'':>14} one run a core over one after another: {rates[1] / rates[0]:.2f}")


def folders() -> None:
    """Print how long it takes to plan, to list, and to tabulate 10 000 runs that are done."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "many.toml"
        path.write_text(FOLDERS, encoding="utf-8")
        out = Path(folder) / "out"
        begun = time.perf_counter()
        prepared = prepare(read_study(path), out)
        print(f"{len(prepared.points)} points, planned for the first time: {time.perf_counter() - begun:.1f} s")
        keep(prepared.planner, [one for _, one in prepared.points], prepared.folder)
        for point, one in prepared.points:
            run = prepared.runs / one.folder
            run.mkdir(parents=True)
            values = dict.fromkeys(outputs.STANDARD, 1e-6 * (1 + point.number % 97))
            surface = {"shape": [32, 32], "low": 0.0, "high": 1e-5, "mean": 5e-6, "width": 2.56e-4, "data": "A" * 1368}
            content = {"format": outputs.FORMAT, "hash": one.hash, "reason": "end", "text": "", "values": values}
            (run / outputs.FILE).write_text(json.dumps({**content, "surface": surface}), encoding="utf-8")
        begun = time.perf_counter()
        again = prepare(read_study(path), out)
        print(f"listed, {len(again.waiting)} to run: {time.perf_counter() - begun:.1f} s")
        begun = time.perf_counter()
        study = tabulate(again)
        print(f"tabulated: {time.perf_counter() - begun:.1f} s")
        begun = time.perf_counter()
        page = write_page(study, [])
        print(f"page of {page.stat().st_size / 1e6:.0f} MB: {time.perf_counter() - begun:.1f} s")


if __name__ == "__main__":
    folders()
    if "--folders" not in sys.argv:
        throughput()
