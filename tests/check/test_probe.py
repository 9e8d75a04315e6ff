"""The time of a step is measured once on the machine, kept, and made anew where it no longer holds; load scales it."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from phasefield.api import read_case
from phasefield.check import estimate as cost
from phasefield.check import probe, regime, survey
from phasefield.check.probe import REFERENCE, Speed, kept_speed, measure_speed, speed
from phasefield.kernels import _jit
from phasefield.machine import compilation, kernel_cache, load
from phasefield.simulation import driver  # noqa: F401  its kernels are loaded from where they are kept


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of kernels in which no speed is kept; the kernels themselves stay where they are."""
    monkeypatch.setattr(_jit, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(_jit, "compiled", lambda: True)
    speed.cache_clear()
    yield tmp_path
    speed.cache_clear()


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the small cells that are measured; each takes twice as long as on the machine of reference."""
    made: list[str] = []

    def measured(overrides: list[str], folder: Path) -> probe._Steps:
        made.append(folder.name)
        return probe._Steps(0.02, 0.12, 0.01)

    monkeypatch.setattr(probe, "_steps", measured)
    monkeypatch.setattr(probe, "slowdown", lambda: 2.0)
    return made


def test_a_machine_is_measured_once_and_the_answer_kept(cache: Path, steps: list[str]) -> None:
    assert kept_speed() is None
    found = speed()
    assert steps == ["small", "large", "stored"]
    assert found.step == pytest.approx(2.0 * REFERENCE.step)
    assert found.cell == pytest.approx(2.0 * REFERENCE.cell)
    assert found.frame == pytest.approx(0.12 / 2.0 - 0.02)  # beside other work; its step is not counted
    assert kept_speed() == found
    speed.cache_clear()
    assert speed() == found
    assert len(steps) == 3, "a second process reads it"


def test_another_processor_or_version_is_measured_anew(
    cache: Path, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    speed()
    for name, value in (("VERSION", "9.9"), ("os.cpu_count", 64)):
        if name == "VERSION":
            monkeypatch.setattr(probe, name, value)
        else:
            monkeypatch.setattr(probe.os, "cpu_count", lambda: 64)
        assert kept_speed() is None
        speed.cache_clear()
        assert speed() != REFERENCE
    assert len(steps) == 9


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"speed": 1}', '{"machine": 1, "speed": {"start": "nan"}}'])
def test_a_damaged_file_is_measured_anew(cache: Path, steps: list[str], text: str) -> None:
    (cache / probe.FILE).write_text(text)
    assert speed() != REFERENCE
    assert len(steps) == 3
    content = json.loads((cache / probe.FILE).read_text())
    content["speed"]["cell"] = -1.0
    (cache / probe.FILE).write_text(json.dumps(content))
    assert kept_speed() is None


def test_a_cache_that_cannot_be_written_is_no_error(
    cache: Path, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (cache / "file").write_text("")
    monkeypatch.setattr(_jit, "cache_folder", lambda: cache / "file")
    assert speed().measured
    monkeypatch.setattr(_jit, "cache_folder", lambda: cache)
    monkeypatch.setattr(kernel_cache, "_alone", True)  # of this process alone
    assert measure_speed() is not None
    assert not (cache / probe.FILE).exists()


def test_nothing_is_compiled_for_an_estimate(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def compiles(*_: object) -> None:
        compilation.TALLY.start()

    monkeypatch.setattr(probe, "_steps", compiles)
    assert speed() == REFERENCE
    assert compilation.TALLY.depth == 0
    assert not compilation.TALLY.refused
    monkeypatch.setattr(_jit, "compiled", lambda: False)
    monkeypatch.setattr(probe, "_steps", lambda *_: pytest.fail("no kernel is there"))
    speed.cache_clear()
    assert speed() == REFERENCE
    found = {one.name: one for one in regime(read_case("planar"))}
    assert "another machine" in found["wall time"].words
    assert found["compilation"].value >= compilation.KERNELS * compilation.EACH


def test_a_real_measurement_takes_seconds_and_logs_nothing(cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    begun = time.process_time()
    with caplog.at_level(logging.INFO, "phasefield"):
        found = measure_speed()
    assert found is not None
    assert time.process_time() - begun < 20.0  # 1.2 s once the kernels are loaded
    assert not caplog.records
    for name in probe.NAMES:
        ratio = getattr(found, name) / getattr(REFERENCE, name)
        assert 0.03 < ratio < 30.0, name  # a slow processor, or a loaded one
    assert not list(cache.glob("*.vtkhdf"))


def test_the_estimate_follows_machine_and_load(monkeypatch: pytest.MonkeyPatch) -> None:
    case = read_case("pllz", ["protocol.repeat=25"])
    monkeypatch.setattr(survey, "slowdown", lambda: 1.0)
    monkeypatch.setattr(cost, "speed", lambda: REFERENCE)

    def wall() -> tuple[float, str]:
        one = next(one for one in regime(case) if one.name == "wall time")
        return one.value, one.words

    first, words = wall()
    assert "other work" not in words
    expected = cost.estimate(case)
    assert first == pytest.approx(expected.start + 50 * expected.seconds_per_step + 4 * expected.seconds_per_frame)
    monkeypatch.setattr(survey, "slowdown", lambda: 2.0)
    assert wall()[0] == pytest.approx(2.0 * first)
    assert "other work makes it 2 times as long" in wall()[1]
    monkeypatch.setattr(cost, "speed", lambda: Speed(3.2, 0.0094, 44e-6, 0.5e-6, 0.03))
    assert wall()[0] == pytest.approx(4.0 * first, rel=0.1)  # frames are stored as fast


def test_load_is_wall_over_processor_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = {"wall": 0.0, "processor": 0.0}

    def wall() -> float:
        now["wall"] += 0.003
        now["processor"] += 0.001
        return now["wall"]

    monkeypatch.setattr(load, "_seen", None)
    monkeypatch.setattr(load.time, "perf_counter", wall)
    monkeypatch.setattr(load.time, "thread_time", lambda: now["processor"])
    assert load.slowdown() == pytest.approx(3.0, rel=0.05)
    assert load.slowdown() == pytest.approx(3.0, rel=0.05), "known for some seconds"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["planar", "wave", "tafel-dlhci", "polarisation-pllz"])
def test_the_estimate_is_what_comes(name: str, tmp_path: Path) -> None:
    import subprocess
    import sys

    expected = next(one for one in regime(read_case(name)) if one.name == "wall time").value
    begun = time.perf_counter()
    command = [sys.executable, "-m", "phasefield", "run", name, "-q", "--out", str(tmp_path / "run")]
    subprocess.run(command, check=True)
    # A factor of 1.5 on a quiet machine; the load that others make changes in the meantime.
    assert 0.5 < expected / (time.perf_counter() - begun) < 2.0
