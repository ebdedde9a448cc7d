"""What callers say, as a recogniser writes it, and what they mean."""

import time
from functools import cache

import pytest
from livekit.plugins.responder import load_skills
from livekit.plugins.responder.intents import find_matches
from livekit.plugins.responder.skills import SkillSet

HARMLESS = {"faq", "recall"}
"""Skills that only look something up: a question may end there."""


@cache
def skill_set() -> SkillSet:
    return load_skills()


def names(text: str) -> list[str]:
    return [match.skill.name for match in find_matches(text, skill_set().skills)]


@pytest.mark.parametrize(
    ("text", "skill"),
    [
        ("what time is it", "time"),
        ("what dime is it", "time"),
        ("what time is that", "time"),
        ("what time it is", "time"),
        ("what time is it please", "time"),
        ("could you please tell me what time it is", "time"),
        ("um what's the time", "time"),
        ("yeah i wanted to know what time is it", "time"),
        ("what time is it in new york", "time"),
        ("the time please", "time"),
        ("what is the date today", "date"),
        ("what day is today", "date"),
        ("what day is it", "date"),
        ("set a timer for ten seconds", "set_timer"),
        ("set a timer for tense seconds", "set_timer"),
        ("set a time her for ten minutes", "set_timer"),
        ("said a timer for ten minutes", "set_timer"),
        ("that a timer for ten minutes", "set_timer"),
        ("set the timer four ten minutes", "set_timer"),
        ("ok please set a ten minute timer for pasta", "set_timer"),
        ("ten minute timer", "set_timer"),
        ("can you remind me in an hour to call mum", "set_timer"),
        ("set a timer", "set_timer_without_duration"),
        ("cancel the timer", "cancel_timer"),
        ("cancel my pasta timer", "cancel_timer"),
        ("which timers are running", "list_timers"),
        ("how much time is left", "list_timers"),
        ("what is twelve times seven", "calculate"),
        ("how much is a hundred divided by four", "calculate"),
        ("twelve plus seven", "calculate"),
        ("remember that my dog is called rex", "remember"),
        ("please remember my car is on level three", "remember"),
        ("my name is anna", "remember_name"),
        ("what did i tell you about my dog", "recall"),
        ("what is my name", "recall"),
        ("hello", "hello"),
        ("hi there", "hello"),
        ("how are you", "how_are_you"),
        ("hello how are you", "how_are_you"),
        ("who are you", "who_are_you"),
        ("what can you do", "help"),
        ("tell me a story", "story"),
        ("can you tell me a long story", "story"),
        ("repeat that please", "repeat"),
        ("thank you very much", "thanks"),
        ("goodbye", "goodbye"),
        ("good bye", "goodbye"),
        ("thank you goodbye", "goodbye"),
        ("please hang up", "goodbye"),
        ("end the call", "goodbye"),
        ("what are your opening hours", "faq"),
        ("where is the nearest train station", "faq"),
        ("tell me about the return policy", "faq"),
        ("is breakfast included", "faq"),
        ("are dogs allowed upstairs", "faq"),
        ("does the shop deliver on sundays", "faq"),
        ("has the museum opened yet", "faq"),
        ("should i bring my passport", "faq"),
        ("who built you", "faq"),
        ("no set a timer for ten minutes", "set_timer"),
        ("wait what time is it", "time"),
        ("cancel the ten minute timer", "cancel_timer"),
    ],
)
def test_requests_are_understood(text: str, skill: str) -> None:
    assert names(text) == [skill]


@pytest.mark.parametrize(
    "text",
    [
        "do not set a timer for ten minutes",
        "no don't set a timer for ten minutes",
        "why did you set a timer for ten minutes",
        "i set a timer for ten minutes yesterday and it was great",
        "set a table for ten minutes",
        "he set the table for dinner at eight",
        "the timer on my oven is broken",
        "wake me up when september ends",
        "ten minutes",
        "i remember when we were kids",
        "do you remember the nineties",
        "cancel my subscription",
        "stop the music",
        "good boy",
        "by the way",
        "buy some milk",
        "that is not goodbye",
        "i said goodbye to my dog",
        "how do you say goodbye in french",
        "i will see you on monday at the office",
        "hang up the picture",
        "the end of the call was bad",
        "what is the date of the meeting",
        "what time does the shop open",
        "a date with destiny",
        "time flies",
        "we had a great time in london",
        "it was the best of times it was the worst of times",
        "four score and seven years ago",
        "one two three four five",
        "i like trains",
        "the weather is nice today",
        "my dog ate the homework and i was sad",
        "blah blah blah",
        "um uh",
        "…",
        "",
    ],
)
def test_other_talk_does_nothing(text: str) -> None:
    assert set(names(text)) <= HARMLESS


@pytest.mark.parametrize(
    ("text", "skills"),
    [
        ("what time is it and set a timer for ten seconds", ["time", "set_timer"]),
        ("set a timer for ten seconds and tell me the time", ["set_timer", "time"]),
        ("My name is Rex. What time is it?", ["remember_name", "time"]),
        ("Hello! What time is it?", ["hello", "time"]),
        ("remember that i like tea and biscuits", ["remember"]),
        ("what time is it and what time is it", ["time"]),
        ("set a timer for one hour and twenty minutes", ["set_timer"]),
    ],
)
def test_two_requests_in_one_turn_are_both_understood(text: str, skills: list[str]) -> None:
    assert names(text) == skills


def test_a_statement_is_no_question() -> None:
    assert names("it is a nice day") == names("the shop has opened") == []


def test_slots_keep_the_words_as_they_were_written() -> None:
    (match,) = find_matches("Remember that my dog is called Rex", skill_set().skills)
    assert match.slots["note"].value == "my dog is called Rex"


@pytest.mark.parametrize("joint", [" and then ", ". "])
def test_an_endless_turn_takes_no_longer_than_a_long_one(joint: str) -> None:
    sentence = "i was thinking about the time we set a timer for one hour"
    long, endless = joint.join([sentence] * 4), joint.join([sentence] * 400)
    names(long)
    assert cpu_s(endless) < 4 * cpu_s(long) + 0.02


def cpu_s(text: str) -> float:
    started_s = time.thread_time()
    names(text)
    return time.thread_time() - started_s
