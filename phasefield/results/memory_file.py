"""A file seen through a layer in memory: HDF5 changes the layer, the file on the disk stays as it was.

HDF5 spreads its changes over the file while it works and when it closes; a kill or a full disk in between
leaves a file that no longer opens. Here it works on pages in memory. When it has closed, `Overlay.copy_to`
writes the finished file in one pass, and its exact size is known before the first byte is written.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

from phasefield.files.atomic import open_plain, write_all

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

PAGE = 1 << 16
"""Bytes of one page; of the order of a compressed chunk."""

COPY_BLOCK = 1 << 24
"""Bytes copied by one call where the kernel cannot copy by itself."""


class Overlay(io.RawIOBase):
    """File object for `h5py.File`: reads `path`, keeps what is written in memory."""

    def __init__(self, path: Path | None = None) -> None:
        super().__init__()
        self._base = -1 if path is None else open_plain(path)
        self._base_size = 0 if path is None else os.fstat(self._base).st_size
        self._pages: dict[int, bytearray] = {}
        self._size = self._base_size
        self._position = 0

    @property
    def size(self) -> int:
        """Length of the finished file in bytes."""
        return self._size

    def copy_to(self, target: int) -> None:
        """Write the finished file to an open descriptor: the old bytes, then the changed pages."""
        _copy(self._base, target, min(self._base_size, self._size))
        for index in sorted(self._pages):
            first = index * PAGE
            if first < self._size:
                os.lseek(target, first, os.SEEK_SET)
                write_all(target, memoryview(self._pages[index])[: self._size - first])
        os.ftruncate(target, self._size)

    # What h5py calls.

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        self._position = start + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def truncate(self, size: int | None = None, /) -> int:
        self._size = self._position if size is None else size
        return self._size

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        target = memoryview(buffer).cast("B")
        done = 0
        while done < len(target):
            index, offset = divmod(self._position, PAGE)
            count = min(PAGE - offset, len(target) - done)
            page = self._pages.get(index)
            piece = self._old(self._position, count) if page is None else page[offset : offset + count]
            target[done : done + count] = piece
            done += count
            self._position += count
        return done

    def write(self, data: ReadableBuffer, /) -> int:
        source = memoryview(data).cast("B")
        done = 0
        while done < len(source):
            index, offset = divmod(self._position, PAGE)
            count = min(PAGE - offset, len(source) - done)
            page = self._pages.get(index)
            if page is None:
                page = self._pages[index] = bytearray(self._old(index * PAGE, PAGE))
            page[offset : offset + count] = source[done : done + count]
            done += count
            self._position += count
        self._size = max(self._size, self._position)
        return done

    def close(self) -> None:
        if self._base >= 0:
            os.close(self._base)
            self._base = -1
        super().close()

    def _old(self, start: int, count: int) -> bytes:
        """Bytes of the file on the disk, with zeros beyond its end."""
        if start >= self._base_size:
            return bytes(count)
        return os.pread(self._base, count, start).ljust(count, b"\0")


def _copy(source: int, target: int, count: int) -> None:
    """Copy the first `count` bytes, in the kernel where it can (on XFS and Btrfs without moving them)."""
    done = 0
    while done < count:
        try:
            moved = os.copy_file_range(source, target, count - done, done, done)
        except (AttributeError, OSError):  # not on this system or these files; a full disk shows again below
            os.lseek(target, done, os.SEEK_SET)
            block = os.pread(source, min(COPY_BLOCK, count - done), done)
            write_all(target, block)
            moved = len(block)
        if moved == 0:
            raise OSError(None, "the file has become shorter while it was copied")
        done += moved
