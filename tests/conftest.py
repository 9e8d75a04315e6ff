"""What all tests share: signals as in a terminal, one thread for the kernels, and who compiles them."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import numba
import pytest

for _number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
    # A run in the background, or under nohup, ignores some of them; the commands that the tests start would, too.
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, signal.default_int_handler if _number == signal.SIGINT else signal.SIG_DFL)


COMPILES = "model/test_transport.py"  # most of the kernels, within a minute or two
NO_KERNELS = ("case/", "files/", "results/", "test_docs.py", "test_prose.py", "test_references.py", "test_units.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let one test process compile the kernels while another does what needs none: else both compile them."""
    here = Path(__file__).parent

    def place(item: pytest.Item) -> int:
        name = item.path.relative_to(here).as_posix() if item.path.is_relative_to(here) else ""
        return 0 if name == COMPILES else 1 if name.startswith(NO_KERNELS) else 2

    items.sort(key=place)


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Cells of tests are small, and test processes share the processors: threads would wait for each other."""
    numba.set_num_threads(1)


@pytest.fixture
def threads() -> Iterator[tuple[int, int]]:
    """One thread, and as many as numba has: results must not depend on it."""
    yield 1, numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]
    numba.set_num_threads(1)
