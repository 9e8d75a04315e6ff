"""What was measured: voltage and current over time; spectra in the complex plane, and over the frequency."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from phasefield.measured.record import Spectrum, Trace
from phasefield.text.formatting import voltage_unit
from phasefield.viz.plots.traces import columns_of, run_colour, thinned
from phasefield.viz.style import FAINT, INK, MINUS, letter, look, new_figure, powers, save

OHM = "\N{GREEK CAPITAL LETTER OMEGA}"
TRACE_SIZE = (7.0, 4.6)  # inch
SPECTRA_SIZE = (9.0, 4.0)
MOST_DRAWN = 50  # traces or spectra in a picture
MOST_NAMED = 7  # in its key
ROOM = 0.06  # of an axis beyond what it shows
SPANS = (("h", 3600.0, 0.5), ("min", 60.0, 2.0), ("s", 1.0, 0.0))
"""Units of an axis of time: name, size [s], and the number of them from which on it is taken."""
OHMS = ((1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"))
SMALL = 0.1  # of a unit: smaller currents are written in the next one
AMPERES = ((1.0, ""), (1e-3, "m"), (1e-6, "\N{MICRO SIGN}"), (1e-9, "n"))


def draw_traces(traces: Sequence[Trace], title: str, path: Path) -> Path:
    """Draw voltage and current over time, each trace in its colour, and return the path of the picture."""
    shown = traces[:MOST_DRAWN]
    name, span, _ = next(one for one in SPANS if max(t.duration for t in shown) >= one[1] * one[2])
    unit, size = _current_unit(shown)
    volts, volt_name = voltage_unit(*(float(v) for t in shown for v in t.voltage[np.isfinite(t.voltage)]))
    with look():
        figure = new_figure(*TRACE_SIZE)
        above, below = figure.subplots(2, 1, sharex=True)
        figure.suptitle(title, x=0.01, ha="left", fontsize=10)
        end = max(float(t.time[-1] - t.time[0]) for t in shown) / span
        for k, trace in enumerate(shown):
            time = (trace.time - trace.time[0]) / span
            both = ((above, volts * trace.voltage, "default"), (below, trace.current / size, "steps-mid"))
            for axes, value, steps in both:
                x, y = thinned(time, value, (0.0, end), columns_of(axes))
                axes.plot(x, y, color=run_colour(k), lw=0.9, drawstyle=steps, label=trace.name)
            for at in trace.resets:
                above.axvline(time[at], color=FAINT, lw=0.7, ls=":", zorder=0)
        for axes, column in ((above, [t.voltage for t in shown]), (below, [t.current for t in shown])):
            if not any(np.isfinite(one).any() for one in column):
                axes.text(0.5, 0.5, "not in the file", transform=axes.transAxes, ha="center", color=INK)
                axes.set_yticks([])
        above.set_ylabel(f"voltage ({volt_name})")
        below.set_ylabel(f"current ({unit})")
        below.set_xlabel(f"time ({name})")
        below.set_xlim(0.0, end or 1.0)
        if len(shown) > 1:
            _key(above, len(shown))
        for number, axes in enumerate((above, below)):
            letter(axes, number)
        figure.align_ylabels()
        figure.set_layout_engine("constrained")
        return save(figure, path)


def draw_spectra(spectra: Sequence[Spectrum], title: str, path: Path) -> Path:
    """Draw the spectra in the complex plane with equal axes, and modulus and phase over the frequency."""
    shown = spectra[:MOST_DRAWN]
    specific = shown[0].area_specific
    factor = 1e4 if specific else 1.0
    largest = max(float(np.abs(one.impedance).max()) for one in shown) * factor
    size, prefix = next((pair for pair in OHMS if largest >= 2.0 * pair[0]), OHMS[-1])
    factor /= size
    unit = f"{prefix}{OHM}{' cm^2' if specific else ''}".replace("cm^2", "cm\N{SUPERSCRIPT TWO}")
    with look():
        figure = new_figure(*SPECTRA_SIZE)
        grid = figure.add_gridspec(2, 2, width_ratios=(1.15, 1.0))
        plane = figure.add_subplot(grid[:, 0])
        modulus = figure.add_subplot(grid[0, 1])
        phase = figure.add_subplot(grid[1, 1], sharex=modulus)
        figure.suptitle(title, x=0.01, ha="left", fontsize=10)
        for k, one in enumerate(shown):
            look_of: dict[str, Any] = {"color": run_colour(k), "lw": 0.8, "marker": "o", "ms": 2.6, "label": one.name}
            z = factor * one.impedance
            plane.plot(z.real, -z.imag, **look_of)
            modulus.plot(one.frequency, np.abs(z), **look_of)
            phase.plot(one.frequency, -np.degrees(np.angle(z)), **look_of)
        _equal(plane)
        plane.axhline(0.0, color=FAINT, lw=0.6, zorder=0)
        plane.set_xlabel(f"Re Z ({unit})")
        plane.set_ylabel(f"{MINUS}Im Z ({unit})")
        modulus.set_ylabel(f"|Z| ({unit})")
        phase.set_ylabel(f"{MINUS}phase (degrees)")
        phase.set_xlabel("frequency (Hz)")
        modulus.set_xscale("log")
        modulus.set_yscale("log")
        powers(phase.xaxis, modulus.yaxis)
        modulus.tick_params(labelbottom=False)
        if len(shown) > 1:
            _key(plane, len(shown))
        for number, axes in enumerate((plane, modulus, phase)):
            letter(axes, number)
        figure.set_layout_engine("constrained")
        return save(figure, path)


def _equal(axes: Axes) -> None:
    """Give both axes one scale, and a frame of all points that is no strip."""
    x0, x1, y0, y1 = (float(v) for v in (*axes.dataLim.intervalx, *axes.dataLim.intervaly))
    x0, y0, y1 = min(x0, 0.0), min(y0, 0.0), max(y1, 0.0)
    span = max(x1 - x0, y1 - y0) or 1.0
    y1 = max(y1, y0 + 0.5 * span)
    x1 = max(x1, x0 + 0.5 * span)
    axes.set_xlim(x0 - ROOM * span * (x0 < 0.0), x1 + ROOM * span)
    axes.set_ylim(y0 - ROOM * span * (y0 < 0.0), y1 + ROOM * span)
    axes.set_aspect("equal")


def _key(axes: Axes, count: int) -> None:
    """Name the first few of many curves."""
    handles, names = axes.get_legend_handles_labels()
    rest = [f"{count - MOST_NAMED} more"] if count > MOST_NAMED else []
    axes.legend(handles[: MOST_NAMED + len(rest)], [*names[:MOST_NAMED], *rest])


def _current_unit(traces: Sequence[Trace]) -> tuple[str, float]:
    """Return the name of the unit of an axis of current, and its size in SI."""
    if traces[0].area_specific:
        return "mA/cm^2", 10.0
    largest = max(float(np.max(np.abs(t.current[np.isfinite(t.current)]), initial=0.0)) for t in traces)
    size, prefix = next((pair for pair in AMPERES if largest >= SMALL * pair[0]), AMPERES[1])
    return f"{prefix}A", size
