"""Voltage, current and salt of a flat cell, in words."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from phasefield.analytic import closed_forms as forms
from phasefield.analytic import salt_profile
from phasefield.analytic.flat_cell import FlatCell, FlatRun, FlatStep
from phasefield.analytic.impedance import OTHER_FRACTION, FlatImpedance
from phasefield.analytic.intercalation import Intercalation
from phasefield.case import Case, Properties
from phasefield.case.electrolyte import NEAR, interpolate_held
from phasefield.check.finding import MA_CM2, Finding, um_or_mm, volts
from phasefield.constants import ZERO_CELSIUS
from phasefield.results.salt_range import MOLAR, beyond_law
from phasefield.text.formatting import OHM_CM2, number, spell

SAND_DEPTH = 0.25  # sqrt(D tau) below this share of the gap: the other electrode is not felt
CM2 = 1e4  # cm^2 in a m^2
MAH_CM2 = 1.0 / 3.6e4  # mAh/cm^2 in a C/m^2
MOST_VOLTS = 200.0  # V: no cell is measured there
SAME = 1.0  # K: temperatures so near to each other are one
MOST_HELD = 4  # imposed voltages whose currents are told


def cathode(case: Case, j: float) -> Iterator[Finding]:
    """Say what stands in the place of the counter electrode of a full cell; j: strongest current density [A/m^2]."""
    c, electrode = case.cathode, Intercalation.of(case)
    if c is None or electrode is None:
        return
    open_circuit = electrode.open_circuit(c.filling)
    words = (
        f"{number(c.areal_capacity, MAH_CM2)} mAh/cm2, at most {number(j / c.one_c)} C; open circuit "
        f"{volts(open_circuit)} at the start; voltages below are without it: against lithium in its place"
    )
    yield Finding("cell", "cathode", c.areal_capacity, c.name or "intercalation", words)


def voltages(cell: FlatCell, leg: FlatStep, last: FlatStep) -> Iterator[Finding]:
    """Say what the voltage of a step is made of; leg, last: that step in the first and in the last repeat."""
    if leg.voltage is not None:
        yield from _held(cell, leg)
        return
    p, gap, j = cell.fresh, cell.gap, abs(leg.current)
    start = forms.planar_voltage(p, j, gap, settled=False)
    settled = forms.planar_voltage(p, j, gap, settled=True)
    assert start is not None  # uniform salt is never used up
    yield _voltage("flat cell, at the start", start.total, f"at {number(j, MA_CM2)} mA/cm2")
    if settled is None:
        yield Finding("voltage", "flat cell, settled", math.nan, "-", "the salt runs out before it settles")
    else:
        yield _voltage("flat cell, settled", settled.total, f"the salt settles in about {spell(cell.tau)}")
        if cell.grows and math.isfinite(last.time):
            grown = j * (sum(last.films) - sum(forms.film_resistances(p)))
            words = f"films grown to {_both(last.films)}"
            yield _voltage("flat cell, at the end", settled.total + grown, words)
    yield from _parts(cell, settled or start, forms.film_resistances(p))


def _held(cell: FlatCell, leg: FlatStep) -> Iterator[Finding]:
    """Say what an imposed voltage is made of."""
    assert leg.voltage is not None
    yield _voltage("flat cell, imposed", leg.voltage, _length(leg))
    if leg.parts is not None:
        yield from _parts(cell, leg.parts, leg.films)


def _parts(cell: FlatCell, v: forms.Voltage, films: tuple[float, float]) -> Iterator[Finding]:
    yield _voltage("  both films", v.film, _both(films))
    transfers = FlatImpedance(cell.fresh, cell.gap).transfers
    whole = number(films[0] + transfers[0], OHM_CM2)
    words = f"{_both(transfers)} at small currents; with its film the lithium's interface has {whole}"
    yield _voltage("  charge transfer, both", v.kinetics, words)
    yield _voltage(
        "  electrolyte", v.ohmic, f"{number(cell.gap / cell.fresh.kappa, OHM_CM2)} ohm cm2 at the start"
    )
    yield _voltage("  concentration", v.concentration, "diffusion potential")


def ends_at_once(case: Case, legs: Sequence[FlatStep]) -> Iterator[Finding]:
    """Warn of a run that ends before its first step, and of a first current or voltage that is over as it begins.

    legs: one repeat of the protocol in a flat cell.
    """
    protocol, step = case.protocol, case.protocol.sequence[0]
    if step.currents is not None and step.current is not None and step.until_voltage is None:
        cell = FlatCell(case)
        value = cell.voltage(cell.films(0.0), step.currents[0], 0.0)
        if abs(value) >= protocol.voltage_limit:
            stops = "voltage_limit" in protocol.stop_on
            words = f"of the first step, above protocol.voltage_limit, {volts(protocol.voltage_limit)}: "
            words += "the run ends at once" if stops else "the run goes on at the limit, with less current"
            words += "; check the current, and the units of film and conductivity"
            yield Finding("protocol", "voltage at the start", value, volts(value), words, True)
    k = next((k for k, step in enumerate(protocol.sequence) if step.rest is None), None)
    if k is not None and legs[k].time == 0.0:
        words = "what ends it is there as it begins: check until_voltage and until_current against the cell voltage"
        yield Finding("protocol", f"step {k + 1}", 0.0, "ends at once", words, True)


def protocol_plan(case: Case, flat_run: FlatRun) -> Iterator[Finding]:
    """Say what the protocol will do in a flat cell: how long it takes, in how many cycles, and the charge it passes."""
    protocol, legs = case.protocol, flat_run.first
    steps, cycles = len(protocol.sequence), protocol.cycles
    words = f"{cycles} cycle{'s' * (cycles > 1)}, {steps} step{'s' * (steps > 1)} a repeat"
    if not math.isfinite(flat_run.time):
        yield Finding("protocol", "duration", math.nan, "-", f"{words}; a step does not end in a flat cell")
        return
    yield Finding("protocol", "duration", flat_run.time, spell(flat_run.time), words)
    plates, strips = (math.fsum(leg.plated[side] for leg in legs) for side in (0, 1))
    text = f"{number(flat_run.plated, MAH_CM2)} mAh/cm2"
    words = f"plated in all; a repeat plates {number(plates, MAH_CM2)} and strips {number(strips, MAH_CM2)} mAh/cm2"
    yield Finding("protocol", "charge", flat_run.plated, text, words)
    if protocol.measured is not None:
        off = protocol.measured.charge_error
        words = f"at most, between the ends of the {steps} steps of {protocol.file}; none at each end"
        yield Finding("protocol", "error of charge", off, f"{number(off, MAH_CM2)} mAh/cm2", words)


def _voltage(name: str, value: float, words: str) -> Finding:
    high = abs(value) > MOST_VOLTS
    words += f"; above {MOST_VOLTS:g} V: check the units of film and conductivity" if high else ""
    return Finding("voltage", name, value, volts(value), words, high)


def _both(resistances: tuple[float, float]) -> str:
    return f"{number(resistances[0], OHM_CM2)} and {number(resistances[1], OHM_CM2)} ohm cm2"


def _length(leg: FlatStep) -> str:
    return f"held for {spell(leg.time)}" if math.isfinite(leg.time) else "held without end"


def currents(cell: FlatCell, flat_run: FlatRun) -> Iterator[Finding]:
    """Say which current each imposed voltage draws, at its first start and at its last end."""
    held: dict[float, tuple[FlatStep, FlatStep]] = {}
    for first, last in zip(flat_run.first, flat_run.last, strict=True):
        if first.voltage is not None:
            held[first.voltage] = (held[first.voltage][0] if first.voltage in held else first, last)
    strongest = sorted(held.items(), key=lambda item: abs(item[1][0].current), reverse=True)
    for voltage, (first, last) in strongest[:MOST_HELD]:
        yield _current(f"at {volts(voltage)}, at the start", first.current, _length(first))
        if not math.isfinite(last.time):
            yield Finding(
                "current",
                f"at {volts(voltage)}, at the end",
                math.nan,
                "-",
                "the step does not end in a flat cell",
            )
            continue
        words = f"films {'grown to' if cell.grows else 'of'} {_both(last.films)}"
        yield _current(f"at {volts(voltage)}, at the end", last.end, words)


def _current(name: str, value: float, words: str) -> Finding:
    return Finding("current", name, value, f"{number(value, MA_CM2)} mA/cm2", words)


def _range(p: Properties, sides: tuple[float, float] | None) -> Iterator[Finding]:
    """Say so where the salt leaves the range of its law; sides: settled concentrations at both electrodes, if any."""
    low, high = (0.0, 2.0 * p.c0) if sides is None else (min(sides), max(sides))  # depleted: all salt on the other side
    low, high = min(low, p.c0), max(high, p.c0)
    words = beyond_law(low, high, (p.table[0][0], p.table[0][-1]) if p.dependence == "table" else None)
    if words:
        text = f"{number(low, MOLAR)} to {number(high, MOLAR)} mol/L"
        yield Finding("salt", "range of the salt", high, text, words, True)


def concentration_columns(case: Case) -> Iterator[Finding]:
    """Say so where t+ or the factor of a table is used at another temperature, or D beside a table is not used."""
    e, said = case.electrolyte, case.provenance
    table = e.concentration_dependence
    if not isinstance(table, str) and not isinstance(e.salt_diffusivity, str):
        there = interpolate_held(table.concentration, table.diffusivity, e.salt_concentration)
        if abs(there - e.salt_diffusivity) > NEAR * there:
            words = f"not used: the table gives {CM2 * there:.3g} cm2/s at salt_concentration"
            own = e.salt_diffusivity
            yield Finding("salt", "salt_diffusivity", own, f"{CM2 * own:.3g} cm2/s", words, True)
    for name, what in (("transference_number", "t+"), ("thermodynamic_factor", "thermodynamic factor")):
        if isinstance(table, str) or not getattr(table, name):
            continue
        source = said.get(f"electrolyte.concentration_dependence.{name}") or said.get("electrolyte.conductivity")
        at = None if source is None else source.at
        if at is not None and abs(at - case.temperature) > SAME:
            text = f"of {number(at - ZERO_CELSIUS)} degC, used at {number(case.temperature - ZERO_CELSIUS)} degC"
            yield Finding("salt", f"{what} over c", at, text, "no law in temperature is known for it", True)


def salt(p: Properties, leg: FlatStep, gap: float) -> Iterator[Finding]:
    """Say whether the salt lasts."""
    j, limit = abs(leg.current), salt_profile.limiting_current(p, gap)
    share, tau = j / limit, salt_profile.sand_time(p, j)
    depth = math.sqrt(p.D * tau)
    short = share > 1.0 and depth <= SAND_DEPTH * gap and leg.time < tau  # the step, for its salt
    over_c = "D(c) and t+(c)" if len(set(p.table.transference)) > 1 else "D(c)"
    table = f", with {over_c} of the table" if p.dependence == "table" else ""
    words = f"limiting current {number(limit, MA_CM2)} mA/cm2{table}"
    if leg.voltage is not None and math.isfinite(leg.time):
        words += f"; {number(abs(leg.end) / limit)} when the voltage has been held"
    elif short:
        words += "; the step ends before salt runs out"
    elif share >= 1.0:
        words += ": salt runs out at the surface, dendrites are to be expected"
    yield Finding("salt", "j / j_lim", share, number(share), words)
    cell = FlatImpedance(p, gap)
    words = "steady over first current of the electrolyte alone: what Bruce and Vincent's experiment gives"
    if not cell.gives_t_plus:
        words += f"; it differs from t+ = {number(p.t_plus)}: {OTHER_FRACTION}"
    yield Finding("salt", "current fraction", cell.current_fraction, number(cell.current_fraction), words)
    sides = salt_profile.settled_sides(p, leg.end, gap)
    if sides is not None and leg.voltage is None:
        words = f"and {number(sides[1], MOLAR)} mol/L at the counter electrode{table}"
        yield Finding("salt", "settled, at the lithium", sides[0], f"{number(sides[0], MOLAR)} mol/L", words)
    if not short:
        yield from _range(p, sides)
    if share <= 1.0:
        yield Finding("salt", "Sand's time", math.inf, "does not apply", "below the limiting current")
        return
    if depth > SAND_DEPTH * gap:
        words = f"does not apply: by then salt is drawn from {um_or_mm(depth)}, the whole gap"
    elif short:
        words = f"not reached: the step lasts {spell(leg.time)}"
    elif leg.voltage is not None:
        words = "at the current of the start, which falls while the voltage is held"
    else:
        words = f"applies: salt is drawn from {um_or_mm(depth)} only"
    yield Finding("salt", "Sand's time", tau, spell(tau), words + table)
