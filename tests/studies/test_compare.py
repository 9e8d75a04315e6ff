"""Cases side by side: made in parallel, used again, stopped together, beside what was measured."""

from __future__ import annotations

import csv
import json
import math
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from commands import ENDLESS, call, start, write_case

import phasefield
from phasefield import api
from phasefield.errors import PhasefieldError, ResultError
from phasefield.machine import processes
from phasefield.machine.processes import Job, run_all
from phasefield.studies import compare, targets


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two compared runs; tests only read it."""
    folder = tmp_path_factory.mktemp("pair")
    cases = [write_case(folder, "one", "pll"), write_case(folder, "two", "pllz")]
    rows = compare.compare_runs([str(case) for case in cases], folder / "runs")
    assert [row["name"] for row in rows] == ["one", "two"]
    return folder


def test_it_writes_a_picture_a_table_and_both_runs(pair: Path) -> None:
    assert (pair / "runs/compare.png").read_bytes().startswith(b"\x89PNG")
    rows = json.loads((pair / "runs/compare.json").read_text())
    for row in rows:
        with phasefield.open_run(row["folder"]) as run:
            assert run.finished
            assert row["Sz"] == run.series["Sz"][-1]
            assert row["steps"] == run.n_steps - 1
        assert row["calibrated"] == {"film.patches.spread": "0.3"}
    assert rows[0]["measured"]["voltage_text"] == "200 at the start"  # two hours are not 780, nor 110
    table = list(csv.reader((pair / "runs/compare.csv").read_text().splitlines()))
    head = table[0]
    assert float(table[2][head.index("Sz [m]")]) == rows[1]["Sz"]
    assert float(table[2][head.index("measured voltage_start [V]")]) == 0.160
    assert table[2][head.index("measured Sz [m]")] == ""


def test_a_second_time_uses_what_is_there(pair: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = [(pair / "runs" / name / "result.vtkhdf").stat().st_mtime_ns for name in ("one", "two")]
    assert call("compare", pair / "one.toml", pair / "two.toml", "--out", pair / "runs") == 0
    assert before == [(pair / "runs" / name / "result.vtkhdf").stat().st_mtime_ns for name in ("one", "two")]
    said = capsys.readouterr().out
    assert "Running" not in said
    assert "> 200" not in said
    for word in ("200 at the start", "about 160, flat", "Ratio of Sz, one / two", "ledger error, salt",
                 "Calibrated in one: film.patches.spread = 0.3", "compare.png"):  # fmt: skip
        assert word in said, word


def test_stored_runs_are_compared_as_they_are(pair: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("compare", pair / "runs/one", pair / "runs/two", "--out", "elsewhere") == 0
    assert Path("elsewhere/compare.png").exists()
    assert call("compare", pair / "runs/one", pair / "runs/one", "--out", "elsewhere") == 2
    assert "twice" in capsys.readouterr().err


def test_a_folder_of_another_case_is_refused(pair: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [pair / "one.toml", pair / "two.toml", "--out", pair / "runs", "-s", "protocol.repeat=2"]
    assert call("compare", *words) == 2
    error = capsys.readouterr().err
    assert "another case" in error
    assert "--overwrite" in error
    entries = compare.plan([str(pair / "one.toml")], pair / "runs", [])
    job = compare.job_of(entries[0], overwrite=True)
    assert job is not None
    assert "--overwrite" in job.arguments


def test_names_and_folders_are_told_apart() -> None:
    Path("a").mkdir()
    Path("b").mkdir()
    cases = [str(write_case(Path(folder))) for folder in "ab"]
    entries = compare.plan(cases, Path("out"), [])
    assert [(entry.name, entry.folder) for entry in entries] == [
        ("tiny", Path("out/tiny")),
        ("tiny-2", Path("out/tiny-2")),
    ]


def test_cores_and_memory_are_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = compare.plan([str(write_case(Path.cwd(), name)) for name in ("a", "b", "c")], Path("out"), [])
    assert compare.share(entries, jobs=2, threads=2) == 2
    assert compare.share(entries, jobs=1, threads=2) == 1
    assert compare.share(entries, jobs=3, threads=2) == 2
    assert compare.share(entries, jobs=2, threads=8) == 2
    case = entries[0].case
    assert case is not None
    monkeypatch.setattr(compare, "available_memory", lambda: 1.5 * case.grid.memory)
    assert compare.share(entries, jobs=2, threads=8) == 1


def test_a_failed_child_lets_the_others_finish() -> None:
    good = Job("good", Path("good"), [str(write_case(Path.cwd()))])
    bad = Job("bad", Path("bad"), ["nothing.toml"])
    said: list[tuple[str, str]] = []
    with pytest.raises(PhasefieldError, match=r"nothing\.toml: no such file"):
        run_all([bad, good], 2, 1, lambda name, report: said.append((name, str(report.get("say", "")))))
    assert ("bad", "failed") in said
    assert ("good", "done") in said
    with phasefield.open_run("good") as run:
        assert run.finished


def test_threads_are_dealt_out_anew_when_a_run_begins_or_ends() -> None:
    given: dict[str, list[int]] = {"one": [], "two": []}

    class Input:
        def __init__(self, name: str) -> None:
            self.name = name

        def write(self, text: str) -> None:
            given[self.name].append(int(text))

        def flush(self) -> None:
            pass

    def child(name: str, threads: int, most: int) -> Any:
        process = SimpleNamespace(stdin=Input(name))
        return SimpleNamespace(process=process, threads=threads, job=Job(name, Path(name), [], most))

    one, two = child("one", 4, 3), child("two", 2, 9)
    processes._share([one, two], 4)
    assert given == {"one": [2], "two": []}
    processes._share([two], 4)
    processes._share([two], 4)
    assert given == {"one": [2], "two": [4]}
    processes._share([one], 4)  # a small grid has no use for more
    assert given == {"one": [2, 3], "two": [4]}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_every_child_resumable(number: signal.Signals, tmp_path: Path) -> None:
    write_case(tmp_path, "one")
    write_case(tmp_path, "two")
    parent = start(tmp_path, "compare", "one.toml", "two.toml", *ENDLESS)
    at_once = ("one", "two")[: api.cores()]  # a single processor takes them one after the other
    folders = [tmp_path / "runs" / name for name in at_once]
    assert parent.stdout is not None
    waiting = set(at_once)
    while waiting:  # until each has said how far it is
        line = parent.stdout.readline()
        assert line, "the comparison ended by itself"
        waiting -= set(line.split()[:1])
    parent.send_signal(number)
    _, error = parent.communicate(timeout=400)  # it gives its children 120 s to save and stop
    assert parent.returncode == 75
    assert error.strip().endswith("continue with: phasefield compare one.toml two.toml " + _quoted(ENDLESS))
    for folder in folders:
        assert not (folder / "summary.json").exists()
        with phasefield.open_run(folder) as run:
            assert run.n_steps > 1  # saved when it was asked to stop, not only at the start
        entry = compare.plan([str(tmp_path / f"{folder.name}.toml")], tmp_path / "runs", _texts(ENDLESS))[0]
        job = compare.job_of(entry, overwrite=False)
        assert job is not None
        assert job.arguments[-1] == "--resume"


def _quoted(words: list[str]) -> str:
    import shlex

    return shlex.join(words)


def _texts(words: list[str]) -> list[str]:
    return [word for word in words if word != "-s"]


def test_measured_values_stand_only_beside_runs_like_the_measured_ones(pair: Path) -> None:
    with phasefield.open_run(pair / "runs/one") as run:
        found = targets.measured_for(run)
        assert found["voltage_start"] == 0.2
        assert not {"Sz", "Sz_text", "voltage_end", "failed"} & set(found)  # two hours are not 780
        run.attrs["resolved_case"] = run.resolved_case.replace(
            'current = "2.0 A/m^2"', 'current = "150.0 A/m^2"'
        )
        assert targets.measured_for(run) == {}
        current = run.resolved_case.replace('current = "150.0 A/m^2"', 'current = "2.0 A/m^2"')
        assert 'temperature = "303.15 K"' in current
        run.attrs["resolved_case"] = current.replace('temperature = "303.15 K"', 'temperature = "333.15 K"')
        assert targets.measured_for(run) == {}


def _run_of(name: str, hours: float) -> Any:
    time = 3600.0 * np.linspace(0.0, hours, 1561)
    tables = {"electrolyte": {"name": name}, "protocol": {"steps": [{"current": "2.0 A/m^2"}]}}
    return SimpleNamespace(tables=tables, n_steps=len(time), series={"time": time, "voltage": 0.2 + time / 3.6e6})


def test_measured_values_stand_beside_the_simulation_at_their_time() -> None:
    whole = targets.measured_for(_run_of("PLL", 780.0))
    assert (whole["Sz_text"], whole["bounds"]) == ("> 200", ("Sz",))
    assert whole["end_time"] == whole["failed"] == 110.0 * 3600.0
    assert whole["simulated_then"] == pytest.approx(0.2 + 0.110, abs=1e-3)
    assert whole["voltage_text"] == "200 \N{RIGHTWARDS ARROW} 1000 at 110 h (simulated 310)"
    part = targets.measured_for(_run_of("PLL", 120.0))
    assert "Sz" not in part
    assert part["voltage_end"] == 1.0
    flat = targets.measured_for(_run_of("PLLZ", 120.0))
    assert flat["end_time"] == 120.0 * 3600.0
    assert flat["voltage_text"] == "about 160, flat"
    assert "voltage_end" not in targets.measured_for(_run_of("PLLZ", 1000.0))


def test_where_nothing_was_measured_there_is_no_row(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("compare", write_case(Path.cwd(), "a", "lhci"), write_case(Path.cwd(), "b", "dlhci")) == 0
    assert "measured" not in capsys.readouterr().out


def test_a_run_without_steps_cannot_be_compared() -> None:
    from storing import SHAPE, create

    create(Path("empty"), SHAPE)
    with pytest.raises(ResultError, match="no step yet"):
        compare.compare_runs(["empty"], Path("out"))
    with pytest.raises(PhasefieldError, match="no such file"):
        compare.compare_runs(["nothing"], Path("out"))


@pytest.mark.slow
def test_seeds_give_a_ratio_its_band(capsys: pytest.CaptureFixture[str]) -> None:
    """Two cases with three seeds each: the band is that of Student's t, recomputed here from the stored runs."""
    from scipy.stats import t as student

    cases = [write_case(Path.cwd(), name) for name in ("one", "two")]
    cases[1].write_text(cases[1].read_text().replace("spread = { value = 0.3", "spread = { value = 0.6"))
    assert call("compare", *cases, "--out", "runs", "--seeds", "3", "--threads", "1") == 0
    said = " ".join(capsys.readouterr().out.split())
    sz: dict[str, list[float]] = {name: [] for name in ("one", "two")}
    for name, values in sz.items():
        for folder in (name, f"{name}-seed2", f"{name}-seed3"):
            with phasefield.open_run(Path("runs") / folder) as run:
                values.append(float(run.series["Sz"][-1]))
        assert len(set(values)) == 3
    ratio = np.array(sz["one"]) / np.array(sz["two"])
    half = student.ppf(0.975, 2) * ratio.std(ddof=1) / math.sqrt(3)
    assert f"Ratio of Sz, one / two: {ratio.mean():.3g}, mean of 3 seeds" in said
    assert f"95 % band {ratio.mean() - half:.3g} to {ratio.mean() + half:.3g}" in said
    assert call("compare", *cases, "--out", "runs", "--threads", "1") == 0
    assert "from one seed of each" in capsys.readouterr().out
    assert call("compare", "runs/one", "runs/two", "--out", "runs", "--seeds", "2") == 2
    assert "is a stored run" in capsys.readouterr().err
