"""One page of a fit: what was found, what was not, and the pictures; it opens from disk."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

from phasefield.files.atomic import replace_text
from phasefield.fitting.record import Document
from phasefield.text.markup import fill_template

PAGE = "fit.html"


def write_page(document: Document, pictures: Sequence[Path], electrolyte: str, folder: Path) -> Path:
    """Write fit.html into the folder of a fit."""
    shown = [(path.stem, base64.b64encode(path.read_bytes()).decode("ascii")) for path in pictures]
    text = fill_template("phasefield.fitting", PAGE, fit=document, pictures=shown, electrolyte=electrolyte)
    replace_text(folder / PAGE, text)
    return folder / PAGE
