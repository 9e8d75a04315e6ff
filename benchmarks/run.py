"""Run all benchmarks and write docs/performance.md.

python benchmarks/run.py [--quick]
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "performance.md"
PARTS = [
    ("bench_kernels.py", "Kernels against the memory of the machine", False),
    ("bench_solver.py", "The potential solve, and pyamg on the same matrix", True),
    ("bench_step.py", "The coupled step, FiPy and py-pde", False),
    ("bench_study.py", "Studies", True),
    ("bench_view.py", "The viewer, 512 x 512 x 256 cells", True),
]


def processor() -> str:
    """Return the name of the processor, if the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine()
    )


def main() -> None:
    """Run the parts one after the other and write the page."""
    quick = sys.argv[1:]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    versions = ", ".join(f"{name} {version(name)}" for name in ("numba", "numpy", "fipy", "py-pde", "pyamg"))
    begin = time.monotonic()
    page = [
        "# Performance",
        "",
        f"Measured {date.today():%Y-%m-%d} on {cores} cores of {processor()}; {versions}.",
        "Short run (`--quick`): small grids, which caches flatter." if quick else "",
        f"Load of the machine at the start: {os.getloadavg()[0]:.1f}. "
        "Ratios travel between machines, times do not; each table is from one run, "
        "and the bandwidth that it names was measured in that run.",
        "",
        "    python benchmarks/run.py",
    ]
    for name, title, code in PARTS:
        done = subprocess.run(
            [sys.executable, str(HERE / name), *quick], stdout=subprocess.PIPE, text=True, check=True
        )
        print(f"## {title}\n\n{done.stdout}", flush=True)
        text = done.stdout.rstrip("\n")
        page += [
            "",
            f"## {title}",
            "",
            "\n".join("    " + " ".join(line.split()) for line in text.splitlines()) if code else text,
        ]
    page += ["", f"The whole took {(time.monotonic() - begin) / 60.0:.0f} minutes.", ""]
    PAGE.write_text("\n".join(page), encoding="utf-8")


if __name__ == "__main__":
    main()
