"""Sphinx: `sphinx-build -W -b html docs docs/_build/html`."""

import hashlib
import runpy
from pathlib import Path
from typing import Any

from phasefield import __version__

HERE = Path(__file__).parent

project = "phasefield"
author = "The phasefield authors"
project_copyright = "2026, the phasefield authors"
release = version = __version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.mathjax", "sphinx.ext.viewcode"]
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
nb_execution_mode = "force"  # the tutorial shows what this version gives; a cell that fails ends the build
nb_execution_timeout = 900  # s; a minute or two of it compiles the kernels where there are none yet
nb_execution_raise_on_error = True
nb_execution_in_temp = True
autodoc_typehints = "description"
autodoc_member_order = "bysource"
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "phasefield"
suppress_warnings = []

# Written by runs of minutes; a checkout may lack them.
if not (HERE / "performance.md").exists():
    suppress_warnings += ["toc.not_readable"]

MADE = HERE / "images" / "made"
printed = runpy.run_path(str(HERE / "printed.py"))


def print_from_code(_: Any, page: str, source: list[str]) -> None:
    """Build the printed parts from the code, not from the committed copies."""
    if page == "cases":
        source[0] = printed["cases"]()
    elif page == "results":
        source[0] = printed["results"](source[0])


def make_pictures(_: Any) -> None:
    """Make the gallery's own pictures, unless they were all made by the present examples.py.

    Remove the folder to have them made again, after a change of the program.
    """
    wanted = hashlib.sha256((HERE / "examples.py").read_bytes()).hexdigest()
    done = MADE / "made-by.txt"  # written last
    if not done.exists() or done.read_text() != wanted:
        runpy.run_path(str(HERE / "examples.py"))["make"](MADE)
        done.write_text(wanted)


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("builder-inited", make_pictures)
    app.connect("source-read", print_from_code)
