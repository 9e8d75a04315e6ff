"""What a law of motion is asked for: the driver, step control, events, checkpoints and output know no more of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from phasefield.constants import FARADAY
from phasefield.kernels import transport as sums
from phasefield.model.coefficients import Drive
from phasefield.model.front import Front
from phasefield.model.state import State

if TYPE_CHECKING:
    from phasefield.case import Case

Floats = NDArray[np.float64]


class LawOfMotion(ABC):
    """The model of one case by one law: its numbers, its first state, and its steps."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.shape = case.grid.shape
        self.dx = case.grid.spacing  # m
        self.plane = self.shape[1] * self.shape[2] * self.dx**2  # m^2, projected area
        self.properties = case.properties()
        self.volume_per_charge = self.properties.V_m / FARADAY  # m^3/C of lithium
        self.effort = 0  # coupling iterations of the last step's harder stage
        self.volume_0 = 0.0  # m^3 of lithium at t = 0
        self.volume_other_0 = 0.0  # m^3, of the counter electrode's lithium, where it is resolved
        self.salt_0 = 0.0  # mol in the electrolyte at t = 0
        self._planes, self._ranges = np.zeros(self.shape[0]), np.zeros((self.shape[0], 2))

    @property
    @abstractmethod
    def iterations(self) -> int:
        """Iterations of the solvers since the law was made."""

    @abstractmethod
    def start(self) -> State:
        """Return the state at t = 0: the case's surface, uniform salt, a fresh film; sets what there is at t = 0."""

    @abstractmethod
    def restore(self, arrays: dict[str, Any], numbers: dict[str, float]) -> State:
        """Return the state of a checkpoint, the same to the bit as when its arrays and numbers (SI) were written.

        It is driven: its reaction and what the film has at the elements are set, so that it can be stored as it is.
        """

    @abstractmethod
    def drive(self, s: State, drive: Drive) -> None:
        """Impose `drive` on the state at its own time: new potentials and speeds, nothing moves."""

    @abstractmethod
    def step(self, s: State, drive: Drive, dt: float) -> State:
        """Return the state after dt [s] under `drive`; `s` (driven by `drive`) stays as it is.

        Raises SolverError if a stage cannot be solved; the caller takes a smaller step then.
        """

    @abstractmethod
    def accept(self, old: State) -> None:
        """Give back the arrays of a state that is no longer needed (after `step`)."""

    @abstractmethod
    def longest_step(self, s: State) -> float:
        """Return the longest step [s] from a state that the law allows, whatever the salt and the protocol do."""

    @abstractmethod
    def content(self, front: Front, c: Floats) -> float:
        """Return the salt in the cell [mol]."""

    @abstractmethod
    def field(self, s: State, name: str) -> Floats:
        """Return a field (nz, ny, nx) of the results file by its name in `phasefield.fields`."""

    @classmethod
    def longest_of(cls, case: Case) -> float:
        """Return the longest step [s] that the law ever allows in a case, for the estimate of its cost; inf: any."""
        return np.inf

    def series(self, s: State) -> dict[str, float]:
        """Return the series of `phasefield.fields` that not every cell has."""
        return {}

    def until_renewal(self, s: State) -> float:
        """Return the time [s] after which the film's patches are renewed at the present current; inf: never."""
        return np.inf

    def due(self, s: State) -> bool:
        """Return whether the film's patches are to be renewed now, which `drive` does."""
        return False

    def current(self, s: State) -> float:
        """Return the cell current density [A/m^2]."""
        assert s.reaction is not None
        return s.reaction.total / self.plane

    def change(self, old: State, new: State, floor: float) -> float:
        """Return the largest relative change of concentration in the electrolyte; floor: share of c0."""
        k = new.front.k0
        c_0 = self.properties.c0
        return float(sums.largest_change(self._planes, new.front.h[k:], new.c[k:], old.c[k:], floor * c_0, c_0))

    def concentration_range(self, s: State) -> tuple[float, float]:
        """Return the smallest and largest concentration [mol/m^3] in the electrolyte and at the surface (h > 1/2)."""
        k = s.front.k0
        low, high = sums.extremes(self._ranges, s.front.h[k:], s.c[k:], 0.5)
        return float(low), float(high)
