"""Which pictures a study's table allows, drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from phasefield.api import read_case
from phasefield.case.file.source import parse_key
from phasefield.errors import PhasefieldError
from phasefield.studies import sensitivity
from phasefield.studies.sensitivity import Index, value
from phasefield.studies.sweep.contours import FineGrid, columns_of, is_log, map_inputs, numeric
from phasefield.studies.sweep.outputs import RESULT
from phasefield.studies.sweep.studyfile import CASE, SEED
from phasefield.studies.sweep.table import Heading, Study
from phasefield.text.laboratory import laboratory_unit
from phasefield.viz.plots.study import (
    Contours,
    Response,
    ResponseCurve,
    Scale,
    response_panels,
    sobol_bars,
    value_map,
)

RESPONSE, MAP, SOBOL = "response.png", "map.png", "sobol.png"
NAMED = ("film", "counter", "lithium", "surface", "grid", "cathode")  # tables whose name an axis needs
MOST_CURVES = 6
MOST_PANELS = 9
LOG_FROM = 20.0  # ratio of largest to smallest from which an output's axis is logarithmic
WORDS = {"wagner_number": "Wagner number", "current_share": "current over the limiting current"}


def draw_study(study: Study) -> list[Path]:
    """Draw what the table allows and return the files: responses, a map of two inputs, Sobol indices.

    Nothing is drawn of a study none of whose runs has the output.
    """
    output = study.heading(str(study.about["figures"].get("output", "Sz")))
    if not any(math.isfinite(value(row, output.name)) for row in study.rows):
        return []
    made = [_responses(study, output)]
    two = map_inputs(study)
    if two is not None:
        made.append(_map(study, two, output))
    if (indices := study_sobol(study, output.name)) is not None:
        made.append(_sobol(study, output, *indices))
    return made


def scale_of(study: Study, head: Heading) -> Scale:
    """Return how an input is drawn."""
    words = short(head)
    return Scale(f"{words} ({head.show_unit})" if head.show_unit else words, is_log(study, head))


def output_scale(study: Study, output: Heading) -> tuple[Scale, float]:
    """Return how an output is drawn, and the size of its unit, SI."""
    values = [v for row in study.rows if math.isfinite(v := value(row, output.name))]
    scale, unit = laboratory_unit(output.unit, *values)
    log = min(values) > 0.0 and max(values) > LOG_FROM * min(values)
    words = output.name.removeprefix(RESULT).replace("_", " ")
    return Scale(f"{words} ({unit})" if unit else words, log), 1.0 / scale


def short(head: Heading) -> str:
    """Return an input's key as people say it: film conductivity, transference number, current."""
    parts = head.name.replace("_", " ").split(".")
    return " ".join(parts if parts[0] in NAMED else parts[-1:])


def _responses(study: Study, output: Heading) -> Path:
    scale, size = output_scale(study, output)
    heads = numeric(study)[:MOST_PANELS]
    path, title = study.folder / RESPONSE, _title(study)
    if study.about["sample"] is not None and heads:
        values = np.array([value(row, output.name) for row in study.rows]) / size
        panels = []
        for head in heads:
            x = np.array([value(row, head.name) for row in study.rows]) / head.show_size
            curve = ResponseCurve("", x, values, np.full(len(x), math.nan))
            panels.append(Response(scale_of(study, head), (curve,), joined=False))
        return response_panels(panels, scale, path, title)
    seeds = len({row[SEED] for row in study.rows}) if any(h.name == SEED for h in study.inputs) else 1
    note = f"means over {seeds} seeds, band: one standard deviation" if seeds > 1 else ""
    if not heads:
        return response_panels([_by_words(study, output, size)], scale, path, title, note.replace("band", "bars"))
    return response_panels([_panel(study, head, output, size) for head in heads], scale, path, title, note)


def _panel(study: Study, head: Heading, output: Heading, size: float) -> Response:
    """Return the curves over one input, one for each combination of the others; too many: their middle ones."""
    along = columns_of(study, head.name)
    others = [h.name for h in study.inputs if h.name not in (*along, SEED)]
    means = sensitivity.over_seeds(study.rows, [head.name, *others], output.name)
    groups: dict[tuple[object, ...], list[tuple[float, float, float]]] = {}
    for key, mean in means.items():
        x = key[0]
        assert isinstance(x, int | float)
        groups.setdefault(key[1:], []).append((x / head.show_size, mean.mean / size, mean.deviation / size))
    kept = list(groups)
    if len(kept) > MOST_CURVES:
        kept = [kept[round(k)] for k in np.linspace(0, len(kept) - 1, MOST_CURVES)]
    curves = []
    for rest in kept:
        x, mean, deviation = np.array(sorted(groups[rest])).T
        named = zip([study.heading(name) for name in others], rest, strict=True)
        curves.append(ResponseCurve(", ".join(_shown(h, v) for h, v in named), x, mean, deviation))
    return Response(scale_of(study, head), curves, ", ".join(short(study.heading(name)) for name in others))


