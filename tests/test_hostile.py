"""No text of a case, study, profile or result becomes markup: in pages, terminals, tables, pictures, other files."""

from __future__ import annotations

import csv
import io
import json
import logging
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import chromium, errors, served, wait
from commands import call, write_case
from hostile import CONTROLS, FORBIDDEN, MARKUP, TEXTS, Outline, letters, store_run, unseen
from hypothesis import given
from hypothesis import strategies as st

from phasefield import api
from phasefield.check.finding import Finding
from phasefield.check.survey import print_regime
from phasefield.cli.tables import print_cases, print_run
from phasefield.results.run import open_run
from phasefield.results.writer import RESULT
from phasefield.simulation.progress import Several
from phasefield.studies.sweep.table import Heading, Study, open_study, write_table
from phasefield.text.escape import csv_rows, csv_text
from phasefield.text.formatting import console_for, plain_table

TAME = tuple(f"text {k}" for k in range(len(TEXTS)))
STYLES = re.compile(r"\x1b\[[0-9;]*m")  # what rich itself sends


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that says all the texts."""
    return store_run(tmp_path_factory.mktemp("hostile") / "run", MARKUP[1], TEXTS)


def study_of(folder: Path, texts: Sequence[str]) -> Study:
    """Return a study whose title, columns, units, cases, notes and run names are texts, read from its files."""
    heads = [Heading("point", "", "point", "number"), Heading("case", "", "input", texts[0])]
    heads += [Heading(text, text, "output", text) for text in texts]
    heads += [Heading(name, "", "ending", name) for name in ("status", "reason", "run", "note")]
    rows: list[dict[str, Any]] = [
        {"point": k, "case": text, **{head.name: 1.0 for head in heads if head.role == "output"},
         "status": "done", "reason": text, "run": text, "note": text}
        for k, text in enumerate(texts)
    ]  # fmt: skip
    about = {
        "title": texts[0], "runs": "../runs", "base_titles": list(texts), "overrides": list(texts),
        "calibrated": list(texts), "figures": {}, "sample": None,
    }  # fmt: skip
    write_table(folder, heads, rows, about)
    return open_study(folder)


def same_tags(hostile: str, tame: str) -> Outline:
    """Check that two pages have the same tags, and return the outline of the first."""
    one, other = Outline(hostile), Outline(tame)
    assert one.tags == other.tags
    assert not unseen("".join([*one.texts, *one.scripts[:1]]), "\n\t")
    return one


def told(texts: Sequence[str], shown: str) -> None:
    """Check that what stands between the forbidden characters of the texts is shown, blanks and a long end aside."""
    seen = letters(shown)
    for text in texts:
        for part in re.split("[" + "".join(FORBIDDEN) + "]", text):
            assert letters(part)[:100] in seen, text


# Pages.


def test_the_list_holds_what_it_should() -> None:
    assert len(TEXTS) == len(set(TEXTS)) >= 40


def test_the_page_of_a_run(run: Path, tmp_path: Path) -> None:
    pytest.importorskip("plotly")
    tame = store_run(tmp_path / "tame", "tame", TAME)
    for folder in (run, tame):
        assert call("html", folder, "--out", tmp_path / f"{folder.name}.html") == 0
    page = same_tags((tmp_path / "run.html").read_text("utf-8"), (tmp_path / "tame.html").read_text("utf-8"))
    told(TEXTS, "".join(page.texts))
    assert len(json.loads(page.scripts[0])["charts"]) > 2


def test_the_page_of_a_study(tmp_path: Path) -> None:
    from phasefield.studies.sweep.page import write_study_page

    (tmp_path / "a<b>.png").write_bytes(b"no picture")
    pages = []
    for name, texts in (("one", TEXTS), ("other", TAME)):
        pages.append(write_study_page(study_of(tmp_path / name, texts), [tmp_path / "a<b>.png"]).read_text("utf-8"))
    page = same_tags(*pages)
    told(TEXTS, "".join(page.texts))
    data = json.loads(page.scripts[0])
    assert data["title"] == TEXTS[0]
    assert [head["meaning"] for head in data["heads"] if head["role"] == "output"] == list(TEXTS)
    told(TEXTS, "".join(row[-1] for row in data["rows"]))
    assert not set("<>&'\u2028\u2029") & set(page.scripts[0])


def test_a_run_in_a_notebook(run: Path, tmp_path: Path) -> None:
    with open_run(run) as hostile, open_run(store_run(tmp_path / "tame", "tame", TAME)) as tame:
        page = same_tags(hostile._repr_html_(), tame._repr_html_())
    assert MARKUP[1] in page.texts


def test_a_report_takes_no_html(tmp_path: Path) -> None:
    from phasefield.validation.page import standalone_page

    page = standalone_page("# <script>window.bad=1</script>\n\n<img src=x onerror=window.bad=1>\n", tmp_path)
    assert not {"script", "img"} & {tag for tag, _ in Outline(page).tags}


def test_the_viewer_shows_texts_as_values(tmp_path: Path) -> None:
    pytest.importorskip("trame_vtk")
    pytest.importorskip("trame_vuetify")
    from phasefield.viz.viewer.scene import Look
    from phasefield.viz.viewer.web import Page

    templates = set()
    for k, title in enumerate(("tame", *TEXTS[:20:4], *CONTROLS[:2])):
        with open_run(store_run(tmp_path / str(k), title)) as one:
            page = Page([one], Look())
            templates.add(re.sub(r"\d+", "#", page.server.state.trame__template_main))  # of numbered objects
            held = str(page.state.to_dict() if hasattr(page.state, "to_dict") else page.state.rows)
            assert not unseen(held)
            told([title], page.state.names)
    assert len(templates) == 1


@pytest.mark.parametrize("title", ["<img src=x onerror=window.bad=1>{{ 7*7 }}</script>"])
def test_pages_in_a_browser(title: str, tmp_path: Path) -> None:
    pytest.importorskip("plotly")
    from phasefield.studies.sweep.page import write_study_page
    from phasefield.viz.page import write_webpage

    with open_run(store_run(tmp_path / "run", title, TEXTS)) as one:
        page = write_webpage(one, tmp_path / "page.html")
    study = write_study_page(study_of(tmp_path / "study", (title, *TEXTS)), [])
    with chromium(tmp_path) as browser:
        browser.get(page.as_uri())
        wait(lambda: len(browser.find_elements("css selector", ".chart .scatterlayer path")) >= 5, "no charts")
        assert browser.title == browser.find_element("tag name", "h1").text == title
        assert browser.execute_script("return window.bad") is None
        browser.get(study.as_uri())
        wait(lambda: len(browser.find_elements("css selector", "#rows tr")) > 40, "no rows")
        browser.execute_script("document.querySelector('#rows tr').click()")
        assert browser.find_element("tag name", "h1").text == title
        assert browser.execute_script("return window.bad") is None
        assert not errors(browser)


def test_the_viewer_in_a_browser(tmp_path: Path) -> None:
    title = "<img src=x onerror=window.bad=1>{{ 7*7 }}</script>"
    folder = store_run(tmp_path / "run", title)
    with chromium(tmp_path) as browser, served(folder, PHASEFIELD_GL="off") as (address, _):
        browser.get(address)
        wait(lambda: title in browser.find_element("tag name", "body").text, "the title is not shown")
        assert browser.execute_script("return window.bad") is None


# Terminals.


def shown_by(capsys: pytest.CaptureFixture[str]) -> str:
    """Return what was printed, and check that it does no harm."""
    said = capsys.readouterr()
    assert not unseen(STYLES.sub("", said.out + said.err))
    return said.out + said.err


def test_tables_of_the_terminal(run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "9000")
    monkeypatch.setenv("FORCE_COLOR", "1")
    console = console_for()
    with open_run(run) as one:
        for title in TEXTS:
            table = plain_table(title, title, title=title)
            table.add_row(title, title)
            console.print(table)
        told(TEXTS, shown_by(capsys))
        print_run(console, one, TEXTS[0])
        told([text for text in TEXTS if len(text) < 1000], shown_by(capsys))
        console.print(*TEXTS)
        told(TEXTS, shown_by(capsys))
    print_cases(console, {text: text for text in TEXTS})
    told(TEXTS, shown_by(capsys))
    findings = [Finding(text, text, 1.0, text, text, warning=True) for text in TEXTS]
    case: Any = type("Case", (), {"title": TEXTS[0], "provenance": {}})
    print_regime(console, case, findings, TEXTS[1])
    told(TEXTS, shown_by(capsys))


def test_a_table_keeps_a_text_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    table = plain_table("head")
    table.add_row("two\nlines: valid")
    console_for().print(table)
    assert any("two" in line and "lines: valid" in line for line in capsys.readouterr().out.splitlines())


@pytest.mark.parametrize("bars", [True, False])
def test_progress_of_runs(bars: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "9000")
    names = [text for text in TEXTS if len(text) < 1000]
    with Several(console_for(), names, bars) as board:
        for name in names:
            board.say(name, f"words {name}")
    told(names, shown_by(capsys))


def test_commands_on_a_run(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (("roughness", run), ("export", run), ("export", run, "--heights", "csv")):
        assert call(*words) == 0
        shown_by(capsys)


@pytest.mark.parametrize(
    "name", ["a [/b] c", "x\x1b[31m", "two\nlines", "{{ 7*7 }}", "\u202etxt", "$x$ =1+1", "\udcff"]
)
def test_names_of_folders(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = store_run(tmp_path / name, "tame")
    assert call("roughness", folder) == 0
    assert call("export", folder) == 0
    assert call("html", tmp_path / name) == 0
    assert call("html", tmp_path / name / "none") == 2
    told([name], shown_by(capsys))


@pytest.mark.parametrize("title", ["CE [a] vs [/b]", "\x1b[31mred\x07", "{{ 7*7 }}\u202e"])
def test_a_case_is_checked_and_run(title: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = write_case(tmp_path)
    source = json.dumps(title)[1:-1]
    text = case.read_text().replace('tiny"', f'{source}"')
    case.write_text(text.replace('"calibrated"', f'"calibrated", source = "{source}"'))
    assert call("check", case) == 0
    told([title], shown_by(capsys))
    assert call("run", case, "--out", tmp_path / "run") == 0
    told([title], shown_by(capsys))
    assert not unseen((tmp_path / "run" / "run.log").read_text("utf-8"))


@pytest.mark.parametrize("key", ["[/x]", "\x1b[31m", "a\rb"])
def test_an_error_is_one_line(key: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(f"title = 'x'\n{json.dumps(key)} = 1\n")
    assert call("check", path) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert not unseen(said)


def test_the_log_of_a_run(tmp_path: Path) -> None:
    (tmp_path / RESULT).touch()
    with api.logged(tmp_path):
        for text in TEXTS:
            logging.getLogger("phasefield.api").info("said: %s", text)
    said = (tmp_path / "run.log").read_text("utf-8")
    assert said.count("\n") == len(TEXTS)
    assert not unseen(said)
    told(TEXTS, said)


# Tables and other files.

NUMBERS = re.compile(r"([+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?(,|$))+")  # a row of them, where commas do not split


def check_table(path: Path) -> list[list[str]]:
    """Check that no cell of a table is a formula, at whichever of its separators a spreadsheet splits."""
    text = path.read_text("utf-8")
    for separator in ",;\t":
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
            for cell in row:
                begins = cell[:1] in tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20") and len(cell) > 1
                assert not begins or NUMBERS.fullmatch(cell), (separator, cell)
    return list(csv.reader(io.StringIO(text, newline="")))


def test_the_table_of_a_study(tmp_path: Path) -> None:
    study = study_of(tmp_path, TEXTS)
    check_table(tmp_path / "table.csv")
    again = [text for text, row in zip(TEXTS, study.rows, strict=True) if row["note"] == text == row["case"]]
    assert again == [text for text in TEXTS if not unseen(text, "\n\t")]  # what is no control character comes back


@given(st.text(alphabet="'=+-@;,\t\n\" a1\uff1d"))
def test_what_is_no_control_character_comes_back_from_a_table(text: str) -> None:
    assert csv_rows(csv_text([[text, "end"]])) == [[text, "end"]]


def test_a_table_that_is_no_csv_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study_of(tmp_path, TEXTS)
    table = tmp_path / "table.csv"
    table.write_text(table.read_text("utf-8").replace("\n0,", "\nno number,", 1), "utf-8")
    with pytest.raises(api.ResultError, match="run the study again"):
        open_study(tmp_path)
    table.write_text("x" * 200_000, "utf-8")
    with pytest.raises(api.ResultError, match="run the study again"):
        open_study(tmp_path)


def test_the_table_of_a_comparison(run: Path, tmp_path: Path) -> None:
    from phasefield.studies.compare import compared_row, write_figures

    with open_run(run) as one:
        rows = [{**compared_row(text, one), "title": text, "folder": text} for text in TEXTS]
    write_figures(rows, tmp_path)
    check_table(tmp_path / "compare.csv")
    assert [row["name"] for row in json.loads((tmp_path / "compare.json").read_text())] == list(TEXTS)


def test_surfaces_for_other_programs(tmp_path: Path) -> None:
    from phasefield.topography.profiles import Profile, write_profile

    bumpy = Profile(np.eye(4) * 1e-6, (1e-6, 1e-6), "here")
    for title in (*TEXTS, "\udcff"):
        for ending in ("sdf", "gwy", "ply", "stl", "csv"):
            write_profile(tmp_path / f"height.{ending}", bumpy, title)
        check_table(tmp_path / "height.csv")
        assert len((tmp_path / "height.csv").read_text("utf-8").splitlines()) == 3 + len(bumpy.heights)
        assert not unseen((tmp_path / "height.csv").read_text("utf-8"))


def test_the_file_of_paraview(run: Path) -> None:
    import xml.etree.ElementTree as xml

    from phasefield.results.export import export_xdmf

    with open_run(run) as one:
        grid = xml.parse(export_xdmf(one)).getroot().find("./Domain/Grid")
    assert grid is not None
    assert grid.get("Name") == MARKUP[1]


def test_markdown_shows_a_text_as_it_is() -> None:
    from markdown_it import MarkdownIt

    from phasefield.text.escape import markdown_text

    def page(text: str) -> Outline:
        parser = MarkdownIt("commonmark").enable("table")
        return Outline(parser.render(f"| a |\n|---|\n| {markdown_text(text)} |\n\nSo {markdown_text(text)}."))

    for text in TEXTS:
        assert page(text).tags == page("tame").tags
        told([text], "".join(page(text).texts))


# Pictures.


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every figure that is made."""
    from matplotlib.figure import Figure

    made: list[Any] = []
    begin = Figure.__init__

    def begun(self: Any, *given: Any, **named: Any) -> None:
        begin(self, *given, **named)
        made.append(self)

    monkeypatch.setattr(Figure, "__init__", begun)
    return made


