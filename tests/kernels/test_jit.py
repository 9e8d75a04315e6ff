"""The compiled-kernel cache: a changed helper, a damaged entry; neither ends or falsifies a run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from phasefield.kernels import _jit

PROGRAM = """
import sys, types
sys.path.insert(0, {folder!r})
import phasefield.kernels._jit as jit
jit.__file__ = {folder!r} + "/_jit.py"
from outer import outer
print(outer(1.0), sum(outer.stats.cache_hits.values()))
"""
HELPER = "from phasefield.kernels._jit import kernel\n\n\n@kernel\ndef helper(x):\n    return {factor} * x\n"
OUTER = (
    "from phasefield.kernels._jit import kernel\nfrom helper import helper\n\n\n"
    "@kernel\ndef outer(x):\n    return helper(x) + 1.0\n"
)


@pytest.fixture
def kernels(tmp_path: Path) -> Path:
    """Write a folder with two kernel files, one calling the other."""
    folder = tmp_path / "kernels"
    folder.mkdir()
    (folder / "helper.py").write_text(HELPER.format(factor=2.0))
    (folder / "outer.py").write_text(OUTER)
    return folder


def run(folder: Path) -> tuple[float, int]:
    """Run `outer(1.0)` in a fresh interpreter; return its value and the number of cache hits."""
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(folder.parent / "cache"), "PYTHONPATH": root}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(folder=str(folder))],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    value, hits = done.stdout.split()
    return float(value), int(hits)


def test_a_changed_helper_in_another_file_is_compiled_anew(kernels: Path) -> None:
    assert run(kernels) == (3.0, 0)
    assert run(kernels) == (3.0, 1)
    (kernels / "helper.py").write_text(HELPER.format(factor=5.0))
    assert run(kernels) == (6.0, 0)


@pytest.mark.parametrize("ending", ["nbi", "nbc"])
def test_a_damaged_cache_is_rebuilt(kernels: Path, ending: str) -> None:
    assert run(kernels) == (3.0, 0)
    entries = list((kernels.parent / "cache").rglob(f"outer*.{ending}"))
    assert entries
    for entry in entries:
        entry.write_bytes(entry.read_bytes()[:40])
    assert run(kernels) == (3.0, 0)
    assert run(kernels) == (3.0, 1)


def test_a_cache_folder_that_cannot_be_made_is_replaced(kernels: Path) -> None:
    (kernels.parent / "cache").write_text("a file where the folder should be")
    assert run(kernels)[0] == 3.0


def test_kernels_see_nan() -> None:
    @_jit.kernel
    def count_bad(x):  # type: ignore[no-untyped-def]
        bad = 0
        for i in range(x.size):
            bad += not np.isfinite(x[i])
        return bad

    assert count_bad(np.array([1.0, np.nan, np.inf])) == 2


def test_idle_threads_do_not_spin() -> None:
    assert os.environ["OMP_WAIT_POLICY"]


def test_as_many_threads_as_there_are_idle_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    from phasefield import api

    monkeypatch.setattr("os.cpu_count", lambda: 8)
    assert [api.idle_threads(4, others) for others in (0.0, 3.4, 4.6, 6.9, 7.9, 30.0)] == [4, 4, 3, 1, 1, 1]
    used: list[int] = []
    monkeypatch.setattr(api, "set_threads", used.append)
    monkeypatch.setattr("os.getloadavg", lambda: (7.0, 0.0, 0.0), raising=False)
    monkeypatch.setattr("time.process_time", lambda: 0.0)
    look = api.IdleThreads(4)
    monkeypatch.setattr("os.getloadavg", lambda: (1.0, 0.0, 0.0), raising=False)
    look()
    assert used == [1]  # not again at once
    look.at -= 2.0 * api.LOOK_EVERY
    look()
    assert used == [1, 4]
    api.IdleThreads(1)
    assert used == [1, 4]
