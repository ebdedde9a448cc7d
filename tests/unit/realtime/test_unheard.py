"""What the next session of a realtime model has to hear again."""

from __future__ import annotations

import base64

import pytest

from agent.realtime.unheard import Event, Unheard

APPEND = "input_audio_buffer.append"


def sound(number: int, length_s: float = 0.1) -> Event:
    pcm = number.to_bytes(2, "little") * round(length_s * 24_000)
    return {"type": APPEND, "audio": base64.b64encode(pcm).decode()}


def numbers(events: list[Event]) -> list[int]:
    return [int.from_bytes(base64.b64decode(it["audio"])[:2], "little") for it in events]


def sent(unheard: Unheard, *numbers: int) -> None:
    for number in numbers:
        unheard.sent(sound(number))


@pytest.mark.parametrize("over", ["input_audio_buffer.commit", "input_audio_buffer.clear"])
def test_a_turn_that_is_not_over_is_heard_again_in_order_and_once(over: str) -> None:
    unheard = Unheard(finds_turns=False)
    sent(unheard, 1, 2)
    unheard.sent({"type": over})
    unheard.sent({"type": "response.create"})
    sent(unheard, 3, 4)
    assert numbers(unheard.take()) == [3, 4]
    assert unheard.take() == []


def test_what_the_server_tells_of_our_own_commit_forgets_nothing_of_the_next_turn() -> None:
    unheard = Unheard(finds_turns=False)
    unheard.sent({"type": "input_audio_buffer.commit"})
    sent(unheard, 5)
    unheard.told({"type": "input_audio_buffer.committed"})
    assert numbers(unheard.take()) == [5]


def test_of_the_silence_before_a_turn_that_the_server_finds_only_a_little_is_heard_again() -> None:
    unheard = Unheard(finds_turns=True)
    sent(unheard, *range(50))
    unheard.told({"type": "input_audio_buffer.speech_started"})
    sent(unheard, *range(50, 60))
    assert numbers(unheard.take()) == list(range(44, 60))


def test_a_turn_that_the_server_found_the_end_of_is_not_heard_again() -> None:
    unheard = Unheard(finds_turns=True)
    unheard.told({"type": "input_audio_buffer.speech_started"})
    sent(unheard, *range(20))
    unheard.told({"type": "input_audio_buffer.speech_stopped"})
    sent(unheard, 20)
    assert numbers(unheard.take()) == [20]


def test_a_turn_without_end_is_kept_for_a_minute() -> None:
    unheard = Unheard(finds_turns=False)
    for number in range(100):
        unheard.sent(sound(number, 1.0))
    assert numbers(unheard.take()) == list(range(40, 100))
