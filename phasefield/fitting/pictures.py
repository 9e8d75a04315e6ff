"""The pictures of a fit: the posterior, data over the prediction, residuals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from phasefield.analytic.flat_trace import CurrentTrace
from phasefield.errors import CaseError
from phasefield.fitting.data import Observation
from phasefield.fitting.posterior import Posterior
from phasefield.fitting.result import FitResult, FittedValue
from phasefield.fitting.tables.cathode import MAH_CM2, MV
from phasefield.fitting.tables.predicted import MAH_G
from phasefield.fitting.tables.rate_table import RateTable
from phasefield.fitting.tables.voltage_table import VoltageTable
from phasefield.fitting.unknowns import TAILS
from phasefield.measured.compress import jumps_of
from phasefield.text.formatting import MILLI
from phasefield.viz.plots.fit import MINUS_IM, Compared, Marginal, compared, corner, residuals

Floats = NDArray[np.float64]

CORNER, DATA, RESIDUALS = "corner.png", "data.png", "residuals.png"
BAND = 200  # samples of the posterior behind a band
OHM_CM2, HOUR, MINUTE = 1e-4, 3600.0, 60.0  # ohm m^2 in an ohm cm^2, s
UA_CM2 = 100.0  # uA/cm^2 in an A/m^2
LONG = 7200.0  # s, from which a trace is drawn in hours


def draw_fit(result: FitResult, folder: Path) -> list[Path]:
    """Draw the posterior, data over the band of the prediction, and residuals; return the paths."""
    files = [drawn for k, band in enumerate(_bands(result)) for drawn in _compared(result, k, band)]
    title = result.fit.title
    return [
        corner(marginals_of(result.estimates, result.posterior), f"{title}: posterior", folder / CORNER),
        compared(files, f"{title}: data and prediction", folder / DATA),
        residuals(files, f"{title}: residuals", folder / RESIDUALS),
    ]


def marginals_of(estimates: Sequence[FittedValue], posterior: Posterior) -> list[Marginal]:
    """Return the posterior of each unknown as it is drawn, in the unit of the user."""
    marginals = []
    for k, one in enumerate(estimates):
        unknown, size = one.unknown, one.unknown.quantity.size
        samples = np.array([unknown.value(float(u)) for u in posterior.u[:, k]]) / size
        prior = (unknown.low / size, unknown.high / size)
        marginals.append(
            Marginal(unknown.label, samples, one.interval.best / size, prior, unknown.log, one.verdict.word)
        )
    return marginals


def _bands(result: FitResult) -> list[tuple[Floats, Floats]]:
    """Return where nine of ten measured values are predicted: by the posterior and the noise."""
    random = np.random.default_rng(result.fit.seed)
    u = result.posterior.u
    shown: list[list[Floats]] = [[] for _ in result.data]
    for row in u[:: max(1, len(u) // BAND)]:
        try:
            predicted = result.forward.predict(row, result.data).data
        except CaseError:
            continue
        for k, (one, noise) in enumerate(zip(result.data, result.best.noise, strict=True)):
            shown[k].append(predicted[k] + noise.deviation * one.scale * random.standard_normal(one.scale.size))
    bands = []
    for part in shown:
        low, high = np.quantile(np.array(part), TAILS, axis=0)
        bands.append((low, high))
    return bands


def _compared(result: FitResult, k: int, band: tuple[Floats, Floats]) -> list[Compared]:
    one, predicted = result.data[k], result.prediction.data[k]
    over = (one.measured - predicted) / (result.best.noise[k].deviation * one.scale)
    if isinstance(one.drive, RateTable):
        return _rates(result, one, over)
    if isinstance(one.drive, VoltageTable):
        time, shown = one.x / HOUR, [MILLI * a for a in (one.measured, predicted, *band)]
        return [
            Compared(
                f"{one.file.name}: voltage", "time (h)", "voltage (mV)", time, shown[0], shown[1], (shown[2], shown[3]),
                (("", over),), time, "time (h)", False, few=True,
            )
        ]  # fmt: skip
    return [_spectrum(one, predicted, band, over) if one.drive is None else _trace(one, predicted, band, over)]


def _rates(result: FitResult, one: Observation, over: Floats) -> list[Compared]:
    """Return capacities and polarisations to draw at all rates of the protocol, with the band of the posterior."""
    table = one.drive
    assert isinstance(table, RateTable)
    n = int(np.isfinite(table.capacity).sum())
    capacity = (MAH_G, "capacity (mAh/g)") if table.by_mass else (MAH_CM2, "capacity (mAh/cm^2)")
    rows = sorted(result.rates, key=lambda row: float(row["rate"]))
    found = []
    for name, part, (size, label) in (
        ("capacity", slice(0, n), capacity), ("polarisation", slice(n, None), (MV, "polarisation (mV)")),
    ):  # fmt: skip
        if not one.x[part].size:
            continue
        columns = [(row["rate"], row[name]["measured"], row[name]["best"], *(row[name]["interval"] or (None, None)))
                   for row in rows]  # fmt: skip
        x, measured, best, low, high = np.array(columns, dtype=np.float64).T
        found.append(
            Compared(
                f"{one.file.name}: {name}", "rate (C)", label, x, measured / size, best / size,
                (low / size, high / size), (("", over[part]),), one.x[part], "rate (C)", False, few=True,
            )
        )  # fmt: skip
    return found


def _spectrum(one: Observation, predicted: Floats, band: tuple[Floats, Floats], over: Floats) -> Compared:
    """Return a spectrum to draw, in the plane."""
    n = one.x.size
    cut = [a[n:] / -OHM_CM2 for a in (one.measured, predicted, band[1], band[0])]
    return Compared(
        f"{one.file.name}: spectrum", "Re Z (ohm cm^2)", MINUS_IM, one.measured[:n] / OHM_CM2, cut[0], cut[1],
        (cut[2], cut[3]), (("Re Z", over[:n]), ("Im Z", over[n:])), one.x, "frequency (Hz)", True,
        predicted[:n] / OHM_CM2,
    )  # fmt: skip


def _trace(one: Observation, predicted: Floats, band: tuple[Floats, Floats], over: Floats) -> Compared:
    """Return a trace to draw: its voltage, or the current of a held one: the measured current brings other voltages."""
    assert isinstance(one.drive, CurrentTrace)
    j = one.drive.moment
    if one.role == "polarisation":
        time, label = one.x, "time (s)"
        current = [UA_CM2 * a for a in (j, j * one.measured / predicted, j * one.measured / band[1])]
        return Compared(
            f"{one.file.name}: polarisation", label, "current density (uA/cm^2)", time, current[0], current[1],
            (current[2], UA_CM2 * j * one.measured / band[0]), (("", over),), time, label, True,
        )  # fmt: skip
    time, label = (one.x / HOUR, "time (h)") if one.x[-1] > LONG else (one.x / MINUTE, "time (min)")
    scaled = [MILLI * a for a in (one.measured, predicted, *band)]
    breaks = jumps_of(j) + 1
    return Compared(
        f"{one.file.name}: cycling", label, "voltage (mV)", time, scaled[0], scaled[1], (scaled[2], scaled[3]),
        (("", over),), time, label, False, breaks=tuple(int(k) for k in breaks),
    )  # fmt: skip
