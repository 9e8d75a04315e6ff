"""What all tests share: signals as in a terminal, and one thread for the kernels where a test wants no more."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import numba
import pytest

for _number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
    # A run in the background, or under nohup, ignores some of them; the commands that the tests start would, too.
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, signal.default_int_handler if _number == signal.SIGINT else signal.SIG_DFL)


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Cells of tests are small, and test processes share the processors: threads would wait for each other."""
    numba.set_num_threads(1)


@pytest.fixture
def threads() -> Iterator[tuple[int, int]]:
    """One thread, and as many as numba has: results must not depend on it."""
    yield 1, numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]
    numba.set_num_threads(1)
