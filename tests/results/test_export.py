"""Side files: XDMF as ParaView 5.11 reads it, CSV that reads back to the bit."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import call
from storing import FIELDS, SHAPE, SHAPE_2D, SPACING, create, frame_of, record, row_of

from phasefield.errors import PhasefieldError, ResultError
from phasefield.measured import read_measurement
from phasefield.results.export import export_csv, export_run, export_series, export_xdmf
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


def test_series_in_the_units_of_a_laboratory(tmp_path: Path) -> None:
    record(create(tmp_path, SHAPE_2D), 0, 6, every=3)
    with open_run(tmp_path) as run:
        path = export_series(run, "lab")
        with path.open(newline="") as file:
            head, *rows = list(csv.reader(file))
        columns = dict(zip(head, np.array(rows, dtype=float).T, strict=True))
        # 1 h is 3600 s, 1 mA/cm2 is 10 A/m2, 1 mAh/cm2 is 36000 C/m2; one product of round-off
        np.testing.assert_allclose(columns["time [h]"] * 3600.0, run.series["time"], rtol=1e-15)
        current = columns["current_density [mA/cm2]"] * 10.0
        np.testing.assert_allclose(current, run.series["current_density"], rtol=1e-15)
        np.testing.assert_allclose(columns["voltage [mV]"] / 1000.0, run.series["voltage"], rtol=1e-15)
        np.testing.assert_allclose(columns["Sq [um]"] * 1e-6, run.series["Sq"], rtol=1e-15)
        np.testing.assert_allclose(columns["charge_applied [mAh/cm2]"] * 36000.0, run.series["charge_applied"])
        np.testing.assert_array_equal(columns["cycle [1]"], run.series["cycle"])
        assert len(columns) == len(run.series)


def test_series_in_the_battery_data_format_are_read_back(tmp_path: Path) -> None:
    record(create(tmp_path, SHAPE_2D), 0, 6, every=3)
    with open_run(tmp_path) as run:
        found = read_measurement(export_series(run, "bdf", area=2e-4))
        assert found.format == "battery data format"
        (trace,) = found.traces
        np.testing.assert_array_equal(trace.time, run.series["time"])
        np.testing.assert_array_equal(trace.voltage, run.series["voltage"])
        np.testing.assert_array_equal(trace.cycle, run.series["cycle"])
        np.testing.assert_allclose(trace.per_area(2e-4).current, run.series["current_density"], rtol=1e-15)


def test_a_run_as_tables_of_pandas_and_xarray(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pandas")
    pytest.importorskip("xarray")
    record(create(tmp_path, SHAPE), 0, 6, every=3)
    with open_run(tmp_path) as run:
        frame, data = run.to_pandas(), run.to_xarray()
        assert frame.attrs["units"]["voltage"] == "V"
        assert list(frame) == list(run.series)
        np.testing.assert_array_equal(frame["voltage"], run.series["voltage"])
        np.testing.assert_array_equal(data["voltage"], run.series["voltage"])
        np.testing.assert_array_equal(data["height"], run.heights)
        np.testing.assert_array_equal(data["frame_time"], run.times)
        assert data["height"].attrs["units"] == "m"
        np.testing.assert_allclose(data["x"], (np.arange(SHAPE[2]) + 0.5) * SPACING, rtol=1e-15)
        for name, method in (("pandas", run.to_pandas), ("xarray", run.to_xarray)):
            monkeypatch.setitem(sys.modules, name, None)
            with pytest.raises(PhasefieldError, match=rf"needs {name}; install it with: pip install"):
                method()


@pytest.mark.parametrize(("words", "said"), [
    (["--series", "excel"], "--series excel: give one of si, lab, bdf"),
    (["--series", "lab", "--heights", "sdf"], "no --heights beside it"),
    (["--series", "bdf", "--area", "3 cm"], "--area: '3 cm' is a length"),
])  # fmt: skip
def test_wrong_options_write_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    record(create(tmp_path, SHAPE_2D), 0, 3, every=3)
    before = sorted(tmp_path.iterdir())
    assert call("export", tmp_path, *words) == 2
    assert said in capsys.readouterr().err
    assert sorted(tmp_path.iterdir()) == before
    assert call("export", tmp_path, "--series", "bdf", "--area", "2 cm^2") == 0
    assert capsys.readouterr().out.strip().endswith("series.bdf.csv")
