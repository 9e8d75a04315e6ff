"""One loop for every case: protocol steps, steps in time, output, checkpoints, and how a run ends."""

from __future__ import annotations

import logging
import math
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from phasefield.constants import VERSION
from phasefield.errors import NO_LITHIUM, Interrupted, SolverError
from phasefield.experiments.registry import evaluate
from phasefield.files.atomic import replace_text
from phasefield.files.locks import command_line
from phasefield.machine.compilation import TALLY, listen
from phasefield.machine.processes import stop_signals
from phasefield.model.coefficients import Drive
from phasefield.model.laws import law_of
from phasefield.results.replayed import MEASURED_RMS, rms_difference
from phasefield.results.run import open_run
from phasefield.results.writer import SUMMARY, Frame, RunWriter, write_summary
from phasefield.simulation import restart
from phasefield.simulation.continuation import attributes_of, continued_case, earlier_hashes
from phasefield.simulation.events import Events
from phasefield.simulation.output import frame_of, series_row, start_run_files, summary_of
from phasefield.simulation.protocol import ProtocolPosition
from phasefield.simulation.restart import Control
from phasefield.simulation.step_control import StepController

if TYPE_CHECKING:
    from phasefield.case import Case

log = logging.getLogger(__name__)

CEILING = 1.05  # times the voltage limit: a trial step whose current no salt carries is solved at this voltage instead
WATCHED, ENDLESS = 300, 1e8  # steps together; a run that has so many more before it at their pace makes no way
LONG_SAVE, SAVES = 1.0, 0.02  # s; a save that takes longer is repeated so seldom that saves take this share of the time
BOUND = 1.05  # times the imposed current is all that the voltage limit drives: salt bounds it, not the voltage


def next_save(every: float, begun: float, ended: float) -> float:
    """Return when rows and a checkpoint are due again; `every` [s] apart, but long saves (`LONG_SAVE`) more seldom."""
    took = ended - begun
    return ended + (max(every, took / SAVES) if took > LONG_SAVE else every)


def clock() -> float:
    """Return a time that does not pass while kernels are compiled, s."""
    return time.monotonic() - TALLY.seconds


@dataclass(frozen=True)
class Progress:
    """What a progress display shows after each step."""

    time: float  # s
    planned: float | None  # s
    cycle: int
    cycles: int
    voltage: float  # V
    Sz: float  # m
    step: int
    dt: float  # s
    wall: float  # s since this start
    compiling: float = 0.0  # s of compilation in this process so far


@dataclass(frozen=True)
class Outcome:
    """How a run ended: `reason` is "end", an event's name, or "failed"; `text` says it in a sentence."""

    reason: str
    text: str
    folder: Path
    steps: int

    @property
    def good(self) -> bool:
        """Whether the run ended as the physics or the protocol had it."""
        return self.reason != "failed"


