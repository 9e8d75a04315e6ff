"""Time per cell of each kernel against the memory bandwidth of the same run, with one thread and all.

    python benchmarks/bench_kernels.py [--quick]

Each array counts once. Kernels of the band and of the surface work on a few percent of the cells, in no
order that memory likes: for them only the time per band cell or element is given.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from measuring import CORES, bandwidth, best, rough_case, spare, table

from phasefield.kernels import elements, front, kinetics, transport
from phasefield.model.cell import Cell
from phasefield.model.coefficients import Drive

SLOW_MARCH = 10.0  # A/m^2


def grid_kernels(cell: Cell, s: Any) -> dict[str, tuple[float, Callable[[], Any]]]:
    """Kernels over the whole grid: bytes a cell, and a call."""
    f, co, L = s.front, cell.co, cell.lattice
    g = (cell.potential.gx, cell.potential.gy, cell.potential.gz)
    out, planes, ranges = np.zeros(cell.shape), np.zeros(cell.shape[0]), np.zeros((cell.shape[0], 3))
    other = s.c + 1.0
    return {
        # two float64 in, three float32 out
        "transport.faces": (28, lambda: transport.faces(*g, f.h, s.c, co.at, co.kappa, 0.0, cell.dx, L, True, 0)),
        "transport.charge_balance": (
            36,
            lambda: transport.charge_balance(out, s.phi, s.c, *g, co.beta, L, 0),
        ),
        "transport.salt_source": (
            44,
            lambda: transport.salt_source(out, f.h, s.c, s.phi, s.c, *g, co.beta, co.carried, 1.0, 1.0, L, 0),
        ),
        "transport.weighted_sum": (16, lambda: transport.weighted_sum(planes, f.h, s.c, 1)),
        "transport.extremes": (16, lambda: transport.extremes(ranges, f.h, s.c, 0.5)),
        "transport.largest_change": (24, lambda: transport.largest_change(planes, f.h, s.c, other, 1.0)),
        "front.phase": (16, lambda: front.phase(out, f.d, f.W, f.closed)),
        "front.lithium_volume": (8, lambda: front.lithium_volume(planes, f.h, cell.dx)),
        "front.band_cells": (
            10,
            lambda: front.band_cells(f._cells_buffer, f._marks, f._counts, f.d, f.radius, L),
        ),
    }


def surface_kernels(cell: Cell, s: Any) -> dict[str, tuple[int, str, Callable[[], Any]]]:
    """Kernels of the band or the surface: how many of what, and a call."""
    f, L, n = s.front, cell.lattice, s.front.n
    rx, count = s.reaction, s.front.count
    out, scratch = np.zeros(cell.shape), np.zeros(cell.shape)
    values = np.empty(count)
    arrays = [np.empty(count) for _ in range(4)]
    phi, c = f.gather(s.phi), f.gather(s.c)
    side, zero = np.zeros(count), np.zeros(count)
    near = cell.film.near(f)
    built = (f.start, f.idx, f.w, f.area, f.curvature, f.owner, f.cells, n, f.d, f.h, L, True)
    currents = (*arrays, phi, c, s.resistance, side, f.active, count, s.phi_s, zero, cell.co.kinetics)
    mended = (scratch, f.d, f.cells, n, f.radius, 0.0, 1e-9, 1.0, f.frozen, L)
    return {
        "front.foot_points": (n, "band cell", lambda: front.foot_points(f.foot, f.d, f.cells, n, L, True)),
        "front.redistance": (n, "band cell", lambda: front.redistance(*mended)),
        "front.advance": (n, "band cell", lambda: front.advance(out, f.d, s.v, f.cells, n, 1.0, f.radius)),
        "front.extend": (
            n,
            "band cell",
            lambda: front.extend(out, scratch, f.weight, f.foot, f.cells, n, 0.0, True),
        ),
        "film.renew": (near.size, "band cell", lambda: cell.film._sample(s.film, f)),
        "elements.build": (count, "element", lambda: elements.build(*built)),
        "elements.gather": (
            count,
            "element",
            lambda: elements.gather(values, s.c.reshape(-1), f.start, f.idx, f.w),
        ),
        "elements.scatter": (
            count,
            "element",
            lambda: elements.scatter(out, rx.j, f.start, f.idx, f.w, count, 1.0),
        ),
        "kinetics.surface_currents": (count, "element", lambda: kinetics.surface_currents(*currents)),
    }


def main(quick: bool) -> None:
    """Print the tables."""
    n = 64 if quick else 128
    shape = (n, n, n)
    cell = Cell(rough_case(shape))
    s = cell.start()
    cell.drive(s, Drive(SLOW_MARCH))
    threads = sorted({1, CORES})
    speed = {t: bandwidth(t) for t in threads}
    print(
        f"Grid of {n}^3 cells; y = y + 2 x in GB/s: "
        f"{', '.join(f'{speed[t] / 1e9:.1f} with {t}' for t in threads)}\n"
    )
    print(f"{CORES} threads did pure arithmetic {spare():.2f} times as fast as one: no kernel gains more.\n")
    rows = []
    for name, (size, call) in grid_kernels(cell, s).items():
        row = [f"`{name}`", f"{size:g}"]
        times = {}
        for t in threads:
            numba.set_num_threads(t)
            times[t] = best(call)
            rate = size * n**3 / times[t]
            row += [f"{1e9 * times[t] / n**3:.2f}", f"{rate / speed[t]:.0%}"]
        rows.append([*row, f"{times[1] / times[CORES]:.2f}"])
    head = ["kernel of the grid", "bytes a cell"]
    for t in threads:
        head += [f"ns a cell, {t} thread{'s' * (t > 1)}", "of bandwidth"]
    print(table([*head, f"1 over {CORES} threads"], rows), end="\n\n")
    rows = []
    for name, (many, what, call) in surface_kernels(cell, s).items():
        took = []
        for t in threads:
            numba.set_num_threads(t)
            took.append(best(call))
        rows.append(
            [f"`{name}`", what, *(f"{1e9 * x / many:.1f}" for x in took), f"{took[0] / took[-1]:.2f}"]
        )
    print(
        table(
            [
                "kernel of the surface",
                "per",
                *(f"ns, {t} thread{'s' * (t > 1)}" for t in threads),
                f"1 over {CORES} threads",
            ],
            rows,
        )
    )


if __name__ == "__main__":
    main("--quick" in sys.argv)
