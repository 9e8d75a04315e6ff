"""A formula of x from a file, computed without eval: numbers, x, + - * / **, and a few functions of one argument."""

from __future__ import annotations

import ast
from collections.abc import Callable

import numpy as np

from phasefield.errors import shown
from phasefield.measured.record import Floats

LONGEST = 10_000  # characters
MOST_PARTS = 2000
DEEPEST = 200  # parts inside one another
FUNCTIONS: dict[str, Callable[[Floats], Floats]] = {
    "exp": np.exp, "log": np.log, "sqrt": np.sqrt, "tanh": np.tanh, "sinh": np.sinh, "cosh": np.cosh,
    "sin": np.sin, "cos": np.cos, "arctan": np.arctan, "arcsinh": np.arcsinh,
}  # fmt: skip
_BINARY: dict[type[ast.operator], Callable[[Floats, Floats], Floats]] = {
    ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.divide, ast.Pow: np.power,
}  # fmt: skip


def evaluate(text: str, x: Floats) -> Floats:
    """Return a formula at the places x; infinite or NaN where it has no value. Raises ValueError for another text."""
    if len(text) > LONGEST:
        raise ValueError(f"a formula of {len(text)} letters; {LONGEST} at most are read")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(f"{shown(text)} is no formula of x") from None
    if sum(1 for _ in ast.walk(tree)) > MOST_PARTS:
        raise ValueError(f"a formula of more than {MOST_PARTS} parts")
    with np.errstate(all="ignore"):
        return np.broadcast_to(_value(tree.body, x, 0), x.shape).astype(np.float64)


def _value(node: ast.expr, x: Floats, depth: int) -> Floats:
    """Return the value of a part of a formula."""
    if depth > DEEPEST:
        raise ValueError(f"a formula of more than {DEEPEST} parts inside one another")
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return np.asarray(_float(number))
        case ast.Name(id="x"):
            return x
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return np.negative(_value(inner, x, depth + 1))
        case ast.UnaryOp(op=ast.UAdd(), operand=inner):
            return _value(inner, x, depth + 1)
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _BINARY:
            return _BINARY[type(operator)](_value(left, x, depth + 1), _value(right, x, depth + 1))
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in FUNCTIONS:
            return FUNCTIONS[name](_value(argument, x, depth + 1))
    known = f"numbers, x, + - * / ** and {', '.join(FUNCTIONS)}"
    raise ValueError(f"{shown(ast.unparse(node), 40)} in a formula; {known} are read")


def _float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        raise ValueError("a number of hundreds of digits in a formula") from None
