"""Galvanostatic cycling of PLL and PLLZ, 780 h at 0.2 mA/cm2: voltage and surface."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from phasefield.results.run import open_run
from phasefield.validation.row import CALIBRATED, DERIVED, PREDICTED, Experiment, Row

CASES = ("pll", "pllz")
FAILED_AT = 110.0 * 3600.0  # s: PLL's voltage reaches 1 V, [1] Fig. 4a
UM, MV = 1e6, 1e3
SPREAD, FILM, GROWTH = "film.patches.spread", "film.conductivity", "film.growth.coefficient"


def cycling(table: Sequence[Mapping[str, Any]], picture: str) -> Experiment:
    """Return the rows of the two runs that `compare` has made and drawn."""
    pll, pllz = table
    with open_run(Path(pllz["folder"])) as run:
        pllz_first = abs(float(run.series["voltage"][0]))
    with open_run(Path(pll["folder"])) as run:
        time, voltage = run.series["time"], np.abs(run.series["voltage"])
    around = np.abs(time - FAILED_AT) <= 3600.0  # the half-cycles around it
    then = float(np.median(voltage[around])) if around.any() else math.nan
    drift = abs(pllz["voltage_end"] / pllz["voltage_start"] - 1.0)
    ratio = pll["Sz"] / pllz["Sz"] if pllz["Sz"] > 0.0 else math.nan
    rows = (
        Row("PLL", "voltage at the start", "200", 200.0, MV * float(voltage[0]), "mV", DERIVED, "[1] Fig. 4a", FILM),
        Row("PLL", "voltage at 110 h", "1000", 1000.0, MV * then, "mV", DERIVED, "[1] Fig. 4a", GROWTH,
            "the real cell failed then; the simulated one goes on"),
        Row("PLLZ", "voltage at the start", "about 160", 160.0, MV * pllz_first, "mV", DERIVED,
            "[1] Fig. 4a", FILM),
        Row("PLLZ", "drift of the voltage in 780 h", "flat", math.nan, 100.0 * drift, "%", PREDICTED, "[1] Fig. 4a", "",
            "its film does not grow, by assumption"),
        Row("PLL", "peak to valley, Sz", "> 200", 200.0, UM * pll["Sz"], "um", CALIBRATED, "[1] Fig. 5a", SPREAD,
            "levels off from a spread of 1.2 on: hot spots starve for salt and take turns"),
        Row("PLLZ", "peak to valley, Sz", "about 50", 50.0, UM * pllz["Sz"], "um", CALIBRATED, "[1] Fig. 5b", SPREAD),
        Row("PLL/PLLZ", "ratio of Sz", "> 4", 4.0, ratio, "", CALIBRATED, "[1] Fig. 5a, b", SPREAD,
            "" if ratio >= 4.0 else "not reached: see Sz of PLL"),
    )  # fmt: skip
    done = (
        "The shipped cases `pll` and `pllz`: 390 cycles of one hour each way at 0.2 mA/cm2. The half-cycle is assumed."
    )
    shows = (
        "A box of 256 um with one seed; another seed moves Sz by some 10 %. The spread of the film's conductivity is "
        "not measured: it is the one number put in for each cell so that Sz comes out."
    )
    return Experiment("Cycling and surface", done, rows, (), shows, (picture,))
