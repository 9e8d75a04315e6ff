"""Pictures: the same camera in every renderer, the same scale for every run, no text over text."""

from __future__ import annotations

import ast
import os
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from figures import kept_figures
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.text import Text

import phasefield.viz
from phasefield.topography.roughness import texture
from phasefield.viz import stored, style
from phasefield.viz.plots import attribution, compare, lines, nyquist, series, traces
from phasefield.viz.surfaces import camera, gl, painter, plate, scene, section, surface

UM = 1e-6


@dataclass
class FakeRun:
    """A stored run with smooth hills of height `sz` at the end [m]."""

    title: str = "Li | PLL | Li, 0.2 mA/cm2, 780 h"
    sz: float = 100 * UM
    shape: tuple[int, int, int] = (24, 16, 20)
    spacing: float = 10 * UM
    cycles: int = 60
    times: np.ndarray = field(default_factory=lambda: np.array([0.0, 390.0, 780.0]) * 3600)

    @property
    def n_frames(self) -> int:
        return len(self.times)

    @property
    def heights(self) -> np.ndarray:
        _, ny, nx = self.shape
        x, y = 2 * np.pi * (np.arange(nx) + 0.5) / nx, 2 * np.pi * (np.arange(ny) + 0.5) / ny
        hills = np.cos(2 * x)[None, :] * (np.cos(y)[:, None] if ny > 1 else 1) + 0.3 * np.sin(x)[None, :]
        hills = (hills - hills.mean()) / np.ptp(hills)
        return 120 * UM + np.array([0.05, 0.5, 1.0])[:, None, None] * self.sz * hills

    @property
    def series(self) -> dict[str, np.ndarray]:
        n = self.cycles * 40
        time = np.linspace(0, self.times[-1], n)
        cycle = np.arange(n) // 40 + 1
        sign = np.where(np.arange(n) % 40 < 20, 1.0, -1.0)
        grown = time / time[-1]
        sz = self.sz * (0.05 + 0.95 * grown)
        columns = {
            "time": time,
            "cycle": cycle,
            "voltage": sign * (0.2 + 0.3 * grown),
            "Sz": sz,
            "Sq": sz / 4,
        }
        return {**columns, "current_density": 2 * sign}

    def field(self, name: str, frame: int) -> np.ndarray:
        z = (np.arange(self.shape[0]) + 0.5)[:, None, None] * self.spacing
        if name == "xi":
            return np.clip(0.5 + (self.heights[frame][None] - z) / (3 * self.spacing), 0, 1).astype(
                np.float32
            )
        return np.broadcast_to(500 + 1000 * z / z[-1], self.shape)


ROUGH, SMOOTH = FakeRun(), FakeRun("Li | PLLZ | Li, 0.2 mA/cm2, 780 h", 20 * UM)
FLAT = FakeRun("dendrites in 2D", shape=(24, 1, 40), cycles=1)
REFERENCES = {
    "PLL": {"Sz": 200 * UM, "Sz_text": "> 200", "voltage_start": 0.2, "voltage_end": 1.0, "source": "[1]"},
    "PLLZ": {"Sz": 50 * UM, "source": "[1]"},
}
needs_gl = pytest.mark.skipif(not gl.available(), reason="no OpenGL here")


