"""How a run shows its progress: a bar in a terminal, plain lines elsewhere, JSON lines for a parent."""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from phasefield.machine import compilation
from phasefield.machine.load import slowdown
from phasefield.text.formatting import MICRO, number, spell, spell_wall, voltage_unit

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from phasefield.simulation.driver import Progress

SEVERAL = 10  # kernels whose mean time is that of the others
LINE_EVERY = 5.0  # s of wall time between plain lines
JSON_EVERY = 0.3  # s of wall time between JSON lines


class Clock:
    """Time left, from the pace since the first report: compilation and a resumed part do not count."""

    def __init__(self) -> None:
        self.first: tuple[float, float] | None = None

    def left(self, at: float, planned: float | None, compiling: float = 0.0) -> float | None:
        """Return the wall time left [s]; None while it is not known. compiling: s of compilation so far."""
        now = time.monotonic() - compiling
        if self.first is None:
            self.first = (at, now)
        done = at - self.first[0]
        if planned is None or done <= 0.0:
            return None
        return (planned - at) / done * (now - self.first[1])


def compilation_ahead() -> str:
    """Return what is said before the kernels are compiled; empty if they are kept from an earlier time."""
    seconds = compilation.compilation_seconds()
    return f"compiling once, about {spell_wall(seconds)}" if seconds else ""


def compilation_line(kernels: int, seconds: float, once: bool) -> str:
    """Return how far the compilation is. once: none was kept, so that the number of all is known."""
    if not once or kernels >= compilation.KERNELS:
        return f"compiling: {kernels} kernels, {spell_wall(seconds)}"
    each = seconds / kernels if kernels >= SEVERAL else compilation.EACH * slowdown()
    left = (compilation.KERNELS - kernels) * each
    return f"compiling once: {kernels} of about {compilation.KERNELS} kernels, {spell_wall(left)} left"


def progress_line(report: Mapping[str, Any], left: float | None) -> str:
    """Return a report (the fields of `Progress`) as one line of text."""
    planned = f" of {spell(report['planned'])}" if report["planned"] else ""
    parts = [f"{spell(report['time'])}{planned}"]
    if report["cycles"] > 1:
        parts.append(f"cycle {report['cycle']}/{report['cycles']}")
    scale, unit = voltage_unit(report["voltage"])
    parts.append(f"{report['voltage'] * scale:.4g} {unit}")
    parts.append(f"Sz {number(report['Sz'], MICRO)} um")
    parts += [f"step {report['step']}"]
    return ", ".join(parts) + (f", {spell_wall(left)} left" if left is not None else "")


class Display:
    """Shows nothing; the base of those that do. Called with each `Progress`."""

    def __enter__(self) -> Display:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __call__(self, progress: Progress) -> None:
        """Show a report."""

    def compiling(self, kernels: int, seconds: float) -> None:
        """Show how many kernels are compiled, and how long that took [s]."""


class Several(Display):
    """Reports of one or more runs, each under its name: bars in a terminal, else plain lines."""

    def __init__(self, console: Console, names: list[str], bars: bool) -> None:
        self.console, self.names = console, names
        self.clocks = {name: Clock() for name in names}
        self.said = dict.fromkeys(names, -LINE_EVERY)
        self.bars: Bars | None = _bars(console) if bars else None
        self.tasks: dict[str, TaskID] = {}
        self.wide = max(len(name) for name in names)
        self.once = not kernels_kept()

    def __enter__(self) -> Several:
        if self.bars is not None:
            self.bars.start()
            for name in self.names:
                self.tasks[name] = self.bars.add_task(name, total=None, words=_beginning())
        return self

    def __exit__(self, *_: object) -> None:
        _stop_bars(self.bars)

    def __call__(self, progress: Progress) -> None:
        """Show the report of the only run."""
        self.show(self.names[0], asdict(progress))

    def show(self, name: str, report: Mapping[str, Any]) -> None:
        """Show the report of the run `name`."""
        left = self.clocks[name].left(report["time"], report["planned"], report.get("compiling", 0.0))
        text = progress_line(report, left)
        if self.bars is not None:
            self.bars.update(self.tasks[name], total=report["planned"], completed=report["time"], words=text)
        else:
            self._say_now_and_then(name, text)

    def compiling(self, kernels: int, seconds: float) -> None:
        """Show how far the compilation of the only run is."""
        self.show_compiling(self.names[0], kernels, seconds)

    def show_compiling(self, name: str, kernels: int, seconds: float) -> None:
        """Show how far the compilation of the run `name` is."""
        text = compilation_line(kernels, seconds, self.once)
        if self.bars is not None:
            self.bars.update(self.tasks[name], words=text)
        else:
            self._say_now_and_then(name, text)

    def _say_now_and_then(self, name: str, text: str) -> None:
        now = time.monotonic()
        if now - self.said[name] >= LINE_EVERY:
            self.said[name] = now
            self.say(name, text)

    def say(self, name: str, text: str) -> None:
        """Say a word about the run `name`."""
        if self.bars is not None:
            self.bars.update(self.tasks[name], words=text)
        else:
            self.console.print(f"{name:{self.wide}}  {text}" if name else text)


