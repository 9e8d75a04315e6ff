"""Made-up cells and what would be measured of them, written as files that a fit reads; seeded."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from phasefield.analytic.flat_cell import FlatCell, gap_of
from phasefield.analytic.flat_trace import CurrentTrace, flat_voltages
from phasefield.analytic.impedance import FlatImpedance
from phasefield.api import read_case
from phasefield.case import Case

Floats = NDArray[np.float64]
AREA = 1e-4  # m^2
CELL = """title = "made up"
extends = ["electrolytes/pllz.toml", "experiments/polarisation.toml"]
electrolyte.conductivity = { value = "3e-4 S/cm", at = "30 degC", status = "assumed" }
electrolyte.salt_diffusivity = { value = "5e-8 cm^2/s", at = "30 degC", status = "assumed" }
kinetics.exchange_current_density = "1 mA/cm^2"
film.conductivity = "2e-8 S/cm"
"""


def marched_voltages(case: Case, time: Floats, current: Floats) -> list[float]:
    """Return the voltages [V] at the ends of steps of one current [A/m^2] each, of the flat cell taken step by step."""
    cell, voltages, start = FlatCell(case), [], 0.0
    for end, j in zip(time, current, strict=True):
        dt = float(end) - start
        voltages.append(cell.voltage(cell.films(float(end), j, dt), j, dt))
        cell.follow(j, dt)
        start = float(end)
    return voltages


def write_cell(folder: Path, more: str = "") -> Path:
    """Write the base case."""
    path = folder / "cell.toml"
    path.write_text(CELL + more, encoding="utf-8")
    return path


def truth(folder: Path, values: Mapping[str, str]) -> Case:
    """Return the base case with other values, as `-s` takes them."""
    return read_case(write_cell(folder), [f"{key}={text}" for key, text in values.items()])


def write_spectrum(
    path: Path, case: Case, ends: tuple[float, float], noise: float, seed: int, **interface: float
) -> None:
    """Write a spectrum of 10 points a decade between two frequencies [Hz], with noise as a share of |Z|."""
    high, low = max(ends), min(ends)
    f = np.logspace(math.log10(high), math.log10(low), round(10 * math.log10(high / low)) + 1)
    Z = FlatImpedance(case.properties(), gap_of(case), **interface).at(f) / AREA
    random = np.random.default_rng(seed)
    Z = Z + noise * np.abs(Z) * (random.standard_normal(f.size) + 1j * random.standard_normal(f.size))
    rows = "".join(f"{a:.8e},{b:.8e},{c:.8e}\n" for a, b, c in zip(f, Z.real, Z.imag, strict=True))
    path.write_text("Frequency/Hz,Re(Z)/Ohm,Im(Z)/Ohm\n" + rows, encoding="utf-8")


def write_trace(path: Path, time: Floats, current: Floats, voltage: Floats) -> None:
    rows = "".join(f"{t:.6f},{i:.8e},{u:.8e}\n" for t, i, u in zip(time, current * AREA, voltage, strict=True))
    path.write_text("Time/s,Current/A,Voltage/V\n" + rows, encoding="utf-8")


def write_cycling(path: Path, case: Case, steps: Sequence[tuple[float, float]], noise: float, seed: int) -> None:
    """Write a cycling trace: steps of current density [A/m^2] and duration [s], 60 samples each, noise in V."""
    times, currents, start = [], [], 0.0
    for j, length in steps:
        inside = np.concatenate([[1e-3], np.linspace(0.0, length, 61)[1:]])
        times.append(start + inside)
        currents.append(np.full(inside.size, j))
        start += length
    t, j = np.concatenate(times), np.concatenate(currents)
    U = flat_voltages(case, CurrentTrace(t, j, np.arange(t.size), j))
    write_trace(path, t, j, U + noise * np.random.default_rng(seed).standard_normal(t.size))


def write_polarisation(path: Path, case: Case, voltage: float, duration: float, noise: float, seed: int) -> None:
    """Write the current under a held voltage [V], 200 samples; noise: of the current, as a share."""
    t = np.concatenate([[0.0], np.geomspace(1e-4 * duration, duration, 200)])
    j = np.zeros(t.size)
    for k in range(1, t.size):  # the current that brings the voltage, the earlier ones being what they were
        a, b = 0.0, voltage / 1e-4
        for _ in range(60):
            j[k] = 0.5 * (a + b)
            mean = 0.5 * (j[1 : k + 1] + np.concatenate([[j[1]], j[1:k]]))
            drive = CurrentTrace(t[1 : k + 1], mean, np.array([k - 1]), j[k : k + 1])
            a, b = (a, float(j[k])) if flat_voltages(case, drive)[0] > voltage else (float(j[k]), b)
    j[0] = j[1]
    measured = j * (1.0 + noise * np.random.default_rng(seed).standard_normal(t.size))
    write_trace(path, t, measured, np.full(t.size, voltage))
