"""Material properties of a case at its temperature."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from phasefield.case.electrodes import Counter, Film, Kinetics, Lithium
from phasefield.case.electrolyte import DependenceTable, Electrolyte, interpolate_held
from phasefield.case.provenance import Provenance
from phasefield.constants import BOLTZMANN, FARADAY, GAS_CONSTANT


class Columns(NamedTuple):
    """Concentration [mol/m^3], conductivity [S/m], diffusivity [m^2/s], t+ and thermodynamic factor of a table.

    All are of the same length; empty without a table.
    """

    concentration: tuple[float, ...] = ()
    conductivity: tuple[float, ...] = ()
    diffusivity: tuple[float, ...] = ()
    transference: tuple[float, ...] = ()
    factor: tuple[float, ...] = ()



@dataclass(frozen=True)
class Properties:
    """Material properties at the temperature T of the case, SI; the symbols of docs/theory.md where it has one."""

    T: float
    kappa: float
    D: float
    t_plus: float
    c0: float
    chi: float
    j0: float
    alpha_a: float
    alpha_c: float
    exponent: float
    c_ref: float
    V_m: float
    gamma: float
    film_conductivity: float
    film_thickness: float
    j0_counter: float
    film_conductivity_counter: float
    film_thickness_counter: float
    dependence: Literal["nernst-einstein", "constant", "table"]
    table: Columns  # at T


def nernst_einstein(
    conductivity: float, transference: float, concentration: float, temperature: float
) -> float:
    """Return the salt diffusivity of an ideal binary salt, m^2/s.

    D = 2 D+ D- / (D+ + D-) with D+ = t+ kappa R T / (F^2 c) and D- = (1 - t+) kappa R T / (F^2 c), so
    D = 2 t+ (1 - t+) kappa R T / (F^2 c). At the temperature of the conductivity: PLL 6.50e-12,
    PLLZ 1.43e-11, LHCI 2.19e-11, DLHCI 7.18e-11 m^2/s (PLL 6.4e-12 at 298.15 K).
    """
    mobility = conductivity * GAS_CONSTANT * temperature / (FARADAY**2 * concentration)
    return 2 * transference * (1 - transference) * mobility


def arrhenius(barrier: float, reference: float, temperature: float) -> float:
    """Return value(temperature) / value(reference) for an activation energy `barrier` in J."""
    return math.exp(-barrier / BOLTZMANN * (1 / temperature - 1 / reference))


@dataclass(frozen=True)
class _AtTemperature:
    """The temperature T [K] of the properties, and the sources of the values, by dotted key."""

    T: float
    sources: Mapping[str, Provenance]

    def stated(self, key: str) -> float:
        """Return the temperature at which a value holds [K]: the `at` of its source, else T."""
        at = self.sources[key].at if key in self.sources else None
        return self.T if at is None else at

    def factor(self, key: str, barrier: float) -> float:
        """Return value(T) over the value as stated, for an activation energy in J."""
        return arrhenius(barrier, self.stated(key), self.T)


def barred(
    sources: Mapping[str, Provenance], e: Electrolyte, k: Kinetics, film: Film
) -> tuple[tuple[str, str], ...]:
    """Return the keys of values, and of their barriers above 0, that no `at` gives a temperature."""
    ruled_by_kappa = isinstance(e.salt_diffusivity, str) or isinstance(e.concentration_dependence, DependenceTable)
    exchange, through = "exchange_current_density", "conductivity"
    pairs = (
        ("electrolyte.conductivity", "electrolyte.conductivity_barrier", e.conductivity_barrier),
        ("electrolyte.salt_diffusivity", "electrolyte.diffusivity_barrier",
         0.0 if ruled_by_kappa else e.diffusivity_barrier),
        (f"kinetics.{exchange}", "kinetics.exchange_current_barrier", k.exchange_current_barrier),
        (f"film.{through}", "film.conductivity_barrier", film.conductivity_barrier),
        (f"counter.kinetics.{exchange}", "kinetics.exchange_current_barrier", k.exchange_current_barrier),
        (f"counter.film.{through}", "film.conductivity_barrier", film.conductivity_barrier),
    )  # fmt: skip
    return tuple(
        (value, barrier)
        for value, barrier, energy in pairs
        if energy > 0.0 and (value not in sources or sources[value].at is None)
    )


@dataclass(frozen=True)
class _Transport:
    """Conductivity [S/m], diffusivity [m^2/s], t+ and thermodynamic factor at T and c0, and the table at T."""

    kappa: float
    D: float
    t_plus: float
    chi: float
    table: Columns


def _transport(e: Electrolyte, there: _AtTemperature) -> _Transport:
    """Return the transport properties at T; the diffusivity is that of the table, its own, or an ideal salt's."""
    kappa_factor = there.factor("electrolyte.conductivity", e.conductivity_barrier)
    table = e.concentration_dependence
    # D from kappa, and D in a table, hold at the temperature of kappa; a D of its own has its own `at`
    ruled_by_kappa = isinstance(e.salt_diffusivity, str) or isinstance(table, DependenceTable)
    D_factor = there.factor(
        "electrolyte.conductivity" if ruled_by_kappa else "electrolyte.salt_diffusivity", e.diffusivity_barrier
    )
    if isinstance(e.salt_diffusivity, str):
        D = nernst_einstein(
            e.conductivity, e.transference_number, e.salt_concentration, there.stated("electrolyte.conductivity")
        )
    else:
        D = e.salt_diffusivity
    columns = Columns()
    t_plus, chi = e.transference_number, e.thermodynamic_factor
    if isinstance(table, DependenceTable):
        D = interpolate_held(table.concentration, table.diffusivity, e.salt_concentration)
        count = len(table.concentration)
        columns = Columns(
            table.concentration,
            tuple(kappa_factor * v for v in table.conductivity),
            tuple(D_factor * v for v in table.diffusivity),
            table.transference_number or (t_plus,) * count,
            table.thermodynamic_factor or (chi,) * count,
        )
        t_plus = interpolate_held(table.concentration, columns.transference, e.salt_concentration)
        chi = interpolate_held(table.concentration, columns.factor, e.salt_concentration)
    return _Transport(e.conductivity * kappa_factor, D * D_factor, t_plus, chi, columns)


