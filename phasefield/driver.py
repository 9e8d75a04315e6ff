"""One loop for every case: steps, their control, events, output and checkpoints."""

from __future__ import annotations

import json
import logging
import math
import platform
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import numpy as np

from . import __version__
from .checkpoint import read_checkpoint, write_checkpoint
from .constants import FARADAY
from .errors import Interrupted, ResultError, SolverError
from .model.cell import Cell, State
from .model.potential import Drive, Reaction
from .protocol import Position, Walk
from .roughness import basic
from .store import Frame, RunWriter, write_summary

if TYPE_CHECKING:
    from .case import Case

log = logging.getLogger(__name__)

ATTEMPTS = 8  # a step is halved this often before the run stops
GROWTH = 2.0  # a step's concentration limit may grow by this factor from step to step
OVERSHOOT = 2.0  # a step whose concentration changed by this many limits is repeated
EASY, HARD = 3, 10  # coupling iterations up to which, and from which, a step is easy and hard
SWING = 0.3  # relative change of the current in a step at an imposed voltage
THICKER = 0.2  # relative growth of the film in a step
FLOOR = 0.05  # concentration changes are measured against at least this share of c0
STABLE = 0.5  # of the explicit limit of curvature-driven motion
LIMIT_BAND = 1e-3  # a voltage limit is met within this relative band
LOCATE = 12  # attempts to land on a voltage limit
SUMMED_UP = (
    "voltage", "Sa", "Sq", "Sz", "height_mean", "concentration_min", "concentration_max", "charge_applied",
    "charge_side", "film_resistance_mean",
)  # fmt: skip
"""Series whose last value stands in the summary."""


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


