"""The library as a user of Python sees it: read a case, run it, open a stored run.

The commands are built on the same functions.
"""

from __future__ import annotations

import io
import logging
import logging.handlers
import math
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from phasefield import cases
from phasefield.case import Case
from phasefield.case import file as casefile
from phasefield.errors import CaseError, PhasefieldError, ResultError, SolverError, visible
from phasefield.files.atomic import open_plain
from phasefield.files.locks import folder_locked
from phasefield.machine import kernel_cache
from phasefield.machine.threads import kernels_ready, report_fork, set_threads
from phasefield.results.checkpoint import CHECKPOINTS, has_checkpoint
from phasefield.results.run import Run, open_run
from phasefield.results.writer import RESULT, SUMMARY

if TYPE_CHECKING:
    from phasefield.simulation.driver import Driver, Progress

__all__ = ["Run", "open_run", "read_case", "run"]

RUNS = Path("runs")  # the default parent of run folders
LOG = "run.log"
CASE = "case.toml"  # the resolved case in a run folder
CELLS_A_THREAD = 100_000  # at least, by default: with fewer, starting a thread costs more than it does
LOAD_OVER = 60.0  # s, over which the system averages its load
LOOK_EVERY = 5.0  # s


def read_case(case: str | os.PathLike[str], overrides: Sequence[str] = ()) -> Case:
    """Read and validate a case: a file, a shipped case by its name ("pllz"), or the case of a run folder.

    overrides: texts `key=value`, e.g. `protocol.repeat=2`. Raises CaseError at the first thing that is wrong.
    """
    return casefile.read_case(locate_case(case), overrides)


def locate_case(case: str | os.PathLike[str]) -> Path:
    """Return the file of a case; a file that exists goes before a shipped case of the same name."""
    name = os.fspath(case)
    path = Path(name)
    try:
        if path.is_file():
            return path
        if (path / CASE).is_file():
            return path / CASE
    except (OSError, ValueError):  # a name too long, or with a NUL: read_case says so
        return path
    stem = name.removesuffix(".toml")
    if stem in cases.names() or (stem.split("/")[0] in cases.KINDS and stem in cases.base_names()):
        return cases.locate(stem)
    if os.sep not in name and not path.exists():
        close = get_close_matches(stem, cases.names(), n=1)
        hint = f"did you mean '{close[0]}'?" if close else "`phasefield cases` lists the shipped ones"
        raise CaseError(name, None, "", f"no such file, and no shipped case; {hint}")
    return path


def default_folder(case: Case) -> Path:
    """Return runs/<name of the case file>; a case made in Python is named after its title."""
    if case.path is not None:
        own = case.path.name == CASE and (case.path.parent / RESULT).exists()
        return case.path.parent if own else RUNS / folder_name(case.path)
    words = "".join(letter if letter.isalnum() else "-" for letter in case.title.lower())
    return RUNS / ("-".join(part for part in words.split("-") if part)[:60] or "case")


def folder_name(path: Path) -> str:
    """Return the name of a case or study file without its ending, which names its folder.

    Raises CaseError if that names no folder of its own: the stem of `...toml` is `..`.
    """
    if not path.stem.strip("."):
        raise CaseError(str(path), None, "", "its name leaves none for a folder; rename the file")
    return path.stem


