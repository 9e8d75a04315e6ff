"""A study's own page: pictures, indices, and a table with the last surface of every run, to sort and to filter."""

from __future__ import annotations

import base64
import json
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from phasefield.files.atomic import read_plain, replace_text
from phasefield.studies.sensitivity import value
from phasefield.studies.sweep import outputs
from phasefield.studies.sweep.contours import map_inputs
from phasefield.studies.sweep.pictures import study_sobol
from phasefield.studies.sweep.table import Heading, Row, Study, is_wanted
from phasefield.text.laboratory import laboratory_unit
from phasefield.text.markup import fill_template

PAGE = "study.html"
TEMPLATE = "study.html"
COLOURS = 256
EXTRA = ("max Sz", "ledger_charge", "ledger_lithium", "ledger_salt", "steps")  # columns hidden at first


def write_study_page(study: Study, pictures: Sequence[Path]) -> Path:
    """Write study.html into the study's folder; it needs no network, and the run folders only for its links."""
    # What the study is made for stands behind its inputs, not at the far end of a table wider than the page.
    heads = sorted(study.headings, key=lambda head: (head.role not in ("point", "input"), not is_wanted(study, head)))
    data = {
        "title": study.title,
        "heads": [_head(study, head) for head in heads],
        "rows": [[_plain(row[head.name]) for head in heads] for row in study.rows],
        "surfaces": [_surface(study, row) for row in study.rows],
        "runs": os.path.relpath(study.runs, study.folder),
        "colours": _colours(),
    }
    shown = [(path.stem, base64.b64encode(path.read_bytes()).decode("ascii")) for path in pictures]
    text = fill_template(
        "phasefield.studies.sweep", TEMPLATE, title=study.title, about=_about(study), pictures=shown, data=data
    )
    replace_text(study.folder / PAGE, text)
    return study.folder / PAGE


def _head(study: Study, head: Heading) -> dict[str, Any]:
    unit, size = head.show_unit, head.show_size
    if head.role != "input":
        scale, unit = laboratory_unit(head.unit, *(value(row, head.name) for row in study.rows))
        size = 1.0 / scale
    return {
        "name": head.name, "unit": unit, "size": size, "role": head.role, "meaning": head.meaning,
        "extra": head.name in EXTRA or head.name.endswith(outputs.RESOLUTION),
    }  # fmt: skip


def _plain(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _surface(study: Study, row: Row) -> Any:
    """Return the small picture of a run's last surface."""
    if not row["run"] or row["status"] not in ("done", "failed"):
        return None
    try:
        content = json.loads(read_plain(study.folder_of(row) / outputs.FILE))
    except (OSError, ValueError, RecursionError):
        return None
    return content.get("surface") if isinstance(content, dict) else None


def _about(study: Study) -> list[str]:
    """Return the lines at the head of the page."""
    about = study.about
    lines = [f"Cases: {', '.join(about['base_titles'])}"]
    if about["overrides"]:
        lines.append(f"In every run: {', '.join(about['overrides'])}")
    if about["calibrated"]:
        lines.append(f"Calibrated, not predicted: {', '.join(about['calibrated'])}")
    output = str(about["figures"].get("output", "Sz"))
    if map_inputs(study) is None and (found := study_sobol(study, output)) is not None:
        for one in found[0]:
            lines.append(
                f"Sobol indices of {output}, {one.name}: {one.first:.2f} ({one.first_low:.2f} to {one.first_high:.2f}) "
                f"alone, {one.total:.2f} ({one.total_low:.2f} to {one.total_high:.2f}) with interactions"
            )
    return lines


def _colours() -> str:
    """Return the 256 colours of the heights, as base64 of red, green, blue."""
    import matplotlib as mpl
    import numpy as np

    table = mpl.colormaps["viridis"](np.arange(COLOURS))[:, :3]
    return base64.b64encode(np.round(table * 255).astype(np.uint8).tobytes()).decode("ascii")
