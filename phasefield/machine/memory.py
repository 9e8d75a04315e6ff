"""What the machine has to give."""

from __future__ import annotations

import math
import resource

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


def address_space() -> float:
    """Return the address space that this process may have, bytes (`ulimit -v`); infinite where nothing limits it."""
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return math.inf if soft == resource.RLIM_INFINITY else float(soft)
