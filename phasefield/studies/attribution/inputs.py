"""Groups of inputs in which two cases may differ, and the cases between them."""

from __future__ import annotations

import copy
import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from phasefield.case import Case
from phasefield.errors import PhasefieldError

Tree = dict[str, Any]

ALIKE = ("temperature", "grid", "surface", "protocol")  # what both cases must have in common
PROPERTIES = ("electrolyte", "kinetics", "lithium", "film", "counter")  # tables that the groups take from
SEEDS = ("surface.seed", "surface.substrate.seed", "counter.surface.seed", "film.patches.seed")


@dataclass(frozen=True)
class Group:
    """Inputs that change together: a name, and dotted keys of a resolved case; a key takes all below it along."""

    name: str
    keys: tuple[str, ...]


GROUPS = (
    Group("conductivity", (
        "electrolyte.conductivity", "electrolyte.conductivity_barrier", "electrolyte.salt_diffusivity",
        "electrolyte.diffusivity_barrier", "electrolyte.concentration_dependence",
    )),
    Group("transference number", ("electrolyte.transference_number",)),
    Group("thermodynamic factor", ("electrolyte.thermodynamic_factor",)),
    Group("salt concentration", ("electrolyte.salt_concentration", "kinetics.reference_concentration")),
    Group("exchange current", (
        "kinetics.exchange_current_density", "kinetics.exchange_current_barrier", "kinetics.transfer_coefficient",
        "kinetics.concentration_exponent", "counter.kinetics",
    )),
    Group("film conductance", (
        "film.conductivity", "film.conductivity_barrier", "film.thickness", "counter.film",
    )),
    Group("film growth", ("film.growth",)),
    Group("film made anew", ("film.repair",)),
    Group("film patchiness", ("film.patches.spread", "film.patches.size")),
    Group("film renewal", ("film.patches.renewal",)),
    Group("lithium", ("lithium",)),
)  # fmt: skip
_ALL_PATCHES = Group("film patchiness", ("film.patches",))  # where one of the two has none


@dataclass(frozen=True)
class Pair:
    """Two cases, resolved, and the groups in which they differ."""

    names: tuple[str, str]
    trees: tuple[Tree, Tree]
    groups: tuple[Group, ...]

    def mixture(self, taken: int, seed: int | None) -> str:
        """Return the case text of the first with those groups of the second whose bit is set in `taken`.

        seed: of surface and patches; None: as the first case has them.
        """
        names = [group.name for k, group in enumerate(self.groups) if taken >> k & 1]
        tree = self._mixed(taken)
        one, other = self.names
        if names:
            everything = len(names) == len(self.groups)
            tree["title"] = f"{one} with {'everything' if everything else ', '.join(names)} of {other}"
        return _text(tree if seed is None else _sown(tree, seed))

    def _mixed(self, taken: int) -> Tree:
        tree = copy.deepcopy(self.trees[0])
        for k, group in enumerate(self.groups):
            if taken >> k & 1:
                for key in group.keys:
                    _take(tree, self.trees[1], key.split("."))
        return tree

    @property
    def same_numerics(self) -> bool:
        """Whether the settings of the method, which every mixture has from the first case, are the second's, too."""
        return bool(_plain(self.trees[0].get("numerics")) == _plain(self.trees[1].get("numerics")))

    def left(self) -> list[str]:
        """Return the tables in which all groups together do not lead from the first case to the second."""
        mixed, other = _plain(self._mixed((1 << len(self.groups)) - 1)), _plain(self.trees[1])
        for tree in (mixed, other):
            tree["electrolyte"].pop("name", None)
        return [table for table in PROPERTIES if mixed.get(table) != other.get(table)]

    def statuses(self, group: Group) -> list[str]:
        """Return what is known about the values of a group that differ: "measured", "calibrated" and so on."""
        found: dict[str, None] = {}
        for key in group.keys:
            values = [_find(tree, key.split(".")) for tree in self.trees]
            if _plain(values[0]) != _plain(values[1]):
                found |= dict.fromkeys(status for value in values for status in _statuses(value))
        return list(found)


