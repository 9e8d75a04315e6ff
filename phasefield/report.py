"""Tables of stored runs for the terminal: what a run came to, its texture, the shipped cases."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phasefield.display import MICRO, MILLI, spell, spell_wall
from phasefield.errors import PhasefieldError
from phasefield.runs import Run

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from phasefield.roughness import Texture

OHM_CM2 = 1e4  # ohm cm^2 in an ohm m^2
NOTHING = 1e-5  # less, in the unit of a table, is shown as 0
MEGA = 1e6  # bytes in a MB

TEXTURE_ROWS = (
    ("Sa", MICRO, "um", "arithmetic mean height"),
    ("Sq", MICRO, "um", "root mean square height"),
    ("Sp", MICRO, "um", "highest peak"),
    ("Sv", MICRO, "um", "deepest valley"),
    ("Sz", MICRO, "um", "peak to valley"),
    ("Ssk", 1.0, "", "skewness"),
    ("Sku", 1.0, "", "kurtosis"),
    ("Sdq", 1.0, "", "root mean square gradient"),
    ("Sdr", 100.0, "%", "surface over projected area, less 1"),
    ("Sal", MICRO, "um", "shortest autocorrelation length"),
    ("Str", 1.0, "", "aspect ratio of the texture, 1 isotropic"),
)


def console_for(stderr: bool = False) -> Console:
    """Return the console; where the output is no terminal, its lines are wide enough for every table."""
    from rich.console import Console

    console = Console(stderr=stderr, highlight=False, soft_wrap=False)
    return console if console.is_terminal else Console(stderr=stderr, highlight=False, width=140)


def plain_table(*heads: str, title: str = "") -> Table:
    """Return an empty table in the house style: the first column to the left, the others to the right."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, title=title or None, title_justify="left", pad_edge=False)
    for k, head in enumerate(heads):
        table.add_column(head, justify="left" if k == 0 else "right")
    return table


def number(value: Any, scale: float = 1.0) -> str:
    """Return a number with three digits, a dash where there is none."""
    if not isinstance(value, int | float) or value != value:
        return "-"
    if abs(value * scale) < NOTHING:
        return "0"
    return f"{value * scale:.3g}"


def calibrated(run: Run) -> dict[str, str]:
    """Return the calibrated inputs of a run with their values, from its resolved case."""
    try:
        tree = tomllib.loads(run.resolved_case)
    except tomllib.TOMLDecodeError:
        return {}
    return dict(_calibrated(tree, ""))


def _calibrated(node: Any, key: str) -> list[tuple[str, str]]:
    if isinstance(node, list):
        return [pair for k, item in enumerate(node) for pair in _calibrated(item, f"{key}[{k}]")]
    if not isinstance(node, dict):
        return []
    if "value" in node:
        return [(key, str(node["value"]))] if node.get("status") == "calibrated" else []
    return [pair for name, item in node.items() for pair in _calibrated(item, f"{key}.{name}".lstrip("."))]


def named(values: Mapping[str, str]) -> str:
    """Return `key = value` pairs on one line."""
    return ", ".join(f"{key} = {value}" for key, value in values.items()) or "none"


def ledger_text(run: Run) -> str:
    """Return the worst errors of the three balances."""
    try:
        errors = run.ledger()
    except PhasefieldError:
        return "-"
    return f"charge {errors['charge']:.1e}, lithium {errors['lithium']:.1e}, salt {errors['salt']:.1e}"


def corrections_text(run: Run) -> str:
    """Return what closed the balances, the largest of all steps."""
    found = run.corrections()
    if found is None:
        return "-"
    rests = f" ({found['lithium_at_rest']:.1e} at rest)" if found["lithium_at_rest"] > 0.0 else ""
    return f"salt {found['salt']:.1e} of it, lithium {found['lithium']:.1e} of a step's motion{rests}"


def events_text(summary: Mapping[str, Any]) -> str:
    """Return when each event first began and when it was over, and how often it came."""
    first: dict[str, dict[str, Any]] = {}
    for entry in summary.get("events", []):
        first.setdefault(entry["event"], entry)
    counts = summary.get("event_counts", {})
    texts = []
    for name, entry in first.items():
        until = f" to {spell(entry['end'])}" if entry.get("end") is not None else ""
        often = f" ({counts[name]} times)" if counts.get(name, 1) > 1 else ""
        texts.append(f"{name} at {spell(entry['time'])}{until}{often}")
    return ", ".join(texts) or "none"


def facts(run: Run) -> list[tuple[str, str]]:
    """Return what a run came to: names and texts."""
    s, series = run.summary, run.series
    if not run.n_steps:
        return [("steps", "none yet")]

    def ends(name: str, scale: float, unit: str) -> str:
        column = abs(series[name]) if name == "voltage" else series[name]
        return f"{number(float(column[0]), scale)} -> {number(float(column[-1]), scale)} {unit}"

    rows = [("ended", f"{s['text']}" if "text" in s else "not yet, or it was stopped")]
    rows.append(("simulated", f"{spell(float(series['time'][-1]))}, {run.n_frames} frames stored"))
    if "wall_time" in s:
        pace = f"{s['steps']} steps, {number(s['seconds_per_step'])} s each"
        rows.append(("took", f"{spell_wall(s['wall_time'])}: {pace}; {s['peak_memory'] / MEGA:.0f} MB"))
    rows.append(("voltage", ends("voltage", MILLI, "mV")))
    rows += [(name, ends(name, MICRO, "um")) for name in ("Sa", "Sq", "Sz")]
    if "film_resistance_mean" in series:
        rows.append(("film, mean", ends("film_resistance_mean", OHM_CM2, "ohm cm^2")))
    rows.append(("ledger errors", ledger_text(run)))
    rows.append(("closed by", corrections_text(run)))
    rows.append(("events", events_text(s)))
    rows.append(("calibrated", named(calibrated(run))))
    return rows


def print_run(console: Console, run: Run, why: str = "") -> None:
    """Print the table at the end of a run, why it came out so, and where its files are."""
    table = plain_table(run.title, "")
    table.columns[1].justify = "left"
    for row in facts(run):
        table.add_row(*row)
    console.print(table)
    if why:
        console.print(f"Why: {why}.", soft_wrap=True)
    console.print(f"Results: {run.folder}", soft_wrap=True)
    console.print(f"Pictures: phasefield render {run.folder}", soft_wrap=True)


def print_texture(console: Console, title: str, textures: Mapping[str, Texture]) -> None:
    """Print ISO 25178 figures, one column for each way of reading the surface."""
    table = plain_table(title, *textures, "", "")
    table.columns[-1].justify = table.columns[-2].justify = "left"
    for name, scale, unit, meaning in TEXTURE_ROWS:
        table.add_row(name, *(number(getattr(t, name), scale) for t in textures.values()), unit, meaning)
    console.print(table)
    extent = next(iter(textures.values())).extent
    size = " x ".join(f"{edge * MICRO:.4g}" for edge in extent if edge > 0.0)
    console.print(f"ISO 25178-2 over {size} um; Sz and Sp grow with the area looked at.")


def print_cases(console: Console, titles: Mapping[str, str]) -> None:
    """Print the shipped cases."""
    table = plain_table("case", "title")
    table.columns[1].justify = "left"
    for name, title in titles.items():
        table.add_row(name, title)
    console.print(table)
    console.print("Run one: phasefield run NAME     Copy one to edit: phasefield cases --copy NAME")


def relative(path: Path) -> str:
    """Return a path as short as it can be said from here."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
