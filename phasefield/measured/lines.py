"""The lines of a text file: read within bounds, and whether its last line was written to its end."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from phasefield.measured.record import MeasuredError

MOST_LINES = 4_000_000
LONGEST_LINE = 100_000  # characters
MOST_HEAD = 10_000  # lines before the table


@dataclass(frozen=True)
class Lines:
    """The lines of a text file without their ends; open_end: the last one has none, so it may be half written."""

    file: Path
    all: list[str]
    open_end: bool

    def find(self, words: Callable[[str], bool], first: int = 0) -> int | None:
        """Return the index of the first line that `words` says yes to, near the top or after `first`."""
        for k in range(first, min(len(self.all), first + MOST_HEAD)):
            if words(self.all[k]):
                return k
        return None


def split_lines(file: Path, text: str) -> Lines:
    r"""Return the lines of a text, whose ends may be \n, \r\n, \r\r\n or \r. Raises MeasuredError for too many."""
    text = re.sub("\r+\n|\r", "\n", text)
    if text.count("\n") > MOST_LINES:
        raise MeasuredError(file, f"has more than {MOST_LINES} lines; cut it into parts")
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        if len(line) > LONGEST_LINE:
            raise MeasuredError(file, f"is {len(line)} characters long; no table has such lines", number)
    open_end = bool(lines[-1].strip())
    if not open_end:
        lines.pop()
    return Lines(file, lines, open_end)
