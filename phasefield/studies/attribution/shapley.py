"""Shares of a change: what each of several inputs adds, mean over all orders of adding them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def shapley(values: Sequence[float]) -> NDArray[np.float64]:
    """Return what each input adds to a value, mean over all orders in which inputs can be added.

    values: one for each set of inputs, at the index whose bits name the set; 2^n of them, any unit. The n shares add
    up to values[-1] - values[0]. Raises ValueError if there are not 2^n values.

    L. S. Shapley, in Contributions to the Theory of Games II (Princeton 1953), 307: input k adds v(S + k) - v(S) to a
    set S of s inputs, with weight s! (n - 1 - s)!/n!.
    """
    n = len(values).bit_length() - 1
    if len(values) != 1 << n:
        raise ValueError(f"{len(values)} values: one is needed for each set of inputs, 2^n of them")
    shares = np.zeros(n)
    for k in range(n):
        for taken in range(1 << n):
            if not taken >> k & 1:
                s = taken.bit_count()
                weight = math.factorial(s) * math.factorial(n - 1 - s) / math.factorial(n)
                shares[k] += weight * (values[taken | 1 << k] - values[taken])
    return shares
