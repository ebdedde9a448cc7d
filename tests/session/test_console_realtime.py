"""Calls in a terminal with a model that hears and speaks by itself, on a fake server in a thread."""

from __future__ import annotations

import time

import pytest

from agent.config import Settings
from tests.fakes.providers.coded_speech import read, words_of
from tests.fakes.providers.moshi import FakeMoshi
from tests.fakes.providers.openai import FakeOpenAI
from tests.fakes.providers.speech_to_speech import SpokenReply
from tests.fakes.providers.thread import served
from tests.fakes.sound_device import Machine
from tests.hosted.hosts import settings_for
from tests.session.terminal import Terminal, at_a_terminal, in_writing
from tests.stack.caller import resample
from tests.stack.speech import speech

pytestmark = pytest.mark.timeout(60)

QUESTION = "What time is it?"
SUM = "What is twelve times seven?"
ANSWER = "it is a fine day"
LONG = "one two three four five six seven eight nine ten eleven twelve"
EMBEDDED = {"agent_stt": "pocketsphinx", "agent_llm": "responder", "agent_tts": "espeak"}


def moshi(server: FakeMoshi) -> Settings:
    return Settings.model_validate({"agent_realtime": f"moshi:{server.address}", **EMBEDDED})


def asked_aloud(machine: Machine, terminal: Terminal) -> None:
    time.sleep(1.0)
    machine.say(resample(speech(QUESTION), 48_000, machine.rate_hz))
    terminal.wait_for("turn 1 answered")


def was_heard(machine: Machine, text: str) -> bool:
    """Whether coded speech came out of the loudspeaker; a busy machine may tear a word."""
    heard = read(b"".join(machine.heard), machine.rate_hz)
    return len(set(words_of(text)) - set(heard)) <= 1


def test_a_realtime_model_is_talked_with_and_the_cascade_goes_on_when_it_is_gone() -> None:
    machine = Machine()
    with served(FakeOpenAI()) as server:
        server.provider.realtime.replies.append(SpokenReply(text=ANSWER))

        def person(terminal: Terminal) -> None:
            terminal.wait_for("How can I help you?")
            asked_aloud(machine, terminal)
            server.run(server.provider.go_down())
            terminal.type(f"{SUM}\n")
            terminal.wait_for("turn 2 answered")

        settings = settings_for(server.provider, **EMBEDDED)
        shown = at_a_terminal(machine, person, settings, "realtime")
    assert len(server.provider.realtime.turns) == 1
    assert was_heard(machine, ANSWER)
    assert f"agent {ANSWER}" in shown and "agent That is 84." in shown
    assert shown.index(ANSWER) < shown.index("84")


def test_moshi_is_talked_with_and_what_is_typed_when_the_sound_is_gone_is_answered_behind_it() -> (
    None
):
    machine = Machine()
    with served(FakeMoshi(greeting="hello dear friend", replies=(ANSWER,))) as server:

        def person(terminal: Terminal) -> None:
            terminal.wait_for("dear friend")
            asked_aloud(machine, terminal)
            machine.is_unplugged.set()
            terminal.wait_for("The call goes on in writing.")
            terminal.type(f"{SUM}\n")
            terminal.wait_for("turn 2 answered")

        shown = at_a_terminal(machine, person, moshi(server.provider), "realtime")
    assert len(server.provider.minds) == 1
    assert was_heard(machine, ANSWER)
    assert ANSWER in shown and "agent That is 84." in shown


def test_in_writing_each_line_is_answered_also_those_that_the_model_fails_at() -> None:
    with served(FakeOpenAI()) as server:
        server.provider.realtime.replies += [
            SpokenReply(text=ANSWER),
            SpokenReply(text=LONG, breaks_after_s=0.3),
        ]
        lines = f"How is the weather?\n{SUM}\nWhat is two plus three?\n"
        settings = settings_for(server.provider, **EMBEDDED)
        status, shown = in_writing(lines, settings, "realtime")
    assert status == 0
    said = [line for line in shown.splitlines() if line.startswith(("you", "agent"))]
    assert said[1:3] == ["you   How is the weather?", f"agent {ANSWER}"]
    assert said[3] == f"you   {SUM}" and "agent That is 84." in said[4:6]
    assert said[-2:] == ["you   What is two plus three?", "agent That is 5."]


def test_in_writing_the_engines_behind_moshi_answer_in_its_place() -> None:
    with served(FakeMoshi()) as server:
        status, shown = in_writing(f"{SUM}\n", moshi(server.provider), "realtime")
    assert status == 0 and not server.provider.minds
    assert "takes no writing" in shown and "That is 84." in shown
