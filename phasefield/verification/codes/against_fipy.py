"""The same discrete equations in FiPy: each term, coupled steps and a short run from random fields."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from phasefield.kernels import transport
from phasefield.model.coefficients import Drive
from phasefield.model.level_set import LevelSetLaw
from phasefield.model.state import State
from phasefield.verification.march import make, micrometres
from phasefield.verification.row import CheckRow, Curve, Plot, Result
from phasefield.verification.small_cases import transference_table

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # FiPy's own, at import
    from phasefield.verification.codes.fipy_reference import Faces, Reference
    from phasefield.verification.codes.fipy_twin import EMPTY, Displaced, FipyStage, FipyTwin, displaced, flat

Floats = NDArray[np.float64]

AGREEMENT = 1e-9
CURRENT = 20.0  # A/m^2
STEP = 6.0  # s
OVER_C = ", t+ and X over c"
WHY = (
    "Both codes solve the same numbers. The tolerance of the solvers remains: 1e-12 of the currents, and 1e-12 where "
    "charge and salt agree. It is multiplied by the ratio of the fields to their changes, below 1e3."
)
FLOAT32 = 1.3e-7  # a unit in the last place of what faces are stored in


def random_cell(seed: int, flat_: bool, dependence: str, depleted: bool = False) -> tuple[LevelSetLaw, State]:
    """Return a cell of 10 x 18 and a state with random fields: c of each cell +-15 %, phi of each +-20 mV.

    flat_: a flat surface, fields that depend on z alone; else a rough one under a patchy film. depleted: with next to
    no salt behind the surface, rising in front of it.
    """
    rng = np.random.default_rng(seed)
    more = [] if flat_ else [
        'surface.roughness="0.7 um"', 'surface.correlation_length="4 um"', f"surface.seed={seed}",
        f'film.patches={{ spread=0.4, size="5 um", renewal="none", seed={seed} }}',
    ]  # fmt: skip
    kappa, t_plus, D, X = (rng.uniform(*ends) for ends in ((2e-4, 2e-3), (0.2, 0.7), (1e-11, 4e-11), (1.0, 2.5)))
    law = f'electrolyte.concentration_dependence="{dependence}"'
    if dependence == "transference":
        t_plus -= 0.5
        law = transference_table(kappa, t_plus, X, rng)
    case = make(
        f"grid.size={micrometres(10.0, 18.0)}", 'grid.lateral="mirror"', 'surface.height="8.3 um"',
        f'electrolyte.conductivity="{kappa} S/cm"', f"electrolyte.transference_number={t_plus}",
        f'electrolyte.salt_diffusivity="{D} m^2/s"',
        f"electrolyte.thermodynamic_factor={X}", law,
        f'film.conductivity="{rng.uniform(1e-5, 4e-5)} S/m"',
        'counter.film.conductivity="7e-5 S/m"', "numerics.tolerance=1e-13", *more,
    )  # fmt: skip
    cell = LevelSetLaw(case)
    s = cell.start()
    shape = (cell.shape[0], 1, 1 if flat_ else cell.shape[2])
    s.c *= 1.0 + 0.15 * rng.uniform(-1.0, 1.0, shape)
    if depleted:
        s.c *= np.clip(0.25 * (s.front.d / cell.dx + 1.0), 0.02, 1.0)
    s.phi += 0.02 * rng.uniform(-1.0, 1.0, shape)
    cell.salt_0 = cell.content(s.front, s.c)
    return cell, s


def worst(ours: Floats, theirs: Floats, scale: float) -> float:
    """Return the largest difference over a scale."""
    return float(np.abs(np.asarray(ours) - np.asarray(theirs)).max()) / scale


def _row(what: str, got: float, tolerance: float = AGREEMENT, why: str = WHY) -> CheckRow:
    return CheckRow(what, "FiPy", 0.0, got, tolerance, why, "", relative=False)


class Terms:
    """The terms of one random state, ours and FiPy's."""

    def __init__(self, cell: LevelSetLaw, s: State) -> None:
        self.cell, self.s = cell, s
        co, k0 = cell.co, s.front.k0
        twin = self.twin = FipyTwin(cell)
        self.reference, self.faces = twin.reference, twin.conductances(flat(s.front.h), flat(s.c))
        self.I, self.stored = np.zeros((3, *cell.shape)), np.zeros((3, 3, *cell.shape), np.float32)
        psi = s.phi - co.potential_at(s.c)
        Ix, Iy, Iz = self.I
        g, ga, gb = self.stored
        transport.conduction(
            Ix, Iy, Iz, g, ga, gb, s.front.h, s.c, psi, co.at, co.kappa, co.anion, co.c_floor, cell.lattice,
            cell.periodic, k0,
        )  # fmt: skip

    def conductances(self) -> float:
        """Return how far the faces' conductances differ, relative."""
        g = self.stored[0]
        pairs = ((flat(g[0]), self.faces.x), (flat(g[2]), self.faces.z))
        return max(float(np.max(np.abs(a - b) / np.maximum(b, 1e-300))) for a, b in pairs)

    def charge(self) -> float:
        """Return the difference of the charge balance, of its largest value."""
        ours = np.zeros(self.cell.shape)
        Ix, Iy, Iz = self.I
        transport.divergence(ours, Ix, Iy, Iz, self.cell.lattice, self.s.front.k0)
        potential = self.twin.potential(flat(self.s.c))
        theirs = self.reference.charge_balance(self.faces, flat(self.s.phi), potential)
        return worst(flat(ours), theirs, float(np.abs(theirs).max()))

    def salt(self, rng: np.random.Generator) -> float:
        """Return the difference of diffusion and displacement, of a random flow, of their largest value."""
        cell, s = self.cell, self.s
        flow = np.zeros((3, *cell.shape), np.float32)
        flow[2, :-1] = rng.uniform(-1.0, 1.0, flow[2, :-1].shape) * self.stored[0][2, :-1]
        flow[0, ..., :-1] = rng.uniform(-1.0, 1.0, flow[0, ..., :-1].shape) * self.stored[0][0, ..., :-1]
        ours = np.zeros(cell.shape)
        transport.salt_operator(ours, s.c, np.zeros(cell.shape), self.stored[0], flow, cell.lattice, s.front.k0)
        diffusion = Faces(flat(self.stored[0][0]), flat(self.stored[0][2]))
        theirs = self.reference.transported(diffusion, Faces(flat(flow[0]), flat(flow[2])), flat(s.c))
        return worst(-flat(ours), theirs, float(np.abs(theirs).max()))


