"""All runs of a study, dealt out to workers, longest first; a worker that dies loses nothing."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from phasefield.errors import Interrupted
from phasefield.machine.processes import stop_signals
from phasefield.studies.sweep.worker import Done, Task

PATIENCE = 150.0  # s that runs may take to save and stop
LOOK = 0.5  # s

Show = Callable[[Mapping[str, Any]], None]
"""Shows what is going on: a run's progress, {"done": Done}, or {"say": text}."""


class Crew(Protocol):
    """Workers that make runs: `size` of them now, each with `ahead` tasks beside the one it works on."""

    @property
    def size(self) -> int:
        """Return how many workers there are."""

    @property
    def ahead(self) -> int:
        """Return how many tasks may wait at each worker."""

    def submit(self, task: Task) -> None:
        """Have a task made."""

    def wait(self, timeout: float) -> Iterable[Done | Mapping[str, Any]]:
        """Return what workers say within `timeout` [s]: how runs go, and how tasks ended."""

    def use_threads(self, threads: int) -> None:
        """Let each run that goes on use so many threads."""

    def stop(self, patience: float) -> None:
        """Let every run save and stop, and wait for it, `patience` [s] at most."""


@dataclass
class Tally:
    """What a study cost: wall time with the start of the workers, and of all runs together; processor time; s."""

    workers: int = 0
    cores: int = 0
    wall: float = 0.0
    runs: int = 0
    summed: float = 0.0
    cpu: float = 0.0
    ends: list[Done] = field(default_factory=list)

    def add(self, done: Done) -> None:
        """Take note of a run's end."""
        self.ends.append(done)
        self.runs += 1
        self.summed += done.wall
        self.cpu += done.cpu

    @property
    def core_use(self) -> float:
        """Processor time over what the cores had to give."""
        return self.cpu / (self.cores * self.wall) if self.wall > 0.0 and self.cores else 0.0

    @property
    def overhead(self) -> float:
        """Time of the workers that no run took, over the summed time of the runs."""
        return (self.workers * self.wall - self.summed) / self.summed if self.summed > 0.0 else 0.0


def make_runs(
    tasks: Iterable[Task], count: int, connect: AbstractContextManager[Crew], cores: int, show: Show
) -> Tally:
    """Run every task and return what it cost. tasks: longest first; cores: of all workers, 0: one each.

    Raises Interrupted, all runs saved, on Ctrl-C or SIGTERM.
    """
    tally = Tally()
    begun = time.monotonic()
    with _stoppable() as stopping, connect as crew:
        tally.workers = max(1, crew.size)
        tally.cores = cores or tally.workers
        try:
            _deal(crew, iter(tasks), count, tally, show, stopping)
        except BaseException:
            crew.stop(0.0)
            raise
        finally:
            tally.wall = time.monotonic() - begun
    return tally


def _deal(
    crew: Crew, tasks: Iterator[Task], count: int, tally: Tally, show: Show, stopping: Callable[[], bool]
) -> None:
    waiting: dict[int, Task] = {}
    spread = tally.workers
    while True:
        tally.workers = max(tally.workers, crew.size)
        while len(waiting) < (crew.ahead + 1) * tally.workers and (task := next(tasks, None)) is not None:
            waiting[task.number] = task
            crew.submit(task)
        if not waiting:
            return
        if tally.runs and len(waiting) < spread and tally.cores > spread - 1:  # the last runs get the idle cores
            spread = len(waiting)
            crew.use_threads(max(*(one.threads for one in waiting.values()), tally.cores // spread))
        if stopping():
            crew.stop(PATIENCE)
            raise Interrupted(f"stopped; {tally.runs} of {count} runs are done, those begun are saved")
        for said in crew.wait(LOOK):
            if isinstance(said, Done):
                del waiting[said.number]
                tally.add(said)
                show({"done": said})
            else:
                show(said)


@contextmanager
def _stoppable() -> Iterator[Callable[[], bool]]:
    """Note signals to stop instead of dying of them; a second Ctrl-C kills."""
    asked: list[int] = []

    def note(number: int) -> None:
        if asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        asked.append(number)

    with stop_signals(note):
        yield lambda: bool(asked)
