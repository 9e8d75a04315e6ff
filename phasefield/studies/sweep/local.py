"""A study's runs on the cores of this machine: worker processes at the ends of pipes, which nobody else can reach."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import connection
from multiprocessing.connection import Connection
from typing import Any

from phasefield.errors import PhasefieldError
from phasefield.machine.memory import available_memory
from phasefield.studies.sweep import worker
from phasefield.studies.sweep.plan import PlannedPoint
from phasefield.studies.sweep.worker import Done, Task

LOADING = 300e6  # bytes a worker holds besides its run: Python, numba and its compiled kernels
DEATHS = 3  # of its worker that a run may cause before it counts as failed
STARTS = 4  # of workers that may fail, beside one of each, before no more are tried
PAUSE = 0.5  # s before a worker is started again
FAREWELL = 30.0  # s that a worker without a run may take to end
ONE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")  # of libraries beside the kernels


@dataclass(frozen=True)
class Split:
    """How cores are divided: so many workers, each with so many threads for its run."""

    workers: int
    threads: int

    def __str__(self) -> str:
        one = "worker" if self.workers == 1 else "workers"
        return f"{self.workers} {one} with {self.threads} thread{'' if self.threads == 1 else 's'} each"


def split_cores(runs: Sequence[PlannedPoint], cores: int, workers: int | None = None) -> Split:
    """Return the split of the cores for runs of this size.

    One run a core, where memory and the number of runs allow: it gave more runs an hour than fewer runs with more
    threads at every size measured, 32 x 32 x 30 to 128 x 128 x 96 cells (docs/performance.md, "Studies").
    """
    if workers is None:
        largest = LOADING + max((run.memory for run in runs), default=0.0)
        fitting = int(min(available_memory() / largest, 1e6))
        workers = max(1, min(cores, len(runs), fitting))
    return Split(workers, max(1, cores // workers))


@contextmanager
def local(how: Split) -> Iterator[LocalCrew]:
    """Start workers on this machine, and end them."""
    crew = LocalCrew(how.workers)
    try:
        yield crew
        crew.close(FAREWELL)
    finally:
        crew.close(0.0)


@dataclass
class _Member:
    """A worker process, the task it works on, whether it has said that it is ready."""

    process: Any
    task: Task | None = None
    ready: bool = False


class LocalCrew:
    """Worker processes; one that dies is started again, and its task is given out again."""

    ahead = 0  # tasks that wait at a worker: a pipe is quick

    def __init__(self, workers: int) -> None:
        self.members: dict[Connection, _Member] = {}
        self.tasks: deque[Task] = deque()
        self.deaths: Counter[int] = Counter()
        self.starts = STARTS + workers  # that may still fail
        self.stopping = False
        for _ in range(workers):
            self._start()

    @property
    def size(self) -> int:
        """Return how many workers there are."""
        return len(self.members)

    def submit(self, task: Task) -> None:
        """Give a task to a worker that has none, or to the next that is through."""
        self.tasks.append(task)
        self._deal()

    def wait(self, timeout: float) -> list[Done | Mapping[str, Any]]:
        """Return what workers say within `timeout` [s]: how runs go, and how tasks ended.

        Raises PhasefieldError if no worker can be started.
        """
        heard: list[Done | Mapping[str, Any]] = []
        for link in connection.wait(list(self.members), timeout):
            assert isinstance(link, Connection)
            member = self.members[link]
            try:
                said = link.recv()
            except (EOFError, OSError):
                heard += self._died(link)
                continue
            if said == worker.READY:
                member.ready = True
                continue
            if isinstance(said, Done):
                member.task = None
            heard.append(said)
        self._deal()
        return heard

    def use_threads(self, threads: int) -> None:
        """Let each run that goes on use so many threads."""
        self._tell(threads)

    def stop(self, patience: float) -> None:
        """Let every run save and stop, and wait for it, `patience` [s] at most."""
        self.stopping = True
        self.tasks.clear()
        self._tell(worker.STOP)
        end = time.monotonic() + patience
        while any(member.task for member in self.members.values()) and time.monotonic() < end:
            self.wait(max(0.0, end - time.monotonic()))

    def close(self, patience: float) -> None:
        """Hang up: workers end. Those that have not after `patience` [s] are killed."""
        members, self.members = self.members, {}
        end = time.monotonic() + patience
        try:
            for link in members:
                link.close()
            for member in members.values():
                member.process.join(max(0.0, end - time.monotonic()))
        finally:
            for member in members.values():
                member.process.kill()
                member.process.join()

    def _deal(self) -> None:
        for link, member in self.members.items():
            if self.tasks and member.ready and member.task is None:
                member.task = self.tasks.popleft()
                with suppress(OSError):  # it has just died: that is noticed when it is listened to
                    link.send(member.task)

    def _tell(self, word: object) -> None:
        for link in self.members:
            with suppress(OSError):
                link.send(word)

    def _start(self) -> None:
        """Start a worker. The next that fails to start is noticed when it is listened to, as one that dies."""
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.get_context("spawn").Process(target=worker.serve, args=(theirs,), daemon=True)
        self.members[ours] = _Member(process)
        missing = {name: "1" for name in ONE_THREAD if name not in os.environ}
        os.environ.update(missing)
        try:
            process.start()
        except OSError:  # no process or no memory is left for it
            del self.members[ours]
            self._failed_to_start("the system refuses a process")
        finally:
            theirs.close()
            for name in missing:
                os.environ.pop(name, None)

    def _died(self, link: Connection) -> list[Done]:
        """Start a worker in place of one that died; its task is the next, unless it has cost too many: it has ended."""
        member = self.members.pop(link)
        link.close()
        member.process.join()
        if self.stopping:
            return []
        task, given_up = member.task, list[Done]()
        if task is not None:
            self.deaths[task.number] += 1
            if self.deaths[task.number] < DEATHS:
                self.tasks.appendleft(task)
            else:
                given_up.append(Done(task.number, "error", "its worker died, again and again"))
        if member.ready:
            self._start()
        else:
            self._failed_to_start(ended(member.process.exitcode))
        return given_up

    def _failed_to_start(self, why: str) -> None:
        """Start a worker again after a pause; go on with those there are, or say that there are none."""
        self.starts -= 1
        if self.starts > 0:
            time.sleep(PAUSE)
            self._start()
        elif not self.members:
            raise PhasefieldError(
                f"no worker process of the study starts ({why}); free memory or take fewer with --workers 1, and start "
                'it again: runs that are done stay. A script needs `if __name__ == "__main__":` around its study'
            )


def ended(code: int | None) -> str:
    """Return in words how a process ended."""
    return f"killed by signal {-code}" if code is not None and code < 0 else f"ended with {code}"
