"""The JSON schema of the case file takes every shipped case and refuses what a case refuses."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from phasefield.case.file import json_schema
from phasefield.cases import folder

VALIDATOR = Draft7Validator(json_schema())
FILES = [path for path in sorted(folder().rglob("*.toml")) if "studies" not in path.parts]


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
