"""What providers should never send, to the chains as a call has them: the answer comes all the same."""

from __future__ import annotations

import logging

import pytest

from evals.chaos.lines import pipeline, reply_to, settings_of, turn_of
from tests.chaos.providers import FIRST_MODEL, Order, chat_of, running_providers
from tests.chaos.trials import Trial
from tests.fakes.providers.deepgram import LISTEN
from tests.fakes.providers.faults import Fault, Kind, Plan
from tests.fakes.providers.openai import REALTIME, SPEECH

pytestmark = pytest.mark.usefixtures("http")

REFUSED = Fault(kind=Kind.STATUS, status=401)
NOUNS = ("river", "bakery", "violin", "garden")


NONSENSE = [
    ("llm", "HTML with 200"),
    ("llm", "first: 10 MB line"),
    ("llm", "midway: HTML"),
    ("llm", "nothing but empty"),
    ("tts", "HTML with 200"),
    ("tts", "midway: HTML"),
    ("tts", "midway: truncated"),
    ("tts", "midway: 10 MB line"),
    ("tts", "nothing but empty"),
]
ORDERS: tuple[Order, ...] = ("deepgram first", "openai first")
CASES = [(order, Trial(*case)) for order in ORDERS for case in NONSENSE]  # type: ignore[arg-type]
# Only ElevenLabs tells when its words are said: that gives a wrong rate away.
CASES.append(("deepgram first", Trial("tts", "wrong rate")))


@pytest.mark.parametrize(("order", "trial"), CASES, ids=str)
async def test_nonsense_of_a_provider_is_not_heard(order: Order, trial: Trial) -> None:
    async with running_providers(order) as providers:
        providers.openai.reply = reply_to
        async with pipeline(settings_of(providers)) as engines:
            await providers.prepare(trial)
            turn = await turn_of(engines, "river")
    assert turn.problems() == []


async def test_a_voice_whose_raw_sound_has_another_rate_is_left_once_that_is_known() -> None:
    async with running_providers("openai first") as providers:
        providers.openai.reply = reply_to
        plan = providers.openai.plans[SPEECH] = Plan.always(Fault(kind=Kind.WRONG_RATE))
        async with pipeline(settings_of(providers)) as engines:
            turns = [await turn_of(engines, noun) for noun in NOUNS[:3]]
            taken = plan.taken
            turns.append(await turn_of(engines, NOUNS[3]))
    assert [bool(turn.problems()) for turn in turns] == [True, True, False, False]
    assert plan.taken == taken


async def test_a_key_that_expires_in_mid_call_is_told_once_and_not_used_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with running_providers("deepgram first") as providers:
        providers.openai.reply = reply_to
        plan = providers.openai.plans[chat_of(FIRST_MODEL)] = Plan(faults=[None], then=REFUSED)
        async with pipeline(settings_of(providers)) as engines:
            with caplog.at_level(logging.ERROR, "livekit.plugins.chains"):
                turns = [await turn_of(engines, noun) for noun in NOUNS]
    assert [turn.problems() for turn in turns] == [[]] * len(NOUNS)
    assert plan.taken == 2
    told = [it for it in caplog.records if it.name == "livekit.plugins.chains"]
    assert len(told) == 1 and "restart the worker" in told[0].message
    assert providers.openai.key not in caplog.text


async def test_a_key_of_the_ears_and_of_the_voice_may_expire_too() -> None:
    async with running_providers("deepgram first") as providers:
        providers.openai.reply = reply_to
        trials = (Trial("stt", "401"), Trial("tts", "401"))
        services = [providers.target(trial) for trial in trials]
        for provider, service in services:
            provider.plans[service] = Plan(faults=[None], then=REFUSED)
        async with pipeline(settings_of(providers)) as engines:
            turns = [await turn_of(engines, noun) for noun in NOUNS[:3]]
        taken = [provider.plans[service].taken for provider, service in services]
    assert [turn.problems() for turn in turns] == [[]] * 3
    assert taken[0] == 2


async def test_empty_transcripts_of_all_ears_are_no_words_and_end_no_ear() -> None:
    """What the caller hears meanwhile is the watchdog's: tests/session/test_watch.py."""
    nothing = Fault(kind=Kind.EMPTY)
    async with running_providers("deepgram first") as providers:
        providers.openai.reply = reply_to
        providers.deepgram.plans[LISTEN] = Plan.always(nothing)
        providers.openai.plans[REALTIME] = Plan.always(nothing)
        async with pipeline(settings_of(providers)) as engines:
            unheard = await turn_of(engines, NOUNS[0])
            await providers.heal()
            heard = [await turn_of(engines, noun) for noun in NOUNS[1:3]]
    assert (unheard.understood, unheard.spoken) == ("", ())
    assert [turn.problems() for turn in heard] == [[], []]
