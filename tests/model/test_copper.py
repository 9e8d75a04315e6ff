"""Lithium on bare copper: nuclei, film made anew, stripping to the last, and Aurbach's balance."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from modelcases import BASE, driven, ends_the_same, make

from phasefield.api import read_case
from phasefield.case import Case
from phasefield.case.surface import number_of_nuclei
from phasefield.experiments.copper import balance_of
from phasefield.model.coefficients import Drive
from phasefield.model.initial_surface import places_of_nuclei
from phasefield.model.level_set import LevelSetLaw
from phasefield.results.run import open_run
from phasefield.simulation.driver import Driver

BARE = BASE.replace('height = "8 um"\n', "")
NUCLEI = (
    'surface.substrate={nucleation_overpotential="0.2 V", reference_overpotential="0.2 V", distance="20 um", '
    'radius="4 um"}'
)
FLAT = ('grid.size=["60 um", "48 um"]', 'grid.spacing="1 um"')
SOLID = ('grid.size=["40 um", "40 um", "24 um"]', 'grid.spacing="1 um"')


def bare(*overrides: str) -> Case:
    return make(NUCLEI, *overrides, text=BARE)


def test_there_are_as_many_nuclei_as_the_law_says() -> None:
    case = bare(*SOLID)
    substrate = case.surface.substrate
    assert substrate is not None
    assert number_of_nuclei(case.grid, substrate) == 4  # (40/20)^2
    steeper = bare(*SOLID, 'surface.substrate.nucleation_overpotential="0.252 V"').surface.substrate
    assert steeper is not None
    assert number_of_nuclei(case.grid, steeper) == 8  # twice as many at 2^(1/3) of the overpotential
    assert number_of_nuclei(bare(*FLAT).grid, substrate) == 3


def test_nuclei_are_half_spheres_that_stand_apart() -> None:
    # A diffuse sphere, (1 + tanh)/2 over the radius, holds (pi W/r)^2 more than a sharp one, a cylinder a third of it.
    more = (math.pi * 0.5 / 4.0) ** 2
    for cells, own, diffuse in (
        (SOLID, 2.0 / 3.0 * math.pi * 4.0**3, 1.0 + more), (FLAT, 0.5 * math.pi * 4.0**2, 1.0 + more / 3.0)
    ):  # fmt: skip
        case = bare(*cells)
        places = 1e6 * places_of_nuclei(case)
        n = len(places)
        state = LevelSetLaw(case).start()
        depth = 1.0 if len(case.grid.size) == 2 else 1e6  # um; a 2D run is one cell deep
        volume = 1e18 * state.front.volume() if depth == 1e6 else 1e12 * state.front.volume() / 1e-6
        assert volume == pytest.approx(n * own * diffuse, rel=0.02)
        assert 1e6 * case.surface.height * math.prod(1e6 * np.array(case.grid.size[:-1])) == pytest.approx(n * own)
        box = 1e6 * np.array([case.grid.size[0], case.grid.size[1] if n == 4 else 1.0])
        for k in range(n):
            others = np.delete(places, k, axis=0) - places[k]
            others -= box * np.round(others / box)
            assert np.hypot(*others.T).min() >= 8.0
    again = bare(*SOLID, "surface.substrate.seed=2")
    assert not np.array_equal(places_of_nuclei(again), places_of_nuclei(bare(*SOLID)))


def test_nuclei_find_room_wherever_they_are_let_in() -> None:
    narrow = 'surface.substrate.distance="14 um"'
    for seed in range(1, 41):
        case = bare('grid.size=["42 um", "48 um"]', 'grid.spacing="1 um"', narrow, f"surface.substrate.seed={seed}")
        x = np.sort(1e6 * places_of_nuclei(case)[:, 0])
        assert len(x) == 3
        assert np.diff([*x, x[0] + 42.0]).min() >= 8.0 * (1.0 - 1e-12)
    with pytest.raises(Exception, match="too close"):  # 39/13.5 is rounded up to 3: 13 um apart, not 13.5
        bare('grid.size=["39 um", "48 um"]', 'grid.spacing="1 um"', 'surface.substrate.distance="13.5 um"')


def test_a_box_is_as_wide_as_a_nucleus() -> None:
    with pytest.raises(Exception, match="do not fit a box 8 um wide along x"):
        bare('grid.size=["8 um", "48 um"]', 'grid.spacing="1 um"', 'surface.substrate.radius="5 um"')


def test_mirrored_sides_cut_no_nucleus() -> None:
    for seed in range(1, 11):
        case = bare(*SOLID, 'grid.lateral="mirror"', f"surface.substrate.seed={seed}")
        places = 1e6 * places_of_nuclei(case)
        assert places.min() >= 4.0
        assert places.max() <= 36.0


def test_bare_copper_carries_no_current() -> None:
    cell, state = driven(bare(*SOLID), Drive(5.0))
    area = state.front.total(state.front.area[: state.front.count])
    diffuse = 1.0 + (math.pi * cell.W / 4e-6) ** 2 / 3.0  # of a ball: 5 %
    assert area == pytest.approx(4 * 2.0 * math.pi * (4e-6) ** 2 * diffuse, rel=0.02)
    assert state.reaction is not None
    assert state.reaction.total == pytest.approx(5.0 * cell.plane, rel=1e-12)


def test_a_share_of_the_plating_current_makes_film(tmp_path: Path) -> None:
    """Flat lithium: the side charge is that share of what is plated, none of what is stripped."""
    steps = 'protocol.steps=[{current="10 A/m^2", duration="600 s"}, {current="-10 A/m^2", duration="300 s"}]'
    case = make(steps, "film.repair=0.03")
    Driver(case, tmp_path / "run").run()
    with open_run(tmp_path / "run") as run:
        side, applied = run.series["charge_side"], run.series["charge_applied"]
        assert max(run.ledger().values()) < 1e-12
    top = int(np.argmax(applied))
    assert side[top] == pytest.approx(0.03 * 6000.0, rel=1e-9)
    assert side[-1] == side[top]


def test_aurbach_finds_the_share_and_the_residue(tmp_path: Path) -> None:
    case = bare(
        *FLAT, "film.repair=0.03", 'output.fields_every="10 min"', 'protocol.stop_on=["voltage_limit"]',
        'protocol.steps=[{current="5 A/m^2", capacity="0.5 mAh/cm^2"}, {current="-5 A/m^2", capacity="0.2 mAh/cm^2"}, '
        '{current="5 A/m^2", capacity="0.2 mAh/cm^2"}, {current="-5 A/m^2", until_voltage="1 V", duration="9 h"}]',
    )  # fmt: skip
    assert Driver(case, tmp_path / "run").run().reason == "end"
    with open_run(tmp_path / "run") as run:
        b = balance_of(run, case.lithium.molar_volume)
        assert max(run.ledger().values()) < 1e-12
        assert 0.8 < abs(run.series["voltage"][-1]) < 1.002  # above 0.8 V the last two elements may go in one moment
        assert not [event for event in run.summary["events"] if event["event"] == "exhausted"]
    assert b.plated == pytest.approx(b.stripped + b.film + b.dead + b.residue, rel=1e-12)
    nuclei = b.plated - 0.7 * 3.6e4
    assert nuclei == pytest.approx(96485.33 / 1.3e-5 * case.surface.height, rel=0.06)  # diffuse: 5 % more, see above
    assert b.film == pytest.approx(0.03 * 0.7 * 3.6e4, rel=1e-6)
    assert 0.0 < b.residue < 0.05 * b.plated
    assert b.efficiency < 1.0 - b.film / b.plated


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ('surface.height="8 um"', "does not go with"),
        ('surface.substrate.radius="1 um"', "below 2 spacings"),
        ('surface.substrate.radius="7 um"', "too close"),
        ('surface.substrate.distance="10 um"', "too close"),
        ("surface.substrate=none", "surface.height"),
        ("film.repair=0.9", "film.repair"),
    ],
)
def test_what_does_not_go_is_said(override: str, says: str) -> None:
    with pytest.raises(Exception, match=says):
        bare(*SOLID, override)


def test_the_shipped_cases_differ_by_the_law_alone() -> None:
    one, other = (read_case(f"aurbach-{name}") for name in ("lhci", "dlhci"))
    assert one.surface.substrate is not None
    assert other.surface.substrate is not None
    assert number_of_nuclei(one.grid, one.surface.substrate) == 16
    assert number_of_nuclei(other.grid, other.surface.substrate) == 19


def test_stopped_and_resumed_it_ends_the_same(tmp_path: Path) -> None:
    case = bare(
        *FLAT, "film.repair=0.03", 'output.fields_every="10 min"', 'protocol.stop_on=["voltage_limit"]',
        'film.patches={spread=0.5, size="8 um", renewal="0.5 um"}',
        'protocol.steps=[{current="5 A/m^2", capacity="0.2 mAh/cm^2"}, '
        '{current="-5 A/m^2", until_voltage="1 V", duration="9 h"}]',
    )  # fmt: skip
    assert ends_the_same(case, tmp_path, every=6) >= 4


@pytest.mark.parametrize("step", ['current="-20 A/m^2", duration="60 h"', 'voltage="-0.3 V", duration="90 h"'])
def test_lithium_that_is_stripped_to_the_last_ends_exhausted(step: str, tmp_path: Path) -> None:
    """The last of it goes within a moment: no row of ever shorter steps leads there."""
    case = read_case(
        "pllz",
        (
            'grid.size=["80 um", "120 um"]', 'surface.correlation_length="20 um"', 'surface.height="36 um"',
            'surface.roughness="0.5 um"', 'protocol.stop_on=["short_circuit"]', 'protocol.voltage_limit="5 V"',
            "protocol.repeat=1", f"protocol.steps=[{{ {step} }}]",
        ),
    )  # fmt: skip
    outcome = Driver(case, tmp_path / "run", walltime=120.0).run()
    assert outcome.reason == "exhausted"
    assert outcome.steps < 300
    with open_run(tmp_path / "run") as run:
        assert max(run.ledger().values()) < 1e-12
