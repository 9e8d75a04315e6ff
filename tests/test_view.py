"""The viewer: what it shows, by numbers; and its page in a real browser."""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import asked_for, chromium, drag, errors, wait
from commands import SOURCE, call, write_case

from phasefield.api import open_run
from phasefield.viz.view_scene import Look, Scene, mesh_of

FIELDS = 'output.fields=["xi", "concentration", "potential", "reaction_current", "film_resistance", "dead"]'
SOLID = ["-s", 'grid.size=["32 um", "32 um", "48 um"]', "-s", 'output.fields_every="30 min"', "-s", FIELDS]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("view")
    made = []
    for name, spread in (("smooth", 0.1), ("rough", 0.8)):
        case = write_case(folder, name)
        case.write_text(case.read_text().replace("Li | PLLZ | Li, tiny", f"{name}, tiny"))
        path = folder / f"run-{name}"
        assert call("run", case, *SOLID, "-s", f"film.patches.spread={spread}", "--out", path, "-q") == 0
        made.append(path)
    return made


@pytest.fixture
def scene(folders: list[Path]) -> Iterator[Scene]:
    runs = [open_run(folder) for folder in folders]
    yield Scene(runs)
    for run in runs:
        run.close()


def test_a_surface_is_the_stored_one_at_its_place(scene: Scene) -> None:
    run: Any = scene.runs[1]
    sheet = scene.surface(1, Look(time=math.inf))
    z = run.heights[-1] * 1e6
    np.testing.assert_allclose(sheet.points[..., 2], z - z.mean(), atol=1e-9)
    assert sheet.points[0, 0, 0] == pytest.approx(32.0 * 1.15 + 1.0)  # beside the first, a gap of 15 % between them
    assert sheet.points[0, 0, 1] == pytest.approx(1.0)
    np.testing.assert_array_equal(sheet.values, sheet.points[..., 2])


def test_time_is_linked_by_hours_and_not_by_frames(scene: Scene) -> None:
    run: Any = scene.runs[0]
    assert list(scene.times / 3600.0) == pytest.approx(list(run.times / 3600.0))
    assert [scene.frame(0, t) for t in (0.0, 1799.0, 1800.0, 1e9)] == [0, 0, 1, run.n_frames - 1]


def test_colours_are_what_is_stored_at_the_surface(scene: Scene) -> None:
    assert scene.colours == ["height", "reaction_current", "film_resistance"]
    run: Any = scene.runs[1]
    half = Look(time=1800.0, colour="reaction_current")
    current = scene.surface(1, half).values
    mean = float(np.interp(1800.0, run.series["time"], run.series["current_density"])) * 0.1  # mA/cm2
    assert np.all(current > 0.0)
    # a mean over cells of the surface seen from above, not over its area: the surface is nearly flat
    assert current.mean() == pytest.approx(mean, rel=0.05)
    low, high = scene.limits("film_resistance")
    resistance = scene.surface(1, Look(colour="film_resistance")).values
    assert low <= resistance.min() < resistance.max() <= high


def test_limits_are_shared_by_all_runs_and_frames(scene: Scene) -> None:
    runs: Any = scene.runs
    about = [1e6 * (r.heights - r.heights.mean(axis=(1, 2), keepdims=True)) for r in runs]
    assert scene.limits("height") == pytest.approx((min(z.min() for z in about), max(z.max() for z in about)))


def test_a_cut_shows_the_electrolyte_only(scene: Scene) -> None:
    look = Look(time=1800.0, slice="concentration", place=0.5)
    cut = scene.cut(0, look)
    run: Any = scene.runs[0]
    whole = run.field("concentration", 1)[:, 8] * 1e-3
    lithium = run.field("xi", 1)[:, 8] > 0.5
    np.testing.assert_array_equal(np.isnan(cut.values), lithium)
    np.testing.assert_allclose(cut.values[~lithium], whole[~lithium], rtol=1e-6)
    mesh = mesh_of(cut, "concentration")
    assert np.isfinite(np.asarray(mesh["concentration"])[np.unique(mesh.faces.reshape(-1, 5)[:, 1:])]).all()


def test_a_profile_runs_from_point_to_point(scene: Scene) -> None:
    run: Any = scene.runs[0]
    along, z = scene.profile(0, Look(time=math.inf, line=[(1.0, 5.0), (31.0, 5.0)]))
    row = 1e6 * (run.heights[-1] - run.heights[-1].mean())[2]
    assert along[-1] == pytest.approx(30.0)
    np.testing.assert_allclose(z, np.interp(along, np.arange(16) * 2.0, row), atol=1e-9)


def test_part_of_a_field_is_that_part(folders: list[Path]) -> None:
    with open_run(folders[0]) as run:
        whole = run.field("concentration", 1)
        np.testing.assert_array_equal(run.part("concentration", 1, layers=(3, 9)), whole[3:9])
        np.testing.assert_array_equal(run.part("concentration", 1, rows=(4, 5)), whole[:, 4:5])


