"""Measured files: the numbers come back whatever the order, the ends of lines and the decimals; nothing is guessed."""

from __future__ import annotations

import hashlib
import os
import re
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from instrument_files import (
    CURRENT,
    CYCLE,
    FREQUENCY,
    IMPEDANCE,
    TIME,
    VOLTAGE,
    bdf,
    eclab_spectrum,
    eclab_trace,
    gamry,
    plain,
    zplot,
)

from phasefield.measured import MeasuredError, Measurement, Spectrum, Trace, read_measurement
from phasefield.measured.findings import trace_findings

EXACT = 1e-12  # relative: the files hold 16 digits, and a unit takes one product


def read(folder: Path, content: str | bytes, name: str = "cell.txt", **given: dict[str, str]) -> Measurement:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_measurement(path, **given)


def same_spectrum(found: Spectrum) -> None:
    np.testing.assert_allclose(found.frequency, FREQUENCY, rtol=EXACT)
    np.testing.assert_allclose(found.impedance, IMPEDANCE, rtol=EXACT)


def same_trace(found: Trace) -> None:
    np.testing.assert_allclose(found.time, TIME, rtol=EXACT)
    np.testing.assert_allclose(found.current, CURRENT, rtol=EXACT)
    np.testing.assert_allclose(found.voltage, VOLTAGE, rtol=EXACT)


def shuffled(text: str, separator: str) -> str:
    """Return a table of plain lines with its columns in the reverse order."""
    lines = text.rstrip("\n").split("\n")
    return "\n".join(separator.join(reversed(line.split(separator))) for line in lines) + "\n"


@pytest.mark.parametrize("change", ["as it is", "crlf", "cr cr lf", "comma", "latin-1", "long header", "short header"])
@pytest.mark.parametrize("kind", ["spectrum", "trace"])
def test_eclab_text(tmp_path: Path, kind: str, change: str) -> None:
    stated = {"long header": 900, "short header": 3}.get(change)
    text = (eclab_spectrum if kind == "spectrum" else eclab_trace)(stated)
    ends = {"crlf": "\r\n", "cr cr lf": "\r\r\n"}.get(change, "\n")
    text = text.replace(".", ",") if change == "comma" else text
    data = text.replace("\n", ends).encode("latin-1" if change == "latin-1" else "utf-8")
    found = read(tmp_path, data, "cell.mpt")
    assert found.format == "EC-Lab text"
    assert found.digest == hashlib.sha256(data).hexdigest()
    if kind == "spectrum":
        same_spectrum(found.spectra[0])
        assert not found.traces
    else:
        same_trace(found.traces[0])
        np.testing.assert_array_equal(found.traces[0].cycle, CYCLE)
    assert any("1" in note and "cm²" in note for note in found.notes)  # the area of the header is named, not applied


def test_eclab_without_current_takes_the_charge_between_points(tmp_path: Path) -> None:
    charge = np.concatenate([[0.0], CURRENT[1:] * np.diff(TIME)]) / 3.6  # mAh
    rows = "".join(f"{t:.9e}\t{v:.9e}\t{q:.12e}\n" for t, v, q in zip(TIME, VOLTAGE, charge, strict=True))
    text = f"EC-Lab ASCII FILE\nNb header lines : 3\ntime/s\tEwe/V\tdq/mA.h\n{rows}"
    found = read(tmp_path, text, "cell.mpt")
    np.testing.assert_allclose(found.traces[0].current[1:], CURRENT[1:], rtol=1e-9)  # the digits of the text
    assert any("dq" in note for note in found.notes)


def test_zplot(tmp_path: Path) -> None:
    same_spectrum(read(tmp_path, zplot(), "cell.z").spectra[0])
    cut = "\n".join(zplot().split("\n")[:-4]) + "\n"
    assert any(f"states {len(FREQUENCY)} points" in note for note in read(tmp_path, cut, "cell.z").notes)


def test_gamry(tmp_path: Path) -> None:
    found = read(tmp_path, gamry(), "cell.DTA")
    same_spectrum(found.spectra[0])
    same_trace(found.traces[0])
    assert found.traces[0].name == "CURVE1"


