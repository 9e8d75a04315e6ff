"""Reading the start of a regular file: no pipe or device is waited for, and no file is endless."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


def read_start(path: Path, most: int) -> bytes:
    """Return the first bytes of a regular file, `most` at most; some files of /proc state no size and have no end.

    Raises OSError if the file is none, or cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "no regular file")
        return stream.read(most) or b""
