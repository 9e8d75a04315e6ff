"""The quantities of a case: plain numbers in SI, read from texts with a unit and kept within their bounds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from phasefield import units
from phasefield.fields import CELL, FIELDS
from phasefield.units import Measure, Ramp, pretty

FILLED: Any = None  # the default of a field that is set when the case is validated

Length = Annotated[float, Measure(units.LENGTH, gt=0)]
OptionalLength = Annotated[float | None, Measure(units.LENGTH, gt=0, optional=True)]
Place = Annotated[float, Measure(units.LENGTH)]
Duration = Annotated[float, Measure(units.TIME, gt=0)]
OptionalDuration = Annotated[float | None, Measure(units.TIME, gt=0, optional=True)]
Temperature = Annotated[float, Measure(units.TEMPERATURE, ge=100, le=1000)]
Voltage = Annotated[float, Measure(units.VOLTAGE, gt=0)]
VoltageOrRamp = Annotated[float | tuple[float, float] | None, Ramp(units.VOLTAGE, optional=True)]
OptionalVoltageLimit = Annotated[float | None, Measure(units.VOLTAGE, gt=0, optional=True)]
Current = Annotated[float, Measure(units.CURRENT_DENSITY, gt=0)]
CurrentOrRamp = Annotated[float | tuple[float, float] | None, Ramp(units.CURRENT_DENSITY, optional=True)]
OptionalCurrentLimit = Annotated[float | None, Measure(units.CURRENT_DENSITY, gt=0, optional=True)]
OptionalCapacity = Annotated[float | None, Measure(units.CAPACITY, gt=0, optional=True)]
Conductivity = Annotated[float, Measure(units.CONDUCTIVITY, gt=0)]
IonicConductivity = Annotated[float, Measure(units.CONDUCTIVITY, gt=0, le=1e4)]  # molten salts have 1e3 S/m
Concentration = Annotated[float, Measure(units.CONCENTRATION, gt=0)]
Barrier = Annotated[float, Measure(units.ENERGY, ge=0, le=1e-18)]
Angle = Annotated[float, Measure(units.ANGLE)]
Factor = Annotated[float, Measure(units.NUMBER, ge=1e-3, le=1e3)]
Fraction = Annotated[float, Measure(units.NUMBER, gt=0, lt=1)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]



class OneOf:
    """The type of a key that takes one of the names of a table; before: names of before, and their names now."""

    def __init__(self, table: Iterable[str], before: Mapping[str, str] | None = None) -> None:
        self.names, self.before = tuple(table), dict(before or {})

    def _now(self, given: Any) -> Any:
        return self.before.get(given, given) if isinstance(given, str) else given

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(
            self._now, core_schema.literal_schema(list(self.names))
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"enum": [*self.names, *self.before]}


FieldName = Annotated[str, OneOf(name for name, entry in FIELDS.items() if entry.place == CELL)]
EventName = Literal["voltage_limit", "short_circuit", "depletion", "void", "exhausted"]


def um(length: float) -> str:
    """Return a length for an error text."""
    return pretty(length, units.LENGTH)
