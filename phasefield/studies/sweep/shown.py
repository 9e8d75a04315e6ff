"""A study on the screen: what it will cost, its live table, and what came out."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from phasefield.machine.load import slowdown
from phasefield.simulation.progress import LINE_EVERY, compilation_ahead, compilation_line, kernels_kept
from phasefield.studies.sensitivity import value
from phasefield.studies.sweep import outputs
from phasefield.studies.sweep.engine import Tally
from phasefield.studies.sweep.study import Prepared, Where
from phasefield.studies.sweep.table import TABLE, Heading, Study, is_wanted, point_label, with_resolution
from phasefield.studies.sweep.worker import Done
from phasefield.text.formatting import MICRO, MILLI, number, plain_table, spell, spell_wall
from phasefield.text.laboratory import laboratory_unit

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

SEEN = 1.15  # times as long: less is not worth a word
SILENT = 20.0  # s after which a run that says nothing more is not shown as running
MOST_LINES = 16  # runs shown one by one
MB = 1e6
MOST_NOTES = 5


def announce(console: Console, prepared: Prepared, how: Where) -> None:
    """Say how many runs there are, what is done, and how long the rest will take."""
    n, waiting = len(prepared.points), len(prepared.waiting)
    console.print(f"{prepared.study.title}: {n} points in {prepared.folder}", soft_wrap=True)
    parts = [f"{n - waiting - prepared.invalid - prepared.shared} done"]
    parts += [f"{prepared.shared} with the run of another point"] if prepared.shared else []
    parts += [f"{prepared.invalid} without a valid case"] if prepared.invalid else []
    parts += [f"{waiting} to run"]
    line = ", ".join(parts)
    if waiting:
        line += f", about {spell_wall(prepared.seconds)} of one core"
        if how.cores:
            slow = slowdown()
            line += f": {spell_wall(slow * prepared.seconds / how.cores)} on {how.words}"
            line += ", beside other work" if slow > SEEN else ""
        if ahead := compilation_ahead():
            line += f"; first: {ahead}"
        largest = max(one.memory for _, one in prepared.waiting)
        line += f"; {largest / MB:.0f} MB a run"
    console.print(line, soft_wrap=True)
    if prepared.replaces:
        console.print(
            f"{prepared.folder / TABLE} is of other axes, overrides or bases and will be replaced; its runs stay in "
            f"{prepared.runs}",
            soft_wrap=True,
        )
    wrong = Counter(one.error for _, one in prepared.points if one.error)
    for text, n in wrong.most_common(MOST_NOTES):
        console.print(f"  no valid case, {n} x {text}", soft_wrap=True)


class Board:
    """The live table of a study; plain lines where there is no terminal. Called with the engine's reports."""

    def __init__(self, console: Console, prepared: Prepared) -> None:
        self.console, self.prepared = console, prepared
        self.points = {point.number: (point, one) for point, one in prepared.waiting}
        self.total = len(self.points)
        self.ends: list[Done] = []
        self.running: dict[int, tuple[float, Mapping[str, Any]]] = {}
        self.begun, self.said = time.monotonic(), 0.0
        self.workers = 1
        self.once, self.compiling = not kernels_kept(), ""
        self.live: Any = None

    def __enter__(self) -> Board:
        if self.console.is_terminal:
            from rich.live import Live

            self.live = Live(self._table(), console=self.console, refresh_per_second=2, transient=True)
            self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.live is not None:
            self.live.stop()

    def __call__(self, report: Mapping[str, Any]) -> None:
        """Take note of a report, and show it."""
        now = time.monotonic()
        self.compiling = ""
        if "kernels" in report:
            self.compiling = compilation_line(int(report["kernels"]), float(report["compiling"]), self.once)
        elif "done" in report:
            done: Done = report["done"]
            self.ends.append(done)
            self.running.pop(done.number, None)
            if done.status in ("failed", "error"):
                label = point_label(self.prepared.study, self.points[done.number][0])
                self._say(f"{done.status}: {label}: {done.text}")
        elif report.get("number") in self.points and report["number"] not in {done.number for done in self.ends[-64:]}:
            self.running[report["number"]] = (now, report)
            self.workers = max(self.workers, len(self.running))
        if self.live is not None:
            self.live.update(self._table())
        elif now - self.said >= LINE_EVERY or len(self.ends) == self.total:
            self.said = now
            self._say(self._line())

    def _say(self, text: str) -> None:
        self.console.print(text, soft_wrap=True)

    def left(self) -> float | None:
        """Return the wall time left, s: what is estimated of the rest, as wrong as it was so far."""
        spent = sum(done.wall - done.compiling for done in self.ends)
        expected = sum(self.points[done.number][1].seconds for done in self.ends)
        over = {done.number for done in self.ends}
        rest = sum(one.seconds for number, (_, one) in self.points.items() if number not in over)
        for _, report in self.running.values():
            if report["planned"]:
                share = min(1.0, report["time"] / report["planned"])
                rest -= share * self.points[report["number"]][1].seconds
        if expected <= 0.0 or not self.ends:
            return None
        return max(0.0, rest) * spent / expected / self.workers

    def _line(self) -> str:
        count = Counter(done.status for done in self.ends)
        bad = count["failed"] + count["error"]
        text = f"{len(self.ends)} of {self.total} runs done" + (f", {bad} of them failed" if bad else "")
        text += f", {len(self._now())} running" if not self.compiling else f", {self.compiling}"
        left = self.left()
        return text + (f", {spell_wall(left)} left" if left is not None and len(self.ends) < self.total else "")

    def _now(self) -> list[Mapping[str, Any]]:
        late = time.monotonic() - SILENT
        told = sorted(self.running.values(), key=lambda pair: int(pair[1]["number"]))
        return [report for when, report in told if when > late]

    def _table(self) -> Table:
        table = plain_table(self._line(), "simulated", "voltage (mV)", "Sz (um)")
        for report in self._now()[:MOST_LINES]:
            planned = f" of {spell(report['planned'])}" if report["planned"] else ""
            table.add_row(
                point_label(self.prepared.study, self.points[report["number"]][0]), spell(report["time"]) + planned,
                number(report["voltage"], MILLI), number(report["Sz"], MICRO),
            )  # fmt: skip
        return table


