"""One look for all pictures: sizes, colours, saving; nothing global is left changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

DPI = 200
STYLES: dict[str, tuple[int, float]] = {"screen": (DPI, 1.0), "paper": (300, 1.0), "slides": (150, 1.35)}
"""Dots per inch, and size of letters and lines over that on paper."""
MICRON = "\N{MICRO SIGN}m"
MINUS = "\N{MINUS SIGN}"
TIMES = "\N{MULTIPLICATION SIGN}"
ARROW = "\N{RIGHTWARDS ARROW}"
HEIGHT_MAP = "viridis"  # perceptually even, safe for colour-blind readers and in grey print
SALT_MAP = "YlGnBu"
LITHIUM = (0.62, 0.63, 0.65)
WALL_LIGHT = (0.9, 1.08)  # brightness of the cut faces y = 0 and x = lx
INK = "0.15"
FAINT = "0.62"
# Okabe and Ito, "Color universal design" (2008), the order that keeps neighbours apart
RUN_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")

LOOK: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.labelsize": 9,
    "axes.linewidth": 0.7,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "savefig.dpi": DPI,
    "text.usetex": False,
    "axes.unicode_minus": True,
}


_style: ContextVar[str] = ContextVar("style", default="screen")


@contextmanager
def styled(name: str) -> Iterator[None]:
    """While the context lasts, pictures have a style of STYLES."""
    token = _style.set(name)
    try:
        yield
    finally:
        _style.reset(token)


def dpi() -> int:
    """Return the dots per inch of the present style."""
    return STYLES[_style.get()][0]


@contextmanager
def look() -> Iterator[None]:
    """Draw in the house style; the settings of the caller come back afterwards."""
    larger = STYLES[_style.get()][1]
    with mpl.rc_context():
        settings: Any = mpl.rcParams
        settings.update({k: v for k, v in mpl.rcParamsDefault.items() if not k.startswith("backend")})
        settings.update(LOOK)
        sized = {k: larger * v for k, v in LOOK.items() if k.endswith(("size", "linewidth"))}
        settings.update({**sized, "lines.linewidth": 1.5 * larger})
        yield


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure [inch] that draws without a screen and without pyplot."""
    figure = Figure(figsize=(width, height), dpi=dpi(), facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def save(figure: Figure, path: str | Path) -> Path:
    """Write the figure, making its folder if needed, and return the path."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=dpi(), facecolor="white")
    return path


def number(value: float | None, digits: int = 3) -> str:
    """Write a number with so many significant digits, without an exponent where that reads well."""
    if value is None or value != value:
        return "\N{EN DASH}"
    if value == 0:
        return "0"
    if not 1e-4 <= abs(value) < 1e5:
        return f"{value:.{digits - 1}e}".replace("-", MINUS)
    text = f"{value:#.{digits}g}"
    if "e" in text:
        text = f"{float(text):.0f}"
    return text.removesuffix(".").replace("-", MINUS)
