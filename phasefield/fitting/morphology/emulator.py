"""An emulator of the runs: a Gaussian process of each number of a surface over the unknowns, checked by leaving out.

C. E. Rasmussen, C. K. I. Williams, Gaussian Processes for Machine Learning, MIT Press 2006, chapters 2 and 5.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phasefield.errors import PhasefieldError
from phasefield.fitting.morphology.runs import SeededRuns

Floats = NDArray[np.float64]

SHORTEST, LONGEST = 0.1, 30.0  # lengths of a process, of a prior: shorter is noise, longer a plane
STARTS = 2  # of the search for them, beside the first
LEAST_SCATTER = 1e-9  # of a logarithm: runs that agree to all digits


def require_scikit_learn() -> None:
    """Raise PhasefieldError, how to install it, if scikit-learn is missing."""
    if importlib.util.find_spec("sklearn") is None:
        raise PhasefieldError("a profile needs scikit-learn; install it with: pip install 'lithium-phasefield[fit]'")


@dataclass(frozen=True)
class LeftOut:
    """Places left out of one number, one after the other: what the runs gave, what the others predict, its error.

    run, predicted, deviation: logarithms (points,); the deviation is that of process and seeds together.
    """

    run: Floats
    predicted: Floats
    deviation: Floats

    @property
    def rms(self) -> float:
        """Error of the prediction, as a share."""
        return float(np.sqrt(np.mean((self.run - self.predicted) ** 2)))

    @property
    def standard(self) -> float:
        """Mean square of the error over its standard deviation: 1 of an emulator that knows its error."""
        return float(np.mean(((self.run - self.predicted) / self.deviation) ** 2))

    @property
    def explained(self) -> float:
        """Share of the variance between the places that the prediction explains."""
        between = max(float(np.sum((self.run - self.run.mean()) ** 2)), LEAST_SCATTER**2)
        return 1.0 - float(np.sum((self.run - self.predicted) ** 2)) / between


class Emulator:
    """Means and errors of the numbers of a surface over places u of the priors."""

    def __init__(self, runs: SeededRuns, seed: int) -> None:
        self.runs = runs
        means = np.array([part.mean(axis=0) for part in runs.numbers])
        counts = np.array([len(part) for part in runs.numbers])
        self.scatter = _scatter(runs.numbers)
        noise = np.diag(self.scatter)[None, :] / counts[:, None]
        self._processes = [_Process(runs.u, y, v, seed) for y, v in zip(means.T, noise.T, strict=True)]
        self.left_out = [one.left_out() for one in self._processes]
        self._wider = np.sqrt([max(1.0, one.standard) for one in self.left_out])

    def predict(self, u: Floats) -> tuple[Floats, Floats]:
        """Return means and standard deviations (places, numbers) of the logarithms at places u (places, unknowns).

        Where leaving out shows that the processes are wrong by more than they say, their errors are widened by it.
        """
        both = [one.predict(u) for one in self._processes]
        return np.array([mean for mean, _ in both]).T, np.array([error for _, error in both]).T * self._wider


def _scatter(numbers: Sequence[Floats]) -> Floats:
    """Return the covariance of the logarithms between seeds at one place, of all places together."""
    from sklearn.covariance import ledoit_wolf

    apart = np.concatenate([(part - part.mean(axis=0)) * np.sqrt(len(part) / (len(part) - 1.0)) for part in numbers])
    size = np.maximum(np.sqrt(np.mean(apart**2, axis=0)), LEAST_SCATTER)
    correlation, _ = ledoit_wolf(apart / size, assume_centered=True)
    unit = np.sqrt(np.diag(correlation))
    return np.asarray(correlation / np.outer(unit, unit) * np.outer(size, size))


class _Process:
    """A Gaussian process with a linear part, over the middle of the priors, of one number; noise: its variance."""

    def __init__(self, u: Floats, y: Floats, noise: Floats, seed: int) -> None:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.gaussian_process import GaussianProcessRegressor
        from sklearn.gaussian_process.kernels import ConstantKernel, DotProduct, Matern

        self.x, self.y, self.noise = u - 0.5, y, noise
        self.middle, self.size = float(y.mean()), float(max(y.std(), LEAST_SCATTER))
        lengths = Matern(np.ones(u.shape[1]), (SHORTEST, LONGEST), nu=2.5)
        linear = ConstantKernel(1.0, (1e-4, 1e3)) * DotProduct(1.0, "fixed")
        kernel = linear + ConstantKernel(0.1, (1e-6, 1e3)) * lengths
        self._make: Any = GaussianProcessRegressor
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # an unknown that does nothing has the longest length
            self.process = self._fitted(
                kernel, slice(None), optimizer="fmin_l_bfgs_b", n_restarts_optimizer=STARTS, random_state=seed
            )

    def _fitted(self, kernel: Any, kept: Any, **how: Any) -> Any:
        process = self._make(kernel, alpha=self.noise[kept] / self.size**2, **how)
        return process.fit(self.x[kept], (self.y[kept] - self.middle) / self.size)

    def predict(self, u: Floats) -> tuple[Floats, Floats]:
        from sklearn import config_context

        with config_context(assume_finite=True, skip_parameter_validation=True):
            mean, error = self.process.predict(u - 0.5, return_std=True)
        return self.middle + self.size * mean, self.size * error

    def left_out(self) -> LeftOut:
        """Return each place as the others predict it, with the kernel of all."""
        predicted, deviation = np.empty_like(self.y), np.empty_like(self.y)
        for k in range(self.y.size):
            others = np.arange(self.y.size) != k
            process = self._fitted(self.process.kernel_, others, optimizer=None)
            mean, error = process.predict(self.x[k : k + 1], return_std=True)
            predicted[k] = self.middle + self.size * mean[0]
            deviation[k] = np.sqrt((self.size * error[0]) ** 2 + self.noise[k])
        return LeftOut(self.y, predicted, deviation)
