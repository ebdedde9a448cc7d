"""ElevenLabs' voices, by its official plugin."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from livekit.agents import (
    DEFAULT_API_CONNECT_OPTIONS,
    NOT_GIVEN,
    APIConnectOptions,
    tokenize,
    tts,
    utils,
)
from livekit.plugins import elevenlabs
from livekit.plugins.elevenlabs.tts import SynthesizeStream

from agent.config import Settings
from agent.engine_spec import EngineSpec
from agent.hosted.keys import PROVIDERS, key_of

FLASH = "eleven_flash_v2_5"
_FIRST_SENTENCE_CHARACTERS = 4
_SLOWEST, _FASTEST = 0.7, 1.2
_STABILITY, _SIMILARITY_BOOST = 0.5, 0.75
"""ElevenLabs' own defaults: who sets the speed sets these, too."""


def elevenlabs_tts(
    settings: Settings,
    spec: EngineSpec,
    language: str,
    voice: str | None = None,
    speed: float = 1.0,
) -> tts.TTS[Any]:
    """Speech over one WebSocket for all texts of a call. `voice` is an id of ElevenLabs'. A `speed`
    other than 1 takes the place of the settings that the voice has there; there is none below 0.7 or above 1.2.

    Raises ValueError with a sentence for a key that cannot be one.
    """
    provider = PROVIDERS["elevenlabs"]
    return _TTS(
        api_key=key_of(provider, settings),
        base_url=provider.address(settings),
        model=spec.model or FLASH,  # the model with the quickest first sound
        voice_id=voice or elevenlabs.DEFAULT_VOICE_ID,
        voice_settings=NOT_GIVEN if speed == 1 else _at_speed(speed),
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


def _at_speed(speed: float) -> elevenlabs.VoiceSettings:
    return elevenlabs.VoiceSettings(
        stability=_STABILITY,
        similarity_boost=_SIMILARITY_BOOST,
        speed=min(max(speed, _SLOWEST), _FASTEST),
    )


class _TTS(elevenlabs.TTS):
    """Begins no text on a connection on which one was given up: the plugin keeps one for all texts, and
    one that is dead without a sign would hold them all up, for as long as TCP hopes."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._newest: Any = None
        """The plugin's connection."""
        self._given_up: list[Any] = []
        self._reconnecting: asyncio.Task[None] | None = None

    def stream(
        self, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> SynthesizeStream:
        stream = _Stream(tts=self, conn_options=conn_options)
        self._streams.add(stream)
        return stream

    async def _current_connection(self) -> Any:
        found = await super()._current_connection()
        self._newest = found[0]
        return found

    def give_up_connection(self, timeout_s: float) -> None:
        """What else is spoken on it is spoken to its end. The next one is made at once: most texts
        are given up because the caller interrupts, and the answer should not wait for a handshake."""
        self._newest.mark_non_current()
        self._given_up = [one for one in self._given_up if not one._closed] + [self._newest]
        self._newest = None
        if self._reconnecting is None or self._reconnecting.done():
            connecting = self._reconnect(timeout_s)
            self._reconnecting = asyncio.create_task(connecting, name="elevenlabs.reconnect")

    async def _reconnect(self, timeout_s: float) -> None:
        with contextlib.suppress(Exception):  # the next text will tell
            async with asyncio.timeout(timeout_s):
                await self._current_connection()

    async def aclose(self) -> None:
        if self._reconnecting is not None:
            await utils.aio.cancel_and_wait(self._reconnecting)
        await super().aclose()
        await asyncio.gather(*(one.aclose() for one in self._given_up))
        self._given_up.clear()


class _Stream(SynthesizeStream):
    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        assert isinstance(self._tts, _TTS)
        try:
            await super()._run(output_emitter)
        except asyncio.CancelledError:
            if self._tts._newest is not None:
                self._tts.give_up_connection(self._conn_options.timeout)
            raise
