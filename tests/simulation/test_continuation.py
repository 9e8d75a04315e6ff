"""A run goes on with more repeats: to the bit the run that had them from the beginning, and nothing else may differ."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import modelcases as cases
import pytest
from modelcases import same

from phasefield.case import Case
from phasefield.errors import Interrupted, ResultError
from phasefield.results.checkpoint import CHECKPOINTS
from phasefield.results.run import open_run
from phasefield.results.writer import SUMMARY
from phasefield.simulation import driver as module
from phasefield.simulation.continuation import continued_case
from phasefield.simulation.driver import Driver

STEPS = (
    'protocol.steps=[{ current = "20 A/m^2", duration = "100 s" }, { voltage = "-0.1 V", capacity = "1 mAh/m^2" }, '
    '{ rest = "7 s" }]'
)
EVERY = 'output.fields_every="90 s"'  # no frame is due at the end of a repeat


def of(repeat: int, *more: str) -> Case:
    return cases.make(STEPS, EVERY, f"protocol.repeat={repeat}", *more)


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a finished run of two repeats; use a copy."""
    folder = tmp_path_factory.mktemp("short") / "run"
    assert Driver(of(2), folder).run().reason == "end"
    return folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run that had five repeats from the beginning."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert Driver(of(5), folder).run().reason == "end"
    return folder


@pytest.fixture
def run(short: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(short, tmp_path / "run"))


def says_five(folder: Path) -> None:
    """Fail unless a run folder says everywhere that it has five repeats."""
    with open_run(folder) as stored:
        assert stored.finished
        assert stored.attrs["case_hash"] == of(5).hash
        assert stored.resolved_case == of(5).resolved_toml()
        assert not stored.damaged_attributes
    assert (folder / "case.toml").read_text() == of(5).resolved_toml()


def test_a_finished_run_goes_on_to_the_bit(run: Path, whole: Path) -> None:
    with open_run(run) as before, open_run(whole) as all_of_it:
        assert before.times[-1] not in all_of_it.times  # the frame of its end is one that the longer run does not have
    assert Driver(of(5), run, resume=True).run().reason == "end"
    same(run, whole)
    says_five(run)


def test_twice_more_is_as_good(run: Path, whole: Path) -> None:
    for repeat in (3, 5):
        assert Driver(of(repeat), run, resume=True).run().reason == "end"
    same(run, whole)
    says_five(run)


def test_a_stopped_run_takes_more_repeats_and_may_be_stopped_again(whole: Path, tmp_path: Path) -> None:
    for repeat, resume in ((2, False), (5, True), (5, True)):
        driver = Driver(of(repeat), tmp_path / "run", resume=resume)
        driver.progress = lambda p, driver=driver: setattr(driver, "stop_signal", 15 if p.step % 5 == 0 else None)
        with pytest.raises(Interrupted):
            driver.run()
        assert not (tmp_path / "run" / SUMMARY).exists()
    assert Driver(of(5), tmp_path / "run", resume=True).run().reason == "end"
    same(tmp_path / "run", whole)


class KilledError(Exception):
    """Stands for a kill."""


def killed(*_: Any, **__: Any) -> Any:
    raise KilledError


