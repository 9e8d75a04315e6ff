"""Li | Cu by Aurbach's method: Coulombic efficiency, and where the lost lithium is."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from phasefield.constants import FARADAY
from phasefield.experiments.copper import balance_of
from phasefield.results.run import open_run
from phasefield.studies.compare import PlannedRun
from phasefield.validation.row import CALIBRATED, INPUT, PREDICTED, Experiment, Row, early_words
from phasefield.viz.plots.curves import Curve, Plot

CASES = ("aurbach-lhci", "aurbach-dlhci")
STATED = {"LHCI": (98.0, "[2] Fig. 2"), "DLHCI": (99.0, "[2] Fig. 2c")}  # %
REPAIR, SPIKE = "film.repair", "surface.substrate.nucleation_overpotential"
MV, HOUR, NM = 1e3, 3600.0, 1e9


def copper(entries: Sequence[PlannedRun]) -> Experiment:
    """Return what the stored runs of CASES gave."""
    rows, curves = [], []
    for entry in entries:
        case = entry.case
        assert case is not None
        assert case.surface.substrate is not None
        name, p = case.electrolyte.name, case.properties()
        with open_run(entry.folder) as run:
            b = balance_of(run, p.V_m)
            early = early_words(run)
            first = MV * float(run.series["voltage"][0])
            curves.append(Curve(name, np.asarray(run.series["time"]) / HOUR, np.asarray(run.series["voltage"]), True))
        eta = case.surface.substrate.nucleation_overpotential
        critical = 2.0 * p.gamma * p.V_m / (FARADAY * eta)
        stated, where = STATED[name]
        rows += [
            Row(name, "nucleation overpotential on copper", f"{eta:g}", eta, eta, "V", INPUT, "[2] Fig. 2b", SPIKE,
                f"it sets the number of nuclei. The critical radius 2 gamma V_m/(F eta) is "
                f"{NM * critical:.2g} nm, far below the grid. The run begins with nuclei of 4 um"),
            Row(name, "voltage at the start, nuclei of 4 um", "-", math.nan, first, "mV", PREDICTED, "[2] Fig. 2b", "",
                "the film of the small nuclei carries the whole current. The voltage depends on the assumed size and "
                "distance of the nuclei. It does not describe the nucleation before"),
            Row(name, "Coulombic efficiency, 0.5 mA/cm2", f"{stated:g}", stated, 100.0 * b.efficiency, "%", CALIBRATED,
                where, REPAIR, early),
            *(
                Row(name, f"lost: {what}", "-", math.nan, 100.0 * share / b.plated, "%", kind, "[2]", by)
                for what, share, kind, by in (
                    ("film made anew", b.film, CALIBRATED, REPAIR), ("isolated lithium", b.dead, PREDICTED, ""),
                    ("residue on the copper", b.residue, PREDICTED, ""),
                )
            ),
        ]  # fmt: skip
    plot = Plot("copper", "Li | Cu by Aurbach's method", "time (h)", "cell voltage (V)", tuple(curves))
    done = (
        "The shipped cases `aurbach-lhci` and `aurbach-dlhci` begin with half spheres of lithium on bare copper. "
        "5 mAh/cm2 are plated, ten cycles of 1 mAh/cm2 follow, and all lithium is stripped to 1 V. The efficiency is "
        "the total charge stripped over the total charge plated."
    )
    shows = (
        "The share of the plating current that forms new film is adjusted to the measured efficiency, one number for "
        "each electrolyte. A residue of lithium stays at the end of stripping. Its contact to the copper is so small "
        "that its film needs 1 V. No lithium is cut off in this geometry. If plating tears a film of thickness d each "
        "length l, the new film takes up d V_Li/(l V_film) of the charge. This is 3 % with the assumed d = 20 nm and "
        "l = 0.5 um. The adjusted numbers are of that order."
    )
    return Experiment("Lithium on copper", done, tuple(rows), (plot,), shows)
