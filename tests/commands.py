"""Helpers for the tests of commands: a tiny case, and the program called in this process or in its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from phasefield.cli.main import main
from phasefield.machine.processes import PROGRESS

TINY = """title = "Li | {name} | Li, tiny"
extends = "electrolytes/{base}.toml"
[grid]
size = ["32 um", "48 um"]
spacing = "2 um"
[surface]
height = "16 um"
wave = {{ amplitude = "1 um", wavelength = "32 um" }}
[film.patches]
spread = {{ value = 0.3, status = "calibrated" }}
size = "8 um"
[protocol]
repeat = 1
steps = [{{ current = "0.2 mA/cm^2", duration = "1 h" }}, {{ current = "-0.2 mA/cm^2", duration = "1 h" }}]
[output]
fields_every = "1 h"
"""
ENDLESS = ["-s", "protocol.repeat=100000", "-s", 'output.fields_every="100000 h"']
SOURCE = Path(__file__).parents[1]


def write_case(folder: Path, name: str = "tiny", base: str = "pllz") -> Path:
    """Write the tiny case (16 x 24 cells, 2 h) and return its path."""
    path = folder / f"{name}.toml"
    path.write_text(TINY.format(name=base.upper(), base=base), encoding="utf-8")
    return path


def call(*words: object) -> int:
    """Run a command here and return its exit code."""
    with pytest.raises(SystemExit) as end:
        main([str(word) for word in words])
    return int(end.value.code or 0)


def start(folder: Path, *words: object, progress: str = "auto") -> subprocess.Popen[str]:
    """Start a command in a process of its own; progress: how a run shows it, "json" for a parent."""
    path = os.pathsep.join(part for part in (str(SOURCE), os.environ.get("PYTHONPATH", "")) if part)
    return subprocess.Popen(
        [sys.executable, "-m", "phasefield", *(str(word) for word in words)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", PROGRESS: progress},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
