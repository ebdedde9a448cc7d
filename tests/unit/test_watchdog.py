"""Whatever happens in a call, nothing stays stuck, and nobody is apologised to twice for one turn."""

from __future__ import annotations

import dataclasses
from dataclasses import replace

import pytest

from agent.turns.watchdog import (
    Apologise,
    Apology,
    Cancel,
    End,
    Limits,
    State,
    View,
    Watchdog,
)

LIMITS = Limits()
IDLE = View()
CALLER = View(caller_active=True)
THINKING = View(agent_busy=True, llm_writing=True)
VOICING = View(agent_busy=True)
TOOL = View(agent_busy=True, tool_running=True)
SPEAKING = View(agent_busy=True, agent_speaking=True)


def asked(view: View = THINKING, at_s: float = 0.0) -> Watchdog:
    """A call whose turn has just gone to the language model."""
    dog = Watchdog()
    dog.committed(at_s)
    assert dog.process(at_s, view) == []
    return dog


@pytest.mark.parametrize(
    ("view", "state", "limit_s"),
    [
        (THINKING, State.THINKING, LIMITS.thinking_s),
        (TOOL, State.TOOL, LIMITS.tool_s),
        (SPEAKING, State.SPEAKING, LIMITS.sound_s),
        (replace(SPEAKING, llm_writing=True), State.SPEAKING, LIMITS.thinking_s),
    ],
)
def test_a_state_without_progress_ends_at_its_limit(
    view: View, state: State, limit_s: float
) -> None:
    dog = asked(view)
    assert (dog.state, dog.due_s) == (state, limit_s)
    assert dog.process(limit_s - 0.01, view) == []
    assert dog.process(limit_s, view) == [Cancel(state), Apologise(Apology.TROUBLE)]
    assert dog.state is State.APOLOGISING


def test_text_without_a_sound_ends_sooner_than_no_text() -> None:
    dog = asked()
    dog.wrote(5.0, is_text=True)
    assert dog.process(5.5, VOICING) == []
    assert (dog.state, dog.due_s) == (State.VOICING, 5.0 + LIMITS.voice_s)
    assert Cancel(State.VOICING) in dog.process(5.0 + LIMITS.voice_s, VOICING)


def test_progress_puts_the_end_off() -> None:
    dog = asked()
    for at_s in range(5, 50, 5):
        assert dog.process(at_s, THINKING) == []
        dog.wrote(at_s, is_text=False)
    dog = asked(SPEAKING)
    for at_s in range(2, 50, 2):
        assert dog.process(at_s, SPEAKING) == []
        dog.sounded(at_s)
    assert dog.due_s == 48 + LIMITS.sound_s


def test_a_tool_that_ends_gives_the_language_model_its_time_anew() -> None:
    dog = asked()
    dog.wrote(1.0, is_text=True)
    dog.process(1.0, TOOL)
    dog.used_tool(15.0)
    dog.process(15.0, THINKING)
    assert (dog.state, dog.due_s) == (State.THINKING, 15.0 + LIMITS.thinking_s)


def test_clear_speech_without_words_is_asked_about() -> None:
    dog = Watchdog()
    dog.spoke(10.0, LIMITS.least_speech_s)
    assert dog.process(12.9, IDLE) == []
    assert dog.process(13.0, IDLE) == [Apologise(Apology.UNHEARD)]


@pytest.mark.parametrize("speech_s", [0.0, 0.3, LIMITS.least_speech_s - 0.01])
def test_a_short_sound_is_not(speech_s: float) -> None:
    dog = Watchdog()
    dog.spoke(10.0, speech_s)
    assert (dog.state, dog.due_s) == (State.IDLE, None)


@pytest.mark.parametrize("heard_s", [9.5, 11.0])
def test_a_word_in_the_speech_or_after_it_is_enough(heard_s: float) -> None:
    dog = Watchdog()
    for at_s, act in sorted([(heard_s, "word"), (10.0, "speech")]):
        dog.heard(at_s) if act == "word" else dog.spoke(at_s, 1.0)
    assert (dog.state, dog.due_s) == (State.IDLE, None)


