"""Areal surface texture after ISO 25178-2, and the height map that it is taken from.

Numbers for the surface a profilometer sees: one height per lateral cell, metres, C-ordered `(ny, nx)`.
A 2D run has `ny = 1`; its figures are the profile ones of ISO 21920-2 (Ra, Rq, ...) under the areal names.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import hypot, log, pi, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

DECAY = 0.2  # height of the autocorrelation at which Sal and Str are read (ISO 25178-3 default s)
GAUSS_ALPHA = sqrt(log(2) / pi)  # Gaussian filter passes one half at the cutoff wavelength (ISO 16610-21)
RAYS = 360  # directions over half a turn in which the decay of the autocorrelation is followed
FLAT = 8 * np.finfo(np.float64).eps  # a spread below this part of the largest height is rounding, not texture


@dataclass(frozen=True)
class Texture:
    """Texture of one surface; every symbol as ISO 25178-2 defines it, heights `z` counted from their mean.

    Lengths in metres. What does not exist for a surface (the skewness of a flat one, the Str of a profile)
    is None. `extent` belongs to every figure: Sz and Sp grow with the area that was looked at.
    """

    Sa: float
    "arithmetic mean height, mean |z| [m]"
    Sq: float
    "root mean square height, sqrt(mean z^2) [m]"
    Sp: float
    "highest peak, max z [m]"
    Sv: float
    "deepest valley, -min z [m]"
    Sz: float
    "maximum height, Sp + Sv [m]"
    Ssk: float | None
    "skewness, mean z^3 / Sq^3"
    Sku: float | None
    "kurtosis, mean z^4 / Sq^4"
    Sdq: float
    "root mean square gradient"
    Sdr: float
    "developed interfacial area ratio, true area / projected area - 1"
    Sal: float | None
    "autocorrelation length, the shortest lag at which the autocorrelation has fallen to 0.2 [m]"
    Str: float | None
    "texture aspect ratio, the shortest over the longest such lag; 1 isotropic, towards 0 with a lay"
    extent: tuple[float, float]
    "edge lengths (lx, ly) of the map [m]; ly = 0 for a profile"
    levelled: bool
    "True if the least-squares plane was taken off"
    cutoff: float | None
    "nesting index of the Gaussian L-filter [m], None if unfiltered"

    @property
    def area(self) -> float | None:
        """Projected area [m^2]; None for a profile."""
        return self.extent[0] * self.extent[1] or None

    def as_dict(self) -> dict[str, object]:
        """All figures by name, `area` included, ready for JSON."""
        return {**asdict(self), "extent": list(self.extent), "area": self.area}


def sa_sq_sz(height: ArrayLike) -> tuple[float, float, float]:
    """Return (Sa, Sq, Sz) [m] of a height map (ny, nx) [m]: the three figures taken at every step."""
    z = _about_mean(np.asarray(height, dtype=np.float64))
    return float(np.abs(z).mean()), sqrt(float(np.square(z).mean())), float(z.max() - z.min())


def texture(
    height: ArrayLike,
    spacing: float,
    *,
    periodic: bool = True,
    level: bool = False,
    cutoff: float | None = None,
) -> Texture:
    """Return the texture of a height map.

    height: (ny, nx) or (nx,) [m]; spacing: cell edge [m]; periodic: the last column meets the first.
    level: take off the least-squares plane first. cutoff: then remove what is longer [m] (L-filter).
    A plane is not periodic: a levelled map is treated as an open one.
    """
    z = _as_map(height)
    if not spacing > 0:
        raise ValueError(f"spacing must be a positive length in metres, got {spacing!r}")
    wraps = periodic and not level
    if level:
        z = subtract_plane(z)
    if cutoff is not None:
        z = l_filter(z, spacing, cutoff, periodic=wraps)
    z = _about_mean(z)
    ny, nx = z.shape
    sa, sq, sz = sa_sq_sz(z)
    unit = z / sq if sq > 0 else z
    sdq, sdr = _slopes(z, spacing, wraps)
    sal, str_ = _decay_lengths(unit, spacing, wraps) if sq > 0 else (None, None)
    return Texture(
        Sa=sa,
        Sq=sq,
        Sp=float(z.max()),
        Sv=float(-z.min()) + 0.0,
        Sz=sz,
        Ssk=float((unit**3).mean()) if sq > 0 else None,
        Sku=float((unit**4).mean()) if sq > 0 else None,
        Sdq=sdq,
        Sdr=sdr,
        Sal=sal,
        Str=str_,
        extent=(nx * spacing, ny * spacing if ny > 1 else 0.0),
        levelled=level,
        cutoff=cutoff,
    )


def height_map(field: ArrayLike, spacing: float, *, threshold: float = 0.5) -> Array:
    """Return the top surface of the lithium, (ny, nx) [m] above the bottom of the grid.

    field: (nz, ny, nx) or (nz, nx), larger than `threshold` in lithium: `xi` with 0.5, or `-d` with 0.
    Seen from above, as a profilometer does: the first crossing of each column, by linear interpolation
    between cell centres (k + 1/2) dx. A column without lithium has height 0; one filled to the top, nz dx.
    """
    f = np.asarray(field, dtype=np.float64)
    if f.ndim == 2:
        f = f[:, None, :]
    nz = f.shape[0]
    inside = f > threshold
    top = nz - 1 - np.argmax(inside[::-1], axis=0)  # index of the highest lithium cell of each column
    below = np.take_along_axis(f, top[None], axis=0)[0]
    above = np.take_along_axis(f, np.minimum(top + 1, nz - 1)[None], axis=0)[0]
    crosses = inside.any(axis=0) & (top < nz - 1)
    drop = np.where(crosses, below - above, 1.0)
    height = (top + 0.5 + (below - threshold) / drop) * spacing
    full = inside.any(axis=0) & (top == nz - 1)
    return np.asarray(np.where(crosses, height, np.where(full, nz * spacing, 0.0)))


def subtract_plane(height: ArrayLike) -> Array:
    """Return heights (ny, nx) [m] above their least-squares plane (ISO 25178-2, F-operator of order 1)."""
    z = _about_mean(_as_map(height))
    rest = z.copy()
    for axis, n in enumerate(z.shape):  # centred coordinates are orthogonal: each slope stands alone
        if n > 1:
            s = np.arange(n) - (n - 1) / 2
            slope = (z.mean(axis=1 - axis) @ s) / (s @ s)
            rest -= slope * (s[:, None] if axis == 0 else s[None, :])
    if np.ptp(rest) <= FLAT * max(np.ptp(z), np.abs(np.asarray(height)).max()):
        rest[:] = 0.0
    return rest


def l_filter(height: ArrayLike, spacing: float, cutoff: float, *, periodic: bool = True) -> Array:
    """Return heights (ny, nx) [m] without wavelengths above `cutoff` [m] (Gaussian, ISO 16610-61, -21).

    Half of the amplitude passes at the cutoff. Periodic maps are filtered exactly in Fourier space, open ones
    with a kernel whose weights are renormalised at the rim.
    """
    z = _about_mean(_as_map(height))
    if not cutoff > 0:
        raise ValueError(f"cutoff must be a positive length in metres, got {cutoff!r}")
    if periodic:
        fy = np.fft.fftfreq(z.shape[0], spacing)[:, None]
        fx = np.fft.rfftfreq(z.shape[1], spacing)[None, :]
        passed = np.exp(-pi * (GAUSS_ALPHA * cutoff) ** 2 * (fx**2 + fy**2))
        return z - np.fft.irfft2(np.fft.rfft2(z) * passed, s=z.shape)
    from scipy.ndimage import gaussian_filter

    sigma = [GAUSS_ALPHA * cutoff / sqrt(2 * pi) / spacing if n > 1 else 0.0 for n in z.shape]
    weight = gaussian_filter(np.ones_like(z), sigma, mode="constant")
    return np.asarray(z - gaussian_filter(z, sigma, mode="constant") / weight)


def _as_map(height: ArrayLike) -> Array:
    z = np.atleast_2d(np.asarray(height, dtype=np.float64))
    if z.ndim != 2 or z.size == 0:
        raise ValueError(f"a height map has the shape (ny, nx), got {z.shape}")
    if not np.isfinite(z).all():
        raise ValueError("a height map holds finite numbers; NaN or infinity found")
    return z


def _about_mean(height: Array) -> Array:
    """Heights from their mean; exactly zero where only rounding separates them."""
    if np.ptp(height) <= FLAT * np.abs(height).max():
        return np.zeros_like(height)
    return np.asarray(height - height.mean())


def _slopes(z: Array, spacing: float, wraps: bool) -> tuple[float, float]:
    """Sdq and Sdr of the facets between grid points.

    Each quad of neighbours is cut along both diagonals, four triangles of half weight; exact for a plane.
    """
    ny, nx = z.shape
    if wraps:
        z = np.pad(z, ((0, int(ny > 1)), (0, int(nx > 1))), mode="wrap")
    gx = np.diff(z, axis=1) / spacing if nx > 1 else np.zeros((z.shape[0], 1))
    gy = np.diff(z, axis=0) / spacing if ny > 1 else np.zeros((1, z.shape[1]))
    if ny == 1 or nx == 1:
        g2 = gx**2 if ny == 1 else gy**2
        return sqrt(float(g2.mean())), float(_stretch(g2).mean())
    low, high, left, right = gx[:-1] ** 2, gx[1:] ** 2, gy[:, :-1] ** 2, gy[:, 1:] ** 2
    pairs = (low + left, low + right, high + left, high + right)
    g2 = sum(pairs[1:], pairs[0]) / 4
    return sqrt(float(g2.mean())), float(sum(float(_stretch(p).mean()) for p in pairs) / 4)


def _stretch(g2: Array) -> Array:
    """sqrt(1 + g2) - 1 without cancellation for small slopes."""
    return np.asarray(g2 / (np.sqrt(1 + g2) + 1))


def _decay_lengths(unit: Array, spacing: float, wraps: bool) -> tuple[float | None, float | None]:
    """Sal and Str: follow the autocorrelation outwards along rays until it has fallen to 0.2.

    A direction in which it does not fall counts with its distance to the rim of the map, half an edge away:
    Str is then an upper bound.
    """
    from scipy.ndimage import map_coordinates

    ny, nx = unit.shape
    acf = _autocorrelation(unit, wraps)
    if min(ny, nx) == 1:
        line = acf.ravel()[: max(ny, nx) // 2 + 1]
        lag = _first_fall(line[None, :])[0] * spacing
        return (float(lag) if np.isfinite(lag) else None), None
    angles = np.arange(RAYS) * pi / RAYS
    reach = hypot(nx, ny) / 2
    r = np.arange(0, reach + 0.5, 0.5)  # lags in cells, two samples a cell
    ix, iy = r * np.cos(angles)[:, None], r * np.sin(angles)[:, None]
    on_map = (np.abs(ix) <= nx / 2 + 1e-9) & (np.abs(iy) <= ny / 2 + 1e-9)
    ray = map_coordinates(acf, [iy, ix], order=3, mode="grid-wrap")
    ray[:, 0] = 1.0
    fall = _first_fall(np.where(on_map, ray, np.inf)) * 0.5
    if not np.isfinite(fall).any():
        return None, None
    rim = np.where(on_map, r, 0.0).max(axis=1)
    lengths = np.where(np.isfinite(fall), fall, rim)
    sal = float(fall.min())
    return sal * spacing, min(1.0, sal / float(lengths.max()))


def _autocorrelation(unit: Array, wraps: bool) -> Array:
    """Normalised autocorrelation, lag 0 at index 0, negative lags from the end.

    An open map is padded with zeros and each lag divided by the number of pairs that overlap.
    """
    shape = unit.shape
    if not wraps:
        full = tuple(2 * n if n > 1 else 1 for n in shape)
        pairs = [
            np.maximum(1, n - np.abs(np.fft.fftfreq(m, 1 / m))) for n, m in zip(shape, full, strict=True)
        ]
        power = np.abs(np.fft.rfft2(unit, s=full)) ** 2
        return np.asarray(np.fft.irfft2(power, s=full) / (pairs[0][:, None] * pairs[1][None, :]))
    power = np.abs(np.fft.rfft2(unit)) ** 2
    return np.fft.irfft2(power, s=shape) / unit.size


def _first_fall(rays: Array) -> Array:
    """Index, interpolated, at which each row first falls to DECAY; infinity if it never does."""
    fallen = rays <= DECAY
    k = np.maximum(1, np.argmax(fallen, axis=1))
    rows = np.arange(rays.shape[0])
    before, after = rays[rows, k - 1], rays[rows, k]
    found = fallen.any(axis=1)
    step = np.where(found, before - after, 1.0)
    return np.where(found, k - 1 + (before - DECAY) / np.where(found, step, 1.0), np.inf)
