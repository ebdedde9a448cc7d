from __future__ import annotations

import pytest
from livekit.plugins import espeak, pocketsphinx, simulated

from agent.self_test import speak_and_listen, voice_for


@pytest.mark.timeout(60)
async def test_the_embedded_engines_understand_each_other() -> None:
    speaker = espeak.TTS(voice=voice_for("espeak", "pocketsphinx"))
    listener = pocketsphinx.STT()
    try:
        result = await speak_and_listen(speaker, listener)
    finally:
        await speaker.aclose()
        await listener.aclose()
    assert result.passed, result.heard
    assert 0 < result.tts_first_s < result.audio_s
    assert 0.5 < result.audio_s < 3


async def test_the_simulated_engines_hear_that_there_was_sound() -> None:
    result = await speak_and_listen(simulated.TTS(), simulated.STT())
    assert result.passed


async def test_a_voice_that_is_not_understood_fails_the_test() -> None:
    speaker = simulated.TTS()  # a tone
    listener = pocketsphinx.STT()
    result = await speak_and_listen(speaker, listener)
    assert not result.passed
    await listener.aclose()
