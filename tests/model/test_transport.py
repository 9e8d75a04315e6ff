"""Charge and salt in one Newton solve: its derivatives, what a stage keeps, how good its currents are."""

from __future__ import annotations

import math
from pathlib import Path

import modelcases as cases
import numpy as np
import pytest
from numpy.typing import NDArray

from phasefield.api import read_case
from phasefield.errors import SolverError
from phasefield.kernels import transport
from phasefield.kernels.transport import logarithmic_mean
from phasefield.model.coefficients import Drive
from phasefield.model.level_set import LevelSetLaw
from phasefield.model.reaction import Reaction
from phasefield.model.transport import Stage, Transport

Floats = NDArray[np.float64]
DT = 5.0  # s


def mean(a: float, b: float) -> float:
    """Return (a - b)/ln(a/b), exact to round-off also where a is near b."""
    x = (a - b) / b
    return b if x == 0.0 else (a - b) / (math.log1p(x) if abs(x) < 0.5 else math.log(a / b))


RATIOS = [1.0, 1.0 + 1e-12, 1.0 + 1e-6, 1.001, 1.2, 1.223, 2.5, 1e3, 1e-2, 0.999, 0.82, 1e-9]


@pytest.mark.parametrize("ratio", RATIOS)
def test_logarithmic_mean(ratio: float) -> None:
    a, b = 700.0 * ratio, 700.0
    L, da, db = logarithmic_mean(a, b)
    assert pytest.approx(mean(a, b), rel=1e-9) == L  # the next term of its series, where it ends
    assert (L, da, db) == pytest.approx(tuple(logarithmic_mean(b, a)[i] for i in (0, 2, 1)), rel=1e-12)
    if abs(a - b) < 0.5 * (a + b):
        # Euler: of first degree. Differences of 1e-5 c: (1e-5)^2/6 and 1e-11 of round-off.
        assert da * a + db * b == pytest.approx(L, rel=1e-9)
        h = 1e-5 * a
        assert da == pytest.approx((mean(a + h, b) - mean(a - h, b)) / (2.0 * h), rel=1e-7)


def random_stage(
    seed: int, drive: Drive, *more: str, both_electrodes: bool = False, depleted: bool = False
) -> tuple[LevelSetLaw, Stage]:
    """Return a cell and a stage with random fields on a rough surface that displaces electrolyte."""
    case = cases.make(
        f"grid.size={cases.micrometres(9.0, 8.0, 26.0)}", 'surface.height="8.4 um"', 'surface.roughness="0.5 um"',
        'surface.correlation_length="3 um"', f"surface.seed={seed}", 'film.conductivity="2e-5 S/m"',
        *(['counter.surface={ height="8 um" }'] if both_electrodes else []), *more,
    )  # fmt: skip
    cell, rng = LevelSetLaw(case), np.random.default_rng(seed)
    s = cell.start()
    s.c *= 1.0 + 0.15 * rng.uniform(-1.0, 1.0, cell.shape)
    if depleted:  # next to nothing behind the surface, rising in front of it
        s.c *= np.clip(0.25 * (s.front.d / cell.dx + 1.0), 0.02, 1.0)
    s.phi += 0.01 * rng.uniform(-1.0, 1.0, cell.shape)
    near = (s.front.h > 0.0) & (s.front.h < 1.0)
    shrinks = 0.05 * cell.dx**3 * near * rng.uniform(0.5, 1.0, cell.shape) * s.front.h
    held = (s.front.h * s.c) * cell.dx**3
    cell.displacement.solve(s.front, shrinks, cell.transport.charge, False)
    moved = cell.displacement
    return cell, Stage(s, drive, cell.counter(s), held, DT, moved.volume, moved.top)


CASES = {
    "current": (Drive(20.0), False, False),
    "voltage": (Drive(None, 0.1), False, False),
    "depleted": (Drive(20.0), False, True),
    "stripped": (Drive(-20.0), False, False),
    "depleted, stripped": (Drive(-20.0), False, True),
    "two electrodes": (Drive(20.0), True, False),
    "two electrodes, voltage": (Drive(None, 0.1), True, False),
    "two electrodes, depleted": (Drive(20.0), True, True),
}


