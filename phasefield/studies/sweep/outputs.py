"""The numbers that a study takes from a run: what stands in every table, and what a study file asks for besides."""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phasefield import units
from phasefield.constants import FARADAY
from phasefield.errors import shown
from phasefield.fields import SERIES
from phasefield.files.atomic import read_plain, replace_text
from phasefield.results.evaluation import NUMBERED, QUANTITIES, quantity
from phasefield.results.run import Run

FILE = "outputs.json"
RESULT, RESOLUTION = "result ", " resolution"  # of an experiment: what its name begins and ends with
FORMAT = 2  # of the file; raised when a number changes its meaning
THUMB = 48  # most points an edge of the small picture of the last surface
LEVELS = 255

Floats = NDArray[np.float64]


class OutputError(ValueError):
    """A text that names no output; the message says what does."""


@dataclass(frozen=True)
class RunOutput:
    """One number of a run: its name in tables, its SI unit (1 for a pure number), its meaning, and how to take it."""

    name: str
    unit: str
    meaning: str
    take: Callable[[Run], float]

    @classmethod
    def read(cls, text: Any) -> RunOutput:
        """Return what a study file names: a standard output, or one of the forms in `FORMS`. Raises OutputError."""
        if not isinstance(text, str):
            raise OutputError(f"{shown(text)} stands here; a text is needed, e.g. {FORMS[0]!r}")
        words = " ".join(text.split())
        if words in STANDARD:
            return STANDARD[words]
        if match := re.fullmatch(r"(final|max|min|mean) (\|?)(\w+)(\|?)", words):
            how, series, size = match[1], _series(match[3]), _size(match[2], match[4])
            return cls(words, SERIES[series].unit, f"{how} {series}", lambda run: _reduced(run, series, how, size))
        if match := re.fullmatch(r"(\|?)(\w+)(\|?) at (.+)", words):
            series, size, time = _series(match[2]), _size(match[1], match[3]), _si(match[4], units.TIME)
            if not time >= 0.0:
                raise OutputError(f"{shown(text)} lies before the start; give a time of 0 or more")
            return cls(words, SERIES[series].unit, f"{series} at a time", lambda run: _at(run, series, size, time))
        if match := re.fullmatch(r"time to (\|?)(\w+)(\|?) (.+)", words):
            series, size = _series(match[2]), _size(match[1], match[3])
            level = _level(match[4], SERIES[series].unit)
            words_of = f"first time at which {series} comes to it, from above or below; empty if it does not"
            return cls(words, "s", words_of, lambda run: _time_to(run, series, size, level))
        if words.startswith(RESULT):
            return _result(words, words.removeprefix(RESULT))
        if words in SERIES:
            entry = SERIES[words]
            return cls(words, entry.unit, entry.meaning, lambda run: _reduced(run, words, "final", False))
        close = get_close_matches(words, [*STANDARD, *SERIES], n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"give a series or e.g. {', '.join(map(repr, FORMS))}"
        raise OutputError(f"{shown(text)} is no output; {hint}")


FORMS = ("max |voltage|", "Sz at 100 h", "time to |voltage| 1 V", "mean current_max", "result critical_current")


def resolution_of(output: RunOutput) -> RunOutput | None:
    """Return the output that bears the resolution of a result of an experiment; None for an output of another kind."""
    if not output.name.startswith(RESULT) or output.name.endswith(RESOLUTION):
        return None
    return RunOutput.read(output.name + RESOLUTION)


def _result(words: str, name: str) -> RunOutput:
    """Return a result of the experiment that the case names, as the end of the run evaluated it, or its resolution."""
    key = "resolution" if name.endswith(RESOLUTION) else "value"
    name = name.removesuffix(RESOLUTION)
    try:
        unit, meaning = quantity(name)
    except KeyError:
        close = get_close_matches(name, [f"{one}_1" if one in NUMBERED else one for one in QUANTITIES], n=1)
        hint = f"did you mean '{close[0]}'?" if close else f"there are {', '.join(QUANTITIES)}"
        raise OutputError(f"no experiment has the result {shown(name)}; {hint}") from None

    def take(run: Run) -> float:
        value = run.summary.get("experiment", {}).get("results", {}).get(name, {}).get(key)
        return math.nan if value is None else float(value)

    if key == "resolution":
        meaning = "half of the interval that the evaluation leaves open; empty if not known"
    return RunOutput(words, unit, meaning, take)


def _series(name: str) -> str:
    if name not in SERIES:
        close = get_close_matches(name, list(SERIES), n=1)
        hint = f"did you mean '{close[0]}'?" if close else "docs/results.md lists them"
        raise OutputError(f"there is no series '{name}'; {hint}")
    return name


def _size(left: str, right: str) -> bool:
    if left != right:
        raise OutputError("a bar stands alone; |voltage| is the magnitude of the voltage")
    return bool(left)


def _si(text: str, kind: units.Kind) -> float:
    try:
        return units.to_si(text, kind)
    except units.UnitError as error:
        raise OutputError(str(error)) from None


def _level(text: str, unit: str) -> float:
    kind = next((k for k in vars(units).values() if isinstance(k, units.Kind) and k.unit == unit), None)
    return _si(text, kind if kind is not None else units.Kind("number", unit, "1"))


def _column(run: Run, name: str, size: bool) -> Floats:
    values = run.series.get(name, np.full(run.n_steps, math.nan))
    return np.abs(values) if size else values


def _reduced(run: Run, name: str, how: str, size: bool) -> float:
    values = _column(run, name, size)
    if not len(values):
        return math.nan
    if how == "mean":
        dt = run.series["step_size"]
        return float(np.sum(values * dt) / np.sum(dt)) if np.sum(dt) > 0.0 else math.nan
    return float(values[-1] if how == "final" else values.max() if how == "max" else values.min())


def _at(run: Run, name: str, size: bool, time: float) -> float:
    t = run.series["time"]
    if not len(t) or not t[0] <= time <= t[-1] * (1.0 + 1e-12):
        return math.nan
    return float(np.interp(time, t, _column(run, name, size)))


def _time_to(run: Run, name: str, size: bool, level: float) -> float:
    value, time = _column(run, name, size), run.series["time"]
    good = np.isfinite(value)
    value, time = value[good] - level, time[good]
    if not len(value):
        return math.nan
    value[np.abs(value) <= 1e-12 * abs(level)] = 0.0
    there = np.flatnonzero(value * np.sign(value[0]) <= 0.0)
    if not len(there):
        return math.nan
    k = int(there[0])
    if k == 0:
        return float(time[0])
    return float(time[k - 1] + (time[k] - time[k - 1]) * value[k - 1] / (value[k - 1] - value[k]))


def _voltage_end(run: Run, which: int) -> float:
    from phasefield.viz.plots.series import voltage_ends

    value = voltage_ends(run)[which]
    return math.nan if value is None else value


def _dead(run: Run) -> float:
    area = run.shape[1] * run.shape[2] * run.spacing**2
    return float(run.series["lithium_dead"][-1]) / area if run.n_steps else math.nan


def _efficiency(run: Run) -> float:
    charge = run.series["charge_applied"]
    plated = float(np.sum(np.clip(np.diff(charge), 0.0, None))) if len(charge) else 0.0
    if plated <= 0.0:
        return math.nan
    side = float(run.series["charge_side"][-1] - run.series["charge_side"][0])
    return 1.0 - (abs(side) + FARADAY * _dead(run) / float(run.attrs["molar_volume"])) / plated


def _event(run: Run, name: str) -> float:
    times = [e["time"] for e in run.summary.get("events", []) if isinstance(e, dict) and e.get("event") == name]
    return float(times[0]) if times else math.nan


_STANDARD = (
    RunOutput("time", "s", "simulated time at which the run ended", lambda run: _reduced(run, "time", "final", False)),
    RunOutput("Sz", "m", "peak to valley height at the end", lambda run: _reduced(run, "Sz", "final", False)),
    RunOutput("Sq", "m", "root mean square height at the end", lambda run: _reduced(run, "Sq", "final", False)),
    RunOutput("Sa", "m", "arithmetic mean height at the end", lambda run: _reduced(run, "Sa", "final", False)),
    RunOutput("max Sz", "m", "greatest peak to valley height", lambda run: _reduced(run, "Sz", "max", False)),
    RunOutput("voltage_start", "V", "median |voltage| under current, first cycle", lambda run: _voltage_end(run, 0)),
    RunOutput("voltage_end", "V", "median |voltage| under current, last cycle", lambda run: _voltage_end(run, 1)),
    RunOutput("max |voltage|", "V", "greatest |voltage|", lambda run: _reduced(run, "voltage", "max", True)),
    RunOutput("min concentration_min", "mol/m^3", "least salt concentration of all the run",
           lambda run: _reduced(run, "concentration_min", "min", False)),
    RunOutput("dead_lithium", "m", "lithium cut off at the end, volume per area", _dead),
    RunOutput("efficiency", "1", "1 - (side charge + dead lithium) / charge plated", _efficiency),
    RunOutput("time_to_short_circuit", "s", "empty if there was none", lambda run: _event(run, "short_circuit")),
    RunOutput("time_to_voltage_limit", "s", "empty if it was not reached", lambda run: _event(run, "voltage_limit")),
    RunOutput("time_to_depletion", "s", "empty if there was none", lambda run: _event(run, "depletion")),
    RunOutput("steps", "1", "accepted time steps", lambda run: float(run.summary.get("steps", run.n_steps))),
    RunOutput("ledger_charge", "1", "worst relative error of the charge", lambda run: run.ledger()["charge"]),
    RunOutput("ledger_lithium", "1", "worst relative error of the lithium", lambda run: run.ledger()["lithium"]),
    RunOutput("ledger_salt", "1", "worst relative error of the salt", lambda run: run.ledger()["salt"]),
)  # fmt: skip
STANDARD = {output.name: output for output in _STANDARD}
"""What every table holds, by name."""


def take_outputs(run: Run, extra: Mapping[str, RunOutput]) -> dict[str, Any]:
    """Return the content of outputs.json: how the run ended, all standard outputs, the extra ones, the last surface."""
    values = {output.name: output.take(run) for output in (*_STANDARD, *extra.values())}
    return {
        "format": FORMAT,
        "hash": run.attrs.get("case_hash", ""),
        "reason": str(run.summary.get("reason", "unfinished")),
        "text": str(run.summary.get("text", "")),
        "values": {name: value if math.isfinite(value) else None for name, value in values.items()},
        "surface": thumb(run.height(-1), run.spacing) if run.n_frames else None,
    }


def thumb(height: Floats, spacing: float) -> dict[str, Any]:
    """Return a height map (ny, nx) [m] on few points and 256 levels, as text: means of blocks for a page of many."""
    ny, nx = height.shape
    by, bx = -(-ny // THUMB), -(-nx // THUMB)
    rows = np.add.reduceat(height, np.arange(0, ny, by), axis=0)
    both = np.add.reduceat(rows, np.arange(0, nx, bx), axis=1)
    weight = np.outer(np.diff([*range(0, ny, by), ny]), np.diff([*range(0, nx, bx), nx]))
    small = both / weight
    low, high = float(small.min()), float(small.max())
    level = np.round((small - low) / (high - low) * LEVELS) if high > low else np.zeros(small.shape)
    return {
        "shape": list(small.shape), "low": low, "high": high, "mean": float(height.mean()),
        "width": nx * spacing, "data": base64.b64encode(level.astype(np.uint8).tobytes()).decode("ascii"),
    }  # fmt: skip


def write_outputs(folder: Path, content: Mapping[str, Any]) -> None:
    """Write outputs.json into a run folder."""
    replace_text(folder / FILE, json.dumps(content) + "\n")


def read(folder: Path, case_hash: str, wanted: Mapping[str, RunOutput]) -> dict[str, Any] | None:
    """Return the content of outputs.json, None if it is not there, not of this case, or lacks a wanted output."""
    try:
        content = json.loads(read_plain(folder / FILE))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(content, dict) or content.get("format") != FORMAT or content.get("hash") != case_hash:
        return None
    values = content.get("values")
    return content if isinstance(values, dict) and all(name in values for name in wanted) else None
