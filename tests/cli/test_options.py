"""Options have one name and one sentence in every command; help fits 80 columns; what replaces results says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from commands import call, write_case

from phasefield.cli.main import app

COMMANDS: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
SAME = ("--set", "--threads", "--workers", "--json", "--quiet", "--frame", "--dry-run", "--overwrite")
WITH = {
    "--json": {"attribute", "bpx", "cases", "check", "compare", "fit", "impedance", "measured", "profile", "report",
               "roughness", "show", "study", "verify"},
    "--quiet": {"attribute", "bpx", "check", "compare", "export", "fit", "html", "impedance", "measured", "profile",
                "render", "report", "run", "study", "verify", "warm"},
    "--threads": {"attribute", "compare", "fit", "report", "run", "study", "verify"},
    "--workers": {"attribute", "compare", "fit", "report", "study"},
    "--dry-run": {"attribute", "compare", "fit", "report", "study"},
}  # fmt: skip


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished tiny run; tests write side files into it."""
    folder = tmp_path_factory.mktemp("finished")
    assert call("run", write_case(folder), "--out", folder / "run", "-q") == 0
    return folder / "run"


def options(name: str) -> dict[str, Any]:
    return {text: one for one in COMMANDS[name].params for text in one.opts if text.startswith("--")}


@pytest.mark.parametrize("option", SAME)
def test_an_option_has_the_same_words_in_every_command(option: str) -> None:
    found = {name: options(name)[option] for name in COMMANDS if option in options(name)}
    assert {one.help for one in found.values()} == {next(iter(found.values())).help}
    assert {tuple(one.opts) for one in found.values()} == {tuple(next(iter(found.values())).opts)}


@pytest.mark.parametrize(("option", "commands"), WITH.items(), ids=list(WITH))
def test_every_command_that_can_has_the_option(option: str, commands: set[str]) -> None:
    assert {name for name in COMMANDS if option in options(name)} == commands


