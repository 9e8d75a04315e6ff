"""The kernels' threads bear a fork and several Python threads; settings that they cannot use are one line."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from commands import SOURCE, call, write_case

PROGRAM = """
import hashlib, multiprocessing, os, sys, threading
import numpy as np
from phasefield import api

case, layer = sys.argv[1:]

def digest(folder):
    with api.run(case, folder, threads=min(2, api.cores())) as run:
        values = [np.asarray(run.series[name]) for name in ("voltage", "Sz")]
    return hashlib.sha256(np.concatenate(values).tobytes()).hexdigest()

found = {"parent": digest("parent")}
import numba
assert numba.threading_layer() == layer
together = [threading.Thread(target=lambda k=k: found.update({k: digest(f"thread-{k}")})) for k in range(3)]
for one in together:
    one.start()
for one in together:
    one.join()
pid = os.fork()
if pid == 0:
    os._exit(0 if digest("forked") == found["parent"] else 3)
assert os.waitpid(pid, 0)[1] == 0, "forked"
with multiprocessing.get_context("fork").Pool(1) as pool:
    found["pool"] = pool.apply_async(digest, ("pool",)).get(timeout=300)
assert len(found) == 5 and len(set(found.values())) == 1, found
"""


@pytest.mark.parametrize("layer", ["omp", "workqueue"])
def test_runs_in_forked_processes_and_in_python_threads_are_the_same(layer: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, write_case(tmp_path), layer], cwd=tmp_path, timeout=500,
        env={**os.environ, "PYTHONPATH": str(SOURCE), "NUMBA_THREADING_LAYER": layer}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = (tmp_path / "forked" / "run.log").read_text()
    many = len(os.sched_getaffinity(0)) > 1
    assert ("a forked process: the kernels use one thread" in said) == (layer == "omp" and many)


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("NUMBA_NUM_THREADS=0", "NUMBA_NUM_THREADS=0: a number above 0 is needed"),
        ("NUMBA_NUM_THREADS=-2", "NUMBA_NUM_THREADS=-2: a number above 0 is needed"),
        ("NUMBA_NUM_THREADS=many", "NUMBA_NUM_THREADS=many: a number above 0 is needed"),
        ("NUMBA_THREADING_LAYER=nonsense", "NUMBA_THREADING_LAYER=nonsense: is none of default, safe"),
    ],
)
def test_settings_that_numba_cannot_use_are_one_line(
    setting: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(*setting.split("="))
    assert call("run", write_case(tmp_path), "--out", tmp_path / "run") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(says)
    assert "unset it" in line


@pytest.mark.parametrize("setting", ["NUMBA_THREADING_LAYER=tbb", "NUMBA_THREADING_LAYER_PRIORITY=a b c"])
def test_a_library_for_threads_that_is_not_there_is_one_line(setting: str, tmp_path: Path) -> None:
    name, _, value = setting.partition("=")
    if value == "tbb" and _has_tbb():
        pytest.skip("tbb is there")
    done = _run(tmp_path, {name: value})
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("the kernels' threads cannot be started (")
    assert "unset NUMBA_THREADING_LAYER" in line


@pytest.mark.skipif(sys.platform != "linux", reason="others do not limit the address space")
@pytest.mark.parametrize("megabytes", [250, 400])
def test_a_small_address_space_is_one_line(megabytes: int, tmp_path: Path) -> None:
    limit = megabytes * 1024 * 1024
    done = _run(tmp_path, {}, limit)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("ulimit -v: ")
    assert line.endswith("or `ulimit -v unlimited`")


def _has_tbb() -> bool:
    import ctypes

    try:
        ctypes.CDLL("libtbb.so.12")
    except OSError:
        return False
    return True


def _run(folder: Path, environment: dict[str, str], limit: int | None = None) -> subprocess.CompletedProcess[str]:
    def limited() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

    return subprocess.run(
        [sys.executable, "-m", "phasefield", "run", write_case(folder), "--out", folder / "run", "-q"],
        env={**os.environ, "PYTHONPATH": str(SOURCE), **environment}, capture_output=True, text=True, check=False,
        preexec_fn=limited,
    )  # fmt: skip
