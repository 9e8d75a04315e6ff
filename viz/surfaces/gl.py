"""Can this machine render with OpenGL? Asked once, in a child process.

VTK looks for an X server, then EGL, then OSMesa, and dies by segmentation fault when it finds none of them: a
child is asked to try. A yes is remembered in a small file for the same machine, display and versions; after a
no the next process asks again, for the libraries may have been installed meanwhile.

PHASEFIELD_GL=off renders with matplotlib at once; PHASEFIELD_GL=on skips the question.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ctypes.util import find_library
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from phasefield.errors import ResultError, one_line
from phasefield.files.atomic import replace_text, replaced_files

log = logging.getLogger(__name__)

REMEDY = "Install it again with pip install pyvista; on Debian or Ubuntu it needs libgl1 and libegl1"

SWITCH = "PHASEFIELD_GL"
WINDOW = "VTK_DEFAULT_OPENGL_WINDOW"  # VTK >= 9.4 reads here which kind of window to open
OFF_SCREEN = ("vtkEGLRenderWindow", "vtkOSOpenGLRenderWindow")
PATIENCE = 60.0  # seconds the child may take; a cold import of vtk from a slow disk needs ten

SHOWING = """
import vtkmodules.vtkRenderingOpenGL2
from vtkmodules.vtkRenderingCore import vtkRenderer, vtkRenderWindow
window, renderer = vtkRenderWindow(), vtkRenderer()
window.SetShowWindow(False)
window.SetSize(16, 16)
window.AddRenderer(renderer)
window.Render()
print("kind", window.GetClassName(), flush=True)
"""

CHILD = """
import vtkmodules.vtkRenderingOpenGL2
from vtkmodules.vtkRenderingCore import vtkRenderer, vtkRenderWindow
window, renderer = vtkRenderWindow(), vtkRenderer()
window.SetOffScreenRendering(1)
window.SetSize(16, 16)
renderer.SetBackground(1.0, 0.0, 0.0)
window.AddRenderer(renderer)
window.Render()
from vtkmodules.vtkCommonCore import vtkUnsignedCharArray
pixels = vtkUnsignedCharArray()
window.GetPixelData(0, 0, 15, 15, 0, pixels, 0)
print("drawn", int(pixels.GetValue(0)), flush=True)
"""


def available() -> bool:
    """True if PyVista can render here."""
    return _window() is not None and without_pyvista() is None


def without_pyvista() -> str | None:
    """Say why PyVista cannot be imported; None if it can."""
    try:
        import pyvista  # noqa: F401
    except Exception as error:  # a package or a library of the system is missing, or of a version that does not fit
        return f"PyVista cannot be imported ({one_line(f'{type(error).__name__}: {error}', 120)})"
    return None


def screen() -> bool:
    """True if a window can be shown here: a screen that answers, with OpenGL. Never remembered: screens come and go.

    Where none answers VTK draws off screen without a word, and a window would end at once.
    """
    switch = _switch()
    if switch is not None:
        return switch
    said = _child(SHOWING, dict(os.environ))
    return b"kind" in said and not any(kind.encode() in said for kind in OFF_SCREEN)


def warn_once() -> None:
    """Log, once in a process, what to install; nothing where PHASEFIELD_GL=off asks for the plainer pictures."""
    if _switch() is not False:
        _warn(missing_message())


@lru_cache(maxsize=1)
def _warn(text: str) -> None:
    log.warning(text)


def missing_message() -> str:
    """Say what to install so that pictures are rendered in 3D."""
    missing = without_pyvista()
    if missing is not None:
        return f"{missing}: matplotlib draws the surfaces instead. {REMEDY}"
    return (
        "no OpenGL found: surfaces are drawn by matplotlib instead of PyVista. On Debian or Ubuntu install "
        "'libegl1 libgl1' (best), or 'libosmesa6', or 'xvfb' (and run under xvfb-run). "
        f"{SWITCH}=off silences this."
    )


@contextmanager
def window_kind() -> Iterator[None]:
    """While the context lasts, VTK opens the kind of window that the child has found to work."""
    kind = _window()
    before = os.environ.get(WINDOW)
    if kind and before is None:
        os.environ[WINDOW] = kind
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(WINDOW, None)


@contextmanager
def never_rendered() -> Iterator[None]:
    """While the context lasts, VTK makes windows that look for no screen: for scenes that a browser draws.

    It says on stderr which library it would miss, if it were to draw; that is kept quiet.
    """
    from vtkmodules.vtkCommonCore import vtkLogger

    before, told = os.environ.get(WINDOW), vtkLogger.GetCurrentVerbosityCutoff()
    os.environ[WINDOW] = OFF_SCREEN[-1]
    vtkLogger.SetStderrVerbosity(vtkLogger.VERBOSITY_OFF)
    try:
        yield
    finally:
        vtkLogger.SetStderrVerbosity(told)
        if before is None:
            os.environ.pop(WINDOW, None)
        else:
            os.environ[WINDOW] = before


def reset() -> None:
    """Forget the answer of this process (the file stays)."""
    _ask.cache_clear()


def _switch() -> bool | None:
    """What PHASEFIELD_GL says; None for nothing."""
    said = os.environ.get(SWITCH, "auto").lower()
    if said in ("off", "0", "no", "false"):
        return False
    return True if said in ("on", "1", "yes", "true") else None


def _window() -> str | None:
    """The kind of window that works, empty for VTK's own choice, None if nothing works."""
    switch = _switch()
    if switch is not None:
        return "" if switch else None
    return _ask(os.environ.get("DISPLAY", ""), os.environ.get(WINDOW, ""))


@lru_cache(maxsize=8)
def _ask(display: str, chosen: str) -> str | None:
    key = _key(display, chosen)
    path = _cache_file()
    answers = _read(path)
    if key in answers:
        return answers[key]
    for kind in ("",) if display or chosen else OFF_SCREEN:
        if _child_draws(kind):
            _write(path, {**answers, key: kind})
            return kind
    return None


def _child_draws(kind: str) -> bool:
    environment = dict(os.environ)
    if kind:
        environment[WINDOW] = kind
    return b"drawn 255" in _child(CHILD, environment)


def _child(program: str, environment: dict[str, str]) -> bytes:
    """What a program prints; nothing if it dies."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=environment,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return b""
    return done.stdout if done.returncode == 0 else b""


def _key(display: str, chosen: str) -> str:
    try:
        vtk = version("vtk")
    except PackageNotFoundError:
        vtk = "none"
    libraries = [find_library(name) or "-" for name in ("EGL", "GL", "OSMesa")]
    return "|".join(
        [platform.node(), sys.executable, platform.python_version(), vtk, display, chosen, *libraries]
    )


def _cache_file() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "phasefield" / "gl.json"


def _read(path: Path) -> dict[str, str]:
    try:
        answers = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return answers if isinstance(answers, dict) else {}


def _write(path: Path, answers: dict[str, str]) -> None:
    # A read-only home costs one more question, nothing else. What is replaced here is no result of the user.
    with suppress(OSError, ResultError), replaced_files():
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_text(path, json.dumps(answers, indent=1))