def _results(study: Study) -> Table | None:
    """Return the outputs that the study is made for, a row for each run of a small study; None for a large one."""
    wanted = [head for head in study.headings if is_wanted(study, head)]
    rows = [row for row in study.rows if any(row[head.name] is not None for head in wanted)]
    if not wanted or not 0 < len(rows) <= MOST_LINES:
        return None
    units = [laboratory_unit(head.unit, *(value(row, head.name) for row in rows)) for head in wanted]
    names = [head.name.removeprefix(outputs.RESULT).replace("_", " ") for head in wanted]
    titles = [f"{name} ({unit})" if unit else name for name, (_, unit) in zip(names, units, strict=True)]
    inputs = study.inputs
    heads = [heading_text(head) for head in inputs] or ["point"]
    table = plain_table(*heads, *titles)
    for row in rows:
        own = [input_text(head, row[head.name]) for head in inputs] or [str(row["point"])]
        found = [with_resolution(row, head, scale) for head, (scale, _) in zip(wanted, units, strict=True)]
        table.add_row(*own, *found)
    return table


def heading_text(head: Heading) -> str:
    """Return an input's head with the unit of the study file."""
    name = head.name.split(".")[-1].replace("_", " ")
    return f"{name} ({head.show_unit})" if head.show_unit else name


def input_text(head: Heading, one: object) -> str:
    """Return an input in the unit of the study file."""
    return f"{one / head.show_size:.4g}" if isinstance(one, int | float) else str(one)


def print_study(console: Console, study: Study, tally: Tally | None) -> None:
    """Print how many runs ended how, what they cost, and what went wrong."""
    count = Counter(str(row["status"]) for row in study.rows)
    line = ", ".join(f"{n} {status}" for status, n in count.items())
    reasons = Counter(str(row["reason"]) for row in study.rows if row["reason"] not in ("", "end", "failed"))
    line += "".join(f"; {n} ended by {reason.replace('_', ' ')}" for reason, n in reasons.items())
    console.print(f"{len(study.rows)} points: {line}", soft_wrap=True)
    notes = Counter(str(row["note"]) for row in study.rows if row["note"])
    for note, n in notes.most_common(MOST_NOTES):
        console.print(f"  {n} x {note}", soft_wrap=True)
    if len(notes) > MOST_NOTES:
        console.print(f"  and {len(notes) - MOST_NOTES} other notes, in the table", soft_wrap=True)
    if (table := _results(study)) is not None:
        console.print(table)
    if tally is not None and tally.runs:
        console.print(
            f"{tally.runs} runs in {spell_wall(tally.wall)} on {tally.workers} workers: cores used "
            f"{100.0 * tally.core_use:.1f} %, overhead {100.0 * tally.overhead:.1f} % of "
            f"{spell_wall(tally.summed)} of runs",
            soft_wrap=True,
        )
    if study.about["calibrated"]:
        console.print(f"Calibrated: {', '.join(study.about['calibrated'])}", soft_wrap=True)
