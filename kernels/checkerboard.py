"""The layout of a multigrid level: the cells of either colour on their own, so that a half-sweep runs over numbers in
a row.

A field is (2, nz, size): colour, plane, place. Cell (k, j, i) has the colour (k + j + i) % 2 and the place
`at + j width + (i + 1) // 2`. Of two neighbours along y or z the second has the same place, or one `width` away,
in the other colour. Along x it is the same place or the next one: the mask of a plane is 1 at even `i`, whose
neighbours are at `t` and `t + 1`, and -1 at odd `i`, whose are at `t - 1` and `t`.

The places that no cell has, where the mask is 0, repeat the periodic neighbours: one or two a row, and a row before the
first and after the last. Face `i` of a row lies between the cells `i` and `i + 1` and has the place of the first.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.core import cgutils
from numba.extending import intrinsic

from phasefield.kernels._jit import config, kernel

LINE = 16  # float32 numbers in a cache line: a plane begins with one
LANES = 32  # a loop over a plane runs over a multiple of so many places: none is left over when it is vectorised
NONE, ONE = np.float32(0), np.float32(1)
POSITIVE = 2**62 - 1  # an index masked by it cannot be negative, for all the compiler knows


@intrinsic
def _bare(_context, array):  # type: ignore[no-untyped-def]
    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        made = context.make_array(array)(context, builder, arguments[0])
        made.meminfo = cgutils.get_null_value(made.meminfo.type)
        made.parent = cgutils.get_null_value(made.parent.type)
        return made._getvalue()

    return array(array), generate


@kernel
def bare(array):  # type: ignore[no-untyped-def]
    """Return an array that nobody counts the references to: views of it, made for each plane, cost nothing then.

    In a parallel kernel all arrays are of this kind. The caller keeps the memory.
    """
    return array if config.DISABLE_JIT else _bare(array)  # type: ignore[call-arg]


@kernel
def layout(ny, nx):  # type: ignore[no-untyped-def]
    """Return the width of a row, the place of the first cell, how many places loops visit, and how many there are."""
    width = (nx + 1) // 2 + 1
    at = width // LINE * LINE + LINE
    count = (ny * width + LANES - 1) // LANES * LANES
    return width & POSITIVE, at & POSITIVE, count & POSITIVE, (at + count + width) // LINE * LINE + LINE


@kernel
def place(k, j, i, ny, nx):  # type: ignore[no-untyped-def]
    """Return the colour and the place of a cell."""
    width, at, _, _ = layout(ny, nx)
    return (k + j + i) & 1, at + j * width + (i + 1) // 2


@kernel
def half(k, j, odd, ny, nx):  # type: ignore[no-untyped-def]
    """Return the colour of the cells of a row with even, or odd, `i`, the place of the first and their number."""
    width, at, _, _ = layout(ny, nx)
    return (k + j + odd) & 1, (at + j * width + odd) & POSITIVE, (nx + 1 - odd) // 2


@kernel
def split(field, row, k, j, ny):  # type: ignore[no-untyped-def]
    """Put a row into a field."""
    even, at, n = half(k, j, 0, ny, row.size)
    odd, beyond, pairs = half(k, j, 1, ny, row.size)
    to_even, to_odd = field[even, k], field[odd, k]
    for m in range(pairs):
        to_even[at + m] = row[2 * m]
        to_odd[beyond + m] = row[2 * m + 1]
    if n > pairs:
        to_even[at + pairs] = row[2 * pairs]


@kernel
def join(row, field, k, j, ny):  # type: ignore[no-untyped-def]
    """Get a row of a field."""
    even, at, n = half(k, j, 0, ny, row.size)
    odd, beyond, pairs = half(k, j, 1, ny, row.size)
    from_even, from_odd = field[even, k], field[odd, k]
    for m in range(pairs):
        row[2 * m] = from_even[at + m]
        row[2 * m + 1] = from_odd[beyond + m]
    if n > pairs:
        row[2 * pairs] = from_even[at + pairs]


@kernel
def fold(sums, plane, side, of_even, of_odd, step, shape):  # type: ignore[no-untyped-def]
    """Add `of_even` times the even and `of_odd` times the odd cells of a plane of one colour to the sums of a row.

    step: cells of a row that become one, of two the first place gets the sum; of one, odd ones have sums of their own.
    """
    _, at, count, _ = layout(shape[1], shape[2])
    total, apart = sums[0], sums[1]
    if step == 2:
        for t in range(count):
            odd = of_odd * plane[at + t + 1] if side[at + t + 1] < 0 else NONE
            total[at + t] += of_even * plane[at + t] if side[at + t] > 0 else odd
    else:
        for t in range(count):
            total[at + t] += of_even * plane[at + t] if side[at + t] > 0 else NONE
            apart[at + t] += of_odd * plane[at + t] if side[at + t] < 0 else NONE


@kernel
def collect(field, k, sums, step, from_all, shape, coarse):  # type: ignore[no-untyped-def]
    """Put the sums into a plane of a coarser field, from all the rows that become one or from the last of them."""
    ny, my, mx = shape[1], coarse[1], coarse[2]
    many = (ny + my - 1) // my
    total, apart = sums[0], sums[1]
    for j in range(my):
        _, last, _ = half(k, min(many * j + many, ny) - 1, 0, ny, shape[2])
        _, first, _ = half(k, many * j, 0, ny, shape[2])
        share = ONE if from_all and first != last else NONE
        even, at, n = half(k, j, 0, my, mx)
        odd, beyond, pairs = half(k, j, 1, my, mx)
        to_even, to_odd = field[even, k], field[odd, k]
        if step == 2:
            for m in range(pairs):
                to_even[at + m] = total[last + 2 * m] + share * total[first + 2 * m]
                to_odd[beyond + m] = total[last + 2 * m + 1] + share * total[first + 2 * m + 1]
            if n > pairs:
                to_even[at + pairs] = total[last + 2 * pairs] + share * total[first + 2 * pairs]
        else:
            for m in range(n):
                to_even[at + m] = total[last + m] + share * total[first + m]
            for m in range(1, pairs + 1):
                to_odd[at + m] = apart[last + m] + share * apart[first + m]


@kernel
def expand(of_even, of_odd, field, k, step, shape, coarse):  # type: ignore[no-untyped-def]
    """Give each place of a plane what a coarser field has there: for an even cell, and for an odd one.

    What one array has for a cell the other has for the next coarse cell along x. Neighbours beyond the ends are there.
    """
    ny, my, mx = shape[1], coarse[1], coarse[2]
    width, first, _, _ = layout(ny, shape[2])
    many = (ny + my - 1) // my
    if step == 1:  # a cell has no next coarse one along x
        of_even[:] = 0
        of_odd[:] = 0
    for j in range(ny):
        _, to, _ = half(k, j, 0, ny, shape[2])
        even, at, n = half(k, j // many, 0, my, mx)
        odd, beyond, pairs = half(k, j // many, 1, my, mx)
        from_even, from_odd = field[even, k], field[odd, k]
        if step == 2:
            for m in range(pairs):
                of_even[to + 2 * m] = from_even[at + m]
                of_even[to + 2 * m + 1] = from_odd[beyond + m]
            if n > pairs:
                of_even[to + 2 * pairs] = from_even[at + pairs]
            of_even[to + mx] = of_even[to]
            of_odd[to] = of_even[to + mx - 1]
            for m in range(mx):
                of_odd[to + m + 1] = of_even[to + m]
        else:
            for m in range(n):
                of_even[to + m] = from_even[at + m]
            for m in range(1, pairs + 1):
                of_odd[to + m] = from_odd[at + m]
    last, before, behind = (first + (ny - 1) * width) & POSITIVE, (first - width) & POSITIVE, first + ny * width
    for values in (of_even, of_odd):
        for t in range(width):
            values[before + t] = values[last + t]
            values[behind + t] = values[first + t]


@kernel
def _repeat(field, colour, k, ny, nx):  # type: ignore[no-untyped-def]
    """Repeat the cells of one colour of a plane where they are periodic neighbours."""
    width, at, _, _ = layout(ny, nx)
    cells, copies = field[colour, k], field[(colour + nx) & 1, k]
    for j in range((k + colour) & 1, ny, 2):
        row = (at + j * width) & POSITIVE
        copies[row + (nx + 1) // 2] = cells[row]
    for j in range((k + colour + nx + 1) & 1, ny, 2):
        row = (at + j * width) & POSITIVE
        copies[row] = cells[row + nx // 2]
    copies = field[(colour + ny) & 1, k]
    first, last = at, (at + (ny - 1) * width) & POSITIVE
    before, behind = (at - width) & POSITIVE, (at + ny * width) & POSITIVE
    for t in range(width):
        copies[before + t] = cells[last + t]
    for t in range(width):
        copies[behind + t] = cells[first + t]


@kernel
def wrap(field, colour, k, ny, nx):  # type: ignore[no-untyped-def]
    """Set the places without a cell after one colour of a plane changed: a loop over it has overwritten them."""
    _repeat(field, colour, k, ny, nx)
    if ny % 2 or nx % 2:  # a seam joins cells of one colour
        _repeat(field, 1 - colour, k, ny, nx)


def mask(ny: int, nx: int) -> np.ndarray[Any, Any]:
    """Return the masks of the planes with even and with odd `k + colour`."""
    made = np.zeros((2, layout(ny, nx)[3]), np.float32)
    for parity in range(2):
        for j in range(ny):
            odd = (parity + j) % 2
            _, at, n = half(parity, j, odd, ny, nx)
            made[parity, at : at + n] = 1 - 2 * odd
    return made


def places(shape: tuple[int, int, int]) -> np.ndarray[Any, Any]:
    """Return the index of each cell in a field of which all is one row."""
    nz, ny, nx = shape
    width, at, _, size = layout(ny, nx)
    k, j, i = np.ogrid[:nz, :ny, :nx]
    index = ((k + j + i) % 2 * nz + k) * size + at + j * width + (i + 1) // 2
    flat: np.ndarray[Any, Any] = index.astype(np.int32).ravel()
    return flat
