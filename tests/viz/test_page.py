"""The page of a run, opened from disk in a real browser; what it holds, and a study's page likewise."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from browser import asked_for, chromium, errors, wait
from commands import call, write_case

from phasefield.api import open_run
from phasefield.viz import page as page_module
from phasefield.viz.methods import laboratory_text, methods_text
from phasefield.viz.page import surface_data, write_webpage

pytest.importorskip("plotly")

SOLID = ["-s", 'grid.size=["32 um", "32 um", "48 um"]', "-s", 'output.fields_every="30 min"']


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    case = write_case(folder)
    case.write_text(case.read_text().replace("tiny\"", "</pre><script>window.bad = 1</script>\""))
    assert call("run", case, *SOLID, "--out", folder / "run", "-q") == 0
    return folder / "run"


def data_of(page: Path) -> dict[str, Any]:
    text = page.read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text.split('type="application/json">')[1].split("</script>")[0])
    return found


def test_the_page_holds_surface_series_and_sources(run: Path) -> None:
    assert call("html", run) == 0
    page = run / "page.html"
    data = data_of(page)
    surface = data["surface"]
    with open_run(run) as stored:
        heights = stored.heights * 1e6
        level = np.frombuffer(base64.b64decode(surface["data"]), "<u2").reshape(surface["shape"])
        ours = surface["low"] + level / 65535 * (surface["high"] - surface["low"])
        # half a level of 16 bits
        np.testing.assert_allclose(ours, heights, atol=0.51 * (heights.max() - heights.min()) / 65535)
        assert surface["hours"] == pytest.approx(list(stored.times / 3600.0))
        voltage = next(c for chart in data["charts"] for c in chart["curves"] if c["name"] == "voltage")
        np.testing.assert_allclose(voltage["y"], stored.series["voltage"] * 1e3, rtol=1e-5)
    text = page.read_text(encoding="utf-8")
    assert "film.patches.spread = 0.3" in text  # calibrated, in the table of facts
    assert "Zhang et al." in text or "[1] Fig. 3a" in text
    assert "<script>window.bad" not in text


def test_a_long_series_keeps_its_extremes(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_module, "MOST_STEPS", 400)
    n = 20_000
    voltage = 0.1 * np.sin(np.arange(n))
    voltage[12_345] = 5.0
    flat = {name: np.ones(n) for name in ("Sa", "current_density")}
    long = SimpleNamespace(series={"time": np.arange(n) * 60.0, "voltage": voltage, **flat}, n_steps=n, tables={})
    charts = list(page_module._charts(long))  # type: ignore[arg-type]
    y = charts[0]["curves"][0]["y"]
    assert len(y) <= 400 + 4
    assert (max(y), min(y)) == (5.0, pytest.approx(voltage.min(), rel=1e-5))  # V, not 5000 mV
    assert charts[0]["unit"] == "V"
    assert (charts[0]["x"][0], charts[0]["x"][-1]) == (0.0, pytest.approx((n - 1) / 60.0, rel=1e-5))
    assert charts[2]["unit"] == "mA cm\u207b\u00b2"


def test_a_large_surface_is_thinned(tmp_path: Path) -> None:
    class Large:
        shape, spacing, n_frames = (8, 600, 600), 1e-6, 80
        times = np.arange(80.0)
        heights = np.random.default_rng(0).random((80, 600, 600), dtype=np.float32)

    large: Any = Large()
    data = surface_data(large)
    assert data["stride"] == 3
    assert data["shape"][1:] == [200, 200]
    assert data["hours"][-1] == 79.0 / 3600.0
    assert len(data["data"]) < 4 / 3 * 2 * 2_600_000
    assert data["frames"] == 80
    assert len(data["hours"]) == data["shape"][0] == 41


def test_from_disk_in_a_browser(run: Path, tmp_path: Path) -> None:
    with open_run(run) as stored:
        page = write_webpage(stored, tmp_path / "page.html")
        frames = stored.n_frames
    with chromium(tmp_path) as browser:
        browser.get(page.as_uri())
        wait(lambda: browser.find_elements("css selector", "#surface canvas"), "no surface was drawn")
        charts = ".chart .scatterlayer path"
        wait(lambda: len(browser.find_elements("css selector", charts)) >= 5, "no charts were drawn")
        assert browser.execute_script("return window.bad") is None
        slider = browser.find_element("id", "time")
        assert slider.get_attribute("max") == str(frames - 1)
        surface = browser.find_element("id", "surface")
        wait(lambda: surface.screenshot_as_png == surface.screenshot_as_png, "the surface does not come to rest")
        last = surface.screenshot_as_png
        move = "arguments[0].value = 0; arguments[0].dispatchEvent(new Event('input'))"
        browser.execute_script(move, slider)
        wait(lambda: surface.screenshot_as_png != last, "the picture did not follow the slider")
        assert browser.find_element("id", "when").text.startswith("0 h, frame 1 of")
        (tmp_path / "page.png").write_bytes(browser.get_screenshot_as_png())
        assert not errors(browser)
        addresses = [a for a in asked_for(browser) if not a.startswith(("data:", "blob:", "about:", "chrome"))]
        assert addresses == [page.as_uri()]


def test_without_webgl_there_is_a_picture(run: Path, tmp_path: Path) -> None:
    with open_run(run) as stored:
        page = write_webpage(stored, tmp_path / "page.html")
    with chromium(tmp_path, "disable-webgl", "disable-webgl2", "disable-3d-apis") as browser:
        browser.get(page.as_uri())
        still = wait(lambda: browser.find_element("id", "still"), "no picture")
        wait(lambda: still.is_displayed(), "the picture is hidden")
        assert "does not draw in 3D" in still.text
        assert browser.execute_script("return document.querySelector('#still img').naturalWidth") > 300
        assert browser.find_elements("css selector", ".chart .scatterlayer path")


def test_without_gl_here_the_page_is_made_all_the_same(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHASEFIELD_GL", "off")
    with open_run(run) as stored:
        assert "data:image/png" in write_webpage(stored, tmp_path / "page.html").read_text(encoding="utf-8")


def test_a_section_is_a_line(tmp_path: Path) -> None:
    assert call("run", write_case(tmp_path), "--out", tmp_path / "run", "-q") == 0
    assert call("html", tmp_path / "run", "--out", tmp_path / "page.html") == 0
    with chromium(tmp_path) as browser:
        browser.get((tmp_path / "page.html").as_uri())
        wait(lambda: browser.find_elements("css selector", "#surface .scatterlayer path"), "no line was drawn")
        assert not errors(browser)


def test_what_is_no_run_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("html", tmp_path) == 2
    assert "name the folder of a run" in capsys.readouterr().err


WIDTHS = (1400, 1024, 400)


def beyond(browser: Any, width: int, page: Path) -> list[str]:
    """Return what is cut off at the right of a page of this width, apart from what scrolls in a box of its own."""
    view = {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", view)
    browser.get(page.as_uri())
    script = """const out = [], wide = arguments[0];
      const whole = document.documentElement.scrollWidth;
      if (whole > wide) out.push("the page is " + whole);
      for (const e of document.querySelectorAll("button, input, select, label, h1, h2, p, img")) {
        const box = e.getBoundingClientRect();
        if (box.width && box.right > wide + 1 && !e.closest(".wide, .runs")) out.push(e.outerHTML.slice(0, 80));
      }
      return out;"""
    return list(browser.execute_script(script, width))


@pytest.mark.slow
def test_no_width_cuts_a_page_off(run: Path, tmp_path: Path) -> None:
    with open_run(run) as stored:
        page = write_webpage(stored, tmp_path / "page.html")
    study = tmp_path / "some.toml"
    study.write_text(
        f'base = "{run / "case.toml"}"\n[axes]\n"film.conductivity" = ["1e-9 S/cm", "1e-8 S/cm"]\n', encoding="utf-8"
    )
    assert call("study", study, "--out", tmp_path / "studies", "--workers", "1", "-q") == 0
    pages = (page, tmp_path / "studies" / "some" / "study.html")
    with chromium(tmp_path) as browser:
        found = {(one.name, width): beyond(browser, width, one) for one in pages for width in WIDTHS}
    assert not any(found.values()), found


def test_the_methods_of_a_run_have_its_numbers(run: Path) -> None:
    """Each number is that of the resolved case or of the series, in the unit of a laboratory."""
    with open_run(run) as stored:
        text = " ".join(methods_text(stored))
        last = float(stored.series["Sz"][-1])
        page = write_webpage(stored).read_text(encoding="utf-8")
        assert f"to {1e6 * last:.3g} \N{MICRO SIGN}m" in text
        assert str(stored.attrs["case_hash"])[:16] in text
    for words in ("32 \N{MULTIPLICATION SIGN} 32 \N{MULTIPLICATION SIGN} 48 \N{MICRO SIGN}m", "6 144 cells of 2",
                  "conductivity 0.00106 S cm", "salt concentration 1 mol L", "current 0.2 mA cm", "duration 1 h",
                  "Calibrated, not predicted: film.patches.spread", "Cite as: "):  # fmt: skip
        assert words in text, words
    assert "Methods, for a paper" in page


def test_values_of_a_case_are_in_the_units_of_a_laboratory() -> None:
    shown = {
        "0.106 S/m": "0.00106 S cm\u207b\u00b9", "1000.0 mol/m^3": "1 mol L\u207b\u00b9", "4e-05 m": "40 \u00b5m",
        "2.15 V": "2.15 V", "303.15 K": "30 \u00b0C", "0.3": "0.3", "nernst-einstein": "nernst-einstein",
    }  # fmt: skip
    assert {text: laboratory_text(text) for text in shown} == shown
