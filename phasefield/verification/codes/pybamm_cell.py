"""The electrolyte of a flat lithium cell in PyBaMM: its finite volumes, its casadi graph, its DAE solver.

    dc/dt = d/dx(D dc/dx),  D dc/dx = (1 - t+) j/F at both ends;   d/dx(kappa dphi/dx - kappa beta dlnc/dx) = 0

x runs from the lithium to the counter electrode; phi is 0 at the counter electrode's side here.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phasefield.analytic.closed_forms import diffusion_potential
from phasefield.case import Properties
from phasefield.constants import FARADAY

Floats = NDArray[np.float64]

TOLERANCE = 1e-9  # of the DAE solver, relative


def library() -> ModuleType | None:
    """Return PyBaMM, or None where it is not installed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its own, at import
            import pybamm
    except ImportError:
        return None
    pybamm.set_logging_level("ERROR")
    found: ModuleType = pybamm
    return found


@dataclass(frozen=True)
class CellProfile:
    """At one time: x [m], c [mol/m^3] and phi [V] there, and c at both ends."""

    t: float
    x: Floats
    c: Floats
    phi: Floats
    ends: tuple[float, float]
    drop: float  # phi at the lithium, at its plane


def profiles(p: Properties, gap: float, plan: Sequence[tuple[float, float]], points: int) -> list[CellProfile]:
    """Return the profile at the end of each step of `plan`: (current density [A/m^2], duration [s]); D and kappa of c.

    gap [m]; points: finite volumes across it.
    """
    pybamm = library()
    assert pybamm is not None
    table = np.array(p.table)
    c = pybamm.Variable("c", domain="separator", scale=p.c0)
    phi = pybamm.Variable("phi", domain="separator")
    x = pybamm.SpatialVariable("x", domain="separator", coord_sys="cartesian")
    j = pybamm.InputParameter("j")
    flux, beta = (1.0 - p.t_plus) / FARADAY, diffusion_potential(p)

    def kappa(c: Any) -> Any:
        return pybamm.Interpolant(table[0], table[1], c, interpolator="linear")

    def D(c: Any) -> Any:
        return pybamm.Interpolant(table[0], table[2], c, interpolator="linear")

    left, right = pybamm.boundary_value(c, "left"), pybamm.boundary_value(c, "right")
    model = pybamm.BaseModel()
    model.rhs = {c: pybamm.div(D(c) * pybamm.grad(c))}
    model.algebraic = {
        phi: pybamm.div(kappa(c) * pybamm.grad(phi) - beta * kappa(c) / c * pybamm.grad(c)) * gap**2
    }
    model.initial_conditions = {c: pybamm.Scalar(p.c0), phi: pybamm.Scalar(0.0)}
    model.boundary_conditions = {
        c: {"left": (flux * j / D(left), "Neumann"), "right": (flux * j / D(right), "Neumann")},
        phi: {
            "left": (j / kappa(left) + beta * flux * j / (D(left) * left), "Neumann"),
            "right": (pybamm.Scalar(0.0), "Dirichlet"),
        },
    }
    model.variables = {"c": c, "phi": phi, "x": x}
    geometry = {"separator": {x: {"min": pybamm.Scalar(0.0), "max": pybamm.Scalar(gap)}}}
    mesh = pybamm.Mesh(geometry, {"separator": pybamm.Uniform1DSubMesh}, {x: points})
    pybamm.Discretisation(mesh, {"separator": pybamm.FiniteVolume()}).process_model(model)
    solver = pybamm.IDAKLUSolver(rtol=TOLERANCE, atol=TOLERANCE)
    solution, found, t = None, [], 0.0
    h = gap / points
    for current, duration in plan:
        solution = solver.step(solution, model, duration, npts=11, inputs={"j": current})
        t += duration
        own, pot = (np.asarray(solution[name].entries, np.float64)[:, -1] for name in ("c", "phi"))
        assert own.size == points
        at = np.asarray((np.arange(points) + 0.5) * h, np.float64)
        a, b = own[0], own[-1]
        # To the planes, half a volume further, with the slopes there.
        low = a - 0.5 * h * flux * current / float(np.interp(a, table[0], table[2]))
        high = b + 0.5 * h * flux * current / float(np.interp(b, table[0], table[2]))
        drop = pot[0] - 0.5 * h * current / float(np.interp(a, table[0], table[1])) + beta * np.log(low / a)
        found.append(CellProfile(t, at, own, pot, (float(low), float(high)), float(drop)))
    return found
