"""The JSON schema of the case file takes every shipped case and refuses what a case refuses."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from phasefield.case.file import json_schema, read_case
from phasefield.cases import folder, locate
from phasefield.errors import CaseError

VALIDATOR = Draft7Validator(json_schema())
FILES = [path for path in sorted(folder().rglob("*.toml")) if not {"studies", "fits"} & {*path.parts}]


def test_the_schema_is_a_schema() -> None:
    Draft7Validator.check_schema(json_schema())


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_it_takes_every_shipped_case_and_base(path: Path) -> None:
    errors = [error.message for error in VALIDATOR.iter_errors(tomllib.loads(path.read_text(encoding="utf-8")))]
    assert not errors


@pytest.mark.parametrize(
    "case",
    [
        {"grids": {}},
        {"grid": {"spacing": 8}},  # no unit
        {"film": {"growth": {"law": "cubic"}}},
        {"film": {"thickness": {"value": "1 um", "status": "guessed"}}},
        {"film": {"thickness": {"source": "a value is missing"}}},
        {"extends": 3},
    ],
)
def test_it_refuses(case: dict[str, Any]) -> None:
    assert not VALIDATOR.is_valid(case)


WRONG = (
    'grid.spacing=8', 'grid.spacing="8"', 'grid.spacing="-8 um"', 'grid.spacing="0 um"', 'grid.spacing="um"',
    'grid.lateral="open"', 'surface.height="0.0e3 um"', 'surface.sides="bent"', 'temperature="300"',
    'electrolyte.transference_number=1.5', 'electrolyte.transference_number=-11',
    'kinetics.transfer_coefficient=1', 'kinetics.transfer_coefficient="half"', 'kinetics.concentration_exponent=3',
    'film.thickness="\u22121 um"', 'film.growth.law="cubic"', 'film.repair=0.9', 'film.patches.seed=-1',
    'film.patches.spread=0', 'film.patches.renewal="never"', 'numerics.motion="levelset"', 'numerics.tolerance=1',
    'numerics.front_step=true', 'lithium.surface_energy="-1 J/m^2"', 'output.fields=["charge"]',
    'protocol.repeat=0', 'protocol.stop_on=["void", "end"]', 'protocol.steps=[{current="1 A/m^2", duration="-1 h"}]',
)  # fmt: skip
RIGHT = (
    'numerics.motion="distance"', 'numerics.motion="none"', 'numerics.front_step="none"', 'grid.lateral="none"',
    'film.patches.renewal="none"', 'film.patches.spread="50 %"', 'lithium.surface_energy="0 J/m^2"',
    'temperature="-30 degC"', 'lithium.molar_volume="none"', 'kinetics.concentration_exponent="0.5"',
    'film.thickness="1 x 10^-7 m"', 'film.thickness=".2 \u00b5m"', 'protocol.repeat="none"',
    'electrolyte.salt_diffusivity="nernst-einstein"',
)  # fmt: skip


def tree_of(override: str) -> dict[str, Any]:
    """Return the tables of a case file that states one key."""
    key, _, value = override.partition("=")
    return tomllib.loads(f"{key} = {value}")


@pytest.mark.parametrize("override", WRONG)
def test_reader_and_schema_refuse_the_same(override: str) -> None:
    assert not VALIDATOR.is_valid(tree_of(override))
    with pytest.raises(CaseError):
        read_case(locate("pllz"), [override])


@pytest.mark.parametrize("override", RIGHT)
def test_reader_and_schema_take_the_same(override: str) -> None:
    assert VALIDATOR.is_valid(tree_of(override))
    assert read_case(locate("pllz"), [override]).title
