"""The viewer in a window of its own: PyVista, where there is a screen with OpenGL."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from phasefield.viz.metals import substrate_of
from phasefield.viz.stored import StoredRun, duration
from phasefield.viz.style import COPPER, RUN_COLOURS
from phasefield.viz.viewer.scene import DEAD, INK, Look, Scene, box_of, eye, mesh_of, words

KEYS = "c: colour   o: overhangs   x: cut   , .: move the cut   p: pick two points   r: whole view   q: end"
HOUR = 3600.0  # s
SIZE = (1300, 850)  # pixels
SHARE = 0.75  # of the width, between the colour scales
BAR = {"vertical": True, "position_y": 0.12, "height": 0.5, "width": 0.06, "title_font_size": 14, "label_font_size": 12}
STEP = 0.05  # of the depth, by which the cut moves


def show(runs: Sequence[StoredRun], look: Look, *, screenshot: str | None = None) -> None:
    """Show runs until the window is closed. screenshot: write a picture there and close at once."""
    window = _Window(runs, look, off_screen=screenshot is not None)
    window.plotter.show(title="phasefield", screenshot=screenshot, auto_close=True)


def vtk_text(name: str) -> str:
    """Return a text that VTK shows as it is: it takes bars for columns and dollars for formulas."""
    return name.replace("|", "/").replace("$", "\\$")


def _plotter(**given: Any) -> Any:
    import pyvista as pv

    return pv.Plotter(**given)


class _Window:
    def __init__(self, runs: Sequence[StoredRun], look: Look, off_screen: bool) -> None:
        self.scene, self.look = Scene(runs), look
        self.look.time = min(self.look.time, float(self.scene.times[-1]))
        self.plotter: Any = _plotter(window_size=list(SIZE), off_screen=off_screen)
        self.plotter.enable_parallel_projection()
        self.plotter.add_text(KEYS, position="lower_left", font_size=7, color="grey")
        length, corners = self.scene.bar()
        self.plotter.add_mesh(box_of(corners), color=INK, lighting=False, name="bar")
        self.plotter.add_text(f"black bar: {length:g} um", position=(10, 34), font_size=8, color="black")
        self.points: list[tuple[float, float]] = []
        self.chart: Any = None
        self._draw()
        times = self.scene.times
        if len(times) > 1:
            self.plotter.add_slider_widget(
                self._at, (times[0] / HOUR, times[-1] / HOUR), value=self.look.time / HOUR, title="time (h)",
                pointa=(0.6, 0.92), pointb=(0.97, 0.92), style="modern", fmt="%.4g", title_height=0.018,
            )  # fmt: skip
        for key, what in (
            ("c", self._next_colour), ("o", self._solid), ("x", self._next_slice),
            ("comma", lambda: self._move(-STEP)), ("period", lambda: self._move(STEP)), ("p", self._pick),
        ):  # fmt: skip
            self.plotter.add_key_event(key, what)
        seen = eye(self.scene, self.look, SHARE * SIZE[0] / SIZE[1])
        self.plotter.camera_position = [tuple(seen.position), tuple(seen.focus), (0.0, 0.0, 1.0)]
        self.plotter.camera.parallel_scale = seen.half
        self.plotter.reset_camera_clipping_range()

    def _at(self, hours: float) -> None:
        times = self.scene.times
        self.look.time = float(times[int(np.argmin(np.abs(times - HOUR * hours)))])
        self._draw()

    def _next_colour(self) -> None:
        names = self.scene.colours
        self.look.colour = names[(names.index(self.look.colour) + 1) % len(names)]
        self._draw()

    def _solid(self) -> None:
        self.look.solid = not self.look.solid and self.scene.has_solid
        self._draw()

    def _next_slice(self) -> None:
        names = ["", *self.scene.slices]
        self.look.slice = names[(names.index(self.look.slice) + 1) % len(names)]
        self._draw()

    def _move(self, step: float) -> None:
        self.look.place = min(max(self.look.place + step, 0.0), 1.0 - 1e-9)
        self._draw()

    def _pick(self) -> None:
        self.points = []
        self.plotter.enable_surface_point_picking(callback=self._picked, show_message=False, left_clicking=True)

    def _picked(self, point: Any) -> None:
        k = max(k for k in range(len(self.scene.runs)) if k == 0 or point[0] >= self.scene.offset(k))
        self.points = [*self.points[-1:], (float(point[0]) - self.scene.offset(k), float(point[1]))]
        if len(self.points) == 2:
            self.look.line = list(self.points)
            self._draw()

    def _draw(self) -> None:
        """Bring the window to what is asked for."""
        scene, asked = self.scene, self.look
        for title in list(self.plotter.scalar_bars.keys()):
            self.plotter.remove_scalar_bar(title, render=False)
        lines = []
        for k, name in enumerate(scene.names):
            self.plotter.add_mesh(
                scene.mesh(k, asked), name=f"surface-{k}", scalars=asked.colour,
                clim=scene.ends(asked.colour), cmap="viridis",
                smooth_shading=True, reset_camera=False,
                scalar_bar_args={"title": self._title(asked.colour), "position_x": 0.86, **BAR},
            )  # fmt: skip
            self.plotter.remove_actor(f"cut-{k}", reset_camera=False)
            if asked.slice:
                self.plotter.add_mesh(
                    mesh_of(scene.cut(k, asked), asked.slice), name=f"cut-{k}", scalars=asked.slice, cmap="cividis",
                    clim=scene.limits(asked.slice), lighting=False, reset_camera=False,
                    scalar_bar_args={"title": words(asked.slice), "position_x": 0.02, **BAR},
                )  # fmt: skip
            dead = scene.isolated(k, asked)
            self.plotter.remove_actor(f"dead-{k}", reset_camera=False)
            if dead is not None:
                self.plotter.add_mesh(dead, name=f"dead-{k}", color=DEAD, reset_camera=False)
            metal = scene.substrate(k, asked)
            if metal is not None:
                self.plotter.add_mesh(metal, name=f"metal-{k}", color=COPPER, reset_camera=False)
            found, frame = scene.figures(k, asked), scene.frame(k, asked.time)
            when = duration(float(scene.runs[k].times[frame]))
            line = f"{vtk_text(name)}, at {when}: "
            line += ", ".join(f"{f} {1e6 * value:.3g}" for f, value in found.items()) + " um"
            line += f"; brown: bare {vtk_text(metal_name)}" if (metal_name := substrate_of(scene.runs[k])) else ""
            lines.append(line)
        self.plotter.add_text("\n".join(lines), position="upper_left", font_size=9, color="black", name="figures")
        self._plot()

    def _title(self, colour: str) -> str:
        """Return what stands over a colour scale; VTK's letters lack the ohm."""
        text = words(colour).replace("\N{GREEK CAPITAL LETTER OMEGA}", "ohm")
        return f"log10 {text}" if self.scene.is_logarithmic(colour) else text

    def _plot(self) -> None:
        """Draw the profiles along the line, once two points are picked."""
        import pyvista as pv

        scene, asked = self.scene, self.look
        if self.chart is not None:
            self.plotter.remove_chart(self.chart)
            self.chart = None
        if len(asked.line) != 2 or math.dist(*asked.line) == 0.0:
            return
        self.chart = pv.Chart2D(
            size=(0.36, 0.3), loc=(0.45, 0.02), x_label="along the line (um)", y_label="height about the mean (um)"
        )
        for k, (name, colour) in enumerate(zip(scene.names, [*RUN_COLOURS] * 4, strict=False)):
            self.chart.line(*scene.profile(k, asked), color=colour, width=2.0, label=vtk_text(name))
        self.chart.background_color = (1.0, 1.0, 1.0, 0.85)
        self.chart.legend_visible = len(scene.names) > 1
        self.plotter.add_chart(self.chart)
