"""The rooms of the package, from its imports: draws docs/images/floor-plan.svg, or prints counts.

    python docs/floor_plan.py             draw the plan of docs/design.md
    python docs/floor_plan.py --counts    rooms, floors, circles, long functions, names defined twice, constants, lines
    python docs/floor_plan.py --counts --tree OTHER    the same of another source tree

A room is a package or a module directly below `phasefield`. Its floor is one above the highest room that it imports.
The package's own `__init__` offers names when they are first used, which is no import of a room.
"""

from __future__ import annotations

import argparse
import ast
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PICTURE = Path(__file__).parent / "images" / "floor-plan.svg"
OUTSIDE = ("kernels", "viz", "cases")  # rooms that stand at the top level
LONG, MANY = 60, 8  # lines of a function, its parameters
WIDTH, HIGH, GAP = 100.0, 8.0, 5.0  # of the plan, of a room, between floors

Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules(tree: Path) -> dict[str, Path]:
    """Return the files of all modules by their dotted names."""
    found = {}
    for top in ("phasefield", *OUTSIDE):
        for path in (tree / top).rglob("*.py"):
            if any(path.is_relative_to(tree / "phasefield" / name) for name in OUTSIDE):
                continue  # the links to the rooms outside
            parts = ["phasefield", *path.relative_to(tree).with_suffix("").parts]
            parts = parts[1:] if parts[1] == "phasefield" else parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(name: str, path: Path, known: dict[str, Path]) -> Iterator[str]:
    """Yield the modules of the package that a module imports, anywhere in its text."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            origin = ".".join([*above, node.module] if node.module else above)
            for alias in node.names:
                inner = f"{origin}.{alias.name}"
                if inner in known or origin in known:
                    yield inner if inner in known else origin


def rooms(known: dict[str, Path]) -> dict[str, set[str]]:
    """Return the rooms, and the rooms that each imports."""
    arrows: dict[str, set[str]] = {name.split(".")[1]: set() for name in known if "." in name}
    for name, path in known.items():
        if "." not in name:
            continue
        here = name.split(".")[1]
        there = {one.split(".")[1] for one in imported(name, path, known) if "." in one}
        arrows[here] |= there - {here}
    return arrows


def floors(arrows: dict[str, set[str]]) -> tuple[dict[str, int], list[str]]:
    """Return the floor of each room, and the rooms that stand in a circle and have none."""
    at: dict[str, int] = {}
    left = dict(arrows)
    while True:
        ready = [room for room, to in left.items() if all(one in at for one in to)]
        if not ready:
            return at, sorted(left)
        for room in ready:
            at[room] = 1 + max((at[one] for one in left[room]), default=0)
        left = {room: to for room, to in left.items() if room not in ready}


def below(room: str, arrows: dict[str, set[str]]) -> set[str]:
    """Return all rooms that a room imports, itself or through others."""
    found: set[str] = set()
    for other in arrows[room]:
        found |= {other} | below(other, arrows)
    return found


def functions(known: dict[str, Path]) -> Iterator[tuple[str, Function]]:
    """Yield every function with the name of its module."""
    for name, path in known.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, Function):
                yield name, node


def parameters(function: Function) -> int:
    """Return how many parameters a function has, self and cls aside."""
    a = function.args
    names = [one.arg for one in (*a.posonlyargs, *a.args, *a.kwonlyargs)]
    return len([name for name in names if name not in ("self", "cls")])


def counts(tree: Path) -> list[tuple[str, str]]:
    """Return what can be counted of the house, as pairs of names and texts."""
    known = modules(tree)
    arrows = rooms(known)
    at, circle = floors(arrows)
    folders = Counter(str(path.parent.relative_to(tree)) for path in known.values() if path.name != "__init__.py")
    folder, most = max(folders.items(), key=lambda pair: pair[1])
    sizes = [(f.end_lineno - f.lineno + 1 if f.end_lineno else 0, f"{m}.{f.name}") for m, f in functions(known)]
    long = sorted((one for one in sizes if one[0] > LONG), reverse=True)
    wide = [f"{m}.{f.name}" for m, f in functions(known) if parameters(f) > MANY]
    outside = [name for name in wide if ".kernels." not in name]
    homes: dict[str, set[str]] = defaultdict(set)
    constants = 0
    for name, path in known.items():
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].add(name)
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                called = [t.id for t in ast.walk(ast.Tuple(targets)) if isinstance(t, ast.Name)]
                numbers = node.value is not None and any(
                    isinstance(v, ast.Constant) and isinstance(v.value, int | float) for v in ast.walk(node.value)
                )
                constants += len(called) if numbers and all(one.isupper() for one in called) else 0
    twice = sorted(name for name, where in homes.items() if len(where) > 1)
    lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in known.values())
    return [
        ("rooms", str(len(arrows))),
        ("floors", str(max(at.values(), default=0))),
        ("rooms in a circle", f"{len(circle)} {' '.join(circle)}".strip()),
        ("modules", str(len(known))),
        ("modules in the fullest folder", f"{most}, {folder}"),
        (f"functions above {LONG} lines", f"{len(long)} {' '.join(f'{name}:{size}' for size, name in long)}".strip()),
        (f"functions above {MANY} parameters, outside kernels", f"{len(outside)} {' '.join(outside)}".strip()),
        ("public functions and classes of one name", f"{len(twice)} of {len(homes)}: {' '.join(twice)}"),
        ("numeric constants", str(constants)),
        ("lines", str(lines)),
    ]


def draw(tree: Path, to: Path) -> None:
    """Draw the rooms on their floors, wider where they have more lines, with arrows to the rooms they import.

    An import of a room that another import leads to as well is not drawn.
    """
    import matplotlib.pyplot as plt

    known = modules(tree)
    arrows = rooms(known)
    at, _ = floors(arrows)
    size: Counter[str] = Counter()
    for name, path in known.items():
        if "." in name:
            size[name.split(".")[1]] += len(path.read_text(encoding="utf-8").splitlines())
    top = max(at.values())
    plt.rcParams["svg.hashsalt"] = "floor plan"
    figure, axes = plt.subplots(figsize=(9.0, 0.62 * top + 0.4), layout="constrained")
    middle: dict[str, tuple[float, float]] = {}
    for floor in range(1, top + 1):
        here = sorted(room for room, f in at.items() if f == floor)
        wide = {room: 9.0 + 1.1 * len(room) + size[room] ** 0.5 / 12.0 for room in here}
        free = (WIDTH - sum(wide.values())) / (len(here) + 1)
        x, y = free, floor * (HIGH + GAP)
        for room in here:
            axes.add_patch(plt.Rectangle((x, y), wide[room], HIGH, fc="#eef2f7", ec="#33475b", lw=0.9, zorder=2))
            label = f"{room}/" if len([n for n in known if n.startswith(f"phasefield.{room}")]) > 1 else room
            axes.text(x + wide[room] / 2, y + HIGH * 0.62, label, ha="center", va="center", fontsize=9, zorder=3)
            axes.text(x + wide[room] / 2, y + HIGH * 0.24, f"{size[room]} lines", ha="center", va="center",
                      fontsize=6, color="#5b6b7b", zorder=3)  # fmt: skip
            middle[room] = (x + wide[room] / 2, y)
            x += wide[room] + free
    for room, to_rooms in arrows.items():
        for other in to_rooms:
            if any(other in below(third, arrows) for third in to_rooms):
                continue
            (x0, y0), (x1, y1) = middle[room], middle[other]
            arrow = {"arrowstyle": "->", "lw": 0.8, "color": "#5b6b7b"}
            axes.annotate("", (x1, y1 + HIGH), (x0, y0), zorder=1, arrowprops=arrow)
    axes.set_xlim(0.0, WIDTH)
    axes.set_ylim(HIGH, (top + 1) * (HIGH + GAP))
    axes.axis("off")
    to.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(to, metadata={"Date": None})
    plt.close(figure)


def main() -> None:
    """Draw, or print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", action="store_true", help="print counts, draw nothing")
    parser.add_argument("--tree", type=Path, default=ROOT, help="source tree to look at")
    given = parser.parse_args()
    if not given.counts:
        draw(given.tree, PICTURE)
        return
    for name, text in counts(given.tree):
        print(f"{name:52} {text}")


if __name__ == "__main__":
    main()
