"""The threads of the kernels: which library starts them, and what it bears: a fork, several Python threads."""

from __future__ import annotations

import ctypes
import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from typing import Any

from phasefield.errors import PhasefieldError, one_line
from phasefield.machine.memory import address_space

LEAST_MEMORY = 512e6  # bytes of address space: with 300 MB numba's libraries cannot be loaded, with 600 MB a run goes
LAYERS = ("default", "safe", "threadsafe", "forksafe", "omp", "tbb", "workqueue")  # that numba knows

_alone = threading.RLock()
_forked = False  # whether this process was forked from one whose kernels had threads


def check_environment() -> None:
    """Refuse settings of the environment that the kernels cannot use, before numba reads them."""
    count = os.environ.get("NUMBA_NUM_THREADS", "1").strip()
    if not (count.isascii() and count.isdecimal() and int(count) > 0):
        raise PhasefieldError(f"NUMBA_NUM_THREADS={count}: a number above 0 is needed; unset it, or give one")
    layer = os.environ.get("NUMBA_THREADING_LAYER", LAYERS[0])
    if layer.lower() not in LAYERS:
        raise PhasefieldError(f"NUMBA_THREADING_LAYER={layer}: is none of {', '.join(LAYERS)}; unset it, or give one")
    if address_space() < LEAST_MEMORY:
        raise PhasefieldError(
            f"ulimit -v: {address_space() / 1e6:.0f} MB are too few for Python, numba and the kernels; allow "
            f"{LEAST_MEMORY / 1e6:.0f} MB at least, or `ulimit -v unlimited`"
        )


@contextmanager
def kernels_ready() -> Iterator[None]:
    """While the context lasts, this Python thread may call kernels; where only one may at a time, it waits for it.

    Raises PhasefieldError if no library for threads can be started.
    """
    with _alone if start_layer() == "workqueue" else nullcontext():  # which ends the process if two call at once
        yield


@cache
def start_layer() -> str:
    """Start the library that the kernels' threads come from, and return its name. Raises PhasefieldError."""
    check_environment()
    try:
        import numba

        from phasefield.kernels import _jit  # noqa: F401  sets how threads wait, before numba starts any

        numba.get_num_threads()
        layer = str(numba.threading_layer())  # type: ignore[attr-defined]
    except (ValueError, RuntimeError, ImportError) as error:
        raise PhasefieldError(
            f"the kernels' threads cannot be started ({one_line(str(error), 120)}); unset NUMBA_THREADING_LAYER and "
            "NUMBA_THREADING_LAYER_PRIORITY, or install what they name"
        ) from None
    if hasattr(os, "register_at_fork") and layer == "omp":
        os.register_at_fork(after_in_child=_after_fork)
    return layer


def set_threads(wanted: int) -> None:
    """Let the kernels that this Python thread calls use so many threads from now on, or as many as there are."""
    import numba

    config: Any = numba.config
    most = 1 if _forked else int(config.NUMBA_NUM_THREADS)
    numba.set_num_threads(max(1, min(wanted, most)))


def _after_fork() -> None:
    """Use one thread in a forked process: OpenMP's others are not there, and waiting for them never ends."""
    global _forked
    import numba

    _forked = True
    numba.set_num_threads(1)
    library = sys.modules.get("numba.np.ufunc.omppool")
    if library is not None:  # it refuses to work in a process that has not started it; one thread needs no other
        ctypes.CFUNCTYPE(None, ctypes.c_int)(library.launch_threads)(1)


def report_fork(wanted: int) -> None:
    """Log that a forked process uses one thread, if more are wanted."""
    if _forked and wanted > 1:
        logging.getLogger("phasefield").info("a forked process: the kernels use one thread")
