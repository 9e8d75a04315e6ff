"""Studies that run: on local workers, killed in every way, with bad points, on a cluster started by hand."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from certificates import TABLE, certificates
from commands import SOURCE, TINY, call

from phasefield import open_study
from phasefield.results.writer import RESULT
from phasefield.studies.sweep.outputs import FILE
from phasefield.studies.sweep.worker import Task, run_point, state_of

T = TypeVar("T")
POINTS = 6
PATIENCE = 240.0  # s, on a busy machine whose kernels are not compiled yet

STUDY = f"""title = "tiny"
base = "tiny.toml"
seeds = {POINTS // 2}
outputs = ["time to |voltage| 300 mV"]
[set]
"protocol.repeat" = 50
[axes]
"film.conductivity" = ["4e-9 S/cm", "4e-8 S/cm"]
"""


def write(folder: Path, text: str = STUDY, name: str = "some") -> Path:
    (folder / "tiny.toml").write_text(TINY.format(name="PLLZ", base="pllz"), encoding="utf-8")
    path = folder / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return path


def start(log: Path, *words: object) -> subprocess.Popen[bytes]:
    """Start a study in a session of its own, so that it can be killed with all its workers."""
    with log.open("wb") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "phasefield", "study", *map(str, words)], cwd=SOURCE,
            stdout=file, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip


def finished(runs: Path) -> dict[Path, int]:
    """Return the runs that are done, each with the time of its last writing."""
    return {path.parent: (path.parent / RESULT).stat().st_mtime_ns for path in runs.glob(f"*/{FILE}")}


def wait_until(look: Callable[[], T], process: subprocess.Popen[bytes]) -> T:
    """Wait until something is there while a study goes on, and return it."""
    end = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < end, "what was waited for did not come"
        assert process.poll() is None, "the study ended before it was stopped"
        time.sleep(0.02)
    return found


def wait_for(runs: Path, count: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until so many runs are done."""
    wait_until(lambda: len(finished(runs)) >= count, process)


def workers_of(process: subprocess.Popen[bytes]) -> list[int]:
    """Return the process numbers of a study's workers, as soon as there is one."""
    return wait_until(lambda: workers_now(process), process)


def workers_now(process: subprocess.Popen[bytes]) -> list[int]:
    """Return the process numbers of a study's workers at this moment."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                group = os.getpgid(int(folder.name))
                command = (folder / "cmdline").read_bytes()
            except OSError:
                continue
            if group == process.pid and b"spawn_main" in command:
                found.append(int(folder.name))
    return found


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the study, run once without a stop."""
    folder = tmp_path_factory.mktemp("whole")
    assert call("study", write(folder), "--out", folder / "out", "--quiet") == 0
    return folder / "out" / "some"


def test_a_study_leaves_a_table_pictures_and_a_page(whole: Path) -> None:
    study = open_study(whole)
    assert [row["status"] for row in study.rows] == ["done"] * POINTS
    assert {row["reason"] for row in study.rows} == {"end"}
    assert all(row["time to |voltage| 300 mV"] is None for row in study.rows)
    with study.run(0) as run:
        assert run.finished
        assert study.rows[0]["Sz"] == run.series["Sz"][-1]
        assert study.rows[0]["steps"] == run.summary["steps"]
    assert len({row["Sz"] for row in study.rows}) == POINTS
    assert max(float(row["ledger_salt"] or 0.0) for row in study.rows) < 1e-11
    for name in ("response.png", "study.html", "table.csv", "cost.json", "plan.json"):
        assert (whole / name).stat().st_size > 0
    index = list(csv.DictReader((whole / "runs.csv").read_text().splitlines()))
    assert [line["status"] for line in index] == ["done"] * POINTS
    assert len({line["inputs"] for line in index}) == POINTS
    for line, row in zip(index, study.rows, strict=True):
        assert (whole / line["folder"]).resolve() == study.folder_of(row).resolve()
        assert (whole / line["folder"] / RESULT).is_file()
    cost = json.loads((whole / "cost.json").read_text())
    assert cost["runs"] == POINTS
    assert 0.0 < cost["core_use"] <= 1.0
    assert cost["summed_run_time"] == pytest.approx(sum(cost["run_times"].values()), rel=1e-12)
    assert study.about["calibrated"] == ["film.patches.spread"]


def test_a_table_of_other_overrides_is_not_replaced_in_silence(
    whole: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["study", whole.parents[1] / "some.toml", "--out", whole.parent, "--dry-run"]
    assert call(*words) == 0
    assert "will be replaced" not in capsys.readouterr().out
    assert call(*words, "-s", "protocol.repeat=2") == 0
    assert "table.csv is of other axes, overrides or bases and will be replaced" in capsys.readouterr().out


@pytest.mark.slow
def test_a_run_of_two_studies_is_made_once(whole: Path, tmp_path: Path) -> None:
    before = finished(whole.parent / "runs")
    path = write(tmp_path, STUDY.replace('title = "tiny"', 'title = "other"').replace("4e-8", "9e-8"), "other")
    (tmp_path / "tiny.toml").write_text((whole.parents[1] / "tiny.toml").read_text())
    assert call("study", path, "--out", whole.parent, "--quiet") == 0
    after = finished(whole.parent / "runs")
    assert len(after) == POINTS + POINTS // 2
    assert {run: when for run, when in after.items() if run in before} == before
    ours, theirs = open_study(whole), open_study(whole.parent / "other")
    assert [row["Sz"] for row in ours.rows[:3]] == [row["Sz"] for row in theirs.rows[:3]]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="the processes of a group are found in /proc")
def test_killed_three_times_it_ends_with_the_same_table(whole: Path, tmp_path: Path) -> None:
    path, out, log = write(tmp_path), tmp_path / "out", tmp_path / "log"
    runs = out / "runs"
    process = start(log, path, "--out", out)
    wait_for(runs, 1, process)
    process.kill()  # who runs the study; its workers notice
    process.wait()
    first = finished(runs)

    process = start(log, path, "--out", out)
    # A run may still have been finished by a worker of the study that was killed.
    os.kill(workers_of(process)[0], signal.SIGKILL)
    wait_for(runs, min(len(first) + 1, POINTS), process)
    os.killpg(process.pid, signal.SIGKILL)  # everything
    process.wait()
    second = finished(runs)
    assert {run: when for run, when in second.items() if run in first} == first

    process = start(log, path, "--out", out)
    assert process.wait(timeout=PATIENCE) == 0, log.read_text()
    assert (out / "some" / "table.csv").read_bytes() == (whole / "table.csv").read_bytes()
    third = finished(runs)
    assert len(third) == POINTS
    assert {run: when for run, when in third.items() if run in second} == second


def test_ctrl_c_saves_and_says_how_to_go_on(tmp_path: Path) -> None:
    path, out, log = write(tmp_path), tmp_path / "out", tmp_path / "log"
    process = start(log, path, "--out", out)
    wait_for(out / "runs", 1, process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: workers hear it, too
    assert process.wait(timeout=PATIENCE) == 75, log.read_text()
    last = log.read_text().strip().splitlines()[-1]
    assert last.startswith("stopped;")
    assert last.endswith(f"continue with: phasefield study {path} --out {out}")
    statuses = [row["status"] for row in open_study(out / "some").rows]
    assert "done" in statuses
    assert "waiting" in statuses or statuses == ["done"] * POINTS


def test_bad_points_are_rows(tmp_path: Path) -> None:
    text = """base = "tiny.toml"
    [axes]
    "electrolyte.transference_number" = [0.4, 1.2, 0.5]
    "protocol.voltage_limit" = ["5 V", "10 mV"]
    """
    path, out = write(tmp_path, text), tmp_path / "out"
    assert call("study", path, "--out", out, "--quiet", "--workers", 1) == 0
    study = open_study(out / "some")
    assert [row["status"] for row in study.rows] == ["done", "done", "invalid", "invalid", "done", "done"]
    assert [row["reason"] for row in study.rows] == ["end", "voltage_limit", "", "", "end", "voltage_limit"]
    assert study.rows[1]["time_to_voltage_limit"] == 0.0
    assert call("study", path, "--out", out, "--quiet") == 0
    assert len(finished(out / "runs")) == 4


@pytest.mark.slow
def test_a_failed_run_made_again_is_in_the_table(tmp_path: Path) -> None:
    """What an earlier attempt left behind does not stand for the new one, nor for one that was killed."""
    path = write(tmp_path, 'base = "tiny.toml"\n[axes]\n"electrolyte.transference_number" = [0.4]\n')
    out = tmp_path / "out"
    assert call("study", path, "--out", out, "--quiet", "--workers", 1) == 0
    (folder,) = (f for f in (out / "runs").iterdir() if f.is_dir())
    for name in ("summary.json", "outputs.json"):
        content = json.loads((folder / name).read_text())
        (content if name == "summary.json" else content["values"] if "reason" in content["values"] else content)[
            "reason"
        ] = "failed"
        if name == "summary.json":
            content["finished"] = False
        (folder / name).write_text(json.dumps(content))
    assert call("study", path, "--out", out, "--quiet", "--workers", 1) == 0
    assert open_study(out / "some").rows[0]["status"] == "failed"
    assert call("study", path, "--out", out, "--quiet", "--workers", 1, "--again") == 0
    (row,) = open_study(out / "some").rows
    assert (row["status"], row["reason"]) == ("done", "end")


def test_a_run_that_breaks_is_told_not_raised(tmp_path: Path) -> None:
    task = Task(0, 'title = "no case"', "0" * 64, str(tmp_path / "run"), ("Sz",))
    done = run_point(task)
    assert done.status == "error"
    assert "missing" in done.text
    assert state_of(tmp_path / "run", "0" * 64) == "empty"
    (tmp_path / "file").write_text("in the way")
    assert run_point(Task(0, "", "", str(tmp_path / "file" / "run"), ())).status == "error"


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[str]:
    """Address of a scheduler with two workers, started by hand, with certificates."""
    files = certificates(tmp_path)
    options = {"--tls-ca-file": "tls_ca", "--tls-cert": "tls_cert", "--tls-key": "tls_key"}
    tls = [word for option, name in options.items() for word in (option, str(files[name]))]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"tls://127.0.0.1:{port}"
    scheduler = [
        sys.executable, "-m", "dask", "scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard",
        "--protocol", "tls", *tls,
    ]  # fmt: skip
    worker = [sys.executable, "-m", "dask", "worker", address, "--nthreads", "1", "--no-dashboard", *tls]
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    processes = []
    for k, command in enumerate((scheduler, worker, worker)):
        with (tmp_path / f"dask-{k}.log").open("w") as log:
            processes.append(
                subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=log, start_new_session=True)
            )
    yield address
    for process in processes:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.slow
def test_a_cluster_started_by_hand_gives_the_same_table(whole: Path, tmp_path: Path, cluster: str) -> None:
    table = "[cluster]\n" + "".join(f'{name} = "{path}"\n' for name, path in TABLE.items())
    path = write(tmp_path, STUDY + table)
    assert call("study", path, "--out", tmp_path / "out", "--quiet", "--scheduler", cluster) == 0
    assert (tmp_path / "out" / "some" / "table.csv").read_bytes() == (whole / "table.csv").read_bytes()


def test_a_scheduler_that_is_not_there_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("phasefield.studies.sweep.cluster.CONNECT", 1.0)
    there = ("--scheduler", "tcp://127.0.0.1:9", "--unencrypted")
    assert call("study", write(tmp_path), "--out", tmp_path / "out", "-q", *there) == 2
    assert "no Dask scheduler answers" in capsys.readouterr().err


@pytest.mark.parametrize("address", ["nonsense", "tcp://", "http://127.0.0.1:9", "tcp://a b:1"])
def test_what_is_no_address_is_refused_before_anything(
    address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("study", write(tmp_path), "--out", tmp_path / "out", "-q", "--scheduler", address) == 2
    assert "is no address" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_study_that_another_process_runs_is_refused(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import fcntl

    with (whole / ".lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        for name in list((whole.parent / "runs").glob(f"*/{FILE}"))[:1]:
            name.rename(name.with_suffix(".aside"))
        assert call("study", whole.parents[1] / "some.toml", "--out", whole.parent, "-q") == 2
    assert re.search(r"some: .* writes into it; wait for it, or stop it", capsys.readouterr().err)