def test_battery_data_format(tmp_path: Path) -> None:
    for text in (bdf(), shuffled(bdf(), ",")):
        found = read(tmp_path, text)
        assert found.format == "battery data format"
        same_trace(found.traces[0])
    labels = bdf().replace("test_time_second,voltage_volt,current_ampere,cycle_count",
                           "Test Time / s,Voltage / V,Current / A,Cycle Count / 1")  # fmt: skip
    same_trace(read(tmp_path, labels).traces[0])


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("comma", [False, True])
def test_plain_tables_in_any_order(tmp_path: Path, separator: str, comma: bool) -> None:
    if separator == "," and comma:
        pytest.skip("a comma cannot do both")
    text = plain("time (h),voltage [mV],-current/mA", separator, comma)
    for one in (text, shuffled(text, separator)):
        found = read(tmp_path, one).traces[0]
        np.testing.assert_allclose(found.time, TIME, rtol=EXACT)
        np.testing.assert_allclose(found.voltage, VOLTAGE, rtol=EXACT)
        np.testing.assert_allclose(found.current, -CURRENT, rtol=EXACT)  # the head says that it is the negative


def test_columns_name_heads_and_units(tmp_path: Path) -> None:
    mapping = {"time": "Zeit/h", "voltage": "Spannung (mV)", "current": "Strom [mA]"}
    same_trace(read(tmp_path, plain(), columns=mapping).traces[0])
    turned = read(tmp_path, plain(), columns={**mapping, "current": "-Strom [mA]"}).traces[0]
    np.testing.assert_allclose(turned.current, -CURRENT, rtol=EXACT)
    with pytest.raises(MeasuredError, match=r"'Zeit' states no unit; .*--columns"):
        read(tmp_path, plain(), columns={**mapping, "time": "Zeit"})
    with pytest.raises(MeasuredError, match="another unit than the head"):
        read(tmp_path, plain(), columns={**mapping, "voltage": "Spannung/V"})
    with pytest.raises(MeasuredError, match="there is no column 'Uhr/h'; it has"):
        read(tmp_path, plain(), columns={**mapping, "time": "Uhr/h"})
    with pytest.raises(MeasuredError, match="'tension' is no quantity; give one of time"):
        read(tmp_path, plain(), columns={"tension": "Spannung (mV)"})
    with pytest.raises(MeasuredError, match="needed"):
        read(tmp_path, plain())


def test_area_specific_columns(tmp_path: Path) -> None:
    text = plain("time/h,voltage/mV,current density/mA/cm^2")
    trace = read(tmp_path, text).traces[0]
    assert trace.area_specific
    np.testing.assert_allclose(trace.current, 1e4 * CURRENT, rtol=EXACT)  # 1 mA/cm2 is 10 A/m2, 1 mA is 1e-3 A
    assert trace.per_area(1.0) is trace


def test_per_area(tmp_path: Path) -> None:
    found = read(tmp_path, gamry())
    area = 2e-4  # m^2
    np.testing.assert_allclose(found.spectra[0].per_area(area).impedance, IMPEDANCE * area, rtol=EXACT)
    np.testing.assert_allclose(found.traces[0].per_area(area).current, CURRENT / area, rtol=EXACT)
    for wrong in (0.0, -1.0, float("nan"), 1e6):
        with pytest.raises(MeasuredError, match="electrode area"):
            found.spectra[0].per_area(wrong)


def test_a_clock_that_was_reset_goes_on(tmp_path: Path) -> None:
    head, *rows = bdf().rstrip("\n").split("\n")
    again = [f"{digits_},{rest}" for digits_, rest in ((f"{t - TIME[12]:.6f}", row.split(",", 1)[1])
             for t, row in zip(TIME[12:], rows[12:], strict=True))]  # fmt: skip
    trace = read(tmp_path, "\n".join([head, *rows[:12], *again]) + "\n").traces[0]
    assert trace.resets == (12,)
    np.testing.assert_allclose(np.delete(np.diff(trace.time), 11), 600.0)
    assert trace.time[12] == trace.time[11]  # nothing is known of the time between
    mixed = "\n".join([head, *rows[:12], *rows[8:12], *rows[12:]]) + "\n"
    with pytest.raises(MeasuredError, match=r":14: the time falls"):
        read(tmp_path, mixed)


def test_sweeps_are_told_apart(tmp_path: Path) -> None:
    head, rows = zplot().split("End Comments\n")
    found = read(tmp_path, head.replace("Data Points", "Points") + "End Comments\n" + 3 * rows).spectra
    assert len(found) == 3
    for one in found:
        same_spectrum(one)


