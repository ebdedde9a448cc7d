"""The sentences of a failing call, in espeak's voice and where there is none."""

import time

import numpy as np
from livekit.plugins.speechcore import EngineError, level_dbfs

from agent.apology import Apologies, embedded_voice
from agent.playout import SAMPLE_RATE_HZ
from agent.turns.watchdog import Apology

SENTENCES = {kind: f"This is sentence {kind.value}." for kind in Apology}


async def pcm_of(apologies: Apologies, kind: Apology) -> bytes | None:
    frames = await apologies.audio(kind)
    if frames is None:
        return None
    pcm = b""
    async for frame in frames:
        assert (frame.sample_rate, frame.num_channels) == (SAMPLE_RATE_HZ, 1)
        pcm += bytes(frame.data)
    return pcm


async def test_the_embedded_voice_says_it_at_the_rate_of_the_playout() -> None:
    apologies = Apologies(SENTENCES, embedded_voice(None))
    pcm = await pcm_of(apologies, Apology.TROUBLE)
    apologies.close()
    assert pcm is not None
    assert 0.8 < len(pcm) / 2 / SAMPLE_RATE_HZ < 4
    assert level_dbfs(pcm) > -30


async def test_another_language_sounds_otherwise_and_an_unknown_one_is_left_to_the_call() -> None:
    spoken = []
    for voice in (None, "de", "nonesuch"):
        apologies = Apologies(SENTENCES, embedded_voice(voice))
        spoken.append(await pcm_of(apologies, Apology.UNHEARD))
        apologies.close()
    english, german, unknown = spoken
    assert english != german
    assert german is not None
    assert np.frombuffer(german, np.int16).any()
    assert unknown is None


async def test_a_sentence_is_made_once() -> None:
    asked = []

    def voice(text: str) -> bytes:
        asked.append(text)
        return b"\x01\x00" * 5000

    apologies = Apologies(SENTENCES, voice)
    first = await pcm_of(apologies, Apology.GOODBYE)
    assert first == await pcm_of(apologies, Apology.GOODBYE) == b"\x01\x00" * 5000
    apologies.close()
    assert asked == [SENTENCES[Apology.GOODBYE]]


async def test_a_voice_that_is_missing_mute_or_stuck_is_no_voice() -> None:
    def missing(text: str) -> bytes:
        raise EngineError("not installed")

    def stuck(text: str) -> bytes:
        time.sleep(3)
        return b"\x01\x00"

    for voice in (missing, lambda text: b"", stuck):
        apologies = Apologies(SENTENCES, voice)
        assert await apologies.audio(Apology.TROUBLE) is None
        apologies.close()
