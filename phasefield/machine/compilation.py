"""How far the compilation of the kernels is, by numba's own events: how many are compiled, and the time they took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from phasefield.machine.load import slowdown

KERNELS = 184  # that `warm` compiles, for cells in 3D and in 2D
EACH = 0.5  # s that a kernel takes on an idle processor of 2024, on the mean

Tell = Callable[[int, float], None]
"""Told, after each kernel, how many are compiled since the watch began, and the seconds that they took."""


class NotCompiledError(Exception):
    """A kernel that is not kept is called where none may be compiled."""


class CompilationTally:
    """What this process has compiled: kernels, and seconds of wall time."""

    def __init__(self) -> None:
        self.kernels, self.depth = 0, 0
        self.past, self.begun = 0.0, 0.0
        self.tell: Callable[[], None] | None = None
        self.refused = False

    @property
    def seconds(self) -> float:
        """Wall time that went into compilation so far, s."""
        return self.past + (time.monotonic() - self.begun if self.depth else 0.0)

    def start(self) -> None:
        """Take note that a function begins to be compiled; one may be compiled inside another.

        Raises NotCompiledError where that is refused.
        """
        if self.depth == 0:
            self.begun = time.monotonic()
        self.depth += 1  # before it is refused: numba tells of the end of each begin, whether it went well or not
        if self.refused:
            raise NotCompiledError

    def end(self, module: str) -> None:
        """Take note that a function of that module is compiled."""
        self.depth -= 1
        if self.depth == 0:
            self.past += time.monotonic() - self.begun
        if module.startswith("phasefield."):
            self.kernels += 1
            if self.tell is not None:
                self.tell()


TALLY = CompilationTally()
_listening = False


def listen() -> None:
    """Count from now on what is compiled in this process; numba is imported."""
    global _listening
    if _listening:
        return
    _listening = True
    from numba.core import event

    class Listener(event.Listener):
        def on_start(self, event: Any) -> None:
            TALLY.start()

        def on_end(self, event: Any) -> None:
            TALLY.end(str(event.data["dispatcher"].py_func.__module__))

    event.register("numba:compile", Listener())


@contextmanager
def watched(tell: Tell) -> Iterator[None]:
    """While the context lasts, `tell` is called after each kernel that is compiled, by the thread that compiles."""
    listen()
    kernels, seconds, before = TALLY.kernels, TALLY.seconds, TALLY.tell
    TALLY.tell = lambda: tell(TALLY.kernels - kernels, TALLY.seconds - seconds)
    try:
        yield
    finally:
        TALLY.tell = before


@contextmanager
def refused() -> Iterator[None]:
    """While the context lasts, nothing is compiled: a kernel that is not kept raises NotCompiledError."""
    listen()
    before = TALLY.depth, TALLY.past, TALLY.kernels  # what was refused is told as begun and ended, and is neither
    TALLY.refused = True
    try:
        yield
    finally:
        TALLY.refused = False
        TALLY.depth, TALLY.past, TALLY.kernels = before


def compilation_seconds() -> float:
    """Return about how long all kernels take to compile beside what the machine does now, s; 0 if they are kept."""
    from phasefield.kernels._jit import compiled

    return 0.0 if compiled() else KERNELS * EACH * slowdown()