@pytest.mark.parametrize(
    "place",
    [
        lambda patch: patch.setattr(module, "attributes_of", killed),  # nothing is written
        lambda patch: patch.setattr("phasefield.results.writer.replace_file", killed),  # no summary any more
        lambda patch: patch.setattr(module, "replace_text", killed),  # results of five, case.toml of two
        lambda patch: patch.setattr(module.restart, "save_checkpoint", killed),  # checkpoints of two
    ],
)
def test_a_kill_while_it_begins_to_go_on_loses_nothing(
    place: Callable[[pytest.MonkeyPatch], None], run: Path, whole: Path
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        place(patch)
        with pytest.raises(KilledError):
            Driver(of(5), run, resume=True)
    with open_run(run) as stored:
        assert not (stored.finished and stored.attrs["case_hash"] == of(5).hash)
    assert Driver(of(5), run, resume=True).run().reason == "end"
    same(run, whole)
    says_five(run)


def test_the_checkpoint_of_fewer_repeats_serves_if_the_newer_one_is_damaged(run: Path, whole: Path) -> None:
    held = {name: (run / name).read_bytes() for name in CHECKPOINTS}
    Driver(of(5), run, resume=True)
    newer = next(name for name in CHECKPOINTS if (run / name).read_bytes() != held[name])
    (run / newer).write_bytes(b"nothing")
    assert Driver(of(5), run, resume=True).run().reason == "end"
    same(run, whole)


def test_frames_stay_as_far_apart_as_they_are(tmp_path: Path) -> None:
    """The default interval follows the planned time, which grows with the repeats."""

    def default(repeat: int, *more: str) -> Case:
        steps = 'protocol.steps=[{ current = "20 A/m^2", duration = "100 s" }, { rest = "7 s" }]'
        return cases.make(steps, f"protocol.repeat={repeat}", 'output.fields_every="none"', *more)

    every = default(2).output.fields_every
    assert default(4).output.fields_every == 2.0 * every
    assert Driver(default(2), tmp_path / "run").run().reason == "end"
    assert Driver(default(4), tmp_path / "run", resume=True).run().reason == "end"
    explicit = default(4, f'output.fields_every="{every!r} s"')
    assert Driver(explicit, tmp_path / "whole").run().reason == "end"
    same(tmp_path / "run", tmp_path / "whole")
    with pytest.raises(ResultError, match=r"it differs in output\.fields_every\)"):
        continued_case(default(5, 'output.fields_every="50 s"'), tmp_path / "run")


@pytest.mark.parametrize(
    ("repeat", "other", "says"),
    [
        (1, (), r"protocol\.repeat = 1 is below the 2 of this run; give at least -s protocol\.repeat=2"),
        (5, ("kinetics.exchange_current_density=\"31 A/m^2\"",), r"differs in kinetics\.exchange_current_density"),
        (5, ('protocol.steps[2].rest="8 s"',), r"differs in protocol\.steps\[2\]\.rest"),
        (2, ('protocol.steps[0].duration="200 s"',), r"differs in protocol\.steps\[0\]\.duration"),
        (5, ('protocol.steps=[{ rest = "1 s" }]',), r"differs in protocol\.steps\)"),
        (5, ('protocol.voltage_limit="4 V"', "protocol.stop_on=[]"), r"differs in protocol\.voltage_limit, protocol"),
        (5, ('film.thickness={value="20 nm", source="elsewhere"}',), "differs in the source of a value"),
        (5, ("output.fields=[]",), r"differs in output\.fields\)"),
        (5, ('title="other"',), r"differs in title\)"),
    ],
)
def test_nothing_else_slips_in(repeat: int, other: tuple[str, ...], says: str, run: Path) -> None:
    files = {path.name: path.read_bytes() for path in run.iterdir()}
    with pytest.raises(ResultError, match=says) as caught:
        Driver(of(repeat, *other), run, resume=True)
    assert "\n" not in str(caught.value)
    assert {path.name: path.read_bytes() for path in run.iterdir()} == files


def test_a_source_of_the_number_of_repeats_may_change(run: Path, whole: Path) -> None:
    said = of(5, 'protocol.repeat={value=5, source="as long as the cell lived", status="measured"}')
    assert Driver(said, run, resume=True).run().reason == "end"
    same(run, whole)


def test_an_event_that_ended_the_run_ends_it_again(tmp_path: Path) -> None:
    stops = ('protocol.voltage_limit="0.09 V"', 'protocol.steps=[{ current = "5 A/m^2", duration = "60 s" }, '
             '{ current = "50 A/m^2", duration = "60 s" }]')  # fmt: skip
    for repeat, resume, folder in ((1, False, "run"), (3, True, "run"), (3, False, "whole")):
        case = cases.make(*stops, EVERY, f"protocol.repeat={repeat}")
        assert Driver(case, tmp_path / folder, resume=resume).run().reason == "voltage_limit"
    same(tmp_path / "run", tmp_path / "whole")


def test_after_a_kill_while_it_begins_fewer_repeats_are_refused_by_name(run: Path) -> None:
    """Results of five and checkpoints of two."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "replace_text", killed)
        with pytest.raises(KilledError):
            Driver(of(5), run, resume=True)
    with pytest.raises(ResultError, match=r"protocol.repeat = 2 is below the 5 of this run"):
        Driver(of(2), run, resume=True)
