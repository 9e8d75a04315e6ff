"""Side files for other programs: XDMF for ParaView 5.11 (it refers to the results file), CSV of the series.

ParaView up to 5.11 (VTK 9.2) cannot read a VTKHDF file with time; it reads the same arrays
through `result.xdmf`, which must stay beside `result.vtkhdf`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from xml.sax.saxutils import escape, quoteattr

from phasefield.errors import ResultError, visible
from phasefield.files.atomic import replace_text
from phasefield.results.run import Run
from phasefield.results.writer import RESULT
from phasefield.text.escape import csv_text
from phasefield.text.laboratory import LABORATORY
from phasefield.topography.profiles import Profile, write_profile

XDMF = "result.xdmf"
SERIES_CSV = "series.csv"
HOUR = 3600.0  # s
TABLE_UNITS = {**LABORATORY, "1": (1.0, "1"), "V": (1e3, "mV"), "m^2": (1e12, "um2")}
"""Factor to, and name of, the unit of a column of a table: one for all voltages, and a name for numbers, too."""
SeriesForm = Literal["si", "lab", "bdf"]
SERIES_FILES: dict[SeriesForm, str] = {"si": SERIES_CSV, "lab": "series-lab.csv", "bdf": "series.bdf.csv"}
"""File of the series in SI, in the units of a laboratory, and in the battery data format."""
BDF_AREA = 1e-4  # m^2, 1 cm^2: of the electrode whose current a battery data file states


def export_run(run: Run) -> list[Path]:
    """Write every side file into the folder of the run."""
    return [*([export_xdmf(run)] if run.n_frames else []), export_csv(run)]


def export_heights(run: Run, kind: str, frame: int) -> Path:
    """Write the surface of a stored frame as height-<frame>.<kind>; see `profiles.write_profile` for the kinds."""
    profile = Profile(run.height(frame), (run.spacing, run.spacing), str(run.folder))
    title = f"{run.title}, {float(run.times[frame]) / HOUR:.4g} h"
    return write_profile(run.folder / f"height-{frame}.{kind.lstrip('.').lower()}", profile, title)


def export_xdmf(run: Run) -> Path:
    """Write `result.xdmf` beside the results file: one grid a frame, one hyperslab a field."""
    if run.n_frames == 0:
        raise ResultError(f"{run.path}: holds no frame yet; there is nothing to show")
    lines = ['<?xml version="1.0"?>', '<Xdmf Version="2.0">', "<Domain>"]
    lines.append(f'<Grid Name={quoteattr(visible(run.title))} GridType="Collection" CollectionType="Temporal">')
    for frame, time in enumerate(run.times):
        lines += _grid(run, frame, float(time))
    lines += ["</Grid>", "</Domain>", "</Xdmf>", ""]
    path = run.folder / XDMF
    replace_text(path, "\n".join(lines))
    return path


def export_csv(run: Run, path: Path | None = None) -> Path:
    """Write the series, one row a step; the head names the unit, the numbers read back to the bit."""
    target = run.folder / SERIES_CSV if path is None else path
    head = [f"{name} [{run.units[name]}]" for name in run.series]
    replace_text(target, csv_text([head, *zip(*(column.tolist() for column in run.series.values()), strict=True)]))
    return target


def export_series(run: Run, form: SeriesForm, area: float = BDF_AREA) -> Path:
    """Write the series in one of SERIES_FILES, one row a step.

    area: of the electrode [m^2], for the battery data format, which states a current and no current density. Its
    current and voltage have the signs of the run: positive while lithium plates on the working electrode.
    """
    if form == "si":
        return export_csv(run)
    series, target = run.series, run.folder / SERIES_FILES[form]
    if form == "lab":
        named = {name: TABLE_UNITS.get(run.units[name], (1.0, run.units[name])) for name in series}
        columns = {f"{name} [{unit}]": factor * series[name] for name, (factor, unit) in named.items()}
    else:
        columns = {
            "test_time_second": series["time"], "voltage_volt": series["voltage"],
            "current_ampere": area * series["current_density"], "cycle_count": series["cycle"],
        }  # fmt: skip
        if "protocol_step" in series:
            columns["step_index"] = series["protocol_step"]
    replace_text(target, csv_text([[*columns], *zip(*(one.tolist() for one in columns.values()), strict=True)]))
    return target


def _grid(run: Run, frame: int, time: float) -> list[str]:
    """One frame; sizes are listed slowest axis first, as XDMF wants them."""
    stored = [run.n_frames, *(n for n in run.shape if n > 1)]
    kept = [1] * (4 - len(stored)) + stored[1:]  # a 2D run is shown one cell deep, as it is computed
    nodes = " ".join(str(n + 1) for n in kept)
    cells = " ".join(str(n) for n in kept)
    slab = [[frame] + [0] * (len(stored) - 1), [1] * len(stored), [1, *stored[1:]]]
    numbers = " ".join(str(n) for row in slab for n in row)
    whole = " ".join(str(n) for n in stored)
    lines = [
        f'<Grid Name="frame {frame}" GridType="Uniform">',
        f'<Time Value="{time!r}"/>',
        f'<Topology TopologyType="3DCoRectMesh" Dimensions="{nodes}"/>',
        '<Geometry GeometryType="ORIGIN_DXDYDZ">',
        '<DataItem Format="XML" Dimensions="3">0.0 0.0 0.0</DataItem>',
        f'<DataItem Format="XML" Dimensions="3">{" ".join([repr(run.spacing)] * 3)}</DataItem>',
        "</Geometry>",
    ]
    for name in run.fields:
        lines += [
            f'<Attribute Name={quoteattr(visible(name))} AttributeType="Scalar" Center="Cell">',
            f'<DataItem ItemType="HyperSlab" Dimensions="{cells}">',
            f'<DataItem Format="XML" Dimensions="3 {len(stored)}">{numbers}</DataItem>',
            f'<DataItem Format="HDF" NumberType="Float" Precision="4" Dimensions="{whole}">',
            f"{RESULT}:/VTKHDF/CellData/{escape(visible(name))}",
            "</DataItem>",
            "</DataItem>",
            "</Attribute>",
        ]
    return [*lines, "</Grid>"]
