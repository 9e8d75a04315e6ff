"""The decorators of all kernels, and the cache of what they compile.

`@njit(cache=True)` hashes only its own file: after a change in a helper elsewhere the old numbers run on.
Here the cache folder bears a digest of every kernel file and of the versions, so any change compiles anew; a
damaged entry is thrown away and compiled again instead of ending the program.

No kernel has `fastmath`. With it ("contract", "reassoc") the last bits depend on what the compiler inlined, and so
on whether a kernel was compiled in this process or loaded from the cache: a machine's first run differed from the next.

This file also sets how idle threads wait, which counts only before numba starts them.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

# The default OpenMP layer spins for long while it waits; beside other work it collapses (8 cases: 148 s for 8 s). One
# that sleeps at once is woken late, where idle processors doze (a step of 30 000 cells: 0.16 s, spinning 0.06 s). So
# threads spin for about a tenth of a millisecond, then they sleep (0.09 s; two such runs on two processors: 0.11 s).
if not {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & set(os.environ):
    os.environ["GOMP_SPINCOUNT"] = "5000"
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numba
import numpy as np
from numba import prange
from numba.core import sigutils
from numba.core.caching import FunctionCache

__all__ = ["kernel", "parallel_kernel", "prange"]

config: Any = numba.config

# OpenMP launches in 2 us, workqueue in 115 us; an old tbb would only be found in order to warn about it.
if not {"NUMBA_THREADING_LAYER", "NUMBA_THREADING_LAYER_PRIORITY"} & set(os.environ):
    config.THREADING_LAYER_PRIORITY = ["omp", "tbb", "workqueue"]

STALE_AFTER = 30 * 24 * 3600.0  # s; the folder of an older state of the kernels is removed after this time

P = ParamSpec("P")
R = TypeVar("R")


def digest(folder: Path) -> str:
    """Return a digest of the kernel files in `folder` and of the versions that compile them."""
    total = hashlib.sha256()
    for part in (platform.python_version(), numba.__version__, np.__version__, version("llvmlite")):
        total.update(f"{part}\n".encode())
    for path in sorted(folder.glob("*.py")):
        total.update(f"{path.name}\n".encode())
        total.update(path.read_bytes())
    return total.hexdigest()[:16]


@cache
def cache_folder() -> Path:
    """Return the folder that holds the compiled kernels, writable; NUMBA_CACHE_DIR moves it."""
    mark = digest(Path(__file__).parent)
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    roots = [Path(home) / "lithium-phasefield"]
    if os.environ.get("NUMBA_CACHE_DIR"):
        roots.insert(0, Path(os.environ["NUMBA_CACHE_DIR"]) / "lithium-phasefield")
    for root in roots:
        folder = root / mark
        try:
            folder.mkdir(parents=True, exist_ok=True)
            os.utime(folder)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError:
            continue
        _remove_stale(root, folder)
        return folder
    return Path(tempfile.mkdtemp(prefix="lithium-phasefield-"))


def compiled() -> bool:
    """Return whether compiled kernels are kept from an earlier time; else a run begins a minute or two later."""
    return any(cache_folder().rglob("*.nbc"))


def _remove_stale(root: Path, current: Path) -> None:
    """Remove the folders of earlier states of the kernels that nobody has used for long."""
    for folder in root.iterdir():
        try:
            if folder != current and time.time() - folder.stat().st_mtime > STALE_AFTER:
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue


class _ForgivingCache(FunctionCache):
    """Numba's cache of one function; a damaged or mistaken entry counts as missing and is written anew."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            found = super().load_overload(sig, target_context)  # type: ignore[no-untyped-call]
            # Two programs that compile at once can swap two entries of a function.
            wanted, _ = sigutils.normalize_signature(sig)
            if found is None or tuple(found.signature.args) == tuple(wanted):
                return found
        except Exception:  # unpickling garbage raises anything
            pass
        self._forget()
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)  # type: ignore[no-untyped-call]
        except Exception:  # as above; or a full disk: run without a cache
            self._forget()

    def _forget(self) -> None:
        try:
            self.flush()  # type: ignore[no-untyped-call]
        except OSError:
            self.disable()  # type: ignore[no-untyped-call]


def _compile(function: Callable[P, R], **options: Any) -> Callable[P, R]:
    kept = config.CACHE_DIR
    config.CACHE_DIR = str(cache_folder())
    try:
        dispatcher: Any = numba.njit(cache=True, nogil=True, error_model="numpy", **options)(function)
    finally:
        config.CACHE_DIR = kept
    if isinstance(getattr(dispatcher, "_cache", None), FunctionCache):  # not with NUMBA_DISABLE_JIT
        dispatcher._cache.__class__ = _ForgivingCache
    compiled: Callable[P, R] = dispatcher
    return compiled


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a serial kernel as written, operation by operation."""
    return _compile(function)


def parallel_kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a kernel with `prange` as written, operation by operation; a sum needs one partial per plane."""
    return _compile(function, parallel=True)
