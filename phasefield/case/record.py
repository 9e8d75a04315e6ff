"""What every table of a case is: a frozen record that refuses an unknown key by its nearest name."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError


def refuse(key: str, text: str) -> PydanticCustomError:
    """Return the error that a validator raises about `key` of its own table."""
    return PydanticCustomError("case", "{text}", {"text": text, "key": key})


def fill(record: BaseModel, **defaults: Any) -> None:
    """Set fields that were left to a default computed from others; only while a record is being validated."""
    for name, value in defaults.items():
        if getattr(record, name) is None:
            record.__dict__[name] = value


class Record(BaseModel):
    """A frozen table. An unknown key is refused by name; the text "none" clears an optional key of a base."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _check_keys(cls, raw: Any) -> Any:
        if not isinstance(raw, Mapping):
            return raw
        for key in raw:
            if key not in cls.model_fields:
                close = get_close_matches(str(key), list(cls.model_fields), n=1)
                hint = f"did you mean '{close[0]}'?" if close else f"known are {', '.join(cls.model_fields)}"
                raise PydanticCustomError(
                    "unknown_key",
                    "{text}",
                    {"text": f"unknown key; {hint}", "key": str(key), "close": bool(close)},
                )
        return {
            key: value
            for key, value in raw.items()
            if not (value == "none" and not cls.model_fields[key].is_required())
        }
