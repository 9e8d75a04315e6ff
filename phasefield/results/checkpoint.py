"""Checkpoints: the state that the next step reads, kept twice, with a checksum.

A checkpoint is written aside, forced to the disk and renamed over the older of the two kept; the newest
one whose checksum is right is loaded. No pickle. Layout of the file:

    magic (8 bytes)  length of the header (u8, little endian)  sha256 of the header (32 bytes)
    header           JSON: serial number, scalars, and name, dtype, shape and size of each block
    blocks           one after the other, C order, little endian
    sha256           of all bytes before it (32 bytes)
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phasefield.errors import ResultError
from phasefield.files.atomic import open_plain, replace_file, write_all

Value = NDArray[Any] | float | int | bool | str | bytes
State = dict[str, Value]

CHECKPOINTS = ("checkpoint-a.bin", "checkpoint-b.bin")
MAGIC = b"PFCHECK1"
"""Name and version of the format."""

_PREFIX = struct.Struct("<8sQ32s")
_DIGEST = 32
_HEADER_LIMIT = 1 << 26
_SCALARS = (bool, int, float, str)
_log = logging.getLogger(__name__)


class _BadError(Exception):
    """A checkpoint that must not be used, with the reason."""


def write_checkpoint(folder: Path | str, state: Mapping[str, Value]) -> Path:
    """Write the state in place of the older of the two checkpoints kept in `folder`."""
    place = Path(folder)
    serials = {name: _serial(place / name) for name in CHECKPOINTS}
    name = min(CHECKPOINTS, key=lambda n: serials[n])
    header, blocks = _pack(state, max(serials.values()) + 1)
    head = _PREFIX.pack(MAGIC, len(header), hashlib.sha256(header).digest()) + header
    size = len(head) + sum(block.nbytes for block in blocks) + _DIGEST

    def write(descriptor: int) -> None:
        digest = hashlib.sha256(head)
        write_all(descriptor, head)
        for block in blocks:
            digest.update(block)
            write_all(descriptor, block)
        write_all(descriptor, digest.digest())

    replace_file(place / name, write, size)
    return place / name


def read_checkpoint(folder: Path | str) -> State:
    """Load the newest valid checkpoint of `folder`."""
    place = Path(folder)
    found = [place / name for name in CHECKPOINTS if (place / name).exists()]
    if not found:
        raise ResultError(f"{place}: holds no checkpoint; start again without --resume")
    reasons = []
    for path in sorted(found, key=_serial, reverse=True):
        try:
            state = _load(path)
        except (_BadError, OSError) as error:
            reasons.append(f"{path.name}: {error}")
            continue
        reasons += [f"{other.name}: damaged" for other in found if other != path and _serial(other) < 0]
        for reason in reasons:
            _log.warning("%s: a checkpoint is not used (%s); the other one kept is", place, reason)
        return state
    raise ResultError(f"{place}: no valid checkpoint ({'; '.join(reasons)}); start again without --resume")


_WRONG = (KeyError, TypeError, ValueError, AttributeError, ArithmeticError)
"""What a header raises whose checksum is right and whose content is not."""


def has_checkpoint(folder: Path | str) -> bool:
    """Whether `folder` holds a checkpoint, valid or not."""
    return any((Path(folder) / name).exists() for name in CHECKPOINTS)


def _pack(state: Mapping[str, Value], serial: int) -> tuple[bytes, list[memoryview]]:
    """Header and blocks of a state."""
    scalars: dict[str, bool | int | float | str] = {}
    table: list[dict[str, Any]] = []
    blocks: list[memoryview] = []
    for name, given in state.items():
        value = given.item() if isinstance(given, np.generic) else given
        if isinstance(value, _SCALARS):
            scalars[name] = value
            continue
        if isinstance(value, bytes):
            entry: dict[str, Any] = {"name": name, "dtype": "bytes", "shape": [], "size": len(value)}
            block = memoryview(value)
        elif isinstance(value, np.ndarray) and value.dtype.kind in "biufc":
            array = np.asarray(value, value.dtype.newbyteorder("<"), order="C")
            entry = {"name": name, "dtype": array.dtype.str, "shape": list(array.shape), "size": array.nbytes}
            block = array.reshape(-1).view(np.uint8).data
        else:
            raise ResultError(f"checkpoint: {name} is a {type(value).__name__}, which cannot be kept")
        table.append(entry)
        blocks.append(block)
    header = {"serial": serial, "scalars": scalars, "blocks": table}
    return json.dumps(header).encode(), blocks


def _header(file: Any) -> tuple[dict[str, Any], bytes]:
    """Header of an open checkpoint, checked against its own checksum, and the bytes read."""
    prefix = file.read(_PREFIX.size)
    if len(prefix) < _PREFIX.size:
        raise _BadError("cut short")
    magic, length, digest = _PREFIX.unpack(prefix)
    if magic != MAGIC:
        raise _BadError("not a checkpoint of this version of the program")
    if length > _HEADER_LIMIT:
        raise _BadError("damaged")
    text = file.read(length)
    if hashlib.sha256(text).digest() != digest:
        raise _BadError("damaged")
    try:
        header = json.loads(text)
    except (ValueError, RecursionError):
        raise _BadError("damaged") from None
    if not isinstance(header, dict) or not isinstance(header.get("serial"), int):
        raise _BadError("damaged")
    return header, prefix + text


def _serial(path: Path) -> int:
    """Serial number of a checkpoint; -1 for one that is missing or visibly damaged, to be replaced first."""
    try:
        with open(open_plain(path), "rb") as file:
            return int(_header(file)[0]["serial"])
    except (_BadError, OSError):
        return -1


def _load(path: Path) -> State:
    """Read a checkpoint whole, and check it before anything is made of it."""
    with open(open_plain(path), "rb") as file:
        header, head = _header(file)
        rest = os.fstat(file.fileno()).st_size - len(head)
        if rest != _size(header) + _DIGEST:
            raise _BadError("cut short")
        try:
            data = np.empty(rest, np.uint8)
        except MemoryError:
            raise _BadError("larger than the memory") from None
        if file.readinto(data.data) != rest:
            raise _BadError("cut short")
    digest = hashlib.sha256(head)
    digest.update(data.data[:-_DIGEST])
    if digest.digest() != data[-_DIGEST:].tobytes():
        raise _BadError("wrong checksum")
    try:
        return _unpack(header, data[:-_DIGEST])
    except _WRONG:
        raise _BadError("damaged") from None


def _size(header: dict[str, Any]) -> int:
    """Bytes of all blocks, as the header has them."""
    try:
        return sum(int(entry["size"]) for entry in header["blocks"])
    except _WRONG:
        raise _BadError("damaged") from None


def _unpack(header: dict[str, Any], data: NDArray[np.uint8]) -> State:
    state: State = {str(name): value for name, value in header["scalars"].items()}
    start = 0
    for entry in header["blocks"]:
        shape, size = tuple(int(n) for n in entry["shape"]), int(entry["size"])
        piece = data[start : start + size]
        start += size
        if entry["dtype"] == "bytes":
            state[entry["name"]] = piece.tobytes()
            continue
        dtype = np.dtype(str(entry["dtype"]))
        if dtype.kind not in "biufc" or math.prod(shape) * dtype.itemsize != size or size != len(piece):
            raise ValueError(entry["name"])
        state[entry["name"]] = np.frombuffer(piece.tobytes(), dtype).reshape(shape).copy()
    if start != len(data):
        raise ValueError("length")
    return state
