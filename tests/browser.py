"""A real browser for the tests: Chromium, driven by Selenium, drawing WebGL in software."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from commands import SOURCE

SWITCHES = (
    "headless=new", "no-sandbox", "disable-quic", "no-first-run", "disable-background-networking",
    "disable-component-update", "disable-sync", "use-gl=angle", "use-angle=swiftshader", "enable-unsafe-swiftshader",
    "window-size=1200,1000", "hide-scrollbars",
)  # fmt: skip


def program(*names: str) -> str | None:
    """Return where one of several programs is."""
    return next((found for name in names if (found := shutil.which(name))), None)


@contextmanager
def chromium(folder: Path, *switches: str) -> Iterator[Any]:
    """Start Chromium with a new profile in a folder; skip the test where it, its driver or Selenium is missing."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="Selenium is not installed")
    browser, driver = program("chromium", "chromium-browser", "google-chrome"), program("chromedriver")
    if browser is None or driver is None:
        pytest.skip("Chromium and its driver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for switch in (*SWITCHES, *switches, f"user-data-dir={folder / 'profile'}"):
        options.add_argument(f"--{switch}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    started = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        started.set_script_timeout(60)
        yield started
    finally:
        started.quit()


def wait(what: Callable[[], Any], words: str, patience: float = 60.0) -> Any:
    """Return what a question gives as soon as it is true."""
    end = time.monotonic() + patience
    while not (found := what()):
        assert time.monotonic() < end, words
        time.sleep(0.1)
    return found


@contextmanager
def served(*words: object, **environment: str) -> Iterator[tuple[str, Path]]:
    """Serve the viewer's page by a process of its own; what it says is in the file."""
    pytest.importorskip("trame_vtk")
    pytest.importorskip("trame_vuetify")
    kept = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    with tempfile.TemporaryDirectory() as place:
        log = Path(place) / "log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "phasefield", "view", *map(str, words)], cwd=SOURCE,
                env={**kept, "PYTHONUNBUFFERED": "1", **environment}, stdout=file, stderr=subprocess.STDOUT,
            )  # fmt: skip
        try:
            address = r"http://127\.0\.0\.1:\d+/\?secret=\S+"
            found = wait(lambda: re.search(address, log.read_text()), "no address was printed")
            yield found[0], log
        finally:
            process.terminate()
            process.wait()
        assert "Traceback" not in log.read_text()


def drag(browser: Any, start: tuple[float, float], by: tuple[float, float], steps: int = 10) -> None:
    """Press the mouse at a point of the page, move it, and let go, as a hand does: in many small moves."""

    def send(kind: str, share: float, buttons: int) -> None:
        place = {"x": start[0] + share * by[0], "y": start[1] + share * by[1]}
        button = "left" if kind != "mouseMoved" else "none"
        event = {"type": kind, **place, "button": button, "buttons": buttons, "clickCount": 1}
        browser.execute_cdp_cmd("Input.dispatchMouseEvent", event)
        time.sleep(0.05)

    send("mouseMoved", 0.0, 0)
    send("mousePressed", 0.0, 1)
    for k in range(1, steps + 1):
        send("mouseMoved", k / steps, 1)
    send("mouseReleased", 1.0, 0)


def errors(browser: Any) -> list[str]:
    """Return what the page complained of since it was last asked."""
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


def asked_for(browser: Any) -> list[str]:
    """Return the addresses that the page asked for since it was last asked."""
    import json

    found = []
    for entry in browser.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            found.append(message["params"]["request"]["url"])
    return found
