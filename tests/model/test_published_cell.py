"""Cases that move by the published law: through the driver, a stop and a resume, and what the ledger says of them."""

from __future__ import annotations

from pathlib import Path

import h5py
import modelcases as cases
import numpy as np
import pytest

from phasefield.case import Case
from phasefield.case.settings import MOTIONS
from phasefield.check import regime
from phasefield.errors import CaseError, Interrupted
from phasefield.model.allen_cahn.law import KEEPING, AllenCahnLaw, numbers_of
from phasefield.model.laws import LAWS, law_of
from phasefield.model.level_set import LevelSetLaw
from phasefield.results.run import open_run
from phasefield.simulation.driver import Driver

SETTINGS = (
    'numerics.motion="allen-cahn"',
    'surface.wave={ amplitude="1 um", wavelength="8 um" }',
    'protocol.steps=[{ current="30 A/m^2", duration="60 s" }, { rest="20 s" }, { voltage="0.02 V", duration="30 s" }]',
    'output.fields_every="50 s"',
    'output.checkpoint_every="0.001 s"',
)


@pytest.fixture(scope="module")
def case() -> Case:
    return cases.make(*SETTINGS)


@pytest.fixture(scope="module")
def whole(case: Case, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published") / "run"
    assert Driver(case, folder).run().reason == "end"
    return folder


def test_the_law_is_chosen_by_name(case: Case) -> None:
    assert isinstance(law_of(case), AllenCahnLaw)
    assert type(law_of(cases.make())) is LevelSetLaw
    assert not issubclass(AllenCahnLaw, LevelSetLaw)
    assert set(LAWS) == set(MOTIONS)


def test_a_run_is_stored_like_any_other(whole: Path) -> None:
    with open_run(whole) as run:
        s = run.series
        imposed = np.where(s["time"] <= 60.0, 30.0, 0.0)[s["time"] < 80.0]
        np.testing.assert_allclose(s["current_density"][s["time"] < 80.0][1:-1], imposed[1:-1], atol=1e-9)
        assert run.field("xi").max() <= 1.0 + 1e-3
        assert s["voltage"][-1] == pytest.approx(0.02)
        assert s["time"][-1] == pytest.approx(110.0)
        assert np.all(np.diff(s["charge_applied"]) >= 0.0)


def test_the_ledger_says_what_the_law_does_not_keep(whole: Path) -> None:
    """Ions that gather at the interface, and a wave that its surface energy flattens: nothing is mended."""
    with open_run(whole) as run:
        errors, closed = run.ledger(), run.corrections()
        assert all(1e-3 < errors[name] < 10.0 for name in ("charge", "lithium", "salt")), errors
        assert closed is not None
        assert set(closed.values()) == {0.0}


def test_a_resumed_run_is_the_unbroken_one(case: Case, whole: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with pytest.raises(Interrupted):
        Driver(case, folder, walltime=0.0).run()
    for _ in range(2):
        driver = Driver(case, folder, resume=True, walltime=0.0)
        with pytest.raises(Interrupted):
            driver.run()
    assert Driver(case, folder, resume=True).run().reason == "end"
    with h5py.File(whole / "result.vtkhdf") as a, h5py.File(folder / "result.vtkhdf") as b:
        names: list[str] = []
        a.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
        assert names
        for name in names:
            assert np.array_equal(a[name][()], b[name][()]), name


@pytest.mark.parametrize(
    ("setting", "key"),
    [
        ('film.patches={ spread=0.5, size="6 um", renewal="none" }', "film.patches"),
        ('film.growth={ law="constant", rate="1e-14 m/s", molar_volume="2e-5 m^3/mol" }', "film.growth"),
        ('lithium.surface_energy="0 J/m^2"', "lithium.surface_energy"),
        ('counter.surface={ height="4 um" }', "counter.surface"),
    ],
)
def test_what_the_law_does_not_know_is_refused(setting: str, key: str) -> None:
    with pytest.raises(CaseError, match="allen-cahn") as caught:
        cases.make('numerics.motion="allen-cahn"', setting)
    assert key in str(caught.value)


def test_coefficients_follow_from_measurable_inputs(case: Case) -> None:
    p, n = case.properties(), numbers_of(case)
    found = {one.name: one.value for one in regime(case) if not one.warning}
    delta = 4.0 * case.numerics.interface_width
    assert delta == pytest.approx(4.0 * case.grid.spacing)
    assert found["barrier W"] == pytest.approx(12.0 * p.gamma / delta)
    assert found["gradient k"] == pytest.approx(1.5 * p.gamma * delta)
    assert found["exchange L_e"] == pytest.approx(2.0 * p.j0 * p.V_m / (3.0 * 96485.332 * delta))
    speed = p.V_m * max(30.0, p.kappa * 0.02 / 16e-6) / 96485.332
    assert found["mobility L_s"] * found["barrier W"] * delta == pytest.approx(KEEPING * speed)
    assert n.metal == pytest.approx(1e7 * p.kappa)
    assert not {"barrier W", "mobility L_s"} & {one.name for one in regime(cases.make())}


def test_a_strong_field_may_ask_for_ions_that_are_not_there_and_still_runs(tmp_path: Path) -> None:
    """As in the published runs, 0.2 V: the surface terms take ions from an interface that has none left."""
    case = cases.make(
        'numerics.motion="allen-cahn"',
        'electrolyte.conductivity="1.19e-2 S/cm"',
        'kinetics.exchange_current_density="3000 A/m^2"',
        'protocol.steps=[{ voltage="0.2 V", duration="0.5 s" }]',
    )
    least: list[float] = []
    outcome = cases.run(case, tmp_path / "run", lambda s: least.append(float(s.c.min())))
    assert outcome.reason == "end"
    assert min(least) < 0.0
    with open_run(tmp_path / "run") as run:
        assert run.n_steps < 200
        assert run.series["concentration_min"].min() > -0.5 * case.electrolyte.salt_concentration  # -0.23 when written