def texts_of(figures: list[Any]) -> list[str]:
    """Return the texts of figures, and check that none is read as a formula."""
    from matplotlib.text import Text

    found = [text for figure in figures for text in figure.findobj(Text) if text.get_visible() and text.get_text()]
    assert not [text for text in found if text._preprocess_math(text.get_text())[1]]
    assert not [text for text in found if unseen(text.get_text()) or r"\mathdefault" in text.get_text()]
    return [text.get_text() for text in found]


@pytest.mark.filterwarnings("ignore:Glyph .* missing from font")
def test_pictures_of_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, figures: list[Any]) -> None:
    from phasefield.studies.compare import draw_runs
    from phasefield.viz.plots.series import series
    from phasefield.viz.surfaces.plate import plate
    from phasefield.viz.surfaces.section import cross_section
    from phasefield.viz.surfaces.surface import surface

    monkeypatch.setenv("PHASEFIELD_GL", "off")
    titles = (r"$\frac{$", r"\$5 $\undefined$", "\x1b[31mred\u202e", "x" * 5000)
    for k, title in enumerate(titles):
        first, second = store_run(tmp_path / f"{k}", title), store_run(tmp_path / f"{k}-2", f"{title} 2")
        with open_run(first) as one, open_run(second) as two:
            for draw in (series, surface, cross_section, plate):
                draw(one, tmp_path / "one.png")
            draw_runs([one, two], tmp_path / "two.png")
    told(titles[:2], " ".join(texts_of(figures)))


