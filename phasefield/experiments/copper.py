"""Lithium on copper: Coulombic efficiency by Aurbach's method and of each cycle, and where the lost lithium is.

D. Aurbach, Y. Gofer, J. Langzam, J. Electrochem. Soc. 136 (1989) 3198; charges as in B. D. Adams et al., Adv. Energy
Mater. 2018, 8, 1702097.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from phasefield.case import Case
from phasefield.constants import FARADAY
from phasefield.experiments.rows import is_driven, rows_of_steps
from phasefield.results.evaluation import Evaluated, Evaluation
from phasefield.results.run import Run
from phasefield.viz.plots.curves import Curve, Plot

MAH_CM2 = 1.0 / 36e3  # mAh/cm^2 in a C/m^2


@dataclass(frozen=True)
class Balance:
    """Charges per area [C/m^2] of a stored run: all that was plated, nuclei included, all stripped, and what is left.

    plated = stripped + film + dead + residue, by the ledger.
    """

    plated: float
    stripped: float
    film: float
    dead: float
    residue: float

    @property
    def efficiency(self) -> float:
        """Return Aurbach's efficiency: all that was stripped over all that was plated."""
        return self.stripped / self.plated if self.plated > 0.0 else math.nan


def balance_of(run: Run, molar_volume: float) -> Balance:
    """Return the charges of a stored run per projected area; molar_volume: of lithium [m^3/mol]."""
    series = run.series
    per_volume = FARADAY / (molar_volume * run.shape[1] * run.shape[2] * run.spacing**2)
    passed = np.diff(np.asarray(series["charge_applied"]))
    dead = per_volume * float(series["lithium_dead"][-1])
    return Balance(
        plated=float(passed[passed > 0.0].sum()) + per_volume * float(series["lithium_volume"][0]),
        stripped=-float(passed[passed < 0.0].sum()),
        film=float(series["charge_side"][-1]),
        dead=dead,
        residue=per_volume * float(series["lithium_volume"][-1]) - dead,
    )


def evaluate(case: Case, run: Run) -> Evaluation:
    """Return the efficiency of a stored run, of its cycles, and the shares of the lithium that is lost."""
    b = balance_of(run, case.properties().V_m)
    driven = [rows for rows in rows_of_steps(run) if is_driven(case, rows)]
    halves = [sum(part) for _, part in itertools.groupby((rows.passed for rows in driven), lambda q: q > 0.0)]
    # A cycle strips and plates again; the reservoir before and the last strip belong to none.
    pairs = [(-out, back) for out, back in itertools.pairwise(halves[:-1]) if out < 0.0 < back]
    cycle = float(np.mean([out / back for out, back in pairs])) if pairs else math.nan
    whole = str(run.summary.get("reason", "unfinished")) == "end"
    if not b.plated > 0.0 or not driven or case.surface.substrate is None:
        says = "nothing was plated on copper: the case has no surface.substrate" if b.plated else "nothing was plated"
        return Evaluation("copper-efficiency", (Evaluated("coulombic_efficiency", math.nan, says=says),))
    says = "" if whole else "the run ended before its protocol: lithium that could still be stripped counts as lost"
    if not b.stripped > 0.0:
        says = "nothing was stripped"
    return Evaluation(
        "copper-efficiency",
        (
            Evaluated("coulombic_efficiency", b.efficiency if b.stripped > 0.0 else math.nan, says=says),
            Evaluated("lost_to_film", b.film / b.plated, says="share of the lithium plated"),
            Evaluated("lost_as_dead_lithium", b.dead / b.plated, says="cut off from the copper"),
            Evaluated("lost_as_residue", b.residue / b.plated, says="still on the copper, in contact"),
            Evaluated("cycle_efficiency", cycle, says=f"mean of {len(pairs)} cycles that strip, then plate"),
            Evaluated("voltage_at_nuclei", float(driven[0].voltage[0]),
                      says="first value under current; the run begins with nuclei"),
        ),
        "Charges are those of the cell; nuclei at the start count as plated. The four shares add up to one.",
    )  # fmt: skip


def panels(case: Case, run: Run) -> tuple[Plot, ...]:
    """Return the voltage over the lithium on the copper."""
    charge = MAH_CM2 * np.asarray(run.series["charge_applied"])
    curve = Curve("", charge, np.asarray(run.series["voltage"]), True)
    return (Plot("experiment", "Lithium on copper", "charge on the copper (mAh/cm^2)", "cell voltage (V)", (curve,)),)
