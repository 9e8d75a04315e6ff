"""The commands as a user meets them: what they print, what they write, how they end."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from commands import ENDLESS, SOURCE, call, start, write_case

import phasefield
from phasefield import api
from phasefield.cli.main import main
from phasefield.errors import CaseError, PhasefieldError, ResultError, SolverError
from phasefield.simulation import progress
from phasefield.simulation.driver import Progress
from phasefield.text.formatting import console_for


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished tiny run; tests only read it."""
    folder = tmp_path_factory.mktemp("finished")
    assert call("run", write_case(folder), "--out", folder / "run", "-q") == 0
    return folder / "run"


def test_run_ends_with_a_table_and_its_files(capsys: pytest.CaptureFixture[str]) -> None:
    write_case(Path.cwd())
    assert call("run", "tiny.toml", "--threads", "1") == 0
    said = capsys.readouterr()
    assert "16 x 24 cells, 1 thread, about" in said.out
    for word in (
        "the protocol is complete",
        "voltage",
        "Sz",
        "ledger errors",
        "calibrated",
        "Why: Wagner length",
        "Results: runs/tiny",
    ):
        assert word in said.out
    assert "film.patches.spread = 0.3" in said.out
    assert said.err == ""
    names = {path.name for path in Path("runs/tiny").iterdir()}
    assert {"result.vtkhdf", "case.toml", "summary.json", "run.log", "checkpoint-a.bin"} <= names
    begun, ended = Path("runs/tiny/run.log").read_text().splitlines()  # a run of which nothing is to be told
    assert "begun: Li | PLLZ | Li, tiny; 16 x 1 x 24 cells" in begun
    assert ": end (the protocol is complete)" in ended
    assert call("show", "runs/tiny") == 0
    shown = capsys.readouterr().out
    assert re.search(r"made +20\d\d-\d\d-\d\d .* by phasefield 0", shown)
    assert "Files: case.toml, checkpoint-a.bin" in shown


