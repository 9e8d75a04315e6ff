"""What a case says of a value beside the value itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Provenance:
    """Where a value comes from: as written, its source, its status, and the temperature (K) it holds at."""

    value_text: str
    source: str | None = None
    status: Literal["measured", "derived", "assumed", "calibrated"] | None = None
    at: float | None = None
