"""What comes in OpenAI's answers under a wrong name: no word of them is lost, doubled or misheard."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit.agents import llm
from livekit.plugins.chains import Breakers, ChainLLM, Member

from agent.engine_spec import EngineSpec
from agent.hosted.body import EventLines
from agent.hosted.openai import openai_llm, openai_tts
from tests.chaos.providers import FIRST_MODEL, SECOND_MODEL, TwoModels, chat_of, without_call
from tests.fakes.providers.answer import HTML
from tests.fakes.providers.coded_speech import words_of
from tests.fakes.providers.faults import Fault, Kind, Plan
from tests.fakes.providers.openai import FakeOpenAI, OwnSound
from tests.hosted.hosts import settings_for
from tests.hosted.trials import SENTENCE, speak

REPLY = "I know much about that river. It was built long ago."
PIECES = len(words_of(REPLY)) + 4
"""A beginning, the words, an end, the usage, and a last line."""
OPENAI = EngineSpec(name="openai")

EVENT_STREAM = (
    b': hello\r\ndata: {"a": 1}\n\nevent: end\nid: 7\nretry: 1000\rdata\n\ndata: [DONE]\n\n'
)


def pieces_of(content: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(content), *(cut % len(content) for cut in cuts)})
    return [content[a:b] for a, b in zip(places, places[1:], strict=False)]


@given(st.lists(st.integers(0, 200)))
def test_a_stream_of_events_is_all_events_however_it_comes(cuts: list[int]) -> None:
    lines = EventLines()
    pieces = pieces_of(EVENT_STREAM, cuts)
    assert [lines.process(piece) for piece in pieces] == [len(piece) for piece in pieces]


@given(st.lists(st.integers(0, 200)))
@pytest.mark.parametrize("garbage", [HTML.encode(), b"upstream error", b"data= 1\n", b"\x00\n"])
def test_what_is_no_event_is_known_by_the_end_of_its_line(garbage: bytes, cuts: list[int]) -> None:
    lines, good = EventLines(), 0
    for piece in pieces_of(EVENT_STREAM + garbage + EVENT_STREAM, cuts):
        count = lines.process(piece)
        good += count
        if count < len(piece):
            break
    else:
        raise AssertionError("nothing was found")
    assert len(EVENT_STREAM) <= good < len(EVENT_STREAM) + len(b"data: ")


@given(st.integers(0, 200))
@pytest.mark.parametrize(
    ("last", "is_end"),
    [
        (b"data: [DONE]\n\n", True),
        (b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\n', True),
        (b'data: {"type": "speech.audio.done"}\n\n', True),
        (b'data: {"choices": [{"delta": {"content": "a"}, "finish_reason": null}]}\n\n', False),
        (b'data: {"choices": [{"delta": {"content": "\\"finish_reason\\": \\"a\\""}}]}\n\n', False),
    ],
)
def test_the_end_of_a_stream_is_known_however_it_comes(last: bytes, is_end: bool, cut: int) -> None:
    lines = EventLines()
    for piece in pieces_of(last, [cut]):
        assert lines.process(piece) == len(piece)
    assert lines.has_end == is_end


@pytest.mark.parametrize("kind", [Kind.HTML, Kind.GARBAGE, Kind.TRUNCATE])
async def test_nonsense_and_an_end_anywhere_in_a_stream_cost_no_word(kind: Kind) -> None:
    async with TwoModels().running() as provider:
        provider.reply = lambda body: without_call(REPLY, body)
        heard = []
        for after in range(PIECES):
            provider.plans[chat_of(FIRST_MODEL)] = Plan.always(Fault(kind=kind, after=after))
            heard.append(await _answer(provider))
    assert heard == [REPLY] * PIECES


async def _answer(provider: FakeOpenAI) -> str:
    settings = settings_for(provider)
    members = [
        Member(model, openai_llm(settings, EngineSpec(name="openai", model=model)), 2.0)
        for model in (FIRST_MODEL, SECOND_MODEL)
    ]
    context = llm.ChatContext.empty()
    context.add_message(role="user", content="Tell me about the river.")
    async with ChainLLM(members, Breakers()) as chain, chain.chat(chat_ctx=context) as stream:
        text = [chunk.delta.content or "" async for chunk in stream if chunk.delta]
    for member in members:
        await member.engine.aclose()
    return "".join(text)


@pytest.mark.parametrize(
    "sound",
    [
        OwnSound(content_type="audio/pcm", rate_hz=16_000, is_wav=True),
        OwnSound(content_type="application/octet-stream", rate_hz=48_000, is_wav=True),
        OwnSound(content_type="audio/mpeg", rate_hz=22_050, is_wav=True),
        OwnSound(content_type="audio/wav", rate_hz=16_000, is_wav=True),
        OwnSound(content_type="audio/pcm;rate=24000", rate_hz=24_000, is_wav=False),
    ],
    ids=str,
)
async def test_sound_whose_rate_is_told_is_heard_as_it_is(sound: OwnSound) -> None:
    async with FakeOpenAI(own_sound=sound).running() as provider:
        engine = openai_tts(settings_for(provider), OPENAI)
        outcome = await speak(engine)
        await engine.aclose()
    assert outcome.got == words_of(SENTENCE)


@pytest.mark.parametrize("content_type", ["audio/pcm;rate=16000", "audio/L16; rate=16000"])
async def test_raw_sound_that_is_told_to_be_of_another_rate_is_not_played(
    content_type: str,
) -> None:
    sound = OwnSound(content_type=content_type, rate_hz=16_000, is_wav=False)
    async with FakeOpenAI(own_sound=sound).running() as provider:
        engine = openai_tts(settings_for(provider), OPENAI)
        outcome = await speak(engine)
        await engine.aclose()
    assert (outcome.end, outcome.got) == ("APIConnectionError", [])
    assert "16000 Hz" in str(outcome.error)
