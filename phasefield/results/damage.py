"""What of a stored run is damaged: every part is read once, and each that a checksum refuses is named."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from phasefield.errors import ResultError, one_line
from phasefield.results.run import Run

MOST = 5  # damaged parts that an error names


def damage(run: Run) -> list[str]:
    """Return a text for each part that cannot be read, or holds no numbers: the first `MOST` of them."""
    return [one_line(text, 200) for text in itertools.islice(_damage(run), MOST)]


def check_whole(run: Run) -> None:
    """Read all of a run. Raises ResultError that names what is damaged."""
    found = damage(run)
    if found:
        more = "; and perhaps more" if len(found) == MOST else ""
        raise ResultError(
            f"{run.path}: is damaged: {'; '.join(found)}{more}; the rest can be used, "
            "phasefield run --overwrite makes it again"
        )


def _damage(run: Run) -> Iterator[str]:
    for name in run.damaged_attributes:
        yield f"attribute {name}: does not fit its checksum"
    for name in run.damaged_series:
        yield f"series {name}: some of its values do not fit their checksum"
    for frame in range(run.n_frames):
        if not np.isfinite(run.heights[frame]).all():
            yield f"frame {frame}: the surface cannot be read, or holds no numbers"
        for name in run.fields:
            try:
                run.field(name, frame)
            except ResultError:
                yield f"frame {frame}: the field {name} cannot be read"