def test_a_half_written_last_line_is_left_out(tmp_path: Path) -> None:
    whole = bdf().rstrip("\n")
    assert len(read(tmp_path, whole).traces[0].time) == len(TIME)
    for cut in (1, 3, 15):
        lines = whole.split("\n")
        if cut == 1:  # the last field is the cycle, one letter; then a field is missing
            cut = 2
        found = read(tmp_path, "\n".join(lines)[:-cut])
        assert len(found.traces[0].time) == len(TIME) - 1
        assert any(f"line {len(lines)} has no end" in note for note in found.notes)


def test_rows_without_a_number(tmp_path: Path) -> None:
    lines = bdf().split("\n")
    lines[5] = re.sub(",[^,]*,", ",,", lines[5], count=1)
    found = read(tmp_path, "\n".join(lines))
    assert len(found.traces[0].time) == len(TIME) - 1
    assert any("1 of 24 rows" in note and "line 6" in note for note in found.notes)
    for k in range(6, 12):
        lines[k] = re.sub(",[^,]*,", ",,", lines[k], count=1)
    with pytest.raises(MeasuredError, match=r":6: 7 of 24 rows lack a number"):
        read(tmp_path, "\n".join(lines))


def test_numbers_too_small_to_have_digits_are_none(tmp_path: Path) -> None:
    rows = "".join(f"{10 * k},{5e-324 * (k % 70)},0.1\n" for k in range(200))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = read(tmp_path, "Time/s,Current/A,Voltage/V\n" + rows).traces[0]
        assert not found.current.any()
        assert trace_findings(found).currents == ((0.0, pytest.approx(1990.0)),)


def test_a_cycle_is_counted_in_whole_numbers(tmp_path: Path) -> None:
    rows = "".join(f"{10 * k},1e-3,0.1,{k / 3:.3f}\n" for k in range(9))
    with pytest.raises(MeasuredError, match=r":3: column 'Cycle' counts, and is 0\.333 there"):
        read(tmp_path, "Time/s,Current/A,Voltage/V,Cycle\n" + rows)


def line_of(text: str, number: int, old: str, new: str) -> str:
    lines = text.split("\n")
    assert re.search(old, lines[number - 1])
    lines[number - 1] = re.sub(old, new, lines[number - 1], count=1)
    return "\n".join(lines)


