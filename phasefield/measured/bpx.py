"""The positive electrode of a BPX file (battery parameter exchange) as the [cathode] of a case.

BPX (Faraday Institution) describes particles. The lumped electrode of this program needs, per area of the cell:

    Q = F c_max (a R/3) L      j0 = F k a L / 2      diffusion time = R^2/D

a: surface of the particles per volume, R: their radius, L: thickness of the electrode, k: reaction rate constant. By
BPX j0 varies as sqrt(y (1 - y)) with the filling y, and is half of F k at y = 1/2.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from phasefield.constants import FARADAY
from phasefield.errors import PhasefieldError, one_line, shown
from phasefield.files.atomic import read_plain
from phasefield.files.decode import decoded
from phasefield.measured.expression import evaluate
from phasefield.measured.record import Floats, MeasuredError

MOST_BYTES = 1 << 24
MOST_TABLE = 100_000  # points
STEPS = 80  # of the open-circuit table from empty to full
END, END_STEPS = 0.02, 8  # of the filling, and steps in it: next to the ends of the range the potential is steep
BEYOND = 1.0  # V, by which the potential may go on outside the fillings that the file states
RISE = 1e-3  # V: a curve that rises by less with the filling is made level there
HALF = 0.5
DIGITS = 6
ELECTRODE = "Positive electrode"


@dataclass(frozen=True)
class BpxCathode:
    """A lumped positive electrode, SI.

    capacity: C/m^2, between empty and full. exchange_current_density: A/m^2, of the cell, at half filling.
    diffusion_time: s. lowest, highest: fillings between which the file states the potential. filling: (n,), from 0 to
    1. potential: (n,), V, at each filling.
    """

    name: str
    source: str
    digest: str
    capacity: float
    exchange_current_density: float
    diffusion_time: float
    lowest: float
    highest: float
    filling: Floats
    potential: Floats


def read_bpx(path: Path) -> BpxCathode:
    """Read the positive electrode of a BPX file. Raises MeasuredError."""
    try:
        data = read_plain(path, MOST_BYTES)
        found = json.loads(decoded(data))
    except OSError as error:
        raise MeasuredError(path, f"cannot be read ({error.strerror or error}); give a BPX file") from None
    except (ValueError, RecursionError) as error:
        raise MeasuredError(path, f"is no JSON ({one_line(str(error), 80)}); give a BPX file") from None
    except PhasefieldError as error:
        raise MeasuredError(path, one_line(str(error), 300).removeprefix(f"{path}: ")) from None
    table = _table(path, _table(path, found, "Parameterisation"), ELECTRODE)
    if "Particle" in table:
        raise MeasuredError(path, f"{ELECTRODE}: is a blend of materials; give a file with one material")
    radius, length = _number(path, table, "Particle radius [m]"), _number(path, table, "Thickness [m]")
    surface = _number(path, table, "Surface area per unit volume [m-1]")
    solid = surface * radius / 3.0
    if not 0.0 < solid < 1.0:
        raise MeasuredError(path, f"{ELECTRODE}: its particles fill {solid:.3g} of the volume; check their radius")
    rate = _number(path, table, "Reaction rate constant [mol.m-2.s-1]")
    lowest, highest = _number(path, table, "Minimum stoichiometry"), _number(path, table, "Maximum stoichiometry")
    if not lowest < highest <= 1.0:
        raise MeasuredError(path, f"{ELECTRODE}: stoichiometries of {lowest:g} to {highest:g}; 0 to 1 are possible")
    diffusivity = float(_function(path, table, "Diffusivity [m2.s-1]", np.array([HALF]))[0])
    if not (math.isfinite(diffusivity) and diffusivity > 0.0):
        raise MeasuredError(path, f"{ELECTRODE}: Diffusivity [m2.s-1] is {diffusivity:g} at half filling; correct it")
    near = [lowest + np.linspace(0.0, END, END_STEPS + 1), highest - np.linspace(0.0, END, END_STEPS + 1)]
    filling = np.unique(np.round(np.concatenate([np.linspace(0.0, 1.0, STEPS + 1), *near]), DIGITS))
    filling = filling[(filling >= 0.0) & (filling <= 1.0)]
    return BpxCathode(
        name=path.stem,
        source=path.name,
        digest=hashlib.sha256(data).hexdigest(),
        capacity=FARADAY * _number(path, table, "Maximum concentration [mol.m-3]") * solid * length,
        exchange_current_density=HALF * FARADAY * rate * surface * length,
        diffusion_time=radius**2 / diffusivity,
        lowest=lowest,
        highest=highest,
        filling=filling,
        potential=_potential(path, table, filling, (lowest, highest)),
    )


def _potential(path: Path, table: dict[str, Any], filling: Floats, stated: tuple[float, float]) -> Floats:
    """Return the open-circuit potential, V: it falls, and goes on by BEYOND at most outside the stated fillings."""
    key = "OCP [V]"
    lowest, highest = stated
    ends = _function(path, table, key, np.array([lowest, highest]))
    values = _function(path, table, key, filling)
    inside = (lowest <= filling) & (highest >= filling)
    if not (np.all(np.isfinite(ends)) and np.all(np.isfinite(values[inside]))):
        raise MeasuredError(path, f"{ELECTRODE}: {key} has no value between {lowest:g} and {highest:g}; correct it")
    values = np.nan_to_num(values, nan=float(ends.mean()), posinf=np.inf, neginf=-np.inf)
    values = np.where(lowest > filling, np.clip(values, ends[0], ends[0] + BEYOND), values)
    values = np.where(filling > highest, np.clip(values, max(ends[1] - BEYOND, HALF * ends[1]), ends[1]), values)
    if np.any(np.diff(values[inside]) > RISE) or values.min() <= 0.0:
        raise MeasuredError(path, f"{ELECTRODE}: {key} rises with the filling, or is below 0 V; correct it")
    return np.minimum.accumulate(values)


def _function(path: Path, table: dict[str, Any], key: str, x: Floats) -> Floats:
    """Return a quantity of the filling: a number, a table of x and y, or a formula of x, which is never evaluated."""
    value = table.get(key)
    if isinstance(value, str):
        try:
            return evaluate(value, x)
        except ValueError as error:
            raise MeasuredError(path, f"{ELECTRODE}: {key}: {error}; give a table of x and y") from None
    if isinstance(value, dict):
        xs, ys = (_list(path, key, value.get(name)) for name in "xy")
        if len(xs) != len(ys) or len(xs) < 2 or np.any(np.diff(xs) <= 0.0):
            raise MeasuredError(path, f"{ELECTRODE}: {key}: x must increase, with a y for each; correct the table")
        return np.asarray(np.interp(x, xs, ys))
    return np.full(x.shape, _number(path, table, key))


def _list(path: Path, key: str, value: Any) -> Floats:
    good = isinstance(value, list) and len(value) <= MOST_TABLE
    if not good or not all(isinstance(one, int | float) and abs(one) < 1e300 for one in value):
        raise MeasuredError(path, f"{ELECTRODE}: {key}: x and y are lists of numbers; correct the table")
    return np.asarray(value, dtype=np.float64)


def _number(path: Path, table: dict[str, Any], key: str) -> float:
    """Return a number above 0."""
    value = table.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 < value < 1e300:
        came = "is missing" if value is None else "is " + (shown(value) if isinstance(value, int | float) else "a word")
        raise MeasuredError(path, f"{ELECTRODE}: {key} {came}; a number above 0 is needed")
    return float(value)


def _table(path: Path, found: Any, key: str) -> dict[str, Any]:
    value = found.get(key) if isinstance(found, dict) else None
    if not isinstance(value, dict):
        raise MeasuredError(path, f"has no table {shown(key)}; give a BPX file of a whole cell")
    return value


def cathode_toml(found: BpxCathode) -> str:
    """Return the [cathode] of a case, each value with its source and status; a case extends it."""
    source = f"{found.source}, SHA-256 {found.digest[:16]}"

    def value(text: str, how: str) -> str:
        return f"{{ value = {text}, source = {_text(f'{how}; {source}')}, status = \"derived\" }}"

    fillings = ", ".join(f"{one:.{DIGITS}g}" for one in found.filling)
    potentials = ", ".join(f'"{one:.{DIGITS}g} V"' for one in found.potential)
    capacity = f'"{found.capacity / 36000.0:.{DIGITS}g} mAh/cm^2"'
    current = f'"{found.exchange_current_density / 10.0:.{DIGITS}g} mA/cm^2"'
    time = f'"{found.diffusion_time:.{DIGITS}g} s"'
    return (
        f"# The positive electrode of {one_line(found.source, 100)}, written by phasefield bpx.\n\n[cathode]\n"
        f"name = {_text(found.name)}\n"
        f"capacity = {value(capacity, 'F c_max (a R/3) L, between empty and full')}\n"
        f"filling = {value(f'{found.highest:.{DIGITS}g}', 'maximum stoichiometry: the electrode as built')}\n"
        f"exchange_current_density = {value(current, 'F k a L / 2, at half filling')}\n"
        f"diffusion_time = {value(time, 'R^2/D at half filling')}\n\n"
        f"[cathode.open_circuit]   # from {found.lowest:g} to {found.highest:g} by the file, beyond by its formula\n"
        f"filling = [{fillings}]\npotential = [{potentials}]\n"
    )


def _text(text: str) -> str:
    """Return a text as a TOML string."""
    return json.dumps(one_line(text, 300).replace("\x7f", ""))
