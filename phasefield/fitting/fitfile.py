"""What a fit file asks for, read and checked; its form is in docs/fit.md."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from phasefield import cases, units
from phasefield.api import folder_name
from phasefield.case.file import TableReader, key_lines, key_measures, nearest_key
from phasefield.errors import CaseError, shown
from phasefield.fitting.unknowns import DECADE, GROWTH, INTERFACE, SEEN, Unknown, limits_of
from phasefield.measured.columns import OF_SPECTRA, OF_TRACES
from phasefield.studies.attribution.inputs import SEEDS
from phasefield.studies.sweep.quantity import Quantity, quantity_in, quantity_of
from phasefield.studies.sweep.studyfile import toml_of
from phasefield.units import Kind, UnitError

TOP = ("title", "seed", "data", "columns", "cell", "base", "set", "unknown", "design")
TABLES = ("rates", "voltages")  # small tables, whose columns have names of their own
ROLES = ("spectrum", "cycling", "polarisation", *TABLES)
PROFILE, PIXEL, UNIT = "profile", "profile_pixel", "profile_unit"
POINTS, RUNS_EACH = (64, 8, 1024), (4, 2, 64)  # of a design: by default, at least, at most
NOISE: dict[str, Kind] = {
    "spectrum_noise": units.NUMBER, "cycling_noise": units.VOLTAGE, "polarisation_noise": units.NUMBER,
    "rates_noise": units.NUMBER, "voltages_noise": units.NUMBER,
}  # fmt: skip
SET_UP = {"grid", "numerics", "output", "protocol", "experiment"}  # tables of a case that tell of no property
SAME = {"film.conductivity", "film.resistance"}  # one says what the other says
VOLUME = "film.growth.molar_volume"
LEAST_NOISE, MOST_NOISE = 1e-9, 1.0  # a share, or V: files have no more digits, and more noise leaves no signal
MOST_SEED = 2**31 - 1
ONE = 1.0 + 1e-12  # two numbers this near are one, after a conversion of units


@dataclass(frozen=True)
class Design:
    """What a measured profile is fitted by: runs at `points` places of the priors, `seeds` of each.

    pixel, unit: edge of a pixel and unit of plain numbers [m], where the file of the profile does not say.
    """

    file: Path
    pixel: float | None
    unit: float | None
    unknowns: tuple[Unknown, ...]
    points: int
    seeds: int


@dataclass(frozen=True)
class FitFile:
    """A fit as its file states it.

    files: the data by role; noise: standard deviation by role, where it is stated: of a cycling voltage in V, of all
    else as a share; area: of the electrodes [m^2]; columns: of plain tables, by role; unknowns: of the flat cell;
    fixed: numbers of the interface that are not looked for; volume: of the film, as written; design: where there is a
    profile.
    """

    path: Path
    text: str
    title: str
    seed: int
    base: str
    overrides: tuple[str, ...]
    files: Mapping[str, Path]
    noise: Mapping[str, float]
    area: float
    columns: Mapping[str, Mapping[str, str]]
    unknowns: tuple[Unknown, ...]
    fixed: Mapping[str, float]
    volume: str | None
    design: Design | None = None

    @property
    def name(self) -> str:
        """Name of the file without .toml, the fit's own folder."""
        return folder_name(self.path)

    @property
    def laws(self) -> tuple[str, ...]:
        """The growth laws to compare, with none; empty if the base's own law holds."""
        asked = [GROWTH[one.key] for one in self.unknowns if one.key in GROWTH]
        return ("none", *asked) if asked else ()

    def error(self, key: tuple[str, ...], message: str, end: int | None = None) -> CaseError:
        """Return the error about a key of the file, or about an end of a range, at its line or that of its table."""
        lines = key_lines(self.text)
        line = next((lines[key[:n]] for n in range(len(key), 0, -1) if key[:n] in lines), 1)
        words = [f'"{part}"' if "." in part else part for part in key] + ([] if end is None else [str(end)])
        return CaseError(str(self.path), line, ".".join(words), message)

    def end_error(self, one: Unknown, end: int, value: float, error: CaseError) -> CaseError:
        """Return the error about an end of the range of an unknown, a value [SI] that gives no case."""
        said = error.message.replace(one.quantity.text(value).strip('"'), one.shown(value, 6))
        return self.error(("unknown", one.key), f"gives no case: {said}", end)

    def unknowns_of(self, law: str) -> tuple[Unknown, ...]:
        """Return the unknowns that there are with a growth law."""
        return tuple(one for one in self.unknowns if GROWTH.get(one.key, law) == law)


