"""The lithium surface by PyVista, off screen: an RGBA picture of one frame, through the shared camera."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from phasefield.viz.metals import substrate_of
from phasefield.viz.stored import METRE, Array, StoredRun, field_of, height_of
from phasefield.viz.style import COPPER, LITHIUM, WALL_LIGHT
from phasefield.viz.surfaces import gl
from phasefield.viz.surfaces.camera import View, lateral_size, relief, rim_coordinates, to_rim

PIXELS = 1500  # height of the rendered picture before it is scaled down
COVER = 0.05  # cells: so much the bare metal lies above the height 0 of places without lithium
LIGHT = {"ambient": 0.28, "diffuse": 0.78, "specular": 0.12, "specular_power": 12.0}


def render_frame(
    run: StoredRun, frame: int, view: View, *, solid: bool = True, pixels: int = PIXELS
) -> NDArray[np.uint8]:
    """Return the picture of a frame (pixels, width, 4).

    solid: contour xi = 1/2 in space, with overhangs and isolated lithium; else the height map as a sheet.
    Call only where `gl.available()`: VTK ends the process where there is no OpenGL.
    """
    import pyvista as pv

    surface, walls = _isosurface(run, frame, view) if solid else _sheet(run, frame, view)
    camera = view.camera
    with gl.window_kind():
        plotter: Any = pv.Plotter(off_screen=True, window_size=[round(pixels * camera.aspect), pixels])
        try:
            plotter.enable_anti_aliasing("ssaa")
            if surface.n_points:
                plotter.add_mesh(
                    surface,
                    scalars="height",
                    clim=view.limits,
                    cmap=view.colours,
                    show_scalar_bar=False,
                    smooth_shading=True,
                    **LIGHT,
                )
            for wall, light in zip(walls, WALL_LIGHT, strict=True):
                if wall.n_points:
                    plotter.add_mesh(wall, color=tuple(light * c for c in LITHIUM), lighting=False)
            if substrate_of(run):
                plotter.add_mesh(_slab(run, frame, view), color=COPPER, **LIGHT)
            plotter.camera.position = camera.eye
            plotter.camera.focal_point = camera.target
            plotter.camera.up = (0.0, 0.0, 1.0)
            plotter.camera.view_angle = camera.view_angle
            plotter.reset_camera_clipping_range()
            picture = plotter.screenshot(None, transparent_background=True, return_img=True)
        finally:
            plotter.close()
    return np.asarray(picture, dtype=np.uint8)


def _bottom(run: StoredRun, frame: int, view: View) -> float:
    """Return the height [um] below which nothing is drawn: that of the block, or of a bare metal."""
    if not substrate_of(run):
        return view.base
    return max(view.base, -float(height_of(run, frame).mean()))


def _slab(run: StoredRun, frame: int, view: View) -> Any:
    """Return the bare metal under the nuclei, down to the bottom of the box; its top hides the empty places."""
    import pyvista as pv

    lx, ly = lateral_size(run)
    top = _bottom(run, frame, view) + COVER * run.spacing * METRE
    return pv.Box((0.0, lx, 0.0, ly, view.base * view.exaggeration, top * view.exaggeration))


def _sheet(run: StoredRun, frame: int, view: View) -> tuple[Any, list[Any]]:
    """Height map as a sheet, with the two walls that face the viewer."""
    z = to_rim(relief(run, frame))
    dx = run.spacing * METRE
    y, x = (rim_coordinates(n, dx) for n in run.shape[1:])
    points = np.stack([*np.meshgrid(x, y), np.maximum(z, view.base) * view.exaggeration], axis=-1)
    sheet = _mesh(points)
    sheet["height"] = z.ravel()
    walls = []
    for line in (points[0], points[:, -1]):
        foot = line.copy()
        foot[:, 2] = view.base * view.exaggeration
        walls.append(_mesh(np.stack([foot, line])))
    return sheet, walls


def _mesh(points: Array) -> Any:
    """Quads between the points of a grid (ny, nx, 3)."""
    import pyvista as pv

    ny, nx, _ = points.shape
    index = np.arange(ny * nx).reshape(ny, nx)
    corners = [index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]]
    quads = np.stack([np.full((ny - 1, nx - 1), 4), *corners], axis=-1)
    return pv.PolyData(points.reshape(-1, 3), quads.ravel())


def _isosurface(run: StoredRun, frame: int, view: View) -> tuple[Any, list[Any]]:
    """Contour xi = 1/2 by flying edges, with the lithium's cut faces on the two walls in front."""
    import pyvista as pv

    dx = run.spacing * METRE
    xi = field_of(run, "xi", frame)
    mean = float(height_of(run, frame).mean())
    first = max(0, int(np.floor((view.base + mean) / dx - 0.5)))  # what lies below the block is not drawn
    below = 1 if substrate_of(run) else 0  # lithium reaches down to a bare metal, half a cell below the first centre
    xi = np.pad(xi[first:], ((0, 0), (1, 1), (1, 1)), mode="edge")
    xi = np.pad(xi, ((below, 0), (0, 0), (0, 0)), mode="edge")
    xi = np.pad(xi, ((0, 1), (0, 0), (0, 0)))  # lithium at the counter electrode is closed by a lid
    nz, ny, nx = xi.shape
    origin = (-dx / 2, -dx / 2, (first - below + 0.5) * dx - mean)
    grid = pv.ImageData(dimensions=(nx, ny, nz), spacing=(dx, dx, dx), origin=origin)
    grid["xi"] = xi.astype(np.float32).ravel()
    size = ((nx - 2) * dx, (ny - 2) * dx)
    surface = grid.contour([0.5], scalars="xi", method="flying_edges", compute_scalars=False)
    walls = [
        grid.extract_subset((0, nx - 1, 0, 0, 0, nz - 1)),
        grid.extract_subset((nx - 1, nx - 1, 0, ny - 1, 0, nz - 1)),
    ]
    walls = [wall.clip_scalar(scalars="xi", invert=False, value=0.5) for wall in walls]
    if surface.n_points:
        surface["height"] = np.asarray(surface.points)[:, 2].astype(np.float64)
    bottom = _bottom(run, frame, view)
    for mesh in (surface, *walls):
        if mesh.n_points:
            mesh.points = _into_box(np.asarray(mesh.points), size, view, bottom)
    return surface, walls


def _into_box(points: Array, size: tuple[float, float], view: View, bottom: float) -> Array:
    """Draw the carried-on rim back to the edge of the domain, cut at the bottom [um], exaggerate heights."""
    points = points.astype(np.float64)
    points[:, 0] = points[:, 0].clip(0, size[0])
    points[:, 1] = points[:, 1].clip(0, size[1])
    points[:, 2] = np.maximum(points[:, 2], bottom) * view.exaggeration
    return points