# Conductivity with a maximum. One diffusivity: the derivatives leave out how it depends on c.
TABLE = (
    'electrolyte.concentration_dependence={ concentration = ["0.1 mol/L", "1 mol/L", "2 mol/L"], '
    'conductivity = ["0.4 mS/cm", "1 mS/cm", "0.7 mS/cm"], '
    'diffusivity = ["1e-10 m^2/s", "1e-10 m^2/s", "1e-10 m^2/s"] }'
)
LAWS = {law: f'electrolyte.concentration_dependence="{law}"' for law in ("constant", "nernst-einstein")}
LAWS["table"] = TABLE
# t+ that turns negative, and a factor; lines without a bend within the fields, as differences do not like it.
LAWS["transference"] = (
    'electrolyte.concentration_dependence={ concentration = ["0.01 mol/L", "3 mol/L"], '
    'conductivity = ["0.01 mS/cm", "3 mS/cm"], diffusivity = ["1e-10 m^2/s", "1e-10 m^2/s"], '
    "transference_number = [1.0e-1, -0.8], thermodynamic_factor = [1.0, 3.0] }"
)
TRANSFERENCE = (
    LAWS["transference"], "electrolyte.transference_number=-0.198", "electrolyte.thermodynamic_factor=1.662",
)  # fmt: skip
# Where salt is depleted, kappa depends on c and anions move, the derivative by the poorer of two cells is left out.
DERIVED = [(name, "constant", False) for name in CASES]
DERIVED += [(name, law, False) for name, case in CASES.items() if not case[2] for law in ("nernst-einstein", "table")]
DERIVED += [(name, "nernst-einstein", True) for name, case in CASES.items() if case[2]]


@pytest.mark.parametrize("frozen", [False, True], ids=["salt and charge", "charge"])
@pytest.mark.parametrize(("name", "law", "at_rest"), DERIVED)
def test_derivatives_are_those_of_the_residual(name: str, law: str, at_rest: bool, frozen: bool) -> None:
    """The product that GMRES uses, cell by cell and element by element, against differences of the residual.

    at_rest: the anions are, as nearly everywhere where salt is scarce.
    """
    drive, both_electrodes, depleted = CASES[name]
    cell, stage = random_stage(3, drive, LAWS[law], both_electrodes=both_electrodes, depleted=depleted)
    if frozen:
        stage.held = None
    T, s = cell.transport, stage.state
    T._begin(stage)
    if at_rest:
        T.psi[...] = cell.co.anion * np.log(s.c / cell.co.c_0)
    s.phi_s = T.surface.react(s.c, T.psi, s.phi_s)
    T.surface.takes = T.surface.rx.j > 0.0
    if "strip" in name or both_electrodes:
        assert not np.all(T.surface.takes)
    T._evaluate(stage)
    T._build_preconditioner(stage)
    c, psi = s.c.copy(), T.psi.copy()
    v = np.random.default_rng(5).standard_normal((2, *cell.shape)).astype(np.float32) * (s.front.h > 0.0)
    z, w = np.zeros_like(v), np.zeros_like(v)
    dI = T._preconditioned_product(z, w, v, stage)
    k0 = s.front.k0
    # The unknowns are c and psi - anion ln c. A step of 1e-3 in ln c, or of 1e-4 V, (1/250) RT/F: central differences
    # leave a sixth of its square, 3e-6.
    step = min(1e-3 / np.max(np.abs(z[0]) / c, initial=1e-30), 1e-4 / np.abs(z[1]).max())
    sides = []
    for sign in (1.0, -1.0):
        s.c[...], T.psi[...] = c + sign * step * z[0], psi + sign * step * z[1]
        T.psi += cell.co.anion * np.log(s.c / c)
        T._evaluate(stage)
        sides.append((T.residual[:, k0:].copy(), T.surface.area * T.surface.rx.j))
    found = (sides[1][0] - sides[0][0]) / (2.0 * step)
    currents = (sides[0][1] - sides[1][1]) / (2.0 * step)
    for field in range(2):
        off = np.abs(w[field, k0:] - found[field])
        # float32: 6e-8 of seven terms, each up to forty times what they add up to.
        assert off[:-1].max() <= 3e-5 * np.abs(found[field]).max()
        # Salt that leaves: the plane's c answers to jc, which is left out; dx/2 times the displaced speed over D, 1e-4.
        # Charge, at rest: what c makes of the current and of the counter electrode is twice as far apart in float32.
        charge = 6e-5 if at_rest else 3e-5
        assert off[-1].max() <= (2e-4 if field == 0 else charge) * np.abs(found[field, -1]).max()
    assert np.abs(dI - currents).max() < 1e-5 * np.abs(currents).max()


@pytest.mark.parametrize("name", CASES)
def test_a_stage_keeps_its_salt(name: str) -> None:
    drive, both_electrodes, depleted = CASES[name]
    cell, stage = random_stage(4, drive, "numerics.tolerance=1e-11", both_electrodes=both_electrodes, depleted=depleted)
    assert stage.held is not None
    before = float(stage.held.sum())
    _, out = cell.transport.solve(stage)
    assert (out == 0.0) == both_electrodes
    # 1e-11 of what the reaction turns over, which is below what there is.
    assert cell.content(stage.state.front, stage.state.c) + out == pytest.approx(before, rel=1e-11, abs=0.0)
    assert stage.state.c.min() > 0.0


