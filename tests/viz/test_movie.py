"""Movies and styles of stored runs, the current lines of a section."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest
from commands import call, write_case
from PIL import Image

from phasefield import cases
from phasefield.api import open_run, read_case
from phasefield.errors import DiskFullError
from phasefield.viz.movie import Turned
from phasefield.viz.plots.series import with_jumps
from phasefield.viz.stored import transport_of
from phasefield.viz.style import STYLES, dpi, drafted, new_figure, save, styled
from phasefield.viz.surfaces.camera import box_corners, fit_camera
from phasefield.viz.surfaces.section import Slice, _direction, draw_slice, take_slice

SOLID = ["-s", 'grid.size=["32 um", "32 um", "48 um"]', "-s", 'output.fields_every="30 min"']


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("movie")
    assert call("run", write_case(folder), *SOLID, "--out", folder / "run", "-q") == 0
    return folder / "run"


def frames_of(path: Path) -> list[np.ndarray[Any, Any]]:
    with Image.open(path) as image:
        found = []
        for k in range(getattr(image, "n_frames", 1)):
            image.seek(k)
            found.append(np.asarray(image.convert("RGB"), dtype=int))
    return found


@pytest.mark.parametrize("gl", ["auto", "off"])
def test_a_movie_through_time(gl: str, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHASEFIELD_GL", gl)
    assert call("render", run, "--movie", "time", "--out", tmp_path, "--fps", 4) == 0
    shown = frames_of(tmp_path / "surface-time.gif")
    with open_run(run) as stored:
        # a picture that is held is written once, for so much longer
        assert len(shown) == stored.n_frames
    assert all(np.abs(one - other).max() > 40 for one, other in zip(shown[1:], shown, strict=False))
    bar = [one[:, -one.shape[1] // 10 :] for one in shown]
    assert max(np.abs(one - bar[0]).max() for one in bar) == 0  # one colour scale, one set of colours
    with Image.open(tmp_path / "surface-time.gif") as image:
        assert image.info["duration"] == 250  # ms


def test_a_movie_that_turns_goes_all_round(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHASEFIELD_GL", "off")
    assert call("render", run, "--movie", "turn", "--out", tmp_path, "--fps", 4, "--seconds", 4) == 0
    shown = frames_of(tmp_path / "surface-turn.gif")
    assert len(shown) == 16
    steps = [float(np.abs(one - other).mean()) for one, other in zip(shown, [*shown[1:], shown[0]], strict=True)]
    # no jump where one quarter goes over into the next, nor from the end to the beginning
    assert max(steps) < 3.0 * float(np.median(steps))
    assert min(float(np.abs(one - shown[0]).mean()) for one in shown[1:]) > 0.3 * float(np.median(steps))


def test_a_camera_that_turns_keeps_its_distance() -> None:
    size, ends = (40.0, 20.0), (-3.0, 9.0)
    cameras = [fit_camera(size, *ends, azimuth=a, turning=True) for a in (-85.0, -45.0, -5.0)]
    corners = box_corners(size, *ends)
    for camera in cameras:
        assert camera.half == pytest.approx(cameras[0].half, rel=1e-3)  # 73 points of a round
        assert camera.aspect == pytest.approx(cameras[0].aspect, rel=1e-3)
        middle = corners.mean(axis=0)
        np.testing.assert_allclose(camera.project(middle), cameras[0].project(middle), atol=1e-3)
        seen = np.abs(camera.project(corners))
        assert seen[:, 0].max() < camera.aspect
        assert seen[:, 1].max() < 1.0


def test_frames_of_a_gif_add_up_to_the_time_asked_for(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHASEFIELD_GL", "off")
    assert call("render", run, "--movie", "turn", "--out", tmp_path, "--fps", 8, "--seconds", 2) == 0
    lasts = []
    with Image.open(tmp_path / "surface-turn.gif") as image:
        for k in range(image.n_frames):
            image.seek(k)
            lasts.append(image.info["duration"])
    assert set(lasts) == {120, 130}  # an eighth of a second is no whole number of ticks
    assert sum(lasts) == 2000


def test_a_run_turned_four_times_is_as_it_was(run: Path) -> None:
    with open_run(run) as stored:
        whole: Any = stored
        once, twice = Turned(whole, 1, 1), Turned(whole, 1, 2)
        z = stored.heights[1]
        # a quarter anticlockwise, seen from above: what lay at (x, y) lies at (L - y, x)
        assert once.heights[0][5, 15 - 3] == z[3, 5]
        np.testing.assert_array_equal(twice.heights[0], z[::-1, ::-1])
        np.testing.assert_array_equal(Turned(whole, 1, 4).heights[0], z)
        np.testing.assert_array_equal(once.field("xi", 0)[:, 5, 12], stored.field("xi", 1)[:, 3, 5])


def test_an_mp4(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ffmpeg = pytest.importorskip("imageio_ffmpeg")
    monkeypatch.setenv("PHASEFIELD_GL", "off")
    assert call("render", run, "--movie", "time", "--format", "mp4", "--out", tmp_path, "--fps", 5) == 0
    count, seconds = ffmpeg.count_frames_and_secs(str(tmp_path / "surface-time.mp4"))
    with open_run(run) as stored:
        assert count == stored.n_frames + 8
    assert seconds == pytest.approx(count / 5.0, rel=0.05)


def test_styles_have_the_dots_they_say(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHASEFIELD_GL", "off")
    sizes = {}
    for style, (dots, _) in STYLES.items():
        assert call("render", run, "--style", style, "--out", tmp_path / style) == 0
        with Image.open(tmp_path / style / "series.png") as image:
            sizes[style] = image.width / dots
            assert image.info["dpi"][0] == pytest.approx(dots, rel=1e-3)
    assert len({round(size, 2) for size in sizes.values()}) == 1  # the same inches
    assert dpi() == 300
    with styled("slides"):
        assert dpi() == 200
        with drafted():
            assert dpi() == 200  # with its larger letters
    with drafted():
        assert dpi() == 150


def test_slides_have_larger_letters_and_a_failure_leaves_the_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = {}
    for style in ("paper", "slides"):
        with styled(style):
            figure = new_figure(2.0, 1.0)
            text = figure.text(0.5, 0.5, "Sz", fontsize=8)
            save(figure, tmp_path / "one.png")
            sizes[style] = text.get_fontsize()
    assert sizes == {"paper": 8.0, "slides": pytest.approx(8.0 * STYLES["slides"][1])}
    before = (tmp_path / "one.png").read_bytes()

    def full(*_: Any) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.write", full)
    with pytest.raises(DiskFullError, match=r"no space to write one\.png"):
        save(new_figure(2.0, 1.0), tmp_path / "one.png")
    assert (tmp_path / "one.png").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["one.png"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--movie", "round"), "--movie round: give one of time, turn"),
        (("--style", "poster"), "paper, slides, draft"),
        (("--movie", "time", "--format", "avi"), "gif, mp4"),
        (("--frame", "99"), "there is no frame 99; it holds frames 0 to"),
        (("--movie", "turn", "--frame", "-99"), "there is no frame -99"),
        (("--movie", "turn", "--fps", "60"), "a gif shows 50 frames a second at most"),
    ],
)  # fmt: skip
def test_wrong_words_are_one_line(
    words: tuple[str, ...], says: str, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("render", run, *words) == 2
    assert says in capsys.readouterr().err


@pytest.mark.slow
def test_a_run_without_xi_is_drawn_by_its_heights(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fields = ["-s", 'output.fields=["concentration"]']
    assert call("run", write_case(tmp_path), *SOLID, *fields, "--out", tmp_path / "run", "-q") == 0
    assert call("render", tmp_path / "run", "--style", "draft", "--out", tmp_path / "pictures") == 0
    assert "xi is not stored, so there is no section" in capsys.readouterr().err
    assert sorted(p.name for p in (tmp_path / "pictures").glob("*.png")) == ["plate.png", "series.png", "surface.png"]
    assert call("render", tmp_path / "run", "--movie", "time", "--out", tmp_path / "pictures") == 0


def test_mp4_without_its_encoder_says_what_to_do(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "imageio_ffmpeg", None)
    assert call("render", run, "--movie", "time", "--format", "mp4") == 2
    assert "lithium-phasefield[movies]" in capsys.readouterr().err


def test_current_lines_follow_potential_and_salt() -> None:
    """i = -kappa grad phi + kappa beta grad ln c: each part alone, and both at rest."""
    z, x = np.meshgrid(np.arange(12.0), np.arange(16.0), indexing="ij")
    xi = np.where(z < 3, 1.0, 0.0)
    ones = np.ones_like(x)
    beta = 0.05 * ones
    found = _direction(0.1 * x, ones, xi, beta)
    assert found is not None
    np.testing.assert_allclose(found[0][4:], -0.1, rtol=1e-12)
    np.testing.assert_allclose(found[1][4:], 0.0, atol=1e-15)
    assert np.isnan(found[0][:3]).all()
    salt = np.exp(0.02 * z)
    found = _direction(0.0 * x, salt, xi, beta)
    assert found is not None
    np.testing.assert_allclose(found[1][5:-1], 0.05 * 0.02, rtol=1e-9)
    # at rest the diffusion potential holds the gradient of the salt
    assert _direction(0.05 * np.log(salt), salt, xi, beta) is None


def test_the_diffusion_potential_of_current_lines_is_that_of_the_table() -> None:
    table = (
        "electrolyte.concentration_dependence={ concentration = ['0.5 M', '1 M', '2 M'], conductivity = "
        "['4e-4 S/cm', '1.06e-3 S/cm', '1e-3 S/cm'], diffusivity = ['1e-7 cm^2/s', '1e-7 cm^2/s', '1e-7 cm^2/s'], "
        "transference_number = { value = [0.9, 0.5, -0.3], status = 'assumed' } }"
    )
    case = read_case(cases.locate("pllz"), [table])
    at = np.array([400.0, 1500.0])
    # 2 R T/F (1 - t+) X at 303.15 K, X = 1; below the table its first value holds
    unit = 2 * 8.314462618 * 303.15 / 96485.33212
    found = transport_of(SimpleNamespace(resolved_case=case.resolved_toml()), at)
    assert found == pytest.approx(unit * np.array([0.1, 0.9]), rel=1e-9)


def test_current_lines_go_from_the_counter_electrode_to_the_lithium(run: Path) -> None:
    from matplotlib.collections import LineCollection

    with open_run(run) as stored:
        cut = take_slice(stored, 1)
    axes = new_figure(3.0, 3.0).add_subplot()
    draw_slice(axes, cut, (0.9, 1.1))
    (lines,) = (c for c in axes.collections if isinstance(c, LineCollection))
    ends = np.array([(segment[0], segment[-1]) for segment in lines.get_segments()]).reshape(-1, 2)
    ends = ends[(ends[:, 0] > 0.0) & (ends[:, 0] < cut.width)]  # a line may leave by a side
    spacing = cut.height / len(cut.xi)
    top = ends[:, 1] > cut.height - 1e-6
    assert top.sum() == int(16 * cut.width / (cut.height - cut.bottom))
    z, x = (np.clip((ends[~top, k] / spacing).astype(int), 0, None) for k in (1, 0))
    assert len(z) >= top.sum() - 2
    assert np.all(cut.xi[z, x] > 0.5)  # hidden by the lithium, not ending above it
    assert axes.get_ylim()[0] == pytest.approx(cut.bottom)
    assert 0.0 < cut.bottom < z.min() * spacing


def test_a_section_shows_little_of_the_lithium() -> None:
    xi = np.zeros((100, 10))
    xi[:60] = 1.0
    xi[50:, 3] = 0.0
    cut = Slice(xi, None, 10.0, 100.0, "")
    assert cut.bottom == pytest.approx(50.0 - 0.15 / 0.85 * 50.0)
    assert Slice(0.0 * xi, None, 10.0, 100.0, "").bottom == 0.0


def test_a_voltage_jumps_where_the_current_is_switched() -> None:
    class Square:
        series: ClassVar = {"current_density": np.array([2.0, 2.0, -2.0, -2.0, -1.98])}

    square: Any = Square()
    at, value = with_jumps(square, np.arange(5.0), np.array([1.0, 1.1, -1.0, -1.1, -1.2]))
    assert list(at) == [0.0, 1.0, 1.0, 2.0, 3.0, 4.0]
    assert list(value) == [1.0, 1.1, -1.0, -1.0, -1.1, -1.2]


def test_beta_is_that_of_the_case(run: Path) -> None:
    with open_run(run) as stored:
        # 2 R T/F (1 - t+) X at 303.15 K, t+ = 0.5, X = 1
        at = np.array([400.0])
        assert transport_of(stored, at) == pytest.approx(2 * 8.314462618 * 303.15 / 96485.33212 * 0.5, rel=1e-9)
        cut = take_slice(stored, 1)
    assert cut.current is not None
    up = cut.current[1][-3:]
    assert np.all(up[np.isfinite(up)] < 0.0)  # while plating, from the counter electrode down to the lithium
    assert math.isfinite(float(np.nanmean(up)))
