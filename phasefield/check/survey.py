"""The survey of a case before it runs, topic by topic."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phasefield.analytic import closed_forms as forms
from phasefield.analytic.contact import Pressed
from phasefield.analytic.flat_cell import FlatCell, FlatRun, FlatStep, gap_of, run_flat
from phasefield.case import Case, Properties
from phasefield.check import flat
from phasefield.check.estimate import Estimate, estimate, plated_height
from phasefield.check.finding import Finding, um_or_mm
from phasefield.check.law import law
from phasefield.check.nuclei import nuclei
from phasefield.check.waves import waves
from phasefield.machine import compilation
from phasefield.machine.load import slowdown
from phasefield.text.formatting import MEGA, number, plain_table, spell_wall

if TYPE_CHECKING:
    from rich.console import Console

RULED = 10.0  # a Wagner length of so many gaps: the current follows the film
PATCH_CELLS = 4.0  # fewer cells do not carry a patch
INTERFACE = 4.0 * math.atanh(0.8)  # width from xi = 0.9 to 0.1, in W
DIFFUSE = 8.0  # width of the interface with its tails, in W
MOST_REPEATS = 1000  # of the protocol that a random walk is followed through; the rest is extrapolated
EXPLAINING = {
    "Wagner length": "Wagner length",
    "film": "Even film",
    "fastest wave": "Fastest wave by linear theory",
    "Sq from the patches": "Sq from the patches alone",
}
WIDE = 0.8  # spread of the patches above which the margin is an order of magnitude only
LONG_RUN = 4.0  # hours of wall time that deserve a warning
LARGE_RUN, GIGA = 5e9, 1e9  # bytes on disk that deserve a warning, and in a GB
SEEN = 1.15  # times as long: less is not worth a word


def regime(case: Case, threads: int = 1) -> list[Finding]:
    """Return what can be said of a case before it runs, with so many threads."""
    flat_run = run_flat(case)
    return [*_physics(case, flat_run), *_cost(case, estimate(case, flat_run.first, threads), threads)]


def _physics(case: Case, flat_run: FlatRun) -> list[Finding]:
    """Return what can be said of a case apart from its cost, for which the machine is measured."""
    cell = FlatCell(case)
    p, gap, protocol = cell.fresh, cell.gap, flat_run.first
    strongest, last = max(zip(protocol, flat_run.last, strict=True), key=lambda pair: abs(pair[0].current))
    plating = max(protocol, key=lambda leg: leg.current)
    found = [Finding("cell", "gap", gap, um_or_mm(gap), "from the mean surface to the counter electrode")]
    j = abs(strongest.current)
    found += flat.cathode(case, j)
    found += flat.concentration_columns(case)
    if j > 0.0:
        found += flat.voltages(cell, strongest, last)
        found += flat.currents(cell, flat_run)
        found += _rulers(case, p, j, gap)
        found += flat.salt(p, strongest, gap)
        found += _plating(case, p, flat_run)
        found += _contact(case, p, strongest)
    found += nuclei(case)
    if plating.current > 0.0:
        found += waves(case, p, plating, gap)
    found += law(case)
    found += _grid(case, gap)
    found += _random_walk(case, p, protocol, gap)
    found += flat.protocol_plan(case, flat_run)
    found += flat.ends_at_once(case, protocol)
    return found


def explain(case: Case) -> str:
    """Return in a few words why a surface stays flat or becomes rough: what linear theory and the patches say."""
    said = []
    for one in _physics(case, run_flat(case)):
        if one.name in EXPLAINING:
            words = one.words if one.name == "film" else f"{one.text}, {one.words}"
            said.append(f"{EXPLAINING[one.name]}: {words}")
    return ". ".join(said)


def _rulers(case: Case, p: Properties, j: float, gap: float) -> Iterator[Finding]:
    length = p.kappa * forms.interface_resistance(p, j, p.c0)
    patches = case.film.patches
    size = patches.size if patches is not None else gap
    if length > RULED * max(gap, size):
        words = f"{number(length / gap)} gaps: the current follows the film, not the shape of the surface"
    elif length < min(gap, size) / RULED:
        words = f"{number(length / gap)} gaps: the electrolyte rules; bumps draw current"
    else:
        words = f"{number(length / gap)} gaps: film and electrolyte both count"
    if patches is not None:
        words += f"; {number(length / size)} patch sizes"
    yield Finding("what rules", "Wagner length", length, um_or_mm(length), words)
    if patches is None and length > RULED * gap:
        yield Finding(
            "what rules", "film", 0.0, "uniform", "nothing makes the surface rough: it will stay as it is"
        )


def _plating(case: Case, p: Properties, flat_run: FlatRun) -> Iterator[Finding]:
    lost = case.film.plating_share
    heights = [abs(plated_height(p, leg.charge, lost)) for leg in flat_run.first if math.isfinite(leg.charge)]
    if not heights:
        return
    q, dx, patches = max(heights), case.grid.spacing, case.film.patches
    words = (
        f"{number(q / dx)} cells; a step moves the surface by at most {number(case.numerics.front_step)} cell"
    )
    yield Finding("plating", "height per half-cycle", q, um_or_mm(q), words)
    if patches is not None and patches.renewal is not None:
        ratio = q / patches.renewal
        yield Finding(
            "plating",
            "renewals per half-cycle",
            ratio,
            number(ratio),
            f"the film is new after {um_or_mm(patches.renewal)}",
        )
    net = plated_height(p, flat_run.charge - lost * flat_run.plated)
    room, stock = gap_of(case), case.surface.height
    if net > room or (-net > stock and case.surface.substrate is None):
        left = f"is more than there is; half a cell, {um_or_mm(0.5 * dx)}, stays"
        what = "fills the gap: the run ends by a short circuit" if net > 0.0 else left
        yield Finding(
            "plating", "net height of the run", net, um_or_mm(abs(net)), f"the protocol's lithium {what}", True
        )


def _contact(case: Case, p: Properties, leg: FlatStep) -> Iterator[Finding]:
    """Say whether a membrane under the stated pressure stays on the lithium."""
    given, patches = case.contact, case.film.patches
    if given is None:
        says = "the electrolyte follows the lithium everywhere, as a liquid; for a solid give [contact]"
        yield Finding("contact", "with a solid", math.nan, "assumed", says)
        return
    pressed = Pressed(
        given.stack_pressure, given.viscosity or math.inf, given.modulus or math.inf, given.creep_rate or 0.0,
        given.creep_exponent, patches.spread if patches else 0.0, patches.size if patches else case.grid.size[0], p.V_m,
    )  # fmt: skip
    j, q = abs(leg.end), leg.charge
    margin = pressed.margin(j, q)
    if not math.isfinite(margin):
        yield Finding("contact", "margin", margin, "not limited", "the film is even: nothing lifts the membrane")
        return
    current = pressed.limiting_current(leg.time)
    least = f"{number(current, 0.1)} mA/cm2" if math.isfinite(current) else "no current"
    words = (
        f"{100.0 * pressed.share(j, q):.3g} % of the surface in contact; margin 1 at {least}, "
        f"2 at a pressure of {1e-6 * pressed.safe_pressure(j, q):.3g} MPa"
    )
    if patches is not None and patches.spread > WIDE:
        words += "; an order of magnitude only at such a spread"
    yield Finding("contact", "margin", margin, number(margin), words, margin < 1.0)


def _grid(case: Case, gap: float) -> Iterator[Finding]:
    dx, W, patches = case.grid.spacing, case.numerics.interface_width, case.film.patches
    cells = INTERFACE * W / dx
    wide = gap < DIFFUSE * W
    words = f"W = {number(W / dx)} cells" + ("; with its tails it is wider than the gap" if wide else "")
    yield Finding("grid", "cells per interface", cells, number(cells), words, wide)
    yield Finding("grid", "cells across the gap", gap / dx, number(gap / dx))
    if patches is not None:
        n = patches.size / dx
        few = n < PATCH_CELLS
        words = f"patches of {um_or_mm(patches.size)}"
        words += (
            f"; give at least {PATCH_CELLS:g} cells: a spacing of {um_or_mm(patches.size / PATCH_CELLS)}"
            if few
            else ""
        )
        yield Finding("grid", "cells per patch", n, number(n), words, few)
        boxes = math.prod(edge / patches.size for edge in case.grid.size[:-1])
        alone = min(case.grid.size[:-1]) < 2.0 * patches.size
        words = "a wider box gives a fairer mean" if alone else ""
        yield Finding("grid", "patches in the box", boxes, number(boxes), words, alone)


def _random_walk(case: Case, p: Properties, protocol: list[FlatStep], gap: float) -> Iterator[Finding]:
    patches, repeat = case.film.patches, case.protocol.repeat
    plated = [plated_height(p, leg.charge) for leg in protocol if leg.charge and math.isfinite(leg.charge)]
    if patches is None or not plated:
        return
    renewal = math.inf if patches.renewal is None else patches.renewal
    boxes = max(2.0, math.prod(edge / patches.size for edge in case.grid.size[:-1]))
    rms = _walked(patches.spread, renewal, plated, repeat) * forms.few_patches(patches.spread, boxes)
    peak = 2.0 * math.sqrt(2.0 * math.log(boxes)) * rms
    words = f"random walk of {repeat} repeats, if the film alone rules and the patches are wide"
    yield Finding("roughness", "Sq from the patches", rms, um_or_mm(rms), words)
    # Stripped to the metal, a substrate has no lithium below: that is no error of the box.
    room = gap if case.surface.substrate is not None else min(gap, case.surface.height)
    short = 0.5 * peak > room
    words = "2 sqrt(2 ln n) Sq of n patches"
    words += "; more than the gap or the lithium below it: raise the box" if short else ""
    yield Finding("roughness", "Sz from the patches", peak, um_or_mm(peak), words, short)


def _walked(spread: float, renewal: float, plated: list[float], repeat: int) -> float:
    """Return the rms height [m] after all repeats; after the first MOST_REPEATS it grows as their square root."""
    if not math.isfinite(renewal):
        return repeat * forms.walk_rms(spread, renewal, plated)
    followed = min(repeat, MOST_REPEATS)
    return forms.walk_rms(spread, renewal, plated * followed) * math.sqrt(repeat / followed)


def _cost(case: Case, cost: Estimate, threads: int) -> Iterator[Finding]:
    yield Finding("cost", "cells", case.grid.cells, f"{case.grid.cells:,}".replace(",", " "))
    yield Finding("cost", "memory", cost.memory, f"{cost.memory / MEGA:.0f} MB")
    if cost.steps is None or cost.seconds is None:
        yield Finding("cost", "steps", math.nan, "not known", "a step of the protocol has no planned time")
        return
    words = "about; more where salt makes up much of the voltage, fewer where a limit ends the run"
    yield Finding("cost", "steps", cost.steps, f"{cost.steps}", words)
    if cost.disk is not None:
        large = cost.disk > LARGE_RUN
        words = f"{cost.frames} frames of {len(case.output.fields)} fields, and checkpoints"
        words += "; a longer output.fields_every, or fewer output.fields, take less" if large else ""
        text = f"{number(cost.disk / GIGA)} GB" if cost.disk >= GIGA else f"{number(cost.disk / MEGA)} MB"
        yield Finding("cost", "disk", cost.disk, text, words, large)
    compiling, slow = compilation.compilation_seconds(), slowdown()
    if compiling:
        yield Finding("cost", "compilation", compiling, spell_wall(compiling), "once, before the first run")
    seconds = slow * (cost.whole or 0.0)
    long = seconds > LONG_RUN * 3600.0
    words = f"{number(slow * cost.seconds_per_step)} s a step with {threads} thread{'s' if threads > 1 else ''}"
    words += "" if cost.measured else ", of another machine: this one is not measured yet"
    words += f"; other work makes it {number(slow)} times as long" if slow > SEEN else ""
    words += "; --walltime stops in order" if long else ""
    yield Finding("cost", "wall time", seconds, spell_wall(seconds), words, long)


def findings_document(case: Case, found: list[Finding]) -> dict[str, Any]:
    """Return the findings as JSON has them: values in SI, null where there is none."""
    return {
        "title": case.title,
        "warnings": sum(one.warning for one in found),
        "findings": [{**asdict(one), "value": one.value if math.isfinite(one.value) else None} for one in found],
    }


def print_regime(console: Console, case: Case, found: list[Finding], path: Path | str) -> None:
    """Print the findings as a table, and the warnings beneath."""
    from rich.styled import Styled

    table = plain_table(case.title, "", "", "")
    table.columns[1].justify = table.columns[2].justify = table.columns[3].justify = "left"
    topic = ""
    for one in found:
        table.add_row(
            one.topic if one.topic != topic else "",
            one.name,
            one.text,
            Styled(one.words, "yellow" if one.warning else ""),
        )
        topic = one.topic
    console.print(table)
    statuses = [source.status for source in case.provenance.values()]
    counts = {word: statuses.count(word) for word in ("measured", "derived", "assumed", "calibrated")}
    console.print("Inputs: " + ", ".join(f"{n} {word}" for word, n in counts.items() if n))
    warned = [one for one in found if one.warning]
    for one in warned:
        console.print("warning", end="", style="yellow")
        console.print(f": {one.name.strip()} = {one.text}: {one.words}", soft_wrap=True)
    console.print(f"{path}: valid" + (f", {len(warned)} warning{'s' * (len(warned) > 1)}" if warned else ""))
