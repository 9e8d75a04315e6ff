"""Charge and salt, term by term and solved, against the same discrete equations in FiPy."""

from __future__ import annotations

import warnings
from typing import Any

import modelcases as cases
import numpy as np
import pytest
from numpy.typing import NDArray

from phasefield.kernels import transport
from phasefield.model.cell import Cell
from phasefield.model.coefficients import Drive
from phasefield.model.salt import Salt
from phasefield.model.state import State

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from phasefield.reference import Faces, Reference

pytestmark = pytest.mark.filterwarnings("ignore")  # FiPy's own
Floats = NDArray[np.float64]
DT = 12.0


@pytest.fixture(scope="module")
def marched() -> tuple[Cell, State, Drive]:
    """A wave under a patchy film after a minute, solved as far as it can be."""
    case = cases.make(
        'grid.size=["20 um", "30 um"]',
        'grid.lateral="mirror"',
        'surface.height="11 um"',
        'surface.wave={ amplitude="1.5 um", wavelength="20 um" }',
        'film.conductivity="2e-5 S/m"',
        'film.patches={ spread=0.4, size="6 um", renewal="1 um" }',
        'electrolyte.concentration_dependence="nernst-einstein"',
        'electrolyte.salt_diffusivity="2e-11 m^2/s"',
        "numerics.tolerance=1e-10",
    )
    drive = Drive(30.0)
    cell, s = cases.driven(case, drive)
    s = cases.march(cell, s, drive, 6.0, 10)
    cell.drive(s, drive)
    return cell, s, drive


def flat(field: Any) -> Floats:
    """Return a field of a 2D cell as (nz, nx)."""
    return np.asarray(field, np.float64).reshape(field.shape[0], field.shape[2])


def faces(cell: Cell, s: State, values: tuple[Floats, Floats], factor: float) -> Faces:
    """Return (h_a + h_b)/2 K((h_a c_a + h_b c_b)/(h_a + h_b)) factor in float32, by numpy."""
    h, c = flat(s.front.h), flat(s.c)

    def between(a: Any, b: Any) -> Floats:
        weight = h[a] + h[b]
        mean = (h[a] * c[a] + h[b] * c[b]) / np.where(weight > 0.0, weight, 1.0)
        return np.where(weight > 0.0, 0.5 * factor * weight * np.interp(mean, *values), 0.0)

    x, z = np.zeros(h.shape), np.zeros(h.shape)
    x[:, :-1] = between(np.s_[:, :-1], np.s_[:, 1:])
    z[:-1] = between(np.s_[:-1], np.s_[1:])
    return Faces(x.astype(np.float32).astype(float), z.astype(np.float32).astype(float))


def taken(cell: Cell, s: State) -> Floats:
    """Return a j of each cell [A]: every element gives its current to the cells along its line, by numpy."""
    f = s.front
    f.limit(s.c)
    out = np.zeros(f.h.size)
    for e in range(f.count):
        part = slice(f.start[e], f.start[e + 1])
        assert f.share[part].sum() == pytest.approx(1.0, rel=1e-14)
        np.add.at(out, f.idx[part], f.area[e] * s.reaction.j[e] * f.share[part])
    return flat(out.reshape(f.h.shape))


def close(ours: Floats, theirs: Floats, scale: float | None = None) -> None:
    """Fail unless two fields agree to 1e-8 of the largest value."""
    scale = float(np.abs(theirs).max()) if scale is None else scale
    assert scale > 0.0
    assert float(np.abs(ours - theirs).max()) <= 1e-8 * scale


def test_face_coefficients(marched: tuple[Cell, State, Drive]) -> None:
    cell, s, _ = marched
    mine = faces(cell, s, (cell.co.at, cell.co.kappa), cell.dx)
    # Two formulas of the same number, rounded to float32: one unit in the last place, 1.2e-7.
    np.testing.assert_allclose(flat(cell.potential.gx), mine.x, rtol=1.3e-7, atol=0.0)
    np.testing.assert_allclose(flat(cell.potential.gz), mine.z, rtol=1.3e-7, atol=0.0)


def charge_faces(cell: Cell) -> Faces:
    return Faces(flat(cell.potential.gx), flat(cell.potential.gz))


@pytest.mark.parametrize("part", ["ohmic", "diffusion", "both"])
def test_charge_terms(marched: tuple[Cell, State, Drive], part: str) -> None:
    cell, s, _ = marched
    beta = 0.0 if part == "ohmic" else cell.co.beta
    phi = np.zeros_like(s.phi) if part == "diffusion" else s.phi
    ours = np.zeros(cell.shape)
    faces_ = (cell.potential.gx, cell.potential.gy, cell.potential.gz)
    transport.charge_balance(ours, phi, s.c, *faces_, beta, cell.lattice, s.front.k0)
    theirs = Reference((cell.shape[0], cell.shape[2])).charge_balance(
        charge_faces(cell), flat(phi), flat(s.c), beta
    )
    # Round-off of the sum of faces: 1e-16 of a face's current, 100 A/m^2 dx^2.
    close(flat(ours), theirs, 100.0 * cell.dx**2)


