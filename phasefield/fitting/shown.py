"""A fit on the screen and in its folder."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

from phasefield.api import locate_case
from phasefield.case.file import CaseReader
from phasefield.files.atomic import replace_text
from phasefield.fitting.electrolyte import electrolyte_text, flat_overrides
from phasefield.fitting.fit import PreparedFit
from phasefield.fitting.morphology.answer import FittedMorphology, PreparedMorphology
from phasefield.fitting.morphology.plates import draw_morphology
from phasefield.fitting.morphology.report import (
    SHAPE_SAMPLES,
    morphology_document,
    morphology_unknowns,
    shape_overrides,
    shape_samples,
)
from phasefield.fitting.pictures import draw_fit
from phasefield.fitting.posterior import has_emcee
from phasefield.fitting.record import (
    DOCUMENT,
    ELECTROLYTE,
    PAGE,
    SAMPLES,
    Document,
    flat_document,
    new_document,
    samples_text,
    write_fit_page,
)
from phasefield.fitting.result import FitResult
from phasefield.text.formatting import MICRO, MILLI, plain_table

if TYPE_CHECKING:
    from rich.console import Console


def write_fit(
    prepared: PreparedFit, flat: FitResult | None, shape: FittedMorphology | None, digest: str, folder: Path
) -> Document:
    """Write all files of a fit; fit.json is the last, so that it stands for the others. Returns its content.

    flat, shape: what spectra and traces gave, and what a profile gave.
    """
    fit, pictures, texts, overrides = prepared.fit, [], {}, []
    if flat is not None:
        pictures += draw_fit(flat, folder)
        texts[SAMPLES] = samples_text(flat)
        overrides += flat_overrides(flat)
    if shape is not None:
        pictures += draw_morphology(shape, folder)
        texts[SHAPE_SAMPLES] = shape_samples(shape)
        overrides += shape_overrides(shape)
    case = CaseReader(locate_case(fit.base)).case((*fit.overrides, *overrides))
    files = [*(one.file for one in prepared.data), *([shape.prepared.surface.file] if shape is not None else [])]
    electrolyte = texts[ELECTROLYTE] = electrolyte_text(fit.title, files, case)
    document = new_document(fit, digest, [*texts, PAGE, *(path.name for path in pictures)])
    if flat is not None:
        document |= flat_document(flat)
    if shape is not None:
        document |= {
            "seconds": round(document["seconds"] + shape.seconds, 1), "morphology": morphology_document(shape),
            "unknowns": document["unknowns"] + morphology_unknowns(shape), "notes": document["notes"] + [*shape.notes],
        }  # fmt: skip
    for name, text in texts.items():
        replace_text(folder / name, text)
    write_fit_page(document, pictures, electrolyte, folder)
    replace_text(folder / DOCUMENT, json.dumps(document, indent=1) + "\n")
    return document


def announce_fit(console: Console, prepared: PreparedFit, shape: PreparedMorphology | None) -> None:
    """Say what is fitted to what."""
    fit = prepared.fit
    unknowns = len(fit.unknowns) + (0 if fit.design is None else len(fit.design.unknowns))
    laws = ", those of all growth laws counted" if len(fit.laws) > 1 else ""
    console.print(f"{fit.title}: {unknowns} unknown{'' if unknowns == 1 else 's'}{laws}", soft_wrap=True)
    for one in prepared.data:
        noise = "noise from the residuals" if one.noise is None else f"noise {one.noise:g}"
        console.print(f"  {one.role}: {one.file.name}, {one.x.size} points, {noise}", soft_wrap=True)
    if fit.laws:
        console.print(f"  growth laws: {', '.join(fit.laws)}", soft_wrap=True)
    if shape is not None:
        squares = shape.surface.squares
        count = len(shape.surface.numbers)
        console.print(
            f"  profile: {shape.surface.file.name}, {count} square{'' if count == 1 else 's'} of "
            f"{MICRO * squares.edge:.3g} um, points of {MICRO * squares.spacing:.3g} um, levelled",
            soft_wrap=True,
        )
        measured = shape.surface.numbers
        for name, column in zip(squares.names, measured.T, strict=True):
            scatter = f", scatter {column.std(ddof=1):.0%}" if count > 1 else ""
            console.print(f"    {name} {MICRO * math.exp(column.mean()):.3g} um{scatter}", soft_wrap=True)
    console.print(
        f"  posterior by {'emcee' if has_emcee() else 'Laplace approximation; for emcee: pip install emcee'}",
        soft_wrap=True,
    )


def print_fit(console: Console, document: Document, folder: Path) -> None:
    """Print the table of a fit, what would settle what it does not show, and where its files are."""
    table = plain_table("", "prior", "best", "90 % interval", "")
    for one in document["unknowns"]:
        table.add_row(one["key"], one["prior_shown"], one["best_shown"], one["interval_shown"], one["verdict"])
    console.print(table)
    if document["known"]:
        known = plain_table("known", "best", "90 % interval")
        for one in document["known"]:
            known.add_row(one["name"], one["best_shown"], one["interval_shown"])
        console.print(known)
    for one in document["unknowns"]:
        if one["settle"] or one["edge"]:
            words = "; ".join(text for text in (one["why"], one["edge"]) if text)
            console.print(f"{one['key']}: {words}", soft_wrap=True)
        if one["settle"]:
            console.print(f"  to settle it: {one['settle']}", soft_wrap=True)
    if document["morphology"] is not None:
        print_morphology(console, document["morphology"])
    _print_rates(console, document)
    growth = document["growth"]
    if growth["laws"]:
        laws = plain_table("growth law", "rms, fitted", "rms, last third, predicted")
        for one in growth["laws"]:
            errors = (one["rms_fitted"], one["rms_predicted"])
            laws.add_row(one["law"], *("-" if error is None else f"{MILLI * error:.3g} mV" for error in errors))
        console.print(laws)
        console.print(growth["note"], soft_wrap=True)
    for note in document["notes"]:
        console.print(f"note: {note}", soft_wrap=True)
    console.print(f"Electrolyte: {folder / ELECTROLYTE}", soft_wrap=True)
    console.print(f"Page: {folder / PAGE}", soft_wrap=True)


def _print_rates(console: Console, document: Document) -> None:
    """Print what a full cell shows at each rate, beside what was measured."""
    if not document["rates"]:
        return
    rates = plain_table("rate", "", "measured", "best", "90 % interval", "")
    for one in document["rates"]:
        for name in ("capacity", "polarisation"):
            number = one[name]
            said = "fitted" if number["fitted"] else "predicted"
            shown = (number["measured_shown"], number["best_shown"], number["interval_shown"])
            rates.add_row(f"{one['rate']:.3g} C", name, *shown, said)
    console.print(rates)
def print_morphology(console: Console, found: Document) -> None:
    """Print the numbers of the surface, measured and simulated, and how well the emulator knows them."""
    table = plain_table(
        "surface", "measured (um)", "scatter", "runs at centre (um)", "predicted, 90 % (um)", "emulator's error"
    )
    for one in found["numbers"]:
        low, high = one["predicted"]
        table.add_row(
            one["name"], f"{MICRO * one['measured']:.3g}", f"{one['scatter_used']:.0%}",
            "-" if one["centre"] is None else f"{MICRO * one['centre']:.3g}",
            f"{MICRO * low:.3g} to {MICRO * high:.3g}", f"{one['left_out_rms']:.0%}",
        )  # fmt: skip
    console.print(table)
    for name, words in (("confirmed", "runs at centre and edges against the emulator"), ("described", "profile, best")):
        check = found[name]
        console.print(
            f"{words}: chi^2 {check['chi2']:.3g} of {check['numbers']} numbers, by chance in {check['chance']:.0%}",
            soft_wrap=True,
        )