def _stop_bars(bars: Bars | None) -> None:
    """End the bars; a terminal that has gone is not to hide how the run ended."""
    if bars is not None:
        with suppress(OSError):
            bars.stop()


class Count:
    """Many runs: how many are done, and the time left; a bar in a terminal, else plain lines."""

    def __init__(self, console: Console, runs: int, bars: bool) -> None:
        self.console, self.runs, self.done = console, runs, 0
        self.begun, self.said = time.monotonic(), -LINE_EVERY
        self.bars: Bars | None = _bars(console) if bars else None
        self.task: TaskID | None = None
        self.once = not kernels_kept()

    def __enter__(self) -> Count:
        if self.bars is not None:
            self.bars.start()
            self.task = self.bars.add_task("runs", total=self.runs, words=_beginning())
        return self

    def __exit__(self, *_: object) -> None:
        _stop_bars(self.bars)

    def show(self, name: str, report: Mapping[str, Any]) -> None:
        """Take note of a report; only the end of a run matters."""

    def show_compiling(self, name: str, kernels: int, seconds: float) -> None:
        """Show how far the compilation is; the time left of the runs counts from its end."""
        text, now = compilation_line(kernels, seconds, self.once), time.monotonic()
        self.begun = now
        if self.bars is not None and self.task is not None:
            self.bars.update(self.task, words=text)
        elif now - self.said >= LINE_EVERY:
            self.said = now
            self.console.print(text)

    def say(self, name: str, text: str) -> None:
        """Take note of a word about the run `name`."""
        if text not in ("done", "failed"):
            return
        self.done += 1
        now = time.monotonic()
        left = (self.runs - self.done) * (now - self.begun) / self.done
        line = f"{self.done} of {self.runs} runs done, {spell_wall(left)} left" + (
            f"; {name} failed" if text == "failed" else ""
        )
        if self.bars is not None and self.task is not None:
            self.bars.update(self.task, completed=self.done, words=line)
        elif now - self.said >= LINE_EVERY or text == "failed" or self.done == self.runs:
            self.said = now
            self.console.print(line)


class JsonLines(Display):
    """One JSON object a line on stdout; a number on stdin is how many threads to use from then on.

    When nobody reads any more, the run saves and stops.
    """

    def __init__(self, apply: Callable[[int], None] | None = None) -> None:
        """apply: called with the number of threads wished for, between two steps, by the thread that computes."""
        self.said = -JSON_EVERY
        self.apply = apply
        self.wishes: SimpleQueue[int] = SimpleQueue()
        if apply is not None:
            threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for line in sys.stdin or ():
            if line.strip().isdecimal():
                self.wishes.put(int(line))

    def __call__(self, progress: Progress) -> None:
        """Write a report."""
        while self.apply is not None and not self.wishes.empty():
            self.apply(self.wishes.get())
        self._write(asdict(progress))

    def compiling(self, kernels: int, seconds: float) -> None:
        """Write how far the compilation is."""
        self._write({"kernels": kernels, "compiling": seconds})

    def _write(self, report: Mapping[str, Any]) -> None:
        now = time.monotonic()
        if now - self.said < JSON_EVERY:
            return
        self.said = now
        try:
            sys.stdout.write(json.dumps(report) + "\n")
            sys.stdout.flush()
        except BrokenPipeError:
            signal.raise_signal(signal.SIGTERM)


def display(kind: str, console: Console, apply: Callable[[int], None] | None = None) -> Display:
    """Return the display of one run; "auto" is a bar in a terminal and plain lines elsewhere.

    apply: sets the number of threads, where another process may ask for it.
    """
    if kind == "none":
        return Display()
    if kind == "json":
        return JsonLines(apply)
    return Several(console, [""], kind == "bar" or (kind == "auto" and console.is_terminal))


def _beginning() -> str:
    """Return what a run does before its first step."""
    return compilation_ahead() or "getting ready"


def kernels_kept() -> bool:
    """Return whether kernels are kept from an earlier time."""
    from phasefield.kernels import _jit

    return _jit.compiled()


def _bars(console: Console) -> Bars:
    from rich.progress import BarColumn, TaskProgressColumn
    from rich.progress import Progress as Bars

    from phasefield.text.terminal import words_column

    columns = (
        words_column(lambda task: task.description, "bold"),
        BarColumn(24),
        TaskProgressColumn(),
        words_column(lambda task: task.fields["words"]),
    )
    return Bars(*columns, console=console, refresh_per_second=4)
