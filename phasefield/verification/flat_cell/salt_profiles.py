"""The salt across a cell of PEO-LiTFSI against profiles measured with X-rays over 18 h: case `salt-profiles-peo`."""

from __future__ import annotations

import math

import numpy as np

from phasefield import cases
from phasefield.case.file import read_case
from phasefield.simulation.driver import Driver
from phasefield.verification import small_cases
from phasefield.verification.flat_cell.measured_profiles import PROFILES
from phasefield.verification.row import Check, CheckRow, Curve, Floats, Plot, Result

DEGREE = 4  # of the polynomial that a measured profile scatters around
SHOWN = (20, 151, 412, 1100)  # min
MINUTE = 60.0  # s
NEAR = 1e-6  # of a time: a step that ends where a profile was measured
MM, MOLAR = 1e-3, 1e3  # m, mol/m^3
LENGTH = 3.0  # mm, of the electrolyte
TIMES = 2.0  # the scatter of the measured points: so far may the shapes be off


def simulated_profiles(name: str = "salt-profiles-peo", *overrides: str) -> dict[int, tuple[Floats, Floats]]:
    """Return distances from the stripped electrode [mm] and concentrations [mol/L] at the times of PROFILES [min]."""
    found: dict[int, tuple[Floats, Floats]] = {}

    def look(driver: Driver) -> None:
        s, cell = driver.state, driver.cell
        for minutes in PROFILES:
            if abs(s.t - MINUTE * minutes) <= NEAR * s.t:
                z = (np.arange(cell.shape[0]) + 0.5) * cell.dx - float(s.front.height()[0].mean())
                found[minutes] = np.asarray(z / MM, np.float64), np.asarray(s.c.mean(axis=(1, 2)) / MOLAR, np.float64)

    _, outcome = small_cases.run_in_memory(read_case(cases.locate(name), [small_cases.HOURLY, *overrides]), look)
    assert outcome.reason == "end", outcome.text
    assert set(found) == set(PROFILES)
    return found


def differences(found: dict[int, tuple[Floats, Floats]]) -> dict[int, Floats]:
    """Return simulated minus measured concentrations of each profile [mol/L]."""
    return {
        minutes: np.interp(at, *found[minutes]) - np.array(c) for minutes, (at, c) in PROFILES.items()
    }


def measured_scatter() -> float:
    """Return the rms distance of the measured points from a smooth curve through each profile [mol/L]."""
    square, freedom = 0.0, 0
    for at, c in PROFILES.values():
        left = np.array(c) - np.polyval(np.polyfit(at, c, DEGREE), at)
        square, freedom = square + float(np.sum(left**2)), freedom + len(c) - DEGREE - 1
    return math.sqrt(square / freedom)


def rms(parts: dict[int, Floats]) -> float:
    """Return the rms of all points."""
    return math.sqrt(float(np.mean(np.concatenate(list(parts.values())) ** 2)))


def against_measured(full: bool) -> Result:
    """Return how far the simulated profiles are from the measured ones, as they are and at the content of each."""
    found = simulated_profiles()
    off = differences(found)
    content = np.array([part.mean() for part in off.values()])
    shapes = {minutes: part - part.mean() for minutes, part in off.items()}
    own = measured_scatter()
    drift = float(np.ptp(content))
    rows = (
        CheckRow(
            "shape of nine profiles, rms error at the content of each", "scatter of the measured points", own,
            rms(shapes), TIMES * own, "The points of each measured profile scatter by as much around a smooth curve. "
            "Diffusivity and transference number are other people's fits. The tolerance is twice the scatter.",
            "mol/L", False,
        ),
        CheckRow(
            "nine profiles, rms error", "measured concentrations", 0.0, rms(off),
            math.hypot((1.0 + TIMES) * own, drift / math.sqrt(3.0)), "The salt stays in the cell, but the measured "
            f"mean drifts by {drift:.2g} mol/L against the simulated one. The rms of an offset between nothing and "
            "it, all alike, is 1/sqrt(3) of it. The tolerance is that and the tolerance of the shape.", "mol/L", False,
        ),
    )  # fmt: skip
    return Result(rows, (_plot(found),))


def _plot(found: dict[int, tuple[Floats, Floats]]) -> Plot:
    curves: list[Curve] = []
    for minutes in SHOWN:
        z, c = found[minutes]
        inside = (z > 0.0) & (z < LENGTH)
        name = f"{minutes} min" if minutes < 60 else f"{minutes / 60.0:.1f} h"
        curves.append(Curve(f"simulated, {name}", z[inside], c[inside], theory=True))
        at, measured = PROFILES[minutes]
        curves.append(Curve(f"measured, {name}", np.array(at), np.array(measured)))
    return Plot(
        "salt-profiles", "Salt between two lithium electrodes: PEO-LiTFSI, 90 degC",
        "distance from the stripped electrode (mm)", "concentration (mol/L)", tuple(curves),
    )  # fmt: skip


CHECKS = (
    Check(
        "salt-profiles",
        "Measured salt",
        "salt profiles in PEO-LiTFSI over 18 h, against those that X-rays showed; D and t+ depend on the concentration",
        against_measured,
        (20.0, 20.0),
    ),
)
