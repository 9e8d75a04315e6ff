"""The viewer as a page on this machine: trame serves it, the browser draws; no OpenGL is needed here."""

from __future__ import annotations

import asyncio
import base64
import io
import secrets
import socket
import sys
import tempfile
import webbrowser
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from phasefield.errors import PhasefieldError
from phasefield.viz.metals import substrate_of
from phasefield.viz.stored import StoredRun, duration
from phasefield.viz.style import COPPER, MICRON, RUN_COLOURS, look, new_figure
from phasefield.viz.surfaces import gl
from phasefield.viz.viewer.scene import DEAD, INK, Look, Scene, box_of, eye, mesh_of, not_stored, words

HOST = "127.0.0.1"  # no other machine may look; no other user of this one without the secret
SECRET_BYTES = 32
OWN_NAMES = (HOST, "localhost")
MAP, SLICE_MAP = "viridis", "cividis"
COLOURS = 256
BACKGROUND = (0.97, 0.97, 0.97)
ASPECT = 1.4  # width of the view over its height, about
SHADING = {"ambient": 0.3, "diffuse": 0.8}
FIGURES = ("Sa", "Sq", "Sz")
PACE = 0.8  # s from one time to the next while time runs: a browser that draws in software needs as long
BUTTON = "border:1px solid #999;border-radius:3px;padding:.1em .6em;margin-right:.4em;white-space:nowrap"

STYLE = """
#work{display:flex;height:calc(100vh - 64px)}
#scene{flex:1;position:relative;min-width:0;height:100%;overflow:hidden}
#side{width:21em;padding:.8em;height:100%;box-sizing:border-box;overflow:auto;font:14px system-ui}
#time{flex:0 1 22em;min-width:6em;margin-right:1em}
#when{white-space:nowrap}
.v-toolbar-title{flex:1 1 0;min-width:0}
.v-toolbar-title__placeholder{white-space:normal;font-size:15px;line-height:1.25;max-height:3.75em;overflow:hidden}
@media(max-width:700px){
  #work{flex-direction:column;height:auto}
  #scene{flex:none;height:55vh}
  #side{width:100%;height:auto}
  .v-toolbar-title__placeholder{font-size:11px}
}
"""
"""Layout of the page: the scene beside its controls, above them on a narrow screen."""


