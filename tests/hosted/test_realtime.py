"""The profile `realtime` on a fake server that speaks OpenAI's events, with the cascade behind it."""

from __future__ import annotations

import asyncio

import pytest
from livekit.agents import llm
from prometheus_client import REGISTRY

from agent.realtime.assistant import Successor
from agent.realtime.deadline import AnswerDeadline
from tests.fakes.eventually import eventually
from tests.fakes.providers.coded_speech import read, words_of
from tests.fakes.providers.faults import Fault, Kind, Plan
from tests.fakes.providers.openai import REALTIME, SPEECH_TO_SPEECH, FakeOpenAI
from tests.fakes.providers.speech_to_speech import SpokenReply
from tests.hosted.realtime_call import QUESTION, RATE_HZ, chats, realtime_call

pytestmark = [pytest.mark.usefixtures("http"), pytest.mark.timeout(60)]

LONG = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"


def quick() -> AnswerDeadline:
    return AnswerDeadline(first_s=1.0, gap_s=0.5, longest_s=8.0)


def takeovers(reason: str) -> float:
    labels = {"reason": reason}
    return REGISTRY.get_sample_value("parley_realtime_takeovers_total", labels) or 0.0


async def test_the_model_greets_answers_and_the_turn_is_recorded(provider: FakeOpenAI) -> None:
    provider.realtime.costs_s = (0.08, 0.15, 0.07)
    async with realtime_call(provider, greeting="hello and welcome") as call:
        await eventually(lambda: call.said() == words_of("hello and welcome"))
        await eventually(lambda: call.session.agent_state == "listening")
        await call.ask(QUESTION)
        record = await call.record(1)
        await eventually(lambda: call.history("user") == [QUESTION])
        assert call.history("assistant")[0].strip() == "hello and welcome"
    (heard,) = provider.realtime.turns
    assert read(heard, RATE_HZ) == words_of(QUESTION)
    assert len(heard) / 2 / RATE_HZ < 3.0  # and not the silence and the greeting before
    assert (record.turn, record.outcome, record.faults) == (1, "answered", [])
    assert record.engines == dict.fromkeys(("stt", "llm", "tts"), "openai")
    assert record.speech_start_s is not None and record.speech_start_s < -1
    times = [record.eot_s, record.llm_first_s, record.tts_first_s, record.playout_s]
    assert None not in times and times == sorted(times, key=lambda at_s: at_s or 0)
    assert record.eot_s is not None and record.playout_s is not None
    assert record.playout_s - record.eot_s > 0.3 and record.clause_s is None
    assert record.heard_chars == len(f"I heard {QUESTION}.")


@pytest.mark.parametrize("turns", ["server_vad", "semantic_vad"])
async def test_the_server_may_find_the_turns(provider: FakeOpenAI, turns: str) -> None:
    async with realtime_call(provider, agent_realtime_turns=turns) as call:
        await call.ask(QUESTION)
        record = await call.record(1)
    assert (record.outcome, record.faults) == ("answered", [])
    assert call.said() == words_of(f"I heard {QUESTION}")
    assert not provider.realtime.of("input_audio_buffer.commit")
    asked = provider.realtime.of("session.update")[0]["session"]["audio"]["input"]
    assert asked["turn_detection"]["type"] == turns


async def test_an_interrupted_answer_is_truncated_to_what_was_heard(provider: FakeOpenAI) -> None:
    provider.realtime.replies.append(SpokenReply(text=LONG))
    async with realtime_call(provider) as call:
        await call.ask(QUESTION)
        await call.until_agent_speaks()
        await asyncio.sleep(1.2)
        await call.ask("wait stop what about the second one")
        await call.record(2)
        played_s = call.loudspeaker.played[0].duration_s
        first = call.records[0]
    (truncated,) = provider.realtime.of("conversation.item.truncate")
    assert truncated["audio_end_ms"] == pytest.approx(played_s * 1000, abs=1)
    assert truncated["audio_end_ms"] < 3500  # of 3.9 s, all of which had come
    assert first.outcome == "interrupted"
    assert first.heard_chars is not None and 5 < first.heard_chars < len(LONG)
    assert [record.outcome for record in call.records] == ["interrupted", "answered"]
    assert len(provider.realtime.turns) == 2


async def test_a_typed_turn_is_answered(provider: FakeOpenAI) -> None:
    async with realtime_call(provider) as call:
        call.session.generate_reply(user_input="how are you")
        record = await call.record(1)
        assert call.history("user") == ["how are you"]
    assert record.outcome == "answered" and record.speech_start_s is None


