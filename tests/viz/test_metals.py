"""Isolated lithium that is not stored, and the bare metal under nuclei, in what is drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from phasefield.viz.metals import bare_of, dead_of, substrate_of
from phasefield.viz.style import COPPER
from phasefield.viz.surfaces import section, surface
from phasefield.viz.surfaces.camera import common_view

PERIODIC, MIRRORED = '[grid]\nlateral = "periodic"\n', '[grid]\nlateral = "mirror"\n'
ON_COPPER = PERIODIC + '[surface.substrate]\nname = "copper"\n'


class Metal:
    """A run of one frame whose lithium stands in a box of 8 cells a side, without the field `dead`."""

    title, spacing, n_frames = "metal", 1e-6, 1
    times = np.zeros(1)
    fields = ("xi",)

    def __init__(self, xi: np.ndarray, case: str, **series: float) -> None:
        self.xi, self.resolved_case = xi, case
        self.shape = xi.shape
        self.series = {name: np.array([value]) for name, value in series.items()}

    @property
    def heights(self) -> np.ndarray:
        top = self.shape[0] - np.argmax(self.xi[::-1] > 0.5, axis=0)
        return 1e-6 * np.where((self.xi > 0.5).any(axis=0), top, 0)[None]

    def field(self, name: str, frame: int) -> Any:
        assert name == "xi"
        return self.xi


def block() -> np.ndarray:
    """Return a floor, an island, one that touches the floor's column by an edge only, and an arm around the side."""
    xi = np.zeros((8, 8, 8))
    xi[:2] = 1.0
    xi[2:6, 4, 0] = xi[5, 4, 7] = 1.0  # the last stands on the column, around the periodic side
    xi[6, 5, 0] = 1.0  # touches the column by an edge
    xi[4, 2, 4] = 1.0
    return xi


def test_isolated_lithium_is_found_where_it_is_not_stored() -> None:
    islands = {(6, 5, 0), (4, 2, 4)}
    for case, expected in ((PERIODIC, islands), (MIRRORED, islands | {(5, 4, 7)})):
        dead = dead_of(Metal(block(), case), 0)
        assert dead is not None
        assert {tuple(int(n) for n in at) for at in np.argwhere(dead > 0.5)} == expected
    assert dead_of(Metal(block(), PERIODIC, lithium_dead=0.0), 0) is None  # the series says that there is none
    assert dead_of(Metal(np.where(np.arange(8)[:, None, None] < 4, 1.0, np.zeros((8, 8, 8))), PERIODIC), 0) is None


def test_lithium_of_the_counter_electrode_is_not_isolated() -> None:
    xi = block()
    xi[7] = 1.0
    both = PERIODIC + '[counter.surface]\nheight = "1e-06 m"\n'
    dead = dead_of(Metal(xi, both), 0)
    assert dead is not None
    assert dead[7].max() == 0.0
    assert dead[6, 5, 0] == 0.0  # a face of it lies at the counter electrode's lithium
    assert dead[4, 2, 4] == 1.0


def test_a_section_draws_isolated_lithium_in_its_own_colour() -> None:
    cut = section.take_slice(Metal(block(), PERIODIC), 0, row=2)
    assert cut.dead is not None
    assert cut.dead.sum() == 1.0


def nuclei() -> Metal:
    xi = np.zeros((8, 8, 8))
    xi[:3, 2:5, 2:5] = 1.0
    return Metal(xi, ON_COPPER)


def test_copper_is_bare_where_no_lithium_stands() -> None:
    run = nuclei()
    assert substrate_of(run) == "copper"
    assert bare_of(run, 0).sum() == 64 - 9
    assert not bare_of(Metal(block(), PERIODIC), 0).any()
    assert "bare copper" in surface.bare_text(run, 0)
    assert surface.bare_text(Metal(block(), PERIODIC), 0) == ""


def brown(path: Path) -> float:
    """Return the share of pixels whose colour is that of copper, in some light."""
    pixels = np.asarray(Image.open(path).convert("RGB"), dtype=float) + 1e-9
    tint = pixels / pixels.sum(axis=2, keepdims=True)
    return float((np.abs(tint - np.array(COPPER) / sum(COPPER)).max(axis=2) < 0.02).mean())


@pytest.mark.parametrize("solid", ["auto", "off"])
def test_bare_copper_is_seen(solid: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHASEFIELD_GL", solid)
    on_copper, on_lithium = nuclei(), nuclei()
    on_lithium.resolved_case = PERIODIC
    view = common_view([(on_copper, 0)])
    shares = [
        brown(surface.surface(run, tmp_path / f"{k}.png", view=view)) for k, run in enumerate((on_copper, on_lithium))
    ]
    assert shares[0] > 0.1
    assert shares[1] == 0.0
    cut = brown(section.cross_section(on_copper, tmp_path / "cut.png"))
    assert cut > 0.005
    assert brown(section.cross_section(on_lithium, tmp_path / "plain.png")) == 0.0
