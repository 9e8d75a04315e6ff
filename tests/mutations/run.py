"""Run the mutations: break one term of the program at a time, and see that a check notices.

python tests/mutations/run.py                        all of them; hours on two cores
python tests/mutations/run.py --only order-time      those that one check guards
python tests/mutations/run.py --only film            those with a word in their name

The exit code is 1 if a mutation survived. The outcomes go to verification/mutations.json, from which
`phasefield verify --docs` takes the table in docs/verification.md.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

if __name__ == "__main__":  # as a script: the package of this source tree, and the helpers of its tests
    sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

from mutations.catalogue import MUTATIONS, ROOT, Mutation
from mutations.child import FAILED, LONGEST
from phasefield.errors import PhasefieldError
from phasefield.files.atomic import replace_text
from phasefield.text.formatting import spell_wall
from phasefield.verification.record import BROKEN, read_entries

ASLEEP = 3600.0  # s of wall time, of one check that waits for ever


@dataclass(frozen=True)
class Outcome:
    """Whether a mutation was caught, what the check said, and how long it took [s]."""

    mutation: Mutation
    caught: bool
    said: str
    seconds: float


def run_one(mutation: Mutation | None, check: str) -> tuple[int, str]:
    """Run a check on the mutated package, or on it as it is; return exit status and what it said."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    command = [sys.executable, "-P", "-m", "mutations.child", check]
    if mutation is not None:
        command += [mutation.module, mutation.qualname, mutation.old, mutation.new]
        if mutation.of_kernel:
            environment["NUMBA_DISABLE_JIT"] = "1"
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=ASLEEP, check=False
        )
    except subprocess.TimeoutExpired:
        return FAILED, f"not done after {ASLEEP:g} s"
    if done.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        return FAILED, f"not done after {LONGEST:d} s of processor time"
    lines = (done.stdout.strip() or done.stderr.strip()).splitlines() or [""]
    said = lines[0] if done.returncode == FAILED else lines[-1]
    # A check that ends in an error of the program's own has noticed; one that could not run has not.
    noticed = done.returncode == FAILED or "SolverError" in done.stderr or "AssertionError" in done.stderr
    return (FAILED if noticed else done.returncode), said


def chosen(only: Sequence[str]) -> list[Mutation]:
    """Return all mutations, or those with one of `only` in their name or as their check.

    Raises PhasefieldError for a word that no mutation has.
    """
    for word in only:
        if not any(word in m.name or word == m.check for m in MUTATIONS):
            known = ", ".join([*sorted({m.check for m in MUTATIONS}), *(m.name for m in MUTATIONS)])
            raise PhasefieldError(f"--only {word}: no mutation has it in its name or as its check; there are {known}")
    return [m for m in MUTATIONS if not only or any(word in m.name or word == m.check for word in only)]


def run_mutations(mutations: Sequence[Mutation]) -> Iterator[Outcome]:
    """Run mutations and yield the outcome of each.

    Raises ValueError if an expression is not found exactly once, or if a check fails or cannot run unbroken.
    """
    for mutation in mutations:
        mutation.tree()
    for check in sorted({m.check for m in mutations}):
        status, said = run_one(None, check)
        if status != 0:
            raise ValueError(f"{check} does not pass unbroken, so it can catch nothing: {said}")
    for mutation in mutations:
        start = time.monotonic()
        status, said = run_one(mutation, mutation.check)
        if status not in (0, FAILED):
            raise ValueError(f"{mutation.name}: {mutation.check} could not run: {said}")
        yield Outcome(mutation, status == FAILED, said, time.monotonic() - start)


def write(folder: Path, outcome: Outcome, day: str | None = None) -> None:
    """Write what became of a mutation, beside what earlier runs left, for the page of the docs."""
    kept = read_entries(folder, BROKEN)
    kept[outcome.mutation.name] = {
        "file": outcome.mutation.file,
        "check": outcome.mutation.check,
        "caught": outcome.caught,
        "said": outcome.said,
        "date": day or date.today().isoformat(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    replace_text(folder / BROKEN, json.dumps(kept, indent=1) + "\n")


def main(words: Sequence[str] | None = None) -> int:
    """Run the mutations that the command line names, print each outcome, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    says = "run the mutations with this word in their name or as their check; may be repeated"
    parser.add_argument("--only", metavar="WORD", action="append", default=[], help=says)
    parser.add_argument("--out", type=Path, default=Path("verification"), help="folder of mutations.json")
    options = parser.parse_args(words)
    if options.out.exists() and not options.out.is_dir():
        parser.error(f"--out {options.out}: is no folder; choose another")
    found = list[Outcome]()
    try:
        for outcome in run_mutations(chosen(options.only)):
            mutation = outcome.mutation
            caught = "caught" if outcome.caught else "SURVIVED"
            print(f"{caught}: {mutation.name} ({mutation.check}): {outcome.said}", flush=True)
            write(options.out, outcome)
            found.append(outcome)
    except (PhasefieldError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    survived = [one.mutation.name for one in found if not one.caught]
    took = spell_wall(sum(one.seconds for one in found))
    print(f"{len(found) - len(survived)} of {len(found)} mutations caught in {took}: {options.out}")
    if survived:
        print(f"not noticed: {'; '.join(survived)}", file=sys.stderr)
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
