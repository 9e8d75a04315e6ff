"""A whole case: its tables, what one takes from another, and whether they go together."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import Any

from pydantic import Field, PrivateAttr, ValidationInfo, field_validator, model_validator

from phasefield import units
from phasefield.case.cathode import Cathode, in_current_densities
from phasefield.case.electrodes import CellGeometry, Contact, Counter, Film, Kinetics, Lithium
from phasefield.case.electrolyte import Electrolyte
from phasefield.case.film_growth import Growth, growth_law
from phasefield.case.grid import WHOLE, Grid
from phasefield.case.properties import Properties, barred, material
from phasefield.case.protocol import Protocol
from phasefield.case.provenance import Provenance
from phasefield.case.quantities import FILLED, Temperature, um
from phasefield.case.record import Record, fill, refuse
from phasefield.case.resolved import resolved_toml
from phasefield.case.settings import MOTIONS, ExperimentChoice, Numerics, Output
from phasefield.case.surface import Surface, check_surface
from phasefield.constants import ROOM_TEMPERATURE


class Case(Record):
    """A whole case. Two cases are equal if they resolve to the same text."""

    title: str = Field(description="one line, for tables and pictures")
    temperature: Temperature = Field(
        default=FILLED,
        description="temperature of the cell; default: the `at` of electrolyte.conductivity, else 298.15 K",
    )
    grid: Grid = Field(description="the box and its cells")
    surface: Surface = Field(description="lithium at t = 0")
    electrolyte: Electrolyte = Field(description="the salt and its transport")
    kinetics: Kinetics = Field(description="charge transfer")
    lithium: Lithium = Field(description="the metal")
    film: Film = Field(description="the film (SEI) on the lithium")
    counter: Counter = Field(default_factory=Counter, description="the counter electrode")
    cathode: Cathode | None = Field(
        default=None, description='positive electrode of a full cell, instead of [counter]; "none" or absent: lithium'
    )
    protocol: Protocol = Field(description="imposed currents, voltages and rests")
    experiment: ExperimentChoice | None = Field(
        default=None, description='what the run is made for, and ends with; "none" or absent: nothing in particular'
    )
    cell: CellGeometry | None = Field(
        default=None, description='the cell of `protocol.file`; "none" or absent: not stated'
    )
    contact: Contact | None = Field(
        default=None, description='for the margin of contact in `check`; "none" or absent: not stated'
    )
    numerics: Numerics = Field(default_factory=Numerics, description="settings of the method")
    output: Output = Field(default_factory=Output, description="which results are written, and how often")

    _path: Path | None = PrivateAttr(None)
    _text: str = PrivateAttr("")
    _provenance: dict[str, Provenance] = PrivateAttr(default_factory=dict)

    @field_validator("film", mode="before")
    @classmethod
    def _film_is_there(cls, given: Any) -> Any:
        if given == "none":
            raise refuse(
                "", 'lithium has a film in each case; for one that is not felt write thickness = "1 nm" and '
                'conductivity = "1 S/m", and "none" for patches and growth'
            )  # fmt: skip
        return given

    @model_validator(mode="before")
    @classmethod
    def _rates(cls, given: Any) -> Any:
        return in_current_densities(given)

    @model_validator(mode="after")
    def _complete(self, info: ValidationInfo) -> Case:
        self._provenance = dict((info.context or {}).get("provenance", {}))
        self._fill_defaults()
        self._check_barriers()
        check_surface(self.grid, self.surface)
        width, spacing = self.numerics.interface_width, self.grid.spacing
        if not 0.4 - WHOLE <= width / spacing <= 4 + WHOLE:
            raise refuse(
                "numerics.interface_width",
                f"{um(width)} is {width / spacing:.3g} spacings; "
                f"give 0.4 to 4 of them, e.g. {um(spacing / 2)}",
            )
        self._check_motion()
        if self.cathode is not None:
            self._check_full_cell()
        if self.counter.surface is not None:
            self._check_both()
        patches = self.film.patches
        if patches is not None and patches.size < spacing:
            raise refuse(
                "film.patches.size",
                f"{um(patches.size)} is below the spacing, "
                f"{um(spacing)}; give larger patches or a finer grid",
            )
        return self

    @property
    def _stated_temperature(self) -> float:
        """The `at` of the conductivity, else room temperature: that of the cell unless the case gives one."""
        conductivity = self._provenance.get("electrolyte.conductivity")
        return ROOM_TEMPERATURE if conductivity is None or conductivity.at is None else conductivity.at

    def _check_barriers(self) -> None:
        """Refuse a barrier that would change nothing: that of a value whose own temperature is not known."""
        if self.temperature == self._stated_temperature:
            return
        for key, barrier in barred(self._provenance, self.electrolyte, self.kinetics, self.film):
            raise refuse(
                barrier,
                f"changes nothing at {units.pretty(self.temperature, units.TEMPERATURE)}: the temperature is missing "
                f'that {key} was measured at; write {key.split(".")[-1]} = {{ value = "...", at = "25 degC" }}, or set '
                'the barrier to "0 eV"',
            )

    def _check_both(self) -> None:
        """Refuse what does not go with a counter electrode that is resolved."""
        surface, grid = self.counter.surface, self.grid
        assert surface is not None
        for name, there in (("cathode", self.cathode), ("surface.substrate", self.surface.substrate)):
            if there is not None:
                raise refuse("counter.surface", f"does not go with [{name}]; remove one of them")
        for counter, own, name in (
            (self.counter.kinetics, self.kinetics, "kinetics.exchange_current_density"),
            (self.counter.film, self.film, "film.thickness"),
            (self.counter.film, self.film, "film.conductivity"),
        ):
            key = name.split(".")[1]
            if getattr(counter, key) != getattr(own, key):
                raise refuse(f"counter.{name}", "with [counter.surface] both electrodes are alike; remove it")
        least = 4 * grid.spacing + 4 * (surface.roughness or 0.0)
        gap = grid.size[-1] - self.surface.height - surface.height
        if surface.height < least * (1 - WHOLE):
            raise refuse(
                "counter.surface.height",
                f"{um(surface.height)} is too thin for its spacing and roughness: four cells and four times the "
                f"roughness are {um(least)}; raise it",
            )
        if gap < 2 * least:
            words = f"{um(surface.height)} leaves {um(gap)} of electrolyte, which needs {um(2 * least)}; raise the box"
            raise refuse("counter.surface.height", words)
        if surface.correlation_length is not None and surface.correlation_length < grid.spacing:
            raise refuse("counter.surface.correlation_length", "is below the spacing; lengthen it")

    def _check_full_cell(self) -> None:
        """Refuse what a cell with an intercalation electrode does not do."""
        if "voltage_limit" not in self.protocol.stop_on:
            raise refuse("protocol.stop_on", 'a full cell does not go on at the voltage limit; add "voltage_limit"')

    def _check_motion(self) -> None:
        """Refuse what the law of motion knows nothing of."""
        name = self.numerics.motion
        for key in MOTIONS[name].without:
            value = attrgetter(key)(self)
            if growth_law(value).grows if isinstance(value, Growth) else value:
                raise refuse(
                    key, f'numerics.motion = "{name}" does without; set it to "none", or take motion = "level-set"'
                )
        for key in MOTIONS[name].needs:
            if not attrgetter(key)(self):
                raise refuse(key, f'numerics.motion = "{name}" needs it above zero; give it')

    def _fill_defaults(self) -> None:
        """Fill what one table takes from another."""
        sources = self._provenance
        if "film.resistance" in sources:
            sources["film.conductivity"] = sources.pop("film.resistance")
        fill(self, temperature=self._stated_temperature)
        fill(self.kinetics, reference_concentration=self.electrolyte.salt_concentration)
        for counter, own, table, name in (
            (self.counter.kinetics, self.kinetics, "kinetics", "exchange_current_density"),
            (self.counter.film, self.film, "film", "thickness"),
            (self.counter.film, self.film, "film", "conductivity"),
        ):
            if getattr(counter, name) is None and f"{table}.{name}" in sources:
                sources[f"counter.{table}.{name}"] = sources[f"{table}.{name}"]
            fill(counter, **{name: getattr(own, name)})
        fill(self.numerics, interface_width=self.grid.spacing * MOTIONS[self.numerics.motion].width)
        if self.output.fields_every is None and self.protocol.planned_time is None:
            raise refuse(
                "output.fields_every", 'missing: the protocol has no planned duration; add it, e.g. "1 h"'
            )
        fill(self.output, fields_every=(self.protocol.planned_time or 0) / 20)

    @property
    def path(self) -> Path | None:
        """File that the case was read from, absolute; None for a case made in Python."""
        return self._path

    @property
    def text(self) -> str:
        """Raw text of that file."""
        return self._text

    @property
    def provenance(self) -> Mapping[str, Provenance]:
        """Source and status of each value, by dotted key."""
        return self._provenance

    @property
    def hash(self) -> str:
        """sha256 of the resolved text of what is run: without experiment and contact, which only evaluate it.

        The level-set law has the name that it had until 0.1: runs of then go on.
        """
        text = self.model_copy(update={"experiment": None, "contact": None}).resolved_toml()
        text = re.sub(r'^(motion = (?:\{ value = )?)"level-set"', r'\1"distance"', text, flags=re.M)
        return hashlib.sha256(text.encode()).hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Case) and self.resolved_toml() == other.resolved_toml()

    def __hash__(self) -> int:
        return hash(self.hash)

    def properties(self) -> Properties:
        """Return the material properties at the temperature of the case; a cathode's stand for the counter electrode's.

        Its resistance is that of a layer of 1 S/m.
        """
        own = material(
            self.temperature, self._provenance, self.electrolyte, self.kinetics, self.lithium, self.film, self.counter
        )
        if self.cathode is None:
            return own
        return replace(
            own, j0_counter=self.cathode.exchange_current_density,
            film_thickness_counter=self.cathode.resistance, film_conductivity_counter=1.0,
        )  # fmt: skip

    def resolved_toml(self) -> str:
        """Return the whole case as one file: every value in SI with its unit, its source and its status."""
        return resolved_toml(self, self._provenance)
