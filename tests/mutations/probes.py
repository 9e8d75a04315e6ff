"""Quick rows for the mutations, small enough to run without compiled kernels."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable
from pathlib import Path

from reversed_currents import ALLOWED, off, reversals

from phasefield.verification.numerics.manufactured import WAVE, WIDTH, potential_errors, salt_error
from phasefield.verification.row import CheckRow, Result
from phasefield.verification.surface.interface import WAVELENGTH, errors

SPACING = 1e-6  # m
CELLS = 16


def sharp(full: bool) -> Result:
    """Hold one wavy surface against the sharp problem: the rows of `order-width` on a coarse grid."""
    bound = math.pi**2 / 6.0 * (math.pi / WAVELENGTH * SPACING) ** 2  # pi^2/6 (k W)^2 at W = dx/2
    got = zip(("voltage", "first harmonic"), errors(SPACING, 0.5 * SPACING), strict=True)
    why = "pi^2/6 (k W)^2, the average of exp(-kz) over the interface"
    return Result(tuple(CheckRow(name, "sharp solution", 0.0, e, bound, why, "", relative=False) for name, e in got))


def deep(full: bool) -> Result:
    """Hold the 3D manufactured solutions on one coarse grid."""
    bound = (math.sqrt(2.0) * WAVE * WIDTH / CELLS) ** 2 / 12.0 / 5.0 / 4.0
    why = "a quarter of (q dx)^2/12 of a wave that is a fifth of the field's range; a twelfth, as measured"
    got = {"potential": potential_errors(CELLS, True)[0], "salt": salt_error(CELLS, True)}
    return Result(tuple(CheckRow(n, "manufactured", 0.0, e, bound, why, "", relative=False) for n, e in got.items()))


def steps(full: bool) -> Result:
    """Hold the voltages of long steps after a reversal against those of short ones."""
    with tempfile.TemporaryDirectory() as folder:
        # The mutation does not see errors of the reference either: its steps are short by themselves.
        short = reversals(Path(folder) / "short", 1, "numerics.step_error=1e-3", 'numerics.max_step="5 s"')
        got = off(reversals(Path(folder) / "long", 1), short)
    why = "twice the step error: a larger one repeats the step"
    return Result((CheckRow("voltage", "short steps", 0.0, got, ALLOWED, why, "", relative=False),))


PROBES: dict[str, Callable[[bool], Result]] = {"probe-sharp": sharp, "probe-deep": deep, "probe-steps": steps}
