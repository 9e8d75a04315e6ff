"""Replace one expression inside one function, class attribute or module constant of a source text.

The expression is matched on the syntax tree, so layout, comments and the functions next to it do not matter. This
module uses the standard library only: a child process imports it before the package that it changes.
"""

from __future__ import annotations

import ast

SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def changed(source: str, qualname: str, old: str, new: str) -> ast.Module:
    """Return the syntax tree of a module in which `old` became `new` inside `qualname`.

    qualname: a function, 'Class.method', 'Class.attribute' or a constant of the module. Raises ValueError if the name
    is not defined exactly once, is a class, or does not contain the expression `old` exactly once.
    """
    tree = ast.parse(source)
    place = _definition(tree, qualname)
    replacing = _Replacing(old, new)
    replacing.visit(place)
    if replacing.count != 1:
        raise ValueError(f"the expression {old!r} occurs {replacing.count} times in {qualname}, not once")
    return ast.fix_missing_locations(tree)


def _definition(tree: ast.Module, qualname: str) -> ast.AST:
    """Return the node that defines `qualname`."""
    place: ast.AST = tree
    for name in qualname.split("."):
        found = [node for node in getattr(place, "body", []) if name in _names(node)]
        if len(found) != 1:
            raise ValueError(f"{qualname}: {name!r} is defined {len(found)} times, not once")
        place = found[0]
    if isinstance(place, ast.ClassDef):
        raise ValueError(f"{qualname} is a class; name one of its methods or attributes")
    return place


def _names(node: ast.AST) -> set[str]:
    """Return the names that a statement defines: a function, a class, or what an assignment assigns to."""
    if isinstance(node, SCOPES):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else []
    if isinstance(node, ast.AnnAssign) and node.value is not None:
        targets = [node.target]
    return {part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)}


def _expression(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


class _Replacing(ast.NodeTransformer):
    """Replace each expression that equals `old` and count them."""

    def __init__(self, old: str, new: str) -> None:
        self.old, self.new, self.count = ast.dump(_expression(old)), new, 0

    def visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, ast.expr) and ast.dump(node) == self.old:
            self.count += 1
            return ast.copy_location(_expression(self.new), node)
        return self.generic_visit(node)