def test_isolated_lithium_stands_where_it_is(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    run: Any = scene.runs[0]
    dead = np.zeros(run.shape, np.float32)
    dead[20, 3, 5] = 1.0
    monkeypatch.setattr(type(run), "field", lambda self, name, frame=-1: dead)
    place = scene.isolated(0, Look())
    mean = 1e6 * run.heights[-1].mean()
    np.testing.assert_allclose(place, [[11.0, 7.0, 41.0 - mean]], atol=1e-9)


@pytest.mark.parametrize(
    ("words", "says"),
    [(("nothing",), "holds no"), (("--colour", "film_thickness"), "the runs hold height, reaction_current")],
)
def test_wrong_words_are_one_line(
    words: tuple[str, ...], says: str, folders: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    given = words if words[0] == "nothing" else (folders[0], *words)
    assert call("view", *given) == 2
    assert says in capsys.readouterr().err


def test_without_trame_it_says_what_to_do(
    folders: list[Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert call("view", folders[0], "--web") == 2
    said = capsys.readouterr().err
    assert "lithium-phasefield[view]" in said
    assert f"phasefield render {folders[0]}" in said


@pytest.fixture
def address(folders: list[Path], tmp_path: Path) -> Iterator[str]:
    """The page of both runs, served by a process of its own that has no screen and no OpenGL."""
    pytest.importorskip("trame_vtk")
    pytest.importorskip("trame_vuetify")
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    environment |= {"PHASEFIELD_GL": "off", "PYTHONUNBUFFERED": "1"}
    log = tmp_path / "log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "phasefield", "view", *map(str, folders)], cwd=SOURCE, env=environment,
            stdout=file, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        found = wait(lambda: re.search(r"http://127\.0\.0\.1:\d+/", log.read_text()), "no address was printed")
        yield found[0]
    finally:
        process.terminate()
        process.wait()
    assert "Traceback" not in log.read_text()


def at_rest(element: Any) -> bytes:
    """Return the picture of a part of the page once it does not change any more."""
    found: list[bytes] = [b""]

    def same() -> bool:
        found.append(element.screenshot_as_png)
        time.sleep(0.3)
        return found[-1] == found[-2]

    wait(same, "the picture does not come to rest")
    return found[-1]


def test_the_page_in_a_browser(address: str, tmp_path: Path) -> None:
    with chromium(tmp_path) as browser:
        browser.get(address)
        wait(lambda: browser.find_elements("css selector", "#scene canvas"), "no scene was drawn")
        scene, figures = browser.find_element("id", "scene"), browser.find_element("id", "figures")
        wait(lambda: len(at_rest(scene)) > 15_000, "the scene stays empty")

        def changed(script: str, what: str) -> None:
            before = at_rest(scene)
            browser.execute_script(script)
            wait(lambda: scene.screenshot_as_png != before, f"{what} changed nothing")

        def set_to(name: str, value: object, event: str) -> str:
            return (
                f"const e = document.getElementById('{name}'); e.value = '{value}'; "
                f"e.dispatchEvent(new Event('{event}'))"
            )

        def halves() -> tuple[bytes, bytes]:
            import io

            from PIL import Image

            image = Image.open(io.BytesIO(at_rest(scene)))
            wide, high = image.size
            return image.crop((0, 0, wide // 2, high)).tobytes(), image.crop((wide // 2, 0, wide, high)).tobytes()

        text, left_and_right = figures.text, halves()
        assert "smooth" in text
        assert "rough" in text
        changed(set_to("time", 1, "input"), "the time slider")
        assert all(one != other for one, other in zip(left_and_right, halves(), strict=True))  # both runs followed
        wait(lambda: figures.text != text, "the figures did not follow")
        assert "30 min" in browser.find_element("id", "when").text
        changed(set_to("colour", "film_resistance", "change"), "the field")
        changed(set_to("cut", "concentration", "change"), "the cut")
        changed(set_to("place", 0.1, "input"), "the place of the cut")

        from selenium.webdriver.common.action_chains import ActionChains

        before = halves()
        drag(browser, (400.0, 400.0), (90.0, 30.0))
        assert all(one != other for one, other in zip(before, halves(), strict=True))  # one camera
        assert not browser.find_elements("id", "profile")
        picture = browser.find_element("id", "map")
        for shift in (-60, 60):
            seen = picture.get_attribute("src")
            ActionChains(browser).move_to_element_with_offset(picture, shift, shift // 2).click().perform()
            wait(lambda seen=seen: picture.get_attribute("src") != seen, "the map does not show the point")
        wait(lambda: browser.find_elements("id", "profile"), "no profile was drawn")
        (tmp_path / "view.png").write_bytes(browser.get_screenshot_as_png())
        assert not [e for e in errors(browser) if "/paraview/" not in e]  # trame asks whether ParaView is there
        foreign = [a for a in asked_for(browser) if a.startswith(("http:", "https:", "ws:")) and "127.0.0.1" not in a]
        assert not foreign


def test_the_window_draws_what_is_asked_for(folders: list[Path], tmp_path: Path) -> None:
    from phasefield.viz import gl
    from phasefield.viz.view_window import show

    if not gl.available():
        pytest.skip("no OpenGL here")
    sizes = []
    for name, look in (("a", Look()), ("b", Look(time=1800.0, colour="film_resistance", slice="potential"))):
        with open_run(folders[0]) as one, open_run(folders[1]) as other, gl.window_kind():
            show([one, other], look, screenshot=str(tmp_path / f"{name}.png"))
        sizes.append((tmp_path / f"{name}.png").read_bytes())
    assert sizes[0] != sizes[1]
    assert min(map(len, sizes)) > 30_000
