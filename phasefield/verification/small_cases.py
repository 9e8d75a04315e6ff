"""Small cells for the checks: overrides of the case of `march`, a run by the driver, what a state shows."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from phasefield.case import Case
from phasefield.kernels import kinetics
from phasefield.model.base import LawOfMotion
from phasefield.model.coefficients import Drive
from phasefield.model.level_set import LevelSetLaw
from phasefield.model.reaction import SurfaceElements
from phasefield.model.state import State
from phasefield.simulation.driver import Driver, Outcome, Progress
from phasefield.verification.march import micrometres

MICRON = 1e-6  # m

FILM_THICKNESS = 20e-9  # m, of the case of `march`
# A metal so light that the surface stays where it is: for closed forms of a cell at rest.
LIGHT = 'lithium.molar_volume="1.3e-8 m^3/mol"'
HOURLY = 'output.fields_every="1 h"'  # so that a run ends no step for the sake of a stored frame


def box(*lengths: float) -> str:
    """Return the override of the box's size, of lengths in um."""
    return f"grid.size={micrometres(*(float(length) for length in lengths))}"


def conductance(siemens: float) -> str:
    """Return the override that gives the film a conductance [S/m^2]."""
    return f'film.conductivity="{siemens * FILM_THICKNESS!r} S/m"'


def transference_table(kappa: float, t_plus: float, X: float, rng: np.random.Generator, D: str = "2e-11 m^2/s") -> str:
    """Return the override of a table on straight lines: t+, which turns negative if it is below 0.3 at 1 mol/L, and X.

    kappa [S/cm], t_plus, X: at 1 mol/L; kappa is in proportion to c, D is one.
    """
    at, slope, rise = np.array([0.005, 1.0, 2.0]), rng.uniform(0.3, 0.7), rng.uniform(0.2, 0.9)
    return (
        f"electrolyte.concentration_dependence={{ concentration={[f'{c} mol/L' for c in at]}, "
        f"conductivity={[f'{kappa * c} S/cm' for c in at]}, diffusivity={[D] * 3}, "
        f"transference_number={(t_plus - slope * (at - 1.0)).tolist()}, "
        f"thermodynamic_factor={(X + rise * (at - 1.0)).tolist()} }}"
    )


def run_in_memory(
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


def surface_salt(cell: LevelSetLaw, state: State) -> float:
    """Return the mean concentration at the surface [mol/m^3], which the reaction sees."""
    co, reaction = cell.co, state.reaction
    assert reaction is not None
    surface = SurfaceElements(state.front, co, (state.resistance, state.j_side), Drive(None, -state.phi_s), cell.plane)
    surface.takes = reaction.j > 0.0
    surface.react(state.c, state.phi - co.beta * np.log(state.c / co.c_0), state.phi_s)
    c_e, taken = surface.c_e, surface.gain * reaction.j
    left = kinetics.LAST * c_e
    with np.errstate(over="ignore"):
        beyond = left * np.exp(np.minimum((c_e - taken) / left - 1.0, 0.0))
    return float(np.where(c_e - taken > left, c_e - taken, beyond).mean())
