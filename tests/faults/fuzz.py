"""Damaged files of all sorts: each is read, or refused in one line, within seconds, and nothing is written.

    python tests/faults/fuzz.py --cases 1000 --studies 300 --profiles 300 --measured 1000 --seed 1

prints the counts, and what came of each file that was neither read nor refused. The same seed makes the same files.
"""

from __future__ import annotations

import argparse
import collections
import os
import random
import re
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from instrument_files import all_files

from phasefield import cases, units
from phasefield.case.file import read_case
from phasefield.errors import CaseError
from phasefield.measured import MeasuredError, Measurement, read_measurement
from phasefield.measured.findings import trace_findings
from phasefield.studies.sweep.studyfile import read_study, shipped
from phasefield.topography.profiles import Profile, ProfileError, read_profile, write_profile

LONGEST = 10  # s for one file
LINE = range(10, 900)  # characters of a refusal
Dice = random.Random

VALUES = [
    "nan", "-inf", "0", "-1", "1e400", "1" * 5000, '""', "true", "[]", "{}", '"1 um"', "[[[1]]]", '"-3 V"',
    "{ value = 1 }", '{ value = "1 um", at = 3 }', '{ status = "assumed" }', "1979-05-27T07:32:00Z", "'''\n'''",
    '"1e999 m"', '"9**9**9**9 m"', '"1 (((((((m"', '"1 m^-9^9"', '"none"', '"1e-300 m"', '"1e300 m"', "[" * 3000,
    '"\\u0000"', '"1 Ω·cm²"', '"5 dBm"', '"3 delta_degC"', '"1 %"', "0x7fffffffffffffffff", '["1 um", 3]',
    '"1e25 m^3/mol"', '"1e9 S/m"', '"-273.15 degC"', "9" * 300, "-9223372036854775809", '"\u202e\u0000\ufeff 1 um"',
    '"' + "µ" * 79 + '"', '"1 um" # \ud7ff', "{ a = " * 40 + "1" + " }" * 40, "[" * 40 + "]" * 40, "1_000", "0o17",
    '{ from = "1e-9 S/cm", to = "1e-7 S/cm", points = 5, scale = "log" }', "{ values = [1, 1] }", '"sobol"',
]  # fmt: skip
BASES = [
    '"/etc/passwd"', '"/dev/zero"', '"/dev/stdin"', '"/proc/self/mem"', '"/proc/self/pagemap"', '"pipe.toml"', '"."',
    '"/"', '"loop-a.toml"', '"case.toml"', '"../../../etc/passwd"', '""', '"\\u0000"', "[[]]", "3",
    '"' + "a/" * 300 + '"',
    '["pllz.toml", "pllz.toml"]', '["pllz.toml", "pipe.toml"]', '"https://example.org/case.toml"', '"link.toml"',
]  # fmt: skip
TOKENS = [
    "nan", "NaN", "Bad", "***", "inf", "-inf", "1e999", "", "--", "0x10", "1,5", "1.5.2", "١٢", "\0", "1e-300", "-",
    "1e308", "None", "#", "# unit: kg", "# pixel: 0 um", "# pixel: -1 um", "# Width: 10 um", "# Value units: A",
    "999999999999", "# data unit=rad", "# x-scale: 3", "# Channel: Phase", "\ufeff",
]  # fmt: skip


class Hang(BaseException):
    """A file that was not read within LONGEST seconds."""