async def test_what_is_typed_while_the_call_is_handed_over_is_answered(
    provider: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with realtime_call(provider) as call:
        await call.ask(QUESTION)
        await call.record(1)
        copy = Successor.update_chat_ctx

        async def copy_and_type(self: Successor, context: llm.ChatContext) -> None:
            await copy(self, context)
            call.session.generate_reply(user_input="how are you")

        monkeypatch.setattr(Successor, "update_chat_ctx", copy_and_type)
        await provider.realtime.inject(Fault(kind=Kind.DROP))
        record = await call.record(2)
        assert call.history("user")[-1] == "how are you"
        assert await call.take_over.instead() is not None
    assert (record.turn, record.outcome) == (2, "answered")
    assert call.said()[-3:] == words_of("how are you")


REPLIES = {
    "ends in mid-word": ("connection", SpokenReply(text=LONG, breaks_after_s=0.5)),
    "stalls in mid-word": ("stalled", SpokenReply(text=LONG, stalls_after_s=0.5)),
    "never begins": ("late", SpokenReply(text=LONG, is_mute=True)),
    "never ends": ("endless", SpokenReply(text=LONG, is_endless=True)),
    "is refused": ("error", SpokenReply(text=LONG, refusal="rate_limit_exceeded")),
    "fails": ("error", SpokenReply(text=LONG, failure="server_error")),
}


@pytest.mark.parametrize(
    ("name", "turns", "transcription_s"),
    [
        *((name, "own", 60.0) for name in REPLIES),
        ("ends in mid-word", "own", 0.1),
        ("stalls in mid-word", "server_vad", 60.0),
        ("fails", "server_vad", 60.0),
    ],
)
async def test_the_cascade_answers_when_the_models_answer(
    provider: FakeOpenAI, name: str, turns: str, transcription_s: float
) -> None:
    """Whether or not the model has told the words of the question."""
    reason, reply = REPLIES[name]
    before = takeovers(reason)
    provider.realtime.replies.append(reply)
    provider.realtime.transcription_s = transcription_s
    async with realtime_call(provider, deadline=quick(), agent_realtime_turns=turns) as call:
        await call.ask(QUESTION)
        record = await call.record(1)
        assert call.history("user") == [QUESTION]
        assert call.history("assistant")[-1].strip() == f"I heard {QUESTION}."
        await call.ask("and who are you")
        second = await call.record(2)
    assert takeovers(reason) == before + 1
    assert (record.turn, record.outcome, record.faults) == (1, "answered", ["realtime"])
    assert (second.turn, second.outcome, second.faults) == (2, "answered", [])


@pytest.mark.parametrize("transcription_s", [0.1, 60.0])
async def test_a_cough_over_an_answer_that_breaks_off_does_not_lose_its_question(
    provider: FakeOpenAI, transcription_s: float
) -> None:
    """Whether or not the model has told the words of the question."""
    provider.realtime.replies.append(SpokenReply(text=LONG, breaks_after_s=3.0))
    provider.realtime.pace = 1.5
    provider.realtime.transcription_s = transcription_s
    async with realtime_call(provider, deadline=quick()) as call:
        await call.ask(QUESTION)
        await call.until_agent_speaks()
        call.microphone.cough()
        await call.until_cascade()
        await eventually(lambda: f"I heard {QUESTION}" in call.history("assistant")[-1])
        assert call.history("user")[-1].startswith(
            QUESTION
        )  # and the cough after it, if heard again


async def test_a_cough_over_an_answer_that_has_come_does_not_cut_it(provider: FakeOpenAI) -> None:
    provider.realtime.replies.append(SpokenReply(text=LONG))
    async with realtime_call(provider) as call:
        await call.ask(QUESTION)
        await call.until_agent_speaks()
        await asyncio.sleep(1.0)  # all of it has come
        call.microphone.cough()
        await asyncio.sleep(0.4)
        await provider.realtime.inject(Fault(kind=Kind.DROP))
        record = await call.record(1)
        assert call.said() == words_of(LONG) and record.outcome == "answered"


@pytest.mark.parametrize(
    ("fault", "turns"),
    [
        (Fault(kind=Kind.DROP), "own"),
        (Fault(kind=Kind.STATUS, status=500), "own"),
        (Fault(kind=Kind.GARBAGE), "own"),
        (Fault(kind=Kind.DROP), "server_vad"),
    ],
    ids=str,
)
async def test_no_word_is_lost_when_the_model_fails_in_mid_sentence(
    provider: FakeOpenAI, fault: Fault, turns: str
) -> None:
    async with realtime_call(provider, agent_realtime_turns=turns) as call:
        call.microphone.say(LONG)
        await asyncio.sleep(1.5)
        await provider.realtime.inject(fault)  # what is no end shows at the next event
        record = await call.record(1)
        assert call.history("user") == [LONG]
    assert (record.outcome, record.faults) == ("answered", ["realtime"])


@pytest.mark.parametrize("turns", ["own", "server_vad"])
async def test_a_new_session_in_mid_sentence_hears_it_from_its_beginning(
    provider: FakeOpenAI, monkeypatch: pytest.MonkeyPatch, turns: str
) -> None:
    """As after 20 minutes, whoever speaks just then."""
    monkeypatch.setattr("agent.realtime.openai.RENEWED_AFTER_S", 8.0)
    async with realtime_call(provider, agent_realtime_turns=turns) as call:
        await asyncio.sleep(6.0)
        await call.ask(LONG)
        assert provider.realtime.sessions == 2
        record = await call.record(1)
        assert not call.take_over.is_done
    assert (record.outcome, record.faults) == ("answered", [])
    assert read(provider.realtime.turns[0], RATE_HZ) == words_of(LONG)


async def test_a_half_open_line_is_noticed_at_the_next_turn(provider: FakeOpenAI) -> None:
    async with realtime_call(provider, deadline=quick()) as call:
        await call.ask(QUESTION)
        await call.record(1)
        await provider.realtime.inject(Fault(kind=Kind.HALF_OPEN))
        await call.ask("and who are you")
        record = await call.record(2)
        assert call.history("user") == [QUESTION, "and who are you"]
    assert (record.outcome, record.faults) == ("answered", ["realtime"])
    asked = chats(provider)[-1]
    spoken = [(it["role"], it["content"].strip()) for it in asked if it["role"] != "system"]
    assert spoken == [
        ("user", QUESTION),
        ("assistant", f"I heard {QUESTION}."),
        ("user", "and who are you"),
    ]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind=Kind.STATUS, status=401),
        Fault(kind=Kind.STATUS, status=429),
        Fault(kind=Kind.RESET),
        Fault(kind=Kind.HTML),
    ],
    ids=str,
)
async def test_without_a_session_the_cascade_greets(provider: FakeOpenAI, fault: Fault) -> None:
    provider.plans[SPEECH_TO_SPEECH] = Plan.always(fault)
    async with realtime_call(provider, greeting="hello and welcome") as call:
        await eventually(lambda: call.said() == words_of("hello and welcome"))
        await call.until_cascade()
        await eventually(lambda: call.session.agent_state == "listening")
        await call.ask(QUESTION)
        assert (await call.record(1)).outcome == "answered"


