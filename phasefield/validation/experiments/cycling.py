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
    """Return the rows of the two runs that `compare_runs` has made and drawn."""
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
            "the real cell failed at this time; the simulated cell goes on"),
        Row("PLLZ", "voltage at the start", "about 160", 160.0, MV * pllz_first, "mV", DERIVED,
            "[1] Fig. 4a", FILM),
        Row("PLLZ", "drift of the voltage in 780 h", "flat", math.nan, 100.0 * drift, "%", PREDICTED, "[1] Fig. 4a", "",
            "its film is assumed not to grow"),
        Row("PLL", "peak to valley, Sz", "> 200", 200.0, UM * pll["Sz"], "um", CALIBRATED, "[1] Fig. 5a", SPREAD,
            "it levels off above a spread of 1.2, because salt is depleted at hot spots and other spots take over"),
        Row("PLLZ", "peak to valley, Sz", "about 50", 50.0, UM * pllz["Sz"], "um", CALIBRATED, "[1] Fig. 5b", SPREAD),
        Row("PLL/PLLZ", "ratio of Sz", "> 4", 4.0, ratio, "", CALIBRATED, "[1] Fig. 5a, b", SPREAD,
            "" if ratio >= 4.0 else "the measured ratio is not reached; see Sz of PLL"),
    )  # fmt: skip
    done = (
        "The shipped cases `pll` and `pllz`: 390 cycles at 0.2 mA/cm2 with one hour in each direction. The duration "
        "of a half-cycle is assumed."
    )
    shows = (
        "The box is 256 um wide, with one seed; another seed changes Sz by some 10 %. The spread of the film's "
        "conductivity is not measured. It is the one number of each cell that is adjusted to the measured Sz.\n\n"
        "Fig. 5 of [1] profiles the surfaces of the electrolytes after disassembly of the cells. The simulation gives "
        "the surface of the lithium. The comparison of Sz assumes that both surfaces have the same Sz, and that "
        "disassembly does not change it.\n\n"
        "[1] profiled PLL 'after 780 h', but by Fig. 4a the circuit of the PLL cell was open at 110 h. The "
        "measured Sz of PLL may therefore belong to about 110 h of cycling. The simulated Sz of PLL belongs to 780 h "
        "of cycling, because the simulated cell goes on. The two values of PLL, and the ratio PLL/PLLZ, are thus not "
        "known to belong to the same charge. If PLL was cycled for 110 h only, its measured Sz arose in a seventh of "
        "the time, and the simulation falls short by more than the table states. The comparison of PLLZ is not "
        "affected: its voltage is flat for 780 h."
    )
    return Experiment("Cycling and surface", done, rows, (), shows, (picture,))
