"""A full cell against PyBaMM: its sphere fills the cathode, closed forms of a flat cell give the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from phasefield.analytic.closed_forms import planar_voltage
from phasefield.model.coefficients import Drive
from phasefield.verification.codes.pybamm_cell import TOLERANCE, library
from phasefield.verification.march import driven, make, march
from phasefield.verification.row import CheckRow, Curve, Plot, Result

Floats = NDArray[np.float64]

CAPACITY, TAU, J0, RESISTANCE, FILLED = 7200.0, 600.0, 5.0, 2e-3, 0.9  # C/m^2, s, A/m^2, ohm m^2, -
AT = (0.0, 0.1, 0.3, 0.7, 0.9, 1.0)
POTENTIAL = (4.3, 3.9, 3.6, 3.4, 3.3, 2.5)  # V
PLAN = ((4.0, 900.0), (-8.0, 300.0), (0.0, 600.0), (2.0, 60.0))  # A/m^2, s
POINTS = 400  # volumes of the reference
STEPS = 20

CASE = (
    "cathode={" + f'capacity="{CAPACITY} C/m^2", filling={FILLED}, exchange_current_density="{J0} A/m^2", '
    f'diffusion_time="{TAU} s", resistance="{RESISTANCE} ohm m^2", '
    + "open_circuit={filling=" + str(list(AT)) + ", potential=" + str([f"{u} V" for u in POTENTIAL]).replace("'", '"')
    + "}}",
    'protocol.steps=[{current="4 A/m^2", until_voltage="4.5 V", duration="900 s"}]',
    # Salt that is always settled, and a light metal: neither is what is looked at.
    'electrolyte.salt_diffusivity="1e-8 m^2/s"',
    'lithium.molar_volume="1.3e-9 m^3/mol"',
)  # fmt: skip
WHY = (
    "The reference is of second order: (h/l)^2 = 6e-5 of the change. Here h is 1/400 of the radius, and l = "
    "sqrt(60/600) of it is the layer that the shortest step leaves. The surface of the reference is extrapolated from "
    "its last volume, with h/l times the change."
)


def sphere(plan: Sequence[tuple[float, float]]) -> list[float]:
    """Return PyBaMM's filling at the surface at the end of each step: (current density [A/m^2], duration [s])."""
    pybamm = library()
    assert pybamm is not None
    y = pybamm.Variable("y", domain="positive particle")
    r = pybamm.SpatialVariable("r", domain="positive particle", coord_sys="spherical polar")
    j = pybamm.InputParameter("j")
    model = pybamm.BaseModel()
    model.rhs = {y: pybamm.div(pybamm.grad(y)) / TAU}
    model.initial_conditions = {y: pybamm.Scalar(FILLED)}
    slope = -TAU * j / (3.0 * CAPACITY)
    model.boundary_conditions = {y: {"left": (pybamm.Scalar(0.0), "Neumann"), "right": (slope, "Neumann")}}
    model.variables = {"y": y}
    geometry = {"positive particle": {r: {"min": pybamm.Scalar(0.0), "max": pybamm.Scalar(1.0)}}}
    mesh = pybamm.Mesh(geometry, {"positive particle": pybamm.Uniform1DSubMesh}, {r: POINTS})
    pybamm.Discretisation(mesh, {"positive particle": pybamm.FiniteVolume()}).process_model(model)
    solver = pybamm.IDAKLUSolver(rtol=TOLERANCE, atol=TOLERANCE)
    solution, found = None, []
    for current, duration in plan:
        solution = solver.step(solution, model, duration, npts=11, inputs={"j": current})
        last = float(np.asarray(solution["y"].entries, np.float64)[-1, -1])
        found.append(last - 0.5 / POINTS * TAU * current / (3.0 * CAPACITY))
    return found


def full_cell(full: bool) -> Result:
    """Hold filling and voltage after a charge, a discharge, a rest and a short charge."""
    case = make(*CASE)
    cell, s = driven(case, Drive(PLAN[0][0]))
    assert cell.cathode is not None
    p, gap = cell.properties, case.grid.size[-1] - case.surface.height
    rows, ours, theirs, t = [], [], [], 0.0
    for (j, duration), expected in zip(PLAN, sphere(PLAN), strict=True):
        cell.drive(s, Drive(j))
        s = march(cell, s, Drive(j), duration / STEPS, STEPS)
        t += duration
        at = f"{j:g} A/m2 for {duration:g} s"
        rows.append(
            CheckRow(f"filling at the surface, {at}", "PyBaMM", expected, s.filling, 2e-4, WHY, "", relative=False)
        )
        j0 = 2.0 * J0 * (expected * (1.0 - expected)) ** 0.5
        rest = planar_voltage(replace(p, j0_counter=j0), j, gap, settled=True) if j else None
        U = float(np.interp(expected, AT, POTENTIAL)) + (rest.total if rest is not None else 0.0)
        rows.append(
            CheckRow(f"voltage, {at}", "PyBaMM and closed forms", U, s.voltage, 1e-3,
                "The error of the filling times the slope of the open-circuit curve, below 4 V, and 0.1 % of the "
                "overpotential for the closed form.", "V", relative=False)
        )  # fmt: skip
        ours.append(s.filling)
        theirs.append(expected)
    times = np.cumsum([duration for _, duration in PLAN])
    plot = Plot(
        "codes-cathode", "Filling of the cathode at its particles' surface", "time (s)", "filling",
        (Curve("PyBaMM", times, np.array(theirs), theory=True), Curve("phasefield", times, np.array(ours))),
    )  # fmt: skip
    return Result(tuple(rows), (plot,))
