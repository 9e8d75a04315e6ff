"""The roofline of each kernel: time a cell against the memory and the arithmetic of this machine.

    python benchmarks/bench_kernels.py [--quick] [--against TREE]

The roof is the longer of two times: bytes over the bandwidth of the triad a = b + 2 c, and flops over the measured rate
of multiplications and additions in float64. An array that is read counts once. A written one counts twice: memory is
read before it is written, also in the triad. Flops are those of a cell within the grid, in 3D. Comparisons, maxima and
absolute values count; a logarithm or exponential counts as one. Each call finds cold caches, unless those of the
processor are far larger than 320 MB.

Kernels of the band and of the surface work on a few percent of the cells, in an irregular order of memory. For them
only the time per band cell or element is reported.

"Before" is what bench_kernels.py of the other state prints for kernels of the same names.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numba
import numpy as np
from measuring import CORES, bandwidth, best, options, peak, rough_case, table
from process import CannotRunError, output

from phasefield.kernels import elements, front, gmres, kinetics, transport
from phasefield.model.coefficients import Drive
from phasefield.model.level_set import LevelSetLaw

DRIVE = Drive(10.0)  # A/m^2
STEP = 20.0  # s
THREADS = sorted({1, CORES})
RENAMED = {"front.foot_points": "front.closest_points", "film.renew": "film.sample"}  # since 6f2f39f
TURNS = 2


class Kernel(NamedTuple):
    """A kernel of the grid: bytes and flops a cell, and a call."""

    bytes: float
    flops: float
    call: Callable[[], Any]


class Scattered(NamedTuple):
    """A kernel of the band or the surface: how many of what, and a call."""

    many: int
    what: str
    call: Callable[[], Any]


def grid_kernels(cell: LevelSetLaw, s: Any) -> dict[str, Kernel]:
    """Return the kernels of the whole grid."""
    f, co, L, t = s.front, cell.co, cell.lattice, cell.transport
    out, planes, ranges = np.zeros(cell.shape), np.zeros(cell.shape[0]), np.zeros((cell.shape[0], 3))
    other = s.c + 1.0
    # Vectors of the linear solver, and the product with one
    v, v2 = np.random.default_rng(1).uniform(-1.0, 1.0, (2, 2, *cell.shape)).astype(np.float32)
    z, w = v[0], np.zeros(cell.shape, np.float32)
    small = np.float32(1e-9)
    faces = (*t.diffusion, f.h, s.c, co.D_at, co.D, cell.dx, L, True, 0)
    conduction = (*t.currents, t.g, t.ga, t.gb, f.h, s.c, t.psi, co.at, co.kappa, co.anion, co.c_floor, L, True, 0)
    return {
        # two float64 in, three float32 out; ten operations a face
        "transport.faces": Kernel(40, 30, lambda: transport.faces(*faces)),
        # three float64 in, three float64 and nine float32 out; 39 a face
        "transport.conduction": Kernel(144, 117, lambda: transport.conduction(*conduction)),
        "transport.divergence": Kernel(40, 7, lambda: transport.divergence(out, *t.currents, L, 0)),
        # all in float32
        "transport.salt_operator": Kernel(
            40, 41, lambda: transport.salt_operator(w, z, t.storage_single, t.diffusion, t.flow, L, 0)
        ),
        # reads what it adds to
        "transport.charge_operator": Kernel(24, 18, lambda: transport.charge_operator(w, z, t.g, L, 0)),
        "transport.charge_of_salt": Kernel(36, 25, lambda: transport.charge_of_salt(w, z, t.ga, t.gb, L, 0)),
        "transport.weighted_sum": Kernel(16, 2, lambda: transport.weighted_sum(planes, f.h, s.c)),
        "transport.extremes": Kernel(16, 3, lambda: transport.extremes(ranges, f.h, s.c, 0.5)),
        "transport.largest_change": Kernel(
            24, 7, lambda: transport.largest_change(planes, f.h, s.c, other, 1.0, co.c_0)
        ),
        "transport.potential": Kernel(
            32, 4, lambda: transport.potential(out, t.psi, s.c, co.beta, co.c_0, 0)
        ),
        # pairs of float32 fields
        "gmres.dot": Kernel(16, 4, lambda: gmres.dot(planes, v, v2, 0)),
        "gmres.take_away": Kernel(24, 4, lambda: gmres.take_away(v, v2, small, 0)),
        # the few cells of the interface, which take a tanh, are left out
        "front.phase": Kernel(24, 2, lambda: front.phase(out, f.d, f.W, f.closed)),
        "front.lithium_volume": Kernel(8, 2, lambda: front.lithium_volume(planes, f.h, cell.dx)),
        "front.band_cells": Kernel(
            10, 11, lambda: front.band_cells(f._cells_buffer, f._marks, f._counts, f.d, f.radius, L)
        ),
    }


def surface_kernels(cell: LevelSetLaw, s: Any) -> dict[str, Scattered]:
    """Return the kernels of the band and the surface."""
    f, L, n, co, t = s.front, cell.lattice, s.front.n, cell.co, cell.transport
    rx, surface, count = s.reaction, t.surface, s.front.count
    out, scratch = np.zeros(cell.shape), np.zeros(cell.shape)
    near = f.near
    built = (f.start, f.idx, f.w, f.facet, f.curvature, f.owner, f.cells, n, f.d, f.h, L, True)
    measured = (
        f.area, out, f.weight, f.facet, f.start, f.idx, f.w, count, f.touched, f.closest, f.cells, n,
        f.d, f.W, f.closed, L, True,
    )  # fmt: skip
    mended = (scratch, f.d, f.cells, n, f.radius, 0.0, 1e-9, 1.0, f.frozen, L)
    # Salt and potential at the elements, their currents, and the derivatives with respect to the salt
    start, idx, w, share = surface.start, surface.idx, surface.w, surface.share
    c_e, u, current = surface.c_e, surface.u, surface.area * rx.j
    values, du, dc_e, d_x, dI, Jg = (np.zeros(count) for _ in range(6))
    dc = np.random.default_rng(1).uniform(-1.0, 1.0, cell.shape).astype(np.float32)
    to_c, to_p = np.zeros((2, *cell.shape), np.float32)
    x, give, anions, takes = surface.x, surface.give, surface.anions, surface.takes
    felt = (c_e, x, u, share, give, anions, takes, s.c, t.psi, co.anion, co.c_0, start, idx, w, count)
    answers = (dc_e, d_x, du, dc, c_e, x, s.c, share, anions, co.anion, co.c_floor, start, idx, w, count)
    taken = (to_c, to_p, t.ratio, dI, current / c_e, dc, give, w, f.touched)
    arrays = [a.copy() for a in (rx.j, rx.J, rx.Jc, rx.j_li)]
    felt_at = (surface.driving, c_e, surface.gain, surface.bound, co.c_0, surface.behind, s.j_side, f.active)
    currents = (*arrays[:3], Jg, arrays[3], *felt_at, co.kinetics)
    extended = (out, scratch, f.weight, f.closest, f.cells, n, True, True)

    def band(call: Callable[[], Any]) -> Scattered:
        return Scattered(n, "band cell", call)

    def element(call: Callable[[], Any]) -> Scattered:
        return Scattered(count, "element", call)

    return {
        "front.closest_points": band(lambda: front.closest_points(f.closest, f.d, f.cells, n, L, True)),
        "front.redistance": band(lambda: front.redistance(*mended)),
        "front.advance": band(lambda: front.advance(out, f.d, s.v, f.cells, n, 1.0, f.radius)),
        "front.extend": band(lambda: front.extend(*extended)),
        "film.sample": Scattered(near.size, "band cell", lambda: cell.film._sample(s.film, f)),
        "elements.build": element(lambda: elements.build(*built)),
        "elements.measure": element(lambda: elements.measure(*measured)),
        "elements.at_surface": element(lambda: elements.at_surface(*felt)),
        "kinetics.surface_currents": element(lambda: kinetics.surface_currents(*currents)),
        "elements.responses": element(lambda: elements.responses(*answers)),
        "elements.exchange": element(lambda: elements.exchange(*taken)),
        "elements.gather": element(lambda: elements.gather(values, dc.reshape(-1), start, idx, w)),
        "elements.scatter": element(lambda: elements.scatter(to_p, current, share, f.touched, 1.0)),
    }


def earlier(tree: Path, quick: bool) -> dict[str, float]:
    """Return ns a cell, band cell or element of the kernels that a tree's own benchmark prints, on one thread."""
    found: dict[str, float] = {}
    column = 0
    for line in output(tree, tree / "benchmarks" / "bench_kernels.py", *["--quick"] * quick).splitlines():
        cells = [cell.strip() for cell in line.strip("| ").split("|")]
        if cells[0].startswith("kernel of"):
            column = next(i for i, name in enumerate(cells) if name.startswith("ns"))
        elif cells[0].startswith("`"):
            found[cells[0].strip("`")] = float(cells[column])
    return found


