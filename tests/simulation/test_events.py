"""What happens besides the protocol: each beginning and end is recorded, also across resumes, and not without bound."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import modelcases as cases
import pytest

from phasefield.errors import Interrupted
from phasefield.results.summary import events_text
from phasefield.simulation.driver import Driver
from phasefield.simulation.events import MOST, EventFinding, Events
from phasefield.simulation.restart import Control

# The galvanostat is at its limit in each first step and below it in each second one.
TWICE = (
    'electrolyte.salt_diffusivity="2e-12 m^2/s"',
    'film.conductivity="2e-4 S/m"',
    'protocol.voltage_limit="0.1 V"',
    'protocol.stop_on=["short_circuit", "exhausted"]',
    'output.fields_every="500 s"',
    'protocol.steps=[{ current = "30 A/m^2", duration = "400 s" }, { current = "-3 A/m^2", duration = "100 s" }]',
    "protocol.repeat=2",
)


def summary(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    return found


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("twice") / "run"
    assert Driver(cases.make(*TWICE), folder).run().reason == "end"
    return summary(folder)


def test_an_event_that_comes_back_is_recorded_again_with_its_end(whole: dict[str, Any]) -> None:
    first, second = whole["events"]
    assert first["event"] == second["event"] == "voltage_limit"
    assert 0.0 < first["time"] < 400.0
    assert first["end"] == pytest.approx(400.0, rel=1e-9)  # as the next step of the protocol begins
    assert first["text"] == "the cell voltage reached 0.1 V (limit 0.1 V)"
    assert first["end_text"].startswith("the cell voltage is back at")
    assert 500.0 <= second["time"] < 900.0
    assert second["end"] == pytest.approx(900.0, rel=1e-9)
    assert whole["event_counts"] == {"voltage_limit": 2}
    assert events_text(whole) == f"voltage_limit at {first['time']:.4g} s to 6.667 min (2 times)"


def test_what_is_on_survives_a_stop_after_each_step(whole: dict[str, Any], tmp_path: Path) -> None:
    resume, stops = False, 0
    while True:
        driver = Driver(cases.make(*TWICE), tmp_path / "run", resume=resume)

        def stop(_: Any, driver: Driver = driver) -> None:
            driver.stop_signal = signal.SIGTERM

        driver.progress = stop
        try:
            driver.run()
        except Interrupted:
            resume, stops = True, stops + 1
            if stops < 100:
                continue
        break
    assert stops >= 8
    assert Driver(cases.make(*TWICE), tmp_path / "run", resume=True).run().reason == "end"
    assert summary(tmp_path / "run")["events"] == whole["events"]
    assert summary(tmp_path / "run")["event_counts"] == whole["event_counts"]


def test_an_event_that_ends_the_run_lasts(tmp_path: Path) -> None:
    case = cases.make(
        'protocol.steps=[{ current = "-60 A/m^2", duration = "3 h" }]', 'output.fields_every="1 h"'
    )
    for resume in (False, True):
        assert Driver(case, tmp_path / "run", resume=resume).run().reason == "exhausted"
        (entry,) = summary(tmp_path / "run")["events"]
        assert (entry["event"], entry["end"]) == ("exhausted", None)
    assert events_text(summary(tmp_path / "run")) == "exhausted at 15.19 min"


def test_a_flickering_event_is_counted_and_the_others_still_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    case = cases.make()
    control, late = Control(), 3 * MOST

    def detect(self: Events, s: Any) -> dict[str, EventFinding]:
        k = int(s.t)
        return {
            "void": EventFinding(k % 2 == 1, f"void {k}", f"no void {k}"),
            "depletion": EventFinding(k >= late, f"depleted {k}", ""),
        }

    monkeypatch.setattr(Events, "detect", detect)
    cell, s = cases.driven(case, cases.Drive(10.0))
    for k in range(late + 2):
        s.t = float(k)
        # A restart at any moment: what is on goes through JSON with the rest.
        control = Control.from_dict(json.loads(json.dumps(control.to_dict())))
        assert Events(case.protocol, cell, control).record(s) is None
    voids = [entry for entry in control.events if entry["event"] == "void"]
    assert len(voids) == MOST
    assert [(v["time"], v["end"]) for v in voids[:2]] == [(1.0, 2.0), (3.0, 4.0)]
    assert voids[-1]["end_text"] == f"no void {2 * MOST}"
    assert control.events[-1] == {
        "event": "depletion", "time": float(late), "text": f"depleted {late}", "end": None, "end_text": ""
    }  # fmt: skip
    assert control.event_counts == {"void": late // 2 + 1, "depletion": 1}


def test_the_events_of_an_older_summary_are_told() -> None:
    old = {"events": [{"event": "void", "time": 3.0, "text": "1 pocket(s) of electrolyte are cut off"}]}
    assert events_text(old) == "void at 3 s"
    assert events_text({}) == "none"
