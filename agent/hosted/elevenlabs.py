"""ElevenLabs' voices, by its official plugin."""

from __future__ import annotations

from typing import Any

from livekit.agents import NOT_GIVEN, tokenize, tts

from agent.config import Settings
from agent.engine_spec import EngineSpec
from agent.hosted.keys import PROVIDERS, key_of

FLASH = "eleven_flash_v2_5"
_FIRST_SENTENCE_CHARACTERS = 4


def elevenlabs_tts(
    settings: Settings, spec: EngineSpec, language: str, voice: str | None = None
) -> tts.TTS[Any]:
    """Speech over one WebSocket for all texts of a call. `voice` is an id of ElevenLabs'.

    Raises ValueError with a sentence for a key that cannot be one.
    """
    from livekit.plugins import elevenlabs

    provider = PROVIDERS["elevenlabs"]
    return elevenlabs.TTS(
        api_key=key_of(provider, settings),
        base_url=provider.address(settings),
        model=spec.model or FLASH,  # the model with the quickest first sound
        voice_id=voice or elevenlabs.DEFAULT_VOICE_ID,
        encoding="pcm_24000",  # the room's own rate; nothing to decode, the first bytes are sound
        auto_mode=True,  # each sentence is spoken when it comes; a schedule waits for 120 characters
        # The plugin's own takes 20 characters and the next sentence before the first one is sent:
        # “Sure.” goes out as soon as it ends.
        word_tokenizer=tokenize.blingfire.SentenceTokenizer(
            min_sentence_len=_FIRST_SENTENCE_CHARACTERS,
            stream_context_len=_FIRST_SENTENCE_CHARACTERS,
        ),
        sync_alignment=True,  # when each word is said: what was heard, and where to go on
        apply_text_normalization="auto",
        language=NOT_GIVEN if language == "auto" else language,
    )
