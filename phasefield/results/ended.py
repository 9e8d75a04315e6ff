"""What `summary.json` says of how a run ended; a file of this name may be a stranger's, so its types are checked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, FiniteFloat, TypeAdapter
from typing_extensions import TypedDict

from phasefield.fields import SERIES
from phasefield.files.atomic import read_plain

LONGEST = 1 << 24  # bytes
MOST_EVENTS = 2000  # entries; a run makes 200 of each kind

MOST_RESULTS = 1000

Word = Annotated[str, Field(max_length=100)]
Count = Annotated[int, Field(ge=0, le=1 << 60)]
Text = Annotated[str, Field(max_length=1000)]


class EventEntry(TypedDict):
    """When an event began and was over [s; None while it lasts], and the sentences on both."""

    event: Word
    time: FiniteFloat
    text: Text
    end: FiniteFloat | None
    end_text: Text


class _Result(TypedDict):
    value: FiniteFloat | None
    unit: Word
    resolution: FiniteFloat | None
    says: Text


class _Experiment(TypedDict):
    kind: Word
    how: Text
    results: Annotated[dict[Word, _Result], Field(max_length=MOST_RESULTS)]


class _Origin(TypedDict):
    command: Text
    ended: Word
    machine: Word


class _Ended(TypedDict, total=False):
    title: str
    finished: bool
    reason: Word
    text: Text
    steps: Count
    rejected: Count
    wall_time: FiniteFloat
    seconds_per_step: FiniteFloat
    peak_memory: Count
    events: Annotated[list[EventEntry], Field(max_length=MOST_EVENTS)]
    experiment: _Experiment
    origin: _Origin
    event_counts: Annotated[dict[Word, Count], Field(max_length=MOST_EVENTS)]


_ENDED = TypeAdapter(_Ended)
_NUMBER: TypeAdapter[float] = TypeAdapter(FiniteFloat)


def read_ended(path: Path) -> dict[str, Any] | None:
    """Return the content of summary.json; None if there is none, or if it is not one that a run of here writes."""
    try:
        value = json.loads(read_plain(path, LONGEST))
        if not isinstance(value, dict):
            return None
        _ENDED.validate_python(value, strict=True)
        for name in value.keys() & SERIES.keys():
            _NUMBER.validate_python(value[name], strict=True)
    except (OSError, ValueError, RecursionError):  # pydantic's error is a ValueError
        return None
    return value
