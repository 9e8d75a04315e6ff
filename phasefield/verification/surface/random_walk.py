"""The random walk of a surface whose current follows its film alone, and whose film is renewed each half-cycle."""

from __future__ import annotations

import math

import numpy as np

from phasefield.analytic.closed_forms import few_patches, walk_rms
from phasefield.model.coefficients import Drive
from phasefield.model.level_set import LevelSetLaw
from phasefield.verification import small_cases
from phasefield.verification.march import make, march
from phasefield.verification.row import Check, CheckRow, Curve, Floats, Plot, Result

SPREAD = 0.5
PATCH = 8.0  # um, twice the radius of the patches' autocorrelation exp(-(r/radius)^2)
PLATED = 0.02e-6  # m a half-cycle: 64 of them leave 0.1 um, a hundredth of a patch
CURRENT = 2.0  # A/m^2
CELLS, HEIGHT = 512, 16
HALVES_FAST, HALVES_FULL = 64, 256
SEEDS_FAST, SEEDS_FULL = 4, 16
SIGMAS = 3.0


def simulate_seed(seed: int, halves: int) -> tuple[Floats, Floats]:
    """Return rms heights [m] of one run after each half-cycle, and those of the film's own numbers summed up."""
    case = make(
        small_cases.box(CELLS, HEIGHT),
        'surface.height="8 um"',
        'film.conductivity="2e-8 S/m"',  # 1 S/m^2: kappa R is 100 mm
        f'film.patches={{ spread={SPREAD}, size="{PATCH} um", renewal="1 um", seed={seed} }}',
        'electrolyte.conductivity="1e-3 S/cm"',
        "electrolyte.transference_number=1.0",
        'kinetics.exchange_current_density="1e4 A/m^2"',
        'lithium.surface_energy="0 J/m^2"',
    )
    cell = LevelSetLaw(case)
    state = cell.start()
    dt = PLATED / (cell.volume_per_charge * CURRENT)
    rms, own, sum_ = [], [], np.zeros(CELLS)
    for half in range(halves):
        sign = -1.0 if half % 2 else 1.0
        drive = Drive(sign * CURRENT)
        cell.drive(state, drive)
        # Theory uses the film's random field at the flat surface, eqs. (6) and (7).
        N = cell.film.patchwork(state.film.patch)[HEIGHT // 2 - 1 : HEIGHT // 2 + 1].mean(axis=(0, 1))
        sigma = np.exp(SPREAD * N)
        sum_ += sign * PLATED * sigma / sigma.mean()
        state = march(cell, state, drive, dt, 1)
        rms.append(float(state.front.height()[0].std()))
        own.append(float(sum_.std()))
    return np.array(rms), np.array(own)


def independent_patches() -> float:
    """Return how many independent patches the box holds: length over the integral of the autocorrelation."""
    return CELLS / (0.5 * PATCH * math.sqrt(math.pi))


def roughness_growth(full: bool) -> Result:
    """Return exponent and prefactor of the roughness of renewed patchy films."""
    halves, seeds = (HALVES_FULL, SEEDS_FULL) if full else (HALVES_FAST, SEEDS_FAST)
    runs = [simulate_seed(seed, halves) for seed in range(1, seeds + 1)]
    got, own = np.array([rms for rms, _ in runs]), np.array([film for _, film in runs])
    n = np.arange(1, halves + 1, dtype=float)
    mean = np.sqrt(np.mean(np.square(got), axis=0))
    patches = independent_patches()
    law = np.array([walk_rms(SPREAD, math.inf, [PLATED])]) * np.sqrt(n) * few_patches(SPREAD, patches)
    where = f"{seeds} seeds, {halves} half-cycles"
    rows = (
        _exponent(where, _fit(n, mean), _scatter(halves, seeds), seeds * patches),
        _prefactor(where, float(law[-1]), float(mean[-1]), seeds * patches),
        _against_film(float(np.max(np.abs(got[:, -1] / own[:, -1] - 1.0)))),
    )
    pick = np.unique(np.round(np.geomspace(1, halves, 25)).astype(int)) - 1
    plot = Plot(
        "random-walk",
        "Roughness of a renewed patchy film",
        "half-cycles",
        "rms height (nm)",
        (
            Curve("q CV sqrt(2N)", n, 1e9 * law, True),
            Curve(f"measured, {seeds} seeds", n[pick], 1e9 * mean[pick]),
        ),
        "xy",
    )
    return Result(rows, (plot,))


def _exponent(where: str, measured: float, scatter: float, independent: float) -> CheckRow:
    """Return the row of the exponent; scatter: that of the fit on random walks of independent positions."""
    return CheckRow(
        f"exponent of rms height over half-cycles, {where}",
        "1/2",
        0.5,
        measured,
        SIGMAS * scatter,
        f"The tolerance is three times the scatter of the same fit on random walks of {independent:.0f} "
        "independent positions.",
        "",
        False,
    )


def _prefactor(where: str, law: float, measured: float, independent: float) -> CheckRow:
    """Return the row of the last rms height [m] over all seeds, which stands for the prefactor."""
    return CheckRow(
        f"rms height at the end, {where}",
        "q CV sqrt(2N)",
        1e9 * law,
        1e9 * measured,
        SIGMAS / math.sqrt(2.0 * independent) + 0.03,
        f"The tolerance is three times 1/sqrt(2n) of {independent:.0f} independent positions, and 3 % because an "
        "element reads patches of 8 cells as a mean over the interface.",
        "nm",
    )


def _against_film(off: float) -> CheckRow:
    """Return the row of the last rms height over that of the run's own film, from the largest relative difference."""
    return CheckRow(
        "rms height over that of the film's own numbers, worst seed",
        "sum of q sigma/<sigma>",
        1.0,
        1.0 + off,
        0.05,
        "This row has no random error: the random fields are those of the run. The slopes of the surface are a "
        "hundredth, and kappa R over a patch is 1e4. N is read within a cell of the height at which theory reads "
        "it: (dx/2)^2/radius^2 = 2 %. The motion of the fronts adds as much.",
    )


def _fit(n: Floats, rms: Floats) -> float:
    """Return the slope of log rms over log n, every octave of n with the same weight."""
    return float(np.polyfit(np.log(n), np.log(rms), 1, w=1.0 / np.sqrt(n))[0])


def _scatter(halves: int, seeds: int) -> float:
    """Return the standard deviation of `_fit` on sums of independent log-normal numbers."""
    rng = np.random.default_rng(0)
    n = np.arange(1, halves + 1, dtype=float)
    count = round(seeds * independent_patches())
    slopes = []
    for _ in range(100):
        sigma = np.exp(SPREAD * rng.standard_normal((halves, count)))
        sign = np.where(np.arange(halves) % 2, -1.0, 1.0)[:, None]
        heights = np.cumsum(sign * sigma / sigma.mean(axis=1, keepdims=True), axis=0)
        slopes.append(_fit(n, heights.std(axis=1)))
    return float(np.std(slopes))


CHECKS = (
    Check(
        "random-walk",
        "Closed forms",
        "roughness of a film-ruled surface grows as the root of the half-cycles",
        roughness_growth,
        (5.0, 80.0),
    ),
)