def mutate(text: str, dice: Dice, values: list[str]) -> bytes:
    """Return a text damaged in one to three ways: lines, values, numbers, letters, words, and its end."""
    for _ in range(dice.randint(1, 3)):
        lines = text.split("\n")
        k = dice.randrange(len(lines))
        at = dice.randrange(len(text) + 1)
        match dice.randrange(9):
            case 0:
                del lines[k]
            case 1:
                lines.insert(dice.randrange(len(lines)), lines[k])
            case 2 if "=" in lines[k]:
                lines[k] = lines[k].split("=", 1)[0] + "= " + dice.choice(values)
            case 3:
                lines[k] = re.sub(r"[0-9.]+", lambda _: dice.choice(["0", "-7", "1e99", "3.3"]), lines[k], count=1)
            case 4:
                lines = [text[:at] + dice.choice("\"'[]{}=#.\\\n\0é\ud7ff0") + text[at:]]
            case 5:
                lines = [text[:at] + text[at + dice.randint(1, 20) :]]
            case 6:
                words = re.findall(r"[\w.]+", text) or ["x"]
                lines = [text.replace(dice.choice(words), dice.choice(words), 1)]
            case 7:
                lines = [re.sub(r'"[^"\n]*"', lambda m: dice.choice([m[0], m[0], dice.choice(values)]), text)]
            case 8:
                lines = [text[:at]]
        text = "\n".join(lines)
    data = text.encode()
    if dice.random() < 0.05:
        at = dice.randrange(len(data) + 1)
        data = data[:at] + dice.randbytes(3) + data[at:]
    return data


def case_texts() -> list[str]:
    """Return the shipped cases, some of them resolved, and one with every part of a surface."""
    texts = [cases.locate(name).read_text(encoding="utf-8") for name in cases.names()]
    names = ("pll", "dendrites", "wave", "lfp-cycles-pll", "pllz-both")
    texts += [read_case(cases.locate(name)).resolved_toml() for name in names]
    wave = '\n[surface.wave]\namplitude = "1 um"\nwavelength = "4 um"\n'
    caps = '[[surface.caps]]\nposition = ["4 um"]\nradius = "5 um"\nheight = "2 um"\n'
    return [*texts, texts[0] + wave + caps]


def damaged_cases(folder: Path, dice: Dice) -> Iterator[Callable[[], Any]]:
    """Yield readers of damaged cases without end."""
    os.mkfifo(folder / "pipe.toml")
    (folder / "loop-a.toml").write_text('extends = "loop-b.toml"\n')
    (folder / "loop-b.toml").write_text('extends = "loop-a.toml"\n')
    (folder / "link.toml").symlink_to("/etc/passwd")
    texts, path = case_texts(), folder / "case.toml"
    while True:
        text = dice.choice(texts)
        if dice.random() < 0.15:
            text = re.sub(r"^extends = .*\n", "", text, flags=re.MULTILINE)
            text = f"extends = {dice.choice(BASES)}\n{text}"
        if dice.random() < 0.1:
            name = dice.choice(["pipe.toml", "/dev/zero", ".", "/proc/self/mem", "case.toml", "link.toml", "x\\u0000"])
            text = text.replace("[surface]\n", f'[surface]\nfile = "{name}"\n')
        path.write_bytes(mutate(text, dice, VALUES))
        yield lambda: read_case(path)


def damaged_studies(folder: Path, dice: Dice) -> Iterator[Callable[[], Any]]:
    """Yield readers of damaged study files without end."""
    texts = [(cases.folder() / "studies" / f"{name}.toml").read_text(encoding="utf-8") for name in shipped()]
    texts.append(
        'base = "pll"\nseeds = 4\noutputs = ["Sz", "max voltage"]\n[axes]\n'
        '"film.thickness" = { values = ["1 nm", "2 nm"], also = { "counter.film.thickness" = 2.0 } }\n'
        '[[columns]]\n"protocol.steps[0].current" = ["1 A/m^2", "2 A/m^2"]\n"protocol.repeat" = [1, 2]\n'
        '[cluster]\ntype = "slurm"\ncores = 4\nmemory = "4 GB"\n'
    )
    path = folder / "study.toml"
    while True:
        path.write_bytes(mutate(dice.choice(texts), dice, VALUES))
        yield lambda: read_study(path)


