"""The voltage of a flat cell over time under a measured current: what a cycler's trace shows, for many samples at once.

The current is constant between two times, and salt and film follow as in `flat_cell.FlatCell`. The voltage is that of
the current at the very moment. So one function serves a trace of imposed currents and one of a held voltage, whose
current is measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, repeat

import numpy as np
from numpy.typing import NDArray

from phasefield.analytic.flat_cell import FlatCell
from phasefield.analytic.voltages import voltages_at
from phasefield.case import Case

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]


@dataclass(frozen=True)
class CurrentTrace:
    """A current over time, from a rested cell on: intervals of one current each, and what is looked at.

    time: the end of each interval [s], increasing from above 0; current: its mean [A/m^2]; seen: the intervals at whose
    end the voltage is looked at; moment: the current there [A/m^2].
    """

    time: Floats
    current: Floats
    seen: Integers
    moment: Floats

    def until(self, time: float) -> CurrentTrace:
        """Return the part whose voltages are looked at up to a time [s]."""
        kept = self.time[self.seen] <= time
        return CurrentTrace(self.time, self.current, self.seen[kept], self.moment[kept])


def protocol_trace(case: Case, times: Floats) -> CurrentTrace:
    """Return the current of the protocol of a case up to the last of increasing times [s], looked at there.

    At a time when the current switches it is the one before. Raises ValueError if the protocol has other steps than
    constant currents whose duration is known, or ends before.
    """
    ends, currents, end = list[float](), list[float](), 0.0
    for step in chain.from_iterable(repeat(case.protocol.sequence, case.protocol.repeat)):
        if not isinstance(step.current, float) or step.planned_time is None:
            raise ValueError("has other steps than currents with a capacity or a duration")
        end += step.planned_time
        ends.append(end)
        currents.append(step.current)
        if end >= times[-1]:
            break
    else:
        raise ValueError(f"ends after {end / 3600.0:.3g} h")
    until = np.union1d(ends, times)
    current = np.array(currents)[np.searchsorted(ends, until)]
    seen = np.searchsorted(until, times)
    return CurrentTrace(until, current, seen, current[seen])


def flat_voltages(case: Case, drive: CurrentTrace) -> Floats:
    """Return the voltages [V] of the flat cell of a case where a drive looks at them, cathode included if it has one.

    Beyond the limiting current the salt stays just below its end.
    """
    cell = FlatCell(case)
    p, seen, cathode = cell.fresh, drive.seen, cell.cathode
    dt, charge = np.diff(drive.time, prepend=0.0), np.diff(drive.time, prepend=0.0) * drive.current
    s = np.clip(_modes(cell.rates, dt, drive.current)[seen] @ cell.weights, -cell.most, cell.most)
    plated = np.cumsum([np.maximum(charge, 0.0), np.maximum(-charge, 0.0)], axis=1)[:, seen]
    films = cell.film_resistance(drive.time[seen], plated)
    if cathode is None:
        return voltages_at(p, cell.gap, drive.moment, s, films, p.j0_counter)
    modes = _modes(cathode.rates, dt, drive.current / cathode.capacity)[seen]
    filling = cathode.filling(np.cumsum(charge)[seen]) - modes @ cathode.weights
    against_lithium = voltages_at(p, cell.gap, drive.moment, s, films, cathode.exchange_current(filling))
    return np.asarray(cathode.open_circuit(filling) + against_lithium)


def _modes(rates: Floats, dt: Floats, current: Floats) -> Floats:
    """Return the modes s_k of salt or cathode after each interval: s_k <- j + (s_k - j) exp(-rate dt), from rest.

    Two intervals in a row are one of the same form, s_k <- a s_k + b; so all are composed in log2(n) passes.
    """
    a = np.exp(-rates * dt[:, None])
    b = current[:, None] * (1.0 - a)
    shift = 1
    while shift < dt.size:
        b[shift:] = b[shift:] + a[shift:] * b[:-shift]
        a[shift:] = a[shift:] * a[:-shift]
        shift *= 2
    return b
