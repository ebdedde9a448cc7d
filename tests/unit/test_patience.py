import pytest

from agent.turns.patience import BUDGETS, Pace, parse_patience


@pytest.mark.parametrize(
    ("text", "budget"), [*BUDGETS.items(), ("5", 0.05), ("5%", 0.05), ("0.5", 0.005)]
)
def test_a_name_or_a_percentage_is_a_budget(text: str, budget: float) -> None:
    assert parse_patience(text) == pytest.approx(budget)


@pytest.mark.parametrize("text", ["", "slow", "0", "-3", "16", "nan", "inf"])
def test_anything_else_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match="eager, normal or patient"):
        parse_patience(text)


def test_a_longer_silence_is_less_probably_a_pause() -> None:
    outlasts = [Pace().outlasts(silence_s / 10) for silence_s in range(40)]
    assert outlasts[0] == 1
    assert outlasts == sorted(outlasts, reverse=True)
    assert outlasts[-1] < 0.001


def test_a_slow_caller_is_waited_for_longer_and_a_quick_one_less() -> None:
    slow, quick = Pace(), Pace()
    for _ in range(8):
        slow.paused(1.5)
        quick.paused(0.3)
    assert slow.outlasts(1) > Pace().outlasts(1) > quick.outlasts(1)


def test_one_endless_pause_does_not_make_every_pause_endless() -> None:
    pace = Pace()
    pace.paused(600)
    assert pace.outlasts(5) < 0.01
