"""The errors of the library: a small family, raised and never printed; the commands print them, each on one line.

What an error quotes may come from a stranger's file, so its invisible characters are made visible.
"""

from __future__ import annotations

import unicodedata

UNSEEN = ("Cc", "Cf", "Cn", "Cs", "Zl", "Zp")  # controls, formats (bidi overrides), no or half characters, line ends
JOINERS = "\u200c\u200d"  # formats that scripts and emoji need


def visible(text: str, keep: str = "") -> str:
    r"""Return a text whose invisible characters are seen as escapes such as \x1b; characters of `keep` stay."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c in keep or not _unseen(c) else c.encode("unicode_escape").decode() for c in text)


def _unseen(c: str) -> bool:
    return unicodedata.category(c) in UNSEEN and c not in JOINERS


def flat(text: str) -> str:
    """Return `text` on one line of visible characters."""
    return visible(" ".join(text.split()))


def one_line(text: str, longest: int = 400) -> str:
    """Return `text` on one line of visible characters, cut after `longest` of them."""
    line = flat(text)
    return line if len(line) <= longest else line[: longest - 3] + "..."


def shown(value: object, longest: int = 60) -> str:
    """Return what the user wrote, quoted if it is a text, as error texts show it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "'" + one_line(value, longest) + "'"
    try:
        return one_line(str(value), longest)
    except ValueError:  # an int of more digits than Python prints
        return "a number of thousands of digits"


class PhasefieldError(Exception):
    """Base of every error that this library raises on purpose."""


class CaseError(PhasefieldError):
    """A case that cannot be run: where it is wrong, what is wanted, what came and what to do, on one line.

    file: as the user named it (or the override `-s key=value`); line: counted from 1, None if there is none;
    key: dotted, empty if no key is concerned.
    """

    def __init__(self, file: str, line: int | None, key: str, message: str) -> None:
        super().__init__(file, line, key, message)
        self.file = file
        self.line = line
        self.key = key
        self.message = message

    def __str__(self) -> str:
        place = one_line(self.file, 300) if self.line is None else f"{one_line(self.file, 300)}:{self.line}"
        return ": ".join(part for part in (place, one_line(self.key, 120), one_line(self.message)) if part)


class ResultError(PhasefieldError):
    """A results file or run folder that is missing, of another layout, or not of this case."""


class FolderBusyError(ResultError):
    """A folder that another process writes into."""


class DiskFullError(ResultError):
    """A disk or a quota without room for a file; what stood there before is kept."""


NO_LITHIUM = "no lithium"  # the cause of a SolverError: no active surface is left


class SolverError(PhasefieldError):
    """A step that could not be solved; `cause` is a short word such as 'no convergence'."""

    def __init__(self, message: str, cause: str = "") -> None:
        super().__init__(message, cause)
        self.message = message
        self.cause = cause

    def __str__(self) -> str:
        return f"{self.message} ({self.cause})" if self.cause else self.message


class Interrupted(PhasefieldError):
    """A run that was asked to stop (SIGTERM, Ctrl-C), saved its state and can be resumed."""