def test_a_word_of_the_sentence_before_is_not() -> None:
    dog = Watchdog()
    dog.heard(8.9)
    dog.spoke(10.0, 1.0)
    assert dog.state is State.WORDS


def test_words_that_never_become_a_turn_are_asked_for_again() -> None:
    dog = Watchdog()
    dog.took(1.0, has_words=True, is_final=False)
    assert dog.process(1.0 + LIMITS.turn_s, IDLE) == [
        Cancel(State.TURN),
        Apologise(Apology.UNHEARD),
    ]


def test_words_that_are_taken_back_are_nobodys() -> None:
    dog = Watchdog()
    dog.took(1.0, has_words=True, is_final=False)
    dog.took(2.0, has_words=False, is_final=True)
    assert dog.state is State.IDLE


def test_words_that_are_taken_back_after_the_agent_spoke_are_nobodys_either() -> None:
    dog = Watchdog()
    dog.took(1.0, has_words=True, is_final=True)
    dog.process(2.0, SPEAKING)
    dog.process(4.0, IDLE)
    dog.took(5.0, has_words=True, is_final=False)
    dog.took(6.0, has_words=False, is_final=True)
    assert dog.state is State.IDLE


def test_while_the_caller_speaks_nothing_is_due_for_long_and_afterwards_no_time_is_given_anew() -> (
    None
):
    dog = asked()
    dog.process(4.0, replace(THINKING, caller_active=True))
    assert dog.due_s == 4.0 + LIMITS.caller_s
    dog.process(9.0, THINKING)
    assert dog.due_s == 9.0 + LIMITS.thinking_s - 4.0


def test_sound_that_goes_on_without_a_word_is_asked_about_and_in_the_end_ends_the_call() -> None:
    dog, kinds, recogniser_begun_anew = Watchdog(), [], []
    dog.process(1.0, CALLER)
    for times in (1, 2, 3):
        at_s = 1.0 + times * LIMITS.caller_s
        assert dog.process(at_s - 0.01, CALLER) == []
        *others, told = dog.process(at_s, CALLER)
        assert isinstance(told, Apologise)
        kinds.append(told.kind)
        recogniser_begun_anew.append(others == [Cancel(State.WORDS)])
        dog.process(at_s + 1.0, replace(CALLER, apologising=True))
        ends = dog.process(at_s + 2.0, CALLER)
    assert kinds == [Apology.UNHEARD, Apology.CALL_AGAIN, Apology.GOODBYE]
    assert recogniser_begun_anew == [False, True, True]
    assert ends == [End()]


def test_sound_that_goes_on_ends_no_call_in_which_words_were_understood() -> None:
    dog, asked = Watchdog(), 0
    dog.heard(0.0)
    dog.process(1.0, CALLER)
    for times in range(1, 10):
        at_s = 1.0 + times * LIMITS.caller_s
        asked += Apologise(Apology.UNHEARD) in dog.process(at_s, CALLER)
        dog.process(at_s + 1.0, replace(CALLER, apologising=True))
        assert dog.process(at_s + 2.0, CALLER) == []
    assert asked == 9 and dog.failures == 0


@pytest.mark.parametrize(("pause_s", "lasted_s"), [(0.5, 10.0), (3.5, 0.0)])
def test_short_pauses_do_not_hide_that_sound_goes_on(pause_s: float, lasted_s: float) -> None:
    dog = Watchdog()
    dog.process(0.0, CALLER)
    dog.process(10.0, IDLE)
    dog.process(10.0 + pause_s, CALLER)
    assert dog.due_s == 10.0 + pause_s + LIMITS.caller_s - lasted_s


@pytest.mark.parametrize("sign", ["word", "sound", "text"])
def test_a_word_or_a_sound_of_the_agent_in_it_is_progress(sign: str) -> None:
    dog = Watchdog()
    view = CALLER if sign == "word" else replace(SPEAKING, caller_active=True)
    dog.process(0.0, view)
    for at_s in range(10, 100, 10):
        assert dog.process(at_s, view) == []
        match sign:
            case "word":
                dog.heard(at_s)
            case "sound":
                dog.sounded(at_s)
            case "text":
                dog.wrote(at_s, is_text=True)
    assert dog.due_s == 90 + LIMITS.caller_s


