"""A bit that a disk changed: the part that it is in is named, the rest of the run stays usable."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from storing import FIELDS, SHAPE, SHAPE_2D, create, frame_of, record, row_of

from phasefield.errors import ResultError
from phasefield.results import layout
from phasefield.results.damage import damage
from phasefield.results.run import open_run
from phasefield.results.writer import RESULT, RunWriter, write_summary


def flip(path: Path, dataset: str, chunk: int = 0) -> None:
    """Flip the lowest bit in the middle of a chunk's bytes, where a series of six rows has its first ones."""
    with h5py.File(path) as file:
        place = file[dataset].id.get_chunk_info(chunk)
    whole = place.byte_offset + (8 if "series" in dataset else place.size // 2)
    data = bytearray(path.read_bytes())
    data[whole] ^= 1
    path.write_bytes(data)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    record(create(tmp_path, SHAPE), 0, 6, every=2)
    return tmp_path


def test_a_sound_run_has_no_damage(run: Path) -> None:
    with open_run(run) as stored:
        assert damage(stored) == []
    with h5py.File(run / RESULT) as file:
        names: list[str] = []
        file.visit(names.append)
        data = [file[name] for name in names if isinstance(file[name], h5py.Dataset)]
        assert all(one.fletcher32 for one in data)
        assert len(data) > 10


def test_a_flipped_bit_of_a_series_is_named_and_left_out(run: Path, caplog: pytest.LogCaptureFixture) -> None:
    flip(run / RESULT, "run/series/voltage")
    with caplog.at_level(logging.WARNING), open_run(run) as stored:
        assert damage(stored) == ["series voltage: some of its values do not fit their checksum"]
        assert np.isnan(stored.series["voltage"]).all()
        assert stored.series["time"].tolist() == [row_of(k)["time"] for k in range(6)]
        np.testing.assert_array_equal(stored.field("xi", 2), frame_of(5, SHAPE).fields["xi"].astype(np.float32))
    assert "values of these series are left out: voltage" in caplog.text
    with pytest.raises(ResultError, match=r"damaged \(voltage\) and cannot be continued.*--overwrite"):
        RunWriter.resume(run, 6, 3)


def test_a_flipped_bit_of_a_frame_is_named_and_the_others_are_read(run: Path) -> None:
    flip(run / RESULT, "VTKHDF/CellData/xi", 1)
    flip(run / RESULT, "run/surface/height", 0)
    with open_run(run) as stored:
        assert damage(stored) == [
            "frame 0: the surface cannot be read, or holds no numbers",
            "frame 1: the field xi cannot be read",
        ]
        for frame in (0, 2):
            stored.field("xi", frame)
        with pytest.raises(ResultError, match="cannot be read"):
            stored.field("xi", 1)
        np.testing.assert_array_equal(stored.height(2), frame_of(5, SHAPE).height)
        with pytest.raises(ResultError, match="the surface of frame 0 is damaged; take another frame"):
            stored.height(0)


def test_every_flipped_byte_of_a_chunk_is_found(run: Path) -> None:
    """Each byte of the voltages and of a packed field."""
    good = (run / RESULT).read_bytes()
    for name, label in (("run/series/voltage", "series voltage"), ("VTKHDF/CellData/xi", "frame 0: the field xi")):
        with h5py.File(run / RESULT) as file:
            place = file[name].id.get_chunk_info(0)
        for at in range(0, min(place.size, 6 * 8)):
            bad = bytearray(good)
            bad[place.byte_offset + at] ^= 0x10
            (run / RESULT).write_bytes(bad)
            with open_run(run) as stored:
                assert [text for text in damage(stored) if text.startswith(label)], at


@pytest.mark.parametrize("name", ["case", "seed", "spacing", "shape"])
def test_a_changed_attribute_is_found(run: Path, name: str) -> None:
    """HDF5 has no checksums for attributes: the program keeps its own."""
    with h5py.File(run / RESULT, "r+") as file:
        old = file["run"].attrs[name]
        file["run"].attrs[name] = old.replace("a", "b") if isinstance(old, str) else old * 2
    if name in ("spacing", "shape"):
        with pytest.raises(ResultError, match=f"is damaged: {name} does not fit its checksum"):
            open_run(run)
    else:
        with open_run(run) as stored:
            assert damage(stored) == [f"attribute {name}: does not fit its checksum"]


@pytest.mark.parametrize("text", ["", "[1]", "[" * 5000, '{"spacing": "x"}'])
def test_strange_checksums_of_attributes_are_one_line(run: Path, text: str) -> None:
    with h5py.File(run / RESULT, "r+") as file:
        file["run"].attrs[layout.CHECKSUMS] = text
    with pytest.raises(ResultError, match="does not fit its checksum") as caught:
        open_run(run)
    assert "\n" not in str(caught.value)


def test_results_of_earlier_versions_are_read_and_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make = h5py.Group.create_dataset

    def plain(*args: Any, **settings: Any) -> Any:
        return make(*args, **{**settings, "fletcher32": False})

    with monkeypatch.context() as patch:
        patch.setattr(h5py.Group, "create_dataset", plain)
        record(create(tmp_path, SHAPE), 0, 6, every=2)
    with h5py.File(tmp_path / RESULT, "r+") as file:
        assert not file["run/series/voltage"].fletcher32
        del file["run"].attrs[layout.CHECKSUMS]
    record(RunWriter.resume(tmp_path, 6, 3), 6, 8, every=2)
    with open_run(tmp_path) as stored:
        assert damage(stored) == []
        assert (stored.n_steps, stored.n_frames) == (8, 4)


def test_vtk_reads_fields_with_checksums(run: Path) -> None:
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkIOHDF import vtkHDFReader

    reader = vtkHDFReader()
    reader.SetFileName(str(run / RESULT))
    reader.UpdateInformation()
    reader.SetStep(1)
    reader.Update()
    cells = reader.GetOutputDataObject(0).GetCellData()
    for name in FIELDS:
        expected = frame_of(3, SHAPE).fields[name].astype(np.float32)
        np.testing.assert_array_equal(vtk_to_numpy(cells.GetArray(name)), expected.ravel())


@pytest.mark.parametrize("first", ["h5py", "open_run"])
def test_one_process_opens_a_result_by_h5py_and_by_open_run(run: Path, first: str) -> None:
    """In a process of its own: HDF5 keeps what it has open, and other tests have opened files."""
    program = {
        "h5py": "with h5py.File(path) as file, open_run(path) as run:\n",
        "open_run": "with open_run(path) as run, h5py.File(path) as file:\n",
    }[first] + "    print(run.n_frames, len(file['run/surface/time']), run.field('xi').shape)"
    words = [sys.executable, "-c", f"import sys, h5py\nfrom phasefield import open_run\npath = sys.argv[1]\n{program}"]
    done = subprocess.run([*words, str(run / RESULT)], capture_output=True, text=True, check=False)
    assert done.stdout == f"3 3 {SHAPE}\n", done.stderr


@pytest.mark.parametrize("spacing", [0.0, -1e-6, float("nan"), float("inf")])
def test_a_spacing_that_is_none_is_refused(tmp_path: Path, spacing: float) -> None:
    record(create(tmp_path, SHAPE_2D, spacing=spacing), 0, 3, every=3)
    with pytest.raises(ResultError, match="is not that of a run"):
        open_run(tmp_path)


def test_heights_that_are_no_numbers_are_refused(run: Path) -> None:
    with h5py.File(run / RESULT, "r+") as file:
        file["run/surface/height"][1, 2, 3] = np.nan
    with open_run(run) as stored:
        assert damage(stored) == ["frame 1: the surface cannot be read, or holds no numbers"]
        with pytest.raises(ResultError, match="surface of frame 1 is damaged"):
            stored.height(1)
        stored.height(0)


def test_a_pipe_in_place_of_a_file_is_refused_at_once(run: Path) -> None:
    import os

    write_summary(run, {"finished": True})
    (run / "summary.json").unlink()
    os.mkfifo(run / "summary.json")
    with open_run(run) as stored, pytest.raises(ResultError, match=r"summary.json: is a pipe"):
        _ = stored.finished
    (run / RESULT).unlink()
    os.mkfifo(run / RESULT)
    with pytest.raises(ResultError, match=r"holds no result\.vtkhdf"):
        open_run(run)


def test_nothing_is_added_to_a_file_that_another_program_changed(run: Path) -> None:
    mine, other = RunWriter.resume(run, 6, 3), RunWriter.resume(run, 6, 3)
    record(other, 6, 8, every=2)
    before = (run / RESULT).read_bytes()
    mine.add_row(row_of(6))
    with pytest.raises(ResultError, match="another program has changed it: it holds 8 steps and 4 frames"):
        mine.save()
    assert (run / RESULT).read_bytes() == before
    record(create(run, SHAPE, overwrite=True), 0, 6, every=3)
    with pytest.raises(ResultError, match="another program has changed it"):
        mine.save()
    assert json.loads(json.dumps(mine.n_rows)) == 6
