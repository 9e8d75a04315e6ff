"""A run in a notebook, and the tutorial, executed."""

from __future__ import annotations

import json
import os
import re
import warnings
from pathlib import Path
from typing import Any

import pytest
from commands import SOURCE, call, write_case

import phasefield

TUTORIAL = SOURCE / "docs" / "tutorial.ipynb"


def test_a_run_shows_itself(tmp_path: Path) -> None:
    case = write_case(tmp_path)
    case.write_text(case.read_text().replace('tiny"', '<b>tiny</b>"'))
    assert call("run", case, "--out", tmp_path / "run", "-q") == 0
    with phasefield.open_run(tmp_path / "run") as run:
        text = run._repr_html_()
    assert text is not None
    assert "&lt;b&gt;tiny" in text
    assert "film.patches.spread = 0.3" in text
    assert "data:image/png;base64," in text


def test_the_tutorial_runs_from_top_to_bottom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    held = json.loads(TUTORIAL.read_text(encoding="utf-8"))
    assert not any(cell.get("outputs") for cell in held["cells"])  # outputs are not kept
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(SOURCE), os.environ.get("PYTHONPATH", "")]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        notebook = nbformat.read(TUTORIAL, as_version=4)
        nbclient.NotebookClient(notebook, timeout=500, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs: list[Any] = [o for cell in notebook.cells if cell.cell_type == "code" for o in cell.outputs]
    shown = [o["data"] for o in outputs if "data" in o]
    assert sum("image/png" in data.get("text/html", "") for data in shown) == 2
    said = "".join(o.get("text", "") for o in outputs)
    heights = [float(text) for text in re.findall(r"Sz ([0-9.]+) um", said)[1:]]
    assert heights[1] > 1.5 * heights[0]  # a film three times less even