REFUSED = {
    "empty": ("", "is empty"),
    "only heads": (bdf().split("\n")[0] + "\n", "no row of numbers"),
    "no heads": ("\n".join(bdf().split("\n")[1:]), ":1: begins with numbers"),
    "json": ('{"a": [1, 2],\n "b": 3}\n', "is JSON"),
    "page": ("<html>\n<td>1 2 3</td>\n</html>\n", "is JSON, or a page"),
    "words": ("a\nb\nc\n", "no row of numbers"),
    "unit missing": (bdf().replace("voltage_volt", "voltage"), ":1: column 'voltage' states no unit"),
    "unit of another": (bdf().replace("voltage_volt", "voltage/A"), "'voltage/A'.*is a current"),
    "unit unknown": (bdf().replace("voltage_volt", "voltage/florins"), "florins"),
    "unit with a number": (bdf().replace("voltage_volt", "voltage/9**9**9"), "'voltage/9"),
    "mV called V": (line_of(bdf(), 4, ",([^,]*)E-02,", r",\1E+03,"), ":4: column 'voltage_volt' is .* check its unit"),
    "head twice": (bdf().replace("current_ampere", "voltage_volt"), "stands more than once"),
    "short row": (line_of(bdf(), 9, ",[^,]*$", ""), ":9: has 3 fields, its heads are 4"),
    "long row": (line_of(bdf(), 9, "$", ",5"), ":9: has 5 fields"),
    "word in a row": (line_of(bdf(), 9, ",[^,]*,", ",high,"), ":9: 'high' is no number"),
    "hexadecimal": (line_of(bdf(), 9, ",[^,]*,", ",0x10,"), ":9: '0x10' is no number"),
    "underscore": (line_of(bdf(), 9, ",[^,]*,", ",1_0,"), ":9: '1_0' is no number"),
    "other digits": (line_of(bdf(), 9, ",[^,]*,", ",١٢,"), ":9: '١٢' is no number"),
    "infinite": (line_of(bdf(), 9, ",[^,]*,", ",inf,"), ":9: column 'voltage_volt' is inf V"),
    "too large": (line_of(bdf(), 9, ",[^,]*,", ",1e999,"), ":9: column 'voltage_volt' is inf V"),
    "time falls": (line_of(bdf(), 9, "^[^,]*", "3.5e3"), ":9: the time falls"),
    "mpt cut in its header": ("\n".join(eclab_trace().split("\n")[:5]) + "\n", "no line of column names"),
    "mpt cut behind its heads": (eclab_trace().split("\n2\t")[0] + "\n", "ends behind its column names"),
    "mpt cut row": (line_of(eclab_trace(), 15, "\t[^\t]*$", ""), ":15: has 4 fields"),
    "mpt without unit": (eclab_trace().replace("Ewe/V", "Ewe"), "'Ewe' states no unit"),
    "mpt without quantity": (eclab_trace().replace("time/s", "clock/s"), "time with voltage or current"),
    "z without end of comments": (zplot().replace("End Comments", ""), "no line End Comments"),
    "z without heads": (zplot().replace("Z'", "Q"), "no heads of columns"),
    "z without frequency": (zplot().replace("Freq(Hz)", "Omega"), "lack frequency"),
    "z without rows": (zplot().split("End Comments\n")[0] + "End Comments\n", "ends behind its header"),
    "z negative frequency": (line_of(zplot(), 8, "^", "-"), ":8: the frequency is below 0"),
    "dta cut table": (line_of(gamry(), 23, "^\t.*", "").replace("\n\n", "\n"), "states 24 rows and holds 23|holds 0"),
    "dta no table": (gamry().replace("TABLE", "CHAIR"), "holds no table"),
    "dta unit missing": (gamry().replace("V vs. Ref.", ""), "'Vf' states no unit"),
    "dta fewer units": (gamry().replace("\ts\tV vs. Ref.\t", "\ts\t"), "6 names and .* units|names and"),
    "dta word": (gamry().replace("..........a\n", "..........a\tx\n", 1), "fields"),
    "nul": (bdf().replace("E", "\0"), "is binary"),
    "mpr damaged": ("BIO-LOGIC MODULAR FILE\x1a and no more", "galvani"),
    "nda damaged": ("NEWARE and no more", "newarenda"),
    "archive": ("PK\x03\x04 and no more", "is damaged"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_damaged_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    content, words = REFUSED[name]
    with pytest.raises(MeasuredError, match=words) as error:
        read(tmp_path, content)
    assert str(error.value).isprintable()
    assert str(error.value).startswith(str(tmp_path / "cell.txt"))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r\r\n", "\r"])
def test_the_line_is_counted_whatever_ends_it(tmp_path: Path, end: str) -> None:
    with pytest.raises(MeasuredError, match=r":15: has 4 fields"):
        read(tmp_path, REFUSED["mpt cut row"][0].replace("\n", end))


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", Path("/dev/zero"), tmp_path / "missing", tmp_path / "x\0y"):
        with pytest.raises(MeasuredError):
            read_measurement(path)


def test_size_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("phasefield.measured.read.MOST_BYTES", len(bdf()) - 1)
    with pytest.raises(MeasuredError, match="is larger than"):
        read(tmp_path, bdf())
    monkeypatch.undo()
    monkeypatch.setattr("phasefield.measured.table.MOST_ROWS", 23)
    with pytest.raises(MeasuredError, match="has 24 rows; 23 at most"):
        read(tmp_path, bdf())


def test_text_of_a_stranger_stays_text(tmp_path: Path) -> None:
    text = bdf().replace("voltage_volt", "\x1b[31m[red]voltage/V\x07")
    with pytest.raises(MeasuredError) as error:
        read(tmp_path, text.replace("current_ampere", "x"))
    assert "\x1b" not in str(error.value)


@pytest.mark.parametrize(("start", "library", "remedy"), [
    (b"BIO-LOGIC MODULAR FILE", "galvani", "pip install galvani"),
    (b"NEWARE", "NewareNDA", r"lithium-phasefield\[neware\]"),
])  # fmt: skip
def test_a_missing_library_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: bytes, library: str, remedy: str
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.setitem(sys.modules, f"{library}.BioLogic", None)
    with pytest.raises(MeasuredError, match=remedy):
        read(tmp_path, start + 100 * b"\0")


def test_a_quote_that_is_not_closed_joins_no_numbers(tmp_path: Path) -> None:
    """`2` and `3` on two lines are not 23 V."""
    (tmp_path / "cell.csv").write_text('time/s,voltage/V,current/mA\n0,3,1\n1,"2\n3",1\n2,3,1\n')
    with pytest.raises(MeasuredError, match=r"cell.csv:3"):
        read_measurement(tmp_path / "cell.csv")
