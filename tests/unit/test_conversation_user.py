"""The caller that follows a goal by rules."""

from __future__ import annotations

from typing import Any

from evals.conversations.scenario import Simulated
from evals.conversations.user import Done, GoalUser, Say


def user(*wants: dict[str, Any], **facts: Any) -> GoalUser:
    return GoalUser(Simulated.model_validate({"goal": "g", "wants": list(wants), **facts}))


def test_it_says_what_it_wants_one_after_the_other_and_is_content() -> None:
    caller = user({"say": "one"}, {"say": "two"})
    assert caller.start() == Say("one")
    assert caller.process("Done.") == Say("two")
    assert caller.process("Done.") == Done(is_content=True)


def test_an_answer_without_what_it_waits_for_makes_it_ask_in_other_words() -> None:
    caller = user({"say": ["how much is it", "what does it cost"], "until": "euros"})
    assert caller.start() == Say("how much is it")
    assert caller.process("It is a nice day.") == Say("what does it cost")
    assert caller.process("It is ten euros.") == Done(is_content=True)


def test_misunderstood_or_unanswered_it_says_it_again() -> None:
    caller = user({"say": "one"}, patience=5)
    caller.start()
    for answer in ("Sorry, I did not get that.", "Could you say it again?", "", "  "):
        assert caller.process(answer) == Say("one")


def test_it_gives_up_after_so_many_times_and_says_why() -> None:
    caller = user({"say": "one"}, patience=2)
    moves = [caller.start(), *(caller.process("") for _ in range(3))]
    assert moves[:3] == [Say("one")] * 3
    assert moves[3] == Done(is_content=False, why="said 'one' 3 times in vain")


def test_a_question_is_answered_and_does_not_count_as_misunderstood() -> None:
    replies = [{"to": "how long", "say": "ten minutes"}]
    caller = user({"say": "a timer please"}, {"say": "thanks"}, replies=replies, patience=0)
    assert caller.start() == Say("a timer please")
    assert caller.process("For how long?") == Say("ten minutes")
    assert caller.process("It is set.") == Say("thanks")


def test_asked_the_same_again_and_again_it_gives_up() -> None:
    caller = user(
        {"say": "a timer"}, replies=[{"to": "how long", "say": "ten minutes"}], patience=1
    )
    caller.start()
    moves = [caller.process("How long?") for _ in range(3)]
    assert moves[:2] == [Say("ten minutes")] * 2
    assert isinstance(moves[2], Done) and not moves[2].is_content


def test_what_settles_a_want_settles_it_even_in_a_question() -> None:
    replies = [{"to": "anything else", "say": "no"}]
    caller = user({"say": "a timer", "until": "ten minutes"}, replies=replies)
    caller.start()
    assert caller.process("Ten minutes. Anything else?") == Done(is_content=True)
