"""What the pictures ask of a stored run; `phasefield.results.run.open_run` gives it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from phasefield.constants import FARADAY, GAS_CONSTANT
from phasefield.errors import ResultError
from phasefield.files.toml import tables_of
from phasefield.results.summary import stayed_flat
from phasefield.units import CONCENTRATION, to_si

Array = NDArray[np.float64]

METRE = 1e6  # micrometres in a metre: pictures are drawn in micrometres
LITRE = 1e-3  # mol/L in a mol/m^3
HOUR = 3600.0  # seconds
NEAR = 0.01  # relative: times so near to each other are called the same


class StoredRun(Protocol):
    """A run as the reader hands it out; SI units throughout."""

    @property
    def title(self) -> str: ...
    @property
    def shape(self) -> tuple[int, int, int]:
        """Cells (nz, ny, nx); ny = 1 for a 2D run."""

    @property
    def spacing(self) -> float:
        """Cell edge [m]."""

    @property
    def n_frames(self) -> int: ...
    @property
    def times(self) -> NDArray[Any]:
        """Times of the saved frames [s]."""

    @property
    def heights(self) -> NDArray[Any]:
        """Top surface of every saved frame (frames, ny, nx) [m]."""

    @property
    def series(self) -> Mapping[str, NDArray[Any]]:
        """One value a step: time [s], voltage [V], Sz [m], ..."""

    def field(self, name: str, frame: int) -> NDArray[Any]:
        """A field of a saved frame (nz, ny, nx)."""


def frame_index(run: StoredRun, frame: int) -> int:
    """Turn a frame number, negative from the end, into an index; say what there is if it is out of range."""
    if run.n_frames < 1:
        raise ValueError(f"run {run.title!r} holds no saved frame yet")
    if not -run.n_frames <= frame < run.n_frames:
        raise ValueError(f"frame {frame} of run {run.title!r}: frames 0 to {run.n_frames - 1} are saved")
    return frame % run.n_frames


def height_of(run: StoredRun, frame: int) -> Array:
    """Height map of a frame (ny, nx) [um], 2D runs with ny = 1. Raises as `height_in_metres` does."""
    return height_in_metres(run, frame) * METRE


def height_in_metres(run: StoredRun, frame: int) -> Array:
    """Height map of a frame (ny, nx) [m], 2D runs with ny = 1. Raises ResultError if it is damaged."""
    height = np.atleast_2d(np.asarray(run.heights[frame_index(run, frame)], dtype=np.float64))
    if not np.isfinite(height).all():
        raise ResultError(f"run {run.title!r}: the surface of frame {frame} is damaged; take another frame")
    return height


def field_of(run: StoredRun, name: str, frame: int) -> Array:
    """A field of a frame as (nz, ny, nx)."""
    field = np.asarray(run.field(name, frame_index(run, frame)), dtype=np.float64)
    return field[:, None, :] if field.ndim == 2 else field


def transport_of(run: StoredRun, salt: Array) -> Array | None:
    """Return beta = (2 R T/F)(1 - t+) X [V] at concentrations [mol/m^3], theory.md eq. (2), from the resolved case."""
    try:
        tree = tables_of(str(getattr(run, "resolved_case", "")))
        electrolyte = tree["electrolyte"]
        table = _plain(electrolyte["concentration_dependence"])
        T = float(str(_plain(tree["temperature"])).split()[0])
        t_plus, X = (
            _over_salt(electrolyte, table if isinstance(table, dict) else {}, name, salt)
            for name in ("transference_number", "thermodynamic_factor")
        )
    except (KeyError, ValueError, TypeError):
        return None
    return np.asarray(2.0 * GAS_CONSTANT * T / FARADAY * (1.0 - t_plus) * X)


def _over_salt(electrolyte: Mapping[str, Any], table: Mapping[str, Any], name: str, salt: Array) -> Array:
    """Return a number of the electrolyte at concentrations [mol/m^3]: that of the table's column, if it has one."""
    column = _plain(table.get(name, ()))
    if not column:
        return np.full_like(salt, float(_plain(electrolyte[name])))
    at = [to_si(str(_plain(c)), CONCENTRATION) for c in _plain(table["concentration"])]
    return np.asarray(np.interp(salt, at, [float(_plain(value)) for value in column]))


