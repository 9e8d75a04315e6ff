"""What of the metal in a picture is no live lithium: isolated lithium, and the bare metal under nuclei."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from phasefield.files.toml import tables_of
from phasefield.viz.stored import Array, StoredRun, field_of, frame_index, has_field, height_in_metres

DEAD = "dead"  # the stored field


def substrate_of(run: StoredRun) -> str:
    """Return the name of the bare metal at the bottom of a run's box; empty where lithium covers it."""
    surface = _tables(run).get("surface")
    substrate = surface.get("substrate") if isinstance(surface, dict) else None
    return str(substrate.get("name", "metal")) if isinstance(substrate, dict) else ""


def bare_of(run: StoredRun, frame: int) -> NDArray[np.bool_]:
    """Return where no lithium stands on the bare metal of a run (ny, nx); nowhere without such a metal."""
    height = height_in_metres(run, frame)
    return np.asarray(height <= 0.0) if substrate_of(run) else np.zeros(height.shape, bool)


def dead_of(run: StoredRun, frame: int) -> Array | None:
    """Return 1 in the isolated lithium of a frame (nz, ny, nx), 0 elsewhere; None where there is none.

    Where `dead` is not stored it is found in xi: lithium that no chain of cell faces joins to the bottom of the box,
    or to the counter electrode's lithium, theory.md eq. (4).
    """
    if has_field(run, DEAD):
        return field_of(run, DEAD, frame)
    volume = run.series.get("lithium_dead")
    if not has_field(run, "xi") or (volume is not None and not np.any(np.asarray(volume) > 0.0)):
        return None
    return _cut_off(field_of(run, "xi", frame_index(run, frame)) > 0.5, run)


def _cut_off(metal: NDArray[np.bool_], run: StoredRun) -> Array | None:
    from scipy.ndimage import label
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    parts, count = label(metal)
    tables = _tables(run)
    joined = [np.zeros((0, 2), np.intp)]
    if 'lateral = "mirror"' not in str(getattr(run, "resolved_case", "")):  # sides wrap
        for low, high in ((parts[:, 0], parts[:, -1]), (parts[:, :, 0], parts[:, :, -1])):
            both = (low > 0) & (high > 0)
            joined.append(np.stack([low[both], high[both]], axis=1))
    pairs = np.concatenate(joined)
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(count + 1, count + 1))
    _, body = connected_components(graph, directed=False)
    ends = [parts[0]]
    counter = tables.get("counter")
    if isinstance(counter, dict) and "surface" in counter:
        ends.append(parts[-1])
    alive = np.concatenate([np.unique(body[end[end > 0]]) for end in ends])
    dead = metal & ~np.isin(body[parts], alive)
    return dead.astype(np.float64) if dead.any() else None


def _tables(run: StoredRun) -> dict[str, Any]:
    try:
        return tables_of(str(getattr(run, "resolved_case", "")))
    except ValueError:
        return {}
