"""The viewer: what it shows, by numbers; and its page in a real browser."""

from __future__ import annotations

import math
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import asked_for, chromium, drag, errors, served, wait
from commands import call, write_case

from phasefield.api import open_run
from phasefield.viz.viewer.scene import Limits, Look, Scene, eye, looked_at, mesh_of, not_stored

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
    assert scene.isolated(0, Look()) is None
    flake = np.zeros((4, 4, 4), np.float32)
    flake[2, 3, 1] = flake[2, 3, 2] = 1.0
    monkeypatch.setattr(type(run), "blocks", lambda self, name, frame=-1: [((20, 0, 4), flake)])
    mesh = scene.isolated(0, Look())
    mean = 1e6 * run.heights[-1].mean()
    np.testing.assert_allclose(mesh.bounds, [10.0, 14.0, 6.0, 8.0, 44.0 - mean, 46.0 - mean], atol=1e-5)
    assert mesh.n_cells == 10  # two cells side by side: the faces between them are not there
    assert mesh.area == pytest.approx(10 * 2.0**2)
    solid = scene.mesh(0, Look(solid=True))
    assert solid.bounds[5] < 44.0 - mean  # isolated lithium has its own colour, not that of the surface


def test_blocks_are_the_field_where_it_is_not_zero(tmp_path: Path) -> None:
    from storing import create
    from storing import row_of as row

    from phasefield.results.writer import Frame

    shape = (70, 130, 66)  # parts at the far ends are cut short
    writer = create(tmp_path / "run", shape, spacing=1e-6, fields=["xi", "dead"])
    field = np.zeros(shape, np.float32)
    field[69, 129, 65], field[3, 64, 10] = 1.0, 2.0
    for k, dead in enumerate((field, 0.0 * field)):
        writer.add_row({**row(k), "time": 10.0 * k})
        writer.save(Frame(10.0 * k, {"xi": 0.5 + 0.0 * field, "dead": dead}, np.zeros(shape[1:])))
    with open_run(tmp_path / "run") as run:
        again = np.zeros(shape, np.float32)
        found = list(run.blocks("dead", 0))
        for (z, y, x), part in found:
            nz, ny, nx = part.shape
            again[z : z + nz, y : y + ny, x : x + nx] = part
        np.testing.assert_array_equal(again, field)
        assert [corner for corner, _ in found] == [(0, 64, 0), (64, 128, 64)]
        assert list(run.blocks("dead", 1)) == []
        assert sum(part.size for _, part in run.blocks("xi", 0)) == field.size


