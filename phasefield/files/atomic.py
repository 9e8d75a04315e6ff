"""Files of the program: replaced at once or not at all, and opened only where a plain file stands.

The order is: write a temporary file in the same folder, fsync it, rename it over `<name>`, fsync the folder. A
reader that has the earlier file open keeps reading the earlier content. Measured on 40 killed runs: no bad file.

A folder may be shared. So a temporary file has a name that nobody can guess, and is made new: a link or a pipe that
stands in its place is never followed. What a killed process left is removed by who holds the folder next
(`phasefield.files.locks`).
"""

from __future__ import annotations

import contextlib
import errno
import filecmp
import os
import re
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from pathlib import Path

from phasefield.errors import DiskFullError, ResultError

Writer = Callable[[int], None]
"""Writes the whole content to the open file descriptor that it is given."""

PART = re.compile(r"\..+\.[0-9a-f]{16}\.part", re.DOTALL)
"""Names of temporary files."""

KINDS = {
    stat.S_IFDIR: "a folder", stat.S_IFLNK: "a link", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device", stat.S_IFBLK: "a device",
}  # fmt: skip
"""What may stand where a file is expected."""

_LONGEST = 50  # letters of a file's name in that of its temporary file: a name has 255 bytes at most
_FULL = (errno.ENOSPC, errno.EDQUOT)
MOST_BYTES = 1 << 28  # of a file that is read whole, unless more is asked for


class Replaced:
    """Earlier files that were replaced by another content; a file that was written meanwhile is none of them."""

    def __init__(self) -> None:
        self.files: list[Path] = []
        self._written: set[Path] = set()

    def note(self, path: Path, other: bool) -> None:
        """Take note that a file was written. other: in the place of one with another content."""
        if other and path not in self._written:
            self.files.append(path)
        self._written.add(path)


_noted: ContextVar[Replaced | None] = ContextVar("noted", default=None)


@contextlib.contextmanager
def replaced_files() -> Iterator[Replaced]:
    """While the context lasts, earlier files that `replace_file` replaces by another content are noted."""
    found = Replaced()
    token = _noted.set(found)
    try:
        yield found
    finally:
        _noted.reset(token)


def write_all(descriptor: int, data: bytes | bytearray | memoryview) -> None:
    """Write every byte at the present position; one call of the system may take only a part."""
    rest = memoryview(data)
    if rest.nbytes:
        rest = rest.cast("B")
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def replace_file(path: Path, write: Writer, needed: int) -> None:
    """Replace `path` by what `write` writes, at once or not at all. A link of that name is replaced, not followed.

    `needed` is the size of the new file in bytes; it must be free before anything is written. Raises DiskFullError
    if the disk has no room, ResultError if `path` is a folder, a pipe or a device, or cannot be written.
    """
    _check_target(path)
    free = free_space(path.parent)
    if free < needed:
        raise _full(path, needed, free)
    part = path.with_name(f".{path.name[:_LONGEST]}.{secrets.token_hex(8)}.part")
    try:
        descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        try:
            write(descriptor)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        found = _noted.get()
        other = found is not None and path.is_file() and not filecmp.cmp(path, part, shallow=False)
        os.replace(part, path)
        sync_folder(path.parent)
        if found is not None:
            found.note(path, other)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        if error.errno in _FULL:
            raise _full(path, needed, free_space(path.parent)) from error
        if error.errno == errno.EFBIG:
            raise DiskFullError(
                f"{path}: {needed / 1e6:.1f} MB are more than this process may write{_kept(path)}; raise `ulimit -f`"
            ) from error
        raise ResultError(f"{path}: cannot be written ({error.strerror}){_kept(path)}") from error
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def replace_bytes(path: Path, data: bytes | memoryview) -> None:
    """Replace a file by these bytes, at once or not at all. Raises as `replace_file` does."""
    replace_file(path, lambda descriptor: write_all(descriptor, data), len(data))


def replace_text(path: Path, text: str) -> None:
    """Replace a text file, at once or not at all. Raises as `replace_file` does."""
    replace_bytes(path, text.encode())


def open_plain(path: Path, flags: int = os.O_RDONLY) -> int:
    """Open a plain file and return its descriptor, without ever waiting.

    flags: as `os.open` has them. A file that is read may be a link to one. A file that is written must be itself:
    no link, and no second name of another file. Raises ResultError over anything else, OSError if there is no file.
    """
    written = flags & (os.O_WRONLY | os.O_RDWR)
    with contextlib.suppress(FileNotFoundError):
        _check_plain(path, path.lstat() if written else path.stat(), bool(written))
    extra = os.O_NONBLOCK | os.O_CLOEXEC | (os.O_NOFOLLOW if written else 0)
    descriptor = os.open(path, flags | extra, 0o644)
    try:
        _check_plain(path, os.fstat(descriptor), bool(written))
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def read_plain(path: Path, most: int = MOST_BYTES) -> bytes:
    """Return the content of a plain file; most: bytes that it may have.

    Raises ResultError if it is no plain file or too large, OSError if it cannot be read.
    """
    data = read_start(path, most + 1)
    if len(data) > most:
        raise ResultError(f"{path}: is larger than {most / 1e6:.0f} MB; it is no file of this program")
    return data


def read_start(path: Path, most: int) -> bytes:
    """Return the first bytes of a plain file, `most` at most; some files of /proc state no size and have no end.

    Raises ResultError if it is no plain file, OSError if it cannot be read.
    """
    with open(open_plain(path), "rb") as file:
        return file.read(most)


def clear_parts(folder: Path) -> None:
    """Remove the temporary files that killed processes left in `folder`; whoever calls this holds the folder."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if PART.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                with contextlib.suppress(OSError):
                    os.unlink(entry.path)


def free_space(folder: Path) -> int:
    """Bytes that this user may still write into `folder`."""
    try:
        return shutil.disk_usage(folder).free
    except OSError as error:
        raise ResultError(f"{folder}: cannot be written ({error.strerror})") from error


def sync_folder(folder: Path) -> None:
    """Force a rename in `folder` to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _check_target(path: Path) -> None:
    """Refuse to replace what is no file: a rename would put a file in the place of /dev/null."""
    try:
        mode = path.lstat().st_mode
    except OSError:  # it is not there, or its folder says more in a moment
        return
    if not stat.S_ISREG(mode) and not stat.S_ISLNK(mode):
        raise ResultError(f"{path}: is {KINDS.get(stat.S_IFMT(mode), 'no file')}, and no file; remove or rename it")


def _check_plain(path: Path, status: os.stat_result, written: bool) -> None:
    """Refuse what is no plain file; to be written, it must have no second name."""
    if not stat.S_ISREG(status.st_mode):
        kind = KINDS.get(stat.S_IFMT(status.st_mode), "no file")
        raise ResultError(f"{path}: is {kind}, where this program has a plain file; remove or rename it")
    if written and status.st_nlink > 1:
        raise ResultError(f"{path}: is a second name of another file (a hard link); put a copy of it in its place")


def _full(path: Path, needed: int, free: int) -> DiskFullError:
    return DiskFullError(
        f"{path.parent}: no space to write {path.name}: {needed / 1e6:.1f} MB needed, "
        f"{free / 1e6:.1f} MB free{_kept(path)}; make room"
    )


def _kept(path: Path) -> str:
    """Return the words on the file that stands there."""
    return "; the earlier file is kept" if path.is_file() else ""
