"""What else the machine does now: by how much it slows a thread down."""

from __future__ import annotations

import time

LOOK = 0.2  # s for which a thread is watched
KEPT = 10.0  # s for which the answer holds
MOST = 20.0

_seen: tuple[float, float] | None = None  # when, and by how much


def slowdown() -> float:
    """Return wall over processor time of a thread that computes now: 1 where it has a processor for itself."""
    global _seen
    begun, used = time.perf_counter(), time.thread_time()
    if _seen is None or begun - _seen[0] > KEPT:
        while (passed := time.perf_counter() - begun) < LOOK:
            pass
        spent = time.thread_time() - used
        _seen = begun, min(MOST, max(1.0, passed / spent if spent > 0.0 else MOST))
    return _seen[1]
