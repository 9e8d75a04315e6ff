"""Correlated Gaussian random fields that depend on lengths and a seed, not on the grid or the threads."""

from __future__ import annotations

import numpy as np
import scipy.fft
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WHOLE = 1e-9  # a length so near to a whole number of spacings is one: round-off of n dx must not add a point
POINTS_PER_LENGTH = 4.0  # lattice points per 1/e radius; a cubic spline then is exact to 1e-3
PRIMES = (2, 3, 5, 7, 11, 13)  # factors that a fast Fourier transform is fast with


def lattice_points(length: float, radius: float, least_spacing: float) -> int:
    """Return how many lattice points span `length` [m] for a correlation radius [m]."""
    spacing = max(radius / POINTS_PER_LENGTH, least_spacing)
    n = max(4, int(np.ceil(length / spacing * (1.0 - WHOLE))))
    while not _fast(n):
        n += 1
    return n


def _fast(n: int) -> bool:
    for prime in PRIMES:
        while n % prime == 0:
            n //= prime
    return n == 1


def correlated_field(
    shape: tuple[int, ...], lengths: tuple[float, ...], radius: float, key: tuple[int, int], spline: bool = False
) -> Floats:
    """Return a periodic field of unit variance with autocorrelation exp(-(r/radius)^2).

    shape: lattice points; lengths: box [m]; radius [m]; key: (seed, number of the field); spline: return the cubic
    B-spline coefficients of that field instead (for kernels.random_field): a filter 3/(2 + cos k) along each axis.
    """
    spectrum = scipy.fft.rfftn(
        np.random.Generator(np.random.Philox(key=np.array(key, dtype=np.uint64))).standard_normal(shape)
    )
    for axis, (n, length) in enumerate(zip(shape, lengths, strict=True)):
        k = 2.0 * np.pi * np.fft.fftfreq(n, d=length / n)
        power = np.exp(-((k * radius) ** 2) / 4.0)
        amplitude = np.sqrt(power / power.mean())
        if spline and n > 1:
            amplitude *= 3.0 / (2.0 + np.cos(2.0 * np.pi * np.arange(n) / n))
        spectrum *= amplitude[: spectrum.shape[axis]].reshape([-1 if a == axis else 1 for a in range(len(shape))])
    return np.asarray(scipy.fft.irfftn(spectrum, s=shape, overwrite_x=True))
