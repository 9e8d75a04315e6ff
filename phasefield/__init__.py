"""Mesoscale lithium dendrite solver: from a case file to a rough lithium surface.

>>> import phasefield
>>> case = phasefield.read_case("pllz", ["protocol.repeat=1"])
>>> run = phasefield.run(case, out="runs/first")
>>> run.series["voltage"]
"""

from typing import TYPE_CHECKING, Any

from phasefield.constants import VERSION as __version__
from phasefield.machine import kernel_cache

if TYPE_CHECKING:
    from phasefield.api import open_run, read_case, run
    from phasefield.results.run import Run
    from phasefield.studies.sweep.table import open_study

__all__ = ["__version__", "open_run", "open_study", "read_case", "run"]

kernel_cache.choose()  # before any kernel is imported


def __getattr__(name: str) -> Any:
    """Import the names of the API when they are first asked for."""
    if name == "open_study":
        from phasefield.studies.sweep.table import open_study

        return open_study
    if name in ("open_run", "read_case", "run"):
        from phasefield import api

        return getattr(api, name)
    raise AttributeError(f"module 'phasefield' has no attribute {name!r}")


def run_html(run: "Run") -> str:
    """Return a run as HTML: how a notebook shows it."""
    from phasefield.viz import notebook

    return notebook.run_html(run)