@dataclass
class Control:
    """Step control and counters that a restart needs."""

    dt_c: float = math.inf
    frames_due: int = 1  # the next frame stands at frames_due * fields_every
    steps: int = 0
    rejected: int = 0
    wall: float = 0.0
    limited: bool = False  # the imposed current would need more than the voltage limit, which is imposed instead
    voltage_start: float = 0.0
    last_frame: float = -1.0  # s
    events: list[dict[str, Any]] = field(default_factory=list)


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
        self.case, self.folder, self.progress = case, folder, progress
        self.walltime = walltime
        self.cell = Cell(case)
        self.begun = time.monotonic()
        self.stop_signal: int | None = None
        self.control = Control()
        if resume:
            self._resume()
        else:
            self._begin(overwrite)

    def _begin(self, overwrite: bool) -> None:
        case = self.case
        patches = case.film.patches
        self.writer = RunWriter.create(
            self.folder,
            shape=case.grid.shape,
            spacing=case.grid.spacing,
            fields=list(case.output.fields),
            case_text=case.text,
            resolved_case=case.resolved_toml(),
            versions=versions(),
            seed=patches.seed if patches is not None else (case.surface.seed or 0),
            attrs={"title": case.title, "molar_volume": case.lithium.molar_volume, "case_hash": case.hash},
            overwrite=overwrite,
        )
        (self.folder / "case.toml").write_text(case.resolved_toml(), encoding="utf-8")
        self.walk = Walk(case.protocol)
        self.state = self.cell.start()
        self._impose()
        self.control.voltage_start = -self.state.phi_s
        self.writer.add_row(self._row(0.0, 0, 0))
        self.writer.save(self._frame())
        self._checkpoint()

    def _resume(self) -> None:
        saved = read_checkpoint(self.folder)
        if saved["case_hash"] != self.case.hash:
            raise ResultError(
                f"{self.folder}: holds a run of another case; resume with its own {self.folder / 'case.toml'}"
            )
        numbers = json.loads(str(saved["numbers"]))
        arrays = {k[6:]: v for k, v in saved.items() if k.startswith("array_")}
        self.writer = RunWriter.resume(self.folder, int(saved["rows"]), int(saved["frames"]))
        self.state = self.cell.restore(arrays, numbers["state"], numbers["volume_0"], numbers["salt_0"])
        j, J, Jc, j_li = (np.asarray(arrays[f"rx_{name}"], dtype=float) for name in ("j", "J", "Jc", "j_li"))
        total, total_li = numbers["reaction"]
        rx = Reaction(j, J, Jc, j_li, total, total_li)
        self.state.reaction = rx
        self.walk = Walk(self.case.protocol, Position.from_dict(numbers["position"]))
        control = numbers["control"]
        self.control = Control(**{**control, "dt_c": float(control["dt_c"])})
        self.saved_at = time.monotonic()
        log.info("resumed at %.6g s, step %d", self.state.t, self.control.steps)

    def _checkpoint(self) -> None:
        s, rx = self.state, self.state.reaction
        assert rx is not None
        self.control.wall += time.monotonic() - self.begun
        self.begun = time.monotonic()
        numbers = {
            "state": s.numbers(),
            "volume_0": self.cell.volume_0,
            "salt_0": self.cell.salt_0,
            "reaction": [rx.total, rx.total_li],
            "position": self.walk.at.to_dict(),
            "control": {**self.control.__dict__, "dt_c": repr(self.control.dt_c)},
        }
        arrays = {f"array_{k}": v for k, v in s.arrays().items()}
        arrays |= {f"array_rx_{k}": getattr(rx, k) for k in ("j", "J", "Jc", "j_li")}
        write_checkpoint(
            self.folder,
            {
                "case_hash": self.case.hash,
                "numbers": json.dumps(numbers),
                "rows": self.writer.n_rows,
                "frames": self.writer.n_frames,
                **arrays,
            },
        )
        self.saved_at = time.monotonic()

    @property
    def drive(self) -> Drive:
        """What the protocol imposes now. At the voltage limit a current step goes on at it, as a galvanostat does."""
        current, voltage = self.walk.imposed
        if self.control.limited and current is not None:
            return Drive(None, math.copysign(self.case.protocol.voltage_limit, current))
        return Drive(current, voltage)

    def _impose(self) -> None:
        """Begin a protocol step: its current or voltage acts on the state as it is."""
        self.control.limited = False
        self.cell.drive(self.state, self.drive)
        self._comply()
        self.walk.at.begun = True

    def _comply(self) -> None:
        """Change between the imposed current and the voltage limit, whichever is reached first."""
        current, _ = self.walk.imposed
        if current is None or current == 0.0 or "voltage_limit" in self.case.protocol.stop_on:
            return
        limit = self.case.protocol.voltage_limit
        if not self.control.limited and abs(self.state.phi_s) >= limit * (1.0 - 1e-9):
            self.control.limited = True
        elif self.control.limited and abs(self.current) > abs(current):
            self.control.limited = False
        else:
            return
        log.info("at %.6g s: %s", self.state.t, "voltage limit imposed" if self.control.limited else "current imposed")
        self.cell.drive(self.state, self.drive)

    @property
    def current(self) -> float:
        """Cell current density now, A/m^2."""
        assert self.state.reaction is not None
        return self.state.reaction.total / self.cell.plane

    def run(self) -> Outcome:
        """Run to the end of the protocol, an event that stops it, or a failure; the folder then holds all of it.

        Raises Interrupted, after saving, on SIGTERM, Ctrl-C or the end of the wall time.
        """
        with self._signals():
            outcome = self._check_events()
            while outcome is None and not self.walk.done:
                try:
                    outcome = self._go_on()
                except SolverError as error:
                    outcome = self._finish("failed", f"{error}; stopped at {self.state.t:.6g} s, the last good step")
            return outcome if outcome is not None else self._finish("end", "the protocol is complete")

    def _go_on(self) -> Outcome | None:
        """Begin a protocol step if it has not begun, and take one step in time; return how the run ends, if it does."""
        if not self.walk.at.begun:
            self._impose()
            outcome = self._check_events()
            if outcome is not None:
                return outcome
            if self.walk.ended(-self.state.phi_s, self.current):
                self.walk.next()
                return None
        elif self.cell.film.due(self.state.film):
            self.cell.drive(self.state, self.drive)
        dt, row = self._one_step()
        if self.walk.ended(-self.state.phi_s, self.current):
            self.walk.next()
        else:
            self._comply()
        self._output(row)
        self._report(row, dt)
        outcome = self._check_events()
        self._heed()
        return outcome

    def _limit(self) -> float:
        """Longest step allowed by motion, film, salt and curvature, s."""
        case, cell, s = self.case, self.cell, self.state
        dx = cell.dx
        rx = s.reaction
        assert rx is not None
        fastest = float(np.max(np.abs(rx.j_li), initial=0.0)) * cell.per_charge
        limits = [self.control.dt_c, case.numerics.max_step or math.inf]
        if fastest > 0.0:
            limits.append(case.numerics.front_step * dx / fastest)
        # Gibbs-Thomson: v = -M K, explicit; behind kappa k the reaction answers less.
        J = float(np.max(rx.J, initial=0.0))
        J = J / (1.0 + J * dx / (math.pi * cell.properties.kappa))
        M = J * cell.co.gibbs_thomson * cell.per_charge
        if M > 0.0:
            limits.append(STABLE * dx**2 / (2.0 * (self.case.grid.ndim - 1) * M))
        film = cell.film.growth
        delta = float(np.min(s.film.delta[s.film.known > 0.0], initial=math.inf))
        if film.law == "constant":
            limits.append(THICKER * delta / film.rate)
        elif film.law == "square-root":
            limits.append(THICKER * 2.0 * delta**2 / film.coefficient)
        return min(limits)

    def _one_step(self) -> tuple[float, dict[str, float]]:
        """Take one accepted step; return its length and its row. Raises SolverError if none is possible."""
        cell, s, walk = self.cell, self.state, self.walk
        due = self.control.frames_due * self.case.output.fields_every
        remaining = walk.remaining(self.current)
        if due > s.t:
            remaining = min(remaining, due - s.t)
        remaining = min(remaining, cell.until_renewal(s))
        dt = self._limit()
        dt = remaining / math.ceil(remaining / dt * (1.0 - 1e-9)) if math.isfinite(remaining) else dt
        if not math.isfinite(dt):
            raise SolverError("nothing limits the step; give the protocol step a duration or numerics.max_step")
        rejected = located = 0
        begun = cell.potential.iterations + cell.salt.iterations
        limit = self.case.numerics.concentration_change
        while True:
            reason = ""
            try:
                new = cell.step(s, self.drive, dt)
                change = cell.change(s, new, FLOOR)
                if change > OVERSHOOT * limit and rejected < ATTEMPTS - 2:
                    reason = f"the concentration changed by {change:.2g} of itself"
                swing = self._swing(new)
                if swing > SWING and rejected < ATTEMPTS - 2:
                    reason = f"the current changed by {swing:.2g} of itself at an imposed voltage"
            except SolverError as error:
                reason = str(error)
            if reason:
                rejected += 1
                self.control.rejected += 1
                log.info("step of %.6g s at %.6g s rejected: %s", dt, s.t, reason)
                if rejected >= ATTEMPTS or (self.case.numerics.min_step or 0.0) > 0.5 * dt:
                    raise SolverError(f"no step succeeds ({reason})")
                dt *= 0.5
                continue
            fraction = self._overshoot(s, new)
            if fraction < 1.0 and located < LOCATE:
                located += 1
                dt *= max(fraction, 0.05)
                continue
            break
        charge = new.applied - s.applied
        cell.accept(s)
        self.state = new
        walk.advance(dt, charge)
        target = self.case.output.fields_every * self.control.frames_due
        if abs(new.t - target) <= 1e-9 * target:
            new.t = target
        self.control.steps += 1
        self.control.dt_c = dt * min(GROWTH, 0.8 * limit / change if change > 0.0 else GROWTH)
        if change < limit and cell.effort <= EASY and rejected == 0:
            self.control.dt_c = math.inf  # nothing but the motion need limit the next step
        elif cell.effort > HARD:
            self.control.dt_c = dt
        return dt, self._row(dt, rejected, cell.potential.iterations + cell.salt.iterations - begun)

    def _swing(self, new: State) -> float:
        """Relative change of the current in a step at an imposed voltage; 0 at an imposed current."""
        assert new.reaction is not None
        if self.drive.current is not None:
            return 0.0
        before, after = self.current, new.reaction.total / self.cell.plane
        return abs(after - before) / max(abs(before), abs(after), 1e-6 * self.cell.properties.j0)

    def _overshoot(self, old: State, new: State) -> float:
        """Share of the step after which the voltage limit was met, 1 if it was not overshot."""
        limits = [self.case.protocol.voltage_limit]
        if self.walk.step.until_voltage is not None:
            limits.append(self.walk.step.until_voltage)
        if self.drive.current is None:
            return 1.0
        limit, before, after = min(limits), abs(old.phi_s), abs(new.phi_s)
        if after <= limit * (1.0 + LIMIT_BAND) or before >= limit or after <= before:
            return 1.0
        return (limit * (1.0 + 0.5 * LIMIT_BAND) - before) / (after - before)

    def _check_events(self) -> Outcome | None:
        """Record events; return how the run ends if one of them stops it."""
        s, f = self.state, self.state.front
        voltage = abs(s.phi_s)
        protocol = self.case.protocol
        low = self.cell.concentration_range(s)[0]
        found = {
            "voltage_limit": voltage >= protocol.voltage_limit * (1.0 - 1e-9),
            "short_circuit": f.shorted,
            "exhausted": f.exhausted,
            "depletion": low <= protocol.depletion_threshold * self.cell.properties.c0,
            "void": f.pockets > 0,
        }
        texts = {
            "voltage_limit": f"the cell voltage reached {voltage:.4g} V (limit {protocol.voltage_limit:g} V)",
            "short_circuit": "lithium touches the counter electrode",
            "exhausted": "lithium is stripped down to its base at one place at least",
            "depletion": f"the concentration fell to {low:.3g} mol/m^3",
            "void": f"{f.pockets} pocket(s) of electrolyte are cut off in the lithium",
        }
        seen = {event["event"] for event in self.control.events}
        for name, there in found.items():
            if there and name not in seen:
                self.control.events.append({"event": name, "time": s.t, "text": texts[name]})
                log.info("event %s at %.6g s: %s", name, s.t, texts[name])
        for name, there in found.items():
            if there and name in protocol.stop_on:
                return self._finish(name, texts[name])
        return None

    def _output(self, row: dict[str, float]) -> None:
        self.writer.add_row(row)
        every = self.case.output.fields_every
        if self.state.t >= self.control.frames_due * every * (1.0 - 1e-12):
            self.control.frames_due = math.floor(self.state.t / every * (1.0 + 1e-12)) + 1
            self.writer.save(self._frame())
            self._checkpoint()
        elif time.monotonic() - self.saved_at > self.case.output.checkpoint_every:
            self.writer.save()
            self._checkpoint()

    def _report(self, row: dict[str, float], dt: float) -> None:
        if self.progress is not None:
            self.progress(
                Progress(
                    self.state.t, self.case.protocol.planned_time, int(row["cycle"]), self.case.protocol.repeat,
                    row["voltage"], row["Sz"], self.control.steps, dt, time.monotonic() - self.begun,
                )
            )

    def _finish(self, reason: str, text: str) -> Outcome:
        s = self.state
        self.writer.save(self._frame() if self.control.last_frame != s.t else None)
        self._checkpoint()
        row = self._row(0.0, 0, 0)
        calibrated = [k for k, p in self.case.provenance.items() if p.status == "calibrated"]
        summary = {
            "title": self.case.title,
            "finished": reason != "failed",
            "reason": reason,
            "text": text,
            "time": s.t,
            "steps": self.control.steps,
            "rejected": self.control.rejected,
            "wall_time": self.control.wall,
            "seconds_per_step": self.control.wall / max(self.control.steps, 1),
            "peak_memory": peak_memory(),
            "voltage_start": self.control.voltage_start,
            **{name: row[name] for name in SUMMED_UP},
            "calibrated": calibrated,
            "events": self.control.events,
            "versions": versions(),
        }
        write_summary(self.folder, summary)
        log.info("ended: %s (%s)", reason, text)
        return Outcome(reason, text, self.folder, self.control.steps)

    def _heed(self) -> None:
        """Save and stop if a signal or the wall time asks for it."""
        late = self.walltime is not None and time.monotonic() - self.begun_at > self.walltime
        if self.stop_signal is None and not late:
            return
        self.writer.save()
        self._checkpoint()
        why = "the wall time is over" if late else f"signal {signal.Signals(self.stop_signal or 0).name}"
        raise Interrupted(f"stopped at {self.state.t:.6g} s ({why}); saved in {self.folder}")

    @contextmanager
    def _signals(self) -> Iterator[None]:
        self.begun_at = time.monotonic()

        def note(number: int, _: FrameType | None) -> None:
            self.stop_signal = number

        try:
            kept = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
        except ValueError:  # not the main thread: the caller handles signals
            kept = {}
        try:
            yield
        finally:
            for number, old in kept.items():
                signal.signal(number, old)

    def _row(self, dt: float, rejected: int, iterations: int) -> dict[str, float]:
        """Return the series of the step that has just ended."""
        s, cell, rx = self.state, self.cell, self.state.reaction
        assert rx is not None
        height, _ = s.front.height()
        Sa, Sq, Sz = basic(height)
        low, high = cell.concentration_range(s)
        area = s.front.area[: s.front.count]
        whole = s.front.total(area)
        return {
            "time": s.t,
            "cycle": min(self.walk.at.cycle + 1, self.case.protocol.repeat),
            "protocol_step": self.walk.at.step,
            "current_density": rx.total / cell.plane,
            "voltage": -s.phi_s,
            "charge_applied": s.applied,
            "charge_deposited": s.deposited,
            "charge_side": s.side,
            "lithium_volume": s.front.volume(),
            "lithium_dead": s.front.dead_volume(),
            "lithium_in_film": s.side * cell.plane / FARADAY,
            "salt_in_cell": cell.salt.content(s.front, s.c),
            "salt_displaced": s.displaced,
            "Sa": Sa,
            "Sq": Sq,
            "Sz": Sz,
            "height_mean": float(height.mean()),
            "height_max": float(height.max()),
            "height_min": float(height.min()),
            "concentration_min": low,
            "concentration_max": high,
            "current_min": float(np.min(rx.j, initial=math.inf)) if rx.j.size else 0.0,
            "current_max": float(np.max(rx.j, initial=-math.inf)) if rx.j.size else 0.0,
            "film_resistance_mean": s.front.total(area * s.resistance) / whole if whole > 0.0 else 0.0,
            "surface_area": whole,
            "step_size": dt,
            "iterations": iterations,
            "rejected": rejected,
        }

    def _frame(self) -> Frame:
        s = self.state
        height, _ = s.front.height()
        self.control.last_frame = s.t
        return Frame(s.t, {name: self.cell.field(s, name) for name in self.case.output.fields}, height)


def peak_memory() -> int:
    """Return the largest memory that this process has held, bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def versions() -> dict[str, str]:
    """Return the versions that made a run."""
    names = ("numpy", "scipy", "numba", "llvmlite", "h5py")
    return {"phasefield": __version__, "python": platform.python_version()} | {n: version(n) for n in names}
