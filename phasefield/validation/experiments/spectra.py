"""Impedance spectra of the flat cells at rest: electrolyte, films, charge transfer, salt."""

from __future__ import annotations

import math
from pathlib import Path

from phasefield.analytic.flat_cell import FlatCell
from phasefield.analytic.impedance import FlatImpedance
from phasefield.api import read_case
from phasefield.validation.row import DERIVED, INPUT, Experiment, Row
from phasefield.viz.plots.nyquist import DrawnSpectrum, nyquist

HOUR, OHM_CM2 = 3600.0, 1e4  # s; ohm cm^2 in an ohm m^2
AGED = 110.0  # h: PLL's voltage came to 1 V, [1] Fig. 4a
CELLS = (("pll", 0.0), ("pll", AGED), ("pllz", 0.0), ("lhci", 0.0), ("dlhci", 0.0))
STATED = {("pll", 0.0): (494.0, "494"), ("pll", AGED): (2494.0, "2494"), ("pllz", 0.0): (397.0, "397")}  # ohm cm^2
SHOWN = (("nyquist-1", ("pll",), "Li | PLL | Li"),
         ("nyquist-2", ("pllz", "lhci", "dlhci"), "Li | electrolyte | Li"))  # fmt: skip
SEEN = 0.05  # of the whole resistance: smaller arcs bear no mark


def spectra(out: Path) -> Experiment:
    """Return resistances and draw the spectra of the cells of the polarisation into `out`."""
    rows, found = [], []
    for name, hours in CELLS:
        flat = FlatCell(read_case(f"polarisation-{name}"))
        cell = FlatImpedance(flat.films(hours * HOUR), flat.gap)
        label = name.upper() + (f", {hours:g} h" if hours else "")
        f = cell.frequencies()
        arcs = [part for part in cell.parts() if part.peak > 0.0 and part.resistance > SEEN * cell.total]
        marks = {part.name: part.peak for part in arcs}
        found.append((name, DrawnSpectrum(label, f, cell.at(f), marks)))
        one = OHM_CM2 * 0.5 * cell.interfaces
        stated, text = STATED.get((name, hours), (math.nan, "-"))
        where = "[1] Fig. 4a" if (name, hours) in STATED else "[2]"
        rows += [
            Row(label, "electrolyte, 70 um", "-", math.nan, OHM_CM2 * cell.bulk, "ohm cm2", INPUT, "-",
                "electrolyte.conductivity"),
            Row(label, "one interface", text, stated, one, "ohm cm2", DERIVED, where, "film.conductivity"),
            Row(label, "salt, settled", "-", math.nan, OHM_CM2 * cell.salt, "ohm cm2", INPUT, "-",
                "electrolyte.transference_number"),
        ]  # fmt: skip
    for picture, names, title in SHOWN:
        nyquist([one for name, one in found if name in names], f"{title}, flat, 70 um, at rest", out / f"{picture}.png")
    done = (
        "Small-signal spectra of the polarisation cells (`phasefield impedance`). Two values are assumed: 10 uF/cm2 "
        "at each lithium electrode, and a permittivity of 10 for the films. The interface resistances are computed "
        "from the voltage at 0.2 mA/cm2, for PLL also at 110 h. [2] states no interface resistance."
    )
    return Experiment("Impedance", done, tuple(rows), (), "", tuple(f"{picture}.png" for picture, _, _ in SHOWN))
