"""Runs that are killed, stopped, resumed, threaded: the end is the same to the bit."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import h5py
import modelcases as cases
import numba
import numpy as np
import pytest
from modelcases import same

from phasefield.case import Case
from phasefield.errors import Interrupted, ResultError, SolverError
from phasefield.machine.processes import STOP_SIGNALS
from phasefield.results.run import open_run
from phasefield.simulation.driver import Driver, next_save

SOURCE = Path(__file__).parents[2]
# Patches, growth, a wave, salt that matters, and checkpoints after every step: all that a restart must carry.
SETTINGS = (
    'grid.size=["16 um", "16 um", "24 um"]',
    'surface.wave={ amplitude="1 um", wavelength="16 um" }',
    'surface.roughness="0.2 um"',
    'surface.correlation_length="4 um"',
    "surface.seed=3",
    'electrolyte.salt_diffusivity="1e-11 m^2/s"',
    'electrolyte.concentration_dependence="nernst-einstein"',
    'film.conductivity="2e-5 S/m"',
    'film.patches={ spread=0.5, size="6 um", renewal="0.2 um" }',
    'film.growth={ law="square-root", coefficient="1e-18 m^2/s", molar_volume="2e-5 m^3/mol" }',
    'protocol.steps=[{ current="30 A/m^2", duration="100 s" }, '
    '{ current="-30 A/m^2", capacity="0.7 mAh/m^2" }, '
    '{ rest="10 s" }, '
    '{ voltage="0.05 V", duration="30 s", until_current="11.2 A/m^2" }, '
    '{ voltage="-0.04 V", capacity="30 mAh/m^2" }]',
    "protocol.repeat=2",
    'numerics.max_step="6 s"',
    'output.fields_every="30 s"',
    'output.checkpoint_every="0.001 s"',
)

CHILD = """
import sys
import numba
from pathlib import Path
from phasefield.case.file import read_case
from phasefield.simulation.driver import Driver
numba.set_num_threads(int(sys.argv[3]))
folder = Path(sys.argv[2])
print("ready", flush=True)
Driver(read_case(Path(sys.argv[1])), folder, resume=sys.argv[4] == "resume").run()
print("done", flush=True)
"""


@pytest.fixture(scope="module")
def case() -> Case:
    return cases.make(*SETTINGS)


@pytest.fixture(scope="module")
def whole(case: Case, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run that was never stopped."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert Driver(case, folder).run().reason == "end"
    return folder


def child(case_file: Path, folder: Path, threads: int, resume: bool) -> subprocess.Popen[str]:
    path = os.pathsep.join(part for part in (str(SOURCE), os.environ.get("PYTHONPATH", "")) if part)
    return subprocess.Popen(
        [
            sys.executable,
            "-c",
            CHILD,
            str(case_file),
            str(folder),
            str(threads),
            "resume" if resume else "new",
        ],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def killed_and_resumed(case: Case, folder: Path, kills: int, seed: int) -> int:
    """Kill a run at random moments until it ends.

    Other threads after each kill. Return how often it was killed.
    """
    rng = random.Random(seed)
    case_file = folder.parent / "case.toml"
    case_file.write_text(case.resolved_toml(), encoding="utf-8")
    done = 0
    most = numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]
    for attempt in range(10 * kills):
        resume = any((folder / name).exists() for name in ("checkpoint-a.bin", "checkpoint-b.bin"))
        if not resume and folder.exists():
            for name in folder.iterdir():
                name.unlink()
            folder.rmdir()
        process = child(case_file, folder, 1 + attempt % most, resume)
        assert process.stdout is not None
        process.stdout.readline()
        if done < kills:
            # Steps take about 20 ms; the run about 2 s, once the kernels are loaded.
            killer = threading.Timer(rng.uniform(0.2, 1.5), process.kill)
            killer.start()
            rest = process.stdout.read()
            process.wait()
            killer.cancel()
            if (folder / "result.vtkhdf").exists() and process.returncode != 0:
                with h5py.File(folder / "result.vtkhdf", "r") as file:  # it opens, whenever the kill came
                    assert "run" in file
        else:
            rest = process.stdout.read()
            process.wait()
        process.stdout.close()
        if "done" in rest:
            return done
        assert process.returncode == -signal.SIGKILL, rest
        done += 1  # noqa: SIM113
    raise AssertionError("the run does not end")


def test_a_run_killed_and_resumed_ends_the_same(case: Case, whole: Path, tmp_path: Path) -> None:
    assert killed_and_resumed(case, tmp_path / "run", 3, 1) >= 1
    same(whole, tmp_path / "run")


@pytest.mark.slow
def test_a_run_killed_twenty_times_ends_the_same(case: Case, whole: Path, tmp_path: Path) -> None:
    kills = 0
    for seed in range(2, 40):
        folder = tmp_path / str(seed)
        folder.mkdir()
        kills += killed_and_resumed(case, folder / "run", 4, seed)
        same(whole, folder / "run")
        if kills >= 20:
            return
    raise AssertionError(f"only {kills} kills came before the end of a run")


def test_one_thread_and_many_give_the_same_bits(
    case: Case, whole: Path, tmp_path: Path, threads: tuple[int, int]
) -> None:
    numba.set_num_threads(threads[1])
    Driver(case, tmp_path / "run").run()
    same(whole, tmp_path / "run")


def test_stopped_at_every_few_steps_and_resumed_ends_the_same(
    case: Case, whole: Path, tmp_path: Path
) -> None:
    """Each stop makes a new `LevelSetLaw`: nothing that a step reads may live outside the checkpoint."""
    folder = tmp_path / "run"
    resume, stops = False, 0
    while True:
        driver = Driver(case, folder, resume=resume)
        first = driver.control.steps

        def stop(progress: Any, driver: Driver = driver, first: int = first) -> None:
            if progress.step >= first + 5:
                driver.stop_signal = signal.SIGTERM

        driver.progress = stop
        try:
            driver.run()
        except Interrupted:
            resume, stops = True, stops + 1
            continue
        break
    assert stops >= 8
    same(whole, folder)


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_a_signal_saves_and_interrupts(case: Case, tmp_path: Path, number: signal.Signals) -> None:
    sent: list[int] = []

    def send(progress: Any) -> None:
        if progress.step == 3:
            sent.append(progress.step)
            os.kill(os.getpid(), number)

    driver = Driver(case, tmp_path / "run", progress=send)
    before = signal.getsignal(number)
    with pytest.raises(Interrupted, match=number.name):
        driver.run()
    assert sent == [3]
    assert signal.getsignal(number) is before
    with open_run(tmp_path / "run") as stored:
        assert stored.n_steps in (4, 5)  # the start, and the step in which it came
        assert not stored.finished
    again = Driver(case, tmp_path / "run", resume=True)
    assert again.control.steps == driver.control.steps
    assert again.state.t == driver.state.t


def test_walltime_saves_and_interrupts(case: Case, tmp_path: Path) -> None:
    with pytest.raises(Interrupted, match="wall time"):
        Driver(case, tmp_path / "run", walltime=0.0).run()
    assert Driver(case, tmp_path / "run", resume=True).control.steps == 1


def test_another_case_is_not_resumed(case: Case, whole: Path) -> None:
    with pytest.raises(ResultError, match="another case"):
        Driver(cases.make(*SETTINGS, "kinetics.transfer_coefficient=0.4"), whole, resume=True)


def test_a_failed_run_keeps_its_last_good_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from phasefield.errors import SolverError
    from phasefield.model.level_set import LevelSetLaw

    step = LevelSetLaw.step

    def fails(self: LevelSetLaw, s: Any, drive: Any, dt: float) -> Any:
        if s.t > 150.0:
            raise SolverError("a stage failed on purpose")
        return step(self, s, drive, dt)

    monkeypatch.setattr(LevelSetLaw, "step", fails)
    outcome = cases.run(cases.make('numerics.max_step="20 s"'), tmp_path / "run")
    assert not outcome.good
    assert "on purpose" in outcome.text
    with open_run(tmp_path / "run") as stored:
        assert stored.series["time"][-1] == pytest.approx(160.0, rel=1e-12)
        assert not stored.finished


def test_a_step_is_stored_even_if_the_limit_cannot_be_imposed_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from phasefield.errors import SolverError
    from phasefield.model.level_set import LevelSetLaw

    drive = LevelSetLaw.drive

    def fails(self: LevelSetLaw, s: Any, wanted: Any) -> None:
        if wanted.current is None:
            # As a solver leaves it that gives up after the film was renewed.
            s.phi += 1.0
            s.film.N += 1.0
            s.film.left = 0.0
            s.resistance = 2.0 * s.resistance
            raise SolverError("no limit on purpose")
        drive(self, s, wanted)

    monkeypatch.setattr(LevelSetLaw, "drive", fails)
    case = cases.make(
        'electrolyte.salt_diffusivity="2e-12 m^2/s"',
        'film.conductivity="2e-4 S/m"',
        'protocol.voltage_limit="0.1 V"',
        'protocol.stop_on=["short_circuit", "exhausted"]',
        'output.fields=["potential"]',
        'protocol.steps=[{ current = "30 A/m^2", duration = "400 s" }]',
    )
    shown: list[int] = []
    driver = Driver(case, tmp_path / "run", progress=lambda progress: shown.append(progress.step))
    outcome = driver.run()
    assert outcome.reason == "failed"
    assert "no limit on purpose" in outcome.text
    with open_run(tmp_path / "run") as stored:
        assert stored.n_steps == outcome.steps + 1 == shown[-1] + 1
        assert stored.series["time"][-1] == stored.times[-1] == stored.summary["time"] == driver.state.t
        assert stored.series["voltage"][-1] == pytest.approx(0.1, rel=1e-3)
        # Nothing is left of what the failure did.
        assert abs(stored.field("potential")).max() < 0.5
    assert not driver.state.film.N.any()
    assert driver.state.film.left == np.inf
    resistance, _ = driver.cell.film.at_surface(driver.state.film, driver.state.front)
    np.testing.assert_array_equal(driver.state.resistance, resistance)
    monkeypatch.undo()
    assert Driver(case, tmp_path / "run", resume=True).run().reason == "end"
    with open_run(tmp_path / "run") as stored:
        assert stored.series["time"][-1] == pytest.approx(400.0, rel=1e-9)


def test_rejected_steps_are_halved_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from phasefield.errors import SolverError
    from phasefield.model.level_set import LevelSetLaw

    step = LevelSetLaw.step
    tried: list[float] = []

    def picky(self: LevelSetLaw, s: Any, drive: Any, dt: float) -> Any:
        tried.append(dt)
        if dt > 30.0:
            raise SolverError("too long")
        return step(self, s, drive, dt)

    monkeypatch.setattr(LevelSetLaw, "step", picky)
    assert cases.run(cases.make('numerics.max_step="100 s"'), tmp_path / "run").reason == "end"
    assert tried[:3] == pytest.approx([100.0, 50.0, 25.0])
    with open_run(tmp_path / "run") as stored:
        assert stored.series["rejected"][1] == 2
        assert stored.series["time"][-1] == pytest.approx(600.0, rel=1e-12)


def test_a_stage_that_only_a_thousandth_of_a_step_solves_is_passed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a furrow of PLL short of salt, where the current turns: 1200 s and 9 s failed, 1 s did not."""
    from phasefield.errors import SolverError
    from phasefield.model.level_set import LevelSetLaw

    step = LevelSetLaw.step

    def depleted(self: LevelSetLaw, s: Any, drive: Any, dt: float) -> Any:
        if s.t == 0.0 and dt > 0.1:
            raise SolverError("no salt")
        return step(self, s, drive, dt)

    monkeypatch.setattr(LevelSetLaw, "step", depleted)
    assert cases.run(cases.make('numerics.max_step="100 s"'), tmp_path / "run").reason == "end"


