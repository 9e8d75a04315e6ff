"""The viewer's page at 256 x 512 x 512 cells: first picture and time step, in a real browser on this machine.

    python benchmarks/bench_view.py [--quick]

Needs Chromium, its driver, Selenium and the extra `view`. The run is synthetic, and is written like a real run. A step
is timed in the page, from the move of the slider to the frame that the browser shows after the last drawing.
Screenshots during this time would need half of the machine. One before and one after prove that the picture changed.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from measuring import TREE, options
from scipy.ndimage import gaussian_filter

from browser import chromium, wait  # isort: skip  # measuring puts the tests on the path
from storing import create, row_of  # isort: skip

from phasefield.results.writer import Frame

SHAPE = (256, 512, 512)
SMALL = (256, 128, 128)
FRAMES = 5
FULL = 30_000  # bytes of a picture that shows the surface; an empty one has a few thousand
MOVE = "const e = document.getElementById('time'); e.value = {0}; e.dispatchEvent(new Event('input'))"
WATCH = """
const drawn = WebGL2RenderingContext.prototype.drawArrays;
WebGL2RenderingContext.prototype.drawArrays = function (...given) {
  const done = drawn.apply(this, given);
  const call = window.call = {};
  const last = () => { if (window.call === call) window.shown = performance.now(); };
  requestAnimationFrame(() => requestAnimationFrame(last));
  return done;
};
"""
BEGIN = "window.shown = null; window.begun = performance.now(); "
CHOOSE = "const e = document.getElementById('{0}'); e.value = '{1}'; e.dispatchEvent(new Event('change'))"


def run(folder: Path, shape: tuple[int, int, int]) -> None:
    """Write a made-up run."""
    rng = np.random.default_rng(0)
    rough = gaussian_filter(rng.normal(size=shape[1:]), 12.0, mode="wrap")
    rough *= 12.0 / rough.std()  # cells
    z = (np.arange(shape[0]) + 0.5)[:, None, None]
    fields = ["xi", "concentration", "reaction_current", "dead"]
    writer = create(folder, shape, spacing=1e-6, fields=fields)
    for k in range(FRAMES):
        height = 100.0 + (k + 1) / FRAMES * rough
        xi = np.clip(height - z + 0.5, 0.0, 1.0)
        current = np.where(np.abs(z - height) < 3.0, 2.0 + 0.05 * rough, 0.0)
        salt = np.where(xi < 0.5, 800.0 + 1.5 * z, 0.0)
        dead = (np.abs(z - height - 6.0) < 2.0) & (rough > 18.0)  # flakes over the peaks
        writer.add_row({**row_of(k), "time": 3600.0 * k})
        fields = {"xi": xi, "concentration": salt, "reaction_current": current, "dead": dead}
        writer.save(Frame(3600.0 * k, {k: v.astype(np.float32) for k, v in fields.items()}, height * 1e-6))


def main() -> None:
    """Print the times."""
    shape = SMALL if options(__doc__).parse_args().quick else SHAPE
    with tempfile.TemporaryDirectory() as place, chromium(Path(place)) as browser:
        folder = Path(place) / "run"
        run(folder, shape)
        log = Path(place) / "log"
        print(
            f"A surface of {' x '.join(map(str, shape))} cells; browser and OpenGL in software on the same cores:\n"
        )
        begun = time.monotonic()
        with log.open("wb") as file:
            command = [sys.executable, "-m", "phasefield", "view", str(folder), "--web"]
            served = subprocess.Popen(command, cwd=TREE, stdout=file, stderr=file)
        try:
            address = wait(lambda: re.search(r"(http://\S+)\s", log.read_text()), "no address")[1]
            print(f"- command to address: {time.monotonic() - begun:.1f} s")
            begun = time.monotonic()
            browser.get(address)
            wait(lambda: browser.find_elements("css selector", "#scene canvas"), "no scene")
            scene = browser.find_element("id", "scene")
            wait(lambda: len(scene.screenshot_as_png) > FULL, "no picture")
            print(f"- page opened to first picture: {time.monotonic() - begun:.1f} s")
            time.sleep(2.0)

            def timed(what: str, script: str) -> None:
                seen = scene.screenshot_as_png
                browser.execute_script(BEGIN + script)
                time.sleep(3.0)
                took = browser.execute_script("return window.shown - window.begun") / 1e3
                assert scene.screenshot_as_png != seen
                print(f"- {what}: {took:.2f} s")

            browser.execute_script(WATCH)

            for k in (3, 2, 1):
                timed("time step, by height", MOVE.format(k))
            timed("coloured by local current", CHOOSE.format("colour", "reaction_current"))
            for k in (2, 3):
                timed("time step, by local current", MOVE.format(k))
            timed("cut through the salt", CHOOSE.format("cut", "concentration"))
            timed("time step, with the cut", MOVE.format(2))
        finally:
            served.terminate()
            served.wait()


if __name__ == "__main__":
    main()
