"""Reversed currents in steps as long as the salt needs to settle: their voltages, against short steps."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np

from phasefield import read_case, run
from phasefield.results.run import Run

ALLOWED = 2.0 * 0.01  # numerics.step_error: twice it repeats a step
THERMAL = 0.026  # RT/F, V, which the error is measured against, too


def reversals(folder: Path, seed: int, *more: str) -> Run:
    """Run half-cycles that are 0.3 to 30 times as long as the salt needs to settle, on bare lithium."""
    dice = np.random.default_rng(seed)
    minutes, current = 60.0 * 10.0 ** dice.uniform(-1.7, 0.3), dice.uniform(0.1, 0.4)
    steps = ", ".join(f'{{ current="{sign * current:.3f} mA/cm^2", duration="{minutes:.3f} min" }}' for sign in (1, -1))
    words = (
        'grid.size=["32 um", "140 um"]', 'grid.spacing="4 um"', 'surface.height="72 um"',
        'film.resistance="2 ohm cm^2"', "protocol.repeat=2",
        f"electrolyte.transference_number={dice.uniform(0.1, 0.6):.2f}", f"protocol.steps=[{steps}]",
        'output.fields_every="100 h"', "numerics.concentration_change=1", *more,
    )  # fmt: skip
    return run(read_case("planar", words), folder)


def off(long: Run, short: Run) -> float:
    """Return the largest error of the voltage over voltage and RT/F, at the ends of all steps of the first run."""
    time, voltage = long.series["time"], long.series["voltage"]
    turns = np.flatnonzero(np.diff(short.series["protocol_step"]) != 0)
    edges = [0, *(turns + 1), len(short.series["time"])]
    true = np.full(len(time), np.nan)
    for a, b in pairwise(edges):
        t, U = short.series["time"][a:b], short.series["voltage"][a:b]
        mine = (time >= t[0]) & (time <= t[-1] * (1.0 + 1e-12))
        true[mine] = np.interp(time[mine], t, U)
    return float(np.nanmax(np.abs(voltage - true) / (np.abs(true) + THERMAL)))