def pair_of(one: Case, other: Case, names: tuple[str, str], sown: bool = True) -> Pair:
    """Return two cases and the groups in which they differ; sown: their seeds are set anew and may differ.

    Raises PhasefieldError if they do not differ, or in more than the properties of the cell, or are full cells.
    """
    if one.cathode is not None or other.cathode is not None:
        raise PhasefieldError(
            f"{names[0]}, {names[1]}: a full cell's voltage is its cathode's in the first place, nothing to attribute "
            "to the electrolyte; take the lithium cells, -s cathode=none"
        )
    trees = (tomllib.loads(one.resolved_toml()), tomllib.loads(other.resolved_toml()))
    if not sown:
        for key in SEEDS:
            seeds = [_find(tree, key.split(".")) for tree in trees]
            if None not in seeds and seeds[0] != seeds[1]:
                raise PhasefieldError(
                    f"{names[0]}, {names[1]}: differ in {key}, {seeds[0]} and {seeds[1]}; make it the same with -s, or "
                    "give --seeds 2 or more"
                )
    for name in ALIKE:
        if _plain(trees[0].get(name)) != _plain(trees[1].get(name)):
            raise PhasefieldError(
                f"{names[0]}, {names[1]}: differ in [{name}], too; make it the same in both, e.g. with -s, so that "
                "the properties of the cells alone make the difference"
            )
    both = [_plain(_find(tree, ("counter", "surface"))) for tree in trees]
    if both[0] != both[1]:
        raise PhasefieldError(
            f"{names[0]}, {names[1]}: differ in [counter.surface], too; resolve the counter electrode in both or none"
        )
    bare = any("patches" not in tree["film"] for tree in trees)
    groups = []
    for group in GROUPS:
        if bare and group.name == "film renewal":
            continue
        known = _ALL_PATCHES if bare and group.name == "film patchiness" else group
        sides = [[_plain(_find(tree, key.split("."))) for key in known.keys] for tree in trees]
        if sides[0] != sides[1]:
            groups.append(known)
    if not groups:
        raise PhasefieldError(f"{names[0]}, {names[1]}: have the same properties; nothing to attribute")
    pair = Pair(names, trees, tuple(groups))
    if pair.left():
        raise PhasefieldError(
            f"{names[0]}, {names[1]}: differ in [{pair.left()[0]}] in what no group of inputs holds; this is a bug"
        )
    return pair


def seeded(case: Case, seed: int) -> str:
    """Return a case as text, resolved, with another seed of surface and patches."""
    return _text(_sown(tomllib.loads(case.resolved_toml()), seed))


def _sown(tree: Tree, seed: int) -> Tree:
    for key in SEEDS:
        *tables, last = key.split(".")
        table = tree
        for name in tables:
            table = table.get(name, {})
        if last in table:
            table[last] = seed
    return tree


def _find(tree: Mapping[str, Any], key: Sequence[str]) -> Any:
    for part in key:
        if not isinstance(tree, Mapping) or part not in tree:
            return None
        tree = tree[part]
    return tree


def _take(tree: Tree, other: Tree, key: Sequence[str]) -> None:
    """Give `tree` what `other` has under a key; nothing if it has nothing."""
    value = _find(other, key)
    for part in key[:-1]:
        tree = tree.setdefault(part, {})
    if value is None:
        tree.pop(key[-1], None)
    else:
        tree[key[-1]] = copy.deepcopy(value)


def _plain(value: Any) -> Any:
    """Return a value without its source, status and temperature, seeds apart."""
    if isinstance(value, dict):
        if "value" in value:
            return value["value"]
        return {name: _plain(one) for name, one in value.items() if name != "seed"}
    return value


def _statuses(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "value" in value:
            if "status" in value:
                yield value["status"]
        else:
            for one in value.values():
                yield from _statuses(one)


def _text(tree: Tree) -> str:
    """Return the tables of a case as TOML."""
    plain = [f"{name} = {_toml(value)}" for name, value in tree.items() if not isinstance(value, dict)]
    tables = [
        "\n".join([f"\n[{name}]", *(f"{key} = {_toml(one)}" for key, one in value.items())])
        for name, value in tree.items()
        if isinstance(value, dict)
    ]
    return "\n".join([*plain, *tables]) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        inside = ", ".join(f"{name} = {_toml(one)}" for name, one in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, list):
        return f"[{', '.join(_toml(one) for one in value)}]"
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
