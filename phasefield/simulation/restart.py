"""What a restart needs: state, place in the protocol, control and counters, to a checkpoint and back."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from pydantic import TypeAdapter

from phasefield.errors import ResultError, one_line
from phasefield.model.base import LawOfMotion
from phasefield.model.reaction import Reaction
from phasefield.model.state import State
from phasefield.results.checkpoint import read_checkpoint, write_checkpoint
from phasefield.results.ended import EventEntry
from phasefield.results.writer import RunWriter
from phasefield.simulation.protocol import Passed

if TYPE_CHECKING:
    from phasefield.case import Case

REACTION = ("j", "J", "Jc", "j_li")
AT_FIRST = ("volume_0", "volume_other_0", "salt_0")  # what a law of motion keeps of t = 0


@dataclass
class Control:
    """Step control and counters that a restart needs."""

    dt_c: float = math.inf  # s, longest step by the concentration's change in the last one
    frames_due: int = 1  # the next frame stands at frames_due * fields_every
    steps: int = 0
    rejected: int = 0
    wall: float = 0.0  # s
    limited: bool = False  # the imposed current would need more than the voltage limit, which is imposed instead
    voltage_start: float = 0.0  # V
    last_frame: float = -1.0  # s
    watched: tuple[int, float] = (0, 0.0)  # step and time [s] from which on the progress of a protocol step is watched
    events: list[EventEntry] = field(default_factory=list)  # what `events` keeps of each
    event_counts: dict[str, int] = field(default_factory=dict)  # how often each has begun
    events_on: dict[str, int | None] = field(default_factory=dict)  # those that last: their place in `events`

    def to_dict(self) -> dict[str, Any]:
        """Return the control as plain numbers; JSON knows no infinity."""
        return {**asdict(self), "dt_c": repr(float(self.dt_c))}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Control:
        """Return the control that `to_dict` gave. Raises ValueError for values of other types."""
        if unknown := values.keys() - cls.__dataclass_fields__.keys():
            raise ValueError(f"{sorted(unknown)[0]} is unknown")
        control = _CONTROL.validate_python({**values, "dt_c": float(values["dt_c"])})
        places = [place for place in control.events_on.values() if place is not None]
        if math.isnan(control.dt_c) or max(places, default=-1) >= len(control.events):
            raise ValueError("its step control is none")
        return control


_CONTROL = TypeAdapter(Control)


class Saved(NamedTuple):
    """Content of a checkpoint; `rows` and `frames` stood in the results file."""

    state: State
    at: Passed
    control: Control
    rows: int
    frames: int


def save_checkpoint(
    folder: Path, case: Case, cell: LawOfMotion, s: State, at: Passed, control: Control, rows: int, frames: int
) -> None:
    """Write a checkpoint of a run."""
    rx = s.reaction
    assert rx is not None
    numbers = {
        "state": s.numbers(),
        **{name: getattr(cell, name) for name in AT_FIRST},
        "reaction": [rx.total, rx.total_li, rx.other_li],
        "position": at.to_dict(),
        "control": control.to_dict(),
    }
    arrays = {f"array_{k}": v for k, v in s.arrays().items()}
    arrays |= {f"array_rx_{k}": getattr(rx, k) for k in REACTION}
    write_checkpoint(
        folder, {"case_hash": case.hash, "numbers": json.dumps(numbers), "rows": rows, "frames": frames, **arrays}
    )


def load_checkpoint(folder: Path, case: Case, cell: LawOfMotion, earlier: Sequence[str] = ()) -> Saved:
    """Read the newest good checkpoint of a run; earlier: hashes that its case had with fewer repeats.

    Raises ResultError if there is none, if it is of another case, or if it does not hold what a run of this case needs.
    """
    stored = read_checkpoint(folder)
    if stored.get("case_hash") not in (case.hash, *earlier):
        raise ResultError(f"{folder}: holds a run of another case; resume with its own {folder / 'case.toml'}")
    try:
        saved = _restored(stored, cell)
        _check_state(saved, case)
    except _WRONG as error:
        reason = one_line(str(error) or type(error).__name__, 120)
        raise ResultError(
            f"{folder}: its checkpoint does not hold a state of this case ({reason}); start again with --overwrite"
        ) from error
    return saved if stored.get("case_hash") == case.hash else _without_end(saved, case)


def _without_end(saved: Saved, case: Case) -> Saved:
    """Return what a run holds that has not ended: without the frame of its end, unless one was due then."""
    control = saved.control
    due = case.output.fields_every * (control.frames_due - 1)
    if control.last_frame == due:
        return saved
    return saved._replace(control=replace(control, last_frame=due), frames=saved.frames - 1)


_WRONG = (KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError, RecursionError)
"""What a checkpoint raises whose checksum is right and whose content is not."""


def _restored(stored: Mapping[str, Any], cell: LawOfMotion) -> Saved:
    """Return what a checkpoint holds."""
    numbers = json.loads(str(stored["numbers"]))
    arrays = {k[6:]: v for k, v in stored.items() if k.startswith("array_")}
    for name in AT_FIRST:
        setattr(cell, name, float(numbers[name]))
    state = cell.restore(arrays, {name: float(value) for name, value in numbers["state"].items()})
    j, J, Jc, j_li = (np.asarray(arrays[f"rx_{name}"], dtype=float) for name in REACTION)
    state.reaction = Reaction(j, J, Jc, j_li, *(float(value) for value in numbers["reaction"]))
    at, control = Passed.from_dict(numbers["position"]), Control.from_dict(numbers["control"])
    return Saved(state, at, control, int(stored["rows"]), int(stored["frames"]))


def _check_state(saved: Saved, case: Case) -> None:
    """Raise ValueError unless the state is one of numbers, at a place of the protocol."""
    s, at = saved.state, saved.at
    if not (np.isfinite(s.front.d).all() and np.isfinite(s.c).all()) or any(map(math.isnan, s.numbers().values())):
        raise ValueError("a field holds no numbers")
    place = 0 <= at.step < len(case.protocol.sequence) and 0 <= at.cycle <= case.protocol.repeat
    if not place or not (0.0 <= at.elapsed < math.inf and 0.0 <= at.charge < math.inf):
        raise ValueError("its place in the protocol does not exist")
    if saved.rows < 1 or saved.frames < 0:
        raise ValueError("it counts no steps")


def check_agreement(saved: Saved, case: Case, writer: RunWriter, earlier: Sequence[str] = ()) -> None:
    """Raise ResultError unless results file and checkpoint end at the same step, with the same totals."""
    s, row = saved.state, writer.last_row
    known = str(writer.attrs.get("case_hash", case.hash))
    pairs = {
        "case": (known[:12], known[:12] if known in earlier else case.hash[:12]),
        "steps": (writer.n_rows - 1, saved.control.steps),
        "time": (row["time"], s.t),
        "charge_applied": (row["charge_applied"], s.applied),
        "charge_deposited": (row["charge_deposited"], s.deposited),
        "charge_side": (row["charge_side"], s.side),
        "lithium_volume": (row["lithium_volume"], s.front.volume()),
        "time of the last frame": (writer.last_frame, saved.control.last_frame),
    }
    differ = [f"{name}: {there} and {here}" for name, (there, here) in pairs.items() if there != here]
    if differ:
        raise ResultError(
            f"{writer.folder}: its results and its checkpoint are not of one run ({'; '.join(differ)}); "
            "put the files of one run together, or start again with --overwrite"
        )
