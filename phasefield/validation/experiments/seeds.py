"""PLL and PLLZ with eight seeds of surface and film: how sure the roughness is, and what it is on a smaller area."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from phasefield.api import read_case
from phasefield.results.run import open_run
from phasefield.studies.compare import PlannedRun
from phasefield.studies.seeds import band_text, case_with_seed, half_band
from phasefield.validation.row import CALIBRATED, PREDICTED, Experiment, Row
from phasefield.viz.plots.curves import Curve, Plot

Floats = NDArray[np.float64]

CASES = ("pll", "pllz")
SEEDS = 8
SPREAD = "film.patches.spread"
STATED = {"pll": ("> 200", 200.0, "[1] Fig. 5a"), "pllz": ("about 50", 50.0, "[1] Fig. 5b")}
SZ = "Sz (\N{MICRO SIGN}m)"
UM, HOUR, POINTS = 1e6, 3600.0, 120
LEAST = 4  # cells along the side of the smallest area


def seed_runs(out: Path, cycled: Path) -> list[PlannedRun]:
    """Write the cases of all seeds below `out` and return them; the first seed is the run of the case in `cycled`."""
    found = []
    for name in CASES:
        case = read_case(name)
        found.append(PlannedRun(name, name, case, cycled / name))
        for seed in range(2, SEEDS + 1):
            path, one = case_with_seed(case, name, seed, out / "cases")
            found.append(PlannedRun(path.stem, str(path), one, out / path.stem))
    return found


def seeds(runs: Sequence[PlannedRun]) -> Experiment:
    """Return what the stored runs of `seed_runs` have in common."""
    rows, over_time, over_side, last = [], [], [], {}
    end = _shared_time(runs)
    for name in CASES:
        of = [entry for entry in runs if entry.name.split("-")[0] == name]
        time, sz, sides, areas = _gather(of, end)
        label = name.upper()
        mean, half = UM * sz.mean(axis=0), UM * half_band(sz)
        over_time.append(Curve(label, time / HOUR, mean, theory=True, band=(mean - half, mean + half)))
        over_side.append(Curve(label, UM * sides, UM * areas.mean(axis=0)))
        last[name] = UM * sz[:, -1]
        text, stated, where = STATED[name]
        one = last[name]
        says = (
            f"95 % band of the mean {band_text(one)}; the single runs lie from {one.min():.3g} to {one.max():.3g} um, "
            f"standard deviation {one.std(ddof=1):.2g} um"
        )
        rows.append(Row(label, f"Sz, mean of {len(of)} seeds", text, stated, float(one.mean()), "um", CALIBRATED, where,
                        SPREAD, says))  # fmt: skip
    ratio = last["pll"] / last["pllz"]
    without = "" if abs(float(ratio.mean()) - 4.0) <= float(half_band(ratio)) else ", which excludes 4"
    rows.append(Row("PLL/PLLZ", f"ratio of Sz, mean of {len(ratio)} seeds", "> 4", 4.0, float(ratio.mean()), "",
                    CALIBRATED, "[1] Fig. 5a, b", SPREAD,
                    f"95 % band of the mean {band_text(ratio)}{without}"))  # fmt: skip
    for name in CASES:
        curve = next(curve for curve in over_side if curve.name == name.upper())
        part = float(curve.y[-1] / curve.y[-2])
        rows.append(Row(name.upper(), "Sz over Sz on a quarter of the area", "-", math.nan, part, "", PREDICTED,
                        "-", "", "Sz grows with the observed area"))  # fmt: skip
    plots = (
        Plot("seeds", f"Mean of {SEEDS} seeds and its 95 % band", "time (h)", SZ, tuple(over_time)),
        Plot("area", f"Observed area, mean of {SEEDS} seeds at the end", "side of the square (\N{MICRO SIGN}m)", SZ,
             tuple(over_side), log="x"),
    )  # fmt: skip
    done = (
        f"The shipped cases `pll` and `pllz` with {SEEDS} seeds of the initial surface and of the film's patches. All "
        f"are compared at {end / HOUR:.4g} h, which every run reached. Sz is also computed on squares cut out of these "
        "surfaces."
    )
    shows = (
        "The band is that of the mean, with Student's t for the small number of runs. Sz is the height between two "
        "single points. It grows with the area without limit, but slowly once the square holds many patches of 40 um. "
        "A measured Sz is therefore hard to compare without its area, which [1] does not state."
    )
    return Experiment("Seeds and area", done, tuple(rows), plots, shows)


def _shared_time(runs: Sequence[PlannedRun]) -> float:
    """Return the time [s] that every run came to."""
    ends = []
    for entry in runs:
        with open_run(entry.folder) as run:
            ends.append(float(run.series["time"][-1]))
    return min(ends)


def _gather(of: Sequence[PlannedRun], end: float) -> tuple[Floats, Floats, Floats, Floats]:
    """Return times up to `end` [s], Sz (runs, times) [m], sides of squares [m], Sz on them (runs, sides) [m].

    The squares are cut from the last surface that was stored by then.
    """
    series, areas = [], []
    sides: Mapping[float, float] = {}
    time = np.linspace(0.0, end, POINTS)
    for entry in of:
        assert entry.case is not None
        with open_run(entry.folder) as run:
            series.append(np.interp(time, np.asarray(run.series["time"]), np.asarray(run.series["Sz"])))
            frame = int(np.flatnonzero(np.asarray(run.times) <= end * (1.0 + 1e-9))[-1])
            sides = dict(on_squares(run.height(frame), entry.case.grid.spacing))
        areas.append(list(sides.values()))
    return time, np.stack(series), np.array(list(sides)), np.array(areas)


def on_squares(height: Floats, spacing: float) -> Iterator[tuple[float, float]]:
    """Yield sides [m] of squares, doubling up to the whole map, and Sz [m] on them, mean over all that fill it.

    height (n, n) [m]; spacing: cell edge [m]. What does not fill a square is left out.
    """
    n = min(height.shape)
    side = n
    while side // 2 >= LEAST:
        side //= 2
    while side <= n:
        k = n // side
        cut = height[: k * side, : k * side].reshape(k, side, k, side)
        yield side * spacing, float(np.mean(cut.max(axis=(1, 3)) - cut.min(axis=(1, 3))))
        side *= 2
