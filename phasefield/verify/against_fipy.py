"""The same discrete equations in FiPy: each term, stages, coupled steps and a short run from random fields."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phasefield.kernels import transport
from phasefield.model.cell import Cell
from phasefield.model.coefficients import Drive
from phasefield.model.salt import Salt
from phasefield.model.state import State
from phasefield.verify.march import make, micrometres
from phasefield.verify.row import Curve, Plot, Result, Row

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # FiPy's own, at import
    from phasefield.reference import Faces, Reference
    from phasefield.verify.twin import Stage, Twin, flat

Floats = NDArray[np.float64]

AGREEMENT = 1e-8
CURRENT = 20.0  # A/m^2
STEP = 6.0  # s
STAGE = 12.0  # s, of a salt stage alone
WHY = (
    "both solve the same numbers: what is left is the solvers' tolerance, 1e-13 of the currents and 1e-11 where "
    "potential and salt agree, times the ratio of the fields to their changes, below 1e3"
)
FLOAT32 = 1.3e-7  # a unit in the last place of what faces are stored in


def random_case(seed: int, flat_: bool, dependence: str) -> tuple[Cell, State]:
    """Return a cell of 10 x 18 and a state with random fields: c of each cell +-15 %, phi of each +-20 mV.

    flat_: a flat surface, fields that depend on z alone; else a rough one under a patchy film.
    """
    rng = np.random.default_rng(seed)
    more = [] if flat_ else [
        'surface.roughness="0.7 um"', 'surface.correlation_length="4 um"', f"surface.seed={seed}",
        f'film.patches={{ spread=0.4, size="5 um", renewal="none", seed={seed} }}',
    ]  # fmt: skip
    case = make(
        f"grid.size={micrometres(10.0, 18.0)}", 'grid.lateral="mirror"', 'surface.height="8.3 um"',
        f'electrolyte.conductivity="{rng.uniform(2e-4, 2e-3)} S/cm"',
        f"electrolyte.transference_number={rng.uniform(0.2, 0.7)}",
        f'electrolyte.salt_diffusivity="{rng.uniform(1e-11, 4e-11)} m^2/s"',
        f"electrolyte.thermodynamic_factor={rng.uniform(1.0, 2.5)}",
        f'electrolyte.concentration_dependence="{dependence}"',
        f'film.conductivity="{rng.uniform(1e-5, 4e-5)} S/m"',
        'counter.film.conductivity="7e-5 S/m"', "numerics.tolerance=1e-13", *more,
    )  # fmt: skip
    cell = Cell(case)
    s = cell.start()
    shape = (cell.shape[0], 1, 1 if flat_ else cell.shape[2])
    s.c *= 1.0 + 0.15 * rng.uniform(-1.0, 1.0, shape)
    s.phi += 0.02 * rng.uniform(-1.0, 1.0, shape)
    cell.salt_0 = cell.salt.content(s.front, s.c)
    return cell, s


def worst(ours: Floats, theirs: Floats, scale: float) -> float:
    """Return the largest difference over a scale."""
    return float(np.abs(np.asarray(ours) - np.asarray(theirs)).max()) / scale


def _row(what: str, got: float, tolerance: float = AGREEMENT, why: str = WHY) -> Row:
    return Row(what, "FiPy", 0.0, got, tolerance, why, "", relative=False)


def mean_faces(cell: Cell, s: State, at: Floats, values: Floats) -> Faces:
    """Return dx (h_a + h_b)/2 K((h_a c_a + h_b c_b)/(h_a + h_b)) in float32, by numpy."""
    h, c = flat(s.front.h), flat(s.c)

    def between(a: Any, b: Any) -> Floats:
        weight = h[a] + h[b]
        mean = (h[a] * c[a] + h[b] * c[b]) / np.where(weight > 0.0, weight, 1.0)
        return np.where(weight > 0.0, 0.5 * cell.dx * weight * np.interp(mean, at, values), 0.0)

    x, z = np.zeros(h.shape), np.zeros(h.shape)
    x[:, :-1] = between(np.s_[:, :-1], np.s_[:, 1:])
    z[:-1] = between(np.s_[:-1], np.s_[1:])
    return Faces(x.astype(np.float32).astype(float), z.astype(np.float32).astype(float))


@dataclass
class Terms:
    """The terms of one random state, ours and FiPy's."""

    cell: Cell
    s: State

    def __post_init__(self) -> None:
        cell, s, co = self.cell, self.s, self.cell.co
        gx, gy, gz = (np.zeros(cell.shape, np.float32) for _ in range(3))
        self.g = (gx, gy, gz)
        transport.faces(
            *self.g, s.front.h, s.c, co.at, co.kappa, co.least, cell.dx, cell.lattice, cell.periodic, s.front.k0
        )
        self.faces = Faces(flat(self.g[0]), flat(self.g[2]))
        self.reference = Reference((cell.shape[0], cell.shape[2]))

    def face_means(self) -> float:
        """Return how far the faces' coefficients differ, relative."""
        mine = mean_faces(self.cell, self.s, self.cell.co.at, self.cell.co.kappa)
        scale = np.maximum(mine.x, 1e-300), np.maximum(mine.z, 1e-300)
        return max(
            float(np.max(np.abs(mine.x - self.faces.x) / scale[0])),
            float(np.max(np.abs(mine.z - self.faces.z) / scale[1])),
        )

    def charge(self, ohmic: bool, diffusion: bool) -> float:
        """Return the difference of the charge balance, of its largest value."""
        cell, s = self.cell, self.s
        beta, phi = cell.co.beta if diffusion else 0.0, s.phi if ohmic else np.zeros_like(s.phi)
        ours = np.zeros(cell.shape)
        transport.charge_balance(
            ours, phi, s.c, self.g[0], self.g[1], self.g[2], beta, cell.lattice, s.front.k0
        )
        theirs = self.reference.charge_balance(self.faces, flat(phi), flat(s.c), beta)
        return worst(flat(ours), theirs, float(np.abs(theirs).max()))

    def carried(self) -> float:
        """Return the difference of what displaced electrolyte carries, of its largest value."""
        cell, s, co = self.cell, self.s, self.cell.co
        ours, dV = np.zeros(cell.shape), cell.dx**3
        # So long a time that what a cell holds does not drown the term.
        dt = 1e6
        transport.salt_source(
            ours,
            s.front.h,
            s.c,
            s.phi,
            s.c,
            self.g[0],
            self.g[1],
            self.g[2],
            co.beta,
            co.carried,
            dt,
            dV,
            cell.lattice,
            s.front.k0,
        )
        theirs = self.reference.carried_salt(self.faces, flat(s.phi), flat(s.c), co.beta, co.carried)
        return worst(flat(ours) - flat(s.front.h * s.c) * dV, dt * theirs, dt * float(np.abs(theirs).max()))


