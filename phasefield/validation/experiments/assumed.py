"""How far roughness and voltage of PLL and PLLZ change with other choices of inputs that the papers do not state."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from phasefield.api import read_case
from phasefield.results.run import open_run
from phasefield.studies.compare import PlannedRun
from phasefield.validation.row import PREDICTED, Experiment, Row
from phasefield.viz.plots.attribution import Range, ranges
from phasefield.viz.plots.series import voltage_ends

CASES = ("pll", "pllz")
BASE = ("protocol.repeat=60",)  # 120 h
UM, MV = 1e6, 1e3
PICTURE = "assumed.png"


@dataclass(frozen=True)
class Assumed:
    """An input that is assumed: its name, what it is in the case, and two other choices with their overrides."""

    name: str
    taken: str
    low: tuple[str, tuple[str, ...]]
    high: tuple[str, tuple[str, ...]]


def _one(name: str, key: str, taken: str, low: str, high: str) -> Assumed:
    return Assumed(name, taken, (low, (f'{key}="{low}"',)), (high, (f'{key}="{high}"',)))


def _half_cycles(hours: str, repeat: int) -> tuple[str, tuple[str, ...]]:
    steps = ", ".join(f'{{current="{sign}0.2 mA/cm^2", duration="{hours} h"}}' for sign in ("", "-"))
    return f"{hours} h", (f"protocol.steps=[{steps}]", f"protocol.repeat={repeat}")


_WARM = ('temperature="60 degC"', 'film.conductivity.at="30 degC"')
INPUTS = (
    _one("patch size", "film.patches.size", "40 um", "32 um", "80 um"),
    _one("renewal length", "film.patches.renewal", "1 um", "0.5 um", "2 um"),
    Assumed("half-cycle", "1 h", _half_cycles("0.5", 120), _half_cycles("2", 30)),
    _one("salt concentration", "electrolyte.salt_concentration", "1 mol/L", "0.5 mol/L", "2 mol/L"),
    Assumed("thermodynamic factor", "1", ("0.5", ("electrolyte.thermodynamic_factor=0.5",)),
            ("3", ("electrolyte.thermodynamic_factor=3",))),
    _one("exchange current", "kinetics.exchange_current_density", "10 mA/cm^2", "1 mA/cm^2", "100 mA/cm^2"),
    _one("surface energy", "lithium.surface_energy", "0.5 J/m^2", "0.25 J/m^2", "1 J/m^2"),
    Assumed("at 60 degC, barrier of the film", "30 degC", ("0 eV", (_WARM[0],)),
            ("0.5 eV", (*_WARM, 'film.conductivity_barrier="0.5 eV"'))),
)  # fmt: skip
"""Ranges: a factor of two each way where nothing else is known; a patch has at least four cells; ten for the exchange
current, of which only a lower bound is known; 0.5 eV, the upper end of what is reported for films on lithium."""


def assumed_runs(out: Path) -> list[PlannedRun]:
    """Return all runs below `out`, cases read and valid."""
    found = []
    for name in CASES:
        found.append(_entry(name, "as-shipped", BASE, out))
        for one in INPUTS:
            for side, (_, overrides) in (("low", one.low), ("high", one.high)):
                found.append(_entry(name, f"{one.name.replace(' ', '-').replace(',', '')}-{side}", (*BASE, *overrides),
                                    out))  # fmt: skip
    return found


def _entry(case: str, name: str, overrides: Sequence[str], out: Path) -> PlannedRun:
    whole = f"{case}-{name}"
    return PlannedRun(whole, case, read_case(case, overrides), out / whole, tuple(overrides))


def assumed(runs: Sequence[PlannedRun], out: Path) -> Experiment:
    """Return what the stored runs of `assumed_runs` gave, and draw them into `out`."""
    found = {entry.name: _results(entry) for entry in runs}
    rows: list[Row] = []
    for case in CASES:
        base = found[f"{case}-as-shipped"]
        rows.append(_row(case, "Sz at 120 h, as shipped", base))
        for one in INPUTS:
            for side, (text, _) in (("low", one.low), ("high", one.high)):
                result = found[f"{case}-{one.name.replace(' ', '-').replace(',', '')}-{side}"]
                rows.append(_row(case, f"Sz at 120 h, {one.name} {text} (shipped: {one.taken})", result))
    panels = [
        (f"{case.upper()}: {label}", found[f"{case}-as-shipped"][key], _ranges(found, case, key))
        for case in CASES
        for key, label in (("Sz", "Sz (\N{MICRO SIGN}m)"), ("voltage", "voltage, last cycle (mV)"))
    ]
    ranges(panels, "Other choices of assumed inputs: 120 h at 0.2 mA/cm\N{SUPERSCRIPT TWO}", out / PICTURE)
    done = (
        "The shipped cases `pll` and `pllz` for 120 h. One assumed input at a time is set to either end of a plausible "
        "range; all others stay. One input is the temperature: 60 degC, with a film that conducts as at 30 degC and "
        "with a film that has a barrier of 0.5 eV."
    )
    return Experiment("What is assumed", done, tuple(rows), (), _says(found), (f"{out.name}/{PICTURE}",))


def _results(entry: PlannedRun) -> dict[str, float]:
    with open_run(entry.folder) as run:
        last = voltage_ends(run)[1]
        return {"Sz": UM * float(run.series["Sz"][-1]), "voltage": math.nan if last is None else MV * last}


def _row(case: str, quantity: str, result: Mapping[str, float]) -> Row:
    return Row(case.upper(), quantity, "-", math.nan, result["Sz"], "um", PREDICTED, "-", "",
               f"{result['voltage']:.3g} mV in the last cycle")  # fmt: skip


def _ranges(found: Mapping[str, Mapping[str, float]], case: str, key: str) -> list[Range]:
    out = []
    for one in INPUTS:
        stem = f"{case}-{one.name.replace(' ', '-').replace(',', '')}"
        low, high = (found[f"{stem}-{side}"][key] for side in ("low", "high"))
        out.append(Range(one.name, one.low[0], low, one.high[0], high))
    return out


def _says(found: Mapping[str, Mapping[str, float]]) -> str:
    parts = []
    for case in CASES:
        base = found[f"{case}-as-shipped"]["Sz"]
        off = {
            one.name: max(abs(r.low - base), abs(r.high - base)) / base
            for one, r in zip(INPUTS, _ranges(found, case, "Sz"), strict=True)
        }
        most = sorted(off, key=lambda name: -off[name])[:3]
        parts.append(f"{case.upper()}'s Sz by " + ", ".join(f"{100.0 * off[name]:.0f} % ({name})" for name in most))
    ratios = [
        found[f"pll-{name}"]["Sz"] / found[f"pllz-{name}"]["Sz"]
        for name in (entry.removeprefix("pll-") for entry in found if entry.startswith("pll-"))
    ]
    low, high = f"{np.min(ratios):.2g}", f"{np.max(ratios):.2g}"
    return (
        f"Three inputs change Sz most: {'; '.join(parts)}. The ratio of Sz of PLL to that of PLLZ lies between "
        f"{low} and {high}, with the same choice in both."
    )