def test_a_folder_that_holds_a_run_is_kept(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (finished / "result.vtkhdf").read_bytes()
    case = finished.parent / "tiny.toml"
    assert call("run", case, "--out", finished) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "--resume" in error
    assert "--overwrite" in error
    assert (finished / "result.vtkhdf").read_bytes() == before
    assert call("run", case, "--out", finished, "--resume") == 0
    assert "nothing left to do" in capsys.readouterr().out
    assert call("run", case, "--out", finished, "--resume", "-s", "film.patches.spread=0.4") == 2
    assert "another case (it differs in film.patches.spread); " in capsys.readouterr().err
    assert (finished / "result.vtkhdf").read_bytes() == before


def test_a_finished_run_goes_on_for_more_cycles(capsys: pytest.CaptureFixture[str]) -> None:
    write_case(Path.cwd())
    assert call("run", "tiny.toml", "-q") == 0
    assert call("run", "tiny.toml", "-q", "--resume", "-s", "protocol.repeat=2") == 0
    assert "the protocol is run 2 times" in Path("runs/tiny/run.log").read_text()
    assert capsys.readouterr().err == ""
    with phasefield.open_run("runs/tiny") as run:
        assert run.series["cycle"][-1] == 2
        assert run.series["time"][-1] == 14400.0
    assert call("run", "tiny.toml", "--resume", "-s", "protocol.repeat=2") == 0
    assert "nothing left to do" in capsys.readouterr().out
    assert call("run", "tiny.toml", "--resume") == 2
    assert "give at least -s protocol.repeat=2" in capsys.readouterr().err


def test_overwrite_starts_again(capsys: pytest.CaptureFixture[str]) -> None:
    write_case(Path.cwd())
    assert call("run", "tiny.toml", "-q", "-s", 'protocol.steps=[{rest="1 h"}]') == 0
    assert call("run", "tiny.toml", "-q", "--overwrite") == 0
    assert capsys.readouterr().out == ""
    with phasefield.open_run("runs/tiny") as run:
        assert run.series["time"][-1] == 7200.0


WRONG = [
    (["run", "nocase.toml"], "nocase.toml: no such file"),
    (["run", "pllzz"], "did you mean 'pllz'?"),
    (["run", "tiny.toml", "-s", "protocol.repeat=0"], "protocol.repeat"),
    (["run", "tiny.toml", "-s", "nonsense"], "key=value"),
    (["run", "tiny.toml", "--threads", "0"], "give 1 to"),
    (["run", "tiny.toml", "--threads", "100000"], "give 1 to"),
    (["run", "tiny.toml", "--walltime", "5"], "--walltime: '5' has no unit"),
    (["run", "tiny.toml", "--resume"], "no run that can be resumed"),
    (["run", "tiny.toml", "--out", "tiny.toml"], "no folder"),
    (["check", "bad.toml"], "bad.toml:4: grid.sise: unknown key; did you mean 'size'?"),
    (["run", "bad.toml"], "bad.toml:4"),
    (["compare", "tiny.toml", "bad.toml"], "bad.toml:4"),
    (["compare", "tiny.toml", "--threads", "0"], "give 1 to"),
    (["compare", "tiny.toml", "--out", "tiny.toml"], "tiny.toml: is no folder"),
    (["roughness", "nowhere"], "holds no result.vtkhdf"),
    (["render", "nowhere"], "holds no result.vtkhdf"),
    (["export", "."], "holds no result.vtkhdf"),
    (["cases", "--copy", "plz9"], "did you mean"),
]


@pytest.mark.parametrize(("words", "text"), WRONG)
def test_wrong_input_is_one_line_and_writes_nothing(
    words: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    case = write_case(Path.cwd())
    Path("bad.toml").write_text(case.read_text().replace("size = [", "sise = [", 1))
    before = sorted(Path.cwd().rglob("*"))
    assert call(*words) == 2
    said = capsys.readouterr()
    assert said.err.count("\n") == 1
    assert text in said.err
    assert sorted(Path.cwd().rglob("*")) == before


def test_a_failed_run_ends_with_1_and_keeps_what_it_reached(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: object) -> None:
        raise SolverError("no luck", "a test")

    write_case(Path.cwd())
    monkeypatch.setattr("phasefield.model.level_set.LevelSetLaw.step", fails)
    assert call("run", "tiny.toml") == 1
    said = capsys.readouterr()
    assert "runs/tiny: the run failed: no step succeeds" in said.err
    assert said.err.count("\n") == 1
    with phasefield.open_run("runs/tiny") as run:
        assert not run.finished
        assert run.n_frames == 1
    with pytest.raises(SolverError, match="no step succeeds"):
        phasefield.run("tiny.toml", out="again")


def test_a_bug_is_one_line_and_debug_shows_where(
    finished: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def breaks(*_: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("phasefield.results.export.export_run", breaks)
    assert call("export", finished) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "this is a bug (ZeroDivisionError: oops)" in error
    assert call("export", finished, "--debug") == 1
    assert "Traceback" in capsys.readouterr().err


def test_walltime_stops_and_the_command_that_it_names_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    write_case(Path.cwd())
    assert call("run", "tiny.toml", "-q", "--out", "whole") == 0
    assert call("run", "tiny.toml", "-q", "--out", "a b", "--walltime", "1 us") == 75
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    again = re.search(r"continue with: (phasefield run tiny.toml --out 'a b' --resume)$", error.strip())
    assert again, error
    assert not Path("a b/summary.json").exists()
    assert call("run", "tiny.toml", "--out", "a b", "--resume", "-q") == 0
    with phasefield.open_run("whole") as whole, phasefield.open_run("a b") as parts:
        for name, column in whole.series.items():
            np.testing.assert_array_equal(column, parts.series[name], err_msg=name)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_says_how_to_resume(number: signal.Signals, tmp_path: Path) -> None:
    write_case(tmp_path)
    child = start(tmp_path, "run", "tiny.toml", *ENDLESS, progress="json")
    assert child.stdout is not None
    report = json.loads(child.stdout.readline())
    assert {"time", "planned", "cycle", "cycles", "voltage", "Sz", "step"} <= set(report)
    child.send_signal(number)
    _, error = child.communicate(timeout=60)
    assert child.returncode == 75
    assert error.count("\n") == 1
    assert "--resume" in error
    with phasefield.open_run(tmp_path / "runs/tiny") as run:
        reached = run.series["time"][-1]
    assert reached >= report["time"]
    words = ["run", "tiny.toml", *ENDLESS, "--resume", "-q", "--walltime", "1 us"]
    assert call(*words) == 75
    with phasefield.open_run("runs/tiny") as run:
        assert run.series["time"][-1] > reached


def test_a_parent_changes_the_number_of_threads(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("2\n\nnonsense\n1\n"))
    wished: list[int] = []
    shown = progress.display("json", console_for(), wished.append)
    patience = time.monotonic() + 10
    report = Progress(3600.0, 7200.0, 1, 2, 0.16, 2e-6, 3, 600.0, 1.0)
    while len(wished) < 2 and time.monotonic() < patience:
        shown(report)
    assert wished == [2, 1]
    assert json.loads(capsys.readouterr().out.splitlines()[0])["voltage"] == 0.16


def test_a_run_stops_when_nobody_reads_its_reports(tmp_path: Path) -> None:
    write_case(tmp_path)
    child = start(tmp_path, "run", "tiny.toml", *ENDLESS, progress="json")
    assert child.stdout is not None
    child.stdout.readline()
    child.stdout.close()
    assert child.wait(timeout=60) == 75
    assert child.stderr is not None
    child.stderr.close()


def test_a_start_that_was_cut_short_counts_as_empty() -> None:
    write_case(Path.cwd())
    assert call("run", "tiny.toml", "-q", "--walltime", "1 us") == 75
    for path in Path("runs/tiny").glob("checkpoint*"):
        path.unlink()
    assert call("run", "tiny.toml", "-q") == 0


def test_check_says_what_to_expect(capsys: pytest.CaptureFixture[str]) -> None:
    write_case(Path.cwd())
    assert call("check", "tiny.toml", "-s", 'film.patches.size="4 um"') == 0
    said = capsys.readouterr().out
    for word in ("Wagner length", "j / j_lim", "Sand's time", "critical wavelength", "cells per interface",
                 "steps", "memory", "wall time", "calibrated", "tiny.toml: valid, 1 warning"):  # fmt: skip
        assert word in said, word
    assert "warning: cells per patch = 2" in said
    assert not Path("runs").exists()


def test_roughness_prints_and_gives_json(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("roughness", finished, "--frame", "0") == 0
    said = capsys.readouterr().out
    assert re.search(r"Sz\s+1\.9\d?\s+1\.9\d?\s+um", said), said  # peak to valley of a wave of 1 um
    assert call("roughness", finished, "--json", "--raw") == 0
    figures = json.loads(capsys.readouterr().out)
    with phasefield.open_run(finished) as run:
        assert figures["raw"]["Sz"] == pytest.approx(run.series["Sz"][-1])
        assert figures["time"] == run.times[-1]
    assert "levelled" not in figures
    assert call("roughness", finished, "--frame", "9") == 2
    assert "it holds frames 0 to 2" in capsys.readouterr().err


def test_export_and_render_write_where_they_say(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("export", finished) == 0
    xdmf, series = capsys.readouterr().out.split()
    assert Path(xdmf).read_text().startswith("<?xml")
    assert next(csv.reader(Path(series).read_text().splitlines()))[0] == "time [s]"
    assert call("render", finished, "--out", tmp_path / "pictures") == 0
    made = [Path(line) for line in capsys.readouterr().out.split()]
    assert [path.name for path in made] == ["section.png", "plate.png", "series.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in made)


def test_a_place_that_cannot_be_written_is_one_line(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("taken").write_text("a file")
    assert call("render", finished, "--out", "taken") == 2
    error = capsys.readouterr().err
    assert error.startswith("taken")
    assert error.count("\n") == 1


def test_cases_are_listed_and_copied(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("cases") == 0
    said = capsys.readouterr().out
    assert "pllz" in said
    assert "Li | PLL | Li" in said
    assert call("cases", "--copy", "pllz", "--to", "mine") == 0
    assert Path(capsys.readouterr().out.strip()) == Path("mine/pllz.toml")
    assert phasefield.read_case("mine/pllz.toml") == phasefield.read_case("pllz")
    assert call("cases", "--copy", "pllz", "--to", "mine") == 2


def test_the_library_does_the_same(finished: Path) -> None:
    case = phasefield.read_case(finished.parent / "tiny.toml")
    seen: list[float] = []
    with phasefield.run(case, out="mine", threads=1, progress=lambda p: seen.append(p.time)) as run:
        assert seen == run.series["time"][1:].tolist()
        with phasefield.open_run(finished) as other:
            np.testing.assert_array_equal(run.series["voltage"], other.series["voltage"])
    with pytest.raises(ResultError, match="holds a run"):
        phasefield.run(case, out="mine")
    with pytest.raises(PhasefieldError, match="threads"):
        phasefield.run(case, out="other", threads=-1)
    with pytest.raises(CaseError, match="no such file"):
        phasefield.read_case("nothing")
    assert phasefield.read_case("mine") == case  # the case of a run folder
    assert api.default_folder(case) == Path("runs/tiny")
    assert api.default_folder(phasefield.read_case("mine")) == Path("mine").absolute()


def test_a_file_goes_before_a_shipped_case() -> None:
    write_case(Path.cwd(), "pllz")
    assert phasefield.read_case("pllz.toml").title == "Li | PLLZ | Li, tiny"
    assert phasefield.read_case("pllz").title != "Li | PLLZ | Li, tiny"
    Path("pll").mkdir()
    assert phasefield.read_case("pll").electrolyte.name == "PLL"


def test_help_is_quick_and_needs_nothing_heavy() -> None:
    code = "import sys; sys.argv = ['phasefield', '--help']\n"
    code += "try:\n    from phasefield.cli.main import main; main()\nexcept SystemExit: pass\n"
    code += "print([m for m in ('numba', 'numpy', 'pint', 'pydantic', 'vtk', 'h5py') if m in sys.modules])"
    begun = time.monotonic()
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert time.monotonic() - begun < 3.0  # 0.25 s alone on the machine
    assert done.stdout.strip().endswith("[]")
    assert "compare" in done.stdout


def test_plain_lines_say_time_cycle_voltage_sz_and_time_left() -> None:
    report = {
        "time": 3600.0,
        "planned": 7200.0,
        "cycle": 1,
        "cycles": 2,
        "voltage": 0.16,
        "Sz": 2e-6,
        "step": 3,
    }
    assert progress.progress_line(report, 75.0) == "1 h of 2 h, cycle 1/2, 160 mV, Sz 2 um, step 3, 1 min 15 s left"
    assert progress.progress_line({**report, "planned": None, "cycles": 1}, None) == "1 h, 160 mV, Sz 2 um, step 3"
    assert [progress.spell_wall(s) for s in (3.21, 59.7, 3725)] == ["3.2 s", "1 min 00 s", "1 h 02 min"]


def test_time_left_counts_from_the_first_report(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([100.0, 110.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(now))
    clock = progress.Clock()
    assert clock.left(1000.0, 4000.0) is None  # resumed at 1000 s
    assert clock.left(2000.0, 4000.0) == pytest.approx(20.0)


def test_version_and_no_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--version") == 0
    assert capsys.readouterr().out.strip() == f"phasefield {phasefield.__version__}"
    with pytest.raises(SystemExit) as end:
        main([])
    assert end.value.code in (0, 2)
    assert "Begin with" in "".join(capsys.readouterr())
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = phasefield.nothing


def test_kernels_that_no_folder_keeps_are_not_compiled_in_vain(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def compile_kernels() -> None:
        pytest.fail("compiled what is thrown away")

    monkeypatch.setattr("phasefield.machine.kernel_cache._alone", True)
    monkeypatch.setattr(api, "compile_kernels", compile_kernels)
    assert call("warm") == 2
    said = capsys.readouterr()
    assert "NUMBA_CACHE_DIR" in said.err
    assert said.err.count("\n") == 1
    assert not said.out
