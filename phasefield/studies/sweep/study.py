"""A study from its file to its table: what is to be run, is run, what was run is read."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from phasefield import api
from phasefield.errors import PhasefieldError
from phasefield.files.atomic import replace_text
from phasefield.files.locks import folder_locked
from phasefield.studies.sweep import cluster, contours, outputs, table
from phasefield.studies.sweep.axes import Point
from phasefield.studies.sweep.cluster import Scheduler
from phasefield.studies.sweep.engine import Crew, Show, Tally, make_runs
from phasefield.studies.sweep.local import local, split_cores
from phasefield.studies.sweep.plan import PlannedPoint, Planner, is_of_another, keep, plan_points
from phasefield.studies.sweep.studyfile import StudyFile
from phasefield.studies.sweep.table import Row, Study
from phasefield.studies.sweep.worker import Task

STUDIES = Path("studies")  # the default parent of studies
RUNS = "runs"  # folder of all studies' run folders, below the parent
COST = "cost.json"
ELSEWHERE = "was run, but left nothing in this folder: workers on other machines must see the same folder"


@dataclass
class Prepared:
    """A study whose points are planned; `waiting`: those whose run is not yet made, longest first."""

    planner: Planner
    points: list[tuple[Point, PlannedPoint]]
    folder: Path
    runs: Path
    again: bool
    replaces: bool = False  # whether the folder holds the table of another version of the study
    waiting: list[tuple[Point, PlannedPoint]] = field(default_factory=list)

    @property
    def study(self) -> StudyFile:
        """What the file asks for."""
        return self.planner.study

    @property
    def seconds(self) -> float:
        """Estimated time of what is waiting, one run after the other, s."""
        return sum(one.seconds for _, one in self.waiting)

    @property
    def invalid(self) -> int:
        """Points without a valid case."""
        return sum(1 for _, one in self.points if one.error)

    @property
    def shared(self) -> int:
        """Points whose run another point has, too."""
        hashes = [one.hash for _, one in self.points if not one.error]
        return len(hashes) - len(set(hashes))

    def tasks(self, threads: int) -> Iterator[Task]:
        """Yield what workers are told, longest run first."""
        names = tuple(table.study_outputs(self.planner))
        for point, one in self.waiting:
            text = self.planner.case(point).resolved_toml()
            folder = str((self.runs / one.folder).absolute())
            yield Task(point.number, text, one.hash, folder, names, threads, self.again)


def prepare(study: StudyFile, out: Path = STUDIES, again: bool = False) -> Prepared:
    """Plan a study; nothing is written. again: make failed runs again, too.

    Raises CaseError if the base or all points are no good; PhasefieldError if `out` is no folder.
    """
    if out.exists() and not out.is_dir():
        raise PhasefieldError(f"{out}: is no folder; choose another with --out")
    planner = Planner(study)
    folder = out / study.name
    if study.name == RUNS:
        raise PhasefieldError(f"{study.path}: the name '{RUNS}' is taken by the folder of the runs; rename the file")
    points = plan_points(planner, folder)
    prepared = Prepared(planner, points, folder, out / RUNS, again, is_of_another(planner, folder))
    wanted, seen = table.study_outputs(planner), set[str]()
    for point, one in points:
        if one.error or one.hash in seen:
            continue
        seen.add(one.hash)
        kept = outputs.read(prepared.runs / one.folder, one.hash, wanted)
        if kept is None or (again and kept["reason"] == "failed"):
            prepared.waiting.append((point, one))
    prepared.waiting.sort(key=lambda pair: (-pair[1].seconds, pair[0].number))
    return prepared


@dataclass(frozen=True)
class Where:
    """Where runs are made: what connects, the cores in all (0: not known yet), threads of one run, all in words."""

    connect: AbstractContextManager[Crew]
    cores: int
    threads: int
    words: str


def where(
    prepared: Prepared, scheduler: str | None = None, workers: int | None = None, unencrypted: bool = False,
    threads: int | None = None,
) -> Where:
    """Return where the runs of a study are to be made. Nothing is started yet.

    unencrypted: speak to a scheduler without TLS, too; threads: processors of this machine to use. Raises
    PhasefieldError for a scheduler, TLS files or a number of workers that will not do.
    """
    table_, folder = prepared.study.cluster, prepared.study.path.absolute().parent
    if scheduler is not None:
        there = Scheduler(scheduler, cluster.tls_files(table_, folder), unencrypted)
        there.check()
        return Where(cluster.running(there), 0, 1, f"the workers of {scheduler}")
    if "cores" in table_:
        cores = int(table_["cores"])
        threads = cores // int(table_.get("processes", cores))
        jobs = int(table_.get("jobs", 1))
        connect = cluster.submitted(table_, cluster.tls_files(table_, folder), prepared.folder)
        return Where(connect, cores * jobs, threads, f"{jobs} SLURM jobs of {cores} cores")
    how = split_cores([one for _, one in prepared.waiting], api.check_threads(threads), api.check_workers(workers))
    return Where(local(how), how.workers * how.threads, how.threads, str(how))


def run_waiting(prepared: Prepared, how: Where, show: Show) -> Tally:
    """Make the runs that are waiting.

    Raises Interrupted, what was begun saved, when stopped; FolderBusyError if another process works on the study.
    """
    with folder_locked(prepared.folder):
        keep(prepared.planner, [one for _, one in prepared.points], prepared.folder)
        table.write_index(prepared.folder, prepared.study, prepared.points, prepared.runs, _rows(prepared))
        prepared.runs.mkdir(parents=True, exist_ok=True)
        tally = make_runs(prepared.tasks(how.threads), len(prepared.waiting), how.connect, how.cores, show)
        replace_text(prepared.folder / COST, json.dumps(cost(tally), indent=1) + "\n")
    return tally


def tabulate(prepared: Prepared, errors: Mapping[int, str] | None = None) -> Study:
    """Write the table of what has been run, and return it. errors: why runs tried now gave nothing, by point."""
    heads = table.headings(prepared.planner)
    found = errors or {}
    by_hash = {one.hash: found[point.number] for point, one in prepared.points if point.number in found}
    everywhere = {point.number: by_hash[one.hash] for point, one in prepared.points if one.hash in by_hash}
    rows = _rows(prepared, everywhere)
    about = about_of(prepared)
    study = Study(prepared.folder, {**about, "columns": [vars(head) for head in heads]}, rows)
    grid = contours.fine_grid(prepared.planner, study)
    about["contours"] = study.about["contours"] = None if grid is None else grid.to_json()
    table.write_table(prepared.folder, heads, rows, about)
    table.write_index(prepared.folder, prepared.study, prepared.points, prepared.runs, rows)
    return study


def _rows(prepared: Prepared, errors: Mapping[int, str] | None = None) -> list[Row]:
    """Return the rows of the table as the run folders have them now; errors: why runs gave nothing, by point."""
    return table.rows_of(prepared.planner, prepared.points, prepared.runs, errors or {})


def about_of(prepared: Prepared) -> dict[str, Any]:
    """Return what study.json says besides its columns."""
    study = prepared.study
    return {
        "title": study.title,
        "name": study.name,
        "bases": list(study.bases),
        "base_titles": [case.title for case in prepared.planner.cases.values()],
        "overrides": list(study.overrides),
        "runs": os.path.relpath(prepared.runs, prepared.folder),
        "axes": [[column.key for column in axis] for axis in study.axes],
        "sample": vars(study.sample) if study.sample is not None else None,
        "figures": dict(study.figures),
        "calibrated": calibrated_keys(prepared),
        "text": study.text,
    }


def calibrated_keys(prepared: Prepared) -> list[str]:
    """Return the keys that are calibrated in a base and that no axis sets."""
    keys = {column.key for column in prepared.study.columns}
    found = dict[str, None]()
    for case in prepared.planner.cases.values():
        found |= {k: None for k, p in case.provenance.items() if p.status == "calibrated" and k not in keys}
    return list(found)


def cost(tally: Tally) -> dict[str, Any]:
    """Return what cost.json says of the last time that runs were made."""
    return {
        "workers": tally.workers, "cores": tally.cores, "runs": tally.runs, "wall_time": tally.wall,
        "summed_run_time": tally.summed, "processor_time": tally.cpu, "core_use": tally.core_use,
        "overhead": tally.overhead,
        "run_times": {str(done.number): done.wall for done in sorted(tally.ends, key=lambda done: done.number)},
    }  # fmt: skip


def errors_of(ends: Sequence[Any]) -> dict[int, str]:
    """Return why runs gave nothing, by the number of their point; it is said of those that left no outputs here."""
    found = {done.number: done.text for done in ends if done.status in ("error", "failed") and done.text}
    return found | {done.number: ELSEWHERE for done in ends if done.status == "done"}
