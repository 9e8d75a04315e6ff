"""Random hard cases, run to their end: reversals after depletion, voltage steps, pulses, extreme films and t+.

    python benchmarks/hard_cases.py --first 0 --count 200 --seconds 60
    python benchmarks/hard_cases.py --listed

`--listed` runs named cases, each with one difficulty alone, instead of random ones.

Prints a line for each case that fails, and how many did. A case that is still running after its time is not a failure
if its steps have not become short; it is listed.
"""

from __future__ import annotations

import argparse
import logging
import random
import tempfile
import time
from pathlib import Path

from phasefield.case.file import read_case
from phasefield.errors import Interrupted
from phasefield.simulation.driver import Driver

BASE = """title = "hard"
[grid]
size = {size}
spacing = "{spacing} um"
[surface]
height = "10 um"
roughness = "{rough} um"
correlation_length = "{length} um"
seed = {seed}
[electrolyte]
conductivity = "{kappa} S/cm"
transference_number = {t_plus}
salt_concentration = "1 mol/L"
salt_diffusivity = "{D}"
[kinetics]
exchange_current_density = "{j0} A/m^2"
[lithium]
surface_energy = "0.5 J/m^2"
[film]
thickness = "20 nm"
conductivity = "{film} S/m"
{patches}
[protocol]
voltage_limit = "{limit} V"
stop_on = ["short_circuit", "exhausted"]
repeat = {repeat}
steps = [{steps}]
[output]
fields_every = "1 h"
"""


def limiting(kappa: float, t_plus: float, gap: float) -> float:
    """Return the limiting current density [A/m^2] of the ideal salt; kappa [S/m], gap [m]."""
    return 4.0 * t_plus * kappa * 8.314462618 * 298.15 / (96485.33212 * gap)


def case_text(seed: int) -> str:
    """Return a case file."""
    rng = random.Random(seed)
    kappa, t_plus = 10 ** rng.uniform(-4.3, -2.3), rng.choice([0.05, 0.2, 0.4, 0.7, 0.95, 0.999, 1.0])
    deep = rng.random() < 0.25
    size = '["16 um", "16 um", "42 um"]' if deep else '["24 um", "60 um"]'
    gap = (32.0 if deep else 50.0) * 1e-6
    limit_current = min(limiting(100.0 * kappa, t_plus, gap), 3000.0)
    resistance = 10 ** rng.choice([rng.uniform(-7, -5), rng.uniform(-4.5, -2), rng.uniform(-1, 2)])  # ohm m^2
    j = limit_current * rng.choice([0.5, 1.0, 1.5, 2.0, 4.0])
    seconds = rng.choice([0.5, 5.0, 50.0, 300.0, 2000.0])
    rest = rng.choice([0.0, 0.0, 1.0, 10.0])
    kind = rng.choice(["reverse", "reverse", "voltage", "pulses", "hold"])
    limit = rng.choice([0.5, 2.0, 5.0])

    def step(current: float, duration: float) -> str:
        return f'{{ current = "{current} A/m^2", duration = "{duration} s" }}'

    if kind == "reverse":
        steps = [step(j, seconds)] + ([f'{{ rest = "{rest} s" }}'] if rest else []) + [step(-j, seconds)]
    elif kind == "voltage":
        volts = 10 ** rng.uniform(-1, 0.7)
        steps = [f'{{ voltage = "{volts} V", duration = "{seconds} s" }}']
        if rng.random() < 0.5:
            steps.append(f'{{ voltage = "{-volts} V", duration = "{seconds} s" }}')
        limit = 6.0
    elif kind == "pulses":
        steps = [step(j, 0.01), '{ rest = "0.01 s" }']
    else:
        steps = [step(j, 4.0 * seconds)]
    patches = "" if rng.random() < 0.6 else '[film.patches]\nspread = 1.2\nsize = "5 um"\nrenewal = "1 um"\nseed = 1'
    return BASE.format(
        size=size, spacing=1.0 if rng.random() < 0.7 or deep else 0.5, rough=rng.choice([0.05, 0.3, 1.0]),
        length=rng.choice([2.0, 6.0]), seed=seed + 1, kappa=kappa, t_plus=t_plus,
        D="nernst-einstein" if t_plus < 1.0 else "1e-7 cm^2/s", j0=10 ** rng.uniform(-1, 3),
        film=20e-9 / resistance, patches=patches, limit=limit, repeat=20 if kind == "pulses" else 1,
        steps=", ".join(steps),
    )  # fmt: skip


