"""Surfaces as numbers that can be compared: texture and spectrum of squares of one edge, spacing and levelling."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phasefield.case import Case
from phasefield.errors import PhasefieldError
from phasefield.fitting.data import DataFile
from phasefield.fitting.fitfile import PIXEL, PROFILE, FitFile
from phasefield.studies.profiles import LEAST, common
from phasefield.topography.profiles import Profile, fitted, read_profile
from phasefield.topography.profiles.spectra import radial_spectrum
from phasefield.topography.roughness import subtract_plane, texture

Floats = NDArray[np.float64]

TEXTURE = ("Sq", "Sz", "Sal")
FINEST = 4  # points of the shortest wave that is compared: shorter ones belong to the grid more than to the cell
NOTHING = 1e-15  # m, far below any height; squares without a height have a logarithm, too


@dataclass(frozen=True)
class Squares:
    """The squares that all surfaces are compared on: points along an edge, and their spacing [m]."""

    n: int
    spacing: float

    @property
    def edge(self) -> float:
        """Edge of a square, m."""
        return self.n * self.spacing

    @property
    def bands(self) -> list[tuple[int, int]]:
        """First and last wave number of each band, in waves an edge: octaves; what is left joins the last one."""
        last = self.n // FINEST
        firsts = [2**k for k in range(max(1, int(math.log2(last))))]
        return [(first, 2 * first - 1 if first != firsts[-1] else last) for first in firsts]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the numbers of a square."""
        waves = [(self.edge * 1e6 / last, self.edge * 1e6 / first) for first, last in self.bands]
        return (*TEXTURE, *(f"waves of {a:.3g} um" if a == b else f"waves of {a:.3g} to {b:.3g} um" for a, b in waves))

    def cut(self, profile: Profile) -> list[Floats]:
        """Return the squares (n, n) [m] of a surface, side by side about its middle, each above its own plane."""
        assert profile.size is not None
        kx, ky = (int(edge / self.edge * (1.0 + 1e-9)) for edge in profile.size)
        z = fitted(profile, (ky * self.n, kx * self.n), self.spacing)
        parts = z.reshape(ky, self.n, kx, self.n).swapaxes(1, 2).reshape(-1, self.n, self.n)
        return [subtract_plane(part) for part in parts]

    def numbers(self, profile: Profile) -> Floats:
        """Return the logarithms (squares, numbers) of Sq, Sz, Sal [m] and of the heights in each band [m].

        The height in a band is the root of the integral of the power spectral density C over it, C q dq/(2 pi). Where
        the autocorrelation does not fall to 0.2, Sal is half an edge.
        """
        return np.array([self._numbers(square) for square in self.cut(profile)])

    def _numbers(self, z: Floats) -> Floats:
        found = texture(z, self.spacing, periodic=False)
        sal = 0.5 * self.edge if found.Sal is None else found.Sal
        q, density = radial_spectrum(z, self.spacing)
        power = density * q * q[0] / (2.0 * math.pi)
        heights = [math.sqrt(power[first - 1 : last].sum()) for first, last in self.bands]
        return np.log(np.maximum([found.Sq, found.Sz, sal, *heights], NOTHING))


@dataclass(frozen=True)
class MeasuredSurface:
    """A measured profile: its file, its map, the squares it is compared on, and their numbers (squares, numbers)."""

    file: DataFile
    profile: Profile
    squares: Squares
    numbers: Floats

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be known of it."""
        found = []
        if self.profile.missing > 0.0:
            share = f"{self.profile.missing:.2%}"
            found.append(f"{self.file.name}: {share} of its points were missing; they were filled harmonically")
        if len(self.numbers) == 1:
            found.append(f"{self.file.name}: holds one square of the box; its scatter is that of runs with other seeds")
        return tuple(found)


def load_surface(fit: FitFile, case: Case) -> MeasuredSurface:
    """Read the profile of a fit, to be compared with the box of a case. Raises PhasefieldError if it cannot be."""
    assert fit.design is not None
    path = fit.design.file
    if case.grid.ndim != 2 + 1:
        raise fit.error(("base", "case"), "is 2D; a profile is of an area: take a 3D grid")
    profile = read_profile(path, fit.design.pixel, fit.design.unit)
    if profile.pixel is None:
        raise PhasefieldError(f'{path}: does not say how large a pixel is; add [data] {PIXEL} = "1 um"')
    if min(profile.heights.shape) < LEAST:
        ny, nx = profile.heights.shape
        raise PhasefieldError(f"{path}: is {nx} x {ny} points; {LEAST} along each edge are needed")
    _, ny, nx = case.grid.shape
    box = Profile(np.zeros((ny, nx)), (case.grid.spacing, case.grid.spacing), "the box")
    squares = Squares(*common([box, profile]))
    numbers = squares.numbers(profile)
    if not np.all(numbers[:, 0] > math.log(NOTHING)):
        raise PhasefieldError(f"{path}: is flat on {1e6 * squares.edge:.3g} um; check its unit, or give another one")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return MeasuredSurface(
        DataFile(PROFILE, str(path.relative_to(fit.path.parent)), digest), profile, squares, numbers
    )
