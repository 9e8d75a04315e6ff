"""All runs of a study: Dask deals them out to workers, longest first; a worker that dies loses nothing."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from phasefield.errors import Interrupted, one_line
from phasefield.studies.sweep import worker
from phasefield.studies.sweep.worker import TOPIC, Done, Task

if TYPE_CHECKING:
    from distributed import Client

AHEAD = 3  # tasks a worker has beside the one it runs: no wait between two runs, and small messages
PATIENCE = 150.0  # s that runs may take to save and stop
DEATHS = 3  # of its worker that a run may cause before it counts as failed
LOOK = 0.5  # s

Show = Callable[[Mapping[str, Any]], None]
"""Shows what is going on: a run's progress, {"done": Done}, or {"say": text}."""


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
    tasks: Iterable[Task], count: int, connect: AbstractContextManager[Client], cores: int, show: Show
) -> Tally:
    """Run every task and return what it cost. tasks: longest first; cores: of all workers, 0: one each.

    Raises Interrupted, all runs saved, on Ctrl-C or SIGTERM.
    """
    tally = Tally()
    begun = time.monotonic()
    with _stoppable() as stopping, connect as client:
        tally.workers = max(1, len(client.scheduler_info(n_workers=-1)["workers"]))
        tally.cores = cores or tally.workers
        client.subscribe_topic(TOPIC, lambda event: _heard(event, show))
        try:
            _deal(client, iter(tasks), count, tally, show, stopping)
        except BaseException:
            _halt(client)
            raise
        finally:
            tally.wall = time.monotonic() - begun
            with suppress(Exception):
                client.unsubscribe_topic(TOPIC)
    return tally


def _deal(
    client: Client, tasks: Iterator[Task], count: int, tally: Tally, show: Show, stopping: Callable[[], bool]
) -> None:
    from distributed import as_completed

    waiting: dict[Any, Task] = {}
    stream = as_completed(loop=client.loop)
    left = count

    def fill() -> None:
        tally.workers = max(tally.workers, len(client.scheduler_info(n_workers=-1)["workers"]))
        room = (AHEAD + 1) * tally.workers - len(waiting)
        for _ in range(room):
            task = next(tasks, None)
            if task is None:
                return
            future = client.submit(worker.run_point, task, key=f"run-{task.number}-{task.hash[:8]}", pure=False,
                                   retries=0)  # fmt: skip
            waiting[future] = task
            stream.add(future)

    fill()
    spread = tally.workers
    while waiting:
        if stopping():
            _halt(client, list(waiting))
            raise Interrupted(f"stopped; {count - left} of {count} runs are done, those begun are saved")
        if not stream.has_ready():
            time.sleep(0.02)
            continue
        future = next(stream)
        task = waiting.pop(future)
        done = _done(future, task)
        tally.add(done)
        left -= 1
        show({"done": done})
        fill()
        if len(waiting) < spread and tally.cores > spread - 1 and waiting:  # the last runs get the idle cores
            spread = len(waiting)
            with suppress(Exception):
                client.run(worker.use_threads, max(task.threads, tally.cores // spread))


def _done(future: Any, task: Task) -> Done:
    """Return how a task ended; one whose workers died, as an error."""
    try:
        result = future.result()
    except Exception as error:
        what = "its worker died, again and again" if type(error).__name__ == "KilledWorker" else one_line(repr(error))
        return Done(task.number, "error", what)
    finally:
        future.release()
    assert isinstance(result, Done)
    return result


def _heard(event: Any, show: Show) -> None:
    with suppress(Exception):
        show(json.loads(event[1]))


def _halt(client: Client, waiting: list[Any] | None = None) -> None:
    """Let every run save and stop, and wait for it."""
    with suppress(Exception):
        client.run(worker.stop)
        if waiting:
            from distributed import wait

            wait(waiting, timeout=PATIENCE)


@contextmanager
def _stoppable() -> Iterator[Callable[[], bool]]:
    """Note Ctrl-C and SIGTERM instead of dying of them; a second one kills."""
    asked: list[int] = []

    def note(number: int, _: Any) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    try:
        kept = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not the main thread
        kept = {}
    try:
        yield lambda: bool(asked)
    finally:
        for number, old in kept.items():
            signal.signal(number, old)
