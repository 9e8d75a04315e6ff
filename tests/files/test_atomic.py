"""Files are replaced at once or not at all, and nothing that stands in a file's place is followed or waited for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from planted import VICTIM, planted, untouched

from phasefield.errors import DiskFullError, ResultError
from phasefield.files import atomic


@pytest.mark.parametrize("kind", ["link", "dangling link", "hard link", "pipe"])
def test_nothing_planted_under_a_temporary_name_is_followed(tmp_path: Path, kind: str) -> None:
    victim = planted(tmp_path / ".series.csv.part", kind)
    atomic.replace_text(tmp_path / "series.csv", "new")
    assert (tmp_path / "series.csv").read_text() == "new"
    assert untouched(victim)


@pytest.mark.parametrize("kind", ["link", "dangling link", "hard link"])
def test_a_link_of_the_files_own_name_is_replaced(tmp_path: Path, kind: str) -> None:
    victim = planted(tmp_path / "series.csv", kind)
    atomic.replace_text(tmp_path / "series.csv", "new")
    assert (tmp_path / "series.csv").read_text() == "new"
    assert not (tmp_path / "series.csv").is_symlink()
    assert untouched(victim)


@pytest.mark.parametrize(("kind", "says"), [("pipe", "a pipe"), ("socket", "a socket"), ("folder", "a folder")])
def test_what_is_no_file_is_not_replaced(tmp_path: Path, kind: str, says: str) -> None:
    path = tmp_path / "series.csv"
    planted(path, kind)
    with pytest.raises(ResultError, match=rf"series\.csv: is {says}, and no file; remove or rename it"):
        atomic.replace_text(path, "new")
    assert not path.is_file()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["series.csv", "victim.txt"]


def test_a_device_is_not_replaced() -> None:
    with pytest.raises(ResultError, match="/dev/null: is a device"):
        atomic.replace_text(Path("/dev/null"), "new")
    assert not Path("/dev/null").is_file()


@pytest.mark.parametrize("kind", ["pipe", "socket", "folder"])
@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_WRONLY | os.O_CREAT | os.O_APPEND])
def test_what_is_no_plain_file_is_not_opened(tmp_path: Path, kind: str, flags: int) -> None:
    planted(tmp_path / "run.log", kind)
    with pytest.raises(ResultError, match=r"run\.log: is a .*remove or rename it"):
        atomic.open_plain(tmp_path / "run.log", flags)


def test_a_link_is_read_and_never_written(tmp_path: Path) -> None:
    victim = planted(tmp_path / "run.log", "link")
    assert atomic.read_plain(tmp_path / "run.log") == VICTIM.encode()
    (tmp_path / "other.log").hardlink_to(victim)
    for name, says in (("run.log", "a link"), ("other.log", "a hard link")):
        with pytest.raises(ResultError, match=says):
            atomic.open_plain(tmp_path / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    assert untouched(victim)


def test_a_file_larger_than_any_of_the_program_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    path.write_bytes(bytes(1001))
    assert len(atomic.read_plain(path, 1001)) == 1001
    with pytest.raises(ResultError, match="larger than"):
        atomic.read_plain(path, 1000)


def test_only_temporary_files_of_the_program_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    def dies(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", dies)
        patch.setattr(Path, "unlink", lambda *_, **__: None)  # a killed process cleans nothing
        with pytest.raises(Killed):
            atomic.replace_text(tmp_path / "series.csv", "new")
    (left,) = tmp_path.iterdir()
    others = [".mine.part", "mine.0123456789abcdef.part", ".mine.0123456789ABCDEF.part", "series.csv"]
    for name in others:
        (tmp_path / name).write_text("a user's")
    folder, link = tmp_path / ".a.0123456789abcdef.part", tmp_path / ".b.0123456789abcdef.part"
    folder.mkdir()
    link.symlink_to(tmp_path / "series.csv")
    atomic.clear_parts(tmp_path)
    assert not left.exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([*others, folder.name, link.name])


def test_two_writers_of_one_name_have_names_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One writer begins while another of the same file is at work: both end with whole content."""
    replace, inner = os.replace, ["first", "second"]

    def nested(source: str, target: str) -> None:
        if inner:
            text = inner.pop()
            atomic.replace_text(tmp_path / "series.csv", text)
        replace(source, target)

    monkeypatch.setattr(os, "replace", nested)
    atomic.replace_text(tmp_path / "series.csv", "outer")
    assert (tmp_path / "series.csv").read_text() == "outer"
    assert [p.name for p in tmp_path.iterdir()] == ["series.csv"]


def test_a_long_name_is_written(tmp_path: Path) -> None:
    path = tmp_path / ("\u00b5" * 120 + ".csv")  # 244 of the 255 bytes that a name may have
    atomic.replace_text(path, "new")
    assert path.read_text() == "new"


def test_a_full_disk_says_what_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "series.csv"
    monkeypatch.setattr(atomic, "free_space", lambda folder: 0)
    with pytest.raises(DiskFullError, match=r"no space to write series.csv: 0\.0 MB needed, 0\.0 MB free; make room$"):
        atomic.replace_text(path, "new")
    path.write_text("old")
    with pytest.raises(DiskFullError, match=r"the earlier file is kept; make room$"):
        atomic.replace_text(path, "new")
    assert path.read_text() == "old"


def test_a_limit_on_the_size_of_files_is_a_full_disk(tmp_path: Path) -> None:
    program = (
        "import resource, sys\nfrom pathlib import Path\nfrom phasefield.files import atomic\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try: atomic.replace_bytes(Path(sys.argv[1]), bytes(5000))\n"
        "except atomic.DiskFullError as error: print(error)\n"
    )
    path = tmp_path / "series.csv"
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)
    assert "are more than this process may write; raise `ulimit -f`" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_files_replaced_by_another_content_are_noted(tmp_path: Path) -> None:
    for name in ("same", "other"):
        atomic.replace_text(tmp_path / name, name)
    with atomic.replaced_files() as found:
        for name, texts in {"same": ["same"], "other": ["another", "a third"], "new": ["one", "two"]}.items():
            for text in texts:
                atomic.replace_text(tmp_path / name, text)
        with atomic.replaced_files():
            atomic.replace_text(tmp_path / "same", "of nobody's interest")
    atomic.replace_text(tmp_path / "same", "same")
    assert found.files == [tmp_path / "other"]