def test_a_run_of_many_large_frames_is_read(folders: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    with open_run(folders[0]) as run:
        one_frame_not_two = math.prod(run.shape) + 1
        monkeypatch.setattr("phasefield.results.safe_hdf5.MAX_VALUES", one_frame_not_two)
        assert run.field("xi", 1).shape == run.shape


def test_the_film_follows_from_its_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case, folder = write_case(tmp_path, "film"), tmp_path / "run"
    fields = 'output.fields=["xi", "film_resistance", "film_thickness", "film_conductivity"]'
    assert call("run", case, *SOLID[:4], "-s", fields, "-s", "film.patches.spread=0.8", "--out", folder, "-q") == 0
    with open_run(folder) as run:
        whole = Scene([run])
        looks = [Look(colour="film_resistance", solid=solid) for solid in (False, True)]
        direct = [np.asarray(whole.mesh(0, look)["film_resistance"]) for look in looks]
        run.__dict__["fields"] = ["xi", "film_thickness", "film_conductivity"]
        parts = Scene([run])
        assert "film_resistance" in parts.colours
        for look, values in zip(looks, direct, strict=True):
            assert values.min() > 0.0
            assert values.max() > 1.5 * values.min()  # patches
            np.testing.assert_allclose(np.asarray(parts.mesh(0, look)["film_resistance"]), values, rtol=2e-3)
        assert not_stored(parts) == ["reaction_current"]


def test_a_film_of_many_decades_has_a_logarithmic_scale(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "film_resistance"
    assert not scene.is_logarithmic(name)
    scene._limits[name] = Limits(10.0, 1e4)
    assert scene.is_logarithmic(name)
    assert scene.ends(name) == pytest.approx((1.0, 4.0))
    np.testing.assert_allclose(scene.scaled(name, np.array([5.0, 100.0, 1e4])), [1.0, 2.0, 4.0])
    values = scene.surface(1, Look(colour=name)).values
    mesh = scene.mesh(1, Look(colour=name))
    np.testing.assert_allclose(np.asarray(mesh[name]), np.log10(values.ravel()), rtol=1e-5)
    assert not scene.is_logarithmic("height")


def test_the_camera_holds_what_is_shown(scene: Scene) -> None:
    """At its aspect all corners are seen, and the picture is filled in one direction."""
    for look in (Look(), Look(slice="potential")):
        seen = eye(scene, look, 1.4)
        back = (seen.position - seen.focus) / np.linalg.norm(seen.position - seen.focus)
        right = np.cross((0.0, 0.0, 1.0), back)
        right /= np.linalg.norm(right)
        points = np.concatenate([scene.surface(k, look).points.reshape(-1, 3) for k in (0, 1)] + [scene.bar()[1]])
        if look.slice:
            points = np.concatenate([points, *(scene.cut(k, look).points.reshape(-1, 3) for k in (0, 1))])
        beside = np.abs((points - seen.focus) @ right) / (1.4 * seen.half)
        above = np.abs((points - seen.focus) @ np.cross(back, right)) / seen.half
        assert 0.85 < max(beside.max(), above.max()) < 1.0


def test_overhangs_are_those_of_xi(scene: Scene) -> None:
    run: Any = scene.runs[1]
    mean = 1e6 * run.heights[-1].mean()
    mesh = scene.mesh(1, Look(solid=True))
    top = np.asarray(mesh.points)
    np.testing.assert_allclose(np.asarray(mesh["height"]), top[:, 2], atol=1e-5)
    assert top[:, 0].min() == pytest.approx(32.0 * 1.15 + 1.0)
    # this surface is nearly flat: the contour is the height map
    flat = scene.mesh(1, Look())
    assert top[:, 2].max() == pytest.approx(np.asarray(flat.points)[:, 2].max(), abs=0.5)
    assert abs(top[:, 2].max() + mean - 1e6 * run.heights[-1].max()) < 0.5
    current = np.asarray(scene.mesh(1, Look(time=1800.0, colour="reaction_current", solid=True))["reaction_current"])
    seen = scene.surface(1, Look(time=1800.0, colour="reaction_current")).values
    assert current.min() > 0.0
    assert current.mean() == pytest.approx(seen.mean(), rel=0.1)


def test_limits_of_a_field_hold_all_frames(scene: Scene) -> None:
    for name in ("reaction_current", "film_resistance"):
        low, high = scene.limits(name)
        for k, run in enumerate(scene.runs):
            for time_ in np.asarray(run.times):
                values = scene.surface(k, Look(time=float(time_), colour=name)).values
                assert low <= values.min() <= values.max() <= high


def test_frames_for_the_limits_are_first_and_last_at_least(monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace

    run: Any = SimpleNamespace(n_frames=11, shape=(10, 10, 10))
    assert looked_at(run) == list(range(11))
    monkeypatch.setattr("phasefield.viz.viewer.scene.MOST_READ", 3000)
    assert looked_at(run) == [0, 5, 10]
    monkeypatch.setattr("phasefield.viz.viewer.scene.MOST_READ", 10)
    assert looked_at(run) == [0, 10]


def test_runs_of_other_times_are_linked_by_the_hour(folders: list[Path], tmp_path: Path) -> None:
    """One run saved every 30 min, one every 20: a time that only one has shows the other's last frame before."""
    case = write_case(tmp_path, "other")
    every = [*SOLID[:2], "-s", 'output.fields_every="20 min"']
    assert call("run", case, *every, "--out", tmp_path / "run", "-q") == 0
    with open_run(folders[0]) as one, open_run(tmp_path / "run") as other:
        linked = Scene([one, other])
        assert list(linked.times[:4] / 60.0) == pytest.approx([0.0, 20.0, 30.0, 40.0])
        for minutes, frames in ((20.0, (0, 1)), (30.0, (1, 1)), (40.0, (1, 2))):
            assert (linked.frame(0, 60.0 * minutes), linked.frame(1, 60.0 * minutes)) == frames
            sheet = linked.surface(1, Look(time=60.0 * minutes))
            z = 1e6 * other.heights[frames[1]]
            np.testing.assert_allclose(sheet.points[..., 2], z - z.mean(), atol=1e-9)


def test_names_tell_runs_apart(folders: list[Path], tmp_path: Path) -> None:
    import shutil

    places = []
    for name in ("a/run", "b/run"):
        places.append(tmp_path / name)
        shutil.copytree(folders[0], places[-1])
    with open_run(places[0]) as one, open_run(places[1]) as other, open_run(folders[0]) as third:
        assert Scene([one, other]).names == ["a/run", "b/run"]
        assert Scene([one, third]).names == ["run", "run-smooth"]
        assert len(set(Scene([one, one]).names)) == 2


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("nothing",), "holds no"),
        (("--colour", "film_thickness"), "the runs hold height, reaction_current"),
        (("--cut", "dead"), "the runs hold concentration, potential"),
        (("--frame", "99"), "are saved"),
    ],
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


def test_a_port_that_is_taken_is_one_line(folders: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("trame_vtk")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert call("view", folders[0], "--web", "--port", port) == 2
    said = capsys.readouterr().err
    assert f"--port {port}: address already in use" in said
    assert said.count("\n") == 1


def test_a_dead_screen_means_the_page(folders: list[Path]) -> None:
    with served(folders[0], DISPLAY=":737") as (address, log):
        assert "No screen with OpenGL answers" in log.read_text()
        assert b"trame" in urllib.request.urlopen(address, timeout=30).read()


def test_other_pages_are_refused(folders: list[Path]) -> None:
    """A page of another site, open in the same browser, neither reads nor steers the viewer."""
    with served(folders[0], "--web") as (address, _):
        page = address.partition("?")[0]

        def code(path: str, **headers: str) -> int:
            request = urllib.request.Request(page + path, headers=headers)
            try:
                return int(urllib.request.urlopen(request, timeout=30).status)
            except urllib.error.HTTPError as error:
                return error.code

        assert code("", Origin=page.rstrip("/")) == 200
        assert code("", Host=page.split("/")[2].replace("127.0.0.1", "localhost")) == 200
        assert code("ws", Origin="http://elsewhere.example") == 403
        assert code("ws", Host="elsewhere.example") == 403  # a name of theirs that leads here


async def answers(address: str, secret: str) -> list[Any]:
    """Return what the server answers to a good handshake: to the secret, and to a question for all that is shown."""
    import aiohttp
    from wslink.chunking import UnChunker, generate_chunks

    msgpack: Any = pytest.importorskip("msgpack")
    url, found, whole = address.partition("?")[0], [], UnChunker()
    whole.set_max_message_size(1 << 30)
    async with aiohttp.ClientSession() as session, session.ws_connect(url + "ws", origin=url.rstrip("/")) as ws:
        for number, method, args in (
            ("system:c0:0", "wslink.hello", [{"secret": secret}]), ("rpc:c0:1", "trame.state.get", []),
        ):  # fmt: skip
            asked = {"wslink": "1.0", "id": number, "method": method, "args": args, "kwargs": {}}
            for chunk in generate_chunks(msgpack.packb(asked), 1 << 20):
                await ws.send_bytes(chunk)
            answer = None
            while answer is None or answer.get("id") != number:
                answer = whole.process_chunk((await ws.receive(timeout=60.0)).data)
            found.append(answer)
    return found


def test_who_does_not_know_the_secret_sees_nothing(folders: list[Path]) -> None:
    """Another user of the machine, whose handshake is right: that of the page."""
    import asyncio

    with served(folders[0], "--web") as (address, _), served(folders[0], "--web") as (other, _):
        secret = address.partition("secret=")[2]
        assert len(secret) > 40
        assert secret != other.partition("secret=")[2]  # new at each start
        hello, state = asyncio.run(answers(address, secret))
        assert "result" in hello
        assert "rough" in str(state) or "smooth" in str(state)
        for guess in ("wslink-secret", "", secret[:-1], other.partition("secret=")[2]):
            hello, state = asyncio.run(answers(address, guess))
            assert hello["error"]["message"] == "Authentication failed"
            assert "result" not in state
            assert "smooth" not in str(state)


def test_a_browser_is_not_started_with_the_secret(tmp_path: Path) -> None:
    """Every user of the machine sees its command line."""
    from phasefield.viz.viewer.web import _leading_to

    page = _leading_to("http://127.0.0.1:1/?secret=hidden", tmp_path)
    assert "hidden" not in page.as_uri()
    assert "url=http://127.0.0.1:1/?secret=hidden" in page.read_text()
    assert page.stat().st_mode & 0o077 == 0


@pytest.fixture
def address(folders: list[Path]) -> Iterator[str]:
    """The page of both runs, served where there is no screen and no OpenGL."""
    with served(*folders, PHASEFIELD_GL="off") as (found, _):
        yield found


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
        changed("document.getElementById('solid').click()", "the surface in space")
        assert "10 \N{MICRO SIGN}m" in browser.find_element("id", "bar").text

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
    from phasefield.viz.surfaces import gl
    from phasefield.viz.viewer.window import show

    if not gl.available():
        pytest.skip("no OpenGL here")
    sizes = []
    other = Look(1800.0, "film_resistance", slice="potential", line=[(1.0, 2.0), (30.0, 20.0)], solid=True)
    for name, look in (("a", Look()), ("b", other)):
        with open_run(folders[0]) as one, open_run(folders[1]) as two, gl.window_kind():
            show([one, two], look, screenshot=str(tmp_path / f"{name}.png"))
        sizes.append((tmp_path / f"{name}.png").read_bytes())
    assert sizes[0] != sizes[1]
    assert min(map(len, sizes)) > 30_000


@pytest.mark.slow
def test_controls_fit_any_width(folders: list[Path], tmp_path: Path) -> None:
    """Beside the scene on a wide screen, below it on a narrow one; no control is cut off, and the scene is no strip."""
    script = """const seen = document.getElementById("scene").getBoundingClientRect();
      const all = [...document.querySelectorAll("#side select, #side input, #side img, #side table, #time, button")];
      return [seen.width, seen.height, Math.max(...all.map(e => e.getBoundingClientRect().right)), all.length];"""
    with served(folders[0], "--web") as (address, _), chromium(tmp_path) as browser:
        for width in (1400, 1024, 400):
            view = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
            browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", view)
            browser.get(address)
            wait(lambda: browser.find_elements("css selector", "#figures td"), "no figures are shown")
            wide, high, right, count = browser.execute_script(script)
            assert count >= 7
            assert right <= width
            assert wide > 0.6 * width  # a strip of a quarter was left beside the controls at 400
            assert high > 0.4 * 900


@pytest.mark.slow
def test_time_runs_and_the_scene_is_saved(folders: list[Path], tmp_path: Path) -> None:
    from PIL import Image

    with open_run(folders[0]) as run:
        last = len(run.times) - 1
    with served(folders[0], "--web") as (address, _), chromium(tmp_path) as browser:
        got = {"behavior": "allow", "downloadPath": str(tmp_path / "got")}
        browser.execute_cdp_cmd("Browser.setDownloadBehavior", got)
        browser.get(address)
        wait(lambda: browser.find_elements("css selector", "#figures td"), "no figures are shown")

        def press(name: str) -> None:
            browser.find_element("id", name).click()

        def at() -> int:
            return int(browser.find_element("id", "time").get_property("value"))

        press("play")
        wait(lambda: at() == 0, "time does not begin anew")
        wait(lambda: browser.find_element("id", "play").text.lower() == "stop", "the button does not stop")
        wait(lambda: at() == last, "time does not run to its end")
        wait(lambda: browser.find_element("id", "play").text.lower() == "play", "time does not stop at its end")
        press("reset")
        press("picture")
        file = wait(lambda: next((tmp_path / "got").glob("*.png"), None), "no picture is saved")
        picture = np.asarray(Image.open(file).convert("RGB"))
        assert picture.std() > 5.0  # not one colour: the scene


def test_bare_copper_is_a_plane_under_the_nuclei(folders: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    with open_run(folders[0]) as run:
        scene = Scene([run])
        assert scene.substrate(0, Look()) is None
        monkeypatch.setattr("phasefield.viz.viewer.scene.substrate_of", lambda run: "copper")
        plane = scene.substrate(0, Look())
        _, ny, nx = run.shape
        dx, mean = 1e6 * run.spacing, 1e6 * float(run.heights[scene.frame(0, Look().time)].mean())
        low = 0.05 * dx - mean  # above the places without lithium, whose height is 0
        np.testing.assert_allclose(plane.bounds, [0.0, nx * dx, 0.0, ny * dx, low, low], atol=1e-4)
