"""Reading a case file: TOML, `extends`, overrides, sources, and errors that name file, line and key.

    case = read_case("pllz.toml", ["protocol.repeat=2", "film.patches=none"])

The file and its bases are merged as plain tables; beside each key its file and line are kept (`Origin`), so
that whatever is found wrong later can be pointed at.
"""

from phasefield.case.file.json_schema import json_schema
from phasefield.case.file.keys import key_measures, nearest_key, schema
from phasefield.case.file.lines import key_lines
from phasefield.case.file.read import CaseReader, case_of_text, read_case
from phasefield.case.file.reference import reference_markdown
from phasefield.case.file.table_reader import TableReader
from phasefield.case.file.toml import parse, read_text

__all__ = [
    "CaseReader", "TableReader", "case_of_text", "json_schema", "key_lines", "key_measures", "nearest_key", "parse",
    "read_case", "read_text", "reference_markdown", "schema",
]  # fmt: skip
