"""The pictures of a fitted morphology: its posterior, measured beside simulated surface, and the emulator's check."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from phasefield.fitting.morphology.answer import FittedMorphology
from phasefield.fitting.pictures import marginals_of
from phasefield.studies.profiles import side_by_side
from phasefield.viz.plots.fit import Emulated, corner, emulated
from phasefield.viz.plots.profile import profiles_plate

SHAPE_CORNER, SURFACES, EMULATOR = "morphology-corner.png", "profile.png", "emulator.png"


def draw_morphology(found: FittedMorphology, folder: Path) -> list[Path]:
    """Draw posterior, surfaces and emulator; return the paths."""
    fit, surface = found.prepared.fit, found.prepared.surface
    title = f"{fit.title}: {surface.file.name}"
    made = [corner(marginals_of(found.estimates, found.posterior), f"{title}: posterior", folder / SHAPE_CORNER)]
    if found.simulated:
        names = ["measured", *(f"simulated {k + 1}" for k in range(len(found.simulated)))]
        shown, spacing = side_by_side([surface.profile, *found.simulated], names)
        made.append(profiles_plate(shown, spacing, folder / SURFACES))
    panels = [
        Emulated(name, np.exp(one.run), np.exp(one.predicted), one.deviation, float(np.exp(measured)))
        for name, one, measured in zip(
            surface.squares.names, found.model.emulator.left_out, found.model.measured, strict=True
        )
    ]
    return [*made, emulated(panels, f"{title}: runs left out of the emulator", folder / EMULATOR)]
