"""What a height map says of lengths: radial power spectrum, radial autocorrelation, distribution of heights."""

from __future__ import annotations

import math

import numpy as np

from phasefield.topography.profiles.profile import Floats

BINS = 40  # at most, and as many as the root of the points


def radial_spectrum(heights: Floats, spacing: float) -> tuple[Floats, Floats]:
    """Return wave numbers q [1/m] and the power spectral density C(q) [m^4] of a square map (n, n) [m].

    C = |sum of w z exp(-i q r)|^2 dx^2 / (n^2 mean of w^2), mean over rings of width 2 pi/L, Hann's window w, so that
    sides that do not meet add nothing; the integral of C d^2q/(2 pi)^2 is Sq^2 for waves well shorter than the edge,
    but for what lies in the corners beyond the last ring. T. D. B. Jacobs et al., Surf. Topogr.
    Metrol. Prop. 2017, 5, 013001, eqs. (5) and (C6).
    """
    n = len(heights)
    one = np.sin(np.pi * (np.arange(n) + 0.5) / n) ** 2
    window = one[:, None] * one[None, :]
    z = heights - np.sum(window * heights) / np.sum(window)
    power = np.abs(np.fft.fft2(window * z)) ** 2 * spacing**2 / (n * n * np.mean(window**2))
    k = np.fft.fftfreq(n, 1.0 / n)
    ring = np.rint(np.hypot(k[:, None], k[None, :])).astype(int)
    count = np.bincount(ring.ravel())
    mean = np.bincount(ring.ravel(), power.ravel()) / np.maximum(count, 1)
    rings = np.arange(1, n // 2 + 1)
    return np.asarray(2.0 * math.pi / (n * spacing) * rings), np.asarray(mean[rings])


def radial_autocorrelation(heights: Floats, spacing: float) -> tuple[Floats, Floats]:
    """Return distances [m] up to half an edge and the autocorrelation of a square map, 1 at 0.

    Mean over all pairs of points at a distance, heights about the mean; sides are not joined.
    """
    n = len(heights)
    z = heights - heights.mean()
    wide = (2 * n, 2 * n)
    product = np.fft.irfft2(np.abs(np.fft.rfft2(z, wide)) ** 2, wide)
    pairs = np.fft.irfft2(np.abs(np.fft.rfft2(np.ones_like(z), wide)) ** 2, wide)
    k = np.fft.fftfreq(2 * n, 0.5 / n)
    ring = np.rint(np.hypot(k[:, None], k[None, :])).astype(int)
    rings = np.arange(n // 2 + 1)
    total = np.bincount(ring.ravel(), product.ravel())[rings]
    counted = np.bincount(ring.ravel(), pairs.ravel())[rings]
    variance = float(np.mean(z**2))
    found = total / counted / variance if variance > 0.0 else np.ones(len(rings))
    return np.asarray(spacing * rings), np.asarray(found)


def distribution(heights: Floats, low: float, high: float) -> tuple[Floats, Floats]:
    """Return the middles of bins from low to high [m], and the density of the heights in each [1/m]."""
    density, edges = np.histogram(heights, min(BINS, round(heights.size**0.5)), (low, high), density=True)
    return 0.5 * (edges[1:] + edges[:-1]), density
