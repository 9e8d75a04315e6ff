"""Exchange current density of DLHCI from held voltages less those of electrolyte and films, after Allen, Hickling."""

from __future__ import annotations

import numpy as np

from phasefield.analytic.flat_cell import FlatCell
from phasefield.analytic.impedance import FlatImpedance
from phasefield.api import read_case
from phasefield.constants import FARADAY, GAS_CONSTANT
from phasefield.results.run import open_run
from phasefield.studies.compare import PlannedRun
from phasefield.validation.row import INPUT, Experiment, Row
from phasefield.viz.plots.lines import Curve, Plot

CASE = "tafel-dlhci"
FEWEST = 1e-3  # A/m^2: below this, a rest
MA_CM2 = 0.1  # mA/cm^2 in an A/m^2


def tafel(entry: PlannedRun) -> Experiment:
    """Return the exchange current density of the stored run of CASE."""
    case = read_case(entry.given)
    with open_run(entry.folder) as run:
        time, U, j = (run.series[name] for name in ("time", "voltage", "current_density"))
    held = (time > 0.0) & (np.abs(j) > FEWEST)
    U, j = np.abs(U[held]), np.abs(j[held])
    flat = FlatCell(case)
    Z = FlatImpedance(flat.films(0.0), flat.gap)
    eta = 0.5 * (U - j * (Z.bulk + sum(Z.films)))  # V, of each of the two lithium surfaces
    u = FARADAY * eta / (GAS_CONSTANT * case.temperature)
    # Each surface has half of it, as alpha is one half; then j/(1 - e^-u) = j0 e^(alpha u) at any u.
    ordinate = j / -np.expm1(-u)
    slope, offset = np.polyfit(u, np.log(ordinate), 1)
    found, put_in = float(np.exp(offset)), case.kinetics.exchange_current_density
    name = case.electrolyte.name
    rows = (
        Row(name, "exchange current density", "0.17", 0.17, MA_CM2 * found, "mA/cm2", INPUT, "[2] Fig. S3"),
        Row(name, "transfer coefficient", "not stated", case.kinetics.transfer_coefficient, float(slope), "", INPUT,
            "[2] Fig. S3", "", "one half is assumed"),
    )  # fmt: skip
    x = np.linspace(0.0, 1e3 * float(eta.max()))
    line = MA_CM2 * put_in * np.exp(float(slope) * 1e-3 * x * FARADAY / (GAS_CONSTANT * case.temperature))
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
        "(`phasefield impedance`)."
    )
    return Experiment("Tafel plot", done, rows, (plot,))