@pytest.mark.parametrize("step", ['duration="1 h"', 'until_voltage="4 V"'])
def test_a_run_that_makes_no_way_ends_and_says_so(step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from phasefield.simulation.step_control import StepController

    longest = StepController.longest
    monkeypatch.setattr(StepController, "longest", lambda self, s: 1e-8 if s.t > 20.0 else longest(self, s))
    case = cases.make('numerics.max_step="5 s"', f'protocol.steps=[{{ current="10 A/m^2", {step} }}]')
    outcome = cases.run(case, tmp_path / "run")
    assert outcome.reason == "failed"
    assert "the last 300 steps took 3e-06 s together" in outcome.text
    assert outcome.steps <= 600


def test_many_short_pulses_before_a_long_rest_are_no_standstill(tmp_path: Path) -> None:
    steps = '{ voltage="0.1 V", duration="1e-4 s" }, { voltage="-0.1 V", duration="1e-4 s" }, ' * 160
    old = 'steps = [ { current = "10 A/m^2", duration = "600 s" } ]'
    assert old in cases.BASE
    case = cases.make(text=cases.BASE.replace(old, f'steps = [ {steps}{{ rest="10 h" }} ]'))
    outcome = cases.run(case, tmp_path / "run")
    assert outcome.reason == "end"
    assert outcome.steps > 320


def test_what_closed_the_balances_is_told(whole: Path) -> None:
    from phasefield.results.summary import corrections_text, facts

    with open_run(whole) as stored:
        series, found = stored.series, stored.corrections()
        assert found is not None
        assert stored.summary["corrections"] == found
        assert series["salt_correction"][0] == series["volume_correction"][0] == 0.0
        assert np.all(series["salt_correction"] >= 0.0)
        assert np.all(series["volume_correction"][1:] > 0.0)
        assert found["salt"] == series["salt_correction"].max() < 1e-3
        resting = np.abs(series["current_density"]) < 1e-6
        assert resting.sum() >= 4
        assert found["lithium"] == series["volume_correction"][~resting].max() < 0.01
        assert found["lithium_at_rest"] == series["volume_correction"][resting].max()
        assert ("closed by", corrections_text(stored)) in facts(stored)
        assert f"salt {found['salt']:.1e} of it, lithium {found['lithium']:.1e}" in corrections_text(stored)


def test_a_summary_written_again_after_the_end_is_the_same(case: Case, whole: Path) -> None:
    """Resuming a run that is complete changes nothing."""
    import json

    before = json.loads((whole / "summary.json").read_text())
    assert Driver(case, whole, resume=True).run().reason == "end"
    after = json.loads((whole / "summary.json").read_text())
    told = {"wall_time", "seconds_per_step", "peak_memory", "origin"}
    differ = {k for k in before if before[k] != after[k]} - told
    assert not differ


def test_a_step_that_fails_for_another_reason_leaves_the_state_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The voltage limit is tried, would drive far more than the imposed current, and is taken back."""
    driver = Driver(cases.make(), tmp_path / "run")
    driver._impose()
    before = driver.state.voltage, driver.current, driver.state.phi.copy(), driver.state.jc.copy()

    def fail(*_: object) -> None:
        raise SolverError("made to fail")

    monkeypatch.setattr(driver.controller, "take_step", fail)
    outcome = driver.run()
    assert "made to fail" in outcome.text
    assert not driver.control.limited
    assert (driver.state.voltage, driver.current) == before[:2]
    assert np.array_equal(driver.state.phi, before[2])
    assert np.array_equal(driver.state.jc, before[3])


def test_long_saves_are_made_so_seldom_that_they_take_two_per_cent_of_the_time() -> None:
    assert next_save(60.0, 100.0, 100.9) == pytest.approx(160.9)
    assert next_save(60.0, 100.0, 101.1) == pytest.approx(161.1)  # 2 % of 60 s are 1.2 s
    assert next_save(60.0, 100.0, 104.0) == pytest.approx(104.0 + 200.0)
    assert next_save(1e-3, 100.0, 100.5) == pytest.approx(100.501)  # what is asked for, where saves are short