def test_carried_salt(marched: tuple[Cell, State, Drive]) -> None:
    cell, s, _ = marched
    ours = np.zeros(cell.shape)
    faces_ = (cell.potential.gx, cell.potential.gy, cell.potential.gz)
    dt, dV = 7.0, cell.dx**3
    transport.salt_source(
        ours, s.front.h, s.c, s.phi, s.c, *faces_, cell.co.beta, cell.co.carried, dt, dV, cell.lattice, s.front.k0
    )
    theirs = Reference((cell.shape[0], cell.shape[2])).carried_salt(
        charge_faces(cell), flat(s.phi), flat(s.c), cell.co.beta, cell.co.carried
    )
    close(flat(ours) - flat(s.front.h * s.c) * dV, dt * theirs)


def test_charge_is_balanced_and_solved_alike(marched: tuple[Cell, State, Drive]) -> None:
    cell, s, drive = marched
    reference = Reference((cell.shape[0], cell.shape[2]))
    reaction = taken(cell, s)
    assert reaction.sum() == pytest.approx(drive.current * cell.plane, rel=1e-12)
    given, slope = np.zeros(reaction.shape), np.zeros(reaction.shape)
    given[-1] = s.jc[0] * cell.dx**2
    slope[-1] = 1e3 * cell.dx**2  # any: at the solution what it adds is nothing
    residual = reference.charge_balance(charge_faces(cell), flat(s.phi), flat(s.c), cell.co.beta)
    residual += given - reaction
    # numerics.tolerance = 1e-10 in the currents.
    assert float(np.abs(residual).max()) < 1e-8 * float(np.abs(reaction).max())
    phi = reference.potential(
        charge_faces(cell), flat(s.c), cell.co.beta, reaction, given, slope, flat(s.phi)
    )
    open_ = flat(s.front.h) > 0.0
    close(phi[open_], flat(s.phi)[open_])


def test_salt_stage(marched: tuple[Cell, State, Drive], monkeypatch: pytest.MonkeyPatch) -> None:
    cell, s, _ = marched
    before = s.c.copy()
    c = s.c.copy()
    salt = Salt(cell.shape, False, cell.dx, 1e-12)
    total = salt.content(s.front, before)
    inside: list[float] = []
    content = Salt.content

    def noted(self: Salt, front: Any, c: Floats) -> float:
        inside.append(content(self, front, c))
        return inside[-1]

    monkeypatch.setattr(Salt, "content", noted)
    s.front.limit(c)
    args = (s.front, cell.co, before, total, DT, c, s.phi, cell.potential, s.reaction, s.jc)
    out, _ = salt.solve(*args, None, True, False, (0.0, 0.0), True)
    unscaled = c * (inside[-1] / (total - DT * out))  # what the equation gave, before the books were closed
    # The same in FiPy: explicit parts from its own terms.
    reference = Reference((cell.shape[0], cell.shape[2]))
    plain = charge_faces(cell)
    source = reference.carried_salt(plain, flat(s.phi), flat(before), cell.co.beta, cell.co.carried)
    source -= cell.co.flux * taken(cell, s)
    area = cell.dx**2
    # What the potential's tolerance leaves over is shared out: the counter electrode gives what the reaction takes.
    given = s.jc[0] + (taken(cell, s).sum() / area - s.jc[0].sum()) / s.jc[0].size
    plane = before[-1, 0] + 0.5 * cell.dx * cell.co.flux * given / np.interp(
        before[-1, 0], cell.co.D_at, cell.co.D
    )
    # Counter electrode: (1 - t+) j/F comes, electrolyte leaves with the salt at the plane (c_plane - c of
    # its cell).
    source[-1] += cell.co.flux * area * given - cell.co.carried * area * given * (plane - before[-1, 0])
    assert out == pytest.approx(float((cell.co.carried * area * given * plane).sum()), rel=1e-9)
    diffusion = Faces(flat(salt.gx) / DT, flat(salt.gz) / DT)
    theirs = reference.salt(diffusion, flat(s.front.h) * cell.dx**3, flat(before), source, DT)
    open_ = flat(s.front.h) > 0.0
    # The change in the stage, not the salt that was there, is what is compared.
    close(
        (flat(unscaled) - flat(before))[open_],
        (theirs - flat(before))[open_],
        float(np.abs(theirs - flat(before))[open_].max()),
    )
    # What closes the books is the difference of two forms of the equation: of the order of h's own change.
    assert abs((total - DT * out) / inside[-1] - 1.0) < 1e-2
