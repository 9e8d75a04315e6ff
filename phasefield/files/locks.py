"""One lock for each folder that the program writes into: a run, a study, a folder of pictures.

The lock is the system's (flock), so a killed process loses it. The file `.lock` stays and says who had it last. The
one that holds a folder first removes the temporary files that killed processes left there.
"""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import shlex
import socket
import stat
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from phasefield.errors import FolderBusyError, Interrupted, ResultError, one_line
from phasefield.files.atomic import clear_parts, open_plain, read_plain, write_all

LOCK = ".lock"
LOOK = 0.2  # s between two looks at a lock that another process holds
LONGEST = 4096  # bytes of what a lock file says
NO_LOCKS = (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK)  # of a file system that knows none

_log = logging.getLogger(__name__)


@contextlib.contextmanager
def folder_locked(folder: Path, stopped: Callable[[float], bool] | None = None) -> Iterator[None]:
    """Hold `folder`, made if needed, while the context lasts; what killed processes left there is removed.

    The same thread may hold a folder twice. stopped: waits the seconds that it is given and returns whether to give
    up; without it nothing waits. Raises FolderBusyError if another process writes into the folder, Interrupted
    if `stopped` says so, ResultError if it is no folder or its lock is not a plain file.
    """
    path = folder / LOCK
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder.resolve() / LOCK
        os.close(open_plain(path, os.O_RDWR | os.O_CREAT))
    except OSError as error:
        raise ResultError(f"{folder}: cannot be used as a folder ({error.strerror})") from error
    lock = FileLock(
        path, is_singleton=True, fallback_to_soft=False, preserve_lock_file=True, on_acquired=_say_who,
    )  # fmt: skip
    held = _acquired(lock, folder, stopped)
    try:
        if held:
            clear_parts(folder)
        yield
    finally:
        if held:
            lock.release()


def _acquired(lock: FileLock, folder: Path, stopped: Callable[[float], bool] | None) -> bool:
    """Take the lock, or say who holds it; return whether the file system knows locks."""
    while True:
        try:
            lock.acquire(blocking=False)
        except Timeout:
            if stopped is None:
                raise FolderBusyError(f"{folder}: {_holder(folder)} writes into it; wait for it, or stop it") from None
            if stopped(LOOK):
                raise Interrupted(f"{folder}: {_holder(folder)} writes into it") from None
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise ResultError(f"{folder / LOCK}: cannot be locked ({error.strerror})") from error
            _log.warning("%s: its file system has no locks; let no second command write into it", folder)
            return False
        else:
            return True


def command_line() -> str:
    """Return the command line of this process, on one line of visible characters."""
    name, *rest = sys.argv or [""]
    words = ["phasefield" if name.endswith("__main__.py") else Path(name).name, *rest]
    return one_line(shlex.join(words), 200)


def _say_who(descriptor: int) -> None:
    """Write into the lock file who holds it. Raises ResultError if it is no longer a plain file of its own."""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
        raise ResultError(f"{LOCK}: is no plain file of this program; remove it")
    who = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "command": command_line(),
        "since": time.strftime("%Y-%m-%d %H:%M:%S"),
    }
    os.ftruncate(descriptor, 0)
    os.lseek(descriptor, 0, os.SEEK_SET)
    with contextlib.suppress(OSError):  # a full disk: the lock is held all the same
        write_all(descriptor, (json.dumps(who) + "\n").encode())


def _holder(folder: Path) -> str:
    """Return the words on who holds a folder, from what its lock file says."""
    try:
        who = json.loads(read_plain(folder / LOCK, LONGEST))
        where = f"process {int(who['pid'])} on {who['host']} since {who['since']}"
        return one_line(f"`{who['command']}` ({where})")
    except (OSError, ValueError, KeyError, TypeError, RecursionError, ResultError):
        return "another process"