class Page:
    """The page of some runs: a scene that the browser draws, and what is set beside it."""

    def __init__(self, runs: Sequence[StoredRun], first: Look) -> None:
        from trame.app import get_server

        self.scene, self.look = Scene(runs), first
        self.server: Any = get_server(name=f"phasefield-{id(self)}", client_type="vue3")
        self.state: Any = self.server.state
        self._runs = False  # time, by itself
        self._window()
        self._fill_state()
        self._layout()
        for name in ("at", "colour", "cut", "place", "solid"):
            self.state.change(name)(self._changed)
        self.state.change("playing")(self._play)

    def _window(self) -> None:
        """Make the scene of VTK's objects. The window is never rendered here."""
        import vtkmodules.vtkInteractionStyle
        import vtkmodules.vtkRenderingOpenGL2  # noqa: F401  both register what the window is made of
        from vtkmodules.vtkRenderingCore import vtkRenderer, vtkRenderWindow, vtkRenderWindowInteractor

        self.renderer: Any = vtkRenderer()
        self.renderer.SetBackground(*BACKGROUND)
        with gl.never_rendered():
            self.window: Any = vtkRenderWindow()
        self.window.SetOffScreenRendering(1)
        self.window.AddRenderer(self.renderer)
        self.interactor: Any = vtkRenderWindowInteractor()
        self.interactor.SetRenderWindow(self.window)
        style: Any = self.interactor.GetInteractorStyle()
        style.SetCurrentStyleToTrackballCamera()
        n = len(self.scene.runs)
        self.surfaces = [_Actor(MAP) for _ in range(n)]
        self.cuts = [_Actor(SLICE_MAP) for _ in range(n)]
        self.dead = [_Actor(None) for _ in range(n)]
        self.metals = [_Actor(None) for _ in range(n)]
        for metal in self.metals:
            metal.actor.GetProperty().SetColor(*COPPER)
        bar = _Actor(None)
        bar.plain(box_of(self.scene.bar()[1]))
        bar.actor.GetProperty().SetColor(*INK)
        bar.actor.GetProperty().LightingOff()
        for actor in (*self.surfaces, *self.cuts, *self.dead, *self.metals, bar):
            self.renderer.AddActor(actor.actor)
        self._draw()
        self._aim(ASPECT)

    def _aim(self, aspect: float) -> None:
        camera, seen = self.renderer.GetActiveCamera(), eye(self.scene, self.look, aspect)
        camera.SetParallelProjection(1)  # runs that stand side by side are seen alike
        camera.SetFocalPoint(*seen.focus)
        camera.SetPosition(*seen.position)
        camera.SetViewUp(0.0, 0.0, 1.0)
        camera.SetParallelScale(seen.half)
        self.renderer.ResetCameraClippingRange()

    def _draw(self) -> None:
        """Bring the scene to what is asked for."""
        scene, asked = self.scene, self.look
        ends = scene.ends(asked.colour)
        for k in range(len(scene.runs)):
            self.surfaces[k].show(scene.mesh(k, asked), asked.colour, ends)
            if asked.slice:
                cut = mesh_of(scene.cut(k, asked), asked.slice)
                self.cuts[k].show(cut, asked.slice, scene.limits(asked.slice))
            else:
                self.cuts[k].hide()
            self.dead[k].plain(scene.isolated(k, asked))
            self.metals[k].plain(scene.substrate(k, asked))

    def _fill_state(self) -> None:
        s, scene = self.state, self.scene
        s.trame__title = ", ".join(scene.names) + " - phasefield"
        s.names = " \N{MIDDLE DOT} ".join(scene.names)
        bare = dict.fromkeys(metal for run in scene.runs if (metal := substrate_of(run)))
        s.bare = f"Brown: bare {', '.join(bare)}." if bare else ""
        s.times = [duration(float(t)) for t in scene.times]
        s.at = int(np.searchsorted(scene.times, self.look.time * (1.0 - 1e-9)).clip(0, len(scene.times) - 1))
        s.colour, s.cut, s.place = self.look.colour, self.look.slice, self.look.place
        s.solid, s.has_solid, s.playing = self.look.solid, scene.has_solid, False
        s.bar = f"{scene.bar()[0]:g} {MICRON}"
        s.cut_low = s.cut_high = s.middle = ""
        s.colours = [{"title": words(name), "value": name} for name in scene.colours]
        s.slices = [{"title": words(name), "value": name} for name in scene.slices]
        s.slices = [{"title": "no cut", "value": ""}, *s.slices]
        missing = not_stored(scene)
        known = ", ".join(name.replace("_", " ") for name in missing)
        s.missing = f"Not stored, so not shown: {known}. output.fields of the case has them stored." if missing else ""
        s.ramp, s.cut_ramp = _ramp(MAP), _ramp(SLICE_MAP)
        self._say()

    def _say(self) -> None:
        """Bring texts, maps and the profile to what is asked for."""
        s, scene, asked = self.state, self.scene, self.look
        low, high = scene.limits(asked.colour)
        s.low, s.high = f"{low:.3g}", f"{high:.3g}"
        s.middle = "logarithmic" if scene.is_logarithmic(asked.colour) else ""
        if asked.slice:
            s.cut_low, s.cut_high = (f"{edge:.3g}" for edge in scene.limits(asked.slice))
        s.rows = [
            {
                "name": name, "when": duration(float(scene.runs[k].times[scene.frame(k, asked.time)])),
                **{f: f"{1e6 * found[f]:.3g}" for f in FIGURES},
            }
            for k, name in enumerate(scene.names)
            for found in [scene.figures(k, asked)]
        ]  # fmt: skip
        s.map, s.profile = _map(scene, asked), _profile(scene, asked)

    def _changed(self, **_: Any) -> None:
        s, asked = self.state, self.look
        asked.time = float(self.scene.times[int(s.at)])
        asked.colour, asked.slice, asked.place = str(s.colour), str(s.cut), float(s.place)
        asked.solid = bool(s.solid)
        self._draw()
        self._say()
        self.view.update()

    async def _play(self, **_: Any) -> None:
        """Step through the times while the page asks for it; from the last one on it begins with the first."""
        s, last = self.state, len(self.scene.times) - 1
        if self._runs:
            return
        self._runs = True
        while s.playing:
            with s:
                s.at = 0 if s.at >= last else s.at + 1
                s.playing = s.at < last
            await asyncio.sleep(PACE)
        self._runs = False

    def pick(self, x: float, y: float) -> None:
        """Take a point of the first run's map, as shares of width and height; two make a line, a third begins anew."""
        run = self.scene.runs[0]
        _, ny, nx = run.shape
        place = (min(max(x, 0.0), 1.0) * nx * run.spacing * 1e6, min(max(1.0 - y, 0.0), 1.0) * ny * run.spacing * 1e6)
        self.look.line = [place] if len(self.look.line) != 1 else [*self.look.line, place]
        self._say()

    def _first_seen(self, wide: float | None = None, high: float | None = None) -> None:
        """Fit the camera to the place [pixels] that a browser has for the scene: by itself it would stand far off."""
        self._aim(wide / high if wide and high else ASPECT)
        self.view.push_camera()

    def _layout(self) -> None:
        from trame.ui.vuetify3 import SinglePageLayout
        from trame.widgets import client, html
        from trame.widgets import vtk as views

        with SinglePageLayout(self.server) as layout:
            layout.title.set_text("{{ names }}")  # texts of runs are values of the page, never parts of its template
            client.Style(STYLE)
            layout.footer.hide()
            layout.icon.hide()
            with layout.toolbar:
                html.Span("at {{ times[at] }}", classes="mx-2", id="when")
                html.Input(
                    type="range", id="time", min=0, max=(f"{len(self.scene.times) - 1}",), v_model_number="at", step=1,
                    aria_label="time",
                )  # fmt: skip
                html.Button("{{ playing ? 'stop' : 'play' }}", id="play", style=BUTTON, click="playing = !playing")
            with layout.content, html.Div(id="work"):
                size = "[trame.refs.scene?.clientWidth, trame.refs.scene?.clientHeight]"
                with html.Div(id="scene", ref="scene"):
                    self.view = views.VtkLocalView(
                        self.window, on_ready=(self._first_seen, size),
                        on_image_capture="utils.download('scene.png', $event, 'image/png')",
                    )  # fmt: skip
                with html.Div(id="side"):
                    with html.Div(style="margin-bottom:.8em"):
                        html.Button("reset view", id="reset", style=BUTTON, click=(self._first_seen, size))
                        html.Button("picture", id="picture", style=BUTTON, click=lambda: self.view.capture_image())
                    _choice("colour", "colours", "surface")
                    _bar("ramp", "low", "high", "middle")
                    with html.Label(v_if="has_solid", style="display:block;margin-bottom:.8em"):
                        html.Input(type="checkbox", id="solid", v_model="solid", style="appearance:auto")
                        html.Span(" with overhangs (the surface in space)")
                    _choice("cut", "slices", "cut")
                    with html.Div(v_if="cut"):
                        _bar("cut_ramp", "cut_low", "cut_high")
                        html.Input(
                            type="range", id="place", min=0, max=1, step=0.02, v_model_number="place",
                            style="width:100%", aria_label="place of the cut",
                        )  # fmt: skip
                    with html.Table(style="width:100%;margin:.6em 0;border-collapse:collapse", id="figures"):
                        with html.Tr():
                            for head in (f"{MICRON}, from the left", *FIGURES):
                                html.Th(head, style="text-align:left;padding:.1em .4em")
                        with html.Tr(v_for="row in rows", key="row.name"):
                            html.Td("{{ row.name }}, {{ row.when }}", style="padding:.1em .4em")
                            for name in FIGURES:
                                html.Td(f"{{{{ row.{name} }}}}", style="padding:.1em .4em")
                    html.Div("Black bar in the scene: {{ bar }}.", id="bar", style="color:#666")
                    html.Div("{{ bare }}", v_if="bare", id="bare", style="color:#666")
                    html.Div("Click on two points of the map for the profile between them.", style="color:#666")
                    html.Img(
                        src=("map",), id="map", style="width:100%;cursor:crosshair",
                        click=(self.pick, "[$event.offsetX / $event.target.clientWidth, "
                               "$event.offsetY / $event.target.clientHeight]"),
                    )  # fmt: skip
                    html.Img(v_if="profile", src=("profile",), id="profile", style="width:100%")
                    html.Div("{{ missing }}", style="color:#666")

    def serve(self, port: int, say: Callable[[str], None], show: bool) -> None:
        """Serve the page until Ctrl-C. port: 0 for a free one; say: told the address; show: open a browser.

        The address has a secret, new at each start: the server tells and does nothing without it. Raises
        PhasefieldError where the port is taken.
        """
        _check_free(port)
        secret = secrets.token_urlsafe(SECRET_BYTES)

        def ready(**_: Any) -> None:
            address = f"http://{HOST}:{self.server.port}/?secret={secret}"
            say(address)
            if show:
                webbrowser.open(_leading_to(address, Path(kept_from_others)).as_uri())

        self.server.controller.on_server_ready.add(ready)
        self.server.controller.on_server_bind.add(_set_up)
        # trame reads the command line, too; this is Python's copy, which no other process sees
        kept, sys.argv = sys.argv, [sys.argv[0], f"--authKey={secret}"]
        try:
            with tempfile.TemporaryDirectory() if show else nullcontext("") as kept_from_others:
                self.server.start(
                    host=HOST, port=port, open_browser=False, show_connection_info=False, disable_logging=True,
                    timeout=0,
                )  # fmt: skip
        finally:
            sys.argv = kept


