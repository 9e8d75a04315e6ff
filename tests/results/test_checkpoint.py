"""Checkpoints: round trip, damage, kills, full disks."""

from __future__ import annotations

import errno
import hashlib
import logging
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from phasefield.errors import ResultError
from phasefield.files import atomic
from phasefield.results.checkpoint import (
    CHECKPOINTS,
    MAGIC,
    has_checkpoint,
    read_checkpoint,
    write_checkpoint,
)

DAMAGES = 200


def state_of(k: int) -> dict[str, Any]:
    """A state with every kind of value."""
    rng = np.random.default_rng(k)
    return {
        "d": rng.normal(size=(4, 3, 5)),
        "j": rng.normal(size=7).astype(np.float32),
        "index": np.arange(k, dtype=np.int64),
        "dead": rng.normal(size=5) > 0,
        "empty": np.zeros((0, 3)),
        "point": np.array(1.5),
        "time": 0.1 * k,
        "worst": float("inf"),
        "step": k,
        "big": 1 << 200,
        "resting": True,
        "rng": '{"state": "\u00b5"}',
        "blob": bytes(range(256)),
    }


def same(left: dict[str, Any], right: dict[str, Any]) -> bool:
    """Whether two states are equal to the bit, with their types."""

    def key(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return (value.dtype, value.shape, value.tobytes())
        return (type(value), value)

    return left.keys() == right.keys() and all(key(left[name]) == key(right[name]) for name in left)


def test_round_trip(tmp_path: Path) -> None:
    assert not has_checkpoint(tmp_path)
    for k in range(5):
        write_checkpoint(tmp_path, state_of(k))
        back = read_checkpoint(tmp_path)
        assert same(back, state_of(k))
        assert back["d"].flags.writeable  # type: ignore[union-attr]
        assert back["d"].flags.c_contiguous  # type: ignore[union-attr]
    assert has_checkpoint(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(CHECKPOINTS)


def test_numpy_numbers_and_other_layouts_are_kept(tmp_path: Path) -> None:
    fortran = np.asfortranarray(np.arange(12.0).reshape(3, 4))
    state = {
        "n": np.int64(3),
        "x": np.float64(0.1),
        "yes": np.bool_(True),
        "f": fortran[:, ::2],
        "b": fortran.astype(">f8"),
    }
    write_checkpoint(tmp_path, state)
    back = read_checkpoint(tmp_path)
    assert (back["n"], back["x"], back["yes"]) == (3, 0.1, True)
    np.testing.assert_array_equal(back["f"], fortran[:, ::2])
    np.testing.assert_array_equal(back["b"], fortran)


@pytest.mark.parametrize("value", [None, [1, 2], np.array([None]), np.array(["text"])])
def test_values_that_need_pickle_are_refused(tmp_path: Path, value: Any) -> None:
    with pytest.raises(ResultError, match="cannot be kept"):
        write_checkpoint(tmp_path, {"x": value})
    assert not has_checkpoint(tmp_path)


def test_damaged_checkpoints_fall_back_to_the_older(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Flip a bit or cut the newest anywhere: the older is loaded; damage both: one line says what to do."""
    write_checkpoint(tmp_path, state_of(1))
    newest = write_checkpoint(tmp_path, state_of(2))
    older = next(tmp_path / name for name in CHECKPOINTS if name != newest.name)
    good, old = newest.read_bytes(), older.read_bytes()
    rng = np.random.default_rng(3)
    for k in range(DAMAGES):
        bad = bytearray(good)
        if k % 3 == 0:
            bad = bad[: rng.integers(len(bad))]
        elif k % 3 == 1:
            bad[rng.integers(len(bad))] ^= 1 << rng.integers(8)
        else:
            bad[rng.integers(200)] ^= 1 << rng.integers(8)
        newest.write_bytes(bad)
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            assert same(read_checkpoint(tmp_path), state_of(1))
        assert any(newest.name in record.getMessage() for record in caplog.records)
        older.write_bytes(old[: len(old) - 1 - k])
        with pytest.raises(ResultError, match=r"no valid checkpoint.*start again without --resume") as caught:
            read_checkpoint(tmp_path)
        assert "\n" not in str(caught.value)
        older.write_bytes(old)


def test_every_single_flipped_byte_is_found(tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path, {"x": np.arange(3.0), "n": 1})
    good = path.read_bytes()
    for place in range(len(good)):
        bad = bytearray(good)
        bad[place] ^= 0xFF
        path.write_bytes(bad)
        with pytest.raises(ResultError, match="no valid checkpoint"):
            read_checkpoint(tmp_path)
    path.write_bytes(good + b"more")
    with pytest.raises(ResultError, match="no valid checkpoint"):
        read_checkpoint(tmp_path)


def test_the_valid_one_is_never_overwritten_first(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, state_of(1))
    newest = write_checkpoint(tmp_path, state_of(2))
    newest.write_bytes(newest.read_bytes()[:50])
    assert write_checkpoint(tmp_path, state_of(3)) == newest
    assert same(read_checkpoint(tmp_path), state_of(3))
    lying = newest.read_bytes().replace(b'"serial": 1', b'"serial": 9')
    newest.write_bytes(lying)
    assert b'"serial": 9' in lying
    assert write_checkpoint(tmp_path, state_of(4)) == newest, "a header of the wrong checksum is not believed"
    newest.unlink()
    assert same(read_checkpoint(tmp_path), state_of(1))


def test_a_lying_header_with_the_right_checksums_is_refused(tmp_path: Path) -> None:
    for header in (
        b"{}",
        b"[" * 100_000,
        b'{"serial": 1, "scalars": {}, "blocks": [{"name": "x", "dtype": "O", "shape": [1], "size": 8}]}',
        b'{"serial": 1, "scalars": {}, "blocks": [{"name": "x", "dtype": "<f8", "shape": [999], "size": 8}]}',
        b'{"serial": 1, "scalars": {}, "blocks": [{"name": "x", "dtype": "<f8", "shape": [-1], "size": -8}]}',
        b'{"serial": 1, "scalars": {}, "blocks": []}',
    ):
        head = MAGIC + len(header).to_bytes(8, "little") + hashlib.sha256(header).digest() + header
        body = head + bytes(8)
        (tmp_path / CHECKPOINTS[0]).write_bytes(body + hashlib.sha256(body).digest())
        with pytest.raises(ResultError, match="no valid checkpoint"):
            read_checkpoint(tmp_path)


def test_no_checkpoint_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ResultError, match="holds no checkpoint; start again without --resume"):
        read_checkpoint(tmp_path)
    with pytest.raises(ResultError, match="holds no checkpoint"):
        read_checkpoint(tmp_path / "none")


def test_disk_full_at_every_write_keeps_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_checkpoint(tmp_path, state_of(1))
    write_checkpoint(tmp_path, state_of(2))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    write = os.write
    count = 0
    failed = 0
    for fail_at in range(1, 50):
        count = 0

        def failing(descriptor: int, data: Any, fail_at: int = fail_at) -> int:
            nonlocal count
            count += 1
            if count == fail_at:
                write(descriptor, data[: len(data) // 2])
                raise OSError(errno.ENOSPC, "No space left on device")
            return write(descriptor, data)

        with monkeypatch.context() as patch:
            patch.setattr(os, "write", failing)
            try:
                write_checkpoint(tmp_path, state_of(3))
            except ResultError as error:
                failed += "MB needed" in str(error)
            else:
                break
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert failed >= 8, "the header, each block and the checksum"
    assert same(read_checkpoint(tmp_path), state_of(3))
    with monkeypatch.context() as patch:
        patch.setattr(atomic, "free_space", lambda folder: 100)
        with pytest.raises(ResultError, match="MB free"):
            write_checkpoint(tmp_path, state_of(4))
    assert same(read_checkpoint(tmp_path), state_of(3))


def test_a_kill_at_any_call_of_the_system_leaves_a_valid_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stop dead before the n-th call that writes, for every n: nothing is cleaned up, as after SIGKILL."""

    class Killed(BaseException):
        pass

    real = {name: getattr(os, name) for name in ("open", "write", "fsync", "replace")}
    expected, kills = 0, 0
    write_checkpoint(tmp_path, state_of(0))
    for die_at in range(1, 60):
        left = die_at
        with monkeypatch.context() as patch:
            patch.setattr(Path, "unlink", lambda *args, **kwargs: None)
            for name, call in real.items():

                def dying(*args: Any, call: Any = call, **kwargs: Any) -> Any:
                    nonlocal left
                    left -= 1
                    if left == 0:
                        raise Killed
                    return call(*args, **kwargs)

                patch.setattr(os, name, dying)
            try:
                write_checkpoint(tmp_path, state_of(die_at))
            except Killed:
                kills += 1
        found = read_checkpoint(tmp_path)
        assert any(same(found, state_of(k)) for k in (expected, die_at))
        expected = int(found["step"])  # type: ignore[arg-type]
        if left > 0:
            break
    assert kills > 10
    assert expected == die_at
