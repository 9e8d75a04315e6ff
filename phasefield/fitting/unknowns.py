"""What a fit may look for: keys of a case that a flat cell shows, and what a spectrum has beside them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from phasefield import units
from phasefield.case.file import schema
from phasefield.case.file.keys import measures_of
from phasefield.case.film_growth import LAWS
from phasefield.studies.sweep.quantity import Quantity
from phasefield.units import Kind

MOST_DIGITS = 7  # that an end of an interval is printed with
TAILS = (0.05, 0.95)  # quantiles of an interval of 90 %
DECADE = 10.0  # a prior that spans so much is even in the logarithm: its scale is not known

CATHODE = (
    "cathode.capacity", "cathode.loading", "cathode.specific_capacity", "cathode.filling",
    "cathode.exchange_current_density", "cathode.diffusion_time", "cathode.resistance",
)  # fmt: skip
SEEN = (
    "electrolyte.conductivity", "electrolyte.transference_number", "electrolyte.salt_concentration",
    "electrolyte.salt_diffusivity", "electrolyte.thermodynamic_factor", "kinetics.exchange_current_density",
    "kinetics.transfer_coefficient", "film.thickness", "film.conductivity", "film.resistance",
    "counter.kinetics.exchange_current_density", "counter.film.thickness", "counter.film.conductivity",
    *CATHODE,
)  # fmt: skip
"""Keys of a case on which the spectrum or the voltage of a flat cell depends, beside those of the growth laws."""

GROWTH = {
    f"film.growth.{name}": law for law, one in LAWS.items() for name in one.takes if name != "molar_volume"
}
"""The key of each growth law, eq. (8)."""


@dataclass(frozen=True)
class Interface:
    """A number of eq. (17) that is no key of a case: its kind, default prior and limits; fixed: unless it is asked for.

    least, most: what it cannot pass.
    """

    kind: Kind
    prior: tuple[str, str]
    least: float
    most: float
    fixed: float | None = None


INTERFACE = {
    "spectrum.double_layer": Interface(units.AREA_CAPACITANCE, ("1 uF/cm^2", "100 uF/cm^2"), 0.0, math.inf),
    "spectrum.film_permittivity": Interface(units.NUMBER, ("1", "1000"), 1.0, math.inf),
    "spectrum.film_exponent": Interface(units.NUMBER, ("0.6", "1"), 0.4, 1.0, fixed=1.0),
    "spectrum.transfer_exponent": Interface(units.NUMBER, ("0.6", "1"), 0.4, 1.0, fixed=1.0),
}
"""Both capacitances are looked for whenever there is a spectrum; the thickness in the film's is often assumed, too."""


@dataclass(frozen=True)
class Unknown:
    """A key that is looked for, and its prior: even from low to high [SI], in the logarithm if `log`.

    limits: whether low and high are what the quantity cannot pass; added: by the program, with a prior of its own.
    """

    key: str
    quantity: Quantity
    low: float
    high: float
    log: bool
    limits: tuple[bool, bool] = (False, False)
    added: bool = False

    @property
    def name(self) -> str:
        """Return the key as people say it."""
        return self.key.split(".", 1)[1].replace("growth.", "").replace("_", " ")

    @property
    def label(self) -> str:
        """Return its name and its unit, for axes and tables."""
        parts = self.key.split(".")
        name = " ".join(parts if parts[0] in ("film", "counter", "cathode") else parts[1:]).replace("_", " ")
        return f"{name} ({self.quantity.unit})" if self.quantity.unit else name

    def value(self, u: float) -> float:
        """Return the value [SI] at a place u of the prior, from 0 to 1."""
        if self.log:
            return float(math.exp(math.log(self.low) + u * math.log(self.high / self.low)))
        return self.low + u * (self.high - self.low)

    def place(self, value: float) -> float:
        """Return the place u of a value [SI], the inverse of `value`."""
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def shown(self, value: float, digits: int = 3) -> str:
        """Return a value [SI] with the unit of the user."""
        return f"{printed(value / self.quantity.size, digits)} {self.quantity.unit}".strip()

    def shown_range(self, low: float, high: float) -> str:
        """Return a range of values [SI] with the unit of the user."""
        return shown_range(low / self.quantity.size, high / self.quantity.size, self.quantity.unit)


def printed(value: float, digits: int) -> str:
    """Return a number rounded to some digits: 3850, not 3.85e+03."""
    return f"{float(f'{value:.{digits}g}'):.{MOST_DIGITS}g}"


def shown_range(low: float, high: float, unit: str) -> str:
    """Return a range in a unit, with as many digits as tell its ends apart, three at least; else that it is fixed."""
    for digits in range(3, MOST_DIGITS + 1):
        ends = printed(low, digits), printed(high, digits)
        if ends[0] != ends[1]:
            return f"{ends[0]} to {ends[1]} {unit}".strip()
    return f"{printed(low, 3)} {unit}".strip() + ", fixed"


def limits_of(key: str) -> tuple[float, float]:
    """Return what a quantity cannot pass: bounds that are included, of a key of the case or of the interface."""
    if key in INTERFACE:
        return INTERFACE[key].least, INTERFACE[key].most
    for table, name, entry in schema():
        if key == f"{table}.{name}":
            measure = measures_of(entry)[0]
            return (-math.inf if measure.ge is None else measure.ge), (math.inf if measure.le is None else measure.le)
    return -math.inf, math.inf
