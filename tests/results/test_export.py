"""Side files: XDMF as ParaView 5.11 reads it, CSV that reads back to the bit."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from storing import FIELDS, SHAPE, SHAPE_2D, SPACING, create, frame_of, record, row_of

from phasefield.errors import ResultError
from phasefield.results.export import export_csv, export_run, export_xdmf
from phasefield.results.run import open_run


def xdmf_reader(path: Path) -> Any:
    """Reader of VTK 9.2 and older for temporal XDMF 2 files, which newer VTK still holds."""
    from vtkmodules.vtkIOXdmf2 import vtkXdmfReader

    reader = vtkXdmfReader()
    reader.SetFileName(str(path))
    reader.UpdateInformation()
    return reader


@pytest.mark.parametrize("shape", [SHAPE, SHAPE_2D])
@pytest.mark.parametrize("frames", [1, 3])
def test_xdmf_gives_vtk_the_stored_arrays(tmp_path: Path, shape: tuple[int, int, int], frames: int) -> None:
    import pyvista

    record(create(tmp_path, shape), 0, 3 * frames, every=3)
    with open_run(tmp_path) as run:
        path = export_xdmf(run)
    reader = xdmf_reader(path)
    nz, ny, nx = shape
    for k in range(frames):
        reader.UpdateTimeStep(row_of(3 * k + 2)["time"])
        image = pyvista.wrap(reader.GetOutputDataObject(0))
        assert image.dimensions == ((nx + 1, ny + 1, nz + 1) if ny > 1 else (nx + 1, nz + 1, 2))
        assert image.spacing[0] == pytest.approx(SPACING, rel=1e-6)  # the reader keeps floats
        assert image.bounds[1] == pytest.approx(nx * SPACING, rel=1e-6)
        expected = frame_of(3 * k + 2, shape)
        for name in FIELDS:
            stored = expected.fields[name].astype(np.float32).ravel()
            np.testing.assert_array_equal(image.cell_data[name], stored)


def test_xdmf_of_a_title_with_markup_is_still_xml(tmp_path: Path) -> None:
    from xml.etree import ElementTree

    title = 'Li | "PLL" <b> & \u00b5'
    record(create(tmp_path, SHAPE_2D, attrs={"title": title}), 0, 6, every=3)
    with open_run(tmp_path) as run:
        root = ElementTree.parse(export_xdmf(run)).getroot()
        times = [float(time.get("Value", "nan")) for time in root.iter("Time")]
        assert times == run.times.tolist()
    assert next(root.iter("Grid")).get("Name") == title


def test_csv_reads_back_to_the_bit(tmp_path: Path) -> None:
    record(create(tmp_path, SHAPE), 0, 6, every=3)
    with open_run(tmp_path) as run:
        rows = list(csv.reader(export_csv(run).read_text().splitlines()))
        assert rows[0][:2] == ["time [s]", "cycle [1]"]
        columns = np.array(rows[1:], dtype=float).T
        for head, column in zip(rows[0], columns, strict=True):
            name, unit = head[:-1].split(" [")
            assert unit == run.units[name]
            np.testing.assert_array_equal(column, run.series[name])


def test_a_run_without_frames_gives_its_series_only(tmp_path: Path) -> None:
    create(tmp_path, SHAPE)
    with open_run(tmp_path) as run:
        with pytest.raises(ResultError, match="holds no frame yet"):
            export_xdmf(run)
        assert [path.name for path in export_run(run)] == ["series.csv"]
        assert len((tmp_path / "series.csv").read_text().splitlines()) == 1
