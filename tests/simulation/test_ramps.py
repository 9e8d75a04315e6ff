"""Ramps, sweeps, held voltages of full cells and groups of steps, run: charge, ends, closed forms, same bits."""

from __future__ import annotations

from pathlib import Path

import modelcases as cases
import numpy as np
import pytest
from modelcases import ends_the_same, make

from phasefield.analytic.closed_forms import planar_voltage
from phasefield.analytic.flat_cell import FlatCell, gap_of, run_flat
from phasefield.case import Case
from phasefield.results.run import open_run

FAST = ('electrolyte.salt_diffusivity="1e-8 m^2/s"', 'output.fields_every="1 h"')  # the salt is settled at each moment
CATHODE = (
    'cathode={capacity="0.2 mAh/cm^2", filling=0.15, exchange_current_density="5 A/m^2", diffusion_time="200 s", '
    'resistance="20 ohm cm^2", open_circuit={filling=[0, 0.1, 0.9, 1], potential=["4.2 V", "3.5 V", "3.3 V", "2.4 V"]}}'
)


def done(case: Case, folder: Path) -> dict[str, np.ndarray]:
    """Run a case to its end; return its series. Charge and salt are balanced to round-off."""
    assert cases.run(case, folder).reason == "end"
    with open_run(folder) as run:
        errors = run.ledger()
        if case.numerics.motion == "level-set":  # the published law keeps neither
            assert max(errors["charge"], errors["salt"]) < 1e-10
        return {name: np.asarray(values) for name, values in run.series.items()}


def ends(s: dict[str, np.ndarray], name: str) -> np.ndarray:
    """Return a series at the start and at the end of each step of the protocol."""
    last = [*np.flatnonzero(np.diff(s["protocol_step"])), len(s["time"]) - 1]
    return np.array([s[name][k] for k in (0, *last)])


@pytest.mark.parametrize("motion", ["level-set", "allen-cahn"])
def test_the_charge_of_a_ramp_is_exact(motion: str, tmp_path: Path) -> None:
    steps = (
        '[{ current = ["0 A/m^2", "30 A/m^2"], duration = "10 s" }, { current = "30 A/m^2", duration = "3 s" }, '
        '{ current = ["30 A/m^2", "-10 A/m^2"], duration = "8 s" }, { current = ["-10 A/m^2", "-4 A/m^2"], '
        'duration = "7 s" }]'
    )
    s = done(make(f"protocol.steps={steps}", f'numerics.motion="{motion}"', 'output.fields_every="4.7 s"'), tmp_path)
    # The ramp through zero lands on zero, after 6 s of 8 s.
    np.testing.assert_allclose(ends(s, "time"), [0, 10, 13, 19, 21, 28], rtol=1e-12)
    np.testing.assert_allclose(np.diff(ends(s, "charge_applied")), [150, 90, 90, -10, -49], rtol=1e-10)
    assert abs(ends(s, "current_density")[3]) < 1e-9 * 30.0
    # At the end of each time step the imposed current is that of the line.
    line = np.interp(s["time"], [0, 10, 13, 21, 28], [0, 30, 30, -10, -4])
    np.testing.assert_allclose(s["current_density"], line, atol=1e-9 * 30.0)


def test_a_slow_ramp_has_the_voltage_of_a_settled_cell(tmp_path: Path) -> None:
    case = make(*FAST, 'protocol.steps=[{ current = ["1 A/m^2", "20 A/m^2"], duration = "20 s" }]')
    s = done(case, tmp_path)
    assert len(s["time"]) > 15
    for j, volts, moved in zip(s["current_density"], s["voltage"], s["charge_applied"], strict=True):
        flat = planar_voltage(case.properties(), float(j), gap_of(case) - moved * 1.3e-5 / 96485.0, settled=True)
        assert flat is not None
        assert volts == pytest.approx(flat.total, rel=2e-3)  # the salt lags by tau = 3 ms, the film is as on any cell


def test_a_ramp_ends_at_its_voltage(tmp_path: Path) -> None:
    steps = '[{ current = ["0 A/m^2", "-30 A/m^2"], duration = "20 s", until_voltage = "0.1 V" }, { rest = "1 s" }]'
    case = make(*FAST, f"protocol.steps={steps}")
    s = done(case, tmp_path)
    volts = ends(s, "voltage")[1]
    assert 0.1 * (1.0 - 1e-9) <= -volts <= 0.1 * (1.0 + 1e-3)  # LIMIT_BAND of the driver
    end = ends(s, "time")[1]
    assert 1.0 < end < 19.0
    flat = FlatCell(case).pass_step(case.protocol.sequence[0])
    assert flat.time == pytest.approx(end, rel=5e-3)
    assert flat.charge == pytest.approx(ends(s, "charge_applied")[1], rel=1e-2)
    # The charge of the part that was run is that of its line.
    assert ends(s, "charge_applied")[1] == pytest.approx(-0.75 * end**2, rel=1e-9)