def terms(full: bool) -> Result:
    """Hold each term of charge and salt against FiPy's, at random fields."""
    got: dict[str, list[float]] = {}
    for seed in range(8 if full else 3):
        for shape in ("1D", "2D"):
            case = Terms(*random_case(seed, shape == "1D", "nernst-einstein"))
            for name, value in (
                ("means on the faces", case.face_means()),
                ("div(h kappa grad phi)", case.charge(True, False)),
                ("div(h kappa beta grad ln c)", case.charge(False, True)),
                ("both", case.charge(True, True)),
                ("q grad c", case.carried()),
            ):
                got.setdefault(f"{name}, {shape}", []).append(value)
    plain = "round-off of sums of four terms, 1e-15, over cells where terms cancel to 1e-5 of their size"
    rows = [
        _row(name, max(values), FLOAT32, "one unit in the last place of float32, in which faces are stored")
        if name.startswith("means") else _row(name, max(values), AGREEMENT, plain)
        for name, values in got.items()
    ]  # fmt: skip
    return Result(tuple(rows))


def salt_stage(cell: Cell, s: State) -> float:
    """Return the difference of the change in one implicit stage of the salt, of its largest value; s is driven."""
    rx = s.reaction
    assert rx is not None
    before, c = s.c.copy(), s.c.copy()
    salt = Salt(cell.shape, cell.periodic, cell.dx, 1e-12)
    s.front.limit(c)
    out, _ = salt.solve(
        s.front, cell.co, before, salt.content(s.front, before), STAGE, c, s.phi, cell.potential, rx, s.jc,
        None, True, False, (0.0, 0.0), True,
    )  # fmt: skip
    twin, dx, co = Twin(cell), cell.dx, cell.co
    P, area = twin.gathering(s.front), s.front.area[: s.front.count]
    taken = (P.T @ (area * rx.j)).reshape(twin.shape)
    given = s.jc[0] + (float(np.sum(area * rx.j)) / dx**2 - s.jc[0].sum()) / s.jc[0].size
    charge = Faces(flat(cell.potential.gx), flat(cell.potential.gz))
    source = (
        twin.reference.carried_salt(charge, flat(s.phi), flat(before), co.beta, co.carried) - co.flux * taken
    )
    plane = before[-1, 0] + 0.5 * dx * co.flux * given / twin.D
    source[-1] += dx**2 * given * (co.flux - co.carried * (plane - before[-1, 0]))
    faces = Faces(flat(salt.gx) / STAGE, flat(salt.gz) / STAGE)
    theirs = twin.reference.salt(faces, flat(s.front.h) * dx**3, flat(before), source, STAGE)
    change = theirs - flat(before)
    open_ = flat(s.front.h) > 0.0
    leaving = float(np.sum(co.carried * dx**2 * given * plane))
    ours = flat(c / salt.factor) - flat(before)
    return max(
        worst(ours[open_], change[open_], float(np.abs(change[open_]).max())), abs(out / leaving - 1.0)
    )