def listed() -> dict[str, str]:
    """Return small cases by name: each name states its difficulty."""
    kappa, t_plus, gap = 5e-4, 0.4, 26e-6
    full = limiting(100.0 * kappa, t_plus, gap)  # A/m^2
    flat, deep = '["8 um", "36 um"]', '["8 um", "8 um", "36 um"]'
    cases = {}

    def add(
        name: str, steps: list[str], size: str = flat, film: float = 1e-3, t: float = t_plus, limit: float = 2.0,
        repeat: int = 1,
    ) -> None:
        """film [ohm m^2]; t: transference number; limit [V]."""
        cases[name] = BASE.format(
            size=size, spacing=1.0, rough=0.3, length=4.0, seed=1, kappa=kappa, t_plus=t,
            D="nernst-einstein" if t < 1.0 else "1e-7 cm^2/s", j0=30.0, film=20e-9 / film, patches="", limit=limit,
            repeat=repeat, steps=", ".join(steps),
        )  # fmt: skip

    def passed(current: float, duration: float) -> str:
        return f'{{ current = "{current} A/m^2", duration = "{duration} s" }}'

    for size, where in ((flat, "2D"), (deep, "3D")):
        for times in (1.5, 2.0, 4.0):
            for rest in (0.0, 1.0, 10.0):
                pause = [f'{{ rest = "{rest} s" }}'] if rest else []
                j = times * full
                steps = [passed(j, 10), *pause, passed(-j, 10)]
                add(f"{times:g} j_lim reversed after {rest:g} s, {where}", steps, size)
    for volts in (0.5, 2.0, 5.0):
        add(f"15 mA/cm2 behind 2 ohm cm2 at {volts:g} V", [passed(150, 200)], film=2e-4, limit=volts)
    add("pulses of 10 ms", [passed(full, 0.01), '{ rest = "0.01 s" }'], repeat=20)
    add("1.0 j_lim", [passed(full, 100)])
    for volts in (0.1, 0.5, 1.0, 2.0, 5.0):
        add(f"{volts:g} V from rest", [f'{{ voltage = "{volts} V", duration = "20 s" }}'], limit=6.0)
    for t in (0.05, 0.999, 1.0):
        j = 1.5 * min(limiting(100.0 * kappa, t, gap), 1000.0)
        add(f"t+ {t:g}", [passed(j, 10), passed(-j, 10)], t=t)
    for film in (1e-11, 1e2):
        add(f"film of {1e4 * film:g} ohm cm2", [passed(full, 10), passed(-full, 10)], film=film)
    add("stripped to the last cell", [passed(-full / 2.0, 4000)], limit=5.0)
    return cases


def main() -> None:
    """Run the cases and print what happened."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--first", type=int, default=0, help="seed of the first case")
    parser.add_argument("--count", type=int, default=20, help="number of cases")
    parser.add_argument("--seconds", type=float, default=60.0, help="wall time of a case")
    parser.add_argument("--show", action="store_true", help="print the case files of failures")
    parser.add_argument("--listed", action="store_true", help="run the named cases")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    failed = late = 0
    seeds = range(options.first, options.first + options.count)
    cases = listed() if options.listed else {str(seed): case_text(seed) for seed in seeds}
    for name, text in cases.items():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "hard.toml"
            path.write_text(text, encoding="utf-8")
            begun = time.monotonic()
            driver = None
            try:
                case = read_case(path, [])
                driver = Driver(case, Path(folder) / "run", walltime=options.seconds)
                outcome = driver.run()
                ended, good = f"{outcome.reason}: {outcome.text}", outcome.good
            except Interrupted:
                ended, good = "not finished", True
                late += 1
            except Exception as error:  # whatever it is, it is what is looked for
                ended, good = f"{type(error).__name__}: {error}", False
            steps = driver.control.steps if driver is not None else 0
            rejected = driver.control.rejected if driver is not None else 0
            at = driver.state.t if driver is not None else 0.0
            worst = driver.state.salt_correction if driver is not None else 0.0
        failed += not good
        mark = "ok  " if good and ended != "not finished" else "late" if good else "FAIL"
        print(
            f"{mark} {name}: {steps} steps, {rejected} rejected, {at:.4g} s, {time.monotonic() - begun:.1f} s wall, "
            f"salt {worst:.0e}, {ended}", flush=True,
        )  # fmt: skip
        if options.show and not good:
            print(text)
    print(f"{failed} of {len(cases)} failed, {late} were not finished in {options.seconds:g} s")


if __name__ == "__main__":
    main()
