"""Full cells: LFP at 0.2 to 2 C and for 100 cycles, NCM811 and LNMO charged and discharged once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from phasefield.experiments.rate import Sweep, polarisation_of
from phasefield.results.run import open_run
from phasefield.studies.compare import PlannedRun
from phasefield.validation.row import CALIBRATED, PREDICTED, Experiment, Row, early_words
from phasefield.viz.plots.curves import Curve, Plot

Floats = NDArray[np.float64]

RATES = ("lfp-rates-pll", "lfp-rates-pllz")
CYCLES = ("lfp-cycles-pll", "lfp-cycles-pllz")
GELS = ("ncm811-lhci", "ncm811-dlhci", "lnmo-lhci", "lnmo-dlhci")
CASES = (*RATES, *CYCLES, *GELS)

C_RATES = ("0.2", "0.5", "1", "2")  # of the charges and discharges of RATES, in turn
CAPACITY = {"PLL": (139.7, 127.2, 111.2, 85.1), "PLLZ": (143.9, 133.7, 123.9, 109.9)}  # mAh/g, [1] Fig. 4d
AT_2C = {"PLL": 416.6, "PLLZ": 266.9}  # mV, [1] Fig. 4e
AT_1C = {"PLL": (213.2, "[1] Fig. 4g"), "PLLZ": (169.6, "[1] Fig. 4f")}  # mV, first cycle
AT_LAST = {"PLL": (380.2, "380.2", "[1] Fig. 4g"), "PLLZ": (float("nan"), "no visible rise", "[1] Fig. 4f")}
ONCE = {
    ("NCM811", "LHCI"): (170.0, "[2] Fig. 3c"), ("NCM811", "DLHCI"): (177.0, "[2] Fig. 3c"),
    ("LNMO", "LHCI"): (109.0, "[2] Fig. 3f"), ("LNMO", "DLHCI"): (102.0, "[2] Fig. 3f"),
}  # fmt: skip
ALL_LITHIUM = {"NCM811": 274.0, "LNMO": 147.0}  # mAh/g between empty and full
AT = {"NCM811": "0.1 C to 4.4 V", "LNMO": "0.5 C to 4.8 V"}
MEASURED_TO = {
    "NCM811": "its curve was measured between 3.56 and 4.28 V. Above, the fit of that curve is used. Below, at the end "
    "of discharge, the curve is drawn, not measured",
    "LNMO": "its curve is drawn, not measured",
}
MV = 1e3
FIGURES = ("0.2", "1")  # C, of PLLZ: the capacities that `phasefield fit lfp` is made from
BY_CAPACITY, BY_LOADING = "cathode.specific_capacity", "cathode.loading"
MAH_G = 3600.0  # C/kg in a mAh/g


def full_cells(entries: Sequence[PlannedRun]) -> list[Experiment]:
    """Return what the stored runs of CASES gave."""
    by = {entry.name: entry for entry in entries}
    return [_rates([by[name] for name in RATES]), _cycles([by[name] for name in CYCLES]),
            _once([by[name] for name in GELS])]  # fmt: skip


def _kind(electrolyte: str, fitted: bool, by: str) -> dict[str, str]:
    """Return what a number is: one of PLLZ that the cathode was fitted to, or a prediction."""
    return {"kind": CALIBRATED, "by": by} if electrolyte == "PLLZ" and fitted else {"kind": PREDICTED}


def _series(entry: PlannedRun) -> tuple[str, dict[str, Floats], str]:
    """Return name of the electrolyte, series, and what is to be said if the run ended before its protocol."""
    assert entry.case is not None
    with open_run(entry.folder) as run:
        series = {name: np.asarray(values) for name, values in run.series.items()}
        return entry.case.electrolyte.name, series, early_words(run)


def _rates(entries: Sequence[PlannedRun]) -> Experiment:
    rows, curves = [], []
    for entry in entries:
        assert entry.case is not None
        assert entry.case.cathode is not None
        whole = (entry.case.cathode.specific_capacity or 0.0) / MAH_G
        name, series, early = _series(entry)
        for k, (rate, stated) in enumerate(zip(C_RATES, CAPACITY[name], strict=True)):
            sweep = Sweep(series, 1, 2 * k + 1)
            rows.append(Row(name, f"LFP: capacity at {rate} C", f"{stated:g}", stated, whole * sweep.passed, "mAh/g",
                            where="[1] Fig. 4d", says=early, **_kind(name, rate in FIGURES, BY_CAPACITY)))  # fmt: skip
            if rate in ("0.2", "2"):
                y = sweep.filling - sweep.before
                curves.append(Curve(f"{name}, {rate} C", whole * y, sweep.voltage, theory=True))
        at_2C = MV * polarisation_of(series, 1, 2 * C_RATES.index("2"))
        rows.append(Row(name, "LFP: polarisation at 2 C", f"{AT_2C[name]:g}", AT_2C[name], at_2C, "mV", PREDICTED,
                        "[1] Fig. 4e", "", early))  # fmt: skip
    plot = Plot("lfp", "Li | LFP, discharge", "capacity (mAh/g)", "cell voltage (V)", tuple(curves))
    done = (
        "The shipped cases `lfp-rates-pll` and `lfp-rates-pllz`: charge to 4.0 V and discharge to 2.5 V at each rate. "
        "The cathode is lumped, with its open-circuit curve and one particle. The polarisation is the voltage of "
        "charge less that of discharge, at half filling. Loading, practical capacity and diffusion time of the cathode "
        "are fitted to three figures of PLLZ: the capacities at 0.2 and 1 C, and the polarisation in the first cycle "
        "at 1 C (`phasefield fit lfp`). All other numbers are predictions."
    )
    return Experiment("Full cells with LFP: rates", done, tuple(rows), (plot,))


def _cycles(entries: Sequence[PlannedRun]) -> Experiment:
    rows, curves = [], []
    for entry in entries:
        name, series, early = _series(entry)
        cycles = np.arange(1, int(series["cycle"].max()) + 1)
        gaps = MV * np.array([polarisation_of(series, int(n), 0) for n in cycles])
        curves.append(Curve(name, cycles.astype(float), gaps))
        stated, where = AT_1C[name]
        rows.append(Row(name, "LFP: polarisation at 1 C, cycle 1", f"{stated:g}", stated, float(gaps[0]), "mV",
                        where=where, says=early, **_kind(name, True, BY_LOADING)))  # fmt: skip
        stated, text, where = AT_LAST[name]
        rows.append(Row(name, f"LFP: polarisation at 1 C, cycle {len(gaps)}", text, stated, float(gaps[-1]), "mV",
                        PREDICTED, where, "", early))  # fmt: skip
    plot = Plot("lfp-cycles", "Li | LFP at 1 C", "cycle", "polarisation at half filling (mV)", tuple(curves))
    done = "The shipped cases `lfp-cycles-pll` and `lfp-cycles-pllz`: 100 cycles at 1 C."
    shows = (
        "The polarisation of PLL rises because its film grows, by the law found from the lithium cells. Where the "
        "simulated rise exceeds the measured one, the film in the real full cell grew less than in the lithium cell. "
        "If the cell no longer reaches half filling, no polarisation can be stated. The film of PLLZ is assumed not to "
        "grow. The model does not include capacity lost to anything but the film, nor changes of the cathode."
    )
    return Experiment("Full cells with LFP: 100 cycles", done, tuple(rows), (plot,), shows)


def _once(entries: Sequence[PlannedRun]) -> Experiment:
    rows, curves = [], []
    for entry in entries:
        assert entry.case is not None
        assert entry.case.cathode is not None
        name, series, early = _series(entry)
        cathode = entry.case.cathode.name
        stated, where = ONCE[cathode, name]
        sweep, whole = Sweep(series, 1, 1), ALL_LITHIUM[cathode]
        rows.append(Row(name, f"{cathode}: capacity at {AT[cathode]}", f"{stated:g}", stated, whole * sweep.passed,
                        "mAh/g", PREDICTED, where, "", early or MEASURED_TO.get(cathode, "")))  # fmt: skip
        curves.append(
            Curve(f"{cathode}, {name}", whole * (sweep.filling - sweep.before), sweep.voltage, theory=True)
        )
    plot = Plot("gels-full", "Discharge", "capacity (mAh/g)", "cell voltage (V)", tuple(curves))
    done = (
        "The shipped cases `ncm811-lhci` and `ncm811-dlhci` at 0.1 C to 4.4 V, `lnmo-lhci` and `lnmo-dlhci` at 0.5 C "
        "to 4.8 V."
    )
    shows = (
        "The capacity of a cathode below its voltage limit depends on its open-circuit curve. The curve of NCM811 is "
        "that of a commercial cell at full quality, measured only between 3.56 and 4.28 V. The curve of LNMO is drawn, "
        "not measured. Its upper plateau lies so near to 4.8 V that some ten millivolt decide whether half of it is "
        "used. The electrolytes hardly differ here, as in the papers. After hundreds of cycles they differ in capacity "
        "fade, which the model does not include."
    )
    return Experiment("Full cells with NCM811 and LNMO", done, tuple(rows), (plot,), shows)
