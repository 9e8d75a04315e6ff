"""Pictures of the gallery that the docs build makes itself, from a small run: as on the reader's own machine."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

TITLE = "title=Li | PLLZ with {} film | Li, 0.2 mA/cm2"
SMALL = [
    'grid.size=["160 um", "160 um", "240 um"]', "protocol.repeat=12", "numerics.max_step=15 min",
    "output.fields_every=4 h",
]  # fmt: skip
FILMS = {"even": 'film.patches="none"', "uneven": "film.patches.spread=1"}
STUDY = """title = "Small cells of PLLZ"
base = "pllz"
[set]
"grid.size" = ["160 um", "160 um", "240 um"]
"protocol.repeat" = 12
"film.patches.spread" = 1
[axes]
"film.conductivity" = { from = "1e-9 S/cm", to = "1e-7 S/cm", points = 3, scale = "log" }
"electrolyte.transference_number" = { from = 0.3, to = 0.7, points = 3 }
[figures]
output = "Sz"
contours = "wagner_number"
mark = ["pll", "pllz"]
"""


def study(place: Path, folder: Path) -> None:
    """Run a study of nine small cells by the command, and keep its map and its response curves."""
    (place / "small.toml").write_text(STUDY, encoding="utf-8")
    command = [sys.executable, "-m", "phasefield", "study", "small.toml", "--out", "out", "--quiet"]
    subprocess.run(command, cwd=place, check=True, stdout=subprocess.DEVNULL)
    for name in ("map", "response"):
        shutil.copy(place / "out" / "small" / f"{name}.png", folder / f"study-{name}.png")


def make(folder: Path) -> None:
    """Run a small cell of PLLZ with an even and an uneven film and draw them in every way, into `folder`."""
    import phasefield
    from phasefield.studies.profiles import side_by_side
    from phasefield.topography.profiles import Profile
    from phasefield.viz.movie import movie
    from phasefield.viz.plots.compare import comparison
    from phasefield.viz.plots.profile import profiles_plate
    from phasefield.viz.plots.series import series
    from phasefield.viz.surfaces.plate import plate
    from phasefield.viz.surfaces.section import cross_section
    from phasefield.viz.surfaces.surface import surface

    with tempfile.TemporaryDirectory() as place:
        for name, film in FILMS.items():
            case = phasefield.read_case("pllz", [TITLE.format(f"an {name}"), *SMALL, film])
            phasefield.run(case, out=Path(place) / name).close()
        with phasefield.open_run(Path(place) / "even") as even, phasefield.open_run(Path(place) / "uneven") as run:
            comparison([even, run], folder / "compare.png")
            surface(run, folder / "surface.png")
            cross_section(run, folder / "section.png")
            plate(run, folder / "plate.png")
            series(run, folder / "series.png")
            movie(run, folder / "surface-time.gif", fps=3.0)
            movie(run, folder / "surface-turn.gif", "turn", fps=8.0, seconds=6.0)
            pixel = (run.spacing, run.spacing)
            both = [Profile(run.heights[k], pixel, "run") for k in (0, -1)]
            shown, spacing = side_by_side(both, ["at the start", "after 24 h"])
            profiles_plate(shown, spacing, folder / "profile.png")
        study(Path(place), folder)
