"""Both electrodes resolved: each with its own lithium, surface and film, the electrolyte between them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from modelcases import ends_the_same, make

from phasefield.case import Case
from phasefield.constants import FARADAY
from phasefield.results.run import open_run
from phasefield.simulation.driver import Driver

THERE_AND_BACK = (
    'protocol.steps=[{current="10 A/m^2", duration="600 s"}, {current="-10 A/m^2", duration="600 s"}, {rest="60 s"}]'
)
PATCHY = ('film.patches={spread=0.6, size="8 um", renewal="0.3 um"}',)
WIDE = 'grid.size=["32 um", "48 um"]'


def both(*overrides: str) -> Case:
    return make(
        WIDE, 'surface.height="12 um"', 'counter.surface={height="12 um"}', THERE_AND_BACK, *overrides
    )


def ran(case: Case, folder: Path) -> dict[str, np.ndarray]:
    assert Driver(case, folder).run().reason == "end"
    with open_run(folder) as run:
        # a step of 1 s moves 1e-4 of the lithium: round-off of the sum is 1e-12 of it
        assert max(run.ledger().values()) < 5e-12
        return {name: np.asarray(values) for name, values in run.series.items()}


def test_two_flat_surfaces_are_as_good_as_one_and_a_plane(tmp_path: Path) -> None:
    plane = ran(make('grid.size=["8 um", "32 um"]', THERE_AND_BACK), tmp_path / "plane")
    two = ran(make('grid.size=["8 um", "40 um"]', 'counter.surface={height="8 um"}', THERE_AND_BACK), tmp_path / "two")
    # The plane's gap shrinks as lithium grows, by 0.8 um of 24; between two surfaces it stays: 0.1 of 220 mV.
    np.testing.assert_allclose(two["voltage"][:-1], plane["voltage"][:-1], rtol=2e-3)
    assert abs(two["voltage"][-1]) < 1e-4
    for name in ("counter_Sz", "Sz"):  # numerics.tolerance, 1e-5 of the currents, over a path of 0.8 um
        assert two[name].max() < 8e-12
    # What is said of the surface is said of the working electrode, not of both.
    for name, rtol in (("surface_area", 1e-3), ("film_resistance_mean", 1e-9), ("film_resistance_parallel", 1e-9)):
        np.testing.assert_allclose(two[name], plane[name], rtol=rtol)
    for name in ("current_min", "current_max"):  # of a flat surface both are the current; 1e-5: numerics.tolerance
        np.testing.assert_allclose(two[name][:-1], two["current_density"][:-1], rtol=1e-4)


def test_each_keeps_its_own_lithium(tmp_path: Path) -> None:
    growing = 'film.growth={law="square-root", coefficient="1e-18 m^2/s", molar_volume="17.5 cm^3/mol"}'
    series = ran(both(*PATCHY, growing, "film.repair=0.01"), tmp_path / "run")
    volume, deposited = series["counter_lithium"], series["counter_deposited"]
    volume_per_charge = 1.3e-5 / FARADAY * 32e-6 * 1e-6
    np.testing.assert_allclose(volume - volume[0], volume_per_charge * deposited, rtol=0.0, atol=1e-13 * volume[0])
    # What the one gains, and the film of both takes, the other loses.
    assert np.ptp(deposited) > 0.9 * 6000.0
    lost = -(series["charge_deposited"] + deposited)
    assert np.all(lost[1:] > series["charge_side"][1:])
    assert series["salt_displaced"] == pytest.approx(0.0, abs=1e-25)


def test_what_is_turned_upside_down_comes_out_upside_down(tmp_path: Path) -> None:
    rough = 'roughness="0.8 um", correlation_length="8 um", seed=3'
    one = make(
        WIDE, 'surface.height="12 um"', 'surface.roughness="0.8 um"', 'surface.correlation_length="8 um"',
        "surface.seed=3", 'counter.surface={height="12 um"}', 'protocol.steps=[{current="20 A/m^2", duration="900 s"}]',
    )  # fmt: skip
    other = make(
        WIDE, 'surface.height="12 um"', f'counter.surface={{height="12 um", {rough}}}',
        'protocol.steps=[{current="-20 A/m^2", duration="900 s"}]',
    )  # fmt: skip
    a, b = ran(one, tmp_path / "one"), ran(other, tmp_path / "other")
    np.testing.assert_allclose(a["voltage"], -b["voltage"], rtol=1e-5)
    np.testing.assert_allclose(a["Sz"], b["counter_Sz"], rtol=1e-5)
    np.testing.assert_allclose(a["height_mean"], b["counter_height"], rtol=1e-8)


def test_a_held_voltage_takes_as_much_as_it_gives(tmp_path: Path) -> None:
    hold = 'protocol.steps=[{voltage="0.3 V", duration="600 s"}]'
    series = ran(both(*PATCHY, hold), tmp_path / "run")
    np.testing.assert_allclose(series["counter_deposited"], -series["charge_deposited"], rtol=1e-12)
    assert series["voltage"][-1] == 0.3


def test_the_film_of_each_conducts_as_stated(tmp_path: Path) -> None:
    """Patches lie in parallel: with hardly any electrolyte both films give the even one's voltage."""
    fast = ('electrolyte.conductivity="10 S/m"', 'film.conductivity="2e-7 S/m"',
            'protocol.steps=[{current="10 A/m^2", duration="1 s"}]')  # fmt: skip
    patchy, even = ran(both(*PATCHY, *fast), tmp_path / "patchy"), ran(both(*fast), tmp_path / "even")
    assert patchy["voltage"][0] == pytest.approx(even["voltage"][0], rel=5e-3)


