"""The workers of a study: nobody else reaches them, they start again when they die, and end with who started them."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest
from certificates import certificates
from commands import SOURCE, TINY, call

from phasefield.errors import PhasefieldError
from phasefield.studies.sweep import local
from phasefield.studies.sweep.cluster import Scheduler, security, tls_files
from phasefield.studies.sweep.local import LocalCrew, Split
from phasefield.studies.sweep.worker import Done, Task

PATIENCE = 240.0  # s, on a busy machine
NOBODY = 65534
STUDY = 'base = "tiny.toml"\n[axes]\n"electrolyte.transference_number" = [0.4]\n'


def wait_until(true: Callable[[], object], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def ends(crew: LocalCrew) -> Iterator[Done]:
    """Yield how tasks end, as they do."""
    stop = time.monotonic() + PATIENCE
    while time.monotonic() < stop:
        yield from (said for said in crew.wait(0.5) if isinstance(said, Done))


def bad(number: int, folder: Path) -> Task:
    """Return a task that ends at once, since its text is no case."""
    return Task(number, 'title = "no case"', "0" * 64, str(folder), ("Sz",))


def test_a_study_listens_nowhere(tmp_path: Path) -> None:
    """What listens, even at 127.0.0.1, is open to every user of the machine."""
    with local.local(Split(2, 1)) as crew:
        crew.submit(bad(0, tmp_path / "run"))
        next(ends(crew))
        us = psutil.Process()
        found = [one.net_connections(kind="inet") for one in (us, *us.children(recursive=True)) if one.is_running()]
        assert crew.size == 2
        assert [one for process in found for one in process] == []


class _Starts:
    """Stands for the worker's module: each start takes the next of these functions."""

    READY, STOP = local.worker.READY, local.worker.STOP

    def __init__(self, *serve: Any) -> None:
        self.left = list(serve)

    @property
    def serve(self) -> Any:
        return self.left.pop(0)


DIES = os._exit  # of a number, and it is given a pipe


def test_a_worker_that_dies_while_it_starts_is_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "PAUSE", 0.0)
    monkeypatch.setattr(local, "worker", _Starts(DIES, DIES, local.worker.serve))
    with local.local(Split(1, 1)) as crew:
        crew.submit(bad(7, tmp_path / "run"))
        done = next(ends(crew))
    assert (done.number, done.status) == (7, "error")
    assert "missing" in done.text