def _shown(head: Heading, one: object) -> str:
    if isinstance(one, int | float):
        return f"{one / head.show_size:.3g} {head.show_unit}".strip()
    return str(one)


def _by_words(study: Study, output: Heading, size: float) -> Response:
    """Return the response over inputs that are words, cases for instance; over the seeds if there are none."""
    names = [h.name for h in study.inputs if h.name != SEED]
    means = sensitivity.over_seeds(study.rows, names, output.name)
    if not names:
        rows = [(value(row, SEED) if SEED in row else 0.0, value(row, output.name) / size) for row in study.rows]
        x, y = np.array(rows).T
        nothing = np.full(len(x), math.nan)
        return Response(Scale("seed" if SEED in study.rows[0] else "point"), (ResponseCurve("", x, y, nothing),))
    places = tuple("\n".join(str(one) for one in key) for key in means)
    mean = np.array([one.mean for one in means.values()]) / size
    deviation = np.array([one.deviation for one in means.values()]) / size
    label = ", ".join(short(study.heading(name)) for name in names)
    curve = ResponseCurve("", np.arange(len(places), dtype=float), mean, deviation)
    return Response(Scale(label, names=places), (curve,))


def _map(study: Study, two: tuple[Heading, Heading], output: Heading) -> Path:
    x, y = two
    scale, size = output_scale(study, output)
    xs, ys, values = sensitivity.mean_on_grid(study.rows, x.name, y.name, output.name)
    grid = FineGrid.of(study)
    contours = None
    if grid is not None:
        contours = Contours(WORDS[grid.name], grid.xs / x.show_size, grid.ys / y.show_size, grid.values)
    marks = {}
    for case, (at_x, at_y) in places_of_cases(study, (x.name, y.name)).items():
        marks[case] = (at_x / x.show_size, at_y / y.show_size)
    return value_map(
        xs / x.show_size, ys / y.show_size, values / size, (scale_of(study, x), scale_of(study, y), scale),
        study.folder / MAP, _title(study), marks=marks, contours=contours,
    )  # fmt: skip


def places_of_cases(study: Study, keys: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Return where the shipped cases that are to be marked have two keys, SI, by the name of their electrolyte."""
    found = {}
    for name in study.about["figures"].get("mark", []):
        with suppress(PhasefieldError):
            case = read_case(name)
            values = []
            for key in keys:
                node: object = case
                for part in parse_key(key):
                    node = _inside(node, part)
                if isinstance(node, int | float):
                    values.append(float(node))
            if len(values) == 2:
                found[case.electrolyte.name] = (values[0], values[1])
    return found


def _inside(node: object, part: str | int) -> object:
    """Return a part of a case: a key of a table, or a place of a list; None where there is none."""
    if isinstance(part, int):
        return node[part] if isinstance(node, tuple) and part < len(node) else None
    return getattr(node, part, None)


def study_sobol(study: Study, output: str) -> tuple[list[Index], int] | None:
    """Return the Sobol indices of an output and the points they rest on; None if the study was not made for them,
    or has too few points."""
    sample = study.about["sample"]
    if sample is None or sample["method"] != "sobol-indices" or len({row.get(CASE) for row in study.rows}) > 1:
        return None
    names = [head.name for head in study.inputs if head.name not in (SEED, CASE)]
    with suppress(ValueError):
        return sensitivity.sobol_of(study.rows, names, sample["points"], output)
    return None


def _sobol(study: Study, output: Heading, indices: list[Index], points: int) -> Path:
    first = np.array([[one.first, one.first_low, one.first_high] for one in indices])
    total = np.array([[one.total, one.total_low, one.total_high] for one in indices])
    names = [short(study.heading(one.name)) for one in indices]
    title = f"{study.title}: Sobol indices of {output.name.replace('_', ' ')}, {points} base points"
    return sobol_bars(names, first, total, study.folder / SOBOL, title)


def _title(study: Study) -> str:
    times = {f"{value(row, 'time') / 3600.0:.4g} h" for row in study.rows if row["reason"] == "end"}
    return f"{study.title}, after {times.pop()}" if len(times) == 1 else study.title
