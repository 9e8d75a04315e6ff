"""Sphinx: `sphinx-build -W -b html docs docs/_build/html`."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
sys.path.insert(0, str(HERE))

import phasefield
import printed

printed.renew()

project = "phasefield"
author = "The phasefield authors"
project_copyright = "2026, the phasefield authors"
release = version = phasefield.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.mathjax", "sphinx.ext.viewcode"]
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
autodoc_typehints = "description"
autodoc_member_order = "bysource"
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "phasefield"
suppress_warnings = []

# Written and drawn elsewhere; a checkout may lack them.
if not (HERE / "performance.md").exists():
    exclude_patterns.append("performance.md")
    suppress_warnings.append("toc.not_readable")
    suppress_warnings.append("toc.excluded")
if not (HERE / "images" / "comparison.png").exists():
    suppress_warnings.append("image.not_readable")