async def test_a_session_that_refuses_its_voice_is_left(provider: FakeOpenAI) -> None:
    """All of the configuration is refused with it: instructions, tools and who ends turns."""
    before = takeovers("refused")
    async with realtime_call(provider, agent_voice="af_heart") as call:
        await call.until_cascade()
        await call.ask(QUESTION)
        assert (await call.record(1)).outcome == "answered"
    assert takeovers("refused") == before + 1 and not provider.realtime.turns


async def test_what_is_said_waits_for_an_answer_that_the_server_has_begun(
    provider: FakeOpenAI,
) -> None:
    """It does so by itself, and a request that meets it is refused."""
    provider.realtime.replies.append(SpokenReply(text="one two three"))
    provider.realtime.costs_s = (0.5, 0.0, 0.0)
    async with realtime_call(provider, agent_realtime_turns="server_vad") as call:
        await call.ask(QUESTION)
        await eventually(lambda: len(provider.realtime.turns) == 1)
        session = call.take_over.assistant.realtime_llm_session
        await session.say("tea is ready")
        await eventually(lambda: len(provider.realtime.of("response.create")) == 2)
        await call.record(1)
        assert not call.take_over.is_done


async def test_speech_has_the_pace_that_the_api_allows(provider: FakeOpenAI) -> None:
    async with realtime_call(provider, agent_speed=2.0) as call:
        await call.ask(QUESTION)
        assert (await call.record(1)).faults == []
    (asked, *_) = provider.realtime.of("session.update")
    assert asked["session"]["audio"]["output"]["speed"] == 1.5


async def test_a_session_whose_speech_has_another_rate_is_left(provider: FakeOpenAI) -> None:
    provider.realtime.rate_hz = 16_000
    before = takeovers("sound")
    async with realtime_call(provider) as call:
        await call.until_cascade()
        await call.ask(QUESTION)
        assert (await call.record(1)).outcome == "answered"
    assert takeovers("sound") == before + 1


async def test_a_turn_without_words_goes_to_the_model_all_the_same(provider: FakeOpenAI) -> None:
    """The recogniser hears none: the model may."""
    provider.plans[REALTIME] = Plan.always(Fault(kind=Kind.EMPTY))
    async with realtime_call(provider) as call:
        await call.ask(QUESTION)
        record = await call.record(1)
    assert record.outcome == "answered"
    assert read(provider.realtime.turns[0], RATE_HZ) == words_of(QUESTION)


@pytest.mark.parametrize(("words", "turns"), [("", 2), ("hello", 3)])
async def test_noise_is_answered_twice_unless_the_model_hears_words(
    provider: FakeOpenAI, words: str, turns: int
) -> None:
    provider.plans[REALTIME] = Plan.always(Fault(kind=Kind.EMPTY))
    provider.realtime.understand = lambda pcm: words
    provider.realtime.reply = lambda turn, words: SpokenReply(text="what")
    async with realtime_call(provider) as call:
        for number in range(1, 4):
            await call.ask(QUESTION)  # of which its recogniser hears no word
            if number <= turns:
                await call.record(number)
                await eventually(lambda: call.session.agent_state == "listening")
                await asyncio.sleep(0.3)
        await asyncio.sleep(3.0)
    assert len(provider.realtime.turns) == turns and not call.take_over.is_done
