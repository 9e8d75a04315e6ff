"""The lithium surface by matplotlib alone, for machines without OpenGL.

Shaded facets of the height map are painted from back to front, through the same camera as PyVista's picture.
Overhangs cannot be shown.
"""

from __future__ import annotations

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection

from phasefield.viz.metals import substrate_of
from phasefield.viz.stored import METRE, Array, StoredRun, height_of
from phasefield.viz.style import COPPER, LITHIUM, WALL_LIGHT
from phasefield.viz.surfaces.camera import View, relief, rim_coordinates, to_rim

MOST_FACETS = 300  # facets along an edge; finer maps are drawn every second, third ... point
LAMP = np.array([-0.35, -0.55, 0.76])  # direction towards the light, from the front left
AMBIENT = 0.42


def paint(axes: Axes, run: StoredRun, frame: int, view: View) -> None:
    """Draw a frame in picture coordinates of `view.camera`."""
    z = to_rim(relief(run, frame))
    dx = run.spacing * METRE
    y, x = (rim_coordinates(n, dx) for n in run.shape[1:])
    step = -(-max(z.shape) // MOST_FACETS)
    if step > 1:
        rows, columns = (np.unique(np.append(np.arange(0, n, step), n - 1)) for n in z.shape)
        z, y, x = z[np.ix_(rows, columns)], y[rows], x[columns]
    points = np.stack([*np.meshgrid(x, y), np.maximum(z, view.base) * view.exaggeration], axis=-1)
    mean = float(height_of(run, frame).mean())
    empty = max(view.base, -mean) + 1e-9 * mean if substrate_of(run) else -np.inf  # height of places without lithium
    camera = view.camera
    quads = _quads(points)
    order = np.argsort(-camera.depth(quads.mean(axis=1)), kind="stable")
    value = _quads(z[..., None])[..., 0].mean(axis=1)
    span = view.limits[1] - view.limits[0]
    colour = colormaps[view.colours]((value - view.limits[0]) / span)
    bare = _quads(points[..., 2:])[..., 0].max(axis=1) <= empty * view.exaggeration
    colour[bare, :3] = COPPER
    colour[:, :3] *= _shade(quads)[:, None]
    axes.add_collection(
        PolyCollection(
            list(camera.project(quads[order])),
            facecolors=colour[order],
            edgecolors=colour[order],
            linewidths=0.25,
        ),
        autolim=False,
    )
    base = view.base * view.exaggeration
    for line, light in zip((points[0], points[:, -1]), WALL_LIGHT, strict=True):
        foot = line.copy()
        foot[:, 2] = base
        outline = camera.project(np.concatenate([line, foot[::-1]]))
        axes.add_collection(
            PolyCollection([outline], facecolors=[tuple(light * c for c in LITHIUM)], edgecolors="none"),
            autolim=False,
        )


def _quads(points: Array) -> Array:
    """Corners of all facets of a grid of points (ny, nx, k): (facets, 4, k)."""
    corners = (points[:-1, :-1], points[:-1, 1:], points[1:, 1:], points[1:, :-1])
    return np.stack(corners, axis=2).reshape(-1, 4, points.shape[-1])


def _shade(quads: Array) -> Array:
    """Lambert's cosine law with ambient light, one brightness a facet."""
    normal = np.cross(quads[:, 2] - quads[:, 0], quads[:, 3] - quads[:, 1])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    lamp = LAMP / np.linalg.norm(LAMP)
    return np.asarray(np.clip(AMBIENT + (1 - AMBIENT) * np.clip(normal @ lamp, 0, None) * 1.15, 0, 1))
