"""Tiny cases for the tests of the model, those of `verify.march`: runs by the driver, and what their books must say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from phasefield.case import Case, Protocol
from phasefield.constants import FARADAY
from phasefield.errors import Interrupted
from phasefield.model.coefficients import Drive
from phasefield.model.level_set import LevelSetLaw
from phasefield.model.state import State
from phasefield.results.run import open_run
from phasefield.simulation.driver import Driver, Outcome
from phasefield.verification.march import BASE, crest, driven, make, march, micrometres

__all__ = [
    "BASE", "Balances", "Drive", "contents", "crest", "driven", "ends_the_same", "make", "march", "micrometres",
    "protocol", "run", "same",
]  # fmt: skip


def protocol(steps: str, repeat: int = 1) -> Protocol:
    """Return the protocol of a case."""
    return make(
        f"protocol.steps={steps}", f"protocol.repeat={repeat}", 'output.fields_every="100 s"'
    ).protocol


def run(case: Case, folder: Path, look: Callable[[State], None] | None = None, **options: Any) -> Outcome:
    """Run a case by its driver; look at the state after each step."""

    def watch(_: Any) -> None:
        if look is not None:
            look(driver.state)

    driver = Driver(case, folder, progress=watch, **options)
    return driver.run()


class Balances:
    """What a state must satisfy at every step; keeps the worst errors. Totals are rebuilt from the fields."""

    def __init__(self, driver_cell: LevelSetLaw, salt_0: float, volume_0: float) -> None:
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


def contents(folder: Path) -> dict[str, Any]:
    """Return every dataset of the results file, by its path."""
    found: dict[str, Any] = {}
    with h5py.File(folder / "result.vtkhdf", "r") as file:
        file.visititems(
            lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None
        )
    return found


def same(one: Path, other: Path) -> None:
    """Fail unless two results hold the same bits."""
    a, b = contents(one), contents(other)
    assert set(a) == set(b)
    assert {"run/series/voltage", "run/surface/height"} <= set(a)
    assert any(name.startswith("VTKHDF/CellData") for name in a)
    different = [
        name for name in a if a[name].shape != b[name].shape or a[name].tobytes() != b[name].tobytes()
    ]
    assert not different