def _leading_to(address: str, folder: Path) -> Path:
    """Write a page that leads to an address: a browser's command line, which everybody sees, names the page alone."""
    page = folder / "view.html"
    page.touch(mode=0o600)
    page.write_text(f'<meta http-equiv="refresh" content="0; url={address}">', encoding="utf-8")
    return page


def _check_free(port: int) -> None:
    with socket.socket() as asked:
        asked.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does
        try:
            asked.bind((HOST, port))
        except OSError as error:
            reason = error.strerror.lower() if error.strerror else "cannot be had"
            raise PhasefieldError(f"--port {port}: {reason}; choose another, or none for any that is free") from None


def _set_up(bound: Any) -> None:
    """Let a server answer its own page alone, not others that the same browser shows; and pack nothing on the way."""
    from aiohttp import web

    @web.middleware
    async def guarded(request: Any, handler: Any) -> Any:
        origin = request.headers.get("Origin", f"http://{request.host}")
        if request.url.host not in OWN_NAMES or origin != f"http://{request.host}":
            raise web.HTTPForbidden(text="this address answers its own page only")
        return await handler(request)

    bound.app.middlewares.append(guarded)
    bound.config["ws_compress"] = False  # the way is short


class _Actor:
    """A mesh in the scene; its arrays are replaced, so that only what has changed is sent."""

    def __init__(self, colours: str | None) -> None:
        from vtkmodules.vtkCommonCore import vtkLookupTable
        from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper

        self.mapper: Any = vtkPolyDataMapper()
        self.actor: Any = vtkActor()
        self.actor.SetMapper(self.mapper)
        self.actor.SetVisibility(0)
        self.actor.GetProperty().SetAmbient(SHADING["ambient"])
        self.actor.GetProperty().SetDiffuse(SHADING["diffuse"])
        if colours is None:
            self.mapper.SetScalarVisibility(0)
            self.actor.GetProperty().SetColor(*DEAD)
            return
        table = vtkLookupTable()
        table.SetNumberOfTableValues(COLOURS)
        for k, colour in enumerate(_table(colours)):
            table.SetTableValue(k, *colour)
        self.mapper.SetLookupTable(table)
        self.mapper.SetScalarModeToUsePointFieldData()

    def show(self, mesh: Any, name: str, limits: tuple[float, float]) -> None:
        """Show a mesh coloured by one of its arrays."""
        self.mapper.SetInputData(mesh)
        self.mapper.SelectColorArray(name)
        self.mapper.SetScalarRange(*limits)
        self.mapper.GetLookupTable().SetRange(*limits)
        self.actor.SetVisibility(1)

    def plain(self, mesh: Any) -> None:
        """Show a mesh in one colour; nothing for None."""
        if mesh is None:
            self.hide()
            return
        self.mapper.SetInputData(mesh)
        self.actor.SetVisibility(1)

    def hide(self) -> None:
        """Show nothing."""
        self.actor.SetVisibility(0)


