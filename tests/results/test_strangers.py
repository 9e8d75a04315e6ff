"""Runs of strangers: what their files say is believed only where its type, number and size are those of a run."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import h5py
import pytest
from commands import call
from storing import SHAPE, create, record

from phasefield.errors import ResultError
from phasefield.results.checkpoint import CHECKPOINTS, has_checkpoint, read_checkpoint, write_checkpoint
from phasefield.results.run import open_run
from phasefield.results.writer import RESULT, RunWriter

EVENT = {"event": "void", "time": 1.0, "text": "t", "end": None, "end_text": ""}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    writer = create(tmp_path / "run", SHAPE)
    record(writer, 0, 7, 3)
    return tmp_path / "run"


@pytest.mark.parametrize(
    "content",
    [
        {"wall_time": "x"}, {"wall_time": math.inf}, {"wall_time": 1}, {"peak_memory": "a"}, {"events": 5},
        {"events": [{"event": ["a"], "time": "x"}]}, {"events": [{"event": "a", "time": "x", "end": None}]},
        {"events": [{**EVENT, "event": f"e{k}"} for k in range(3000)]}, {"event_counts": {"a": "x"}},
        {"event_counts": [1]}, {"Sz": "high"}, {"title": 5}, {"events": [{**EVENT, "event": "a" * 101}]},
    ],
)  # fmt: skip
def test_a_summary_of_other_types_is_ignored(
    folder: Path, content: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "summary.json").write_text(json.dumps(content))
    assert call("show", folder) == 0
    assert "bug" not in capsys.readouterr().err
    with open_run(folder) as run:
        assert run.finished is False


def test_a_summary_with_an_event_is_shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "summary.json").write_text(json.dumps({"finished": True, "text": "done", "events": [EVENT]}))
    assert call("show", folder) == 0
    assert "void at 1 s" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("fields", json.dumps([f"f{k}" for k in range(300_000)]), "the names of its fields"),
        ("fields", json.dumps(["xi", "xi"]), "the names of its fields"),
        ("spacing", 1e300, "is not that of a run"),
        ("spacing", 1e-200, "is not that of a run"),
    ],
)
def test_attributes_that_no_run_has_are_refused(
    folder: Path, name: str, value: Any, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with h5py.File(folder / RESULT, "r+") as file:
        del file["run"].attrs["checksums"]  # an older file has none
        file["run"].attrs[name] = value
    assert call("show", folder) == 2
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1


def test_a_case_of_deep_keys_is_left_out_at_once(folder: Path) -> None:
    with h5py.File(folder / RESULT, "r+") as file:
        del file["run"].attrs["checksums"]
        file["run"].attrs["resolved_case"] = "a" + ".a" * 20_000 + " = 1"
    with open_run(folder) as run:
        assert run.tables == {}
    assert call("show", folder) == 0


@pytest.mark.parametrize("value", [math.nan])
def test_pictures_of_damaged_heights_and_series_are_one_line_or_drawn(
    folder: Path, value: float, capsys: pytest.CaptureFixture[str]
) -> None:
    with h5py.File(folder / RESULT, "r+") as file:
        file["run/surface/height"][-1] = value
        for series in file["run/series"].values():
            series[:] = value
    for words in (("html", folder), ("render", folder)):
        call(*words)
        assert "bug" not in capsys.readouterr().err


def test_a_checkpoint_that_claims_more_than_it_holds_is_refused(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, {"rows": 1})
    path = next(tmp_path / name for name in CHECKPOINTS if (tmp_path / name).exists())
    with path.open("r+b") as file:
        file.truncate(1 << 42)  # sparse: it takes no room
    assert has_checkpoint(tmp_path)
    with pytest.raises(ResultError, match="cut short"):
        read_checkpoint(tmp_path)


def test_what_a_check_refuses_is_not_cut(folder: Path) -> None:
    before = (folder / RESULT).read_bytes()

    def refuse(writer: RunWriter) -> None:
        assert writer.n_rows == 3
        raise ResultError("not of one run")

    with pytest.raises(ResultError, match="not of one run"):
        RunWriter.resume(folder, 3, 1, refuse)
    assert (folder / RESULT).read_bytes() == before


def test_a_run_without_a_checkpoint_is_not_advised_to_go_on(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("show", folder) == 0
    said = capsys.readouterr().out
    assert "It has no checkpoint: start it again" in said
    assert "--resume" not in said