def _stage_of(s: State) -> Stage:
    assert s.reaction is not None
    return Stage(flat(s.c).copy(), flat(s.phi).copy(), s.phi_s, s.reaction.j.copy(), s.jc[0].copy())


def _differences(theirs: Stage, ours: State, before: Floats) -> tuple[float, float, float, float]:
    """Return the differences of c over its change since `before`, phi over its range, j over its mean, and of U."""
    assert ours.reaction is not None
    open_ = flat(ours.front.h) > 0.0
    c, phi = flat(ours.c), flat(ours.phi)
    return (
        worst(c[open_], theirs.c[open_], float(np.abs(c - before)[open_].max())),
        worst(phi[open_], theirs.phi[open_], float(np.ptp(phi[open_]))),
        worst(ours.reaction.j, theirs.j, float(np.abs(theirs.j).mean())),
        abs(ours.phi_s / theirs.phi_s - 1.0),
    )


QUANTITIES = ("salt", "potential", "currents", "voltage")


def steps(full: bool) -> Result:
    """Hold the potential with its reaction, a salt stage, a coupled step and a short run against FiPy."""
    got: dict[str, float] = {}
    series: list[tuple[float, float, float]] = []

    def note(name: str, value: float) -> None:
        got[name] = max(got.get(name, 0.0), value)

    for seed in range(2 if full else 1):
        for shape in ("1D", "2D"):
            cell, s = random_case(seed, shape == "1D", "constant")
            drive = Drive(CURRENT)
            cell.drive(s, drive)
            twin = Twin(cell)
            theirs = _stage_of(s)
            theirs.phi[...] = 0.0
            theirs.phi_s = 0.0
            faces = Faces(flat(cell.potential.gx), flat(cell.potential.gz))
            twin._charge(
                theirs, s.front, twin.gathering(s.front), twin.reference.diffusion_matrix(faces), faces, s.resistance,
                s.counter_film / twin.film_conductivity, CURRENT,
            )  # fmt: skip
            for name, value in zip(
                QUANTITIES[1:], _differences(theirs, s, np.zeros(twin.shape))[1:], strict=True
            ):
                note(f"(9) with its reaction, {name}, {shape}", value)
            note(f"one stage of (10), {shape}", salt_stage(cell, s))
            theirs = _stage_of(s)
            start = theirs.c
            for k in range(6 if full else 2):
                new = cell.step(s, drive, STEP)
                first, second = twin.step(theirs, s, cell.spare[0], new, STEP, CURRENT)
                which = "one coupled step" if k == 0 else "a run"
                for stage, state in ((first, cell.spare[0]), (second, new)):
                    for name, value in zip(QUANTITIES, _differences(stage, state, start), strict=True):
                        note(f"{which}, {name}, {shape}", value)
                cell.accept(s)
                s, theirs = new, second
                if shape == "2D" and seed == 0:
                    series.append((s.t, -s.phi_s, -theirs.phi_s))
    rows = [_row(name, value) for name, value in got.items()]
    t, ours, fipy = np.array(series).T
    curves = (Curve("FiPy", t, fipy, theory=True), Curve("this program", t, ours))
    return Result(
        tuple(rows), (Plot("codes-fipy", "A short run from random fields", "t [s]", "U [V]", curves),)
    )