@pytest.mark.filterwarnings("ignore:Glyph .* missing from font")
def test_pictures_of_studies_profiles_and_spectra(tmp_path: Path, figures: list[Any]) -> None:
    from phasefield.studies.profiles import side_by_side, write_profiles
    from phasefield.topography.profiles import Profile
    from phasefield.viz.plots.attribution import Panel, bars
    from phasefield.viz.plots.nyquist import DrawnSpectrum, nyquist
    from phasefield.viz.plots.study import (
        Contours,
        Response,
        ResponseCurve,
        Scale,
        response_panels,
        sobol_bars,
        value_map,
    )

    names = [text for text in TEXTS if "$" in text or text in CONTROLS]
    some = np.array([1.0, 30.0, 1000.0])
    curves = tuple(ResponseCurve(name, some, some, np.full(3, np.nan)) for name in names)
    axis = Scale(names[-1], log=True)
    response_panels([Response(axis, curves, names[0]), Response(Scale(names[1], names=(*names[:3],)), curves[:1])],
                    axis, tmp_path / "a.png", names[0], names[1])  # fmt: skip
    value_map(some, some, np.outer(some, some), (axis, axis, axis), tmp_path / "b.png", names[0],
              marks={name: (10.0, 10.0) for name in names},
              contours=Contours(names[1], some, some, np.outer(some, some)))  # fmt: skip
    index = np.tile([0.5, 0.4, 0.6], (len(names), 1))
    sobol_bars(names, index, index, tmp_path / "c.png", names[0])
    nyquist([DrawnSpectrum(name, some, some + 1j * some, {}) for name in names[:2]], names[0], tmp_path / "d.png")
    shares = tuple(0.0 * some[0] for _ in names)
    bars([Panel(names[0], 1.0, 2.0, shares, shares)], (names[0], names[1]), names, names[2], tmp_path / "e.png")
    bumpy = np.random.default_rng(1).random((16, 16)) * 1e-6
    shown, spacing = side_by_side([Profile(bumpy, (1e-6, 1e-6), name) for name in names[:4]], names[:4])
    write_profiles(shown, spacing, tmp_path)
    check_table(tmp_path / "profile.csv")
    said = texts_of(figures)
    told([name for name in names if "$" in name], " ".join(said))
    assert "10\N{SUPERSCRIPT TWO}" in said


def test_the_window_reads_no_formulas() -> None:
    import vtkmodules.vtkRenderingFreeType
    import vtkmodules.vtkRenderingMatplotlib  # noqa: F401  both are what PyVista draws text with
    from vtkmodules.vtkRenderingCore import vtkTextRenderer

    from phasefield.viz.viewer.window import vtk_text

    letters_of = vtkTextRenderer.GetInstance()
    assert letters_of.DetectBackend("$x$") == letters_of.MathText
    assert all(letters_of.DetectBackend(vtk_text(text)) == letters_of.FreeType for text in TEXTS)


# What a page tells a reader to copy is one word of a shell.


def test_a_folder_named_in_a_command_is_quoted(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = store_run(tmp_path / "a; touch b", "tame")
    with open_run(folder) as one:
        print_run(console_for(), one)
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("Pictures: "))
    assert shlex.split(line.removeprefix("Pictures: ")) == ["phasefield", "render", str(folder)]