def test_out_is_a_folder_everywhere() -> None:
    for name in COMMANDS:
        if "--out" in options(name):
            assert "older" in options(name)["--out"].help or name == "run", name


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_fits_a_terminal_of_80_columns(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert call(*([name] if name else []), "--help") == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert not [line for line in lines[1:] if line.rstrip().endswith("...")], "a sentence is cut off"


def test_what_ships_is_listed_and_each_combination_is_a_case(capsys: pytest.CaptureFixture[str]) -> None:
    from phasefield import cases
    from phasefield.api import read_case

    assert call("cases") == 0
    said = capsys.readouterr().out
    for kind in cases.KINDS:
        for base in cases.bases(kind):
            assert base.name in said
            assert base.title
            assert "\n" not in base.title
            case = Path("mine.toml")
            case.write_text(f'title = "mine"\n{base.extended}\n', encoding="utf-8")
            nuclei = ["surface.substrate.nucleation_overpotential=20 mV"] if "aurbach" in base.name else []
            assert read_case(case, nuclei).title == "mine"
    assert 'extends = ["electrolytes/pllz.toml", "experiments/cycling.toml"]' in said
    assert call("cases", "--json") == 0
    assert {one["name"] for one in json.loads(capsys.readouterr().out)["cathodes"]} >= {"cathodes/lfp.toml"}


PARTS = [
    ("electrolytes/pllz.toml", "is an electrolyte, not a case; lay an experiment over it",
     'extends = ["electrolytes/pllz.toml", "experiments/cycling.toml"]'),
    ("electrolytes/pllz", "is an electrolyte", "experiments/cycling.toml"),
    ("peo.toml", "is an electrolyte, not a case", 'extends = ["peo.toml", "experiments/cycling.toml"]'),
    ("experiments/tafel.toml", "is an experiment, not a case", '"experiments/tafel.toml"]'),
    ("experiments/both-electrodes.toml", "is an experiment", '"experiments/cycling.toml", "experiments/both-'),
    ("cathodes/lfp.toml", "is a cathode, not a case", '"cathodes/lfp.toml", "experiments/lfp-rates.toml"]'),
]  # fmt: skip


@pytest.mark.parametrize("command", ["check", "run", "impedance"])
@pytest.mark.parametrize(("name", "says", "lines"), PARTS)
def test_a_part_of_a_case_says_what_makes_it_one(
    command: str, name: str, says: str, lines: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from phasefield import cases

    Path("peo.toml").write_text(cases.locate("electrolytes/pllz").read_text(encoding="utf-8"), encoding="utf-8")
    assert call(command, name) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert says in error
    assert lines in error
    assert "phasefield cases" in error
    assert not Path("runs").exists()


def test_a_case_with_one_table_too_few_is_told_which(capsys: pytest.CaptureFixture[str]) -> None:
    text = write_case(Path.cwd()).read_text()
    Path("tiny.toml").write_text(text.partition("[protocol]")[0])
    assert call("check", "tiny.toml") == 2
    assert "protocol: missing" in capsys.readouterr().err


def test_pictures_of_another_frame_do_not_replace_the_first_in_silence(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for frame, replaced in ((0, False), (0, False), (-1, True)):
        assert call("render", finished, "--frame", frame, "--style", "draft", "--out", "pictures") == 0
        said = capsys.readouterr()
        assert ("Replaced" in said.err) == replaced, said.err
        assert len(said.out.splitlines()) == 3, "names of files alone: a script reads them"
    assert "section.png" in said.err
    assert call("export", finished, "--heights", "csv") == 0
    (finished / "series.csv").write_text("mine")
    capsys.readouterr()
    assert call("export", finished) == 0
    assert "series.csv" in capsys.readouterr().err
    assert call("export", finished, "-q") == 0
    assert "".join(capsys.readouterr()) == ""


def test_the_spectrum_of_another_case_does_not_replace_the_first_in_silence(capsys: pytest.CaptureFixture[str]) -> None:
    for case, replaced in (("pllz", False), ("pllz", False), ("pll", True)):
        assert call("impedance", case) == 0
        assert ("impedance.csv" in capsys.readouterr().out.partition("Replaced")[2]) == replaced
    assert call("impedance", "pll", "--json") == 0
    parts = json.loads(capsys.readouterr().out)["states"][0]["parts"]
    assert sum(one["resistance"] for one in parts) > 0.0


def test_json_stands_alone_on_stdout(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["show", finished], ["check", finished], ["compare", finished, "--out", "both"]):
        assert call(*words, "--json") == 0
        assert json.loads(capsys.readouterr().out)
    assert call("check", finished, "-q") == 0
    assert "".join(capsys.readouterr()) == ""


def test_a_page_goes_into_a_folder_or_to_a_name(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("plotly")
    for out, path in (("pages", "pages/page.html"), ("pages", "pages/page.html"), ("mine.html", "mine.html")):
        assert call("html", finished, "--out", out) == 0
        said = capsys.readouterr()
        assert said.out == f"{path}\n"
        assert said.err == ""
        assert Path(path).is_file()


@pytest.mark.parametrize("words", [["compare"], ["attribute"]])
def test_a_dry_run_says_how_much_there_is_and_writes_nothing(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(Path.cwd().rglob("*"))
    assert call(*words, "pll", "pllz", "-s", "protocol.repeat=2", "--dry-run") == 0
    said = capsys.readouterr().out
    runs = 2 if words == ["compare"] else 32
    assert f"{runs} runs: 0 done, {runs} to make, about " in said
    assert sorted(Path.cwd().rglob("*")) == before


@pytest.mark.parametrize("command", [["compare", "pll"], ["attribute", "pll", "pllz"], ["report", "papers"],
                                     ["study", "seeds"]])  # fmt: skip
def test_workers_that_the_machine_does_not_have_are_refused(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(*command, "--workers", 10_000) == 2
    error = capsys.readouterr().err
    assert "--workers 10000: this machine gives" in error
    assert error.count("\n") == 1
