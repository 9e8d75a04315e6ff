"""All the cases between two, run, and what each group of inputs adds to the change from the one to the other."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from phasefield import api
from phasefield.errors import PhasefieldError
from phasefield.files.atomic import replace_text
from phasefield.files.locks import folder_locked
from phasefield.results.run import Run, open_run
from phasefield.studies.attribution.inputs import Pair, pair_of
from phasefield.studies.attribution.shapley import shapley
from phasefield.studies.compare import PlannedRun, announce_runs, run_missing
from phasefield.text.escape import csv_text, markdown_text
from phasefield.viz.plots.series import voltage_ends

if TYPE_CHECKING:
    from rich.console import Console

Floats = NDArray[np.float64]

TABLE, FIGURES, PICTURE, TEXT = "attribution.csv", "attribution.json", "attribution.png", "attribution.md"
CASES = "cases"  # folder of the case files
MOST_RUNS = 4096
CALIBRATED, ASSUMED = "calibrated", "assumed"
HOUR, UM, MV = 3600.0, 1e6, 1e3
SHOWN = {"um": "\N{MICRO SIGN}m"}


@dataclass(frozen=True)
class AttributedResult:
    """A result that is attributed: its name, its unit in tables, and that unit over the SI one."""

    name: str
    unit: str
    scale: float


@dataclass(frozen=True)
class AttributedChange:
    """What became of one measure: values (sets, seeds) and shares (groups, seeds), SI.

    The first set holds nothing of the second case, the last one all that differs.
    """

    measure: AttributedResult
    values: Floats
    shares: Floats

    @property
    def ends(self) -> tuple[Floats, Floats]:
        """Return the values (seeds) of the two cases."""
        return self.values[0], self.values[-1]


@dataclass(frozen=True)
class Attribution:
    """The pair, the end of the runs [s], the limit of the voltage [V] that a lifetime ends at, and the outcomes.

    early: how many runs an event ended before that, by the event; runs_at_limit: how many reached the limit.
    """

    pair: Pair
    time: float
    limit: float
    outcomes: tuple[AttributedChange, ...]
    early: Mapping[str, int]
    runs_at_limit: int

    def informative(self, outcome: AttributedChange) -> bool:
        """Return whether an outcome tells anything: not a lifetime whose limit no run reached."""
        return outcome is not self.outcomes[-1] or self.reached

    @property
    def reached(self) -> bool:
        """Whether any run reached the limit of the voltage."""
        return self.runs_at_limit > 0


def attribute_difference(
    given: Sequence[str],
    out: Path,
    *,
    overrides: Sequence[str] = (),
    seeds: int = 1,
    limit: float = 1.0,
    threads: int | None = None,
    workers: int | None = None,
    console: Console | None = None,
) -> Attribution:
    """Run every mixture of two cases that is not yet run below `out`, and share out the change between them.

    given: two cases; overrides: of both; seeds: number of seeds of surface and patches, 1, 2 and so on; with one seed
    the cases' own. limit: voltage [V] that ends a lifetime. Writes tables and picture. Raises PhasefieldError before
    any work if the cases do not go together, Interrupted, all runs resumable, when stopped.
    """
    api.check_threads(threads)
    api.check_workers(workers)
    pair, entries = mixtures(given, out, overrides=overrides, seeds=seeds)
    if console is not None:
        _announce(pair, entries, seeds, threads, console)
    with folder_locked(out):
        run_missing(entries, threads=threads, workers=workers, console=console)
        result = _result(pair, entries, seeds, limit)
        _write(result, entries, seeds, out)
    return result


def announce_difference(
    given: Sequence[str], out: Path, *, overrides: Sequence[str], seeds: int, threads: int | None, console: Console
) -> None:
    """Say what `attribute_difference` would run and how long it takes. Nothing is run, and nothing written."""
    with TemporaryDirectory() as folder:
        pair, entries = mixtures(given, out, overrides=overrides, seeds=seeds, cases=Path(folder))
        _announce(pair, entries, seeds, threads, console)


def _announce(pair: Pair, entries: Sequence[PlannedRun], seeds: int, threads: int | None, console: Console) -> None:
    plural = "s" if seeds > 1 else ""
    console.print(
        f"{pair.names[0]} and {pair.names[1]} differ in {len(pair.groups)} groups of inputs "
        f"({', '.join(group.name for group in pair.groups)}): {1 << len(pair.groups)} mixtures x {seeds} seed{plural} "
        f"= {len(entries)} runs",
        soft_wrap=True,
    )
    announce_runs(console, entries, threads)


def _result(pair: Pair, entries: Sequence[PlannedRun], seeds: int, limit: float) -> Attribution:
    """Share out the changes of the stored runs; limit: voltage [V] that ends a lifetime."""
    sets = 1 << len(pair.groups)
    measures = (
        AttributedResult("Sz", "um", UM),
        AttributedResult("voltage, first cycle", "mV", MV),
        AttributedResult("voltage, last cycle", "mV", MV),
        AttributedResult(f"time to {limit:g} V", "h", HOUR**-1),
    )
    found = np.empty((len(measures), sets, seeds))
    time, early, at_limit = 0.0, Counter[str](), 0
    for k, entry in enumerate(entries):
        with open_run(entry.folder) as run:
            found[:, k // seeds, k % seeds] = _results(run, limit)
            at_limit += bool((np.abs(run.series["voltage"]) >= limit).any())
            time = max(time, float(run.series["time"][-1]))
            early.update([str(run.summary["reason"])] if run.summary["reason"] != "end" else [])
    outcomes = []
    for measure, values in zip(measures, found, strict=True):
        shares = np.stack([shapley(values[:, k].tolist()) for k in range(seeds)], axis=1)
        outcomes.append(AttributedChange(measure, values, shares))
    return Attribution(pair, time, limit, tuple(outcomes), early, at_limit)


def mixtures(
    given: Sequence[str], out: Path, *, overrides: Sequence[str] = (), seeds: int = 1, cases: Path | None = None
) -> tuple[Pair, list[PlannedRun]]:
    """Write the cases of all mixtures below `out`; return the pair and what is to be run (`attribute_difference`).

    cases: folder of the case files instead.
    """
    one, other = (api.read_case(text, overrides) for text in given)
    names = tuple(case.electrolyte.name or text for case, text in zip((one, other), given, strict=True))
    if names[0] == names[1]:
        names = (given[0], given[1])
    pair = pair_of(one, other, (names[0], names[1]), sown=seeds > 1)
    sets, runs = 1 << len(pair.groups), seeds << len(pair.groups)
    if runs > MOST_RUNS:
        raise PhasefieldError(f"{runs} runs: more than {MOST_RUNS}; give fewer --seeds, or cases that differ in less")
    return pair, [
        _entry(pair, taken, seed, seeds, out, out / CASES if cases is None else cases)
        for taken in range(sets) for seed in range(1, seeds + 1)
    ]  # fmt: skip


def _entry(pair: Pair, taken: int, seed: int, seeds: int, out: Path, cases: Path) -> PlannedRun:
    """Write the case of a mixture and return it with its run folder."""
    bits = "".join("01"[taken >> k & 1] for k in range(len(pair.groups)))
    name = f"{bits}-seed{seed}" if seeds > 1 else bits
    text = pair.mixture(taken, seed if seeds > 1 else None)
    path = cases / f"{name}.toml"
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_text(path, text)
    return PlannedRun(name, str(path), api.read_case(path), out / "runs" / name)


def _results(run: Run, limit: float) -> tuple[float, float, float, float]:
    """Return Sz [m], |voltage| in the first and in the last cycle [V], and the time to the limit [s] of a run.

    A cell that never comes to the limit counts with the time of the run, short or long.
    """
    first, last = voltage_ends(run)
    over = np.abs(run.series["voltage"]) >= limit
    life = float(run.series["time"][int(np.argmax(over)) if over.any() else -1])
    return float(run.series["Sz"][-1]), math.nan if first is None else first, math.nan if last is None else last, life


def _write(result: Attribution, entries: Sequence[PlannedRun], seeds: int, out: Path) -> None:
    from phasefield.viz.plots.attribution import Panel, bars

    names = [group.name for group in result.pair.groups]
    lines = [["run", "seed", *names, *(f"{o.measure.name} [{o.measure.unit}]" for o in result.outcomes)]]
    for k, entry in enumerate(entries):
        taken, seed = k // seeds, k % seeds
        sides = [result.pair.names[taken >> j & 1] for j in range(len(names))]
        values = [o.values[taken, seed] * o.measure.scale for o in result.outcomes]
        lines.append([entry.name, str(seed + 1), *sides, *(f"{value:.6g}" for value in values)])
    replace_text(out / TABLE, csv_text(lines))
    document: dict[str, Any] = {
        "from": result.pair.names[0], "to": result.pair.names[1], "time": result.time, "groups": names,
        "ended early": dict(result.early),
        "outcomes": [
            {"name": o.measure.name, "values": o.values.tolist(), "shares": o.shares.tolist()}
            for o in result.outcomes
        ],
    }  # fmt: skip
    replace_text(out / FIGURES, json.dumps(document, indent=1) + "\n")
    replace_text(out / TEXT, paragraph(result, markdown_text) + "\n")
    one, other = result.pair.names
    panels = [
        Panel(f"{o.measure.name} ({SHOWN.get(o.measure.unit, o.measure.unit)})",
              _mean(o, o.ends[0]), _mean(o, o.ends[1]),
              tuple(o.measure.scale * o.shares.mean(axis=1)), tuple(o.measure.scale * seed_deviation(o.shares)))
        for o in result.outcomes if result.informative(o)
    ]  # fmt: skip
    title = f"From {one} to {other}, {result.time / HOUR:.4g} h: what each group of inputs adds"
    bars(panels, (one, other), names, title, out / PICTURE)


def _mean(outcome: AttributedChange, values: Floats) -> float:
    return outcome.measure.scale * float(values.mean())


def seed_deviation(values: Floats) -> Floats:
    """Return the standard deviation over the seeds, the last axis; nan with one seed."""
    if values.shape[-1] < 2:
        return np.full(values.shape[:-1], np.nan)
    return np.asarray(values.std(axis=-1, ddof=1))


def paragraph(result: Attribution, named: Callable[[str], str] = str) -> str:
    """Return what came out, for an experimentalist to read; named: writes the name of a case."""
    one, other = map(named, result.pair.names)
    seeds = result.outcomes[0].values.shape[1]
    lines = []
    for o in filter(result.informative, result.outcomes):
        first, last = (o.measure.scale * values for values in o.ends)
        change = float(last.mean() - first.mean())
        if abs(change) < 0.01 * max(abs(float(first.mean())), abs(float(last.mean()))):
            near = f"{first.mean():.3g} {o.measure.unit}"
            lines.append(f"{_capital(o.measure.name)} differs by less than 1 %: {near}.")
            continue
        shares = o.measure.scale * o.shares
        order = sorted(range(len(shares)), key=lambda k: -abs(float(shares[k].mean())))
        parts = [
            f"{result.pair.groups[k].name} {_spelled(shares[k], '+')}"
            for k in order
            if abs(float(shares[k].mean())) >= 0.02 * abs(change)
        ]
        text = (
            f"{_capital(o.measure.name)} goes from {_spelled(first)} to {_spelled(last)} "
            f"{o.measure.unit}. Shares: {', '.join(parts)}"
        )
        small = len(shares) - len(parts)
        lines.append(text + ("; each other share is less than 2 % of the change." if small else "."))
    if not result.reached:
        lines.append(f"No run reached {result.limit:g} V.")
    elif any(np.any(values >= result.time * (1.0 - 1e-9)) for values in result.outcomes[-1].values):
        whole = f"{result.time / HOUR:.4g} h"
        lines.append(f"A cell that did not reach {result.limit:g} V counts with the whole {whole}.")
    if result.early:
        runs = result.outcomes[0].values.size
        ends = ", ".join(f"{n} by {event.replace('_', ' ')}" for event, n in result.early.items())
        lines.append(
            f"Of {runs} runs ended early: {ends}. Their last values and their end times are used. The shares then "
            "compare surfaces of different ages."
        )
    if not result.pair.same_numerics:
        lines.append(f"All runs have the numerical settings of {one}.")
    set_ = [group.name for group in result.pair.groups if CALIBRATED in result.pair.statuses(group)]
    if set_:
        lines.append(
            f"Not measured but calibrated in one of the cases: {', '.join(set_)}. Their shares follow from the "
            "calibration."
        )
    assumed = [group.name for group in result.pair.groups if set(result.pair.statuses(group)) == {ASSUMED}]
    if assumed:
        lines.append(f"Assumed in both: {', '.join(assumed)}.")
    how = f"mean and standard deviation over {seeds} seeds" if seeds > 1 else "one seed"
    return (
        f"From {one} to {other} in {result.time / HOUR:.4g} h ({how}): a share is the change that a group of inputs "
        "adds, mean over all orders of changing the groups. The shares add up to the whole change. " + " ".join(lines)
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _spelled(values: Floats, sign: str = "") -> str:
    spread = f" \u00b1 {values.std(ddof=1):.2g}" if values.size > 1 else ""
    return f"{values.mean():{sign}.3g}{spread}"
