"""HTML, written in one way: templates of Jinja whose texts are escaped."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from phasefield.errors import visible


def fill_template(package: str, template: str, **values: Any) -> str:
    """Return a template of a package, filled in; of the values only `markupsafe.Markup` is taken as markup.

    `{{ value | tojson }}` writes JSON that stays inside its <script>. Raises UndefinedError for a value left out.
    """
    return _ENVIRONMENT.get_template(f"{package}/{template}").render(values)


def _load(name: str) -> str:
    package, _, template = name.partition("/")
    return (files(package) / template).read_text(encoding="utf-8")


def _seen(value: object) -> object:
    return visible(value, keep="\t\n") if isinstance(value, str) and not isinstance(value, Markup) else value


_ENVIRONMENT = Environment(
    loader=FunctionLoader(_load), autoescape=True, undefined=StrictUndefined, finalize=_seen, keep_trailing_newline=True
)
_ENVIRONMENT.policies["json.dumps_kwargs"] = {}  # keys stay in order
