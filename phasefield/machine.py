"""What the machine has to give."""

from __future__ import annotations

import math


def available_memory() -> float:
    """Return the memory that can be had now, bytes; infinite if the system does not say."""
    free = math.inf
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            free = next(1024.0 * int(line.split()[1]) for line in file if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError):
        pass
    try:  # a container's own limit
        with open("/sys/fs/cgroup/memory.max", encoding="ascii") as file:
            free = min(free, float(file.read()))
    except (OSError, ValueError):  # no such group, or the word "max"
        pass
    return free
