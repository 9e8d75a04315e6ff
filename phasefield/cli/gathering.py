"""Options of a command that belong together, as one parameter of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import wraps
from typing import Any, get_type_hints


def gathered(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command as typer reads it: a parameter that is a dataclass becomes one option for each of its fields.

    The fields are annotated as options are. Their options stand in the place of the parameter.
    """
    parameters: list[inspect.Parameter] = []
    records: dict[str, Any] = {}
    for one in inspect.signature(command, eval_str=True).parameters.values():
        if not is_dataclass(one.annotation):
            parameters.append(one)
            continue
        records[one.name] = one.annotation
        hints = get_type_hints(one.annotation, include_extras=True)
        for field in fields(one.annotation):
            parameters.append(one.replace(name=field.name, default=field.default, annotation=hints[field.name]))

    @wraps(command)
    def apart(**given: Any) -> None:
        made = {name: record(**{f.name: given.pop(f.name) for f in fields(record)}) for name, record in records.items()}
        command(**given, **made)

    apart.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return apart
