"""What the data determine and what they do not: a verdict for each unknown, its reason, and what would settle it.

An unknown is identified if its interval of 90 % is at most a fifth of the prior's, so that the data have said at least
five times as much as the prior, and if its profile likelihood rises by 2.706 on both sides within the prior. Up to six
tenths it is partly identified. Above, or where the profile is open on a side, the interval is one of the prior more
than of the data: it is not identified. An end of the prior that the quantity cannot pass closes a side.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from phasefield.analytic.impedance import FlatImpedance
from phasefield.errors import CaseError
from phasefield.fitting.data import Observation
from phasefield.fitting.forward import Forward
from phasefield.fitting.least_squares import FitModel
from phasefield.fitting.profile_likelihood import LikelihoodProfile
from phasefield.fitting.result import Interval, Verdict, interval
from phasefield.fitting.tables.cathode import cathode_parts
from phasefield.fitting.unknowns import GROWTH, TAILS, Unknown

Floats = NDArray[np.float64]

IDENTIFIED, PARTLY, NOT = "identified", "partly identified", "not identified"
NARROW, HALF = 0.2, 0.6  # of the width of the prior's own interval
AT_EDGE = 0.01  # of a prior: so near its end the best value would lie beyond, if it could
TOGETHER = 0.8  # rank correlation of two unknowns that the data do not tell apart
SHARP = 1.25  # highest over lowest of a combination that is known
USED = 400  # samples of the posterior that combinations are worked out for
SALT = (
    "electrolyte.transference_number", "electrolyte.salt_diffusivity", "electrolyte.thermodynamic_factor",
    "electrolyte.salt_concentration",
)  # fmt: skip
INTERFACES = (
    "kinetics.exchange_current_density", "film.resistance", "film.conductivity", "film.thickness",
    "counter.kinetics.exchange_current_density", "counter.film.thickness", "counter.film.conductivity",
    "spectrum.double_layer", "spectrum.film_permittivity", "spectrum.film_exponent", "spectrum.transfer_exponent",
)  # fmt: skip
OHM_CM2 = 1e-4  # ohm m^2 in an ohm cm^2
BOTH = "both interfaces, film and charge transfer"
Settle = Callable[[Unknown, Sequence[Unknown]], str]
"""Says which experiment would settle an unknown, beside those that the data do not tell it from."""


def combinations(forward: Forward, best: Floats, u: Floats) -> tuple[Interval, ...]:
    """Return what eq. (17) is made of, with its interval: much of it is known where the unknowns are not."""
    rows = [_known(forward, best)]
    for one in u[:: max(1, len(u) // USED)]:
        try:
            rows.append(_known(forward, one))
        except CaseError:
            continue
    found = []
    for name, (_, unit, size) in rows[0].items():
        values = [row[name][0] for row in rows]
        low, high = interval(values[1:])
        found.append(Interval(name, values[0], low, high, unit, size))
    return tuple(found)


def _known(forward: Forward, u: Floats) -> dict[str, tuple[float, str, float]]:
    values = forward.values(u)
    case = forward.case(values)
    return {**_parts(forward.spectrum(case, values)), **cathode_parts(case)}


def _parts(cell: FlatImpedance) -> dict[str, tuple[float, str, float]]:
    """Return value [SI], unit and its size of each combination."""
    area = ("ohm cm2", OHM_CM2)
    return {
        "electrolyte": (cell.bulk, *area),
        BOTH: (cell.interfaces, *area),
        "both films": (sum(cell.films), *area),
        "both charge transfers": (sum(cell.transfers), *area),
        "salt, settled": (cell.salt, *area),
        "current fraction": (cell.current_fraction, "", 1.0),
        "time of the salt, L^2/(pi^2 D)": (cell.gap**2 / (math.pi**2 * cell.p.D), "s", 1.0),
    }


def verdict(
    k: int, forward: FitModel, u: Floats, found: LikelihoodProfile, settled: Settle
) -> Verdict:
    """Return what the data say of unknown k; u: samples of the posterior."""
    one = forward.unknowns[k]
    low, high = wider(u[:, k], found)
    width = (high - low) / (TAILS[1] - TAILS[0])
    closed = (found.bounded[0] or one.limits[0], found.bounded[1] or one.limits[1])
    word = NOT
    if all(closed) and any(found.bounded):
        word = IDENTIFIED if width <= NARROW else PARTLY if width <= HALF else NOT
    edge = _edge(one, found, closed)
    if word == IDENTIFIED:
        return Verdict(word, width, edge, f"interval {100.0 * width:.3g} % of the prior's, bounded on both sides", "")
    partners = _partners(k, forward.unknowns, u)
    reason = f"interval {100.0 * width:.3g} % of the prior's"
    reason += "" if all(closed) else ", " + _open(one, found, closed)
    if partners:
        reason += f"; these data do not tell it from {' and '.join(other.name for other in partners)}"
    return Verdict(word, width, edge, reason, settled(one, partners))


def wider(samples: Floats, found: LikelihoodProfile) -> tuple[float, float]:
    """Return the interval of 90 % of the samples, or where the profile goes farther, of both; an open one to its prior.

    They agree for a normal posterior. Else a walk may have missed a part of it, and the profile a part of its weight.
    """
    low, high = interval(samples)
    return min(low, found.low), max(high, found.high)


def _open(one: Unknown, found: LikelihoodProfile, closed: tuple[bool, bool]) -> str:
    """Say on which sides a profile is open, and the bound that there is."""
    if not any(closed):
        return "open on both sides"
    if closed[0]:
        return f"open above: at least {one.shown(one.value(found.low))} is all that the data say"
    return f"open below: at most {one.shown(one.value(found.high))} is all that the data say"


def _edge(one: Unknown, found: LikelihoodProfile, closed: tuple[bool, bool]) -> str:
    """Say that the best value lies at an end of its prior."""
    best = float(found.u[int(np.argmin(found.rise))])
    for there, end, value, passable in (
        (best < AT_EDGE, "lower", one.low, not one.limits[0]),
        (best > 1.0 - AT_EDGE, "upper", one.high, not one.limits[1]),
    ):
        if there:
            more = "; widen the prior" if passable else ", which it cannot pass"
            return f"at the {end} end of its prior, {one.shown(value)}{more}"
    return ""


def _partners(k: int, unknowns: Sequence[Unknown], u: Floats) -> list[Unknown]:
    """Return the unknowns that go along with unknown k in the posterior."""
    ranks = u.argsort(axis=0).argsort(axis=0).astype(np.float64)
    ranks -= ranks.mean(axis=0)
    size = np.sqrt((ranks**2).sum(axis=0))
    together = np.abs(ranks.T @ ranks[:, k]) / np.maximum(size * size[k], 1e-300)
    return [one for m, one in enumerate(unknowns) if m != k and together[m] > TOGETHER]


def settle(
    one: Unknown, partners: Sequence[Unknown], data: Sequence[Observation], known: Sequence[Interval]
) -> str:
    """Return which experiment would settle an unknown of the flat cell."""
    if one.key in SALT:
        return _settle_salt(one, partners, data, known)
    if one.key in INTERFACES:
        return _settle_interface(one, partners, data, known)
    if one.key == "electrolyte.conductivity":
        return _settle_conductivity(data, known)
    if one.key in GROWTH:
        return "a longer cycling trace, at the same current"
    if one.key == "kinetics.transfer_coefficient":
        return "a Tafel plot: currents above the exchange current, plating and stripping"
    return "an experiment of its own"


def _settle_salt(
    one: Unknown, partners: Sequence[Unknown], data: Sequence[Observation], known: Sequence[Interval]
) -> str:
    tau = next(c.best for c in known if c.unit == "s")
    roles = {d.role: d for d in data}
    if one.key == "electrolyte.salt_concentration":
        return "weigh the salt, and set its concentration in the base"
    parts = []
    if "polarisation" not in roles:
        parts.append("give a polarisation trace (Bruce and Vincent), held for several times the salt's relaxation")
    elif roles["polarisation"].x[-1] < 3.0 * tau:
        ends = float(roles["polarisation"].x[-1])
        parts.append(f"hold the polarisation for {3.0 * tau:.2g} s at least; it ends after {ends:.2g} s")
    if "spectrum" in roles:
        lowest, needed = float(roles["spectrum"].x.min()), 0.4 / (2.0 * math.pi * tau)
        if lowest > needed:
            parts.append(f"measure the spectrum down to {1e3 * needed:.2g} mHz; it ends at {lowest:.3g} Hz")
    keys = {p.key for p in partners} | {one.key}
    if not parts or (len(keys & set(SALT)) > 1 and "electrolyte.thermodynamic_factor" in keys):
        parts.append("measure the potential of a concentration cell: it gives (1 - t+) times the thermodynamic factor")
    return "; or ".join(parts)


def _settle_interface(
    one: Unknown, partners: Sequence[Unknown], data: Sequence[Observation], known: Sequence[Interval]
) -> str:
    both = next(c for c in known if c.name == BOTH)
    sharp = both.high < SHARP * both.low
    words = ""
    if sharp:
        words = f"the arcs of film and charge transfer are one: only their sum is known, {both.shown} at both; "
    if "spectrum" not in {d.role for d in data}:
        return words + "give a spectrum: film and charge transfer have arcs of their own if their capacitances differ"
    if any(p.key in ("film.thickness", "spectrum.film_permittivity") for p in (one, *partners)) and one.key in (
        "film.thickness", "spectrum.film_permittivity",
    ):  # fmt: skip
        words += "only thickness over permittivity has a place in the spectrum: measure the thickness (by XPS); "
    return words + (
        "a Tafel plot settles it: with the current the resistance of charge transfer falls, that of a film does not; "
        "or spectra at several temperatures"
    )


def _settle_conductivity(data: Sequence[Observation], known: Sequence[Interval]) -> str:
    highest = max((float(d.x.max()) for d in data if d.role == "spectrum"), default=0.0)
    if highest == 0.0:
        return "give a spectrum, which begins where the electrolyte alone is seen"
    return f"measure the spectrum to frequencies above {highest:.2g} Hz, or cells of two thicknesses"