def test_no_worker_starts_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tiny.toml").write_text(TINY.format(name="PLLZ", base="pllz"), encoding="utf-8")
    (tmp_path / "some.toml").write_text(STUDY, encoding="utf-8")
    monkeypatch.setattr(local, "PAUSE", 0.0)
    monkeypatch.setattr(local, "STARTS", 1)
    monkeypatch.setattr(local, "worker", _Starts(*[DIES] * 9))
    assert call("study", tmp_path / "some.toml", "--out", tmp_path / "out", "-q") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("no worker process of the study starts (ended with 1); free memory")


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Task]:
    """A task that waits, since its folder is locked."""
    folder = tmp_path / "held"
    folder.mkdir()
    with (folder / ".lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield bad(3, folder)


def process_at_work(crew: LocalCrew) -> Any:
    """Return the process that has the task; it has no number yet while it starts."""
    crew.wait(0.1)
    return next((member.process for member in crew.members.values() if member.task is not None), None)


def test_a_run_that_kills_its_workers_is_given_up(held: Task, tmp_path: Path) -> None:
    with local.local(Split(1, 1)) as crew:
        crew.submit(held)
        killed = set[int]()
        for _ in range(local.DEATHS):
            wait_until(lambda: process_at_work(crew), "nobody took the task")
            pid = process_at_work(crew).pid
            killed.add(pid)
            os.kill(pid, signal.SIGKILL)
            if len(killed) < local.DEATHS:
                wait_until(lambda: (p := process_at_work(crew)) and p.pid not in killed, "no other took it")
        done = next(ends(crew))
        assert (done.number, done.status, done.text) == (3, "error", "its worker died, again and again")
        crew.submit(bad(4, tmp_path / "run"))  # others are made
        assert next(ends(crew)).number == 4


def test_a_stop_ends_what_waits(held: Task) -> None:
    with local.local(Split(1, 1)) as crew:
        crew.submit(held)
        wait_until(lambda: process_at_work(crew), "nobody took the task")
        crew.stop(PATIENCE)
        assert process_at_work(crew) is None


ORPHANS = """
import sys, time
from phasefield.studies.sweep.local import LocalCrew
if __name__ == "__main__":
    crew = LocalCrew(2)
    while not all(member.ready for member in crew.members.values()):
        list(crew.wait(1.0))
    print(*(member.process.pid for member in crew.members.values()), flush=True)
    time.sleep(1000)
"""


def test_workers_end_with_who_started_them(tmp_path: Path) -> None:
    (tmp_path / "study.py").write_text(ORPHANS)
    process = subprocess.Popen(
        [sys.executable, tmp_path / "study.py"], env={**os.environ, "PYTHONPATH": str(SOURCE)}, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    workers = [int(word) for word in process.stdout.readline().split()]
    assert len(workers) == 2
    process.kill()
    process.communicate()
    wait_until(lambda: not any(map(psutil.pid_exists, workers)), "workers stay")


# A running cluster.


ATTACK = f"""
import os, sys
from distributed import Client, LocalCluster, Security
own = Security.temporary() if sys.argv[1].startswith("tls") else None
with LocalCluster(n_workers=0, processes=False, dashboard_address="127.0.0.1:0") as c, Client(c, set_as_default=False):
    pass  # everything is imported now: another user may not read where Python lies
os.setgroups([])
os.setgid({NOBODY})
os.setuid({NOBODY})
with Client(sys.argv[1], security=own, timeout=10, set_as_default=False) as client:
    print(os.getuid(), "is in, as", client.run_on_scheduler(os.getuid))
"""


def attack(address: str) -> str:
    """Return what another user gets who connects to a scheduler and has it run something."""
    done = subprocess.run([sys.executable, "-c", ATTACK, address], capture_output=True, text=True, check=False)
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


@pytest.mark.skipif(os.getuid() != 0, reason="another user is made by root alone")
def test_another_user_does_not_get_into_a_cluster_with_certificates(tmp_path: Path) -> None:
    files = certificates(tmp_path)
    from distributed import Client, LocalCluster

    def served(safe: Any) -> str:
        with LocalCluster(
            n_workers=0, processes=False, host="127.0.0.1", dashboard_address="127.0.0.1:0", security=safe,
            protocol="tcp://" if safe is None else "tls://",
        ) as cluster, Client(cluster, set_as_default=False) as client:  # fmt: skip
            assert client.run_on_scheduler(os.getuid) == 0
            return attack(cluster.scheduler_address)

    assert served(None) == f"{NOBODY} is in, as 0"
    refused = served(security(files))
    assert "is in" not in refused
    assert "Timed out trying to connect" in refused or "certificate" in refused.lower()


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "10.0.0.1:8786", "ws://127.0.0.1:9"])
def test_a_scheduler_without_encryption_must_be_meant(
    address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tiny.toml").write_text(TINY.format(name="PLLZ", base="pllz"), encoding="utf-8")
    (tmp_path / "some.toml").write_text(STUDY, encoding="utf-8")
    words = ("study", tmp_path / "some.toml", "--out", tmp_path / "out", "-q")
    assert call(*words, "--scheduler", address) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "is not encrypted" in line
    assert "--unencrypted" in line
    assert call(*words, "--scheduler", "tls://127.0.0.1:9") == 2
    assert "needs tls_ca, tls_cert and tls_key" in capsys.readouterr().err
    assert call(*words, "--unencrypted") == 2
    assert "give its address" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    Scheduler(address, {}, unencrypted=True).check()


def test_tls_files_lie_beside_the_study_and_are_private(tmp_path: Path) -> None:
    study = tmp_path / "study"
    study.mkdir()
    for name in ("ca", "cert", "key"):
        (study / f"{name}.pem").write_text("-")
    table: Mapping[str, Any] = {f"tls_{name}": f"{name}.pem" for name in ("ca", "cert", "key")}
    (study / "key.pem").chmod(0o644)
    with pytest.raises(PhasefieldError, match=r"tls_key: others can read .*chmod 600"):
        tls_files(table, study)
    (study / "key.pem").chmod(0o600)
    assert tls_files(table, study)["tls_ca"] == study / "ca.pem"
    (tmp_path / "else.pem").write_text("-")
    (study / "link.pem").symlink_to(tmp_path / "else.pem")
    for path in ("../else.pem", str(tmp_path / "else.pem"), "link.pem"):
        with pytest.raises(PhasefieldError, match=r"tls_ca: .* is outside"):
            tls_files({**table, "tls_ca": path}, study)
    with pytest.raises(PhasefieldError, match=r"tls_ca: .*no\.pem: No such file"):
        tls_files({**table, "tls_ca": "no.pem"}, study)
