"""Compiled kernels are code: they are loaded from a folder that nobody else can write, and from no other."""

from __future__ import annotations

import logging
import os
import stat
import tempfile
from pathlib import Path

import pytest

from phasefield.machine import kernel_cache
from phasefield.machine.kernel_cache import NAME, VARIABLE, choose, unfit

NOBODY = 65534
as_root = pytest.mark.skipif(os.getuid() != 0, reason="another user's files are made by root alone")


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The user's cache, and the folder of temporary files."""
    home, temporary = tmp_path / "home", tmp_path / "tmp"
    home.mkdir()
    temporary.mkdir()
    temporary.chmod(0o1777)
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))
    monkeypatch.setenv(VARIABLE, "")
    monkeypatch.delenv(VARIABLE)
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setattr(kernel_cache, "_problem", "")
    return home, temporary


def own(temporary: Path) -> Path:
    return temporary / f"{NAME}-{os.getuid()}"


def test_a_cache_that_is_the_users_alone_is_used(places: tuple[Path, Path]) -> None:
    home, temporary = places
    choose()
    assert VARIABLE not in os.environ
    assert stat.S_IMODE((home / NAME).stat().st_mode) == 0o700
    assert not kernel_cache._problem
    assert not list(temporary.iterdir())


def test_where_it_cannot_be_written_one_folder_serves_all_processes(
    places: tuple[Path, Path], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, temporary = places
    (home / NAME).write_text("a file where the folder should be")
    for _ in range(2):  # two processes
        monkeypatch.delenv(VARIABLE, raising=False)
        choose()
        assert os.environ[VARIABLE] == str(own(temporary))
        (own(temporary) / "kept").touch()
    assert list(temporary.iterdir()) == [own(temporary)]
    assert stat.S_IMODE(own(temporary).stat().st_mode) == 0o700
    with caplog.at_level(logging.WARNING, "phasefield"):
        kernel_cache.report()
        kernel_cache.report()
    (said,) = caplog.messages
    assert said.startswith(f"compiled kernels cannot be kept: {home / NAME}: File exists. They are kept in")
    assert VARIABLE in said
    choose()  # a child
    assert not kernel_cache._problem


@pytest.mark.parametrize("below", ["", "digest", "digest/kernel.nbc"])
def test_what_others_can_write_is_not_loaded(below: str, places: tuple[Path, Path]) -> None:
    home, temporary = places
    (home / NAME / "digest").mkdir(parents=True)
    (home / NAME / "digest" / "kernel.nbc").touch()
    assert unfit(home / NAME) == ""
    place = home / NAME / below
    place.chmod(place.stat().st_mode | 0o002)
    choose()
    assert os.environ[VARIABLE] == str(own(temporary))
    assert f"{place}: others can write it; chmod -R go-w" in kernel_cache._problem
    place.chmod(place.stat().st_mode & ~0o002)
    home.chmod(0o777)  # the folder itself could be replaced
    assert unfit(home / NAME) == f"{home}: others can write it; chmod go-w {home}"


@as_root
@pytest.mark.parametrize("below", ["", "digest", "digest/kernel.nbc"])
def test_what_belongs_to_another_user_is_not_loaded(
    below: str, places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    home, temporary = places
    (home / NAME / "digest").mkdir(parents=True)
    (home / NAME / "digest" / "kernel.nbc").touch()
    os.chown(home / NAME / below, NOBODY, NOBODY)
    for given in (None, str(home)):  # and where it is asked for
        monkeypatch.delenv(VARIABLE, raising=False)
        if given is not None:
            monkeypatch.setenv(VARIABLE, given)
        choose()
        assert os.environ[VARIABLE] == str(own(temporary))
        assert "belongs to another user" in kernel_cache._problem


def test_a_folder_that_another_user_planted_is_not_used(
    places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    home, temporary = places
    monkeypatch.setattr(kernel_cache, "_alone", False)
    (home / NAME).write_text("in the way")
    (temporary / "else").mkdir()
    own(temporary).symlink_to(temporary / "else")
    assert kernel_cache.kept()
    choose()
    assert not kernel_cache.kept()
    used = Path(os.environ[VARIABLE])
    assert used.parent == temporary
    assert not used.is_symlink()
    assert used not in (own(temporary), temporary / "else")
    assert stat.S_IMODE(used.stat().st_mode) == 0o700
    used.rmdir()


def test_a_safe_cache_that_cannot_be_written_is_copied(places: tuple[Path, Path], tmp_path: Path) -> None:
    """An image's, say: it belongs to root."""
    (tmp_path / "image" / "digest").mkdir(parents=True)
    (tmp_path / "image" / "digest" / "kernel.nbc").write_text("compiled")
    folder = kernel_cache._own_folder(tmp_path / "image")
    assert (folder / NAME / "digest" / "kernel.nbc").read_text() == "compiled"
    (tmp_path / "image" / "digest").chmod(0o777)
    import shutil

    shutil.rmtree(folder)
    assert not list(kernel_cache._own_folder(tmp_path / "image").iterdir())
