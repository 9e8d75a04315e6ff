"""Conductivity against temperature: the electrolyte's part of the spectrum, and Arrhenius' barrier from it."""

from __future__ import annotations

import math

import numpy as np

from phasefield.analytic.flat_cell import FlatCell
from phasefield.analytic.impedance import FlatImpedance
from phasefield.api import read_case
from phasefield.constants import BOLTZMANN, ELEMENTARY_CHARGE
from phasefield.validation.row import INPUT, Experiment, Row
from phasefield.viz.plots.curves import Curve, Plot

CELSIUS = 273.15  # K
TEMPERATURES = (30.0, 40.0, 50.0, 60.0, 70.0, 80.0)  # degC, those of the paper
STATED = {"pll": (0.223, "5.52e-4"), "pllz": (0.196, "1.06e-3")}  # eV, S/cm at 30 degC; [1] Fig. 3a, b
S_CM = 1e-2  # S/cm in an S/m


def temperature() -> Experiment:
    """Return barrier and conductivity of PLL and PLLZ from their spectra at six temperatures."""
    rows, curves = [], []
    for name, (barrier, sigma) in STATED.items():
        kappa = []
        for t in TEMPERATURES:
            flat = FlatCell(read_case(f"polarisation-{name}", [f'temperature="{t} degC"']))
            Z = FlatImpedance(flat.films(0.0), flat.gap)
            highest = float(
                Z.at(1e3 * Z.frequencies()[:1])[0].real
            )  # where films and charge transfer are short-circuited
            kappa.append(flat.gap / highest)
        inverse = 1.0 / (np.array(TEMPERATURES) + CELSIUS)
        slope = float(np.polyfit(inverse, np.log(kappa), 1)[0])
        found = -slope * BOLTZMANN / ELEMENTARY_CHARGE
        electrolyte = name.upper()
        rows.append(
            Row(
                electrolyte,
                "conductivity at 30 degC",
                sigma,
                float(sigma),
                S_CM * kappa[0],
                "S/cm",
                INPUT,
                "[1] Fig. 3a",
            )
        )
        rows.append(
            Row(
                electrolyte,
                "barrier, 30 to 80 degC",
                f"{barrier:g}",
                barrier,
                found,
                "eV",
                INPUT,
                "[1] Fig. 3b",
            )
        )
        curves.append(Curve(electrolyte, 1e3 * inverse, S_CM * np.array(kappa)))
        line = math.log(kappa[0]) + slope * (inverse - inverse[0])
        curves.append(Curve(f"{electrolyte}, {found:.3f} eV", 1e3 * inverse, S_CM * np.exp(line), True))
    plot = Plot(
        "temperature", "Conductivity from the spectrum", "1000 K/T", "conductivity (S/cm)", tuple(curves), "y"
    )
    done = "Spectra of the polarisation cells at 30 to 80 degC. The resistance at the highest frequency is L/kappa."
    return Experiment("Conductivity against temperature", done, tuple(rows), (plot,))
