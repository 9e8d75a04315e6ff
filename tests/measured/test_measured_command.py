"""The command `measured`: it says what a file holds and draws it; a damaged file is one line and exit code 2."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import call
from instrument_files import TIME, all_files, bdf, eclab_spectrum, plain


def test_every_format_is_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = []
    for k, (ending, data) in enumerate(all_files()):
        paths.append(tmp_path / f"cell{k}{ending}")
        paths[-1].write_bytes(data)
    assert call("measured", *paths, "--out", tmp_path / "out", "--json", "--area", "1 cm^2") == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found) == len(paths)
    for one in found:
        assert one["pictures"]
        for picture in one["pictures"]:
            assert Path(picture).read_bytes().startswith(b"\x89PNG")
        for trace in one["traces"]:
            assert trace["area_specific"]
            assert trace["half_cycles"] == 2
            assert trace["points"] == len(TIME)
            assert trace["duration"] == pytest.approx(TIME[-1])
            # 23 intervals of 600 s, +2 A/m2 and then -2 A/m2, switched in the middle of one
            assert trace["charge_positive"] == pytest.approx(2.0 * 600.0 * 11.5)
            assert trace["charge_negative"] == pytest.approx(-2.0 * 600.0 * 11.5)
            assert sorted(pair[0] for pair in trace["currents"]) == pytest.approx([-2.0, 2.0])
        for spectrum in one["spectra"]:
            assert spectrum["resistance_low"] == pytest.approx(120e-4, rel=1e-3)  # ohm m2: 20 and 100 ohm, 1 cm2


def test_gaps_and_resets_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    head, *rows = bdf().rstrip("\n").split("\n")
    path = tmp_path / "cell.csv"

    def found() -> dict[str, list[object]]:
        assert call("measured", path, "--out", tmp_path / "out", "--json") == 0
        return dict(json.loads(capsys.readouterr().out)[0]["traces"][0])

    again = [f"{float(t - TIME[16])!r},{row.split(',', 1)[1]}" for t, row in zip(TIME[16:], rows[16:], strict=True)]
    path.write_text("\n".join([head, *rows[:16], *again]) + "\n")
    assert found()["resets"] == [TIME[15]]  # the clock goes on from the last time
    path.write_text("\n".join([head, *rows[:4], *rows[16:]]) + "\n")
    assert found()["gaps"] == [[TIME[3], TIME[16] - TIME[3]]]
    path.write_text("\n".join([head, *rows]) + "\n")
    assert (found()["gaps"], found()["resets"]) == ([], [])


@pytest.mark.parametrize("given", ["option", "table"])
def test_columns(tmp_path: Path, capsys: pytest.CaptureFixture[str], given: str) -> None:
    path = tmp_path / "cell.csv"
    path.write_text(plain())
    if given == "option":
        words = ["--columns", "time=Zeit/h", "--columns", "voltage=Spannung (mV)", "--columns", "current=Strom [mA]"]
    else:
        (tmp_path / "columns.toml").write_text(
            '[columns]\ntime = "Zeit/h"\nvoltage = "Spannung (mV)"\ncurrent = "Strom [mA]"\n'
        )
        words = ["--columns", str(tmp_path / "columns.toml")]
    assert call("measured", path, *words, "--out", tmp_path / "out", "-q") == 0
    assert capsys.readouterr().out == ""
    assert (tmp_path / "out" / "cell-trace.png").is_file()


@pytest.mark.parametrize(("words", "said"), [
    (["cell.csv"], "cell.csv:1: column 'voltage' states no unit"),
    (["missing.csv"], "cannot be read"),
    (["good.mpt", "--area", "3 cm"], "--area: '3 cm' is a length"),
    (["good.mpt", "--area", "-1 cm^2"], "--area"),
    (["good.mpt", "--columns", "nothing.toml"], "--columns nothing.toml"),
    (["good.mpt", "--out", "cell.csv"], "is no folder"),
    (["good.mpt", "cell.csv"], "cell.csv:1"),
])  # fmt: skip
def test_wrong_input_is_one_line_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cell.csv").write_text(bdf().replace("voltage_volt", "voltage"))
    (tmp_path / "good.mpt").write_text(eclab_spectrum())
    before = sorted(tmp_path.iterdir())
    assert call("measured", *words) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    assert said in shown.err
    assert sorted(tmp_path.iterdir()) == before


def test_a_link_in_the_place_of_a_picture_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "good.mpt").write_text(eclab_spectrum())
    kept = tmp_path / "kept"
    kept.write_text("mine")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "good-spectra.png").symlink_to(kept)
    assert call("measured", tmp_path / "good.mpt", "--out", tmp_path / "out", "-q") == 0
    assert kept.read_text() == "mine"
    assert not (tmp_path / "out" / "good-spectra.png").is_symlink()
