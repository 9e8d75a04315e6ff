"""What a stored run came to, in words: how it ended, its figures, its balances, what was calibrated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phasefield import units
from phasefield.errors import PhasefieldError
from phasefield.results.evaluation import Evaluation
from phasefield.results.replayed import MEASURED_RMS
from phasefield.results.run import Run
from phasefield.results.salt_range import beyond_law
from phasefield.text.formatting import (
    MEGA,
    MICRO,
    MILLI,
    OHM_CM2,
    named,
    number,
    spell,
    spell_wall,
    voltage_unit,
)

FLAT = 1e-10  # m; an Sz below it is round-off


def stayed_flat(Sz: NDArray[np.float64]) -> bool:
    """Return whether a surface stayed flat, from its Sz after each step [m]: what is left of it is round-off."""
    return bool(Sz.size) and not np.nanmax(Sz, initial=0.0) > FLAT


TEXTURE_ROWS = (
    ("Sa", MICRO, "um", "arithmetic mean height"),
    ("Sq", MICRO, "um", "root mean square height"),
    ("Sp", MICRO, "um", "highest peak"),
    ("Sv", MICRO, "um", "deepest valley"),
    ("Sz", MICRO, "um", "peak to valley"),
    ("Ssk", 1.0, "", "skewness"),
    ("Sku", 1.0, "", "kurtosis"),
    ("Sdq", 1.0, "", "root mean square gradient"),
    ("Sdr", 100.0, "%", "surface over projected area, less 1"),
    ("Sal", MICRO, "um", "shortest autocorrelation length"),
    ("Str", 1.0, "", "aspect ratio of the texture, 1 isotropic"),
)


def calibrated(run: Run) -> dict[str, str]:
    """Return the calibrated inputs of a run with their values, from its resolved case."""
    return dict(_calibrated(run.tables, ""))


def _calibrated(node: Any, key: str) -> list[tuple[str, str]]:
    if isinstance(node, list):
        return [pair for k, item in enumerate(node) for pair in _calibrated(item, f"{key}[{k}]")]
    if not isinstance(node, dict):
        return []
    if "value" in node:
        return [(key, str(node["value"]))] if node.get("status") == "calibrated" else []
    return [pair for name, item in node.items() for pair in _calibrated(item, f"{key}.{name}".lstrip("."))]


def ledger_text(run: Run) -> str:
    """Return the worst errors of the three balances."""
    try:
        errors = run.ledger()
    except PhasefieldError:
        return "-"
    return f"charge {errors['charge']:.1e}, lithium {errors['lithium']:.1e}, salt {errors['salt']:.1e}"


def corrections_text(run: Run) -> str:
    """Return what closed the balances, the largest of all steps."""
    found = run.corrections()
    if found is None:
        return "-"
    rests = f" ({found['lithium_at_rest']:.1e} at rest)" if found["lithium_at_rest"] > 0.0 else ""
    return f"salt {found['salt']:.1e} of it, lithium {found['lithium']:.1e} of a step's motion{rests}"


def _bare(value: Any) -> Any:
    """Return a value without its source."""
    return value.get("value", value) if isinstance(value, dict) else value


def salt_text(run: Run) -> str:
    """Return how far the salt of a run left the range of its law; empty if it did not, or if the run does not say."""
    law = run.tables.get("electrolyte", {})
    table = _bare(law.get("concentration_dependence")) if isinstance(law, dict) else None
    if not run.n_steps or not {"concentration_min", "concentration_max"} <= set(run.series):
        return ""
    measured = None
    if isinstance(table, dict):
        try:
            ends = [units.to_si(str(_bare(_bare(table["concentration"])[k])), units.CONCENTRATION) for k in (0, -1)]
        except (units.UnitError, KeyError, IndexError, TypeError):
            return ""
        measured = ends[0], ends[1]
    least, most = (np.asarray(run.series[f"concentration_{end}"]) for end in ("min", "max"))
    if not (np.isfinite(least).any() and np.isfinite(most).any()):
        return ""
    return beyond_law(float(np.nanmin(least)), float(np.nanmax(most)), measured)


def events_text(summary: Mapping[str, Any]) -> str:
    """Return when each event first began and when it was over, and how often it came."""
    first: dict[str, dict[str, Any]] = {}
    for entry in summary.get("events", []):
        first.setdefault(entry["event"], entry)
    counts = summary.get("event_counts", {})
    texts = []
    for name, entry in first.items():
        until = f" to {spell(entry['end'])}" if entry.get("end") is not None else ""
        often = f" ({counts[name]} times)" if counts.get(name, 1) > 1 else ""
        texts.append(f"{name} at {spell(entry['time'])}{until}{often}")
    return ", ".join(texts) or "none"


def facts(run: Run) -> list[tuple[str, str]]:
    """Return what a run came to: names and texts."""
    s, series = run.summary, run.series
    if not run.n_steps:
        return [("steps", "none yet")]

    def ends(name: str, scale: float, unit: str) -> str:
        column = abs(series[name]) if name == "voltage" else series[name]
        return f"{number(float(column[0]), scale)} -> {number(float(column[-1]), scale)} {unit}"

    rows = [("ended", f"{s['text']}" if "text" in s else "not yet, or it was stopped")]
    if "experiment" in s:
        found = Evaluation.of(s["experiment"])
        rows += [(one.name.replace("_", " "), one.text()) for one in found.results]
        rows.append(("evaluated", found.how))
    rows.append(("simulated", f"{spell(float(series['time'][-1]))}, {run.n_frames} frames stored"))
    if {"wall_time", "steps", "seconds_per_step", "peak_memory"} <= s.keys():
        pace = f"{s['steps']} steps, {number(s['seconds_per_step'])} s each"
        rows.append(("took", f"{spell_wall(s['wall_time'])}: {pace}; {s['peak_memory'] / MEGA:.0f} MB"))
    rows.append(("voltage", ends("voltage", *voltage_unit(*series["voltage"][[0, -1]]))))
    if isinstance(off := s.get(MEASURED_RMS), float):
        rows.append(("measured voltage", f"rms difference {number(off, MILLI)} mV"))
    if stayed_flat(series["Sz"]):
        rows.append(("surface", "flat"))
    else:
        rows += [(name, ends(name, MICRO, "um")) for name in ("Sa", "Sq", "Sz")]
    if "film_resistance_parallel" in series:
        rows.append(("film, as in a spectrum", ends("film_resistance_parallel", OHM_CM2, "ohm cm2, one electrode")))
    if beyond := salt_text(run):
        rows.append(("salt", beyond))
    rows.append(("ledger errors", ledger_text(run)))
    rows.append(("closed by", corrections_text(run)))
    rows.append(("events", events_text(s)))
    rows.append(("calibrated", named(calibrated(run))))
    if "origin" in s:
        origin = s["origin"]
        made = f"phasefield {run.versions.get('phasefield', '?')}"
        rows.append(("made", f"{origin['ended']} on {origin['machine']}, by {made}"))
        rows.append(("command", origin["command"]))
    return rows
