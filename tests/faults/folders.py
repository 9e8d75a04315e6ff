"""Kills commands at random instants, lets several write into one folder, plants links: counts what is lost.

`python tests/faults/folders.py --trials 50 --seed 1` prints a table; it ends with 1 if any count but the first is
not 0. A trial takes some seconds, most of them the start of a process.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

SOURCE = Path(__file__).parents[2]
sys.path[:0] = [str(SOURCE), str(SOURCE / "tests")]

from commands import start, write_case  # noqa: E402

from phasefield.errors import ResultError  # noqa: E402
from phasefield.files.atomic import PART  # noqa: E402
from phasefield.results.checkpoint import has_checkpoint, read_checkpoint  # noqa: E402
from phasefield.results.damage import damage  # noqa: E402
from phasefield.results.run import open_run  # noqa: E402

LONG = ("-s", "protocol.repeat=5000", "-s", 'output.checkpoint_every="0.2 s"', "-s", 'output.fields_every="50 h"')
LATEST = 3.0  # s after its start, or its first step, at which a command is killed at the latest
PATIENCE = 120.0  # s after which a command hangs
SIDE = (("export",), ("html",), ("export", "--heights", "csv"), ("render",))
WRITTEN = ("series.csv", "result.xdmf", "page.html", "surface.png", "run.log", "summary.json", ".lock")
COUNTS = ("unreadable", "lost rows", "left over", "bug lines", "hangs", "victims hurt")


class Campaign:
    """One run folder, what is done to it, and what was counted."""

    def __init__(self, place: Path, seed: int) -> None:
        self.place, self.folder, self.rng = place, place / "run", random.Random(seed)
        self.counts: Counter[str] = Counter()
        write_case(place)

    def run(self) -> tuple[str, ...]:
        """Return the words of the command that goes on with the run."""
        resume = ("--resume",) if has_checkpoint(self.folder) else ()
        return ("run", "tiny.toml", "--out", "run", *LONG, "--threads", "1", *resume)

    def side(self) -> tuple[str, ...]:
        """Return the words of a command that writes side files into the folder."""
        first, *rest = self.rng.choice(SIDE)
        return (first, "run", *rest)

    def kill(self, commands: Sequence[tuple[str, ...]], by: int = signal.SIGKILL) -> list[int]:
        """Start commands together, and end those that still go on at a random moment; return their exit codes.

        Half of the moments lie after the first one's first line of output, a step of a run: a start takes longer.
        """
        rows = self.rows()
        children = [start(self.place, *words, progress="json") for words in commands]
        if self.rng.random() < 0.5 and children[0].stdout is not None:
            children[0].stdout.readline()
        end = time.monotonic() + self.rng.uniform(0.0, LATEST)
        while time.monotonic() < end and any(child.poll() is None for child in children):
            time.sleep(0.02)
        for child in children:
            child.send_signal(by)
        codes = []
        for child in children:
            try:
                said = "".join(child.communicate(timeout=PATIENCE))
            except subprocess.TimeoutExpired:
                child.kill()
                said = "".join(child.communicate())
                self.counts["hangs"] += 1
            codes.append(child.returncode)
            self.counts["bug lines"] += "this is a bug" in said or "Traceback" in said
            self.counts[f"ended with {child.returncode}"] += 1
        self.look(rows)
        return codes

    def rows(self) -> int:
        """Return the steps that the newest checkpoint counts."""
        return int(str(read_checkpoint(self.folder)["rows"])) if has_checkpoint(self.folder) else 0

    def look(self, rows: int) -> None:
        """Read all of the run; rows: that it had at least."""
        self.counts["trials"] += 1
        if not (self.folder / "result.vtkhdf").exists():
            return
        try:
            with open_run(self.folder) as run:
                sound = not damage(run) and bool(np.all(np.diff(run.series["time"]) > 0.0))
                self.counts["unreadable"] += not sound
                self.counts["lost rows"] += max(0, max(rows, self.rows()) - run.n_steps)
        except ResultError as error:
            self.counts["unreadable"] += 1
            sys.stderr.write(f"{error}\n")

    def end(self) -> None:
        """Go on once more, and count what killed commands left after it."""
        self.kill([(*self.run(), "--walltime", "1 us")], by=0)
        self.counts["left over"] += sum(PART.fullmatch(path.name) is not None for path in self.folder.iterdir())

    def plant(self) -> None:
        """Put a link or a pipe where a command writes; whatever it does, the victim stays what it is."""
        victim, hidden = self.place / "victim", self.rng.random() < 0.5
        victim.write_text("mine")
        name = self.rng.choice(WRITTEN)
        path = self.folder / (f".{name}.part" if hidden and name != ".lock" else name)
        path.unlink(missing_ok=True)
        kind = self.rng.choice(("link", "hard link", "pipe"))
        if kind == "link":
            path.symlink_to(victim)
        elif kind == "hard link":
            path.hardlink_to(victim)
        else:
            os.mkfifo(path)
        self.kill([self.rng.choice((self.side(), (*self.run(), "--walltime", "1 us")))], by=0)
        self.counts["victims hurt"] += victim.read_text() != "mine"
        path.unlink(missing_ok=True)


def campaign(kind: str, trials: int, seed: int) -> Counter[str]:
    """Return the counts of one kind of fault."""
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        one = Campaign(Path(folder), seed)
        one.kill([(*one.run(), "--walltime", "1 us")], by=0)  # it has begun
        one.counts.clear()
        for _ in range(trials):
            if kind == "kill a run":
                one.kill([one.run()])
            elif kind == "kill side files":
                one.kill([one.side()])
            elif kind == "two or three writers":
                one.kill([one.run(), one.run(), *([one.side()] if one.rng.random() < 0.5 else [])])
            else:
                one.plant()
        one.end()
        return one.counts


KINDS = ("kill a run", "kill side files", "two or three writers", "planted links and pipes")


def main() -> int:
    """Print the table."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--trials", type=int, default=50, help="of each kind")
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--only", choices=KINDS, help="one kind of fault")
    given = words.parse_args()
    sys.stdout.write(f"| fault, seed {given.seed} | trials | {' | '.join(COUNTS)} | exit codes |\n")
    sys.stdout.write("|---" * (len(COUNTS) + 3) + "|\n")
    bad = 0
    for kind in KINDS if given.only is None else (given.only,):
        counts = campaign(kind, given.trials, given.seed)
        codes = {k.removeprefix("ended with "): n for k, n in counts.items() if k.startswith("ended with ")}
        codes_text = ", ".join(f"{code}: {n}" for code, n in sorted(codes.items()))
        cells = [str(counts[name]) for name in ("trials", *COUNTS)]
        sys.stdout.write(f"| {kind} | {' | '.join(cells)} | {codes_text} |\n")
        sys.stdout.flush()
        bad += sum(counts[name] for name in COUNTS)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