def test_a_sweep_draws_the_current_of_each_voltage(tmp_path: Path) -> None:
    steps = '[{ voltage = ["0 V", "0.1 V"], duration = "10 s" }, { voltage = ["0.1 V", "-0.1 V"], duration = "20 s" }]'
    case = make(*FAST, f"protocol.steps={steps}")
    s = done(case, tmp_path)
    line = np.interp(s["time"], [0, 10, 30], [0, 0.1, -0.1])
    np.testing.assert_allclose(s["voltage"], line, atol=1e-12)
    flat, film = FlatCell(case), case.properties()
    ours = [flat.current(float(v), 1.0, 0.0) for v in line[1:]]  # after 300 times tau
    assert film.film_thickness > 0.0
    np.testing.assert_allclose(s["current_density"][1:], ours, rtol=5e-3, atol=0.02)
    assert np.count_nonzero(s["rejected"]) < 10
    expected = run_flat(case).first
    charges = np.diff(ends(s, "charge_applied"))
    np.testing.assert_allclose(charges, [leg.charge for leg in expected], rtol=0.02, atol=0.5)


CC_CV = (
    'protocol.steps=[{repeat=2, steps=[{current="0.3 C", until_voltage="3.8 V"}, {voltage="3.8 V", '
    'until_current="0.05 C", duration="3 h"}, {rest="5 min"}, {current="-0.3 C", duration="10 min"}]}]'
)


def test_a_full_cell_charges_by_current_then_by_voltage(tmp_path: Path) -> None:
    case = make(CATHODE, CC_CV, 'output.fields_every="1 h"')
    s = done(case, tmp_path)
    one = 2.0  # A/m^2 of 1 C
    step, volts, current = s["protocol_step"], s["voltage"], s["current_density"]
    held = step == 1
    assert np.count_nonzero(held) > 5
    np.testing.assert_allclose(volts[held], 3.8, rtol=1e-12)
    assert np.all(np.diff(current[held]) < 0.0)  # it falls, without ringing
    assert 0.05 * one * (1.0 - 1e-3) <= current[held][-1] <= 0.05 * one * (1.0 + 1e-9)  # LIMIT_BAND
    assert s["time"][held][-1] - s["time"][held][0] < 3.0 * 3600.0
    np.testing.assert_allclose(s["cathode_filling"], 0.15 - s["charge_applied"] / 7200.0, atol=1e-12)
    flat = run_flat(case).first
    charges = np.diff(ends(s, "charge_applied"))
    # The flat cell holds a voltage by implicit Euler in steps of a fifth of the time so far.
    np.testing.assert_allclose(charges, [leg.charge for leg in flat], rtol=0.05, atol=5.0)
    assert list(np.unique(s["cycle"])) == [1.0, 2.0]
    rejected = int(s["rejected"].sum())
    assert rejected < len(step), rejected


def test_held_voltage_of_a_full_cell_relaxes_as_a_circuit(tmp_path: Path) -> None:
    """A straight open-circuit curve and ohmic parts: V = U0 + q/C + R j, so that j falls as exp(-t/(R C))."""
    case = make(
        'cathode={capacity="0.2 mAh/cm^2", filling=0.5, exchange_current_density="1000 A/m^2", resistance='
        '"2000 ohm cm^2", open_circuit={filling=[0, 1], potential=["4 V", "3 V"]}}',
        'kinetics.exchange_current_density="100 A/m^2"', 'film.conductivity="1e-3 S/m"', *FAST[:1],
        "numerics.step_error=1e-3",
        'protocol.steps=[{voltage="3.6 V", duration="900 s"}]', 'output.fields_every="1 h"',
    )  # fmt: skip
    s = done(case, tmp_path)
    R, C = 0.2, 7200.0  # ohm m^2; F/m^2: 7200 C/m^2 for 1 V
    R += 0.0259 / 100.0 + 0.0259 / 1000.0 + 2e-5 + 1.6e-5 / 0.1  # kinetics of both, film, 16 um of electrolyte
    exact = 0.1 * C * (1.0 - np.exp(-s["time"] / (R * C)))
    # The salt has 2 (1 - t+) times as large a voltage as the ohmic one, 0.1 %; time steps are of second order.
    np.testing.assert_allclose(s["charge_applied"][1:], exact[1:], rtol=3e-3)
    assert len(s["time"]) > 5


def test_stopped_and_resumed_all_of_it_ends_the_same(tmp_path: Path) -> None:
    full = make(CATHODE, CC_CV, 'output.fields_every="30 min"')
    assert ends_the_same(full, tmp_path / "full", every=9) >= 5
    steps = (
        '[{repeat=2, steps=[{ current = ["5 A/m^2", "-30 A/m^2"], duration = "9 s" }, '
        '{ voltage = ["-0.1 V", "0.05 V"], duration = "8 s" }]}, '
        '{ current = ["0 A/m^2", "30 A/m^2"], duration = "20 s", until_voltage = "0.1 V" }]'
    )
    case = make(
        f"protocol.steps={steps}", 'output.fields_every="5 s"', 'film.conductivity="2e-5 S/m"',
        'film.patches={ spread=0.5, size="6 um", renewal="2 nm" }',
    )  # fmt: skip
    assert ends_the_same(case, tmp_path / "ramps", every=11) >= 5


def test_patches_are_renewed_where_a_ramp_turns(tmp_path: Path) -> None:
    """The sign of what a ramp from zero leads to counts, not that of zero."""
    seen = []
    steps = '[{ current = "5 A/m^2", duration = "2 s" }, { current = ["0 A/m^2", "-5 A/m^2"], duration = "2 s" }]'
    patches = 'film.patches={ spread=0.5, size="6 um", renewal="4 um" }'
    case = make(f"protocol.steps={steps}", patches, 'output.fields_every="1 h"')
    cases.run(case, tmp_path, look=lambda s: seen.append((s.film.direction, s.film.patch)))
    assert seen[0][0] == 1.0
    assert seen[-1] == (-1.0, seen[0][1] + 1)
