"""Evaluates an arithmetic expression, and nothing else."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable

_BINARY: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_FUNCTIONS: dict[str, Callable[[float], float]] = {"sqrt": math.sqrt, "abs": abs, "round": round}
_MAX_LENGTH = 200
_MAX_VALUE = 1e15


class CalculationError(ValueError):
    """Not an expression, or one without a sensible result; the message can be spoken."""


def calculate(expression: str) -> str:
    """The result of `expression` (+ - * / // % ** sqrt abs round), ready to be spoken.

    Raises CalculationError.
    """
    if len(expression) > _MAX_LENGTH:
        raise CalculationError("That calculation is too long.")
    cleaned = expression.replace("^", "**").replace("×", "*").replace("÷", "/").replace(",", "")
    try:
        tree = ast.parse(cleaned.strip(), mode="eval")
        value = _evaluate(tree.body)
    except ZeroDivisionError:
        raise CalculationError("Dividing by zero has no result.") from None
    except (SyntaxError, TypeError, RecursionError, OverflowError):
        raise CalculationError(f"I cannot calculate {expression!r}.") from None
    except ValueError as e:
        raise CalculationError(str(e)) from None
    return spoken_number(value)


def spoken_number(value: float) -> str:
    """At most four decimals, no trailing zeros, thousands separated."""
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.4f}".rstrip("0").rstrip(".")


def _evaluate(node: ast.expr) -> float:
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            result: float = value
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            result = -_evaluate(operand)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            result = _evaluate(operand)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            result = _binary(op, _evaluate(left), _evaluate(right))
        case ast.Call(func=ast.Name(id=name), args=[argument]) if name in _FUNCTIONS:
            result = _FUNCTIONS[name](_evaluate(argument))
        case _:
            raise ValueError("I can only calculate with numbers.")
    if isinstance(result, complex) or math.isnan(result):
        raise ValueError("That has no real result.")
    if abs(result) > _MAX_VALUE:
        raise ValueError("That number is too large for me.")
    return result


def _binary(op: ast.operator, left: float, right: float) -> float:
    if isinstance(op, ast.Pow) and abs(right) > 64:
        raise ValueError("That number is too large for me.")
    return _BINARY[type(op)](left, right)
