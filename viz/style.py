"""One look for all pictures: sizes, colours, saving; nothing global is left changed."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis, XAxis
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter, LogFormatterSciNotation, MaxNLocator, ScalarFormatter

from phasefield.errors import visible
from phasefield.files.atomic import replace_bytes

DPI = 300
STYLES: dict[str, tuple[int, float]] = {"paper": (DPI, 1.0), "slides": (200, 1.3), "draft": (150, 1.0)}
"""Dots per inch, and size of letters and lines over that on paper."""
MICRON = "\N{MICRO SIGN}m"
MINUS = "\N{MINUS SIGN}"
TIMES = "\N{MULTIPLICATION SIGN}"
ARROW = "\N{RIGHTWARDS ARROW}"
RAISED = str.maketrans("0123456789-\N{MINUS SIGN}.", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻·")
_NUMERATOR = r"(?:[mu\N{MICRO SIGN}nkM]?(?:Ah|A|V|S|C|F|Hz|J|W|N|Pa|mol|g|m|L)|cm|ohm|\N{GREEK CAPITAL LETTER OMEGA})"
_DENOMINATOR = r"(?:[mu\N{MICRO SIGN}nck]?m|L|[mk]?g|m?s|min|h|K|mol|V|Pa)"
_OHM = r"(?:ohm|\N{GREEK CAPITAL LETTER OMEGA})"
_FREE, _ENDS = r"(?<![\w/^])", r"(?![\w/^])"  # nothing of a word or a path before or after a unit
_QUOTIENT = re.compile(
    rf"{_FREE}({_NUMERATOR}|1)(\^?[2-4])?/({_DENOMINATOR})(?:\^?([2-4\u00b2\u00b3\u2074]))?{_ENDS}"
)
_PRODUCT = re.compile(rf"{_FREE}{_OHM}[ *\N{{MIDDLE DOT}}]([cm]?m)\^?([2-4])?{_ENDS}")
_LENGTH = re.compile(r"(?<![\w/^])(um|\N{MICRO SIGN}m|cm|mm|nm)\^([2-4])(?![\w/^])")
_PLAIN = re.compile(r"(?<!\w)u(?=(?:m|A|F|Ah)(?![A-Za-z_]))")
_POWER = re.compile(r"(?<![\w.])(\d(?:\.\d+)?)e([-+\N{MINUS SIGN}]?)0*(\d{1,3})(?![\w.])")
_BRACKETS = re.compile(r"\[([^\[\]]+)\]$")
PAGE = 7.0  # inch: width of a page of a journal, 178 mm; a wider picture is shrunk to it
EDGE = 0.008  # of the width of a picture that stays free at its left
SMALLEST = 5.5  # points of a letter on that page
PLAIN_FROM, PLAIN_TO = 1e-3, 1e5  # an axis whose largest number lies between them bears plain numbers
SHORT = 100.0  # a logarithmic axis whose ends are less than this apart bears plain numbers
LONGEST = 300  # characters of a line in a picture; matplotlib cannot draw any number of them
HEIGHT_MAP = "viridis"  # perceptually even, safe for colour-blind readers and in grey print
SALT_MAP = "YlGnBu"
LITHIUM = (0.62, 0.63, 0.65)
COPPER = (0.72, 0.45, 0.20)  # bare metal under nuclei
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
    "text.parse_math": False,  # a title with $ is no formula
    "axes.unicode_minus": True,
}


_style: ContextVar[str] = ContextVar("style", default="paper")


@contextmanager
def styled(name: str) -> Iterator[None]:
    """While the context lasts, pictures have a style of STYLES."""
    token = _style.set(name)
    try:
        yield
    finally:
        _style.reset(token)


@contextmanager
def drafted() -> Iterator[None]:
    """While the context lasts, pictures have the dots of a draft: a movie's frames are small. Letters stay."""
    kept = STYLES[_style.get()]
    token = _style.set("draft" if kept[1] == 1.0 else _style.get())
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
    with mpl.rc_context():
        settings: Any = mpl.rcParams
        settings.update({k: v for k, v in mpl.rcParamsDefault.items() if not k.startswith("backend")})
        settings.update(LOOK)
        yield


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure [inch] that draws without a screen and without pyplot."""
    figure = _Sheet(figsize=(width, height), dpi=dpi(), facecolor="white")
    FigureCanvasAgg(figure)
    return figure


class _Sheet(Figure):
    """A figure whose texts have visible characters only, units as in a journal, and lines that can be drawn.

    No axis bears an offset or a formula: see `_Numbers` and `_Powers`.
    """

    def draw(self, renderer: RendererBase) -> None:
        for text in self.findobj(Text):
            assert isinstance(text, Text)
            text.set_text(typeset(_drawable(text.get_text())))
        for axis in self.findobj(Axis):
            assert isinstance(axis, Axis)
            axis.set_label_text(_BRACKETS.sub(r"(\1)", axis.get_label_text()))
            names = axis.get_major_formatter()
            if isinstance(names, FuncFormatter):  # set_xticks has one for the names of ticks
                axis.set_major_formatter(FuncFormatter(_drawn(names.func)))
            elif type(names) is ScalarFormatter:
                axis.set_major_formatter(_Numbers())
                if isinstance(axis, XAxis) and not _plain(max(map(abs, axis.get_view_interval()))):
                    axis.set_major_locator(MaxNLocator(4))  # its numbers are long
            elif type(names) is LogFormatterSciNotation:
                powers(axis)
        super().draw(renderer)


def typeset(text: str) -> str:
    """Return a text whose units are written as in a journal.

    "mA/cm^2" becomes mA cm\N{SUPERSCRIPT MINUS}\N{SUPERSCRIPT TWO}, "um" becomes \N{MICRO SIGN}m, "ohm" the letter
    omega, and 3e-09 a power of ten. Formulas of matplotlib are switched off, so the exponents are letters of Unicode.
    """
    text = _POWER.sub(lambda m: f"{m[1]} {TIMES} 10{(m[2].replace('+', '') + m[3]).translate(RAISED)}", text)
    text = _QUOTIENT.sub(_quotient, _PLAIN.sub("\N{MICRO SIGN}", text))
    text = _PRODUCT.sub(lambda m: f"\N{GREEK CAPITAL LETTER OMEGA} {m[1]}{(m[2] or '').translate(RAISED)}", text)
    text = _LENGTH.sub(lambda m: m[1] + m[2].translate(RAISED), text)
    return re.sub(r"(?<![\w/^])ohm(?![\w/^])", "\N{GREEK CAPITAL LETTER OMEGA}", text)


def _quotient(found: re.Match[str]) -> str:
    above, power, below, exponent = found.groups()
    below += ("-" + (exponent or "1")).translate(RAISED)
    return below if above == "1" else f"{above}{(power or '').lstrip('^').translate(RAISED)} {below}"


def _plain(size: float) -> bool:
    """Return whether an axis with such a largest number bears plain ones."""
    return size == 0.0 or PLAIN_FROM <= size < PLAIN_TO


class _Numbers(ScalarFormatter):
    """Writes each tick in full: no offset and no power of ten at the end of the axis."""

    def __init__(self) -> None:
        super().__init__(useOffset=False)
        self.set_scientific(False)
        self.largest = 0.0
        self.digits = 3  # of a number before its power of ten: neighbouring ticks must differ

    def set_locs(self, locs: list[float]) -> None:
        self.largest = float(np.max(np.abs(locs), initial=0.0))
        step = float(np.min(np.diff(np.unique(locs)), initial=self.largest))
        self.digits = max(3, 1 + math.ceil(math.log10(self.largest / step))) if step > 0.0 else 3
        super().set_locs(locs)

    def __call__(self, x: float, pos: int | None = None) -> str:
        size = self.largest
        if _plain(size):
            return str(super().__call__(x, pos))
        power = math.floor(math.log10(size))
        number = f"{x / 10.0**power:.{self.digits}g}".replace("-", MINUS)
        return "0" if x == 0.0 else f"{number} {TIMES} 10{str(power).translate(RAISED)}"


def _drawn(names: Callable[..., str]) -> Callable[..., str]:
    return lambda *at: _drawable(names(*at))


def _drawable(text: str) -> str:
    return "\n".join(visible(line)[:LONGEST] for line in text.split("\n"))


class _Powers(LogFormatterSciNotation):
    """Writes powers of ten without the formulas of matplotlib; below two decades of an axis plain numbers."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        text = super().__call__(x, pos)
        low, high = sorted(self.axis.get_view_interval()) if self.axis is not None else (0.0, 1.0)
        if text and high < SHORT * low and _plain(high) and _plain(low):
            return f"{x:g}"
        text = text.removeprefix(r"$\mathdefault{").removesuffix("}$").replace(r"\times", TIMES)
        return re.sub(r"\^\{(.*?)\}", lambda power: power[1].translate(RAISED), text)


