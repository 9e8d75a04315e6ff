"""The methods of a stored run as text for a paper, with the numbers of the run, and how to cite the program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from phasefield.constants import ZERO_CELSIUS
from phasefield.results.run import Run
from phasefield.results.summary import calibrated, ledger_text
from phasefield.text.formatting import MICRO, spell
from phasefield.text.laboratory import laboratory_unit
from phasefield.viz.stored import is_flat_run, is_smooth
from phasefield.viz.style import MICRON, TIMES, typeset

CITATION = "The phasefield authors. phasefield: a mesoscale lithium dendrite solver, version {version}; case {case}."
WORDS = {"nernst-einstein": "by Nernst and Einstein"}
MOST_STEPS = 6  # of a protocol that are told one by one


def laboratory_text(text: str) -> str:
    """Return a number with SI unit, as a resolved case has it, in the laboratory's unit; other texts as they are."""
    first, _, si = text.partition(" ")
    try:
        value = float(first)
    except ValueError:
        return text
    if si == "K":
        return f"{value - ZERO_CELSIUS:.6g} \N{DEGREE SIGN}C"
    scale, unit = laboratory_unit(si, value)
    return typeset(f"{value * scale:.6g} {unit}") if si else text


def methods_text(run: Run) -> list[str]:
    """Return the paragraphs of the methods of a run; none for a case that cannot be read."""
    tables = run.tables
    if not tables or not run.n_steps:
        return []
    parts = [_model(run, tables), _materials(tables), _protocol(tables), _outcome(run, tables)]
    version = str(run.versions.get("phasefield", "?"))
    cited = CITATION.format(version=version, case=str(run.attrs.get("case_hash", ""))[:16])
    return [" ".join(one.split()) for one in parts if one] + [f"Cite as: {cited}"]


def _value(tables: Mapping[str, Any], key: str) -> str:
    """Return what a resolved case states under a dotted key, in the laboratory's unit; empty if it does not."""
    node: Any = tables
    for part in key.split("."):
        node = node.get(part) if isinstance(node, Mapping) else None
    node = node.get("value") if isinstance(node, Mapping) else node
    return "" if node is None or isinstance(node, Mapping | list) else laboratory_text(str(node))


def _told(tables: Mapping[str, Any], pairs: Mapping[str, str]) -> str:
    """Return `words value` for each key that the case states, joined by commas."""
    found = {words: _value(tables, key) for key, words in pairs.items()}
    return ", ".join(f"{words} {WORDS.get(text, text)}" for words, text in found.items() if text not in ("", "none"))


def _model(run: Run, tables: Mapping[str, Any]) -> str:
    nz, ny, nx = run.shape
    edge = run.spacing * MICRO
    box = [n * edge for n in ((nx, nz) if is_flat_run(run) else (nx, ny, nz))]
    size = f" {TIMES} ".join(f"{one:.4g}" for one in box)
    sides = "mirrored" if _value(tables, "grid.lateral") == "mirror" else "periodic"
    law = "a level set" if _value(tables, "numerics.motion") != "allen-cahn" else "an Allen-Cahn equation"
    cells = f"{nx * ny * nz:,}".replace(",", " ")
    return (
        "Lithium surface, salt concentration, potential, charge transfer and film (SEI) were solved together in "
        f"{len(box)}D with phasefield {run.versions.get('phasefield', '?')}; the surface was moved by {law}. The box "
        f"of {size} {MICRON} had {cells} cells of {edge:.4g} {MICRON} and {sides} sides."
    )


def _materials(tables: Mapping[str, Any]) -> str:
    salt = _told(tables, {
        "electrolyte.conductivity": "conductivity", "electrolyte.transference_number": "transference number",
        "electrolyte.salt_concentration": "salt concentration", "electrolyte.salt_diffusivity": "salt diffusivity",
        "electrolyte.thermodynamic_factor": "thermodynamic factor",
    })  # fmt: skip
    surface = _told(tables, {
        "kinetics.exchange_current_density": "exchange current density",
        "kinetics.transfer_coefficient": "transfer coefficient", "lithium.surface_energy": "surface energy",
        "film.thickness": "film thickness", "film.conductivity": "film conductivity",
        "film.patches.spread": "log-normal spread of its patches", "film.patches.size": "patch size",
        "film.patches.renewal": "renewal after plating of",
    })  # fmt: skip
    nuclei = _told(tables, {
        "surface.substrate.nucleation_overpotential": "nucleation overpotential",
        "surface.substrate.radius": "radius of the nuclei at the start",
    })  # fmt: skip
    name = _value(tables, "electrolyte.name") or "The electrolyte"
    text = f"{name} at {_value(tables, 'temperature')}: {salt}. Electrode, with Butler-Volmer kinetics: {surface}."
    if nuclei:
        text += f" The lithium was plated on bare {_value(tables, 'surface.substrate.name') or 'metal'}: {nuclei}."
    return text


def _protocol(tables: Mapping[str, Any]) -> str:
    protocol = tables.get("protocol")
    steps = protocol.get("steps") if isinstance(protocol, Mapping) else None
    if not isinstance(protocol, Mapping) or not isinstance(steps, list):
        return ""
    told = []
    for step in steps[:MOST_STEPS]:
        if isinstance(step, Mapping):
            told.append(", ".join(f"{key.replace('_', ' ')} {laboratory_text(str(v))}" for key, v in step.items()))
    more = f"; and {len(steps) - MOST_STEPS} more steps" if len(steps) > MOST_STEPS else ""
    repeat = protocol.get("repeat", 1)
    return f"Protocol, {repeat} time{'s' if repeat != 1 else ''}: {'; '.join(told)}{more}."


def _outcome(run: Run, tables: Mapping[str, Any]) -> str:
    time, summary = float(run.series["time"][-1]), run.summary
    text = f"The run ended after {spell(time)}: {summary.get('text', 'it was stopped')}."
    if not is_smooth(run):
        first, last = (MICRO * float(np.asarray(run.series["Sz"])[k]) for k in (0, -1))
        text += f" Sz (ISO 25178, not levelled) went from {first:.3g} to {last:.3g} {MICRON}."
    text += f" Relative errors of the balances: {ledger_text(run)}."
    fitted = calibrated(run)
    text += f" Calibrated, not predicted: {', '.join(fitted)}." if fitted else " No input was calibrated."
    if seed := _value(tables, "film.patches.seed") or _value(tables, "surface.seed"):
        text += f" One realisation of the random film and surface, seed {seed}."
    return text
