"""Small cells for the checks: one case text, overrides, a march of fixed steps, a run by the driver."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from phasefield.case import Case
from phasefield.case.file import read_case
from phasefield.kernels import kinetics
from phasefield.model.base import LawOfMotion
from phasefield.model.coefficients import Drive
from phasefield.model.level_set import Cell
from phasefield.model.reaction import Surface
from phasefield.model.state import State
from phasefield.simulation.driver import Driver, Outcome, Progress

MICRON = 1e-6  # m

BASE = """title = "a cell of the checks"
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
fields_every = "1 h"
"""
FILM_THICKNESS = 20e-9  # m, of BASE
# A metal so light that the surface stays where it is: for closed forms of a cell at rest.
LIGHT = 'lithium.molar_volume="1.3e-8 m^3/mol"'


def make(*overrides: str) -> Case:
    """Return the case of BASE with overrides as on the command line."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "specimen.toml"
        path.write_text(BASE, encoding="utf-8")
        return read_case(path, list(overrides))


def box(*micrometres: float) -> str:
    """Return the override of the box's size."""
    return "grid.size=[" + ", ".join(f'"{float(length)!r} um"' for length in micrometres) + "]"


def conductance(siemens: float) -> str:
    """Return the override that gives the film of BASE a conductance [S/m^2]."""
    return f'film.conductivity="{siemens * FILM_THICKNESS!r} S/m"'


def run(
    case: Case, look: Callable[[Driver], None] | None = None, after: Callable[[Driver], None] | None = None
) -> tuple[Driver, Outcome]:
    """Run a case by its driver in a folder that is thrown away.

    Looks at the driver at its start and after each step; `after` the run its folder is still there.
    """
    memory = Path("/dev/shm")  # a run forces its files to the disk, which is not what is tested here
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:

        def watch(_: Progress | None) -> None:
            if look is not None:
                look(driver)

        driver = Driver(case, Path(folder) / "run", progress=watch)
        watch(None)
        outcome = driver.run()
        if after is not None:
            after(driver)
        return driver, outcome


def gap(cell: LawOfMotion, state: State) -> float:
    """Return the mean distance of the surface from the counter electrode [m]."""
    return cell.shape[0] * cell.dx - float(state.front.height()[0].mean())


def surface_salt(cell: Cell, state: State) -> float:
    """Return the mean concentration at the surface [mol/m^3], which the reaction sees."""
    co, reaction = cell.co, state.reaction
    assert reaction is not None
    surface = Surface(state.front, co, (state.resistance, state.j_side), Drive(None, -state.phi_s), cell.plane)
    surface.takes = reaction.j > 0.0
    surface.react(state.c, state.phi - co.beta * np.log(state.c / co.c_0), state.phi_s)
    c_e, taken = surface.c_e, surface.gain * reaction.j
    left = kinetics.LAST * c_e
    with np.errstate(over="ignore"):
        beyond = left * np.exp(np.minimum((c_e - taken) / left - 1.0, 0.0))
    return float(np.where(c_e - taken > left, c_e - taken, beyond).mean())


def crest(state: State, waves: float = 1.0) -> float:
    """Return the amplitude [m] of a wave along x, crest at x = 0, so many of which are in the box."""
    z, _ = state.front.height()
    x = 2.0 * np.pi * waves * (np.arange(z.shape[1]) + 0.5) / z.shape[1]
    return float(2.0 * np.mean(z.mean(axis=0) * np.cos(x)))
