"""Mutations: the source with one thing broken, and the checks that must notice.

A process of its own imports the package with one module's text changed, in memory: no file is touched, and compiled
kernels are found where they are. A mutated kernel is not compiled; its checks are small and run as plain Python.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from phasefield.errors import PhasefieldError
from phasefield.verification.codes import installed
from phasefield.verification.numerics import grids, order
from phasefield.verification.probes import PROBES
from phasefield.verification.row import Result
from phasefield.verification.surface import physics

PACKAGE = Path(__file__).parent.parent
LONGEST = 300.0  # s, of one check; a mutant that hangs is caught
FAILED = 3  # exit status of a check with rows that do not pass

JUDGE = """
import importlib.abc, importlib.machinery, importlib.util, sys

NAME, TEXT, CHECK = sys.argv[1], sys.stdin.read(), sys.argv[2]


class Changed(importlib.machinery.SourceFileLoader):
    def get_code(self, fullname):
        return compile(TEXT, self.path, "exec")


class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, fullname, path, target=None):
        if fullname != NAME:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path)
        return importlib.util.spec_from_file_location(fullname, spec.origin, loader=Changed(fullname, spec.origin))


if NAME:
    sys.meta_path.insert(0, Finder())
from phasefield.verification.mutations import judge
sys.exit(judge(CHECK))
"""


@dataclass(frozen=True)
class Mutation:
    """One change: `old`, found exactly once in `file` of the package, becomes `new`; `check` must fail."""

    name: str
    file: str
    old: str
    new: str
    check: str


@dataclass(frozen=True)
class Outcome:
    """Whether a mutation was caught, what the check said, and how long it took [s]."""

    mutation: Mutation
    caught: bool
    said: str
    seconds: float


CELL, SOLVER, NUMBERS = "model/level_set.py", "model/transport.py", "model/coefficients.py"
REACTION, DISPLACEMENT = "model/reaction.py", "model/displacement.py"
TRANSPORT, KINETICS, ELEMENTS = "kernels/transport.py", "kernels/kinetics.py", "kernels/elements.py"

MUTATIONS: tuple[Mutation, ...] = (
    Mutation("diffusion potential dropped", NUMBERS, "beta=2.0 * RT / FARADAY * (1.0 - p.t_plus) * p.chi", "beta=0.0",
             "physics-signs"),
    Mutation("diffusion potential without its factor 2", NUMBERS, "beta=2.0 * RT", "beta=1.0 * RT", "physics-signs"),
    Mutation("(1 - t+) missing in the salt's flux", NUMBERS, "salt_per_charge=(1.0 - p.t_plus) / FARADAY",
             "salt_per_charge=1.0 / FARADAY", "physics-signs"),
    Mutation("t+ with the other sign", NUMBERS, "salt_per_charge=(1.0 - p.t_plus) / FARADAY",
             "salt_per_charge=(1.0 + p.t_plus) / FARADAY", "physics-signs"),
    Mutation("half the molar volume", "model/base.py", "self.volume_per_charge = self.properties.V_m / FARADAY",
             "self.volume_per_charge = 0.5 * self.properties.V_m / FARADAY", "physics-signs"),
    Mutation("surface of first order", CELL, "LATE = 0.5 / NODE", "LATE = 0.0 / NODE", "order-time"),
    Mutation("salt of first order", CELL, "DIAGONAL = (0.5 - NODE) / (1.0 - NODE)", "DIAGONAL = 1.0 - NODE",
             "order-time"),
    Mutation("surface of stage 2 not that of the mean speed", CELL, "LATE * a.v[of]", "a.v[of]", "order-time"),
    Mutation("salt of stage 2 from another line", CELL, "(MIXED / NODE, DIAGONAL)", "(MIXED, DIAGONAL)", "codes-steps"),
    Mutation("salt that left in stage 1 not counted", CELL, "total_0 - weight * out_1", "total_0", "codes-steps"),
    Mutation("Gibbs-Thomson with the other sign", REACTION, "self.shift = co.gibbs_thomson",
             "self.shift = -co.gibbs_thomson", "probe-sharp"),
    Mutation("counter electrode without current in the charge balance", SOLVER, "r_p[-1] += dx**2 * s.jc",
             "r_p[-1] += 0.0 * dx**2 * s.jc", "probe-sharp"),
    Mutation("film lost", "model/film.py", "return delta / sigma, self", "return 0.0 * delta / sigma, self",
             "probe-sharp"),
    Mutation("film: conductivity for resistivity", "model/film.py",
             "patches = np.exp(self.spread * front.gather(film.N))",
             "patches = np.exp(-self.spread * front.gather(film.N))", "physics-signs"),
    Mutation("reaction delivers salt", SOLVER, "surface.give, surface.n, -self.ratio)",
             "surface.give, surface.n, self.ratio)", "codes-steps"),
    Mutation("counter electrode delivers no salt", SOLVER, "r_c[-1] += self.ratio * dx**2 * s.jc",
             "r_c[-1] += 0.0 * dx**2 * s.jc", "codes-steps"),
    Mutation("displacement left out", SOLVER, "s.c, self.storage, self.diffusion, self.flow, L, k0)",
             "s.c, self.storage, self.diffusion, 0.0 * self.flow, L, k0)", "codes-steps"),
    Mutation("displaced electrolyte leaves its salt", SOLVER, " - self.scale * self._leaving(stage)", "",
             "codes-steps"),
    Mutation("salt at the counter plane on the wrong side", SOLVER, "s.c[-1] + 0.5 * self.dx * co.salt_per_charge",
             "s.c[-1] - 0.5 * self.dx * co.salt_per_charge", "codes-steps"),
    Mutation("diffusion potential lost at the counter electrode", SOLVER,
             "phi = self.psi[-1] + co.beta * np.log(top / co.c_0)", "phi = self.psi[-1]", "codes-steps"),
    Mutation("displaced electrolyte does not leave the box", DISPLACEMENT,
             "np.multiply(self.diagonal[-1], self.p[-1], out=self.top)", "self.top[...] = 0.0", "codes-steps"),
    Mutation("half cell of salt at the counter electrode twice", KINETICS, "gain = 0.5 * dx * flux / D[y, x]",
             "gain = dx * flux / D[y, x]", "codes-steps"),
    Mutation("half cell of electrolyte at the counter electrode lost", KINETICS,
             "R = R_film + 0.5 * dx / kappa[y, x]", "R = R_film", "codes-steps"),
    Mutation("kinetics: the film's drop twice", KINETICS, "off, rise = z + R * b - target, 1.0 + R * slope",
             "off, rise = z + 2.0 * R * b - target, 1.0 + 2.0 * R * slope", "probe-sharp"),
    Mutation("kinetics: anodic and cathodic swapped", KINETICS, "b = up - down", "b = down - up",
             "probe-sharp"),
    Mutation("cathode: the particle's surface as its mean", "analytic/intercalation.py",
             "return self.filling(charge) - float(np.sum(self.weights * modes))", "return self.filling(charge)",
             "codes-cathode"),
    Mutation("cathode: fills while it is charged", "analytic/intercalation.py",
             "self.filling_0 - charge / self.capacity", "self.filling_0 + charge / self.capacity", "codes-cathode"),
    Mutation("cathode: exchange current as half full", "analytic/intercalation.py",
             "return self.j0 * max(2.0 * math.sqrt(max(y * (1.0 - y), 0.0)), LEAST)", "return self.j0",
             "codes-cathode"),
    Mutation("arithmetic for the logarithmic mean", TRANSPORT, "K = H * (level + slope * m * f)",
             "K = H * (level + slope * m)", "codes-terms"),
    Mutation("conductance by the electrolyte of one side", TRANSPORT, "K = H * (level + slope * m * f)",
             "K = 2.0 * half * h[i] * (level + slope * m * f)", "codes-terms"),
    Mutation("diffusion not weighted with the electrolyte", TRANSPORT, "0.5 * factor * ((a + b) * level",
             "0.5 * factor * (2.0 * level", "codes-steps"),
    Mutation("displaced salt by the value of one side", TRANSPORT, "qz[i] * (mid + above[i])\n",
             "qz[i] * (mid + mid)\n", "codes-terms"),
    Mutation("diffusion potential with the other sign", TRANSPORT, "row[i] = row_p[i] + beta",
             "row[i] = row_p[i] - beta", "codes-steps"),
    Mutation("y faces of the salt coupled along x", TRANSPORT, "h[k, L.yp[j]], c[k, L.yp[j]], factor",
             "h[k, j], 0.0 * c[k, j], factor", "probe-deep"),
    Mutation("y faces of the charge lead nowhere", TRANSPORT, "C[k, nx:], P[k, nx:], half",
             "C[k, nx:], P[k, :-nx], half", "probe-deep"),
    Mutation("diffusion potential at the surface with the other sign", REACTION, "co.anion + co.beta, co.c_0",
             "co.anion - co.beta, co.c_0", "codes-steps"),
    Mutation("salt at the surface as where it is taken up", REACTION, "self.gain = ahead * root",
             "self.gain = 0.0 * ahead * root", "codes-steps"),
    Mutation("half of the anions' potential", NUMBERS, "anion=FARADAY * p.D", "anion=0.5 * FARADAY * p.D",
             "codes-steps"),
    Mutation("cells with some electrolyte closed", TRANSPORT, "HOLDS = 0.003", "HOLDS = 0.03", "codes-steps"),
    Mutation("a cell delivers a fixed share at any salt content", ELEMENTS, "share[t] = w[t] * here",
             "share[t] = w[t]", "codes-steps"),
    Mutation("elements weighted to one side", ELEMENTS, "g = 0.5 * (fh[base + up * step] - fh[base + down * step])",
             "g = fh[base + up * step] - fh[r]", "probe-sharp"),
    Mutation("area of an element that of the lithium's side alone", ELEMENTS, "if abs(s) >= closed + half:",
             "if s >= half or s <= -closed - half:", "probe-sharp"),
    Mutation("axis swapped in the starting wave", "model/initial_surface.py",
             "np.cos(a) * x[None, :] + (np.sin(a) * y[:, None]", "np.sin(a) * x[None, :] + (np.cos(a) * y[:, None]",
             "grids-isotropy"),
    Mutation("patches of the grid, not of the lattice", "model/random_field.py", "length / spacing * (1.0 - WHOLE)",
             "length / spacing", "grids-patches"),
)  # fmt: skip


def find(name: str) -> Callable[[bool], Result]:
    """Return the run of a check, or of a probe, by name."""
    runs = dict(PROBES)
    for module in (order, installed, grids, physics):
        runs |= {check.name: check.run for check in module.CHECKS}
    return runs[name]


def judge(name: str) -> int:
    """Run a check in this process and print the rows that do not pass; return the exit status."""
    result = find(name)(False)
    bad = [row for row in result.rows if not row.passed]
    for row in bad:
        sys.stdout.write(f"{row.what}: {row.measured:.4g}, expected {row.expected:.4g} +- {row.tolerance:.2g}\n")
    if not result.rows:
        sys.stdout.write("no rows: a package is missing\n")
        return 1
    return FAILED if bad else 0


def mutated(mutation: Mutation) -> str:
    """Return the text of the mutated file; raise ValueError if `old` is not there exactly once."""
    text = (PACKAGE / mutation.file).read_text(encoding="utf-8")
    count = text.count(mutation.old)
    if count != 1:
        raise ValueError(f"{mutation.name}: {mutation.old!r} stands {count} times in {mutation.file}, not once")
    return text.replace(mutation.old, mutation.new)


def run_one(mutation: Mutation | None, check: str) -> tuple[int, str]:
    """Run a check on the mutated package, or on it as it is; return exit status and what it said."""
    name, text = "", ""
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    if mutation is not None:
        name, text = "phasefield." + mutation.file.removesuffix(".py").replace("/", "."), mutated(mutation)
        if mutation.file.startswith("kernels/"):
            environment["NUMBA_DISABLE_JIT"] = "1"
    try:
        done = subprocess.run(
            [sys.executable, "-c", JUDGE, name, check], input=text, env=environment, capture_output=True, text=True,
            timeout=LONGEST, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return FAILED, f"not done after {LONGEST:g} s"
    lines = (done.stdout.strip() or done.stderr.strip()).splitlines() or [""]
    said = lines[0] if done.returncode == FAILED else lines[-1]
    # A check that ends in an error of the program's own has noticed; one that could not run has not.
    noticed = done.returncode == FAILED or "SolverError" in done.stderr or "AssertionError" in done.stderr
    return (FAILED if noticed else done.returncode), said


def run_mutations(only: Sequence[str], progress: Callable[[str], None]) -> list[Outcome]:
    """Run all mutations, or those with one of `only` in their name or as their check; say each outcome to `progress`.

    Raises PhasefieldError for a word that no mutation has,
    ValueError for an `old` that is not there exactly once, or a check that fails or cannot run unbroken.
    """
    for word in only:
        if not any(word in m.name or word == m.check for m in MUTATIONS):
            known = ", ".join([*sorted({m.check for m in MUTATIONS}), *(m.name for m in MUTATIONS)])
            raise PhasefieldError(f"--only {word}: no mutation has it in its name or as its check; there are {known}")
    chosen = [m for m in MUTATIONS if not only or any(word in m.name or word == m.check for word in only)]
    for mutation in chosen:
        mutated(mutation)
    for check in sorted({m.check for m in chosen}):
        status, said = run_one(None, check)
        if status != 0:
            raise ValueError(f"{check} does not pass unbroken, so it can catch nothing: {said}")
    outcomes = []
    for mutation in chosen:
        start = time.monotonic()
        status, said = run_one(mutation, mutation.check)
        if status not in (0, FAILED):
            raise ValueError(f"{mutation.name}: {mutation.check} could not run: {said}")
        outcome = Outcome(mutation, status == FAILED, said, time.monotonic() - start)
        progress(f"{'caught' if outcome.caught else 'SURVIVED'}: {mutation.name} ({mutation.check}): {said}")
        outcomes.append(outcome)
    return outcomes
