"""Order: of potential and salt in space, of the coupled march in time, of the diffuse interface in its width."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from phasefield.model.coefficients import Drive
from phasefield.verification.march import crest, driven, fitted_order, make, march, micrometres
from phasefield.verification.numerics.manufactured import ONE, VARIED, WIDTH, potential_errors, salt_error
from phasefield.verification.row import Check, CheckRow, Curve, Plot, Result
from phasefield.verification.surface.interface import AMPLITUDE, WAVELENGTH, errors

Floats = NDArray[np.float64]

SECTION = "Order"
LADDER = (128, 256, 512)  # cells along WIDTH; on coarser grids the errors of interface and bulk nearly cancel
COARSER = (64, 128, 256)  # where t+ depends on c they do not
CELLS_3D = 64
WIDTHS = (4.0, 2.0, 1.0)  # W in spacings
SPACINGS = (1e-6, 0.5e-6, 0.25e-6)  # m
NAMES = ("potential", "surface currents", "salt")
STEPS = (10.0, 5.0, 2.5)  # s
CURRENT = 15.0  # A/m^2
SLOWED = 0.5  # order that a jump costs whose layer is thinner than a cell: it starts like sqrt(t)


def _order_row(what: str, against: str, order: float, tolerance: float, why: str) -> CheckRow:
    return CheckRow(what, against, 2.0, order, tolerance, why, "", relative=False)


def _curves(name: str, steps: Sequence[float], errors: Floats) -> tuple[Curve, Curve]:
    """Return the errors, and a line of order 2 through the finest."""
    x = np.asarray(steps, np.float64)
    finest = int(np.argmin(x))
    line = errors[finest] * (x / x[finest]) ** 2
    return Curve(name, x, np.asarray(errors)), Curve(f"order 2 ({name})", x, line, theory=True)


def space(full: bool) -> Result:
    """Fit the order of potential, surface currents and salt on three grids in 2D; hold one grid in 3D."""
    rows: list[CheckRow] = []
    curves: list[Curve] = []
    for law, ladder, beside in ((ONE, LADDER, ""), (VARIED, COARSER, ", t+ and X over c")):
        spacing = [WIDTH / n * 1e6 for n in ladder]
        got = np.array([(*potential_errors(n, law=law), salt_error(n, law=law)) for n in ladder])
        rows.append(
            CheckRow(
                f"error of surface currents at {spacing[-1] * 1e3:.3g} nm, 2D{beside}", "manufactured solution", 0.0,
                float(got[-1, 1]), 1e-5, "Cells with nearly no electrolyte are closed. This moves the position that an "
                "element reads by 1 % of a cell: first order, 7e-6 as measured. The tolerance is half as much again.",
                "", relative=False,
            )
        )  # fmt: skip
        for k, name in enumerate(NAMES):
            curves += _curves(f"{name}, 2D{beside}", spacing, got[:, k])
            if k == 1:
                continue
            order, _ = fitted_order(spacing, got[:, k])
            rows.append(
                _order_row(
                    f"order in space, {name}, 2D{beside}", "manufactured solution", min(order, 2.0), 0.25,
                    "The errors of interface and bulk are of one order and opposite signs. The next even term, "
                    "(k dx)^2 of them, is a tenth of the remaining error on the coarsest grid. The errors cancel in "
                    "part, so an order above 2 counts as 2.",
                )
            )  # fmt: skip
    if full:
        bound = (math.sqrt(2.0) * 2.0 * math.pi / CELLS_3D) ** 2 / 12.0 / 5.0
        rows += [
            CheckRow(
                f"error of {name}, 3D, {CELLS_3D} cells a wave", "manufactured solution", 0.0, error, bound,
                "The error is (q dx)^2/12 of a wave with a fifth of the range of the field.", "", relative=False,
            )
            for name, error in zip(NAMES, (*potential_errors(CELLS_3D, True), salt_error(CELLS_3D, True)), strict=True)
        ]  # fmt: skip
    plot = Plot("order-space", "Manufactured solutions", "spacing (um)", "rms error", tuple(curves), "xy")
    return Result(tuple(rows), (plot,))


def _marched(dt: float, reverse: bool, fine: bool) -> tuple[float, float, float]:
    """Return amplitude [m], voltage [V] and salt at the surface [mol/m^3] of a wave after 100 s, or 60 s more reversed.

    The start is always fine: 80 steps of 0.5 s; fine: so is that after the reversal, 80 steps of 0.25 s.
    """
    case = make(
        f"grid.size={micrometres(16.0, 24.0)}",
        'surface.wave={ amplitude="1.5 um", wavelength="16 um" }',
        'film.conductivity="2e-5 S/m"',
        'electrolyte.concentration_dependence="nernst-einstein"',
        'electrolyte.salt_diffusivity="2e-12 m^2/s"',
        "numerics.tolerance=1e-8",
    )
    cell, s = driven(case, Drive(CURRENT))
    s = march(cell, s, Drive(CURRENT), 0.5, 80)
    s = march(cell, s, Drive(CURRENT), dt, round(60.0 / dt))
    if reverse:
        back = Drive(-CURRENT)
        cell.drive(s, back)
        if fine:
            s = march(cell, s, back, 0.25, 80)
        s = march(cell, s, back, dt, round(60.0 / dt))
    return crest(s), -s.phi_s, float(s.front.gather(s.c).mean())


def time(full: bool) -> Result:
    """Halve the step of the coupled march at fixed grid; the order from two successive changes."""
    steps = (*STEPS, 1.25) if full else STEPS
    rows: list[CheckRow] = []
    curves: list[Curve] = []
    for name, reverse, fine in (
        ("one direction", False, False),
        ("after a reversal in small steps", True, True),
        ("through a reversal", True, False),
    ):
        got = np.array([_marched(dt, reverse, fine) for dt in steps])
        change = np.abs(np.diff(got, axis=0))
        layer = reverse and not fine
        for k, quantity in enumerate(("amplitude", "voltage", "salt at the surface")):
            order = float(np.log2(change[-2, k] / change[-1, k]))
            rough = layer and k == 0
            rows.append(
                _order_row(
                    f"order in time, {quantity}, {name}", "scheme of order 2", order, SLOWED if rough else 0.3,
                    "A jump starts as sqrt(t). It costs half an order until a step is shorter than dx^2/D = 0.5 s."
                    if rough else
                    "For the slowest mode of the salt across the wave, h lambda = D k^2 dt = 3 with the longest of "
                    "the three steps. Against the L-stable limit, a sixth of the error is then of the next order: 0.2."
                )
            )  # fmt: skip
        curves += _curves(name, steps[1:], change[:, 0] / abs(got[-1, 0]))
    plot = Plot(
        "order-time", "Amplitude of a wave, change as the step is halved", "step (s)", "relative change",
        tuple(curves), "xy",
    )  # fmt: skip
    return Result(tuple(rows), (plot,))


def width(full: bool) -> Result:
    """Let W fall at fixed spacing, and at fixed W/dx, against the sharp solution."""
    k = 2.0 * math.pi / WAVELENGTH
    spacings = (*SPACINGS[1:], 0.125e-6) if full else SPACINGS
    fixed = spacings[-1]
    by_width = np.array([errors(fixed, n * fixed) for n in WIDTHS])
    by_both = np.array([errors(dx, 0.5 * dx) for dx in SPACINGS])
    rows: list[CheckRow] = []
    curves: list[Curve] = []
    at = [n * fixed for n in WIDTHS]
    order, _ = fitted_order(at, by_width[:, 1])
    bound = math.pi**2 / 6.0
    steep = AMPLITUDE * k**2 * at[0]
    rows += [
        _order_row(
            f"order in W at dx = {fixed * 1e6:g} um, first harmonic of the current", "sharp solution, Fourier series",
            order, 0.5, "The error of the spacing is a sixth of the remaining error at the smallest W: log2(7/6) = "
            f"0.22. Curvature times the largest W, {steep:.2f}, adds as much again at most. Closed cells add an error "
            "of first order.",
        ),
        CheckRow(
            "constant of that: error / (k W)^2 at the smallest W", "no more than pi^2/6", 0.0,
            float(by_width[-1, 1]) / (k * at[-1]) ** 2, bound,
            "The weights sech^2(d/2W)/4W have the variance pi^2 W^2/3. A profile that falls as exp(-kz) has the mean "
            "1 + pi^2/6 (k W)^2.", "", relative=False,
        ),
    ]  # fmt: skip
    for n, quantity in enumerate(("voltage", "first harmonic of the current")):
        order, _ = fitted_order(SPACINGS, by_both[:, n])
        rows += [
            _order_row(
                f"order in dx at W = dx/2, {quantity}", "sharp solution, Fourier series",
                order if n else min(order, 2.0), 0.3 if n else 1.2,
                "The errors of W and of dx have opposite signs and the same order. Both are even series with a next "
                "term of (k dx)^2 pi^2/3 = 0.13 at 1 um, after one may have cancelled half of the other. In the "
                "voltage they nearly cancel, and closed cells add an error of first order.",
            ),
            CheckRow(
                f"{quantity} at dx = {SPACINGS[-1] * 1e6:g} um, W = dx/2", "sharp solution, Fourier series", 0.0,
                float(by_both[-1, n]), (0.6 if n else 0.08) * bound * (0.5 * k * SPACINGS[-1]) ** 2,
                "The error is relative. It is 0.37 and 0.05 of pi^2/6 (k W)^2, as measured; this is the mean of "
                "exp(-kz) over the interface. The tolerance is half as much again.", "", relative=False,
            ),
        ]  # fmt: skip
        curves += _curves(f"{quantity}, W = dx/2", [0.5 * dx * 1e6 for dx in SPACINGS], by_both[:, n])
    curves += _curves(f"first harmonic, dx = {fixed * 1e6:g} um", [w * 1e6 for w in at], by_width[:, 1])
    plot = Plot(
        "order-width",
        "The diffuse interface against the sharp one",
        "W (um)",
        "relative error",
        tuple(curves),
        "xy",
    )
    return Result(tuple(rows), (plot,))


def _check(name: str, says: str, run: Callable[[bool], Result], fast: float, full: float) -> Check:
    return Check(name, SECTION, says, run, (fast, full))


CHECKS: tuple[Check, ...] = (
    _check("order-space", "Potential and salt are of second order in space", space, 20.0, 22.0),
    _check(
        "order-time",
        "Salt, potential and surface march at second order in time, through a reversal too",
        time,
        11.0,
        16.0,
    ),
    _check("order-width", "The diffuse interface converges to the sharp one", width, 1.0, 1.0),
)