class Driver:
    """A run of one case in one folder."""

    def __init__(
        self,
        case: Case,
        folder: Path,
        resume: bool = False,
        overwrite: bool = False,
        progress: Callable[[Progress], None] | None = None,
        walltime: float | None = None,
    ) -> None:
        """folder: the run folder; walltime: seconds after which the run saves and stops, resumable.

        Raises ResultError if the folder holds another run, or nothing to resume.
        """
        if resume:
            case = continued_case(case, folder)
        self.case, self.folder, self.progress = case, folder, progress
        self.walltime = walltime
        self.before_step: Callable[[], None] | None = None
        self.cell = law_of(case)
        listen()
        self.begun = clock()
        self.stop_signal: int | None = None
        self.control = Control()
        if resume:
            self._resume()
        else:
            self._begin(overwrite)
        self.controller = StepController(case, self.cell, self.control)
        self.events = Events(case.protocol, self.cell, self.control)

    def _begin(self, overwrite: bool) -> None:
        self.writer = start_run_files(self.case, self.folder, overwrite)
        self.position = ProtocolPosition(self.case.protocol, full=self.case.cathode is not None)
        self.state = self.cell.start()
        try:
            self._impose()
        except SolverError as error:
            words = "check the current or voltage of the first step, and the units of film and conductivity"
            raise SolverError(f"{self.folder}: it does not begin: {error.message}; {words}", error.cause) from error
        self.control.voltage_start = self.state.voltage
        self.writer.add_row(series_row(self.cell, self.state, self.position, 0.0, 0, 0))
        self._save(self._frame())
        p = self.case.protocol
        log.info("begun: %s; %d x %d x %d cells, %d protocol steps, %d times; phasefield %s: %s", self.case.title,
                 *reversed(self.case.grid.shape), len(p.sequence), p.repeat, VERSION, command_line())  # fmt: skip

    def _resume(self) -> None:
        earlier = earlier_hashes(self.case, self.folder)
        saved = restart.load_checkpoint(self.folder, self.case, self.cell, earlier)
        self.state, at, self.control, rows, frames = saved

        def agree(writer: RunWriter) -> None:
            restart.check_agreement(saved, self.case, writer, earlier)
            if writer.attrs.get("case_hash") in earlier:  # it goes on, so it has not ended
                (self.folder / SUMMARY).unlink(missing_ok=True)

        changed = attributes_of(self.case, earlier) if earlier else None
        self.writer = RunWriter.resume(self.folder, rows, frames, agree, changed)
        self.position = ProtocolPosition(self.case.protocol, at, full=self.case.cathode is not None)
        self.save_due = time.monotonic() + self.case.output.checkpoint_every
        log.info("resumed at %.6g s, step %d: %s", self.state.t, self.control.steps, command_line())
        if earlier:
            log.info("the protocol is run %d times", self.case.protocol.repeat)
            replace_text(self.folder / "case.toml", self.case.resolved_toml())
            self._save()

    def _save(self, frame: Frame | None = None) -> None:
        """Write rows, a frame if given, and a checkpoint."""
        begun, control = time.monotonic(), self.control
        self.writer.save(frame)
        now = clock()
        control.wall += now - self.begun
        self.begun = now
        rows, frames = self.writer.n_rows, self.writer.n_frames
        restart.save_checkpoint(self.folder, self.case, self.cell, self.state, self.position.at, control, rows, frames)
        self.save_due = next_save(self.case.output.checkpoint_every, begun, time.monotonic())

    @property
    def drive(self) -> Drive:
        """What the protocol imposes now. At the voltage limit a current step goes on at it, as a galvanostat does."""
        current, voltage = self.position.imposed
        highest, until = self.case.protocol.voltage_limit, self.position.step.until_voltage
        if self.control.limited and current is not None:
            return Drive(None, math.copysign(highest, current))
        if until is not None and not self.position.full:
            highest = min(highest, until)  # which ends the protocol step
        return Drive(current, voltage, CEILING * highest, self.position.rate)

    def _impose(self) -> None:
        """Begin a protocol step: its current or voltage acts on the state as it is."""
        self.control.limited = False
        self._react()
        self._apply_voltage_limit()
        self.position.at.begun = True
        self.control.watched = self.control.steps, self.state.t

    def _apply_voltage_limit(self) -> None:
        """Change between the imposed current and the voltage limit, whichever is reached first."""
        current, _ = self.position.imposed
        if current is None or current == 0.0 or "voltage_limit" in self.case.protocol.stop_on:
            return
        limit = self.case.protocol.voltage_limit
        was = self.control.limited
        if (abs(self.current) <= abs(current)) if was else (abs(self.state.voltage) < limit * (1.0 - 1e-9)):
            return
        self.control.limited = not was
        log.info("at %.6g s: %s", self.state.t, "current imposed" if was else "voltage limit imposed")
        try:
            self._react()
        except SolverError:
            self.control.limited = was
            raise

    def _end_after_failure(self, error: SolverError) -> Outcome | None:
        """End the run after a step that cannot be taken, or its protocol step if only the lithium is used up.

        Without lithium the voltage passes any `until_voltage` within a moment.
        """
        if error.cause == NO_LITHIUM and self.position.step.until_voltage is not None and self.position.imposed[0]:
            log.info("at %.6g s: the lithium is used up, which ends the protocol step", self.state.t)
            self.position.next()
            return None
        reason = "exhausted" if error.cause == NO_LITHIUM else "failed"
        return self._finish(reason, f"{error.message}; stopped at {self.state.t:.6g} s, the last good step")

    def _change_to_voltage_limit(self) -> bool:
        """Impose the voltage limit where salt no longer carries the current at any voltage; return whether it is so.

        The counter electrode's plane has no more salt than comes to it: its current has an upper bound, and the voltage
        goes to its limit within a moment that no step resolves. Anything else that stops a run is left as it is.
        """
        current, _ = self.position.imposed
        if not current or self.control.limited:
            return False
        restore = self.state.remember()
        self.control.limited = True
        try:
            self._react()
            carried = abs(self.current) <= BOUND * abs(current)
        except SolverError:
            carried = False
        if not carried:
            self.control.limited = False
            restore()
            return False
        log.info("at %.6g s: voltage limit imposed, as no voltage drives the current any longer", self.state.t)
        return True

    def _react(self) -> None:
        """Impose the drive on the state as it is. If that raises SolverError the state is what it was."""
        restore = self.state.remember()
        try:
            self.cell.drive(self.state, self.drive)
        except SolverError:
            restore()
            raise

    @property
    def current(self) -> float:
        """Cell current density now, A/m^2."""
        return self.cell.current(self.state)

    def run(self) -> Outcome:
        """Run to the end of the protocol, an event that stops it, or a failure; the folder then holds all of it.

        Raises Interrupted, after saving, on a signal to stop (`processes.stop_signals`) or the end of the wall time.
        """
        with stop_signals(self._note):
            self.begun_at = time.monotonic()
            outcome = self._check_events()
            if outcome is None:
                self._pass_over()
            while outcome is None and not self.position.done:
                try:
                    outcome = self._go_on()
                except SolverError as error:
                    outcome = self._end_after_failure(error)
            return outcome if outcome is not None else self._finish("end", "the protocol is complete")

    def _go_on(self) -> Outcome | None:
        """Begin a protocol step if it has not begun, and take one step in time; return how the run ends, if it does."""
        if not self.position.at.begun:
            self._impose()
            outcome = self._check_events()
            if outcome is not None:
                return outcome
            if self._pass_over():
                return None
        elif self.cell.due(self.state):
            self._react()
        self._watch()
        if self.before_step is not None:
            self.before_step()
        try:
            dt, row = self._one_step()
        except SolverError:
            if not self._change_to_voltage_limit():
                raise
            return self._check_events()
        failure: SolverError | None = None
        if self.position.ended(self.state.voltage, self.current):
            self.position.next()
        else:
            try:
                self._apply_voltage_limit()
            except SolverError as error:  # the step was accepted before: it is stored, whatever comes after it
                failure = error
        self._output(row)
        self._report(row, dt)
        outcome = self._check_events()
        if failure is not None and outcome is None:
            raise failure
        self._check_signals()
        return outcome

    def _pass_over(self) -> bool:
        """Go on to the next protocol step if the present one is over as it begins; return whether it was."""
        position = self.position
        over = not position.done and position.at.begun and position.ended(self.state.voltage, self.current)
        if over:
            log.info("at %.6g s: the protocol step is over as it begins", self.state.t)
            position.next()
        return over

    def _watch(self) -> None:
        """Raise SolverError if the run makes no way."""
        first, begun = self.control.watched
        if self.control.steps < first + WATCHED:
            return
        passed, left = self.state.t - begun, self.position.remaining(self.current)
        span = max(self.position.at.elapsed, left if math.isfinite(left) else 0.0)  # of the protocol step, s
        if passed * ENDLESS < WATCHED * span:
            raise SolverError(f"the last {WATCHED} steps took {passed:.2g} s together: this has no end")
        self.control.watched = self.control.steps, self.state.t

    def _one_step(self) -> tuple[float, dict[str, float]]:
        """Take one accepted step; return its length and its row. Raises SolverError if none is possible."""
        old, control = self.state, self.control
        target = self.case.output.fields_every * control.frames_due
        new, dt, rejected, iterations = self.controller.take_step(old, self.position, self.drive, target)
        charge = new.applied - old.applied
        self.cell.accept(old)
        self.state = new
        self.position.advance(dt, charge)
        if abs(new.t - target) <= 1e-9 * target:
            new.t = target
        control.steps += 1
        return dt, series_row(self.cell, new, self.position, dt, rejected, iterations)

    def _check_events(self) -> Outcome | None:
        """Record events; return how the run ends if one of them stops it."""
        stopped = self.events.record(self.state)
        return self._finish(*stopped) if stopped is not None else None

    def _output(self, row: dict[str, float]) -> None:
        self.writer.add_row(row)
        every = self.case.output.fields_every
        if self.state.t >= self.control.frames_due * every * (1.0 - 1e-12):
            self.control.frames_due = math.floor(self.state.t / every * (1.0 + 1e-12)) + 1
            self._save(self._frame())
        elif time.monotonic() > self.save_due:
            self._save()

    def _report(self, row: dict[str, float], dt: float) -> None:
        """Tell the progress display; a terminal that has gone is told no more, and the run goes on."""
        if self.progress is None:
            return
        now = Progress(
            self.state.t, self.case.protocol.planned_time, int(row["cycle"]), self.case.protocol.cycles,
            row["voltage"], row["Sz"], self.control.steps, dt, clock() - self.begun,
            TALLY.seconds,
        )  # fmt: skip
        try:
            self.progress(now)
        except (OSError, SystemExit) as error:  # rich ends the program where nobody reads
            log.warning("the progress display has ended (%s); the run goes on", error)
            self.progress = None

    def _finish(self, reason: str, text: str) -> Outcome:
        self._save(self._frame() if self.control.last_frame != self.state.t else None)
        row = series_row(self.cell, self.state, self.position, 0.0, 0, 0)
        with open_run(self.folder) as stored:
            summary = summary_of(self.case, self.control, row, stored.corrections(), reason, text)
            off = rms_difference(stored)
            summary |= {} if off is None else {MEASURED_RMS: off}
        write_summary(self.folder, summary)
        if self.case.experiment is not None:
            with open_run(self.folder) as stored:  # the evaluation reads how the run ended
                found = evaluate(stored, self.case)
            if found is not None:
                write_summary(self.folder, summary | {"experiment": found.as_dict()})
        log.info("ended at %.6g s: %s (%s); %d steps, %d rejected, %.4g s of work", self.state.t, reason, text,
                 self.control.steps, self.control.rejected, self.control.wall)  # fmt: skip
        return Outcome(reason, text, self.folder, self.control.steps)

    def _check_signals(self) -> None:
        """Save and stop if a signal or the wall time asks for it."""
        late = self.walltime is not None and time.monotonic() - self.begun_at > self.walltime
        if self.stop_signal is None and not late:
            return
        self._save()
        why = "the wall time is over" if late else f"signal {signal.Signals(self.stop_signal or 0).name}"
        raise Interrupted(f"stopped at {self.state.t:.6g} s ({why}); saved in {self.folder}")

    def _note(self, number: int) -> None:
        self.stop_signal = number

    def _frame(self) -> Frame:
        self.control.last_frame = self.state.t
        return frame_of(self.cell, self.state, self.case.output.fields)
