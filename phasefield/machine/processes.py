"""Runs in processes of their own: `python -m phasefield run` started, watched and stopped."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from phasefield.errors import Interrupted, PhasefieldError, SolverError

PATIENCE = 120.0  # s that a child may take to save and stop
LOOK = 0.5  # s between two looks at the children
WRONG_INPUT, RESUMABLE = 2, 75  # how a run ends that could not begin, and one that was stopped
PROGRESS = "PHASEFIELD_PROGRESS"  # environment variable: how a run shows its progress, "json" for a parent

STOP_SIGNALS = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGXCPU") if hasattr(signal, name)
)  # fmt: skip
"""Signals that ask a program to save and stop: Ctrl-C, a batch system, a terminal that closed, a limit of time."""

Show = Callable[[str, Mapping[str, Any]], None]
"""Shows a report about the run of that name: of a step, a word {"say": text}, or what is compiled: {"kernels": ...}."""


@contextlib.contextmanager
def stop_signals(note: Callable[[int], None]) -> Iterator[None]:
    """While the context lasts, `note` is called with the number of each signal that asks to stop.

    A closed terminal that is to be ignored (nohup) stays ignored. Outside the main thread the caller has the signals.
    """
    kept: dict[int, Any] = {}
    with contextlib.suppress(ValueError):  # not the main thread
        for number in STOP_SIGNALS:
            before = signal.getsignal(number)
            if before is not signal.SIG_IGN or number in (signal.SIGINT, signal.SIGTERM):
                kept[number] = signal.signal(number, lambda number, _: note(number))
    try:
        yield
    finally:
        for number, before in kept.items():
            signal.signal(number, before)


@dataclass
class Job:
    """A run to be made: its name in the display, its folder, the arguments of `phasefield run`, its most threads."""

    name: str
    folder: Path
    arguments: list[str]
    most: int = sys.maxsize

    def part(self, threads: int, running: int) -> int:
        """Return the threads it gets of all, beside others so that so many run."""
        return max(1, min(self.most, threads // running))


@dataclass
class _Child:
    job: Job
    process: subprocess.Popen[str]
    threads: int
    errors: list[str] = field(default_factory=list)
    begun: bool = False


def run_all(jobs: Sequence[Job], at_once: int, threads: int, show: Show) -> None:
    """Run every job, `at_once` at a time, on `threads` threads in all; return when all are done.

    Threads are dealt out anew when a run begins or ends; that does not change results. The next one starts
    when the one before has taken its first step: its kernels are compiled and kept by then, and no two
    processes compile the same. Raises SolverError if a run failed, PhasefieldError if none could begin (the others
    are completed), and Interrupted, all of them saved, on a signal to stop.
    """
    with stop_signals(_stop):
        _run_all(jobs, at_once, threads, show)


def _run_all(jobs: Sequence[Job], at_once: int, threads: int, show: Show) -> None:
    waiting, running, failed = list(jobs), list[_Child](), list[_Failure]()
    reports: queue.SimpleQueue[tuple[_Child, dict[str, Any] | None]] = queue.SimpleQueue()
    try:
        while waiting or running:
            if waiting and len(running) < at_once and all(child.begun for child in running):
                job = waiting.pop(0)
                running.append(_start(job, job.part(threads, len(running) + 1), reports))
                _share(running, threads)
            try:
                child, report = reports.get(timeout=LOOK)
            except queue.Empty:
                continue
            if report is not None:
                child.begun = child.begun or "step" in report
                show(child.job.name, report)
                continue
            running.remove(child)
            _share(running, threads)
            code = child.process.wait()
            if code == RESUMABLE:
                raise KeyboardInterrupt  # somebody else stopped it
            if code != 0:
                text = child.errors[-1] if child.errors else f"{child.job.name}: ended with {code}"
                failed.append(_Failure(code, text))
            show(child.job.name, {"say": "done" if code == 0 else "failed"})
    except KeyboardInterrupt:
        _stop_all(running, show)
        raise Interrupted("stopped; every run is saved") from None
    except BaseException:
        _stop_all(running, show)
        raise
    if failed:
        text = "; ".join(one.text for one in failed)
        raise PhasefieldError(text) if all(one.code == WRONG_INPUT for one in failed) else SolverError(text)


class _Failure(NamedTuple):
    code: int
    text: str


def _stop(number: int) -> None:
    raise KeyboardInterrupt(signal.Signals(number).name)


def _share(children: Sequence[_Child], threads: int) -> None:
    """Give the running children equal parts of the threads, or what they can use: each reads it from its input."""
    for child in children:
        part = child.job.part(threads, len(children))
        if part != child.threads and child.process.stdin is not None:
            child.threads = part
            with contextlib.suppress(OSError, ValueError):  # it has just ended
                child.process.stdin.write(f"{part}\n")
                child.process.stdin.flush()


def _start(job: Job, threads: int, reports: queue.SimpleQueue[Any]) -> _Child:
    """Start a run in a process, in a session of its own: a Ctrl-C in the terminal reaches only the parent."""
    command = [sys.executable, "-m", "phasefield", "run", *job.arguments]
    command += ["--out", str(job.folder), "--threads", str(threads)]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", PROGRESS: "json"},
        start_new_session=True,
    )
    child = _Child(job, process, threads)
    errors = threading.Thread(target=_collect, args=(child,), daemon=True)
    errors.start()
    threading.Thread(target=_read, args=(child, errors, reports), daemon=True).start()
    return child


def _collect(child: _Child) -> None:
    assert child.process.stderr is not None
    with child.process.stderr as stream:
        child.errors.extend(line.strip() for line in stream if line.strip())


def _read(child: _Child, errors: threading.Thread, reports: queue.SimpleQueue[Any]) -> None:
    """Pass on the reports of a child, and None when it has ended and all it said is known."""
    assert child.process.stdout is not None
    with child.process.stdout as stream:
        for line in stream:
            try:
                report = json.loads(line)
            except ValueError:
                continue
            reports.put((child, report))
    errors.join()
    child.process.wait()
    if child.process.stdin is not None:
        with contextlib.suppress(OSError):
            child.process.stdin.close()
    reports.put((child, None))


def _stop_all(children: Sequence[_Child], show: Show) -> None:
    """Ask every child to save and stop, and wait for it; a second Ctrl-C kills."""
    for child in children:
        show(child.job.name, {"say": "saving"})
        child.process.terminate()
    try:
        for child in children:
            child.process.wait(timeout=PATIENCE)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        for child in children:
            child.process.kill()
            child.process.wait()