@pytest.mark.parametrize("name", CASES)
def test_a_stage_keeps_its_salt_where_the_transference_number_depends_on_it(name: str) -> None:
    """The anions pass no electrode: what the current carries from cell to cell adds up to nothing."""
    drive, both_electrodes, depleted = CASES[name]
    cell, stage = random_stage(
        4, drive, *TRANSFERENCE, "numerics.tolerance=1e-11", both_electrodes=both_electrodes, depleted=depleted
    )
    migration = cell.transport.migration
    assert stage.held is not None
    assert migration is not None
    before = float(stage.held.sum())
    rx, out = cell.transport.solve(stage)
    # What the current carries is no small thing beside what the reaction turns over, both in ampere.
    turned = float(np.sum(np.abs(cell.transport.surface.area * rx.j))) * cell.transport.ratio
    assert np.abs(migration.brought).sum() > 1e-3 * turned
    assert cell.content(stage.state.front, stage.state.c) + out == pytest.approx(before, rel=1e-11, abs=0.0)
    assert stage.state.c.min() > 0.0


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not case[2]])
def test_what_the_current_carries_answers_as_its_derivatives_say(name: str) -> None:
    """The salt's row of the product with t+(c), away from the electrodes, whose own derivatives leave out t+'(c)."""
    drive, both_electrodes, _ = CASES[name]
    cell, stage = random_stage(3, drive, *TRANSFERENCE, both_electrodes=both_electrodes)
    T, s = cell.transport, stage.state
    T._begin(stage)
    s.phi_s = T.surface.react(s.c, T.psi, s.phi_s)
    T.surface.takes = T.surface.rx.j > 0.0
    T._evaluate(stage)
    T._build_preconditioner(stage)
    v = np.random.default_rng(5).standard_normal((2, *cell.shape)).astype(np.float32) * (s.front.h > 0.0)
    z, w = np.zeros_like(v), np.zeros_like(v)
    T._preconditioned_product(z, w, v, stage)
    c, psi, k0 = s.c.copy(), T.psi.copy(), s.front.k0
    step = min(1e-3 / np.max(np.abs(z[0]) / c), 1e-4 / np.abs(z[1]).max())
    sides = []
    for sign in (1.0, -1.0):
        s.c[...], T.psi[...] = c + sign * step * z[0], psi + sign * step * z[1]
        T.psi += cell.co.anion * np.log(s.c / c)
        T._evaluate(stage)
        sides.append(T.residual[0].copy())
    found = (sides[1] - sides[0]) / (2.0 * step)
    apart = np.ones(cell.shape, bool)
    apart.reshape(-1)[s.front.idx[: s.front.used]] = False
    apart[:k0], apart[-1] = False, False
    # As in the other test of derivatives, float32.
    assert np.abs(w[0] - found)[apart].max() <= 3e-5 * np.abs(found[apart]).max()


@pytest.mark.parametrize("current", [40.0, -40.0])
def test_uniform_salt_stays_uniform_while_the_surface_moves(current: float) -> None:
    """With t+ = 1 no salt is taken nor given: what moves is electrolyte alone."""
    case = cases.make(
        "electrolyte.transference_number=1.0", 'surface.wave={ amplitude="1.5 um", wavelength="8 um" }',
        'electrolyte.salt_diffusivity="1e-15 m^2/s"', 'film.conductivity="2e-5 S/m"',
    )  # fmt: skip
    cell, s = cases.driven(case, Drive(current))
    start = s.front.h.copy()
    new = cases.march(cell, s, Drive(current), 10.0, 3)
    open_ = new.front.h > 1e-3
    assert np.abs(new.front.h - start).max() > 0.05  # without the flow h c would stay, and c change by as much
    # What the flow's solver misses of the volume that is displaced in three steps compresses.
    assert np.abs(new.c / cell.properties.c0 - 1.0)[open_].max() < cell.displacement.tolerance


@pytest.mark.parametrize("periodic", [True, False])
def test_what_is_lent_is_somebodys(periodic: bool) -> None:
    rng = np.random.default_rng(6)
    case = cases.make(
        f"grid.size={cases.micrometres(8.0, 9.0, 24.0)}", f'grid.lateral="{"periodic" if periodic else "mirror"}"'
    )
    cell = LevelSetLaw(case)
    h = rng.uniform(0.0, 1.0, cell.shape) * (rng.random(cell.shape) > 0.2)
    first = rng.uniform(0.5, 1.0, cell.shape)
    second = first * rng.choice([0.01, 0.4, 1.0], cell.shape)
    ratio, share, dV = 25.0 / 12.0, 0.3, 2.0
    k0 = 2
    line = first + ratio * (second - first)
    held = h * line * dV
    lent = held.copy()
    transport.lend(lent, h, first, second, ratio, share, dV, cell.lattice, k0)
    assert lent.sum() == pytest.approx(held.sum(), rel=1e-13, abs=0.0)  # round-off of 1700 numbers
    poor = (line < share * second) & (h > 0.0)
    poor[:k0] = False
    assert np.all(lent[:k0] == held[:k0])
    # A rich cell gives a quarter at most each time, to six neighbours at most; it keeps something.
    rich = ~poor & (held > 0.0)
    assert np.all(lent[rich] > 0.75**6 * held[rich] * (1.0 - 1e-12))
    assert float((lent - held)[poor].sum()) > 0.0


