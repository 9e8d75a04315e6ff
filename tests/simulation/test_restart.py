"""What a run goes on from: checkpoint and results of one run, of this case, or one line that says what differs."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import modelcases as cases
import numpy as np
import pytest

from phasefield.case import Case
from phasefield.errors import Interrupted, ResultError
from phasefield.results.checkpoint import CHECKPOINTS, read_checkpoint, write_checkpoint
from phasefield.results.run import open_run
from phasefield.results.writer import RESULT
from phasefield.simulation.driver import Driver

SETTINGS = ('output.fields_every="100 s"', 'output.checkpoint_every="1 h"', 'numerics.max_step="50 s"')
OTHER = "10.5 A/m^2"  # a current at which a run has as many steps and frames


def stopped(case: Case, folder: Path, time: float) -> Path:
    """Run a case until a time [s], and stop it there."""

    def stop(progress: Any) -> None:
        if progress.time >= time:
            driver.stop_signal = 15

    driver = Driver(case, folder, progress=stop)
    with pytest.raises(Interrupted):
        driver.run()
    return folder


@pytest.fixture(scope="module")
def case() -> Case:
    return cases.make(*SETTINGS)


@pytest.fixture(scope="module")
def kept(case: Case, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a stopped run; use a copy."""
    return stopped(case, tmp_path_factory.mktemp("kept") / "run", 200.0)


@pytest.fixture
def run(kept: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(kept, tmp_path / "run"))


def test_a_stopped_run_goes_on(case: Case, run: Path) -> None:
    assert Driver(case, run, resume=True).run().reason == "end"


def test_results_of_another_case_are_not_continued(case: Case, run: Path, tmp_path: Path) -> None:
    """The other run has as many steps and frames: counts alone do not tell them apart."""
    other = cases.make(*SETTINGS, f'protocol.steps=[ {{ current = "{OTHER}", duration = "600 s" }} ]')
    there = stopped(other, tmp_path / "other", 200.0)
    with open_run(run) as one, open_run(there) as two:
        assert (one.n_steps, one.n_frames) == (two.n_steps, two.n_frames)
    shutil.copyfile(there / RESULT, run / RESULT)
    with pytest.raises(ResultError, match=r"not of one run \(case: .*put the files of one run together") as caught:
        Driver(case, run, resume=True)
    assert "charge_applied: " in str(caught.value)


def test_results_of_a_later_stop_are_cut_and_of_an_earlier_one_refused(case: Case, run: Path, tmp_path: Path) -> None:
    early = stopped(case, tmp_path / "early", 100.0)
    shutil.copyfile(early / RESULT, run / RESULT)
    with pytest.raises(ResultError, match="fewer than its checkpoint"):
        Driver(case, run, resume=True)


def test_a_checkpoint_of_another_run_of_the_case_is_refused(case: Case, run: Path) -> None:
    """Same case, same counts, other numbers: results of a build that rounds otherwise, say."""
    import h5py

    with h5py.File(run / RESULT, "r+") as file:
        file["run/series/charge_applied"][-1] *= 1.0 + 1e-12
    with pytest.raises(ResultError, match=r"not of one run \(charge_applied: "):
        Driver(case, run, resume=True)


def changed(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """Return what sets one of the numbers of a checkpoint, by the path of its names."""
    *path, last = name.split(".")

    def change(state: dict[str, Any]) -> None:
        numbers = json.loads(state["numbers"])
        node = numbers
        for part in path:
            node = node[part]
        node[last] = value
        state["numbers"] = json.dumps(numbers)

    return change


def without(name: str) -> Callable[[dict[str, Any]], None]:
    """Return what takes an entry out of a checkpoint."""
    return lambda state: state.__delitem__(name)


def array(name: str, make: Callable[[Any], Any]) -> Callable[[dict[str, Any]], None]:
    """Return what changes an array of a checkpoint."""
    return lambda state: state.__setitem__(name, make(state[name]))


WRONG: dict[str, Callable[[dict[str, Any]], None]] = {
    "no numbers": without("numbers"),
    "no JSON": lambda state: state.__setitem__("numbers", "{"),
    "deep JSON": lambda state: state.__setitem__("numbers", "[" * 100_000),
    "a list": lambda state: state.__setitem__("numbers", "[]"),
    "no rows": without("rows"),
    "rows in words": lambda state: state.__setitem__("rows", "many"),
    "negative rows": lambda state: state.__setitem__("rows", -1),
    "no distance": without("array_d"),
    "another grid": array("array_d", lambda d: np.zeros((3, 3, 3))),
    "no number in a field": array("array_c", lambda c: np.full_like(c, np.nan)),
    "complex numbers": array("array_c", lambda c: c.astype(complex)),
    "a step beyond the protocol": changed("position.step", 7),
    "a step before the protocol": changed("position.step", -1),
    "no place": changed("position", {}),
    "endless time": changed("position.elapsed", float("inf")),
    "time in words": changed("state.t", "late"),
    "a foreign number": changed("state.front", 1.0),
    "no control": changed("control", []),
    "foreign control": changed("control.nonsense", 1),
}


@pytest.mark.parametrize("how", WRONG)
def test_a_checkpoint_of_wrong_content_is_one_line(case: Case, run: Path, how: str) -> None:
    """Its checksum is right: the program wrote it, or somebody who can compute one."""
    state = read_checkpoint(run)
    WRONG[how](state)
    write_checkpoint(run, state)
    with pytest.raises(ResultError, match="start again with --overwrite") as caught:
        Driver(case, run, resume=True)
    assert "\n" not in str(caught.value)
    assert "does not hold a state of this case" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [("state.t", 150.0, "time"), ("state.applied", 1.0, "charge_applied"), ("control.steps", 3, "steps"),
     ("state.side", 2.0, "charge_side"), ("control.last_frame", 50.0, "time of the last frame")],
)  # fmt: skip
def test_a_checkpoint_that_does_not_fit_its_results_says_what_differs(
    case: Case, run: Path, name: str, value: float, says: str
) -> None:
    state = read_checkpoint(run)
    changed(name, value)(state)
    write_checkpoint(run, state)
    with pytest.raises(ResultError, match=rf"not of one run \({says}: ") as caught:
        Driver(case, run, resume=True)
    assert "start again with --overwrite" in str(caught.value)


def test_a_surface_that_is_not_that_of_the_results_is_refused(case: Case, run: Path) -> None:
    state = read_checkpoint(run)
    state["array_d"] = np.asarray(state["array_d"]) + 1e-7
    write_checkpoint(run, state)
    with pytest.raises(ResultError, match=r"lithium_volume: "):
        Driver(case, run, resume=True)


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_a_pipe_in_place_of_a_checkpoint_is_refused_at_once(case: Case, run: Path, name: str) -> None:
    (run / name).unlink()
    os.mkfifo(run / name)
    with pytest.raises(ResultError, match=rf"{name}: is a pipe"):
        Driver(case, run, resume=True)


def test_a_terminal_that_has_gone_does_not_end_a_run(case: Case, tmp_path: Path) -> None:
    told = []

    def gone(progress: Any) -> None:
        told.append(progress.step)
        raise OSError(5, "Input/output error")

    assert Driver(case, tmp_path / "run", progress=gone).run().reason == "end"
    assert told == [1]