def test_what_is_stuck_under_sound_without_end_is_ended_itself() -> None:
    dog = asked()
    view = replace(THINKING, caller_active=True)
    dog.process(4.0, view)
    assert dog.process(4.0 + LIMITS.caller_s, view) == [
        Cancel(State.THINKING),
        Apologise(Apology.TROUBLE),
    ]


def test_one_turn_gets_one_apology_however_it_goes_on() -> None:
    dog = asked()
    assert len(dog.process(6.0, THINKING)) == 2
    assert dog.failed(6.1) == []
    dog.process(9.0, THINKING)
    assert dog.process(9.0 + LIMITS.thinking_s, THINKING) == [Cancel(State.THINKING)]


def test_the_second_failure_offers_to_call_again_and_the_third_ends_the_call() -> None:
    dog, kinds = Watchdog(), []
    for at_s in (0.0, 20.0, 40.0):
        dog.committed(at_s)
        (action,) = dog.failed(at_s + 1)
        assert isinstance(action, Apologise)
        kinds.append(action.kind)
        dog.process(at_s + 2, replace(IDLE, apologising=True))
        ends = dog.process(at_s + 4, IDLE)
    assert kinds == [Apology.TROUBLE, Apology.CALL_AGAIN, Apology.GOODBYE]
    assert ends == [End()]


def test_an_answer_forgives_what_was_before() -> None:
    dog = asked()
    dog.failed(1.0)
    dog.answered()
    dog.committed(5.0)
    assert dog.failed(6.0) == [Apologise(Apology.TROUBLE)]


def test_a_goodbye_that_nobody_can_say_ends_the_call_all_the_same() -> None:
    dog = Watchdog(failures=2)
    dog.committed(0.0)
    dog.failed(1.0)
    assert dog.process(1.0 + LIMITS.apology_s, replace(IDLE, apologising=True)) == [
        Cancel(State.APOLOGISING),
        End(),
    ]


def test_the_recogniser_is_begun_anew_when_it_fails_a_second_time() -> None:
    dog = Watchdog()
    dog.spoke(1.0, 1.0)
    assert dog.process(4.0, IDLE) == [Apologise(Apology.UNHEARD)]
    dog.process(6.0, replace(IDLE, apologising=True))
    dog.process(7.0, IDLE)
    dog.spoke(10.0, 1.0)
    assert dog.process(13.0, IDLE) == [Cancel(State.WORDS), Apologise(Apology.CALL_AGAIN)]


def test_noise_ends_no_call_in_which_words_were_understood() -> None:
    dog, asked_s = Watchdog(), []
    dog.heard(0.0)
    for at_s in range(5, 65, 6):
        dog.spoke(at_s, 1.0)
        actions = dog.process(at_s + LIMITS.words_s, IDLE)
        assert (Cancel(State.WORDS) in actions) == (at_s > 5)
        if Apologise(Apology.UNHEARD) in actions:
            asked_s.append(at_s)
        dog.process(at_s + 4, replace(IDLE, apologising=True))
        assert dog.process(at_s + 5, IDLE) == []
    assert asked_s == [5, 23, 41, 59]
    dog.committed(70.0)
    assert dog.failed(71.0) == [Apologise(Apology.TROUBLE)]


def test_a_factor_scales_all_limits_and_zero_takes_them_away() -> None:
    twice, never = LIMITS.scaled(2), LIMITS.scaled(0)
    for limit in dataclasses.fields(Limits):
        factor = 1 if limit.name == "least_speech_s" else 2
        assert getattr(twice, limit.name) == factor * getattr(LIMITS, limit.name)
    dog = Watchdog(limits=never)
    dog.committed(0.0)
    dog.process(0.0, THINKING)
    assert dog.due_s is None
