"""The voltage under a measured current, all samples at once, against the cell that is marched interval by interval."""

from __future__ import annotations

import numpy as np
import pytest
from made_up_cells import marched_voltages

from phasefield.analytic.closed_forms import overpotential
from phasefield.analytic.flat_trace import CurrentTrace, flat_voltages
from phasefield.analytic.impedance import FlatImpedance
from phasefield.analytic.voltages import overpotentials
from phasefield.api import read_case

TABLE = (
    'electrolyte.concentration_dependence={ concentration = ["0.2 mol/L", "1 mol/L", "2 mol/L"], '
    'conductivity = ["2e-4 S/cm", "1.06e-3 S/cm", "1.2e-3 S/cm"], '
    'diffusivity = ["2e-7 cm^2/s", "1.5e-7 cm^2/s", "1e-7 cm^2/s"] }'
)
GROWN = 'film.growth={ law = "LAW", KEY, molar_volume = "15 cm^3/mol" }'
CASES = {
    "ideal salt": [],
    "one conductivity": ['electrolyte.concentration_dependence="constant"'],
    "a table": [TABLE],
    "another transfer coefficient": ["kinetics.transfer_coefficient=0.3"],
    "square root": [GROWN.replace("LAW", "square-root").replace("KEY", 'coefficient = "1e-20 m^2/s"')],
    "constant": [GROWN.replace("LAW", "constant").replace("KEY", 'rate = "1 nm/h"')],
    "plating": [GROWN.replace("LAW", "plating").replace("KEY", "plating_share = 0.05")],
}


@pytest.mark.parametrize("overrides", CASES.values(), ids=list(CASES))
def test_a_trace_is_that_of_the_marched_cell(overrides: list[str]) -> None:
    case = read_case("pllz", overrides)
    time = np.array([5.0, 60.0, 400.0, 3600.0, 3601.0, 4000.0, 7200.0])
    current = np.array([2.0, 2.0, 2.2, 2.0, -1.5, -1.5, -3.0])
    drive = CurrentTrace(time, current, np.arange(7), current)
    expected = marched_voltages(case, time, current)
    # 1e-5: the march takes 1/kappa by a midpoint rule of 400 points, the trace where it can by a logarithm
    assert flat_voltages(case, drive) == pytest.approx(expected, rel=1e-5)


def test_overpotentials_are_those_of_one_current_at_a_time() -> None:
    p = read_case("pllz", ["kinetics.transfer_coefficient=0.2"]).properties()
    j, c = np.array([-3e4, -1.0, 0.0, 1e-6, 2.0, 5e5]), np.array([900.0, 1100.0, 1e3, 1e3, 300.0, 1.0])
    one = [overpotential(p, a, b, p.j0) for a, b in zip(j, c, strict=True)]
    # the single one stops at a step of 1e-15 RT/F
    assert overpotentials(p, j, c, p.j0) == pytest.approx(one, rel=1e-12, abs=3e-17)


def test_a_depressed_arc_keeps_its_resistance_and_its_frequency() -> None:
    p = read_case("pllz").properties()
    round_, flat = FlatImpedance(p, 7e-5), FlatImpedance(p, 7e-5, film_exponent=0.8)
    slow, peak = np.array([1e-9]), np.array([round_.parts()[1].peak])
    assert flat.at(slow) == pytest.approx(round_.at(slow), rel=1e-3)  # (w R C)^0.8 at 1e-9 Hz is below that
    height = -(flat.at(peak) - round_.at(peak)).imag
    R = 2.0 * round_.films[0]
    # Cole and Cole: the top of the arc is R tan(pi a/4)/2 high
    assert height == pytest.approx(0.5 * R * (np.tan(np.pi * 0.2) - 1.0), rel=1e-3)