def profile_files(folder: Path) -> list[tuple[str, bytes]]:
    """Return a small map in each format, as ending and content."""
    z = np.random.default_rng(1).normal(0.0, 1e-6, (6, 8))
    rows = [[f"{value * 1e6:.4f}" for value in row] for row in z]

    def text(between: str, head: str = "") -> bytes:
        return (head + "\n".join(between.join(row) for row in rows) + "\n").encode()

    gwyddion = "# Channel: Topography\n# Width: 10.00 µm\n# Height: 7.50 µm\n# Value units: µm\n"
    xyz = "".join(f"{2 * i} {2 * j} {z[j, i] * 1e6:.4f}\n" for j in range(6) for i in range(8))
    found = [
        (".csv", text(",", "# unit: um\n# pixel: 2 um\n")), (".txt", text("\t", gwyddion)),
        (".asc", text(" ", gwyddion)),
        (".csv", text(";", "# unit: um\n").replace(b".", b",")), (".txt", f"# unit: um\n{xyz}".encode()),
        (".dat", text(" ", "# unit: nm\n")),
    ]  # fmt: skip
    profile = Profile(z, (2e-6, 2e-6), "made")
    for ending in (".sdf", ".gwy", ".npz"):
        found.append((ending, write_profile(folder / f"good{ending}", profile).read_bytes()))
    np.save(folder / "good.npy", z)
    return [*found, (".npy", (folder / "good.npy").read_bytes())]