def terms(full: bool) -> Result:
    """Hold each term of charge and salt against FiPy's, at random fields."""
    got: dict[str, list[float]] = {}
    for seed in range(8 if full else 3):
        for shape in ("1D", "2D"):
            for dependence in ("constant", "nernst-einstein", "transference"):
                case = Terms(*random_cell(seed, shape == "1D", dependence))
                for name, value in (
                    ("conductances of the faces", case.conductances()),
                    ("div(h kappa grad phi) - div(h kappa grad B)", case.charge()),
                    ("div(h D grad c) - div(q c)", case.salt(np.random.default_rng(seed))),
                ):
                    got.setdefault(f"{name}, {shape}{OVER_C * (dependence == 'transference')}", []).append(value)
    plain = (
        "The series of the logarithmic mean is exact to 3e-10 where concentrations differ by a fifth. Sums of four "
        "terms have a round-off of 1e-15, over cells where terms cancel to 1e-5 of their size."
    )
    rows = [
        _row(name, max(values), FLOAT32, "Faces are stored in float32. This is one unit in its last place.")
        if name.startswith("conductances") else _row(name, max(values), AGREEMENT, plain)
        for name, values in got.items()
    ]  # fmt: skip
    return Result(tuple(rows))


def undisplaced(cell: LevelSetLaw, old: State, new: State, moved: Displaced) -> float:
    """Return what the flow of a first stage leaves over of what its cells lose, of all that they lose (rms)."""
    shrinks = flat(old.front.h - new.front.h) * cell.dx**3
    left = Reference((cell.shape[0], cell.shape[2])).displaced(moved.volume) - shrinks
    left[-1] += moved.top
    return float(np.sqrt(np.sum(left**2) / np.sum(shrinks**2)))