def measured(cell: LevelSetLaw, s: Any) -> dict[str, list[float]]:
    """Return ns a cell, band cell or element of each kernel, for each number of threads."""
    grid, surface = grid_kernels(cell, s), surface_kernels(cell, s)
    many = {name: s.c.size for name in grid} | {name: one.many for name, one in surface.items()}
    took: dict[str, list[float]] = {}
    for name, one in (grid | surface).items():
        for t in THREADS:
            numba.set_num_threads(t)
            took.setdefault(name, []).append(1e9 * best(one.call) / many[name])
    return took


def main() -> None:
    """Print the tables."""
    given = options(__doc__).parse_args()
    n = 64 if given.quick else 128
    cell = LevelSetLaw(rough_case((n, n, n)))
    first = cell.start()
    cell.drive(first, DRIVE)
    s = cell.step(first, DRIVE, STEP)  # the solver keeps what it worked with last
    speed, rate = dict.fromkeys(THREADS, 0.0), {t: peak(t) for t in THREADS}
    took: dict[str, list[float]] = {}
    before: dict[str, float] = {}
    for _ in range(TURNS):
        speed = {t: max(speed[t], bandwidth(t)) for t in THREADS}
        for name, ns in measured(cell, s).items():
            took[name] = [min(pair) for pair in zip(ns, took.get(name, ns), strict=True)]
        if given.against:
            try:
                for known, old in earlier(given.against.resolve(), given.quick).items():
                    name = RENAMED.get(known, known)
                    before[name] = min(old, before.get(name, old))
            except CannotRunError as error:
                print(f"The other state's kernels could not run: {error}\n")
                break
    print(
        f"Grid of {n}^3 cells, cold caches. The roof is the longer of two times: bytes over the bandwidth of the "
        "triad, and flops over the rate of arithmetic. An array that is read counts once, a written one twice, as in "
        "the triad.\n"
    )
    print(
        "; ".join(
            f"{t} thread{'s' * (t > 1)}: triad {speed[t] / 1e9:.1f} GB/s, {rate[t] / 1e9:.1f} Gflop/s"
            for t in THREADS
        )
        + f". No kernel gains more than {rate[CORES] / rate[1]:.2f} times by {CORES} threads.\n"
    )
    per = [f"{t} thread{'s' * (t > 1)}" for t in THREADS]
    compared = ["ns before, 1 thread", "roof before, 1 thread", "times as fast"] if before else []
    rows = []
    for name, one in grid_kernels(cell, s).items():
        ns = took[name]
        roofs = [1e9 * max(one.bytes / speed[t], one.flops / rate[t]) for t in THREADS]
        bound = "memory" if one.bytes / speed[1] > one.flops / rate[1] else "arithmetic"
        row = [f"`{name}`", f"{one.bytes:g}", f"{one.flops:g}", bound]
        for mine, roof in zip(ns, roofs, strict=True):
            row += [f"{mine:.2f}", f"{roof / mine:.0%}"]
        if before:
            old = before.get(name)
            row += [f"{old:.2f}", f"{roofs[0] / old:.0%}", f"{old / ns[0]:.2f}"] if old else ["new", "", ""]
        rows.append(row)
    head = ["kernel of the grid", "bytes a cell", "flops a cell", "roof by"]
    for words in per:
        head += [f"ns a cell, {words}", f"of the roof, {words}"]
    print(table([*head, *compared], rows), end="\n\n")
    rows = []
    for name, other in surface_kernels(cell, s).items():
        ns = took[name]
        row = [f"`{name}`", other.what, *(f"{mine:.1f}" for mine in ns)]
        if before:
            old = before.get(name)
            row += [f"{old:.1f}", f"{old / ns[0]:.2f}"] if old else ["new", ""]
        rows.append(row)
    print(table(["kernel of the surface", "per", *(f"ns, {words}" for words in per), *compared[::2]], rows))
    gone = [f"`{name}` {old:.1f} ns" for name, old in before.items() if name not in took]
    if gone:
        print(f"\nOnly before: {', '.join(gone)}.")


if __name__ == "__main__":
    main()
