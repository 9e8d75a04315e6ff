"""Measured profiles: files read and written, maps made to fit a box, cases that start from one."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from commands import call, write_case
from matplotlib.figure import Figure

from phasefield.api import read_case
from phasefield.errors import CaseError
from phasefield.model.initial_surface import initial_height
from phasefield.results.run import open_run
from phasefield.studies.profiles import side_by_side
from phasefield.topography.profiles import FORMATS, Profile, ProfileError, fitted, read_profile, write_profile
from phasefield.topography.profiles.spectra import radial_autocorrelation, radial_spectrum
from phasefield.topography.roughness import subtract_plane, texture
from phasefield.viz import style
from phasefield.viz.plots import profile as plate

PIXEL = 1.5e-6


def rough(shape: tuple[int, int] = (60, 80), seed: int = 1) -> np.ndarray:
    """Return a correlated surface of 2 um rms, m; periodic."""
    from scipy.ndimage import gaussian_filter

    z = gaussian_filter(np.random.default_rng(seed).normal(size=shape), 3.0, mode="wrap")
    return np.asarray(2e-6 * (z - z.mean()) / z.std())


def figures(z: np.ndarray, pixel: float) -> dict[str, float]:
    found = texture(z, pixel, periodic=False, level=False).as_dict()
    return {name: found[name] for name in ("Sa", "Sq", "Sp", "Sv", "Sz", "Ssk", "Sku", "Sdq", "Sdr", "Sal")}


@pytest.mark.parametrize("ending", [".sdf", ".gwy", ".npz", ".csv"])
def test_a_map_comes_back_as_it_was_written(ending: str, tmp_path: Path) -> None:
    if ending in (".sdf", ".gwy"):
        pytest.importorskip("SurfaceTopography")
    z = rough()
    z[3, 70] += 5e-6  # tells the axes and their directions apart
    path = write_profile(tmp_path / f"map{ending}", Profile(z, (PIXEL, PIXEL), "here"), "Li | PLL | Li, 780 h")
    back = read_profile(path)
    assert back.pixel == pytest.approx((PIXEL, PIXEL), rel=1e-9)
    np.testing.assert_allclose(back.heights, z, rtol=0.0, atol=2e-9 * np.abs(z).max())  # 10 digits in text formats
    for name, value in figures(z, PIXEL).items():
        assert figures(back.heights, back.pixel[0])[name] == pytest.approx(value, rel=1e-6), name


def test_a_pixel_that_contradicts_the_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "map.npz"
    np.savez(file, heights=np.random.default_rng(1).random((20, 20)) * 1e-6, pixel=8e-6)
    assert read_profile(file, 8e-6).pixel == (8e-6, 8e-6)
    with pytest.raises(ProfileError, match="8e-06 x 8e-06 m, 1e-06 m was given beside it"):
        read_profile(file, 1e-6)


def test_pixels_may_be_oblong(tmp_path: Path) -> None:
    pytest.importorskip("SurfaceTopography")
    for ending in (".sdf", ".gwy", ".npz"):
        back = read_profile(write_profile(tmp_path / f"a{ending}", Profile(rough(), (1e-6, 3e-6), "here")))
        assert back.pixel == pytest.approx((1e-6, 3e-6), rel=1e-9)
    with pytest.raises(ProfileError, match="not square"):
        write_profile(tmp_path / "a.csv", Profile(rough(), (1e-6, 3e-6), "here"))


def test_figures_are_those_of_surfalize() -> None:
    surfalize = pytest.importorskip("surfalize")
    z = rough((200, 240), seed=5)
    theirs = surfalize.Surface(z * 1e6, 1e6 * PIXEL, 1e6 * PIXEL)
    for name, value in figures(z, PIXEL).items():
        length = name in ("Sa", "Sq", "Sp", "Sv", "Sz", "Sal")
        other = float(getattr(theirs, name)()) * (1e-6 if length else 0.01 if name == "Sdr" else 1.0)
        # slopes: central differences there, facets here; Sal: between pixels there, along rays here
        share = {"Sdq": 0.01, "Sdr": 0.02, "Sal": 0.01}.get(name, 1e-3)
        assert value == pytest.approx(other, rel=share), name


@pytest.mark.parametrize("ending", [".stl", ".ply"])
def test_meshes_are_the_surface_in_micrometres(ending: str, tmp_path: Path) -> None:
    import pyvista

    z = rough((20, 30))
    mesh = pyvista.read(write_profile(tmp_path / f"map{ending}", Profile(z, (PIXEL, PIXEL), "here"), "title"))
    assert (mesh.n_points, mesh.n_cells) == (600, 2 * 19 * 29)
    points = np.asarray(mesh.points)
    order = np.lexsort((points[:, 0].round(4), points[:, 1].round(4)))
    np.testing.assert_allclose(points[order, 2], 1e6 * z.ravel(), atol=1e-5)  # float32
    assert points[:, 0].max() == pytest.approx(29.5 * 1.5, rel=1e-6)
    normals = mesh.compute_normals(point_normals=False, auto_orient_normals=False, consistent_normals=False)
    assert np.all(np.asarray(normals.cell_data["Normals"])[:, 2] > 0.0)


# Text.


def text(folder: Path, content: str, name: str = "map.csv") -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def test_text_says_its_units(tmp_path: Path) -> None:
    both = read_profile(text(tmp_path, "# unit: um\n# pixel: 2 um\n1; 2; 3\n4;5;6\n"))
    np.testing.assert_allclose(both.heights, 1e-6 * np.array([[1, 2, 3], [4, 5, 6]]), rtol=1e-15)
    assert both.pixel == (2e-6, 2e-6)
    decimal = read_profile(text(tmp_path, "# unit: um\n# pixel: 2 um\n1,5;2;3\n4;5,25;6\n"))
    np.testing.assert_allclose(decimal.heights, 1e-6 * np.array([[1.5, 2, 3], [4, 5.25, 6]]), rtol=1e-15)
    columns = read_profile(text(tmp_path, "x y z\n# unit: nm\n0 0 1\n10 0 2\n0 20 3\n10 20 4\n", "a.txt"))
    np.testing.assert_allclose(columns.heights, 1e-9 * np.array([[1, 2], [3, 4]]), rtol=1e-15)
    assert columns.pixel == pytest.approx((10e-9, 20e-9))


UM = "# unit: um\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "holds no numbers"), (f"{UM}1,2\n3\n", "line 3 has 1 numbers"), (f"{UM}1,2\nx,y\n", "line 3"),
        ("# unit: V\n1,2\n", "line 1"), (f"{UM}0 0 1\n1 0 2\n0 1 3\n1.5 1 5\n", "no grid of equal steps"),
        ("# pixel: 0 um\n1,2\n", "line 1: .*above 0"), ("# pixel: -2 um\n1,2\n", "line 1: .*above 0"),
        (f"{UM}1,2\n,\n", "missing"), (f"{UM}1\n2\n", "2 points or more"),
        ("1,2\n3,4\n", "does not say the unit .*# unit: um.*--unit"),
        ("# data unit=rad\n1,2\n", "line 1: .*1 rad.* a length"), ("# Value units: V\n1,2\n", "line 1: .*is a voltage"),
        ("# Width: 10\n1,2\n", "line 1: .*no unit"), (f"{UM}# x-scale: 3\n1,2\n", "line 2: what 'x scale' says"),
        (f"{UM}# Width: 10 um\n1,2\n", "one edge"), (f"{UM}# unit: nm\n1,2\n", "line 2: .*told before"),
        (f"{UM}# pixel: 1 um\n# Width: 10 um\n# Height: 2 um\n1,2\n", "do not agree"),
        (f"{UM}1,2\n# Channel: Phase\n3,4\n", "line 3: a second map"), (f"{UM}1,2\n1_0,2\n", "line 3"),
        (f"{UM}0 1\n1 2\n3 4\n", "x in equal steps"), (f"{UM}0 1\n2 2\n1 4\n", "x in equal steps"),
        (UM + "".join(f"{k} {k} 1\n" for k in range(10)), "fill 10 of 10 x 10 points"),
        (f"{UM}0 0 1\n1 0 2\n0 1 3\n1 1 5\n1 1 5\n", "a point twice"),
        (f"{UM}# pixel: 1 um\n0 0 1\n1 0 2\n0 1 3\n1 1 5\n", "columns of coordinates"),
        (f"{UM}0 0 1\n1 0 ***\n0 1 ***\n1 1 5\n", "50 % of its points are missing, 30 % are"),
        ("# unit: m\n1,2\n30,60\n", "span 59 m.*--unit"), (f"{UM}# pixel: 1 km\n1,2\n", "its pixel is 1e.03 x"),
        ("# unit: um\n1,2\n99999,4\n", "span 0.1 m"), (f"{UM}NX = 12\n1,2\n", "line 2: what 'nx' says"),
    ],
)  # fmt: skip
def test_bad_text_is_one_line(content: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=words) as error:
        read_profile(text(tmp_path, content))
    assert "\n" not in str(error.value)
    assert "map.csv" in str(error.value)


def test_the_head_of_a_gwyddion_export_is_believed(tmp_path: Path) -> None:
    head = "# Channel: Topography\n# Width: 10.00 µm\n# Height: 4.00 µm\n# Value units: {}\n"
    rows = "\n".join("\t".join(f"{0.1 * (i + 5 * j):.1f}" for i in range(5)) for j in range(2)) + "\n"
    for unit, size in (("µm", 1e-6), ("m", 1e-3), ("nm", 1e-9)):
        scaled = re.sub(r"[0-9.]+", lambda number: f"{float(number[0]) * 1e-3:.6g}", rows) if unit == "m" else rows
        for encoding in ("utf-8", "latin-1", "utf-16"):
            (tmp_path / "map.txt").write_bytes((head.format(unit) + scaled).encode(encoding))
            found = read_profile(tmp_path / "map.txt")
            assert found.pixel == pytest.approx((2e-6, 2e-6), rel=1e-12)
            np.testing.assert_allclose(found.heights, size * 0.1 * np.arange(10).reshape(2, 5), rtol=1e-12, atol=1e-20)


def test_two_columns_are_a_line_of_a_stylus(tmp_path: Path) -> None:
    rows = "".join(f"{k / 3:.3f} {k % 4}\n" for k in range(30))  # x rounded to 1/300 of a step
    line = read_profile(text(tmp_path, f"# unit: um\n{rows}", "line.txt"))
    assert line.heights.shape == (1, 30)
    assert line.pixel == pytest.approx((1e-6 / 3, 1e-6 / 3), rel=1e-4)  # 1 of 9667 thousandths
    np.testing.assert_allclose(line.heights[0], 1e-6 * (np.arange(30) % 4), rtol=1e-15)
    other = read_profile(text(tmp_path, f"# x-unit: mm\n# z-unit: nm\n{rows}", "line.txt"))
    assert other.pixel == pytest.approx((1e-3 / 3, 1e-3 / 3), rel=1e-4)
    np.testing.assert_allclose(other.heights, 1e-3 * line.heights, rtol=1e-12)


@pytest.mark.parametrize("word", ["nan", "Bad", "***", "", "--", "N/A"])
def test_words_for_a_missing_point_are_read(word: str, tmp_path: Path) -> None:
    rows = [[f"{i + 10 * j}" for i in range(6)] for j in range(6)]
    rows[2][3] = word
    content = "# unit: um\n" + "\n".join(";".join(row) for row in rows)
    found = read_profile(text(tmp_path, content)).heights * 1e6
    assert found[2, 3] == pytest.approx(23.0)  # the plane that its neighbours lie in
    xyz = "".join(f"{i} {j} {z or 'nan'}\n" for j, row in enumerate(rows) for i, z in enumerate(row))
    np.testing.assert_array_equal(read_profile(text(tmp_path, f"# unit: um\n{xyz}", "a.txt")).heights * 1e6, found)
    holes = "".join(f"{i} {j} {z}\n" for j, row in enumerate(rows) for i, z in enumerate(row) if z != word)
    np.testing.assert_array_equal(read_profile(text(tmp_path, f"# unit: um\n{holes}", "b.txt")).heights * 1e6, found)


def test_a_separator_at_the_end_of_each_row_is_no_column(tmp_path: Path) -> None:
    found = read_profile(text(tmp_path, "# unit: um\n" + "".join(f"{k},{k + 1},{k + 2},\n" for k in range(2))))
    np.testing.assert_allclose(found.heights, 1e-6 * np.array([[0, 1, 2], [1, 2, 3]]), rtol=1e-15)


def test_the_option_says_the_unit_where_the_file_does_not(tmp_path: Path) -> None:
    assert read_profile(text(tmp_path, "1,2\n3,4\n"), unit=1e-6).heights[1, 1] == 4e-6
    assert read_profile(text(tmp_path, "# unit: nm\n1,2\n3,4\n"), unit=1e-6).heights[1, 1] == 4e-9


def test_formats_are_known_by_what_they_hold(tmp_path: Path) -> None:
    pytest.importorskip("SurfaceTopography")
    whole = write_profile(tmp_path / "map.gwy", Profile(rough(), (PIXEL, PIXEL), "here"))
    for name in ("map.dat", "map.plu", "map", "map.tmd"):
        assert read_profile(whole.rename(tmp_path / name)).pixel == pytest.approx((PIXEL, PIXEL))
        whole = tmp_path / name
    rows = "1 2 3 4\n5 6 7 8\n9 1 2 3\n"
    (tmp_path / "rows.prn").write_text(f"# Width: 8 um\n# Height: 6 um\n# Value units: nm\n{rows}")
    found = read_profile(tmp_path / "rows.prn")
    assert (found.heights[1, 3], found.pixel) == (8e-9, pytest.approx((2e-6, 2e-6)))
    (tmp_path / "rows.prn").write_text(rows)
    with pytest.raises(ProfileError, match="does not say the unit"):
        read_profile(tmp_path / "rows.prn")
    (tmp_path / "tile.json").write_bytes(bytes(2 * 1201**2))  # as long as a tile of terrain
    with pytest.raises(ProfileError, match="no known format"):
        read_profile(tmp_path / "tile.json")


def test_an_archive_that_unpacks_to_more_than_memory_is_refused(tmp_path: Path) -> None:
    import zipfile

    def head(shape: tuple[int, ...]) -> bytes:
        held = io.BytesIO()
        np.lib.format.write_array_header_1_0(held, {"descr": "<f8", "fortran_order": False, "shape": shape})
        return held.getvalue()

    (tmp_path / "map.npy").write_bytes(head((10**6, 10**6)) + bytes(80))
    with zipfile.ZipFile(tmp_path / "map.npz", "w", zipfile.ZIP_DEFLATED) as packed:
        with packed.open("heights.npy", "w", force_zip64=True) as member:
            member.write(head((2**10, 2**19 + 1)))
            for _ in range(4):  # 4 MB packed; its entry in the directory is what is looked at
                member.write(bytes(2**20))
        packed.filelist[0].file_size = 2**33
    whole = rough()
    np.savez(tmp_path / "cut.npz", heights=whole)
    broken = bytearray((tmp_path / "cut.npz").read_bytes())
    broken[400:404] = b"abcd"
    (tmp_path / "cut.npz").write_bytes(broken)
    for name, words in (
        ("map.npy", "no file of numbers"), ("map.npz", "unpacks to more than 4 GB"), ("cut.npz", "BadZipFile"),
    ):  # fmt: skip
        with pytest.raises(ProfileError, match=words):
            read_profile(tmp_path / name)


def test_a_broken_instrument_file_is_one_line(tmp_path: Path) -> None:
    pytest.importorskip("SurfaceTopography")
    whole = write_profile(tmp_path / "map.gwy", Profile(rough(), (PIXEL, PIXEL), "here")).read_bytes()
    (tmp_path / "cut.gwy").write_bytes(whole[:300])
    for name in ("cut.gwy",):
        with pytest.raises(ProfileError, match=r"no known format.* damaged") as error:
            read_profile(tmp_path / name)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("share", [0.0005, 0.24])
def test_missing_points_are_filled_harmonically(share: float, tmp_path: Path) -> None:
    """x^2 - y^2 and x y are harmonic in the five-point sense, so a hole inside must come back exactly."""
    y, x = np.meshgrid(np.arange(48.0) - 20.0, np.arange(60.0) - 31.0, indexing="ij")
    z = 1e-9 * (x**2 - y**2 + 3.0 * x * y) + 1e-3
    holes = np.zeros(z.shape, dtype=bool)
    holes[1:-1, 1:-1] = np.random.default_rng(3).random((46, 58)) < share
    holes[10:20, 30:50] = share > 0.1
    holes[20, 20] = True
    np.save(tmp_path / "map.npy", np.where(holes, np.nan, z))
    back = read_profile(tmp_path / "map.npy")
    assert back.missing == holes.mean()
    np.testing.assert_array_equal(back.heights[~holes], z[~holes])
    # round-off times the condition, some hundreds for a hole 20 points wide
    np.testing.assert_allclose(back.heights, z, rtol=0, atol=1e-12 * np.ptp(z) + 1e-16)


def test_a_hole_at_the_side_ends_level(tmp_path: Path) -> None:
    z = np.repeat(np.linspace(0.0, 1e-6, 40)[:, None], 30, axis=1)
    z[-5:] = np.nan
    np.save(tmp_path / "map.npy", z)
    np.testing.assert_allclose(read_profile(tmp_path / "map.npy").heights[-5:], z[34, 0], rtol=1e-6)


def test_too_many_missing_points_are_refused_and_many_are_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    z = rough()
    z.flat[: int(0.2 * z.size)] = np.nan
    np.save(tmp_path / "map.npy", z)
    read_profile(tmp_path / "map.npy")
    assert "20 % of its points are missing; they were filled harmonically" in caplog.text
    z.flat[: int(0.31 * z.size)] = np.nan
    np.save(tmp_path / "map.npy", z)
    with pytest.raises(ProfileError, match=r"31 % of its points are missing, 30 % are allowed; cut out"):
        read_profile(tmp_path / "map.npy")


def test_x3p_is_written_and_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("SurfaceTopography")
    x3pio = pytest.importorskip("x3pio")
    z = rough((9, 14))
    path = write_profile(tmp_path / "map.x3p", Profile(z, (2 * PIXEL, PIXEL), "here"), "a <title>")
    back = read_profile(path)
    np.testing.assert_array_equal(x3pio.read(path).layers[0].z, z)
    np.testing.assert_allclose(back.heights, z, rtol=1e-12)
    assert back.pixel == pytest.approx((2 * PIXEL, PIXEL))
    monkeypatch.setitem(sys.modules, "x3pio", None)
    with pytest.raises(ProfileError, match="pip install"):
        write_profile(tmp_path / "other.x3p", Profile(z, (PIXEL, PIXEL), "here"))
    assert not (tmp_path / "other.x3p").exists()


def test_nothing_is_written_that_is_no_surface(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"\.sdf, \.gwy"):
        write_profile(tmp_path / "a.png", Profile(rough(), (PIXEL, PIXEL), "here"))
    with pytest.raises(ProfileError, match="no surface"):
        write_profile(tmp_path / "a.stl", Profile(rough((1, 80)), (PIXEL, PIXEL), "here"))
    assert list(FORMATS) == [".sdf", ".gwy", ".x3p", ".stl", ".ply", ".npz", ".csv"]
    assert not list(tmp_path.iterdir())


# On a box.


def test_a_map_without_pixels_covers_the_box_as_it_is() -> None:
    z = rough((12, 16))
    np.testing.assert_array_equal(fitted(Profile(z, None, ""), (12, 16), 1.0), z)
    coarse = fitted(Profile(z, None, ""), (6, 4), 1.0)
    np.testing.assert_allclose(coarse, z.reshape(6, 2, 4, 4).mean(axis=(1, 3)), rtol=0, atol=1e-20)
    x = (np.arange(16) + 0.5) / 16
    wave = np.cos(2 * math.pi * x)[None].repeat(4, axis=0)
    fine = fitted(Profile(wave, None, ""), (4, 64), 1.0, periodic=True)
    exact = np.cos(2 * math.pi * (np.arange(64) + 0.5) / 64)
    # linear between points h apart: at most (2 pi h)^2/8 = 0.019
    assert np.abs(fine - exact).max() < 0.02


def test_a_measured_map_is_levelled_cut_and_joined() -> None:
    ny, nx = 100, 140
    y, x = np.meshgrid(np.arange(ny), np.arange(nx), indexing="ij")
    z = rough((ny, nx), 3) + 1e-3 + 4e-8 * x - 7e-8 * y  # tilted by 4 and 7 % of a pixel
    profile = Profile(z, (1e-6, 1e-6), "map")
    plain = fitted(profile, (32, 32), 2e-6, "cut")
    middle = subtract_plane(z)[18:82, 38:102].reshape(32, 2, 32, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(plain, middle - middle.mean(), rtol=0, atol=1e-19)
    joined = fitted(profile, (32, 32), 2e-6, "taper")
    step = np.abs(joined[:, 0] - joined[:, -1])
    inside = np.abs(np.diff(joined, axis=1)).max()
    assert np.abs(plain[:, 0] - plain[:, -1]).max() > 2 * inside
    assert step.max() < inside
    np.testing.assert_allclose(joined[4:-4, 4:-4] - joined[16, 16], plain[4:-4, 4:-4] - plain[16, 16], atol=1e-19)
    folded = fitted(profile, (32, 32), 2e-6, "mirror")
    np.testing.assert_array_equal(folded, folded[::-1])
    np.testing.assert_array_equal(folded, folded[:, ::-1])
    with pytest.raises(ProfileError, match="100 um long along y, 128 um are needed"):
        fitted(profile, (64, 64), 2e-6)
    assert fitted(profile, (64, 64), 2e-6, "mirror").shape == (64, 64)


@pytest.mark.parametrize("pixel", [0.3, 2.0, 2.6, 7.0, 24.0])
def test_a_cut_is_as_wide_as_the_box_whatever_the_pixel(pixel: float) -> None:
    """The cut ends inside of pixels: a wave keeps its length and its place."""
    n = round(200.0 / pixel)
    x = (np.arange(n) + 0.5 - 0.5 * n) * pixel  # um, from the middle
    z = 1e-6 * np.sin(2.0 * math.pi * x / 400.0)[None].repeat(n, axis=0)
    own = fitted(Profile(z, (1e-6 * pixel, 1e-6 * pixel), "map"), (16, 16), 2e-6)
    at = (np.arange(16) + 0.5 - 8.0) * 2.0
    h = 2.0 * math.pi * max(pixel, 2.0) / 400.0
    slope = np.polyfit(x, z[0], 1)[0]  # is levelled away
    wanted = 1e-6 * np.sin(2.0 * math.pi * at / 400.0) - slope * at
    assert np.polyfit(at, own[0], 1)[0] == pytest.approx(np.polyfit(at, wanted, 1)[0], rel=0.01 + h**2 / 4)
    # linear between points h apart: at most h^2/8
    assert np.abs(own[0] - wanted).max() < 1e-6 * (h**2 / 8 + 1e-3)


def test_short_waves_are_left_out_and_not_taken_for_long_ones() -> None:
    x = np.arange(1024)
    z = np.cos(2 * math.pi * x / 3.2)[None].repeat(32, axis=0)  # 3.2 pixels; cells of 16 pixels
    profile = Profile(z, (1e-6, 1e-6), "map")
    assert np.abs(fitted(profile, (2, 64), 4e-6 * 4)).max() < 0.1  # a mean over 5 waves
    assert np.abs(z[:, ::16]).max() > 0.9  # what picking every 16th would give


# In a case.


def surface_case(folder: Path, lines: str) -> Path:
    path = write_case(folder)
    body = path.read_text().replace("[surface]\n", f"[surface]\n{lines}\n").replace(
        'size = ["32 um", "48 um"]', 'size = ["32 um", "32 um", "48 um"]'
    )
    path.write_text(body.replace('wave = { amplitude = "1 um", wavelength = "32 um" }\n', ""))
    return path


def test_a_case_starts_from_a_measured_surface(tmp_path: Path) -> None:
    z = rough((64, 64))
    np.savez(tmp_path / "map.npz", heights=z, pixel=1e-6)
    case = read_case(surface_case(tmp_path, 'file = "map.npz"'))
    start = initial_height(case)
    assert start.shape == (16, 16)
    assert start.mean() == pytest.approx(16e-6, rel=1e-12)
    measured = fitted(read_profile(tmp_path / "map.npz"), (16, 16), 2e-6, "taper")
    np.testing.assert_allclose(start - 16e-6, measured, rtol=0, atol=1e-19)
    assert case.surface.sides == "taper"
    again = tmp_path / "resolved.toml"
    again.write_text(case.resolved_toml())
    assert read_case(again) == case
    np.savez(tmp_path / "map.npz", heights=0.5 * z, pixel=1e-6)
    with pytest.raises(CaseError, match="has changed since"):
        read_case(again)
    assert read_case(tmp_path / "tiny.toml").hash != case.hash


def test_a_surface_that_does_not_do_is_one_line(tmp_path: Path) -> None:
    np.save(tmp_path / "map.npy", rough((20, 20)))
    with pytest.raises(CaseError, match="32 um are needed"):
        read_case(surface_case(tmp_path, 'file = "map.npy"\npixel = "1 um"'))
    with pytest.raises(CaseError, match="none of cut, taper, mirror"):
        read_case(surface_case(tmp_path, 'file = "map.npy"\nsides = "glue"'))
    with pytest.raises(CaseError, match=r"surface\.file"):
        read_case(surface_case(tmp_path, 'sides = "taper"'))


# Spectra, and surfaces side by side.


def test_the_spectrum_holds_the_variance_and_its_peak_is_the_wave() -> None:
    n, dx = 128, 1e-6
    x = (np.arange(n) + 0.5) * dx
    z = 1e-6 * np.cos(2.0 * math.pi * 16 * x / (n * dx))[None].repeat(n, axis=0)
    q, C = radial_spectrum(z, dx)
    assert q[np.argmax(C * q)] == pytest.approx(2.0 * math.pi * 16 / (n * dx), rel=1e-12)
    rough_one = rough((n, n), 4)
    q, C = radial_spectrum(rough_one, dx)
    k = np.fft.fftfreq(n, 1 / n)
    ring = np.bincount(np.rint(np.hypot(k[:, None], k)).astype(int).ravel())[1 : n // 2 + 1]
    variance = np.sum(C * ring) / (n * dx) ** 2  # d^2q/(2 pi)^2 = 1/L^2 a point
    # the window weighs the middle more: a few correlated patches fewer
    assert variance == pytest.approx(np.var(rough_one), rel=0.15)


def test_the_autocorrelation_of_a_gaussian_surface_is_gaussian() -> None:
    """White noise through a Gaussian of s: exp(-(r/2s)^2)."""
    from scipy.ndimage import gaussian_filter

    s, n = 4.0, 512
    z = gaussian_filter(np.random.default_rng(8).normal(size=(n, n)), s, mode="wrap")
    r, a = radial_autocorrelation(z, 1.0)
    assert a[0] == 1.0
    near = r < 16
    # (512/8)^2 = 4000 independent patches; rings of width 1 are 0.02 off where the slope is greatest
    np.testing.assert_allclose(a[near], np.exp(-((r[near] / (2 * s)) ** 2)), atol=0.05)


def test_what_is_drawn_is_levelled_where_it_is_drawn() -> None:
    """A long form that a plane does not take from the whole map does not stand in spectrum, heights and figures."""
    x = (np.arange(512) + 0.5) / 512 - 0.5
    form = 4e-6 * x**3
    whole = Profile(form[None].repeat(512, axis=0) + rough((512, 512), 2) * 0.1, (1e-6, 1e-6), "whole")
    part = Profile(rough((64, 64), 3), (1e-6, 1e-6), "part")
    shown, _ = side_by_side([whole, part], ["whole", "part"])
    for one in shown:
        assert one.heights.std() == pytest.approx(one.figures["Sq"], rel=1e-6)
        np.testing.assert_allclose(subtract_plane(one.heights), one.heights, atol=1e-12)


def test_a_flat_map_has_dashes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    np.savez("flat.npz", heights=np.zeros((16, 16)), pixel=1e-6)
    assert call("profile", "flat.npz") == 0
    said = capsys.readouterr().out
    assert re.search(r"Ssk\s+-", said)


def test_a_plate_of_profiles_shows_no_negative_density(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved: list[Figure] = []
    monkeypatch.setattr(plate, "save", lambda figure, path: saved.append(figure) or style.save(figure, path))
    maps = [Profile(rough((32, 32), k), (1e-6, 1e-6), str(k)) for k in (1, 2)]
    shown, spacing = side_by_side(maps, ["one", "two"])
    plate.profiles_plate(shown, spacing, tmp_path / "plate.png")
    axes = {a.get_ylabel(): a for a in saved[0].axes}
    assert axes["density (\u00b5m\u207b\u00b9)"].get_ylim()[0] == 0.0
    assert axes["autocorrelation"].get_xlim()[0] == 0.0
    spectrum = axes["power spectral density (\u00b5m\u2074)"]
    assert len([t for t in spectrum.get_xticklabels() if t.get_text()]) >= 3  # an axis of one decade can be read


def test_measured_and_simulated_come_on_one_plate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    from scipy.ndimage import gaussian_filter

    z = 0.5 * gaussian_filter(rough((64, 64)), 3.0, mode="wrap")  # long waves: cells of 2 um carry them
    np.savez(tmp_path / "map.npz", heights=z, pixel=1e-6)
    case = surface_case(tmp_path, 'file = "map.npz"')
    assert call("run", case, "-s", 'grid.lateral="mirror"', "--out", "run", "-q") == 0
    assert call("profile", "map.npz", "run", "--frame", 0, "--name", "measured") == 0
    said = capsys.readouterr().out
    assert "on 32 x 32 um, points of 2 um" in said
    found = json.loads((tmp_path / "profile" / "profile.json").read_text())["surfaces"]
    assert [one["name"] for one in found] == ["measured", "run"]
    assert re.search(rf"Sdr \(%\)\s+{100.0 * found[0]['Sdr']:.4g}", said)
    table = list(csv.DictReader((tmp_path / "profile" / "profile.csv").read_text().splitlines()))
    assert float(table[0]["Sdr [%]"]) == 100.0 * found[0]["Sdr"]
    # the run began with this very surface; as a signed distance, waves of eight cells lose 3 % of their height
    assert found[1]["Sq"] == pytest.approx(found[0]["Sq"], rel=0.05)
    assert (tmp_path / "profile" / "profile.png").stat().st_size > 20_000
    assert call("export", "run", "--heights", "npz") == 0
    with open_run(tmp_path / "run") as run:
        np.testing.assert_array_equal(
            read_profile(Path(capsys.readouterr().out.strip())).heights, np.asarray(run.heights[-1], dtype=float)
        )


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("nothing.sdf",), "is not a file"), (("map.npy",), "--pixel"), (("map.npy", "--pixel", "1 V"), "--pixel"),
        (("map.npy", "--pixel", "1 um", "--unit", "s"), "--unit"),
        (("map.npy", "--name", "a", "--name", "b"), "--name"),
    ],
)  # fmt: skip
def test_a_wrong_word_is_one_line(
    words: tuple[str, ...], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    np.save("map.npy", rough())
    assert call("profile", *words) == 2
    assert says in capsys.readouterr().err
    assert not (tmp_path / "profile").exists()


def test_an_archive_that_is_none_or_is_damaged_is_one_line(tmp_path: Path) -> None:
    """An array of an archive is read after the archive is open, and may be what is damaged."""
    path = tmp_path / "map.npz"
    np.savez(path, heights=rough((16, 16), 1), pixel=1e-6)
    data = bytearray(path.read_bytes())
    data[300] ^= 1  # of the heights: the archive has a checksum of each array
    path.write_bytes(data)
    with pytest.raises(ProfileError, match=r"map\.npz: is no file of numbers \(BadZipFile\)"):
        read_profile(path)
    np.savez(path, heights=np.array([[{}, 1.0]], dtype=object), pixel=1e-6)
    with pytest.raises(ProfileError, match=r"is no file of numbers \(ValueError\)"):
        read_profile(path)
    with path.open("wb") as file:
        np.save(file, np.zeros((16, 16)))
    with pytest.raises(ProfileError, match="is no file of numbers"):
        read_profile(path)
