"""Independence of the grid: round stays round, a wave grows alike in all directions, finer grids agree, patches too."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from phasefield.analytic.closed_forms import slopes
from phasefield.model.coefficients import Drive
from phasefield.model.film import SurfaceFilm
from phasefield.model.state import State
from phasefield.topography.roughness import sa_sq_sz
from phasefield.verification.march import driven, make, march, micrometres
from phasefield.verification.row import Check, CheckRow, Curve, Plot, Result

Floats = NDArray[np.float64]

SECTION = "Grid independence and isotropy"
RADII = (8.0, 16.0, 32.0)  # cells, of the seed at the start
CURRENT = 20.0  # A/m^2


def crossings(s: State, span: float) -> tuple[Floats, Floats]:
    """Return x and z [m] where grid lines cross the surface of a 2D state, all of them; span: width [m] to unwrap."""
    d, dx = np.asarray(s.front.d)[:, 0, :], s.front.lattice.dx
    xs, zs = [], []
    for axis in (0, 1):
        a, b = (d[:-1], d[1:]) if axis == 0 else (d[:, :-1], d[:, 1:])
        k, i = np.nonzero((a <= 0.0) != (b <= 0.0))
        part = a[k, i] / (a[k, i] - b[k, i])
        zs.append((k + 0.5 + (part if axis == 0 else 0.0)) * dx)
        xs.append((i + 0.5 + (part if axis == 1 else 0.0)) * dx)
    return np.concatenate(xs), np.concatenate(zs)


def seed_growth(cells: float) -> tuple[float, float, float]:
    """Grow a half circle to twice its radius behind a film that rules; return deviations over dx.

    The largest from its own mean radius, the fourfold part of the radius, and that of the mean radius from the start's
    radius plus what the flat surface beside it has risen.
    """
    radius = 8.0  # um
    dx = radius / cells
    width, base = 8.0 * radius, 6.0 * dx + 2.0
    base = round(base / dx) * dx + 0.37 * dx
    case = make(
        f"grid.size={micrometres(width, round(3.2 * radius / dx) * dx)}",
        f'grid.spacing="{dx} um"',
        f'surface.height="{base} um"',
        f'surface.caps=[{{ position=["{0.5 * width + 0.13 * dx} um"], radius="{radius} um", height="{radius} um" }}]',
        'film.conductivity="2e-8 S/m"',  # 1 S/m^2: kappa over the box is 4000 times as much
        'lithium.surface_energy="0 J/m^2"',
        "electrolyte.transference_number=1.0",
    )
    drive = Drive(CURRENT)
    cell, s = driven(case, drive)
    centre = (0.5 * width + 0.13 * dx) * 1e-6, base * 1e-6

    def shape(s: State) -> tuple[Floats, Floats, float]:
        x, z = crossings(s, width * 1e-6)
        r = np.hypot(x - centre[0], z - centre[1])
        angle = np.arctan2(z - centre[1], x - centre[0])
        rise = float(s.front.height()[0][0, : int(cells)].mean()) - centre[1]
        arc = (
            (angle > 0.35 * math.pi / 2.0)
            & (angle < math.pi - 0.35 * math.pi / 2.0)
            & (r > 0.5 * radius * 1e-6)
        )
        return r[arc], angle[arc], rise

    travel = radius * 1e-6
    speed = 0.5 * cell.volume_per_charge * CURRENT  # the surface is up to twice the plane
    dt = 0.2 * cell.dx / (2.0 * speed)
    rise = 0.0
    while rise < travel:
        s = march(cell, s, drive, dt, 5)
        r, angle, rise = shape(s)
    mean = float(r.mean())
    fourfold = 2.0 * float(np.mean((r - mean) * np.cos(4.0 * angle)))
    size = cell.dx
    return (
        float(np.abs(r - mean).max()) / size, abs(fourfold) / size, abs(mean - radius * 1e-6 - rise) / size,
    )  # fmt: skip


def directed_growth(nx: int, ny: int) -> tuple[float, float, float]:
    """Return growth rate over theory and cells a wavelength of a 3D wave (1/nx, 1/ny), and its angle [deg].

    ny 0: along x. No salt (t+ = 1): the sharp problem is Laplace's, 1 + J_z/(kappa k) tanh(k L) below.
    """
    inverse = math.hypot(1.0 / nx, 1.0 / ny if ny else 0.0)
    wavelength = 40.0
    dx = wavelength * inverse
    rows = ny or 8
    angle = math.degrees(math.atan2(1.0 / ny if ny else 0.0, 1.0 / nx))
    height, top = 8.3 * dx, 34.0 * dx
    case = make(
        f"grid.size={micrometres(nx * dx, rows * dx, top)}",
        f'grid.spacing="{dx!r} um"',
        f'surface.height="{height!r} um"',
        f'surface.wave={{ amplitude="{0.05 * dx!r} um", wavelength="{wavelength} um", direction="{angle!r} deg" }}',
        'film.conductivity="2e-4 S/m"',  # 1e4 S/m^2: of the order of kappa k
        'kinetics.exchange_current_density="100 A/m^2"',
        "electrolyte.transference_number=1.0",
        "numerics.tolerance=1e-8",
    )
    drive = Drive(CURRENT)
    cell, s = driven(case, drive)
    ky, kx = 2.0 * math.pi * (1.0 / ny if ny else 0.0), 2.0 * math.pi / nx
    j, i = np.indices((rows, nx)) + 0.5
    wave = np.cos(kx * i + ky * j)

    def amplitude(s: State) -> float:
        return 2.0 * float(np.mean(s.front.height()[0] * wave))

    start = amplitude(s)
    dt = 0.2 * cell.dx / (cell.volume_per_charge * CURRENT)
    s = march(cell, s, drive, dt, 10)
    ratio = amplitude(s) / start
    measured = math.log(ratio) / s.t if ratio > 0.0 else math.nan  # not the requested wave
    p = cell.properties
    k = 2.0 * math.pi / (wavelength * 1e-6)
    J_z, _ = slopes(p, CURRENT, p.c0)
    gap = (top - height) * 1e-6 - 0.5 * cell.volume_per_charge * CURRENT * s.t
    across = J_z / (p.kappa * k) * math.tanh(k * gap)
    sigma = p.gamma * cell.volume_per_charge * k**2
    theory = cell.volume_per_charge * J_z * (CURRENT / p.kappa - sigma) / (1.0 + across)
    return measured / theory, 1.0 / inverse, angle


DIRECTIONS = ((20, 0), (22, 53), (28, 28))  # cells of the box along x and y: a wave at 0, 22.5 and 45 degrees


def isotropy(full: bool) -> Result:
    """Grow a round seed, and the same wave in three directions."""
    rows: list[CheckRow] = []
    radii = RADII if full else RADII[:2]
    got = np.array([seed_growth(n) for n in radii])
    linear = math.log(2.0) / 8.0
    why = "Straight lines read a circle with an error of dx^2/8R. Added up while R doubles: dx/8 ln 2, in cells."
    for n, (r, values) in enumerate(zip(radii, got, strict=True)):
        for k, name in enumerate(
            ("largest deviation from a circle", "fourfold part", "mean radius against Huygens")
        ):
            rows.append(
                CheckRow(
                    f"{name}, seed of {r:g} cells",
                    "a circle",
                    0.0,
                    float(got[n, k]),
                    linear,
                    why,
                    "dx",
                    relative=False,
                )
            )
        assert values.size == 3
    grown = [directed_growth(*box) for box in DIRECTIONS]
    for ratio, cells, angle in grown:
        rows.append(
            CheckRow(
                f"growth of a 3D wave at {angle:.1f} deg, {cells:.1f} cells a wavelength", "linear theory",
                1.0, ratio, 0.03,
                "The leading error of central differences of a wave and its normal is (k dx)^2/3 = 3 % at 20 cells.",
                "",
            )
        )  # fmt: skip
    spread = float(np.ptp([ratio for ratio, _, _ in grown]))
    rows.append(
        CheckRow(
            "growth of a 3D wave, spread over the directions", "isotropy", 0.0, spread, 0.0165,
            "The fourfold part of (k dx)^2/3 is half of it: the sum of k_i^4 over k^4 runs from 1 to 1/2.", "",
            relative=False,
        )
    )  # fmt: skip
    plot = Plot(
        "grids-seed", "A round seed grown to twice its radius", "radius at the start (cells)", "deviation (cells)",
        (Curve("largest", np.array(radii), got[:, 0]), Curve("fourfold", np.array(radii), got[:, 1]),
         Curve("dx/8 ln 2", np.array(radii), np.full(len(radii), linear), theory=True)), "xy",
    )  # fmt: skip
    return Result(tuple(rows), (plot,))


SPACINGS = (2.0, 1.0, 0.5)  # um
QUANTITIES = ("voltage", "Sq", "Sz", "deposited volume")


def same_case(spacing: float) -> tuple[float, ...]:
    """Return voltage at a current [V], then Sq, Sz [m] and lithium [m^3/m^2] of a rough cell under a voltage."""
    case = make(
        f"grid.size={micrometres(64.0, 48.0)}",
        f'grid.spacing="{spacing} um"',
        'surface.height="20 um"',
        'surface.roughness="1 um"',
        'surface.correlation_length="16 um"',
        "surface.seed=3",
        'film.conductivity="1e-5 S/m"',
        'film.patches={ spread=0.4, size="16 um", renewal="none", seed=5 }',
        'electrolyte.salt_diffusivity="2e-11 m^2/s"',
        "numerics.tolerance=1e-7",
    )
    # At the instant of switching on, the half cell before the counter electrode is of first order: some salt first.
    cell, s = driven(case, Drive(CURRENT))
    steps = round(8 / spacing)
    s = march(cell, s, Drive(CURRENT), 60.0 / steps, steps)
    voltage = -s.phi_s
    under = Drive(None, 0.08)
    cell.drive(s, under)
    steps = round(16 / spacing)
    s = march(cell, s, under, 600.0 / steps, steps)
    _, sq, sz = sa_sq_sz(s.front.height()[0])
    return voltage, sq, sz, (s.front.volume() - cell.volume_0) / cell.plane


def spacing(full: bool) -> Result:
    """Run one case at three spacings: differences fall with the order of the method."""
    spacings = (*SPACINGS, 0.25) if full else SPACINGS
    got = np.array([same_case(dx) for dx in spacings])
    change = np.abs(np.diff(got, axis=0)) / np.abs(got[-1])
    rows: list[CheckRow] = []
    curves: list[Curve] = []
    at = np.array(spacings[1:])
    for k, name in enumerate(QUANTITIES):
        order = float(np.log2(change[-2, k] / change[-1, k]))
        rows += [
            CheckRow(
                f"{name}: last change, dx = {spacings[-2]:g} to {spacings[-1]:g} um (order {order:.2f})",
                "itself, coarser",
                0.0, float(change[-1, k]), 3.0 * (2.0 / 16.0 * spacings[-2]) ** 2 / 6.0,
                "The error is (k dx)^2/6 with k = 2/l for features of l = 16 um, at the coarser spacing. There are "
                "three such errors: surface, patches, steps.", "", relative=False,
            ),
        ]  # fmt: skip
        curves.append(Curve(name, at, change[:, k]))
    plot = Plot(
        "grids-spacing",
        "One case at several spacings",
        "spacing (um)",
        "relative change",
        tuple(curves),
        "xy",
    )
    return Result(tuple(rows), (plot,))


ROUGH_SPACINGS = (8.0, 16.0 / 3.0, 4.0)  # um
PLATED = 9000.0  # s, 4.9 um of lithium at ROUGH_CURRENT
ROUGH_CURRENT = 2.0  # A/m^2
PATCH = 40.0  # um


def rough_case(spacing: float) -> tuple[float, float, float]:
    """Plate and strip a rough surface once under a frozen film as uneven as PLL's.

    Returns Sq after plating and after stripping, both over Sq at the start, and the voltage after plating [V].
    """
    case = make(
        f"grid.size={micrometres(128.0, 128.0, 160.0)}", f'grid.spacing="{spacing!r} um"', 'surface.height="80 um"',
        'surface.roughness="8 um"', f'surface.correlation_length="{PATCH} um"', "surface.seed=3",
        'film.conductivity="4e-7 S/m"', f'film.patches={{ spread=1.2, size="{PATCH} um", renewal="none", seed=5 }}',
        "electrolyte.transference_number=1.0", 'lithium.surface_energy="0 J/m^2"',
    )  # fmt: skip
    cell, s = driven(case, Drive(ROUGH_CURRENT))
    _, start, _ = sa_sq_sz(s.front.height()[0])
    steps = round(32.0 / spacing)
    s = march(cell, s, Drive(ROUGH_CURRENT), PLATED / steps, steps)
    _, plated, _ = sa_sq_sz(s.front.height()[0])
    voltage = -s.phi_s
    cell.drive(s, Drive(-ROUGH_CURRENT))
    s = march(cell, s, Drive(-ROUGH_CURRENT), PLATED / steps, steps)
    _, stripped, _ = sa_sq_sz(s.front.height()[0])
    return plated / start, stripped / start, voltage


def rough_spacings(full: bool) -> Result:
    """Plate and strip a rough surface at several spacings."""
    spacings = (*ROUGH_SPACINGS, 8.0 / 3.0) if full else ROUGH_SPACINGS
    got = np.array([rough_case(dx) for dx in spacings])
    at = np.array(spacings)
    rows: list[CheckRow] = []
    for k, name in ((0, "Sq after plating, over the start's"), (2, "voltage after plating")):
        # of second order: the value at spacing 0 from the two finest
        fine, coarse = at[-1] ** 2, at[-2] ** 2
        limit = (coarse * got[-1, k] - fine * got[-2, k]) / (coarse - fine)
        for dx, value in zip(spacings[:-1], got[:, k], strict=False):
            rows.append(
                CheckRow(
                    f"{name}, dx = {dx:.3g} um", "spacing 0, from the two finest", float(limit), float(value),
                    (2.0 / PATCH * dx) ** 2 / 6.0,
                    "The error is (k dx)^2/6 with k = 2/l; surface and patches have l = 40 um.", "",
                )
            )  # fmt: skip
    electrolyte = 80e-6 / 0.1 / (20e-9 / 4e-7)
    for dx, (plated, stripped, _) in zip(spacings, got, strict=True):
        rows.append(
            CheckRow(
                f"Sq after plating and stripping, over the start's, dx = {dx:.3g} um", "what was plated is stripped",
                1.0, float(stripped), electrolyte * (float(got[-1, 0]) - 1.0),
                "Behind a film that controls the current, each position has the same speed in both directions. The "
                "electrolyte has a share of the resistance; the tolerance is this share of the change by plating.", "",
            )
        )  # fmt: skip
        assert plated > 1.0
    change = np.abs(np.diff(got, axis=0))
    plot = Plot(
        "grids-rough", "Rough lithium plated under a frozen film", "spacing (um)", "change to the next finer",
        (Curve("Sq over the start's", at[:-1], change[:, 0]), Curve("after stripping", at[:-1], change[:, 1])), "xy",
    )  # fmt: skip
    return Result(tuple(rows), (plot,))


def patch_field(spacing: float, spread: float) -> tuple[Floats, Floats]:
    """Return the patches' first field N and exp(s N) of a cell of 128 x 64 um, patches of 16 um."""
    case = make(
        f"grid.size={micrometres(128.0, 48.0)}", f'grid.spacing="{spacing} um"', 'surface.height="20 um"',
        f'film.patches={{ spread={spread}, size="16 um", renewal="none", seed=5 }}',
    )  # fmt: skip
    N = SurfaceFilm.of(case).patchwork(0)[:, 0, :]
    return N, np.exp(spread * N)


