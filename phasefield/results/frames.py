"""Series and surfaces of a run as tables of pandas and xarray, which are optional packages."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from phasefield.errors import PhasefieldError
from phasefield.fields import SERIES

if TYPE_CHECKING:
    import numpy as np
    import pandas
    import xarray
    from numpy.typing import NDArray


def optional_module(name: str) -> Any:
    """Return an optional package. Raises PhasefieldError that says how to install it."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise PhasefieldError(f'needs {name}; install it with: pip install "lithium-phasefield[study]"') from None


def series_frame(series: Mapping[str, NDArray[np.float64]], units: Mapping[str, str], title: str) -> pandas.DataFrame:
    """Return series as a pandas DataFrame, one row a step; `frame.attrs["units"]` has the SI units."""
    frame: pandas.DataFrame = optional_module("pandas").DataFrame(dict(series))
    frame.attrs = {"title": title, "units": dict(units)}
    return frame


def run_dataset(
    series: Mapping[str, NDArray[np.float64]], units: Mapping[str, str], times: NDArray[np.float64],
    heights: NDArray[np.float64], spacing: float, title: str,
) -> xarray.Dataset:  # fmt: skip
    """Return series over `time` and height maps over `frame`, y and x as an xarray Dataset; each has its unit.

    times: of the frames, (frames,), s. heights: (frames, ny, nx), m. spacing: of the cells, m; y and x are their
    middles.
    """
    data: dict[str, Any] = {}
    for name, column in series.items():
        meaning = SERIES[name].meaning if name in SERIES else ""
        if name != "time":
            data[name] = ("time", column, {"units": units[name], "long_name": meaning})
    data["height"] = (("frame", "y", "x"), heights, {"units": "m", "long_name": "top surface of connected lithium"})
    coordinates: dict[str, Any] = {"time": ("time", series["time"], {"units": units["time"]})}
    coordinates["frame_time"] = ("frame", times, {"units": "s", "long_name": "time of the frame"})
    for axis, n in zip("yx", heights.shape[1:], strict=True):
        coordinates[axis] = (axis, [(k + 0.5) * spacing for k in range(n)], {"units": "m"})
    dataset: xarray.Dataset = optional_module("xarray").Dataset(data, coordinates, {"title": title})
    return dataset
