"""Two or more cases run and set side by side: runs in parallel, one table, one picture.

Cores are divided among the runs. Measured on 2 cores at 64 x 64 x 60 cells: a step of PLLZ took 0.22 s alone
with two threads, and 0.40 s with one thread beside a run of PLL: two at once end sooner than one after the other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from phasefield import api
from phasefield.check.estimate import estimate
from phasefield.errors import PhasefieldError, ResultError
from phasefield.files.atomic import replace_text
from phasefield.files.locks import folder_locked
from phasefield.machine.load import slowdown
from phasefield.machine.memory import available_memory
from phasefield.machine.processes import Job, run_all
from phasefield.results.checkpoint import CHECKPOINTS
from phasefield.results.run import Run, open_run
from phasefield.results.summary import calibrated, ledger_text
from phasefield.results.writer import RESULT, SUMMARY
from phasefield.simulation.progress import Count, Several, compilation_ahead
from phasefield.studies.targets import measured_for
from phasefield.text.escape import csv_text
from phasefield.text.formatting import MICRO, named, number, plain_table, spell, spell_wall
from phasefield.text.laboratory import laboratory_unit

if TYPE_CHECKING:
    from rich.console import Console

    from phasefield.case import Case

PICTURE, TABLE, FIGURES = "compare.png", "compare.csv", "compare.json"
CASES = "cases"  # folder of the cases with other seeds

FEW = 8  # runs that are shown one by one

Row = dict[str, Any]


@dataclass(frozen=True)
class PlannedRun:
    """One thing to compare: a case, its folder and overrides, or a stored run that is taken as it is (case None)."""

    name: str
    given: str
    case: Case | None
    folder: Path
    overrides: tuple[str, ...] = ()


def compare_runs(
    given: Sequence[str],
    out: Path = api.RUNS,
    *,
    overrides: Sequence[str] = (),
    threads: int | None = None,
    workers: int | None = None,
    overwrite: bool = False,
    seeds: int = 1,
    console: Console | None = None,
) -> list[Row]:
    """Run what is not yet run, write compare.png, .csv and .json into `out`, and return the table's rows.

    given: case files, shipped cases, or folders of stored runs. A finished run of the same resolved case is
    used again, an unfinished one is resumed. seeds: of surface and patches for each case, its own first; the rows
    hold the results of all, the picture that of the first.
    Raises Interrupted, all runs resumable, when stopped; FolderBusyError if another process writes into `out`.
    """
    entries = plan(given, out, overrides)
    api.check_threads(threads)
    api.check_workers(workers)
    with folder_locked(out):
        more = sow(entries, seeds, out)
        every = [*entries, *(one for others in more for one in others)]
        run_missing(every, threads=threads, workers=workers, overwrite=overwrite, console=console)
        return _compared(entries, more, out)


def sow(entries: Sequence[PlannedRun], seeds: int, out: Path) -> list[list[PlannedRun]]:
    """Return the runs of each entry with other seeds, `seeds` less one; their cases are written into `out`.

    Raises PhasefieldError for a stored run, whose case is not run again, and for a case without a seed.
    """
    from phasefield.studies.seeds import other_seeds

    found = []
    for entry in entries if seeds > 1 else ():
        if entry.case is None:
            raise PhasefieldError(f"{entry.given}: is a stored run; --seeds needs its case, such as its case.toml")
        others = other_seeds(entry.case, entry.name, seeds - 1, out / CASES)
        found.append([PlannedRun(path.stem, str(path), case, out / path.stem) for path, case in others])
    return found or [[] for _ in entries]


def _compared(entries: Sequence[PlannedRun], more: Sequence[Sequence[PlannedRun]], out: Path) -> list[Row]:
    """Write table and picture of stored runs, and return the rows; more: the runs of each entry with other seeds."""
    with ExitStack() as stack:
        runs = [stack.enter_context(open_run(entry.folder)) for entry in entries]
        rows = [compared_row(entry.name, run) for entry, run in zip(entries, runs, strict=True)]
        for row, others in zip(rows, more, strict=True):
            row["Sz_of_seeds"] = [row["Sz"]]
            for other in others:
                with open_run(other.folder) as run:
                    row["Sz_of_seeds"].append(float(run.series["Sz"][-1]))
        write_figures(rows, out)
        draw_runs(runs, out / PICTURE)
    return rows


def run_missing(
    entries: Sequence[PlannedRun],
    *,
    threads: int | None = None,
    workers: int | None = None,
    overwrite: bool = False,
    console: Console | None = None,
) -> None:
    """Run what is not yet run, `workers` at once; resume what was stopped. Raises as `compare_runs` does."""
    api.check_workers(workers)
    jobs = [job for entry in entries if (job := job_of(entry, overwrite)) is not None]
    if jobs:
        most = api.check_threads(threads)
        _make(jobs, workers or share(entries, len(jobs), most), most, console)


def announce_runs(console: Console, entries: Sequence[PlannedRun], threads: int | None) -> None:
    """Say how many of the runs are done, how many are to be made and how long they take; nothing is run."""
    processors = api.check_threads(threads)
    waiting, seconds = expected(entries, processors)
    text = f"{len(entries)} runs: {len(entries) - waiting} done, {waiting} to make"
    plural = "s" if processors > 1 else ""
    text += f", about {spell_wall(seconds)} on {processors} thread{plural}" if waiting else ""
    console.print(text, soft_wrap=True)


def plan(given: Sequence[str], out: Path, overrides: Sequence[str]) -> list[PlannedRun]:
    """Return what is to be compared, every case read and valid, each with a folder of its own in `out`."""
    if out.exists() and not out.is_dir():
        raise PhasefieldError(f"{out}: is no folder; choose another with --out")
    entries: list[PlannedRun] = []
    for text in given:
        if (Path(text) / RESULT).is_file():
            entries.append(PlannedRun(_free(Path(text).resolve().name, entries), text, None, Path(text)))
            continue
        case = api.read_case(text, overrides)
        name = _free(api.folder_name(Path(text) if case.path is None else case.path), entries)
        entries.append(PlannedRun(name, text, case, out / name, tuple(overrides)))
    if len({entry.folder.resolve() for entry in entries}) < len(entries):
        raise PhasefieldError(f"{' '.join(given)}: the same run comes twice; name each once")
    return entries


def _free(name: str, entries: Sequence[PlannedRun]) -> str:
    taken = {entry.name for entry in entries}
    return next(n for n in (name, *(f"{name}-{k}" for k in range(2, 1000))) if n not in taken)


def expected(entries: Sequence[PlannedRun], threads: int) -> tuple[int, float]:
    """Return how many runs of `entries` are to be made, and about how long they take together, s."""
    waiting = [entry.case for entry in entries if job_of(entry, overwrite=False) is not None and entry.case is not None]
    return len(waiting), slowdown() * sum(estimate(case).whole or 0.0 for case in waiting) / threads


def job_of(entry: PlannedRun, overwrite: bool) -> Job | None:
    """Return what must be run for an entry, None if nothing; refuse a folder that holds another case."""
    if entry.case is None or (not overwrite and api.is_finished(entry.case, entry.folder)):
        return None
    arguments = [str(api.locate_case(entry.given))]
    for text in entry.overrides:
        arguments += ["-s", text]
    saved = any((entry.folder / name).exists() for name in CHECKPOINTS)
    if overwrite:
        arguments.append("--overwrite")
    elif saved or (entry.folder / SUMMARY).exists():
        with open_run(entry.folder) as stored:
            if stored.attrs.get("case_hash") != entry.case.hash:
                raise ResultError(
                    f"{entry.folder}: holds a run of another case (other overrides, or a changed file); "
                    "choose another folder with --out, or replace it with --overwrite"
                )
        if saved:
            arguments.append("--resume")
    return Job(entry.name, entry.folder, arguments, api.check_threads(None, entry.case.grid.cells))


def share(entries: Sequence[PlannedRun], jobs: int, threads: int) -> int:
    """Return how many runs go at once: as many as there are threads, and as fit in memory together."""
    needed = max(entry.case.grid.memory for entry in entries if entry.case is not None)
    return max(1, min(jobs, threads, int(min(available_memory() / needed, jobs))))


def _make(jobs: Sequence[Job], at_once: int, threads: int, console: Console | None) -> None:
    if console is None:
        run_all(jobs, at_once, threads, lambda name, report: None)
        return
    how = f"{at_once} at once on {threads} thread{'s' if threads > 1 else ''}"
    names, bars = [job.name for job in jobs], console.is_terminal
    what = ", ".join(names) if len(jobs) <= FEW else f"{len(jobs)} runs"
    console.print(f"Running {what}: {how}", soft_wrap=True)
    if ahead := compilation_ahead():
        console.print(f"First: {ahead}", soft_wrap=True)
    with Several(console, names, bars) if len(jobs) <= FEW else Count(console, len(jobs), bars) as shown:

        def show(name: str, report: Mapping[str, Any]) -> None:
            if "kernels" in report:
                shown.show_compiling(name, int(report["kernels"]), float(report["compiling"]))
            elif "say" in report:
                shown.say(name, str(report["say"]))
            else:
                shown.show(name, report)

        run_all(jobs, at_once, threads, show)


def compared_row(name: str, run: Run) -> Row:
    """Return the figures of a run beside what was measured, SI."""
    from phasefield.viz.plots.series import voltage_ends

    if not run.n_steps:
        raise ResultError(f"{run.folder}: holds no step yet; run it first")
    start, end = voltage_ends(run)
    series, summary = run.series, run.summary
    return {
        "name": name,
        "title": run.title,
        "folder": str(run.folder),
        "finished": run.finished,
        "reason": str(summary.get("reason", "unfinished")),
        "time": float(series["time"][-1]),
        "Sz_start": float(series["Sz"][0]),
        "Sz": float(series["Sz"][-1]),
        "Sq": float(series["Sq"][-1]),
        "Sa": float(series["Sa"][-1]),
        "voltage_start": start,
        "voltage_end": end,
        "steps": summary.get("steps"),
        "wall_time": summary.get("wall_time"),
        "seconds_per_step": summary.get("seconds_per_step"),
        "ledger": ledger_text(run),
        "calibrated": calibrated(run),
        "measured": measured_for(run),
    }


def write_figures(rows: Sequence[Row], out: Path) -> None:
    """Write the rows as JSON and CSV, SI units."""
    out.mkdir(parents=True, exist_ok=True)
    replace_text(out / FIGURES, json.dumps(list(rows), indent=2) + "\n")
    units = dict.fromkeys(("Sz_start", "Sz", "Sq", "Sa"), "m")
    units |= dict.fromkeys(("voltage_start", "voltage_end"), "V")
    units |= dict.fromkeys(("time", "wall_time", "seconds_per_step"), "s")
    plain = [key for key in rows[0] if key not in ("measured", "calibrated", "Sz_of_seeds")]
    extra = {"Sz": "m", "voltage_start": "V", "voltage_end": "V", "end_time": "s"}
    head = [f"{key} [{units[key]}]" if key in units else key for key in plain]
    lines = [[*head, "calibrated", *(f"measured {key} [{unit}]" for key, unit in extra.items())]]
    lines[0].append("voltage at that time [V]")
    for row in rows:
        measured = [row["measured"].get(key, "") for key in extra]
        measured.append(row["measured"].get("simulated_then", ""))
        lines.append([*(row[key] for key in plain), named(row["calibrated"]), *measured])
    replace_text(out / TABLE, csv_text(lines))


def draw_runs(runs: Sequence[Run], path: Path) -> Path:
    """Draw the runs side by side, on one colour scale and through one camera."""
    from phasefield.viz.plots.compare import comparison
    from phasefield.viz.stored import labels

    names, _ = labels(runs)
    found = {name: marks for name, run in zip(names, runs, strict=True) if (marks := measured_for(run))}
    return comparison(runs, path, references=found)


def seeds_texts(rows: Sequence[Row]) -> list[str]:
    """Return what the seeds of each row give, and the ratio of Sz of two rows with the band of its mean."""
    from phasefield.studies.seeds import band_text

    texts = []
    for row in rows:
        sz = MICRO * np.array(row.get("Sz_of_seeds", ()))
        if len(sz) > 1:
            texts.append(
                f"Sz of {row['name']}, mean of {len(sz)} seeds: {sz.mean():.3g} um, 95 % band {band_text(sz)} um; "
                f"single runs {sz.min():.3g} to {sz.max():.3g} um"
            )
    if len(rows) != 2 or not min(row["Sz"] for row in rows) > 0.0:
        return texts
    one, other = rows
    ratios = np.array(one.get("Sz_of_seeds", [one["Sz"]])) / np.array(other.get("Sz_of_seeds", [other["Sz"]]))
    text = f"Ratio of Sz, {one['name']} / {other['name']}: {ratios.mean():.3g}"
    if len(ratios) > 1:
        text += f", mean of {len(ratios)} seeds, 95 % band {band_text(ratios)}"
    else:
        text += ", from one seed of each: other seeds give other ratios, and --seeds 4 their band"
    if all("Sz" in row["measured"] for row in rows):
        text += f"; measured {one['measured']['Sz_text']} / {other['measured']['Sz_text']} um"
    return [*texts, text]


def print_rows(console: Console, rows: Sequence[Row], out: Path) -> None:
    """Print the table, what was calibrated, and where the files are."""
    arrow = " -> "
    table = plain_table("", *(row["name"] for row in rows))

    def add(label: str, *texts: str) -> None:
        table.add_row(label, *texts)

    def each(text: Any) -> list[str]:
        return [text(row) for row in rows]

    def add_measured(key: str) -> None:
        if any(key in row["measured"] for row in rows):
            add("  measured, [1]", *each(lambda r: str(r["measured"].get(key, "")).replace("\u2192", "->")))

    add("simulated", *each(lambda r: spell(r["time"]) + ("" if r["finished"] else " (unfinished)")))
    add(
        "Sz, start -> end (um)",
        *each(lambda r: number(r["Sz_start"], MICRO) + arrow + number(r["Sz"], MICRO)),
    )
    add_measured("Sz_text")
    add("Sq, Sa at the end (um)", *each(lambda r: f"{number(r['Sq'], MICRO)}, {number(r['Sa'], MICRO)}"))
    ends = [volts for row in rows for key in ("voltage_start", "voltage_end") if (volts := row[key]) is not None]
    scale, unit = laboratory_unit("V", *ends)
    add(
        f"|voltage|, first -> last cycle ({unit})",
        *each(lambda r: number(r["voltage_start"], scale) + arrow + number(r["voltage_end"], scale)),
    )
    add_measured("voltage_text")
    add("ended", *each(lambda r: r["reason"]))
    add("steps; s per step", *each(lambda r: f"{r['steps']}; {number(r['seconds_per_step'])}"))
    for k, part in enumerate(("charge", "lithium", "salt")):
        add(f"ledger error, {part}", *each(lambda r, k=k: r["ledger"].split(", ")[k].split(" ")[-1]))
    console.print(table)
    for text in seeds_texts(rows):
        console.print(text, soft_wrap=True)
    for row in rows:
        console.print(f"Calibrated in {row['name']}: {named(row['calibrated'])}", soft_wrap=True)
    for source in dict.fromkeys(row["measured"]["source"] for row in rows if row["measured"]):
        console.print(source, soft_wrap=True)
    console.print(f"Picture: {out / PICTURE}", soft_wrap=True)
    console.print(f"Table: {out / TABLE}, {out / FIGURES}", soft_wrap=True)
    console.print(f"Runs: {', '.join(row['folder'] for row in rows)}", soft_wrap=True)
