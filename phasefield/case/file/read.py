"""From a case file to a case."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from phasefield import units
from phasefield.case import Case, Provenance
from phasefield.case.file.bases import load_over_bases
from phasefield.case.file.explain import raise_case_error
from phasefield.case.file.overrides import apply_override
from phasefield.case.file.replay import place_trace
from phasefield.case.file.source import Source, Table
from phasefield.case.file.toml import parse
from phasefield.case.file.values import place_file, unwrap
from phasefield.units import Kind


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
        return self._validated(*self._laid(overrides))

    def family(self, overrides: Sequence[str], keys: Mapping[str, Kind]) -> Callable[[Sequence[float]], Case]:
        """Return what gives the case with other values [SI] of these keys, in a fraction of a millisecond.

        keys: dotted keys without entries of lists, with the kind of their values; the overrides must set each of
        them. What it returns raises CaseError where the values give no case.
        """
        source, tree, provenance = self._laid(overrides)
        paths = [key.split(".") for key in keys]

        def case(values: Sequence[float]) -> Case:
            top = dict(tree)
            for parts, kind, value in zip(paths, keys.values(), values, strict=True):
                node = top
                for part in parts[:-1]:
                    node[part] = node = dict(node[part])
                node[parts[-1]] = float(value) if kind.unit == "1" else units.to_text(value, kind)
            return self._validated(source, top, provenance)

        return case

    def _laid(self, overrides: Sequence[str]) -> tuple[Source, Table, dict[str, Provenance]]:
        """Return the tables with overrides, as written and as plain values, and what is said of each value."""
        source = Source(self.name, copy.deepcopy(self._source.tree), dict(self._source.origins))
        for one in overrides:
            apply_override(source, one)
        source.tree.pop("extends", None)
        provenance: dict[str, Provenance] = {}
        tree: Table = unwrap(source, source.tree, (), provenance)
        place_file(source, tree)
        place_trace(source, tree)
        return source, tree, provenance

    def _validated(self, source: Source, tree: Table, provenance: dict[str, Provenance]) -> Case:
        """Return the case of plain tables."""
        try:
            case = Case.model_validate(tree, context={"file": True, "provenance": provenance})
        except ValidationError as error:
            raise_case_error(source, error)
        case._path = Path(self.name).absolute()
        case._text = self._text
        return case
