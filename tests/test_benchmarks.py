"""The command that runs the benchmarks; not what they measure."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(FOLDER)
    spec = importlib.util.spec_from_file_location("benchmarks_run", FOLDER / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_help_names_every_part_and_option() -> None:
    words = [sys.executable, str(FOLDER / "run.py"), "--help"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    for word in "--quick --against --only --output cases kernels solver step save study view".split():  # noqa: SIM905
        assert word in done.stdout


def test_a_part_that_cannot_run_says_so_and_the_rest_goes_on(
    command: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, whole, page = (tmp_path / name for name in ("broken.py", "whole.py", "page.md"))
    broken.write_text("print('half of it')\nimport no_such_package\n", encoding="utf-8")
    whole.write_text("import sys\nprint('all of it', sys.argv[1:])\n", encoding="utf-8")
    parts = {"one": command.Part(broken, "One"), "two": command.Part(whole, "Two")}
    monkeypatch.setattr(command, "PARTS", parts)
    command.main(["--quick", "--output", str(page)])
    text = page.read_text(encoding="utf-8")
    assert "half of it\n\nCould not run: ModuleNotFoundError: No module named 'no_such_package'\n" in text
    assert text.index("Could not run") < text.index("all of it ['--quick']")


def test_an_unknown_commit_is_named(command: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["--against", "no-such-commit"])
    assert "--against no-such-commit: no such commit here" in capsys.readouterr().err


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
def test_every_name_that_a_benchmark_takes_from_the_program_exists(path: Path) -> None:
    """Also those that a function takes, which a broken part would only miss after minutes."""
    taken = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
    for node in taken:
        if (node.module or "").startswith("phasefield"):
            module = importlib.import_module(str(node.module))
            for name in node.names:
                there = hasattr(module, name.name) or importlib.util.find_spec(f"{node.module}.{name.name}") is not None
                assert there, f"{path.name} line {node.lineno}: {node.module} has no {name.name}"


def test_benchmarks_and_tests_share_no_module_name() -> None:
    """Both folders are on the path of a benchmark, and of the processes that it starts in another order."""
    tests = {path.name for path in Path(__file__).parent.glob("*.py")}
    assert not tests & {path.name for path in FOLDER.glob("*.py")}


def test_every_kernel_that_is_timed_takes_its_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that gains or loses an argument breaks a benchmark that nobody runs for weeks."""
    monkeypatch.syspath_prepend(FOLDER)
    kernels = importlib.import_module("bench_kernels")
    cell = kernels.LevelSetLaw(kernels.rough_case((16, 8, 8)))
    first = cell.start()
    cell.drive(first, kernels.DRIVE)
    s = cell.step(first, kernels.DRIVE, kernels.STEP)
    for one in (kernels.grid_kernels(cell, s) | kernels.surface_kernels(cell, s)).values():
        one.call()
