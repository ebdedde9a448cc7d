from __future__ import annotations

import pytest

from agent.tools.arithmetic import CalculationError, calculate


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("12 * 7", "84"),
        ("2 + 3 * 4", "14"),
        ("(2 + 3) * 4", "20"),
        ("10 / 4", "2.5"),
        ("1 / 3", "0.3333"),
        ("2^10", "1,024"),
        ("7 % 4", "3"),
        ("-5 + +2", "-3"),
        ("sqrt(144)", "12"),
        ("1,000 × 2", "2,000"),
        ("9 ÷ 3", "3"),
        ("0.1 + 0.2", "0.3"),
    ],
)
def test_arithmetic_is_right_and_speakable(expression: str, result: str) -> None:
    assert calculate(expression) == result


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ("1 / 0", "Dividing by zero"),
        ("two", "only calculate with numbers"),
        ("__import__('os')", "only calculate"),
        ("2 +", "cannot calculate"),
        ("9**9**9", "too large"),
        ("10**20", "too large"),
        ("sqrt(-1)", "."),
        ("(-8) ** 0.5", "no real result"),
        ("True + 1", "only calculate"),
        ("1+" * 200 + "1", "too long"),
    ],
)
def test_anything_else_is_refused_with_a_sentence(expression: str, sentence: str) -> None:
    with pytest.raises(CalculationError, match=sentence):
        calculate(expression)