@pytest.mark.parametrize("frozen", [False, True], ids=["salt and charge", "charge"])
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", CASES)
def test_currents_are_as_good_as_stated(name: str, seed: int, frozen: bool) -> None:
    """The error against a solution at 1e-10 is below numerics.tolerance."""
    drive, both_electrodes, depleted = CASES[name]
    found: dict[float, Floats] = {}
    size = 0.0
    for tolerance in (1e-5, 1e-10):
        dependence = ("constant", "nernst-einstein")[seed % 2]
        cell, stage = random_stage(
            seed, drive, f"numerics.tolerance={tolerance}", f'electrolyte.concentration_dependence="{dependence}"',
            both_electrodes=both_electrodes, depleted=depleted,
        )  # fmt: skip
        if frozen:
            stage.held = None
        rx, _ = cell.transport.solve(stage)
        found[tolerance], size = cell.transport.surface.area * rx.j, cell.transport.surface.scale
    assert float(np.sqrt(np.sum((found[1e-5] - found[1e-10]) ** 2))) < 1e-5 * size


@pytest.mark.parametrize("both_electrodes", [False, True])
def test_an_imposed_current_is_met_to_round_off(both_electrodes: bool) -> None:
    cell, stage = random_stage(7, Drive(20.0), both_electrodes=both_electrodes)
    rx, _ = cell.transport.solve(stage)
    assert rx.total == pytest.approx(20.0 * cell.plane, rel=1e-12, abs=0.0)
    if both_electrodes:  # what the one takes the other gives
        area = cell.transport.surface.area
        assert float(np.sum(area * rx.j)) == pytest.approx(0.0, abs=1e-12 * rx.total)


def test_where_salt_carries_no_such_current_the_ceiling_is_imposed() -> None:
    """Three times what diffusion brings, for longer than the salt lasts at the counter electrode."""
    current = -300.0
    words = ('electrolyte.salt_diffusivity="1e-11 m^2/s"', 'film.conductivity="1e-3 S/m"')
    cell, s = cases.driven(cases.make(*words), Drive(current, ceiling=1.0))
    dt = 20.0
    new = cell.step(s, Drive(current, ceiling=1.0), dt)
    assert new.voltage == pytest.approx(math.copysign(1.0, current), rel=1e-12)
    assert new.reaction is not None
    assert 0.0 < new.reaction.total / (current * cell.plane) < 1.0
    with pytest.raises(SolverError):
        cell.step(s, Drive(current), dt)


def test_a_flat_surface_is_solved_although_its_current_is_known_at_once() -> None:
    """The elements all carry what is imposed from the first evaluation on: they do not tell that all is solved."""
    _, s = cases.driven(cases.make('film.conductivity="1e-3 S/m"'), Drive(40.0))
    assert float(s.jc.mean()) == pytest.approx(40.0, rel=1e-5)  # numerics.tolerance
    _, t = cases.driven(cases.make('film.conductivity="1e-3 S/m"', "numerics.tolerance=1e-11"), Drive(40.0))
    assert s.voltage == pytest.approx(t.voltage, rel=1e-5)


def test_where_a_voltage_is_imposed_the_salt_of_the_whole_cell_settles_the_current(tmp_path: Path) -> None:
    """Its slowest mode has a small residual, and yet an error of the current; every stage of the first 3 h of `plz`."""
    solve, apart = Transport.solve, []

    def solve_twice(self: Transport, stage: Stage, far: float = math.inf) -> tuple[Reaction, float]:
        s, tolerance = stage.state, self.tolerance
        guess = s.c.copy(), s.phi.copy(), s.jc.copy(), s.phi_s
        currents = []
        for self.tolerance in (1e-8, tolerance):
            s.c[...], s.phi[...], s.jc[...], s.phi_s = guess
            found = solve(self, stage, far)
            currents.append(self.surface.area * found[0].j)
        apart.append(float(np.linalg.norm(currents[1] - currents[0])) / self.surface.scale)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Transport, "solve", solve_twice)
        cases.run(read_case("plz", ['protocol.steps=[{voltage="10 mV", duration="3 h"}]']), tmp_path / "run")
    assert len(apart) > 20
    assert max(apart) < 1e-4  # numerics.tolerance
