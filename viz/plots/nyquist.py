"""Impedance spectra: the complex plane with equal axes, and both parts over the frequency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from phasefield.viz.style import INK, MINUS, RUN_COLOURS, look, new_figure, powers, save, significant_digits

OHM_CM2 = 1e4  # ohm cm^2 in an ohm m^2
SIZE = (9.0, 4.0)  # inch
ROOM = 1.05  # of an axis over what it shows


@dataclass(frozen=True)
class DrawnSpectrum:
    """One spectrum: frequencies [Hz], Z [ohm m^2], and by name the frequencies [Hz] that bear a mark."""

    name: str
    frequency: NDArray[np.float64]
    Z: NDArray[np.complex128]
    marks: Mapping[str, float]


def nyquist(spectra: Sequence[DrawnSpectrum], title: str, path: Path) -> Path:
    """Draw the spectra and return the path of the picture."""
    with look():
        figure = new_figure(*SIZE)
        plane, bode = figure.subplots(1, 2)
        figure.suptitle(title, x=0.01, ha="left", fontsize=10)
        for k, one in enumerate(spectra):
            colour = RUN_COLOURS[k % len(RUN_COLOURS)]
            real, imaginary = OHM_CM2 * one.Z.real, -OHM_CM2 * one.Z.imag
            plane.plot(real, imaginary, "-", color=colour, lw=1.4, label=one.name)
            bode.plot(one.frequency, real, "-", color=colour, lw=1.4, label=f"Re, {one.name}")
            bode.plot(one.frequency, imaginary, "--", color=colour, lw=1.2, label=f"{MINUS}Im, {one.name}")
            for frequency in one.marks.values():
                here = int(np.argmin(np.abs(np.log(one.frequency / frequency))))
                plane.plot(real[here], imaginary[here], "o", color=colour, ms=4, mfc="white")
                plane.annotate(
                    _hertz(frequency), (real[here], imaginary[here]), textcoords="offset points", xytext=(0, 7),
                    ha="center", fontsize=7.5, color=INK, zorder=4,
                    bbox={"boxstyle": "round,pad=0.1", "facecolor": "white", "alpha": 0.8, "linewidth": 0},
                )  # fmt: skip
        plane.set_xlabel("Re Z (\N{GREEK CAPITAL LETTER OMEGA} cm\N{SUPERSCRIPT TWO})")
        plane.set_ylabel(f"{MINUS}Im Z (\N{GREEK CAPITAL LETTER OMEGA} cm\N{SUPERSCRIPT TWO})")
        most = ROOM * max(float(OHM_CM2 * one.Z.real.max()) for one in spectra)
        plane.set_xlim(0.0, most)
        plane.set_ylim(0.0, 0.6 * most)
        plane.set_aspect("equal")
        plane.legend(loc="upper left")
        bode.set_xscale("log")
        powers(bode.xaxis)
        bode.set_xlabel("frequency (Hz)")
        bode.set_ylabel(f"Re Z, {MINUS}Im Z (\N{GREEK CAPITAL LETTER OMEGA} cm\N{SUPERSCRIPT TWO})")
        bode.legend()
        figure.set_layout_engine("constrained")
        return save(figure, path)


def _hertz(frequency: float) -> str:
    """Write a frequency [Hz] with the prefix that suits it."""
    for size, unit in ((1e6, "MHz"), (1e3, "kHz"), (1.0, "Hz")):
        if frequency >= size:
            return f"{significant_digits(frequency / size, 2)} {unit}"
    return f"{significant_digits(frequency * 1e3, 2)} mHz"
