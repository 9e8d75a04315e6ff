"""Run a script of this folder in a process of its own, with the program of any source tree."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
ONE_THREAD = {"NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class CannotRunError(Exception):
    """A script ended early: `reason` is the last line of its errors, `printed` what it had printed."""

    def __init__(self, reason: str, printed: str) -> None:
        super().__init__(reason)
        self.reason, self.printed = reason, printed


def output(tree: Path, script: Path, *words: str, python: str = sys.executable, **environment: str) -> str:
    """Return what a script prints; `import phasefield` in it finds the package of `tree`."""
    command = [python, str(script), *words]
    environment = {**os.environ, "PYTHONPATH": str(tree), **environment}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
    except OSError as error:
        raise CannotRunError(str(error), "") from error
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise CannotRunError(lines[-1].strip(), done.stdout)
    return done.stdout