def run(
    case: Case | str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    *,
    resume: bool = False,
    overwrite: bool = False,
    threads: int | None = None,
    walltime: float | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Run:
    """Run a case to its end and return the stored run.

    out: run folder, by default runs/<case name>; walltime [s]: save and stop after it. Raises Interrupted,
    resumable, when stopped; ResultError if the folder holds another run, or another process writes into it;
    SolverError if the run failed (what it reached is in the folder).
    """
    case = case if isinstance(case, Case) else read_case(case)
    folder = default_folder(case) if out is None else Path(out)
    most = check_threads(threads, case.grid.cells)
    check_folder(folder, resume, overwrite)
    with folder_locked(folder), logged(folder), threads_limited(most):
        driver = prepare_run(case, folder, resume, overwrite, progress, walltime)
        driver.before_step = IdleThreads(most) if threads is None else None
        outcome = driver.run()
    if not outcome.good:
        raise SolverError(f"{folder}: {outcome.text}", outcome.reason)
    return open_run(folder)


def compile_kernels() -> None:
    """Compile the kernels, and keep them: two small cells take a few steps, in 3D and in 2D, in a temporary folder."""
    for size in ('["64 um", "64 um", "96 um"]', '["64 um", "96 um"]'):
        small = [f"grid.size={size}", 'surface.height="40 um"', "protocol.repeat=1"]
        with tempfile.TemporaryDirectory() as folder, threads_limited(None):
            prepare_run(read_case(cases.locate("pll"), small), Path(folder) / "run").run()


def prepare_run(
    case: Case,
    folder: Path,
    resume: bool = False,
    overwrite: bool = False,
    progress: Callable[[Progress], None] | None = None,
    walltime: float | None = None,
) -> Driver:
    """Return the driver of a run, ready to `run()`; a folder that will not do is refused before any work."""
    overwrite = check_folder(folder, resume, overwrite)
    from phasefield.simulation.driver import Driver

    return Driver(case, folder, resume=resume, overwrite=overwrite, progress=progress, walltime=walltime)


def check_folder(folder: Path, resume: bool, overwrite: bool) -> bool:
    """Refuse a folder that holds another run, or nothing to resume; return whether it is to be overwritten.

    A folder whose run was stopped before its first checkpoint counts as empty.
    """
    there = [name for name in (RESULT, SUMMARY, *CHECKPOINTS) if (folder / name).exists()]
    saved = has_checkpoint(folder)
    if resume and not saved:
        raise ResultError(f"{folder}: holds no run that can be resumed; start it without --resume")
    if there and not resume and not overwrite:
        if saved or SUMMARY in there:
            raise ResultError(
                f"{folder}: holds a run; continue it with --resume, replace it with --overwrite, "
                "or choose another folder with --out"
            )
        overwrite = True
    if folder.exists() and not folder.is_dir():
        raise ResultError(f"{folder}: is no folder; choose another with --out")
    return overwrite


def case_to_resume(case: Case, folder: Path) -> Case:
    """Return the case that the run in a folder goes on with, which may have more repeats of the protocol.

    Raises ResultError if the folder holds a run of another case.
    """
    from phasefield.simulation.continuation import continued_case

    return continued_case(case, folder)


def is_finished(case: Case, folder: Path) -> bool:
    """Whether `folder` holds a finished run of exactly this case."""
    if not (folder / SUMMARY).is_file() or not (folder / RESULT).is_file():
        return False
    with open_run(folder) as stored:
        return stored.finished and stored.attrs.get("case_hash") == case.hash


def cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def check_threads(threads: int | None, cells: int | None = None) -> int:
    """Return the number of threads to use, or say which numbers are possible.

    By default all of them; but on a grid of so many cells no more than have enough to do.
    """
    most = cores()
    if threads is not None and not 1 <= threads <= most:
        raise PhasefieldError(f"--threads {threads}: this machine gives {most}; give 1 to {most}")
    if threads is None:
        return most if cells is None else max(1, min(most, cells // CELLS_A_THREAD))
    return threads


def check_workers(workers: int | None) -> int | None:
    """Refuse a number of runs at once that this machine does not have cores for."""
    if workers is not None and not 1 <= workers <= cores():
        raise PhasefieldError(f"--workers {workers}: this machine gives {cores()} cores; give 1 to {cores()}")
    return workers


@contextmanager
def threads_limited(threads: int | None) -> Iterator[None]:
    """While the context lasts, kernels use so many threads; results do not depend on it.

    Raises PhasefieldError for a number that the machine does not have, or if threads cannot be started.
    """
    wanted = check_threads(threads)
    kernel_cache.report()
    with kernels_ready():
        import numba

        report_fork(wanted)
        before = numba.get_num_threads()
        set_threads(wanted)
        try:
            yield
        finally:
            numba.set_num_threads(before)


def expected_threads(threads: int | None, cells: int) -> int:
    """Return how many threads a run would use now, given --threads or not, on a grid of so many cells."""
    most = check_threads(threads, cells)
    if threads is not None or most == 1 or not hasattr(os, "getloadavg"):
        return most
    return idle_threads(most, os.getloadavg()[0])


def idle_threads(most: int, others: float) -> int:
    """Return how many threads, at most `most`, find a processor idle beside `others` that others keep busy."""
    return max(1, min(most, round((os.cpu_count() or most) - others)))


class IdleThreads:
    """Called before each step: kernels use as many threads as there are idle processors, `most` at most.

    Two threads on a processor that others use wait for each other, and are slower than one.
    """

    def __init__(self, most: int) -> None:
        self.most, self.at, self.spent = most, time.monotonic(), time.process_time()
        self.own = 1.0 - math.exp(-self.spent / LOAD_OVER)  # this process's part of the load
        self._set()

    def __call__(self) -> None:
        """Look at the load again if some seconds have passed."""
        now, spent = time.monotonic(), time.process_time()
        if now - self.at > LOOK_EVERY:
            past = math.exp((self.at - now) / LOAD_OVER)
            self.own = past * self.own + (1.0 - past) * (spent - self.spent) / (now - self.at)
            self.at, self.spent = now, spent
            self._set()

    def _set(self) -> None:
        if self.most > 1 and hasattr(os, "getloadavg"):
            set_threads(idle_threads(self.most, os.getloadavg()[0] - self.own))


@contextmanager
def logged(folder: Path) -> Iterator[None]:
    """Append what the library logs to `run.log` in the run folder, once the run has made that folder.

    Raises ResultError if something else than a plain file has that name.
    """
    with suppress(FileNotFoundError):
        os.close(open_plain(folder / LOG, os.O_WRONLY))
    log = logging.getLogger("phasefield")
    handler = _FolderLog(folder)
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
        handler.close()


class _Visible(logging.Formatter):
    """Writes a message on one line of visible characters; a traceback below it keeps its lines."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return visible(super().formatMessage(record))


class _FolderLog(logging.handlers.MemoryHandler):
    """Keeps records in memory until the folder holds a results file: a refused run writes nothing."""

    def __init__(self, folder: Path) -> None:
        super().__init__(capacity=1, flushOnClose=True)
        self.folder = folder

    def flush(self) -> None:
        if self.target is None and self.buffer and (self.folder / RESULT).exists():
            self.target = _LogFile(self.folder / LOG)
        if self.target is not None:
            super().flush()

    def close(self) -> None:
        self.flush()
        file = self.target
        super().close()
        if file is not None:
            file.close()


class _LogFile(logging.StreamHandler[io.TextIOWrapper]):
    """Appends to a plain file; a full disk loses lines of it, and no run."""

    def __init__(self, path: Path) -> None:
        descriptor = open_plain(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        super().__init__(open(descriptor, "a", encoding="utf-8"))  # noqa: SIM115  closed by close
        self.setFormatter(_Visible("%(asctime)s %(levelname)s %(name)s: %(message)s"))

    def handleError(self, record: logging.LogRecord) -> None:
        """Say nothing: the disk is full, which the next save says."""

    def close(self) -> None:
        super().close()
        with suppress(OSError):
            self.stream.close()