def read_fit(path: str | os.PathLike[str]) -> FitFile:
    """Read a fit file, or a shipped fit by its name. Raises CaseError, one line, at the first thing that is wrong."""
    return _Reader(locate_fit(path)).read()


def locate_fit(name: str | os.PathLike[str]) -> Path:
    """Return a fit file; a file that exists goes before a shipped fit of the same name."""
    path, stem = Path(name), os.fspath(name).removesuffix(".toml")
    return cases.folder() / "fits" / f"{stem}.toml" if not path.is_file() and stem in shipped_fits() else path


def shipped_fits() -> list[str]:
    """Return the names of the shipped fits."""
    return sorted(path.stem for path in (cases.folder() / "fits").glob("*.toml"))


class _Reader(TableReader):
    def read(self) -> FitFile:
        self.known(self.tree, TOP)
        title = self.tree.get("title", self.path.stem)
        if not isinstance(title, str) or not title.strip() or not title.isprintable():
            self.fail(("title",), "a text of one line is needed")
        files = self.files()
        everything = self.unknowns()
        overrides, fixed, volume = self.settings(everything)
        unknowns = tuple(one for one in everything if (files and one.key in SEEN) or one.key in {*GROWTH, *INTERFACE})
        design = self.design(tuple(one for one in everything if one not in unknowns))
        if files and not unknowns:
            self.fail(("unknown",), f"nothing here is shown by {' or '.join(files)}; add a range, or remove the data")
        if "spectrum" in files:
            unknowns += self.added(unknowns, fixed)
            fixed = {**{k: v.fixed for k, v in INTERFACE.items() if v.fixed is not None}, **fixed}
        self.compatible(files, unknowns)
        return FitFile(
            self.path, self.text, title.strip(), self.whole(self.tree.get("seed", 1), ("seed",), 0, MOST_SEED),
            self.base(), overrides, files, self.noise(files), self.area(files), self.columns(files), unknowns, fixed,
            volume, design,
        )  # fmt: skip

    def compatible(self, files: Mapping[str, Path], unknowns: tuple[Unknown, ...]) -> None:
        """Refuse unknowns that no file of the data can show."""
        for one in unknowns:
            if one.key in INTERFACE and "spectrum" not in files:
                self.fail(("unknown", one.key), 'is of a spectrum; give [data] spectrum = "eis.mpt", or remove it')
            if one.key in GROWTH and not {"cycling", "voltages"} & set(files):
                self.fail(
                    ("unknown", one.key), 'is of a film that grows with time; give [data] cycling = "cell.csv", '
                    "or remove it"
                )  # fmt: skip

    def files(self) -> dict[str, Path]:
        given = self.table("data")
        self.known(given, (*ROLES, *NOISE, PROFILE, PIXEL, UNIT), ("data",))
        found = {role: self.file_of(given[role], ("data", role)) for role in ROLES if role in given}
        if not found and PROFILE not in given:
            self.fail(("data",), f'no data: give {", ".join((*ROLES, PROFILE))}, e.g. spectrum = "eis.mpt"')
        return found

    def design(self, unknowns: tuple[Unknown, ...]) -> Design | None:
        """Return how a profile is fitted, None without one; unknowns: those that no flat cell shows."""
        data, table = self.table("data"), self.table("design")
        self.known(table, ("points", "seeds"), ("design",))
        if PROFILE not in data:
            for key, names in ((("data",), (PIXEL, UNIT)), (("design",), tuple(table))):
                for name in names:
                    if name in self.table(key[0]):
                        self.fail((*key, name), 'is of a profile; give [data] profile = "after.sdf", or remove this')
            return None
        if not unknowns:
            example = '"film.patches.spread" = [0.1, 1.5]'
            self.fail(("data", PROFILE), f"no unknown is shown by it alone; add to [unknown], e.g. {example}")
        pixel = self.length(data[PIXEL], PIXEL) if PIXEL in data else None
        unit = self.length(f"1 {data[UNIT]}", UNIT) if UNIT in data else None
        points, seeds = (
            self.whole(table.get(name, default), ("design", name), least, most)
            for name, (default, least, most) in (("points", POINTS), ("seeds", RUNS_EACH))
        )
        return Design(self.file_of(data[PROFILE], ("data", PROFILE)), pixel, unit, unknowns, points, seeds)

    def length(self, given: Any, name: str) -> float:
        """Return a length [m] of the table [data]."""
        value = self.number(quantity_in(units.LENGTH, given), given, ("data", name))
        if not value > 0.0:
            self.fail(("data", name), f"{shown(given)} is not above 0; give a length")
        return value

    def file_of(self, name: Any, key: tuple[str, ...]) -> Path:
        """Return a file below the folder of the fit file; no link leads out of it."""
        if not isinstance(name, str) or not name or not name.isprintable() or len(name) > 500:
            self.fail(key, f'{shown(name)} stands here; a file name is needed, e.g. "eis.mpt"')
        folder = self.path.parent
        if Path(name).is_absolute() or ".." in Path(name).parts:
            self.fail(key, f"{shown(name, 200)} is outside the folder of the fit file; put the file, or a copy, there")
        path = folder / name
        try:
            if not path.is_file():
                known = [str(one.relative_to(folder)) for one in folder.iterdir() if one.is_file()]
                close = get_close_matches(name, known, n=1)
                hint = f"did you mean '{close[0]}'?" if close else "give a file beside the fit file"
                self.fail(key, f"no file {shown(name, 200)}; {hint}")
            if not path.resolve().is_relative_to(folder.resolve()):
                self.fail(key, f"{shown(name, 200)} is a link out of the folder of the fit file; put a copy there")
        except OSError as error:
            self.fail(key, f"{shown(name, 200)} cannot be read ({error.strerror}); check the name")
        return path

    def noise(self, files: Mapping[str, Path]) -> dict[str, float]:
        found = {}
        for name, kind in NOISE.items():
            given = self.table("data").get(name)
            if given is None:
                continue
            role = name.removesuffix("_noise")
            if role not in files:
                self.fail(("data", name), f"there is no {role}; give it, or remove this")
            value = self.number(quantity_in(kind, given), given, ("data", name))
            if not LEAST_NOISE <= value <= MOST_NOISE:
                self.fail(
                    ("data", name), f"{shown(given)} is no noise of a measurement, {LEAST_NOISE:g} to {MOST_NOISE:g}"
                    f"{'' if kind is units.NUMBER else f' {kind.unit}'}; give a standard deviation, or remove it"
                )  # fmt: skip
            found[role] = value
        return found

    def area(self, files: Mapping[str, Path]) -> float:
        given = self.table("cell")
        self.known(given, ("electrode_area",), ("cell",))
        if not given and set(files) <= set(TABLES):
            return math.nan  # nothing in a small table or a profile is of a whole electrode
        if "electrode_area" not in given:
            self.fail(("cell",), 'missing: electrode_area, of one electrode, e.g. electrode_area = "1 cm^2"')
        text = given["electrode_area"]
        value = self.number(quantity_in(units.AREA, text), text, ("cell", "electrode_area"))
        if not units.AREA.low <= value <= units.AREA.high:
            self.fail(("cell", "electrode_area"), f"{shown(text)} is no area of an electrode; check number and unit")
        return value

    def columns(self, files: Mapping[str, Path]) -> dict[str, dict[str, str]]:
        given = self.table("columns")
        self.known(given, tuple(role for role in ROLES if role not in TABLES), ("columns",))
        for role, table in given.items():
            if role not in files:
                self.fail(("columns", role), f"there is no {role} in [data]; give it, or remove this")
            if not isinstance(table, dict) or not all(isinstance(text, str) for text in table.values()):
                self.fail(("columns", role), 'names of columns are needed, e.g. { time = "t/s", voltage = "E/V" }')
            self.known(table, OF_SPECTRA if role == "spectrum" else OF_TRACES, ("columns", role))
        return given

    def base(self) -> str:
        given = self.table("base")
        self.known(given, ("case",), ("base",))
        name = given.get("case")
        if not isinstance(name, str) or not name or not name.isprintable():
            self.fail(("base", "case"), 'a case file or a shipped case is needed, e.g. case = "my-electrolyte.toml"')
        beside = self.path.parent / name
        return str(beside) if beside.is_file() else name

    def unknowns(self) -> tuple[Unknown, ...]:
        given = self.table("unknown")
        if not given:
            self.fail(("unknown",), 'nothing to look for: give ranges, e.g. "film.resistance" = ["1 ohm cm^2", ...]')
        found = tuple(self.unknown(key, value) for key, value in given.items())
        keys = [one.key for one in found]
        if set(keys) >= SAME:
            self.fail(("unknown", "film.resistance"), "says what film.conductivity says; remove one of them")
        return found

    def unknown(self, key: str, given: Any) -> Unknown:
        place = ("unknown", key)
        known = (*SEEN, *GROWTH, *INTERFACE)
        if key not in known and PROFILE not in self.table("data"):
            close = get_close_matches(key, known, n=1)
            hint = f"did you mean '{close[0]}'?" if close else f"known are {', '.join(known)}"
            if key_measures(key):
                hint = f'a profile may: give [data] {PROFILE} = "after.sdf", or remove it'
            self.fail(place, f"no spectrum or voltage of a flat cell shows it; {hint}")
        if not isinstance(given, list) or len(given) != 2:
            self.fail(place, 'a range is needed, from least to most, e.g. ["1e-4 S/cm", "1e-2 S/cm"]')
        quantity = self.quantity(key, given[0])
        low, high = (self.number(quantity, one, (*place, k)) for k, one in enumerate(given))
        if not low < high:
            self.fail(place, f"{shown(given[0])} to {shown(given[1])} is no range; the first must be below the second")
        least, most = limits_of(key)
        for k, wrong in enumerate((low < least / ONE, high > most * ONE)):
            if wrong:
                self.fail((*place, k), f"{shown(given[k])} is beyond what it can be, {least:g} to {most:g}; narrow it")
        limits = (math.isclose(low, least, abs_tol=1e-12), math.isclose(high, most))
        return Unknown(key, quantity, low, high, low > 0.0 and high >= DECADE * low, limits)

    def quantity(self, key: str, example: Any) -> Quantity:
        if key in INTERFACE:
            return quantity_in(INTERFACE[key].kind, example)
        found = quantity_of(key, example)
        if found is None:
            near = nearest_key(key)
            hint = f"did you mean '{near}'?" if near else "`phasefield reference` lists the keys"
            self.fail(("unknown", key), f"no case has this key; {hint}")
        if not key_measures(key) or key in SEEDS or key.partition(".")[0] in SET_UP:
            self.fail(("unknown", key), "is no property that data could show; give one of the cell")
        return found

    def number(self, quantity: Quantity, given: Any, place: tuple[str | int, ...]) -> float:
        try:
            value = quantity.si(given)
        except UnitError as error:
            self.fail(place, str(error))
        if isinstance(value, str):
            self.fail(place, f"{shown(given)} stands here; {units.wanted(quantity.kind or units.NUMBER)}")
        return value

    def settings(self, unknowns: tuple[Unknown, ...]) -> tuple[tuple[str, ...], dict[str, float], str | None]:
        """Return the overrides of the base, fixed numbers of the interface, and the film's molar volume."""
        overrides, fixed, volume = [], {}, None
        for key, value in self.table("set").items():
            if any(one.key == key for one in unknowns):
                self.fail(("set", key), "is an unknown, too; keep one of both")
            for one in unknowns:
                if {one.key, key} == SAME:
                    self.fail(("set", key), f"says what the unknown {one.key} says; keep one of both")
                if one.key in GROWTH and key != VOLUME and f"{key}.".startswith("film.growth."):
                    self.fail(("set", key), f"is of a growth law, which the unknown {one.key} sets; keep one of both")
            if key in INTERFACE:
                fixed[key] = self.number(self.quantity(key, value), value, ("set", key))
                if not INTERFACE[key].least < fixed[key] <= INTERFACE[key].most:
                    self.fail(("set", key), f"{shown(value)} is beyond what it can be; check it")
            elif key == VOLUME and isinstance(value, str):
                self.number(quantity_in(units.MOLAR_VOLUME, value), value, ("set", key))
                volume = value
            elif quantity_of(key, value) is None:
                self.fail(("set", key), "no case has this key; `phasefield reference` lists the keys")
            else:
                overrides.append(f"{key}={toml_of(value)}")
        return tuple(overrides), fixed, volume

    def added(self, unknowns: tuple[Unknown, ...], fixed: Mapping[str, float]) -> tuple[Unknown, ...]:
        """Return what a spectrum has beside the case, and the file neither looks for nor fixes."""
        keys = {one.key for one in unknowns} | set(fixed)
        found = []
        for key, one in INTERFACE.items():
            if key not in keys and one.fixed is None:
                quantity = quantity_in(one.kind, one.prior[0])
                low, high = (self.number(quantity, text, ()) for text in one.prior)
                found.append(Unknown(key, quantity, low, high, True, added=True))
        return tuple(found)
