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

DRIVE = Drive(10.0)
STEP = 20.0  # s


def grid_kernels(cell: Cell, s: Any) -> dict[str, tuple[float, Callable[[], Any]]]:
    """Kernels over the whole grid: bytes a cell, and a call."""
    f, co, L, t = s.front, cell.co, cell.lattice, cell.transport
    out, planes, ranges = np.zeros(cell.shape), np.zeros(cell.shape[0]), np.zeros((cell.shape[0], 3))
    other = s.c + 1.0
    # A vector of the linear solver, and the product with it
    z = np.random.default_rng(1).uniform(-1.0, 1.0, cell.shape).astype(np.float32)
    w = np.zeros(cell.shape, np.float32)
    faces = (*t.diffusion, f.h, s.c, co.D_at, co.D, 0.0, cell.dx, L, True, 0)
    conduction = (*t.currents, t.g, t.ga, t.gb, f.h, s.c, t.psi, co.at, co.kappa, co.least, L, True, 0)
    return {
        # two float64 in, three float32 out
        "transport.faces": (28, lambda: transport.faces(*faces)),
        # three float64 in, three float64 and nine float32 out
        "transport.conduction": (84, lambda: transport.conduction(*conduction)),
        "transport.divergence": (32, lambda: transport.divergence(out, *t.currents, L, 0)),
        # vectors and faces in float32
        "transport.salt_operator": (
            40,
            lambda: transport.salt_operator(w, z, t.storage, t.diffusion, t.flow, L, 0),
        ),
        "transport.charge_operator": (20, lambda: transport.charge_operator(w, z, t.g, L, 0)),
        "transport.charge_of_salt": (32, lambda: transport.charge_of_salt(w, z, t.ga, t.gb, L, 0)),
        "transport.weighted_sum": (16, lambda: transport.weighted_sum(planes, f.h, s.c)),
        "transport.extremes": (16, lambda: transport.extremes(ranges, f.h, s.c, 0.5)),
        "transport.largest_change": (
            24,
            lambda: transport.largest_change(planes, f.h, s.c, other, 1.0, co.c_0),
        ),
        "front.phase": (16, lambda: front.phase(out, f.d, f.W, f.closed)),
        "front.lithium_volume": (8, lambda: front.lithium_volume(planes, f.h, cell.dx)),
        "front.band_cells": (
            10,
            lambda: front.band_cells(f._cells_buffer, f._marks, f._counts, f.d, f.radius, L),
        ),
    }


def surface_kernels(cell: Cell, s: Any) -> dict[str, tuple[int, str, Callable[[], Any]]]:
    """Kernels of the band or the surface: how many of what, and a call."""
    f, L, n, co, t = s.front, cell.lattice, s.front.n, cell.co, cell.transport
    rx, surface, count = s.reaction, t.surface, s.front.count
    out, scratch = np.zeros(cell.shape), np.zeros(cell.shape)
    near = cell.film.near(f)
    built = (f.start, f.idx, f.w, f.facet, f.curvature, f.owner, f.cells, n, f.d, f.h, L, True)
    measured = (
        f.area, out, f.weight, f.facet, f.start, f.idx, f.w, count, f.foot, f.cells, n,
        f.d, f.W, f.closed, L, True,
    )  # fmt: skip
    mended = (scratch, f.d, f.cells, n, f.radius, 0.0, 1e-9, 1.0, f.frozen, L)
    # What the elements feel and take, and how that answers to a change of the salt
    start, idx, w, share, norm = surface.start, surface.idx, surface.w, surface.share, surface.norm
    c_e, u, current = surface.c_e, surface.u, surface.area * rx.j
    values, du, dc_e, dnorm, dI = (np.zeros(count) for _ in range(5))
    dc = np.random.default_rng(1).uniform(-1.0, 1.0, cell.shape).astype(np.float32)
    to_c, to_p = np.zeros((2, *cell.shape), np.float32)
    felt = (c_e, u, share, norm, s.c, t.psi, co.beta, co.c_0, start, idx, w, count)
    answers = (du, dc_e, dnorm, dc, s.c, co.beta, c_e, share, norm, start, idx, w, count)
    taken = (to_c, to_p, t.ratio, dI, current, dc_e, dnorm, dc, s.c, c_e, share, norm, start, idx, count)
    arrays = [a.copy() for a in (rx.j, rx.J, rx.Jc, rx.j_li)]
    film = (s.resistance, co.layer, s.j_side, f.active)
    currents = (*arrays, u, c_e, *film, count, s.phi_s, surface.shift, co.kinetics)
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
        "elements.measure": (count, "element", lambda: elements.measure(*measured)),
        "elements.at_surface": (count, "element", lambda: elements.at_surface(*felt)),
        "kinetics.surface_currents": (count, "element", lambda: kinetics.surface_currents(*currents)),
        "elements.responses": (count, "element", lambda: elements.responses(*answers)),
        "elements.exchange": (count, "element", lambda: elements.exchange(*taken)),
        "elements.gather": (count, "element", lambda: elements.gather(values, dc.reshape(-1), start, idx, w)),
        "elements.scatter": (
            count,
            "element",
            lambda: elements.scatter(to_p, current, start, idx, share, count, 1.0),
        ),
    }


def main(quick: bool) -> None:
    """Print the tables."""
    n = 64 if quick else 128
    shape = (n, n, n)
    cell = Cell(rough_case(shape))
    first = cell.start()
    cell.drive(first, DRIVE)
    s = cell.step(first, DRIVE, STEP)  # the solver keeps what it worked with last
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