def damaged_profiles(folder: Path, dice: Dice) -> Iterator[Callable[[], Any]]:
    """Yield readers of damaged height maps without end."""
    files = profile_files(folder)
    while True:
        ending, data = dice.choice(files)
        binary = b"\0" in data
        if not binary and dice.random() < 0.7:
            lines = data.decode().split("\n")
            for _ in range(dice.randint(1, 3)):
                k = dice.randrange(len(lines))
                words = re.split(r"([ ,;\t]+)", lines[k])
                words[2 * dice.randrange((len(words) + 1) // 2)] = dice.choice(TOKENS)
                lines[k] = "".join(words)
            data = "\n".join(lines).encode()
        elif not binary:
            data = mutate(data.decode(), dice, TOKENS)
        for _ in range(dice.randint(1, 3) if binary else 0):
            at = dice.randrange(len(data) or 1)
            cut = dice.choice([data[:at], data[:at] + dice.randbytes(4) + data[at + 4 :], data[:at] + data[at + 3 :]])
            data = cut or b"\0"
        if dice.random() < 0.1:
            ending = dice.choice([".csv", ".txt", ".dat", ".x3p", ".plux", ".tmd", ".datx", ".plu", ".zip", ""])
        path = folder / f"map{ending}"
        path.write_bytes(data)
        yield lambda path=path: sound(read_profile(path))


def sound(profile: Profile) -> None:
    """Assert that a map which was read is one."""
    assert profile.heights.ndim == 2
    assert np.all(np.isfinite(profile.heights))
    assert profile.pixel is None or all(0.0 < edge < np.inf for edge in profile.pixel)


def damaged_measured(folder: Path, dice: Dice) -> Iterator[Callable[[], Any]]:
    """Yield readers of damaged files of cyclers and impedance analysers without end."""
    os.mkfifo(folder / "pipe.mpt")
    (folder / "none.mpt").symlink_to("/dev/zero")
    files = all_files()
    while True:
        ending, data = dice.choice(files)
        if dice.random() < 0.5:
            lines = data.decode("latin-1").split("\n")
            for _ in range(dice.randint(1, 3)):
                k = dice.randrange(len(lines))
                words = re.split(r"([,;\t]+)", lines[k])
                words[2 * dice.randrange((len(words) + 1) // 2)] = dice.choice(TOKENS)
                lines[k] = "".join(words)
            data = "\n".join(lines).encode("utf-8", "replace")
        else:
            data = mutate(data.decode("latin-1"), dice, TOKENS)
        if dice.random() < 0.1:
            ending = dice.choice([".csv", ".mpt", ".z", ".dta", ".mpr", ".ndax", ".json", ""])
        path = folder / f"cell{ending}"
        path.write_bytes(data)
        if dice.random() < 0.02:
            path = folder / dice.choice(["pipe.mpt", "none.mpt", "missing.mpt", "."])
        yield lambda path=path: whole(read_measurement(path))


def whole(found: Measurement) -> None:
    """Assert that what was read are spectra and traces."""
    assert found.spectra or found.traces
    for spectrum in found.spectra:
        assert len(spectrum.frequency) == len(spectrum.impedance) > 1
        assert np.all(np.isfinite(spectrum.impedance))
        assert np.all(spectrum.frequency > 0.0)
    for trace in found.traces:
        assert len({len(one) for one in (trace.time, trace.current, trace.voltage, trace.cycle, trace.step)}) == 1
        assert np.all(np.diff(trace.time) >= 0.0)
        assert np.all(np.isfinite(trace.current)) or np.all(np.isnan(trace.current))
        trace_findings(trace)


SORTS = {
    "cases": damaged_cases, "studies": damaged_studies, "profiles": damaged_profiles, "measured": damaged_measured,
}  # fmt: skip


@contextmanager
def within(seconds: int) -> Iterator[None]:
    """Raise Hang after so many seconds."""

    def stop(*_: Any) -> None:
        raise Hang

    kept = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, kept)


class Writes:
    """Notes each file that is opened for writing while it is on."""

    def __init__(self) -> None:
        self.on, self.found = False, list[str]()
        sys.addaudithook(self._note)

    def _note(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.on and event == "open" and (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            self.found.append(str(arguments[0]))
        elif self.on and event in ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "subprocess.Popen", "os.system"):
            self.found.append(f"{event} {arguments[0]}")


def outcome(read: Callable[[], Any], writes: Writes) -> tuple[str, str]:
    """Return what came of reading a file, "read", "refused" or a fault, and what is to be said of it."""
    writes.found.clear()
    writes.on = True
    try:
        with within(LONGEST):
            read()
    except (CaseError, ProfileError, MeasuredError) as error:
        line = str(error)
        if not line.isprintable() or len(line) not in LINE or re.search("Traceback|pydantic|is a bug", line):
            return "no line", line
        result = "refused", line
    except Hang:
        return "hang", traceback.format_exc()
    except Exception:
        return "traceback", traceback.format_exc()
    else:
        result = "read", ""
    finally:
        writes.on = False
    return ("written", ", ".join(writes.found)) if writes.found else result


def campaign(sort: str, count: int, seed: int, folder: Path) -> tuple[collections.Counter[str], list[str]]:
    """Read so many damaged files of a sort; return how many came to what, and the faults with their files."""
    folder.mkdir()
    with suppress(ImportError), warnings.catch_warnings(action="ignore"):  # takes seconds once, makes folders, warns
        import SurfaceTopography  # noqa: F401
    units.to_si("1 um", units.LENGTH)  # pint writes its cache on first use
    here, counts, faults, writes = Path.cwd(), collections.Counter[str](), list[str](), Writes()
    os.chdir(folder)
    try:
        files = SORTS[sort](folder, Dice(seed))
        for k in range(count):
            read = next(files)
            what, words = outcome(read, writes)
            counts[what] += 1
            if what not in ("read", "refused"):
                newest = max(folder.iterdir(), key=lambda path: path.lstat().st_mtime_ns)
                content = newest.read_bytes()[:3000]
                faults.append(f"{sort} {k} of seed {seed}: {what}: {words}\n{newest.name}: {content!r}")
    finally:
        os.chdir(here)
    return counts, faults


def main() -> int:
    """Run the campaign that the command line asks for; return 1 if there were faults."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for sort in SORTS:
        parser.add_argument(f"--{sort}", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    given = vars(parser.parse_args())
    broken = 0
    for sort in SORTS:
        with tempfile.TemporaryDirectory() as name:
            start = time.perf_counter()
            counts, faults = campaign(sort, given[sort], given["seed"], Path(name) / sort)
            print(f"{sort}: {dict(counts)}, {time.perf_counter() - start:.3g} s", flush=True)
            print(*faults, sep="\n", end="\n" if faults else "")
            broken += len(faults)
    return min(broken, 1)


if __name__ == "__main__":
    sys.exit(main())
