"""The set of checks: which modules hold checks, how they are chosen, and how they are run one after the other."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module

from phasefield.errors import Interrupted, PhasefieldError, one_line
from phasefield.verification.row import Check, CheckRow, Result

# Modules of this folder that hold `CHECKS: tuple[Check, ...]`, in the order of the table.
MODULES = (
    "numerics.balances", "flat_cell.planar", "flat_cell.depletion", "flat_cell.polarisation", "flat_cell.impedance",
    "surface.waves", "surface.disc_and_bodies", "surface.random_walk", "flat_cell.salt_profiles", "numerics.order",
    "codes.installed", "numerics.grids", "surface.physics", "surface.allen_cahn", "surface.two_laws",
)  # fmt: skip


@dataclass(frozen=True)
class CheckOutcome:
    """What a check gave, how long it took [s], and whether it was the full one."""

    check: Check
    result: Result
    seconds: float
    full: bool

    @property
    def failed(self) -> tuple[CheckRow, ...]:
        """The rows that did not pass; a check without rows has shown nothing, which is no pass either."""
        return tuple(row for row in self.result.rows if not row.passed)

    @property
    def passed(self) -> bool:
        """Whether there are rows, and all of them passed; a check that says why it was skipped has not failed."""
        return bool(self.result.rows or self.result.skipped) and not self.failed


def checks(modules: Sequence[str] = MODULES) -> tuple[Check, ...]:
    """Return the checks of the modules, in their order."""
    found: list[Check] = []
    for name in modules:
        found += import_module(f"phasefield.verification.{name}").CHECKS
    names = [check.name for check in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"two checks bear one name: {', '.join(twice)}")
    return tuple(found)


def chosen(every: Sequence[Check], only: Sequence[str], full: bool) -> tuple[Check, ...]:
    """Return the checks named in `only`, or all of the fast or of the full set; say what is wrong with a name."""
    names = [check.name for check in every]
    for name in only:
        if name not in names:
            close = get_close_matches(name, names, n=1)
            hint = f"did you mean '{close[0]}'?" if close else "`phasefield verify --list` names them"
            raise PhasefieldError(f"--only {name}: there is no such check; {hint}")
    wanted = [check for check in every if not only or check.name in only]
    slow = [check.name for check in wanted if not _in_set(check, full)]
    if only and slow:
        raise PhasefieldError(f"--only {slow[0]}: this check is not in the fast set; add --full")
    return tuple(check for check in wanted if _in_set(check, full))


def _in_set(check: Check, full: bool) -> bool:
    return full or check.seconds[0] > 0.0


def expected_seconds(wanted: Sequence[Check], full: bool) -> float:
    """Return how long the checks take on two quiet cores once the kernels are compiled, s."""
    return math.fsum(check.seconds[1 if full else 0] for check in wanted)


def run_in_turn(
    wanted: Sequence[Check], full: bool, begin: Callable[[int, Check], None] = lambda k, check: None
) -> Iterator[CheckOutcome]:
    """Run the checks in their order; one that ends in an error becomes a row that failed, and the next one follows.

    begin(k, check): called before each.
    """
    for k, check in enumerate(wanted):
        begin(k, check)
        start = time.monotonic()
        try:
            result = check.run(full)
        except Interrupted:
            raise
        except Exception as error:  # whatever it is, the other checks are still to be run
            text = one_line(f"{type(error).__name__}: {error}", 300)
            result = Result((CheckRow("the check itself", "an end without an error", 0.0, math.nan, 0.0, text),))
        yield CheckOutcome(check, result, time.monotonic() - start, full)
