"""Independent codes: the same discrete equations in FiPy, and the electrolyte of a lithium cell in PyBaMM.

Both packages are optional (extra `verify`): without one its checks give no rows, and `missing` says why.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

from phasefield.verification.row import Check, Result

log = logging.getLogger(__name__)

SECTION = "An independent code"
NEEDS = {"codes-terms": "fipy", "codes-steps": "fipy", "codes-pybamm": "pybamm", "codes-cathode": "pybamm"}


def missing(name: str) -> str | None:
    """Return why check `name` gives no rows here; None if it can run."""
    package = NEEDS.get(name)
    if package is None or find_spec(package) is not None:
        return None
    return f"{package} is not installed: pip install 'lithium-phasefield[verify]'"


def _when_there(name: str, module: str, function: str) -> Callable[[bool], Result]:
    """Return the run of a check that imports its module when it is run."""

    def run(full: bool) -> Result:
        reason = missing(name)
        if reason is not None:
            log.warning("%s skipped: %s", name, reason)
            return Result((), skipped=reason)
        rows: Callable[[bool], Result] = getattr(import_module(f"phasefield.verification.{module}"), function)
        return rows(full)

    return run


def _check(name: str, says: str, module: str, function: str, fast: float, full: float) -> Check:
    return Check(name, SECTION, says, _when_there(name, module, function), (fast, full))


CHECKS: tuple[Check, ...] = (
    _check(
        "codes-terms", "FiPy: every term of charge and salt in random fields", "codes.against_fipy", "terms", 2.0, 5.0
    ),
    _check(
        "codes-steps", "FiPy: potential with its reaction, coupled steps, short run", "codes.against_fipy", "steps",
        8.0, 40.0,
    ),
    _check(
        "codes-pybamm", "PyBaMM: a lithium symmetric cell at three currents, a step change and a relaxation",
        "codes.against_pybamm", "symmetric", 15.0, 20.0,
    ),
    _check(
        "codes-cathode", "PyBaMM: the particle of a full cell's cathode through charge, discharge and rest",
        "flat_cell.cathode", "full_cell", 5.0, 5.0,
    ),
)  # fmt: skip
