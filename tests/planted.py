"""What others may put in the place of a file, and the file that following it would harm."""

from __future__ import annotations

import os
import socket
from pathlib import Path

VICTIM = "not of this program"


def planted(path: Path, kind: str) -> Path:
    """Put something that is no plain file at `path`, and return the file that it could harm."""
    victim = path.parent / "victim.txt"
    victim.write_text(VICTIM)
    if kind == "link":
        path.symlink_to(victim)
    elif kind == "dangling link":
        path.symlink_to(path.parent / "nowhere.txt")
    elif kind == "hard link":
        path.hardlink_to(victim)
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        here = os.getcwd()
        os.chdir(path.parent)  # the name of a socket has 108 bytes at most
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(path.name)
        os.chdir(here)
    else:
        path.mkdir()
    return victim


def untouched(victim: Path) -> bool:
    """Whether a victim is what it was, and no link has made a file elsewhere."""
    return victim.read_text() == VICTIM and not (victim.parent / "nowhere.txt").exists()