def _table(name: str) -> Any:
    import matplotlib as mpl

    return mpl.colormaps[name](np.linspace(0.0, 1.0, COLOURS))


def _ramp(name: str) -> str:
    """Return a colour scale as CSS has it."""
    stops = ", ".join("#" + "".join(f"{round(255 * part):02x}" for part in c[:3]) for c in _table(name)[::25])
    return f"background:linear-gradient(to right, {stops});height:1em;width:100%"


def _bar(ramp: str, low: str, high: str, middle: str = "") -> None:
    from trame.widgets import html

    html.Div(style=(ramp,))
    with html.Div(style="display:flex;justify-content:space-between;margin-bottom:.8em"):
        html.Span(f"{{{{ {low} }}}}")
        if middle:
            html.Span(f"{{{{ {middle} }}}}", style="color:#666")
        html.Span(f"{{{{ {high} }}}}")


def _choice(name: str, items: str, label: str) -> None:
    from trame.widgets import html

    html.Label(label, style="display:block;color:#666")
    with html.Select(
        v_model=name, id=name, style="width:100%;border:1px solid #999;border-radius:3px;padding:.2em;appearance:auto"
    ):
        html.Option("{{ item.title }}", v_for=f"item in {items}", key="item.value", value=("item.value",))


def _png(figure: Any) -> str:
    file = io.BytesIO()
    figure.savefig(file, dpi=110, facecolor="white", pil_kwargs={"compress_level": 1})  # it goes no further than here
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"


