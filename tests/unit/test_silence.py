from __future__ import annotations

import pytest

from agent.turns.silence import End, Prompt, SilenceWatch


def watch(*, prompt_after_s: float = 30, end_after_s: float = 20) -> SilenceWatch:
    return SilenceWatch(prompt_after_s=prompt_after_s, end_after_s=end_after_s)


def look(
    silence: SilenceWatch,
    now_s: float,
    *,
    user_speaking: bool = False,
    agent_state: str = "listening",
    is_held: bool = False,
) -> Prompt | End | None:
    return silence.process(
        now_s, user_speaking=user_speaking, agent_state=agent_state, is_held=is_held
    )


def actions(silence: SilenceWatch, until_s: float) -> list[tuple[float, Prompt | End]]:
    """Looks when it is due, as its owner does, while nothing happens."""
    look(silence, 0.0)
    taken = []
    while silence.due_s is not None and (now_s := silence.due_s) <= until_s:
        if action := look(silence, now_s):
            taken.append((now_s, action))
    return taken


@pytest.mark.parametrize(
    ("prompt_after_s", "end_after_s", "expected"),
    [
        (30, 20, [(30, Prompt()), (50, End())]),
        (30, 0, [(30, Prompt())]),
        (0, 20, [(20, End())]),
        (0, 0, []),
    ],
)
def test_a_silence_leads_to_a_prompt_and_an_end_or_to_one_of_them(
    prompt_after_s: float, end_after_s: float, expected: list[tuple[float, Prompt | End]]
) -> None:
    silence = watch(prompt_after_s=prompt_after_s, end_after_s=end_after_s)
    assert actions(silence, until_s=1000.0) == expected


def test_nothing_happens_before_it_is_due() -> None:
    silence = watch()
    assert look(silence, 0.0) is None
    assert look(silence, 29.9) is None
    assert silence.due_s == 30.0


@pytest.mark.parametrize("agent_state", ["speaking", "thinking", "initializing"])
def test_an_agent_at_work_is_no_silence(agent_state: str) -> None:
    silence = watch()
    look(silence, 0.0)
    assert look(silence, 29.0, agent_state=agent_state) is None
    assert silence.due_s is None
    assert look(silence, 100.0, agent_state=agent_state) is None
    assert look(silence, 101.0) is None
    assert silence.due_s == 131.0


def test_the_second_silence_begins_when_the_prompt_has_been_spoken() -> None:
    silence = watch()
    look(silence, 0.0)
    assert look(silence, 30.0) == Prompt()
    look(silence, 30.1, agent_state="speaking")
    look(silence, 32.0)
    assert look(silence, 51.9) is None
    assert look(silence, 52.0) == End()


def test_a_prompt_that_cannot_be_spoken_does_not_keep_the_call() -> None:
    assert actions(watch(), until_s=50.0)[-1] == (50.0, End())


def test_a_caller_who_speaks_is_asked_again_only_after_a_whole_silence() -> None:
    silence = watch()
    look(silence, 0.0)
    assert look(silence, 30.0) == Prompt()
    look(silence, 40.0, user_speaking=True)
    look(silence, 41.0)
    assert look(silence, 70.9) is None
    assert look(silence, 71.0) == Prompt()


def test_a_sign_of_life_without_speech_counts_as_well() -> None:
    silence = watch()
    look(silence, 0.0)
    silence.reset()
    look(silence, 29.0)
    assert silence.due_s == 59.0


def test_a_caller_who_is_silent_on_purpose_is_left_in_peace() -> None:
    silence = watch()
    for now_s in (0.0, 30.0, 60.0, 90.0):
        assert look(silence, now_s, is_held=True) is None
        assert silence.due_s == now_s + 30.0  # the reason may go without an event
    assert look(silence, 119.9) is None
    assert look(silence, 120.0) == Prompt()


def test_it_is_ending_until_the_caller_is_heard() -> None:
    silence = watch(prompt_after_s=0)
    look(silence, 0.0)
    assert not silence.is_ending
    assert look(silence, 20.0) == End()
    look(silence, 20.1, agent_state="speaking")
    assert silence.is_ending
    look(silence, 21.0, user_speaking=True)
    assert not silence.is_ending
