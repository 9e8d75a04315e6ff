"""Tiny cases for the tests of the model: one text, overrides, and a march of fixed steps without a driver."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from phasefield.case import Case
from phasefield.casefile import read_case
from phasefield.constants import FARADAY
from phasefield.driver import Driver, Outcome
from phasefield.errors import Interrupted
from phasefield.model.cell import Cell
from phasefield.model.coefficients import Drive
from phasefield.model.state import State
from phasefield.runs import open_run

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
    """Return a case from `text` and overrides as on the command line."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "small.toml"
        path.write_text(text, encoding="utf-8")
        return read_case(path, list(overrides))


def micrometres(*lengths: float) -> str:
    """Return lengths in um as the value of `grid.size`."""
    return "[" + ", ".join(f'"{length!r} um"' for length in lengths) + "]"


def driven(case: Case, drive: Drive) -> tuple[Cell, State]:
    """Return a cell and its first state, with `drive` imposed."""
    cell = Cell(case)
    s = cell.start()
    cell.drive(s, drive)
    return cell, s


def march(
    cell: Cell, s: State, drive: Drive, dt: float, steps: int, look: Callable[[State], None] | None = None
) -> State:
    """Take `steps` of `dt` under `drive`, which is imposed on `s` already; look at each state."""
    for _ in range(steps):
        new = cell.step(s, drive, dt)
        cell.accept(s)
        s = new
        if look is not None:
            look(s)
    return s


def run(case: Case, folder: Path, look: Callable[[State], None] | None = None, **options: Any) -> Outcome:
    """Run a case by its driver; look at the state after each step."""

    def watch(_: Any) -> None:
        if look is not None:
            look(driver.state)

    driver = Driver(case, folder, progress=watch, **options)
    return driver.run()


def crest(s: State) -> float:
    """Return the amplitude [m] of one wave along x over the whole box, crest at x = 0."""
    z, _ = s.front.height()
    x = 2.0 * np.pi * (np.arange(z.shape[1]) + 0.5) / z.shape[1]
    return float(2.0 * np.mean(z.mean(axis=0) * np.cos(x)))


class Books:
    """What a state must satisfy at every step; keeps the worst errors. Totals are rebuilt from the fields."""

    def __init__(self, driver_cell: Cell, salt_0: float, volume_0: float) -> None:
        self.cell, self.salt_0, self.volume_0 = driver_cell, salt_0, volume_0
        self.charge = self.lithium = self.salt = 0.0
        self.moved, self.passed, self.last, self.applied = 0.0, 0.0, 0.0, 0.0

    def look(self, s: State) -> None:
        """Take a step into the books."""
        cell = self.cell
        xi = 1.0 - s.front.h
        assert np.all((xi >= 0.0) & (xi <= 1.0))
        assert np.all(s.c[s.front.h > 0.0] > 0.0)
        assert np.all(np.isfinite(s.phi))
        self.moved += abs(s.deposited - self.last)
        self.passed += abs(s.applied - self.applied)
        self.last, self.applied = s.deposited, s.applied
        dV = cell.dx**3
        lithium = float(xi.sum()) * dV - self.volume_0
        expected = s.deposited * cell.plane * cell.properties.V_m / FARADAY
        # Round-off alone passes at rest: 1 C/m^2 (a tenth of a nanometre) is the least that counts.
        scale = max(self.moved, 1.0) * cell.plane * cell.properties.V_m / FARADAY
        salt = float((s.front.h * s.c).sum()) * dV + s.displaced - self.salt_0
        self.charge = max(self.charge, abs(s.applied - s.deposited - s.side) / max(self.passed, 1.0))
        self.lithium = max(self.lithium, abs(lithium - expected) / scale)
        self.salt = max(self.salt, abs(salt) / self.salt_0)


def ends_the_same(case: Case, folder: Path, every: int) -> int:
    """Run a case at once, and stopped each so many steps and resumed; assert equal bits, return the number of stops."""
    Driver(case, folder / "whole").run()
    stops = 0
    while True:
        driver = Driver(case, folder / "parts", resume=stops > 0)

        def stop(progress: Any, driver: Driver = driver) -> None:
            driver.stop_signal = 15 if progress.step % every == 0 else None

        driver.progress = stop
        try:
            driver.run()
            break
        except Interrupted:
            stops += 1
    with open_run(folder / "whole") as one, open_run(folder / "parts") as other:
        for name, values in one.series.items():
            assert np.array_equal(values, other.series[name]), name
        assert np.array_equal(one.heights, other.heights)
    return stops