def patches(full: bool) -> Result:
    """Hold the patches' statistics, and one grid's field, against another grid's."""
    rows: list[CheckRow] = []
    coarse, fine = patch_field(2.0, 0.5)[0], patch_field(2.0 / 3.0, 0.5)[0]
    off = float(np.abs(fine[1::3, 1::3] - coarse).max())
    rows.append(
        CheckRow(
            "the same field at points that two grids share", "spacing 2 and 2/3 um", 0.0, off, 1e-11,
            "Both grids use one lattice and one spline. The round-off of positions is 1e-14 of a box of 30 patches, "
            "times 100 sums.", "",
            relative=False,
        )
    )  # fmt: skip
    for dx in (4.0, 2.0, 1.0):
        _, sigma = patch_field(dx, 0.5)
        reference = patch_field(0.5, 0.5)[1]
        rows.append(
            CheckRow(
                f"CV of the conductivity at {dx:g} um", "at 0.5 um", float(reference.std() / reference.mean()),
                float(sigma.std() / sigma.mean()), (dx / 16.0) ** 2,
                "Midpoint sums of a field of correlation length l have errors far below (dx/l)^2.", "",
            )
        )  # fmt: skip
    return Result(tuple(rows))


def _check(name: str, says: str, run: object, fast: float, full: float) -> Check:
    return Check(name, SECTION, says, run, (fast, full))  # type: ignore[arg-type]


CHECKS: tuple[Check, ...] = (
    _check(
        "grids-isotropy",
        "A round seed stays round; a wave grows alike in all directions",
        isotropy,
        5.0,
        10.0,
    ),
    _check("grids-spacing", "One case at three spacings converges", spacing, 5.0, 15.0),
    _check("grids-rough", "Rough lithium plated and stripped converges, and comes back", rough_spacings, 3.0, 8.0),
    _check("grids-patches", "Patches have the same statistics on all grids", patches, 2.0, 2.0),
)