def powers(*axes: Axis) -> None:
    """Let logarithmic axes write 10\N{SUPERSCRIPT THREE} at their ticks."""
    for axis in axes:
        axis.set_major_formatter(_Powers())
        axis.set_minor_formatter(_Powers())


def _keep_inside(figure: Figure) -> None:
    """Move the left edge of axes to the right where their numbers are so long that a label would be cut off."""
    boxes = [(axes, axes.get_tightbbox()) for axes in figure.axes]
    width = figure.bbox.width
    over = max((EDGE * width - box.x0 for _, box in boxes if box is not None), default=0.0) / width
    if over <= 0.0:
        return
    first = min(axes.get_position().x0 for axes in figure.axes)
    for axes in figure.axes:
        place = axes.get_position()
        if place.x0 < first + over:
            axes.set_position((place.x0 + over, place.y0, max(place.width - over, 0.1), place.height))


def save(figure: Figure, path: str | Path) -> Path:
    """Write the figure, making its folder if needed, and return the path. A picture that was there stays till then."""
    path = Path(path)
    larger = STYLES[_style.get()][1]
    least = SMALLEST * figure.get_figwidth() / PAGE
    for text in figure.findobj(Text):
        text.set_fontsize(larger * max(least, float(text.get_fontsize())))
    if larger != 1.0:
        for line in figure.findobj(Line2D):
            line.set_linewidth(larger * line.get_linewidth())
    if figure.get_layout_engine() is None:
        _keep_inside(figure)
    path.parent.mkdir(parents=True, exist_ok=True)
    drawn = io.BytesIO()
    figure.savefig(drawn, format=path.suffix.lstrip(".") or "png", dpi=dpi(), facecolor="white")
    replace_bytes(path, drawn.getvalue())
    return path


def letter(axes: Axes, number: int, shift: tuple[float, float] = (-30.0, 4.0)) -> None:
    """Write the letter of a panel, a, b, c, ... by its number from 0, at its upper left; shift: from there, points."""
    axes.annotate(
        chr(ord("a") + number), (0.0, 1.0), xycoords="axes fraction", xytext=shift, textcoords="offset points",
        fontsize=11, fontweight="bold", ha="left", va="bottom",
    )  # fmt: skip


def significant_digits(value: float | None, digits: int = 3) -> str:
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
