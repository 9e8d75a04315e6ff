"""Where compiled kernels are kept: code is loaded from there, so it is a folder that nobody else can write."""

from __future__ import annotations

import atexit
import grp
import logging
import os
import pwd
import shutil
import stat
import tempfile
from pathlib import Path

NAME = "lithium-phasefield"
VARIABLE = "NUMBA_CACHE_DIR"  # where the kernels look first, before the user's cache

_problem = ""
_alone = False  # whether kernels are compiled for this process alone


def choose() -> None:
    """Lead the kernels, before they are imported, to a cache that this user can write, and nobody else.

    That is the folder of NUMBA_CACHE_DIR, the user's cache, or the user's own folder beside temporary files.
    """
    global _problem
    given = os.environ.get(VARIABLE)
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    problems = [unfit(Path(given) / NAME)] if given else []
    if not all(problems):
        return
    problems.append(unfit(home / NAME))
    if not problems[-1]:
        os.environ.pop(VARIABLE, None)
    else:
        os.environ[VARIABLE] = str(_own_folder(Path(given) / NAME if given else None))
    if any(problems):
        used = os.environ.get(VARIABLE, home)
        _problem = (
            f"compiled kernels cannot be kept: {'; '.join(filter(None, problems))}. They are kept in {used} now; mend "
            f"that, or set {VARIABLE} to a folder that is yours alone"
        )


def kept() -> bool:
    """Return whether kernels that are compiled now serve later processes, too."""
    return not _alone


def report() -> None:
    """Log, once in a process, why compiled kernels are not kept where they belong."""
    global _problem
    if _problem:
        logging.getLogger("phasefield").warning(_problem)
        _problem = ""


def unfit(folder: Path) -> str:
    """Return why compiled code cannot be kept in a folder, or not be trusted there; empty if it can."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        reason = untrusted(folder, {os.getuid()})
        if not reason:
            with tempfile.TemporaryFile(dir=folder):
                pass
    except OSError as error:
        return f"{folder}: {error.strerror}"
    return reason


def untrusted(folder: Path, owners: set[int]) -> str:
    """Return why code in a folder may not be its owners', or be changed by others; empty if it is safe."""
    real = folder.resolve(strict=True)
    for above in real.parents:
        about = above.stat()
        if about.st_uid not in (0, os.getuid()) or (_others_write(about) and not about.st_mode & stat.S_ISVTX):
            return f"{above}: others can write it; chmod go-w {above}"
    for below, folders, files in os.walk(real):
        for path in (Path(below), *(Path(below) / name for name in (*folders, *files))):
            about = path.lstat()
            if about.st_uid not in owners:
                return f"{path}: belongs to another user; remove it"
            if not stat.S_ISLNK(about.st_mode) and _others_write(about):
                return f"{path}: others can write it; chmod -R go-w {folder}, or remove it"
    return ""


def _others_write(about: os.stat_result) -> bool:
    """Whether more than the owner, and the group that is the owner's alone, can write."""
    if about.st_mode & stat.S_IWOTH:
        return True
    if not about.st_mode & stat.S_IWGRP:
        return False
    try:
        return grp.getgrgid(about.st_gid).gr_name != pwd.getpwuid(about.st_uid).pw_name
    except KeyError:
        return True


def _own_folder(shipped: Path | None) -> Path:
    """Return this user's folder beside temporary files, with the kernels of a safe cache that cannot be written."""
    global _alone
    folder = Path(tempfile.gettempdir()) / f"{NAME}-{os.getuid()}"
    if folder.is_symlink() or unfit(folder):  # somebody else's: one for this process alone
        folder = Path(tempfile.mkdtemp(prefix=f"{NAME}-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        _alone = True
    try:
        if shipped is not None and not (folder / NAME).exists() and not untrusted(shipped, {0, os.getuid()}):
            shutil.copytree(shipped, folder / NAME)
    except OSError:
        pass  # they are compiled again
    return folder
