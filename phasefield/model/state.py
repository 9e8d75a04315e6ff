"""The record of a cell at one time: what every law of motion tells, and what the law in `cell` keeps besides."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from phasefield.model.film import FilmState
from phasefield.model.front import Front
from phasefield.model.reaction import Reaction

Floats = NDArray[np.float64]


def nothing() -> Floats:
    """Return an array without entries."""
    return np.zeros(0)


@dataclass
class State:
    """Everything at one time. `v` is the surface's speed on the band [m/s]; totals are since t = 0."""

    # What a drive changes.
    DRIVEN: ClassVar[tuple[str, ...]] = ("phi", "phi_s", "jc", "film", "reaction", "resistance", "j_side")

    front: Front
    c: Floats
    phi: Floats
    v: Floats
    film: FilmState = field(default_factory=lambda: FilmState(nothing(), nothing(), nothing()))
    jc: Floats = field(default_factory=nothing)
    phi_s: float = 0.0
    t: float = 0.0
    counter_film: float = 0.0
    applied: float = 0.0  # C/m^2
    deposited: float = 0.0  # C/m^2
    side: float = 0.0  # C/m^2
    deposited_other: float = 0.0  # C/m^2, on the counter electrode where it is resolved
    displaced: float = 0.0  # mol of salt in the electrolyte that has left through the counter plane
    displaced_volume: float = 0.0  # m^3 of it
    newton_iterations: int = 0  # of salt and charge in the step that led here
    residual: float = 0.0  # error of the surface currents that its solver reached, relative
    salt_correction: float = 0.0  # largest |factor - 1| that closed the salt's balance in the step that led here
    volume_correction: float = 0.0  # largest share of the step's own motion that closed the lithium's, eq. (3)
    step_error: float = 0.0  # of the step that led here, by embedded solutions: front in cells, others relative
    reaction: Reaction | None = None
    resistance: Floats = field(default_factory=nothing)  # of the film at the elements [ohm m^2]
    j_side: Floats = field(default_factory=nothing)  # side reaction there [A/m^2]
    modes: Floats = field(default_factory=nothing)  # of the cathode's particles [1/s]; none: lithium
    filling: float = 0.0  # of the cathode, at the surface of its particles
    open_circuit: float = 0.0  # V, of the cathode there; 0 of a lithium counter electrode

    @property
    def voltage(self) -> float:
        """Cell voltage, V: > 0 while plating against lithium."""
        return self.open_circuit - self.phi_s

    def arrays(self) -> dict[str, Floats]:
        """Return the arrays that a restart needs."""
        return {
            "d": self.front.d, "c": self.c, "phi": self.phi, "v": self.v, "jc": self.jc,
            "film_N": self.film.N, "film_delta": self.film.delta, "film_known": self.film.known,
        } | ({"modes": self.modes} if self.modes.size else {})

    def numbers(self) -> dict[str, float]:
        """Return the numbers that a restart needs."""
        names = ("phi_s", "t", "counter_film", "applied", "deposited", "side", "deposited_other", "displaced",
                 "displaced_volume")  # fmt: skip
        film = {f"film_{name}": float(getattr(self.film, name)) for name in ("left", "patch", "direction")}
        return {name: float(getattr(self, name)) for name in names} | film

    def field(self, name: str) -> Floats:
        """Return a field (nz, ny, nx) of the results file that every law has; KeyError: there is none of that name."""
        if name == "xi":
            return 1.0 - self.front.h
        if name == "concentration":
            return np.where(self.front.h > 0.0, self.c, 0.0)
        if name == "potential":
            return np.where(self.front.h > 0.0, self.phi, 0.0)
        if name == "distance":
            return self.front.d
        if name == "dead":
            return self.front.dead.astype(np.float64)
        raise KeyError(name)

    def remember(self) -> Callable[[], None]:
        """Return what takes the state back to what it is now, after a drive that is not to stand."""
        kept = deepcopy({name: getattr(self, name) for name in self.DRIVEN})
        return lambda: self.__dict__.update(kept)
