"""Measured and simulated surfaces side by side: on the same area, with the same shortest wave."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phasefield.errors import PhasefieldError
from phasefield.files.atomic import replace_text
from phasefield.files.locks import folder_locked
from phasefield.results.run import open_run
from phasefield.results.summary import TEXTURE_ROWS
from phasefield.results.writer import RESULT
from phasefield.text.escape import csv_text
from phasefield.topography.profiles import Profile, fitted, read_profile
from phasefield.topography.profiles.profile import Floats
from phasefield.topography.profiles.spectra import distribution, radial_autocorrelation, radial_spectrum
from phasefield.topography.roughness import subtract_plane, texture

PICTURE, TABLE, FIGURES = "profile.png", "profile.csv", "profile.json"
LEAST = 8  # points along an edge
FLAT = 1e-3  # of a pixel: heights on either side that are shown of flat maps
NAMES = ("Sa", "Sq", "Sz", "Sp", "Sv", "Ssk", "Sku", "Sdq", "Sdr", "Sal", "Str")
LENGTHS = ("Sa", "Sq", "Sz", "Sp", "Sv", "Sal")


@dataclass(frozen=True)
class Shown:
    """One surface of a comparison: levelled heights (n, n) [m] on the common area, and its figures, SI."""

    name: str
    heights: Floats
    figures: dict[str, Any]
    spectrum: tuple[Floats, Floats]
    correlation: tuple[Floats, Floats]
    heights_of: tuple[Floats, Floats]


def load_profiles(
    given: Sequence[str], frame: int = -1, pixel: float | None = None, unit: float | None = None
) -> list[Profile]:
    """Return the height maps of files, and of the runs in folders (one stored frame of each)."""
    found = []
    for text in given:
        if not (Path(text) / RESULT).is_file():
            found.append(read_profile(text, pixel, unit))
            continue
        with open_run(text) as run:
            if not -run.n_frames <= frame < run.n_frames:
                raise PhasefieldError(f"{text}: there is no frame {frame}; it holds {run.n_frames}")
            found.append(Profile(run.height(frame), (run.spacing, run.spacing), f"{run.title}, {text}"))
    for profile in found:
        if profile.pixel is None:
            raise PhasefieldError(f'{profile.source}: does not say how large a pixel is; give --pixel, e.g. "1 um"')
        if min(profile.heights.shape) < LEAST:
            ny, nx = profile.heights.shape
            raise PhasefieldError(f"{profile.source}: is {nx} x {ny} points; {LEAST} along each edge are needed")
    return found


def common(profiles: Sequence[Profile]) -> tuple[int, float]:
    """Return points along an edge and spacing [m] of the largest square that all maps hold, at the coarsest pixel."""
    spacing = max(max(p.pixel) for p in profiles if p.pixel is not None)
    edge = min(min(p.size) for p in profiles if p.size is not None)
    n = int(edge / spacing * (1.0 + 1e-9))
    if n < LEAST:
        raise PhasefieldError(
            f"the maps have {1e6 * edge:.3g} um in common, at {1e6 * spacing:.3g} um a point: too few points to compare"
        )
    return n, spacing


def side_by_side(profiles: Sequence[Profile], names: Sequence[str]) -> tuple[list[Shown], float]:
    """Return the maps on their common area, levelled, with figures and spectra, and their spacing [m]."""
    n, spacing = common(profiles)
    maps = [subtract_plane(fitted(profile, (n, n), spacing)) for profile in profiles]
    low, high = min(float(z.min()) for z in maps), max(float(z.max()) for z in maps)
    if not high > low:
        low, high = low - FLAT * spacing, high + FLAT * spacing
    shown = []
    for name, z in zip(names, maps, strict=True):
        figures = texture(z, spacing, periodic=False, level=True).as_dict()
        spectra = radial_spectrum(z, spacing), radial_autocorrelation(z, spacing)
        shown.append(Shown(name, z, {k: figures[k] for k in NAMES}, *spectra, distribution(z, low, high)))
    return shown, spacing


def write_profiles(shown: Sequence[Shown], spacing: float, out: Path) -> list[Path]:
    """Write table, numbers and picture into a folder, and return the files."""
    from phasefield.viz.plots.profile import profiles_plate

    percent = {name: scale for name, scale, unit, _ in TEXTURE_ROWS if unit == "%"}
    head = ["surface", *(f"{n} [m]" if n in LENGTHS else f"{n} [%]" if n in percent else n for n in NAMES)]
    lines = [[one.name, *(_times(one.figures[name], percent.get(name)) for name in NAMES)] for one in shown]
    table = csv_text([head, *lines])
    document = {
        "edge": len(shown[0].heights) * spacing, "spacing": spacing,
        "surfaces": [
            {
                "name": one.name, **one.figures,
                "q": list(one.spectrum[0]), "spectrum": list(one.spectrum[1]),
                "distance": list(one.correlation[0]), "autocorrelation": list(one.correlation[1]),
                "height": list(one.heights_of[0]), "density": list(one.heights_of[1]),
            }
            for one in shown
        ],
    }  # fmt: skip
    with folder_locked(out):
        replace_text(out / TABLE, table)
        replace_text(out / FIGURES, json.dumps(document, indent=1) + "\n")
        return [out / TABLE, out / FIGURES, profiles_plate(shown, spacing, out / PICTURE)]


def _times(value: Any, factor: float | None) -> Any:
    return value if value is None or factor is None else value * factor
