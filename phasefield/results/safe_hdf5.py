"""Reading HDF5 files of anyone: sizes are limited, links stay inside, a failure is one line."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from phasefield.errors import ResultError, one_line
from phasefield.files.atomic import open_plain

MAX_VALUES = 1 << 31
"""Values that are read at once: more than one frame of a field, or one series, of any run here."""

MAX_RATIO = 1100
"""Bytes that one byte of a file can hold: deflate reaches 1032 on zeros."""

STRANGE = (OSError, KeyError, ValueError, TypeError, RuntimeError, AttributeError, OverflowError)
"""What h5py raises over a file of another layout or a damaged one."""


class GuardedFile:
    """An HDF5 file open for reading; no lock is taken, so that a run on a network drive can be watched.

    HDF5 gets an open file instead of a path: in one process it refuses a path that is open with other settings of
    locks, and another part of a user's program may have opened it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self.reading():
            self._plain = open(open_plain(path), "rb")  # noqa: SIM115  closed by close
            try:
                self._bytes = os.fstat(self._plain.fileno()).st_size
                self._file = h5py.File(self._plain, "r")
            except BaseException:
                self._plain.close()
                raise

    def close(self) -> None:
        """Free the file; what was read stays usable."""
        self._file.close()
        self._plain.close()

    def __del__(self) -> None:
        with contextlib.suppress(Exception):  # a file that was never open, or a program at its end
            self.close()

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Turn whatever h5py raises into one line."""
        try:
            yield
        except STRANGE as error:
            reason = one_line(str(error) or type(error).__name__, 200)
            raise ResultError(f"{self.path}: cannot be read as a results file ({reason})") from error
        except MemoryError as error:
            raise ResultError(f"{self.path}: does not fit in memory") from error

    def group(self, name: str) -> h5py.Group:
        """Group of this name."""
        item = self._walk(name)
        if not isinstance(item, h5py.Group):
            raise ResultError(f"{self.path}: {name} is no group")
        return item

    def dataset(self, name: str) -> h5py.Dataset:
        """Array of numbers of this name, of a size that the file can hold."""
        item = self._walk(name)
        plain = isinstance(item, h5py.Dataset) and item.dtype.kind in "fiu" and item.shape is not None
        if not plain or item.external or item.is_virtual:
            raise ResultError(f"{self.path}: {name} is no array of numbers kept in this file")
        if item.nbytes > MAX_RATIO * self._bytes:
            raise ResultError(f"{self.path}: {name} claims to be larger than the file can hold")
        return item

    def read(self, name: str) -> NDArray[np.float64]:
        """Whole array of this name."""
        item = self.dataset(name)
        if item.size > MAX_VALUES:
            raise ResultError(f"{self.path}: {name} is too large to be read at once")
        return np.asarray(item[()], np.float64)

    def read_sound(self, name: str) -> tuple[NDArray[np.float64], bool]:
        """Array of this name with NaN in the chunks that cannot be read, and whether there are any."""
        try:
            return self.read(name), False
        except OSError:  # a checksum or a compressed chunk that is wrong
            item = self.dataset(name)
        found = np.full(item.shape, np.nan)
        length = (item.chunks or item.shape)[0]
        for start in range(0, len(item), length):
            with contextlib.suppress(OSError):
                found[start : start + length] = item[start : start + length]
        return found, True

    def refuse_false_sizes(self) -> None:
        """Refuse the file if any array claims more than it can hold: HDF5 would work on it for ever."""
        with self.reading():
            names: list[str] = []
            self._file.visit(names.append)
            for name in names:
                if isinstance(self._file[name], h5py.Dataset):
                    self.dataset(name)

    def _walk(self, name: str) -> h5py.Group | h5py.Dataset:
        """Follow `name` by plain links only: none that leads into another file."""
        item: Any = self._file
        for part in name.split("/"):
            link = item.get(part, getlink=True)
            if link is None:
                raise ResultError(f"{self.path}: holds no {name}: it is no results file of this program")
            if not isinstance(link, h5py.HardLink):
                raise ResultError(f"{self.path}: {name} is a link to elsewhere; it is not followed")
            item = item[part]
        return item
