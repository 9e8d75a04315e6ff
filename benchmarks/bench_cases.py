"""Whole runs of shipped cases on one thread: CPU time a step and a simulated hour, against another state.

    python benchmarks/bench_cases.py [--quick] [--against TREE]

Each run is a separate process. The two states run in turn, and the least CPU time of each counts. A short run in the
same process first compiles or loads the kernels. CPU time is that of all threads, with the writing of results.
"""

from __future__ import annotations

import json
import math
import tempfile
import time
from pathlib import Path
from typing import Any

from measuring import TREE, options, section, table
from process import ONE_THREAD, CannotRunError, output

CURRENT = 'protocol.steps=[{{current="15 mA/cm^2", duration="{} s"}}]'
CASES = {  # shipped case: overrides, those of the short run before it, and those of the quick benchmark
    "pll": ("protocol.repeat=20", "protocol.repeat=1", "protocol.repeat=2"),
    "pllz": ("protocol.repeat=20", "protocol.repeat=1", "protocol.repeat=2"),
    "dendrites": (CURRENT.format(20), CURRENT.format(0.5), CURRENT.format(2)),
}
TURNS = 3


def once(name: str, quick: bool) -> dict[str, float]:
    """Run a case and return its CPU time [s], its steps and the time that it simulated [s].

    Only names that every state of the program has: the other state may be an old one.
    """
    from phasefield.api import read_case, run

    whole, short, small = CASES[name]
    found = {}
    for override in (short, small if quick else whole):
        with tempfile.TemporaryDirectory() as folder:
            case, out = read_case(name, [override]), Path(folder) / "run"
            begin = time.process_time()
            run(case, out, threads=1).close()
            cpu = time.process_time() - begin
            ended = json.loads((out / "summary.json").read_text(encoding="utf-8"))
            found = {"cpu": cpu, "steps": ended["steps"], "simulated": ended["time"]}
    return found


def row(name: str, trees: list[Path], quick: bool) -> list[str]:
    """Run a case in turn in each tree; return its row of the table."""
    least: dict[Path, dict[str, Any]] = {}
    for _ in range(1 if quick else TURNS):
        for tree in trees:
            words = ["--once", name, *["--quick"] * quick]
            try:
                found = json.loads(output(tree, Path(__file__), *words, **ONE_THREAD))
            except CannotRunError as error:
                print(f"{name} of {'this state' if tree == TREE else 'the other'}: could not run: {error}\n")
                found = {"cpu": math.nan, "steps": 0, "simulated": math.nan}
            if tree not in least or found["cpu"] < least[tree]["cpu"]:
                least[tree] = found
    cells = [f"`{name}`", f"{least[TREE]['simulated']:g}"]
    for tree in trees:
        r = least[tree]
        steps = max(r["steps"], 1)
        cells += [f"{r['steps']}", f"{r['cpu'] / steps:.3g}", f"{3600.0 * r['cpu'] / r['simulated']:.3g}"]
    if len(trees) > 1:
        now, before = (least[tree] for tree in trees)
        cells.append(f"{before['cpu'] / before['simulated'] / (now['cpu'] / now['simulated']):.2f}")
    return cells


def main() -> None:
    """Print the table, or one run as JSON."""
    parser = options(__doc__)
    parser.add_argument("--once", metavar="CASE", help="run one case here and print what it took")
    given = parser.parse_args()
    if given.once:
        print(json.dumps(once(given.once, given.quick)))
        return
    print(
        "One thread, with the writing of results. Each value is the least CPU time of "
        f"{1 if given.quick else TURNS} runs, in turn.\n"
    )
    trees = [TREE, *([given.against.resolve()] if given.against else [])]
    head = ["case", "simulated, s"]
    for when in ("", " before")[: len(trees)]:
        head += [f"steps{when}", f"CPU s a step{when}", f"CPU s a simulated hour{when}"]
    head += ["times as fast"] * (len(trees) > 1)
    section("whole cases", lambda: table(head, [row(name, trees, given.quick) for name in CASES]))


if __name__ == "__main__":
    main()
