"""One run of a study, as a worker makes it: begun, resumed or found done; its numbers left in its folder."""

from __future__ import annotations

import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from filelock import FileLock

from phasefield import api
from phasefield.errors import Interrupted, PhasefieldError, SolverError, one_line
from phasefield.files.atomic import replace_text
from phasefield.files.locks import folder_locked
from phasefield.kernels._jit import cache_folder
from phasefield.machine.compilation import TALLY, watched
from phasefield.machine.threads import set_threads
from phasefield.results.checkpoint import has_checkpoint
from phasefield.results.run import open_run
from phasefield.results.writer import RESULT, SUMMARY
from phasefield.simulation.driver import Progress
from phasefield.studies.sweep import outputs

READY, STOP = "ready", "stop"  # words between a worker and who started it
SAY_EVERY = 1.0  # s between two reports of a run

_stop = threading.Event()
_threads = 0  # that a run is to use from now on; 0: as it began
_one_at_a_time = threading.Lock()
_loaded = False  # whether this process has its kernels
_tell: Callable[[Mapping[str, Any]], None] | None = None  # told how runs go


@dataclass(frozen=True)
class Task:
    """What a worker is told: the resolved case, its hash, its folder, outputs, threads; again: failed ones, too."""

    number: int
    text: str
    hash: str
    folder: str
    outputs: tuple[str, ...]
    threads: int = 1
    again: bool = False


@dataclass(frozen=True)
class Done:
    """How a task ended: status done, failed, stopped or error; wall and processor time that it took here, s."""

    number: int
    status: str
    text: str = ""
    wall: float = 0.0
    cpu: float = 0.0
    compiling: float = 0.0  # s of the wall time in which kernels were compiled, here or by another process


def serve(link: Connection) -> None:
    """Make the runs that come over `link`, one after the other; save and end when its other end is gone.

    A number that comes is one of threads. Reports and ends go back. Runs have a thread of their own, beside the one
    that listens. What a terminal sends reaches this process, too, but is for who runs the study.
    """
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
    maker = threading.Thread(target=_make_runs, args=(tasks, link))
    maker.start()
    with suppress(EOFError, OSError):
        while True:
            told = link.recv()
            if isinstance(told, Task):
                tasks.put(told)
            elif told == STOP:
                stop()
            else:
                use_threads(told)
    stop()
    tasks.put(None)
    maker.join()


def _make_runs(tasks: queue.SimpleQueue[Task | None], link: Connection) -> None:
    def send(message: object) -> None:
        with suppress(OSError):  # who started this process is gone
            link.send(message)

    report_to(send)
    send(READY)
    while (task := tasks.get()) is not None:
        try:
            done = run_point(task)
        except Exception as error:
            done = Done(task.number, "error", one_line(repr(error)))
        send(done)


def report_to(tell: Callable[[Mapping[str, Any]], None]) -> None:
    """Have `tell` called with how the runs of this process go."""
    global _tell
    _tell = tell


def stop() -> None:
    """Let the run that goes on in this process save and stop, and those that wait not begin."""
    _stop.set()


def use_threads(threads: int) -> None:
    """Let the run that goes on in this process use so many threads."""
    global _threads
    _threads = threads


def run_point(task: Task) -> Done:
    """Make a task's run, or what is missing of it; never raises what a run can raise."""
    wanted = {name: outputs.RunOutput.read(name) for name in task.outputs}
    begun, cpu, idle = time.monotonic(), time.process_time(), _compiled()
    folder = Path(task.folder)
    try:
        with _one_at_a_time, folder_locked(folder, _stop.wait):
            begun, cpu, idle = time.monotonic(), time.process_time(), _compiled()
            status, text = _made(task, folder, wanted)
    except Interrupted as error:
        status, text = "stopped", str(error)
    except (PhasefieldError, OSError, MemoryError, ArithmeticError, ValueError) as error:
        status, text = "error", one_line(f"{error}" if isinstance(error, PhasefieldError) else repr(error))
    return Done(task.number, status, text, time.monotonic() - begun, time.process_time() - cpu, _compiled() - idle)


def _compiled() -> float:
    """Return how long this process has compiled kernels, or waited for another that does, s."""
    return TALLY.seconds + _waited