def test_they_touch(tmp_path: Path) -> None:
    case = make(
        WIDE, 'surface.height="12 um"', 'counter.surface={height="16 um"}', "surface.wave.amplitude=6e-6 m",
        'surface.wave.wavelength="32 um"', 'electrolyte.conductivity="1e-5 S/cm"',
        'film.conductivity="1e-3 S/m"', 'protocol.voltage_limit="50 V"',
        'protocol.steps=[{current="20 A/m^2", duration="40 h"}]', 'output.fields_every="1 h"',
        'electrolyte.salt_diffusivity="1e-8 m^2/s"',
    )  # fmt: skip
    assert Driver(case, tmp_path / "run").run().reason == "short_circuit"


def test_stopped_and_resumed_it_ends_the_same(tmp_path: Path) -> None:
    assert ends_the_same(both(*PATCHY), tmp_path, every=2) >= 3


def test_far_above_the_voltage_limit_from_the_first_moment_the_limit_is_held(tmp_path: Path) -> None:
    """1300 A/m^2 would need 66 V of 1: from there Newton's method alone does not come down."""
    case = make(
        'grid.size=["32 um", "112 um"]', 'grid.spacing="4 um"', 'surface.height="24 um"',
        'counter.surface={height="28 um"}', 'electrolyte.conductivity="0.0012 S/m"',
        "electrolyte.transference_number=0.88", 'electrolyte.salt_concentration="700 mol/m^3"',
        'electrolyte.salt_diffusivity="3.7e-11 m^2/s"', 'kinetics.exchange_current_density="0.55 A/m^2"',
        'film.thickness="20 nm"', 'film.resistance="0.14 ohm*cm^2"', 'protocol.voltage_limit="1 V"',
        'protocol.stop_on=["exhausted"]',
        'protocol.steps=[{current="1300 A/m^2", duration="1 s"}]', 'output.fields_every="10 s"',
    )  # fmt: skip
    limited = ran(case, tmp_path / "run")
    np.testing.assert_allclose(limited["voltage"], 1.0, rtol=1e-9)
    assert 0.0 < limited["current_density"].max() < 130.0


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ('counter.surface.height="30 um"', "raise the box"),
        ('counter.surface.height="2 um"', "too thin for its spacing and roughness"),
        ('counter.surface.roughness="1 um"', "needed together"),
        ('counter.film.thickness="10 nm"', "both electrodes are alike"),
        ('counter.kinetics.exchange_current_density="5 A/m^2"', "both electrodes are alike"),
        ('numerics.motion="allen-cahn"', "numerics.motion"),
    ],
)
def test_what_does_not_go_is_said(override: str, says: str) -> None:
    with pytest.raises(Exception, match=says):
        both(override)