def _plain(value: Any) -> Any:
    return value.get("value", value) if isinstance(value, dict) else value


def has_field(run: StoredRun, name: str) -> bool:
    """True unless the run says which fields it holds and the name is not among them."""
    return name in getattr(run, "fields", (name,))


def is_flat_run(run: StoredRun) -> bool:
    """True for a 2D run: a section, not a surface."""
    return run.shape[1] == 1


def is_smooth(run: StoredRun) -> bool:
    """Return whether the surface stayed flat."""
    return stayed_flat(np.asarray(run.series.get("Sz", np.zeros(0)), dtype=np.float64))


def when(run: StoredRun, frame: int) -> str:
    """Simulated time of a frame in the unit that suits it."""
    return duration(float(run.times[frame_index(run, frame)]))


def duration(seconds: float) -> str:
    """Write a time span [s] the way a reader says it."""
    if seconds == 0:
        return "0 h"
    for unit, size in (("h", HOUR), ("min", 60.0), ("s", 1.0)):
        if abs(seconds) >= size:
            return f"{seconds / size:.4g} {unit}"
    return f"{seconds:.3g} s"


def time_axis(longest: float) -> tuple[float, str]:
    """Return (seconds in the unit, unit) that suits an axis up to `longest` [s]."""
    if longest >= 2 * HOUR:
        return HOUR, "h"
    return (60.0, "min") if longest >= 120 else (1.0, "s")


def title_of(run: StoredRun) -> str:
    """Return the title of a run; a time in it that the run did not come to is replaced by the time that was run.

    The title is that of the case. A shortened run of "Li | PLL | Li, 780 h" is called "Li | PLL | Li, 12 h".
    """
    time = np.asarray(run.series.get("time", np.zeros(0)), dtype=np.float64)
    end = float(time[-1]) if len(time) else math.nan

    def corrected(found: re.Match[str]) -> str:
        same = not math.isfinite(end) or abs(float(found[1]) * HOUR - end) <= NEAR * end
        return found[0] if same else f"{duration(end)}"

    return re.sub(r"(?<=, )(\d+(?:\.\d+)?) h(?=,|:|$)", corrected, run.title)


def labels(runs: Sequence[StoredRun]) -> tuple[list[str], str]:
    """Return what tells the runs apart, one text each, and what their titles share.

    Titles are compared piece by piece between commas: "Li | PLL | Li, 780 h" and "Li | PLLZ | Li, 780 h" give
    the labels "Li | PLL | Li", "Li | PLLZ | Li" and share "780 h".
    """
    titles = [title_of(run) for run in runs]
    pieces = [re.split(r"\s*,\s+", title.strip()) for title in titles]
    shared = [p for p in pieces[0] if len(runs) > 1 and all(p in other for other in pieces)]
    own = [", ".join(p for p in one if p not in shared) for one in pieces]
    if len(set(own)) == len(own) and all(own):
        return own, ", ".join(shared)
    if len(set(titles)) == 1:
        return ([f"run {k + 1}" for k in range(len(runs))], titles[0]) if len(runs) > 1 else (titles, "")
    return [f"{title} ({k + 1})" if titles.count(title) > 1 else title for k, title in enumerate(titles)], ""


def find_reference(references: Mapping[str, Mapping[str, Any]] | None, label: str) -> Mapping[str, Any]:
    """Return the measured values whose key is the label or one of its words; empty if there are none."""
    for key, values in (references or {}).items():
        if key == label or key in re.split(r"[^\w.+-]+", label):
            return values
    return {}
