"""The kinds of experiment: what evaluates a stored run, and what its figure shows.

Another kind is a module here, an entry in `KINDS`, and its name in `EXPERIMENTS` of `phasefield/case/settings.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from phasefield.case import Case
from phasefield.case.file import case_of_text
from phasefield.errors import CaseError, one_line
from phasefield.experiments import bruce_vincent, copper, critical_current, cycling, rate, tafel
from phasefield.results.evaluation import Evaluation
from phasefield.results.run import Run
from phasefield.viz.plots.curves import Plot


class ExperimentKind(NamedTuple):
    """What evaluates an experiment, and what returns the panels of its figure, one above the other."""

    evaluate: Callable[[Case, Run], Evaluation]
    panels: Callable[[Case, Run], tuple[Plot, ...]]


KINDS: dict[str, ExperimentKind] = {
    "bruce-vincent": ExperimentKind(bruce_vincent.evaluate, bruce_vincent.panels),
    "critical-current": ExperimentKind(critical_current.evaluate, critical_current.panels),
    "cycling": ExperimentKind(cycling.evaluate, cycling.panels),
    "tafel": ExperimentKind(tafel.evaluate, tafel.panels),
    "copper-efficiency": ExperimentKind(copper.evaluate, copper.panels),
    "rate": ExperimentKind(rate.evaluate, rate.panels),
}


def case_of(run: Run) -> Case | None:
    """Return the case of a stored run with an experiment; None if it has none, or if the case cannot be read."""
    experiment = run.tables.get("experiment")
    if not isinstance(experiment, dict):
        return None
    try:
        return case_of_text(run.resolved_case, str(run.path))
    except CaseError:
        return None


def evaluate(run: Run, case: Case | None = None) -> Evaluation | None:
    """Return the results of the experiment of a stored run; None if its case names none.

    case: that of the run, where it is known; else it is read from the results. A run that lacks what the evaluation
    needs gives no result, and `how` says why.
    """
    case = case or case_of(run)
    if case is None or case.experiment is None:
        return None
    kind = case.experiment.kind
    try:
        return KINDS[kind].evaluate(case, run)
    except (KeyError, IndexError, ValueError, ArithmeticError) as error:
        says = one_line(f"cannot be evaluated: {type(error).__name__}: {error}")
        return Evaluation(kind, (), says)


def panels(run: Run) -> tuple[Plot, ...]:
    """Return what the figure of a run's experiment shows; nothing if its case names none, or if it lacks rows."""
    case = case_of(run)
    if case is None or case.experiment is None:
        return ()
    try:
        return KINDS[case.experiment.kind].panels(case, run)
    except (KeyError, IndexError, ValueError, ArithmeticError):
        return ()
