"""From a case file to a case."""

from __future__ import annotations

import copy
import os
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from phasefield.case import Case, Provenance
from phasefield.case.file.bases import load_over_bases
from phasefield.case.file.explain import raise_case_error
from phasefield.case.file.overrides import lay_override
from phasefield.case.file.replay import place_trace
from phasefield.case.file.source import Source
from phasefield.case.file.toml import parse
from phasefield.case.file.values import place_file, unwrap


def read_case(path: str | os.PathLike[str], overrides: Sequence[str] = ()) -> Case:
    """Read and validate a case file; raise CaseError, one line, at the first thing that is wrong.

    overrides: texts `key=value` with a dotted key (`protocol.steps[0].current`); the value in TOML, or bare.
    """
    return CaseReader(path).case(overrides)


def case_of_text(text: str, name: str) -> Case:
    """Return the case of a resolved text, as a results file holds it; name: of the file, for errors.

    No other file is read. Raises CaseError as `read_case` does.
    """
    return CaseReader(name, text).case()


class CaseReader:
    """A case file and its bases, read once: the cases that it gives with one set of overrides after another."""

    def __init__(self, path: str | os.PathLike[str], text: str | None = None) -> None:
        """text: the whole case, in place of the file. Raises CaseError if the file, or a base of it, cannot be read."""
        self.name = os.fspath(path)
        if text is None:
            self._source = Source(top=self.name)
            self._text = load_over_bases(self._source, Path(self.name), root=None, chain=(), sizes=[])
        else:
            self._source, self._text = Source(self.name, parse(self.name, text)), text

    def case(self, overrides: Sequence[str] = ()) -> Case:
        """Return the case with overrides, as `read_case` does."""
        source = Source(self.name, copy.deepcopy(self._source.tree), dict(self._source.origins))
        for one in overrides:
            lay_override(source, one)
        source.tree.pop("extends", None)
        provenance: dict[str, Provenance] = {}
        tree = unwrap(source, source.tree, (), provenance)
        place_file(source, tree)
        place_trace(source, tree)
        try:
            case = Case.model_validate(tree, context={"file": True, "provenance": provenance})
        except ValidationError as error:
            raise_case_error(source, error)
        case._path = Path(self.name).absolute()
        case._text = self._text
        return case
