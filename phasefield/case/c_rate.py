"""C-rates in a protocol: a rate of 1 C passes the capacity of the cathode in an hour."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from phasefield import units
from phasefield.case.record import refuse
from phasefield.errors import shown
from phasefield.units import UnitError, to_si

HOUR = 3600.0  # s
RATE = re.compile(r"\s*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?)\s*\*?\s*C\s*")
DEEPEST = 32  # groups in groups; the protocol refuses fewer


def in_current_densities(given: Any) -> Any:
    """Return the tables of a case with each C-rate of its protocol as a current density."""
    protocol = given.get("protocol") if isinstance(given, Mapping) else None
    steps = protocol.get("steps") if isinstance(protocol, Mapping) else None
    if not isinstance(protocol, Mapping) or not isinstance(steps, list | tuple):
        return given
    return {**given, "protocol": {**protocol, "steps": _steps(steps, "protocol.steps", given, 0)}}


def _steps(steps: Any, key: str, case: Mapping[str, Any], depth: int) -> Any:
    if not isinstance(steps, list | tuple) or depth > DEEPEST:
        return steps
    return tuple(
        _step(step, f"{key}[{k}]", case, depth) if isinstance(step, Mapping) else step for k, step in enumerate(steps)
    )


def _step(step: Mapping[str, Any], key: str, case: Mapping[str, Any], depth: int) -> dict[str, Any]:
    found = dict(step)
    for name in ("current", "until_current"):
        value = step.get(name)
        if isinstance(value, list | tuple):
            found[name] = tuple(_density(one, f"{key}.{name}", case) for one in value)
        else:
            found[name] = _density(value, f"{key}.{name}", case)
        if name not in step:
            del found[name]
    if "steps" in step:
        found["steps"] = _steps(step["steps"], f"{key}.steps", case, depth + 1)
    return found


def _density(value: Any, key: str, case: Mapping[str, Any]) -> Any:
    """Return a C-rate as a text of a current density; anything else as it is."""
    rate = RATE.fullmatch(value) if isinstance(value, str) else None
    if rate is None:
        return value
    cathode = case.get("cathode")
    capacity = cathode.get("capacity") if isinstance(cathode, Mapping) else getattr(cathode, "capacity", None)
    if capacity is None:
        raise refuse(key, f'{shown(value)} needs the capacity of a [cathode]; give a current density, "0.2 mA/cm^2"')
    try:
        held = to_si(capacity, units.CAPACITY) if isinstance(capacity, str) else float(capacity)
    except (UnitError, TypeError, ValueError):
        return value  # the cathode itself is refused
    density = float(rate[1]) * held / HOUR
    return units.to_text(density, units.CURRENT_DENSITY) if math.isfinite(density) else value
