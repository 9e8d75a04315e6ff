"""What a run stores: its files, the row of a step, a frame, the summary."""

from __future__ import annotations

import platform
import resource
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from phasefield.constants import FARADAY, VERSION
from phasefield.errors import one_line
from phasefield.files.atomic import replace_text
from phasefield.files.locks import command_line
from phasefield.model.base import LawOfMotion
from phasefield.model.state import State
from phasefield.results.balances import Corrections
from phasefield.results.writer import Frame, RunHeader, RunWriter
from phasefield.simulation.protocol import ProtocolPosition
from phasefield.simulation.restart import Control
from phasefield.topography.roughness import sa_sq_sz

if TYPE_CHECKING:
    from phasefield.case import Case

SUMMED_UP = (
    "voltage", "Sa", "Sq", "Sz", "height_mean", "concentration_min", "concentration_max", "charge_applied",
    "charge_side", "film_resistance_parallel", "film_resistance_mean",
)  # fmt: skip
"""Series whose last value stands in the summary."""


def start_run_files(case: Case, folder: Path, overwrite: bool) -> RunWriter:
    """Start the files of a new run; a folder that holds a run is refused without `overwrite`."""
    patches = case.film.patches
    header = RunHeader(
        shape=case.grid.shape,
        spacing=case.grid.spacing,
        case_text=case.text,
        resolved_case=case.resolved_toml(),
        versions=versions(),
        seed=patches.seed if patches is not None else (case.surface.seed or 0),
    )
    writer = RunWriter.create(
        folder,
        header,
        fields=list(case.output.fields),
        attrs={"title": case.title, "molar_volume": case.lithium.molar_volume, "case_hash": case.hash},
        overwrite=overwrite,
    )
    replace_text(folder / "case.toml", case.resolved_toml())
    return writer


def series_row(
    cell: LawOfMotion, s: State, position: ProtocolPosition, dt: float, rejected: int, iterations: int
) -> dict[str, float]:
    """Return the series of the step of `dt` [s] that led to the state `s`."""
    rx = s.reaction
    assert rx is not None
    height, _ = s.front.height()
    Sa, Sq, Sz = sa_sq_sz(height)
    low, high = cell.concentration_range(s)
    live = s.front.live_area()
    area, j = s.front.total(live), rx.j[live > 0.0]
    return {
        "time": s.t,
        "cycle": position.cycle,
        "protocol_step": position.at.step,
        "current_density": cell.current(s),
        "voltage": s.voltage,
        "charge_applied": s.applied,
        "charge_deposited": s.deposited,
        "charge_side": s.side,
        "lithium_volume": s.front.volume(),
        "lithium_dead": s.front.dead_volume(),
        "lithium_in_film": s.side * cell.plane / FARADAY,
        "salt_in_cell": cell.content(s.front, s.c),
        "salt_displaced": s.displaced,
        "Sa": Sa,
        "Sq": Sq,
        "Sz": Sz,
        "height_mean": float(height.mean()),
        "height_max": float(height.max()),
        "height_min": float(height.min()),
        "concentration_min": low,
        "concentration_max": high,
        "current_min": float(j.min()) if j.size else 0.0,
        "current_max": float(j.max()) if j.size else 0.0,
        "film_resistance_parallel": _in_parallel(s, live, area),
        "film_resistance_mean": s.front.total(live * s.resistance) / area if area > 0.0 else 0.0,
        "surface_area": area,
        "step_size": dt,
        "iterations": iterations,
        "newton_iterations": s.newton_iterations,
        "residual": s.residual,
        "rejected": rejected,
        "salt_correction": s.salt_correction,
        "volume_correction": s.volume_correction,
        **cell.series(s),
    }


def _in_parallel(s: State, area: NDArray[np.float64], whole: float) -> float:
    """Return the film resistance of a surface of `whole` [ohm m^2], as a spectrum shows it; 0 without a film.

    area: that of each element [m^2], 0 of those that do not count.
    """
    counts = area > 0.0
    if not counts.any() or not s.resistance[counts].min() > 0.0:
        return 0.0
    return whole / s.front.total(np.divide(area, s.resistance, out=np.zeros_like(area), where=counts))


def frame_of(cell: LawOfMotion, s: State, fields: Sequence[str]) -> Frame:
    """Return the fields of a state by name, and its height map."""
    height, _ = s.front.height()
    return Frame(s.t, {name: cell.field(s, name) for name in fields}, height)


def summary_of(
    case: Case, control: Control, row: Mapping[str, float], closed: Corrections | None, reason: str, text: str
) -> dict[str, Any]:
    """Return the content of summary.json.

    row: series of the last state; closed: what closed the balances; reason, text: how the run ended.
    """
    return {
        "title": case.title,
        "finished": reason != "failed",
        "reason": reason,
        "text": text,
        "time": row["time"],
        "steps": control.steps,
        "rejected": control.rejected,
        "wall_time": control.wall,
        "seconds_per_step": control.wall / max(control.steps, 1),
        "peak_memory": peak_memory(),
        "voltage_start": control.voltage_start,
        **{name: row[name] for name in SUMMED_UP},
        "corrections": closed,
        "calibrated": [k for k, p in case.provenance.items() if p.status == "calibrated"],
        "events": control.events,
        "event_counts": control.event_counts,
        "versions": versions(),
        "origin": {
            "command": command_line(),
            "ended": time.strftime("%Y-%m-%d %H:%M:%S"),
            "machine": one_line(f"{socket.gethostname()}, {platform.system()} {platform.machine()}", 100),
        },
    }


def peak_memory() -> int:
    """Return the largest memory that this process has held, bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def versions() -> dict[str, str]:
    """Return the versions that made a run."""
    names = ("numpy", "scipy", "numba", "llvmlite", "h5py")
    return {"phasefield": VERSION, "python": platform.python_version()} | {n: version(n) for n in names}
