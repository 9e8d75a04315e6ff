"""Numbers, times, paths and tables as people read them, in the terminal and in pictures."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phasefield.errors import visible

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

MILLI, MICRO = 1e3, 1e6  # mV in a V, um in a m
_SPANS = (("h", 3600.0), ("min", 60.0), ("s", 1.0), ("ms", 1e-3))
OHM_CM2 = 1e4  # ohm cm^2 in an ohm m^2
NOTHING = 1e-5  # less, in the unit of a table, is shown as 0
MEGA = 1e6  # bytes in a MB


def spell(seconds: float) -> str:
    """Return a simulated time as people say it: 12.5 h, 40 s."""
    unit, size = next(((u, s) for u, s in _SPANS if abs(seconds) >= s), ("s", 1.0))
    return f"{seconds / size:.4g} {unit}"


def voltage_unit(*volts: float) -> tuple[float, str]:
    """Return factor and name of the unit for voltages [V]: V if one of them has a volt or more, else mV."""
    return (1.0, "V") if any(abs(one) >= 1.0 for one in volts) else (MILLI, "mV")


def spell_wall(seconds: float) -> str:
    """Return a wall time in the two largest units: 1 h 05 min, 3 min 20 s, 8 s."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 60} min {whole % 60:02d} s" if whole >= 60 else f"{seconds:.2g} s"


def console_for(stderr: bool = False, quiet: bool = False) -> Console:
    """Return the console; where the output is no terminal, its lines are wide enough for every table.

    quiet: it prints nothing.
    """
    from phasefield.text.terminal import PlainConsole

    console = PlainConsole(stderr=stderr, quiet=quiet, soft_wrap=False)
    return console if console.is_terminal else PlainConsole(stderr=stderr, quiet=quiet, width=140)


def print_text(text: object, *, err: bool = False, keep: str = "") -> None:
    r"""Print a text on stdout, or stderr, with its control characters seen; keep: "\n" for a text of several lines."""
    stream = sys.stderr if err else sys.stdout
    if stream is not None:  # closed by who started the program
        stream.write(f"{visible(str(text), keep)}\n")
        stream.flush()


def plain_table(*heads: str, title: str = "") -> Table:
    """Return an empty table in the house style: the first column to the left, the others to the right."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, title=title or None, title_justify="left", pad_edge=False)
    for k, head in enumerate(heads):
        table.add_column(head, justify="left" if k == 0 else "right")
    return table


def number(value: Any, scale: float = 1.0) -> str:
    """Return a number with three digits, a dash where there is none."""
    if not isinstance(value, int | float) or value != value:
        return "-"
    if abs(value * scale) < NOTHING:
        return "0"
    return f"{value * scale:.3g}"


def finite_number(value: float | None, digits: int) -> str:
    """Return a number with so many significant digits, a dash where there is none or it is not finite."""
    return "-" if value is None or not math.isfinite(value) else f"{value:.{digits}g}"


def named(values: Mapping[str, str]) -> str:
    """Return `key = value` pairs on one line."""
    return ", ".join(f"{key} = {value}" for key, value in values.items()) or "none"


def relative(path: Path) -> str:
    """Return a path as short as it can be said from here."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