def _stage_of(s: State) -> FipyStage:
    assert s.reaction is not None
    return FipyStage(flat(s.c).copy(), flat(s.phi).copy(), s.phi_s, s.reaction.j.copy(), s.jc[0].copy())


def _differences(theirs: FipyStage, ours: State, before: Floats) -> tuple[float, float, float, float]:
    """Return the differences of c over its change since `before`, phi over its range, j over its mean, and of U."""
    assert ours.reaction is not None
    h, c, phi = flat(ours.front.h), flat(ours.c), flat(ours.phi)
    open_, conducts = h > 0.0, h > EMPTY
    return (
        worst(c[open_], theirs.c[open_], float(np.abs(c - before)[open_].max())),
        worst(phi[conducts], theirs.phi[conducts], float(np.ptp(phi[conducts]))),
        worst(ours.reaction.j, theirs.j, float(np.abs(theirs.j).mean())),
        abs(ours.phi_s / theirs.phi_s - 1.0),
    )

QUANTITIES = ("salt", "potential", "currents", "voltage")


def steps(full: bool) -> Result:
    """Hold the potential with its reaction, a coupled step and a short run against FiPy."""
    got: dict[str, float] = {}
    series: list[tuple[float, float, float]] = []

    def note(name: str, value: float) -> None:
        got[name] = max(got.get(name, 0.0), value)

    flows = 0.0
    for seed in range(2 if full else 1):
        for shape, dependence in (("1D", "constant"), ("2D", "nernst-einstein"), ("2D", "transference")):
            for depleted in (True, False):
                cell, s = random_cell(seed, shape == "1D", dependence, depleted)
                drive = Drive(CURRENT)
                cell.drive(s, drive)
                twin = FipyTwin(cell)
                theirs = _stage_of(s)
                theirs.phi[...] = 0.0
                theirs.phi_s = 0.0
                twin.charge(theirs, s, twin.weights(s.front), theirs.j > 0.0, CURRENT)
                over_c = OVER_C * (dependence == "transference")
                where = f"{shape}{over_c}, little salt at the surface" if depleted else f"{shape}{over_c}"
                for name, value in zip(
                    QUANTITIES[1:], _differences(theirs, s, np.zeros(twin.shape))[1:], strict=True
                ):
                    note(f"(9) with its reaction, {name}, {where}", value)
            theirs = _stage_of(s)
            start = theirs.c
            for k in range(6 if full else 2):
                with displaced(cell) as moved:
                    new = cell.step(s, drive, STEP)
                flows = max(flows, undisplaced(cell, s, cell.spare[0], moved[0]))
                first, second = twin.step(theirs, s, cell.spare[0], new, STEP, moved, CURRENT)
                which = "one coupled step" if k == 0 else "a run"
                for stage, state, name in ((first, cell.spare[0], "its first stage"), (second, new, "its end")):
                    for quantity, value in zip(QUANTITIES, _differences(stage, state, start), strict=True):
                        note(f"{which}, {name}, {quantity}, {shape}{over_c}", value)
                cell.accept(s)
                s, theirs = new, second
                if dependence == "nernst-einstein" and seed == 0:
                    series.append((s.t, -s.phi_s, -theirs.phi_s))
    rows = [_row(name, value) for name, value in got.items()]
    requested = max(cell.displacement.tolerance, 8.0 * FLOAT32)
    why = "This is the requested residual of the solver for the flow, or the round-off of its six volumes, in float32."
    rows.append(_row("div q = -dh/dt", flows, requested, why))
    t, ours, fipy = np.array(series).T
    curves = (Curve("FiPy", t, fipy, theory=True), Curve("this program", t, ours))
    return Result(
        tuple(rows), (Plot("codes-fipy", "A short run from random fields", "time (s)", "cell voltage (V)", curves),)
    )
