"""Run a script of this folder in a process of its own, with the program of any source tree."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
ONE_THREAD = {"NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
PATIENCE = 20.0  # s for a script to end when it is interrupted


class CannotRunError(Exception):
    """A script ended early: `reason` is the last line of its errors, `printed` what it had printed."""

    def __init__(self, reason: str, printed: str) -> None:
        super().__init__(reason)
        self.reason, self.printed = reason, printed


def output(tree: Path, script: Path, *words: str, python: str = sys.executable, **environment: str) -> str:
    """Return what a script prints; `import phasefield` in it finds the package of `tree`."""
    command = [python, str(script), *words]
    environment = {**os.environ, "PYTHONPATH": str(tree), **environment}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    try:
        child = subprocess.Popen(command, env=environment, process_group=0, **pipes)
    except OSError as error:
        raise CannotRunError(str(error), "") from error
    try:
        printed, errors = child.communicate()
    except KeyboardInterrupt:  # hand it on once, so that the child ends its own children, too
        os.killpg(child.pid, signal.SIGINT)
        try:
            child.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
        raise
    if child.returncode != 0:
        lines = errors.strip().splitlines() or [f"exit code {child.returncode}"]
        raise CannotRunError(lines[-1].strip(), printed)
    return printed
