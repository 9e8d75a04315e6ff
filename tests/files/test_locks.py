"""One lock a folder: who comes second is told who came first, and a killed process leaves nothing behind."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from planted import planted, untouched

from phasefield.errors import FolderBusyError, Interrupted, ResultError
from phasefield.files.locks import LOCK, folder_locked

HOLD = """
import sys
from pathlib import Path
from phasefield.files.locks import folder_locked
with folder_locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held_elsewhere(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Let another process hold a folder while the context lasts, or until it is killed."""
    command = [sys.executable, "-c", HOLD, str(folder), "some words"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        assert process.stdin is not None
        process.stdin.close()


def test_the_second_is_told_who_holds_it(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with held_elsewhere(folder) as process:
        with pytest.raises(FolderBusyError) as caught, folder_locked(folder):
            pass
        said = str(caught.value)
        assert "\n" not in said
        assert f"process {process.pid} on {socket.gethostname()} since 20" in said
        assert "'some words'" in said
        assert said.endswith("wait for it, or stop it")
    with folder_locked(folder):
        pass


def test_a_killed_process_holds_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with held_elsewhere(folder) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        (folder / ".result.vtkhdf.0123456789abcdef.part").write_bytes(b"half")
    with folder_locked(folder):
        assert [path.name for path in folder.iterdir()] == [LOCK]


def test_the_one_that_is_refused_removes_nothing(tmp_path: Path) -> None:
    with held_elsewhere(tmp_path):
        part = tmp_path / ".result.vtkhdf.0123456789abcdef.part"
        part.write_bytes(b"being written")
        with pytest.raises(FolderBusyError), folder_locked(tmp_path):
            pass
        assert part.exists()


def test_a_thread_may_hold_a_folder_twice_and_another_may_not(tmp_path: Path) -> None:
    refused = []

    def other() -> None:
        try:
            with folder_locked(tmp_path):
                pass
        except FolderBusyError as error:
            refused.append(str(error))

    with folder_locked(tmp_path):
        with folder_locked(tmp_path):
            pass
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert len(refused) == 1
    assert f"process {os.getpid()} " in refused[0]


def test_one_that_waits_is_let_in_or_stopped(tmp_path: Path) -> None:
    looks = []

    def stopped(seconds: float) -> bool:
        looks.append(seconds)
        return len(looks) == 3

    with held_elsewhere(tmp_path) as process:
        with pytest.raises(Interrupted, match=f"process {process.pid} "), folder_locked(tmp_path, stopped):
            pass
        assert len(looks) == 3

        def ends(seconds: float) -> bool:
            process.kill()
            process.wait()
            return False

        with folder_locked(tmp_path, ends):
            pass


@pytest.mark.parametrize("kind", ["link", "dangling link", "hard link", "pipe", "socket", "folder"])
def test_nothing_planted_as_the_lock_is_followed(tmp_path: Path, kind: str) -> None:
    victim = planted(tmp_path / LOCK, kind)
    with pytest.raises(ResultError, match=re.escape(f"{LOCK}: is a")), folder_locked(tmp_path):
        pass
    assert untouched(victim)


def test_a_lock_file_of_strange_content_is_only_a_lock(tmp_path: Path) -> None:
    for text in ("", "[", "[" * 5000, '{"pid": "x"}', '{"pid": 1, "host": "a\\nb", "since": "", "command": "c"}'):
        with held_elsewhere(tmp_path):
            (tmp_path / LOCK).write_text(text)
            with pytest.raises(FolderBusyError, match="writes into it") as caught, folder_locked(tmp_path):
                pass
            assert "\n" not in str(caught.value)


def test_a_file_system_without_locks_is_used_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def flock(*_: object) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(fcntl, "flock", flock)
    with caplog.at_level(logging.WARNING), folder_locked(tmp_path):
        assert "has no locks" in caplog.text


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ResultError, match="cannot be used as a folder"), folder_locked(tmp_path / "file"):
        pass
