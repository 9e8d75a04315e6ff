"""A measured map on the cells of a box: levelled, cut, its fine waves left out, its sides joined."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from phasefield.topography.profiles.profile import Floats, Profile, ProfileError
from phasefield.topography.roughness import subtract_plane

SIDES = ("cut", "taper", "mirror")
MARGIN = 0.1  # of an edge over which `taper` blends the map into its opposite side
WHOLE = 1e-6


def fitted(
    profile: Profile, shape: tuple[int, int], spacing: float, sides: str = "cut", periodic: bool = False
) -> Floats:
    """Return a map on the cells (ny, nx) of a box of that spacing [m], m.

    A map without a pixel size covers the box; it is taken as it is (periodic: it goes on beyond its sides). Else, in
    this order: it is levelled; its middle is cut out, as large as the box (mirror: half as large); waves shorter than
    two cells are left out, by the means of the pixels in each cell; its sides are joined; its mean is taken off.
    sides: "cut", nothing is done; "taper": the outer tenth of each edge is blended into the opposite one, so that both
    meet; "mirror": the cut and its mirror images side by side. Raises ProfileError if the map is smaller than the box.
    """
    ny, nx = shape
    if profile.pixel is None:
        own = _binned(profile.heights, shape, periodic)
        return _tapered(own) if sides == "taper" else own
    z = subtract_plane(profile.heights)
    folds = [2 if sides == "mirror" and n > 1 and n % 2 == 0 else 1 for n in (ny, nx)]
    wanted = [n * spacing / fold for n, fold in zip(shape, folds, strict=True)]
    spans = []
    for name, n, edge, pixel in zip("yx", z.shape, wanted, profile.pixel[::-1], strict=True):
        if n == 1 or (name == "y" and ny == 1):
            spans.append((float(n // 2), 1.0))
            continue
        there = n * pixel
        if there < edge * (1.0 - WHOLE):
            raise ProfileError(
                f"{profile.source}: is {1e6 * there:.4g} um long along {name}, {1e6 * edge:.4g} um are needed; "
                'take a smaller box, or sides = "mirror", which needs half'
            )
        take = min(float(n), edge / pixel)  # pixels, and parts of them at both ends
        spans.append((0.5 * (n - take), take))
    own = _binned(z, (max(1, ny // folds[0]), max(1, nx // folds[1])), spans=spans)
    for axis, fold in enumerate(folds):
        if fold == 2:
            own = np.concatenate([own, np.flip(own, axis)], axis=axis)
    own = _tapered(own) if sides == "taper" else own
    return np.asarray(own - own.mean())


def _binned(
    heights: Floats, shape: tuple[int, int], periodic: bool = False,
    spans: Sequence[tuple[float, float]] | None = None,
) -> Floats:  # fmt: skip
    """Return means over equal parts of a map, each pixel shared out among the parts that it lies in.

    Where there are fewer pixels than parts: linear between their middles. spans: where the parts begin, and how long
    they are together, in pixels along y and x; by default the whole map.
    """
    for axis, parts in enumerate(shape):
        n = heights.shape[axis]
        first, length = spans[axis] if spans is not None else (0.0, float(n))
        if (first, length, n) != (0.0, float(parts), parts):
            many = length > parts
            weights = _means(n, parts, first, length) if many else _between(n, parts, periodic, first, length)
            heights = np.moveaxis(np.tensordot(weights, heights, axes=(1, axis)), 0, axis)
    return np.asarray(heights, dtype=np.float64)


def _means(n: int, parts: int, first: float, length: float) -> NDArray[np.float64]:
    """Return weights (parts, n): the share of each of n pixels in the mean over each of the parts."""
    edge = first + np.arange(parts + 1) * length / parts
    low = np.maximum(edge[:-1, None], np.arange(n)[None, :])
    high = np.minimum(edge[1:, None], np.arange(1, n + 1)[None, :])
    return np.asarray(np.maximum(high - low, 0.0) * parts / length)


def _between(n: int, parts: int, periodic: bool, first: float, length: float) -> NDArray[np.float64]:
    """Return weights (parts, n) of linear interpolation between n middles; beyond them constant, or periodic."""
    at = first + (np.arange(parts) + 0.5) * length / parts - 0.5
    if not periodic:
        at = np.clip(at, 0.0, n - 1.0)
    left = np.floor(at).astype(int)
    weights = np.zeros((parts, n))
    np.add.at(weights, (np.arange(parts), left % n), 1.0 - (at - left))
    np.add.at(weights, (np.arange(parts), (left + 1) % n), at - left)
    return weights


def _tapered(heights: Floats) -> Floats:
    """Blend the outer parts of each edge into the opposite one: at the very side both have their mean."""
    for axis, n in enumerate(heights.shape):
        if n < 4:
            continue
        m = max(1, round(MARGIN * n))
        along = np.moveaxis(heights, axis, 0).copy()
        first, last = along[:m].copy(), along[n - m :][::-1].copy()
        share = (0.5 * (1.0 + np.cos(np.pi * (np.arange(m) + 0.5) / m)))[:, None]  # 1 at the side, 0 inside
        both = 0.5 * (first + last)
        along[:m] = first + share * (both - first)
        along[n - m :] = (last + share * (both - last))[::-1]
        heights = np.moveaxis(along, 0, axis)
    return heights
