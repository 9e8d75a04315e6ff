"""The discharges of a flat full cell: at which rate, how much passes, and how far charge and discharge lie apart."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from phasefield.analytic.flat_cell import FlatCell
from phasefield.case import Case


@dataclass(frozen=True)
class FlatDischarge:
    """A discharge at one current: rate [C], charge per area [C/m^2], polarisation [V].

    polarisation: the voltage of the charge before it less its own, at half filling of the cathode; nan if one of both
    does not come to half filling.
    """

    rate: float
    capacity: float
    polarisation: float


def flat_discharges(case: Case) -> Iterator[FlatDischarge]:
    """Yield the discharges of the first repeat of the protocol of a full cell, in their order, as they are needed."""
    cell, charged = FlatCell(case), math.nan
    assert case.cathode is not None
    assert cell.cathode is not None
    for step in case.protocol.sequence:
        j, before = step.current, cell.charge
        if not isinstance(j, float) or j == 0.0:
            cell.pass_step(step)
            continue
        until = (cell.cathode.filling(cell.charge) - 0.5) * cell.cathode.capacity / j  # s, to half filling
        half = float(cell.voltages(j, np.array([until]))[0]) if until > 0.0 else math.nan
        leg = cell.pass_step(step)
        reached = half if until <= leg.time else math.nan
        if j < 0.0:
            yield FlatDischarge(-j / case.cathode.one_c, before - cell.charge, charged - reached)
        charged = reached if j > 0.0 else math.nan
