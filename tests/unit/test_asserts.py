"""Asserts of the product tell mypy what is known, and no more: `python -O` may leave them out.

bandit's rule against asserts is off for that reason.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
FILES = [
    path for part in ("agent", "plugins", "deploy") for path in (CHECKOUT / part).rglob("*.py")
]


def narrows(test: ast.expr) -> bool:
    """`x`, `x is not None`, `isinstance(x, T)`, and these joined by `and`; x is a name, no call."""
    match test:
        case ast.BoolOp(op=ast.And(), values=values):
            return all(map(narrows, values))
        case ast.Compare(left=left, ops=[ast.IsNot()], comparators=[ast.Constant(value=None)]):
            return is_name(left)
        case ast.Call(func=ast.Name(id="isinstance"), args=[subject, _]):
            return is_name(subject)
    return is_name(test)


def is_name(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) or (isinstance(node, ast.Attribute) and is_name(node.value))


def test_no_assert_of_the_product_does_more_than_narrow_a_type() -> None:
    assert len(FILES) > 200
    found = [
        f"{path.relative_to(CHECKOUT)}:{node.lineno}: {ast.unparse(node)}"
        for path in FILES
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Assert) and not narrows(node.test)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("test", "is_narrowing"),
    [
        ("x", True),
        ("self._x.y is not None", True),
        ("isinstance(x, T) and y", True),
        ("x == 3", False),
        ("not x", False),
        ("x or y", False),
        ("check(x)", False),
        ("x.pop() is not None", False),
        ("isinstance(read(), T)", False),
    ],
)
def test_what_narrows(test: str, is_narrowing: bool) -> None:
    assert narrows(ast.parse(test, mode="eval").body) is is_narrowing
