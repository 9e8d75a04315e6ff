"""A protocol that replays a measured file: its charge, its bounds, and a case that needs the file no more."""

from __future__ import annotations

from pathlib import Path

import modelcases as cases
import numpy as np
import pytest

from phasefield.case import Case
from phasefield.case.file import case_of_text, read_case
from phasefield.check import regime
from phasefield.errors import CaseError
from phasefield.measured.compress import ERROR, JUMP, constant_steps
from phasefield.results.replayed import MEASURED_RMS, measured_voltage
from phasefield.results.run import open_run
from phasefield.verification.march import BASE

STEPS = '[protocol]\nsteps = [ { current = "10 A/m^2", duration = "600 s" } ]\n'
HEAD = "Test Time / s,Current / A,Voltage / V\n"


def trace() -> tuple[np.ndarray, np.ndarray]:
    """Return times [s] and currents [A]: a rest, a charge, a pause, a discharge, logged every 2 s, and a drop-out."""
    time = np.concatenate([np.arange(0.0, 60.0, 2.0), np.arange(90.0, 200.0, 2.0)])
    current = np.select([time < 20.0, time < 100.0, time < 120.0, time < 180.0], [0.0, 1.13e-3, 0.0, -2.26e-3], 0.0)
    return time, current


def csv(time: np.ndarray, current: np.ndarray, voltage: np.ndarray | None = None) -> str:
    volts = 0.05 * np.sign(current) if voltage is None else voltage
    rows = zip(time, current, volts, strict=True)
    return HEAD + "".join(f"{float(t)!r},{float(j)!r},{float(v)!r}\n" for t, j, v in rows)


def charge_of(at: np.ndarray, time: np.ndarray, current: np.ndarray) -> np.ndarray:
    """Return the charge passed at times: a jump of the current halfway between two points, else a straight line."""
    whole = np.concatenate([[0.0], np.cumsum(0.5 * (current[1:] + current[:-1]) * np.diff(time))])
    k = np.clip(np.searchsorted(time, at, side="right") - 1, 0, len(time) - 2)
    into, length, change = at - time[k], np.diff(time)[k], np.diff(current)[k]
    linear = current[k] * into + 0.5 * change * into**2 / length
    switched = current[k] * into + change * np.maximum(into - 0.5 * length, 0.0)
    return whole[k] + np.where(np.abs(change) > JUMP * np.abs(current).max(), switched, linear)


def case_in(folder: Path, text: str, *overrides: str, area: str = '[cell]\nelectrode_area = "1.13 cm^2"\n') -> Case:
    """Write a case that replays cell.csv, and the file; return the case as it is read."""
    (folder / "cell.csv").write_text(text)
    (folder / "case.toml").write_text(BASE.replace(STEPS, f'{area}[protocol]\nfile = "cell.csv"\n'))
    return read_case(folder / "case.toml", overrides)


def test_each_step_has_the_charge_of_the_trace(tmp_path: Path) -> None:
    time, current = trace()
    case = case_in(tmp_path, csv(time, current))
    passed = charge_of(time, time, current) / 1.13e-4
    t = q = 0.0
    for step in case.protocol.sequence:
        j, dt = step.currents[0] if step.currents else 0.0, step.planned_time
        assert dt is not None
        t, q = t + dt, q + j * dt
        exact = float(charge_of(np.array([t]), time, current)[0]) / 1.13e-4
        assert q == pytest.approx(exact, abs=1e-10 * np.abs(passed).max())
    assert t == pytest.approx(time[-1], rel=1e-12)
    assert len(case.protocol.sequence) < 15
    assert case.protocol.steps[0].rest == pytest.approx(19.0, rel=1e-12)
    assert max(step.largest_current for step in case.protocol.sequence) == pytest.approx(20.0, rel=1e-9)
    measured = case.protocol.measured
    assert measured is not None
    assert measured.charge_error <= ERROR * (passed.max() - passed.min())
    found = {one.name: one for one in regime(case) if one.topic == "protocol"}
    assert found["error of charge"].value == measured.charge_error
    assert found["duration"].value == pytest.approx(198.0, rel=1e-12)


