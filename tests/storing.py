"""Runs made of simple formulas for the tests of the store; as a program, the child that is killed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from phasefield.constants import FARADAY, LITHIUM_MOLAR_VOLUME
from phasefield.fields import REQUIRED_SERIES
from phasefield.results.writer import Frame, RunHeader, RunWriter

SHAPE = (7, 5, 6)
SHAPE_2D = (7, 1, 6)
FIELDS = ["xi", "concentration"]
SPACING = 2e-6
EVERY = 3


def create(folder: Path, shape: tuple[int, int, int], **changes: Any) -> RunWriter:
    """Begin a run in `folder`; changes: of its header, or of the arguments of `RunWriter.create`."""
    said: dict[str, Any] = {
        "shape": shape,
        "spacing": SPACING,
        "case_text": 'title = "a test"',
        "resolved_case": {"title": "a test"},
        "versions": {"numpy": "2"},
        "seed": 7,
    }
    header = RunHeader(**{name: changes.pop(name, value) for name, value in said.items()})
    settings: dict[str, Any] = {"fields": FIELDS, "attrs": {"molar_volume": LITHIUM_MOLAR_VOLUME}, **changes}
    return RunWriter.create(folder, header, **settings)


def row_of(k: int) -> dict[str, float]:
    """Series of step k of a run whose ledger closes."""
    row = {name: float(np.sin(1.0 + i + 0.1 * k)) for i, name in enumerate(REQUIRED_SERIES)}
    area = SHAPE[1] * SHAPE[2] * SPACING**2
    row.update(
        time=10.0 * k, cycle=1.0 + k // 5, charge_deposited=100.0 * np.sin(0.3 * k), charge_side=0.5 * k
    )
    row["charge_applied"] = row["charge_deposited"] + row["charge_side"]
    row["lithium_volume"] = area * (5e-6 + LITHIUM_MOLAR_VOLUME / FARADAY * row["charge_deposited"])
    row["salt_displaced"] = 1e-13 * k
    row["salt_in_cell"] = 1e-10 - row["salt_displaced"]
    return row


def frame_of(k: int, shape: tuple[int, int, int]) -> Frame:
    """Frame at step k."""
    ramp = np.arange(np.prod(shape), dtype=float).reshape(shape)
    fields = {"xi": np.sin(ramp + k), "concentration": 1000.0 + ramp * k}
    return Frame(row_of(k)["time"], fields, 1e-6 * np.cos(ramp[0] + k))


def record(writer: RunWriter, first: int, last: int, every: int) -> None:
    """Write steps `first` to `last - 1`, with a frame after every `every` steps."""
    for k in range(first, last):
        writer.add_row(row_of(k))
        if (k + 1) % every == 0:
            writer.save(frame_of(k, writer.shape))


def contents(folder: Path) -> dict[str, tuple[Any, ...]]:
    """Every dataset and attribute of a results file, to the bit."""
    found: dict[str, tuple[Any, ...]] = {}

    def visit(name: str, item: Any) -> None:
        attrs = {
            key: np.asarray(value).tobytes()
            for key, value in item.attrs.items()
            if not isinstance(value, str)
        }
        texts = {key: value for key, value in item.attrs.items() if isinstance(value, str)}
        data = (
            (item.shape, item.dtype.str, item.chunks, item[()].tobytes())
            if isinstance(item, h5py.Dataset)
            else ()
        )
        found[name] = (attrs, texts, *data)

    with h5py.File(folder / "result.vtkhdf", "r") as file:
        file.visititems(visit)
    return found


if __name__ == "__main__":
    place = Path(sys.argv[1])
    with h5py.File(place / "result.vtkhdf", "r") as held:
        frames = len(held["run/surface/time"]) if "surface" in held["run"] else 0
    resumed = RunWriter.resume(place, EVERY * frames, frames)
    first = EVERY * frames + EVERY
    record(resumed, EVERY * frames, first, every=EVERY)  # each start gets on, however busy the machine
    sys.stdout.write("writing\n")
    sys.stdout.flush()
    record(resumed, first, int(sys.argv[2]), every=EVERY)
