"""From a case file to a case."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from phasefield.case import Case, Provenance
from phasefield.casefile.bases import load
from phasefield.casefile.explain import explain
from phasefield.casefile.overrides import lay_override
from phasefield.casefile.source import Source
from phasefield.casefile.values import place_heights, unwrap


def read_case(path: str | os.PathLike[str], overrides: Sequence[str] = ()) -> Case:
    """Read and validate a case file; raise CaseError, one line, at the first thing that is wrong.

    overrides: texts `key=value` with a dotted key (`protocol.steps[0].current`); the value in TOML, or bare.
    """
    name = os.fspath(path)
    source = Source(top=name)
    text = load(source, Path(name), root=None, chain=(), count=[0])
    for one in overrides:
        lay_override(source, one)
    source.tree.pop("extends", None)
    provenance: dict[str, Provenance] = {}
    tree = unwrap(source, source.tree, (), provenance)
    place_heights(source, tree)
    try:
        case = Case.model_validate(tree, context={"file": True, "provenance": provenance})
    except ValidationError as error:
        explain(source, error)
    case._path = Path(name).absolute()
    case._text = text
    return case
