"""Which case a run goes on with: its own, or its own with more repeats of the protocol.

More repeats are the one change that leaves every step of the run as it was: no length of a step, no frame and no event
before the old end depends on them. A longer step or a longer rest would have been divided otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from phasefield.case import Case, Record
from phasefield.case.file import case_of_text
from phasefield.errors import CaseError, ResultError
from phasefield.results.checkpoint import has_checkpoint, read_checkpoint
from phasefield.results.run import open_run
from phasefield.results.writer import RESULT

EARLIER = "earlier_case_hashes"
"""Attribute of a run: hashes that its case had with fewer repeats, as JSON."""

MOST_NAMED = 3  # keys that differ, in an error
REPEAT = "protocol.repeat"


def continued_case(case: Case, folder: Path) -> Case:
    """Return the case that the run in a folder goes on with: `case`, with the interval of frames that the run has.

    The case is that of the run, or differs in a larger `protocol.repeat` alone. The default of `output.fields_every`
    follows the planned time; a run that goes on keeps its own. Raises ResultError for any other case.
    """
    if not (folder / RESULT).is_file():
        return case
    with open_run(folder) as run:
        known, text, earlier = run.attrs.get("case_hash"), run.resolved_case, str(run.attrs.get(EARLIER, ""))
    saved = read_checkpoint(folder).get("case_hash") if has_checkpoint(folder) else None
    if known == case.hash or (saved == case.hash and case.hash not in earlier):
        return case  # a results file of another case in the place of its own is found when both are compared
    own = _own_case(text, folder)
    if own is None or own.hash != known:
        raise ResultError(f"{folder}: holds a run of another case; resume with its own {folder / 'case.toml'}")
    if "fields_every" not in case.output.model_fields_set:
        case = _changed(case, "output", fields_every=own.output.fields_every)
    differ = list(_differences(own, case))
    if REPEAT in differ and case.protocol.repeat < own.protocol.repeat:
        raise ResultError(
            f"{folder}: {REPEAT} = {case.protocol.repeat} is below the {own.protocol.repeat} of this run; "
            f"give at least -s {REPEAT}={own.protocol.repeat}, or choose another folder with --out"
        )
    differ = [key for key in differ if key != REPEAT]
    if differ or _like(own, case).hash != known:
        what = ", ".join(differ[:MOST_NAMED]) or "the source of a value"
        what += f" and {len(differ) - MOST_NAMED} more" if len(differ) > MOST_NAMED else ""
        raise ResultError(
            f"{folder}: holds a run of another case (it differs in {what}); resume with its own "
            f"{folder / 'case.toml'}, where only {REPEAT} may be raised"
        )
    return case


def earlier_hashes(case: Case, folder: Path) -> list[str]:
    """Return the hashes that the case of a run had with fewer repeats; `case` is what the run goes on with."""
    if not (folder / RESULT).is_file():
        return []
    with open_run(folder) as run:
        now, text, listed = str(run.attrs.get("case_hash", case.hash)), run.resolved_case, run.attrs.get(EARLIER, "[]")
    try:
        held = [str(one) for one in json.loads(listed)]
    except (ValueError, TypeError, RecursionError):
        held = []
    own = _own_case(text, folder) if now not in (case.hash, *held) else None
    return held if own is None or _like(own, case).hash != now else [*held, now]


def _own_case(text: str, folder: Path) -> Case | None:
    """Return the case of a run by its resolved text; None if this version cannot read it."""
    try:
        return case_of_text(text, str(folder / RESULT))
    except CaseError:
        return None


def attributes_of(case: Case, earlier: Sequence[str]) -> dict[str, Any]:
    """Return the attributes of a run that goes on with more repeats."""
    return {
        "case": case.text, "resolved_case": case.resolved_toml(), "case_hash": case.hash,
        EARLIER: json.dumps(list(earlier)),
    }  # fmt: skip


def _changed(case: Case, table: str, **values: Any) -> Case:
    """Return a case with other values in one of its tables."""
    return case.model_copy(update={table: getattr(case, table).model_copy(update=values)})


def _like(own: Case, case: Case) -> Case:
    """Return `case` with the repeats of `own`, and what its file says of their number."""
    like = _changed(case, "protocol", repeat=own.protocol.repeat)
    said = {key: value for key, value in case.provenance.items() if key != REPEAT}
    if REPEAT in own.provenance:
        said[REPEAT] = own.provenance[REPEAT]
    like._provenance = said
    return like


def _differences(own: Case, case: Case) -> Iterator[str]:
    """Yield the dotted keys in which two cases differ, of those that change a run."""
    for name in type(own).model_fields:
        if name not in ("experiment", "contact"):
            yield from _between(name, getattr(own, name), getattr(case, name))


def _between(key: str, one: Any, other: Any) -> Iterator[str]:
    if isinstance(one, Record) and isinstance(other, Record) and type(one) is type(other):
        for name in type(one).model_fields:
            yield from _between(f"{key}.{name}", getattr(one, name), getattr(other, name))
    elif isinstance(one, tuple) and isinstance(other, tuple) and len(one) == len(other):
        for k, (mine, theirs) in enumerate(zip(one, other, strict=True)):
            yield from _between(f"{key}[{k}]", mine, theirs)
    elif one != other:
        yield key
