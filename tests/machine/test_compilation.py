"""What is said of the kernels' compilation: counted by numba's events, announced, and left out of times."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numba
import pytest

from phasefield.kernels import _jit
from phasefield.machine import compilation
from phasefield.machine.compilation import KERNELS, CompilationTally, NotCompiledError, watched
from phasefield.simulation import progress
from phasefield.simulation.driver import Progress
from phasefield.simulation.progress import (
    Clock,
    Count,
    JsonLines,
    Several,
    compilation_ahead,
    compilation_line,
)
from phasefield.text.formatting import console_for


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (compilation, progress):
        monkeypatch.setattr(module, "slowdown", lambda: 1.0)


@pytest.fixture
def cold(monkeypatch: pytest.MonkeyPatch, idle: None) -> None:
    """No kernel is kept from an earlier time."""
    monkeypatch.setattr(_jit, "compiled", lambda: False)


def test_kernels_are_counted_as_numba_compiles_them() -> None:
    told: list[tuple[int, float]] = []

    def kernel(x: float) -> float:
        return x + 1.0

    kernel.__module__ = "phasefield.kernels.front"
    with compilation.refused(), pytest.raises(compilation.NotCompiledError):
        numba.njit(kernel)(1.0)
    with watched(lambda kernels, seconds: told.append((kernels, seconds))):
        assert numba.njit(kernel)(1.0) == 2.0
        assert numba.njit(kernel)(1) == 2.0
    assert [kernels for kernels, _ in told] == [1, 2]
    assert 0.0 < told[0][1] < told[1][1]
    numba.njit(kernel)(1 + 1j)
    assert len(told) == 2, "nobody is told after the context"


def test_a_kernel_inside_another_takes_no_time_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([10.0, 15.0])
    monkeypatch.setattr(compilation.time, "monotonic", lambda: next(now))
    tally = CompilationTally()
    tally.start()
    tally.start()
    tally.end("phasefield.kernels.front")
    tally.end("numba.np.arrayobj")
    assert (tally.kernels, tally.seconds) == (1, 5.0)


def test_a_cold_start_is_announced_with_its_time(cold: None) -> None:
    assert compilation_ahead() == "compiling once, about 1 min 32 s"
    assert compilation_line(4, 9.0, True) == f"compiling once: 4 of about {KERNELS} kernels, 1 min 30 s left"
    assert compilation_line(50, 50.0, True) == f"compiling once: 50 of about {KERNELS} kernels, 2 min 14 s left"
    assert compilation_line(3, 1.5, False) == "compiling: 3 kernels, 1.5 s"


def test_kernels_that_are_kept_are_not_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_jit, "compiled", lambda: True)
    assert compilation_ahead() == ""


@pytest.mark.parametrize("bars", [True, False])
def test_displays_show_how_far_it_is(bars: bool, cold: None, capsys: pytest.CaptureFixture[str]) -> None:
    with Several(console_for(), [""], bars) as one:
        one.compiling(50, 50.0)
    assert "50 of about" in capsys.readouterr().out
    with Count(console_for(), 9, bars) as many:
        many.show_compiling("a", 50, 50.0)
    assert "50 of about" in capsys.readouterr().out
    JsonLines().compiling(50, 50.0)
    assert capsys.readouterr().out == '{"kernels": 50, "compiling": 50.0}\n'


def test_time_left_does_not_count_compilation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten seconds for a quarter of the run, besides forty in which a kernel was compiled."""
    now = iter([100.0, 150.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(now))
    clock = Clock()
    assert clock.left(0.0, 4000.0, compiling=3.0) is None
    assert clock.left(1000.0, 4000.0, compiling=43.0) == pytest.approx(30.0)


def test_a_child_that_compiles_has_not_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next run begins when the one before has its kernels: a report of the compilation is none of a step."""
    from phasefield.machine import processes

    program = """import sys, time, pathlib
out = pathlib.Path(sys.argv[sys.argv.index("--out") + 1])
print('{"kernels": 5, "compiling": 2.0}', flush=True)
time.sleep(0.5)
(out.parent / f"{out.name}-alone").write_text(str(len(list(out.parent.glob("*-began")))))
(out.parent / f"{out.name}-began").touch()
print('{"step": 1}', flush=True)
"""
    script = tmp_path / "child.py"
    script.write_text(program)
    popen = processes.subprocess.Popen
    monkeypatch.setattr(
        processes.subprocess, "Popen",
        lambda command, **given: popen([sys.executable, str(script), *command[4:]], **given),
    )  # fmt: skip
    jobs = [processes.Job(name, tmp_path / name, []) for name in "ab"]
    seen: list[tuple[str, str]] = []
    processes.run_all(jobs, 2, 2, lambda name, report: seen.append((name, next(iter(report)))))
    assert (tmp_path / "b-alone").read_text() == "1", "b began when a had taken a step"
    assert seen[:2] == [("a", "kernels"), ("a", "step")]


def test_a_study_leaves_compilation_out_of_the_time_left(cold: None) -> None:
    from types import SimpleNamespace
    from typing import Any

    from phasefield.studies.sweep.shown import Board
    from phasefield.studies.sweep.worker import Done

    points: Any = [(SimpleNamespace(number=k), SimpleNamespace(seconds=10.0)) for k in range(3)]
    board = Board(console_for(), SimpleNamespace(waiting=points))  # type: ignore[arg-type]
    board({"number": 0, "kernels": 50, "compiling": 50.0})
    assert "50 of about" in board._line()
    board({"done": Done(0, "done", wall=110.0, compiling=90.0)})
    assert board.left() == pytest.approx(40.0)  # two runs that take twice what was estimated, as the first did
    assert "compiling" not in board._line()


def test_the_wall_time_of_a_run_is_without_compilation(tmp_path: Path) -> None:
    from commands import write_case

    from phasefield.api import read_case, run
    from phasefield.machine.compilation import TALLY

    began = time.monotonic()

    def compiles(report: Progress) -> None:
        if report.step == 1:
            TALLY.start()
            time.sleep(1.0)
            TALLY.end("phasefield.kernels.front")

    with run(read_case(write_case(tmp_path)), tmp_path / "run", threads=1, progress=compiles) as stored:
        whole = time.monotonic() - began
        assert stored.summary["wall_time"] <= whole - 1.0
        assert stored.summary["wall_time"] == pytest.approx(
            stored.summary["steps"] * stored.summary["seconds_per_step"]
        )


def test_a_refused_compilation_leaves_the_clock_right() -> None:
    """numba tells of an end after each begin, also of one that raised."""

    @numba.njit
    def one(x: float) -> float:
        return x + 1.0

    before = compilation.TALLY.depth, compilation.TALLY.kernels, compilation.TALLY.seconds
    with pytest.raises(NotCompiledError), compilation.refused():
        one(1.0)
    assert (compilation.TALLY.depth, compilation.TALLY.kernels, compilation.TALLY.seconds) == before
