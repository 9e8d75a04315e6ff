"""A fit as a document: fit.json, its page, and the samples of its posterior as a table."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phasefield.api import locate_case
from phasefield.case.file import CaseReader
from phasefield.constants import VERSION
from phasefield.errors import ResultError
from phasefield.files.atomic import read_plain, replace_text
from phasefield.fitting.data import DataFile
from phasefield.fitting.fitfile import FitFile
from phasefield.fitting.posterior import has_emcee
from phasefield.fitting.result import FitResult, FittedValue, Interval
from phasefield.fitting.unknowns import Unknown
from phasefield.text.markup import fill_template

DOCUMENT, SAMPLES, ELECTROLYTE = "fit.json", "posterior.csv", "electrolyte.toml"
PAGE = "fit.html"
FORMAT = 2
Document = dict[str, Any]
Floats = NDArray[np.float64]


def inputs_digest(fit: FitFile, files: Sequence[DataFile]) -> str:
    """Return the SHA-256 of all that a result depends on: a finished fit of it need not be made again."""
    base = CaseReader(locate_case(fit.base)).case(fit.overrides).resolved_toml()
    parts = [VERSION, str(FORMAT), fit.text, base, *(one.digest for one in files), str(has_emcee())]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def finished(folder: Path, digest: str) -> Document | None:
    """Return the document of a finished fit of the same inputs in a folder, else None."""
    try:
        document = json.loads(read_plain(folder / DOCUMENT))
    except (OSError, ValueError, RecursionError, ResultError):
        return None
    if not isinstance(document, dict) or document.get("inputs") != digest or document.get("format") != FORMAT:
        return None
    names = document.get("files", [])
    return document if all((folder / str(name)).is_file() for name in names) else None


def new_document(fit: FitFile, digest: str, files: list[str]) -> Document:
    """Return what the document of any fit begins with."""
    return {
        "format": FORMAT, "title": fit.title, "version": VERSION, "inputs": digest,
        "base": fit.base if "/" not in fit.base else Path(fit.base).name, "seed": fit.seed, "seconds": 0.0,
        "data": [], "growth": {"laws": [], "chosen": "", "note": ""}, "unknowns": [], "known": [], "rates": [],
        "posterior": None, "morphology": None, "notes": [], "files": files,
    }  # fmt: skip


def flat_document(result: FitResult) -> Document:
    """Return what the document says of the flat cell, in SI units."""
    return {
        "seconds": round(result.seconds, 1),
        "data": [
            {
                "role": one.role, "file": one.file.name, "sha256": one.file.digest, "compared": int(one.x.size),
                "noise": noise.deviation, "noise_stated": noise.stated, "residuals_over_noise": noise.misfit,
                "correlation": noise.correlation,
            }
            for one, noise in zip(result.data, result.best.noise, strict=True)
        ],
        "growth": {
            "laws": [
                {"law": one.name, "rms_fitted": one.fitted, "rms_predicted": one.predicted} for one in result.laws
            ],
            "chosen": result.chosen, "note": result.law_note,
        },
        "unknowns": [unknown_document(one) for one in result.estimates],
        "known": [_interval(one) for one in result.known],
        "rates": result.rates,
        "posterior": {"method": result.posterior.method, "independent_samples": round(result.posterior.independent)},
        "notes": list(result.notes),
    }  # fmt: skip


def unknown_document(one: FittedValue) -> Document:
    """Return a fitted value as what JSON can hold, in SI units."""
    unknown, verdict, shape = one.unknown, one.verdict, one.profile
    ends = [
        unknown.value(u) if closed else None
        for u, closed in zip((shape.low, shape.high), shape.bounded, strict=True)
    ]
    return {
        "key": unknown.key, "prior": [unknown.low, unknown.high], "scale": "log" if unknown.log else "linear",
        "prior_shown": unknown.shown_range(unknown.low, unknown.high), "added": unknown.added,
        "best": one.interval.best, "interval": [one.interval.low, one.interval.high],
        "best_shown": unknown.shown(one.interval.best), "interval_shown": one.interval.shown, "profile": ends,
        "si_unit": unknown.quantity.si_unit, "verdict": verdict.word, "width": verdict.width, "edge": verdict.edge,
        "why": verdict.why, "settle": verdict.settle,
    }  # fmt: skip


def _interval(one: Interval) -> Document:
    finite = all(map(math.isfinite, (one.best, one.low, one.high)))
    return {
        "name": one.name, "best": one.best if finite else None, "interval": [one.low, one.high] if finite else None,
        "best_shown": f"{one.best / one.size:.3g} {one.unit}".strip(), "interval_shown": one.shown,
    }  # fmt: skip


def samples_text(result: FitResult) -> str:
    """Return the samples of the posterior as CSV, one row each, in SI units."""
    return values_text(result.forward.unknowns, result.posterior.u)


def values_text(unknowns: Sequence[Unknown], u: Floats) -> str:
    """Return places u (samples, unknowns) of the priors as CSV of values, one row each, in SI units."""
    heads = [f"{one.key} [{one.quantity.si_unit or '1'}]" for one in unknowns]
    rows = [
        ",".join(f"{one.value(float(place)):.8g}" for one, place in zip(unknowns, row, strict=True)) for row in u
    ]
    return "\n".join([",".join(heads), *rows]) + "\n"


def write_fit_page(document: Document, pictures: Sequence[Path], electrolyte: str, folder: Path) -> Path:
    """Write fit.html into the folder of a fit."""
    shown = [(path.stem, base64.b64encode(path.read_bytes()).decode("ascii")) for path in pictures]
    text = fill_template("phasefield.fitting", PAGE, fit=document, pictures=shown, electrolyte=electrolyte)
    replace_text(folder / PAGE, text)
    return folder / PAGE