def material(
    T: float,
    sources: Mapping[str, Provenance],
    e: Electrolyte,
    k: Kinetics,
    lithium: Lithium,
    film: Film,
    counter: Counter,
) -> Properties:
    """Return the properties at temperature T [K]; each value holds at the `at` of its source, else at T."""
    there = _AtTemperature(T, sources)
    transport = _transport(e, there)
    dependence = e.concentration_dependence
    return Properties(
        T=T,
        kappa=transport.kappa,
        D=transport.D,
        t_plus=transport.t_plus,
        c0=e.salt_concentration,
        chi=transport.chi,
        j0=k.exchange_current_density
        * there.factor("kinetics.exchange_current_density", k.exchange_current_barrier),
        alpha_a=1 - k.transfer_coefficient,
        alpha_c=k.transfer_coefficient,
        exponent=k.concentration_exponent,
        c_ref=k.reference_concentration,
        V_m=lithium.molar_volume,
        gamma=lithium.surface_energy,
        film_conductivity=film.conductivity * there.factor("film.conductivity", film.conductivity_barrier),
        film_thickness=film.thickness,
        j0_counter=counter.kinetics.exchange_current_density
        * there.factor("counter.kinetics.exchange_current_density", k.exchange_current_barrier),
        film_conductivity_counter=counter.film.conductivity
        * there.factor("counter.film.conductivity", film.conductivity_barrier),
        film_thickness_counter=counter.film.thickness,
        dependence="table" if isinstance(dependence, DependenceTable) else dependence,
        table=transport.table,
    )
