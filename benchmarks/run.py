"""Run the benchmarks and write docs/performance.md.

Each part is a script of this folder and also runs by itself. A part that lacks a package or a browser prints one
line, and the other parts go on. With --against the same parts also run with the program of
another commit, in turn with this one. Ctrl-C ends everything and writes nothing.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

from process import HERE, ROOT, CannotRunError, output

PAGE = ROOT / "docs" / "performance.md"
EXAMPLES = """examples:
  python benchmarks/run.py                                 all parts; writes docs/performance.md
  python benchmarks/run.py --against 6f2f39f               the same, beside that commit
  python benchmarks/run.py --quick                         minutes: to see that all works; prints the page
  python benchmarks/run.py --only cases --against HEAD~5   one part; prints the page
  python benchmarks/run.py --only kernels --output k.md    one part, to a file

packages: pip install -e '.[benchmark,view,test]'; PETSc: Debian's python3-petsc4py"""


class Part(NamedTuple):
    """A script, the title of its section, and whether it compares with another commit."""

    script: Path
    title: str
    compares: bool = False


PARTS = {
    "cases": Part(HERE / "bench_cases.py", "Whole cases", True),
    "kernels": Part(HERE / "bench_kernels.py", "Kernels: the roofline", True),
    "solver": Part(HERE / "bench_solver.py", "The potential solve, pyamg and PETSc", True),
    "step": Part(HERE / "bench_step.py", "The coupled step, FiPy and py-pde"),
    "save": Part(HERE / "bench_save.py", "Saves"),
    "study": Part(HERE / "bench_study.py", "Studies"),
    "view": Part(HERE / "bench_view.py", "The viewer"),
}
PACKAGES = ("numba", "numpy", "scipy", "fipy", "py-pde", "pyamg")


def processor() -> str:
    """Return the name of the processor, if the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine()
    )


def versions() -> str:
    """Return the versions of the packages that matter here."""
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"no {name}")
    return ", ".join(found)


def git(*words: str) -> str:
    """Return what a git command prints."""
    command = ["git", "-C", str(ROOT), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@contextmanager
def checked_out(commit: str | None) -> Iterator[Path | None]:
    """Check a commit out into a folder while the context lasts; its benchmarks use the timing code of this state."""
    if commit is None:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        git("worktree", "add", "--detach", str(tree), commit)
        try:
            for name in ("measuring.py", "process.py"):
                shutil.copy(HERE / name, tree / "benchmarks" / name)
            yield tree
        finally:
            git("worktree", "remove", "--force", str(tree))


def section(part: Part, quick: bool, tree: Path | None) -> str:
    """Run a part and return its section of the page."""
    words = ["--quick"] * quick
    if part.compares and tree is not None:
        words += ["--against", str(tree)]
    begin = time.monotonic()
    try:
        text = output(ROOT, part.script, *words).strip()
    except CannotRunError as error:
        text = f"{error.printed.strip()}\n\nCould not run: {error.reason}".strip()
    about = f"`python benchmarks/{part.script.name}`, {(time.monotonic() - begin) / 60.0:.1f} minutes."
    return f"## {part.title}\n\n{text}\n\n{about}\n"


def parsed(words: Sequence[str] | None) -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="small grids, few runs: to see that all works")
    parser.add_argument(
        "--against", metavar="COMMIT", help="run that commit of this repository, too, and compare"
    )
    parser.add_argument("--only", choices=PARTS, metavar="PART", help=f"one part: {', '.join(PARTS)}")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="the page; default: docs/performance.md, and none for a part of it",
    )
    given = parser.parse_args(words)
    if given.against is not None:
        try:
            given.against = git("rev-parse", "--verify", "--short", f"{given.against}^{{commit}}")
        except (OSError, subprocess.CalledProcessError):
            parser.error(f"--against {given.against}: no such commit here; `git log --oneline` lists them")
    return given


def main(words: Sequence[str] | None = None) -> None:
    """Run the parts one after the other; print the page, and write it."""
    given = parsed(words)
    target = given.output or (None if given.quick or given.only else PAGE)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    page = [
        "# Performance\n",
        "On this page you can read the times that the program needs on one machine. You can also compare them\n"
        "with the times of other programs.\n",
        f"Measured {date.today():%Y-%m-%d} on {cores} cores of {processor()}; {versions()}. "
        f"Load of the machine at the start: {os.getloadavg()[0]:.1f}.\n",
        "Ratios hold on other machines, times do not. All numbers of a table were measured in the same run.\n",
        f"    python benchmarks/run.py{f' --against {given.against}' if given.against else ''}\n",
    ]
    if given.against:
        page.append(f'"Before" is commit {given.against}, measured in turn with this state.\n')
    if given.quick:
        page.append("Short run (`--quick`): small grids, few runs.\n")
    print("\n".join(page), flush=True)
    with checked_out(given.against) as tree:
        for name, part in PARTS.items():
            if given.only in (None, name):
                page.append(section(part, given.quick, tree))
                print(page[-1], flush=True)
    if target is not None:
        target.write_text("\n".join(page), encoding="utf-8")
        print(f"written: {target}", file=sys.stderr)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("interrupted; nothing written")
