"""What a stored run proves about charge, lithium and salt: errors of the balances, and what closed them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from phasefield.constants import FARADAY
from phasefield.errors import ResultError

Array = NDArray[np.float64]

AT_REST = 1e-12  # of the lithium in the box: to move less is round-off
QUIET = 1e-6  # A/m^2; a cell current below it is a rest


class Ledger(TypedDict):
    """Relative errors; 0 is perfect."""

    charge: float
    lithium: float
    salt: float


class Corrections(TypedDict):
    """What closed the balances of salt and lithium, the largest of all steps; 0 is perfect.

    At rest hardly anything moves, so that a share of the motion says less: those steps stand apart.
    """

    salt: float  # of the salt in the cell
    lithium: float  # of the surface's own motion, while a current passes
    lithium_at_rest: float


def worst_errors(series: Mapping[str, Array], area: float, molar_volume: Any) -> Ledger:
    """Errors of the three balances, from the stored series alone.

    charge     |applied - deposited - side| against the largest |applied|
    lithium    |V - V(0) - A V_m / F (deposited - deposited(0))| against all the lithium moved
    At rest, where no charge passes and no lithium moves, both stand against the lithium that is there.
    salt       |in the cell + displaced - the same at the first row| against the salt at the first row

    area: projected area A in m^2; molar_volume: V_m of lithium in m^3/mol.
    """
    if not isinstance(molar_volume, float | np.floating):
        raise ResultError("this run does not say which molar volume of lithium it used: it has no ledger")
    try:
        applied, deposited = series["charge_applied"], series["charge_deposited"]
        side = series["charge_side"]
        volume, salt = series["lithium_volume"], series["salt_in_cell"] + series["salt_displaced"]
    except KeyError as error:
        raise ResultError(f"this run has no series {error}: it has no ledger") from error
    if len(applied) == 0:
        return Ledger(charge=0.0, lithium=0.0, salt=0.0)
    volume_per_charge = area * float(molar_volume) / FARADAY
    moved = volume_per_charge * float(np.sum(np.abs(np.diff(deposited, prepend=0.0))))
    grown = volume - volume[0] - volume_per_charge * (deposited - deposited[0])
    there, passed = float(volume[0]), float(np.max(np.abs(applied)))
    return Ledger(
        charge=_relative(applied - deposited - side, passed if passed > 0.0 else there / volume_per_charge),
        lithium=_relative(grown, there if moved <= AT_REST * there else moved),
        salt=_relative(salt - salt[0], float(salt[0])),
    )


def largest_corrections(series: Mapping[str, Array]) -> Corrections | None:
    """Return what closed the balances, from the stored series; None for a run of before they were stored."""
    if not {"salt_correction", "volume_correction", "current_density"} <= set(series):
        return None
    shares, rests = series["volume_correction"], np.abs(series["current_density"]) <= QUIET
    return Corrections(
        salt=float(np.max(series["salt_correction"], initial=0.0)),
        lithium=float(np.max(shares[~rests], initial=0.0)),
        lithium_at_rest=float(np.max(shares[rests], initial=0.0)),
    )


def _relative(error: Array, scale: float) -> float:
    """Largest error in units of `scale`; NaN stays NaN, so that no test passes on it."""
    worst = float(np.max(np.abs(error)))
    if worst == 0.0:
        return 0.0
    return worst / scale if scale != 0.0 else float("inf")
