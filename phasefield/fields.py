"""The one table of fields and series: name, symbol, unit, place, meaning. Output, labels and docs read it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

CELL = "cell"
SURFACE = "surface"
STEP = "step"


class Entry(NamedTuple):
    """What one stored name means."""

    name: str
    symbol: str
    unit: str
    place: str
    """Where it lives: `cell` (nz, ny, nx), `surface` (ny, nx) or `step` (one number a step)."""
    meaning: str

    @property
    def label(self) -> str:
        """Axis label such as `voltage [V]`; a pure number bears no unit."""
        words = self.name.replace("_", " ")
        return words if self.unit == "1" else f"{words} [{self.unit}]"


_FIELDS = (
    Entry("xi", "xi", "1", CELL, "lithium fraction: 1 in lithium, 0 in electrolyte; the surface is xi = 1/2"),
    Entry("concentration", "c", "mol/m^3", CELL, "salt concentration in the electrolyte"),
    Entry("potential", "phi", "V", CELL, "electrolyte potential against a lithium reference"),
    Entry("distance", "d", "m", CELL, "signed distance to the surface: < 0 in lithium, > 0 in electrolyte"),
    Entry(
        "reaction_current",
        "j",
        "A/m^2",
        CELL,
        "current density through the surface, > 0 where lithium deposits",
    ),
    Entry(
        "film_resistance", "R_film", "ohm m^2", CELL, "area resistance of the film, moves with the surface"
    ),
    Entry("film_thickness", "delta", "m", CELL, "thickness of the film, moves with the surface"),
    Entry(
        "film_conductivity", "sigma", "S/m", CELL, "ionic conductivity of the film, moves with the surface"
    ),
    Entry("dead", "dead", "1", CELL, "1 in lithium cut off from its electrode, 0 elsewhere"),
    Entry("height", "z", "m", SURFACE, "top surface of connected lithium, as a profilometer sees it"),
)

_DEPTH = "a 2D run is one cell of width dx deep"

_SERIES = (
    Entry("time", "t", "s", STEP, "simulated time at the end of the step"),
    Entry("cycle", "n", "1", STEP, "cycles of the protocol completed or begun, counted from 1"),
    Entry("protocol_step", "s", "1", STEP, "place in the steps of one repeat, groups written out, counted from 0"),
    Entry("current_density", "I", "A/m^2", STEP, "imposed or resulting cell current per projected area"),
    Entry("voltage", "U", "V", STEP, "counter electrode against working lithium, positive while plating"),
    Entry("charge_applied", "Q", "C/m^2", STEP, "charge passed through the cell per projected area, signed"),
    Entry("charge_deposited", "Q_dep", "C/m^2", STEP, "part of it that plated or stripped lithium"),
    Entry("charge_side", "Q_side", "C/m^2", STEP, "part of it that the side reaction took"),
    Entry("lithium_volume", "V_Li", "m^3", STEP, f"volume of all metallic lithium; {_DEPTH}"),
    Entry("lithium_dead", "V_dead", "m^3", STEP, f"volume of lithium cut off from its electrode; {_DEPTH}"),
    Entry(
        "lithium_in_film",
        "n_film",
        "mol",
        STEP,
        f"lithium that the side reaction bound in the film; {_DEPTH}",
    ),
    Entry("salt_in_cell", "n_salt", "mol", STEP, f"salt in the electrolyte inside the box; {_DEPTH}"),
    Entry("salt_displaced", "n_out", "mol", STEP, f"salt carried out through the counter plane; {_DEPTH}"),
    Entry("Sa", "Sa", "m", STEP, "arithmetic mean height about the mean, not levelled, ISO 25178"),
    Entry("Sq", "Sq", "m", STEP, "root mean square height about the mean, not levelled, ISO 25178"),
    Entry("Sz", "Sz", "m", STEP, "peak to valley height, not levelled, ISO 25178"),
    Entry("height_mean", "z_mean", "m", STEP, "mean height of the surface"),
    Entry("height_max", "z_max", "m", STEP, "greatest height of the surface"),
    Entry("height_min", "z_min", "m", STEP, "least height of the surface"),
    Entry("concentration_min", "c_min", "mol/m^3", STEP, "least salt concentration in the electrolyte"),
    Entry("concentration_max", "c_max", "mol/m^3", STEP, "greatest salt concentration in the electrolyte"),
    Entry("current_min", "j_min", "A/m^2", STEP, "least current density on the surface"),
    Entry("current_max", "j_max", "A/m^2", STEP, "greatest current density on the surface"),
    Entry("film_resistance_mean", "R_mean", "ohm m^2", STEP, "area-weighted mean of the film resistance"),
    Entry("film_resistance_parallel", "R_f", "ohm m^2", STEP, "film resistance of the surface, its places in parallel"),
    Entry("surface_area", "A", "m^2", STEP, f"area of the live lithium surface; {_DEPTH}"),
    Entry("step_size", "dt", "s", STEP, "length of the step"),
    Entry("iterations", "n_it", "1", STEP, "multigrid cycles of each field in the step"),
    Entry("newton_iterations", "n_N", "1", STEP, "Newton steps of salt and charge in the step, both stages"),
    Entry("residual", "e_j", "1", STEP, "error of the surface currents that the solver reached, estimated"),
    Entry("rejected", "n_rej", "1", STEP, "attempts thrown away before the step was accepted"),
    Entry(
        "salt_correction",
        "e_salt",
        "1",
        STEP,
        "share of the salt by which its balance was closed, the largest of the step's stages",
    ),
    Entry(
        "volume_correction",
        "e_V",
        "1",
        STEP,
        "share of the surface's own motion by which the lithium's balance was closed, likewise",
    ),
    Entry("counter_lithium", "V_c", "m^3", STEP, f"lithium of a resolved counter electrode; {_DEPTH}"),
    Entry("counter_deposited", "Q_c", "C/m^2", STEP, "charge that plated lithium there, signed"),
    Entry("counter_Sq", "Sq_c", "m", STEP, "root mean square height of its surface"),
    Entry("counter_Sz", "Sz_c", "m", STEP, "peak to valley height of its surface"),
    Entry("counter_height", "z_c", "m", STEP, "mean distance of its surface from the top of the box"),
    Entry("cathode_filling", "y", "1", STEP, "filling of the cathode with lithium, mean; of a full cell"),
    Entry("cathode_surface", "y_s", "1", STEP, "filling at the surface of its particles"),
    Entry("open_circuit", "U_oc", "V", STEP, "its potential against lithium at that filling"),
)

FIELDS: dict[str, Entry] = {entry.name: entry for entry in _FIELDS}
"""Cell and surface fields by name."""

SERIES: dict[str, Entry] = {entry.name: entry for entry in _SERIES}
"""Series by name, one number a step."""

REQUIRED_SERIES = (
    "time", "cycle", "current_density", "voltage", "charge_applied", "charge_deposited", "charge_side",
    "lithium_volume", "lithium_dead", "salt_in_cell", "salt_displaced", "Sa", "Sq", "Sz", "height_mean",
    "height_max", "concentration_min", "concentration_max", "step_size",
)  # fmt: skip
"""Series that every results file holds."""

FRAME_SERIES = ("cycle", "current_density", "voltage", "Sa", "Sq", "Sz", "height_mean", "height_max")
"""Series shown by ParaView beside each frame."""


def find(name: str) -> Entry | None:
    """Entry of a field or series by its name or, failing that, by its symbol."""
    if name in FIELDS or name in SERIES:
        return FIELDS[name] if name in FIELDS else SERIES[name]
    return next((entry for entry in (*_FIELDS, *_SERIES) if entry.symbol == name), None)


def cell_field(name: str) -> Entry | None:
    """Entry of a field on the cells by its name or symbol."""
    return next((e for e in _FIELDS if e.place == CELL and name in (e.name, e.symbol)), None)


def table(entries: Iterable[Entry] = (*_FIELDS, *_SERIES)) -> str:
    """The table as Markdown, for the docs."""
    lines = ["| name | symbol | unit | place | meaning |", "|---|---|---|---|---|"]
    lines += [f"| `{e.name}` | {e.symbol} | {e.unit} | {e.place} | {e.meaning} |" for e in entries]
    return "\n".join(lines) + "\n"