@pytest.fixture
def no_gl(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(gl.SWITCH, "off")


@pytest.fixture
def sheets(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """Every figure that is saved, for a look at its texts."""
    return kept_figures(monkeypatch, compare, plate, section, series, surface)


def colliding(figure: Figure) -> list[tuple[str, str]]:
    """Pairs of texts whose boxes overlap by more than a hair, and texts cut by the edge of the sheet."""
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    texts = [t for t in figure.findobj(Text) if t.get_text().strip() and t.get_visible()]
    axis_ticks = {t for a in figure.axes for x in (a.xaxis, a.yaxis) for t in _hidden_ticks(x)}
    boxes = [(t.get_text(), t.get_window_extent(renderer)) for t in texts if t not in axis_ticks]
    found = []
    for k, (text, box) in enumerate(boxes):
        if box.x0 < 0 or box.y0 < 0 or box.x1 > figure.bbox.x1 or box.y1 > figure.bbox.y1:
            found.append((text, "edge of the sheet"))
        for other, b in boxes[k + 1 :]:
            wide, tall = min(box.x1, b.x1) - max(box.x0, b.x0), min(box.y1, b.y1) - max(box.y0, b.y0)
            if min(wide, tall) > 3:  # pixels at 200 dpi
                found.append((text, other))
    return found


def _hidden_ticks(axis: object) -> list[Text]:
    """Tick labels that matplotlib keeps but does not draw: axes switched off, ticks out of the limits."""
    drawn = [] if not axis.axes.axison else axis._update_ticks()  # type: ignore[attr-defined]
    shown = {t.label1 for t in drawn} | {t.label2 for t in drawn}
    ticks = axis.get_major_ticks() + axis.get_minor_ticks()  # type: ignore[attr-defined]
    hidden = [label for t in ticks for label in (t.label1, t.label2) if label not in shown]
    return hidden + ([] if axis.axes.axison else [axis.label])  # type: ignore[attr-defined]


@pytest.mark.usefixtures("no_gl")
@pytest.mark.parametrize(
    ("runs", "references"),
    [([ROUGH, SMOOTH], REFERENCES), ([ROUGH], None), ([SMOOTH, SMOOTH, SMOOTH], None), ([FLAT, FLAT], None)],
)
def test_comparison_is_readable(
    runs: list[FakeRun], references: dict[str, dict[str, object]] | None, sheets: list[Figure], tmp_path: Path
) -> None:
    path = compare.comparison(runs, tmp_path / "new" / "plate.png", references=references)
    picture = imread(path)
    assert picture.shape[1] >= 10 * style.DPI
    assert picture[..., :3].std() > 0.05
    assert colliding(sheets[0]) == []
    check_sheet(sheets[0])
    texts = " ".join(t.get_text() for t in sheets[0].findobj(Text))
    assert ("> 200" in texts) == (references is not None)
    assert f"Sz = {style.significant_digits(np.ptp(runs[0].heights[-1]) / UM)}" in texts


@pytest.mark.usefixtures("no_gl")
@pytest.mark.parametrize("run", [ROUGH, SMOOTH, FLAT])
def test_plate_section_series_and_surface_are_readable(
    run: FakeRun, sheets: list[Figure], tmp_path: Path
) -> None:
    plate.plate(run, tmp_path / "plate.png")
    section.cross_section(run, tmp_path / "section.png", 1)
    series.series(run, tmp_path / "series.png")
    series.series([ROUGH, run], tmp_path / "both.png")
    surface.surface(run, tmp_path / "surface.png", 0)
    assert len(list(tmp_path.glob("*.png"))) == 5
    assert [colliding(sheet) for sheet in sheets] == [[]] * 5
    for sheet in sheets:
        check_sheet(sheet)


@pytest.mark.usefixtures("no_gl")
def test_nothing_global_is_left_changed(tmp_path: Path) -> None:
    before, environment = dict(mpl.rcParams), dict(os.environ)
    with mpl.rc_context({"font.size": 31.0, "axes.facecolor": "red"}):
        path = series.series(ROUGH, tmp_path / "a.png")
        assert mpl.rcParams["font.size"] == 31.0
    assert dict(mpl.rcParams) == before
    assert dict(os.environ) == environment
    reds = np.all(imread(path)[..., :3] == [1, 0, 0], axis=-1)
    assert not reds.any()  # the caller's style does not leak in


LOW = (
    "phasefield.viz", "phasefield.results", "phasefield.topography", "phasefield.measured", "phasefield.files",
    "phasefield.text", "phasefield.errors", "phasefield.constants", "phasefield.fields", "phasefield.units",
)  # fmt: skip


def test_viz_knows_neither_model_nor_driver_nor_pyplot() -> None:
    for path in Path(phasefield.viz.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                banned = ("phasefield.model", "phasefield.simulation", "matplotlib.pyplot")
                assert not name.startswith(banned), path
                if name.startswith("phasefield."):
                    assert name.startswith(LOW), path


def test_one_view_holds_all_runs_and_says_when_heights_are_stretched() -> None:
    frames = [(run, k) for run in (ROUGH, SMOOTH) for k in (0, -1)]
    view = camera.common_view(frames)
    rough = ROUGH.heights[-1] / UM
    assert view.limits == pytest.approx((rough.min() - rough.mean(), rough.max() - rough.mean()))
    assert view.size == pytest.approx((200, 160))
    assert view.exaggeration == 1
    assert camera.common_view([(SMOOTH, 0)]).exaggeration > 1
    level = FakeRun(sz=0.0)
    low, high = camera.common_view([(level, 0)]).limits
    assert low < 0 < high
    with pytest.raises(ValueError, match="rise"):
        camera.common_view(frames, limits=(1.0, 1.0))


def test_camera_just_holds_the_box() -> None:
    eye = camera.fit_camera((200, 160), -60, 40)
    seen = eye.project(camera.box_corners((200, 160), -60, 40))
    assert np.abs(seen[:, 1]).max() == pytest.approx(1, abs=0.01)
    assert np.abs(seen[:, 0]).max() == pytest.approx(eye.aspect, abs=0.01 * eye.aspect)
    assert seen.min(axis=0) == pytest.approx(-seen.max(axis=0), abs=1e-3)  # centred
    assert eye.depth(np.array(eye.target)) == pytest.approx(camera.REMOTE * np.linalg.norm((200, 160, 100)))
    with pytest.raises(ValueError, match="azimuth"):
        camera.fit_camera((1, 1), 0, 1, azimuth=30)


def silhouette(run: FakeRun, view: camera.View) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest point of the lithium block in picture coordinates, by plain projection."""
    z = camera.to_rim(camera.relief(run, -1))
    x, y = (camera.rim_coordinates(n, run.spacing / UM) for n in run.shape[:0:-1])
    top = np.stack([*np.meshgrid(x, y), z * view.exaggeration], axis=-1).reshape(-1, 3)
    closest = top.copy()
    closest[:, 2] = view.base * view.exaggeration
    seen = view.camera.project(np.concatenate([top, closest]))
    return seen.min(axis=0), seen.max(axis=0)


@needs_gl
@pytest.mark.parametrize("solid", [True, False])
def test_pyvista_sees_through_the_same_camera(solid: bool) -> None:
    view = camera.common_view([(ROUGH, -1)])
    picture = scene.render_frame(ROUGH, -1, view, solid=solid, pixels=400)
    drawn = np.argwhere(picture[..., 3] > 128)
    rows = 1 - 2 * (drawn[:, 0] + 0.5) / picture.shape[0]
    columns = view.camera.aspect * (2 * (drawn[:, 1] + 0.5) / picture.shape[1] - 1)
    low, high = silhouette(ROUGH, view)
    pixel = 2 / 400
    # the contour of a sampled xi lies within a part of a cell of the height map: a twentieth of the box
    slack = 0.05 if solid else 2 * pixel
    assert (columns.min(), rows.min()) == pytest.approx(tuple(low), abs=slack)
    assert (columns.max(), rows.max()) == pytest.approx(tuple(high), abs=slack)


@needs_gl
def test_same_limits_give_the_same_colours_for_two_runs(tmp_path: Path) -> None:
    view = camera.common_view([(ROUGH, -1), (SMOOTH, -1)])

    def spread(run: FakeRun) -> float:
        picture = scene.render_frame(run, -1, view, pixels=300).astype(float)
        coloured = (picture[..., 3] > 200) & (np.ptp(picture[..., :3], axis=-1) > 30)
        return float((picture[..., 0] - picture[..., 2])[coloured].std())

    assert spread(ROUGH) > 2 * spread(SMOOTH)
    assert surface.surface(ROUGH, tmp_path / "gl.png", view=view).stat().st_size > 10_000


def test_contour_in_space_shows_isolated_lithium() -> None:
    class WithIsland(FakeRun):
        def field(self, name: str, frame: int) -> np.ndarray:
            xi = super().field(name, frame)
            xi[20:23, 7:10, 9:12] = 1.0
            return xi

    run = WithIsland()
    view = camera.common_view([(run, -1)])
    assert view.top == pytest.approx(230 - ROUGH.heights[-1].mean() / UM)  # the box holds the island
    assert view.limits == camera.common_view([(ROUGH, -1)]).limits  # and leaves the colours alone
    mesh, walls = scene._isosurface(run, -1, view)
    split = mesh.connectivity()
    assert split["RegionId"].max() == 1  # block and island
    assert len(walls) == 2
    assert mesh.bounds[0] >= 0
    assert mesh.bounds[1] == pytest.approx(200)
    assert mesh.bounds[4] >= view.base - 1e-6


def test_lithium_at_the_counter_electrode_has_a_lid() -> None:
    class Shorted(FakeRun):
        def field(self, name: str, frame: int) -> np.ndarray:
            xi = super().field(name, frame)
            xi[:, 7:10, 9:12] = 1.0
            return xi

    run = Shorted()
    mesh, _ = scene._isosurface(run, -1, camera.common_view([(run, -1)]))
    lid = np.isclose(mesh.points[:, 2], 240 - run.heights[-1].mean() / UM)
    assert np.count_nonzero(lid) >= 9


def test_painter_hides_what_lies_behind() -> None:
    view = camera.common_view([(ROUGH, -1)])
    figure = style.new_figure(3, 3)
    axes = figure.add_axes((0, 0, 1, 1))
    painter.paint(axes, ROUGH, -1, view)
    facets = axes.collections[0]
    assert len(facets.get_paths()) == 17 * 21
    first, last = facets.get_paths()[0].vertices.mean(axis=0), facets.get_paths()[-1].vertices.mean(axis=0)
    assert first[1] > last[1]  # the far corner is painted first


def test_gl_switch_and_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(gl.SWITCH, "off")
    assert not gl.available()
    monkeypatch.setenv(gl.SWITCH, "on")
    assert gl.available()
    assert all(package in gl.missing_message() for package in ("libegl1", "libosmesa6", "xvfb"))


def test_gl_probe_survives_a_crash_and_remembers_only_success(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in (gl.SWITCH, gl.WINDOW, "DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(gl, "CHILD", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    gl.reset()
    assert not gl.available()
    assert not list(tmp_path.rglob("*.json"))
    asked = []
    monkeypatch.setattr(gl, "_child_draws", lambda kind: asked.append(kind) or kind == gl.OFF_SCREEN[1])
    gl.reset()
    assert gl.available()
    with gl.window_kind():
        assert os.environ[gl.WINDOW] == gl.OFF_SCREEN[1]
    assert gl.WINDOW not in os.environ
    gl.reset()
    assert gl.available()
    assert asked == list(gl.OFF_SCREEN)  # the second process read the file
    (tmp_path / "phasefield" / "gl.json").write_text("not json")
    gl.reset()
    assert gl.available()
    gl.reset()


def test_slice_runs_through_the_highest_point_and_scales_by_the_electrolyte() -> None:
    cut = section.take_slice(ROUGH, -1)
    row = int(np.argmax(ROUGH.heights[-1].max(axis=1)))
    assert cut.place == f"y = {(row + 0.5) * 10:g} {style.MICRON}"
    assert cut.xi == pytest.approx(ROUGH.field("xi", -1)[:, row])
    limits = section.salt_limits([cut])
    assert limits is not None
    assert limits[1] == pytest.approx(1.5)
    assert cut.concentration is not None
    assert limits[0] == pytest.approx(cut.concentration[cut.xi < 0.5].min())
    even = section.Slice(cut.xi, np.full_like(cut.xi, 1.0), 1, 1, "")
    low, high = section.salt_limits([even]) or (0, 0)
    assert high - low == pytest.approx(section.NARROW)
    carried = section._carried_on(np.array([[1.0, 2.0, 9.0, 9.0]]), np.array([[True, True, False, False]]))
    assert carried.tolist() == [[1, 2, 2, 2]]


def test_voltage_of_first_and_last_cycle() -> None:
    start, end = series.voltage_ends(ROUGH)
    assert start == pytest.approx(0.2 + 0.3 * 0.5 / 60, abs=1e-3)
    assert end == pytest.approx(0.5 - 0.3 * 0.5 / 60, abs=1e-3)
    resting = FakeRun()
    silent = {
        "time": np.array([0.0, 1.0]),
        "voltage": np.array([np.nan, 0.1]),
        "current_density": np.zeros(2),
    }
    object.__setattr__(resting, "__class__", type("Silent", (FakeRun,), {"series": silent}))
    assert series.voltage_ends(resting) == (None, None)


def test_a_thinned_trace_keeps_every_extreme_of_each_column() -> None:
    time = np.linspace(0, 1, 50_000)
    value = np.sin(900 * time) * (1 + time)
    value[123], value[4000] = np.nan, 7.0
    columns = 300
    at, kept = traces.thinned(time, value, (0.0, 1.0), columns)
    assert len(at) <= 4 * (columns + 1)
    assert (at[0], at[-1]) == (time[0], time[-1])
    assert np.all(np.diff(at) > 0)
    for k in range(columns):
        of, there = (np.floor(t * columns) == k for t in (time, at))
        assert kept[there].max() == np.nanmax(value[of])
        assert kept[there].min() == np.nanmin(value[of])
        assert at[there][0] == time[of & np.isfinite(value)][0]
    few = traces.thinned(time[:1000], value[:1000], (0.0, 1.0), columns)
    assert few[0] is not time
    np.testing.assert_array_equal(few[1], value[:1000])  # all of them, the gap too


@dataclass
class Cycled(FakeRun):
    """Cycles of two hours whose voltage settles within 2.4 min of each switch; the last value is the 5 V of its end."""

    hours: int = 120

    @property
    def series(self) -> dict[str, np.ndarray]:
        within = np.array([0.01, 0.02, 0.04, 0.2, 1.0])  # h after each switch
        time = np.concatenate([[0.0], (np.arange(self.hours)[:, None] + within).ravel()])
        sign = np.concatenate([[1.0], np.repeat(np.where(np.arange(self.hours) % 2 == 0, 1.0, -1.0), len(within))])
        settled = np.concatenate([[0.5], np.tile(1 - 0.5 * np.exp(-within / 0.01), self.hours)])
        voltage = 0.2 * sign * settled
        voltage[-1] = 5.0
        cycle = np.minimum(time // 2, self.hours // 2 - 1) + 1
        flat = np.full(len(time), 1e-6)
        return {"time": 3600 * time, "voltage": voltage, "current_density": 2 * sign, "cycle": cycle, "Sz": flat,
                "Sq": flat}  # fmt: skip


@pytest.mark.usefixtures("no_gl")
def test_a_voltage_trace_keeps_its_shape_and_its_end(sheets: list[Figure], tmp_path: Path) -> None:
    run = Cycled(times=np.array([0.0, 60.0, 120.0]) * 3600)
    series.series(run, tmp_path / "series.png")
    whole, last = sheets[0].axes[:2]
    assert whole.get_lines()[0].get_ydata().max() == 5000  # mV
    x, y = last.get_lines()[0].get_xydata().T
    assert last.get_xlim() == (116, 120)
    half = (x > 117.0) & (x <= 118.0)
    wanted = -200 * (1 - 0.5 * np.exp(-np.array([0.01, 0.02, 0.04, 0.2, 1.0]) / 0.01))
    np.testing.assert_allclose(y[half][:5], wanted, rtol=1e-12)  # 2.4 min stay 2.4 min
    np.testing.assert_allclose(np.diff(x[half][:5]), [0.01, 0.02, 0.16, 0.8], rtol=1e-9)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("0.2 mA/cm2, 780 h", "0.2 mA cm⁻², 780 h"), ("j (mA/cm^2)", "j (mA cm⁻²)"), ("(mA/cm²)", "(mA cm⁻²)"),
        ("R (ohm*cm^2)", "R (Ω cm²)"), ("R (ohm cm2)", "R (Ω cm²)"), ("c (mol/m^3)", "c (mol m⁻³)"),
        ("S/cm", "S cm⁻¹"), ("1/um", "µm⁻¹"), ("50 um", "50 µm"), ("(um^4)", "(µm⁴)"), ("(mAh/g)", "(mAh g⁻¹)"),
        ("3e-09 S/cm", f"3 {style.TIMES} 10⁻⁹ S cm⁻¹"),
        ("1.5e+12", f"1.5 {style.TIMES} 10¹²"), ("run-1e5.toml", "run-1e5.toml"),
        ("PLL/PLLZ", "PLL/PLLZ"), ("runs/m2", "runs/m2"), ("1000 K/T", "1000 K/T"), ("umlaut", "umlaut"),
        ("d ln(a)/d(path)/k", "d ln(a)/d(path)/k"), ("$x^2$", "$x^2$"),
    ],
)  # fmt: skip
def test_units_are_typeset(given: str, wanted: str) -> None:
    assert style.typeset(given) == wanted
    assert style.typeset(wanted) == wanted


UNTYPESET = re.compile(r"\[|/cm|/m\b|/m[2³3]|\bum\b|cm\^?2|/g\)|/L\)|\bohm\b|\$")


def check_sheet(figure: Figure) -> None:
    """Raise where letters are too small at the width of a page, an axis bears an offset, or a unit is not typeset."""
    least = style.SMALLEST * figure.get_figwidth() / style.PAGE
    assert min(float(t.get_fontsize()) for t in figure.findobj(Text)) >= least * (1 - 1e-9)
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            assert axis.get_offset_text().get_text() == ""
            assert not UNTYPESET.search(axis.get_label_text()), axis.get_label_text()


def test_an_axis_bears_numbers_in_full_and_no_offset() -> None:
    with style.look():
        figure = style.new_figure(4, 3)
        axes = figure.add_subplot()
        axes.plot([1e-7, 2e-7], [1e6 + 1, 1e6 + 2])
        axes.set(xlabel="width [um]", ylabel="c (mol/m^3)")
        figure.canvas.draw()
        assert axes.xaxis.get_label_text() == "width (µm)"
        assert axes.yaxis.get_label_text() == "c (mol m⁻³)"
        texts = [t.get_text() for t in axes.get_xticklabels()]
        assert len([text for text in texts if text]) <= 6  # long numbers do not run into each other
        assert f"1.2 {style.TIMES} 10⁻⁷" in texts
        assert axes.xaxis.get_offset_text().get_text() == axes.yaxis.get_offset_text().get_text() == ""


@dataclass
class Failing(Cycled):
    """A cell of 780 h beside one that was measured to fail at 110 h."""

    hours: int = 780


@pytest.mark.usefixtures("no_gl")
def test_measured_values_are_seen_and_said(sheets: list[Figure], tmp_path: Path) -> None:
    references = {
        "PLL": {"Sz": 200 * UM, "Sz_text": "> 200", "bounds": ("Sz",), "voltage_start": 0.2, "voltage_end": 1.0,
                "end_time": 110.0 * 3600, "failed": 110.0 * 3600, "failure": "measured: 1 V, then open circuit"},
        "PLLZ": {"Sz": 50 * UM, "voltage_start": 0.16, "voltage_end": 0.16},
    }  # fmt: skip
    runs = [Failing(), Failing("Li | PLLZ | Li, 0.2 mA/cm2, 780 h")]
    compare.comparison(runs, tmp_path / "plate.png", references=references)
    figure = sheets[0]
    check_sheet(figure)
    assert colliding(figure) == []
    texts = [t.get_text() for t in figure.findobj(Text)]
    assert [t for t in texts if len(t) == 1 and t.isalpha()] == list("abcdefg")
    for wanted in ("measured: 1 V, then open circuit", "simulated, after the measured cell failed",
                   "measured, arrow: a lower bound", "Sz, levelled (µm)"):  # fmt: skip
        assert wanted in texts
    voltage, sz = (next(a for a in figure.axes if a.get_ylabel() == name) for name in ("cell voltage (mV)", "Sz (µm)"))
    for axes, count in ((voltage, 4), (sz, 2)):
        marks = [line for line in axes.get_lines() if line.get_marker() in traces.SHAPES]
        assert len(marks) == count
        at = np.array([axes.transData.transform(line.get_xydata()[0]) for line in marks])
        apart = [np.abs(a - b).max() for k, a in enumerate(at) for b in at[:k]]
        size = traces.SIZE * figure.dpi / 72
        assert min(apart) > size  # no mark covers another
        box = axes.get_window_extent()
        assert (at - size / 2 > [box.x0, box.y0]).all()  # nor does the frame cover one
        assert (at + size / 2 < [box.x1, box.y1]).all()
    arrows = [a for a in sz.texts if getattr(a, "arrow_patch", None) is not None]
    assert len(arrows) == 1
    assert traces.lighter("black", 0.25) == (0.75, 0.75, 0.75)
    for axes in (voltage, sz):  # the simulated curve is pale from the failure of the measured cell on
        pale = traces.lighter(style.RUN_COLOURS[0], traces.LIGHTER)
        later = [line for line in axes.get_lines() if line.get_color() == pale and len(line.get_xdata()) > 2]
        assert min(line.get_xdata().min() for line in later) >= 110 - 1e-9


def test_curves_that_lie_on_each_other_can_be_told_apart(sheets: list[Figure], tmp_path: Path) -> None:
    series.series([SMOOTH, SMOOTH, ROUGH], tmp_path / "three.png")
    styles = [line.get_linestyle() for line in sheets[0].axes[-1].get_lines()]
    assert styles == ["-", "--", "-"]


@pytest.fixture
def plots(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """Every plain figure that is saved."""
    return kept_figures(monkeypatch, lines)


def test_many_marks_keep_their_extremes(plots: list[Figure], tmp_path: Path) -> None:
    x = np.linspace(0.0, 61.0, 3000)
    y = 0.2 + 0.01 * x
    y[-7], y[1234] = 5.0, 0.05
    lines.draw(lines.Plot("a", "steps", "time (h)", "U (V)", (lines.Curve("", x, y),)), tmp_path)
    drawn = plots[0].axes[0].get_lines()[0]
    assert len(drawn.get_xdata()) <= 2 * lines.MANY
    assert (drawn.get_ydata().max(), drawn.get_ydata().min()) == (5.0, 0.05)
    assert drawn.get_markevery() is None


def test_plain_figures_start_at_zero_and_tell_their_curves_apart(plots: list[Figure], tmp_path: Path) -> None:
    x = np.linspace(0.0, 1.0, 50)
    curves = [lines.Curve(name, x, 2e-8 * y, theory=True) for name, y in (("a", x), ("b", x * 1.0001), ("c", 1 - x))]
    lines.draw(lines.Plot("a", "", "film [um]", "conductivity (S/cm)", tuple(curves)), tmp_path)
    axes = plots[0].axes[0]
    assert min(*axes.get_xlim(), *axes.get_ylim()) == 0.0
    assert [line.get_linestyle() for line in axes.get_lines()] == ["-", "--", "-"]
    check_sheet(plots[0])
    below = lines.Curve("", x, x - 0.5)
    lines.draw(lines.Plot("b", "", "x", "y", (below,)), tmp_path)
    assert plots[1].axes[0].get_ylim()[0] < -0.5


def test_bars_on_one_side_do_not_cover_each_other(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    saved: list[Figure] = []
    monkeypatch.setattr(attribution, "save", lambda figure, path: saved.append(figure) or style.save(figure, path))
    ends = (("both lower", 30.0, 35.0), ("apart", 30.0, 50.0))
    found = [attribution.Range(name, "1 um", low, "2 um", high) for name, low, high in ends]
    attribution.ranges([("Sz (um)", 40.0, found)], "ranges", tmp_path / "ranges.png")
    heights = [float(line.get_ydata()[0]) for line in saved[0].axes[0].get_lines() if len(line.get_ydata()) == 1]
    assert heights == [-attribution.APART, attribution.APART, 1.0, 1.0]
    assert colliding(saved[0]) == []
    check_sheet(saved[0])


def test_marks_of_a_spectrum_bear_frequencies_with_prefixes() -> None:
    assert [nyquist._hertz(f) for f in (7.3e-4, 730.0, 1.2e4, 3e6)] == ["0.73 mHz", "730 Hz", "12 kHz", "3.0 MHz"]


@pytest.mark.usefixtures("no_gl")
def test_sdr_is_in_percent_on_a_plate(sheets: list[Figure], tmp_path: Path) -> None:
    plate.plate(ROUGH, tmp_path / "plate.png")
    texts = [t.get_text() for t in sheets[0].axes[-1].texts]
    at = texts.index("Sdr (%)")
    found = texture(ROUGH.heights[-1], ROUGH.spacing, periodic=True).Sdr
    assert texts[at + len(plate.LENGTHS) + len(plate.NUMBERS) + 1] == style.significant_digits(100.0 * found)


def test_a_title_states_the_time_that_was_run() -> None:
    short = FakeRun(times=np.array([0.0, 6.0, 12.0]) * 3600)
    assert stored.title_of(short) == "Li | PLL | Li, 0.2 mA/cm2, 12 h"
    assert stored.title_of(ROUGH) == ROUGH.title
    assert stored.labels([short, SMOOTH])[0] == ["Li | PLL | Li, 12 h", "Li | PLLZ | Li, 780 h"]


def test_words() -> None:
    assert stored.labels([ROUGH, SMOOTH]) == (["Li | PLL | Li", "Li | PLLZ | Li"], "0.2 mA/cm2, 780 h")
    assert stored.labels([ROUGH, ROUGH])[0] == ["run 1", "run 2"]
    assert stored.find_reference(REFERENCES, "Li | PLLZ | Li")["Sz"] == 50 * UM
    assert stored.find_reference(REFERENCES, "Li | PLZ | Li") == {}
    assert [stored.duration(t) for t in (0, 12, 90, 780 * 3600)] == ["0 h", "12 s", "1.5 min", "780 h"]
    texts = [style.significant_digits(v) for v in (6, 50.04, 200, 1234, 0, None, -0.5, 3e-7)]
    assert texts == ["6.00", "50.0", "200", "1230", "0", "\u2013", "\u22120.500", "3.00e\u221207"]
    with pytest.raises(ValueError, match="frames 0 to 2"):
        stored.frame_index(ROUGH, 3)


def test_without_pyvista_the_painter_draws_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "pyvista", None)  # its import fails
    monkeypatch.delenv("PHASEFIELD_GL", raising=False)
    gl._warn.cache_clear()
    assert not gl.available()
    with caplog.at_level("WARNING"):
        assert surface.surface(ROUGH, tmp_path / "surface.png", -1).stat().st_size > 10_000
    assert "PyVista cannot be imported" in caplog.text
    assert "pip install pyvista" in caplog.text
