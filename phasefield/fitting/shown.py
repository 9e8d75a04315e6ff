"""A fit on the screen and in its folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from phasefield.files.atomic import replace_text
from phasefield.fitting.electrolyte import electrolyte_text
from phasefield.fitting.fit import PreparedFit
from phasefield.fitting.pictures import draw_fit
from phasefield.fitting.posterior import has_emcee
from phasefield.fitting.record import (
    DOCUMENT,
    ELECTROLYTE,
    PAGE,
    SAMPLES,
    Document,
    document_of,
    samples_text,
    write_fit_page,
)
from phasefield.fitting.result import FitResult
from phasefield.text.formatting import MILLI, plain_table

if TYPE_CHECKING:
    from rich.console import Console


def write_fit(result: FitResult, digest: str, folder: Path) -> Document:
    """Write all files of a fit; fit.json is the last, so that it stands for the others. Returns its content."""
    pictures = draw_fit(result, folder)
    electrolyte = electrolyte_text(result)
    files = [ELECTROLYTE, SAMPLES, PAGE, *(path.name for path in pictures)]
    document = document_of(result, digest, files)
    replace_text(folder / ELECTROLYTE, electrolyte)
    replace_text(folder / SAMPLES, samples_text(result))
    write_fit_page(document, pictures, electrolyte, folder)
    replace_text(folder / DOCUMENT, json.dumps(document, indent=1) + "\n")
    return document


def announce_fit(console: Console, prepared: PreparedFit) -> None:
    """Say what is fitted to what."""
    fit = prepared.fit
    console.print(f"{fit.title}: {len(fit.unknowns)} unknowns", soft_wrap=True)
    for one in prepared.data:
        noise = "noise from the residuals" if one.noise is None else f"noise {one.noise:g}"
        console.print(f"  {one.role}: {one.file.name}, {one.x.size} points, {noise}", soft_wrap=True)
    if fit.laws:
        console.print(f"  growth laws: {', '.join(fit.laws)}", soft_wrap=True)
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
