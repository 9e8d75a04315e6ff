"""Exact balance: charge, lithium and salt of random cases, from the fields of every step and from the stored series."""

from __future__ import annotations

import math

import numpy as np

from phasefield.api import open_run
from phasefield.constants import FARADAY
from phasefield.simulation.driver import Driver
from phasefield.verification import small_cases
from phasefield.verification.march import make
from phasefield.verification.row import Check, CheckRow, Curve, Plot, Result

FAST, FULL = 6, 50  # seeds from 0 on
WITHIN = 1e-10
LEAST = 1.0  # C/m^2: what counts as passed, where only round-off did
STILL = 1e-4  # of the lithium in the box: what counts as moved, as the volume is matched to 1e-14 of it
NAMES = ("charge", "lithium", "salt")
WHY = {
    "charge": "The sum runs over the steps, each exact to 1e-16 of the charge passed. This gives 1e-13. The "
    "requirement is 1e-10.",
    "lithium": "The volume is matched to 1e-14 of the lithium in the box. This is 1e-10 of the lithium that has "
    "moved, from a nanometre on.",
    "salt": "The sum runs over the cells, each exact to 1e-16 of the salt, through hundreds of steps. This gives "
    "1e-13. The requirement is 1e-10.",
}


def over_concentration(rng: np.random.Generator) -> tuple[str, ...]:
    """Return the overrides of a t+ and a factor that depend on the concentration, of the case of `march`."""
    t_plus, X = float(rng.uniform(-0.4, 0.3)), float(rng.uniform(1.0, 2.5))
    table = small_cases.transference_table(1e-3, t_plus, X, rng, "1e-10 m^2/s")
    return f"electrolyte.transference_number={t_plus}", f"electrolyte.thermodynamic_factor={X}", table


def random_case(seed: int) -> tuple[str, ...]:
    """Return the overrides of a random case: box, 2D or 3D, sides, surface, salt, film, patches, growth, protocol."""
    rng = np.random.default_rng(seed)
    sides = [float(n) for n in rng.choice([8, 9, 11, 13, 15], 2)]
    size = [*sides[: 2 if seed % 2 else 1], float(rng.choice([24, 27, 31]))]
    current = float(rng.uniform(10.0, 40.0))
    steps = [
        f'{{ current = "{current} A/m^2", duration = "{rng.uniform(60, 200)} s" }}',
        f'{{ current = "{-current} A/m^2", capacity = "{current * rng.uniform(60, 150) / 36} mAh/m^2" }}',
        f'{{ rest = "{rng.uniform(5, 50)} s" }}',
        f'{{ voltage = "{rng.uniform(-0.4, 0.4)} V", duration = "{rng.uniform(20, 100)} s" }}',
    ]
    chosen = [
        small_cases.box(*size),
        f'grid.lateral="{rng.choice(["periodic", "mirror"])}"',
        'surface.height="11 um"',
        'surface.roughness="0.4 um"',
        'surface.correlation_length="3 um"',
        f"surface.seed={seed}",
        f'electrolyte.concentration_dependence="{rng.choice(["constant", "nernst-einstein"])}"',
        f"electrolyte.transference_number={rng.uniform(0.1, 0.9)}",
        f"protocol.steps=[{', '.join(steps[k] for k in rng.permutation(4))}]",
        f'film.conductivity="{10 ** rng.uniform(-6, -4)} S/m"',
    ]
    if rng.random() < 0.7:
        chosen.append(
            f'film.patches={{ spread={rng.uniform(0.2, 1.0)}, size="6 um", renewal="0.3 um", seed={seed} }}'
        )
    if seed % 3 == 2:
        chosen += over_concentration(rng)
    law = rng.choice(["none", "constant", "square-root"])
    if law == "constant":
        chosen.append('film.growth={ law="constant", rate="1e-11 m/s", molar_volume="2e-5 m^3/mol" }')
    if law == "square-root":
        chosen.append(
            'film.growth={ law="square-root", coefficient="1e-18 m^2/s", molar_volume="2e-5 m^3/mol" }'
        )
    return tuple(chosen)


class Balances:
    """The worst errors of the balances over the steps of a run, rebuilt from its fields."""

    def __init__(self) -> None:
        self.worst = dict.fromkeys(NAMES, 0.0)
        self.moved = self.passed = self.deposited = self.applied = 0.0

    def look(self, driver: Driver) -> None:
        """Add a step to the balances; a number that is not finite is an error without bound."""
        cell, s = driver.cell, driver.state
        self.moved += abs(s.deposited - self.deposited)
        self.passed += abs(s.applied - self.applied)
        self.deposited, self.applied = s.deposited, s.applied
        volume_per_charge = cell.plane * cell.properties.V_m / FARADAY
        lithium = float((1.0 - s.front.h).sum()) * cell.dx**3 - cell.volume_0
        salt = float((s.front.h * s.c).sum()) * cell.dx**3 + s.displaced - cell.salt_0
        errors = {
            "charge": (s.applied - s.deposited - s.side) / max(self.passed, LEAST),
            "lithium": (lithium - s.deposited * volume_per_charge)
            / max(self.moved * volume_per_charge, STILL * cell.volume_0),
            "salt": salt / cell.salt_0,
        }
        for name, error in errors.items():
            size = abs(error) if math.isfinite(error) else math.inf
            self.worst[name] = max(self.worst[name], size)


def _row(what: str, against: str, worst: float, why: str) -> CheckRow:
    return CheckRow(what, against, 0.0, worst, WITHIN, why, "", False)


def balances(full: bool) -> Result:
    """Return the worst errors of random cases."""
    seeds = range(FULL if full else FAST)
    found: dict[str, list[float]] = {name: [] for name in NAMES}
    stored: list[float] = []
    unfinished = 0
    for seed in seeds:
        balances = Balances()

        def close(driver: Driver) -> None:
            with open_run(driver.folder) as run:
                stored.append(float(np.max(np.array(list(run.ledger().values()), np.float64))))

        _, outcome = small_cases.run_in_memory(make(small_cases.HOURLY, *random_case(seed)), balances.look, after=close)
        unfinished += outcome.reason != "end"
        for name in NAMES:
            found[name].append(balances.worst[name])
    what = f"seeds 0 to {seeds[-1]}"
    rows = [
        _row(f"{name}, worst of all steps, {what}", "balance, from the fields", max(found[name]), WHY[name])
        for name in NAMES
    ]
    rows.append(
        _row(f"any of the three, {what}", "balance, from the stored series", max(stored), WHY["lithium"])
    )
    rows.append(
        CheckRow(
            f"runs that did not reach their end, {what}",
            "none",
            0.0,
            float(unfinished),
            0.0,
            "This is a count: every run must reach its end.",
            "",
            False,
        )
    )
    x = np.array(list(seeds), float)
    floor = 1e-18
    plot = Plot(
        "balance",
        "Worst error of the balances over all steps",
        "seed of the random case",
        "relative error",
        (
            Curve("requirement", x[[0, -1]], np.full(2, WITHIN), True),
            *(Curve(name, x, np.maximum(found[name], floor)) for name in NAMES),
        ),
        "y",
    )
    return Result(tuple(rows), (plot,))


CHECKS = (
    Check(
        "balance",
        "Exact balance",
        "charge, lithium and salt of random cases, 2D and 3D, at every step",
        balances,
        (2.0, 8.0),
    ),
)
