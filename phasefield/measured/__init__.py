"""Measured files of cyclers and impedance analysers: traces and spectra, with their units, digest and source.

    measured = read_measurement("cell_17.mpt")
    measured.spectra[0].per_area(1.13e-4).impedance      # ohm m^2
"""

from phasefield.measured.read import read_measurement
from phasefield.measured.record import MeasuredError, Measurement, Spectrum, Trace

__all__ = ["MeasuredError", "Measurement", "Spectrum", "Trace", "read_measurement"]