def _made(task: Task, folder: Path, wanted: Mapping[str, outputs.RunOutput]) -> tuple[str, str]:
    global _threads
    state = state_of(folder, task.hash)
    if state in ("finished", "failed") and not (state == "failed" and task.again):
        _take(task, folder, wanted)
        return ("done" if state == "finished" else "failed"), ""
    if _stop.is_set():
        raise Interrupted("not begun")
    (folder / outputs.FILE).unlink(missing_ok=True)  # of an earlier run: from now on this one has not ended
    path = folder / api.CASE
    replace_text(path, task.text)
    case = api.read_case(path)
    if case.hash != task.hash:
        raise PhasefieldError(f"{path}: the case changed on its way; all workers need the same version of the program")
    saved = state == "saved"
    _threads = task.threads
    threads = min(task.threads, api.cores())
    with compiling(), _compilation_told(task.number), api.threads_limited(threads), api.logged(folder):
        watch = _Watch(task.number)
        driver = api.prepare_run(case, folder, resume=saved, overwrite=not saved and state != "empty", progress=watch)
        watch.stop = lambda: setattr(driver, "stop_signal", signal.SIGTERM)
        try:
            outcome = driver.run()
        except SolverError as error:
            return "failed", str(error)
    _take(task, folder, wanted)
    return ("done", "") if outcome.good else ("failed", outcome.text)


def state_of(folder: Path, case_hash: str) -> str:
    """Return what a run folder holds: empty, begun (nothing to resume), saved, finished or failed.

    Raises ResultError if its results file cannot be read; a folder of another case counts as begun.
    """
    saved = has_checkpoint(folder)
    if not (folder / RESULT).is_file():
        return "begun" if saved or (folder / SUMMARY).exists() else "empty"
    with open_run(folder) as run:
        if run.attrs.get("case_hash") != case_hash:
            return "begun"
        if (folder / SUMMARY).is_file():
            if run.finished:
                return "finished"
            if run.summary.get("reason") == "failed":
                return "failed"
    return "saved" if saved else "begun"


def _take(task: Task, folder: Path, wanted: Mapping[str, outputs.RunOutput]) -> None:
    """Write the numbers of a run that has ended into its folder, unless they are there."""
    kept = outputs.read(folder, task.hash, {})
    if kept is not None and all(name in kept["values"] for name in task.outputs):
        return
    with open_run(folder) as run:
        content = outputs.take_outputs(run, wanted)
    if kept is not None:  # what another study asked for stays
        content["values"] = {**kept["values"], **content["values"]}
    outputs.write_outputs(folder, content)


@contextmanager
def compiling() -> Iterator[None]:
    """Let one process of this machine after the other begin its first run: the kernels are compiled once, and kept."""
    global _waiting, _waited
    if _loaded:
        yield
        return
    begun = time.monotonic()
    lock = FileLock(cache_folder() / "study.lock", thread_local=False)  # of these kernels alone
    with suppress(OSError):  # without a lock, kernels are compiled twice
        lock.acquire(cancel_check=_stop.is_set)
    _waiting = lock
    _waited += time.monotonic() - begun
    try:
        yield
    finally:
        _begun()


_waiting: FileLock | None = None
_waited = 0.0  # s that this process waited for one that compiles


def _compilation_told(number: int) -> AbstractContextManager[None]:
    """Pass on how far the compilation is, while the run of that point begins."""
    said = 0.0

    def tell(kernels: int, seconds: float) -> None:
        nonlocal said
        now = time.monotonic()
        if _tell is not None and now - said >= SAY_EVERY:
            said = now
            _tell({"number": number, "kernels": kernels, "compiling": seconds})

    return watched(tell)


def _begun() -> None:
    """Let the next process begin its first run."""
    global _waiting, _loaded
    _loaded = True
    if _waiting is not None:
        _waiting.release()
        _waiting = None


class _Watch:
    """Told of each step: passes it on, sets the threads, and stops the run when it is to stop."""

    def __init__(self, number: int) -> None:
        self.number, self.said, self.used = number, 0.0, _threads
        self.stop: Callable[[], None] = lambda: None

    def __call__(self, progress: Progress) -> None:
        _begun()
        if _threads != self.used:
            self.used = _threads
            set_threads(self.used)
        if _stop.is_set():
            self.stop()
        now = time.monotonic()
        if _tell is not None and now - self.said >= SAY_EVERY:
            self.said = now
            _tell({"number": self.number, **asdict(progress)})
