"""From values of the unknowns to what a flat cell would show: the spectrum, eq. (17), and the voltage of a trace."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phasefield.analytic.flat_cell import gap_of
from phasefield.analytic.flat_trace import flat_voltages
from phasefield.analytic.impedance import FlatImpedance
from phasefield.api import locate_case
from phasefield.case import Case
from phasefield.case.file import CaseReader
from phasefield.errors import CaseError
from phasefield.fitting.data import Observation
from phasefield.fitting.fitfile import VOLUME, FitFile
from phasefield.fitting.tables.rate_table import RateTable
from phasefield.fitting.tables.voltage_table import VoltageTable
from phasefield.fitting.unknowns import CATHODE, GROWTH, INTERFACE
from phasefield.units import NUMBER, TEMPERATURE, to_text

Floats = NDArray[np.float64]

LITHIUM_ROLES = ("spectrum", "polarisation", "voltages")  # data that a fit knows of two lithium electrodes only
IMPOSSIBLE = 1e4  # standard deviations, of values that give no case


@dataclass(frozen=True)
class Prediction:
    """What values of the unknowns mean: the case, its spectrum, and the data as they would be without noise."""

    case: Case
    spectrum: FlatImpedance
    data: tuple[Floats, ...]


class Forward:
    """The flat cell of a fit as a function of its unknowns, with one growth law; u: their places in the priors."""

    def __init__(self, fit: FitFile, reader: CaseReader, law: str = "") -> None:
        """law: of LAWS; empty: that of the base. Raises CaseError if an end of a prior gives no case."""
        self.fit, self.reader, self.law = fit, reader, law
        self.unknowns = fit.unknowns_of(law)
        base = reader.case(fit.overrides)
        self.temperature, self.full = base.temperature, base.cathode is not None
        self._stated = {key for key, one in base.provenance.items() if one.at is not None}
        self._in_case = [one for one in self.unknowns if one.key not in INTERFACE]
        middle = [one.value(0.5) for one in self.unknowns]
        self._family = reader.family(
            (*fit.overrides, *self.overrides(middle)), {one.key: one.quantity.kind or NUMBER for one in self._in_case}
        )
        for k, one in enumerate(self.unknowns):
            for end, value in enumerate((one.low, one.high)):
                self._check(k, end, [*middle[:k], value, *middle[k + 1 :]])

    def _check(self, k: int, end: int, values: list[float]) -> None:
        """Raise CaseError, at the fit file, if an end of a prior gives no case."""
        try:
            self.case(values)
        except CaseError as error:
            raise self.fit.end_error(self.unknowns[k], end, values[k], error) from None

    def overrides(self, values: Sequence[float], said: Sequence[str] | None = None) -> list[str]:
        """Return overrides that set the unknowns of the case; said: TOML behind each value, its source and status.

        A value that the base states at a temperature is stated at that of the cell.
        """
        found = self._growth(values, said)
        for k, (one, value) in enumerate(zip(self.unknowns, values, strict=True)):
            if one.key not in INTERFACE and one.key not in GROWTH:
                text = one.quantity.text(value)
                at = f', at = "{to_text(self.temperature, TEMPERATURE)}"' if self._has_at(one.key) else ""
                found.append(f"{one.key}={{ value = {text}{at}{'' if said is None else said[k]} }}")
        return found

    def _has_at(self, key: str) -> bool:
        """Return whether the base states at which temperature a value holds; a resistance is a conductivity there."""
        return bool({key, key.replace("film.resistance", "film.conductivity")} & self._stated)

    def _growth(self, values: Sequence[float], said: Sequence[str] | None) -> list[str]:
        """Return overrides that set the growth law; none if the base's holds."""
        if not self.law:
            return []
        if self.law == "none":
            return ['film.growth="none"']
        k, one = next((k, one) for k, one in enumerate(self.unknowns) if one.key in GROWTH)
        value = f"{{ value = {one.quantity.text(values[k])}{'' if said is None else said[k]} }}"
        name = one.key.split(".")[-1]
        volume = self._volume()
        table = f'{{ law = "{self.law}", {name} = {value}, molar_volume = {volume} }}'
        return ['film.growth="none"', f"film.growth={table}"]

    def _volume(self) -> str:
        """Return the molar volume of the film as TOML: that of [set], else of the base."""
        if self.fit.volume is not None:
            return json.dumps(self.fit.volume)
        growth = self.reader.case(self.fit.overrides).film.growth
        if growth is None or growth.molar_volume is None:
            raise self.fit.error(
                ("set",), f'missing: the volume of the film that grows; add "{VOLUME}" = "15 cm^3/mol", that of yours'
            )
        return f'"{growth.molar_volume!r} m^3/mol"'

    def case(self, values: Sequence[float]) -> Case:
        """Return the case of values [SI]. Raises CaseError if they give none."""
        return self._family([v for v, one in zip(values, self.unknowns, strict=True) if one.key not in INTERFACE])

    def spectrum(self, case: Case, values: Sequence[float]) -> FlatImpedance:
        """Return the spectrum of a case, with the interface's own numbers."""
        own = {**self.fit.fixed, **{one.key: v for one, v in zip(self.unknowns, values, strict=True)}}
        numbers = {key.split(".")[1]: own[key] for key in INTERFACE if key in own}
        return FlatImpedance(case.properties(), gap_of(case), **numbers)

    def values(self, u: Floats) -> list[float]:
        """Return the values [SI] at places of the priors."""
        return [one.value(float(place)) for one, place in zip(self.unknowns, u, strict=True)]

    def predict(self, u: Floats, data: Sequence[Observation]) -> Prediction:
        """Return what the flat cell shows at places of the priors. Raises CaseError if the values give no case."""
        values = self.values(u)
        case = self.case(values)
        spectrum = self.spectrum(case, values)
        shown: list[Floats] = []
        for one in data:
            if isinstance(one.drive, RateTable | VoltageTable):
                shown.append(one.drive.predicted(case))
            elif one.drive is not None:
                shown.append(flat_voltages(case, one.drive))
            else:
                Z = spectrum.at(one.x)
                shown.append(np.concatenate([Z.real, Z.imag]))
        return Prediction(case, spectrum, tuple(shown))

    def cases(self, places: Floats) -> Iterator[Case]:
        """Yield the cases of many places of the priors, without those that give none."""
        for u in places:
            with contextlib.suppress(CaseError):
                yield self.case(self.values(u))

    def residuals(self, u: Floats, data: Sequence[Observation], noise: Sequence[float]) -> Floats:
        """Return (measured - predicted) over the standard deviation, of all data in a row."""
        try:
            shown = self.predict(u, data).data
        except CaseError:
            return np.full(sum(one.measured.size for one in data), IMPOSSIBLE)
        return np.concatenate(
            [(one.measured - y) / (s * one.scale) for one, y, s in zip(data, shown, noise, strict=True)]
        )


def forward_of(fit: FitFile, law: str = "") -> Forward:
    """Return the flat cell of a fit. Raises CaseError for a base that is none, or that does not go with the data."""
    path = locate_case(fit.base)
    reader = CaseReader(path)
    base = reader.case(fit.overrides)
    full = base.cathode is not None
    for role in fit.files:
        if (role in LITHIUM_ROLES) if full else role == "rates":
            what = "a fit knows no such data of a full cell: fit a lithium cell first, or add [set] cathode = "
            what = f'{what}"none"' if full else "is of a full cell; take a base with a [cathode]"
            raise fit.error(("data", role), what)
    for one in fit.unknowns:
        if one.key in CATHODE and not full:
            raise fit.error(("unknown", one.key), "the base has no [cathode]; take one that has")
    return Forward(fit, reader, law)
