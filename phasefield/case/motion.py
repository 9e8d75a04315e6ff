"""The laws of motion that a case may choose, `numerics.motion`, and what each asks of the case.

Another law is a row here and its class in the table of `phasefield/model/laws.py`.
"""

from __future__ import annotations

from typing import NamedTuple


class Motion(NamedTuple):
    """What a case must know of a law of motion."""

    meaning: str
    width: float = 0.5
    """Default of `numerics.interface_width`, in spacings."""
    without: tuple[str, ...] = ()
    """Tables and keys that the law knows nothing of; a case that gives one is refused."""
    needs: tuple[str, ...] = ()
    """Keys that may not be zero."""


MOTIONS: dict[str, Motion] = {
    "level-set": Motion("moves the signed distance"),
    "allen-cahn": Motion(
        "the published models, without film, t+ and anions, for comparison",
        width=1.0,
        without=(
            "film.patches", "film.growth", "film.repair", "surface.substrate", "counter.surface", "cathode",
        ),
        needs=("lithium.surface_energy",),
    ),
}  # fmt: skip

BEFORE = {"distance": "level-set"}
"""Names that laws had in cases and results made before 0.1, and their names now."""
