"""What the machine has to give."""

from __future__ import annotations

import psutil


def available_memory() -> float:
    """Return the memory that can be had now, bytes."""
    free = float(psutil.virtual_memory().available)
    try:  # a container's own limit
        with open("/sys/fs/cgroup/memory.max", encoding="ascii") as file:
            free = min(free, float(file.read()))
    except (OSError, ValueError):  # no such group, or the word "max"
        pass
    return free
