"""A run as one page for the browser: surface in 3D over time, series, figures, case and sources; opens from disk."""

from __future__ import annotations

import base64
import math
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.colors import to_hex
from numpy.typing import NDArray

from phasefield.errors import PhasefieldError, ResultError
from phasefield.fields import SERIES
from phasefield.files.atomic import replace_text
from phasefield.results.replayed import measured_voltage
from phasefield.results.run import Run
from phasefield.results.summary import TEXTURE_ROWS, facts
from phasefield.text.formatting import MICRO, number
from phasefield.text.laboratory import laboratory_unit
from phasefield.text.markup import fill_template
from phasefield.topography.roughness import texture
from phasefield.viz.metals import substrate_of
from phasefield.viz.methods import laboratory_text, methods_text
from phasefield.viz.style import COPPER, typeset

PAGE = "page.html"
TEMPLATE = "page.html"
MOST_POINTS = 256  # of an edge of the surface shown; more make the browser slow
MOST_VALUES = 2_500_000  # of all frames: 7 MB of the page
MOST_STEPS = 4000  # of a curve; of more, the extremes are kept
LEVELS = 65535
COVER = 2e-3  # of all heights: so much a bare metal lies above the height 0 of places without lithium
CHARTS = (
    ("voltage",), ("Sa", "Sq", "Sz"), ("current_density", "current_min", "current_max"),
    ("concentration_min", "concentration_max"), ("height_min", "height_mean", "height_max"),
    ("film_resistance_parallel", "film_resistance_mean"),
    ("step_size",),
)  # fmt: skip


def write_webpage(run: Run, path: Path | None = None) -> Path:
    """Write the page of a run, by default page.html in its folder, and return its path.

    Raises ResultError for a run without a stored frame, PhasefieldError without the extra `html`.
    """
    if not run.n_frames or not run.n_steps:
        raise ResultError(f"{run.folder}: holds no frame yet; run it first")
    path = run.folder / PAGE if path is None else path
    text = fill_template(
        "phasefield.viz", TEMPLATE, title=run.title, facts=facts(run), texture=_texture(run), sources=_sources(run),
        methods=methods_text(run),
        case=run.case_text, resolved=run.resolved_case, versions=_versions(run), still=_still(run), plotly=_plotly(),
        data={"surface": surface_data(run), "charts": list(_charts(run))},
    )  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_text(path, text)
    return path


def _plotly() -> Markup:
    """Return the program that draws in the browser. Raises PhasefieldError if it is not installed."""
    try:
        from plotly.offline import get_plotlyjs
    except ImportError:
        raise PhasefieldError(
            'the page needs plotly; install it with: pip install "lithium-phasefield[html]"'
        ) from None
    return Markup(str(get_plotlyjs()).replace("</script", "<\\/script"))


def surface_data(run: Run) -> dict[str, Any]:
    """Return heights of the stored frames as text: 16 bits each on one scale, thinned to what a browser can turn."""
    _, ny, nx = run.shape
    stride = max(1, -(-max(ny, nx) // MOST_POINTS))
    small = run.heights[:, ::stride, ::stride] * MICRO
    if not np.isfinite(small).all():
        raise ResultError(f"{run.folder}: holds heights that are no numbers; run it again")
    every = max(1, -(-small.size // MOST_VALUES))
    chosen = sorted({*range(0, run.n_frames, every), run.n_frames - 1})
    small = np.asarray(small[chosen])
    low, high = float(small.min()), float(small.max())
    span = high - low or 1.0
    level = np.round((small - low) / span * LEVELS).astype("<u2")
    return {
        "shape": list(small.shape), "spacing": run.spacing * MICRO, "stride": stride, "low": low, "high": high,
        "bare": substrate_of(run), "lift": COVER * span, "brown": to_hex(COPPER),
        "cells": [ny, nx], "frames": run.n_frames,
        "hours": [float(run.times[k]) / 3600.0 for k in chosen],
        "data": base64.b64encode(level.tobytes()).decode("ascii"),
    }  # fmt: skip


def _charts(run: Run) -> Iterator[dict[str, Any]]:
    """Yield the charts of the series, each with its curves."""
    from phasefield.viz.plots.traces import kept_points

    time = np.asarray(run.series["time"], dtype=np.float64)
    for names in CHARTS:
        there = [name for name in names if name in run.series]
        if not there:
            continue
        series = {name: np.asarray(run.series[name], dtype=np.float64) for name in there}
        kept = np.arange(run.n_steps)
        if run.n_steps > MOST_STEPS:  # no extreme of any curve is lost
            span = float(time[0]), float(time[-1])
            parts = [kept_points(time, values, span, MOST_STEPS // 4) for values in series.values()]
            kept = np.unique(np.concatenate([kept[[0, -1]], *parts]))
        if names == ("voltage",) and (measured := measured_voltage(run.tables)) is not None:
            series["measured"] = np.interp(time, measured.time, measured.voltage, left=math.nan, right=math.nan)
        largest = max(float(np.max(np.abs(y[np.isfinite(y)]), initial=0.0)) for y in series.values())
        scale, unit = laboratory_unit(SERIES[there[0]].unit, largest)
        curves = [(name.replace("_", " "), _numbers(values[kept] * scale)) for name, values in series.items()]
        shown = [{"name": name, "y": y} for name, y in curves]
        yield {"unit": typeset(unit), "x": _numbers(time[kept] / 3600.0), "curves": shown}


def _numbers(values: NDArray[np.float64]) -> list[float | None]:
    return [float(f"{value:.6g}") if math.isfinite(value) else None for value in values]


def _texture(run: Run) -> list[tuple[str, ...]]:
    """Return names, first and last value, unit and meaning of the texture."""
    periodic = 'lateral = "mirror"' not in run.resolved_case
    first, last = (
        texture(run.height(k), run.spacing, periodic=periodic, level=False) for k in (0, run.n_frames - 1)
    )  # fmt: skip
    return [
        (name, number(getattr(first, name), scale), number(getattr(last, name), scale), typeset(unit), meaning)
        for name, scale, unit, meaning in TEXTURE_ROWS
    ]


def _sources(run: Run) -> list[tuple[str, ...]] | None:
    """Return key, value in the laboratory's unit, status and source of all values that bear them.

    None for a case that cannot be read.
    """
    tables = run.tables
    if not tables:
        return None
    rows: list[tuple[str, ...]] = []

    def walk(node: Any, key: str) -> None:
        if isinstance(node, dict) and "value" in node:
            own = laboratory_text(str(node["value"]))
            rows.append((key, own, str(node.get("status", "")), str(node.get("source", ""))))
        elif isinstance(node, dict):
            for name, one in node.items():
                walk(one, f"{key}.{name}".lstrip("."))
        elif isinstance(node, list):
            for k, one in enumerate(node):
                walk(one, f"{key}[{k}]")

    walk(tables, "")
    return rows


def _versions(run: Run) -> list[tuple[str, ...]]:
    rows = [*run.versions.items(), ("seed", str(run.seed)), ("hash of the case", str(run.attrs.get("case_hash", "")))]
    return [(name, str(text)) for name, text in rows]


def _still(run: Run) -> str:
    """Return the last surface as a PNG in base64, for a browser that cannot draw in 3D; nothing of a 2D run."""
    from phasefield.viz.stored import is_flat_run
    from phasefield.viz.surfaces.surface import surface

    if is_flat_run(run):
        return ""
    with tempfile.TemporaryDirectory() as folder:
        data = surface(run, Path(folder) / "surface.png").read_bytes()
    return base64.b64encode(data).decode("ascii")
