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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from phasefield.errors import Interrupted, SolverError

PATIENCE = 120.0  # s that a child may take to save and stop
LOOK = 0.5  # s between two looks at the children
RESUMABLE = 75
PROGRESS = "PHASEFIELD_PROGRESS"  # environment variable: how a run shows its progress, "json" for a parent

Show = Callable[[str, Mapping[str, Any]], None]
"""Shows a report, or a word {"say": text}, about the run of that name."""


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
    processes compile the same. Raises SolverError if a run failed (the others are completed), and Interrupted,
    all of them saved, on Ctrl-C or SIGTERM.
    """
    waiting, running, failed = list(jobs), list[_Child](), list[str]()
    reports: queue.SimpleQueue[tuple[_Child, dict[str, Any] | None]] = queue.SimpleQueue()
    before = signal.getsignal(signal.SIGTERM)
    in_main = threading.current_thread() is threading.main_thread()
    if in_main:
        signal.signal(signal.SIGTERM, _stop)
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
                child.begun = True
                show(child.job.name, report)
                continue
            running.remove(child)
            _share(running, threads)
            code = child.process.wait()
            if code == RESUMABLE:
                raise KeyboardInterrupt  # somebody else stopped it
            if code != 0:
                failed.append(child.errors[-1] if child.errors else f"{child.job.name}: ended with {code}")
            show(child.job.name, {"say": "done" if code == 0 else "failed"})
    except KeyboardInterrupt:
        _stop_all(running, show)
        raise Interrupted("stopped; every run is saved") from None
    except BaseException:
        _stop_all(running, show)
        raise
    finally:
        if in_main:
            signal.signal(signal.SIGTERM, before)
    if failed:
        raise SolverError("; ".join(failed))


def _stop(number: int, _: Any) -> None:
    raise KeyboardInterrupt


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
