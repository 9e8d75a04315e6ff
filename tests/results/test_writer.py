"""The results file: what VTK and h5py read back, kills, full disks, resumed runs, strange files."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from storing import FIELDS, SHAPE, SHAPE_2D, contents, create, frame_of, record, row_of

from phasefield.errors import ResultError
from phasefield.fields import REQUIRED_SERIES, SERIES
from phasefield.files import atomic
from phasefield.results.run import open_run
from phasefield.results.writer import RESULT, Frame, RunWriter, write_summary

KILLS = 20


def vtk_read(path: Path, step: int | None) -> Any:
    """Read one step as ParaView does."""
    import pyvista

    reader = pyvista.get_reader(str(path))
    if step is not None:
        reader.reader.UpdateInformation()
        reader.reader.SetStep(step)
        reader.reader.Modified()
    return reader.read()


@pytest.mark.parametrize("shape", [SHAPE, SHAPE_2D])
@pytest.mark.parametrize("frames", [1, 2, 5])
def test_vtk_reads_every_step(tmp_path: Path, shape: tuple[int, int, int], frames: int) -> None:
    record(create(tmp_path, shape), 0, 3 * frames, every=3)
    nz, ny, nx = shape
    for step in range(frames):
        image = vtk_read(tmp_path / RESULT, step)
        assert image.dimensions == ((nx + 1, ny + 1, nz + 1) if ny > 1 else (nx + 1, nz + 1, 1))
        expected = frame_of(3 * step + 2, shape)
        assert set(image.cell_data.keys()) == set(FIELDS)
        for name in FIELDS:
            np.testing.assert_array_equal(
                image.cell_data[name], expected.fields[name].astype(np.float32).ravel()
            )
        assert image.field_data["voltage"][0] == row_of(3 * step + 2)["voltage"]


@pytest.mark.parametrize("saves", [0, 1])
def test_vtk_opens_a_run_without_frames(tmp_path: Path, saves: int) -> None:
    writer = create(tmp_path, SHAPE)
    if saves:
        writer.add_row(row_of(0))
        writer.save()
    image = vtk_read(tmp_path / RESULT, None)
    assert image.n_cells == np.prod(SHAPE)
    assert not image.cell_data.keys()


def test_layout(tmp_path: Path) -> None:
    record(create(tmp_path, SHAPE_2D), 0, 7, every=3)
    nz, _, nx = SHAPE_2D
    with h5py.File(tmp_path / RESULT) as file:
        xi = file["VTKHDF/CellData/xi"]
        assert (xi.shape, xi.dtype, xi.compression, xi.compression_opts, xi.shuffle) == (
            (2, nz, nx), np.float32, "gzip", 1, True,
        )  # fmt: skip
        assert file["run/surface/height"].shape == (2, nx)
        assert file["run/surface/time"][:].tolist() == [row_of(2)["time"], row_of(5)["time"]]
        for name in REQUIRED_SERIES:
            data = file[f"run/series/{name}"]
            assert data.attrs["units"] == SERIES[name].unit
            assert data.shape == (6,), "the seventh row was never saved"
        assert file["run/series/voltage"][:].tolist() == [row_of(k)["voltage"] for k in range(6)]
        assert file["VTKHDF/Steps"].attrs["NSteps"] == 2
        assert file["VTKHDF/Steps/CellDataOffsets/xi"].dtype == np.int64


def test_a_text_longer_than_an_hdf5_header_is_kept(tmp_path: Path) -> None:
    text = "# \u00b5m\n" * 40_000
    create(tmp_path, SHAPE_2D, case_text=text)
    with open_run(tmp_path) as run:
        assert run.case_text == text


@pytest.mark.parametrize(
    ("rows", "frames"), [(0, 0), (1, 0), (2, 0), (3, 1), (7, 2), (8, 2), (9, 3), (12, 4)]
)
@pytest.mark.parametrize("shape", [SHAPE, SHAPE_2D])
def test_resumed_run_equals_one_never_stopped(
    tmp_path: Path, rows: int, frames: int, shape: tuple[int, int, int]
) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    record(create(whole, shape), 0, 15, every=3)
    record(create(cut, shape), 0, 12, every=3)
    writer = RunWriter.resume(cut, rows, frames)
    with open_run(cut) as run:
        assert (run.n_steps, run.n_frames) == (rows, frames)
    if rows:
        image = vtk_read(cut / RESULT, None)
        assert bool(image.cell_data.keys()) == (frames > 0)
    record(writer, rows, 15, every=3)
    assert contents(cut) == contents(whole)


def test_a_run_of_before_a_series_goes_on_without_it(tmp_path: Path) -> None:
    writer = create(tmp_path, SHAPE)
    for k in range(2):
        writer.add_row(row_of(k))
    with_all = {**row_of(2), "film_resistance_parallel": 1.0}
    assert "film_resistance_parallel" not in row_of(2)
    writer.save(frame_of(0, SHAPE))
    resumed = RunWriter.resume(tmp_path, 2, 1)
    resumed.add_row(with_all)
    resumed.save()
    with open_run(tmp_path) as run:
        assert "film_resistance_parallel" not in run.series
        assert run.n_steps == 3
        assert run.series["Sz"][-1] == with_all["Sz"]


def test_resume_refuses_a_file_of_another_run(tmp_path: Path) -> None:
    record(create(tmp_path, SHAPE_2D), 0, 6, every=3)
    with pytest.raises(ResultError, match="holds 6 steps and 2 frames, fewer than its checkpoint"):
        RunWriter.resume(tmp_path, 7, 2)
    with pytest.raises(ResultError, match="nothing to resume"):
        RunWriter.resume(tmp_path / "none", 1, 1)
    with h5py.File(tmp_path / RESULT, "r+") as file:
        file["VTKHDF/Steps/Values"].resize(1 << 50, axis=0)
    with pytest.raises(ResultError, match="Values claims to be larger"):
        RunWriter.resume(tmp_path, 3, 1)
    (tmp_path / RESULT).write_bytes(b"no HDF5")
    with pytest.raises(ResultError, match="cannot be read"):
        RunWriter.resume(tmp_path, 1, 1)


def test_create_refuses_a_folder_that_holds_a_run(tmp_path: Path) -> None:
    record(create(tmp_path, SHAPE_2D), 0, 6, every=3)
    write_summary(tmp_path, {"finished": True})
    before = contents(tmp_path)
    with pytest.raises(ResultError, match="already holds a run"):
        create(tmp_path, SHAPE_2D)
    assert contents(tmp_path) == before
    create(tmp_path, SHAPE_2D, overwrite=True)
    with open_run(tmp_path) as run:
        assert (run.n_steps, run.finished) == (0, False)


def test_wrong_rows_and_frames_are_refused(tmp_path: Path) -> None:
    writer = create(tmp_path, SHAPE_2D)
    with pytest.raises(ResultError, match="row of its step first"):
        writer.save(frame_of(0, SHAPE_2D))
    with pytest.raises(ResultError, match=r"missing \['voltage'\]"):
        writer.add_row({name: value for name, value in row_of(0).items() if name != "voltage"})
    with pytest.raises(ResultError, match=r"unknown \['volts'\]"):
        writer.add_row({**row_of(0), "volts": 1.0})
    writer.add_row(row_of(0))
    with pytest.raises(ResultError, match=r"differ in \['iterations'\]"):
        writer.add_row({**row_of(0), "iterations": 1.0})
    good = frame_of(0, SHAPE_2D)
    with pytest.raises(ResultError, match="xi has shape"):
        writer.save(Frame(0.0, {**good.fields, "xi": np.zeros((2, 1, 2))}, good.height))
    with pytest.raises(ResultError, match="height has shape"):
        writer.save(Frame(0.0, good.fields, np.zeros(3)))
    with pytest.raises(ResultError, match="the run has"):
        writer.save(Frame(0.0, {"xi": good.fields["xi"]}, good.height))
    with pytest.raises(ResultError, match="is no field on the cells"):
        create(tmp_path / "other", SHAPE_2D, fields=["height"])


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_disk_full_at_every_write_keeps_the_earlier_frames(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """Fail the n-th call that writes, for every n, half way through its bytes; the same run then goes on."""
    record(create(tmp_path, SHAPE), 0, 9, every=3)
    after = contents(tmp_path)
    real = {name: getattr(os, name) for name in ("write", "copy_file_range", "fsync")}
    calls, fail_at, failures = 0, 0, 0

    def failing(name: str) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == fail_at:
                if name == "write":
                    real[name](args[0], args[1][: len(args[1]) // 2])
                raise OSError(code, os.strerror(code))
            return real[name](*args)

        return call

    while calls >= fail_at:
        writer = RunWriter.resume(tmp_path, 6, 2)
        before = contents(tmp_path)
        for k in (6, 7, 8):
            writer.add_row(row_of(k))
        calls, fail_at = 0, fail_at + 1
        with monkeypatch.context() as patch:
            for name in real:
                patch.setattr(os, name, failing(name))
            said = ""
            try:
                writer.save(frame_of(8, SHAPE))
            except ResultError as error:
                said = str(error)
        if said:
            failures += 1
            assert "\n" not in said
            assert str(tmp_path) in said
            assert code == errno.EIO or "MB needed" in said
            assert contents(tmp_path) in (before, after)  # after: the fsync of the folder, past the rename
            assert [path.name for path in tmp_path.iterdir()] == [RESULT]
            with open_run(tmp_path) as run:
                assert run.n_frames >= 2
        writer.save(frame_of(8, SHAPE) if writer.n_frames == 2 else None)
        assert contents(tmp_path) == after
    assert failures >= 3, "writes of pages, fsync of the file, fsync of the folder"


def test_free_space_is_checked_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = create(tmp_path, SHAPE_2D)
    record(writer, 0, 3, every=3)
    before = (tmp_path / RESULT).read_bytes()
    writer.add_row(row_of(3))
    with monkeypatch.context() as patch:
        patch.setattr(atomic, "free_space", lambda folder: 1000)
        with pytest.raises(ResultError, match=r"MB needed, 0\.0 MB free; the earlier file is kept; make room"):
            writer.save()
    assert (tmp_path / RESULT).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [RESULT]
    writer.save()
    with open_run(tmp_path) as run:
        assert run.n_steps == 4


def test_killed_at_random_moments_the_file_always_opens(tmp_path: Path) -> None:
    """SIGKILL a writing process, open what it left, resume, kill again; the end equals a run never killed."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    steps = 3000
    create(killed, SHAPE)
    rng = np.random.default_rng(1)
    seen = kills = 0
    while kills < KILLS:
        command = [sys.executable, str(Path(__file__).parents[1] / "storing.py"), str(killed), str(steps)]
        child = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()  # it has resumed and begins to write
        time.sleep(rng.uniform(0.0, 0.15))
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        kills += 1
        with open_run(killed) as run:
            assert run.n_frames >= seen
            assert run.n_steps == 3 * run.n_frames
            seen = run.n_frames
            for k in {0, seen - 1} if seen else set():
                expected = frame_of(3 * k + 2, SHAPE)
                np.testing.assert_array_equal(run.field("xi", k), expected.fields["xi"].astype(np.float32))
                np.testing.assert_array_equal(run.heights[k], expected.height)
    assert 3 < seen < steps // 3, "the kills must fall inside the run"
    vtk_read(killed / RESULT, seen - 1)
    record(create(whole, SHAPE), 0, 3 * seen, every=3)
    assert contents(killed) == contents(whole)
