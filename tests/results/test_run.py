"""The reader: runs finished, going on and just begun, ledgers, strange and hostile files."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from storing import SHAPE, SHAPE_2D, create, frame_of, record, row_of

from phasefield.constants import LITHIUM_MOLAR_VOLUME
from phasefield.errors import ResultError
from phasefield.fields import FIELDS as FIELD_TABLE
from phasefield.fields import REQUIRED_SERIES, SERIES, find, table
from phasefield.results.balances import worst_errors
from phasefield.results.run import open_run
from phasefield.results.summary import corrections_text
from phasefield.results.writer import RESULT, write_summary


def test_reader_gives_back_what_was_written(tmp_path: Path) -> None:
    record(create(tmp_path, SHAPE), 0, 6, every=2)
    with open_run(tmp_path) as run:
        assert (run.n_steps, run.n_frames, run.shape, run.spacing, run.seed) == (6, 3, SHAPE, 2e-6, 7)
        assert run.title == "a test"
        assert run.resolved == {"title": "a test"}
        assert run.versions == {"numpy": "2"}
        assert run.units["voltage"] == "V"
        np.testing.assert_array_equal(run.heights[1], frame_of(3, SHAPE).height)
        np.testing.assert_array_equal(run.field("xi", 1), frame_of(3, SHAPE).fields["xi"].astype(np.float32))
        np.testing.assert_array_equal(run.field("c", -1), run.field("concentration", 2))
        assert run.times.tolist() == [row_of(k)["time"] for k in (1, 3, 5)]
        assert not run.finished
        assert run.summary["voltage"] == row_of(5)["voltage"]
        with pytest.raises(ResultError, match="holds 3 frames"):
            run.field("xi", 3)
        with pytest.raises(ResultError, match="holds no field 'phi'"):
            run.field("phi")
    write_summary(tmp_path, {"finished": True, "Sz": 1e-6})
    with open_run(tmp_path / RESULT) as run:
        assert run.finished
        assert run.summary["Sz"] == 1e-6


@pytest.mark.parametrize("frames", [0, 1])
def test_reader_of_a_run_that_has_just_begun(tmp_path: Path, frames: int) -> None:
    record(create(tmp_path, SHAPE_2D), 0, frames, every=1)
    with open_run(tmp_path) as run:
        assert (run.n_steps, run.n_frames) == (frames, frames)
        assert run.heights.shape == (frames, 1, SHAPE_2D[2])
        assert run.ledger() == {"charge": 0.0, "lithium": 0.0, "salt": 0.0}
        assert not run.finished


def test_ledger_sees_one_wrong_step(tmp_path: Path) -> None:
    for name, key in (("charge_side", "charge"), ("lithium_volume", "lithium"), ("salt_in_cell", "salt")):
        folder = tmp_path / name
        writer = create(folder, SHAPE)
        for k in range(10):
            row = row_of(k)
            row[name] *= 1.001 if k == 4 else 1.0
            writer.add_row(row)
        writer.save()
        with open_run(folder) as run:
            found = run.ledger()
        assert found[key] > 1e-6  # type: ignore[literal-required]
        others = [value for other, value in found.items() if other != key]
        assert max(others) < 1e-13, "round-off of a few sums of numbers of order 1"


def test_a_reader_that_watches_sees_whole_frames_only(tmp_path: Path) -> None:
    writer = create(tmp_path, SHAPE)
    record(writer, 0, 3, every=3)
    with open_run(tmp_path) as early, h5py.File(tmp_path / RESULT, "r", locking=False):
        record(writer, 3, 9, every=3)
        assert early.n_frames == 1
        np.testing.assert_array_equal(
            early.field("xi", 0), frame_of(2, SHAPE).fields["xi"].astype(np.float32)
        )
    with open_run(tmp_path) as late:
        assert late.n_frames == 3


def test_files_that_are_no_run_give_one_line(tmp_path: Path) -> None:
    with pytest.raises(ResultError, match="name the folder of a run"):
        open_run(tmp_path)
    path = tmp_path / RESULT
    for content in (b"", b"hello", b"\x89HDF\r\n\x1a\n" + bytes(200)):
        path.write_bytes(content)
        with pytest.raises(ResultError, match="cannot be read"):
            open_run(tmp_path)
    with h5py.File(path, "w"):
        pass
    with pytest.raises(ResultError):
        open_run(tmp_path)


def test_links_out_of_the_file_and_absurd_sizes_are_refused(tmp_path: Path) -> None:
    record(create(tmp_path, SHAPE_2D), 0, 3, every=3)
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["numbers"] = np.arange(3.0)
    with h5py.File(tmp_path / RESULT, "r+") as file:
        del file["run/series/Sz"]
        file["run/series/Sz"] = h5py.ExternalLink(str(secret), "numbers")
    with open_run(tmp_path) as run, pytest.raises(ResultError, match="link to elsewhere"):
        _ = run.series
    with h5py.File(tmp_path / RESULT, "r+") as file:
        del file["run/series/Sz"]
        file.create_dataset("run/series/Sz", (1 << 50,), "f8", chunks=(1024,))
    with open_run(tmp_path) as run, pytest.raises(ResultError, match="larger than the file can hold"):
        _ = run.series


def test_damaged_results_never_give_a_traceback(tmp_path: Path) -> None:
    record(create(tmp_path, SHAPE_2D), 0, 6, every=3)
    good = (tmp_path / RESULT).read_bytes()
    rng = np.random.default_rng(2)
    refused = broken = 0
    for k in range(60):
        bad = bytearray(good)
        if k % 2:
            bad = bad[: rng.integers(len(bad))]
        else:
            for place in rng.integers(len(bad), size=20):
                bad[place] ^= 1 << rng.integers(8)
        (tmp_path / RESULT).write_bytes(bad)
        try:
            with open_run(tmp_path) as run:
                _ = (
                    run.series,
                    run.units,
                    run.heights,
                    run.summary,
                    run.field("xi"),
                    run.ledger(),
                    run.versions,
                )
        except ResultError as error:
            refused += 1
            broken += "\n" in str(error)
    assert refused >= 30, "every cut file at least"
    assert broken == 0, "one line each"


def test_table_of_fields_has_no_doubles() -> None:
    entries = [*FIELD_TABLE.values(), *SERIES.values()]
    assert len({e.name for e in entries}) == len(entries) == len({e.symbol for e in entries})
    assert set(REQUIRED_SERIES) <= set(SERIES)
    assert table().count("\n") == len(entries) + 2
    assert find("phi") is FIELD_TABLE["potential"]
    assert SERIES["voltage"].label == "voltage [V]"


def test_a_run_that_does_not_say_what_closed_its_balances(tmp_path: Path) -> None:
    record(create(tmp_path, SHAPE), 0, 6, every=2)
    with open_run(tmp_path) as run:
        assert run.corrections() is None
        assert corrections_text(run) == "-"


def test_a_ledger_at_rest_stands_against_the_lithium_that_is_there() -> None:
    """Round-off over round-off is no error of 1; a leak at rest is still seen, as its share of the lithium."""
    steps, area, there = 5, 1e-8, 1e-13  # m^2, m^3
    series = {name: np.zeros(steps) for name in ("charge_applied", "charge_deposited", "charge_side", "salt_displaced")}
    series |= {"lithium_volume": np.full(steps, there), "salt_in_cell": np.full(steps, 1e-10)}
    series["charge_deposited"][1:] = 1e-20  # C/m^2: what a solver leaves
    quiet = worst_errors(series, area, LITHIUM_MOLAR_VOLUME)
    assert quiet["lithium"] < 1e-12
    assert quiet["charge"] < 1e-12
    series["lithium_volume"] = series["lithium_volume"] * np.linspace(1.0, 1.01, steps)
    assert worst_errors(series, area, LITHIUM_MOLAR_VOLUME)["lithium"] == pytest.approx(0.01, rel=1e-9)