def _map(scene: Scene, asked: Look) -> str:
    """Return the first run's surface from above, edge to edge, with the line that was picked."""
    run = scene.runs[0]
    sheet = scene.surface(0, asked)
    wide, deep = run.shape[2] * run.spacing * 1e6, run.shape[1] * run.spacing * 1e6
    low, high = scene.ends(asked.colour)
    with look():
        figure = new_figure(2.6, 2.6 * deep / wide)
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        axes.set_axis_off()
        edges = (0.0, wide, 0.0, deep)
        values = scene.scaled(asked.colour, sheet.values)
        axes.imshow(values, origin="lower", extent=edges, cmap=MAP, vmin=low, vmax=high)
        if asked.line:
            x, y = np.array(asked.line).T
            axes.plot(x, y, "o-", color="white", markeredgecolor="black", markersize=5)
        axes.set_xlim(0, wide)
        axes.set_ylim(0, deep)
        return _png(figure)


def _profile(scene: Scene, asked: Look) -> str:
    """Return the profiles of all runs along the line; nothing before two points are picked."""
    if len(asked.line) != 2 or asked.line[0] == asked.line[1]:
        return ""
    with look():
        figure = new_figure(2.9, 2.0)
        axes = figure.add_axes((0.17, 0.24, 0.8, 0.72))
        for k, (name, colour) in enumerate(zip(scene.names, [*RUN_COLOURS] * 4, strict=False)):
            axes.plot(*scene.profile(k, asked), color=colour, label=name, linewidth=1.2)
        axes.set_xlabel(f"along the line ({MICRON})")
        axes.set_ylabel(f"height ({MICRON})")
        if len(scene.runs) > 1:
            axes.legend(fontsize=6)
        return _png(figure)
