"""Tiny cells for the checks: a case from one text and overrides, and a march of fixed steps without a driver."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from phasefield.case import Case
from phasefield.case.file import read_case
from phasefield.model.coefficients import Drive
from phasefield.model.level_set import LevelSetLaw
from phasefield.model.state import State

Floats = NDArray[np.float64]

BASE = """title = "small"
temperature = "25 degC"
[grid]
size = ["8 um", "24 um"]
spacing = "1 um"
[surface]
height = "8 um"
[electrolyte]
conductivity = "1e-3 S/cm"
transference_number = 0.4
salt_concentration = "1 mol/L"
salt_diffusivity = "1e-10 m^2/s"
concentration_dependence = "constant"
[kinetics]
exchange_current_density = "30 A/m^2"
[lithium]
surface_energy = "0.5 J/m^2"
[film]
thickness = "20 nm"
conductivity = "2e-6 S/m"
[protocol]
steps = [ { current = "10 A/m^2", duration = "600 s" } ]
[output]
fields_every = "300 s"
"""


def make(*overrides: str, text: str = BASE) -> Case:
    """Return the case of a text with overrides as on the command line."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "small.toml"
        path.write_text(text, encoding="utf-8")
        return read_case(path, list(overrides))


def micrometres(*lengths: float) -> str:
    """Return lengths in um as the value of `grid.size`."""
    return "[" + ", ".join(f'"{length!r} um"' for length in lengths) + "]"


def driven(case: Case, drive: Drive) -> tuple[LevelSetLaw, State]:
    """Return a cell and its first state, with `drive` imposed."""
    cell = LevelSetLaw(case)
    s = cell.start()
    cell.drive(s, drive)
    return cell, s


def march(
    cell: LevelSetLaw, s: State, drive: Drive, dt: float, steps: int, look: Callable[[State], None] | None = None
) -> State:
    """Take `steps` of `dt` [s] under `drive`, which is imposed on `s` already; look at each state."""
    for _ in range(steps):
        new = cell.step(s, drive, dt)
        cell.accept(s)
        s = new
        if look is not None:
            look(s)
    return s


def crest(s: State, waves: float = 1.0) -> float:
    """Return the amplitude [m] of a wave along x, crest at x = 0, so many of which are in the box."""
    z, _ = s.front.height()
    x = 2.0 * np.pi * waves * (np.arange(z.shape[1]) + 0.5) / z.shape[1]
    return float(2.0 * np.mean(z.mean(axis=0) * np.cos(x)))


def columns(s: State) -> NDArray[np.int64]:
    """Return the index along x of each element's lithium cell: of a surface that all elements cross along z."""
    owner = s.front.owner[: s.front.count]
    return np.asarray(owner % s.front.lattice.nx)


def fitted_order(steps: Sequence[float] | Floats, errors: Sequence[float] | Floats) -> tuple[float, float]:
    """Return p and K of errors = K steps^p, by least squares of the logarithms."""
    p, log_K = np.polyfit(np.log(np.asarray(steps)), np.log(np.asarray(errors)), 1)
    return float(p), math.exp(float(log_K))
