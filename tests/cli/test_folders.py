"""Commands on folders that others use: two at once, planted files, signals, full disks, damaged results."""

from __future__ import annotations

import errno
import os
import pty
import re
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import pytest
from commands import ENDLESS, SOURCE, call, start, write_case

import phasefield
from phasefield.files.locks import LOCK
from phasefield.machine.processes import STOP_SIGNALS
from phasefield.results.writer import RESULT


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("once")
    assert call("run", write_case(folder), "--out", folder / "run", "-q") == 0
    return folder / "run"


@pytest.fixture
def finished(once: Path, tmp_path: Path) -> Path:
    """Return a copy of a finished run."""
    return Path(shutil.copytree(once, tmp_path / "run"))


@contextmanager
def going_on(folder: str, *words: object) -> Iterator[subprocess.Popen[str]]:
    """Let a run without end go on in a process of its own until the context ends."""
    with start(Path.cwd(), "run", "tiny.toml", "--out", folder, *ENDLESS, *words, progress="json") as process:
        assert process.stdout is not None
        assert "step" in process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


def test_a_second_run_in_a_folder_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    write_case(Path.cwd())
    with going_on("a") as process:
        for word in ("--resume", "--overwrite", "-q"):  # the last: the folder holds a run, and who makes it counts more
            before = sorted(path.name for path in Path("a").iterdir() if not path.name.endswith(".part"))
            assert call("run", "tiny.toml", "--out", "a", *ENDLESS, word) == 2
            said = capsys.readouterr().err
            assert said.count("\n") == 1
            assert re.search(rf"^a: `phasefield run tiny.toml --out a .*` \(process {process.pid} on \S+ since ", said)
            assert sorted(path.name for path in Path("a").iterdir() if not path.name.endswith(".part")) == before
        with pytest.raises(phasefield.api.ResultError, match=f"process {process.pid} on"):
            phasefield.run("tiny.toml", "a", overwrite=True)
        assert process.poll() is None


