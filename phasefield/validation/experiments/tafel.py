"""Exchange current density of DLHCI from held voltages less those of electrolyte and films, after Allen, Hickling."""

from __future__ import annotations

import numpy as np

from phasefield.api import read_case
from phasefield.constants import FARADAY, GAS_CONSTANT
from phasefield.experiments import tafel as tafel_plot
from phasefield.results.run import open_run
from phasefield.studies.compare import PlannedRun
from phasefield.validation.row import INPUT, Experiment, Row
from phasefield.viz.plots.curves import Curve, Plot

CASE = "tafel-dlhci"
MA_CM2 = 0.1  # mA/cm^2 in an A/m^2


def tafel(entry: PlannedRun) -> Experiment:
    """Return the exchange current density of the stored run of CASE."""
    case = read_case(entry.given)
    with open_run(entry.folder) as run:
        eta, ordinate = tafel_plot.points(case, run)
        evaluated = tafel_plot.evaluate(case, run)
    found, slope = evaluated["exchange_current_density"], evaluated["transfer_coefficient"]
    put_in = case.kinetics.exchange_current_density
    name = case.electrolyte.name
    rows = (
        Row(name, "exchange current density", "0.17", 0.17, MA_CM2 * found, "mA/cm2", INPUT, "[2] Fig. S3"),
        Row(name, "transfer coefficient", "not stated", case.kinetics.transfer_coefficient, slope, "", INPUT,
            "[2] Fig. S3", "", "one half is assumed"),
    )  # fmt: skip
    x = np.linspace(0.0, 1e3 * float(eta.max()))
    line = MA_CM2 * put_in * np.exp(slope * 1e-3 * x * FARADAY / (GAS_CONSTANT * case.temperature))
    plot = Plot(
        "tafel",
        f"Allen-Hickling plot of Li | {name} | Li",
        "overpotential of one surface (mV)",
        "j/(1 \N{MINUS SIGN} exp(\N{MINUS SIGN}F\N{GREEK SMALL LETTER ETA}/RT)) (mA/cm2)",
        (Curve("exchange current put in", x, line, True), Curve("held voltages", 1e3 * eta, MA_CM2 * ordinate)),
        "y",
    )
    done = (
        "Voltages of 0.1 to 0.8 V in both directions, each held for 0.1 s from rest. In this time the salt hardly "
        "moves. The voltage across electrolyte and films is subtracted; it follows from the spectrum "
        "(`phasefield impedance`). So is that of the salt, by Cottrell's law."
    )
    return Experiment("Tafel plot", done, rows, (plot,))
