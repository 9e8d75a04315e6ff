"""A fitted morphology as numbers for fit.json and its page, as samples, and as overrides of the base."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from phasefield.fitting.electrolyte import said_of
from phasefield.fitting.morphology.answer import Agreement, FittedMorphology
from phasefield.fitting.record import unknown_document, values_text

SHAPE_SAMPLES = "morphology.csv"
PREDICTED = 400  # samples of the posterior behind what is predicted


def morphology_document(found: FittedMorphology) -> dict[str, Any]:
    """Return a fitted morphology as what JSON can hold, in SI units."""
    surface, design = found.prepared.surface, found.prepared.fit.design
    assert design is not None
    return {
        "file": surface.file.name, "sha256": surface.file.digest, "missing": surface.profile.missing,
        "edge": surface.squares.edge, "spacing": surface.squares.spacing, "squares": len(surface.numbers),
        "numbers": _numbers(found),
        "design": {
            "points": design.points, "seeds": design.seeds, "runs": found.design.count,
            "confirming": found.confirming.count, "left_out": len(found.model.emulator.runs.left_out),
        },
        "confirmed": _check(found.confirmed), "described": _check(found.described),
        "posterior": {
            "method": found.posterior.method, "independent_samples": round(found.posterior.independent),
        },
        "seconds": round(found.seconds, 1),
    }  # fmt: skip


def morphology_unknowns(found: FittedMorphology) -> list[dict[str, Any]]:
    """Return the unknowns of a fitted morphology as those of a flat cell are written."""
    return [unknown_document(one) for one in found.estimates]


def _check(one: Agreement) -> dict[str, Any]:
    return {"chi2": one.chi2, "numbers": one.numbers, "chance": one.chance, "good": one.good}


def _numbers(found: FittedMorphology) -> list[dict[str, Any]]:
    """Return each number of the surface: measured, its scatter, predicted, and the error of its emulator."""
    model, surface = found.model, found.prepared.surface
    u = found.posterior.u
    predicted = model.emulator.predict(u[:: max(1, len(u) // PREDICTED)])[0]
    low, high = np.exp(np.quantile(predicted, (0.05, 0.95), axis=0))
    centre = np.exp(found.confirming.numbers[0].mean(axis=0)) if found.confirming.numbers else None
    rows = []
    for k, (name, left) in enumerate(zip(surface.squares.names, model.emulator.left_out, strict=True)):
        own = surface.numbers[:, k]
        rows.append({
            "name": name, "measured": math.exp(model.measured[k]),
            "scatter": float(own.std(ddof=1)) if own.size > 1 else None,
            "scatter_of_seeds": math.sqrt(model.emulator.scatter[k, k]),
            "scatter_used": math.sqrt(model.scatter[k, k]),
            "predicted": [float(low[k]), float(high[k])], "centre": None if centre is None else float(centre[k]),
            "left_out_rms": left.rms, "left_out_over_error": math.sqrt(left.standard), "explained": left.explained,
        })  # fmt: skip
    return rows


def shape_overrides(found: FittedMorphology) -> list[str]:
    """Return the best values as overrides of the base, each with its source and status."""
    values = [one.interval.best for one in found.estimates]
    said = [said_of(one, [found.prepared.surface.file]) for one in found.estimates]
    return found.prepared.overrides(values, (), said)


def shape_samples(found: FittedMorphology) -> str:
    """Return the samples of the posterior as CSV, one row each, in SI units."""
    return values_text(found.model.unknowns, found.posterior.u)