def test_a_run_that_is_compared_while_another_makes_it_is_wrong_input(capsys: pytest.CaptureFixture[str]) -> None:
    write_case(Path.cwd())
    with going_on("runs/tiny"):
        words = [word for word in ENDLESS if word != "-s"]
        assert call("compare", "tiny.toml", "-q", "-s", words[0], "-s", words[1]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "writes into it" in said


def test_side_files_wait_for_the_run_or_are_written_elsewhere(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from phasefield.files.locks import folder_locked

    program = (
        "import sys; from pathlib import Path; from phasefield.files.locks import folder_locked\n"
        "with folder_locked(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    before = sorted(path.name for path in finished.iterdir())
    with subprocess.Popen(
        [sys.executable, "-c", program, str(finished)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        for words, elsewhere in ((["render"], True), (["html"], True), (["export"], False),
                                 (["export", "--heights", "csv"], False)):  # fmt: skip
            assert call(words[0], finished, *words[1:]) == 2
            said = capsys.readouterr().err
            assert f"process {holder.pid} on" in said
            assert ("write elsewhere by --out" in said) == elsewhere
        assert call("html", finished, "--out", "page.html") == 0
        assert call("roughness", finished, "--json") == 0
        assert holder.stdin is not None
        holder.stdin.close()
    assert sorted(path.name for path in finished.iterdir()) == before
    with folder_locked(finished):
        pass


def test_planted_links_are_not_followed(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    victim = Path("victim")
    victim.write_text("mine")
    for name in ("series.csv", ".series.csv.part", ".result.xdmf.part", ".page.html.part", ".surface.part.png"):
        (finished / name).symlink_to(victim.resolve())
    assert call("export", finished) == 0
    assert call("html", finished) == 0
    assert victim.read_text() == "mine"
    assert (finished / "series.csv").read_text().startswith("time [s]")
    for plant in (lambda log: log.symlink_to(victim.resolve()), lambda log: log.hardlink_to(victim), os.mkfifo):
        (finished / "run.log").unlink()
        plant(finished / "run.log")
        assert call("run", "--out", finished, finished / "case.toml", "--overwrite", "-q") == 2
        assert re.search(r"run\.log: is a .*\n$", capsys.readouterr().err)
        assert victim.read_text() == "mine"
    with phasefield.open_run(finished) as run:
        assert run.finished, "the refused command has replaced nothing"


def test_a_page_does_not_take_the_place_of_a_device(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("html", finished, "--out", "/dev/null") == 2
    assert "/dev/null: is a device" in capsys.readouterr().err


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_every_signal_to_stop_saves(number: signal.Signals) -> None:
    write_case(Path.cwd())
    with going_on("a", "--threads", "1") as process:
        process.send_signal(number)
        _, error = process.communicate()
        assert process.returncode == 75
    assert number.name in error
    assert error.strip().endswith("--resume")
    assert call("run", "tiny.toml", "--out", "a", *ENDLESS, "--resume", "-q", "--walltime", "1 us") == 75


def test_a_closed_terminal_saves(tmp_path: Path) -> None:
    """The program is the terminal's only one: the terminal ends, which is SIGHUP, and writing to it fails."""
    write_case(Path.cwd())
    pid, terminal = pty.fork()
    if pid == 0:  # pragma: no cover  the child
        os.environ["PYTHONPATH"] = str(SOURCE)
        words = ["-m", "phasefield", "run", "tiny.toml", "--out", "a", *ENDLESS]
        os.execv(sys.executable, [sys.executable, *words])
    seen = b""
    while not re.search(rb"step \d", seen):
        seen += os.read(terminal, 4096)
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) in (75, 120), "120: Python cannot empty a buffer for the terminal"
    with phasefield.open_run("a") as run:
        held = run.n_steps
    assert held > 1
    assert call("run", "tiny.toml", "--out", "a", *ENDLESS, "--resume", "-q", "--walltime", "1 us") == 75
    with phasefield.open_run("a") as run:
        assert run.n_steps == held + 1


def test_nohup_lets_a_run_go_on() -> None:
    write_case(Path.cwd())
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # what nohup does; a child has it, too
    try:
        with going_on("a") as process:
            process.send_signal(signal.SIGHUP)
            assert process.stdout is not None
            for _ in range(5):
                assert "step" in process.stdout.readline()
            process.terminate()
            _, error = process.communicate()
            assert "SIGTERM" in error
    finally:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


def limited(*words: str, size: int) -> subprocess.CompletedProcess[str]:
    """Run a command that may write no file larger than `size` bytes: every larger one finds a full disk."""
    return subprocess.run(
        [sys.executable, "-m", "phasefield", *words],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_disk_full_at_the_start_advises_what_works() -> None:
    write_case(Path.cwd())
    done = limited("run", "tiny.toml", "--out", "a", "-q", size=20_000)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.endswith("raise `ulimit -f`; then start again with: phasefield run tiny.toml --out a\n")
    assert not [path for path in Path("a").iterdir() if path.name.endswith(".part")]
    assert call("run", "tiny.toml", "--out", "a", "-q") == 0


def test_a_disk_full_later_advises_to_resume(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    from phasefield.results.writer import RunWriter
    from phasefield.simulation.driver import Driver

    check, save = Driver._check_events, RunWriter.save

    def full(driver: Driver) -> Any:
        def fails(*_: object) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        def saves(writer: RunWriter, *frame: Any) -> None:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(os, "fsync", fails)
                save(writer, *frame)

        if driver.control.steps == 3:
            patch.setattr(RunWriter, "save", saves)
        return check(driver)

    write_case(Path.cwd())
    with monkeypatch.context() as patch:
        patch.setattr(Driver, "_check_events", full)
        code = call("run", "tiny.toml", "--out", "a", "-q")
    said = capsys.readouterr().err
    assert code == 1
    assert said.endswith("then continue with: phasefield run tiny.toml --out a --resume\n")
    assert call("run", "tiny.toml", "--out", "a", "--resume", "-q") == 0


@pytest.mark.parametrize("words", [["render"], ["html"], ["export"], ["render", "--movie", "time"]])
def test_a_full_disk_is_no_bug(finished: Path, words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    from phasefield.files import atomic

    monkeypatch.setattr(atomic, "free_space", lambda folder: 0)
    before = sorted(path.name for path in finished.iterdir() if path.name != LOCK)
    assert call(words[0], finished, *words[1:]) == 1
    said = capsys.readouterr().err
    assert "no space to write" in said
    assert "this is a bug" not in said
    assert sorted(path.name for path in finished.iterdir() if path.name != LOCK) == before


def test_an_error_of_the_system_without_a_file_is_no_bug(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    def fails() -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("phasefield.cases.titles", fails)
    assert call("cases") == 1
    assert capsys.readouterr().err == "Input/output error\n"


@pytest.mark.parametrize("name", ["...toml", "..toml", "....toml"])
def test_nothing_is_written_beside_the_out_folder(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`...toml` without its ending is `..`, the folder above."""
    text = write_case(Path.cwd()).read_text()
    Path("cases").mkdir()
    (Path("cases") / name).write_text(text)
    (Path("cases") / "study").mkdir()
    study = 'title = "s"\nbase = "pllz"\n[axes]\n"protocol.repeat" = [1, 2]\n'
    (Path("cases") / "study" / name).write_text(study)
    for words in (["run", f"cases/{name}"], ["compare", f"cases/{name}", "--out", "out"],
                  ["study", f"cases/study/{name}", "--out", "out"]):  # fmt: skip
        before = sorted(Path.cwd().rglob("*"))
        assert call(*words, "-q") == 2
        said = capsys.readouterr().err
        assert "its name leaves none for a folder; rename the file" in said
        assert sorted(Path.cwd().rglob("*")) == before


def test_a_damaged_run_is_shown_and_not_called_finished(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("show", finished) == 0
    assert "Results: " in capsys.readouterr().out
    with h5py.File(finished / RESULT) as file:
        at = file["VTKHDF/CellData/xi"].id.get_chunk_info(1).byte_offset + 20
    data = bytearray((finished / RESULT).read_bytes())
    data[at] ^= 4
    (finished / RESULT).write_bytes(data)
    for words in (["show", finished], ["run", finished / "case.toml", "--out", finished, "--resume"]):
        assert call(*words) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert "is damaged: frame 1: the field xi cannot be read; the rest can be used" in said
    assert call("roughness", finished) == 0