def test_a_drive_cycle_is_followed_within_its_error() -> None:
    rng = np.random.default_rng(3)
    time = np.sort(rng.uniform(0.0, 3600.0, 20_000))
    current = np.repeat(rng.normal(0.0, 5.0, 400), 50) + rng.normal(0.0, 0.05, 20_000)
    steps = constant_steps(time, current, 2000)
    assert steps is not None
    ends, passed = np.cumsum(steps.duration), np.cumsum(steps.duration * steps.current)
    at = np.sort(np.concatenate([time, 0.5 * (time[1:] + time[:-1])]))
    charge = charge_of(at, time, current)
    exact = charge_of(time[0] + ends, time, current)
    np.testing.assert_allclose(passed, exact, atol=1e-10 * np.abs(charge).max())
    line = np.interp(at - time[0], np.append(0.0, ends), np.append(0.0, passed))
    assert np.abs(line - charge).max() == pytest.approx(steps.charge_error, rel=1e-3)
    assert steps.charge_error <= ERROR * np.ptp(charge) * (1.0 + 1e-9)
    noise = rng.normal(0.0, 5.0, 20_000)
    assert constant_steps(time, noise, 5) is None


def test_a_sparse_record_of_half_cycles_keeps_their_charge() -> None:
    """One point an hour, plus and minus: a straight line between them would pass nothing."""
    time = 3600.0 * np.arange(20)
    steps = constant_steps(time, np.where(np.arange(20) % 2, -2.0, 2.0), 2000)
    assert steps is not None
    assert np.abs(steps.current) == pytest.approx(2.0)
    assert len(steps.current) == 20
    assert steps.charge_error == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_smooth_current_takes_as_few_steps_as_its_error_allows(sign: float) -> None:
    time = np.linspace(0.0, 100.0, 5001)
    current = sign * time
    steps = constant_steps(time, current, 2000)
    assert steps is not None
    span = 0.5 * 100.0**2
    assert 0.5 * ERROR * span < steps.charge_error <= ERROR * span * (1.0 + 1e-9)
    # A step of dt is off by dt^2/8 of the slope; a cone that must hold all points before the end reaches half as far.
    least = 100.0 / np.sqrt(8.0 * ERROR * span)
    assert least <= len(steps.duration) <= 3.0 * least
    np.testing.assert_allclose(steps.duration.sum(), 100.0, rtol=1e-12)


def test_the_resolved_case_needs_the_file_no_more(tmp_path: Path) -> None:
    case = case_in(tmp_path, csv(*trace()))
    (tmp_path / "cell.csv").unlink()
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    (moved / "case.toml").write_text(case.resolved_toml())
    again = read_case(moved / "case.toml")
    assert again == case
    assert again.hash == case.hash
    assert case_of_text(case.resolved_toml(), "again") == case
    time, current = trace()
    with pytest.raises(CaseError, match="holds the steps of another file; change the case file that names"):
        read_case(moved / "case.toml", ["protocol.file=other.csv"])
    (tmp_path / "other").mkdir()
    other = case_in(tmp_path / "other", csv(time, 1.001 * current))
    assert other.hash != case.hash


def test_a_run_replays_and_says_how_far_it_is(tmp_path: Path) -> None:
    time, current = trace()
    case = case_in(tmp_path, csv(time, current))
    assert cases.run(case, tmp_path / "run").reason == "end"
    (tmp_path / "cell.csv").unlink()
    with open_run(tmp_path / "run") as run:
        assert max(run.ledger().values()) < 1e-10
        s, measured = run.series, measured_voltage(run.tables)
        off = run.summary[MEASURED_RMS]
        net = float(np.sum(0.5 * (current[1:] + current[:-1]) * np.diff(time))) / 1.13e-4
        assert s["charge_applied"][-1] == pytest.approx(net, rel=1e-9)
        assert s["time"][-1] == pytest.approx(198.0, rel=1e-12)
    assert measured is not None
    assert measured.file == "cell.csv"
    np.testing.assert_allclose(measured.voltage, 0.05 * np.sign(current), rtol=1e-14)
    difference = s["voltage"][1:] - np.interp(s["time"][1:], measured.time, measured.voltage)
    expected = np.sqrt(np.average(difference**2, weights=np.diff(s["time"])))
    assert off == pytest.approx(expected, rel=1e-12)
    assert cases.ends_the_same(case, tmp_path / "stops", every=1) >= 3


