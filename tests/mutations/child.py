"""The process that runs one check on the package with one function changed in memory; no file is touched.

`python -P -m mutations.child CHECK [MODULE QUALNAME OLD NEW]`. Compiled kernels are found where they are.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import resource
import sys
from collections.abc import Callable, Sequence
from types import CodeType, ModuleType
from typing import TYPE_CHECKING

from mutations.change import changed

# The package is imported inside the functions: the change must be in place before.
if TYPE_CHECKING:
    from phasefield.verification.row import Result

LONGEST = 600  # s of processor time, of one check; a mutant that hangs is caught, however busy the machine
FAILED = 3  # exit status of a check with rows that do not pass


class _Loader(importlib.machinery.SourceFileLoader):
    """Load one module with its change, and neither read nor write its bytecode."""

    change: tuple[str, str, str]  # qualname, old, new

    def get_code(self, fullname: str) -> CodeType:
        tree = changed(self.get_data(self.path).decode("utf-8"), *self.change)
        return compile(tree, self.path, "exec", dont_inherit=True)


class _Finder(importlib.abc.MetaPathFinder):
    """Find the module that is changed; all others are found as usual."""

    def __init__(self, module: str, change: tuple[str, str, str]) -> None:
        self.module, self.change = module, change

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self.module:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path)
        assert spec is not None
        assert spec.origin is not None
        loader = _Loader(fullname, spec.origin)
        loader.change = self.change
        return importlib.util.spec_from_file_location(fullname, spec.origin, loader=loader)


def runs() -> dict[str, Callable[[bool], Result]]:
    """Return what a mutation can name as its check: the checks of `phasefield verify` and the probes."""
    from mutations.probes import PROBES
    from phasefield.verification.registry import checks

    return {**PROBES, **{check.name: check.run for check in checks()}}


def judge(name: str) -> int:
    """Run a check in this process and print the rows that do not pass; return the exit status."""
    result = runs()[name](False)
    bad = [row for row in result.rows if not row.passed]
    for row in bad:
        sys.stdout.write(f"{row.what}: {row.measured:.4g}, expected {row.expected:.4g} +- {row.tolerance:.2g}\n")
    if not result.rows:
        sys.stdout.write("no rows: a package is missing\n")
        return 1
    return FAILED if bad else 0


if __name__ == "__main__":
    check, *rest = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_CPU, (LONGEST, LONGEST + 1))
    if rest:
        module, qualname, old, new = rest
        sys.meta_path.insert(0, _Finder(module, (qualname, old, new)))
    sys.exit(judge(check))