def test_the_measured_voltage_stands_in_pictures_and_page(tmp_path: Path) -> None:
    import matplotlib.pyplot as plt

    from phasefield.viz.page import _charts
    from phasefield.viz.plots.series import draw_voltage

    case = case_in(tmp_path, csv(*trace()))
    cases.run(case, tmp_path / "run")
    with open_run(tmp_path / "run") as run:
        figure, axes = plt.subplots()
        draw_voltage(axes, [run], ["run"])
        lines = {str(line.get_label()): np.asarray(line.get_ydata()) for line in axes.lines}
        plt.close(figure)
        chart = next(iter(_charts(run)))
    assert lines["measured: cell.csv"].max() == pytest.approx(50.0, rel=1e-12)
    assert [curve["name"] for curve in chart["curves"]] == ["voltage", "measured"]


def test_the_steps_of_a_base_are_cleared_by_name(tmp_path: Path) -> None:
    case_in(tmp_path, csv(*trace()))
    (tmp_path / "base.toml").write_text(BASE)
    top = 'extends = "base.toml"\n[cell]\nelectrode_area = "1.13 cm^2"\n[protocol]\nfile = "cell.csv"\n'
    (tmp_path / "top.toml").write_text(top)
    with pytest.raises(CaseError, match=r"clear those of a base with steps = \"none\""):
        read_case(tmp_path / "top.toml")
    (tmp_path / "top.toml").write_text(top + 'steps = "none"\n')
    assert read_case(tmp_path / "top.toml").protocol.planned_time == pytest.approx(198.0, rel=1e-12)


def big(rows: int) -> str:
    return HEAD + "1.0,1e-3,0.1\n" * rows


@pytest.mark.parametrize(
    ("text", "overrides", "says"),
    [
        (csv(*trace()), ["protocol.file=../cell.csv"], "is no path in the folder of the case file; copy"),
        (csv(*trace()), ["protocol.file=/etc/passwd"], "is no path in the folder"),
        (csv(*trace()), ["protocol.file=none.csv"], "none.csv: "),
        (csv(*trace()), ['protocol.file=""'], "is no file name"),
        (csv(*trace()), ['protocol.steps=[{rest="1 h"}]'], "steps: stand beside protocol.file.* clear those of a base"),
        (csv(*trace()), ["cell=none"], r"has a current in mA and not in mA/cm2; add \[cell\] electrode_area"),
        (csv(*trace()), ['cell.electrode_area="1.13 cm"'], "electrode_area"),
        (csv(*trace()), ['cell.electrode_area="0 cm^2"'], "electrode_area"),
        (csv(*trace()), ['cell.electrode_area="1e300 cm^2"'], r"electrode_area: '1e300 cm\^2' is no area"),
        (csv(*trace()), ["cell.electrode_area=inf"], "electrode_area: inf is no area of an electrode"),
        (csv(*trace()), ["protocol.columns=5"], "columns: a table is needed"),
        (csv(*trace()), ['protocol.columns={frequency="t/s"}'], "frequency: is no column of a trace; known are time"),
        ("", [], "is empty"),
        ("time,current\n", [], "cell.csv"),
        (HEAD + "0,1e-3,0.1\n", [], "holds a single point; export the whole"),
        (HEAD + "0,1e-3,0.1\n1,nan,0.1\n2,1e-3,0.1\n" * 3, [], "cell.csv"),
        (big(1_600_000), [], "at most are read; cut it into parts"),
    ],
    ids=range(17),
)
def test_what_does_not_go_is_one_line(
    text: str, overrides: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CaseError, match=says) as caught:
        case_in(tmp_path, text, *overrides)
    assert "\n" not in str(caught.value)
    assert "protocol" in str(caught.value) or "electrode_area" in str(caught.value)


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret.csv").write_text(csv(*trace()))
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    (tmp_path / "inner" / "link.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(CaseError, match="is no path in the folder"):
        case_in(tmp_path / "inner", csv(*trace()), "protocol.file=link.csv")
    case_in(tmp_path / "inner", csv(*trace()))


def test_a_current_density_needs_no_area(tmp_path: Path) -> None:
    time, current = trace()
    text = "t/h,j / mA cm-2,U / V\n" + "".join(
        f"{t / 3600!r},{j / 1.13!r},0.1\n" for t, j in zip(time.tolist(), (1e3 * current).tolist(), strict=True)
    )
    columns = '[protocol.columns]\ntime = "t/h"\ncurrent = "j / mA cm-2"\nvoltage = "U / V"\n'
    case = case_in(tmp_path, text, area=columns)
    assert max(step.largest_current for step in case.protocol.sequence) == pytest.approx(20.0, rel=1e-9)
